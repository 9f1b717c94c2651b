//! How great a word can be, where the instructions that make it say so.

use super::memory::{Kind, access, memory_of};
use super::reach::{NEAR, end};
use crate::loops::postorder;
use crate::region::{Block, Edge, End, Region};
use crate::values::{counts, drop_to_results, shuffle};
use keyvm_isa::layout::MEMORY_DATA;
use keyvm_isa::{Code, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

/// How often a block is looked at again because an operand can be greater where it begins. After that nothing is known
/// there of those that can be yet greater,
const GROWING: u32 = 3;
/// and after this nothing of any.
const VISITS: u32 = 8;

/// What is known of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// The word itself, where that is known.
    pub(super) known: Option<u64>,
    /// The greatest that it can be.
    pub(super) most: u64,
    /// Of a word that is the sum, modulo 2^64, of one that is not small and a small one: the greatest that this can be.
    rest: Option<u64>,
}

impl Bound {
    /// Of a word of which nothing is known.
    pub(super) const NONE: Self = Self::most(u64::MAX);

    pub(super) const fn most(most: u64) -> Self {
        Self { known: None, most, rest: None }
    }

    pub(super) const fn known(word: u64) -> Self {
        Self { known: Some(word), most: word, rest: None }
    }

    /// Whether it cannot be great, and is no number that is known.
    pub(super) const fn is_small(&self) -> bool {
        self.most < NEAR && self.known.is_none()
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
        let rest = match (op, operands) {
            (Op::Add, [a, b]) if a.is_small() != b.is_small() => Some(a.most.min(b.most)),
            _ => None,
        };
        Self { rest, ..Self::most(most(op, operands)) }
    }
}

/// What is known of the operands where each block begins, whatever way led there.
pub(super) fn beginnings(code: &Code, region: &Region) -> Vec<Vec<Bound>> {
    let unknown = |block: &Block| vec![Bound::NONE; block.height as usize];
    let mut order = postorder(region, [0], |_| false);
    order.reverse();
    let mut place = vec![0; region.blocks.len()];
    for (at, &block) in order.iter().enumerate() {
        place[block] = at;
    }
    let mut found: Vec<Option<Vec<Bound>>> = vec![None; region.blocks.len()];
    let mut visits = vec![0; region.blocks.len()];
    found[0] = Some(unknown(&region.blocks[0]));
    let mut open = BTreeSet::from([0]);
    while let Some(at) = open.pop_first() {
        let block = &region.blocks[order[at]];
        let Some(mut stack) = found[order[at]].clone() else { continue };
        let base = region.base(block.inlined) as usize;
        for index in block.index..block.end_index {
            let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
            execute(code, &mut stack, base, &insn);
        }
        match block.end {
            End::InlinedReturn(typ, _) => drop_to_results(&mut stack, base, typ),
            // Its results are the subroutine's that is called.
            End::CalledAfterAll(_) => stack.clear(),
            _ => {}
        }
        block.for_each_edge(|edge| {
            let Edge::Block(next) = edge else { return };
            // What the end of the block pops is above what the next begins with.
            stack.resize(stack.len().max(region.blocks[next].height as usize), Bound::NONE);
            if merge(&mut found[next], &stack[..region.blocks[next].height as usize], visits[next]) {
                visits[next] += 1;
                open.insert(place[next]);
            }
        });
    }
    let known = found.into_iter().zip(&region.blocks);
    known.map(|(found, block)| found.unwrap_or_else(|| unknown(block))).collect()
}

/// What is known over two edges, at a place that was found to know less before so many times; whether it knows less now.
fn merge(found: &mut Option<Vec<Bound>>, other: &[Bound], visits: u32) -> bool {
    let Some(found) = found else {
        *found = Some(other.iter().map(|bound| Bound::most(bound.most)).collect());
        return true;
    };
    let mut grows = false;
    for (bound, other) in found.iter_mut().zip(other) {
        if other.most > bound.most {
            grows = true;
            *bound = if visits > GROWING { Bound::NONE } else { Bound::most(other.most) };
        }
    }
    if grows && visits > VISITS {
        found.fill(Bound::NONE);
    }
    grows
}

/// Does to what is known of the operands what an instruction does to them; gives what it pops, if it does not only move
/// operands.
fn execute(code: &Code, stack: &mut Vec<Bound>, base: usize, insn: &Insn) -> Option<Vec<Bound>> {
    if shuffle(stack, base, insn) {
        return None;
    }
    let (pops, pushes) = counts(code, insn);
    let operands = stack.split_off(stack.len() - pops);
    let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
    let bound = match (insn.op, access(insn.op)) {
        (_, Some(kind)) => Bound::loaded(&kind),
        (Op::Push, _) => Bound::known(insn.imms[0].cast_unsigned()),
        (Op::Const, _) => code.constants().get(imm).map_or(Bound::NONE, |&word| Bound::known(word)),
        (Op::Func, _) => Bound::known(0),
        (op, _) => Bound::made(op, &operands),
    };
    stack.resize(stack.len() + pushes, bound);
    Some(operands)
}

/// How many bytes memory 2 has to have so that no near access of a block is outside, and how many behind a word so that
/// none is to whose address that and a small one are added; 0 if there are none. What is known of its operands where the
/// block begins is given.
pub(super) fn needs(
    code: &Code,
    base: usize,
    block: &Block,
    mut stack: Vec<Bound>,
    memories: &BTreeMap<u32, u64>,
) -> (u64, u64) {
    let (mut near, mut around) = (0, 0);
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        let Some(operands) = execute(code, &mut stack, base, &insn) else { continue };
        let reached = match (insn.op, access(insn.op)) {
            (_, Some(kind)) if memory_of(&insn) == MEMORY_DATA => {
                let address = operands.first().filter(|_| kind.popped);
                let offset = u32::try_from(insn.imms[1]).unwrap_or(u32::MAX);
                let ends = |most| end(most, false, offset, kind.bytes).filter(|&end| end <= NEAR);
                let rest = address.and_then(|address| address.rest).and_then(ends);
                around = around.max(rest.unwrap_or(0));
                ends(address.map_or(0, |address| address.most))
            }
            (Op::Mempush | Op::Memwrite, _) if memories.get(&index) == Some(&MEMORY_DATA.into()) => {
                end(operands[1].most, true, 0, 8)
            }
            _ => None,
        };
        near = near.max(reached.filter(|&end| end <= NEAR).unwrap_or(0));
    }
    (near, around)
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
