//! The files of a program: the one that is named, those that it imports, and those that these do. What they import of the
//! library is not loaded here (`library`).

use super::library;
use super::parse;
use super::say;
use crate::diagnostic::Diagnostic;
use std::ops::Range;

/// A file may have so many bytes.
pub const FILE_BYTES_MAX: usize = crate::entish::lex::FILE_MAX;
/// So many files may be imported.
pub(super) const FILES_MAX: usize = 1000;

/// A file of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is called in messages.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What is wrong, in the file with this index.
pub(super) type Wrong = (u32, Diagnostic);

/// Finds the file that is imported by this name; `None` if there is none, and an error in words if it cannot be read.
pub type Find<'a> = dyn FnMut(&str) -> Result<Option<File>, String> + 'a;

/// Loads the files of a program: the files, and the names by which they are imported, the program itself with an empty one. One of
/// its own with the name of one of the library is refused: nobody could tell which of the two is meant.
pub(super) fn load(program: File, find: &mut Find<'_>) -> (Vec<File>, Vec<String>, Vec<Wrong>) {
    let (mut files, mut names) = (vec![program], vec![String::new()]);
    let mut wrong = Vec::new();
    let mut imports: Vec<Vec<(usize, Range<u32>)>> = Vec::new();
    let mut next = 0;
    while let Some(file) = files.get(next) {
        let index = u32::try_from(next).unwrap_or(u32::MAX);
        let mut of_file = Vec::new();
        for (name, span) in parse::imports(&file.text) {
            if let Some(known) = names.iter().position(|known| *known == name) {
                of_file.push((known, span));
                continue;
            }
            if files.len() >= FILES_MAX {
                wrong.push((index, say::too_many_files(&span, FILES_MAX)));
                continue;
            }
            match find(&name) {
                Ok(Some(file)) if library::can_import(&name) => {
                    wrong.push((index, say::import_of_two(&span, &name, &file.name)));
                }
                Ok(Some(file)) => {
                    of_file.push((files.len(), span));
                    files.push(file);
                    names.push(name);
                }
                Ok(None) if library::can_import(&name) => {}
                Ok(None) => {
                    let names = library::modules().map(|module| module.name);
                    wrong.push((index, say::no_such_file(&span, &name, names)));
                }
                Err(error) => wrong.push((index, say::unreadable_import(&span, &name, &error))),
            }
        }
        imports.push(of_file);
        next += 1;
    }
    wrong.extend(circles(&files, &imports));
    (files, names, wrong)
}

/// Imports that close a circle.
fn circles(files: &[File], imports: &[Vec<(usize, Range<u32>)>]) -> Vec<Wrong> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnWay,
        Done,
    }
    let mut seen = vec![Seen::No; files.len()];
    let mut wrong = Vec::new();
    for start in 0..files.len() {
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
            let (from, target) = (*file, *target);
            match seen[target] {
                Seen::No => {
                    seen[target] = Seen::OnWay;
                    way.push((target, 0));
                }
                Seen::OnWay => {
                    let begins = way.iter().position(|&(file, _)| file == target).unwrap_or(0);
                    let way = way[begins..].iter().map(|&(file, _)| file).chain([target]);
                    let names: Vec<_> = way.map(|file| files[file].name.as_str()).collect();
                    let index = u32::try_from(from).unwrap_or(u32::MAX);
                    wrong.push((index, say::circle(span, &names)));
                }
                Seen::Done => {}
            }
        }
    }
    wrong
}
