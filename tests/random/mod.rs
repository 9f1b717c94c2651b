//! Seeded random programs and images for the tests of the laws.
//!
//! Everything follows from one seed: no clock, no address. [`program`] makes code that does something (and code that
//! does not), [`scene`] makes images around it, consistent ones, and [`hostile`] spoils them field by field.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of this")]

pub mod hostile;
pub mod program;
pub mod scene;

use keyvm::image::{read, write};
use keyvm::isa::alu::{random_below, random_next};
use keyvm::isa::image::{Body, Image, Object, Process};
use keyvm::{Event, Machine, Reply};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `test` and says which case it was if it panics.
pub fn naming<T>(case: impl Fn() -> String, test: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(test)).unwrap_or_else(|_| panic!("in {}", case()))
}

/// The seeded generator: SplitMix64, as the machine has it.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give shifted copies of one sequence.
        Self(random_next(seed ^ 0x6b65_7976_6d21).1)
    }

    pub fn next(&mut self) -> u64 {
        let (state, random) = random_next(self.0);
        self.0 = state;
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

    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True `of` times in 100.
    pub fn percent(&mut self, of: u64) -> bool {
        self.below(100) < of
    }

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
    }
}

/// The file of an image.
pub fn file(image: &Image<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(image, &mut bytes).expect("a vector takes everything");
    bytes
}

/// The machine, saved to a file and loaded again.
pub fn reloaded(machine: &mut Machine) -> Machine {
    let bytes = file(&machine.image());
    let image = read(&bytes).expect("what was written is read");
    Machine::new(&image).expect("what a machine gives out it takes in")
}

/// Answers a pending request, as a function of the image's own count of gas: the same at the same point of a run.
pub fn answer(machine: &mut Machine) {
    let at = machine.budget().gas_used;
    machine.reply(&match random_next(at).1 % 8 {
        0 => Reply::refused(),
        1 => Reply::severed(),
        2 => Reply::words([]).with_keys(["clock".to_owned(), "net".to_owned()]),
        n => Reply::words((0..n).map(|i| at + i)),
    });
}

/// Whether the host can do nothing more by running again.
pub fn is_final(event: &Event) -> bool {
    !matches!(event, Event::Yielded(_) | Event::Returned(_) | Event::Request | Event::Paused)
}

/// A run: what came out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// All events but pauses, in order.
    pub events: Vec<Event>,
    /// Gas counted by the prime meter in the run.
    pub gas: u64,
}

/// Runs for at most `gas` gas and `calls` events, in pieces that `slice` gives and with `between` called after each
/// piece; requests are answered. A piece too small for the next instruction is doubled, so the machine stops where it
/// would have stopped in one piece.
pub fn drive(
    machine: &mut Machine,
    gas: u64,
    calls: usize,
    mut slice: impl FnMut() -> u64,
    mut between: impl FnMut(&mut Machine, &Event),
) -> Outcome {
    let start = machine.budget().gas_used;
    let mut events = Vec::new();
    let mut used = 0;
    let mut least = 1;
    loop {
        let left = gas - used;
        let piece = slice().max(least).min(left);
        let event = machine.run(piece);
        let now = machine.budget().gas_used - start;
        least = if event == Event::Paused && now == used { piece.saturating_mul(2) } else { 1 };
        used = now;
        between(machine, &event);
        match event {
            Event::Paused if piece == left => break,
            Event::Paused => continue,
            Event::Request => answer(machine),
            _ => {}
        }
        let last = is_final(&event);
        events.push(event);
        if last || events.len() >= calls {
            break;
        }
    }
    Outcome { events, gas: used }
}
