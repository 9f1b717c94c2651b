//! Many runs, on some threads.

use super::{Corpus, Finding, Found, Machinery, Run, Target, run, run_mutated};
use crate::{CompilerOptions, OpcodePairs};
use keyvm_oracle::Report;
use keyvm_oracle::random::Random;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
#[allow(
    clippy::disallowed_types,
    reason = "how long it goes on is up to people; no outcome depends on the clock"
)]
use std::time::Instant;

/// What a campaign does.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What is tried.
    pub target: Target,
    /// The seed of the first run; the next runs have the next seeds.
    pub seed: u64,
    /// Runs at most.
    pub runs: Option<u64>,
    /// Time at most; what runs then is not interrupted.
    pub time: Option<Duration>,
    /// Threads.
    pub jobs: NonZeroUsize,
    /// It ends when so much is found.
    pub findings: usize,
    /// How the engine compiles that is tried, but for what each run chooses.
    pub options: CompilerOptions,
}

impl Settings {
    /// Runs from seed 0 on, on all processors, without an end, but that of the first finding.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            seed: 0,
            runs: None,
            time: None,
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            findings: 1,
            options: CompilerOptions::default(),
        }
    }
}

/// Who is told of a campaign at once, by the threads that run it: what is tried, or found, may be something that ends the
/// process.
pub trait Listener: Sync {
    /// A thread begins a run, that of a seed, or of a changed input if there is no seed. Threads count from zero.
    fn begins(&self, _thread: usize, _seed: Option<u64>) {}
    /// Something was found.
    fn found(&self, _finding: &Finding) {}
}

/// Nobody.
impl Listener for () {}

/// What has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Runs whose input was accepted, where strangers' input may be refused.
    pub accepted: u64,
    /// Runs of changed inputs.
    pub mutated: u64,
    /// Executions: a run executes what it is of in several ways.
    pub executions: u64,
    /// Executions that tell much about native code: see [`Report::counts`].
    pub counted_executions: u64,
    /// What was executed.
    pub report: Report,
    /// Of that, what counts.
    pub counted: Report,
    /// Pairs of opcodes that were seen to be executed one after the other.
    pub pairs: u64,
    /// Inputs in the corpus.
    pub corpus: usize,
    /// Findings.
    pub findings: usize,
    /// Time since it began.
    pub time: Duration,
}

/// What a campaign has come to.
#[derive(Debug, Default)]
pub struct Campaign {
    /// What was done.
    pub tally: Tally,
    /// What was found, not made small.
    pub findings: Vec<Finding>,
}

/// Every so many runs, one is of a changed input: not always one whose seed would be of the same kind.
const MUTATED: u64 = 5;

/// What the threads share.
struct Office<'c> {
    settings: Settings,
    corpus: &'c Corpus,
    listener: &'c dyn Listener,
    #[allow(clippy::disallowed_types, reason = "see above")]
    start: Instant,
    next: AtomicU64,
    over: AtomicBool,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    tally: Tally,
    pairs: OpcodePairs,
    findings: Vec<Finding>,
    /// The corpus could not be written.
    error: Option<io::Error>,
}

/// Runs a target until it has been run often or long enough, or something is found. `progress` is told now and then what
/// has been done, and says whether to go on.
///
/// # Errors
/// If the folder of the corpus cannot be written.
pub fn campaign<S: Machinery>(
    settings: Settings,
    corpus: &Corpus,
    progress: &mut dyn FnMut(&Tally) -> bool,
    listener: &dyn Listener,
) -> io::Result<Campaign> {
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "see above")]
    let start = Instant::now();
    let (next, over, work) = (AtomicU64::new(settings.seed), AtomicBool::new(false), Mutex::default());
    let office = Office { settings, corpus, listener, start, next, over, work };
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for thread in 0..settings.jobs.get() {
            let (office, sender) = (&office, sender.clone());
            scope.spawn(move || office.work::<S>(thread, sender));
        }
        drop(sender);
        // Nothing comes: the channel ends with the threads.
        while receiver.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
            if !progress(&office.tally()) {
                office.over.store(true, Ordering::Relaxed);
            }
        }
    });
    let tally = office.tally();
    let work = office.work.into_inner().unwrap_or_else(PoisonError::into_inner);
    match work.error {
        Some(error) => Err(error),
        None => Ok(Campaign { tally, findings: work.findings }),
    }
}

impl Office<'_> {
    fn tally(&self) -> Tally {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = work.pairs.count();
        let (findings, corpus, time) = (work.findings.len(), self.corpus.count(), self.start.elapsed());
        Tally { pairs, findings, corpus, time, ..work.tally }
    }

    /// One thread's part.
    fn work<S: Machinery>(&self, thread: usize, _alive: Sender<()>) {
        let Settings { target, seed: first, runs, time, options, .. } = self.settings;
        loop {
            let is_late = time.is_some_and(|time| self.start.elapsed() >= time);
            if is_late || self.over.load(Ordering::Relaxed) {
                return;
            }
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let number = seed.wrapping_sub(first);
            if runs.is_some_and(|runs| number >= runs) {
                return;
            }
            // Which inputs there are to be changed depends on what was run before.
            let mut random = Random::new(!seed);
            let inputs = (number % MUTATED == MUTATED - 1).then(|| self.corpus.pick(&mut random)).flatten();
            let is_mutated = inputs.is_some();
            self.listener.begins(thread, (!is_mutated).then_some(seed));
            let outcome = match inputs {
                Some((input, other)) => run_mutated::<S>(target, &mut random, &input, &other, options)
                    .map_err(|found| {
                        let Found { what, evidence } = *found;
                        Box::new(Finding { target, seed: None, what, evidence })
                    }),
                None => run::<S>(target, seed, options),
            };
            if let Err(finding) = &outcome {
                self.listener.found(finding);
            }
            self.take(outcome, is_mutated);
        }
    }

    fn take(&self, outcome: Result<Run, Box<Finding>>, is_mutated: bool) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.tally.runs += 1;
        work.tally.mutated += u64::from(is_mutated);
        let run = match outcome {
            Ok(run) => run,
            Err(finding) => {
                work.findings.push(*finding);
                if work.findings.len() >= self.settings.findings {
                    self.over.store(true, Ordering::Relaxed);
                }
                return;
            }
        };
        let tally = &mut work.tally;
        tally.accepted += u64::from(run.accepted);
        tally.executions += run.executions;
        tally.counted_executions += run.counted_executions;
        tally.report.add(&run.report);
        tally.counted.add(&run.counted);
        let is_new = work.pairs.add(&run.pairs);
        drop(work);
        if is_new
            && let Some(input) = run.input
            && let Err(error) = self.corpus.keep(input)
        {
            let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            work.error.get_or_insert(error);
            self.over.store(true, Ordering::Relaxed);
        }
    }
}
