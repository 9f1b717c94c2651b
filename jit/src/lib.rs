//! The KeyVM compiler backend: code pages to native code, by Cranelift.
//!
//! It knows words, memory views, helpers and exits. It knows nothing of keys.
//!
//! A *unit* is what is compiled at once: what is reached from an entry without leaving the subroutine. `find`
//! finds it, `unroll` compiles its small loops twice, `values` decides how each operand is held, `lower` makes Cranelift's
//! intermediate representation, `compile` machine code, and `memory` puts that where it can run, here or on a processor
//! that is [`Foreign`]. What native code and its host share is the [`Context`]. [`Compiler::explain`] shows all of it to
//! people.

mod affine;
mod arith;
mod charges;
mod compile;
mod context;
mod explain;
mod fault;
mod find;
mod foreign;
mod gas;
mod inline;
mod loops;
mod lower;
mod memory;
mod region;
mod stub;
mod unroll;
mod uses;
mod values;

pub use compile::{Artifact, CompileError, Compiler, EntryPoint, Level, Linked};
pub use context::{Context, Exit, GAS_MAX, Helper, PAD_BYTES, STACK_WORDS_MAX, View};
pub use explain::{BlockEnd, BlockListing, Listing, Next, Place, Root, UnitListing, WhyInterpreted};
#[doc(hidden)]
pub use fault::Fault;
pub use foreign::Foreign;
pub use lower::{Levels, Options};
pub use memory::{Batch, Entry};
pub use region::HEIGHT_MAX;
