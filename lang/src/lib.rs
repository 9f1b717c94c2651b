//! What people write KeyVM programs in: the assembler and its inverse.
//!
//! Both are functions of their input alone: [`asm::assemble`] from text to an image or to everything that is
//! wrong with the text, [`asm::disassemble`] from an image to text that assembles to it. What is wrong is an error
//! with a list of [`Diagnostics`], which [`render`] shows to people with the lines of the text.
#![forbid(unsafe_code)]

pub mod asm;
mod diagnostic;
pub mod entish;
mod escape;
mod nearest;
mod positions;

pub use diagnostic::{Diagnostic, Diagnostics, Label, render};
pub use nearest::nearest;
