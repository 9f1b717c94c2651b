//! The objects of an image, as the kernel holds them.

use super::arena::Ref;
use super::key::Key;
use super::straight::Straight;
use crate::image::{ContentTree, Hash, words_root};
use keyvm_isa::image::{Frame, Suspended};
use keyvm_isa::layout::Kind;
use keyvm_isa::{Code, Op, Status, Trap, gas};
use keyvm_jit::{EntryPoint, View};
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

/// What an object is.
#[derive(Debug)]
pub(crate) enum Body {
    Data(Box<Content>),
    Code(Arc<CodePage>),
    Keys(Vec<Option<Key>>),
    Process(Box<Process>),
    Meter(Box<Meter>),
    CallMeter(CallMeter),
    Gate { parent: Ref },
    Brand,
    Host(Box<str>),
}

impl Body {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Data(_) => Kind::Data,
            Self::Code(_) => Kind::Code,
            Self::Keys(_) => Kind::Keys,
            Self::Process(_) => Kind::Process,
            Self::Meter(_) | Self::CallMeter(_) => Kind::Meter,
            Self::Gate { .. } => Kind::Gate,
            Self::Brand => Kind::Brand,
            Self::Host(_) => Kind::Host,
        }
    }
}

/// Bytes, a multiple of eight of them, with a cached hash tree once a hash has been asked for.
#[derive(Debug, Default)]
pub(crate) struct Content {
    bytes: Vec<u8>,
    tree: Option<Box<ContentTree>>,
}

impl Content {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, tree: None }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) const fn words(&self) -> u64 {
        self.bytes.len() as u64 / 8
    }

    /// Whether it takes no host memory.
    #[inline(always)]
    pub(crate) const fn is_vacant(&self) -> bool {
        self.bytes.capacity() == 0 && self.tree.is_none()
    }

    /// `N` bytes at `address`, if they are inside.
    #[inline]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        self.bytes.get(usize::try_from(address).ok()?..)?.first_chunk().copied()
    }

    /// Stores at `address`; `None`, and nothing has changed, if that is not inside.
    #[inline]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Option<()> {
        *self.bytes.get_mut(usize::try_from(address).ok()?..)?.first_chunk_mut()? = value;
        if let Some(tree) = &mut self.tree {
            tree.mark(address, N as u64);
        }
        Some(())
    }

    /// Bytes that are about to be changed. The range must be inside.
    pub(crate) fn range_mut(&mut self, address: u64, length: u64) -> Option<&mut [u8]> {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let range = self.bytes.get_mut(start..end)?;
        if let Some(tree) = &mut self.tree {
            tree.mark(address, length);
        }
        Some(range)
    }

    /// As native code sees it. The pointers are good until it is next resized or hashed.
    pub(crate) fn view(&mut self) -> View {
        let length = self.bytes.len() as u64;
        let marks = self.tree.as_mut().map_or(ptr::null_mut(), |tree| tree.marks().as_mut_ptr());
        View { base: self.bytes.as_mut_ptr(), readable: length, writable: length, marks }
    }

    /// Copies within; both ranges must be inside.
    pub(crate) fn copy_within(&mut self, source: u64, target: u64, length: u64) -> Option<()> {
        let start = usize::try_from(source).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let target_start = usize::try_from(target).ok()?;
        self.bytes.get(start..end)?;
        self.bytes.get(target_start..target_start.checked_add(end - start)?)?;
        self.bytes.copy_within(start..end, target_start);
        if let Some(tree) = &mut self.tree {
            tree.mark(target, length);
        }
        Some(())
    }

    /// Makes it `words` long; new words are 0.
    pub(crate) fn resize(&mut self, words: u64) {
        let bytes = usize::try_from(words.saturating_mul(8)).unwrap_or(usize::MAX);
        if bytes < self.bytes.len() {
            self.bytes.truncate(bytes);
            shrink(&mut self.bytes);
        } else {
            self.bytes.resize(bytes, 0);
        }
        if let Some(tree) = &mut self.tree {
            tree.resize(bytes as u64);
        }
    }

    /// The root of the hash tree, cached from now on.
    pub(crate) fn root(&mut self) -> Hash {
        let tree = self.tree.get_or_insert_with(|| Box::new(ContentTree::new()));
        tree.root(&self.bytes)
    }
}

/// Gives host memory back that is no longer charged for: a vector keeps at most twice its length.
pub(crate) fn shrink<T>(vector: &mut Vec<T>) {
    if vector.capacity() / 2 > vector.len() {
        vector.shrink_to(vector.len() + vector.len() / 4);
    }
}

/// A code page: checked code, known by the hash of its words.
#[derive(Debug)]
pub(crate) struct CodePage {
    pub(crate) code: Code,
    hash: OnceLock<Hash>,
    /// Times it has begun to run; it stops counting.
    runs: AtomicU8,
    straight: Option<Straight>,
    /// Whether something in it jumps or calls a subroutine: [`STRAIGHT`], [`GOES`], or 0 while nobody has looked.
    goes: AtomicU8,
}

const STRAIGHT: u8 = 1;
const GOES: u8 = 2;

impl CodePage {
    pub(crate) fn new(code: Code) -> Self {
        let straight = Straight::of(&code);
        Self { code, hash: OnceLock::new(), runs: AtomicU8::new(0), straight, goes: AtomicU8::new(0) }
    }

    /// What it does, if it only computes on operands, straight through.
    #[inline(always)]
    pub(super) const fn straight(&self) -> Option<Straight> {
        self.straight
    }

    /// Counts a run; tells whether there have been so many that native code is worth looking for.
    pub(crate) fn is_warm(&self) -> bool {
        const WARM: u8 = 4;
        let runs = self.runs.load(Ordering::Relaxed);
        self.runs.store(runs.saturating_add(1), Ordering::Relaxed);
        runs >= WARM
    }

    /// Whether nothing in it jumps or calls a subroutine, so that no run executes an instruction twice.
    #[inline]
    pub(crate) fn is_straight(&self) -> bool {
        const FIRST: u64 = Op::Jump as u64;
        const LAST: u64 = Op::Tailcalltable as u64;
        let mut known = self.goes.load(Ordering::Relaxed);
        if known == 0 {
            let goes = |word: &u64| matches!(word & 0xff, FIRST..=LAST);
            known = if self.code.normal().iter().any(goes) { GOES } else { STRAIGHT };
            self.goes.store(known, Ordering::Relaxed);
        }
        known == STRAIGHT
    }

    /// Whether it runs so few instructions, none of them twice, that entering native code would take longer.
    #[inline]
    pub(crate) fn is_tiny(&self) -> bool {
        const TINY: usize = 24;
        self.code.len() <= TINY && self.is_straight()
    }

    /// The root over its words, worked out when it is first asked for.
    pub(crate) fn hash(&self) -> Hash {
        *self.hash.get_or_init(|| words_root(self.code.words()))
    }
}

/// A standing meter.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) gas_used: u64,
    pub(crate) gas_limit: u64,
    /// Words charged to it and below it.
    pub(crate) words_used: u64,
    pub(crate) words_limit: u64,
    pub(crate) rent_used: u128,
    pub(crate) rent_limit: u128,
    pub(crate) stopped: bool,
    pub(crate) keeper: Option<Key>,
    /// Links to the prime meter.
    pub(crate) depth: u8,
}

impl Meter {
    pub(crate) const fn new(depth: u8) -> Self {
        Self {
            gas_used: 0,
            gas_limit: u64::MAX,
            words_used: 0,
            words_limit: u64::MAX,
            rent_used: 0,
            rent_limit: u128::MAX,
            stopped: false,
            keeper: None,
            depth,
        }
    }

    /// Gas that may still be counted here.
    pub(crate) fn gas_left(&self) -> u64 {
        let gas = self.gas_limit.saturating_sub(self.gas_used);
        if self.rent_limit == u128::MAX || self.words_used == 0 {
            return gas;
        }
        let rent = self.rent_limit.saturating_sub(self.rent_used) / u128::from(self.words_used);
        gas.min(u64::try_from(rent).unwrap_or(u64::MAX))
    }

    /// The lesser of `most` and the gas it has left, if it is not stopped. Divides only where rent is what counts.
    pub(crate) fn gas_up_to(&self, most: u64) -> u64 {
        let most = if self.stopped { 0 } else { most.min(self.gas_limit.saturating_sub(self.gas_used)) };
        let rent_left = self.rent_limit.saturating_sub(self.rent_used);
        if self.rent_limit == u128::MAX || u128::from(most) * u128::from(self.words_used) <= rent_left {
            return most;
        }
        self.gas_left()
    }

    pub(crate) const fn words_left(&self) -> u64 {
        self.words_limit.saturating_sub(self.words_used)
    }

    /// Counts gas, and the rent for it.
    pub(crate) fn count_gas(&mut self, gas: u64) {
        self.gas_used = self.gas_used.saturating_add(gas);
        if self.rent_limit != u128::MAX {
            self.rent_used = self.rent_used.saturating_add(u128::from(gas) * u128::from(self.words_used));
        }
    }
}

/// A meter made by a `recurse`. It is charged to, and hangs below, the meter its caller ran under.
#[derive(Debug)]
pub(crate) struct CallMeter {
    pub(crate) callee: Ref,
    /// Words charged to it and below standing meters that are charged to it; not what is charged to call meters
    /// below it, so that a charge costs the same however long the row is. While its call is going on, its link counts.
    pub(crate) words: u64,
    /// Words of the callee's own growth that are charged to it.
    pub(crate) own_words: u64,
    /// The standing meter at the end of the row of call meters that it hangs in.
    pub(crate) base: Ref,
    /// Its call's place in the chain, if it is there.
    pub(crate) link: u32,
}

impl CallMeter {
    #[inline(always)]
    pub(crate) const fn new(callee: Ref, base: Ref, link: u32) -> Self {
        Self { callee, words: 0, own_words: 0, base, link }
    }
}

/// What a process computes with: an engine takes it out of the process as long as it runs.
// Aligned so that it is moved 16 bytes at a time: that happens at each call of a process.
#[repr(align(16))]
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// At least as many words as there are operands; grown towards the stack's capacity as it is needed.
    pub(crate) stack: Vec<u64>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) data: Content,
}

impl Workspace {
    /// Takes what another has, of which nothing is left there; this one is nothing.
    #[inline(always)]
    pub(super) fn take(&mut self, other: &mut Self) {
        debug_assert!(self.is_nothing(), "what a process computes with is in one place");
        // Nothing takes no memory that would have to be given back.
        std::mem::forget(std::mem::replace(self, std::mem::take(other)));
    }

    /// Whether it takes no host memory.
    pub(super) const fn is_nothing(&self) -> bool {
        self.stack.capacity() == 0 && self.frames.capacity() == 0 && self.data.is_vacant()
    }
}

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) workspace: Workspace,
    pub(crate) code: Ref,
    pub(crate) index: u64,
    pub(crate) progress: u64,
    pub(crate) height: u32,
    pub(crate) stack_capacity: u32,
    pub(crate) stack_maximum: u32,
    pub(crate) frame_capacity: u32,
    pub(crate) key_capacity: u32,
    /// The length of its data, also while an engine has them.
    pub(crate) data_words: u64,
    pub(crate) keys: Vec<Option<Key>>,
    pub(crate) random: u64,
    pub(crate) amount: u64,
    pub(crate) gas_seen: u64,
    pub(crate) words_seen: u64,
    pub(crate) keeper: Option<Box<Key>>,
    pub(crate) callee: Ref,
    /// The process that waits for it, if one does.
    pub(crate) caller: Ref,
    pub(crate) suspended: Option<Box<Suspended>>,
    /// Its place in the chain, if it is there.
    pub(crate) link: u32,
    pub(crate) status: Status,
    pub(crate) trap: Option<Trap>,
    pub(crate) message_words: u8,
    pub(crate) message_keys: u8,
    pub(crate) standing: bool,
    pub(crate) stopped: bool,
    /// Words of its growth that are charged to call meters.
    pub(crate) grown: u64,
}

impl Deref for Process {
    type Target = Workspace;

    #[inline(always)]
    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

impl DerefMut for Process {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Workspace {
        &mut self.workspace
    }
}

impl Process {
    /// A process that has not begun, with its smallest capacities and no keys.
    pub(crate) fn new(code: Ref, data: Content, random: u64) -> Self {
        Self {
            code,
            index: 0,
            progress: 0,
            height: 0,
            stack_capacity: gas::STACK_INCLUDED,
            stack_maximum: keyvm_isa::layout::STACK_MAXIMUM,
            frame_capacity: gas::FRAMES_INCLUDED,
            key_capacity: gas::KEYS_INCLUDED,
            data_words: data.words(),
            workspace: Workspace { data, ..Workspace::default() },
            keys: Vec::new(),
            random,
            amount: 0,
            gas_seen: 0,
            words_seen: 0,
            keeper: None,
            callee: Ref::NONE,
            caller: Ref::NONE,
            suspended: None,
            link: u32::MAX,
            status: Status::Returned,
            trap: None,
            message_words: 0,
            message_keys: 0,
            standing: false,
            stopped: false,
            grown: 0,
        }
    }

    /// Begins a process in the memory of one that is gone and was small, and whose data were taken. Field by field:
    /// moving a whole process is what takes time in making one.
    #[inline(always)]
    pub(crate) fn renew(&mut self, code: Ref, random: u64) {
        self.code = code;
        self.index = 0;
        self.progress = 0;
        // What stands above the height does not exist; it need not be cleared.
        self.stack.truncate(gas::STACK_INCLUDED as usize);
        self.height = 0;
        self.stack_capacity = gas::STACK_INCLUDED;
        self.stack_maximum = keyvm_isa::layout::STACK_MAXIMUM;
        self.frame_capacity = gas::FRAMES_INCLUDED;
        self.key_capacity = gas::KEYS_INCLUDED;
        self.frames.clear();
        self.data_words = 0;
        self.keys.clear();
        self.random = random;
        self.amount = 0;
        self.gas_seen = 0;
        self.words_seen = 0;
        self.keeper = None;
        self.callee = Ref::NONE;
        self.caller = Ref::NONE;
        self.suspended = None;
        self.link = u32::MAX;
        self.status = Status::Returned;
        self.trap = None;
        self.message_words = 0;
        self.message_keys = 0;
        self.standing = false;
        self.stopped = false;
        self.grown = 0;
    }

    /// Whether it takes little enough host memory to be kept for [`Process::renew`].
    #[inline(always)]
    pub(crate) fn is_small(&self) -> bool {
        self.stack.capacity() <= 64 && self.frames.capacity() <= 16 && self.keys.capacity() <= 32
    }

    /// Pushes words; the stack's capacity must allow them. Gives the operands above, which `more` words have room in.
    #[inline(always)]
    fn push_words(&mut self, words: &[u64], more: usize) -> &mut [u64] {
        let height = self.height as usize;
        let end = height + words.len();
        if self.stack.len() < end + more {
            self.lengthen(end + more);
        }
        self.height = u32::try_from(end + more).unwrap_or(u32::MAX);
        let (operands, above) = self.stack[height..end + more].split_at_mut(words.len());
        match (operands, words) {
            // Most messages are so short.
            ([], _) => {}
            ([operand], [word]) => *operand = *word,
            ([first, second], [one, other]) => (*first, *second) = (*one, *other),
            (operands, words) => operands.copy_from_slice(words),
        }
        above
    }

    /// Makes room for the operands that every process has paid for.
    #[inline(always)]
    pub(crate) fn fill_stack(&mut self) {
        if self.stack.len() < gas::STACK_INCLUDED as usize {
            self.lengthen(0);
        }
    }

    #[cold]
    fn lengthen(&mut self, end: usize) {
        self.stack.resize(end.max(gas::STACK_INCLUDED as usize), 0);
    }

    /// Words to raise the capacity of its stack by, so that `more` operands fit; `None` past its maximum.
    #[inline(always)]
    pub(crate) fn capacity_for(&self, more: u64) -> Option<u32> {
        let needed = u64::from(self.height) + more;
        if needed <= u64::from(self.stack_capacity) {
            return Some(0);
        }
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let grown = gas::grown_capacity(self.stack_capacity, needed, self.stack_maximum)?;
        Some(grown - self.stack_capacity)
    }

    /// Whether `more` operands fit without raising the capacity of its stack.
    #[inline(always)]
    pub(crate) const fn has_room(&self, more: u32) -> bool {
        self.height as u64 + more as u64 <= self.stack_capacity as u64
    }

    /// Pushes a message; the stack's capacity must allow it.
    #[inline(always)]
    pub(crate) fn push_message(&mut self, words: &[u64], keys: &[Key]) {
        self.push_words(words, 0);
        self.note_message(words, keys);
    }

    #[inline(always)]
    fn note_message(&mut self, words: &[u64], keys: &[Key]) {
        self.message_words = u8::try_from(words.len()).unwrap_or(u8::MAX);
        self.append_message_keys(keys);
    }

    /// Pushes a result, its length and a status; the stack's capacity must allow them.
    #[inline(always)]
    pub(crate) fn push_result(&mut self, status: Status, words: &[u64], keys: &[Key]) {
        if let [length, said] = self.push_words(words, 2) {
            *length = words.len() as u64;
            *said = status.number().into();
        }
        self.note_message(words, keys);
    }

    /// Appends the keys that came with a message, as far as there is room.
    #[inline(always)]
    fn append_message_keys(&mut self, keys: &[Key]) {
        self.message_keys = 0;
        if !keys.is_empty() {
            let count = self.key_room().min(keys.len());
            self.keys.extend(keys[..count].iter().map(|&key| Some(key)));
            self.message_keys = u8::try_from(count).unwrap_or(u8::MAX);
        }
    }

    /// Whether it takes a message when it is called now.
    #[inline(always)]
    pub(crate) const fn listens(&self) -> bool {
        matches!(self.status, Status::Returned | Status::Yielded)
    }

    /// Takes back what it computes with, after it has run.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, workspace: &mut Workspace, index: u64, height: usize) {
        self.workspace.take(workspace);
        self.stand(index, height);
    }

    /// Notes where it goes on, and how many operands there are.
    #[inline(always)]
    pub(super) fn stand(&mut self, index: u64, height: usize) {
        self.index = index;
        self.height = u32::try_from(height).unwrap_or(u32::MAX);
    }

    /// Where it goes on, as far as it can be said in 32 bits: the index, and how many operands are above the base.
    #[inline(always)]
    pub(crate) fn point(&self) -> Option<EntryPoint> {
        let base = self.frames.last().map_or(0, |frame| frame.base);
        Some(EntryPoint { index: u32::try_from(self.index).ok()?, height: self.height - base })
    }

    /// Frames that fit into the present capacity besides those that are there.
    #[inline(always)]
    pub(crate) fn frames_left(&self) -> usize {
        (self.frame_capacity as usize).saturating_sub(self.frames.len())
    }

    /// Notes that it has called another process.
    #[inline(always)]
    pub(crate) const fn wait_for(&mut self, callee: Ref) {
        self.callee = callee;
        self.status = Status::Waiting;
    }

    /// Notes that it has been called: its place in the chain, and who waits for it.
    #[inline(always)]
    pub(crate) fn begin_turn(&mut self, place: u32, caller: Ref) {
        self.link = place;
        self.caller = caller;
        self.suspended = None;
        self.set_running();
    }

    /// How many more keys its list can take.
    pub(crate) fn key_room(&self) -> usize {
        (self.key_capacity as usize).saturating_sub(self.keys.len())
    }

    /// Notes that its call by `recurse` has ended with a `yield` or `return`, with so much gas and so many words left.
    #[inline(always)]
    pub(super) fn end_call(&mut self, status: Status, gas: u64, words: u64) {
        self.link = u32::MAX;
        self.gas_seen = gas;
        self.words_seen = words;
        self.status = status;
        self.caller = Ref::NONE;
        if status == Status::Returned {
            self.reset();
        }
    }

    /// Marks it as running, whatever had stopped it.
    #[inline]
    pub(crate) fn set_running(&mut self) {
        self.status = Status::Running;
        self.trap = None;
        self.amount = 0;
    }

    /// The words that are charged for it.
    pub(crate) fn words(&self) -> u64 {
        gas::PROCESS_WORDS
            + self.data_words
            + u64::from(self.stack_capacity.saturating_sub(gas::STACK_INCLUDED))
            + u64::from(self.frame_capacity.saturating_sub(gas::FRAMES_INCLUDED)) * gas::FRAME_WORDS
            + u64::from(self.key_capacity.saturating_sub(gas::KEYS_INCLUDED)) * gas::KEY_SLOT_WORDS
    }

    /// The operands.
    pub(crate) fn operands(&self) -> &[u64] {
        &self.stack[..self.height as usize]
    }

    /// Makes it begin anew.
    pub(crate) fn reset(&mut self) {
        self.index = 0;
        self.height = 0;
        self.frames.clear();
        self.trap = None;
        self.amount = 0;
    }
}
