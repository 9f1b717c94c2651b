//! What is drawn: nodes and arrows.

use crate::cli::survey::{Survey, kind, rights_text};
use crate::cli::text::printable;
use keyvm::isa::image::{Body, Key, Number, Object};
use keyvm::isa::layout::Kind;
use keyvm::isa::{Rights, Status};
use std::collections::BTreeMap;

/// The key graph.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) arrows: Vec<Arrow>,
}

/// An object.
pub(super) struct Node {
    pub(super) number: Number,
    pub(super) kind: Kind,
    /// What it is called.
    pub(super) title: String,
    /// What else there is to say.
    pub(super) detail: String,
}

/// From who holds a key to what it names.
pub(super) struct Arrow {
    /// Index of the node it comes from.
    pub(super) from: usize,
    /// Index of the node it goes to.
    pub(super) to: usize,
    pub(super) style: Style,
    /// Slots and rights, in short.
    pub(super) label: String,
    /// The same in full.
    pub(super) title: String,
    /// How likely it is that who holds the keys made the object.
    pub(super) maker: Maker,
}

/// What an arrow means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A key that control can go along.
    Call,
    /// Any other key.
    Key,
    /// From a gate to what the keys through it name.
    Gate,
    /// From who uses gas and words to the meter that counts them.
    Meter,
}

/// How likely a holder of keys to an object is its maker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Maker {
    /// Whoever makes an object may destroy it, and this holder may not.
    #[default]
    Unlikely,
    /// It may destroy it.
    Possible,
    /// Besides, the object is charged to the meter that the holder runs under.
    Likely,
}

/// Keys of one holder to one object, as they are collected.
#[derive(Default)]
struct Keys {
    labels: Vec<String>,
    titles: Vec<String>,
    call: bool,
    maker: Maker,
}

impl Graph {
    /// The key graph of an image, the root process first.
    pub(super) fn of(survey: &Survey<'_, '_>) -> Self {
        let mut builder =
            Builder { survey, index: BTreeMap::new(), nodes: Vec::new(), keys: BTreeMap::new() };
        builder.add_nodes();
        let mut arrows = builder.structure();
        for object in &survey.image.objects {
            match &object.body {
                Body::Process(process) => builder.add_keys(object.number, &process.keys),
                Body::Keys(keys) => builder.add_keys(object.number, keys),
                _ => {}
            }
        }
        arrows.extend(builder.keys.into_iter().map(|((from, to), keys)| Arrow {
            from,
            to,
            style: match (keys.labels.is_empty(), keys.call) {
                (true, _) => Style::Gate,
                (false, true) => Style::Call,
                (false, false) => Style::Key,
            },
            label: keys.labels.join(", "),
            title: keys.titles.join("\n"),
            maker: keys.maker,
        }));
        Self { nodes: builder.nodes, arrows }
    }
}

struct Builder<'s, 'i, 'a> {
    survey: &'s Survey<'i, 'a>,
    /// Where in the nodes an object is.
    index: BTreeMap<Number, usize>,
    nodes: Vec<Node>,
    keys: BTreeMap<(usize, usize), Keys>,
}

impl Builder<'_, '_, '_> {
    fn add_nodes(&mut self) {
        let image = self.survey.image;
        let mut held: Vec<Number> = Vec::new();
        for object in &image.objects {
            let keys = match &object.body {
                Body::Process(process) => &process.keys,
                Body::Keys(keys) => keys,
                _ => continue,
            };
            held.extend(keys.iter().flatten().map(|key| key.object));
        }
        held.sort_unstable();
        let is_root = |object: &&Object<'_>| object.number == image.root;
        let root = image.objects.iter().filter(is_root);
        for object in root.chain(image.objects.iter().filter(|object| !is_root(object))) {
            let shown = match &object.body {
                // What only the machine refers to is not for a graph of keys.
                Body::Code(_) | Body::Data(_) => held.binary_search(&object.number).is_ok(),
                Body::CallMeter { .. } => false,
                _ => true,
            };
            if shown {
                self.index.insert(object.number, self.nodes.len());
                self.nodes.push(self.node(object));
            }
        }
    }

    fn node(&self, object: &Object<'_>) -> Node {
        let number = object.number;
        let limit =
            |limit: u64| if limit == u64::MAX { "no limit".to_owned() } else { format!("of {limit}") };
        let (title, detail) = match &object.body {
            Body::Process(process) => {
                let root = if number == self.survey.image.root { ", root" } else { "" };
                let itself = process.keys.iter().skip(1).flatten().filter(|key| key.object == number).count();
                let itself = if itself > 0 { format!(", {itself} more to itself") } else { String::new() };
                let status = match (process.status, process.trap) {
                    (Status::Trapped, Some(trap)) => trap.name(),
                    (status, _) => status.name(),
                };
                (format!("process {number}{root}"), format!("{status}, code {}{itself}", process.code))
            }
            Body::Host(name) => (format!("host {number}"), printable(name)),
            Body::Meter(meter) => {
                (format!("meter {number}"), format!("gas {} {}", meter.gas_used, limit(meter.gas_limit)))
            }
            Body::Data(bytes) => (format!("data {number}"), format!("{} words", bytes.len() / 8)),
            Body::Code(words) => (format!("code {number}"), format!("{} words", words.len())),
            Body::Keys(keys) => (format!("keys {number}"), format!("{} slots", keys.len())),
            Body::CallMeter { .. } => (format!("call meter {number}"), String::new()),
            Body::Gate { .. } => (format!("gate {number}"), String::new()),
            Body::Brand => (format!("brand {number}"), String::new()),
        };
        Node { number, kind: kind(&object.body), title, detail }
    }

    /// Arrows that are no keys: who is paid by which meter, which meter hangs below which.
    fn structure(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for object in &self.survey.image.objects {
            let what = match &object.body {
                Body::Process(process) if process.standing => "runs under",
                Body::Meter(_) => "hangs below",
                _ => continue,
            };
            let meter = self.survey.standing_meter(object.meter);
            if let (Some(&from), Some(&to)) = (self.index.get(&object.number), self.index.get(&meter)) {
                let title = format!("{} {what} {}", self.nodes[from].title, self.nodes[to].title);
                let style = Style::Meter;
                arrows.push(Arrow { from, to, style, label: String::new(), title, maker: Maker::Unlikely });
            }
        }
        arrows
    }

    fn add_keys(&mut self, holder: Number, keys: &[Option<Key>]) {
        for (slot, key) in keys.iter().enumerate() {
            if let Some(key) = key
                && key.object != holder
                && self.survey.is_live(key)
            {
                self.add_key(holder, slot, key);
            }
        }
    }

    fn add_key(&mut self, holder_number: Number, slot: usize, key: &Key) {
        let (Some(&from), Some(&to)) = (self.index.get(&holder_number), self.index.get(&key.object)) else {
            return;
        };
        let seal = if key.seal == 0 { String::new() } else { format!(" sealed by {}", key.seal) };
        let through = if key.gate == 0 { String::new() } else { format!(" through gate {}", key.gate) };
        let (holder, object) = (&self.nodes[from].title, &self.nodes[to].title);
        let rights = rights_text(key.rights);
        let title = format!("{holder}, key {slot} to {object}: {rights}{through}{seal}");
        let label = format!("{slot} {}{seal}", short(key.rights));
        // A key through gates is an arrow to the first gate, and from each gate to what is behind it.
        let first = self.index.get(&key.gate).copied().unwrap_or(to);
        let mut at = key.gate;
        while let (Some(&gate), Some(Body::Gate { parent })) = (self.index.get(&at), self.survey.body(at)) {
            let behind = self.index.get(parent).copied().unwrap_or(to);
            self.keys.entry((gate, behind)).or_default();
            at = *parent;
        }
        let maker = self.maker(holder_number, key);
        let keys = self.keys.entry((from, first)).or_default();
        keys.labels.push(label);
        keys.titles.push(title);
        keys.call |= key.rights.has(Rights::CALL);
        keys.maker = keys.maker.max(maker);
    }
}

impl Builder<'_, '_, '_> {
    /// How likely the holder of a key made the object.
    fn maker(&self, holder: Number, key: &Key) -> Maker {
        if !key.rights.has(Rights::DESTROY) {
            return Maker::Unlikely;
        }
        let charged = self.survey.object(key.object).map_or(0, |object| object.meter);
        let runs_under = match self.survey.body(charged) {
            Some(Body::CallMeter { callee, .. }) => *callee == holder,
            _ => {
                self.survey.process(holder).is_some_and(|process| process.standing)
                    && self.survey.object(holder).is_some_and(|object| object.meter == charged)
            }
        };
        if runs_under { Maker::Likely } else { Maker::Possible }
    }
}

/// Rights in few letters: that a key may be copied and is not weak is usual, and not said. Only what is fetched through
/// a key is weak, so it is said of keys that something can be fetched through.
fn short(rights: Rights) -> String {
    if rights == Rights::ALL {
        return "all".to_owned();
    }
    let usual = [Rights::COPY, Rights::STRONG];
    let named = Rights::NAMED.iter().filter(|right| rights.has(right.0) && !usual.contains(&right.0));
    let mut names: Vec<_> = named.map(|right| right.1).collect();
    if rights.has(Rights::READ) && !rights.has(Rights::STRONG) {
        names.insert(0, "weak");
    }
    if !rights.has(Rights::COPY) {
        names.push("uncopied");
    }
    names.join(" ")
}
