use super::Run;
use std::hint::black_box;
use std::sync::atomic::{Ordering, compiler_fence};

const INITIAL: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

#[rustfmt::skip]
const CONSTANTS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

pub(super) fn native(size: u64) -> Run {
    let length = usize::try_from(size).expect("it fits in memory");
    let mut message = vec![0; (length + 9).next_multiple_of(64)];
    Box::new(move || digest(black_box(length), black_box(&mut message)))
}

/// The first 64 bits of the hash. The message has room for the mark and the length behind it, in whole blocks.
#[inline(never)]
fn digest(length: usize, message: &mut [u8]) -> u64 {
    invent(&mut message[..length.next_multiple_of(8)]);
    message[length] = 0x80;
    message[length + 1..].fill(0);
    let bits = (length as u64) << 3;
    *message.last_chunk_mut().expect("it has whole blocks") = bits.to_be_bytes();
    let mut state = INITIAL;
    for block in message.as_chunks().0 {
        compress(block, &mut state);
    }
    (u64::from(state[0]) << 32) | u64::from(state[1])
}

fn invent(message: &mut [u8]) {
    let mut x = 0_u64;
    for word in message.as_chunks_mut().0 {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *word = x.to_le_bytes();
    }
}

fn compress(block: &[u8; 64], state: &mut [u32; 8]) {
    let mut schedule = [0; 64];
    for (number, bytes) in schedule.iter_mut().zip(block.as_chunks().0) {
        *number = u32::from_be_bytes(*bytes);
        compiler_fence(Ordering::SeqCst);
    }
    for t in 16..64 {
        let (x, y) = (schedule[t - 15], schedule[t - 2]);
        let x = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
        let y = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
        schedule[t] = x.wrapping_add(schedule[t - 16]).wrapping_add(y.wrapping_add(schedule[t - 7]));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (constant, number) in CONSTANTS.iter().zip(&schedule) {
        let x = h
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add(((f ^ g) & e) ^ g)
            .wrapping_add(constant.wrapping_add(*number));
        let y = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
            .wrapping_add((a & b) | ((a | b) & c));
        h = g;
        g = f;
        f = e;
        e = d.wrapping_add(x);
        d = c;
        c = b;
        b = a;
        a = x.wrapping_add(y);
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = old.wrapping_add(new);
    }
}
