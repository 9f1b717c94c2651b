//! What is written about the language elsewhere is true: `docs/language.md`, `docs/library.md`, and the grammar for editors.

mod editors;
mod grammar;
mod names;
pub(super) mod reference;
