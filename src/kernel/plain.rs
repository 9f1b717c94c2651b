//! What moves control most often, where nothing about it is out of the common run.
//!
//! A `recurse` by native code need not load the callee at all. As long as the callee only computes, nobody sees whether its
//! call has begun: the engine lets it compute in its object, on gas lent to it, and enters in the books what came of it when
//! it returns, or lets the call begin where it has come to.

use super::Kernel;
use super::activation::Activation;
use super::arena::{Ref, Slot};
use super::control::{Link, LinkCall};
use super::fault::KernelFault;
use super::meter::Change;
use super::object::{Body, CallMeter, Process};
use keyvm_isa::{Code, Op, Rights, Status, gas};

/// An instruction that moves control.
pub(crate) enum Move {
    /// A `yield` or `return`, which has been executed.
    Back,
    /// A `recurse`, which will complete.
    Call(PlainCall),
}

/// A `recurse` in which nothing is out of the common run. Its base cost is taken, and nothing else has changed.
#[derive(Clone, Copy)]
pub(crate) struct PlainCall {
    pub(crate) callee: Ref,
    /// The callee's code.
    pub(crate) code: Ref,
    /// Words of the message.
    pub(super) words: u8,
    /// Gas that the caller has used when it calls, and the kernel has not been told of.
    pub(super) used: u64,
    /// Gas that the callee is handed.
    pub(super) gas: u64,
    /// Words, likewise.
    pub(super) granted: u64,
}

/// What a callee has come to whose call has not begun.
pub(crate) struct Lent {
    /// Index of its next instruction.
    pub(crate) index: u64,
    pub(crate) base: usize,
    pub(crate) height: usize,
    /// Gas that it has left of what it was lent, and that it has used.
    pub(crate) fuel: u64,
    pub(crate) used: u64,
}

const RECURSE: u64 = Op::Recurse.info().cost.base();
const YIELD: u64 = Op::Yield.info().cost.base();
const RETURN: u64 = Op::Return.info().cost.base();

/// How many words a `yield` or `return` without keys gives, its status, and its cost, that of the words included.
#[inline(always)]
pub(super) fn gives(word: u64) -> Option<(u8, Status, u64)> {
    const YIELDS: u8 = Op::Yield as u8;
    const RETURNS: u8 = Op::Return as u8;
    match word.to_le_bytes() {
        [YIELDS, words, 0, ..] => Some((words, Status::Yielded, YIELD + gas::message(words, 0))),
        [RETURNS, words, 0, ..] => Some((words, Status::Returned, RETURN + gas::message(words, 0))),
        _ => None,
    }
}

/// The word of code at an index; 0 at the end.
#[inline(always)]
fn word_at(code: &Code, index: u64) -> u64 {
    usize::try_from(index).ok().and_then(|index| code.normal().get(index)).copied().unwrap_or(0)
}

impl Kernel {
    /// Looks at the present instruction: one that moves control, if nothing about it is out of the common run. If it is
    /// none nothing has changed.
    #[inline]
    pub(crate) fn move_plainly(&mut self, act: &mut Activation, code: &Code) -> Option<Move> {
        let word = word_at(code, act.index);
        let (base, given) = match word.to_le_bytes() {
            [opcode, words, 0, ..] if opcode == Op::Recurse as u8 => (RECURSE, Err(words)),
            _ => {
                let (words, status, _) = gives(word)?;
                (if status == Status::Yielded { YIELD } else { RETURN }, Ok((words, status)))
            }
        };
        if act.fuel < base {
            return None;
        }
        act.next = act.index + 1;
        act.fuel -= base;
        act.charged = base;
        let moved = match given {
            Ok((words, status)) => self.give_plainly(act, words, status).then_some(Move::Back),
            Err(words) => self.plain_call(act, words).map(Move::Call),
        };
        if moved.is_none() {
            act.fuel += std::mem::take(&mut act.charged);
        }
        moved
    }

    /// A `recurse` in which nothing is out of the common run: no keys, a process that has no standing meter, waits to be
    /// called and has room, no call meter to be used again, and enough of everything.
    #[inline(always)]
    pub(crate) fn plain_call(&self, act: &Activation, words: u8) -> Option<PlainCall> {
        let [slot, asked_gas, asked_words] = act.operands().ok()?;
        let more_gas = gas::message(words, 0);
        let keys = &self.arena.process(act.process).keys;
        let (callee, Slot { body: Body::Process(state), .. }) =
            self.plain_object(keys, slot, Rights::CALL)?
        else {
            return None;
        };
        let fits = act.height - act.base >= usize::from(words) + 3 && act.fuel >= more_gas;
        let free = state.link == u32::MAX && state.caller.is_none() && state.callee.is_none();
        let free = free && !state.standing && !state.stopped && state.listens();
        let left = self.left_for(self.chain.last()?);
        if !fits
            || !free
            || self.arena.filling(state.code).is_none()
            || !state.has_room(words.into())
            || left.chargeable < gas::METER_WORDS
            || self.walks_for_words
            || !self.dormant.is_empty()
        {
            return None;
        }
        let granted = asked_words.min(left.words - gas::METER_WORDS);
        let used = act.used_with(more_gas);
        let gas = asked_gas.min(left.gas.saturating_sub(used));
        Some(PlainCall { callee, code: state.code, words, used, gas, granted })
    }

    /// Begins a call: the callee is loaded in place of the caller.
    #[inline(never)]
    pub(crate) fn begin_call(&mut self, act: &mut Activation, call: &PlainCall) {
        let message = act.message(call.words);
        self.arena.process_mut(call.callee).push_message(message, &[]);
        self.begin_told(act, call);
    }

    /// As [`Kernel::begin_call`], when the callee has its message.
    #[inline(always)]
    pub(crate) fn begin_told(&mut self, act: &mut Activation, call: &PlainCall) {
        let &PlainCall { callee, words, used, gas, granted, .. } = call;
        let caller = act.process;
        let place = self.place_of_next();
        let number = self.take_number();
        act.use_up(used);
        act.drop_operands(usize::from(words) + 3);
        let change = Change::Charge(gas::METER_WORDS);
        self.settle_run(used, change);
        let Some(top) = self.chain.last_mut() else { return };
        top.gas -= used;
        if top.is_recurse() {
            top.count(change);
        }
        if !KernelFault::GasTwice.is_planted() {
            top.gas -= gas;
        }
        top.words = top.words.wrapping_sub(granted);
        let (superior, base) = (top.meter, top.base);
        let meter = self.arena.insert_call(number, superior, CallMeter::new(callee, self.base, place));
        let call = LinkCall::Recurse;
        self.chain.push(Link { process: callee, meter, gas, words: granted, charged: 0, base, call });
        let (state, waiting) = self.arena.processes_mut(callee, caller);
        state.begin_turn(place, caller);
        act.switch(callee, state, gas.min(self.base_gas), waiting);
        waiting.wait_for(callee);
    }

    /// Gas that the callee of a call has before some meter is dry.
    #[inline(always)]
    pub(super) fn gas_for_callee(&self, call: &PlainCall) -> u64 {
        call.gas.min(self.base_gas.saturating_sub(call.used))
    }

    /// Gives the callee of a call its message, so that it can compute where it is. Nothing but what it computes may change
    /// before the call is ended with [`Kernel::end_lent`] or begun with [`Kernel::begin_lent`]. Gives the callee, and how much
    /// gas it has.
    #[inline(always)]
    pub(crate) fn lend(&mut self, act: &Activation, call: &PlainCall) -> (&mut Process, u64) {
        let gas = self.gas_for_callee(call).min(act.slice_left() - call.used);
        let callee = self.arena.process_mut(call.callee);
        callee.push_message(act.message(call.words), &[]);
        callee.fill_stack();
        (callee, gas)
    }

    /// Ends a call whose callee is at a `yield` or `return` in which nothing is out of the common run, and takes its result
    /// to the caller, which goes on. If it is none nothing has changed.
    #[inline(always)]
    pub(crate) fn end_lent(
        &mut self,
        act: &mut Activation,
        call: &PlainCall,
        lent: &Lent,
        code: &Code,
    ) -> bool {
        // Check.
        let Some((words, status, cost)) = gives(word_at(code, lent.index)) else { return false };
        let count = usize::from(words);
        let taken = usize::from(call.words) + 3;
        if lent.fuel < cost
            || lent.height - lent.base < count
            || act.height - taken + count + 2 > act.stack.len()
        {
            return false;
        }
        // Act.
        let height = lent.height - count;
        act.drop_operands(taken);
        let used = lent.used + cost;
        let callee = self.end_unheard(act, call, used, words);
        act.take_result(&callee.stack[height..lent.height], status);
        callee.stand(lent.index + 1, height);
        callee.end_call(status, call.gas - used, call.granted);
        true
    }

    /// Enters in the books a call that nobody has heard of before it ended, whose callee has used so much gas and gives so
    /// many words, which the caller has. What the callee has come to is left to be noted.
    #[inline(always)]
    pub(super) fn end_unheard(
        &mut self,
        act: &mut Activation,
        call: &PlainCall,
        used: u64,
        words: u8,
    ) -> &mut Process {
        self.take_number();
        self.settle_unheard(act, call.used + used);
        let (callee, caller) = self.arena.processes_mut(call.callee, act.process);
        caller.message_words = words;
        caller.message_keys = 0;
        callee.suspended = None;
        callee.set_running();
        callee
    }

    /// Begins a call whose callee has computed already, and goes on with it there.
    #[inline(never)]
    pub(crate) fn begin_lent(&mut self, act: &mut Activation, call: &PlainCall, lent: &Lent) {
        self.arena.process_mut(call.callee).stand(lent.index, lent.height);
        self.begin_told(act, call);
        debug_assert_eq!(act.fuel, lent.fuel + lent.used, "the callee has the gas that it was lent");
        act.fuel -= lent.used;
    }

    /// Counts gas that the running process and a callee have used together.
    #[inline(always)]
    fn settle_unheard(&mut self, act: &mut Activation, used: u64) {
        act.use_up(used);
        let gas = self.settle(used);
        act.go_on_with(gas);
    }

    /// A `yield` or `return` without keys in which nothing is out of the common run. Gives whether it was one, else nothing
    /// has changed.
    #[inline(always)]
    pub(super) fn give_plainly(&mut self, act: &mut Activation, words: u8, status: Status) -> bool {
        if let [_] = *self.chain {
            self.give_host_plainly(act, words, status)
        } else {
            self.give_back_plainly(act, words, status)
        }
    }

    /// A `yield` or `return` in which nothing is out of the common run: no keys, to a caller by `recurse` that has room,
    /// and nothing is left charged to the call. Gives whether it was one, else nothing has changed.
    #[inline(never)]
    fn give_back_plainly(&mut self, act: &mut Activation, words: u8, status: Status) -> bool {
        // Check.
        let count = usize::from(words);
        let more_gas = gas::message(words, 0);
        let [.., below, top] = &*self.chain else { return false };
        let (caller, callee, meter, superior) = (below.process, act.process, top.meter, below.meter);
        let fits = act.height - act.base >= count && act.fuel >= more_gas;
        if !fits
            || !top.is_recurse()
            || self.walks_for_words
            || !self.arena.is_idle_call(meter, superior)
            || !self.arena.process(caller).has_room(u32::from(words) + 2)
        {
            return false;
        }
        // Act.
        let used = act.used_with(more_gas);
        act.use_up(used);
        act.drop_operands(count);
        let change = Change::Credit(gas::METER_WORDS);
        self.settle_run(used, change);
        let Some(top) = self.chain.pop() else { return false };
        let gas_left = top.gas - used;
        self.forget_ties();
        let Some(below) = self.chain.last_mut() else { return false };
        below.gas = below.gas.saturating_add(gas_left);
        below.words = below.words.saturating_add(top.words);
        if below.is_recurse() {
            below.count(change);
        }
        let gas = below.gas.min(self.base_gas);
        self.arena.remove_bare(meter);
        let (state, ended) = self.arena.processes_mut(caller, callee);
        state.callee = Ref::NONE;
        state.set_running();
        state.push_result(status, act.dropped(words), &[]);
        act.switch(caller, state, gas, ended);
        ended.end_call(status, gas_left, top.words);
        true
    }
}
