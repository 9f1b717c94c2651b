use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    Box::new(move || sum(black_box(size)))
}

#[inline(never)]
fn sum(pairs: u64) -> u64 {
    let (mut x, mut sum) = (0_u64, 0);
    for _ in 0..pairs {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        sum += gcd(x >> 32, x & 0xffff_ffff);
    }
    sum
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
