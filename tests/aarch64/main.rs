//! Native code for aarch64 against the interpreter, on any computer that can emulate an aarch64.
//!
//! It takes a C compiler for aarch64 and QEMU (`gcc-aarch64-linux-gnu` and `qemu-user-static` on Debian and Ubuntu).
//! Without these the tests are ignored, or fail if `KEYVM_AARCH64=required` is set.

mod processor;
mod shared;

#[path = "../determinism/mod.rs"]
mod determinism;
#[path = "../vectors/engine.rs"]
mod engine;
#[path = "../vectors/files.rs"]
mod files;
#[path = "../vectors/filetest.rs"]
mod filetest;
#[path = "../../benches/native/mod.rs"]
mod native;
#[path = "../vectors/vector.rs"]
mod vector;

use keyvm::image::{self, Hash};
use keyvm::isa::image::Image;
use keyvm::{Args, CompilerOptions, Console, Engine, Event, Hosts, Levels, Machine, asm};
use keyvm_isa::{Flow, OPS};
use keyvm_oracle::random::Random;
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::{Course, Engines, Report, Step, at_random, replay};
use libtest_mimic::{Arguments, Completion, Trial};
use processor::Tools;
use std::fmt::Debug;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Instructions that all tests together must execute as aarch64.
const INSTRUCTIONS_MIN: u64 = 10_000_000;

type Test = fn(&Tools);

const TESTS: [(&str, Test); 9] = [
    ("vectors_of_each_instruction_hold", vectors),
    ("programs_do_what_their_files_say", filetests),
    ("operands_that_the_compiler_does_not_know_give_the_same", unknown_operands),
    ("saved_images_and_examples_run_alike", images),
    ("benchmarks_give_what_rust_gives", benchmarks),
    ("benchmarks_run_alike", programs),
    ("calls_of_all_kinds_and_depths_run_alike", calls),
    ("random_images_run_alike", random_images),
    ("programs_end_as_written_down", hashes),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tools = Tools::find()
        .map(Arc::new)
        .map_err(|missing| format!("it needs gcc-aarch64-linux-gnu and qemu-user-static: {missing}"));
    if let (Ok(tools), false) = (&tools, arguments.list) {
        tools.build();
    }
    let required = std::env::var_os("KEYVM_AARCH64").is_some_and(|value| value == "required");
    let trials = TESTS.map(|(name, test)| {
        let tools = tools.clone();
        Trial::ignorable_test(name, move || match tools {
            Ok(tools) => {
                test(&tools);
                Ok(Completion::Completed)
            }
            Err(missing) if required => Err(missing.into()),
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    let all = u64::try_from(TESTS.len()).is_ok_and(|tests| conclusion.num_passed == tests);
    if let Ok(tools) = tools {
        let counts = &tools.counts;
        let [units, entries, instructions] = [&counts.units, &counts.entries, &counts.instructions]
            .map(|counter| counter.load(Ordering::Relaxed));
        println!("aarch64: {units} units, {entries} entries, {instructions} instructions");
        if all && instructions < INSTRUCTIONS_MIN {
            println!("these are too few: {INSTRUCTIONS_MIN} are to be executed");
            return ExitCode::FAILURE;
        }
    }
    conclusion.exit_code()
}

/// Engines with optimized code, and with quick code.
fn compilers(tools: &Tools) -> [Engine; 2] {
    [Levels::Optimized, Levels::Quick]
        .map(|levels| tools.engine(CompilerOptions { levels, ..CompilerOptions::default() }))
}

fn vectors(tools: &Tools) {
    for engine in compilers(tools) {
        let engine = engine::Engine { name: "aarch64", engine };
        files::hold_all(&files::vectors(), |vector| vector.hold(&engine));
    }
}

fn filetests(tools: &Tools) {
    for engine in compilers(tools) {
        let engine = engine::Engine { name: "aarch64", engine };
        files::hold_all(&files::filetests(), |filetest| filetest.hold(&engine));
    }
}

/// One image under both engines.
struct Both {
    interpreter: Machine,
    aarch64: Machine,
}

impl Both {
    fn new(image: &Image<'_>, aarch64: &Engine) -> Self {
        let machine = |engine| Machine::with_engine(image, engine).expect("the image is consistent");
        Self { interpreter: machine(&Engine::default()), aarch64: machine(aarch64) }
    }

    /// Does the same to both, and compares what it gives and all that can be seen then.
    fn each<T: Debug + PartialEq>(&mut self, what: &str, act: impl Fn(&mut Machine) -> T) -> T {
        let seen = |machine: &mut Machine| {
            let given = act(machine);
            (given, machine.state_hash(), machine.total_gas(), machine.instructions())
        };
        let expected = seen(&mut self.interpreter);
        assert_eq!(seen(&mut self.aarch64), expected, "{what}");
        expected.0
    }
}

fn assembled(source: &str) -> Image<'static> {
    asm::assemble(source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"))
}

/// Words that are somewhere on an edge, as integers or as floats of either width.
const EDGES: [u64; 16] = [
    0,
    1,
    u64::MAX,
    1 << 63,
    (1 << 63) - 1,
    1 << 31,
    u32::MAX as u64,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff8_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0x7f80_0000,
    0xff80_0001,
    0x7fc0_0000,
    0x5f00_0000,
];

/// Every instruction that only computes, with operands that come with a call: nothing is computed beforehand.
fn unknown_operands(tools: &Tools) {
    let engine = tools.engine(CompilerOptions::default());
    let vectors = files::vectors();
    let mut random = Random::new(1);
    for info in OPS.iter().filter(|info| info.flow == Flow::Next && info.imms.is_empty()) {
        let pops = usize::from(info.pops);
        let image = assembled(&format!("{}\nreturn {}", info.mnemonic, info.pushes));
        let mut both = Both::new(&image, &engine);
        let written =
            vectors.iter().filter(|vector| vector.op == Some(info.op)).map(vector::Vector::operands);
        let edges = (0..EDGES.len().pow(info.pops.min(2).into()))
            .map(|n| (0..pops).map(|i| EDGES[n / EDGES.len().pow(i as u32 % 2) % EDGES.len()]).collect());
        let others: Vec<Vec<u64>> = (0..30).map(|_| (0..pops).map(|_| random.word()).collect()).collect();
        for operands in written.chain(edges).chain(others) {
            let what = format!("{} of {operands:x?}", info.mnemonic);
            let event = both.each(&what, |machine| machine.run_with(u64::MAX, &operands));
            if !matches!(event, Event::Returned(_)) {
                both = Both::new(&image, &engine);
            }
        }
    }
}

/// A place for what a console writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a machine does with a console and an argument, in pieces of so much gas: what it yields and ends with, what it
/// writes, and its state after each piece.
fn story(machine: &mut Machine, piece: u64) -> (Vec<Event>, Vec<u8>, Vec<Hash>) {
    let written = Written::default();
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41"]));
    hosts.grant("console", Console::new(std::io::empty(), written.clone()));
    let (mut events, mut hashes) = (Vec::new(), Vec::new());
    while hashes.len() < 40 {
        let event = machine.run_hosted(piece, &mut hosts);
        hashes.push(machine.state_hash());
        match event {
            Event::Paused => {}
            Event::Yielded(_) => events.push(event),
            _ => {
                events.push(event);
                break;
            }
        }
    }
    let written = written.0.lock().expect("nobody panicked").clone();
    (events, written, hashes)
}

/// The files in a folder of the project, in the order of their names.
fn folder(name: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "et"));
    paths.sort();
    paths
}

fn images(tools: &Tools) {
    let engine = tools.engine(CompilerOptions::default());
    for path in folder("tests/golden").into_iter().chain(folder("examples")) {
        let what = path.display().to_string();
        for piece in [u64::MAX >> 1, 10_007, 501] {
            let mut both = if path.extension().is_some_and(|extension| extension == "blob") {
                let file = std::fs::read(&path).expect("it can be read");
                Both::new(&image::read(&file).expect("the format is known"), &engine)
            } else {
                Both::new(&assembled(&std::fs::read_to_string(&path).expect("a text")), &engine)
            };
            let piece = if what.ends_with("replicate.kasm") { piece.min(10_007) } else { piece };
            both.each(&what, |machine| story(machine, piece));
        }
    }
}

fn benchmarks(tools: &Tools) {
    let engine = tools.engine(CompilerOptions::default());
    for (program, size) in [
        (native::FIB, 25),
        (native::SIEVE, 200_000),
        (native::MATMUL, 64),
        (native::SHA256, 10_000),
        (native::DISPATCH, 20),
    ] {
        let [mut aarch64, mut interpreter] =
            [&engine, &Engine::default()].map(|engine| program.machine(size, engine));
        let expected = (program.native)(size)();
        for machine in [&mut aarch64, &mut interpreter] {
            assert_eq!(native::run(machine), expected, "{} of {size}", program.name);
        }
        assert_eq!(aarch64.state_hash(), interpreter.state_hash(), "{} of {size}", program.name);
        assert_eq!(aarch64.total_gas(), interpreter.total_gas(), "{} of {size}", program.name);
    }
}

/// The programs that benchmarks measure, in pieces.
fn programs(tools: &Tools) {
    let engine = tools.engine(CompilerOptions::default());
    let engines = Engines { reference: &Engine::default(), other: &engine };
    for path in folder("benches/programs") {
        let image = assembled(&std::fs::read_to_string(&path).expect("a text"));
        let steps = [Step::Run(20_011); 8];
        replay::<Machine>(&image, engines, &steps)
            .unwrap_or_else(|divergence| panic!("{}: {divergence}", path.display()));
    }
}

/// Calls: direct, by an operand, by a table and in place, with more arguments and results than go into registers.
const KINDS: &str = "
process root { standing  data { u64 :leaf } }
meter prime {}
        0
        300
again:  call(1, 2, 3, 4, 5, 6, 7, 8, get 1, get 0, :many)
        set 0 (add(add(add(add(add)))))
        set 0 (add(get 0, call(get 1, :hop)))
        set 0 (add(get 0, callto 2->1 (get 1, 3, :leaf)))
        set 0 (add(get 0, calltable 2->1, 2 (get 1, 5, 0)))
        set 1 (sub(get 1, 1))
        jumpif(get 1, :again)
        return 1 (get 0)
func many 10 -> 6
        ret(get 0, get 2, get 4, get 7, get 8, get 9)
func hop 1 -> 1
        tailcall(get 0, 9, :leaf)
func leaf 2 -> 1
        ret(xor(mul(get 0, 31), get 1))";

/// Recursion that is deeper than there is native stack, with a helper at the bottom.
const DEPTHS: &str = "
process root { standing  stack_maximum 0x100000  data { u64 12_000 } }
meter prime {}
        return 1 (call(load64(0), :down))
func down 1 -> 1, 2
        set 1 (mul(get 0, 3))
        jumpz(get 0, :bottom)
        ret(sub(call(sub(get 0, 1), :down), get 1))
bottom: ret(random(1, 100))";

fn calls(tools: &Tools) {
    for (source, gas) in [(KINDS, 900), (KINDS, 100_000), (DEPTHS, 70_000), (DEPTHS, 400_000)] {
        for engine in compilers(tools) {
            let engines = Engines { reference: &Engine::default(), other: &engine };
            let steps = [Step::Run(gas); 4];
            let report = replay::<Machine>(&assembled(source), engines, &steps)
                .unwrap_or_else(|divergence| panic!("{source}\n{divergence}"));
            assert!(report.native * 2 > report.instructions, "too little ran natively: {report:?}");
        }
    }
}

fn random_images(tools: &Tools) {
    let mut all = Report::default();
    for seed in 0..if cfg!(debug_assertions) { 16 } else { 200 } {
        let mut random = Random::new(seed);
        let shape = Shape::computing(&mut random);
        let image = scene(&mut random, shape);
        let speculation_guards = random.percent(70);
        let levels = random.pick(&[Levels::Optimized, Levels::Quick]);
        let options = CompilerOptions { speculation_guards, levels, ..CompilerOptions::default() };
        let engine = tools.engine(options);
        let engines = Engines { reference: &Engine::default(), other: &engine };
        let report = at_random::<Machine>(&image, engines, Course::short(20_000), seed)
            .unwrap_or_else(|divergence| panic!("{divergence}"));
        all.add(&report);
    }
    assert!(all.native * 2 > all.instructions, "too little ran natively: {all:?}");
}

/// The states that every build ends in.
fn hashes(tools: &Tools) {
    let engine = tools.engine(CompilerOptions { levels: Levels::Quick, ..CompilerOptions::default() });
    let lines: Vec<_> =
        determinism::programs().map(|(name, image)| determinism::line(&name, &image, &engine)).collect();
    let told = determinism::differences(&lines, &determinism::written(), 1);
    assert!(told.is_empty(), "{told}");
}
