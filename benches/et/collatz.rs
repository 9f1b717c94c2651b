use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    Box::new(move || longest(black_box(size)))
}

#[inline(never)]
fn longest(limit: u64) -> u64 {
    let (mut best, mut most) = (0, 0);
    for n in 1..limit {
        let count = steps(n);
        if count > most {
            most = count;
            best = n;
        }
    }
    (best << 16) | most
}

fn steps(mut n: u64) -> u64 {
    let mut count = 0;
    while n != 1 {
        if n & 1 == 0 {
            n >>= 1;
        } else {
            n = n.wrapping_mul(3).wrapping_add(1);
        }
        count += 1;
    }
    count
}
