//! Machine code in memory that can be executed.

use crate::compile::{Artifact, Call, Callee, HEADER_BYTES, Linked, type_word};
use crate::context::Context;
use crate::foreign::Foreign;
use crate::region::Start;
use crate::{EntryPoint, Root};
use cranelift_codegen::binemit::Reloc;
use memmap2::{Mmap, MmapMut};
use std::collections::BTreeMap;
use std::{io, ptr};

/// Functions begin at multiples of this, less the header.
const ALIGN: usize = 32;

/// Bytes before a function that say its type.
const HEADER: usize = HEADER_BYTES.unsigned_abs() as usize;

/// Functions that were compiled together, ready to run. Their memory is never writable and executable at once, and is
/// given back when this is dropped.
#[derive(Debug)]
pub struct Batch {
    /// None if it is the memory of another processor.
    _map: Option<Mmap>,
    address: usize,
    layout: Layout,
}

/// Where each function of an artifact lies, from where the first one does.
#[derive(Debug)]
struct Layout {
    bytes: usize,
    entries: BTreeMap<EntryPoint, usize>,
    calls: BTreeMap<u32, usize>,
    /// In the order of the artifact: where each function lies, and its length.
    functions: Vec<(Root, usize, usize)>,
}

/// Native code that the host enters.
#[derive(Clone, Copy, Debug)]
pub struct Entry(*const u8);

// SAFETY: an entry is an address of code, which is only read.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// Runs the code.
    ///
    /// # Safety
    /// The batch it comes from must be one for this processor, and live until this returns. Everything that `context`
    /// points to must be as its fields say until then, but for what the helper changes; the code must be the one whose
    /// operands, frames and memories these are, and the height above the base be the entry's.
    #[inline]
    pub unsafe fn enter(self, context: &mut Context) {
        // SAFETY: the address is of a function with this signature, by `Batch::new`; it lives, says the caller.
        unsafe {
            let run: unsafe extern "C" fn(*mut Context) = std::mem::transmute(self.0);
            run(context);
        }
    }

    /// Where the code lies.
    #[must_use]
    pub fn address(self) -> usize {
        self.0.addr()
    }
}

impl Batch {
    /// Puts an artifact into memory; `linked` says where the subroutines are that it calls and does not contain.
    ///
    /// # Errors
    /// If there is no memory, or the operating system does not let it be executed.
    pub fn new(artifact: &Artifact, linked: &Linked) -> io::Result<Self> {
        let layout = Layout::new(artifact);
        let mut map = MmapMut::map_anon(layout.bytes.max(1))?;
        let address = map.as_ptr().expose_provenance();
        layout.write(artifact, linked, address, &mut map)?;
        // SAFETY: the range is the mapping's own.
        unsafe { wasmtime_internal_jit_icache_coherence::clear_cache(map.as_ptr().cast(), map.len()) }
            .map_err(io::Error::other)?;
        let map = map.make_exec()?;
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt().map_err(io::Error::other)?;
        Ok(Self { _map: Some(map), address, layout })
    }

    /// As [`Batch::new`], in the memory of another processor.
    ///
    /// # Errors
    /// If it has no memory for it.
    pub fn new_for(foreign: &dyn Foreign, artifact: &Artifact, linked: &Linked) -> io::Result<Self> {
        let layout = Layout::new(artifact);
        let mut code = vec![0; layout.bytes];
        let address = foreign.reserve(code.len())?;
        layout.write(artifact, linked, address, &mut code)?;
        foreign.publish(address, &code)?;
        Ok(Self { _map: None, address, layout })
    }

    /// Where the host enters.
    pub fn entries(&self) -> impl Iterator<Item = (EntryPoint, Entry)> {
        let at = |offset| Entry(ptr::with_exposed_provenance(self.address + offset));
        self.layout.entries.iter().map(move |(&point, &offset)| (point, at(offset)))
    }

    /// The native code of each subroutine, by its index.
    pub fn calls(&self) -> impl Iterator<Item = (u32, usize)> {
        self.layout.calls.iter().map(|(&index, &offset)| (index, self.address + offset))
    }

    /// All native functions: what each is, its address and its length in bytes.
    pub fn functions(&self) -> impl Iterator<Item = (Root, usize, usize)> {
        self.layout.functions.iter().map(|&(root, offset, bytes)| (root, self.address + offset, bytes))
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layout.bytes
    }
}

impl Layout {
    fn new(artifact: &Artifact) -> Self {
        let (mut entries, mut calls) = (BTreeMap::new(), BTreeMap::new());
        let mut functions = Vec::with_capacity(artifact.functions.len());
        let mut end = 0;
        for function in &artifact.functions {
            let begin = (end + HEADER).next_multiple_of(ALIGN);
            end = begin + function.bytes.len();
            functions.push((function.start.root(), begin, function.bytes.len()));
            if function.plain {
                continue;
            }
            match function.start {
                Start::Enter { index, height } => {
                    entries.insert(EntryPoint { index, height }, begin);
                }
                Start::Call { index, .. } => {
                    calls.insert(index, begin);
                }
            }
        }
        Self { bytes: end, entries, calls, functions }
    }

    /// Writes machine code that will lie at `address` into `memory`.
    fn write(
        &self,
        artifact: &Artifact,
        linked: &Linked,
        address: usize,
        memory: &mut [u8],
    ) -> io::Result<()> {
        for (number, function) in artifact.functions.iter().enumerate() {
            let begin = self.functions[number].1;
            if let (Start::Call { typ, .. }, false) = (function.start, function.plain) {
                memory[begin - HEADER..begin].copy_from_slice(&type_word(typ).to_le_bytes());
            }
            let code = &mut memory[begin..begin + function.bytes.len()];
            code.copy_from_slice(&function.bytes);
            for call in &function.calls {
                let target = match call.callee {
                    Callee::Plain => self.functions.get(number + 1).map(|&(_, offset, _)| address + offset),
                    Callee::Subroutine(index) => {
                        let target = self.calls.get(&index).map(|offset| address + offset);
                        target.or_else(|| linked.get(&index).copied())
                    }
                };
                let target = target.ok_or_else(|| io::Error::other("a callee is missing"))?;
                resolve(code, address + begin, call, target)?;
            }
        }
        Ok(())
    }
}

/// Writes the address of a callee into code that will lie at `begin`.
fn resolve(code: &mut [u8], begin: usize, call: &Call, target: usize) -> io::Result<()> {
    let offset = call.offset as usize;
    let out_of_reach = || io::Error::other("a callee is out of reach");
    let target = (target as i64).wrapping_add(call.addend);
    let distance = target.wrapping_sub((begin + offset) as i64);
    let place = code.get_mut(offset..).ok_or_else(out_of_reach)?;
    match call.kind {
        Reloc::Abs8 => {
            let word = place.first_chunk_mut::<8>().ok_or_else(out_of_reach)?;
            *word = target.to_le_bytes();
        }
        Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => {
            let word = place.first_chunk_mut::<4>().ok_or_else(out_of_reach)?;
            *word = i32::try_from(distance).map_err(|_| out_of_reach())?.to_le_bytes();
        }
        Reloc::Arm64Call => {
            let word = place.first_chunk_mut::<4>().ok_or_else(out_of_reach)?;
            if distance % 4 != 0 || !(-(1 << 27)..1 << 27).contains(&distance) {
                return Err(out_of_reach());
            }
            let [a, b, c, d, ..] = (distance >> 2).to_le_bytes();
            let immediate = u32::from_le_bytes([a, b, c, d]) & 0x03ff_ffff;
            *word = (u32::from_le_bytes(*word) & 0xfc00_0000 | immediate).to_le_bytes();
        }
        other => return Err(io::Error::other(format!("machine code with a relocation {other:?}"))),
    }
    Ok(())
}
