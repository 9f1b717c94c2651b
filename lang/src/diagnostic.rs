//! What is wrong with a text, as data, and how it is shown to people.

use ariadne::{Color, Config, IndexType, Report, ReportKind, Source};
use std::error::Error;
use std::fmt;
use std::ops::{Deref, Range};

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The place, in bytes of the text.
    pub span: Range<usize>,
    /// The line in which the place begins, from 1 on.
    pub line: usize,
    /// The character of the line at which it begins, from 1 on.
    pub column: usize,
    /// What is wrong, in one line.
    pub title: String,
    /// What to say at which place; the first is at `span`.
    pub labels: Vec<Label>,
    /// What would have been accepted, or what to do.
    pub hint: Option<String>,
}

/// Words at a place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place, in bytes of the text.
    pub span: Range<usize>,
    /// The words.
    pub text: String,
}

impl Diagnostic {
    pub(crate) fn new(span: &Range<usize>, title: impl Into<String>, label: impl Into<String>) -> Self {
        let (title, labels) = (title.into(), Vec::new());
        Self { span: span.clone(), line: 0, column: 0, title, labels, hint: None }.label(span, label)
    }

    pub(crate) fn label(mut self, span: &Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    pub(crate) fn maybe_hint(mut self, text: Option<String>) -> Self {
        self.hint = text.or(self.hint);
        self
    }
}

/// One line: the place, what is wrong, and what to do.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.title)?;
        for label in self.labels.iter().filter(|label| label.span == self.span) {
            write!(f, ": {}", label.text)?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

impl Error for Diagnostic {}

/// Everything that is wrong with a text, in the order of the places; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Puts what is wrong with `source` in order, and finds the lines.
    pub(crate) fn of(source: &str, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        let (mut line, mut column, mut before) = (1, 1, 0);
        for diagnostic in &mut diagnostics {
            let at = floor(source, diagnostic.span.start);
            let passed = &source[before..at];
            let in_line = passed.rfind('\n').map(|newline| &passed[newline + 1..]);
            line += passed.matches('\n').count();
            column = in_line.map_or(column, |_| 1) + in_line.unwrap_or(passed).chars().count();
            before = at;
            (diagnostic.line, diagnostic.column) = (line, column);
        }
        Self(diagnostics)
    }
}

impl Deref for Diagnostics {
    type Target = [Diagnostic];

    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One line each. Beyond the first hundred only their number is given.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.iter().take(RENDERED_MAX).enumerate() {
            write!(f, "{}{diagnostic}", if index > 0 { "\n" } else { "" })?;
        }
        match self.len().saturating_sub(RENDERED_MAX) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl Error for Diagnostics {}

/// How many diagnostics are written out; of the others it is said how many there are.
const RENDERED_MAX: usize = 100;

/// The diagnostics as people read them: file, line, column, the line with the place marked, and the hint.
/// Beyond the first hundred only their number is given.
#[must_use]
pub fn render(file_name: &str, source: &str, diagnostics: &[Diagnostic], color: bool) -> String {
    let config = Config::new().with_color(color).with_index_type(IndexType::Byte);
    let mut cache = (file_name, Source::from(source));
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(RENDERED_MAX) {
        if in_long_line(source, diagnostic) {
            text.push_str(&without_line(file_name, diagnostic));
            continue;
        }
        let place = |span: &Range<usize>| {
            let start = floor(source, span.start);
            (file_name, start..floor(source, span.end).max(start))
        };
        let mut report = Report::build(ReportKind::Error, place(&diagnostic.span))
            .with_config(config)
            .with_message(&diagnostic.title);
        // In the order of the text: what comes out of order would be shown as if it stood in another file.
        let mut labels: Vec<_> = diagnostic.labels.iter().enumerate().collect();
        labels.sort_by_key(|(_, label)| label.span.start);
        for (order, (rank, label)) in (0..).zip(labels) {
            let color = if rank == 0 { Color::Red } else { Color::Blue };
            let shown = ariadne::Label::new(place(&label.span)).with_message(&label.text);
            report.add_label(shown.with_color(color).with_order(order));
        }
        if let Some(hint) = &diagnostic.hint {
            report.set_help(hint);
        }
        let mut written = Vec::new();
        // Writing into a vector does not fail.
        let _ = report.finish().write(&mut cache, &mut written);
        // It begins with what others begin with a small letter.
        text.push_str(&String::from_utf8_lossy(&written).replacen("Error:", "error:", 1));
    }
    if let Some(more) = diagnostics.len().checked_sub(RENDERED_MAX).filter(|&more| more > 0) {
        text.push_str(&format!("… and {more} more\n"));
    }
    text
}

/// Lines longer than this many bytes are not shown.
const LINE_MAX: usize = 1000;

/// Where the line begins and ends in which a place is.
fn line_of(source: &str, at: usize) -> Range<usize> {
    let at = floor(source, at);
    let start = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = source[at..].find('\n').map_or(source.len(), |end| at + end);
    start..end
}

fn in_long_line(source: &str, diagnostic: &Diagnostic) -> bool {
    diagnostic
        .labels
        .iter()
        .any(|label| line_of(source, label.span.start).len() > LINE_MAX || label.span.len() > LINE_MAX)
}

/// A diagnostic in words only.
fn without_line(file_name: &str, diagnostic: &Diagnostic) -> String {
    let Diagnostic { line, column, .. } = diagnostic;
    let mut text = format!("error: {}\n   [ {file_name}:{line}:{column} ]\n", diagnostic.title);
    for said in diagnostic.labels.iter().map(|label| &label.text).chain(&diagnostic.hint) {
        text.push_str(&format!("   {said}\n"));
    }
    text
}

/// The nearest boundary of a character at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_beyond_the_text_is_shown_at_its_end() {
        let diagnostic = Diagnostic::new(&(100..200), "title", "here").hint("hint");
        let diagnostics = Diagnostics::of("é", vec![diagnostic]);
        let text = render("f", "é", &diagnostics, false);
        assert!(text.contains("title") && text.contains("hint"), "{text}");
        assert_eq!(diagnostics.to_string(), "1:2: title: here (hint)");
    }

    #[test]
    fn places_are_lines_and_characters() {
        let source = "a\nöö b\r\n\n  c";
        let at = |found: &str| source.find(found).map(|at| at..at + 1).expect("it is there");
        let found = ["c", "a", "b", "\r"]
            .map(|found| Diagnostic::new(&at(found), found.escape_debug().to_string(), "x"));
        let diagnostics = Diagnostics::of(source, found.into());
        assert_eq!(diagnostics.to_string(), "1:1: a: x\n2:4: b: x\n2:5: \\r: x\n4:3: c: x");
    }
}
