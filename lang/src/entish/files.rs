//! The files of a program: the one that is named, those that it imports, and those that these do.

use super::Collect;
use super::parse;
use super::say;
use crate::diagnostic::Diagnostic;
use std::ops::Range;

/// The library, by the names by which its files are imported.
const LIBRARY: &[(&str, &str)] = &[
    ("runtime", include_str!("std/runtime.et")),
    ("tables", include_str!("std/tables.et")),
    ("collector", include_str!("std/collector.et")),
    ("border", include_str!("std/border.et")),
    ("flat", include_str!("std/flat.et")),
    ("failures", include_str!("std/failures.et")),
    ("floats", include_str!("std/floats.et")),
    ("naturals", include_str!("std/naturals.et")),
    ("buffers", include_str!("std/buffers.et")),
    ("input", include_str!("std/input.et")),
    ("jobs", include_str!("std/jobs.et")),
    ("lists", include_str!("std/lists.et")),
    ("maps", include_str!("std/maps.et")),
    ("numbers", include_str!("std/numbers.et")),
    ("random", include_str!("std/random.et")),
    ("sha256", include_str!("std/sha256.et")),
    ("sorting", include_str!("std/sorting.et")),
    ("strings", include_str!("std/strings.et")),
];

/// What every program is compiled with, imported or not.
const ALWAYS: [&str; 8] =
    ["collector", "runtime", "tables", "border", "flat", "failures", "floats", "naturals"];

/// Those that only files of the library import: they do what no program may.
const INTERNAL: [&str; 5] = ["runtime", "tables", "border", "flat", "failures"];

/// A line of the collector, and what stands there if it collects always.
const IF_DUE: &str = "\nconst ALWAYS = 0\n";
const COLLECT_ALWAYS: &str = "\nconst ALWAYS = 1\n";

/// A file may have so many bytes.
pub const FILE_BYTES_MAX: usize = crate::entish::lex::FILE_MAX;
/// So many files may be imported.
const FILES_MAX: usize = 1000;

/// A file of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is called in messages.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A file, and the name by which it is imported.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: File,
    /// Empty for the program itself.
    pub(super) module: String,
    pub(super) is_library: bool,
}

/// What is wrong, in the file with this index.
pub(super) type Wrong = (u32, Diagnostic);

/// Finds the file that is imported by this name; `None` if there is none, and an error in words if it cannot be read.
pub type Find<'a> = dyn FnMut(&str) -> Result<Option<File>, String> + 'a;

/// Loads all files of a program. For the program's files, one of its own goes before one of the library with the same name;
/// those of the library import each other.
pub(super) fn load(program: File, find: &mut Find<'_>, collect: Collect) -> (Vec<Source>, Vec<Wrong>) {
    let mut sources = vec![Source { file: program, module: String::new(), is_library: false }];
    for name in ALWAYS {
        let mut source = library(name);
        if let Some(source) = source.as_mut().filter(|_| collect == Collect::Always) {
            source.file.text = source.file.text.replace(IF_DUE, COLLECT_ALWAYS);
        }
        sources.extend(source);
    }
    let mut wrong = Vec::new();
    let mut imports: Vec<Vec<(u32, Range<u32>)>> = Vec::new();
    let mut next = 0;
    while let Some(source) = sources.get(next) {
        let index = u32::try_from(next).unwrap_or(u32::MAX);
        let mut of_file = Vec::new();
        for (name, span) in parse::imports(&source.file.text) {
            let of_library = sources[next].is_library;
            let target = known(&sources, &name, of_library).or_else(|| {
                if sources.len() >= FILES_MAX {
                    wrong.push((index, say::too_many_files(&span, FILES_MAX)));
                    return None;
                }
                let own = match if of_library { Ok(None) } else { find(&name) } {
                    Ok(own) => own.map(|file| Source { file, module: name.clone(), is_library: false }),
                    Err(error) => {
                        wrong.push((index, say::unreadable_import(&span, &name, &error)));
                        return None;
                    }
                };
                let is_hidden = !of_library && INTERNAL.contains(&name.as_str());
                if own.is_none()
                    && !is_hidden
                    && let Some(known) = known(&sources, &name, true)
                {
                    return Some(known);
                }
                let found = own.or_else(|| library(&name).filter(|_| !is_hidden));
                let Some(found) = found else {
                    let names = LIBRARY.iter().map(|&(name, _)| name);
                    let names = names.filter(|name| !INTERNAL.contains(name));
                    wrong.push((index, say::no_such_file(&span, &name, names)));
                    return None;
                };
                sources.push(found);
                Some(sources.len() - 1)
            });
            of_file.extend(target.and_then(|target| u32::try_from(target).ok()).map(|target| (target, span)));
        }
        imports.push(of_file);
        next += 1;
    }
    wrong.extend(circles(&sources, &imports));
    (sources, wrong)
}

/// The file with this name, if it has been found before.
fn known(sources: &[Source], name: &str, is_library: bool) -> Option<usize> {
    sources.iter().position(|source| source.is_library == is_library && source.module == name)
}

/// Whether a program can import a file of the library by this name.
pub(super) fn is_module(name: &str) -> bool {
    LIBRARY.iter().any(|of| of.0 == name) && !INTERNAL.contains(&name)
}

/// The file of the library that has a function with this name, among those that a program imports.
pub(super) fn module_with(name: &str) -> Option<&'static str> {
    let defines = |line: &str| {
        line.strip_prefix("def ")
            .and_then(|line| line.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let mut files = LIBRARY.iter().filter(|of| !INTERNAL.contains(&of.0) && of.0 != "floats");
    files.find(|(_, text)| text.lines().any(defines)).map(|of| of.0)
}

/// A file of the library.
fn library(name: &str) -> Option<Source> {
    let &(name, text) = LIBRARY.iter().find(|&&(known, _)| known == name)?;
    let file = File { name: format!("<library>/{name}.et"), text: text.to_owned() };
    Some(Source { file, module: name.to_owned(), is_library: true })
}

/// Imports that close a circle.
fn circles(sources: &[Source], imports: &[Vec<(u32, Range<u32>)>]) -> Vec<Wrong> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnWay,
        Done,
    }
    let mut seen = vec![Seen::No; sources.len()];
    let mut wrong = Vec::new();
    for start in 0..sources.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::OnWay;
        // The way from the start to here: files, and which of their imports is next.
        let mut way = vec![(start, 0)];
        while let Some((file, import)) = way.last_mut() {
            let Some((target, span)) = imports[*file].get(*import) else {
                seen[*file] = Seen::Done;
                way.pop();
                continue;
            };
            *import += 1;
            let (from, target) = (*file, *target as usize);
            match seen[target] {
                Seen::No => {
                    seen[target] = Seen::OnWay;
                    way.push((target, 0));
                }
                Seen::OnWay => {
                    let begins = way.iter().position(|&(file, _)| file == target).unwrap_or(0);
                    let names = way[begins..].iter().map(|&(file, _)| sources[file].file.name.as_str());
                    let index = u32::try_from(from).unwrap_or(u32::MAX);
                    wrong.push((index, say::circle(span, names.chain([sources[target].file.name.as_str()]))));
                }
                Seen::Done => {}
            }
        }
    }
    wrong
}
