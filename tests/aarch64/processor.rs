//! An aarch64 processor: a program in C, run by QEMU, that executes what it is told to.

use crate::shared::{CODE_BYTES, MEMORY_BYTES, Places, Shared, Visit};
use keyvm::jit::{CompileError, Compiler, Context, Entry, Foreign};
use keyvm::{CompilerOptions, Engine, Tier};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::{NamedTempFile, TempDir};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const GCC: &str = "aarch64-linux-gnu-gcc";
const QEMU: &str = "qemu-aarch64-static";

/// Why the harness speaks.
const RETURNED: u64 = 0;
const HELPER: u64 = 1;
const REGISTERS_LOST: u64 = 2;

type Message = [u64; 3];

/// What all processors have done.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Functions that were compiled.
    pub(crate) units: AtomicU64,
    /// Times native code was entered.
    pub(crate) entries: AtomicU64,
    /// KeyVM instructions that it executed, without those of helpers.
    pub(crate) instructions: AtomicU64,
}

/// The harness as a program, and what runs it.
#[derive(Debug)]
pub(crate) struct Tools {
    directory: TempDir,
    pub(crate) counts: Arc<Counts>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a program says that is not there, or fails.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

impl Tools {
    /// Looks for what it takes to make and run a program for aarch64.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn find() -> Result<Self, String> {
        let directory = TempDir::new().map_err(|error| error.to_string())?;
        let (source, program) = (directory.path().join("empty.c"), directory.path().join("empty"));
        std::fs::write(&source, "#include <stdlib.h>\nint main(void) { exit(0); }\n")
            .map_err(|error| error.to_string())?;
        run(Command::new(GCC).arg("-static").arg("-o").arg(&program).arg(&source))?;
        run(Command::new(QEMU).arg(&program))?;
        Ok(Self { directory, counts: Arc::default() })
    }

    fn harness(&self) -> PathBuf {
        self.directory.path().join("harness")
    }

    /// Makes the harness.
    ///
    /// # Panics
    /// If it has a mistake.
    pub(crate) fn build(&self) {
        let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/aarch64");
        let mut command = Command::new(GCC);
        command.args(["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(self.harness());
        command.arg(sources.join("harness.c")).arg(sources.join("enter.S"));
        run(&mut command).unwrap_or_else(|error| panic!("{error}"));
    }

    /// An engine with a processor of its own, for which it compiles all that it runs.
    ///
    /// # Panics
    /// If there is no memory for it.
    pub(crate) fn engine(&self, options: CompilerOptions) -> Engine {
        let file = NamedTempFile::new_in(self.directory.path()).expect("a file for the memory");
        let processor = Aarch64::new(self, file.path(), file.as_file()).expect("the harness starts");
        let engine = Engine::elsewhere(Tier::Jit, options, Arc::new(processor));
        let counts = Arc::clone(&self.counts);
        engine.on_compiled(move |_| {
            counts.units.fetch_add(1, Ordering::Relaxed);
        });
        engine
    }
}

/// The processor.
#[derive(Debug)]
pub(crate) struct Aarch64 {
    shared: Shared,
    places: Places,
    harness: Mutex<Harness>,
    code: Mutex<Code>,
    counts: Arc<Counts>,
}

/// Machine code, as offsets from the beginning of the memory. It is written once: what QEMU has translated is never
/// translated again.
#[derive(Debug)]
struct Code {
    /// What is reserved ends here.
    end: usize,
    /// What has been written since native code was last entered lies here.
    fresh: Range<usize>,
}

#[derive(Debug)]
struct Harness {
    process: Child,
    orders: Option<ChildStdin>,
    answers: ChildStdout,
}

impl Harness {
    fn hear(&mut self) -> io::Result<Message> {
        let mut bytes = [0; 24];
        self.answers.read_exact(&mut bytes)?;
        let mut message = [0; 3];
        for (word, bytes) in message.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Ok(message)
    }

    fn tell(&mut self, message: Message) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(message.map(u64::to_le_bytes).as_flattened())
    }

    /// Tells it something and gives what it says then.
    ///
    /// # Panics
    /// If it has died.
    fn ask(&mut self, message: Message) -> Message {
        self.tell(message).and_then(|()| self.hear()).unwrap_or_else(|error| {
            let status = self.process.try_wait();
            panic!("the harness is gone: {error}, {status:?}")
        })
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        // It ends when it is told nothing more.
        self.orders = None;
        let _ = self.process.wait();
    }
}

impl Aarch64 {
    fn new(tools: &Tools, path: &Path, file: &File) -> io::Result<Self> {
        let shared = Shared::new(file)?;
        let mut command = Command::new(QEMU);
        command.arg(tools.harness()).arg(path);
        command.args([MEMORY_BYTES, CODE_BYTES].map(|bytes| bytes.to_string()));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let orders = process.stdin.take();
        let mut harness = Harness { process, orders, answers };
        let [base, helper, stack] = harness.hear()?;
        Ok(Self {
            shared,
            places: Places { base, helper, stack },
            harness: Mutex::new(harness),
            code: Mutex::new(Code { end: MEMORY_BYTES, fresh: 0..0 }),
            counts: Arc::clone(&tools.counts),
        })
    }

    fn address(&self, offset: usize) -> u64 {
        self.places.base + offset as u64
    }
}

// SAFETY: `Visit` puts everything that the context says there, and takes everything back that native code may change.
unsafe impl Foreign for Aarch64 {
    fn compiler(&self, options: CompilerOptions) -> Result<Compiler, CompileError> {
        Compiler::for_target(&TARGET.parse().expect("a target"), options)
    }

    fn reserve(&self, bytes: usize) -> io::Result<usize> {
        let mut code = lock(&self.code);
        let begin = code.end;
        code.end = (begin + bytes).next_multiple_of(64);
        assert!(code.end <= MEMORY_BYTES + CODE_BYTES, "there is too much code for this test");
        usize::try_from(self.address(begin)).map_err(io::Error::other)
    }

    fn publish(&self, address: usize, code: &[u8]) -> io::Result<()> {
        let begin = address - usize::try_from(self.places.base).map_err(io::Error::other)?;
        self.shared.write(begin, code);
        let fresh = &mut lock(&self.code).fresh;
        let end = fresh.end.max(begin + code.len());
        *fresh = if fresh.start == fresh.end { begin } else { fresh.start.min(begin) }..end;
        Ok(())
    }

    unsafe fn enter(&self, entry: Entry, height: usize, places: usize, context: &mut Context) {
        let mut harness = lock(&self.harness);
        let fresh = std::mem::take(&mut lock(&self.code).fresh);
        // SAFETY: the caller says that the context is true, and keeps it so.
        let mut visit = unsafe { Visit::begin(&self.shared, self.places, height, places, context) };
        let mut said = harness.ask([entry.address() as u64, self.address(fresh.start), fresh.len() as u64]);
        loop {
            match said {
                [RETURNED, ..] => break,
                [HELPER, index, height] => {
                    // SAFETY: as above.
                    let answer = unsafe { visit.help(context, index, height) };
                    said = harness.ask([answer, 0, 0]);
                }
                [REGISTERS_LOST, ..] => panic!("native code has not kept the registers that it must keep"),
                other => panic!("the harness says {other:?}"),
            }
        }
        // SAFETY: as above.
        let executed = unsafe { visit.end(context) };
        self.counts.entries.fetch_add(1, Ordering::Relaxed);
        self.counts.instructions.fetch_add(executed, Ordering::Relaxed);
    }
}
