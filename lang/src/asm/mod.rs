//! The assembler and its inverse. `docs/assembly.md` describes the language.
//!
//! Assembling has four steps: `lex` makes tokens, `parse` (with its parts for code and for blocks) makes
//! of them what the text says (`ast`), `names` finds what names mean (those of every text are in `given`) and what
//! expressions and data are worth, `emit`, `emit_body` and `emit_code` make the image, and `debug` tells where it is from. All errors are worded in
//! `say`. A step goes on where it can, so that all that is wrong is found at once. Time and memory are in proportion
//! to the text, besides what it declares by its length alone, for which there is a limit.

mod ast;
mod data;
mod debug;
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

use crate::Diagnostics;
use keyvm_isa::image::Image;

pub use disasm::disassemble;
pub use disasm_code::Disassembly;
pub use emit::RANDOM_SEED;

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
    let (file, diagnostics) = parse::parse(source);
    let image = emit::emit(&file, diagnostics, None);
    image.map_err(|diagnostics| Diagnostics::of(source, diagnostics))
}

/// As [`assemble`]; besides, the image tells what the text calls its objects and labels, and which line of the file with
/// this name each instruction comes from.
///
/// # Errors
/// As [`assemble`].
///
/// ```
/// # use keyvm_lang::{Diagnostics, asm};
/// let image = asm::assemble_file("loop.kasm", "more: drop\n jump(:more)")?;
/// let debug = image.code_debug(2).expect("it is the code");
/// assert_eq!(debug.place(1).expect("it has two instructions").to_string(), "loop.kasm:2:2");
/// assert_eq!(debug.near(1).map(|label| label.name), Some("more"));
/// # Ok::<(), Diagnostics>(())
/// ```
pub fn assemble_file(name: &str, source: &str) -> Result<Image<'static>, Diagnostics> {
    let (file, diagnostics) = parse::parse(source);
    let image = emit::emit(&file, diagnostics, Some((name, source)));
    image.map_err(|diagnostics| Diagnostics::of(source, diagnostics))
}
