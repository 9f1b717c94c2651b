//! Programs that compute: subroutines that call each other, loops, floats, memory near its bounds. A compiler has much
//! to do with them.

use super::{DATA_WORDS, Patch, Taste, Writer};
use crate::random::Random;
use crate::random::code::Emit;
use crate::random::code::LOADS;
use keyvm_isa::Op;
use keyvm_isa::code::{CodeParts, FuncType};

/// Types, and patches, of the subroutines that every program has.
const COMMON: usize = 3;
/// Counters of loops: the last locals of each subroutine.
const COUNTERS: u32 = 2;
/// Words in the program's constants that are hard on floating point.
const CONSTANTS: [u64; 10] = [
    0x7ff8_0000_0000_0000,
    0x7ff8_0000_dead_beef,
    0xfff0_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x7fa0_0001,
    0xffff_ffff_7fc0_1234,
    0x3ff0_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x41e0_0000_0000_0000,
];

/// How a subroutine calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recursion {
    Never,
    /// As often as its first argument says.
    Counted,
    /// Likewise, but the last call is in place of itself.
    Tail,
}

#[derive(Clone, Copy, Debug)]
struct Subroutine {
    typ: FuncType,
    recursion: Recursion,
}

/// A program that computes, mostly in subroutines, and does the same again so many times.
pub fn compute(random: &mut Random, turns: u64) -> CodeParts {
    let taste = Taste {
        length: 0,
        kernel: random.pick(&[0, 0, 5, 15]),
        violent: random.percent(20),
        bulk: random.percent(3),
    };
    let count = random.within(3, 7);
    let results = random.within(1, 3) as u16;
    let subroutines: Vec<Subroutine> = (0..count)
        .map(|_| Subroutine {
            typ: FuncType {
                arguments: random.within(1, 4) as u16,
                // Calls in place need equal ones.
                results: if random.percent(60) { results } else { random.within(0, 4) as u16 },
                locals: random.within(1, 5) as u32 + COUNTERS,
            },
            recursion: random.pick(&[
                Recursion::Never,
                Recursion::Never,
                Recursion::Counted,
                Recursion::Counted,
                Recursion::Tail,
            ]),
        })
        .collect();
    let mut writer = Writer::new(random, taste);
    writer.parts.constants.extend(CONSTANTS);
    writer.parts.types.extend(subroutines.iter().map(|subroutine| subroutine.typ));
    let mut composer = Composer {
        writer,
        subroutines,
        starts: Vec::new(),
        own: 0,
        nesting: 0,
        calls: 0,
        doors: Vec::new(),
        ahead: Vec::new(),
    };
    composer.main(turns);
    for own in 0..composer.subroutines.len() {
        composer.own = own;
        composer.subroutine();
    }
    composer.finish()
}

struct Composer<'r> {
    writer: Writer<'r>,
    subroutines: Vec<Subroutine>,
    /// Where each begins.
    starts: Vec<i64>,
    /// The one that is being written.
    own: usize,
    nesting: u32,
    /// Calls in the one that is being written: few, so that it ends.
    calls: u32,
    /// Places in the middle of its loops.
    doors: Vec<i64>,
    /// Jumps to such places that are not there yet.
    ahead: Vec<usize>,
}

impl Emit for Composer<'_> {
    fn parts(&mut self) -> &mut CodeParts {
        self.writer.parts()
    }
}

impl Composer<'_> {
    fn percent(&mut self, of: u64) -> bool {
        self.writer.random.percent(of)
    }

    fn below(&mut self, range: u64) -> u64 {
        self.writer.random.below(range)
    }

    fn main(&mut self, turns: u64) {
        if turns > 1 {
            // One call deeper, as most of what is cut is to be deep.
            let call = self.emit(Op::Call, &[0]);
            self.writer.ending();
            self.emit(Op::Halt, &[]);
            self.land(call);
            let typ = self.writer.parts.types.len();
            self.writer.parts.types.push(FuncType { arguments: 0, results: 0, locals: 0 });
            self.emit(Op::Func, &[typ as i64]);
        }
        let top = self.writer.begin_turns(turns);
        let calls = self.writer.random.within(1, 5);
        for turn in 0..calls {
            let callee = self.writer.random.index(2);
            self.call(callee, false);
            let results = self.subroutines[callee].typ.results;
            for result in 0..i64::from(results) {
                self.writer.store_word((i64::from(turn as u32) * 3 + result) % 30);
            }
            if self.below(100) < self.writer.taste.kernel * 3 {
                self.writer.kernel();
            }
        }
        self.writer.end_turns(top);
        if turns > 1 {
            self.emit(Op::Ret, &[]);
        } else {
            self.writer.ending();
            self.emit(Op::Halt, &[]);
        }
    }

    /// Slots that the subroutine may change: not what counts.
    fn variables(&self) -> std::ops::Range<i64> {
        let Subroutine { typ, recursion } = self.subroutines[self.own];
        let first = i64::from(recursion != Recursion::Never);
        first..i64::from(typ.arguments) + i64::from(typ.locals - COUNTERS)
    }

    fn variable(&mut self) -> i64 {
        let slots = self.variables();
        slots.start + self.below((slots.end - slots.start).cast_unsigned()).cast_signed()
    }

    fn subroutine(&mut self) {
        let Subroutine { typ, recursion } = self.subroutines[self.own];
        self.calls = 0;
        self.doors.clear();
        let start = self.here();
        self.starts.push(start);
        self.emit(Op::Func, &[(COMMON + self.own) as i64]);
        let base = (recursion != Recursion::Never).then(|| {
            self.emit(Op::Get, &[0]);
            self.emit(Op::Jumpz, &[0])
        });
        for _ in 0..self.writer.random.within(1, 5) {
            self.statement();
        }
        match recursion {
            Recursion::Never => {}
            Recursion::Counted => {
                self.arguments_again();
                self.emit(Op::Call, &[start]);
                self.take(typ.results);
                if self.percent(30) {
                    self.statement();
                }
            }
            Recursion::Tail => {
                self.arguments_again();
                self.emit(Op::Tailcall, &[start]);
            }
        }
        if let Some(base) = base {
            self.land(base);
        }
        for at in std::mem::take(&mut self.ahead) {
            self.land(at);
        }
        // In place of a callee's results: its call.
        let same = (self.own + 1..self.subroutines.len())
            .find(|&callee| self.subroutines[callee].typ.results == typ.results);
        if let Some(callee) = same
            && self.percent(25)
        {
            self.arguments(callee);
            let at = match self.below(2) {
                0 => self.emit(Op::Tailcall, &[0]),
                _ => {
                    let at = self.emit(Op::Push, &[0]);
                    self.emit(Op::Tailcallto, &[(COMMON + callee) as i64]);
                    at
                }
            };
            self.writer.patches.push(Patch::Subroutine(at, COMMON + callee));
            return;
        }
        for _ in 0..typ.results {
            self.expression(0);
        }
        self.emit(Op::Ret, &[]);
    }

    /// Pushes the arguments of a call of itself, one less to go.
    fn arguments_again(&mut self) {
        self.emit(Op::Get, &[0]);
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        for _ in 1..self.subroutines[self.own].typ.arguments {
            self.expression(2);
        }
    }

    fn arguments(&mut self, callee: usize) {
        let Subroutine { typ, recursion } = self.subroutines[callee];
        for argument in 0..typ.arguments {
            if argument == 0 && recursion != Recursion::Never {
                let depth = match self.below(40) {
                    0 => 1 << 30,
                    1 => 3000,
                    _ => self.below(9),
                };
                self.writer.push(depth);
            } else if self.starts.is_empty() {
                self.writer.leaf();
            } else {
                self.expression(2);
            }
        }
    }

    /// A call with its arguments, in one of three ways.
    fn call(&mut self, callee: usize, any_way: bool) {
        self.arguments(callee);
        let typ = (COMMON + callee) as i64;
        let way = if any_way { self.below(10) } else { 0 };
        let at = match way {
            0..7 => self.emit(Op::Call, &[0]),
            7 | 8 => {
                let at = self.emit(Op::Push, &[0]);
                self.emit(Op::Callto, &[typ]);
                at
            }
            _ => {
                let at = self.emit(Op::Push, &[0]);
                self.writer.store_word(39);
                self.writer.push(39);
                self.emit(Op::Calltable, &[typ, 2]);
                at
            }
        };
        self.writer.patches.push(Patch::Subroutine(at, COMMON + callee));
    }

    /// Takes results off the operands, into variables mostly.
    fn take(&mut self, results: u16) {
        for _ in 0..results {
            if self.percent(70) {
                let variable = self.variable();
                self.emit(Op::Set, &[variable]);
            } else {
                self.emit(Op::Drop, &[]);
            }
        }
    }

    /// Pushes one word.
    fn expression(&mut self, depth: u64) {
        if depth >= 3 || self.percent(30) {
            return self.leaf();
        }
        match self.below(20) {
            0..9 => self.arithmetic(depth),
            9..12 => self.float(depth),
            12 => {
                for _ in 0..3 {
                    self.expression(depth + 1);
                }
                self.emit(Op::Select, &[]);
            }
            13..16 => self.load(depth),
            16 => {
                let fields = [(2, 64), (2, 64), (5, 8), (6, 8), (0, 19), (1, 40), (3, 4)];
                let (memory, words) = self.writer.random.pick(&fields);
                if self.percent(15) {
                    let variable = self.variable();
                    self.emit(Op::Get, &[variable]);
                    self.writer.push(3);
                    self.emit(Op::And, &[]);
                } else {
                    self.writer.push(memory);
                }
                let word = self.below(words);
                self.writer.push(word);
                self.emit(Op::Mempush, &[]);
            }
            17 => self.stack_loop(depth),
            18 => {
                self.writer.push(0);
                self.writer.push(100);
                self.emit(Op::Random, &[]);
            }
            _ => {
                let callee = self.own + 1;
                if callee < self.subroutines.len()
                    && self.subroutines[callee].typ.results == 1
                    && self.calls < 3
                {
                    self.calls += 1;
                    self.call(callee, true);
                } else {
                    self.leaf();
                }
            }
        }
    }

    fn leaf(&mut self) {
        match self.below(10) {
            0..6 => {
                let slots = i64::from(self.subroutines[self.own].typ.arguments)
                    + i64::from(self.subroutines[self.own].typ.locals);
                let slot = self.below(slots.cast_unsigned()).cast_signed();
                self.emit(Op::Get, &[slot]);
            }
            6 => {
                let constant = self.below(4 + CONSTANTS.len() as u64).cast_signed();
                self.emit(Op::Const, &[constant]);
            }
            7 => self.writer.leaf(),
            8 => {
                let word = self.writer.random.word();
                self.writer.push(word);
            }
            _ => {
                let word = self.below(32).cast_signed();
                self.writer.load_word(word);
            }
        }
    }

    fn arithmetic(&mut self, depth: u64) {
        let code = self.writer.random.within(Op::Add as u64, Op::Extend16s32 as u64 + 1);
        let op = Op::from_byte(code as u8).unwrap_or(Op::Add);
        for _ in 0..op.info().pops {
            self.expression(depth + 1);
        }
        let divides = op.info().traps.contains(&keyvm_isa::Trap::DivideByZero);
        if divides && self.percent(95) {
            // Neither 0 nor -1, mostly.
            self.writer.push(1);
            self.emit(Op::Or, &[]);
        }
        self.emit(op, &[]);
    }

    fn float(&mut self, depth: u64) {
        let code = self.writer.random.within(Op::Fadd as u64, Op::Demote as u64 + 1);
        let mut op = Op::from_byte(code as u8).unwrap_or(Op::Fadd);
        if !op.info().traps.is_empty() && self.percent(90) {
            op = self.writer.random.pick(&[Op::Ftoisat, Op::F32tousat, Op::Itof, Op::I32tof32, Op::Demote]);
        }
        for _ in 0..op.info().pops {
            self.expression(depth + 1);
        }
        self.emit(op, &[]);
    }

    /// A place to load from or to store to, on the operands and as an offset. Near the bounds, and seldom past them.
    fn place(&mut self, width: u64, depth: u64) -> (i64, i64) {
        let memory = self.writer.random.pick(&[2, 2, 2, 2, 5, 6]);
        // Pages are as long as 0, 8, 64 or 600 words.
        let bytes = if memory == 2 { DATA_WORDS * 8 } else { 64 };
        match self.below(20) {
            0 => {
                let past = self.below(12);
                self.writer.push(bytes - width - 4 + past);
                (memory, 0)
            }
            1 => {
                self.writer.push(bytes - width);
                (memory, 0)
            }
            2 => {
                self.expression(depth + 1);
                (memory, self.below(40).cast_signed())
            }
            3..8 => {
                let at = self.below(bytes - width + 1);
                let offset = self.below(at + 1);
                self.writer.push(at - offset);
                (memory, offset.cast_signed())
            }
            _ => {
                self.expression(depth + 1);
                let mask = self.writer.random.pick(&[24, 31, 56]);
                self.writer.push(mask);
                self.emit(Op::And, &[]);
                (memory, self.below(4).cast_signed())
            }
        }
    }

    fn load(&mut self, depth: u64) {
        if self.percent(25) {
            let op = self.writer.random.pick(&[Op::Load8at, Op::Load16at, Op::Load32at, Op::Load64at]);
            let memory = self.writer.random.pick(&[2, 2, 5, 1, 0]);
            let offset = self.below(40).cast_signed();
            self.emit(op, &[memory, offset]);
            return;
        }
        let (op, width) = self.writer.random.pick(&LOADS);
        let (memory, offset) = self.place(width, depth);
        self.emit(op, &[memory, offset]);
    }

    fn store(&mut self) {
        if self.percent(25) {
            self.expression(1);
            let op = self.writer.random.pick(&[Op::Store8at, Op::Store16at, Op::Store32at, Op::Store64at]);
            let memory = self.writer.random.pick(&[2, 2, 5, 6]);
            let offset = self.below(40).cast_signed();
            self.emit(op, &[memory, offset]);
            return;
        }
        if self.percent(15) {
            let (memory, words) = self.writer.random.pick(&[(2, 30), (2, 30), (5, 8), (6, 8)]);
            self.writer.push(memory);
            let word = self.below(words);
            self.writer.push(word);
            self.expression(1);
            self.emit(Op::Memwrite, &[]);
            return;
        }
        let (op, width) =
            self.writer.random.pick(&[(Op::Store8, 1), (Op::Store16, 2), (Op::Store32, 4), (Op::Store64, 8)]);
        let (memory, offset) = self.place(width, 1);
        self.expression(1);
        // What counts loops and names slots stays.
        self.emit(op, &[memory, offset]);
    }

    /// A loop whose values are operands; it leaves one.
    fn stack_loop(&mut self, depth: u64) {
        self.expression(depth + 1);
        let turns = self.writer.random.within(1, 12);
        self.writer.push(turns);
        let top = self.here();
        self.emit(Op::Swap, &[]);
        let float = [Op::Fadd, Op::Fsub, Op::Fmul, Op::Fdiv, Op::Fmin, Op::Fcopysign, Op::Fadd32, Op::Fmax32];
        let whole = [Op::Add, Op::Xor, Op::Mul, Op::Rotl, Op::Sub32, Op::Shr32];
        for _ in 0..self.writer.random.within(1, 3) {
            self.leaf();
            let op = if self.percent(60) {
                self.writer.random.pick(&float)
            } else {
                self.writer.random.pick(&whole)
            };
            self.emit(op, &[]);
            if self.percent(20) {
                let op = self.writer.random.pick(&[Op::Fneg, Op::Fabs, Op::Fsqrt, Op::Not, Op::Fneg32]);
                self.emit(op, &[]);
            }
        }
        self.emit(Op::Swap, &[]);
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        self.emit(Op::Dup, &[]);
        self.emit(Op::Jumpif, &[top]);
        self.emit(Op::Drop, &[]);
    }

    /// Something that leaves the operands as they are.
    fn statement(&mut self) {
        if self.below(100) < self.writer.taste.kernel {
            return self.writer.kernel();
        }
        match self.below(24) {
            0..5 => {
                self.expression(0);
                let variable = self.variable();
                self.emit(Op::Set, &[variable]);
            }
            5..8 => self.store(),
            8..12 if self.nesting < COUNTERS => self.counted_loop(),
            12..17 => self.call_statement(),
            17 => {
                self.expression(1);
                let op = self.writer.random.pick(&[Op::Jumpz, Op::Jumpif]);
                let over = self.emit(op, &[0]);
                self.statement();
                if self.percent(50) {
                    let end = self.emit(Op::Jump, &[0]);
                    self.land(over);
                    self.statement();
                    self.land(end);
                } else {
                    self.land(over);
                }
            }
            18 => self.switch(),
            19 => {
                let at = self.emit(Op::Push, &[0]);
                self.emit(Op::Jumpto, &[]);
                self.land(at);
            }
            20 if self.percent(40) => self.writer.bulk(),
            22 => self.leap(),
            21 => {
                self.expression(1);
                self.emit(Op::Dup, &[]);
                let variable = self.variable();
                self.emit(Op::Set, &[variable]);
                self.emit(Op::Pick, &[0]);
                self.emit(Op::Put, &[0]);
                let variable = self.variable();
                self.emit(Op::Set, &[variable]);
            }
            _ => {
                self.expression(0);
                let word = self.below(32).cast_signed();
                self.writer.store_word(word);
            }
        }
    }

    fn counted_loop(&mut self) {
        let typ = self.subroutines[self.own].typ;
        let counter = i64::from(typ.arguments) + i64::from(typ.locals) - 1 - i64::from(self.nesting);
        if self.percent(15) {
            self.leap();
        }
        self.nesting += 1;
        let turns = self.writer.random.within(1, 14);
        self.writer.push(turns);
        self.emit(Op::Set, &[counter]);
        let top = self.here();
        for _ in 0..self.writer.random.within(1, 4) {
            self.statement();
            if self.percent(40) {
                self.door();
            }
        }
        self.emit(Op::Get, &[counter]);
        self.writer.push(1);
        self.emit(Op::Sub, &[]);
        self.emit(Op::Tee, &[counter]);
        self.emit(Op::Jumpif, &[top]);
        self.nesting -= 1;
        if self.percent(15) {
            self.leap();
        }
    }

    /// A place in the middle of a loop that control may come to from outside.
    fn door(&mut self) {
        let here = self.here();
        self.doors.push(here);
        for at in std::mem::take(&mut self.ahead) {
            self.land(at);
        }
    }

    /// Goes into the middle of a loop, before or behind, with some turns to go: now and then, so that it ends.
    fn leap(&mut self) {
        self.writer.push(0);
        self.writer.push(2);
        self.emit(Op::Random, &[]);
        self.expression(2);
        self.emit(Op::And, &[]);
        let over = self.emit(Op::Jumpz, &[0]);
        let typ = self.subroutines[self.own].typ;
        let last = i64::from(typ.arguments) + i64::from(typ.locals) - 1;
        for counter in 0..i64::from(COUNTERS) {
            let turns = self.writer.random.within(1, 9);
            self.writer.push(turns);
            self.emit(Op::Set, &[last - counter]);
        }
        if self.doors.is_empty() || self.percent(40) {
            let at = self.emit(Op::Jump, &[0]);
            self.ahead.push(at);
        } else {
            let door = self.writer.random.index(self.doors.len());
            self.emit(Op::Jump, &[self.doors[door]]);
        }
        self.land(over);
    }

    fn call_statement(&mut self) {
        let first = self.own + 1;
        if first >= self.subroutines.len() || self.calls >= 4 {
            return self.store();
        }
        self.calls += 1;
        let callee = if self.percent(70) {
            first
        } else {
            first + self.writer.random.index(self.subroutines.len() - first)
        };
        self.call(callee, true);
        let results = self.subroutines[callee].typ.results;
        self.take(results);
    }

    fn switch(&mut self) {
        self.expression(1);
        if self.percent(70) {
            self.writer.push(3);
            self.emit(Op::And, &[]);
        }
        let table = self.writer.parts.switches.len();
        self.emit(Op::Switch, &[table as i64]);
        self.writer.parts.switches.push(Vec::new());
        let (mut targets, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..self.writer.random.within(1, 5) {
            targets.push(self.here().cast_unsigned());
            self.expression(2);
            let variable = self.variable();
            self.emit(Op::Set, &[variable]);
            ends.push(self.emit(Op::Jump, &[0]));
        }
        for end in ends {
            self.land(end);
        }
        self.writer.parts.switches[table] = targets;
    }

    fn finish(mut self) -> CodeParts {
        let patches = std::mem::take(&mut self.writer.patches);
        for patch in patches {
            let Patch::Subroutine(at, which) = patch;
            match which.checked_sub(COMMON) {
                Some(own) => self.set_target(at, self.starts[own]),
                None => self.writer.patches.push(patch),
            }
        }
        self.writer.subroutines();
        self.writer.parts
    }
}
