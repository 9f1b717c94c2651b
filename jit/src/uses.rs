//! How what loads give is used next, in their blocks or behind them: a float is best loaded as one.

use crate::arith::{Class, shape};
use crate::loops::postorder;
use crate::region::{Block, Edge, End, Region};
use crate::values::{counts, drop_to_results, load_width, shuffle};
use keyvm_isa::{Code, Insn, Op};
use std::collections::BTreeMap;

/// How often blocks are looked at for what is used behind them. What is not known by then is a word.
const ROUNDS_MAX: usize = 8;

/// What an operand is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// What a slot holds where the block begins.
    Slot(usize),
    /// What the load at an index gives.
    Load(u32),
    /// Something else.
    Other,
}

/// What happens to operands in a block.
struct Walk {
    /// The class in which each is used first.
    used: BTreeMap<Origin, Class>,
    /// What the slots hold where it ends.
    end: Vec<Origin>,
    next: Vec<usize>,
    loads: Vec<u32>,
}

impl Walk {
    fn new(code: &Code, region: &Region, block: &Block) -> Self {
        let base = region.base(block.inlined) as usize;
        let mut used = BTreeMap::new();
        let mut loads = Vec::new();
        let mut stack: Vec<Origin> = (0..block.height as usize).map(Origin::Slot).collect();
        for index in block.index..block.end_index {
            let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
            if shuffle(&mut stack, base, &insn) {
                continue;
            }
            let (pops, pushes) = counts(code, &insn);
            let operands = stack.split_off(stack.len() - pops);
            for (at, &operand) in operands.iter().enumerate() {
                let class = match (shape(insn.op), insn.op) {
                    (Some(shape), _) => shape.operands[at],
                    // What is stored is stored as it is held, and what is selected selected.
                    (_, Op::Select) if at < 2 => continue,
                    (_, Op::Store64 | Op::Store32) if at == 1 => continue,
                    (_, Op::Store64at | Op::Store32at) => continue,
                    _ => Class::Word,
                };
                if operand != Origin::Other {
                    used.entry(operand).or_insert(class);
                }
            }
            let made = if load_width(insn.op).is_some() { Origin::Load(index) } else { Origin::Other };
            if made != Origin::Other {
                loads.push(index);
            }
            stack.resize(stack.len() + pushes, made);
        }
        match block.end {
            End::Branch { .. } | End::Switch(_) => {
                used.extend(stack.pop().filter(|top| !used.contains_key(top)).map(|top| (top, Class::Word)));
            }
            End::CalledAfterAll(_) => {
                stack.truncate(base);
                let results = block.inlined.map_or(0, |call| region.inlined[call].typ.results);
                stack.resize(base + usize::from(results), Origin::Other);
            }
            End::InlinedReturn(typ, _) => drop_to_results(&mut stack, base, typ),
            _ => {}
        }
        let mut next = Vec::new();
        block.for_each_edge(|edge| next.extend(if let Edge::Block(next) = edge { Some(next) } else { None }));
        Self { used, end: stack, next, loads }
    }

    /// The class in which each slot that has it is used first, where the block ends.
    fn behind(&self, wanted: &[Vec<Option<Class>>]) -> BTreeMap<Origin, Class> {
        let mut behind = BTreeMap::new();
        for (slot, &origin) in self.end.iter().enumerate() {
            if origin == Origin::Other || self.used.contains_key(&origin) {
                continue;
            }
            for class in self.next.iter().filter_map(|&next| *wanted[next].get(slot)?) {
                let known = behind.entry(origin).or_insert(class);
                if *known != class {
                    *known = Class::Word;
                }
            }
        }
        behind
    }
}

/// The class in which each load of a unit is best held, by block, where that is no word.
pub(crate) struct Uses(Vec<BTreeMap<u32, Class>>);

impl Uses {
    /// Where all are words.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn new(code: &Code, region: &Region) -> Self {
        let blocks = &region.blocks;
        let walks: Vec<Walk> = blocks.iter().map(|block| Walk::new(code, region, block)).collect();
        let slots = |(walk, block): (&Walk, &Block)| {
            (0..block.height as usize).map(|slot| walk.used.get(&Origin::Slot(slot)).copied()).collect()
        };
        let mut wanted: Vec<Vec<Option<Class>>> = walks.iter().zip(blocks).map(slots).collect();
        let order = postorder(region, [0], |_| false);
        for _ in 0..ROUNDS_MAX {
            let mut changed = false;
            for &block in &order {
                for (origin, class) in walks[block].behind(&wanted) {
                    if let Origin::Slot(slot) = origin {
                        changed |= wanted[block][slot] != Some(class);
                        wanted[block][slot] = Some(class);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let classes = walks.iter().map(|walk| {
            if walk.loads.is_empty() {
                return BTreeMap::new();
            }
            let behind = walk.behind(&wanted);
            let used = |index: u32| {
                let origin = Origin::Load(index);
                let class = *walk.used.get(&origin).or_else(|| behind.get(&origin))?;
                let op = Insn::decode(code.normal()[index as usize])?.op;
                (load_width(op) == Some(class) && class != Class::Word).then_some((index, class))
            };
            walk.loads.iter().filter_map(|&index| used(index)).collect()
        });
        Self(classes.collect())
    }

    /// The class in which the load at an index of a block is best held.
    pub(crate) fn class(&self, block: usize, index: u32) -> Class {
        self.0.get(block).and_then(|classes| classes.get(&index)).copied().unwrap_or(Class::Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Start;
    use keyvm_isa::code::CodeParts;

    /// The class of the load at an index of a program, which is a unit.
    fn class(program: &[(Op, &[i64])], index: u32) -> Class {
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        let region = Region::new(&code, Start::Enter { index: 0, height: 0 }, true);
        let block = region.blocks.iter().position(|block| (block.index..block.end_index).contains(&index));
        Uses::new(&code, &region).class(block.expect("a block"), index)
    }

    #[test]
    fn a_load_is_a_float_if_it_is_used_as_one_behind_its_block() {
        let program: [(Op, &[i64]); 9] = [
            (Op::Push, &[9]),
            (Op::Load64at, &[2, 0]),
            // A loop, in which it is used.
            (Op::Dup, &[]),
            (Op::Dup, &[]),
            (Op::Fadd, &[]),
            (Op::Drop, &[]),
            (Op::Pick, &[1]),
            (Op::Jumpif, &[2]),
            (Op::Halt, &[]),
        ];
        assert_eq!(class(&program, 1), Class::F64);
    }

    #[test]
    fn a_load_that_is_used_as_a_word_first_is_one() {
        let used = |op| class(&[(Op::Load64at, &[2, 0]), (op, &[]), (Op::Drop, &[])], 0);
        assert_eq!(used(Op::Not), Class::Word);
        assert_eq!(used(Op::Fsqrt), Class::F64);
        assert_eq!(used(Op::Fsqrt32), Class::Word);
        assert_eq!(used(Op::Nop), Class::Word);
    }

    #[test]
    fn a_load_that_is_a_float_on_one_way_and_a_word_on_the_other_is_a_word() {
        let either = |op| {
            let program: [(Op, &[i64]); 9] = [
                (Op::Load64at, &[2, 0]),
                (Op::Load64at, &[2, 8]),
                (Op::Jumpif, &[6]),
                (Op::Fsqrt, &[]),
                (Op::Drop, &[]),
                (Op::Halt, &[]),
                (op, &[]),
                (Op::Drop, &[]),
                (Op::Halt, &[]),
            ];
            class(&program, 0)
        };
        assert_eq!(either(Op::Not), Class::Word);
        assert_eq!(either(Op::Fsqrt), Class::F64);
        assert_eq!(either(Op::Nop), Class::F64);
    }
}
