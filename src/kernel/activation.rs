//! The running process, taken out of its object: what an engine works on.

use super::arena::Ref;
use super::object::{Process, Workspace};
use super::{Kernel, Stop};
use keyvm_isa::image::Number;
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Status, Trap, gas};
use std::ops::{Deref, DerefMut};

/// The running process's hot state, and the gas it may use before somebody has to look.
///
/// Gas is taken from `fuel` when an instruction begins, and given back if it does not complete: `charged` is what
/// the present one has taken. What has been used is told to the kernel by [`Activation::sync`] (all but the present
/// instruction) and [`Activation::commit`] (the present one too; nothing may fail after it).
#[derive(Debug)]
pub(crate) struct Activation {
    pub(crate) process: Ref,
    /// Its code, which may be gone.
    pub(crate) code: Ref,
    /// Index of the present instruction.
    pub(crate) index: u64,
    /// Index of the one to execute after it.
    pub(crate) next: u64,
    /// Its stack is as long as is needed, and no longer than the stack's capacity: what is not used is not allocated.
    workspace: Workspace,
    pub(crate) height: usize,
    pub(crate) base: usize,
    /// Frames that its list has room for, which nobody else can change.
    frame_capacity: usize,
    pub(crate) fuel: u64,
    pub(crate) charged: u64,
    /// What `fuel` was when the kernel was last told.
    loaded: u64,
    /// Gas this run may still use, whatever the meters say.
    slice: u64,
    parked: bool,
    /// Whether the process it holds waits for the host, behind a `yield`, to be called again.
    rests: bool,
}

/// What the running process was at, while a callee computes above its operands.
#[derive(Clone, Copy)]
pub(crate) struct Aside {
    height: usize,
    base: usize,
    fuel: u64,
    charged: u64,
}

impl Deref for Activation {
    type Target = Workspace;

    #[inline(always)]
    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

impl DerefMut for Activation {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Workspace {
        &mut self.workspace
    }
}

impl Default for Activation {
    /// One that holds no process yet, and may use no gas.
    fn default() -> Self {
        Self {
            process: Ref::NONE,
            code: Ref::NONE,
            index: 0,
            next: 0,
            height: 0,
            base: 0,
            frame_capacity: 0,
            workspace: Workspace::default(),
            fuel: 0,
            charged: 0,
            loaded: 0,
            slice: 0,
            parked: true,
            rests: false,
        }
    }
}

impl Activation {
    /// Lets it use so much gas from now on. It holds no process, or the last one of the chain, which has rested.
    #[inline(always)]
    pub(crate) fn begin(&mut self, slice: u64, kernel: &Kernel) {
        debug_assert!(!self.rests, "what ran last is parked, or has been called again");
        self.slice = slice;
        if !self.parked {
            self.loaded = kernel.gas_for_running().min(slice);
            self.fuel = self.loaded;
        }
    }

    /// Takes the last process of the chain out of its object, if none is taken yet. Gives whether it can run: not if
    /// something else has to be done first.
    #[inline(always)]
    pub(crate) fn load(&mut self, kernel: &mut Kernel) -> bool {
        if !self.parked {
            return !self.rests;
        }
        let Some(top) = kernel.chain.last().filter(|_| !kernel.has_news()) else {
            return false;
        };
        let (process, gas) = (top.process, kernel.gas_for(top));
        let state = kernel.arena.process_mut(process);
        if state.callee.is_none() {
            self.enter(process, state, gas);
        }
        !self.parked
    }

    /// Whether it holds a process with this code, which lives.
    #[inline]
    pub(crate) fn is_running(&self, code: Ref, kernel: &Kernel) -> bool {
        !self.parked && !self.rests && self.code == code && kernel.arena.alive(code)
    }

    /// Takes a process out of its object, with so much gas, when nothing else is taken.
    #[inline(always)]
    fn enter(&mut self, process: Ref, state: &mut Process, gas: u64) {
        state.fill_stack();
        self.process = process;
        self.code = state.code;
        self.index = state.index;
        self.height = state.height as usize;
        self.base = state.frames.last().map_or(0, |frame| frame.base as usize);
        self.frame_capacity = state.frame_capacity as usize;
        self.loaded = gas.min(self.slice);
        self.fuel = self.loaded;
        self.charged = 0;
        self.parked = false;
        self.workspace.take(&mut state.workspace);
    }

    /// As [`Activation::enter`], from another process, which is put back: its index is at the next instruction.
    #[inline(always)]
    pub(crate) fn switch(&mut self, process: Ref, state: &mut Process, gas: u64, before: &mut Process) {
        before.take_back(&mut self.workspace, self.next, self.height);
        self.enter(process, state, gas);
    }

    /// Completes the present instruction and puts the process back into its object, its index at the next one.
    pub(crate) fn park(&mut self, kernel: &mut Kernel) {
        self.commit(kernel);
        self.leave(kernel);
    }

    /// As [`Activation::park`], when the present instruction is committed and the chain may have changed since.
    #[inline(always)]
    pub(crate) fn leave<'a>(&mut self, kernel: &'a mut Kernel) -> Option<&'a mut Process> {
        self.index = self.next;
        self.put_back(kernel)
    }

    /// Puts the process back, if it is neither parked nor rests, its index at the present instruction, which has not been
    /// executed.
    #[inline(always)]
    pub(crate) fn park_before(&mut self, kernel: &mut Kernel) {
        if !self.parked && !self.rests {
            self.park_here(kernel);
        }
    }

    #[inline(never)]
    fn park_here(&mut self, kernel: &mut Kernel) {
        self.fuel += std::mem::take(&mut self.charged);
        self.commit(kernel);
        self.put_back(kernel);
    }

    /// Completes the present instruction, a `yield` of the root process, and keeps the process until it is called again. The
    /// kernel has been told of all gas used.
    #[inline(always)]
    pub(super) const fn rest(&mut self) {
        self.index = self.next;
        self.charged = 0;
        self.fuel = 0;
        self.loaded = 0;
        self.rests = true;
    }

    /// The process that it holds while that waits for the host, if it has room for so many words.
    #[inline(always)]
    pub(super) fn resting(&self, words: usize) -> Option<Ref> {
        (self.rests && self.height + words <= self.stack.len()).then_some(self.process)
    }

    /// Lets the process that rests run again, with the words of a message, for which it has room.
    #[inline(always)]
    pub(super) fn wake(&mut self, words: &[u64]) {
        self.rests = false;
        for &word in words {
            self.push_unchecked(word);
        }
    }

    /// Puts back what it holds while nothing runs.
    #[inline]
    pub(crate) fn settle(&mut self, kernel: &mut Kernel) {
        if !self.parked {
            self.rests = false;
            self.put_back(kernel);
        }
    }

    /// The data of a process that is held while nothing runs.
    pub(crate) fn data_of(&self, process: Number) -> Option<&[u8]> {
        (!self.parked && self.process.number == process).then(|| self.data.bytes())
    }

    #[inline(always)]
    fn put_back<'a>(&mut self, kernel: &'a mut Kernel) -> Option<&'a mut Process> {
        if std::mem::replace(&mut self.parked, true) {
            return None;
        }
        if !kernel.arena.alive(self.process) {
            // It was destroyed; what it leaves is not another's.
            kernel.arena.remains().workspace(std::mem::take(&mut self.workspace));
            return None;
        }
        let state = kernel.arena.process_mut(self.process);
        state.take_back(&mut self.workspace, self.index, self.height);
        Some(state)
    }

    /// Gas this run may still use.
    pub(crate) const fn slice_left(&self) -> u64 {
        self.slice
    }

    /// Gas used, that of the present instruction included, that the kernel has not been told of.
    pub(crate) const fn used_since_sync(&self) -> u64 {
        self.loaded - self.fuel
    }

    /// Tells the kernel of all gas used before the present instruction.
    #[inline(always)]
    pub(crate) fn sync(&mut self, kernel: &mut Kernel) {
        let before = self.fuel + self.charged;
        let used = self.loaded - before;
        self.loaded = before;
        self.slice -= used;
        kernel.settle(used);
    }

    /// Tells the kernel of all gas used, that of the present instruction included: it will complete.
    #[inline]
    pub(crate) fn commit(&mut self, kernel: &mut Kernel) {
        self.charged = 0;
        self.sync(kernel);
    }

    /// Gas that has been used and the kernel has not been told of, if the present instruction takes more, which is there.
    #[inline(always)]
    pub(super) const fn used_with(&self, more: u64) -> u64 {
        self.loaded - (self.fuel - more)
    }

    /// Takes gas, which is there, off the slice.
    #[inline(always)]
    pub(super) const fn use_up(&mut self, used: u64) {
        self.slice -= used;
    }

    /// Completes the present instruction and goes on after it with so much gas; the kernel has been told of all that was
    /// used.
    #[inline(always)]
    pub(super) fn go_on_with(&mut self, gas: u64) {
        self.index = self.next;
        self.charged = 0;
        self.loaded = gas.min(self.slice);
        self.fuel = self.loaded;
    }

    /// Asks the kernel anew how much gas there is. To be called when meters may have changed.
    ///
    /// # Errors
    /// `Gas` if the present instruction, if it has not been committed, cannot be afforded any more.
    pub(crate) fn reload(&mut self, kernel: &Kernel) -> Result<(), Stop> {
        let left = kernel.gas_for_running().min(self.slice);
        self.loaded = left;
        match left.checked_sub(self.charged) {
            Some(fuel) => {
                self.fuel = fuel;
                Ok(())
            }
            None => {
                let cost = std::mem::take(&mut self.charged);
                self.fuel = left;
                Err(Stop::Gas(cost))
            }
        }
    }

    /// Takes more gas for the present instruction.
    ///
    /// # Errors
    /// `Gas`, with all that the instruction costs, if there is not so much.
    #[inline]
    pub(crate) fn extra(&mut self, more: u64) -> Result<(), Stop> {
        if self.fuel < more {
            return Err(Stop::Gas(self.charged + more));
        }
        self.fuel -= more;
        self.charged += more;
        Ok(())
    }

    /// The `N` topmost operands, the lowest first.
    ///
    /// # Errors
    /// `StackUnderflow`.
    #[inline]
    pub(crate) fn operands<const N: usize>(&self) -> Result<[u64; N], Trap> {
        if self.height - self.base < N {
            return Err(Trap::StackUnderflow);
        }
        match self.stack.get(self.height - N..self.height).and_then(|top| top.first_chunk()) {
            Some(operands) => Ok(*operands),
            None => Err(Trap::StackUnderflow),
        }
    }

    /// The `count` topmost operands, the lowest first.
    ///
    /// # Errors
    /// `StackUnderflow`.
    pub(crate) fn top(&self, count: usize) -> Result<&[u64], Stop> {
        if self.height - self.base < count {
            return Err(Stop::Trap(Trap::StackUnderflow));
        }
        Ok(&self.stack[self.height - count..self.height])
    }

    /// The words that were above the operands that are left.
    #[inline]
    pub(crate) fn dropped(&self, words: u8) -> &[u64] {
        &self.stack[self.height..self.height + usize::from(words)]
    }

    /// The words of a message, below the three operands of a `recurse`.
    #[inline(always)]
    pub(super) fn message(&self, words: u8) -> &[u64] {
        let end = self.height - 3;
        &self.stack[end - usize::from(words)..end]
    }

    /// Pushes a result, its length and a status; there is room.
    #[inline(always)]
    pub(super) fn take_result(&mut self, words: &[u64], status: Status) {
        let end = self.height + words.len();
        let height = self.height;
        if let [word] = *words {
            self.workspace.stack[height] = word;
        } else {
            self.workspace.stack[height..end].copy_from_slice(words);
        }
        self.end_result(end, words.len(), status);
    }

    /// Whether the stack is long enough for so many operands above those that are there.
    #[inline(always)]
    pub(super) fn has_length_for(&self, more: u32) -> bool {
        self.height + more as usize <= self.stack.len()
    }

    /// Lets a callee compute above the operands that are there, on its message, with so much gas.
    #[inline(always)]
    pub(super) fn set_aside(&mut self, words: u8, gas: u64) -> Aside {
        let aside = Aside { height: self.height, base: self.base, fuel: self.fuel, charged: self.charged };
        let (words, message) = (usize::from(words), self.height - 3 - usize::from(words));
        self.copy_operands(message, words, self.height);
        self.base = self.height;
        self.height += words;
        self.fuel = gas;
        aside
    }

    /// Goes on with what was set aside.
    #[inline(always)]
    pub(crate) const fn take_up(&mut self, aside: Aside) {
        Aside { height: self.height, base: self.base, fuel: self.fuel, charged: self.charged } = aside;
    }

    /// Copies operands to another place of the stack, where there is room.
    #[inline(always)]
    fn copy_operands(&mut self, from: usize, count: usize, to: usize) {
        let stack = &mut self.workspace.stack;
        match count {
            0 => {}
            // Most messages and results are a word or none.
            1 => stack[to] = stack[from],
            _ => stack.copy_within(from..from + count, to),
        }
    }

    /// As [`Activation::take_result`], with words that stand in the stack from `first` on.
    #[inline(always)]
    pub(super) fn take_own_result(&mut self, first: usize, count: usize, status: Status) {
        self.copy_operands(first, count, self.height);
        let end = self.height + count;
        self.end_result(end, count, status);
    }

    /// Pushes the length of a result, which ends there, and a status.
    #[inline(always)]
    fn end_result(&mut self, end: usize, count: usize, status: Status) {
        self.workspace.stack[end] = count as u64;
        self.workspace.stack[end + 1] = status.number().into();
        self.height = end + 2;
    }

    /// Drops operands that are there.
    #[inline]
    pub(crate) const fn drop_operands(&mut self, count: usize) {
        self.height -= count;
    }

    /// Pushes where there is room.
    #[inline]
    pub(crate) fn push_unchecked(&mut self, word: u64) {
        self.workspace.stack[self.height] = word;
        self.height += 1;
    }

    /// Replaces the `count` topmost operands, which are there, by an empty result and a status.
    ///
    /// # Errors
    /// None: it always succeeds. (Where one operand makes place for two words, room was made before.)
    pub(crate) fn answer(&mut self, count: usize, status: Status) -> Result<(), Stop> {
        self.drop_operands(count);
        self.push_unchecked(0);
        self.push_unchecked(u64::from(status.number()));
        Ok(())
    }

    /// Makes the present instruction the next one too: it advances in chunks, or stays for good.
    pub(crate) const fn stay(&mut self) {
        self.next = self.index;
    }

    /// Whether room for `more` operands could be made if it could be paid.
    ///
    /// # Errors
    /// `StackOverflow` past the maximum.
    pub(crate) fn could_hold(&self, kernel: &Kernel, more: usize) -> Result<(), Trap> {
        let maximum = kernel.arena.process(self.process).stack_maximum;
        if self.height + more <= maximum as usize { Ok(()) } else { Err(Trap::StackOverflow) }
    }

    /// Makes room for `more` operands above those that are there, raising the stack's capacity if need be.
    ///
    /// # Errors
    /// `StackOverflow` past the maximum; `Words` if the growth cannot be paid.
    #[inline]
    pub(crate) fn room(&mut self, kernel: &mut Kernel, more: usize) -> Result<(), Stop> {
        if self.height + more <= self.stack.len() { Ok(()) } else { self.raise(kernel, more) }
    }

    #[cold]
    #[inline(never)]
    fn raise(&mut self, kernel: &mut Kernel, more: usize) -> Result<(), Stop> {
        let process = kernel.arena.process(self.process);
        let (capacity, maximum) = (process.stack_capacity, process.stack_maximum);
        let needed = u32::try_from(self.height + more).unwrap_or(u32::MAX);
        if needed > capacity {
            let grown =
                gas::grown_capacity(capacity, needed, maximum).ok_or(Stop::Trap(Trap::StackOverflow))?;
            self.sync(kernel);
            kernel.charge_growth(self.process, u64::from(grown - capacity))?;
            kernel.arena.process_mut(self.process).stack_capacity = grown;
            self.reload(kernel)?;
        }
        let capacity = kernel.arena.process(self.process).stack_capacity as usize;
        let doubled = (self.stack.len() * 2).min(self.stack.len() + CHUNK_WORDS as usize);
        let length = doubled.max(self.height + more).min(capacity);
        self.stack.resize(length, 0);
        Ok(())
    }

    /// Makes room for one more frame.
    ///
    /// # Errors
    /// `FrameOverflow` past half the stack's maximum; `Words` if the growth cannot be paid.
    #[inline]
    pub(crate) fn room_for_frame(&mut self, kernel: &mut Kernel) -> Result<(), Stop> {
        let process = kernel.arena.process(self.process);
        let (capacity, maximum) = (process.frame_capacity, process.stack_maximum / 2);
        let needed = u32::try_from(self.frames.len() + 1).unwrap_or(u32::MAX);
        if needed <= capacity {
            return Ok(());
        }
        let grown = gas::grown_capacity(capacity, needed, maximum).ok_or(Stop::Trap(Trap::FrameOverflow))?;
        self.sync(kernel);
        kernel.charge_growth(self.process, u64::from(grown - capacity) * gas::FRAME_WORDS)?;
        kernel.arena.process_mut(self.process).frame_capacity = grown;
        self.frame_capacity = grown as usize;
        self.reload(kernel)
    }

    /// Makes the stack as long as its capacity lets it be, up to twice as long as it is. `false` if it is so long already.
    pub(crate) fn extend(&mut self, kernel: &Kernel) -> bool {
        let capacity = kernel.arena.process(self.process).stack_capacity as usize;
        let length = capacity.min(self.stack.len() * 2);
        let longer = length > self.stack.len();
        if longer {
            self.stack.resize(length, 0);
        }
        longer
    }

    /// Frames that fit into the present capacity besides those that are there.
    pub(crate) fn frames_left(&self) -> usize {
        self.frame_capacity.saturating_sub(self.frames.len())
    }

    /// Sets the base after the frames have changed.
    #[inline]
    pub(crate) fn rebase(&mut self) {
        self.base = self.frames.last().map_or(0, |frame| frame.base as usize);
    }
}
