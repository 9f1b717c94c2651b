//! The programs in the language that engines are compared by, each with the same algorithm in Rust. See `native`.

mod bytesearch;
mod collatz;
mod crc32;
mod gcd;
mod hashmap;
mod mandelbrot;
mod nbody;
mod quicksort;

use super::native::{self, Run};
use keyvm::entish::{File, compile};
use keyvm::isa::image::Image;
use keyvm::{Args, Engine, Event, Hosts, Machine};

/// A program whose argument is its size, and which yields one word, a checksum.
pub(crate) struct Program {
    /// What it is called in reports.
    pub(crate) name: &'static str,
    source: &'static str,
    /// The same in Rust, for a size.
    pub(crate) native: fn(u64) -> Run,
    /// With which size it is measured.
    pub(crate) size: u64,
}

/// All of them, those first that there are in assembly too.
pub(crate) const PROGRAMS: [Program; 13] = [
    Program { name: "fib", source: include_str!("../programs/fib.et"), native: native::FIB.native, size: 27 },
    Program {
        name: "sieve",
        source: include_str!("../programs/sieve.et"),
        native: native::SIEVE.native,
        size: 500_000,
    },
    Program {
        name: "matmul",
        source: include_str!("../programs/matmul.et"),
        native: native::MATMUL.native,
        size: 100,
    },
    Program {
        name: "sha256",
        source: include_str!("../programs/sha256.et"),
        native: native::SHA256.native,
        size: 200_000,
    },
    Program {
        name: "dispatch",
        source: include_str!("../programs/dispatch.et"),
        native: native::DISPATCH.native,
        size: 500,
    },
    Program {
        name: "nbody",
        source: include_str!("../programs/nbody.et"),
        native: nbody::native,
        size: 10_000,
    },
    Program {
        name: "mandelbrot",
        source: include_str!("../programs/mandelbrot.et"),
        native: mandelbrot::native,
        size: 300,
    },
    Program {
        name: "collatz",
        source: include_str!("../programs/collatz.et"),
        native: collatz::native,
        size: 30_000,
    },
    Program {
        name: "quicksort",
        source: include_str!("../programs/quicksort.et"),
        native: quicksort::native,
        size: 100_000,
    },
    Program {
        name: "crc32",
        source: include_str!("../programs/crc32.et"),
        native: crc32::native,
        size: 1_000_000,
    },
    Program { name: "gcd", source: include_str!("../programs/gcd.et"), native: gcd::native, size: 50_000 },
    Program {
        name: "hashmap",
        source: include_str!("../programs/hashmap.et"),
        native: hashmap::native,
        size: 300_000,
    },
    Program {
        name: "bytesearch",
        source: include_str!("../programs/bytesearch.et"),
        native: bytesearch::native,
        size: 1_000_000,
    },
];

impl Program {
    /// The program's image.
    pub(crate) fn image(&self) -> Image<'static> {
        let file = File { name: format!("{}.et", self.name), text: self.source.to_owned() };
        compile(file, &mut |_| Ok(None)).unwrap_or_else(|errors| panic!("{}", errors.render(false))).image
    }
}

/// Runs a program that was compiled, from its beginning, and gives the checksum.
pub(crate) fn run(image: &Image<'_>, size: u64, engine: &Engine) -> u64 {
    let mut machine = Machine::with_engine(image, engine).expect("the compiler gives consistent images");
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new([size.to_string().as_str()]));
    match machine.run_hosted(u64::MAX, &mut hosts) {
        Event::Yielded(words) if words.len() == 1 => words[0],
        event => panic!("{event:?}"),
    }
}
