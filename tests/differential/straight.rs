//! Callees that only compute, straight through: they are executed whole where nobody can tell, and so a run that is cut in
//! the middle of one must come to the same state as one that is not.

use crate::directed::image;
use keyvm::{Engine, Event, Machine, Tier};

/// A process that calls another one six times, which ends a turn like this, and sees what has become of it and of its own
/// gas and words.
fn calling(call: &str, end: &str) -> String {
    format!(
        "
image {{ root boss }}
meter all {{}}
meter small {{ under all  gas_limit 1300  words_limit 3000 }}
process boss under small {{ code calls  standing  keys {{ 1: child(all) }}  data {{ words 8 }} }}
process child {{ code straight }}
code calls {{
        6
again:  recurse {call}
        store64(0, peek(1, 0, meta.MESSAGE_WORDS))
        store64(8, peek(1, 0, meta.STATUS))
        store64(16, peek(1, 0, meta.GAS))
        store64(24, peek(1, 0, meta.WORDS))
        store64(32, mempush(0, meta.GAS))
        store64(40, mempush(0, meta.WORDS))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (height)
}}
code straight {{
        {end}
}}"
    )
}

/// Runs an image for so much gas, cut at each point and not cut, and compares.
fn cuts_do_not_show(source: &str, gas: u64) {
    let image = image(source);
    for tier in [Tier::Interpreter, Tier::Jit] {
        let engine = Engine::new(tier);
        let run = |cut: u64| {
            let mut machine = Machine::with_engine(&image, &engine).expect("it is consistent");
            let mut event = machine.run(cut);
            if event == Event::Paused {
                event = machine.run(gas - machine.total_gas());
            }
            machine.audit().expect("the books balance");
            (event, machine.total_gas(), machine.instructions(), machine.state_hash())
        };
        let whole = run(0);
        for cut in 1..gas {
            assert_eq!(run(cut), whole, "{tier:?}, cut at {cut}: {source}");
        }
    }
}

#[test]
fn a_straight_callee_is_the_same_whole_and_cut() {
    for end in [
        "return 1 (add(get 0, 1))",
        "return 2 (get 0, height)",
        "return",
        "return 1",
        "return 3 (mul(get 0, 3), 1)",
        "return 1 (div(7, sub(get 0, 3)))",
        "drop\n drop\n return",
        "set 9 (1)\n return",
        "return 0, 1 (0)",
        "yield 1 (get 0)",
        "1\n 2\n 3\n 4\n 5\n 6\n 7\n 8\n 9\n 10\n 11\n 12\n return 12",
        "1\n 2\n 3\n 4\n 5\n 6\n 7\n 8\n 9\n 10\n 11\n 12\n 13\n 14\n 15\n 16\n return 2",
        "0xffffffffffffffff\n return 1",
        "return 1 (random(0, 100))",
        "return 1 (mempush(0, meta.GAS))",
    ] {
        for call in [
            "1 (get 0, 1, 60, 300)",
            "1 (get 0, 1, 4, 0)",
            "2 (get 0, 8, 1, 500, 5000)",
            "0 (1, mul(get 0, 2), 9)",
        ] {
            cuts_do_not_show(&calling(call, end), 500);
        }
    }
}

#[test]
fn a_process_that_makes_calls_and_destroys_one_after_another_is_the_same_whole_and_cut() {
    cuts_do_not_show(include_str!("../../benches/programs/sandbox.kasm"), 98 * 7);
}

#[test]
fn a_straight_callee_has_room_wherever_the_stack_of_its_caller_ends() {
    // The stack of a process becomes longer in steps, which are no matter of the program.
    for below in 0..140 {
        let words = "5\n".repeat(below);
        let source = format!(
            "
image {{ root boss }}
meter all {{}}
process boss {{ code calls  standing  keys {{ 1: child(all) }} }}
process child {{ code straight }}
code calls {{
        {words}
        recurse 1 (7, 1, 60, 300)
        return 6
}}
code straight {{
        1
        2
        3
        4
        add
        return 4
}}"
        );
        let expected = Event::Returned([7, 1, 2, 7, 4, 0].as_slice().into());
        for tier in [Tier::Interpreter, Tier::Jit] {
            let engine = Engine::new(tier);
            let mut machine = Machine::with_engine(&image(&source), &engine).expect("it is consistent");
            assert_eq!(machine.run(1000), expected, "{tier:?}, {below} words below");
            machine.audit().expect("the books balance");
        }
    }
}
