//! Exit codes, and what goes wrong before there is one.

use super::output::style_errors;
use std::process::ExitCode;

/// The list of exit codes in the help.
pub(super) const HELP: &str = "\
Exit codes:
    0  the root process returned or halted; the command did what it was asked
    1  a test failed (keyvm test); something was found (keyvm fuzz)
    2  the command line or a file is wrong, or output cannot be written: files there were are still there
  120  the root process trapped
  121  the root process is stopped or destroyed, or cannot be called
  122  out of gas (or of rent)
  123  out of words
  124  stopped at --max-yields
  125  paused at the end of the --slice
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP)
  141  whoever read the standard output has closed it

With --snapshot OUT.blob, a run that ends in any way but 2 leaves an image that `keyvm resume` goes on with.

The manual is docs/cli.md.";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    /// A test, or several.
    TestFailed,
    /// A fault of the machine.
    Found,
    Trapped,
    Stopped,
    OutOfGas,
    OutOfWords,
    YieldLimit,
    Paused,
    Interrupted,
    ClosedOutput,
}

impl Exit {
    /// The exit code.
    pub(super) fn code(self) -> ExitCode {
        self.number().into()
    }

    /// The exit code, as a number.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::TestFailed | Self::Found => 1,
            Self::Trapped => 120,
            Self::Stopped => 121,
            Self::OutOfGas => 122,
            Self::OutOfWords => 123,
            Self::YieldLimit => 124,
            Self::Paused => 125,
            Self::Interrupted => 130,
            Self::ClosedOutput => 141,
        }
    }
}

/// Why a command could not be done.
#[derive(Debug)]
pub(super) enum Failure {
    /// One message.
    Error(String),
    /// Diagnostics, rendered.
    Diagnostics(String),
    /// Whoever read the standard output has closed it: there is nobody to tell.
    ClosedOutput,
    /// Another process has told already.
    Told,
}

impl Failure {
    /// Exit code of everything that is wrong with the command line or with a file.
    pub(super) const USAGE: u8 = 2;

    /// A message about a file or an argument.
    pub(super) fn about(subject: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        Self::Error(format!("{subject}: {message}"))
    }

    /// Tells the user, and gives the exit code.
    pub(super) fn tell(self) -> ExitCode {
        match self {
            Self::Error(message) => {
                tell(format_args!("{} {message}", styled("error:", "\x1b[1;31m")));
            }
            Self::Diagnostics(text) => tell(text.trim_end()),
            Self::ClosedOutput => return Exit::ClosedOutput.code(),
            Self::Told => {}
        }
        Self::USAGE.into()
    }
}

/// Tells of something that is done, but perhaps not as it is wanted.
pub(super) fn warn(message: impl std::fmt::Display) {
    tell(format_args!("{} {message}", styled("warning:", "\x1b[1;33m")));
}

/// A text in a style, if messages have any.
fn styled(text: &str, style: &str) -> String {
    if style_errors() { format!("{style}{text}\x1b[0m") } else { text.to_owned() }
}

/// Writes a line to the standard error; if nobody listens, nothing is to be done.
pub(super) fn tell(message: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}
