//! Instructions as random programs are made of them.

use keyvm_isa::code::CodeParts;
use keyvm_isa::{Insn, Op};

/// Loads with an address on the operands, and how many bytes each looks at.
pub(super) const LOADS: [(Op, u64); 9] = [
    (Op::Load8, 1),
    (Op::Load8s, 1),
    (Op::Load8s32, 1),
    (Op::Load16, 2),
    (Op::Load16s, 2),
    (Op::Load16s32, 2),
    (Op::Load32, 4),
    (Op::Load32s, 4),
    (Op::Load64, 8),
];

/// Bytes that are far for a loop to go in one turn: of these, fewer turns or more are reached by one pointer of the compiler's.
pub(super) const FAR: [u64; 8] = [96, 200, 288, 296, 384, 600, 680, 1400];

/// Appends an instruction, and gives its index.
pub(super) fn emit(parts: &mut CodeParts, op: Op, imms: &[i64]) -> usize {
    parts.instructions.push(Insn::encode(op, imms).expect("the immediates fit"));
    parts.instructions.len() - 1
}

/// Makes the instruction at an index, whose only immediate is a target, go there.
pub(super) fn set_target(parts: &mut CodeParts, at: usize, target: i64) {
    let op = Insn::decode(parts.instructions[at]).expect("it was encoded").op;
    parts.instructions[at] = Insn::encode(op, &[target]).expect("a target fits");
}
