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

/// Who writes instructions.
pub(super) trait Emit {
    /// What has been written.
    fn parts(&mut self) -> &mut CodeParts;

    /// Appends an instruction, and gives its index.
    fn emit(&mut self, op: Op, imms: &[i64]) -> usize {
        let instructions = &mut self.parts().instructions;
        instructions.push(Insn::encode(op, imms).expect("the immediates fit"));
        instructions.len() - 1
    }

    /// Appends an instruction without immediates.
    fn op(&mut self, op: Op) {
        self.emit(op, &[]);
    }

    /// The index of the next instruction.
    fn here(&mut self) -> i64 {
        self.parts().instructions.len() as i64
    }

    /// Makes the instruction at an index, whose only immediate is a target, go to another.
    fn set_target(&mut self, at: usize, target: i64) {
        set_target(self.parts(), at, target);
    }

    /// Makes a jump go here.
    fn land(&mut self, at: usize) {
        let here = self.here();
        self.set_target(at, here);
    }
}

/// A word as the immediate of `push`, which has 56 bits.
pub(super) const fn short(word: u64) -> i64 {
    (word << 8).cast_signed() >> 8
}

/// Makes the instruction at an index, whose only immediate is a target, go there.
pub(super) fn set_target(parts: &mut CodeParts, at: usize, target: i64) {
    let op = Insn::decode(parts.instructions[at]).expect("it was encoded").op;
    parts.instructions[at] = Insn::encode(op, &[target]).expect("a target fits");
}
