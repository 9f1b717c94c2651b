//! Quick code keeps operands where the interpreter looks for them.
//!
//! Between blocks all of them lie in memory, and within a block one is read when it is first used. At a checkpoint, a
//! call and the end of a block those that have changed are *settled*: written. So exits have nothing to write, and no
//! operand goes from block to block as a value, which is most of what optimized code gives Cranelift to do.

use super::{Gas, State, Unit, Val};
use crate::context::{Context, Exit};
use crate::values::Form;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::entity::packed_option::ReservedValue;
use cranelift_codegen::ir::{self, InstBuilder, Value, types};
use keyvm_isa::image::Frame;
use std::collections::BTreeMap;
use std::mem::offset_of;

/// Of a [`Val`] that lies in no place of its own.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What a block has read, so that it need not again.
#[derive(Default)]
pub(super) struct Read {
    operands: BTreeMap<u32, Value>,
    found: BTreeMap<Once, Value>,
}

/// What a block needs to find but once, before the next call or helper.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Once {
    /// A field of the context.
    Field(usize),
    /// So far into the pad.
    Pad(usize),
    /// How many addresses are good of a memory with this length for accesses that end so far behind.
    Addresses(Value, i64),
}

/// How a block leaves, all operands being settled.
pub(super) struct Exiting {
    place: i64,
    index: u32,
    gas: Gas,
    why: Exit,
}

impl Val {
    /// The operand in a place of its own, not read yet.
    pub(super) fn at_home(slot: usize) -> Self {
        let home = u32::try_from(slot).expect("a unit's height is limited");
        Self { home, ..Self::word(Value::reserved_value()) }
    }

    fn is_at(&self, slot: usize) -> bool {
        self.home as usize == slot
    }
}

impl Unit<'_> {
    /// A number for an instruction that has it within itself. In quick code it is there once in the unit.
    pub(super) fn number(&mut self, number: i64) -> Value {
        // Where it is not within the instruction the register allocation would keep it from block to block.
        if !self.quick || i32::try_from(number).is_err() {
            return self.iconst(number);
        }
        if let Some(&value) = self.numbers.get(&number) {
            return value;
        }
        let value = if self.b.current_block() == Some(self.beginning) {
            self.b.ins().iconst(types::I64, number)
        } else {
            FuncCursor::new(self.b.func).at_first_inst(self.beginning).ins().iconst(types::I64, number)
        };
        self.numbers.insert(number, value);
        value
    }

    /// The value of an operand, in its own class.
    pub(super) fn loaded(&mut self, val: Val) -> Value {
        if !val.value.is_reserved_value() {
            return val.value;
        }
        if let Some(word) = val.bound.known {
            return self.iconst(word.cast_signed());
        }
        if let Some(&value) = self.read.operands.get(&val.home) {
            return value;
        }
        let base = self.operands_address();
        let offset = i32::try_from(u64::from(val.home) * 8).expect("a unit's height is limited");
        let value = self.b.ins().load(types::I64, self.operands, base, offset);
        self.read.operands.insert(val.home, value);
        value
    }

    /// Reads operands that are about to be overwritten where they lie.
    pub(super) fn load_all(&mut self, vals: &mut [Val]) {
        for val in vals {
            val.value = self.loaded(*val);
        }
    }

    /// Writes all operands that have changed to where the interpreter looks for them. What leaves from here on leaves at
    /// a checkpoint that is yet to be set.
    pub(super) fn settle(&mut self) {
        if !self.quick {
            return;
        }
        let mut stack = std::mem::take(&mut self.stack);
        for (slot, val) in stack.iter_mut().enumerate() {
            if !val.is_at(slot) {
                val.value = self.loaded(*val);
            }
        }
        for (slot, val) in stack.iter_mut().enumerate() {
            if !val.is_at(slot) {
                let word = self.as_word(*val);
                let base = self.operands_address();
                let offset = i32::try_from(slot * 8).expect("a unit's height is limited");
                self.b.ins().store(self.operands, word, base, offset);
                val.home = u32::try_from(slot).expect("a unit's height is limited");
                self.read.operands.insert(val.home, word);
            }
        }
        self.stack = stack;
    }

    /// Begins a block with so many operands, all of them settled.
    pub(super) fn begin_settled(&mut self, height: usize) {
        self.read = Read::default();
        self.stack.extend((0..height).map(Val::at_home));
    }

    /// Forgets what has been read of the operands from a slot on, and of the context.
    pub(super) fn forget_read(&mut self, slot: usize) {
        self.read.operands.retain(|&home, _| (home as usize) < slot);
        self.read.found.clear();
    }

    /// Reads a field of the context that does not change before the next call or helper.
    pub(super) fn get_once(&mut self, offset: usize) -> Value {
        self.once(Once::Field(offset), |unit| unit.get(offset))
    }

    /// In quick code, what has been found before, if it has. Where that is not every way leads on, nothing is to be found.
    pub(super) fn once(&mut self, what: Once, find: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.quick {
            return find(self);
        }
        if let Some(&value) = self.read.found.get(&what) {
            return value;
        }
        let value = find(self);
        self.read.found.insert(what, value);
        value
    }

    /// A block that leaves with a state whose operands are settled.
    pub(super) fn exiting(&mut self, state: &State, why: Exit) -> ir::Block {
        let place = Context::place(state.index, state.stack.len());
        self.exit_block(Exiting { place, index: state.index, gas: state.gas, why })
    }

    /// Leaves at an index with so many operands, all settled.
    pub(super) fn exit_at(&mut self, index: u32, height: u32, gas: Gas, why: Exit) {
        let place = Context::place(index, height as usize);
        let block = self.exit_block(Exiting { place, index, gas, why });
        self.b.ins().jump(block, &[]);
    }

    fn exit_block(&mut self, exiting: Exiting) -> ir::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.exiting.push((block, exiting));
        block
    }

    /// Where a caller goes on whose callee has left.
    pub(super) fn callee_left_block(&mut self) -> ir::Block {
        if let Some(block) = self.callee_left {
            return block;
        }
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.b.append_block_param(block, types::I64);
        *self.callee_left.insert(block)
    }

    /// Fills in the blocks that leave with settled operands.
    pub(super) fn settled_exits(&mut self) {
        if let Some(block) = self.callee_left {
            self.b.switch_to_block(block);
            self.b.set_srcloc(ir::SourceLoc::default());
            let back = self.b.block_params(block)[0];
            let frame = self.frame_address();
            self.put_frame(frame, 1, back, offset_of!(Frame, return_index));
            let unwinding = self.unwinding(None);
            self.b.ins().jump(unwinding, &[]);
        }
        if self.exiting.is_empty() {
            return;
        }
        let last = self.b.create_block();
        self.b.set_cold_block(last);
        let fields = [offset_of!(Context, gas), offset_of!(Context, index), offset_of!(Context, exit)];
        let params = fields.map(|_| self.b.append_block_param(last, types::I64));
        while let Some((block, Exiting { place, index, gas, why })) = self.exiting.pop() {
            self.b.switch_to_block(block);
            self.at(index);
            let gas = self.gas_value(gas);
            let place = self.iconst(place);
            let why = self.iconst(why as i64);
            self.b.ins().jump(last, &[gas.into(), place.into(), why.into()]);
        }
        self.b.switch_to_block(last);
        self.b.set_srcloc(ir::SourceLoc::default());
        for (value, field) in params.into_iter().zip(fields) {
            self.put(value, field);
        }
        self.put(self.room, offset_of!(Context, room));
        let unwinding = self.unwinding(None);
        self.b.ins().jump(unwinding, &[]);
    }

    /// How the operands of each block are held: all as words.
    pub(super) fn settled_forms(&self) -> Vec<Vec<Form>> {
        self.region.blocks.iter().map(|block| vec![Form::WORD; block.height as usize]).collect()
    }
}
