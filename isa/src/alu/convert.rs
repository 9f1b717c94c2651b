//! Whole numbers to floating ones and back, and one floating format to the other.

use super::{ArithmeticTrap, canonical_f32, canonical_f64, f32_of, f64_of, low_signed, wide};

/// Widens an f32 to f64, which is exact save for a NaN's payload (`From` is not const).
#[inline]
const fn widened(x: f32) -> f64 {
    x as f64
}

// Integer to float, rounding to nearest, ties to even, in one step.

/// Converts a signed word to f64.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub const fn itof(a: u64) -> u64 {
    canonical_f64(a.cast_signed() as f64)
}

/// Converts an unsigned word to f64.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub const fn utof(a: u64) -> u64 {
    canonical_f64(a as f64)
}

/// Converts a signed word to f32.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub const fn itof32(a: u64) -> u64 {
    canonical_f32(a.cast_signed() as f32)
}

/// Converts an unsigned word to f32.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub const fn utof32(a: u64) -> u64 {
    canonical_f32(a as f32)
}

/// Converts the low half, signed, to f64, which is exact.
#[inline]
pub const fn i32tof(a: u64) -> u64 {
    canonical_f64(low_signed(a) as f64)
}

/// Converts the low half, signed, to f32.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub const fn i32tof32(a: u64) -> u64 {
    canonical_f32(low_signed(a) as f32)
}

// Float to integer. The saturating forms on an f64 are Rust's `as`: it truncates, saturates, and makes 0 of a
// NaN. The trapping ones check the range first. An f32 widens exactly, so its forms are those of the f64.

/// Holds if `above < x < below`, both exclusive.
#[inline]
const fn in_range(x: f64, above: f64, below: f64) -> Result<(), ArithmeticTrap> {
    if x.is_nan() {
        Err(ArithmeticTrap::InvalidConversion)
    } else if above < x && x < below {
        Ok(())
    } else {
        Err(ArithmeticTrap::IntegerOverflow)
    }
}

/// The greatest f64 below -2^63: numbers above it, which are those from -2^63 up, fit in a signed word.
const BELOW_I64: f64 = -9_223_372_036_854_777_856.0;

/// 2^63, the least f64 too great for a signed word.
const ABOVE_I64: f64 = 9_223_372_036_854_775_808.0;

/// -2^31 - 1, the greatest f64 too small for 32 signed bits after truncation.
const BELOW_I32: f64 = -2_147_483_649.0;

/// 2^31, the least f64 too great for 32 signed bits.
const ABOVE_I32: f64 = 2_147_483_648.0;

/// -1, the greatest f64 too small for an unsigned integer after truncation.
const BELOW_UNSIGNED: f64 = -1.0;

/// 2^64, the least f64 too great for an unsigned word.
const ABOVE_U64: f64 = 18_446_744_073_709_551_616.0;

/// 2^32, the least f64 too great for 32 unsigned bits.
const ABOVE_U32: f64 = 4_294_967_296.0;

/// Truncates an f64 to a signed word, saturating, with 0 for a NaN.
#[inline]
#[allow(clippy::cast_possible_truncation)]
const fn to_i64(x: f64) -> u64 {
    (x as i64).cast_unsigned()
}

/// Truncates an f64 to an unsigned word, saturating, with 0 for a NaN.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
const fn to_u64(x: f64) -> u64 {
    x as u64
}

/// Truncates an f64 to 32 signed bits, saturating, with 0 for a NaN.
#[inline]
#[allow(clippy::cast_possible_truncation)]
const fn to_i32(x: f64) -> u64 {
    wide((x as i32).cast_unsigned())
}

/// Truncates an f64 to 32 unsigned bits, saturating, with 0 for a NaN.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
const fn to_u32(x: f64) -> u64 {
    wide(x as u32)
}

/// Truncates an f64 to a signed word, trapping if it is a NaN or does not fit.
#[inline]
pub const fn ftoi(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = f64_of(a);
    match in_range(x, BELOW_I64, ABOVE_I64) {
        Ok(()) => Ok(to_i64(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f64 to an unsigned word, trapping if it is a NaN or does not fit.
#[inline]
pub const fn ftou(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = f64_of(a);
    match in_range(x, BELOW_UNSIGNED, ABOVE_U64) {
        Ok(()) => Ok(to_u64(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f64 to 32 signed bits, trapping if it is a NaN or does not fit.
#[inline]
pub const fn ftoi32(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = f64_of(a);
    match in_range(x, BELOW_I32, ABOVE_I32) {
        Ok(()) => Ok(to_i32(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f64 to 32 unsigned bits, trapping if it is a NaN or does not fit.
#[inline]
pub const fn ftou32(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = f64_of(a);
    match in_range(x, BELOW_UNSIGNED, ABOVE_U32) {
        Ok(()) => Ok(to_u32(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f64 to a signed word, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn ftoisat(a: u64) -> u64 {
    to_i64(f64_of(a))
}

/// Truncates an f64 to an unsigned word, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn ftousat(a: u64) -> u64 {
    to_u64(f64_of(a))
}

/// Truncates an f64 to 32 signed bits, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn ftoi32sat(a: u64) -> u64 {
    to_i32(f64_of(a))
}

/// Truncates an f64 to 32 unsigned bits, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn ftou32sat(a: u64) -> u64 {
    to_u32(f64_of(a))
}

/// Truncates an f32 to a signed word, trapping if it is a NaN or does not fit.
#[inline]
pub const fn f32toi(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = widened(f32_of(a));
    match in_range(x, BELOW_I64, ABOVE_I64) {
        Ok(()) => Ok(to_i64(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f32 to an unsigned word, trapping if it is a NaN or does not fit.
#[inline]
pub const fn f32tou(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = widened(f32_of(a));
    match in_range(x, BELOW_UNSIGNED, ABOVE_U64) {
        Ok(()) => Ok(to_u64(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f32 to 32 signed bits, trapping if it is a NaN or does not fit.
#[inline]
pub const fn f32toi32(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = widened(f32_of(a));
    match in_range(x, BELOW_I32, ABOVE_I32) {
        Ok(()) => Ok(to_i32(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f32 to 32 unsigned bits, trapping if it is a NaN or does not fit.
#[inline]
pub const fn f32tou32(a: u64) -> Result<u64, ArithmeticTrap> {
    let x = widened(f32_of(a));
    match in_range(x, BELOW_UNSIGNED, ABOVE_U32) {
        Ok(()) => Ok(to_u32(x)),
        Err(trap) => Err(trap),
    }
}

/// Truncates an f32 to a signed word, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn f32toisat(a: u64) -> u64 {
    to_i64(widened(f32_of(a)))
}

/// Truncates an f32 to an unsigned word, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn f32tousat(a: u64) -> u64 {
    to_u64(widened(f32_of(a)))
}

/// Truncates an f32 to 32 signed bits, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn f32toi32sat(a: u64) -> u64 {
    to_i32(widened(f32_of(a)))
}

/// Truncates an f32 to 32 unsigned bits, the nearest there is if it does not fit, and 0 for a NaN.
#[inline]
pub const fn f32tou32sat(a: u64) -> u64 {
    to_u32(widened(f32_of(a)))
}

// Float to float.

/// Widens an f32 to f64, which is exact.
#[inline]
pub const fn promote(a: u64) -> u64 {
    canonical_f64(widened(f32_of(a)))
}

/// Narrows an f64 to f32, rounding to nearest, ties to even.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub const fn demote(a: u64) -> u64 {
    canonical_f32(f64_of(a) as f32)
}
