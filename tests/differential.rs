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

use keyvm::fuzz::{Kind, Target, run};
use keyvm::{CompilerOptions, Engine, Machine, asm};
use keyvm_oracle::random::setting;
use keyvm_oracle::{Case, Divergence, Engines, Report, replay, shrink};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a divergence is, made small, as text.
fn told(divergence: &Divergence, engines: Engines<'_, Engine>) -> String {
    let image = keyvm::image::read(&divergence.image).expect("it was written by a machine");
    let case = Case { image: image.into_owned(), steps: divergence.steps.clone() };
    let differs = |case: &Case| replay::<Machine>(&case.image, engines, &case.steps).err();
    let case = shrink(case, &mut |case| Some(differs(case).is_some()));
    let small = differs(&case).map_or_else(String::new, |small| small.to_string());
    format!("{divergence}\nshrunk: {small}\n{}", asm::disassemble(&case.image))
}

/// One random image, cut at random.
fn one_run(seed: u64) -> keyvm::fuzz::Run {
    run::<Machine>(Target::Jit, seed, CompilerOptions::default()).unwrap_or_else(|finding| {
        panic!("in the run of seed {seed}:\n{}", finding.shrunk::<Machine>(&|| true))
    })
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
    let runs = Mutex::new(BTreeMap::<Kind, (u64, u64, Report, Report)>::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed().as_secs() < seconds {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let run = one_run(seed);
                    let mut runs = runs.lock().expect("no other thread panics with it");
                    let of_kind = runs.entry(Kind::of(seed)).or_default();
                    of_kind.0 += run.executions;
                    of_kind.1 += run.counted_executions;
                    of_kind.2.add(&run.report);
                    of_kind.3.add(&run.counted);
                }
            });
        }
    });
    let runs = runs.lock().expect("no thread panicked with it");
    for (kind, (runs, counted, report, counting)) in &*runs {
        println!(
            "{kind:?}: {runs} runs, of which {counted} count; {} instructions, {} of them natively, {} in runs that count; {} cuts, {} of them deep; {} swaps",
            report.instructions,
            report.native,
            counting.instructions,
            report.cuts,
            report.deep_cuts,
            report.swaps,
        );
        assert!(*runs < 100 || counted * 10 >= *runs, "too few tell much about native code");
    }
    println!("{:.1} s", start.elapsed().as_secs_f64());
    assert!(!runs.is_empty(), "there was time for one run");
}
