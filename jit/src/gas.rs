//! Where gas is compared, and with how much.
//!
//! Only some blocks compare: a *check* sees that there is enough for the dearest way to the next one. Every loop has one.
//! What a check asks for beyond what then really runs is never taken; where it finds too little the interpreter goes on,
//! which is exact.

use crate::context::EXTRA_SHIFT;
use crate::loops::postorder;
use crate::region::{End, Region};
use keyvm_isa::{Code, Insn, Op, gas};

/// What a check asks for at most, unless one block alone costs more: a program with little gas is to run natively too.
const AHEAD_MAX: u64 = 96;

/// What instructions cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) gas: u64,
    /// How much of that is beyond one for each instruction.
    pub(crate) extra: u64,
}

impl Cost {
    /// Of one instruction, or of none.
    pub(crate) const fn one(gas: u64) -> Self {
        Self { gas, extra: gas.saturating_sub(1) }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { gas: self.gas + other.gas, extra: self.extra + other.extra }
    }

    /// What is taken off a word that holds gas.
    pub(crate) const fn word(self) -> i64 {
        self.gas.wrapping_sub(self.extra << EXTRA_SHIFT).cast_signed()
    }
}

/// The gas that is taken off with such a word.
pub(crate) const fn gas_of(word: i64) -> i64 {
    word << EXTRA_SHIFT >> EXTRA_SHIFT
}

/// The gas of an instruction that stays in its block.
pub(crate) fn insn_cost(code: &Code, insn: &Insn) -> u64 {
    let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
    insn.op.info().cost.base()
        + match insn.op {
            Op::Func => code.types().get(imm).map_or(0, |typ| gas::per_eight(typ.locals.into())),
            Op::Slide => gas::per_eight(imm as u64),
            _ => 0,
        }
}

/// The gas of the instruction that ends a block; none where there is none, or it is the interpreter's.
pub(crate) fn end_cost(end: &End) -> u64 {
    match end {
        End::Fall(_) | End::Group { .. } | End::CalledAfterAll(_) | End::Leave => 0,
        End::Jump(_) | End::Branch { .. } | End::Switch(_) | End::Computed | End::InlinedCall(_) => 1,
        End::Return(typ) | End::InlinedReturn(typ, _) => 1 + gas::per_eight(typ.results.into()),
        End::Tailcall { typ, .. } | End::TailcallTo(typ) => 1 + gas::per_eight(typ.arguments.into()),
    }
}

/// What one block costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockCost {
    /// Its first segment.
    pub(crate) first: Cost,
    /// Its last segment, which begins behind a call or a helper; none if it has but one.
    pub(crate) last: Option<Cost>,
}

/// What the checks of a block ask for; 0 where none is needed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Check {
    /// Where it begins.
    pub(crate) first: u64,
    /// Where its last segment begins, if it has another: nobody knows what gas a call or a helper leaves.
    pub(crate) last: u64,
}

/// What the checks of each block ask for.
pub(crate) fn checks(region: &Region, costs: &[BlockCost]) -> Vec<Check> {
    let blocks = &region.blocks;
    // What runs in groups of turns has gas that was seen where the loop was measured.
    let measured: Vec<bool> = blocks.iter().map(|block| block.part.group().is_some()).collect();
    let mut checked: Vec<bool> =
        blocks.iter().zip(&measured).map(|(block, &measured)| block.header || measured).collect();
    checked[0] = true;
    for (block, &measured) in blocks.iter().zip(&measured) {
        if measured {
            // What follows a group's turns runs on gas that nobody has seen.
            for next in block.successors() {
                checked[next] = true;
            }
        }
    }
    // The dearest way from a block to the next checks, blocks after all their successors: what is checked is cut off.
    let mut ahead = vec![0; blocks.len()];
    let mut last = vec![0; blocks.len()];
    // Every loop has a checked block, so there is such an order.
    let cut = checked.clone();
    for block in postorder(region, 0..blocks.len(), |block| cut[block]) {
        let BlockCost { first, last: tail } = costs[block];
        let own = tail.unwrap_or(first).gas;
        let mut dearest = 0;
        for next in blocks[block].successors() {
            if checked[next] {
                continue;
            }
            if own + ahead[next] > AHEAD_MAX {
                checked[next] = true;
            } else {
                dearest = dearest.max(ahead[next]);
            }
        }
        if tail.is_some() {
            ahead[block] = first.gas;
            last[block] = own + dearest;
        } else {
            ahead[block] = own + dearest;
        }
    }
    let all = ahead.into_iter().zip(last).zip(checked.into_iter().zip(measured));
    all.map(|((ahead, last), (checked, measured))| Check {
        first: if checked && !measured { ahead } else { 0 },
        last,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Start;
    use keyvm_isa::code::CodeParts;
    use keyvm_isa::{Code, Insn, Op};

    fn region(program: &[(Op, &[i64])]) -> Region {
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        Region::new(&code, Start::Enter { index: 0, height: 0 }, true)
    }

    fn ones(region: &Region) -> Vec<BlockCost> {
        let cost = |block: &crate::region::Block| BlockCost {
            first: Cost { gas: u64::from(block.end_index - block.index) + 1, extra: 0 },
            last: None,
        };
        region.blocks.iter().map(cost).collect()
    }

    #[test]
    fn a_branch_is_checked_once_for_its_dearer_side() {
        let region = region(&[
            (Op::Push, &[1]),
            (Op::Jumpif, &[4]),
            (Op::Nop, &[]),
            (Op::Nop, &[]),
            (Op::Nop, &[]),
            (Op::Halt, &[]),
        ]);
        let costs = ones(&region);
        let checks = checks(&region, &costs);
        let dearest: u64 = costs.iter().map(|cost| cost.first.gas).sum();
        assert_eq!(checks.iter().filter(|check| check.first > 0).count(), 1);
        assert_eq!(checks[0].first, dearest);
    }

    #[test]
    fn the_gas_behind_a_call_is_seen_for_the_whole_way_to_the_next_check() {
        let region =
            region(&[(Op::Push, &[1]), (Op::Jumpif, &[4]), (Op::Nop, &[]), (Op::Nop, &[]), (Op::Halt, &[])]);
        let mut costs = ones(&region);
        costs[0] = BlockCost { first: Cost::one(20), last: Some(Cost::one(7)) };
        let checks = checks(&region, &costs);
        assert_eq!(checks[0].first, 20);
        assert_eq!(checks[0].last, 7 + costs[1..].iter().map(|cost| cost.first.gas).sum::<u64>());
        assert!(checks[1..].iter().all(|check| check.first == 0 && check.last == 0));
    }

    #[test]
    fn every_loop_has_a_check() {
        let region = region(&[(Op::Nop, &[]), (Op::Push, &[1]), (Op::Jumpif, &[1]), (Op::Halt, &[])]);
        let checks = checks(&region, &ones(&region));
        let looping = region.blocks.iter().position(|block| block.index == 1).expect("a block");
        assert!(region.blocks[looping].header);
        assert!(checks[looping].first > 0);
    }

    #[test]
    fn a_long_way_is_checked_in_pieces() {
        let mut program: Vec<(Op, &[i64])> = Vec::new();
        for _ in 0..20 {
            program.extend([(Op::Nop, &[] as &[i64]); 20]);
            program.push((Op::Push, &[1]));
            program.push((Op::Jumpif, &[0]));
        }
        program.push((Op::Halt, &[]));
        let region = region(&program);
        let checks = checks(&region, &ones(&region));
        assert!(checks.iter().all(|check| check.first <= AHEAD_MAX));
        assert!(checks.iter().filter(|check| check.first > 0).count() >= 4);
    }
}
