//! How much native stack native code takes.

use super::directed::image;
use keyvm::isa::image::Image;
use keyvm::{CompilerOptions, Engine, Event, Levels, Machine, Tier};

/// Runs an image at a level on a thread with no more native stack than is promised.
fn returns_on_a_small_stack(image: &Image<'static>, levels: Levels) {
    // It is compiled on the same thread, and the compiler takes more where it is not optimized itself.
    let bytes = if cfg!(debug_assertions) { 8 << 20 } else { 256 << 10 };
    let image = image.clone();
    let options = CompilerOptions { levels, ..CompilerOptions::default() };
    let thread = std::thread::Builder::new().stack_size(bytes);
    let event = thread.spawn(move || {
        let engine = Engine::with_options(Tier::Jit, options);
        Machine::with_engine(&image, &engine).expect("it is consistent").run(u64::MAX)
    });
    let event = event.expect("a thread starts").join().expect("it does not panic");
    assert_eq!(event, Event::Returned([].into()));
}

/// Calls `leaf` below so many calls as there are, down from `deepest`. Thousands of products stay in its loop: its native
/// frame has a place for each.
fn leaf_with_a_large_frame(deepest: u32) -> String {
    let products: u32 = if cfg!(debug_assertions) { 200 } else { 3250 };
    let slots = |each: &dyn Fn(u32) -> String| (1..13).map(each).collect::<String>();
    let (held, added) =
        (slots(&|slot| format!("set {slot} (load64at 2, 8)\n")), slots(&|slot| format!("add(get {slot})\n")));
    let products: String = (0..products)
        .map(|product| format!("get 0\n push {}\n fmul\n fadd\n", 1_000_003 + 2 * u64::from(product)))
        .collect();
    format!(
        "
page page {{ words 4096 }}
        drop(call(3000, :down))
        {deepest}
again:  drop(call(get 0, :down))
        set 0 (sub(get 0, 10))
        jumpif(gt(get 0, 1000), :again)
        return
func down 1 -> 1, 12
        jumpz(get 0, :bottom)
        {held}
        store64(0, call(sub(get 0, 1), :down))
        get 0
        {added}
        ret
bottom: ret(call(3, 4, :leaf))
func leaf 2 -> 1, 1
next:   get 2
        {products}
        set 2
        set 1 (sub(get 1, 1))
        jumpif(get 1, :next)
        statehash(page)
        slide 0, 3
        ret(get 2)
data {{ words 2 }}"
    )
}

#[test]
fn a_leaf_with_a_large_native_frame_needs_no_more_native_stack_than_is_promised() {
    let image = image(&leaf_with_a_large_frame(1500));
    for levels in [Levels::Quick, Levels::Optimized] {
        returns_on_a_small_stack(&image, levels);
    }
}

/// A recursion with ten rows of so many floats that are all there at once: a compiler that gives each a place of its own
/// on the native stack makes a large frame of them.
fn recursion_with_a_large_frame(floats: u32, depth: u32) -> String {
    let floats = if cfg!(debug_assertions) { floats / 20 } else { floats };
    let many = |text: &str, count| text.repeat(count as usize);
    let row = format!("get 0\n {} {} set 0\n", many("dup\n fneg\n", floats), many("fadd\n", floats));
    format!(
        "
        drop(call(1, {depth}, :down))
        return
func down 2 -> 1
        jumpz(get 1, :bottom)
        drop(call(get 0, sub(get 1, 1), :down))
        {}
bottom: ret(get 0)",
        many(&row, 10)
    )
}

#[test]
fn a_recursion_with_a_large_native_frame_needs_no_more_native_stack_than_is_promised() {
    // As many as the frame may be of: that just fits so many times below the limit is as bad as it gets.
    for floats in [300, 400, 404, 408, 412, 490] {
        let image = image(&recursion_with_a_large_frame(floats, 2000));
        for levels in [Levels::Quick, Levels::Optimized] {
            returns_on_a_small_stack(&image, levels);
        }
    }
}
