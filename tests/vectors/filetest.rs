//! Filetests: a program in assembly, and the events that running it gives, in comments.
//!
//! * `;! gas N`, `;! words N` — the prime meter's limits (also between events: the host changes them);
//! * `;! message W…` — words that the root process gets with its next call;
//! * `;! reply W…`, `;! refused`, `;! severed` — what the host answers the pending request;
//! * `;! steps` — the program does not look at its budget, so it gives the same when it gets its gas drop by drop;
//! * `;= EVENT, FIELD, FIELD…` — runs on until that event.
//!
//! Events: `yields W…`, `returns W…`, `halts`, `traps NAME`, `out of gas N`, `out of words N`, `stopped`, `destroyed`,
//! `requests HOST W… keys N`. Fields, each of what is so then: `at N` or `at :LABEL` (index of the root process),
//! `stack W…` (its operands), `gas N` (counted at the prime meter), `objects N` (living). Words are written as
//! in vectors.

use super::engine::{Act, Cuts, Engine, Seen, prime, root, run_on};
use super::vector::{as_running, assert_same, words};
use keyvm::{Event, Reply, asm};
use keyvm_isa::Insn;
use keyvm_isa::code::Code;
use keyvm_isa::image::{Body, Image};

/// A file.
pub(crate) struct Filetest {
    name: String,
    pub(crate) image: Image<'static>,
    script: Vec<Line>,
    steps: bool,
}

enum Line {
    Act(Act),
    Expect(Box<Expected>),
}

/// What a `;=` line says.
#[derive(Default)]
pub(crate) struct Expected {
    place: String,
    pub(crate) event: String,
    pub(crate) at: Option<u64>,
    stack: Option<Vec<u64>>,
    gas: Option<u64>,
    objects: Option<usize>,
}

fn number(text: &str) -> Result<u64, String> {
    match words(text)?[..] {
        [word] => Ok(word),
        _ => Err(format!("`{text}` is not one number")),
    }
}

/// The words as events are written with them.
fn listed(words: &[u64]) -> String {
    words.iter().map(|word| format!(" {word}")).collect()
}

/// An event as it is written, its words in decimal.
fn canonical(event: &str) -> Result<String, String> {
    let (verb, rest) = event.split_once(' ').unwrap_or((event, ""));
    Ok(match verb {
        "yields" | "returns" => format!("{verb}{}", listed(&words(rest)?)),
        "out" => {
            let (what, amount) = rest.rsplit_once(' ').ok_or("out of how much?")?;
            format!("out {what} {}", number(amount)?)
        }
        _ => event.to_owned(),
    })
}

fn written(seen: &Seen) -> String {
    match &seen.event {
        Event::Yielded(words) => format!("yields{}", listed(words)),
        Event::Returned(words) => format!("returns{}", listed(words)),
        Event::Halted => "halts".into(),
        Event::Trapped(trap) => format!("traps {trap}"),
        Event::OutOfGas(amount) => format!("out of gas {amount}"),
        Event::OutOfWords(amount) => format!("out of words {amount}"),
        Event::Stopped => "stopped".into(),
        Event::Destroyed => "destroyed".into(),
        Event::Request => match &seen.request {
            Some((host, words, keys)) => format!("requests {host}{} keys {keys}", listed(words)),
            None => "requests a host that is gone".into(),
        },
        other => format!("{other:?}"),
    }
}

fn image(name: &str, source: &str) -> Image<'static> {
    asm::assemble(source).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"))
}

/// The code of the root process.
pub(crate) fn code(image: &Image<'_>) -> Option<Code> {
    let mut image = image.clone();
    let code = root(&mut image)?.code;
    let body = &image.objects.iter().find(|object| object.number == code)?.body;
    match body {
        Body::Code(words) => Code::new(words.to_vec()).ok(),
        _ => None,
    }
}

/// The index of a label of the code outside any block: it is assembled once more with a constant of that value.
fn label(name: &str, source: &str, label: &str) -> u64 {
    let image = image(name, &format!("{source}\n.constant {label}\n"));
    let code = code(&image).expect("the root process has code");
    code.constants()[0]
}

/// Reads a file.
pub(crate) fn parse(name: &str, source: &str) -> Filetest {
    let image = image(name, source);
    let mut script = Vec::new();
    let mut steps = false;
    for (line, number) in source.lines().zip(1..) {
        let place = format!("{name}:{number}");
        if let Some(text) = line.strip_prefix(";!") {
            if text.trim() == "steps" {
                steps = true;
            } else {
                let act = act(text.trim()).unwrap_or_else(|what| panic!("{place}: {what}"));
                script.push(Line::Act(act));
            }
        } else if let Some(text) = line.strip_prefix(";=") {
            let label = |text: &str| label(name, source, text);
            let mut expected = expected(text.trim(), label).unwrap_or_else(|what| panic!("{place}: {what}"));
            expected.place = place;
            script.push(Line::Act(Act::Run(u64::MAX)));
            script.push(Line::Expect(Box::new(expected)));
        }
    }
    Filetest { name: name.to_owned(), image, script, steps }
}

fn act(text: &str) -> Result<Act, String> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(match verb {
        "gas" => Act::GasLimit(number(rest)?),
        "words" => Act::WordsLimit(number(rest)?),
        "message" => Act::Message(words(rest)?),
        "reply" => Act::Reply(Reply::words(words(rest)?)),
        "grant" => Act::Reply(Reply::words([]).with_keys(rest.split(' ').map(str::to_owned))),
        "refused" => Act::Reply(Reply::refused()),
        "severed" => Act::Reply(Reply::severed()),
        _ => return Err(format!("the host does not `{verb}`")),
    })
}

fn expected(text: &str, label: impl Fn(&str) -> u64) -> Result<Expected, String> {
    let mut items = text.split(',').map(str::trim);
    let event = items.next().unwrap_or("");
    let mut expected = Expected { event: canonical(event)?, ..Expected::default() };
    for item in items {
        let (name, value) = item.split_once(' ').unwrap_or((item, ""));
        match name {
            "at" if value.starts_with(':') => expected.at = Some(label(value)),
            "at" => expected.at = Some(number(value)?),
            "stack" => expected.stack = Some(words(value)?),
            "gas" => expected.gas = Some(number(value)?),
            "objects" => expected.objects = usize::try_from(number(value)?).ok(),
            _ => return Err(format!("no field `{name}`")),
        }
    }
    Ok(expected)
}

impl Expected {
    fn hold(&self, place: &str, seen: &Seen) {
        let mut image = seen.image();
        let gas = prime(&mut image).gas_used;
        let objects = image.objects.len();
        let process = root(&mut image);
        let found = (process.as_ref().map(|p| p.index), process.as_ref().map(|p| p.stack.to_vec()));
        let state = format!("{place}: root at {:?}, operands {:?}, gas {gas}", found.0, found.1);
        assert_eq!(written(seen), self.event, "{state}");
        if self.at.is_some() {
            assert_eq!(found.0, self.at, "{state}: the index");
        }
        if self.stack.is_some() {
            assert_eq!(found.1, self.stack, "{state}: the operands");
        }
        if let Some(expected) = self.gas {
            assert_eq!(gas, expected, "{state}: the gas");
        }
        if let Some(expected) = self.objects {
            assert_eq!(objects, expected, "{state}: the objects");
        }
    }
}

impl Filetest {
    fn acts(&self) -> Vec<Act> {
        self.script
            .iter()
            .filter_map(|line| match line {
                Line::Act(act) => Some(act.clone()),
                Line::Expect(_) => None,
            })
            .collect()
    }

    /// What it expects, in that order.
    pub(crate) fn expected(&self) -> impl Iterator<Item = &Expected> {
        self.script.iter().filter_map(|line| match line {
            Line::Act(_) => None,
            Line::Expect(expected) => Some(&**expected),
        })
    }

    /// Holds everything the file says on an engine.
    pub(crate) fn hold(&self, engine: &Engine) {
        let acts = self.acts();
        let whole = run_on(engine, &self.image, &acts, Cuts::None);
        assert!(!whole.is_empty(), "{}: nothing is expected", self.name);
        for (expected, seen) in self.expected().zip(&whole) {
            let place = format!("tests/vectors/{} on {engine:?}", expected.place);
            expected.hold(&place, seen);
        }
        let cut = run_on(engine, &self.image, &acts, Cuts::From(1));
        for ((expected, whole), cut) in self.expected().zip(&whole).zip(&cut) {
            let place = format!("tests/vectors/{} in slices on {engine:?}", expected.place);
            expected.hold(&place, cut);
            assert_eq!(cut.image(), whole.image(), "{place}: cuts show");
            assert_eq!(cut.hash, whole.hash, "{place}: cuts show in the state hash");
        }
        self.hold_hashes(engine);
        if self.steps {
            self.hold_drop_by_drop(engine, &whole);
        }
        if let Some(Seen { event: Event::Trapped(_), .. }) = whole.first() {
            self.hold_trap(engine, &whole[0]);
        }
    }

    /// Holds that the state hash is kept up, whatever changes: each kind of change has a program here.
    fn hold_hashes(&self, engine: &Engine) {
        for (expected, seen) in self.expected().zip(run_on(engine, &self.image, &self.acts(), Cuts::Hashed)) {
            let place = format!("tests/vectors/{} hashed at every pause on {engine:?}", expected.place);
            expected.hold(&place, &seen);
        }
    }

    /// What the host does before the machine first runs.
    fn acts_before(&self) -> Vec<Act> {
        self.acts().into_iter().take_while(|act| !matches!(act, Act::Run(_))).collect()
    }

    /// Holds that a trap of the root process has changed nothing, and that without its gas it is not reached.
    fn hold_trap(&self, engine: &Engine, trapped: &Seen) {
        let place = format!("tests/vectors/{} on {engine:?}", self.name);
        let mut image = trapped.image();
        let gas = prime(&mut image).gas_used;
        let index = root(&mut image).expect("the root lives").index;
        let run = |acts: &[Act]| {
            let mut all = self.acts_before();
            all.extend_from_slice(acts);
            run_on(engine, &self.image, &all, Cuts::None).pop().expect("it was run")
        };
        let before = run(&[Act::Run(gas)]);
        assert_eq!(before.event, Event::Paused, "{place}: before the trap");
        let (found, expected) = (as_running(trapped, &before), as_running(&before, &before));
        assert_same(&place, "the trap has changed something", &found, &expected);
        let again = run(&[Act::Run(u64::MAX), Act::Run(u64::MAX)]);
        assert_eq!(again.image(), trapped.image(), "{place}: trapping again has changed something");

        let word = code(&image).and_then(|code| code.normal().get(usize::try_from(index).ok()?).copied());
        let insn = word.and_then(Insn::decode).expect("an instruction trapped");
        let cost = insn.op.info().cost.base();
        let short = run(&[Act::GasLimit(gas + cost - 1), Act::Run(u64::MAX)]);
        assert_eq!(short.event, Event::OutOfGas(cost), "{place}: with one gas too few");
        let found = as_running(&short, &before);
        assert_same(&place, "running dry has changed something", &found, &expected);
    }

    /// Raises the gas limit one by one: the machine runs dry before every instruction, and goes on where it stopped.
    fn hold_drop_by_drop(&self, engine: &Engine, whole: &[Seen]) {
        let (Some(first), Some(expected)) = (whole.first(), self.expected().next()) else { return };
        let place = format!("tests/vectors/{} drop by drop on {engine:?}", expected.place);
        let mut image = first.image();
        let (used, limit) = (prime(&mut image).gas_used, prime(&mut image).gas_limit);
        let mut acts = self.acts_before();
        for gas in 0..used {
            acts.extend([Act::GasLimit(gas), Act::Run(u64::MAX)]);
        }
        acts.extend([Act::GasLimit(limit), Act::Run(u64::MAX)]);
        let mut seen = run_on(engine, &self.image, &acts, Cuts::None);
        let last = seen.pop().expect("something is run");
        for (dry, gas) in seen.iter().zip(0..used) {
            assert!(matches!(dry.event, Event::OutOfGas(_)), "{place}: {:?} with {gas} gas", dry.event);
        }
        expected.hold(&place, &last);
        assert_eq!(last.image(), first.image(), "{place}: running dry shows");
    }
}
