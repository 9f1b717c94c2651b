//! What programs mean by `fail`.

use keyvm_isa::Status;

/// What the numbers mean, from 1 on; `docs/language.md` lists them.
const MEANINGS: [&str; 10] = [
    "an assertion does not hold",
    "an index past the end",
    "there is no such key in the map",
    "a sandboxed call did not return",
    "an argument of the command line is missing or no number",
    "bytes that are no UTF-8",
    "a process that has no console",
    "the result of a sandboxed call is not well-formed",
    "a job without a value",
    "text that is no number",
];

/// The number of a sandboxed call that did not return; the operand before it is the status.
const SANDBOX: u64 = 4;

/// What a program that was compiled from the language means by the operands with which it came to `fail`, the top last.
#[must_use]
pub fn failure(operands: &[u64]) -> Option<String> {
    let (&number, before) = operands.split_last()?;
    let meaning = MEANINGS.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
    let status = before.last().filter(|_| number == SANDBOX);
    let status = status.and_then(|&status| Status::ALL.iter().find(|row| row.0 as u64 == status));
    Some(match status {
        Some((_, name, _)) => format!("{meaning}; its status is {name}"),
        None => (*meaning).to_owned(),
    })
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
                failure(&[7, number]).as_deref(),
                Some(meaning)
                    .filter(|_| number != SANDBOX)
                    .or(Some("a sandboxed call did not return; its status is Destroyed",))
            );
        }
        assert_eq!(failure(&[0]), None);
        assert_eq!(failure(&[]), None);
        assert_eq!(failure(&[11]), None);
    }
}
