//! Where results go: the standard output, and files.

use super::exit::Failure;
use super::input::{is_text, plain, show};
use keyvm::image::{MAGIC, Target};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether messages may have colours: the standard error is a terminal, and `NO_COLOR` is not set.
pub(super) fn style_errors() -> bool {
    io::stderr().is_terminal() && colours_wanted()
}

/// Whether results may have colours and frames: the standard output is a terminal, and `NO_COLOR` is not set.
pub(super) fn style_results() -> bool {
    io::stdout().is_terminal() && colours_wanted()
}

fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a text to the standard output.
///
/// # Errors
/// If it does not take it.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| output_failure(&error))
}

/// What to do when the standard output takes nothing more.
pub(super) fn output_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedOutput,
        _ => Failure::about("standard output", plain(error)),
    }
}

/// The standard output while a program runs, shared by its console and by the lines that it yields.
#[derive(Clone, Debug, Default)]
pub(super) struct Output(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether something stands on the line that is not finished.
    in_line: bool,
    /// The first error; nothing is written after it.
    error: Option<io::Error>,
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line; one that the console has begun is finished before.
    pub(super) fn line(&self, text: &str) {
        let mut state = self.state();
        let gap = if state.in_line { "\n" } else { "" };
        state.write(format!("{gap}{text}\n").as_bytes());
    }

    /// Ends a line that the console has begun, if people see it and the messages in one place.
    pub(super) fn end_shown_line(&self) {
        let mut state = self.state();
        if state.in_line && io::stdout().is_terminal() && io::stderr().is_terminal() {
            state.write(b"\n");
        }
    }

    /// Whether something could not be written.
    pub(super) fn has_failed(&self) -> bool {
        self.state().error.is_some()
    }

    /// What could not be written, if anything.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().error.as_ref().map(output_failure)
    }
}

impl State {
    fn write(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last().filter(|_| self.error.is_none()) else {
            return;
        };
        let mut out = io::stdout().lock();
        self.error = out.write_all(bytes).and_then(|()| out.flush()).err();
        self.in_line = last != b'\n';
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.write(bytes);
        if state.error.is_some() { Err(io::ErrorKind::Other.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a command writes to a file. A file that is there is replaced only by one of its own kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// What it is, as messages call it.
    pub(super) name: &'static str,
    /// What each one begins with.
    pub(super) start: &'static [u8],
}

const IMAGE: Written = Written { name: "an image", start: &MAGIC };

impl Written {
    /// Whether a file is empty or of this kind.
    fn may_replace(self, path: &Path) -> io::Result<bool> {
        let mut start = Vec::new();
        File::open(path)?.take(self.start.len() as u64).read_to_end(&mut start)?;
        Ok(start.is_empty() || start == self.start)
    }
}

/// Checks that a file can be written to `path`, before any work is done for it: that it is nothing yet, or a file that
/// may be replaced, not the `input`, and that its directory takes new files.
///
/// # Errors
/// If one of these is not so. Nothing has been written.
pub(super) fn check_target(
    path: &Path,
    input: &Path,
    written: Written,
    replaces_input: bool,
) -> Result<(), Failure> {
    let wrong = |message: &dyn std::fmt::Display| Failure::about(show(path), message);
    if path.as_os_str().is_empty() {
        return Err(Failure::Error("the name of the file to write is empty".to_owned()));
    }
    if path == Path::new("-") {
        return Err(wrong(&"this is not written to the standard output; name a file"));
    }
    let target = Target::find(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => wrong(&"this is a directory; name a file to write to"),
        io::ErrorKind::InvalidInput => wrong(&"this is not a regular file, and is not written to"),
        _ => wrong(&plain(&error)),
    })?;
    if !replaces_input && is_same(path, input) {
        return Err(wrong(&"this is the input, and is not overwritten; name another file to write to"));
    }
    match written.may_replace(path) {
        Ok(true) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(false) => {
            let Written { name, .. } = written;
            return Err(wrong(&format_args!(
                "there is a file that is not {name}, and {name} does not replace it; give another name, or \
                 remove the file first"
            )));
        }
        Err(error) => return Err(wrong(&plain(&error))),
    }
    target.check().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if !target.directory().is_dir() => wrong(&"there is no such directory"),
        _ => wrong(&format_args!("no file can be made in its directory: {}", plain(&error))),
    })
}

/// As [`check_target`], for an image: programs are not overwritten by one.
///
/// # Errors
/// As [`check_target`], and if the name is that of a program or an assembly file.
pub(super) fn check_image_target(path: &Path, input: &Path) -> Result<(), Failure> {
    if is_text(path) {
        let message = "this is the name of a program, and an image would be written to it; use .blob";
        return Err(Failure::about(show(path), message));
    }
    check_target(path, input, IMAGE, !is_text(input))
}

fn is_same(path: &Path, other: &Path) -> bool {
    match (std::fs::canonicalize(path), std::fs::canonicalize(other)) {
        (Ok(path), Ok(other)) => path == other,
        _ => false,
    }
}

/// Writes a file so that afterwards it is whole, or what was there before is.
///
/// # Errors
/// If the file system does not allow it.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong =
        |error: &io::Error| Failure::about(show(path), format_args!("cannot be written: {}", plain(error)));
    Target::find(path)
        .and_then(|target| target.save(|out| out.write_all(text.as_bytes())))
        .map_err(|error| wrong(&error))
}

/// Writes an image.
///
/// # Errors
/// If the file system does not allow it; what was there before is still there then.
pub(super) fn write_image(path: &Path, machine: &mut keyvm::Machine) -> Result<(), Failure> {
    keyvm::image::save(&machine.image(), path)
        .map_err(|error| Failure::about(show(path), format_args!("cannot be written: {}", plain(&error))))
}
