//! Which place of the text each instruction is said to come from.

use keyvm_isa::image::Body;
use keyvm_lang::asm::{Disassembly, assemble, assemble_file, disassemble};

/// The places of all instructions of the code page with this number, as `line:column near`.
fn places(source: &str, code: u64) -> Vec<String> {
    let mut image = assemble_file("it", source).unwrap_or_else(|errors| panic!("{errors}"));
    let Some(debug) = image.code_debug(code).cloned() else { return Vec::new() };
    image.debug = Default::default();
    assert_eq!(assemble(source).as_ref(), Ok(&image));
    let Some(Body::Code(words)) = image.object(code).map(|object| &object.body) else { panic!("{code}") };
    let page = Disassembly::of(words).expect("it is code");
    (0..)
        .take_while(|&index| page.instruction(index).is_some())
        .map(|index| {
            let place = debug.place(index).expect("it comes from somewhere").to_string();
            let near = debug.near(index).map_or("-", |near| near.name);
            format!("{} {near}", place.strip_prefix("it:").expect("the file has this name"))
        })
        .collect()
}

#[test]
fn operands_and_instructions_have_places_of_their_own() {
    let source = "add(1, mul(2,\n 3))\nstart: drop\nfunc f 1 -> 1\nparams n\nagain: ret(get n)";
    let wanted = ["1:5 -", "1:12 -", "2:2 -", "1:8 -", "1:1 -", "3:8 start", "4:6 f", "6:12 f", "6:8 f"];
    assert_eq!(places(source, 2), wanted);
}

#[test]
fn what_makes_no_instruction_moves_nothing() {
    let source = "params a\nlocals b = 1 + 2, c\n.constant 9\n.word 0xff\nfirst: second: halt\nat_the_end:";
    assert_eq!(places(source, 2), ["2:12 -", "2:19 -", "4:7 -", "5:16 first"]);
}

#[test]
fn every_code_page_has_its_own_places() {
    let source =
        "process p { code b }\ncode a #7 { nop }\ncode b #9 { x: halt }\nrawcode r #11 { u64 0, 0, 0, 0 }";
    assert_eq!(places(source, 7), ["2:13 -"]);
    assert_eq!(places(source, 9), ["3:16 x"]);
    let image = assemble_file("it", source).unwrap();
    assert_eq!(image.debug.code.len(), 2);
    assert_eq!([7, 9, 10].map(|number| image.debug.name(number)), [Some("a"), Some("b"), None]);
}

#[test]
fn columns_are_characters_however_long_the_line_is() {
    let source = format!("return 201 ({}'é')", "'é', ".repeat(200));
    let places = places(&source, 2);
    assert_eq!(places[..2], ["1:13 -", "1:18 -"]);
    assert_eq!(places[200..], ["1:1013 -", "1:1 -"]);
}

#[test]
fn single_instructions_are_written_as_the_disassembler_writes_them() {
    let image = assemble("call(1, :f)\n.word 0xff\nfunc f 1 -> 0, 2\nagain: jump :again").unwrap();
    let Body::Code(words) = &image.objects[1].body else { panic!("{image:?}") };
    let page = Disassembly::of(words).unwrap();
    let written: Vec<_> = (0..).map_while(|index| page.instruction(index)).collect();
    assert_eq!(written, ["push 1", "call :F3", ".word 0xff", "func F3 1 -> 0, 2", "jump :L4"]);
    let names = [(3, "first"), (3, "second"), (4, "again"), (99, "nothing")];
    let named = Disassembly::with_names(words, names.map(|(index, name)| (index, name.to_owned()))).unwrap();
    let written: Vec<_> = (0..).map_while(|index| named.instruction(index)).collect();
    assert_eq!(written, ["push 1", "call :first", ".word 0xff", "func first 1 -> 0, 2", "jump :again"]);
    assert_eq!(named.func(4), Some(("first".to_owned(), 1)));
    assert_eq!(
        [0, 2, 3, 4].map(|index| page.func(index)),
        [None, None, Some(("F3".to_owned(), 0)), Some(("F3".to_owned(), 1))]
    );
    assert!(Disassembly::of(&[1, 2, 3]).is_none());
}

#[test]
fn all_labels_of_a_page_are_listed_the_subroutine_before_the_labels_at_its_place() {
    let text = "nop\nfirst: second: nop\nentry:\nfunc same 1 -> 1\nnop\nnop\ndone: ret\nend:";
    let image = assemble_file("it", text).expect("it is well-formed");
    let debug = image.code_debug(2).expect("it is code");
    let labels: Vec<_> = debug.names().map(|name| (name.index, name.name)).collect();
    let expected = [(1, "first"), (1, "second"), (2, "same"), (2, "entry"), (5, "done"), (6, "end")];
    assert_eq!(labels, expected);
    assert!(image.code_debug(image.root).is_none());
}

#[test]
fn a_disassembly_tells_names_and_lines_in_remarks() {
    let text = "start: add(1,\n 2)\n drop\nfunc f 1 -> 0\nparams n\nagain: ret";
    let written = disassemble(&assemble_file("it.kasm", text).expect("it is well-formed"));
    let code = "  .type 1->0
    push 1                           ; 0, start, it.kasm:1
    push 2                           ; it.kasm:2
    add                              ; it.kasm:1
    drop                             ; it.kasm:3
  func F4 1 -> 0                   ; f, it.kasm:4
    ret                              ; again, it.kasm:6
}";
    assert!(written.contains(code), "{written}");
    let image = assemble(&written).expect("remarks change nothing");
    assert_eq!(Ok(image), assemble(text));
}
