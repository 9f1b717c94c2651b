//! Meters: who pays for gas and words.
//!
//! A *standing* meter is an object with keys to it; it hangs below another meter, at most 64 links from the
//! prime meter, and its counts are kept exactly: every charge and every credit walks those links.
//!
//! A *call meter* is made by `recurse` for the time of the call, and lives on while words are charged to it. What
//! it hands out is set aside by the caller: the caller's link in the chain has so much less, and gets the
//! unused rest back. So the budgets of a hundred thousand nested calls never have to be compared with each other:
//! what the last one has left is its own, and only the standing meters above the whole row (the *base* and its
//! superiors) remain to be watched. That makes a step, and one more call, cost the same at any depth.
//!
//! Gas that ran since the standing meters were last brought up to date is in `Kernel::unbooked`, and what was charged to
//! the current run, less what was credited, in `Kernel::unbooked_words`; [`Kernel::book`] carries both up. It is done
//! whenever anybody could see the difference, and before any count on that way up is looked at or changed otherwise.
//! So making and destroying things costs the same however many meters are above.

use super::arena::{Ref, Slot};
use super::control::Link;
use super::fault::KernelFault;
use super::object::{Body, CallMeter, Meter};
use super::{Kernel, NUMBER_MAX, Stop};
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Status, gas};

/// What an instruction needs of every meter above it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    Gas(u64),
    Words(u64),
}

/// A standing meter whose limit forbids something, and which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dry {
    pub(crate) meter: Ref,
    pub(crate) status: Status,
}

/// What the running process has left in its own meter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Gas, whatever its superiors have.
    pub(super) gas: u64,
    /// Words, likewise.
    pub(super) words: u64,
    /// Words that could be charged to it.
    pub(super) chargeable: u64,
}

/// What all standing meters on a way up have left.
#[derive(Clone, Copy, Debug)]
struct PathLeft {
    gas: u64,
    words: u64,
    /// Whether a change of words makes it necessary to look at them again.
    walks_for_words: bool,
}

impl PathLeft {
    fn look_at(&mut self, meter: &Meter) {
        self.gas = meter.gas_up_to(self.gas);
        self.words = self.words.min(meter.words_left());
        // A limit may be below what is counted: then what comes back is not what can be had.
        self.walks_for_words |= meter.rent_limit != u128::MAX || meter.words_used > meter.words_limit;
    }
}

/// A change of the words that meters count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Charge(u64),
    Credit(u64),
}

impl Change {
    /// What charges and credits come to that were counted modulo 2^64.
    const fn net(words: u64) -> Self {
        if words.cast_signed() < 0 { Self::Credit(words.wrapping_neg()) } else { Self::Charge(words) }
    }

    /// A count after it, modulo 2^64.
    #[inline(always)]
    pub(super) const fn count(self, count: u64) -> u64 {
        match self {
            Self::Charge(words) => count.wrapping_add(words),
            Self::Credit(words) => count.wrapping_sub(words),
        }
    }

    /// What is left after it.
    #[inline(always)]
    pub(super) const fn left(self, left: u64) -> u64 {
        match self {
            Self::Charge(words) => left.saturating_sub(words),
            Self::Credit(words) => left.saturating_add(words),
        }
    }
}

impl Kernel {
    /// The standing meter at `r`.
    #[inline]
    pub(crate) fn meter(&self, r: Ref) -> &Meter {
        match self.arena.body(r) {
            Some(Body::Meter(meter)) => meter,
            _ => unreachable!("a living standing meter was expected"),
        }
    }

    #[inline]
    pub(crate) fn meter_mut(&mut self, r: Ref) -> &mut Meter {
        match self.arena.body_mut(r) {
            Some(Body::Meter(meter)) => meter,
            _ => unreachable!("a living standing meter was expected"),
        }
    }

    #[inline]
    pub(crate) fn call_meter(&self, r: Ref) -> Option<&CallMeter> {
        match self.arena.body(r) {
            Some(Body::CallMeter(meter)) => Some(meter),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn call_meter_mut(&mut self, r: Ref) -> Option<&mut CallMeter> {
        match self.arena.body_mut(r) {
            Some(Body::CallMeter(meter)) => Some(meter),
            _ => None,
        }
    }

    /// The place in the chain of the call that a call meter was made for, if the call is going on.
    pub(super) fn active_link(&self, call: Ref) -> Option<usize> {
        let place = self.call_meter(call)?.link as usize;
        let link = self.chain.get(place)?;
        (link.meter == call).then_some(place)
    }

    /// Gas and words that the call of a call meter has left: none if it is not going on.
    fn budget(&self, call: Ref) -> (u64, u64) {
        self.active_link(call).map_or((0, 0), |place| (self.chain[place].gas, self.chain[place].words))
    }

    /// What a standing meter is charged to: the call meter, if it was made in a call, and the next standing meter,
    /// [`Ref::NONE`] above the prime meter.
    fn above(&self, meter: Ref) -> (Option<Ref>, Ref) {
        let up = self.charged_to(meter);
        match self.call_meter(up) {
            Some(call) => (Some(up), call.base),
            None => (None, up),
        }
    }

    /// The standing meters from `base` up, the nearest first, each with the call meter it is charged to, if any.
    pub(super) fn steps(&self, base: Ref) -> impl Iterator<Item = (Ref, Option<Ref>)> {
        let mut at = base;
        std::iter::from_fn(move || {
            let meter = (!at.is_none()).then_some(at)?;
            let (call, up) = self.above(meter);
            at = up;
            Some((meter, call))
        })
    }

    /// The standing meters from `base` up, the nearest first.
    pub(crate) fn path(&self, base: Ref) -> impl Iterator<Item = Ref> {
        self.steps(base).map(|(meter, _)| meter)
    }

    /// Why a standing meter, or the call that it was made in, lacks what is needed, if it does.
    fn lack(&self, (meter, call): (Ref, Option<Ref>), need: Need) -> Option<Status> {
        let state = self.meter(meter);
        let budget = || call.map_or((u64::MAX, u64::MAX), |call| self.budget(call));
        match need {
            Need::Gas(_) if state.stopped => Some(Status::Stopped),
            Need::Gas(gas) => (state.gas_left() < gas || budget().0 < gas).then_some(Status::OutOfGas),
            Need::Words(words) => {
                (state.words_left() < words || budget().1 < words).then_some(Status::OutOfWords)
            }
        }
    }

    /// The standing meters from `base` up that lack what is needed, the outermost first. Everything must be booked.
    pub(crate) fn dry_on_path(&self, base: Ref, need: Need) -> Vec<Dry> {
        let mut dry: Vec<Dry> = self
            .steps(base)
            .filter_map(|step| Some(Dry { meter: step.0, status: self.lack(step, need)? }))
            .collect();
        dry.reverse();
        dry
    }

    /// Whether `meter` is among the standing meters from `base` up.
    pub(crate) fn is_on_path(&self, base: Ref, meter: Ref) -> bool {
        self.path(base).any(|at| at == meter)
    }

    /// Carries the gas that ran in the current run, and the words charged in it, up to its standing meters.
    #[inline]
    pub(crate) fn book(&mut self) {
        if self.unbooked != 0 || self.unbooked_words != 0 {
            self.book_and_look();
        }
    }

    /// As [`Kernel::book`], and gives what is left there then.
    fn book_and_look(&mut self) -> PathLeft {
        let booked = self.unbooked == 0 && self.unbooked_words == 0;
        debug_assert!(booked || self.arena.alive(self.base), "somebody pays for what ran");
        let gas = std::mem::take(&mut self.unbooked);
        let change = Change::net(std::mem::take(&mut self.unbooked_words));
        self.carry_up(self.base, gas, change)
    }

    /// Counts gas, and then a change of words, from a living standing meter up, and gives what is left there then. Each meter is
    /// looked at once, and all are alive as the first is: where one has a limit of rent, this is done whenever words change.
    fn carry_up(&mut self, base: Ref, gas: u64, change: Change) -> PathLeft {
        let mut left = PathLeft { gas: u64::MAX, words: u64::MAX, walks_for_words: false };
        let mut at = base;
        // Counts of words follow from the objects, and are no part of the state.
        while let Some(slot) = self.arena.living_mut(at, gas > 0) {
            match &mut slot.body {
                Body::Meter(meter) => {
                    // Rent grows with the words: what ran until now ran at the old count.
                    if at == base || !KernelFault::GasAlone.is_planted() {
                        meter.count_gas(gas);
                    }
                    let is_kept =
                        matches!(change, Change::Credit(_)) && KernelFault::CreditAlone.is_planted();
                    if at == base || !is_kept {
                        meter.words_used = change.count(meter.words_used);
                    }
                    left.look_at(meter);
                    at = slot.meter;
                }
                // The meter below it was made in this call.
                Body::CallMeter(call) => {
                    match self.chain.get_mut(call.link as usize) {
                        Some(link) if link.meter == at => {
                            link.gas = link.gas.saturating_sub(gas);
                            link.count(change);
                            left.gas = left.gas.min(link.gas);
                            left.words = left.words.min(link.words);
                        }
                        _ => {
                            call.words = change.count(call.words);
                            left = PathLeft { gas: 0, words: 0, walks_for_words: true };
                        }
                    }
                    at = call.base;
                }
                _ => unreachable!("meters hang below meters"),
            }
        }
        left
    }

    /// Changes what a call meter counts, and what its call has left.
    #[inline]
    fn count_in_call(&mut self, call: Ref, change: Change) {
        if let Some(place) = self.active_link(call) {
            self.chain[place].count(change);
        } else if let Some(call) = self.call_meter_mut(call) {
            call.words = change.count(call.words);
        }
    }

    /// Changes what the standing meters of the current run have left; they count it when it is booked.
    #[inline(always)]
    fn count_in_run(&mut self, change: Change) {
        debug_assert!(self.arena.alive(self.base), "somebody pays for the run");
        self.base_words = change.left(self.base_words);
        self.own_words = change.left(self.own_words);
        self.unbooked_words = change.count(self.unbooked_words);
    }

    /// Changes what the meter of the running process counts, where nothing above has to be looked at.
    #[inline(always)]
    pub(super) fn count_running(&mut self, change: Change) {
        if let Some(top) = self.chain.last_mut()
            && top.is_recurse()
        {
            top.count(change);
        }
        self.count_in_run(change);
    }

    /// Looks up anew what the standing meters above the current run have left.
    pub(crate) fn refresh(&mut self) {
        let base = self.base_meter();
        if base != self.base {
            self.book();
            self.base = base;
        }
        let left = self.book_and_look();
        self.keep(left);
    }

    /// Keeps what the standing meters above the current run have left, everything being booked.
    fn keep(&mut self, left: PathLeft) {
        (self.base_gas, self.base_words) = (left.gas, left.words);
        self.walks_for_words = left.walks_for_words;
        (self.own_gas, self.own_words) = match self.arena.body(self.base) {
            Some(Body::Meter(meter)) => (meter.gas_limit.saturating_sub(meter.gas_used), meter.words_left()),
            _ => (0, 0),
        };
    }

    /// Counts gas that was used in the current run, and a change of words, as far as that is not its last link's affair.
    #[inline(always)]
    pub(super) fn settle_run(&mut self, gas: u64, change: Change) {
        self.settle_gas(gas);
        self.count_in_run(change);
    }

    #[inline(always)]
    fn settle_gas(&mut self, gas: u64) {
        self.unbooked += gas;
        self.total_gas = self.total_gas.saturating_add(gas);
        self.base_gas = self.base_gas.saturating_sub(gas);
        self.own_gas = self.own_gas.saturating_sub(gas);
    }

    /// Counts gas that the running process has used, and gives how much it can use before some meter is dry.
    #[inline(always)]
    pub(crate) fn settle(&mut self, gas: u64) -> u64 {
        self.settle_gas(gas);
        match self.chain.last_mut() {
            Some(top) => {
                top.gas -= gas;
                top.gas.min(self.base_gas)
            }
            None => self.base_gas,
        }
    }

    /// Gas that the running process can use before some meter is dry.
    pub(crate) fn gas_for_running(&self) -> u64 {
        self.chain.last().map_or(self.base_gas, |top| self.gas_for(top))
    }

    /// As [`Kernel::gas_for_running`], for the last link.
    #[inline]
    pub(super) fn gas_for(&self, top: &Link) -> u64 {
        top.gas.min(self.base_gas)
    }

    /// Gas left in the running process's own meter, whatever its superiors have.
    #[inline]
    pub(crate) fn own_gas(&self) -> u64 {
        self.chain.last().map_or(0, |top| if top.is_recurse() { top.gas } else { self.own_gas })
    }

    /// Words left in the running process's own meter, whatever its superiors have.
    #[inline]
    pub(crate) fn own_words(&self) -> u64 {
        self.chain.last().map_or(0, |top| if top.is_recurse() { top.words } else { self.own_words })
    }

    /// The meter that the running process's own doings are charged to.
    #[inline]
    pub(crate) fn running_meter(&self) -> Ref {
        self.chain.last().map_or(self.prime, |top| top.meter)
    }

    /// The standing meter at the end of the row that `meter` is in.
    #[inline]
    pub(crate) fn standing_end(&self, meter: Ref) -> Ref {
        self.call_meter(meter).map_or(meter, |call| call.base)
    }

    /// Whether `words` more could be charged to `meter`.
    pub(crate) fn can_charge(&mut self, meter: Ref, words: u64) -> bool {
        // Nothing can be made when the numbers are used up; only a forged image comes near that.
        if self.next_number >= NUMBER_MAX && words > 0 {
            return false;
        }
        let base = match self.call_meter(meter) {
            Some(call) if self.budget(meter).1 >= words => call.base,
            Some(_) => return false,
            None => meter,
        };
        if base == self.base {
            return words <= self.base_words;
        }
        self.book();
        self.carry_up(base, 0, Change::Charge(0)).words >= words
    }

    /// The words left in the running process's own meter, and how many could be charged to it.
    pub(crate) fn words_for_running(&self) -> (u64, u64) {
        let left = self.chain.last().map(|top| self.left_for(top));
        left.map_or((0, 0), |left| (left.words, left.chargeable))
    }

    /// What the process of the last link has left.
    #[inline(always)]
    pub(super) fn left_for(&self, top: &Link) -> Left {
        let (gas, words, chargeable) = if top.is_recurse() {
            (top.gas, top.words, top.words.min(self.base_words))
        } else {
            (self.own_gas, self.own_words, self.base_words)
        };
        let chargeable = if self.next_number < NUMBER_MAX { chargeable } else { 0 };
        Left { gas, words, chargeable }
    }

    /// Charges `words` to the meter of the running process and gives it. `None`, and nothing has changed, if there are
    /// not so many, or if meters above have to be looked at.
    #[inline(always)]
    pub(crate) fn charge_running(&mut self, words: u64) -> Option<Ref> {
        let top = self.chain.last()?;
        if self.base_words < words || self.walks_for_words || self.next_number >= NUMBER_MAX {
            return None;
        }
        if top.is_recurse() && top.words < words {
            return None;
        }
        let meter = top.meter;
        self.count_running(Change::Charge(words));
        self.reclaim_for(words);
        Some(meter)
    }

    /// Charges `words` to `meter` and all its superiors.
    ///
    /// # Errors
    /// `Words`, and nothing has changed, if one of them has fewer left.
    pub(crate) fn charge(&mut self, meter: Ref, words: u64) -> Result<(), Stop> {
        if words > 0 && !self.can_charge(meter, words) {
            return Err(Stop::Words { meter, amount: words });
        }
        self.charge_checked(meter, words);
        Ok(())
    }

    /// As [`Kernel::charge`], where [`Kernel::can_charge`] has said yes.
    pub(crate) fn charge_checked(&mut self, meter: Ref, words: u64) {
        if words > 0 {
            self.count_words(meter, Change::Charge(words));
            self.reclaim_for(words);
        }
    }

    /// What dies gives its memory back at least as fast as new memory is taken.
    #[inline(always)]
    fn reclaim_for(&mut self, words: u64) {
        self.arena.reclaim(2 + words / CHUNK_WORDS);
    }

    /// Gives `words` back to `meter` and its superiors. What was charged in a call goes back to that call's
    /// budget if the call is still going on.
    pub(crate) fn credit(&mut self, meter: Ref, words: u64) {
        if words > 0 {
            self.count_words(meter, Change::Credit(words));
        }
    }

    /// Charges `words` to `to` and its superiors, for which [`Kernel::can_charge`] has said yes, and gives them back to `from` and
    /// its superiors.
    pub(crate) fn move_charge(&mut self, from: Ref, to: Ref, words: u64) {
        let charged = self.count_and_tell(to, Change::Charge(words));
        let credited = self.count_and_tell(from, Change::Credit(words));
        if charged || credited {
            self.refresh();
        }
        self.reclaim_for(words);
    }

    /// Changes the counts from `meter` up, and what is left there.
    #[inline]
    fn count_words(&mut self, meter: Ref, change: Change) {
        if self.count_and_tell(meter, change) {
            self.refresh();
        }
    }

    /// Changes the counts from `meter` up, and says whether what is left above the current run is to be looked up anew.
    #[inline]
    fn count_and_tell(&mut self, meter: Ref, change: Change) -> bool {
        let standing = self.standing_end(meter);
        if standing != meter {
            self.count_in_call(meter, change);
        }
        if standing == self.base && !self.walks_for_words {
            self.count_in_run(change);
            return false;
        }
        self.book();
        let left = self.carry_up(standing, 0, change);
        let known = standing == self.base && standing == self.base_meter();
        if known {
            self.keep(left);
        }
        !known
    }

    /// Charges the growth of a process: to the meter of the call it is in, else to its standing meter.
    ///
    /// # Errors
    /// As [`Kernel::charge`].
    pub(crate) fn charge_growth(&mut self, process: Ref, words: u64) -> Result<(), Stop> {
        let call = self.link_of(process).and_then(|place| self.chain[place].call_meter());
        match call {
            Some(meter) => {
                self.charge(meter, words)?;
                if let Some(call) = self.call_meter_mut(meter) {
                    call.own_words += words;
                }
                self.arena.process_mut(process).grown += words;
                Ok(())
            }
            None => {
                let meter = self.charged_to(process);
                self.charge(meter, words)
            }
        }
    }

    /// Gives back words of a process's growth: first those charged to the call it is in, then those charged to other
    /// calls of it, in the order of the meters they hang below, then the rest.
    pub(crate) fn credit_growth(&mut self, process: Ref, mut words: u64) {
        let mut next = self.link_of(process).and_then(|place| self.chain[place].call_meter());
        while words > 0 {
            let meter = next.take().or_else(|| {
                let number = process.number;
                self.grown.range((number, 0)..=(number, u64::MAX)).next().map(|(_, &meter)| meter)
            });
            let Some(meter) = meter else { break };
            let Some(call) = self.call_meter_mut(meter) else { break };
            let part = call.own_words.min(words);
            call.own_words -= part;
            let rest = call.own_words;
            words -= part;
            self.arena.process_mut(process).grown -= part;
            self.credit(meter, part);
            if rest == 0 {
                let superior = self.charged_to(meter);
                self.grown.remove(&(process.number, superior.number));
                self.dissolve_if_empty(meter);
            }
        }
        let meter = self.charged_to(process);
        self.credit(meter, words);
    }

    /// Ends the use of a call meter by its call, which is off the chain: the caller gets back what it has left, and it
    /// dissolves, or waits for the next call of the same pair.
    #[inline(always)]
    pub(super) fn end_use(&mut self, ended: &Link) {
        let meter = ended.meter;
        let Some(below) = self.chain.last_mut() else { return };
        below.gas = below.gas.saturating_add(ended.gas);
        below.words = below.words.saturating_add(ended.words);
        let running = below.meter;
        let Some(Slot { meter: superior, body: Body::CallMeter(call), .. }) = self.arena.get_mut(meter)
        else {
            return;
        };
        call.link = u32::MAX;
        call.words = ended.charged;
        let plain = call.own_words == 0 && *superior == running && !self.walks_for_words;
        if plain && !self.arena.is_charged(meter) {
            // The caller goes on, so what it runs under stays.
            self.arena.remove_bare(meter);
            self.count_running(Change::Credit(gas::METER_WORDS));
        } else {
            self.put_to_rest(meter);
        }
    }

    /// A call meter whose call is over dissolves, or waits for the next call of the same pair.
    #[inline(never)]
    fn put_to_rest(&mut self, meter: Ref) {
        if !self.dissolve_if_empty(meter) {
            self.lie_dormant(meter);
        }
    }

    /// Keeps a call meter, whose call is over, for the next call of the pair.
    pub(super) fn lie_dormant(&mut self, meter: Ref) {
        let superior = self.charged_to(meter);
        let Some(call) = self.call_meter(meter) else { return };
        let (callee, grown) = (call.callee, call.own_words > 0);
        self.dormant.insert((callee.number, superior.number), meter);
        if grown {
            self.grown.insert((callee.number, superior.number), meter);
        }
        self.arena.tie(callee);
    }

    /// The call meter that waits for the next call of a process by who runs under `superior`.
    #[inline]
    pub(super) fn dormant_meter(&self, callee: Ref, superior: Ref) -> Option<Ref> {
        if self.dormant.is_empty() {
            return None;
        }
        self.dormant.get(&(callee.number, superior.number)).copied()
    }

    /// The meter an object is charged to.
    #[inline]
    pub(crate) fn charged_to(&self, object: Ref) -> Ref {
        self.arena.get(object).map_or(Ref::NONE, |slot| slot.meter)
    }

    /// Lets a call meter go that no call uses and nothing is charged to, and then, in turn, the one above that it
    /// alone had kept (each link was paid for by the call that made it). Gives whether it went.
    pub(crate) fn dissolve_if_empty(&mut self, meter: Ref) -> bool {
        let mut at = meter;
        while let Some(call) = self.call_meter(at) {
            if call.own_words > 0 || self.active_link(at).is_some() || self.arena.is_charged(at) {
                break;
            }
            let (callee, superior) = (call.callee.number, self.charged_to(at));
            if !self.dormant.is_empty() {
                self.dormant.remove(&(callee, superior.number));
                self.grown.remove(&(callee, superior.number));
            }
            self.arena.remove_bare(at);
            self.credit(superior, gas::METER_WORDS);
            at = superior;
        }
        at != meter
    }
}
