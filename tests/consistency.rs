//! What an image is refused for that can be read, but in which something does not fit together: each mistake alone, in an image
//! that is accepted without it; and how far each limit may be gone to.

use keyvm::image::ImageErrorKind;
use keyvm::{Machine, asm};
use keyvm_isa::image::{
    Body, Call, Frame, Image, Key, Link, Meter, Number, Object, Process, Request, Suspended,
};
use keyvm_isa::layout::{
    CODE_WORDS_MAX, GATE_DEPTH_MAX, HOST_NAME_MAX, KEYS_MAX, MESSAGE_KEYS_MAX, MESSAGE_WORDS_MAX,
    METER_DEPTH_MAX, STACK_MAXIMUM_LIMIT,
};
use keyvm_isa::{Rights, Status, Trap, gas};
use std::borrow::Cow;

const PRIME: Number = 1;
const PURSE: Number = 2;
const HOST: Number = 3;
const OUTER: Number = 4;
const INNER: Number = 5;
const BRAND: Number = 6;
const TABLE: Number = 7;
const RING: Number = 8;
const CODE: Number = 9;
const ROOT: Number = 10;
const MIDDLE: Number = 11;
const CALL: Number = 12;
const LEAF: Number = 13;
const REST: Number = 14;
const WAITER: Number = 15;
const SLEEPER: Number = 16;
const SLEEPERS_CALL: Number = 17;
/// No object has it, though it was given out.
const GONE: Number = 20;
const NEXT: Number = 30;

/// Root has invoked the middle process, and that has called the leaf with a budget. A process that is stopped waits for one
/// that is suspended, and one is at rest.
const SOURCE: &str = "
image { next 30  prime all  root root }
chain { root invoke  middle invoke  leaf recurse #12, 1000, 100 }
meter all #1 { }
meter purse #2 { under all }
host console #3
gate outer #4 { }
gate inner #5 { parent outer }
brand mark #6
page table #7 { u64 1, 2, 3 }
keys ring #8 { slots 2  0: table(read) via inner sealed mark }
code spins #9 {
again: jump :again
}
process root #10 under purse { code spins  standing  status Waiting  callee middle }
process middle #11 under purse { code spins  standing  status Waiting  callee leaf }
callmeter own #12 under purse { callee leaf  own_words 2 }
process leaf #13 { code spins  status Running  stack_capacity 18 }
process rest #14 under purse { code spins }
process waiter #15 { code spins  stopped  status Waiting  callee sleeper }
process sleeper #16 { code spins  status Suspended  caller waiter  suspended recurse 5, 6  stack_capacity 32 }
callmeter its #17 { callee sleeper  own_words 16 }
";

fn good() -> Image<'static> {
    asm::assemble(SOURCE).unwrap_or_else(|errors| panic!("{errors}"))
}

fn object<'i>(image: &'i mut Image<'static>, number: Number) -> &'i mut Object<'static> {
    image.objects.iter_mut().find(|object| object.number == number).expect("there is such an object")
}

fn process<'i>(image: &'i mut Image<'static>, number: Number) -> &'i mut Process<'static> {
    match &mut object(image, number).body {
        Body::Process(process) => process,
        other => panic!("{other:?}"),
    }
}

fn meter<'i>(image: &'i mut Image<'static>, number: Number) -> &'i mut Meter {
    match &mut object(image, number).body {
        Body::Meter(meter) => meter,
        other => panic!("{other:?}"),
    }
}

fn table_key<'i>(image: &'i mut Image<'static>) -> &'i mut Key {
    match &mut object(image, RING).body {
        Body::Keys(keys) => keys[0].as_mut().expect("there is a key"),
        other => panic!("{other:?}"),
    }
}

fn new(number: Number, meter: Number, body: Body<'static>) -> Object<'static> {
    Object { number, meter, body }
}

/// An image that is refused, and for what.
#[track_caller]
fn refused(object: Number, why: &str, change: impl FnOnce(&mut Image<'static>)) {
    let mut image = good();
    change(&mut image);
    let error = Machine::new(&image).map(drop).expect_err(why);
    match error.kind {
        ImageErrorKind::Inconsistent { object: of, what } => assert_eq!((of, what), (object, why)),
        other => panic!("{other:?}"),
    }
}

/// An image that is accepted, and given out again as it was.
#[track_caller]
fn accepted(change: impl FnOnce(&mut Image<'static>)) {
    let mut image = good();
    change(&mut image);
    let mut machine = Machine::new(&image).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(machine.audit(), Ok(()));
    image.debug = machine.image().debug.into_owned();
    assert!(machine.image() == image, "it is another image");
}

#[test]
fn it_is_accepted_as_it_is() {
    accepted(|_| ());
}

#[test]
fn numbers_rise_and_were_given_out() {
    let last = 1 << 63;
    accepted(|image| image.next_number = last);
    refused(last + 1, "the numbers are used up", |image| image.next_number = last + 1);
    refused(TABLE, "its number is not above the one before", |image| image.objects.swap(6, 7));
    refused(RING, "its number is not above the one before", |image| object(image, CODE).number = RING);
    refused(0, "its number is not above the one before", |image| object(image, PRIME).number = 0);
    accepted(|image| image.next_number = GONE + 1);
    accepted(|image| {
        process(image, SLEEPER).keeper = Some(Key::new(SLEEPERS_CALL + 1, Rights::ALL));
        image.next_number = SLEEPERS_CALL + 2;
    });
    refused(SLEEPERS_CALL, "its number was never given out", |image| image.next_number = SLEEPERS_CALL);
}

#[test]
fn there_are_a_prime_meter_and_a_root_process() {
    refused(GONE, "there is no prime meter", |image| image.prime = GONE);
    let what = "the prime meter is no meter, or is charged to another";
    refused(REST, what, |image| image.prime = REST);
    refused(PURSE, what, |image| image.prime = PURSE);
    refused(PRIME, what, |image| object(image, PRIME).meter = PRIME);
    refused(0, "there is no root process", |image| image.root = 0);
    refused(NEXT, "there is no root process", |image| image.root = NEXT);
    refused(TABLE, "the root is no process", |image| image.root = TABLE);
    // The root may be gone, if nothing runs.
    let rests = |image: &mut Image<'static>| {
        image.chain.clear();
        for number in [ROOT, MIDDLE, LEAF] {
            let process = process(image, number);
            (process.status, process.callee) = (Status::Returned, 0);
        }
    };
    accepted(|image| {
        rests(image);
        image.root = GONE;
    });
}

#[test]
fn objects_are_charged_to_meters_above_them() {
    for number in [PURSE, TABLE, LEAF, CALL] {
        refused(number, "it is charged to nothing", |image| object(image, number).meter = GONE);
    }
    refused(TABLE, "it is charged to something that is no meter", |image| {
        object(image, TABLE).meter = REST;
    });
    accepted(|image| object(image, TABLE).meter = CALL);
    refused(PURSE, "it hangs below a later meter", |image| object(image, PURSE).meter = CALL);
    refused(PURSE, "it hangs below a later meter", |image| object(image, PURSE).meter = PURSE);
    refused(CALL, "it hangs below a later meter", |image| object(image, CALL).meter = CALL);
    let row = |image: &mut Image<'static>, depth: Number| {
        // The prime meter is one deep, that below it two.
        for number in NEXT..NEXT + depth - 2 {
            let superior = if number == NEXT { PURSE } else { number - 1 };
            image.objects.push(new(number, superior, Body::Meter(Box::new(Meter::UNLIMITED))));
        }
        image.next_number += depth;
    };
    let most = Number::from(METER_DEPTH_MAX);
    // Counted from 0.
    accepted(|image| row(image, most + 1));
    refused(NEXT + most - 1, "meters go too deep", |image| row(image, most + 2));
}

#[test]
fn gates_hang_below_gates() {
    let parent = |parent| move |image: &mut Image<'static>| object(image, INNER).body = Body::Gate { parent };
    accepted(parent(0));
    refused(INNER, "it hangs below a later gate", parent(INNER));
    refused(INNER, "it hangs below a later gate", parent(INNER + 1));
    refused(INNER, "it hangs below no gate", parent(HOST));
    // Its parent may be gone.
    accepted(|image| {
        image.objects.push(new(NEXT, PRIME, Body::Gate { parent: GONE }));
        image.next_number += 1;
    });
    let row = |image: &mut Image<'static>, depth: Number| {
        for number in NEXT..NEXT + depth - 2 {
            let parent = if number == NEXT { INNER } else { number - 1 };
            image.objects.push(new(number, PRIME, Body::Gate { parent }));
        }
        image.next_number += depth;
    };
    let most = Number::from(GATE_DEPTH_MAX);
    accepted(|image| row(image, most));
    refused(NEXT + most - 2, "gates go too deep", |image| row(image, most + 1));
}

#[test]
fn keys_name_what_was_given_out() {
    let what = "a key names a number that was never given out";
    for (object, gate, seal) in [(0, 0, 0), (NEXT, 0, 0), (TABLE, NEXT, 0), (TABLE, 0, NEXT)] {
        let key = Key { object, rights: Rights::READ, gate, seal };
        refused(RING, what, |image| *table_key(image) = key);
        refused(REST, what, |image| process(image, REST).keys.push(Some(key)));
        refused(REST, what, |image| process(image, REST).keeper = Some(key));
        refused(PURSE, what, |image| meter(image, PURSE).keeper = Some(key));
    }
    for (object, gate, seal) in [(GONE, 0, 0), (TABLE, GONE, 0), (TABLE, 0, GONE), (NEXT - 1, 0, 0)] {
        accepted(|image| *table_key(image) = Key { object, rights: Rights::READ, gate, seal });
    }
    refused(RING, "a key's gate is no gate", |image| table_key(image).gate = BRAND);
    refused(RING, "a key's seal is no brand", |image| table_key(image).seal = OUTER);
    refused(RING, "a key names a call's meter", |image| table_key(image).object = CALL);
    accepted(|image| object(image, RING).body = Body::Keys(vec![None; KEYS_MAX as usize]));
    refused(RING, "it has too many slots", |image| {
        object(image, RING).body = Body::Keys(vec![None; KEYS_MAX as usize + 1]);
    });
}

#[test]
fn pages_are_whole_words_and_code_is_code() {
    refused(TABLE, "it is not whole words", |image| {
        object(image, TABLE).body = Body::Data(Cow::Owned(vec![0; 15]));
    });
    refused(CODE, "its parts do not add up to code", |image| {
        object(image, CODE).body = Body::Code(Cow::Owned(vec![u64::MAX]));
    });
    let code = |words| {
        move |image: &mut Image<'static>| object(image, CODE).body = Body::Code(Cow::Owned(vec![0; words]))
    };
    refused(CODE, "it is too long", code(CODE_WORDS_MAX as usize + 1));
    for name in [String::new(), "x".repeat(HOST_NAME_MAX + 1)] {
        refused(HOST, "its name is empty or too long", |image| object(image, HOST).body = Body::Host(name));
    }
    accepted(|image| object(image, HOST).body = Body::Host("x".repeat(HOST_NAME_MAX)));
}

#[test]
fn a_process_has_code_that_it_is_within() {
    for code in [0, NEXT] {
        refused(REST, "its code's number was never given out", |image| process(image, REST).code = code);
    }
    accepted(|image| process(image, REST).code = GONE);
    refused(REST, "its code is no code page", |image| process(image, REST).code = TABLE);
    accepted(|image| process(image, REST).index = CODE_WORDS_MAX);
    refused(REST, "its index is past any code", |image| process(image, REST).index = CODE_WORDS_MAX + 1);
}

#[test]
fn operands_and_frames_are_within_their_capacities() {
    let stack = |height: usize, capacity, maximum| {
        move |image: &mut Image<'static>| {
            let process = process(image, REST);
            process.stack = Cow::Owned(vec![7; height]);
            (process.stack_capacity, process.stack_maximum) = (capacity, maximum);
        }
    };
    accepted(stack(16, 16, 16));
    accepted(stack(0, STACK_MAXIMUM_LIMIT, STACK_MAXIMUM_LIMIT));
    refused(REST, "its stack maximum is too large", stack(0, 16, STACK_MAXIMUM_LIMIT + 1));
    refused(REST, "its stack maximum is too small", stack(0, 15, 15));
    refused(REST, "its stack capacity is out of range", stack(0, 15, 16));
    refused(REST, "its stack capacity is out of range", stack(0, 33, 32));
    refused(REST, "its operands pass its stack capacity", stack(17, 16, 32));
    let frames = |bases: &'static [u32], capacity, maximum| {
        move |image: &mut Image<'static>| {
            let process = process(image, REST);
            process.stack = Cow::Borrowed(&[1, 2, 3]);
            process.frames = bases.iter().map(|&base| Frame { return_index: 1, base, typ: 0 }).collect();
            (process.frame_capacity, process.stack_maximum) = (capacity, maximum);
        }
    };
    accepted(frames(&[0, 0, 2, 3], 4, 16));
    accepted(frames(&[], 8, 16));
    accepted(frames(&[], 50, 100));
    refused(REST, "its frame capacity is out of range", frames(&[], 9, 16));
    refused(REST, "its frame capacity is out of range", frames(&[], 51, 100));
    refused(REST, "its frame capacity is out of range", frames(&[], 3, 16));
    refused(REST, "its frames pass their capacity", frames(&[0, 0, 0, 0, 0], 4, 16));
    refused(REST, "a frame's base is out of order", frames(&[4], 4, 16));
    refused(REST, "a frame's base is out of order", frames(&[2, 1], 4, 16));
    let returns = |return_index: u64| {
        move |image: &mut Image<'static>| {
            let return_index = u32::try_from(return_index).expect("it fits");
            process(image, REST).frames = Cow::Owned(vec![Frame { return_index, base: 0, typ: 0 }]);
        }
    };
    accepted(returns(CODE_WORDS_MAX));
    refused(REST, "a frame returns to an index past any code", returns(CODE_WORDS_MAX + 1));
}

#[test]
fn data_and_keys_of_a_process_are_within_limits() {
    refused(REST, "its data are not whole words", |image| {
        process(image, REST).data = Cow::Borrowed(&[0; 12]);
    });
    accepted(|image| process(image, REST).data = Cow::Borrowed(&[0; 16]));
    let own = Some(Key::new(REST, Rights::OWN));
    let keys = |count: u32, capacity| {
        move |image: &mut Image<'static>| {
            let process = process(image, REST);
            process.keys.resize(count as usize, own);
            process.key_capacity = capacity;
        }
    };
    let most = u32::try_from(KEYS_MAX).expect("it fits");
    accepted(keys(8, 8));
    accepted(keys(1, most));
    refused(REST, "its key capacity is out of range", keys(1, 7));
    refused(REST, "its key capacity is out of range", keys(1, most + 1));
    refused(REST, "its keys pass their capacity", keys(9, 8));
    let what = "its key 0 is not the key to itself";
    let key = Key::new(REST, Rights::OWN);
    let others = [
        Key { object: ROOT, ..key },
        Key { gate: OUTER, ..key },
        Key { seal: BRAND, ..key },
        Key { rights: Rights::ALL, ..key },
    ];
    for other in others {
        refused(REST, what, |image| process(image, REST).keys[0] = Some(other));
    }
    refused(REST, what, |image| process(image, REST).keys[0] = None);
    refused(REST, what, |image| process(image, REST).keys.clear());
    accepted(|image| process(image, REST).keys[0] = Some(Key { rights: Rights::READ, ..key }));
    accepted(|image| process(image, REST).message_keys = MESSAGE_KEYS_MAX);
    refused(REST, "it had more keys in a message than there can be", |image| {
        process(image, REST).message_keys = MESSAGE_KEYS_MAX + 1;
    });
}

#[test]
fn who_waits_and_who_is_waited_for_agree() {
    let waits = |callee| {
        move |image: &mut Image<'static>| {
            let process = process(image, REST);
            (process.status, process.callee) = (Status::Waiting, callee);
        }
    };
    accepted(waits(GONE));
    accepted(waits(SLEEPER));
    for callee in [NEXT, REST] {
        refused(REST, "its callee's number was never given out", waits(callee));
    }
    refused(REST, "its callee is no process", waits(TABLE));
    for caller in [TABLE, GONE] {
        refused(SLEEPER, "its caller is no process", |image| process(image, SLEEPER).caller = caller);
    }
    let what = "it is suspended with no caller, or has a caller and is not";
    refused(SLEEPER, what, |image| process(image, SLEEPER).caller = 0);
    refused(SLEEPER, what, |image| process(image, SLEEPER).suspended = None);
    refused(SLEEPER, "its caller waits for another", |image| process(image, SLEEPER).caller = MIDDLE);
    refused(SLEEPER, "it is stopped and its caller waits still", |image| {
        process(image, SLEEPER).stopped = true;
    });
    refused(SLEEPER, "it was invoked without a standing meter", |image| {
        process(image, SLEEPER).suspended = Some(Suspended::Invoke);
    });
    accepted(|image| {
        let sleeper = process(image, SLEEPER);
        (sleeper.suspended, sleeper.standing) = (Some(Suspended::Invoke), true);
    });
    refused(REST, "its standing meter is no standing meter", |image| {
        object(image, REST).meter = CALL;
        process(image, REST).standing = true;
    });
    accepted(|image| object(image, REST).meter = CALL);
}

#[test]
fn a_process_stands_as_it_can() {
    let status = |number, status| move |image: &mut Image<'static>| process(image, number).status = status;
    for never in
        [Status::Destroyed, Status::Busy, Status::Full, Status::Severed, Status::NoMeter, Status::Refused]
    {
        refused(REST, "a process does not stand so", status(REST, never));
    }
    for running in [Status::Running, Status::Pending] {
        refused(REST, "it is running and not in the chain", status(REST, running));
    }
    for rests in [
        Status::Returned,
        Status::Yielded,
        Status::Halted,
        Status::Trapped,
        Status::OutOfGas,
        Status::OutOfWords,
        Status::Stopped,
        Status::Suspended,
    ] {
        accepted(status(REST, rests));
    }
    for over in [Status::Returned, Status::Yielded, Status::Halted] {
        refused(WAITER, "it has called a process and does not wait", status(WAITER, over));
    }
    accepted(status(WAITER, Status::Trapped));
}

#[test]
fn who_waits_for_a_result_has_room_for_it() {
    let full = |number, height: usize| {
        move |image: &mut Image<'static>| {
            let process = process(image, number);
            process.stack = Cow::Owned(vec![0; height]);
            process.stack_capacity = 16;
        }
    };
    for number in [ROOT, MIDDLE, WAITER] {
        accepted(full(number, 14));
        refused(number, "it has no room for a result", full(number, 15));
    }
    // Nobody owes these anything.
    accepted(full(REST, 16));
    let pending = |height| {
        move |image: &mut Image<'static>| {
            process(image, LEAF).status = Status::Pending;
            process(image, LEAF).stack = Cow::Owned(vec![0; height]);
            image.request = Some(Request { host: HOST, words: Vec::new(), keys: Vec::new() });
        }
    };
    accepted(pending(16));
    refused(LEAF, "it has no room for a result", pending(17));
}

#[test]
fn the_chain_goes_from_the_root_to_who_runs() {
    let link = |place: usize, process, call| {
        move |image: &mut Image<'static>| image.chain[place] = Link { process, call }
    };
    let first = "the chain does not begin with the root";
    refused(TABLE, "the chain goes through no process", link(0, TABLE, Call::Invoke));
    refused(GONE, "the chain goes through no process", link(0, GONE, Call::Invoke));
    refused(ROOT, "the chain goes through it twice", |image| {
        process(image, MIDDLE).callee = ROOT;
        image.chain[2] = Link { process: ROOT, call: Call::Invoke };
    });
    refused(ROOT, first, link(0, ROOT, Call::Keeper));
    refused(MIDDLE, first, |image| image.chain = image.chain.split_off(1));
    refused(ROOT, first, |image| image.root = MIDDLE);
    let recurse = |meter| Call::Recurse { meter, gas: 1000, words: 100 };
    for meter in [PURSE, GONE, SLEEPERS_CALL, 0] {
        refused(LEAF, "its call's meter was made for another", link(2, LEAF, recurse(meter)));
    }
    refused(LEAF, "its call's meter hangs elsewhere", |image| {
        object(image, CALL).meter = PRIME;
    });
    refused(ROOT, "its call's meter hangs elsewhere", |image| {
        object(image, CALL).body = Body::CallMeter { callee: ROOT, own_words: 0 };
        image.chain[0].call = recurse(CALL);
    });
    refused(MIDDLE, "it runs without a standing meter", |image| process(image, MIDDLE).standing = false);
    refused(LEAF, "it runs without a standing meter", |image| {
        process(image, MIDDLE).status = Status::Trapped;
        image.chain[2].call = Call::Keeper;
    });
    refused(LEAF, "it is in the chain and suspended", |image| {
        let leaf = process(image, LEAF);
        (leaf.caller, leaf.suspended) = (MIDDLE, Some(Suspended::Recurse { gas: 0, words: 0 }));
    });
    refused(LEAF, "it is in the chain and stopped", |image| process(image, LEAF).stopped = true);
    for status in [Status::Running, Status::Trapped, Status::Stopped] {
        refused(ROOT, "it is in the chain and does not wait", |image| process(image, ROOT).status = status);
    }
    let what = "it waits for another than the next in the chain";
    refused(ROOT, what, |image| process(image, ROOT).callee = LEAF);
    refused(ROOT, what, |image| process(image, ROOT).callee = 0);
    for status in [Status::Waiting, Status::Trapped, Status::Pending] {
        refused(LEAF, "it is last in the chain and not running", |image| {
            process(image, LEAF).status = status;
        });
    }
    accepted(|image| process(image, LEAF).callee = REST);
}

/// The last of the chain is a keeper of the one below it.
#[test]
fn whom_a_keeper_is_called_for_stands_as_one_that_was_stopped() {
    let kept = |status, callee| {
        move |image: &mut Image<'static>| {
            let middle = process(image, MIDDLE);
            (middle.status, middle.callee) = (status, callee);
            middle.trap = Some(Trap::Failed);
            process(image, LEAF).standing = true;
            object(image, LEAF).meter = PURSE;
            image.chain[2].call = Call::Keeper;
        }
    };
    for status in [Status::Trapped, Status::OutOfGas, Status::OutOfWords, Status::Stopped] {
        accepted(kept(status, 0));
    }
    for status in [Status::Waiting, Status::Returned, Status::Suspended] {
        refused(MIDDLE, "it is in the chain and does not wait", kept(status, 0));
    }
    accepted(kept(Status::Trapped, REST));
}

#[test]
fn a_request_is_made_by_who_is_last() {
    let request = |host, words, keys: Vec<Option<Key>>| {
        move |image: &mut Image<'static>| {
            process(image, LEAF).status = Status::Pending;
            image.request = Some(Request { host, words: vec![0; words], keys });
        }
    };
    let (words, keys) = (usize::from(MESSAGE_WORDS_MAX), usize::from(MESSAGE_KEYS_MAX));
    accepted(request(HOST, words, vec![None; keys]));
    accepted(request(GONE, 0, Vec::new()));
    refused(HOST, "the pending request is too large", request(HOST, words + 1, Vec::new()));
    refused(HOST, "the pending request is too large", request(HOST, 0, vec![None; keys + 1]));
    for host in [0, NEXT] {
        refused(host, "the request is to nobody", request(host, 0, Vec::new()));
    }
    refused(TABLE, "the request is to something that is no host", request(TABLE, 0, Vec::new()));
    refused(
        HOST,
        "a key names a number that was never given out",
        request(HOST, 0, vec![Some(Key::new(NEXT, Rights::READ))]),
    );
    refused(LEAF, "it is last in the chain and not running", |image| {
        image.request = Some(Request { host: HOST, words: Vec::new(), keys: Vec::new() });
    });
    refused(LEAF, "it waits for the host and for a process", |image| {
        request(HOST, 0, Vec::new())(image);
        process(image, LEAF).callee = REST;
    });
    refused(ROOT, "a request is pending and nobody made it", |image| {
        image.chain.clear();
        image.request = Some(Request { host: HOST, words: Vec::new(), keys: Vec::new() });
    });
}

#[test]
fn meters_of_calls_are_one_for_each_callee_and_meter() {
    let callee = |callee| {
        move |image: &mut Image<'static>| {
            object(image, SLEEPERS_CALL).body = Body::CallMeter { callee, own_words: 0 };
        }
    };
    accepted(callee(REST));
    refused(SLEEPERS_CALL, "its callee is gone", callee(GONE));
    refused(SLEEPERS_CALL, "its callee is no process", callee(TABLE));
    let another = |meter| {
        move |image: &mut Image<'static>| {
            let body = Body::CallMeter { callee: SLEEPER, own_words: 0 };
            image.objects.push(new(NEXT, meter, body));
            image.next_number += 1;
        }
    };
    accepted(another(PURSE));
    refused(NEXT, "another call's meter is for the same pair", another(PRIME));
    // That which pays for a call that runs counts, too.
    refused(NEXT, "another call's meter is for the same pair", |image| {
        image.objects.push(new(NEXT, PURSE, Body::CallMeter { callee: LEAF, own_words: 0 }));
        image.next_number += 1;
    });
    let own = |own_words| {
        move |image: &mut Image<'static>| {
            object(image, SLEEPERS_CALL).body = Body::CallMeter { callee: SLEEPER, own_words };
        }
    };
    // The sleeper has grown by 16.
    accepted(own(15));
    refused(SLEEPERS_CALL, "more of its callee's growth is charged to it than there is", own(17));
    refused(SLEEPERS_CALL, "more of its callee's growth is charged to it than there is", own(u64::MAX));
    refused(NEXT, "more of its callee's growth is charged to it than there is", |image| {
        let body = Body::CallMeter { callee: SLEEPER, own_words: 1 };
        image.objects.push(new(NEXT, PURSE, body));
        image.next_number += 1;
    });
}

#[test]
fn what_a_run_holds_does_not_overflow() {
    let hands = |gas, words| {
        move |image: &mut Image<'static>| image.chain[2].call = Call::Recurse { meter: CALL, gas, words }
    };
    // The call counts two words of the leaf's own.
    accepted(hands(u64::MAX, u64::MAX - 2));
    refused(CALL, "its run holds too much", hands(u64::MAX, u64::MAX - 1));
    // A page that is charged to the call counts.
    refused(CALL, "its run holds too much", |image| {
        hands(0, u64::MAX - 2)(image);
        object(image, TABLE).meter = CALL;
    });
    accepted(|image| {
        hands(0, u64::MAX - 2 - 3 - gas::PAGE_WORDS)(image);
        object(image, TABLE).meter = CALL;
    });
}

#[test]
fn only_who_runs_is_within_an_instruction() {
    let what = "its progress is within no instruction that it runs";
    for number in [LEAF, ROOT, REST] {
        refused(number, what, |image| process(image, number).progress = 1);
    }
    // `fill` of many words, in the middle: its operands say how far it is.
    let fills = asm::assemble("fill 2").expect("it is well-formed");
    let code = fills.objects.into_iter().find(|object| matches!(object.body, Body::Code(_)));
    refused(LEAF, what, |image| {
        object(image, CODE).body = code.expect("there is code").body;
        let leaf = process(image, LEAF);
        leaf.data = Cow::Owned(vec![0; 80_000]);
        leaf.stack = Cow::Borrowed(&[0, 0, 80_000]);
        leaf.progress = 4096;
    });
}
