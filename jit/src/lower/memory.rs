//! Loads and stores.

use super::{Checked, Gas, Unit, Val};
use crate::arith::Class;
use crate::context::{Context, Exit, View};
use crate::values::{Form, load_class};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use keyvm_isa::layout::{MEMORY_DATA, MEMORY_OPERANDS};
use keyvm_isa::{Insn, Op};
use std::mem::offset_of;

/// Bytes are marked as written in pieces of 2 to the power of this.
const MARK_SHIFT: i64 = 12;

/// What a load or store does besides finding the place.
pub(crate) struct Access {
    pub(crate) bytes: u8,
    /// Whether the address is on the stack.
    pub(crate) popped: bool,
    /// For a load, to how many bits it is sign-extended; 0 for zeroes.
    signed: u8,
    pub(crate) store: bool,
}

pub(crate) const fn access(op: Op) -> Option<Access> {
    const fn load(bytes: u8, popped: bool, signed: u8) -> Option<Access> {
        Some(Access { bytes, popped, signed, store: false })
    }
    const fn store(bytes: u8, popped: bool) -> Option<Access> {
        Some(Access { bytes, popped, signed: 0, store: true })
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
            Op::Calltable => u8::try_from(insn.imms[1]).ok(),
            _ => Some(memory_of(insn)),
        };
        let native = insn.op == Op::Calltable || is_native_memory(insn, self.memories.get(&index).copied());
        native && memory == Some(MEMORY_DATA)
    }

    /// Executes a memory's instruction for which [`is_native_memory`] holds.
    pub(super) fn memory(&mut self, insn: &Insn, index: u32, end: u32) {
        match insn.op {
            Op::Mempush => {
                let word = self.pop();
                self.pop();
                let place = match self.placed(index) {
                    Some(place) => place,
                    None => {
                        let address = self.word_address(word);
                        self.place(MEMORY_DATA, Some(address), 0, 8, false)
                    }
                };
                let value = self.b.ins().load(types::I64, self.guest, place.0, place.1);
                self.push_word(value);
            }
            Op::Memwrite => {
                let value = self.pop();
                let word = self.pop();
                self.pop();
                let address = match self.placed(index) {
                    Some(_) => {
                        let word = self.as_word(word);
                        self.b.ins().ishl_imm_u(word, 3)
                    }
                    None => self.word_address(word),
                };
                self.store(MEMORY_DATA, Some(address), 0, 8, value, index);
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
        let Some(access) = access(insn.op) else { return };
        let memory = memory_of(insn);
        let offset = u32::try_from(insn.imms[1]).unwrap_or(u32::MAX);
        if access.store {
            let value = self.pop();
            let address = if access.popped { Some(self.pop_word()) } else { None };
            self.store(memory, address, offset, access.bytes, value, index);
            return;
        }
        let address = if access.popped { Some(self.pop_word()) } else { None };
        let (base, at) = match self.placed(index) {
            Some(place) => place,
            None => self.place(memory, address, offset, access.bytes, false),
        };
        let class = load_class(self.code, insn.op, index, end);
        let (typ, form) = match class {
            Class::Word => (int_type(access.bytes), Form::WORD),
            Class::F64 => (types::F64, Form { class, raw: false }),
            Class::F32 => (types::F32, Form { class, raw: false }),
        };
        let value = self.b.ins().load(typ, self.guest, base, at);
        let value = match (class, access.bytes, access.signed) {
            (Class::F64 | Class::F32, ..) | (_, 8, _) => value,
            (_, _, 0) => self.b.ins().uextend(types::I64, value),
            (_, _, 64) => self.b.ins().sextend(types::I64, value),
            _ => {
                let value = self.b.ins().sextend(types::I32, value);
                self.b.ins().uextend(types::I64, value)
            }
        };
        self.stack.push(Val { value, form, known: None });
    }

    pub(super) fn pop_word(&mut self) -> Value {
        let val = self.pop();
        self.as_word(val)
    }

    /// The address of a word by its index; leaves if that overflows.
    pub(super) fn word_address(&mut self, word: Val) -> Value {
        let index = self.as_word(word);
        let beyond = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, index, 1 << 61);
        if word.known.is_none_or(|word| word >= 1 << 61) {
            self.leave_if(beyond, Exit::Check);
        }
        self.b.ins().ishl_imm_u(index, 3)
    }

    fn store(&mut self, memory: u8, address: Option<Value>, offset: u32, bytes: u8, value: Val, index: u32) {
        let (base, at) = match self.placed(index) {
            Some(place) => place,
            None => self.place(memory, address, offset, bytes, true),
        };
        let direct = matches!((value.form.class, bytes), (Class::F64, 8) | (Class::F32, 4));
        let stored = if direct { self.canonical(value) } else { self.as_word(value) };
        match bytes {
            1 => self.b.ins().istore8(self.guest, stored, base, at),
            2 => self.b.ins().istore16(self.guest, stored, base, at),
            4 if !direct => self.b.ins().istore32(self.guest, stored, base, at),
            _ => self.b.ins().store(self.guest, stored, base, at),
        };
        let from = match address {
            Some(address) => self.b.ins().iadd_imm_u(address, i64::from(offset)),
            None => self.iconst(offset.into()),
        };
        self.mark(memory, from, bytes);
        // From here on nothing is harmless to execute again from before the store.
        self.count_extra();
        let gas = self.b.use_var(self.gas);
        let ahead = i64::try_from(self.ahead.saturating_sub(1)).expect("a unit is small");
        self.set_checkpoint(index + 1, Gas::Value(gas, ahead));
    }

    /// Marks what has been written, if somebody wants to know.
    fn mark(&mut self, memory: u8, from: Value, bytes: u8) {
        let marks = if memory == MEMORY_DATA {
            self.b.use_var(self.data[2])
        } else {
            let offset = Context::view_offset(memory) + offset_of!(View, marks);
            self.get(offset)
        };
        let marking = self.b.create_block();
        self.b.set_cold_block(marking);
        let next = self.b.create_block();
        self.b.ins().brif(marks, marking, &[], next, &[]);
        self.b.switch_to_block(marking);
        self.mark_leaf(marks, from);
        if bytes > 1 {
            let last = self.b.ins().iadd_imm_u(from, i64::from(bytes) - 1);
            self.mark_leaf(marks, last);
        }
        self.b.ins().jump(next, &[]);
        self.b.switch_to_block(next);
    }

    fn mark_leaf(&mut self, marks: Value, address: Value) {
        let leaf = self.b.ins().ushr_imm_u(address, MARK_SHIFT);
        let word = self.b.ins().ushr_imm_u(leaf, 6);
        let offset = self.b.ins().ishl_imm_u(word, 3);
        let at = self.b.ins().iadd(marks, offset);
        let one = self.iconst(1);
        let bit = self.b.ins().ishl(one, leaf);
        let old = self.b.ins().load(types::I64, self.ours, at, 0);
        let new = self.b.ins().bor(old, bit);
        self.b.ins().store(self.ours, new, at, 0);
    }

    /// Base and length of a memory.
    pub(super) fn view(&mut self, memory: u8, write: bool) -> (Value, Value) {
        if memory == MEMORY_DATA {
            return (self.b.use_var(self.data[0]), self.b.use_var(self.data[1]));
        }
        let view = Context::view_offset(memory);
        let length = if write { offset_of!(View, writable) } else { offset_of!(View, readable) };
        (self.get(view + offset_of!(View, base)), self.get(view + length))
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

    /// Where `bytes` bytes at an address and offset lie, an address and an offset to it; leaves if they are not inside.
    pub(super) fn place(
        &mut self,
        memory: u8,
        address: Option<Value>,
        offset: u32,
        bytes: u8,
        write: bool,
    ) -> (Value, i32) {
        let (base, length) = self.view(memory, write);
        // The offset of the last byte.
        let last = u64::from(offset) + u64::from(bytes) - 1;
        // What may be read of memory 2 may be written.
        let write = write && memory != MEMORY_DATA;
        let Some(address) = address else {
            let inside = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, last.cast_signed());
            self.leave_unless(inside, Exit::Check);
            if !self.options.speculation_guards {
                return self.beyond(base, offset);
            }
            let offset = self.iconst(offset.into());
            let guarded = self.guarded(inside, offset);
            return (self.b.ins().iadd(base, guarded), 0);
        };
        let known = self.checked.iter().find(|known| {
            known.memory == memory
                && (known.write || !write)
                && known.address == address
                && known.last >= last
        });
        let address = match known {
            Some(known) => known.guarded,
            None => {
                // An address is good if it is less than the length less `last`, or none is if that is negative.
                let bound = if last == 0 {
                    length
                } else {
                    let less = self.b.ins().iadd_imm_s(length, -last.cast_signed());
                    let zero = self.iconst(0);
                    let longer =
                        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, last.cast_signed());
                    self.b.ins().select(longer, less, zero)
                };
                let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, address, bound);
                self.leave_unless(inside, Exit::Check);
                let guarded = self.guarded(inside, address);
                self.checked.push(Checked { memory, write, address, guarded, last });
                guarded
            }
        };
        let at = self.b.ins().iadd(base, address);
        self.beyond(at, offset)
    }

    /// An address that even a mispredicted check does not lead out of its memory.
    fn guarded(&mut self, inside: Value, address: Value) -> Value {
        if !self.options.speculation_guards {
            return address;
        }
        let zero = self.iconst(0);
        self.b.ins().select_spectre_guard(inside, address, zero)
    }

    /// An address with an offset that may be too great for an instruction.
    fn beyond(&mut self, base: Value, offset: u32) -> (Value, i32) {
        match i32::try_from(offset) {
            Ok(offset) => (base, offset),
            Err(_) => (self.b.ins().iadd_imm_u(base, i64::from(offset)), 0),
        }
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
