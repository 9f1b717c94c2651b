//! The KeyVM instruction set in one place.
//!
//! [`table`] declares every instruction once; the encoder, decoder, assembler, disassembler, interpreter,
//! and the instruction chapter of the specification are made from it. [`alu`] holds the corner cases of
//! arithmetic, once, for every engine. [`gas`] holds the prices in gas and in words, [`trap`] the traps and
//! statuses, [`layout`] the numbers a program can see, [`code`] the layout of a code page, and [`image`] an
//! image as plain data, which is what the file format, the assembler and the kernel exchange. [`debug`] is what an
//! image tells people of where its code comes from.
#![forbid(unsafe_code)]

pub mod alu;
pub mod code;
mod comparison;
pub mod debug;
pub mod decode;
pub mod gas;
pub mod image;
pub mod layout;
pub mod rights;
pub mod table;
pub mod trap;

pub use code::{Code, CodeBuilder, CodeError};
pub use decode::Insn;
pub use rights::Rights;
pub use table::{Cost, Flow, Imm, ImmKind, OPS, Op, OpInfo, OpVisitor, dispatch};
pub use trap::{Status, Trap};
