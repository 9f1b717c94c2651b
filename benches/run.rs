//! How fast programs run: instructions, sandboxed calls, a first result, forks, and calls a hundred thousand deep.
//!
//! Every measurement asserts what it measured, so a wrong run cannot be fast.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use keyvm::{Engine, Event, Machine, Tier, asm};

fn machine(source: &str) -> Machine {
    let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    Machine::new(&image).expect("the assembler gives consistent images")
}

/// Runs exactly `gas`, all of it ordinary instructions.
fn pause_after(machine: &mut Machine, gas: u64) {
    let before = machine.total_gas();
    assert_eq!(machine.run(gas), Event::Paused);
    assert_eq!(machine.total_gas(), before + gas);
}

fn instructions(c: &mut Criterion) {
    const GAS: u64 = 10_000_000;
    let mut group = c.benchmark_group("arithmetic");
    group.throughput(Throughput::Elements(GAS)).sample_size(20);
    let mut running = machine(include_str!("programs/arithmetic.kasm"));
    group.bench_function("run/interp", |b| b.iter(|| pause_after(&mut running, GAS)));
    group.finish();
}

fn sandbox(c: &mut Criterion) {
    // One turn of the loop: gas as the program's instructions cost.
    const TURN: u64 = 98;
    const TURNS: u64 = 10_000;
    let mut group = c.benchmark_group("sandbox");
    group.throughput(Throughput::Elements(TURNS)).sample_size(20);
    for (name, tier) in [("interp", Tier::Interpreter), ("jit", Tier::Jit), ("auto", Tier::Auto)] {
        let mut running = machine(include_str!("programs/sandbox.kasm"));
        running.set_engine(&Engine::new(tier));
        group.bench_function(format!("run/{name}"), |b| {
            b.iter(|| {
                let before = running.objects();
                pause_after(&mut running, TURN * TURNS);
                assert_eq!(running.objects(), before);
            });
        });
    }
    group.finish();
}

/// A program of a few instructions, from its image to its result, by an engine that is new.
fn first_result(c: &mut Criterion) {
    let source = "1\nagain: mul(3)\n dup\n jumpif(lt(1000), :again)\n return 1";
    let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut group = c.benchmark_group("first-result");
    for (name, tier) in [("interp", Tier::Interpreter), ("auto", Tier::Auto), ("jit", Tier::Jit)] {
        group.bench_function(format!("run/{name}"), |b| {
            b.iter(|| {
                let mut machine = Machine::with_engine(&image, &Engine::new(tier)).expect("it is consistent");
                assert_eq!(machine.run(u64::MAX), Event::Returned([2187].into()));
            });
        });
    }
    group.finish();
}

/// The program of `deep.kasm` at its bottom: `depth` calls below the root process.
fn at_the_bottom(depth: usize, calls: bool) -> Machine {
    let source = include_str!("programs/deep.kasm");
    let data = format!("data {{ u64 {depth}, {}, 0 }}", u8::from(calls));
    let mut machine = machine(&source.replace("data { u64 1, 0, 0 }", &data));
    while machine.depth() < depth + 1 {
        assert_eq!(machine.run(1_000), Event::Paused);
    }
    assert_eq!(machine.run(1_000), Event::Paused);
    assert!(machine.depth() > depth);
    machine
}

fn depth(c: &mut Criterion) {
    const GAS: u64 = 2_000_000;
    for (name, calls) in [("deep-step", false), ("deep-call", true)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(GAS)).sample_size(30);
        for depth in [1, 100_000] {
            let mut running = at_the_bottom(depth, calls);
            group.bench_function(format!("run/{depth}"), |b| {
                b.iter(|| {
                    assert_eq!(running.run(GAS), Event::Paused);
                    assert!(running.depth() > depth);
                });
            });
        }
        group.finish();
    }
}

fn forks(c: &mut Criterion) {
    const FORKS: u64 = 1_000_000;
    let mut group = c.benchmark_group("fork");
    group.throughput(Throughput::Elements(FORKS)).sample_size(10);
    let source = include_str!("programs/fork.kasm");
    group.bench_function("run/interp", |b| {
        b.iter_batched_ref(
            || machine(source),
            |machine| {
                let before = machine.objects();
                assert_eq!(machine.run(u64::MAX), Event::Halted);
                assert_eq!(machine.objects(), before + FORKS);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let before = resident_bytes();
    let mut machine = machine(source);
    assert_eq!(machine.run(u64::MAX), Event::Halted);
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let own = machine.budget().words_used * 8;
        println!(
            "fork: {} host bytes for each process, {} of them its own words",
            after.saturating_sub(before) / FORKS,
            own / FORKS
        );
    }
}

/// Host memory of this process, where the operating system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

criterion_group!(benches, instructions, sandbox, first_result, depth, forks);
criterion_main!(benches);
