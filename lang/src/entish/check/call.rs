//! Calls of functions, and what calls give.

use super::super::ast::{self, Arg, ExprKind as Ast, Name, Span};
use super::super::hir::{Expr, ExprKind, FuncId};
use super::body::{Body, ty};
use super::expr::is_flexible;
use super::names::Item;
use super::types::{Node, Ty};
use super::{builtin, say};
use std::collections::BTreeMap;

/// What a function takes and gives in one use of it.
pub(super) struct Called {
    pub(super) params: Vec<Ty>,
    pub(super) results: Vec<Ty>,
    pub(super) yields: Option<Ty>,
}

/// What a call gives, with the types of all its results.
pub(super) type Many = (Expr, Vec<Ty>);

/// What is called.
pub(super) enum Target<'a> {
    Item(Item, &'a str),
    Builtin(&'a str),
    /// A method, or a field that is a function.
    Method(&'a ast::Expr<'a>, &'a Name<'a>),
    Value,
}

impl<'a> Body<'_, 'a> {
    /// A call that must give one value.
    pub(super) fn one_of_call(&mut self, expr: &'a ast::Expr<'a>, want: Option<Ty>) -> Expr {
        let (mut value, results) = self.many(expr, want);
        match results[..] {
            [of] => {
                value.ty = super::super::hir::TypeId(of.0);
                value
            }
            _ => {
                let yields = match &expr.kind {
                    Ast::Call(callee, _) | Ast::Sandbox { callee, .. } => self.yielding(callee).is_some(),
                    _ => false,
                };
                self.broken(say::not_one_value(&expr.span, results.len(), yields), &expr.span)
            }
        }
    }

    /// An expression that may give several values, or none.
    pub(super) fn many(&mut self, expr: &'a ast::Expr<'a>, want: Option<Ty>) -> Many {
        let span = &expr.span;
        match &expr.kind {
            Ast::Call(callee, args) => self.call(callee, args, want, span),
            Ast::Sandbox { callee, gas, words, args, otherwise } => {
                self.sandbox(callee, [gas, words], args, otherwise.as_deref(), want, span)
            }
            Ast::Try(of) => self.job(of, span),
            Ast::Machine(name, args) => self.machine(name, args, span),
            _ => one(self.expr(expr, want)),
        }
    }

    pub(super) fn target(&mut self, callee: &'a ast::Expr<'a>) -> Target<'a> {
        match &callee.kind {
            Ast::Name(name) => {
                let variable = self.by_name.get(name).map(|local| self.variables[local.0 as usize].ty);
                if variable.is_some() || self.may_be_assigned(name) {
                    // A number called `f` does not hide the function `f`.
                    return match builtin::is_function(name) && self.item(name).is_none() {
                        true => Target::Builtin(name),
                        false => Target::Value,
                    };
                }
                match self.item(name) {
                    Some(item) => Target::Item(item, name),
                    None if builtin::is_function(name) => Target::Builtin(name),
                    None => Target::Value,
                }
            }
            Ast::Member(of, name) => match self.module_member(of) {
                Some(module) => match self.cx.item(module, name.text) {
                    Some(item @ (Item::Func(_) | Item::Struct(_))) => Target::Item(item, name.text),
                    _ => Target::Value,
                },
                None => Target::Method(of, name),
            },
            _ => Target::Value,
        }
    }

    fn call(
        &mut self,
        callee: &'a ast::Expr<'a>,
        args: &'a [Arg<'a>],
        want: Option<Ty>,
        span: &Span,
    ) -> Many {
        let target = match self.target(callee) {
            // A variable that is a function hides a built-in one.
            Target::Builtin(name) if self.is_function_variable(name) => Target::Value,
            target => target,
        };
        match target {
            Target::Item(Item::Func(index), name) => self.call_function(index, name, args, want, span),
            Target::Item(Item::Struct(_), name) => {
                self.loose(args);
                one(self.broken(say::struct_called(span, name), span))
            }
            Target::Builtin(name) => self.call_builtin(name, args, want, span),
            Target::Method(of, name) => self.call_method(of, name, args, span),
            Target::Item(..) | Target::Value => {
                let value = match callee.kind {
                    Ast::Name(name) => self.name(name, &callee.span, true),
                    _ => self.expr(callee, None),
                };
                self.call_value(value, args, &callee.span, span)
            }
        }
    }

    pub(super) fn is_function_variable(&mut self, name: &str) -> bool {
        let variable = self.by_name.get(name).map(|local| self.variables[local.0 as usize].ty);
        variable.is_some_and(|ty| matches!(self.cx.types.node(ty), Node::Func(..)))
    }

    /// Looks at arguments of what cannot be called.
    pub(super) fn loose(&mut self, args: &'a [Arg<'a>]) {
        for arg in args {
            self.flexible(&arg.value, None);
        }
    }

    /// What a function takes and gives in this use.
    pub(super) fn signature(&mut self, index: u32, span: &Span) -> Called {
        self.cx.declare(index as usize);
        let func = &self.cx.funcs[index as usize];
        let (params, yields) = (func.params.clone(), func.yields);
        let results = match func.loses_results() {
            true => vec![Ty::BROKEN],
            false => func.results.clone().unwrap_or_default(),
        };
        if func.letters.is_empty() {
            return Called { params, results, yields };
        }
        if !func.written && !results.is_empty() && self.group.contains(&index) {
            let name = self.cx.funcs[index as usize].name.clone();
            self.say(say::generic_recursion(span, &name));
        }
        let mut given = BTreeMap::new();
        let mut all = |types: Vec<Ty>| -> Vec<Ty> {
            types.into_iter().map(|ty| self.cx.types.instantiate(ty, &mut given)).collect()
        };
        let (params, results) = (all(params), all(results));
        let yields = yields.map(|ty| self.cx.types.instantiate(ty, &mut given));
        Called { params, results, yields }
    }

    fn call_function(
        &mut self,
        index: u32,
        name: &str,
        args: &'a [Arg<'a>],
        want: Option<Ty>,
        span: &Span,
    ) -> Many {
        let called = self.signature(index, span);
        if let (&[result], Some(want)) = (&called.results[..], want)
            && !self.cx.funcs[index as usize].letters.is_empty()
        {
            // What is expected says what a type parameter is; if it does not fit, that is reported with the value.
            let _ = self.cx.types.unify(result, want);
        }
        let (stmts, values) = self.arguments(index, name, &called.params, args, span);
        if let Some(yields) = called.yields {
            self.yields(yields, span, None);
        }
        let ty = called.results.first().copied().unwrap_or(Ty::U);
        let value = self.make(ExprKind::Call(FuncId(index), values), ty, span);
        (self.block_of(stmts, value, span), called.results)
    }

    /// What this function yields is of this type: a `value`, or what a function yields that it calls.
    pub(super) fn yields(&mut self, found: Ty, span: &Span, value: Option<&ExprKind>) {
        let Some(own) = self.function.and_then(|function| self.cx.funcs[function].yields) else { return };
        if self.cx.types.unify(own, found).is_err() {
            let is_main = self.function == Some(self.cx.main as usize);
            let (own, found) = (self.show(own), self.show(found));
            self.say(match is_main {
                true => say::main_yields(span, &found, value),
                false => say::yields_other(span, &own, &found),
            });
        }
    }

    /// The arguments of a call of a function that is declared, in the order of its parameters.
    pub(super) fn arguments(
        &mut self,
        index: u32,
        name: &str,
        params: &[Ty],
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> (Vec<super::super::hir::Stmt>, Vec<Expr>) {
        let func = &self.cx.funcs[index as usize];
        let (defaults, ast) = (func.defaults.clone(), func.ast);
        let declared = (func.module == self.module).then_some(ast).flatten().map(|ast| ast.span.clone());
        let names: Vec<_> = ast.iter().flat_map(|ast| &ast.params).map(|param| param.name.text).collect();
        let given: Vec<_> = args.iter().map(|arg| (arg.name.as_ref(), &arg.value)).collect();
        let slots =
            self.slots(&given, &names, |of| say::unknown_parameter(of, name, &names, declared.as_ref()));
        let positional = given.iter().filter(|given| given.0.is_none()).count();
        let mut filled = vec![false; names.len()];
        // Literals take the type that a type parameter has by the other arguments.
        let mut values: Vec<Option<(usize, Expr)>> = Vec::new();
        for (slot, (_, value)) in slots.iter().zip(&given) {
            values.push(match *slot {
                Some(slot) => {
                    filled[slot] = true;
                    let later = is_flexible(value) && self.cx.types.is_unknown(params[slot]);
                    (!later).then(|| (slot, self.expr_as(value, params[slot])))
                }
                None => {
                    self.flexible(value, None);
                    None
                }
            });
        }
        for (value, (slot, (_, expr))) in values.iter_mut().zip(slots.iter().zip(&given)) {
            if let (None, Some(slot)) = (&value, *slot) {
                let mut found = self.flexible(expr, Some(params[slot]));
                self.expect(&mut found, params[slot], &expr.span);
                *value = Some((slot, found));
            }
        }
        let missing: Vec<_> = (0..names.len())
            .filter(|&slot| !filled[slot] && defaults.get(slot).is_none_or(Option::is_none))
            .map(|slot| names[slot])
            .collect();
        if positional > names.len() {
            let diagnostic = say::wrong_arguments(span, name, names.len(), positional, declared.as_ref());
            self.say(diagnostic);
        } else if !missing.is_empty() && slots.iter().all(Option::is_some) {
            let of = self.cx.funcs[index as usize].module;
            let beside: Vec<_> = self.cx.candidates(of, |item| matches!(item, Item::Func(_))).collect();
            let diagnostic = say::missing_arguments(span, name, &missing, declared.as_ref(), &beside);
            self.say(diagnostic);
        }
        let mut order: Vec<_> = values.iter().flatten().map(|value| value.0).collect();
        order.sort_unstable();
        let (stmts, values) = self.in_order(values.into_iter().flatten().collect());
        let mut values = order.into_iter().zip(values).peekable();
        let mut all = Vec::new();
        for slot in 0..names.len() {
            match values.next_if(|value| value.0 == slot) {
                Some((_, value)) => all.push(value),
                None => all.extend(defaults.get(slot).cloned().flatten().map(|mut value| {
                    value.place = self.place(span);
                    value
                })),
            }
        }
        (stmts, all)
    }

    /// The arguments of a call of a value, by position.
    pub(super) fn positional(&mut self, params: &[Ty], args: &'a [Arg<'a>], span: &Span) -> Vec<Expr> {
        let mut values = Vec::new();
        for (number, arg) in args.iter().enumerate() {
            if let Some(name) = &arg.name {
                self.say(say::no_names(name, ""));
            }
            match params.get(number) {
                Some(&param) => values.push(self.expr_as(&arg.value, param)),
                None => drop(self.flexible(&arg.value, None)),
            }
        }
        if args.len() != params.len() {
            self.say(say::wrong_arguments(span, "this function", params.len(), args.len(), None));
        }
        values
    }

    fn call_value(&mut self, value: Expr, args: &'a [Arg<'a>], callee: &Span, span: &Span) -> Many {
        let of = ty(&value);
        match self.head(of, callee) {
            Node::Func(params, results) => {
                let args = self.positional(&params, args, span);
                let ty = results.first().copied().unwrap_or(Ty::U);
                (self.make(ExprKind::CallValue(Box::new(value), args), ty, span), results.to_vec())
            }
            Node::Broken => {
                self.loose(args);
                one(self.hole_of(of, span))
            }
            node => {
                self.loose(args);
                let shown = self.show(of);
                let diagnostic = say::no_function(callee, &shown, matches!(node, Node::Job(_)));
                one(self.broken(diagnostic, span))
            }
        }
    }

    fn call_method(
        &mut self,
        of: &'a ast::Expr<'a>,
        name: &'a Name<'a>,
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> Many {
        let object = self.expr(of, None);
        let of_type = ty(&object);
        let node = self.head(of_type, &of.span);
        if let Some(method) = builtin::method(&node, name.text) {
            return self.call_known_method(method, object, &node, args, span);
        }
        match node {
            Node::Key if name.text == "ask" => self.ask(object, args, span),
            Node::Struct(index) => match self.field_of(index, name) {
                Some((field, ty)) => match self.cx.types.node(ty) {
                    Node::Func(..) | Node::Job(_) | Node::Broken => {
                        let value = self.make(ExprKind::Field(Box::new(object), field), ty, span);
                        self.call_value(value, args, &name.span, span)
                    }
                    _ => {
                        self.loose(args);
                        one(self.called_field(of, name, span))
                    }
                },
                None => {
                    self.loose(args);
                    one(self.hole(span))
                }
            },
            Node::Broken => {
                self.loose(args);
                one(self.hole_of(of_type, span))
            }
            node if builtin::fields_of(&node).contains(&name.text) => {
                self.loose(args);
                one(self.called_field(of, name, span))
            }
            _ => {
                self.loose(args);
                let diagnostic = self.unknown_member(name, of_type);
                one(self.broken(diagnostic, span))
            }
        }
    }

    /// Reports `of.name(…)` of a field that is no function.
    fn called_field(&mut self, of: &ast::Expr<'_>, name: &Name<'_>, span: &Span) -> Expr {
        let owner = match of.kind {
            Ast::Name(owner) => owner,
            _ => "",
        };
        self.broken(say::called_field(name, owner), span)
    }
}

/// The value alone.
pub(super) fn one(value: Expr) -> Many {
    let of = ty(&value);
    (value, vec![of])
}
