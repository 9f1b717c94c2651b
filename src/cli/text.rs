//! Text of strangers, and numbers people write.

use std::num::NonZeroUsize;

/// Names and paths as they may be shown: without what a terminal would take for a command.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control() || is_invisible(c);
            let plain = (!escaped).then_some(c);
            plain.into_iter().chain(escaped.then(|| c.escape_unicode()).into_iter().flatten())
        })
        .collect()
}

/// Whether a character changes how others are shown and shows nothing itself.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A number of the command line: decimal, with `_` wherever it helps to read.
pub(super) fn number(text: &str) -> Result<u64, String> {
    decimal(text, 0)
}

/// As [`number`], of what there cannot be none of.
pub(super) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    let number = usize::try_from(decimal(text, 1)?).unwrap_or(usize::MAX);
    NonZeroUsize::new(number).ok_or_else(|| "at least 1 is needed".to_owned())
}

/// Numbers begin with `least`, as messages say.
fn decimal(text: &str, least: u64) -> Result<u64, String> {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a whole decimal number from {least} is needed, such as 1000000 or 1_000_000"));
    }
    digits.parse().map_err(|_| format!("the greatest number is {}", u64::MAX))
}

/// As [`number`], but `unlimited` is all ones.
pub(super) fn limit(text: &str) -> Result<u64, String> {
    if text == "unlimited" {
        Ok(u64::MAX)
    } else {
        number(text).map_err(|error| format!("{error}; or `unlimited`"))
    }
}

/// A number of things, in words.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_its_number() {
        assert_eq!(printable("console"), "console");
        assert_eq!(printable("a\x1b[2Jb\n\u{202e}é"), "a\\u{1b}[2Jb\\u{a}\\u{202e}é");
    }

    #[test]
    fn numbers_are_decimal_and_may_be_grouped() {
        assert_eq!(number("1_000"), Ok(1000));
        assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
        assert!(number("18446744073709551616").is_err());
        for text in ["", "_", "-1", "0x10", "1e3", "1.5", " 1"] {
            assert!(number(text).is_err(), "{text}");
        }
        assert_eq!(limit("unlimited"), Ok(u64::MAX));
        assert_eq!(positive("1_0").map(NonZeroUsize::get), Ok(10));
        assert!(positive("0").is_err() && positive("-1").is_err());
    }
}
