//! Whole numbers: division, wrapping 32-bit arithmetic, shifts, bit counts, comparison, extension.

use super::{ArithmeticTrap, flag, low, low_signed, wide};

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
