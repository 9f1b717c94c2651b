//! Loops that are compiled twice: how many turns are good, and where their memory is.

use super::{Unit, Val};
use crate::affine::{Affine, Guard, Pointer};
use crate::context::PAD_BYTES;
use crate::fault::Fault;
use crate::gas::gas_of;
use crate::region::Part;
use crate::unroll::Turns;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};

/// Turns that are measured at most, so that numbers of them can be compared as signed ones.
const TURNS_MAX: i64 = 1 << 31;

/// Strides at most that are known only when a loop is measured.
const STRIDE_MAX: i64 = 1 << 30;

/// The pointers of a loop, in the present group: each with its stride in bytes, if that is not known.
pub(super) struct Group {
    /// How many more turns are good.
    left: Variable,
    /// What those cost that were good where it was measured, if that is known.
    cost: Variable,
    /// How many were good beyond those of them that do not end the loop.
    spare: Variable,
    pointers: Vec<(Variable, Option<Variable>)>,
}

/// A word that is to be below a bound, with the meanings of a [`Guard`].
struct Below {
    word: Value,
    bound: Value,
    stride: Affine,
    signed: bool,
}

impl Group {
    pub(super) fn new(b: &mut FunctionBuilder<'_>, turns: &Turns) -> Self {
        let [left, cost, spare] = [(); 3].map(|()| b.declare_var(types::I64));
        let pointers = turns.pointers.iter().map(|pointer| {
            let at = b.declare_var(types::I64);
            (at, pointer.stride.constant().is_none().then(|| b.declare_var(types::I64)))
        });
        Self { left, cost, spare, pointers: pointers.collect() }
    }
}

impl Unit<'_> {
    /// Finds out for how many turns of a loop from here on the gas suffices, all pointers stay inside, and all that is
    /// compared comes out well.
    pub(super) fn measure(&mut self, turns: usize) {
        let region = self.region;
        if let Some(before) = region.turns[turns].after {
            // A group of those before has been taken off, and was not good.
            let left = self.turns_left(before);
            let left = self.b.ins().iadd_imm_s(left, i64::from(region.turns[before].count));
            let spare = self.b.use_var(self.groups[before].spare);
            let good = self.b.ins().iadd(left, spare);
            self.set_good(turns, good);
            return;
        }
        // Where a helper is called, for want of an instruction of the processor's, not all gas can be told ahead.
        let whole = region.turns[turns].body.iter().all(|&block| self.costs[block].last.is_none());
        let good = self.iconst(if whole { TURNS_MAX } else { 0 });
        let mut below = Vec::new();
        for pointer in &region.turns[turns].pointers {
            let address = self.affine(pointer.address);
            let mut addresses = self.addresses_of(pointer);
            if self.planted(Fault::BoundTurn) {
                addresses = self.plus(addresses, pointer.stride.constant().unwrap_or(0));
            }
            below.push(Below { word: address, bound: addresses, stride: pointer.stride, signed: false });
        }
        below.extend(region.turns[turns].guards.values().map(|guard| self.guarded_below(guard)));
        let mut good = self.turns_below(good, below);
        let tests = &region.turns[turns].tests;
        let below = tests.values().map(|test| self.guarded_below(test)).collect();
        let mut going_on = self.turns_below(good, below);
        if self.planted(Fault::TestTurn) {
            going_on = self.b.ins().iadd_imm_s(going_on, 1);
        }
        if !tests.is_empty() {
            // After them there is but the one that ends the loop.
            let all = self.b.ins().iadd_imm_s(going_on, 1);
            good = self.b.ins().umin(good, all);
        }
        if self.options.gas_checks {
            // No way through the body costs more than all its blocks.
            let cost: u64 = region.turns[turns].body.iter().map(|&block| self.costs[block].first.gas).sum();
            good = self.paid(good, cost.max(1));
        }
        if !tests.is_empty() {
            let all = good;
            good = self.b.ins().umin(good, going_on);
            let spare = self.b.ins().isub(all, good);
            self.b.def_var(self.groups[turns].spare, spare);
        }
        self.set_good(turns, good);
    }

    fn set_good(&mut self, turns: usize, good: Value) {
        let cost = self.b.ins().imul_imm_s(good, self.charges.turns[turns]);
        self.b.def_var(self.groups[turns].left, good);
        self.b.def_var(self.groups[turns].cost, cost);
    }

    fn guarded_below(&mut self, guard: &Guard) -> Below {
        let (word, bound) = (self.affine(guard.word), self.affine(guard.bound));
        Below { word, bound, stride: guard.stride, signed: guard.signed }
    }

    /// How many of so many turns there is gas for, or fewer.
    fn paid(&mut self, turns: Value, cost: u64) -> Value {
        let held = self.b.use_var(self.gas);
        let gas = self.b.ins().iadd_imm_s(held, -gas_of(self.owed));
        let gas = self.b.ins().ireduce(types::I32, gas);
        let gas = self.b.ins().uextend(types::I64, gas);
        let whole = self.b.ins().imul_imm_s(turns, cost.cast_signed());
        let enough = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, gas, whole);
        let short = self.b.create_block();
        self.b.set_cold_block(short);
        let next = self.b.create_block();
        let good = self.b.append_block_param(next, types::I64);
        self.b.ins().brif(enough, next, &[turns.into()], short, &[]);
        self.go_on_in(short);
        let mut paid = self.divided(gas, cost);
        if self.planted(Fault::PaidTurn) {
            paid = self.b.ins().iadd_imm_s(paid, 1);
        }
        self.b.ins().jump(next, &[paid.into()]);
        self.go_on_in(next);
        good
    }

    /// What all turns cost that were good where a loop was measured, if that is known.
    pub(super) fn cost_of_good_turns(&mut self, turns: usize) -> Value {
        self.b.use_var(self.groups[turns].cost)
    }

    /// How many turns are left of a loop, in a group of them.
    pub(super) fn turns_left(&mut self, turns: usize) -> Value {
        self.b.use_var(self.groups[turns].left)
    }

    /// How many addresses, from 0 on, are good for a pointer.
    fn addresses_of(&mut self, pointer: &Pointer) -> Value {
        let (_, length) = self.view(pointer.memory, pointer.write);
        self.addresses(length, u64::from(pointer.offset) + pointer.last, pointer.words)
    }

    /// For how many turns, of up to 2^31, words are below bounds; or fewer.
    fn turns_below(&mut self, turns: Value, words: Vec<Below>) -> Value {
        let mut good = turns;
        // By stride, the least way from a word to its bound; none, if it is not below that.
        let mut ways: Vec<(Affine, Value)> = Vec::new();
        for Below { word, bound, stride, signed } in words {
            if let Some(stride @ ..=0) = stride.constant() {
                let below = self.turns_back(word, bound, stride);
                good = self.b.ins().umin(good, below);
                continue;
            }
            let signed = signed && !self.planted(Fault::GuardSign);
            let end = if signed { self.b.ins().smax(bound, word) } else { self.b.ins().umax(bound, word) };
            let way = self.b.ins().isub(end, word);
            match ways.iter_mut().find(|(other, _)| *other == stride) {
                Some((_, least)) => *least = self.b.ins().umin(*least, way),
                None => ways.push((stride, way)),
            }
        }
        for (stride, way) in ways {
            let below = match stride.constant() {
                Some(stride) => self.strides(way, stride.unsigned_abs()),
                None => self.strides_of(way, stride),
            };
            good = self.b.ins().umin(good, below);
        }
        good
    }

    /// How many strides there are in a way, what is less than one counted as one; or fewer.
    fn strides(&mut self, mut way: Value, stride: u64) -> Value {
        let mut more = stride - 1;
        if !stride.is_power_of_two() {
            let most = self.iconst(TURNS_MAX);
            way = self.b.ins().umin(way, most);
            // Division gives less than what is right, if that is a whole number.
            more = stride;
        }
        // If this overflows it is but too few.
        let way = self.plus(way, more.cast_signed());
        self.divided(way, stride)
    }

    /// The same, of a stride that is known only now; none if that is 0 or very great.
    fn strides_of(&mut self, way: Value, stride: Affine) -> Value {
        let most = self.iconst(TURNS_MAX);
        let way = self.b.ins().umin(way, most);
        let stride = self.affine(stride);
        let less = self.b.ins().iadd_imm_s(stride, -1);
        let forward = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, less, STRIDE_MAX);
        let way = self.b.ins().iadd(way, less);
        let one = self.iconst(1);
        let by = self.b.ins().select(forward, stride, one);
        let [way, by] = [way, by].map(|word| self.b.ins().ireduce(types::I32, word));
        let strides = self.b.ins().udiv(way, by);
        let strides = self.b.ins().uextend(types::I64, strides);
        let none = self.iconst(0);
        self.b.ins().select(forward, strides, none)
    }

    /// For how many turns a word that stays, or is less by so much in each, is below a bound, or fewer.
    fn turns_back(&mut self, word: Value, bound: Value, stride: i64) -> Value {
        let most = self.iconst(TURNS_MAX);
        let good = if stride == 0 {
            most
        } else {
            let way = self.b.ins().umin(word, most);
            let more = self.divided(way, stride.unsigned_abs());
            self.b.ins().iadd_imm_s(more, 1)
        };
        let none = self.iconst(0);
        let begins = self.b.ins().icmp(IntCC::UnsignedLessThan, word, bound);
        self.b.ins().select(begins, good, none)
    }

    /// A number up to 2^31, and a little more than it is divided by, divided; or somewhat less. By powers of two, any number.
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
        let count = self.groups[turns].left;
        let left = self.b.use_var(count);
        let left = self.b.ins().iadd_imm_s(left, -i64::from(region.turns[turns].count));
        self.b.def_var(count, left);
        let good = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, left, 0);
        let pad = self.pad(PAD_BYTES / 2);
        for (number, pointer) in region.turns[turns].pointers.iter().enumerate() {
            if matches!(self.part, Part::Group { .. }) && pointer.stride.constant() == Some(0) {
                // It is where it was, and that was good for the group before.
                continue;
            }
            let scale = if pointer.words { 3 } else { 0 };
            let (place, stride) = self.groups[turns].pointers[number];
            let at = match (self.part, pointer.stride.constant()) {
                (Part::Group { .. }, Some(stride)) => {
                    let way = (stride << scale) * i64::from(region.turns[turns].count);
                    let at = self.b.use_var(place);
                    self.b.ins().iadd_imm_s(at, way)
                }
                _ => {
                    let (base, _) = self.view(pointer.memory, pointer.write);
                    let address = self.affine(pointer.address);
                    let address = self.b.ins().ishl_imm_u(address, scale);
                    let at = self.b.ins().iadd(base, address);
                    self.b.ins().iadd_imm_u(at, i64::from(pointer.offset))
                }
            };
            let at = self.guarded(good, at, pad);
            self.b.def_var(place, at);
            if let Some(place) = stride {
                let stride = self.affine(pointer.stride);
                let mut stride = self.b.ins().ishl_imm_u(stride, scale);
                if self.options.speculation_guards {
                    let none = self.iconst(0);
                    stride = self.b.ins().select_spectre_guard(good, stride, none);
                }
                self.b.def_var(place, stride);
            }
        }
        good
    }

    /// Where an access of the present block lies, if that is in a group of turns and has been found good: an address and
    /// an offset to it.
    pub(super) fn placed(&mut self, index: u32) -> Option<(Value, i32)> {
        let Part::Turn { turns: number, turn, of } = self.part else { return None };
        let turns = &self.region.turns[number];
        let &(pointer, offset) = turns.accesses.get(&(of, index))?;
        let (place, stride) = self.groups[number].pointers[pointer];
        let mut at = self.b.use_var(place);
        let Pointer { stride: known, words, .. } = turns.pointers[pointer];
        if let Some(stride) = stride {
            let stride = self.b.use_var(stride);
            for _ in 0..turn {
                at = self.b.ins().iadd(at, stride);
            }
            return Some((at, offset));
        }
        let bytes = known.constant().unwrap_or(0) * if words { 8 } else { 1 };
        let way = i32::try_from(bytes * i64::from(turn)).expect("a group is near its pointers");
        Some((at, offset + way))
    }

    /// Whether the branch at the end of the present block is known to be taken, as it is in a group that has been found
    /// good.
    pub(super) fn known_branch(&self) -> Option<bool> {
        let Part::Turn { turns, of, .. } = self.part else { return None };
        let Turns { guards, tests, .. } = &self.region.turns[turns];
        guards.get(&of).or_else(|| tests.get(&of)).map(|guard| guard.taken)
    }

    /// Marks what a group that has been found good may write by its pointers: at its beginning.
    pub(super) fn mark_ahead(&mut self) {
        let Part::Turn { turns, turn: 0, .. } = self.part else { return };
        let region = self.region;
        let Turns { count, ref pointers, .. } = region.turns[turns];
        let count = if self.planted(Fault::MarkTurns) { 1 } else { count };
        for (number, pointer) in pointers.iter().enumerate().filter(|(_, pointer)| pointer.write) {
            let (place, stride) = self.groups[turns].pointers[number];
            let place = self.b.use_var(place);
            let scale = if pointer.words { 3 } else { 0 };
            match (pointer.stride.constant(), stride) {
                (Some(known), _) => {
                    let way = (known << scale) * i64::from(count - 1);
                    let bytes = pointer.last + way.unsigned_abs() + 1;
                    self.mark(pointer.memory, place, way.min(0), bytes, None);
                }
                (None, Some(stride)) => {
                    let stride = self.b.use_var(stride);
                    self.mark(pointer.memory, place, 0, pointer.last + 1, Some((stride, count)));
                }
                (None, None) => {}
            }
        }
    }

    /// Whether what the instruction at an index stores has been marked by [`Unit::mark_ahead`].
    pub(super) fn is_marked_ahead(&self, index: u32) -> bool {
        let Part::Turn { turns, of, .. } = self.part else { return false };
        self.region.turns[turns].accesses.contains_key(&(of, index))
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
