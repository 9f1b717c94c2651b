//! Which engine runs what.
//!
//! The interpreter says what code means. The compiler makes hot code fast and is otherwise not to be noticed. An
//! [`Engine`] is shared by any number of machines and threads, with the code it has compiled.

mod cache;
mod callees;
mod clock;
mod coverage;
mod door;
mod helper;
mod native;
mod page;
mod processor;
mod recent;
mod worker;

pub use coverage::OpcodePairs;
pub use native::RunStats;
pub(crate) use native::Runner;
pub(crate) use recent::RecentCode;

use native::Native;
use page::{NativePage, Record};
use processor::Processor;
use recent::Recent;

use crate::image::Hash;
use crate::interp::{interpret, interpret_watched};
use crate::kernel::{Activation, CodePage, Kernel, Stop};
use cache::Cache;
use clock::Stopwatch;
use coverage::{Coverage, Recorder};
use keyvm_jit::{CompileError, Compiler, EntryPoint, Level, Levels, Options, Root};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use worker::{Owner, Worker};

/// When code is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Never.
    #[default]
    Interpreter,
    /// Before it first runs: quickly, and optimized as under `Auto`.
    Jit,
    /// When it has run often, on another thread, and unless it is so little that interpreting it takes no longer: quickly
    /// at first, and optimized when it has run long.
    Auto,
}

/// What executes code, to be shared by many machines.
///
/// Nothing but speed tells which [`Tier`] it has. Native code uses up to 256 KiB of the stack of the thread that runs a
/// machine.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    processor: Processor,
    tier: Tier,
    options: Options,
    /// One for quick code, which does not wait for the other. Made when first used; none where there is no backend.
    compilers: [Mutex<Option<Compiler>>; 2],
    cache: Mutex<Cache>,
    worker: OnceLock<Option<Worker>>,
    stats: Counters,
    on_compiled: OnceLock<Hook>,
    /// What has been interpreted, if that is recorded.
    coverage: Option<Coverage>,
}

/// Somebody who wants to know what has been compiled.
struct Hook(Box<dyn Fn(&CompiledFunction) + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// A native function that has been made. It lies there at least until the engine and all machines that it runs are
/// dropped, or the engine has compiled more than it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompiledFunction {
    /// The hash of the code page.
    pub code: Hash,
    /// What it begins with: a subroutine, or an entry of the host.
    pub root: Root,
    /// Where it lies.
    pub address: usize,
    /// Its length.
    pub bytes: usize,
}

/// How much has been compiled.
#[derive(Debug, Default)]
struct Counters {
    batches: AtomicU64,
    optimized: AtomicU64,
    instructions: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
    refused: AtomicU64,
}

/// What an [`Engine`] has compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileStats {
    /// Times the compiler was asked: each is an entry and the subroutines it calls.
    pub batches: u64,
    /// Of those, times that it was to optimize.
    pub optimized: u64,
    /// KeyVM instructions.
    pub instructions: u64,
    /// Bytes of machine code.
    pub bytes: u64,
    /// Time it took the threads that compiled, in nanoseconds: on Linux without what they waited.
    pub nanoseconds: u64,
    /// Times nothing was compiled: for want of memory, or of a backend.
    pub refused: u64,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(Tier::Interpreter)
    }
}

impl Engine {
    /// An engine that compiles when the tier says.
    #[must_use]
    pub fn new(tier: Tier) -> Self {
        Self::with_options(tier, Options::default())
    }

    /// As [`Engine::new`], with options for the compiler.
    #[must_use]
    pub fn with_options(tier: Tier, options: Options) -> Self {
        Self::on(Processor::Here, tier, options)
    }

    /// An engine that interprets, and records which instructions follow each other: see [`Engine::opcode_pairs`].
    #[must_use]
    pub fn recording() -> Self {
        Self::shared(Processor::Here, Tier::Interpreter, Options::default(), Some(Coverage::new()))
    }

    fn on(processor: Processor, tier: Tier, options: Options) -> Self {
        Self::shared(processor, tier, options, None)
    }

    fn shared(processor: Processor, tier: Tier, options: Options, coverage: Option<Coverage>) -> Self {
        Self(Arc::new(Shared {
            coverage,
            processor,
            tier,
            options,
            compilers: Default::default(),
            cache: Mutex::default(),
            worker: OnceLock::new(),
            stats: Counters::default(),
            on_compiled: OnceLock::new(),
        }))
    }

    /// When it compiles.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.0.tier
    }

    /// Whether this processor has a compiler. Where it has none every tier interprets.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check_compiler(&self) -> Result<(), CompileError> {
        let mut compiler = self.0.compiler(Level::Quick).lock().unwrap_or_else(PoisonError::into_inner);
        if compiler.is_none() {
            *compiler = Some(self.0.processor.compiler(self.0.options)?);
        }
        Ok(())
    }

    /// Has a function told what is compiled from now on, on the thread that compiles, before it first runs. It is for
    /// profilers and debuggers. An engine takes one such function: `false` if it has one already.
    ///
    /// The function may do anything, also run machines on this engine: nothing is locked while it runs. What is compiled
    /// on that thread waits for it, and if it panics, so does [`Machine::run`](crate::Machine::run) under [`Tier::Jit`],
    /// and under [`Tier::Auto`] nothing more is compiled.
    pub fn on_compiled(&self, hook: impl Fn(&CompiledFunction) + Send + Sync + 'static) -> bool {
        self.0.on_compiled.set(Hook(Box::new(hook))).is_ok()
    }

    /// Whether the thread that compiles has panicked: a bug, after which nothing more is compiled on it.
    #[must_use]
    pub fn has_panicked(&self) -> bool {
        self.0.worker.get().and_then(Option::as_ref).is_some_and(Worker::has_panicked)
    }

    /// Which instructions have followed each other so far, in one process and between two stops. Only an engine made by
    /// [`Engine::recording`] knows.
    #[must_use]
    pub fn opcode_pairs(&self) -> OpcodePairs {
        self.0.coverage.as_ref().map(Coverage::pairs).unwrap_or_default()
    }

    /// What it has compiled so far.
    #[must_use]
    pub fn stats(&self) -> CompileStats {
        let Counters { batches, optimized, instructions, bytes, nanoseconds, refused } = &self.0.stats;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CompileStats {
            batches: read(batches),
            optimized: read(optimized),
            instructions: read(instructions),
            bytes: read(bytes),
            nanoseconds: read(nanoseconds),
            refused: read(refused),
        }
    }

    /// Executes the last process of the chain, and those that control moves to, until something stops it that is not an
    /// engine's affair. If the answer is `Switched` nothing runs: all processes are parked.
    pub(crate) fn run(
        &self,
        kernel: &mut Kernel,
        act: &mut Activation,
        recent: &mut RecentCode,
        runner: &mut Runner,
    ) -> Stop {
        let mut switched = false;
        loop {
            if !act.load(kernel) {
                return Stop::Switched;
            }
            let place = recent.place(act.code).filter(|_| kernel.arena.alive(act.code));
            let Some(place) = place else {
                act.park_before(kernel);
                if !recent.admit(kernel) {
                    kernel.code_is_gone();
                }
                return Stop::Switched;
            };
            self.find_native(recent.at_mut(place));
            let running = recent.at(place);
            let code = &running.page.code;
            let stop = match &running.native {
                Some(native) if !(switched && running.tiny) => {
                    runner.run(Native { engine: self, page: native, recent }, kernel, act, code)
                }
                _ => match &self.0.coverage {
                    None => interpret(kernel, act, code),
                    Some(coverage) => interpret_watched(kernel, act, code, &mut Recorder::new(coverage)),
                },
            };
            if stop != Stop::Switched {
                return stop;
            }
            switched = true;
        }
    }

    /// Looks for the native code of a page that is about to run, if that is worth it.
    #[inline]
    fn find_native(&self, recent: &mut Recent) {
        if self.0.tier == Tier::Interpreter || recent.settled {
            return;
        }
        if recent.native.as_ref().is_none_or(|page| page.is_evicted()) {
            let warm = self.0.tier == Tier::Jit || recent.page.is_warm();
            recent.settled = warm && self.0.tier == Tier::Auto && recent.page.is_straight();
            recent.native = (warm && !recent.settled).then(|| self.page(&recent.page));
        }
    }

    /// The native code of a code page.
    fn page(&self, code: &Arc<CodePage>) -> Arc<NativePage> {
        let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.page(code)
    }

    /// Sees to it that there will be native code for an entry. `true` if there is now.
    fn want(&self, page: &Arc<NativePage>, point: EntryPoint, owner: Owner) -> bool {
        let root = Root::Entry(point);
        match self.0.tier {
            Tier::Interpreter => false,
            Tier::Jit => self.0.compile(page, root, self.first_level()),
            Tier::Auto => {
                self.ask(owner, page, root, self.first_level());
                false
            }
        }
    }

    /// Sees to it that there will be native code of a subroutine that is called by a number.
    fn want_callee(&self, page: &Arc<NativePage>, index: u32, owner: Owner) {
        let root = Root::Subroutine(index);
        // What calls it may have been optimized before.
        let is_late = self.0.options.levels == Levels::Both && page.is_optimized();
        match self.0.tier {
            Tier::Interpreter => {}
            Tier::Jit => {
                self.0.compile(page, root, self.first_level());
                if is_late {
                    self.optimize_callees(page, owner);
                }
            }
            Tier::Auto => {
                let level = if is_late { Level::Optimized } else { self.first_level() };
                self.ask(owner, page, root, level);
            }
        }
    }

    /// How what is compiled is compiled at first.
    fn first_level(&self) -> Level {
        match self.0.options.levels {
            Levels::Optimized => Level::Optimized,
            Levels::Both | Levels::Quick => Level::Quick,
        }
    }

    /// Sees to it that a quick entry that has run long will be optimized, and what may have been called there by a number.
    #[cold]
    fn optimize(&self, page: &Arc<NativePage>, entry: &Record, owner: Owner) {
        if self.0.options.levels == Levels::Quick {
            entry.settle();
        } else {
            // It may be put off again at once.
            entry.settle();
            if page.is_spent() {
                entry.forget();
            } else if self.ask(owner, page, Root::Entry(entry.point()), Level::Optimized) {
                self.optimize_callees(page, owner);
            }
        }
    }

    /// Sees to it that what may be called by a number will be optimized.
    fn optimize_callees(&self, page: &Arc<NativePage>, owner: Owner) {
        for index in page.callees_to_optimize() {
            self.ask(owner, page, Root::Subroutine(index), Level::Optimized);
        }
    }

    /// Has the other thread compile something. `false` if it has too much to do: then that may be asked for again.
    fn ask(&self, owner: Owner, page: &Arc<NativePage>, root: Root, level: Level) -> bool {
        let worker = self.0.worker.get_or_init(|| Worker::start(Arc::downgrade(&self.0)));
        let asked = worker.as_ref().is_some_and(|worker| worker.ask(owner, page, root, level));
        if !asked {
            page.forget(root);
        }
        asked
    }
}

impl Shared {
    const fn compiler(&self, level: Level) -> &Mutex<Option<Compiler>> {
        match level {
            Level::Quick => &self.compilers[0],
            Level::Optimized => &self.compilers[1],
        }
    }

    fn compile(&self, page: &Arc<NativePage>, root: Root, level: Level) -> bool {
        let mut compiler = self.compiler(level).lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have made it while this one waited, or found that it cannot be made.
        if page.has(root, level) {
            return true;
        }
        let is_new = !page.has(root, Level::Quick);
        if is_new && matches!(root, Root::Entry(point) if page.is_never(point.index.into())) {
            return false;
        }
        if compiler.is_none() {
            *compiler = self.processor.compiler(self.options).ok();
        }
        let stopwatch = Stopwatch::start();
        let small = || compiler.as_ref().is_some_and(|compiler| page.is_small(compiler, root));
        if self.tier == Tier::Auto && is_new && small() {
            page.give_up(root);
            return false;
        }
        let made = match &mut *compiler {
            Some(compiler) => page.compile(compiler, &self.processor, root, level),
            None => None,
        };
        let nanoseconds = stopwatch.nanoseconds();
        page.spend(nanoseconds);
        let Some(made) = made else {
            if is_new {
                page.give_up(root);
            }
            self.stats.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        // Who waits for the compiler finds what was made, unless somebody is to be told before, with nothing locked.
        let hook = self.on_compiled.get();
        let compiler = hook.is_none().then_some(compiler);
        if let Some(Hook(hook)) = hook {
            made.functions(page.hash()).for_each(|function| hook(&function));
        }
        let instructions = made.instructions;
        let bytes = page.publish(made);
        drop(compiler);
        let counted = [
            (&self.stats.batches, 1),
            (&self.stats.optimized, u64::from(level == Level::Optimized)),
            (&self.stats.instructions, instructions as u64),
            (&self.stats.bytes, bytes as u64),
            (&self.stats.nanoseconds, nanoseconds),
        ];
        for (counter, more) in counted {
            counter.fetch_add(more, Ordering::Relaxed);
        }
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).grown(page, bytes);
        true
    }
}
