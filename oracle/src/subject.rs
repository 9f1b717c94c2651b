//! What is tested.

use keyvm_isa::image::Image;
use std::fmt::Debug;

/// What the host can do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The slice is used up.
    Paused,
    /// A host call waits for its answer.
    Answer,
    /// Raise the limit of gas to this much more, and run again.
    Refuel(u64),
    /// Run again.
    Run,
    /// Nothing: running again gives the same.
    Nothing,
}

/// What can be seen of a machine from outside at no cost. Two engines may not differ in any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The prime meter's gas: used and limit.
    pub gas: (u64, u64),
    /// The prime meter's words: used and limit.
    pub words: (u64, u64),
    /// Gas since it was loaded.
    pub total_gas: u64,
    /// Instructions since it was loaded.
    pub instructions: u64,
    /// Calls deep.
    pub depth: usize,
    /// Living objects.
    pub objects: u64,
}

/// A machine, as the oracle needs it.
pub trait Subject: Sized {
    /// What runs it.
    type Engine;
    /// Why it came back.
    type Event: Clone + PartialEq + Debug;

    /// Takes an image in, to be run by an engine. `None` if it is refused.
    fn take(image: &Image<'_>, engine: &Self::Engine) -> Option<Self>;
    /// As [`Subject::take`], from a file that [`Subject::save`] gave.
    fn load(file: &[u8], engine: &Self::Engine) -> Option<Self>;
    /// Its image's file.
    fn save(&mut self) -> Vec<u8>;
    /// Its image.
    fn image(&mut self) -> Image<'_>;
    /// Runs for a slice.
    fn run(&mut self, slice: u64) -> Self::Event;
    /// What to do after an event.
    fn next(event: &Self::Event) -> Next;
    /// Answers a request, as a function of `seed` only.
    fn answer(&mut self, seed: u64);
    /// Sets the prime meter's limit of gas.
    fn set_gas_limit(&mut self, limit: u64);
    /// What can be seen of it.
    fn observe(&mut self) -> Observation;
    /// The canonical hash of its state.
    fn hash(&mut self) -> [u8; 32];
    /// Subroutine calls open in the process that runs.
    fn frames(&mut self) -> usize;
    /// Instructions that ran natively since it was loaded.
    fn native_instructions(&self) -> u64;
    /// What must hold of it at any stop, whatever runs it: as often looked at as it is observed.
    ///
    /// # Errors
    /// What does not hold.
    fn check(&mut self) -> Result<(), String> {
        Ok(())
    }
    /// As [`Subject::check`], where that takes longer: looked at when it is saved.
    ///
    /// # Errors
    /// What does not hold.
    fn check_all(&mut self) -> Result<(), String> {
        self.check()
    }
}
