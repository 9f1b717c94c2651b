//! Seeded random programs and images for the tests of the laws.
//!
//! Everything follows from one seed: no clock, no address. [`program`] makes code that does something (and code that
//! does not), [`scene`] makes images around it, consistent ones, [`colony`] those of
//! processes in processes, [`small`] small ones, [`mutate`] changes them, and [`hostile`] spoils them field
//! by field.

pub mod assembly;
mod code;
pub mod colony;
pub mod hostile;
pub mod indices;
pub mod language;
mod lines;
pub mod mutate;
pub mod program;
pub mod scene;
pub mod small;

use keyvm_isa::alu::{random_below, random_next};
use keyvm_isa::image::{Body, Image, Object, Process};
use std::borrow::Cow;

/// The number that an environment variable gives, if it is set: how long a random test runs, and from which seed.
///
/// # Panics
/// If it is no number.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The seeded generator: SplitMix64, as the machine has it; at first, what bytes say.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// What is still to be given out before anything follows from the state, in order: the high 16 bits of words.
    tape: std::vec::IntoIter<u16>,
}

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give shifted copies of one sequence.
        Self { state: random_next(seed ^ 0x6b65_7976_6d21).1, tape: Vec::new().into_iter() }
    }

    /// The sequence that bytes say, two of them for each word: for a fuzzer that changes bytes and sees what comes of it.
    /// When there are no more, it is that of seed 0.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let (pairs, _) = bytes.as_chunks();
        let tape: Vec<u16> = pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
        Self { tape: tape.into_iter(), ..Self::new(0) }
    }

    /// The next word.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        if let Some(high) = self.tape.next() {
            // What is less than a range is taken from the high bits.
            return u64::from(high) << 48 | random_next(high.into()).1 >> 16;
        }
        let (state, random) = random_next(self.state);
        self.state = state;
        random
    }

    /// Less than `range`; 0 if that is 0.
    pub fn below(&mut self, range: u64) -> u64 {
        random_below(self.next(), range)
    }

    /// At least `low`, less than `high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low)
    }

    /// Less than `length`.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True `of` times in 100.
    pub fn percent(&mut self, of: u64) -> bool {
        self.below(100) < of
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// A word as programs meet them: small, near a power of two, a float, or anything.
    pub fn word(&mut self) -> u64 {
        match self.below(8) {
            0..4 => self.below(20),
            4 => (1u64 << self.below(64)).wrapping_add(self.below(3)).wrapping_sub(1),
            5 => self.below(20).wrapping_neg(),
            6 => ((self.below(2000) as f64 - 1000.0) / 8.0).to_bits(),
            _ => self.next(),
        }
    }
}

/// The image, owning all it holds.
pub fn own(image: &Image<'_>) -> Image<'static> {
    let body = |body: &Body<'_>| match body {
        Body::Data(bytes) => Body::Data(Cow::Owned(bytes.to_vec())),
        Body::Code(words) => Body::Code(Cow::Owned(words.to_vec())),
        Body::Keys(keys) => Body::Keys(keys.clone()),
        Body::Process(process) => Body::Process(Box::new(Process {
            stack: Cow::Owned(process.stack.to_vec()),
            frames: Cow::Owned(process.frames.to_vec()),
            data: Cow::Owned(process.data.to_vec()),
            keys: process.keys.clone(),
            ..**process
        })),
        Body::Meter(meter) => Body::Meter(meter.clone()),
        Body::CallMeter { callee, own_words } => Body::CallMeter { callee: *callee, own_words: *own_words },
        Body::Gate { parent } => Body::Gate { parent: *parent },
        Body::Brand => Body::Brand,
        Body::Host(name) => Body::Host(name.clone()),
    };
    Image {
        next_number: image.next_number,
        prime: image.prime,
        root: image.root,
        chain: image.chain.clone(),
        request: image.request.clone(),
        objects: image
            .objects
            .iter()
            .map(|object| Object { number: object.number, meter: object.meter, body: body(&object.body) })
            .collect(),
        debug: image.debug.clone().into_owned(),
    }
}
