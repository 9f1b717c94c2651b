//! Where code comes from: for people who are told of a trap, and for nothing else.
//!
//! An image may carry what its objects are called in the text that it was made of, and for a code page the names of
//! places and a table of lines. It is no part of the state: programs do not see it, and the state hash does not cover
//! it. It stays as compact as it is in a file, and is looked through when something is asked of it.

mod builder;
mod leb128;

use crate::image::Number;
use leb128::Bytes;
use std::borrow::Cow;

pub use builder::CodeDebugBuilder;

/// A name has at most so many bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// What is known of a code page takes at most so many bytes, and [`DEBUG_BYTES_PER_WORD`] for each of its words.
pub const DEBUG_BYTES: u64 = 4096;
/// See [`DEBUG_BYTES`].
pub const DEBUG_BYTES_PER_WORD: u64 = 64;

/// What an image carries for people. Nothing here is checked; the kernel does that when it takes the image in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebugInfo<'a> {
    /// Names of objects, in ascending order of their numbers.
    pub names: Vec<(Number, Cow<'a, str>)>,
    /// What is known of code pages, in ascending order of their numbers.
    pub code: Vec<(Number, CodeDebug<'a>)>,
}

impl<'a> DebugInfo<'a> {
    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty() && self.code.is_empty()
    }

    /// What is known of a code page.
    #[must_use]
    pub fn code_page(&self, number: Number) -> Option<&CodeDebug<'a>> {
        let at = self.code.binary_search_by_key(&number, |code| code.0).ok()?;
        Some(&self.code[at].1)
    }

    /// What an object is called.
    #[must_use]
    pub fn name(&self, object: Number) -> Option<&str> {
        let at = self.names.binary_search_by_key(&object, |name| name.0).ok()?;
        Some(&self.names[at].1)
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> DebugInfo<'static> {
        DebugInfo {
            names: self
                .names
                .into_iter()
                .map(|(number, name)| (number, Cow::Owned(name.into_owned())))
                .collect(),
            code: self.code.into_iter().map(|(number, code)| (number, code.into_owned())).collect(),
        }
    }
}

/// Whether a name may be one: it is not empty, not longer than [`NAME_BYTES_MAX`], and has no control characters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

/// What is known of a code page: the files it was made of, names of places in it, and the lines of its instructions. It is
/// kept as the bytes that `docs/image-format.md` describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeDebug<'a> {
    bytes: Cow<'a, [u8]>,
}

/// A name of a place in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'d> {
    /// The instruction.
    pub index: u32,
    /// What it is called.
    pub name: &'d str,
    /// Whether a subroutine begins there; otherwise it is a label.
    pub is_func: bool,
}

/// The line that instructions come from: that with the index, and those behind it, up to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first instruction.
    pub index: u32,
    /// Which of the files.
    pub file: u32,
    /// The line, from 1 on; 0 if they come from no line.
    pub line: u32,
    /// The column in characters, from 1 on; 0 if it is the whole line.
    pub column: u32,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'d> {
    /// The file.
    pub file: &'d str,
    /// The line, from 1 on.
    pub line: u32,
    /// The column in characters, from 1 on; 0 if it is the whole line.
    pub column: u32,
}

/// `file:line:column`, or `file:line`.
impl core::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.column == 0 { Ok(()) } else { write!(f, ":{}", self.column) }
    }
}

/// Bytes that are no [`CodeDebug`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> CodeDebug<'a> {
    /// Takes bytes that may come from a stranger.
    ///
    /// # Errors
    /// If they are not what a [`CodeDebugBuilder`] might make.
    pub fn parse(bytes: Cow<'a, [u8]>) -> Result<Self, Malformed> {
        let mut files = Files::of(&bytes);
        let mut count = 0;
        while files.take()?.is_some() {
            count += 1;
        }
        let mut names = Names::behind(files);
        while names.take()?.is_some() {}
        let mut lines = Lines::behind(names);
        while let Some(line) = lines.take()? {
            if line.file >= count {
                return Err(Malformed);
            }
        }
        Ok(Self { bytes })
    }

    /// The bytes it is kept as.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it can be of a code page with so many words: it is in proportion to that, and names no place behind its end.
    #[must_use]
    pub fn fits(&self, words: u64) -> bool {
        let longest = words.saturating_mul(DEBUG_BYTES_PER_WORD).saturating_add(DEBUG_BYTES);
        self.bytes.len() as u64 <= longest
            && self.names().all(|name| u64::from(name.index) <= words)
            && self.lines().all(|line| u64::from(line.index) <= words)
    }

    /// The names of places, the indices ascending; of those at one index the subroutine comes first.
    pub fn names(&self) -> impl Iterator<Item = Name<'_>> {
        let mut names = Names::behind(Files::of(&self.bytes));
        core::iter::from_fn(move || names.take().ok().flatten())
    }

    /// The table of lines, the indices ascending.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        let mut lines = Lines::behind(Names::behind(Files::of(&self.bytes)));
        core::iter::from_fn(move || lines.take().ok().flatten())
    }

    /// The names of the files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let mut files = Files::of(&self.bytes);
        core::iter::from_fn(move || files.take().ok().flatten())
    }

    /// Where an instruction comes from.
    #[must_use]
    pub fn place(&self, index: u64) -> Option<Place<'_>> {
        let line = self.lines().take_while(|line| u64::from(line.index) <= index).last()?;
        let file = self.files().nth(usize::try_from(line.file).ok()?)?;
        (line.line > 0).then_some(Place { file, line: line.line, column: line.column })
    }

    /// What an instruction belongs to: the subroutine, and if it is in none, the last label before it.
    #[must_use]
    pub fn near(&self, index: u64) -> Option<Name<'_>> {
        let before = self.names().take_while(|name| u64::from(name.index) <= index);
        before.fold(None, |near: Option<Name<'_>>, name| match near {
            Some(near) if near.is_func && !name.is_func => Some(near),
            Some(near) if near.index == name.index => Some(near),
            _ => Some(name),
        })
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> CodeDebug<'static> {
        CodeDebug { bytes: Cow::Owned(self.bytes.into_owned()) }
    }

    /// The same, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> CodeDebug<'_> {
        CodeDebug { bytes: Cow::Borrowed(&self.bytes) }
    }
}

/// The index that lies a number of instructions behind another.
fn behind(index: u32, instructions: u64) -> Result<u32, Malformed> {
    u32::try_from(instructions).ok().and_then(|more| index.checked_add(more)).ok_or(Malformed)
}

/// Reads the files.
struct Files<'b> {
    left: u64,
    rest: Bytes<'b>,
}

impl<'b> Files<'b> {
    /// Those that begin here. No number is none, and leaves something that is nothing either.
    fn of(bytes: &'b [u8]) -> Self {
        let mut rest = Bytes(bytes);
        let left = rest.uint().unwrap_or(u64::MAX);
        Self { left, rest }
    }

    fn take(&mut self) -> Result<Option<&'b str>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.rest.text().filter(|name| is_name(name)).map(Some).ok_or(Malformed)
    }
}

/// Reads the names.
struct Names<'b> {
    left: u64,
    rest: Bytes<'b>,
    last: Option<(u32, bool)>,
}

impl<'b> Names<'b> {
    fn behind(mut files: Files<'b>) -> Self {
        while let Ok(Some(_)) = files.take() {}
        let mut rest = files.rest;
        let left = rest.uint().unwrap_or(u64::MAX);
        Self { left, rest, last: None }
    }

    fn take(&mut self) -> Result<Option<Name<'b>>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let head = self.rest.uint().ok_or(Malformed)?;
        let is_func = head & 1 == 1;
        let index = behind(self.last.map_or(0, |last| last.0), head >> 1)?;
        let name = self.rest.text().filter(|name| is_name(name)).ok_or(Malformed)?;
        if is_func && self.last.is_some_and(|(last, is_func)| last == index && !is_func) {
            return Err(Malformed);
        }
        self.last = Some((index, is_func));
        Ok(Some(Name { index, name, is_func }))
    }
}

/// Reads the lines.
struct Lines<'b> {
    rest: Bytes<'b>,
    last: Option<Line>,
}

impl<'b> Lines<'b> {
    fn behind(mut names: Names<'b>) -> Self {
        while let Ok(Some(_)) = names.take() {}
        Self { rest: names.rest, last: None }
    }

    fn take(&mut self) -> Result<Option<Line>, Malformed> {
        if self.rest.0.is_empty() {
            return Ok(None);
        }
        let before = self.last.unwrap_or(Line { index: 0, file: 0, line: 0, column: 0 });
        let line = self.read(before).ok_or(Malformed)?;
        if self.last.is_some() && line.index == before.index {
            return Err(Malformed);
        }
        self.last = Some(line);
        Ok(Some(line))
    }

    fn read(&mut self, before: Line) -> Option<Line> {
        let head = self.rest.uint()?;
        let index = behind(before.index, head >> 1).ok()?;
        let file = if head & 1 == 0 {
            before.file
        } else {
            u32::try_from(self.rest.uint()?).ok().filter(|&file| file != before.file)?
        };
        let line = i64::from(before.line).checked_add(self.rest.int()?)?;
        let column = u32::try_from(self.rest.uint()?).ok()?;
        Some(Line { index, file, line: u32::try_from(line).ok()?, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> CodeDebug<'static> {
        let mut builder = CodeDebugBuilder::new();
        let (one, two) = (builder.file("one.et"), builder.file("two.et"));
        assert_eq!(builder.file("one.et"), one);
        builder.name(7, "again", false);
        builder.name(5, "main", true);
        builder.name(5, "start", false);
        builder.name(2, "before", false);
        builder.line(Line { index: 0, file: one, line: 900, column: 3 });
        builder.line(Line { index: 3, file: two, line: 2, column: 70_000 });
        builder.line(Line { index: 5, file: two, line: 0, column: 0 });
        builder.line(Line { index: 6, file: one, line: 1, column: 0 });
        builder.finish(9)
    }

    #[test]
    fn what_is_built_is_found_again() {
        let debug = sample();
        assert_eq!(CodeDebug::parse(debug.bytes().into()), Ok(debug.clone()));
        assert!(debug.fits(7) && !debug.fits(6));
        let place = |index| debug.place(index).map(|place| place.to_string());
        assert_eq!(place(2).as_deref(), Some("one.et:900:3"));
        assert_eq!(place(4).as_deref(), Some("two.et:2:70000"));
        assert_eq!(place(5), None);
        assert_eq!(place(u64::MAX).as_deref(), Some("one.et:1"));
        let near = |index| debug.near(index).map(|near| near.name);
        assert_eq!(
            [0, 2, 4, 5, 6, 8].map(near),
            [None, Some("before"), Some("before"), Some("main"), Some("main"), Some("main")]
        );
        let names: Vec<_> = debug.names().map(|name| (name.index, name.name, name.is_func)).collect();
        let expected = [(2, "before", false), (5, "main", true), (5, "start", false), (7, "again", false)];
        assert_eq!(names, expected);
    }

    #[test]
    fn whatever_bytes_are_cut_or_changed_is_refused_or_read_again() {
        let debug = sample();
        for end in 0..debug.bytes().len() {
            let _ = CodeDebug::parse(debug.bytes()[..end].into());
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = debug.bytes().to_vec();
                bytes[end] = value;
                if let Ok(spoilt) = CodeDebug::parse(bytes.into()) {
                    let _ = spoilt.fits(9);
                    for index in 0..12 {
                        let _ = (spoilt.place(index), spoilt.near(index));
                    }
                }
            }
        }
        let empty: &[u8] = &[];
        assert_eq!(CodeDebug::parse(empty.into()), Err(Malformed));
        // A number of names that the bytes do not have.
        assert_eq!(CodeDebug::parse(vec![0, 0xff, 0xff, 0xff, 0xff, 0xff, 1].into()), Err(Malformed));
        // A line of a file that there is not.
        assert_eq!(CodeDebug::parse(vec![0, 0, 0, 2, 1].into()), Err(Malformed));
        // A name that a terminal would obey.
        assert_eq!(CodeDebug::parse(vec![1, 1, 0x1b, 0].into()), Err(Malformed));
    }
}
