//! Control: the chain of calls.
//!
//! Control is in one place: with the last link of the chain, or with the host if the chain is empty. A *run* is a
//! row of links made by `recurse`, with the link it began with: all of a run is paid for by the same standing
//! meters.

use super::activation::Activation;
use super::arena::Ref;
use super::fault::KernelFault;
use super::key::Key;
use super::message::Message;
use super::meter::Change;
use super::object::{Body, CallMeter, Process};
use super::{Kernel, Stop};
use keyvm_isa::image::Suspended;
use keyvm_isa::layout::Kind;
use keyvm_isa::{Rights, Status, gas};

/// How control came to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkCall {
    /// By `recurse`, under a call meter.
    Recurse,
    /// By `invoke` or by the host.
    Invoke,
    /// As the keeper of the process below it in the chain.
    Keeper,
}

/// A link of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) process: Ref,
    /// What the process runs under: the call meter, or its standing meter.
    pub(crate) meter: Ref,
    /// Gas left of what the call was handed, less what was handed on; without `Recurse`, more than any meter has.
    pub(crate) gas: u64,
    /// Words, likewise; without `Recurse` they mean nothing.
    pub(crate) words: u64,
    /// Words that the call meter counts, likewise.
    pub(crate) charged: u64,
    /// Place of the link that the run began with.
    pub(crate) base: u32,
    pub(crate) call: LinkCall,
}

impl Link {
    /// The call meter, if there is one.
    #[inline]
    pub(crate) fn call_meter(&self) -> Option<Ref> {
        self.is_recurse().then_some(self.meter)
    }

    #[inline]
    pub(crate) fn is_recurse(&self) -> bool {
        self.call == LinkCall::Recurse
    }

    /// Changes what its call meter counts, and what it has left.
    #[inline(always)]
    pub(super) const fn count(&mut self, change: Change) {
        self.words = change.left(self.words);
        self.charged = change.count(self.charged);
    }
}

/// A request that waits for the host's reply.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) host: Ref,
    pub(crate) words: Vec<u64>,
    pub(crate) keys: Vec<Option<Key>>,
}

/// The end of a call: the process at place `floor` of the chain is told of with this status and result, and what is
/// above it is suspended.
pub(super) struct Ending {
    pub(super) floor: usize,
    pub(super) status: Status,
    pub(super) message: Message,
}

/// Gas for going down one link of a suspended chain again: what `recurse` costs.
pub(crate) const DESCEND_GAS: u64 = 32;

impl Kernel {
    /// The standing meter that the current run is paid by.
    pub(crate) fn base_meter(&self) -> Ref {
        self.chain.last().map_or(Ref::NONE, |top| self.base_of(top))
    }

    /// As [`Kernel::base_meter`], for any link. The process that began the run may have just been destroyed; what it ran
    /// under pays until the chain is cut there. Only with that meter, the call meters of the run are gone too.
    pub(super) fn base_of(&self, link: &Link) -> Ref {
        let meter = self.chain[link.base as usize].meter;
        if self.arena.alive(meter) { meter } else { Ref::NONE }
    }

    /// A process's place in the chain, if it is there.
    #[inline]
    pub(crate) fn link_of(&self, process: Ref) -> Option<usize> {
        let place = self.arena.process(process).link as usize;
        self.chain.get(place).filter(|link| link.process == process).map(|_| place)
    }

    /// Whether a process is in the chain, or in a suspended one behind a caller that waits for it still.
    pub(crate) fn is_busy(&self, process: Ref) -> bool {
        self.is_taken(process, self.arena.process(process))
    }

    #[inline(always)]
    fn is_taken(&self, process: Ref, state: &Process) -> bool {
        state.link != u32::MAX || (!state.caller.is_none() && self.waits_for(state.caller, process))
    }

    /// Whether one process, which may be gone, waits for another.
    fn waits_for(&self, caller: Ref, process: Ref) -> bool {
        matches!(self.arena.body(caller), Some(Body::Process(caller)) if caller.callee == process)
    }

    /// Whether a process could be called, and what its caller hears if not.
    pub(super) fn callable(&self, process: Ref) -> Result<(), Status> {
        self.takes_call(process, self.arena.process(process), 0)
    }

    /// As [`Kernel::callable`], with so many keys.
    #[inline(always)]
    fn takes_call(&self, callee: Ref, state: &Process, keys: usize) -> Result<(), Status> {
        if self.is_taken(callee, state) {
            return Err(Status::Busy);
        }
        match state.status {
            _ if state.stopped => Err(Status::Stopped),
            Status::Halted => Err(Status::Halted),
            _ if !self.arena.alive(state.code) => Err(Status::Destroyed),
            _ if keys > 0 && state.listens() && keys > state.key_room() => Err(Status::Full),
            _ => Ok(()),
        }
    }

    /// Whether a process takes a message when it is called now.
    pub(super) fn listens(&self, process: Ref) -> bool {
        self.arena.process(process).listens()
    }

    /// Puts a link on the chain that begins a run, and lets its process go on.
    pub(super) fn push_link(&mut self, process: Ref, call: LinkCall) {
        self.book();
        let (meter, base) = (self.charged_to(process), self.place_of_next());
        let caller = self.chain.last().map_or(Ref::NONE, |top| top.process);
        self.chain.push(Link { process, meter, gas: u64::MAX, words: 0, charged: 0, base, call });
        self.refresh();
        // A process that is with its keeper may besides wait for one that is suspended.
        if !caller.is_none() && call != LinkCall::Keeper {
            self.arena.process_mut(caller).wait_for(process);
        }
        self.arena.process_mut(process).begin_turn(base, caller);
    }

    /// The place in the chain of the next call.
    #[inline]
    pub(super) fn place_of_next(&self) -> u32 {
        u32::try_from(self.chain.len()).expect("fewer than 2^32 calls are open")
    }

    /// The last process of the chain has no code any more.
    pub(crate) fn code_is_gone(&mut self) {
        self.finish(Status::Destroyed, Message::default());
    }

    /// Marks the last of the chain as running, whatever had stopped it.
    pub(super) fn set_running(&mut self) {
        if let Some(top) = self.chain.last() {
            self.arena.process_mut(top.process).set_running();
        }
    }

    /// Takes the last link off the chain; its process, if it is not gone, gets a status, if there is one, and then
    /// nobody waits for it. What it had left goes back to the call below, and the gas and words it had are given, so
    /// that a suspended process can be given them again.
    #[inline(always)]
    fn pop_link(&mut self, status: Option<Status>) -> Option<Link> {
        let recursed = self.chain.last()?.is_recurse();
        let (own_gas, own_words) = (self.own_gas, self.own_words);
        let top = self.chain.pop()?;
        self.forget_ties();
        let mut waits = false;
        let (gas, words) = if recursed { (top.gas, top.words) } else { (own_gas, own_words) };
        if let Some(Body::Process(process)) = self.arena.body_mut(top.process) {
            process.link = u32::MAX;
            process.gas_seen = gas;
            process.words_seen = words;
            waits = !process.callee.is_none();
            if let Some(status) = status {
                process.status = status;
                process.caller = Ref::NONE;
            }
        }
        if waits {
            self.arena.tie(top.process);
        }
        if recursed {
            self.end_use(&top);
        } else {
            self.refresh();
        }
        Some(top)
    }

    /// Keeps the number of links that are known to be tied true after one was taken off.
    #[inline(always)]
    pub(super) fn forget_ties(&mut self) {
        if self.tied_links > self.chain.len() {
            self.tied_links = self.chain.len();
        }
    }

    /// Ends the call of the last process of the chain.
    pub(crate) fn finish(&mut self, status: Status, message: Message) {
        let floor = self.chain.len().saturating_sub(1);
        self.end_calls(Ending { floor, status, message });
    }

    /// Ends calls until somebody goes on: when a keeper gives up, the call it was asked about ends too.
    pub(super) fn end_calls(&mut self, ending: Ending) {
        let mut next = Some(ending);
        while let Some(Ending { floor, status, message }) = next {
            if floor >= self.chain.len() {
                return;
            }
            let call = if floor + 1 == self.chain.len() { self.end_last(status) } else { self.unwind(floor) };
            next = self.deliver(call, status, message);
        }
    }

    /// Takes the last process off the chain, which stands so from now on; gives how it had been called.
    fn end_last(&mut self, status: Status) -> LinkCall {
        let status = if status == Status::Destroyed { Status::Suspended } else { status };
        self.pop_link(Some(status)).map_or(LinkCall::Invoke, |link| link.call)
    }

    /// Suspends the links from the top down to `floor`; gives how the process at `floor` had been called.
    fn unwind(&mut self, floor: usize) -> LinkCall {
        let mut call = LinkCall::Invoke;
        while self.chain.len() > floor {
            let Some(top) = self.chain.last().copied() else {
                break;
            };
            let last = self.chain.len() - 1 == floor;
            if self.arena.alive(top.process) {
                let process = self.arena.process_mut(top.process);
                if process.status == Status::Running {
                    process.status = Status::Suspended;
                }
                // Behind a caller that is gone, or as a keeper, nobody waits for it.
                if last || top.call == LinkCall::Keeper || process.caller.is_none() {
                    process.caller = Ref::NONE;
                    process.suspended = None;
                } else {
                    process.suspended = Some(Box::new(match top.call {
                        LinkCall::Recurse => Suspended::Recurse { gas: top.gas, words: top.words },
                        LinkCall::Invoke | LinkCall::Keeper => Suspended::Invoke,
                    }));
                }
            }
            if let Some(link) = self.pop_link(None) {
                call = link.call;
            }
        }
        call
    }

    /// Gives a result to the last process of the chain, or to the host. Gives what ends in turn, if a keeper gave up.
    fn deliver(&mut self, call: LinkCall, status: Status, message: Message) -> Option<Ending> {
        let Some(top) = self.chain.last() else {
            self.finish_for_host(status, &message.words);
            return None;
        };
        if call == LinkCall::Keeper {
            let resume =
                matches!(status, Status::Returned | Status::Yielded) && message.words.first() == Some(&1);
            if !resume {
                return self.give_up();
            }
            self.set_running();
            return None;
        }
        self.resume(top.process, status, &message.words, &message.keys);
        None
    }

    /// Lets the last process of the chain go on with a result.
    #[inline(always)]
    fn resume(&mut self, caller: Ref, status: Status, words: &[u64], keys: &[Key]) {
        let process = self.arena.process_mut(caller);
        process.callee = Ref::NONE;
        process.set_running();
        if process.capacity_for(words.len() as u64 + 2) == Some(0) {
            process.push_result(status, words, keys);
        } else {
            self.push_result(caller, status, words, keys);
        }
    }

    /// `recurse`, whatever about it is out of the common run.
    #[inline(never)]
    pub(crate) fn recurse(&mut self, act: &mut Activation, words: u8, keys: u8) -> Result<(), Stop> {
        // Check.
        let [slot, asked_gas, asked_words] = act.operands()?;
        let depth = Self::message_depth(act, words, keys, 3)?;
        let needed = if KernelFault::CallRight.is_planted() { Rights::NONE } else { Rights::CALL };
        let callee = self.use_object(act.process, slot, Kind::Process, needed)?;
        let taken = self.keys_of_message(act, words, keys, depth)?;
        let state = self.arena.process(callee);
        let answer = self.takes_call(callee, state, taken.len());
        if answer.is_ok() && state.standing && !KernelFault::StandingRun.is_planted() {
            // Whoever chooses what it may use chooses where it stops: of what others `invoke`, too, that is to mend it.
            self.use_object(act.process, slot, Kind::Process, Rights::MEND)?;
        }
        act.extra(gas::message(words, keys))?;
        if let Err(status) = answer {
            return act.answer(depth, status);
        }
        let listens = state.listens();
        let added = if listens { state.capacity_for(words.into()) } else { Some(0) };
        let Some(added) = added.map(u64::from) else {
            return act.answer(depth, Status::Full);
        };
        let superior = self.running_meter();
        let dormant = self.dormant_meter(callee, superior);
        let meter_words = if dormant.is_some() { 0 } else { gas::METER_WORDS };
        let (own_words, chargeable) = self.words_for_running();
        if meter_words > chargeable {
            return Err(Stop::Words { meter: superior, amount: meter_words });
        }
        let granted = asked_words.min(own_words - meter_words);
        if added > granted || meter_words + added > chargeable {
            return act.answer(depth, Status::OutOfWords);
        }
        // Act. Nothing below can fail.
        act.drop_operands(depth);
        act.commit(self);
        if meter_words > 0 && self.charge_running(meter_words).is_none() {
            self.charge_checked(superior, meter_words);
        }
        let place = self.enter_call(callee, superior, dormant, asked_gas, granted);
        if added > 0 {
            self.arena.process_mut(callee).link = place;
            self.make_room(callee, words.into())?;
        }
        let state = self.arena.process_mut(callee);
        state.begin_turn(place, act.process);
        if listens {
            state.push_message(act.dropped(words), &taken);
        }
        if let Some(caller) = act.leave(self) {
            caller.wait_for(callee);
        }
        Err(Stop::Switched)
    }

    /// Puts a link for a `recurse` on the chain and gives its place: its budget is set aside from the caller's, as far as
    /// there is so much gas.
    fn enter_call(&mut self, callee: Ref, superior: Ref, dormant: Option<Ref>, gas: u64, words: u64) -> u32 {
        let place = self.place_of_next();
        let Some(top) = self.chain.last_mut() else { return place };
        let gas = if top.is_recurse() {
            top.words -= words;
            gas.min(top.gas)
        } else {
            gas.min(self.own_gas)
        };
        if !KernelFault::GasTwice.is_planted() {
            top.gas -= gas;
        }
        let base = top.base;
        let (meter, charged) = match dormant {
            Some(meter) => (meter, self.wake(meter, callee, superior, place)),
            None => {
                let number = self.take_number();
                let body = CallMeter::new(callee, self.base, place);
                (self.arena.insert_call(number, superior, body), 0)
            }
        };
        self.chain.push(Link { process: callee, meter, gas, words, charged, base, call: LinkCall::Recurse });
        place
    }

    /// Uses a call meter again; gives the words that it counts.
    #[cold]
    fn wake(&mut self, meter: Ref, callee: Ref, superior: Ref, place: u32) -> u64 {
        self.dormant.remove(&(callee.number, superior.number));
        self.grown.remove(&(callee.number, superior.number));
        let Some(call) = self.call_meter_mut(meter) else { return 0 };
        call.link = place;
        call.words
    }

    /// `invoke`.
    pub(crate) fn invoke(&mut self, act: &mut Activation, words: u8, keys: u8) -> Result<(), Stop> {
        // Check.
        let [slot] = act.operands()?;
        let depth = Self::message_depth(act, words, keys, 1)?;
        let key = self.use_key(act.process, slot, &[Kind::Process, Kind::Host], Rights::CALL)?;
        let taken = self.keys_of_message(act, words, keys, depth)?;
        act.extra(gas::message(words, keys))?;
        act.room(self, 1)?;
        let callee = key.object();
        if self.kind_of(&key) == Some(Kind::Host) {
            // Act.
            act.drop_operands(depth);
            self.request = Some(Pending {
                host: callee,
                words: act.dropped(words).to_vec(),
                keys: taken.into_iter().map(Some).collect(),
            });
            act.park(self);
            self.arena.process_mut(act.process).status = Status::Pending;
            return Err(Stop::Switched);
        }
        let process = self.arena.process(callee);
        let answer = self.takes_call(callee, process, taken.len()).and_then(|()| {
            if !process.standing {
                return Err(Status::NoMeter);
            }
            let room = u64::from(process.stack_capacity.saturating_sub(process.height));
            if process.listens() && u64::from(words) > room { Err(Status::Full) } else { Ok(()) }
        });
        if let Err(status) = answer {
            return act.answer(depth, status);
        }
        // Act. Nothing below can fail.
        act.drop_operands(depth);
        act.commit(self);
        let listens = self.listens(callee);
        self.push_link(callee, LinkCall::Invoke);
        if listens {
            self.hand_over(callee, act.dropped(words), &taken);
        }
        act.leave(self);
        Err(Stop::Switched)
    }

    /// `yield` and `return`.
    #[inline(always)]
    pub(crate) fn give_back(
        &mut self,
        act: &mut Activation,
        words: u8,
        keys: u8,
        status: Status,
    ) -> Result<(), Stop> {
        if keys == 0 && self.give_plainly(act, words, status) {
            return Err(Stop::Switched);
        }
        self.give_back_fully(act, words, keys, status)
    }

    #[inline(never)]
    fn give_back_fully(
        &mut self,
        act: &mut Activation,
        words: u8,
        keys: u8,
        status: Status,
    ) -> Result<(), Stop> {
        // Check.
        let depth = Self::message_depth(act, words, keys, 0)?;
        let taken = self.keys_of_message(act, words, keys, depth)?;
        act.extra(gas::message(words, keys))?;
        // Act.
        act.drop_operands(depth);
        act.commit(self);
        match *self.chain {
            [.., Link { process: caller, .. }, Link { call, .. }] if call != LinkCall::Keeper => {
                self.pop_link(Some(status));
                self.resume(caller, status, act.dropped(words), &taken);
                end_turn(act.leave(self), status);
            }
            _ => {
                let message = Message { words: act.dropped(words).into(), keys: taken };
                end_turn(act.leave(self), status);
                self.finish(status, message);
            }
        }
        Err(Stop::Switched)
    }

    /// `halt`, and running off the end.
    pub(crate) fn halt(&mut self, act: &mut Activation) -> Stop {
        act.stay();
        act.park(self);
        self.finish(Status::Halted, Message::default());
        Stop::Switched
    }

    pub(super) fn call_meter_at(&self, place: usize) -> Option<Ref> {
        self.chain.get(place).and_then(Link::call_meter)
    }

    /// Goes one link down a suspended chain: the last process of the chain waits for a process that was suspended.
    /// Costs [`DESCEND_GAS`], and the words of a call meter where one has to be made.
    ///
    /// # Errors
    /// `Gas` or `Words`, and nothing has changed.
    pub(crate) fn descend(&mut self) -> Result<(), Stop> {
        let Some(top) = self.chain.last().copied() else {
            return Ok(());
        };
        if self.gas_for_running() < DESCEND_GAS {
            return Err(Stop::Gas(DESCEND_GAS));
        }
        let callee = self.arena.process(top.process).callee;
        let suspended = match self.arena.body(callee) {
            Some(Body::Process(process)) if process.caller == top.process => {
                process.suspended.as_deref().copied()
            }
            _ => None,
        };
        let code_is_gone = suspended.is_some() && !self.arena.alive(self.arena.process(callee).code);
        match suspended {
            Some(suspended) if !code_is_gone => {
                let superior = self.running_meter();
                let dormant = self.dormant_meter(callee, superior);
                let made = matches!(suspended, Suspended::Recurse { .. }) && dormant.is_none();
                let meter_words = if made { gas::METER_WORDS } else { 0 };
                if !self.can_charge(superior, meter_words) {
                    return Err(Stop::Words { meter: superior, amount: meter_words });
                }
                self.settle(DESCEND_GAS);
                self.charge_checked(superior, meter_words);
                match suspended {
                    Suspended::Recurse { gas, words } => {
                        let words = words.min(self.words_for_running().0);
                        let place = self.enter_call(callee, superior, dormant, gas, words);
                        self.arena.process_mut(top.process).wait_for(callee);
                        self.arena.process_mut(callee).begin_turn(place, top.process);
                    }
                    Suspended::Invoke => self.push_link(callee, LinkCall::Invoke),
                }
            }
            _ => {
                self.settle(DESCEND_GAS);
                if let Some(Body::Process(process)) = self.arena.body_mut(callee)
                    && code_is_gone
                {
                    process.caller = Ref::NONE;
                    process.suspended = None;
                }
                self.arena.process_mut(top.process).callee = Ref::NONE;
                self.set_running();
                self.push_result(top.process, Status::Destroyed, &[], &[]);
            }
        }
        Ok(())
    }

    /// Cuts the chain where a process or meter in it was destroyed or stopped, and tells the nearest caller.
    pub(crate) fn repair_chain(&mut self) {
        if let Some((place, status)) = self.cut.take()
            && place < self.chain.len()
        {
            self.end_calls(Ending { floor: place, status, message: Message::default() });
        }
    }

    /// Notes that the chain must be cut at `place`.
    pub(crate) fn cut_at(&mut self, place: usize, status: Status) {
        match self.cut {
            Some((lowest, _)) if lowest <= place => {}
            _ => self.cut = Some((place, status)),
        }
    }
}

/// A process that returned begins anew when it is called again.
#[inline]
fn end_turn(process: Option<&mut Process>, status: Status) {
    if let Some(process) = process
        && status == Status::Returned
    {
        process.reset();
    }
}
