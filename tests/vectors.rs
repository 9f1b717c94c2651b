//! Golden tests of every instruction: `tests/vectors/*.txt` hold what an instruction makes of its operands,
//! `tests/vectors/kernel/*.kasm` what whole programs do with keys, pages, processes and meters.
//!
//! Every vector is also run with one gas too few, and in the smallest slices, saved and read back between them. What
//! they hold, they hold for each of [`ENGINES`].

#[path = "vectors/coverage.rs"]
mod coverage;
#[path = "vectors/engine.rs"]
mod engine;
#[path = "vectors/files.rs"]
mod files;
#[path = "vectors/filetest.rs"]
mod filetest;
#[path = "vectors/vector.rs"]
mod vector;

use engine::Engine;
use files::{files, filetests, hold_all, vectors};
use keyvm::{CompilerOptions, Levels, Tier};
use keyvm_isa::{Flow, OPS, Op, Trap};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use vector::Outcome;

/// Those that the vectors hold for.
static ENGINES: LazyLock<[Engine; 3]> = LazyLock::new(|| {
    [
        ("Interpreter", Tier::Interpreter, Levels::Both),
        ("Jit", Tier::Jit, Levels::Optimized),
        ("Quick", Tier::Jit, Levels::Quick),
    ]
    .map(|(name, tier, levels)| {
        let options = CompilerOptions { levels, ..CompilerOptions::default() };
        Engine { name, engine: keyvm::Engine::with_options(tier, options) }
    })
});

/// Holds the vectors of one file.
fn hold_file(name: &str) {
    let files = files("", "txt");
    let (name, text) = files.iter().find(|file| file.0 == name).expect("the file is there");
    let vectors = vector::parse(name, text);
    for engine in &*ENGINES {
        hold_all(&vectors, |vector| vector.hold(engine));
    }
}

macro_rules! vector_files {
    ($( $test:ident $file:literal; )*) => {
        $( #[test] fn $test() { hold_file($file); } )*

        #[test]
        fn every_vector_file_is_run() {
            let run = [$($file),*];
            for (name, _) in files("", "txt") {
                assert!(run.contains(&&*name), "tests/vectors/{name} is not run");
            }
        }
    };
}

vector_files! {
    integers_of_64_bits_are_computed_as_written "int64.txt";
    integers_of_32_bits_are_computed_as_written "int32.txt";
    doubles_are_computed_as_written "f64.txt";
    singles_are_computed_as_written "f32.txt";
    numbers_are_converted_as_written "convert.txt";
    operands_are_moved_as_written "stack.txt";
    control_moves_as_written "control.txt";
    memories_are_read_and_written_as_written "memory.txt";
    keys_are_looked_at_as_written "keys.txt";
}

#[test]
fn programs_do_what_their_files_say() {
    let filetests = filetests();
    for engine in &*ENGINES {
        hold_all(&filetests, |filetest| filetest.hold(engine));
    }
}

#[test]
fn every_instruction_has_vectors() {
    let mut count: BTreeMap<Op, usize> = BTreeMap::new();
    for vector in vectors() {
        if let Some(op) = vector.op {
            *count.entry(op).or_default() += 1;
        }
    }
    let used: BTreeSet<Op> = filetests().iter().flat_map(coverage::ops).collect();
    let missing: Vec<&str> = OPS
        .iter()
        .filter(|info| {
            let vectors = count.get(&info.op).copied().unwrap_or(0);
            let enough = if info.flow == Flow::Next && info.imms.is_empty() { 6 } else { 1 };
            if info.flow == Flow::Kernel { !used.contains(&info.op) } else { vectors < enough }
        })
        .map(|info| info.mnemonic)
        .collect();
    assert!(missing.is_empty(), "too few vectors: {missing:?}");
}

/// Traps that no test of reasonable size reaches: a key list is full at 2^24 slots.
const OUT_OF_REACH: [Trap; 1] = [Trap::KeyListFull];

#[test]
fn every_trap_of_every_instruction_is_reached() {
    let mut reached: BTreeSet<(Op, Trap)> = BTreeSet::new();
    for vector in vectors() {
        if let (Some(op), Outcome::Trap(trap)) = (vector.op, &vector.outcome) {
            reached.insert((op, *trap));
        }
    }
    reached.extend(filetests().iter().flat_map(coverage::traps));
    let mut missing = Vec::new();
    for info in OPS {
        let underflow = (info.pops > 0).then_some(Trap::StackUnderflow);
        let overflow = (info.pushes > info.pops).then_some(Trap::StackOverflow);
        for &trap in info.traps.iter().chain(&underflow).chain(&overflow) {
            let excused = OUT_OF_REACH.contains(&trap);
            if !excused && !reached.contains(&(info.op, trap)) {
                missing.push(format!("{} {trap}", info.mnemonic));
            }
        }
    }
    assert!(missing.is_empty(), "{} traps are not reached: {missing:#?}", missing.len());
}

#[test]
fn a_word_that_is_no_instruction_has_vectors() {
    let unknown = vectors().iter().filter(|vector| vector.op.is_none()).count();
    assert!(unknown >= 6, "{unknown}");
}
