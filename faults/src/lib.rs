//! Whether fuzzing finds mistakes that the compiler or the kernel makes on purpose: see `docs/testing.md`.
//!
//! There is nothing here without the feature `faults`.
#![cfg(feature = "faults")]

pub use keyvm::KernelFault;
use keyvm::fuzz::{Target, run};
use keyvm::{CompilerOptions, Machine};
pub use keyvm_jit::Fault;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// In the compiler.
    Compiler(Fault),
    /// In the kernel.
    Kernel(KernelFault),
}

impl Planted {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let compiler = Fault::ALL.iter().map(|(fault, _)| Self::Compiler(*fault));
        compiler.chain(KernelFault::ALL.iter().map(|(fault, _)| Self::Kernel(*fault)))
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Compiler(fault) => format!("{fault:?}"),
            Self::Kernel(fault) => format!("{fault:?}"),
        }
    }
}

/// What a search comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found, if anything was.
    pub what: Option<String>,
    /// Processor time that it took.
    pub time: Duration,
}

/// Runs what `keyvm fuzz` runs, from seed 0 on, with a fault planted, until that is found or so much processor time is used:
/// the target `jit` for a fault of the compiler, `kernel` for one of the kernel, which all machines have from then on.
/// `begin` is told the seed of each run.
pub fn search(planted: Planted, limit: Duration, begin: &mut dyn FnMut(u64)) -> Found {
    let options = CompilerOptions::default();
    let (target, options) = match planted {
        Planted::Compiler(fault) => (Target::Jit, CompilerOptions { fault: Some(fault), ..options }),
        Planted::Kernel(fault) => {
            fault.plant();
            (Target::Kernel, options)
        }
    };
    let start = used();
    let mut seeds = 0..;
    loop {
        let time = used().saturating_sub(start);
        let Some(seed) = seeds.next().filter(|_| time < limit) else { return Found { what: None, time } };
        begin(seed);
        if let Err(finding) = run::<Machine>(target, seed, options) {
            return Found { what: Some(finding.what), time: used().saturating_sub(start) };
        }
    }
}

/// Processor time that the process has used.
#[must_use]
pub fn used() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
