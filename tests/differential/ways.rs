//! Ways through a unit that cost differently: what is left of the gas is exact wherever one of them is cut or traps.

use crate::directed::natively_alike;

/// A loop of so many turns, each of which is `body`.
fn looping(turns: u64, body: &str) -> String {
    format!(
        "
        call({turns}, :walk)
        return 1
func walk 1 -> 1, 3
        params turns
        locals a, b, c
again:  set a (add(mul(get a, 5), get turns))
        {body}
next:   jumpif(tee turns (sub(get turns, 1)), :again)
        ret(xor(get b, get c))
func twice 1 -> 1, 9
        params x
        ret(add(get x, get x))
data {{ words 8 }}"
    )
}

#[test]
fn a_loop_with_ways_of_different_cost_stops_at_each_of_their_instructions() {
    let bodies = [
        // One way, two, one that goes back early, one that leaves early.
        "set b (add(get b, get a))",
        "jumpif(and(get a, 1), :odd)\n set b (add(get b, 3))\n jump(:both)\nodd:\n set c (xor(get c, mul(get a, get b)))\nboth:\n set c (add(get c, 1))",
        "jumpz(and(get a, 3), :next)\n set b (add(get b, add(get a, 7)))",
        "jumpz(and(get a, 6), :again)\n set b (add(get b, 1))",
        "jumpif(eq(get turns, 3), :early)\n set b (add(get b, get a))\n jump(:next)\nearly:\n ret(get turns)",
        "switch [:none, :one, :two, :more] (and(get a, 3))\nnone:\n jump(:next)\none:\n set b (add(get b, 1))\n jump(:next)\ntwo:\n set c (mul(add(get c, 2), get a))\n jump(:next)\nmore:\n jumpif(and(get a, 8), :next)\n set c (add(get c, 2))",
        // Instructions that cost more than 1, calls, and a loop in the loop.
        "get a\n get b\n get c\n slide 1, 2\n set b",
        "set b (call(get b, :twice))",
        "jumpif(and(get a, 4), :next)\n set b (add(1, call(call(get b, :twice), :twice)))",
        "set b (and(get a, 7))\ninner:\n set c (add(get c, load8 2 (get b)))\n jumpif(tee b (sub(get b, 1)), :inner)",
        // What traps in the end.
        "set b (div(100, sub(get turns, 4)))",
        "jumpif(and(get a, 1), :next)\n store64 2 (shl(get b, 3), get a)\n set b (add(get b, 1))\n set c (load64 2 (shl(get c, 2)))",
    ];
    for body in bodies {
        natively_alike(&looping(28, body), 700);
    }
}
