//! Whole numbers to floating ones and back.

use super::*;

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
fn fits(trapping: fn(u64) -> Result<u64, ArithmeticTrap>, saturating: fn(u64) -> u64, x: u64, result: u64) {
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
