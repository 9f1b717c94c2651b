//! The kernel: objects, keys, meters and control. It knows nothing of engines.
//!
//! # Glossary
//!
//! * **key** — a capability: an object, rights to it, and maybe the gate it came through and the brand that seals it.
//! * **key list** (c-list) — the keys a process holds, in *slots* numbered from 0.
//! * **attenuate** — copy a key with fewer rights.
//! * **gate** — makes keys revocable: *revoke* kills every key that came through it.
//! * **brand** — seals keys, so that only its holder can use them.
//! * **meter** — limits and counts gas and words; *standing* (an object with keys) or made by a *call*.
//! * **charge**, **credit** — count words on a meter and its superiors, or take them off again.
//! * **chain**, **link** — the calls that control is in, from the root process to the running one.
//! * **run** — a row of links that one standing meter pays for.
//! * **keeper** — the process that is called when another traps or runs dry.

mod activation;
mod arena;
mod books;
mod clist;
mod control;
mod destroy;
mod export;
mod fault;
mod import;
mod keeper;
mod key;
mod message;
mod meter;
mod object;
mod outside;
mod page;
mod plain;
mod process;
mod progress;
mod remains;
mod root;
mod state;
mod straight;

pub(crate) use activation::Activation;
pub(crate) use arena::Ref;
pub(crate) use control::{DESCEND_GAS, Pending};
#[cfg(feature = "faults")]
pub use fault::KernelFault;
pub(crate) use keeper::Handled;
pub(crate) use object::{Body, CodePage, Workspace};
pub(crate) use outside::HostView;
pub(crate) use plain::{Lent, Move, PlainCall};

use arena::Arena;
use control::Link;
use keyvm_isa::image::Number;
use keyvm_isa::{Status, Trap};
use std::collections::BTreeMap;

/// Why an instruction was not executed, or why nothing runs after it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It trapped.
    Trap(Trap),
    /// It costs this much gas, which is not there.
    Gas(u64),
    /// It needs this many words of a meter, which are not there.
    Words { meter: Ref, amount: u64 },
    /// It was executed, and control has moved: the process is parked, and the next one may be loaded already.
    Switched,
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

/// The greatest next number: when it is reached nothing more can be made. No program lives to see that.
const NUMBER_MAX: Number = 1 << 63;

/// What an instruction gives.
pub(crate) type Step = Result<(), Stop>;

/// All objects of an image, and where control is.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) arena: Arena,
    pub(crate) next_number: Number,
    pub(crate) prime: Ref,
    pub(crate) root: Ref,
    chain: Vec<Link>,
    /// How many links of the chain, from the root on, have processes that are known to be tied.
    tied_links: usize,
    pub(crate) request: Option<Pending>,
    /// Why control is with the host, if that has not been taken: the root process gave it back, or a keeper gave up and the
    /// whole machine stands still.
    finished: Option<Status>,
    /// What the host is given with that.
    given: Vec<u64>,
    /// Call meters whose call is not going on: by callee, then by the meter they hang below.
    dormant: BTreeMap<(Number, Number), Ref>,
    /// Those of them that some of their callee's growth is charged to.
    grown: BTreeMap<(Number, Number), Ref>,
    /// Gas that ran in the current run and has not been counted by its standing meters.
    unbooked: u64,
    /// Words charged in it, less those credited, that they have not counted; modulo 2^64.
    unbooked_words: u64,
    /// The first of the standing meters above the current run, or above the last one while the root process rests.
    base: Ref,
    /// The least gas that they have left.
    base_gas: u64,
    /// The least words.
    base_words: u64,
    /// The gas and the words that the first of them has left.
    own_gas: u64,
    own_words: u64,
    /// Whether a change of words must be carried up at once: because of rent, or because what is credited does not
    /// make `base_words` greater.
    walks_for_words: bool,
    /// The lowest link that was destroyed or stopped by the present instruction, and which of the two.
    cut: Option<(usize, Status)>,
    /// Gas used since the image was loaded.
    pub(crate) total_gas: u64,
    /// Instructions executed since then.
    pub(crate) instructions: u64,
    hashes: Option<Box<crate::image::StateTree>>,
    /// What the running process has put together within an instruction that keeps a progress word.
    work: Option<progress::Work>,
}

impl Kernel {
    /// Makes an object with the next number. The words must have been charged.
    fn add(&mut self, meter: Ref, body: Body) -> Ref {
        let number = self.take_number();
        self.arena.insert(number, meter, body)
    }

    fn take_number(&mut self) -> Number {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// How deep the chain is.
    pub(crate) const fn depth(&self) -> usize {
        self.chain.len()
    }

    /// The running process.
    pub(crate) fn running(&self) -> Option<Ref> {
        self.chain.last().map(|top| top.process)
    }

    /// Whether the last process of the chain waits for one that was suspended below it.
    pub(crate) fn must_descend(&self) -> bool {
        self.chain.last().is_some_and(|top| !self.arena.process(top.process).callee.is_none())
    }

    /// Whether something is to be told to the host before anything runs on.
    #[inline]
    pub(crate) const fn has_news(&self) -> bool {
        self.request.is_some() || self.finished.is_some()
    }

    /// Gives control to the host, with a status and words.
    #[inline(always)]
    pub(crate) fn finish_for_host(&mut self, status: Status, words: &[u64]) {
        self.finished = Some(status);
        self.given.clear();
        match *words {
            [word] => self.given.push(word),
            _ => self.given.extend_from_slice(words),
        }
    }

    /// Why control is with the host, if it has not been told.
    #[inline]
    pub(crate) const fn take_finished(&mut self) -> Option<Status> {
        self.finished.take()
    }

    /// The words that the host was given last.
    #[inline]
    pub(crate) fn given(&self) -> &[u64] {
        &self.given
    }

    /// The code page that a process runs, if it is not gone.
    pub(crate) fn code_of(&self, process: Ref) -> Option<(Ref, &std::sync::Arc<CodePage>)> {
        let code = self.arena.process(process).code;
        match self.arena.body(code) {
            Some(Body::Code(page)) => Some((code, page)),
            _ => None,
        }
    }
}
