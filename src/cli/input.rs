//! From a FILE of the command line to a machine.
//!
//! An image is known by its first bytes, whatever its name is; an assembly file by its name.

use super::exit::Failure;
use super::output::style_errors;
use super::text::printable;
use keyvm::Machine;
use keyvm::asm;
use keyvm::image::{self, LoadError, MAGIC};
use keyvm::isa::image::Image;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The two things that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An assembly file.
    Assembly,
    /// An image file.
    Image,
}

/// A file that has been read.
pub(super) struct Source {
    pub(super) form: Form,
    pub(super) image: Image<'static>,
    /// The text, if it is an assembly file.
    pub(super) text: Option<Text>,
}

/// The text that an image was made of.
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
        if found.len() == 0 {
            return Err(wrong(&"this file is empty"));
        }
        let mut file = File::open(path).map_err(|error| wrong(&plain(&error)))?;
        let mut start = Vec::new();
        (&mut file)
            .take(MAGIC.len() as u64)
            .read_to_end(&mut start)
            .map_err(|error| wrong(&plain(&error)))?;
        let assembly = is_assembly(path);
        if start == MAGIC || (!assembly && looks_like_an_image(&start)) {
            let image = image::load(path).map_err(|error| match error {
                LoadError::Io(error) => wrong(&plain(&error)),
                LoadError::Image(error) => wrong(&error),
            })?;
            return Ok(Self { form: Form::Image, image, text: None });
        }
        if !assembly {
            return Err(wrong(
                &"this is neither an image nor an assembly file: it does not begin as an image does, and its \
                  name does not end in .kasm or .ism",
            ));
        }
        let mut bytes = start;
        file.read_to_end(&mut bytes).map_err(|error| wrong(&plain(&error)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]) {
                return wrong(&"this is UTF-16 text; save it as UTF-8");
            }
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            wrong(&format_args!("line {line} is not UTF-8 text (at byte {at}); save the file as UTF-8"))
        })?;
        let name = show(path);
        match asm::assemble_file(&name, &text) {
            Ok(image) => Ok(Self { form: Form::Assembly, image, text: Some(Text { name, text }) }),
            Err(diagnostics) => {
                let rendered = keyvm_lang::render(&name, &text, &diagnostics, style_errors());
                Err(Failure::Diagnostics(rendered))
            }
        }
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

/// Whether a file's name is that of an assembly file.
pub(super) fn is_assembly(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("kasm") || end.eq_ignore_ascii_case("ism"))
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
        _ => error.to_string(),
    }
}
