//! Loops in loops, which are cut in the middle and entered there.

use super::directed::{compilers, image, natively_alike};
use keyvm::{Event, Machine};

/// Three loops in each other, with work in each.
const NEST: &str = "
        return 1 (call(20, :nest))
func nest 1 -> 1, 5
        params n
        locals i, j, k, s, x
a:      set j (0)
        set x (add(get x, 7))
b:      set k (0)
        set s (xor(get s, mul(get j, get x)))
c:      set s (add(mul(get s, 3), xor(get k, load64 2, 8 (shl(and(get s, 7), 3)))))
        store64 2, 8 (shl(get k, 3), get s)
        jumpif(lt(tee k (add(get k, 1)), 12), :c)
        set x (add(get x, get s))
        jumpif(lt(tee j (add(get j, 1)), 9), :b)
        jumpif(lt(tee i (add(get i, 1)), get n), :a)
        ret(get s)
data { words 32 }";

#[test]
fn a_nest_of_loops_that_is_entered_anywhere_goes_on_as_one_that_is_not_left() {
    natively_alike(NEST, 1_500);
}

#[test]
fn loops_that_keep_operands_for_those_around_them_are_entered_with_all_of_them() {
    natively_alike(
        "
        4
outer:  7
middle: 5
inner:  sub(1)
        dup
        jumpif(:inner)
        drop
        sub(1)
        dup
        jumpif(:middle)
        drop
        sub(1)
        dup
        jumpif(:outer)
        return 1 ()",
        900,
    );
}

#[test]
fn a_loop_with_its_condition_first_and_one_with_it_last_are_left_for_each_other() {
    natively_alike(
        "
        return 1 (call(9, :f))
func f 1 -> 1, 3
        params n
        locals i, j, s
head:   jumpz(lt(get i, get n), :done)
        set j (0)
        jump(:bound)
body:   set s (add(mul(get s, 5), call(get j, get s, :mix)))
        jumpif(and(get s, 8), :skip)
        set s (xor(get s, get i))
skip:   set j (add(get j, 1))
bound:  jumpif(lt(get j, 6), :body)
        set i (add(get i, 1))
        jump(:head)
done:   ret(get s)
func mix 2 -> 1, 0
        params a, b
        ret(xor(shl(get a, 3), shr(get b, 2)))",
        1_500,
    );
}

#[test]
fn a_loop_whose_code_does_not_lie_in_order_is_entered_anywhere() {
    natively_alike(
        "
        60
        jump(:first)
last:   jumpif(and(get 0, 3), :first)
        set 1 (add(get 1, 100))
        jump(:first)
middle: set 1 (xor(get 1, get 0))
        jump(:last)
first:  jumpif(eq(height, 2), :on)
        0
on:     set 0 (sub(get 0, 1))
        jumpif(get 0, :middle)
        return 1 (get 1)",
        900,
    );
}

/// Runs it in slices of so much gas. Gives its result, and how often native code was entered in each.
fn entries(machine: &mut Machine, slice: u64) -> (Event, Vec<u64>) {
    let mut entries = Vec::new();
    loop {
        let before = machine.run_stats().entries;
        let event = machine.run(slice);
        entries.push(machine.run_stats().entries - before);
        if event != Event::Paused {
            return (event, entries);
        }
    }
}

#[test]
fn a_nest_that_was_left_in_the_middle_is_soon_in_the_code_of_its_outermost_loop_again() {
    let source = NEST.replace("call(20", "call(2_000");
    let image = image(&source);
    let mut reference = Machine::new(&image).expect("it is consistent");
    let expected = reference.run(u64::MAX);
    for engine in compilers() {
        let mut machine = Machine::with_engine(&image, &engine).expect("it is consistent");
        let (event, entries) = entries(&mut machine, 50_021);
        assert_eq!(event, expected);
        assert!(entries.len() > 80, "it is cut often: {}", entries.len());
        // The innermost loop, the one around it, and all of them; and where it returns.
        assert!(entries.iter().all(|&entries| entries <= 5), "{entries:?}");
        let stats = machine.run_stats();
        assert!(stats.instructions * 50 > machine.instructions() * 49, "{stats:?}");
    }
}
