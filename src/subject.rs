//! Machines, as the differential oracle tests them.

use crate::{Engine, Event, Machine, Reply, image};
use keyvm_isa::alu::random_next;
use keyvm_isa::image::Image;
use keyvm_oracle::{Next, Observation, Subject};

impl Subject for Machine {
    type Engine = Engine;
    type Event = Event;

    fn take(image: &Image<'_>, engine: &Engine) -> Option<Self> {
        Self::with_engine(image, engine).ok()
    }

    fn load(file: &[u8], engine: &Engine) -> Option<Self> {
        Self::with_engine(&image::read(file).ok()?, engine).ok()
    }

    fn save(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A vector takes everything.
        let _ = image::write(&Self::image(self), &mut bytes);
        bytes
    }

    fn image(&mut self) -> Image<'_> {
        Self::image(self)
    }

    fn run(&mut self, slice: u64) -> Event {
        Self::run(self, slice)
    }

    fn next(event: &Event) -> Next {
        match event {
            Event::Paused => Next::Paused,
            Event::Request => Next::Answer,
            Event::OutOfGas(amount) => Next::Refuel(*amount),
            Event::Yielded(_) | Event::Returned(_) => Next::Run,
            _ => Next::Nothing,
        }
    }

    fn answer(&mut self, seed: u64) {
        self.reply(&match random_next(seed).1 % 8 {
            0 => Reply::refused(),
            1 => Reply::severed(),
            2 => Reply::words([]).with_keys(["clock".to_owned(), "net".to_owned()]),
            n => Reply::words((0..n).map(|word| seed + word)),
        });
    }

    fn set_gas_limit(&mut self, limit: u64) {
        Self::set_gas_limit(self, limit);
    }

    fn observe(&mut self) -> Observation {
        let budget = self.budget();
        Observation {
            gas: (budget.gas_used, budget.gas_limit),
            words: (budget.words_used, budget.words_limit),
            total_gas: self.total_gas(),
            instructions: self.instructions(),
            depth: self.depth(),
            objects: self.objects(),
        }
    }

    fn hash(&mut self) -> [u8; 32] {
        self.state_hash().0
    }

    fn frames(&mut self) -> usize {
        self.kernel.running().map_or(0, |process| self.kernel.arena.process(process).frames.len())
    }

    fn native_instructions(&self) -> u64 {
        self.run_stats().instructions
    }

    fn check(&mut self) -> Result<(), String> {
        if self.engine.has_panicked() {
            return Err("the thread that compiles has panicked".to_owned());
        }
        self.audit().map_err(|meter| format!("the books of meter {meter} do not balance"))
    }

    fn check_all(&mut self) -> Result<(), String> {
        Subject::check(self)?;
        let hash = self.state_hash();
        let image = Self::image(self);
        if hash != image::state_hash(&image) {
            return Err("the hash kept up is not the hash from scratch".to_owned());
        }
        let mut again = Self::new(&image).map_err(|error| format!("its own image is refused: {error}"))?;
        if again.image() != image {
            return Err("what comes out is not what went in".to_owned());
        }
        Ok(())
    }
}
