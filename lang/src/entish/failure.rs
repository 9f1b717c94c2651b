//! What programs mean by `fail`, and by other traps.

use super::check::status_name;
use super::emit::NONE;
use std::num::{IntErrorKind, ParseIntError};

/// What the numbers mean; `docs/language.md` lists them. The first is for those that mean nothing.
pub(super) const MEANINGS: [&str; 17] = [
    "a failure",
    ASSERTION,
    "an index past the end",
    "there is no such key in the map",
    "a sandboxed call did not return",
    "an argument of the command line is missing",
    "bytes that are no UTF-8",
    "a process that has no console",
    "the result of a sandboxed call is not well-formed",
    "a job without a value",
    "text that is no number",
    "an assertion with a text does not hold",
    "a range whose step is 0, or leads past the greatest number",
    "an argument of the command line is not a decimal number",
    "a length past the greatest, 4294967295",
    "a service that cannot begin",
    "a part whose end comes before its beginning",
];

/// What the numbers of traps mean, for a job to tell; 0 is none.
pub(super) const TRAPS: [&str; 27] = [
    "no trap",
    "no instruction",
    "too few operands",
    TOO_DEEP,
    TOO_DEEP,
    "a jump to nowhere",
    "a bad index",
    "a call of another type",
    "no call to return from",
    "a place that must not be reached",
    "a failure",
    "a division by zero",
    "a number too large",
    "no number",
    "an address that does not exist",
    "an empty range",
    "no such key",
    "a key of another kind",
    "a missing right",
    "too many keys: a process has room for 1048576",
    "a slot that is taken",
    "the key to itself",
    "a sealed key",
    "nested too deeply",
    "too large",
    "too long a message",
    "a process that is running",
];

const ASSERTION: &str = "an assertion does not hold";
/// What it means if a program is out of the room for operands, or for calls: which of them ends first may depend on who called.
pub const TOO_DEEP: &str = "calls that nest too deep";

/// The number of an index past the end; the operands before it are the index, and the length above that.
const INDEX: u64 = 2;
/// The number of a sandboxed call that did not return; the operand before it is the status, and the one before that the slot
/// of the key to the callee.
const SANDBOX: u64 = 4;
/// The number of an argument that is missing; the operand before it says which.
const ARGUMENT: u64 = 5;
/// The number of an assertion with a text; the operand before it is the text's address.
const ASSERTION_WITH_TEXT: u64 = 11;
/// The number of a service that cannot begin; the operand before it is the status of its process.
const SERVICE: u64 = 15;
/// The number of an argument that is no number; the operand before it says which.
const ARGUMENT_NO_NUMBER: u64 = 13;

/// The numbers of an assertion, and of a job without a value.
const ASSERTION_ALONE: u64 = 1;
const NO_VALUE: u64 = 9;
/// The first word of a job in memory, without its low half, and where in it the slot of the key to its process is, or 0;
/// `std/collector.et` says so.
const JOB: u64 = 6;
const JOB_PROCESS: u64 = 48;

/// Of an assertion's text, so many bytes are given.
const TEXT_BYTES_MAX: usize = 2000;
/// What went wrong where [`is_part_of_none`] holds.
pub const OF_NONE: &str = "a part of something that is `none`";
/// Nothing is so far behind the address that stands for `none` in what is not there.
const NONE_BYTES_MAX: u64 = 1 << 31;

const NO_DECIMAL_NUMBER: &str = "not a decimal number";
/// Of an argument, so many characters are given.
const ARGUMENT_CHARACTERS_MAX: usize = 100;

/// What a program that was compiled from the language means by the operands with which it came to `fail`, the top last;
/// `memory` is the data of the process, in which there may be a text for it, and `arguments` are those of the command line, as
/// far as they are known. Both are given as they are: they are the program's, and the user's.
#[must_use]
pub fn failure(operands: &[u64], memory: &[u8], arguments: &[String]) -> Option<String> {
    let (&number, before) = operands.split_last()?;
    let meaning = MEANINGS.get(usize::try_from(number).ok()?).filter(|_| number > 0)?;
    let operand = before.last().copied();
    match number {
        SANDBOX | SERVICE => {
            operand.and_then(status_name).map(|name| format!("{meaning}; its status is {name}"))
        }
        ASSERTION_WITH_TEXT => {
            operand.and_then(|address| text_at(memory, address)).map(|text| format!("{ASSERTION}: {text}"))
        }
        INDEX => match *before {
            [.., index, length] if index >= length => {
                Some(format!("{meaning}: the index is {index}, the length {length}"))
            }
            _ => None,
        },
        ARGUMENT => operand.map(|index| format!("argument {index} is missing")),
        ARGUMENT_NO_NUMBER => operand.map(|index| {
            let text = usize::try_from(index).ok().and_then(|index| arguments.get(index));
            let shown = text.map_or_else(String::new, |text| format!(", `{}`,", start(text)));
            let wrong = text.map_or_else(|| NO_DECIMAL_NUMBER.to_owned(), |text| wrong_with_number(text));
            format!("argument {index}{shown} is {wrong}")
        }),
        _ => None,
    }
    .or_else(|| Some((*meaning).to_owned()))
}

/// Whether an instruction that reaches the data of a program at this address wants a part of `none`.
#[must_use]
pub fn is_part_of_none(address: u64) -> bool {
    address.checked_sub(NONE).is_some_and(|behind| behind < NONE_BYTES_MAX)
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

/// The slots of the keys to the processes of jobs that a program had at hand when it came to `fail` with these operands, if what
/// failed may have been about one of them.
#[must_use]
pub fn jobs_at_hand(operands: &[u64], memory: &[u8]) -> Vec<u64> {
    match operands {
        [before @ .., ASSERTION_ALONE | NO_VALUE | ASSERTION_WITH_TEXT] => {
            before.iter().filter_map(|&operand| process_of_job(memory, operand)).collect()
        }
        _ => Vec::new(),
    }
}

/// The slot of the key to the process of the job that is at an address, if one is and it has not ended.
fn process_of_job(memory: &[u8], address: u64) -> Option<u64> {
    let word = |address: u64| {
        let at = usize::try_from(address).ok()?;
        memory.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    };
    let is_job = address.is_multiple_of(8) && word(address)? >> 32 == JOB;
    is_job.then(|| word(address.checked_add(JOB_PROCESS)?)).flatten().filter(|&slot| slot != 0)
}

/// Why an argument is no number that a word can be.
fn wrong_with_number(text: &str) -> String {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    let error = if text.starts_with('-') { text.parse::<i64>().err() } else { text.parse::<u64>().err() };
    match error.as_ref().map(ParseIntError::kind).filter(|_| is_decimal) {
        Some(IntErrorKind::PosOverflow) => format!("too large: the largest is {}", u64::MAX),
        Some(IntErrorKind::NegOverflow) => format!("too small: the least is {}", i64::MIN),
        _ => NO_DECIMAL_NUMBER.to_owned(),
    }
}

/// The start of an argument.
fn start(text: &str) -> String {
    let more = if text.chars().nth(ARGUMENT_CHARACTERS_MAX).is_some() { " …" } else { "" };
    text.chars().take(ARGUMENT_CHARACTERS_MAX).chain(more.chars()).collect()
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
    use keyvm_isa::Trap;

    #[test]
    fn the_meanings_are_those_that_the_document_lists() {
        let document = include_str!("../../../docs/language.md");
        for (number, meaning) in (0..).zip(MEANINGS).skip(1) {
            assert!(document.contains(&format!("| {number} | {meaning} |")), "{meaning}");
            let said = match number {
                SANDBOX => "a sandboxed call did not return; its status is destroyed",
                SERVICE => "a service that cannot begin; its status is destroyed",
                ARGUMENT => "argument 7 is missing",
                ARGUMENT_NO_NUMBER => "argument 7 is not a decimal number",
                _ => meaning,
            };
            assert_eq!(failure(&[7, number], &[], &[]).as_deref(), Some(said));
        }
        assert_eq!(failed_call(&[9, 7, SANDBOX]), Some(9));
        assert_eq!(failed_call(&[9, 7, SANDBOX + 1]), None);
        assert_eq!(failed_call(&[7, SANDBOX]), None);
        assert_eq!(failure(&[0], &[], &[]), None);
        assert_eq!(failure(&[], &[], &[]), None);
        assert_eq!(failure(&[17], &[], &[]), None);
    }

    #[test]
    fn each_trap_has_a_meaning() {
        let last = Trap::ALL.iter().map(|row| usize::from(row.0.number())).max();
        assert_eq!(last, Some(TRAPS.len() - 1));
    }

    #[test]
    fn an_index_is_told_with_the_length() {
        let said = |operands: &[u64]| failure(operands, &[], &[]);
        assert_eq!(
            said(&[1, 7, 3, INDEX]).as_deref(),
            Some("an index past the end: the index is 7, the length 3")
        );
        for operands in [&[3, 7, INDEX][..], &[7, INDEX], &[INDEX]] {
            assert_eq!(said(operands).as_deref(), Some(MEANINGS[2]), "{operands:?}");
        }
    }

    #[test]
    fn an_argument_that_is_no_number_is_shown() {
        let said = |index, argument: &str| {
            failure(&[index, ARGUMENT_NO_NUMBER], &[], &[argument.to_owned()]).unwrap_or_default()
        };
        assert_eq!(said(0, "5x"), "argument 0, `5x`, is not a decimal number");
        let largest = "is too large: the largest is 18446744073709551615";
        assert_eq!(said(0, "18446744073709551616"), format!("argument 0, `18446744073709551616`, {largest}"));
        assert_eq!(said(0, &"9".repeat(101)), format!("argument 0, `{} …`, {largest}", "9".repeat(100)));
        let least = "is too small: the least is -9223372036854775808";
        assert_eq!(said(0, "-9223372036854775809"), format!("argument 0, `-9223372036854775809`, {least}"));
        for text in ["", "-", "+", "--5", "1.5", "0x10", "99999999999999999999x"] {
            assert_eq!(said(0, text), format!("argument 0, `{text}`, is not a decimal number"));
        }
        assert_eq!(said(1, "5x"), "argument 1 is not a decimal number");
        assert_eq!(said(u64::MAX, ""), format!("argument {} is not a decimal number", u64::MAX));
        let (fits, long) = ("é".repeat(100), "é".repeat(101));
        assert_eq!(said(0, &fits), format!("argument 0, `{fits}`, is not a decimal number"));
        assert_eq!(said(0, &long), format!("argument 0, `{fits} …`, is not a decimal number"));
        assert_eq!(failure(&[ARGUMENT], &[], &[]).as_deref(), Some(MEANINGS[5]));
    }

    #[test]
    fn parts_of_none_are_behind_it() {
        assert!(is_part_of_none(NONE) && is_part_of_none(NONE + 8));
        for address in [0, 8, NONE - 1, u64::MAX - 7, i64::MIN.cast_unsigned()] {
            assert!(!is_part_of_none(address), "{address}");
        }
    }

    #[test]
    fn the_jobs_at_hand_are_found() {
        let mut memory = vec![0; 128];
        memory[12] = 6;
        memory[56] = 7;
        for number in [ASSERTION_ALONE, NO_VALUE, ASSERTION_WITH_TEXT] {
            assert_eq!(jobs_at_hand(&[3, 8, 9, 16, 80, u64::MAX - 7, number], &memory), [7]);
        }
        assert!(jobs_at_hand(&[8, SANDBOX], &memory).is_empty() && jobs_at_hand(&[], &memory).is_empty());
        assert!(jobs_at_hand(&[8, NO_VALUE], &memory[..40]).is_empty());
        memory[56] = 0;
        assert!(jobs_at_hand(&[8, NO_VALUE], &memory).is_empty(), "a job that has ended");
    }

    /// A memory with a text that is said to be so long.
    fn memory(length: u64, bytes: &[u8]) -> Vec<u8> {
        [&[0; 8], &length.to_le_bytes(), bytes].concat()
    }

    #[test]
    fn an_assertion_has_its_text() {
        let says = |memory: &[u8], address| failure(&[address, ASSERTION_WITH_TEXT], memory, &[]);
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
            let found = failure(&[address, ASSERTION_WITH_TEXT], &short, &[]);
            assert_eq!(found.as_deref(), Some(MEANINGS[11]), "{address}");
        }
        assert_eq!(failure(&[ASSERTION_WITH_TEXT], &short, &[]).as_deref(), Some(MEANINGS[11]));
        let no_text = memory(2, &[0xff, b'x']);
        assert!(failure(&[8, ASSERTION_WITH_TEXT], &no_text, &[]).is_some_and(|said| said.ends_with('x')));
    }
}
