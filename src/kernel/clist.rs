//! Operations on the running process's key list.

use super::activation::Activation;
use super::arena::Ref;
use super::fault::KernelFault;
use super::key::{Key, SlotNumber};
use super::object::{Body, shrink};
use super::{Kernel, Step, Stop};
use keyvm_isa::layout::{GATE_DEPTH_MAX, KEYS_MAX, Kind, SEALED_KIND, SLOTS_CUT_MAX};
use keyvm_isa::{Rights, Status, Trap, gas};

impl Kernel {
    /// Makes room for `more` keys at the end of the running process's list.
    ///
    /// # Errors
    /// `KeyListFull` at the greatest capacity; `Words` if the growth cannot be paid.
    #[inline(always)]
    pub(super) fn room_for_keys(&mut self, act: &mut Activation, more: usize) -> Step {
        if more <= self.arena.process(act.process).key_room() { Ok(()) } else { self.raise_keys(act, more) }
    }

    #[inline(never)]
    fn raise_keys(&mut self, act: &mut Activation, more: usize) -> Step {
        let process = self.arena.process(act.process);
        let capacity = process.key_capacity;
        let needed = u32::try_from(process.keys.len() + more).unwrap_or(u32::MAX);
        let maximum = u32::try_from(KEYS_MAX).unwrap_or(u32::MAX);
        let grown = gas::grown_capacity(capacity, needed, maximum).ok_or(Trap::KeyListFull)?;
        act.sync(self);
        self.charge_growth(act.process, u64::from(grown - capacity) * gas::KEY_SLOT_WORDS)?;
        self.arena.process_mut(act.process).key_capacity = grown;
        act.reload(self)
    }

    /// Appends a key to the running process's list, where there is room, and gives its slot.
    #[inline(always)]
    pub(super) fn append_key(&mut self, process: Ref, key: Key) -> SlotNumber {
        let keys = &mut self.arena.process_mut(process).keys;
        keys.push(Some(key));
        keys.len() as u64 - 1
    }

    /// Appends a key and puts its slot in place of `count` operands, one at least.
    fn append_result(&mut self, act: &mut Activation, count: usize, key: Key) -> Step {
        self.room_for_keys(act, 1)?;
        let slot = self.append_key(act.process, key);
        act.drop_operands(count);
        act.push_unchecked(slot);
        Ok(())
    }

    pub(crate) fn numkeys(&self, process: Ref) -> u64 {
        self.arena.process(process).keys.len() as u64
    }

    /// A slot of the list, null or not.
    ///
    /// # Errors
    /// `NoSuchKey` beyond the list.
    fn slot(&self, process: Ref, slot: SlotNumber) -> Result<Option<Key>, Trap> {
        if slot < self.numkeys(process) { Ok(self.key_in(process, slot)) } else { Err(Trap::NoSuchKey) }
    }

    /// `keyinfo`: rights and kind.
    ///
    /// # Errors
    /// `NoSuchKey` beyond the list.
    pub(crate) fn key_info(&self, process: Ref, slot: SlotNumber) -> Result<(u64, u64), Trap> {
        let Some(key) = self.slot(process, slot)? else {
            return Ok((0, 0));
        };
        if !key.seal().is_none() {
            return Ok((u64::from(key.rights.and(Rights::COPY).bits()), SEALED_KIND));
        }
        let kind = self.kind_of(&key).map_or(0, |kind| kind as u64);
        Ok((u64::from(key.rights.bits()), kind))
    }

    /// `keysame`. Sealed keys are like no other.
    ///
    /// # Errors
    /// `NoSuchKey` beyond the list.
    pub(crate) fn same_key(&self, process: Ref, a: SlotNumber, b: SlotNumber) -> Result<bool, Trap> {
        let (a, b) = (self.slot(process, a)?, self.slot(process, b)?);
        Ok(a.zip(b)
            .is_some_and(|(a, b)| a.object() == b.object() && a.seal().is_none() && b.seal().is_none()))
    }

    pub(crate) fn attenuate(&mut self, act: &mut Activation) -> Step {
        let [slot, mask] = act.operands()?;
        let key = self.copyable(act.process, slot)?;
        let mask =
            if KernelFault::AttenuateKeeps.is_planted() { Rights::ALL } else { Rights::from_bits(mask) };
        self.append_result(act, 2, key.limited(mask))
    }

    pub(crate) fn keymove(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [from, to] = act.operands()?;
        let key = self.key(act.process, from)?;
        if from == 0 || to == 0 {
            return Err(Trap::SelfKey.into());
        }
        if self.slot(act.process, to)?.is_some() {
            return Err(Trap::SlotOccupied.into());
        }
        // Act.
        let keys = &mut self.arena.process_mut(act.process).keys;
        keys[from as usize] = None;
        keys[to as usize] = Some(key);
        act.drop_operands(2);
        Ok(())
    }

    /// Makes a slot, which is in the list, null; if it is the last, it is cut off with null slots before it.
    #[inline(always)]
    pub(super) fn drop_slot(&mut self, process: Ref, slot: SlotNumber) {
        let keys = &self.arena.process(process).keys;
        let before = match usize::try_from(slot).ok().and_then(|slot| keys.split_at_checked(slot)) {
            Some((before, [_])) => before,
            _ => {
                self.arena.process_mut(process).keys[slot as usize] = None;
                return;
            }
        };
        let kept = match before {
            [.., Some(key)] if self.is_live(key) => before.len(),
            _ => before.len() - self.nulls_at_end(before),
        };
        self.arena.process_mut(process).keys.truncate(kept);
    }

    /// How many slots are null at the end of a list, as far as they are cut off with another.
    #[cold]
    fn nulls_at_end(&self, keys: &[Option<Key>]) -> usize {
        let null = |key: &&Option<Key>| !key.as_ref().is_some_and(|key| self.is_live(key));
        keys.iter().rev().take(SLOTS_CUT_MAX - 1).take_while(null).count()
    }

    pub(crate) fn keydrop(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        self.slot(act.process, slot)?;
        if slot == 0 {
            return Err(Trap::SelfKey.into());
        }
        // Act.
        self.drop_slot(act.process, slot);
        act.drop_operands(1);
        Ok(())
    }

    pub(crate) fn keyroom(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slots] = act.operands()?;
        let process = self.arena.process(act.process);
        let (old, words_before) = (process.key_capacity, process.words());
        let wanted = u32::try_from(slots.min(KEYS_MAX + 1)).unwrap_or(u32::MAX);
        if u64::from(wanted) > KEYS_MAX {
            return Err(Trap::TooLarge.into());
        }
        let length = u32::try_from(process.keys.len()).unwrap_or(u32::MAX);
        let capacity = wanted.max(length).max(gas::KEYS_INCLUDED);
        let more = u64::from(capacity.saturating_sub(old)) * gas::KEY_SLOT_WORDS;
        let meter = self.running_meter();
        act.sync(self);
        if !self.can_charge(meter, more) {
            return Err(Stop::Words { meter, amount: more });
        }
        // Act.
        act.commit(self);
        self.charge_growth(act.process, more)?;
        self.arena.process_mut(act.process).key_capacity = capacity;
        if capacity < old {
            shrink(&mut self.arena.process_mut(act.process).keys);
            let words = self.arena.process(act.process).words();
            self.credit_growth(act.process, words_before - words);
        }
        act.drop_operands(1);
        act.reload(self)
    }

    pub(crate) fn transferkey(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [target, slot] = act.operands()?;
        let needed = if KernelFault::SendRight.is_planted() { Rights::NONE } else { Rights::SEND };
        let target = self.use_key(act.process, target, &[Kind::Process], needed)?.object();
        let key = self.copyable(act.process, slot)?;
        // Act.
        let process = self.arena.process_mut(target);
        let status = if process.keys.len() < process.key_capacity as usize {
            process.keys.push(Some(key));
            Status::Returned
        } else {
            Status::Full
        };
        act.drop_operands(2);
        act.push_unchecked(u64::from(status.number()));
        Ok(())
    }

    pub(crate) fn keyget(&mut self, act: &mut Activation) -> Step {
        let [page, slot] = act.operands()?;
        let through = self.use_key(act.process, page, &[Kind::Keys, Kind::Process], Rights::READ)?;
        let keys: &[Option<Key>] = match self.arena.body(through.object()) {
            Some(Body::Keys(keys)) => keys,
            Some(Body::Process(process)) => &process.keys,
            _ => &[],
        };
        let key = *usize::try_from(slot).ok().and_then(|slot| keys.get(slot)).ok_or(Trap::OutOfBounds)?;
        let key = key.filter(|key| self.is_live(key)).ok_or(Trap::NoSuchKey)?;
        if !key.rights.has(Rights::COPY) && !KernelFault::FetchUncopied.is_planted() {
            return Err(Trap::NoRight.into());
        }
        self.append_result(act, 2, key.fetched(through.rights))
    }

    pub(crate) fn keyput(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot, page, index] = act.operands()?;
        let key = self.copyable(act.process, slot)?;
        let page = self.use_key(act.process, page, &[Kind::Keys], Rights::WRITE)?.object();
        // Act.
        if let Some(Body::Keys(keys)) = self.arena.body_mut(page) {
            let index = usize::try_from(index).map_err(|_| Trap::OutOfBounds)?;
            *keys.get_mut(index).ok_or(Trap::OutOfBounds)? = Some(key);
        }
        act.drop_operands(3);
        Ok(())
    }

    pub(crate) fn gate(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let key = self.copyable(act.process, slot)?;
        if self.gate_depth(key.gate()) >= GATE_DEPTH_MAX {
            return Err(Trap::TooDeep.into());
        }
        act.could_hold(self, 1)?;
        self.room_for_keys(act, 2)?;
        act.room(self, 1)?;
        let meter = self.pay(act, gas::GATE_WORDS)?;
        // Act.
        let gate = self.add(meter, Body::Gate { parent: key.gate() });
        let through = if KernelFault::GateLost.is_planted() { key.gate() } else { gate };
        let gated = self.append_key(act.process, key.through(through));
        let control = self.append_key(act.process, Key::new(gate, Rights::ALL));
        act.drop_operands(1);
        act.push_unchecked(gated);
        act.push_unchecked(control);
        Ok(())
    }

    pub(crate) fn brand(&mut self, act: &mut Activation) -> Step {
        act.could_hold(self, 1)?;
        self.room_for_keys(act, 1)?;
        act.room(self, 1)?;
        let meter = self.pay(act, gas::BRAND_WORDS)?;
        let brand = self.add(meter, Body::Brand);
        let slot = self.append_key(act.process, Key::new(brand, Rights::ALL));
        act.push_unchecked(slot);
        Ok(())
    }

    pub(crate) fn seal(&mut self, act: &mut Activation) -> Step {
        let [slot, brand] = act.operands()?;
        let key = self.copyable(act.process, slot)?;
        let brand = self.use_key(act.process, brand, &[Kind::Brand], Rights::WRITE)?.object();
        if !key.seal().is_none() {
            return Err(Trap::Sealed.into());
        }
        self.append_result(act, 2, key.sealed_by(brand))
    }

    pub(crate) fn unseal(&mut self, act: &mut Activation) -> Step {
        let [slot, brand] = act.operands()?;
        let key = self.copyable(act.process, slot)?;
        let through = self.use_key(act.process, brand, &[Kind::Brand], Rights::READ)?;
        let is_other = key.seal() != through.object();
        if is_other && !KernelFault::AnyBrand.is_planted() {
            act.drop_operands(2);
            act.push_unchecked(u64::MAX);
            return Ok(());
        }
        self.append_result(act, 2, key.sealed_by(Ref::NONE).fetched(through.rights))
    }

    /// Charges words for a new object to the running process's meter and gives the meter. Everything else about the
    /// instruction must have been checked.
    ///
    /// # Errors
    /// `Words`.
    #[inline(always)]
    pub(super) fn pay(&mut self, act: &mut Activation, words: u64) -> Result<Ref, Stop> {
        match self.charge_running(words) {
            Some(meter) => Ok(meter),
            None => self.pay_above(act, words),
        }
    }

    /// As [`Kernel::pay`], looking at each meter above.
    #[inline(never)]
    fn pay_above(&mut self, act: &mut Activation, words: u64) -> Result<Ref, Stop> {
        let meter = self.running_meter();
        act.sync(self);
        if !self.can_charge(meter, words) {
            return Err(Stop::Words { meter, amount: words });
        }
        act.commit(self);
        self.charge_checked(meter, words);
        act.reload(self)?;
        Ok(meter)
    }
}
