//! Operations on processes and meters.

use super::activation::Activation;
use super::arena::{Ref, Slot};
use super::fault::KernelFault;
use super::key::{Key, SlotNumber};
use super::object::{Body, Content, Meter, Process};
use super::page::{Resize, Unit};
use super::{Kernel, Step, Stop};
use keyvm_isa::layout::{
    CHUNK_WORDS, Kind, MEMORY_CODE, MEMORY_DATA, MEMORY_META, MEMORY_OPERANDS, METER_DEPTH_MAX,
    STACK_MAXIMUM_LIMIT, meta, meter,
};
use keyvm_isa::{Op, Rights, Status, Trap, alu, gas};

impl Kernel {
    /// Makes a process of `code` below a meter, and gives its maker, the running process, a key with all rights; in
    /// which slot, and the process.
    #[inline(always)]
    fn make_process(&mut self, maker: Ref, meter: Ref, code: Ref) -> (SlotNumber, Ref) {
        let (next, random) = alu::random_next(self.arena.process(maker).random);
        let number = self.take_number();
        let process = self.arena.insert_process(number, meter, code, random);
        let maker = self.arena.process_mut(maker);
        maker.random = next;
        maker.keys.push(Some(Key::new(process, Rights::ALL)));
        (maker.keys.len() as u64 - 1, process)
    }

    /// Gives data to a new process.
    fn give_data(&mut self, process: Ref, data: Content) {
        let state = self.arena.process_mut(process);
        state.data_words = data.words();
        state.data = data;
    }

    /// The next random number of the running process.
    #[inline(always)]
    pub(super) fn next_random(&mut self, process: Ref) -> u64 {
        let state = self.arena.process_mut(process);
        let (next, random) = alu::random_next(state.random);
        state.random = next;
        random
    }

    /// `random`.
    pub(crate) fn random(&mut self, act: &mut Activation) -> Step {
        let [low, high] = act.operands()?;
        if low >= high {
            return Err(Trap::BadRange.into());
        }
        let random = self.next_random(act.process);
        act.drop_operands(2);
        act.push_unchecked(low + alu::random_below(random, high - low));
        Ok(())
    }

    /// Executes an instruction for native code, which has so much gas, if it is one of those that matter most and nothing
    /// about it is out of the common run: control stays, and memories are where they were. Then `fuel` is what is left of
    /// the gas, else nothing else has changed.
    #[inline]
    pub(crate) fn do_plainly(&mut self, act: &mut Activation, opcode: u8, gas: u64) -> bool {
        const CREATE: u8 = Op::Create as u8;
        const DESTROY: u8 = Op::Destroy as u8;
        const CREATE_GAS: u64 = Op::Create.info().cost.base();
        const DESTROY_GAS: u64 = Op::Destroy.info().cost.base();
        match opcode {
            CREATE if gas >= CREATE_GAS => {
                act.fuel = gas - CREATE_GAS;
                self.create_plainly(act).is_some()
            }
            DESTROY if gas >= DESTROY_GAS => {
                act.fuel = gas - DESTROY_GAS;
                self.destroy_plainly(act).is_some()
            }
            _ => false,
        }
    }

    pub(crate) fn create(&mut self, act: &mut Activation) -> Step {
        if self.create_plainly(act).is_some() { Ok(()) } else { self.create_fully(act) }
    }

    /// A `create` without data, in which nothing is out of the common run. If it was none nothing has changed.
    #[inline(never)]
    fn create_plainly(&mut self, act: &mut Activation) -> Option<()> {
        // Check.
        let [slot, 0] = act.operands().ok()? else { return None };
        let maker = self.arena.process(act.process);
        let (code, Slot { body: Body::Code(_), .. }) = self.plain_object(&maker.keys, slot, Rights::CALL)?
        else {
            return None;
        };
        if maker.key_room() == 0 {
            return None;
        }
        let meter = self.charge_running(gas::PROCESS_WORDS)?;
        // Act.
        let (slot, _) = self.make_process(act.process, meter, code);
        act.drop_operands(2);
        act.push_unchecked(slot);
        Some(())
    }

    #[inline(never)]
    fn create_fully(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot, words] = act.operands()?;
        let code = self.use_object(act.process, slot, Kind::Code, Rights::CALL)?;
        if words > CHUNK_WORDS {
            return Err(Trap::TooLarge.into());
        }
        act.extra(gas::per_eight(words))?;
        self.room_for_keys(act, 1)?;
        let meter = self.pay(act, gas::PROCESS_WORDS + words)?;
        // Act.
        let (slot, process) = self.make_process(act.process, meter, code);
        if words > 0 {
            let mut data = Content::default();
            data.resize(words);
            self.give_data(process, data);
        }
        act.drop_operands(2);
        act.push_unchecked(slot);
        Ok(())
    }

    pub(crate) fn fork(&mut self, act: &mut Activation) -> Step {
        // Check.
        let words = act.data.words();
        act.extra(gas::per_eight(words))?;
        act.could_hold(self, 1)?;
        self.room_for_keys(act, 1)?;
        act.room(self, 1)?;
        let meter = self.pay(act, gas::PROCESS_WORDS + words)?;
        // Act.
        let code = self.arena.process(act.process).code;
        let (slot, process) = self.make_process(act.process, meter, code);
        if words > 0 {
            self.give_data(process, Content::new(act.data.bytes().to_vec()));
        }
        act.push_unchecked(slot);
        Ok(())
    }

    /// A process that another one looks at or mends: not the running one, whose state is in the engine.
    fn other_process(&self, act: &Activation, slot: SlotNumber, rights: Rights) -> Result<Ref, Trap> {
        let process = self.use_key(act.process, slot, &[Kind::Process], rights)?.object();
        if process == act.process { Err(Trap::Busy) } else { Ok(process) }
    }

    pub(crate) fn peek(&mut self, act: &mut Activation) -> Step {
        let [slot, memory, index] = act.operands()?;
        let process = self.other_process(act, slot, Rights::READ)?;
        let state = self.arena.process(process);
        let at = usize::try_from(index).map_err(|_| Trap::OutOfBounds)?;
        let word = match u8::try_from(memory) {
            Ok(MEMORY_META) => self.parked_metadata(process, index),
            Ok(MEMORY_CODE) => self.code_of(process).and_then(|(_, page)| page.code.words().get(at).copied()),
            Ok(MEMORY_DATA) => {
                index.checked_mul(8).and_then(|address| state.data.load(address)).map(u64::from_le_bytes)
            }
            Ok(MEMORY_OPERANDS) => state.operands().get(at).copied(),
            _ => None,
        };
        let word = word.ok_or(Trap::OutOfBounds)?;
        act.drop_operands(3);
        act.push_unchecked(word);
        Ok(())
    }

    pub(crate) fn poke(&mut self, act: &mut Activation) -> Step {
        let [slot, memory, index, value] = act.operands()?;
        let needed = if KernelFault::PokeRight.is_planted() { Rights::NONE } else { Rights::MEND };
        let process = self.other_process(act, slot, needed)?;
        let length = self.code_of(process).map_or(0, |(_, page)| page.code.len() as u64);
        let state = self.arena.process_mut(process);
        let stored = match u8::try_from(memory) {
            Ok(MEMORY_META) => mend_metadata(state, index, value, length),
            Ok(MEMORY_DATA) => {
                index.checked_mul(8).and_then(|address| state.data.store(address, value.to_le_bytes()))
            }
            Ok(MEMORY_OPERANDS) => {
                let height = state.height as usize;
                let operand = usize::try_from(index).ok().and_then(|at| state.stack[..height].get_mut(at));
                operand.map(|operand| *operand = value)
            }
            _ => None,
        };
        stored.ok_or(Trap::OutOfBounds)?;
        act.drop_operands(4);
        Ok(())
    }

    /// `grow`: one chunk.
    pub(crate) fn grow(&mut self, act: &mut Activation) -> Step {
        let [slot, wanted] = act.operands()?;
        let process = self.other_process(act, slot, Rights::MEND)?;
        let meter = match self.link_of(process).and_then(|place| self.call_meter_at(place)) {
            Some(meter) => meter,
            None => self.charged_to(process),
        };
        let length = self.arena.process(process).data_words;
        let resize = Resize { length, wanted, unit: Unit::Word, meter, growth_of: Some(process) };
        let (target, done) = match self.resize(act, &resize) {
            Err(Stop::Words { .. }) => {
                act.drop_operands(2);
                act.push_unchecked(u64::from(Status::OutOfWords.number()));
                return Ok(());
            }
            resized => resized?,
        };
        let state = self.arena.process_mut(process);
        state.data.resize(target);
        state.data_words = target;
        if done {
            act.drop_operands(2);
            act.push_unchecked(u64::from(Status::Returned.number()));
        } else {
            act.stay();
        }
        act.reload(self)
    }

    pub(crate) fn setmeter(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot, meter] = act.operands()?;
        let process = self.use_key(act.process, slot, &[Kind::Process], Rights::MEND)?.object();
        if self.is_busy(process) {
            return Err(Trap::Busy.into());
        }
        if self.key_info(act.process, meter)?.1 == 0 {
            self.arena.process_mut(process).standing = false;
            act.drop_operands(2);
            return Ok(());
        }
        let meter = self.use_key(act.process, meter, &[Kind::Meter], Rights::SEND)?.object();
        let old = self.charged_to(process);
        let state = self.arena.process(process);
        let words = state.words() - state.grown;
        act.sync(self);
        if old != meter && !self.can_charge(meter, words) {
            return Err(Stop::Words { meter, amount: words });
        }
        // Act.
        act.commit(self);
        if old != meter {
            self.move_charge(old, meter, words);
            self.arena.recharge(process, meter);
            self.dissolve_if_empty(old);
        }
        self.arena.process_mut(process).standing = true;
        act.drop_operands(2);
        act.reload(self)
    }

    pub(crate) fn setkeeper(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot, keeper] = act.operands()?;
        let key = self.use_key(act.process, slot, &[Kind::Process, Kind::Meter], Rights::NONE)?;
        let needed = if self.kind_of(&key) == Some(Kind::Meter) { Rights::LIMIT } else { Rights::MEND };
        if !key.rights.has(needed) {
            return Err(Trap::NoRight.into());
        }
        let keeper = if self.key_info(act.process, keeper)?.1 == 0 {
            None
        } else {
            let keeper_key = self.use_key(act.process, keeper, &[Kind::Process], Rights::CALL)?;
            Some(self.copyable(act.process, keeper).map(|_| keeper_key)?)
        };
        // Act.
        match self.arena.body_mut(key.object()) {
            Some(Body::Process(process)) => process.keeper = keeper.map(Box::new),
            Some(Body::Meter(meter)) => meter.keeper = keeper,
            _ => {}
        }
        act.drop_operands(2);
        Ok(())
    }

    /// `meter`.
    pub(crate) fn meter_new(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let superior = if slot == 0 {
            self.running_meter()
        } else {
            self.use_key(act.process, slot, &[Kind::Meter], Rights::SEND)?.object()
        };
        let depth = self.meter(self.standing_end(superior)).depth;
        if depth >= METER_DEPTH_MAX {
            return Err(Trap::TooDeep.into());
        }
        self.room_for_keys(act, 1)?;
        act.sync(self);
        if !self.can_charge(superior, gas::METER_WORDS) {
            return Err(Stop::Words { meter: superior, amount: gas::METER_WORDS });
        }
        // Act.
        act.commit(self);
        self.charge(superior, gas::METER_WORDS)?;
        let meter = self.add(superior, Body::Meter(Box::new(Meter::new(depth + 1))));
        let slot = self.append_key(act.process, Key::new(meter, Rights::ALL));
        act.drop_operands(1);
        act.push_unchecked(slot);
        act.reload(self)
    }

    pub(crate) fn meterread(&mut self, act: &mut Activation) -> Step {
        let [slot, field] = act.operands()?;
        let meter = self.use_key(act.process, slot, &[Kind::Meter], Rights::READ)?.object();
        act.sync(self);
        self.book();
        let state = self.meter(meter);
        let (rent_used, rent_limit) = (halves(state.rent_used), halves(state.rent_limit));
        let value = match field {
            meter::GAS_USED => state.gas_used,
            meter::GAS_LIMIT => state.gas_limit,
            meter::WORDS_USED => state.words_used,
            meter::WORDS_LIMIT => state.words_limit,
            meter::RENT_USED_LOW => rent_used.0,
            meter::RENT_USED_HIGH => rent_used.1,
            meter::RENT_LIMIT_LOW => rent_limit.0,
            meter::RENT_LIMIT_HIGH => rent_limit.1,
            meter::STOPPED => u64::from(state.stopped),
            _ => return Err(Trap::OutOfBounds.into()),
        };
        act.drop_operands(2);
        act.push_unchecked(value);
        Ok(())
    }

    pub(crate) fn meterlimit(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot, field, value] = act.operands()?;
        let needed = if KernelFault::LimitRight.is_planted() { Rights::NONE } else { Rights::LIMIT };
        let meter = self.use_key(act.process, slot, &[Kind::Meter], needed)?.object();
        if !matches!(
            field,
            meter::GAS_LIMIT | meter::WORDS_LIMIT | meter::RENT_LIMIT_LOW | meter::RENT_LIMIT_HIGH
        ) {
            return Err(Trap::OutOfBounds.into());
        }
        // Act.
        act.commit(self);
        self.book();
        let state = self.meter_mut(meter);
        let (low, high) = halves(state.rent_limit);
        match field {
            meter::GAS_LIMIT => state.gas_limit = value,
            meter::WORDS_LIMIT => state.words_limit = value,
            meter::RENT_LIMIT_LOW => state.rent_limit = u128::from(value) | u128::from(high) << 64,
            _ => state.rent_limit = u128::from(low) | u128::from(value) << 64,
        }
        self.refresh();
        act.drop_operands(3);
        act.reload(self)
    }
}

/// The low and the high word.
fn halves(value: u128) -> (u64, u64) {
    let bytes = value.to_le_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]))
}

/// What `poke` may do to the metadata: set the index, cut the stack, set the stack's maximum.
fn mend_metadata(state: &mut Process, field: u64, value: u64, code_length: u64) -> Option<()> {
    match field {
        meta::INDEX if value <= code_length => {
            state.index = value;
        }
        meta::HEIGHT => {
            let base = state.frames.last().map_or(0, |frame| frame.base);
            let height = u32::try_from(value).ok().filter(|&h| h >= base && h <= state.height)?;
            state.height = height;
        }
        meta::STACK_MAXIMUM => {
            let maximum = u32::try_from(value).ok().filter(|&m| m <= STACK_MAXIMUM_LIMIT)?;
            if maximum < state.stack_capacity || maximum / 2 < state.frame_capacity {
                return None;
            }
            state.stack_maximum = maximum;
        }
        _ => return None,
    }
    Some(())
}
