//! What a unit consists of: the blocks that are reached from an entry without leaving the subroutine, each with the
//! height of the stack it begins with.
//!
//! A block is known by its first index, its height, *and* the inlined calls it runs in, so that code whose heights
//! differ where paths meet is simply two blocks. Where that would not end, and past the limits, an edge leaves the
//! unit.

use crate::find::{Finder, Scope};
use crate::inline::{self, Inlined, Plan};
use crate::unroll::Turns;
use keyvm_isa::Code;
use keyvm_isa::code::FuncType;
use std::collections::BTreeSet;

/// Instructions of a unit at most.
pub(crate) const INSTRUCTIONS_MAX: usize = 20_000;
/// A unit of so few instructions, without a loop or a call, is small.
const SMALL: usize = 24;
/// Operands above the base at most that are held in registers; where there are more, the interpreter goes on.
pub const HEIGHT_MAX: u32 = 512;

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
    /// What its instructions may come to in instructions of the intermediate representation.
    pub(crate) work: usize,
    /// Whether there would be more, but for the limits of a unit's size.
    pub(crate) full: bool,
    /// Whether any subroutine is called natively.
    pub(crate) calls: bool,
    /// Loops that are compiled twice.
    pub(crate) turns: Vec<Turns>,
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
            finder.leave_out(outside);
            finder.find();
            let sites = if inlining { finder.sites() } else { Vec::new() };
            let instructions = finder.instructions().len();
            (sites, instructions, finder.blocks())
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
