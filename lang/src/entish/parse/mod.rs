//! Tokens to what they say.
//!
//! Every place is decided by the next token or two, so that what was expected there can be said; the one exception,
//! the `<` of a sandboxed call, looks ahead to its `>` at most. A statement with a mistake is reported and passed
//! over, and parsing goes on behind it (`recovery`); slips whose meaning is plain are reported and taken as meant.

mod blocks;
mod declarations;
mod expressions;
mod operands;
mod recovery;
pub(super) mod say;
mod statements;
mod types;

pub(super) use expressions::{Level, binary_operator};
pub(super) use operands::budgets_length;

use super::ast::{File, Name, Span};
use super::lex::{Kind, Lexed, NESTING_MAX, Token, lex, lex_from};
use crate::diagnostic::Diagnostic;
use std::ops::Range;
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::{Stateful, TokenSlice};
use winnow::token::any;

/// The tokens that are left, and what is known of those before.
type Input<'t, 's> = Stateful<TokenSlice<'t, Token>, State<'t, 's>>;
type Parsed<T> = Result<T, Fault>;

#[derive(Debug)]
struct State<'t, 's> {
    source: &'s str,
    /// All tokens, those before the next one too.
    tokens: &'t [Token],
    file: File<'s>,
    diagnostics: Vec<Diagnostic>,
    /// Where the first tab is that indents a line.
    first_tab: Option<u32>,
    /// Where the token before the next one ends.
    end: u32,
    /// How deep brackets, operators and types are nested here.
    depth: usize,
    /// An `else` here does not belong to a sandboxed call: it is that of `a if c else b`.
    else_taken: bool,
    /// This is the first line of a block, up to its colon.
    in_header: bool,
    /// How often something was left out of what has been parsed.
    losses: usize,
    /// Something of the statement that is parsed was left out.
    is_lossy: bool,
    /// Where the names are that statements with mistakes have, in order.
    kept: Vec<recovery::Kept>,
}

/// Why a statement could not be parsed.
#[derive(Debug)]
enum Fault {
    /// Another token was wanted; nothing has been consumed.
    Mismatch,
    Said(Box<Diagnostic>),
}

impl<I: winnow::stream::Stream> ParserError<I> for Fault {
    type Inner = Self;

    fn from_input(_: &I) -> Self {
        Self::Mismatch
    }

    fn is_backtrack(&self) -> bool {
        matches!(self, Self::Mismatch)
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

impl From<Diagnostic> for Fault {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Said(Box::new(diagnostic))
    }
}

/// A kind of token parses such a token.
impl<'t, 's> Parser<Input<'t, 's>, Token, Fault> for Kind {
    fn parse_next(&mut self, input: &mut Input<'t, 's>) -> Parsed<Token> {
        if peek(input).kind != *self {
            return Err(Fault::Mismatch);
        }
        bump(input)
    }
}

/// What a file says, and what is wrong with it.
pub(crate) fn parse(source: &str) -> (File<'_>, Vec<Diagnostic>) {
    parsed(source, lex(source))
}

/// The same of a part of it, which begins at the beginning of a line; the places are those in the whole file.
pub(crate) fn parse_part(source: &str, part: Range<usize>) -> (File<'_>, Vec<Diagnostic>) {
    let source = &source[..part.end];
    parsed(source, lex_from(source, part.start))
}

fn parsed(source: &str, lexed: Lexed) -> (File<'_>, Vec<Diagnostic>) {
    if lexed.refused {
        return (File { unread: true, ..File::new() }, lexed.diagnostics);
    }
    let state = State {
        source,
        tokens: &lexed.tokens,
        file: File::default(),
        diagnostics: lexed.diagnostics,
        first_tab: lexed.first_tab,
        end: 0,
        depth: 0,
        else_taken: false,
        in_header: false,
        losses: 0,
        is_lossy: false,
        kept: Vec::new(),
    };
    let mut input = Stateful { input: TokenSlice::new(&lexed.tokens), state };
    let main = statements::statements(&mut input, true);
    let mut file = input.state.file;
    file.main = main;
    (file, input.state.diagnostics)
}

/// The names of the files that a file imports, found without parsing it.
pub(crate) fn imports(source: &str) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if let Some((name, at)) = imported(line) {
            let at = start + at;
            let span = u32::try_from(at).ok().zip(u32::try_from(at + name.len()).ok());
            found.extend(span.map(|(from, to)| (name.to_owned(), from..to)));
        }
        start += line.len();
    }
    found
}

/// The name in `import NAME`, and where in the line it is.
fn imported(line: &str) -> Option<(&str, usize)> {
    let text = line.trim_start_matches('\u{feff}').strip_prefix("import")?;
    let rest = text.trim_start_matches([' ', '\t']);
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, behind) = rest.split_at(length);
    let alone = behind.trim_ascii_start().is_empty() || behind.trim_ascii_start().starts_with('#');
    let named = name.starts_with(|c: char| !c.is_ascii_digit()) && rest.len() < text.len();
    (named && alone && !super::lex::WORDS.iter().any(|&(word, _)| word == name))
        .then(|| (name, line.len() - rest.len()))
}

// ---- Tokens -------------------------------------------------------------------------------------------

/// The next token.
fn peek(input: &Input<'_, '_>) -> Token {
    ahead(input, 0)
}

/// The token that is `count` behind the next one.
fn ahead(input: &Input<'_, '_>, count: usize) -> Token {
    let end = input.state.end;
    input.get(count).copied().unwrap_or(Token { kind: Kind::End, start: end, end, mate: 0 })
}

fn text<'s>(input: &Input<'_, 's>, token: Token) -> &'s str {
    token.text(input.state.source)
}

/// Goes past the next token.
fn bump(input: &mut Input<'_, '_>) -> Parsed<Token> {
    let token: &Token = any::<_, Fault>.parse_next(input)?;
    input.state.end = token.end;
    Ok(*token)
}

/// Goes past the next token if it is of this kind.
fn eat(input: &mut Input<'_, '_>, kind: Kind) -> Option<Token> {
    let mut kind = kind;
    kind.parse_next(input).ok()
}

/// Goes past the next token, which must be of this kind.
fn expect(input: &mut Input<'_, '_>, kind: Kind, wanted: &str) -> Parsed<Token> {
    eat(input, kind).ok_or_else(|| unexpected(input, wanted))
}

/// A name; `what` says whose.
fn name<'s>(input: &mut Input<'_, 's>, what: &str) -> Parsed<Name<'s>> {
    let token = peek(input);
    if token.kind.is_word() {
        return Err(say::reserved(&token.span(), text(input, token), what).into());
    }
    let token = expect(input, Kind::Name, what)?;
    Ok(Name { text: text(input, token), span: token.span() })
}

/// From `start` to where the last token ended.
fn since(input: &Input<'_, '_>, start: u32) -> Span {
    start..input.state.end.max(start)
}

// ---- Errors -------------------------------------------------------------------------------------------

/// With so many mistakes, the rest of the file is not looked at.
const REPORTED_MAX: usize = 1000;

fn report(input: &mut Input<'_, '_>, diagnostic: Diagnostic) {
    input.state.diagnostics.push(diagnostic);
    if input.state.diagnostics.len() >= REPORTED_MAX {
        input.state.file.unread = true;
        while peek(input).kind != Kind::End {
            let _ = bump(input);
        }
    }
}

/// Reports how a line is indented. Behind a tab that was meant to, that may but follow from it.
fn report_indentation(input: &mut Input<'_, '_>, diagnostic: Diagnostic) {
    if input.state.first_tab.is_none_or(|tab| diagnostic.span.start < tab as usize) {
        report(input, diagnostic);
    }
}

/// The next token is none of those wanted.
fn unexpected(input: &Input<'_, '_>, wanted: &str) -> Fault {
    let token = peek(input);
    let before = input.state.source.get(..token.start as usize).unwrap_or_default();
    say::unexpected(&token.span(), token.kind, text(input, token), before, wanted).into()
}

/// The next token does not go on or end what the bracket began.
fn unclosed(input: &Input<'_, '_>, open: Token, in_header: bool, wanted: &str) -> Fault {
    let token = peek(input);
    let bracket = text(input, open);
    if open.mate == 0 {
        return say::unclosed(&open.span(), bracket, &token.span(), wanted).into();
    }
    match unexpected(input, wanted) {
        Fault::Said(diagnostic) => {
            let block = in_header && open.kind == Kind::OpenBrace;
            let hint = block.then(|| say::BLOCKS.to_owned());
            diagnostic.label(&say::wide(&open.span()), format!("in this `{bracket}`")).maybe_hint(hint).into()
        }
        mismatch => mismatch,
    }
}

/// Parses what nests, one level deeper.
fn deeper<'t, 's, T>(
    input: &mut Input<'t, 's>,
    parse: impl FnOnce(&mut Input<'t, 's>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state.depth >= NESTING_MAX {
        return Err(say::too_deep(&peek(input).span(), NESTING_MAX).into());
    }
    input.state.depth += 1;
    let parsed = parse(input);
    input.state.depth -= 1;
    parsed
}

/// Items between brackets, with commas between them and, if one likes, behind the last. `input` is at the opening
/// bracket.
fn bracketed<'t, 's, T>(
    input: &mut Input<'t, 's>,
    wanted: &str,
    mut item: impl FnMut(&mut Input<'t, 's>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let open = bump(input)?;
    let close = open.kind.closing().unwrap_or(Kind::End);
    let in_header = std::mem::replace(&mut input.state.in_header, false);
    let else_taken = std::mem::replace(&mut input.state.else_taken, false);
    let mut items = Vec::new();
    let parsed = deeper(input, |input| {
        while eat(input, close).is_none() {
            if matches!(peek(input).kind, Kind::Newline | Kind::End) {
                return Err(unclosed(input, open, in_header, wanted));
            }
            items.push(item(input)?);
            if eat(input, Kind::Comma).is_none() {
                let wanted = format!("`,` or `{}`", say::mark(close));
                eat(input, close).ok_or_else(|| unclosed(input, open, in_header, &wanted))?;
                break;
            }
        }
        Ok(())
    });
    (input.state.in_header, input.state.else_taken) = (in_header, else_taken);
    parsed.map(|()| items)
}

/// One item between brackets. `several` says what is wrong if there are more.
fn enclosed<'t, 's, T>(
    input: &mut Input<'t, 's>,
    wanted: &str,
    several: fn(&Span) -> Diagnostic,
    item: impl FnOnce(&mut Input<'t, 's>) -> Parsed<T>,
) -> Parsed<T> {
    let open = bump(input)?;
    let close = open.kind.closing().unwrap_or(Kind::End);
    let in_header = std::mem::replace(&mut input.state.in_header, false);
    let else_taken = std::mem::replace(&mut input.state.else_taken, false);
    if matches!(peek(input).kind, Kind::Newline | Kind::End) {
        return Err(unclosed(input, open, false, wanted));
    }
    let parsed = deeper(input, item);
    (input.state.in_header, input.state.else_taken) = (in_header, else_taken);
    let item = parsed?;
    if peek(input).kind == Kind::Comma && open.mate > 0 {
        return Err(several(&peek(input).span()).into());
    }
    let wanted = format!("an operator or `{}`", say::mark(close));
    eat(input, close).ok_or_else(|| unclosed(input, open, false, &wanted))?;
    Ok(item)
}

#[cfg(test)]
pub(super) mod tests;
