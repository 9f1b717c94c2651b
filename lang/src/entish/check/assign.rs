//! Assignments.

use super::super::ast::{Binary, Expr as Ast, ExprKind as AstKind, Name, Span, Type};
use super::super::hir::{Check, Expr, ExprKind, Indexed, LocalId, Stmt, StmtKind};
use super::body::{Body, is_plain, ty};
use super::names::Item;
use super::say;
use super::types::{Node, Ty};
use keyvm_isa::Op;

/// What is assigned to, with its parts evaluated.
enum Place {
    Local(LocalId),
    Field {
        object: Expr,
        field: u32,
    },
    Index {
        kind: Indexed,
        object: Expr,
        index: Expr,
    },
    Map {
        map: Expr,
        key: Expr,
    },
    /// A word of a page.
    Page {
        key: Expr,
        index: Expr,
    },
    Broken,
}

impl<'a> Body<'_, 'a> {
    pub(super) fn assign(
        &mut self,
        written: Option<&'a Type<'a>>,
        targets: &'a [Ast<'a>],
        values: &'a [Ast<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let written = written.map(|ty| {
            let letters = self.letters.clone();
            self.cx.written(self.module, ty, &letters)
        });
        self.check_targets(targets);
        match (targets, values) {
            ([target], [value]) => self.assign_one(written, target, value, span, made),
            (targets, [value]) => self.assign_results(targets, value, span, made),
            (targets, values) if targets.len() == values.len() => {
                self.assign_several(targets, values, span, made);
            }
            (targets, values) => {
                values.iter().for_each(|value| drop(self.flexible(value, None)));
                self.say(say::wrong_count(span, targets.len(), values.len()));
                self.assign_broken(targets, made);
            }
        }
    }

    /// Reports a variable that is assigned to twice at once; `_` may be, since nobody asks what is in it.
    fn check_targets(&mut self, targets: &'a [Ast<'a>]) {
        let mut seen = std::collections::BTreeMap::new();
        for target in targets {
            let AstKind::Name(name) = target.kind else { continue };
            match seen.get(name) {
                Some(first) if name != "_" => self.say(say::target_twice(&target.span, name, first)),
                _ => drop(seen.insert(name, target.span.clone())),
            }
        }
    }

    /// Targets whose values have been reported.
    fn assign_broken(&mut self, targets: &'a [Ast<'a>], made: &mut Vec<Stmt>) {
        for target in targets {
            let value = self.word(0, Ty::BROKEN, &target.span);
            let (place, _) = self.place_of(target, made);
            self.set(place, target, value, &target.span, made);
        }
    }

    fn assign_one(
        &mut self,
        written: Option<Ty>,
        target: &'a Ast<'a>,
        value: &'a Ast<'a>,
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let AstKind::Name(name) = target.kind else {
            let (place, want) = self.place_of(target, made);
            let value = self.expr_as(value, want);
            return self.set(place, target, value, span, made);
        };
        let known = self.variable_type(name);
        let mut found = match written.or(known) {
            Some(want) => {
                let mut found = self.flexible(value, Some(want));
                if written.is_some() {
                    self.expect(&mut found, want, &value.span);
                }
                found
            }
            None => self.flexible(value, None),
        };
        if let (Some(written), Some(&local)) = (written, self.by_name.get(name)) {
            let variable = &self.variables[local.0 as usize];
            let (has, first) = (variable.ty, variable.span.clone());
            if self.cx.types.unify(has, written).is_err() {
                let (has, written) = (self.show(has), self.show(written));
                self.say(say::declared_otherwise(&target.span, name, &has, &written, &first));
                return;
            }
        }
        if let Some(written) = written {
            found.ty = super::super::hir::TypeId(written.0);
        }
        self.set_name(name, &target.span, found, &value.span, span, made);
    }

    /// Sets a variable, which is made if it is new.
    pub(super) fn set_name(
        &mut self,
        name: &'a str,
        at: &Span,
        mut value: Expr,
        value_span: &Span,
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        if !self.can_be_variable(name, at) {
            // Where it is used that is not reported again.
            let local = self.variable(&Name { text: name, span: at.clone() }, Ty::BROKEN);
            self.flow.assign(local.0 as usize);
            return;
        }
        let is_new = !self.by_name.contains_key(name);
        let name = Name { text: name, span: at.clone() };
        let local = self.assigned_variable(&name, ty(&value));
        let variable = &self.variables[local.0 as usize];
        let (has, first) = (variable.ty, variable.span.clone());
        if !is_new && self.cx.types.unify(has, ty(&value)).is_err() {
            let (want_node, found_node) = (self.cx.types.node(has), self.cx.types.node(ty(&value)));
            let conversion = say::conversion(&want_node, &found_node);
            let (want, found) = (self.show(has), self.show(ty(&value)));
            self.say(say::assigned_otherwise(value_span, name.text, &want, &found, &first, conversion));
            value = self.word(0, Ty::BROKEN, span);
            // Nobody knows which of the two is meant where it is used.
            self.variables[local.0 as usize].ty = Ty::BROKEN;
        }
        self.flow.assign(local.0 as usize);
        let value = self.hoist(value, made);
        made.push(self.stmt_of(StmtKind::Set(local, value), span));
    }

    /// Whether a variable may have this name; reported if not.
    fn can_be_variable(&mut self, name: &str, at: &Span) -> bool {
        match self.item(name) {
            Some(Item::Const(_)) if !self.by_name.contains_key(name) => {
                let first = self.cx.scopes[self.module].span(name).cloned();
                self.say(say::assigned_constant(at, name, first.as_ref()));
                false
            }
            Some(Item::Module(_) | Item::Struct(_)) if !self.by_name.contains_key(name) => {
                let first = self.cx.scopes[self.module].span(name).cloned();
                self.say(say::assigned_item(at, name, first.as_ref()));
                false
            }
            _ => true,
        }
    }

    /// `a, b = f()`
    fn assign_results(
        &mut self,
        targets: &'a [Ast<'a>],
        value: &'a Ast<'a>,
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let (call, results) = self.many(value, None);
        if results.len() != targets.len() {
            if !self.cx.types.is_broken(ty(&call)) || results.len() != 1 {
                self.say(say::wrong_count(span, targets.len(), results.len()));
            }
            return self.assign_broken(targets, made);
        }
        let mut locals = Vec::new();
        let mut later = Vec::new();
        let mut after = Vec::new();
        for (target, &result) in targets.iter().zip(&results) {
            match target.kind {
                AstKind::Name(name) => {
                    let value = self.word(0, result, &target.span);
                    let mark = after.len();
                    self.set_name(name, &target.span, value, &target.span, span, &mut after);
                    after.truncate(mark);
                    if let Some(&local) = self.by_name.get(name) {
                        locals.push(local);
                    }
                }
                _ => {
                    let local = self.hidden(result);
                    locals.push(local);
                    later.push((target, local, result));
                }
            }
        }
        let call = self.hoist(call, made);
        made.push(self.stmt_of(StmtKind::SetMany(locals, call), span));
        for (target, local, result) in later {
            let (place, want) = self.place_of(target, made);
            let mut value = self.make(ExprKind::Local(local), result, &target.span);
            self.expect(&mut value, want, &target.span);
            self.set(place, target, value, span, made);
        }
    }

    /// `a, b = b, a`: all values first.
    fn assign_several(
        &mut self,
        targets: &'a [Ast<'a>],
        values: &'a [Ast<'a>],
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        let mut kept = Vec::new();
        for (target, value) in targets.iter().zip(values) {
            let want = match target.kind {
                AstKind::Name(name) => self.variable_type(name),
                _ => None,
            };
            let found = self.flexible(value, want);
            // A variable may be one of the targets.
            kept.push(match found.kind {
                ExprKind::Local(_) => self.keep_in_hidden(found, made),
                _ => self.keep(found, made),
            });
        }
        // The last value that was kept can go where it belongs at once, if only variables are assigned.
        let names: Vec<_> = targets
            .iter()
            .filter_map(|target| match target.kind {
                AstKind::Name(name) => Some(name),
                _ => None,
            })
            .collect();
        if let [.., name] = names[..]
            && names.len() == targets.len()
            && !names[..names.len() - 1].contains(&name)
            && let Some(last) = kept.last().cloned()
            && let ExprKind::Local(hidden) = last.kind
            && let Some(Stmt { kind: StmtKind::Set(set, _), .. }) = made.last()
            && *set == hidden
            && let Some(Stmt { kind: StmtKind::Set(_, value), .. }) = made.pop()
        {
            kept.pop();
            let (target, at) = (targets.len() - 1, &values[values.len() - 1].span);
            self.set_name(name, &targets[target].span, value, at, span, made);
        }
        for (number, value) in kept.into_iter().enumerate() {
            let target = &targets[number];
            match target.kind {
                AstKind::Name(name) => {
                    self.set_name(name, &target.span, value, &values[number].span, span, made);
                }
                _ => {
                    let (place, want) = self.place_of(target, made);
                    let mut value = value;
                    self.expect(&mut value, want, &values[number].span);
                    self.set(place, target, value, span, made);
                }
            }
        }
    }

    pub(super) fn keep_in_hidden(&mut self, value: Expr, made: &mut Vec<Stmt>) -> Expr {
        let span = value.place.span.clone();
        let local = self.hidden(ty(&value));
        let kept = self.make(ExprKind::Local(local), ty(&value), &span);
        made.push(self.stmt_of(StmtKind::Set(local, value), &span));
        kept
    }

    /// What is assigned to, if it is no new variable, and the type that it has.
    fn place_of(&mut self, target: &'a Ast<'a>, made: &mut Vec<Stmt>) -> (Place, Ty) {
        match &target.kind {
            AstKind::Name(name) => match self.by_name.get(name) {
                Some(&local) => (Place::Local(local), self.variables[local.0 as usize].ty),
                None => (Place::Broken, Ty::BROKEN),
            },
            AstKind::Member(of, name) if self.module_member(of).is_none() => {
                let object = self.expr(of, None);
                let of_type = ty(&object);
                match self.head(of_type, &of.span) {
                    Node::Struct(index) => match self.field_of(index, name) {
                        Some((field, ty)) => (Place::Field { object, field }, ty),
                        None => (Place::Broken, Ty::BROKEN),
                    },
                    Node::Broken => (Place::Broken, Ty::BROKEN),
                    _ => {
                        let shown = self.show(of_type);
                        self.say(say::no_field_of(name, &shown));
                        (Place::Broken, Ty::BROKEN)
                    }
                }
            }
            AstKind::Index(of, index) => self.element_of(of, index, made),
            AstKind::Broken => (Place::Broken, Ty::BROKEN),
            _ => {
                self.say(say::no_target(&target.span));
                (Place::Broken, Ty::BROKEN)
            }
        }
    }

    fn element_of(&mut self, of: &'a Ast<'a>, index: &'a Ast<'a>, _: &mut Vec<Stmt>) -> (Place, Ty) {
        let object = self.expr(of, None);
        let of_type = ty(&object);
        match self.head(of_type, &of.span) {
            Node::Map(key, value) => {
                let key = self.expr_as(index, key);
                (Place::Map { map: object, key }, value)
            }
            Node::Key => {
                let index = self.unsigned(index, say::FROM_THE_END);
                (Place::Page { key: object, index }, Ty::U)
            }
            node => {
                let broken = matches!(node, Node::Broken);
                match Self::indexed(&node) {
                    Some((kind, element)) if kind != Indexed::Text => {
                        let index = self.unsigned(index, say::FROM_THE_END);
                        (Place::Index { kind, object, index }, element)
                    }
                    _ => {
                        self.flexible(index, None);
                        if !broken {
                            let shown = self.show(of_type);
                            self.say(say::no_element_assignment(&of.span, &shown));
                        }
                        (Place::Broken, Ty::BROKEN)
                    }
                }
            }
        }
    }

    fn set(&mut self, place: Place, target: &'a Ast<'a>, value: Expr, span: &Span, made: &mut Vec<Stmt>) {
        match place {
            Place::Local(local) => {
                self.flow.assign(local.0 as usize);
                made.push(self.stmt_of(StmtKind::Set(local, value), span));
            }
            Place::Field { object, field } => {
                made.push(self.stmt_of(StmtKind::SetField { object, field, value }, span));
            }
            Place::Index { kind, object, index } => {
                let check = Check::Length;
                made.push(self.stmt_of(StmtKind::SetIndex { kind, object, index, check, value }, span));
            }
            Place::Map { map, key } => {
                let stmt = self.map_set(map, key, value, span);
                made.push(stmt);
            }
            Place::Page { key, index } => {
                let memory = self.memory_beside(key, &[&index, &value], made, span);
                let operands = vec![memory, index, value];
                let kind = ExprKind::Op { op: Op::Memwrite, imms: Vec::new(), operands };
                let write = self.make(kind, Ty::U, span);
                made.push(self.only(write, span));
            }
            Place::Broken => {
                // A new variable all the same, so that it is not unknown below.
                if let AstKind::Name(name) = target.kind {
                    let value = self.word(0, Ty::BROKEN, span);
                    self.set_name(name, &target.span, value, &target.span, span, made);
                }
            }
        }
    }

    /// `target op= value`
    pub(super) fn update(
        &mut self,
        target: &'a Ast<'a>,
        op: Binary,
        value: &'a Ast<'a>,
        span: &Span,
        made: &mut Vec<Stmt>,
    ) {
        if let AstKind::Name(name) = target.kind {
            if !self.by_name.contains_key(name) && !self.can_be_variable(name, &target.span) {
                self.flexible(value, None);
                return;
            }
            let old = self.expr(target, None);
            let of = ty(&old);
            let new = self.updated(old, op, value, span);
            if let Some(&local) = self.by_name.get(name) {
                self.flow.assign(local.0 as usize);
                let mut new = new;
                self.expect(&mut new, of, span);
                made.push(self.stmt_of(StmtKind::Set(local, new), span));
            }
            return;
        }
        let (place, of) = self.place_of(target, made);
        let (place, old) = match place {
            Place::Field { object, field } => {
                let object = self.keep(object, made);
                let kind = ExprKind::Field(Box::new(object.clone()), field);
                let old = self.make(kind, of, &target.span);
                (Place::Field { object, field }, old)
            }
            Place::Index { kind, object, index } => {
                let object = self.keep(object, made);
                let index = self.keep(index, made);
                let (copy, at) = (Box::new(object.clone()), Box::new(index.clone()));
                let check = Check::Length;
                let old = ExprKind::Index { kind, object: copy, index: at, check };
                let old = self.make(old, of, &target.span);
                (Place::Index { kind, object, index }, old)
            }
            Place::Map { map, key } => {
                let map = self.keep(map, made);
                let key = self.keep(key, made);
                let old = self.runtime("map_get", vec![map.clone(), key.clone()], of, &target.span);
                (Place::Map { map, key }, old)
            }
            Place::Page { key, index } => {
                let key = self.keep(key, made);
                let index = self.keep(index, made);
                let memory = self.memory_of(key.clone(), &target.span);
                let old = self.op(Op::Mempush, [memory, index.clone()], Ty::U, &target.span);
                (Place::Page { key, index }, old)
            }
            place @ (Place::Local(_) | Place::Broken) => {
                let old = self.word(0, Ty::BROKEN, &target.span);
                (place, old)
            }
        };
        let mut new = self.updated(old, op, value, span);
        self.expect(&mut new, of, span);
        self.set(place, target, new, span, made);
    }

    /// `old op value`
    fn updated(&mut self, old: Expr, op: Binary, value: &'a Ast<'a>, span: &Span) -> Expr {
        let want = match op {
            Binary::Shl | Binary::Shr => Ty::U,
            _ => ty(&old),
        };
        let mut value = self.flexible(value, Some(want));
        if matches!(op, Binary::Shl | Binary::Shr) {
            let at = value.place.span.clone();
            self.expect(&mut value, want, &at);
        } else if !self.agree(op, &old, &mut value, true) {
            return self.word(0, Ty::BROKEN, span);
        }
        debug_assert!(is_plain(&old) || !matches!(old.kind, ExprKind::Block(..)));
        self.arithmetic(op, old, value, span)
    }
}
