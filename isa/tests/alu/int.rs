//! Whole numbers.

use super::*;

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
