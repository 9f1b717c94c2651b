//! Which processor native code is for.

use keyvm_jit::{Artifact, Batch, CompileError, Compiler, Context, Entry, Linked, Options};
use std::io;

#[cfg(feature = "oracle")]
use {super::Engine, super::Tier, keyvm_jit::Foreign, std::sync::Arc};

/// The processor that native code runs on.
#[derive(Clone, Debug)]
pub(super) enum Processor {
    /// This one.
    Here,
    /// Another one, so that this one can tell whether they agree.
    #[cfg(feature = "oracle")]
    Elsewhere(Arc<dyn Foreign>),
}

impl Processor {
    pub(super) fn compiler(&self, options: Options) -> Result<Compiler, CompileError> {
        match self {
            Self::Here => Compiler::for_host(options),
            #[cfg(feature = "oracle")]
            Self::Elsewhere(foreign) => foreign.compiler(options),
        }
    }

    /// Puts an artifact where it can run.
    pub(super) fn batch(&self, artifact: &Artifact, linked: &Linked) -> io::Result<Batch> {
        match self {
            Self::Here => Batch::new(artifact, linked),
            #[cfg(feature = "oracle")]
            Self::Elsewhere(foreign) => Batch::new_for(&**foreign, artifact, linked),
        }
    }

    /// Runs code with `height` operands above the base; the table of subroutines has `places` places.
    ///
    /// # Safety
    /// As for [`Entry::enter`], but that the batch is one for this processor, whichever it is.
    #[inline]
    #[cfg_attr(not(feature = "oracle"), allow(unused_variables, reason = "other processors want to know"))]
    pub(super) unsafe fn enter(&self, entry: Entry, height: usize, places: usize, context: &mut Context) {
        match self {
            // SAFETY: the caller vouches for the rest, and the batch is one for this processor.
            Self::Here => unsafe { entry.enter(context) },
            #[cfg(feature = "oracle")]
            // SAFETY: the caller vouches for it all.
            Self::Elsewhere(foreign) => unsafe { foreign.enter(entry, height, places, context) },
        }
    }
}

#[cfg(feature = "oracle")]
impl Engine {
    /// An engine whose native code runs on another processor.
    #[must_use]
    pub fn elsewhere(tier: Tier, options: Options, foreign: Arc<dyn Foreign>) -> Self {
        Self::on(Processor::Elsewhere(foreign), tier, options)
    }
}
