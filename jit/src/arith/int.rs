//! Integers: arithmetic, shifts, comparison and extension, of 64 and of 32 bits.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use keyvm_isa::Op;

use super::{Class, Shape, binary, narrow, unary, widen};

/// What an instruction on integers becomes. A type is that of the numbers it works on: I64, or I32 for low
/// halves, whose result is zero-extended.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// One instruction of one operand.
    Unary(Opcode, Type),
    /// One instruction of two operands.
    Binary(Opcode, Type),
    /// A division, which traps if the divisor is 0.
    Divide(Opcode, Type),
    /// The signed quotient, which also traps on the least number divided by -1.
    SignedQuotient(Type),
    /// A comparison of two numbers.
    Compare(IntCC, Type),
    /// A comparison with 0.
    IsZero,
    /// The sign-extension of the low bits, of which the first type has as many as there are, to the second.
    Extend(Type, Type),
    /// The low half.
    Low,
}

/// What an instruction becomes; `None` if it is not one on integers.
pub(super) fn form(op: Op) -> Option<Form> {
    use Form::{Binary, Compare, Divide, Extend, IsZero, Low, SignedQuotient, Unary};
    Some(match op {
        Op::Add => Binary(Opcode::Iadd, I64),
        Op::Sub => Binary(Opcode::Isub, I64),
        Op::Mul => Binary(Opcode::Imul, I64),
        Op::Div => Divide(Opcode::Udiv, I64),
        Op::Divs => SignedQuotient(I64),
        Op::Rem => Divide(Opcode::Urem, I64),
        // The remainder of the least number divided by -1 is 0 for Cranelift too.
        Op::Rems => Divide(Opcode::Srem, I64),
        Op::And => Binary(Opcode::Band, I64),
        Op::Or => Binary(Opcode::Bor, I64),
        Op::Xor => Binary(Opcode::Bxor, I64),
        Op::Not => Unary(Opcode::Bnot, I64),
        // Cranelift takes the amount of a shift modulo the width, as we do.
        Op::Shl => Binary(Opcode::Ishl, I64),
        Op::Shr => Binary(Opcode::Ushr, I64),
        Op::Shrs => Binary(Opcode::Sshr, I64),
        Op::Rotl => Binary(Opcode::Rotl, I64),
        Op::Rotr => Binary(Opcode::Rotr, I64),
        Op::Clz => Unary(Opcode::Clz, I64),
        Op::Ctz => Unary(Opcode::Ctz, I64),
        Op::Popcnt => Unary(Opcode::Popcnt, I64),
        Op::Eqz => IsZero,
        Op::Eq => Compare(IntCC::Equal, I64),
        Op::Ne => Compare(IntCC::NotEqual, I64),
        Op::Lt => Compare(IntCC::UnsignedLessThan, I64),
        Op::Gt => Compare(IntCC::UnsignedGreaterThan, I64),
        Op::Le => Compare(IntCC::UnsignedLessThanOrEqual, I64),
        Op::Ge => Compare(IntCC::UnsignedGreaterThanOrEqual, I64),
        Op::Lts => Compare(IntCC::SignedLessThan, I64),
        Op::Gts => Compare(IntCC::SignedGreaterThan, I64),
        Op::Les => Compare(IntCC::SignedLessThanOrEqual, I64),
        Op::Ges => Compare(IntCC::SignedGreaterThanOrEqual, I64),
        Op::Extend8s => Extend(I8, I64),
        Op::Extend16s => Extend(I16, I64),
        Op::Extend32s => Extend(I32, I64),
        Op::Wrap32 => Low,

        Op::Add32 => Binary(Opcode::Iadd, I32),
        Op::Sub32 => Binary(Opcode::Isub, I32),
        Op::Mul32 => Binary(Opcode::Imul, I32),
        Op::Div32 => Divide(Opcode::Udiv, I32),
        Op::Divs32 => SignedQuotient(I32),
        Op::Rem32 => Divide(Opcode::Urem, I32),
        Op::Rems32 => Divide(Opcode::Srem, I32),
        Op::Shl32 => Binary(Opcode::Ishl, I32),
        Op::Shr32 => Binary(Opcode::Ushr, I32),
        Op::Shrs32 => Binary(Opcode::Sshr, I32),
        Op::Rotl32 => Binary(Opcode::Rotl, I32),
        Op::Rotr32 => Binary(Opcode::Rotr, I32),
        Op::Clz32 => Unary(Opcode::Clz, I32),
        Op::Ctz32 => Unary(Opcode::Ctz, I32),
        Op::Lts32 => Compare(IntCC::SignedLessThan, I32),
        Op::Gts32 => Compare(IntCC::SignedGreaterThan, I32),
        Op::Les32 => Compare(IntCC::SignedLessThanOrEqual, I32),
        Op::Ges32 => Compare(IntCC::SignedGreaterThanOrEqual, I32),
        Op::Extend8s32 => Extend(I8, I32),
        Op::Extend16s32 => Extend(I16, I32),
        _ => return None,
    })
}

/// What the instruction takes and gives.
pub(super) const fn shape(form: Form) -> Shape {
    let operands: &[Class] = match form {
        Form::Unary(..) | Form::IsZero | Form::Extend(..) | Form::Low => &[Class::Word],
        Form::Binary(..) | Form::Divide(..) | Form::SignedQuotient(..) | Form::Compare(..) => {
            &[Class::Word, Class::Word]
        }
    };
    Shape::plain(operands, Class::Word)
}

/// The condition under which the instruction traps, if it can.
pub(super) fn traps(b: &mut FunctionBuilder<'_>, form: Form, operands: &[Value]) -> Option<Value> {
    match form {
        Form::Divide(_, ty) => {
            let divisor = narrow(b, ty, operands[1]);
            Some(b.ins().icmp_imm_s(IntCC::Equal, divisor, 0))
        }
        Form::SignedQuotient(ty) => {
            let dividend = narrow(b, ty, operands[0]);
            let divisor = narrow(b, ty, operands[1]);
            // Of a constant divisor other than 0 and -1 nothing is left of this.
            let zero = b.ins().icmp_imm_s(IntCC::Equal, divisor, 0);
            let minus_one = b.ins().icmp_imm_s(IntCC::Equal, divisor, -1);
            let least = b.ins().icmp_imm_s(IntCC::Equal, dividend, i64::MIN >> (64 - ty.bits()));
            let overflow = b.ins().band(minus_one, least);
            Some(b.ins().bor(zero, overflow))
        }
        _ => None,
    }
}

/// The result.
pub(super) fn emit(b: &mut FunctionBuilder<'_>, form: Form, operands: &[Value]) -> Value {
    let result = match form {
        Form::Unary(opcode, ty) => {
            let operand = narrow(b, ty, operands[0]);
            unary(b, opcode, ty, operand)
        }
        Form::Binary(opcode, ty) | Form::Divide(opcode, ty) => {
            let operands = [narrow(b, ty, operands[0]), narrow(b, ty, operands[1])];
            binary(b, opcode, ty, &operands)
        }
        Form::SignedQuotient(ty) => {
            let operands = [narrow(b, ty, operands[0]), narrow(b, ty, operands[1])];
            binary(b, Opcode::Sdiv, ty, &operands)
        }
        Form::Compare(condition, ty) => {
            let operands = [narrow(b, ty, operands[0]), narrow(b, ty, operands[1])];
            b.ins().icmp(condition, operands[0], operands[1])
        }
        Form::IsZero => b.ins().icmp_imm_s(IntCC::Equal, operands[0], 0),
        Form::Extend(from, to) => {
            let low = b.ins().ireduce(from, operands[0]);
            b.ins().sextend(to, low)
        }
        Form::Low => b.ins().ireduce(I32, operands[0]),
    };
    widen(b, result)
}
