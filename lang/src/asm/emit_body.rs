//! Meters, processes, lists of keys: their fields to what they are in the image.

use super::ast::{CallExpr, DataBlock, Expr, KeyBlock, KeyExpr, MeterFields, ProcessFields};
use super::emit::{Emitter, RANDOM_SEED, Source};
use super::lex::Value;
use super::names::Scope;
use super::say;
use keyvm_isa::gas::{FRAMES_INCLUDED, KEYS_INCLUDED, STACK_INCLUDED, grown_capacity};
use keyvm_isa::image::{Frame, Key, Meter, Number, Process, Suspended};
use keyvm_isa::layout::{KEYS_MAX, STACK_MAXIMUM};
use keyvm_isa::{Rights, Status};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What an empty slot of a list of keys counts, in words, of what a text may imply.
const SLOT_WORDS: u64 = 4;

impl<'a, 's> Emitter<'a, 's> {
    pub(super) fn meter(&mut self, fields: &MeterFields<'s>) -> Meter {
        Meter {
            gas_used: self.number(fields.gas_used.as_ref(), 0),
            gas_limit: self.number(fields.gas_limit.as_ref(), u64::MAX),
            words_limit: self.number(fields.words_limit.as_ref(), u64::MAX),
            rent_used: self.long_number(fields.rent_used.as_ref(), 0),
            rent_limit: self.long_number(fields.rent_limit.as_ref(), u128::MAX),
            stopped: fields.stopped.is_some(),
            keeper: fields.keeper.as_ref().and_then(|key| self.key(key.as_ref())),
        }
    }

    pub(super) fn process(&mut self, number: Number, fields: &'a ProcessFields<'s>) -> Process<'static> {
        let main = self.first(|entity| matches!(entity.source, Source::Main));
        let code = self.object_or(fields.code.as_ref(), main);
        let code_entity = self.entities.iter().position(|entity| entity.number == code && code != 0);
        let new = Process::new(number, code);
        let stack_maximum = self.small_number(fields.stack_maximum.as_ref(), STACK_MAXIMUM);
        let stack = fields.stack.as_ref().map_or(Vec::new(), |block| self.words(block, code_entity));
        let frames: Vec<_> =
            fields.frames.iter().flatten().map(|frame| self.frame(frame, code_entity)).collect();
        let keys = match &fields.keys {
            Some(keys) => self.keys(keys, Some(Key::new(number, Rights::OWN))),
            None => vec![Some(Key::new(number, Rights::OWN))],
        };
        let stack_capacity = capacity(STACK_INCLUDED, stack.len(), stack_maximum);
        let frame_capacity = capacity(FRAMES_INCLUDED, frames.len(), stack_maximum / 2);
        let key_capacity = capacity(KEYS_INCLUDED, keys.len(), keys_max());
        Process {
            status: fields.status.unwrap_or(Status::Returned),
            index: self.number_in(fields.index.as_ref(), 0, code_entity),
            progress: self.number(fields.progress.as_ref(), 0),
            stack_capacity: self.small_number(fields.stack_capacity.as_ref(), stack_capacity),
            stack_maximum,
            frame_capacity: self.small_number(fields.frame_capacity.as_ref(), frame_capacity),
            key_capacity: self.small_number(fields.key_capacity.as_ref(), key_capacity),
            stack: Cow::Owned(stack),
            frames: Cow::Owned(frames),
            data: Cow::Owned(fields.data.as_ref().map_or(Vec::new(), |block| self.bytes(block, code_entity))),
            keys,
            random: self.number(fields.random.as_ref(), RANDOM_SEED),
            message_words: self.byte(fields.message_words.as_ref()),
            message_keys: self.byte(fields.message_keys.as_ref()),
            trap: fields.trap,
            amount: self.number(fields.amount.as_ref(), 0),
            standing: fields.standing.is_some(),
            stopped: fields.stopped.is_some(),
            keeper: fields.keeper.as_ref().and_then(|key| self.key(key.as_ref())),
            callee: self.object_or(fields.callee.as_ref(), 0),
            caller: self.object_or(fields.caller.as_ref(), 0),
            suspended: fields.suspended.as_ref().map(|call| match call {
                CallExpr::Invoke | CallExpr::Keeper => Suspended::Invoke,
                CallExpr::Recurse(amounts) => Suspended::Recurse {
                    gas: self.number(amounts.first(), 0),
                    words: self.number(amounts.get(1), 0),
                },
            }),
            gas_seen: self.number(fields.gas_seen.as_ref(), 0),
            words_seen: self.number(fields.words_seen.as_ref(), 0),
            ..new
        }
    }

    pub(super) fn frame(&mut self, numbers: &[Expr<'s>], code: Option<usize>) -> Frame {
        let mut part = |at: usize| {
            let number = self.number_in(numbers.get(at), 0, code);
            u32::try_from(number).unwrap_or_else(|_| {
                if let Some(expr) = numbers.get(at) {
                    self.names.report(say::out_of_range(&expr.span, number.into(), u32::MAX.into()));
                }
                0
            })
        };
        Frame { return_index: part(0), base: part(1), typ: part(2) }
    }

    // ---- Keys -------------------------------------------------------------------------------------------

    pub(super) fn key(&mut self, key: Option<&KeyExpr<'s>>) -> Option<Key> {
        let key = key?;
        Some(Key {
            object: self.object(&key.object),
            rights: key.rights,
            gate: self.object_or(key.gate.as_ref(), 0),
            seal: self.object_or(key.seal.as_ref(), 0),
        })
    }

    /// The keys of a list, whose first slot is `own` if the text does not say otherwise.
    pub(super) fn keys(&mut self, block: &KeyBlock<'s>, own: Option<Key>) -> Vec<Option<Key>> {
        let most =
            block.slots.as_ref().map(|slots| (slots, self.names.whole(slots, Scope::OUTSIDE, KEYS_MAX)));
        let mut filled: BTreeMap<u64, Option<Key>> = BTreeMap::new();
        for (slot, key) in &block.entries {
            let key = self.key(key.as_ref());
            let Some(index) = self.names.whole(slot, Scope::OUTSIDE, KEYS_MAX - 1) else {
                continue;
            };
            if let Some((_, Some(slots))) = most
                && index >= slots
            {
                self.names.report(say::slot_beyond(&slot.span, index, slots));
            } else if filled.insert(index, key).is_some() {
                self.names.report(say::slot_taken(&slot.span, index));
            }
        }
        if let Some(own) = own
            && !matches!(most, Some((_, Some(0))))
        {
            filled.entry(0).or_insert(Some(own));
        }
        let length = match most {
            Some((_, slots)) => slots.unwrap_or(0),
            None => filled.last_key_value().map_or(0, |(last, _)| last + 1),
        };
        let place =
            most.map(|(slots, _)| slots.span.clone()).or(block.entries.last().map(|e| e.0.span.clone()));
        let written = u64::try_from(filled.len()).unwrap_or(u64::MAX);
        if let Some(place) = place
            && !self.names.imply(length.saturating_sub(written) * SLOT_WORDS, &place)
        {
            return Vec::new();
        }
        let mut keys = vec![None; usize::try_from(length).unwrap_or(0)];
        for (slot, key) in filled {
            if let Some(place) = usize::try_from(slot).ok().and_then(|slot| keys.get_mut(slot)) {
                *place = key;
            }
        }
        keys
    }

    // ---- Numbers and data -------------------------------------------------------------------------------

    /// A word in a process that runs the code at this position, or in an object that is no process.
    pub(super) fn number_in(&mut self, expr: Option<&Expr<'s>>, default: u64, code: Option<usize>) -> u64 {
        let labels = code.map_or(&self.everywhere, |position| &self.entities[position].labels);
        expr.map_or(default, |expr| {
            self.names
                .word(expr, Scope { labels: Some(labels), slots: None, operand: false })
                .unwrap_or(default)
        })
    }

    /// A word; `none` is all ones.
    pub(super) fn number(&mut self, expr: Option<&Expr<'s>>, default: u64) -> u64 {
        match expr {
            None => default,
            Some(expr) if expr.only_name() == Some("none") => u64::MAX,
            Some(expr) => self.names.word(expr, Scope::OUTSIDE).unwrap_or(default),
        }
    }

    pub(super) fn long_number(&mut self, expr: Option<&Expr<'s>>, default: u128) -> u128 {
        match expr {
            None => default,
            Some(expr) if expr.only_name() == Some("none") => u128::MAX,
            Some(expr) => match self.names.eval(expr, Scope::OUTSIDE) {
                Some(Value::Whole(value)) => value.cast_unsigned(),
                Some(_) => {
                    self.names.report(say::not_whole(&expr.span));
                    default
                }
                None => default,
            },
        }
    }

    pub(super) fn small_number(&mut self, expr: Option<&Expr<'s>>, default: u32) -> u32 {
        let value = expr.and_then(|expr| self.names.whole(expr, Scope::OUTSIDE, u32::MAX.into()));
        value.and_then(|value| u32::try_from(value).ok()).unwrap_or(default)
    }

    pub(super) fn byte(&mut self, expr: Option<&Expr<'s>>) -> u8 {
        let value = expr.and_then(|expr| self.names.whole(expr, Scope::OUTSIDE, u8::MAX.into()));
        value.and_then(|value| u8::try_from(value).ok()).unwrap_or(0)
    }

    pub(super) fn bytes(&mut self, block: &'a DataBlock<'s>, code: Option<usize>) -> Vec<u8> {
        let labels = code.map_or(&self.everywhere, |position| &self.entities[position].labels);
        self.names.bytes(block, Scope { labels: Some(labels), slots: None, operand: false })
    }

    pub(super) fn words(&mut self, block: &'a DataBlock<'s>, code: Option<usize>) -> Vec<u64> {
        let bytes = self.bytes(block, code);
        bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word)).collect()
    }
}

/// The capacity of a list of this length, as the machine would have made it.
pub(crate) fn capacity(included: u32, length: usize, maximum: u32) -> u32 {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    grown_capacity(included, length, maximum).unwrap_or(length)
}

/// The greatest capacity of a key list.
pub(crate) fn keys_max() -> u32 {
    u32::try_from(KEYS_MAX).unwrap_or(u32::MAX)
}
