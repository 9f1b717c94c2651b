//! Words that are hard on a compiler.

use super::Class;
use crate::random::Random;

/// As it is used in some way.
pub(super) fn of(random: &mut Random, class: Class) -> u64 {
    match class {
        Class::Word => number(random),
        Class::F64 => float(random),
        Class::F32 => float32(random),
    }
}

/// As it is used in any way.
pub(super) fn any(random: &mut Random) -> u64 {
    let class = Class::any(random);
    of(random, class)
}

/// A number: small, about a power of two, of few bits, the ends of ranges, anything.
fn number(random: &mut Random) -> u64 {
    match random.below(12) {
        0..3 => random.below(10),
        3 => random.below(10).wrapping_neg(),
        4 | 5 => (1u64 << random.below(64)).wrapping_add(random.below(3)).wrapping_sub(1),
        6 => random.pick(&[1 << 31, 0x7fff_ffff, 0xffff_ffff, 1 << 63, i64::MAX as u64, u64::MAX]),
        // The least number of 32 bits as a negative one, and one whose upper half says nothing about the lower.
        7 => random.pick(&[0xffff_ffff_8000_0000, 0x1234_5678_8000_0000, 0x0000_0001_ffff_ffff]),
        8 => random.pick(&[31, 32, 33, 40, 63, 64, 65, 96]),
        9 => between(random),
        10 => (0..3).fold(0, |word, _| word ^ 1 << random.below(64)),
        _ => random.next(),
    }
}

/// A float of 64 bits.
fn float(random: &mut Random) -> u64 {
    match random.below(12) {
        0..3 => ((random.below(64) as f64 - 32.0) / 4.0).to_bits(),
        3 => random.pick(&[0.0f64, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY]).to_bits(),
        4 => random.pick(&[0.0f64, -0.0]).to_bits(),
        // No numbers: the canonical one, one with a payload, one that signals.
        5 => random.pick(&[0x7ff8_0000_0000_0000, 0x7ff8_0000_dead_beef, 0xfff8_0000_0000_0000]),
        6 => random.pick(&[0xfff0_0000_0000_0001, 0x7ff0_0000_0000_0007, 1, 0x000f_ffff_ffff_ffff]),
        7..9 => end(random, Class::F64),
        9 => (-2_147_483_648.0f64 - random.pick(&[0.0, 0.5, 0.99, 1.0, 1.5])).to_bits(),
        // More than 32 bits, less than 64.
        10 => ((random.next() >> random.within(2, 30)) as f64).to_bits(),
        _ => random.next(),
    }
}

/// A float of 32 bits, with the upper half of the word empty mostly.
fn float32(random: &mut Random) -> u64 {
    let bits = match random.below(8) {
        0..3 => ((random.below(64) as f32 - 32.0) / 4.0).to_bits(),
        3 => random.pick(&[0.0f32, -0.0, f32::INFINITY, 1.5]).to_bits(),
        4 => random.pick(&[0x7fc0_0000, 0x7fa0_0001, 0xffc0_1234, 0x7fc0_dead, 1]),
        5 => return end(random, Class::F32),
        6 => random.pick(&[0.0f32, -0.0]).to_bits(),
        _ => random.next() as u32,
    };
    u64::from(bits) | if random.percent(10) { random.next() << 32 } else { 0 }
}

/// A float where the range of an integer ends, or its neighbour.
pub(super) fn end(random: &mut Random, class: Class) -> u64 {
    let exponent = random.pick(&[31u64, 32, 63, 64]);
    let (end, sign) =
        if class == Class::F32 { ((127 + exponent) << 23, 31) } else { ((1023 + exponent) << 52, 63) };
    let sign = u64::from(random.percent(25)) << sign;
    (end + random.below(3) - 1) | sign
}

/// A number a little above the middle between two floats of 32 bits: too little for one of 64 bits to hold.
pub(super) fn between(random: &mut Random) -> u64 {
    let top = random.within(54, 64);
    1 << top | 1 << (top - 24) | 1 << random.below(top - 53)
}
