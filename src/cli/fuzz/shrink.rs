//! `keyvm fuzz --shrink`: makes a finding small, in a process of its own: what it does to memory may end that.

use crate::cli::exit::{Exit, Failure};
use crate::cli::input::{plain, show};
use crate::cli::output::print;
use keyvm::Machine;
use keyvm::fuzz::read_finding;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
#[allow(
    clippy::disallowed_types,
    reason = "how long it takes is up to people; no outcome depends on the clock"
)]
use std::time::Instant;

/// Time in which a finding is made small; what is tried then is not interrupted.
const LIMIT: Duration = Duration::from_secs(60);
/// The process that does it is ended so long after the time is up.
const LATE: Duration = Duration::from_secs(60);
/// It is ended so long after it was asked to end.
const GRACE: Duration = Duration::from_secs(5);
/// What is said of a finding that is not there again.
pub(super) const NOT_EVERY_TIME: &str = "it does not happen every time";

/// Makes what is in a file smaller, and replaces the file.
pub(super) fn execute(path: &Path, interrupted: &AtomicBool) -> Result<Exit, Failure> {
    let wrong = |message: &dyn std::fmt::Display| Failure::about(show(path), message);
    let bytes = std::fs::read(path).map_err(|error| wrong(&plain(&error)))?;
    let finding = read_finding(bytes).map_err(|message| wrong(&message))?;
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "see above")]
    let start = Instant::now();
    let go_on = || start.elapsed() < LIMIT && !interrupted.load(Ordering::Relaxed);
    let small = finding.shrunk::<Machine>(&go_on);
    // What is wrong is known only if it has happened again.
    if small.what.is_empty() {
        print(&format!("{}: it does not happen\n", show(path)))?;
        return Ok(Exit::Done);
    }
    let path =
        small.replace(path).map_err(|error| wrong(&format_args!("cannot be written: {}", plain(&error))))?;
    let again = read_finding(small.file().1).ok().and_then(|read| read.evidence.repeat::<Machine>());
    let remark = if again.is_some() { String::new() } else { format!("  ({NOT_EVERY_TIME})\n") };
    let what = small.what.trim_end().replace('\n', "\n  ");
    print(&format!("{what}\n{remark}  keyvm fuzz --repeat {}\n", show(&path)))?;
    Ok(Exit::Found)
}

/// The command that makes small what is in a file.
pub(super) fn command(path: &Path) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["fuzz", "--shrink"]).arg(path);
    Ok(command)
}

/// What a process has come to that made a finding small.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shrunk {
    /// It is small; this tells of it.
    Told(String),
    /// It did not happen again.
    Gone,
    /// The process ended, as it says, before it had replaced the file.
    Ended(String),
    /// The process did not come to an end, and was ended.
    Stopped,
}

/// Runs a command that makes a finding small. If it is interrupted, or late, it is ended.
pub(super) fn apart(mut command: Command, interrupted: &AtomicBool) -> io::Result<Shrunk> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        output.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "see above")]
    let start = Instant::now();
    let mut end = LIMIT + LATE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if interrupted.load(Ordering::Relaxed) {
            end = end.min(start.elapsed() + GRACE);
        }
        if start.elapsed() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(Shrunk::Stopped);
        }
        thread::sleep(Duration::from_millis(10));
    };
    let text = reader.join().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
    Ok(match status.code() {
        Some(1) => Shrunk::Told(text),
        Some(0) => Shrunk::Gone,
        _ => Shrunk::Ended(status.to_string()),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn runs(script: &str, is_interrupted: bool) -> Shrunk {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        apart(command, &AtomicBool::new(is_interrupted)).expect("a shell starts")
    }

    #[test]
    fn it_is_told_how_making_small_has_ended() {
        assert_eq!(runs("echo a; echo b; exit 1", false), Shrunk::Told("a\nb\n".to_owned()));
        assert_eq!(runs("exit 0", false), Shrunk::Gone);
        let Shrunk::Ended(why) = runs("kill -s ABRT $$", false) else { panic!("a signal ends it") };
        assert!(why.contains('6'), "{why}");
        assert!(matches!(runs("exit 2", false), Shrunk::Ended(_)));
    }

    #[test]
    fn what_does_not_end_when_it_is_interrupted_is_ended() {
        assert_eq!(runs("exec sleep 100", true), Shrunk::Stopped);
        // What ends in time is listened to.
        assert_eq!(runs("sleep 0.1; echo a; exit 1", true), Shrunk::Told("a\n".to_owned()));
    }
}
