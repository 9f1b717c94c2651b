//! Which numbers a word can be.

use keyvm_isa::Op;

/// From the least to the greatest, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Range {
    pub(super) const ALL: Self = Self { least: 0, most: u64::MAX };

    pub(super) const fn one(word: u64) -> Self {
        Self { least: word, most: word }
    }

    pub(super) const fn up_to(most: u64) -> Self {
        Self { least: 0, most }
    }

    /// What is in either.
    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// What is in both; nothing can be, then this.
    pub(super) fn and(self, other: Self) -> Self {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        if both.least <= both.most { both } else { self }
    }

    const fn word(self) -> Option<u64> {
        if self.least == self.most { Some(self.least) } else { None }
    }

    /// What an instruction makes of words in these ranges.
    pub(super) fn made(op: Op, operands: &[Self]) -> Self {
        let at = |at: usize| operands.get(at).copied().unwrap_or(Self::ALL);
        let (a, b) = (at(0), at(1));
        let bits = |word: u64| u64::MAX.checked_shr(word.leading_zeros()).unwrap_or(0);
        let made = |least: Option<u64>, most: Option<u64>| Some(Self { least: least?, most: most? });
        let found = match op {
            Op::Add => made(a.least.checked_add(b.least), a.most.checked_add(b.most)),
            Op::Sub => made(a.least.checked_sub(b.most), a.most.checked_sub(b.least)),
            Op::Mul => made(a.least.checked_mul(b.least), a.most.checked_mul(b.most)),
            Op::And => Some(Self::up_to(a.most.min(b.most))),
            Op::Or => Some(Self { least: a.least.max(b.least), most: bits(a.most | b.most) }),
            Op::Xor => Some(Self::up_to(bits(a.most | b.most))),
            Op::Div if b.least > 0 => Some(Self { least: a.least / b.most, most: a.most / b.least }),
            Op::Rem if b.least > 0 => Some(Self::up_to(a.most.min(b.most - 1))),
            Op::Shr => b.word().map(|by| Self { least: a.least >> (by & 63), most: a.most >> (by & 63) }),
            Op::Shl => b
                .word()
                .filter(|by| u64::from(a.most.leading_zeros()) >= by & 63)
                .map(|by| Self { least: a.least << (by & 63), most: a.most << (by & 63) }),
            Op::Wrap32 if a.most <= u32::MAX.into() => Some(a),
            Op::Wrap32
            | Op::Add32
            | Op::Sub32
            | Op::Mul32
            | Op::Shl32
            | Op::Shr32
            | Op::Rotl32
            | Op::Rotr32
            | Op::Load32
            | Op::Load32at => Some(Self::up_to(u32::MAX.into())),
            Op::Load8 | Op::Load8at => Some(Self::up_to(u8::MAX.into())),
            Op::Load16 | Op::Load16at => Some(Self::up_to(u16::MAX.into())),
            Op::Clz | Op::Ctz | Op::Popcnt => Some(Self::up_to(64)),
            op if op.is_comparison() => Some(Self::up_to(1)),
            _ => None,
        };
        found.unwrap_or(Self::ALL)
    }
}
