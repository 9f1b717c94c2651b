//! Which functions and constants need which, and in which order they are looked at.

use super::super::ast::{Expr, ExprKind, StmtKind};
use super::names::{Item, index};
use super::walk;
use super::{Checker, ConstInfo, FuncInfo};
use std::collections::BTreeSet;

/// What the program's own files declare: functions come first, then constants.
pub(super) struct Graph {
    /// What each mentions.
    mentions: Vec<Vec<u32>>,
    /// What each function calls directly, and not in a sandbox.
    calls: Vec<Vec<u32>>,
    yielding: Vec<bool>,
    /// Those of which it is not known whether they yield.
    unsure: Vec<bool>,
    functions: u32,
}

/// Which item an expression names, if it does.
pub(super) fn item_named(
    checker: &mut Checker<'_>,
    module: usize,
    locals: &BTreeSet<&str>,
    expr: &Expr<'_>,
) -> Option<Item> {
    match &expr.kind {
        ExprKind::Name(name) if !locals.contains(name) => checker.item(module, name),
        ExprKind::Member(of, name) => match &of.kind {
            ExprKind::Name(of) if !locals.contains(of) => match checker.item(module, of)? {
                Item::Module(index) => checker.item(index, name.text),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

impl Graph {
    /// Of the first functions, as many as are the program's own.
    pub(super) fn of(checker: &mut Checker<'_>, functions: usize) -> Self {
        let own = checker.consts.iter().take_while(|of| !checker.is_in_library(of.module));
        let count = functions + own.count();
        let mut graph = Self {
            mentions: vec![Vec::new(); count],
            calls: vec![Vec::new(); functions],
            yielding: vec![false; functions],
            unsure: checker.funcs[..functions].iter().map(|of| of.is_broken).collect(),
            functions: index(functions),
        };
        for function in 0..functions {
            let FuncInfo { module, ast, body, .. } = checker.funcs[function];
            let params = ast.iter().flat_map(|ast| &ast.params);
            let defaults = params.clone().filter_map(|param| param.default.as_ref());
            for default in defaults {
                graph.look(checker, function, module, &BTreeSet::new(), default);
            }
            let mut locals = walk::assigned(body);
            locals.extend(params.map(|param| param.name.text));
            walk::stmts(body, &mut |stmt| {
                graph.yielding[function] |= matches!(stmt.kind, StmtKind::Yield(_));
                if let StmtKind::Broken(_) = stmt.kind {
                    checker.funcs[function].is_broken = true;
                    graph.unsure[function] = true;
                }
                walk::exprs_of(stmt, &mut |expr| {
                    graph.look_once(checker, function, module, &locals, expr);
                });
            });
        }
        for node in functions..count {
            let ConstInfo { module, ast, .. } = checker.consts[node - functions];
            graph.look(checker, node, module, &BTreeSet::new(), &ast.value);
        }
        graph.spread_yielding();
        graph
    }

    fn look<'a>(
        &mut self,
        checker: &mut Checker<'a>,
        from: usize,
        module: usize,
        locals: &BTreeSet<&str>,
        expr: &'a Expr<'a>,
    ) {
        walk::exprs(expr, &mut |expr| self.look_once(checker, from, module, locals, expr));
    }

    fn look_once(
        &mut self,
        checker: &mut Checker<'_>,
        from: usize,
        module: usize,
        locals: &BTreeSet<&str>,
        expr: &Expr<'_>,
    ) {
        let constants = index(self.mentions.len()) - self.functions;
        match item_named(checker, module, locals, expr) {
            Some(Item::Func(index)) if index < self.functions => self.mentions[from].push(index),
            Some(Item::Const(index)) if index < constants => self.mentions[from].push(self.functions + index),
            _ => {}
        }
        if let ExprKind::Call(callee, _) = &expr.kind
            && let Some(calls) = self.calls.get_mut(from)
        {
            match item_named(checker, module, locals, callee) {
                Some(Item::Func(index)) if index < self.functions => calls.push(index),
                Some(Item::Lost) => self.unsure[from] = true,
                _ => {}
            }
        }
    }

    /// Whoever calls a function that yields, yields.
    fn spread_yielding(&mut self) {
        let mut callers = vec![Vec::new(); self.calls.len()];
        for (caller, called) in self.calls.iter().enumerate() {
            for &callee in called {
                callers[callee as usize].push(caller);
            }
        }
        for yields in [&mut self.yielding, &mut self.unsure] {
            let mut work: Vec<_> = (0..yields.len()).filter(|&index| yields[index]).collect();
            while let Some(index) = work.pop() {
                for &caller in &callers[index] {
                    if !std::mem::replace(&mut yields[caller], true) {
                        work.push(caller);
                    }
                }
            }
        }
    }

    /// How many functions there are.
    pub(super) fn functions(&self) -> u32 {
        self.functions
    }

    pub(super) fn yields(&self, function: usize) -> bool {
        self.yielding[function]
    }

    /// Whether it may yield in what could not be parsed.
    pub(super) fn loses_yields(&self, function: usize) -> bool {
        self.unsure[function]
    }

    /// Whether it mentions itself.
    pub(super) fn is_recursive(&self, node: u32) -> bool {
        self.mentions[node as usize].contains(&node)
    }

    /// Groups of what needs one another, each behind those that it needs (Tarjan's algorithm, without recursion).
    pub(super) fn groups(&self) -> Vec<Vec<u32>> {
        const NEW: u32 = u32::MAX;
        let count = self.mentions.len();
        let (mut number, mut low) = (vec![NEW; count], vec![0; count]);
        let (mut open, mut path) = (Vec::new(), Vec::<(usize, usize)>::new());
        let mut is_open = vec![false; count];
        let mut groups = Vec::new();
        let mut next = 0;
        for start in 0..count {
            if number[start] != NEW {
                continue;
            }
            path.push((start, 0));
            while let Some((node, edge)) = path.last_mut() {
                let at = *node;
                if *edge == 0 {
                    (number[at], low[at], is_open[at]) = (next, next, true);
                    next += 1;
                    open.push(at);
                }
                if let Some(&to) = self.mentions[at].get(*edge) {
                    *edge += 1;
                    let to = to as usize;
                    if number[to] == NEW {
                        path.push((to, 0));
                    } else if is_open[to] {
                        low[at] = low[at].min(number[to]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(above, _)) = path.last() {
                    low[above] = low[above].min(low[at]);
                }
                if low[at] == number[at] {
                    let mut group = Vec::new();
                    while let Some(member) = open.pop() {
                        is_open[member] = false;
                        group.push(u32::try_from(member).unwrap_or(0));
                        if member == at {
                            break;
                        }
                    }
                    group.sort_unstable();
                    groups.push(group);
                }
            }
        }
        groups
    }
}
