//! One function while it is looked at.

use super::super::ast::{Name, Param, Span};
use super::super::hir::{Expr, ExprKind, LocalId, Place, Stmt, StmtKind, TypeId};
use super::flow::Flow;
use super::names::{Item, index};
use super::types::{Clash, Node, Ty};
use super::{Checker, Made, consts, say, walk};
use crate::Diagnostic;
use keyvm_isa::Op;
use std::collections::{BTreeMap, BTreeSet};

/// A variable of the function, or one that the checker adds.
#[derive(Debug)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    /// How many variables before have its name, which means this one from then on.
    namesakes: u32,
    pub(super) ty: Ty,
    /// Where it is assigned first.
    pub(super) span: Span,
}

/// Types of variables that were found, by the names of these and how many with the same names were before.
pub(super) type Found<'a> = BTreeMap<(&'a str, u32), Ty>;

/// A loop around the statement.
#[derive(Debug)]
pub(super) struct Around {
    /// The ways that leave it by `break`.
    pub(super) breaks: Flow,
}

/// Why a function is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// To find out the types of its group: what is wrong is not reported.
    Probe,
    /// If a type is not known where it is needed, once more.
    First,
    Last,
}

pub(super) struct Body<'c, 'a> {
    pub(super) cx: &'c mut Checker<'a>,
    pub(super) module: usize,
    /// The function; `None` in a constant.
    pub(super) function: Option<usize>,
    /// The functions of its group.
    pub(super) group: &'c [u32],
    pub(super) letters: Vec<char>,
    pub(super) variables: Vec<Variable<'a>>,
    pub(super) by_name: BTreeMap<&'a str, LocalId>,
    /// All variables that are assigned anywhere.
    pub(super) assigned: BTreeSet<&'a str>,
    /// Types of variables from an earlier attempt.
    known: Found<'a>,
    pub(super) flow: Flow,
    pub(super) around: Vec<Around>,
    /// Hidden variables of type `u` that can be used again, and those in use.
    free: Vec<LocalId>,
    taken: Vec<LocalId>,
    attempt: Attempt,
    /// A type was needed that is not known.
    pub(super) again: bool,
    /// A new map whose keys are not known.
    pub(super) open_map: Option<Span>,
}

/// The type of an expression while its function is looked at.
pub(super) fn ty(of: &Expr) -> Ty {
    Ty(of.ty.0)
}

impl<'c, 'a> Body<'c, 'a> {
    fn new(cx: &'c mut Checker<'a>, module: usize, attempt: Attempt) -> Self {
        Self {
            cx,
            module,
            function: None,
            group: &[],
            letters: Vec::new(),
            variables: Vec::new(),
            by_name: BTreeMap::new(),
            assigned: BTreeSet::new(),
            known: BTreeMap::new(),
            flow: Flow::start(),
            around: Vec::new(),
            free: Vec::new(),
            taken: Vec::new(),
            attempt,
            again: false,
            open_map: None,
        }
    }

    /// Finds the value of a constant, on which no other one of its group depends.
    pub(super) fn constant(cx: &mut Checker<'a>, index: usize) {
        let (module, ast) = (cx.consts[index].module, cx.consts[index].ast);
        let mut body = Body::new(cx, module, Attempt::Last);
        let value = body.expr(&ast.value, None);
        let value = body.expect_constant(value, &ast.value.span);
        cx.consts[index].value = value;
    }

    /// The value, if it is a constant.
    fn expect_constant(&mut self, value: Expr, span: &Span) -> Option<Expr> {
        if self.cx.types.is_broken(ty(&value)) {
            return None;
        }
        if matches!(value.kind, ExprKind::Word(_) | ExprKind::Text(_)) {
            return Some(value);
        }
        self.say(say::no_constant(span));
        None
    }

    /// Finds the default values of a function's parameters.
    pub(super) fn defaults(cx: &mut Checker<'a>, index: usize) {
        let Some(ast) = cx.funcs[index].ast else { return };
        let mut body = Body::new(cx, 0, Attempt::Last);
        body.module = body.cx.funcs[index].module;
        let mut defaults = Vec::new();
        for (number, Param { default, .. }) in ast.params.iter().enumerate() {
            let want = body.cx.funcs[index].params[number];
            defaults.push(default.as_ref().and_then(|default| {
                let value = body.expr_as(default, want);
                match body.expect_constant(value, &default.span) {
                    // Reported already; the parameter has a default all the same.
                    None => Some(body.word(0, Ty::BROKEN, &default.span)),
                    value => value,
                }
            }));
        }
        cx.funcs[index].defaults = defaults;
    }

    /// Looks at a function; gives the types of its variables.
    pub(super) fn function(
        cx: &mut Checker<'a>,
        index: usize,
        group: &[u32],
        known: Found<'a>,
        attempt: Attempt,
    ) -> Found<'a> {
        let errors = cx.errors.len();
        let (again, known) = Self::attempt(cx, index, group, known, attempt);
        if !again || attempt != Attempt::First {
            return known;
        }
        cx.errors.truncate(errors);
        Self::attempt(cx, index, group, known, Attempt::Last).1
    }

    fn attempt(
        cx: &mut Checker<'a>,
        index: usize,
        group: &[u32],
        known: Found<'a>,
        attempt: Attempt,
    ) -> (bool, Found<'a>) {
        let errors = cx.errors.len();
        let func = &cx.funcs[index];
        let (module, ast, stmts, letters) = (func.module, func.ast, func.body, func.letters.clone());
        let mut body = Body::new(cx, module, attempt);
        body.function = Some(index);
        body.group = group;
        body.letters = letters;
        body.known = known;
        body.assigned = walk::assigned(stmts);
        for (number, param) in ast.iter().flat_map(|ast| &ast.params).enumerate() {
            let ty = body.cx.funcs[index].params[number];
            let local = body.variable(&param.name, ty);
            body.flow.assign(local.0 as usize);
        }
        let given = body.cx.given.filter(|_| index == body.cx.main as usize);
        let made = match given {
            Some(given) => body.input(given, stmts),
            None => body.block(stmts),
        };
        if body.flow.is_reached()
            && let Some(ast) = ast
            && body.cx.funcs[index].results.as_ref().is_some_and(|results| !results.is_empty())
            && !body.cx.funcs[index].loses_results()
        {
            body.say(say::no_return(&ast.name, ast.results.is_some()));
        }
        body.report_open_variables(errors);
        body.report_open_map(errors);
        let Body { variables, again, .. } = body;
        let named = variables.iter().filter(|of| !of.name.is_empty());
        let known = named.map(|of| ((of.name, of.namesakes), of.ty)).collect();
        let locals = variables.into_iter().map(|of| of.ty).collect();
        cx.funcs[index].made = Some(Made { locals, body: made });
        (again, known)
    }

    /// Variables of whose types something is unknown at the end.
    fn report_open_variables(&mut self, errors: usize) {
        // What else is wrong may be why.
        if self.cx.errors.len() > errors || self.is_broken() {
            return;
        }
        for index in 0..self.variables.len() {
            let (name, ty) = (self.variables[index].name, self.variables[index].ty);
            if !name.is_empty() && self.cx.types.is_open(ty) {
                let shown = self.cx.types.show(ty);
                let span = self.variables[index].span.clone();
                // The results of the group's functions are found out by then.
                if self.attempt == Attempt::First {
                    self.again = true;
                }
                self.say(say::open_variable(&span, name, &shown));
            }
        }
    }

    /// A map whose keys are not known, if nothing else was said of it.
    fn report_open_map(&mut self, errors: usize) {
        if let Some(span) = self.open_map.take()
            && self.cx.errors.len() == errors
        {
            self.say(say::unknown_here(&span));
        }
    }

    // ---- Variables -------------------------------------------------------------------------------------

    /// Adds a variable with a name, which means it from now on.
    pub(super) fn variable(&mut self, name: &Name<'a>, ty: Ty) -> LocalId {
        let namesakes = self.namesakes(name.text);
        let local = self.add(Variable { name: name.text, namesakes, ty, span: name.span.clone() });
        self.by_name.insert(name.text, local);
        local
    }

    fn add(&mut self, variable: Variable<'a>) -> LocalId {
        self.variables.push(variable);
        LocalId(u32::try_from(self.variables.len() - 1).unwrap_or(u32::MAX))
    }

    /// How many variables have a name so far.
    fn namesakes(&self, name: &str) -> u32 {
        self.by_name.get(name).map_or(0, |local| self.variables[local.0 as usize].namesakes + 1)
    }

    /// The variable that is assigned here, made with this type if it is new.
    pub(super) fn assigned_variable(&mut self, name: &Name<'a>, ty: Ty) -> LocalId {
        match self.by_name.get(name.text) {
            Some(&local) => local,
            None => self.new_variable(name, ty),
        }
    }

    /// The variable of a loop over elements of a type: if there is one with its name and another type, a new one.
    pub(super) fn loop_variable(&mut self, name: &Name<'a>, ty: Ty) {
        if let Some(&local) = self.by_name.get(name.text) {
            let has = self.variables[local.0 as usize].ty;
            if !self.cx.types.may_be_one(has, ty) {
                self.new_variable(name, ty);
            }
        }
    }

    fn new_variable(&mut self, name: &Name<'a>, ty: Ty) -> LocalId {
        let ty = match self.known.get(&(name.text, self.namesakes(name.text))) {
            Some(&known)
                if !self.cx.types.is_broken(known)
                    && !self.cx.types.is_broken(ty)
                    && self.cx.types.unify(known, ty).is_ok() =>
            {
                known
            }
            _ => ty,
        };
        self.variable(name, ty)
    }

    /// The type that a value for this variable should have.
    pub(super) fn variable_type(&self, name: &str) -> Option<Ty> {
        let local = self.by_name.get(name);
        local.map(|local| self.variables[local.0 as usize].ty).or_else(|| self.known.get(&(name, 0)).copied())
    }

    /// A hidden variable, until the statement ends.
    pub(super) fn hidden(&mut self, ty: Ty) -> LocalId {
        let ty = self.cx.types.root(ty);
        if ty != Ty::U {
            return self.add(Variable { name: "", namesakes: 0, ty, span: 0..0 });
        }
        let local = self.free.pop();
        let local = local.unwrap_or_else(|| self.add(Variable { name: "", namesakes: 0, ty, span: 0..0 }));
        self.taken.push(local);
        local
    }

    /// Runs it, and then frees the hidden variables it took.
    pub(super) fn releasing<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        let mark = self.taken.len();
        let result = run(self);
        self.free.extend(self.taken.drain(mark..));
        result
    }

    // ---- Saying what is wrong --------------------------------------------------------------------------

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        let module = self.module;
        self.cx.say(module, diagnostic);
    }

    /// Reports, and gives an expression in place of what was meant.
    pub(super) fn broken(&mut self, diagnostic: Diagnostic, span: &Span) -> Expr {
        self.say(diagnostic);
        self.word(0, Ty::BROKEN, span)
    }

    /// In place of what has been reported, or of what is looked at again because its type is not known yet.
    pub(super) fn hole(&mut self, span: &Span) -> Expr {
        let of = if self.attempt == Attempt::Last { Ty::BROKEN } else { self.cx.types.unknown() };
        self.word(0, of, span)
    }

    /// In place of what is made of something of this type, about which nothing can be said.
    pub(super) fn hole_of(&mut self, of: Ty, span: &Span) -> Expr {
        if self.cx.types.is_broken(of) { self.word(0, Ty::BROKEN, span) } else { self.hole(span) }
    }

    /// Whether something of the function could not be parsed.
    pub(super) fn is_broken(&self) -> bool {
        self.function.is_some_and(|function| self.cx.funcs[function].is_broken)
    }

    /// Whether nobody will read what is wrong.
    pub(super) fn is_probe(&self) -> bool {
        self.attempt == Attempt::Probe
    }

    pub(super) fn show(&mut self, ty: Ty) -> String {
        self.cx.types.show(ty)
    }

    /// What the type is, at its top. Where it is not known, the function is looked at again; if it is not known
    /// then either, that is reported.
    pub(super) fn head(&mut self, ty: Ty, span: &Span) -> Node {
        let node = self.cx.types.node(ty);
        if !matches!(node, Node::Unknown { .. }) {
            return node;
        }
        self.again = true;
        if self.attempt == Attempt::Last {
            self.say(say::unknown_here(span));
        }
        Node::Broken
    }

    /// Makes the type of `value` the one that is expected, or reports it.
    pub(super) fn expect(&mut self, value: &mut Expr, want: Ty, span: &Span) {
        match self.cx.types.unify(ty(value), want) {
            Ok(()) => {}
            Err(clash) => {
                let diagnostic = self.clash(clash, want, ty(value), span);
                let hint = say::hint_of_value(&self.cx.types.node(want), &value.kind);
                self.say(diagnostic.maybe_hint(hint));
                value.ty = TypeId(Ty::BROKEN.0);
            }
        }
    }

    pub(super) fn clash(&mut self, clash: Clash, want: Ty, found: Ty, span: &Span) -> Diagnostic {
        let (want_node, found_node) = (self.cx.types.node(want), self.cx.types.node(found));
        let (want, found) = (self.show(want), self.show(found));
        match clash {
            Clash::Different => say::mismatch(span, &want, &found, say::conversion(&want_node, &found_node)),
            Clash::TooLarge => say::type_too_large(span, &want),
        }
    }

    // ---- What is made ----------------------------------------------------------------------------------

    pub(super) fn place(&self, span: &Span) -> Place {
        Place { file: index(self.module), span: span.clone() }
    }

    pub(super) fn make(&self, kind: ExprKind, ty: Ty, span: &Span) -> Expr {
        Expr { kind, ty: TypeId(ty.0), place: self.place(span) }
    }

    pub(super) fn stmt_of(&self, kind: StmtKind, span: &Span) -> Stmt {
        Stmt { kind, place: self.place(span) }
    }

    pub(super) fn word(&self, word: u64, ty: Ty, span: &Span) -> Expr {
        self.make(ExprKind::Word(word), ty, span)
    }

    pub(super) fn local(&self, local: LocalId, span: &Span) -> Expr {
        self.make(ExprKind::Local(local), self.variables[local.0 as usize].ty, span)
    }

    pub(super) fn text(&self, text: &str, span: &Span) -> Expr {
        self.make(ExprKind::Text(text.into()), Ty::TEXT, span)
    }

    /// An instruction without immediates, or what it gives if that is known and it does not trap.
    pub(super) fn op<const N: usize>(&self, op: Op, operands: [Expr; N], ty: Ty, span: &Span) -> Expr {
        let words = operands.each_ref().map(|operand| match operand.kind {
            ExprKind::Word(word) => Some(word),
            _ => None,
        });
        let known = match words[..] {
            [Some(a)] => consts::unary(op, a),
            [Some(a), Some(b)] => consts::binary(op, a, b),
            _ => None,
        };
        match known {
            Some(word) => self.word(word, ty, span),
            None => {
                let kind = ExprKind::Op { op, imms: Vec::new(), operands: operands.into() };
                self.make(kind, ty, span)
            }
        }
    }

    /// The same word as another type.
    pub(super) fn cast(&self, value: Expr, ty: Ty, span: &Span) -> Expr {
        match value.kind {
            ExprKind::Word(word) => self.word(word, ty, span),
            _ => self.make(ExprKind::Cast(Box::new(value)), ty, span),
        }
    }

    pub(super) fn not(&self, value: Expr, span: &Span) -> Expr {
        match value.kind {
            ExprKind::Word(word) => self.word(u64::from(word == 0), Ty::BOOL, span),
            ExprKind::Not(inner) => *inner,
            _ => self.make(ExprKind::Not(Box::new(value)), Ty::BOOL, span),
        }
    }

    /// The length of what is indexed by numbers.
    pub(super) fn len(&self, object: Expr, span: &Span) -> Expr {
        match &object.kind {
            ExprKind::Text(text) => self.word(text.len() as u64, Ty::U, span),
            _ => self.make(ExprKind::Len(Box::new(object)), Ty::U, span),
        }
    }

    /// A call of a function of the runtime.
    pub(super) fn runtime(&mut self, name: &str, args: Vec<Expr>, ty: Ty, span: &Span) -> Expr {
        match self.cx.runtime(name) {
            Some(function) => self.make(ExprKind::Call(function, args), ty, span),
            None => self.broken(say::no_runtime(span, name), span),
        }
    }

    /// Statements and then a value; the value alone if there are none.
    pub(super) fn block_of(&self, stmts: Vec<Stmt>, value: Expr, span: &Span) -> Expr {
        if stmts.is_empty() {
            return value;
        }
        let ty = ty(&value);
        self.make(ExprKind::Block(stmts, Box::new(value)), ty, span)
    }

    /// Something that gives `value` and can be evaluated several times, in any order; what must be done before it is
    /// added to `stmts`.
    pub(super) fn keep(&mut self, value: Expr, stmts: &mut Vec<Stmt>) -> Expr {
        if is_plain(&value) {
            return value;
        }
        let span = value.place.span.clone();
        let local = self.hidden(ty(&value));
        // A hidden variable that is used again has its own type.
        let kept = self.make(ExprKind::Local(local), ty(&value), &span);
        stmts.push(self.stmt_of(StmtKind::Set(local, value), &span));
        kept
    }

    /// The value of a block, whose statements go before; nothing else of the statement is evaluated before it.
    pub(super) fn hoist(&self, value: Expr, made: &mut Vec<Stmt>) -> Expr {
        match value.kind {
            ExprKind::Block(mut stmts, value) => {
                made.append(&mut stmts);
                *value
            }
            _ => value,
        }
    }

    pub(super) fn item(&mut self, name: &str) -> Option<Item> {
        self.cx.item(self.module, name)
    }

    /// Whether a variable with this name is assigned somewhere in the function. What is assigned to a constant, a struct or a file
    /// makes none, and is reported there.
    pub(super) fn may_be_assigned(&mut self, name: &str) -> bool {
        self.assigned.contains(name)
            && !matches!(self.item(name), Some(Item::Const(_) | Item::Struct(_) | Item::Module(_)))
    }
}

/// Whether it can be evaluated several times, and before or after other expressions.
pub(super) fn is_plain(value: &Expr) -> bool {
    matches!(
        value.kind,
        ExprKind::Word(_) | ExprKind::Local(_) | ExprKind::Text(_) | ExprKind::None | ExprKind::Func(_)
    )
}
