//! Arithmetic: one instruction, its operands as SSA values, its result as one.
//!
//! What the instructions mean is said by [`keyvm_isa::alu`]. Each submodule lists the instructions of its kind
//! with what they become, once; shape, trap condition and code all follow from that row. Nothing here is a
//! call: an instruction that would become one on some processor is not [`available`] there.

mod convert;
mod float;
mod int;
#[cfg(test)]
mod tests;

use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilder;
use keyvm_isa::Op;
use target_lexicon::Architecture;

/// How an operand or result is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A word, as I64.
    Word,
    /// The bits of an f64, as F64.
    F64,
    /// The bits of an f32 whose word's upper half is 0, as F32.
    F32,
}

/// What an arithmetic instruction takes and gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Classes of the operands, in the order in which they were pushed.
    pub(crate) operands: &'static [Class],
    /// Class of the result.
    pub(crate) result: Class,
    /// Whether the result may be a NaN other than the canonical one where the specification wants that.
    pub(crate) raw: bool,
    /// Whether the bits of a NaN operand show in the result: operands must be canonical.
    pub(crate) shows: bool,
}

impl Shape {
    /// The shape of an instruction in which no NaN is made and the payload of none is seen.
    const fn plain(operands: &'static [Class], result: Class) -> Self {
        Self { operands, result, raw: false, shows: false }
    }
}

/// What an arithmetic instruction becomes.
enum Form {
    /// An instruction on integers.
    Int(int::Form),
    /// An instruction on floats.
    Float(float::Form),
    /// A conversion from or to a float.
    Convert(convert::Form),
}

/// Looks an instruction up in the three lists.
fn form(op: Op) -> Option<Form> {
    int::form(op)
        .map(Form::Int)
        .or_else(|| float::form(op).map(Form::Float))
        .or_else(|| convert::form(op).map(Form::Convert))
}

/// What an arithmetic instruction takes and gives; `None` for an instruction that is not arithmetic.
pub(crate) fn shape(op: Op) -> Option<Shape> {
    Some(match form(op)? {
        Form::Int(form) => int::shape(form),
        Form::Float(form) => float::shape(form),
        Form::Convert(form) => convert::shape(form),
    })
}

/// Whether an instruction is arithmetic that is [`available`] on every processor.
pub(crate) fn everywhere(op: Op) -> bool {
    form(op).is_some_and(|form| !matches!(form, Form::Float(form) if float::rounds(form)))
}

/// Whether the processor has what the instruction becomes; where it has not, the code would hold a call to a
/// library of the compiler's.
///
/// The one such case is rounding to an integer on an x86-64 without SSE4.1. `op` is arithmetic.
pub(crate) fn available(op: Op, isa: &dyn TargetIsa) -> bool {
    let rounds = matches!(form(op), Some(Form::Float(form)) if float::rounds(form));
    !rounds
        || isa.triple().architecture != Architecture::X86_64
        || isa.isa_flags().iter().any(|flag| flag.name == "has_sse41" && flag.as_bool() == Some(true))
}

/// A condition (any integer value; other than 0 is true) under which the instruction traps; `None` where it
/// never does.
pub(crate) fn traps(b: &mut FunctionBuilder<'_>, op: Op, operands: &[Value]) -> Option<Value> {
    match form(op)? {
        Form::Int(form) => int::traps(b, form, operands),
        Form::Float(_) => None,
        Form::Convert(form) => convert::traps(b, form, operands[0]),
    }
}

/// The result, where the instruction does not trap; where it does, the code must not be reached.
///
/// # Panics
/// If the instruction is not arithmetic.
pub(crate) fn emit(b: &mut FunctionBuilder<'_>, op: Op, operands: &[Value]) -> Value {
    match form(op).expect("an arithmetic instruction") {
        Form::Int(form) => int::emit(b, form, operands),
        Form::Float(form) => float::emit(b, form, operands),
        Form::Convert(form) => convert::emit(b, form, operands[0]),
    }
}

/// Emits the instruction of one operand that `opcode` names; `ty` is the type of its result.
fn unary(b: &mut FunctionBuilder<'_>, opcode: Opcode, ty: Type, operand: Value) -> Value {
    let (inst, dfg) = b.ins().Unary(opcode, ty, operand);
    dfg.first_result(inst)
}

/// Emits the instruction that `opcode` names, of two operands of type `ty`, which is that of the result too.
fn binary(b: &mut FunctionBuilder<'_>, opcode: Opcode, ty: Type, operands: &[Value]) -> Value {
    let (inst, dfg) = b.ins().Binary(opcode, ty, operands[0], operands[1]);
    dfg.first_result(inst)
}

/// Zero-extends a truth value or a number of 32 bits to a word.
fn widen(b: &mut FunctionBuilder<'_>, value: Value) -> Value {
    if b.func.dfg.value_type(value) == types::I64 { value } else { b.ins().uextend(types::I64, value) }
}

/// The number of 64 or 32 bits in a word.
fn narrow(b: &mut FunctionBuilder<'_>, ty: Type, word: Value) -> Value {
    if ty == types::I64 { word } else { b.ins().ireduce(ty, word) }
}

/// The class of a float type.
fn class(float: Type) -> Class {
    if float == types::F64 { Class::F64 } else { Class::F32 }
}
