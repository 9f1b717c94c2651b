//! Arithmetic at its corners.

mod convert;
mod float;
mod int;

use keyvm_isa::alu::ArithmeticTrap::{DivideByZero, IntegerOverflow, InvalidConversion};
use keyvm_isa::alu::*;

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
            assert_eq!((result >> 32, result), (0, op(wrap32(a), wrap32(b))), "binary {i} of {a:#x}, {b:#x}");
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
