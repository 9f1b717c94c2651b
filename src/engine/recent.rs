//! Code pages that ran last, and their native code. Calls go to and fro between few pages, and finding one anew each
//! time costs more than the call.

use super::page::NativePage;
use crate::kernel::{CodePage, Kernel, Ref};
use keyvm_isa::Code;
use std::sync::Arc;

/// How many pages are kept.
const RECENT_MAX: usize = 4;

/// Code pages that ran last.
#[derive(Debug, Default)]
pub(crate) struct RecentCode(Vec<Recent>);

/// A code page that ran, and its native code once it is hot enough to ask for that.
#[derive(Debug)]
pub(super) struct Recent {
    code: Ref,
    pub(super) page: Arc<CodePage>,
    pub(super) native: Option<Arc<NativePage>>,
    /// Whether native code will never be asked for.
    pub(super) settled: bool,
    /// Whether it is interpreted where a process calls it: native code would take longer to enter.
    pub(super) tiny: bool,
}

impl RecentCode {
    /// The page, if it ran lately.
    #[inline]
    pub(super) fn find(&self, code: Ref) -> Option<&Recent> {
        self.0.iter().find(|recent| recent.code == code)
    }

    /// As [`RecentCode::find`], to change what is known of it.
    #[inline]
    pub(super) fn find_mut(&mut self, code: Ref) -> Option<&mut Recent> {
        self.0.iter_mut().find(|recent| recent.code == code)
    }

    /// The code of a page that is interpreted where a process calls it, if it is known that it is.
    #[inline]
    pub(super) fn tiny(&self, code: Ref) -> Option<&Code> {
        let recent = self.find(code)?;
        (recent.tiny && (recent.settled || recent.native.is_some())).then_some(&recent.page.code)
    }

    /// Takes in the code of the running process, if it is not gone.
    pub(crate) fn admit(&mut self, kernel: &Kernel) -> Option<Ref> {
        let (code, page) = kernel.code_of(kernel.running()?)?;
        if self.find(code).is_none() {
            if self.0.len() == RECENT_MAX {
                self.0.remove(0);
            }
            let tiny = page.is_tiny();
            self.0.push(Recent { code, page: Arc::clone(page), native: None, settled: false, tiny });
        }
        Some(code)
    }

    /// Whether there is none yet, or one of them has not run so often that it has native code looked for.
    pub(crate) fn is_warming(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|recent| recent.native.is_none() && !recent.settled)
    }

    /// Lets pages go that are destroyed.
    pub(crate) fn forget_gone(&mut self, kernel: &Kernel) {
        self.0.retain(|recent| kernel.arena.alive(recent.code));
    }
}
