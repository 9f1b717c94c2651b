//! The subroutines of programs that loop.

use super::{AT, FACTOR, FLOATS, HARD, LUCK, Looper, OTHER, Routine, STRIDE, SUM};
use crate::random::code::Emit;
use keyvm_isa::Op;

impl Looper<'_> {
    pub(super) fn main(&mut self, turns: u64) {
        let top = self.writer.begin_turns(turns);
        for turn in 0..self.writer.random.within(1, 5) {
            self.writer.push(turn);
            self.start();
            self.call(Routine::Outer);
            self.emit(Op::Store64at, &[2, 0]);
        }
        self.writer.end_turns(top);
        self.writer.ending();
        self.emit(Op::Halt, &[]);
    }

    pub(super) fn routine(&mut self, routine: Routine) {
        match routine {
            Routine::Outer => self.outer(),
            Routine::Walk => self.walk(),
            Routine::Leaf => self.leaf(),
            Routine::Middle => self.middle(),
            Routine::Resize => self.resize(),
            Routine::Dive => self.dive(),
        }
    }

    /// A few turns of a call of a routine with locals 0 and 1, whose result is local 0 from then on; leaves that.
    fn in_turns(&mut self, call: impl FnOnce(&mut Self)) {
        let turns = self.writer.random.within(1, 4);
        self.writer.push(turns);
        self.emit(Op::Set, &[2]);
        let top = self.here();
        self.emit(Op::Get, &[0]);
        self.emit(Op::Get, &[1]);
        call(self);
        self.emit(Op::Set, &[0]);
        self.emit(Op::Get, &[2]);
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        self.emit(Op::Tee, &[2]);
        self.emit(Op::Jumpif, &[top]);
        self.emit(Op::Get, &[0]);
    }

    fn outer(&mut self) {
        self.in_turns(|looper| {
            looper.start();
            looper.call(Routine::Walk);
        });
        self.emit(Op::Ret, &[]);
    }

    fn walk(&mut self) {
        let stride = self.stride();
        let factor = self.pick(&[8, 8, 1, 24, 64, 0]);
        let float = if self.percent(40) { self.pick(&HARD[9..]) } else { 0.25f64.to_bits() };
        let luck = self.below(30);
        for (slot, word) in [(STRIDE, stride), (FACTOR, factor), (FLOATS[0], float), (LUCK, luck)] {
            self.word(word);
            self.emit(Op::Set, &[slot]);
        }
        self.budget = self.pick(&[4, 10, 20, 35]);
        for _ in 0..self.writer.random.within(1, 4) {
            self.cycle(0, &mut |looper| looper.body(0));
            if self.percent(30) {
                self.leap();
            }
        }
        // What has found no loop to go into ends here.
        for at in std::mem::take(&mut self.ahead) {
            self.land(at);
        }
        self.emit(Op::Get, &[SUM]);
        let other = self.pick(&[AT, OTHER, FLOATS[0], FLOATS[1]]);
        self.emit(Op::Get, &[other]);
        self.emit(Op::Xor, &[]);
        self.emit(Op::Ret, &[]);
    }

    fn leaf(&mut self) {
        self.emit(Op::Get, &[0]);
        let mask = self.pick(&[1, 3, 7]);
        self.writer.push(mask);
        self.emit(Op::And, &[]);
        let over = self.emit(Op::Jumpz, &[0]);
        let memory = self.memory();
        self.emit(Op::Get, &[1]);
        self.writer.push(248);
        self.emit(Op::And, &[]);
        self.emit(Op::Get, &[0]);
        let op = self.pick(&[Op::Store8, Op::Store64]);
        self.emit(op, &[memory, 0]);
        self.land(over);
        self.emit(Op::Get, &[0]);
        self.emit(Op::Get, &[1]);
        let op = self.pick(&[Op::Add, Op::Xor, Op::Fadd, Op::Fmul, Op::Sub]);
        self.emit(op, &[]);
        self.emit(Op::Ret, &[]);
    }

    fn middle(&mut self) {
        self.in_turns(|looper| looper.call(Routine::Leaf));
        self.emit(Op::Get, &[1]);
        if self.percent(30) {
            let at = self.emit(Op::Tailcall, &[0]);
            self.calls.push((at, Routine::Leaf));
            return;
        }
        self.call(Routine::Leaf);
        self.emit(Op::Ret, &[]);
    }

    /// Gives a memory a few words more or less than it had at first.
    fn resize(&mut self) {
        let words = self.bytes / 8;
        for _ in 0..self.writer.random.within(1, 3) {
            let memory = self.pick(&[2, 2, 5, 6]);
            self.writer.push(memory);
            self.emit(Op::Get, &[0]);
            let mask = self.pick(&[3, 7, 31, 63]);
            self.writer.push(mask);
            self.emit(Op::And, &[]);
            let base = match self.below(4) {
                0 => words,
                1 => words + 20,
                _ => words.saturating_sub(self.below(20)),
            };
            self.writer.push(base);
            self.emit(Op::Add, &[]);
            self.emit(Op::Memresize, &[]);
        }
        self.emit(Op::Ret, &[]);
    }

    /// Calls itself as many times as its argument says: with much on the operands or little.
    fn dive(&mut self) {
        self.emit(Op::Get, &[0]);
        let end = self.emit(Op::Jumpz, &[0]);
        if self.percent(50) {
            self.writer.push(3);
            self.emit(Op::Set, &[2]);
            let top = self.here();
            self.emit(Op::Get, &[1]);
            self.emit(Op::Get, &[2]);
            self.emit(Op::Load8, &[2, 0]);
            self.emit(Op::Add, &[]);
            self.emit(Op::Set, &[1]);
            self.emit(Op::Get, &[2]);
            self.writer.push(1);
            self.emit(Op::Sub, &[]);
            self.emit(Op::Tee, &[2]);
            self.emit(Op::Jumpif, &[top]);
        }
        let more = self.below(4);
        for _ in 0..more {
            self.emit(Op::Get, &[0]);
        }
        self.emit(Op::Get, &[0]);
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        self.call(Routine::Dive);
        for _ in 0..more {
            self.emit(Op::Add, &[]);
        }
        self.emit(Op::Ret, &[]);
        self.land(end);
        self.emit(Op::Get, &[1]);
        self.emit(Op::Ret, &[]);
    }

    /// A call in a loop: of what calls nothing, of what calls, of what takes memories away, of what goes deep.
    pub(super) fn call_statement(&mut self) {
        match self.below(20) {
            0..15 => {
                self.emit(Op::Get, &[SUM]);
                if self.percent(50) {
                    let float = self.pick(&FLOATS);
                    self.emit(Op::Get, &[float]);
                } else {
                    self.address();
                }
                let routine = self.pick(&[Routine::Leaf, Routine::Middle]);
                self.call(routine);
                let slot = self.pick(&[SUM, SUM, SUM, FLOATS[0], OTHER]);
                self.emit(Op::Set, &[slot]);
            }
            15..18 => {
                self.emit(Op::Get, &[SUM]);
                self.call(Routine::Resize);
            }
            _ => {
                let depth = self.pick(&[2, 5, 5, 9, 9, 20, 60, 300, 4000]);
                self.writer.push(depth);
                self.call(Routine::Dive);
                self.emit(Op::Set, &[SUM]);
            }
        }
    }

    /// A loop whose count, and a float, are operands, with statements on top of them.
    pub(super) fn operand_loop(&mut self, nesting: usize) {
        let float = self.pick(&FLOATS);
        self.emit(Op::Get, &[float]);
        let turns = self.writer.random.within(1, 20);
        self.writer.push(turns);
        let top = self.here();
        self.emit(Op::Swap, &[]);
        self.emit(Op::Get, &[SUM]);
        let op = self.pick(&[Op::Fadd, Op::Fmul, Op::Fsub, Op::Xor, Op::Add, Op::Fmax32]);
        self.emit(op, &[]);
        if self.percent(30) {
            let op = self.pick(&[Op::Fneg, Op::Fabs, Op::Fsqrt]);
            self.emit(op, &[]);
        }
        self.emit(Op::Swap, &[]);
        if self.percent(25) {
            // Where it leaves, there are two operands more.
            self.statement(nesting);
        }
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        self.emit(Op::Dup, &[]);
        self.emit(Op::Jumpif, &[top]);
        self.emit(Op::Drop, &[]);
        self.emit(Op::Set, &[float]);
    }
}
