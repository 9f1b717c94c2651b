//! Prices: gas for work whose amount is not known from the instruction alone, and words for objects.
//!
//! Fixed gas stands in the [`crate::table`]. The functions here give the *added* part of a formula.

/// Words charged for a process: its header, 16 words of stack, 4 frames, 8 key slots.
pub const PROCESS_WORDS: u64 = 64;
/// Words charged for a meter (standing, or made by a call).
pub const METER_WORDS: u64 = 16;
/// Words charged for a page besides its contents.
pub const PAGE_WORDS: u64 = 4;
/// Words charged for a key slot beyond those of [`PROCESS_WORDS`], or in a key page.
pub const KEY_SLOT_WORDS: u64 = 2;
/// Words charged for a frame beyond those of [`PROCESS_WORDS`].
pub const FRAME_WORDS: u64 = 2;
/// Words charged for a gate.
pub const GATE_WORDS: u64 = 4;
/// Words charged for a brand.
pub const BRAND_WORDS: u64 = 4;
/// Words charged for a host object.
pub const HOST_WORDS: u64 = 16;

/// Stack words that [`PROCESS_WORDS`] pays for.
pub const STACK_INCLUDED: u32 = 16;
/// Frames that [`PROCESS_WORDS`] pays for.
pub const FRAMES_INCLUDED: u32 = 4;
/// Key slots that [`PROCESS_WORDS`] pays for.
pub const KEYS_INCLUDED: u32 = 8;

/// Gas for `words` words, at eight words for one gas, rounded up.
#[inline]
#[must_use]
pub const fn per_eight(words: u64) -> u64 {
    words.div_ceil(8)
}

/// Gas for `words` words or slots, at four for one gas, rounded up.
#[inline]
#[must_use]
pub const fn per_four(words: u64) -> u64 {
    words.div_ceil(4)
}

/// Gas for `words` words, at two for one gas, rounded up.
#[inline]
#[must_use]
pub const fn per_two(words: u64) -> u64 {
    words.div_ceil(2)
}

/// Words that `bytes` bytes touch at most, for `copy` and `fill`: rounded up.
#[inline]
#[must_use]
pub const fn words_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(8)
}

/// Gas for a message.
#[inline]
#[must_use]
pub const fn message(words: u8, keys: u8) -> u64 {
    per_eight(words as u64) + 4 * keys as u64
}

/// The capacity of a stack, list of frames or key list that is to hold `needed`: doubled until it does, but
/// never past `maximum`. `None` if even `maximum` is too little.
#[must_use]
pub const fn grown_capacity(capacity: u32, needed: u32, maximum: u32) -> Option<u32> {
    if needed > maximum {
        return None;
    }
    let mut capacity = if capacity == 0 { 1 } else { capacity };
    while capacity < needed {
        capacity = capacity.saturating_mul(2);
    }
    Some(if capacity < maximum { capacity } else { maximum })
}
