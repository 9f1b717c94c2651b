//! Quick code, and the optimized code that takes its place.

use super::directed::image;
use keyvm::isa::image::{Body, Image};
use keyvm::{Engine, Machine, Tier};
use std::thread::sleep;
use std::time::Duration;

/// A long loop that calls, stores, and computes with floats, on a page that is at least so long.
fn long(words: usize) -> Image<'static> {
    let source = "
        5_000_000
        0.0
again:  set 1 (fadd(get 1, call(get 0, :f)))
        store64 2, 0 (and(get 0, 0xff8), get 1)
        set 0 (sub(get 0, 1))
        jumpif(get 0, :again)
        return 1 (get 1)
func f 1 -> 1, 0
        ret(fmul(itof(and(get 0, 15)), 0.25))
";
    let image = image(&format!("{source}{}data {{ words 512 }}", "        nop\n".repeat(words)));
    let code = |body: &Body<'_>| matches!(body, Body::Code(code) if code.len() >= words);
    assert!(image.objects.iter().any(|object| code(&object.body)));
    image
}

/// Runs it in slices until something has been optimized and some more, and holds it against the interpreter.
fn is_optimized_while_it_runs(image: &Image<'_>, engine: &Engine) {
    let slice = 40_000;
    let mut machine = Machine::with_engine(image, engine).expect("it is consistent");
    let mut expected = Machine::with_engine(image, &Engine::default()).expect("it is consistent");
    machine.run(slice);
    expected.run(slice);
    assert_eq!(engine.stats().optimized, 0);
    let mut more = 10;
    for _ in 0..500 {
        assert_eq!(machine.run(slice), expected.run(slice));
        assert_eq!(machine.instructions(), expected.instructions());
        assert_eq!(machine.state_hash(), expected.state_hash());
        sleep(Duration::from_millis(1));
        more -= i32::from(engine.stats().optimized > 0);
        if more == 0 {
            return;
        }
    }
    panic!("nothing was optimized: {:?}, {:?}", engine.stats(), machine.run_stats());
}

#[test]
fn what_runs_long_is_optimized_while_it_runs() {
    is_optimized_while_it_runs(&long(0), &Engine::new(Tier::Auto));
}

#[test]
fn what_is_compiled_before_it_first_runs_is_optimized_while_it_runs() {
    for words in [0, 3_000] {
        is_optimized_while_it_runs(&long(words), &Engine::new(Tier::Jit));
    }
}

#[test]
fn nothing_is_interpreted_before_it_is_optimized() {
    let engine = Engine::new(Tier::Jit);
    let mut machine = Machine::with_engine(&long(0), &engine).expect("it is consistent");
    machine.run(1_000);
    let (run, stats) = (machine.run_stats(), engine.stats());
    assert!(stats.batches > 0 && stats.optimized == 0, "{stats:?}");
    assert!(run.instructions * 10 > machine.instructions() * 9, "{run:?}");
}
