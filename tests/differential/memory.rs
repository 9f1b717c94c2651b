//! Loops and accesses whose bounds are checked for several at once.

use crate::directed::{alike, alike_in_one, image, natively_alike};

/// A loop over memory 2, of 24 words, whose body is `body` and whose index begins at `first`.
fn looping(first: i64, step: i64, turns: u64, body: &str) -> String {
    format!(
        "
page page {{ words 16 }}
        call({first}, {turns}, :walk)
        return 4 (load64 2 (0), load64 2 (64), load64 2 (184), load64 4 + page (96))
func walk 2 -> 0, 2
        params at, turns
        locals a, b
again:  {body}
        set at (add(get at, {step}))
        jumpif(tee turns (sub(get turns, 1)), :again)
        ret
data {{ words 24 }}"
    )
}

#[test]
fn a_loop_over_memory_stops_where_an_address_is_outside() {
    let bodies = [
        "store64 (get at, get turns)",
        "store8 2, 3 (get at, get turns)",
        "store32 4 + page, 8 (get at, add(get at, load32 2 (get at)))",
        "set a (add(get a, load16s 2 (get at)))\n store64 2, 64 (get at, get a)",
        "jumpif(and(get turns, 1), :odd)\n store8 2, 40 (get at, 7)\n odd:    set b (xor(get b, load8 2, 100 (get at)))\n store64 (0, get b)",
        "mempush(2, shr(get at, 3))\n drop\n memwrite(2, sub(get at, 1), get turns)",
        "memwrite(2, get at, add(mempush(2, add(get at, 2)), get turns))",
        "store8 2 (add(shl(get turns, 2), get at), 5)\n set a (load64 2 (sub(get at, shl(get turns, 1))))",
        "store64 2, 8 (get a, add(load64 2, 8 (get a), get at))",
    ];
    for body in bodies {
        for (first, step) in [(0, 8), (0, 1), (5, 3), (191, -8), (24, -1), (0, 0), (-16, 8), (40, 1 << 40)] {
            alike(&image(&looping(first, step, 40, body)), 640);
        }
        natively_alike(&looping(8, 1, 14, body), 400);
    }
}

#[test]
fn a_loop_that_goes_far_in_each_turn_stops_where_an_address_is_outside() {
    // Up to 291 bytes, eight turns are reached by one pointer, and up to 680 four are.
    for stride in [8, 288, 296, 384, 680, 688, -296, -384] {
        for turns in 1..16 {
            let (first, bound) =
                if stride > 0 { (0, turns * stride) } else { (10 * -stride, (10 - turns) * -stride) };
            for words in [24, 300, 513] {
                let source = format!(
                    "
        call({first}, {bound}, :walk)
        return 1 (load64 2 (0))
func walk 2 -> 0, 2
        params at, bound
        locals a, b
again:  store8 2 (0, 1)
        store64 (get at, 0x0102030405060708)
        jumpif({test}(tee at (add(get at, {stride})), get bound), :again)
        ret
data {{ words {words} }}",
                    test = if stride > 0 { "lts" } else { "gts" },
                );
                alike_in_one(&image(&source), 4000);
            }
        }
    }
}

#[test]
fn a_loop_that_counts_to_a_bound_ends_where_it_does() {
    let loops = [
        ("store8 (get at, get b)", "lt(tee at (add(get at, STEP)), get bound)"),
        ("set b (fadd(load64 2 (and(get at, 0x78)), get b))", "gt(get bound, tee at (add(get at, STEP)))"),
        (
            "jumpif(eq(get at, 13), :out)\n store64 2, 8 (get at, 7)",
            "lt(tee at (add(get at, STEP)), get bound)",
        ),
        (
            "jumpif(ge(get at, get bound), :out)\n set b (add(get b, load8 2, 9 (get at)))\n set at (add(get at, STEP))",
            "1",
        ),
        (
            "jumpif(gt(get at, get bound), :out)\n set at (add(get at, STEP))",
            "lt(get b, tee b (add(get b, 3)))",
        ),
        ("store8 2 (and(get at, 63), get b)", "lts(tee at (add(get at, STEP)), get bound)"),
        ("set b (xor(get b, load8 2 (and(get at, 63))))", "ges(get bound, tee at (add(get at, STEP)))"),
        ("store8 2 (and(get at, 63), 1)", "gt(tee bound (sub(get bound, STEP)), get at)"),
        ("store8 2, 7 (and(get at, 63), 1)", "gts(tee bound (sub(get bound, STEP)), get at)"),
        ("store8 2, 9 (and(get bound, 63), 1)", "tee bound (sub(get bound, STEP))"),
        (
            "jumpz(lts(get at, get bound), :out)\n store8 2 (and(get at, 63), get b)\n set at (sub(get at, STEP))",
            "lt(tee b (add(get b, 1)), 40)",
        ),
        (
            "store16 2, 2 (get at, get b)\n jumpz(lt(add(get at, 2), 20), :bad)",
            "lt(tee at (add(get at, STEP)), get bound)",
        ),
    ];
    for (body, test) in loops {
        for (first, step, bound) in [
            (0, 1, 0),
            (0, 1, 3),
            (0, 1, 23),
            (0, 8, 100),
            (3, 5, 90),
            (0, 1, 1000),
            (-9, 1, 5),
            (50, 1, -9),
            (30, -4, 31),
            (7, 0, 6),
        ] {
            let source = format!(
                "
        call({first}, {bound}, :walk)
        return 3 (load64 2 (0), load64 2 (64), load64 2 (184))
func walk 2 -> 0, 2
        params at, bound
        locals b, step
        set step ({step})
again:  {body}
        jumpif({test}, :again)
out:    store64 (0, get b)
        ret
bad:    fail(9)
data {{ words 24 }}"
            );
            alike(&image(&source.replace("STEP", &step.to_string())), 420);
            if (first, bound) == (3, 90) || bound == 23 {
                alike(&image(&source.replace("STEP", "get step")), 420);
            }
        }
    }
}

#[test]
fn an_access_that_is_near_the_beginning_of_a_memory_that_is_short_is_checked_by_its_address() {
    let bodies = [
        "set b (load8 2, 3 (and(get a, 0xff)))",
        "set b (add(load64 2, 8 (and(get a, 0x78)), load64at 2, 64))",
        "store64 4 + page, 16 (shl(rem(get a, 13), 3), load16 2, 60 (shr(get a, 58)))",
        "store32at 2, 76 (get a)\n store8 2 (load8 2 (and(get a, 63)), get b)",
        "memwrite(2, and(get a, 15), mempush(2, rem(get a, 10)))",
        "store64at 4 + page, 56 (load64at 4 + page, 48)\n set b (load64at 4 + page, 64)",
        "set b (load64 2, 72 (and(get a, 24)))\n memresize(2, add(9, and(get a, 3)))\n store64at 2, 80 (get b)",
        "call(add(8, and(get a, 3)), :resize)\n store8 2, 70 (and(get a, 31), get b)",
        "set b (load64at 4 + page, 56)\n memresize(4 + page, add(7, and(shr(get a, 9), 3)))\n set b (xor(get b, load64at 4 + page, 56))",
    ];
    for body in bodies {
        let source = format!(
            "
page page {{ words 8 }}
        call(0, 24, :walk)
        return 3 (load64 2 (0), load64 2 (64), load64 4 + page (16))
func walk 2 -> 0, 2
        params seed, turns
        locals a, b
again:  set a (add(mul(get a, 0x5851f42d4c957f2d), 0x14057b7ef767814f))
        {body}
        set seed (xor(get seed, get b))
        store64 (0, get seed)
        jumpif(tee turns (sub(get turns, 1)), :again)
        ret
func resize 1 -> 0
        memresize(2, get 0)
        ret
data {{ words 10 }}"
        );
        alike(&image(&source), 900);
    }
}

#[test]
fn an_address_is_no_greater_than_the_instructions_that_make_it_say() {
    // Each with the greatest that it can be, or, where it may be anything, what one might take for that.
    for (address, greatest) in [
        ("or(and(get a, 15), and(shr(get a, 9), 16))", 31),
        ("xor(and(get a, 40), and(shr(get a, 9), 23))", 63),
        ("add(and(get a, 15), rem(get a, 9))", 23),
        ("mul(and(get a, 7), and(shr(get a, 9), 5))", 35),
        ("rem(get a, 24)", 23),
        ("div(and(get a, 63), 2)", 31),
        ("shl(and(get a, 7), 2)", 28),
        ("shr(get a, 59)", 31),
        ("select(and(get a, 15), and(get a, 31), and(shr(get a, 9), 1))", 31),
        ("rem32(and(get a, 47), get b)", 47),
        ("sub(and(get a, 15), and(get a, 1))", 15),
        ("shl(rem(get a, 17), 60)", 0),
        ("mul(rem(get a, 17), 0x1000000000000000)", 0),
        ("add(and(get a, 15), -1)", 14),
    ] {
        for words in [greatest / 8, greatest / 8 + 1] {
            let source = format!(
                "
        call(5, 24, :walk)
        return 1 (get 0)
func walk 2 -> 1, 2
        params seed, turns
        locals a, b
        set b (77)
again:  set a (add(mul(get seed, 0x5851f42d4c957f2d), 0x14057b7ef767814f))
        set seed (xor(get a, shr(get a, 31)))
        store8 ({address}, get turns)
        set seed (add(get seed, load8 ({address})))
        jumpif(tee turns (sub(get turns, 1)), :again)
        ret(get seed)
data {{ words {words} }}"
            );
            alike(&image(&source), 800);
        }
    }
}

#[test]
fn an_address_that_is_a_word_and_a_small_one_is_checked_by_itself_where_the_word_is_near_the_memory_s_end() {
    let bodies = [
        // What is small is so in other blocks, too,
        "jumpif(and(get a, 1), :odd)
         store8 2, 3 (add(get base, get c), get a)
 odd:    store64 (add(get c, get base), add(get b, load64 2, 8 (add(get base, get c))))",
        // where either way makes it so,
        "jumpif(and(get a, 1), :odd)
         set c (and(get a, 63))
 odd:    set b (load8 2 (add(get base, shl(get c, 1))))",
        // and in what is called, but not in what is made anew of what it was.
        "set b (call(get base, get c, :at))
         store8 (add(get base, get d), get b)
         set d (add(get d, 3))
         jumpif(lt(get d, 20), :few)
         set d (0)
 few:",
        // Two words, and what is no sum of one.
        "set b (add(load64 2 (add(get base, get c)), load64 2 (add(get other, and(get a, 7)))))
         store32 2, 4 (sub(get base, get c), get b)",
        // The memory is another.
        "set b (load8 2 (add(get base, get c)))
         memresize(2, add(22, and(get a, 3)))
         store8 2, 20 (add(get base, get c), get b)",
    ];
    for body in bodies {
        for (base, mask) in [(0, 31), (120, 31), (152, 31), (160, 31), (180, 7), (191, 1), (192, 3)] {
            alike(&image(&around(base, mask, body)), 700);
        }
        for (base, mask) in [(-1, 3), (-16, 31), (-200, 255), (1 << 62, 4095), (i64::MIN, 31)] {
            alike(&image(&around(base, mask, body)), 120);
        }
        natively_alike(&around(64, 31, body), 700);
    }
}

/// A loop over memory 2, of 24 words, whose body has a word that stays and one that is not above a mask.
fn around(base: i64, mask: i64, body: &str) -> String {
    format!(
        "
        call({base}, 16, :walk)
        return 3 (load64 2 (0), load64 2 (64), load64 2 (160))
func walk 2 -> 0, 5
        params base, turns
        locals a, b, c, d, other
        set other (shl(get turns, 3))
again:  set a (add(mul(get a, 0x5851f42d4c957f2d), add(0x14057b7ef767814f, get b)))
        set c (and(shr(get a, 40), {mask}))
        {body}
        jumpif(tee turns (sub(get turns, 1)), :again)
        ret
func at 2 -> 1
        jumpif(and(get 1, 1), :other)
        load16 2 (add(get 0, get 1))
        ret
other:  load8 2, 5 (add(get 1, get 0))
        ret
data {{ words 24 }}"
    )
}

#[test]
fn fields_of_one_record_are_checked_at_once_and_trap_one_by_one() {
    for at in [0, 40, 56, 57, 64, 72, 80, -8, -16] {
        alike(
            &image(&format!(
                "
        call({at}, :fields)
        return 2 (load64 2 (0), load64 2 (72))
func fields 1 -> 0
        store64 (get 0, 1)
        store32 2, 8 (get 0, load32 2, 4 (get 0))
        store8 (add(get 0, 15), 7)
        store64 (sub(get 0, 8), load64 2, 8 (get 0))
        store64 2, 16 (get 0, mempush(2, 3))
        ret
data {{ words 10 }}"
            )),
            60,
        );
    }
}

#[test]
fn what_a_loop_stores_across_4_kib_is_hashed_wherever_it_is_cut() {
    for (first, step) in [(4000, 8), (4192, -8), (3999, 7), (4160, -3), (3600, 200)] {
        let source = looping(first, step, 24, "store64 (get at, get turns)");
        let source = source.replace("data { words 24 }", "data { words 1200 }");
        natively_alike(&source, 420);
        // By a stride that is known only where the loop is entered.
        let source = source.replace(&format!("set at (add(get at, {step}))"), "set at (add(get at, get b))");
        natively_alike(&source.replace("again:", &format!("set b ({step})\nagain:")), 420);
    }
}

#[test]
fn all_that_stores_of_one_block_write_is_hashed_again() {
    // By one pointer, in up to three pieces of 4 KiB.
    natively_alike(
        "
        4000
        20
again:  store64 2, 40 (get 0, fmul(utof(get 1), nan))
        store64 2, 0 (get 0, get 1)
        store64 2, 1960 (get 0, get 1)
        set 0 (and(mul(add(get 0, 8), 5), 12_280))
        set 1 (sub(get 1, 1))
        jumpif(get 1, :again)
        return 1 (load64(4040))
data { words 2000 }",
        400,
    );
}
