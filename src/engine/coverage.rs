//! Which instructions have been seen to follow each other: what a search for faults takes for new.

use crate::interp::Watch;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Opcodes are a byte each.
const OPCODES: usize = 256;
/// Bits in a word.
const BITS: usize = 64;
const WORDS: usize = OPCODES * OPCODES / BITS;

/// Pairs of opcodes that were executed one after the other.
#[derive(Clone, PartialEq, Eq)]
pub struct OpcodePairs(Box<[u64; WORDS]>);

impl OpcodePairs {
    /// No pairs.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Adds others. `true` if one of them was not there yet.
    pub fn add(&mut self, others: &Self) -> bool {
        let mut new = 0;
        for (word, other) in self.0.iter_mut().zip(&*others.0) {
            new |= other & !*word;
            *word |= other;
        }
        new != 0
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Default for OpcodePairs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for OpcodePairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpcodePairs({})", self.count())
    }
}

/// The pairs that an engine has executed, whatever runs on it at the same time.
pub(super) struct Coverage(Box<[AtomicU64; WORDS]>);

impl Coverage {
    pub(super) fn new() -> Self {
        Self(Box::new([const { AtomicU64::new(0) }; WORDS]))
    }

    /// The pairs so far.
    pub(super) fn pairs(&self) -> OpcodePairs {
        let mut pairs = OpcodePairs::new();
        for (word, own) in pairs.0.iter_mut().zip(&*self.0) {
            *word = own.load(Ordering::Relaxed);
        }
        pairs
    }
}

impl fmt::Debug for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pairs().fmt(f)
    }
}

/// Notes what the interpreter executes.
pub(super) struct Recorder<'c> {
    coverage: &'c Coverage,
    /// The opcode before, if there was one.
    before: Option<u8>,
}

impl<'c> Recorder<'c> {
    pub(super) const fn new(coverage: &'c Coverage) -> Self {
        Self { coverage, before: None }
    }
}

impl Watch for Recorder<'_> {
    const ACTIVE: bool = false;
    const RECORDS: bool = true;

    #[inline]
    fn execute(&mut self, word: u64) {
        let [opcode, ..] = word.to_le_bytes();
        if let Some(before) = self.before.replace(opcode) {
            let pair = usize::from(before) * OPCODES + usize::from(opcode);
            let (word, bit) = (&self.coverage.0[pair / BITS], 1 << (pair % BITS));
            // It is there already, nearly always.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    fn arrive(&mut self, _: u64, _: usize) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyvm_isa::Op;

    #[test]
    fn pairs_are_counted_once_and_new_ones_noticed() {
        let coverage = Coverage::new();
        let mut recorder = Recorder::new(&coverage);
        for op in [Op::Push, Op::Push, Op::Add, Op::Push, Op::Push, Op::Add] {
            recorder.execute(op as u64 | 7 << 8);
        }
        let pairs = coverage.pairs();
        assert_eq!(pairs.count(), 3);
        let mut all = OpcodePairs::new();
        assert!(all.add(&pairs) && !all.add(&pairs));
        assert_eq!(all, pairs);
    }
}
