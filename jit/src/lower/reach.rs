//! Where accesses to memory lie: addresses are checked once for all accesses of a block that they reach.

use super::home::Once;
use super::{Unit, Val};
use crate::affine::{Pointer, block_accesses};
use crate::arith::Class;
use crate::context::{Context, Exit, PAD_BYTES};
use crate::fault::Fault;
use crate::region::Block;
use crate::unroll::{Placed, pointers};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use keyvm_isa::layout::MEMORY_DATA;
use std::collections::BTreeMap;
use std::mem::offset_of;

/// How far from its beginning an access is near that is bounded before it is executed.
pub(super) const NEAR: u64 = PAD_BYTES as u64;

/// What an instruction accesses.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) memory: u8,
    pub(super) write: bool,
    /// The address; 0 if there is none.
    pub(super) address: Option<Val>,
    /// Whether the address counts words, not bytes.
    pub(super) words: bool,
    /// What is added to the address, without overflow.
    pub(super) offset: u32,
    pub(super) bytes: u8,
}

/// A sum, modulo 2^64, of a word of which nothing is known and one that is small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    base: Value,
    rest: Value,
    /// The greatest that the rest can be.
    most: u64,
}

impl Sum {
    /// Of two operands that are words, if they are such.
    pub(super) fn of(operands: &[Val]) -> Option<Self> {
        let [a, b] = operands else { return None };
        let (base, rest) = match (a.bound.is_small(), b.bound.is_small()) {
            (false, true) => (a, b),
            (true, false) => (b, a),
            _ => return None,
        };
        let are_words = [base, rest].iter().all(|of| of.form.class == Class::Word);
        are_words.then_some(Self { base: base.value, rest: rest.value, most: rest.bound.most })
    }
}

/// Where an access ends whose address is at most this; none if that overflows.
pub(super) fn end(most: u64, words: bool, offset: u32, bytes: u8) -> Option<u64> {
    let unit = if words { 8 } else { 1 };
    most.checked_mul(unit)?.checked_add(u64::from(offset) + u64::from(bytes))
}

/// Where an access lies whose address is known, and its last byte, if that is near.
fn near_place(address: u64, words: bool, offset: u32, last: u64) -> Option<(i32, i64)> {
    let end =
        address.checked_mul(if words { 8 } else { 1 })?.checked_add(u64::from(offset))?.checked_add(last)?;
    let end = i32::try_from(end).ok().filter(|&end| u64::from(end.unsigned_abs()) < NEAR)?;
    Some((end - i32::try_from(last).ok()?, end.into()))
}

/// How a unit of optimized code reaches memory 2.
pub(super) struct DataReach {
    /// Where it begins, if it is as long as all near accesses need: so many bytes.
    near: Variable,
    pub(super) near_bytes: u64,
    /// Which words have as many bytes behind them as the unit reaches at most by adding small ones to a word: those below
    /// this.
    bases: Variable,
    pub(super) around_bytes: u64,
}

impl DataReach {
    pub(super) fn new(b: &mut FunctionBuilder<'_>) -> Self {
        let [near, bases] = [types::I64; 2].map(|typ| b.declare_var(typ));
        Self { near, near_bytes: 0, bases, around_bytes: 0 }
    }
}

/// The beginning of a memory.
#[derive(Clone, Copy)]
struct Near {
    memory: u8,
    write: bool,
    /// Where it begins, if it has so many bytes.
    base: Value,
    bytes: u64,
    /// Whether it has.
    enough: Value,
}

/// A word that is an address of memory 2 with a small one added to it.
#[derive(Clone, Copy)]
struct Around {
    base: Value,
    /// Where it lies, if all is inside that is reached from there.
    begin: Value,
    /// Whether it is.
    enough: Value,
}

/// The pointers of a block.
#[derive(Default)]
pub(super) struct Reaching {
    near: Vec<Near>,
    around: Vec<Around>,
    accesses: BTreeMap<(usize, u32), Pointer>,
    placed: Placed,
    pointers: Vec<Pointer>,
    /// Those that have been checked.
    checked: Vec<Option<(Value, i32)>>,
    /// What is written by each: from where to where behind it. None once that has been marked.
    written: Vec<Option<(i32, i64)>>,
}

/// What a store is the first one by its pointer to write.
pub(super) enum Written {
    /// So many bytes, so far from a place on: all that the block's stores by the pointer do.
    First(Value, i64, u64),
    /// Another one has been.
    Before,
}

impl Reaching {
    /// Of a block whose operands are counted from `base`.
    pub(super) fn new(code: &keyvm_isa::Code, base: usize, block: &Block) -> Self {
        let accesses = block_accesses(code, base, block);
        let (pointers, placed) = pointers(&accesses, 1);
        let checked = vec![None; pointers.len()];
        let mut reaching = Self {
            near: Vec::new(),
            around: Vec::new(),
            accesses,
            placed,
            checked,
            pointers,
            written: Vec::new(),
        };
        reaching.find_written();
        reaching
    }

    fn find_written(&mut self) {
        self.written.clear();
        self.written.resize(self.pointers.len(), None);
        for (place, access) in self.accesses.iter().filter(|(_, access)| access.write) {
            let Some(&(pointer, at)) = self.placed.get(place) else { continue };
            let last = i64::from(at).saturating_add_unsigned(access.last);
            let written = self.written[pointer].get_or_insert((at, last));
            *written = (written.0.min(at), written.1.max(last));
        }
    }

    /// What is to be marked for the store by the instruction at an index, if that goes by a pointer.
    pub(super) fn first_written(&mut self, index: u32) -> Option<Written> {
        let &(pointer, _) = self.placed.get(&(0, index))?;
        let (place, rest) = self.checked[pointer]?;
        Some(match self.written[pointer].take() {
            Some((at, last)) => {
                let bytes = last.abs_diff(at.into()) + 1;
                Written::First(place, i64::from(at) + i64::from(rest), bytes)
            }
            None => Written::Before,
        })
    }

    /// Memories may lie elsewhere, or be longer or shorter, from now on.
    pub(super) fn forget(&mut self) {
        self.near.clear();
        self.around.clear();
        self.checked.fill(None);
        self.find_written();
    }
}

impl Unit<'_> {
    /// Where the access of the instruction at an index lies, an address and an offset to it; leaves if it is not inside.
    pub(super) fn reach(&mut self, access: Access, index: u32) -> (Value, i32) {
        if let Some(place) = self.placed(index) {
            return place;
        }
        let Access { memory, words, offset, bytes, .. } = access;
        let most = access.address.map_or(0, |address| address.bound.most);
        // Of memory 2 it is known how much all near accesses of the unit need.
        let limit = if memory == MEMORY_DATA { self.data_reach.near_bytes } else { NEAR };
        if let Some(end) = end(most, words, offset, bytes).filter(|&end| end <= limit && !self.quick) {
            return self.near(access, end);
        }
        if let Some(sum) = access.address.and_then(|address| address.sum)
            && end(sum.most, words, offset, bytes).is_some_and(|end| end <= self.data_reach.around_bytes)
            && memory == MEMORY_DATA
            && !words
        {
            return self.around(access, sum);
        }
        let known = access.address.map_or(Some(0), |address| address.bound.known);
        let address = match access.address {
            Some(address) => self.as_word(address),
            None => self.number(0),
        };
        if let Some(&(pointer, at)) = self.reaching.placed.get(&(0, index)) {
            let (value, rest) = match self.reaching.checked[pointer] {
                Some(checked) => checked,
                None => {
                    let first = self.reaching.accesses[&(0, index)].address.number;
                    let Pointer { memory, write, words, offset, mut last, .. } =
                        self.reaching.pointers[pointer];
                    if self.planted(Fault::BoundFirst) {
                        last = u64::from(bytes) - 1;
                    }
                    let back = self.reaching.pointers[pointer].address.number.wrapping_sub(first);
                    let known = known.map(|word| word.wrapping_add(back.cast_unsigned()));
                    let address = self.plus(address, back);
                    let checked = match known {
                        Some(word) if self.quick => self.pointer_to(memory, write, words, word, offset, last),
                        _ => self.pointer(memory, write, words, address, offset, last),
                    };
                    *self.reaching.checked[pointer].insert(checked)
                }
            };
            return (value, at + rest);
        }
        let last = u64::from(bytes) - 1;
        match known {
            Some(word) if self.quick => self.pointer_to(memory, access.write, words, word, offset, last),
            _ => self.pointer(memory, access.write, words, address, offset, last),
        }
    }

    /// Of an access that ends within the first `end` bytes, whatever its address: where it lies.
    ///
    /// If the memory has so many the address need not be looked at. If not, it is checked in a cold block.
    fn near(&mut self, access: Access, end: u64) -> (Value, i32) {
        let Access { memory, write, address, words, .. } = access;
        let begin = if memory == MEMORY_DATA {
            let length = self.b.use_var(self.data[1]);
            let enough = self.is_enough(length, self.data_reach.near_bytes);
            (self.b.use_var(self.data_reach.near), enough)
        } else {
            self.near_page(memory, write, end)
        };
        let word = match address {
            Some(address) => self.as_word(address),
            None => self.iconst(0),
        };
        let scaled = if words { self.b.ins().ishl_imm_u(word, 3) } else { word };
        self.begun(access, begin, word, scaled)
    }

    /// Of an access to memory 2 whose address is the sum of a word and a small one: where it lies. Where all is inside that
    /// the unit reaches from such a word, the address need not be looked at.
    fn around(&mut self, access: Access, sum: Sum) -> (Value, i32) {
        let found = self.reaching.around.iter().find(|of| of.base == sum.base).copied();
        let Around { begin, enough, .. } = found.unwrap_or_else(|| {
            let (data, bases) = (self.b.use_var(self.data[0]), self.b.use_var(self.data_reach.bases));
            let enough = self.b.ins().icmp(IntCC::UnsignedLessThan, sum.base, bases);
            let begin = self.b.ins().iadd(data, sum.base);
            let pad = self.pad(0);
            let begin = self.guarded(enough, begin, pad);
            let around = Around { base: sum.base, begin, enough };
            self.reaching.around.push(around);
            around
        });
        let address = self.b.ins().iadd(sum.base, sum.rest);
        self.begun(access, (begin, enough), address, sum.rest)
    }

    /// Where an access lies, `rest` bytes behind what begins there, if that is all inside. If not, the address is checked in
    /// a cold block.
    fn begun(&mut self, access: Access, begin: (Value, Value), address: Value, rest: Value) -> (Value, i32) {
        let Access { memory, write, words, offset, bytes, .. } = access;
        let exact = self.b.create_block();
        self.b.set_cold_block(exact);
        let next = self.b.create_block();
        let base = self.b.append_block_param(next, types::I64);
        self.b.ins().brif(begin.1, next, &[begin.0.into()], exact, &[]);
        self.b.switch_to_block(exact);
        let last = u64::from(offset) + u64::from(bytes) - 1;
        let (pointer, _) = self.pointer(memory, write, words, address, 0, last);
        if let Some(checked) = self.b.current_block() {
            self.b.set_cold_block(checked);
        }
        let back = self.b.ins().isub(pointer, rest);
        self.b.ins().jump(next, &[back.into()]);
        self.b.switch_to_block(next);
        let offset = i32::try_from(offset).expect("it is near");
        (self.b.ins().iadd(base, rest), offset)
    }

    /// Where a key's memory begins, and whether it has so many bytes, or more.
    fn near_page(&mut self, memory: u8, write: bool, end: u64) -> (Value, Value) {
        let covers = |near: &&Near| near.memory == memory && (near.write || !write) && near.bytes >= end;
        if let Some(near) = self.reaching.near.iter().find(covers) {
            return (near.base, near.enough);
        }
        let (base, length) = self.view(memory, write);
        let enough = self.is_enough(length, end);
        let pad = self.pad(0);
        let base = self.guarded(enough, base, pad);
        self.reaching.near.push(Near { memory, write, base, bytes: end, enough });
        (base, enough)
    }

    fn is_enough(&mut self, length: Value, bytes: u64) -> Value {
        let bytes = if self.planted(Fault::NearEnough) { bytes.saturating_sub(8) } else { bytes };
        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, length, bytes.cast_signed())
    }

    /// Finds out where memory 2 begins for near accesses, and what others may begin with, when its view has been read anew.
    pub(super) fn find_near_data(&mut self) {
        if self.data_reach.near_bytes > 0 {
            let (base, length) = (self.b.use_var(self.data[0]), self.b.use_var(self.data[1]));
            let enough = self.is_enough(length, self.data_reach.near_bytes);
            let pad = self.pad(0);
            let base = self.guarded(enough, base, pad);
            self.b.def_var(self.data_reach.near, base);
        }
        if self.data_reach.around_bytes > 0 {
            let length = self.b.use_var(self.data[1]);
            let last = self.data_reach.around_bytes.cast_signed() - 1;
            let longer = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, last);
            let rest = self.b.ins().iadd_imm_s(length, -last);
            let none = self.iconst(0);
            // Unlike others, such a choice is made where it stands: the result is at hand then, wherever it is compared with.
            let bases = self.b.ins().select_spectre_guard(longer, rest, none);
            self.b.def_var(self.data_reach.bases, bases);
        }
    }

    /// As [`Unit::pointer`], where the address is known. In quick code.
    fn pointer_to(
        &mut self,
        memory: u8,
        write: bool,
        words: bool,
        address: u64,
        offset: u32,
        last: u64,
    ) -> (Value, i32) {
        let Some((at, end)) = near_place(address, words, offset, last) else {
            let address = self.number(address.cast_signed());
            return self.pointer(memory, write, words, address, offset, last);
        };
        let (base, length) = self.view(memory, write);
        let end = self.number(end);
        let inside = self.b.ins().icmp(IntCC::UnsignedGreaterThan, length, end);
        self.leave_unless(inside, Exit::Check);
        let pad = self.pad(0);
        (self.guarded(inside, base, pad), at)
    }

    /// Where the byte at an address and offset lies, an address and a further offset; leaves if that or the one `last`
    /// bytes behind it is not inside.
    fn pointer(
        &mut self,
        memory: u8,
        write: bool,
        words: bool,
        address: Value,
        offset: u32,
        last: u64,
    ) -> (Value, i32) {
        let (base, length) = self.view(memory, write);
        let last = if !write && self.planted(Fault::LoadEnd) { 0 } else { last };
        let (address, offset) = match words {
            false if self.planted(Fault::AddressWrap) => (self.plus(address, offset.into()), 0),
            _ => (address, offset),
        };
        let addresses = self.addresses(length, u64::from(offset) + last, words);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, address, addresses);
        self.leave_unless(inside, Exit::Check);
        let scaled = if words { self.b.ins().ishl_imm_u(address, 3) } else { address };
        let mut at = self.b.ins().iadd(base, scaled);
        let rest = match i32::try_from(offset) {
            Ok(offset) if self.quick && u64::from(offset.unsigned_abs()) + last < NEAR => offset,
            _ => {
                at = self.plus(at, i64::from(offset));
                0
            }
        };
        let pad = self.pad(0);
        (self.guarded(inside, at, pad), rest)
    }

    /// How many addresses, from 0 on, are good for accesses that end `last` bytes behind them.
    pub(super) fn addresses(&mut self, length: Value, last: u64, words: bool) -> Value {
        if last == 0 {
            return length;
        }
        let last = last.cast_signed();
        if self.quick && !words {
            return self.once(Once::Addresses(length, last), |unit| {
                let bytes = unit.number(last);
                let longer = unit.b.ins().umax(length, bytes);
                unit.b.ins().isub(longer, bytes)
            });
        }
        let longer = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, last);
        let mut rest = self.b.ins().iadd_imm_s(length, -last);
        if words {
            // Lengths are whole words.
            rest = self.b.ins().iadd_imm_s(rest, 7);
            rest = self.b.ins().ushr_imm_u(rest, 3);
        }
        let none = self.iconst(0);
        self.b.ins().select(longer, rest, none)
    }

    /// So many bytes into the pad.
    pub(super) fn pad(&mut self, into: usize) -> Value {
        self.once(Once::Pad(into), |unit| {
            let context = unit.context();
            unit.plus(context, (offset_of!(Context, pad) + into) as i64)
        })
    }

    /// A pointer that even a mispredicted check does not lead out of its memory: to the pad, then.
    pub(super) fn guarded(&mut self, inside: Value, pointer: Value, pad: Value) -> Value {
        if !self.options.speculation_guards {
            return pointer;
        }
        self.b.ins().select_spectre_guard(inside, pointer, pad)
    }
}
