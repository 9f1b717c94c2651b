//! Blocks, and the statements that have them.

use super::expressions::expression;
use super::recovery::lose;
use super::statements::{indented, line};
use super::{
    Fault, Input, Parsed, ahead, bump, eat, expect, name, peek, report, report_indentation, say, since, text,
    unexpected,
};
use crate::entish::ast::{Expr, ExprKind, Name, Span, Stmt, StmtKind};
use crate::entish::lex::{Kind, NESTING_MAX, Token};

/// The colon of a header that began with `first`, and the block behind it.
pub(super) fn block<'s>(input: &mut Input<'_, 's>, first: Token) -> Parsed<Vec<Stmt<'s>>> {
    input.state.in_header = false;
    let header = since(input, first.start);
    if eat(input, Kind::Colon).is_none() {
        // Nothing else is wrong with the line if the block follows.
        if peek(input).kind != Kind::Newline {
            return Err(no_colon(input, first));
        }
        let word = text(input, first);
        report(input, say::no_colon(&header, word));
    }
    if eat(input, Kind::Newline).is_none() {
        return one_line(input);
    }
    if peek(input).kind == Kind::Indent {
        return Ok(indented(input));
    }
    let (word, next) = (text(input, first), peek(input));
    report_indentation(input, say::no_block(&header, word, &next.span()));
    lose(input);
    Ok(vec![Stmt { kind: StmtKind::Broken(Vec::new()), span: header }])
}

/// Something else stands where the colon of a header should.
fn no_colon(input: &Input<'_, '_>, first: Token) -> Fault {
    let token = peek(input);
    let word = text(input, token);
    match token.kind {
        Kind::Name if matches!(word, "then" | "do") => say::block_word(&token.span(), word).into(),
        Kind::OpenBrace => say::block_word(&token.span(), "{").into(),
        _ if first.kind == Kind::Else && token.kind == Kind::If => {
            say::else_if(&(first.start..token.end)).into()
        }
        _ => unexpected(input, "`:`"),
    }
}

/// The one simple statement that stands behind a colon.
fn one_line<'s>(input: &mut Input<'_, 's>) -> Parsed<Vec<Stmt<'s>>> {
    let token = peek(input);
    if matches!(token.kind, Kind::If | Kind::While | Kind::For)
        || token.kind == Kind::Def && ahead(input, 1).kind != Kind::OpenParen
    {
        return Err(say::block_in_line(&token.span(), text(input, token)).into());
    }
    let mut body = Vec::new();
    line(input, false, &mut body)?;
    if peek(input).kind == Kind::Indent {
        report_indentation(input, say::indent_behind_line(&ahead(input, 1).span(), &token.span()));
        body.extend(indented(input));
        lose(input);
    }
    Ok(body)
}

/// A condition, up to the colon. A `=` in it is taken for `==`.
pub(super) fn condition<'s>(input: &mut Input<'_, 's>) -> Parsed<Expr<'s>> {
    input.state.in_header = true;
    let left = expression(input)?;
    let Some(sign) = eat(input, Kind::Assign) else { return Ok(left) };
    report(input, say::assignment_in_condition(&sign.span()));
    expression(input)?;
    Ok(Expr { kind: ExprKind::Broken, span: left.span.start..input.state.end })
}

/// `if`, any `elif`, and `else`
pub(super) fn conditional<'s>(input: &mut Input<'_, 's>, out: &mut Vec<Stmt<'s>>) -> Parsed<()> {
    let first = bump(input)?;
    let mut arms = Vec::new();
    let mut otherwise = Vec::new();
    let span = first_arm(input, first, &mut arms)?;
    let mut reported = false;
    loop {
        match else_word(input) {
            ElseWord::Elif(length) => {
                let word = elif(input, length, arms.len() >= NESTING_MAX && !reported)?;
                let arm = arm(input, word)?;
                // Those beyond the limit are parsed for the mistakes in them.
                if arms.len() < NESTING_MAX {
                    arms.push(arm);
                } else {
                    lose(input);
                    reported = true;
                }
            }
            ElseWord::Else => {
                let word = bump(input)?;
                otherwise = block(input, word)?;
                break;
            }
            ElseWord::Other => break,
        }
    }
    out.push(Stmt { kind: StmtKind::If { arms, otherwise }, span });
    Ok(())
}

type Arm<'s> = (Expr<'s>, Vec<Stmt<'s>>);

/// The first condition of an `if` with its block; gives the place of the header.
fn first_arm<'s>(input: &mut Input<'_, 's>, first: Token, arms: &mut Vec<Arm<'s>>) -> Parsed<Span> {
    let cond = condition(input)?;
    let span = since(input, first.start);
    arms.push((cond, block(input, first)?));
    Ok(span)
}

/// `elif`, or the tokens that are meant for it
fn elif(input: &mut Input<'_, '_>, length: usize, too_many: bool) -> Parsed<Token> {
    let first = peek(input);
    for _ in 0..length {
        bump(input)?;
    }
    let written = since(input, first.start);
    if first.kind != Kind::Elif {
        report(input, say::else_if(&written));
    }
    if too_many {
        report(input, say::too_many_arms(&written, NESTING_MAX));
    }
    Ok(first)
}

pub(super) fn arm<'s>(input: &mut Input<'_, 's>, first: Token) -> Parsed<Arm<'s>> {
    let cond = condition(input)?;
    let body = block(input, first)?;
    Ok((cond, body))
}

/// What goes on with an `if` behind a block.
pub(super) enum ElseWord {
    /// `elif`, or as many tokens as are meant for it.
    Elif(usize),
    Else,
    Other,
}

pub(super) fn else_word(input: &Input<'_, '_>) -> ElseWord {
    let token = peek(input);
    match token.kind {
        Kind::Elif => ElseWord::Elif(1),
        Kind::Else if ahead(input, 1).kind == Kind::If => ElseWord::Elif(2),
        Kind::Else => ElseWord::Else,
        Kind::Name if matches!(text(input, token), "elseif" | "elsif" | "elsf") => ElseWord::Elif(1),
        _ => ElseWord::Other,
    }
}

/// `while cond:` or `while:`, and its block
pub(super) fn while_loop<'s>(input: &mut Input<'_, 's>, out: &mut Vec<Stmt<'s>>) -> Parsed<()> {
    let first = bump(input)?;
    let endless = matches!(peek(input).kind, Kind::Colon | Kind::Newline);
    let cond = if endless { None } else { Some(condition(input)?) };
    let span = since(input, first.start);
    let body = block(input, first)?;
    out.push(Stmt { kind: StmtKind::While { cond, body }, span });
    no_else(input, first)
}

/// `for name in e:` and its block
pub(super) fn for_loop<'s>(input: &mut Input<'_, 's>, out: &mut Vec<Stmt<'s>>) -> Parsed<()> {
    let first = bump(input)?;
    let (var, over) = turns(input)?;
    let span = since(input, first.start);
    let body = block(input, first)?;
    out.push(Stmt { kind: StmtKind::For { var, over, body }, span });
    no_else(input, first)
}

/// `name in e`
fn turns<'s>(input: &mut Input<'_, 's>) -> Parsed<(Name<'s>, Expr<'s>)> {
    let token = peek(input);
    if !matches!(token.kind, Kind::Name | Kind::Newline) && !token.kind.is_word() {
        return Err(say::for_form(&token.span(), text(input, token), "the name of a variable").into());
    }
    let var = name(input, "the name of a variable")?;
    if peek(input).kind == Kind::Comma {
        return Err(say::for_two(&peek(input).span()).into());
    }
    let token = peek(input);
    if token.kind != Kind::In && token.kind != Kind::Newline {
        return Err(say::for_form(&token.span(), text(input, token), "`in`").into());
    }
    expect(input, Kind::In, "`in`")?;
    input.state.in_header = true;
    Ok((var, expression(input)?))
}

/// Refuses what other languages have behind loops, after going past it.
fn no_else(input: &mut Input<'_, '_>, first: Token) -> Parsed<()> {
    let token = peek(input);
    if matches!(token.kind, Kind::Else | Kind::Elif) {
        report(input, say::else_of_loop(&token.span(), text(input, token), &first.span()));
        bump(input)?;
        if token.kind == Kind::Elif {
            condition(input)?;
        }
        block(input, token)?;
        lose(input);
    }
    Ok(())
}
