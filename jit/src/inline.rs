//! Which calls are inlined: those of small subroutines, which may again call small ones, or themselves.
//!
//! An inlined call has its own operands and, should native code leave in it, its own frame; but nothing is passed, and
//! one comparison of gas serves caller and callee.
//!
//! Of a subroutine that is too large, or that would be inlined into itself too often, the *beginning* may be inlined: the
//! ways from its start to a `ret` on which nothing happens that cannot happen twice. Where such a way is left the
//! subroutine is called after all, from its start. So recursion ends without a call for each of its leaves.

use crate::arith::everywhere;
use crate::find::{Finder, Scope, Site, is_left};
use crate::lower::memory::is_native_load;
use crate::region::{Start, subroutine};
use keyvm_isa::code::FuncType;
use keyvm_isa::{Code, Insn, Op};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Instructions at most of a subroutine that is inlined.
const WHOLE_MAX: usize = 40;
/// Instructions at most of a beginning that is inlined.
const BEGINNING_MAX: usize = 16;
/// Subroutines that are looked at for one unit at most.
const CALLEES_MAX: usize = 400;
/// Inlined calls within each other at most.
const DEPTH_MAX: u32 = 4;
/// How often one subroutine is inlined into itself.
const RECURSION_MAX: usize = 1;
/// Instructions that inlining adds to a unit: so many,
const ADDED: usize = 200;
/// and so many for each of its own.
const ADDED_FOR_EACH: usize = 1;
/// Operands at most above the unit's base in an inlined call: what a unit asks for when it begins is to stay small.
const HEIGHT_MAX: u32 = 64;

/// An inlined call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inlined {
    /// The inlined call that it is made in, if it is.
    pub(crate) caller: Option<usize>,
    /// Index of the subroutine.
    pub(crate) callee: u32,
    pub(crate) typ: FuncType,
    /// Number of the type.
    pub(crate) number: u32,
    /// Index after the call.
    pub(crate) return_index: u32,
    /// Operands of callers, above the unit's base.
    pub(crate) base: u32,
    /// How many calls it runs in, itself included.
    pub(crate) depth: u32,
    /// Whether but the beginning of the subroutine is inlined.
    pub(crate) beginning: bool,
}

/// The calls of a unit that are to be inlined.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    calls: Vec<Inlined>,
    /// By the inlined call they are made in, the index of the instruction, and the operands above the unit's base.
    sites: BTreeMap<(Option<usize>, u32, u32), usize>,
    /// Instructions of beginnings, by the index of the subroutine.
    beginnings: BTreeMap<u32, BTreeSet<(u32, u32)>>,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Each after the one it is made in.
    pub(crate) fn calls(&self) -> &[Inlined] {
        &self.calls
    }

    pub(crate) fn into_calls(self) -> Vec<Inlined> {
        self.calls
    }

    /// The call at an index with so many operands above the unit's base, if it is to be inlined.
    pub(crate) fn call(&self, caller: Option<usize>, index: u32, height: u32) -> Option<usize> {
        self.sites.get(&(caller, index, height)).copied()
    }

    /// Whether an instruction, with so many operands above the base, is not in the beginning that is inlined.
    pub(crate) fn is_beyond(&self, call: &Inlined, index: u32, height: u32) -> bool {
        let places = self.beginnings.get(&call.callee).filter(|_| call.beginning);
        places.is_some_and(|places| !places.contains(&(index, height)))
    }

    /// How often a subroutine is on the way to an inlined call.
    fn times(&self, caller: Option<usize>, callee: u32) -> usize {
        let mut times = 0;
        let mut at = caller;
        while let Some(call) = at {
            times += usize::from(self.calls[call].callee == callee);
            at = self.calls[call].caller;
        }
        times
    }
}

/// All of a subroutine.
struct Whole {
    instructions: usize,
    /// Operands above its base at most.
    most: u32,
    sites: Vec<Site>,
}

/// The ways from the start of a subroutine to where it returns on which it does nothing that cannot be done twice.
struct Beginning {
    /// Index and height of the instructions.
    places: BTreeSet<(u32, u32)>,
    /// Operands above its base at most.
    most: u32,
}

/// A subroutine.
struct Subroutine {
    typ: FuncType,
    number: u32,
    /// All of it, if that is small.
    whole: Option<Whole>,
    /// Its beginning, if that is small and may return.
    beginning: Option<Beginning>,
}

/// Whether an instruction may be executed and then executed again from an earlier one: it changes nothing but operands,
/// and goes on further down.
pub(crate) fn is_harmless(insn: &Insn, index: u32) -> bool {
    let forward = || insn.imms[0] > i64::from(index);
    match insn.op {
        Op::Jump | Op::Jumpif | Op::Jumpz => forward(),
        Op::Nop | Op::Push | Op::Const | Op::Drop | Op::Dup | Op::Swap | Op::Rot | Op::Rotback => true,
        Op::Select | Op::Pick | Op::Put | Op::Get | Op::Set | Op::Tee | Op::Slide | Op::Height => true,
        Op::Func | Op::Ret => true,
        op => everywhere(op) || is_native_load(insn),
    }
}

/// The subroutine at an index, if there is something to inline of it.
fn subroutine_at(code: &Code, index: u32) -> Option<Subroutine> {
    let (typ, number) = subroutine(code, index)?;
    let start = Start::Call { index, typ, number };
    let mut finder = Finder::new(code, start, Scope::Stays, WHOLE_MAX + 1, Plan::default());
    finder.find();
    let instructions = finder.instructions().len();
    let returns = finder.instructions().any(|insn| insn.is_some_and(|insn| insn.op == Op::Ret));
    let stays = finder.instructions().all(|insn| insn.is_some_and(|insn| stays(insn.op)));
    let whole = (instructions <= WHOLE_MAX && returns && stays).then(|| Whole {
        instructions,
        most: finder.most(),
        sites: finder.sites(),
    });
    let mut finder = Finder::new(code, start, Scope::Harmless, WHOLE_MAX, Plan::default());
    finder.find();
    let places = finder.returning();
    let beginning = (places.contains(&(index, typ.arguments.into())) && places.len() <= BEGINNING_MAX)
        .then(|| Beginning { places, most: finder.most() });
    (whole.is_some() || beginning.is_some()).then_some(Subroutine { typ, number, whole, beginning })
}

/// Whether control stays in a subroutine, or in one that it calls, after an instruction.
pub(crate) const fn stays(op: Op) -> bool {
    match op {
        Op::Switch | Op::Jumpto | Op::Tailcall | Op::Tailcallto | Op::Tailcalltable => false,
        Op::Unreachable | Op::Fail => true,
        op => !is_left(op),
    }
}

/// What to inline into a unit of so many instructions with these calls: outer calls before inner ones, as far as there is
/// room.
pub(crate) fn plan(code: &Code, start: Start, sites: &[Site], instructions: usize) -> Plan {
    let mut plan = Plan::default();
    let mut known: BTreeMap<u32, Option<Subroutine>> = BTreeMap::new();
    let mut room = ADDED + ADDED_FOR_EACH * instructions;
    let own = match start {
        Start::Call { index, .. } => Some(index),
        Start::Enter { .. } => None,
    };
    let mut open: VecDeque<(Option<usize>, Site)> = sites.iter().map(|&site| (None, site)).collect();
    while let Some((caller, site)) = open.pop_front() {
        let full = known.len() == CALLEES_MAX;
        let callee = match known.entry(site.callee) {
            Entry::Vacant(_) if full => continue,
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(subroutine_at(code, site.callee)),
        };
        let Some(callee) = callee else { continue };
        let (below, depth) = caller.map_or((0, 0), |call| (plan.calls[call].base, plan.calls[call].depth));
        let times = plan.times(caller, site.callee) + usize::from(own == Some(site.callee));
        let height = below + site.height;
        let base = height - u32::from(callee.typ.arguments);
        let fits = |instructions, most| instructions <= room && base + most <= HEIGHT_MAX;
        let may_be_whole = depth < DEPTH_MAX && times <= RECURSION_MAX;
        let whole = callee.whole.as_ref().filter(|_| may_be_whole);
        let whole = whole.filter(|whole| fits(whole.instructions, whole.most));
        let beginning = callee.beginning.as_ref().filter(|_| whole.is_none());
        let beginning = beginning.filter(|beginning| fits(beginning.places.len(), beginning.most));
        room -= match (whole, beginning) {
            (Some(whole), _) => whole.instructions,
            (None, Some(beginning)) => beginning.places.len(),
            (None, None) => continue,
        };
        if let Some(beginning) = beginning {
            plan.beginnings.entry(site.callee).or_insert_with(|| beginning.places.clone());
        }
        let call = plan.calls.len();
        plan.sites.insert((caller, site.index, height), call);
        plan.calls.push(Inlined {
            caller,
            callee: site.callee,
            typ: callee.typ,
            number: callee.number,
            return_index: site.index + 1,
            base,
            depth: depth + 1,
            beginning: whole.is_none(),
        });
        if let Some(whole) = whole {
            open.extend(whole.sites.iter().map(|&site| (Some(call), site)));
        }
    }
    plan
}
