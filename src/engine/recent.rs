//! Code pages that ran last, and their native code. Calls go to and fro between few pages, and finding one anew each
//! time costs more than the call.

use super::page::{EARNED, NativePage};
use super::worker::Owner;
use crate::kernel::{CodePage, Kernel, Ref};
use keyvm_isa::Code;
use std::cell::Cell;
use std::sync::Arc;

/// How many pages are kept.
const RECENT_MAX: usize = 4;

/// Nanoseconds of its own thread that compiling may take of one machine, besides what it earns by running. A page has an
/// allowance of its own; this is for programs that make one page after another.
const NANOSECONDS: i64 = 2_000_000_000;

/// Code pages that ran last on a machine.
#[derive(Debug)]
pub(crate) struct RecentCode {
    pages: Vec<Recent>,
    /// What had died in the arena when those that are gone were last let go.
    deaths: u64,
    /// Nanoseconds that compiling may still take of the machine.
    allowance: Cell<i64>,
    /// Who the machine is to the thread that compiles.
    pub(super) owner: Owner,
}

impl Default for RecentCode {
    fn default() -> Self {
        Self { pages: Vec::new(), deaths: 0, allowance: Cell::new(NANOSECONDS), owner: Owner::new() }
    }
}

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
        self.pages.iter().find(|recent| recent.code == code)
    }

    /// Where the page stands, if it ran lately.
    #[inline]
    pub(super) fn place(&self, code: Ref) -> Option<usize> {
        self.pages.iter().position(|recent| recent.code == code)
    }

    /// The page that stands there.
    #[inline]
    pub(super) fn at(&self, place: usize) -> &Recent {
        &self.pages[place]
    }

    /// As [`RecentCode::at`], to change what is known of it.
    #[inline]
    pub(super) fn at_mut(&mut self, place: usize) -> &mut Recent {
        &mut self.pages[place]
    }

    /// The code of a page that is interpreted where a process calls it, if it is known that it is.
    #[inline]
    pub(super) fn tiny(&self, code: Ref) -> Option<&Code> {
        let recent = self.find(code)?;
        (recent.tiny && (recent.settled || recent.native.is_some())).then_some(&recent.page.code)
    }

    /// Whether compiling has taken as long of the machine as it may.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.allowance.get() <= 0
    }

    /// Counts time that compiling has taken of the machine.
    pub(super) fn spend(&self, nanoseconds: u64) {
        let nanoseconds = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        self.allowance.set(self.allowance.get().saturating_sub(nanoseconds));
    }

    /// Counts instructions that have run.
    pub(super) fn earn(&self, instructions: u64) {
        if self.allowance.get() == NANOSECONDS {
            return;
        }
        let earned = i64::try_from(instructions.saturating_mul(EARNED)).unwrap_or(i64::MAX);
        self.allowance.set(self.allowance.get().saturating_add(earned).min(NANOSECONDS));
    }

    /// Takes in the code of the running process, which is not there yet. `false` if it is gone.
    #[cold]
    pub(super) fn admit(&mut self, kernel: &Kernel) -> bool {
        let Some((code, page)) = kernel.running().and_then(|running| kernel.code_of(running)) else {
            return false;
        };
        if self.pages.len() == RECENT_MAX {
            self.pages.remove(0);
        }
        let tiny = page.is_tiny();
        self.pages.push(Recent { code, page: Arc::clone(page), native: None, settled: false, tiny });
        true
    }

    /// Whether there is none yet, or one of them has not run so often that it has native code looked for.
    pub(crate) fn is_warming(&self) -> bool {
        self.pages.is_empty() || self.pages.iter().any(|recent| recent.native.is_none() && !recent.settled)
    }

    /// Lets pages go that are destroyed.
    pub(crate) fn forget_gone(&mut self, kernel: &Kernel) {
        let deaths = kernel.arena.deaths();
        if std::mem::replace(&mut self.deaths, deaths) != deaths {
            self.pages.retain(|recent| kernel.arena.alive(recent.code));
        }
    }
}
