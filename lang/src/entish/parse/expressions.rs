//! Operators, and what binds less.

use super::operands::postfix;
use super::{Input, Parsed, ahead, bump, deeper, eat, peek, report, say, since, text, unexpected};
use crate::entish::ast::{Binary, Expr, ExprKind, Span, Unary};
use crate::entish::lex::{Kind, NESTING_MAX, Token};

/// An expression, and how deep it nests, which is limited: those who walk through it call themselves for each level.
pub(super) struct Tall<'s> {
    pub(super) expr: Box<Expr<'s>>,
    pub(super) height: usize,
}

/// What can begin an expression.
pub(super) const EXPRESSION: &str = "an expression";

/// How strongly operators bind, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::entish) enum Level {
    Or,
    And,
    Not,
    Comparison,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Unary,
}

impl Level {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::BitOr,
            Self::BitOr => Self::BitXor,
            Self::BitXor => Self::BitAnd,
            Self::BitAnd => Self::Shift,
            Self::Shift => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Unary => Self::Unary,
        }
    }
}

/// The operator between two operands that a token is.
pub(in crate::entish) fn binary_operator(kind: Kind) -> Option<(Binary, Level)> {
    Some(match kind {
        Kind::Or => (Binary::Or, Level::Or),
        Kind::And => (Binary::And, Level::And),
        Kind::Eq => (Binary::Eq, Level::Comparison),
        Kind::Ne => (Binary::Ne, Level::Comparison),
        Kind::Lt => (Binary::Lt, Level::Comparison),
        Kind::Le => (Binary::Le, Level::Comparison),
        Kind::Gt => (Binary::Gt, Level::Comparison),
        Kind::Ge => (Binary::Ge, Level::Comparison),
        Kind::In => (Binary::In, Level::Comparison),
        Kind::Bar => (Binary::BitOr, Level::BitOr),
        Kind::Caret => (Binary::BitXor, Level::BitXor),
        Kind::Ampersand => (Binary::BitAnd, Level::BitAnd),
        Kind::Shl => (Binary::Shl, Level::Shift),
        Kind::Shr => (Binary::Shr, Level::Shift),
        Kind::Plus => (Binary::Add, Level::Sum),
        Kind::Minus => (Binary::Sub, Level::Sum),
        Kind::Star => (Binary::Mul, Level::Product),
        Kind::Slash => (Binary::Div, Level::Product),
        Kind::Percent => (Binary::Rem, Level::Product),
        _ => return None,
    })
}

/// What an operator of another language does, where ours has another name.
fn foreign_operator(mark: &str) -> Option<(Binary, Level)> {
    Some(match mark {
        "&&" => (Binary::And, Level::And),
        "||" => (Binary::Or, Level::Or),
        "===" => (Binary::Eq, Level::Comparison),
        "!==" | "<>" => (Binary::Ne, Level::Comparison),
        "=<" => (Binary::Le, Level::Comparison),
        _ => return None,
    })
}

/// The word that is an operator in other languages, and what it is here.
fn foreign_word_operator(word: &str) -> Option<(Binary, Level)> {
    Some(match word {
        "is" => (Binary::Eq, Level::Comparison),
        "xor" => (Binary::BitXor, Level::BitXor),
        "mod" => (Binary::Rem, Level::Product),
        "div" => (Binary::Div, Level::Product),
        _ => return None,
    })
}

pub(super) fn expression<'s>(input: &mut Input<'_, 's>) -> Parsed<Expr<'s>> {
    tall(input).map(|tall| *tall.expr)
}

/// A node over others, the highest of which has this height.
pub(super) fn node<'s>(kind: ExprKind<'s>, span: Span, below: usize) -> Parsed<Tall<'s>> {
    if below >= NESTING_MAX {
        return Err(say::too_deep(&span, NESTING_MAX).into());
    }
    Ok(Tall { expr: Box::new(Expr { kind, span }), height: below + 1 })
}

pub(super) fn leaf<'s>(kind: ExprKind<'s>, span: Span) -> Tall<'s> {
    Tall { expr: Box::new(Expr { kind, span }), height: 1 }
}

/// `or_expr ["if" or_expr "else" expression]`
pub(super) fn tall<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let first = operators(input, Level::Or)?;
    if peek(input).kind == Kind::If { choice(input, first) } else { Ok(first) }
}

/// `if cond else otherwise`, behind `then`
fn choice<'s>(input: &mut Input<'_, 's>, then: Tall<'s>) -> Parsed<Tall<'s>> {
    let word = bump(input)?;
    let outer = std::mem::replace(&mut input.state.else_taken, true);
    let cond = deeper(input, |input| operators(input, Level::Or));
    input.state.else_taken = outer;
    let cond = cond?;
    if eat(input, Kind::Else).is_none() {
        return Err(say::no_else(&word.span(), &peek(input).span()).into());
    }
    let otherwise = deeper(input, tall)?;
    if peek(input).kind == Kind::Else {
        return Err(say::second_else(&peek(input).span(), &word.span()).into());
    }
    let height = then.height.max(cond.height).max(otherwise.height);
    let span = then.expr.span.start..otherwise.expr.span.end;
    let (cond, then, otherwise) = (cond.expr, then.expr, otherwise.expr);
    node(ExprKind::If { cond, then, otherwise }, span, height)
}

/// Operands with operators between them that bind at least as strongly as `level`.
pub(super) fn operators<'s>(input: &mut Input<'_, 's>, level: Level) -> Parsed<Tall<'s>> {
    let mut left = if level <= Level::Not { not(input)? } else { unary(input)? };
    let mut compared = None;
    loop {
        let is_compared = compared.is_some();
        let Some((op, binds)) = take_operator(input, level, &mut compared)? else { return Ok(left) };
        if is_compared && binds == Level::Comparison {
            // What should be compared is not what the comparison before gives.
            left.expr.kind = ExprKind::Broken;
        }
        let right = deeper(input, |input| operators(input, binds.tighter()))?;
        left = combine(op, left, right)?;
    }
}

fn combine<'s>(op: Binary, left: Tall<'s>, right: Tall<'s>) -> Parsed<Tall<'s>> {
    let span = left.expr.span.start..right.expr.span.end;
    let height = left.height.max(right.height);
    node(ExprKind::Binary(op, left.expr, right.expr), span, height)
}

/// Goes past the next operator, if it binds at least as strongly as `level`. `compared` is the last comparison.
fn take_operator(
    input: &mut Input<'_, '_>,
    level: Level,
    compared: &mut Option<Token>,
) -> Parsed<Option<(Binary, Level)>> {
    let token = peek(input);
    let Some((op, binds, length)) = operator(input)?.filter(|&(_, binds, _)| binds >= level) else {
        return Ok(None);
    };
    for _ in 0..length {
        bump(input)?;
    }
    let called = peek(input).kind == Kind::OpenParen;
    if matches!(token.kind, Kind::Foreign | Kind::Name) {
        let written = since(input, token.start);
        if called && text(input, token) == "<>" {
            return Err(say::no_budgets(&written).into());
        }
        let text = input.state.source.get(written.start as usize..written.end as usize).unwrap_or_default();
        if let Some(foreign) = say::foreign_operator(&written, text) {
            report(input, foreign);
        }
    }
    if binds == Level::Comparison {
        if let Some(first) = compared.replace(token) {
            let budget = called && first.kind == Kind::Lt && token.kind == Kind::Gt;
            let chained = say::chained(&first.span(), &token.span(), budget);
            if budget {
                // Nothing behind it is what it looks like.
                return Err(chained.into());
            }
            report(input, chained);
        }
    } else if binds < Level::Comparison {
        *compared = None;
    }
    Ok(Some((op, binds)))
}

/// The operator that comes next, how strongly it binds, and of how many tokens it is. Those of other languages are taken
/// for ours; the caller reports them.
fn operator(input: &Input<'_, '_>) -> Parsed<Option<(Binary, Level, usize)>> {
    let token = peek(input);
    let one = |(op, level)| (op, level, 1);
    Ok(match token.kind {
        Kind::Not if ahead(input, 1).kind == Kind::In => Some((Binary::NotIn, Level::Comparison, 2)),
        Kind::Foreign if matches!(text(input, token), "**" | "//" | "=>") => {
            return Err(unexpected(input, "an operator"));
        }
        Kind::Foreign => foreign_operator(text(input, token)).map(one),
        Kind::Name => foreign_word_operator(text(input, token)).map(|(op, level)| {
            let negated = op == Binary::Eq && ahead(input, 1).kind == Kind::Not;
            if negated { (Binary::Ne, level, 2) } else { (op, level, 1) }
        }),
        kind => binary_operator(kind).map(one),
    })
}

/// `["not"] comparison`
fn not<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let token = peek(input);
    let foreign = token.kind == Kind::Foreign && text(input, token) == "!";
    if token.kind != Kind::Not && !foreign {
        return unary(input);
    }
    bump(input)?;
    if foreign {
        report(input, say::exclamation(&token.span()));
    }
    let level = if foreign { Level::Unary } else { Level::Not };
    let operand = deeper(input, |input| operators(input, level))?;
    let span = since(input, token.start);
    node(ExprKind::Unary(Unary::Not, operand.expr), span, operand.height)
}

/// `-a`, `+a`, `~a`, `try f<…>(…)`, or what has none of these before it
fn unary<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let token = peek(input);
    match token.kind {
        Kind::Minus => sign(input, Unary::Neg),
        Kind::Plus => sign(input, Unary::Plus),
        Kind::Tilde => sign(input, Unary::Invert),
        Kind::Try => attempt(input),
        Kind::Not => Err(say::not_inside(&token.span()).into()),
        Kind::Foreign if text(input, token) == "!" => not(input),
        _ => postfix(input, false),
    }
}

/// A sign and its operand
fn sign<'s>(input: &mut Input<'_, 's>, op: Unary) -> Parsed<Tall<'s>> {
    let token = bump(input)?;
    let sign = text(input, token);
    let before = input.state.source.get(..token.start as usize).unwrap_or_default();
    if peek(input).kind == Kind::Newline && before.ends_with(sign) {
        return Err(say::increment(&(token.start - 1..token.end), sign).into());
    }
    let operand = deeper(input, unary)?;
    node(ExprKind::Unary(op, operand.expr), since(input, token.start), operand.height)
}

/// `try f<gas,words>(…)`
fn attempt<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let word = bump(input)?;
    let call = deeper(input, |input| postfix(input, true))?;
    if !matches!(call.expr.kind, ExprKind::Sandbox { .. }) {
        let span = call.expr.span.clone();
        return Err(say::try_without_budget(&word.span(), &span).into());
    }
    if peek(input).kind == Kind::Else && !input.state.else_taken {
        return Err(say::try_with_else(&word.span(), &peek(input).span()).into());
    }
    node(ExprKind::Try(call.expr), since(input, word.start), call.height)
}
