//! What a text mentions, without its meaning.

use super::super::ast::{Arg, Expr, ExprKind, Stmt, StmtKind};
use std::collections::BTreeSet;

/// Calls `seen` for each statement, the outer ones first.
pub(super) fn stmts<'a>(of: &'a [Stmt<'a>], seen: &mut dyn FnMut(&'a Stmt<'a>)) {
    for stmt in of {
        seen(stmt);
        match &stmt.kind {
            StmtKind::If { arms, otherwise } => {
                arms.iter().for_each(|arm| stmts(&arm.1, seen));
                stmts(otherwise, seen);
            }
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => stmts(body, seen),
            _ => {}
        }
    }
}

/// The variables that are assigned.
pub(super) fn assigned<'a>(of: &'a [Stmt<'a>]) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    stmts(of, &mut |stmt| match &stmt.kind {
        StmtKind::Assign { targets, .. } => {
            names.extend(targets.iter().filter_map(|target| match target.kind {
                ExprKind::Name(name) => Some(name),
                _ => None,
            }));
        }
        StmtKind::Update { target: Expr { kind: ExprKind::Name(name), .. }, .. } => {
            names.insert(*name);
        }
        StmtKind::For { var, .. } => {
            names.insert(var.text);
        }
        _ => {}
    });
    names
}

/// Calls `seen` for each expression in a statement itself, the outer ones first; not for those in its blocks.
pub(super) fn exprs_of<'a>(stmt: &'a Stmt<'a>, seen: &mut dyn FnMut(&'a Expr<'a>)) {
    match &stmt.kind {
        StmtKind::Expr(of) | StmtKind::Yield(of) => exprs(of, seen),
        StmtKind::Assign { targets, values, .. } => {
            targets.iter().chain(values).for_each(|of| exprs(of, seen));
        }
        StmtKind::Update { target, value, .. } => {
            exprs(target, seen);
            exprs(value, seen);
        }
        StmtKind::If { arms, .. } => arms.iter().for_each(|arm| exprs(&arm.0, seen)),
        StmtKind::While { cond, .. } => cond.iter().for_each(|of| exprs(of, seen)),
        StmtKind::For { over, .. } => exprs(over, seen),
        StmtKind::Return(of) => of.iter().for_each(|of| exprs(of, seen)),
        StmtKind::Assert { cond, message } => {
            exprs(cond, seen);
            message.iter().for_each(|of| exprs(of, seen));
        }
        StmtKind::Break | StmtKind::Continue | StmtKind::Pass | StmtKind::Broken(_) => {}
    }
}

/// Calls `seen` for each expression in this one, the outer ones first.
pub(crate) fn exprs<'a>(of: &'a Expr<'a>, seen: &mut dyn FnMut(&'a Expr<'a>)) {
    seen(of);
    let args = |args: &'a [Arg<'a>], seen: &mut dyn FnMut(&'a Expr<'a>)| {
        args.iter().for_each(|arg| exprs(&arg.value, seen));
    };
    match &of.kind {
        ExprKind::List(elements) | ExprKind::Machine(_, elements) => {
            elements.iter().for_each(|of| exprs(of, seen));
        }
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                exprs(key, seen);
                exprs(value, seen);
            }
        }
        ExprKind::Struct { fields, .. } => fields.iter().for_each(|field| exprs(&field.1, seen)),
        ExprKind::Unary(_, of) | ExprKind::Member(of, _) | ExprKind::Try(of) => exprs(of, seen),
        ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
            exprs(a, seen);
            exprs(b, seen);
        }
        ExprKind::If { cond, then, otherwise } => {
            [cond, then, otherwise].into_iter().for_each(|of| exprs(of, seen));
        }
        ExprKind::Slice(of, from, to) => {
            exprs(of, seen);
            from.iter().chain(to).for_each(|of| exprs(of, seen));
        }
        ExprKind::Call(callee, given) => {
            exprs(callee, seen);
            args(given, seen);
        }
        ExprKind::Sandbox { callee, gas, words, args: given, otherwise } => {
            [callee, gas, words].into_iter().for_each(|of| exprs(of, seen));
            args(given, seen);
            otherwise.iter().for_each(|of| exprs(of, seen));
        }
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Text(_)
        | ExprKind::Bytes(_)
        | ExprKind::Name(_)
        | ExprKind::Empty(_)
        | ExprKind::Broken => {}
    }
}
