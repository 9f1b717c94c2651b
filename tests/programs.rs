//! The programs that engines are compared by: they give what the same algorithms in Rust give, every time.

#[path = "../benches/native/mod.rs"]
mod native;

use keyvm::Engine;
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
