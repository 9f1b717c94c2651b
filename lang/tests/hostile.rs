//! No text makes the assembler panic, hang, or take more memory than it may.

use keyvm_isa::OPS;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::Body;
use keyvm_lang::asm::{assemble, assemble_file, disassemble};
use keyvm_lang::render;
use keyvm_oracle::random::assembly::{SAMPLE, SIGNS, WORDS};
use proptest::collection::vec;
use proptest::prelude::*;

/// Assembles the text, and shows what is wrong with it; whether nothing is.
fn survives(source: &str) -> bool {
    match assemble(source) {
        Ok(image) => {
            assert_eq!(assemble(&disassemble(&image)).as_ref(), Ok(&image), "{source}");
            let mut known = assemble_file("hostile.kasm", source).expect("only what is known is added");
            for (number, debug) in &known.debug.code {
                let Some(Body::Code(words)) = known.object(*number).map(|object| &object.body) else {
                    panic!("{source}");
                };
                assert!(debug.fits(words.len() as u64), "{source}");
            }
            known.debug = DebugInfo::default();
            assert_eq!(known, image, "{source}");
            true
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in &errors {
                assert!(error.span.start <= error.span.end && error.span.end <= source.len(), "{error:?}");
                assert!(source.get(error.span.clone()).is_some(), "{error:?}");
                assert_eq!(error.labels[0].span, error.span);
            }
            for color in [false, true] {
                assert!(!render("hostile", source, &errors, color).is_empty());
            }
            false
        }
    }
}

/// The title of the first error.
fn refused(source: &str) -> String {
    match assemble(source) {
        Ok(_) => panic!("assembled: {:.200}", source),
        Err(errors) => {
            assert!(!render("hostile", source, &errors, false).is_empty());
            errors[0].title.clone()
        }
    }
}

const FULL: &str = r#"
image { next 100 prime top root p }
meter top { gas_limit none keeper p(call) }
code c { push 1
 halt }
process p #9 under top { code c standing status Trapped trap BadIndex index 1
 stack { u64 1, 2 } frames { frame 1, 2, 3 } data { "abc" } keys { 0: null 2: #7(read) } suspended recurse 1, 2 }
chain { p recurse top, 1, 2 }
request { host p words { u64 1 } keys { 0: p(own) } }
"#;

fn token() -> impl Strategy<Value = String> {
    // Blanks are more often than others.
    let fixed = [&WORDS[..], &SIGNS, &["\n", " "]].concat();
    prop_oneof![
        6 => proptest::sample::select(fixed).prop_map(str::to_owned),
        1 => (0..OPS.len()).prop_map(|row| OPS[row].mnemonic.to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_characters_assemble_or_are_refused(source in "\\PC{0,80}|[ -~\n]{0,200}|(?s).{0,80}") {
        survives(&source);
    }

    #[test]
    fn any_tokens_assemble_or_are_refused(tokens in vec(token(), 0..60), spaces: bool) {
        survives(&tokens.join(if spaces { " " } else { "" }));
    }

    #[test]
    fn mutated_programs_assemble_or_are_refused(
        full: bool,
        edits in vec((any::<prop::sample::Index>(), 0..3usize, token()), 1..6),
    ) {
        let mut source: Vec<char> = if full { FULL } else { SAMPLE }.chars().collect();
        for (place, removed, put) in edits {
            let at = place.index(source.len());
            let end = (at + removed * removed).min(source.len());
            source.splice(at..end, put.chars());
        }
        survives(&source.into_iter().collect::<String>());
    }
}

#[test]
fn the_programs_that_are_mutated_assemble() {
    assert!(survives(SAMPLE));
    assert!(survives(FULL));
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("add(", ")"), ("(", ")"), ("-", ""), ("-(", ")"), ("not(add(1,", "))")] {
        for count in [150, 100_000] {
            let source = format!("{}1{}", open.repeat(count), close.repeat(count));
            if count > 200 {
                assert_eq!(refused(&source), "nested too deeply", "{open}");
            }
        }
    }
    let source = format!("const A = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(refused(&source), "nested too deeply");
    let source = format!("page p {{ {} {}", "data { ".repeat(100_000), "}".repeat(100_001));
    assert_eq!(refused(&source), "nested too deeply");
    assert!(!survives(&"page p { ".repeat(100_000)));
}

#[test]
fn nesting_as_deep_as_allowed_assembles() {
    assert!(survives(&format!("{}1{}", "not(".repeat(200), ")".repeat(200))));
    assert!(survives(&format!("{}1{}", "-(".repeat(100), ")".repeat(100))));
}

#[test]
fn long_expressions_and_lists_need_no_depth() {
    assert!(survives(&format!("0{}", " + 1".repeat(100_000))));
    assert!(survives(&format!("data {{ u64 0{} }}", ", 1".repeat(100_000))));
}

#[test]
fn constants_that_refer_backwards_too_deeply_are_refused() {
    let mut source = String::from("zero1");
    for n in 0..10_000 {
        source.push_str(&format!("\nconst A{n} = A{} + 1", n + 1));
    }
    assert!(!survives(&(source + "\nconst A10000 = 1")));
}

#[test]
fn lengths_beyond_the_limit_are_refused_without_being_allocated() {
    for source in [
        "data { words 1000000000 }",
        "data { words 0xffffffffffffffff }",
        "page p { zero 0xffffffffffffffff }",
        "page p { zero 0x10000001 }",
        "page p { zero 0x4000000 u8 1 align 4096 zero 0x4000000 }",
    ] {
        assert_eq!(refused(source), "too long", "{source}");
    }
    for slots in ["slots 0x100000 0: root(call)", "0xfffff: root(call)"] {
        let pages: String =
            ["a", "b", "c", "d", "e"].map(|name| format!("keys {name} {{ {slots} }}\n")).concat();
        assert_eq!(refused(&pages), "too long", "{slots}");
    }
    let many = "zero 0x4000000 ".repeat(1000);
    assert_eq!(refused(&format!("page p {{ {many} }}")), "too long");
    assert_eq!(refused("keys k { slots 0x1000001 }"), "16777217 does not fit");
}

#[test]
fn a_line_too_long_to_be_shown_is_named() {
    let source = format!("\n  u{} 1", "x".repeat(5000));
    let errors = assemble(&source).expect_err("no instruction");
    let text = render("long", &source, &errors, false);
    assert!(text.contains("[ long:2:3 ]") && text.len() < 6000, "{text}");
}

#[test]
fn more_errors_than_are_shown_are_counted() {
    let source = "hlt 1\n".repeat(150);
    let errors = assemble(&source).expect_err("no instruction");
    assert_eq!(errors.len(), 150);
    assert!(render("many", &source, &errors, false).ends_with("… and 50 more\n"));
}

#[test]
fn many_unknown_names_are_refused_in_good_time() {
    let mut source = String::new();
    for n in 0..20_000 {
        source.push_str(&format!("const known{n} = 1\npush unknown{n}\n"));
    }
    assert!(!survives(&source));
}
