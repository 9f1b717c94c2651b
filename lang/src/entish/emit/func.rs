//! Functions and statements.

use super::choice::Choice;
use super::code::Label;
use super::{Emitter, failure};
use crate::entish::hir::{Check, Expr, ExprKind, FuncId, Indexed, LocalId, Place, Stmt, StmtKind};
use crate::entish::say;
use keyvm_isa::Op;
use keyvm_isa::code::FuncType;
use keyvm_isa::layout::{CHUNK_WORDS, MEMORY_DATA};

/// Memory 2, as an immediate.
pub(super) const DATA: u64 = MEMORY_DATA as u64;

/// Where bytes, and the elements of an array, begin.
pub(super) const ELEMENTS: u64 = 8;

/// Where a list has the array of its elements.
pub(super) const STORAGE: u64 = 8;

/// How many variables a function may have, what the generator adds included.
const VARIABLES_MAX: u32 = CHUNK_WORDS as u32;

/// The function that is being made.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Slots of the operands that stay: parameters, locals, and what the generator adds.
    slots: u32,
    /// Added slots that are free again.
    free: Vec<u32>,
    /// Where `break` and `continue` go, of the loops around.
    loops: Vec<(Label, Label)>,
    /// What is left to be put behind the function: where something goes wrong.
    pub(super) cold: Vec<Cold>,
}

/// Something that goes wrong, behind the function.
#[derive(Debug)]
pub(super) struct Cold {
    pub(super) label: Label,
    pub(super) place: Option<Place>,
    /// What is pushed for whoever looks at the stack, the number of the failure last.
    pub(super) shown: Vec<Shown>,
}

/// An operand that tells what went wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    Word(u64),
    Slot(u32),
    /// The length of the object whose address is in this slot.
    Length(u32),
}

impl Frame {
    /// A slot of one's own, until it is given back.
    pub(super) fn slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }
}

impl Emitter<'_> {
    /// Makes a function.
    pub(super) fn func(&mut self, id: FuncId) {
        let program = self.program;
        let func = &program.funcs[id.0 as usize];
        let label = self.func_label(id);
        self.code.put(label);
        let at = self.code.index();
        self.code.op(Op::Func);
        let locals = u32::try_from(func.locals.len()).unwrap_or(u32::MAX);
        let mut frame = Frame { slots: locals, ..Frame::default() };
        let falls = self.block(&mut frame, &func.body);
        if falls {
            self.code.op(Op::Ret);
        }
        self.cold(&mut frame);
        if frame.slots > VARIABLES_MAX {
            self.wrong.push((func.place.file, say::too_many_variables(&func.place.span, VARIABLES_MAX)));
        }
        self.code.set_func(
            at,
            FuncType {
                arguments: u16::try_from(func.params).unwrap_or(u16::MAX),
                results: u16::try_from(func.results.len()).unwrap_or(u16::MAX),
                locals: frame.slots - func.params,
            },
        );
    }

    /// Makes a function that only calls another.
    pub(super) fn use_of(&mut self, id: FuncId, label: Label) {
        let func = &self.program.funcs[id.0 as usize];
        self.code.put(label);
        let at = self.code.index();
        self.code.op(Op::Func);
        for slot in 0..func.params {
            self.code.get(slot);
        }
        self.call(id);
        self.code.op(Op::Ret);
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let (arguments, results) = (count(func.params as usize), count(func.results.len()));
        self.code.set_func(at, FuncType { arguments, results, locals: 0 });
    }

    /// Puts what goes wrong behind the function.
    fn cold(&mut self, frame: &mut Frame) {
        for Cold { label, place, shown } in core::mem::take(&mut frame.cold) {
            if let Some(place) = place {
                self.code.at(&place);
            }
            self.code.put(label);
            for shown in shown {
                self.show(shown);
            }
            self.code.op(Op::Fail);
        }
    }

    /// Pushes an operand.
    pub(super) fn show(&mut self, shown: Shown) {
        match shown {
            Shown::Word(word) => self.code.push(word),
            Shown::Slot(slot) => self.code.get(slot),
            Shown::Length(slot) => {
                self.code.get(slot);
                self.code.op2(Op::Load32, DATA, 0);
            }
        }
    }

    /// Where to go when something goes wrong.
    pub(super) fn failure(&mut self, frame: &mut Frame, shown: Vec<Shown>) -> Label {
        let label = self.code.label();
        let place = self.code.place();
        frame.cold.push(Cold { label, place, shown });
        label
    }

    /// Makes statements; whether what follows can be reached.
    pub(super) fn block(&mut self, frame: &mut Frame, stmts: &[Stmt]) -> bool {
        for stmt in stmts {
            if !self.stmt(frame, stmt) {
                return false;
            }
        }
        true
    }

    /// Makes a statement; whether what follows can be reached.
    pub(super) fn stmt(&mut self, frame: &mut Frame, stmt: &Stmt) -> bool {
        self.code.at(&stmt.place);
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                let count = self.expr(frame, expr);
                for _ in 0..count {
                    self.code.op(Op::Drop);
                }
            }
            StmtKind::Set(local, value) => {
                self.expr(frame, value);
                self.code.set(local.0);
            }
            StmtKind::SetMany(locals, call) => {
                self.expr(frame, call);
                for LocalId(slot) in locals.iter().rev() {
                    self.code.set(*slot);
                }
            }
            StmtKind::SetField { object, field, value } => {
                self.expr(frame, object);
                self.expr(frame, value);
                self.code.at(&stmt.place);
                self.code.op2(Op::Store64, DATA, field_offset(*field));
            }
            StmtKind::SetIndex { kind, object, index, check, value } => {
                self.set_index(frame, (*kind, *check), object, index, value);
            }
            StmtKind::If { cond, then, otherwise } => return self.if_stmt(frame, cond, then, otherwise),
            StmtKind::Loop { cond, body, step } => return self.loop_stmt(frame, cond.as_ref(), body, step),
            StmtKind::Break | StmtKind::Continue => {
                if let Some(&(on_break, on_continue)) = frame.loops.last() {
                    let to = if matches!(stmt.kind, StmtKind::Break) { on_break } else { on_continue };
                    self.code.to(Op::Jump, to);
                }
                return false;
            }
            StmtKind::Return(values) => {
                for value in values {
                    self.expr(frame, value);
                }
                self.code.op(Op::Ret);
                return false;
            }
            StmtKind::ReturnCall(call) => {
                self.expr(frame, call);
                self.code.op(Op::Ret);
                return false;
            }
            StmtKind::Yield(value) => self.yield_stmt(frame, value),
            StmtKind::Assert { cond, message } => self.assert_stmt(frame, cond, message.as_ref()),
        }
        true
    }

    fn if_stmt(&mut self, frame: &mut Frame, cond: &Expr, then: &[Stmt], otherwise: &[Stmt]) -> bool {
        if let Some(choice) = Choice::of(cond, then, otherwise) {
            return self.choice(frame, &choice);
        }
        let on_false = self.code.label();
        self.branch(frame, cond, on_false, false);
        let then_falls = self.block(frame, then);
        if otherwise.is_empty() {
            self.code.put(on_false);
            return true;
        }
        let end = self.code.label();
        if then_falls {
            self.code.to(Op::Jump, end);
        }
        self.code.put(on_false);
        let otherwise_falls = self.block(frame, otherwise);
        self.code.put(end);
        then_falls || otherwise_falls
    }

    /// The condition stands behind the body, so that a turn has one jump, and once more before it.
    fn loop_stmt(&mut self, frame: &mut Frame, cond: Option<&Expr>, body: &[Stmt], step: &[Stmt]) -> bool {
        let [top, on_continue, on_break] = [(); 3].map(|()| self.code.label());
        if let Some(cond) = cond {
            if is_small(cond) {
                self.branch(frame, cond, on_break, false);
            } else {
                let test = self.code.label();
                self.code.to(Op::Jump, test);
                self.code.put(top);
                frame.loops.push((on_break, on_continue));
                self.block(frame, body);
                frame.loops.pop();
                self.code.put(on_continue);
                self.block(frame, step);
                self.code.put(test);
                self.branch(frame, cond, top, true);
                self.code.put(on_break);
                return true;
            }
        }
        self.code.put(top);
        frame.loops.push((on_break, on_continue));
        let falls = self.block(frame, body);
        frame.loops.pop();
        let continues = falls || has(body, &|kind| matches!(kind, StmtKind::Continue));
        self.code.put(on_continue);
        if continues {
            self.block(frame, step);
            match cond {
                Some(cond) => self.branch(frame, cond, top, true),
                None => self.code.to(Op::Jump, top),
            }
        }
        self.code.put(on_break);
        cond.is_some() || has(body, &|kind| matches!(kind, StmtKind::Break))
    }

    fn assert_stmt(&mut self, frame: &mut Frame, cond: &Expr, message: Option<&Expr>) {
        let Some(message) = message else {
            let label = self.failure(frame, vec![Shown::Word(failure::ASSERTION)]);
            self.branch(frame, cond, label, false);
            return;
        };
        let on_true = self.code.label();
        self.branch(frame, cond, on_true, true);
        self.expr(frame, message);
        self.code.push(failure::ASSERTION_WITH_TEXT);
        self.code.op(Op::Fail);
        self.code.put(on_true);
    }

    fn set_index(
        &mut self,
        frame: &mut Frame,
        how: (Indexed, Check),
        object: &Expr,
        index: &Expr,
        value: &Expr,
    ) {
        let place = self.code.place();
        let store = if is_bytes(how.0) { Op::Store8 } else { Op::Store64 };
        let mut offset = ELEMENTS;
        if may_grow_lists(value) {
            // Only when the value is known it is certain where the element is, and that there is one.
            let object = self.in_slot(frame, object);
            let index = self.in_slot(frame, index);
            let value = self.in_slot(frame, value);
            if let Some(place) = &place {
                self.code.at(place);
            }
            self.address_of(frame, how, object, index);
            self.code.get(value.number);
            for slot in [value, index, object] {
                self.release(frame, slot);
            }
        } else {
            offset = self.element_address(frame, how, object, index);
            self.expr(frame, value);
            if let Some(place) = &place {
                self.code.at(place);
            }
        }
        self.code.op2(store, DATA, offset);
    }
}

/// Whether elements are bytes, and not words.
pub(super) const fn is_bytes(kind: Indexed) -> bool {
    matches!(kind, Indexed::Bytes | Indexed::Text)
}

/// Where a field is, behind the beginning of its struct.
pub(super) fn field_offset(field: u32) -> u64 {
    8 + 8 * u64::from(field)
}

/// Whether, when an expression has been evaluated, a list may have other storage, or something may have been allocated: the
/// address of an element alone keeps nothing alive.
pub(in crate::entish) fn may_grow_lists(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Word(_) | ExprKind::None | ExprKind::Text(_) | ExprKind::Local(_) | ExprKind::Func(_) => {
            false
        }
        ExprKind::Op { operands, .. } => operands.iter().any(may_grow_lists),
        ExprKind::And(a, b) | ExprKind::Or(a, b) => may_grow_lists(a) || may_grow_lists(b),
        ExprKind::Not(of)
        | ExprKind::Cast(of)
        | ExprKind::Field(of, _)
        | ExprKind::Len(of)
        | ExprKind::Storage(of) => may_grow_lists(of),
        ExprKind::If { cond, then, otherwise } => {
            [cond, then, otherwise].into_iter().any(|of| may_grow_lists(of))
        }
        ExprKind::Index { object, index, .. } => may_grow_lists(object) || may_grow_lists(index),
        _ => true,
    }
}

/// Whether the same statement, and not one of a loop in it, is of this kind.
fn has(stmts: &[Stmt], is_so: &dyn Fn(&StmtKind) -> bool) -> bool {
    stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => has(then, is_so) || has(otherwise, is_so),
        kind => is_so(kind),
    })
}

/// Whether a condition is so short that standing there twice is better than a jump to it.
fn is_small(cond: &Expr) -> bool {
    fn size(expr: &Expr) -> u32 {
        match &expr.kind {
            ExprKind::Word(_) | ExprKind::Local(_) | ExprKind::None => 1,
            ExprKind::Op { operands, .. } => operands.iter().map(size).sum::<u32>().saturating_add(1),
            ExprKind::And(a, b) | ExprKind::Or(a, b) => size(a).saturating_add(size(b)),
            ExprKind::Not(a) | ExprKind::Cast(a) => size(a),
            ExprKind::Len(object) | ExprKind::Storage(object) | ExprKind::Field(object, _) => {
                size(object).saturating_add(1)
            }
            ExprKind::Index { object, index, .. } => {
                size(object).saturating_add(size(index)).saturating_add(6)
            }
            _ => 100,
        }
    }
    size(cond) <= 24
}
