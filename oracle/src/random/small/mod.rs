//! Random images that are small: one process, and a program of one to three subroutines with a few statements each.
//!
//! To compile a program is most of what it takes to compare the compiler with the interpreter. Of these, hundreds are
//! compared in the time of one that is like a real one; so each has but a few of all things that a compiler may get wrong,
//! and the words on which it would: at the ends of the ranges of numbers, of memories, and of the pieces of 4 KiB that are
//! marked as written; of floats those that are no numbers, or zero; as many arguments and results as registers hold, or
//! more.

mod expressions;
mod march;
mod statements;
mod words;

use super::Random;
use super::code::{self, Emit};
use super::scene::{PRIME, WORDS, fresh, key, skipper};
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{Body, Image, Meter, Number, Object, Process};
use keyvm_isa::{Op, Rights};
use std::borrow::Cow;

/// The objects.
const CODE: Number = 2;
const PAGES: [Number; 2] = [3, 4];
const PROCESS: Number = 5;
const KEEPER_CODE: Number = 6;
const KEEPER: Number = 7;

/// Counters of loops: the last locals of each subroutine.
const COUNTERS: u32 = 2;
/// Words that stay in a loop: the locals before these.
const STAYS: u32 = 2;

/// A consistent image in which control is with the host.
pub fn image(random: &mut Random) -> Image<'static> {
    let lengths = [(); 3].map(|()| random.pick(&[1, 8, 40, 64, 64, 100, 511, 512, 513, 513, 1030, 1030]));
    let mut body = |words: u64| -> Cow<'static, [u8]> {
        Cow::Owned((0..words).flat_map(|_| words::any(random).to_le_bytes()).collect())
    };
    let [data, page, other] = lengths.map(&mut body);
    let keeper = random.percent(85);
    let mut process = Process {
        data,
        stack_maximum: random.pick(&[24, 100, 1 << 14, 1 << 14, 1 << 14]),
        random: random.next(),
        keeper: if keeper { key(KEEPER, Rights::CALL) } else { None },
        ..fresh(PROCESS, CODE)
    };
    process.keys.push(key(PAGES[0], Rights::ALL));
    let rights =
        random.pick(&[Rights::ALL, Rights::ALL, Rights::ALL, Rights::READ, Rights::WRITE, Rights::NONE]);
    // Two numbers may name one page.
    process.keys.push(key(random.pick(&[PAGES[1], PAGES[1], PAGES[1], PAGES[0]]), rights));
    let code = program(random, lengths);
    let meter = Meter { words_limit: WORDS, ..Meter::UNLIMITED };
    let mut objects = vec![
        Object { number: PRIME, meter: 0, body: Body::Meter(Box::new(meter)) },
        Object { number: CODE, meter: PRIME, body: Body::Code(Cow::Owned(code.words())) },
        Object { number: PAGES[0], meter: PRIME, body: Body::Data(page) },
        Object { number: PAGES[1], meter: PRIME, body: Body::Data(other) },
        Object { number: PROCESS, meter: PRIME, body: Body::Process(Box::new(process)) },
    ];
    if keeper {
        let code = Body::Code(Cow::Owned(skipper().words()));
        let process = Process { data: Cow::Owned(vec![0; 8]), ..fresh(KEEPER, KEEPER_CODE) };
        objects.push(Object { number: KEEPER_CODE, meter: PRIME, body: code });
        objects.push(Object { number: KEEPER, meter: PRIME, body: Body::Process(Box::new(process)) });
    }
    Image {
        next_number: KEEPER + 1,
        prime: PRIME,
        root: PROCESS,
        chain: Vec::new(),
        request: None,
        objects,
        debug: DebugInfo::default(),
    }
}

/// How an operand is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Word,
    F64,
    F32,
}

impl Class {
    fn any(random: &mut Random) -> Self {
        random.pick(&[Self::Word, Self::Word, Self::F64, Self::F64, Self::F32])
    }
}

/// A subroutine.
#[derive(Clone, Copy, Debug)]
struct Subroutine {
    typ: FuncType,
    /// Whether it calls itself, as often as its first argument says.
    recursive: bool,
}

/// Writes a program.
struct Composer<'r> {
    random: &'r mut Random,
    parts: CodeParts,
    /// Words of memory 2, and of the two pages.
    lengths: [u64; 3],
    subroutines: Vec<Subroutine>,
    /// The one that is being written; none in the main program.
    own: Option<usize>,
    /// Instructions whose immediate is where a subroutine begins.
    calls: Vec<(usize, usize)>,
    starts: Vec<i64>,
    /// The slot that was set last.
    recent: Option<i64>,
    /// Loops around the present place.
    nesting: u32,
    /// Statements that may still be written, and calls.
    budget: u32,
    call_budget: u32,
}

/// A program, for memories of so many words.
fn program(random: &mut Random, lengths: [u64; 3]) -> CodeParts {
    let several = |random: &mut Random, few: u64, many: u64| {
        if random.percent(15) { random.within(many, many + 6) } else { random.below(few) }
    };
    let subroutines: Vec<Subroutine> = (0..random.pick(&[1, 2, 2, 2, 3]))
        .map(|_| {
            let recursive = random.percent(25);
            let arguments = several(random, 4, 7).max(recursive.into());
            Subroutine {
                typ: FuncType {
                    arguments: arguments as u16,
                    results: several(random, 4, 3) as u16,
                    locals: several(random, 4, 8) as u32 + COUNTERS + STAYS,
                },
                recursive,
            }
        })
        .collect();
    let parts = CodeParts { types: subroutines.iter().map(|of| of.typ).collect(), ..CodeParts::default() };
    let mut composer = Composer {
        random,
        parts,
        lengths,
        subroutines,
        own: None,
        calls: Vec::new(),
        starts: Vec::new(),
        recent: None,
        nesting: 0,
        budget: 0,
        call_budget: 2,
    };
    composer.main();
    for own in 0..composer.subroutines.len() {
        composer.own = Some(own);
        composer.subroutine();
    }
    let Composer { mut parts, calls, starts, .. } = composer;
    for (at, callee) in calls {
        code::set_target(&mut parts, at, starts[callee]);
    }
    parts
}

impl Emit for Composer<'_> {
    fn parts(&mut self) -> &mut CodeParts {
        &mut self.parts
    }
}

impl Composer<'_> {
    fn percent(&mut self, of: u64) -> bool {
        self.random.percent(of)
    }

    fn below(&mut self, range: u64) -> u64 {
        self.random.below(range)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.random.pick(from)
    }

    /// Pushes a word.
    fn push(&mut self, word: u64) {
        let short = code::short(word);
        if short == word.cast_signed() && self.parts.constants.len() < 60 {
            self.emit(Op::Push, &[short]);
            return;
        }
        let constants = &mut self.parts.constants;
        let at = constants.iter().position(|&constant| constant == word).unwrap_or_else(|| {
            constants.push(word);
            constants.len() - 1
        });
        self.emit(Op::Const, &[at as i64]);
    }

    fn main(&mut self) {
        for _ in 0..self.random.within(1, 3) {
            self.budget = 1;
            let callee = if self.percent(80) { 0 } else { self.random.index(self.subroutines.len()) };
            self.call(callee);
            for _ in 0..self.subroutines[callee].typ.results {
                let word = self.below(8).cast_signed();
                self.emit(Op::Store64at, &[2, 8 * word]);
            }
        }
        if self.percent(25) {
            self.statement();
        }
        match self.below(4) {
            0 => self.op(Op::Halt),
            1 => {
                self.emit(Op::Return, &[0, 0]);
            }
            _ => {
                self.emit(Op::Yield, &[0, 0]);
                self.emit(Op::Jump, &[0]);
            }
        }
    }

    fn subroutine(&mut self) {
        let Some(own) = self.own else { return };
        let Subroutine { typ, recursive } = self.subroutines[own];
        let start = self.here();
        self.starts.push(start);
        self.emit(Op::Func, &[own as i64]);
        self.budget = self.pick(&[1, 2, 4]);
        self.call_budget = 2;
        self.recent = None;
        let base = recursive.then(|| {
            self.emit(Op::Get, &[0]);
            self.emit(Op::Jumpz, &[0])
        });
        while self.budget > 0 {
            self.statement();
        }
        if recursive {
            self.emit(Op::Get, &[0]);
            self.push(1);
            self.op(Op::Sub);
            for _ in 1..typ.arguments {
                self.value(2);
            }
            if self.percent(25) {
                self.emit(Op::Tailcall, &[start]);
            } else {
                self.emit(Op::Call, &[start]);
                self.take(typ.results);
            }
        }
        base.into_iter().for_each(|at| self.land(at));
        // In place of a callee's results: its call.
        let last = self.subroutines.len() - 1;
        if own < last && self.subroutines[last].typ.results == typ.results && self.percent(30) {
            self.arguments(last);
            let at = self.emit(Op::Tailcall, &[0]);
            self.calls.push((at, last));
            return;
        }
        for _ in 0..typ.results {
            self.value(1);
        }
        self.op(Op::Ret);
    }
}
