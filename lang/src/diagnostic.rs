//! What is wrong with a text, as data, and how it is shown to people.

use ariadne::{Color, Config, IndexType, Report, ReportKind, Source};
use std::ops::Range;

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The place, in bytes of the text.
    pub span: Range<usize>,
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
        Self { span: span.clone(), title: title.into(), labels: Vec::new(), hint: None }.label(span, label)
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

/// How many diagnostics [`render`] writes out; of the others it says how many there are.
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
            text.push_str(&without_line(file_name, source, diagnostic));
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
fn without_line(file_name: &str, source: &str, diagnostic: &Diagnostic) -> String {
    let at = floor(source, diagnostic.span.start);
    let line = source[..at].matches('\n').count() + 1;
    let column = source[line_of(source, at).start..at].chars().count() + 1;
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

/// Longest name that is compared with others.
const COMPARED_MAX: usize = 40;

/// Of `candidates`, the one that `name` may have been meant for: few letters are to be put in, taken out, replaced or
/// exchanged.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if !(2..=COMPARED_MAX).contains(&name.len()) {
        return None;
    }
    let limit = if name.len() < 3 { 1 } else { name.len().div_ceil(3) };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters are to be put in, taken out, replaced, or exchanged with their neighbour. Names are at most
/// twice [`COMPARED_MAX`] long.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = [[0; 2 * COMPARED_MAX + 1]; 3];
    let [before, above, row] = &mut rows;
    let (mut before, mut above, mut row) = (before, above, row);
    for (j, cell) in above.iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        (before, above, row) = (above, row, before);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters_put_in_taken_out_replaced_and_exchanged() {
        assert_eq!(distance("jump", "jump"), 0);
        assert_eq!(distance("jmp", "jump"), 1);
        assert_eq!(distance("jumpp", "jump"), 1);
        assert_eq!(distance("junp", "jump"), 1);
        assert_eq!(distance("jupm", "jump"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["load64", "store64", "jump"];
        assert_eq!(nearest("laod64", names), Some("load64"));
        assert_eq!(nearest("jmp", names), Some("jump"));
        assert_eq!(nearest("xyzzy", names), None);
    }

    #[test]
    fn a_place_beyond_the_text_is_shown_at_its_end() {
        let diagnostic = Diagnostic::new(&(100..200), "title", "here").hint("hint");
        let text = render("f", "é", &[diagnostic], false);
        assert!(text.contains("title") && text.contains("hint"), "{text}");
    }
}
