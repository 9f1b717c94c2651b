//! The files of a program: the one that is named, those that it imports, and those that these do.

use super::Collect;
use super::parse;
use super::say;
use crate::diagnostic::Diagnostic;
use std::collections::BTreeMap;
use std::ops::Range;

/// The library, by the names by which its files are imported.
const LIBRARY: &[(&str, &str)] = &[
    ("runtime", include_str!("std/runtime.et")),
    ("collector", include_str!("std/collector.et")),
    ("border", include_str!("std/border.et")),
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

/// What every program is compiled with, imported or not. All that files of the library import is among these, so that a
/// program's own file with the name of another one does not get between them.
const ALWAYS: [&str; 5] = ["collector", "runtime", "border", "floats", "naturals"];

/// A line of the collector, and what stands there if it collects always.
const IF_DUE: &str = "\nconst ALWAYS = 0\n";
const COLLECT_ALWAYS: &str = "\nconst ALWAYS = 1\n";

/// A file may have so many bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;
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

/// Loads all files of a program. A file of the program's own goes before one of the library with the same name, but not before
/// those that every program is compiled with.
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
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let mut imports: Vec<Vec<(u32, Range<u32>)>> = Vec::new();
    let mut next = 0;
    while let Some(source) = sources.get(next) {
        let index = u32::try_from(next).unwrap_or(u32::MAX);
        known.entry(source.module.clone()).or_insert(index);
        let mut of_file = Vec::new();
        for (name, span) in parse::imports(&source.file.text) {
            let at = ALWAYS.iter().position(|&always| always == name).map(|at| at + 1);
            let found = at.or_else(|| sources.iter().position(|source| source.module == name));
            let target = found.or_else(|| {
                if sources.len() >= FILES_MAX {
                    wrong.push((index, say::too_many_files(&span, FILES_MAX)));
                    return None;
                }
                let found = match find(&name) {
                    Ok(Some(file)) => Some(Source { file, module: name.clone(), is_library: false }),
                    Ok(None) => library(&name),
                    Err(error) => {
                        wrong.push((index, say::unreadable_import(&span, &name, &error)));
                        return None;
                    }
                };
                let Some(found) = found else {
                    wrong.push((
                        index,
                        say::no_such_file(&span, &name, LIBRARY.iter().map(|&(name, _)| name)),
                    ));
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
