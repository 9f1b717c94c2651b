//! Messages and results: what passes from process to process when control does.

use super::activation::Activation;
use super::arena::Ref;
use super::key::Key;
use super::{Kernel, Stop};
use crate::words::Words;
use keyvm_isa::layout::MESSAGE_KEYS_MAX;
use keyvm_isa::{Status, Trap};

/// A message or a result on its way.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) words: Words,
    pub(crate) keys: Vec<Key>,
}

impl Message {
    pub(super) fn word(word: u64) -> Self {
        Self { words: [word].into(), keys: Vec::new() }
    }
}

impl Kernel {
    /// Pushes a result onto a parked process's operands; without its words, if there is no room and none can be paid.
    pub(crate) fn push_result(&mut self, caller: Ref, status: Status, words: &[u64], keys: &[Key]) {
        let fits = self.make_room(caller, words.len() as u64 + 2).is_ok();
        let words = if fits { words } else { &[] };
        self.arena.process_mut(caller).push_result(status, words, keys);
    }

    /// Raises a parked process's stack so that `more` operands fit.
    pub(super) fn make_room(&mut self, process: Ref, more: u64) -> Result<(), Stop> {
        let added = self.arena.process(process).capacity_for(more).ok_or(Stop::Trap(Trap::StackOverflow))?;
        if added > 0 {
            self.charge_growth(process, added.into())?;
            self.arena.process_mut(process).stack_capacity += added;
        }
        Ok(())
    }

    /// Puts a message on the operands and the key list of a process that listens; the room is there.
    pub(super) fn hand_over(&mut self, to: Ref, words: &[u64], keys: &[Key]) {
        self.arena.process_mut(to).push_message(words, keys);
    }

    /// How many operands a call or result takes: `fixed` ones on top, below them key numbers, below those words.
    ///
    /// # Errors
    /// `TooMany`; `StackUnderflow` if they are not there.
    pub(super) fn message_depth(act: &Activation, words: u8, keys: u8, fixed: usize) -> Result<usize, Trap> {
        if keys > MESSAGE_KEYS_MAX {
            return Err(Trap::TooMany);
        }
        let depth = fixed + usize::from(keys) + usize::from(words);
        if act.height - act.base < depth { Err(Trap::StackUnderflow) } else { Ok(depth) }
    }

    /// The keys of a message whose words are the lowest of the `depth` topmost operands, if all may be copied.
    #[inline(always)]
    pub(super) fn keys_of_message(
        &self,
        act: &Activation,
        words: u8,
        keys: u8,
        depth: usize,
    ) -> Result<Vec<Key>, Stop> {
        if keys == 0 {
            return Ok(Vec::new());
        }
        let slots = &act.top(depth)?[usize::from(words)..][..usize::from(keys)];
        Ok(self.copies(act.process, slots)?)
    }

    /// The keys in slots of a list, if all may be copied.
    #[cold]
    fn copies(&self, process: Ref, slots: &[u64]) -> Result<Vec<Key>, Trap> {
        slots.iter().map(|&slot| self.copyable(process, slot)).collect()
    }
}
