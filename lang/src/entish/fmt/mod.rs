//! Programs in the one style: 4 spaces for a block, spaces around operators, none inside brackets, lines of at most 100
//! columns where there are brackets to break them at, or parentheses can be put around operators.
//!
//! What comes out depends on the tokens, on which lines are blank, and on where comments stand, not on how the
//! program was laid out before. `tree` puts the tokens of a line into their brackets, `layout` writes them.

mod layout;
#[cfg(test)]
mod tests;
mod tree;

use super::ast::Span;
use super::lex::{Kind, Lexed, Token, lex};
use super::parse::parse;
use crate::Diagnostics;
use layout::Writer;

/// Spaces of a block.
const INDENT: usize = 4;

/// A program in the one style.
///
/// Comments and blank lines stay where they are; of several blank lines there is one.
///
/// # Errors
/// What keeps the text from being parsed.
///
/// ```
/// # use keyvm_lang::{Diagnostics, entish};
/// assert_eq!(entish::format("x=f<50,50> ( 1+2 )#sum")?, "x = f<50,50>(1 + 2)  # sum\n");
/// # Ok::<(), Diagnostics>(())
/// ```
pub fn format(source: &str) -> Result<String, Diagnostics> {
    let (_, diagnostics) = parse(source);
    if !diagnostics.is_empty() {
        return Err(Diagnostics::of(source, diagnostics));
    }
    let lexed = lex(source);
    let rows = rows(source, &lexed);
    let mut writer = Writer::default();
    let mut above: Option<&Row<'_>> = None;
    for row in &rows {
        // Neither the program nor a block begins with a blank line.
        if row.blank && above.is_some_and(|above| row.level <= above.level) {
            writer.blank();
        }
        above = Some(row);
        match row.what {
            What::Comment(span) => writer.comment(tree::comment(source, span), row.level * INDENT),
            What::Statement { tokens, inside, behind } => {
                let nodes = tree::build(source, tokens, inside);
                writer.line(nodes, row.level * INDENT, behind.map(|span| tree::comment(source, span)));
            }
        }
    }
    Ok(writer.finish())
}

/// A statement, or a comment on a line of its own.
struct Row<'l> {
    /// How many blocks it is in.
    level: usize,
    /// Whether there is a blank line before it.
    blank: bool,
    what: What<'l>,
}

#[derive(Clone, Copy)]
enum What<'l> {
    Comment(&'l Span),
    Statement {
        tokens: &'l [Token],
        /// The comments between its tokens.
        inside: &'l [Span],
        /// The comment behind it on its line.
        behind: Option<&'l Span>,
    },
}

fn slice(source: &str, from: u32, to: u32) -> &str {
    source.get(from as usize..to as usize).unwrap_or_default()
}

/// Whether there is a blank line in this part of the source, which has no tokens.
fn has_blank(source: &str, from: u32, to: u32) -> bool {
    slice(source, from, to).bytes().filter(|&b| b == b'\n').count() > 1
}

/// The column at which something stands, if nothing but spaces stands before it on its line.
fn column(source: &str, at: u32) -> Option<usize> {
    let before = slice(source, 0, at);
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}');
    line.trim_ascii().is_empty().then_some(line.len())
}

/// The statements and comments in their order.
fn rows<'l>(source: &str, lexed: &'l Lexed) -> Vec<Row<'l>> {
    let (tokens, comments) = (&lexed.tokens[..], &lexed.comments[..]);
    let mut rows = Vec::new();
    // Where each block around begins, those just left included.
    let mut columns = vec![0];
    let (mut level, mut before) = (0, 0);
    let (mut at, mut next_comment, mut end) = (0, 0, 0);
    while let Some(&first) = tokens.get(at) {
        match first.kind {
            Kind::Indent => {
                level += 1;
                columns.truncate(level);
                columns.push(column(source, first.start).unwrap_or(0));
            }
            Kind::Dedent => level -= 1,
            _ => {}
        }
        if matches!(first.kind, Kind::Indent | Kind::Dedent | Kind::Newline) {
            at += 1;
            continue;
        }
        // A comment belongs to the innermost block that it is indented as much as.
        while let Some(span) = comments.get(next_comment).filter(|span| span.start < first.start) {
            let stands = column(source, span.start).unwrap_or(0);
            let of =
                (level..=before).rev().find(|&of| columns.get(of).is_some_and(|&column| column <= stands));
            before = of.unwrap_or(level);
            rows.push(Row {
                level: before,
                blank: has_blank(source, end, span.start),
                what: What::Comment(span),
            });
            (next_comment, end) = (next_comment + 1, span.end);
        }
        if first.kind == Kind::End {
            break;
        }
        let length = tokens[at..].iter().take_while(|token| token.kind != Kind::Newline).count();
        let line = &tokens[at..at + length];
        let last = line.last().map_or(first.end, |token| token.end);
        let blank = has_blank(source, end, first.start);
        let inside = comments[next_comment..].iter().take_while(|span| span.start < last).count();
        let inside = &comments[next_comment..next_comment + inside];
        next_comment += inside.len();
        let behind = comments.get(next_comment);
        let behind = behind.filter(|span| !slice(source, last, span.start).contains('\n'));
        next_comment += usize::from(behind.is_some());
        end = behind.map_or(last, |span| span.end);
        rows.push(Row { level, blank, what: What::Statement { tokens: line, inside, behind } });
        before = level;
        at += length;
    }
    rows
}
