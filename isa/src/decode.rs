//! Words to instructions and back.

use crate::table::{Imm, ImmKind, Op};

/// One instruction, apart from its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// The instruction.
    pub op: Op,
    /// Its immediates, in the order of the table; unused ones are 0. A [`ImmKind::Value`] is sign-extended.
    pub imms: [i64; 3],
}

/// What [`normalise`] puts in place of a word that is no instruction: an opcode that never is one.
pub const UNKNOWN_WORD: u64 = 0xff;

const _: () = assert!(Op::from_byte(0xff).is_none());

impl Insn {
    /// The instruction that a word is, if it is one: the opcode exists, and unused bits are 0.
    #[must_use]
    pub fn decode(word: u64) -> Option<Self> {
        let op = Op::from_byte(word.to_le_bytes()[0])?;
        let mut rest = word >> 8;
        let mut imms = [0; 3];
        for (value, imm) in imms.iter_mut().zip(op.info().imms) {
            if imm.kind == ImmKind::Value {
                *value = (rest << 8).cast_signed() >> 8;
                rest = 0;
            } else {
                *value = (rest & mask(imm.kind)).cast_signed();
                rest >>= imm.kind.bits();
            }
        }
        (rest == 0).then_some(Self { op, imms })
    }

    /// The word of an instruction; `None` if there are too many or too few immediates, or one does not fit.
    #[must_use]
    pub fn encode(op: Op, imms: &[i64]) -> Option<u64> {
        let infos = op.info().imms;
        if imms.len() != infos.len() {
            return None;
        }
        let mut word = u64::from(op as u8);
        let mut shift = 8;
        for (&value, imm) in imms.iter().zip(infos) {
            if !fits(imm, value) {
                return None;
            }
            word |= (value.cast_unsigned() & mask(imm.kind)) << shift;
            shift += imm.kind.bits();
        }
        Some(word)
    }

    /// The instruction's word.
    ///
    /// # Panics
    /// If an immediate does not fit; what [`Insn::decode`] gave always does.
    #[must_use]
    pub fn word(self) -> u64 {
        let count = self.op.info().imms.len();
        Self::encode(self.op, &self.imms[..count]).expect("immediates of a decoded instruction fit")
    }
}

/// How many operands an instruction with these immediates pops: the fixed ones, and as many as its counts say. `None`
/// if by an immediate or by a type it reaches deeper.
#[must_use]
pub fn operands(op: Op, imms: &[i64]) -> Option<u64> {
    match op {
        Op::Slide
        | Op::Pick
        | Op::Put
        | Op::Call
        | Op::Callto
        | Op::Calltable
        | Op::Ret
        | Op::Tailcall
        | Op::Tailcallto
        | Op::Tailcalltable => None,
        _ => {
            let counts = op.info().imms.iter().zip(imms).filter(|(imm, _)| imm.kind == ImmKind::Count);
            let counted: u64 = counts.filter_map(|(_, &count)| u64::try_from(count).ok()).sum();
            Some(u64::from(op.info().pops) + counted)
        }
    }
}

/// Whether `value` fits the immediate.
#[must_use]
pub fn fits(imm: &Imm, value: i64) -> bool {
    if imm.kind == ImmKind::Value {
        (value << 8) >> 8 == value
    } else {
        value >= 0 && value.cast_unsigned() <= mask(imm.kind)
    }
}

const fn mask(kind: ImmKind) -> u64 {
    (1 << kind.bits()) - 1
}

/// The word as engines take it: itself if it is an instruction, else [`UNKNOWN_WORD`].
#[must_use]
pub fn normalise(word: u64) -> u64 {
    if Insn::decode(word).is_some() { word } else { UNKNOWN_WORD }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::OPS;

    #[test]
    fn every_instruction_survives_encode_and_decode_at_both_ends_of_its_immediates() {
        for info in OPS {
            for high in [false, true] {
                let imms: Vec<i64> = info
                    .imms
                    .iter()
                    .map(|imm| match (imm.kind, high) {
                        (ImmKind::Value, false) => -(1 << 55),
                        (ImmKind::Value, true) => (1 << 55) - 1,
                        (_, false) => 0,
                        (kind, true) => mask(kind).cast_signed(),
                    })
                    .collect();
                let word = Insn::encode(info.op, &imms).unwrap();
                let insn = Insn::decode(word).unwrap();
                assert_eq!(insn.op, info.op);
                assert_eq!(&insn.imms[..imms.len()], &imms[..]);
                assert_eq!(insn.word(), word);
            }
        }
    }

    #[test]
    fn a_bit_outside_the_immediates_makes_a_word_unknown() {
        for info in OPS {
            let used: u32 = 8 + info.imms.iter().map(|imm| imm.kind.bits()).sum::<u32>();
            for bit in used..64 {
                assert_eq!(normalise(u64::from(info.op as u8) | 1 << bit), UNKNOWN_WORD);
            }
        }
    }

    #[test]
    fn an_immediate_that_does_not_fit_is_refused() {
        assert_eq!(Insn::encode(Op::Push, &[1 << 55]), None);
        assert_eq!(Insn::encode(Op::Jump, &[1 << 32]), None);
        assert_eq!(Insn::encode(Op::Jump, &[-1]), None);
        assert_eq!(Insn::encode(Op::Add, &[1]), None);
    }
}
