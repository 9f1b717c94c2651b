//! Pages and the memories of the running process.

use super::activation::Activation;
use super::arena::Ref;
use super::fault::KernelFault;
use super::key::{Key, SlotNumber};
use super::object::{Body, Content, shrink};
use super::{Kernel, Step, Stop};
use keyvm_isa::layout::{
    CHUNK_WORDS, FIRST_KEY_MEMORY, KEYS_MAX, Kind, MEMORY_CODE, MEMORY_DATA, MEMORY_META, MEMORY_OPERANDS,
    MEMORY_WORDS_MAX, meta,
};
use keyvm_isa::{Rights, Status, Trap, gas};
use keyvm_jit::View;

/// A memory that can be read or written, found through its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Meta,
    Code,
    Data,
    Operands,
    /// A page, and whether it is a data page.
    Page(Ref, bool),
}

impl Kernel {
    /// Finds a memory and checks that it may be read or (`needed` = `WRITE`, `RESIZE`) changed.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`. The process's own memories other than its data cannot be changed:
    /// `NoRight`.
    fn memory(&self, process: Ref, number: u64, needed: Rights) -> Result<Memory, Trap> {
        let own = match u8::try_from(number) {
            Ok(MEMORY_META) => Some(Memory::Meta),
            Ok(MEMORY_CODE) => Some(Memory::Code),
            Ok(MEMORY_DATA) => return Ok(Memory::Data),
            Ok(MEMORY_OPERANDS) => Some(Memory::Operands),
            _ => None,
        };
        if let Some(memory) = own {
            return if needed == Rights::READ { Ok(memory) } else { Err(Trap::NoRight) };
        }
        let needed = match needed {
            Rights::WRITE if KernelFault::StoreRight.is_planted() => Rights::READ,
            Rights::RESIZE if KernelFault::ResizeRight.is_planted() => Rights::NONE,
            _ => needed,
        };
        let slot: SlotNumber = number - u64::from(FIRST_KEY_MEMORY);
        let key = self.key(process, slot)?;
        match self.arena.body(key.object()) {
            Some(Body::Data(_) | Body::Code(_)) if !key.seal().is_none() => Err(Trap::WrongKind),
            Some(Body::Data(_)) if key.rights.has(needed) => Ok(Memory::Page(key.object(), true)),
            Some(Body::Code(_)) if key.rights.has(needed) && needed == Rights::READ => {
                Ok(Memory::Page(key.object(), false))
            }
            Some(Body::Data(_) | Body::Code(_)) => Err(Trap::NoRight),
            _ => Err(Trap::WrongKind),
        }
    }

    /// The content of a memory that has one as bytes.
    fn content<'a>(&'a self, act: &'a Activation, memory: Memory) -> Option<&'a Content> {
        match memory {
            Memory::Data => Some(&act.data),
            Memory::Page(page, _) => match self.arena.body(page) {
                Some(Body::Data(content)) => Some(content),
                _ => None,
            },
            Memory::Meta | Memory::Code | Memory::Operands => None,
        }
    }

    fn content_mut<'a>(&'a mut self, act: &'a mut Activation, memory: Memory) -> Option<&'a mut Content> {
        match memory {
            Memory::Data => Some(&mut act.data),
            Memory::Page(page, _) => match self.arena.body_mut(page) {
                Some(Body::Data(content)) => Some(content),
                _ => None,
            },
            Memory::Meta | Memory::Code | Memory::Operands => None,
        }
    }

    /// A key's memory as native code sees it; one that cannot be reached if there is none with that number.
    pub(crate) fn view(&mut self, process: Ref, memory: u8) -> View {
        let writable = self.memory(process, memory.into(), Rights::WRITE).is_ok();
        let Ok(Memory::Page(page, true)) = self.memory(process, memory.into(), Rights::READ) else {
            return View::NONE;
        };
        let body = if writable {
            // It will count as changed, whether something is written or not.
            self.arena.body_mut(page)
        } else {
            self.arena.at_unmarked(page.slot).map(|slot| &mut slot.body)
        };
        match body {
            Some(Body::Data(content)) if writable => content.view(),
            Some(Body::Data(content)) => View { writable: 0, ..content.view() },
            _ => View::NONE,
        }
    }

    fn length(&self, act: &Activation, memory: Memory) -> u64 {
        match memory {
            Memory::Meta => meta::LENGTH,
            Memory::Code => self.code_of(act.process).map_or(0, |(_, page)| page.code.words().len() as u64),
            Memory::Operands => act.height as u64,
            Memory::Data => act.data.words(),
            Memory::Page(page, _) => match self.arena.body(page) {
                Some(Body::Data(content)) => content.words(),
                Some(Body::Code(page)) => page.code.words().len() as u64,
                _ => 0,
            },
        }
    }

    fn word(&self, act: &Activation, memory: Memory, index: u64) -> Option<u64> {
        let at = usize::try_from(index).ok()?;
        match memory {
            Memory::Meta => self.metadata(act, index),
            Memory::Code => self.code_of(act.process)?.1.code.words().get(at).copied(),
            Memory::Operands => act.stack[..act.height].get(at).copied(),
            Memory::Data => act.data.load(index.checked_mul(8)?).map(u64::from_le_bytes),
            Memory::Page(page, _) => match self.arena.body(page)? {
                Body::Data(content) => content.load(index.checked_mul(8)?).map(u64::from_le_bytes),
                Body::Code(page) => page.code.words().get(at).copied(),
                _ => None,
            },
        }
    }

    /// The running process's metadata.
    fn metadata(&self, act: &Activation, field: u64) -> Option<u64> {
        let used = act.used_since_sync();
        Some(match field {
            meta::STATUS => u64::from(Status::Running.number()),
            meta::GAS => self.own_gas().saturating_sub(used),
            meta::WORDS => self.own_words(),
            meta::INDEX => act.index,
            meta::HEIGHT => act.height as u64,
            meta::FRAMES => act.frames.len() as u64,
            meta::BASE => act.base as u64,
            meta::DATA => act.data.words(),
            _ => return self.parked_metadata(act.process, field),
        })
    }

    /// A process's metadata, as they were when it last stopped.
    pub(super) fn parked_metadata(&self, process: Ref, field: u64) -> Option<u64> {
        let state = self.arena.process(process);
        Some(match field {
            meta::STATUS if state.stopped => u64::from(Status::Stopped.number()),
            meta::STATUS => u64::from(state.status.number()),
            meta::CALLEE => u64::from(self.arena.alive(state.callee)),
            meta::GAS => state.gas_seen,
            meta::WORDS => state.words_seen,
            meta::INDEX => state.index,
            meta::HEIGHT => u64::from(state.height),
            meta::FRAMES => state.frames.len() as u64,
            meta::BASE => state.frames.last().map_or(0, |frame| u64::from(frame.base)),
            meta::RANDOM => state.random,
            meta::MESSAGE_WORDS => u64::from(state.message_words),
            meta::MESSAGE_KEYS => u64::from(state.message_keys),
            meta::TRAP => state.trap.map_or(0, |trap| u64::from(trap.number())),
            meta::AMOUNT => state.amount,
            meta::DATA => state.data_words,
            meta::KEYS => state.keys.len() as u64,
            meta::KEY_CAPACITY => u64::from(state.key_capacity),
            meta::STACK_CAPACITY => u64::from(state.stack_capacity),
            meta::STACK_MAXIMUM => u64::from(state.stack_maximum),
            meta::FRAME_CAPACITY => u64::from(state.frame_capacity),
            _ => return None,
        })
    }

    /// `N` bytes at an address of a memory.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`, `OutOfBounds`.
    #[inline]
    pub(crate) fn load<const N: usize>(
        &self,
        act: &Activation,
        memory: u8,
        address: u64,
    ) -> Result<[u8; N], Trap> {
        if memory == MEMORY_DATA {
            return act.data.load(address).ok_or(Trap::OutOfBounds);
        }
        let memory = self.memory(act.process, memory.into(), Rights::READ)?;
        if let Some(content) = self.content(act, memory) {
            return content.load(address).ok_or(Trap::OutOfBounds);
        }
        if address.checked_add(N as u64).is_none() {
            return Err(Trap::OutOfBounds);
        }
        let mut bytes = [0; N];
        for (byte, address) in bytes.iter_mut().zip(address..=u64::MAX) {
            let word = self.word(act, memory, address / 8).ok_or(Trap::OutOfBounds)?;
            *byte = word.to_le_bytes()[(address % 8) as usize];
        }
        Ok(bytes)
    }

    /// Stores at an address of a memory.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`, `OutOfBounds`.
    #[inline]
    pub(crate) fn store<const N: usize>(
        &mut self,
        act: &mut Activation,
        memory: u8,
        address: u64,
        value: [u8; N],
    ) -> Result<(), Trap> {
        if memory == MEMORY_DATA {
            return act.data.store(address, value).ok_or(Trap::OutOfBounds);
        }
        let memory = self.memory(act.process, memory.into(), Rights::WRITE)?;
        let content = self.content_mut(act, memory).ok_or(Trap::NoRight)?;
        content.store(address, value).ok_or(Trap::OutOfBounds)
    }

    /// `mempush`, and the word that `calltable` looks up.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`, `OutOfBounds`.
    pub(crate) fn mempush(&self, act: &Activation, memory: u64, index: u64) -> Result<u64, Trap> {
        let memory = self.memory(act.process, memory, Rights::READ)?;
        self.word(act, memory, index).ok_or(Trap::OutOfBounds)
    }

    /// `memwrite`.
    ///
    /// # Errors
    /// As [`Kernel::mempush`].
    pub(crate) fn memwrite(
        &mut self,
        act: &mut Activation,
        memory: u64,
        index: u64,
        value: u64,
    ) -> Result<(), Trap> {
        let memory = self.memory(act.process, memory, Rights::WRITE)?;
        let content = self.content_mut(act, memory).ok_or(Trap::NoRight)?;
        let address = index.checked_mul(8).ok_or(Trap::OutOfBounds)?;
        content.store(address, value.to_le_bytes()).ok_or(Trap::OutOfBounds)
    }

    /// `memlen` and `size`: words.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`.
    pub(crate) fn memlen(&self, act: &Activation, memory: u64) -> Result<u64, Trap> {
        Ok(self.length(act, self.memory(act.process, memory, Rights::READ)?))
    }

    /// `memresize`: one chunk.
    pub(crate) fn memresize(&mut self, act: &mut Activation) -> Step {
        let [number, wanted] = act.operands()?;
        let memory = self.memory(act.process, number, Rights::RESIZE)?;
        let (meter, growth_of) = match memory {
            Memory::Page(page, _) => (self.charged_to(page), None),
            _ => (self.running_meter(), Some(act.process)),
        };
        let resize = Resize { length: self.length(act, memory), wanted, unit: Unit::Word, meter, growth_of };
        let (target, done) = self.resize(act, &resize)?;
        if let Some(content) = self.content_mut(act, memory) {
            content.resize(target);
        }
        if let Some(process) = growth_of {
            self.arena.process_mut(process).data_words = target;
        }
        after_chunk(act, done, 2);
        act.reload(self)
    }

    /// One chunk of a change of length: checks, and pays; gives the new length, and whether it is the one wanted.
    ///
    /// # Errors
    /// `TooLarge`; `Gas`; `Words` if all that is still wanted cannot be paid. Nothing has changed then.
    pub(super) fn resize(&mut self, act: &mut Activation, resize: &Resize) -> Result<(u64, bool), Stop> {
        let &Resize { length, wanted, unit, meter, growth_of } = resize;
        // Check.
        let (most, words) = match unit {
            Unit::Word => (MEMORY_WORDS_MAX, 1),
            Unit::KeySlot => (KEYS_MAX, gas::KEY_SLOT_WORDS),
        };
        if wanted > most {
            return Err(Trap::TooLarge.into());
        }
        let target = wanted.clamp(length.saturating_sub(CHUNK_WORDS), length + CHUNK_WORDS);
        let moved = target.abs_diff(length);
        act.extra(match unit {
            Unit::Word => gas::per_eight(moved),
            Unit::KeySlot => gas::per_four(moved),
        })?;
        act.sync(self);
        let whole = wanted.saturating_sub(length) * words;
        if !self.can_charge(meter, whole) {
            return Err(Stop::Words { meter, amount: whole });
        }
        // Act.
        act.commit(self);
        match (target > length, growth_of) {
            (true, None) => self.charge(meter, moved * words)?,
            (true, Some(process)) => self.charge_growth(process, moved * words)?,
            (false, None) => self.credit(meter, moved * words),
            (false, Some(process)) => self.credit_growth(process, moved * words),
        }
        Ok((target, target == wanted))
    }

    /// `copy`: one chunk. Where the ranges overlap and the target is higher, the end goes first.
    pub(crate) fn copy(&mut self, act: &mut Activation, target: u8, source: u8) -> Step {
        // Check.
        let [to, from, count] = act.operands()?;
        let target = self.memory(act.process, target.into(), Rights::WRITE)?;
        let source = self.memory(act.process, source.into(), Rights::READ)?;
        inside(to, count, self.length(act, target))?;
        inside(from, count, self.length(act, source))?;
        let bytes = count.min(CHUNK_WORDS * 8);
        act.extra(gas::per_eight(gas::words_of_bytes(bytes)))?;
        // Act.
        let backwards = target == source && from < to && to - from < count;
        let (to_now, from_now) =
            if backwards { (to + count - bytes, from + count - bytes) } else { (to, from) };
        if target == source {
            let content = self.content_mut(act, target).ok_or(Trap::NoRight)?;
            content.copy_within(from_now, to_now, bytes).ok_or(Trap::OutOfBounds)?;
        } else {
            let moved = self.bytes(act, source, from_now, bytes)?;
            let content = self.content_mut(act, target).ok_or(Trap::NoRight)?;
            content.range_mut(to_now, bytes).ok_or(Trap::OutOfBounds)?.copy_from_slice(&moved);
        }
        if bytes == count {
            act.drop_operands(3);
        } else {
            act.drop_operands(3);
            let step = if backwards { 0 } else { bytes };
            act.push_unchecked(to + step);
            act.push_unchecked(from + step);
            act.push_unchecked(count - bytes);
            act.stay();
        }
        Ok(())
    }

    /// Bytes of any memory; the range is inside.
    fn bytes(&self, act: &Activation, memory: Memory, from: u64, count: u64) -> Result<Vec<u8>, Trap> {
        if let Some(content) = self.content(act, memory) {
            let start = usize::try_from(from).map_err(|_| Trap::OutOfBounds)?;
            let end = usize::try_from(from + count).map_err(|_| Trap::OutOfBounds)?;
            return content.bytes().get(start..end).map(<[u8]>::to_vec).ok_or(Trap::OutOfBounds);
        }
        (from..from + count)
            .map(|address| {
                let word = self.word(act, memory, address / 8).ok_or(Trap::OutOfBounds)?;
                Ok(word.to_le_bytes()[(address % 8) as usize])
            })
            .collect()
    }

    /// `fill`: one chunk.
    pub(crate) fn fill(&mut self, act: &mut Activation, memory: u8) -> Step {
        // Check.
        let [to, value, count] = act.operands()?;
        let memory = self.memory(act.process, memory.into(), Rights::WRITE)?;
        inside(to, count, self.length(act, memory))?;
        let bytes = count.min(CHUNK_WORDS * 8);
        act.extra(gas::per_eight(gas::words_of_bytes(bytes)))?;
        // Act.
        let content = self.content_mut(act, memory).ok_or(Trap::NoRight)?;
        content.range_mut(to, bytes).ok_or(Trap::OutOfBounds)?.fill(value.to_le_bytes()[0]);
        act.drop_operands(3);
        if bytes < count {
            act.push_unchecked(to + bytes);
            act.push_unchecked(value);
            act.push_unchecked(count - bytes);
            act.stay();
        }
        Ok(())
    }

    pub(crate) fn pagenew(&mut self, act: &mut Activation) -> Step {
        let [words] = act.operands()?;
        if words > CHUNK_WORDS {
            return Err(Trap::TooLarge.into());
        }
        act.extra(gas::per_eight(words))?;
        self.room_for_keys(act, 1)?;
        let meter = self.pay(act, gas::PAGE_WORDS + words)?;
        let mut content = Content::default();
        content.resize(words);
        let page = self.add(meter, Body::Data(Box::new(content)));
        let slot = self.append_key(act.process, Key::new(page, Rights::ALL));
        act.drop_operands(1);
        act.push_unchecked(slot);
        Ok(())
    }

    pub(crate) fn keypage(&mut self, act: &mut Activation) -> Step {
        let [slots] = act.operands()?;
        if slots > CHUNK_WORDS {
            return Err(Trap::TooLarge.into());
        }
        act.extra(gas::per_four(slots))?;
        self.room_for_keys(act, 1)?;
        let meter = self.pay(act, gas::PAGE_WORDS + slots * gas::KEY_SLOT_WORDS)?;
        let keys = vec![None; usize::try_from(slots).map_err(|_| Trap::TooLarge)?];
        let page = self.add(meter, Body::Keys(keys));
        let slot = self.append_key(act.process, Key::new(page, Rights::ALL));
        act.drop_operands(1);
        act.push_unchecked(slot);
        Ok(())
    }

    /// `pagesize`: words of a data or code page, slots of a key page.
    ///
    /// # Errors
    /// `NoSuchKey`, `WrongKind`, `NoRight`.
    pub(crate) fn pagesize(&self, process: Ref, slot: SlotNumber) -> Result<u64, Trap> {
        let key = self.use_key(process, slot, &[Kind::Data, Kind::Code, Kind::Keys], Rights::READ)?;
        Ok(match self.arena.body(key.object()) {
            Some(Body::Data(content)) => content.words(),
            Some(Body::Code(page)) => page.code.words().len() as u64,
            Some(Body::Keys(keys)) => keys.len() as u64,
            _ => 0,
        })
    }

    /// `keyresize`: one chunk.
    pub(crate) fn keyresize(&mut self, act: &mut Activation) -> Step {
        let [slot, wanted] = act.operands()?;
        let page = self.use_key(act.process, slot, &[Kind::Keys], Rights::RESIZE)?.object();
        let length = match self.arena.body(page) {
            Some(Body::Keys(keys)) => keys.len() as u64,
            _ => return Err(Trap::WrongKind.into()),
        };
        let meter = self.charged_to(page);
        let resize = Resize { length, wanted, unit: Unit::KeySlot, meter, growth_of: None };
        let (target, done) = self.resize(act, &resize)?;
        if let Some(Body::Keys(keys)) = self.arena.body_mut(page) {
            keys.resize(usize::try_from(target).map_err(|_| Trap::TooLarge)?, None);
            if target < length {
                shrink(keys);
            }
        }
        after_chunk(act, done, 2);
        act.reload(self)
    }
}

/// What a length is counted in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Word,
    KeySlot,
}

/// A length that is to change, and who pays for it.
#[derive(Debug)]
pub(super) struct Resize {
    pub(super) length: u64,
    pub(super) wanted: u64,
    pub(super) unit: Unit,
    /// The meter that must have the words.
    pub(super) meter: Ref,
    /// The process whose growth it is, if it is no page.
    pub(super) growth_of: Option<Ref>,
}

/// Ends an execution that went one chunk far.
fn after_chunk(act: &mut Activation, done: bool, operands: usize) {
    if done {
        act.drop_operands(operands);
    } else {
        act.stay();
    }
}

/// Checks that `count` bytes from `start` are inside a memory of `words` words.
fn inside(start: u64, count: u64, words: u64) -> Result<(), Trap> {
    match start.checked_add(count) {
        Some(end) if end <= words.saturating_mul(8) => Ok(()),
        _ => Err(Trap::OutOfBounds),
    }
}
