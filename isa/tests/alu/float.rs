//! Floating point.

use super::*;

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
        assert_eq!(canonical_f32(f32::from_bits(nan as u32)), CANONICAL_NAN_F32);
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
    for (a, b) in [(-1.0, 1.0), (-2.0, -1.0), (1.0, 2.0), (f32::NEG_INFINITY, -1.0), (1.0, f32::INFINITY)] {
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
    assert_eq!((fsqrt(d(f64::INFINITY)), fsqrt32(f(f32::INFINITY))), (d(f64::INFINITY), f(f32::INFINITY)));
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
