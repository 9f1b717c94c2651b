//! Blocks and segments: the instructions one after the other, and the gas for them.

use super::bound::{Bound, beginnings, needs};
use super::call::Target;
use super::memory::{access, is_native_memory, table_of};
use super::reach::{Access, Reaching, Sum};
use super::{Gas, Unit, Val};
use crate::arith::{self, Class};
use crate::context::{Context, Exit};
use crate::fault::Fault;
use crate::gas::{BlockCost, Check, Cost, end_cost, gas_of, insn_cost};
use crate::region::{Block, End, Part, subroutine};
use crate::values::{Form, is_free, known_memories, select_form, shuffle};
use cranelift_codegen::entity::packed_option::ReservedValue;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use keyvm_isa::{Insn, Op};
use std::mem::offset_of;

/// Whether native code executes an instruction by itself, if the processor can, or calls a subroutine. `memory` is the
/// number of the memory that it finds on the stack, where that is known.
pub(crate) fn is_native(insn: &Insn, memory: Option<u64>) -> bool {
    let more = matches!(insn.op, Op::Select | Op::Func | Op::Call | Op::Callto | Op::Calltable);
    more || is_free(insn.op) || arith::shape(insn.op).is_some() || is_native_memory(insn, memory)
}

/// Operands of an arithmetic instruction at most.
const OPERANDS_MAX: usize = 2;

/// The instruction that a word would be, if its other bits are right.
fn op_of(word: u64) -> Option<Op> {
    Op::from_byte(word.to_le_bytes()[0])
}

const fn is_access(op: Op) -> bool {
    matches!(op, Op::Mempush | Op::Memwrite) || access(op).is_some()
}

impl Unit<'_> {
    /// Translates a block.
    pub(super) fn block(&mut self, number: usize) {
        let region = self.region;
        let block = &region.blocks[number];
        self.number = number;
        self.b.switch_to_block(self.blocks[number]);
        self.at(block.index);
        self.inlined = block.inlined;
        self.base = region.base(block.inlined) as usize;
        self.stack.clear();
        self.reaching = if self.quick && !self.is_reaching_often(block) {
            Reaching::default()
        } else {
            Reaching::new(self.code, self.base, block)
        };
        if self.quick {
            self.begin_settled(block.height as usize);
        } else {
            for slot in 0..block.height as usize {
                let form = self.forms[number][slot];
                let variable = self.slot(slot, form.class);
                let value = self.b.use_var(variable);
                self.stack.push(Val { bound: self.bounds[number][slot], ..Val::new(value, form) });
            }
        }
        self.memories = known_memories(self.code, self.base, block);
        self.part = block.part;
        let check = self.checks[number];
        self.owed = self.charges.begin[number];
        self.begin_segment(block, block.index, check.first);
        self.see_room(block);
        if let Part::Turn { turns, of, .. } = block.part
            && region.turns[turns].header == of
        {
            self.mark_ahead();
        }
        for index in block.index..block.end_index {
            let Some(insn) = self.insn(index) else { break };
            self.at(index);
            if self.is_helper(&insn, index) {
                self.helpers.push(index);
                self.owe(0);
                self.helper(&insn, index);
                let check = self.later_check(block, index + 1, check);
                self.begin_segment(block, index + 1, check);
                continue;
            }
            match insn.op {
                Op::Call | Op::Callto | Op::Calltable => {
                    let next_cost = self.later_check(block, index + 1, check);
                    if !self.any_call(&insn, index, next_cost) {
                        return;
                    }
                    // Quick code has yet to look whether the gas suffices.
                    self.begin_segment(block, index + 1, if self.quick { next_cost } else { 0 });
                    continue;
                }
                _ => self.instruction(&insn, index, block.end_index),
            }
            self.ahead -= self.word(Cost::one(insn_cost(self.code, &insn)));
        }
        self.at(block.end_index);
        if let Part::Group { turns } = block.part {
            // Turns are left that many fewer, and what they cost is owed so much less.
            self.owed -= self.charges.group(region, turns);
        }
        let gives =
            self.quick && matches!(block.end, End::Return(_) | End::Tailcall { .. } | End::TailcallTo(_));
        if !gives && !matches!(block.end, End::CalledAfterAll(_)) {
            self.owe(self.charges.end[number]);
        }
        if let Part::Measure { turns } = block.part {
            self.measure(turns);
        }
        self.end(number, check);
    }

    /// Whether a block accesses memories more than once.
    fn is_reaching_often(&self, block: &Block) -> bool {
        let words = &self.code.normal()[block.index as usize..block.end_index as usize];
        words.iter().filter(|&&word| op_of(word).is_some_and(is_access)).nth(1).is_some()
    }

    pub(super) fn insn(&self, index: u32) -> Option<Insn> {
        Insn::decode(*self.code.normal().get(index as usize)?)
    }

    /// Whether an instruction is executed by the interpreter, from within native code.
    fn is_helper(&self, insn: &Insn, index: u32) -> bool {
        let unavailable = arith::shape(insn.op).is_some() && !arith::available(insn.op, self.isa);
        unavailable || !is_native(insn, self.memories.get(&index).copied())
    }

    /// What the segment that begins at an index costs, and where the next one begins, if it is not the block's last.
    fn segment_cost(&self, block: &Block, index: u32) -> (Cost, Option<u32>) {
        let mut cost = Cost::default();
        for at in index..block.end_index {
            let Some(insn) = self.insn(at) else { break };
            if self.is_helper(&insn, at) {
                return (cost, Some(at + 1));
            }
            cost = cost.plus(Cost::one(insn_cost(self.code, &insn)));
            if matches!(insn.op, Op::Call | Op::Callto | Op::Calltable) {
                return (cost, Some(at + 1));
            }
        }
        if matches!(block.end, End::InlinedCall(_)) && self.planted(Fault::InlinedCallGas) {
            return (cost, None);
        }
        (cost.plus(Cost::one(end_cost(&block.end))), None)
    }

    /// What the first and the last segment of a block cost.
    fn block_cost(&self, block: &Block) -> BlockCost {
        let (first, mut next) = self.segment_cost(block, block.index);
        let mut last = None;
        while let Some(index) = next {
            let (cost, after) = self.segment_cost(block, index);
            (last, next) = (Some(cost), after);
        }
        if let End::CalledAfterAll(_) = block.end {
            last = Some(Cost::default());
        }
        BlockCost { first, last }
    }

    /// What is to be seen of the gas where a segment begins that is not its block's first: enough for it, and if it is the
    /// last, for the way to the next check.
    fn later_check(&self, block: &Block, index: u32, check: Check) -> u64 {
        match self.segment_cost(block, index) {
            (_, None) => check.last,
            (cost, Some(_)) => cost.gas,
        }
    }

    /// What each block costs.
    pub(super) fn block_costs(&mut self) -> Vec<BlockCost> {
        let region = self.region;
        let mut costs = Vec::with_capacity(region.blocks.len());
        if !self.quick {
            self.bounds = beginnings(self.code, region);
        }
        for (number, block) in region.blocks.iter().enumerate() {
            let base = region.base(block.inlined) as usize;
            self.memories = known_memories(self.code, base, block);
            if !self.quick {
                let bounds = self.bounds[number].clone();
                let (near, around) = needs(self.code, base, block, bounds, &self.memories);
                let reach = &mut self.data_reach;
                reach.near_bytes = reach.near_bytes.max(near);
                reach.around_bytes = reach.around_bytes.max(around);
                for index in block.index..=block.end_index {
                    if let Some(insn) = self.insn(index) {
                        self.uses_data |= self.is_data(&insn, index);
                    }
                }
            }
            costs.push(self.block_cost(block));
        }
        costs
    }

    /// Lets the gas of the segment that begins at an index be owed, sets the checkpoint there, and sees that there is as
    /// much gas as `check` says.
    fn begin_segment(&mut self, block: &Block, index: u32, check: u64) {
        let gas = self.gas_left();
        self.set_checkpoint(index, gas);
        let check = match block.part {
            Part::Plain if block.header && self.planted(Fault::HeaderCheck) => {
                check.min(self.segment_cost(block, index).0.gas)
            }
            _ => check.saturating_sub(self.planted(Fault::CheckShort).into()),
        };
        if self.options.gas_checks && check > 0 {
            let dry = self.is_dry(check.cast_signed() + gas_of(self.owed));
            self.leave_if(dry, Exit::Gas);
        }
        self.ahead = self.word(self.segment_cost(block, index).0);
        self.owed += self.ahead;
    }

    /// Whether the gas is less than `need`.
    fn is_dry(&mut self, need: i64) -> Value {
        if self.quick {
            let low = self.get_as(types::I32, offset_of!(Context, gas));
            return self.b.ins().icmp_imm_s(IntCC::SignedLessThan, low, need);
        }
        let held = self.b.use_var(self.gas);
        self.is_short(held, need)
    }

    /// Whether a word holds less gas than `need`; what a callee gives that did not return is always less.
    pub(super) fn is_short(&mut self, gas: Value, need: i64) -> Value {
        let need = if self.options.gas_checks { need } else { 0 };
        let low = self.b.ins().ireduce(types::I32, gas);
        self.b.ins().icmp_imm_s(IntCC::SignedLessThan, low, need)
    }

    /// What is taken off for a cost.
    pub(super) const fn word(&self, cost: Cost) -> i64 {
        if self.options.gas_checks { cost.word() } else { 0 }
    }

    /// The gas that is left.
    pub(super) fn gas_left(&mut self) -> Gas {
        self.gas_with(0)
    }

    /// The gas that is left, and so much more.
    pub(super) fn gas_with(&mut self, more: i64) -> Gas {
        if self.quick {
            return Gas::Kept(more - self.owed, self.kept.taken);
        }
        let held = self.b.use_var(self.gas);
        match self.part.group() {
            Some(turns) => Gas::Turns(held, more - self.owed, self.turns_left(turns), turns),
            None => Gas::Value(held, more - self.owed),
        }
    }

    /// Takes off what is owed, up to a rest.
    pub(super) fn owe(&mut self, rest: i64) {
        if self.owed != rest {
            let gas = self.held();
            let gas = self.b.ins().iadd_imm_s(gas, rest - self.owed);
            self.hold(gas);
            self.kept.taken += rest - self.owed;
            self.owed = rest;
        }
    }

    /// A call of a subroutine; `false` if it cannot be made from native code, and the block ends there.
    fn any_call(&mut self, insn: &Insn, index: u32, next_cost: u64) -> bool {
        let imm = u32::try_from(insn.imms[0]).unwrap_or(u32::MAX);
        if insn.op == Op::Call {
            return self.direct_call(imm, index, next_cost);
        }
        if self.quick {
            // What finds the target leaves before the call, and with all settled.
            let gas = self.gas_with(self.ahead);
            self.set_checkpoint(index, gas);
        }
        let before = self.stack.clone();
        let (target, typ) = {
            let typ = self.code.types()[imm as usize];
            let operand = self.pop();
            if insn.op == Op::Calltable && !super::memory::reached(table_of(insn)) {
                let gas = self.gas_with(self.word(Cost::one(1)));
                let state = self.state(index, before, gas);
                self.leave(state, Exit::Kernel);
                return false;
            }
            let target = self.named(insn, operand, index);
            (Target::Code(self.callee_at(target, typ)), typ)
        };
        self.call(index, &target, typ, before, next_cost);
        true
    }

    /// Index of the subroutine that an operand of a call names: by itself, or by a word of a memory, which is reached.
    pub(super) fn named(&mut self, insn: &Insn, operand: Val, index: u32) -> Value {
        if matches!(insn.op, Op::Callto | Op::Tailcallto) {
            return self.as_word(operand);
        }
        let (memory, address) = (table_of(insn), Some(operand));
        let access = Access { memory, write: false, address, words: true, offset: 0, bytes: 8 };
        let (base, at) = self.reach(access, index);
        self.b.ins().load(types::I64, self.guest, base, at)
    }

    /// A call of the subroutine at `callee` by the instruction at `index`; `false` if it has no native code, and the block
    /// ends there.
    pub(super) fn direct_call(&mut self, callee: u32, index: u32, next_cost: u64) -> bool {
        let before = self.stack.clone();
        let found = subroutine(self.code, callee).filter(|_| self.callees.contains_key(&callee));
        let Some((typ, _)) = found else {
            let gas = self.gas_with(self.word(Cost::one(1)));
            let state = self.state(index, before, gas);
            self.leave(state, Exit::Callee);
            return false;
        };
        self.call(index, &Target::Direct(callee), typ, before, next_cost);
        true
    }

    /// An instruction that stays in the block.
    fn instruction(&mut self, insn: &Insn, index: u32, end: u32) {
        if shuffle(&mut self.stack, self.base, insn) {
            return;
        }
        if let Some(shape) = arith::shape(insn.op) {
            self.arithmetic(insn.op, shape);
            return;
        }
        let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
        match insn.op {
            Op::Push => self.push_known(insn.imms[0].cast_unsigned()),
            Op::Const => self.push_known(self.code.constants()[imm]),
            Op::Height => self.push_known((self.stack.len() - self.base) as u64),
            Op::Func => {
                let locals = self.code.types()[imm].locals;
                for _ in 0..locals {
                    if self.quick && self.planted(Fault::LocalsLeft) {
                        self.stack.push(Val::at_home(self.stack.len()));
                        continue;
                    }
                    self.push_known(0);
                }
            }
            Op::Select => {
                let condition = self.pop_word();
                let (b, a) = (self.pop(), self.pop());
                let mut form = select_form(a.form, b.form);
                if self.planted(Fault::NanKept) {
                    form.raw = a.form.class == b.form.class && (a.form.raw || b.form.raw);
                }
                let bound = Bound::most(a.bound.most.max(b.bound.most));
                let (a, b) = (self.in_form(a, form), self.in_form(b, form));
                let value = self.b.ins().select(condition, a, b);
                self.stack.push(Val { bound, ..Val::new(value, form) });
            }
            _ => self.memory(insn, index, end),
        }
    }

    fn push_known(&mut self, word: u64) {
        let value = if self.quick { Value::reserved_value() } else { self.iconst(word.cast_signed()) };
        self.stack.push(Val { bound: Bound::known(word), ..Val::word(value) });
    }

    fn arithmetic(&mut self, op: Op, shape: arith::Shape) {
        let count = shape.operands.len();
        let below = self.stack.len() - count;
        let mut operands = [Value::reserved_value(); OPERANDS_MAX];
        let mut bounds = [Bound::NONE; OPERANDS_MAX];
        let sum = if op == Op::Add && !self.quick { Sum::of(&self.stack[below..]) } else { None };
        for (at, &class) in shape.operands.iter().enumerate() {
            let mut val = self.stack[below + at];
            bounds[at] = val.bound;
            if shape.shows && val.form.raw && !self.planted(Fault::NanSign) {
                val.value = self.canonical(val);
                val.form.raw = false;
            }
            operands[at] = self.in_class(val, class);
        }
        self.stack.truncate(below);
        let (operands, bounds) = (&operands[..count], &bounds[..count]);
        let mistaken = self.options.mistaken(&mut self.b, op, operands);
        let trap = match mistaken {
            Some((trap, _)) => trap,
            None => arith::traps(&mut self.b, op, operands),
        };
        if let Some(trap) = trap {
            self.leave_if(trap, Exit::Check);
        }
        let value = match mistaken {
            Some((_, value)) => value,
            None => arith::emit(&mut self.b, op, operands),
        };
        let raw = shape.raw && shape.result != Class::Word;
        let bound = Bound::made(op, bounds);
        self.stack.push(Val { bound, sum, ..Val::new(value, Form { class: shape.result, raw }) });
    }
}
