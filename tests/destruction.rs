//! Every pair of an operation that takes away and something that is in use.
//!
//! The root `r` invokes `c`, which invokes `s`; `s` does the operation and then uses what it was done to. `c` yields
//! the status that it hears and the word that came with it, and `r` yields to the host the status that it hears and
//! those two (99 where none came). Each cell says what the host gets, who ran, in order, and what lives on.

mod random;

use keyvm::isa::image::{Body, Image};
use keyvm::isa::{Status, Trap};
use keyvm::{Event, Machine, asm};
use random::{own, reloaded};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Destroy,
    /// Of the gate that the key to the target came through.
    Revoke,
    Stop,
    /// To other lengths: of a page, of a process's data.
    Resize,
    /// `codeseal`.
    Reseal,
    /// The gas limit of the meter that the target is charged to becomes 0.
    Lower,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Itself,
    /// The page that it stores into afterwards.
    Data,
    /// The page that it runs.
    Code,
    /// The key page that it fetches from afterwards.
    Keys,
    /// The meter it runs under.
    Meter,
    Caller,
    /// Its keeper: it traps afterwards.
    Keeper,
    /// `q`, for which `p` waits, suspended; it invokes `p` afterwards and yields what that one heard of `q`.
    Suspended,
}

use Act::{Destroy, Lower, Reseal, Resize, Revoke, Stop};
use Target::{Caller, Code, Data, Itself, Keeper, Keys, Meter, Suspended};

/// The image's objects, in the order in which they are declared: their numbers are 1, 2, …
const NAMES: [&str; 23] = [
    "prime", "mr", "mc", "ms", "mk", "mq", "mp", "g", "cr", "cc", "cs", "ck", "cp", "cq", "d", "kp", "r",
    "c", "s", "k", "p", "q", "spare",
];

fn text(act: Act, target: Target) -> String {
    let (name, meter) = match target {
        Itself => ("s", "ms"),
        Data => ("d", "mp"),
        Code => ("cs", "mp"),
        Keys => ("kp", "mp"),
        Meter => ("ms", "ms"),
        Caller => ("c", "mc"),
        Keeper => ("k", "mk"),
        Suspended => ("q", "mq"),
    };
    // Slot 1 is the target, 2 the gate, 3 the meter, 4 the process p.
    let operation = match (act, target) {
        (Destroy, _) => "destroy(1)",
        (Revoke, _) => "revoke(2)",
        (Stop, _) => "stop(1)",
        (Resize, Itself) => "memresize(2, 4)",
        (Resize, Data | Code) => "memresize(5, 40)",
        (Resize, Keys | Meter) => "keyresize(1, 9)",
        (Resize, Caller | Keeper | Suspended) => "drop(grow(1, 40))",
        (Reseal, _) => "codeseal(1)",
        (Lower, _) => "meterlimit(3, 1, 0)",
    };
    let after = match target {
        Data => "store64at 5, 0 (7)",
        Keys => "drop(keyget(1, 0))",
        Keeper => "unreachable",
        Suspended => "invoke(4)\n drop\n drop\n yield 1",
        _ => "nop",
    };
    // Elsewhere a trap would be stepped over.
    let keeper = if target == Keeper { "keeper k(call) via g" } else { "" };
    format!(
        "image {{ root r }}
        meter prime {{ }}
        meter mr {{ }}
        meter mc {{ }}
        meter ms {{ }}
        meter mk {{ }}
        meter mq {{ }}
        meter mp {{ }}
        gate g {{ }}
        code cr {{
            store64at 2, 8 (99)
            store64at 2, 16 (99)
            invoke(1)
            store64at 2, 0
            dup
            jumpz(:none)
            push 2
            eq
            jumpz(:one)
            store64at 2, 16
        one: store64at 2, 8
            yield 3 (load64at 2, 0, load64at 2, 8, load64at 2, 16)
            halt
        none: drop
            yield 3 (load64at 2, 0, load64at 2, 8, load64at 2, 16)
        }}
        code cc {{
            store64at 2, 8 (99)
            invoke(1)
            drop(fork)              ; so dear that every slice that brings control back ends here
            store64at 2, 0
            jumpz(:none)
            store64at 2, 8
        none: yield 2 (load64at 2, 0, load64at 2, 8)
        }}
        code cs under mp {{
            {operation}
            {after}
            yield 1 (77)
        }}
        code ck {{
            drop
            add(1)
            store64at 2, 0
            drop
            poke(sub(numkeys, 1), 0, 4, load64at 2, 0)
            keydrop(sub(numkeys, 1))
            return 1 (1)
        }}
        code cp {{
            yield 1
        }}
        code cq {{
            nop
            yield 1 (55)
        }}
        page d under mp {{ u64 0, 1, 0, 0, 0 }}
        keys kp under mp {{ 0: c(all) }}
        process r under mr {{ code cr standing data {{ words 8 }} keys {{ 1: c(call) }} }}
        process c under mc {{ code cc standing data {{ words 8 }} keys {{ 1: s(call) }} }}
        process s under ms {{
            code cs standing data {{ words 8 }}
            keys {{ 1: {name}(all) via g  2: g(all)  3: {meter}(all)  4: p(call) }}
            {keeper}
        }}
        process k under mk {{ code ck standing data {{ words 8 }} }}
        process p under mr {{ code cp standing status Waiting callee q }}
        process q under mq {{ code cq standing status Suspended caller p suspended invoke index 1 }}
        "
    )
}

fn image(act: Act, target: Target) -> Image<'static> {
    let text = text(act, target);
    let image = asm::assemble(&text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    own(&image)
}

/// Runs to the first event in pieces of one instruction; gives the event and who ran.
fn run(mut machine: Machine, reload: bool) -> (Event, String, Machine) {
    let mut trail = String::new();
    let mut slice = 1;
    loop {
        let before = machine.total_gas();
        let event = machine.run(slice);
        slice = if machine.total_gas() == before { slice + 1 } else { 1 };
        assert_eq!(machine.audit(), Ok(()), "the books do not balance");
        let last = machine.image().chain.last().map(|link| link.process);
        if let Some(number) = last {
            let name = NAMES[number as usize - 1];
            if !trail.ends_with(name) {
                trail.push_str(name);
            }
        }
        if event != Event::Paused {
            return (event, trail, machine);
        }
        assert!(slice < 1000, "it does not go on");
        if reload {
            machine = reloaded(&mut machine);
        }
    }
}

/// What the host gets, who ran, and which objects are gone (or that a page was sealed).
fn outcome(act: Act, target: Target, reload: bool) -> (String, String, String) {
    let image = image(act, target);
    let machine = Machine::new(&image).expect("the image is consistent");
    let (event, trail, mut machine) = run(machine, reload);
    let heard = match event {
        Event::Yielded(words) => {
            let [first, second, third] = words[..] else { panic!("r yields three words, not {words:?}") };
            let name =
                |word: u64| u8::try_from(word).ok().and_then(Status::from_number).map_or("-", Status::name);
            match Status::from_number(1) {
                // What came with another status is an amount.
                yielded if u8::try_from(first).ok().and_then(Status::from_number) != yielded => {
                    format!("{} {second}", name(first))
                }
                _ if name(second) == "Trapped" => {
                    let trap = u8::try_from(third).ok().and_then(Trap::from_number);
                    format!("Yielded Trapped {}", trap.map_or("-", Trap::name))
                }
                _ => format!("Yielded {} {third}", name(second)),
            }
        }
        other => format!("{other:?}"),
    };
    let after = machine.image();
    let gone: Vec<&str> = image
        .objects
        .iter()
        .filter(|object| !after.objects.iter().any(|other| other.number == object.number))
        .map(|object| NAMES[object.number as usize - 1])
        .collect();
    let sealed = |image: &Image<'_>| {
        image.objects.iter().filter(|object| matches!(object.body, Body::Code(_))).count()
    };
    let gone = if sealed(&after) > sealed(&image) { "sealed".to_owned() } else { gone.join(" ") };
    (heard, trail, gone)
}

#[rustfmt::skip]
const CELLS: &[(Act, Target, &str, &str, &str)] = &[
    (Destroy, Itself, "Yielded Destroyed 99", "rcscr", "s"),
    (Destroy, Data, "Yielded Trapped NoSuchKey", "rcscr", "d"),
    (Destroy, Code, "Yielded Destroyed 99", "rcscr", "cs"),
    (Destroy, Keys, "Yielded Trapped NoSuchKey", "rcscr", "kp"),
    (Destroy, Meter, "Yielded Destroyed 99", "rcscr", "ms s"),
    (Destroy, Caller, "Destroyed 99", "rcsr", "c"),
    (Destroy, Keeper, "Yielded Trapped Unreachable", "rcscr", "k"),
    (Destroy, Suspended, "Yielded Yielded 7", "rcspscr", "q"),
    (Revoke, Itself, "Yielded Yielded 77", "rcscr", "g"),
    (Revoke, Data, "Yielded Trapped NoSuchKey", "rcscr", "g"),
    (Revoke, Code, "Yielded Yielded 77", "rcscr", "g"),
    (Revoke, Keys, "Yielded Trapped NoSuchKey", "rcscr", "g"),
    (Revoke, Meter, "Yielded Yielded 77", "rcscr", "g"),
    (Revoke, Caller, "Yielded Yielded 77", "rcscr", "g"),
    (Revoke, Keeper, "Yielded Trapped Unreachable", "rcscr", "g"),
    (Revoke, Suspended, "Yielded Yielded 1", "rcspqpscr", "g"),
    (Stop, Itself, "Yielded Stopped 99", "rcscr", ""),
    (Stop, Data, "Yielded Trapped WrongKind", "rcscr", ""),
    (Stop, Code, "Yielded Trapped WrongKind", "rcscr", ""),
    (Stop, Keys, "Yielded Trapped WrongKind", "rcscr", ""),
    (Stop, Meter, "Yielded Stopped 99", "rcscr", ""),
    (Stop, Caller, "Stopped 99", "rcsr", ""),
    (Stop, Keeper, "Yielded Trapped Unreachable", "rcscr", ""),
    (Stop, Suspended, "Yielded Yielded 6", "rcspscr", ""),
    (Resize, Itself, "Yielded Yielded 77", "rcscr", ""),
    (Resize, Data, "Yielded Yielded 77", "rcscr", ""),
    (Resize, Code, "Yielded Trapped NoRight", "rcscr", ""),
    (Resize, Keys, "Yielded Yielded 77", "rcscr", ""),
    (Resize, Meter, "Yielded Trapped WrongKind", "rcscr", ""),
    (Resize, Caller, "Yielded Yielded 77", "rcscr", ""),
    (Resize, Keeper, "Yielded Yielded 77", "rcskscr", ""),
    (Resize, Suspended, "Yielded Yielded 1", "rcspqpscr", ""),
    (Reseal, Itself, "Yielded Trapped WrongKind", "rcscr", ""),
    (Reseal, Data, "Yielded Trapped NoRight", "rcscr", "sealed"),
    (Reseal, Code, "Yielded Trapped WrongKind", "rcscr", ""),
    (Reseal, Keys, "Yielded Trapped WrongKind", "rcscr", ""),
    (Reseal, Meter, "Yielded Trapped WrongKind", "rcscr", ""),
    (Reseal, Caller, "Yielded Trapped WrongKind", "rcscr", ""),
    (Reseal, Keeper, "Yielded Yielded 77", "rcskskscr", ""),
    (Reseal, Suspended, "Yielded Trapped WrongKind", "rcscr", ""),
    (Lower, Itself, "Yielded OutOfGas 1", "rcscr", ""),
    (Lower, Data, "Yielded Yielded 77", "rcscr", ""),
    (Lower, Code, "Yielded Yielded 77", "rcscr", ""),
    (Lower, Keys, "Yielded Yielded 77", "rcscr", ""),
    (Lower, Meter, "Yielded OutOfGas 1", "rcscr", ""),
    (Lower, Caller, "OutOfGas 64", "rcsr", ""),
    (Lower, Keeper, "Yielded Trapped Unreachable", "rcscr", ""),
    (Lower, Suspended, "Yielded Yielded 4", "rcspscr", ""),
];

#[test]
fn every_pair_of_an_operation_and_something_in_use_ends_as_said() {
    let mut wrong = Vec::new();
    for act in [Destroy, Revoke, Stop, Resize, Reseal, Lower] {
        for target in [Itself, Data, Code, Keys, Meter, Caller, Keeper, Suspended] {
            let (heard, trail, gone) = outcome(act, target, false);
            let expected = CELLS.iter().find(|cell| cell.0 == act && cell.1 == target);
            if expected != Some(&(act, target, &heard, &trail, &gone)) {
                wrong.push(format!("    ({act:?}, {target:?}, {heard:?}, {trail:?}, {gone:?}),"));
            }
        }
    }
    assert!(wrong.is_empty(), "these came out otherwise:\n{}", wrong.join("\n"));
    assert_eq!(CELLS.len(), 48);
}

#[test]
fn saved_and_loaded_after_every_instruction_they_end_the_same() {
    for &(act, target, heard, trail, gone) in CELLS {
        let again = outcome(act, target, true);
        assert_eq!((&*again.0, &*again.1, &*again.2), (heard, trail, gone), "{act:?} {target:?}");
    }
}
