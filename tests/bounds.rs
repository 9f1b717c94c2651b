//! No execution does much at once, however large what it works on: law 1. And nobody can tell what is done later.

#![allow(clippy::disallowed_types, reason = "how long an execution takes is what is measured")]

mod random;

use keyvm::isa::code::CodeParts;
use keyvm::isa::image::{Body, Frame, Image, Key, Meter, Number, Object, Process};
use keyvm::isa::layout::CODE_WORDS_MAX;
use keyvm::isa::{Op, Rights};
use keyvm::{Engine, Event, Machine, Tier, asm, image};
use random::{own, reloaded};
use std::time::{Duration, Instant};

fn assembled(source: &str) -> Image<'static> {
    own(&asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}")))
}

fn machine(image: &Image<'_>) -> Machine {
    Machine::new(image).expect("the image is consistent")
}

/// Runs instruction by instruction to the next event; after each, `look` may look, or put another machine in its place.
fn step(mut machine: Machine, mut look: impl FnMut(Machine) -> Machine) -> (Event, Machine) {
    let mut slice = 1;
    loop {
        let before = machine.total_gas();
        let event = machine.run(slice);
        if event != Event::Paused {
            return (event, machine);
        }
        if machine.total_gas() == before {
            slice += 1;
        } else {
            slice = 1;
            machine = look(machine);
        }
    }
}

/// Runs to the end at once, with a look at the books after every instruction, with the hash taken there, and saved and
/// loaded there; gives what they all come to.
fn every_way(image: &Image<'_>) -> (Event, Machine) {
    let mut whole = machine(image);
    let event = whole.run(u64::MAX);
    let looked = step(machine(image), |mut machine| {
        assert_eq!(machine.audit(), Ok(()), "the books do not balance");
        machine
    });
    let hashed = step(machine(image), |mut machine| {
        assert_eq!(machine.state_hash(), image::state_hash(&machine.image()));
        machine
    });
    let moved = step(machine(image), |mut machine| reloaded(&mut machine));
    for (other, mut machine) in [looked, hashed, moved] {
        assert_eq!(other, event);
        assert_eq!(machine.objects(), whole.objects());
        assert_eq!(machine.state_hash(), whole.state_hash());
    }
    (event, whole)
}

/// The number of the object that a simple program calls `name`, by its place among the declared ones.
fn declared(place: u64) -> Number {
    4 + place
}

fn process_mut<'a>(image: &'a mut Image<'static>, number: Number) -> &'a mut Process<'static> {
    match image.objects.iter_mut().find(|object| object.number == number).map(|object| &mut object.body) {
        Some(Body::Process(process)) => process,
        _ => panic!("{number} is no process"),
    }
}

/// Hangs `count` objects of all kinds below a meter; every few further ones hang below a new meter there.
fn hang(image: &mut Image<'static>, meter: Number, count: u64) {
    let process = process_mut(image, image.root).clone();
    let mut below = meter;
    let mut depth = 0;
    for _ in 0..count {
        let number = image.next_number;
        image.next_number += 1;
        let key = Key { object: number, rights: Rights::OWN, gate: 0, seal: 0 };
        let body = match number % 7 {
            0 => Body::Data(vec![7; 80].into()),
            1 => Body::Keys(vec![None, Some(key)]),
            2 => Body::Gate { parent: 0 },
            3 => Body::Process(Box::new(Process { keys: vec![Some(key)], index: 0, ..process.clone() })),
            4 if depth < 50 => Body::Meter(Box::new(Meter::UNLIMITED)),
            _ => Body::Brand,
        };
        let is_meter = matches!(body, Body::Meter(_));
        image.objects.push(Object { number, meter: below, body });
        if is_meter {
            (below, depth) = (number, depth + 1);
        }
    }
}

const DESTROYER: &str = "
    meter top {}
    meter m under top {}
    page q under m { words 100 }
            destroy(m)
            keyinfo(q)
            meterread(top, meter.WORDS_USED)
            drop(brand)
            drop(pagenew(1))
            meter(top)
            drop(brand)
            drop(brand)
            destroy
            return 3";

#[test]
fn what_dies_with_a_meter_is_gone_at_once_and_never_seen_again() {
    for count in [0, 1, 5, 300] {
        let mut image = assembled(DESTROYER);
        hang(&mut image, declared(1), count);
        let objects = image.objects.len() as u64;
        let (event, machine) = every_way(&image);
        assert_eq!(event, Event::Returned([0, 0, 0].into()), "null keys, and no words");
        // Gone are `m`, `q` and what hung there; new are three brands and a page.
        assert_eq!(machine.objects(), objects - 2 - count + 4);
    }
}

/// How long each run of few instructions, or of one chunk, takes.
fn durations(image: &Image<'_>) -> Vec<Duration> {
    let mut machine = machine(image);
    let mut durations = Vec::new();
    loop {
        let (before, begin) = (machine.instructions(), Instant::now());
        // No chunk costs more.
        let event = machine.run(2100);
        durations.push(begin.elapsed());
        if event != Event::Paused {
            return durations;
        }
        assert!(machine.instructions() > before, "it does not go on");
    }
}

/// Holds that no execution takes as long as the whole work, which takes many times this. The machine may be busy with
/// something else at any moment, but not always at the same.
fn takes_no_long_execution(what: &str, image: &Image<'_>) {
    let mut least = durations(image);
    for _ in 0..4 {
        for (least, duration) in least.iter_mut().zip(durations(image)) {
            *least = duration.min(*least);
        }
    }
    let longest = least.iter().max().copied().unwrap_or_default();
    println!("{what}: longest {longest:?}");
    assert!(longest < Duration::from_millis(8), "{what}: {longest:?}");
}

/// A size that a test machine manages in a few seconds.
const fn large(size: u64) -> u64 {
    if cfg!(debug_assertions) { size / 32 } else { size }
}

#[test]
fn a_destroyed_meter_with_many_objects_takes_no_longer_than_one_with_few() {
    let mut image = assembled(DESTROYER);
    hang(&mut image, declared(1), large(1_000_000));
    takes_no_long_execution("destroy", &image);
}

#[test]
fn a_long_page_is_sealed_and_hashed_a_little_at_a_time() {
    let size = usize::try_from(large(1 << 24)).unwrap();
    let text = "page p {}\n codeseal(p)\n destroy(p)\n return 1";
    let words = long_code(size - 40_000);
    takes_no_long_execution("codeseal", &with_page(text, declared(0), &words));
    let text = "page p {}\n drop(codeseal(p))\n statehash(p)\n return 4";
    takes_no_long_execution("statehash of code", &with_page(text, declared(0), &words));
    let text = "page p {}\n statehash(p)\n return 4";
    takes_no_long_execution("statehash of data", &with_page(text, declared(0), &words));
    let text = format!("keys k {{ slots {} }}\n statehash(k)\n destroy(k)\n return 4", large(1 << 20));
    takes_no_long_execution("statehash of keys", &assembled(&text));
}

#[test]
fn the_hash_of_anything_is_the_same_in_chunks_as_at_once() {
    let source = "
        page d { zero 100_008 }
        code c { yield 1 (12345678901234567890) }
        keys k { slots 9001  3: d(read)  9000: c(all) }
        meter m {}
                meter(0)
                create(c, 10)
                statehash(d)
                statehash(c)
                statehash(k)
                statehash(7)
                statehash(5)
                return 22";
    let mut image = assembled(source);
    // A process with long lists, an odd number of frames, and no whole number of chunks anywhere.
    let number = image.next_number;
    image.next_number += 1;
    let own = Key { object: number, rights: Rights::OWN, gate: 0, seal: 0 };
    let process = process_mut(&mut image, 3).clone();
    image.objects.push(Object {
        number,
        meter: 1,
        body: Body::Process(Box::new(Process {
            stack: (0..9001).collect(),
            stack_capacity: 16384,
            frames: (0..4099).map(|i| Frame { return_index: i, base: i, typ: 0 }).collect(),
            frame_capacity: 8192,
            data: vec![9; 8 * 5003].into(),
            keys: (0..5001).map(|i| (i % 3 != 1).then_some(own)).collect(),
            key_capacity: 8192,
            ..process
        })),
    });
    process_mut(&mut image, 3).keys.push(Some(Key { object: number, rights: Rights::ALL, gate: 0, seal: 0 }));
    let (event, mut machine) = every_way(&image);
    let Event::Returned(words) = event else { panic!("{event:?}") };
    let hashes: Vec<[u64; 4]> = words[2..].as_chunks().0.to_vec();
    let after = machine.image();
    let expected = |number: Number| {
        let object = after.objects.iter().find(|object| object.number == number).expect("it lives");
        match &object.body {
            Body::Data(bytes) => image::content_root(bytes).words(),
            Body::Code(words) => image::words_root(words).words(),
            Body::Process(process) => image::object_hash(object, image::content_root(&process.data)).words(),
            _ => image::object_hash(object, image::Hash::ZERO).words(),
        }
    };
    let made = number + 2;
    assert_eq!(hashes, [declared(0), declared(1), declared(2), made, number].map(expected));
}

/// A page that is code of `instructions` instructions: it jumps to the last two, which yield 77.
fn long_code(instructions: usize) -> Vec<u64> {
    let mut words = vec![Op::Nop as u64; instructions];
    words[0] = Op::Jump as u64 | (instructions as u64 - 2) << 8;
    words[instructions - 2] = Op::Push as u64 | 77 << 8;
    words[instructions - 1] = Op::Yield as u64 | 1 << 8;
    let switches = (0..3000).map(|i| vec![0; 1 + i % 5]).collect();
    CodeParts { instructions: words, constants: vec![5; 4100], types: Vec::new(), switches }.words()
}

fn with_page(source: &str, page: Number, words: &[u64]) -> Image<'static> {
    let mut image = assembled(source);
    let object = image.objects.iter_mut().find(|object| object.number == page).expect("there is the page");
    object.body = Body::Data(words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>().into());
    image
}

/// Seals a page, runs it, and returns what came of that.
const SEALED_AND_RUN: &str = "
    page p {}
            codeseal(p)
            recurse(create(p, 0), 1_000_000, 0)
            drop
            return 3";

#[test]
fn code_that_is_sealed_in_chunks_is_the_code_of_the_whole_page() {
    let mut words = long_code(10_000);
    let (event, machine) = every_way(&with_page(SEALED_AND_RUN, declared(0), &words));
    assert_eq!(event, Event::Returned([1, 77, 1].into()));
    let chunks = words.len().div_ceil(4096) as u64;
    assert_eq!(machine.instructions(), 1 + chunks + 6 + 3 + 2);
    // The length of the last switch table.
    let at = words.len() - 4 - 6;
    assert_eq!(words[at], 5);
    words[at] = 6;
    let refused = "
        page p {}
                codeseal(p)
                return 1";
    let (event, _) = every_way(&with_page(refused, declared(0), &words));
    assert_eq!(event, Event::Returned([0].into()));
}

#[test]
fn whoever_changes_the_page_between_two_chunks_makes_the_instruction_begin_anew() {
    let words = long_code(10_000);
    let image = with_page(SEALED_AND_RUN, declared(0), &words);
    let mut machine = machine(&image);
    // `push`, and two chunks.
    let chunk = 8 + 1024;
    assert_eq!(machine.run(1 + 2 * chunk), Event::Paused);
    let push = Op::Push as u64 | 78 << 8;
    machine.write_bytes(declared(0), 8 * 9_998, &push.to_le_bytes()).expect("it is inside");
    assert_eq!(machine.run(u64::MAX), Event::Returned([1, 78, 1].into()));
    let anew = machine.total_gas();
    let mut whole = Machine::new(&image).expect("the image is consistent");
    whole.run(u64::MAX);
    assert_eq!(anew, whole.total_gas() + 2 * chunk);
}

#[test]
fn an_instruction_begins_anew_when_control_has_left_its_process() {
    let source = "
        page p {}
        code sealer {
                codeseal(1)
                yield 1
        }
                create(sealer, 0)
                drop(transferkey(get 0, p))
                recurse(get 0, 3000, 0)
                store64at 5, 79984 (0x4f02)
                recurse(get 0, 3000, 0)
                recurse(get 0, 30_000, 0)
                recurse(create(p, 0), 1_000_000, 0)
                return 13";
    let (event, _) = every_way(&with_page(source, declared(0), &long_code(10_000)));
    let Event::Returned(words) = event else { panic!("{event:?}") };
    // Twice out of gas (status 4), then sealed, then what was written in between has run.
    assert_eq!(words[1..], [1032, 1, 4, 1032, 1, 4, 1, 1, 1, 0x4f, 1, 1]);
}

#[test]
fn a_progress_that_fits_no_instruction_is_refused() {
    let image = with_page("page p {}\n codeseal(p)\n return 1", declared(0), &long_code(10_000));
    let mut machine = machine(&image);
    assert_eq!(machine.run(1 + 8 + 1024), Event::Paused);
    let mut image = own(&machine.image());
    for (progress, good) in [(4096, true), (8192, true), (1, false), (1 << 40, false), (40_960, false)] {
        process_mut(&mut image, 3).progress = progress;
        assert_eq!(Machine::new(&image).is_ok(), good, "{progress}");
    }
    process_mut(&mut image, 3).progress = 4096;
    process_mut(&mut image, 3).index = 0;
    assert!(Machine::new(&image).is_err());
}

#[test]
fn a_page_of_as_many_words_as_code_may_have_is_looked_at_and_a_longer_one_is_not() {
    let text = "page p {}\n codeseal(p)\n return 1";
    let chunk = 8 + 1024;
    let most = usize::try_from(CODE_WORDS_MAX).expect("it is no more than a test machine has");
    let mut image = assembled(text);
    for (words, expected) in [(most, Event::Paused), (most + 1, Event::Returned([0].into()))] {
        let page = image.objects.iter_mut().find(|object| object.number == declared(0)).expect("it is there");
        page.body = Body::Data(vec![0; 8 * words].into());
        let mut machine = machine(&image);
        assert_eq!(machine.run(1 + chunk), expected, "{words}");
        if expected == Event::Paused {
            let mut again = Machine::new(&machine.image()).expect("it goes on in the middle of the page");
            assert_eq!(again.state_hash(), machine.state_hash());
        }
    }
}

/// Two code pages whose tables the code cache does not hold both, called by turns.
const LONG_PAGES: &str = "
const WORDS = 8_000_000
const JUMP = 0x111
const RETURN = 0xd1
        locals n = 60
        call(:make)
        call(:make)
        ; The pages are in slots 1 and 3, and their processes behind them.
again:  drop(drop(recurse(2, 100, 100)))
        drop(drop(recurse(4, 100, 100)))
        set n (sub(get n, 1))
        jumpif(get n, :again)
        return
func make 0 -> 0, 1
        set 0 (pagenew(0))
        memresize(add(get 0, 4), WORDS)
        memwrite(add(get 0, 4), 0, JUMP)
        memwrite(add(get 0, 4), 1, RETURN)
        ; So that they are two.
        memwrite(add(get 0, 4), 2, get 0)
        memwrite(add(get 0, 4), WORDS - 4, WORDS - 4)
        drop(codeseal(get 0))
        drop(create(get 0, 0))
        ret";

#[test]
fn native_code_that_is_let_go_and_asked_for_again_does_not_take_time_by_the_length_of_its_page() {
    if cfg!(debug_assertions) {
        return;
    }
    let image = assembled(LONG_PAGES);
    let seconds = |tier| {
        let begin = Instant::now();
        let mut machine = Machine::with_engine(&image, &Engine::new(tier)).expect("the image is consistent");
        assert_eq!(machine.run(u64::MAX), Event::Returned([].into()));
        begin.elapsed()
    };
    let interpreted = seconds(Tier::Interpreter);
    let native = seconds(Tier::Auto);
    assert!(native < interpreted * 3 + Duration::from_secs(3), "{native:?} instead of {interpreted:?}");
}
