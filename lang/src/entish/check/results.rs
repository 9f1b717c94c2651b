//! How many results functions without an arrow have, before their types are known.

use super::super::ast::{Expr, ExprKind, StmtKind};
use super::graph::item_named;
use super::names::Item;
use super::{Checker, FuncInfo, walk};
use std::collections::{BTreeMap, BTreeSet};

/// What the `return` statements of a function say of the number of its results.
#[derive(Clone, Copy, Debug)]
enum Count {
    Known(usize),
    /// As many as this function has.
    AsOf(u32),
}

impl Checker<'_> {
    /// Gives each function of the group its results, of types that are not known yet where they are not written.
    pub(super) fn count_results(&mut self, members: &[u32]) {
        let mut counts = BTreeMap::new();
        for &member in members {
            if self.funcs[member as usize].results.is_none() {
                counts.insert(member, self.count(member as usize));
            }
        }
        for &member in members {
            // Who returns what another one returns has as many results; who returns only his own has one.
            let (mut chain, mut at) = (Vec::new(), member);
            let known = loop {
                match counts.get(&at) {
                    None => break self.funcs[at as usize].results.as_ref().map_or(1, Vec::len),
                    Some(&Count::Known(count)) => break count,
                    Some(&Count::AsOf(next)) => {
                        chain.push(at);
                        counts.insert(at, Count::Known(1));
                        at = next;
                    }
                }
            };
            for link in chain {
                counts.insert(link, Count::Known(known));
            }
        }
        for (member, count) in counts {
            if let Count::Known(count) = count {
                let results = (0..count).map(|_| self.types.unknown()).collect();
                self.funcs[member as usize].results = Some(results);
            }
        }
    }

    fn count(&mut self, function: usize) -> Count {
        let FuncInfo { module, ast, body, .. } = self.funcs[function];
        let mut locals = walk::assigned(body);
        locals.extend(ast.iter().flat_map(|ast| &ast.params).map(|param| param.name.text));
        let mut found = None;
        walk::stmts(body, &mut |stmt| {
            if let StmtKind::Return(values) = &stmt.kind
                && !values.is_empty()
                && !matches!(found, Some(Count::Known(_)))
            {
                let count = match &values[..] {
                    [value] => self.count_of(module, &locals, value),
                    values => Count::Known(values.len()),
                };
                found = found.filter(|_| matches!(count, Count::AsOf(_))).or(Some(count));
            }
        });
        found.unwrap_or(Count::Known(usize::from(self.funcs[function].is_broken)))
    }

    fn count_of(&mut self, module: usize, locals: &BTreeSet<&str>, value: &Expr<'_>) -> Count {
        let (ExprKind::Call(callee, _) | ExprKind::Sandbox { callee, .. }) = &value.kind else {
            return Count::Known(1);
        };
        match item_named(self, module, locals, callee) {
            Some(Item::Func(index)) => {
                self.declare(index as usize);
                match &self.funcs[index as usize].results {
                    Some(results) => Count::Known(results.len()),
                    None => Count::AsOf(index),
                }
            }
            _ => Count::Known(1),
        }
    }
}
