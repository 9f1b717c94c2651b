//! Writes a program for a process whose keys are known: each statement takes keys that allow what it does, mostly.

mod statements;

use super::encoded;
use crate::random::Random;
use crate::random::code::{self, Emit};
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::layout::{Kind, meta, meter};
use keyvm_isa::{Op, Rights, Status};

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is called.
    Actor,
    /// It is asked about those that stopped.
    Keeper,
}

/// Where the slot of a key is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is this.
    Slot(u64),
    /// A word of the data holds it.
    Word(i64),
}

/// A key, as its author knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Var {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) rights: Rights,
    /// Whether it is a process to be called.
    pub(super) is_child: bool,
    /// The brand that seals it, or 0: by number, or, if the author has sealed it, the place of its key among the keys.
    pub(super) seal: u64,
    /// Whether this program made the object.
    pub(super) is_new: bool,
    /// Whether it may be gone.
    pub(super) is_gone: bool,
    /// What died with it dies.
    pub(super) parent: Option<usize>,
}

impl Var {
    pub(super) const fn new(place: Place, kind: Kind, rights: Rights) -> Self {
        Self { place, kind, rights, is_child: false, seal: 0, is_new: false, is_gone: false, parent: None }
    }
}

/// First of the words that hold slots.
const SLOT_WORDS: i64 = 40;
/// Words before it that statements use.
const WORDS: u64 = 32;
/// The words that a keeper was given.
const ASKED: i64 = 36;
/// Somewhere to put a number.
const SPARE: i64 = 39;
/// The slot that keys are moved to.
const EMPTY_SLOT: u64 = 1;
/// The last word that holds a slot.
const LAST_WORD: i64 = 95;

/// The code of processes that are made: takes what it is given, writes to the page whose key came last, yields.
pub(super) fn newborn(random: &mut Random) -> CodeParts {
    let mut code: Vec<(Op, &[i64])> = vec![
        (Op::Push, &[12]),
        (Op::Keyroom, &[]),
        (Op::Push, &[40]),
        (Op::Pagenew, &[]),
        (Op::Dup, &[]),
        (Op::Push, &[4]),
        (Op::Add, &[]),
        (Op::Push, &[3]),
        (Op::Push, &[77]),
        (Op::Memwrite, &[]),
    ];
    if random.percent(50) {
        // What it was given with the message, if anything was, it writes to.
        code.extend_from_slice(&[
            (Op::Numkeys, &[][..]),
            (Op::Push, &[2]),
            (Op::Add, &[]),
            (Op::Push, &[1]),
            (Op::Push, &[5]),
            (Op::Memwrite, &[]),
        ]);
    }
    let ending: &[(Op, &[i64])] = match random.below(3) {
        0 => &[(Op::Keydrop, &[]), (Op::Push, &[7]), (Op::Yield, &[1, 0]), (Op::Jump, &[0])],
        1 => &[(Op::Destroy, &[]), (Op::Return, &[0, 0])],
        _ => &[(Op::Return, &[0, 1])],
    };
    code.extend_from_slice(ending);
    CodeParts { instructions: encoded(&code), ..CodeParts::default() }
}

pub(super) struct Author<'r> {
    random: &'r mut Random,
    role: Role,
    parts: CodeParts,
    vars: Vec<Var>,
    /// Slots that the process begins with.
    slots: u64,
    next_word: i64,
}

impl Emit for Author<'_> {
    fn parts(&mut self) -> &mut CodeParts {
        &mut self.parts
    }
}

impl<'r> Author<'r> {
    pub(super) fn new(random: &'r mut Random, role: Role, vars: Vec<Var>, slots: u64) -> Self {
        let types = vec![FuncType { arguments: 1, results: 1, locals: 2 }];
        let parts = CodeParts { types, ..CodeParts::default() };
        Self { random, role, parts, vars, slots, next_word: SLOT_WORDS }
    }

    pub(super) fn program(mut self) -> CodeParts {
        match self.role {
            Role::Actor => self.actor(),
            Role::Keeper => self.keeper(),
        }
        self.parts
    }

    fn actor(&mut self) {
        let statements = self.random.within(4, 14);
        for at in 0..statements {
            if at % 4 == 1 {
                self.call_child();
            }
            self.statement();
        }
        self.drop_keys();
        match self.random.below(20) {
            0 => self.op(Op::Halt),
            1 => self.op(Op::Unreachable),
            2 => {
                // Until it is dry.
                let here = self.here();
                self.emit(Op::Jump, &[here]);
            }
            3..9 => {
                self.number();
                self.emit(Op::Return, &[1, 0]);
            }
            9..11 => {
                if let Some(var) =
                    self.any(|var| var.rights.has(Rights::COPY) && matches!(var.place, Place::Slot(_)))
                {
                    self.slot(var);
                    self.emit(Op::Yield, &[0, 1]);
                }
                self.emit(Op::Jump, &[0]);
            }
            _ => {
                self.number();
                self.emit(Op::Yield, &[1, 0]);
                self.op(Op::Height);
                let end = self.emit(Op::Jumpz, &[0]);
                self.op(Op::Drop);
                self.land(end);
                self.emit(Op::Jump, &[0]);
            }
        }
    }

    /// It is given a status, an index, an amount, and a key to the process that stopped.
    fn keeper(&mut self) {
        for word in (ASKED..ASKED + 3).rev() {
            self.store_word(word);
        }
        self.op(Op::Numkeys);
        self.push(1);
        self.op(Op::Sub);
        let stopped = self.remember(Kind::Process, Rights::KEEPER);
        for _ in 0..self.random.below(5) {
            self.statement();
        }
        self.load_word(ASKED);
        self.push(Status::Trapped as u64);
        self.op(Op::Eq);
        let dry = self.emit(Op::Jumpz, &[0]);
        // Steps over it.
        self.slot(stopped);
        self.push(0);
        self.push(meta::INDEX);
        self.load_word(ASKED + 1);
        self.push(1);
        self.op(Op::Add);
        self.op(Op::Poke);
        let over = self.emit(Op::Jump, &[0]);
        self.land(dry);
        let raised = self.any(|var| var.kind == Kind::Meter && var.rights.has(Rights::LIMIT) && !var.is_new);
        let raises = raised.filter(|_| self.random.percent(70));
        if let Some(meter) = raises {
            for field in [meter::GAS_LIMIT, meter::WORDS_LIMIT] {
                self.slot(meter);
                self.push(field);
                self.push(1 << 40);
                self.op(Op::Meterlimit);
            }
        }
        let gives_up = raises.is_none();
        if gives_up {
            self.drop_keys();
            self.push(0);
            self.emit(Op::Return, &[1, 0]);
        }
        self.land(over);
        self.drop_keys();
        self.push(1);
        self.emit(Op::Return, &[1, 0]);
    }

    // ---- Writing ------------------------------------------------------------------------------------------------

    fn push(&mut self, value: u64) {
        self.emit(Op::Push, &[code::short(value)]);
    }

    fn load_word(&mut self, word: i64) {
        self.emit(Op::Load64at, &[2, word * 8]);
    }

    fn store_word(&mut self, word: i64) {
        self.emit(Op::Store64at, &[2, word * 8]);
    }

    /// The slot on the operands is that of a key to something new.
    fn remember(&mut self, kind: Kind, rights: Rights) -> usize {
        let word = self.next_word;
        self.next_word = if word == LAST_WORD { SLOT_WORDS } else { word + 1 };
        self.store_word(word);
        for var in &mut self.vars {
            var.is_gone |= var.place == Place::Word(word);
        }
        self.vars.push(Var { is_new: true, ..Var::new(Place::Word(word), kind, rights) });
        self.vars.len() - 1
    }

    fn slot(&mut self, var: usize) {
        match self.vars[var].place {
            Place::Slot(slot) => self.push(slot),
            Place::Word(word) => self.load_word(word),
        }
    }

    /// The number of the memory that a key is.
    fn memory(&mut self, var: usize) {
        self.slot(var);
        self.push(4);
        self.op(Op::Add);
    }

    /// A word.
    fn number(&mut self) {
        match self.random.below(3) {
            0 => {
                let word = self.random.word();
                self.push(word);
            }
            1 => {
                let word = self.random.below(WORDS) as i64;
                self.load_word(word);
            }
            _ => {
                let field = self.random.below(meta::LENGTH);
                self.push(0);
                self.push(field);
                self.op(Op::Mempush);
            }
        }
    }

    // ---- Choosing keys ------------------------------------------------------------------------------------------

    fn any(&mut self, fits: impl Fn(&Var) -> bool) -> Option<usize> {
        let usable = |var: &Var| !var.is_gone && fits(var);
        let all: Vec<usize> = (0..self.vars.len()).filter(|&at| usable(&self.vars[at])).collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }

    /// A key of this kind with these rights, or, now and then, without one of them.
    fn with(&mut self, kind: Kind, rights: Rights) -> Option<usize> {
        if self.random.percent(20)
            && let Some(var) = self.any(|var| var.kind == kind && (var.seal != 0 || !var.rights.has(rights)))
        {
            return Some(var);
        }
        self.any(|var| var.kind == kind && var.seal == 0 && var.rights.has(rights))
    }

    /// A key of any kind that may be copied, mostly.
    fn copied(&mut self) -> Option<usize> {
        if self.random.percent(10) {
            return self.any(|var| !var.rights.has(Rights::COPY));
        }
        self.any(|var| var.seal == 0 && var.rights.has(Rights::COPY))
    }

    /// As [`Author::with`], of what this program has made.
    fn own(&mut self, kind: Kind) -> Option<usize> {
        self.any(|var| var.kind == kind && var.is_new && var.seal == 0 && var.rights.has(Rights::DESTROY))
    }

    /// A copy of a key, with its slot on the operands.
    fn remember_copy(&mut self, of: usize, mask: Rights) -> usize {
        let old = self.vars[of];
        let new = self.remember(old.kind, old.rights.and(mask));
        let var = &mut self.vars[new];
        (var.is_child, var.is_new, var.seal, var.parent) = (old.is_child, old.is_new, old.seal, Some(of));
        new
    }

    /// What has died, with all copies of the key to it.
    fn bury(&mut self, var: usize) {
        let mut root = var;
        while let Some(parent) = self.vars[root].parent {
            root = parent;
        }
        for at in 0..self.vars.len() {
            let mut up = at;
            while let Some(parent) = self.vars[up].parent {
                up = parent;
            }
            self.vars[at].is_gone |= up == root;
        }
    }
}
