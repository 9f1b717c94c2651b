use super::Run;
use std::hint::black_box;

const TURNS: u64 = 50;

pub(super) fn native(size: u64) -> Run {
    Box::new(move || mandelbrot(black_box(size)))
}

#[inline(never)]
fn mandelbrot(size: u64) -> u64 {
    let mut sum = 0;
    for row in 0..size {
        let y = 2.0 * row as f64 / size as f64 - 1.0;
        for column in 0..size {
            let x = 2.0 * column as f64 / size as f64 - 1.5;
            sum += turns(x, y);
        }
    }
    sum
}

fn turns(x: f64, y: f64) -> u64 {
    let (mut a, mut b) = (0.0, 0.0);
    for n in 0..TURNS {
        if a * a + b * b > 4.0 {
            return n;
        }
        let next = a * a - b * b + x;
        b = 2.0 * a * b + y;
        a = next;
    }
    TURNS
}
