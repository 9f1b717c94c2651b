use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    let mut bytes = vec![0; usize::try_from(size).expect("it fits in memory")];
    Box::new(move || {
        let bytes = black_box(&mut bytes);
        invent(bytes);
        search(bytes, black_box(b"abacad"))
    })
}

/// Letters from a to d.
fn invent(bytes: &mut [u8]) {
    let mut x = 0_u64;
    for byte in bytes {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *byte = b'a' + (x >> 62) as u8;
    }
}

#[inline(never)]
fn search(bytes: &[u8], word: &[u8]) -> u64 {
    let (mut count, mut sum) = (0, 0);
    for (at, window) in (0..).zip(bytes.windows(word.len())) {
        if stands_in(window, word) {
            count += 1;
            sum += at;
        }
    }
    (count << 48) | sum
}

fn stands_in(window: &[u8], word: &[u8]) -> bool {
    for (a, b) in window.iter().zip(word) {
        if a != b {
            return false;
        }
    }
    true
}
