//! `docs/assembly.md` is true: its examples assemble, and it names what there is.

use keyvm_isa::Rights;
use keyvm_lang::asm::{RANDOM_SEED, assemble, disassemble};
use keyvm_lang::render;

const REFERENCE: &str = include_str!("../../docs/assembly.md");

#[test]
fn every_example_assembles_and_survives_disassembly() {
    let examples: Vec<_> =
        REFERENCE.split("```kasm\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 8);
    for example in examples {
        match assemble(example) {
            Ok(image) => {
                let text = disassemble(&image);
                assert_eq!(assemble(&text).as_ref(), Ok(&image), "{text}");
            }
            Err(errors) => panic!("{}", render("assembly.md", example, &errors, false)),
        }
    }
}

#[test]
fn the_reference_names_every_right_and_the_seed() {
    for (_, name, _) in Rights::NAMED {
        assert!(REFERENCE.contains(&format!("`{name}`")), "{name}");
    }
    assert!(REFERENCE.contains(&format!("{RANDOM_SEED:#x}")));
}

#[test]
fn the_reference_names_no_number_that_there_is_not_and_every_group() {
    let given: Vec<&str> = REFERENCE
        .split('`')
        .filter(|word| {
            word.contains('.') && word.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c))
        })
        .filter(|word| {
            ["status.", "trap.", "meta.", "meter.", "right.", "kind."].iter().any(|g| word.starts_with(g))
        })
        .collect();
    assert!(given.len() >= 12, "{given:?}");
    for name in given {
        assert!(assemble(name).is_ok(), "{name}");
    }
}
