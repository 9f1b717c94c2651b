//! What each arithmetic instruction gives, by the one definition there is, and the words to try it on.

use keyvm_isa::alu::{self, ArithmeticTrap};
use keyvm_isa::{Flow, Op, OpInfo, Trap};

use super::super::Class;

/// What an instruction of one or two operands gives.
#[derive(Clone, Copy)]
enum Reference {
    Unary(fn(u64) -> u64),
    Binary(fn(u64, u64) -> u64),
    UnaryOr(fn(u64) -> Result<u64, ArithmeticTrap>),
    BinaryOr(fn(u64, u64) -> Result<u64, ArithmeticTrap>),
}

/// A list of mnemonics with their functions, which are those of the same name unless another is given.
macro_rules! references {
    ($($kind:ident { $($mnemonic:ident $(= $function:expr)?),* $(,)? })*) => {
        &[$($( (stringify!($mnemonic), Reference::$kind(references!(@ $mnemonic $($function)?))) ),*),*]
    };
    (@ $mnemonic:ident) => { alu::$mnemonic };
    (@ $mnemonic:ident $function:expr) => { $function };
}

/// Every arithmetic instruction.
const REFERENCES: &[(&str, Reference)] = references! {
    Unary {
        not = |a| !a, clz, ctz, popcnt, eqz, extend8s, extend16s, extend32s, wrap32,
        clz32, ctz32, extend8s32, extend16s32,
        fabs, fneg, fsqrt, fceil, ffloor, ftrunc, fnearest,
        fabs32, fneg32, fsqrt32, fceil32, ffloor32, ftrunc32, fnearest32,
        itof, utof, itof32, utof32, i32tof, i32tof32,
        ftoisat, ftousat, ftoi32sat, ftou32sat, f32toisat, f32tousat, f32toi32sat, f32tou32sat,
        promote, demote,
    }
    Binary {
        add = u64::wrapping_add, sub = u64::wrapping_sub, mul = u64::wrapping_mul,
        and = |a, b| a & b, or = |a, b| a | b, xor = |a, b| a ^ b,
        shl, shr, shrs, rotl, rotr,
        eq = |a, b| (a == b).into(), ne = |a, b| (a != b).into(),
        lt = |a, b| (a < b).into(), gt = |a, b| (a > b).into(),
        le = |a, b| (a <= b).into(), ge = |a, b| (a >= b).into(),
        lts, gts, les, ges,
        add32, sub32, mul32, shl32, shr32, shrs32, rotl32, rotr32, lts32, gts32, les32, ges32,
        fadd, fsub, fmul, fdiv, fmin, fmax, fcopysign, feq, fne, flt, fgt, fle, fge,
        fadd32, fsub32, fmul32, fdiv32, fmin32, fmax32, fcopysign32, feq32, fne32, flt32, fgt32, fle32, fge32,
    }
    UnaryOr {
        ftoi, ftou, ftoi32, ftou32, f32toi, f32tou, f32toi32, f32tou32,
    }
    BinaryOr {
        div, divs, rem, rems, divs32, rems32,
        div32 = |a, b| alu::div(alu::wrap32(a), alu::wrap32(b)),
        rem32 = |a, b| alu::rem(alu::wrap32(a), alu::wrap32(b)),
    }
};

/// Whether an instruction is arithmetic, by what the table says of it: it gives one word for one or two, knows
/// nothing else, and traps only because of their values.
pub(super) fn is_arithmetic(info: &OpInfo) -> bool {
    let traps = [Trap::DivideByZero, Trap::IntegerOverflow, Trap::InvalidConversion];
    info.imms.is_empty()
        && (1..=2).contains(&info.pops)
        && info.pushes == 1
        && info.flow == Flow::Next
        && info.traps.iter().all(|trap| traps.contains(trap))
}

/// How often an instruction is in the list.
pub(super) fn rows(op: Op) -> usize {
    REFERENCES.iter().filter(|row| row.0 == op.info().mnemonic).count()
}

/// What the instruction gives for these operands; `None` if it traps.
pub(super) fn result(op: Op) -> impl Fn(&[u64]) -> Option<u64> {
    let reference = REFERENCES.iter().find(|row| row.0 == op.info().mnemonic).expect("a row").1;
    move |words| match (reference, words) {
        (Reference::Unary(function), &[a]) => Some(function(a)),
        (Reference::Binary(function), &[a, b]) => Some(function(a, b)),
        (Reference::UnaryOr(function), &[a]) => function(a).ok(),
        (Reference::BinaryOr(function), &[a, b]) => function(a, b).ok(),
        _ => panic!("{op:?} of {} operands", words.len()),
    }
}

/// What the upper half of a word may hold when only the lower is read.
const JUNK: u64 = 0xdead_beef_0000_0000;

/// A word that holds an f32, and junk beside it.
fn f32_word(x: f32) -> u64 {
    JUNK | u64::from(x.to_bits())
}

/// Integers at which something changes.
fn integers() -> Vec<u64> {
    let mut words = vec![
        (1 << 53) + 1,
        (1 << 53) + 3,
        // Integers that round otherwise by way of another type.
        0x0040_0000_4000_0001,
        0x8000_0080_0000_0001,
        0x8000_0000_0000_0401,
    ];
    for x in [0_u64, 3, 7, 10, 33, 65, 100, 0x1234_5678_9abc_def0] {
        words.extend([x, x.wrapping_neg()]);
    }
    for bit in [0, 1, 5, 6, 7, 8, 15, 16, 31, 32, 63] {
        let power = 1_u64 << bit;
        words.extend([power - 1, power, power + 1, power.wrapping_neg()]);
    }
    for low in [0, 1, 31, 32, 33, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        words.push(JUNK | low);
    }
    words
}

/// Numbers at which something changes, as f64s, and NaNs of many bits.
fn f64s() -> Vec<u64> {
    let mut numbers = vec![0.0, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, 0.1, 1.1, 1e300, 1e-300];
    numbers.extend([
        0.5,
        1.5,
        2.5,
        3.5,
        4_503_599_627_370_495.5,
        2_147_483_647.5,
        2_147_483_648.5,
        4_294_967_295.5,
    ]);
    for exponent in [-1, 0, 22, 23, 24, 31, 32, 51, 52, 53, 63, 64] {
        let power = 2_f64.powi(exponent);
        numbers.extend([power.next_down(), power, power.next_up()]);
    }
    numbers.extend([2_147_483_647.0, 2_147_483_649.0, f64::from(f32::MIN_POSITIVE)]);
    let mut bits: Vec<u64> = numbers.into_iter().map(f64::to_bits).collect();
    // Subnormals, f64s half way between two f32s and beside that, and NaNs, quiet and signalling.
    bits.extend([1, 0x000f_ffff_ffff_ffff, 0x47ef_ffff_f000_0000, 0x47ef_ffff_efff_ffff]);
    bits.extend([0x3690_0000_0000_0000, 0x3690_0000_0000_0001]);
    bits.extend([
        alu::CANONICAL_NAN_F64,
        0x7ff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
        0x7fff_ffff_ffff_ffff,
    ]);
    bits.iter().flat_map(|&bits| [bits, bits | 1 << 63]).collect()
}

/// Numbers at which something changes, as f32s, and NaNs of many bits.
fn f32s() -> Vec<u64> {
    let mut numbers = vec![0.0, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, 0.1, 1.1, 1e30, 1e-30];
    numbers.extend([0.5, 1.5, 2.5, 3.5, 8_388_607.5, 4_194_303.5]);
    for exponent in [-1, 0, 22, 23, 24, 31, 32, 63, 64] {
        let power = 2_f32.powi(exponent);
        numbers.extend([power.next_down(), power, power.next_up()]);
    }
    numbers.extend([1, 0x007f_ffff, 0x7fc0_0000, 0x7fc0_0001, 0x7f80_0001, 0x7fff_ffff].map(f32::from_bits));
    numbers.iter().flat_map(|&x| [f32_word(x), f32_word(-x)]).collect()
}

/// Words at which some instruction changes what it does.
pub(super) fn edges() -> Vec<u64> {
    [integers(), f64s(), f32s()].concat()
}

/// The few words that are tried as constants in the code, where operands of this class are wanted.
pub(super) fn constants(class: Class) -> Vec<u64> {
    match class {
        Class::Word => {
            let mut words = vec![0, 1, 2, 10, 32, 63, 64, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, JUNK | 33];
            words.extend([1 << 63, u64::MAX - 6, u64::MAX]);
            words
        }
        Class::F64 => {
            let numbers =
                [0.0, -0.0, 1.0, -0.5, 2.5, f64::INFINITY, -2_147_483_648.5, 9_223_372_036_854_775_808.0];
            let nans = [alu::CANONICAL_NAN_F64, 0xfff0_0000_0000_0001];
            numbers.map(f64::to_bits).into_iter().chain(nans).collect()
        }
        Class::F32 => {
            let numbers = [0.0, -0.0, 1.0, -0.5, 2.5, f32::NEG_INFINITY, -2_147_483_648.0, 4_294_967_296.0];
            let nans = [alu::CANONICAL_NAN_F32, 0xff80_0001];
            numbers.map(f32_word).into_iter().chain(nans).collect()
        }
    }
}

/// Random words, the same each time: of any bits, small ones, and floats that are near integers.
#[allow(clippy::cast_precision_loss)]
pub(super) fn random(count: usize) -> Vec<u64> {
    let mut state = 0x6b65_7976_6d00_0001;
    let mut next = || {
        let (after, word) = alu::random_next(state);
        state = after;
        word
    };
    (0..count)
        .map(|i| {
            let (word, shift) = (next(), next() % 64);
            let number = word.cast_signed() >> shift;
            match i % 6 {
                0 | 1 => word,
                2 => word >> shift,
                3 => number.cast_unsigned(),
                4 => (number as f64 / 4.0).to_bits(),
                _ => f32_word(number as f32 / 4.0),
            }
        })
        .collect()
}
