//! What pushes one operand.

use super::{COUNTERS, Class, Composer, STAYS, words};
use crate::random::code::Emit;
use crate::random::code::LOADS;
use keyvm_isa::Op;

/// Of two floats, of one, and comparisons: each of 64 and of 32 bits.
const BINARY: [(Op, Op); 8] = [
    (Op::Fadd, Op::Fadd32),
    (Op::Fsub, Op::Fsub32),
    (Op::Fmul, Op::Fmul32),
    (Op::Fdiv, Op::Fdiv32),
    (Op::Fmin, Op::Fmin32),
    (Op::Fmax, Op::Fmax32),
    (Op::Fcopysign, Op::Fcopysign32),
    (Op::Fadd, Op::Fadd32),
];
const UNARY: [(Op, Op); 7] = [
    (Op::Fneg, Op::Fneg32),
    (Op::Fabs, Op::Fabs32),
    (Op::Fsqrt, Op::Fsqrt32),
    (Op::Fceil, Op::Fceil32),
    (Op::Ffloor, Op::Ffloor32),
    (Op::Ftrunc, Op::Ftrunc32),
    (Op::Fnearest, Op::Fnearest32),
];
const COMPARING: [(Op, Op); 6] = [
    (Op::Feq, Op::Feq32),
    (Op::Fne, Op::Fne32),
    (Op::Flt, Op::Flt32),
    (Op::Fgt, Op::Fgt32),
    (Op::Fle, Op::Fle32),
    (Op::Fge, Op::Fge32),
];
/// To integers: those that trap first.
const CONVERTING: [(Op, Op); 8] = [
    (Op::Ftoi, Op::F32toi),
    (Op::Ftou, Op::F32tou),
    (Op::Ftoi32, Op::F32toi32),
    (Op::Ftou32, Op::F32tou32),
    (Op::Ftoisat, Op::F32toisat),
    (Op::Ftousat, Op::F32tousat),
    (Op::Ftoi32sat, Op::F32toi32sat),
    (Op::Ftou32sat, Op::F32tou32sat),
];
/// From integers.
const FROM_64: [Op; 3] = [Op::Itof, Op::Utof, Op::I32tof];
const FROM_32: [Op; 3] = [Op::Itof32, Op::Utof32, Op::I32tof32];

/// Of a pair, the one for a class of floats.
fn sized(pair: (Op, Op), class: Class) -> Op {
    if class == Class::F32 { pair.1 } else { pair.0 }
}

impl Composer<'_> {
    /// Pushes an operand that may be of any class.
    pub(super) fn value(&mut self, depth: u32) {
        let class = Class::any(self.random);
        self.expression(class, depth);
    }

    /// Pushes an operand.
    pub(super) fn expression(&mut self, class: Class, depth: u32) {
        if depth >= 3 || self.percent(35) {
            return self.leaf(class);
        }
        match (self.below(12), class) {
            (0, _) => {
                self.expression(class, depth + 1);
                self.expression(class, depth + 1);
                self.expression(Class::Word, depth + 2);
                self.op(Op::Select);
            }
            (1, _) => self.load(class),
            (2, _) if self.own.is_some() && depth < 2 => self.stack_loop(class, depth),
            (_, Class::Word) => self.word(depth),
            (3, Class::F64) => {
                self.expression(Class::F32, depth + 1);
                self.op(Op::Promote);
            }
            (3, Class::F32) => {
                self.expression(Class::F64, depth + 1);
                self.op(Op::Demote);
            }
            (4, class) => {
                if self.percent(40) {
                    let word = words::between(self.random);
                    self.push(word);
                } else {
                    self.expression(Class::Word, depth + 1);
                }
                let op = self.pick(if class == Class::F64 { &FROM_64 } else { &FROM_32 });
                self.op(op);
            }
            (5..7, class) => {
                self.expression(class, depth + 1);
                let pair = self.pick(&UNARY);
                self.op(sized(pair, class));
            }
            (_, class) => {
                self.expression(class, depth + 1);
                self.expression(class, depth + 1);
                let pair = self.pick(&BINARY);
                self.op(sized(pair, class));
            }
        }
    }

    fn word(&mut self, depth: u32) {
        match self.below(14) {
            0 => {
                let class = self.pick(&[Class::F64, Class::F32]);
                self.expression(class, depth + 1);
                self.expression(class, depth + 1);
                let pair = self.pick(&COMPARING);
                self.op(sized(pair, class));
            }
            1 | 2 => {
                let class = self.pick(&[Class::F64, Class::F64, Class::F32]);
                if self.percent(40) {
                    let word = words::end(self.random, class);
                    self.push(word);
                } else {
                    self.expression(class, depth + 1);
                }
                let traps = if self.percent(30) { 0 } else { 4 };
                let pair = CONVERTING[traps + self.random.index(4)];
                self.op(sized(pair, class));
            }
            3 => {
                let memory = self.pick(&[2, 2, 5, 6]);
                self.emit(Op::Size, &[memory]);
            }
            4 => match self.below(5) {
                0 => {
                    self.push(0);
                    self.push(100);
                    self.op(Op::Random);
                }
                1 => {
                    let memory = self.pick(&[2, 5, 6, 0]);
                    self.push(memory);
                    self.op(Op::Memlen);
                }
                2 => self.op(Op::Numkeys),
                3 => {
                    self.push(2);
                    let word = self.below(9);
                    self.push(word);
                    self.op(Op::Mempush);
                }
                _ => self.op(Op::Height),
            },
            5 => {
                // The one quotient that is too great.
                let least = self.pick(&[1 << 63, 1 << 31, 0xffff_ffff_8000_0000]);
                let word = if self.percent(80) { least } else { words::of(self.random, Class::Word) };
                self.push(word);
                let one = self.pick(&[u64::MAX, u64::MAX, 0xffff_ffff, 1, 2]);
                self.push(one);
                let op = self.pick(&[Op::Divs, Op::Divs32, Op::Rems, Op::Rems32, Op::Div32]);
                self.op(op);
            }
            _ => {
                let code = self.random.within(Op::Add as u64, Op::Extend16s32 as u64 + 1);
                let op = Op::from_byte(code as u8).unwrap_or(Op::Add);
                self.expression(Class::Word, depth + 1);
                let shifts = matches!(op, Op::Shl | Op::Shr | Op::Shrs | Op::Rotl | Op::Rotr)
                    || matches!(op, Op::Shl32 | Op::Shr32 | Op::Shrs32 | Op::Rotl32 | Op::Rotr32);
                if shifts && self.percent(60) {
                    let amount = self.pick(&[0, 1, 31, 32, 33, 40, 63, 64, 65, 96, u64::MAX]);
                    self.push(amount);
                } else if op.info().pops > 1 {
                    self.expression(Class::Word, depth + 1);
                }
                self.op(op);
            }
        }
    }

    /// Slots of the subroutine that is being written.
    fn slots(&self) -> u64 {
        let typ = self.own.map(|own| self.subroutines[own].typ);
        typ.map_or(0, |typ| u64::from(typ.arguments) + u64::from(typ.locals))
    }

    /// A slot that may be changed: none that counts.
    pub(super) fn variable(&mut self) -> Option<i64> {
        let own = self.own?;
        let first = u64::from(self.subroutines[own].recursive);
        let end = self.slots() - u64::from(COUNTERS + STAYS);
        (first < end).then(|| self.random.within(first, end).cast_signed())
    }

    fn leaf(&mut self, class: Class) {
        let slots = self.slots();
        if self.nesting > 0 && self.percent(45) {
            // The next word of many.
            let counter = slots - u64::from(self.nesting);
            self.emit(Op::Get, &[counter.cast_signed()]);
            let offset = self.pick(&[0, 0, 8, 16]);
            self.emit(if class == Class::F32 { Op::Load32 } else { Op::Load64 }, &[2, offset]);
            return;
        }
        match self.below(10) {
            0..4 if slots > 0 => {
                let any = self.below(slots).cast_signed();
                let recent = self.percent(50);
                let slot = self.recent.filter(|_| recent).unwrap_or(any);
                self.emit(Op::Get, &[slot]);
            }
            4 if slots > 0 => {
                // Now and then below what is its own.
                let below = if self.percent(10) { 6 } else { 0 };
                let depth = self.below(slots + below).cast_signed();
                self.emit(Op::Pick, &[depth]);
            }
            5 => {
                let word = self.below(8).cast_signed();
                self.emit(Op::Load64at, &[2, 8 * word]);
            }
            _ => {
                let word = words::of(self.random, class);
                self.push(word);
            }
        }
    }

    fn load(&mut self, class: Class) {
        let (op, width) = match class {
            Class::Word => self.pick(&LOADS),
            Class::F64 => (Op::Load64, 8),
            Class::F32 => (Op::Load32, 4),
        };
        let (memory, offset) = self.place(width);
        self.emit(op, &[memory, offset]);
    }

    /// A place in a memory, on the operands and as an offset: inside mostly, near an end, where a piece of 4 KiB ends,
    /// and now and then where the two together come to more than a word can say.
    pub(super) fn place(&mut self, width: u64) -> (i64, i64) {
        let which = self.pick(&[0, 0, 0, 1, 2]);
        let (memory, bytes) = ([2, 5, 6][which], 8 * self.lengths[which]);
        let ends = bytes - width + 1;
        let place = match self.below(16) {
            0 | 1 => bytes - width,
            2 if self.percent(40) => bytes - width + self.below(9),
            3..5 if bytes > 4096 => 4096 - width + self.below(9),
            5 if self.percent(20) => words::of(self.random, Class::Word),
            6 if self.own.is_some() && self.percent(20) => {
                self.leaf(Class::Word);
                return (memory, self.below(40).cast_signed());
            }
            7..9 if self.own.is_some() => {
                self.near_place(bytes);
                return (memory, self.below(5).cast_signed());
            }
            9..15 if self.nesting > 0 => {
                let counter = self.slots() - 1 - self.below(self.nesting.into());
                self.emit(Op::Get, &[counter.cast_signed()]);
                if self.percent(25) {
                    let by = self.pick(&[2, 3, 8, 16]);
                    self.push(by);
                    self.op(Op::Mul);
                }
                return (memory, self.pick(&[0, 0, 0, 8, 16, 24]));
            }
            15 => self.below(ends),
            _ => self.below(ends.min(64)),
        };
        let offset = match self.below(10) {
            0..5 => 0,
            5..9 => self.below(place.min(1 << 32)),
            _ => self.pick(&[8, 4096, 1 << 20, u64::from(u32::MAX)]),
        };
        let offset = if self.percent(95) { offset.min(place) } else { offset };
        self.push(place.wrapping_sub(offset));
        (memory, offset.min(u32::MAX.into()).cast_signed())
    }

    /// Pushes an address near the beginning of a memory, or behind a word: the instructions that make it say how great it can
    /// be.
    fn near_place(&mut self, bytes: u64) {
        // What they say is that it is inside, or is not by a little.
        let ends = bytes.next_power_of_two();
        let most = self.pick(&[8, 64, ends / 2, ends, ends, 4096]).clamp(2, 4096);
        match self.below(4) {
            0 => {
                let word = match self.below(3) {
                    0 => bytes.wrapping_sub(most + self.below(12)).wrapping_add(self.below(9)),
                    _ => bytes.wrapping_sub(self.below(most + 12)),
                };
                self.push(word);
                self.near(most, 0);
                self.op(Op::Add);
            }
            1 if self.nesting > 0 => {
                self.near(most, 0);
                let counter = self.slots() - u64::from(self.nesting);
                self.emit(Op::Get, &[counter.cast_signed()]);
                self.op(Op::Add);
            }
            _ => self.near(most, 0),
        }
    }

    /// Pushes a word that is less than about so much, a power of two.
    fn near(&mut self, most: u64, depth: u32) {
        let half = (most / 2).max(2);
        match self.below(if depth < 2 { 16 } else { 8 }) {
            0 => {
                self.leaf(Class::Word);
                let by = most - self.below(most.min(9));
                self.push(by);
                self.op(Op::Rem);
            }
            1 => {
                self.leaf(Class::Word);
                let by = u64::from(most.leading_zeros()) + self.below(2);
                self.push(by);
                self.op(Op::Shr);
            }
            2 => {
                self.leaf(Class::Word);
                let op = self.pick(&[Op::Clz, Op::Ctz32, Op::Popcnt, Op::Eqz, Op::Clz32]);
                self.op(op);
            }
            3 => {
                let at = self.below(64).cast_signed();
                self.push(0);
                self.emit(Op::Load8, &[2, at % 8]);
            }
            4..8 => {
                self.leaf(Class::Word);
                let mask = self.pick(&[most - 1, most - 1, most - 2, most / 2, 7]);
                self.push(mask);
                self.op(Op::And);
            }
            8..12 => {
                self.near(half, depth + 1);
                self.near(most, depth + 1);
                let op = self.pick(&[Op::Or, Op::Xor, Op::Add, Op::And, Op::Rem, Op::Or]);
                self.op(op);
            }
            12 => {
                self.near(half, depth + 1);
                let by = self.pick(&[1, 1, 1, 64, 61, 2]);
                self.push(by);
                self.op(Op::Shl);
            }
            13 => {
                self.near(half, depth + 1);
                let by = self.pick(&[2, 2, 3, 1 << 62]);
                self.push(by);
                self.op(Op::Mul);
            }
            14 => {
                self.near(most, depth + 1);
                let by = self.pick(&[1, 2, 64, 0]);
                self.push(by);
                let op = self.pick(&[Op::Div, Op::Shr, Op::Shr32, Op::Div32, Op::Sub]);
                self.op(op);
            }
            _ => {
                self.near(half, depth + 1);
                self.near(most, depth + 1);
                self.expression(Class::Word, 3);
                self.op(Op::Select);
            }
        }
    }

    /// A loop whose value and count are operands.
    fn stack_loop(&mut self, class: Class, depth: u32) {
        self.expression(class, depth + 1);
        let turns = self.random.within(1, 12);
        self.push(turns);
        let top = self.here();
        self.op(Op::Swap);
        self.leaf(class);
        match class {
            Class::Word => {
                let op = self.pick(&[Op::Add, Op::Xor, Op::Rotl32, Op::Mul, Op::Shrs32]);
                self.op(op);
            }
            _ => {
                let pair = self.pick(&BINARY);
                self.op(sized(pair, class));
            }
        }
        self.op(Op::Swap);
        self.push(1);
        self.op(Op::Sub);
        self.op(Op::Dup);
        self.emit(Op::Jumpif, &[top]);
        self.op(Op::Drop);
    }
}
