//! Floating point: arithmetic, signs, rounding, comparison.

use super::{
    CANONICAL_NAN_F32, CANONICAL_NAN_F64, canonical_f32, canonical_f64, f32_of, f64_of, flag, wrap32,
};

/// The sign bit of an f64.
const SIGN_F64: u64 = 1 << 63;

/// The sign bit of an f32, zero-extended to a word.
const SIGN_F32: u64 = 1 << 31;

// f64.

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

// f32.

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
