//! Seeded random images for the tests of the laws, and runs of them.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test program uses a part of this")]

pub use keyvm::fuzz::{answer, snapshot};
use keyvm::image::{read, write};
use keyvm::isa::image::Image;
use keyvm::{Event, Machine};
pub use keyvm_oracle::random::{Random, hostile, own, program, scene};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `test` and says which case it was if it panics.
pub fn naming<T>(case: impl Fn() -> String, test: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(test)).unwrap_or_else(|_| panic!("in {}", case()))
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
