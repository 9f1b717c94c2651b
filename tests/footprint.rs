//! What a file from a stranger costs in memory, counted by the allocator: nothing here but this one test may allocate.

use keyvm::isa::Rights;
use keyvm::isa::code::CodeParts;
use keyvm::isa::debug::{CodeDebugBuilder, DebugInfo, Line};
use keyvm::isa::image::{Body, Image, Key, Meter, Number, Object, Process};
use keyvm::{Machine, image};
use peak_alloc::PeakAlloc;
use std::borrow::Cow;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// At most this many times the file is in memory when its image is a machine.
const STAYS: f64 = 4.2;
/// At most this many times the file is in memory at any time until then.
const PASSES: f64 = 7.0;

const PRIME: Number = 1;
const CODE: Number = 2;
const ROOT: Number = 3;

/// An image with `count` objects of a kind.
fn many(count: u64, body: impl Fn(Number) -> Body<'static>) -> Image<'static> {
    let object = |number, meter, body| Object { number, meter, body };
    let mut objects = vec![
        object(PRIME, 0, Body::Meter(Box::new(Meter::UNLIMITED))),
        object(CODE, PRIME, Body::Code(CodeParts::default().words().into())),
        object(ROOT, PRIME, Body::Process(Box::new(Process::new(ROOT, CODE)))),
    ];
    objects.extend((ROOT + 1..=ROOT + count).map(|number| object(number, PRIME, body(number))));
    Image {
        next_number: ROOT + count + 1,
        prime: PRIME,
        root: ROOT,
        chain: vec![],
        request: None,
        objects,
        debug: DebugInfo::default(),
    }
}

/// How many times its file an image takes in memory: while it is loaded at most, and then.
fn cost(image: &Image<'_>) -> (f64, f64) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("image.blob");
    image::save(image, &path).expect("it can be saved");
    let file = path.metadata().expect("it is there").len() as f64;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let loaded = image::load(&path).expect("it can be read");
    let machine = Machine::from_image(loaded).expect("it is consistent");
    let (most, now) = (MEMORY.peak_usage() - before, MEMORY.current_usage() - before);
    drop(machine);
    (most as f64 / file, now as f64 / file)
}

#[test]
fn an_image_takes_a_small_constant_times_its_file() {
    let key = Some(Key::new(ROOT, Rights::ALL));
    let slots = |key, slots| move |_| Body::Keys(vec![key; slots]);
    let code = |parts: CodeParts| move |_| Body::Code(parts.words().into());
    let process = |change: fn(&mut Process<'_>)| {
        move |number| {
            let mut process = Process::new(number, CODE);
            change(&mut process);
            Body::Process(Box::new(process))
        }
    };
    let data = |bytes| move |_| Body::Data(Cow::Owned(vec![7; bytes]));
    // What may take most: more of the file than its contents, then contents of each kind.
    let small: &[(&str, f64, f64, Image<'_>)] = &[
        ("brands", PASSES, STAYS, many(10_000, |_| Body::Brand)),
        ("gates", PASSES, STAYS, many(10_000, |_| Body::Gate { parent: 0 })),
        ("hosts", PASSES, STAYS, many(10_000, |_| Body::Host("x".to_owned()))),
        ("empty pages", PASSES, STAYS, many(10_000, data(0))),
        ("small pages", PASSES, STAYS, many(10_000, data(8))),
        ("empty key pages", PASSES, STAYS, many(10_000, slots(None, 0))),
        ("small key pages", PASSES, STAYS, many(10_000, slots(key, 1))),
        ("named brands", PASSES, STAYS, known(many(10_000, |_| Body::Brand))),
        ("known code", PASSES, STAYS, {
            let instructions = |number| CodeParts { instructions: vec![number], ..CodeParts::default() };
            known(many(10_000, |number| Body::Code(instructions(number).words().into())))
        }),
        ("long names and tables", 2.3, 1.5, {
            let instructions = vec![1; 10_000];
            let parts = CodeParts { instructions, ..CodeParts::default() };
            let mut image = many(10, code(parts));
            image.debug = debug(&image, 10_000, &"long".repeat(50));
            image
        }),
        ("empty code", PASSES, STAYS, many(10_000, code(CodeParts::default()))),
        ("processes", PASSES, STAYS, many(10_000, process(|_| {}))),
        ("meters", PASSES, STAYS, many(10_000, |_| Body::Meter(Box::new(Meter::UNLIMITED)))),
        ("call meters", PASSES, STAYS, call_meters(10_000)),
        ("null slots", 2.4, 1.3, many(2, slots(None, 1 << 17))),
        ("keys", 2.4, 1.3, many(2, slots(key, 1 << 17))),
        ("null slots of processes", 2.4, 1.3, {
            many(
                1_000,
                process(|process| {
                    process.keys.resize(1_000, None);
                    process.key_capacity = 1_024;
                }),
            )
        }),
        ("operands", 2.2, 1.2, {
            many(
                1_000,
                process(|process| {
                    process.stack = Cow::Owned(vec![7; 4_096]);
                    process.stack_capacity = 4_096;
                }),
            )
        }),
        ("pages", 1.1, 1.1, many(10, data(1 << 20))),
        ("pages that end behind a page", 1.1, 1.1, many(1_000, data(4_096))),
        ("instructions", 2.1, 2.1, {
            many(10, code(CodeParts { instructions: vec![1; 100_000], ..CodeParts::default() }))
        }),
        ("switches", 2.1, 1.8, {
            many(10, code(CodeParts { switches: vec![vec![1]; 50_000], ..CodeParts::default() }))
        }),
    ];
    let mut wrong = Vec::new();
    for (name, may_pass, may_stay, image) in small {
        let (passes, stays) = cost(image);
        println!("{name}: {passes:.2} times the file, then {stays:.2}");
        if passes > *may_pass || stays > *may_stay {
            wrong.push(*name);
        }
    }
    assert!(wrong.is_empty(), "too much memory: {wrong:?}");
}

/// Names of all objects, and of all code this many lines and names of places.
fn debug(image: &Image<'_>, lines: u32, name: &str) -> DebugInfo<'static> {
    let names = image.objects.iter().map(|object| (object.number, Cow::Owned(name.to_owned())));
    let code = image.objects.iter().filter_map(|object| {
        let Body::Code(words) = &object.body else { return None };
        let words = words.len() as u64;
        let mut builder = CodeDebugBuilder::new();
        let file = builder.file(name);
        for index in (0..lines).take_while(|&index| u64::from(index) < words) {
            builder.line(Line { index, file, line: index * 1000, column: index % 200 });
            if index % 5 == 4 {
                builder.name(index, name, true);
            }
        }
        Some((object.number, builder.finish(words)))
    });
    DebugInfo { names: names.collect(), code: code.collect() }
}

/// The image, with the least that may be known of all its objects.
fn known(mut image: Image<'static>) -> Image<'static> {
    image.debug = debug(&image, 1, "x");
    image
}

/// An image with this many call meters, each of its own callee.
fn call_meters(count: u64) -> Image<'static> {
    let mut image = many(count + 1, |_| Body::Meter(Box::new(Meter::UNLIMITED)));
    let first = ROOT + count + 2;
    image.objects.extend((0..count).map(|nth| Object {
        number: first + nth,
        meter: ROOT + 1 + nth,
        body: Body::CallMeter { callee: ROOT, own_words: 0 },
    }));
    image.next_number = first + count;
    image
}
