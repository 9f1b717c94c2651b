//! From a checked program to one that does the same with less gas: what is known of lengths and of numbers lets checks of
//! indices be left out, and what stays the same in a loop is computed before it.
//!
//! Texts, bytes and arrays keep their lengths for ever, from when somebody has them: `runtime.read_line` cuts bytes that it
//! has made, and gives them as one of several results, of which nothing is known. A list keeps its own length as long as
//! nothing is called that changes lists. What `$store64` and its like do to the program's own values is not looked at, nor
//! are bounds that only hold if a function does.

mod checks;
mod facts;
mod hoist;
mod lengths;
mod range;
mod summary;

use super::hir::{Expr, ExprKind, Func, FuncId, Program, Stmt, StmtKind, Type, TypeId};
use crate::entish::visit::{Part, PartMut, expr_parts, expr_parts_mut, stmt_parts, stmt_parts_mut};
use lengths::Lengths;
use std::collections::BTreeSet;

/// Functions that the language's own constructs call, as far as they matter here.
#[derive(Debug)]
struct Known {
    /// They give bytes or an array of the length that is their first argument.
    sized: Vec<FuncId>,
    /// The type of numbers.
    u: TypeId,
}

/// What it takes to make a function better.
struct Context<'a> {
    id: FuncId,
    known: &'a Known,
    lengths: &'a Lengths,
    types: &'a [Type],
    /// How many parts of the function may yet be looked at again.
    fuel: u64,
}

/// Makes the functions better that a program needs. `values` are those that are values somewhere.
pub(super) fn optimize(program: &mut Program, order: &[FuncId], values: &BTreeSet<FuncId>) {
    let is_sized =
        |func: &Func| func.in_library && matches!(&*func.name, "runtime.array_new" | "runtime.bytes_new");
    let sized = (0..).map(FuncId).zip(&program.funcs).filter(|(_, func)| is_sized(func));
    let sized = sized.map(|(id, _)| id).collect();
    let u = program.types.iter().position(|of| *of == Type::U).and_then(|at| u32::try_from(at).ok());
    let Some(u) = u.map(TypeId) else { return };
    let known = Known { sized, u };
    let lengths = Lengths::new(program, &known, order, values);
    for &id in order {
        let func = &mut program.funcs[id.0 as usize];
        let given = func.locals.len();
        let fuel = summary::fuel(&func.body);
        let mut context = Context { id, known: &known, lengths: &lengths, types: &program.types, fuel };
        hoist::hoist(func, &mut context);
        checks::checks(func, &mut context);
        drop_unused(&mut func.body, given);
    }
}

/// Leaves out what is computed for added locals that nobody reads, from `given` on.
fn drop_unused(body: &mut Vec<Stmt>, given: usize) {
    let mut read = BTreeSet::new();
    reads(body, given, &mut read);
    drop_sets(body, &|local| local >= given && !read.contains(&local));
}

fn reads(stmts: &[Stmt], given: usize, read: &mut BTreeSet<usize>) {
    for stmt in stmts {
        if let StmtKind::SetIndex { check: super::hir::Check::Local(local), .. } = stmt.kind {
            read.insert(local.0 as usize);
        }
        stmt_parts(stmt, &mut |part| match part {
            Part::Expr(of) => reads_of(of, given, read),
            Part::Stmts(of) => reads(of, given, read),
        });
    }
}

fn reads_of(expr: &Expr, given: usize, read: &mut BTreeSet<usize>) {
    match &expr.kind {
        ExprKind::Local(local) if local.0 as usize >= given => drop(read.insert(local.0 as usize)),
        ExprKind::Index { check: super::hir::Check::Local(local), .. } => drop(read.insert(local.0 as usize)),
        _ => {}
    }
    expr_parts(expr, &mut |part| match part {
        Part::Expr(of) => reads_of(of, given, read),
        Part::Stmts(of) => reads(of, given, read),
    });
}

fn drop_sets(stmts: &mut Vec<Stmt>, unused: &dyn Fn(usize) -> bool) {
    stmts.retain(|stmt| !matches!(&stmt.kind, StmtKind::Set(local, _) if unused(local.0 as usize)));
    for stmt in stmts {
        stmt_parts_mut(stmt, &mut |part| match part {
            PartMut::Expr(of) => drop_sets_of(of, unused),
            PartMut::Stmts(of) => drop_sets(of, unused),
        });
    }
}

fn drop_sets_of(expr: &mut Expr, unused: &dyn Fn(usize) -> bool) {
    expr_parts_mut(expr, &mut |part| match part {
        PartMut::Expr(of) => drop_sets_of(of, unused),
        PartMut::Stmts(of) => drop_sets(of, unused),
    });
}
