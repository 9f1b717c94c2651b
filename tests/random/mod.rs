//! Seeded random images for the tests of the laws, and runs of them.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test program uses a part of this")]

use keyvm::image::{read, write};
use keyvm::isa::alu::random_next;
use keyvm::isa::image::Image;
use keyvm::{Event, Machine, Reply};
pub use keyvm_oracle::random::{Random, hostile, own, program, scene};
use scene::Shape;
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

/// A consistent image, which a machine was in after a random while: control may be deep in a chain, processes
/// suspended, a request pending.
pub fn snapshot(random: &mut Random) -> Image<'static> {
    let shape = Shape::random(random);
    let image = scene::scene(random, shape);
    let mut machine = Machine::new(&image).expect("scenes are consistent");
    for _ in 0..random.below(6) {
        let slice = random.pick(&[1, 30, 100, 300, 1000]);
        match machine.run(random.within(1, slice + 1)) {
            Event::Request if random.percent(70) => answer(&mut machine),
            _ => {}
        }
        if random.percent(10) {
            // Cut short by the prime meter.
            let used = machine.budget().gas_used;
            machine.set_gas_limit(used + random.below(20));
        }
    }
    own(&machine.image())
}
