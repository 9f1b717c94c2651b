//! The native code of a code page.

use super::callees::{self, Callees};
use super::clock::Stopwatch;
use super::{CompiledFunction, Engine, Processor, RecentCode, Tier};
use crate::image::Hash;
use crate::kernel::CodePage;
use keyvm_isa::layout::FIRST_KEY_MEMORY;
use keyvm_isa::{ImmKind, Insn};
use keyvm_jit::{Batch, Compiler, Entry, EntryPoint, Level, Linked, Root};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Times that an index is reached before it is compiled, where that depends on heat.
pub(super) const HOT: u8 = 200;
/// In place of a count: it is being compiled, or has been.
const ASKED: u8 = 254;
/// In place of a count: it is not to be compiled.
const NEVER: u8 = 255;
/// Heights with which an index is compiled at most.
const HEIGHTS_MAX: usize = 4;

/// Nanoseconds of a thread that compiling for one page may take, besides what it earns by running.
const NANOSECONDS: i64 = 600_000_000;
/// What an instruction earns of them, if it runs when there are none left: less than it takes, so that compiling never
/// takes longer than running.
pub(super) const EARNED: u64 = 2;
/// Bytes of machine code that a page may have for each byte of its own, and besides.
const CODE_TIMES: usize = 32;
const CODE_BESIDES: usize = 4 << 20;
/// What a page takes besides, however short it is.
const PAGE_BYTES: usize = 700;
/// What one batch takes besides its machine code: it has a mapping of its own.
const BATCH_BYTES: usize = 16 << 10;

/// Instructions that are executed from a quick entry until it is worth optimizing: some milliseconds' worth, about as
/// long as that takes.
const LONG: u64 = 500_000;
/// Of those, what an entry counts for that control goes on from to another without a look at the gas.
pub(super) const PASSING: u64 = 64;
/// In place of a count: it is optimized, or is to be.
const SETTLED: u64 = u64::MAX;

/// An entry, in a list of those of one index. An optimized one stands before the quick one that it is for.
#[derive(Debug)]
pub(crate) struct Record {
    point: EntryPoint,
    level: Level,
    pub(super) entry: Entry,
    /// Instructions that were executed from here, or [`SETTLED`].
    ran: AtomicU64,
    next: *const Record,
}

impl Record {
    /// Counts instructions that were executed from here. `true` if it has become worth optimizing.
    #[inline]
    pub(super) fn count(&self, instructions: u64) -> bool {
        let ran = self.ran.load(Ordering::Relaxed);
        if ran == SETTLED {
            return false;
        }
        let ran = ran.saturating_add(instructions).min(SETTLED - 1);
        self.ran.store(ran, Ordering::Relaxed);
        ran >= LONG
    }

    /// What it is the native code of.
    pub(super) const fn point(&self) -> EntryPoint {
        self.point
    }

    /// Says that it is being optimized.
    pub(super) fn settle(&self) {
        self.ran.store(SETTLED, Ordering::Relaxed);
    }

    /// Counts from the beginning.
    pub(super) fn forget(&self) {
        self.ran.store(0, Ordering::Relaxed);
    }
}

// SAFETY: the pointer is to a record of the same page, which lives as long as the page and never changes.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

/// Native code for a code page: what has been compiled, and how hot the rest is. It only grows.
#[derive(Debug)]
pub(crate) struct NativePage {
    code: Arc<CodePage>,
    heat: Box<[AtomicU8]>,
    /// By index, the first of its records.
    entries: Box<[AtomicPtr<Record>]>,
    /// By index, the native code of the subroutine that begins there.
    table: Box<[AtomicPtr<u8>]>,
    /// The memories of keys that the code names, once native code runs.
    memories: OnceLock<Box<[u8]>>,
    /// Subroutines that the code names as numbers, once something is optimized.
    named: OnceLock<BTreeSet<u32>>,
    compiled: Mutex<Compiled>,
    /// Nanoseconds that compiling may still take; see [`NANOSECONDS`].
    allowance: AtomicI64,
    evicted: AtomicBool,
}

#[derive(Debug, Default)]
struct Compiled {
    /// Pointed to by the lists.
    records: Vec<Arc<Record>>,
    /// With how many heights each index was compiled.
    heights: BTreeMap<u32, usize>,
    batches: Vec<Batch>,
    /// What they take.
    bytes: usize,
    /// Subroutines, optimized where they are.
    linked: Linked,
    /// Those that are.
    optimized: Linked,
    /// Whether anything is.
    is_optimized: bool,
    callees: Callees,
}

impl NativePage {
    pub(super) fn new(code: Arc<CodePage>) -> Self {
        let places = code.code.len() + 1;
        // Memory that comes zeroed takes no time, and none of the host's, before it is used: a long page may be let go
        // and asked for again and again.
        let heat = Box::<[AtomicU8]>::new_zeroed_slice(places);
        let entries = Box::<[AtomicPtr<Record>]>::new_zeroed_slice(places);
        let table = Box::<[AtomicPtr<u8>]>::new_zeroed_slice(places);
        // SAFETY: zero bytes are a count of 0 and null pointers.
        let (heat, entries, table) =
            unsafe { (heat.assume_init(), entries.assume_init(), table.assume_init()) };
        Self {
            heat,
            entries,
            table,
            memories: OnceLock::new(),
            named: OnceLock::new(),
            compiled: Mutex::default(),
            allowance: AtomicI64::new(NANOSECONDS),
            evicted: AtomicBool::new(false),
            code,
        }
    }

    pub(super) fn hash(&self) -> Hash {
        self.code.hash()
    }

    /// Bytes of memory for what is not machine code, and for the page itself, which it keeps alive.
    pub(super) fn tables_bytes(&self) -> usize {
        PAGE_BYTES + self.heat.len() * 25 + self.code.code.words().len() * 16
    }

    pub(super) fn evict(&self) {
        self.evicted.store(true, Ordering::Relaxed);
    }

    /// Whether it is not in the cache any more, and to be let go.
    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Relaxed)
    }

    /// The native code of subroutines, by index.
    pub(super) fn table(&self) -> &[AtomicPtr<u8>] {
        &self.table
    }

    /// The memories of keys that the code names.
    pub(super) fn memories(&self) -> &[u8] {
        self.memories.get_or_init(|| memories_of(&self.code))
    }

    /// The native code for an entry, if there is some.
    #[inline]
    pub(super) fn entry(&self, point: EntryPoint) -> Option<&Record> {
        let mut at: *const Record = self.entries.get(point.index as usize)?.load(Ordering::Acquire);
        while !at.is_null() {
            // SAFETY: the records of a page live as long as it does, and do not change once they are in a list.
            let record = unsafe { &*at };
            if record.point.height == point.height {
                return Some(record);
            }
            at = record.next;
        }
        None
    }

    /// Whether there is native code that begins so and was made with so much care, or more.
    pub(super) fn has(&self, root: Root, level: Level) -> bool {
        match (root, level) {
            (Root::Entry(point), _) => {
                self.entry(point).is_some_and(|record| level == Level::Quick || record.level == level)
            }
            (Root::Subroutine(index), Level::Quick) => self.compiled().linked.contains_key(&index),
            (Root::Subroutine(index), Level::Optimized) => self.compiled().optimized.contains_key(&index),
        }
    }

    /// Called where control arrives: gives native code if there is some, and asks for it if it is worth it.
    #[inline]
    pub(super) fn arrive<'a>(
        self: &'a Arc<Self>,
        engine: &Engine,
        recent: &RecentCode,
        point: EntryPoint,
    ) -> Option<&'a Record> {
        let entry = self.entry(point);
        if entry.is_some() {
            return entry;
        }
        let heat = self.heat.get(point.index as usize)?;
        let count = heat.load(Ordering::Relaxed);
        if count == NEVER || point.height > keyvm_jit::HEIGHT_MAX {
            return None;
        }
        if engine.tier() == Tier::Auto {
            if count == ASKED {
                return None;
            }
            if count < HOT {
                heat.store(count + 1, Ordering::Relaxed);
                return None;
            }
        }
        if self.is_spent() || recent.is_spent() {
            return None;
        }
        heat.store(ASKED, Ordering::Relaxed);
        let stopwatch = Stopwatch::start();
        let is_there = engine.want(self, point, recent.owner);
        recent.spend(stopwatch.nanoseconds());
        if is_there { self.entry(point) } else { None }
    }

    /// Whether a subroutine begins at an index.
    pub(super) fn begins_subroutine(&self, index: u32) -> bool {
        self.code.code.func_at(index.into()).is_some()
    }

    /// Called where native code has left because there is none of a subroutine that it calls: asks for it if it is worth
    /// it.
    #[cold]
    pub(super) fn miss(self: &Arc<Self>, engine: &Engine, recent: &RecentCode, index: u32) {
        let is_there = |place: &AtomicPtr<u8>| !place.load(Ordering::Relaxed).is_null();
        let spent = self.is_spent() || recent.is_spent();
        if spent || self.table.get(index as usize).is_none_or(is_there) {
            return;
        }
        if self.compiled().callees.missing(index, engine.tier() == Tier::Jit) {
            let stopwatch = Stopwatch::start();
            engine.want_callee(self, index, recent.owner);
            recent.spend(stopwatch.nanoseconds());
        }
    }

    /// Subroutines that may be called by a number, of which there is only quick code. They are given once.
    pub(super) fn callees_to_optimize(&self) -> Vec<u32> {
        let named = self.named.get_or_init(|| callees::named(&self.code.code));
        let Compiled { linked, optimized, callees, .. } = &mut *self.compiled();
        let is_quick = |index: &&u32| linked.contains_key(index) && !optimized.contains_key(index);
        callees.optimize(named.iter().filter(is_quick).copied())
    }

    /// Whether an index is never compiled again.
    #[inline]
    pub(super) fn is_never(&self, index: u64) -> bool {
        let heat = usize::try_from(index).ok().and_then(|index| self.heat.get(index));
        heat.is_some_and(|heat| heat.load(Ordering::Relaxed) == NEVER)
    }

    /// Whether compiling has taken as long as it may.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.allowance.load(Ordering::Relaxed) <= 0
    }

    /// Counts instructions that have run when compiling had taken as long as it may.
    pub(super) fn earn(&self, instructions: u64) {
        let earned = i64::try_from(instructions * EARNED).unwrap_or(0);
        self.allowance.fetch_add(earned, Ordering::Relaxed);
    }

    /// Counts time that compiling has taken.
    pub(super) fn spend(&self, nanoseconds: u64) {
        self.allowance.fetch_sub(i64::try_from(nanoseconds).unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether any native code of it has been optimized.
    pub(super) fn is_optimized(&self) -> bool {
        self.compiled().is_optimized
    }

    /// Lets something be asked for again, whose compilation has been put off.
    pub(super) fn forget(&self, root: Root) {
        match root {
            Root::Entry(point) => match self.entry(point) {
                Some(entry) => entry.forget(),
                None => self.set_heat(point, 0),
            },
            Root::Subroutine(index) => {
                let is_there = self.has(root, Level::Quick);
                self.compiled().callees.forget(index, is_there);
            }
        }
    }

    /// Never compiles this again.
    pub(super) fn give_up(&self, root: Root) {
        if let Root::Entry(point) = root {
            self.set_heat(point, NEVER);
        }
    }

    fn set_heat(&self, point: EntryPoint, count: u8) {
        if let Some(heat) = self.heat.get(point.index as usize) {
            heat.store(count, Ordering::Relaxed);
        }
    }

    /// Whether an entry runs so few instructions that it is better interpreted.
    pub(super) fn is_small(&self, compiler: &Compiler, root: Root) -> bool {
        matches!(root, Root::Entry(point) if compiler.is_small(&self.code.code, point))
    }

    /// Compiles what begins so; nothing runs before it is published. `None` if it cannot be compiled.
    pub(super) fn compile(
        &self,
        compiler: &mut Compiler,
        processor: &Processor,
        root: Root,
        level: Level,
    ) -> Option<Made> {
        // Optimizing takes long, and nothing waits for it.
        let linked = match level {
            Level::Quick => self.compiled().linked.clone(),
            Level::Optimized => self.compiled().optimized.clone(),
        };
        let artifact = compiler.compile(&self.code.code, root, &linked, level).ok()?;
        let batch = processor.batch(&artifact, &linked).ok()?;
        Some(Made { root, level, instructions: artifact.instructions(), batch })
    }

    /// Lets what has been compiled run; gives its bytes.
    pub(super) fn publish(&self, made: Made) -> usize {
        let Made { root, level, batch, .. } = made;
        let compiled = &mut *self.compiled();
        compiled.is_optimized |= level == Level::Optimized;
        for (index, address) in batch.calls() {
            match level {
                Level::Quick if compiled.optimized.contains_key(&index) => continue,
                Level::Quick => {}
                Level::Optimized => {
                    compiled.optimized.insert(index, address);
                }
            }
            compiled.linked.insert(index, address);
            if let Some(place) = self.table.get(index as usize) {
                place.store(ptr::with_exposed_provenance_mut(address), Ordering::Release);
            }
        }
        let is_new = matches!(root, Root::Entry(point) if self.entry(point).is_none());
        for (point, entry) in batch.entries() {
            let Some(place) = self.entries.get(point.index as usize) else { continue };
            let next = place.load(Ordering::Acquire);
            let ran = AtomicU64::new(if level == Level::Optimized { SETTLED } else { 0 });
            let record = Arc::new(Record { point, level, entry, ran, next });
            place.store(Arc::as_ptr(&record).cast_mut(), Ordering::Release);
            compiled.records.push(record);
        }
        match root {
            Root::Entry(point) => {
                let heights = compiled.heights.entry(point.index).or_default();
                *heights += usize::from(is_new);
                self.set_heat(point, if *heights < HEIGHTS_MAX { 0 } else { NEVER });
            }
            Root::Subroutine(index) => {
                if level == Level::Quick {
                    compiled.callees.made(index);
                }
            }
        }
        let bytes = batch.bytes() + BATCH_BYTES;
        compiled.batches.push(batch);
        compiled.bytes += bytes;
        if compiled.bytes > self.code.code.words().len() * 8 * CODE_TIMES + CODE_BESIDES {
            self.allowance.store(i64::MIN / 2, Ordering::Relaxed);
        }
        bytes
    }

    fn compiled(&self) -> MutexGuard<'_, Compiled> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been compiled for a root, and does not run yet.
pub(super) struct Made {
    root: Root,
    level: Level,
    pub(super) instructions: usize,
    batch: Batch,
}

impl Made {
    /// Its functions.
    pub(super) fn functions(&self, code: Hash) -> impl Iterator<Item = CompiledFunction> {
        self.batch.functions().map(move |(root, address, bytes)| CompiledFunction {
            code,
            root,
            address,
            bytes,
        })
    }
}

/// The memories of keys that instructions name.
fn memories_of(page: &CodePage) -> Box<[u8]> {
    let mut found = BTreeSet::new();
    for &word in page.code.normal() {
        let Some(insn) = Insn::decode(word) else { continue };
        for (imm, &value) in insn.op.info().imms.iter().zip(&insn.imms) {
            if imm.kind == ImmKind::Memory
                && let Ok(memory) = u8::try_from(value)
                && memory >= FIRST_KEY_MEMORY
            {
                found.insert(memory);
            }
        }
    }
    found.into_iter().collect()
}
