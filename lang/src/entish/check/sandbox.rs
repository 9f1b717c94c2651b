//! Calls in a sandbox, and jobs.

use super::super::ast::{self, Arg, ExprKind as Ast, Span};
use super::super::hir::{Callee, Expr, ExprKind, FuncId, Outcome, Sandbox, Stmt, TypeId};
use super::body::{Body, ty};
use super::call::{Many, Target, one};
use super::names::Item;
use super::say;
use super::types::{Node, Ty};

/// A call in a sandbox, as far as all its forms are alike.
struct Boxed {
    /// What must be done before.
    stmts: Vec<Stmt>,
    callee: Callee,
    gas: Expr,
    words: Expr,
    args: Vec<Expr>,
    params: Vec<Ty>,
    results: Vec<Ty>,
    yields: Option<Ty>,
}

impl<'a> Body<'_, 'a> {
    /// `f<gas,words>(args)`, maybe with `else`; `job<gas,words>()`.
    pub(super) fn sandbox(
        &mut self,
        callee: &'a ast::Expr<'a>,
        [gas, words]: [&'a ast::Expr<'a>; 2],
        args: &'a [Arg<'a>],
        otherwise: Option<&'a ast::Expr<'a>>,
        want: Option<Ty>,
        span: &Span,
    ) -> Many {
        let boxed = match self.boxed_callee(callee) {
            Ok((index, name)) => Some(self.boxed_function(index, name, callee, [gas, words], args, span)),
            Err(value) => {
                if let Node::Job(_) = self.head(ty(&value), &callee.span) {
                    return one(self.resume(value, [gas, words], args, otherwise, span));
                }
                self.boxed_value(value, callee, [gas, words], args, span)
            }
        };
        match boxed {
            Some(boxed) => self.outcome(boxed, otherwise, want, span),
            None => {
                otherwise.iter().for_each(|other| drop(self.flexible(other, want)));
                one(self.hole(span))
            }
        }
    }

    /// The function that is named, or the value that is called.
    fn boxed_callee(&mut self, callee: &'a ast::Expr<'a>) -> Result<(u32, &'a str), Expr> {
        match self.target(callee) {
            Target::Item(Item::Func(index), name) => Ok((index, name)),
            Target::Builtin(name) if !self.by_name.contains_key(name) => {
                Err(self.broken(say::builtin_in_sandbox(&callee.span, name), &callee.span))
            }
            _ => Err(self.expr(callee, None)),
        }
    }

    /// `service(f, meter, keys…)`
    pub(super) fn service(&mut self, args: &'a [Arg<'a>], span: &Span) -> Expr {
        if let Some(name) = args.iter().find_map(|arg| arg.name.as_ref()) {
            self.say(say::no_names(name, "service"));
        }
        let [function, keys @ ..] = args else {
            return self.broken(say::service_lacks(span, &["f", "meter"]), span);
        };
        let keys: Vec<_> = keys.iter().map(|key| self.expr_as(&key.value, Ty::KEY)).collect();
        if keys.is_empty() {
            return self.broken(say::service_lacks(span, &["meter"]), span);
        }
        let of = &function.value.span;
        let index = match self.target(&function.value) {
            Target::Item(Item::Func(index), _) => index,
            Target::Builtin(name) if !self.by_name.contains_key(name) => {
                return self.broken(say::no_service(of), span);
            }
            _ => {
                let value = self.expr(&function.value, None);
                let is_known = !matches!(self.cx.types.node(ty(&value)), Node::Broken);
                return if is_known { self.broken(say::no_service(of), span) } else { value };
            }
        };
        let called = self.signature(index, of);
        let kept = keys.len() - 1;
        let is_key = |body: &mut Self, ty: Ty| matches!(body.cx.types.node(ty), Node::Key);
        let is_word = |body: &mut Self, ty: Ty| {
            matches!(body.cx.types.node(ty), Node::U | Node::I | Node::F | Node::Bool | Node::Broken)
        };
        let first = called.params.iter().take_while(|&&ty| is_key(self, ty)).count();
        let rest = &called.params[first..];
        let fits = first == kept
            && rest.iter().chain(&called.results).all(|&ty| is_word(self, ty))
            && called.results.len() <= 1
            && called.yields.is_none();
        if !fits {
            return self.broken(say::no_service(of), span);
        }
        self.make(ExprKind::Service(FuncId(index), keys), Ty::KEY, span)
    }

    fn limits(&mut self, [gas, words]: [&'a ast::Expr<'a>; 2]) -> (Expr, Expr) {
        (self.unsigned(gas, say::BUDGET_FROM_0), self.unsigned(words, say::BUDGET_FROM_0))
    }

    fn boxed_function(
        &mut self,
        index: u32,
        name: &str,
        callee: &'a ast::Expr<'a>,
        limits: [&'a ast::Expr<'a>; 2],
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> Boxed {
        let called = self.signature(index, &callee.span);
        let (gas, words) = self.limits(limits);
        let (mut stmts, args) = self.arguments(index, name, &called.params, args, span);
        // What is written first is evaluated first.
        let (mut before, mut limits) = (Vec::new(), [gas, words]);
        if !stmts.is_empty() {
            limits = limits.map(|limit| self.keep(limit, &mut before));
            before.append(&mut stmts);
        }
        let [gas, words] = limits;
        Boxed {
            stmts: before,
            callee: Callee::Func(FuncId(index)),
            gas,
            words,
            args,
            params: called.params,
            results: called.results,
            yields: called.yields,
        }
    }

    fn boxed_value(
        &mut self,
        value: Expr,
        callee: &'a ast::Expr<'a>,
        limits: [&'a ast::Expr<'a>; 2],
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> Option<Boxed> {
        let of = ty(&value);
        match self.head(of, &callee.span) {
            Node::Func(params, results) => {
                let (gas, words) = self.limits(limits);
                let args = self.positional(&params, args, span);
                let (params, results) = (params.to_vec(), results.to_vec());
                let callee = Callee::Value(value);
                Some(Boxed { stmts: Vec::new(), callee, gas, words, args, params, results, yields: None })
            }
            node => {
                if !matches!(node, Node::Broken) {
                    let shown = self.show(of);
                    self.say(say::no_sandbox(&callee.span, &shown));
                }
                self.limits(limits);
                self.loose(args);
                None
            }
        }
    }

    fn resume(
        &mut self,
        job: Expr,
        limits: [&'a ast::Expr<'a>; 2],
        args: &'a [Arg<'a>],
        otherwise: Option<&'a ast::Expr<'a>>,
        span: &Span,
    ) -> Expr {
        let (gas, words) = self.limits(limits);
        if !args.is_empty() || otherwise.is_some() {
            self.loose(args);
            otherwise.iter().for_each(|other| drop(self.flexible(other, None)));
            return self.broken(say::job_with_arguments(span), span);
        }
        let kind = ExprKind::Resume { job: Box::new(job), gas: Box::new(gas), words: Box::new(words) };
        self.make(kind, Ty::U, span)
    }

    /// `try f<gas,words>(args)`
    pub(super) fn job(&mut self, of: &'a ast::Expr<'a>, span: &Span) -> Many {
        let Ast::Sandbox { callee, gas, words, args, otherwise } = &of.kind else {
            self.flexible(of, None);
            return one(self.broken(say::try_of_no_sandbox(span), span));
        };
        if let Some(other) = otherwise {
            self.flexible(other, None);
            self.say(say::try_with_else(&other.span));
        }
        let boxed = match self.boxed_callee(callee) {
            Ok((index, name)) => Some(self.boxed_function(index, name, callee, [gas, words], args, &of.span)),
            Err(value) => {
                if let Node::Job(_) = self.cx.types.node(ty(&value)) {
                    self.say(say::try_of_job(span));
                    self.limits([gas, words]);
                    self.loose(args);
                    None
                } else {
                    self.boxed_value(value, callee, [gas, words], args, &of.span)
                }
            }
        };
        let Some(boxed) = boxed else { return one(self.hole(span)) };
        if let (Callee::Func(index), None) = (&boxed.callee, boxed.yields)
            && self.cx.funcs[index.0 as usize].loses_yields
        {
            return one(self.word(0, Ty::BROKEN, span));
        }
        let value = match (&boxed.results[..], boxed.yields) {
            ([], None) => None,
            // That both are of one type is checked where the function is declared.
            (_, Some(yields)) => Some(yields),
            (&[one], None) => Some(one),
            (several, None) => {
                let count = several.len();
                return one(self.broken(say::job_of_several(span, count), span));
            }
        };
        self.check_border(&boxed, value.as_slice(), span);
        let job = self.cx.types.add(Node::Job(value));
        let made = self.boxed(boxed, Outcome::Job, job, span);
        (made, vec![job])
    }

    /// The results, or `otherwise`.
    fn outcome(
        &mut self,
        boxed: Boxed,
        otherwise: Option<&'a ast::Expr<'a>>,
        want: Option<Ty>,
        span: &Span,
    ) -> Many {
        let results = boxed.results.clone();
        self.check_border(&boxed, &results, span);
        let outcome = match (otherwise, &results[..]) {
            (None, _) => Outcome::Value,
            (Some(otherwise), &[result]) => Outcome::Else(self.expr_as(otherwise, result)),
            (Some(otherwise), _) => {
                self.flexible(otherwise, want);
                return one(self.broken(say::else_of_several(&otherwise.span, results.len()), span));
            }
        };
        let ty = results.first().copied().unwrap_or(Ty::U);
        (self.boxed(boxed, outcome, ty, span), results)
    }

    fn boxed(&mut self, boxed: Boxed, outcome: Outcome, ty: Ty, span: &Span) -> Expr {
        let Boxed { stmts, callee, gas, words, args, params, results, .. } = boxed;
        let ids = |types: Vec<Ty>| types.into_iter().map(|ty| TypeId(ty.0)).collect();
        let (params, results) = (ids(params), ids(results));
        let sandbox = Sandbox { callee, gas, words, args, outcome, params, results };
        let value = self.make(ExprKind::Sandbox(Box::new(sandbox)), ty, span);
        self.block_of(stmts, value, span)
    }

    /// Reports what cannot cross the border.
    fn check_border(&mut self, boxed: &Boxed, results: &[Ty], span: &Span) {
        let errors = self.cx.errors.len();
        for (&param, arg) in boxed.params.iter().zip(&boxed.args) {
            self.check_argument(param, &arg.place.span);
        }
        if self.cx.errors.len() == errors {
            for &result in results {
                self.check_result(result, span);
            }
        }
    }

    /// Reports what cannot go into a sandbox.
    fn check_argument(&mut self, of: Ty, span: &Span) {
        if matches!(self.cx.types.node(of), Node::Key) {
            return;
        }
        let holds = self.cx.types.holds(of);
        let shown = self.show(of);
        if holds.key {
            self.say(say::key_inside(span, &shown));
        } else if holds.job {
            self.say(say::job_as_argument(span, &shown));
        } else if holds.any {
            self.say(say::any_in_sandbox(span, &shown));
        }
    }

    /// Reports what cannot come out of a sandbox.
    fn check_result(&mut self, of: Ty, span: &Span) {
        let holds = self.cx.types.holds(of);
        let what = if holds.func {
            "functions"
        } else if holds.job {
            "jobs"
        } else if holds.key {
            "keys"
        } else if holds.any {
            let shown = self.show(of);
            return self.say(say::any_in_sandbox(span, &shown));
        } else {
            return;
        };
        let shown = self.show(of);
        self.say(say::untrusted_result(span, &shown, what));
    }
}
