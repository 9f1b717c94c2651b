//! An image, looked at: what an object is called, what a key still means, what a meter counts.

use super::text::printable;
use keyvm::isa::gas;
use keyvm::isa::image::{Body, Image, Key, Number, Object, Process};
use keyvm::isa::{Rights, layout::Kind};
use std::collections::BTreeMap;

/// An image that a machine has taken in and given out, so that it is consistent and in order.
pub(super) struct Survey<'i, 'a> {
    pub(super) image: &'i Image<'a>,
    /// Words charged to each meter and below it.
    words: BTreeMap<Number, u64>,
    /// For each meter of a call, the next standing one above it.
    standing: BTreeMap<Number, Number>,
}

impl<'i, 'a> Survey<'i, 'a> {
    /// Looks at an image.
    pub(super) fn new(image: &'i Image<'a>) -> Self {
        let mut survey = Self { image, words: BTreeMap::new(), standing: BTreeMap::new() };
        survey.words = survey.meter_words();
        survey.standing = survey.standing_meters();
        survey
    }

    /// The object with a number, if it lives.
    pub(super) fn object(&self, number: Number) -> Option<&'i Object<'a>> {
        self.image.object(number)
    }

    /// What the object with a number is, if it lives.
    pub(super) fn body(&self, number: Number) -> Option<&'i Body<'a>> {
        self.object(number).map(|object| &object.body)
    }

    /// The process with a number, if it lives.
    pub(super) fn process(&self, number: Number) -> Option<&'i Process<'a>> {
        match self.body(number)? {
            Body::Process(process) => Some(process),
            _ => None,
        }
    }

    /// All processes, the root first, then by number.
    pub(super) fn processes(&self) -> impl Iterator<Item = (Number, &'i Process<'a>)> {
        let root = self.image.root;
        let first = self.process(root).map(|process| (root, process));
        let others = self.image.objects.iter().filter(move |object| object.number != root);
        first.into_iter().chain(others.filter_map(|object| match &object.body {
            Body::Process(process) => Some((object.number, &**process)),
            _ => None,
        }))
    }

    /// An object's name in tables: its kind and number, and for a host what it is called.
    pub(super) fn name(&self, number: Number) -> String {
        match self.body(number) {
            None if number == 0 => "-".to_owned(),
            None => format!("{number} (gone)"),
            Some(Body::Host(name)) => format!("host {number} ({})", printable(name)),
            Some(body) => format!("{} {number}", kind_name(body)),
        }
    }

    /// Whether a key means something: its object, its gates and its brand live.
    pub(super) fn is_live(&self, key: &Key) -> bool {
        let mut gate = key.gate;
        while gate != 0 {
            match self.body(gate) {
                Some(Body::Gate { parent }) => gate = *parent,
                _ => return false,
            }
        }
        self.object(key.object).is_some() && (key.seal == 0 || self.object(key.seal).is_some())
    }

    /// The words that a meter counts: charged to it and below it.
    pub(super) fn words_of_meter(&self, meter: Number) -> u64 {
        self.words.get(&meter).copied().unwrap_or_default()
    }

    /// The meter itself if it is a standing one, else the next above it that is.
    pub(super) fn standing_meter(&self, meter: Number) -> Number {
        self.standing.get(&meter).copied().unwrap_or(meter)
    }

    /// Each step up is taken once: meters of calls may hang a hundred thousand deep.
    fn standing_meters(&self) -> BTreeMap<Number, Number> {
        let mut standing = BTreeMap::new();
        for object in &self.image.objects {
            let mut row = Vec::new();
            let mut at = object.number;
            while let Some(Object { number, meter, body: Body::CallMeter { .. } }) = self.object(at) {
                if standing.contains_key(number) {
                    break;
                }
                row.push(*number);
                at = *meter;
            }
            let end = standing.get(&at).copied().unwrap_or(at);
            standing.extend(row.into_iter().map(|meter| (meter, end)));
        }
        standing
    }

    /// The words charged for an object.
    fn words_of(object: &Object<'_>, grown: &BTreeMap<Number, u64>) -> u64 {
        let words = |count: usize| count as u64;
        match &object.body {
            Body::Data(bytes) => gas::PAGE_WORDS + words(bytes.len() / 8),
            Body::Code(code) => gas::PAGE_WORDS + words(code.len()),
            Body::Keys(keys) => gas::PAGE_WORDS + words(keys.len()) * gas::KEY_SLOT_WORDS,
            Body::Process(process) => {
                let more = |capacity: u32, included: u32| u64::from(capacity.saturating_sub(included));
                let all = gas::PROCESS_WORDS
                    + words(process.data.len() / 8)
                    + more(process.stack_capacity, gas::STACK_INCLUDED)
                    + more(process.frame_capacity, gas::FRAMES_INCLUDED) * gas::FRAME_WORDS
                    + more(process.key_capacity, gas::KEYS_INCLUDED) * gas::KEY_SLOT_WORDS;
                all.saturating_sub(grown.get(&object.number).copied().unwrap_or_default())
            }
            Body::Meter(_) => gas::METER_WORDS,
            Body::CallMeter { own_words, .. } => gas::METER_WORDS + own_words,
            Body::Gate { .. } => gas::GATE_WORDS,
            Body::Brand => gas::BRAND_WORDS,
            Body::Host(_) => gas::HOST_WORDS,
        }
    }

    fn meter_words(&self) -> BTreeMap<Number, u64> {
        let mut grown: BTreeMap<Number, u64> = BTreeMap::new();
        for object in &self.image.objects {
            if let Body::CallMeter { callee, own_words } = object.body {
                *grown.entry(callee).or_default() += own_words;
            }
        }
        let mut totals: BTreeMap<Number, u64> = BTreeMap::new();
        for object in &self.image.objects {
            let is_call = matches!(object.body, Body::CallMeter { .. });
            let all = Self::words_of(object, &grown);
            // What a call meter holds of its callee's growth is charged to itself; its own base to its superior.
            let base = if is_call { gas::METER_WORDS } else { all };
            *totals.entry(object.meter).or_default() += base;
            if is_call {
                *totals.entry(object.number).or_default() += all - base;
            }
        }
        // From the leaves of the tree of meters up: each is added to its superior after all below it were.
        let mut below: BTreeMap<Number, usize> = BTreeMap::new();
        let superiors: BTreeMap<Number, Number> = self
            .image
            .objects
            .iter()
            .filter(|object| is_meter(&object.body))
            .map(|object| (object.number, object.meter))
            .collect();
        for superior in superiors.values() {
            *below.entry(*superior).or_default() += 1;
        }
        let mut ready: Vec<Number> =
            superiors.keys().copied().filter(|meter| !below.contains_key(meter)).collect();
        while let Some(meter) = ready.pop() {
            let superior = superiors.get(&meter).copied().unwrap_or_default();
            let words = totals.get(&meter).copied().unwrap_or_default();
            *totals.entry(superior).or_default() += words;
            if let Some(left) = below.get_mut(&superior) {
                *left -= 1;
                if *left == 0 && superior != 0 {
                    ready.push(superior);
                }
            }
        }
        totals
    }
}

/// Whether an object is a meter of either kind.
pub(super) const fn is_meter(body: &Body<'_>) -> bool {
    matches!(body, Body::Meter(_) | Body::CallMeter { .. })
}

/// The kind of an object.
pub(super) const fn kind(body: &Body<'_>) -> Kind {
    match body {
        Body::Data(_) => Kind::Data,
        Body::Code(_) => Kind::Code,
        Body::Keys(_) => Kind::Keys,
        Body::Process(_) => Kind::Process,
        Body::Meter(_) | Body::CallMeter { .. } => Kind::Meter,
        Body::Gate { .. } => Kind::Gate,
        Body::Brand => Kind::Brand,
        Body::Host(_) => Kind::Host,
    }
}

/// The name of an object's kind in tables.
pub(super) const fn kind_name(body: &Body<'_>) -> &'static str {
    match body {
        Body::CallMeter { .. } => "call meter",
        _ => kind(body).name(),
    }
}

/// The names of rights, from the lowest bit upwards.
pub(super) fn right_names(rights: Rights) -> impl Iterator<Item = &'static str> {
    Rights::NAMED.iter().filter(move |right| rights.has(right.0)).map(|right| right.1)
}

/// Rights in words.
pub(super) fn rights_text(rights: Rights) -> String {
    match rights {
        Rights::ALL => "all".to_owned(),
        Rights::NONE => "none".to_owned(),
        _ => right_names(rights).collect::<Vec<_>>().join(" "),
    }
}
