//! Loops whose addresses, bounds and comparisons advance by the same in every turn, in all ways that a compiler may see ahead.

use super::{COUNTERS, Class, Composer, words};
use crate::random::code::{Emit, FAR};
use keyvm_isa::Op;

/// Strides.
const NEAR: [u64; 12] = [1, 2, 3, 4, 8, 8, 8, 16, 24, 40, 8u64.wrapping_neg(), 1u64.wrapping_neg()];
/// What the two words are, that stay.
const STRIDE: u64 = 0;
const BOUND: u64 = 1;

/// Where a march goes, by what, and until when.
#[derive(Clone, Copy)]
struct March {
    /// The slot that advances, and that which counts turns.
    counter: i64,
    /// The slots of the stride and of a bound, which stay.
    slots: [i64; 2],
    stride: u64,
    /// Whether the stride is the slot's.
    open: bool,
    memory: i64,
    bytes: u64,
    /// Whether addresses count words, by which the memory is so long then.
    words: bool,
    /// Turns after which it comes to its end.
    turns: u64,
    /// What the counter is at first, and by what an address is more than that times a factor.
    start: u64,
    factor: u64,
    beyond: u64,
}

impl Composer<'_> {
    /// A loop.
    pub(super) fn march(&mut self) {
        let Some(own) = self.own else { return };
        let typ = self.subroutines[own].typ;
        let last = i64::from(typ.arguments) + i64::from(typ.locals) - 1;
        let counter = last - i64::from(self.nesting);
        let slots = [STRIDE, BOUND].map(|of| last - i64::from(COUNTERS) - of.cast_signed());
        let stride = match self.below(6) {
            0 => self.pick(&FAR),
            1 => self.pick(&FAR).wrapping_neg(),
            2 => words::of(self.random, Class::Word),
            _ => self.pick(&NEAR),
        };
        let which = self.pick(&[0, 0, 0, 1, 2]);
        let words = self.percent(20);
        let (memory, bytes) =
            if words { (2, self.lengths[0]) } else { ([2, 5, 6][which], 8 * self.lengths[which]) };
        let factor = self.pick(&[1, 1, 1, 1, 8, 2, 3, 1u64.wrapping_neg(), 1 << 61]);
        // It comes to an end of the memory about there.
        let meets = self.below(30);
        let step = stride.wrapping_mul(factor);
        let end = match self.below(8) {
            0 => 0,
            1..4 if bytes > 8192 => 8192,
            1..3 if bytes > 4096 => 4096,
            _ => bytes.wrapping_sub(self.pick(&[0, 1, 7, 8, 16, 40])),
        };
        let first = end.wrapping_sub(step.wrapping_mul(meets));
        let start = match self.below(4) {
            0 => words::of(self.random, Class::Word),
            1 => self.below(64),
            2 => 0,
            _ => first,
        };
        let beyond = first.wrapping_sub(start.wrapping_mul(factor));
        let turns = match self.below(3) {
            0 => meets,
            1 => self.below(40),
            _ => (meets + self.below(4)).saturating_sub(self.below(4)),
        };
        let open = self.percent(35);
        let march =
            March { counter, slots, stride, open, memory, bytes, words, turns, start, factor, beyond };
        self.push(start);
        self.emit(Op::Set, &[counter]);
        self.push(stride);
        self.emit(Op::Set, &[slots[0]]);
        self.march_in(march);
    }

    fn march_in(&mut self, march: March) {
        let March { counter, slots, stride, turns, start, .. } = march;
        // How it ends: by what the counter comes to, or by a word that falls, or is compared where the turn begins.
        let way = self.below(10);
        let end = start.wrapping_add(stride.wrapping_mul(turns));
        let bound = match way {
            0..2 => turns.max(1),
            2 => start.wrapping_add(turns * 3),
            _ => end.wrapping_add(self.pick(&[0, 0, 0, 1, 1u64.wrapping_neg()])),
        };
        self.push(bound);
        self.emit(Op::Set, &[slots[1]]);
        let known = self.percent(50);
        let top = self.here();
        self.nesting += 1;
        let mut breaks = Vec::new();
        if way == 3 {
            self.march_test(march, bound, known);
            breaks.push(self.emit(Op::Jumpz, &[0]));
        }
        for _ in 0..self.random.within(1, 5) {
            match self.below(14) {
                0..8 => self.march_access(march),
                8 => {
                    // Some turns do more.
                    if self.percent(50) {
                        self.emit(Op::Get, &[counter]);
                        let mask = self.pick(&[1, 3, 8, 24, 64]);
                        self.push(mask);
                        self.op(Op::And);
                    } else {
                        let half = start.wrapping_add(stride.wrapping_mul(turns / 2));
                        self.march_test(march, half, true);
                    }
                    let over = self.emit(Op::Jumpz, &[0]);
                    match self.below(4) {
                        0 => self.march_index(march),
                        1 => {
                            self.march_test(march, bound, known);
                            breaks.push(self.emit(Op::Jumpz, &[0]));
                        }
                        _ => self.march_access(march),
                    }
                    if self.percent(20) {
                        self.statement();
                    }
                    self.land(over);
                }
                9 => {
                    // Some turns end here, or the loop does.
                    self.emit(Op::Get, &[counter]);
                    let mask = self.pick(&[15, 56, 31, 255]);
                    self.push(mask);
                    self.op(Op::And);
                    let word = self.below(64);
                    self.push(word);
                    self.op(Op::Eq);
                    breaks.push(self.emit(Op::Jumpif, &[0]));
                }
                10 => {
                    // As an index has to be below a length.
                    self.march_index(march);
                }
                11 => {
                    self.emit(Op::Get, &[counter]);
                    let mask = self.pick(&[1, 3, 8, 24]);
                    self.push(mask);
                    self.op(Op::And);
                    let over = self.emit(Op::Jumpz, &[0]);
                    self.march_step(march);
                    self.emit(Op::Get, &[counter]);
                    self.push(end);
                    self.op(Op::Ne);
                    self.emit(Op::Jumpif, &[top]);
                    self.land(over);
                }
                _ => self.assign(),
            }
        }
        self.nesting -= 1;
        match way {
            0 | 1 => {
                // The bound falls.
                self.march_step(march);
                self.emit(Op::Get, &[slots[1]]);
                self.push(1);
                self.op(Op::Sub);
                self.emit(Op::Tee, &[slots[1]]);
                if self.percent(30) {
                    self.push(0);
                    let op = self.pick(&[Op::Gt, Op::Gts, Op::Ne]);
                    self.op(op);
                }
            }
            2 => {
                self.march_step(march);
                self.emit(Op::Get, &[slots[1]]);
                self.push(3);
                self.op(Op::Sub);
                self.emit(Op::Tee, &[slots[1]]);
                if self.percent(60) {
                    self.push(start);
                } else {
                    self.emit(Op::Get, &[counter]);
                }
                let op = self.pick(&[Op::Gt, Op::Gts, Op::Ge, Op::Ges]);
                self.op(op);
            }
            3 => {
                self.march_step(march);
                self.push(1);
            }
            _ => {
                self.march_step(march);
                self.march_test(march, bound, known);
            }
        }
        self.emit(Op::Jumpif, &[top]);
        breaks.into_iter().for_each(|at| self.land(at));
    }

    /// The counter goes on.
    fn march_step(&mut self, March { counter, slots, stride, open, .. }: March) {
        self.emit(Op::Get, &[counter]);
        if open {
            self.emit(Op::Get, &[slots[0]]);
        } else {
            self.push(stride);
        }
        self.op(Op::Add);
        self.emit(Op::Set, &[counter]);
    }

    /// Whether it goes on.
    fn march_test(&mut self, March { counter, slots, stride, .. }: March, bound: u64, known: bool) {
        let turned = self.percent(30);
        if !turned {
            self.emit(Op::Get, &[counter]);
        }
        if known {
            self.push(bound);
        } else {
            self.emit(Op::Get, &[slots[1]]);
        }
        if turned {
            self.emit(Op::Get, &[counter]);
        }
        // Now and then it goes the other way, and comes to an end by wrapping, or otherwise.
        let turned = turned != self.percent(10);
        let op = match (stride.cast_signed() < 0) != turned {
            true => self.pick(&[Op::Gt, Op::Gts, Op::Ge, Op::Ges, Op::Ne]),
            false => self.pick(&[Op::Lt, Op::Lt, Op::Lts, Op::Le, Op::Les, Op::Ne]),
        };
        self.op(op);
    }

    fn march_index(&mut self, March { counter, slots, bytes, turns, start, stride, .. }: March) {
        self.emit(Op::Get, &[counter]);
        let by = self.pick(&[1, 2, 8]);
        self.push(by);
        self.op(Op::Mul);
        match self.below(5) {
            0 => self.push(bytes),
            1 => {
                self.emit(Op::Get, &[slots[1]]);
            }
            2 => self.push(u64::MAX),
            _ => {
                let bound = start.wrapping_add(stride.wrapping_mul(turns)).wrapping_mul(by);
                self.push(bound);
            }
        }
        let op = self.pick(&[Op::Lt, Op::Lt, Op::Lts, Op::Le]);
        self.op(op);
        let over = self.emit(Op::Jumpif, &[0]);
        self.push(7);
        self.op(Op::Fail);
        self.land(over);
    }

    /// An access somewhere about the address, or where a word stays.
    fn march_access(&mut self, March { counter, slots, memory, words, factor, beyond, .. }: March) {
        let memory = if self.percent(10) { self.pick(&[2, 5, 6]) } else { memory };
        let by = match self.below(8) {
            0..4 => 0,
            4 => self.pick(&[8u64, 1, 7, 16, 24]),
            5 => self.pick(&[8u64, 1, 7, 16]).wrapping_neg(),
            6 => self.pick(&[1000, 2025, 2032, 2033, 2040, 2041, 4088]),
            _ => self.pick(&[1000u64, 2032, 2033, 2040]).wrapping_neg(),
        };
        let offset = match self.below(6) {
            0 => self.pick(&[1, 8, 16, 64]),
            1 => self.pick(&[1000, 2032, 2039, 4096]),
            _ => 0,
        };
        let store = self.percent(55);
        if words {
            self.push(2);
        }
        self.emit(Op::Get, &[counter]);
        if factor != 1 {
            self.push(factor);
            self.op(Op::Mul);
        }
        let offset = if words { 0 } else { offset };
        let number = beyond.wrapping_add(by).wrapping_sub(if self.percent(60) { offset } else { 0 });
        if self.percent(10) {
            self.emit(Op::Get, &[slots[0]]);
            self.op(Op::Add);
        }
        if number != 0 {
            self.push(number);
            self.op(Op::Add);
        }
        if store {
            match self.below(3) {
                0 => self.push(0x0102_0304_0506_0708),
                1 => {
                    self.emit(Op::Get, &[counter]);
                }
                _ => self.value(2),
            }
        }
        let offset = offset.cast_signed();
        match (words, store) {
            (true, true) => self.op(Op::Memwrite),
            (true, false) => self.op(Op::Mempush),
            (false, true) => {
                let op = self.pick(&[Op::Store64, Op::Store64, Op::Store8, Op::Store16, Op::Store32]);
                self.emit(op, &[memory, offset]);
            }
            (false, false) => {
                let op =
                    self.pick(&[Op::Load64, Op::Load64, Op::Load8, Op::Load16s, Op::Load32, Op::Load32s]);
                self.emit(op, &[memory, offset]);
            }
        }
        if !store {
            self.march_take();
        }
    }

    /// Notes what was loaded, so that it shows.
    fn march_take(&mut self) {
        match self.variable() {
            Some(slot) => {
                self.emit(Op::Get, &[slot]);
                self.push(1);
                self.op(Op::Rotl);
                self.op(Op::Xor);
                self.emit(Op::Set, &[slot]);
            }
            None => self.op(Op::Drop),
        }
    }
}
