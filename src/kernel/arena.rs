//! Where objects lie in host memory. Nothing outside the kernel can tell.
//!
//! A [`Ref`] is an object's number and the slot where it lay; numbers are never used again, so a reference
//! that outlives its object finds another number there, or none.
//!
//! # Dying with a meter
//!
//! A meter that is destroyed may have any number of objects below it. They are dead at once, and taken apart later, a
//! few at a time. Most objects need nothing else: nobody notices their end but through a reference. The others are
//! *tied*: call meters; processes that something else depends on; standing meters that something tied is charged to.
//! Each meter keeps two lists of what is charged to it, the tied and the rest, so that whoever destroys it finds the
//! tied ones and removes them himself.
//!
//! What is then left of a meter with other objects below it is a *grave*, which is no object. An object lives unless a
//! grave is found on the way up from it; that way ends at the first tied object, so it has at most as many steps as
//! standing meters go deep, and while there are no graves none at all.

use super::key::Key;
use super::object::{Body, CallMeter, Content, Process};
use super::remains::Remains;
use keyvm_isa::Rights;
use keyvm_isa::image::Number;

/// A reference to an object that may be gone. One that never named an object in the arena has a slot that does not
/// exist; an empty slot has the number 0, which no reference with a slot has.
///
/// Packed to twelve bytes: every object has some.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
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
    /// First of the lists of what is charged to this meter, if this is one: of what is not tied, and of what is.
    first: [u32; 2],
    tied: bool,
    grave: bool,
    /// Whether it may have changed since the state hash was last taken.
    stale: bool,
    pub(crate) body: Body,
}

/// Where an object stands in the list of what is charged to the same meter. A slot that is not there is [`END`].
struct Place {
    previous: u32,
    next: u32,
    meter: u32,
    list: usize,
}

impl Slot {
    #[inline(always)]
    fn place(&self) -> Place {
        let (previous, next) = (self.previous, self.next);
        Place { previous, next, meter: self.meter.slot, list: usize::from(self.tied) }
    }
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Empty slots that keep the host memory of a process for the next one.
    spare: Vec<u32>,
    /// What is left of meters while dead objects are still charged to them.
    graves: Vec<u32>,
    /// Whether there are any graves.
    haunted: bool,
    /// What is left of large objects.
    remains: Remains,
    /// Objects that are there, dead ones included.
    filled: u64,
    /// Objects that have been taken out with their bodies, since the arena was made.
    cleared: u64,
    /// Whether changes are to be remembered for the state hash.
    watched: bool,
    /// Whether a change needs more than a look at the number: there are graves, or changes are to be remembered.
    guarded: bool,
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
    pub(crate) fn living(&self) -> u64 {
        if self.haunted { self.iter().count() as u64 } else { self.filled }
    }

    #[inline(always)]
    pub(crate) fn alive(&self, r: Ref) -> bool {
        self.get(r).is_some()
    }

    #[inline(always)]
    pub(crate) fn get(&self, r: Ref) -> Option<&Slot> {
        match self.filling(r) {
            Some(slot) if !self.haunted || !self.is_below_grave(slot) => Some(slot),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, r: Ref) -> Option<&mut Slot> {
        if self.guarded && !self.prepare_change(r) {
            return None;
        }
        match self.slots.get_mut(r.slot as usize) {
            Some(slot) if slot.number == r.number => Some(slot),
            _ => None,
        }
    }

    /// As [`Arena::get_mut`], of an object that is known to be alive if it is there: what it is charged to is not looked at. What
    /// an image has of it may only be changed if that is said.
    #[inline(always)]
    pub(super) fn living_mut(&mut self, r: Ref, changes: bool) -> Option<&mut Slot> {
        if changes && self.watched && self.filling(r).is_some() {
            self.mark(r.slot);
        }
        match self.slots.get_mut(r.slot as usize) {
            Some(slot) if slot.number == r.number => Some(slot),
            _ => None,
        }
    }

    /// The object at `r`, which may be dead.
    #[inline(always)]
    pub(super) fn filling(&self, r: Ref) -> Option<&Slot> {
        match self.slots.get(r.slot as usize) {
            Some(slot) if slot.number == r.number => Some(slot),
            _ => None,
        }
    }

    /// A count that has changed if anything has died since it was last looked at but processes and call meters.
    #[inline(always)]
    pub(crate) const fn deaths(&self) -> u64 {
        self.cleared
    }

    /// Whether anything may be dead that is there.
    #[inline(always)]
    pub(super) const fn is_haunted(&self) -> bool {
        self.haunted
    }

    /// Remembers that an object changes, if changes are to be remembered; says whether it lives.
    #[cold]
    fn prepare_change(&mut self, r: Ref) -> bool {
        let alive = self.alive(r);
        if alive && self.watched {
            self.mark(r.slot);
        }
        alive
    }

    #[cold]
    fn is_below_grave<'a>(&'a self, mut slot: &'a Slot) -> bool {
        loop {
            if slot.grave || slot.tied || slot.meter.is_none() {
                return slot.grave;
            }
            match self.slots.get(slot.meter.slot as usize) {
                Some(meter) => slot = meter,
                None => return false,
            }
        }
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
        debug_assert!(self.alive(r));
        match self.filling(r) {
            Some(Slot { body: Body::Process(process), .. }) => process,
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

    /// Two processes, to change them.
    ///
    /// # Panics
    /// If one is not there, or they are the same.
    #[inline(always)]
    pub(crate) fn processes_mut(&mut self, a: Ref, b: Ref) -> (&mut Process, &mut Process) {
        if self.guarded {
            let alive = [a, b].map(|r| self.prepare_change(r));
            debug_assert!(alive == [true; 2]);
        }
        match self.slots.get_disjoint_mut([a.slot as usize, b.slot as usize]) {
            Ok(
                [
                    Slot { body: Body::Process(one), number, .. },
                    Slot { body: Body::Process(other), number: second, .. },
                ],
            ) if *number == a.number && *second == b.number => (one, other),
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
        match self.slots[slot as usize].body {
            Body::CallMeter(_) => self.enter::<true>(number, slot, meter),
            _ => self.enter::<false>(number, slot, meter),
        }
    }

    /// Puts a process in that has not begun, without data, in the memory of one that is gone if there is one.
    #[inline(always)]
    pub(crate) fn insert_process(&mut self, number: Number, meter: Ref, code: Ref, random: u64) -> Ref {
        if let Some(slot) = self.spare.pop()
            && let Body::Process(process) = &mut self.slots[slot as usize].body
        {
            process.renew(code, random);
            process.keys.push(Some(Key::new(Ref { number, slot }, Rights::OWN)));
            return self.enter::<false>(number, slot, meter);
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

    /// Puts in a call meter.
    #[inline(always)]
    pub(crate) fn insert_call(&mut self, number: Number, meter: Ref, call: CallMeter) -> Ref {
        // The slots that are free last had call meters, mostly.
        if let Some(&slot) = self.free.last()
            && let Some(Slot { body: Body::CallMeter(body), .. }) = self.slots.get_mut(slot as usize)
        {
            *body = call;
            self.free.pop();
            return self.enter::<true>(number, slot, meter);
        }
        self.insert(number, meter, Body::CallMeter(call))
    }

    /// Gives a slot whose body stands already to an object.
    #[inline(always)]
    fn enter<const TIED: bool>(&mut self, number: Number, slot: u32, meter: Ref) -> Ref {
        let (first, ties) = match self.slots.get_mut(meter.slot as usize) {
            Some(meter) => {
                (std::mem::replace(&mut meter.first[usize::from(TIED)], slot), TIED && !meter.tied)
            }
            None => (END, false),
        };
        if let Some(first) = self.slots.get_mut(first as usize) {
            first.previous = slot;
        }
        let entry = &mut self.slots[slot as usize];
        entry.number = number;
        entry.meter = meter;
        entry.first = [END; 2];
        entry.next = first;
        entry.previous = END;
        entry.tied = TIED;
        self.filled += 1;
        if self.watched {
            self.mark(slot);
        }
        if ties {
            self.tie(meter);
        }
        Ref { number, slot }
    }

    /// Puts an object into the next slot, which it gives, without counting it or hanging it into its meter's list:
    /// the meter may not be there yet.
    pub(crate) fn stage(&mut self, number: Number, meter: Ref, body: Body) -> u32 {
        self.slots.push(Slot {
            number,
            meter,
            previous: END,
            next: END,
            first: [END; 2],
            tied: matches!(body, Body::CallMeter(_)),
            grave: false,
            stale: false,
            body,
        });
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 objects fit in host memory")
    }

    /// Hangs all staged objects into the lists of their meters.
    pub(crate) fn link_staged(&mut self) {
        for index in 0..self.slots.len() {
            let meter = self.slots[index].meter;
            self.link(u32::try_from(index).unwrap_or(END), meter);
        }
        for index in 0..self.slots.len() {
            if self.slots[index].tied {
                self.tie(self.slots[index].meter);
            }
        }
        self.filled += self.slots.len() as u64;
    }

    /// Ties an object, so that it is found when the meter it is charged to is destroyed.
    #[cold]
    pub(crate) fn tie(&mut self, r: Ref) {
        let mut at = r;
        while self.get(at).is_some_and(|slot| !slot.tied) {
            let meter = self.slots[at.slot as usize].meter;
            self.unlink(at.slot);
            self.slots[at.slot as usize].tied = true;
            self.link(at.slot, meter);
            at = meter;
        }
    }

    /// The tied object that was charged to `meter` last.
    pub(crate) fn first_tied(&self, meter: Ref) -> Option<Ref> {
        let [_, slot] = self.get(meter)?.first;
        self.slots.get(slot as usize).map(|entry| Ref { number: entry.number, slot })
    }

    /// Whether anything is charged to `meter`.
    #[inline]
    pub(crate) fn is_charged(&self, meter: Ref) -> bool {
        self.get(meter).is_some_and(|slot| slot.first != [END; 2])
    }

    /// Takes an object out. What is tied and charged to it must be gone already; the rest dies with it.
    pub(crate) fn remove(&mut self, r: Ref) {
        match self.body(r) {
            Some(Body::Process(_)) => self.remove_process(r),
            Some(_) => self.clear(r),
            None => {}
        }
    }

    /// Takes a process out, which is there.
    #[inline(always)]
    pub(crate) fn remove_process(&mut self, r: Ref) {
        match &mut self.slots[r.slot as usize].body {
            Body::Process(process) if process.is_small() && self.spare.len() < SPARE_MAX => {
                if !process.data.is_vacant() {
                    self.remains.content(std::mem::take(&mut process.data));
                }
                self.spare.push(r.slot);
                self.leave(r);
            }
            _ => self.clear(r),
        }
    }

    /// Takes out what is there and has nothing to be dropped, and nothing charged to it.
    #[inline(always)]
    pub(crate) fn remove_bare(&mut self, r: Ref) {
        self.free.push(r.slot);
        self.leave(r);
    }

    /// Takes out what is there, with its body.
    #[inline(never)]
    fn clear(&mut self, r: Ref) {
        self.cleared += 1;
        let entry = &mut self.slots[r.slot as usize];
        self.remains.take(std::mem::replace(&mut entry.body, Body::Brand));
        let buries = entry.first != [END; 2];
        self.leave(r);
        if buries {
            self.slots[r.slot as usize].grave = true;
            self.graves.push(r.slot);
            self.haunted = true;
            self.guarded = true;
        } else {
            self.free.push(r.slot);
        }
    }

    /// Takes an object off its slot, whose body stays.
    #[inline(always)]
    fn leave(&mut self, r: Ref) {
        let slot = &mut self.slots[r.slot as usize];
        slot.number = 0;
        slot.stale = false;
        let place = slot.place();
        self.unlink_from(place);
        self.filled -= 1;
        if self.watched {
            self.gone.push(r.number);
        }
    }

    /// Where the memory of large objects goes back, a little at a time.
    pub(crate) const fn remains(&mut self) -> &mut Remains {
        &mut self.remains
    }

    /// Takes apart at most `count` of the objects that are dead, and as many pieces of what is left of large ones.
    /// Nothing shows whether and when it is done.
    #[inline(always)]
    pub(crate) fn reclaim(&mut self, count: u64) {
        if self.haunted || !self.remains.is_empty() {
            self.reclaim_some(count);
        }
    }

    #[cold]
    fn reclaim_some(&mut self, count: u64) {
        for _ in 0..count {
            self.remains.shed();
            let Some(&grave) = self.graves.last() else {
                if self.remains.is_empty() {
                    return;
                }
                continue;
            };
            let slot = self.slots[grave as usize].first[0];
            if slot == END {
                self.graves.pop();
                self.haunted = !self.graves.is_empty();
                self.guarded = self.haunted || self.watched;
                self.slots[grave as usize].grave = false;
                self.free.push(grave);
            } else {
                self.clear(Ref { number: self.slots[slot as usize].number, slot });
            }
        }
    }

    /// Takes apart all that is dead.
    pub(crate) fn reclaim_all(&mut self) {
        while self.haunted {
            self.reclaim_some(4096);
        }
    }

    #[inline]
    fn link(&mut self, slot: u32, meter: Ref) {
        let list = usize::from(self.slots[slot as usize].tied);
        let first = match self.slots.get_mut(meter.slot as usize) {
            Some(meter) => std::mem::replace(&mut meter.first[list], slot),
            None => END,
        };
        let entry = &mut self.slots[slot as usize];
        entry.next = first;
        entry.previous = END;
        if first != END {
            self.slots[first as usize].previous = slot;
        }
    }

    fn unlink(&mut self, slot: u32) {
        let place = self.slots[slot as usize].place();
        self.unlink_from(place);
    }

    #[inline(always)]
    fn unlink_from(&mut self, Place { previous, next, meter, list }: Place) {
        if let Some(previous) = self.slots.get_mut(previous as usize) {
            previous.next = next;
        } else if let Some(meter) = self.slots.get_mut(meter as usize) {
            meter.first[list] = next;
        }
        if let Some(next) = self.slots.get_mut(next as usize) {
            next.previous = previous;
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
        if self.slots[r.slot as usize].tied {
            self.tie(meter);
        }
    }

    /// Whether a call meter hangs below `superior` and nothing is charged to it.
    #[inline(always)]
    pub(crate) fn is_idle_call(&self, meter: Ref, superior: Ref) -> bool {
        self.get(meter).is_some_and(|slot| {
            let grown = !matches!(slot.body, Body::CallMeter(CallMeter { own_words: 0, .. }));
            !grown && slot.first == [END; 2] && slot.meter == superior
        })
    }

    /// All living objects, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ref, &Slot)> {
        let lives = |slot: &Slot| slot.number != 0 && (!self.haunted || !self.is_below_grave(slot));
        self.slots.iter().enumerate().filter(move |(_, slot)| lives(slot)).map(|(index, slot)| {
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
            self.guarded = true;
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
