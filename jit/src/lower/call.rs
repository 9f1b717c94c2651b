//! Calls: of subroutines, and of the helper that executes an instruction.

use super::{Gas, REFUSED, REGISTER_ARGUMENTS, REGISTER_RESULTS, State, Unit, Val, signature};
use crate::arith::Class;
use crate::context::{Context, Exit, FRAME_SHIFT};
use crate::fault::Fault;
use crate::gas::Cost;
use crate::region::{Block, Edge};
use crate::values::Form;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::Variable;
use keyvm_isa::code::FuncType;
use keyvm_isa::image::Frame;
use keyvm_isa::{Insn, Op};
use std::mem::offset_of;

/// Where a call goes.
pub(super) enum Target {
    Direct(u32),
    /// Native code, which has the signature.
    Code(Value),
}

impl Unit<'_> {
    /// Calls a subroutine by the instruction at `index`; `before` are the operands before it.
    /// The gas that comes back is seen to be at least `next_cost`, what the next segment costs.
    pub(super) fn call(
        &mut self,
        index: u32,
        target: &Target,
        typ: FuncType,
        before: Vec<Val>,
        next_cost: u64,
    ) {
        let below = self.stack.len() - usize::from(typ.arguments);
        let mut returned = self.native_call(target, typ, below);
        if returned.len() > 2 && self.planted(Fault::ResultsSwapped) {
            returned.swap(1, 2);
        }
        let gas = returned[0];
        let results = usize::from(typ.results);
        if self.quick {
            self.settled_call(index, before.len(), &returned, below, results);
            return;
        }
        // One comparison sees both whether the callee left and whether there is gas to go on.
        let short = self.b.create_block();
        let left = self.b.create_block();
        let dry = self.b.create_block();
        for cold in [short, left, dry] {
            self.b.set_cold_block(cold);
        }
        let next = self.b.create_block();
        let next_cost = if self.planted(Fault::CallGas) { 0 } else { next_cost };
        let is_short = self.is_short(gas, next_cost.cast_signed());
        self.b.ins().brif(is_short, short, &[], next, &[]);
        self.go_on_in(short);
        let is_left = self.is_short(gas, 0);
        self.b.ins().brif(is_left, left, &[], dry, &[]);
        self.go_on_in(left);
        self.callee_left(index, gas, below, before);
        self.go_on_in(dry);
        let mut after = self.stack.clone();
        after.extend(returned[1..].iter().map(|&result| Val::word(result)));
        let settled = results.saturating_sub(REGISTER_RESULTS);
        let filler = returned[0];
        after.resize(below + results, Val::word(filler));
        let next_index = if self.planted(Fault::ExitIndex) { index } else { index + 1 };
        let state = State { settled, ..self.state(next_index, after, Gas::Value(gas, 0)) };
        self.leave(state, Exit::Gas);
        self.go_on_in(next);
        self.b.def_var(self.gas, gas);
        let mut memory = None;
        for result in 0..results {
            let value = if result < REGISTER_RESULTS {
                returned[1 + result]
            } else {
                let base = match memory {
                    Some(base) => base,
                    None => *memory.insert(self.operands_address()),
                };
                let offset = i32::try_from((below + result) * 8).expect("a unit's height is limited");
                self.b.ins().load(types::I64, self.operands, base, offset)
            };
            self.push_word(value);
        }
        self.reload_data();
        self.reaching.forget();
    }

    /// Makes a native call with the operands from `below` on. Gives what it gives.
    fn native_call(&mut self, target: &Target, typ: FuncType, below: usize) -> Vec<Value> {
        self.settle();
        let gas = self.give_gas();
        let operands: Vec<Val> = self.stack.split_off(below);
        let mut frames = i64::from(self.region.depth(self.inlined)) + 1;
        if self.planted(Fault::FrameUncounted) {
            frames -= 1;
        }
        let step = -((frames << FRAME_SHIFT) + i64::try_from(below).expect("a unit's height is limited"));
        let room = self.plus(self.room, step);
        let mut parameters = vec![gas, room];
        for &val in operands.iter().take(REGISTER_ARGUMENTS) {
            let val = if self.planted(Fault::NanArgument) { val.as_is() } else { val };
            let word = self.as_word(val);
            parameters.push(word);
        }
        if !self.quick {
            self.store_arguments(&operands, below);
        }
        let call = match *target {
            Target::Direct(callee) => {
                let callee = self.callees[&callee];
                self.b.ins().call(callee, &parameters)
            }
            Target::Code(code) => {
                let signature = self.b.import_signature(signature(typ));
                self.b.ins().call_indirect(signature, code, &parameters)
            }
        };
        self.b.inst_results(call).to_vec()
    }

    /// What quick code does after a call: all operands were settled before it.
    fn settled_call(&mut self, index: u32, height: usize, returned: &[Value], below: usize, results: usize) {
        let gas = returned[0];
        let is_left = self.has_not_returned(gas);
        let given_back = Gas::Context(self.word(Cost::one(1)));
        let stub = self.callee_stub(index, height, given_back);
        self.stub_if(is_left, stub);
        self.forget_read(below);
        self.hold(gas);
        self.reaching.forget();
        for result in 0..results {
            let val = match returned.get(1 + result) {
                Some(&value) => Val::word(value),
                None => Val::at_home(below + result),
            };
            self.stack.push(val);
        }
    }

    /// Keeps what an inlined beginning of a subroutine is given, for when it is called after all.
    pub(super) fn give(&mut self, edge: Edge) {
        let Edge::Block(block) = edge else { return };
        let Some(number) = self.region.blocks[block].inlined else { return };
        let call = self.region.inlined[number];
        if !call.beginning {
            return;
        }
        let (gas, arguments) = self.given(number);
        let left = self.gas_left();
        let value = self.gas_value(left);
        self.b.def_var(gas, value);
        for ((variable, form), slot) in arguments.into_iter().zip(call.base as usize..) {
            let value = self.in_form(self.stack[slot], form);
            self.b.def_var(variable, value);
        }
    }

    /// The variables for what an inlined beginning is given. Arguments are held as it has them.
    fn given(&mut self, number: usize) -> (Variable, Vec<(Variable, Form)>) {
        if let Some(given) = self.given.get(&number) {
            return given.clone();
        }
        let call = self.region.inlined[number];
        let begins = |block: &Block| block.inlined == Some(number) && block.index == call.callee;
        let entry = self.region.blocks.iter().position(begins);
        let forms = entry.map_or(&[] as &[Form], |entry| &self.forms[entry]);
        let arguments = forms.iter().skip(call.base as usize).take(call.typ.arguments.into());
        let arguments = arguments.map(|&form| {
            let typ = match form.class {
                Class::Word => types::I64,
                Class::F64 => types::F64,
                Class::F32 => types::F32,
            };
            (self.b.declare_var(typ), form)
        });
        let arguments = arguments.collect();
        let given = (self.b.declare_var(types::I64), arguments);
        self.given.insert(number, given.clone());
        given
    }

    /// Calls the subroutine whose beginning was inlined: nothing of that has happened.
    /// `owed` is what is to be owed at the end.
    pub(super) fn call_after_all(&mut self, edge: Edge, next_cost: u64, owed: i64) {
        let Some(number) = self.inlined else { return };
        let call = self.region.inlined[number];
        let (gas, arguments) = self.given(number);
        let gas = self.b.use_var(gas);
        if !self.planted(Fault::BeginningGas) {
            self.b.def_var(self.gas, gas);
        }
        self.owed = 0;
        self.stack.truncate(self.base);
        for (variable, form) in arguments {
            let value = self.b.use_var(variable);
            self.stack.push(Val::new(value, form));
        }
        self.inlined = call.caller;
        self.base = self.region.base(call.caller) as usize;
        if self.direct_call(call.callee, call.return_index - 1, next_cost) {
            self.owe(owed);
            self.go(edge);
        }
    }

    /// Puts arguments that have no register to where the callee's operands begin.
    fn store_arguments(&mut self, operands: &[Val], below: usize) {
        if operands.len() > REGISTER_ARGUMENTS && !self.planted(Fault::ArgumentsLost) {
            let base = self.operands_address();
            for (argument, &val) in operands.iter().enumerate().skip(REGISTER_ARGUMENTS) {
                self.store_operand(base, below + argument, val);
            }
        }
    }

    /// What a caller does whose callee has left: it writes its own state, and leaves too.
    fn callee_left(&mut self, index: u32, answer: Value, below: usize, before: Vec<Val>) {
        let refused = self.b.create_block();
        let left = self.b.create_block();
        self.b.set_cold_block(refused);
        self.b.set_cold_block(left);
        let is_refused = self.b.ins().icmp_imm_s(IntCC::Equal, answer, REFUSED);
        self.b.ins().brif(is_refused, refused, &[], left, &[]);
        self.go_on_in(left);
        let written = below.saturating_sub(self.planted(Fault::CallerOperand).into());
        self.write_back(&before[..written]);
        let frame = self.frame_address();
        let back = self.iconst(i64::from(index) + 1);
        let depth = self.region.depth(self.inlined) + 1;
        self.put_frame(frame, depth, back, offset_of!(Frame, return_index));
        let unwinding = self.unwinding(self.inlined);
        self.b.ins().jump(unwinding, &[]);
        // The call has not happened, so its gas goes back.
        self.go_on_in(refused);
        let given_back = if self.planted(Fault::RefusedGas) { 0 } else { 1 };
        let gas = Gas::Context(self.word(Cost::one(given_back)));
        let state = self.state(index, before, gas);
        self.leave(state, Exit::Room);
    }

    /// `ret`, in a native call.
    pub(super) fn return_native(&mut self, typ: FuncType, gas: Value) {
        let results = usize::from(typ.results);
        let mut operands = self.stack.split_off(self.stack.len() - results);
        if self.quick {
            self.load_all(&mut operands);
        }
        let mut returns = vec![gas];
        for &val in operands.iter().take(REGISTER_RESULTS) {
            let word = self.as_word(val);
            returns.push(word);
        }
        if results > REGISTER_RESULTS && !self.planted(Fault::ResultsLost) {
            let base = self.operands_address();
            for (result, &val) in operands.iter().enumerate().skip(REGISTER_RESULTS) {
                self.store_operand(base, result, val);
            }
        }
        self.b.ins().return_(&returns);
    }

    /// `tailcall`, in a native call.
    pub(super) fn tailcall(&mut self, target: &Target, typ: FuncType, gas: Value) {
        let mut arguments = self.stack.split_off(self.stack.len() - usize::from(typ.arguments));
        if self.quick {
            self.load_all(&mut arguments);
        }
        let mut parameters = vec![gas, self.room];
        for &val in arguments.iter().take(REGISTER_ARGUMENTS) {
            let word = self.as_word(val);
            parameters.push(word);
        }
        self.store_arguments(&arguments, 0);
        match *target {
            Target::Direct(callee) => self.b.ins().return_call(self.callees[&callee], &parameters),
            Target::Code(code) => {
                let signature = self.b.import_signature(signature(typ));
                self.b.ins().return_call_indirect(signature, code, &parameters)
            }
        };
    }

    /// The native code of the subroutine that an operand names, which must be of a type.
    pub(super) fn callee_at(&mut self, target: Value, typ: FuncType) -> Value {
        let length = self.iconst(self.code.len() as i64);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, target, length);
        self.leave_unless(inside, Exit::Check);
        let safe = if self.options.speculation_guards {
            let zero = self.iconst(0);
            self.b.ins().select_spectre_guard(inside, target, zero)
        } else {
            target
        };
        let table = self.get(offset_of!(Context, table));
        let offset = self.b.ins().ishl_imm_u(safe, 3);
        let entry = self.b.ins().iadd(table, offset);
        let code = self.b.ins().load(types::I64, self.ours, entry, 0);
        self.leave_unless(code, Exit::Callee);
        let header = crate::compile::HEADER_BYTES;
        let found = self.b.ins().load(types::I64, self.ours, code, -header);
        let wanted = self.iconst(crate::compile::type_word(typ).cast_signed());
        let same = self.b.ins().icmp(IntCC::Equal, found, wanted);
        if !self.planted(Fault::CalleeType) {
            self.leave_unless(same, Exit::Check);
        }
        code
    }

    /// Has an instruction executed by the interpreter, without leaving.
    pub(super) fn helper(&mut self, insn: &Insn, index: u32) {
        let info = insn.op.info();
        let height = self.stack.len();
        let below = height - usize::from(info.pops);
        let room = self.room_of(self.inlined);
        self.settle();
        let before = self.stack.clone();
        if below < height && !self.quick {
            let base = self.operands_address();
            for (slot, &val) in before.iter().enumerate().skip(below) {
                self.store_operand(base, slot, val);
            }
        }
        if !self.quick {
            let gas = self.b.use_var(self.gas);
            self.put(gas, offset_of!(Context, gas));
        }
        self.put(room, offset_of!(Context, room));
        let helper = self.get(offset_of!(Context, helper));
        let at = self.iconst(index.into());
        let operands = self.iconst((height - self.base) as i64);
        let context = self.context();
        let call = self.b.ins().call_indirect(self.helper, helper, &[context, at, operands]);
        let stopped = self.b.inst_results(call)[0];
        if self.quick {
            let stub = self.leaving_stub(index, height, Gas::Context(0), Exit::Helper);
            self.stub_if(stopped, stub);
        } else {
            let state = State { settled: height - below, ..self.state(index, before, Gas::Context(0)) };
            let leave = self.leaving_for(state, Exit::Helper);
            let next = self.b.create_block();
            self.b.ins().brif(stopped, leave, &[], next, &[]);
            self.go_on_in(next);
        }
        self.stack.truncate(below);
        self.forget_read(below);
        if self.quick {
            self.stack.extend((below..below + usize::from(info.pushes)).map(Val::at_home));
        } else if info.pushes > 0 {
            let base = self.operands_address();
            for slot in below..below + usize::from(info.pushes) {
                let offset = i32::try_from(slot * 8).expect("a unit's height is limited");
                let value = self.b.ins().load(types::I64, self.operands, base, offset);
                self.push_word(value);
            }
        }
        if !self.quick && !self.planted(Fault::HelperGas) {
            let gas = self.get(offset_of!(Context, gas));
            self.b.def_var(self.gas, gas);
        }
        if changes_views(insn.op) && !self.planted(Fault::ViewKept) {
            self.reload_data();
        }
        self.reaching.forget();
    }
}

/// Whether memories may lie elsewhere, or be longer or shorter, after an instruction.
const fn changes_views(op: Op) -> bool {
    !matches!(
        op,
        Op::Random
            | Op::Mempush
            | Op::Memlen
            | Op::Size
            | Op::Memsize
            | Op::Numkeys
            | Op::Keyinfo
            | Op::Keysame
            | Op::Pagesize
    )
}
