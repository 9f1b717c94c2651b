//! The assembler and its inverse. `docs/assembly.md` describes the language.
//!
//! Assembling has four steps: `lex` makes tokens, `parse` (with its parts for code and for blocks) makes
//! of them what the text says (`ast`), `names` finds what names mean (those of every text are in `given`) and what
//! expressions and data are worth, and `emit`, `emit_body` and `emit_code` make the image. All errors are worded in
//! `say`. A step goes on where it can, so that all that is wrong is found at once. Time and memory are in proportion
//! to the text, besides what it declares by its length alone, for which there is a limit.

mod ast;
mod data;
mod disasm;
mod disasm_code;
mod emit;
mod emit_body;
mod emit_code;
mod given;
mod lex;
mod names;
mod parse;
mod parse_blocks;
mod parse_code;
mod parse_fields;
mod say;
mod source_map;

use crate::Diagnostics;
use keyvm_isa::image::Image;

pub use disasm::disassemble;
pub use disasm_code::Disassembly;
pub use emit::RANDOM_SEED;
pub use source_map::{SourceMap, SourcePlace};

/// Makes an image of a text.
///
/// What the text gives only the length of (`zero`, `words`, `slots` …) may be 2^24 words in all; an empty slot for a key
/// counts as four.
///
/// # Errors
/// Everything that is wrong with the text, in the order of the places.
///
/// ```
/// # use keyvm_lang::{Diagnostics, asm};
/// let image = asm::assemble("host console\n return 1 (add(20, 22))")?;
/// assert_eq!(image.root, 3);
/// let wrong = asm::assemble(" jump :nowhere").unwrap_err();
/// assert!(wrong.to_string().starts_with("1:7: there is no label `nowhere`"));
/// # Ok::<(), Diagnostics>(())
/// ```
pub fn assemble(source: &str) -> Result<Image<'static>, Diagnostics> {
    assemble_with_map(source).map(|(image, _)| image)
}

/// As [`assemble`], and tells besides where in the text each instruction comes from.
///
/// # Errors
/// As [`assemble`].
///
/// ```
/// # use keyvm_lang::{Diagnostics, asm};
/// let text = "more: drop\n jump(:more)";
/// let (image, map) = asm::assemble_with_map(text)?;
/// let code = image.objects[1].number;
/// let place = map.place(code, 1).expect("it has two instructions");
/// assert_eq!((&text[place.span], place.near), ("jump", Some(("more", 1))));
/// # Ok::<(), Diagnostics>(())
/// ```
pub fn assemble_with_map(source: &str) -> Result<(Image<'static>, SourceMap), Diagnostics> {
    let (file, diagnostics) = parse::parse(source);
    emit::emit(&file, diagnostics).map_err(|diagnostics| Diagnostics::of(source, diagnostics))
}
