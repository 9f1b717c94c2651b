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

/// The bits of the one f64 NaN that arithmetic gives.
pub const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;

/// The bits of the one f32 NaN that arithmetic gives, zero-extended to a word.
pub const CANONICAL_NAN_F32: u64 = 0x7fc0_0000;

/// The sign bit of an f64.
const SIGN_F64: u64 = 1 << 63;

/// The sign bit of an f32, zero-extended to a word.
const SIGN_F32: u64 = 1 << 31;

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

/// Widens an f32 to f64, which is exact save for a NaN's payload (`From` is not const).
#[inline]
const fn widened(x: f32) -> f64 {
    x as f64
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

// Division.

/// Divides unsigned, rounding down.
#[inline]
pub const fn div(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    match a.checked_div(b) {
        Some(quotient) => Ok(quotient),
        None => Err(ArithmeticTrap::DivideByZero),
    }
}

/// Gives the remainder of the unsigned division.
#[inline]
pub const fn rem(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    match a.checked_rem(b) {
        Some(remainder) => Ok(remainder),
        None => Err(ArithmeticTrap::DivideByZero),
    }
}

/// Divides signed, rounding toward zero; the least number divided by -1 overflows.
#[inline]
pub const fn divs(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    let divisor = b.cast_signed();
    if divisor == 0 {
        return Err(ArithmeticTrap::DivideByZero);
    }
    match a.cast_signed().checked_div(divisor) {
        Some(quotient) => Ok(quotient.cast_unsigned()),
        None => Err(ArithmeticTrap::IntegerOverflow),
    }
}

/// Gives the remainder of the signed division, with the sign of `a`; anything modulo -1 is 0.
#[inline]
pub const fn rems(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    let divisor = b.cast_signed();
    if divisor == 0 {
        return Err(ArithmeticTrap::DivideByZero);
    }
    Ok(a.cast_signed().wrapping_rem(divisor).cast_unsigned())
}

/// Divides signed on 32 bits, rounding toward zero; the least number divided by -1 overflows.
#[inline]
pub const fn divs32(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    let divisor = low_signed(b);
    if divisor == 0 {
        return Err(ArithmeticTrap::DivideByZero);
    }
    match low_signed(a).checked_div(divisor) {
        Some(quotient) => Ok(wide(quotient.cast_unsigned())),
        None => Err(ArithmeticTrap::IntegerOverflow),
    }
}

/// Gives the remainder of the signed division on 32 bits, with the sign of `a`; anything modulo -1 is 0.
#[inline]
pub const fn rems32(a: u64, b: u64) -> Result<u64, ArithmeticTrap> {
    let divisor = low_signed(b);
    if divisor == 0 {
        return Err(ArithmeticTrap::DivideByZero);
    }
    Ok(wide(low_signed(a).wrapping_rem(divisor).cast_unsigned()))
}

// 32-bit arithmetic, which wraps.

/// Adds the low halves, wrapping.
#[inline]
pub const fn add32(a: u64, b: u64) -> u64 {
    wide(low(a).wrapping_add(low(b)))
}

/// Subtracts the low half of `b` from that of `a`, wrapping.
#[inline]
pub const fn sub32(a: u64, b: u64) -> u64 {
    wide(low(a).wrapping_sub(low(b)))
}

/// Multiplies the low halves, wrapping.
#[inline]
pub const fn mul32(a: u64, b: u64) -> u64 {
    wide(low(a).wrapping_mul(low(b)))
}

// Shifts, rotations and bit counts.

/// Shifts `a` left by `b` modulo 64.
#[inline]
pub const fn shl(a: u64, b: u64) -> u64 {
    a.wrapping_shl(low(b))
}

/// Shifts `a` right by `b` modulo 64, bringing in zeros.
#[inline]
pub const fn shr(a: u64, b: u64) -> u64 {
    a.wrapping_shr(low(b))
}

/// Shifts `a` right by `b` modulo 64, bringing in copies of the sign.
#[inline]
pub const fn shrs(a: u64, b: u64) -> u64 {
    a.cast_signed().wrapping_shr(low(b)).cast_unsigned()
}

/// Rotates `a` left by `b` modulo 64.
#[inline]
pub const fn rotl(a: u64, b: u64) -> u64 {
    a.rotate_left(low(b) % 64)
}

/// Rotates `a` right by `b` modulo 64.
#[inline]
pub const fn rotr(a: u64, b: u64) -> u64 {
    a.rotate_right(low(b) % 64)
}

/// Counts the leading zeros of `a`, 64 for zero.
#[inline]
pub const fn clz(a: u64) -> u64 {
    wide(a.leading_zeros())
}

/// Counts the trailing zeros of `a`, 64 for zero.
#[inline]
pub const fn ctz(a: u64) -> u64 {
    wide(a.trailing_zeros())
}

/// Shifts the low half of `a` left by `b` modulo 32.
#[inline]
pub const fn shl32(a: u64, b: u64) -> u64 {
    wide(low(a).wrapping_shl(low(b)))
}

/// Shifts the low half of `a` right by `b` modulo 32, bringing in zeros.
#[inline]
pub const fn shr32(a: u64, b: u64) -> u64 {
    wide(low(a).wrapping_shr(low(b)))
}

/// Shifts the low half of `a` right by `b` modulo 32, bringing in copies of the sign.
#[inline]
pub const fn shrs32(a: u64, b: u64) -> u64 {
    wide(low_signed(a).wrapping_shr(low(b)).cast_unsigned())
}

/// Rotates the low half of `a` left by `b` modulo 32.
#[inline]
pub const fn rotl32(a: u64, b: u64) -> u64 {
    wide(low(a).rotate_left(low(b) % 32))
}

/// Rotates the low half of `a` right by `b` modulo 32.
#[inline]
pub const fn rotr32(a: u64, b: u64) -> u64 {
    wide(low(a).rotate_right(low(b) % 32))
}

/// Counts the leading zeros of the low half of `a`, 32 for zero.
#[inline]
pub const fn clz32(a: u64) -> u64 {
    wide(low(a).leading_zeros())
}

/// Counts the trailing zeros of the low half of `a`, 32 for zero.
#[inline]
pub const fn ctz32(a: u64) -> u64 {
    wide(low(a).trailing_zeros())
}

/// Counts the ones of `a`.
#[inline]
pub const fn popcnt(a: u64) -> u64 {
    wide(a.count_ones())
}

// Integer comparison, giving 1 or 0.

/// Tells whether `a` is zero.
#[inline]
pub const fn eqz(a: u64) -> u64 {
    flag(a == 0)
}

/// Tells whether `a` is less than `b`, signed.
#[inline]
pub const fn lts(a: u64, b: u64) -> u64 {
    flag(a.cast_signed() < b.cast_signed())
}

/// Tells whether `a` is greater than `b`, signed.
#[inline]
pub const fn gts(a: u64, b: u64) -> u64 {
    flag(a.cast_signed() > b.cast_signed())
}

/// Tells whether `a` is at most `b`, signed.
#[inline]
pub const fn les(a: u64, b: u64) -> u64 {
    flag(a.cast_signed() <= b.cast_signed())
}

/// Tells whether `a` is at least `b`, signed.
#[inline]
pub const fn ges(a: u64, b: u64) -> u64 {
    flag(a.cast_signed() >= b.cast_signed())
}

/// Tells whether the low half of `a` is less than that of `b`, signed.
#[inline]
pub const fn lts32(a: u64, b: u64) -> u64 {
    flag(low_signed(a) < low_signed(b))
}

/// Tells whether the low half of `a` is greater than that of `b`, signed.
#[inline]
pub const fn gts32(a: u64, b: u64) -> u64 {
    flag(low_signed(a) > low_signed(b))
}

/// Tells whether the low half of `a` is at most that of `b`, signed.
#[inline]
pub const fn les32(a: u64, b: u64) -> u64 {
    flag(low_signed(a) <= low_signed(b))
}

/// Tells whether the low half of `a` is at least that of `b`, signed.
#[inline]
pub const fn ges32(a: u64, b: u64) -> u64 {
    flag(low_signed(a) >= low_signed(b))
}

// Extension.

/// Sign-extends the low 8 bits to 64.
#[inline]
pub const fn extend8s(a: u64) -> u64 {
    shrs(shl(a, 56), 56)
}

/// Sign-extends the low 16 bits to 64.
#[inline]
pub const fn extend16s(a: u64) -> u64 {
    shrs(shl(a, 48), 48)
}

/// Sign-extends the low 32 bits to 64.
#[inline]
pub const fn extend32s(a: u64) -> u64 {
    shrs(shl(a, 32), 32)
}

/// Sign-extends the low 8 bits to 32 and zero-extends those.
#[inline]
pub const fn extend8s32(a: u64) -> u64 {
    shrs32(shl32(a, 24), 24)
}

/// Sign-extends the low 16 bits to 32 and zero-extends those.
#[inline]
pub const fn extend16s32(a: u64) -> u64 {
    shrs32(shl32(a, 16), 16)
}

/// Keeps the low half of a word.
#[inline]
pub const fn wrap32(a: u64) -> u64 {
    wide(low(a))
}

// Floating point.

/// Adds two f64s.
#[inline]
pub const fn fadd(a: u64, b: u64) -> u64 {
    canonical_f64(f64_of(a) + f64_of(b))
}

/// Subtracts the f64 `b` from the f64 `a`.
#[inline]
pub const fn fsub(a: u64, b: u64) -> u64 {
    canonical_f64(f64_of(a) - f64_of(b))
}

/// Multiplies two f64s.
#[inline]
pub const fn fmul(a: u64, b: u64) -> u64 {
    canonical_f64(f64_of(a) * f64_of(b))
}

/// Divides the f64 `a` by the f64 `b`.
#[inline]
pub const fn fdiv(a: u64, b: u64) -> u64 {
    canonical_f64(f64_of(a) / f64_of(b))
}

/// Gives the lesser of two f64s, a NaN if either is one; -0 is less than +0.
#[inline]
pub const fn fmin(a: u64, b: u64) -> u64 {
    let (x, y) = (f64_of(a), f64_of(b));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN_F64
    } else if x < y {
        a
    } else if y < x {
        b
    } else {
        // Equal numbers have equal bits, save that zeros may differ in sign.
        a | b
    }
}

/// Gives the greater of two f64s, a NaN if either is one; +0 is greater than -0.
#[inline]
pub const fn fmax(a: u64, b: u64) -> u64 {
    let (x, y) = (f64_of(a), f64_of(b));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN_F64
    } else if x > y {
        a
    } else if y > x {
        b
    } else {
        // Equal numbers have equal bits, save that zeros may differ in sign.
        a & b
    }
}

/// Clears the sign of an f64, a NaN's too.
#[inline]
pub const fn fabs(a: u64) -> u64 {
    a & !SIGN_F64
}

/// Flips the sign of an f64, a NaN's too.
#[inline]
pub const fn fneg(a: u64) -> u64 {
    a ^ SIGN_F64
}

/// Gives the square root of an f64, correctly rounded; that of a number below zero is a NaN.
#[inline]
pub fn fsqrt(a: u64) -> u64 {
    canonical_f64(f64_of(a).sqrt())
}

/// Rounds an f64 up to an integer.
#[inline]
pub const fn fceil(a: u64) -> u64 {
    canonical_f64(f64_of(a).ceil())
}

/// Rounds an f64 down to an integer.
#[inline]
pub const fn ffloor(a: u64) -> u64 {
    canonical_f64(f64_of(a).floor())
}

/// Rounds an f64 toward zero to an integer.
#[inline]
pub const fn ftrunc(a: u64) -> u64 {
    canonical_f64(f64_of(a).trunc())
}

/// Rounds an f64 to the nearest integer, ties to even.
#[inline]
pub const fn fnearest(a: u64) -> u64 {
    canonical_f64(f64_of(a).round_ties_even())
}

/// Gives the f64 `a` with the sign of `b`, a NaN's payload kept.
#[inline]
pub const fn fcopysign(a: u64, b: u64) -> u64 {
    fabs(a) | (b & SIGN_F64)
}

/// Tells whether the f64 `a` is equal to `b`, false if either is a NaN.
#[inline]
pub const fn feq(a: u64, b: u64) -> u64 {
    flag(f64_of(a) == f64_of(b))
}

/// Tells whether the f64 `a` is not equal to `b`, true if either is a NaN.
#[inline]
pub const fn fne(a: u64, b: u64) -> u64 {
    flag(f64_of(a) != f64_of(b))
}

/// Tells whether the f64 `a` is less than `b`, false if either is a NaN.
#[inline]
pub const fn flt(a: u64, b: u64) -> u64 {
    flag(f64_of(a) < f64_of(b))
}

/// Tells whether the f64 `a` is greater than `b`, false if either is a NaN.
#[inline]
pub const fn fgt(a: u64, b: u64) -> u64 {
    flag(f64_of(a) > f64_of(b))
}

/// Tells whether the f64 `a` is at most `b`, false if either is a NaN.
#[inline]
pub const fn fle(a: u64, b: u64) -> u64 {
    flag(f64_of(a) <= f64_of(b))
}

/// Tells whether the f64 `a` is at least `b`, false if either is a NaN.
#[inline]
pub const fn fge(a: u64, b: u64) -> u64 {
    flag(f64_of(a) >= f64_of(b))
}

/// Adds two f32s.
#[inline]
pub const fn fadd32(a: u64, b: u64) -> u64 {
    canonical_f32(f32_of(a) + f32_of(b))
}

/// Subtracts the f32 `b` from the f32 `a`.
#[inline]
pub const fn fsub32(a: u64, b: u64) -> u64 {
    canonical_f32(f32_of(a) - f32_of(b))
}

/// Multiplies two f32s.
#[inline]
pub const fn fmul32(a: u64, b: u64) -> u64 {
    canonical_f32(f32_of(a) * f32_of(b))
}

/// Divides the f32 `a` by the f32 `b`.
#[inline]
pub const fn fdiv32(a: u64, b: u64) -> u64 {
    canonical_f32(f32_of(a) / f32_of(b))
}

/// Gives the lesser of two f32s, a NaN if either is one; -0 is less than +0.
#[inline]
pub const fn fmin32(a: u64, b: u64) -> u64 {
    let (x, y) = (f32_of(a), f32_of(b));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN_F32
    } else if x < y {
        wrap32(a)
    } else if y < x {
        wrap32(b)
    } else {
        // Equal numbers have equal bits, save that zeros may differ in sign.
        wrap32(a | b)
    }
}

/// Gives the greater of two f32s, a NaN if either is one; +0 is greater than -0.
#[inline]
pub const fn fmax32(a: u64, b: u64) -> u64 {
    let (x, y) = (f32_of(a), f32_of(b));
    if x.is_nan() || y.is_nan() {
        CANONICAL_NAN_F32
    } else if x > y {
        wrap32(a)
    } else if y > x {
        wrap32(b)
    } else {
        // Equal numbers have equal bits, save that zeros may differ in sign.
        wrap32(a & b)
    }
}

/// Clears the sign of an f32, a NaN's too.
#[inline]
pub const fn fabs32(a: u64) -> u64 {
    wrap32(a) & !SIGN_F32
}

/// Flips the sign of an f32, a NaN's too.
#[inline]
pub const fn fneg32(a: u64) -> u64 {
    wrap32(a) ^ SIGN_F32
}

/// Gives the square root of an f32, correctly rounded; that of a number below zero is a NaN.
#[inline]
pub fn fsqrt32(a: u64) -> u64 {
    canonical_f32(f32_of(a).sqrt())
}

/// Rounds an f32 up to an integer.
#[inline]
pub const fn fceil32(a: u64) -> u64 {
    canonical_f32(f32_of(a).ceil())
}

/// Rounds an f32 down to an integer.
#[inline]
pub const fn ffloor32(a: u64) -> u64 {
    canonical_f32(f32_of(a).floor())
}

/// Rounds an f32 toward zero to an integer.
#[inline]
pub const fn ftrunc32(a: u64) -> u64 {
    canonical_f32(f32_of(a).trunc())
}

/// Rounds an f32 to the nearest integer, ties to even.
#[inline]
pub const fn fnearest32(a: u64) -> u64 {
    canonical_f32(f32_of(a).round_ties_even())
}

/// Gives the f32 `a` with the sign of `b`, a NaN's payload kept.
#[inline]
pub const fn fcopysign32(a: u64, b: u64) -> u64 {
    fabs32(a) | (b & SIGN_F32)
}

/// Tells whether the f32 `a` is equal to `b`, false if either is a NaN.
#[inline]
pub const fn feq32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) == f32_of(b))
}

/// Tells whether the f32 `a` is not equal to `b`, true if either is a NaN.
#[inline]
pub const fn fne32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) != f32_of(b))
}

/// Tells whether the f32 `a` is less than `b`, false if either is a NaN.
#[inline]
pub const fn flt32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) < f32_of(b))
}

/// Tells whether the f32 `a` is greater than `b`, false if either is a NaN.
#[inline]
pub const fn fgt32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) > f32_of(b))
}

/// Tells whether the f32 `a` is at most `b`, false if either is a NaN.
#[inline]
pub const fn fle32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) <= f32_of(b))
}

/// Tells whether the f32 `a` is at least `b`, false if either is a NaN.
#[inline]
pub const fn fge32(a: u64, b: u64) -> u64 {
    flag(f32_of(a) >= f32_of(b))
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

// Random numbers.

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

#[cfg(test)]
mod tests {
    use super::ArithmeticTrap::{DivideByZero, IntegerOverflow, InvalidConversion};
    use super::*;

    const MIN: u64 = 1 << 63;
    const MIN32: u64 = 1 << 31;
    const MINUS_ONE: u64 = u64::MAX;
    const MINUS_ONE_32: u64 = 0xffff_ffff;
    /// Garbage for the upper half of an operand, which a 32-bit form must not read.
    const JUNK: u64 = 0xdead_beef_0000_0000;
    /// A signalling NaN, a negative quiet one with a payload, and the canonical one.
    const NANS: [u64; 3] = [0x7ff0_0000_0000_0001, 0xfff8_0000_0000_1234, CANONICAL_NAN_F64];
    const NANS_32: [u64; 3] = [0x7f80_0001, 0xffc0_1234, CANONICAL_NAN_F32];

    fn s(x: i64) -> u64 {
        x.cast_unsigned()
    }

    fn s32(x: i32) -> u64 {
        u64::from(x.cast_unsigned())
    }

    fn d(x: f64) -> u64 {
        x.to_bits()
    }

    fn f(x: f32) -> u64 {
        u64::from(x.to_bits())
    }

    /// The next f64 away from zero.
    fn farther(x: f64) -> u64 {
        x.to_bits() + 1
    }

    /// The next f64 toward zero.
    fn nearer(x: f64) -> u64 {
        x.to_bits() - 1
    }

    fn farther32(x: f32) -> u64 {
        f(x) + 1
    }

    fn nearer32(x: f32) -> u64 {
        f(x) - 1
    }

    #[test]
    fn division_by_zero_traps_in_every_form() {
        for op in [div, rem, divs, rems, divs32, rems32] {
            for a in [0, 1, MIN, MIN32, MINUS_ONE] {
                assert_eq!(op(a, 0), Err(DivideByZero));
            }
        }
        // Only the low half of a 32-bit divisor counts.
        assert_eq!(divs32(7, JUNK), Err(DivideByZero));
        assert_eq!(rems32(7, JUNK), Err(DivideByZero));
    }

    #[test]
    fn unsigned_division_treats_the_top_bit_as_magnitude() {
        assert_eq!(div(MINUS_ONE, 2), Ok(u64::MAX >> 1));
        assert_eq!(div(MIN, MINUS_ONE), Ok(0));
        assert_eq!(rem(MIN, MINUS_ONE), Ok(MIN));
        assert_eq!(rem(MINUS_ONE, 10), Ok(5));
    }

    #[test]
    fn signed_division_rounds_toward_zero() {
        for (a, b, q, r) in [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1)] {
            assert_eq!(divs(s(a.into()), s(b.into())), Ok(s(q.into())));
            assert_eq!(rems(s(a.into()), s(b.into())), Ok(s(r.into())));
            assert_eq!(divs32(JUNK | s32(a), JUNK | s32(b)), Ok(s32(q)));
            assert_eq!(rems32(JUNK | s32(a), JUNK | s32(b)), Ok(s32(r)));
        }
    }

    #[test]
    fn least_number_divided_by_minus_one_overflows_and_its_remainder_is_zero() {
        assert_eq!(divs(MIN, MINUS_ONE), Err(IntegerOverflow));
        assert_eq!(rems(MIN, MINUS_ONE), Ok(0));
        assert_eq!(divs32(MIN32, MINUS_ONE_32), Err(IntegerOverflow));
        assert_eq!(rems32(MIN32, MINUS_ONE_32), Ok(0));
        assert_eq!(divs(MIN + 1, MINUS_ONE), Ok(MIN - 1));
        assert_eq!(divs32(MIN32 + 1, MINUS_ONE_32), Ok(MIN32 - 1));
        assert_eq!(divs(MIN, 1), Ok(MIN));
        assert_eq!(divs32(MIN32, 1), Ok(MIN32));
    }

    #[test]
    fn arithmetic_on_32_bits_wraps_and_zero_extends() {
        assert_eq!(add32(MINUS_ONE_32, 1), 0);
        assert_eq!(add32(JUNK | 0x7fff_ffff, JUNK | 1), MIN32);
        assert_eq!(sub32(0, 1), MINUS_ONE_32);
        assert_eq!(sub32(JUNK | 5, 3), 2);
        assert_eq!(mul32(MINUS_ONE, MINUS_ONE), 1);
        assert_eq!(mul32(0x1_0000, 0x1_0000), 0);
        assert_eq!(mul32(JUNK | 3, 5), 15);
    }

    #[test]
    fn shift_counts_are_modulo_the_width() {
        for count in [0_u64, 1, 31, 32, 33, 63, 64, 65, 1 << 32, MINUS_ONE] {
            let x = 0x8123_4567_89ab_cdef_u64;
            let n = u32::try_from(count % 64).expect("below 64");
            assert_eq!(shl(x, count), x << n);
            assert_eq!(shr(x, count), x >> n);
            assert_eq!(shrs(x, count), (x.cast_signed() >> n).cast_unsigned());
            assert_eq!(rotl(x, count), x.rotate_left(n));
            assert_eq!(rotr(x, count), x.rotate_right(n));
            let (y, n) = (0x89ab_cdef_u32, n % 32);
            assert_eq!(shl32(x, count), u64::from(y << n));
            assert_eq!(shr32(x, count), u64::from(y >> n));
            assert_eq!(shrs32(x, count), s32(y.cast_signed() >> n));
            assert_eq!(rotl32(x, count), u64::from(y.rotate_left(n)));
            assert_eq!(rotr32(x, count), u64::from(y.rotate_right(n)));
        }
    }

    #[test]
    fn shifts_of_known_values() {
        assert_eq!(shl(1, 63), MIN);
        assert_eq!(shl(1, 64), 1);
        assert_eq!(shrs(MIN, 63), MINUS_ONE);
        assert_eq!(shr(MIN, 63), 1);
        assert_eq!(shl32(3, 31), MIN32);
        assert_eq!(shrs32(MIN32, 31), MINUS_ONE_32);
        assert_eq!(shrs32(JUNK | 0x7fff_ffff, 30), 1);
        assert_eq!(shr32(JUNK | MIN32, 31), 1);
        assert_eq!(rotl(MIN | 1, 1), 3);
        assert_eq!(rotr(1, 1), MIN);
        assert_eq!(rotl32(JUNK | MIN32, 1), 1);
        assert_eq!(rotr32(JUNK | 1, 1), MIN32);
    }

    #[test]
    fn bit_counts_of_zero_are_the_width() {
        assert_eq!((clz(0), ctz(0), popcnt(0)), (64, 64, 0));
        assert_eq!((clz32(JUNK), ctz32(JUNK)), (32, 32));
        assert_eq!((clz(1), ctz(1), popcnt(MINUS_ONE)), (63, 0, 64));
        assert_eq!((clz(MIN), ctz(MIN), popcnt(MIN)), (0, 63, 1));
        assert_eq!((clz32(JUNK | 1), ctz32(JUNK | MIN32)), (31, 31));
        assert_eq!((clz32(MIN32), ctz32(1)), (0, 0));
    }

    #[test]
    fn only_zero_is_zero() {
        assert_eq!((eqz(0), eqz(1), eqz(MIN), eqz(1 << 32)), (1, 0, 0, 0));
    }

    #[test]
    fn signed_comparison_puts_the_top_bit_below_zero() {
        for (a, b) in [(MIN, 0), (MINUS_ONE, 0), (MIN, MIN - 1), (3, 4)] {
            assert_eq!((lts(a, b), gts(a, b), les(a, b), ges(a, b)), (1, 0, 1, 0));
            assert_eq!((lts(b, a), gts(b, a), les(b, a), ges(b, a)), (0, 1, 0, 1));
            assert_eq!((lts(a, a), gts(a, a), les(a, a), ges(a, a)), (0, 0, 1, 1));
        }
    }

    #[test]
    fn signed_comparison_on_32_bits_ignores_the_upper_halves() {
        for (a, b) in [(MIN32, 0), (MINUS_ONE_32, 0), (MIN32, MIN32 - 1), (3, 4)] {
            let a = JUNK | a;
            assert_eq!((lts32(a, b), gts32(a, b), les32(a, b), ges32(a, b)), (1, 0, 1, 0));
            assert_eq!((lts32(b, a), gts32(b, a), les32(b, a), ges32(b, a)), (0, 1, 0, 1));
            let c = a ^ JUNK;
            assert_eq!((lts32(a, c), gts32(a, c), les32(a, c), ges32(a, c)), (0, 0, 1, 1));
        }
    }

    #[test]
    fn sign_extension_copies_the_top_bit_and_drops_what_was_above() {
        assert_eq!((extend8s(0x80), extend8s(JUNK | 0xff7f)), (s(-128), 0x7f));
        assert_eq!((extend16s(0x8000), extend16s(JUNK | 0xffff_7fff)), (s(-32768), 0x7fff));
        assert_eq!((extend32s(MIN32), extend32s(JUNK | 0x7fff_ffff)), (s(-2_147_483_648), 0x7fff_ffff));
        assert_eq!((extend8s32(JUNK | 0x80), extend8s32(JUNK | 0xff7f)), (0xffff_ff80, 0x7f));
        assert_eq!((extend16s32(JUNK | 0x8000), extend16s32(JUNK | 0xffff_7fff)), (0xffff_8000, 0x7fff));
        assert_eq!(wrap32(JUNK | 0x8765_4321), 0x8765_4321);
    }

    #[test]
    fn float_arithmetic_of_known_values() {
        assert_eq!(fadd(d(0.1), d(0.2)), 0x3fd3_3333_3333_3334);
        assert_eq!(fsub(d(1.0), d(3.0)), d(-2.0));
        assert_eq!(fmul(d(-3.0), d(0.5)), d(-1.5));
        assert_eq!(fdiv(d(1.0), d(3.0)), 0x3fd5_5555_5555_5555);
        assert_eq!(fadd32(JUNK | f(0.1), JUNK | f(0.2)), 0x3e99_999a);
        assert_eq!(fsub32(JUNK | f(1.0), JUNK | f(3.0)), f(-2.0));
        assert_eq!(fmul32(JUNK | f(-3.0), JUNK | f(0.5)), f(-1.5));
        assert_eq!(fdiv32(JUNK | f(1.0), JUNK | f(3.0)), 0x3eaa_aaab);
    }

    #[test]
    fn float_arithmetic_overflows_to_infinity_and_keeps_subnormals() {
        assert_eq!(fadd(d(f64::MAX), d(f64::MAX)), d(f64::INFINITY));
        assert_eq!(fdiv(d(-1.0), d(0.0)), d(f64::NEG_INFINITY));
        assert_eq!(fdiv(d(f64::MIN_POSITIVE), d(2.0)), 0x0008_0000_0000_0000);
        assert_eq!(fadd(1, 1), 2);
        assert_eq!(fmul32(f(f32::MAX), f(2.0)), f(f32::INFINITY));
        assert_eq!(fdiv32(f(1.0), f(-0.0)), f(f32::NEG_INFINITY));
        assert_eq!(fdiv32(f(f32::MIN_POSITIVE), f(2.0)), 0x0040_0000);
        assert_eq!(fadd32(1, 1), 2);
    }

    #[test]
    fn sums_of_opposite_zeros_are_positive() {
        assert_eq!(fadd(d(0.0), d(-0.0)), 0);
        assert_eq!(fadd(d(-0.0), d(-0.0)), d(-0.0));
        assert_eq!(fsub(d(1.0), d(1.0)), 0);
        assert_eq!(fadd32(f(0.0), f(-0.0)), 0);
        assert_eq!(fadd32(f(-0.0), f(-0.0)), f(-0.0));
    }

    #[test]
    fn every_nan_result_is_canonical_in_f64() {
        for nan in NANS {
            for op in [fadd, fsub, fmul, fdiv, fmin, fmax] {
                for other in [d(1.0), d(-0.0), d(f64::INFINITY), NANS[0], NANS[1]] {
                    assert_eq!(op(nan, other), CANONICAL_NAN_F64);
                    assert_eq!(op(other, nan), CANONICAL_NAN_F64);
                }
            }
            for op in [fsqrt, fceil, ffloor, ftrunc, fnearest] {
                assert_eq!(op(nan), CANONICAL_NAN_F64);
            }
            assert_eq!(demote(nan), CANONICAL_NAN_F32);
            assert_eq!(canonical_f64(f64::from_bits(nan)), CANONICAL_NAN_F64);
        }
        let inf = d(f64::INFINITY);
        assert_eq!(fsub(inf, inf), CANONICAL_NAN_F64);
        assert_eq!(fmul(inf, d(0.0)), CANONICAL_NAN_F64);
        assert_eq!(fdiv(d(0.0), d(-0.0)), CANONICAL_NAN_F64);
        assert_eq!(fdiv(inf, inf), CANONICAL_NAN_F64);
        assert_eq!(fsqrt(d(-1.0)), CANONICAL_NAN_F64);
    }

    #[test]
    fn every_nan_result_is_canonical_in_f32() {
        for nan in NANS_32 {
            let nan = JUNK | nan;
            for op in [fadd32, fsub32, fmul32, fdiv32, fmin32, fmax32] {
                for other in [f(1.0), f(-0.0), f(f32::INFINITY), NANS_32[0], NANS_32[1]] {
                    assert_eq!(op(nan, other), CANONICAL_NAN_F32);
                    assert_eq!(op(other, nan), CANONICAL_NAN_F32);
                }
            }
            for op in [fsqrt32, fceil32, ffloor32, ftrunc32, fnearest32] {
                assert_eq!(op(nan), CANONICAL_NAN_F32);
            }
            assert_eq!(promote(nan), CANONICAL_NAN_F64);
            assert_eq!(canonical_f32(f32_of(nan)), CANONICAL_NAN_F32);
        }
        let inf = f(f32::INFINITY);
        assert_eq!(fsub32(inf, inf), CANONICAL_NAN_F32);
        assert_eq!(fmul32(inf, f(0.0)), CANONICAL_NAN_F32);
        assert_eq!(fdiv32(f(0.0), f(-0.0)), CANONICAL_NAN_F32);
        assert_eq!(fdiv32(inf, inf), CANONICAL_NAN_F32);
        assert_eq!(fsqrt32(f(-1.0)), CANONICAL_NAN_F32);
    }

    #[test]
    fn canonical_keeps_the_bits_of_numbers() {
        for x in [0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE / 4.0] {
            assert_eq!(canonical_f64(x), d(x));
        }
        for x in [0.0, -0.0, 1.5, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE / 4.0] {
            assert_eq!(canonical_f32(x), f(x));
        }
    }

    #[test]
    fn sign_operations_change_only_the_sign_even_of_nans() {
        for x in [0, d(1.5), d(f64::INFINITY), NANS[0], NANS[1] & !MIN] {
            for sign in [0, MIN] {
                assert_eq!(fabs(x | sign), x);
                assert_eq!(fneg(x | sign), (x | sign) ^ MIN);
                for (from, got) in [(0, x), (MIN, x | MIN), (NANS[1], x | MIN), (NANS[0], x)] {
                    assert_eq!(fcopysign(x | sign, from), got);
                }
            }
        }
        for x in [0, f(1.5), f(f32::INFINITY), NANS_32[0], NANS_32[1] & !MIN32] {
            for sign in [0, MIN32] {
                assert_eq!(fabs32(JUNK | x | sign), x);
                assert_eq!(fneg32(JUNK | x | sign), (x | sign) ^ MIN32);
                for (from, got) in [(0, x), (MIN32, x | MIN32), (NANS_32[1], x | MIN32), (NANS_32[0], x)] {
                    assert_eq!(fcopysign32(JUNK | x | sign, JUNK | from), got);
                }
            }
        }
    }

    #[test]
    fn min_and_max_order_the_zeros() {
        let (neg, pos) = (d(-0.0), d(0.0));
        assert_eq!((fmin(neg, pos), fmin(pos, neg), fmin(pos, pos), fmin(neg, neg)), (neg, neg, pos, neg));
        assert_eq!((fmax(neg, pos), fmax(pos, neg), fmax(pos, pos), fmax(neg, neg)), (pos, pos, pos, neg));
        let (neg, pos) = (JUNK | f(-0.0), JUNK | f(0.0));
        assert_eq!((fmin32(neg, pos), fmin32(pos, neg), fmin32(pos, pos)), (f(-0.0), f(-0.0), 0));
        assert_eq!((fmax32(neg, pos), fmax32(pos, neg), fmax32(neg, neg)), (0, 0, f(-0.0)));
    }

    #[test]
    fn min_and_max_of_numbers() {
        for (a, b) in [(-1.0, 1.0), (-2.0, -1.0), (1.0, 2.0), (f32::NEG_INFINITY, -1.0), (1.0, f32::INFINITY)]
        {
            let (x, y) = (d(a.into()), d(b.into()));
            assert_eq!((fmin(x, y), fmin(y, x), fmax(x, y), fmax(y, x)), (x, x, y, y));
            assert_eq!((fmin(x, x), fmax(x, x)), (x, x));
            let (x, y) = (JUNK | f(a), JUNK | f(b));
            assert_eq!((fmin32(x, y), fmin32(y, x)), (f(a), f(a)));
            assert_eq!((fmax32(x, y), fmax32(y, x)), (f(b), f(b)));
            assert_eq!((fmin32(x, x), fmax32(x, x)), (f(a), f(a)));
        }
    }

    #[test]
    fn square_root_keeps_minus_zero() {
        assert_eq!((fsqrt(d(-0.0)), fsqrt32(f(-0.0))), (d(-0.0), f(-0.0)));
        assert_eq!((fsqrt(d(9.0)), fsqrt32(JUNK | f(9.0))), (d(3.0), f(3.0)));
        assert_eq!((fsqrt(d(2.0)), fsqrt32(f(2.0))), (0x3ff6_a09e_667f_3bcd, 0x3fb5_04f3));
        assert_eq!(
            (fsqrt(d(f64::INFINITY)), fsqrt32(f(f32::INFINITY))),
            (d(f64::INFINITY), f(f32::INFINITY))
        );
    }

    #[test]
    fn rounding_keeps_the_sign_of_zero_and_breaks_ties_to_even() {
        for (x, ceil, floor, trunc, nearest) in [
            (0.5_f32, 1.0, 0.0, 0.0, 0.0),
            (-0.5, -0.0, -1.0, -0.0, -0.0),
            (1.5, 2.0, 1.0, 1.0, 2.0),
            (2.5, 3.0, 2.0, 2.0, 2.0),
            (-2.5, -2.0, -3.0, -2.0, -2.0),
            (-3.5, -3.0, -4.0, -3.0, -4.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
            (-0.0, -0.0, -0.0, -0.0, -0.0),
            (8_388_607.5, 8_388_608.0, 8_388_607.0, 8_388_607.0, 8_388_608.0),
            (1e30, 1e30, 1e30, 1e30, 1e30),
            (f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY),
        ] {
            let w = d(x.into());
            assert_eq!((fceil(w), ffloor(w)), (d(ceil.into()), d(floor.into())), "{x}");
            assert_eq!((ftrunc(w), fnearest(w)), (d(trunc.into()), d(nearest.into())), "{x}");
            let w = JUNK | f(x);
            assert_eq!((fceil32(w), ffloor32(w)), (f(ceil), f(floor)), "{x}");
            assert_eq!((ftrunc32(w), fnearest32(w)), (f(trunc), f(nearest)), "{x}");
        }
        // The greatest number below one half must not become one half on the way.
        assert_eq!((fnearest(nearer(0.5)), fnearest32(nearer32(0.5))), (0, 0));
        assert_eq!(fnearest(d(4_503_599_627_370_495.5)), d(4_503_599_627_370_496.0));
    }

    #[test]
    fn nan_is_unordered_and_unequal_to_itself() {
        for nan in NANS {
            for other in [d(1.0), nan, d(f64::NEG_INFINITY)] {
                for op in [feq, flt, fgt, fle, fge] {
                    assert_eq!((op(nan, other), op(other, nan)), (0, 0));
                }
                assert_eq!((fne(nan, other), fne(other, nan)), (1, 1));
            }
        }
        for nan in NANS_32 {
            for other in [f(1.0), nan, f(f32::NEG_INFINITY)] {
                for op in [feq32, flt32, fgt32, fle32, fge32] {
                    assert_eq!((op(nan, other), op(other, nan)), (0, 0));
                }
                assert_eq!((fne32(nan, other), fne32(other, nan)), (1, 1));
            }
        }
    }

    #[test]
    fn float_comparison_orders_numbers_and_equates_the_zeros() {
        for (a, b) in [(-1.0_f32, 1.0), (-2.0, -1.0), (1.0, f32::INFINITY), (f32::NEG_INFINITY, 0.0)] {
            let (x, y) = (d(a.into()), d(b.into()));
            assert_eq!([feq, fne, flt, fgt, fle, fge].map(|op| op(x, y)), [0, 1, 1, 0, 1, 0]);
            assert_eq!([feq, fne, flt, fgt, fle, fge].map(|op| op(y, x)), [0, 1, 0, 1, 0, 1]);
            let (x, y) = (JUNK | f(a), f(b));
            assert_eq!([feq32, fne32, flt32, fgt32, fle32, fge32].map(|op| op(x, y)), [0, 1, 1, 0, 1, 0]);
            assert_eq!([feq32, fne32, flt32, fgt32, fle32, fge32].map(|op| op(y, x)), [0, 1, 0, 1, 0, 1]);
        }
        let (x, y) = (d(-0.0), d(0.0));
        assert_eq!([feq, fne, flt, fgt, fle, fge].map(|op| op(x, y)), [1, 0, 0, 0, 1, 1]);
        let (x, y) = (JUNK | f(-0.0), f(0.0));
        assert_eq!([feq32, fne32, flt32, fgt32, fle32, fge32].map(|op| op(x, y)), [1, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn integers_convert_to_f64_with_ties_to_even() {
        assert_eq!((itof(MINUS_ONE), utof(MINUS_ONE)), (d(-1.0), d(18_446_744_073_709_551_616.0)));
        assert_eq!((itof(MIN), utof(MIN)), (d(-9_223_372_036_854_775_808.0), d(9_223_372_036_854_775_808.0)));
        assert_eq!((itof(0), utof(0)), (0, 0));
        assert_eq!(itof((1 << 53) + 1), d(9_007_199_254_740_992.0));
        assert_eq!(itof((1 << 53) + 3), d(9_007_199_254_740_996.0));
        assert_eq!(utof(0x8000_0000_0000_0400), d(9_223_372_036_854_775_808.0));
        assert_eq!(utof(0x8000_0000_0000_0401), farther(9_223_372_036_854_775_808.0));
        assert_eq!(i32tof(JUNK | MIN32), d(-2_147_483_648.0));
        assert_eq!(i32tof(JUNK | 0x7fff_ffff), d(2_147_483_647.0));
    }

    #[test]
    fn integers_convert_to_f32_in_one_rounding() {
        // By way of f64 these would round to the tie, and then to even.
        let above_a_tie = 0x0040_0000_4000_0001_u64;
        assert_eq!(itof32(above_a_tie), farther32(18_014_398_509_481_984.0));
        assert_eq!(utof32(above_a_tie), farther32(18_014_398_509_481_984.0));
        assert_eq!(itof32(s(-above_a_tie.cast_signed())), farther32(-18_014_398_509_481_984.0));
        assert_eq!(utof32(0x8000_0080_0000_0001), farther32(9_223_372_036_854_775_808.0));
        assert_eq!((itof32(MINUS_ONE), utof32(MINUS_ONE)), (f(-1.0), f(18_446_744_073_709_551_616.0)));
        assert_eq!(itof32(MIN), f(-9_223_372_036_854_775_808.0));
        assert_eq!(i32tof32(JUNK | MIN32), f(-2_147_483_648.0));
        assert_eq!(i32tof32(JUNK | 0x7fff_ffff), f(2_147_483_648.0));
        assert_eq!((i32tof32(16_777_217), i32tof32(16_777_219)), (f(16_777_216.0), f(16_777_220.0)));
        assert_eq!(i32tof32(MINUS_ONE_32), f(-1.0));
    }

    #[test]
    fn truncation_of_nan_is_invalid_and_saturates_to_zero() {
        for nan in NANS {
            for op in [ftoi, ftou, ftoi32, ftou32] {
                assert_eq!(op(nan), Err(InvalidConversion));
            }
            assert_eq!([ftoisat, ftousat, ftoi32sat, ftou32sat].map(|op| op(nan)), [0; 4]);
        }
        for nan in NANS_32 {
            for op in [f32toi, f32tou, f32toi32, f32tou32] {
                assert_eq!(op(JUNK | nan), Err(InvalidConversion));
            }
            assert_eq!([f32toisat, f32tousat, f32toi32sat, f32tou32sat].map(|op| op(nan)), [0; 4]);
        }
    }

    #[test]
    fn truncation_of_infinity_overflows_and_saturates() {
        let (pos, neg) = (d(f64::INFINITY), d(f64::NEG_INFINITY));
        for op in [ftoi, ftou, ftoi32, ftou32] {
            assert_eq!((op(pos), op(neg)), (Err(IntegerOverflow), Err(IntegerOverflow)));
        }
        let ops = [ftoisat, ftousat, ftoi32sat, ftou32sat];
        assert_eq!(ops.map(|op| op(pos)), [MIN - 1, u64::MAX, 0x7fff_ffff, 0xffff_ffff]);
        assert_eq!(ops.map(|op| op(neg)), [MIN, 0, MIN32, 0]);
        let (pos, neg) = (f(f32::INFINITY), f(f32::NEG_INFINITY));
        for op in [f32toi, f32tou, f32toi32, f32tou32] {
            assert_eq!((op(pos), op(neg)), (Err(IntegerOverflow), Err(IntegerOverflow)));
        }
        let ops = [f32toisat, f32tousat, f32toi32sat, f32tou32sat];
        assert_eq!(ops.map(|op| op(pos)), [MIN - 1, u64::MAX, 0x7fff_ffff, 0xffff_ffff]);
        assert_eq!(ops.map(|op| op(neg)), [MIN, 0, MIN32, 0]);
    }

    /// A trapping and a saturating truncation agree on `x`, which fits.
    fn fits(
        trapping: fn(u64) -> Result<u64, ArithmeticTrap>,
        saturating: fn(u64) -> u64,
        x: u64,
        result: u64,
    ) {
        assert_eq!((trapping(x), saturating(x)), (Ok(result), result), "{x:#x}");
    }

    /// The trapping one overflows on `x`, and the saturating one gives `nearest`.
    fn overflows(
        trapping: fn(u64) -> Result<u64, ArithmeticTrap>,
        saturating: fn(u64) -> u64,
        x: u64,
        nearest: u64,
    ) {
        assert_eq!((trapping(x), saturating(x)), (Err(IntegerOverflow), nearest), "{x:#x}");
    }

    #[test]
    fn bounds_of_f64_to_i64() {
        let limit = 9_223_372_036_854_775_808.0;
        fits(ftoi, ftoisat, nearer(limit), MIN - 1024);
        fits(ftoi, ftoisat, d(-limit), MIN);
        fits(ftoi, ftoisat, d(-1.9), MINUS_ONE);
        fits(ftoi, ftoisat, d(-0.0), 0);
        overflows(ftoi, ftoisat, d(limit), MIN - 1);
        overflows(ftoi, ftoisat, farther(-limit), MIN);
        assert_eq!((farther(-limit), d(limit)), (d(BELOW_I64), d(ABOVE_I64)));
    }

    #[test]
    fn bounds_of_f64_to_u64() {
        let limit = 18_446_744_073_709_551_616.0;
        fits(ftou, ftousat, nearer(limit), u64::MAX - 2047);
        fits(ftou, ftousat, nearer(-1.0), 0);
        fits(ftou, ftousat, d(-0.0), 0);
        fits(ftou, ftousat, d(9_223_372_036_854_775_808.0), MIN);
        fits(ftou, ftousat, 1, 0);
        overflows(ftou, ftousat, d(limit), u64::MAX);
        overflows(ftou, ftousat, d(-1.0), 0);
    }

    #[test]
    fn bounds_of_f64_to_i32_allow_fractions_beyond_the_limits() {
        fits(ftoi32, ftoi32sat, d(2_147_483_647.0), 0x7fff_ffff);
        fits(ftoi32, ftoi32sat, nearer(2_147_483_648.0), 0x7fff_ffff);
        fits(ftoi32, ftoi32sat, d(-2_147_483_648.0), MIN32);
        fits(ftoi32, ftoi32sat, nearer(-2_147_483_649.0), MIN32);
        fits(ftoi32, ftoi32sat, d(-1.5), MINUS_ONE_32);
        overflows(ftoi32, ftoi32sat, d(2_147_483_648.0), 0x7fff_ffff);
        overflows(ftoi32, ftoi32sat, d(-2_147_483_649.0), MIN32);
    }

    #[test]
    fn bounds_of_f64_to_u32_allow_fractions_beyond_the_limits() {
        fits(ftou32, ftou32sat, d(4_294_967_295.0), 0xffff_ffff);
        fits(ftou32, ftou32sat, nearer(4_294_967_296.0), 0xffff_ffff);
        fits(ftou32, ftou32sat, nearer(-1.0), 0);
        overflows(ftou32, ftou32sat, d(4_294_967_296.0), 0xffff_ffff);
        overflows(ftou32, ftou32sat, d(-1.0), 0);
    }

    #[test]
    fn bounds_of_f32_to_i64() {
        let limit = 9_223_372_036_854_775_808.0;
        fits(f32toi, f32toisat, nearer32(limit), MIN - (1 << 39));
        fits(f32toi, f32toisat, JUNK | f(-limit), MIN);
        fits(f32toi, f32toisat, JUNK | f(-1.9), MINUS_ONE);
        overflows(f32toi, f32toisat, f(limit), MIN - 1);
        overflows(f32toi, f32toisat, farther32(-limit), MIN);
    }

    #[test]
    fn bounds_of_f32_to_u64() {
        let limit = 18_446_744_073_709_551_616.0;
        fits(f32tou, f32tousat, JUNK | nearer32(limit), u64::MAX - (1 << 40) + 1);
        fits(f32tou, f32tousat, nearer32(-1.0), 0);
        overflows(f32tou, f32tousat, f(limit), u64::MAX);
        overflows(f32tou, f32tousat, f(-1.0), 0);
    }

    #[test]
    fn bounds_of_f32_to_i32() {
        fits(f32toi32, f32toi32sat, JUNK | nearer32(2_147_483_648.0), 0x7fff_ff80);
        fits(f32toi32, f32toi32sat, f(-2_147_483_648.0), MIN32);
        fits(f32toi32, f32toi32sat, f(-1.5), MINUS_ONE_32);
        overflows(f32toi32, f32toi32sat, f(2_147_483_648.0), 0x7fff_ffff);
        overflows(f32toi32, f32toi32sat, farther32(-2_147_483_648.0), MIN32);
    }

    #[test]
    fn bounds_of_f32_to_u32() {
        fits(f32tou32, f32tou32sat, JUNK | nearer32(4_294_967_296.0), 0xffff_ff00);
        fits(f32tou32, f32tou32sat, nearer32(-1.0), 0);
        overflows(f32tou32, f32tou32sat, f(4_294_967_296.0), 0xffff_ffff);
        overflows(f32tou32, f32tou32sat, f(-1.0), 0);
    }

    #[test]
    fn promotion_is_exact_even_of_subnormals() {
        for x in [0.0, -0.0, 1.1, f32::MAX, f32::NEG_INFINITY, f32::from_bits(1)] {
            assert_eq!(promote(JUNK | f(x)), d(x.into()));
            assert_eq!(demote(d(x.into())), f(x));
        }
    }

    #[test]
    fn demotion_rounds_overflows_and_underflows() {
        assert_eq!(demote(d(0.1)), f(0.1));
        assert_eq!((demote(d(16_777_217.0)), demote(d(16_777_219.0))), (f(16_777_216.0), f(16_777_220.0)));
        // Half way between the greatest f32 and the next power of two, and just below.
        let tie = 0x47ef_ffff_f000_0000;
        assert_eq!((demote(tie), demote(tie - 1)), (f(f32::INFINITY), f(f32::MAX)));
        assert_eq!(demote(d(-1e300)), f(f32::NEG_INFINITY));
        // Half of the least f32, and just above; then underflow keeps the sign.
        let half = 0x3690_0000_0000_0000;
        assert_eq!((demote(half), demote(half + 1)), (0, 1));
        assert_eq!(demote(d(-1e-300)), f(-0.0));
    }

    #[test]
    fn forms_on_32_bits_leave_the_upper_half_zero_and_ignore_that_of_operands() {
        let binary = [
            add32,
            sub32,
            mul32,
            shl32,
            shr32,
            shrs32,
            rotl32,
            rotr32,
            lts32,
            gts32,
            les32,
            ges32,
            fadd32,
            fsub32,
            fmul32,
            fdiv32,
            fmin32,
            fmax32,
            fcopysign32,
            feq32,
            fne32,
            flt32,
            fgt32,
            fle32,
            fge32,
        ];
        let unary = [
            clz32,
            ctz32,
            extend8s32,
            extend16s32,
            wrap32,
            fabs32,
            fneg32,
            fsqrt32,
            fceil32,
            ffloor32,
            ftrunc32,
            fnearest32,
            i32tof32,
            f32toi32sat,
            f32tou32sat,
        ];
        let mut state = 1;
        for _ in 0..1000 {
            let (next, a) = random_next(state);
            let (next, b) = random_next(next);
            state = next;
            for (i, op) in binary.iter().enumerate() {
                let result = op(a, b);
                assert_eq!(
                    (result >> 32, result),
                    (0, op(wrap32(a), wrap32(b))),
                    "binary {i} of {a:#x}, {b:#x}"
                );
            }
            for (i, op) in unary.iter().enumerate() {
                let result = op(a);
                assert_eq!((result >> 32, result), (0, op(wrap32(a))), "unary {i} of {a:#x}");
            }
            for op in [divs32, rems32] {
                assert_eq!(op(a, b), op(wrap32(a), wrap32(b)));
            }
            for op in [f32toi, f32tou, f32toi32, f32tou32] {
                assert_eq!(op(a), op(wrap32(a)));
            }
            for op in [demote, itof32, utof32] {
                assert_eq!(op(a) >> 32, 0);
            }
            for op in [promote, i32tof, f32toisat, f32tousat] {
                assert_eq!(op(a), op(wrap32(a)));
            }
        }
    }

    #[test]
    fn random_generator_is_splitmix64() {
        let mut state = 1_234_567;
        for expected in [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ] {
            let (next, output) = random_next(state);
            assert_eq!(output, expected);
            state = next;
        }
        assert_eq!(random_next(0), (0x9e37_79b9_7f4a_7c15, 0xe220_a839_7b1d_cdaf));
        assert_eq!(random_next(MINUS_ONE).0, 0x9e37_79b9_7f4a_7c14);
    }

    #[test]
    fn random_below_stays_below_its_range() {
        assert_eq!((random_below(0, 10), random_below(MINUS_ONE, 10)), (0, 9));
        assert_eq!(random_below(MIN, 10), 5);
        assert_eq!((random_below(MINUS_ONE, 1), random_below(MINUS_ONE, 0)), (0, 0));
        assert_eq!(random_below(MINUS_ONE, MINUS_ONE), MINUS_ONE - 1);
    }

    #[test]
    fn functions_work_at_compile_time() {
        const QUOTIENT: Result<u64, ArithmeticTrap> = divs(MIN, MINUS_ONE);
        const NAN: u64 = fdiv(0, 0);
        const NEAREST: u64 = fnearest32(0x4020_0000);
        assert_eq!((QUOTIENT, NAN, NEAREST), (Err(IntegerOverflow), CANONICAL_NAN_F64, f(2.0)));
    }
}
