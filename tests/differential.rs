//! The compiler against the interpreter: the same image under both, cut everywhere.
//!
//! A random run counts if at least half of its instructions ran natively and a fifth of its cuts fell inside a
//! subroutine at least two calls deep; a failure tells the seed, the steps, and a smaller program that differs, too.
//! `KEYVM_FUZZ_SECONDS=60` runs random images for that long, `KEYVM_FUZZ_SEED=n` from that seed on.

#[path = "differential/callees.rs"]
mod callees;
#[path = "differential/directed.rs"]
mod directed;
#[path = "differential/inlined.rs"]
mod inlined;
#[path = "differential/language.rs"]
mod language;
#[path = "differential/lent.rs"]
mod lent;
#[path = "differential/levels.rs"]
mod levels;
#[path = "differential/memory.rs"]
mod memory;
#[path = "differential/native_stack.rs"]
mod native_stack;
#[path = "differential/nested.rs"]
mod nested;
#[path = "differential/straight.rs"]
mod straight;
#[path = "differential/ways.rs"]
mod ways;

use keyvm::isa::image::Image;
use keyvm::{CompilerOptions, Engine, Levels, Machine, Tier, asm};
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::random::{Random, setting};
use keyvm_oracle::{Divergence, Engines, Report, at_random, shrink};
use language::Compiled;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a divergence is, made small, as text.
fn told(divergence: &Divergence, engines: Engines<'_, Engine>) -> String {
    let image = keyvm::image::read(&divergence.image).expect("it was written by a machine");
    let (image, steps) = shrink::<Machine>(&image, engines, &divergence.steps);
    let mut text = format!("{divergence}\nshrunk: {steps:?}\n");
    if let Err(divergence) = keyvm_oracle::replay::<Machine>(&image, engines, &steps) {
        text += &format!("{divergence}\n");
    }
    text += &asm::disassemble(&image);
    text
}

/// What a random run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Subroutines that compute.
    Computing,
    /// Loops.
    Looping,
    /// A program in the language.
    Language,
}

impl Kind {
    /// What the run with this seed is of.
    const fn of(seed: u64) -> Self {
        match seed % 10 {
            0..4 => Self::Computing,
            4..7 => Self::Looping,
            _ => Self::Language,
        }
    }

    fn image(self, random: &mut Random) -> Image<'static> {
        let shape = match self {
            Self::Computing => Shape::computing(random),
            Self::Looping => Shape::looping(random),
            Self::Language => return language::image(random),
        };
        scene(random, shape)
    }
}

/// Says which seed it was that panicked.
struct Naming(u64);

impl Drop for Naming {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the run of seed {}", self.0);
        }
    }
}

/// One random image, cut at random.
fn one_run(seed: u64) -> Report {
    let _naming = Naming(seed);
    let mut random = Random::new(seed);
    let kind = Kind::of(seed);
    let image = kind.image(&mut random);
    let tier = if random.percent(10) { Tier::Auto } else { Tier::Jit };
    let guarded = random.percent(70);
    let levels = random.pick(&[Levels::Both, Levels::Quick, Levels::Optimized, Levels::Optimized]);
    let options = CompilerOptions { speculation_guards: guarded, levels, ..CompilerOptions::default() };
    let (reference, other) = (Engine::default(), Engine::with_options(tier, options));
    let engines = Engines { reference: &reference, other: &other };
    let report = match kind {
        Kind::Language => at_random::<Compiled>(&image, engines, 40_000, seed),
        _ => at_random::<Machine>(&image, engines, 20_000, seed),
    };
    report.unwrap_or_else(|divergence| panic!("{}", told(&divergence, engines)))
}

#[test]
#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a time budget is this test's purpose; no outcome depends on the clock"
)]
fn random_images_run_alike() {
    let start = std::time::Instant::now();
    let seconds = setting("KEYVM_FUZZ_SECONDS").unwrap_or(4);
    let next = AtomicU64::new(setting("KEYVM_FUZZ_SEED").unwrap_or(0));
    let runs = Mutex::new(BTreeMap::<Kind, (u64, u64, Report)>::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed().as_secs() < seconds {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let report = one_run(seed);
                    let mut runs = runs.lock().expect("no other thread panics with it");
                    let of_kind = runs.entry(Kind::of(seed)).or_default();
                    of_kind.0 += 1;
                    of_kind.1 += u64::from(report.counts());
                    of_kind.2.add(&report);
                }
            });
        }
    });
    let runs = runs.lock().expect("no thread panicked with it");
    for (kind, (runs, counted, report)) in &*runs {
        println!(
            "{kind:?}: {runs} runs, of which {counted} count; {} instructions, {} of them natively; {} cuts, {} of them deep; {} swaps",
            report.instructions, report.native, report.cuts, report.deep_cuts, report.swaps,
        );
        assert!(*runs < 100 || counted * 10 >= *runs, "too few tell much about native code");
    }
    println!("{:.1} s", start.elapsed().as_secs_f64());
    assert!(!runs.is_empty(), "there was time for one run");
}
