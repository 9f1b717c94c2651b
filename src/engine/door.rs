//! Where native code is entered and left.
//!
//! What it leaves for most often is a call of another process, or what ends one. A call about which nothing is special is
//! executed here, and then native code is entered again: of what its context says of the caller nothing has changed.

use super::helper::{Host, helper, look, refuse};
use super::native::{Native, RunStats, here};
use super::page::{PASSING, Record};
use crate::interp::call_straight;
use crate::kernel::{Activation, Kernel, Lent, Move, PlainCall, Stop, Workspace};
use keyvm_isa::Code;
use keyvm_isa::image::Frame;
use keyvm_jit::{Context, EntryPoint, Exit, GAS_MAX, Helper, PAD_BYTES, View};
use std::ptr;

/// Native stack that native code may use.
const NATIVE_STACK: usize = 192 << 10;
/// Frames that a native activation may have at most: so many are made room for.
const NATIVE_FRAMES: usize = 4096;

/// What native code needs, kept between runs.
#[derive(Debug)]
pub(super) struct Door {
    context: Box<Context>,
    /// What a callee computes with whose call has not begun, once there has been one.
    callee: Option<Box<Context>>,
    pub(super) stats: RunStats,
}

// SAFETY: the pointers in the contexts are set anew each time native code is entered, and not used after that.
unsafe impl Send for Door {}
// SAFETY: as above; a shared door is only read, and nothing reads through the pointers.
unsafe impl Sync for Door {}

impl Default for Door {
    fn default() -> Self {
        Self { context: context(helper), callee: None, stats: RunStats::default() }
    }
}

/// Where a run of native code has ended.
pub(super) enum Left {
    /// The process, or all processes, cannot go on.
    Stopped(Stop),
    /// At an instruction, for this reason.
    At(Exit),
    /// After a call, which has been executed whole.
    After,
    /// Control has moved.
    Moved,
}

/// What becomes of an instruction that moves control.
enum Went {
    /// It was a call, which has been executed whole.
    On,
    /// The running process cannot go on here; it may be another than before.
    Away(Left),
}

/// A context that says nothing yet.
fn context(helper: Helper) -> Box<Context> {
    Box::new(Context {
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
    })
}

impl Door {
    /// Runs native code from an entry for the present place, and what it calls, until something else is to be done.
    pub(super) fn enter<'a>(
        &mut self,
        native: Native<'a>,
        mut entry: &'a Record,
        kernel: &mut Kernel,
        act: &mut Activation,
        code: &Code,
    ) -> Left {
        let page = native.page;
        let memories = page.memories();
        let (base, frames_left) = (act.base, act.frames_left());
        let shown = Shown::show(&mut self.context, act, base, frames_left);
        self.context.table = page.table().as_ptr().cast();
        look(&mut self.context, kernel, act.process, memories);
        self.context.data = act.data.view();
        loop {
            let gas = act.fuel.min(GAS_MAX);
            let mut host = Host {
                kernel: &raw mut *kernel,
                act: &raw mut *act,
                code: &raw const *code,
                memories: &raw const *memories,
                beyond: act.fuel - gas,
                stop: None,
            };
            self.context.host = (&raw mut host).cast();
            let height = act.height - act.base;
            // SAFETY: the page lives, and with it its code, which is of this process; the entry has this height. What the
            // context points to belongs to the kernel and the activation, which nothing touches while native code runs,
            // but for the helper.
            let (exit, executed) =
                unsafe { pass(native, entry, height, &mut self.context, gas, &mut self.stats) };
            kernel.instructions += executed;
            // SAFETY: native code has left, and the stack and the frames are those that it was shown.
            (act.base, act.height) = unsafe { shown.take(&self.context, act) };
            act.index = self.context.index.into();
            act.fuel = self.context.gas_left() + host.beyond;
            if let Some(stop) = host.stop {
                return Left::Stopped(stop);
            }
            if exit != Exit::Kernel {
                return Left::At(exit);
            }
            match self.move_plainly(native, kernel, act, code) {
                Went::On => {}
                Went::Away(left) => return left,
            }
            match here(act).and_then(|point| page.entry(point)) {
                Some(next) => entry = next,
                None => return Left::After,
            }
        }
    }

    /// Where native code has left for an instruction that moves control: executes that, if nothing about it is out of the
    /// common run, and has a callee compute that it calls.
    #[inline(always)]
    fn move_plainly(
        &mut self,
        native: Native<'_>,
        kernel: &mut Kernel,
        act: &mut Activation,
        code: &Code,
    ) -> Went {
        let mut went = Went::On;
        while let Some(moved) = kernel.move_plainly(act, code) {
            kernel.instructions += 1;
            let Move::Call(call) = moved else { return Went::Away(Left::Moved) };
            // What calls processes of its own code is rarely straight.
            if call.code != act.code && call_straight(kernel, act, code, &call) {
                return went;
            }
            if call.code != act.code {
                kernel.begin_call(act, &call);
                return Went::Away(Left::Moved);
            }
            let Some((exit, lent)) = self.compute(native, kernel, act, &call) else {
                kernel.begin_told(act, &call);
                return Went::Away(Left::Moved);
            };
            if exit == Exit::Kernel && kernel.end_lent(act, &call, &lent, code) {
                kernel.instructions += 1;
                return went;
            }
            kernel.begin_lent(act, &call, &lent);
            if exit != Exit::Kernel {
                return Went::Away(Left::At(exit));
            }
            // From here on it is the callee that runs, and the context says nothing of it.
            went = Went::Away(Left::After);
        }
        Went::Away(Left::At(Exit::Kernel))
    }

    /// Gives a callee its message, and has it compute natively, in its own object, until it leaves for anything but another
    /// unit; if there is native code for where it begins.
    #[inline(always)]
    fn compute(
        &mut self,
        native: Native<'_>,
        kernel: &mut Kernel,
        act: &Activation,
        call: &PlainCall,
    ) -> Option<(Exit, Lent)> {
        let Native { engine, page, recent } = native;
        let context = self.callee.get_or_insert_with(|| context(refuse));
        look(context, kernel, call.callee, page.memories());
        let (callee, fuel) = kernel.lend(act, call);
        let point = callee.point()?;
        let entry = page.arrive(engine, recent, point)?;
        context.data = callee.data.view();
        context.table = page.table().as_ptr().cast();
        let (base, frames_left) = (callee.height as usize - point.height as usize, callee.frames_left());
        let shown = Shown::show(context, callee, base, frames_left);
        let gas = fuel.min(GAS_MAX);
        // SAFETY: as where the caller was entered. The helper touches nothing.
        let (exit, executed) =
            unsafe { pass(native, entry, point.height as usize, context, gas, &mut self.stats) };
        // SAFETY: native code has left, and the stack and the frames are those that it was shown.
        let (base, height) = unsafe { shown.take(context, callee) };
        kernel.instructions += executed;
        let left = context.gas_left() + (fuel - gas);
        Some((exit, Lent { index: context.index.into(), base, height, fuel: left, used: fuel - left }))
    }
}

/// The stack and the frames that native code has been shown.
struct Shown {
    words: usize,
    /// Frames that there were, and that there was room for besides.
    depth: usize,
    frames: usize,
}

impl Shown {
    /// Shows native code what a process computes with above a base, and how much room is left.
    #[inline(always)]
    fn show(context: &mut Context, workspace: &mut Workspace, base: usize, frames_left: usize) -> Self {
        let words = workspace.stack.len().min(keyvm_jit::STACK_WORDS_MAX);
        let depth = workspace.frames.len();
        let frames = frames_left.min(NATIVE_FRAMES);
        workspace.frames.reserve(frames);
        context.set_room(words - base, frames);
        context.stack_words = words as u64;
        context.stack_end = workspace.stack.as_mut_ptr().wrapping_add(words);
        context.frames_end = workspace.frames.as_mut_ptr().wrapping_add(depth + frames).wrapping_sub(1);
        Self { words, depth, frames }
    }

    /// Takes over what native code has come to: gives the present base and height.
    ///
    /// # Safety
    /// Native code has been entered with this context and has left, and the context's room, the stack and the frames are
    /// those that it has left.
    #[inline(always)]
    unsafe fn take(&self, context: &Context, workspace: &mut Workspace) -> (usize, usize) {
        let left = usize::try_from(context.frames_left()).unwrap_or(usize::MAX);
        let added = self.frames.saturating_sub(left);
        debug_assert!(left <= self.frames, "frames were counted wrongly");
        // SAFETY: there was room for `frames` more, and native code has written those that it says are there.
        unsafe { workspace.frames.set_len(self.depth + added) };
        let base = self.words - usize::try_from(context.words_left()).unwrap_or(0);
        (base, base + context.height as usize)
    }
}

/// Runs native code from an entry with `height` operands above the base and so much gas, until it leaves for more than
/// another unit of the page. Gives why, and how many instructions were executed.
///
/// # Safety
/// The entry is of this page and has this height; what the context points to is that of a process with the page's code, and
/// nothing else touches that as long as native code runs, but for the helper.
#[inline(always)]
unsafe fn pass<'a>(
    native: Native<'a>,
    mut entry: &'a Record,
    height: usize,
    context: &mut Context,
    gas: u64,
    stats: &mut RunStats,
) -> (Exit, u64) {
    let Native { engine, page, recent } = native;
    let processor = &engine.0.processor;
    context.set_gas(gas);
    context.native_limit = ((&raw const gas) as usize).saturating_sub(NATIVE_STACK) as u64;
    // SAFETY: the caller vouches for it.
    unsafe { processor.enter(entry.entry, height, page.table().len(), context) };
    stats.entries += 1;
    // Where the code of one unit goes on in another, nothing that the context says has changed.
    while context.exit == Exit::Edge as u64
        && let Some(next) = page.entry(EntryPoint { index: context.index, height: context.height })
    {
        if entry.count(PASSING) {
            engine.optimize(page, entry, recent.owner);
        }
        entry = next;
        stats.exits[Exit::Edge as usize] += 1;
        stats.entries += 1;
        // SAFETY: as above; native code has left with these operands above the base that the context says.
        unsafe { processor.enter(entry.entry, context.height as usize, page.table().len(), context) };
    }
    let executed = context.executed(gas);
    if entry.count(executed) {
        engine.optimize(page, entry, recent.owner);
    }
    let exit = Exit::from_number(context.exit);
    stats.exits[exit as usize] += 1;
    stats.instructions += executed;
    (exit, executed)
}

const _: () = assert!(size_of::<Frame>() == 12, "native code writes frames of three times 32 bits");
