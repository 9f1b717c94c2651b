//! Programs with what is made of them, and mistakes with what is said of them.

mod errors;
mod formed;
mod hostile;
mod programs;
mod show;

use super::super::hir::Program;
use super::super::parse::parse;
use super::{Module, check};
use crate::Diagnostics;
use crate::diagnostic::render;

macro_rules! library {
    ($($name:literal)*) => { &[$( ($name, include_str!(concat!("../../std/", $name, ".et"))) ),*] };
}

const LIBRARY: &[(&str, &str)] = library! {
    "border" "buffers" "collector" "failures" "flat" "floats" "input" "lists" "maps" "naturals" "numbers" "random" "runtime" "jobs" "sha256" "sorting" "strings" "tables"
};

/// Checks a program, with files that it may import; gives what is wrong as people read it.
fn checked(source: &str, files: &[(&str, &str)]) -> Result<Program, String> {
    let library = |name: &str| LIBRARY.iter().find(|file| file.0 == name).copied();
    let mut all: Vec<_> = [("", source)]
        .into_iter()
        .chain(["runtime", "tables", "border"].into_iter().filter_map(library))
        .collect();
    let mut wrong = Vec::new();
    let mut parsed = Vec::new();
    while let Some(&(_, text)) = all.get(parsed.len()) {
        let (ast, diagnostics) = parse(text);
        wrong.extend(
            diagnostics.into_iter().map(|diagnostic| (u32::try_from(parsed.len()).unwrap_or(0), diagnostic)),
        );
        for import in &ast.imports {
            let found = files.iter().find(|file| file.0 == import.text).copied();
            let known = all.iter().any(|file| file.0 == import.text);
            all.extend(found.or_else(|| library(import.text)).filter(|_| !known));
        }
        parsed.push(ast);
    }
    let modules: Vec<_> = (0..)
        .zip(all.iter().zip(&parsed))
        .map(|(file, (&(name, _), ast))| Module { name, ast, file, is_library: library(name).is_some() })
        .collect();
    let result = if wrong.is_empty() { check(&modules, None) } else { Err(wrong) };
    result.map_err(|wrong| {
        let mut message = String::new();
        for (index, (name, text)) in (0..).zip(&all) {
            let of_file = wrong.iter().filter(|of| of.0 == index).map(|of| of.1.clone()).collect();
            let name = if name.is_empty() { "program" } else { name };
            message += &render(&format!("{name}.et"), text, &Diagnostics::of(text, of_file), false);
        }
        message
    })
}
