//! Random code.
//!
//! A program is made of statements that leave the operands as they found them, and expressions that push one word.
//! Slots of keys that it makes are kept in its data, by kind, so that later statements can use them; the slots that a
//! [`scene`](super::scene) fills are known by the same kinds.

mod compute;
mod kernel;
mod loops;

pub use compute::compute;
pub use loops::loops;

use super::Random;
use super::code::{self, Emit};
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::{Flow, Insn, OPS, Op};

/// What a slot holds, by the convention of programs and scenes. The number is the slot that a scene fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Slot {
    /// A data page.
    Page = 1,
    /// Another, or the same.
    OtherPage = 2,
    /// A key page.
    KeyPage = 3,
    /// A process.
    Process = 4,
    /// Another, or the same.
    OtherProcess = 5,
    /// A standing meter.
    Meter = 6,
    /// A code page.
    Code = 7,
    /// A host.
    Host = 8,
    /// A gate.
    Gate = 9,
    /// A brand.
    Brand = 10,
    /// Anything, through a gate.
    Gated = 11,
}

/// All of them.
pub const SLOTS: [Slot; 11] = [
    Slot::Page,
    Slot::OtherPage,
    Slot::KeyPage,
    Slot::Process,
    Slot::OtherProcess,
    Slot::Meter,
    Slot::Code,
    Slot::Host,
    Slot::Gate,
    Slot::Brand,
    Slot::Gated,
];

/// Words of data that programs count on.
pub const DATA_WORDS: u64 = 64;
/// First of the words that hold slot numbers.
const SLOT_WORDS: i64 = 40;
/// First of the words that count loops.
const COUNTERS: i64 = 32;
/// The word that counts the turns of a main program.
const TURNS: i64 = 55;

/// What a program may do.
#[derive(Clone, Copy, Debug)]
pub struct Taste {
    /// Statements at the top.
    pub length: u64,
    /// Of 100 statements, how many are about keys, pages, processes and meters.
    pub kernel: u64,
    /// Whether it destroys, revokes, stops and lowers limits.
    pub violent: bool,
    /// Whether it moves thousands of words at once.
    pub bulk: bool,
}

impl Taste {
    /// Any.
    pub fn random(random: &mut Random) -> Self {
        Self {
            length: random.within(2, 14),
            kernel: random.pick(&[0, 20, 50, 80]),
            violent: random.percent(40),
            bulk: random.percent(5),
        }
    }
}

/// A program that does something.
pub fn program(random: &mut Random, taste: Taste) -> CodeParts {
    let mut writer = Writer::new(random, taste);
    for _ in 0..taste.length {
        writer.statement(0);
    }
    writer.ending();
    writer.subroutines();
    writer.parts
}

/// Words that are mostly no program.
pub fn noise(random: &mut Random) -> CodeParts {
    let length = random.within(1, 60);
    let instructions = (0..length)
        .map(|_| match random.below(4) {
            0 => random.next(),
            1 => random.below(256),
            _ => any_instruction(random),
        })
        .collect();
    let types = vec![FuncType::from_word(random.next() & 0x0000_0007_0003_0003)];
    CodeParts { instructions, constants: vec![random.next()], types, switches: vec![vec![random.below(60)]] }
}

/// A program with some words spoilt.
pub fn mutated(random: &mut Random, taste: Taste) -> CodeParts {
    let mut parts = program(random, taste);
    let length = parts.instructions.len();
    for _ in 0..random.within(1, 6) {
        let at = random.index(length);
        match random.below(4) {
            0 => parts.instructions[at] ^= 1 << random.below(64),
            1 => parts.instructions[at] = any_instruction(random),
            2 => parts.instructions.swap(at, random.index(length)),
            _ => {
                parts.instructions.remove(at);
                parts.instructions.push(0);
            }
        }
    }
    parts
}

/// Any of the three, programs mostly.
pub fn any(random: &mut Random) -> CodeParts {
    let taste = Taste::random(random);
    match random.below(10) {
        0 => noise(random),
        1 | 2 => mutated(random, taste),
        _ => program(random, taste),
    }
}

/// Any instruction, its immediates small mostly.
pub(super) fn any_instruction(random: &mut Random) -> u64 {
    let info = &OPS[random.index(OPS.len())];
    let imms: Vec<i64> = info
        .imms
        .iter()
        .map(|imm| {
            let small = random.below(16);
            let any = random.next() & ((1 << (imm.kind.bits() - 1)) - 1);
            if random.percent(90) { small } else { any }.cast_signed()
        })
        .collect();
    Insn::encode(info.op, &imms).expect("the immediates fit")
}

/// A place in the code that is filled in when the target is known.
enum Patch {
    /// The immediate of the instruction at the index is the start of this subroutine.
    Subroutine(usize, usize),
}

struct Writer<'r> {
    random: &'r mut Random,
    taste: Taste,
    parts: CodeParts,
    loops: i64,
    patches: Vec<Patch>,
}

impl Emit for Writer<'_> {
    fn parts(&mut self) -> &mut CodeParts {
        &mut self.parts
    }
}

impl<'r> Writer<'r> {
    fn new(random: &'r mut Random, taste: Taste) -> Self {
        let constants = (0..4).map(|_| random.word()).collect();
        let types = vec![
            FuncType { arguments: 1, results: 1, locals: 2 },
            FuncType { arguments: 2, results: 1, locals: 0 },
            FuncType { arguments: 1, results: 1, locals: 0 },
            FuncType { arguments: 2, results: 2, locals: 1 },
        ];
        let parts = CodeParts { constants, types, ..CodeParts::default() };
        Self { random, taste, parts, loops: 0, patches: Vec::new() }
    }

    fn push(&mut self, value: u64) {
        self.emit(Op::Push, &[code::short(value)]);
    }

    fn load_word(&mut self, index: i64) {
        self.emit(Op::Load64at, &[2, index * 8]);
    }

    fn store_word(&mut self, index: i64) {
        self.emit(Op::Store64at, &[2, index * 8]);
    }

    /// Keeps the slot on the operands for later.
    fn remember(&mut self, slot: Slot) {
        self.store_word(SLOT_WORDS + slot as i64);
    }

    /// Pushes the number of a slot that may hold that.
    fn slot(&mut self, slot: Slot) {
        match self.random.below(60) {
            0 => {
                let any = self.random.below(16);
                self.push(any);
            }
            1 => self.expression(2),
            2..30 => self.push(slot as u64),
            _ => self.load_word(SLOT_WORDS + slot as i64),
        }
    }

    fn any_slot(&mut self) {
        let slot = self.random.pick(&SLOTS);
        self.slot(slot);
    }

    /// Pushes one word.
    fn expression(&mut self, depth: u64) {
        if depth >= 4 || self.random.percent(20) {
            return self.leaf();
        }
        match self.random.below(12) {
            0..7 => self.arithmetic(depth),
            7 => {
                for _ in 0..3 {
                    self.expression(depth + 1);
                }
                self.op(Op::Select);
            }
            8 => {
                // A load from the data, its address mostly inside.
                self.expression(depth + 1);
                self.push(DATA_WORDS * 8 - 9);
                self.op(Op::And);
                let op = self.random.pick(&[Op::Load8, Op::Load16s, Op::Load32, Op::Load64, Op::Load8s32]);
                let offset = self.random.below(8) as i64;
                self.emit(op, &[2, offset]);
            }
            9 => {
                let low = self.random.below(5);
                self.push(low);
                let high = self.random.within(4, 100);
                self.push(high);
                self.op(Op::Random);
            }
            10 => self.call(depth),
            _ => {
                let field = self.random.below(20);
                let memory = self.random.pick(&[0, 0, 0, 1, 2, 3, 5, 6]);
                self.push(memory);
                self.push(field);
                self.op(Op::Mempush);
            }
        }
    }

    fn leaf(&mut self) {
        match self.random.below(8) {
            0..3 => {
                let word = self.random.word();
                self.push(word);
            }
            3 => {
                let constant = self.random.below(4) as i64;
                self.emit(Op::Const, &[constant]);
            }
            4 | 5 => {
                let word = self.random.below(32) as i64;
                self.load_word(word);
            }
            6 => {
                let memory = self.random.pick(&[0, 1, 2, 3, 5]);
                self.emit(Op::Size, &[memory]);
            }
            _ => {
                let op = self.random.pick(&[Op::Height, Op::Numkeys, Op::Memsize]);
                self.op(op);
            }
        }
    }

    /// Any instruction of arithmetic, with its operands.
    fn arithmetic(&mut self, depth: u64) {
        let first = Op::Add as usize;
        let info = loop {
            let code = self.random.within(first as u64, Op::Demote as u64 + 1);
            let op = Op::from_byte(code as u8).expect("arithmetic has no holes");
            if op.info().flow == Flow::Next {
                break op.info();
            }
        };
        for _ in 0..info.pops {
            self.expression(depth + 1);
        }
        let divides = matches!(
            info.op,
            Op::Div | Op::Divs | Op::Rem | Op::Rems | Op::Div32 | Op::Divs32 | Op::Rem32 | Op::Rems32
        );
        if divides && self.random.percent(90) {
            self.push(1);
            self.op(Op::Or);
        }
        let traps = info.traps.contains(&keyvm_isa::Trap::InvalidConversion);
        if traps && self.random.percent(90) {
            self.op(Op::Ftoisat);
            return;
        }
        self.op(info.op);
    }

    /// One word, made by a call of one of the subroutines, in one of the three ways.
    fn call(&mut self, depth: u64) {
        let which = self.random.index(4);
        let arguments = self.parts.types[which].arguments;
        for _ in 0..arguments {
            if which == 2 {
                // It calls itself as many times.
                let times = self.random.below(12);
                self.push(times);
            } else {
                self.expression(depth + 1);
            }
        }
        if self.random.percent(60) {
            let at = self.emit(Op::Call, &[0]);
            self.patches.push(Patch::Subroutine(at, which));
        } else {
            let at = self.emit(Op::Push, &[0]);
            self.patches.push(Patch::Subroutine(at, which));
            if self.random.percent(50) {
                self.emit(Op::Callto, &[which as i64]);
            } else {
                self.store_word(COUNTERS + 7);
                self.push(COUNTERS as u64 + 7);
                self.emit(Op::Calltable, &[which as i64, 2]);
            }
        }
        if self.parts.types[which].results == 2 {
            let op = self.random.pick(&[Op::Add, Op::Xor, Op::Fadd, Op::Drop]);
            self.op(op);
        }
    }

    fn subroutines(&mut self) {
        let mut starts = Vec::new();
        // 0: two locals, a loop.
        starts.push(self.here());
        self.emit(Op::Func, &[0]);
        let turns = self.random.within(1, 9);
        self.push(turns);
        self.emit(Op::Set, &[1]);
        let top = self.here();
        self.emit(Op::Get, &[0]);
        self.leaf();
        let op = self.random.pick(&[Op::Add, Op::Mul, Op::Xor, Op::Fadd, Op::Rotl]);
        self.op(op);
        self.emit(Op::Set, &[0]);
        self.emit(Op::Get, &[1]);
        self.push(1);
        self.op(Op::Sub);
        self.emit(Op::Tee, &[1]);
        self.emit(Op::Jumpif, &[top]);
        self.emit(Op::Get, &[0]);
        self.op(Op::Ret);
        // 1: an expression of two.
        starts.push(self.here());
        self.emit(Op::Func, &[1]);
        self.emit(Op::Get, &[0]);
        self.emit(Op::Pick, &[1]);
        let op = self.random.pick(&[Op::Sub, Op::And, Op::Fmul, Op::Lts, Op::Shr]);
        self.op(op);
        self.op(Op::Ret);
        // 3: two results; calls the two before.
        let three = self.here();
        self.emit(Op::Func, &[3]);
        self.emit(Op::Get, &[0]);
        self.emit(Op::Get, &[1]);
        self.emit(Op::Call, &[starts[1]]);
        self.emit(Op::Tee, &[2]);
        self.leaf();
        let op = self.random.pick(&[Op::Add, Op::Fmul32, Op::Fadd, Op::Div, Op::Xor]);
        self.op(op);
        if self.random.percent(50) {
            self.emit(Op::Tee, &[0]);
            self.store_word(3);
        } else {
            self.emit(Op::Set, &[0]);
        }
        self.emit(Op::Get, &[1]);
        self.push(3);
        self.op(Op::And);
        let over = self.emit(Op::Jumpif, &[0]);
        self.emit(Op::Get, &[2]);
        self.emit(Op::Call, &[starts[0]]);
        self.emit(Op::Set, &[2]);
        self.land(over);
        self.emit(Op::Get, &[2]);
        self.emit(Op::Get, &[0]);
        self.op(Op::Ret);
        // 2: calls itself, plainly or in place.
        let own = self.here();
        starts.push(own);
        self.emit(Op::Func, &[2]);
        self.emit(Op::Get, &[0]);
        let end = self.emit(Op::Jumpz, &[0]);
        self.emit(Op::Get, &[0]);
        self.push(1);
        self.op(Op::Sub);
        if self.random.percent(50) {
            self.emit(Op::Tailcall, &[own]);
        } else {
            self.emit(Op::Call, &[own]);
            self.op(Op::Ret);
        }
        self.land(end);
        self.emit(Op::Get, &[0]);
        self.op(Op::Ret);
        starts.push(three);
        for Patch::Subroutine(at, which) in std::mem::take(&mut self.patches) {
            self.set_target(at, starts[which]);
        }
    }

    /// Something that leaves the operands as they are.
    fn statement(&mut self, depth: u64) {
        if self.random.below(100) < self.taste.kernel {
            return self.kernel();
        }
        match self.random.below(10) {
            0..4 => {
                self.expression(0);
                let word = self.random.below(32) as i64;
                self.store_word(word);
            }
            4 => {
                let address = self.random.below(240);
                self.push(address);
                self.expression(1);
                let op = self.random.pick(&[Op::Store8, Op::Store16, Op::Store32, Op::Store64]);
                let memory = self.random.pick(&[2, 2, 2, 5, 6]);
                self.emit(op, &[memory, 3]);
            }
            5 | 6 if depth < 3 => self.repeat(depth),
            7 => {
                self.expression(1);
                let over = self.emit(Op::Jumpz, &[0]);
                self.statement(depth + 1);
                self.land(over);
            }
            8 => self.bulk(),
            _ => self.branch(depth),
        }
    }

    /// A loop of a few turns.
    fn repeat(&mut self, depth: u64) {
        let counter = COUNTERS + self.loops % 7;
        self.loops += 1;
        let turns = self.random.within(1, 20);
        self.push(turns);
        self.store_word(counter);
        let top = self.here();
        for _ in 0..self.random.within(1, 4) {
            self.statement(depth + 1);
        }
        self.load_word(counter);
        self.push(1);
        self.op(Op::Sub);
        self.op(Op::Dup);
        self.store_word(counter);
        self.emit(Op::Jumpif, &[top]);
    }

    /// A switch or a computed jump.
    fn branch(&mut self, depth: u64) {
        self.expression(2);
        let jump = self.parts.instructions.len();
        let table = self.parts.switches.len();
        self.emit(Op::Switch, &[table as i64]);
        self.parts.switches.push(Vec::new());
        let mut targets = Vec::new();
        let mut ends = Vec::new();
        for _ in 0..self.random.within(1, 4) {
            targets.push(self.here().cast_unsigned());
            if depth < 2 {
                self.statement(depth + 2);
            } else {
                self.op(Op::Nop);
            }
            ends.push(self.emit(Op::Jump, &[0]));
        }
        let here = self.here();
        for end in ends {
            self.set_target(end, here);
        }
        self.parts.switches[table] = targets;
        debug_assert!(jump < self.parts.instructions.len());
    }

    fn bulk(&mut self) {
        let memory = self.random.pick(&[2, 2, 5]);
        match self.random.below(3) {
            0 => {
                for range in [16, 16, 240] {
                    let part = self.random.below(range);
                    self.push(part);
                }
                let source = self.random.pick(&[2, 1, 5, 0]);
                self.emit(Op::Copy, &[memory, source]);
            }
            1 => {
                let address = self.random.below(100);
                self.push(address);
                self.expression(2);
                let count = self.random.below(100);
                self.push(count);
                self.emit(Op::Fill, &[memory]);
            }
            _ => {
                let large = self.taste.bulk && self.random.percent(30);
                let words = if large { self.random.within(4000, 9500) } else { self.random.within(60, 80) };
                self.push(memory as u64);
                self.push(words);
                self.op(Op::Memresize);
                if large {
                    self.push(8);
                    self.push(0);
                    self.push(words * 8 - 8);
                    self.emit(Op::Copy, &[memory, memory]);
                }
            }
        }
    }

    /// What is written from here to [`Writer::end_turns`] is done so many times, unless it changes the word that counts.
    fn begin_turns(&mut self, turns: u64) -> Option<i64> {
        (turns > 1).then(|| {
            self.push(turns);
            self.store_word(TURNS);
            self.here()
        })
    }

    /// The end of what begins with [`Writer::begin_turns`].
    fn end_turns(&mut self, top: Option<i64>) {
        let Some(top) = top else { return };
        self.load_word(TURNS);
        self.push(1);
        self.op(Op::Sub);
        self.op(Op::Dup);
        self.store_word(TURNS);
        self.emit(Op::Jumpif, &[top]);
    }

    /// How the program ends.
    fn ending(&mut self) {
        let words = self.random.below(4) as i64;
        for _ in 0..words {
            self.leaf();
        }
        let keys = i64::from(self.random.percent(20));
        if keys > 0 {
            self.any_slot();
        }
        match self.random.below(6) {
            0 => self.op(Op::Halt),
            1 => {
                self.emit(Op::Return, &[words, keys]);
            }
            2 => self.op(Op::Unreachable),
            _ => {
                self.emit(Op::Yield, &[words, keys]);
                // With a message or without: what came is left on the operands, which grow.
                self.emit(Op::Jump, &[0]);
            }
        }
    }
}
