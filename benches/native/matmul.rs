use super::Run;
use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};

pub(super) fn native(size: u64) -> Run {
    let n = usize::try_from(size).expect("it fits in memory");
    let mut matrices = vec![0.0; 3 * n * n];
    Box::new(move || product(black_box(n), black_box(&mut matrices)))
}

#[inline(never)]
fn product(n: usize, matrices: &mut [f64]) -> u64 {
    let (factors, c) = matrices.split_at_mut(2 * n * n);
    invent(factors);
    c.fill(0.0);
    let (a, b) = factors.split_at(n * n);
    multiply(a, b, c, n);
    c.iter().fold(0, |sum: u64, x| sum.rotate_left(1) ^ x.to_bits())
}

fn invent(numbers: &mut [f64]) {
    let mut x = 0_i64;
    for number in numbers {
        x = (x * 5 + 3) & 1023;
        *number = x as f64 * 0.1;
    }
}

fn multiply(a: &[f64], b: &[f64], c: &mut [f64], n: usize) {
    for (a_row, c_row) in a.chunks_exact(n).zip(c.chunks_exact_mut(n)) {
        for (&x, b_row) in a_row.iter().zip(b.chunks_exact(n)) {
            for (p, q) in c_row.iter_mut().zip(b_row) {
                *p += x * q;
                compiler_fence(Ordering::SeqCst);
            }
        }
    }
}
