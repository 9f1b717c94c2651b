//! Values that are known: what instructions give, exactly as the machine computes it.

use keyvm_isa::{Op, alu};

/// What the instruction gives, if it is one of those that the language's operators become and does not trap.
pub(super) fn unary(op: Op, a: u64) -> Option<u64> {
    Some(match op {
        Op::Not => !a,
        Op::Eqz => u64::from(a == 0),
        Op::Fneg => alu::fneg(a),
        Op::Fabs => alu::fabs(a),
        Op::Fsqrt => alu::fsqrt(a),
        Op::Fceil => alu::fceil(a),
        Op::Ffloor => alu::ffloor(a),
        Op::Ftrunc => alu::ftrunc(a),
        Op::Fnearest => alu::fnearest(a),
        Op::Itof => alu::itof(a),
        Op::Utof => alu::utof(a),
        Op::Ftoi => alu::ftoi(a).ok()?,
        Op::Ftou => alu::ftou(a).ok()?,
        _ => return None,
    })
}

/// As [`unary`], for two operands.
pub(super) fn binary(op: Op, a: u64, b: u64) -> Option<u64> {
    Some(match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Div => alu::div(a, b).ok()?,
        Op::Divs => alu::divs(a, b).ok()?,
        Op::Rem => alu::rem(a, b).ok()?,
        Op::Rems => alu::rems(a, b).ok()?,
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Shl => alu::shl(a, b),
        Op::Shr => alu::shr(a, b),
        Op::Shrs => alu::shrs(a, b),
        Op::Eq => u64::from(a == b),
        Op::Ne => u64::from(a != b),
        Op::Lt => u64::from(a < b),
        Op::Gt => u64::from(a > b),
        Op::Le => u64::from(a <= b),
        Op::Ge => u64::from(a >= b),
        Op::Lts => alu::lts(a, b),
        Op::Gts => alu::gts(a, b),
        Op::Les => alu::les(a, b),
        Op::Ges => alu::ges(a, b),
        Op::Fadd => alu::fadd(a, b),
        Op::Fsub => alu::fsub(a, b),
        Op::Fmul => alu::fmul(a, b),
        Op::Fdiv => alu::fdiv(a, b),
        Op::Fmin => alu::fmin(a, b),
        Op::Fmax => alu::fmax(a, b),
        Op::Feq => alu::feq(a, b),
        Op::Fne => alu::fne(a, b),
        Op::Flt => alu::flt(a, b),
        Op::Fgt => alu::fgt(a, b),
        Op::Fle => alu::fle(a, b),
        Op::Fge => alu::fge(a, b),
        _ => return None,
    })
}
