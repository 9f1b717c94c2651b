//! Programs that were changed at random, through the whole compiler: each is refused with a message, or compiled; what is
//! compiled does the same on each engine, and never comes to instructions that no program of the language can come to.
//!
//! `KEYVM_FUZZ_SECONDS=60` goes on for that long, `KEYVM_FUZZ_SEED=n` begins with that seed.

use keyvm::entish::{self, File};
use keyvm::fuzz::{Finding, Run, Target, bytes_and_marks, run, run_bytes};
use keyvm::{CompilerOptions, Machine};
use keyvm_oracle::random::{Random, setting};

/// How many are tried where no time is given.
const FIXED: u64 = 150;

/// Whether a text could be compiled; fails if something was found.
fn accepted(seed: u64, outcome: Result<Run, Box<Finding>>) -> bool {
    match outcome {
        Ok(run) => run.accepted,
        Err(finding) => panic!("seed {seed}:\n{finding}"),
    }
}

#[test]
#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a time budget is this test's purpose; no outcome depends on the clock"
)]
fn what_compiles_runs_alike_and_cleanly() {
    let seconds = setting("KEYVM_FUZZ_SECONDS");
    let end = seconds.map(|seconds| std::time::Instant::now() + std::time::Duration::from_secs(seconds));
    let first = setting("KEYVM_FUZZ_SEED").unwrap_or(0);
    let (mut tried, mut compiled) = (0, 0);
    while end.map_or(tried < FIXED, |end| std::time::Instant::now() < end) {
        let seed = first + tried;
        let ran = run::<Machine>(Target::Lang, seed, CompilerOptions::default());
        compiled += u64::from(accepted(seed, ran));
        tried += 1;
    }
    // Of those that there is time for, nothing can be said: a slow machine tries few.
    if end.is_none() {
        assert!(compiled * 8 > tried, "{compiled} of {tried} were compiled");
    }
}

#[test]
fn bytes_and_marks_at_random_are_refused_or_compiled() {
    for seed in 0..400 {
        let text = bytes_and_marks(&mut Random::new(seed));
        accepted(seed, run_bytes::<Machine>(Target::Lang, text.as_bytes()));
    }
}

fn compiles(text: &str) -> bool {
    let file = File { name: "mutant.et".into(), text: text.to_owned() };
    match entish::compile(file, &mut |_| Ok(None)) {
        Ok(_) => true,
        Err(errors) => {
            assert!(!errors.render(false).is_empty());
            false
        }
    }
}

#[test]
fn what_is_far_too_large_is_refused_at_once() {
    for text in ["[".repeat(200 << 20), "if x:\n".repeat(40 << 20), "\u{e9}".repeat(100 << 20)] {
        assert!(!compiles(&text));
    }
    let deep: String = (0..2_000).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    for text in
        [&*deep, &"[".repeat(8 << 20), &"x = -".repeat(1 << 20), &"(".repeat(15 << 20), &"a.".repeat(1 << 20)]
    {
        assert!(!compiles(text));
    }
}
