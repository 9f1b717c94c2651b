//! The native code of a code page.

use super::{CompiledFunction, Engine, Processor, Tier};
use crate::image::Hash;
use crate::kernel::CodePage;
use keyvm_isa::layout::FIRST_KEY_MEMORY;
use keyvm_isa::{ImmKind, Insn};
use keyvm_jit::{Batch, Compiler, Entry, EntryPoint, Linked};
use std::collections::BTreeSet;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Times that an index is reached before it is compiled, where that depends on heat.
const HOT: u8 = 200;
/// In place of a count: it is being compiled, or has been.
const ASKED: u8 = 254;
/// In place of a count: it is not to be compiled.
const NEVER: u8 = 255;
/// Heights with which an index is compiled at most.
const HEIGHTS_MAX: usize = 4;

/// An entry, in a list of those of one index.
#[derive(Debug)]
struct Record {
    height: u32,
    entry: Entry,
    next: *const Record,
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
    /// The memories of keys that the code names.
    memories: Box<[u8]>,
    compiled: Mutex<Compiled>,
    evicted: AtomicBool,
}

#[derive(Debug, Default)]
struct Compiled {
    /// Pointed to by the lists.
    records: Vec<Arc<Record>>,
    batches: Vec<Batch>,
    linked: Linked,
}

impl NativePage {
    pub(super) fn new(code: Arc<CodePage>) -> Self {
        let places = code.code.len() + 1;
        let memories = memories_of(&code);
        Self {
            heat: (0..places).map(|_| AtomicU8::new(0)).collect(),
            entries: (0..places).map(|_| AtomicPtr::default()).collect(),
            table: (0..places).map(|_| AtomicPtr::default()).collect(),
            memories,
            compiled: Mutex::default(),
            evicted: AtomicBool::new(false),
            code,
        }
    }

    pub(super) fn hash(&self) -> Hash {
        self.code.hash()
    }

    /// Bytes of memory for what is not machine code.
    pub(super) fn tables_bytes(&self) -> usize {
        self.heat.len() * 17
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
        &self.memories
    }

    /// The native code for an entry, if there is some.
    #[inline]
    pub(super) fn entry(&self, point: EntryPoint) -> Option<Entry> {
        let mut at: *const Record = self.entries.get(point.index as usize)?.load(Ordering::Acquire);
        while !at.is_null() {
            // SAFETY: the records of a page live as long as it does, and do not change once they are in a list.
            let record = unsafe { &*at };
            if record.height == point.height {
                return Some(record.entry);
            }
            at = record.next;
        }
        None
    }

    /// Called where control arrives: tells whether there is native code, and asks for it if it is worth it.
    #[inline]
    pub(super) fn arrive(self: &Arc<Self>, engine: &Engine, point: EntryPoint) -> bool {
        if self.entry(point).is_some() {
            return true;
        }
        let Some(heat) = self.heat.get(point.index as usize) else { return false };
        if point.height > keyvm_jit::HEIGHT_MAX {
            return false;
        }
        let count = heat.load(Ordering::Relaxed);
        if count == NEVER || (count == ASKED && engine.tier() == Tier::Auto) {
            return false;
        }
        if engine.tier() == Tier::Auto && count < HOT {
            heat.store(count + 1, Ordering::Relaxed);
            return false;
        }
        heat.store(ASKED, Ordering::Relaxed);
        engine.want(self, point)
    }

    /// Lets an index get hot again.
    pub(super) fn forget_heat(&self, point: EntryPoint) {
        self.set_heat(point, 0);
    }

    /// Never compiles this index again.
    pub(super) fn give_up(&self, point: EntryPoint) {
        self.set_heat(point, NEVER);
    }

    fn set_heat(&self, point: EntryPoint, count: u8) {
        if let Some(heat) = self.heat.get(point.index as usize) {
            heat.store(count, Ordering::Relaxed);
        }
    }

    /// Compiles an entry, and tells of each function; gives instructions and bytes. `None` if it cannot be.
    pub(super) fn compile(
        &self,
        compiler: &mut Compiler,
        processor: &Processor,
        point: EntryPoint,
        tell: impl Fn(&CompiledFunction),
    ) -> Option<(usize, usize)> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let linked: BTreeSet<u32> = compiled.linked.keys().copied().collect();
        let artifact = compiler.compile(&self.code.code, point, &linked).ok()?;
        let batch = processor.batch(&artifact, &compiled.linked).ok()?;
        for (root, address, bytes) in batch.functions() {
            tell(&CompiledFunction { code: self.hash(), root, address, bytes });
        }
        for (index, address) in batch.calls() {
            compiled.linked.insert(index, address);
            if let Some(place) = self.table.get(index as usize) {
                place.store(ptr::with_exposed_provenance_mut(address), Ordering::Release);
            }
        }
        let mut heights = 0;
        for (point, entry) in batch.entries() {
            let place = self.entries.get(point.index as usize)?;
            let next = place.load(Ordering::Acquire);
            let record = Arc::new(Record { height: point.height, entry, next });
            place.store(Arc::as_ptr(&record).cast_mut(), Ordering::Release);
            compiled.records.push(record);
            heights = compiled.heights(next);
        }
        let bytes = batch.bytes();
        compiled.batches.push(batch);
        self.set_heat(point, if heights + 1 < HEIGHTS_MAX { 0 } else { NEVER });
        Some((artifact.instructions(), bytes))
    }
}

impl Compiled {
    /// The length of a list of records.
    fn heights(&self, first: *const Record) -> usize {
        let mut length = 0;
        let mut at = first;
        while let Some(record) = self.records.iter().find(|record| ptr::eq(Arc::as_ptr(record), at)) {
            length += 1;
            at = record.next;
        }
        length
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
