//! Leaving native code.

use super::{Checkpoint, Gas, LEFT, Leaving, Saying, State, Unit, Val};
use crate::context::{Context, Exit, FRAME_SHIFT};
use crate::fault::Fault;
use crate::region::Start;
use cranelift_codegen::ir::{self, InstBuilder, Value};
use keyvm_isa::image::Frame;
use std::collections::BTreeMap;
use std::mem::offset_of;

impl Unit<'_> {
    /// A state in the inlined call that is being translated.
    pub(super) const fn state(&self, index: u32, stack: Vec<Val>, gas: Gas) -> State {
        State { index, inlined: self.inlined, stack, settled: 0, gas }
    }

    /// Begins a checkpoint: what fails from here on leaves with this state.
    pub(super) fn set_checkpoint(&mut self, index: u32, gas: Gas) {
        if self.quick {
            self.settle();
            self.kept.checkpoint = (index, self.stack.len(), gas);
            return;
        }
        let state = self.state(index, self.stack.clone(), gas);
        self.checkpoint = Checkpoint { state, common: None, leaving: Vec::new() };
    }

    /// A block that leaves at the present checkpoint for a reason.
    fn checkpoint_block(&mut self, why: Exit) -> ir::Block {
        if let Some(&(_, block)) = self.checkpoint.leaving.iter().find(|(reason, _)| *reason == why) {
            return block;
        }
        let common = match self.checkpoint.common {
            Some(block) => block,
            None => {
                let block = self.leaving_block(self.checkpoint.state.clone());
                *self.checkpoint.common.insert(block)
            }
        };
        let block = self.saying_block(common, self.checkpoint.state.index, why);
        self.checkpoint.leaving.push((why, block));
        block
    }

    /// A block that leaves with a state, once the reason has been said.
    fn leaving_block(&mut self, state: State) -> ir::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.leaving.push(Leaving { block, state });
        block
    }

    /// A block that says why, and goes on to one that leaves at an index.
    fn saying_block(&mut self, leaving: ir::Block, index: u32, why: Exit) -> ir::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.saying.push(Saying { block, index, why, leaving });
        block
    }

    /// A block that leaves with a state for a reason.
    pub(super) fn leaving_for(&mut self, state: State, why: Exit) -> ir::Block {
        let index = state.index;
        let leaving = self.leaving_block(state);
        self.saying_block(leaving, index, why)
    }

    /// Leaves at the checkpoint if a condition holds, and goes on in a new block if not.
    pub(super) fn leave_if(&mut self, condition: Value, why: Exit) {
        if self.quick {
            let stub = self.checkpoint_stub(why);
            self.stub_if(condition, stub);
            return;
        }
        let leave = self.checkpoint_block(why);
        let next = self.b.create_block();
        self.b.ins().brif(condition, leave, &[], next, &[]);
        self.go_on_in(next);
    }

    /// Leaves at the checkpoint unless a condition holds.
    pub(super) fn leave_unless(&mut self, condition: Value, why: Exit) {
        if self.quick {
            let stub = self.checkpoint_stub(why);
            self.stub_unless(condition, stub);
            return;
        }
        let leave = self.checkpoint_block(why);
        let next = self.b.create_block();
        self.go_unless(condition, leave, next);
        self.go_on_in(next);
    }

    /// Leaves with a state.
    pub(super) fn leave(&mut self, state: State, why: Exit) {
        if self.quick {
            self.settle();
            let stub = self.leaving_stub(state.index, state.stack.len(), state.gas, why);
            self.stub_always(stub);
            return;
        }
        let leave = self.leaving_for(state, why);
        self.b.ins().jump(leave, &[]);
    }

    /// Leaves at the end of a block, to go on at an index that is known only now.
    pub(super) fn leave_to(&mut self, index: Value) {
        let stack = self.stack.clone();
        if self.quick {
            self.settle();
        } else {
            self.write_back(&stack);
        }
        let height = self.iconst(Context::place(0, stack.len() - self.base));
        let place = self.b.ins().bor(height, index);
        self.put(place, offset_of!(Context, index));
        let why = self.iconst(Exit::Edge as i64);
        self.put(why, offset_of!(Context, exit));
        self.owe(0);
        if self.quick {
            self.leave_as_said();
            return;
        }
        let gas = self.b.use_var(self.gas);
        self.put(gas, offset_of!(Context, gas));
        let room = self.room_of(self.inlined);
        self.put(room, offset_of!(Context, room));
        let unwinding = self.unwinding(self.inlined);
        self.b.ins().jump(unwinding, &[]);
    }

    /// Fills in all blocks that leave.
    pub(super) fn exits(&mut self) {
        while let Some(Saying { block, index, why, leaving }) = self.saying.pop() {
            self.b.switch_to_block(block);
            self.at(index);
            let reason = self.iconst(why as i64);
            self.put(reason, offset_of!(Context, exit));
            self.b.ins().jump(leaving, &[]);
        }
        // What all exits in one subroutine have in common is there once.
        let mut last: BTreeMap<Option<usize>, ir::Block> = BTreeMap::new();
        while let Some(Leaving { block, state }) = self.leaving.pop() {
            self.b.switch_to_block(block);
            self.at(state.index);
            let gas = match state.gas {
                Gas::Value(held, _) if self.planted(Fault::OwedAtExit) => held,
                gas => self.gas_value(gas),
            };
            let inlined = if self.planted(Fault::ExitHeight) { None } else { state.inlined };
            let height = state.stack.len() - self.region.base(inlined) as usize;
            let place = self.iconst(Context::place(state.index, height));
            self.put(place, offset_of!(Context, index));
            self.write_back(&state.stack[..state.stack.len() - state.settled]);
            let last = *last.entry(state.inlined).or_insert_with(|| {
                let block = self.b.create_block();
                self.b.set_cold_block(block);
                self.b.append_block_param(block, ir::types::I64);
                block
            });
            self.b.ins().jump(last, &[gas.into()]);
        }
        for (inlined, block) in last {
            self.b.switch_to_block(block);
            self.b.set_srcloc(ir::SourceLoc::default());
            let gas = self.b.block_params(block)[0];
            self.put(gas, offset_of!(Context, gas));
            let room = self.room_of(inlined);
            self.put(room, offset_of!(Context, room));
            let unwinding = self.unwinding(inlined);
            self.b.ins().jump(unwinding, &[]);
        }
        if self.quick {
            self.leave_quick();
        }
        while let Some((inlined, block)) = self.unwinding_open.pop() {
            self.b.switch_to_block(block);
            self.b.set_srcloc(ir::SourceLoc::default());
            self.unwind(inlined);
        }
    }

    /// The gas that there is, in a word.
    pub(super) fn gas_value(&mut self, gas: Gas) -> Value {
        let (gas, more) = match gas {
            Gas::Value(gas, more) => (gas, more),
            Gas::Turns(held, more, left, turns) => {
                let ahead = self.b.ins().imul_imm_s(left, self.charges.turns[turns]);
                (self.b.ins().iadd(held, ahead), more)
            }
            Gas::Context(more) | Gas::Kept(more, _) => (self.get(offset_of!(Context, gas)), more),
        };
        if more == 0 { gas } else { self.b.ins().iadd_imm_s(gas, more) }
    }

    /// The room above the base of an inlined call.
    pub(super) fn room_of(&mut self, inlined: Option<usize>) -> Value {
        let (frames, words) = (self.region.depth(inlined), self.region.base(inlined));
        if frames == 0 {
            return self.room;
        }
        self.b.ins().iadd_imm_s(self.room, -(i64::from(frames) << FRAME_SHIFT) - i64::from(words))
    }

    /// The block that writes the frames of an inlined call and of those it is made in, and leaves.
    pub(super) fn unwinding(&mut self, inlined: Option<usize>) -> ir::Block {
        if let Some(&block) = self.unwinding.get(&inlined) {
            return block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.unwinding.insert(inlined, block);
        self.unwinding_open.push((inlined, block));
        block
    }

    /// Writes the frame of an inlined call and goes on with the one that it is made in.
    fn unwind(&mut self, inlined: Option<usize>) {
        let Some(call) = inlined.map(|call| self.region.inlined[call]) else {
            self.write_own_frame();
            match self.region.start {
                Start::Call { typ, .. } => self.give_up(LEFT, typ),
                Start::Enter { .. } => self.return_to_host(),
            }
            return;
        };
        let back = self.iconst(call.return_index.into());
        let frame = self.frame_address();
        self.put_frame(frame, call.depth, back, offset_of!(Frame, return_index));
        let base = if self.planted(Fault::InlinedBase) { 0 } else { call.base };
        self.write_frame(call.depth, base, call.number);
        let caller = self.unwinding(call.caller);
        self.b.ins().jump(caller, &[]);
    }

    /// Writes operands to where the interpreter looks for them, from the base upwards.
    pub(super) fn write_back(&mut self, stack: &[Val]) {
        if stack.is_empty() {
            return;
        }
        let base = self.operands_address();
        for (slot, &val) in stack.iter().enumerate() {
            let val = if self.planted(Fault::NanExit) { val.as_is() } else { val };
            self.store_operand(base, slot, val);
        }
    }

    pub(super) fn store_operand(&mut self, base: Value, slot: usize, val: Val) {
        let word = self.as_word(val);
        let offset = i32::try_from(slot * 8).expect("a unit's height is limited");
        self.b.ins().store(self.operands, word, base, offset);
    }

    /// Writes what this subroutine knows of its own frame. The caller knows the rest.
    pub(super) fn write_own_frame(&mut self) {
        if let Start::Call { number, .. } = self.region.start {
            self.write_frame(0, 0, number);
        }
    }

    /// Writes what a subroutine knows of its own frame, its base and its type: one that lies so many inlined calls above
    /// the unit, with so many operands of its callers in between.
    fn write_frame(&mut self, depth: u32, below: u32, number: u32) {
        let frame = self.frame_address();
        let mask = self.number(crate::context::WORDS_MASK.cast_signed());
        let words = self.b.ins().band(self.room, mask);
        let all = self.get(offset_of!(Context, stack_words));
        let base = self.b.ins().isub(all, words);
        let base = self.plus(base, i64::from(below));
        self.put_frame(frame, depth, base, offset_of!(Frame, base));
        let number = self.iconst(number.into());
        self.put_frame(frame, depth, number, offset_of!(Frame, typ));
    }

    /// Where the unit's own frame lies.
    pub(super) fn frame_address(&mut self) -> Value {
        let left = self.frames_left(self.room);
        let frame = self.number(size_of::<Frame>() as i64);
        let bytes = self.b.ins().imul(left, frame);
        let end = self.get(offset_of!(Context, frames_end));
        self.b.ins().isub(end, bytes)
    }

    /// Writes a field of the frame that lies so many above one.
    pub(super) fn put_frame(&mut self, frame: Value, above: u32, value: Value, offset: usize) {
        let offset = i32::try_from(above as usize * size_of::<Frame>() + offset).expect("frames are small");
        self.b.ins().istore32(self.ours, value, frame, offset);
    }
}
