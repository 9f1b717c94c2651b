//! The kernel's objects as plain data.

use super::Kernel;
use super::arena::Slot;
use super::control::LinkCall;
use super::key::Key;
use super::object::{Body, Process};
use crate::image::Head;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{self, Call, Image, Number};
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Kernel {
    /// The state as an image, borrowing its contents. The running process must be parked.
    pub(crate) fn export(&mut self) -> Image<'_> {
        self.book();
        self.arena.reclaim_all();
        let mut slots: Vec<&Slot> = self.arena.iter().map(|(_, slot)| slot).collect();
        slots.sort_unstable_by_key(|slot| slot.number);
        Image {
            next_number: self.next_number,
            prime: self.prime.number,
            root: self.root.number,
            chain: self.portable_chain(),
            request: self.portable_request(),
            objects: slots.into_iter().map(|slot| self.portable_object(slot)).collect(),
            debug: DebugInfo::default(),
        }
    }

    /// Takes what is in the memories of the living objects out of them, by the objects' numbers. They are empty then, while
    /// the books count their words still: nothing can run any more.
    pub(crate) fn take_contents(&mut self) -> BTreeMap<Number, Vec<u8>> {
        self.book();
        self.arena.reclaim_all();
        let living: Vec<u32> = self.arena.iter().map(|(at, _)| at.slot).collect();
        let mut contents = BTreeMap::new();
        for slot in living {
            let Some(slot) = self.arena.at_unmarked(slot) else { continue };
            let content = match &mut slot.body {
                Body::Data(content) => std::mem::take(&mut **content),
                Body::Process(process) => std::mem::take(&mut process.data),
                _ => continue,
            };
            contents.insert(slot.number, content.into_bytes());
        }
        contents
    }

    pub(super) fn head<'a>(&self, chain: &'a [image::Link], request: Option<&'a image::Request>) -> Head<'a> {
        Head {
            next_number: self.next_number,
            prime: self.prime.number,
            root: self.root.number,
            chain,
            request,
        }
    }

    pub(super) fn portable_chain(&self) -> Vec<image::Link> {
        self.chain
            .iter()
            .map(|link| image::Link {
                process: link.process.number,
                call: match link.call {
                    LinkCall::Recurse => {
                        Call::Recurse { meter: link.meter.number, gas: link.gas, words: link.words }
                    }
                    LinkCall::Invoke => Call::Invoke,
                    LinkCall::Keeper => Call::Keeper,
                },
            })
            .collect()
    }

    pub(super) fn portable_request(&self) -> Option<image::Request> {
        self.request.as_ref().map(|request| image::Request {
            host: request.host.number,
            words: request.words.clone(),
            keys: request.keys.iter().map(|key| key.as_ref().map(portable_key)).collect(),
        })
    }

    pub(super) fn portable_object<'a>(&self, slot: &'a Slot) -> image::Object<'a> {
        let mut object = portable_head(slot);
        match (&mut object.body, &slot.body) {
            (image::Body::Keys(list), Body::Keys(keys)) => *list = portable_keys(keys),
            (image::Body::Process(image), Body::Process(process)) => {
                image.stack = Cow::Borrowed(process.operands());
                image.frames = Cow::Borrowed(&process.frames);
                image.keys = portable_keys(&process.keys);
            }
            _ => {}
        }
        object
    }
}

/// An object with its lists of operands, frames and keys left empty.
pub(super) fn portable_head(slot: &Slot) -> image::Object<'_> {
    let body = match &slot.body {
        Body::Data(content) => image::Body::Data(Cow::Borrowed(content.bytes())),
        Body::Code(page) => image::Body::Code(Cow::Borrowed(page.code.words())),
        Body::Keys(_) => image::Body::Keys(Vec::new()),
        Body::Process(process) => image::Body::Process(Box::new(process_head(process))),
        Body::Meter(meter) => image::Body::Meter(Box::new(image::Meter {
            gas_used: meter.gas_used,
            gas_limit: meter.gas_limit,
            words_limit: meter.words_limit,
            rent_used: meter.rent_used,
            rent_limit: meter.rent_limit,
            stopped: meter.stopped,
            keeper: meter.keeper.as_ref().map(portable_key),
        })),
        Body::CallMeter(call) => {
            image::Body::CallMeter { callee: call.callee.number, own_words: call.own_words }
        }
        Body::Gate { parent } => image::Body::Gate { parent: parent.number },
        Body::Brand => image::Body::Brand,
        Body::Host(name) => image::Body::Host(name.to_string()),
    };
    image::Object { number: slot.number, meter: slot.meter.number, body }
}

fn portable_key(key: &Key) -> image::Key {
    image::Key {
        object: key.object().number,
        rights: key.rights,
        gate: key.gate().number,
        seal: key.seal().number,
    }
}

pub(super) fn portable_keys(keys: &[Option<Key>]) -> Vec<Option<image::Key>> {
    keys.iter().map(|key| key.as_ref().map(portable_key)).collect()
}

fn process_head(process: &Process) -> image::Process<'_> {
    image::Process {
        code: process.code.number,
        status: process.status,
        index: process.index,
        progress: process.progress,
        stack: Cow::Borrowed(&[]),
        stack_capacity: process.stack_capacity,
        stack_maximum: process.stack_maximum,
        frames: Cow::Borrowed(&[]),
        frame_capacity: process.frame_capacity,
        data: Cow::Borrowed(process.data.bytes()),
        keys: Vec::new(),
        key_capacity: process.key_capacity,
        random: process.random,
        message_words: process.message_words,
        message_keys: process.message_keys,
        trap: process.trap,
        amount: process.amount,
        standing: process.standing,
        stopped: process.stopped,
        keeper: process.keeper.as_deref().map(portable_key),
        callee: process.callee.number,
        // In the chain, that is the process below.
        caller: if process.suspended.is_some() { process.caller.number } else { 0 },
        suspended: process.suspended.as_deref().copied(),
        gas_seen: process.gas_seen,
        words_seen: process.words_seen,
    }
}
