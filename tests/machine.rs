//! The machine from outside: running, slices, budgets, saving.

use keyvm::isa::Status;
use keyvm::isa::image::Image;
use keyvm::{Args, Engine, Event, Hosts, Machine, Tier, asm};

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

fn load(image: &Image<'_>, engine: &Engine) -> Machine {
    Machine::with_engine(image, engine).expect("it is consistent")
}

/// Adds up the messages in its data, and yields the sum.
const SUM: &str = "
again:  load64 2, 0 (0)
        add
        0
        swap
        store64 2, 0
        yield 1 (load64 2, 0 (0))
        jump(:again)
data { words 1 }";

#[test]
fn a_process_that_waits_for_the_host_is_seen_as_it_is_and_may_be_changed() {
    let image = asm::assemble(SUM).unwrap_or_else(|errors| panic!("{errors:?}"));
    for engine in [Tier::Interpreter, Tier::Jit].map(Engine::new) {
        let (mut left_alone, mut looked_at) = (load(&image, &engine), load(&image, &engine));
        let root = looked_at.root();
        let mut sum = 0_u64;
        for turn in 1..41 {
            sum += turn;
            let event = Event::Yielded([sum].into());
            assert_eq!(left_alone.run_with(u64::MAX, &[turn]), event);
            if turn % 5 == 0 {
                looked_at.interrupt_handle().interrupt();
                assert_eq!(looked_at.run_with(u64::MAX, &[turn]), Event::Interrupted);
                if turn % 2 == 0 {
                    looked_at = load(&looked_at.image(), &engine);
                }
                assert_eq!(looked_at.run(u64::MAX), event);
            } else {
                assert_eq!(looked_at.run_with(u64::MAX, &[turn]), event);
            }
            assert_eq!(looked_at.bytes(root), Some(&sum.to_le_bytes()[..]));
            match turn % 4 {
                0 => {
                    sum *= 3;
                    for machine in [&mut left_alone, &mut looked_at] {
                        machine.write_bytes(root, 0, &sum.to_le_bytes()).expect("it is inside");
                    }
                }
                1 => looked_at.audit().expect("the books balance"),
                2 => looked_at.set_gas_limit(u64::MAX),
                _ => looked_at = load(&looked_at.image(), &engine),
            }
            assert_eq!(looked_at.bytes(root), Some(&sum.to_le_bytes()[..]));
        }
        assert_eq!(looked_at.state_hash(), left_alone.state_hash());
    }
}

#[test]
fn a_process_that_waits_for_the_host_takes_no_message_that_it_has_no_room_for() {
    let mut machine = machine("yield 0\nyield 1 (height)");
    assert_eq!(machine.run(u64::MAX), Event::Yielded([].into()));
    assert_eq!(machine.run_with(u64::MAX, &[0; 17]), Event::NotCalled(Status::Full));
    assert_eq!(machine.run_with(u64::MAX, &[0; 16]), Event::Yielded([16].into()));
}

#[test]
fn the_image_that_a_machine_becomes_is_the_one_that_it_gives() {
    let source = "
page p { words 600 }
        store64 p + 4, 8 (0, 42)
        store64 2, 0 (0, 7)
        yield 0
data { words 3 }";
    for events in [0, 1] {
        let mut machine = machine(source);
        for _ in 0..events {
            assert_eq!(machine.run(u64::MAX), Event::Yielded([].into()));
        }
        let given = machine.image().into_owned();
        assert_eq!(machine.into_image(), given);
    }
}
