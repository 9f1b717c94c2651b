//! The library that programs are compiled with. A program is made of few of its functions, so nothing more is done for the
//! others than to find where they begin: a file is divided into its parts when something of it is named, and a part is
//! parsed when a program needs it. What has been parsed stays for the next program.
//!
//! So its files are laid out as the formatter does it: each part begins with its word at the beginning of a line. Every
//! function says what it gives, and none yields: its uses can be checked without its body.

use super::ast;
use super::parse;
use crate::diagnostic::Diagnostic;
use std::ops::Range;
use std::sync::OnceLock;

/// What the names of its files have before them in messages, and in what images tell of where their code comes from.
const FOLDER: &str = "<library>/";

/// Whether this is the name of a file of the library, as images have it.
#[must_use]
pub fn is_in_library(file: &str) -> bool {
    file.starts_with(FOLDER)
}

/// A file of the library.
#[derive(Debug)]
pub(super) struct Module {
    /// By which it is imported.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// Only files of the library import it: it does what no program may.
    pub(super) is_internal: bool,
    parts: OnceLock<Vec<Part>>,
}

/// What a part declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Import,
    Const,
    Struct,
    Func,
}

/// A declaration, up to the next one.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) name: ast::Name<'static>,
    range: Range<usize>,
    parsed: OnceLock<(ast::File<'static>, Vec<Diagnostic>)>,
}

macro_rules! library {
    ($($is_internal:literal $name:literal)*) => {
        [$(Module {
            name: $name,
            text: include_str!(concat!("std/", $name, ".et")),
            is_internal: $is_internal,
            parts: OnceLock::new(),
        }),*]
    };
}

/// All its files.
pub(super) static LIBRARY: [Module; 20] = library! {
    true "runtime"
    true "tables"
    false "collector"
    true "border"
    true "failures"
    true "flat"
    true "slots"
    true "services"
    false "floats"
    false "naturals"
    false "buffers"
    false "input"
    false "jobs"
    false "lists"
    false "maps"
    false "numbers"
    false "random"
    false "sha256"
    false "sorting"
    false "strings"
};

/// The words that begin parts.
const WORDS: [(&str, Kind); 4] =
    [("import ", Kind::Import), ("const ", Kind::Const), ("typ ", Kind::Struct), ("def ", Kind::Func)];

/// The file with this name.
pub(super) fn module(name: &str) -> Option<&'static Module> {
    LIBRARY.iter().find(|module| module.name == name)
}

/// Those that a program may import.
pub(super) fn modules() -> impl Iterator<Item = &'static Module> {
    LIBRARY.iter().filter(|module| !module.is_internal)
}

/// Whether a program can import a file of the library by this name.
pub(super) fn can_import(name: &str) -> bool {
    modules().any(|module| module.name == name)
}

/// Files whose functions are named as those of others are, for numbers and objects of their own.
const SPECIAL: [&str; 4] = ["floats", "naturals", "collector", "sha256"];

/// The files that have a function with this name, among those that a program imports.
pub(super) fn modules_with(name: &str) -> impl Iterator<Item = &'static str> {
    let has = move |module: &&'static Module| module.part(name).is_some_and(|part| part.kind == Kind::Func);
    modules().filter(|module| !SPECIAL.contains(&module.name)).filter(has).map(|module| module.name)
}

impl Module {
    /// What it is called in messages.
    pub(super) fn file_name(&self) -> String {
        format!("{FOLDER}{}.et", self.name)
    }

    /// Its parts, as they stand in it.
    pub(super) fn parts(&'static self) -> &'static [Part] {
        self.parts.get_or_init(|| {
            let mut parts: Vec<Part> = Vec::new();
            let mut start = 0;
            for line in self.text.split_inclusive('\n') {
                if let Some((kind, at)) = begun(line) {
                    if let Some(last) = parts.last_mut() {
                        last.range.end = start;
                    }
                    let span = offset(start + at.start)..offset(start + at.end);
                    let name = ast::Name { text: &line[at], span };
                    let range = start..self.text.len();
                    parts.push(Part { kind, name, range, parsed: OnceLock::new() });
                }
                start += line.len();
            }
            parts
        })
    }

    /// The part that declares this name.
    pub(super) fn part(&'static self, name: &str) -> Option<&'static Part> {
        self.parts().iter().find(|part| part.name.text == name)
    }

    /// What a part says, alone in a file, and what is wrong with it.
    pub(super) fn parsed(
        &'static self,
        part: &'static Part,
    ) -> (&'static ast::File<'static>, &'static [Diagnostic]) {
        let (ast, wrong) = part.parsed.get_or_init(|| parse::parse_part(self.text, part.range.clone()));
        (ast, wrong)
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What a line begins, and where in it the name stands.
fn begun(line: &str) -> Option<(Kind, Range<usize>)> {
    let (word, kind) = WORDS.iter().find(|(word, _)| line.starts_with(word))?;
    let rest = &line[word.len()..];
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some((*kind, word.len()..word.len() + length))
}
