//! How fast programs in the language run, by the interpreter and compiled, and the same algorithms in assembly and in Rust.
//!
//! A run begins with an image and ends with its checksum; the engine knows the code from the first run on,
//! and has optimized it when Criterion has warmed up.

mod et;
mod native;

use criterion::{Criterion, criterion_group, criterion_main};
use et::{PROGRAMS, Program};
use keyvm::{Engine, Tier};
use native::Run;

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

criterion_group!(benches, programs);
criterion_main!(benches);
