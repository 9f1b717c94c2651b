//! No text makes the front end panic, hang, or recurse deeper than it may.

use crate::entish::ast::{File, Stmt, StmtKind};
use crate::entish::lex::{FILE_MAX, MARKS, WORDS};
use crate::entish::parse::{imports, parse};
use crate::{Diagnostic, Diagnostics, render};
use proptest::collection::vec;
use proptest::prelude::*;

/// Parses the text, and shows what is wrong with it.
fn survives(source: &str) -> (File<'_>, Vec<Diagnostic>) {
    let (file, diagnostics) = parse(source);
    for diagnostic in &diagnostics {
        for label in &diagnostic.labels {
            assert!(source.get(label.span.clone()).is_some(), "{diagnostic:?}");
        }
    }
    assert!(
        diagnostics.is_empty()
            || !render("hostile.et", source, &Diagnostics::of(source, diagnostics.clone()), false).is_empty()
    );
    imports(source);
    (file, diagnostics)
}

/// The title of the first error.
fn refused(source: &str) -> String {
    let (_, diagnostics) = survives(source);
    diagnostics.first().map(|diagnostic| diagnostic.title.clone()).unwrap_or_default()
}

fn token() -> impl Strategy<Value = String> {
    let others = [
        "\n",
        "\n",
        "\n",
        "\n    ",
        "\n    ",
        "\n        ",
        "\n  ",
        " ",
        " ",
        "x",
        "y",
        "f",
        "u",
        "list",
        "class",
        "True",
        "is",
        "elseif",
        "0",
        "1",
        "1.5",
        "0x",
        "'a'",
        "'ab'",
        "\"a\"",
        "\"",
        "b\"a\"",
        "f<1, 2>(",
        "f<",
        ">(",
        "$arg(",
        "# c\n",
        "&&",
        "!",
        "**",
        ";",
        "\\",
        "\t",
        "\0",
        "é",
        "é1.",
        ".x",
        "\u{feff}",
        "try f<1, 2>(x)",
        " else ",
        " if ",
    ];
    let words = WORDS.iter().chain(MARKS).map(|&(text, _)| text.to_owned());
    proptest::sample::select(words.chain(others.into_iter().map(str::to_owned)).collect::<Vec<_>>())
}

/// A program with most constructs, to be changed at random.
pub(crate) const PROGRAM: &str = r#"import other
const N = 3 * (1 << 4)
typ point {f x, f y}

# A comment.
def f(u a, b, text c = "x") -> u:
    if a < b and not c == "y":
        return a if b else -1
    elif a in [1, 2, 3]:
        pass
    else: return f<gas()/3, 50>(a, b, c=c) else 0  # trailing
    for i in range(10, N):
        a += $rotr32(a, 7)
    p = point{1.5, y: 2}
    map(text, u) m = {"a": 1}
    u[] l = u[]()

while:
    job = try other.f<50, 50>('a')
    m["x"], q = l[1:2], b"\x00"
    yield job.value
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_characters_parse_or_are_refused(source in "\\PC{0,80}|[ -~\n]{0,200}|(?s).{0,80}") {
        survives(&source);
    }

    #[test]
    fn any_tokens_parse_or_are_refused(tokens in vec(token(), 0..60), spaces: bool) {
        survives(&tokens.join(if spaces { " " } else { "" }));
    }

    #[test]
    fn mutated_programs_parse_or_are_refused(
        edits in vec((any::<prop::sample::Index>(), 0..3_usize, token()), 1..6),
    ) {
        let mut source: Vec<char> = PROGRAM.chars().collect();
        for (place, removed, put) in edits {
            let at = place.index(source.len());
            let end = (at + removed * removed).min(source.len());
            source.splice(at..end, put.chars());
        }
        survives(&source.into_iter().collect::<String>());
    }
}

#[test]
fn the_program_that_is_mutated_parses() {
    assert_eq!(refused(PROGRAM), "");
}

#[test]
fn a_megabyte_of_anything_is_refused() {
    const SIZE: usize = 1 << 20;
    for of in ["(", "[", "{", "f(", "x[", "((", "a<(", "(a,", "f<1,("] {
        assert_eq!(refused(&of.repeat(SIZE / of.len())), "nested too deeply", "{of}");
    }
    for of in [
        "-",
        "not ",
        "a if b else ",
        "f<1,2>(x) else ",
        "a or ",
        "a.",
        "a<",
        "a<a,",
        ")",
        "1 ",
        "\0",
        "\"",
        "'",
        "\\",
    ] {
        assert_ne!(refused(&of.repeat(SIZE / of.len())), "", "{of}");
    }
    for of in [
        "u[", "def(", "x = def(", "u[]", "\u{20}", "else:", "if a: ", "try ", "=", "$", "é", "\u{feff}",
        "&&", "!",
    ] {
        survives(&of.repeat(SIZE / of.len()));
    }
    assert_ne!(refused(&format!("def f() {}", "-> def() ".repeat(SIZE / 9))), "");
    assert_ne!(refused(&format!("u{} x = 1", "[]".repeat(SIZE / 2))), "");
    assert_ne!(refused(&format!("x = {}", "a<".repeat(SIZE / 2))), "");
    assert_ne!(refused(&format!("x = {}", "a<b+c+".repeat(SIZE / 6))), "");
    assert_ne!(refused(&format!("x = a{}", "(1)".repeat(SIZE / 3))), "");
}

#[test]
fn characters_of_several_bytes_stand_beside_anything() {
    for (text, _) in WORDS.iter().chain(MARKS) {
        for of in ["é", "\u{feff}", "\u{1f600}", "é1"] {
            survives(&format!("{of}{text}{of}"));
            survives(&format!("x = {of}{text}a"));
            survives(&format!("x = a{text}{of}{text}a.{of}"));
        }
    }
}

#[test]
fn a_million_blocks_are_refused() {
    let mut source = String::new();
    for depth in 0..3000 {
        source.push_str(&" ".repeat(depth));
        source.push_str("while:\n");
    }
    assert_eq!(refused(&source), "nested too deeply");
    assert_ne!(refused(&"while:\n".repeat(1_000_000)), "");
    assert_ne!(refused(&"while:".repeat(200_000)), "");
    assert_eq!(refused(&format!("if a: b\n{}", "elif c: d\n".repeat(50_000))), "too many `elif`");
    assert_ne!(refused(&"a\n b\n".repeat(50_000)), "");
}

#[test]
fn what_is_long_but_not_deep_parses() {
    assert_eq!(refused(&format!("x = [{}]", "1, ".repeat(300_000))), "");
    assert_eq!(refused(&format!("f({}1)", "g(1),\n".repeat(100_000))), "");
    assert_eq!(refused(&"x = 1\n".repeat(300_000)), "");
    assert_eq!(refused(&"def f():\n    pass\n".repeat(100_000)), "");
    assert_eq!(refused(&format!("# {}", "x".repeat(1 << 20))), "");
    assert_eq!(refused(&format!("x = \"{}\"", "\\n".repeat(1 << 19))), "");
    assert_eq!(refused(&format!("x{} = 1", "y".repeat(1 << 20))), "");
}

#[test]
fn nesting_as_deep_as_allowed_parses() {
    assert_eq!(refused(&format!("x = {}1{}", "(".repeat(200), ")".repeat(200))), "");
    assert_eq!(refused(&format!("x = {}1{}", "f([".repeat(99), "])".repeat(99))), "");
    assert_eq!(refused(&format!("x = {}1{}", "1 or 1 and 1 < 1 | 1 + 1 * (".repeat(25), ")".repeat(25))), "");
    assert_eq!(refused(&format!("x = 1{}", " + 1".repeat(199))), "");
    let blocks: String = (0..200).map(|depth| format!("{}while:\n", " ".repeat(depth))).collect();
    assert_eq!(
        refused(&format!("{blocks}{}x = {}1{}", " ".repeat(200), "(".repeat(200), ")".repeat(200))),
        ""
    );
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    assert_eq!(refused(&"#".repeat(FILE_MAX)), "");
    assert_eq!(refused(&"#".repeat(FILE_MAX + 1)), "the file is too long");
}

#[test]
fn behind_a_thousand_mistakes_no_more_are_looked_for() {
    let source = "1 2\n".repeat(100_000);
    let (_, diagnostics) = survives(&source);
    assert_eq!(diagnostics.len(), 1000);
}

/// How many names statements with mistakes have.
fn names_lost(stmts: &[Stmt<'_>]) -> usize {
    let lost = |stmt: &Stmt<'_>| match &stmt.kind {
        StmtKind::Broken(names) => names.len(),
        StmtKind::If { arms, otherwise } => {
            arms.iter().map(|arm| names_lost(&arm.1)).sum::<usize>() + names_lost(otherwise)
        }
        StmtKind::While { body, .. } => names_lost(body),
        _ => 0,
    };
    stmts.iter().map(lost).sum()
}

#[test]
fn of_blocks_in_blocks_that_do_not_belong_there_each_name_is_kept_once() {
    for header in ["x", "if x: pass", "while x y:", "if x y:", "else:"] {
        let lines = (0..150).map(|depth| format!("{}{header}\n", " ".repeat(depth)));
        let source = lines.collect::<String>() + &format!("{}{}\n", " ".repeat(150), "a ".repeat(1000));
        let (file, diagnostics) = survives(&source);
        let names = names_lost(&file.main);
        assert!(!diagnostics.is_empty() && (1000..2000).contains(&names), "{header}: {names}");
    }
}
