//! What is written about the language elsewhere is true: the grammar in `docs/language.md`, and that for editors.

mod editors;
mod grammar;
pub(super) mod reference;
