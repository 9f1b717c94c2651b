//! `docs/language.md` is true: its programs parse, and its grammar has the lexer's words and marks.

use crate::entish::emit::HOSTS_MAX;
use crate::entish::files::FILES_MAX;
use crate::entish::format;
use crate::entish::lex::{FILE_MAX, MARKS, NESTING_MAX, WORDS};
use crate::entish::parse::parse;
use crate::{Diagnostics, render};
use keyvm_isa::layout::{CHUNK_WORDS, HOST_NAME_MAX};
use std::collections::BTreeSet;
use std::path::Path;

pub(in super::super) const REFERENCE: &str = include_str!("../../../../docs/language.md");

/// The programs in the reference.
pub(in super::super) fn documented() -> impl Iterator<Item = &'static str> {
    let blocks = REFERENCE.split("```python\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next())
}

/// The programs in the reference, the examples and the library.
pub(super) fn examples() -> Vec<String> {
    let mut programs: Vec<_> = documented().map(str::to_owned).collect();
    for directory in ["../examples", "src/entish/std"] {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory));
        let files = files.into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
        let programs_in = files.filter(|path| path.extension().is_some_and(|of| of == "et"));
        programs.extend(programs_in.filter_map(|path| std::fs::read_to_string(path).ok()));
    }
    programs
}

/// The chapter on the grammar.
fn chapter() -> &'static str {
    REFERENCE.split("\n## Grammar\n").nth(1).expect("there is such a chapter")
}

/// The rules of the grammar.
pub(super) fn grammar() -> &'static str {
    let rules = chapter().split("```ebnf\n").nth(1).and_then(|rest| rest.split("```").next());
    rules.expect("the rules are in a block of their own")
}

#[test]
fn the_examples_parse_and_formatting_them_is_done_once() {
    for example in examples() {
        let (_, diagnostics) = parse(&example);
        let shown = render("language.md", &example, &Diagnostics::of(&example, diagnostics.clone()), false);
        assert!(diagnostics.is_empty(), "{shown}");
        let formatted = format(&example).expect("it parses");
        assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
    }
}

#[test]
fn the_programs_of_the_reference_are_in_the_style_that_fmt_writes() {
    for program in documented() {
        assert_eq!(format(program).as_deref(), Ok(program));
    }
}

#[test]
fn the_grammar_has_all_words_and_marks_and_no_others() {
    // What stands between single quotes.
    let quoted: BTreeSet<&str> = grammar()
        .lines()
        .filter(|line| !line.starts_with("(*"))
        .flat_map(|line| line.split('\'').skip(1).step_by(2))
        .collect();
    let tokens: BTreeSet<&str> = WORDS.iter().chain(MARKS).map(|&(text, _)| text).collect();
    let missing: Vec<_> = tokens.difference(&quoted).collect();
    let unknown: Vec<_> = quoted.difference(&tokens).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}

#[test]
fn every_rule_of_the_grammar_is_there_and_is_used() {
    let grammar = grammar();
    let rules: BTreeSet<&str> = grammar
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.is_empty() && !name.contains(' '))
        .collect();
    let mut used = BTreeSet::from(["file"]);
    for line in grammar.lines() {
        let right = line
            .split_once(" = ")
            .filter(|(name, _)| rules.contains(name.trim()))
            .map_or(line, |(_, right)| right);
        let outside: String = right.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
        let words = outside
            .split(|c: char| !c.is_ascii_alphabetic() && c != '_')
            .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        let words: Vec<&str> = words.collect();
        for word in words {
            assert!(rules.contains(word), "there is no rule `{word}`");
            used.insert(rules.get(word).copied().unwrap_or_default());
        }
    }
    assert_eq!(rules.difference(&used).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn the_reserved_words_are_listed() {
    let listed =
        REFERENCE.split("Reserved:\n").nth(1).and_then(|rest| rest.trim_start().split("\n\n").next());
    let listed: Vec<_> = listed.unwrap_or_default().split_whitespace().collect();
    assert_eq!(listed, WORDS.iter().map(|&(word, _)| word).collect::<Vec<_>>());
}

#[test]
fn the_limits_are_named() {
    assert!(chapter().contains(&format!("{NESTING_MAX} deep")));
    assert!(chapter().contains(&format!("{} MiB", FILE_MAX >> 20)));
    let without_commas = chapter().replace(',', "");
    assert!(without_commas.contains(&format!("{FILES_MAX} files")));
    assert!(without_commas.contains(&format!("{HOSTS_MAX} hosts by names of at most {HOST_NAME_MAX}")));
    assert!(without_commas.contains(&format!("{CHUNK_WORDS} variables")));
}
