//! Floats: arithmetic, rounding and comparison, of 64 and of 32 bits.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32, F64};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use keyvm_isa::Op;

use super::{Class, Shape, binary, class, unary, widen};

/// What an instruction on floats of a type becomes.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// One instruction of one operand.
    Unary(Opcode, Type),
    /// One instruction of two operands.
    Binary(Opcode, Type),
    /// A comparison.
    Compare(FloatCC, Type),
}

/// What an instruction becomes; `None` if it is not one on floats.
pub(super) fn form(op: Op) -> Option<Form> {
    use Form::{Binary, Compare, Unary};
    Some(match op {
        Op::Fadd => Binary(Opcode::Fadd, F64),
        Op::Fsub => Binary(Opcode::Fsub, F64),
        Op::Fmul => Binary(Opcode::Fmul, F64),
        Op::Fdiv => Binary(Opcode::Fdiv, F64),
        // Cranelift's too give a NaN if either is one, and order the zeros.
        Op::Fmin => Binary(Opcode::Fmin, F64),
        Op::Fmax => Binary(Opcode::Fmax, F64),
        Op::Fabs => Unary(Opcode::Fabs, F64),
        Op::Fneg => Unary(Opcode::Fneg, F64),
        Op::Fcopysign => Binary(Opcode::Fcopysign, F64),
        Op::Fsqrt => Unary(Opcode::Sqrt, F64),
        Op::Fceil => Unary(Opcode::Ceil, F64),
        Op::Ffloor => Unary(Opcode::Floor, F64),
        Op::Ftrunc => Unary(Opcode::Trunc, F64),
        Op::Fnearest => Unary(Opcode::Nearest, F64),
        // All but `NotEqual` are false if either is a NaN.
        Op::Feq => Compare(FloatCC::Equal, F64),
        Op::Fne => Compare(FloatCC::NotEqual, F64),
        Op::Flt => Compare(FloatCC::LessThan, F64),
        Op::Fgt => Compare(FloatCC::GreaterThan, F64),
        Op::Fle => Compare(FloatCC::LessThanOrEqual, F64),
        Op::Fge => Compare(FloatCC::GreaterThanOrEqual, F64),

        Op::Fadd32 => Binary(Opcode::Fadd, F32),
        Op::Fsub32 => Binary(Opcode::Fsub, F32),
        Op::Fmul32 => Binary(Opcode::Fmul, F32),
        Op::Fdiv32 => Binary(Opcode::Fdiv, F32),
        Op::Fmin32 => Binary(Opcode::Fmin, F32),
        Op::Fmax32 => Binary(Opcode::Fmax, F32),
        Op::Fabs32 => Unary(Opcode::Fabs, F32),
        Op::Fneg32 => Unary(Opcode::Fneg, F32),
        Op::Fcopysign32 => Binary(Opcode::Fcopysign, F32),
        Op::Fsqrt32 => Unary(Opcode::Sqrt, F32),
        Op::Fceil32 => Unary(Opcode::Ceil, F32),
        Op::Ffloor32 => Unary(Opcode::Floor, F32),
        Op::Ftrunc32 => Unary(Opcode::Trunc, F32),
        Op::Fnearest32 => Unary(Opcode::Nearest, F32),
        Op::Feq32 => Compare(FloatCC::Equal, F32),
        Op::Fne32 => Compare(FloatCC::NotEqual, F32),
        Op::Flt32 => Compare(FloatCC::LessThan, F32),
        Op::Fgt32 => Compare(FloatCC::GreaterThan, F32),
        Op::Fle32 => Compare(FloatCC::LessThanOrEqual, F32),
        Op::Fge32 => Compare(FloatCC::GreaterThanOrEqual, F32),
        _ => return None,
    })
}

/// What the instruction takes and gives.
pub(super) fn shape(form: Form) -> Shape {
    let (ty, operands, result) = match form {
        Form::Unary(_, ty) => (ty, 1, class(ty)),
        Form::Binary(_, ty) => (ty, 2, class(ty)),
        Form::Compare(_, ty) => (ty, 2, Class::Word),
    };
    let both: &[Class] = match class(ty) {
        Class::F64 => &[Class::F64; 2],
        _ => &[Class::F32; 2],
    };
    // Those that touch only the sign bit keep the payload of a NaN; the others make one.
    let shows =
        matches!(form, Form::Unary(Opcode::Fabs | Opcode::Fneg, _) | Form::Binary(Opcode::Fcopysign, _));
    let raw = !shows && !matches!(form, Form::Compare(..));
    Shape { operands: both.split_at(operands).0, result, raw, shows }
}

/// Whether the instruction rounds to an integer, which an x86-64 without SSE4.1 cannot do in one.
pub(super) const fn rounds(form: Form) -> bool {
    matches!(form, Form::Unary(Opcode::Ceil | Opcode::Floor | Opcode::Trunc | Opcode::Nearest, _))
}

/// The result.
pub(super) fn emit(b: &mut FunctionBuilder<'_>, form: Form, operands: &[Value]) -> Value {
    match form {
        Form::Unary(opcode, ty) => unary(b, opcode, ty, operands[0]),
        Form::Binary(opcode, ty) => binary(b, opcode, ty, operands),
        Form::Compare(condition, _) => {
            let truth = b.ins().fcmp(condition, operands[0], operands[1]);
            widen(b, truth)
        }
    }
}
