//! Destroying, revoking, stopping.
//!
//! What is destroyed is gone at once, and every object charged to a meter dies with it; the arena says how. A process that
//! had grown in a call paid by that meter lives on; the words of its growth go up to the superior, which counted them
//! already.

use super::activation::Activation;
use super::arena::{Ref, Slot};
use super::fault::KernelFault;
use super::meter::Change;
use super::object::{Body, CallMeter};
use super::{Kernel, Step};
use keyvm_isa::image::Number;
use keyvm_isa::layout::Kind;
use keyvm_isa::{Op, Rights, Status, Trap, gas};
use std::collections::BTreeMap;

/// What else a destruction touches, in an order that does not depend on where objects lie.
#[derive(Default)]
struct Also {
    /// Call meters that were made for a process that is gone. A superior comes before what hangs below it.
    doomed: BTreeMap<Number, Ref>,
    /// Processes, and their growth that was charged to a call meter that is gone.
    orphans: BTreeMap<Number, (Ref, u64)>,
}

impl Kernel {
    pub(crate) fn destroy(&mut self, act: &mut Activation) -> Step {
        if self.destroy_plainly(act).is_some() { Ok(()) } else { self.destroy_fully(act) }
    }

    /// A `destroy` of a process that nothing else hangs on, by a plain key. If it was none nothing has changed.
    #[inline(never)]
    pub(super) fn destroy_plainly(&mut self, act: &mut Activation) -> Option<()> {
        let [slot] = act.operands().ok()?;
        let keys = &self.arena.process(act.process).keys;
        let (object, entry) = self.plain_object(keys, slot, Rights::DESTROY)?;
        let (meter, words) = self.idle(entry)?;
        self.destroy_idle(object, meter, words);
        self.drop_slot(act.process, slot);
        act.drop_operands(1);
        Some(())
    }

    #[inline(never)]
    fn destroy_fully(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let key = self.key(act.process, slot)?;
        if !key.seal().is_none() {
            return Err(Trap::WrongKind.into());
        }
        if !key.rights.has(Rights::DESTROY) && !KernelFault::DestroyRight.is_planted() {
            return Err(Trap::NoRight.into());
        }
        if key.object() == self.prime {
            return Err(Trap::NoRight.into());
        }
        // Act.
        act.drop_operands(1);
        act.commit(self);
        self.destroy_object(key.object());
        if self.arena.alive(act.process) {
            self.drop_slot(act.process, slot);
        }
        self.after_cut(act)
    }

    pub(crate) fn revoke(&mut self, act: &mut Activation) -> Step {
        let [slot] = act.operands()?;
        let gate = self.use_key(act.process, slot, &[Kind::Gate], Rights::DESTROY)?.object();
        act.drop_operands(1);
        act.commit(self);
        self.destroy_object(gate);
        act.reload(self)
    }

    pub(crate) fn stop(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let needed = if KernelFault::StopRight.is_planted() { Rights::NONE } else { Rights::STOP };
        let key = self.use_key(act.process, slot, &[Kind::Process, Kind::Meter], needed)?;
        // Act.
        act.drop_operands(1);
        act.commit(self);
        self.book();
        let object = key.object();
        match self.arena.body_mut(object) {
            Some(Body::Meter(meter)) => {
                meter.stopped = true;
                self.refresh();
            }
            Some(Body::Process(process)) => {
                process.stopped = true;
                if let Some(place) = self.link_of(object) {
                    self.cut_at(place, Status::Stopped);
                } else {
                    self.free_from_caller(object);
                }
            }
            _ => {}
        }
        self.after_cut(act)
    }

    pub(crate) fn start(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let key = self.use_key(act.process, slot, &[Kind::Process, Kind::Meter], Rights::NONE)?;
        let needed = if self.kind_of(&key) == Some(Kind::Meter) { Rights::STOP } else { Rights::MEND };
        if !key.rights.has(needed) {
            return Err(Trap::NoRight.into());
        }
        // Act.
        act.drop_operands(1);
        act.commit(self);
        self.book();
        match self.arena.body_mut(key.object()) {
            Some(Body::Meter(meter)) => {
                meter.stopped = false;
                self.refresh();
            }
            Some(Body::Process(process)) => process.stopped = false,
            _ => {}
        }
        act.reload(self)
    }

    /// Ends an instruction that may have cut the chain.
    fn after_cut(&mut self, act: &mut Activation) -> Step {
        if self.running().is_some_and(|running| self.arena.alive(running))
            && self.code_of(act.process).is_none()
        {
            // The running process's code is gone: nothing runs after this instruction here.
            self.cut_at(self.depth() - 1, Status::Destroyed);
        }
        if self.cut.is_none() {
            return act.reload(self);
        }
        act.park(self);
        self.repair_chain();
        Err(super::Stop::Switched)
    }

    /// Whether the object that a key of the running process names can be destroyed, or stopped, without control going
    /// anywhere.
    #[inline]
    pub(crate) fn goes_quietly(&self, act: &Activation, op: Op) -> bool {
        let Ok([slot]) = act.operands() else { return true };
        let keys = &self.arena.process(act.process).keys;
        let key = usize::try_from(slot).ok().and_then(|slot| keys.get(slot)?.as_ref());
        let Some(entry) = key.and_then(|key| self.arena.get(key.object())) else { return true };
        match &entry.body {
            Body::Process(process) if op == Op::Stop => process.link == u32::MAX,
            Body::Process(_) => self.idle(entry).is_some(),
            Body::Meter(_) | Body::CallMeter(_) | Body::Code(_) => op == Op::Stop,
            _ => true,
        }
    }

    /// What a process is charged to, and how many words, if nothing else hangs on it.
    #[inline(always)]
    fn idle(&self, entry: &Slot) -> Option<(Ref, u64)> {
        let Slot { meter, body: Body::Process(process), .. } = entry else { return None };
        let idle = process.callee.is_none() && process.grown == 0 && process.link == u32::MAX;
        let plain = !self.walks_for_words && self.dormant.is_empty();
        (idle && plain).then(|| (*meter, process.words()))
    }

    /// Destroys a process that nothing else hangs on: what is charged for it is credited, and nobody's gas changes.
    #[inline(always)]
    fn destroy_idle(&mut self, process: Ref, meter: Ref, words: u64) {
        self.arena.remove_process(process);
        if meter == self.running_meter() {
            self.count_running(Change::Credit(words));
        } else {
            self.credit(meter, words);
            self.dissolve_if_empty(meter);
        }
    }

    /// Destroys an object with all that hangs below it, and credits its words.
    fn destroy_object(&mut self, object: Ref) {
        let mut also = Also::default();
        let mut next = Some(object);
        while let Some(object) = next {
            if self.arena.alive(object) {
                let meter = self.charged_to(object);
                let in_row = self.call_meter(object).is_some() && self.call_meter(meter).is_some();
                let words = self.take_apart(object, &mut also);
                self.credit(meter, words);
                if in_row {
                    self.count_back(meter, words - gas::METER_WORDS);
                }
                for (callee, own_words) in std::mem::take(&mut also.orphans).into_values() {
                    if self.arena.alive(callee) {
                        self.adopt_growth(callee, own_words, meter);
                    }
                }
                self.dissolve_if_empty(meter);
            }
            next = also.doomed.pop_first().map(|(_, meter)| meter);
        }
    }

    /// A suspended process is stopped: who waits for it hears so at once, and it is free.
    fn free_from_caller(&mut self, process: Ref) {
        let state = self.arena.process_mut(process);
        let caller = std::mem::replace(&mut state.caller, Ref::NONE);
        state.suspended = None;
        if let Some(Body::Process(waiting)) = self.arena.body_mut(caller)
            && waiting.callee == process
        {
            waiting.callee = Ref::NONE;
            waiting.status = Status::Suspended;
            self.push_result(caller, Status::Stopped, &[], &[]);
        }
    }

    /// Charges to `meter` a process's growth that a call meter below it had carried, which is gone. The words, and those
    /// of the call meter, have just been credited there, so no limit can be passed.
    fn adopt_growth(&mut self, callee: Ref, own_words: u64, meter: Ref) {
        let pair = (callee.number, meter.number);
        let active = self
            .link_of(callee)
            .and_then(|place| self.call_meter_at(place))
            .filter(|&call| self.charged_to(call) == meter);
        let call = match active.or_else(|| self.dormant.get(&pair).copied()) {
            Some(call) => call,
            None => {
                self.charge_checked(meter, gas::METER_WORDS);
                let base = self.standing_end(meter);
                let call = self.add(meter, Body::CallMeter(CallMeter::new(callee, base, u32::MAX)));
                self.lie_dormant(call);
                call
            }
        };
        self.charge_checked(meter, own_words);
        if self.call_meter(meter).is_some() {
            self.count_back(meter, own_words.wrapping_neg());
        }
        self.count_back(call, own_words);
        if let Some(state) = self.call_meter_mut(call) {
            state.own_words += own_words;
        }
        if active.is_none() {
            self.grown.insert(pair, call);
        }
        // Where a limit is below what is counted, what was credited is not what can be had.
        self.refresh();
    }

    /// Adds to what a call meter alone counts: of what is charged to call meters below it, only its call has the words.
    fn count_back(&mut self, call: Ref, words: u64) {
        if let Some(count) = self.words_counted_mut(call) {
            *count = count.wrapping_add(words);
        }
    }

    /// Removes an object and what is tied below it, so that all the rest there is dead. Gives the words that were charged
    /// for all of it to the meter the object was charged to.
    fn take_apart(&mut self, object: Ref, also: &mut Also) -> u64 {
        if !self.arena.is_charged(object) {
            let words = self.words_of_object(object);
            self.remove_one(object, also);
            return words;
        }
        self.book();
        for place in self.tied_links..self.chain.len() {
            self.arena.tie(self.chain[place].process);
        }
        self.tied_links = self.chain.len();
        let mut words = gas::METER_WORDS + self.words_counted(object);
        // Rows of call meters: each counts for itself.
        let mut in_row = 0;
        let mut open = vec![object];
        while let Some(&at) = open.last() {
            if let Some(inner) = self.arena.first_tied(at) {
                let call = self.call_meter(at).is_some() && self.call_meter(inner).is_some();
                if call && in_row + 1 == open.len() {
                    words += self.words_counted(inner);
                    in_row += 1;
                }
                open.push(inner);
                continue;
            }
            open.pop();
            in_row = in_row.min(open.len().saturating_sub(1));
            self.remove_one(at, also);
        }
        words
    }

    fn remove_one(&mut self, object: Ref, also: &mut Also) {
        match self.arena.body(object) {
            Some(Body::Process(process)) => {
                let (number, callee) = (object.number, process.callee);
                let dormant = self.dormant.range((number, 0)..=(number, u64::MAX));
                also.doomed.extend(dormant.map(|(_, &meter)| (meter.number, meter)));
                if let Some(place) = self.link_of(object) {
                    // What pays for its run may go next; it still has to count what ran.
                    self.book();
                    let meter = self.chain[place].call_meter();
                    also.doomed.extend(meter.map(|meter| (meter.number, meter)));
                    self.cut_at(place, Status::Destroyed);
                }
                // Nobody waits any more for the process it had called.
                if let Some(Body::Process(callee)) = self.arena.body_mut(callee)
                    && callee.caller == object
                {
                    callee.caller = Ref::NONE;
                    callee.suspended = None;
                }
            }
            Some(Body::CallMeter(call)) => {
                let (callee, own, place) = (call.callee, call.own_words, call.link as usize);
                let pair = (callee.number, self.charged_to(object).number);
                self.dormant.remove(&pair);
                self.grown.remove(&pair);
                if self.chain.get(place).is_some_and(|link| link.call_meter() == Some(object)) {
                    self.cut_at(place, Status::Destroyed);
                }
                if own > 0 {
                    also.orphans.entry(callee.number).or_insert((callee, 0)).1 += own;
                }
            }
            _ => {}
        }
        self.arena.remove(object);
    }
}
