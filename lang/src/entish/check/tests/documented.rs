//! The programs in `docs/language.md` show all that the language has built in.

use super::super::builtin::{How, METHODS, fields_of, functions, given, given_names};
use super::super::types::Node;
use super::checked_with;
use crate::entish::lex::{Kind, lex};
use crate::entish::tests::reference::{REFERENCE, documented};
use std::collections::BTreeSet;

/// A program's tokens, and the functions that it names, of itself and of the library.
struct Shown {
    tokens: Vec<(Kind, &'static str)>,
    functions: BTreeSet<String>,
}

impl Shown {
    /// Whether these tokens stand in the program one behind the other.
    fn has(&self, texts: &[&str]) -> bool {
        self.tokens
            .windows(texts.len())
            .any(|tokens| tokens.iter().map(|token| token.1).eq(texts.iter().copied()))
    }
}

/// All that have no mistake.
fn shown() -> Vec<Shown> {
    // A program that begins by the name of a file may be imported.
    let files = documented().filter_map(|text| {
        let name = text.lines().next()?.strip_prefix("# ")?.strip_suffix(".et")?;
        Some((name, text))
    });
    let files: Vec<_> = files.collect();
    let programs = documented().filter_map(|source| {
        let program = checked_with(source, &files, |_| Ok(())).ok()?;
        let tokens = lex(source).tokens.iter().map(|token| (token.kind, token.text(source))).collect();
        Some(Shown { tokens, functions: program.funcs.into_iter().map(|func| func.name).collect() })
    });
    programs.collect()
}

#[test]
fn an_example_calls_each_function() {
    let shown = shown();
    let calls = |program: &Shown, name: &str| {
        let mut windows = program.tokens.windows(3);
        windows.any(|tokens| tokens[0].1 != "." && tokens[1] == (Kind::Name, name) && tokens[2].1 == "(")
    };
    let missing: Vec<_> =
        functions().filter(|name| !shown.iter().any(|program| calls(program, name))).collect();
    assert!(missing.is_empty(), "no example calls {missing:?}");
}

#[test]
fn an_example_calls_each_method() {
    let shown = shown();
    let calls = |program: &Shown, name: &str, how: How| {
        let of_this_type = match how {
            How::Runtime(function) => {
                program.functions.iter().any(|name| name.rsplit('.').next() == Some(function))
            }
            How::Instruction(_) | How::ReadOnly => true,
        };
        of_this_type && program.has(&[".", name, "("])
    };
    let missing: Vec<_> = METHODS
        .iter()
        .filter(|method| !shown.iter().any(|program| calls(program, method.1, method.4)))
        .map(|method| (method.0, method.1))
        .collect();
    assert!(missing.is_empty(), "no example calls {missing:?}");
    for name in ["ask", "end"] {
        assert!(shown.iter().any(|program| program.has(&[".", name, "("])), "no example calls `.{name}`");
    }
}

#[test]
fn an_example_has_all_that_a_job_tells_and_each_right() {
    let shown = shown();
    for name in fields_of(&Node::Job(None)) {
        assert!(shown.iter().any(|program| program.has(&[".", name])), "no example has `.{name}`");
    }
    for name in given_names("right") {
        assert!(shown.iter().any(|program| program.has(&["right", ".", &name])), "no example has {name}");
    }
}

#[test]
fn the_tables_have_the_numbers_of_statuses_and_rights() {
    for (group, least) in [("status", 12), ("right", 11)] {
        let table =
            REFERENCE.split(&format!("\n| `{group}.` |")).nth(1).and_then(|rest| rest.split("\n\n").next());
        let rows = table.expect("there is a table of them").lines().skip(2).map(|row| {
            let mut cells = row.split('|').skip(1).map(|cell| cell.trim().trim_matches('`'));
            (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
        });
        let rows: Vec<_> = rows.collect();
        assert!(rows.len() >= least, "{rows:?}");
        for (name, number) in rows {
            assert_eq!(
                given(group, name).map(|number| number.to_string()).as_deref(),
                Some(number),
                "{name}"
            );
        }
    }
}
