//! What becomes of a statement with a mistake: it is passed over, and what it may have meant is kept for those who look at the
//! rest, so that they do not report what follows from it.

use super::blocks::{ElseWord, arm, block, else_word};
use super::{Fault, Input, bump, eat, peek, report, say, statements, text, unexpected};
use crate::entish::ast::{Expr, ExprKind, Name, Span, Stmt, StmtKind};
use crate::entish::lex::{Kind, Token};
use winnow::stream::Stream;

/// The place of the next token among all.
pub(super) fn position(input: &Input<'_, '_>) -> usize {
    input.state.tokens.len().saturating_sub(input.eof_offset())
}

/// Something of the statement is left out, which has been reported.
pub(super) fn lose(input: &mut Input<'_, '_>) {
    input.state.is_lossy = true;
    input.state.losses += 1;
}

/// Tokens whose names a statement in the tree has.
#[derive(Debug)]
pub(super) struct Kept {
    from: usize,
    to: usize,
    /// Whether there are quotes among them that are not closed.
    opens: bool,
}

/// In place of what the tokens from `from` on say, or as much of it as nothing stands for yet.
pub(super) fn lost<'s>(input: &mut Input<'_, 's>, from: usize, span: Span) -> Stmt<'s> {
    input.state.is_lossy = false;
    input.state.losses += 1;
    let to = position(input);
    let first = input.state.kept.partition_point(|kept| kept.from < from);
    let inner = input.state.kept.split_off(first);
    let starts = [from].into_iter().chain(inner.iter().map(|kept| kept.to));
    let gaps: Vec<_> = starts.zip(inner.iter().map(|kept| kept.from).chain([to])).collect();
    // They may have been opened anywhere.
    let opens = inner.iter().any(|kept| kept.opens) || gaps.iter().any(|&gap| opens_quotes(input, gap));
    let mut found = Vec::new();
    for (number, &gap) in gaps.iter().enumerate() {
        found.extend(names(input, gap, number == 0, opens));
    }
    input.state.kept.push(Kept { from, to, opens });
    Stmt { kind: StmtKind::Broken(found), span }
}

/// What has been made of the tokens from `from` on is not taken.
pub(super) fn forget(input: &mut Input<'_, '_>, from: usize) {
    let first = input.state.kept.partition_point(|kept| kept.from < from);
    input.state.kept.truncate(first);
}

/// Whether there are quotes among tokens that are not closed.
fn opens_quotes(input: &Input<'_, '_>, (from, to): (usize, usize)) -> bool {
    let tokens = input.state.tokens.get(from..to).unwrap_or_default();
    tokens.iter().any(|token| token.kind == Kind::Open)
}

/// The names in some tokens that these may make, the one that is declared first if one is; and whether they look
/// like those of functions that are called. Those of members are not among them, nor what is called in full.
fn names<'i, 's>(
    input: &'i Input<'_, 's>,
    (from, to): (usize, usize),
    begins: bool,
    has_open_quotes: bool,
) -> impl Iterator<Item = (Name<'s>, bool)> + use<'i, 's> {
    let source = input.state.source;
    let tokens = input.state.tokens.get(from..to).unwrap_or_default();
    let is = |at: Option<usize>, kind| at.and_then(|at| tokens.get(at)).is_some_and(|of| of.kind == kind);
    let mut is_first = begins;
    let names = tokens.iter().enumerate().filter_map(move |(at, token)| {
        let (before, behind) = (at.checked_sub(1), Some(at + 1));
        let is_called = is(behind, Kind::OpenParen);
        let is_name = match token.kind {
            Kind::Name => {
                let may_be = std::mem::take(&mut is_first) || is(before, Kind::Name);
                let is_used = is_called && tokens[at + 1].mate > 0;
                (may_be || !is_used) && !is(before, Kind::Dot) && !is(behind, Kind::Dot)
            }
            Kind::Open | Kind::Text => has_open_quotes,
            _ => false,
        };
        is_name.then(|| (token.span(), is_called))
    });
    names.flat_map(move |(span, is_called)| words(source, span).map(move |name| (name, is_called)))
}

/// The words in a stretch of the text.
fn words(source: &str, span: Span) -> impl Iterator<Item = Name<'_>> {
    let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    names.map(move |text| Name { text, span: span.clone() })
}

/// Keeps the names that a declaration with a mistake may declare; its first token is `first`, at `from`.
fn lose_declared(input: &mut Input<'_, '_>, first: Token, from: usize) {
    let count = match first.kind {
        Kind::Def => 1,
        Kind::Typ | Kind::Const | Kind::Import => usize::MAX,
        Kind::Name if say::foreign_hint(text(input, first)).is_some() => usize::MAX,
        _ => return,
    };
    let all = (from, position(input));
    let opens = opens_quotes(input, all);
    let found: Vec<_> = names(input, all, true, opens).map(|(name, _)| name.text).take(count).collect();
    input.state.file.lost.extend(found);
}

/// Goes past a statement with a mistake, and what else belongs to it if it is an `if`. Its first token is `first`, at `from`.
pub(super) fn broken<'s>(
    input: &mut Input<'_, 's>,
    fault: Fault,
    first: Token,
    from: usize,
    out: &mut Vec<Stmt<'s>>,
) {
    recover(input, fault, first, from, out);
    let mut kind = first.kind;
    while matches!(kind, Kind::If | Kind::Elif) && !matches!(else_word(input), ElseWord::Other) {
        let (word, from) = (peek(input), position(input));
        kind = word.kind;
        let _ = bump(input);
        let parsed =
            if word.kind == Kind::Else { block(input, word) } else { arm(input, word).map(|arm| arm.1) };
        match parsed {
            Ok(body) => out.extend(body),
            Err(fault) => recover(input, fault, word, from, out),
        }
    }
}

/// Reports the fault, and goes past the line; also past the block that the line begins, whose statements are parsed for
/// the mistakes in them unless they would be statements of nothing.
fn recover<'s>(input: &mut Input<'_, 's>, fault: Fault, first: Token, from: usize, out: &mut Vec<Stmt<'s>>) {
    let start = input.state.end;
    match fault {
        Fault::Said(diagnostic) => report(input, *diagnostic),
        Fault::Mismatch => {
            if let Fault::Said(diagnostic) = unexpected(input, "a statement") {
                report(input, *diagnostic);
            }
        }
    }
    (input.state.depth, input.state.else_taken, input.state.in_header) = (0, false, false);
    forget(input, from);
    skip_line(input);
    let opens = position(input).checked_sub(2).and_then(|last| input.state.tokens.get(last));
    let opens = opens.is_some_and(|last| last.kind.closing().is_some());
    lose_declared(input, first, from);
    let span = first.start..start.max(first.end);
    let has_no_block = matches!(
        first.kind,
        Kind::Typ | Kind::Name | Kind::Try | Kind::Assert | Kind::Return | Kind::Yield | Kind::Const
    );
    // What is indented behind a bracket that is not closed stands in it.
    let is_skipped = peek(input).kind == Kind::Indent && (has_no_block || opens && first.kind != Kind::Def);
    if is_skipped {
        skip_block(input);
    }
    out.push(lost(input, from, span.clone()));
    if !is_skipped && peek(input).kind == Kind::Indent {
        let begin = position(input);
        let body = statements::indented(input);
        let cond = Expr { kind: ExprKind::Broken, span: span.clone() };
        match first.kind {
            // Nobody knows what its parameters are.
            Kind::Def => forget(input, begin),
            Kind::While | Kind::For => {
                out.push(Stmt { kind: StmtKind::While { cond: Some(cond), body }, span: span.clone() });
            }
            _ => {
                let kind = StmtKind::If { arms: vec![(cond, body)], otherwise: Vec::new() };
                out.push(Stmt { kind, span: span.clone() });
            }
        }
    }
    // What belongs to the `try` of other languages.
    let goes_on = |next: Token, input: &Input<'_, 's>| {
        next.kind == Kind::Else || matches!(text(input, next), "except" | "catch" | "finally")
    };
    let from = position(input);
    while first.kind == Kind::Try && goes_on(peek(input), input) {
        skip_line(input);
        if peek(input).kind == Kind::Indent {
            skip_block(input);
        }
    }
    if position(input) > from {
        out.push(lost(input, from, span));
    }
}

/// Goes past the rest of the line.
fn skip_line(input: &mut Input<'_, '_>) {
    while !matches!(peek(input).kind, Kind::Newline | Kind::End | Kind::Indent | Kind::Dedent) {
        if bump(input).is_err() {
            return;
        }
    }
    eat(input, Kind::Newline);
}

/// Goes past a block.
fn skip_block(input: &mut Input<'_, '_>) {
    let mut depth = 0_usize;
    loop {
        match peek(input).kind {
            Kind::Indent => depth += 1,
            Kind::Dedent => depth -= 1,
            Kind::End => return,
            _ => {}
        }
        if bump(input).is_err() || depth == 0 {
            return;
        }
    }
}
