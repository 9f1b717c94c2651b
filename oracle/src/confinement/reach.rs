//! What processes reach: the closure over keys and their rights, from an image alone.
//!
//! It is the fourth law of `docs/spec.md`, read as rules, and shares nothing with the kernel. Whoever runs may do
//! whatever its keys allow, whatever its code says. Each rule names the chapter of the specification that it is from.
//! A key that is not live is null (*Keys*), and what dies does not come to life again, so that a key counts if it is live
//! in the image.

use super::changes::Changes;
use keyvm_isa::Rights;
use keyvm_isa::image::{Body, Image, Key, Number, Object, Process};
use std::collections::{BTreeMap, BTreeSet};

/// What processes may change.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    allowed: BTreeMap<Number, Changes>,
    /// Those that may run.
    runners: BTreeSet<Number>,
    /// Objects to which they can have a key, with its rights and gate: one entry for each, as an instruction demands all
    /// its rights of one key.
    held: BTreeSet<(Number, u16, Number)>,
    /// Sealed keys that they can have.
    sealed: Vec<Key>,
}

impl Reach {
    /// What these processes may change. `payers` are meters under which they run, besides those that each is charged to.
    #[must_use]
    pub fn of(
        image: &Image<'_>,
        runners: impl IntoIterator<Item = Number>,
        payers: impl IntoIterator<Item = Number>,
    ) -> Self {
        let mut closure = Closure { image, reach: Self::default(), unused: Vec::new(), has_grown: true };
        for payer in payers {
            closure.counts(payer);
        }
        for runner in runners {
            closure.run(runner);
        }
        while std::mem::take(&mut closure.has_grown) {
            closure.turn();
        }
        closure.reach
    }

    /// What may change of an object.
    #[must_use]
    pub fn allows(&self, object: Number) -> Changes {
        self.allowed.get(&object).copied().unwrap_or_default()
    }

    /// Whether a process may run.
    #[must_use]
    pub fn runs(&self, process: Number) -> bool {
        self.runners.contains(&process)
    }

    /// Whether they can make a key, which is live in an image that they have come to. *Keys*: every key is a copy with the
    /// same rights or fewer of one that may be copied; *gates*: a copy goes through the same gate, or through one below it; *keepers*: they get a key
    /// to the process that stopped.
    #[must_use]
    pub fn makes(&self, key: &Key, now: &Image<'_>) -> bool {
        // What copies a key demands that right of it.
        let fewer = |rights: Rights| rights.has(key.rights) && rights.has(Rights::COPY);
        let through = |gate: Number| gate == 0 || gates(now, key.gate).contains(&gate);
        let all = (key.object, 0, 0)..=(key.object, u16::MAX, Number::MAX);
        let copied = self
            .held
            .range(all)
            .any(|&(_, rights, gate)| fewer(Rights::from_bits(rights.into())) && through(gate));
        let asked = self.runs(key.object) && fewer(Rights::KEEPER);
        let sealed = |one: &Key| {
            (one.object, one.seal) == (key.object, key.seal) && fewer(one.rights) && through(one.gate)
        };
        copied || asked || self.sealed.iter().any(sealed)
    }

    /// Those that may run.
    pub fn runners(&self) -> impl Iterator<Item = Number> {
        self.runners.iter().copied()
    }

    /// What is in either.
    pub fn add(&mut self, other: &Self) {
        for (&object, &changes) in &other.allowed {
            let allowed = self.allowed.entry(object).or_default();
            *allowed = allowed.and(changes);
        }
        self.runners.extend(&other.runners);
        self.held.extend(&other.held);
        self.sealed.extend(&other.sealed);
    }
}

/// A closure that is being made.
struct Closure<'i, 'b> {
    image: &'i Image<'b>,
    reach: Reach,
    /// Keys that somebody has, and whose use was not looked at.
    unused: Vec<(Number, Rights)>,
    /// Whether something was found since this was looked at last.
    has_grown: bool,
}

impl<'b> Closure<'_, 'b> {
    fn allow(&mut self, object: Number, changes: Changes) {
        if object != 0 {
            let allowed = self.reach.allowed.entry(object).or_default();
            let more = allowed.and(changes);
            self.has_grown |= more != *allowed;
            *allowed = more;
        }
    }

    fn process(&self, number: Number) -> Option<&Process<'b>> {
        match &self.image.object(number)?.body {
            Body::Process(process) => Some(process),
            _ => None,
        }
    }

    /// Somebody has this key, with these of its rights. *Brands*: a sealed key is good for nothing until it is unsealed.
    fn hold(&mut self, key: &Key, through: Rights) {
        if !is_live(self.image, key) {
            return;
        }
        let key = Key { rights: key.rights.and(through), ..*key };
        if key.seal == 0 {
            if self.reach.held.insert((key.object, key.rights.bits(), key.gate)) {
                self.unused.push((key.object, key.rights));
                self.has_grown = true;
            }
        } else if !self.reach.sealed.contains(&key) {
            self.reach.sealed.push(key);
            self.has_grown = true;
        }
    }

    /// *Control*: a process that runs uses all the keys of its list, and goes on with the call that it waits for.
    fn run(&mut self, number: Number) {
        let Some(process) = self.process(number) else { return };
        if self.reach.runners.contains(&number) {
            return;
        }
        let (keys, callee) = (process.keys.clone(), process.callee);
        self.has_grown |= self.reach.runners.insert(number);
        self.allow(number, Changes::RUNS);
        for key in keys.iter().flatten() {
            self.hold(key, Rights::ALL);
        }
        self.run(callee);
        // *`invoke`*: under its own meter.
        self.counts(self.image.object(number).map_or(0, |object| object.meter));
    }

    /// *Meters*: what runs below a meter counts in it and in all its superiors.
    fn counts(&mut self, meter: Number) {
        for meter in path(self.image, meter) {
            self.allow(meter, Changes::COUNTS);
        }
    }

    fn turn(&mut self) {
        // *Brands*: `unseal` demands `copy` of the key, and `read` of the brand; by a weak key to that, as *Weak* says.
        for key in self.reach.sealed.clone() {
            let all = (key.seal, 0, 0)..=(key.seal, u16::MAX, Number::MAX);
            let brands = self.reach.held.range(all).map(|&(_, bits, _)| Rights::from_bits(bits.into()));
            for brand in brands.collect::<Vec<_>>() {
                if brand.has(Rights::READ) && key.rights.has(Rights::COPY) {
                    self.hold(&Key { seal: 0, ..key }, fetched_through(brand));
                }
            }
        }
        while let Some((number, rights)) = self.unused.pop() {
            if let Some(object) = self.image.object(number) {
                self.use_key(object, rights);
            }
        }
        for object in &self.image.objects {
            self.follows(object);
        }
    }

    /// *Rights, kinds and instructions*, column by column.
    fn use_key(&mut self, object: &Object<'b>, rights: Rights) {
        let number = object.number;
        let allow = |closure: &mut Self, right: Rights, changes: Changes| {
            if rights.has(right) {
                closure.allow(number, changes);
            }
        };
        match &object.body {
            Body::Data(_) => {
                // `codeseal`, which makes it code, demands `write`.
                allow(self, Rights::WRITE, Changes::CONTENT);
                allow(self, Rights::RESIZE, Changes::LENGTH);
            }
            Body::Keys(keys) => {
                allow(self, Rights::WRITE, Changes::CONTENT);
                allow(self, Rights::RESIZE, Changes::LENGTH);
                self.fetch(keys, rights);
            }
            Body::Process(process) => {
                self.fetch(&process.keys, rights);
                allow(self, Rights::SEND, Changes::APPENDED);
                allow(self, Rights::MEND, Changes::MENDED);
                allow(self, Rights::STOP, Changes::STOPPED);
                if rights.has(Rights::CALL) {
                    self.run(number);
                }
            }
            Body::Meter(_) => {
                allow(self, Rights::LIMIT, Changes::LIMITS);
                allow(self, Rights::STOP, Changes::STOPPED);
                // *`setmeter`*: a process that it can give this meter runs under it.
                if rights.has(Rights::SEND) {
                    self.counts(number);
                }
            }
            Body::Code(_) | Body::CallMeter { .. } | Body::Gate { .. } | Body::Brand | Body::Host(_) => {}
        }
        // *Objects*: the prime meter cannot be destroyed.
        if number != self.image.prime {
            allow(self, Rights::DESTROY, Changes::GONE);
        }
    }

    /// *`keyget`*: copies of the keys of a key page or process, those that may be copied. *Weak*: through a key without
    /// `strong`, with `read` and `copy` at most.
    fn fetch(&mut self, keys: &[Option<Key>], rights: Rights) {
        if !rights.has(Rights::READ) {
            return;
        }
        let through = fetched_through(rights);
        for key in keys.iter().flatten().filter(|key| key.rights.has(Rights::COPY)) {
            self.hold(key, through);
        }
    }

    /// What follows from what may become of an object.
    fn follows(&mut self, object: &Object<'b>) {
        let number = object.number;
        let changes = self.reach.allows(number);
        if changes == Changes::NONE {
            return;
        }
        // *Destroying*: a meter, with every object charged to it and below it.
        let is_gone = changes.touches(Changes::GONE);
        if is_gone && matches!(object.body, Body::CallMeter { .. }) {
            self.allow(number, Changes::DISSOLVED);
        }
        if is_gone && matches!(object.body, Body::Meter(_) | Body::CallMeter { .. }) {
            for inner in &self.image.objects {
                if inner.meter == number {
                    self.allow(inner.number, Changes::GONE);
                }
            }
        }
        match &object.body {
            Body::Process(process) => {
                let stops = changes.touches(Changes::GONE.and(Changes::STOPPED));
                if stops {
                    // *Destroying, stopping*: who waits for it hears so, and whom it waits for nobody waits for.
                    self.allow(process.caller, Changes::ANSWERED);
                    self.allow(process.callee, Changes::STANDING);
                }
                for call in self.call_meters_of(number) {
                    // *Capacities*, *Prices*: its growth is charged to calls.
                    if changes.touches(Changes::RUNS.and(Changes::MENDED)) {
                        self.allow(call, Changes::GROWTH);
                    }
                    // *Destroying*: with it go the call meters that were made for it.
                    if is_gone {
                        self.allow(call, Changes::GONE);
                    }
                }
            }
            Body::CallMeter { callee, .. } if is_gone => {
                // Growth is charged to another call meter of the same process.
                for call in self.call_meters_of(*callee) {
                    self.allow(call, Changes::GROWTH);
                }
            }
            _ => {}
        }
        // *`recurse`*: a call meter dissolves when nothing is charged to it any more.
        let frees = Changes::GONE.and(Changes::LENGTH).and(Changes::CHARGE);
        let frees = frees.and(Changes::RUN).and(Changes::STATE).and(Changes::GROWTH).and(Changes::DISSOLVED);
        if changes.touches(frees) {
            for call in [number, object.meter] {
                let is_call = |object: &Object<'_>| matches!(object.body, Body::CallMeter { .. });
                if self.image.object(call).is_some_and(is_call) {
                    self.allow(call, Changes::DISSOLVED);
                }
            }
        }
    }

    fn call_meters_of(&self, process: Number) -> Vec<Number> {
        let is_of =
            |object: &&Object<'_>| matches!(object.body, Body::CallMeter { callee, .. } if callee == process);
        self.image.objects.iter().filter(is_of).map(|object| object.number).collect()
    }
}

/// What a key keeps that is fetched through one with these rights.
pub(super) const fn fetched_through(rights: Rights) -> Rights {
    if rights.has(Rights::STRONG) { Rights::ALL } else { Rights::WEAKENED }
}

/// A gate and all above it, as far as they exist.
fn gates(image: &Image<'_>, gate: Number) -> Vec<Number> {
    let mut gates = Vec::new();
    let mut at = gate;
    while let Some(Body::Gate { parent }) = image.object(at).map(|object| &object.body)
        && gates.len() <= image.objects.len()
    {
        gates.push(at);
        at = *parent;
    }
    gates
}

/// *Keys*: live as long as the object, the gate it came through and all above that, and the brand of its seal exist.
pub(super) fn is_live(image: &Image<'_>, key: &Key) -> bool {
    let exists = |number| image.object(number).is_some();
    let highest = gates(image, key.gate).last().copied();
    let through = key.gate == 0
        || highest.is_some_and(|gate| {
            matches!(image.object(gate).map(|object| &object.body), Some(Body::Gate { parent: 0 }))
        });
    through && exists(key.object) && (key.seal == 0 || exists(key.seal))
}

/// A meter and all its superiors, those of calls among them.
pub(super) fn path(image: &Image<'_>, meter: Number) -> Vec<Number> {
    let mut path = Vec::new();
    let mut at = meter;
    // What hangs below itself is no image that is taken in.
    while let Some(object) = image.object(at).filter(|_| at != 0 && path.len() <= image.objects.len()) {
        path.push(at);
        at = object.meter;
    }
    path
}
