//! Expressions.

use super::func::{DATA, ELEMENTS, Frame, STORAGE, Shown, field_offset, is_bytes, may_grow_lists};
use super::runtime::{self, Called};
use super::{Emitter, NONE, failure, object, service};
use crate::entish::hir::{Check, Expr, ExprKind, FuncId, Indexed, Type};
use keyvm_isa::Op;
use keyvm_isa::code::FuncType;
use keyvm_isa::layout::{FIRST_KEY_MEMORY, Kind};

/// An index up to this may be part of an instruction.
const OFFSET_MAX: u64 = 1 << 20;

impl Emitter<'_> {
    /// Makes an expression; gives how many words it leaves.
    pub(super) fn expr(&mut self, frame: &mut Frame, expr: &Expr) -> usize {
        match &expr.kind {
            ExprKind::Word(word) => self.code.push(*word),
            ExprKind::None => self.code.push(NONE),
            ExprKind::Text(text) => {
                let address = self.statics.address(text.as_bytes());
                self.code.push(address);
            }
            ExprKind::Bytes(bytes) => {
                let address = self.statics.address(bytes);
                self.code.push(address);
                self.code.push(0);
                self.code.push(bytes.len() as u64);
                self.call_library(runtime::BYTES_SLICE);
            }
            ExprKind::Local(local) => self.code.get(local.0),
            ExprKind::Op { op, imms, operands } => {
                for operand in operands {
                    self.expr(frame, operand);
                }
                self.code.at(&expr.place);
                let mut values = [0; 3];
                for (value, &imm) in values.iter_mut().zip(imms) {
                    *value = imm.cast_signed();
                }
                self.code.insn(*op, values);
                return op.info().pushes.into();
            }
            ExprKind::And(..) | ExprKind::Or(..) => self.logic(frame, expr),
            ExprKind::Not(operand) => {
                self.expr(frame, operand);
                self.code.op(Op::Eqz);
            }
            ExprKind::If { cond, then, otherwise } => {
                let [on_false, end] = [(); 2].map(|()| self.code.label());
                self.branch(frame, cond, on_false, false);
                self.expr(frame, then);
                self.code.to(Op::Jump, end);
                self.code.put(on_false);
                self.expr(frame, otherwise);
                self.code.put(end);
            }
            ExprKind::Block(stmts, value) => {
                for stmt in stmts {
                    self.stmt(frame, stmt);
                }
                return self.expr(frame, value);
            }
            ExprKind::Func(id) => {
                let label = self.value_label(*id, expr.ty);
                self.code.to(Op::Push, label);
            }
            ExprKind::Call(id, args) => {
                for arg in args {
                    self.expr(frame, arg);
                }
                self.code.at(&expr.place);
                match runtime::callee(self.program, *id, args, expr.ty) {
                    Called::Func(id) => self.call(id),
                    Called::OfLibrary(name) => self.call_library(name),
                }
                return self.program.funcs[id.0 as usize].results.len();
            }
            ExprKind::CallValue(callee, args) => return self.call_value(frame, expr, callee, args),
            ExprKind::Request { key, words, page } => {
                self.request(frame, expr, key, words, page.as_deref());
                return 2;
            }
            ExprKind::Ask { key, words } => {
                self.ask(frame, expr, key, words);
                return 2;
            }
            ExprKind::Service(id, keys) => {
                self.code.at(&expr.place);
                self.service(frame, *id, keys);
            }
            ExprKind::Struct(fields) => self.new_struct(frame, fields),
            ExprKind::Elements(elements) => self.elements(frame, expr, elements),
            ExprKind::Field(object, field) => {
                self.expr(frame, object);
                self.code.at(&expr.place);
                self.code.op2(Op::Load64, DATA, field_offset(*field));
            }
            ExprKind::Len(object) => {
                self.expr(frame, object);
                self.code.op2(Op::Load32, DATA, 0);
            }
            ExprKind::Storage(list) => {
                self.expr(frame, list);
                self.code.op2(Op::Load64, DATA, STORAGE);
            }
            ExprKind::Index { kind, object, index, check } => {
                let load = if is_bytes(*kind) { Op::Load8 } else { Op::Load64 };
                self.code.at(&expr.place);
                let offset = self.element_address(frame, (*kind, *check), object, index);
                self.code.op2(load, DATA, offset);
            }
            ExprKind::Sandbox(sandbox) => {
                self.code.at(&expr.place);
                return self.sandbox(frame, sandbox, expr.ty);
            }
            ExprKind::Resume { job, gas, words } => {
                self.code.at(&expr.place);
                self.resume(frame, job, gas, words);
            }
            ExprKind::JobValue(job) => {
                self.expr(frame, job);
                self.call_library(runtime::JOB_VALUE);
                if matches!(self.program.types[expr.ty.0 as usize], Type::Bool) {
                    // A callee gave it.
                    self.code.op(Op::Eqz);
                    self.code.op(Op::Eqz);
                }
            }
            ExprKind::Cast(operand) => return self.expr(frame, operand),
        }
        1
    }

    pub(super) fn call(&mut self, id: FuncId) {
        let label = self.func_label(id);
        self.code.to(Op::Call, label);
    }

    pub(super) fn call_library(&mut self, name: &'static str) {
        self.call(self.reach.of_library(name));
    }

    /// `and`, `or` as a value: 0 or 1.
    fn logic(&mut self, frame: &mut Frame, expr: &Expr) {
        let (ExprKind::And(a, b) | ExprKind::Or(a, b)) = &expr.kind else { return };
        let is_or = matches!(expr.kind, ExprKind::Or(..));
        let [short, end] = [(); 2].map(|()| self.code.label());
        self.branch(frame, a, short, is_or);
        self.expr(frame, b);
        self.code.to(Op::Jump, end);
        self.code.put(short);
        self.code.push(is_or.into());
        self.code.put(end);
    }

    fn call_value(&mut self, frame: &mut Frame, expr: &Expr, callee: &Expr, args: &[Expr]) -> usize {
        let slot = self.in_slot(frame, callee);
        for arg in args {
            self.expr(frame, arg);
        }
        self.code.get(slot.number);
        self.release(frame, slot);
        let results = match &self.program.types[callee.ty.0 as usize] {
            Type::Func { results, .. } => results.len(),
            _ => 1,
        };
        // Only what it takes and gives is compared with the callee's type.
        let typ = self.code.typ(FuncType {
            arguments: u16::try_from(args.len()).unwrap_or(u16::MAX),
            results: u16::try_from(results).unwrap_or(u16::MAX),
            locals: 0,
        });
        self.code.at(&expr.place);
        self.code.op1(Op::Callto, typ);
        results
    }

    /// A request of a library's: its status, and the first word of the reply or 0.
    fn request(&mut self, frame: &mut Frame, expr: &Expr, key: &Expr, words: &[Expr], page: Option<&Expr>) {
        let key = self.in_slot(frame, key);
        for word in words.iter().chain(page) {
            self.expr(frame, word);
        }
        self.code.get(key.number);
        self.release(frame, key);
        self.code.at(&expr.place);
        self.code.op2(Op::Invoke, words.len() as u64, page.is_some().into());
        let (status, result) = (frame.slot(), frame.slot());
        self.code.set(status);
        self.first_result(result);
        self.code.get(status);
        self.code.get(result);
        frame.give_back(status);
        frame.give_back(result);
    }

    /// A request of a host or a service: its status, and the first word of the reply or 0.
    fn ask(&mut self, frame: &mut Frame, expr: &Expr, key: &Expr, words: &[Expr]) {
        let key = self.in_slot(frame, key);
        let words: Vec<Slot> = words.iter().map(|word| self.in_slot(frame, word)).collect();
        let [host, end] = [(); 2].map(|()| self.code.label());
        self.code.at(&expr.place);
        self.code.get(key.number);
        self.kind_of_key();
        self.code.push(Kind::Process as u64);
        self.code.op(Op::Eq);
        self.code.to(Op::Jumpz, host);
        let page = frame.slot();
        self.code.push(words.len() as u64);
        self.call_library(runtime::QUESTION);
        self.code.set(page);
        for (number, word) in (service::QUESTION..).zip(&words) {
            self.code.get(page);
            self.code.push(FIRST_KEY_MEMORY.into());
            self.code.op(Op::Add);
            self.code.push(number);
            self.code.get(word.number);
            self.code.op(Op::Memwrite);
        }
        self.code.get(key.number);
        self.code.get(page);
        self.call_library(runtime::ASK);
        frame.give_back(page);
        self.code.to(Op::Jump, end);

        self.code.put(host);
        for word in &words {
            self.code.get(word.number);
        }
        self.code.get(key.number);
        self.code.op2(Op::Invoke, words.len() as u64, 0);
        words.into_iter().chain([key]).for_each(|slot| self.release(frame, slot));
        let (status, result) = (frame.slot(), frame.slot());
        self.code.set(status);
        self.first_of_results(frame, result);
        self.code.get(status);
        // Keys that nobody asked for are dropped.
        let none = self.code.label();
        self.arrived_keys();
        self.code.to(Op::Jumpz, none);
        self.call_library(runtime::DROP_ARRIVED);
        self.code.put(none);
        self.code.get(result);
        self.code.put(end);
        frame.give_back(status);
        frame.give_back(result);
    }

    /// In place of the slot of a key, what kind of object it names; 0 if none.
    pub(super) fn kind_of_key(&mut self) {
        self.code.op(Op::Keyinfo);
        self.code.op(Op::Swap);
        self.code.op(Op::Drop);
    }

    /// Takes any number of results off the stack, with their count above them, and the first of them into a slot; 0 if
    /// there is none.
    fn first_of_results(&mut self, frame: &mut Frame, slot: u32) {
        let [more, end] = [(); 2].map(|()| self.code.label());
        let left = frame.slot();
        self.code.set(left);
        self.code.push(0);
        self.code.set(slot);
        self.code.put(more);
        self.code.get(left);
        self.code.to(Op::Jumpz, end);
        self.code.set(slot);
        self.code.get(left);
        self.code.push(1);
        self.code.op(Op::Sub);
        self.code.set(left);
        self.code.to(Op::Jump, more);
        self.code.put(end);
        frame.give_back(left);
    }

    /// Takes a count of results, none or one, off the stack, and the result into a slot; 0 if there is none.
    pub(super) fn first_result(&mut self, slot: u32) {
        let [none, end] = [(); 2].map(|()| self.code.label());
        self.code.to(Op::Jumpz, none);
        self.code.set(slot);
        self.code.to(Op::Jump, end);
        self.code.put(none);
        self.code.push(0);
        self.code.set(slot);
        self.code.put(end);
    }

    pub(super) fn new_struct(&mut self, frame: &mut Frame, fields: &[Expr]) {
        self.allocate_struct(fields.len());
        let slot = frame.slot();
        self.code.set(slot);
        for (number, field) in (0..).zip(fields) {
            self.code.get(slot);
            self.expr(frame, field);
            self.code.op2(Op::Store64, DATA, field_offset(number));
        }
        self.code.get(slot);
        frame.give_back(slot);
    }

    /// Leaves the address of a new struct, with fields that are 0.
    pub(super) fn allocate_struct(&mut self, fields: usize) {
        self.code.push(field_offset(u32::try_from(fields).unwrap_or(u32::MAX)));
        self.code.push(object::WORDS | fields as u64);
        self.call_library(runtime::ALLOCATE);
    }

    /// An array or a list of these.
    fn elements(&mut self, frame: &mut Frame, expr: &Expr, elements: &[Expr]) {
        self.code.push(elements.len() as u64);
        self.code.push(self.array_kind(expr.ty));
        self.call_library(runtime::ARRAY_ROOM);
        let slot = frame.slot();
        self.code.set(slot);
        for (number, element) in (0..).zip(elements) {
            self.code.get(slot);
            self.expr(frame, element);
            self.code.op2(Op::Store64, DATA, field_offset(number));
        }
        self.code.get(slot);
        frame.give_back(slot);
        if matches!(self.program.types[expr.ty.0 as usize], Type::List(_)) {
            self.code.push(elements.len() as u64);
            self.call_library(runtime::LIST_OF);
        }
    }

    /// Leaves the address of an element, less an offset that it gives; traps if there is no such element.
    pub(super) fn element_address(
        &mut self,
        frame: &mut Frame,
        how: (Indexed, Check),
        object: &Expr,
        index: &Expr,
    ) -> u64 {
        if how.1 == Check::Unneeded && !may_grow_lists(index) {
            self.expr(frame, object);
            if how.0 == Indexed::List {
                self.code.op2(Op::Load64, DATA, STORAGE);
            }
            if let ExprKind::Word(index @ 0..=OFFSET_MAX) = index.kind {
                return ELEMENTS + if is_bytes(how.0) { index } else { index * 8 };
            }
            self.expr(frame, index);
            self.add_index(how.0);
            return ELEMENTS;
        }
        let object = self.in_slot(frame, object);
        let index = self.in_slot(frame, index);
        self.address_of(frame, how, object, index);
        self.release(frame, index);
        self.release(frame, object);
        ELEMENTS
    }

    /// Leaves the address, less [`ELEMENTS`], of an element; object and index are in slots.
    pub(super) fn address_of(
        &mut self,
        frame: &mut Frame,
        (kind, check): (Indexed, Check),
        object: Slot,
        index: Slot,
    ) {
        let length = match check {
            Check::Length => Some(Shown::Length(object.number)),
            Check::Local(local) => Some(Shown::Slot(local.0)),
            Check::Known(length) => Some(Shown::Word(length)),
            Check::Unneeded => None,
        };
        if let Some(length) = length {
            let shown = vec![Shown::Slot(index.number), length, Shown::Word(failure::INDEX)];
            let failure = self.failure(frame, shown);
            self.code.get(index.number);
            self.show(length);
            self.code.op(Op::Lt);
            self.code.to(Op::Jumpz, failure);
        }
        self.code.get(object.number);
        if kind == Indexed::List {
            self.code.op2(Op::Load64, DATA, STORAGE);
        }
        self.code.get(index.number);
        self.add_index(kind);
    }

    /// Adds an index to an address.
    fn add_index(&mut self, kind: Indexed) {
        if !is_bytes(kind) {
            self.code.push(3);
            self.code.op(Op::Shl);
        }
        self.code.op(Op::Add);
    }

    /// A slot that holds the value of an expression: its own if it is a local.
    pub(super) fn in_slot(&mut self, frame: &mut Frame, expr: &Expr) -> Slot {
        if let ExprKind::Local(local) = expr.kind {
            return Slot { number: local.0, added: false };
        }
        self.expr(frame, expr);
        let number = frame.slot();
        self.code.set(number);
        Slot { number, added: true }
    }

    pub(super) fn release(&mut self, frame: &mut Frame, slot: Slot) {
        if slot.added {
            frame.give_back(slot.number);
        }
    }
}

/// A slot that holds a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    /// Whether it is to be given back.
    added: bool,
}
