//! How fast programs in the language run, by the interpreter and compiled, and the same algorithms in assembly and in Rust.
//!
//! A run begins with an image and ends with its checksum; the engine knows the code from the first run on,
//! and has optimized it when Criterion has warmed up. Programs of a few lines are measured from their text to what they
//! print, as a process each; beside them one that only says its version.

mod et;
mod native;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use et::{PROGRAMS, Program};
use keyvm::entish::{self, File};
use keyvm::{Args, Engine, Event, Hosts, Machine, Tier};
use native::Run;
use std::process::Command;

/// Those that there are in assembly too.
const IN_ASSEMBLY: [native::Program; 5] =
    [native::FIB, native::SIEVE, native::MATMUL, native::SHA256, native::DISPATCH];

/// All ways in which a program runs, the Rust last.
fn ways(program: &Program) -> Vec<(&'static str, Run)> {
    let size = program.size;
    let on = |engine: Engine| -> Run {
        let image = program.image();
        Box::new(move || et::run(&image, size, &engine))
    };
    let mut ways = vec![("interp", on(Engine::default())), ("jit", on(Engine::new(Tier::Jit)))];
    if let Some(assembly) = IN_ASSEMBLY.iter().find(|assembly| assembly.name == program.name) {
        let mut machine = assembly.machine(size, &Engine::new(Tier::Jit));
        ways.push(("assembly-jit", Box::new(move || native::run(&mut machine))));
    }
    ways.push(("native", (program.native)(size)));
    ways
}

fn programs(c: &mut Criterion) {
    for program in &PROGRAMS {
        let mut group = c.benchmark_group(format!("{}.et", program.name));
        group.sample_size(20);
        for (way, mut run) in ways(program) {
            group.bench_function(format!("run/{way}"), |b| {
                let expected = (program.native)(program.size)();
                assert_eq!(run(), expected);
                b.iter(|| assert_eq!(run(), expected));
            });
        }
        group.finish();
    }
}

/// A sandboxed call in a loop, each result of which is given to the host.
fn sandboxed_yields(c: &mut Criterion) {
    const TURNS: u64 = 1_000;
    let text = "def f(x):\n    return x + 1\nx = $arg(0)\nwhile:\n    yield f<50,50>(x)\n".to_owned();
    let file = File { name: "yields.et".to_owned(), text };
    let image = entish::compile(file, &mut |_| Ok(None)).expect("it compiles").image;
    let mut group = c.benchmark_group("sandboxed-yield.et");
    group.throughput(Throughput::Elements(TURNS)).sample_size(20);
    for (name, tier) in [("interp", Tier::Interpreter), ("jit", Tier::Jit), ("auto", Tier::Auto)] {
        let mut machine = Machine::with_engine(&image, &Engine::new(tier)).expect("it is consistent");
        let mut hosts = Hosts::new();
        hosts.grant("args", Args::new(["41"]));
        group.bench_function(format!("run/{name}"), |b| {
            b.iter(|| {
                for _ in 0..TURNS {
                    assert_eq!(machine.run_hosted(u64::MAX, &mut hosts), Event::Yielded([42].into()));
                }
            });
        });
    }
    group.finish();
}

/// The program `keyvm` as a process.
fn processes(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it is written");
        path.to_str().expect("it is UTF-8").to_owned()
    };
    let one_line = write("one-line.et", "print(\"hello\")\n");
    let words = "import strings\nm = {\"a\": 1}\nfor w in strings.words(\"b a b\"): m[w] = m.get(w, 0) + 1\nprint(f(m[\"b\"]) * 1.5)\n";
    let words = write("words.et", words);
    let version = concat!("keyvm ", env!("CARGO_PKG_VERSION"), "\n");
    let mut group = c.benchmark_group("process");
    for (name, args, output) in [
        ("version", vec!["--version"], version),
        ("one-line.et", vec!["run", &one_line], "hello\n"),
        ("words.et", vec!["run", &words], "3.0\n"),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let run = Command::new(env!("CARGO_BIN_EXE_keyvm")).args(&args).output().expect("it runs");
                assert_eq!(String::from_utf8_lossy(&run.stdout), output);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, programs, sandboxed_yields, processes);
criterion_main!(benches);
