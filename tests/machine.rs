//! The machine from outside: running, slices, budgets, saving.

use keyvm::{Args, Event, Hosts, Machine, asm};

fn machine(source: &str) -> Machine {
    let image = asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    Machine::new(&image).expect("the assembler gives consistent images")
}

#[test]
fn a_yield_gives_its_words_to_the_host_and_goes_on_behind_it() {
    let mut machine = machine("yield 1 (add(40, 2))\nyield 2 (1, 2)");
    assert_eq!(machine.run(u64::MAX), Event::Yielded([42].into()));
    assert_eq!(machine.run(u64::MAX), Event::Yielded([1, 2].into()));
    assert_eq!(machine.run(u64::MAX), Event::Halted);
}

#[test]
fn an_argument_comes_through_its_host_key() {
    let mut machine = machine("host args\ndrop(drop(invoke 2 (3, 0, args)))\nyield 1");
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41"]));
    assert_eq!(machine.run_hosted(u64::MAX, &mut hosts), Event::Yielded([41].into()));
}

#[test]
fn out_of_gas_stops_before_the_instruction_and_goes_on_when_refuelled() {
    let source = "yield 1 (add(40, 2))";
    let mut machine = machine(source);
    machine.set_gas_limit(7);
    // push, push, add cost 3; the yield of one word costs 5.
    assert_eq!(machine.run(u64::MAX), Event::OutOfGas(5));
    assert_eq!(machine.budget().gas_used, 3);
    machine.set_gas_limit(8);
    assert_eq!(machine.run(u64::MAX), Event::Yielded([42].into()));
    assert_eq!(machine.budget().gas_left(), 0);
}
