//! What programs mean by `fail`.

use super::check::status_name;

/// What the numbers mean, from 1 on; `docs/language.md` lists them.
const MEANINGS: [&str; 12] = [
    ASSERTION,
    "an index past the end",
    "there is no such key in the map",
    "a sandboxed call did not return",
    "an argument of the command line is missing or no number",
    "bytes that are no UTF-8",
    "a process that has no console",
    "the result of a sandboxed call is not well-formed",
    "a job without a value",
    "text that is no number",
    "an assertion with a text does not hold",
    "a range whose step is 0, or leads past the greatest number",
];

const ASSERTION: &str = "an assertion does not hold";

/// The number of a sandboxed call that did not return; the operand before it is the status, and the one before that the slot
/// of the key to the callee.
const SANDBOX: u64 = 4;
/// The number of an assertion with a text; the operand before it is the text's address.
const ASSERTION_WITH_TEXT: u64 = 11;

/// Of an assertion's text, so many bytes are given.
const TEXT_BYTES_MAX: usize = 2000;

/// What a program that was compiled from the language means by the operands with which it came to `fail`, the top last;
/// `memory` is the data of the process, in which there may be a text for it. That is given as it is: it is the program's.
#[must_use]
pub fn failure(operands: &[u64], memory: &[u8]) -> Option<String> {
    let (&number, before) = operands.split_last()?;
    let meaning = MEANINGS.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
    let operand = before.last().copied();
    match number {
        SANDBOX => operand.and_then(status_name).map(|name| format!("{meaning}; its status is {name}")),
        ASSERTION_WITH_TEXT => {
            operand.and_then(|address| text_at(memory, address)).map(|text| format!("{ASSERTION}: {text}"))
        }
        _ => None,
    }
    .or_else(|| Some((*meaning).to_owned()))
}

/// The slot of the key to the callee, if a program that was compiled from the language came to `fail` with these operands
/// because a sandboxed call did not return.
#[must_use]
pub fn failed_call(operands: &[u64]) -> Option<u64> {
    match *operands {
        [.., slot, _, SANDBOX] => Some(slot),
        _ => None,
    }
}

/// The text that begins at an address: its length in the low half of a word, and the bytes.
fn text_at(memory: &[u8], address: u64) -> Option<String> {
    let object = memory.get(usize::try_from(address).ok()?..)?;
    let (length, bytes) = object.split_at_checked(8)?;
    let length = u32::from_le_bytes(*length.first_chunk()?) as usize;
    let text = bytes.get(..length)?;
    let more = if length > TEXT_BYTES_MAX { " …" } else { "" };
    let shown = &text[..length.min(TEXT_BYTES_MAX)];
    // A character that the cut goes through is left out.
    let shown = match std::str::from_utf8(shown) {
        Err(error) if error.error_len().is_none() && !more.is_empty() => &shown[..error.valid_up_to()],
        _ => shown,
    };
    Some(String::from_utf8_lossy(shown).into_owned() + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meanings_are_those_that_the_document_lists() {
        let document = include_str!("../../../docs/language.md");
        for (number, meaning) in (1..).zip(MEANINGS) {
            assert!(document.contains(&format!("| {number} | {meaning} |")), "{meaning}");
            assert_eq!(
                failure(&[7, number], &[]).as_deref(),
                Some(meaning)
                    .filter(|_| number != SANDBOX)
                    .or(Some("a sandboxed call did not return; its status is destroyed",))
            );
        }
        assert_eq!(failed_call(&[9, 7, SANDBOX]), Some(9));
        assert_eq!(failed_call(&[9, 7, SANDBOX + 1]), None);
        assert_eq!(failed_call(&[7, SANDBOX]), None);
        assert_eq!(failure(&[0], &[]), None);
        assert_eq!(failure(&[], &[]), None);
        assert_eq!(failure(&[13], &[]), None);
    }

    /// A memory with a text that is said to be so long.
    fn memory(length: u64, bytes: &[u8]) -> Vec<u8> {
        [&[0; 8], &length.to_le_bytes(), bytes].concat()
    }

    #[test]
    fn an_assertion_has_its_text() {
        let says = |memory: &[u8], address| failure(&[address, ASSERTION_WITH_TEXT], memory);
        let short = memory("né".len() as u64, "né, no".as_bytes());
        assert_eq!(says(&short, 8).as_deref(), Some("an assertion does not hold: né"));
        let long = "é".repeat(TEXT_BYTES_MAX);
        let shown = says(&memory(long.len() as u64, long.as_bytes()), 8);
        let cut = format!("{ASSERTION}: {} …", "é".repeat(TEXT_BYTES_MAX / 2));
        assert_eq!(shown.as_deref(), Some(&*cut));
        let odd = format!("x{long}");
        let shown = says(&memory(odd.len() as u64, odd.as_bytes()), 8).unwrap_or_default();
        assert!(shown.ends_with("é …"), "{shown}");
    }

    #[test]
    fn a_text_that_is_not_there_is_not_looked_for() {
        let short = memory(3, b"no");
        for address in [8, 16, 17, 18, 19, u64::MAX, u64::MAX - 7] {
            let found = failure(&[address, ASSERTION_WITH_TEXT], &short);
            assert_eq!(found.as_deref(), Some(MEANINGS[10]), "{address}");
        }
        assert_eq!(failure(&[ASSERTION_WITH_TEXT], &short).as_deref(), Some(MEANINGS[10]));
        let no_text = memory(2, &[0xff, b'x']);
        assert!(failure(&[8, ASSERTION_WITH_TEXT], &no_text).is_some_and(|said| said.ends_with('x')));
    }
}
