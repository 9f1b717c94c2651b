//! Which place of the text an instruction of an image comes from.

use super::ast::Item;
use super::lex::Span;
use keyvm_isa::image::Number;
use std::collections::BTreeMap;

/// Where in a text the instructions of its image come from, for whoever tells people of them. It is no part of the
/// image: different texts may make the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    pages: BTreeMap<Number, Page>,
    names: BTreeMap<Number, String>,
}

/// What is known of a code page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Page {
    /// Of each instruction.
    spans: Vec<Span>,
    /// Names of indices, which ascend; of those at one index the subroutine comes first.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    index: u64,
    name: String,
    is_func: bool,
}

/// The place of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace<'m> {
    /// The instruction, or the number that is pushed, in bytes of the text.
    pub span: Span,
    /// The subroutine that it belongs to.
    pub func: Option<&'m str>,
    /// The nearest label or subroutine at or before it, and how many instructions behind that it is.
    pub near: Option<(&'m str, u64)>,
}

impl SourceMap {
    /// The name that the text gives an object.
    #[must_use]
    pub fn name(&self, object: Number) -> Option<&str> {
        self.names.get(&object).map(String::as_str)
    }

    /// The place of the instruction with this index in the code page with this number; `None` if it does not come from the
    /// text, or is written there as the words of a page.
    #[must_use]
    pub fn place(&self, code: Number, index: u64) -> Option<SourcePlace<'_>> {
        let page = self.pages.get(&code)?;
        let span = page.spans.get(usize::try_from(index).ok()?)?.clone();
        let before = &page.entries[..page.entries.partition_point(|entry| entry.index <= index)];
        let nearest = before.last().and_then(|last| before.iter().find(|entry| entry.index == last.index));
        let near = nearest.map(|entry| (entry.name.as_str(), index - entry.index));
        let func = before.iter().rev().find(|entry| entry.is_func).map(|entry| entry.name.as_str());
        Some(SourcePlace { span, func, near })
    }

    /// The labels and subroutines of the code page with this number, with their indices, which ascend; of those at one
    /// index the subroutine comes first.
    pub fn labels(&self, code: Number) -> impl Iterator<Item = (u64, &str)> {
        let entries = self.pages.get(&code).map_or(&[][..], |page| &page.entries);
        entries.iter().map(|entry| (entry.index, entry.name.as_str()))
    }

    /// Enters the name of an object.
    pub(super) fn add_name(&mut self, number: Number, name: &str) {
        self.names.insert(number, name.to_owned());
    }

    /// Enters a code page.
    pub(super) fn add_code(&mut self, number: Number, code: &[Item<'_>]) {
        let mut page = Page::default();
        for item in code {
            let index = u64::try_from(page.spans.len()).unwrap_or(u64::MAX);
            if let Item::Label(name) | Item::Func { name, .. } = item {
                let is_func = matches!(item, Item::Func { .. });
                let entry = Entry { index, name: name.text.to_owned(), is_func };
                let at = if is_func {
                    page.entries.partition_point(|entry| entry.index < index)
                } else {
                    page.entries.len()
                };
                page.entries.insert(at, entry);
            }
            page.spans.extend(match item {
                Item::Push(expr) | Item::Word(expr) => Some(expr.span.clone()),
                Item::Insn { span, .. } => Some(span.clone()),
                Item::Func { name, .. } => Some(name.span.clone()),
                _ => None,
            });
        }
        self.pages.insert(number, page);
    }
}
