//! The program that comes of it, when all types are known.

use super::super::hir::{Expr, ExprKind, Func, FuncId, Left, Place, Program, Stmt, TypeId};
use super::super::visit::{PartMut, expr_parts_mut, stmt_parts_mut};
use super::types::{Ty, Types};
use super::{Checker, FuncInfo, Made, say};
use crate::Diagnostic;

impl Checker<'_> {
    /// The program; an error if there is something in it of which nobody knows what it is.
    pub(super) fn finish(mut self) -> Result<Program, Vec<(u32, Diagnostic)>> {
        self.types.finish_structs();
        let mut funcs = Vec::new();
        for func in std::mem::take(&mut self.funcs) {
            let (file, span) = (self.files[func.module], func.span.clone());
            funcs.push(self.finish_function(func));
            if std::mem::take(&mut self.types.is_broken) {
                self.errors.push((file, say::unknown_within(&span)));
            }
        }
        let Left { variables, results } = std::mem::take(&mut self.left);
        let types = &mut self.types;
        let variables =
            variables.into_iter().map(|(name, ty, span, address)| (name, types.finish(ty), span, address));
        let variables = variables.collect();
        let results = results.into_iter().map(|(ty, address)| (types.finish(ty), address)).collect();
        let left = Left { variables, results };
        if self.errors.is_empty() {
            Ok(Program { funcs, main: FuncId(self.main), types: self.types.table, hosts: self.hosts, left })
        } else {
            Err(self.errors)
        }
    }

    fn finish_function(&mut self, func: FuncInfo<'_>) -> Func {
        let FuncInfo { module, name, span, params, results, yields, made, .. } = func;
        let Made { locals, mut body } = made.unwrap_or(Made { locals: Vec::new(), body: Vec::new() });
        let types = &mut self.types;
        stmts(types, &mut body);
        Func {
            name,
            params: u32::try_from(params.len()).unwrap_or(u32::MAX),
            locals: locals.into_iter().map(|ty| types.finish(ty)).collect(),
            results: results.unwrap_or_default().into_iter().map(|ty| types.finish(ty)).collect(),
            yields: yields.map(|ty| types.finish(ty)),
            body,
            place: Place { file: self.files[module], span },
        }
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
