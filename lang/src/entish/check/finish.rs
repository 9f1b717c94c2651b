//! The program that comes of it, when all types are known.

use super::super::hir::{Expr, ExprKind, Func, FuncId, Left, Place, Program, Stmt, TypeId};
use super::super::visit::{PartMut, expr_parts_mut, stmt_parts_mut};
use super::names::index;
use super::types::{Ty, Types};
use super::{Checked, Checker, Made, say};
use crate::Diagnostic;

impl<'a> Checker<'a> {
    /// The program; an error if there is something in it of which nobody knows what it is.
    pub(super) fn finish(mut self) -> Result<Checked<'a>, Vec<(u32, Diagnostic)>> {
        let mut program = Program { main: FuncId(self.main), ..Program::default() };
        // The optimizer adds variables of this type.
        self.types.finish(Ty::U);
        for number in 0..self.resolved_structs {
            self.types.finish_struct(index(number));
        }
        let Left { variables, results } = std::mem::take(&mut self.left);
        let types = &mut self.types;
        let variables =
            variables.into_iter().map(|(name, ty, span, address)| (name, types.finish(ty), span, address));
        let variables = variables.collect();
        let results = results.into_iter().map(|(ty, address)| (types.finish(ty), address)).collect();
        program.left = Left { variables, results };
        program.hosts = std::mem::take(&mut self.hosts);
        // Where something is broken, that has been said of the function it comes from.
        self.types.is_broken = false;
        let mut checked = Checked { checker: self, program };
        checked.update();
        if checked.checker.errors.is_empty() { Ok(checked) } else { Err(checked.checker.errors) }
    }

    fn finish_function(&mut self, function: usize) -> Func {
        let func = &mut self.funcs[function];
        let made = func.made.take();
        let is_made = made.is_some();
        let made = made.unwrap_or_else(|| Made { locals: func.params.clone(), body: Vec::new() });
        let (name, span, params) = (func.name.clone(), func.span.clone(), func.params.len());
        let (results, yields, module) = (func.results.clone(), func.yields, func.module);
        let Made { locals, mut body } = made;
        let types = &mut self.types;
        stmts(types, &mut body);
        let func = Func {
            name,
            params: index(params),
            locals: locals.into_iter().map(|ty| types.finish(ty)).collect(),
            results: results.unwrap_or_default().into_iter().map(|ty| types.finish(ty)).collect(),
            yields: yields.map(|ty| types.finish(ty)),
            body,
            place: Place { file: index(module), span },
            in_library: self.is_in_library(module),
            is_made,
        };
        if std::mem::take(&mut self.types.is_broken) {
            self.say(module, say::unknown_within(&func.place.span));
        }
        func
    }
}

impl Checked<'_> {
    /// Tells the program what has been found out since.
    pub(super) fn update(&mut self) {
        let Self { checker, program } = self;
        let declared = std::mem::take(&mut checker.declared);
        for function in program.funcs.len()..checker.funcs.len() {
            program.funcs.push(checker.finish_function(function));
        }
        for function in declared {
            let known = &program.funcs[function];
            if !known.is_made {
                program.funcs[function] = checker.finish_function(function);
            }
        }
        program.types.extend_from_slice(&checker.types.table[program.types.len()..]);
    }
}

fn finish(types: &mut Types<'_>, ty: &mut TypeId) {
    *ty = types.finish(Ty(ty.0));
}

fn stmts(types: &mut Types<'_>, of: &mut [Stmt]) {
    for stmt in of {
        stmt_parts_mut(stmt, &mut |of| part(types, of));
    }
}

fn part(types: &mut Types<'_>, of: PartMut<'_>) {
    match of {
        PartMut::Expr(of) => expr(types, of),
        PartMut::Stmts(of) => stmts(types, of),
    }
}

fn expr(types: &mut Types<'_>, of: &mut Expr) {
    finish(types, &mut of.ty);
    if let ExprKind::Sandbox(of) = &mut of.kind {
        of.params.iter_mut().chain(&mut of.results).for_each(|ty| finish(types, ty));
    }
    expr_parts_mut(of, &mut |of| part(types, of));
}
