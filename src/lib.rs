//! KeyVM: a virtual machine for running code nobody trusts.
//!
//! Code is **metered** (gas and memory, exact to the instruction), **confined** (a process reaches only what it holds a key
//! to), **deterministic** (the same image and inputs give the same result, to the bit) and **mobile** (the whole state is
//! one image, between any two instructions) — and all of that recursively.
//!
//! ```
//! use keyvm::{Event, Machine};
//!
//! let source = "yield 1 (add(40, 2))";
//! let image = keyvm::asm::assemble(source).expect("the program is well-formed");
//! let mut machine = Machine::new(&image)?;
//! machine.set_gas_limit(1_000);
//! assert_eq!(machine.run(u64::MAX), Event::Yielded([42].into()));
//! # Ok::<(), keyvm::image::ImageError>(())
//! ```
//!
//! [`Machine`] is one image, running; [`Hosts`] are what it may reach outside; [`mod@image`] saves and loads it.
//!
//! # Features
//!
//! All are on by default; `default-features = false` leaves what it takes to load, run and save images.
//!
//! - `asm`: the assembler and disassembler, and the language.
//! - `fuzz`: what looks for faults of the machine itself; implies `asm`.
//! - `cli`: what the program `keyvm` needs; implies `fuzz`.
#![deny(unsafe_code)]

/// The examples in the README.
#[cfg(all(doctest, feature = "asm"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[allow(unsafe_code, reason = "native code is entered, and its memory shared, there and nowhere else")]
mod engine;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod host;
pub mod image;
mod interp;
mod kernel;
mod known;
mod machine;
#[cfg(feature = "oracle")]
mod subject;
mod words;

pub use engine::{CompileStats, CompiledFunction, Engine, OpcodePairs, RunStats, Tier};
pub use host::{Args, Console, HOST_BYTES_MAX, Host, HostCall, Hosts, Reply};
#[cfg(feature = "faults")]
#[doc(hidden)]
pub use kernel::KernelFault;
pub use keyvm_isa as isa;
pub use keyvm_jit as jit;
pub use keyvm_jit::{CompileError, Exit, Levels, Options as CompilerOptions};
#[cfg(feature = "asm")]
pub use keyvm_lang::{Diagnostic, Diagnostics, asm, entish, render};
pub use machine::{Budget, Event, Interrupt, Machine};
pub use words::Words;
