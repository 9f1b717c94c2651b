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
