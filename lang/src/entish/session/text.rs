//! The text of a session: all its inputs, one behind the other, so that a place in it means the same for ever. What does not
//! count any more, statements that have run and definitions that have been replaced, is left out where it is compiled by
//! writing spaces in its place.

use crate::entish::ast::{Binary, Expr, ExprKind, Stmt, StmtKind};
use crate::entish::check::walk_exprs;
use crate::entish::lex::Kind as Token;
use crate::entish::parse;
use logos::Logos;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// What a stretch of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Import,
    Struct,
    /// A function or a constant, which a later one of its name replaces.
    Definition,
    Statement,
}

/// A declaration or a statement at the top level, with the lines behind it up to the next one.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// Empty for a statement.
    pub(super) name: String,
    /// In bytes of the text.
    pub(super) range: Range<usize>,
    /// Whether nothing has replaced it.
    pub(super) counts: bool,
    /// What stands for it in a program, if that is not its own text.
    pub(super) saved: Option<String>,
    /// Whether a variable had its name until then.
    pub(super) was_variable: bool,
    /// All names in it, in order.
    pub(super) names: Arc<[String]>,
}

impl Item {
    /// Whether it is something that a program does.
    fn is_done(&self) -> bool {
        self.kind == Kind::Statement && self.saved.as_deref() != Some("")
    }

    fn has_name(&self, name: &str) -> bool {
        self.names.binary_search_by(|of| (**of).cmp(name)).is_ok()
    }
}

/// The items of an input that begins at `start`; what is not well-formed is none.
pub(super) fn items(input: &str, start: usize) -> Vec<Item> {
    let (file, _) = parse::parse(input);
    let line = |at: u32| input[..at as usize].rfind('\n').map_or(0, |end| end + 1);
    let mut found: Vec<(usize, Kind, &str, Option<String>)> = Vec::new();
    found.extend(file.imports.iter().map(|name| (line(name.span.start), Kind::Import, name.text, None)));
    found.extend(file.structs.iter().map(|of| (line(of.name.span.start), Kind::Struct, of.name.text, None)));
    let consts = file.consts.iter();
    found.extend(consts.map(|of| (line(of.name.span.start), Kind::Definition, of.name.text, None)));
    let funcs = file.funcs.iter();
    found.extend(funcs.map(|of| (line(of.span.start), Kind::Definition, of.name.text, None)));
    let main = file.main.iter();
    found.extend(main.map(|of| (line(of.span.start), Kind::Statement, "", saved(input, of))));
    found.sort_by_key(|item| item.0);
    let ends: Vec<_> = found.iter().skip(1).map(|item| item.0).chain([input.len()]).collect();
    let item = |((from, kind, name, saved), to): ((usize, Kind, &str, _), usize)| Item {
        kind,
        name: name.to_owned(),
        range: start + from..start + to,
        counts: true,
        saved,
        was_variable: false,
        names: names(&input[from..to]),
    };
    found.into_iter().zip(ends).map(item).collect()
}

/// Whether the first line that is neither empty nor a remark is indented.
pub(super) fn is_indented(input: &str) -> bool {
    let mut lines =
        input.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with([' ', '\t']))
}

/// What stands in a program for a statement: nothing for an expression that only showed its value.
fn saved(input: &str, stmt: &Stmt<'_>) -> Option<String> {
    let StmtKind::Expr(expr) = &stmt.kind else { return None };
    let mut calls = false;
    walk_exprs(expr, &mut |of: &Expr<'_>| {
        calls |= matches!(
            of.kind,
            ExprKind::Call(..) | ExprKind::Sandbox { .. } | ExprKind::Try(_) | ExprKind::Machine(..)
        );
    });
    if !calls {
        return Some(String::new());
    }
    // A comparison alone is no statement of a program.
    let is_comparison = matches!(expr.kind, ExprKind::Binary(Binary::Eq, ..));
    is_comparison.then(|| format!("if {}: pass\n", &input[expr.span.start as usize..expr.span.end as usize]))
}

/// The names in a text, in order.
fn names(text: &str) -> Arc<[String]> {
    let names = Token::lexer(text).spanned().filter(|(kind, _)| *kind == Ok(Token::Name));
    let names: BTreeSet<&str> = names.map(|(_, span)| &text[span]).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Which of the items an input of new ones has to do with: the declarations that it names, and that these name. If it declares
/// something, besides those that name that, and those that name these: they may not fit any more. A name is taken for
/// that of a declaration wherever it stands.
pub(super) fn needed(items: &[Item], new: &[Item]) -> BTreeSet<usize> {
    let there = || items.iter().enumerate().filter(|(_, item)| item.counts && item.kind != Kind::Statement);
    // There are few of them, and variables have types of theirs.
    let mut needed: BTreeSet<usize> =
        there().filter(|(_, item)| item.kind != Kind::Definition).map(|(index, _)| index).collect();
    let mut changed: Vec<&str> = new.iter().map(|item| &*item.name).filter(|name| !name.is_empty()).collect();
    if !changed.is_empty() {
        let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, item) in there().filter(|(_, item)| item.kind == Kind::Definition) {
            item.names.iter().for_each(|name| users.entry(name).or_default().push(index));
        }
        while let Some(name) = changed.pop() {
            // Whoever names it is looked at once.
            for index in users.remove(name).unwrap_or_default() {
                if needed.insert(index) {
                    changed.push(&items[index].name);
                }
            }
        }
    }
    let by_name: BTreeMap<&str, usize> = there().map(|(index, item)| (&*item.name, index)).collect();
    let begin = new.iter().chain(needed.iter().map(|&index| &items[index]));
    let mut more: Vec<&str> = begin.flat_map(|item| item.names.iter()).map(String::as_str).collect();
    while let Some(name) = more.pop() {
        if let Some(&index) = by_name.get(name)
            && needed.insert(index)
        {
            more.extend(items[index].names.iter().map(String::as_str));
        }
    }
    needed
}

/// Names of definitions that were replaced after a statement that counts had used them, itself or by what it uses, each
/// with the first such statement. A name is taken for that of a definition wherever it stands.
pub(super) fn redefined<'a>(text: &'a str, items: &'a [Item]) -> Vec<(&'a str, &'a str)> {
    let mut found = BTreeMap::new();
    if !items.iter().any(|item| item.kind == Kind::Definition && !item.counts) {
        return Vec::new();
    }
    let mut defined: BTreeMap<&str, &Item> = BTreeMap::new();
    for item in items {
        if item.kind == Kind::Definition {
            defined.insert(&item.name, item);
        }
        let (mut used, mut more) = (BTreeSet::new(), vec![item]);
        while let Some(user) = more.pop().filter(|_| item.is_done()) {
            for name in user.names.iter().filter(|name| used.insert(*name)) {
                let Some(of_name) = defined.get(&**name) else { continue };
                more.push(of_name);
                if !of_name.counts {
                    found.entry(&**name).or_insert(&text[item.range.clone()]);
                }
            }
        }
    }
    found.into_iter().collect()
}

/// A name that was a variable's and then a declaration's, and the first statement that uses it afterwards.
pub(super) fn ambiguous<'a>(text: &'a str, items: &'a [Item]) -> Option<(&'a str, &'a str)> {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for item in items {
        if item.was_variable && item.counts {
            taken.insert(&item.name);
        }
        if let Some(name) = taken.iter().find(|name| item.is_done() && item.has_name(name)) {
            return Some((name, &text[item.range.clone()]));
        }
    }
    None
}

/// The text with spaces in place of these stretches.
pub(super) fn masked<'i>(text: &str, left_out: impl Iterator<Item = &'i Item>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for item in left_out {
        for byte in &mut bytes[item.range.clone()] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    // Whole lines have been replaced, and so whole characters.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_input_has_to_do_with_is_found() {
        let there = items(
            "import lists\ntyp point {u x}\nconst N = 1\ndef f(): return N\ndef g(): return f()\ndef h(): return 1\nx = h()\n",
            0,
        );
        for (input, names) in [
            ("1 + 1", "lists point"),
            ("x = h() # g", "lists point h"),
            ("x = g()", "lists point N f g"),
            ("def k(): return 1", "lists point"),
            ("def k(): return f()", "lists point N f"),
            ("const N = 2", "lists point N f g"),
            ("def h(): return 1", "lists point h"),
        ] {
            let needed = needed(&there, &items(input, 0));
            let found: Vec<_> = needed.iter().map(|&index| &*there[index].name).collect();
            assert_eq!(found.join(" "), names, "{input}");
        }
    }
}
