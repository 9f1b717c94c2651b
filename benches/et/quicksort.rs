use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    let mut numbers = vec![0; usize::try_from(size).expect("it fits in memory")];
    Box::new(move || {
        let numbers = black_box(&mut numbers);
        invent(numbers);
        sort(numbers);
        numbers.iter().fold(0, |sum: u64, x| sum.rotate_left(1) ^ x)
    })
}

fn invent(numbers: &mut [u64]) {
    let mut x = 0_u64;
    for number in numbers {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *number = x >> 20;
    }
}

#[inline(never)]
fn sort(mut a: &mut [u64]) {
    while a.len() > 1 {
        let pivot = a[(a.len() - 1) / 2];
        let (mut left, mut right) = (0, a.len() - 1);
        loop {
            while a[left] < pivot {
                left += 1;
            }
            while a[right] > pivot {
                right -= 1;
            }
            if left >= right {
                break;
            }
            a.swap(left, right);
            left += 1;
            right -= 1;
        }
        let (low, high) = a.split_at_mut(right + 1);
        if low.len() < high.len() {
            sort(low);
            a = high;
        } else {
            sort(high);
            a = low;
        }
    }
}
