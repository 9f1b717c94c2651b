//! Loops that are compiled twice: how many turns are good, and where their memory is.

use super::{Unit, Val};
use crate::affine::Affine;
use crate::context::{Context, PAD_BYTES};
use crate::region::{Part, Pointer};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

/// Turns that are measured at most, so that numbers of them can be compared as signed ones.
const TURNS_MAX: i64 = 1 << 31;

impl Unit<'_> {
    /// Finds out for how many turns of a loop from here on the gas suffices, and all pointers stay inside.
    pub(super) fn measure(&mut self, turns: usize) {
        let region = self.region;
        // Where a helper is called, for want of an instruction of the processor's, not all gas can be told ahead.
        let whole = region.turns[turns].body.iter().all(|&block| self.costs[block].last.is_none());
        let mut good = self.iconst(if whole { TURNS_MAX } else { 0 });
        if self.options.gas_checks {
            // No way through the body costs more than all its blocks.
            let cost: u64 = region.turns[turns].body.iter().map(|&block| self.costs[block].first).sum();
            let gas = self.b.use_var(self.gas);
            let gas = self.b.ins().band_imm_s(gas, i64::from(i32::MAX));
            let paid = self.divided(gas, cost.max(1));
            good = self.b.ins().umin(good, paid);
        }
        for pointer in &region.turns[turns].pointers {
            let inside = self.turns_inside(pointer);
            good = self.b.ins().umin(good, inside);
        }
        self.b.def_var(self.turns[turns].0, good);
    }

    /// For how many turns a pointer stays inside, or fewer.
    fn turns_inside(&mut self, pointer: &Pointer) -> Value {
        let (_, length) = self.view(pointer.memory, pointer.write);
        let address = self.affine(pointer.address);
        let last = u64::from(pointer.offset) + pointer.last;
        let addresses = self.addresses(length, last, pointer.words);
        let none = self.iconst(0);
        let begins = self.b.ins().icmp(IntCC::UnsignedLessThan, address, addresses);
        let more = if pointer.stride == 0 {
            self.iconst(TURNS_MAX)
        } else {
            let way = if pointer.stride > 0 {
                let behind = self.b.ins().isub(addresses, address);
                self.b.ins().iadd_imm_s(behind, -1)
            } else {
                address
            };
            let most = self.iconst(TURNS_MAX);
            let way = self.b.ins().umin(way, most);
            let more = self.divided(way, pointer.stride.unsigned_abs());
            self.b.ins().iadd_imm_s(more, 1)
        };
        self.b.ins().select(begins, more, none)
    }

    /// A number up to 2^31 divided, or a little less.
    fn divided(&mut self, number: Value, by: u64) -> Value {
        if by.is_power_of_two() {
            return self.b.ins().ushr_imm_u(number, i64::from(by.trailing_zeros()));
        }
        // By multiplying with what 2^32 is divided by it, rounded down.
        let factor = self.iconst(((1u64 << 32) / by).cast_signed());
        let product = self.b.ins().imul(number, factor);
        self.b.ins().ushr_imm_u(product, 32)
    }

    /// Begins a group of turns: takes them off, finds its pointers, and gives whether they are good.
    pub(super) fn group(&mut self, turns: usize) -> Value {
        let region = self.region;
        let count = self.turns[turns].0;
        let left = self.b.use_var(count);
        let left = self.b.ins().iadd_imm_s(left, -i64::from(region.turns[turns].count));
        self.b.def_var(count, left);
        let good = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, left, 0);
        let pad = if self.options.speculation_guards && !region.turns[turns].pointers.is_empty() {
            let context = self.context();
            let middle = offset_of!(Context, pad) + PAD_BYTES / 2;
            Some(self.b.ins().iadd_imm_s(context, middle as i64))
        } else {
            None
        };
        let mut pointers = Vec::with_capacity(region.turns[turns].pointers.len());
        for pointer in &region.turns[turns].pointers {
            let (base, _) = self.view(pointer.memory, pointer.write);
            let mut address = self.affine(pointer.address);
            if pointer.words {
                address = self.b.ins().ishl_imm_u(address, 3);
            }
            let mut at = self.b.ins().iadd(base, address);
            if pointer.offset > 0 {
                at = self.b.ins().iadd_imm_u(at, i64::from(pointer.offset));
            }
            if let Some(pad) = pad {
                at = self.b.ins().select_spectre_guard(good, at, pad);
            }
            pointers.push(at);
        }
        self.turns[turns].1 = pointers;
        good
    }

    /// Where an access of the present block lies, if that is in a group of turns and has been found good: an address and
    /// an offset to it.
    pub(super) fn placed(&self, index: u32) -> Option<(Value, i32)> {
        let Part::Turn { turns, turn, of } = self.part else { return None };
        let (pointers, turns) = (&self.turns[turns].1, &self.region.turns[turns]);
        let &(pointer, offset) = turns.accesses.get(&(of, index))?;
        let stride = turns.pointers[pointer].stride * if turns.pointers[pointer].words { 8 } else { 1 };
        let way = i32::try_from(stride * i64::from(turn)).expect("a group is near its pointers");
        Some((pointers[pointer], offset + way))
    }

    /// What a sum of operands is, as they are now.
    fn affine(&mut self, sum: Affine) -> Value {
        let mut value = None;
        for (slot, factor) in sum.terms() {
            let val: Val = self.stack[slot as usize];
            let word = self.as_word(val);
            let term = if factor == 1 { word } else { self.b.ins().imul_imm_s(word, factor) };
            value = Some(value.map_or(term, |value| self.b.ins().iadd(value, term)));
        }
        let number = sum.number;
        match value {
            Some(value) if number == 0 => value,
            Some(value) => {
                let number = self.b.ins().iconst(types::I64, number);
                self.b.ins().iadd(value, number)
            }
            None => self.iconst(number),
        }
    }
}
