//! The language: from the texts of a program to its image, or to everything that is wrong with them.
//! `docs/language.md` describes it.
//!
//! `files` loads what a program consists of, `lex` makes tokens and blocks, `parse` what the text says (`ast`), `check`
//! finds out what names mean and which types there are, and makes the program that is compiled (`hir`), `opt` lets it do
//! the same with less gas, `emit` makes code of that. The library that programs are compiled with is in `std/`, in the
//! language itself.

mod ast;
mod check;
mod emit;
mod failure;
mod files;
mod fmt;
mod hir;
mod lex;
mod opt;
mod parse;
mod say;
mod session;
mod testing;
#[cfg(test)]
mod tests;
mod visit;

use crate::diagnostic::{Diagnostic, Diagnostics, render};
use keyvm_isa::image::Image;

pub use failure::{failed_call, failure};
pub use files::{FILE_BYTES_MAX, File, Find};
pub use fmt::format;
pub use session::{Begun, Input, Session, begun};
pub use testing::{Test, Tests, tests};

/// A compiled program.
#[derive(Debug)]
pub struct Program {
    /// The image in which it has not begun. It tells where its code comes from.
    pub image: Image<'static>,
    /// Its files: the program's own first, those of the library included.
    pub files: Vec<File>,
}

/// What is wrong with a program, file by file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// The files in which something is wrong.
    pub files: Vec<(File, Diagnostics)>,
}

impl Errors {
    fn new(files: impl Iterator<Item = File>, wrong: Vec<files::Wrong>) -> Self {
        let mut of_file: std::collections::BTreeMap<u32, Vec<Diagnostic>> = std::collections::BTreeMap::new();
        for (file, diagnostic) in wrong {
            of_file.entry(file).or_default().push(diagnostic);
        }
        let files = (0..).zip(files).filter_map(|(index, file)| {
            let diagnostics = Diagnostics::of(&file.text, of_file.remove(&index)?);
            Some((file, diagnostics))
        });
        Self { files: files.collect() }
    }

    /// All of it as people read it, with the lines of the files.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.files
            .iter()
            .map(|(file, diagnostics)| render(&file.name, &file.text, diagnostics, color))
            .collect()
    }
}

/// A line each.
impl std::fmt::Display for Errors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (file, diagnostics)) in self.files.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}{}:{diagnostics}", file.name)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Compiles a program. `find` gives the files that it imports by name; those of the library need not be found.
///
/// # Errors
/// Everything that is wrong with it.
///
/// ```
/// # use keyvm_lang::entish::{File, compile};
/// let file = File { name: "answer.et".into(), text: "yield 6 * 7\n".into() };
/// let program = compile(file, &mut |_| Ok(None)).expect("it is well-formed");
/// assert_eq!(program.image.root, 3);
/// ```
pub fn compile(program: File, find: &mut Find<'_>) -> Result<Program, Errors> {
    compile_collecting(program, find, Collect::IfDue)
}

/// When a program collects the objects that it cannot reach any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collect {
    /// If it has allocated much since it did so last, or lacks the words for more.
    IfDue,
    /// Whenever it allocates: a test, as this finds everything that is collected too early. It takes much gas.
    Always,
}

/// As [`compile`]; says besides when the program collects objects.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile_collecting(program: File, find: &mut Find<'_>, collect: Collect) -> Result<Program, Errors> {
    compile_with(program, find, collect, |program| {
        let compiled = emit::emit(program, &[program.main])?;
        Ok((compiled, ()))
    })
    .map(|(program, ())| program)
}

/// Compiles a program as `emit` does it, which gives something else besides.
fn compile_with<T>(
    program: File,
    find: &mut Find<'_>,
    collect: Collect,
    emit: impl FnOnce(&mut hir::Program) -> Result<(emit::Compiled, T), Vec<files::Wrong>>,
) -> Result<(Program, T), Errors> {
    let (mut program, files) = checked(program, find, collect, None)?;
    match emit(&mut program) {
        Ok((compiled, more)) => Ok((Program { image: emit::image(&compiled, &files), files }, more)),
        Err(wrong) => Err(Errors::new(files.into_iter(), wrong)),
    }
}

/// Finds out what a program means, an input of a session if something is `given`; with its files.
fn checked(
    program: File,
    find: &mut Find<'_>,
    collect: Collect,
    given: Option<&check::Given>,
) -> Result<(hir::Program, Vec<File>), Errors> {
    if program.text.len() > FILE_BYTES_MAX {
        let file = File { text: String::new(), ..program };
        return Err(Errors::new([file].into_iter(), vec![(0, say::too_long(FILE_BYTES_MAX))]));
    }
    let (sources, mut wrong) = files::load(program, find, collect);
    let mut parsed = Vec::new();
    for (index, source) in (0..).zip(&sources) {
        let (ast, diagnostics) = parse::parse(&source.file.text);
        wrong.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
        parsed.push(ast);
    }
    let checked = if wrong.is_empty() {
        let modules: Vec<_> = (0..)
            .zip(sources.iter().zip(&parsed))
            .map(|(file, (source, ast))| check::Module {
                name: &source.module,
                ast,
                file,
                is_library: source.is_library,
            })
            .collect();
        check::check(&modules, given)
    } else {
        Err(wrong)
    };
    drop(parsed);
    let files: Vec<_> = sources.into_iter().map(|source| source.file).collect();
    match checked {
        Ok(program) => Ok((program, files)),
        Err(wrong) => Err(Errors::new(files.into_iter(), wrong)),
    }
}
