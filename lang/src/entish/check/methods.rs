//! Calls of built-in functions and methods.

use super::super::ast::{self, Arg, ExprKind as AstKind, Span};
use super::super::emit::{HOST_KEYS, HOSTS_MAX};
use super::super::hir::{Expr, ExprKind, Stmt, StmtKind};
use super::body::{Body, ty};
use super::builtin::{How, Method, Of};
use super::call::{Many, one};
use super::expr::is_flexible;
use super::say;
use super::types::{Node, Ty};
use keyvm_isa::layout::HOST_NAME_MAX;
use keyvm_isa::{Op, Rights};

/// What a key that only reads keeps of its rights.
const READ_ONLY: u16 = Rights::WEAKENED.bits();
/// Bytes before what a text, or bytes, hold.
const OBJECT_HEADER: u64 = 8;
/// Words that a host can be asked with.
const MESSAGE_WORDS: usize = 255;

impl<'a> Body<'_, 'a> {
    /// The type of a method's parameter or result.
    fn of_object(&mut self, of: Of, object: &Node) -> Ty {
        let element = |types: &mut Self| match *object {
            Node::Array(of) | Node::List(of) => of,
            _ => types.cx.types.unknown(),
        };
        let (key, value) = match *object {
            Node::Map(key, value) => (key, value),
            _ => (Ty::BROKEN, Ty::BROKEN),
        };
        match of {
            Of::U => Ty::U,
            Of::Bool => Ty::BOOL,
            Of::Text => Ty::TEXT,
            Of::Bytes => Ty::BYTES,
            Of::Key => Ty::KEY,
            Of::Texts => self.cx.types.list(Ty::TEXT),
            Of::Element => element(self),
            Of::List => {
                let of = element(self);
                self.cx.types.list(of)
            }
            Of::Array => {
                let of = element(self);
                self.cx.types.array(of)
            }
            Of::MapKey => key,
            Of::MapValue => value,
            Of::MapKeys => self.cx.types.list(key),
            Of::MapValues => self.cx.types.list(value),
        }
    }

    pub(super) fn call_known_method(
        &mut self,
        &(_, name, params, results, how): &Method,
        object: Expr,
        node: &Node,
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> Many {
        let mut values = vec![object];
        for (number, arg) in args.iter().enumerate() {
            if let Some(name) = &arg.name {
                self.say(say::no_names(name, ""));
            }
            match params.get(number) {
                Some(&of) => {
                    let want = self.of_object(of, node);
                    // A literal says what an element is of which nothing is known.
                    let mut value = self.flexible(&arg.value, Some(want));
                    self.expect(&mut value, want, &arg.value.span);
                    values.push(value);
                }
                None => drop(self.flexible(&arg.value, None)),
            }
        }
        let results: Vec<_> = results.iter().map(|&of| self.of_object(of, node)).collect();
        if args.len() != params.len() {
            let name = format!(".{name}");
            self.say(say::wrong_arguments(span, &name, params.len(), args.len(), None));
            return (self.word(0, Ty::BROKEN, span), results);
        }
        let ty = results.first().copied().unwrap_or(Ty::U);
        let value = match how {
            How::Runtime(function) => self.runtime(function, values, ty, span),
            How::Instruction(op) => {
                let kind = ExprKind::Op { op, imms: Vec::new(), operands: values };
                self.make(kind, ty, span)
            }
            How::ReadOnly => {
                values.push(self.word(READ_ONLY.into(), Ty::U, span));
                self.runtime("key_attenuate", values, ty, span)
            }
        };
        (value, results)
    }

    /// The arguments of a built-in function, if it is given so many.
    fn given<const N: usize>(
        &mut self,
        name: &str,
        args: &'a [Arg<'a>],
        span: &Span,
    ) -> Option<[&'a ast::Expr<'a>; N]> {
        if let Some(name) = args.iter().find_map(|arg| arg.name.as_ref()) {
            self.say(say::no_names(name, ""));
        }
        let given: Vec<_> = args.iter().map(|arg| &arg.value).collect();
        let found = <[_; N]>::try_from(given);
        if found.is_err() {
            self.loose(args);
            self.say(say::wrong_builtin_arguments(span, name, N, args.len()));
        }
        found.ok()
    }

    pub(super) fn call_builtin(
        &mut self,
        name: &str,
        args: &'a [Arg<'a>],
        want: Option<Ty>,
        span: &Span,
    ) -> Many {
        if name == "print" {
            return (self.print(args, span), Vec::new());
        }
        let value = match name {
            "u" | "i" | "f" => self.given(name, args, span).map(|[of]| self.convert(name, of, span)),
            "len" => self.given(name, args, span).map(|[of]| self.length(of, span)),
            "str" => self.given(name, args, span).map(|[of]| self.shown(of)),
            "abs" => self.given(name, args, span).map(|[of]| self.abs(of, want, span)),
            "min" | "max" => {
                self.given(name, args, span).map(|[a, b]| self.extreme(name == "min", a, b, want, span))
            }
            "sqrt" | "floor" | "ceil" | "trunc" | "round" => self.given(name, args, span).map(|[of]| {
                let value = self.expr_as(of, Ty::F);
                self.op(rounding(name), [value], Ty::F, span)
            }),
            "array" => self.given(name, args, span).map(|[count, value]| {
                let element = match want.map(|want| self.cx.types.node(want)) {
                    Some(Node::Array(of)) => Some(of),
                    _ => None,
                };
                let count = self.expr_as(count, Ty::U);
                let value = self.flexible(value, element);
                let ty = self.cx.types.array(ty(&value));
                self.runtime("array_new", vec![count, value], ty, span)
            }),
            "bytes" => self.given(name, args, span).map(|[count]| {
                let count = self.expr_as(count, Ty::U);
                self.runtime("bytes_new", vec![count], Ty::BYTES, span)
            }),
            "page" => self.given(name, args, span).map(|[count]| {
                let count = self.expr_as(count, Ty::U);
                self.runtime("key_new", vec![count], Ty::KEY, span)
            }),
            "meter" => self.given(name, args, span).map(|[gas, words]| {
                let limits = [gas, words].map(|limit| self.expr_as(limit, Ty::U));
                self.runtime("key_meter", limits.to_vec(), Ty::KEY, span)
            }),
            "service" => Some(self.service(args, span)),
            "arg_text" => self.given(name, args, span).map(|[number]| {
                let number = self.expr_as(number, Ty::U);
                self.runtime("arg_text", vec![number], Ty::TEXT, span)
            }),
            "arg_count" => self
                .given(name, args, span)
                .map(|[]: [&ast::Expr<'_>; 0]| self.runtime("arg_count", Vec::new(), Ty::U, span)),
            "console" | "args" => self.given(name, args, span).map(|[]: [&ast::Expr<'_>; 0]| {
                if self.function != Some(self.cx.main as usize) && !self.cx.is_in_library(self.module) {
                    return self.broken(say::only_in_main(span, name), span);
                }
                let function = if name == "args" { "args_key" } else { "console_key" };
                self.runtime(function, Vec::new(), Ty::KEY, span)
            }),
            "host" => self.given(name, args, span).map(|[of]| self.host(of, span)),
            "gas" | "words" => self.given(name, args, span).map(|[]: [&ast::Expr<'_>; 0]| {
                let index = if name == "gas" { 2 } else { 3 };
                let (zero, index) = (self.word(0, Ty::U, span), self.word(index, Ty::U, span));
                self.op(Op::Mempush, [zero, index], Ty::U, span)
            }),
            _ => {
                self.loose(args);
                Some(self.broken(say::range_as_value(span), span))
            }
        };
        one(value.unwrap_or_else(|| self.word(0, Ty::BROKEN, span)))
    }

    /// `host("name")`
    fn host(&mut self, of: &'a ast::Expr<'a>, span: &Span) -> Expr {
        let AstKind::Text(name) = &of.kind else {
            drop(self.flexible(of, Some(Ty::TEXT)));
            return self.broken(say::host_not_named(&of.span), span);
        };
        if name.is_empty() {
            return self.broken(say::host_not_named(&of.span), span);
        }
        if name.len() > HOST_NAME_MAX {
            return self.broken(say::long_host_name(&of.span, HOST_NAME_MAX), span);
        }
        if self.cx.given.is_some() {
            return self.broken(say::host_in_session(span), span);
        }
        if self.function != Some(self.cx.main as usize) {
            return self.broken(say::only_in_main(span, "host"), span);
        }
        let hosts = &mut self.cx.hosts;
        let known = hosts.iter().position(|host| host == name);
        if known.is_none() && hosts.len() >= HOSTS_MAX {
            return self.broken(say::too_many_hosts(&of.span, HOSTS_MAX), span);
        }
        let number = known.unwrap_or_else(|| {
            hosts.push(name.clone());
            hosts.len() - 1
        });
        self.word(HOST_KEYS + number as u64, Ty::KEY, span)
    }

    /// `k.ask(…)`: of texts and bytes the host is told where they lie and how long they are.
    pub(super) fn ask(&mut self, key: Expr, args: &'a [Arg<'a>], span: &Span) -> Many {
        let mut stmts = Vec::new();
        let key = self.keep_in_hidden(key, &mut stmts);
        let mut words = Vec::new();
        for arg in args {
            if let Some(name) = &arg.name {
                self.say(say::no_names(name, ""));
            }
            let value = self.flexible(&arg.value, None);
            let of = ty(&value);
            let span = &arg.value.span;
            match self.head(of, span) {
                Node::U | Node::I | Node::F | Node::Bool => {
                    words.push(self.keep_in_hidden(value, &mut stmts));
                }
                Node::Text | Node::Bytes => {
                    let object = self.keep_in_hidden(value, &mut stmts);
                    let length = self.len(object.clone(), span);
                    let address = self.cast(object, Ty::U, span);
                    let first = self.word(OBJECT_HEADER, Ty::U, span);
                    words.push(self.op(Op::Add, [address, first], Ty::U, span));
                    words.push(length);
                }
                Node::Broken => {}
                _ => {
                    let shown = self.show(of);
                    self.say(say::not_asked(span, &shown));
                }
            }
        }
        if words.len() > MESSAGE_WORDS {
            self.say(say::too_much_asked(span, MESSAGE_WORDS));
            words.clear();
        }
        let asked = self.make(ExprKind::Ask { key: Box::new(key), words }, Ty::U, span);
        (self.block_of(stmts, asked, span), vec![Ty::U, Ty::U])
    }

    /// `u(x)`, `i(x)`, `f(x)`
    fn convert(&mut self, name: &str, of: &'a ast::Expr<'a>, span: &Span) -> Expr {
        let to = match name {
            "u" => Ty::U,
            "i" => Ty::I,
            _ => Ty::F,
        };
        let want = (to != Ty::U && is_flexible(of)).then_some(to);
        let value = self.flexible(of, want);
        let from = ty(&value);
        match (self.head(from, &of.span), name) {
            (Node::Broken, _) => self.word(0, to, span),
            (Node::U, "u") | (Node::I, "i") | (Node::F, "f") => value,
            (Node::U, "f") => self.op(Op::Utof, [value], to, span),
            (Node::I, "f") => self.op(Op::Itof, [value], to, span),
            (Node::F, "u") => self.op(Op::Ftou, [value], to, span),
            (Node::F, "i") => self.op(Op::Ftoi, [value], to, span),
            (Node::U | Node::I | Node::Bool, "u" | "i") => self.cast(value, to, span),
            _ => {
                let shown = self.show(from);
                self.broken(say::no_conversion(&of.span, &shown, name), span)
            }
        }
    }

    fn length(&mut self, of: &'a ast::Expr<'a>, span: &Span) -> Expr {
        let object = self.expr(of, None);
        let of_type = ty(&object);
        let node = self.head(of_type, &of.span);
        if Self::indexed(&node).is_some() {
            return self.len(object, span);
        }
        match node {
            Node::Map(..) => self.runtime("map_len", vec![object], Ty::U, span),
            Node::Key => self.op(Op::Pagesize, [object], Ty::U, span),
            Node::Broken => self.word(0, Ty::U, span),
            _ => {
                let shown = self.show(of_type);
                self.broken(say::no_length(&of.span, &shown), span)
            }
        }
    }

    /// `str(x)`
    fn shown(&mut self, of: &'a ast::Expr<'a>) -> Expr {
        let span = &of.span;
        let value = self.flexible(of, None);
        let function = match self.head(ty(&value), span) {
            Node::U => "str_u",
            Node::I => "str_i",
            Node::F => "str_f",
            Node::Bool => "str_bool",
            Node::Text => return value,
            Node::Broken => return self.word(0, Ty::TEXT, span),
            _ => {
                let shown = self.show(ty(&value));
                return self.broken(say::no_text_of(span, &shown), span);
            }
        };
        self.runtime(function, vec![value], Ty::TEXT, span)
    }

    fn print(&mut self, args: &'a [Arg<'a>], span: &Span) -> Expr {
        // Texts that are known stand together.
        let mut parts: Vec<Expr> = Vec::new();
        for (number, arg) in args.iter().enumerate() {
            if let Some(name) = &arg.name {
                self.say(say::no_names(name, "print"));
            }
            if number > 0 {
                let space = self.text(" ", span);
                self.add_part(&mut parts, space, span);
            }
            let part = self.shown(&arg.value);
            self.add_part(&mut parts, part, span);
        }
        let line = match parts.len() {
            0 => self.text("", span),
            1 => parts.remove(0),
            2 => self.runtime("text_concat", parts, Ty::TEXT, span),
            _ => {
                let texts = self.cx.types.list(Ty::TEXT);
                let list = self.make(ExprKind::Elements(parts), texts, span);
                let nothing = self.text("", span);
                self.runtime("text_join", vec![nothing, list], Ty::TEXT, span)
            }
        };
        self.runtime("print_line", vec![line], Ty::U, span)
    }

    fn add_part(&self, parts: &mut Vec<Expr>, part: Expr, span: &Span) {
        if let (Some(Expr { kind: ExprKind::Text(before), .. }), ExprKind::Text(text)) =
            (parts.last(), &part.kind)
            && before.len() + text.len() < 4096
        {
            let joined = self.text(&format!("{before}{text}"), span);
            parts.pop();
            parts.push(joined);
        } else {
            parts.push(part);
        }
    }

    fn abs(&mut self, of: &'a ast::Expr<'a>, want: Option<Ty>, span: &Span) -> Expr {
        let value = self.flexible(of, want);
        let of_type = ty(&value);
        match self.head(of_type, &of.span) {
            Node::F => self.op(Op::Fabs, [value], Ty::F, span),
            Node::U | Node::Broken => value,
            Node::I => {
                let mut stmts = Vec::new();
                let value = self.keep(value, &mut stmts);
                let zero = self.word(0, Ty::I, span);
                let below = self.op(Op::Lts, [value.clone(), zero.clone()], Ty::BOOL, span);
                let negated = self.op(Op::Sub, [zero, value.clone()], Ty::I, span);
                let result = self.either(below, negated, value, span);
                self.block_of(stmts, result, span)
            }
            _ => {
                let shown = self.show(of_type);
                self.broken(say::no_number(&of.span, &shown), span)
            }
        }
    }

    /// `a if cond else b`, of one type.
    fn either(&self, cond: Expr, a: Expr, b: Expr, span: &Span) -> Expr {
        if let ExprKind::Word(word) = cond.kind {
            return if word != 0 { a } else { b };
        }
        let of = ty(&a);
        let kind = ExprKind::If { cond: Box::new(cond), then: Box::new(a), otherwise: Box::new(b) };
        self.make(kind, of, span)
    }

    /// `min(a, b)` or `max(a, b)`
    fn extreme(
        &mut self,
        least: bool,
        a: &'a ast::Expr<'a>,
        b: &'a ast::Expr<'a>,
        want: Option<Ty>,
        span: &Span,
    ) -> Expr {
        let (left, mut right) = self.sides(a, b, want);
        self.expect(&mut right, ty(&left), &b.span);
        let of = ty(&left);
        let op = match (self.head(of, &a.span), least) {
            (Node::F, true) => return self.op(Op::Fmin, [left, right], of, span),
            (Node::F, false) => return self.op(Op::Fmax, [left, right], of, span),
            (Node::U, true) => Op::Lt,
            (Node::U, false) => Op::Gt,
            (Node::I, true) => Op::Lts,
            (Node::I, false) => Op::Gts,
            (Node::Broken, _) => return left,
            _ => {
                let shown = self.show(of);
                return self.broken(say::no_number(&a.span, &shown), span);
            }
        };
        let mut stmts = Vec::new();
        let left = self.keep(left, &mut stmts);
        let right = self.keep(right, &mut stmts);
        let first = self.op(op, [left.clone(), right.clone()], Ty::BOOL, span);
        let result = self.either(first, left, right, span);
        self.block_of(stmts, result, span)
    }

    /// A statement that only evaluates.
    pub(super) fn only(&self, value: Expr, span: &Span) -> Stmt {
        self.stmt_of(StmtKind::Expr(value), span)
    }
}

fn rounding(name: &str) -> Op {
    match name {
        "sqrt" => Op::Fsqrt,
        "floor" => Op::Ffloor,
        "ceil" => Op::Fceil,
        "trunc" => Op::Ftrunc,
        _ => Op::Fnearest,
    }
}
