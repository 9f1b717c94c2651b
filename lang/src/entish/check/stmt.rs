//! Statements.

use super::super::ast::{self, Expr as Ast, Span, StmtKind as Kind};
use super::super::hir::{Expr, ExprKind, Stmt, StmtKind};
use super::body::{Around, Body, ty};
use super::flow::Flow;
use super::names::Item;
use super::types::{Node, Ty};
use super::{FuncInfo, builtin, say};
use keyvm_isa::Op;

impl<'a> Body<'_, 'a> {
    /// A block. Statements that are never reached are looked at, and dropped.
    pub(super) fn block(&mut self, stmts: &'a [ast::Stmt<'a>]) -> Vec<Stmt> {
        let mut made = Vec::new();
        for stmt in stmts {
            if self.cx.is_full() {
                break;
            }
            let reached = self.flow.is_reached();
            let length = made.len();
            self.releasing(|body| body.stmt(stmt, &mut made));
            if !reached {
                made.truncate(length);
            }
        }
        made
    }

    fn stmt(&mut self, stmt: &'a ast::Stmt<'a>, made: &mut Vec<Stmt>) {
        let span = &stmt.span;
        match &stmt.kind {
            Kind::Expr(expr) => {
                let errors = self.cx.errors.len();
                let (value, _) = self.many(expr, None);
                let value = self.hoist(value, made);
                if self.cx.errors.len() == errors {
                    self.check_useless(expr);
                }
                made.push(self.only(value, span));
            }
            Kind::Assign { ty, targets, values } => self.assign(ty.as_ref(), targets, values, span, made),
            Kind::Update { target, op, value } => self.update(target, op.0, value, span, made),
            Kind::If { arms, otherwise } => self.branches(arms, otherwise, span, made),
            Kind::While { cond, body } => self.repeat(cond.as_ref(), body, span, made),
            Kind::For { var, over, body } => self.each(var, over, body, span, made),
            Kind::Return(values) => self.give_back(values, span, made),
            Kind::Yield(value) => {
                let own = self.function.and_then(|function| self.cx.funcs[function].yields);
                let known = own.filter(|&own| !self.cx.types.is_unknown(own));
                let value = self.flexible(value, known);
                self.yields(ty(&value), &value.place.span, Some(&value.kind));
                let value = self.hoist(value, made);
                made.push(self.stmt_of(StmtKind::Yield(value), span));
            }
            Kind::Assert { cond, message } => self.assertion(cond, message.as_ref(), span, made),
            Kind::Break => {
                let flow = std::mem::replace(&mut self.flow, Flow::never());
                let is_broken = self.is_broken();
                match self.around.last_mut() {
                    Some(around) => around.breaks.join(flow),
                    None if is_broken => {}
                    None => self.say(say::outside_loop(span, "break")),
                }
                made.push(self.stmt_of(StmtKind::Break, span));
            }
            Kind::Continue => {
                self.flow = Flow::never();
                if self.around.is_empty() && !self.is_broken() {
                    self.say(say::outside_loop(span, "continue"));
                }
                made.push(self.stmt_of(StmtKind::Continue, span));
            }
            Kind::Pass => {}
            Kind::Broken(names) => self.lose(names),
        }
    }

    /// Takes it for granted that what could not be parsed assigns these variables, and leaves the block.
    fn lose(&mut self, names: &'a [(ast::Name<'a>, bool)]) {
        for (name, is_called) in names {
            let is_item = match self.item(name.text) {
                None | Some(Item::Lost) => false,
                Some(Item::Func(_)) => *is_called && !self.assigned.contains(name.text),
                Some(Item::Const(_) | Item::Struct(_) | Item::Module(_)) => true,
            };
            if !self.by_name.contains_key(name.text) && !is_item {
                self.variable(name, Ty::BROKEN);
            }
        }
        self.flow = Flow::never();
    }

    /// Reports a statement that does nothing but compare, `x == 1` in place of `x = 1`, or change a sign twice, `++x` in place of
    /// `x += 1`.
    fn check_useless(&mut self, expr: &Ast<'a>) {
        match &expr.kind {
            ast::ExprKind::Binary(ast::Binary::Eq, ..) => self.say(say::useless_comparison(&expr.span)),
            ast::ExprKind::Unary(op @ (ast::Unary::Plus | ast::Unary::Neg), of) => {
                if matches!(&of.kind, ast::ExprKind::Unary(again, _) if again == op) {
                    let sign = if *op == ast::Unary::Plus { '+' } else { '-' };
                    self.say(say::useless_signs(&(expr.span.start..of.span.start + 1), sign));
                }
            }
            _ => {}
        }
    }

    fn branches(
        &mut self,
        arms: &'a [(Ast<'a>, Vec<ast::Stmt<'a>>)],
        otherwise: &'a [ast::Stmt<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        // The ways that lead behind the statement.
        let mut behind = Flow::never();
        let mut reached = Vec::new();
        for (cond, body) in arms {
            let cond_span = &cond.span;
            let cond = self.cond(cond);
            let before = self.flow.clone();
            let known = match cond.kind {
                ExprKind::Word(word) if !self.cx.types.is_broken(ty(&cond)) => Some(word != 0),
                _ => None,
            };
            if known == Some(false) {
                self.flow = Flow::never();
                self.block(body);
                self.flow = before;
                continue;
            }
            let body = self.block(body);
            let after = std::mem::replace(&mut self.flow, before);
            behind.join(after);
            if known == Some(true) {
                self.flow = Flow::never();
                reached.push((None, body, cond_span));
            } else {
                reached.push((Some(cond), body, cond_span));
            }
        }
        let otherwise = self.block(otherwise);
        behind.join(std::mem::replace(&mut self.flow, Flow::never()));
        self.flow = behind;
        let mut rest = otherwise;
        for (cond, then, at) in reached.into_iter().rev() {
            rest = match cond {
                None => then,
                Some(cond) => {
                    let at = at.start..span.end.max(at.end);
                    vec![self.stmt_of(StmtKind::If { cond, then, otherwise: rest }, &at)]
                }
            };
        }
        made.append(&mut rest);
    }

    fn repeat(
        &mut self,
        cond: Option<&'a Ast<'a>>,
        body: &'a [ast::Stmt<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let cond = cond.map(|cond| self.cond(cond));
        let known = match &cond {
            None => Some(true),
            Some(Expr { kind: ExprKind::Word(word), .. }) => Some(*word != 0),
            Some(_) => None,
        };
        let before = self.flow.clone();
        if known == Some(false) {
            self.flow = Flow::never();
        }
        let body = self.looping(body);
        // Behind the loop is who left it, and who found that the condition does not hold.
        let (body, mut behind) = body;
        if known != Some(true) {
            behind.join(before);
        }
        self.flow = behind;
        if known != Some(false) {
            let cond = if known == Some(true) { None } else { cond };
            made.push(self.stmt_of(StmtKind::Loop { cond, body, step: Vec::new() }, span));
        }
    }

    /// The body of a loop, and the ways by which `break` leaves it.
    pub(super) fn looping(&mut self, body: &'a [ast::Stmt<'a>]) -> (Vec<Stmt>, Flow) {
        self.around.push(Around { breaks: Flow::never() });
        let made = self.block(body);
        let breaks = self.around.pop().map_or_else(Flow::never, |around| around.breaks);
        (made, breaks)
    }

    fn give_back(&mut self, values: &'a [Ast<'a>], span: &Span, made: &mut Vec<Stmt>) {
        let Some(function) = self.function else { return };
        if self.cx.given.is_some() && function == self.cx.main as usize {
            self.say(say::return_from_input(span));
            self.flow = Flow::never();
            return;
        }
        let FuncInfo { ast, written, .. } = &self.cx.funcs[function];
        // A main program that says what it gives has been reported.
        let is_main = function == self.cx.main as usize;
        let gives = ast.is_some_and(|ast| ast.results.as_ref().is_some_and(|of| !of.is_empty()));
        let declared = ast.map(|ast| if *written { ast.span.clone() } else { ast.name.span.clone() });
        let results = self.cx.funcs[function].results.clone().unwrap_or_default();
        let loses_results = self.cx.funcs[function].loses_results();
        let wrong = |body: &mut Self, count: usize| {
            let diagnostic = match &declared {
                Some(_) if loses_results => return,
                None => say::return_from_main(span),
                Some(_) if is_main && gives => return,
                Some(declared) => say::wrong_results(span, results.len(), count, declared),
            };
            body.say(diagnostic);
        };
        if let ([call], true) = (values, results.len() != 1) {
            let (value, found) = self.many(call, None);
            if found.len() != results.len() {
                if !self.cx.types.is_broken(ty(&value)) {
                    wrong(self, found.len());
                }
            } else {
                for (&found, &result) in found.iter().zip(&results) {
                    if let Err(clash) = self.cx.types.unify(found, result) {
                        let diagnostic = self.clash(clash, result, found, &call.span);
                        self.say(diagnostic);
                    }
                }
            }
            let value = self.hoist(value, made);
            if results.is_empty() {
                made.push(self.only(value, span));
                made.push(self.stmt_of(StmtKind::Return(Vec::new()), span));
            } else {
                made.push(self.stmt_of(StmtKind::ReturnCall(value), span));
            }
        } else {
            let mut given = Vec::new();
            for (number, value) in values.iter().enumerate() {
                given.push(match results.get(number) {
                    Some(&result) => {
                        let mut found = self.flexible(value, Some(result));
                        self.expect(&mut found, result, &value.span);
                        found
                    }
                    None => self.flexible(value, None),
                });
            }
            if values.len() != results.len() {
                wrong(self, values.len());
            }
            if given.len() == 1 {
                given = given.into_iter().map(|value| self.hoist(value, made)).collect();
            }
            made.push(self.stmt_of(StmtKind::Return(given), span));
        }
        self.flow = Flow::never();
    }

    fn assertion(
        &mut self,
        cond: &'a Ast<'a>,
        message: Option<&'a Ast<'a>>,
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let cond_span = &cond.span;
        let cond = self.cond(cond);
        let cond = match self.cx.types.node(ty(&cond)) {
            Node::U | Node::I => {
                let zero = self.word(0, ty(&cond), cond_span);
                self.op(Op::Ne, [cond, zero], Ty::BOOL, cond_span)
            }
            _ => cond,
        };
        let message = message.map(|message| self.expr_as(message, Ty::TEXT));
        match cond.kind {
            ExprKind::Word(word) if word != 0 => return,
            ExprKind::Word(_) => self.flow = Flow::never(),
            _ => {}
        }
        made.push(self.stmt_of(StmtKind::Assert { cond, message }, span));
    }

    /// Whether `name(…)` is the built-in function.
    pub(super) fn is_builtin(&mut self, callee: &Ast<'a>, name: &str) -> bool {
        matches!(callee.kind, ast::ExprKind::Name(found) if found == name)
            && builtin::is_function(name)
            && self.item(name).is_none()
            && !self.is_function_variable(name)
    }
}
