//! Looks for faults of the machine itself: `keyvm fuzz`, the targets for cargo-fuzz, and the tests are all this.
//!
//! A [`Target`] is what is tried. One run of it is a function of a seed, or of an input of the corpus and a seed, and
//! comes to a [`Run`], or to a [`Finding`]: an engine that computes something else, a panic, books that do not balance,
//! or another law that is broken. A [`campaign`] is many runs on some threads. What is found is made small
//! ([`Finding::shrunk`]), written as a file ([`Finding::file`]), and repeated from that ([`read_finding`]).
//!
//! `docs/testing.md` tells how people use it.

mod asm;
mod campaign;
mod corpus;
mod evidence;
mod finding;
mod image;
mod jit;
mod kernel;
mod lang;
mod text;

pub use campaign::{Campaign, Listener, Settings, Tally, campaign};
pub use corpus::{Corpus, Unreadable};
pub use evidence::Evidence;
pub use finding::{Finding, read_finding};
pub use image::{answer, damage, refused_or_harmless, snapshot};
pub use jit::{Compiling, Kind};
pub use lang::bytes_and_marks;

use crate::{CompilerOptions, Engine, Event, OpcodePairs};
use corpus::Input;
use keyvm_oracle::random::Random;
use keyvm_oracle::{Report, Subject, caught};
use std::fmt;

/// A machine, or something that takes the place of one to see whether its faults are found.
pub trait Machinery: Subject<Engine = Engine, Event = Event> {}

impl<S: Subject<Engine = Engine, Event = Event>> Machinery for S {}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Programs that do something, under the interpreter and the compiler.
    Jit,
    /// Spoilt images and files: each is refused or harmless.
    Image,
    /// Texts for the assembler: each is refused with a message, or assembled to what it says.
    Asm,
    /// Programs in the language: each is refused with a message, or runs as a program of the language can.
    Lang,
    /// Processes, keys, meters, keepers and gates, under the laws.
    Kernel,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Jit, Self::Image, Self::Asm, Self::Lang, Self::Kernel];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jit => "jit",
            Self::Image => "image",
            Self::Asm => "asm",
            Self::Lang => "lang",
            Self::Kernel => "kernel",
        }
    }

    /// The target with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a run came to in which nothing was found.
#[derive(Debug, Default)]
pub struct Run {
    /// What ran.
    pub report: Report,
    /// Of that, what tells much about native code: see [`Report::counts`].
    pub counted: Report,
    /// Executions: an image is cut and run in several ways.
    pub executions: u64,
    /// Of these, how many count.
    pub counted_executions: u64,
    /// Whether the input was accepted, where strangers' input may be refused.
    pub accepted: bool,
    /// What was seen to be executed.
    pairs: OpcodePairs,
    /// What was run, to be kept if it did something new.
    input: Option<Input>,
}

impl Run {
    /// One execution of an input, which was refused if there is no report.
    fn of(report: Option<Report>, engine: &Engine, input: Option<Input>) -> Self {
        let accepted = report.is_some();
        Self {
            report: report.unwrap_or_default(),
            executions: 1,
            accepted,
            pairs: engine.opcode_pairs(),
            input: input.filter(|_| accepted),
            ..Self::default()
        }
    }

    fn add(&mut self, report: &Report) {
        self.executions += 1;
        self.report.add(report);
        if report.counts() {
            self.counted_executions += 1;
            self.counted.add(report);
        }
    }
}

/// What was found, before it is a [`Finding`].
#[derive(Debug)]
struct Found {
    what: String,
    evidence: Evidence,
}

type Outcome = Result<Run, Box<Found>>;

/// The run of a target with this seed.
///
/// # Errors
/// What was found.
pub fn run<S: Machinery>(target: Target, seed: u64, options: CompilerOptions) -> Result<Run, Box<Finding>> {
    whole(target, seed, || match target {
        Target::Jit => jit::run::<S>(seed, options),
        _ => from_random::<S>(target, &mut Random::new(seed), options),
    })
}

/// A run with a seed, all of it: what panics while its input is made is a finding as well, which only the seed shows again.
fn whole(target: Target, seed: u64, run: impl FnOnce() -> Outcome) -> Result<Run, Box<Finding>> {
    let panicked = |what| Err(Box::new(Found { what, evidence: Evidence::Run { target, seed } }));
    caught(run).unwrap_or_else(panicked).map_err(|found| {
        Box::new(Finding { target, seed: Some(seed), what: found.what, evidence: found.evidence })
    })
}

/// The run of a target that bytes say: for a fuzzer that changes bytes and sees what comes of it. An image's file and
/// texts are taken as they are; other targets take their random choices from the bytes.
///
/// # Errors
/// What was found.
pub fn run_bytes<S: Machinery>(target: Target, bytes: &[u8]) -> Result<Run, Box<Finding>> {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let outcome = match target {
        Target::Jit | Target::Kernel => {
            from_random::<S>(target, &mut Random::of_bytes(bytes), CompilerOptions::default())
        }
        Target::Image => image::run_file(bytes.to_vec()),
        Target::Asm => asm::run_text(text()),
        Target::Lang => lang::run_text::<S>(text(), CompilerOptions::default()),
    };
    outcome
        .map_err(|found| Box::new(Finding { target, seed: None, what: found.what, evidence: found.evidence }))
}

fn from_random<S: Machinery>(target: Target, random: &mut Random, options: CompilerOptions) -> Outcome {
    match target {
        Target::Jit => jit::run_random::<S>(random, Kind::Computing, options),
        Target::Image => image::run(random),
        Target::Asm => asm::run(random),
        Target::Lang => lang::run::<S>(random, options),
        Target::Kernel => kernel::run::<S>(random, options),
    }
}

/// The run of a changed input.
fn run_mutated<S: Machinery>(
    target: Target,
    random: &mut Random,
    input: &Input,
    other: &Input,
    options: CompilerOptions,
) -> Outcome {
    let input = input.mutated(target, random, other);
    match (target, input) {
        (Target::Jit, Input::Image(image)) => jit::run_image::<S>(random, image, options),
        (Target::Kernel, Input::Image(image)) => kernel::run_image::<S>(random, image, options),
        (Target::Image, Input::Image(image)) => image::run_image(image),
        (Target::Asm, Input::Text(text)) => asm::run_text(text),
        (Target::Lang, Input::Text(text)) => lang::run_text::<S>(text, options),
        _ => Ok(Run::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_an_input_is_made_is_a_finding() {
        let found = whole(Target::Lang, 7, || panic!("it is refused")).expect_err("it panics");
        assert!(found.what.ends_with("it is refused"), "{}", found.what);
        assert_eq!(found.evidence, Evidence::Run { target: Target::Lang, seed: 7 });
        // Nothing panics in the run with that seed.
        assert_eq!(found.evidence.repeat::<crate::Machine>(), None);
    }
}
