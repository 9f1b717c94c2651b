//! Mistakes in arithmetic.

use super::Fault;
use crate::arith;
use crate::lower::Options;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32, F64, I8, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;
use keyvm_isa::Op;

impl Options {
    /// What an arithmetic instruction becomes by the mistake that is planted, if it is one in that: the condition under
    /// which it traps, and the result.
    pub(crate) fn mistaken(
        self,
        b: &mut FunctionBuilder<'_>,
        op: Op,
        operands: &[Value],
    ) -> Option<(Option<Value>, Value)> {
        let a = *operands.first()?;
        let second = operands.get(1).copied();
        let result = match (self.fault?, op) {
            (Fault::ShiftAmount, Op::Shl32) => {
                let wide = b.ins().ishl(a, second?);
                low(b, wide)
            }
            (Fault::ShiftAmount, Op::Shr32) => {
                let wide = low(b, a);
                b.ins().ushr(wide, second?)
            }
            (Fault::ShiftAmount, Op::Shrs32) => {
                let wide = signed_low(b, a);
                let wide = b.ins().sshr(wide, second?);
                low(b, wide)
            }
            (Fault::RotateWide, Op::Rotl32) => {
                let wide = low(b, a);
                let wide = b.ins().rotl(wide, second?);
                low(b, wide)
            }
            (Fault::RotateWide, Op::Rotr32) => {
                let wide = low(b, a);
                let wide = b.ins().rotr(wide, second?);
                low(b, wide)
            }
            (Fault::ExtendHigh, Op::Extend8s32) => {
                let byte = b.ins().ireduce(I8, a);
                b.ins().sextend(I64, byte)
            }
            (Fault::QuotientOverflow, Op::Divs32) => {
                let trap = arith::traps(b, Op::Div32, operands);
                let [a, by] = [a, second?].map(|word| signed_low(b, word));
                // What would trap after all is not to be reached.
                let one = b.ins().iconst(I64, 1);
                let safe = match trap {
                    Some(trap) => b.ins().select(trap, one, by),
                    None => by,
                };
                let wide = b.ins().sdiv(a, safe);
                return Some((trap, low(b, wide)));
            }
            (Fault::MinZeros, Op::Fmin | Op::Fmax | Op::Fmin32 | Op::Fmax32) => {
                let second = second?;
                let condition = match op {
                    Op::Fmin | Op::Fmin32 => FloatCC::LessThan,
                    _ => FloatCC::GreaterThan,
                };
                let first = b.ins().fcmp(condition, a, second);
                let number = b.ins().select(first, a, second);
                let unordered = b.ins().fcmp(FloatCC::Unordered, a, second);
                let nan = b.ins().fadd(a, second);
                b.ins().select(unordered, nan, number)
            }
            (Fault::SaturateWrap, Op::Ftou32sat | Op::F32tou32sat) => {
                let number = b.ins().fcvt_to_sint_sat(I64, a);
                let none = b.ins().iconst(I64, 0);
                let number = b.ins().smax(number, none);
                low(b, number)
            }
            (Fault::ConvertUpper, Op::Ftoi | Op::Ftou | Op::Ftoi32 | Op::Ftou32) => {
                let exponent = match op {
                    Op::Ftoi => 63,
                    Op::Ftou => 64,
                    Op::Ftoi32 => 31,
                    _ => 32,
                };
                let upper = b.ins().f64const(f64::from_bits((1023 + exponent) << 52));
                let trap = arith::traps(b, op, operands)?;
                let other = b.ins().fcmp(FloatCC::NotEqual, a, upper);
                let trap = b.ins().band(trap, other);
                return Some((Some(trap), arith::emit(b, op, operands)));
            }
            (Fault::RoundTwice, Op::Itof32) => {
                let double = b.ins().fcvt_from_sint(F64, a);
                b.ins().fdemote(F32, double)
            }
            _ => return None,
        };
        Some((None, result))
    }
}

/// The low half of a word, as a word.
fn low(b: &mut FunctionBuilder<'_>, word: Value) -> Value {
    let low = b.ins().ireduce(I32, word);
    b.ins().uextend(I64, low)
}

/// The low half of a word, sign-extended.
fn signed_low(b: &mut FunctionBuilder<'_>, word: Value) -> Value {
    let low = b.ins().ireduce(I32, word);
    b.ins().sextend(I64, low)
}
