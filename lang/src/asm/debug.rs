//! Which place of the text the instructions of an image come from.

use super::ast::Item;
use super::lex::Span;
use crate::positions::positions;
use keyvm_isa::debug::{CodeDebug, CodeDebugBuilder, Line};
use keyvm_isa::image::Number;

/// A code page: its number, the statements it is made of, and how many words it has.
pub(super) type Page<'i, 's> = (Number, &'i [Item<'s>], usize);

/// What is known of code pages that are made of a text.
pub(super) fn code_debug(
    file: &str,
    source: &str,
    pages: &[Page<'_, '_>],
) -> Vec<(Number, CodeDebug<'static>)> {
    let spans = pages.iter().flat_map(|page| page.1).filter_map(span);
    let mut positions = positions(source, &spans.map(|span| span.start).collect::<Vec<_>>()).into_iter();
    let page = |&(number, code, words): &Page<'_, '_>| {
        let mut builder = CodeDebugBuilder::new();
        let file = builder.file(file);
        let mut index = 0;
        for item in code {
            match item {
                Item::Label(name) => builder.name(index, name.text, false),
                Item::Func { name, .. } => builder.name(index, name.text, true),
                _ => {}
            }
            if span(item).is_some()
                && let Some((line, column)) = positions.next()
            {
                builder.line(Line { index, file, line, column });
                index += 1;
            }
        }
        (number, builder.finish(words as u64))
    };
    pages.iter().map(page).collect()
}

/// The text of an instruction, or of the number that is pushed.
fn span<'i>(item: &'i Item<'_>) -> Option<&'i Span> {
    match item {
        Item::Push(expr) | Item::Word(expr) => Some(&expr.span),
        Item::Insn { span, .. } => Some(span),
        Item::Func { name, .. } => Some(&name.span),
        _ => None,
    }
}
