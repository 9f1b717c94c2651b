//! Which functions a program needs, and what each of them needs in turn.

use super::runtime::{self, Called};
use crate::entish::check::Checked;
use crate::entish::files::Wrong;
use crate::entish::hir::{
    Callee, Expr, ExprKind, Func, FuncId, Outcome, Program, Stmt, StmtKind, Type, TypeId,
};
use keyvm_isa::layout::MEMORY_DATA;
use keyvm_isa::{ImmKind, Op};
use std::collections::{BTreeMap, BTreeSet};

/// What a function needs of the process that it runs in, itself or through what it calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Memory 2.
    pub(super) heap: bool,
    /// The key to the code.
    pub(super) code: bool,
    /// It calls functions that are values. Whoever does that may come anywhere: he can forge one.
    pub(super) strays: bool,
}

/// What is known of all functions.
#[derive(Debug)]
pub(super) struct Reach {
    /// The functions that are needed, the main programs first.
    pub(super) order: Vec<FuncId>,
    needs: BTreeMap<FuncId, Needs>,
    /// Functions that are values somewhere.
    pub(super) values: BTreeSet<FuncId>,
    /// Those of the library that are needed by their names.
    of_library: BTreeMap<&'static str, FuncId>,
}

/// What a function's own body does.
#[derive(Default)]
struct Own {
    calls: Vec<Called>,
    /// Called in sandboxes.
    boxed: Vec<Called>,
    values: Vec<FuncId>,
    needs: Needs,
}

impl Reach {
    /// If it is `open`, functions may be called as values that are not of this program. What is needed of the library is
    /// checked.
    ///
    /// # Errors
    /// What is wrong in it.
    pub(super) fn new(checked: &mut Checked<'_>, mains: &[FuncId], open: bool) -> Result<Self, Vec<Wrong>> {
        let mut known: BTreeSet<FuncId> = BTreeSet::new();
        let mut order: Vec<_> = mains.iter().copied().filter(|&main| known.insert(main)).collect();
        let mut callers: BTreeMap<FuncId, Vec<FuncId>> = BTreeMap::new();
        let mut call_values: Vec<FuncId> = Vec::new();
        let mut needs: BTreeMap<FuncId, Needs> = BTreeMap::new();
        let mut values: BTreeSet<FuncId> = BTreeSet::new();
        let mut of_library: BTreeMap<&'static str, FuncId> = BTreeMap::new();
        let mut next = 0;
        while let Some(&id) = order.get(next) {
            next += 1;
            checked.need(id)?;
            let mut own = Own::default();
            let program = &checked.program;
            Visitor { program, own: &mut own }.func(&program.funcs[id.0 as usize]);
            let Own { calls, boxed, values: found, needs: mut of_own } = own;
            if of_own.strays && open {
                of_own = Needs { heap: true, code: true, strays: true };
            }
            needs.insert(id, of_own);
            let mut id_of = |called: Called| match called {
                Called::Func(id) => id,
                Called::OfLibrary(name) => {
                    *of_library.entry(name).or_insert_with(|| checked.of_library(name))
                }
            };
            for called in calls {
                let callee = id_of(called);
                callers.entry(callee).or_default().push(id);
                order.extend(known.insert(callee).then_some(callee));
            }
            order.extend(boxed.into_iter().map(id_of).filter(|&callee| known.insert(callee)));
            if of_own.strays {
                call_values.push(id);
            }
            order.extend(found.iter().filter(|&&value| known.insert(value)));
            values.extend(found);
        }
        // A call of a value may be a call of any function that is a value.
        for &value in &values {
            callers.entry(value).or_default().extend(&call_values);
        }
        let mut changed = order.clone();
        while let Some(callee) = changed.pop() {
            let of_callee = needs[&callee];
            for caller in callers.get(&callee).into_iter().flatten() {
                let before = needs[caller];
                let after = before.and(of_callee);
                if after != before {
                    needs.insert(*caller, after);
                    changed.push(*caller);
                }
            }
        }
        Ok(Self { order, needs, values, of_library })
    }

    /// A function of the library that is needed.
    ///
    /// # Panics
    /// If it is not: what generates code asks for what [`Self::new`] has found.
    pub(super) fn of_library(&self, name: &'static str) -> FuncId {
        self.of_library[name]
    }

    /// What a sandboxed call of a function has to hand over.
    pub(super) fn needs_of(&self, id: FuncId) -> Needs {
        let needs = self.needs.get(&id).copied().unwrap_or_default();
        // Whoever calls a value does not know which function it is.
        Needs { code: needs.code || self.values.contains(&id), ..needs }
    }
}

impl Needs {
    const fn and(self, other: Self) -> Self {
        Self {
            heap: self.heap || other.heap,
            code: self.code || other.code,
            strays: self.strays || other.strays,
        }
    }
}

/// Whether values of a type are references to objects that are copied across a border.
pub(super) fn is_object(program: &Program, ty: TypeId) -> bool {
    matches!(
        program.types[ty.0 as usize],
        Type::Text | Type::Bytes | Type::Array(_) | Type::List(_) | Type::Map(..) | Type::Struct { .. }
    )
}

/// Whether values of these types, together, can refer to no object that can be changed in two ways: `std/flat.et` copies
/// these.
pub(super) fn is_flat(program: &Program, types: &[TypeId]) -> bool {
    let of = |ty: TypeId| &program.types[ty.0 as usize];
    let never_changes = |ty: TypeId| !is_object(program, ty) || matches!(of(ty), Type::Text);
    let mut seen = BTreeSet::new();
    let mut open = types.to_vec();
    while let Some(ty) = open.pop() {
        if never_changes(ty) {
            continue;
        }
        if !seen.insert(ty) {
            return false;
        }
        match of(ty) {
            Type::Array(of) | Type::List(of) if !never_changes(*of) => return false,
            Type::Map(key, value) if !never_changes(*key) || !never_changes(*value) => return false,
            Type::Struct { fields, .. } => open.extend(fields.iter().map(|field| field.1)),
            _ => {}
        }
    }
    true
}

/// Whether it is an array or a list in which there are no references.
pub(super) fn is_of_numbers(program: &Program, ty: TypeId) -> bool {
    let (Type::Array(of) | Type::List(of)) = program.types[ty.0 as usize] else { return false };
    matches!(program.types[of.0 as usize], Type::U | Type::I | Type::F | Type::Bool | Type::Func { .. })
}

/// Whether it is a map from numbers, and it is known that they are.
pub(super) fn has_numbers_as_keys(program: &Program, ty: TypeId) -> bool {
    let Type::Map(key, _) = program.types[ty.0 as usize] else { return false };
    matches!(program.types[key.0 as usize], Type::U | Type::I | Type::Bool)
}

/// Whether type letters are part of what a function takes or gives.
pub(super) fn is_generic_func(program: &Program, id: FuncId) -> bool {
    let func = &program.funcs[id.0 as usize];
    let params = &func.locals[..func.params as usize];
    params.iter().chain(&func.results).any(|&ty| is_generic(program, ty))
}

/// Whether a type letter is part of a type.
pub(super) fn is_generic(program: &Program, ty: TypeId) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![ty];
    while let Some(ty) = open.pop() {
        if !seen.insert(ty) {
            continue;
        }
        match &program.types[ty.0 as usize] {
            Type::Any => return true,
            Type::Array(of) | Type::List(of) | Type::Job(Some(of)) => open.push(*of),
            Type::Map(key, value) => open.extend([*key, *value]),
            Type::Struct { fields, .. } => open.extend(fields.iter().map(|field| field.1)),
            Type::Func { params, results } => open.extend(params.iter().chain(results)),
            _ => {}
        }
    }
    false
}

struct Visitor<'a> {
    program: &'a Program,
    own: &'a mut Own,
}

impl Visitor<'_> {
    fn func(&mut self, func: &Func) {
        self.stmts(&func.body);
    }

    fn heap(&mut self, calls: &[&'static str]) {
        self.own.needs.heap = true;
        self.calls(calls);
    }

    fn calls(&mut self, calls: &[&'static str]) {
        self.own.calls.extend(calls.iter().map(|&name| Called::OfLibrary(name)));
    }

    /// It hands over values of these types in a page.
    fn packs(&mut self, types: &[TypeId]) {
        self.heap(&[runtime::ALLOCATE, runtime::border(self.program, types).pack]);
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Expr(expr)
            | StmtKind::Set(_, expr)
            | StmtKind::SetMany(_, expr)
            | StmtKind::ReturnCall(expr) => self.expr(expr),
            StmtKind::Yield(expr) => {
                if is_object(self.program, expr.ty) {
                    self.packs(&[expr.ty]);
                }
                self.expr(expr);
            }
            StmtKind::SetField { object, value, .. } => {
                self.own.needs.heap = true;
                self.expr(object);
                self.expr(value);
            }
            StmtKind::SetIndex { object, index, value, .. } => {
                self.own.needs.heap = true;
                self.expr(object);
                self.expr(index);
                self.expr(value);
            }
            StmtKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.stmts(then);
                self.stmts(otherwise);
            }
            StmtKind::Loop { cond, body, step } => {
                cond.iter().for_each(|cond| self.expr(cond));
                self.stmts(body);
                self.stmts(step);
            }
            StmtKind::Return(values) => values.iter().for_each(|value| self.expr(value)),
            StmtKind::Assert { cond, message } => {
                self.expr(cond);
                message.iter().for_each(|message| self.expr(message));
            }
            StmtKind::Break | StmtKind::Continue => {}
        }
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Word(_) | ExprKind::None | ExprKind::Local(_) => {}
            ExprKind::Text(_) => self.own.needs.heap = true,
            ExprKind::Bytes(_) => self.heap(&[runtime::BYTES_SLICE]),
            ExprKind::Op { op, imms, operands } => {
                self.own.needs.heap |= touches_memory(*op, imms, operands);
                self.exprs(operands);
            }
            ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Not(a) | ExprKind::Cast(a) => self.expr(a),
            ExprKind::If { cond, then, otherwise } => {
                self.expr(cond);
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Block(stmts, value) => {
                self.stmts(stmts);
                self.expr(value);
            }
            ExprKind::Func(id) => self.own.values.push(*id),
            ExprKind::Call(id, args) => {
                self.own.calls.push(runtime::callee(self.program, *id, args, expr.ty));
                self.exprs(args);
            }
            ExprKind::CallValue(callee, args) => {
                self.own.needs.strays = true;
                self.expr(callee);
                self.exprs(args);
            }
            ExprKind::Service(id, keys) => {
                self.own.needs.code = true;
                self.own.boxed.push(Called::Func(*id));
                self.heap(&[runtime::SERVICE_HANG, runtime::SERVICE_BEGUN]);
                self.exprs(keys);
            }
            ExprKind::Request { key, words, page } => {
                self.expr(key);
                self.exprs(words);
                page.iter().for_each(|page| self.expr(page));
            }
            ExprKind::Ask { key, words } => {
                self.calls(&[runtime::DROP_ARRIVED, runtime::QUESTION, runtime::ASK]);
                self.expr(key);
                self.exprs(words);
            }
            ExprKind::Struct(fields) => {
                self.heap(&[runtime::ALLOCATE]);
                self.exprs(fields);
            }
            ExprKind::Elements(elements) => {
                self.heap(&[runtime::ARRAY_ROOM, runtime::LIST_OF]);
                self.exprs(elements);
            }
            ExprKind::Field(object, _) | ExprKind::Len(object) | ExprKind::Storage(object) => {
                self.own.needs.heap = true;
                self.expr(object);
            }
            ExprKind::Index { object, index, .. } => {
                self.own.needs.heap = true;
                self.expr(object);
                self.expr(index);
            }
            ExprKind::Sandbox(sandbox) => {
                self.own.needs.code = true;
                if sandbox.params.iter().any(|&ty| is_object(self.program, ty)) {
                    self.packs(&sandbox.params);
                }
                if sandbox.results.iter().any(|&ty| is_object(self.program, ty)) {
                    self.heap(&[runtime::border(self.program, &sandbox.results).take]);
                }
                if sandbox.params.iter().any(|&ty| matches!(self.program.types[ty.0 as usize], Type::Key)) {
                    self.calls(&[runtime::CAN_SEND]);
                }
                match &sandbox.callee {
                    Callee::Func(id) => {
                        self.own.boxed.push(Called::Func(*id));
                        let func = &self.program.funcs[id.0 as usize];
                        self.entry(&func.locals[..func.params as usize], &func.results);
                    }
                    Callee::Value(value) => self.expr(value),
                }
                match &sandbox.outcome {
                    Outcome::Value => {}
                    Outcome::Else(value) => {
                        self.calls(&[runtime::ABANDON]);
                        self.expr(value);
                    }
                    Outcome::Job => {
                        self.heap(&[runtime::JOB_NEW, runtime::JOB_FAILED]);
                    }
                }
                self.exprs(&sandbox.args);
                self.expr(&sandbox.gas);
                self.expr(&sandbox.words);
            }
            ExprKind::Resume { job, gas, words } => {
                self.heap(&[runtime::JOB_PROCESS, runtime::JOB_UPDATE]);
                self.expr(job);
                self.expr(gas);
                self.expr(words);
            }
            ExprKind::JobValue(job) => {
                self.heap(&[runtime::JOB_VALUE]);
                self.expr(job);
            }
        }
        if let (ExprKind::Func(_), Type::Func { params, results }) =
            (&expr.kind, &self.program.types[expr.ty.0 as usize])
        {
            self.entry(params, results);
        }
    }

    /// What the beginning of a sandboxed call calls.
    fn entry(&mut self, params: &[TypeId], results: &[TypeId]) {
        if params.iter().any(|&ty| is_object(self.program, ty)) {
            self.own.boxed.push(Called::OfLibrary(runtime::border(self.program, params).unpack));
        }
        if results.iter().any(|&ty| is_object(self.program, ty)) {
            let pack = runtime::border(self.program, results).pack;
            self.own.boxed.extend([Called::OfLibrary(runtime::ALLOCATE), Called::OfLibrary(pack)]);
        }
    }
}

/// Whether an instruction may reach memory 2.
fn touches_memory(op: Op, imms: &[u64], operands: &[Expr]) -> bool {
    let data = u64::from(MEMORY_DATA);
    let mut memories = op.info().imms.iter().zip(imms).filter(|(imm, _)| imm.kind == ImmKind::Memory);
    if matches!(op, Op::Mempush | Op::Memwrite | Op::Memlen | Op::Memresize) {
        return !matches!(operands.first(), Some(Expr { kind: ExprKind::Word(memory), .. }) if *memory != data);
    }
    memories.any(|(_, &memory)| memory == data)
}
