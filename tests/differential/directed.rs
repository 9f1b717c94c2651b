//! Programs written for the places where native code and the interpreter hand over to each other.

use keyvm::isa::image::Image;
use keyvm::{CompilerOptions, Engine, Levels, Machine, Tier, asm};
use keyvm_oracle::{Cut, Engines, Report, Step, at_each_point};

pub(super) fn image(source: &str) -> Image<'static> {
    asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Engines with optimized code, and with quick code.
pub(super) fn compilers() -> [Engine; 2] {
    [Levels::Optimized, Levels::Quick].map(|levels| {
        Engine::with_options(Tier::Jit, CompilerOptions { levels, ..CompilerOptions::default() })
    })
}

/// Runs an image cut at each point, in all ways. Where nothing is optimized, of long runs only the beginning.
pub(super) fn alike(image: &Image<'_>, gas: u64) -> Report {
    let gas = if cfg!(debug_assertions) { gas.min(260) } else { gas };
    let reference = Engine::default();
    let mut report = Report::default();
    for other in compilers() {
        let engines = Engines { reference: &reference, other: &other };
        for cut in [Cut::Slice, Cut::Limit, Cut::Swap] {
            match at_each_point::<Machine>(image, engines, gas, cut) {
                Ok(more) => report.add(&more),
                Err(divergence) => panic!("{}", super::told(&divergence, engines)),
            }
        }
    }
    report
}

/// As [`alike`], of a program much of which must run natively.
pub(super) fn natively_alike(source: &str, gas: u64) {
    let report = alike(&image(source), gas);
    assert!(report.native * 4 > report.instructions, "too little ran natively: {report:?}");
}

/// Runs an image in one slice, much of it natively.
pub(super) fn alike_in_one(image: &Image<'_>, gas: u64) {
    let reference = Engine::default();
    for other in compilers() {
        let engines = Engines { reference: &reference, other: &other };
        let report = keyvm_oracle::replay::<Machine>(image, engines, &[Step::Run(gas)])
            .unwrap_or_else(|divergence| panic!("{}", super::told(&divergence, engines)));
        assert!(report.native * 4 > report.instructions, "too little ran natively: {report:?}");
    }
}

#[test]
fn a_word_that_does_not_fit_an_f32_keeps_its_upper_half_where_it_meets_one() {
    natively_alike(
        "
        0x1ffffffffff
        10
again:  jumpif(and(get 1, 1), :odd)
        set 0 (fadd32(get 0, 1.5f32))
        jump(:next)
odd:    set 0 (0x1ffffffffff)
next:   set 1 (sub(get 1, 1))
        jumpif(get 1, :again)
        return 1 (get 0)",
        300,
    );
}

#[test]
fn what_runs_off_the_end_with_operands_halts() {
    alike(&image("10\n again: sub(1)\n dup\n jumpif(:again)\n yield 1 (5)"), 200);
    alike(&image("1\n yield 1 (5)"), 200);
    alike(&image("1\n 2\n jump :end\n end:"), 200);
}

#[test]
fn a_trap_in_the_middle_of_a_native_call_chain_leaves_every_frame_as_it_was() {
    for trap in [
        "unreachable",
        "drop(load64(-1))",
        "drop(div(1, 0))",
        "store64 2, 8 (56, 1)",
        "drop",
        "get 40",
        "fail(3)",
        "drop(ftoi(nan))",
        "drop(mempush(7, 0))",
        "const 99",
        "drop(load8 9, 0 (0))",
        ".word 0xff",
        "keydrop(5)",
    ] {
        let source = format!(
            "
        3
again:  drop(call(get 0, 10, :outer))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (load64(0))
func outer 2 -> 1, 2
        set 2 (7)
        add(get 1, get 0)
        call(get 0, add(get 1, 1), :middle)
        ret(add)
func middle 2 -> 1, 1
        set 2 (mul(get 0, get 1))
        store64(0, get 2)
        1.5
        fadd(nan, get 2)
        call(get 0, get 2, :inner)
        fadd
        fadd
        ret
func inner 2 -> 1
        jumpif(eq(get 0, 2), :on)
        store64(8, get 1)
        jumpif(eq(get 0, 1), :bad)
on:     ret(add(get 0, get 1))
bad:    {trap}
        ret(1)
data {{ words 8 }}"
        );
        natively_alike(&source, 260);
    }
}

/// The example, without its hosts: they are answered by the oracle.
#[test]
fn the_examples_run_alike_out_of_gas_at_every_instruction() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut examples = 0;
    for entry in std::fs::read_dir(folder).expect("there are examples") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "kasm") {
            let source = std::fs::read_to_string(&path).expect("an example can be read");
            println!("{}", path.display());
            alike(&image(&source), 2500);
            examples += 1;
        }
    }
    assert!(examples > 5);
}

#[test]
fn the_benchmarks_run_alike_out_of_gas_at_every_instruction() {
    for source in [
        include_str!("../../benches/programs/arithmetic.kasm"),
        include_str!("../../benches/programs/sandbox.kasm"),
    ] {
        alike(&image(source), 400);
    }
    let deep = include_str!("../../benches/programs/deep.kasm");
    alike(&image(&deep.replace("u64 1, 0, 0", "u64 2, 0, 0")), 500);
    alike(&image(&deep.replace("u64 1, 0, 0", "u64 2, 1, 0")), 500);
    let fork = include_str!("../../benches/programs/fork.kasm");
    alike(&image(&fork.replace("1_048_576", "64").replace("1_000_000", "6").replace("1048576", "64")), 600);
}

/// A process with this stack maximum, that recurses deeper than that.
fn recursing(maximum: u32, locals: u32, depth: u32) -> String {
    format!(
        "
process root {{ standing  stack_maximum {maximum}  data {{ u64 {depth}, 0 }} }}
meter prime {{}}
        return 1 (call(load64(0), :down))
func down 1 -> 1, {locals}
        jumpz(get 0, :bottom)
        store64(8, add(load64(8), 1))
        get 0
        ret(add(call(sub(get 0, 1), :down)))
bottom: ret(7)"
    )
}

#[test]
fn the_stack_s_limits_of_operands_and_of_frames_stop_both_at_the_same_place() {
    for (maximum, locals) in [(16, 0), (16, 3), (64, 0), (64, 20), (100, 1), (256, 0)] {
        // Most of it is refused for want of room, and interpreted.
        alike(&image(&recursing(maximum, locals, 200)), 700);
    }
}

#[test]
fn a_call_in_place_that_finds_no_room_does_not_run_its_caller_again() {
    // The stack has room for 16 words at first, and `last` needs more.
    alike(
        &image(
            "
        store64(0, call(1, 2, :first))
        return 1 (load64(8))
func first 2 -> 1
        ret(add(call(get 1, :middle), get 0))
func middle 1 -> 1, 2
        store64(8, add(load64(8), 1))
        tailcall(get 0, load64(8), 3, :last)
func last 3 -> 1, 14
        ret(add(get 1, get 2))
data { words 2 }",
        ),
        200,
    );
}

#[test]
fn recursion_deeper_than_the_native_stack_is_like_any_other() {
    let image = image(&recursing(1 << 20, 2, 60_000));
    let (reference, others) = (Engine::default(), compilers());
    for seed in 0..if cfg!(debug_assertions) { 2 } else { 6 } {
        let engines = Engines { reference: &reference, other: &others[usize::from(seed % 2 == 1)] };
        let mut random = keyvm_oracle::random::Random::new(seed);
        let mut pair =
            keyvm_oracle::Pair::<Machine>::new(&image, engines, Some(seed)).expect("it is consistent");
        let ran = pair.run(2_000_000, 8, |pair| {
            if random.percent(20) {
                pair.step(keyvm_oracle::Step::Swap)?;
            }
            Ok(random.within(1, 120_000))
        });
        if let Err(divergence) = ran {
            panic!("{divergence}");
        }
        let report = pair.report();
        assert!(report.native * 2 > report.instructions, "{report:?}");
    }
}

#[test]
fn a_memory_resized_in_a_callee_has_its_new_length_in_every_caller() {
    natively_alike(
        "
page table { u64 1, 2 }
const PAGE = 4 + table
        6
again:  call(get 0, :outer)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 2 (size 2, size PAGE)
func outer 1 -> 0
        store64(8, add(load64(8), 1))
        store64 PAGE (8, get 0)
        call(get 0, :resize)
        store64(8, add(load64(8), size 2))
        store64 PAGE, 8 (mul(sub(size PAGE, 2), 8), get 0)
        store64 2 (mul(sub(size 2, 1), 8), load64 PAGE (0))
        ret
func resize 1 -> 0
        memresize(2, add(get 0, 2))
        memresize(PAGE, sub(9, get 0))
        store64(0, get 0)
        ret
data { words 9 }",
        700,
    );
}

#[test]
fn a_page_whose_key_is_revoked_or_dropped_while_in_use_is_gone_at_once() {
    for end in ["revoke(load64(0))", "keydrop(load64(8))", "destroy(page)", "keymove(load64(8), 12)"] {
        natively_alike(
            &format!(
                "
page page {{ words 8 }}
        keyroom(16)
        gate(page)
        store64(0)
        dup
        store64(8)
        drop
        3
again:  call(get 0, :outer)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return
func outer 1 -> 0, 1
next:   store64 4 + 2 (8, add(load64 4 + 2 (8), get 1))
        store64 4 + page (16, add(load64 4 + page (8), get 1))
        set 1 (add(get 1, 1))
        jumpif(lt(get 1, 4), :next)
        call(get 0, :take)
        store64(16, load64 4 + page (16))
        store64 4 + 2 (8, load64 4 + 2 (16))
        ret
func take 1 -> 0
        jumpif(gt(get 0, 2), :end)
        {end}
end:    ret
data {{ words 4 }}"
            ),
            600,
        );
    }
}

/// A process `boss`, among these objects, that calls its key 1 again and again: code `ending`, two calls deep in which
/// `end` is executed.
fn ending(objects: &str, end: &str) -> Image<'static> {
    image(&format!(
        "
image {{ root boss }}
meter all {{}}
{objects}
code calls {{
again:  recurse 0 (1, 1000, 1000)
        drop
        drop
        jump(:again)
}}
code ending {{
        3
again:  call(get 0, :down)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        halt
        func down 1 -> 0
        store64(0, add(load64(0), get 0))
        jumpif(gt(get 0, 1), :end)
        {end}
        store64(8, 1)
end:    ret
}}"
    ))
}

#[test]
fn a_process_whose_code_is_destroyed_ends_after_that_instruction() {
    let objects = "
process boss { code calls  standing  keys { 1: child(call|read) } }
process child { code ending  keys { 1: ending(all)  2: boss(read) }  data { words 2 } }";
    alike(&ending(objects, "destroy(1)"), 700);
}

#[test]
fn what_is_destroyed_stopped_or_moved_in_a_native_call_chain_ends_what_it_must_and_nothing_else() {
    let objects = "
meter small { under all  gas_limit 5000 }
process boss under small { code calls  standing  keys { 1: child(call|read) } }
process child { code ending  keys { 1: boss(all)  2: small(all)  3: idle(all) }  data { words 2 } }
process idle { code calls }";
    for end in [
        "destroy(1)",
        "destroy(2)",
        "destroy(3)",
        "destroy(0)",
        "destroy(attenuate(3, 128))",
        "stop(1)",
        "stop(2)",
        "stop(3)",
        "stop(0)",
        "start(2)",
        "start(3)",
        "setmeter(3, 2)",
        "setmeter(3, 9)",
        "setmeter(1, 2)",
    ] {
        alike(&ending(objects, end), 400);
    }
}

#[test]
fn a_tiny_callee_of_native_code_may_end_in_any_way() {
    for end in [
        "return 1 (add(get 0, 1))",
        "return",
        "yield 1 (get 0)",
        "fail",
        "halt",
        "div(get 0, 0)",
        "store64(0, get 0)",
        "recurse 0 (1, 100, 100)",
        "recurse 1 (5, 4, 20, 100)",
        "create(2, 0)",
        "destroy(0)",
        "destroy(1)",
        "destroy(2)",
        "destroy(3)",
        "stop(1)",
        "stop(3)",
        "random(0, 0)",
    ] {
        alike(
            &image(&format!(
                "
image {{ root boss }}
meter all {{}}
meter small {{ under all  gas_limit 5000 }}
process boss under small {{ code calls  standing  keys {{ 1: child(call|read) }} }}
process child {{ code tiny  keys {{ 1: boss(all)  2: tiny(all)  3: small(all)  4: other(all) }} }}
process other {{ code tiny }}
code calls {{
        6
again:  recurse 1 (get 0, 1, 60, 300)
        drop
        drop
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return
}}
code tiny {{
        {end}
        return 1 (7)
}}"
            )),
            400,
        );
    }
}

#[test]
fn code_that_a_program_makes_runs_natively_too() {
    natively_alike(
        "
code pattern {
        store64at 2, 0 (8)
again:  call(load64at 2, 0, :square)
        drop
        store64at 2, 0 (sub(load64at 2, 0, 1))
        jumpif(load64at 2, 0, :again)
        return 1 (load64at 2, 8)
        func square 1 -> 1
        store64at 2, 8 (add(load64at 2, 8, get 0))
        ret(mul(get 0, get 0))
}
        3
again:  pagenew(size 4 + pattern)
        copy 6, 4 + pattern (0, 0, mul(size 4 + pattern, 8))
        drop(codeseal(get 1))
        create(get 1, 2)
        recurse(get 2, 1000, 1000)
        drop
        drop
        store64(0)
        destroy(get 2)
        destroy(get 1)
        drop
        keydrop
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (load64(0))
data { words 1 }",
        900,
    );
}

#[test]
fn a_nan_s_bits_are_the_same_through_loops_calls_and_exits() {
    for nan in
        ["nan", "0x7ff80000deadbeef", "0xfff0000000000001", "0xffffffff7fa00001", "0x7fa00001", "0x7fc00000"]
    {
        for (op, neg) in [
            ("fadd", "fneg"),
            ("fmul32", "fneg32"),
            ("fmin", "fabs"),
            ("fmax32", "fabs32"),
            ("fcopysign", "fsqrt"),
        ] {
            natively_alike(
                &format!(
                    "
        {nan}
        4
again:  swap
        {op}(1.5)
        {neg}
        swap
        sub(1)
        dup
        jumpif(:again)
        drop
        store64(0, get 0)
        call(get 0, {nan}, :through)
        set 0
        {neg}(get 0)
        drop(load64(div(8, load64(8))))
        return 1 (get 0)
func through 2 -> 1, 1
        set 2 (select({op}(get 0, get 1), {neg}(get 1), load64(8)))
        store64(16, get 2)
        call(get 2, {op}(get 2, get 0), :deeper)
        {op}(get 2)
        ret
func deeper 2 -> 1
        fail(get 0)
        ret(get 1)
data {{ words 4 }}"
                ),
                120,
            );
        }
    }
}

#[test]
fn a_nan_that_is_to_stay_stays_where_it_meets_one_that_is_to_be_canonical() {
    for nan in ["0xfff8000000000001", "0x7ff80000deadbeef", "0xffc00001", "1.5", "nan"] {
        for (add, wide) in [("fadd", ""), ("fadd32", "32")] {
            natively_alike(
                &format!(
                    "
        {nan}
        8
again:  jumpif(and(get 1, 1), :odd)
        set 0 ({add}(get 0, {nan}))
        jump(:next)
odd:    set 0 (call(get 0, {nan}, get 1, :choose))
next:   set 1 (sub(get 1, 1))
        jumpif(get 1, :again)
        return 1 (get 0)
func choose 3 -> 1, 1
        set 3 (fneg{wide}({nan}))
        set 3 (select({add}(get 0, get 1), get 3, and(get 2, 2)))
more:   jumpz(get 2, :end)
        store64 2 (mul(get 2, 8), get 3)
        jumpif(eq(get 2, 3), :skip)
        set 3 ({add}(get 3, get 1))
        jumpif(eq(get 2, 5), :raw)
skip:   set 2 (sub(get 2, 1))
        jump(:more)
raw:    ret({add}(get 3, 0))
end:    ret(get 3)
data {{ words 10 }}"
                ),
                500,
            );
        }
    }
}

#[test]
fn what_native_code_stores_is_hashed_between_slices() {
    // More than a leaf of 4 KiB in each, written across its bounds.
    natively_alike(
        "
page page { words 1500 }
        40
again:  call(get 0, :spread)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return
func spread 1 -> 0, 1
        set 1 (add(mul(get 0, 273), 4093))
        store64(get 1, not(get 0))
        store32 4 + page (get 1, get 0)
        store8 4 + page (mul(get 0, 200), 255)
        memwrite(2, add(get 0, 1000), get 1)
        statehash(page)
        slide 0, 4
        ret
data { words 2100 }",
        2600,
    );
}

#[test]
fn gas_beyond_what_native_code_counts_is_used_and_charged_like_any_other() {
    let image = image(
        "
        30
again:  memresize(2, add(get 0, 2))
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (get 0)
data { words 40 }",
    );
    for gas in [1 << 31, 1 << 40, u64::MAX] {
        alike_in_one(&image, gas);
    }
}

#[test]
fn a_limit_of_gas_that_a_program_raises_and_lowers_as_it_runs_counts_at_once() {
    let image = image(
        "
image { root r }
meter prime { }
meter small { under prime  gas_limit 1000 }
code program {
        12
again:  call(get 0, :limit)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (get 0)
func limit 1 -> 0
        meterlimit(1, 1, add(500, mul(mul(get 0, get 0), 25)))
        meterlimit(1, 1, add(500, mul(xor(get 0, 3), 250)))
        ret
}
process r under small { code program standing keys { 1: small(all) } }",
    );
    alike_in_one(&image, 100_000);
    alike(&image, 400);
}

#[test]
fn a_computed_jump_goes_to_any_index_with_all_that_is_on_the_stack() {
    for call in ["call(1, :threaded)", "1"] {
        natively_alike(
            &format!(
                "
        {call}
        jumpif(gt(get 0, 100), :enough)
        push :more
        jumpto
enough: return 1 (get 0)
more:   call(7, :threaded)
        return 2 (add(get 0, get 1), load64 2 (0))
func threaded 1 -> 1, 2
        params x
        locals pc, y
next:   jumpto(load64 2, 8 (shl(load8 2, 104 (get pc), 3)))
double: set x (mul(get x, 2))
        jump(:step)
plus:   set y (add(get y, get x))
step:   set pc (add(get pc, 1))
        jump(:next)
back:   store64 (0, get y)
        jumpz(get y, :double)
        set pc (sub(get pc, 3))
        set y (shr(get y, 7))
        jumpif(lt(get x, 5000), :next)
        jump(:step)
out:    ret(get y)
data {{
        u64 0
        u64 :double, :plus, :back, :out, 1_000_000, 0x1_0000_0000_0001, 3, 4, 5, 6, 7, 8
        u8 0, 1, 1, 0, 2, 0, 1, 2, 1, 3
}}"
            ),
            900,
        );
    }
    for target in ["-1", "1_000_000", "0x1_0000_0003", ":end"] {
        alike(&image(&format!("        1\n        push {target}\n        jumpto\n        drop\nend:")), 40);
    }
}

#[test]
fn a_subroutine_goes_on_with_one_that_an_operand_names() {
    for (memory, which) in
        [("2", "and(get n, 1)"), ("4 + page", "and(get n, 1)"), ("2", "and(get n, 2)"), ("1", "3")]
    {
        alike(
            &image(&format!(
                "
page page {{ u64 :even, :odd }}
        return 2 (call(30, 7, :even), call(21, 0, :even))
func even 2 -> 1
        params n, sum
        jumpz(get n, :done)
        tailcallto 2->1+1 (sub(get n, 1), add(get sum, get n), :odd)
done:   ret(get sum)
func odd 2 -> 1, 1
        params n, sum
        locals x
        set x (mul(get n, 3))
        jumpif(gt(get n, 60), :wrong)
        tailcalltable 2->1, {memory} (sub(get n, 1), xor(get sum, get x), {which})
wrong:  tailcallto 1->0 (get n, get sum)
data {{ u64 :even, :odd, 5 }}"
            )),
            700,
        );
    }
    natively_alike(
        "
        return 1 (call(200, 0, :first))
func first 2 -> 1
        jumpz(get 0, :done)
        tailcallto 2->1 (sub(get 0, 1), add(get 1, get 0), :second)
done:   ret(get 1)
func second 2 -> 1
        tailcalltable 2->1, 2 (get 0, xor(get 1, 5), 0)
data { u64 :first }",
        900,
    );
}

#[test]
fn a_cycle_that_is_entered_at_two_places_inside_a_loop_is_metered_in_every_round() {
    // Once `rounds` is 1 it goes round between `a` and `b` for ever.
    let source = "
        locals rounds = 4, x, y
head:   set x (add(get x, 1))
        set rounds (sub(get rounds, 1))
        jumpif(and(get x, 1), :b)
a:      set y (add(get y, 1))
        jumpif(gt(get rounds, 1), :head)
b:      set y (add(get y, 2))
        jumpif(le(get rounds, 1), :a)
        jump :head";
    natively_alike(source, 700);
}
