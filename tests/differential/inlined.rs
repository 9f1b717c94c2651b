//! Programs whose calls the compiler inlines, cut everywhere.

use super::directed::{alike, compilers, image, natively_alike};
use keyvm::{Event, Machine};

/// Recursion: inlined into itself, then its beginning, then called.
const FIB: &str = "
func fib 1 -> 1
        jumpif(lt(get 0, 2), :small)
        ret(add(call(sub(get 0, 1), :fib), call(sub(get 0, 2), :fib)))
small:  ret(get 0)";

#[test]
fn a_recursion_is_alike_out_of_gas_at_every_instruction() {
    natively_alike(&format!("return 1 (call(8, :fib))\n{FIB}"), 1500);
}

#[test]
fn the_limits_of_operands_and_of_frames_are_met_at_every_depth_of_inlining() {
    for maximum in 16..40 {
        let program = format!(
            "
process root {{ standing  stack_maximum {maximum} }}
meter prime {{}}
        return 1 (call({depth}, :fib))
{FIB}",
            depth = maximum / 2 + 2,
        );
        alike(&image(&program), 260);
    }
    // A chain of small subroutines, each with operands of its own.
    for maximum in 16..60 {
        for locals in [0, 3] {
            let program = format!(
                "
process root {{ standing  stack_maximum {maximum}  data {{ u64 4, 0 }} }}
meter prime {{}}
        7
again:  drop(call(load64(0), 5, :first))
        store64(0, sub(load64(0), 1))
        jumpif(load64(0), :again)
        return 1 (call(30, :deep))
func first 2 -> 1, {locals}
        add(get 0, get 1)
        ret(add(call(get 0, 1, 2, :second), get 1))
func second 3 -> 1, {locals}
        add(get 0, mul(get 1, get 2))
        ret(call(get 0, :third))
func third 1 -> 1, {locals}
        store64(8, add(load64(8), get 0))
        ret(add(get 0, load64(8)))
func deep 1 -> 1, {locals}
        jumpz(get 0, :bottom)
        get 0
        ret(add(call(sub(get 0, 1), :deep), call(1, 2, :first)))
bottom: ret(3)"
            );
            alike(&image(&program), 500);
        }
    }
}

#[test]
fn a_trap_in_an_inlined_call_leaves_the_frames_of_all_callers() {
    for trap in [
        "unreachable",
        "drop(load64(-1))",
        "drop(div(1, 0))",
        "store64 2, 8 (56, 1)",
        "drop\n drop\n drop\n drop",
        "get 3",
        "set 3 (1)",
        "fail(3)",
        "drop(ftoi(nan))",
        "drop(mempush(7, 0))",
        "const 99",
        ".word 0xff",
        "keydrop(5)",
        "slide 2, 3",
        "pick 3",
        "put 2 (5)",
        "yield 1 (get 0)",
        "drop(numkeys)\n drop(height)",
        "drop(call(1, :last))",
        "drop(tailcall(1, :last))",
        "jumpto(:bad)",
    ] {
        natively_alike(
            &format!(
                "
        3
again:  drop(call(get 0, 10, :outer))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (load64(0))
func outer 2 -> 1, 1
        set 2 (7)
        add(get 1, get 0)
        call(get 0, add(get 1, 1), :middle)
        add
        store64(16, height)
        ret(add)
func middle 2 -> 2, 2
        1.5
        fadd(nan, get 2)
        call(get 0, :inner)
        store64(24, height)
        ret
func inner 1 -> 1
        jumpif(eq(get 0, 2), :on)
        store64(8, get 0)
        jumpif(eq(get 0, 1), :bad)
on:     ret(add(get 0, height))
bad:    {trap}
        ret(1)
func last 1 -> 1
        ret(div(get 0, 0))
data {{ words 8 }}"
            ),
            320,
        );
    }
}

#[test]
fn slots_and_heights_in_an_inlined_call_are_counted_from_its_own_base() {
    natively_alike(
        "
        10
        20
        4
again:  call(get 0, get 1, get 2, :moves)
        xor
        xor
        store64(8, add(load64(8), xor))
        set 2 (sub(get 2, 1))
        jumpif(get 2, :again)
        return 3 (load64(8), load64(0), height)
func moves 3 -> 3, 2
        height
        set 3
        tee 4 (add(get 0, get 3))
        pick 4
        put 2 (get 4)
        get 1
        swap
        rot
        slide 2, 3
        store64(0, add(load64(0), height))
        call(get 0, get 2, :two)
        store64(0, mul(load64(0), height))
        ret(add)
func two 2 -> 2
        drop(load64(sub(0, gt(load64(0), 40))))
        ret(height, select(get 0, get 1, lt(get 0, height)))
data { words 2 }",
        500,
    );
}

#[test]
fn a_call_after_all_sees_the_arguments_and_the_gas_as_they_were() {
    // Each argument is overwritten before the beginning ends.
    let nops = "nop\n".repeat(40);
    natively_alike(
        &format!(
            "
        9
again:  drop(call(get 0, fadd(load64(8), 3.5), nan, :early))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 2 (load64(0), load64(8))
func early 3 -> 1, 1
        set 3 (get 0)
        set 0 (mul(get 0, 1000))
        set 1 (fmul(fadd(get 1, get 2), 2.0))
        jumpif(lt(get 3, 3), :soon)
        jumpif(and(get 3, 1), :load)
        store64(0, add(load64(0), get 0))
        store64(8, get 1)
        set 2 (call(get 3, get 1, get 2, :far))
        {nops}
        ret(get 2)
load:   jumpif(eq(load64(0), 8000), :soon)
        store64(0, get 3)
soon:   ret(get 0)
func far 3 -> 1
        jumpif(eq(get 0, 4), :trap)
        store64(16, add(load64(16), 1))
        {nops}
        ret(fadd(get 1, get 2))
trap:   ret(load64(get 1))
data {{ words 3 }}"
        ),
        900,
    );
}

#[test]
fn what_a_callee_too_large_to_inline_leaves_with_is_written_by_every_inlined_caller() {
    let nops = "nop\n".repeat(45);
    for last in
        ["yield 1 (get 0)", "drop(div(get 0, 0))", "memresize(2, add(get 0, 2))", "drop(load64(1000))"]
    {
        natively_alike(
            &format!(
                "
        4
again:  store64(0, add(load64(0), call(get 0, 2, :outer)))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (load64(0))
func outer 2 -> 1, 1
        set 2 (3.0)
        fmul(get 2, nan)
        drop(callto 1->1 (get 0, :small))
        ret(select(call(get 0, :inner), get 2, get 1))
func inner 1 -> 1
        5
        call(get 0, get 0, get 0, get 0, get 0, get 0, get 0, get 0, add(get 0, 1), 6, :large)
        ret(add(add(add(add(add)))))
func large 10 -> 5
        {nops}
        jumpif(gt(get 0, 2), :end)
        {last}
end:    ret(get 0, get 9, get 8, 4, 5)
func small 1 -> 1
        ret(get 0)
data {{ words 8 }}"
            ),
            900,
        );
    }
}

#[test]
fn floats_go_through_inlined_calls_with_their_bits() {
    for nan in ["nan", "0x7ff80000deadbeef", "0xfff0000000000001", "0xffffffff7fa00001", "0x7fa00001", "1.5"]
    {
        for (add, wide) in [("fadd", ""), ("fadd32", "32")] {
            natively_alike(
                &format!(
                    "
        {nan}
        6
again:  call(get 0, get 1, :both)
        store64(16, get 2)
        set 0
        drop
        set 1 (sub(get 1, 1))
        jumpif(get 1, :again)
        return 2 (get 0, load64(8))
func both 2 -> 2
        {add}(get 0, {nan})
        jumpif(and(get 1, 1), :odd)
        ret(get 0, call(get 2, get 1, :same))
odd:    store64(8, call(get 0, get 1, :turned))
        ret(get 2, call(get 2, get 1, :turned))
func same 2 -> 1
        ret(get 0)
func turned 2 -> 1
        drop(load64(sub(0, eq(get 1, 1))))
        jumpif(eq(get 1, 3), :plain)
        ret(fneg{wide}(get 0))
plain:  ret(get 0)
data {{ words 3 }}"
                ),
                500,
            );
        }
    }
}

#[test]
fn a_small_loop_that_calls_a_small_subroutine_is_alike_in_every_turn() {
    natively_alike(
        "
        11
        0
again:  set 1 (call(get 0, get 1, :mix))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (get 1)
func mix 2 -> 1
        ret(add(mul(get 1, 31), load64(shl(and(get 0, 3), 3))))
data { u64 3, 1, 4, 1 }",
        300,
    );
}

#[test]
fn a_recursion_that_just_fits_into_its_capacity_is_not_left_for_each_of_its_deepest_calls() {
    let image = image(
        "
        return 1 (call(load64at 2, 0, :deep))
func deep 1 -> 1
        params n
        jumpz(get n, :bottom)
        ret(add(1, call(sub(get n, 1), :deep)))
bottom: ret(call(15, :fib))
func fib 1 -> 1
        params n
        jumpif(lt(get n, 2), :small)
        ret(add(call(sub(get n, 1), :fib), call(sub(get n, 2), :fib)))
small:  ret(get n)
data { words 1 }",
    );
    let engine = &compilers()[0];
    for depth in 0..70_u64 {
        let mut machine = Machine::with_engine(&image, engine).expect("it is consistent");
        let root = machine.root();
        machine.write_bytes(root, 0, &depth.to_le_bytes()).expect("it has data");
        assert_eq!(machine.run(u64::MAX), Event::Returned([610 + depth].into()));
        // Each capacity is raised once, and each call that was left returns by itself.
        let entries = machine.run_stats().entries;
        assert!(entries < 200, "{entries} entries at a depth of {depth}");
    }
}
