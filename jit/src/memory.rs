//! Machine code in memory that can be executed.

use crate::compile::{Artifact, Call, Callee, HEADER_BYTES, Linked, type_word};
use crate::context::Context;
use crate::region::Start;
use crate::{EntryPoint, Root};
use cranelift_codegen::binemit::Reloc;
use memmap2::{Mmap, MmapMut};
use std::collections::BTreeMap;
use std::io;

/// Functions begin at multiples of this, less the header.
const ALIGN: usize = 32;

/// Functions that were compiled together, ready to run. Their memory is never writable and executable at once, and is
/// given back when this is dropped.
#[derive(Debug)]
pub struct Batch {
    map: Mmap,
    entries: BTreeMap<EntryPoint, usize>,
    calls: BTreeMap<u32, usize>,
    /// Where each function lies, and its length.
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
    /// The batch it comes from must live until this returns. Everything that `context` points to must be as its fields
    /// say until then, but for what the helper changes; the code must be the one whose operands, frames and memories
    /// these are, and the height above the base be the entry's.
    pub unsafe fn enter(self, context: &mut Context) {
        // SAFETY: the address is of a function with this signature, by `Batch::new`; it lives, says the caller.
        unsafe {
            let run: unsafe extern "C" fn(*mut Context) = std::mem::transmute(self.0);
            run(context);
        }
    }
}

impl Batch {
    /// Puts an artifact into memory; `linked` says where the subroutines are that it calls and does not contain.
    ///
    /// # Errors
    /// If there is no memory, or the operating system does not let it be executed.
    pub fn new(artifact: &Artifact, linked: &Linked) -> io::Result<Self> {
        let header = HEADER_BYTES.unsigned_abs() as usize;
        let mut length = 0;
        let mut offsets = Vec::with_capacity(artifact.functions.len());
        for function in &artifact.functions {
            let begin = (length + header).next_multiple_of(ALIGN);
            offsets.push(begin);
            length = begin + function.bytes.len();
        }
        let mut map = MmapMut::map_anon(length.max(1))?;
        let address = map.as_ptr() as usize;
        let (mut entries, mut calls) = (BTreeMap::new(), BTreeMap::new());
        let mut functions = Vec::with_capacity(artifact.functions.len());
        for (function, &begin) in artifact.functions.iter().zip(&offsets) {
            functions.push((function.start.root(), begin, function.bytes.len()));
            if function.plain {
                continue;
            }
            match function.start {
                Start::Enter { index, height } => {
                    entries.insert(EntryPoint { index, height }, begin);
                }
                Start::Call { index, typ, .. } => {
                    calls.insert(index, begin);
                    map[begin - header..begin].copy_from_slice(&type_word(typ).to_le_bytes());
                }
            }
        }
        for (number, function) in artifact.functions.iter().enumerate() {
            let begin = offsets[number];
            let code = &mut map[begin..begin + function.bytes.len()];
            code.copy_from_slice(&function.bytes);
            for call in &function.calls {
                let target = match call.callee {
                    Callee::Plain => offsets.get(number + 1).map(|offset| address + offset),
                    Callee::Subroutine(index) => {
                        let target = calls.get(&index).map(|offset| address + offset);
                        target.or_else(|| linked.get(&index).copied())
                    }
                };
                let target = target.ok_or_else(|| io::Error::other("a callee is missing"))?;
                resolve(code, address + begin, call, target)?;
            }
        }
        // SAFETY: the range is the mapping's own.
        unsafe { wasmtime_internal_jit_icache_coherence::clear_cache(map.as_ptr().cast(), map.len()) }
            .map_err(io::Error::other)?;
        let map = map.make_exec()?;
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt().map_err(io::Error::other)?;
        Ok(Self { map, entries, calls, functions })
    }

    /// Where the host enters.
    pub fn entries(&self) -> impl Iterator<Item = (EntryPoint, Entry)> {
        self.entries.iter().map(|(&point, &offset)| (point, Entry(self.map[offset..].as_ptr())))
    }

    /// The native code of each subroutine, by its index.
    pub fn calls(&self) -> impl Iterator<Item = (u32, usize)> {
        self.calls.iter().map(|(&index, &offset)| (index, self.map.as_ptr() as usize + offset))
    }

    /// All native functions: what each is, its address and its length in bytes.
    pub fn functions(&self) -> impl Iterator<Item = (Root, usize, usize)> {
        let address = self.map.as_ptr() as usize;
        self.functions.iter().map(move |&(root, offset, bytes)| (root, address + offset, bytes))
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.map.len()
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
