//! Quick code keeps operands where the interpreter looks for them.
//!
//! Between blocks all of them lie in memory, and within a block one is read when it is first used. At a checkpoint, a
//! call and the end of a block those that have changed are *settled*: written. So exits have nothing to write, and no
//! operand goes from block to block as a value, which is most of what optimized code gives Cranelift to do.

use super::{Unit, Val};
use crate::fault::Fault;
use crate::values::Form;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::entity::packed_option::ReservedValue;
use cranelift_codegen::ir::{InstBuilder, Value, types};

/// Of a [`Val`] that lies in no place of its own.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What a block has read, so that it need not again.
#[derive(Default)]
pub(super) struct Read {
    operands: Vec<(u32, Value)>,
    found: Vec<(Once, Value)>,
}

impl Read {
    /// Notes what an operand is that has been written.
    fn wrote(&mut self, home: u32, word: Value) {
        match self.operands.iter_mut().find(|(other, _)| *other == home) {
            Some((_, value)) => *value = word,
            None => self.operands.push((home, word)),
        }
    }
}

/// What a block needs to find but once, before the next call or helper.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Once {
    /// A field of the context.
    Field(usize),
    /// So far into the pad.
    Pad(usize),
    /// How many addresses are good of a memory with this length for accesses that end so far behind.
    Addresses(Value, i64),
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
        if !self.quick || i32::try_from(number).is_err() && !number.cast_unsigned().is_power_of_two() {
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
            return self.number(word.cast_signed());
        }
        if let Some(&(_, value)) = self.read.operands.iter().find(|(home, _)| *home == val.home) {
            return value;
        }
        let base = self.operands_address();
        let offset = i32::try_from(u64::from(val.home) * 8).expect("a unit's height is limited");
        let value = self.b.ins().load(types::I64, self.operands, base, offset);
        self.read.operands.push((val.home, value));
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
            if !val.is_at(slot) && !self.planted(Fault::SettleOrder) {
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
                self.read.wrote(val.home, word);
            }
        }
        self.stack = stack;
    }

    /// Begins a block with so many operands, all of them settled.
    pub(super) fn begin_settled(&mut self, height: usize) {
        self.read.operands.clear();
        self.read.found.clear();
        self.kept.gas = None;
        self.stack.extend((0..height).map(Val::at_home));
    }

    /// Forgets what has been read of the operands from a slot on, and of the context.
    pub(super) fn forget_read(&mut self, slot: usize) {
        if !self.planted(Fault::ResultRead) {
            self.read.operands.retain(|&(home, _)| (home as usize) < slot);
        }
        if !self.planted(Fault::ViewFound) {
            self.read.found.clear();
        }
        self.kept.gas = None;
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
        if let Some(&(_, value)) = self.read.found.iter().find(|(other, _)| *other == what) {
            return value;
        }
        let value = find(self);
        self.read.found.push((what, value));
        value
    }

    /// How the operands of each block are held: all as words.
    pub(super) fn settled_forms(&self) -> Vec<Vec<Form>> {
        self.region.blocks.iter().map(|block| vec![Form::WORD; block.height as usize]).collect()
    }
}
