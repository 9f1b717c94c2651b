//! Text to tokens, and the values of number, character and string tokens.

use crate::escape::{BadEscape, Piece, unescape};
use logos::Logos;
use std::ops::Range;

/// A place in the text, in bytes.
pub(crate) type Span = Range<usize>;

/// A kind of token; its text is the text at its place.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\f]+")]
#[logos(skip(r";[^\n]*", allow_greedy = true))]
pub(crate) enum Token {
    #[token("\n")]
    Newline,
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Ident,
    /// A name that is given, or the length of a text.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")]
    Dotted,
    #[regex(r"\.[A-Za-z_][A-Za-z0-9_]*")]
    Directive,
    #[regex(r"[0-9][0-9A-Za-z_]*(\.[0-9][0-9A-Za-z_]*)?")]
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[eE][+\-][0-9][0-9A-Za-z_]*")]
    Number,
    #[regex(r"'([^'\\\n]|\\[^\n])*'")]
    Char,
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    String,
    /// A character or string without its end.
    #[regex(r"'([^'\\\n]|\\[^\n])*\\?")]
    #[regex(r#""([^"\\\n]|\\[^\n])*\\?"#)]
    Unterminated,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("{")]
    OpenBlock,
    #[token("}")]
    CloseBlock,
    #[token("[")]
    OpenTable,
    #[token("]")]
    CloseTable,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token("=")]
    Equals,
    #[token("#")]
    Hash,
    #[token("->")]
    Arrow,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Times,
    #[token("/")]
    Divide,
    #[token("<<")]
    Shift,
    #[token("|")]
    Or,
    #[token("&")]
    And,
    /// No token begins here.
    Unknown,
    /// Behind the last token.
    End,
}

/// What some editors put before a text to say that it is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The tokens with their places; the last is [`Token::End`]. A byte order mark before the text is passed over.
pub(crate) fn tokens(source: &str) -> Vec<(Token, Span)> {
    let mut lexer = Token::lexer(source);
    if source.starts_with(BYTE_ORDER_MARK) {
        lexer.bump(BYTE_ORDER_MARK.len());
    }
    let mut tokens: Vec<_> =
        lexer.spanned().map(|(token, span)| (token.unwrap_or(Token::Unknown), span)).collect();
    tokens.push((Token::End, source.len()..source.len()));
    tokens
}

/// A constant value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A whole number; those from 2^127 on, which only fields of 128 bits can hold, are negative here.
    Whole(i128),
    /// A fraction, as the bits of the f64 and of the f32 nearest to it.
    Fraction(u64, u32),
    /// A fraction that was written as f32.
    Single(u32),
}

const CANONICAL_NAN: Value = Value::Fraction(0x7ff8_0000_0000_0000, 0x7fc0_0000);
const INFINITY: Value = Value::Fraction(0x7ff0_0000_0000_0000, 0x7f80_0000);

impl Value {
    /// The value of a number token; `None` if it is malformed or too large.
    pub(crate) fn of_number(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|&c| c != '_').collect();
        let whole = |digits: &str, radix| {
            let value = u128::from_str_radix(digits, radix).ok()?;
            Some(Self::Whole(value.cast_signed()))
        };
        if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            return whole(hex, 16);
        }
        if let Some(binary) = digits.strip_prefix("0b").or(digits.strip_prefix("0B")) {
            return whole(binary, 2);
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            return whole(&digits, 10);
        }
        let (number, single) = match digits.strip_suffix("f32") {
            Some(number) => (number, true),
            None => (digits.strip_suffix("f64").unwrap_or(&digits), false),
        };
        let f64_bits = number.parse::<f64>().ok()?.to_bits();
        let f32_bits = number.parse::<f32>().ok()?.to_bits();
        Some(if single { Self::Single(f32_bits) } else { Self::Fraction(f64_bits, f32_bits) })
    }

    /// The value of a word that stands for a number: `inf`, `nan`, `inff32`, `nanf32`.
    pub(crate) fn of_word(text: &str) -> Option<Self> {
        match text {
            "inf" => Some(INFINITY),
            "nan" => Some(CANONICAL_NAN),
            "inff32" => Some(INFINITY.single()),
            "nanf32" => Some(CANONICAL_NAN.single()),
            _ => None,
        }
    }

    /// The value of a character token.
    pub(crate) fn of_char(text: &str) -> Result<Self, BadEscape> {
        let pieces = unescape(text)?;
        match pieces[..] {
            [Piece::Byte(byte)] => Ok(Self::Whole(byte.into())),
            [Piece::Char(c)] => Ok(Self::Whole(u32::from(c).into())),
            _ => Err(BadEscape(
                1..text.len().saturating_sub(1),
                "exactly one character goes between the quotes",
            )),
        }
    }

    fn single(self) -> Self {
        match self {
            Self::Fraction(_, bits) => Self::Single(bits),
            other => other,
        }
    }

    /// The negative of it.
    pub(crate) fn negated(self) -> Option<Self> {
        match self {
            Self::Whole(value) => value.checked_neg().map(Self::Whole),
            Self::Fraction(double, single) => Some(Self::Fraction(double ^ (1 << 63), single ^ (1 << 31))),
            Self::Single(bits) => Some(Self::Single(bits ^ (1 << 31))),
        }
    }

    /// As a word; a negative number as its two's complement.
    pub(crate) fn word(self) -> Option<u64> {
        match self {
            Self::Whole(value) => match u64::try_from(value) {
                Ok(word) => Some(word),
                Err(_) => i64::try_from(value).ok().map(i64::cast_unsigned),
            },
            Self::Fraction(bits, _) => Some(bits),
            Self::Single(bits) => Some(bits.into()),
        }
    }

    /// As the bits of an f64.
    #[allow(clippy::cast_precision_loss, reason = "the nearest f64 is what is asked for")]
    pub(crate) fn f64_bits(self) -> u64 {
        match self {
            Self::Whole(value) => (value as f64).to_bits(),
            Self::Fraction(bits, _) => bits,
            Self::Single(bits) => f64::from(f32::from_bits(bits)).to_bits(),
        }
    }

    /// As the bits of an f32.
    #[allow(clippy::cast_precision_loss, reason = "the nearest f32 is what is asked for")]
    pub(crate) fn f32_bits(self) -> u32 {
        match self {
            Self::Whole(value) => (value as f32).to_bits(),
            Self::Fraction(_, bits) | Self::Single(bits) => bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape::string_bytes;

    #[test]
    fn numbers_are_read_in_every_notation() {
        let whole = |text| match Value::of_number(text) {
            Some(Value::Whole(value)) => value,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(whole("1_000"), 1000);
        assert_eq!(whole("0xff_f"), 0xfff);
        assert_eq!(whole("0x1f32"), 0x1f32);
        assert_eq!(whole("0b101"), 5);
        assert_eq!(whole("340282366920938463463374607431768211455"), -1);
        assert_eq!(Value::of_number("340282366920938463463374607431768211456"), None);
        assert_eq!(Value::of_number("1.5").unwrap().word(), Some(1.5f64.to_bits()));
        assert_eq!(Value::of_number("2e10").unwrap().word(), Some(2e10f64.to_bits()));
        assert_eq!(Value::of_number("1e+3").unwrap().word(), Some(1e3f64.to_bits()));
        assert_eq!(Value::of_number("0.1f32").unwrap().word(), Some(0.1f32.to_bits().into()));
        assert_eq!(Value::of_number("1f64").unwrap().word(), Some(1f64.to_bits()));
        for bad in ["0x", "0b2", "12ab", "1.5q", "0xg"] {
            assert_eq!(Value::of_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn negative_fractions_keep_the_sign_of_zero_and_of_nan() {
        let zero = Value::of_number("0.0").unwrap().negated().unwrap();
        assert_eq!(zero.word(), Some((-0.0f64).to_bits()));
        let nan = Value::of_word("nan").unwrap().negated().unwrap();
        assert_eq!(nan.word(), Some(0xfff8_0000_0000_0000));
    }

    #[test]
    fn escapes_are_read_in_characters_and_strings() {
        assert_eq!(Value::of_char(r"'\x41'"), Ok(Value::Whole(0x41)));
        assert_eq!(Value::of_char(r"'\n'"), Ok(Value::Whole(10)));
        assert_eq!(Value::of_char("'é'"), Ok(Value::Whole(0xe9)));
        assert_eq!(string_bytes(r#""a\x00\u{e9}\\""#).unwrap(), [b'a', 0, 0xc3, 0xa9, b'\\']);
        for bad in ["''", "'ab'", r"'\q'", r"'\x4'", r"'\u{d800}'", r"'\u'"] {
            assert!(Value::of_char(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_byte_of_the_text_is_in_a_token_or_passed_over() {
        let kinds = |text| tokens(text).into_iter().map(|(token, _)| token).collect::<Vec<_>>();
        assert_eq!(kinds("a ; c\n"), [Token::Ident, Token::Newline, Token::End]);
        assert_eq!(kinds("\u{feff}a\u{feff}"), [Token::Ident, Token::Unknown, Token::End]);
        assert_eq!(kinds("-> - >"), [Token::Arrow, Token::Minus, Token::Unknown, Token::End]);
        assert_eq!(kinds("a.b .c"), [Token::Dotted, Token::Directive, Token::End]);
        assert_eq!(kinds("\"a"), [Token::Unterminated, Token::End]);
        assert_eq!(kinds("\"a\\"), [Token::Unterminated, Token::End]);
        assert_eq!(kinds("1e-5"), [Token::Number, Token::End]);
        assert_eq!(kinds("0xe-5"), [Token::Number, Token::Minus, Token::Number, Token::End]);
    }
}
