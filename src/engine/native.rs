//! Runs a process, in native code where there is some.

use super::page::{PASSING, Record};
use super::{Engine, NativePage, RecentCode};
use crate::interp::{Watch, call_straight, interpret, interpret_one, interpret_until};
use crate::kernel::{Activation, Kernel, Move, Ref, Stop};
use keyvm_isa::image::Frame;
use keyvm_isa::layout::{MEMORY_META, MEMORY_OPERANDS, meta};
use keyvm_isa::{Code, ImmKind, Insn, Op};
use keyvm_jit::{Context, EntryPoint, Exit, GAS_MAX, Helper, PAD_BYTES, View};
use std::ptr;
use std::sync::Arc;

/// Native stack that native code may use.
const NATIVE_STACK: usize = 192 << 10;
/// Frames that a native activation may have at most: so many are made room for.
const NATIVE_FRAMES: usize = 4096;

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
    /// What a callee computes with whose call has not begun.
    callee: Activation,
}

/// Where native code is entered and left.
#[derive(Debug)]
struct Door {
    context: Box<Context>,
    stats: RunStats,
}

// SAFETY: the pointers in the context are set anew each time native code is entered, and not used after that.
unsafe impl Send for Door {}
// SAFETY: as above; a shared door is only read, and nothing reads through the pointers.
unsafe impl Sync for Door {}

/// What a helper reaches.
struct Host {
    kernel: *mut Kernel,
    act: *mut Activation,
    code: *const Code,
    memories: *const [u8],
    /// Gas that the activation has and native code does not count.
    beyond: u64,
    /// Why the instruction of a helper did not complete; none if it was not tried.
    stop: Option<Stop>,
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

/// Where a run of native code has ended.
enum Left {
    /// The process, or all processes, cannot go on.
    Stopped(Stop),
    /// At an instruction, for this reason.
    At(Exit),
    /// After a call, which has been executed whole.
    After,
    /// Control has moved.
    Moved,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            context: Box::new(Context {
                gas: 0,
                room: 0,
                stack_end: ptr::null_mut(),
                frames_end: ptr::null_mut(),
                stack_words: 0,
                native_limit: 0,
                index: 0,
                height: 0,
                exit: 0,
                back: 0,
                answer: 0,
                written: 0,
                table: ptr::null(),
                helper,
                host: ptr::null_mut(),
                data: View::NONE,
                views: [View::NONE; 253],
                nans: Context::NANS,
                pad: [0; PAD_BYTES],
            }),
            stats: RunStats::default(),
        }
    }
}

impl Runner {
    /// How it has run.
    pub(crate) const fn stats(&self) -> RunStats {
        self.door.stats
    }

    /// Executes the running process until something stops it, as [`interpret`] does.
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
                let left = self.door.enter(native, helper, entry, kernel, act, code);
                match self.move_plainly(native, left, kernel, act, code) {
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

    /// Where native code has left for an instruction that moves control: executes that, if nothing about it is out of the
    /// common run, and has a callee compute that it calls. Gives what has become of the running process: it may be the
    /// callee then.
    #[inline(always)]
    fn move_plainly(
        &mut self,
        native: Native<'_>,
        mut left: Left,
        kernel: &mut Kernel,
        act: &mut Activation,
        code: &Code,
    ) -> Left {
        let Native { engine, page, recent } = native;
        while let Left::At(Exit::Kernel) = left
            && let Some(moved) = kernel.move_plainly(act, code)
        {
            kernel.instructions += 1;
            let Move::Call(call) = moved else { return Left::Moved };
            // What calls processes of its own code is rarely straight.
            if call.code != act.code && call_straight(kernel, act, code, &call) {
                return Left::After;
            }
            let point = kernel.beginning(&call).filter(|_| call.code == act.code);
            let Some(entry) = point.and_then(|point| page.arrive(engine, recent, point)) else {
                kernel.begin_call(act, &call);
                return Left::Moved;
            };
            let fuel = kernel.lend(act, &mut self.callee, &call);
            left = self.door.enter(native, refuse, entry, kernel, &mut self.callee, code);
            if let Left::At(Exit::Kernel) = left
                && kernel.end_lent(act, &mut self.callee, &call, fuel, code)
            {
                kernel.instructions += 1;
                return Left::After;
            }
            kernel.begin_lent(act, &mut self.callee, &call, fuel);
        }
        left
    }
}

impl Door {
    /// Runs native code from an entry for the present place.
    fn enter<'a>(
        &mut self,
        native: Native<'a>,
        helper: Helper,
        mut entry: &'a Record,
        kernel: &mut Kernel,
        act: &mut Activation,
        code: &Code,
    ) -> Left {
        let Native { engine, page, recent } = native;
        let context = &mut *self.context;
        let processor = &engine.0.processor;
        let words = act.stack.len().min(keyvm_jit::STACK_WORDS_MAX);
        let depth = act.frames.len();
        let frames = act.frames_left().min(NATIVE_FRAMES);
        act.frames.reserve(frames);
        let gas = act.fuel.min(GAS_MAX);
        context.set_gas(gas);
        context.set_room(words - act.base, frames);
        context.stack_words = words as u64;
        context.stack_end = act.stack.as_mut_ptr().wrapping_add(words);
        context.frames_end = act.frames.as_mut_ptr().wrapping_add(depth + frames).wrapping_sub(1);
        context.native_limit = ((&raw const gas) as usize).saturating_sub(NATIVE_STACK) as u64;
        context.table = page.table().as_ptr().cast();
        context.helper = helper;
        look(context, kernel, act, page.memories());
        let mut host = Host {
            kernel: &raw mut *kernel,
            act: &raw mut *act,
            code: &raw const *code,
            memories: &raw const *page.memories(),
            beyond: act.fuel - gas,
            stop: None,
        };
        context.host = (&raw mut host).cast();
        // SAFETY: the page lives, and with it its code, which is of this process; the entry has this height. What the
        // context points to belongs to the kernel and the activation, which nothing touches while native code runs, but
        // for the helper.
        unsafe { processor.enter(entry.entry, act.height - act.base, page.table().len(), context) };
        self.stats.entries += 1;
        // Where the code of one unit goes on in another, nothing that the context says has changed.
        while context.exit == Exit::Edge as u64
            && let Some(next) = page.entry(EntryPoint { index: context.index, height: context.height })
        {
            if entry.count(PASSING) {
                engine.optimize(page, entry, recent.owner);
            }
            entry = next;
            self.stats.exits[Exit::Edge as usize] += 1;
            self.stats.entries += 1;
            // SAFETY: as above; native code has left with these operands above the base that the context says.
            unsafe { processor.enter(entry.entry, context.height as usize, page.table().len(), context) };
        }
        let left = usize::try_from(context.frames_left()).unwrap_or(usize::MAX);
        let added = frames.saturating_sub(left);
        debug_assert!(left <= frames, "frames were counted wrongly");
        // SAFETY: there is room for `frames` more, and native code has written those that it says are there.
        unsafe { act.frames.set_len(depth + added) };
        act.base = words - usize::try_from(context.words_left()).unwrap_or(0);
        act.height = act.base + context.height as usize;
        act.index = context.index.into();
        act.fuel = context.gas_left() + host.beyond;
        let executed = context.executed(gas);
        kernel.instructions += executed;
        if entry.count(executed) {
            engine.optimize(page, entry, recent.owner);
        }
        let exit = Exit::from_number(context.exit);
        self.stats.exits[exit as usize] += 1;
        self.stats.instructions += executed;
        match host.stop {
            Some(stop) => Left::Stopped(stop),
            None => Left::At(exit),
        }
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
fn here(act: &Activation) -> Option<EntryPoint> {
    let index = u32::try_from(act.index).ok()?;
    let height = u32::try_from(act.height - act.base).ok()?;
    Some(EntryPoint { index, height })
}

/// Shows native code the memories as they are now.
fn look(context: &mut Context, kernel: &mut Kernel, act: &mut Activation, memories: &[u8]) {
    context.data = act.data.view();
    for &memory in memories {
        context.views[usize::from(memory) - 3] = kernel.view(act, memory);
    }
}

/// Executes one instruction for native code.
unsafe extern "C" fn helper(context: *mut Context, index: u64, height: u64) -> u64 {
    // SAFETY: `Runner::enter` has set the context and what it points to, and touches none of that before native code
    // returns; native code itself does not run now.
    let (context, host) = unsafe {
        let context = &mut *context;
        let host = &mut *context.host.cast::<Host>();
        (context, host)
    };
    // SAFETY: as above.
    let (kernel, act, code) = unsafe { (&mut *host.kernel, &mut *host.act, &*host.code) };
    let base = context.stack_words - context.words_left();
    act.index = index;
    act.base = usize::try_from(base).unwrap_or(usize::MAX);
    act.height = usize::try_from(base + height).unwrap_or(usize::MAX);
    let Some(&word) = code.normal().get(usize::try_from(index).unwrap_or(usize::MAX)) else {
        return 1;
    };
    let opcode = word.to_le_bytes()[0];
    if kernel.do_plainly(act, opcode, context.gas_left()) {
        context.set_gas_after(act.fuel, 1);
        return 0;
    }
    let Some(op) = Op::from_byte(opcode) else { return 1 };
    // SAFETY: as above.
    unsafe { interpreted(context, host, word, op) }
}

/// The helper of a callee whose call has not begun: it executes nothing, so that native code leaves.
const unsafe extern "C" fn refuse(_: *mut Context, _: u64, _: u64) -> u64 {
    1
}

/// Has the present instruction executed by the interpreter for native code; answers as a helper.
///
/// # Safety
/// As for a helper: the host is that of the context, and native code waits.
#[inline(never)]
unsafe fn interpreted(context: &mut Context, host: &mut Host, word: u64, op: Op) -> u64 {
    // SAFETY: nothing else touches what the host points to while native code waits.
    let (kernel, act, code, memories) =
        unsafe { (&mut *host.kernel, &mut *host.act, &*host.code, &*host.memories) };
    let index = act.index;
    let before = context.gas_left();
    act.fuel = before + host.beyond;
    if !is_for_helper(kernel, act, word, op) {
        return 1;
    }
    let mut executed = 0;
    let stop = loop {
        match interpret_one(kernel, act, code) {
            Ok(()) => {
                executed += 1;
                if act.index != index {
                    break None;
                }
            }
            Err(stop) => break Some(stop),
        }
    };
    // An instruction may have changed meters, and so how much gas there is. What native code counts never grows: it
    // executes fewer instructions than can be counted, however often there is more.
    let gas = act.fuel.min(before);
    host.beyond = act.fuel - gas;
    context.set_gas_after(gas, executed);
    host.stop = stop;
    look(context, kernel, act, memories);
    u64::from(stop.is_some())
}

/// Whether an instruction can be executed while native code waits: it reads nothing that only the interpreter has, has
/// room for its results, and control stays.
#[inline]
fn is_for_helper(kernel: &Kernel, act: &Activation, word: u64, op: Op) -> bool {
    let info = op.info();
    let suits = match op {
        Op::Destroy | Op::Stop => kernel.goes_quietly(act, op),
        Op::Mempush | Op::Memlen => Insn::decode(word).is_some_and(|insn| !shows_frames(act, &insn)),
        _ => info.imms.is_empty() || Insn::decode(word).is_some_and(|insn| !shows_frames(act, &insn)),
    };
    suits && act.height + usize::from(info.pushes) <= act.stack.len()
}

/// Whether an instruction may read what only the interpreter has: the operands of callers, the list of frames.
fn shows_frames(act: &Activation, insn: &Insn) -> bool {
    let operand = |depth: usize| {
        act.height.checked_sub(depth + 1).and_then(|at| act.stack.get(at)).copied().unwrap_or(u64::MAX)
    };
    let (operands, metadata) = (u64::from(MEMORY_OPERANDS), u64::from(MEMORY_META));
    match insn.op {
        Op::Mempush => {
            let (memory, field) = (operand(1), operand(0));
            memory == operands || (memory == metadata && field == meta::FRAMES)
        }
        Op::Memlen => operand(0) == operands,
        _ => insn.op.info().imms.iter().zip(insn.imms).any(|(imm, memory)| {
            let memory = u64::try_from(memory).unwrap_or(u64::MAX);
            imm.kind == ImmKind::Memory && (memory == operands || memory == metadata)
        }),
    }
}

const _: () = assert!(size_of::<Frame>() == 12, "native code writes frames of three times 32 bits");
