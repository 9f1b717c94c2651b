//! What shows a finding again, and how it is made small.

use super::jit::Compiling;
use super::lang::Compiled;
use super::{Machinery, Target, asm, image, lang, run};
use crate::{CompilerOptions, Engine, Levels, Tier};
use keyvm_isa::image::Image;
use keyvm_oracle::confinement::survey;
use keyvm_oracle::{Case, Engines, Step, caught, cuts_do_not_show, replay, shorten, shrink};

/// What shows a finding again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// What is done with an image under both engines.
    Steps {
        /// The image, and what is done with it.
        case: Case,
        /// The engine that is held against the interpreter.
        compiling: Compiling,
        /// Whether it is a program of the language, which does not come to all traps.
        language: bool,
    },
    /// An image that the interpreter runs in these pieces, and in one.
    Pieces(Case),
    /// An image that is looked at wherever control moves, and run in these pieces by the interpreter and the compiler in
    /// turn, and in one.
    Surveyed(Case),
    /// An image that is taken in.
    Image(Image<'static>),
    /// The file of an image, as it is read.
    File(Vec<u8>),
    /// A text for the assembler.
    Assembly(String),
    /// A program in the language.
    Program(String),
    /// A program in the language that takes gas enough, optimized and not.
    Optimized(String),
    /// A run, that panics before there is anything else to show.
    Run {
        /// What is tried.
        target: Target,
        /// Its seed.
        seed: u64,
    },
}

/// Gas of a run that is so long that trying it again and again is to be avoided.
const LONG: u64 = 100_000;

/// How often what may depend on another thread is repeated before it is said not to happen.
const TRIES: usize = 4;

impl Evidence {
    /// What happens when it is repeated; `None` if nothing that may not.
    #[must_use]
    pub fn repeat<S: Machinery>(&self) -> Option<String> {
        let engine = Engine::default();
        match self {
            Self::Steps { case, compiling, language: false } => differs::<S>(case, *compiling),
            Self::Steps { case, compiling, language: true } => differs::<Compiled<S>>(case, *compiling),
            Self::Pieces(case) => cuts_show::<S>(case, &engine, &engine),
            Self::Surveyed(case) => {
                let found = survey::<S>(&case.image, &engine, gas(&case.steps)).err();
                found
                    .map(|found| found.difference)
                    .or_else(|| cuts_show::<S>(case, &engine, &Engine::new(Tier::Jit)))
            }
            Self::Image(image) => image::check(image, &engine).err(),
            Self::File(bytes) => image::check_file(bytes, &engine).err(),
            Self::Assembly(text) => asm::check(text, &engine).err(),
            Self::Program(text) => match lang::check(text, &engine) {
                Err(what) => Some(what),
                Ok(None) => None,
                Ok(Some(_)) => lang::run_text::<S>(text.clone(), CompilerOptions::default())
                    .err()
                    .map(|found| found.what),
            },
            Self::Optimized(text) => lang::check_optimized(text).err(),
            Self::Run { target, seed } => {
                run::<S>(*target, *seed, CompilerOptions::default()).err().map(|found| found.what)
            }
        }
    }

    /// As [`Evidence::repeat`], several times if need be.
    fn repeats<S: Machinery>(&self) -> Option<String> {
        (0..TRIES).find_map(|_| self.repeat::<S>())
    }

    /// The same, made small, as long as `go_on` says that there is time.
    #[must_use]
    pub fn shrunk<S: Machinery>(self, go_on: &dyn Fn() -> bool) -> Self {
        if self.repeats::<S>().is_none() {
            return self;
        }
        let tried = |evidence: Self| go_on().then(|| evidence.repeat::<S>().is_some());
        match self {
            Self::Steps { case, compiling, language } => {
                let of = |case: &Case, compiling| Self::Steps { case: case.clone(), compiling, language };
                let plain = plainer(compiling);
                let compiling = plain
                    .into_iter()
                    .find(|&plain| tried(of(&case, plain)) == Some(true))
                    .unwrap_or(compiling);
                let mut fails = |case: &Case| tried(of(case, compiling));
                let case = later::<S>(case, &mut fails);
                Self::Steps { case: shrink(case, &mut fails), compiling, language }
            }
            Self::Pieces(case) => Self::Pieces(shrink(case, &mut |case| tried(Self::Pieces(case.clone())))),
            Self::Surveyed(case) => {
                // What shows without a cut needs no compiler to show it.
                let alone = Case { steps: vec![Step::Run(gas(&case.steps))], ..case.clone() };
                let case = if tried(Self::Surveyed(alone.clone())) == Some(true) { alone } else { case };
                Self::Surveyed(shrink(case, &mut |case| tried(Self::Surveyed(case.clone()))))
            }
            Self::Image(image) => {
                let case = Case { image, steps: Vec::new() };
                Self::Image(shrink(case, &mut |case| tried(Self::Image(case.image.clone()))).image)
            }
            Self::File(bytes) => match crate::image::read(&bytes) {
                Ok(image) => {
                    let image = Self::Image(image.into_owned());
                    if tried(image.clone()) == Some(true) {
                        image.shrunk::<S>(go_on)
                    } else {
                        Self::File(bytes)
                    }
                }
                Err(_) => Self::File(bytes),
            },
            Self::Assembly(text) => {
                Self::Assembly(shorten(&text, &mut |text| tried(Self::Assembly(text.to_owned()))))
            }
            Self::Program(text) => {
                Self::Program(shorten(&text, &mut |text| tried(Self::Program(text.to_owned()))))
            }
            Self::Optimized(text) => {
                Self::Optimized(shorten(&text, &mut |text| tried(Self::Optimized(text.to_owned()))))
            }
            Self::Run { .. } => self,
        }
    }
}

/// Gas of all steps together.
fn gas(steps: &[Step]) -> u64 {
    let of = |step: &Step| if let Step::Run(gas) = step { *gas } else { 0 };
    steps.iter().map(of).fold(0, u64::saturating_add)
}

fn cuts_show<S: Machinery>(case: &Case, reference: &Engine, other: &Engine) -> Option<String> {
    let engines = Engines { reference, other };
    cuts_do_not_show::<S>(&case.image, engines, &case.steps).err().map(|found| found.difference)
}

fn differs<S: Machinery>(case: &Case, compiling: Compiling) -> Option<String> {
    let (reference, other) = (Engine::default(), compiling.engine());
    let engines = Engines { reference: &reference, other: &other };
    match caught(|| replay::<S>(&case.image, engines, &case.steps)) {
        Ok(Ok(_)) => None,
        Ok(Err(divergence)) => Some(divergence.difference),
        Err(panic) => Some(panic),
    }
}

/// Ways to compile in which no other thread has a part, and then those that differ less from the default.
fn plainer(compiling: Compiling) -> Vec<Compiling> {
    let options = compiling.options;
    [(Levels::Optimized, true), (Levels::Quick, true), (Levels::Optimized, false), (Levels::Quick, false)]
        .map(|(levels, speculation_guards)| Compiling {
            tier: Tier::Jit,
            options: CompilerOptions { levels, speculation_guards, ..options },
        })
        .to_vec()
}

/// A long run begins later, from the image that the interpreter has come to by then: with the last step, and with a part of
/// it. What was compiled before is not there then, so it may be that nothing fails any more.
fn later<S: Machinery>(case: Case, fails: &mut dyn FnMut(&Case) -> Option<bool>) -> Case {
    let is_long = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Run(gas) if *gas > LONG));
    let Some((&last, before)) = case.steps.split_last() else { return case };
    if !is_long(&case.steps) {
        return case;
    }
    let Some(image) = after::<S>(&case.image, before) else { return case };
    let one = Case { image, steps: vec![last] };
    if fails(&one) != Some(true) {
        return case;
    }
    let Step::Run(all) = last else { return one };
    // Between a part that may be left out and one that may not.
    let (mut low, mut high, mut best) = (0, all, one.clone());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let later = after::<S>(&one.image, &[Step::Run(middle)])
            .map(|image| Case { image, steps: vec![Step::Run(all - middle)] });
        match later {
            Some(later) if fails(&later) == Some(true) => (low, best) = (middle, later),
            _ => high = middle,
        }
    }
    best
}

/// The image that the interpreter has come to after these steps.
fn after<S: Machinery>(image: &Image<'_>, steps: &[Step]) -> Option<Image<'static>> {
    let after = caught(|| {
        let mut machine = S::take(image, &Engine::default())?;
        for &step in steps {
            match step {
                Step::Run(slice) => drop(machine.run(slice)),
                Step::Answer(seed) => machine.answer(seed),
                Step::Limit(limit) => machine.set_gas_limit(limit),
                Step::Swap => {}
            }
        }
        Some(machine.image().into_owned())
    });
    after.ok().flatten()
}
