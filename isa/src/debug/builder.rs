//! Makes what is known of a code page.

use super::leb128::{put_int, put_text, put_uint};
use super::{CodeDebug, Line, NAME_BYTES_MAX, is_name};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Collects what is known of a code page while it is made.
#[derive(Clone, Debug, Default)]
pub struct CodeDebugBuilder {
    files: Vec<String>,
    /// The numbers of the files.
    numbers: BTreeMap<String, u32>,
    names: Vec<(u32, bool, String)>,
    lines: Vec<Line>,
}

impl CodeDebugBuilder {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a file, by its name.
    pub fn file(&mut self, name: &str) -> u32 {
        let name = to_name(name);
        if let Some(&number) = self.numbers.get(&name) {
            return number;
        }
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    /// Says what an instruction is called: as the beginning of a subroutine, or as a label.
    pub fn name(&mut self, index: u32, name: &str, is_func: bool) {
        self.names.push((index, is_func, to_name(name)));
    }

    /// Says where an instruction and those behind it come from, in ascending order of the indices.
    pub fn line(&mut self, line: Line) {
        let same = |last: &Line| Line { index: line.index, ..*last } == line;
        if !self.lines.last().is_some_and(same) {
            self.lines.push(line);
        }
    }

    /// What is known of the code page, which has so many words. What is too much for it is left out: first labels, then
    /// all names, then the lines.
    #[must_use]
    pub fn finish(mut self, words: u64) -> CodeDebug<'static> {
        self.names.sort_by_key(|&(index, is_func, _)| (index, !is_func));
        self.lines.sort_by_key(|line| line.index);
        self.lines.dedup_by_key(|line| line.index);
        let attempts = [|_: bool| true, |is_func: bool| is_func, |_: bool| false];
        for keeps in attempts {
            let debug = CodeDebug { bytes: Cow::Owned(self.encode(keeps)) };
            if debug.fits(words) {
                return debug;
            }
        }
        CodeDebug { bytes: Cow::Owned(vec![0, 0]) }
    }

    /// The bytes, with the names that are kept.
    fn encode(&self, keeps: fn(bool) -> bool) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, self.files.len() as u64);
        self.files.iter().for_each(|file| put_text(&mut out, file));
        let kept = self.names.iter().filter(|name| keeps(name.1));
        put_uint(&mut out, kept.clone().count() as u64);
        let mut last = 0;
        for (index, is_func, name) in kept {
            put_uint(&mut out, u64::from(index - last) << 1 | u64::from(*is_func));
            put_text(&mut out, name);
            last = *index;
        }
        let mut last = Line { index: 0, file: 0, line: 0, column: 0 };
        for &line in &self.lines {
            let other_file = line.file != last.file;
            put_uint(&mut out, u64::from(line.index - last.index) << 1 | u64::from(other_file));
            if other_file {
                put_uint(&mut out, line.file.into());
            }
            put_int(&mut out, i64::from(line.line) - i64::from(last.line));
            put_uint(&mut out, line.column.into());
            last = line;
        }
        out
    }
}

/// A text as a name: without control characters, and not longer than a name may be.
fn to_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }) {
        if name.len() + c.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        name.push(c);
    }
    if is_name(&name) { name } else { "?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{DEBUG_BYTES, DEBUG_BYTES_PER_WORD};
    use super::*;

    #[test]
    fn what_is_too_much_for_the_page_is_left_out() {
        let built = |labels: u32, funcs: u32| {
            let mut builder = CodeDebugBuilder::new();
            let file = builder.file("it.et");
            builder.line(Line { index: 0, file, line: 1, column: 1 });
            let long = "x".repeat(1000);
            (0..labels).for_each(|_| builder.name(0, &long, false));
            (0..funcs).for_each(|_| builder.name(1, &long, true));
            builder.finish(4)
        };
        assert_eq!(built(3, 3).names().count(), 6);
        assert_eq!(built(30, 3).names().count(), 3);
        assert_eq!(built(0, 30).names().count(), 0);
        assert!([built(3, 3), built(30, 3), built(0, 30)].iter().all(|built| {
            built.bytes().len() as u64 <= DEBUG_BYTES + 4 * DEBUG_BYTES_PER_WORD && built.place(0).is_some()
        }));
    }

    #[test]
    fn names_are_made_fit() {
        assert_eq!(to_name(""), "?");
        assert_eq!(to_name("a\u{1b}b"), "a\u{fffd}b");
        assert_eq!(to_name(&"é".repeat(200)).len(), 254);
    }
}
