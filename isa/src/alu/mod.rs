//! The corner cases of arithmetic, once, for every engine.
//!
//! A word is a `u64`. A signed number is a word in two's complement; an f64 is a word holding its bits; an
//! f32 is a word holding its bits in the low half and zero in the upper half. A 32-bit operand, integer or
//! f32, is read from the low half of its word, whatever the upper half is; a 32-bit result is zero-extended.
//! Two operands `a` and `b` come in the order in which they were pushed, so `sub32` is `a - b`.
//!
//! Floating point is IEEE 754 with rounding to nearest, ties to even, and nothing fused. Any NaN that
//! arithmetic, min, max, square root, rounding, promotion or demotion gives is the canonical one, because the
//! payload that Rust (and the processor) would give is not deterministic. Negation, absolute value and
//! copysign change only the sign bit and keep the payload.

mod convert;
mod float;
mod int;
mod random;

pub use convert::*;
pub use float::*;
pub use int::*;
pub use random::*;

/// The bits of the one f64 NaN that arithmetic gives.
pub const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;

/// The bits of the one f32 NaN that arithmetic gives, zero-extended to a word.
pub const CANONICAL_NAN_F32: u64 = 0x7fc0_0000;

/// Why an arithmetic instruction has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticTrap {
    /// An integer was divided by zero.
    DivideByZero,
    /// The result does not fit: the least signed number divided by -1, or a float outside an integer's range.
    IntegerOverflow,
    /// A NaN was converted to an integer.
    InvalidConversion,
}

/// Gives the low half of a word.
#[inline]
#[allow(clippy::cast_possible_truncation)]
const fn low(x: u64) -> u32 {
    x as u32
}

/// Gives the low half of a word as a signed number.
#[inline]
const fn low_signed(x: u64) -> i32 {
    low(x).cast_signed()
}

/// Zero-extends 32 bits to a word (`From` is not const).
#[inline]
const fn wide(x: u32) -> u64 {
    x as u64
}

/// Gives 1 for true and 0 for false (`From` is not const).
#[inline]
const fn flag(x: bool) -> u64 {
    x as u64
}

/// Reads a word as an f64.
#[inline]
const fn f64_of(x: u64) -> f64 {
    f64::from_bits(x)
}

/// Reads the low half of a word as an f32.
#[inline]
const fn f32_of(x: u64) -> f32 {
    f32::from_bits(low(x))
}

/// Gives the bits of `x`, or of the canonical NaN if `x` is a NaN.
#[inline]
pub const fn canonical_f64(x: f64) -> u64 {
    if x.is_nan() { CANONICAL_NAN_F64 } else { x.to_bits() }
}

/// Gives the bits of `x` zero-extended, or those of the canonical NaN if `x` is a NaN.
#[inline]
pub const fn canonical_f32(x: f32) -> u64 {
    if x.is_nan() { CANONICAL_NAN_F32 } else { wide(x.to_bits()) }
}
