//! Subroutines that are called by an index among the operands, or from a table in memory: nothing that is compiled names
//! them.

use super::directed::image;
use keyvm::isa::Code;
use keyvm::isa::image::{Body, Image};
use keyvm::jit::Root;
use keyvm::{Engine, Event, Exit, Machine, Tier};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// Calls a subroutine two thousand times for each yield; from the hundredth on another in turn with it.
fn calling(call: &str) -> String {
    format!(
        "locals left, sum, callee, turn
again:  set left (2_000)
more:   set callee (:one)
        jumpif(and(lt(get turn, 100), 1), :known)
        set callee (add(:one, mul(and(get left, 1), sub(:two, :one))))
known:  store64 2, 0 (0, get callee)
        set sum ({call})
        set left (sub(get left, 1))
        jumpif(get left, :more)
        yield 1 (get sum)
        set turn (add(get turn, 1))
        jump(:again)
func one 1 -> 1
        ret(mul(add(get 0, 1), 7))
func two 1 -> 1
        ret(xor(mul(get 0, 3), 5))
func through 2 -> 1
        tailcallto 1->1 (get 0, get 1)
data {{ words 2 }}"
    )
}

const CALLS: [&str; 3] = [
    "callto 1->1 (get sum, get callee)",
    "calltable 1->1, 2 (get sum, 0)",
    "call(get sum, get callee, :through)",
];

/// Where the first two subroutines begin.
fn first_subroutines(image: &Image<'_>) -> Vec<u32> {
    let words = image.objects.iter().find_map(|object| match &object.body {
        Body::Code(words) => Some(words.to_vec()),
        _ => None,
    });
    let code = Code::new(words.expect("a program has code")).expect("it is consistent");
    (0..code.len() as u32).filter(|&index| code.func_at(index.into()).is_some()).take(2).collect()
}

#[test]
fn what_is_called_by_a_number_is_compiled_and_optimized() {
    for (call, tier) in CALLS.iter().flat_map(|call| [(call, Tier::Jit), (call, Tier::Auto)]) {
        let image = image(&calling(call));
        let callees = first_subroutines(&image);
        let engine = Engine::new(tier);
        let made = Arc::new(Mutex::new(BTreeMap::<u32, u32>::new()));
        let noted = Arc::clone(&made);
        assert!(engine.on_compiled(move |function| {
            if let Root::Subroutine(index) = function.root {
                *noted.lock().expect("nobody panics with it").entry(index).or_default() += 1;
            }
        }));
        let mut machine = Machine::with_engine(&image, &engine).expect("it is consistent");
        let mut reference = Machine::with_engine(&image, &Engine::default()).expect("it is consistent");
        let missing = |machine: &Machine| machine.run_stats().exits[Exit::Callee as usize];
        let all_optimized = || {
            let made = made.lock().expect("nobody panics with it");
            // Of what is found late no quick code is made, if nobody waits for it.
            let times = [2, if tier == Tier::Jit { 2 } else { 1 }];
            callees.iter().zip(times).all(|(index, times)| made.get(index).is_some_and(|&made| made >= times))
        };
        let mut turns = 0;
        while turns < 150 || !all_optimized() {
            assert!(turns < 5_000, "{call}, {tier:?}: {:?}, {:?}", made.lock(), machine.run_stats());
            let yielded = machine.run(u64::MAX);
            assert!(matches!(yielded, Event::Yielded(_)), "{yielded:?}");
            assert_eq!(yielded, reference.run(u64::MAX), "{call}, {tier:?}, turn {turns}");
            assert_eq!(machine.instructions(), reference.instructions());
            sleep(Duration::from_micros(200));
            turns += 1;
        }
        let (missed, native) = (missing(&machine), machine.run_stats().instructions);
        let before = machine.instructions();
        for _ in 0..10 {
            assert_eq!(machine.run(u64::MAX), reference.run(u64::MAX), "{call}, {tier:?}");
        }
        assert_eq!(missing(&machine), missed, "{call}, {tier:?}");
        let (native, all) = (machine.run_stats().instructions - native, machine.instructions() - before);
        assert!(native * 100 >= all * 99, "{call}, {tier:?}: {native} of {all}");
        assert_eq!(machine.state_hash(), reference.state_hash());
    }
}
