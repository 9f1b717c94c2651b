use super::Run;
use std::hint::black_box;

pub(super) fn native(size: u64) -> Run {
    let limit = usize::try_from(size).expect("it fits in memory");
    let mut composite = vec![0; limit];
    Box::new(move || sieve(black_box(&mut composite)))
}

#[inline(never)]
fn sieve(composite: &mut [u8]) -> u64 {
    composite.fill(0);
    let mut count = 0;
    let mut i = 2;
    while i < composite.len() {
        if composite[i] == 0 {
            count += 1;
            let mut multiple = i * i;
            while multiple < composite.len() {
                composite[multiple] = 1;
                multiple += i;
            }
        }
        i += 1;
    }
    count
}
