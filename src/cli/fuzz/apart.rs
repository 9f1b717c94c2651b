//! A search in a process of its own, and what is told if that does not come to its end: what is tried may write where it may
//! not, take all memory of the host, or go on for ever.

use crate::cli::exit::{Exit, Failure};
use crate::cli::input::plain;
use crate::cli::output::print;
use keyvm::fuzz::Target;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tempfile::NamedTempFile;

/// Names the journal to the process that searches.
const JOURNAL: &str = "KEYVM_FUZZ_JOURNAL";

/// A file with the run that each thread of a search is in.
#[derive(Debug)]
pub(super) struct Journal(Mutex<File>);

/// Bytes of a thread's line, the end of the line among them.
const LINE: usize = 32;

impl Journal {
    /// The one that this process is to keep, if it is one that searches. Then `interrupted` is set when the standard input
    /// ends, as it does with the process that waits for this one.
    pub(super) fn asked_for(interrupted: &Arc<AtomicBool>) -> Option<io::Result<Self>> {
        let path = std::env::var_os(JOURNAL)?;
        let interrupted = Arc::clone(interrupted);
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            interrupted.store(true, Ordering::Relaxed);
        });
        Some(Self::open(path.as_ref()))
    }

    /// The one in this file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(File::options().write(true).open(path)?)))
    }

    /// Notes the run that a thread begins: that of a seed, or one of a changed input.
    pub(super) fn note(&self, thread: usize, target: Target, seed: Option<u64>) {
        let run = seed.map_or_else(|| format!("{target} changed"), |seed| format!("{target} {seed}"));
        let line = format!("{run:<width$}\n", width = LINE - 1);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = SeekFrom::Start((thread * LINE) as u64);
        // Without it less is told of a search that does not come to its end, and nothing else is different.
        let _ = file.seek(at).and_then(|_| file.write_all(line.as_bytes()));
    }
}

/// The runs that a journal has, as lines that say how they are repeated.
fn runs(journal: &[u8]) -> String {
    let text = String::from_utf8_lossy(journal);
    // Zeros stand where a thread has not noted anything yet.
    let run = |line: &str| match line.trim_matches('\0').split_whitespace().collect::<Vec<_>>()[..] {
        [target, "changed"] => {
            format!("  one of a changed input, which no seed repeats: --target {target}\n")
        }
        [target, seed] => format!("  keyvm fuzz --target {target} --seed {seed} --runs 1\n"),
        _ => String::new(),
    };
    text.lines().map(run).collect()
}

/// The command that does what this process was asked to do, and keeps a journal.
pub(super) fn command(journal: &Path) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(JOURNAL, journal);
    Ok(command)
}

/// Has the process search that `command` makes of the path of a journal, and waits for it. The first interruption asks it to
/// end after the runs that it is in, the next ends it.
pub(super) fn search(
    command: &dyn Fn(&Path) -> io::Result<Command>,
    interruptions: &AtomicU32,
) -> Result<Exit, Failure> {
    let failed = |error: io::Error| Failure::about("the search cannot be begun", plain(&error));
    let journal = NamedTempFile::with_prefix("keyvm-fuzz-").map_err(failed)?;
    let mut command = command(journal.path()).map_err(failed)?;
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        match interruptions.load(Ordering::Relaxed) {
            0 => {}
            1 => drop(child.stdin.take()),
            _ => child.kill().map_err(failed)?,
        }
        thread::sleep(Duration::from_millis(10));
    };
    let ended = |code: u8| status.code() == Some(code.into());
    for exit in [Exit::Done, Exit::Found, Exit::Interrupted] {
        if ended(exit.number()) {
            return Ok(exit);
        }
    }
    if ended(Failure::USAGE) {
        return Err(Failure::Told);
    }
    if ended(Exit::ClosedOutput.number()) {
        return Err(Failure::ClosedOutput);
    }
    let runs = runs(&std::fs::read(journal.path()).map_err(failed)?);
    if interruptions.load(Ordering::Relaxed) > 0 {
        print(&format!("interrupted in these runs:\n{runs}"))?;
        return Ok(Exit::Interrupted);
    }
    print(&format!("found: the search ended by itself, {status}, in one of these runs:\n{runs}"))?;
    Ok(Exit::Found)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// How a search ends that is this script, whose first argument is the journal.
    fn ends(script: &str, interruptions: u32) -> Result<Exit, Failure> {
        let command = |journal: &Path| {
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh"]).arg(journal);
            Ok(command)
        };
        search(&command, &AtomicU32::new(interruptions))
    }

    #[test]
    fn a_journal_has_the_run_that_each_thread_is_in() {
        let file = NamedTempFile::new().expect("there is room for files");
        let journal = Journal::open(file.path()).expect("it is there");
        journal.note(2, Target::Kernel, Some(u64::MAX));
        journal.note(0, Target::Jit, Some(1_000_000));
        journal.note(0, Target::Jit, Some(3));
        let read = || runs(&std::fs::read(file.path()).expect("it is there"));
        let first = "  keyvm fuzz --target jit --seed 3 --runs 1\n";
        let last = "  keyvm fuzz --target kernel --seed 18446744073709551615 --runs 1\n";
        assert_eq!(read(), format!("{first}{last}"));
        journal.note(1, Target::Image, None);
        let changed = "  one of a changed input, which no seed repeats: --target image\n";
        assert_eq!(read(), format!("{first}{changed}{last}"));
    }

    #[test]
    fn a_search_ends_as_its_process_does() {
        assert!(matches!(ends("exit 0", 0), Ok(Exit::Done)));
        assert!(matches!(ends("exit 1", 0), Ok(Exit::Found)));
        assert!(matches!(ends("exit 2", 0), Err(Failure::Told)));
        assert!(matches!(ends("exit 141", 0), Err(Failure::ClosedOutput)));
    }

    #[test]
    fn a_search_that_ends_by_itself_has_found_something() {
        assert!(matches!(ends("echo jit 7 > $1; kill -s SEGV $$", 0), Ok(Exit::Found)));
        assert!(matches!(ends("exit 101", 0), Ok(Exit::Found)));
    }

    #[test]
    fn a_search_that_is_interrupted_ends_with_its_input_or_is_ended() {
        assert!(matches!(ends("cat; exit 130", 1), Ok(Exit::Interrupted)));
        assert!(matches!(ends("exec sleep 100", 2), Ok(Exit::Interrupted)));
    }
}
