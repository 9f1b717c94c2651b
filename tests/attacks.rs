//! Attacks that are more than a program: on what the engine keeps, and on what a budget shows. The others are programs in
//! `tests/vectors/attacks`, which run on every engine, cut everywhere; `tests/cli/attacks.trycmd` shows what each is told.

use keyvm::image::{read, state_hash, write};
use keyvm::isa::image::Image;
use keyvm::{CompilerOptions, Engine, Event, Levels, Machine, Tier, asm};

/// A loop that is compiled, and then a result.
fn program(result: u64) -> Image<'static> {
    let source = format!("100_000\nagain: sub(1)\n jumpif(tee 0 (dup), :again)\n return 1 ({result})");
    asm::assemble(&source).unwrap_or_else(|errors| panic!("{errors}"))
}

fn ends(image: &Image<'_>, engine: &Engine) -> Event {
    Machine::with_engine(image, engine).expect("the image is consistent").run(u64::MAX)
}

/// Native code is found by the hash of the instructions themselves. No image says which hash its code has, so none can say a
/// false one: not with the same numbers, the same length, and all but one bit alike.
#[test]
fn native_code_of_other_instructions_is_never_reached() {
    for levels in [Levels::Quick, Levels::Optimized] {
        let engine =
            Engine::with_options(Tier::Jit, CompilerOptions { levels, ..CompilerOptions::default() });
        for result in [1, 2, 3, 1, 2] {
            assert_eq!(ends(&program(result), &engine), Event::Returned([result].into()));
        }
    }
}

/// A file whose code is exchanged for another file's is refused, and so is one that then says the other's state hash.
#[test]
fn a_file_with_the_code_of_another_is_refused() {
    let file = |image: &Image<'_>| {
        let mut bytes = Vec::new();
        write(image, &mut bytes).expect("a vector takes everything");
        bytes
    };
    let (one, other) = (file(&program(1)), file(&program(2)));
    assert_eq!(one.len(), other.len());
    let differ = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    assert!(differ > 1, "the instruction, and the sum over all");
    for at in (0..one.len()).filter(|&at| one[at] != other[at]) {
        let mut forged = one.clone();
        forged[at] = other[at];
        assert!(read(&forged).is_err(), "byte {at}");
    }
    assert_ne!(state_hash(&program(1)), state_hash(&program(2)));
}

/// What a callee sees is the same, to the gas, whatever its superiors have.
#[test]
fn a_superiors_budget_does_not_show() {
    let source = "
meter prime {}
meter purse { under prime  gas_limit @G  words_limit @W  rent_limit @R }
process root { under purse  standing  keys { 1: spy(all) } }
process spy { code looks  key_capacity 32 }
        recurse (1, 2000, 500)
        yield 8
code looks {
        mempush(0, meta.GAS)
        mempush(0, meta.WORDS)
        pagenew(16)
        mempush(0, meta.WORDS)
        memsize
        random(0, -1)
        return 6
}";
    let seen = |gas: &str, words: &str, rent: &str| {
        let text = source.replace("@G", gas).replace("@W", words).replace("@R", rent);
        let image = asm::assemble(&text).unwrap_or_else(|errors| panic!("{errors}"));
        Machine::new(&image).expect("the image is consistent").run(1_000_000)
    };
    let plenty = seen("1 << 60", "1 << 60", "1 << 100");
    assert!(matches!(&plenty, Event::Yielded(words) if words.len() == 8), "{plenty:?}");
    assert_eq!(seen("5000", "3000", "1 << 100"), plenty);
    assert_eq!(seen("50_000", "2500", "100_000_000"), plenty);
}

/// What each of the programs is told is written down.
#[test]
fn every_attack_is_shown() {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let shown = std::fs::read_to_string(project.join("tests/cli/attacks.trycmd")).expect("it is text");
    let entries = std::fs::read_dir(project.join("tests/vectors/attacks")).expect("the folder is there");
    let mut attacks = 0;
    for entry in entries {
        let name = entry.expect("it can be read").file_name().into_string().expect("it is text");
        assert!(shown.contains(&format!("$ keyvm run tests/vectors/attacks/{name} ")), "{name}");
        attacks += 1;
    }
    assert!(attacks > 30);
}
