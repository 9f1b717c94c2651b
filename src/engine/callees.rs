//! Subroutines that native code calls by an index among its operands, or from a table in memory.
//!
//! Nothing that is compiled names them, so nobody compiles them with it. Native code that finds none of such a subroutine
//! leaves, and counts here. They are optimized when something else of their page is: what calls them runs long then.

use super::page::HOT;
use keyvm_isa::{Code, ImmKind, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a subroutine that has been missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So often it has been.
    Missing(u8),
    /// It is being compiled, or is not to be compiled any more.
    Settled,
    /// There is quick code of it.
    Quick,
}

/// The subroutines of a page that have been missing, by index.
#[derive(Debug, Default)]
pub(super) struct Callees(BTreeMap<u32, State>);

impl Callees {
    /// Counts that a subroutine was missing. `true` if it is to be compiled: at once, or if that has happened often.
    pub(super) fn missing(&mut self, index: u32, at_once: bool) -> bool {
        let state = self.0.entry(index).or_insert(State::Missing(0));
        match state {
            State::Missing(times) if at_once || *times >= HOT => {
                *state = State::Settled;
                true
            }
            State::Missing(times) => {
                *times += 1;
                false
            }
            State::Settled | State::Quick => false,
        }
    }

    /// Says that there is quick code.
    pub(super) fn made(&mut self, index: u32) {
        self.0.insert(index, State::Quick);
    }

    /// Says that what was asked for has been put off.
    pub(super) fn forget(&mut self, index: u32, is_there: bool) {
        self.0.insert(index, if is_there { State::Quick } else { State::Missing(0) });
    }

    /// Those that are to be optimized, the next time that anything is: of these subroutines, which have quick code, and of
    /// those that were missing.
    pub(super) fn optimize(&mut self, named: impl IntoIterator<Item = u32>) -> Vec<u32> {
        for index in named {
            self.0.entry(index).or_insert(State::Quick);
        }
        let quick = self.0.iter_mut().filter(|(_, state)| **state == State::Quick);
        quick
            .map(|(&index, state)| {
                *state = State::Settled;
                index
            })
            .collect()
    }
}

/// Subroutines whose index stands in the code as a number, if anything is called by such a number.
pub(super) fn named(code: &Code) -> BTreeSet<u32> {
    let mut calls = false;
    let mut found = BTreeSet::new();
    for &word in code.normal() {
        let Some(insn) = Insn::decode(word) else { continue };
        calls |= matches!(insn.op, Op::Callto | Op::Calltable | Op::Tailcallto | Op::Tailcalltable);
        for (imm, &value) in insn.op.info().imms.iter().zip(&insn.imms) {
            if imm.kind == ImmKind::Value
                && let Ok(index) = u32::try_from(value)
                && code.func_at(index.into()).is_some()
            {
                found.insert(index);
            }
        }
    }
    if calls { found } else { BTreeSet::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyvm_isa::code::{CodeParts, FuncType};

    #[test]
    fn a_subroutine_that_is_missing_often_is_asked_for_once() {
        let mut callees = Callees::default();
        let times = (0..1_000).filter(|_| callees.missing(7, false)).count();
        assert_eq!(times, 1);
        assert!(callees.missing(8, true) && !callees.missing(8, true));
        callees.forget(7, false);
        assert!(!callees.missing(7, false) && callees.missing(7, true));
    }

    #[test]
    fn what_is_quick_is_optimized_once() {
        let mut callees = Callees::default();
        assert!(callees.missing(7, true) && callees.missing(8, true));
        callees.made(7);
        assert_eq!(callees.optimize([9]), [7, 9]);
        callees.made(8);
        assert_eq!(callees.optimize([9]), [8]);
        callees.forget(9, true);
        assert_eq!(callees.optimize([]), [9]);
    }

    #[test]
    fn subroutines_are_named_by_numbers_if_anything_is_called_by_them() {
        let insn = |op, first| Insn { op, imms: [first, 0, 0] }.word();
        let page = |call| {
            let instructions = vec![
                insn(Op::Push, 3),
                insn(Op::Push, 1),
                insn(call, 0),
                insn(Op::Func, 0),
                insn(Op::Func, 0),
            ];
            let types = vec![FuncType { arguments: 0, results: 0, locals: 0 }];
            Code::new(CodeParts { instructions, types, ..CodeParts::default() }.words())
                .expect("the parts add up")
        };
        assert_eq!(named(&page(Op::Callto)), BTreeSet::from([3]));
        assert_eq!(named(&page(Op::Drop)), BTreeSet::new());
    }
}
