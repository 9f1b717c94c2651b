//! The same programs end in the same states in every build: debug and release, interpreted and compiled. The emulated
//! aarch64 of `tests/aarch64` is held to the same file.

#[path = "determinism/mod.rs"]
mod runs;

use keyvm::{CompilerOptions, Engine, Levels, Tier};
use keyvm_oracle::random::setting;

/// Each `step`-th line, by an engine.
fn lines(engine: &Engine, step: usize) -> Vec<String> {
    runs::programs().step_by(step).map(|(name, image)| runs::line(&name, &image, engine)).collect()
}

const HEAD: &str = "# name, state in the beginning, state in the end, gas; \
    written by KEYVM_BLESS=1 cargo test --test determinism";

#[test]
fn interpreted_they_end_as_written_down() {
    let lines = lines(&Engine::default(), 1);
    if setting("KEYVM_BLESS").is_some() {
        std::fs::write(runs::FILE, format!("{HEAD}\n{}\n", lines.join("\n"))).expect("it can be written");
    }
    let told = runs::differences(&lines, &runs::written(), 1);
    assert!(told.is_empty(), "{told}");
}

fn compiled(levels: Levels, step: usize) {
    let engine = Engine::with_options(Tier::Jit, CompilerOptions { levels, ..CompilerOptions::default() });
    let told = runs::differences(&lines(&engine, step), &runs::written(), step);
    assert!(told.is_empty(), "{told}");
}

/// A build for debugging takes too long to compile them all, and any takes too long to optimize them all.
#[test]
fn compiled_quickly_they_end_as_written_down() {
    compiled(Levels::Quick, if cfg!(debug_assertions) { 3 } else { 1 });
}

#[test]
fn optimized_they_end_as_written_down() {
    compiled(Levels::Optimized, if cfg!(debug_assertions) { 16 } else { 4 });
}

#[test]
fn what_differs_is_told() {
    let found = ["a 1 2 3".to_owned(), "b 1 2 3".to_owned(), "c 1 2 3".to_owned()];
    assert_eq!(runs::differences(&found, "# head\na 1 2 3\nb 1 2 3\nc 1 2 3\n", 1), "");
    assert_eq!(
        runs::differences(&found, "a 1 2 3\nb 1 2 4\nc 0 2 3\nd 1 2 3\n", 1),
        "it ends in another state:\n  written b 1 2 4\n  found   b 1 2 3\n\
         it is another program:\n  written c 0 2 3\n  found   c 1 2 3\n\
         4 lines are written down, 3 are found\n"
    );
    assert_eq!(runs::differences(&found[..1], "a 1 2 3\nb 1 2 4\n", 2), "");
}
