//! Finds the instructions that a unit consists of, and cuts them into blocks.

use crate::inline::{self, Inlined, Plan};
use crate::lower::{reached, table_of};
use crate::region::{Block, Edge, End, HEIGHT_MAX, Part, Region, Start, subroutine};
use keyvm_isa::code::FuncType;
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Code, Flow, ImmKind, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

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
/// Heights with which one index is compiled in one unit at most.
const HEIGHTS_MAX: usize = 4;
/// Targets of a switch that are compiled at most; one with more is the interpreter's.
const TARGETS_MAX: usize = 1024;

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

    /// Lets places not belong to the unit, by index and height, though they are reached.
    pub(crate) fn leave_out(&mut self, outside: &BTreeSet<(u32, u32)>) {
        self.outside.clone_from(outside);
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
    pub(crate) fn blocks(self) -> Region {
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
