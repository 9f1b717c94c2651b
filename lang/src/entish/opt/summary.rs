//! What some statements do to variables and to lists.

use super::lengths::Lengths;
use crate::entish::hir::{Expr, ExprKind, LocalId, Stmt, StmtKind};
use crate::entish::visit::{Part, expr_parts, plain, stmt_parts};
use keyvm_isa::Op;
use std::collections::BTreeMap;

/// How often a function's parts are looked at, on average, before what its loops do counts as unknown. Only loops that lie
/// deep in each other take so much.
const LOOKS: u64 = 40;

/// How many parts of a function may be looked at.
pub(super) fn fuel(body: &[Stmt]) -> u64 {
    let mut count = 0;
    fn stmts(of: &[Stmt], count: &mut u64) {
        for stmt in of {
            *count += 1;
            stmt_parts(stmt, &mut |part| match part {
                Part::Expr(of) => expr(of, count),
                Part::Stmts(of) => stmts(of, count),
            });
        }
    }
    fn expr(of: &Expr, count: &mut u64) {
        *count += 1;
        expr_parts(of, &mut |part| match part {
            Part::Expr(of) => expr(of, count),
            Part::Stmts(of) => stmts(of, count),
        });
    }
    stmts(body, &mut count);
    count * LOOKS
}

/// How a variable is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    /// Once, by adding this, and in no further loop.
    Advanced(u64),
    Otherwise,
}

/// What statements do.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) assigned: BTreeMap<LocalId, Assigned>,
    /// Whether lists may have another length or other storage.
    pub(super) changes_lists: bool,
}

impl Summary {
    /// What a statement does; none if that takes too long to find out.
    pub(super) fn of(stmt: &Stmt, lengths: &Lengths, fuel: &mut u64) -> Option<Self> {
        let mut looker = Looker { lengths, fuel, depth: 0, summary: Self::default() };
        looker.stmt(stmt)?;
        Some(looker.summary)
    }
}

struct Looker<'a> {
    lengths: &'a Lengths,
    fuel: &'a mut u64,
    /// How many loops are around.
    depth: u32,
    summary: Summary,
}

impl Looker<'_> {
    fn stmts(&mut self, stmts: &[Stmt]) -> Option<()> {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn assign(&mut self, local: LocalId, how: Assigned) {
        let entry = self.summary.assigned.entry(local);
        entry.and_modify(|was| *was = Assigned::Otherwise).or_insert(how);
    }

    fn stmt(&mut self, stmt: &Stmt) -> Option<()> {
        *self.fuel = self.fuel.checked_sub(1)?;
        match &stmt.kind {
            StmtKind::Set(local, value) => {
                let how = advance(*local, value).filter(|_| self.depth == 1);
                self.assign(*local, how.map_or(Assigned::Otherwise, Assigned::Advanced));
            }
            StmtKind::SetMany(locals, _) => {
                locals.iter().for_each(|&local| self.assign(local, Assigned::Otherwise));
            }
            _ => {}
        }
        let is_loop = matches!(stmt.kind, StmtKind::Loop { .. });
        self.depth += u32::from(is_loop);
        let mut done = Some(());
        stmt_parts(stmt, &mut |part| done = done.and_then(|()| self.part(part)));
        self.depth -= u32::from(is_loop);
        done
    }

    fn part(&mut self, part: Part<'_>) -> Option<()> {
        match part {
            Part::Expr(of) => self.expr(of),
            Part::Stmts(of) => self.stmts(of),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        *self.fuel = self.fuel.checked_sub(1)?;
        self.summary.changes_lists |= self.lengths.changes_lists(expr);
        let mut done = Some(());
        expr_parts(expr, &mut |part| done = done.and_then(|()| self.part(part)));
        done
    }
}

/// What is added to a variable by assigning it this.
fn advance(local: LocalId, value: &Expr) -> Option<u64> {
    let ExprKind::Op { op: Op::Add, operands, .. } = &value.kind else { return None };
    match (&plain(&operands[0]).kind, &operands[1].kind) {
        (ExprKind::Local(of), ExprKind::Word(by)) if *of == local => Some(*by),
        _ => None,
    }
}
