//! Calls of what only computes, straight through to a `return`, as a function of a few instructions does.
//!
//! What it costs and how much room it takes is known from its code. Where that is there, nothing can come between the
//! beginning of its call and the end: it computes above the operands of its caller, and nothing is loaded or put back.

use super::Kernel;
use super::activation::{Activation, Aside};
use super::arena::Slot;
use super::object::Body;
use super::plain::{PlainCall, gives};
use keyvm_isa::{Code, Op, Status};
use std::num::NonZeroU8;

/// Instructions at most, without the `return`.
const INSTRUCTIONS_MAX: usize = 16;

/// Code that executes each of its instructions once, and only computes on operands. Each code page has room for this, so it
/// says no more than it has to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Straight {
    /// Instructions, the `return` among them.
    steps: NonZeroU8,
    /// Operands at most above those that it begins with.
    most: u8,
}

/// A call of such code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StraightCall {
    instructions: [u64; INSTRUCTIONS_MAX],
    /// How many of those there are.
    count: u8,
    /// Words that it returns.
    results: u8,
    /// What all of it costs.
    gas: u64,
}

/// Whether an instruction does nothing but change operands, by itself and its immediates alone, for a fixed price.
const fn only_computes(op: Op) -> bool {
    const NOP: u8 = Op::Nop as u8;
    const HEIGHT: u8 = Op::Height as u8;
    const ADD: u8 = Op::Add as u8;
    const DEMOTE: u8 = Op::Demote as u8;
    matches!(op as u8, NOP..=HEIGHT | ADD..=DEMOTE) && !matches!(op, Op::Const | Op::Slide)
}

impl Straight {
    /// What code does from its beginning, if it is such code.
    pub(super) fn of(code: &Code) -> Option<Self> {
        let (mut height, mut most) = (0, 0);
        for (steps, &word) in (1..).zip(code.normal().iter().take(INSTRUCTIONS_MAX + 1)) {
            if let Some((_, Status::Returned, _)) = gives(word) {
                return Some(Self { steps: NonZeroU8::new(steps)?, most });
            }
            let op = Op::from_byte(word.to_le_bytes()[0]).filter(|&op| only_computes(op))?;
            let info = op.info();
            height += i16::from(info.pushes) - i16::from(info.pops);
            most = most.max(u8::try_from(height).unwrap_or(0));
        }
        None
    }

    /// A call of this code.
    #[inline(always)]
    fn call(self, code: &Code) -> Option<StraightCall> {
        let count = self.steps.get() - 1;
        let (words, rest) = code.normal().split_at_checked(count.into())?;
        let (results, _, cost) = gives(*rest.first()?)?;
        let mut instructions = [0; INSTRUCTIONS_MAX];
        instructions.iter_mut().zip(words).for_each(|(to, &word)| *to = word);
        // What only computes costs 1.
        Some(StraightCall { instructions, count, results, gas: u64::from(count) + cost })
    }
}

impl StraightCall {
    /// The instructions before the `return`.
    #[inline]
    pub(crate) fn instructions(&self) -> &[u64] {
        &self.instructions[..usize::from(self.count)]
    }

    /// Words that it returns.
    pub(crate) const fn results(&self) -> usize {
        self.results as usize
    }
}

impl Kernel {
    /// What the callee of a call does, if that is straight, it stands at the beginning, and there is enough of everything
    /// for all of it.
    #[inline(always)]
    pub(crate) fn straight_callee(&self, act: &Activation, call: &PlainCall) -> Option<StraightCall> {
        let Slot { body: Body::Code(page), .. } = self.arena.filling(call.code)? else { return None };
        let straight = page.straight()?;
        let state = self.arena.process(call.callee);
        let begins = state.index == 0 && state.height == 0 && state.frames.is_empty();
        let above = u32::from(call.words) + u32::from(straight.most);
        if !(begins && state.has_room(above) && act.has_length_for(above)) {
            return None;
        }
        let gas = self.gas_for_callee(call).min(act.slice_left() - call.used);
        straight.call(&page.code).filter(|straight| straight.gas <= gas)
    }

    /// Has the callee of such a call compute from here on, until [`Kernel::end_straight`] or [`Activation::take_up`].
    #[inline(always)]
    pub(crate) fn begin_straight(
        &self,
        act: &mut Activation,
        call: &PlainCall,
        straight: &StraightCall,
    ) -> Aside {
        act.set_aside(call.words, straight.gas)
    }

    /// Ends such a call, whose callee has come to its `return`.
    #[inline(always)]
    pub(crate) fn end_straight(
        &mut self,
        act: &mut Activation,
        call: &PlainCall,
        straight: &StraightCall,
        aside: Aside,
    ) {
        let first = act.height - straight.results();
        act.take_up(aside);
        act.drop_operands(usize::from(call.words) + 3);
        act.take_own_result(first, straight.results(), Status::Returned);
        self.instructions += u64::from(straight.count) + 1;
        let callee = self.end_unheard(act, call, straight.gas, straight.results);
        callee.message_words = call.words;
        callee.message_keys = 0;
        callee.end_call(Status::Returned, call.gas - straight.gas, call.granted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyvm_isa::code::CodeParts;
    use keyvm_isa::{Cost, Flow, ImmKind, Insn, OPS};

    #[test]
    fn what_only_computes_goes_on_with_the_next_instruction_and_has_one_price_and_no_memory() {
        for info in OPS.iter().filter(|info| only_computes(info.op)) {
            assert_eq!(info.flow, Flow::Next, "{}", info.mnemonic);
            assert!(matches!(info.cost, Cost::Fixed(1)), "{}", info.mnemonic);
            let kinds = [ImmKind::Value, ImmKind::Slot];
            assert!(info.imms.iter().all(|imm| kinds.contains(&imm.kind)), "{}", info.mnemonic);
        }
    }

    fn straight(program: &[(Op, &[i64])]) -> Option<Straight> {
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        Straight::of(&code)
    }

    #[test]
    fn code_is_straight_up_to_its_return() {
        let found = straight(&[
            (Op::Push, &[1]),
            (Op::Dup, &[]),
            (Op::Add, &[]),
            (Op::Drop, &[]),
            (Op::Return, &[1, 0]),
            (Op::Halt, &[]),
        ]);
        let Straight { steps, most } = found.expect("it is straight");
        assert_eq!((steps.get(), most), (5, 2));
    }

    #[test]
    fn other_code_is_not() {
        let long = vec![(Op::Nop, &[] as &[i64]); INSTRUCTIONS_MAX + 1];
        let ended = |mut program: Vec<(Op, &'static [i64])>| {
            program.push((Op::Return, &[0, 0]));
            straight(&program).is_some()
        };
        assert!(ended(long[1..].to_vec()));
        assert!(!ended(long));
        assert!(!ended(vec![(Op::Yield, &[0, 0])]));
        assert!(!ended(vec![(Op::Return, &[0, 1])]));
        assert!(!ended(vec![(Op::Jump, &[1])]));
        assert!(!ended(vec![(Op::Load64at, &[2, 0])]));
        assert!(!ended(vec![(Op::Random, &[])]));
        assert!(straight(&[(Op::Nop, &[])]).is_none());
    }
}
