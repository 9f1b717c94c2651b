//! Services: processes with a meter of their own that have a function called whenever they are asked.
//!
//! A service begins by a message that says where, with the keys that it keeps; it yields at once, and from then on whenever it
//! has carried out a request. It never returns: whoever asked it next would say where it begins.
//!
//! A question comes in a page, whose key is the message, and the answer goes there too (`std/services.et`): so it is for
//! who asked, whoever it is that control comes back to. For each request the service makes a process, a *worker*, that takes the
//! question out of the page, calls the function and puts the answer there. If the worker traps or runs dry, that is the end of the
//! worker, and the service tells of it. It tells nothing else and keeps nothing of a request; but for a little gas, a worker has
//! all that the meter has.
//!
//! Who asks is not trusted: words, and keys but the first one, are dropped. Whatever somebody may destroy meanwhile only the worker
//! touches: the service itself never traps.

use super::border::CALLEE_KEYS;
use super::func::{DATA, Frame};
use super::runtime;
use super::{CODE_KEY, Emitter, Label};
use crate::entish::hir::{Expr, FuncId, Type};
use crate::entish::say;
use keyvm_isa::Op;
use keyvm_isa::gas::KEYS_INCLUDED;
use keyvm_isa::layout::{FIRST_KEY_MEMORY, MEMORY_META, meta};

/// Where in memory 2 the first slot is that the code does not name.
const FIRST: u64 = 84;

/// In the page of a question: its state, the answer, and the words of the question from there on.
const STATE: u64 = 0;
const ANSWER: u64 = 1;
pub(super) const QUESTION: u64 = 2;

/// States of a question; 0 before a worker has taken it.
const TAKEN: u64 = 1;
const ANSWERED: u64 = 2;

/// The status of a message that is no question.
const MALFORMED: u64 = 64;
/// Behind the status that a service tells, as many bits of it come what is known of that.
const TOLD_SHIFT: u64 = 8;

/// Gas that a service keeps for itself, so that it can tell how its worker ended.
const KEPT_GAS: u64 = 256;

/// The slots of a service's keys, and of its worker's.
struct Slots {
    /// How many keys the service keeps. Their slots begin at `FIRST_KEPT`.
    kept: u64,
    /// The page of the question.
    page: u64,
    /// Of the worker: the service, the first of the keys that that keeps, and the page.
    service: u64,
    first_of_worker: u64,
    page_of_worker: u64,
}

/// The operand of a service where the slot of its worker is as long as there is one. That is looked for nowhere else: behind the page
/// may be keys that somebody has put there who may `send`. `key_restart` reads it, too.
const WORKER: u32 = 0;

/// The slot of the first key that a service keeps.
const FIRST_KEPT: u64 = CODE_KEY + 1;

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
        // Those behind the meter's, and that to the code.
        let sent = slots.len();
        if let Some(place) = place
            && sent > CALLEE_KEYS
        {
            self.wrong.push((place.file, say::too_many_keys_across(&place.span, CALLEE_KEYS, sent)));
        }
        let process = frame.slot();
        self.create(false);
        self.code.tee(process);
        self.code.get(slots[0]);
        self.call_library(runtime::SERVICE_HANG);
        let code = &mut self.code;
        let label = *self.services.entry(id).or_insert_with(|| code.label());
        self.code.push_entry(label);
        self.code.push(CODE_KEY);
        for &key in &slots[1..] {
            self.code.get(key);
        }
        self.code.get(process);
        self.code.op2(Op::Invoke, 1, slots.len().min(CALLEE_KEYS) as u64);
        let [status, count, result] = [(); 3].map(|()| frame.slot());
        self.received(frame, [status, count, result]);
        for slot in [process, status, result] {
            self.code.get(slot);
        }
        self.call_library(runtime::SERVICE_BEGUN);
        slots.into_iter().chain([process, status, count, result]).for_each(|slot| frame.give_back(slot));
    }

    fn slots(&self, id: FuncId) -> Slots {
        let func = &self.program.funcs[id.0 as usize];
        let params = &func.locals[..func.params as usize];
        let kept = params.iter().take_while(|&&ty| self.is_key(ty)).count() as u64;
        // Behind the keys that it keeps is one that can do nothing, so that those that name nothing any more are not cut off.
        let page = FIRST_KEPT + kept + u64::from(kept > 0);
        let service = CODE_KEY + u64::from(self.reach.needs_of(id).code);
        let first_of_worker = service + 1;
        let page_of_worker = first_of_worker + kept;
        Slots { kept, page, service, first_of_worker, page_of_worker }
    }

    /// Where a service begins that has this function called, by workers that begin at `worker`.
    pub(super) fn service_entry(&mut self, id: FuncId, label: Label, worker: Label) {
        let slots = self.slots(id);
        let [top, refused, answer] = [(); 3].map(|()| self.code.label());
        self.code.put(label);
        // With the page and the worker.
        let keys = slots.page + 2;
        if keys > KEYS_INCLUDED.into() {
            self.code.push(keys);
            self.code.op(Op::Keyroom);
        }
        if slots.kept > 0 {
            self.guard(false);
        }
        self.code.op2(Op::Yield, 0, 0);

        self.code.put(top);
        self.cut(Op::Height, 0, |emitter| emitter.code.op(Op::Drop));
        self.cut_keys(slots.page + 1);
        self.code.op(Op::Numkeys);
        self.code.push(slots.page);
        self.code.op(Op::Gt);
        self.code.to(Op::Jumpz, refused);
        self.have_carried_out(id, &slots, worker);
        self.code.put(answer);
        self.cut_keys(slots.page);
        self.code.op2(Op::Yield, 1, 0);
        self.code.to(Op::Jump, top);
        self.code.put(refused);
        self.code.push(MALFORMED);
        self.code.to(Op::Jump, answer);
    }

    /// Makes a worker, calls it and destroys it; leaves how it ended.
    fn have_carried_out(&mut self, id: FuncId, slots: &Slots, worker: Label) {
        let needs = self.reach.needs_of(id);
        self.create(needs.heap);
        if slots.kept > 0 {
            // The bits of keys that name nothing any more.
            self.code.push(0);
            for (bit, key) in (0..slots.kept).map(|bit| (bit, FIRST_KEPT + bit)) {
                self.code.push(key);
                self.is_gone();
                self.code.push(bit);
                self.code.op(Op::Shl);
                self.code.op(Op::Or);
            }
        }
        self.code.push_entry(worker);
        if needs.code {
            self.code.push(CODE_KEY);
        }
        // Keys that somebody may destroy are not sent: the worker fetches them, and it is the worker that traps.
        self.code.push(0);
        self.code.get(WORKER);
        self.code.push(MEMORY_META.into());
        self.code.push(meta::GAS);
        self.code.op(Op::Mempush);
        self.code.op(Op::Dup);
        self.code.push(KEPT_GAS);
        self.code.op(Op::Sub);
        self.code.op(Op::Swap);
        self.code.push(0);
        self.code.op(Op::Swap);
        self.code.push(KEPT_GAS);
        self.code.op(Op::Gt);
        self.code.op(Op::Select);
        self.code.push(u64::MAX);
        self.code.op2(Op::Recurse, 1 + u64::from(slots.kept > 0), 1 + u64::from(needs.code));
        // Of the results the first is what is known: worker results… count status -> worker status | result << 8
        let is_known = self.code.label();
        self.code.op(Op::Swap);
        self.code.op(Op::Drop);
        self.cut(Op::Height, 3, |emitter| {
            emitter.code.op(Op::Swap);
            emitter.code.op(Op::Drop);
        });
        self.code.op(Op::Height);
        self.code.push(2);
        self.code.op(Op::Gt);
        self.code.to(Op::Jumpif, is_known);
        self.code.push(0);
        self.code.op(Op::Swap);
        self.code.put(is_known);
        self.code.op(Op::Swap);
        self.code.push(TOLD_SHIFT);
        self.code.op(Op::Shl);
        self.code.op(Op::Or);
        // Unless that has been done, by `restart`.
        let is_gone = self.code.label();
        self.code.get(WORKER);
        self.is_gone();
        self.code.to(Op::Jumpif, is_gone);
        self.code.get(WORKER);
        self.code.op(Op::Destroy);
        self.code.put(is_gone);
    }

    /// Whether a key names nothing any more.
    fn is_gone(&mut self) {
        self.kind_of_key();
        self.code.op(Op::Eqz);
    }

    /// Does this as long as there are more operands, or keys, than so many.
    fn cut(&mut self, number: Op, left: u64, step: impl Fn(&mut Self)) {
        let [top, end] = [(); 2].map(|()| self.code.label());
        self.code.put(top);
        self.code.op(number);
        self.code.push(left);
        self.code.op(Op::Gt);
        self.code.to(Op::Jumpz, end);
        step(self);
        self.code.to(Op::Jump, top);
        self.code.put(end);
    }

    /// Drops keys from the end of the key list until there are so many.
    fn cut_keys(&mut self, left: u64) {
        self.cut(Op::Numkeys, left, |emitter| {
            emitter.code.op(Op::Numkeys);
            emitter.code.push(1);
            emitter.code.op(Op::Sub);
            emitter.code.op(Op::Keydrop);
        });
    }

    /// Where a worker begins that calls this function.
    pub(super) fn worker_entry(&mut self, id: FuncId, label: Label) {
        let func = &self.program.funcs[id.0 as usize];
        let params = &func.locals[..func.params as usize];
        let needs = self.reach.needs_of(id);
        let slots = self.slots(id);
        let page = u64::from(FIRST_KEY_MEMORY) + slots.page_of_worker;
        self.code.put(label);
        if needs.heap {
            self.prepare_memory();
        }
        self.fetch_keys(&slots);
        self.guard(needs.heap);
        if needs.heap {
            // The code names the keys before the guard by their slots.
            self.code.push(slots.page_of_worker + 1);
            self.code.op2(Op::Store32at, DATA, FIRST);
        }
        for (word, value) in [(ANSWER, 0), (STATE, TAKEN)] {
            self.code.push(value);
            self.code.op2(Op::Store64at, page, word * 8);
        }
        for key in slots.first_of_worker..slots.page_of_worker {
            self.code.push(key);
        }
        let asked = usize::try_from(slots.kept).map_or(&params[..0], |kept| &params[kept..]);
        for (word, ty) in (QUESTION..).zip(asked) {
            self.asked_word(page, word);
            if matches!(self.program.types[ty.0 as usize], Type::Bool) {
                self.code.op(Op::Eqz);
                self.code.op(Op::Eqz);
            }
        }
        self.call(id);
        if func.results.is_empty() {
            self.code.push(0);
        }
        self.code.op2(Op::Store64at, page, ANSWER * 8);
        self.code.push(ANSWERED);
        self.code.op2(Op::Store64at, page, STATE * 8);
        self.code.op2(Op::Return, 0, 0);
    }

    /// Has a worker take from its service what that keeps, and the page, and forget the service. Of what names nothing any more
    /// the bits are set in the operand, if the service keeps any keys; that is null here too.
    fn fetch_keys(&mut self, slots: &Slots) {
        let gone = |emitter: &mut Self, bit: u64, is_there| {
            emitter.code.op(Op::Dup);
            emitter.code.push(1 << bit);
            emitter.code.op(Op::And);
            emitter.code.to(Op::Jumpz, is_there);
        };
        for bit in 0..slots.kept {
            let [is_there, end] = [(); 2].map(|()| self.code.label());
            gone(self, bit, is_there);
            self.powerless_key();
            self.code.to(Op::Jump, end);
            self.code.put(is_there);
            self.fetch_key(slots, FIRST_KEPT + bit);
            self.code.put(end);
            self.code.op(Op::Drop);
        }
        self.fetch_key(slots, slots.page);
        self.code.op(Op::Drop);
        for bit in 0..slots.kept {
            let is_there = self.code.label();
            gone(self, bit, is_there);
            self.code.push(slots.first_of_worker + bit);
            self.code.op(Op::Keydrop);
            self.code.put(is_there);
        }
        if slots.kept > 0 {
            self.code.op(Op::Drop);
        }
        self.code.push(slots.service);
        self.code.op(Op::Keydrop);
    }

    fn fetch_key(&mut self, slots: &Slots, key: u64) {
        self.code.push(slots.service);
        self.code.push(key);
        self.code.op(Op::Keyget);
    }

    /// Pushes a word of the question, or 0 if the page is not so long.
    fn asked_word(&mut self, page: u64, word: u64) {
        let [missing, end] = [(); 2].map(|()| self.code.label());
        self.code.push(word);
        self.code.op1(Op::Size, page);
        self.code.op(Op::Lt);
        self.code.to(Op::Jumpz, missing);
        self.code.op2(Op::Load64at, page, word * 8);
        self.code.to(Op::Jump, end);
        self.code.put(missing);
        self.code.push(0);
        self.code.put(end);
    }
}
