//! The programs that engines are compared by: they give what the same algorithms in Rust give, every time.

mod compiling;
#[path = "../benches/et/mod.rs"]
mod et;
#[path = "../benches/native/mod.rs"]
mod native;

use compiling::compiling;
use keyvm::{Engine, Levels};
use native::Program;

/// Runs the program twice with each size, as nothing the first run leaves may matter, and compares with the Rust.
fn check(program: &Program, sizes: &[u64]) {
    for &size in sizes {
        let expected = (program.native)(size)();
        let mut machine = program.machine(size, &Engine::default());
        for _ in 0..2 {
            assert_eq!(native::run(&mut machine), expected, "{} of {size}", program.name);
        }
    }
}

#[test]
fn fib() {
    check(&native::FIB, &[0, 1, 2, 3, 15]);
    assert_eq!((native::FIB.native)(20)(), 6765);
}

#[test]
fn sieve() {
    check(&native::SIEVE, &[0, 1, 2, 3, 4, 9, 10, 121, 122, 1000]);
    assert_eq!((native::SIEVE.native)(1000)(), 168);
}

#[test]
fn matmul() {
    check(&native::MATMUL, &[1, 2, 3, 8, 13]);
}

#[test]
fn sha256() {
    check(&native::SHA256, &[0, 1, 7, 8, 55, 56, 63, 64, 65, 119, 120, 1000]);
    assert_eq!((native::SHA256.native)(0)(), 0xe3b0_c442_98fc_1c14);
    assert_eq!((native::SHA256.native)(1000)(), 0xb8d4_569b_90e7_0eb2);
}

#[test]
fn dispatch() {
    check(&native::DISPATCH, &[0, 1, 2, 10]);
}

/// Runs a program in the language with each size, by the interpreter and compiled, and compares with the Rust.
fn check_language(name: &str, sizes: &[u64]) {
    let program = et::PROGRAMS.iter().find(|program| program.name == name).expect("there is one");
    assert!(program.size > 0);
    let image = program.image();
    for &size in sizes {
        let expected = (program.native)(size)();
        for engine in [Engine::default(), compiling(Levels::Quick), compiling(Levels::Optimized)] {
            assert_eq!(et::run(&image, size, &engine), expected, "{engine:?}, {name} of {size}");
        }
    }
}

#[test]
fn programs_in_the_language_give_what_those_in_assembly_give() {
    check_language("fib", &[0, 1, 2, 3, 15]);
    check_language("sieve", &[0, 1, 2, 3, 4, 9, 10, 121, 122, 1000]);
    check_language("matmul", &[1, 2, 3, 8, 13]);
    check_language("sha256", &[0, 1, 7, 8, 55, 56, 63, 64, 65, 119, 120, 1000]);
    check_language("dispatch", &[0, 1, 2, 10]);
}

#[test]
fn programs_in_the_language_give_what_those_in_rust_give() {
    check_language("nbody", &[0, 1, 100]);
    check_language("mandelbrot", &[0, 1, 2, 40]);
    check_language("collatz", &[0, 2, 3, 1000]);
    check_language("quicksort", &[0, 1, 2, 3, 10, 1000]);
    check_language("crc32", &[0, 1, 1000]);
    check_language("gcd", &[0, 1, 1000]);
    check_language("hashmap", &[0, 1, 10, 5000]);
    check_language("bytesearch", &[6, 100, 20_000]);
}

/// The checksums that Python computed.
#[test]
fn programs_in_the_language_give_known_results() {
    for (name, size, result) in [
        ("nbody", 1000, 13818632080152732231),
        ("mandelbrot", 100, 244052),
        ("collatz", 10_000, 404422917),
        ("quicksort", 10_000, 10646242987895628703),
        ("crc32", 10_000, 312004690),
        ("gcd", 1000, 6347),
        ("hashmap", 10_000, 7731571872382469558),
        ("bytesearch", 100_000, 8162774325996348),
    ] {
        let program = et::PROGRAMS.iter().find(|program| program.name == name).expect("there is one");
        assert_eq!(et::run(&program.image(), size, &Engine::default()), result, "{name} of {size}");
    }
}
