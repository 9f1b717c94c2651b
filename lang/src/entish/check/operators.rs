//! Operators of two sides.

use super::super::ast::{self, Binary, Span};
use super::super::hir::{Expr, ExprKind};
use super::body::{Body, is_plain, ty};
use super::say;
use super::types::{Node, Ty};
use keyvm_isa::Op;

/// Texts are joined while the program is compiled up to this length.
const TEXT_MAX: usize = 4096;

impl<'a> Body<'_, 'a> {
    pub(super) fn binary(
        &mut self,
        op: Binary,
        a: &'a ast::Expr<'a>,
        b: &'a ast::Expr<'a>,
        want: Option<Ty>,
        span: &Span,
    ) -> Expr {
        let want = if op.is_of_bits() { self.of_bits(want) } else { want };
        match op {
            Binary::And | Binary::Or => self.logic(op, a, b, span),
            Binary::In | Binary::NotIn => {
                let found = self.contains(a, b, span);
                if op == Binary::NotIn { self.not(found, span) } else { found }
            }
            Binary::Shl | Binary::Shr => {
                let a = self.flexible(a, want);
                let b = self.unsigned(b, if op == Binary::Shl { say::SHIFT_RIGHT } else { say::SHIFT_LEFT });
                self.arithmetic(op, a, b, span)
            }
            Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => {
                let (left, mut right) = self.sides(a, b, None);
                if !self.agree(op, &left, &mut right, false) {
                    return self.word(0, Ty::BROKEN, span);
                }
                if let Some(holds) = self.known_of_0(op, (a, &left), (b, &right)) {
                    let differs = is_difference(a) || is_difference(b);
                    return self.broken(say::compared_with_0(span, holds, differs), span);
                }
                self.compare(op, left, right, span)
            }
            _ => {
                let (left, mut right) = self.sides(a, b, want);
                if !self.agree(op, &left, &mut right, false) {
                    return self.word(0, Ty::BROKEN, span);
                }
                self.arithmetic(op, left, right, span)
            }
        }
    }

    /// What is expected of the operands of an operator of bits. An `f` has none: literals are then what they are by themselves.
    pub(super) fn of_bits(&mut self, want: Option<Ty>) -> Option<Ty> {
        want.filter(|&want| !matches!(self.cx.types.node(want), Node::F))
    }

    /// Makes both sides of one type, or reports that they are not; whether the left one is a place, which has its type.
    pub(super) fn agree(&mut self, op: Binary, a: &Expr, b: &mut Expr, is_place: bool) -> bool {
        match self.cx.types.unify(ty(a), ty(b)) {
            Ok(()) => true,
            Err(_) => {
                let (left, right) = (self.cx.types.node(ty(a)), self.cx.types.node(ty(b)));
                let conversion = match is_place {
                    true => say::conversion(&left, &right),
                    false => say::agreement(&left, &right, &b.kind),
                };
                let instead = say::instead_of_operator(op, (&left, &a.kind), (&right, &b.kind));
                let conversion = instead.or_else(|| conversion.map(str::to_owned));
                let (left, right) = (self.show(ty(a)), self.show(ty(b)));
                let (at, other) = (a.place.span.clone(), b.place.span.clone());
                self.say(say::sides(op, &at, &left, &other, &right, conversion));
                false
            }
        }
    }

    /// Whether a `u` is compared with a 0 so that it always holds, or never does; `None` if neither.
    fn known_of_0(
        &mut self,
        op: Binary,
        (a, left): (&ast::Expr<'a>, &Expr),
        (b, right): (&ast::Expr<'a>, &Expr),
    ) -> Option<bool> {
        let is_0 = |side: &ast::Expr<'_>| matches!(side.kind, ast::ExprKind::Int(0));
        let is_known = |side: &Expr| matches!(side.kind, ExprKind::Word(_));
        let holds = match op {
            Binary::Lt if is_0(b) && !is_known(left) => false,
            Binary::Ge if is_0(b) && !is_known(left) => true,
            Binary::Gt if is_0(a) && !is_known(right) => false,
            Binary::Le if is_0(a) && !is_known(right) => true,
            _ => return None,
        };
        matches!(self.cx.types.node(ty(left)), Node::U).then_some(holds)
    }

    fn logic(&mut self, op: Binary, a: &'a ast::Expr<'a>, b: &'a ast::Expr<'a>, span: &Span) -> Expr {
        let a = self.expr_as(a, Ty::BOOL);
        let b = self.expr_as(b, Ty::BOOL);
        let is_and = op == Binary::And;
        match (&a.kind, &b.kind) {
            // A known left side decides, or it is the right one that does.
            (ExprKind::Word(word), _) => return if (*word != 0) == is_and { b } else { a },
            (_, ExprKind::Word(word)) if (*word != 0) == is_and => return a,
            _ => {}
        }
        let (a, b) = (Box::new(a), Box::new(b));
        self.make(if is_and { ExprKind::And(a, b) } else { ExprKind::Or(a, b) }, Ty::BOOL, span)
    }

    /// What an operator that keeps the type gives; both sides are of one type, but for shifts.
    pub(super) fn arithmetic(&mut self, op: Binary, a: Expr, b: Expr, span: &Span) -> Expr {
        let of = ty(&a);
        let node = self.head(of, &a.place.span);
        let instruction = match (op, &node) {
            (_, Node::Broken) => return self.hole_of(of, span),
            (Binary::Add, Node::U | Node::I) => Op::Add,
            (Binary::Add, Node::F) => Op::Fadd,
            (Binary::Add, Node::Text) => {
                if let (ExprKind::Text(left), ExprKind::Text(right)) = (&a.kind, &b.kind)
                    && left.len() + right.len() <= TEXT_MAX
                {
                    return self.text(&format!("{left}{right}"), span);
                }
                return self.runtime("text_concat", vec![a, b], Ty::TEXT, span);
            }
            (Binary::Add, Node::Bytes) => return self.runtime("bytes_concat", vec![a, b], of, span),
            (Binary::Add, Node::List(_)) => return self.runtime("list_concat", vec![a, b], of, span),
            (Binary::Sub, Node::U | Node::I) => Op::Sub,
            (Binary::Sub, Node::F) => Op::Fsub,
            (Binary::Mul, Node::U | Node::I) => Op::Mul,
            (Binary::Mul, Node::F) => Op::Fmul,
            (Binary::Div, Node::U) => Op::Div,
            (Binary::Div, Node::I) => Op::Divs,
            (Binary::Div, Node::F) => Op::Fdiv,
            (Binary::Rem, Node::U) => Op::Rem,
            (Binary::Rem, Node::I) => Op::Rems,
            (Binary::BitAnd, Node::U | Node::I | Node::Bool) => Op::And,
            (Binary::BitOr, Node::U | Node::I | Node::Bool) => Op::Or,
            (Binary::BitXor, Node::U | Node::I | Node::Bool) => Op::Xor,
            (Binary::Shl, Node::U | Node::I) => Op::Shl,
            (Binary::Shr, Node::U) => Op::Shr,
            (Binary::Shr, Node::I) => Op::Shrs,
            _ => {
                let shown = self.show(of);
                return self.broken(say::no_operator(span, op, &shown), span);
            }
        };
        self.op(instruction, [a, b], of, span)
    }

    fn compare(&mut self, op: Binary, a: Expr, b: Expr, span: &Span) -> Expr {
        let of = ty(&a);
        let equality = matches!(op, Binary::Eq | Binary::Ne);
        let is_none = |side: &Expr| matches!(side.kind, ExprKind::None);
        let node = match self.cx.types.node(of) {
            // A comparison with `none`, of which it does not matter what it is.
            Node::Unknown { of_none: true } if equality && (is_none(&a) || is_none(&b)) => Node::Struct(0),
            _ => self.head(of, &a.place.span),
        };
        let instruction = match (op, &node) {
            (_, Node::Broken) => return self.word(0, Ty::BOOL, span),
            (_, Node::Text | Node::Bytes) if equality => {
                let same = self.runtime("bytes_equal", vec![a, b], Ty::BOOL, span);
                return if op == Binary::Ne { self.not(same, span) } else { same };
            }
            (_, Node::Key) if equality => {
                let same = self.op(Op::Keysame, [a, b], Ty::BOOL, span);
                return if op == Binary::Ne { self.not(same, span) } else { same };
            }
            (_, Node::Text | Node::Bytes) => {
                let order = self.runtime("bytes_compare", vec![a, b], Ty::I, span);
                let zero = self.word(0, Ty::I, span);
                return self.op(signed(op), [order, zero], Ty::BOOL, span);
            }
            (Binary::Eq, Node::F) => Op::Feq,
            (Binary::Ne, Node::F) => Op::Fne,
            (Binary::Lt, Node::F) => Op::Flt,
            (Binary::Le, Node::F) => Op::Fle,
            (Binary::Gt, Node::F) => Op::Fgt,
            (Binary::Ge, Node::F) => Op::Fge,
            (_, Node::I) => signed(op),
            (Binary::Eq, node) if !matches!(node, Node::Param(_)) => Op::Eq,
            (Binary::Ne, node) if !matches!(node, Node::Param(_)) => Op::Ne,
            (Binary::Lt, Node::U) => Op::Lt,
            (Binary::Le, Node::U) => Op::Le,
            (Binary::Gt, Node::U) => Op::Gt,
            (Binary::Ge, Node::U) => Op::Ge,
            _ => {
                let shown = self.show(of);
                return self.broken(say::no_operator(span, op, &shown), span);
            }
        };
        self.op(instruction, [a, b], Ty::BOOL, span)
    }

    /// `a in b`
    fn contains(&mut self, a: &'a ast::Expr<'a>, b: &'a ast::Expr<'a>, span: &Span) -> Expr {
        // What is looked for takes its type from where it is looked for, so that one is first; it is evaluated second.
        let later = super::expr::is_flexible(a);
        let item = (!later).then(|| self.expr(a, None));
        let container = self.expr(b, None);
        let of = ty(&container);
        let node = self.head(of, &b.span);
        let element = match node {
            Node::List(of) | Node::Array(of) => of,
            Node::Map(key, _) => key,
            Node::Text => Ty::TEXT,
            _ => {
                drop(item.unwrap_or_else(|| self.flexible(a, None)));
                if matches!(node, Node::Broken) {
                    return self.word(0, Ty::BOOL, span);
                }
                let shown = self.show(of);
                return self.broken(say::no_container(&b.span, &shown), span);
            }
        };
        let mut item = item.unwrap_or_else(|| self.flexible(a, Some(element)));
        self.expect(&mut item, element, &a.span);
        let function = match (&node, self.head(element, &a.span)) {
            (_, Node::Broken) => return self.word(0, Ty::BOOL, span),
            (Node::Text, _) => "text_contains",
            (Node::Map(..), _) => "map_has",
            (_, Node::Param(_) | Node::Key) => {
                let shown = self.show(element);
                return self.broken(say::not_comparable(&b.span, &shown), span);
            }
            (Node::Array(_), Node::Text | Node::Bytes) => "array_contains_text",
            (Node::Array(_), Node::F) => "array_contains_f",
            (Node::Array(_), _) => "array_contains",
            (_, Node::Text | Node::Bytes) => "list_contains_text",
            (_, Node::F) => "list_contains_f",
            _ => "list_contains",
        };
        let mut stmts = Vec::new();
        let item = if is_plain(&container) { item } else { self.keep(item, &mut stmts) };
        let found = self.runtime(function, vec![container, item], Ty::BOOL, span);
        self.block_of(stmts, found, span)
    }
}

fn is_difference(of: &ast::Expr<'_>) -> bool {
    matches!(of.kind, ast::ExprKind::Binary(Binary::Sub, ..))
}

/// The instruction that compares signed numbers.
fn signed(op: Binary) -> Op {
    match op {
        Binary::Eq => Op::Eq,
        Binary::Ne => Op::Ne,
        Binary::Lt => Op::Lts,
        Binary::Le => Op::Les,
        Binary::Gt => Op::Gts,
        _ => Op::Ges,
    }
}
