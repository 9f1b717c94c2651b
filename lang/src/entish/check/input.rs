//! The statements of an input of a session: a main program that begins with the session's variables, and leaves them, those it has
//! made itself, and the value of an expression at its end in memory.

use super::super::ast::{self, ExprKind as Ast, Name, Span, StmtKind as Kind};
use super::super::hir::{ExprKind, Left, LocalId, Stmt, StmtKind};
use super::body::Body;
use super::lasting::Lasting;
use super::types::Ty;
use super::{say, walk};
use keyvm_isa::Op;
use keyvm_isa::layout::MEMORY_DATA;
use std::collections::{BTreeMap, BTreeSet};

/// What an input is given.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) variables: Vec<Variable>,
    /// Addresses for variables that it makes, of words from the first one up to the second one.
    pub(crate) room: (u64, u64),
    /// The same for the values of the expression at its end.
    pub(crate) results: (u64, u64),
}

/// A variable of a session.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) ty: Lasting,
    /// Where it was assigned first.
    pub(crate) span: Span,
    /// Where its value is between two inputs.
    pub(crate) address: u64,
}

impl Given {
    /// The variable with a name.
    pub(crate) fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

impl<'a> Body<'_, 'a> {
    /// Makes the statements of an input.
    pub(super) fn input(&mut self, given: &'a Given, stmts: &'a [ast::Stmt<'a>]) -> Vec<Stmt> {
        self.cx.left = Left::default();
        let mut made = self.fetch(given, stmts);
        let (rest, value) = match stmts.split_last() {
            Some((ast::Stmt { kind: Kind::Expr(value), .. }, rest)) => (rest, Some(value)),
            _ => (stmts, None),
        };
        made.append(&mut self.block(rest));
        let length = made.len();
        let reached = self.flow.is_reached();
        if let Some(value) = value {
            self.last_value(given, value, &mut made);
        }
        if reached {
            self.leave(given, &mut made);
        } else {
            made.truncate(length);
            self.cx.left = Left::default();
        }
        made
    }

    /// Takes the variables that are mentioned out of memory.
    fn fetch(&mut self, given: &'a Given, stmts: &'a [ast::Stmt<'a>]) -> Vec<Stmt> {
        let mut mentioned: BTreeSet<&str> = walk::assigned(stmts);
        walk::stmts(stmts, &mut |stmt| {
            walk::exprs_of(stmt, &mut |expr| mentioned.extend(named(expr)));
        });
        let mut made = Vec::new();
        for variable in given.variables.iter().filter(|of| mentioned.contains(&*of.name)) {
            let Some(ty) = self.cx.type_again(&variable.ty) else { continue };
            let span = &variable.span;
            let local = self.variable(&Name { text: &variable.name, span: span.clone() }, ty);
            self.flow.assign(local.0 as usize);
            let load = ExprKind::Op { op: Op::Load64at, imms: at(variable.address), operands: Vec::new() };
            let value = self.make(load, ty, span);
            made.push(self.stmt_of(StmtKind::Set(local, value), span));
        }
        made
    }

    /// The values of the expression at the end.
    fn last_value(&mut self, given: &'a Given, of: &'a ast::Expr<'a>, made: &mut Vec<Stmt>) {
        let span = &of.span;
        let (mut value, found) = self.many(of, None);
        let (from, to) = given.results;
        if found.len() as u64 > (to - from) / 8 {
            return self.say(say::too_many_results(span));
        }
        value = self.hoist(value, made);
        let mut locals = Vec::new();
        for (&ty, address) in found.iter().zip((from..to).step_by(8)) {
            locals.push(self.hidden(ty));
            self.cx.left.results.push((ty, address));
        }
        made.push(match locals[..] {
            [] => self.only(value, span),
            [local] => {
                value.ty = super::super::hir::TypeId(found[0].0);
                self.stmt_of(StmtKind::Set(local, value), span)
            }
            _ => self.stmt_of(StmtKind::SetMany(locals.clone(), value), span),
        });
        for (local, address) in locals.into_iter().zip((from..to).step_by(8)) {
            made.push(self.store(local, address, span));
        }
    }

    /// Puts into memory the variables that are certainly assigned.
    fn leave(&mut self, given: &'a Given, made: &mut Vec<Stmt>) {
        let (from, to) = given.room;
        let mut room = (from..to).step_by(8);
        let assigned = (0..self.variables.len()).filter(|&index| self.flow.has(index));
        let last: BTreeMap<&str, usize> = assigned.map(|index| (self.variables[index].name, index)).collect();
        for index in 0..self.variables.len() {
            let (name, ty) = (self.variables[index].name, self.variables[index].ty);
            let span = self.variables[index].span.clone();
            if name.is_empty() || last.get(name) != Some(&index) {
                continue;
            }
            let known = given.variable(name).map(|variable| variable.address);
            let Some(address) = known.or_else(|| room.next()) else {
                return self.say(say::too_many_session_variables(&span));
            };
            let local = LocalId(u32::try_from(index).unwrap_or(u32::MAX));
            made.push(self.store(local, address, &span));
            self.cx.left.variables.push((name.to_owned(), ty, span, address));
        }
    }

    fn store(&self, local: LocalId, address: u64, span: &Span) -> Stmt {
        let operands = vec![self.local(local, span)];
        let store = ExprKind::Op { op: Op::Store64at, imms: at(address), operands };
        self.stmt_of(StmtKind::Expr(self.make(store, Ty::U, span)), span)
    }
}

/// The immediates of an instruction that reaches a word of the session.
fn at(address: u64) -> Vec<u64> {
    vec![MEMORY_DATA.into(), address]
}

fn named<'a>(expr: &ast::Expr<'a>) -> Option<&'a str> {
    match expr.kind {
        Ast::Name(name) => Some(name),
        _ => None,
    }
}
