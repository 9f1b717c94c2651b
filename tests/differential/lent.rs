//! Callees with the caller's code: they compute before anybody knows whether their call has begun.

use crate::directed::{alike_in_one, image, natively_alike};
use keyvm::{Event, Machine};

/// A process that calls another one with the same code six times, which ends a turn like this.
fn calling(end: &str) -> String {
    format!(
        "
image {{ root boss }}
meter all {{}}
meter small {{ under all  gas_limit 5000 }}
process boss under small {{ code both  standing  keys {{ 1: child(all)  2: both(all) }} }}
process child {{ code both  keys {{ 1: boss(all)  2: both(all)  3: small(all)  4: other(all) }}  data {{ words 2 }} }}
process other {{ code both }}
code both {{
        jumpif(height, :called)
        6
again:  recurse 1 (get 0, 1, 90, 300)
        drop
        drop
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (mempush(0, meta.GAS))
called: {end}
        return 1 (7)
        func deep 1 -> 1, 3
        jumpz(get 0, :end)
        ret(add(call(sub(get 0, 1), :deep), get 0))
end:    store64(8, 5)
        ret(3)
        func wide 1 -> 1, 40
        ret(get 0)
        func bare 1 -> 1
        yield 3
        ret(get 0)
}}"
    )
}

#[test]
fn a_callee_with_its_caller_s_code_may_end_in_any_way() {
    for end in [
        "return 1 (add(get 0, 1))",
        "return 3 (get 0, 8, add(get 0, 1))",
        "return 15 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)",
        "return",
        "return 5",
        "return 1, 1 (get 0, 1)",
        "yield 1 (get 0)",
        // What a `recurse` would take.
        "4\n 60\n 100\n yield",
        "4\n 60\n 100\n return",
        "store64(0, add(load64(0), 1))\n yield 2 (get 0, load64(0))",
        "yield 1, 1 (get 0, 2)",
        "drop(call(get 0, :deep))",
        "drop(call(30, :deep))",
        "drop(call(get 0, :wide))",
        "drop(call(get 0, :bare))",
        "yield 1 (call(get 0, :deep))\n jump :called",
        "round: jump :round",
        "set 0 (mul(get 0, 3))\n jumpif(gt(get 0, 9), :called)",
        "fail",
        "halt",
        "div(get 0, 0)",
        "store64(16, get 0)",
        "store64(0, mempush(0, meta.GAS))",
        "store64(0, mempush(0, meta.WORDS))",
        "store64(0, mempush(3, 0))",
        "memresize(2, 9)",
        "memresize(2, 900)",
        "recurse 0 (1, 100, 100)",
        "recurse 1 (5, 4, 20, 100)",
        "recurse 1 (5, 4, 70, 100)\n drop\n drop\n return 1",
        "recurse 1 (5, create(2, 0), 30, 100)\n drop\n drop\n return 1",
        "create(2, 0)",
        "destroy(0)",
        "destroy(1)",
        "destroy(2)",
        "destroy(3)",
        "stop(1)",
        "stop(3)",
        "random(0, 9)",
        "0\n poke(1, 2, 0, 5)",
    ] {
        println!("{end}");
        natively_alike(&calling(end), 300);
    }
}

/// A callee that goes on for as long as it has gas: each call begins where the last was cut.
#[test]
fn a_callee_that_runs_dry_goes_on_where_it_was() {
    natively_alike(
        "
image { root boss }
meter all {}
process boss under all { code both  standing  keys { 1: child(all) }  data { words 2 } }
process child { code both  data { words 2 } }
code both {
        jumpif(height, :called)
again:  recurse 1 (1, 1, add(20, load64(0)), 300)
        drop
        drop
        store64(0, add(load64(0), 1))
        jump(:again)
called: set 0 (call(get 0, :down))
        store64(0, add(load64(0), get 0))
        yield 2 (load64(0), get 0)
        jump(:called)
        func down 1 -> 1
        jumpif(gt(get 0, 9), :low)
        ret(add(call(add(get 0, 1), :down), 1))
low:    ret(get 0)
}
",
        500,
    );
}

#[test]
fn a_callee_s_result_has_room_wherever_the_stack_of_its_caller_ends() {
    // The stack of a process becomes longer in steps, which are no matter of the program.
    for below in 0..140_u64 {
        let source = format!(
            "
image {{ root boss }}
meter all {{}}
process boss under all {{ code both  standing  keys {{ 1: child(all) }} }}
process child {{ code both }}
code both {{
        jumpif(height, :called)
        6
        {}
again:  recurse 1 (get 0, 1, 90, 300)
        {}
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (height)
called: jumpif(gt(get 0, 9), :called)
        return 15 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, get 0)
}}",
            "5\n".repeat(usize::try_from(below).expect("it is small")),
            "drop\n".repeat(17),
        );
        let image = image(&source);
        let mut machine = Machine::new(&image).expect("it is consistent");
        assert_eq!(machine.run(4000), Event::Returned([below + 1].as_slice().into()), "{below} words below");
        alike_in_one(&image, 4000);
    }
}
