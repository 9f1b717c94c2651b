//! Another processor than this one.

use crate::compile::{CompileError, Compiler};
use crate::context::Context;
use crate::lower::Options;
use crate::memory::Entry;
use std::{fmt, io};

/// A processor that this is not, with a memory of its own: an emulated one, say. Native code is compiled for it, put into
/// its memory and executed by it.
///
/// # Safety
/// After [`Foreign::enter`] the context must be as the code has left it, and as its fields then say all that it points
/// to: operands, frames, memories and marks.
pub unsafe trait Foreign: fmt::Debug + Send + Sync {
    /// What compiles for it.
    ///
    /// # Errors
    /// `Unsupported`.
    fn compiler(&self, options: Options) -> Result<Compiler, CompileError>;

    /// Sets bytes of its memory aside for machine code, at an address that is a multiple of 64.
    ///
    /// # Errors
    /// If there are not so many.
    fn reserve(&self, bytes: usize) -> io::Result<usize>;

    /// Puts machine code where memory was set aside for it.
    ///
    /// # Errors
    /// If that is not possible.
    fn publish(&self, address: usize, code: &[u8]) -> io::Result<()>;

    /// Runs code with `height` operands above the base and `places` places in the table of subroutines. What the context
    /// points to is memory of this processor, but for what stands in the table. The limit of the native stack is the
    /// other processor's affair.
    ///
    /// # Safety
    /// As for [`Entry::enter`], but that the batch is one for the other processor.
    unsafe fn enter(&self, entry: Entry, height: usize, places: usize, context: &mut Context);
}
