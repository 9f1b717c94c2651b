//! The one encoding of an object, and of what an image says besides its objects.
//!
//! The file's tables and the state hash are made of the same bytes; they differ only in what stands for bulk contents
//! (a data page's bytes, a process's data, a code page's words): [`Contents`]. Every number is little-endian and every
//! piece is a multiple of 8 bytes long. `docs/image-format.md` gives it byte by byte; [`super::decode`] is the inverse.

use super::hash::Hash;
use keyvm_isa::Rights;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{
    Body, Call, Frame, Image, Key, Link, Meter, Number, Object, Process, Request, Suspended,
};

/// What a table entry says of an object's bulk contents, after their length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// In a file: where they are, in bytes from the beginning of their section.
    At(u64),
    /// In a hash: their content root.
    Hashed(Hash),
}

/// What an image says besides its objects.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The number that the next object gets.
    pub next_number: Number,
    /// The prime meter.
    pub prime: Number,
    /// The root process.
    pub root: Number,
    /// The chain of calls that control is in.
    pub chain: &'a [Link],
    /// The host request that waits for its reply.
    pub request: Option<&'a Request>,
}

impl<'a> From<&'a Image<'_>> for Head<'a> {
    fn from(image: &'a Image<'_>) -> Self {
        // Named one by one, so that a new field does not build before it is hashed.
        let Image { next_number, prime, root, chain, request, objects: _, debug: _ } = image;
        Self { next_number: *next_number, prime: *prime, root: *root, chain, request: request.as_ref() }
    }
}

/// The numbers that kinds of objects have in an encoding.
pub(super) mod tag {
    pub(crate) const DATA: u64 = 1;
    pub(crate) const CODE: u64 = 2;
    pub(crate) const KEYS: u64 = 3;
    pub(crate) const PROCESS: u64 = 4;
    pub(crate) const METER: u64 = 5;
    pub(crate) const GATE: u64 = 6;
    pub(crate) const BRAND: u64 = 7;
    pub(crate) const HOST: u64 = 8;
    pub(crate) const CALL_METER: u64 = 9;
}

/// The numbers that ways of being called have in an encoding; 0 is none.
pub(super) mod called {
    pub(crate) const RECURSE: u8 = 1;
    pub(crate) const INVOKE: u8 = 2;
    pub(crate) const KEEPER: u8 = 3;
}

/// Appends the encoding of what an image says besides its objects.
pub fn encode_header(head: &Head<'_>, out: &mut Vec<u8>) {
    let mut out = Out(out);
    out.u64(head.next_number);
    out.u64(head.prime);
    out.u64(head.root);
    out.count(head.chain.len());
    for link in head.chain {
        out.u64(link.process);
        match link.call {
            Call::Recurse { meter, gas, words } => {
                out.u64(called::RECURSE.into());
                out.u64(meter);
                out.u64(gas);
                out.u64(words);
            }
            Call::Invoke => out.u64(called::INVOKE.into()),
            Call::Keeper => out.u64(called::KEEPER.into()),
        }
    }
    out.u64(head.request.is_some().into());
    if let Some(Request { host, words, keys }) = head.request {
        out.u64(*host);
        encode_list(words, encode_words, out.0);
        encode_list(keys, encode_keys, out.0);
    }
}

/// Appends the encoding of an object. `contents` matters only if it has bulk contents.
pub fn encode_object(object: &Object<'_>, contents: Contents, out: &mut Vec<u8>) {
    encode_head(object, contents, out);
    match &object.body {
        Body::Keys(keys) => encode_list(keys, encode_keys, out),
        Body::Process(process) => {
            encode_list(&process.stack, encode_words, out);
            encode_list(&process.frames, encode_frames, out);
            encode_list(&process.keys, encode_keys, out);
        }
        _ => {}
    }
}

fn encode_list<T>(items: &[T], encode: impl Fn(&[T], &mut Vec<u8>), out: &mut Vec<u8>) {
    encode_count(items.len(), out);
    encode(items, out);
}

/// Appends the encoding of an object up to its lists of operands, frames and keys.
pub(super) fn encode_head(object: &Object<'_>, contents: Contents, out: &mut Vec<u8>) {
    let Object { number, meter, body } = object;
    let mut out = Out(out);
    out.u64(*number);
    out.u64(*meter);
    match body {
        Body::Data(bytes) => {
            out.u64(tag::DATA);
            out.contents(bytes.len(), contents);
        }
        Body::Code(words) => {
            out.u64(tag::CODE);
            out.contents(words.len() * 8, contents);
        }
        Body::Keys(_) => out.u64(tag::KEYS),
        Body::Process(process) => {
            out.u64(tag::PROCESS);
            out.process(process, contents);
        }
        Body::Meter(meter) => {
            out.u64(tag::METER);
            out.meter(meter);
        }
        Body::CallMeter { callee, own_words } => {
            out.u64(tag::CALL_METER);
            out.u64(*callee);
            out.u64(*own_words);
        }
        Body::Gate { parent } => {
            out.u64(tag::GATE);
            out.u64(*parent);
        }
        Body::Brand => out.u64(tag::BRAND),
        Body::Host(name) => {
            out.u64(tag::HOST);
            out.bytes(name.as_bytes());
        }
    }
}

/// Appends what people are told of an image; nothing if there is nothing. Only a file has it, no hash.
pub(super) fn encode_debug(debug: &DebugInfo<'_>, out: &mut Vec<u8>) {
    if debug.is_empty() {
        return;
    }
    let mut out = Out(out);
    out.count(debug.names.len());
    for (number, name) in &debug.names {
        out.u64(*number);
        out.bytes(name.as_bytes());
    }
    out.count(debug.code.len());
    for (number, code) in &debug.code {
        out.u64(*number);
        out.bytes(code.bytes());
    }
}

/// Appends the number of items that begins a list.
pub(super) fn encode_count(count: usize, out: &mut Vec<u8>) {
    Out(out).count(count);
}

/// Appends items of a list of words.
pub(super) fn encode_words(words: &[u64], out: &mut Vec<u8>) {
    out.reserve(words.len() * 8);
    words.iter().for_each(|&word| Out(out).u64(word));
}

/// Appends items of a list of frames; if they are not the last, an even number.
pub(super) fn encode_frames(frames: &[Frame], out: &mut Vec<u8>) {
    let mut out = Out(out);
    for &Frame { return_index, base, typ } in frames {
        out.u32(return_index);
        out.u32(base);
        out.u32(typ);
    }
    out.fill();
}

/// Appends items of a list of keys.
pub(super) fn encode_keys(keys: &[Option<Key>], out: &mut Vec<u8>) {
    keys.iter().for_each(|&key| Out(out).key(key));
}

/// Where the bytes go.
struct Out<'a>(&'a mut Vec<u8>);

impl Out<'_> {
    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn u128(&mut self, value: u128) {
        self.0.extend(value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u64(count as u64);
    }

    /// Bytes with their length before them.
    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
        self.fill();
    }

    /// Zeros up to a multiple of 8; whatever was there before is one.
    fn fill(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
    }

    /// A null key takes as much room as any other, so that no list of keys takes much more in memory than in a file.
    fn key(&mut self, key: Option<Key>) {
        let none = Key::new(0, Rights::NONE);
        let Key { object, rights, gate, seal } = key.unwrap_or(none);
        self.u64(object);
        self.u64(rights.bits().into());
        self.u64(gate);
        self.u64(seal);
    }

    fn contents(&mut self, bytes: usize, contents: Contents) {
        self.count(bytes);
        match contents {
            Contents::At(offset) => self.u64(offset),
            Contents::Hashed(root) => self.0.extend(root.0),
        }
    }

    fn meter(&mut self, meter: &Meter) {
        let Meter { gas_used, gas_limit, words_limit, rent_used, rent_limit, stopped, keeper } = meter;
        self.u64(*gas_used);
        self.u64(*gas_limit);
        self.u64(*words_limit);
        self.u128(*rent_used);
        self.u128(*rent_limit);
        self.u64((*stopped).into());
        self.key(*keeper);
    }

    fn process(&mut self, process: &Process<'_>, contents: Contents) {
        // Named one by one, so that a new field does not build before it is encoded.
        let Process {
            code,
            status,
            index,
            progress,
            stack: _,
            stack_capacity,
            stack_maximum,
            frames: _,
            frame_capacity,
            data,
            keys: _,
            key_capacity,
            random,
            message_words,
            message_keys,
            trap,
            amount,
            standing,
            stopped,
            keeper,
            callee,
            caller,
            suspended,
            gas_seen,
            words_seen,
        } = process;
        let (suspended, suspended_gas, suspended_words) = match *suspended {
            None => (0, 0, 0),
            Some(Suspended::Recurse { gas, words }) => (called::RECURSE, gas, words),
            Some(Suspended::Invoke) => (called::INVOKE, 0, 0),
        };
        self.u64(*code);
        self.0.extend([
            status.number(),
            trap.map_or(0, |trap| trap.number()),
            *message_words,
            *message_keys,
            (*standing).into(),
            (*stopped).into(),
            suspended,
            0,
        ]);
        self.u64(*index);
        self.u64(*progress);
        self.u32(*stack_capacity);
        self.u32(*stack_maximum);
        self.u32(*frame_capacity);
        self.u32(*key_capacity);
        self.u64(*random);
        self.u64(*amount);
        self.u64(*callee);
        self.u64(*caller);
        self.u64(suspended_gas);
        self.u64(suspended_words);
        self.u64(*gas_seen);
        self.u64(*words_seen);
        self.key(*keeper);
        self.contents(data.len(), contents);
    }
}
