//! Functions, types, constants and imports.

use super::blocks::block;
use super::expressions::expression;
use super::{Input, Parsed, ahead, bracketed, bump, expect, name, peek, say, since, text, types, unexpected};
use crate::entish::ast::{Const, Func, Param, Stmt, StmtKind, Struct};
use crate::entish::lex::Kind;
use winnow::combinator::{opt, preceded};
use winnow::prelude::*;

/// `def name(parameters) -> results:` and its block
///
/// In a function that does not stand at the `top` the names are those of the one around it, so nothing is said of its block.
pub(super) fn function(input: &mut Input<'_, '_>, top: bool) -> Parsed<()> {
    let losses = input.state.losses;
    let first = bump(input)?;
    let name = name(input, "the name of a function")?;
    if peek(input).kind != Kind::OpenParen {
        let token = peek(input);
        return Err(say::no_parameters(&name.span, name.text, &token.span()).into());
    }
    let params = bracketed(input, "a parameter or `)`", parameter)?;
    let results = opt(preceded(Kind::Arrow, types::results)).parse_next(input)?;
    let span = since(input, first.start);
    let body = block(input, first)?;
    let whole = top && input.state.losses == losses;
    let within = || vec![Stmt { kind: StmtKind::Broken(Vec::new()), span: span.clone() }];
    let body = if top { body } else { within() };
    input.state.file.funcs.push(Func { name, params, results, body, whole, span });
    Ok(())
}

/// `type name = default`, or less
fn parameter<'s>(input: &mut Input<'_, 's>) -> Parsed<Param<'s>> {
    let typed = types::length(input, 0).is_some_and(|length| {
        let next = ahead(input, length).kind;
        next == Kind::Name || next.is_word()
    });
    let ty = if typed { Some(types::ty(input)?) } else { None };
    if matches!(peek(input).kind, Kind::Star | Kind::Foreign) {
        return Err(say::star_parameter(&peek(input).span()).into());
    }
    let name = name(input, "the name of a parameter")?;
    if peek(input).kind == Kind::Lt && types::is_constructor(name.text) {
        return Err(say::angle_type(&peek(input).span(), name.text).into());
    }
    if peek(input).kind == Kind::Colon && ahead(input, 1).kind == Kind::Name {
        return Err(say::type_behind(&(name.span.start..ahead(input, 1).end), name.text).into());
    }
    let default = opt(preceded(Kind::Assign, expression)).parse_next(input)?;
    Ok(Param { ty, name, default })
}

/// `const name = value`
pub(super) fn constant(input: &mut Input<'_, '_>) -> Parsed<()> {
    bump(input)?;
    let typed = types::length(input, 0).filter(|&length| ahead(input, length).kind == Kind::Name);
    if let Some(length) = typed {
        let last = ahead(input, length.saturating_sub(1));
        return Err(say::typed_constant(&(peek(input).start..last.end)).into());
    }
    let name = name(input, "the name of a constant")?;
    if peek(input).kind == Kind::Colon {
        return Err(say::typed_constant(&peek(input).span()).into());
    }
    expect(input, Kind::Assign, "`=` and the value")?;
    let value = expression(input)?;
    input.state.file.consts.push(Const { name, value });
    Ok(())
}

/// `typ name {type field, …}`
pub(super) fn structure(input: &mut Input<'_, '_>) -> Parsed<()> {
    bump(input)?;
    let name = name(input, "the name of a type")?;
    if peek(input).kind != Kind::OpenBrace {
        return Err(say::no_fields(&peek(input).span(), name.text).into());
    }
    let fields = bracketed(input, "a field or `}`", |input| {
        let first = peek(input);
        let typed = types::length(input, 0).is_some_and(|length| {
            let next = ahead(input, length).kind;
            next == Kind::Name || next.is_word()
        });
        if first.kind == Kind::Name && !typed {
            let behind = ahead(input, 1);
            return Err(match behind.kind {
                Kind::Colon => say::type_behind(&(first.start..behind.end), text(input, first)).into(),
                Kind::Comma | Kind::CloseBrace => {
                    say::field_without_type(&first.span(), text(input, first)).into()
                }
                _ => {
                    types::ty(input)?;
                    unexpected(input, "the name of a field")
                }
            });
        }
        let ty = types::ty(input)?;
        Ok((ty, super::name(input, "the name of a field")?))
    })?;
    input.state.file.structs.push(Struct { name, fields });
    Ok(())
}

/// `import name`
pub(super) fn import(input: &mut Input<'_, '_>) -> Parsed<()> {
    bump(input)?;
    let token = peek(input);
    if matches!(token.kind, Kind::Text | Kind::Char) {
        return Err(say::quoted_import(&token.span()).into());
    }
    if matches!(token.kind, Kind::Dot | Kind::Slash) || matches!(token.text(input.state.source), "..") {
        return Err(say::import_path(&token.span()).into());
    }
    let name = name(input, "the name of a file")?;
    if peek(input).kind == Kind::Slash {
        return Err(say::import_path(&peek(input).span()).into());
    }
    if peek(input).kind == Kind::Minus {
        return Err(say::import_minus(&peek(input).span()).into());
    }
    if matches!(peek(input).kind, Kind::Comma | Kind::Dot | Kind::Name) {
        return Err(say::import_more(&peek(input).span()).into());
    }
    input.state.file.imports.push(name);
    Ok(())
}
