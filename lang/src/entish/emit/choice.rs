//! Chains of conditions that compare one variable with numbers: where these are dense, a table of targets does it.

use super::Emitter;
use super::code::Label;
use super::func::Frame;
use crate::entish::hir::{Expr, ExprKind, LocalId, Stmt, StmtKind};
use keyvm_isa::Op;

/// Conditions at least, and targets at most.
const ARMS_MIN: usize = 4;
const TARGETS_MAX: u64 = 512;

/// One `if` or `elif` of a chain.
struct Arm<'a> {
    numbers: Vec<u64>,
    then: &'a [Stmt],
}

/// A chain that a table decides.
pub(super) struct Choice<'a> {
    local: LocalId,
    arms: Vec<Arm<'a>>,
    /// What is left if no number is the variable's.
    otherwise: &'a [Stmt],
    least: u64,
    /// From the least number on, which arm each leads to.
    table: Vec<Option<usize>>,
}

impl<'a> Choice<'a> {
    /// The chain that begins with this `if`, as far as it compares one variable; none if a table would not be better.
    pub(super) fn of(cond: &Expr, then: &'a [Stmt], otherwise: &'a [Stmt]) -> Option<Self> {
        let mut numbers = Vec::new();
        let local = compared(cond, None, &mut numbers)?;
        let mut arms = vec![Arm { numbers, then }];
        let mut rest = otherwise;
        while let [Stmt { kind: StmtKind::If { cond, then, otherwise }, .. }] = rest {
            let mut numbers = Vec::new();
            if compared(cond, Some(local), &mut numbers).is_none() {
                break;
            }
            arms.push(Arm { numbers, then });
            rest = otherwise;
        }
        let numbers = || arms.iter().flat_map(|arm| &arm.numbers);
        let (&least, &most) = (numbers().min()?, numbers().max()?);
        let (targets, count) = ((most - least).checked_add(1)?, numbers().count());
        if arms.len() < ARMS_MIN || targets > TARGETS_MAX || targets > 3 * count as u64 {
            return None;
        }
        let mut table = vec![None; usize::try_from(targets).ok()?];
        for (number, arm) in arms.iter().enumerate() {
            for &word in &arm.numbers {
                // What comes first decides.
                let at = usize::try_from(word - least).ok()?;
                table[at] = table[at].or(Some(number));
            }
        }
        Some(Self { local, arms, otherwise: rest, least, table })
    }
}

/// The variable that a condition compares with numbers, which are added to `numbers`; that one, if one is given.
fn compared(cond: &Expr, local: Option<LocalId>, numbers: &mut Vec<u64>) -> Option<LocalId> {
    match &cond.kind {
        ExprKind::Or(a, b) => {
            let local = compared(a, local, numbers)?;
            compared(b, Some(local), numbers)
        }
        ExprKind::Op { op: Op::Eq, operands, .. } => match (&operands[0].kind, &operands[1].kind) {
            (&ExprKind::Local(of), &ExprKind::Word(word)) if local.is_none_or(|local| local == of) => {
                numbers.push(word);
                Some(of)
            }
            _ => None,
        },
        _ => None,
    }
}

impl Emitter<'_> {
    /// Makes a chain; whether what follows can be reached.
    pub(super) fn choice(&mut self, frame: &mut Frame, choice: &Choice<'_>) -> bool {
        let Choice { local, arms, otherwise, least, table } = choice;
        let labels: Vec<Label> = arms.iter().map(|_| self.code.label()).collect();
        let [rest, end] = [(); 2].map(|()| self.code.label());
        self.code.get(local.0);
        if *least > 0 {
            self.code.push(*least);
            self.code.op(Op::Sub);
        }
        let mut targets: Vec<Label> = table.iter().map(|arm| arm.map_or(rest, |arm| labels[arm])).collect();
        targets.push(rest);
        self.code.switch(targets);
        let mut falls = false;
        for (arm, &label) in arms.iter().zip(&labels) {
            self.code.put(label);
            if self.block(frame, arm.then) {
                falls = true;
                self.code.to(Op::Jump, end);
            }
        }
        self.code.put(rest);
        falls |= self.block(frame, otherwise);
        self.code.put(end);
        falls
    }
}
