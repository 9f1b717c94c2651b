//! The differential oracle: whether two engines run the same image to the same state, bit for bit, wherever the run is
//! cut; and random images to ask it about.
//!
//! A [`Pair`] is one image under two engines, taken step by step. It holds them against each other after every step,
//! and on the first difference gives a [`Divergence`] with all that repeats it. It knows machines by the trait
//! [`Subject`] only, so that the library it tests may use it, too.
#![forbid(unsafe_code)]

mod divergence;
mod pair;
pub mod random;
mod shrink;
mod subject;
#[cfg(test)]
mod tests;

pub use divergence::Divergence;
pub use pair::{Cut, Engines, Pair, Report, Step, at_each_point, at_random, replay};
pub use shrink::shrink;
pub use subject::{Next, Observation, Subject};
