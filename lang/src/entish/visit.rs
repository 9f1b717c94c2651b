//! What statements and expressions consist of, in the order of evaluation.

use crate::entish::hir::{Callee, Expr, ExprKind, Outcome, Stmt, StmtKind};

/// Makes both visitors, of what may be changed and of what may not.
macro_rules! visitors {
    ($part:ident, $of_stmt:ident, $of_expr:ident $(, $mut:ident)?) => {
        /// A part of a statement or an expression.
        pub(in crate::entish) enum $part<'a> {
            Expr(&'a $($mut)? Expr),
            Stmts(&'a $($mut)? Vec<Stmt>),
        }

        /// Calls `seen` for each part of a statement.
        pub(in crate::entish) fn $of_stmt<'a>(stmt: &'a $($mut)? Stmt, seen: &mut dyn FnMut($part<'a>)) {
            match &$($mut)? stmt.kind {
                StmtKind::Expr(of)
                | StmtKind::Set(_, of)
                | StmtKind::SetMany(_, of)
                | StmtKind::ReturnCall(of)
                | StmtKind::Yield(of) => seen($part::Expr(of)),
                StmtKind::SetField { object, value, .. } => {
                    seen($part::Expr(object));
                    seen($part::Expr(value));
                }
                StmtKind::SetIndex { object, index, value, .. } => {
                    seen($part::Expr(object));
                    seen($part::Expr(index));
                    seen($part::Expr(value));
                }
                StmtKind::If { cond, then, otherwise } => {
                    seen($part::Expr(cond));
                    seen($part::Stmts(then));
                    seen($part::Stmts(otherwise));
                }
                StmtKind::Loop { cond, body, step } => {
                    if let Some(cond) = cond {
                        seen($part::Expr(cond));
                    }
                    seen($part::Stmts(body));
                    seen($part::Stmts(step));
                }
                StmtKind::Return(values) => values.into_iter().for_each(|of| seen($part::Expr(of))),
                StmtKind::Assert { cond, message } => {
                    seen($part::Expr(cond));
                    if let Some(message) = message {
                        seen($part::Expr(message));
                    }
                }
                StmtKind::Break | StmtKind::Continue => {}
            }
        }

        /// Calls `seen` for each part of an expression.
        pub(in crate::entish) fn $of_expr<'a>(expr: &'a $($mut)? Expr, seen: &mut dyn FnMut($part<'a>)) {
            match &$($mut)? expr.kind {
                ExprKind::Word(_)
                | ExprKind::None
                | ExprKind::Text(_)
                | ExprKind::Bytes(_)
                | ExprKind::Local(_)
                | ExprKind::Func(_) => {}
                ExprKind::Op { operands: values, .. }
                | ExprKind::Call(_, values)
                | ExprKind::Service(_, values)
                | ExprKind::Struct(values)
                | ExprKind::Elements(values) => values.into_iter().for_each(|of| seen($part::Expr(of))),
                ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                    seen($part::Expr(a));
                    seen($part::Expr(b));
                }
                ExprKind::Not(of)
                | ExprKind::Field(of, _)
                | ExprKind::JobValue(of)
                | ExprKind::Cast(of)
                | ExprKind::Len(of)
                | ExprKind::Storage(of) => seen($part::Expr(of)),
                ExprKind::If { cond, then, otherwise } => {
                    seen($part::Expr(cond));
                    seen($part::Expr(then));
                    seen($part::Expr(otherwise));
                }
                ExprKind::Block(stmts, value) => {
                    seen($part::Stmts(stmts));
                    seen($part::Expr(value));
                }
                ExprKind::CallValue(callee, args) => {
                    seen($part::Expr(callee));
                    args.into_iter().for_each(|of| seen($part::Expr(of)));
                }
                ExprKind::Request { key, words, page } => {
                    seen($part::Expr(key));
                    words.into_iter().for_each(|of| seen($part::Expr(of)));
                    page.into_iter().for_each(|of| seen($part::Expr(of)));
                }
                ExprKind::Ask { key, words } => {
                    seen($part::Expr(key));
                    words.into_iter().for_each(|of| seen($part::Expr(of)));
                }
                ExprKind::Index { object, index, .. } => {
                    seen($part::Expr(object));
                    seen($part::Expr(index));
                }
                ExprKind::Resume { job, gas, words } => {
                    seen($part::Expr(job));
                    seen($part::Expr(gas));
                    seen($part::Expr(words));
                }
                ExprKind::Sandbox(of) => {
                    let of = &$($mut)? **of;
                    if let Callee::Value(value) = &$($mut)? of.callee {
                        seen($part::Expr(value));
                    }
                    seen($part::Expr(&$($mut)? of.gas));
                    seen($part::Expr(&$($mut)? of.words));
                    (&$($mut)? of.args).into_iter().for_each(|of| seen($part::Expr(of)));
                    if let Outcome::Else(other) = &$($mut)? of.outcome {
                        seen($part::Expr(other));
                    }
                }
            }
        }
    };
}

visitors!(Part, stmt_parts, expr_parts);
visitors!(PartMut, stmt_parts_mut, expr_parts_mut, mut);

/// What an expression is that is the same with another type.
pub(in crate::entish) fn plain(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Cast(of) => plain(of),
        _ => expr,
    }
}
