//! Tokens to what they say: what all parts of the parser share, and constant expressions.
//!
//! A function that fails has recorded why; its caller gives up too, up to the next statement, field or
//! declaration, where [`Parser::recover`] finds a place to go on.

use super::ast::{Expr, ExprKind, File, Name, Operator, Step};
use super::lex::{Span, Token, Value};
use super::say;
use crate::diagnostic::Diagnostic;
use crate::escape::{BadEscape, string_bytes};
use keyvm_isa::{OPS, Op};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Parentheses, signs and operands may nest this deep.
pub(crate) const NESTING_MAX: u32 = 200;

/// A diagnostic has been recorded.
pub(crate) struct Reported;

/// What parsing gives.
pub(crate) type Parsed<T> = Result<T, Reported>;

pub(crate) struct Parser<'s> {
    pub(crate) source: &'s str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// Whether line ends mean nothing here: inside parentheses and brackets.
    spanning: bool,
    depth: u32,
    /// Whether quotes were open: then a block may seem so too.
    unterminated: bool,
    pub(crate) data_blocks: usize,
    pub(crate) broken: Vec<Name<'s>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Parses a whole text.
pub(crate) fn parse(source: &str) -> (File<'_>, Vec<Diagnostic>) {
    let mut parser = Parser {
        source,
        tokens: super::lex::tokens(source),
        at: 0,
        spanning: false,
        depth: 0,
        unterminated: false,
        data_blocks: 0,
        broken: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut file = parser.file();
    file.broken = parser.broken;
    file.data_blocks = parser.data_blocks;
    (file, parser.diagnostics)
}

/// The instruction with this mnemonic.
pub(crate) fn mnemonic(text: &str) -> Option<Op> {
    static OP_OF: LazyLock<BTreeMap<&str, Op>> =
        LazyLock::new(|| OPS.iter().map(|info| (info.mnemonic, info.op)).collect());
    OP_OF.get(text).copied()
}

impl<'s> Parser<'s> {
    // ---- Tokens ---------------------------------------------------------------------------------------

    /// The token to be read next.
    pub(crate) fn peek(&mut self) -> Token {
        while self.spanning && self.tokens[self.at].0 == Token::Newline {
            self.at += 1;
        }
        self.tokens[self.at].0
    }

    /// The kind of the token that is `ahead` behind the next one.
    pub(crate) fn peek_ahead(&self, ahead: usize) -> Token {
        self.tokens.get(self.index_ahead(ahead)).map_or(Token::End, |token| token.0)
    }

    fn index_ahead(&self, ahead: usize) -> usize {
        let mut index = self.at;
        for step in 0..=ahead {
            index += usize::from(step > 0);
            while self.spanning && matches!(self.tokens.get(index), Some((Token::Newline, _))) {
                index += 1;
            }
        }
        index
    }

    /// Where the next token is.
    pub(crate) fn span(&mut self) -> Span {
        self.peek();
        self.tokens[self.at].1.clone()
    }

    /// Where the token before the next one ends.
    pub(crate) fn end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |before| self.tokens[before].1.end)
    }

    /// The text of the next token.
    pub(crate) fn text(&mut self) -> &'s str {
        let span = self.span();
        &self.source[span]
    }

    /// Goes past the next token.
    pub(crate) fn bump(&mut self) -> Span {
        let span = self.span();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        span
    }

    /// Goes past the next token if it is this one.
    pub(crate) fn eat(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.bump();
        }
        found
    }

    /// Goes past the next token, which must be this one.
    pub(crate) fn expect(&mut self, token: Token, wanted: &str) -> Parsed<Span> {
        if self.peek() == token { Ok(self.bump()) } else { Err(self.unexpected(wanted)) }
    }

    /// Whether the next token is this word.
    pub(crate) fn at_word(&mut self, word: &str) -> bool {
        self.peek() == Token::Ident && self.text() == word
    }

    pub(crate) fn skip_newlines(&mut self) {
        while self.eat(Token::Newline) {}
    }

    // ---- Errors ---------------------------------------------------------------------------------------

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Reports that the next token is none of those `wanted`.
    pub(crate) fn unexpected(&mut self, wanted: &str) -> Reported {
        let (token, span) = (self.peek(), self.span());
        let text = &self.source[span.clone()];
        self.unterminated |= token == Token::Unterminated;
        let diagnostic = match self.foreign_comment(&span) {
            Some(mark) => say::foreign_comment(&mark, &self.source[mark.clone()], wanted),
            None => say::unexpected(&span, token, text, wanted),
        };
        self.report(diagnostic)
    }

    /// The mark of a comment in another language that the token at a place is, or is the first or last character of.
    fn foreign_comment(&self, token: &Span) -> Option<Span> {
        ["#", "//", "/*"].into_iter().find_map(|mark| {
            let first = token.end.checked_sub(mark.len())?;
            let mut starts = [token.start, first].into_iter();
            let start =
                starts.find(|&at| self.source.get(at..).is_some_and(|rest| rest.starts_with(mark)))?;
            Some(start..start + mark.len())
        })
    }

    /// Reports that the next token does not end or continue what began with the parenthesis at `open`. If a
    /// line begins with it, the parenthesis was forgotten on the line before, and this is a new statement.
    pub(crate) fn unclosed(&mut self, wanted: &str, open: &Span) -> Reported {
        let (token, span) = (self.peek(), self.span());
        let text = &self.source[span.clone()];
        let diagnostic = say::unexpected(&span, token, text, wanted);
        while self.at > 0 && self.tokens[self.at - 1].0 == Token::Newline {
            self.at -= 1;
        }
        self.report(diagnostic.label(open, "for this parenthesis"))
    }

    /// Goes past the rest of the line, with the blocks that begin in it, but not past the end of this block.
    pub(crate) fn recover(&mut self) {
        let mut blocks = 0_u32;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Newline if blocks == 0 => return,
                Token::CloseBlock if blocks == 0 => return,
                Token::OpenBlock => blocks += 1,
                Token::CloseBlock => blocks -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    /// Parses what nests, one level deeper.
    pub(crate) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == NESTING_MAX {
            let span = self.span();
            return Err(self.report(say::too_deep(&span, NESTING_MAX)));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Parses what stands between brackets of some kind, where line ends mean nothing.
    pub(crate) fn spanning<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let before = core::mem::replace(&mut self.spanning, true);
        let parsed = parse(self);
        self.spanning = before;
        parsed
    }

    /// Parses `{ … }` with `item` for every thing in it; line ends separate nothing but are allowed anywhere
    /// between. Recovers within the block.
    pub(crate) fn block(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        let open = self.expect(Token::OpenBlock, "`{`")?;
        loop {
            match self.peek() {
                Token::CloseBlock => {
                    self.bump();
                    return Ok(());
                }
                Token::Newline => {
                    self.bump();
                }
                Token::End if self.unterminated => return Err(Reported),
                Token::End => return Err(self.report(say::unclosed_block(&open))),
                _ => {
                    if item(self).is_err() {
                        self.recover();
                    }
                }
            }
        }
    }

    // ---- Names and literals -----------------------------------------------------------------------------

    pub(crate) fn name(&mut self, wanted: &str) -> Parsed<Name<'s>> {
        if self.peek() != Token::Ident {
            return Err(self.unexpected(wanted));
        }
        let text = self.text();
        Ok(Name { text, span: self.bump() })
    }

    /// A name that is about to get a meaning in code, where it may be one that means something elsewhere.
    pub(crate) fn own_name(&mut self, wanted: &str) -> Parsed<Name<'s>> {
        if self.peek() == Token::Dotted {
            let (span, text) = (self.span(), self.text());
            return Err(self.report(say::dotted_name(&span, text)));
        }
        self.name(wanted)
    }

    /// A name that is about to get a meaning.
    pub(crate) fn new_name(&mut self, wanted: &str) -> Parsed<Name<'s>> {
        let name = self.own_name(wanted)?;
        if mnemonic(name.text).is_some() || Value::of_word(name.text).is_some() || name.text == "none" {
            return Err(self.report(say::reserved_name(&name.span, name.text)));
        }
        Ok(name)
    }

    pub(crate) fn string(&mut self) -> Parsed<(Vec<u8>, Span)> {
        let text = self.text();
        let span = self.expect(Token::String, "a string")?;
        match string_bytes(text) {
            Ok(bytes) => Ok((bytes, span)),
            Err(bad) => Err(self.bad_escape(&span, &bad)),
        }
    }

    fn bad_escape(&mut self, token: &Span, BadEscape(place, wanted): &BadEscape) -> Reported {
        let span = token.start + place.start..(token.start + place.end).min(token.end);
        self.report(say::bad_escape(&span, wanted))
    }

    /// One or more of what `item` parses, with commas between; a line may end behind a comma.
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Token::Comma) {
            self.skip_newlines();
            items.push(item(self)?);
        }
        Ok(items)
    }

    // ---- Constant expressions -------------------------------------------------------------------------

    /// Whether the token that is `ahead` behind the next one can begin an expression that does not begin with
    /// a parenthesis.
    pub(crate) fn expr_begins(&self, ahead: usize) -> bool {
        match self.peek_ahead(ahead) {
            Token::Number | Token::Char | Token::Minus | Token::Colon | Token::Dotted => true,
            Token::Ident => {
                let span = self.tokens[self.index_ahead(ahead)].1.clone();
                mnemonic(&self.source[span]).is_none()
            }
            _ => false,
        }
    }

    pub(crate) fn expr(&mut self) -> Parsed<Expr<'s>> {
        let start = self.span().start;
        let mut steps = Vec::new();
        self.binary(LEVELS, &mut steps)?;
        Ok(Self::finish_expr(start..self.end(), steps))
    }

    /// An expression without operators, unless it stands in parentheses.
    pub(crate) fn small_expr(&mut self) -> Parsed<Expr<'s>> {
        let start = self.span().start;
        let mut steps = Vec::new();
        self.unary(&mut steps)?;
        Ok(Self::finish_expr(start..self.end(), steps))
    }

    fn finish_expr(span: Span, steps: Vec<Step<'s>>) -> Expr<'s> {
        let kind = match steps[..] {
            [Step::Value(value)] => ExprKind::Value(value),
            _ => ExprKind::Steps(steps),
        };
        Expr { span, kind }
    }

    fn binary(&mut self, levels: &[&[(Token, Operator)]], steps: &mut Vec<Step<'s>>) -> Parsed<()> {
        let Some((level, tighter)) = levels.split_first() else {
            return self.unary(steps);
        };
        self.binary(tighter, steps)?;
        loop {
            let token = self.peek();
            let Some(&(_, operator)) = level.iter().find(|(op, _)| *op == token) else {
                return Ok(());
            };
            self.bump();
            self.binary(tighter, steps)?;
            steps.push(Step::Binary(operator));
        }
    }

    fn unary(&mut self, steps: &mut Vec<Step<'s>>) -> Parsed<()> {
        let token = self.peek();
        match token {
            Token::Minus => {
                self.bump();
                self.deeper(|this| this.unary(steps))?;
                // A negative literal is a literal.
                match steps[..] {
                    [Step::Value(value)] if value.negated().is_some() => {
                        steps.clear();
                        steps.extend(value.negated().map(Step::Value));
                    }
                    _ => steps.push(Step::Negate),
                }
                Ok(())
            }
            Token::Open => {
                let open = self.bump();
                self.deeper(|this| {
                    this.spanning(|this| {
                        this.binary(LEVELS, steps)?;
                        if this.eat(Token::Close) {
                            return Ok(());
                        }
                        Err(this.unclosed("an operator or `)`", &open))
                    })
                })
            }
            Token::Number => {
                let text = self.text();
                let span = self.bump();
                let value = Value::of_number(text);
                let value = value.ok_or_else(|| self.report(say::bad_number(&span, text)))?;
                steps.push(Step::Value(value));
                Ok(())
            }
            Token::Char => {
                let text = self.text();
                let span = self.bump();
                match Value::of_char(text) {
                    Ok(value) => steps.push(Step::Value(value)),
                    Err(bad) => return Err(self.bad_escape(&span, &bad)),
                }
                Ok(())
            }
            Token::Colon => {
                let name = self.label()?;
                steps.push(Step::Label(name));
                Ok(())
            }
            Token::Dotted => {
                let text = self.text();
                let name = Name { text, span: self.bump() };
                steps.push(Step::Dotted(name));
                Ok(())
            }
            Token::Ident => {
                let text = self.text();
                if mnemonic(text).is_some() {
                    let span = self.span();
                    return Err(self.report(say::instruction_for_number(&span, text)));
                }
                let name = Name { text, span: self.bump() };
                steps.push(Value::of_word(text).map_or(Step::Name(name), Step::Value));
                Ok(())
            }
            _ => Err(self.unexpected("a number or a name")),
        }
    }

    /// `:NAME`
    pub(crate) fn label(&mut self) -> Parsed<Name<'s>> {
        let colon = self.expect(Token::Colon, "a label, such as `:start`")?;
        let mut name = self.name("the name of a label")?;
        name.span.start = colon.start;
        Ok(name)
    }
}

/// The operators, those that bind least first.
const LEVELS: &[&[(Token, Operator)]] = &[
    &[(Token::Or, Operator::Or)],
    &[(Token::And, Operator::And)],
    &[(Token::Shift, Operator::Shift)],
    &[(Token::Plus, Operator::Add), (Token::Minus, Operator::Subtract)],
    &[(Token::Times, Operator::Multiply), (Token::Divide, Operator::Divide)],
];
