//! Room for operands where there may be too little.

use super::Unit;
use crate::context::{Exit, ROOM_GUARD};
use crate::region::Block;
use crate::values::{counts, shuffle};
use cranelift_codegen::ir::InstBuilder;
use keyvm_isa::{Code, Insn};

/// Operands above the unit's base at most while a block runs, in an inlined call with its base there.
pub(super) fn most(code: &Code, base: usize, block: &Block) -> usize {
    let mut stack = vec![(); block.height as usize];
    let mut most = stack.len();
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        if !shuffle(&mut stack, base, &insn) {
            let (pops, pushes) = counts(code, &insn);
            stack.resize(stack.len() - pops + pushes, ());
        }
        most = most.max(stack.len());
    }
    most
}

impl Unit<'_> {
    /// Leaves where a block begins that has more operands than the unit asked room for, if there is no room for them: the
    /// interpreter then comes to where it has to be made, unless something stops it before.
    pub(super) fn see_room(&mut self, block: &Block) {
        if self.asked_for == self.region.height as usize {
            return;
        }
        let need = most(self.code, self.base, block);
        if need > self.asked_for {
            let left = self.plus(self.room, -(need as i64));
            let guard = self.iconst(ROOM_GUARD.cast_signed());
            let short = self.b.ins().band(left, guard);
            self.leave_if(short, Exit::Room);
        }
    }
}
