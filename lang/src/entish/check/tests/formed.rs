//! Whether a program that was made is well-formed.

use super::super::super::hir::{
    Callee, Expr, ExprKind, Func, LocalId, Outcome, Program, Stmt, StmtKind, Type, TypeId,
};

struct Formed<'p> {
    program: &'p Program,
    func: &'p Func,
}

/// Panics unless all numbers name something, and values go where values of their types belong.
pub(super) fn well_formed(program: &Program) {
    assert!((program.main.0 as usize) < program.funcs.len());
    for func in &program.funcs {
        assert!(func.params as usize <= func.locals.len());
        let formed = Formed { program, func };
        func.locals.iter().for_each(|local| assert!((local.0 as usize) < program.types.len()));
        formed.block(&func.body, 0);
    }
}

impl Formed<'_> {
    fn ty(&self, ty: TypeId) -> &Type {
        &self.program.types[ty.0 as usize]
    }

    /// Whether a value of the one type can be where the other is expected.
    fn fits(&self, found: TypeId, want: TypeId) {
        let any = |ty| matches!(self.ty(ty), Type::Any);
        assert!(
            found == want || any(found) || any(want) || self.holds_any(found) || self.holds_any(want),
            "{:?} for {:?} in {}",
            self.ty(found),
            self.ty(want),
            self.func.name
        );
    }

    fn holds_any(&self, ty: TypeId) -> bool {
        match self.ty(ty) {
            Type::Any => true,
            Type::Array(of) | Type::List(of) | Type::Job(Some(of)) => self.holds_any(*of),
            Type::Map(key, value) => self.holds_any(*key) || self.holds_any(*value),
            Type::Func { params, results } => params.iter().chain(results).any(|&of| self.holds_any(of)),
            _ => false,
        }
    }

    fn local(&self, local: LocalId) -> TypeId {
        self.func.locals[local.0 as usize]
    }

    fn block(&self, stmts: &[Stmt], loops: u32) {
        for stmt in stmts {
            match &stmt.kind {
                StmtKind::Expr(of) => drop(self.many(of)),
                StmtKind::Set(local, of) => self.fits(self.one(of), self.local(*local)),
                StmtKind::SetMany(locals, of) => {
                    let results = self.many(of).expect("a call");
                    assert_eq!(locals.len(), results.len());
                    for (&local, result) in locals.iter().zip(results) {
                        self.fits(result, self.local(local));
                    }
                }
                StmtKind::SetField { object, field, value } => {
                    self.fits(self.one(value), self.field(object, *field));
                }
                StmtKind::SetIndex { object, index, value, .. } => {
                    [object, index, value].into_iter().for_each(|of| {
                        self.one(of);
                    });
                }
                StmtKind::If { cond, then, otherwise } => {
                    self.one(cond);
                    self.block(then, loops);
                    self.block(otherwise, loops);
                }
                StmtKind::Loop { cond, body, step } => {
                    cond.iter().for_each(|cond| {
                        self.one(cond);
                    });
                    self.block(body, loops + 1);
                    self.block(step, 0);
                }
                StmtKind::Break | StmtKind::Continue => assert!(loops > 0),
                StmtKind::Return(values) => {
                    assert_eq!(values.len(), self.func.results.len());
                    for (value, &result) in values.iter().zip(&self.func.results) {
                        self.fits(self.one(value), result);
                    }
                }
                StmtKind::ReturnCall(of) => {
                    let results = self.many(of).expect("a call");
                    assert_eq!(results.len(), self.func.results.len());
                }
                StmtKind::Yield(of) => self.fits(self.one(of), self.func.yields.expect("it yields")),
                StmtKind::Assert { cond, message } => {
                    assert!(matches!(self.ty(self.one(cond)), Type::Bool));
                    message.iter().for_each(|of| assert!(matches!(self.ty(self.one(of)), Type::Text)));
                }
            }
        }
    }

    fn field(&self, object: &Expr, field: u32) -> TypeId {
        match self.ty(self.one(object)) {
            Type::Struct { fields, .. } => fields[field as usize].1,
            other => panic!("a field of {other:?}"),
        }
    }

    fn one(&self, of: &Expr) -> TypeId {
        if let Some(results) = self.many(of) {
            assert_eq!(results.len(), 1, "{:?}", of.kind);
        }
        self.ty(of.ty);
        of.ty
    }

    /// The types of what a call gives; `None` for what is no call.
    fn many(&self, of: &Expr) -> Option<Vec<TypeId>> {
        let each = |of: &[Expr]| {
            for of in of {
                self.one(of);
            }
        };
        match &of.kind {
            ExprKind::Word(_) | ExprKind::None | ExprKind::Text(_) | ExprKind::Bytes(_) => {}
            ExprKind::Local(local) => self.fits(of.ty, self.local(*local)),
            ExprKind::Op { op, imms, operands } => {
                assert_eq!(imms.len(), op.info().imms.len());
                assert_eq!(operands.len(), usize::from(op.info().pops));
                each(operands);
                return Some(vec![of.ty; op.info().pushes.into()]);
            }
            ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                for side in [a, b] {
                    assert!(matches!(self.ty(self.one(side)), Type::Bool));
                }
            }
            ExprKind::Not(inner) => assert!(matches!(self.ty(self.one(inner)), Type::Bool)),
            ExprKind::If { cond, then, otherwise } => {
                self.one(cond);
                self.fits(self.one(then), of.ty);
                self.fits(self.one(otherwise), of.ty);
            }
            ExprKind::Block(stmts, value) => {
                self.block(stmts, 0);
                return self.many(value);
            }
            ExprKind::Func(id) => assert!((id.0 as usize) < self.program.funcs.len()),
            ExprKind::Call(id, args) => {
                let callee = &self.program.funcs[id.0 as usize];
                assert_eq!(args.len(), callee.params as usize, "{}", callee.name);
                let of_library = ["runtime.", "tables.", "border.", "flat.", "collector."]
                    .iter()
                    .any(|of| callee.name.starts_with(of));
                for (arg, &local) in args.iter().zip(&callee.locals) {
                    let found = self.one(arg);
                    if !of_library {
                        self.fits(found, local);
                    }
                }
                // To the library all objects are a `u`.
                let results = callee.results.iter().map(|&result| match self.ty(result) {
                    Type::U if of_library => of.ty,
                    _ => result,
                });
                return Some(results.collect());
            }
            ExprKind::CallValue(callee, args) => {
                each(args);
                match self.ty(self.one(callee)) {
                    Type::Func { params, results } => {
                        assert_eq!(params.len(), args.len());
                        return Some(results.clone());
                    }
                    other => panic!("a call of {other:?}"),
                }
            }
            ExprKind::Struct(values) => match self.ty(of.ty) {
                Type::Struct { fields, .. } => {
                    assert_eq!(values.len(), fields.len());
                    for (value, field) in values.iter().zip(fields) {
                        self.fits(self.one(value), field.1);
                    }
                }
                other => panic!("a struct of {other:?}"),
            },
            ExprKind::Elements(values) => match self.ty(of.ty) {
                Type::List(element) | Type::Array(element) => {
                    values.iter().for_each(|value| self.fits(self.one(value), *element));
                }
                other => panic!("elements of {other:?}"),
            },
            ExprKind::Field(object, field) => match self.ty(self.one(object)) {
                Type::Job(_) => assert!(*field < 3),
                _ => self.fits(of.ty, self.field(object, *field)),
            },
            ExprKind::Index { object, index, .. } => {
                self.one(object);
                assert!(matches!(self.ty(self.one(index)), Type::U));
            }
            ExprKind::Len(object) | ExprKind::Storage(object) | ExprKind::JobValue(object) => {
                self.one(object);
            }
            ExprKind::Service(_, keys) => each(keys),
            ExprKind::Request { key, words, page } => {
                self.one(key);
                each(words);
                page.iter().for_each(|page| {
                    self.one(page);
                });
                return Some(vec![of.ty; 2]);
            }
            ExprKind::Ask { key, words } => {
                self.one(key);
                each(words);
                return Some(vec![of.ty; 2]);
            }
            ExprKind::Sandbox(sandbox) => {
                if let Callee::Value(value) = &sandbox.callee {
                    self.one(value);
                }
                assert_eq!(sandbox.params.len(), sandbox.args.len());
                for (arg, &param) in sandbox.args.iter().zip(&sandbox.params) {
                    self.fits(self.one(arg), param);
                }
                for limit in [&sandbox.gas, &sandbox.words] {
                    assert!(matches!(self.ty(self.one(limit)), Type::U));
                }
                match &sandbox.outcome {
                    Outcome::Value => return Some(sandbox.results.clone()),
                    Outcome::Else(other) => self.fits(self.one(other), sandbox.results[0]),
                    Outcome::Job => assert!(matches!(self.ty(of.ty), Type::Job(_))),
                }
            }
            ExprKind::Resume { job, gas, words } => {
                assert!(matches!(self.ty(self.one(job)), Type::Job(_)));
                [gas, words].into_iter().for_each(|of| {
                    self.one(of);
                });
            }
            ExprKind::Cast(value) => {
                self.one(value);
            }
        }
        None
    }
}
