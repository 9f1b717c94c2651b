//! Expressions that are no calls and no operators of two sides.

use super::super::ast::{self, ExprKind as Ast, Name, Span, Unary};
use super::super::hir::{Check, Expr, ExprKind, Indexed, Stmt, StmtKind};
use super::body::{Body, is_plain, ty};
use super::names::Item;
use super::types::{Node, Ty};
use super::{builtin, say};
use keyvm_isa::{Op, alu};

/// Whether it is made of integer literals alone, so that it takes the type that is expected of it.
pub(super) fn is_flexible(expr: &ast::Expr<'_>) -> bool {
    match &expr.kind {
        Ast::Int(_) => true,
        Ast::Unary(Unary::Neg | Unary::Plus | Unary::Invert, of) => is_flexible(of),
        Ast::Binary(op, a, b) => {
            use ast::Binary::{Add, BitAnd, BitOr, BitXor, Div, Mul, Rem, Shl, Shr, Sub};
            matches!(op, Add | BitAnd | BitOr | BitXor | Div | Mul | Rem | Shl | Shr | Sub)
                && is_flexible(b)
                && is_flexible(a)
        }
        _ => false,
    }
}

/// Whether it cannot be an `f`, although it is flexible: an operator of bits is in it.
fn has_bits(expr: &ast::Expr<'_>) -> bool {
    match &expr.kind {
        Ast::Unary(op, of) => *op == Unary::Invert || has_bits(of),
        Ast::Binary(op, a, b) => op.is_of_bits() || has_bits(a) || has_bits(b),
        _ => false,
    }
}

/// Whether it is seen to be no number.
fn is_no_number(expr: &ast::Expr<'_>) -> bool {
    matches!(
        expr.kind,
        Ast::Text(_)
            | Ast::Bytes(_)
            | Ast::Bool(_)
            | Ast::None
            | Ast::List(_)
            | Ast::Map(_)
            | Ast::Struct { .. }
            | Ast::Empty(_)
    )
}

/// Whether it is a known number below 0.
pub(super) fn is_negative(value: &Expr) -> bool {
    ty(value) == Ty::I && matches!(value.kind, ExprKind::Word(word) if word.cast_signed() < 0)
}

/// The type of a flexible expression of which none is expected.
fn default_type(expr: &ast::Expr<'_>) -> Ty {
    match &expr.kind {
        Ast::Unary(Unary::Neg, _) => Ty::I,
        Ast::Unary(_, of) => default_type(of),
        Ast::Binary(_, a, b) if default_type(a) == Ty::I || default_type(b) == Ty::I => Ty::I,
        _ => Ty::U,
    }
}

impl<'a> Body<'_, 'a> {
    /// An expression of one value. `want` is the type that is expected, for literals; it need not be of that type.
    pub(super) fn expr(&mut self, expr: &'a ast::Expr<'a>, want: Option<Ty>) -> Expr {
        let span = &expr.span;
        match &expr.kind {
            Ast::Int(number) => self.int(*number, want, span),
            Ast::Float(number) => self.word(number.to_bits(), Ty::F, span),
            Ast::Bool(value) => self.word(u64::from(*value), Ty::BOOL, span),
            Ast::None => {
                let ty = self.cx.types.add(Node::Unknown { of_none: true });
                self.make(ExprKind::None, ty, span)
            }
            Ast::Text(text) => self.text(text, span),
            Ast::Bytes(bytes) => self.make(ExprKind::Bytes(bytes.clone()), Ty::BYTES, span),
            Ast::Name(name) => self.name(name, span, false),
            Ast::List(elements) => self.elements(elements, want, span),
            Ast::Map(entries) => self.map(entries, want, span),
            Ast::Struct { module, name, fields } => self.new_struct(module.as_ref(), name, fields, span),
            Ast::Unary(op, of) => self.unary(*op, of, want, span),
            Ast::Binary(op, a, b) => self.binary(*op, a, b, want, span),
            Ast::If { cond, then, otherwise } => self.choice(cond, then, otherwise, want, span),
            Ast::Member(of, name) => self.member(of, name, span),
            Ast::Index(of, index) => self.index(of, index, span),
            Ast::Slice(of, from, to) => self.slice(of, from.as_deref(), to.as_deref(), span),
            Ast::Call(..) | Ast::Sandbox { .. } | Ast::Try(_) | Ast::Machine(..) => {
                self.one_of_call(expr, want)
            }
            Ast::Empty(ty) => self.empty(ty, span),
            Ast::Broken => self.word(0, Ty::BROKEN, span),
        }
    }

    /// An expression of this type.
    pub(super) fn expr_as(&mut self, expr: &'a ast::Expr<'a>, want: Ty) -> Expr {
        let mut value = self.expr(expr, Some(want));
        self.expect(&mut value, want, &expr.span);
        value
    }

    /// A `u`, for which `hint` says what to write in place of a negative number.
    pub(super) fn unsigned(&mut self, expr: &'a ast::Expr<'a>, hint: &str) -> Expr {
        let mut value = self.expr(expr, Some(Ty::U));
        if is_negative(&value) {
            return self.broken(say::negative(&expr.span, hint), &expr.span);
        }
        self.expect(&mut value, Ty::U, &expr.span);
        value
    }

    /// A condition: a `bool`, or a `u` or `i`, which is true if it is not 0.
    pub(super) fn cond(&mut self, expr: &'a ast::Expr<'a>) -> Expr {
        let value = self.expr(expr, None);
        match self.head(ty(&value), &expr.span) {
            Node::Bool | Node::U | Node::I | Node::Broken => value,
            node => {
                let shown = self.show(ty(&value));
                let is_struct = matches!(node, Node::Struct(_));
                self.broken(say::no_condition(&expr.span, &shown, is_struct), &expr.span)
            }
        }
    }

    /// A flexible expression, or one of any other kind.
    pub(super) fn flexible(&mut self, expr: &'a ast::Expr<'a>, want: Option<Ty>) -> Expr {
        let want = want.filter(|&want| !self.cx.types.is_unknown(want));
        let want = want.or_else(|| is_flexible(expr).then(|| default_type(expr)));
        self.expr(expr, want)
    }

    fn int(&mut self, number: u64, want: Option<Ty>, span: &Span) -> Expr {
        match want.map(|want| self.cx.types.node(want)) {
            Some(Node::F) => self.word(alu::utof(number), Ty::F, span),
            Some(Node::I) if number > i64::MAX.cast_unsigned() => {
                self.broken(say::int_too_large(span, &number.to_string()), span)
            }
            Some(Node::I) => self.word(number, Ty::I, span),
            _ => self.word(number, Ty::U, span),
        }
    }

    fn unary(&mut self, op: Unary, of: &'a ast::Expr<'a>, want: Option<Ty>, span: &Span) -> Expr {
        if let (Unary::Neg, &Ast::Int(number)) = (op, &of.kind) {
            return match want.map(|want| self.cx.types.node(want)) {
                Some(Node::F) => self.word(alu::fneg(alu::utof(number)), Ty::F, span),
                _ if number > 1 << 63 => self.broken(say::int_too_large(span, &format!("-{number}")), span),
                _ => self.word(number.wrapping_neg(), Ty::I, span),
            };
        }
        if op == Unary::Not {
            let value = self.expr_as(of, Ty::BOOL);
            return self.not(value, span);
        }
        let want = if op == Unary::Invert { self.of_bits(want) } else { want };
        let value = self.expr(of, want);
        let of_type = ty(&value);
        match (op, self.head(of_type, &of.span)) {
            (_, Node::Broken) => value,
            (Unary::Plus, Node::U | Node::I | Node::F) => value,
            (Unary::Neg, Node::F) => self.op(Op::Fneg, [value], Ty::F, span),
            (Unary::Neg, Node::U | Node::I) => {
                let zero = self.word(0, of_type, span);
                self.op(Op::Sub, [zero, value], of_type, span)
            }
            (Unary::Invert, Node::U | Node::I) => self.op(Op::Not, [value], of_type, span),
            _ => {
                let shown = self.show(of_type);
                self.broken(say::no_unary(span, op, &shown, &of.span), span)
            }
        }
    }

    fn choice(
        &mut self,
        cond: &'a ast::Expr<'a>,
        then: &'a ast::Expr<'a>,
        otherwise: &'a ast::Expr<'a>,
        want: Option<Ty>,
        span: &Span,
    ) -> Expr {
        let cond = self.cond(cond);
        let (then, mut other) = self.sides(then, otherwise, want);
        self.expect(&mut other, ty(&then), &otherwise.span);
        if let ExprKind::Word(word) = cond.kind {
            return if word != 0 { then } else { other };
        }
        let of = ty(&then);
        let kind = ExprKind::If { cond: Box::new(cond), then: Box::new(then), otherwise: Box::new(other) };
        self.make(kind, of, span)
    }

    /// Two expressions that should have the same type: a flexible one takes that of the other.
    pub(super) fn sides(
        &mut self,
        a: &'a ast::Expr<'a>,
        b: &'a ast::Expr<'a>,
        want: Option<Ty>,
    ) -> (Expr, Expr) {
        match (is_flexible(a), is_flexible(b)) {
            (true, false) => {
                let b = self.expr(b, want);
                let a = self.flexible(a, Some(ty(&b)));
                (a, b)
            }
            (true, true) => {
                let number = want.filter(|&want| match self.cx.types.node(want) {
                    Node::U | Node::I => true,
                    Node::F => !has_bits(a) && !has_bits(b),
                    _ => false,
                });
                let signed = default_type(a) == Ty::I || default_type(b) == Ty::I;
                let want = number.unwrap_or(if signed { Ty::I } else { Ty::U });
                (self.expr(a, Some(want)), self.expr(b, Some(want)))
            }
            (false, _) => {
                let a = self.expr(a, want);
                let b = self.flexible(b, Some(ty(&a)));
                (a, b)
            }
        }
    }

    // ---- Names -----------------------------------------------------------------------------------------

    pub(super) fn name(&mut self, name: &'a str, span: &Span, is_called: bool) -> Expr {
        if let Some(&local) = self.by_name.get(name) {
            let of = self.variables[local.0 as usize].ty;
            if !self.flow.has(local.0 as usize) && !self.cx.types.is_broken(of) {
                self.flow.assign(local.0 as usize);
                let first = self.variables[local.0 as usize].span.clone();
                self.say(say::maybe_unassigned(span, name, &first));
            }
            return self.local(local, span);
        }
        if self.may_be_assigned(name) {
            let diagnostic = match self.is_of_main(name) {
                true => say::variable_of_main(span, name, true),
                false => say::not_yet_assigned(span, name),
            };
            // It is not reported again where it is assigned.
            let local = self.variable(&Name { text: name, span: span.clone() }, Ty::BROKEN);
            self.flow.assign(local.0 as usize);
            return self.broken(diagnostic, span);
        }
        match self.item(name) {
            Some(Item::Module(_)) => self.broken(say::module_as_value(span, name), span),
            Some(item) => self.item_value(item, name, span),
            None if builtin::is_function(name) => self.broken(say::builtin_as_value(span, name), span),
            None => {
                let diagnostic = self.unknown_name(span, name, is_called);
                self.broken(diagnostic, span)
            }
        }
    }

    /// Whether this is not the main program, and the name is that of a variable there.
    fn is_of_main(&mut self, name: &str) -> bool {
        self.function != Some(self.cx.main as usize) && self.module == 0 && self.cx.is_main_variable(name)
    }

    fn unknown_name(&mut self, span: &Span, name: &str, is_called: bool) -> crate::Diagnostic {
        if self.is_of_main(name) {
            return match self.function {
                Some(_) => say::variable_of_main(span, name, false),
                None => say::no_constant(span),
            };
        }
        if let Some(group) = builtin::group_with(name).filter(|_| !is_called) {
            return say::given_without_group(span, name, group);
        }
        if self.is_probe() || !self.cx.may_compare() {
            return say::unknown_name(span, name, &[]);
        }
        let mut visible: Vec<&str> = self.by_name.keys().copied().collect();
        visible.extend(self.cx.scopes[self.module].names());
        builtin::functions().for_each(|name| visible.push(name));
        say::unknown_name(span, name, &visible)
    }

    /// The value of a constant or function.
    fn item_value(&mut self, item: Item, name: &str, span: &Span) -> Expr {
        match item {
            Item::Const(index) => match &self.cx.consts[index as usize].value {
                Some(value) => {
                    let mut value = value.clone();
                    value.place = self.place(span);
                    value
                }
                None => self.word(0, Ty::BROKEN, span),
            },
            Item::Func(index) => {
                if self.cx.funcs[index as usize].yields.is_some() {
                    return self.broken(say::yielding_as_value(span, name), span);
                }
                let called = self.signature(index, span);
                if self.cx.funcs[index as usize].loses_results() {
                    return self.word(0, Ty::BROKEN, span);
                }
                let node = Node::Func(called.params.into(), called.results.into());
                let ty = self.cx.types.add(node);
                self.make(ExprKind::Func(super::super::hir::FuncId(index)), ty, span)
            }
            Item::Lost => self.word(0, Ty::BROKEN, span),
            Item::Struct(_) => self.broken(say::type_as_value(span, name), span),
            Item::Module(_) => self.broken(say::module_as_value(span, name), span),
        }
    }

    /// The item that `of.name` is, if `of` is a module.
    pub(super) fn module_member(&mut self, of: &ast::Expr<'a>) -> Option<usize> {
        match of.kind {
            Ast::Name(name) if !self.by_name.contains_key(name) && !self.may_be_assigned(name) => {
                match self.item(name) {
                    Some(Item::Module(module)) => Some(module),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn member(&mut self, of: &'a ast::Expr<'a>, name: &Name<'a>, span: &Span) -> Expr {
        if let Some(module) = self.module_member(of) {
            return match self.cx.item(module, name.text) {
                Some(item) if !matches!(item, Item::Module(_)) => self.item_value(item, name.text, span),
                _ => {
                    let names = self.cx.candidates(module, |item| !matches!(item, Item::Module(_)));
                    let diagnostic = say::unknown_in_module(name, self.cx.modules[module], names);
                    self.broken(diagnostic, span)
                }
            };
        }
        if let Ast::Name(group @ ("status" | "right")) = of.kind
            && !self.by_name.contains_key(group)
            && !self.assigned.contains(group)
            && self.item(group).is_none()
        {
            return match builtin::given(group, name.text) {
                Some(word) => self.word(word, Ty::U, span),
                None => self.broken(say::unknown_given(name, group), span),
            };
        }
        let object = self.expr(of, None);
        let of_type = ty(&object);
        match self.head(of_type, &of.span) {
            Node::Broken => self.hole_of(of_type, span),
            Node::Struct(index) => match self.field_of(index, name) {
                Some((field, ty)) => self.make(ExprKind::Field(Box::new(object), field), ty, span),
                None => self.word(0, Ty::BROKEN, span),
            },
            Node::Job(value) => {
                let field = match name.text {
                    "status" => 0,
                    "trap" => 1,
                    "gas_left" => 2,
                    "lacks" => 3,
                    "failure" => return self.runtime("job_failure", vec![object], Ty::TEXT, span),
                    "value" => {
                        return match value {
                            Some(value) => self.make(ExprKind::JobValue(Box::new(object)), value, span),
                            None => self.broken(say::job_without_value(&name.span), span),
                        };
                    }
                    _ => {
                        let diagnostic = self.unknown_member(name, of_type);
                        return self.broken(diagnostic, span);
                    }
                };
                self.make(ExprKind::Field(Box::new(object), field), Ty::U, span)
            }
            _ => {
                let diagnostic = self.unknown_member(name, of_type);
                self.broken(diagnostic, span)
            }
        }
    }

    /// What is said of a member that nothing of this type has, or that is used in another way than it can be.
    pub(super) fn unknown_member(&mut self, name: &Name<'a>, of: Ty) -> crate::Diagnostic {
        let node = self.cx.types.node(of);
        let methods: Vec<_> = builtin::methods_of(&node).collect();
        say::unknown_member(name, &self.show(of), builtin::fields_of(&node), &methods)
    }

    /// The number and type of a struct's field; reported if there is none.
    pub(super) fn field_of(&mut self, index: u32, name: &Name<'a>) -> Option<(u32, Ty)> {
        let of = &self.cx.types.structs[index as usize];
        let found = of.fields.iter().position(|field| field.0 == name.text);
        match found {
            Some(field) => Some((u32::try_from(field).unwrap_or(u32::MAX), of.fields[field].1)),
            None => {
                let names: Vec<_> = of.fields.iter().map(|field| field.0).collect();
                let diagnostic = say::unknown_field(name, &of.name, &names);
                self.say(diagnostic);
                None
            }
        }
    }

    // ---- Elements --------------------------------------------------------------------------------------

    /// What can be indexed by a number, and the type of its elements.
    pub(super) fn indexed(node: &Node) -> Option<(Indexed, Ty)> {
        match node {
            Node::Text => Some((Indexed::Text, Ty::U)),
            Node::Bytes => Some((Indexed::Bytes, Ty::U)),
            Node::Array(of) => Some((Indexed::Array, *of)),
            Node::List(of) => Some((Indexed::List, *of)),
            _ => None,
        }
    }

    fn index(&mut self, of: &'a ast::Expr<'a>, index: &'a ast::Expr<'a>, span: &Span) -> Expr {
        let object = self.expr(of, None);
        let of_type = ty(&object);
        let node = self.head(of_type, &of.span);
        if let Some((kind, element)) = Self::indexed(&node) {
            let index = Box::new(self.unsigned(index, say::FROM_THE_END));
            return self.make(
                ExprKind::Index { kind, object: Box::new(object), index, check: Check::Length },
                element,
                span,
            );
        }
        match node {
            Node::Map(key, value) => {
                let key = self.expr_as(index, key);
                self.runtime("map_get", vec![object, key], value, span)
            }
            Node::Key => {
                let index = self.unsigned(index, say::FROM_THE_END);
                let mut stmts = Vec::new();
                let memory = self.memory_beside(object, &[&index], &mut stmts, span);
                let word = self.op(Op::Mempush, [memory, index], Ty::U, span);
                self.block_of(stmts, word, span)
            }
            Node::Broken => {
                self.flexible(index, None);
                self.hole_of(of_type, span)
            }
            _ => {
                self.flexible(index, None);
                let shown = self.show(of_type);
                self.broken(say::no_elements(&of.span, &shown), span)
            }
        }
    }

    /// The number of the memory that a key names.
    pub(super) fn memory_of(&self, key: Expr, span: &Span) -> Expr {
        let four = self.word(4, Ty::U, span);
        self.op(Op::Add, [key, four], Ty::U, span)
    }

    /// The same, where these are evaluated behind it. A collection may be made meanwhile, and keeps no slot that nothing but
    /// the number of its memory stands for; so the key is kept, too.
    pub(super) fn memory_beside(
        &mut self,
        key: Expr,
        behind: &[&Expr],
        stmts: &mut Vec<Stmt>,
        span: &Span,
    ) -> Expr {
        let key = if behind.iter().all(|of| is_plain(of)) { key } else { self.keep(key, stmts) };
        self.memory_of(key, span)
    }

    fn slice(
        &mut self,
        of: &'a ast::Expr<'a>,
        from: Option<&'a ast::Expr<'a>>,
        to: Option<&'a ast::Expr<'a>>,
        span: &Span,
    ) -> Expr {
        let object = self.expr(of, None);
        let of_type = ty(&object);
        let node = self.head(of_type, &of.span);
        let Some((kind, _)) = Self::indexed(&node) else {
            from.into_iter().chain(to).for_each(|bound| drop(self.unsigned(bound, say::FROM_THE_END)));
            if matches!(node, Node::Broken) {
                return object;
            }
            let shown = self.show(of_type);
            return self.broken(say::no_slice(&of.span, &shown), span);
        };
        let function = match kind {
            Indexed::Text => "text_slice",
            Indexed::Bytes => "bytes_slice",
            Indexed::Array => "array_slice",
            Indexed::List => "list_slice",
        };
        let mut stmts = Vec::new();
        let object = if to.is_none() { self.keep(object, &mut stmts) } else { object };
        let from = match from {
            Some(from) => self.unsigned(from, say::FROM_THE_END),
            None => self.word(0, Ty::U, span),
        };
        let to = match to {
            Some(to) => self.unsigned(to, say::FROM_THE_END),
            None => self.len(object.clone(), span),
        };
        let value = self.runtime(function, vec![object, from, to], of_type, span);
        self.block_of(stmts, value, span)
    }

    /// Elements of one type, each of which may be flexible: `of` is that type, maybe not known yet.
    fn alike(&mut self, exprs: &[&'a ast::Expr<'a>], of: Ty) -> Vec<Expr> {
        let open = self.cx.types.is_unknown(of);
        let mut values: Vec<Option<Expr>> = Vec::new();
        // What is no number does not decide which numbers they are.
        let decides = !exprs.iter().find(|expr| !is_flexible(expr)).is_some_and(|expr| is_no_number(expr));
        for expr in exprs {
            let later = open && decides && is_flexible(expr);
            values.push((!later).then(|| self.expr_as(expr, of)));
        }
        if self.cx.types.is_unknown(of) && values.iter().any(Option::is_none) {
            let signed = exprs.iter().any(|expr| is_flexible(expr) && default_type(expr) == Ty::I);
            // It is unknown, so it takes any type.
            let _ = self.cx.types.unify(of, if signed { Ty::I } else { Ty::U });
        }
        let pairs = values.into_iter().zip(exprs);
        pairs.map(|(value, expr)| value.unwrap_or_else(|| self.expr_as(expr, of))).collect()
    }

    fn elements(&mut self, elements: &'a [ast::Expr<'a>], want: Option<Ty>, span: &Span) -> Expr {
        let (of, is_array) = match want.map(|want| self.cx.types.node(want)) {
            Some(Node::Array(of)) => (of, true),
            Some(Node::List(of)) => (of, false),
            Some(Node::Broken) => (Ty::BROKEN, false),
            _ => (self.cx.types.unknown(), false),
        };
        let exprs: Vec<_> = elements.iter().collect();
        let values = self.alike(&exprs, of);
        let ty = if is_array { self.cx.types.array(of) } else { self.cx.types.list(of) };
        self.make(ExprKind::Elements(values), ty, span)
    }

    fn map(&mut self, entries: &'a [(ast::Expr<'a>, ast::Expr<'a>)], want: Option<Ty>, span: &Span) -> Expr {
        let (key, value) = match want.map(|want| self.cx.types.node(want)) {
            Some(Node::Map(key, value)) => (key, value),
            Some(Node::Broken) => (Ty::BROKEN, Ty::BROKEN),
            _ => (self.cx.types.unknown(), self.cx.types.unknown()),
        };
        let (keys, values): (Vec<_>, Vec<_>) = entries.iter().map(|(key, value)| (key, value)).unzip();
        let keys = self.alike(&keys, key);
        let values = self.alike(&values, value);
        let ty = self.cx.types.add(Node::Map(key, value));
        let new = self.new_map(key, ty, span);
        if entries.is_empty() {
            return new;
        }
        let local = self.hidden(ty);
        let mut stmts = vec![self.stmt_of(StmtKind::Set(local, new), span)];
        for (key, value) in keys.into_iter().zip(values) {
            let span = key.place.span.start..value.place.span.end;
            let stmt = self.map_set(self.local(local, &span), key, value, &span);
            stmts.push(stmt);
        }
        let map = self.local(local, span);
        self.block_of(stmts, map, span)
    }

    /// A new map whose keys have this type.
    fn new_map(&mut self, key: Ty, ty: Ty, span: &Span) -> Expr {
        if self.cx.types.is_unknown(key) {
            self.again = true;
            self.open_map = Some(span.clone());
            return self.word(0, ty, span);
        }
        let kind = match self.cx.types.node(key) {
            Node::Text | Node::Bytes => 1,
            Node::U | Node::I | Node::Bool | Node::Broken => 0,
            _ => {
                let shown = self.show(key);
                return self.broken(say::key_type(span, &shown), span);
            }
        };
        let kind = self.word(kind, Ty::U, span);
        self.runtime("map_new", vec![kind], ty, span)
    }

    pub(super) fn map_set(&mut self, map: Expr, key: Expr, value: Expr, span: &Span) -> Stmt {
        let call = self.runtime("map_set", vec![map, key, value], Ty::U, span);
        self.stmt_of(StmtKind::Expr(call), span)
    }

    fn empty(&mut self, ty: &'a ast::Type<'a>, span: &Span) -> Expr {
        let letters = self.letters.clone();
        let written = self.cx.written(self.module, ty, &letters);
        match self.head(written, span) {
            Node::List(_) | Node::Array(_) => self.make(ExprKind::Elements(Vec::new()), written, span),
            Node::Map(key, _) => self.new_map(key, written, span),
            Node::Broken => self.word(0, Ty::BROKEN, span),
            _ => {
                let shown = self.show(written);
                self.broken(say::no_empty(span, &shown), span)
            }
        }
    }

    fn new_struct(
        &mut self,
        module: Option<&Name<'a>>,
        name: &Name<'a>,
        fields: &'a [(Option<Name<'a>>, ast::Expr<'a>)],
        span: &Span,
    ) -> Expr {
        let Some(index) = self.struct_named(module, name) else {
            fields.iter().for_each(|field| drop(self.flexible(&field.1, None)));
            return self.word(0, Ty::BROKEN, span);
        };
        let declared = self.cx.types.structs[index as usize].fields.clone();
        let names: Vec<_> = declared.iter().map(|field| field.0).collect();
        let shown = self.cx.types.structs[index as usize].name.clone();
        let given: Vec<_> = fields.iter().map(|(name, value)| (name.as_ref(), value)).collect();
        let slots = self.slots(&given, &names, |name| say::unknown_field(name, &shown, &names));
        let mut values = Vec::new();
        let mut filled = vec![false; names.len()];
        for (slot, (_, value)) in slots.iter().zip(&given) {
            match *slot {
                Some(slot) => {
                    filled[slot] = true;
                    values.push((slot, self.expr_as(value, declared[slot].1)));
                }
                None => drop(self.flexible(value, None)),
            }
        }
        if given.iter().filter(|given| given.0.is_none()).count() > names.len() {
            self.say(say::too_many_fields(span, &shown, &names));
        } else {
            let missing: Vec<_> =
                names.iter().zip(&filled).filter(|(_, filled)| !**filled).map(|(name, _)| *name).collect();
            if !missing.is_empty() && slots.iter().all(Option::is_some) {
                self.say(say::missing_fields(span, &shown, &missing));
            }
        }
        let (stmts, values) = self.in_order(values);
        let ty = self.cx.struct_type(index);
        let value = self.make(ExprKind::Struct(values), ty, span);
        self.block_of(stmts, value, span)
    }

    fn struct_named(&mut self, module: Option<&Name<'a>>, name: &Name<'a>) -> Option<u32> {
        let scope = match module {
            None => self.module,
            Some(of) => match self.item(of.text) {
                Some(Item::Module(module)) => module,
                Some(Item::Lost) => return None,
                _ => {
                    let modules = self.cx.candidates(self.module, |item| matches!(item, Item::Module(_)));
                    let diagnostic = say::not_imported(of, modules);
                    self.say(diagnostic);
                    return None;
                }
            },
        };
        match self.cx.item(scope, name.text) {
            Some(Item::Struct(index)) => Some(index),
            Some(Item::Lost) => None,
            _ => {
                let structs = self.cx.candidates(scope, |item| matches!(item, Item::Struct(_)));
                let diagnostic = say::unknown_struct(name, structs);
                self.say(diagnostic);
                None
            }
        }
    }

    /// Which of `names` each value is for: by its own name, or by its position. What is for none is reported, but not
    /// if there are too many by position.
    pub(super) fn slots(
        &mut self,
        given: &[(Option<&Name<'a>>, &'a ast::Expr<'a>)],
        names: &[&str],
        unknown: impl Fn(&Name<'a>) -> crate::Diagnostic,
    ) -> Vec<Option<usize>> {
        let mut taken: Vec<Option<&Span>> = vec![None; names.len()];
        let mut named = false;
        let mut slots = Vec::new();
        for (position, (name, value)) in given.iter().enumerate() {
            let slot = match name {
                Some(name) => {
                    named = true;
                    let found = names.iter().position(|other| *other == name.text);
                    if found.is_none() {
                        let diagnostic = unknown(name);
                        self.say(diagnostic);
                    }
                    found
                }
                None if named => {
                    self.say(say::position_behind_name(&value.span));
                    None
                }
                None => (position < names.len()).then_some(position),
            };
            let span = name.map_or(&value.span, |name| &name.span);
            slots.push(slot.filter(|&slot| match taken[slot].replace(span) {
                Some(first) => {
                    let diagnostic = say::given_twice(span, names[slot], first);
                    self.say(diagnostic);
                    false
                }
                None => true,
            }));
        }
        slots
    }

    /// Values, in the order in which they are evaluated, each with where it goes, put where they go; what must be done
    /// before they are used there so that they are evaluated in their order.
    pub(super) fn in_order(&mut self, values: Vec<(usize, Expr)>) -> (Vec<Stmt>, Vec<Expr>) {
        let mut stmts = Vec::new();
        let mut values = values;
        if !values.is_sorted_by_key(|value| value.0) {
            values = values.into_iter().map(|(slot, value)| (slot, self.keep(value, &mut stmts))).collect();
            values.sort_by_key(|value| value.0);
        }
        (stmts, values.into_iter().map(|value| value.1).collect())
    }
}
