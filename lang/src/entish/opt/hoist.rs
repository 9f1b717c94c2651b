//! What stays the same while a loop runs is computed before it: lengths of what is indexed in it, the storage of lists, and
//! products of variables.
//!
//! None of these can trap, so it does no harm that they are computed if the loop then makes no turn.

use super::Context;
use super::summary::Summary;
use crate::entish::hir::{
    Check, Expr, ExprKind, Func, Indexed, LocalId, Place, Stmt, StmtKind, Type, TypeId,
};
use crate::entish::visit::{Part, PartMut, expr_parts, expr_parts_mut, plain, stmt_parts, stmt_parts_mut};
use keyvm_isa::Op;
use std::collections::BTreeSet;

/// A function of more variables gets no further ones.
const LOCALS_MAX: usize = 1000;
/// What is held at a place at most.
const HELD_MAX: usize = 64;

/// Moves what stays the same out of a function's loops.
pub(super) fn hoist(func: &mut Func, context: &mut Context<'_>) {
    let mut body = std::mem::take(&mut func.body);
    let mut hoister = Hoister { context, locals: &mut func.locals, held: Vec::new() };
    hoister.stmts(&mut body);
    func.body = body;
}

/// A value that an added variable holds.
#[derive(Clone, Debug)]
enum Held {
    /// The length of a variable's value.
    Length(LocalId),
    /// The array of a list.
    Storage(LocalId),
    /// A product.
    Product(Expr),
}

struct Hoister<'a, 'b> {
    context: &'a mut Context<'b>,
    locals: &'a mut Vec<TypeId>,
    /// What is held at the present place.
    held: Vec<(Held, LocalId)>,
}

impl Hoister<'_, '_> {
    fn stmts(&mut self, stmts: &mut Vec<Stmt>) {
        let mut made = Vec::with_capacity(stmts.len());
        for mut stmt in std::mem::take(stmts) {
            self.stmt(&mut stmt, &mut made);
            made.push(stmt);
        }
        *stmts = made;
    }

    /// A statement; what is to be computed before it goes to `made`.
    fn stmt(&mut self, stmt: &mut Stmt, made: &mut Vec<Stmt>) {
        let is_nested = matches!(stmt.kind, StmtKind::Loop { .. } | StmtKind::If { .. });
        if self.held.is_empty() && !is_nested {
            return;
        }
        let Some(summary) = Summary::of(stmt, self.context.lengths, &mut self.context.fuel) else {
            self.held.clear();
            return;
        };
        self.forget(&summary);
        if let StmtKind::Loop { .. } = stmt.kind {
            self.before_loop(stmt, &summary, made);
        }
        let held = self.held.clone();
        stmt_parts_mut(stmt, &mut |part| match part {
            PartMut::Expr(of) => self.expr(of),
            PartMut::Stmts(of) => {
                self.stmts(of);
                self.held.clone_from(&held);
            }
        });
        if let StmtKind::SetIndex { kind, object, check, .. } = &mut stmt.kind {
            self.index(kind, object, check);
        }
    }

    /// Nothing is held any more that a statement may change.
    fn forget(&mut self, summary: &Summary) {
        let (types, locals) = (self.context.types, &*self.locals);
        let is_list = |local: LocalId| matches!(types[locals[local.0 as usize].0 as usize], Type::List(_));
        self.held.retain(|(held, _)| match held {
            &(Held::Length(local) | Held::Storage(local)) => {
                !(summary.assigned.contains_key(&local) || summary.changes_lists && is_list(local))
            }
            Held::Product(of) => stays(of, summary),
        });
    }

    /// Computes before a loop what stays the same in it.
    fn before_loop(&mut self, stmt: &Stmt, summary: &Summary, made: &mut Vec<Stmt>) {
        let mut used = Used { summary, objects: BTreeSet::new(), products: Vec::new() };
        stmt_parts(stmt, &mut |part| used.part(part));
        let Used { objects, products, .. } = used;
        for (object, is_indexed) in objects {
            let typ = self.locals[object.0 as usize];
            let is_list = match &self.context.types[typ.0 as usize] {
                Type::List(_) if !summary.changes_lists => true,
                Type::Text | Type::Bytes | Type::Array(_)
                    if self.context.lengths.of(self.context.id, object).is_none() =>
                {
                    false
                }
                _ => continue,
            };
            let of =
                |typ| Box::new(Expr { kind: ExprKind::Local(object), ty: typ, place: stmt.place.clone() });
            self.hold(Held::Length(object), ExprKind::Len(of(typ)), &stmt.place, made);
            if is_list && is_indexed {
                self.hold(Held::Storage(object), ExprKind::Storage(of(typ)), &stmt.place, made);
            }
        }
        for product in products {
            let kind = product.kind.clone();
            let place = product.place.clone();
            self.hold(Held::Product(product), kind, &place, made);
        }
    }

    /// Holds a value from here on, unless it is held.
    fn hold(&mut self, held: Held, value: ExprKind, place: &Place, made: &mut Vec<Stmt>) {
        if self.local_of(&held).is_some() || self.locals.len() >= LOCALS_MAX || self.held.len() >= HELD_MAX {
            return;
        }
        let local = LocalId(u32::try_from(self.locals.len()).unwrap_or(u32::MAX));
        self.locals.push(self.context.known.u);
        let value = Expr { kind: value, ty: self.context.known.u, place: place.clone() };
        made.push(Stmt { kind: StmtKind::Set(local, value), place: place.clone() });
        self.held.push((held, local));
    }

    fn local_of(&self, held: &Held) -> Option<LocalId> {
        let is_same = |other: &Held| match (held, other) {
            (Held::Length(a), Held::Length(b)) | (Held::Storage(a), Held::Storage(b)) => a == b,
            (Held::Product(a), Held::Product(b)) => is_same(a, b),
            _ => false,
        };
        self.held.iter().find(|(held, _)| is_same(held)).map(|of| of.1)
    }

    fn expr(&mut self, expr: &mut Expr) {
        if is_product(expr)
            && let Some(local) = self.local_of(&Held::Product(expr.clone()))
        {
            expr.kind = ExprKind::Local(local);
            return;
        }
        expr_parts_mut(expr, &mut |part| match part {
            PartMut::Expr(of) => self.expr(of),
            // What it assigns has been forgotten.
            PartMut::Stmts(of) => {
                let held = self.held.clone();
                self.stmts(of);
                self.held = held;
            }
        });
        match &mut expr.kind {
            ExprKind::Len(object) => {
                if let ExprKind::Local(object) = plain(object).kind
                    && let Some(local) = self.local_of(&Held::Length(object))
                {
                    expr.kind = ExprKind::Local(local);
                }
            }
            ExprKind::Index { kind, object, check, .. } => self.index(kind, object, check),
            _ => {}
        }
    }

    /// Lets an index of a list go to its storage.
    fn index(&self, kind: &mut Indexed, object: &mut Expr, check: &mut Check) {
        if let (Indexed::List, ExprKind::Local(list)) = (*kind, &plain(object).kind)
            && let Some(length) = self.local_of(&Held::Length(*list))
            && let Some(storage) = self.local_of(&Held::Storage(*list))
        {
            (*kind, *check) = (Indexed::Array, Check::Local(length));
            object.kind = ExprKind::Local(storage);
        }
    }
}

/// What a loop uses that stays the same in it.
struct Used<'a> {
    summary: &'a Summary,
    /// Objects of which the length is used, and whether they are indexed.
    objects: BTreeSet<(LocalId, bool)>,
    products: Vec<Expr>,
}

impl Used<'_> {
    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Expr(of) => self.expr(of),
            Part::Stmts(of) => {
                for stmt in of {
                    if let StmtKind::SetIndex { object, .. } = &stmt.kind {
                        self.object(object, true);
                    }
                    stmt_parts(stmt, &mut |part| self.part(part));
                }
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Index { object, .. } => self.object(object, true),
            ExprKind::Len(object) => self.object(object, false),
            _ => {}
        }
        if is_product(expr) && stays(expr, self.summary) {
            if self.products.len() < HELD_MAX && !self.products.iter().any(|product| is_same(product, expr)) {
                self.products.push(expr.clone());
            }
            return;
        }
        expr_parts(expr, &mut |part| self.part(part));
    }

    fn object(&mut self, object: &Expr, is_indexed: bool) {
        if let ExprKind::Local(local) = plain(object).kind
            && !self.summary.assigned.contains_key(&local)
        {
            self.objects.insert((local, is_indexed));
        }
    }
}

/// Operands of a product at most, and of what is multiplied.
const PRODUCT_MAX: usize = 8;

/// Whether it is a product of what is computed of variables.
fn is_product(expr: &Expr) -> bool {
    let ExprKind::Op { op: Op::Mul, operands, .. } = &expr.kind else { return false };
    let mut size = 0;
    operands.iter().all(|of| !matches!(of.kind, ExprKind::Word(_)) && is_computed(of, &mut size))
}

/// Whether only variables and numbers are computed with, by instructions that cannot trap.
fn is_computed(expr: &Expr, size: &mut usize) -> bool {
    *size += 1;
    *size <= PRODUCT_MAX
        && match &expr.kind {
            ExprKind::Word(_) | ExprKind::Local(_) => true,
            ExprKind::Cast(of) => is_computed(of, size),
            ExprKind::Op { op: Op::Add | Op::Sub | Op::Mul, operands, .. } => {
                operands.iter().all(|of| is_computed(of, size))
            }
            _ => false,
        }
}

/// Whether no statement assigns what a product consists of.
fn stays(product: &Expr, summary: &Summary) -> bool {
    match &product.kind {
        ExprKind::Local(local) => !summary.assigned.contains_key(local),
        ExprKind::Cast(of) => stays(of, summary),
        ExprKind::Op { operands, .. } => operands.iter().all(|of| stays(of, summary)),
        _ => true,
    }
}

/// Whether two products are the same.
fn is_same(a: &Expr, b: &Expr) -> bool {
    match (&plain(a).kind, &plain(b).kind) {
        (ExprKind::Word(a), ExprKind::Word(b)) => a == b,
        (ExprKind::Local(a), ExprKind::Local(b)) => a == b,
        (ExprKind::Op { op: x, operands: a, .. }, ExprKind::Op { op: y, operands: b, .. }) => {
            x == y && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => false,
    }
}
