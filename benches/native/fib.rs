use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    Box::new(move || fib(black_box(size)))
}

#[inline(never)]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}
