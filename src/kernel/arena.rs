//! Where objects lie in host memory. Nothing outside the kernel can tell.
//!
//! A [`Ref`] is an object's number and the slot where it lay; numbers are never used again, so a reference
//! that outlives its object finds another number there, or none.

use super::object::{Body, Process};
use keyvm_isa::image::Number;

/// A reference to an object that may be gone. One that never named an object in the arena has a slot that does not
/// exist; an empty slot has the number 0, which no reference with a slot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ref {
    pub(crate) number: Number,
    pub(crate) slot: u32,
}

impl Ref {
    /// No object.
    pub(crate) const NONE: Self = Self { number: 0, slot: u32::MAX };

    pub(crate) const fn is_none(self) -> bool {
        self.number == 0
    }
}

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

impl Arena {
    /// With room for this many objects.
    pub(crate) fn with_capacity(objects: usize) -> Self {
        Self { slots: Vec::with_capacity(objects), ..Self::default() }
    }

    /// How many objects live.
    pub(crate) const fn living(&self) -> u64 {
        self.living
    }

    #[inline]
    pub(crate) fn alive(&self, r: Ref) -> bool {
        self.slots.get(r.slot as usize).is_some_and(|slot| slot.number == r.number)
    }

    #[inline]
    pub(crate) fn get(&self, r: Ref) -> Option<&Slot> {
        self.slots.get(r.slot as usize).filter(|slot| slot.number == r.number)
    }

    #[inline]
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

    pub(crate) fn body(&self, r: Ref) -> Option<&Body> {
        self.get(r).map(|slot| &slot.body)
    }

    pub(crate) fn body_mut(&mut self, r: Ref) -> Option<&mut Body> {
        self.get_mut(r).map(|slot| &mut slot.body)
    }

    /// The process at `r`.
    ///
    /// # Panics
    /// If there is none: only for references that the kernel knows to be alive.
    #[inline]
    pub(crate) fn process(&self, r: Ref) -> &Process {
        match self.body(r) {
            Some(Body::Process(process)) => process,
            _ => unreachable!("a living process was expected"),
        }
    }

    /// As [`Arena::process`], to change it.
    #[inline]
    pub(crate) fn process_mut(&mut self, r: Ref) -> &mut Process {
        match self.body_mut(r) {
            Some(Body::Process(process)) => process,
            _ => unreachable!("a living process was expected"),
        }
    }

    /// Puts an object in and hangs it into the list of its meter.
    pub(crate) fn insert(&mut self, number: Number, meter: Ref, body: Body) -> Ref {
        let entry = Slot { number, meter, previous: END, next: END, first: END, stale: false, body };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = entry;
            slot
        } else {
            self.slots.push(entry);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 objects fit in host memory")
        };
        self.link(slot, meter);
        self.living += 1;
        if self.watched {
            self.mark(slot);
        }
        Ref { number, slot }
    }

    /// Puts an object into the next slot without hanging it into its meter's list, which may not be there yet.
    pub(crate) fn stage(&mut self, number: Number, meter: Ref, body: Body) {
        self.slots.push(Slot { number, meter, previous: END, next: END, first: END, stale: false, body });
        self.living += 1;
    }

    /// Hangs all staged objects into the lists of their meters.
    pub(crate) fn link_staged(&mut self) {
        for index in 0..self.slots.len() {
            let meter = self.slots[index].meter;
            self.link(u32::try_from(index).unwrap_or(END), meter);
        }
    }

    /// Takes an object out. What is charged to it, if it is a meter, must be gone already.
    pub(crate) fn remove(&mut self, r: Ref) -> Option<Body> {
        if !self.alive(r) {
            return None;
        }
        self.unlink(r.slot);
        let slot = &mut self.slots[r.slot as usize];
        slot.number = 0;
        slot.stale = false;
        let body = std::mem::replace(&mut slot.body, Body::Brand);
        if self.watched {
            self.gone.push(r.number);
        }
        self.free.push(r.slot);
        self.living -= 1;
        Some(body)
    }

    fn link(&mut self, slot: u32, meter: Ref) {
        if meter.is_none() {
            return;
        }
        let first = std::mem::replace(&mut self.slots[meter.slot as usize].first, slot);
        let entry = &mut self.slots[slot as usize];
        entry.next = first;
        entry.previous = END;
        if first != END {
            self.slots[first as usize].previous = slot;
        }
    }

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

    /// The object that was charged to `meter` last.
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
