//! Programs in the language that ask hosts of an embedder's own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use keyvm::entish::{self, File};
use keyvm::isa::image::Image;
use keyvm::{Engine, Event, HostCall, Hosts, Machine, Reply, Tier, image};

fn compiled(source: &str) -> Image<'static> {
    let file = File { name: "program.et".to_owned(), text: source.to_owned() };
    let program =
        entish::compile(file, &mut |_| Ok(None)).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    program.image
}

/// `sum` adds up its words, and refuses to if there are none; `length` tells how many letters `e` are in a text; `many`
/// counts up to its word, a word for each; `clock` writes into bytes.
fn hosts() -> Hosts {
    let mut hosts = Hosts::new();
    hosts.grant("sum", |call: &mut HostCall<'_>| match call.words() {
        [] => Reply::refused(),
        words => Reply::words([words.iter().fold(0, |sum: u64, &word| sum.wrapping_add(word))]),
    });
    hosts.grant("letters", |call: &mut HostCall<'_>| match *call.words() {
        [address, length, letter] => {
            let text = call.read(address, length).unwrap();
            Reply::words([text.iter().filter(|&&byte| u64::from(byte) == letter).count() as u64])
        }
        _ => Reply::refused(),
    });
    hosts.grant("many", |call: &mut HostCall<'_>| match *call.words() {
        [count] => Reply::words((1..=count).map(|word| word * 100)),
        _ => Reply::refused(),
    });
    hosts.grant("clock", |call: &mut HostCall<'_>| match *call.words() {
        [address, length] => {
            let time = "12:34:56".bytes().cycle().take(length as usize).collect::<Vec<_>>();
            call.write(address, &time).unwrap();
            Reply::words([])
        }
        _ => Reply::refused(),
    });
    hosts
}

/// Runs a program to its end and gives what it yielded, under each engine, in one piece and saved after every so many
/// instructions.
fn yields(source: &str) -> Vec<u64> {
    let image = compiled(source);
    let run = |tier, slice| {
        let engine = Engine::new(tier);
        let mut machine = Machine::with_engine(&image, &engine).unwrap();
        let mut hosts = hosts();
        let mut yielded = Vec::new();
        loop {
            match machine.run_hosted(slice, &mut hosts) {
                Event::Yielded(words) => yielded.extend(words.iter()),
                Event::Paused => {
                    let mut file = Vec::new();
                    image::write(&machine.image(), &mut file).unwrap();
                    machine = Machine::with_engine(&image::read(&file).unwrap(), &engine).unwrap();
                }
                Event::Halted => break,
                event => panic!("{event:?} after {yielded:?}"),
            }
        }
        machine.audit().unwrap();
        (yielded, machine.budget().gas_used)
    };
    let expected = run(Tier::Interpreter, u64::MAX);
    assert_eq!(run(Tier::Jit, u64::MAX), expected);
    assert_eq!(run(Tier::Interpreter, 997), expected);
    assert_eq!(run(Tier::Jit, 997), expected);
    expected.0
}

#[test]
fn a_host_gives_a_status_and_a_word() {
    let source = "sum = host(\"sum\")\nstatus, value = sum.ask(1, 2, i(40), true)\nyield status\nyield value\n\
                  refused, nothing = sum.ask()\nyield refused\nyield nothing\nsame = host(\"sum\")\nyield u(same == sum)";
    let refused = u64::from(keyvm::isa::trap::Status::Refused.number());
    assert_eq!(yields(source), [0, 44, refused, 0, 1]);
}

#[test]
fn a_host_is_shown_texts_and_bytes() {
    let source = "letters = host(\"letters\")\nt = \"sev\" + \"enteen\"\nstatus, n = letters.ask(t, 101)\nyield n\n\
                  b = bytes(11)\nclock = host(\"clock\")\nclock.ask(b)\nyield b[0]\nyield b[8]\nyield b[10]";
    assert_eq!(yields(source), [4, u64::from(b'1'), u64::from(b'1'), u64::from(b':')]);
}

#[test]
fn the_first_of_many_words_is_taken_and_none_stays() {
    let source = "def f(key k, n) -> u:\n    status, first = k.ask(n)\n    return first + n\n\
                  many = host(\"many\")\nfor n in range(9):\n    yield f(many, n)\n    many.ask(n)\nyield 7 + f(many, 250)";
    let expected: Vec<u64> = [0].into_iter().chain((1..9).map(|n| 100 + n)).chain([357]).collect();
    assert_eq!(yields(source), expected);
}

#[test]
fn a_sandboxed_callee_asks_only_what_it_was_given() {
    let source = "def f(key k, x) -> u:\n    how, value = k.ask(x, 1)\n    return value if how == status.returned else 1000\n\
                  sum = host(\"sum\")\nyield f<2000,200>(sum, 5)\n\
                  weak = sum.attenuate(right.copy)\nj = try f<2000,200>(weak, 5)\nyield j.status\n\
                  a, b = sum.revocable()\nyield f<2000,200>(a, 6)\nb.revoke()\nj = try f<2000,200>(a, 5)\nyield j.status";
    let trapped = u64::from(keyvm::isa::trap::Status::Trapped.number());
    assert_eq!(yields(source), [6, trapped, 7, 65]);
}

#[test]
fn a_host_that_nobody_grants_is_severed() {
    let source = "nobody = host(\"nobody\")\nstatus, value = nobody.ask(1)\nyield status";
    assert_eq!(yields(source), [u64::from(keyvm::isa::trap::Status::Severed.number())]);
}

/// A request with keys to pages; two came through gates, of which one is gone.
const LOOKS: &str = "
image { next 60  prime all  root root }
chain { root invoke }
request {
        host looker
        keys {
                0: table(read)
                1: table(write)
                2: table(read|write) sealed mark
                3: ring(all)
                4: #40(all)
                5: table(all) via below
                6: other(all) via open
                7: table(read|write)
        }
}
meter all {}
host looker
page table #9 { u64 1, 2, 3 }
page other { u64 5, 6, 7 }
keys ring { slots 1  0: table(all) }
gate open #20 {}
gate below #31 { parent #30 }
brand mark
process root {
        standing
        status Pending
        data { u64 4 }
}
        halt
";

/// By a key of the message with the right to it, and by no other: not by one that is sealed, or came through a gate that is gone,
/// and not to what is no page.
#[test]
fn a_host_reaches_the_pages_whose_keys_it_is_given() {
    let mut machine = Machine::new(&keyvm::asm::assemble(LOOKS).unwrap()).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut hosts = Hosts::new();
    hosts.grant("looker", move |call: &mut HostCall<'_>| {
        assert_eq!(call.key_count(), 8);
        // And one key more.
        for key in 0..9 {
            let read = call.read_page(key, 8, 8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
            sender.send((read, call.write_page(key, 16, &[10 + key as u8]).is_some())).unwrap();
        }
        assert_eq!(call.read(0, 8), Some(&[4, 0, 0, 0, 0, 0, 0, 0][..]));
        assert_eq!(call.read(1, 8), None);
        assert_eq!(call.read_page(0, 17, 8), None);
        assert_eq!(call.write_page(7, 23, &[1, 2]), None);
        Reply::words([])
    });
    assert_eq!(machine.run_hosted(u64::MAX, &mut hosts), Event::Halted);
    machine.audit().unwrap();
    // The second word, where it may be read, and whether a byte may be written.
    let seen: Vec<_> = receiver.try_iter().collect();
    let (no, both) = ((None, false), (Some(2), true));
    assert_eq!(seen, [(Some(2), false), (None, true), no, no, no, no, (Some(6), true), both, no]);
    // It wrote by key 1 and then by key 7; what did not fit changed nothing.
    assert_eq!(machine.bytes(9).unwrap()[16..], [17, 0, 0, 0, 0, 0, 0, 0]);
}
