//! What an engine tells of its work, and for whom it works first.

use keyvm::image::Hash;
use keyvm::isa::image::Image;
use keyvm::{Engine, Event, Machine, Tier, asm};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

/// As long as a thread may take that nothing keeps from going on.
const LONG: Duration = Duration::from_secs(60);

/// So many subroutines, each with a loop that is hot when it has run once. The first runs until hot code is looked for.
fn loops(count: usize) -> Image<'static> {
    let mut source = String::new();
    for index in 0..count {
        let turns = if index == 0 { 20_000 } else { 300 };
        source += &format!("        drop(call({turns}, :sum{index}))\n");
    }
    source += "        halt\n";
    for index in 0..count {
        source += &format!(
            "func sum{index} 1 -> 1, 1
again{index}: set 1 (add(mul(get 1, {}), load64 2 (and(get 0, 56))))
        store64 2 (and(get 1, 56), get 1)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again{index})
        ret(get 1)\n",
            2 * index + 3
        );
    }
    asm::assemble(&(source + "data { words 8 }")).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn run(image: &Image<'_>, engine: &Engine) -> Event {
    Machine::with_engine(image, engine).expect("it is consistent").run(u64::MAX)
}

#[test]
fn what_is_told_of_compiled_code_may_run_machines_on_the_same_engine() {
    for tier in [Tier::Jit, Tier::Auto] {
        let (done, is_done) = channel();
        let engine = Engine::new(tier);
        let (inner, first) = (engine.clone(), AtomicBool::new(true));
        let hook = move |_: &_| {
            if first.swap(false, Ordering::Relaxed) {
                assert_eq!(run(&loops(3), &inner), Event::Halted);
                assert!(!inner.on_compiled(|_| {}), "there is one already");
                done.send(inner.stats()).expect("somebody waits");
            }
        };
        assert!(engine.on_compiled(hook));
        let other = engine.clone();
        let runs = std::thread::spawn(move || run(&loops(2), &other));
        let stats = is_done.recv_timeout(LONG).expect("the hook comes to its end");
        assert_eq!(runs.join().expect("it does not panic"), Event::Halted);
        // Before the hook was told anything, nothing had been counted: this is what it had compiled itself.
        assert_eq!(stats.batches > 0, tier == Tier::Jit);
    }
}

#[test]
fn a_machine_that_asks_for_much_does_not_keep_the_compiler_from_others() {
    let (greedy, modest) = (loops(200), loops(1));
    let told: Arc<Mutex<Vec<Hash>>> = Arc::default();
    let (go, gate) = channel::<()>();
    let gate: Mutex<Option<Receiver<()>>> = Mutex::new(Some(gate));
    let (begun, has_begun) = channel();
    let engine = Engine::new(Tier::Auto);
    let list = Arc::clone(&told);
    engine.on_compiled(move |function| {
        list.lock().expect("nobody panics with it").push(function.code);
        // The first thing waits until all have asked.
        let gate = gate.lock().expect("nobody panics with it").take();
        if let Some(gate) = gate {
            begun.send(()).expect("somebody waits");
            gate.recv_timeout(LONG).expect("it is told to go on");
        }
    });
    assert_eq!(run(&greedy, &engine), Event::Halted);
    has_begun.recv_timeout(LONG).expect("something is hot");
    assert_eq!(run(&greedy, &engine), Event::Halted);
    assert_eq!(run(&modest, &engine), Event::Halted);
    go.send(()).expect("it waits");
    let first = told.lock().expect("nobody panics with it")[0];
    let mut order = Vec::new();
    for _ in 0..LONG.as_millis() / 10 {
        order.clone_from(&told.lock().expect("nobody panics with it"));
        if order.len() > 40 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = order.iter().take_while(|&&code| code == first).count();
    let more = order.iter().skip(before).filter(|&&code| code == first).count();
    // Two of the machines have asked for more than there is room for.
    assert!(before <= 4 && more > 20, "{before} before the modest one, {more} behind it");
}

#[test]
fn machines_that_begin_with_a_page_at_once_have_it_compiled_once() {
    const THREADS: usize = 6;
    let image = loops(12);
    let alone = Engine::new(Tier::Jit);
    assert_eq!(run(&image, &alone), Event::Halted);
    let engine = Engine::new(Tier::Jit);
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                assert_eq!(run(&image, &engine), Event::Halted);
            });
        }
    });
    // What all of them run is worth optimizing, perhaps; what one runs is not.
    let quick = |engine: &Engine| engine.stats().batches - engine.stats().optimized;
    assert_eq!(quick(&engine), quick(&alone));
}
