//! Loads and stores.

use super::bound::Bound;
use super::reach::{Access, Written};
use super::{Unit, Val};
use crate::arith::Class;
use crate::context::{Context, Exit, View};
use crate::fault::Fault;
use crate::gas::Cost;
use crate::values::{Form, load_width, next_use};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use keyvm_isa::layout::{MEMORY_DATA, MEMORY_OPERANDS};
use keyvm_isa::{Insn, Op};
use std::mem::offset_of;

/// Bytes are marked as written in pieces of 2 to the power of this.
const MARK_SHIFT: i64 = 12;

/// What a load or store does besides finding the place.
pub(crate) struct Kind {
    pub(crate) bytes: u8,
    /// Whether the address is on the stack.
    pub(crate) popped: bool,
    /// For a load, to how many bits it is sign-extended; 0 for zeroes.
    pub(crate) signed: u8,
    pub(crate) store: bool,
}

pub(crate) const fn access(op: Op) -> Option<Kind> {
    const fn load(bytes: u8, popped: bool, signed: u8) -> Option<Kind> {
        Some(Kind { bytes, popped, signed, store: false })
    }
    const fn store(bytes: u8, popped: bool) -> Option<Kind> {
        Some(Kind { bytes, popped, signed: 0, store: true })
    }
    match op {
        Op::Load8 => load(1, true, 0),
        Op::Load8s => load(1, true, 64),
        Op::Load8s32 => load(1, true, 32),
        Op::Load16 => load(2, true, 0),
        Op::Load16s => load(2, true, 64),
        Op::Load16s32 => load(2, true, 32),
        Op::Load32 => load(4, true, 0),
        Op::Load32s => load(4, true, 64),
        Op::Load64 => load(8, true, 0),
        Op::Load8at => load(1, false, 0),
        Op::Load16at => load(2, false, 0),
        Op::Load32at => load(4, false, 0),
        Op::Load64at => load(8, false, 0),
        Op::Store8 => store(1, true),
        Op::Store16 => store(2, true),
        Op::Store32 => store(4, true),
        Op::Store64 => store(8, true),
        Op::Store8at => store(1, false),
        Op::Store16at => store(2, false),
        Op::Store32at => store(4, false),
        Op::Store64at => store(8, false),
        _ => None,
    }
}

/// Whether native code reaches a memory by itself.
pub(crate) const fn reached(memory: u8) -> bool {
    memory == MEMORY_DATA || memory > MEMORY_OPERANDS
}

/// The memory that a load or store names.
pub(crate) fn memory_of(insn: &Insn) -> u8 {
    u8::try_from(insn.imms[0]).unwrap_or(0)
}

/// The memory in which `calltable` and its like look their target up.
pub(crate) fn table_of(insn: &Insn) -> u8 {
    u8::try_from(insn.imms[1]).unwrap_or(0)
}

/// Whether an instruction is a load that native code executes by itself.
pub(crate) fn is_native_load(insn: &Insn) -> bool {
    access(insn.op).is_some_and(|access| !access.store) && reached(memory_of(insn))
}

/// Whether an instruction is a memory's, and native code executes it by itself; `memory` is as in
/// [`is_native`](super::is_native).
pub(super) fn is_native_memory(insn: &Insn, memory: Option<u64>) -> bool {
    match insn.op {
        Op::Mempush | Op::Memwrite | Op::Memlen => memory == Some(MEMORY_DATA.into()),
        Op::Size => reached(memory_of(insn)),
        op => access(op).is_some() && reached(memory_of(insn)),
    }
}

impl Unit<'_> {
    /// Whether native code reaches memory 2 for an instruction.
    pub(super) fn is_data(&self, insn: &Insn, index: u32) -> bool {
        let memory = match insn.op {
            Op::Mempush | Op::Memwrite | Op::Memlen => Some(MEMORY_DATA),
            Op::Calltable | Op::Tailcalltable => Some(table_of(insn)),
            _ => Some(memory_of(insn)),
        };
        let native = matches!(insn.op, Op::Calltable | Op::Tailcalltable)
            || is_native_memory(insn, self.memories.get(&index).copied());
        native && memory == Some(MEMORY_DATA)
    }

    /// Executes a memory's instruction for which [`is_native_memory`] holds.
    pub(super) fn memory(&mut self, insn: &Insn, index: u32, end: u32) {
        match insn.op {
            Op::Mempush => {
                let address = Some(self.pop());
                self.pop();
                let (memory, write) = (MEMORY_DATA, false);
                let access = Access { memory, write, address, words: true, offset: 0, bytes: 8 };
                let (base, at) = self.reach(access, index);
                let value = self.b.ins().load(types::I64, self.guest, base, at);
                self.push_word(value);
            }
            Op::Memwrite => {
                let value = self.pop();
                let address = Some(self.pop());
                self.pop();
                let (memory, write) = (MEMORY_DATA, true);
                self.store(Access { memory, write, address, words: true, offset: 0, bytes: 8 }, value, index);
            }
            Op::Memlen => {
                self.pop();
                let length = self.length(MEMORY_DATA);
                self.push_word(length);
            }
            Op::Size => {
                let length = self.length(memory_of(insn));
                self.push_word(length);
            }
            _ => self.access(insn, index, end),
        }
    }

    fn access(&mut self, insn: &Insn, index: u32, end: u32) {
        let Some(kind) = access(insn.op) else { return };
        let Kind { bytes, popped, signed, store } = kind;
        let memory = memory_of(insn);
        let offset = u32::try_from(insn.imms[1]).unwrap_or(u32::MAX);
        let value = if store { Some(self.pop()) } else { None };
        let address = if popped { Some(self.pop()) } else { None };
        let access = Access { memory, write: store, address, words: false, offset, bytes };
        if let Some(value) = value {
            self.store(access, value, index);
            return;
        }
        let (base, at) = self.reach(access, index);
        let class = match load_width(insn.op) {
            None => Class::Word,
            Some(_) if !self.quick => self.uses.class(self.number, index),
            Some(width) if next_use(self.code, index, end) == width => width,
            Some(_) => Class::Word,
        };
        let (typ, form) = match class {
            Class::Word => (int_type(bytes), Form::WORD),
            Class::F64 => (types::F64, Form { class, raw: false }),
            Class::F32 => (types::F32, Form { class, raw: false }),
        };
        let value = self.b.ins().load(typ, self.guest, base, at);
        let value = match (class, bytes, signed) {
            (Class::F64 | Class::F32, ..) | (_, 8, _) => value,
            (_, _, 0) => self.b.ins().uextend(types::I64, value),
            (_, _, 64) => self.b.ins().sextend(types::I64, value),
            _ => {
                let value = self.b.ins().sextend(types::I32, value);
                self.b.ins().uextend(types::I64, value)
            }
        };
        let bound = if class == Class::Word { Bound::loaded(&kind) } else { Bound::NONE };
        self.stack.push(Val { bound, ..Val::new(value, form) });
    }

    pub(super) fn pop_word(&mut self) -> Value {
        let val = self.pop();
        self.as_word(val)
    }

    fn store(&mut self, access: Access, value: Val, index: u32) {
        let Access { memory, address, words, offset, bytes, .. } = access;
        let (base, at) = self.reach(access, index);
        let direct = matches!((value.form.class, bytes), (Class::F64, 8) | (Class::F32, 4));
        let value = if self.planted(Fault::NanStored) { value.as_is() } else { value };
        let stored = if direct { self.canonical(value) } else { self.as_word(value) };
        match bytes {
            1 => self.b.ins().istore8(self.guest, stored, base, at),
            2 => self.b.ins().istore16(self.guest, stored, base, at),
            4 if !direct => self.b.ins().istore32(self.guest, stored, base, at),
            _ => self.b.ins().store(self.guest, stored, base, at),
        };
        if self.quick {
            let from = match address {
                Some(address) => {
                    let address = self.as_word(address);
                    let address = if words { self.b.ins().ishl_imm_u(address, 3) } else { address };
                    self.plus(address, i64::from(offset))
                }
                None => self.iconst(offset.into()),
            };
            self.mark_by_stub(memory, from, bytes.into());
        } else if !self.is_marked_ahead(index) {
            match self.reaching.first_written(index) {
                Some(Written::Before) => {}
                Some(Written::First(place, at, bytes)) => self.mark(memory, place, at, bytes, None),
                None => self.mark(memory, base, at.into(), bytes.into(), None),
            }
        }
        if self.planted(Fault::StoreCheckpoint) {
            return;
        }
        // From here on nothing is harmless to execute again from before the store.
        let rest = self.ahead - self.word(Cost::one(1));
        let gas = self.gas_with(rest);
        self.set_checkpoint(index + 1, gas);
    }

    /// Where the marks of a memory are; null if there are none.
    pub(super) fn marks(&mut self, memory: u8) -> Value {
        if memory == MEMORY_DATA && !self.quick {
            return self.b.use_var(self.data[2]);
        }
        self.get_once(Context::view_offset(memory) + offset_of!(View, marks))
    }

    /// Marks what is written so far from a place on, not more than 4 KiB, if somebody wants to know; `again`, if it is
    /// written so often, each time so much further on.
    pub(super) fn mark(
        &mut self,
        memory: u8,
        place: Value,
        at: i64,
        bytes: u64,
        again: Option<(Value, u32)>,
    ) {
        let marks = self.marks(memory);
        let marking = self.b.create_block();
        self.b.set_cold_block(marking);
        let next = self.b.create_block();
        self.b.ins().brif(marks, marking, &[], next, &[]);
        self.go_on_in(marking);
        // By where the memory begins, as read here: of what this comes to nothing is found ahead of a loop, as it would be
        // of an address that stays, and is then kept in vain.
        let begin = self.get(Context::view_offset(memory) + offset_of!(View, base));
        let from = self.b.ins().isub(place, begin);
        let mut from = self.plus(from, at);
        for time in 0..again.map_or(1, |(_, times)| times) {
            if let Some((further, _)) = again.filter(|_| time > 0) {
                from = self.b.ins().iadd(from, further);
            }
            self.mark_leaf(marks, from);
            if bytes > 1 && !self.planted(Fault::MarkLast) {
                let last = self.plus(from, bytes.cast_signed() - 1);
                self.mark_leaf(marks, last);
            }
        }
        self.b.ins().jump(next, &[]);
        self.go_on_in(next);
    }

    fn mark_leaf(&mut self, marks: Value, address: Value) {
        let [leaf_shift, word_shift, byte_shift] = [MARK_SHIFT, 6, 3].map(|shift| self.number(shift));
        let leaf = self.b.ins().ushr(address, leaf_shift);
        let word = self.b.ins().ushr(leaf, word_shift);
        let offset = self.b.ins().ishl(word, byte_shift);
        let at = self.b.ins().iadd(marks, offset);
        let one = self.iconst(1);
        let bit = self.b.ins().ishl(one, leaf);
        let old = self.b.ins().load(types::I64, self.ours, at, 0);
        let new = self.b.ins().bor(old, bit);
        self.b.ins().store(self.ours, new, at, 0);
    }

    /// Base and length of a memory.
    pub(super) fn view(&mut self, memory: u8, write: bool) -> (Value, Value) {
        if memory == MEMORY_DATA && !self.quick {
            return (self.b.use_var(self.data[0]), self.b.use_var(self.data[1]));
        }
        let view = Context::view_offset(memory);
        let write = write && !self.planted(Fault::WriteRight);
        let length = if write { offset_of!(View, writable) } else { offset_of!(View, readable) };
        (self.get_once(view + offset_of!(View, base)), self.get_once(view + length))
    }

    /// The length of a memory in words.
    fn length(&mut self, memory: u8) -> Value {
        let (_, bytes) = self.view(memory, false);
        if memory != MEMORY_DATA {
            // Nothing, or nothing that may be read: the interpreter tells which.
            self.leave_unless(bytes, Exit::Check);
        }
        self.b.ins().ushr_imm_u(bytes, 3)
    }
}

const fn int_type(bytes: u8) -> Type {
    match bytes {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}
