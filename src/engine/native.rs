//! Runs a process, in native code where there is some.

use super::door::{Door, Left};
use super::page::Record;
use super::{Engine, NativePage, RecentCode};
use crate::interp::{Watch, interpret, interpret_one, interpret_until};
use crate::kernel::{Activation, Kernel, Ref, Stop};
use keyvm_isa::{Code, Insn, Op};
use keyvm_jit::{EntryPoint, Exit};
use std::sync::Arc;

/// How one machine ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Times native code was entered.
    pub entries: u64,
    /// Times it was left, by reason, in the order of [`Exit::ALL`].
    pub exits: [u64; Exit::ALL.len()],
    /// Instructions that native code executed, helpers' included.
    pub instructions: u64,
}

/// What native code needs, kept between runs.
#[derive(Debug, Default)]
pub(crate) struct Runner {
    door: Door,
}

/// The native code of a page that runs.
#[derive(Clone, Copy)]
pub(super) struct Native<'a> {
    pub(super) engine: &'a Engine,
    pub(super) page: &'a Arc<NativePage>,
    /// What it may call.
    pub(super) recent: &'a RecentCode,
}

impl Native<'_> {
    /// When control has moved: if it is with a tiny callee this is executed. Then control may be back where this code runs;
    /// if not, gives what has stopped.
    #[inline(always)]
    fn come_back(&self, own_code: Ref, kernel: &mut Kernel, act: &mut Activation) -> Option<Stop> {
        if act.is_running(act.code, kernel)
            && let Some(callee) = self.recent.tiny(act.code)
        {
            match interpret(kernel, act, callee) {
                Stop::Switched => {}
                stop => return Some(stop),
            }
        }
        if act.is_running(own_code, kernel) { None } else { Some(Stop::Switched) }
    }
}

/// Tells the interpreter where native code begins.
struct Arrivals<'a> {
    native: Native<'a>,
    /// The native code for where control has arrived last.
    entry: Option<&'a Record>,
    /// Whether native code has left before a call because there is none of the callee, which control comes to next.
    missed: bool,
}

impl Watch for Arrivals<'_> {
    #[inline]
    fn arrive(&mut self, index: u64, height: usize) -> bool {
        let (Ok(index), Ok(height)) = (u32::try_from(index), u32::try_from(height)) else { return false };
        let page = self.native.page;
        if self.missed && page.begins_subroutine(index) {
            self.missed = false;
            page.miss(self.native.engine, self.native.recent, index);
        }
        self.entry = page.arrive(self.native.engine, self.native.recent, EntryPoint { index, height });
        self.entry.is_some()
    }
}

impl Runner {
    /// How it has run.
    pub(crate) const fn stats(&self) -> RunStats {
        self.door.stats
    }

    /// Executes the running process until something stops it, as [`interpret`] does.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        native: Native<'_>,
        kernel: &mut Kernel,
        act: &mut Activation,
        code: &Code,
    ) -> Stop {
        let before = kernel.instructions;
        let stop = self.go_on(native, kernel, act, code);
        let instructions = kernel.instructions - before;
        native.recent.earn(instructions);
        if native.page.is_spent() {
            native.page.earn(instructions);
        }
        stop
    }

    #[inline(always)]
    fn go_on(&mut self, native: Native<'_>, kernel: &mut Kernel, act: &mut Activation, code: &Code) -> Stop {
        let page = native.page;
        let own_code = act.code;
        let mut arrivals = Arrivals { native, entry: None, missed: false };
        // A pause may be anywhere: only where control comes to by itself it is worth asking for native code.
        arrivals.entry = here(act).and_then(|point| page.entry(point));
        if arrivals.entry.is_none() && !page.is_never(act.index) && begins(code, act.index) {
            arrivals.arrive(act.index, act.height - act.base);
        }
        loop {
            if let Some(entry) = arrivals.entry.take() {
                match self.door.enter(native, entry, kernel, act, code) {
                    Left::Stopped(stop) => return stop,
                    Left::After => {
                        if arrivals.arrive(act.index, act.height - act.base) {
                            continue;
                        }
                    }
                    Left::Moved => {
                        if let Some(stop) = native.come_back(own_code, kernel, act) {
                            return stop;
                        }
                        if arrivals.arrive(act.index, act.height - act.base) {
                            continue;
                        }
                    }
                    // Not enough gas for a block: it is over soon.
                    Left::At(Exit::Gas) => break,
                    Left::At(Exit::Edge) => {
                        if arrivals.arrive(act.index, act.height - act.base) {
                            continue;
                        }
                    }
                    Left::At(Exit::Room) if act.extend(kernel) => {
                        arrivals.entry = here(act).and_then(|point| page.entry(point));
                        if arrivals.entry.is_some() {
                            continue;
                        }
                    }
                    Left::At(exit) => {
                        match interpret_one(kernel, act, code) {
                            Ok(()) => kernel.instructions += 1,
                            Err(Stop::Switched) => {
                                kernel.instructions += 1;
                                if let Some(stop) = native.come_back(own_code, kernel, act) {
                                    return stop;
                                }
                            }
                            Err(stop) => return stop,
                        }
                        arrivals.missed |= exit == Exit::Callee;
                        let settled =
                            matches!(exit, Exit::Kernel | Exit::Return | Exit::Callee | Exit::Helper);
                        if settled && arrivals.arrive(act.index, act.height - act.base) {
                            continue;
                        }
                    }
                }
            }
            match interpret_until(kernel, act, code, &mut arrivals) {
                None => {}
                Some(Stop::Switched) => {
                    if let Some(stop) = native.come_back(own_code, kernel, act) {
                        return stop;
                    }
                    arrivals.arrive(act.index, act.height - act.base);
                }
                Some(stop) => return stop,
            }
        }
        interpret(kernel, act, code)
    }
}

/// Whether control comes to an index by a call, or back from one.
fn begins(code: &Code, index: u64) -> bool {
    let before = index.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let word = before.and_then(|before| code.normal().get(before));
    before.is_none() || word.and_then(|&word| Insn::decode(word)).is_some_and(|insn| leaves(insn.op))
}

/// Whether other processes may run between an instruction and the next.
const fn leaves(op: Op) -> bool {
    matches!(op, Op::Recurse | Op::Invoke | Op::Yield | Op::Return | Op::Destroy | Op::Stop | Op::Revoke)
}

/// Where a process is.
pub(super) fn here(act: &Activation) -> Option<EntryPoint> {
    let index = u32::try_from(act.index).ok()?;
    let height = u32::try_from(act.height - act.base).ok()?;
    Some(EntryPoint { index, height })
}
