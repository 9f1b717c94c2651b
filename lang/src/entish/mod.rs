//! The language: from the texts of a program to its image, or to everything that is wrong with them.
//! `docs/language.md` describes it.
//!
//! `files` loads what a program consists of, `lex` makes tokens and blocks, `parse` what the text says (`ast`), `check`
//! finds out what names mean and which types there are, and makes the program that is compiled (`hir`), `opt` lets it do
//! the same with less gas, `emit` makes code of that. The library that programs are compiled with is in `std/`, in the
//! language itself: what a program needs of it is found while that is emitted (`library`).

mod ast;
mod check;
mod emit;
mod failure;
mod files;
mod fmt;
mod hir;
mod lex;
mod library;
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

pub use emit::is_entry;
pub use failure::{OF_NONE, TOO_DEEP, failed_call, failure, is_part_of_none, jobs_at_hand};
pub use files::{FILE_BYTES_MAX, File, Find};
pub use fmt::format;
pub use library::is_in_library;
pub use session::{Begun, Input, Session, Typed};
pub use testing::{Test, Tests, tests};

/// A compiled program.
#[derive(Debug)]
pub struct Program {
    /// The image in which it has not begun. It tells where its code comes from.
    pub image: Image<'static>,
    /// Its files: the program's own first, then those of the library that it needs something of.
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

/// Compiles a program. `find` gives the files that it imports by name, and none by that of one of the library.
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
    compile_with(program, find, Options::default())
}

/// Ways to compile a program that differ in nothing but the gas and the words that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// When it collects objects: [`Collect::IfDue`].
    pub collect: Collect,
    /// Whether checks of indices are left out that hold anyhow, and what stays the same in a loop is computed before it: yes.
    pub optimize: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { collect: Collect::IfDue, optimize: true }
    }
}

/// When a program collects the objects that it cannot reach any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collect {
    /// If it has allocated much since it did so last, or lacks the words for more.
    IfDue,
    /// Whenever it allocates: a test, as this finds everything that is collected too early. It takes much gas.
    Always,
}

/// As [`compile`], in another way.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile_with(program: File, find: &mut Find<'_>, options: Options) -> Result<Program, Errors> {
    let emit = |checked: &mut check::Checked<'_>, _: &[File]| {
        let main = checked.program.main;
        emit::emit(checked, &[main], options.optimize)
    };
    let (compiled, files) = checked(program, find, options.collect, None, emit)?;
    Ok(Program { image: emit::image(&compiled, &files), files })
}

/// Finds out what a program means, an input of a session if something is `given`, and makes something of it and of its own
/// files; gives all files besides.
fn checked<T>(
    program: File,
    find: &mut Find<'_>,
    collect: Collect,
    given: Option<&check::Given>,
    make: impl FnOnce(&mut check::Checked<'_>, &[File]) -> Result<T, Vec<files::Wrong>>,
) -> Result<(T, Vec<File>), Errors> {
    if program.text.len() > FILE_BYTES_MAX {
        let file = File { text: String::new(), ..program };
        return Err(Errors::new([file].into_iter(), vec![(0, say::too_long(FILE_BYTES_MAX))]));
    }
    let (mut files, names, mut wrong) = files::load(program, find);
    let mut parsed = Vec::new();
    for (index, file) in (0..).zip(&files) {
        let (ast, diagnostics) = parse::parse(&file.text);
        wrong.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
        parsed.push(ast);
    }
    let modules = names.iter().zip(&parsed).map(|(name, ast)| check::Module { name, ast });
    let modules: Vec<_> = modules.collect();
    let checked = check::check(&modules, wrong, given, collect);
    let (made, of_library) = match checked {
        Ok(mut checked) => (make(&mut checked, &files), checked.library_files().collect()),
        Err(wrong) => (Err(wrong), Vec::new()),
    };
    drop(modules);
    drop(parsed);
    files.extend(of_library);
    match made {
        Ok(made) => Ok((made, files)),
        Err(wrong) => Err(Errors::new(files.into_iter(), wrong)),
    }
}
