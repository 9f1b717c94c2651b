//! What people write KeyVM programs in: the assembler and its inverse.
//!
//! Both are functions of their input alone: [`asm::assemble`] from text to an image or to everything that is
//! wrong with the text, [`asm::disassemble`] from an image to text that assembles to it. What is wrong is a
//! list of [`Diagnostic`]s, which [`render`] shows to people.
#![forbid(unsafe_code)]

pub mod asm;
mod diagnostic;

pub use diagnostic::{Diagnostic, Label, nearest, render};
