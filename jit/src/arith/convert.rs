//! Conversions between integers and floats, and between floats.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use keyvm_isa::Op;

use super::{Class, Shape, class, narrow, unary, widen};

/// Whether the integer of a conversion is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Signed,
    Unsigned,
}

/// What a conversion becomes.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// An integer to a float.
    FromInt(Sign, Type, Type),
    /// A float to an integer, trapping on a NaN and out of range.
    Checked(Type, Sign, Type),
    /// A float to an integer, saturating.
    Saturating(Type, Sign, Type),
    /// An f32 to f64.
    Promote,
    /// An f64 to f32.
    Demote,
}

/// What an instruction becomes; `None` if it is not a conversion.
pub(super) fn form(op: Op) -> Option<Form> {
    use Form::{Checked, Demote, FromInt, Promote, Saturating};
    use Sign::{Signed, Unsigned};
    Some(match op {
        Op::Itof => FromInt(Signed, I64, F64),
        Op::Utof => FromInt(Unsigned, I64, F64),
        Op::Itof32 => FromInt(Signed, I64, F32),
        Op::Utof32 => FromInt(Unsigned, I64, F32),
        Op::I32tof => FromInt(Signed, I32, F64),
        Op::I32tof32 => FromInt(Signed, I32, F32),
        Op::Ftoi => Checked(F64, Signed, I64),
        Op::Ftou => Checked(F64, Unsigned, I64),
        Op::Ftoi32 => Checked(F64, Signed, I32),
        Op::Ftou32 => Checked(F64, Unsigned, I32),
        Op::F32toi => Checked(F32, Signed, I64),
        Op::F32tou => Checked(F32, Unsigned, I64),
        Op::F32toi32 => Checked(F32, Signed, I32),
        Op::F32tou32 => Checked(F32, Unsigned, I32),
        Op::Ftoisat => Saturating(F64, Signed, I64),
        Op::Ftousat => Saturating(F64, Unsigned, I64),
        Op::Ftoi32sat => Saturating(F64, Signed, I32),
        Op::Ftou32sat => Saturating(F64, Unsigned, I32),
        Op::F32toisat => Saturating(F32, Signed, I64),
        Op::F32tousat => Saturating(F32, Unsigned, I64),
        Op::F32toi32sat => Saturating(F32, Signed, I32),
        Op::F32tou32sat => Saturating(F32, Unsigned, I32),
        Op::Promote => Promote,
        Op::Demote => Demote,
        _ => return None,
    })
}

/// What the instruction takes and gives.
pub(super) fn shape(form: Form) -> Shape {
    match form {
        Form::FromInt(_, _, to) => Shape::plain(&[Class::Word], class(to)),
        Form::Checked(from, ..) | Form::Saturating(from, ..) => match class(from) {
            Class::F64 => Shape::plain(&[Class::F64], Class::Word),
            _ => Shape::plain(&[Class::F32], Class::Word),
        },
        Form::Promote => Shape { operands: &[Class::F32], result: Class::F64, raw: true, shows: false },
        Form::Demote => Shape { operands: &[Class::F64], result: Class::F32, raw: true, shows: false },
    }
}

/// The condition under which the instruction traps, if it can.
pub(super) fn traps(b: &mut FunctionBuilder<'_>, form: Form, operand: Value) -> Option<Value> {
    let Form::Checked(from, sign, to) = form else { return None };
    let (below, lower, upper) = range(from, sign, to);
    let lower = constant(b, from, lower);
    let upper = constant(b, from, upper);
    let below = b.ins().fcmp(below, operand, lower);
    let above = b.ins().fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, operand, upper);
    Some(b.ins().bor(below, above))
}

/// What fits in an integer after truncation: a comparison that holds of the floats below the range and of NaN,
/// what to compare them with, and the least float above the range.
fn range(from: Type, sign: Sign, to: Type) -> (FloatCC, f64, f64) {
    let width = to.bits();
    match sign {
        Sign::Unsigned => (FloatCC::UnorderedOrLessThanOrEqual, -1.0, power_of_two(width)),
        // Between the least number and the one below lie f64s, which truncate to the former.
        Sign::Signed if from == F64 && to == I32 => {
            (FloatCC::UnorderedOrLessThanOrEqual, -power_of_two(31) - 1.0, power_of_two(31))
        }
        Sign::Signed => (FloatCC::UnorderedOrLessThan, -power_of_two(width - 1), power_of_two(width - 1)),
    }
}

/// A power of two, exactly.
fn power_of_two(exponent: u32) -> f64 {
    f64::from_bits(u64::from(1023 + exponent) << 52)
}

/// A constant of a float type, which has that number exactly.
#[allow(clippy::cast_possible_truncation)]
fn constant(b: &mut FunctionBuilder<'_>, ty: Type, number: f64) -> Value {
    if ty == F64 { b.ins().f64const(number) } else { b.ins().f32const(number as f32) }
}

/// The result.
pub(super) fn emit(b: &mut FunctionBuilder<'_>, form: Form, operand: Value) -> Value {
    match form {
        Form::FromInt(sign, from, to) => {
            let number = narrow(b, from, operand);
            match sign {
                Sign::Signed => b.ins().fcvt_from_sint(to, number),
                Sign::Unsigned => b.ins().fcvt_from_uint(to, number),
            }
        }
        // What fits in 32 unsigned bits fits in 64 signed ones, to which a processor truncates in one step.
        Form::Checked(_, Sign::Unsigned, I32) => {
            let number = unary(b, Opcode::FcvtToSintSat, I64, operand);
            let low = narrow(b, I32, number);
            widen(b, low)
        }
        // The range has been looked at, so the saturating conversion is as good as the one with traps of its own.
        Form::Checked(_, sign, to) | Form::Saturating(_, sign, to) => {
            let opcode = match sign {
                Sign::Signed => Opcode::FcvtToSintSat,
                Sign::Unsigned => Opcode::FcvtToUintSat,
            };
            let number = unary(b, opcode, to, operand);
            widen(b, number)
        }
        Form::Promote => b.ins().fpromote(F64, operand),
        Form::Demote => b.ins().fdemote(F32, operand),
    }
}
