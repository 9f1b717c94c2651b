//! Machine code as text.

/// An instruction of the processor.
pub(super) struct Line {
    /// Its first byte, and how many it has.
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) text: String,
    /// Whether it jumps where a register says: a table of targets may stand behind it.
    pub(super) is_computed_jump: bool,
}

/// The first instruction of `bytes`, which lie at `offset`.
#[cfg(target_arch = "x86_64")]
pub(super) fn line(bytes: &[u8], offset: usize) -> Line {
    use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter, Mnemonic, OpKind};
    let mut decoder = Decoder::with_ip(64, bytes, offset as u64, DecoderOptions::NONE);
    let instruction = decoder.decode();
    let mut text = String::new();
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    formatter.options_mut().set_uppercase_hex(false);
    formatter.options_mut().set_show_branch_size(false);
    formatter.format(&instruction, &mut text);
    Line {
        offset,
        length: instruction.len().max(1),
        text,
        is_computed_jump: instruction.mnemonic() == Mnemonic::Jmp
            && instruction.op0_kind() == OpKind::Register,
    }
}

/// The first instruction of `bytes`, which lie at `offset`: as a number, where there is no disassembler.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn line(bytes: &[u8], offset: usize) -> Line {
    let length = bytes.len().min(4);
    let word = bytes[..length].iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    Line { offset, length, text: format!(".inst {word:#010x}"), is_computed_jump: false }
}
