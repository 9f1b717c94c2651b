//! Types.

use super::{Input, Parsed, ahead, bracketed, bump, deeper, eat, expect, name, peek, say, since, unexpected};
use crate::entish::ast::{Name, Type, TypeKind};
use crate::entish::lex::{Kind, NESTING_MAX};

/// A type: `u`, `T[]`, `map(K, V)`, `module.name`, `def(A) -> R`.
pub(super) fn ty<'s>(input: &mut Input<'_, 's>) -> Parsed<Type<'s>> {
    measured(input).map(|(ty, _)| ty)
}

/// What stands behind an arrow: a type, or several in parentheses, or none.
pub(super) fn results<'s>(input: &mut Input<'_, 's>) -> Parsed<Vec<Type<'s>>> {
    Ok(split(measured_results(input)?).0)
}

/// A type, and how deep it nests.
fn measured<'s>(input: &mut Input<'_, 's>) -> Parsed<(Type<'s>, usize)> {
    let first = peek(input);
    let (kind, inner) = match first.kind {
        Kind::Def => {
            bump(input)?;
            if peek(input).kind != Kind::OpenParen {
                return Err(unexpected(input, "the `(` of a function's type"));
            }
            let (params, depth) = split(bracketed(input, "a type", measured)?);
            let arrow = eat(input, Kind::Arrow).is_some();
            let (results, more) = if arrow { split(measured_results(input)?) } else { (Vec::new(), 0) };
            (TypeKind::Func(params, results), depth.max(more))
        }
        _ if first.kind.is_word() => {
            return Err(say::reserved(&first.span(), super::text(input, first), "a type").into());
        }
        _ => {
            let base = name(input, "a type")?;
            match peek(input).kind {
                Kind::Dot => {
                    bump(input)?;
                    (TypeKind::Member(base, name(input, "the name of a type")?), 0)
                }
                Kind::OpenParen => {
                    let (of, depth) = split(bracketed(input, "a type", measured)?);
                    (TypeKind::Applied(base, of), depth)
                }
                Kind::Lt => return Err(say::angle_type(&peek(input).span(), base.text).into()),
                _ => (TypeKind::Named(base), 0),
            }
        }
    };
    let mut ty = Type { kind, span: since(input, first.start) };
    let mut height = inner + 1;
    while peek(input).kind == Kind::OpenBracket {
        let open = bump(input)?;
        if eat(input, Kind::CloseBracket).is_none() {
            return Err(say::list_type(&open.span()).into());
        }
        height += 1;
        if height > NESTING_MAX {
            break;
        }
        let list = Name { text: "list", span: since(input, open.start) };
        ty = Type { kind: TypeKind::Applied(list, vec![ty]), span: since(input, first.start) };
    }
    if height > NESTING_MAX {
        return Err(say::too_deep(&first.span(), NESTING_MAX).into());
    }
    Ok((ty, height))
}

fn measured_results<'s>(input: &mut Input<'_, 's>) -> Parsed<Vec<(Type<'s>, usize)>> {
    if peek(input).kind == Kind::OpenParen {
        bracketed(input, "a type", measured)
    } else {
        deeper(input, |input| Ok(vec![measured(input)?]))
    }
}

fn split<'s>(types: Vec<(Type<'s>, usize)>) -> (Vec<Type<'s>>, usize) {
    let height = types.iter().map(|(_, height)| *height).max().unwrap_or(0);
    (types.into_iter().map(|(ty, _)| ty).collect(), height)
}

/// How many tokens make up what looks like a type at `at`; `None` if nothing there does.
pub(super) fn length(input: &Input<'_, '_>, at: usize) -> Option<usize> {
    let mut end = at;
    match ahead(input, at).kind {
        Kind::Name => {
            end += 1;
            match ahead(input, end).kind {
                Kind::Dot if ahead(input, end + 1).kind == Kind::Name => end += 2,
                Kind::OpenParen if is_constructor(super::text(input, ahead(input, at))) => {
                    end = behind(input, end)?;
                }
                _ => {}
            }
        }
        Kind::Def if ahead(input, at + 1).kind == Kind::OpenParen => {
            end = behind(input, at + 1)?;
            while ahead(input, end).kind == Kind::Arrow {
                end += 1;
                match ahead(input, end).kind {
                    Kind::OpenParen => {
                        end = behind(input, end)?;
                        break;
                    }
                    Kind::Def if ahead(input, end + 1).kind == Kind::OpenParen => {
                        end = behind(input, end + 1)?;
                    }
                    _ => return length(input, end).map(|more| end - at + more),
                }
            }
        }
        _ => return None,
    }
    while ahead(input, end).kind == Kind::OpenBracket && ahead(input, end + 1).kind == Kind::CloseBracket {
        end += 2;
    }
    Some(end - at)
}

/// What makes types of types.
pub(super) fn is_constructor(name: &str) -> bool {
    matches!(name, "list" | "array" | "map" | "job")
}

/// The place behind the bracket that closes the one at `at`.
pub(super) fn behind(input: &Input<'_, '_>, at: usize) -> Option<usize> {
    match ahead(input, at).mate {
        0 => None,
        mate => Some(at + mate as usize + 1),
    }
}

/// Whether a list, array or map type comes next that is called without arguments, which makes an empty one.
pub(super) fn makes_empty(input: &Input<'_, '_>) -> bool {
    let Some(end) = length(input, 0) else { return false };
    let list = end > 2 && ahead(input, end - 1).kind == Kind::CloseBracket;
    let applied =
        ahead(input, end - 1).kind == Kind::CloseParen && is_constructor(super::text(input, peek(input)));
    (list || applied)
        && ahead(input, end).kind == Kind::OpenParen
        && ahead(input, end + 1).kind == Kind::CloseParen
}

/// The `()` behind such a type.
pub(super) fn empty<'s>(input: &mut Input<'_, 's>) -> Parsed<Type<'s>> {
    let ty = ty(input)?;
    expect(input, Kind::OpenParen, "`()`")?;
    expect(input, Kind::CloseParen, "`)`")?;
    Ok(ty)
}
