//! From a FILE of the command line to a machine.
//!
//! An image is known by its first bytes, whatever its name is; a program and an assembly file by their names.

use super::exit::Failure;
use super::output::style_errors;
use super::text::printable;
use keyvm::Machine;
use keyvm::asm;
use keyvm::entish;
use keyvm::image::{self, LoadError, MAGIC};
use keyvm::isa::image::Image;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The two things that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A program, or an assembly file.
    Text,
    /// An image file.
    Image,
}

/// A file that has been read.
pub(super) struct Source {
    pub(super) form: Form,
    pub(super) image: Image<'static>,
    /// The texts that it was made of, if it was.
    pub(super) texts: Vec<Text>,
}

/// A text that an image was made of.
pub(super) struct Text {
    /// The name of the file, as the image has it.
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is neither assembly nor image, or is not well-formed.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |message: &dyn std::fmt::Display| Failure::about(show(path), message);
        if path == Path::new("-") {
            return Err(wrong(
                &"nothing is read from the standard input but what a program asks for; name a file",
            ));
        }
        // A pipe would block before it could be refused.
        let found = std::fs::metadata(path).map_err(|error| wrong(&plain(&error)))?;
        if found.is_dir() {
            return Err(wrong(&"this is a directory; name a file"));
        }
        if !found.is_file() {
            return Err(wrong(&"this is not a regular file; save it to one first"));
        }
        // A program may say nothing.
        if found.len() == 0 && !is_program(path) {
            return Err(wrong(&"this file is empty"));
        }
        let mut file = File::open(path).map_err(|error| wrong(&plain(&error)))?;
        let mut start = Vec::new();
        (&mut file)
            .take(MAGIC.len() as u64)
            .read_to_end(&mut start)
            .map_err(|error| wrong(&plain(&error)))?;
        let is_text = is_text(path);
        if start == MAGIC || (!is_text && looks_like_an_image(&start)) {
            let image = image::load(path).map_err(|error| match error {
                LoadError::Io(error) => wrong(&plain(&error)),
                LoadError::Image(error) => wrong(&error),
            })?;
            return Ok(Self { form: Form::Image, image, texts: Vec::new() });
        }
        if !is_text {
            return Err(wrong(
                &"this is neither an image nor a program: it does not begin as an image does, and its name does \
                  not end in .et, .kasm or .ism",
            ));
        }
        let text = rest_of_text(file, start, longest(path)).map_err(|error| wrong(&error))?;
        let name = show(path);
        let (image, texts) = if is_program(path) {
            let program = compile(path, name, text)?;
            let texts = program.files.into_iter().map(|file| Text { name: file.name, text: file.text });
            (program.image, texts.collect())
        } else {
            let image = asm::assemble_file(&name, &text).map_err(|diagnostics| {
                Failure::Diagnostics(keyvm_lang::render(&name, &text, &diagnostics, style_errors()))
            })?;
            (image, vec![Text { name, text }])
        };
        Ok(Self { form: Form::Text, image, texts })
    }

    /// The machine in the state that the file describes.
    ///
    /// # Errors
    /// If that is no state that a machine can be in.
    pub(super) fn machine(self, path: &Path) -> Result<Machine, Failure> {
        Machine::from_image(self.image).map_err(|error| Failure::about(show(path), error))
    }
}

/// The machine that a file describes.
///
/// # Errors
/// As [`Source::read`] and [`Source::machine`].
pub(super) fn machine(path: &Path) -> Result<Machine, Failure> {
    Source::read(path)?.machine(path)
}

/// Compiles a program; what it imports stands beside it.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn compile(path: &Path, name: String, text: String) -> Result<entish::Program, Failure> {
    entish::compile(entish::File { name, text }, &mut beside(path))
        .map_err(|errors| Failure::Diagnostics(errors.render(style_errors())))
}

/// Finds what a program imports, beside it.
pub(super) fn beside(path: &Path) -> impl FnMut(&str) -> Result<Option<entish::File>, String> {
    |import| {
        let beside = path.with_file_name(format!("{import}.et"));
        // A pipe would block before it could be refused.
        let found = match std::fs::metadata(&beside) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(plain(&error)),
        };
        if !found.is_file() {
            return Err("this is not a regular file".to_owned());
        }
        if leads_away(path, &beside) {
            return Err("this is a link that leads out of the folder of the program".to_owned());
        }
        let file = File::open(&beside).map_err(|error| plain(&error))?;
        let text = rest_of_text(file, Vec::new(), longest(&beside))?;
        Ok(Some(entish::File { name: show(&beside), text }))
    }
}

/// Whether what is imported lies neither in the folder that the program is named in nor in the one that it lies in.
fn leads_away(program: &Path, import: &Path) -> bool {
    let named = program.parent().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
    let named = named.and_then(|folder| std::fs::canonicalize(folder).ok());
    let lies = std::fs::canonicalize(program).ok().and_then(|program| Some(program.parent()?.to_owned()));
    let Ok(import) = std::fs::canonicalize(import) else { return false };
    ![named, lies].iter().flatten().any(|folder| import.starts_with(folder))
}

/// What a program's file says.
///
/// # Errors
/// If it cannot be read, or is no text.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let wrong = |message: &dyn std::fmt::Display| Failure::about(show(path), message);
    if !std::fs::metadata(path).map_err(|error| wrong(&plain(&error)))?.is_file() {
        return Err(wrong(&"this is not a regular file; save it to one first"));
    }
    let file = File::open(path).map_err(|error| wrong(&plain(&error)))?;
    rest_of_text(file, Vec::new(), longest(path)).map_err(|error| wrong(&error))
}

/// What a file says, of which `start` has been read; an error in words, also if it is longer than `most` bytes.
fn rest_of_text(file: File, start: Vec<u8>, most: u64) -> Result<String, String> {
    let mut bytes = start;
    let room = most.saturating_sub(bytes.len() as u64);
    file.take(room + 1).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
    if bytes.len() as u64 > most {
        return Err(format!("this file is longer than {most} bytes, which is too long"));
    }
    String::from_utf8(bytes).map_err(|error| {
        if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]) {
            return "this is UTF-16 text; save it as UTF-8".to_owned();
        }
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text (at byte {at}); save the file as UTF-8")
    })
}

/// An assembly file may have so many bytes.
const ASSEMBLY_BYTES_MAX: u64 = 1 << 30;

/// How many bytes a text may have.
fn longest(path: &Path) -> u64 {
    if is_program(path) { entish::FILE_BYTES_MAX as u64 } else { ASSEMBLY_BYTES_MAX }
}

/// Whether a file's name is that of a program or an assembly file.
pub(super) fn is_text(path: &Path) -> bool {
    is_program(path)
        || path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("kasm") || end.eq_ignore_ascii_case("ism"))
}

/// Whether a file's name is that of a program.
pub(super) fn is_program(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("et"))
}

/// Whether a file that begins like this should be told apart by the image reader: it is an image, or was one.
fn looks_like_an_image(start: &[u8]) -> bool {
    !start.is_empty() && (MAGIC.starts_with(start) || start.starts_with(b"KeyVM"))
}

/// A path, to be shown.
pub(super) fn show(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// An error of the operating system, in words that say what to do where that is known.
pub(super) fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a directory; name a file".to_owned(),
        std::io::ErrorKind::NotADirectory => "a file is where a directory is needed".to_owned(),
        _ => error.to_string(),
    }
}
