//! Random numbers.

/// Advances the random generator, SplitMix64 (G. L. Steele Jr., D. Lea and C. H. Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014), one step, giving its new state and its output.
#[inline]
pub const fn random_next(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state, z ^ (z >> 31))
}

/// Maps a random word to a number below `range` (0 if `range` is 0) as the high half of the 128-bit product,
/// Lemire's multiply-shift.
///
/// There is no rejection, so that one random number is always one step; the bias is at most range/2^64.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub const fn random_below(raw: u64, range: u64) -> u64 {
    ((raw as u128 * range as u128) >> 64) as u64
}
