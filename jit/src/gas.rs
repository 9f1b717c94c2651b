//! Where gas is compared, and with how much.
//!
//! Every block takes its gas off when it begins, but only some compare: a *check* sees that there is enough for the
//! dearest way to the next one. Every loop has one. What a check asks for beyond what then really runs is never taken;
//! where it finds too little the interpreter goes on, which is exact.

use crate::loops::postorder;
use crate::region::Region;

/// What a check asks for at most, unless one block alone costs more: a program with little gas is to run natively too.
const AHEAD_MAX: u64 = 96;

/// What one block costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockCost {
    /// Gas of its first segment.
    pub(crate) first: u64,
    /// Whether it has but that one, so that its successors run on the gas that its check saw.
    pub(crate) whole: bool,
}

/// For each block, what its check asks for; 0 where none is needed.
pub(crate) fn checks(region: &Region, costs: &[BlockCost]) -> Vec<u64> {
    let blocks = &region.blocks;
    let mut checked: Vec<bool> = blocks.iter().map(|block| block.header).collect();
    checked[0] = true;
    for (block, cost) in blocks.iter().zip(costs) {
        if !cost.whole {
            // What follows a call or a helper runs on gas that nobody has seen: the segment's own check sees only that.
            for next in block.successors() {
                checked[next] = true;
            }
        }
    }
    // The dearest way from a block to the next checks, blocks after all their successors: what is checked is cut off.
    let mut ahead = vec![0; blocks.len()];
    // Every loop has a checked block, so there is such an order.
    let cut = checked.clone();
    for block in postorder(region, 0..blocks.len(), |block| cut[block]) {
        let cost = costs[block];
        let mut dearest = 0;
        if cost.whole {
            for next in blocks[block].successors() {
                if checked[next] {
                    continue;
                }
                if cost.first + ahead[next] > AHEAD_MAX {
                    checked[next] = true;
                } else {
                    dearest = dearest.max(ahead[next]);
                }
            }
        }
        ahead[block] = cost.first + dearest;
    }
    ahead.iter().zip(checked).map(|(&ahead, checked)| if checked { ahead } else { 0 }).collect()
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
            first: u64::from(block.end_index - block.index) + 1,
            whole: true,
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
        let dearest: u64 = costs.iter().map(|cost| cost.first).sum();
        assert_eq!(checks.iter().filter(|&&check| check > 0).count(), 1);
        assert_eq!(checks[0], dearest);
    }

    #[test]
    fn every_loop_has_a_check() {
        let region = region(&[(Op::Nop, &[]), (Op::Push, &[1]), (Op::Jumpif, &[1]), (Op::Halt, &[])]);
        let checks = checks(&region, &ones(&region));
        let looping = region.blocks.iter().position(|block| block.index == 1).expect("a block");
        assert!(region.blocks[looping].header);
        assert!(checks[looping] > 0);
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
        assert!(checks.iter().all(|&check| check <= AHEAD_MAX));
        assert!(checks.iter().filter(|&&check| check > 0).count() >= 4);
    }
}
