//! What leaves the operands as they are.

use super::{COUNTERS, Class, Composer, words};
use crate::random::code::{Emit, FAR};
use keyvm_isa::Op;

/// How a loop goes on.
enum Step {
    /// By -1 each turn, until it comes to 0.
    Down,
    /// By so much each turn, until it comes to so much.
    By(u64, u64),
}

impl Composer<'_> {
    pub(super) fn statement(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        match self.below(27) {
            0..4 => self.assign(),
            4..8 => self.store(),
            8..11 if self.own.is_some() && self.nesting < COUNTERS => self.cycle(),
            11..13 if self.own.is_some() && self.nesting < COUNTERS => self.march(),
            13..16 | 26 => self.call_statement(),
            16 | 17 => {
                self.expression(Class::Word, 1);
                let over = self.emit(Op::Jumpz, &[0]);
                self.statement();
                self.land(over);
            }
            18 => self.switch(),
            19 => self.jump(),
            20 | 21 => self.change_and_trap(),
            22 | 23 => self.kernel(),
            24 => self.shuffle(),
            _ => self.unlikely(),
        }
    }

    pub(super) fn assign(&mut self) {
        if self.nesting > 0
            && self.percent(60)
            && let Some(slot) = self.variable()
        {
            // So that what is wrong in one turn is not lost in the next.
            self.emit(Op::Get, &[slot]);
            self.push(1);
            self.op(Op::Rotl);
            self.value(0);
            self.op(Op::Xor);
            self.emit(Op::Set, &[slot]);
            return;
        }
        self.value(0);
        self.assign_top();
    }

    fn store(&mut self) {
        let (op, width, class) = self.pick(&[
            (Op::Store8, 1, Class::Word),
            (Op::Store16, 2, Class::Word),
            (Op::Store32, 4, Class::F32),
            (Op::Store32, 4, Class::Word),
            (Op::Store64, 8, Class::Word),
            (Op::Store64, 8, Class::F64),
            (Op::Store64, 8, Class::F64),
        ]);
        let (memory, offset) = self.place(width);
        self.expression(class, 0);
        self.emit(op, &[memory, offset]);
    }

    /// A loop: of a number of turns, from somewhere to somewhere else, or over the end of a piece of memory.
    fn cycle(&mut self) {
        let Some(own) = self.own else { return };
        let typ = self.subroutines[own].typ;
        let counter = i64::from(typ.arguments) + i64::from(typ.locals) - 1 - i64::from(self.nesting);
        let (start, step, walks) = match self.below(10) {
            0..4 => (self.random.within(1, 40), Step::Down, false),
            4..7 => {
                let (start, step) = self.way();
                (start, step, false)
            }
            _ => {
                let (start, step) = self.walk();
                (start, step, true)
            }
        };
        self.push(start);
        self.emit(Op::Set, &[counter]);
        let top = self.here();
        self.nesting += 1;
        if walks {
            self.emit(Op::Get, &[counter]);
            self.value(2);
            let op = self.pick(&[Op::Store64, Op::Store64, Op::Store8]);
            self.emit(op, &[2, 0]);
        }
        for _ in 0..self.random.within(u64::from(!walks), 3) {
            match self.below(10) {
                0..4 => self.assign(),
                4..7 => self.store(),
                _ => self.statement(),
            }
        }
        self.nesting -= 1;
        self.emit(Op::Get, &[counter]);
        match step {
            Step::Down => {
                self.push(1);
                self.op(Op::Sub);
                self.emit(Op::Tee, &[counter]);
            }
            Step::By(stride, end) => {
                self.push(stride);
                self.op(Op::Add);
                self.emit(Op::Tee, &[counter]);
                self.push(end);
                let op = match stride.cast_signed() {
                    ..0 => self.pick(&[Op::Gts, Op::Ne, Op::Gt]),
                    _ => self.pick(&[Op::Lt, Op::Lt, Op::Lts, Op::Lts, Op::Ne, Op::Le]),
                };
                self.op(op);
            }
        }
        self.emit(Op::Jumpif, &[top]);
    }

    /// From somewhere to somewhere else, which may be behind.
    fn way(&mut self) -> (u64, Step) {
        let stride = self.pick(&[1, 1, 8, 8, 3, 16, 8u64.wrapping_neg(), 1u64.wrapping_neg()]);
        let start = match self.below(6) {
            0..3 => 0,
            3 => self.below(40).wrapping_neg(),
            4 => self.lengths[0] * 8 - 8,
            _ => self.below(64),
        };
        let end = match self.below(8) {
            0 => 0,
            1 => words::of(self.random, Class::Word),
            2 => self.below(60).wrapping_neg(),
            3 => self.lengths[0] * 8,
            _ => start.wrapping_add(stride.wrapping_mul(self.random.within(1, 70))),
        };
        (start, Step::By(stride, end))
    }

    /// To somewhere about the end of the data, or of a piece of 4 KiB of it.
    fn walk(&mut self) -> (u64, Step) {
        let stride = match self.below(4) {
            0 => self.pick(&FAR),
            _ => self.pick(&[8, 8, 8, 16, 1, 24, 8u64.wrapping_neg()]),
        };
        let bytes = self.lengths[0] * 8;
        let middle = if bytes > 4096 && self.percent(75) { 4096 } else { bytes };
        let before = self.below(14).min(middle / stride.cast_signed().unsigned_abs());
        let start = middle.wrapping_sub(stride.wrapping_mul(before));
        let turns = match self.below(3) {
            // It ends where it has come a little further.
            0 => before + self.random.within(1, 4),
            _ if middle == bytes => self.random.within(1, before + 2),
            _ => self.random.within(1, 28),
        };
        (start, Step::By(stride, start.wrapping_add(stride.wrapping_mul(turns))))
    }

    /// Pushes what a subroutine takes.
    pub(super) fn arguments(&mut self, callee: usize) {
        let (typ, recursive) = (self.subroutines[callee].typ, self.subroutines[callee].recursive);
        for argument in 0..typ.arguments {
            if argument == 0 && recursive {
                let depth = self.pick(&[0, 1, 2, 3, 5, 9, 20, 100, 400, 5000]);
                self.push(depth);
            } else {
                self.value(2);
            }
        }
    }

    /// Takes results off the operands, into variables mostly.
    pub(super) fn take(&mut self, results: u16) {
        for _ in 0..results {
            self.assign_top();
        }
    }

    /// A call with its arguments, in one of three ways; now and then by another type.
    pub(super) fn call(&mut self, callee: usize) {
        self.arguments(callee);
        let way = self.below(10);
        let typ = if self.percent(85) { callee } else { self.random.index(self.subroutines.len()) };
        let at = match way {
            0..7 => self.emit(Op::Call, &[0]),
            7 | 8 => {
                let at = self.emit(Op::Push, &[0]);
                self.emit(Op::Callto, &[typ as i64]);
                at
            }
            _ => {
                let at = self.emit(Op::Push, &[0]);
                self.emit(Op::Store64at, &[2, 0]);
                self.push(0);
                self.emit(Op::Calltable, &[typ as i64, 2]);
                at
            }
        };
        self.calls.push((at, callee));
    }

    /// A call of a subroutine further down.
    fn call_statement(&mut self) {
        let first = self.own.map_or(0, |own| own + 1);
        if first >= self.subroutines.len() || self.call_budget == 0 {
            return self.store();
        }
        self.call_budget -= 1;
        let callee = first + self.random.index(self.subroutines.len() - first);
        // What lies below the arguments stays there.
        let kept = self.below(3);
        for _ in 0..kept {
            self.value(2);
        }
        self.call(callee);
        let results = self.subroutines[callee].typ.results;
        self.take(results);
        for _ in 0..kept {
            self.assign_top();
        }
    }

    fn assign_top(&mut self) {
        self.recent = self.variable();
        match self.recent {
            Some(slot) => self.emit(Op::Set, &[slot]),
            None => self.emit(Op::Drop, &[]),
        };
    }

    fn switch(&mut self) {
        self.expression(Class::Word, 2);
        if self.percent(40) {
            self.push(3);
            self.op(Op::And);
        }
        let table = self.parts.switches.len();
        self.emit(Op::Switch, &[table as i64]);
        self.parts.switches.push(Vec::new());
        let (mut targets, mut ends) = (Vec::new(), Vec::new());
        for way in 0..self.random.within(2, 5) {
            targets.push(self.here().cast_unsigned());
            self.push(way);
            self.emit(Op::Store64at, &[2, 0]);
            ends.push(self.emit(Op::Jump, &[0]));
        }
        ends.into_iter().for_each(|end| self.land(end));
        self.parts.switches[table] = targets;
    }

    /// A computed jump to what follows; now and then somewhere else.
    fn jump(&mut self) {
        let at = self.emit(Op::Push, &[0]);
        if self.percent(15) {
            let high = 1 << self.random.within(20, 64);
            self.push(high);
            self.op(Op::Or);
        }
        self.op(Op::Jumpto);
        self.land(at);
    }

    /// Changes something by what it was, and may trap then, before anything else has happened.
    fn change_and_trap(&mut self) {
        let word = self.below(8).cast_signed() * 8;
        self.emit(Op::Load64at, &[2, word]);
        self.push(1);
        self.op(Op::Add);
        self.emit(Op::Store64at, &[2, word]);
        match self.below(3) {
            0 => {
                let (memory, offset) = self.place(8);
                self.emit(Op::Load64, &[memory, offset]);
            }
            1 => {
                self.expression(Class::Word, 2);
                self.expression(Class::Word, 2);
                let op = self.pick(&[Op::Div, Op::Divs, Op::Rem32, Op::Divs32]);
                self.op(op);
            }
            _ => {
                self.expression(Class::F64, 2);
                let op = self.pick(&[Op::Ftoi, Op::Ftou, Op::Ftou32]);
                self.op(op);
            }
        }
        self.assign_top();
    }

    /// What the kernel does.
    fn kernel(&mut self) {
        match self.below(6) {
            0..2 => self.resize(),
            2 => {
                let (memory, at, count) = (self.pick(&[2, 5, 6]), self.below(60), self.below(30));
                self.push(at);
                self.value(2);
                self.push(count);
                self.emit(Op::Fill, &[memory]);
            }
            3 => {
                for range in [60, 60, 30] {
                    let part = self.below(range);
                    self.push(part);
                }
                let (to, from) = (self.pick(&[2, 2, 5, 6]), self.pick(&[2, 5, 6, 1]));
                self.emit(Op::Copy, &[to, from]);
            }
            4 => {
                self.push(1);
                self.op(Op::Keyinfo);
                self.op(Op::Drop);
                self.assign_top();
            }
            _ => {
                self.push(0);
                self.expression(Class::Word, 2);
                self.op(Op::Random);
                self.assign_top();
            }
        }
    }

    /// Gives a memory a few words more or less than it had at first, between uses of it.
    fn resize(&mut self) {
        let which = self.pick(&[0, 0, 1]);
        let memory = [2, 5][which];
        if self.percent(70) {
            self.use_length(memory);
        }
        self.push(memory.cast_unsigned());
        let words = self.lengths[which].saturating_sub(4) + self.below(9);
        self.push(words);
        self.op(Op::Memresize);
        if self.percent(70) {
            self.use_length(memory);
        }
    }

    /// Something in which the length of a memory shows.
    fn use_length(&mut self, memory: i64) {
        if self.percent(50) {
            self.emit(Op::Size, &[memory]);
            self.assign_top();
        } else {
            self.store();
        }
    }

    /// Moves operands about.
    fn shuffle(&mut self) {
        for _ in 0..3 {
            self.value(2);
        }
        for _ in 0..self.random.within(1, 3) {
            let op = self.pick(&[Op::Rot, Op::Rotback, Op::Swap]);
            self.op(op);
        }
        match self.below(3) {
            0 => self.emit(Op::Slide, &[1, 2]),
            1 => {
                self.op(Op::Drop);
                self.emit(Op::Put, &[0])
            }
            _ => {
                self.op(Op::Drop);
                self.emit(Op::Drop, &[])
            }
        };
        self.assign_top();
    }

    /// What traps, where luck has it.
    fn unlikely(&mut self) {
        self.expression(Class::Word, 2);
        let over = self.emit(Op::Jumpif, &[0]);
        match self.below(4) {
            0 => {
                self.push(7);
                self.op(Op::Fail);
            }
            1 => {
                let slot = self.below(12).cast_signed();
                self.emit(Op::Put, &[slot]);
            }
            2 => self.op(Op::Ret),
            _ => self.op(Op::Unreachable),
        }
        self.land(over);
    }
}
