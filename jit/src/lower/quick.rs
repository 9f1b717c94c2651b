//! Where quick code begins, how it leaves, and where it keeps the gas.
//!
//! The gas is in the context all the time. What else an exit needs that is not a constant lies on the native stack, where
//! [stubs](crate::stub) find it. They all end at one place in the unit, the *landing*, where it returns. No value comes
//! there but what is made there.

use super::{Gas, Unit, Val};
use crate::context::{Context, EXTRA_SHIFT, Exit, FRAME_SHIFT, ROOM_GUARD};
use crate::fault::Fault;
use crate::region::Start;
use crate::stub::{LANDING, Leave, Stub, Stubs, TRAP, UNREACHED};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, InstBuilder, SourceLoc, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use std::mem::offset_of;

/// How many stubs are looked through for one that is the same.
const RECENT: usize = 4;

/// What the exits of quick code need.
pub(super) struct Kept {
    pub(super) stubs: Stubs,
    /// The present checkpoint: its index, the operands above the base, the gas.
    pub(super) checkpoint: (u32, usize, Gas),
    /// What has been added to the gas in the context since the unit's beginning in the order of its translation.
    pub(super) taken: i64,
    /// The gas in the context, where it has been written in the block.
    pub(super) gas: Option<Value>,
    /// Where the unit goes that finds too little room when it begins.
    refused: Option<ir::Block>,
    /// Blocks that only leave.
    exiting: Vec<(ir::Block, u32)>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            stubs: Stubs::default(),
            checkpoint: (0, 0, Gas::Context(0)),
            taken: 0,
            gas: None,
            refused: None,
            exiting: Vec::new(),
        }
    }
}

impl Unit<'_> {
    /// The gas, and what is beyond one for each instruction, as it was last taken off.
    pub(super) fn held(&mut self) -> Value {
        match self.kept.gas {
            Some(gas) => gas,
            None if self.quick => self.get(offset_of!(Context, gas)),
            None => self.b.use_var(self.gas),
        }
    }

    pub(super) fn hold(&mut self, gas: Value) {
        if self.quick {
            self.put(gas, offset_of!(Context, gas));
            self.kept.gas = Some(gas);
        } else {
            self.b.def_var(self.gas, gas);
        }
    }

    /// Whether a native call has not returned, by what it gives in place of gas.
    pub(super) fn has_not_returned(&mut self, gas: Value) -> Value {
        // Gas is the low half, which is never negative else.
        let sign = self.number(1 << (EXTRA_SHIFT - 1));
        self.b.ins().band(gas, sign)
    }

    /// All the gas that is left, to be given away.
    pub(super) fn give_gas(&mut self) -> Value {
        if !self.quick {
            self.owe(0);
        }
        let gas = self.held();
        let owed = std::mem::take(&mut self.owed);
        self.plus(gas, -owed)
    }

    /// The code before the first block.
    pub(super) fn begin_quick(&mut self, entry: ir::Block) {
        self.kept.stubs.calls = self.region.calls;
        if let Start::Call { number, .. } = self.region.start {
            self.kept.stubs.number = Some(number);
        }
        let params = self.b.block_params(entry).to_vec();
        let refused = self.b.create_block();
        let first = self.blocks[0];
        self.b.set_cold_block(refused);
        if let Start::Enter { .. } = self.region.start {
            let pinned = self.context();
            self.kept.stubs.pinned = Some(self.keep(pinned));
            self.b.ins().set_pinned_reg(params[0]);
        }
        self.context_at = Some(match self.region.start {
            Start::Call { .. } => self.context(),
            Start::Enter { .. } => params[0],
        });
        self.room = match self.region.start {
            Start::Call { .. } => params[1],
            Start::Enter { .. } => self.get(offset_of!(Context, room)),
        };
        self.kept.stubs.room = Some(self.keep(self.room));
        let base = self.operands_address();
        self.operands_at = Some(base);
        if let Start::Call { .. } = self.region.start {
            self.put(params[0], offset_of!(Context, gas));
            // They lie within what the caller has room for.
            for (slot, &word) in params[2..].iter().enumerate() {
                self.store_operand(base, slot, Val::word(word));
            }
        }
        if self.looks_for_native_stack() {
            let native = self.b.ins().get_stack_pointer(types::I64);
            let limit = self.get(offset_of!(Context, native_limit));
            let is_deep = self.b.ins().icmp(IntCC::UnsignedLessThan, native, limit);
            let (index, height) = self.beginning();
            let stub = self.leaving_stub(index, height, Gas::Context(0), Exit::Room);
            self.stub_if(is_deep, stub);
        }
        let need = self.asked_for as i64 + (i64::from(self.region.frames()) << FRAME_SHIFT);
        let left = self.plus(self.room, -need);
        let guard = self.iconst(ROOM_GUARD.cast_signed());
        let short = self.b.ins().band(left, guard);
        self.b.ins().brif(short, refused, &[], first, &[]);
        self.kept.refused = Some(refused);
    }

    /// Index and operands where the unit begins.
    fn beginning(&self) -> (u32, usize) {
        let first = &self.region.blocks[0];
        (first.index, first.height as usize)
    }

    /// Keeps a value where stubs find it.
    fn keep(&mut self, value: Value) -> StackSlot {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        self.b.ins().stack_store(types::I64, value, slot, 0);
        slot
    }

    fn stub(&mut self, stub: Stub) -> u32 {
        let sharing = self.planted(Fault::StubShared);
        let stubs = &mut self.kept.stubs.all;
        let recent = stubs.len().saturating_sub(RECENT);
        let number =
            match stubs[recent..].iter().position(|other| *other == stub || sharing && other.leaves_as(stub))
            {
                Some(at) => recent + at,
                None => {
                    stubs.push(stub);
                    stubs.len() - 1
                }
            };
        u32::try_from(number).expect("a unit's size is limited")
    }

    fn leave_with(&self, index: u32, height: usize, gas: Gas, why: Exit) -> Leave {
        let gas = match gas {
            Gas::Kept(more, taken) => more - (self.kept.taken - taken),
            Gas::Context(more) | Gas::Value(_, more) | Gas::Turns(_, more, ..) => more,
        };
        let height = u32::try_from(height).expect("a unit's height is limited");
        Leave { index, height, gas, why }
    }

    /// The stub that leaves at an index with so many operands, all settled.
    pub(super) fn leaving_stub(&mut self, index: u32, height: usize, gas: Gas, why: Exit) -> u32 {
        let leave = self.leave_with(index, height, gas, why);
        self.stub(Stub::Leave(leave))
    }

    /// The stub that leaves at the present checkpoint.
    pub(super) fn checkpoint_stub(&mut self, why: Exit) -> u32 {
        let (index, height, gas) = self.kept.checkpoint;
        self.leaving_stub(index, height, gas, why)
    }

    /// The stub for a call that has not returned.
    pub(super) fn callee_stub(&mut self, index: u32, height: usize, gas: Gas) -> u32 {
        let leave = self.leave_with(index, height, gas, Exit::Room);
        self.stub(Stub::Callee(leave))
    }

    /// Goes to a stub if a condition holds.
    pub(super) fn stub_if(&mut self, condition: Value, stub: u32) {
        let condition = self.tested(condition);
        self.b.set_srcloc(SourceLoc::new(stub));
        self.b.ins().trapnz(condition, TRAP);
        self.b.set_srcloc(SourceLoc::default());
    }

    /// Goes to a stub unless a condition holds.
    pub(super) fn stub_unless(&mut self, condition: Value, stub: u32) {
        let condition = self.tested(condition);
        self.b.set_srcloc(SourceLoc::new(stub));
        self.b.ins().trapz(condition, TRAP);
        self.b.set_srcloc(SourceLoc::default());
    }

    /// A condition that takes one jump: a comparison of floats may take two.
    fn tested(&mut self, condition: Value) -> Value {
        let dfg = &self.b.func.dfg;
        let made = dfg.value_def(condition).inst().map(|inst| dfg.insts[inst].opcode());
        if made == Some(ir::Opcode::Fcmp) {
            self.b.ins().icmp_imm_s(IntCC::NotEqual, condition, 0)
        } else {
            condition
        }
    }

    fn stub_surely(&mut self, stub: u32) {
        let surely = self.iconst(1);
        self.stub_if(surely, stub);
    }

    /// Goes to a stub.
    pub(super) fn stub_always(&mut self, stub: u32) {
        self.stub_surely(stub);
        self.b.ins().trap(UNREACHED);
    }

    /// Leaves, how having been said.
    pub(super) fn leave_as_said(&mut self) {
        let stub = self.stub(Stub::Said);
        self.stub_always(stub);
    }

    /// A block that leaves at an index, with the operands there are.
    pub(super) fn exit_block(&mut self, index: u32, gas: Gas) -> ir::Block {
        let stub = self.leaving_stub(index, self.stack.len(), gas, Exit::Edge);
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        self.kept.exiting.push((block, stub));
        block
    }

    /// Marks what has been written, not more than 8 bytes, if there are marks.
    pub(super) fn mark_by_stub(&mut self, memory: u8, from: Value, bytes: u64) {
        let marks = self.marks(memory);
        self.put(from, offset_of!(Context, written));
        let bytes = if self.planted(Fault::MarkLast) { 1 } else { bytes };
        let bytes = u8::try_from(bytes).expect("a word at most");
        let stub = self.stub(Stub::Mark { memory, bytes });
        self.stub_if(marks, stub);
    }

    /// Fills in the blocks that leave.
    pub(super) fn leave_quick(&mut self) {
        for (block, stub) in std::mem::take(&mut self.kept.exiting) {
            self.b.switch_to_block(block);
            self.stub_always(stub);
        }
        if let Some(refused) = self.kept.refused {
            self.land(refused);
        }
    }

    /// The block that a unit comes to that finds too little room when it begins, and the landing.
    fn land(&mut self, refused: ir::Block) {
        self.b.switch_to_block(refused);
        let (index, height) = self.beginning();
        let stub = self.leaving_stub(index, height, Gas::Context(0), Exit::Room);
        self.stub_surely(stub);
        // Nothing goes on here. Stubs come here, from anywhere: there are no values but those that are made here.
        self.b.set_srcloc(SourceLoc::new(LANDING));
        let Start::Call { typ, .. } = self.region.start else {
            self.b.ins().return_(&[]);
            return;
        };
        let context = self.b.ins().get_pinned_reg(types::I64);
        let offset = i32::try_from(offset_of!(Context, answer)).expect("a context is small");
        let answer = self.b.ins().load(types::I64, self.ours, context, offset);
        self.return_nothing(answer, typ);
    }
}
