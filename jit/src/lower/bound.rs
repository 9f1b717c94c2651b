//! How great a word can be, where the instruction that makes it says so.

use super::memory::{Kind, access, memory_of};
use super::reach::{NEAR, end};
use crate::region::Block;
use crate::values::{counts, shuffle};
use keyvm_isa::layout::MEMORY_DATA;
use keyvm_isa::{Code, Insn, Op};
use std::collections::BTreeMap;

/// What is known of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// The word itself, where that is known.
    pub(super) known: Option<u64>,
    /// The greatest that it can be.
    pub(super) most: u64,
}

impl Bound {
    /// Of a word of which nothing is known.
    pub(super) const NONE: Self = Self::most(u64::MAX);

    pub(super) const fn most(most: u64) -> Self {
        Self { known: None, most }
    }

    pub(super) const fn known(word: u64) -> Self {
        Self { known: Some(word), most: word }
    }

    /// Of what a load gives.
    pub(super) const fn loaded(kind: &Kind) -> Self {
        match kind.signed {
            0 => Self::most(u64::MAX >> (64 - 8 * kind.bytes as u32)),
            32 => Self::most(u32::MAX as u64),
            _ => Self::NONE,
        }
    }

    /// Of what an arithmetic instruction makes of its operands.
    pub(super) fn made(op: Op, operands: &[Self]) -> Self {
        Self::most(most(op, operands))
    }
}

/// How many bytes memory 2 has to have so that no near access of a block is outside; 0 if it has none.
pub(super) fn need(code: &Code, base: usize, block: &Block, memories: &BTreeMap<u32, u64>) -> u64 {
    let mut stack = vec![Bound::NONE; block.height as usize];
    let mut need = 0;
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        if shuffle(&mut stack, base, &insn) {
            continue;
        }
        let (pops, pushes) = counts(code, &insn);
        let operands = stack.split_off(stack.len() - pops);
        let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
        let mut bound = Bound::NONE;
        let mut reached = None;
        match (insn.op, access(insn.op)) {
            (_, Some(kind)) => {
                bound = Bound::loaded(&kind);
                let address = if kind.popped { operands[0].most } else { 0 };
                let offset = u32::try_from(insn.imms[1]).unwrap_or(u32::MAX);
                reached = end(address, false, offset, kind.bytes).filter(|_| memory_of(&insn) == MEMORY_DATA);
            }
            (Op::Mempush | Op::Memwrite, _) if memories.get(&index) == Some(&MEMORY_DATA.into()) => {
                reached = end(operands[1].most, true, 0, 8);
            }
            (Op::Push, _) => bound = Bound::known(insn.imms[0].cast_unsigned()),
            (Op::Const, _) => {
                bound = code.constants().get(imm).map_or(Bound::NONE, |&word| Bound::known(word));
            }
            (Op::Func, _) => bound = Bound::known(0),
            (op, _) => bound = Bound::made(op, &operands),
        }
        need = need.max(reached.filter(|&end| end <= NEAR).unwrap_or(0));
        stack.resize(stack.len() + pushes, bound);
    }
    need
}

/// The greatest word that an arithmetic instruction can make of its operands.
fn most(op: Op, operands: &[Bound]) -> u64 {
    let bound = |at: usize| operands.get(at).map_or(u64::MAX, |operand| operand.most);
    let known = |at: usize| operands.get(at).and_then(|operand| operand.known);
    let bits = |word: u64| u64::MAX.checked_shr(word.leading_zeros()).unwrap_or(0);
    let (a, b) = (bound(0), bound(1));
    match op {
        Op::And => a.min(b),
        Op::Or | Op::Xor => bits(a | b),
        Op::Add => a.saturating_add(b),
        Op::Mul => a.saturating_mul(b),
        Op::Div => known(1).map_or(a, |by| a / by.max(1)),
        Op::Rem => known(1).map_or(a, |by| a.min(by.saturating_sub(1))),
        Op::Shl => match known(1) {
            Some(by) if by & 63 <= u64::from(a.leading_zeros()) => a << (by & 63),
            _ => u64::MAX,
        },
        Op::Shr => known(1).map_or(a, |by| a >> (by & 63)),
        Op::Wrap32 => a.min(u32::MAX.into()),
        Op::Rem32 | Op::Div32 | Op::Shr32 if a <= u32::MAX.into() => a,
        Op::Add32 | Op::Sub32 | Op::Mul32 | Op::Div32 | Op::Rem32 | Op::Shl32 | Op::Shr32 => u32::MAX.into(),
        Op::Clz | Op::Ctz | Op::Popcnt | Op::Clz32 | Op::Ctz32 => 64,
        op if op.is_comparison() => 1,
        _ => u64::MAX,
    }
}
