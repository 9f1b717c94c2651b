//! Code that is built to hurt the compiler is compiled, or left to the interpreter, in little time and memory; it runs,
//! and to the same end.

mod compiling;
#[path = "compiler_abuse/pages.rs"]
mod pages;

use compiling::compiling;
use keyvm::image::{HEADER_BYTES, Hash, SECTIONS_AT, SUM_AT, checksum, read, write};
use keyvm::isa::Code;
use keyvm::isa::code::CodeParts;
use keyvm::isa::image::{Body, Image};
use keyvm::{CompilerOptions, Engine, Event, Levels, Machine, RunStats, Tier, asm};
use peak_alloc::PeakAlloc;
use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Seconds that compiling for a page may take.
const SECONDS: f64 = 2.0;
/// Times its size that memory for a page may be, machine code included.
const TIMES: usize = 64;
/// Bytes beyond that: what the compiler needs for one unit of the greatest size.
const BESIDES: usize = 64 << 20;
/// Gas that a page is run for.
const GAS: u64 = if cfg!(debug_assertions) { 300_000 } else { 6_000_000 };
/// How large pages are, in percent. Without optimization, with Cranelift checking what it is given, only whether they
/// run is looked at: pages large enough to tell anything of time would take minutes.
const SIZE: usize = if cfg!(debug_assertions) { 3 } else { 100 };

/// Memory and time are the whole process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn image(parts: &CodeParts) -> Image<'static> {
    let mut image = asm::assemble("halt\ndata { words 512 }").unwrap_or_else(|errors| panic!("{errors:?}"));
    for object in &mut image.objects {
        if let Body::Code(code) = &mut object.body {
            *code = Cow::Owned(parts.words());
        }
    }
    image
}

/// Everything that may be seen of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    gas: u64,
    instructions: u64,
    state: Hash,
}

fn run(image: &Image<'_>, engine: &Engine) -> (Outcome, RunStats) {
    let mut machine = Machine::with_engine(image, engine).expect("it is consistent");
    // The last slices are uneven, so that a pause falls anywhere.
    let events = [GAS / 2, GAS / 3, 1, 12_345, GAS / 6].map(|slice| machine.run(slice)).into();
    let (gas, instructions) = (machine.total_gas(), machine.instructions());
    (Outcome { events, gas, instructions, state: machine.state_hash() }, machine.run_stats())
}

/// What a run has cost.
struct Cost {
    seconds: f64,
    /// Memory that was taken at most, machine code included.
    bytes: usize,
}

/// Runs a page by an engine that is new.
fn cost(image: &Image<'_>, tier: Tier, levels: Levels) -> (Cost, Outcome, RunStats) {
    let engine = Engine::with_options(tier, CompilerOptions { levels, ..CompilerOptions::default() });
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let (outcome, native) = run(image, &engine);
    let compiled = engine.stats();
    let machine_code = usize::try_from(compiled.bytes).expect("it fits into memory");
    let bytes = MEMORY.peak_usage() - before + machine_code;
    (Cost { seconds: compiled.nanoseconds as f64 / 1e9, bytes }, outcome, native)
}

#[test]
fn code_that_is_built_to_hurt_the_compiler_does_not() {
    let _alone = alone();
    let mut too_much = Vec::new();
    for &(name, build) in pages::ALL {
        let parts = build(SIZE);
        let size = Code::new(parts.words()).expect("it is code").words().len() * 8;
        let image = image(&parts);
        let (interpreted, expected, _) = cost(&image, Tier::Interpreter, Levels::Both);
        let engines =
            [(Tier::Jit, Levels::Optimized), (Tier::Jit, Levels::Quick), (Tier::Auto, Levels::Both)];
        for (tier, levels) in engines {
            let (Cost { seconds, bytes }, outcome, native) = cost(&image, tier, levels);
            assert!(outcome == expected, "{name}, {tier:?}: {outcome:?} instead of {expected:?}");
            // What the program itself takes is not the compiler's.
            let bytes = bytes.saturating_sub(interpreted.bytes);
            let line = format!(
                "{name}, {tier:?}, {levels:?}: {size} bytes, {seconds:.3} s, {:.1} MB, {:.0} % natively, {} entries",
                bytes as f64 / 1e6,
                native.instructions as f64 * 100.0 / expected.instructions as f64,
                native.entries,
            );
            println!("{line}");
            assert!(tier == Tier::Auto || native.entries > 0, "nothing is compiled of {line}");
            if !cfg!(debug_assertions) && (seconds > SECONDS || bytes > size * TIMES + BESIDES) {
                too_much.push(line);
            }
        }
    }
    assert!(too_much.is_empty(), "{too_much:#?}");
}

/// Pairs of programs whose pages are as long as each other and differ in one part: in instructions, constants, types,
/// switch tables.
const TWINS: [[&str; 2]; 4] = [
    ["return 1 (add(20, 3))", "return 1 (sub(20, 3))"],
    ["return 1 (not(0x123456789abcdef0))", "return 1 (not(0x123456789abcdef1))"],
    [
        "return 1 (call(5, :f))\nfunc f 1 -> 1, 1\n        ret(height)",
        "return 1 (call(5, :f))\nfunc f 1 -> 1, 2\n        ret(height)",
    ],
    [
        "switch [:x, :y] (0)\nx:      return 1 (1)\ny:      return 1 (2)",
        "switch [:y, :x] (0)\nx:      return 1 (1)\ny:      return 1 (2)",
    ],
];

/// A file, and where its code lies.
fn file_of(source: &str) -> (Vec<u8>, std::ops::Range<usize>) {
    let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut file = Vec::new();
    write(&image, &mut file).expect("a vector takes everything");
    let number = |i: usize| {
        let bytes = file[SECTIONS_AT + 8 * i..].first_chunk().expect("a header has five numbers");
        usize::try_from(u64::from_le_bytes(*bytes)).expect("it is short")
    };
    let begin = HEADER_BYTES + number(1);
    let code = begin..begin + number(2);
    (file, code)
}

#[test]
fn a_page_that_is_put_in_place_of_another_runs_its_own_code() {
    let _alone = alone();
    let run = |file: &[u8], engine: &Engine| {
        let image = read(file).expect("it is an image");
        let mut machine = Machine::with_engine(&image, engine).expect("it is consistent");
        let event = machine.run(u64::MAX);
        (event, machine.run_stats().instructions > 0)
    };
    let levels = [Levels::Quick, Levels::Optimized];
    for (twins, levels) in TWINS.iter().flat_map(|twins| levels.map(|levels| (twins, levels))) {
        let engine = compiling(levels);
        let interpreter = Engine::default();
        let [(first, code), (second, other)] = twins.map(file_of);
        assert_eq!(code, other, "{twins:?}");
        let (expected, _) = run(&first, &interpreter);
        assert_eq!(run(&first, &engine), (expected.clone(), true));
        // The first program's file, the checksum made right, with the second's code.
        let mut forged = first.clone();
        forged[code.clone()].copy_from_slice(&second[code]);
        let sum = checksum(&forged).expect("it has a header");
        forged[SUM_AT..SUM_AT + 32].copy_from_slice(&sum.0);
        let (other, _) = run(&second, &interpreter);
        assert_ne!(other, expected, "{twins:?}");
        assert_eq!(run(&forged, &engine), (other, true), "{twins:?}");
        assert_eq!(run(&first, &engine), (expected, true));
    }
}

#[test]
fn a_program_that_makes_one_page_after_another_has_little_compiled() {
    let _alone = alone();
    let pages = 2 * SIZE;
    let terms: String = (0..460).map(|n| format!("get 0\n{}\nfmul\nfadd\n", 1_000_000 + n * n)).collect();
    let source = format!(
        "code pattern {{
            jump :x
            push 0
        x:  1
            0
            0
            jumpif(mempush(0, 6), :next)
            return
        next: get 2
            {terms}
            set 2
            set 1 (sub(get 1, 1))
            jumpif(get 1, :next)
            return
        }}
            {pages}
        again: pagenew(0)
            memresize(6, size 4 + pattern)
            copy 6, 4 + pattern (0, 0, mul(size 4 + pattern, 8))
            store64 6, 8 (0, add(2, shl(get 0, 8)))
            drop(codeseal(get 1))
            create(get 1, 0)
            drop(drop(recurse(get 2, 1000, 1000)))
            destroy(get 2)
            destroy(get 1)
            drop
            drop
            set 0 (sub(get 0, 1))
            jumpif(get 0, :again)
            return 1 (7)"
    );
    // Optimizing takes longer.
    let engine = compiling(Levels::Optimized);
    let image = asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors}"));
    let mut machine = Machine::with_engine(&image, &engine).expect("it is consistent");
    machine.set_gas_limit(u64::MAX);
    assert_eq!(machine.run(u64::MAX), Event::Returned([7].into()));
    let stats = engine.stats();
    // Two seconds, and the page by which it was passed.
    let most = 2_000_000_000 + stats.nanoseconds.div_ceil(stats.batches.max(1)) * 2;
    assert!(cfg!(debug_assertions) || stats.nanoseconds <= most, "{stats:?}");
}
