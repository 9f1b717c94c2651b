//! Statements of one line, and where a statement begins and ends.

use super::blocks::{condition, conditional, for_loop, while_loop};
use super::declarations::{constant, function, import, structure};
use super::expressions::expression;
use super::operands::begins_budgets;
use super::recovery::{broken, forget, lose, lost, position};
use super::{
    Fault, Input, Parsed, ahead, bump, eat, name, peek, report, report_indentation, say, since, text, types,
    unexpected,
};
use crate::entish::ast::{Binary, Expr, ExprKind, Span, Stmt, StmtKind};
use crate::entish::lex::{Kind, Token};
use winnow::combinator::{opt, preceded, separated};
use winnow::prelude::*;

/// Statements up to the end of the block, which is left. Declarations go to the file. What could not be parsed, or stands where the
/// block of a function should, is [`StmtKind::Broken`].
pub(super) fn statements<'s>(input: &mut Input<'_, 's>, top: bool) -> Vec<Stmt<'s>> {
    let mut statements = Vec::new();
    // The block of a function is missing: what stands here may be meant for it.
    let mut is_stray = false;
    loop {
        let first = peek(input);
        let (from, length) = (position(input), statements.len());
        is_stray &= !matches!(first.kind, Kind::Def | Kind::Typ | Kind::Const | Kind::Import);
        match first.kind {
            Kind::End => return statements,
            Kind::Dedent if !top => return statements,
            Kind::Newline | Kind::Dedent => {
                let _ = bump(input);
                continue;
            }
            Kind::Indent => {
                report_indentation(input, say::stray_indent(&ahead(input, 1).span()));
                statements.extend(indented(input));
                lose(input);
            }
            _ => {
                if let Err(fault) = statement(input, top, &mut statements) {
                    broken(input, fault, first, from, &mut statements);
                }
            }
        }
        let is_lossy = std::mem::take(&mut input.state.is_lossy);
        if is_stray {
            statements.truncate(length);
            forget(input, from);
        }
        if is_stray || is_lossy {
            statements.push(lost(input, from, first.span()));
        }
        is_stray |= is_lossy && first.kind == Kind::Def;
    }
}

/// The statements of a block; `input` is at the [`Kind::Indent`] before it.
pub(super) fn indented<'s>(input: &mut Input<'_, 's>) -> Vec<Stmt<'s>> {
    eat(input, Kind::Indent);
    let body = statements(input, false);
    eat(input, Kind::Dedent);
    body
}

/// A statement with the end of its line, or its blocks. Declarations add nothing to `out`.
fn statement<'s>(input: &mut Input<'_, 's>, top: bool, out: &mut Vec<Stmt<'s>>) -> Parsed<()> {
    let first = peek(input);
    match first.kind {
        Kind::Def if ahead(input, 1).kind != Kind::OpenParen => {
            below_top(input, top);
            function(input, top)
        }
        Kind::If => conditional(input, out),
        Kind::While => while_loop(input, out),
        Kind::For => for_loop(input, out),
        Kind::Elif | Kind::Else => Err(say::stray_else(&first.span(), text(input, first)).into()),
        _ => line(input, top, out),
    }
}

/// A simple statement and the end of its line
pub(super) fn line<'s>(input: &mut Input<'_, 's>, top: bool, out: &mut Vec<Stmt<'s>>) -> Parsed<()> {
    let first = peek(input);
    let statement = simple(input, top)?;
    line_end(input, first, statement.as_ref())?;
    out.extend(statement);
    Ok(())
}

/// Declarations stand at the top level.
fn below_top(input: &mut Input<'_, '_>, top: bool) {
    let token = peek(input);
    if !top {
        let word = text(input, token);
        report(input, say::below_top(&token.span(), word));
    }
}

/// The end of the line of a simple statement, which began with `first`.
fn line_end(input: &mut Input<'_, '_>, first: Token, statement: Option<&Stmt<'_>>) -> Parsed<()> {
    let token = peek(input);
    match token.kind {
        Kind::Newline => bump(input).map(|_| ()),
        Kind::Colon => Err(say::colon_behind_statement(&token.span(), ahead(input, 1).kind).into()),
        _ => {
            let fault = unexpected(input, "an operator or the end of the line");
            let alone = matches!(statement, Some(Stmt { kind: StmtKind::Expr(_), .. }))
                && input.state.end == first.end;
            match fault {
                Fault::Said(diagnostic) if alone => {
                    Err(diagnostic.maybe_hint(say::keyword_like(text(input, first))).into())
                }
                fault => Err(fault),
            }
        }
    }
}

/// A statement of one line, without its end. Declarations give none.
fn simple<'s>(input: &mut Input<'_, 's>, top: bool) -> Parsed<Option<Stmt<'s>>> {
    let first = peek(input);
    let kind = match first.kind {
        Kind::Const => {
            below_top(input, top);
            return constant(input).map(|()| None);
        }
        Kind::Typ => {
            below_top(input, top);
            return structure(input).map(|()| None);
        }
        Kind::Import => {
            below_top(input, top);
            return import(input).map(|()| None);
        }
        Kind::Pass => bump(input).map(|_| StmtKind::Pass)?,
        Kind::Break => bump(input).map(|_| StmtKind::Break)?,
        Kind::Continue => bump(input).map(|_| StmtKind::Continue)?,
        Kind::Return => {
            bump(input)?;
            let values = if peek(input).kind == Kind::Newline { Vec::new() } else { values(input)? };
            StmtKind::Return(values)
        }
        Kind::Yield => {
            bump(input)?;
            let value = expression(input)?;
            if peek(input).kind == Kind::Comma {
                return Err(say::several_yielded(&peek(input).span()).into());
            }
            StmtKind::Yield(value)
        }
        Kind::Assert => {
            bump(input)?;
            if let Some(span) = called(input) {
                return Err(say::assertion_in_parentheses(&span).into());
            }
            let cond = condition(input)?;
            input.state.in_header = false;
            let message = opt(preceded(Kind::Comma, expression)).parse_next(input)?;
            StmtKind::Assert { cond, message }
        }
        Kind::Try if matches!(ahead(input, 1).kind, Kind::Colon | Kind::OpenBrace) => {
            return Err(say::exceptions(&first.span()).into());
        }
        Kind::Def => {
            let length = types::length(input, 0);
            if length.is_some_and(|length| ahead(input, length).kind == Kind::Colon) {
                return Err(say::nameless(&first.span()).into());
            }
            declaration(input)?
        }
        _ if first.kind.is_word() && ahead(input, 1).kind == Kind::Assign => {
            return Err(say::reserved(&first.span(), text(input, first), "a statement").into());
        }
        Kind::Name => match types::length(input, 0) {
            _ if foreign(input) => {
                let word = text(input, first);
                return Err(match say::foreign_statement(&first.span(), word) {
                    Some(diagnostic) => diagnostic.into(),
                    None => unexpected(input, "a statement"),
                });
            }
            Some(length) if ahead(input, length).kind == Kind::Name && !operator_word(input, length) => {
                declaration(input)?
            }
            Some(length)
                if ahead(input, length).kind.is_word() && ahead(input, length + 1).kind == Kind::Assign =>
            {
                declaration(input)?
            }
            Some(1)
                if ahead(input, 1).kind == Kind::Lt
                    && types::is_constructor(text(input, first))
                    && !begins_budgets(input, 1) =>
            {
                return Err(say::angle_type(&ahead(input, 1).span(), text(input, first)).into());
            }
            _ => assignment(input)?,
        },
        Kind::Foreign if text(input, first) == "!" => assignment(input)?,
        _ if begins_expression(first.kind) => assignment(input)?,
        _ => return Err(unexpected(input, "a statement")),
    };
    Ok(Some(Stmt { kind, span: since(input, first.start) }))
}

fn begins_expression(kind: Kind) -> bool {
    use Kind::{
        Bytes, Char, False, Machine, Minus, None, Not, Number, Open, OpenBrace, OpenBracket, OpenParen, Plus,
        Text, Tilde, True, Try,
    };
    let literal = matches!(kind, Number | Char | Text | Bytes | True | False | None | Open);
    let bracket = matches!(kind, OpenParen | OpenBracket | OpenBrace);
    literal || bracket || matches!(kind, Plus | Minus | Tilde | Not | Try | Machine)
}

/// Whether a word of another language begins a statement as it does there.
fn foreign(input: &Input<'_, '_>) -> bool {
    let next = ahead(input, 1).kind;
    let as_name = matches!(
        next,
        Kind::Assign
            | Kind::Dot
            | Kind::OpenParen
            | Kind::OpenBracket
            | Kind::Comma
            | Kind::Newline
            | Kind::Lt
    );
    let word = text(input, peek(input));
    let as_call =
        next == Kind::OpenParen && !matches!(word, "switch" | "match" | "foreach" | "unless" | "until");
    // A struct may have the name, in which case this is a variable of its type.
    let as_type = next == Kind::Name && ahead(input, 2).kind == Kind::Assign;
    (!as_name || next == Kind::OpenParen && !as_call)
        && !as_type
        && assigned(next).is_none()
        && say::foreign_hint(word).is_some()
}

/// What stands in parentheses up to the end of the line, if it is more than one expression: as of a call.
fn called(input: &Input<'_, '_>) -> Option<Span> {
    let open = peek(input);
    let end = types::behind(input, 0).filter(|_| open.kind == Kind::OpenParen)?;
    let is_alone = ahead(input, end).kind == Kind::Newline;
    let mut at = 1;
    while is_alone && at < end {
        match ahead(input, at) {
            Token { kind: Kind::Comma, .. } => return Some(open.start..ahead(input, end - 1).end),
            token => at += token.mate as usize + 1,
        }
    }
    None
}

/// Whether the word at `at` is an operator in other languages, and stands as one.
fn operator_word(input: &Input<'_, '_>, at: usize) -> bool {
    let word = text(input, ahead(input, at));
    matches!(word, "is" | "xor" | "mod" | "div") && ahead(input, at + 1).kind != Kind::Assign
}

/// `type name = value`
fn declaration<'s>(input: &mut Input<'_, 's>) -> Parsed<StmtKind<'s>> {
    let ty = types::ty(input)?;
    let name = name(input, "the name of a variable")?;
    if peek(input).kind != Kind::Assign {
        let written = ty.span.start as usize..ty.span.end as usize;
        let written = input.state.source.get(written).unwrap_or_default();
        let ends = peek(input).kind == Kind::Newline;
        return Err(say::no_value(&name.span, written, name.text, ends).into());
    }
    bump(input)?;
    let values = values(input)?;
    let target = Expr { kind: ExprKind::Name(name.text), span: name.span };
    no_chain(input)?;
    Ok(StmtKind::Assign { ty: Some(ty), targets: vec![target], values })
}

/// Expressions with commas between them.
fn values<'s>(input: &mut Input<'_, 's>) -> Parsed<Vec<Expr<'s>>> {
    separated(1.., expression, Kind::Comma).parse_next(input)
}

/// The operator of `+=` and its like.
fn assigned(kind: Kind) -> Option<Binary> {
    Some(match kind {
        Kind::AddAssign => Binary::Add,
        Kind::SubAssign => Binary::Sub,
        Kind::MulAssign => Binary::Mul,
        Kind::DivAssign => Binary::Div,
        Kind::RemAssign => Binary::Rem,
        Kind::AndAssign => Binary::BitAnd,
        Kind::OrAssign => Binary::BitOr,
        Kind::XorAssign => Binary::BitXor,
        Kind::ShlAssign => Binary::Shl,
        Kind::ShrAssign => Binary::Shr,
        _ => return None,
    })
}

/// An assignment, or an expression alone
fn assignment<'s>(input: &mut Input<'_, 's>) -> Parsed<StmtKind<'s>> {
    let mut targets = values(input)?;
    let token = peek(input);
    if let Some(op) = assigned(token.kind) {
        let (Some(target), true) = (targets.pop(), targets.is_empty()) else {
            return Err(say::several_updated(&token.span()).into());
        };
        check_target(&target)?;
        bump(input)?;
        let value = expression(input)?;
        no_chain(input)?;
        return Ok(StmtKind::Update { target, op: (op, token.span()), value });
    }
    if token.kind != Kind::Assign {
        if token.kind == Kind::Foreign && text(input, token) == ":=" {
            return Err(say::walrus(&token.span()).into());
        }
        if token.kind == Kind::Colon
            && let [Expr { kind: ExprKind::Name(name), span }] = &targets[..]
            && ahead(input, 1).kind == Kind::Name
        {
            return Err(say::type_behind(&(span.start..ahead(input, 1).end), name).into());
        }
        let compares = matches!(targets[0].kind, ExprKind::Binary(Binary::Lt, ..));
        return match (targets.pop(), targets.is_empty()) {
            (Some(only), true) => Ok(StmtKind::Expr(only)),
            _ => match unexpected(input, "`=` and the values") {
                Fault::Said(diagnostic) if compares => Err(diagnostic.hint(say::BUDGETS).into()),
                fault => Err(fault),
            },
        };
    }
    for target in &targets {
        check_target(target)?;
    }
    bump(input)?;
    let values = values(input)?;
    no_chain(input)?;
    Ok(StmtKind::Assign { ty: None, targets, values })
}

/// Refuses `a = b = c`.
fn no_chain(input: &Input<'_, '_>) -> Parsed<()> {
    let token = peek(input);
    if token.kind == Kind::Assign { Err(say::chained_assignment(&token.span()).into()) } else { Ok(()) }
}

/// Whether one can assign to it.
fn check_target(target: &Expr<'_>) -> Parsed<()> {
    match target.kind {
        ExprKind::Name(_) | ExprKind::Member(..) | ExprKind::Index(..) | ExprKind::Broken => Ok(()),
        _ => Err(say::no_target(&target.span, &target.kind).into()),
    }
}
