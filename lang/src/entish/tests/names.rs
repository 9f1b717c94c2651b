//! `docs/library.md` has a chapter on each file of the library, and names no function that is not there.

use crate::entish::library::{self, LIBRARY, Module};

const DOCUMENT: &str = include_str!("../../../../docs/library.md");

/// The chapters on files of the library: which, and what stands there.
fn chapters() -> impl Iterator<Item = (Vec<&'static Module>, &'static str)> {
    DOCUMENT.split("\n### ").skip(1).map(|chapter| {
        let (title, text) = chapter.split_once('\n').expect("there is text below the title");
        let modules = title.split(", ").map(|name| library::module(name).expect(name));
        (modules.collect(), text)
    })
}

#[test]
fn each_file_has_its_chapter() {
    let described: Vec<_> = chapters().flat_map(|(modules, _)| modules).map(|module| module.name).collect();
    let public = LIBRARY.iter().filter(|module| !module.is_internal).map(|module| module.name);
    let missing: Vec<_> = public.filter(|name| !described.contains(name)).collect();
    assert!(missing.is_empty(), "nothing is said of {missing:?}");
}

#[test]
fn every_function_that_is_listed_is_there() {
    let mut listed = 0;
    for (modules, text) in chapters() {
        for span in text.split('`').skip(1).step_by(2) {
            let Some((name, _)) = span.split_once('(') else { continue };
            let (module, name) = name.split_once('.').unwrap_or(("", name));
            let mut of = modules.iter().filter(|of| module.is_empty() || of.name == module);
            // Built-in functions are named as well.
            let is_there = of.any(|of| of.part(name).is_some()) || matches!(name, "str" | "len");
            assert!(is_there, "there is no `{span}`");
            listed += 1;
        }
    }
    assert!(listed >= 60, "{listed} functions were found");
}
