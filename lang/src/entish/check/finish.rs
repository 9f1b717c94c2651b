//! The program that comes of it, when all types are known.

use super::super::hir::{
    Callee, Expr, ExprKind, Func, FuncId, Left, Outcome, Place, Program, Stmt, StmtKind, TypeId,
};
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
            Ok(Program { funcs, main: FuncId(self.main), types: self.types.table, left })
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
        match &mut stmt.kind {
            StmtKind::Expr(value)
            | StmtKind::Set(_, value)
            | StmtKind::SetMany(_, value)
            | StmtKind::ReturnCall(value)
            | StmtKind::Yield(value) => expr(types, value),
            StmtKind::SetField { object, value, .. } => {
                expr(types, object);
                expr(types, value);
            }
            StmtKind::SetIndex { object, index, value, .. } => {
                [object, index, value].into_iter().for_each(|of| expr(types, of));
            }
            StmtKind::If { cond, then, otherwise } => {
                expr(types, cond);
                stmts(types, then);
                stmts(types, otherwise);
            }
            StmtKind::Loop { cond, body, step } => {
                cond.iter_mut().for_each(|cond| expr(types, cond));
                stmts(types, body);
                stmts(types, step);
            }
            StmtKind::Return(values) => values.iter_mut().for_each(|of| expr(types, of)),
            StmtKind::Assert { cond, message } => {
                expr(types, cond);
                message.iter_mut().for_each(|message| expr(types, message));
            }
            StmtKind::Break | StmtKind::Continue => {}
        }
    }
}

fn expr(types: &mut Types<'_>, of: &mut Expr) {
    finish(types, &mut of.ty);
    match &mut of.kind {
        ExprKind::Word(_)
        | ExprKind::None
        | ExprKind::Text(_)
        | ExprKind::Bytes(_)
        | ExprKind::Local(_)
        | ExprKind::Func(_) => {}
        ExprKind::Op { operands: values, .. }
        | ExprKind::Call(_, values)
        | ExprKind::Struct(values)
        | ExprKind::Elements(values) => values.iter_mut().for_each(|of| expr(types, of)),
        ExprKind::And(a, b) | ExprKind::Or(a, b) => {
            expr(types, a);
            expr(types, b);
        }
        ExprKind::Not(of)
        | ExprKind::Field(of, _)
        | ExprKind::JobValue(of)
        | ExprKind::Cast(of)
        | ExprKind::Len(of)
        | ExprKind::Storage(of) => expr(types, of),
        ExprKind::If { cond, then, otherwise } => {
            [cond, then, otherwise].into_iter().for_each(|of| expr(types, of));
        }
        ExprKind::Block(body, value) => {
            stmts(types, body);
            expr(types, value);
        }
        ExprKind::CallValue(callee, args) => {
            expr(types, callee);
            args.iter_mut().for_each(|of| expr(types, of));
        }
        ExprKind::Request { key, words } => {
            expr(types, key);
            words.iter_mut().for_each(|of| expr(types, of));
        }
        ExprKind::Index { object, index, .. } => {
            expr(types, object);
            expr(types, index);
        }
        ExprKind::Resume { job, gas, words } => {
            [job, gas, words].into_iter().for_each(|of| expr(types, of));
        }
        ExprKind::Sandbox(of) => {
            if let Callee::Value(value) = &mut of.callee {
                expr(types, value);
            }
            expr(types, &mut of.gas);
            expr(types, &mut of.words);
            of.args.iter_mut().for_each(|of| expr(types, of));
            if let Outcome::Else(other) = &mut of.outcome {
                expr(types, other);
            }
            of.params.iter_mut().chain(&mut of.results).for_each(|ty| finish(types, ty));
        }
    }
}
