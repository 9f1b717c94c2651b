//! Whether fuzzing finds mistakes that the compiler makes on purpose: see `docs/testing.md`.
//!
//! There is nothing here without the feature `faults`.
#![cfg(feature = "faults")]

use keyvm::fuzz::{Target, run};
use keyvm::{CompilerOptions, Machine};
pub use keyvm_jit::Fault;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What a search comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found, if anything was.
    pub what: Option<String>,
    /// Processor time that it took.
    pub time: Duration,
}

/// Runs what `keyvm fuzz --target jit` runs, from seed 0 on, with a fault planted in the compiler, until that is found or
/// so much processor time is used. `begin` is told the seed of each run.
pub fn search(fault: Fault, limit: Duration, begin: &mut dyn FnMut(u64)) -> Found {
    let options = CompilerOptions { fault: Some(fault), ..CompilerOptions::default() };
    let start = used();
    let mut seeds = 0..;
    loop {
        let time = used().saturating_sub(start);
        let Some(seed) = seeds.next().filter(|_| time < limit) else { return Found { what: None, time } };
        begin(seed);
        if let Err(finding) = run::<Machine>(Target::Jit, seed, options) {
            return Found { what: Some(finding.what), time: used().saturating_sub(start) };
        }
    }
}

/// Processor time that the process has used.
#[must_use]
pub fn used() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
