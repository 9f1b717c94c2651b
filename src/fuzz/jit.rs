//! Programs that do something, under the interpreter and the compiler.

use super::corpus::Input;
use super::{Evidence, Found, Machinery, Outcome, Run, lang};
use crate::{CompilerOptions, Engine, Levels, Tier};
use keyvm_isa::image::Image;
use keyvm_oracle::random::Random;
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::random::small;
use keyvm_oracle::{Case, Course, Engines, at_random, caught};

/// What a random run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Subroutines that compute, cut often.
    Computing,
    /// Loops, cut often.
    Looping,
    /// A program in the language, cut often.
    Language,
    /// Either of the first two, for millions of instructions.
    Long,
    /// A program of a few statements on words that are hard on a compiler, cut often.
    Small,
}

impl Kind {
    /// What the run with this seed is of.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        // That takes half of the time.
        if seed % 20 < 19 {
            return Self::Small;
        }
        match seed / 20 % 12 {
            0..4 => Self::Computing,
            4..7 => Self::Looping,
            7 => Self::Language,
            _ => Self::Long,
        }
    }

    fn course(self, random: &mut Random) -> Course {
        match self {
            Self::Computing | Self::Looping => Course::short(20_000),
            // Much is compiled of them at each place where they are cut.
            Self::Language => Course { longest: &[1000, 4000, 20_000], ..Course::short(40_000) },
            Self::Long => Course::long(random.pick(&[3_000_000, 10_000_000, 30_000_000])),
            // There is little of them to hash.
            Self::Small => Course { every: 1, swaps: 10, ..Course::short(3_000) },
        }
    }

    fn image(self, random: &mut Random) -> Image<'static> {
        let shape = match self {
            Self::Computing => Shape::computing(random),
            Self::Looping => Shape::looping(random),
            Self::Long => Shape::long(random),
            Self::Language => return lang::random_image(random),
            Self::Small => return small::image(random),
        };
        scene(random, shape)
    }

    /// In how many ways an image is cut: what was compiled for one is there for the next.
    const fn courses(self) -> u64 {
        match self {
            Self::Long => 1,
            Self::Language => 2,
            Self::Computing | Self::Looping | Self::Small => 3,
        }
    }
}

/// How the engine compiles that is held against the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compiling {
    /// When it does.
    pub tier: Tier,
    /// And how.
    pub options: CompilerOptions,
}

impl Compiling {
    fn random(random: &mut Random, options: CompilerOptions) -> Self {
        let tier = if random.percent(10) { Tier::Auto } else { Tier::Jit };
        let speculation_guards = random.percent(70);
        let levels = random.pick(&[Levels::Both, Levels::Quick, Levels::Optimized, Levels::Optimized]);
        Self { tier, options: CompilerOptions { speculation_guards, levels, ..options } }
    }

    /// Such an engine.
    #[must_use]
    pub fn engine(self) -> Engine {
        Engine::with_options(self.tier, self.options)
    }
}

/// The run with this seed.
pub(super) fn run<S: Machinery>(seed: u64, options: CompilerOptions) -> Outcome {
    run_random::<S>(&mut Random::new(seed), Kind::of(seed), options)
}

pub(super) fn run_random<S: Machinery>(random: &mut Random, kind: Kind, options: CompilerOptions) -> Outcome {
    let image = kind.image(random);
    let compiling = Compiling::random(random, options);
    if kind == Kind::Language {
        return compare::<lang::Compiled<S>>(random, image, kind, compiling);
    }
    compare::<S>(random, image, kind, compiling)
}

/// A run of an image that may be inconsistent.
pub(super) fn run_image<S: Machinery>(
    random: &mut Random,
    image: Image<'static>,
    options: CompilerOptions,
) -> Outcome {
    let engine = Engine::default();
    let taken = caught(|| S::take(&image, &engine).is_some());
    match taken {
        Ok(true) => {
            let compiling = Compiling::random(random, options);
            compare::<S>(random, image, Kind::Computing, compiling)
        }
        Ok(false) => Ok(Run::default()),
        Err(what) => Err(Box::new(Found { what, evidence: Evidence::Image(image) })),
    }
}

fn compare<S: Machinery>(
    random: &mut Random,
    image: Image<'static>,
    kind: Kind,
    compiling: Compiling,
) -> Outcome {
    // Noting what is executed takes time.
    let records = kind != Kind::Long;
    let (reference, other) =
        (if records { Engine::recording() } else { Engine::default() }, compiling.engine());
    let engines = Engines { reference: &reference, other: &other };
    let mut run = Run { accepted: true, ..Run::default() };
    for _ in 0..kind.courses() {
        let course = kind.course(random);
        let seed = random.next();
        let ran = caught(|| at_random::<S>(&image, engines, course, seed));
        match ran {
            Ok(Ok(report)) => run.add(&report),
            Ok(Err(divergence)) => {
                // It is the image that the machine gave back: the same state, in order.
                let image = crate::image::read(&divergence.image).map_or(image, Image::into_owned);
                let case = Case { image, steps: divergence.steps };
                let what = format!("{} (after {} gas)", divergence.difference, divergence.gas);
                let language = kind == Kind::Language;
                return Err(Box::new(Found {
                    what,
                    evidence: Evidence::Steps { case, compiling, language },
                }));
            }
            Err(what) => return Err(Box::new(Found { what, evidence: Evidence::Image(image) })),
        }
    }
    run.pairs = reference.opcode_pairs();
    run.input = records.then_some(Input::Image(image));
    Ok(run)
}
