//! Which place of the text each instruction is said to come from.

use keyvm_isa::image::Body;
use keyvm_lang::asm::{Disassembly, assemble, assemble_with_map};

/// The places of all instructions of the code page with this number, as `text near func`.
fn places(source: &str, code: u64) -> Vec<String> {
    let (image, map) = assemble_with_map(source).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(assemble(source).as_ref(), Ok(&image));
    (0..)
        .map_while(|index| map.place(code, index))
        .map(|place| {
            let near = place.near.map_or("-".to_owned(), |(name, behind)| format!("{name}+{behind}"));
            format!("{} {near} {}", &source[place.span], place.func.unwrap_or("-"))
        })
        .collect()
}

#[test]
fn operands_and_instructions_have_places_of_their_own() {
    let source = "add(1, mul(2,\n 3))\nstart: drop\nfunc f 1 -> 1\nparams n\nagain: ret(get n)";
    let wanted = [
        "1 - -",
        "2 - -",
        "3 - -",
        "mul - -",
        "add - -",
        "drop start+0 -",
        "f f+0 f",
        "get again+0 f",
        "ret again+1 f",
    ];
    assert_eq!(places(source, 2), wanted);
}

#[test]
fn what_makes_no_instruction_moves_nothing() {
    let source = "params a\nlocals b = 1 + 2, c\n.constant 9\n.word 0xff\nfirst: second: halt\nat_the_end:";
    assert_eq!(places(source, 2), ["1 + 2 - -", "c - -", "0xff - -", "halt first+0 -"]);
}

#[test]
fn every_code_page_has_its_own_places() {
    let source =
        "process p { code b }\ncode a #7 { nop }\ncode b #9 { x: halt }\nrawcode r #11 { u64 0, 0, 0, 0 }";
    assert_eq!(places(source, 7), ["nop - -"]);
    assert_eq!(places(source, 9), ["halt x+0 -"]);
    assert!(places(source, 11).is_empty());
    let (_, map) = assemble_with_map(source).unwrap();
    assert_eq!([7, 9, 10].map(|number| map.name(number)), [Some("a"), Some("b"), None]);
}

#[test]
fn single_instructions_are_written_as_the_disassembler_writes_them() {
    let image = assemble("call(1, :f)\n.word 0xff\nfunc f 1 -> 0, 2\nagain: jump :again").unwrap();
    let Body::Code(words) = &image.objects[1].body else { panic!("{image:?}") };
    let page = Disassembly::of(words).unwrap();
    let written: Vec<_> = (0..).map_while(|index| page.instruction(index)).collect();
    assert_eq!(written, ["push 1", "call :F3", ".word 0xff", "func F3 1 -> 0, 2", "jump :L4"]);
    assert_eq!(
        [0, 2, 3, 4].map(|index| page.func(index)),
        [None, None, Some(("F3".to_owned(), 0)), Some(("F3".to_owned(), 1))]
    );
    assert!(Disassembly::of(&[1, 2, 3]).is_none());
}

#[test]
fn all_labels_of_a_page_are_listed_the_subroutine_before_the_labels_at_its_place() {
    let text = "nop\nfirst: second: nop\nentry:\nfunc same 1 -> 1\nnop\nnop\ndone: ret\nend:";
    let (image, map) = assemble_with_map(text).expect("it is well-formed");
    let code = image.objects[1].number;
    let labels: Vec<_> = map.labels(code).collect();
    let expected = [(1, "first"), (1, "second"), (2, "same"), (2, "entry"), (5, "done"), (6, "end")];
    assert_eq!(labels, expected);
    assert_eq!(map.place(code, 1).and_then(|place| place.near), Some(("first", 0)));
    assert_eq!(map.labels(image.root).count(), 0);
}
