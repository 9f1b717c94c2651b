//! Where objects lie in host memory. Nothing outside the kernel can tell.
//!
//! A [`Ref`] is an object's number and the slot where it lay; numbers are never used again, so a reference
//! that outlives its object finds another number there, or none.

use super::key::Key;
use super::object::{Body, CallMeter, Content, Process};
use keyvm_isa::Rights;
use keyvm_isa::image::Number;

/// A reference to an object that may be gone. One that never named an object in the arena has a slot that does not
/// exist; an empty slot has the number 0, which no reference with a slot has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ref {
    pub(crate) number: Number,
    pub(crate) slot: u32,
}

impl PartialEq for Ref {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Ref {}

impl Ref {
    /// No object.
    pub(crate) const NONE: Self = Self { number: 0, slot: u32::MAX };

    pub(crate) const fn is_none(self) -> bool {
        self.number == 0
    }
}

/// Processes whose host memory is kept for the next ones at most.
const SPARE_MAX: usize = 64;

/// Marks the end of a list of slots.
const END: u32 = u32::MAX;

/// A slot: an object, what it is charged to, and its place in the list of what is charged to the same meter.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) number: Number,
    /// The meter it is charged to; [`Ref::NONE`] for the prime meter.
    pub(crate) meter: Ref,
    previous: u32,
    next: u32,
    /// First of the list of what is charged to this meter, if this is one.
    first: u32,
    /// Whether it may have changed since the state hash was last taken.
    stale: bool,
    pub(crate) body: Body,
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Empty slots that keep the host memory of a process for the next one.
    spare: Vec<u32>,
    living: u64,
    /// Whether changes are to be remembered for the state hash.
    watched: bool,
    /// Objects that may have changed, and numbers of objects that are gone, since the hash was last taken.
    stale: Vec<u32>,
    gone: Vec<Number>,
}

/// What [`Arena::take_changes`] gives.
pub(crate) struct Changes {
    /// Slots of objects that may have changed; some may be empty by now.
    pub(crate) slots: Vec<u32>,
    /// Numbers of objects that are gone.
    pub(crate) gone: Vec<Number>,
}

#[cold]
fn no_process() -> ! {
    unreachable!("a living process was expected")
}

impl Arena {
    /// With room for this many objects.
    pub(crate) fn with_capacity(objects: usize) -> Self {
        Self { slots: Vec::with_capacity(objects), ..Self::default() }
    }

    /// How many objects live.
    pub(crate) const fn living(&self) -> u64 {
        self.living
    }

    #[inline(always)]
    pub(crate) fn alive(&self, r: Ref) -> bool {
        self.slots.get(r.slot as usize).is_some_and(|slot| slot.number == r.number)
    }

    #[inline(always)]
    pub(crate) fn get(&self, r: Ref) -> Option<&Slot> {
        self.slots.get(r.slot as usize).filter(|slot| slot.number == r.number)
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, r: Ref) -> Option<&mut Slot> {
        if self.watched && self.alive(r) {
            self.mark(r.slot);
        }
        self.slots.get_mut(r.slot as usize).filter(|slot| slot.number == r.number)
    }

    #[cold]
    fn mark(&mut self, slot: u32) {
        let entry = &mut self.slots[slot as usize];
        if !entry.stale {
            entry.stale = true;
            self.stale.push(slot);
        }
    }

    #[inline(always)]
    pub(crate) fn body(&self, r: Ref) -> Option<&Body> {
        self.get(r).map(|slot| &slot.body)
    }

    #[inline(always)]
    pub(crate) fn body_mut(&mut self, r: Ref) -> Option<&mut Body> {
        self.get_mut(r).map(|slot| &mut slot.body)
    }

    /// The process at `r`.
    ///
    /// # Panics
    /// If there is none: only for references that the kernel knows to be alive.
    #[inline(always)]
    pub(crate) fn process(&self, r: Ref) -> &Process {
        match self.body(r) {
            Some(Body::Process(process)) => process,
            _ => no_process(),
        }
    }

    /// As [`Arena::process`], to change it.
    #[inline(always)]
    pub(crate) fn process_mut(&mut self, r: Ref) -> &mut Process {
        match self.body_mut(r) {
            Some(Body::Process(process)) => process,
            _ => no_process(),
        }
    }

    /// Puts an object in and hangs it into the list of its meter.
    pub(crate) fn insert(&mut self, number: Number, meter: Ref, body: Body) -> Ref {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize].body = body;
            slot
        } else {
            self.stage(0, Ref::NONE, body)
        };
        self.enter(number, slot, meter)
    }

    /// Puts a process in that has not begun, without data, in the memory of one that is gone if there is one.
    #[inline(always)]
    pub(crate) fn insert_process(&mut self, number: Number, meter: Ref, code: Ref, random: u64) -> Ref {
        if let Some(slot) = self.spare.pop()
            && let Body::Process(process) = &mut self.slots[slot as usize].body
        {
            process.renew(code, random);
            process.keys.push(Some(Key::new(Ref { number, slot }, Rights::OWN)));
            return self.enter(number, slot, meter);
        }
        self.insert_new_process(number, meter, code, random)
    }

    #[inline(never)]
    fn insert_new_process(&mut self, number: Number, meter: Ref, code: Ref, random: u64) -> Ref {
        let process = Process::new(code, Content::default(), random);
        let process = self.insert(number, meter, Body::Process(Box::new(process)));
        self.process_mut(process).keys.push(Some(Key::new(process, Rights::OWN)));
        process
    }

    /// Puts in what has nothing to be dropped.
    #[inline(always)]
    pub(crate) fn insert_bare(&mut self, number: Number, meter: Ref, body: Body) -> Ref {
        match self.free.pop() {
            Some(slot) => {
                // What stood in a free slot had nothing to be dropped either.
                std::mem::forget(std::mem::replace(&mut self.slots[slot as usize].body, body));
                self.enter(number, slot, meter)
            }
            None => self.insert(number, meter, body),
        }
    }

    /// Gives a slot whose body stands already to an object.
    #[inline(always)]
    fn enter(&mut self, number: Number, slot: u32, meter: Ref) -> Ref {
        let first = match self.slots.get_mut(meter.slot as usize) {
            Some(meter) => std::mem::replace(&mut meter.first, slot),
            None => END,
        };
        if let Some(first) = self.slots.get_mut(first as usize) {
            first.previous = slot;
        }
        let entry = &mut self.slots[slot as usize];
        entry.number = number;
        entry.meter = meter;
        entry.first = END;
        entry.next = first;
        entry.previous = END;
        self.living += 1;
        if self.watched {
            self.mark(slot);
        }
        Ref { number, slot }
    }

    /// Puts an object into the next slot, which it gives, without counting it or hanging it into its meter's list:
    /// the meter may not be there yet.
    pub(crate) fn stage(&mut self, number: Number, meter: Ref, body: Body) -> u32 {
        self.slots.push(Slot { number, meter, previous: END, next: END, first: END, stale: false, body });
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 objects fit in host memory")
    }

    /// Hangs all staged objects into the lists of their meters.
    pub(crate) fn link_staged(&mut self) {
        for index in 0..self.slots.len() {
            let meter = self.slots[index].meter;
            self.link(u32::try_from(index).unwrap_or(END), meter);
        }
        self.living += self.slots.len() as u64;
    }

    /// Takes an object out. What is charged to it, if it is a meter, must be gone already.
    pub(crate) fn remove(&mut self, r: Ref) {
        let Some(slot) = self.slots.get_mut(r.slot as usize).filter(|slot| slot.number == r.number) else {
            return;
        };
        if let Body::Process(_) = slot.body {
            self.remove_process(r);
        } else {
            slot.body = Body::Brand;
            self.remove_bare(r);
        }
    }

    /// Takes a process out, which is there.
    #[inline(always)]
    pub(crate) fn remove_process(&mut self, r: Ref) {
        let body = &mut self.slots[r.slot as usize].body;
        match body {
            Body::Process(process) if process.is_small() && self.spare.len() < SPARE_MAX => {
                process.data.vacate();
                self.spare.push(r.slot);
            }
            _ => {
                *body = Body::Brand;
                self.free.push(r.slot);
            }
        }
        self.leave(r);
    }

    /// Takes out what is there and has nothing to be dropped.
    #[inline(always)]
    pub(crate) fn remove_bare(&mut self, r: Ref) {
        self.free.push(r.slot);
        self.leave(r);
    }

    /// Takes an object off its slot, whose body stays.
    #[inline(always)]
    fn leave(&mut self, r: Ref) {
        self.unlink(r.slot);
        let slot = &mut self.slots[r.slot as usize];
        slot.number = 0;
        slot.stale = false;
        self.living -= 1;
        if self.watched {
            self.gone.push(r.number);
        }
    }

    #[inline]
    fn link(&mut self, slot: u32, meter: Ref) {
        let first = match self.slots.get_mut(meter.slot as usize) {
            Some(meter) => std::mem::replace(&mut meter.first, slot),
            None => END,
        };
        let entry = &mut self.slots[slot as usize];
        entry.next = first;
        entry.previous = END;
        if first != END {
            self.slots[first as usize].previous = slot;
        }
    }

    #[inline(always)]
    fn unlink(&mut self, slot: u32) {
        let (previous, next, meter) = {
            let entry = &self.slots[slot as usize];
            (entry.previous, entry.next, entry.meter)
        };
        if previous != END {
            self.slots[previous as usize].next = next;
        } else if !meter.is_none() {
            self.slots[meter.slot as usize].first = next;
        }
        if next != END {
            self.slots[next as usize].previous = previous;
        }
    }

    /// Charges an object to another meter (the list only; the counts are the caller's affair).
    pub(crate) fn recharge(&mut self, r: Ref, meter: Ref) {
        self.unlink(r.slot);
        if self.watched {
            self.mark(r.slot);
        }
        self.slots[r.slot as usize].meter = meter;
        self.link(r.slot, meter);
    }

    /// Whether a call meter hangs below `superior` and nothing is charged to it.
    #[inline(always)]
    pub(crate) fn is_idle_call(&self, meter: Ref, superior: Ref) -> bool {
        self.get(meter).is_some_and(|slot| {
            let grown = !matches!(slot.body, Body::CallMeter(CallMeter { own_words: 0, .. }));
            !grown && slot.first == END && slot.meter == superior
        })
    }

    /// The object that was charged to `meter` last.
    #[inline]
    pub(crate) fn first_charged(&self, meter: Ref) -> Option<Ref> {
        let slot = self.get(meter)?.first;
        self.slots.get(slot as usize).map(|entry| Ref { number: entry.number, slot })
    }

    /// All living objects, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ref, &Slot)> {
        self.slots.iter().enumerate().filter(|(_, slot)| slot.number != 0).map(|(index, slot)| {
            (Ref { number: slot.number, slot: u32::try_from(index).unwrap_or(END) }, slot)
        })
    }

    /// The object in a slot.
    pub(crate) fn at(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize).filter(|entry| entry.number != 0)
    }

    /// The object in a slot, to touch what is no part of its state.
    pub(crate) fn at_unmarked(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(slot as usize).filter(|entry| entry.number != 0)
    }

    /// Begins to remember changes, all objects counting as changed.
    pub(crate) fn watch(&mut self) {
        if !self.watched {
            self.watched = true;
            for index in 0..self.slots.len() {
                if self.slots[index].number != 0 {
                    self.mark(u32::try_from(index).unwrap_or(END));
                }
            }
        }
    }

    /// What has changed since this was last asked.
    pub(crate) fn take_changes(&mut self) -> Changes {
        // A slot that was left and taken again may stand here twice, and one that was left may be empty.
        let slots = std::mem::take(&mut self.stale);
        for &slot in &slots {
            self.slots[slot as usize].stale = false;
        }
        Changes { slots, gone: std::mem::take(&mut self.gone) }
    }
}
