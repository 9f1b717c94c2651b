//! The programs that engines are compared by, each with the same algorithm in Rust.
//!
//! The Rust is compiled to no vector instructions, as KeyVM has none: where LLVM would make some, a `compiler_fence`
//! stands in the loop, which is no instruction itself. Cargo has no flags for a single module.

mod dispatch;
mod fib;
mod matmul;
mod sha256;
mod sieve;

use keyvm::{Engine, Event, Machine, asm};

/// Runs once each time it is called, and gives the checksum.
pub(crate) type Run = Box<dyn FnMut() -> u64>;

/// A program whose first data word is its size, and which returns one word, a checksum.
pub(crate) struct Program {
    /// What it is called in reports.
    pub(crate) name: &'static str,
    /// The program as assembly.
    pub(crate) source: &'static str,
    /// The same in Rust, for a size.
    pub(crate) native: fn(u64) -> Run,
}

/// Fibonacci numbers by double recursion: calls.
pub(crate) const FIB: Program =
    Program { name: "fib", source: include_str!("../programs/fib.kasm"), native: fib::native };
/// Primes below the size: a tight loop of stores.
pub(crate) const SIEVE: Program =
    Program { name: "sieve", source: include_str!("../programs/sieve.kasm"), native: sieve::native };
/// The product of two matrices: floating point and streams of memory.
pub(crate) const MATMUL: Program =
    Program { name: "matmul", source: include_str!("../programs/matmul.kasm"), native: matmul::native };
/// SHA-256 of a message of that many bytes: 32-bit arithmetic with many live values.
pub(crate) const SHA256: Program =
    Program { name: "sha256", source: include_str!("../programs/sha256.kasm"), native: sha256::native };
/// An interpreter of bytecode: unpredictable jumps.
pub(crate) const DISPATCH: Program =
    Program { name: "dispatch", source: include_str!("../programs/dispatch.kasm"), native: dispatch::native };

impl Program {
    /// A machine that will run the program with this size on an engine.
    pub(crate) fn machine(&self, size: u64, engine: &Engine) -> Machine {
        let image = asm::assemble(self.source).unwrap_or_else(|errors| panic!("{}: {errors:?}", self.name));
        let mut machine =
            Machine::with_engine(&image, engine).expect("the assembler gives consistent images");
        let root = machine.root();
        machine.write_bytes(root, 0, &size.to_le_bytes()).expect("its data begins with its size");
        machine
    }
}

/// Runs the program to its end and gives the checksum. It may be run again.
pub(crate) fn run(machine: &mut Machine) -> u64 {
    match machine.run(u64::MAX) {
        Event::Returned(words) if words.len() == 1 => words[0],
        event => panic!("{event:?}"),
    }
}
