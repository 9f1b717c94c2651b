//! Numbers near the ends of memories, addresses, and what is done at them.

use super::{AT, COUNTERS, FACTOR, FLOATS, HARD, Looper, OTHER, SLOTS, STRIDE, SUM};
use crate::random::code::{Emit, FAR};
use keyvm_isa::Op;

impl Looper<'_> {
    /// Pushes a number where an address may begin: inside a memory mostly, near its end often.
    pub(super) fn start(&mut self) {
        let bytes = self.bytes;
        let word = match self.below(20) {
            0 => self.pick(&HARD),
            1 => self.pick(&[1u64, 8, 16, 255]).wrapping_neg(),
            2 | 3 => bytes.wrapping_sub(self.below(40)),
            4..7 => bytes.wrapping_sub(8 * self.below(40)),
            7..11 => self.below(bytes + 1),
            _ => self.pick(&[0, 0, 0, 8, 8, 16, 1, 3, 64]),
        };
        self.word(word);
    }

    /// Pushes a number near a memory's end.
    pub(super) fn near_end(&mut self) {
        let bytes = self.bytes;
        let word = match self.below(10) {
            0 => self.pick(&HARD),
            1..3 => self.pick(&[0, 7, 16, 100, 255]),
            3 => bytes,
            4 => bytes.wrapping_add(8 * self.below(4)),
            _ => bytes.wrapping_sub(self.pick(&[1, 7, 8, 8, 16, 24, 40, 64])),
        };
        self.word(word);
    }

    /// By how much an address changes in a turn.
    pub(super) fn stride(&mut self) -> u64 {
        match self.below(40) {
            0 => self.pick(&HARD),
            1 => 0,
            2..7 => self.pick(&[1u64, 3, 8, 8, 16, 255]).wrapping_neg(),
            7..11 => self.pick(&FAR),
            _ => self.pick(&[8, 8, 8, 8, 8, 1, 1, 2, 3, 4, 16, 24, 64]),
        }
    }

    fn slot(&mut self) {
        let slot = self.pick(&SLOTS);
        self.emit(Op::Get, &[slot]);
    }

    /// Two slots and what joins them.
    fn two(&mut self, op: Op) {
        self.slot();
        self.slot();
        self.emit(op, &[]);
    }

    /// Pushes an address: of one slot, of several, of products of those that do not change.
    pub(super) fn address(&mut self) {
        match self.below(26) {
            0..9 => {
                let slot = self.pick(&[AT, AT, AT, OTHER]);
                self.emit(Op::Get, &[slot]);
            }
            9..12 => {
                self.emit(Op::Get, &[AT]);
                let by = self.pick(&[8, 16, 24, 1, 7, 64, 8u64.wrapping_neg()]);
                self.word(by);
                self.emit(Op::Add, &[]);
            }
            12..14 => {
                let slot = self.pick(&[COUNTERS, COUNTERS, COUNTERS + 1, OTHER]);
                self.emit(Op::Get, &[slot]);
                let by = if self.percent(20) {
                    self.pick(&FAR)
                } else {
                    self.pick(&[8, 8, 8, 3, 16, 8u64.wrapping_neg()])
                };
                self.word(by);
                self.emit(Op::Mul, &[]);
            }
            14..16 => {
                let slot = self.pick(&[COUNTERS, COUNTERS, COUNTERS + 1, AT]);
                self.emit(Op::Get, &[slot]);
                let by = self.pick(&[3, 3, 3, 1, 2, 60, 64, 67]);
                self.word(by);
                self.emit(Op::Shl, &[]);
            }
            16 => self.two(Op::Add),
            17 => self.two(Op::Sub),
            18 => {
                self.near_end();
                self.emit(Op::Get, &[AT]);
                self.emit(Op::Sub, &[]);
            }
            19 | 20 => {
                // A row and a column.
                self.emit(Op::Get, &[COUNTERS]);
                self.emit(Op::Get, &[FACTOR]);
                self.emit(Op::Mul, &[]);
                self.emit(Op::Get, &[COUNTERS + 1]);
                self.writer.push(8);
                self.emit(Op::Mul, &[]);
                self.emit(Op::Add, &[]);
            }
            21 => {
                self.emit(Op::Get, &[AT]);
                self.emit(Op::Get, &[FACTOR]);
                self.emit(Op::Get, &[STRIDE]);
                self.emit(Op::Mul, &[]);
                self.emit(Op::Add, &[]);
            }
            22 => self.start(),
            _ => {
                self.slot();
                let mask = self.pick(&[7, 56, 248, 255, 2047, 4095]);
                self.writer.push(mask);
                self.emit(Op::And, &[]);
            }
        }
    }

    /// Fails unless a number is below a bound, as an index has to be below a length.
    pub(super) fn index(&mut self) {
        let number = |looper: &mut Self| {
            let slot = looper.pick(&[COUNTERS, COUNTERS, COUNTERS + 1, AT, OTHER]);
            looper.emit(Op::Get, &[slot]);
            let (op, word) = match looper.below(8) {
                0 => (Op::Add, looper.pick(&[1, 8, 200u64.wrapping_neg(), 1 << 63])),
                1 => (Op::Mul, looper.pick(&[8, 24, 1 << 40, 3u64.wrapping_neg()])),
                2 => (Op::Shl, looper.pick(&[3, 32, 61, 63])),
                3 => (Op::Sub, looper.pick(&[1, 9, 64])),
                _ => return,
            };
            looper.word(word);
            looper.emit(op, &[]);
        };
        let bound = |looper: &mut Self| match looper.below(8) {
            0 => looper.near_end(),
            1 => {
                let slot = looper.pick(&[STRIDE, FACTOR, OTHER]);
                looper.emit(Op::Get, &[slot]);
            }
            2 => {
                let memory = looper.memory();
                looper.emit(Op::Size, &[memory]);
            }
            _ => {
                let bytes = looper.bytes;
                let word = looper.pick(&[u64::MAX, u64::MAX, 1 << 63, 1 << 63 | 9, bytes, 256, 200]);
                looper.word(word);
            }
        };
        // Whether the bound comes first, and whether the comparison gives 1 where the number is good.
        let (op, turned, good) = self.pick(&[
            (Op::Lt, false, true),
            (Op::Gt, true, true),
            (Op::Ge, false, false),
            (Op::Le, true, false),
        ]);
        if turned {
            bound(self);
            number(self);
        } else {
            number(self);
            bound(self);
        }
        self.emit(op, &[]);
        let over = self.emit(if good { Op::Jumpif } else { Op::Jumpz }, &[0]);
        self.writer.push(77);
        self.emit(Op::Fail, &[]);
        self.land(over);
    }

    pub(super) fn memory(&mut self) -> i64 {
        if self.percent(2) { self.pick(&[0, 1, 3, 4, 9, 20]) } else { self.pick(&[2, 2, 2, 2, 5, 5, 6]) }
    }

    /// An offset that goes with addresses.
    fn offset(&mut self) -> i64 {
        let bytes = self.bytes.cast_signed();
        match self.below(30) {
            0 => i64::from(u32::MAX),
            1 => (bytes - 8).max(0),
            2 => bytes,
            3 => self.pick(&[1, 7, 4088, 4096]),
            4..10 => self.pick(&[8, 16, 24, 64]),
            _ => 0,
        }
    }

    /// Pushes what is loaded from somewhere.
    fn value(&mut self) {
        let memory = self.memory();
        let offset = self.offset();
        match self.below(12) {
            0 => {
                self.writer.push(memory.cast_unsigned());
                self.address();
                if self.percent(60) {
                    self.writer.push(3);
                    self.emit(Op::Shr, &[]);
                }
                self.emit(Op::Mempush, &[]);
            }
            1 => {
                self.emit(Op::Load64at, &[memory, offset]);
            }
            _ => {
                self.address();
                let op = self.pick(&[
                    Op::Load64,
                    Op::Load64,
                    Op::Load64,
                    Op::Load8,
                    Op::Load8s,
                    Op::Load16s32,
                    Op::Load32,
                    Op::Load32s,
                ]);
                self.emit(op, &[memory, offset]);
            }
        }
    }

    /// Adds something to the sum.
    pub(super) fn add(&mut self) {
        self.emit(Op::Get, &[SUM]);
        self.value();
        let op = self.pick(&[Op::Add, Op::Add, Op::Xor, Op::Rotl, Op::Add32]);
        self.emit(op, &[]);
        self.emit(Op::Set, &[SUM]);
    }

    /// Stores something that is at hand.
    pub(super) fn store(&mut self) {
        let memory = self.memory();
        let offset = self.offset();
        let word = self.percent(10);
        if word {
            self.writer.push(memory.cast_unsigned());
        }
        self.address();
        if word && self.percent(60) {
            self.writer.push(3);
            self.emit(Op::Shr, &[]);
        }
        match self.below(4) {
            0 => self.writer.push(7),
            1 => {
                let float = self.pick(&FLOATS);
                self.emit(Op::Get, &[float]);
            }
            _ => self.slot(),
        }
        if word {
            self.emit(Op::Memwrite, &[]);
        } else {
            let op =
                self.pick(&[Op::Store64, Op::Store64, Op::Store64, Op::Store8, Op::Store16, Op::Store32]);
            self.emit(op, &[memory, offset]);
        }
    }

    /// Stores all over a memory, so that many of its parts change.
    pub(super) fn many_stores(&mut self) {
        let memory = self.memory();
        for by in [273, 4093, 513] {
            let slot = self.pick(&[COUNTERS, COUNTERS + 1, AT]);
            self.emit(Op::Get, &[slot]);
            self.writer.push(by);
            self.emit(Op::Mul, &[]);
            let length = self.bytes.max(9) - 8;
            self.writer.push(length);
            self.emit(Op::Rem, &[]);
            self.slot();
            let op = self.pick(&[Op::Store8, Op::Store64]);
            self.emit(op, &[memory, 0]);
        }
    }

    /// Pushes a float, which may be no number.
    fn float_operand(&mut self) {
        match self.below(8) {
            0..3 => {
                let float = self.pick(&FLOATS);
                self.emit(Op::Get, &[float]);
            }
            3 => {
                let word = self.pick(&HARD[9..]);
                self.word(word);
            }
            4 => {
                self.slot();
                self.emit(Op::Itof, &[]);
            }
            5 => self.value(),
            6 => {
                let word = self.pick(&[f64::from(1.5f32).to_bits(), u64::from(1.5f32.to_bits()), 0]);
                self.word(word);
            }
            _ => {
                self.emit(Op::Get, &[SUM]);
            }
        }
    }

    /// Computes with a float that is kept from one turn to the next.
    pub(super) fn float(&mut self) {
        let float = self.pick(&FLOATS);
        if self.percent(20) {
            self.emit(Op::Get, &[float]);
            let op = self.pick(&[Op::Fneg, Op::Fabs, Op::Fsqrt, Op::Fneg32, Op::Promote, Op::Demote]);
            self.emit(op, &[]);
        } else {
            self.emit(Op::Get, &[float]);
            self.float_operand();
            let op = self.pick(&[
                Op::Fadd,
                Op::Fadd,
                Op::Fsub,
                Op::Fmul,
                Op::Fdiv,
                Op::Fmin,
                Op::Fmax,
                Op::Fcopysign,
                Op::Fadd32,
                Op::Fmul32,
                Op::Xor,
            ]);
            self.emit(op, &[]);
        }
        self.emit(Op::Set, &[float]);
    }
}
