//! Conditions: expressions of which only matters whether they are true.

use super::Emitter;
use super::code::Label;
use super::func::Frame;
use crate::entish::hir::{Expr, ExprKind};
use keyvm_isa::Op;

impl Emitter<'_> {
    /// Goes to the label if the condition is `when`, else on.
    pub(super) fn branch(&mut self, frame: &mut Frame, cond: &Expr, to: Label, when: bool) {
        match &cond.kind {
            ExprKind::Word(word) => {
                if (*word != 0) == when {
                    self.code.to(Op::Jump, to);
                }
            }
            ExprKind::Not(cond) => self.branch(frame, cond, to, !when),
            // Either of `or` suffices to be true, either of `and` to be false.
            ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                let either = matches!(cond.kind, ExprKind::Or(..));
                if either == when {
                    self.branch(frame, a, to, when);
                    self.branch(frame, b, to, when);
                } else {
                    let on = self.code.label();
                    self.branch(frame, a, on, !when);
                    self.branch(frame, b, to, when);
                    self.code.put(on);
                }
            }
            // A comparison with 0 is the jump itself.
            ExprKind::Op { op: op @ (Op::Ne | Op::Eq), operands, .. } if is_zero(&operands[1]) => {
                self.expr(frame, &operands[0]);
                self.jump_if(to, when == (*op == Op::Ne));
            }
            ExprKind::Op { op: Op::Eqz, operands, .. } => {
                self.expr(frame, &operands[0]);
                self.jump_if(to, !when);
            }
            _ => {
                self.expr(frame, cond);
                self.jump_if(to, when);
            }
        }
    }

    fn jump_if(&mut self, to: Label, when: bool) {
        self.code.to(if when { Op::Jumpif } else { Op::Jumpz }, to);
    }
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Word(0))
}
