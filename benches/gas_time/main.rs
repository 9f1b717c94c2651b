//! How much time gas can buy: the dearest nanosecond for each instruction, in the worst of many random places, as a
//! multiple of what an ordinary instruction costs the interpreter.
//!
//! `cargo bench --bench gas-time` prints the table, and fails if anything is dearer than [`BOUND`]. `-- --rounds N`
//! looks at N random places for each instruction and engine (3), `-- --seed N` at others, and `-- NAME` only at instructions
//! with that in their name.
#![allow(clippy::disallowed_types, reason = "it measures time")]

mod probe;

use clap::Parser;
use keyvm::{Engine, Event, Machine, Tier, asm};
use keyvm_oracle::random::Random;
use probe::{Place, Probe, all};
use std::process::ExitCode;
use std::time::Instant;

/// No instruction takes longer than so many ordinary ones for its gas.
const BOUND: f64 = 50.0;
/// Gas of one measurement.
const GAS: u64 = 200_000;
/// Measurements of which the shortest counts.
const TIMES: usize = 3;
/// The same, of what turned out to be the worst place.
const AGAIN: usize = 12;

#[derive(Debug, Parser)]
struct Arguments {
    /// Random places to look at for each instruction and engine.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Which places.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only instructions with this in their names.
    name: Option<String>,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Nanoseconds for each gas of a machine that never ends: the least of some measurements.
fn time(machine: &mut Machine, times: usize, name: &str) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let (before, begin) = (machine.total_gas(), Instant::now());
        let event = machine.run(GAS);
        let elapsed = begin.elapsed();
        assert_eq!(event, Event::Paused, "{name}");
        least = least.min(elapsed.as_nanos() as f64 / (machine.total_gas() - before) as f64);
    }
    least
}

/// What an ordinary instruction costs the interpreter, in nanoseconds.
fn ordinary() -> f64 {
    let image = asm::assemble(include_str!("../programs/arithmetic.kasm")).expect("it is a program");
    let mut machine = Machine::new(&image).expect("the assembler gives consistent images");
    time(&mut machine, AGAIN, "arithmetic")
}

/// A probe in a place, warm.
fn warm(probe: &Probe, place: &Place, engine: &Engine) -> Machine {
    let mut machine =
        Machine::with_engine(&probe.image(place), engine).expect("the assembler gives consistent images");
    for _ in 0..2 {
        let event = machine.run(GAS);
        assert_eq!(event, Event::Paused, "{}, {place}", probe.name);
    }
    machine
}

/// The dearest place of some, and what a gas takes there.
fn dearest(probe: &Probe, engine: &Engine, rounds: u32, random: &mut Random) -> (f64, Place) {
    let mut worst = (0.0, Place::PLAIN);
    for round in 0..=rounds {
        let place = if round == 0 { Place::PLAIN } else { Place::random(random) };
        let nanoseconds = time(&mut warm(probe, &place, engine), TIMES, probe.name);
        if nanoseconds > worst.0 {
            worst = (nanoseconds, place);
        }
    }
    let again = time(&mut warm(probe, &worst.1, engine), AGAIN, probe.name);
    (worst.0.min(again), worst.1)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut random = Random::new(arguments.seed);
    let engines = [Engine::new(Tier::Interpreter), Engine::new(Tier::Jit)];
    let mut rows = Vec::new();
    for probe in
        all().iter().filter(|probe| arguments.name.as_ref().is_none_or(|name| probe.name.contains(name)))
    {
        let one = ordinary();
        let found = engines.each_ref().map(|engine| dearest(probe, engine, arguments.rounds, &mut random));
        rows.push((probe.name, found.map(|(nanoseconds, place)| (nanoseconds / one, place))));
    }
    let dear = |row: &(&str, [(f64, Place); 2])| row.1[0].0.max(row.1[1].0);
    rows.sort_by(|a, b| dear(b).total_cmp(&dear(a)));
    println!("| instruction | interpreted | compiled | dearest place |");
    println!("|---|--:|--:|---|");
    for row in &rows {
        let (name, [interpreted, compiled]) = row;
        let place = if interpreted.0 > compiled.0 { interpreted.1 } else { compiled.1 };
        println!("| {name} | {:.1} | {:.1} | {place} |", interpreted.0, compiled.0);
    }
    println!("\nan ordinary instruction: {:.2} ns", ordinary());
    let worst = rows.first().map_or(0.0, dear);
    if worst > BOUND {
        eprintln!("the dearest takes {worst:.1} times an ordinary instruction's time, {BOUND} are allowed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
