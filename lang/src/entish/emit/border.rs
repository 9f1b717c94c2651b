//! The borders of sandboxes: calls across them, and how a callee begins.
//!
//! A callee's message is its arguments as words, and last the index at which it begins. Its keys are, as far as there
//! are any: the one to the code, the one to a page, and the arguments that are keys. In that order they are its keys from 1 on, so that the
//! callee knows where they are.
//!
//! Where an argument is an object (a text, a list, …), there are no words, and the page holds a struct with all arguments
//! as its fields. Results likewise.

use super::code::Label;
use super::func::{DATA, Frame, Shown, field_offset};
use super::reach;
use super::reach::Needs;
use super::{CODE_KEY, Emitter, failure};
use crate::entish::hir::{Callee, Expr, FuncId, Outcome, Place, Sandbox, Type, TypeId};
use crate::entish::say;
use keyvm_isa::layout::{CHUNK_WORDS, MEMORY_CODE, MEMORY_DATA, MEMORY_META, MESSAGE_WORDS_MAX, meta};
use keyvm_isa::{Op, Rights, Status};

/// How a job's value comes; `std/border.et` knows these.
const AS_NOTHING: u64 = 0;
const AS_WORD: u64 = 1;
const IN_PAGE: u64 = 2;

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
                self.code.op(Op::Jumpto);
                self.code.put(first);
            }
            self.call(main);
            self.code.op(Op::Halt);
        }
        starts
    }

    // ---- The callee -------------------------------------------------------------------------------------

    /// Where a sandboxed call of a function begins.
    pub(super) fn sandbox_entry(&mut self, id: FuncId, label: Label) {
        let func = &self.program.funcs[id.0 as usize];
        let params: Vec<TypeId> = func.locals[..func.params as usize].to_vec();
        let results = func.results.clone();
        self.code.put(label);
        let needs = self.reach.needs_of(id);
        let takes_page = self.any_object(&params);
        let gives_page = self.any_object(&results);
        if needs.heap || takes_page || gives_page {
            self.prepare_memory();
        }
        let mut key = CODE_KEY + u64::from(needs.code);
        if takes_page {
            self.code.push(key);
            key += 1;
            let descriptor = self.descriptors.tuple(self.program, &params);
            self.code.push_descriptor(descriptor);
            self.call(self.runtime.unpack);
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
    fn prepare_memory(&mut self) {
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
        self.call(self.runtime.pack);
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
        let needs = match &sandbox.callee {
            Callee::Func(id) => self.reach.needs_of(*id),
            Callee::Value(_) => Needs { heap: true, code: true },
        };
        let code_key = needs.code;
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
                let entry = self.entry(*id);
                self.code.to(Op::Push, entry);
            }
            (Callee::Value(_), Some(slot)) => {
                // The instruction before a function that is a value is a jump to where its sandboxed calls begin.
                self.code.get(slot.number);
                self.code.push(1);
                self.code.op(Op::Sub);
                self.release(frame, slot);
            }
            (Callee::Value(_), None) => {}
        }
        let words = 1 + if takes_page { 0 } else { params.len() };
        if let (Callee::Func(id), Some(place)) = (&sandbox.callee, &place) {
            self.check_border(*id, words.max(results.len()), place);
        }
        let slots = usize::from(code_key) + usize::from(takes_page) + keys.len();
        if code_key {
            self.code.push(CODE_KEY);
        }
        if let Some((_, shown)) = page {
            self.code.get(shown);
        }
        for &key in &keys {
            self.code.get(key);
        }
        let process = frame.slot();
        self.code.push(CODE_KEY);
        if needs.heap || takes_page || gives_page {
            self.code.push_statics();
        } else {
            self.code.push(0);
        }
        self.code.op(Op::Create);
        self.code.tee(process);
        if gives_page || self.may_yield_object(&sandbox.callee) {
            self.make_room_for_key();
        }
        self.expr(frame, &sandbox.gas);
        self.expr(frame, &sandbox.words);
        if let Some(place) = &place {
            self.code.at(place);
        }
        let words = words.min(MESSAGE_WORDS_MAX.into()) as u64;
        self.code.op2(Op::Recurse, words, slots as u64);
        keys.iter().for_each(|&key| frame.give_back(key));
        if let Some((page, shown)) = page {
            // The callee may have destroyed neither: it could only read.
            for slot in [shown, page] {
                self.code.get(slot);
                self.code.op(if slot == page { Op::Destroy } else { Op::Keydrop });
                frame.give_back(slot);
            }
        }
        let left = match &sandbox.outcome {
            Outcome::Value => {
                let status = frame.slot();
                self.code.tee(status);
                let failure = self.failure(frame, vec![Shown::Slot(status), Shown::Word(failure::SANDBOX)]);
                self.code.to(Op::Jumpif, failure);
                frame.give_back(status);
                if results.len() > 1 && !gives_page {
                    // Results for which there is no room are none at all.
                    self.code.push(results.len() as u64);
                    self.code.op(Op::Ne);
                    let failure =
                        self.failure(frame, vec![Shown::Slot(status), Shown::Word(failure::SANDBOX)]);
                    self.code.to(Op::Jumpif, failure);
                } else {
                    self.code.op(Op::Drop);
                }
                if gives_page {
                    self.take(results);
                } else {
                    self.settle_bools(frame, results);
                }
                self.end(process);
                results.len()
            }
            Outcome::Else(value) => {
                self.or_else(frame, sandbox, value, process);
                1
            }
            Outcome::Job => {
                self.new_job(frame, ty, process);
                1
            }
        };
        frame.give_back(process);
        left
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
        self.code.push(0);
        self.code.push(0);
        self.code.op(Op::Attenuate);
        self.code.op(Op::Keydrop);
    }

    /// Destroys a process.
    fn end(&mut self, process: u32) {
        self.code.get(process);
        self.code.op(Op::Destroy);
    }

    /// The results that came in a page, which is the last key, in place of the word that came with it.
    fn take(&mut self, results: &[TypeId]) {
        self.code.op(Op::Drop);
        self.last_key();
        let descriptor = self.descriptors.tuple(self.program, results);
        self.code.push_descriptor(descriptor);
        self.call(self.runtime.take);
        self.spread(results.len());
    }

    fn last_key(&mut self) {
        self.code.op(Op::Numkeys);
        self.code.push(1);
        self.code.op(Op::Sub);
    }

    /// What a call gave (`results… count status`), or another value if it did not return.
    fn or_else(&mut self, frame: &mut Frame, sandbox: &Sandbox, otherwise: &Expr, process: u32) {
        let [failed, end] = [(); 2].map(|()| self.code.label());
        let status = frame.slot();
        self.code.tee(status);
        self.code.to(Op::Jumpif, failed);
        self.code.op(Op::Drop);
        if self.any_object(&sandbox.results) {
            self.take(&sandbox.results);
        } else {
            self.settle_bools(frame, &sandbox.results);
        }
        self.end(process);
        self.code.to(Op::Jump, end);
        self.code.put(failed);
        let result = frame.slot();
        self.first_result(result);
        frame.give_back(result);
        if self.may_yield_object(&sandbox.callee) {
            self.drop_yielded(status);
        }
        self.end(process);
        frame.give_back(status);
        self.expr(frame, otherwise);
        self.code.put(end);
    }

    /// Whether what a callee yields may come in a page.
    fn may_yield_object(&self, callee: &Callee) -> bool {
        match callee {
            Callee::Func(id) => self.program.funcs[id.0 as usize].yields.is_some_and(|ty| self.is_object(ty)),
            Callee::Value(_) => true,
        }
    }

    /// What was yielded in a page is charged to the caller, and nobody will look at it.
    fn drop_yielded(&mut self, status: u32) {
        let over = self.code.label();
        self.code.get(status);
        self.code.push(u64::from(Status::Yielded as u8));
        self.code.op(Op::Ne);
        self.code.to(Op::Jumpif, over);
        self.code.push(MEMORY_META.into());
        self.code.push(meta::MESSAGE_KEYS);
        self.code.op(Op::Mempush);
        self.code.to(Op::Jumpz, over);
        self.last_key();
        self.code.op(Op::Destroy);
        self.code.put(over);
    }

    /// A job of what a call gave: `results… count status`.
    fn new_job(&mut self, frame: &mut Frame, job: TypeId, process: u32) {
        let [status, count, result] = [(); 3].map(|()| frame.slot());
        self.code.set(status);
        self.code.tee(count);
        self.first_result(result);
        self.code.get(process);
        let Type::Job(value) = self.program.types[job.0 as usize] else { return };
        match value {
            None => {
                self.code.push(AS_NOTHING);
                self.code.push(0);
            }
            Some(ty) if self.is_object(ty) => {
                self.code.push(IN_PAGE);
                let descriptor = self.descriptors.tuple(self.program, &[ty]);
                self.code.push_descriptor(descriptor);
            }
            Some(_) => {
                self.code.push(AS_WORD);
                self.code.push(0);
            }
        }
        for slot in [result, count, status] {
            self.code.get(slot);
            frame.give_back(slot);
        }
        self.call(self.runtime.job_new);
    }

    /// `job<gas, words>()`: leaves the new status.
    pub(super) fn resume(&mut self, frame: &mut Frame, job: &Expr, gas: &Expr, words: &Expr) {
        let place = self.code.place();
        if matches!(self.program.types[job.ty.0 as usize], Type::Job(Some(ty)) if self.is_object(ty)) {
            self.make_room_for_key();
        }
        let job = self.in_slot(frame, job);
        self.code.get(job.number);
        self.call(self.runtime.job_process);
        self.expr(frame, gas);
        self.expr(frame, words);
        if let Some(place) = place {
            self.code.at(&place);
        }
        self.code.op2(Op::Recurse, 0, 0);
        let [status, count, result] = [(); 3].map(|()| frame.slot());
        self.code.set(status);
        self.code.tee(count);
        self.first_result(result);
        self.code.get(job.number);
        for slot in [result, count, status] {
            self.code.get(slot);
            frame.give_back(slot);
        }
        self.call(self.runtime.job_update);
        self.release(frame, job);
    }

    /// Reports what cannot cross a border: too many words, and values of types that are not known.
    fn check_border(&mut self, id: FuncId, words: usize, place: &Place) {
        if words > usize::from(MESSAGE_WORDS_MAX) {
            self.wrong.push((place.file, say::too_many_across(&place.span, MESSAGE_WORDS_MAX)));
        }
        let func = &self.program.funcs[id.0 as usize];
        let params = &func.locals[..func.params as usize];
        if params.iter().chain(&func.results).any(|&ty| reach::is_generic(self.program, ty)) {
            self.wrong.push((place.file, say::generic_sandboxed(&place.span, &func.name)));
        }
    }

    fn any_object(&self, types: &[TypeId]) -> bool {
        types.iter().any(|&ty| self.is_object(ty))
    }

    fn is_key(&self, ty: TypeId) -> bool {
        matches!(self.program.types[ty.0 as usize], Type::Key)
    }
}

/// The rights with which a callee gets its arguments' page.
const READ_ONLY: u64 = Rights::WEAKENED.bits() as u64;
