//! What is known of a whole program: which texts, bytes and arrays have lengths that are known when it is compiled, and
//! which calls may change lists.
//!
//! A variable has such a length if all that is ever assigned to it has, a parameter if all arguments have, a result if all
//! values that are returned have. Nothing that comes out of a sandbox has: the callee is not trusted.

use super::Known;
use crate::entish::hir::{
    Callee, Expr, ExprKind, Func, FuncId, LocalId, Outcome, Program, Stmt, StmtKind, Type, TypeId,
};
use crate::entish::visit::{Part, expr_parts, plain, stmt_parts};
use std::collections::{BTreeMap, BTreeSet};

/// Functions of the runtime that change lists that there were before.
const CHANGING: [&str; 7] = ["append", "pop", "insert", "remove", "extend", "reserve", "clear"];

/// What is known of the program.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    nodes: BTreeMap<Node, usize>,
    values: Vec<Value>,
    /// Where a value goes to, too.
    edges: Vec<Vec<usize>>,
    /// Functions that may change lists, themselves or through what they call.
    changing: BTreeSet<FuncId>,
}

/// What has a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Local(FuncId, LocalId),
    /// The only result of a function.
    Result(FuncId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Nothing has come there.
    None,
    Known(u64),
    Unknown,
}

impl Lengths {
    pub(super) fn new(program: &Program, known: &Known, order: &[FuncId], values: &BTreeSet<FuncId>) -> Self {
        let mut lengths = Self::default();
        let mut callers: BTreeMap<FuncId, Vec<FuncId>> = BTreeMap::new();
        let mut calls_values = Vec::new();
        for &id in order {
            let func = &program.funcs[id.0 as usize];
            if values.contains(&id) {
                for param in 0..func.params {
                    lengths.comes(program, Node::Local(id, LocalId(param)), Source::Value(Value::Unknown));
                }
            }
            let mut looker = Looker {
                program,
                known,
                lengths: &mut lengths,
                func: (id, func),
                callees: BTreeSet::new(),
                calls_values: false,
            };
            looker.stmts(&func.body);
            let (callees, any) = (looker.callees, looker.calls_values);
            callees.into_iter().for_each(|callee| callers.entry(callee).or_default().push(id));
            if any {
                calls_values.push(id);
            }
        }
        lengths.spread();
        let is_changing = |id: &&FuncId| {
            let func = &program.funcs[id.0 as usize];
            let name = func.name.strip_prefix("runtime.list_").filter(|_| func.in_library);
            name.is_some_and(|name| CHANGING.contains(&name))
        };
        let mut open: Vec<FuncId> = order.iter().filter(is_changing).copied().collect();
        open.extend(calls_values);
        while let Some(id) = open.pop() {
            if lengths.changing.insert(id) {
                open.extend(callers.get(&id).into_iter().flatten());
            }
        }
        lengths
    }

    /// The length that a variable's value has, always.
    pub(super) fn of(&self, func: FuncId, local: LocalId) -> Option<u64> {
        let &node = self.nodes.get(&Node::Local(func, local))?;
        match self.values[node] {
            Value::Known(length) => Some(length),
            _ => None,
        }
    }

    /// Whether an expression may change lists, besides by its parts.
    pub(super) fn changes_lists(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Call(callee, _) => self.changing.contains(callee),
            ExprKind::CallValue(..) => true,
            _ => false,
        }
    }

    fn node(&mut self, node: Node) -> usize {
        let next = self.values.len();
        let at = *self.nodes.entry(node).or_insert(next);
        if at == next {
            self.values.push(Value::None);
            self.edges.push(Vec::new());
        }
        at
    }

    /// Notes that something has, among others, a length from there.
    fn comes(&mut self, program: &Program, to: Node, from: Source) {
        let typ = match to {
            Node::Local(func, local) => program.funcs[func.0 as usize].locals.get(local.0 as usize),
            Node::Result(func) => program.funcs[func.0 as usize].results.first(),
        };
        if !typ.is_some_and(|&typ| has_length(program, typ)) {
            return;
        }
        let to = self.node(to);
        match from {
            Source::Value(value) => self.values[to] = join(self.values[to], value),
            Source::Node(from) => {
                let from = self.node(from);
                self.edges[from].push(to);
            }
        }
    }

    fn spread(&mut self) {
        let mut open: Vec<usize> = (0..self.values.len()).collect();
        while let Some(from) = open.pop() {
            for &to in &self.edges[from] {
                let new = join(self.values[to], self.values[from]);
                if new != self.values[to] {
                    self.values[to] = new;
                    open.push(to);
                }
            }
        }
    }
}

const fn join(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::None, other) | (other, Value::None) => other,
        (Value::Known(a), Value::Known(b)) if a == b => Value::Known(a),
        _ => Value::Unknown,
    }
}

/// Whether values of a type keep their lengths.
fn has_length(program: &Program, typ: TypeId) -> bool {
    matches!(program.types[typ.0 as usize], Type::Text | Type::Bytes | Type::Array(_))
}

/// Where a length comes from.
enum Source {
    Value(Value),
    Node(Node),
}

struct Looker<'a> {
    program: &'a Program,
    known: &'a Known,
    lengths: &'a mut Lengths,
    func: (FuncId, &'a Func),
    callees: BTreeSet<FuncId>,
    calls_values: bool,
}

impl Looker<'_> {
    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            let id = self.func.0;
            match &stmt.kind {
                StmtKind::Set(local, value) => self.comes(Node::Local(id, *local), value),
                StmtKind::SetMany(locals, _) => {
                    for &local in locals {
                        let unknown = Source::Value(Value::Unknown);
                        self.lengths.comes(self.program, Node::Local(id, local), unknown);
                    }
                }
                StmtKind::Return(values) => {
                    if let [value] = &values[..] {
                        self.comes(Node::Result(id), value);
                    }
                }
                StmtKind::ReturnCall(value) => self.comes(Node::Result(id), value),
                _ => {}
            }
            stmt_parts(stmt, &mut |part| self.part(part));
        }
    }

    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Expr(of) => self.expr(of),
            Part::Stmts(of) => self.stmts(of),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(callee, args) => {
                self.callees.insert(*callee);
                self.arguments(*callee, args);
            }
            ExprKind::CallValue(..) => self.calls_values = true,
            ExprKind::Sandbox(of) => {
                if let Callee::Func(callee) = of.callee {
                    self.arguments(callee, &of.args);
                }
                debug_assert!(!matches!(&of.outcome, Outcome::Else(other) if other.ty != expr.ty));
            }
            _ => {}
        }
        expr_parts(expr, &mut |part| self.part(part));
    }

    fn arguments(&mut self, callee: FuncId, args: &[Expr]) {
        for (param, arg) in (0..).zip(args) {
            self.comes(Node::Local(callee, LocalId(param)), arg);
        }
    }

    /// Notes that something may be a value.
    fn comes(&mut self, to: Node, value: &Expr) {
        let unknown = Source::Value(Value::Unknown);
        let from = match &plain(value).kind {
            ExprKind::If { then, otherwise, .. } => {
                self.comes(to, then);
                return self.comes(to, otherwise);
            }
            ExprKind::Block(_, value) => return self.comes(to, value),
            ExprKind::Elements(values) if has_length(self.program, value.ty) => {
                Source::Value(Value::Known(values.len() as u64))
            }
            ExprKind::Text(text) => Source::Value(Value::Known(text.len() as u64)),
            ExprKind::Bytes(bytes) => Source::Value(Value::Known(bytes.len() as u64)),
            ExprKind::Call(callee, args) if self.known.sized.contains(callee) => {
                match args.first().map(|length| &length.kind) {
                    Some(&ExprKind::Word(length)) => Source::Value(Value::Known(length)),
                    _ => unknown,
                }
            }
            &ExprKind::Call(callee, _) if self.has_length_result(callee) => {
                Source::Node(Node::Result(callee))
            }
            &ExprKind::Local(local) if self.has_length(local) => {
                Source::Node(Node::Local(self.func.0, local))
            }
            _ => unknown,
        };
        self.lengths.comes(self.program, to, from);
    }

    fn has_length(&self, local: LocalId) -> bool {
        self.func.1.locals.get(local.0 as usize).is_some_and(|&typ| has_length(self.program, typ))
    }

    fn has_length_result(&self, callee: FuncId) -> bool {
        match self.program.funcs[callee.0 as usize].results[..] {
            [result] => has_length(self.program, result),
            _ => false,
        }
    }
}
