//! What an image tells people of where its code comes from: it stays while the image runs, and changes nothing else.

use keyvm::image::{ImageErrorKind, read, state_hash, write};
use keyvm::isa::debug::{CodeDebugBuilder, DEBUG_BYTES, DebugInfo, Line};
use keyvm::isa::image::{Body, Image, Number};
use keyvm::{Event, Machine, asm};

/// Copies the code `inner`, has the copy sealed and run, which traps, and destroys `inner`.
const COPIES: &str = "\
code inner {
f:      div(1, 0)
}
page data { zero 80 }
        drop(pagenew(size 5))
        copy 7, 5 (0, 0, mul(size 5, 8))
        drop(codeseal(3))
        recurse 0 (create(3, 0), 90, 90)
        destroy(1)
        yield 0
        unreachable
";

fn known(name: &str, text: &str) -> Image<'static> {
    asm::assemble_file(name, text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn file(image: &Image<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(image, &mut bytes).expect("a vector takes everything");
    bytes
}

/// Where an instruction comes from, and what it is in.
fn place(image: &Image<'_>, code: Number, index: u64) -> Option<(String, Option<String>)> {
    let debug = image.code_debug(code)?;
    let near = debug.near(index).map(|near| near.name.to_owned());
    Some((debug.place(index)?.to_string(), near))
}

#[test]
fn it_is_no_part_of_the_state() {
    let known = known("it.kasm", COPIES);
    let plain = asm::assemble(COPIES).expect("it is well-formed");
    assert!(!known.debug.is_empty() && plain.debug.is_empty());
    assert_eq!(state_hash(&known), state_hash(&plain));
    assert!(file(&known).len() > file(&plain).len());
    let mut machines = [known, plain].map(|image| Machine::new(&image).expect("it is consistent"));
    for _ in 0..3 {
        let [one, other] = machines.each_mut().map(|machine| (machine.run(u64::MAX), machine.state_hash()));
        assert_eq!(one, other);
    }
    let [mut one, mut other] = machines.each_mut().map(|machine| machine.image());
    assert!(!one.debug.is_empty() && other.debug.is_empty());
    (one.debug, other.debug) = Default::default();
    assert_eq!(one, other);
}

#[test]
fn it_survives_being_saved_and_goes_on_with_copies_of_code() {
    let image = known("it.kasm", COPIES);
    let inner = image.objects.iter().find(|object| image.debug.name(object.number) == Some("inner"));
    let inner = inner.expect("it is there").number;
    let here = Some(("it.kasm:2:9".to_owned(), Some("f".to_owned())));
    assert_eq!(place(&image, inner, 2), here);
    let bytes = file(&image);
    assert_eq!(read(&bytes).as_ref(), Ok(&image));
    let mut machine = Machine::new(&image).expect("it is consistent");
    assert_eq!(machine.image(), image);
    assert_eq!(machine.run(u64::MAX), Event::Yielded([].into()));
    let bytes = file(&machine.image());
    let saved = read(&bytes).expect("it was written");
    assert!(saved.object(inner).is_none());
    assert_eq!(saved.debug.name(inner), None);
    let copies = saved.objects.iter().filter(|object| match &object.body {
        Body::Process(process) => process.trap.is_some(),
        _ => false,
    });
    for copy in copies.clone() {
        let Body::Process(process) = &copy.body else { panic!("{copy:?}") };
        assert_eq!(place(&saved, process.code, process.index), here);
    }
    assert_eq!(copies.count(), 1);
    // What the machine says of it is what another says that it is loaded into.
    let mut again = Machine::new(&saved).expect("a machine gave it");
    assert_eq!(again.image(), machine.image());
}

#[test]
fn of_pages_with_the_same_words_each_has_its_own_place() {
    let text = "process p { code a }\nmeter m { }\ncode a {\none: halt\n}\ncode b {\n two: halt }\n";
    let image = known("it.kasm", text);
    let mut machine = Machine::new(&image).expect("it is consistent");
    let bytes = file(&machine.image());
    let saved = read(&bytes).expect("it was written");
    let places = saved.debug.code.iter().map(|code| place(&saved, code.0, 0).expect("it is known").0);
    assert_eq!(places.collect::<Vec<_>>(), ["it.kasm:4:6", "it.kasm:7:7"]);
}

#[test]
fn what_is_not_of_the_image_is_refused() {
    let good = known("it.kasm", "start: halt\npage p { words 1 }\n");
    assert!(Machine::new(&good).is_ok());
    let built = |index, count| {
        let mut builder = CodeDebugBuilder::new();
        let file = builder.file("it.kasm");
        builder.line(Line { index, file, line: 1, column: 1 });
        (0..count).for_each(|_| builder.name(0, &"long".repeat(60), true));
        builder.finish(1 << 20)
    };
    type Change = fn(&mut DebugInfo<'_>);
    let changes: [(&str, Change); 6] = [
        ("a name of nothing", |debug| debug.names.push((1000, "x".into()))),
        ("two names", |debug| debug.names.push(debug.names[debug.names.len() - 1].clone())),
        ("no name", |debug| debug.names[0].1 = "".into()),
        ("a name that a terminal obeys", |debug| debug.names[0].1 = "\u{1b}[2J".into()),
        ("code that is none", |debug| debug.code[0].0 = 4),
        ("code that there is not", |debug| debug.code[0].0 = 1000),
    ];
    for (what, change) in changes {
        let mut bad = good.clone();
        change(&mut bad.debug);
        let refused = Machine::new(&bad).map(|_| ()).expect_err(what);
        assert!(matches!(refused.kind, ImageErrorKind::Inconsistent { .. }), "{what}: {refused:?}");
    }
    let words = 5;
    for (debug, fits) in [(built(0, 0), true), (built(words, 0), true), (built(words + 1, 0), false)] {
        let mut image = good.clone();
        image.debug.code[0].1 = debug;
        assert_eq!(Machine::new(&image).is_ok(), fits);
    }
    let too_long = built(0, 30);
    assert!(too_long.bytes().len() as u64 > DEBUG_BYTES + 64 * 5);
    let mut image = good;
    image.debug.code[0].1 = too_long;
    assert!(Machine::new(&image).is_err());
}
