//! The differential oracle: whether two engines run the same image to the same state, bit for bit, wherever the run is
//! cut; and random images to ask it about.
//!
//! A [`Pair`] is one image under two engines, taken step by step. It holds them against each other after every step,
//! and on the first difference gives a [`Divergence`] with all that repeats it. It knows machines by the trait
//! [`Subject`] only, so that the library it tests may use it, too.
#![forbid(unsafe_code)]

pub mod confinement;
mod cuts;
mod divergence;
mod pair;
mod panics;
pub mod random;
mod shrink;
mod subject;
#[cfg(test)]
mod tests;
mod uncut;

pub use cuts::{Course, Cut, at_each_point, at_random, replay};
pub use divergence::Divergence;
pub use pair::{Engines, Pair, Report, Step};
pub use panics::caught;
pub use shrink::{Case, shorten, shrink};
pub use subject::{Next, Observation, Subject};
pub use uncut::cuts_do_not_show;
