//! The borders of sandboxes: calls across them, and how a callee begins.
//!
//! A callee's message is its arguments as words, and last where it begins: the index, or, where all are known and few, a
//! number by which a `switch` finds it, so that the compiler sees where code goes on. Its keys are, as far as there are any:
//! the one to the code, the one to a page, and the arguments that are keys. In that order they are its keys from 1 on, so that
//! the callee knows where they are.
//!
//! Where an argument is an object (a text, a list, …), there are no words, and the page holds a struct with all arguments
//! as its fields. Results likewise. Which of two ways it is packed in depends on the types: what can share nothing needs no
//! look at what is shared.
//!
//! A callee is not believed. What it gives is compared with what it ought to give (how many words, how many keys, what is in
//! the page); where that differs it counts as if it had not returned. Only what cannot differ is not looked at: a process
//! that calls no function that is a value runs the code that it was compiled to, and no other.

use super::code::Label;
use super::expr::Slot;
use super::func::{DATA, Frame, Shown, field_offset};
use super::reach;
use super::reach::Needs;
use super::runtime;
use super::{CODE_KEY, Emitter, failure};
use crate::entish::hir::{Callee, Expr, ExprKind, FuncId, Outcome, Place, Sandbox, Type, TypeId};
use crate::entish::say;
use keyvm_isa::layout::{CHUNK_WORDS, MEMORY_CODE, MEMORY_DATA, MEMORY_META, MESSAGE_WORDS_MAX, meta};
use keyvm_isa::{Op, Rights};

/// How a job's value comes, whether it returns one, and whether it yields; `std/border.et` knows these.
const AS_WORD: u64 = 1;
const IN_PAGE: u64 = 2;
const RETURNS: u64 = 4;
const YIELDS: u64 = 8;
/// It comes in a page that `std/flat.et` reads.
const FLAT: u64 = 16;

/// Beginnings of sandboxed calls that are numbered at most: what runs a callee compiles all that are.
const NUMBERED_MAX: usize = 8;

/// Where in memory 2 the slot of the guard is.
const GUARD: u64 = 80;

/// So many keys a callee has room for, besides its own.
pub(super) const CALLEE_KEYS: usize = 7;

impl Emitter<'_> {
    /// Index 0: the first main program, or what a message says; behind it the others. Gives where each begins.
    pub(super) fn start(&mut self, mains: &[FuncId]) -> Vec<u32> {
        let program = self.program;
        let first = self.code.label();
        let mut starts = Vec::new();
        for (number, &main) in mains.iter().enumerate() {
            self.code.at(&program.funcs[main.0 as usize].place);
            starts.push(self.code.index());
            if number == 0 {
                self.code.op(Op::Height);
                self.code.to(Op::Jumpz, first);
                self.jumpto = Some(self.code.index());
                self.code.op(Op::Jumpto);
                self.code.put(first);
            }
            self.call(main);
            self.code.op(Op::Halt);
        }
        starts
    }

    /// When all sandboxed calls have been made: decides how they are told where they begin.
    pub(super) fn settle_entries(&mut self) {
        if let Some(jumpto) = self.jumpto
            && !self.boxes_values
        {
            self.code.number_entries(jumpto, NUMBERED_MAX);
        }
    }

    // ---- The callee -------------------------------------------------------------------------------------

    /// Where a sandboxed call of a function begins, in one use of it.
    pub(super) fn sandbox_entry(&mut self, id: FuncId, used: Option<TypeId>, label: Label) {
        let func = &self.program.funcs[id.0 as usize];
        let (params, results) = match used.map(|ty| &self.program.types[ty.0 as usize]) {
            Some(Type::Func { params, results }) => (params.clone(), results.clone()),
            _ => (func.locals[..func.params as usize].to_vec(), func.results.clone()),
        };
        self.code.put(label);
        if params.iter().chain(&results).any(|&ty| reach::is_generic(self.program, ty)) {
            // It became a value where nobody knew its types: nobody knows how its arguments come.
            self.code.op(Op::Unreachable);
            return;
        }
        let needs = self.reach.needs_of(id);
        let takes_page = self.any_object(&params);
        let gives_page = self.any_object(&results);
        if needs.heap || takes_page || gives_page {
            self.prepare_memory();
        }
        let mut key = CODE_KEY + u64::from(needs.code);
        if params.iter().any(|&ty| self.is_key(ty)) {
            self.guard(needs.heap || takes_page || gives_page);
        }
        if takes_page {
            self.code.push(key);
            key += 1;
            let descriptor = self.descriptors.tuple(self.program, &params);
            self.code.push_descriptor(descriptor);
            self.call_library(runtime::border(self.program, &params).unpack);
            let is_formed = self.code.label();
            self.code.to(Op::Jumpif, is_formed);
            self.code.push(failure::FORGED);
            self.code.op(Op::Fail);
            self.code.put(is_formed);
            self.spread(params.len());
        }
        for (slot, &ty) in (0..).zip(&params) {
            if self.is_key(ty) {
                self.code.push(key);
                self.code.set(slot);
                key += 1;
            }
        }
        self.call(id);
        if gives_page {
            self.pack(&results);
            self.hand_over(Op::Return);
        } else {
            let words = results.len().min(MESSAGE_WORDS_MAX.into()) as u64;
            self.code.op2(Op::Return, words, 0);
        }
    }

    /// Makes a key to this process that can do nothing; leaves its slot.
    pub(super) fn powerless_key(&mut self) {
        self.code.push(0);
        self.code.push(0);
        self.code.op(Op::Attenuate);
    }

    /// Puts a key that can do nothing behind those that variables name; `std/slots.et` says what for.
    pub(super) fn guard(&mut self, has_memory: bool) {
        self.powerless_key();
        if has_memory {
            self.code.op2(Op::Store32at, DATA, GUARD);
        } else {
            self.code.op(Op::Drop);
        }
    }

    /// Replaces a struct by its fields, in order.
    fn spread(&mut self, count: usize) {
        for number in 0..count {
            let field = u32::try_from(number).unwrap_or(u32::MAX);
            let is_last = number + 1 == count;
            if !is_last {
                self.code.op(Op::Dup);
            }
            self.code.op2(Op::Load64, DATA, field_offset(field));
            if !is_last {
                self.code.op(Op::Swap);
            }
        }
    }

    /// Makes memory 2 as the program expects it, from the tables.
    pub(super) fn prepare_memory(&mut self) {
        let words = self.statics.len() as u64;
        if words > CHUNK_WORDS {
            // Whoever made the process could not make it so long.
            self.code.push(DATA);
            self.code.push(words);
            self.code.op(Op::Memresize);
        }
        self.code.push(0);
        self.code.push_tables();
        self.code.push_statics_bytes();
        self.code.op2(Op::Copy, MEMORY_DATA.into(), MEMORY_CODE.into());
    }

    /// Replaces the topmost operands, of these types, by the key of a page that holds them as a struct.
    fn pack(&mut self, types: &[TypeId]) {
        self.allocate_struct(types.len());
        for number in (0..types.len()).rev() {
            let field = u32::try_from(number).unwrap_or(u32::MAX);
            // value, address -> address
            self.code.op(Op::Dup);
            self.code.op(Op::Rotback);
            self.code.op2(Op::Store64, DATA, field_offset(field));
        }
        let descriptor = self.descriptors.tuple(self.program, types);
        self.code.push_descriptor(descriptor);
        self.call_library(runtime::border(self.program, types).pack);
    }

    /// Returns or yields with the page whose key is on the stack. A word goes with it, to be counted.
    fn hand_over(&mut self, op: Op) {
        self.code.push(0);
        self.code.op(Op::Swap);
        self.code.op2(op, 1, 1);
    }

    /// Yields a value to whoever called the process.
    pub(super) fn yield_stmt(&mut self, frame: &mut Frame, value: &Expr) {
        self.expr(frame, value);
        if self.is_object(value.ty) {
            self.pack(&[value.ty]);
            let slot = frame.slot();
            self.code.tee(slot);
            self.hand_over(Op::Yield);
            // The page was the caller's from then on, and is gone.
            self.code.get(slot);
            self.code.op(Op::Keydrop);
            frame.give_back(slot);
        } else {
            self.code.op2(Op::Yield, 1, 0);
        }
    }

    // ---- The caller -------------------------------------------------------------------------------------

    /// A sandboxed call; gives how many words it leaves.
    pub(super) fn sandbox(&mut self, frame: &mut Frame, sandbox: &Sandbox, ty: TypeId) -> usize {
        let place = self.code.place();
        let Sandbox { params, results, .. } = sandbox;
        let takes_page = self.any_object(params);
        let gives_page = self.any_object(results);
        let callee = match &sandbox.callee {
            Callee::Func(_) => None,
            Callee::Value(value) => Some(self.in_slot(frame, value)),
        };
        let needs = self.needs_of(&sandbox.callee);
        let [gas, words_limit] = [&sandbox.gas, &sandbox.words].map(|limit| self.limit(frame, limit));
        let mut keys = Vec::new();
        for (arg, &ty) in sandbox.args.iter().zip(params) {
            self.expr(frame, arg);
            if self.is_key(ty) {
                let slot = frame.slot();
                self.code.set(slot);
                self.code.push(0);
                keys.push(slot);
            }
        }
        if let Some(place) = &place {
            self.code.at(place);
        }
        let unsent = self.code.label();
        if !matches!(sandbox.outcome, Outcome::Value) {
            for &key in &keys {
                self.code.get(key);
                self.call_library(runtime::CAN_SEND);
                self.code.to(Op::Jumpz, unsent);
            }
        }
        let process = frame.slot();
        if takes_page {
            // Before the page, so that nothing but what the callee gives is behind the process.
            self.create(needs.heap || takes_page || gives_page);
            self.code.set(process);
        }
        let page = takes_page.then(|| {
            let (page, shown) = (frame.slot(), frame.slot());
            self.pack(params);
            self.code.tee(page);
            self.code.push(READ_ONLY);
            self.code.op(Op::Attenuate);
            self.code.set(shown);
            (page, shown)
        });
        match (&sandbox.callee, callee) {
            (Callee::Func(id), _) => {
                let entry = self.entry(*id, None);
                self.code.push_entry(entry);
            }
            (Callee::Value(_), Some(slot)) => {
                self.boxes_values = true;
                // The instruction before a function that is a value is a jump to where its sandboxed calls begin.
                self.code.get(slot.number);
                self.code.push(1);
                self.code.op(Op::Sub);
                self.release(frame, slot);
            }
            (Callee::Value(_), None) => {}
        }
        let words = 1 + if takes_page { 0 } else { params.len() };
        let slots = usize::from(needs.code) + usize::from(takes_page) + keys.len();
        if let Some(place) = &place {
            self.check_border(&sandbox.callee, words.max(results.len()), slots, place);
        }
        if needs.code {
            self.code.push(CODE_KEY);
        }
        if let Some((_, shown)) = page {
            self.code.get(shown);
        }
        for &key in &keys {
            self.code.get(key);
        }
        if takes_page {
            self.code.get(process);
        } else {
            self.create(needs.heap || gives_page);
            self.code.tee(process);
        }
        if gives_page || self.may_yield_object(&sandbox.callee) {
            self.make_room_for_key();
        }
        for limit in [gas, words_limit] {
            self.put_limit(frame, limit);
        }
        let words = words.min(MESSAGE_WORDS_MAX.into()) as u64;
        let slots = slots.min(CALLEE_KEYS) as u64;
        self.code.op2(Op::Recurse, words, slots);
        let page = page.map(|(page, shown)| {
            // The callee may have destroyed neither: it could only read.
            self.code.get(shown);
            self.code.op(Op::Keydrop);
            frame.give_back(shown);
            page
        });
        if let Some(page) = page
            && !matches!(sandbox.outcome, Outcome::Job)
        {
            self.code.get(page);
            self.code.op(Op::Destroy);
        }
        let left = match &sandbox.outcome {
            Outcome::Value => {
                self.results(frame, sandbox, process);
                results.len()
            }
            Outcome::Else(value) => {
                self.or_else(frame, sandbox, value, process, unsent);
                1
            }
            Outcome::Job => {
                self.new_job(frame, sandbox, ty, page, process, unsent);
                1
            }
        };
        keys.iter().chain(&page).for_each(|&key| frame.give_back(key));
        frame.give_back(process);
        left
    }

    fn needs_of(&self, callee: &Callee) -> Needs {
        match callee {
            Callee::Func(id) => self.reach.needs_of(*id),
            Callee::Value(_) => Needs { heap: true, code: true, strays: true },
        }
    }

    /// Evaluates a budget, which stands before the arguments, if they could make a difference to it.
    fn limit<'e>(&mut self, frame: &mut Frame, limit: &'e Expr) -> Limit<'e> {
        if matches!(limit.kind, ExprKind::Word(_) | ExprKind::Local(_)) {
            return Limit::Plain(limit);
        }
        let slot = self.in_slot(frame, limit);
        Limit::Kept(slot)
    }

    fn put_limit(&mut self, frame: &mut Frame, limit: Limit<'_>) {
        match limit {
            Limit::Plain(expr) => {
                self.expr(frame, expr);
            }
            Limit::Kept(slot) => {
                self.code.get(slot.number);
                self.release(frame, slot);
            }
        }
    }

    /// Makes a process of the code; with room for what memory 2 begins with, if it uses that.
    pub(super) fn create(&mut self, has_memory: bool) {
        self.code.push(CODE_KEY);
        if has_memory {
            self.code.push_statics();
        } else {
            self.code.push(0);
        }
        self.code.op(Op::Create);
    }

    /// What a call gave (`results… count status`), if it returned; traps if it did not.
    fn results(&mut self, frame: &mut Frame, sandbox: &Sandbox, process: u32) {
        let Sandbox { results, callee, .. } = sandbox;
        let strays = self.needs_of(callee).strays;
        let gives_page = self.any_object(results);
        let status = frame.slot();
        self.code.tee(status);
        let shown = vec![Shown::Slot(process), Shown::Slot(status), Shown::Word(failure::SANDBOX)];
        let failure = self.failure(frame, shown);
        self.code.to(Op::Jumpif, failure);
        frame.give_back(status);
        let forged = self.failure(frame, vec![Shown::Word(failure::FORGED)]);
        if strays || results.len() > 1 && !gives_page {
            // Results for which there is no room are none at all.
            self.code.push(if gives_page { 1 } else { results.len() as u64 });
            self.code.op(Op::Ne);
            self.code.to(Op::Jumpif, forged);
        } else {
            self.code.op(Op::Drop);
        }
        if gives_page {
            self.take(results);
            self.code.to(Op::Jumpz, forged);
            self.spread(results.len());
        } else {
            if strays {
                self.arrived_keys();
                self.code.to(Op::Jumpif, forged);
            }
            self.settle_bools(frame, results);
        }
        self.end(process);
    }

    /// Pushes how many keys came with a result.
    pub(super) fn arrived_keys(&mut self) {
        self.code.push(MEMORY_META.into());
        self.code.push(meta::MESSAGE_KEYS);
        self.code.op(Op::Mempush);
    }

    /// Makes `bool`s among the topmost operands, which a callee gave, 0 or 1.
    fn settle_bools(&mut self, frame: &mut Frame, types: &[TypeId]) {
        let is_bool = |ty: &TypeId| matches!(self.program.types[ty.0 as usize], Type::Bool);
        let bools: Vec<bool> = types.iter().map(is_bool).collect();
        if !bools.contains(&true) {
            return;
        }
        let slots: Vec<u32> = bools.iter().map(|_| frame.slot()).collect();
        for &slot in slots.iter().rev() {
            self.code.set(slot);
        }
        for (slot, is_bool) in slots.into_iter().zip(bools) {
            self.code.get(slot);
            if is_bool {
                self.code.op(Op::Eqz);
                self.code.op(Op::Eqz);
            }
            frame.give_back(slot);
        }
    }

    /// Makes sure that the key list has a slot for the key of a page that a callee gives: nobody but its owner can raise its
    /// capacity, and a key for which there is no slot is lost.
    fn make_room_for_key(&mut self) {
        self.powerless_key();
        self.code.op(Op::Keydrop);
    }

    /// Destroys a process.
    pub(super) fn end(&mut self, process: u32) {
        self.code.get(process);
        self.code.op(Op::Destroy);
    }

    /// The results that came in a page, as a struct, in place of the word that came with it; and whether they did.
    fn take(&mut self, results: &[TypeId]) {
        self.code.op(Op::Drop);
        let descriptor = self.descriptors.tuple(self.program, results);
        self.code.push_descriptor(descriptor);
        self.call_library(runtime::border(self.program, results).take);
    }

    /// What a call gave (`results… count status`), or another value if it did not return. `unsent` is where it goes with
    /// nothing but the arguments, before the call.
    fn or_else(
        &mut self,
        frame: &mut Frame,
        sandbox: &Sandbox,
        otherwise: &Expr,
        process: u32,
        unsent: Label,
    ) {
        let [failed, abandoned, other, end] = [(); 4].map(|()| self.code.label());
        let strays = self.needs_of(&sandbox.callee).strays;
        let gives_page = self.any_object(&sandbox.results);
        let [status, count] = [(); 2].map(|()| frame.slot());
        self.code.set(status);
        self.code.set(count);
        self.code.get(status);
        self.code.to(Op::Jumpif, failed);
        if strays {
            self.code.get(count);
            self.code.push(1);
            self.code.op(Op::Ne);
            self.code.to(Op::Jumpif, failed);
        }
        if gives_page {
            let is_formed = self.code.label();
            self.take(&sandbox.results);
            self.code.to(Op::Jumpif, is_formed);
            self.code.op(Op::Drop);
            self.code.to(Op::Jump, abandoned);
            self.code.put(is_formed);
            self.spread(1);
        } else {
            if strays {
                self.arrived_keys();
                self.code.to(Op::Jumpif, failed);
            }
            self.settle_bools(frame, &sandbox.results);
        }
        self.end(process);
        self.code.to(Op::Jump, end);
        if self.sends_keys(sandbox) {
            self.code.put(unsent);
            for _ in &sandbox.params {
                self.code.op(Op::Drop);
            }
            self.code.to(Op::Jump, other);
        }
        self.code.put(failed);
        self.drop_results(count, 0);
        self.code.put(abandoned);
        if strays || gives_page || self.may_yield_object(&sandbox.callee) {
            self.code.get(process);
            self.call_library(runtime::ABANDON);
        } else {
            self.end(process);
        }
        self.code.put(other);
        frame.give_back(status);
        frame.give_back(count);
        self.expr(frame, otherwise);
        self.code.put(end);
    }

    fn sends_keys(&self, sandbox: &Sandbox) -> bool {
        sandbox.params.iter().any(|&ty| self.is_key(ty))
    }

    /// Drops words of a result, as many as the slot says, down to `left`; the slot then says how many are left.
    pub(super) fn drop_results(&mut self, count: u32, left: u64) {
        let [top, end] = [(); 2].map(|()| self.code.label());
        self.code.put(top);
        self.code.get(count);
        self.code.push(left);
        self.code.op(Op::Gt);
        self.code.to(Op::Jumpz, end);
        self.code.op(Op::Drop);
        self.code.get(count);
        self.code.push(1);
        self.code.op(Op::Sub);
        self.code.set(count);
        self.code.to(Op::Jump, top);
        self.code.put(end);
    }

    /// Whether what a callee yields may come in a page.
    fn may_yield_object(&self, callee: &Callee) -> bool {
        match callee {
            Callee::Func(id) => self.program.funcs[id.0 as usize].yields.is_some_and(|ty| self.is_object(ty)),
            Callee::Value(_) => true,
        }
    }

    /// A job of what a call gave: `results… count status`. It keeps the page of the arguments, which the callee may not have
    /// taken yet. `unsent` is where it goes with nothing but the arguments, before the call.
    fn new_job(
        &mut self,
        frame: &mut Frame,
        sandbox: &Sandbox,
        job: TypeId,
        page: Option<u32>,
        process: u32,
        unsent: Label,
    ) {
        let Type::Job(value) = self.program.types[job.0 as usize] else { return };
        let yields = match &sandbox.callee {
            Callee::Func(id) => self.program.funcs[id.0 as usize].yields.is_some(),
            Callee::Value(_) => false,
        };
        let mut how = if sandbox.results.is_empty() { 0 } else { RETURNS };
        how |= if yields { YIELDS } else { 0 };
        let in_page = value.filter(|&ty| self.is_object(ty));
        how |= match in_page {
            Some(ty) if reach::is_flat(self.program, &[ty]) => IN_PAGE | FLAT,
            Some(_) => IN_PAGE,
            None => AS_WORD,
        };
        let [status, count, result] = [(); 3].map(|()| frame.slot());
        self.received(frame, [status, count, result]);
        match page {
            Some(page) => self.code.get(page),
            None => self.code.push(0),
        }
        self.code.get(process);
        self.code.push(how);
        match in_page {
            Some(ty) => {
                let descriptor = self.descriptors.tuple(self.program, &[ty]);
                self.code.push_descriptor(descriptor);
            }
            None => self.code.push(0),
        }
        for slot in [result, count, status] {
            self.code.get(slot);
            frame.give_back(slot);
        }
        self.call_library(runtime::JOB_NEW);
        if self.sends_keys(sandbox) {
            let end = self.code.label();
            self.code.to(Op::Jump, end);
            self.code.put(unsent);
            for _ in &sandbox.params {
                self.code.op(Op::Drop);
            }
            self.call_library(runtime::JOB_FAILED);
            self.code.put(end);
        }
    }

    /// Takes what a call gave (`results… count status`) into slots, of the results the first, or 0 if there is none.
    pub(super) fn received(&mut self, frame: &mut Frame, [status, count, result]: [u32; 3]) {
        let left = frame.slot();
        self.code.set(status);
        self.code.tee(count);
        self.code.set(left);
        self.drop_results(left, 1);
        self.code.get(left);
        self.first_result(result);
        frame.give_back(left);
    }

    /// `job<gas,words>()`: leaves the new status.
    pub(super) fn resume(&mut self, frame: &mut Frame, job: &Expr, gas: &Expr, words: &Expr) {
        let place = self.code.place();
        let gives_page =
            matches!(self.program.types[job.ty.0 as usize], Type::Job(Some(ty)) if self.is_object(ty));
        let job = self.in_slot(frame, job);
        let limits = [gas, words].map(|limit| self.limit(frame, limit));
        if gives_page {
            self.make_room_for_key();
        }
        // Only now: to evaluate the budget may have ended the job, and another key may be in its slot.
        self.code.get(job.number);
        self.call_library(runtime::JOB_PROCESS);
        for limit in limits {
            self.put_limit(frame, limit);
        }
        if let Some(place) = place {
            self.code.at(&place);
        }
        self.code.op2(Op::Recurse, 0, 0);
        let [status, count, result] = [(); 3].map(|()| frame.slot());
        self.received(frame, [status, count, result]);
        self.code.get(job.number);
        for slot in [result, count, status] {
            self.code.get(slot);
            frame.give_back(slot);
        }
        self.call_library(runtime::JOB_UPDATE);
        self.release(frame, job);
    }

    /// Reports what cannot cross a border: too many words or keys, and values of types that are not known.
    fn check_border(&mut self, callee: &Callee, words: usize, keys: usize, place: &Place) {
        if words > usize::from(MESSAGE_WORDS_MAX) {
            self.wrong.push((place.file, say::too_many_across(&place.span, MESSAGE_WORDS_MAX)));
        }
        if keys > CALLEE_KEYS {
            self.wrong.push((place.file, say::too_many_keys_across(&place.span, CALLEE_KEYS, keys)));
        }
        let Callee::Func(id) = callee else { return };
        if reach::is_generic_func(self.program, *id) {
            let name = &self.program.funcs[id.0 as usize].name;
            self.wrong.push((place.file, say::generic_sandboxed(&place.span, name)));
        }
    }

    fn any_object(&self, types: &[TypeId]) -> bool {
        types.iter().any(|&ty| self.is_object(ty))
    }

    pub(super) fn is_key(&self, ty: TypeId) -> bool {
        matches!(self.program.types[ty.0 as usize], Type::Key)
    }
}

/// The rights with which a callee gets its arguments' page.
const READ_ONLY: u64 = Rights::WEAKENED.bits() as u64;

/// A budget of a call.
enum Limit<'e> {
    /// It can be evaluated at any time.
    Plain(&'e Expr),
    Kept(Slot),
}
