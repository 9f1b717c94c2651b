//! How fast compiled code is: five programs, by every engine and in Rust.

mod native;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use native::{Program, Run};

/// Makes ready to run a program with a size, again and again.
type Engine = fn(&Program, u64) -> Run;

/// All that are measured; throughput is the program's gas, also in Rust.
const ENGINES: [(&str, Engine); 2] = [
    ("interp", |program, size| on(program.machine(size, &keyvm::Engine::default()))),
    ("native", |program, size| (program.native)(size)),
];

/// Each program with the size it is measured with.
const PROGRAMS: [(Program, u64); 5] = [
    (native::FIB, 27),
    (native::SIEVE, 500_000),
    (native::MATMUL, 100),
    (native::SHA256, 200_000),
    (native::DISPATCH, 500),
];

fn on(mut machine: keyvm::Machine) -> Run {
    Box::new(move || native::run(&mut machine))
}

fn programs(c: &mut Criterion) {
    for (program, size) in &PROGRAMS {
        let expected = (program.native)(*size)();
        let mut machine = program.machine(*size, &keyvm::Engine::default());
        assert_eq!(native::run(&mut machine), expected);
        let mut group = c.benchmark_group(program.name);
        group.throughput(Throughput::Elements(machine.total_gas())).sample_size(20);
        for (engine, ready) in ENGINES {
            let mut run = ready(program, *size);
            group.bench_function(format!("run/{engine}"), |b| b.iter(|| assert_eq!(run(), expected)));
        }
        group.finish();
    }
}

criterion_group!(benches, programs);
criterion_main!(benches);
