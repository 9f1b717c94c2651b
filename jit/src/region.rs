//! What a unit consists of: the blocks that are reached from an entry without leaving the subroutine, each with the
//! height of the stack it begins with.
//!
//! A block is known by its first index, its height, *and* the inlined calls it runs in, so that code whose heights
//! differ where paths meet is simply two blocks. Where that would not end, and past the limits below, an edge leaves the
//! unit.

use crate::inline::{self, Inlined, Plan};
use crate::lower::{reached, table_of};
use crate::unroll::Turns;
use keyvm_isa::code::FuncType;
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Code, Flow, ImmKind, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

/// Instructions of a unit at most.
pub(crate) const INSTRUCTIONS_MAX: usize = 20_000;
/// What a unit's instructions may come to in instructions of the intermediate representation, as estimated below:
/// where they leave, or hand many operands on, that is many for one.
const WORK_MAX: usize = 40_000;
/// What a block takes, an instruction that may fail, a store, and a call, of a subroutine or a helper, besides the
/// operands that each has to write.
const BLOCK_WORK: usize = 4;
const CHECK_WORK: usize = 8;
const STORE_WORK: usize = 20;
const CALL_WORK: usize = 60;
/// What a target of a switch takes.
const TARGET_WORK: usize = 16;
/// A unit of so few instructions, without a loop or a call, is small.
const SMALL: usize = 24;
/// Operands above the base at most that are held in registers; where there are more, the interpreter goes on.
pub const HEIGHT_MAX: u32 = 512;
/// Heights with which one index is compiled in one unit at most.
const HEIGHTS_MAX: usize = 4;
/// Targets of a switch that are compiled at most; one with more is the interpreter's.
const TARGETS_MAX: usize = 1024;

/// What a unit begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A native call of the subroutine at this index.
    Call { index: u32, typ: FuncType, number: u32 },
    /// The host enters at an index, with this many operands above the base.
    Enter { index: u32, height: u32 },
}

/// Where control goes at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edge {
    /// To a block of the unit.
    Block(usize),
    /// Out of the unit, to this index.
    Out(u32),
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Where the next block begins; no instruction.
    Fall(Edge),
    Jump(Edge),
    Branch {
        taken: Edge,
        next: Edge,
        when_zero: bool,
    },
    /// The last target is for all numbers beyond.
    Switch(Vec<Edge>),
    /// An inlined call, of the subroutine that begins there.
    InlinedCall(Edge),
    /// What is inlined is but the beginning of the subroutine, and does not reach to its end: the subroutine is called
    /// after all, from its start, and goes on there.
    CalledAfterAll(Edge),
    /// `ret` in an inlined subroutine of this type, to the caller.
    InlinedReturn(FuncType, Edge),
    /// No instruction: whether so many turns of a loop are good as one of its groups has. See [`Turns`].
    Group {
        turns: usize,
        fast: Edge,
        slow: Edge,
    },
    /// To where an operand says.
    Computed,
    /// `ret` of the subroutine that the unit is; in a unit that the host enters it leaves.
    Return(FuncType),
    Tailcall {
        target: u32,
        typ: FuncType,
    },
    /// As `Tailcall`, to a subroutine of this type that an operand names, by itself or by a word of a memory.
    TailcallTo(FuncType),
    /// The next instruction is for the interpreter.
    Leave,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its first instruction.
    pub(crate) index: u32,
    /// Operands above the unit's base before that.
    pub(crate) height: u32,
    /// The inlined call it runs in, if it does.
    pub(crate) inlined: Option<usize>,
    /// One past its last instruction, the one that is its end not counted.
    pub(crate) end_index: u32,
    pub(crate) end: End,
    /// Reached by an edge from a block that it reaches, in the order of discovery.
    pub(crate) header: bool,
    pub(crate) part: Part,
}

/// What a block is of a loop that is compiled twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// None.
    Plain,
    /// Where the loop is entered: it finds out how many turns are good.
    Measure { turns: usize },
    /// Where a group of turns begins.
    Group { turns: usize },
    /// In a group, the copy of a block for a turn.
    Turn { turns: usize, turn: u32, of: usize },
}

#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) start: Start,
    /// The first is where the unit begins.
    pub(crate) blocks: Vec<Block>,
    /// Inlined calls, each after the one it is made in.
    pub(crate) inlined: Vec<Inlined>,
    /// Operands above the base at most.
    pub(crate) height: u32,
    /// Subroutines that are called, or gone on with.
    pub(crate) callees: BTreeSet<u32>,
    pub(crate) instructions: usize,
    /// See [`WORK_MAX`].
    pub(crate) work: usize,
    /// Whether there would be more, but for the limits of a unit's size.
    pub(crate) full: bool,
    /// Whether any subroutine is called natively.
    pub(crate) calls: bool,
    /// Loops that are compiled twice.
    pub(crate) turns: Vec<Turns>,
}

/// What an instruction does to the flow of control and to the height.
enum Effect {
    /// Goes on at the next index, with this many operands, and had at most so many on the way.
    Next {
        height: u32,
        most: u32,
    },
    /// As `Next`, after a call of the subroutine, if it is known which.
    Call {
        height: u32,
        target: Option<u32>,
    },
    Jump(u32),
    Branch {
        target: u32,
        when_zero: bool,
    },
    Switch(u32),
    /// Goes on there, in the caller, with the results of this type.
    InlinedReturn(Place, FuncType),
    CalledAfterAll {
        callee: u32,
        next: Place,
    },
    Computed,
    Return,
    Tailcall(u32),
    TailcallTo(FuncType),
    Leave,
}

impl Region {
    /// Whether it runs through once, and so few instructions that going over to native code costs more than they do.
    pub(crate) fn is_small(&self) -> bool {
        let ends = |block: &Block| !block.header && !matches!(block.end, End::Computed);
        self.instructions <= SMALL && self.callees.is_empty() && self.blocks.iter().all(ends)
    }

    /// What begins at a start, with small subroutines inlined if that is wanted.
    pub(crate) fn new(code: &Code, start: Start, inlining: bool) -> Self {
        let found = |plan, outside: &BTreeSet<(u32, u32)>| {
            let mut finder = Finder::new(code, start, Scope::Unit, INSTRUCTIONS_MAX, plan);
            finder.outside.clone_from(outside);
            finder.find();
            let sites = if inlining { finder.sites() } else { Vec::new() };
            (sites, finder.seen.len(), finder.blocks())
        };
        let mut outside = BTreeSet::new();
        let (mut sites, mut instructions, mut region) = found(Plan::default(), &outside);
        if let Start::Enter { .. } = start {
            outside = crate::loops::around(&region);
        }
        if !outside.is_empty() {
            (sites, instructions, region) = found(Plan::default(), &outside);
        }
        // What the host enters runs but once, if it has no loop.
        let runs_often = match start {
            Start::Call { .. } => true,
            Start::Enter { .. } => region.blocks.iter().any(|block| block.header),
        };
        if !runs_often || sites.is_empty() {
            return region;
        }
        let plan = inline::plan(code, start, &sites, instructions);
        if plan.is_empty() { region } else { found(plan, &outside).2 }
    }

    /// Operands below the base of an inlined call, above that of the unit.
    pub(crate) fn base(&self, inlined: Option<usize>) -> u32 {
        inlined.map_or(0, |call| self.inlined[call].base)
    }

    /// How many inlined calls a place in one runs in.
    pub(crate) fn depth(&self, inlined: Option<usize>) -> u32 {
        inlined.map_or(0, |call| self.inlined[call].depth)
    }

    /// Frames at most that inlined calls make.
    pub(crate) fn frames(&self) -> u32 {
        self.inlined.iter().map(|call| call.depth).max().unwrap_or(0)
    }
}

/// What is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of a unit.
    Unit,
    /// What control stays with: see [`inline::stays`].
    Stays,
    /// What may be executed twice, so that no way goes back: see [`inline::is_harmless`].
    Harmless,
}

pub(crate) struct Finder<'a> {
    code: &'a Code,
    start: Start,
    plan: Plan,
    /// Instructions at most.
    limit: usize,
    scope: Scope,
    /// Every instruction of the unit, with its height.
    seen: BTreeSet<Place>,
    leaders: BTreeSet<Place>,
    heights: BTreeMap<(u32, Option<usize>), usize>,
    /// Whether some place did not become part of the unit.
    some_refused: bool,
    most: u32,
    /// See [`WORK_MAX`].
    work: usize,
    full: bool,
    callees: BTreeSet<u32>,
    calls: bool,
    /// Index and height of what does not belong to the unit, though it is reached.
    outside: BTreeSet<(u32, u32)>,
}

/// Where an instruction stands, and how it is come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    index: u32,
    /// Operands above the unit's base.
    height: u32,
    inlined: Option<usize>,
}

/// A call of a subroutine that is known, with the operands above the base before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) index: u32,
    pub(crate) height: u32,
    pub(crate) callee: u32,
}

impl<'a> Finder<'a> {
    pub(crate) const fn new(code: &'a Code, start: Start, scope: Scope, limit: usize, plan: Plan) -> Self {
        Self {
            code,
            start,
            plan,
            limit,
            scope,
            seen: BTreeSet::new(),
            leaders: BTreeSet::new(),
            heights: BTreeMap::new(),
            some_refused: false,
            most: 0,
            work: 0,
            full: false,
            callees: BTreeSet::new(),
            calls: false,
            outside: BTreeSet::new(),
        }
    }

    /// Where the unit begins.
    fn first(&self) -> Place {
        let (index, height) = match self.start {
            Start::Call { index, typ, .. } => (index, typ.arguments.into()),
            Start::Enter { index, height } => (index, height),
        };
        Place { index, height, inlined: None }
    }

    /// Operands above the unit's base at most.
    pub(crate) const fn most(&self) -> u32 {
        self.most
    }

    /// The instructions that were found.
    pub(crate) fn instructions(&self) -> impl ExactSizeIterator<Item = Option<Insn>> {
        self.seen.iter().map(|place| Insn::decode(self.code.normal()[place.index as usize]))
    }

    /// Index and height of the instructions from which a way leads to `ret`, where no way goes back.
    pub(crate) fn returning(&self) -> BTreeSet<(u32, u32)> {
        let mut returning = BTreeSet::new();
        for &at in self.seen.iter().rev() {
            let leads = |place: Place| returning.contains(&(place.index, place.height));
            let returns = match self.effect(at) {
                Effect::Return => true,
                Effect::Next { height, .. } => leads(at.next(height)),
                Effect::Jump(target) => leads(at.jump(target)),
                Effect::Branch { target, .. } => leads(at.branch(target)) || leads(at.branch(at.index + 1)),
                _ => false,
            };
            if returns {
                returning.insert((at.index, at.height));
            }
        }
        returning
    }

    /// The calls that were found.
    pub(crate) fn sites(&self) -> Vec<Site> {
        let site = |place: &Place| match self.effect(*place) {
            Effect::Call { target: Some(callee), .. } => {
                Some(Site { index: place.index, height: place.height, callee })
            }
            _ => None,
        };
        self.seen.iter().filter_map(site).collect()
    }

    /// Whether a place may become part of the unit, and if so, whether it was none before.
    fn admit(&mut self, place: Place) -> Option<bool> {
        if !self.seen.insert(place) {
            return Some(false);
        }
        if self.fits(place) {
            return Some(true);
        }
        self.seen.remove(&place);
        self.some_refused = true;
        None
    }

    /// Whether a place that was not part of the unit becomes one, the last of those seen.
    fn fits(&mut self, place: Place) -> bool {
        let outside = place.inlined.is_none() && self.outside.contains(&(place.index, place.height));
        if outside || place.index as usize >= self.code.len() || place.height > HEIGHT_MAX {
            return false;
        }
        if self.seen.len() > self.limit || self.work >= WORK_MAX {
            self.full = true;
            return false;
        }
        let heights = self.heights.entry((place.index, place.inlined)).or_default();
        if *heights == HEIGHTS_MAX {
            return false;
        }
        *heights += 1;
        true
    }

    /// Finds all instructions of the unit, and where blocks begin.
    pub(crate) fn find(&mut self) {
        let first = self.first();
        self.most = first.height;
        let mut open = Vec::new();
        if self.admit(first).is_some() {
            self.leaders.insert(first);
            open.push(first);
        }
        while let Some(mut at) = open.pop() {
            // What a block is handed, and what it writes where gas is short.
            self.work += BLOCK_WORK + 2 * at.height as usize;
            let mut checkpoint = false;
            loop {
                self.most = self.most.max(at.height);
                let mut lead = |finder: &mut Self, place: Place| {
                    let admitted = finder.admit(place);
                    finder.leaders.extend(admitted.map(|_| place));
                    open.extend((admitted == Some(true)).then_some(place));
                    admitted.is_some()
                };
                let next = match self.effect(at) {
                    Effect::Next { height, most } => {
                        self.work += self.work_of(at, most, &mut checkpoint);
                        self.most = self.most.max(most);
                        at.next(height)
                    }
                    Effect::Call { height, target } => {
                        if let Some(callee) = self.inlined_callee(at)
                            && lead(self, callee)
                        {
                            break;
                        }
                        self.work += CALL_WORK + 5 * at.height as usize + height as usize;
                        checkpoint = true;
                        self.most = self.most.max(height);
                        self.callees.extend(target);
                        self.calls = true;
                        at.next(height)
                    }
                    Effect::Jump(target) => {
                        lead(self, at.jump(target));
                        break;
                    }
                    Effect::Branch { target, .. } => {
                        lead(self, at.branch(target));
                        lead(self, at.branch(at.index + 1));
                        break;
                    }
                    Effect::Switch(table) => {
                        let targets = self.switch_targets(table);
                        self.work += switch_work(targets.len(), at.height - 1);
                        for target in targets {
                            lead(self, at.branch(target));
                        }
                        break;
                    }
                    Effect::InlinedReturn(place, _) => {
                        lead(self, place);
                        break;
                    }
                    Effect::CalledAfterAll { callee, next } => {
                        lead(self, next);
                        self.work += CALL_WORK + 5 * at.height as usize;
                        self.callees.insert(callee);
                        self.calls = true;
                        break;
                    }
                    Effect::Tailcall(target) => {
                        self.callees.insert(target);
                        break;
                    }
                    Effect::Computed | Effect::Return | Effect::TailcallTo(_) | Effect::Leave => break,
                };
                match self.admit(next) {
                    Some(true) => at = next,
                    Some(false) => {
                        self.leaders.insert(next);
                        break;
                    }
                    None => break,
                }
            }
        }
    }

    /// Where an inlined call goes, if the one at a place is to be inlined.
    fn inlined_callee(&self, at: Place) -> Option<Place> {
        let inlined = self.plan.call(at.inlined, at.index, at.height)?;
        Some(Place { index: self.plan.calls()[inlined].callee, height: at.height, inlined: Some(inlined) })
    }

    /// What an instruction takes that stays in its block. `checkpoint` says whether nothing has left yet since something
    /// was last changed, and whether that holds after it.
    fn work_of(&self, at: Place, most: u32, checkpoint: &mut bool) -> usize {
        let made = 1 + most.saturating_sub(at.height) as usize;
        let Some(insn) = Insn::decode(self.code.normal()[at.index as usize]) else { return made };
        let info = insn.op.info();
        let memory = info.imms.first().is_some_and(|imm| imm.kind == ImmKind::Memory).then_some(insn.imms[0]);
        let kernel = insn.op as u8 >= Op::Mempush as u8 || matches!(memory, Some(0 | 1 | 3));
        let work = match info.pushes {
            _ if kernel => CALL_WORK,
            _ if info.traps.is_empty() => return made,
            0 => STORE_WORK,
            _ => CHECK_WORK,
        };
        let leaves = usize::from(std::mem::take(checkpoint)) + 2 * usize::from(kernel);
        *checkpoint = kernel || info.pushes == 0;
        made + work + leaves * at.height as usize
    }

    fn switch_targets(&self, table: u32) -> Vec<u32> {
        let targets = self.code.switch(table).unwrap_or_default();
        targets.iter().filter_map(|&target| u32::try_from(target).ok()).collect()
    }

    /// Cuts what was found into blocks.
    fn blocks(self) -> Region {
        let first = self.first();
        let mut order: Vec<Place> = vec![first];
        order.extend(self.leaders.iter().copied().filter(|&place| place != first));
        let number: BTreeMap<Place, usize> =
            order.iter().enumerate().map(|(number, &place)| (place, number)).collect();
        let mut blocks: Vec<Block> = Vec::with_capacity(order.len());
        let is_out = |place: &Place| self.some_refused && !self.seen.contains(place);
        let edge = |place: Place| match number.get(&place) {
            Some(&block) => Edge::Block(block),
            None => Edge::Out(place.index),
        };
        for &begin in &order {
            let mut at = begin;
            let end = loop {
                if at != begin && (number.contains_key(&at) || is_out(&at)) {
                    break End::Fall(edge(at));
                }
                if is_out(&at) {
                    // Only the very first place can be refused.
                    break End::Leave;
                }
                break match self.effect(at) {
                    Effect::Call { height, .. } => match self.inlined_callee(at) {
                        Some(callee) if self.seen.contains(&callee) => End::InlinedCall(edge(callee)),
                        _ => {
                            at = at.next(height);
                            continue;
                        }
                    },
                    Effect::Next { height, .. } => {
                        at = at.next(height);
                        continue;
                    }
                    Effect::Jump(target) => End::Jump(edge(at.jump(target))),
                    Effect::Branch { target, when_zero } => End::Branch {
                        taken: edge(at.branch(target)),
                        next: edge(at.branch(at.index + 1)),
                        when_zero,
                    },
                    Effect::Switch(table) => End::Switch(
                        self.switch_targets(table).iter().map(|&target| edge(at.branch(target))).collect(),
                    ),
                    Effect::InlinedReturn(place, typ) => End::InlinedReturn(typ, edge(place)),
                    Effect::CalledAfterAll { next, .. } => End::CalledAfterAll(edge(next)),
                    Effect::Return => match self.start {
                        Start::Call { typ, .. } => End::Return(typ),
                        Start::Enter { .. } => End::Leave,
                    },
                    Effect::Tailcall(target) => match subroutine(self.code, target) {
                        Some((typ, _)) => End::Tailcall { target, typ },
                        None => End::Leave,
                    },
                    Effect::Computed => End::Computed,
                    Effect::TailcallTo(typ) => End::TailcallTo(typ),
                    Effect::Leave => End::Leave,
                };
            };
            let Place { index, height, inlined } = begin;
            let part = Part::Plain;
            blocks.push(Block { index, height, inlined, end_index: at.index, end, header: false, part });
        }
        crate::loops::mark_headers(&mut blocks);
        Region {
            start: self.start,
            blocks,
            inlined: self.plan.into_calls(),
            height: self.most,
            callees: self.callees,
            instructions: self.seen.len(),
            work: self.work,
            full: self.full,
            calls: self.calls,
            turns: Vec::new(),
        }
    }

    /// What the instruction at a place does. Heights in it are above the unit's base.
    fn effect(&self, at: Place) -> Effect {
        let inlined = at.inlined.map(|call| self.plan.calls()[call]);
        let base = inlined.map_or(0, |call| call.base);
        let height = at.height - base;
        let word = self.code.normal()[at.index as usize];
        let Some(insn) = Insn::decode(word) else { return Effect::Leave };
        match inlined {
            Some(call) if self.plan.is_beyond(&call, at.index, height) => {
                return Effect::CalledAfterAll { callee: call.callee, next: call.after() };
            }
            _ => {}
        }
        match self.scope {
            Scope::Stays if !inline::stays(insn.op) => return Effect::Leave,
            Scope::Harmless if !inline::is_harmless(&insn, at.index) => return Effect::Leave,
            _ => {}
        }
        let info = insn.op.info();
        let pops = u32::from(info.pops);
        if height < pops {
            return Effect::Leave;
        }
        let imm = u32::try_from(insn.imms[0]).unwrap_or(u32::MAX);
        let target_inside = |target: u32| target as usize <= self.code.len();
        let after = height - pops + u32::from(info.pushes);
        let next = Effect::Next { height: base + after, most: base + after.max(height) };
        match insn.op {
            Op::Jump if target_inside(imm) => Effect::Jump(imm),
            Op::Jumpif | Op::Jumpz if target_inside(imm) => {
                Effect::Branch { target: imm, when_zero: insn.op == Op::Jumpz }
            }
            Op::Jumpto => Effect::Computed,
            Op::Switch => match self.code.switch(imm) {
                Some(targets)
                    if switch_fits(targets.len(), height - 1)
                        && targets.iter().all(|&target| target <= self.code.len() as u64) =>
                {
                    Effect::Switch(imm)
                }
                _ => Effect::Leave,
            },
            Op::Call => match subroutine(self.code, imm) {
                Some((typ, _)) => call(base, height, typ, Some(imm)),
                None => Effect::Leave,
            },
            Op::Callto | Op::Calltable => match self.code.types().get(imm as usize) {
                Some(&typ) => call(base, height - 1, typ, None),
                None => Effect::Leave,
            },
            Op::Tailcall => match (self.start, subroutine(self.code, imm)) {
                (Start::Call { typ: own, .. }, Some((typ, _)))
                    if inlined.is_none() && own.results == typ.results && height >= typ.arguments.into() =>
                {
                    Effect::Tailcall(imm)
                }
                _ => Effect::Leave,
            },
            Op::Tailcalltable if !reached(table_of(&insn)) => Effect::Leave,
            Op::Tailcallto | Op::Tailcalltable => match (self.start, self.code.types().get(imm as usize)) {
                (Start::Call { typ: own, .. }, Some(&typ))
                    if inlined.is_none() && own.results == typ.results && height > typ.arguments.into() =>
                {
                    Effect::TailcallTo(typ)
                }
                _ => Effect::Leave,
            },
            Op::Ret => match (inlined, self.start) {
                (Some(call), _) if height >= call.typ.results.into() => {
                    Effect::InlinedReturn(call.after(), call.typ)
                }
                (None, Start::Call { typ, .. }) if height >= typ.results.into() => Effect::Return,
                _ => Effect::Leave,
            },
            Op::Func => match self.code.types().get(imm as usize) {
                Some(typ) if at.height.saturating_add(typ.locals) <= HEIGHT_MAX => {
                    Effect::Next { height: at.height + typ.locals, most: at.height + typ.locals }
                }
                _ => Effect::Leave,
            },
            Op::Const if imm as usize >= self.code.constants().len() => Effect::Leave,
            Op::Pick if imm >= height => Effect::Leave,
            Op::Put | Op::Set if imm >= height - 1 => Effect::Leave,
            Op::Get | Op::Tee if imm >= height => Effect::Leave,
            Op::Slide => {
                let (keep, drop) = (imm, u32::try_from(insn.imms[1]).unwrap_or(u32::MAX));
                match keep.checked_add(drop) {
                    Some(sum) if sum <= height && u64::from(keep) <= CHUNK_WORDS => {
                        Effect::Next { height: at.height - drop, most: at.height }
                    }
                    _ => Effect::Leave,
                }
            }
            _ if is_left(insn.op) => Effect::Leave,
            _ if info.flow == Flow::Next || info.flow == Flow::Kernel => next,
            _ => Effect::Leave,
        }
    }
}

impl Inlined {
    /// Where the caller goes on.
    fn after(&self) -> Place {
        let height = self.base + u32::from(self.typ.results);
        Place { index: self.return_index, height, inlined: self.caller }
    }
}

impl Place {
    /// The next index, with so many operands.
    const fn next(self, height: u32) -> Self {
        Self { index: self.index + 1, height, inlined: self.inlined }
    }

    const fn jump(self, index: u32) -> Self {
        Self { index, height: self.height, inlined: self.inlined }
    }

    /// Where it goes on after the condition has been popped.
    const fn branch(self, index: u32) -> Self {
        Self { index, height: self.height - 1, inlined: self.inlined }
    }
}

fn call(base: u32, height: u32, typ: FuncType, target: Option<u32>) -> Effect {
    match height.checked_sub(typ.arguments.into()) {
        Some(rest) => Effect::Call { height: base + rest + u32::from(typ.results), target },
        None => Effect::Leave,
    }
}

/// Instructions after which something else may run, and those that always trap.
pub(crate) const fn is_left(op: Op) -> bool {
    matches!(op, Op::Halt | Op::Recurse | Op::Invoke | Op::Yield | Op::Return | Op::Unreachable | Op::Fail)
}

/// What a switch takes with so many targets, that each take so many operands over.
const fn switch_work(targets: usize, height: u32) -> usize {
    targets.saturating_mul(TARGET_WORK + height as usize)
}

/// Whether a switch is not left to the interpreter.
pub(crate) const fn switch_fits(targets: usize, height: u32) -> bool {
    targets <= TARGETS_MAX && switch_work(targets, height) <= WORK_MAX
}

/// The subroutine at an index: its type and the type's number.
pub(crate) fn subroutine(code: &Code, index: u32) -> Option<(FuncType, u32)> {
    let number = code.func_at(index.into())?;
    Some((*code.types().get(number as usize)?, number))
}

impl Block {
    pub(crate) fn for_each_edge(&self, mut visit: impl FnMut(Edge)) {
        match &self.end {
            End::Fall(next)
            | End::Jump(next)
            | End::InlinedCall(next)
            | End::CalledAfterAll(next)
            | End::InlinedReturn(_, next) => visit(*next),
            End::Branch { taken, next, .. } => {
                visit(*taken);
                visit(*next);
            }
            End::Switch(targets) => targets.iter().copied().for_each(visit),
            End::Group { fast, slow, .. } => {
                visit(*fast);
                visit(*slow);
            }
            End::Computed | End::Return(_) | End::Tailcall { .. } | End::TailcallTo(_) | End::Leave => {}
        }
    }

    /// Lets edges to blocks go elsewhere.
    pub(crate) fn redirect(&mut self, change: impl Fn(usize) -> usize) {
        let edge = |edge: &mut Edge| {
            if let Edge::Block(block) = edge {
                *block = change(*block);
            }
        };
        match &mut self.end {
            End::Fall(next)
            | End::Jump(next)
            | End::InlinedCall(next)
            | End::CalledAfterAll(next)
            | End::InlinedReturn(_, next) => edge(next),
            End::Branch { taken, next, .. } => {
                edge(taken);
                edge(next);
            }
            End::Switch(targets) => targets.iter_mut().for_each(edge),
            End::Group { fast, slow, .. } => {
                edge(fast);
                edge(slow);
            }
            End::Computed | End::Return(_) | End::Tailcall { .. } | End::TailcallTo(_) | End::Leave => {}
        }
    }

    pub(crate) fn successors(&self) -> Vec<usize> {
        let mut all = Vec::new();
        self.for_each_edge(|edge| {
            if let Edge::Block(block) = edge {
                all.push(block);
            }
        });
        all
    }
}
