//! What stands between quotes, in assembler texts and in programs.

use std::ops::Range;

/// What is wrong with an escape, and where in the token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEscape(pub(crate) Range<usize>, pub(crate) &'static str);

/// One character of a literal: a byte, if it was written as `\x`, or a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Byte(u8),
    Char(char),
}

const ESCAPES: &str = "the escapes are \\n \\t \\r \\0 \\\\ \\\" \\' \\x41 \\u{e9}";

const UNICODE: &str =
    "it is \\u{…} with the character's number in hexadecimal digits, up to 10ffff and without d800 to dfff";

/// An escape that is longer is shown by its beginning.
const UNICODE_SHOWN_MAX: usize = 12;

/// The characters of a token, which begins and ends with a quote.
pub(crate) fn unescape(token: &str) -> Result<Vec<Piece>, BadEscape> {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    let mut pieces = Vec::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            pieces.push(Piece::Char(c));
            continue;
        }
        let bad = |end: usize| BadEscape(at + 1..end + 1, ESCAPES);
        let after = chars.as_str();
        pieces.push(match chars.next().map(|(_, c)| c) {
            Some('n') => Piece::Char('\n'),
            Some('t') => Piece::Char('\t'),
            Some('r') => Piece::Char('\r'),
            Some('0') => Piece::Char('\0'),
            Some(c @ ('\\' | '"' | '\'')) => Piece::Char(c),
            Some('x') => {
                let digits = after.get(1..3).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                chars.nth(1);
                Piece::Byte(byte.ok_or_else(|| bad(at + 2))?)
            }
            Some('u') => {
                let digits = after.strip_prefix("u{").and_then(|rest| rest.split_once('}')).map(|(d, _)| d);
                let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let c = digits.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32);
                chars.nth(digits.map_or(0, str::len) + 1);
                let length = after.find('}').filter(|&end| end <= UNICODE_SHOWN_MAX).map_or(1, |end| end + 1);
                Piece::Char(c.ok_or(BadEscape(at + 1..at + 2 + length, UNICODE))?)
            }
            Some(other) => return Err(bad(at + 1 + other.len_utf8())),
            None => return Err(bad(at + 1)),
        });
    }
    Ok(pieces)
}

/// The bytes of a string token.
pub(crate) fn string_bytes(text: &str) -> Result<Vec<u8>, BadEscape> {
    let mut bytes = Vec::with_capacity(text.len());
    for piece in unescape(text)? {
        match piece {
            Piece::Byte(byte) => bytes.push(byte),
            Piece::Char(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Ok(bytes)
}
