//! What a unit consists of: the blocks that are reached from an entry without leaving the subroutine, each with the
//! height of the stack it begins with.
//!
//! A block is known by its first index *and* its height, so that code whose heights differ where paths meet is simply
//! two blocks. Where that would not end, and past the limits below, an edge leaves the unit.

use keyvm_isa::code::FuncType;
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Code, Flow, Insn, Op, gas};
use std::collections::{BTreeMap, BTreeSet};

/// Instructions of a unit at most.
pub(crate) const INSTRUCTIONS_MAX: usize = 20_000;
/// Operands above the base at most that are held in registers; where there are more, the interpreter goes on.
pub const HEIGHT_MAX: u32 = 512;
/// Heights with which one index is compiled in one unit at most.
const HEIGHTS_MAX: usize = 4;
/// Targets of a switch that are compiled at most; one with more is the interpreter's.
pub(crate) const TARGETS_MAX: usize = 4096;

/// What a unit begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A native call of the subroutine at this index.
    Call { index: u32, typ: FuncType, number: u32 },
    /// The host enters at an index, with this many operands above the base.
    Enter { index: u32, height: u32 },
}

/// Where control goes at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// `ret` of the subroutine that the unit is; in a unit that the host enters it leaves.
    Return(FuncType),
    Tailcall {
        target: u32,
        typ: FuncType,
    },
    /// The next instruction is for the interpreter.
    Leave,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its first instruction.
    pub(crate) index: u32,
    /// Operands above the base before that.
    pub(crate) height: u32,
    /// One past its last instruction, the one that is its end not counted.
    pub(crate) end_index: u32,
    pub(crate) end: End,
    /// Reached by an edge from a block that it reaches, in the order of discovery.
    pub(crate) header: bool,
}

#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) start: Start,
    /// The first is where the unit begins.
    pub(crate) blocks: Vec<Block>,
    /// Operands above the base at most.
    pub(crate) height: u32,
    /// Subroutines that are called, or gone on with.
    pub(crate) callees: BTreeSet<u32>,
    pub(crate) instructions: usize,
    /// Whether anything is called, subroutine or helper.
    pub(crate) calls: bool,
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
    Return,
    Tailcall(u32),
    Leave,
}

impl Region {
    pub(crate) fn new(code: &Code, start: Start) -> Self {
        let (index, height) = match start {
            Start::Call { index, typ, .. } => (index, typ.arguments.into()),
            Start::Enter { index, height } => (index, height),
        };
        let mut finder = Finder::new(code, start);
        finder.most = height;
        finder.find((index, height));
        finder.blocks((index, height))
    }
}

struct Finder<'a> {
    code: &'a Code,
    start: Start,
    /// Every instruction of the unit, with its height.
    seen: BTreeSet<(u32, u32)>,
    leaders: BTreeSet<(u32, u32)>,
    heights: BTreeMap<u32, usize>,
    most: u32,
    callees: BTreeSet<u32>,
    calls: bool,
}

type Place = (u32, u32);

impl<'a> Finder<'a> {
    fn new(code: &'a Code, start: Start) -> Self {
        Self {
            code,
            start,
            seen: BTreeSet::new(),
            leaders: BTreeSet::new(),
            heights: BTreeMap::new(),
            most: 0,
            callees: BTreeSet::new(),
            calls: false,
        }
    }

    /// Whether a place may become part of the unit.
    fn admit(&mut self, place: Place) -> bool {
        if self.seen.contains(&place) {
            return true;
        }
        if place.0 as usize >= self.code.len() || place.1 > HEIGHT_MAX || self.seen.len() >= INSTRUCTIONS_MAX
        {
            return false;
        }
        let heights = self.heights.entry(place.0).or_default();
        if *heights == HEIGHTS_MAX {
            return false;
        }
        *heights += 1;
        self.seen.insert(place);
        true
    }

    /// Finds all instructions of the unit, and where blocks begin.
    fn find(&mut self, first: Place) {
        let mut open = Vec::new();
        if self.admit(first) {
            self.leaders.insert(first);
            open.push(first);
        }
        while let Some(mut at) = open.pop() {
            loop {
                self.most = self.most.max(at.1);
                let mut lead = |finder: &mut Self, place: Place| {
                    let new = !finder.seen.contains(&place);
                    if finder.admit(place) {
                        finder.leaders.insert(place);
                        if new {
                            open.push(place);
                        }
                    }
                };
                let next = match self.effect(at) {
                    Effect::Next { height, most } => {
                        self.most = self.most.max(most);
                        (at.0 + 1, height)
                    }
                    Effect::Call { height, target } => {
                        self.most = self.most.max(height);
                        self.callees.extend(target);
                        self.calls = true;
                        (at.0 + 1, height)
                    }
                    Effect::Jump(target) => {
                        lead(self, (target, at.1));
                        break;
                    }
                    Effect::Branch { target, .. } => {
                        lead(self, (target, at.1 - 1));
                        lead(self, (at.0 + 1, at.1 - 1));
                        break;
                    }
                    Effect::Switch(table) => {
                        for target in self.switch_targets(table) {
                            lead(self, (target, at.1 - 1));
                        }
                        break;
                    }
                    Effect::Tailcall(target) => {
                        self.callees.insert(target);
                        break;
                    }
                    Effect::Return | Effect::Leave => break,
                };
                if self.seen.contains(&next) {
                    self.leaders.insert(next);
                    break;
                }
                if !self.admit(next) {
                    break;
                }
                at = next;
            }
        }
    }

    fn switch_targets(&self, table: u32) -> Vec<u32> {
        let targets = self.code.switch(table).unwrap_or_default();
        targets.iter().filter_map(|&target| u32::try_from(target).ok()).collect()
    }

    /// Cuts what was found into blocks.
    fn blocks(self, first: Place) -> Region {
        let mut order: Vec<Place> = vec![first];
        order.extend(self.leaders.iter().copied().filter(|&place| place != first));
        let number: BTreeMap<Place, usize> =
            order.iter().enumerate().map(|(number, &place)| (place, number)).collect();
        let mut blocks: Vec<Block> = Vec::with_capacity(order.len());
        let edge = |place: Place| match number.get(&place) {
            Some(&block) => Edge::Block(block),
            None => Edge::Out(place.0),
        };
        for &(index, height) in &order {
            let mut at = (index, height);
            let (end_index, end) = loop {
                if at.0 != index && (number.contains_key(&at) || !self.seen.contains(&at)) {
                    break (at.0, End::Fall(edge(at)));
                }
                if !self.seen.contains(&at) {
                    // Only the very first place can be refused.
                    break (at.0, End::Leave);
                }
                let end = match self.effect(at) {
                    Effect::Next { height, .. } | Effect::Call { height, .. } => {
                        at = (at.0 + 1, height);
                        continue;
                    }
                    Effect::Jump(target) => End::Jump(edge((target, at.1))),
                    Effect::Branch { target, when_zero } => End::Branch {
                        taken: edge((target, at.1 - 1)),
                        next: edge((at.0 + 1, at.1 - 1)),
                        when_zero,
                    },
                    Effect::Switch(table) => End::Switch(
                        self.switch_targets(table).iter().map(|&target| edge((target, at.1 - 1))).collect(),
                    ),
                    Effect::Return => match self.start {
                        Start::Call { typ, .. } => End::Return(typ),
                        Start::Enter { .. } => End::Leave,
                    },
                    Effect::Tailcall(target) => match subroutine(self.code, target) {
                        Some((typ, _)) => End::Tailcall { target, typ },
                        None => End::Leave,
                    },
                    Effect::Leave => End::Leave,
                };
                break (at.0, end);
            };
            blocks.push(Block { index, height, end_index, end, header: false });
        }
        mark_headers(&mut blocks);
        Region {
            start: self.start,
            blocks,
            height: self.most.max(first.1),
            callees: self.callees,
            instructions: self.seen.len(),
            calls: self.calls,
        }
    }

    fn effect(&self, (index, height): Place) -> Effect {
        let word = self.code.normal()[index as usize];
        let Some(insn) = Insn::decode(word) else { return Effect::Leave };
        let info = insn.op.info();
        let pops = u32::from(info.pops);
        if height < pops {
            return Effect::Leave;
        }
        let imm = u32::try_from(insn.imms[0]).unwrap_or(u32::MAX);
        let target_inside = |target: u32| target as usize <= self.code.len();
        let after = height - pops + u32::from(info.pushes);
        let next = Effect::Next { height: after, most: after.max(height) };
        match insn.op {
            Op::Jump if target_inside(imm) => Effect::Jump(imm),
            Op::Jumpif | Op::Jumpz if target_inside(imm) => {
                Effect::Branch { target: imm, when_zero: insn.op == Op::Jumpz }
            }
            Op::Switch => match self.code.switch(imm) {
                Some(targets)
                    if targets.len() <= TARGETS_MAX
                        && targets.iter().all(|&target| target <= self.code.len() as u64) =>
                {
                    Effect::Switch(imm)
                }
                _ => Effect::Leave,
            },
            Op::Call => match subroutine(self.code, imm) {
                Some((typ, _)) => call(height, typ, Some(imm)),
                None => Effect::Leave,
            },
            Op::Callto | Op::Calltable => match self.code.types().get(imm as usize) {
                Some(&typ) => call(height - 1, typ, None),
                None => Effect::Leave,
            },
            Op::Tailcall => match (self.start, subroutine(self.code, imm)) {
                (Start::Call { typ: own, .. }, Some((typ, _)))
                    if own.results == typ.results && height >= typ.arguments.into() =>
                {
                    Effect::Tailcall(imm)
                }
                _ => Effect::Leave,
            },
            Op::Ret => match self.start {
                Start::Call { typ, .. } if height >= typ.results.into() => Effect::Return,
                _ => Effect::Leave,
            },
            Op::Func => match self.code.types().get(imm as usize) {
                Some(typ) if height + typ.locals <= HEIGHT_MAX => {
                    Effect::Next { height: height + typ.locals, most: height + typ.locals }
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
                        Effect::Next { height: height - drop, most: height }
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

fn call(height: u32, typ: FuncType, target: Option<u32>) -> Effect {
    match height.checked_sub(typ.arguments.into()) {
        Some(rest) => Effect::Call { height: rest + u32::from(typ.results), target },
        None => Effect::Leave,
    }
}

/// Instructions after which something else may run, and those that always trap.
pub(crate) const fn is_left(op: Op) -> bool {
    matches!(
        op,
        Op::Halt
            | Op::Recurse
            | Op::Invoke
            | Op::Yield
            | Op::Return
            | Op::Destroy
            | Op::Stop
            | Op::Start
            | Op::Revoke
            | Op::Setmeter
            | Op::Unreachable
            | Op::Fail
    )
}

/// The subroutine at an index: its type and the type's number.
pub(crate) fn subroutine(code: &Code, index: u32) -> Option<(FuncType, u32)> {
    let number = code.func_at(index.into())?;
    Some((*code.types().get(number as usize)?, number))
}

/// The gas of an instruction that stays in its block.
pub(crate) fn insn_cost(code: &Code, insn: &Insn) -> u64 {
    let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
    insn.op.info().cost.base()
        + match insn.op {
            Op::Func => code.types().get(imm).map_or(0, |typ| gas::per_eight(typ.locals.into())),
            Op::Slide => gas::per_eight(imm as u64),
            _ => 0,
        }
}

/// The gas of the instruction that ends a block; none where there is none, or it is the interpreter's.
pub(crate) fn end_cost(end: &End) -> u64 {
    match end {
        End::Fall(_) | End::Leave => 0,
        End::Jump(_) | End::Branch { .. } | End::Switch(_) => 1,
        End::Return(typ) => 1 + gas::per_eight(typ.results.into()),
        End::Tailcall { typ, .. } => 1 + gas::per_eight(typ.arguments.into()),
    }
}

fn successors(end: &End, mut visit: impl FnMut(usize)) {
    let mut edge = |edge: &Edge| {
        if let Edge::Block(block) = edge {
            visit(*block);
        }
    };
    match end {
        End::Fall(next) | End::Jump(next) => edge(next),
        End::Branch { taken, next, .. } => {
            edge(taken);
            edge(next);
        }
        End::Switch(targets) => targets.iter().for_each(edge),
        End::Return(_) | End::Tailcall { .. } | End::Leave => {}
    }
}

impl Block {
    pub(crate) fn successors(&self) -> Vec<usize> {
        let mut all = Vec::new();
        successors(&self.end, |block| all.push(block));
        all
    }
}

/// Finds the targets of edges that go back, by a walk in depth.
fn mark_headers(blocks: &mut [Block]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; blocks.len()];
    let mut headers = Vec::new();
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    marks[0] = Mark::Open;
    stack.push((0, blocks[0].successors()));
    while let Some((block, rest)) = stack.last_mut() {
        match rest.pop() {
            None => {
                marks[*block] = Mark::Done;
                stack.pop();
            }
            Some(next) => match marks[next] {
                Mark::New => {
                    marks[next] = Mark::Open;
                    let rest = blocks[next].successors();
                    stack.push((next, rest));
                }
                Mark::Open => headers.push(next),
                Mark::Done => {}
            },
        }
    }
    for header in headers {
        blocks[header].header = true;
    }
}
