use super::Run;
use std::hint::black_box;

const POLYNOMIAL: u32 = 0xedb88320;

pub(super) fn native(size: u64) -> Run {
    let mut bytes = vec![0; usize::try_from(size).expect("it fits in memory")];
    Box::new(move || {
        let bytes = black_box(&mut bytes);
        invent(bytes);
        u64::from(crc32(bytes, &table()))
    })
}

fn table() -> [u32; 256] {
    let mut table = [0; 256];
    for (n, entry) in (0..).zip(&mut table) {
        *entry = (0..8).fold(n, |c: u32, _| if c & 1 == 1 { (c >> 1) ^ POLYNOMIAL } else { c >> 1 });
    }
    table
}

fn invent(bytes: &mut [u8]) {
    let mut x = 0_u64;
    for byte in bytes {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *byte = x.to_le_bytes()[7];
    }
}

#[inline(never)]
fn crc32(bytes: &[u8], table: &[u32; 256]) -> u32 {
    let mut c = 0xffff_ffff;
    for &byte in bytes {
        c = table[(c as usize ^ usize::from(byte)) & 0xff] ^ (c >> 8);
    }
    c ^ 0xffff_ffff
}
