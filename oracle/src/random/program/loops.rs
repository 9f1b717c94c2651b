//! Programs that loop in ways that are hard on a compiler: cycles that are entered at several places, addresses and
//! strides near the ends of memories and of numbers, memories that change their length in a callee, recursion until the
//! stack has no room.

mod address;
mod routines;

use super::{Taste, Writer};
use crate::random::Random;
use crate::random::code::Emit;
use keyvm_isa::Op;
use keyvm_isa::code::{CodeParts, FuncType};

/// A program that loops, in subroutines, over memories of about so many words, and does the same again so many times.
pub fn loops(random: &mut Random, words: u64, turns: u64) -> CodeParts {
    let taste = Taste {
        length: 0,
        kernel: random.pick(&[0, 0, 0, 4, 10]),
        violent: random.percent(10),
        bulk: random.percent(5),
    };
    let mut writer = Writer::new(random, taste);
    let first_type = writer.parts.types.len() as i64;
    writer.parts.types.extend(Routine::ALL.map(Routine::typ));
    let mut looper = Looper {
        writer,
        bytes: words * 8,
        first_type,
        starts: Vec::new(),
        calls: Vec::new(),
        around: Vec::new(),
        doors: Vec::new(),
        ahead: Vec::new(),
        budget: 0,
    };
    looper.main(turns);
    for routine in Routine::ALL {
        let start = looper.here();
        looper.starts.push(start);
        looper.emit(Op::Func, &[first_type + routine as i64]);
        looper.routine(routine);
    }
    looper.finish()
}

/// The subroutines, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Routine {
    /// Calls the one that loops, so that this is two calls deep.
    Outer,
    /// Loops.
    Walk,
    /// Calls nothing.
    Leaf,
    /// Calls the leaf.
    Middle,
    /// Gives memories another length.
    Resize,
    /// Calls itself, with a loop on its way.
    Dive,
}

impl Routine {
    const ALL: [Self; 6] = [Self::Outer, Self::Walk, Self::Leaf, Self::Middle, Self::Resize, Self::Dive];

    const fn typ(self) -> FuncType {
        let (arguments, results, locals) = match self {
            Self::Outer => (2, 1, 1),
            Self::Walk => (3, 1, COUNTERS as u32 + NESTING as u32 - 3),
            Self::Leaf => (2, 1, 0),
            Self::Middle => (2, 1, 1),
            Self::Resize => (1, 0, 0),
            Self::Dive => (1, 1, 2),
        };
        FuncType { arguments, results, locals }
    }
}

/// Slots of the subroutine that loops.
const SUM: i64 = 0;
/// Two that are addresses, mostly.
const AT: i64 = 1;
const OTHER: i64 = 2;
/// Two that seldom change.
const STRIDE: i64 = 3;
const FACTOR: i64 = 4;
const FLOATS: [i64; 2] = [5, 6];
/// How often control may still go anywhere.
const LUCK: i64 = 7;
/// First of those that count loops, by how deep they are nested.
const COUNTERS: i64 = 8;
const NESTING: usize = 3;
const SLOTS: [i64; 10] = [SUM, AT, AT, AT, OTHER, OTHER, STRIDE, FACTOR, COUNTERS, COUNTERS + 1];

/// Words that are hard on arithmetic: of addresses, of strides, of floats.
const HARD: [u64; 14] = [
    1 << 31,
    1 << 32,
    0x4000_0001,
    1 << 52,
    1 << 60,
    1 << 61,
    1 << 63,
    i64::MAX as u64,
    0xf000_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff8_0000_dead_beef,
    0xfff0_0000_0000_0001,
    0xffff_ffff_7fc0_1234,
    0x8000_0000_0000_0000,
];

/// A loop that is being written.
struct Around {
    /// Where it begins.
    top: i64,
    /// Jumps to behind it.
    breaks: Vec<usize>,
    /// Jumps to what ends a turn.
    continues: Vec<usize>,
}

struct Looper<'r> {
    writer: Writer<'r>,
    bytes: u64,
    /// The type of the first routine.
    first_type: i64,
    starts: Vec<i64>,
    /// Instructions that name a routine's start.
    calls: Vec<(usize, Routine)>,
    around: Vec<Around>,
    /// Places inside loops that control may go to.
    doors: Vec<i64>,
    /// Jumps to such places that are not there yet.
    ahead: Vec<usize>,
    /// Statements that may still be written.
    budget: u32,
}

impl Emit for Looper<'_> {
    fn parts(&mut self) -> &mut CodeParts {
        self.writer.parts()
    }
}

impl Looper<'_> {
    fn percent(&mut self, of: u64) -> bool {
        self.writer.random.percent(of)
    }

    fn below(&mut self, range: u64) -> u64 {
        self.writer.random.below(range)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.writer.random.pick(from)
    }

    /// Pushes any word.
    fn word(&mut self, word: u64) {
        if (word << 8).cast_signed() >> 8 == word.cast_signed() {
            self.writer.push(word);
        } else {
            let constants = &mut self.writer.parts.constants;
            let at = constants.iter().position(|&constant| constant == word).unwrap_or_else(|| {
                constants.push(word);
                constants.len() - 1
            });
            self.emit(Op::Const, &[at as i64]);
        }
    }

    /// `slot op= word`, where the word is a constant.
    fn change(&mut self, slot: i64, op: Op, word: u64) {
        self.emit(Op::Get, &[slot]);
        self.word(word);
        self.emit(op, &[]);
        self.emit(Op::Set, &[slot]);
    }

    fn call(&mut self, routine: Routine) {
        let at = if self.percent(85) {
            self.emit(Op::Call, &[0])
        } else {
            let at = self.emit(Op::Push, &[0]);
            self.emit(Op::Callto, &[self.first_type + routine as i64]);
            at
        };
        self.calls.push((at, routine));
    }

    /// A loop, whose body is what `body` writes.
    fn cycle(&mut self, nesting: usize, body: &mut dyn FnMut(&mut Self)) {
        let counter = COUNTERS + nesting as i64;
        let turns =
            if nesting == 0 { self.pick(&[3, 17, 40, 70, 200]) } else { self.pick(&[1, 3, 9, 17, 30]) };
        let form = self.below(6);
        if form < 4 {
            self.word(turns);
            self.emit(Op::Set, &[counter]);
        }
        if self.percent(40) {
            self.start();
            let slot = self.pick(&[AT, OTHER]);
            self.emit(Op::Set, &[slot]);
        }
        // Control may come from before the loop into its middle.
        if self.percent(20) {
            self.leap();
        }
        let top = self.here();
        self.around.push(Around { top, breaks: Vec::new(), continues: Vec::new() });
        let tested = (form == 4).then(|| {
            self.emit(Op::Get, &[AT]);
            self.near_end();
            self.emit(Op::Lt, &[]);
            self.emit(Op::Jumpz, &[0])
        });
        body(self);
        let Around { breaks, continues, .. } = self.around.pop().expect("it was pushed");
        continues.into_iter().for_each(|at| self.land(at));
        self.step();
        match form {
            0..3 => {
                self.emit(Op::Get, &[counter]);
                self.writer.push(1);
                self.emit(Op::Sub, &[]);
                self.emit(Op::Tee, &[counter]);
                self.emit(Op::Jumpif, &[top]);
            }
            // It counts up to a word that does not change.
            3 => {
                self.change(counter, Op::Sub, 1);
                self.emit(Op::Get, &[counter]);
                self.writer.push(0);
                self.emit(Op::Gts, &[]);
                self.emit(Op::Jumpif, &[top]);
            }
            4 => {
                self.emit(Op::Jump, &[top]);
            }
            _ => {
                self.emit(Op::Get, &[AT]);
                self.near_end();
                let op = self.pick(&[Op::Lt, Op::Lt, Op::Lts, Op::Le, Op::Ne]);
                self.emit(op, &[]);
                self.emit(Op::Jumpif, &[top]);
            }
        }
        breaks.into_iter().chain(tested).for_each(|at| self.land(at));
    }

    /// What ends a turn of a loop.
    fn step(&mut self) {
        let slot = self.pick(&[AT, AT, AT, AT, OTHER]);
        match self.below(8) {
            0 => self.assign(slot, STRIDE),
            1 => self.assign(slot, OTHER),
            _ => {
                let by = self.stride();
                self.change(slot, Op::Add, by);
            }
        }
        if self.percent(40) {
            if self.percent(40) {
                self.assign(OTHER, STRIDE);
            } else {
                let by = self.stride();
                self.change(OTHER, Op::Add, by);
            }
        }
    }

    /// `slot += from`.
    fn assign(&mut self, slot: i64, from: i64) {
        self.emit(Op::Get, &[slot]);
        self.emit(Op::Get, &[from]);
        self.emit(Op::Add, &[]);
        self.emit(Op::Set, &[slot]);
    }

    /// A place inside a loop that control may come to from anywhere: where jumps ahead land, and later ones go back to.
    fn door(&mut self) {
        let here = self.here();
        self.doors.push(here);
        for at in std::mem::take(&mut self.ahead) {
            if self.percent(60) {
                self.land(at);
            } else {
                self.ahead.push(at);
            }
        }
    }

    /// Goes into the middle of some loop, before or behind: as often as luck has it.
    fn leap(&mut self) {
        let mut over = None;
        if self.percent(85) {
            self.emit(Op::Get, &[LUCK]);
            over = Some(self.emit(Op::Jumpz, &[0]));
            self.change(LUCK, Op::Sub, 1);
        }
        self.condition();
        if self.percent(50) || self.doors.is_empty() {
            let at = self.emit(Op::Jumpif, &[0]);
            self.ahead.push(at);
        } else {
            let doors = self.doors.clone();
            let door = self.pick(&doors);
            self.emit(Op::Jumpif, &[door]);
        }
        over.into_iter().for_each(|over| self.land(over));
    }

    /// A word that is 0 now and then.
    fn condition(&mut self) {
        match self.below(4) {
            0 => {
                let slot = self.pick(&SLOTS);
                self.emit(Op::Get, &[slot]);
                self.near_end();
                let op = self.pick(&[Op::Lt, Op::Gt, Op::Lts, Op::Eq]);
                self.emit(op, &[]);
            }
            1 => {
                self.emit(Op::Get, &[FLOATS[0]]);
                self.emit(Op::Get, &[FLOATS[1]]);
                let op = self.pick(&[Op::Flt, Op::Fge, Op::Fne, Op::Feq]);
                self.emit(op, &[]);
            }
            _ => {
                let slot = self.pick(&SLOTS);
                self.emit(Op::Get, &[slot]);
                let mask = self.pick(&[1, 3, 8, 15, 64]);
                self.writer.push(mask);
                self.emit(Op::And, &[]);
            }
        }
    }

    /// Some statements of a loop's body.
    fn body(&mut self, nesting: usize) {
        for _ in 0..self.writer.random.within(1, 5) {
            self.statement(nesting);
            if self.percent(20) {
                self.door();
            }
        }
    }

    /// Something that leaves the operands as they are, mostly.
    fn statement(&mut self, nesting: usize) {
        if self.budget == 0 {
            return self.store();
        }
        self.budget -= 1;
        if self.below(100) < self.writer.taste.kernel {
            return self.writer.kernel();
        }
        match self.below(33) {
            0..4 => self.add(),
            4..8 => self.store(),
            8..11 if nesting + 1 < NESTING => {
                self.cycle(nesting + 1, &mut |looper| looper.body(nesting + 1));
            }
            11 | 12 => {
                self.condition();
                let over = self.emit(Op::Jumpif, &[0]);
                self.statement(nesting);
                self.land(over);
            }
            13 => {
                let slot = self.pick(&[AT, OTHER, FACTOR, STRIDE]);
                let by = self.stride();
                self.change(slot, Op::Add, by);
            }
            14..17 => self.call_statement(),
            17 => {
                let memory = self.memory();
                self.emit(Op::Get, &[SUM]);
                self.emit(Op::Size, &[memory]);
                self.emit(Op::Add, &[]);
                self.emit(Op::Set, &[SUM]);
            }
            18 | 19 => self.leave(),
            20 | 21 => self.switch(nesting),
            22 | 23 => self.leap(),
            24..27 => self.float(),
            27 => self.irreducible(),
            28 => self.operand_loop(nesting),
            29 => self.many_stores(),
            _ => self.index(),
        }
    }

    /// Ends a turn, or a loop, early: this one or one around it.
    fn leave(&mut self) {
        if self.around.is_empty() {
            return self.add();
        }
        let which = self.writer.random.index(self.around.len());
        self.condition();
        match self.below(3) {
            0 => {
                let top = self.around[which].top;
                self.emit(Op::Jumpif, &[top]);
            }
            1 => {
                let at = self.emit(Op::Jumpz, &[0]);
                self.around[which].continues.push(at);
            }
            _ => {
                let at = self.emit(Op::Jumpz, &[0]);
                self.around[which].breaks.push(at);
            }
        }
    }

    /// A switch some of whose ways leave the loop, or go into another.
    fn switch(&mut self, nesting: usize) {
        let slot = self.pick(&SLOTS);
        self.emit(Op::Get, &[slot]);
        let mask = self.pick(&[3, 7, 255]);
        self.writer.push(mask);
        self.emit(Op::And, &[]);
        let table = self.writer.parts.switches.len();
        self.emit(Op::Switch, &[table as i64]);
        self.writer.parts.switches.push(Vec::new());
        let (mut targets, mut ends) = (Vec::new(), Vec::new());
        if self.percent(50) {
            ends.push(self.emit(Op::Jump, &[0]));
        }
        for _ in 0..self.writer.random.within(1, 5) {
            let way = self.below(10);
            if way == 0 && !self.doors.is_empty() {
                let doors = self.doors.clone();
                targets.push(self.pick(&doors).cast_unsigned());
                continue;
            }
            targets.push(self.here().cast_unsigned());
            if way > 6 {
                self.leave();
            } else {
                self.statement(nesting);
            }
            // Or on into the next.
            if self.percent(70) {
                ends.push(self.emit(Op::Jump, &[0]));
            }
        }
        ends.into_iter().for_each(|end| self.land(end));
        self.writer.parts.switches[table] = targets;
    }

    /// Two pieces that go round between each other, either of which may be the first.
    fn irreducible(&mut self) {
        self.condition();
        let second = self.emit(Op::Jumpif, &[0]);
        let first = self.here();
        self.add();
        if !self.around.is_empty() && self.percent(50) {
            self.leave();
        }
        self.land(second);
        self.door();
        self.store();
        // As often as luck has it, so that it ends mostly.
        let over = self.percent(80).then(|| {
            self.emit(Op::Get, &[LUCK]);
            let over = self.emit(Op::Jumpz, &[0]);
            self.change(LUCK, Op::Sub, 1);
            over
        });
        self.condition();
        self.emit(Op::Jumpif, &[first]);
        over.into_iter().for_each(|over| self.land(over));
    }

    fn finish(mut self) -> CodeParts {
        for (at, routine) in std::mem::take(&mut self.calls) {
            self.set_target(at, self.starts[routine as usize]);
        }
        // Statements about keys may call what every program has.
        self.writer.subroutines();
        self.writer.parts
    }
}
