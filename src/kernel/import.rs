//! Plain data as the kernel's objects.
//!
//! Coming in is where attackers stand: every number, size, right and reference is checked, and nothing is
//! allocated that is not there in the plain data.

use super::arena::{Arena, Ref};
use super::control::{Link, LinkCall, Pending};
use super::key::Key;
use super::object::{Body, CallMeter, CodePage, Content, Meter, Process, Workspace};
use super::{Kernel, NUMBER_MAX};
use crate::image::{ImageError, ImageErrorKind};
use keyvm_isa::image::{self, Call, Image, Number, Suspended};
use keyvm_isa::layout::{
    CODE_WORDS_MAX, GATE_DEPTH_MAX, HOST_NAME_MAX, KEYS_MAX, MEMORY_WORDS_MAX, MESSAGE_KEYS_MAX,
    MESSAGE_WORDS_MAX, METER_DEPTH_MAX, STACK_MAXIMUM_LIMIT,
};
use keyvm_isa::{Code, Rights, Status, gas};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong with an object.
fn wrong(object: Number, what: &'static str) -> ImageError {
    ImageError { offset: None, kind: ImageErrorKind::Inconsistent { object, what } }
}

/// An error unless `good`.
fn expect(good: bool, object: Number, what: &'static str) -> Result<(), ImageError> {
    if good { Ok(()) } else { Err(wrong(object, what)) }
}

/// Whether a result will be pushed when what it waits for is over.
fn waits_for_result(process: &Process) -> bool {
    !process.callee.is_none() || process.status == Status::Pending
}

/// What kind of object a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Page,
    Code,
    Process,
    Meter,
    CallMeter,
    Gate,
    Brand,
    Host,
}

impl Is {
    const fn of(body: &image::Body<'_>) -> Self {
        match body {
            image::Body::Data(_) | image::Body::Keys(_) => Self::Page,
            image::Body::Code(_) => Self::Code,
            image::Body::Process(_) => Self::Process,
            image::Body::Meter(_) => Self::Meter,
            image::Body::CallMeter { .. } => Self::CallMeter,
            image::Body::Gate { .. } => Self::Gate,
            image::Body::Brand => Self::Brand,
            image::Body::Host(_) => Self::Host,
        }
    }
}

/// The numbers of an image while its objects come in one by one: the index in the image is the slot in the arena.
struct Incoming {
    next_number: Number,
    objects: Vec<(Number, Is)>,
}

impl Incoming {
    fn find(&self, number: Number) -> Option<(Is, Ref)> {
        let index = self.objects.binary_search_by_key(&number, |&(number, _)| number).ok()?;
        let slot = u32::try_from(index).ok()?;
        Some((self.objects[index].1, Ref { number, slot }))
    }

    /// A reference that may have outlived its object.
    fn reference(&self, number: Number) -> Ref {
        self.find(number).map_or(Ref { number, slot: u32::MAX }, |(_, r)| r)
    }

    /// Whether what has a number is of a kind, or is gone, or the number is 0.
    fn may_be(&self, number: Number, kind: Is) -> bool {
        self.find(number).is_none_or(|(is, _)| is == kind)
    }

    /// Whether a number has been given out.
    const fn given(&self, number: Number) -> bool {
        number < self.next_number
    }

    fn key(&self, holder: Number, key: Option<image::Key>) -> Result<Option<Key>, ImageError> {
        let Some(key) = key else { return Ok(None) };
        let given = key.object != 0 && self.given(key.object) && self.given(key.gate) && self.given(key.seal);
        expect(given, holder, "a key names a number that was never given out")?;
        expect(self.may_be(key.gate, Is::Gate), holder, "a key's gate is no gate")?;
        expect(self.may_be(key.seal, Is::Brand), holder, "a key's seal is no brand")?;
        let object = self.find(key.object);
        let call_meter = object.is_some_and(|(is, _)| is == Is::CallMeter);
        expect(!call_meter, holder, "a key names a call's meter")?;
        let part = |number| {
            if number == 0 { Ref::NONE } else { self.reference(number) }
        };
        Ok(Key::with(self.reference(key.object), key.rights, part(key.gate), part(key.seal)))
    }

    fn keys(&self, holder: Number, keys: Vec<Option<image::Key>>) -> Result<Vec<Option<Key>>, ImageError> {
        keys.into_iter().map(|key| self.key(holder, key)).collect()
    }

    fn process(&self, number: Number, process: image::Process<'_>) -> Result<Process, ImageError> {
        let check = |good, what| expect(good, number, what);
        check(process.code != 0 && self.given(process.code), "its code's number was never given out")?;
        check(self.may_be(process.code, Is::Code), "its code is no code page")?;
        check(process.index <= CODE_WORDS_MAX, "its index is past any code")?;
        let height = process.stack.len() as u64;
        check(process.stack_maximum <= STACK_MAXIMUM_LIMIT, "its stack maximum is too large")?;
        check(process.stack_maximum >= gas::STACK_INCLUDED, "its stack maximum is too small")?;
        check(
            (gas::STACK_INCLUDED..=process.stack_maximum).contains(&process.stack_capacity),
            "its stack capacity is out of range",
        )?;
        check(height <= process.stack_capacity.into(), "its operands pass its stack capacity")?;
        let frame_maximum = (process.stack_maximum / 2).max(gas::FRAMES_INCLUDED);
        check(
            (gas::FRAMES_INCLUDED..=frame_maximum).contains(&process.frame_capacity),
            "its frame capacity is out of range",
        )?;
        check(process.frames.len() <= process.frame_capacity as usize, "its frames pass their capacity")?;
        let mut base = 0;
        for frame in process.frames.iter() {
            check(frame.base >= base && u64::from(frame.base) <= height, "a frame's base is out of order")?;
            check(
                u64::from(frame.return_index) <= CODE_WORDS_MAX,
                "a frame returns to an index past any code",
            )?;
            base = frame.base;
        }
        check(process.data.len().is_multiple_of(8), "its data are not whole words")?;
        check(process.data.len() as u64 / 8 <= MEMORY_WORDS_MAX, "its data are too long")?;
        check(
            (u64::from(gas::KEYS_INCLUDED)..=KEYS_MAX).contains(&process.key_capacity.into()),
            "its key capacity is out of range",
        )?;
        check(process.keys.len() <= process.key_capacity as usize, "its keys pass their capacity")?;
        let own = process.keys.first().copied().flatten();
        check(
            own.is_some_and(|key| {
                key.object == number && key.gate == 0 && key.seal == 0 && Rights::OWN.has(key.rights)
            }),
            "its key 0 is not the key to itself",
        )?;
        check(process.message_keys <= MESSAGE_KEYS_MAX, "it had more keys in a message than there can be")?;
        check(
            process.callee == 0 || (self.given(process.callee) && process.callee != number),
            "its callee's number was never given out",
        )?;
        check(self.may_be(process.callee, Is::Process), "its callee is no process")?;
        let caller = self.find(process.caller);
        check(
            process.caller == 0 || caller.is_some_and(|(is, _)| is == Is::Process),
            "its caller is no process",
        )?;
        check(
            caller.is_some() == process.suspended.is_some(),
            "it is suspended with no caller, or has a caller and is not",
        )?;
        Ok(Process {
            code: self.reference(process.code),
            index: process.index,
            progress: process.progress,
            data_words: process.data.len() as u64 / 8,
            workspace: Workspace {
                stack: process.stack.into_owned(),
                frames: process.frames.into_owned(),
                data: Content::new(process.data.into_owned()),
            },
            height: u32::try_from(height).unwrap_or(u32::MAX),
            stack_capacity: process.stack_capacity,
            stack_maximum: process.stack_maximum,
            frame_capacity: process.frame_capacity,
            key_capacity: process.key_capacity,
            keys: self.keys(number, process.keys)?,
            random: process.random,
            amount: process.amount,
            gas_seen: process.gas_seen,
            words_seen: process.words_seen,
            keeper: self.key(number, process.keeper)?.map(Box::new),
            callee: if process.callee == 0 { Ref::NONE } else { self.reference(process.callee) },
            caller: caller.map_or(Ref::NONE, |(_, r)| r),
            suspended: process.suspended.map(Box::new),
            link: u32::MAX,
            status: process.status,
            trap: process.trap,
            message_words: process.message_words,
            message_keys: process.message_keys,
            standing: process.standing,
            stopped: process.stopped,
            grown: 0,
        })
    }

    fn object(&self, number: Number, body: image::Body<'_>) -> Result<Body, ImageError> {
        let check = |good, what| expect(good, number, what);
        Ok(match body {
            image::Body::Data(bytes) => {
                check(bytes.len().is_multiple_of(8), "it is not whole words")?;
                check(bytes.len() as u64 / 8 <= MEMORY_WORDS_MAX, "it is too long")?;
                Body::Data(Box::new(Content::new(bytes.into_owned())))
            }
            image::Body::Code(words) => {
                check(words.len() as u64 <= CODE_WORDS_MAX, "it is too long")?;
                let code = Code::new(words.into_owned());
                Body::Code(Arc::new(CodePage::new(
                    code.map_err(|_| wrong(number, "its parts do not add up to code"))?,
                )))
            }
            image::Body::Keys(keys) => {
                check(keys.len() as u64 <= KEYS_MAX, "it has too many slots")?;
                Body::Keys(self.keys(number, keys)?)
            }
            image::Body::Process(process) => Body::Process(Box::new(self.process(number, *process)?)),
            image::Body::Meter(meter) => Body::Meter(Box::new(Meter {
                gas_used: meter.gas_used,
                gas_limit: meter.gas_limit,
                words_used: 0,
                words_limit: meter.words_limit,
                rent_used: meter.rent_used,
                rent_limit: meter.rent_limit,
                stopped: meter.stopped,
                keeper: self.key(number, meter.keeper)?,
                depth: 0,
            })),
            image::Body::CallMeter { callee, own_words } => {
                let (_, callee) = self.find(callee).ok_or_else(|| wrong(number, "its callee is gone"))?;
                Body::CallMeter(CallMeter { own_words, ..CallMeter::new(callee, Ref::NONE, u32::MAX) })
            }
            image::Body::Gate { parent } => {
                check(parent < number, "it hangs below a later gate")?;
                check(self.may_be(parent, Is::Gate), "it hangs below no gate")?;
                let parent = if parent == 0 { Ref::NONE } else { self.reference(parent) };
                Body::Gate { parent }
            }
            image::Body::Brand => Body::Brand,
            image::Body::Host(name) => {
                check(!name.is_empty() && name.len() <= HOST_NAME_MAX, "its name is empty or too long")?;
                Body::Host(name.as_str().into())
            }
        })
    }
}

impl Kernel {
    /// Takes the state of an image in.
    ///
    /// # Errors
    /// `Inconsistent`, naming the object, if anything in it does not fit together.
    pub(crate) fn import(image: Image<'_>) -> Result<Self, ImageError> {
        let Image { next_number, prime, root, chain, request, objects, debug: _ } = image;
        expect(next_number <= NUMBER_MAX, next_number, "the numbers are used up")?;
        let mut last = 0;
        for object in &objects {
            expect(object.number > last, object.number, "its number is not above the one before")?;
            expect(object.number < next_number, object.number, "its number was never given out")?;
            last = object.number;
        }
        let kinds = objects.iter().map(|object| (object.number, Is::of(&object.body)));
        let incoming = Incoming { next_number, objects: kinds.collect() };
        let Some((kind, prime_ref)) = incoming.find(prime) else {
            return Err(wrong(prime, "there is no prime meter"));
        };
        let superior = objects[prime_ref.slot as usize].meter;
        let what = "the prime meter is no meter, or is charged to another";
        expect(kind == Is::Meter && superior == 0, prime, what)?;
        expect(incoming.given(root) && root != 0, root, "there is no root process")?;
        expect(incoming.may_be(root, Is::Process), root, "the root is no process")?;
        // Slots are the indices, so that references can be made before what they name is there. Each object is gone as
        // plain data before the next one comes.
        let mut arena = Arena::with_capacity(objects.len());
        for image::Object { number, meter, body } in objects {
            let meter = if number == prime {
                Ref::NONE
            } else {
                let (is, r) =
                    incoming.find(meter).ok_or_else(|| wrong(number, "it is charged to nothing"))?;
                let is_meter = matches!(is, Is::Meter | Is::CallMeter);
                expect(is_meter, number, "it is charged to something that is no meter")?;
                let hangs = matches!(Is::of(&body), Is::Meter | Is::CallMeter);
                expect(!hangs || r.number < number, number, "it hangs below a later meter")?;
                r
            };
            arena.stage(number, meter, incoming.object(number, body)?);
        }
        arena.link_staged();
        let mut kernel = Self {
            arena,
            next_number,
            prime: prime_ref,
            root: incoming.reference(root),
            chain: Vec::new(),
            tied_links: 0,
            request: None,
            finished: None,
            given: Vec::new(),
            dormant: BTreeMap::new(),
            grown: BTreeMap::new(),
            unbooked: 0,
            unbooked_words: 0,
            base: Ref::NONE,
            base_gas: 0,
            base_words: 0,
            own_gas: 0,
            own_words: 0,
            walks_for_words: false,
            cut: None,
            total_gas: 0,
            instructions: 0,
            hashes: None,
            work: None,
        };
        kernel.check_gates()?;
        kernel.check_meters()?;
        kernel.take_chain(&incoming, &chain, request.is_some())?;
        kernel.take_request(&incoming, request)?;
        kernel.check_callers()?;
        kernel.check_growth()?;
        kernel.check_progress()?;
        kernel.count_all_words().map_err(|meter| wrong(meter, "its words overflow"))?;
        kernel.check_budgets()?;
        kernel.refresh();
        Ok(kernel)
    }

    pub(super) fn refs(&self) -> Vec<Ref> {
        self.arena.iter().map(|(r, _)| r).collect()
    }

    fn check_gates(&self) -> Result<(), ImageError> {
        for (r, slot) in self.arena.iter() {
            if matches!(slot.body, Body::Gate { .. }) {
                expect(self.gate_depth(r) <= GATE_DEPTH_MAX, r.number, "gates go too deep")?;
            }
        }
        Ok(())
    }

    /// Works out the depths of meters and the ends of rows. A superior has a lower number, so it comes first.
    fn check_meters(&mut self) -> Result<(), ImageError> {
        for r in self.refs() {
            let superior = self.charged_to(r);
            match self.arena.body(r) {
                Some(Body::Meter(_)) if r != self.prime => {
                    let depth = self.meter(self.standing_end(superior)).depth + 1;
                    expect(depth <= METER_DEPTH_MAX, r.number, "meters go too deep")?;
                    self.meter_mut(r).depth = depth;
                }
                Some(Body::CallMeter(call)) => {
                    let callee = call.callee;
                    let good = matches!(self.arena.body(callee), Some(Body::Process(_)));
                    expect(good, r.number, "its callee is no process")?;
                    let base = self.standing_end(superior);
                    if let Some(call) = self.call_meter_mut(r) {
                        call.base = base;
                    }
                    let other = self.dormant.insert((callee.number, superior.number), r);
                    expect(other.is_none(), r.number, "another call's meter is for the same pair")?;
                    self.arena.tie(callee);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_chain(
        &mut self,
        incoming: &Incoming,
        chain: &[image::Link],
        pending: bool,
    ) -> Result<(), ImageError> {
        for (place, link) in chain.iter().enumerate() {
            let number = link.process;
            let check = |good, what| expect(good, number, what);
            let process = incoming.reference(number);
            check(
                matches!(self.arena.body(process), Some(Body::Process(_))),
                "the chain goes through no process",
            )?;
            check(self.link_of(process).is_none(), "the chain goes through it twice")?;
            let here = u32::try_from(place).map_err(|_| wrong(number, "the chain is too long"))?;
            let (call, meter, gas, words) = match link.call {
                Call::Recurse { meter, gas, words } => {
                    let meter = incoming.reference(meter);
                    let superior = self.charged_to(meter);
                    let made_for = self.call_meter(meter).is_some_and(|call| call.callee == process);
                    check(made_for, "its call's meter was made for another")?;
                    check(place > 0 && superior == self.running_meter(), "its call's meter hangs elsewhere")?;
                    self.dormant.remove(&(number, superior.number));
                    if let Some(call) = self.call_meter_mut(meter) {
                        call.link = here;
                    }
                    (LinkCall::Recurse, meter, gas, words)
                }
                Call::Invoke => (LinkCall::Invoke, self.charged_to(process), u64::MAX, 0),
                Call::Keeper => (LinkCall::Keeper, self.charged_to(process), u64::MAX, 0),
            };
            let recursed = call == LinkCall::Recurse;
            let state = self.arena.process(process);
            let expected = chain.get(place + 1).map_or(0, |next| next.process);
            let last = place + 1 == chain.len();
            check(recursed || state.standing, "it runs without a standing meter")?;
            check(
                place > 0 || (call == LinkCall::Invoke && process == self.root),
                "the chain does not begin with the root",
            )?;
            check(state.suspended.is_none(), "it is in the chain and suspended")?;
            check(!state.stopped, "it is in the chain and stopped")?;
            let keeper_next = chain.get(place + 1).is_some_and(|next| next.call == Call::Keeper);
            let result_fits = u64::from(state.height) + 2 <= state.stack_capacity.into();
            check(!waits_for_result(state) || result_fits, "it has no room for a result")?;
            let kept = matches!(
                state.status,
                Status::Trapped | Status::OutOfGas | Status::OutOfWords | Status::Stopped
            );
            let waits = if keeper_next { kept } else { state.status == Status::Waiting };
            check(last || waits, "it is in the chain and does not wait")?;
            check(
                last || keeper_next || state.callee.number == expected,
                "it waits for another than the next in the chain",
            )?;
            if last {
                let status = if pending { Status::Pending } else { Status::Running };
                check(state.status == status, "it is last in the chain and not running")?;
                check(!pending || state.callee.is_none(), "it waits for the host and for a process")?;
            }
            let base = match self.chain.last() {
                Some(below) if recursed => below.base,
                _ => here,
            };
            let caller = self.chain.last().map_or(Ref::NONE, |below| below.process);
            let state = self.arena.process_mut(process);
            state.link = here;
            state.caller = caller;
            self.chain.push(Link { process, meter, gas, words, charged: 0, base, call });
        }
        Ok(())
    }

    fn take_request(
        &mut self,
        incoming: &Incoming,
        request: Option<image::Request>,
    ) -> Result<(), ImageError> {
        let Some(request) = request else {
            return Ok(());
        };
        let root = self.root.number;
        expect(!self.chain.is_empty(), root, "a request is pending and nobody made it")?;
        expect(
            request.words.len() <= MESSAGE_WORDS_MAX.into() && request.keys.len() <= MESSAGE_KEYS_MAX.into(),
            request.host,
            "the pending request is too large",
        )?;
        expect(request.host != 0 && incoming.given(request.host), request.host, "the request is to nobody")?;
        let host = incoming.reference(request.host);
        let good = incoming.may_be(request.host, Is::Host);
        expect(good, request.host, "the request is to something that is no host")?;
        self.request =
            Some(Pending { host, words: request.words, keys: incoming.keys(request.host, request.keys)? });
        Ok(())
    }

    /// Checks that processes stand as they can, and that whoever is said to wait for one does. A ring of processes that
    /// wait for each other is harmless: nothing comes to it.
    fn check_callers(&mut self) -> Result<(), ImageError> {
        for r in self.refs() {
            let Some(Body::Process(process)) = self.arena.body(r) else {
                continue;
            };
            let in_chain = self.link_of(r).is_some();
            let status = process.status;
            let good = in_chain || !matches!(status, Status::Running | Status::Pending);
            expect(good, r.number, "it is running and not in the chain")?;
            let never = matches!(
                status,
                Status::Destroyed
                    | Status::Busy
                    | Status::Full
                    | Status::Severed
                    | Status::NoMeter
                    | Status::Refused
            );
            expect(!never, r.number, "a process does not stand so")?;
            let result_fits = u64::from(process.height) + 2 <= process.stack_capacity.into();
            let over = matches!(status, Status::Returned | Status::Yielded | Status::Halted);
            let good = process.callee.is_none() || !over;
            expect(good, r.number, "it has called a process and does not wait")?;
            let good = in_chain || !waits_for_result(process) || result_fits;
            expect(good, r.number, "it has no room for a result")?;
            let standing = process.standing;
            let invoked = process.suspended.as_deref() == Some(&Suspended::Invoke);
            expect(standing || !invoked, r.number, "it was invoked without a standing meter")?;
            let good = !standing || matches!(self.arena.body(self.charged_to(r)), Some(Body::Meter(_)));
            expect(good, r.number, "its standing meter is no standing meter")?;
            let good = !process.stopped || process.suspended.is_none();
            expect(good, r.number, "it is stopped and its caller waits still")?;
            let caller = process.caller;
            let waits = in_chain || caller.is_none() || self.arena.process(caller).callee == r;
            expect(waits, r.number, "its caller waits for another")?;
            if !process.callee.is_none() {
                self.arena.tie(r);
            }
        }
        Ok(())
    }

    /// Only the running process is within an instruction that keeps a progress word.
    fn check_progress(&mut self) -> Result<(), ImageError> {
        for r in self.refs() {
            if let Some(Body::Process(process)) = self.arena.body(r)
                && process.progress > 0
            {
                let fits = self.running() == Some(r) && self.take_up_work().is_some();
                expect(fits, r.number, "its progress is within no instruction that it runs")?;
            }
        }
        Ok(())
    }

    /// Sums up what of each process's growth is charged to calls.
    fn check_growth(&mut self) -> Result<(), ImageError> {
        for r in self.refs() {
            let Some(call) = self.call_meter(r) else { continue };
            let (callee, own) = (call.callee, call.own_words);
            let pair = (callee.number, self.charged_to(r).number);
            if own > 0 && self.dormant.contains_key(&pair) {
                self.grown.insert(pair, r);
            }
            let process = self.arena.process_mut(callee);
            let grown = process.grown.checked_add(own);
            let good = grown.is_some_and(|grown| grown <= process.words() - gas::PROCESS_WORDS);
            expect(good, r.number, "more of its callee's growth is charged to it than there is")?;
            process.grown += own;
        }
        Ok(())
    }

    /// Checks that the calls of each run do not hold more than could have been handed to them, so that nothing overflows
    /// when they give it back.
    ///
    /// They may hold more than their meters have left: a limit can be lowered, and others run under it too. But what a
    /// run's first call was handed, its standing meter had left besides all that it counted; and later calls split it,
    /// charges only turn it into counts, and credits turn it back. So the gas and the words that all calls of a run have
    /// left, with the words that they and the call meters below them count, stay below 2^64, the highest limit.
    fn check_budgets(&self) -> Result<(), ImageError> {
        // By the place of the link that the run began with.
        let mut sums = vec![(0_u64, 0_u64); self.chain.len()];
        let mut add = |run: u32, number, gas, words| -> Result<(), ImageError> {
            let (all_gas, all_words) = &mut sums[run as usize];
            let sum = all_gas.checked_add(gas).zip(all_words.checked_add(words));
            (*all_gas, *all_words) = sum.ok_or_else(|| wrong(number, "its run holds too much"))?;
            Ok(())
        };
        for link in self.chain.iter().filter(|link| link.is_recurse()) {
            add(link.base, link.process.number, link.gas, link.words)?;
        }
        // The runs of call meters, by slot. A superior comes first.
        let mut runs: Vec<Option<u32>> = Vec::new();
        for r in self.refs() {
            let run = self.call_meter(r).and_then(|_| match self.active_link(r) {
                Some(place) => Some(self.chain[place].base),
                None => runs.get(self.charged_to(r).slot as usize).copied().flatten(),
            });
            if let Some(run) = run {
                add(run, r.number, 0, self.words_counted(r))?;
            }
            runs.push(run);
        }
        Ok(())
    }
}
