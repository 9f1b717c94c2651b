//! Text to tokens, and lines and their indentation to tokens too.
//!
//! Between brackets a line end means nothing, so brackets are matched first. One that is never closed does not count
//! there: then only its own line is wrong.

use super::ast::Span;
use super::parse::say;
use crate::diagnostic::Diagnostic;
use logos::Logos;

/// Longest file, in bytes.
pub(crate) const FILE_MAX: usize = 16 << 20;
/// How deep brackets, blocks, operators and types nest, and how many `elif` an `if` has.
pub(crate) const NESTING_MAX: usize = 200;

macro_rules! kinds {
    (words { $($word:tt $word_kind:ident)* } marks { $($mark:tt $mark_kind:ident)* }) => {
        /// A kind of token; its text is the text at its place.
        #[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
        #[logos(skip r"[ \t\r]+")]
        pub(crate) enum Kind {
            $(#[token($word)] $word_kind,)*
            $(#[token($mark)] $mark_kind,)*
            #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
            Name,
            /// `$name`
            #[regex(r"\$[A-Za-z_][A-Za-z0-9_]*")]
            Machine,
            #[regex(r"[0-9][0-9A-Za-z_]*(\.[0-9][0-9A-Za-z_]*)?")]
            #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[eE][+\-][0-9][0-9A-Za-z_]*")]
            Number,
            #[regex(r"'([^'\\\n]|\\[^\n])*'")]
            Char,
            #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
            Text,
            #[regex(r#"b"([^"\\\n]|\\[^\n])*""#)]
            Bytes,
            /// A character, text or bytes without the closing quote.
            #[regex(r"'([^'\\\n]|\\[^\n])*\\?")]
            #[regex(r#"b?"([^"\\\n]|\\[^\n])*\\?"#)]
            Open,
            /// What other languages have.
            #[regex(r"&&|\|\||\*\*|//|/\*|:=|=>|=<|===|!==|<>|!|;|\?|@|\\")]
            Foreign,
            #[regex(r"#[^\n]*", allow_greedy = true)]
            Comment,
            /// The end of a statement, and before the tokens are put into lines, of any line.
            #[token("\n")]
            Newline,
            /// A block begins.
            Indent,
            /// A block ends.
            Dedent,
            /// No token begins here.
            Unknown,
            /// Behind the last token.
            End,
        }

        /// The reserved words.
        pub(crate) const WORDS: &[(&str, Kind)] = &[$(($word, Kind::$word_kind)),*];
        /// Operators, brackets and whatever else is written by marks.
        pub(crate) const MARKS: &[(&str, Kind)] = &[$(($mark, Kind::$mark_kind)),*];
    };
}

kinds! {
    words {
        "and" And "assert" Assert "break" Break "const" Const "continue" Continue "def" Def "elif" Elif
        "else" Else "false" False "for" For "if" If "import" Import "in" In "none" None "not" Not "or" Or
        "pass" Pass "return" Return "true" True "try" Try "typ" Typ "while" While "yield" Yield
    }
    marks {
        "(" OpenParen ")" CloseParen "[" OpenBracket "]" CloseBracket "{" OpenBrace "}" CloseBrace
        "," Comma ":" Colon "." Dot "=" Assign "->" Arrow
        "+" Plus "-" Minus "*" Star "/" Slash "%" Percent "&" Ampersand "|" Bar "^" Caret "~" Tilde
        "<<" Shl ">>" Shr "==" Eq "!=" Ne "<" Lt "<=" Le ">" Gt ">=" Ge
        "+=" AddAssign "-=" SubAssign "*=" MulAssign "/=" DivAssign "%=" RemAssign
        "&=" AndAssign "|=" OrAssign "^=" XorAssign "<<=" ShlAssign ">>=" ShrAssign
    }
}

impl Kind {
    pub(crate) fn is_word(self) -> bool {
        WORDS.iter().any(|&(_, word)| word == self)
    }

    /// The bracket that closes this one.
    pub(crate) fn closing(self) -> Option<Self> {
        match self {
            Self::OpenParen => Some(Self::CloseParen),
            Self::OpenBracket => Some(Self::CloseBracket),
            Self::OpenBrace => Some(Self::CloseBrace),
            _ => None,
        }
    }

    pub(crate) fn closes(self) -> bool {
        matches!(self, Self::CloseParen | Self::CloseBracket | Self::CloseBrace)
    }

    /// Whether a line that begins so begins a statement, also where brackets are open; `rest` is what follows.
    pub(crate) fn begins_statement(self, rest: &str) -> bool {
        use Kind::{Assert, Break, Const, Continue, Elif, For, Import, Pass, Return, Typ, While, Yield};
        match self {
            Assert | Break | Const | Continue | Elif | For | Import | Pass | Return | Typ | While | Yield => {
                true
            }
            Self::Def => names_function(rest),
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Of an opening bracket, how many tokens ahead its closing bracket is; 0 if it is not closed.
    pub(crate) mate: u32,
}

impl Token {
    pub(crate) fn span(self) -> Span {
        self.start..self.end
    }

    pub(crate) fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// The last is [`Kind::End`]; before it, every statement has its [`Kind::Newline`] and every block its end.
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Span>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where the first tab is that indents a line. From there on nobody knows how far lines are indented.
    pub(crate) first_tab: Option<u32>,
    /// A limit was passed: there are no tokens.
    pub(crate) refused: bool,
}

/// What some editors put before a text to say that it is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

pub(crate) fn lex(source: &str) -> Lexed {
    let start = if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    lex_from(source, start)
}

/// The tokens from a byte on, at which a line begins; their places are those in the whole text.
pub(crate) fn lex_from(source: &str, start: usize) -> Lexed {
    let limited =
        if source.len() > FILE_MAX { Err(say::file_too_long(FILE_MAX)) } else { raw(source, start) };
    match limited.and_then(|raw| lines(source, start, &raw)) {
        Ok(lexed) => lexed,
        Err(diagnostic) => {
            let end = source.len().min(FILE_MAX);
            let end = Token { kind: Kind::End, start: offset(end), end: offset(end), mate: 0 };
            Lexed { tokens: vec![end], diagnostics: vec![diagnostic], refused: true, ..Lexed::default() }
        }
    }
}

/// A place in a text that is not too long.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The tokens in a row; brackets that have their counterparts have a `mate` that is not 0.
fn raw(source: &str, start: usize) -> Result<Vec<Token>, Diagnostic> {
    let mut lexer = Kind::lexer(source);
    lexer.bump(start);
    let mut tokens: Vec<Token> = Vec::with_capacity((source.len() - start) / 4);
    let mut open: Vec<usize> = Vec::new();
    // Brackets that a new statement found open; what should have closed them may come yet.
    let mut forgotten = 0_usize;
    let mut line_starts = true;
    while let Some(found) = lexer.next() {
        let kind = found.unwrap_or(Kind::Unknown);
        let (start, end) = (offset(lexer.span().start), offset(lexer.span().end));
        if let Some(last) = tokens.last_mut()
            && kind == Kind::Unknown
            && last.kind == kind
            && last.end == start
        {
            last.end = end;
            continue;
        }
        if line_starts && kind.begins_statement(lexer.remainder()) {
            forgotten += open.len();
            open.clear();
        }
        let index = tokens.len();
        let mut mate = 0;
        if kind.closing().is_some() {
            if open.len() == NESTING_MAX {
                return Err(say::too_deep(&(start..end), NESTING_MAX));
            }
            open.push(index);
        } else if kind.closes() {
            match open.iter().rposition(|&at| tokens[at].kind.closing() == Some(kind)) {
                Some(at) => {
                    tokens[open[at]].mate = 1;
                    mate = 1;
                    open.truncate(at);
                }
                None if forgotten > 0 => {
                    forgotten -= 1;
                    continue;
                }
                None => {}
            }
        }
        tokens.push(Token { kind, start, end, mate });
        line_starts = kind == Kind::Newline || line_starts && kind == Kind::Comment;
    }
    Ok(tokens)
}

/// Whether what follows `def` is a function's name.
fn names_function(rest: &str) -> bool {
    rest.trim_start_matches(' ').starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Puts tokens into lines and blocks.
fn lines(source: &str, start: usize, raw: &[Token]) -> Result<Lexed, Diagnostic> {
    let mut lexed = Lexed { tokens: Vec::with_capacity(raw.len() + 16), ..Lexed::default() };
    let mut levels = vec![0];
    let mut open: Vec<usize> = Vec::new();
    let (mut line, mut uneven) = (offset(start), 0);
    let mut in_statement = false;
    for &token in raw {
        match token.kind {
            Kind::Comment => {
                let text = token.text(source).trim_ascii_end();
                lexed.comments.push(token.start..token.start + offset(text.len()));
                continue;
            }
            Kind::Newline => {
                line = token.end;
                if in_statement && open.is_empty() {
                    lexed.tokens.push(token);
                    in_statement = false;
                }
                continue;
            }
            _ => {}
        }
        if !in_statement {
            in_statement = true;
            let before = source.get(line as usize..token.start as usize).unwrap_or_default();
            if let Some(tab) = before.find('\t').map(|tab| line + offset(tab))
                && lexed.first_tab.is_none()
            {
                lexed.first_tab = Some(tab);
                lexed.diagnostics.push(say::tab(&(tab..tab + 1)));
            }
            let width = before
                .bytes()
                .map(|b| match b {
                    b'\t' => 4,
                    b' ' => 1,
                    _ => 0,
                })
                .sum();
            indent(&mut lexed, &mut levels, &mut uneven, width, line, token)?;
        }
        let index = lexed.tokens.len();
        if token.mate > 0 && token.kind.closing().is_some() {
            open.push(index);
        } else if token.mate > 0
            && let Some(at) = open.pop()
        {
            lexed.tokens[at].mate = offset(index - at);
        }
        lexed.tokens.push(Token { mate: 0, ..token });
    }
    let end = offset(source.len());
    let last = Token { kind: Kind::End, start: end, end, mate: 0 };
    if in_statement {
        let behind = lexed.tokens.last().map_or(end, |token| token.end);
        lexed.tokens.push(Token { kind: Kind::Newline, start: behind, end: behind, mate: 0 });
    }
    lexed.tokens.extend(levels[1..].iter().map(|_| Token { kind: Kind::Dedent, ..last }));
    lexed.tokens.push(last);
    Ok(lexed)
}

/// Begins or ends blocks before `token`, the first of the line that begins at `line`.
fn indent(
    lexed: &mut Lexed,
    levels: &mut Vec<u32>,
    uneven: &mut u32,
    width: u32,
    line: u32,
    token: Token,
) -> Result<(), Diagnostic> {
    let mark = |kind| Token { kind, start: token.start, end: token.start, mate: 0 };
    let current = levels.last().copied().unwrap_or(0);
    if width > current {
        if levels.len() > NESTING_MAX {
            return Err(say::blocks_too_deep(&token.span(), NESTING_MAX));
        }
        levels.push(width);
        lexed.tokens.push(mark(Kind::Indent));
    } else if width < current {
        while let [.., outer, _] = levels[..]
            && outer >= width
        {
            levels.pop();
            lexed.tokens.push(mark(Kind::Dedent));
        }
        // A line between two levels is taken as one of the inner block; others like it are not reported again.
        let inner = levels.last().copied().unwrap_or(0);
        if inner != width && std::mem::replace(uneven, width) != width && lexed.first_tab.is_none() {
            let outer = levels.iter().rev().nth(1).copied().unwrap_or(0);
            lexed.diagnostics.push(say::uneven(&(line..token.start), outer, inner));
        }
    }
    Ok(())
}

/// The value of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(u64),
    Float(f64),
}

/// Why a number has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNumber {
    Malformed,
    TooLarge,
}

/// The value of a [`Kind::Number`].
pub(crate) fn number(text: &str) -> Result<Number, BadNumber> {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let whole = |digits: &str, radix| {
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return Err(BadNumber::Malformed);
        }
        u64::from_str_radix(digits, radix).map(Number::Int).map_err(|_| BadNumber::TooLarge)
    };
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return whole(digits, radix);
        }
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return whole(&digits, 10);
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Number::Float(value)),
        Ok(_) => Err(BadNumber::TooLarge),
        Err(_) => Err(BadNumber::Malformed),
    }
}
