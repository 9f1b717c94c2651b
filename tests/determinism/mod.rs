//! Runs whose ends are written down in `hashes.txt`: the same in every build, on every engine and processor.
//!
//! A line is a name, the hash of the state in the beginning, that of the end, and the gas that was used. If the beginning
//! is another than the one in the file, it is another program: what makes the programs has changed. With `KEYVM_BLESS=1`
//! `tests/determinism.rs` writes the file anew.

use keyvm::entish::{File, compile};
use keyvm::isa::image::Image;
use keyvm::{Args, Console, Engine, Event, Hosts, Machine, asm};
use keyvm_oracle::random::Random;
use keyvm_oracle::random::language;
use keyvm_oracle::random::scene::{Shape, scene};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Seeds of random programs.
pub(crate) const SEEDS: u64 = 1_000;
/// Gas of an example at most.
const EXAMPLE_GAS: u64 = 5_000_000;
/// Gas of a random program at most.
const RANDOM_GAS: u64 = 20_000;
/// Events but pauses in one run at most.
const EVENTS: usize = 24;

/// A file in this folder's parent.
fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What is written down.
pub(crate) fn written() -> String {
    std::fs::read_to_string(project(FILE)).expect("the file is there")
}

/// Where it is written down.
pub(crate) const FILE: &str = "tests/determinism/hashes.txt";

fn compiled(name: &str, text: String) -> Image<'static> {
    let name = name.to_owned();
    compile(File { name, text }, &mut |_| Ok(None))
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
        .image
}

/// The examples, by name.
pub(crate) fn examples() -> Vec<(String, Image<'static>)> {
    let entries = std::fs::read_dir(project("examples")).expect("the folder is there");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("it is text"))
        .collect();
    names.sort();
    let image = |name: String| {
        let text = std::fs::read_to_string(project("examples").join(&name)).expect("it is text");
        let image = if name.ends_with(".et") {
            compiled(&name, text)
        } else {
            asm::assemble(&text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
        };
        (name, image)
    };
    names.into_iter().map(image).collect()
}

/// The random program of a seed.
pub(crate) fn random(seed: u64) -> (String, Image<'static>) {
    let mut random = Random::new(seed);
    let image = match seed % 4 {
        0 => compiled("random.et", language::program(&mut random)),
        kind => {
            let shape = match kind {
                1 => Shape::computing(&mut random),
                2 => Shape::looping(&mut random),
                _ => Shape::random(&mut random),
            };
            scene(&mut random, shape)
        }
    };
    (format!("{seed}"), image)
}

/// Runs an image, with an argument and an empty input, and gives its line.
pub(crate) fn line(name: &str, image: &Image<'_>, engine: &Engine) -> String {
    let gas = if name.contains('.') { EXAMPLE_GAS } else { RANDOM_GAS };
    let mut machine = Machine::with_engine(image, engine).expect("the image is consistent");
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41"]));
    hosts.grant("console", Console::new(std::io::empty(), std::io::sink()));
    let begin = machine.state_hash();
    for _ in 0..EVENTS {
        let left = gas - machine.total_gas();
        if !matches!(machine.run_hosted(left, &mut hosts), Event::Yielded(_) | Event::Returned(_)) {
            break;
        }
    }
    assert_eq!(machine.audit(), Ok(()), "the books of {name} balance");
    format!("{name} {begin} {} {}", machine.state_hash(), machine.total_gas())
}

/// What is different, if anything is, in each `step`-th line.
pub(crate) fn differences(found: &[String], written: &str, step: usize) -> String {
    let mut told = String::new();
    let lines = written.lines().filter(|line| !line.starts_with('#')).step_by(step);
    let lines: Vec<&str> = lines.collect();
    for (line, found) in lines.iter().zip(found).filter(|(line, found)| line != found) {
        let begin = |line: &str| line.rsplitn(3, ' ').last().map(str::to_owned);
        let same = begin(line) == begin(found);
        let what = if same { "it ends in another state" } else { "it is another program" };
        writeln!(told, "{what}:\n  written {line}\n  found   {found}").expect("a text takes everything");
    }
    if lines.len() != found.len() {
        writeln!(told, "{} lines are written down, {} are found", lines.len(), found.len()).expect("it does");
    }
    told
}

/// All that are written down: the examples, then the random programs.
pub(crate) fn programs() -> impl Iterator<Item = (String, Image<'static>)> {
    examples().into_iter().chain((0..SEEDS).map(random))
}
