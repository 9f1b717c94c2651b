//! Operands: names, literals, what stands in brackets, and what follows an operand.

use super::expressions::{EXPRESSION, Level, Tall, binary_operator, leaf, node, operators, tall};
use super::{
    Input, Parsed, ahead, bracketed, bump, deeper, enclosed, expect, name, peek, report, say, since, text,
    types, unexpected,
};
use crate::diagnostic::Diagnostic;
use crate::entish::ast::{Arg, Expr, ExprKind, Name, Span};
use crate::entish::lex::{self, Kind, Token};
use crate::escape::{self, BadEscape, Piece};
use winnow::combinator::{opt, preceded};
use winnow::prelude::*;

/// An operand with its calls, indices and members.
pub(super) fn postfix<'s>(input: &mut Input<'_, 's>, tried: bool) -> Parsed<Tall<'s>> {
    let mut left = atom(input)?;
    loop {
        left = match peek(input).kind {
            Kind::Dot => member(input, left)?,
            Kind::OpenParen => call(input, left)?,
            Kind::OpenBracket => subscript(input, left)?,
            Kind::OpenBrace => literal(input, left)?,
            Kind::Lt if begins_budgets(input, 0) => sandbox(input, left, tried)?,
            _ => return Ok(left),
        };
        // What follows the value behind an `else` belongs to that value.
        if matches!(left.expr.kind, ExprKind::Sandbox { otherwise: Some(_), .. }) {
            return Ok(left);
        }
    }
}

/// `.name`
fn member<'s>(input: &mut Input<'_, 's>, object: Tall<'s>) -> Parsed<Tall<'s>> {
    bump(input)?;
    let next = peek(input);
    let before = input.state.source.get(..next.start as usize).unwrap_or_default();
    if next.kind.is_word() && say::pointed_number(before).is_some() {
        return Err(unexpected(input, say::MEMBER));
    }
    let start = object.expr.span.start;
    let member = name(input, say::MEMBER)?;
    node(ExprKind::Member(object.expr, member), since(input, start), object.height)
}

/// `(args)`
fn call<'s>(input: &mut Input<'_, 's>, callee: Tall<'s>) -> Parsed<Tall<'s>> {
    let start = callee.expr.span.start;
    let (args, height) = arguments(input)?;
    node(ExprKind::Call(callee.expr, args), since(input, start), callee.height.max(height))
}

/// `{fields}`, behind the name of a type
fn literal<'s>(input: &mut Input<'_, 's>, ty: Tall<'s>) -> Parsed<Tall<'s>> {
    let brace = peek(input);
    let start = ty.expr.span.start;
    match structure(*ty.expr) {
        Ok((module, name)) => {
            let (fields, height) = fields(input)?;
            node(ExprKind::Struct { module, name, fields }, since(input, start), height)
        }
        Err(_) if input.state.in_header => Err(say::block_word(&brace.span(), "{").into()),
        Err(expr) => Err(say::no_struct(&expr.span, &brace.span()).into()),
    }
}

/// The names of a struct type, if the expression is such.
fn structure(expr: Expr<'_>) -> Result<(Option<Name<'_>>, Name<'_>), Expr<'_>> {
    let Expr { kind, span } = expr;
    match kind {
        ExprKind::Name(text) => Ok((None, Name { text, span })),
        ExprKind::Member(object, name) => match *object {
            Expr { kind: ExprKind::Name(text), span } => Ok((Some(Name { text, span }), name)),
            object => Err(Expr { kind: ExprKind::Member(Box::new(object), name), span }),
        },
        kind => Err(Expr { kind, span }),
    }
}

/// Whether the `<` at `at` begins the budgets of a sandboxed call: no comparison and no second comma before a `>` that
/// `(` follows.
pub(super) fn begins_budgets(input: &Input<'_, '_>, at: usize) -> bool {
    budgets_length(input.get(at..).unwrap_or_default()).is_some()
}

/// How many tokens `<gas,words>` has, if this is it and `(` follows.
pub(in crate::entish) fn budgets_length(tokens: &[Token]) -> Option<usize> {
    let (mut at, mut commas) = (1, 0);
    loop {
        let token = tokens.get(at)?;
        match token.kind {
            Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace if token.mate > 0 => {
                at += token.mate as usize;
            }
            Kind::Comma if commas == 0 => commas = 1,
            Kind::Gt => {
                let call = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::OpenParen);
                return (commas == 1 && call).then_some(at + 1);
            }
            Kind::Name | Kind::Machine | Kind::Number | Kind::Char | Kind::Text | Kind::Bytes | Kind::Dot => {
            }
            Kind::True | Kind::False | Kind::None | Kind::Tilde | Kind::Try => {}
            kind if binary_operator(kind).is_some_and(|(_, level)| level > Level::Comparison) => {}
            _ => return None,
        }
        at += 1;
    }
}

/// `<gas,words>(args)`, and `else value` if it is there
fn sandbox<'s>(input: &mut Input<'_, 's>, callee: Tall<'s>, tried: bool) -> Parsed<Tall<'s>> {
    bump(input)?;
    let start = callee.expr.span.start;
    let budgets = deeper(input, |input| {
        let gas = operators(input, Level::BitOr)?;
        expect(input, Kind::Comma, "`,` and the budget of words")?;
        let words = operators(input, Level::BitOr)?;
        expect(input, Kind::Gt, "the `>` behind the budgets")?;
        Ok((gas, words))
    });
    let (gas, words) = budgets?;
    let (args, height) = arguments(input)?;
    let mut height = height.max(callee.height).max(gas.height).max(words.height);
    let has_else = peek(input).kind == Kind::Else && !input.state.else_taken && !tried;
    let otherwise = if has_else {
        bump(input)?;
        let value = deeper(input, tall)?;
        height = height.max(value.height);
        Some(value.expr)
    } else {
        None
    };
    let (callee, gas, words) = (callee.expr, gas.expr, words.expr);
    node(ExprKind::Sandbox { callee, gas, words, args, otherwise }, since(input, start), height)
}

/// `(a, name=b)`
fn arguments<'s>(input: &mut Input<'_, 's>) -> Parsed<(Vec<Arg<'s>>, usize)> {
    let mut height = 0;
    let args = bracketed(input, "an argument or `)`", |input| {
        let name = named(input, Kind::Assign, "the name of a parameter")?;
        let value = tall(input)?;
        height = height.max(value.height);
        Ok(Arg { name, value: *value.expr })
    })?;
    Ok((args, height))
}

/// The name before a value, if there is one, with the mark between them.
fn named<'s>(input: &mut Input<'_, 's>, mark: Kind, what: &str) -> Parsed<Option<Name<'s>>> {
    if peek(input).kind != Kind::Name || ahead(input, 1).kind != mark {
        return Ok(None);
    }
    let name = name(input, what)?;
    bump(input)?;
    Ok(Some(name))
}

type Fields<'s> = Vec<(Option<Name<'s>>, Expr<'s>)>;

/// `{a, name: b}`
fn fields<'s>(input: &mut Input<'_, 's>) -> Parsed<(Fields<'s>, usize)> {
    let mut height = 0;
    let fields = bracketed(input, "a field or `}`", |input| {
        let is_assigned = peek(input).kind == Kind::Name && ahead(input, 1).kind == Kind::Assign;
        if is_assigned && !input.state.in_header {
            return Err(say::assigned_field(&ahead(input, 1).span(), text(input, peek(input))).into());
        }
        let name = named(input, Kind::Colon, "the name of a field")?;
        let value = tall(input)?;
        height = height.max(value.height);
        Ok((name, *value.expr))
    })?;
    Ok((fields, height))
}

/// `[i]`, `[i:j]`
fn subscript<'s>(input: &mut Input<'_, 's>, object: Tall<'s>) -> Parsed<Tall<'s>> {
    let open = peek(input);
    if ahead(input, 1).kind == Kind::CloseBracket {
        return Err(say::no_index(&(open.start..ahead(input, 1).end)).into());
    }
    let start = object.expr.span.start;
    let mut height = object.height;
    let (from, to) = enclosed(input, "an index", say::several_indices, |input| {
        let from = bound(input)?;
        let to = opt(preceded(Kind::Colon, bound)).parse_next(input)?;
        if to.is_some() && peek(input).kind == Kind::Colon {
            return Err(say::step(&peek(input).span()).into());
        }
        let bounds = [from.as_ref(), to.as_ref().and_then(Option::as_ref)];
        height = bounds.into_iter().flatten().map(|bound| bound.height).fold(height, usize::max);
        let boxed = |bound: Option<Tall<'s>>| bound.map(|bound| bound.expr);
        Ok((boxed(from), to.map(boxed)))
    })?;
    let object = object.expr;
    let kind = match (from, to) {
        (from, Some(to)) => ExprKind::Slice(object, from, to),
        (Some(index), None) => ExprKind::Index(object, index),
        (None, None) => return Err(say::no_index(&since(input, open.start)).into()),
    };
    node(kind, since(input, start), height)
}

fn bound<'s>(input: &mut Input<'_, 's>) -> Parsed<Option<Tall<'s>>> {
    let left_out = matches!(peek(input).kind, Kind::Colon | Kind::CloseBracket);
    if left_out { Ok(None) } else { tall(input).map(Some) }
}

/// What has no operators of its own: names, literals, what stands in brackets.
fn atom<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let token = peek(input);
    let span = token.span();
    let source = input.state.source;
    let kind = match token.kind {
        Kind::Name => return name_or_type(input),
        Kind::Machine => return machine(input),
        Kind::OpenParen => return parenthesized(input),
        Kind::OpenBracket => return list(input),
        Kind::OpenBrace => return map(input),
        Kind::Number => match lex::number(token.text(source)) {
            Ok(lex::Number::Int(value)) => ExprKind::Int(value),
            Ok(lex::Number::Float(value)) => ExprKind::Float(value),
            Err(why) => {
                report(input, say::bad_number(&span, token.text(source), why));
                ExprKind::Broken
            }
        },
        Kind::Char => match character(&span, token.text(source)) {
            Ok(code) => ExprKind::Int(code),
            Err(diagnostic) => {
                report(input, *diagnostic);
                ExprKind::Broken
            }
        },
        Kind::Text => {
            triple_quotes(input)?;
            match string(token.text(source)) {
                Ok(value) => ExprKind::Text(value),
                Err(bad) => bad_escape(input, token, &bad),
            }
        }
        Kind::Bytes => match escape::string_bytes(&token.text(source)[1..]) {
            Ok(bytes) => ExprKind::Bytes(bytes),
            Err(BadEscape(at, why)) => bad_escape(input, token, &BadEscape(at.start + 1..at.end + 1, why)),
        },
        Kind::True => ExprKind::Bool(true),
        Kind::False => ExprKind::Bool(false),
        Kind::None => ExprKind::None,
        Kind::Dot if ahead(input, 1).kind == Kind::Number && ahead(input, 1).start == token.end => {
            let number = ahead(input, 1);
            return Err(say::leading_point(&(token.start..number.end), number.text(source)).into());
        }
        _ => return Err(unexpected(input, EXPRESSION)),
    };
    bump(input)?;
    Ok(leaf(kind, span))
}

/// A name, or a type that makes something empty.
fn name_or_type<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let token = peek(input);
    if types::makes_empty(input) {
        let ty = types::empty(input)?;
        return Ok(leaf(ExprKind::Empty(ty), since(input, token.start)));
    }
    let word = text(input, token);
    if let Some(diagnostic) = say::foreign_name(&token.span(), word, ahead(input, 1).kind) {
        if !matches!(word, "True" | "False" | "None") {
            return Err(diagnostic.into());
        }
        report(input, diagnostic);
        bump(input)?;
        return Ok(leaf(ExprKind::Broken, token.span()));
    }
    bump(input)?;
    let next = peek(input);
    if next.kind == Kind::Text && next.start == token.end {
        return Err(say::prefixed_text(&token.span(), word).into());
    }
    Ok(leaf(ExprKind::Name(word), token.span()))
}

/// `$name(args)`
fn machine<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let token = bump(input)?;
    let name = Name { text: &text(input, token)[1..], span: token.start + 1..token.end };
    if peek(input).kind != Kind::OpenParen {
        return Err(unexpected(input, "the instruction's `(`"));
    }
    let mut height = 0;
    let args = bracketed(input, "an operand or `)`", |input| {
        let value = tall(input)?;
        height = height.max(value.height);
        Ok(*value.expr)
    })?;
    node(ExprKind::Machine(name, args), since(input, token.start), height)
}

/// `(a)`
fn parenthesized<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let open = peek(input);
    if ahead(input, 1).kind == Kind::CloseParen {
        return Err(say::empty_parentheses(&(open.start..ahead(input, 1).end)).into());
    }
    let mut inner = enclosed(input, EXPRESSION, say::tuple, tall)?;
    inner.expr.span = since(input, open.start);
    Ok(inner)
}

/// `[a, b]`
fn list<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let open = peek(input);
    let mut height = 0;
    let items = bracketed(input, "an element or `]`", |input| {
        let item = tall(input)?;
        height = height.max(item.height);
        if peek(input).kind == Kind::For {
            return Err(say::comprehension(&peek(input).span()).into());
        }
        Ok(*item.expr)
    })?;
    node(ExprKind::List(items), since(input, open.start), height)
}

/// `{k: v}`
fn map<'s>(input: &mut Input<'_, 's>) -> Parsed<Tall<'s>> {
    let open = peek(input);
    let mut height = 0;
    let entries = bracketed(input, "a key or `}`", |input| {
        let key = tall(input)?;
        if matches!(peek(input).kind, Kind::Comma | Kind::CloseBrace) {
            return Err(say::set(&open.span(), &key.expr.span).into());
        }
        expect(input, Kind::Colon, "`:` and the value")?;
        let value = tall(input)?;
        height = height.max(key.height).max(value.height);
        Ok((*key.expr, *value.expr))
    })?;
    node(ExprKind::Map(entries), since(input, open.start), height)
}

// ---- Literals -----------------------------------------------------------------------------------------

/// The code of the character between single quotes.
fn character(span: &Span, text: &str) -> Result<u64, Box<Diagnostic>> {
    let pieces = escape::unescape(text).map_err(|bad| say::bad_escape(span, bad.1))?;
    match pieces[..] {
        [Piece::Byte(byte)] => Ok(byte.into()),
        [Piece::Char(c)] => Ok(u32::from(c).into()),
        [] => Err(Box::new(say::empty_character(span))),
        _ => Err(Box::new(say::long_character(span))),
    }
}

/// The characters between double quotes.
fn string(text: &str) -> Result<String, BadEscape> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let pieces = escape::unescape(text)?;
    if pieces.iter().any(|piece| matches!(piece, Piece::Byte(0x80..))) {
        return Err(BadEscape(1..text.len() - 1, say::BYTE_IN_TEXT));
    }
    let characters = pieces.into_iter().map(|piece| match piece {
        Piece::Byte(byte) => char::from(byte),
        Piece::Char(c) => c,
    });
    Ok(characters.collect())
}

fn bad_escape<'s>(input: &mut Input<'_, 's>, token: Token, bad: &BadEscape) -> ExprKind<'s> {
    let at = |place: usize| token.start + u32::try_from(place).unwrap_or(0);
    report(input, say::bad_escape(&(at(bad.0.start)..at(bad.0.end).min(token.end)), bad.1));
    ExprKind::Broken
}

/// Refuses `"""`.
fn triple_quotes(input: &Input<'_, '_>) -> Parsed<()> {
    let (token, next) = (peek(input), ahead(input, 1));
    let quoted = matches!(next.kind, Kind::Text | Kind::Open) && next.start == token.end;
    if quoted && token.end - token.start == 2 {
        return Err(say::triple_quotes(&(token.start..token.end + 1)).into());
    }
    Ok(())
}
