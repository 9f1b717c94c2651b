//! Which indices need no check, and which are compared with what is at hand.

use super::Context;
use super::facts::{Fact, Facts};
use super::range::Range;
use super::summary::{Assigned, Summary};
use crate::entish::emit::may_grow_lists;
use crate::entish::hir::{
    Callee, Check, Expr, ExprKind, Func, Indexed, LocalId, Outcome, Sandbox, Stmt, StmtKind, Type, TypeId,
};
use crate::entish::visit::{PartMut, expr_parts_mut, plain, stmt_parts_mut};
use keyvm_isa::Op;
use std::mem::replace;

/// Finds out what each index of a function is compared with.
pub(super) fn checks(func: &mut Func, context: &mut Context<'_>) {
    let mut body = std::mem::take(&mut func.body);
    let mut checker = Checker { context, locals: &func.locals, facts: Facts::default() };
    checker.stmts(&mut body);
    func.body = body;
}

struct Checker<'a, 'b> {
    context: &'a mut Context<'b>,
    locals: &'a [TypeId],
    /// What holds where it is now.
    facts: Facts,
}

impl Checker<'_, '_> {
    fn stmts(&mut self, stmts: &mut [Stmt]) {
        stmts.iter_mut().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Set(local, value) => {
                self.expr(value);
                self.set(*local, value);
            }
            StmtKind::SetMany(locals, call) => {
                self.expr(call);
                for &mut local in locals {
                    self.facts.forget(local);
                }
            }
            StmtKind::SetIndex { kind, object, index, check, value } => {
                self.expr(object);
                self.expr(index);
                // In this order it is made.
                let late = may_grow_lists(value);
                if late {
                    self.expr(value);
                }
                *check = self.check(*kind, object, index, *check);
                if !late {
                    self.expr(value);
                }
            }
            StmtKind::If { cond, then, otherwise } => {
                let not_so = self.condition(cond);
                self.stmts(then);
                let after = replace(&mut self.facts, not_so);
                self.stmts(otherwise);
                self.facts.join(&after);
            }
            StmtKind::Loop { .. } => self.loops(stmt),
            StmtKind::Assert { cond, message } => {
                let not_so = self.condition(cond);
                if let Some(message) = message {
                    let so = replace(&mut self.facts, not_so);
                    self.expr(message);
                    self.facts = so;
                }
            }
            StmtKind::Break | StmtKind::Continue | StmtKind::Return(_) | StmtKind::ReturnCall(_) => {
                self.parts_of(stmt);
                self.facts = Facts::unreached();
            }
            StmtKind::Expr(_) | StmtKind::SetField { .. } | StmtKind::Yield(_) => self.parts_of(stmt),
        }
    }

    fn parts_of(&mut self, stmt: &mut Stmt) {
        stmt_parts_mut(stmt, &mut |part| self.part(part));
    }

    fn part(&mut self, part: PartMut<'_>) {
        match part {
            PartMut::Expr(of) => self.expr(of),
            PartMut::Stmts(of) => self.stmts(of),
        }
    }

    /// A loop: what is known where a turn begins is what nothing in it changes.
    fn loops(&mut self, stmt: &mut Stmt) {
        let summary = Summary::of(stmt, self.context.lengths, &mut self.context.fuel);
        let StmtKind::Loop { cond, body, step } = &mut stmt.kind else { return };
        match summary {
            None => self.facts = Facts::default(),
            Some(summary) => {
                let advanced = summary.assigned.iter().map(|(&local, &how)| {
                    let least = self.facts.range(local).least;
                    (local, how, least)
                });
                let advanced: Vec<_> = advanced.collect();
                summary.assigned.keys().for_each(|&local| self.facts.forget(local));
                for (local, how, least) in advanced {
                    if self.only_grows(local, how, cond.as_ref()) {
                        self.facts.set_range(local, Range { least, most: u64::MAX });
                    }
                }
                if summary.changes_lists {
                    self.change_lists();
                }
            }
        }
        self.facts.unreached = false;
        let head = self.facts.clone();
        if let Some(cond) = cond {
            self.condition(cond);
        }
        self.stmts(body);
        // `continue` may lead here from anywhere in the body, and `break` to the end.
        self.facts.clone_from(&head);
        self.stmts(step);
        self.facts = head;
    }

    /// Whether a variable that a loop advances never wraps: the condition bounds it in every turn.
    fn only_grows(&self, local: LocalId, how: Assigned, cond: Option<&Expr>) -> bool {
        let (Assigned::Advanced(by), Some(cond)) = (how, cond) else { return false };
        match less(cond) {
            Some((a, b)) if is_local(a, local) => {
                let most = self.range(b).most.saturating_sub(1);
                most.checked_add(by).is_some()
            }
            _ => false,
        }
    }

    fn change_lists(&mut self) {
        let (locals, types) = (self.locals, self.context.types);
        self.facts.forget_lengths(|local| {
            let typ = locals.get(local.0 as usize);
            !typ.is_some_and(|typ| matches!(types[typ.0 as usize], Type::Text | Type::Bytes | Type::Array(_)))
        });
    }

    fn set(&mut self, local: LocalId, value: &Expr) {
        let range = self.range(value);
        let value = plain(value);
        match &value.kind {
            ExprKind::Local(from) if *from == local => return,
            &ExprKind::Local(from) => {
                self.facts.forget(local);
                return self.facts.copy(from, local);
            }
            _ => self.facts.forget(local),
        }
        self.facts.set_range(local, range);
        match &value.kind {
            ExprKind::Len(object) => {
                if let ExprKind::Local(object) = plain(object).kind
                    && object != local
                {
                    self.facts.add(Fact::Length(local, object));
                }
            }
            ExprKind::Call(callee, args) if self.context.known.sized.contains(callee) => {
                if let Some(ExprKind::Local(length)) = args.first().map(|length| &plain(length).kind)
                    && *length != local
                {
                    self.facts.add(Fact::Length(*length, local));
                }
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Not(_) => {
                let not_so = self.condition(expr);
                self.facts.join(&not_so);
            }
            ExprKind::If { cond, then, otherwise } => {
                let not_so = self.condition(cond);
                self.expr(then);
                let after = replace(&mut self.facts, not_so);
                self.expr(otherwise);
                self.facts.join(&after);
            }
            ExprKind::Sandbox(of) => self.sandbox(of),
            ExprKind::Index { .. } => {
                expr_parts_mut(expr, &mut |part| self.part(part));
                if let ExprKind::Index { kind, object, index, check } = &mut expr.kind {
                    *check = self.check(*kind, object, index, *check);
                }
            }
            ExprKind::Len(object) => {
                self.expr(object);
                if let ExprKind::Local(object) = plain(object).kind
                    && let Some(length) = self.context.lengths.of(self.context.id, object)
                {
                    expr.kind = ExprKind::Word(length);
                }
            }
            _ => {
                expr_parts_mut(expr, &mut |part| self.part(part));
                if self.context.lengths.changes_lists(expr) {
                    self.change_lists();
                }
            }
        }
    }

    fn sandbox(&mut self, of: &mut Sandbox) {
        if let Callee::Value(value) = &mut of.callee {
            self.expr(value);
        }
        self.expr(&mut of.gas);
        self.expr(&mut of.words);
        of.args.iter_mut().for_each(|arg| self.expr(arg));
        if let Outcome::Else(other) = &mut of.outcome {
            // It is evaluated only if the callee has not returned.
            let returned = self.facts.clone();
            self.expr(other);
            self.facts.join(&returned);
        }
    }

    /// Evaluates a condition. What holds if it is so holds then; gives what holds if not.
    ///
    /// Its second part, if it has two, may do away with what the first one says of lists.
    fn condition(&mut self, cond: &mut Expr) -> Facts {
        match &mut cond.kind {
            ExprKind::Not(of) => {
                let so = self.condition(of);
                replace(&mut self.facts, so)
            }
            ExprKind::And(a, b) => {
                let mut not_so = self.condition(a);
                not_so.join(&self.condition(b));
                not_so
            }
            ExprKind::Or(a, b) => {
                let not_a = self.condition(a);
                let first = replace(&mut self.facts, not_a);
                let not_so = self.condition(b);
                self.facts.join(&first);
                not_so
            }
            _ => {
                self.expr(cond);
                let evaluated = self.facts.clone();
                self.assume(cond, false);
                let not_so = replace(&mut self.facts, evaluated);
                self.assume(cond, true);
                not_so
            }
        }
    }

    /// What an index is compared with; afterwards it is known to be good.
    fn check(&mut self, kind: Indexed, object: &Expr, index: &Expr, check: Check) -> Check {
        let range = self.range(index);
        let index = match plain(index).kind {
            ExprKind::Local(local) => Some(local),
            _ => None,
        };
        if let Check::Local(length) = check {
            if range.most < self.facts.range(length).least
                || index.is_some_and(|index| self.facts.has(Fact::Less(index, length)))
            {
                return Check::Unneeded;
            }
            if let Some(index) = index {
                self.facts.add(Fact::Less(index, length));
            }
            return check;
        }
        let ExprKind::Local(object) = plain(object).kind else { return check };
        if kind != Indexed::List
            && let Some(length) = self.context.lengths.of(self.context.id, object)
        {
            let is_good =
                range.most < length || index.is_some_and(|index| self.facts.has(Fact::Within(index, object)));
            if is_good {
                return Check::Unneeded;
            }
            if let Some(index) = index {
                self.facts.add(Fact::Within(index, object));
                self.facts.set_range(index, range.and(Range::up_to(length.saturating_sub(1))));
            }
            return Check::Known(length);
        }
        let held = |fact: &Fact| match *fact {
            Fact::Length(length, of) if of == object => Some(length),
            _ => None,
        };
        let lengths = || self.facts.facts().iter().filter_map(held);
        let is_less = |length: LocalId| {
            range.most < self.facts.range(length).least
                || index.is_some_and(|index| self.facts.has(Fact::Less(index, length)))
        };
        if index.is_some_and(|index| self.facts.has(Fact::Within(index, object))) || lengths().any(is_less) {
            return Check::Unneeded;
        }
        let length = lengths().next();
        if let Some(index) = index {
            self.facts.add(Fact::Within(index, object));
        }
        length.map_or(check, Check::Local)
    }

    /// A comparison that has just been evaluated is known to be so, or not.
    fn assume(&mut self, cond: &Expr, truth: bool) {
        match &plain(cond).kind {
            ExprKind::Op { op: Op::Eq, operands, .. } if truth => self.assume_equal(operands),
            ExprKind::Op { op: Op::Ne, operands, .. } if !truth => self.assume_equal(operands),
            _ => match less(cond) {
                Some((a, b)) if truth => self.assume_less(a, b),
                Some((a, b)) => self.assume_not_less(a, b),
                None => match not_less(cond) {
                    Some((a, b)) if truth => self.assume_not_less(a, b),
                    Some((a, b)) => self.assume_less(a, b),
                    None => {}
                },
            },
        }
    }

    fn narrow(&mut self, local: LocalId, range: Range) {
        let both = self.facts.range(local).and(range);
        self.facts.set_range(local, both);
    }

    fn assume_equal(&mut self, operands: &[Expr]) {
        let [a, b] = operands else { return };
        for (a, b) in [(a, b), (b, a)] {
            if let ExprKind::Local(local) = plain(a).kind {
                let range = self.range(b);
                self.narrow(local, range);
            }
        }
    }

    fn assume_less(&mut self, a: &Expr, b: &Expr) {
        let (below, above) = (self.range(b).most, self.range(a).least);
        let (a, b) = (plain(a), plain(b));
        if let ExprKind::Local(a) = a.kind {
            self.narrow(a, Range::up_to(below.saturating_sub(1)));
            match &b.kind {
                &ExprKind::Local(b) => self.facts.add(Fact::Less(a, b)),
                ExprKind::Len(object) => {
                    if let ExprKind::Local(object) = plain(object).kind {
                        self.facts.add(Fact::Within(a, object));
                    }
                }
                _ => {}
            }
        }
        if let ExprKind::Local(b) = b.kind {
            self.narrow(b, Range { least: above.saturating_add(1), most: u64::MAX });
        }
    }

    fn assume_not_less(&mut self, a: &Expr, b: &Expr) {
        let (least, most) = (self.range(b).least, self.range(a).most);
        if let ExprKind::Local(a) = plain(a).kind {
            self.narrow(a, Range { least, most: u64::MAX });
        }
        if let ExprKind::Local(b) = plain(b).kind {
            self.narrow(b, Range::up_to(most));
        }
    }

    /// What an expression can be that has been evaluated.
    fn range(&self, expr: &Expr) -> Range {
        match &expr.kind {
            ExprKind::Word(word) => Range::one(*word),
            ExprKind::Local(local) => self.facts.range(*local),
            ExprKind::Cast(of) => self.range(of),
            ExprKind::Op { op, operands, .. } => {
                let operands: Vec<_> = operands.iter().map(|of| self.range(of)).collect();
                Range::made(*op, &operands)
            }
            ExprKind::If { then, otherwise, .. } => self.range(then).or(self.range(otherwise)),
            ExprKind::Index { kind: Indexed::Text | Indexed::Bytes, .. } => Range::up_to(u8::MAX.into()),
            ExprKind::Len(object) => match plain(object).kind {
                ExprKind::Local(object) => self
                    .context
                    .lengths
                    .of(self.context.id, object)
                    .map_or(Range::up_to(u32::MAX.into()), Range::one),
                _ => Range::up_to(u32::MAX.into()),
            },
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Not(_) => Range::up_to(1),
            _ => Range::ALL,
        }
    }
}

fn is_local(expr: &Expr, local: LocalId) -> bool {
    matches!(plain(expr).kind, ExprKind::Local(of) if of == local)
}

/// The sides of which the first is less than the second if a condition holds, and not if not.
fn less(cond: &Expr) -> Option<(&Expr, &Expr)> {
    match &plain(cond).kind {
        ExprKind::Op { op: Op::Lt, operands, .. } => Some((&operands[0], &operands[1])),
        ExprKind::Op { op: Op::Gt, operands, .. } => Some((&operands[1], &operands[0])),
        _ => None,
    }
}

/// The sides of which the first is not less than the second if a condition holds, and less if not.
fn not_less(cond: &Expr) -> Option<(&Expr, &Expr)> {
    match &plain(cond).kind {
        ExprKind::Op { op: Op::Ge, operands, .. } => Some((&operands[0], &operands[1])),
        ExprKind::Op { op: Op::Le, operands, .. } => Some((&operands[1], &operands[0])),
        _ => None,
    }
}
