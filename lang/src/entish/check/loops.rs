//! `for` loops, as the loops that they become.

use super::super::ast::{self, Arg, Expr as Ast, ExprKind as AstKind, Name, Span};
use super::super::hir::{Check, Expr, ExprKind, Indexed, LocalId, Stmt, StmtKind};
use super::body::{Body, ty};
use super::call::Target;
use super::expr::is_negative;
use super::names::Item;
use super::types::{Node, Ty};
use super::{say, walk};
use keyvm_isa::Op;
use std::collections::BTreeSet;

/// A range with a constant step from this on has few turns: each looks whether it is the last.
const SMALL_STEP: u64 = 1 << 32;

impl<'a> Body<'_, 'a> {
    /// `for var in over: body`
    pub(super) fn each(
        &mut self,
        var: &'a Name<'a>,
        over: &'a Ast<'a>,
        body: &'a [ast::Stmt<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        match &over.kind {
            AstKind::Call(callee, args) if self.is_builtin(callee, "range") => {
                self.each_number(var, args, &over.span, body, span, made);
            }
            AstKind::Call(callee, _) if self.is_generator(callee) => {
                self.say(say::generator_in_loop(&over.span, "yields, and returns nothing"));
                self.body_of(var, body);
            }
            _ => self.each_element(var, over, body, span, made),
        }
    }

    /// Whether this is the name of a function that yields and returns nothing.
    fn is_generator(&mut self, callee: &'a Ast<'a>) -> bool {
        let Some(index) = self.yielding(callee) else { return false };
        let func = &self.cx.funcs[index as usize];
        let mut returns = func.ast.is_some_and(|ast| ast.results.as_ref().is_some_and(|of| !of.is_empty()));
        walk::stmts(func.body, &mut |stmt| {
            returns |= matches!(&stmt.kind, ast::StmtKind::Return(values) if !values.is_empty());
        });
        !returns
    }

    /// The function that is called, if it yields.
    pub(super) fn yielding(&mut self, callee: &'a Ast<'a>) -> Option<u32> {
        match self.target(callee) {
            Target::Item(Item::Func(index), _) => Some(index),
            _ => None,
        }
        .filter(|&index| self.cx.funcs[index as usize].yields.is_some())
    }

    /// The bounds and the step of a range.
    fn range(&mut self, var: &Name<'a>, args: &'a [Arg<'a>], span: &Span) -> Option<(Expr, Expr, Expr, Ty)> {
        if let Some(name) = args.iter().find_map(|arg| arg.name.as_ref()) {
            self.say(say::no_names(name, ""));
        }
        let args: Vec<_> = args.iter().map(|arg| &arg.value).collect();
        let counts = |node: Node| matches!(node, Node::U | Node::I | Node::Unknown { .. });
        let want = self.variable_type(var.text).filter(|&want| counts(self.cx.types.node(want)));
        let (from, to, step) = match args[..] {
            [to] => {
                let to = self.flexible(to, want);
                (self.word(0, ty(&to), span), to, None)
            }
            [from, to] => {
                let (from, to) = self.sides(from, to, want);
                (from, to, None)
            }
            [from, to, step] => {
                let (from, to) = self.sides(from, to, want);
                let step = self.flexible(step, Some(ty(&to)));
                (from, to, Some(step))
            }
            _ => {
                args.iter().for_each(|arg| drop(self.flexible(arg, None)));
                self.say(say::wrong_range(span, args.len()));
                return None;
            }
        };
        let of = ty(&to);
        let (mut from, mut step) = (from, step.unwrap_or_else(|| self.word(1, of, span)));
        let is_known = !self.cx.types.is_broken(ty(&step));
        if is_known && matches!(step.kind, ExprKind::Word(0)) || is_negative(&step) {
            let at = step.place.span.clone();
            self.say(say::no_step(&at));
            step = self.word(1, of, &at);
        }
        for bound in [&mut from, &mut step] {
            let at = bound.place.span.clone();
            self.expect(bound, of, &at);
        }
        match self.head(of, span) {
            Node::U | Node::I => {}
            Node::Broken => return None,
            _ => {
                let shown = self.show(of);
                self.say(say::no_range(span, &shown));
                return None;
            }
        }
        Some((from, to, step, of))
    }

    fn each_number(
        &mut self,
        var: &'a Name<'a>,
        args: &'a [Arg<'a>],
        over: &Span,
        body: &'a [ast::Stmt<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let Some((from, to, step, of)) = self.range(var, args, over) else {
            return self.body_of(var, body);
        };
        self.loop_variable(var, of);
        let assigned = walk::assigned(body);
        let before = self.by_name.get(var.text).copied();
        // The variable itself counts, unless its value could be seen to be another than that of the last turn.
        let is_seen = before.is_some_and(|local| self.flow.is_reached() && self.flow.has(local.0 as usize));
        let counts_itself = !is_seen && !assigned.contains(var.text);
        let first = self.make(ExprKind::Word(0), of, over);
        let flow = self.flow.clone();
        let mut ignored = Vec::new();
        self.set_name(var.text, &var.span, first, over, span, &mut ignored);
        let Some(&variable) = self.by_name.get(var.text) else {
            return self.body_of(var, body);
        };
        let counter = if counts_itself { variable } else { self.hidden(of) };
        made.push(self.stmt_of(StmtKind::Set(counter, from), over));
        let to = self.steady(to, &assigned, variable, made);
        let step = self.steady(step, &assigned, variable, made);
        let step = self.ending(counter, &to, step, made);
        let (inside, mut behind) = self.looping(body);
        behind.join(flow);
        self.flow = behind;

        let is_signed = self.cx.types.root(of) == Ty::I;
        let count = self.make(ExprKind::Local(counter), of, over);
        let less = if is_signed { Op::Lts } else { Op::Lt };
        let cond = self.op(less, [count.clone(), to.clone()], Ty::BOOL, over);
        let mut turn = Vec::new();
        if !counts_itself {
            turn.push(self.stmt_of(StmtKind::Set(variable, count.clone()), over));
        }
        turn.extend(inside);
        let next = self.next(count, &to, step, over);
        let step = vec![self.stmt_of(StmtKind::Set(counter, next), over)];
        made.push(self.stmt_of(StmtKind::Loop { cond: Some(cond), body: turn, step }, span));
    }

    /// What the counter of a range is after a turn: of a great constant step the end, if it leads past the greatest number.
    fn next(&mut self, count: Expr, to: &Expr, step: Expr, over: &Span) -> Expr {
        let of = ty(&step);
        let is_signed = self.cx.types.root(of) == Ty::I;
        let (greatest, more) =
            if is_signed { (i64::MAX.cast_unsigned(), Op::Gts) } else { (u64::MAX, Op::Gt) };
        let great = match step.kind {
            ExprKind::Word(step) if step >= SMALL_STEP => greatest.checked_sub(step),
            _ => None,
        };
        let next = self.op(Op::Add, [count.clone(), step], of, over);
        let Some(last) = great else { return next };
        let last = self.word(last, of, over);
        let cond = Box::new(self.op(more, [count, last], Ty::BOOL, over));
        let kind = ExprKind::If { cond, then: Box::new(to.clone()), otherwise: Box::new(next) };
        self.make(kind, of, over)
    }

    /// The step of a range, such that adding it never leads past the greatest number, but for a great constant.
    fn ending(&mut self, counter: LocalId, to: &Expr, step: Expr, made: &mut Vec<Stmt>) -> Expr {
        let (of, span) = (ty(&step), step.place.span.clone());
        let constant = match step.kind {
            ExprKind::Word(1) => return step,
            ExprKind::Word(word) => Some(word),
            _ => None,
        };
        let is_signed = self.cx.types.root(of) == Ty::I;
        let greatest = if is_signed { i64::MAX.cast_unsigned() } else { u64::MAX };
        let greatest = self.word(greatest, of, &span);
        // From the greatest element there can be on: is the step more than it takes to the greatest number?
        let room = self.op(Op::Sub, [greatest, to.clone()], of, &span);
        let one = self.word(1, of, &span);
        let less = self.op(Op::Sub, [step.clone(), one], of, &span);
        let passes = self.op(Op::Gt, [less, room], Ty::BOOL, &span);
        if matches!(passes.kind, ExprKind::Word(0)) {
            return step;
        }
        let is_known = matches!(passes.kind, ExprKind::Word(_));
        let from = self.make(ExprKind::Local(counter), of, &span);
        if constant.is_some_and(|step| step >= SMALL_STEP) {
            return step;
        }
        if constant.is_some() && !is_known {
            let function = if is_signed { "range_end_i" } else { "range_end" };
            let check = self.runtime(function, vec![from, to.clone(), step.clone()], Ty::U, &span);
            let then = vec![self.only(check, &span)];
            made.push(self.stmt_of(StmtKind::If { cond: passes, then, otherwise: Vec::new() }, &span));
            return step;
        }
        let local = self.hidden(of);
        let kept = self.make(ExprKind::Local(local), of, &span);
        made.push(self.stmt_of(StmtKind::Set(local, step), &span));
        let function = if is_signed { "range_step_i" } else { "range_step" };
        let last = self.runtime(function, vec![from, to.clone(), kept.clone()], of, &span);
        let then = vec![self.stmt_of(StmtKind::Set(local, last), &span)];
        made.push(self.stmt_of(StmtKind::If { cond: passes, then, otherwise: Vec::new() }, &span));
        kept
    }

    /// A value that stays the same while the loop runs: a constant, a variable that the loop does not assign, or a
    /// hidden one.
    fn steady(
        &mut self,
        value: Expr,
        assigned: &BTreeSet<&str>,
        variable: LocalId,
        made: &mut Vec<Stmt>,
    ) -> Expr {
        match value.kind {
            ExprKind::Word(_) => return value,
            ExprKind::Local(local)
                if local != variable && !assigned.contains(self.variables[local.0 as usize].name) =>
            {
                return value;
            }
            _ => {}
        }
        let span = value.place.span.clone();
        let local = self.hidden(ty(&value));
        let kept = self.make(ExprKind::Local(local), ty(&value), &span);
        made.push(self.stmt_of(StmtKind::Set(local, value), &span));
        kept
    }

    fn each_element(
        &mut self,
        var: &'a Name<'a>,
        over: &'a Ast<'a>,
        body: &'a [ast::Stmt<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let object = self.expr(over, None);
        let of = ty(&object);
        let at = &over.span;
        // Nobody else has a list that is made for the loop.
        let mut is_new = matches!(object.kind, ExprKind::Elements(_));
        let (kind, element, object) = match self.head(of, at) {
            Node::Map(key, _) => {
                is_new = true;
                let keys = self.cx.types.list(key);
                (Indexed::List, key, self.runtime("map_keys", vec![object], keys, at))
            }
            node => match Self::indexed(&node) {
                Some((kind, element)) => (kind, element, object),
                None => {
                    let shown = self.show(of);
                    match &over.kind {
                        _ if matches!(node, Node::Broken) => {}
                        AstKind::Call(callee, _) if self.yielding(callee).is_some() => {
                            self.say(say::generator_in_loop(at, &format!("yields, and returns `{shown}`")));
                        }
                        _ => self.say(say::no_loop(at, &shown)),
                    }
                    return self.body_of(var, body);
                }
            },
        };
        let grows = kind == Indexed::List && !is_new;
        self.loop_variable(var, element);
        let assigned = walk::assigned(body);
        let flow = self.flow.clone();
        let mut ignored = Vec::new();
        let first = self.word(0, element, at);
        self.set_name(var.text, &var.span, first, at, span, &mut ignored);
        let Some(&variable) = self.by_name.get(var.text) else {
            return self.body_of(var, body);
        };
        let object = match object.kind {
            ExprKind::Text(_) => object,
            _ => self.steady(object, &assigned, variable, made),
        };
        let length = self.len(object.clone(), at);
        let length = if grows { length } else { self.steady(length, &assigned, variable, made) };
        let counter = self.hidden(Ty::U);
        let count = self.make(ExprKind::Local(counter), Ty::U, at);
        made.push(self.stmt_of(StmtKind::Set(counter, self.word(0, Ty::U, at)), at));
        let (inside, mut behind) = self.looping(body);
        behind.join(flow);
        self.flow = behind;

        let cond = self.op(Op::Lt, [count.clone(), length], Ty::BOOL, at);
        let (object, index) = (Box::new(object), Box::new(count.clone()));
        let value = self.make(ExprKind::Index { kind, object, index, check: Check::Length }, element, at);
        let mut turn = vec![self.stmt_of(StmtKind::Set(variable, value), at)];
        turn.extend(inside);
        let one = self.word(1, Ty::U, at);
        let next = self.op(Op::Add, [count, one], Ty::U, at);
        let step = vec![self.stmt_of(StmtKind::Set(counter, next), at)];
        made.push(self.stmt_of(StmtKind::Loop { cond: Some(cond), body: turn, step }, span));
    }

    /// The body of a loop over what has been reported.
    fn body_of(&mut self, var: &Name<'a>, body: &'a [ast::Stmt<'a>]) {
        let flow = self.flow.clone();
        let local = self.by_name.get(var.text).copied();
        let hole = self.hole(&var.span);
        let local = local.unwrap_or_else(|| self.variable(var, ty(&hole)));
        self.flow.assign(local.0 as usize);
        let (_, mut behind) = self.looping(body);
        behind.join(flow);
        self.flow = behind;
    }
}
