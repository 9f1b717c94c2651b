//! Services: processes with a meter of their own that call a function whenever they are asked.
//!
//! A service begins by a message that says where, with the keys that it keeps; it yields at once, and from then on whenever it
//! has an answer. It never returns: whoever asked it next would say where it begins. Who asks is not trusted: keys that come are dropped, of
//! words as many are taken as the function has parameters, and 0 for those that are missing.

use super::border::CALLEE_KEYS;
use super::func::{DATA, Frame, Shown};
use super::runtime;
use super::{CODE_KEY, Emitter, failure};
use crate::entish::hir::{Expr, FuncId, Type};
use crate::entish::say;
use keyvm_isa::Op;
use keyvm_isa::code::FuncType;
use keyvm_isa::layout::{MEMORY_META, meta};
use keyvm_isa::trap::Status;

/// Where in memory 2 the first slot is that the code does not name.
const FIRST: u64 = 84;

impl Emitter<'_> {
    /// `service(f, meter, keys…)`: leaves the key to the process.
    pub(super) fn service(&mut self, frame: &mut Frame, id: FuncId, keys: &[Expr]) {
        let place = self.code.place();
        let slots: Vec<u32> = keys
            .iter()
            .map(|key| {
                self.expr(frame, key);
                let slot = frame.slot();
                self.code.set(slot);
                slot
            })
            .collect();
        if let Some(place) = &place {
            self.code.at(place);
        }
        let needs = self.reach.needs_of(id);
        let sent = slots.len() - 1 + usize::from(needs.code);
        if let Some(place) = place
            && sent > CALLEE_KEYS
        {
            self.wrong.push((place.file, say::too_many_keys_across(&place.span, CALLEE_KEYS, sent)));
        }
        let process = frame.slot();
        self.create(needs.heap);
        self.code.tee(process);
        self.code.get(slots[0]);
        self.code.op(Op::Setmeter);
        let code = &mut self.code;
        let label = *self.services.entry(id).or_insert_with(|| code.label());
        self.code.push_entry(label);
        if needs.code {
            self.code.push(CODE_KEY);
        }
        for &key in &slots[1..] {
            self.code.get(key);
        }
        self.code.get(process);
        self.code.op2(Op::Invoke, 1, sent.min(CALLEE_KEYS) as u64);
        let [status, count] = [(); 2].map(|()| frame.slot());
        self.code.set(status);
        self.code.set(count);
        let is_ready = self.code.label();
        self.code.get(status);
        self.code.push(Status::Yielded.number().into());
        self.code.op(Op::Eq);
        self.code.to(Op::Jumpif, is_ready);
        self.drop_results(count, 0);
        self.end(process);
        let failure = self.failure(frame, vec![Shown::Slot(status), Shown::Word(failure::SANDBOX)]);
        self.code.to(Op::Jump, failure);
        self.code.put(is_ready);
        self.code.get(process);
        self.call_library(runtime::SETTLE);
        slots.into_iter().chain([process, status, count]).for_each(|slot| frame.give_back(slot));
    }

    /// Where a service begins that calls this function.
    pub(super) fn service_entry(&mut self, id: FuncId, label: super::Label) {
        let func = &self.program.funcs[id.0 as usize];
        let params = &func.locals[..func.params as usize];
        let kept = params.iter().take_while(|&&ty| self.is_key(ty)).count();
        let asked = (params.len() - kept) as u64;
        let needs = self.reach.needs_of(id);
        let [top, call] = [(); 2].map(|()| self.code.label());
        self.code.put(label);
        if needs.heap {
            self.prepare_memory();
        }
        let first = CODE_KEY + u64::from(needs.code);
        if kept > 0 {
            self.guard(needs.heap);
        }
        if needs.heap {
            // Each call names them by their slots, whatever the function before did to its variables.
            self.code.push(first + kept as u64);
            self.code.op2(Op::Store32at, DATA, FIRST);
        }
        self.code.op2(Op::Yield, 0, 0);
        self.code.put(top);
        self.drop_message_keys();
        self.fit_message(asked);
        self.code.to(Op::Call, call);
        self.code.op2(Op::Yield, func.results.len() as u64, 0);
        self.code.to(Op::Jump, top);
        // What takes the words that came, and puts the keys before them.
        self.code.put(call);
        let at = self.code.index();
        self.code.op(Op::Func);
        for key in (first..).take(kept) {
            self.code.push(key);
        }
        for (slot, ty) in (0..).zip(&params[kept..]) {
            self.code.get(slot);
            if matches!(self.program.types[ty.0 as usize], Type::Bool) {
                self.code.op(Op::Eqz);
                self.code.op(Op::Eqz);
            }
        }
        self.call(id);
        self.code.op(Op::Ret);
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let (arguments, results) = (count(params.len() - kept), count(func.results.len()));
        self.code.set_func(at, FuncType { arguments, results, locals: 0 });
    }

    /// Drops the keys that came with a message: the last of the key list.
    fn drop_message_keys(&mut self) {
        let [top, end] = [(); 2].map(|()| self.code.label());
        self.code.push(MEMORY_META.into());
        self.code.push(meta::MESSAGE_KEYS);
        self.code.op(Op::Mempush);
        self.code.put(top);
        self.code.op(Op::Dup);
        self.code.to(Op::Jumpz, end);
        self.code.op(Op::Numkeys);
        self.code.push(1);
        self.code.op(Op::Sub);
        self.code.op(Op::Keydrop);
        self.code.push(1);
        self.code.op(Op::Sub);
        self.code.to(Op::Jump, top);
        self.code.put(end);
        self.code.op(Op::Drop);
    }

    /// Leaves so many words of the message, which is all that there is on the stack.
    fn fit_message(&mut self, count: u64) {
        let [many, few, end] = [(); 3].map(|()| self.code.label());
        self.code.put(many);
        self.code.op(Op::Height);
        self.code.push(count);
        self.code.op(Op::Gt);
        self.code.to(Op::Jumpz, few);
        self.code.op(Op::Drop);
        self.code.to(Op::Jump, many);
        self.code.put(few);
        self.code.op(Op::Height);
        self.code.push(count);
        self.code.op(Op::Lt);
        self.code.to(Op::Jumpz, end);
        self.code.push(0);
        self.code.to(Op::Jump, few);
        self.code.put(end);
    }
}
