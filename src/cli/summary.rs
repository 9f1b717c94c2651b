//! What is told about a run that has ended: the line of JSON, and the message for people.

use super::exit::Exit;
use keyvm::isa::image::{Body, Image, Number, Process};
use keyvm::isa::{Insn, Trap};
use keyvm::{Event, Machine};
use serde::Serialize;
use std::fmt::Write;

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The machine came back with this.
    Event(Event),
    /// The root process has yielded as often as it may.
    YieldLimit,
    /// The standard output takes nothing more.
    OutputFailed,
}

impl Ending {
    /// The exit, if nothing else goes wrong.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Event(event) => match event {
                Event::Returned(_) | Event::Halted => Exit::Done,
                Event::Trapped(_) => Exit::Trapped,
                Event::OutOfGas(_) => Exit::OutOfGas,
                Event::OutOfWords(_) => Exit::OutOfWords,
                Event::Paused => Exit::Paused,
                Event::Interrupted => Exit::Interrupted,
                _ => Exit::Stopped,
            },
            Self::YieldLimit => Exit::YieldLimit,
            Self::OutputFailed => Exit::ClosedOutput,
        }
    }

    /// The name in the line of JSON.
    const fn name(&self) -> &'static str {
        match self {
            Self::Event(event) => match event {
                Event::Returned(_) => "returned",
                Event::Halted => "halted",
                Event::Trapped(_) => "trapped",
                Event::OutOfGas(_) => "out_of_gas",
                Event::OutOfWords(_) => "out_of_words",
                Event::Paused => "paused",
                Event::Interrupted => "interrupted",
                Event::Destroyed => "destroyed",
                _ => "stopped",
            },
            Self::YieldLimit => "yield_limit",
            Self::OutputFailed => "interrupted",
        }
    }
}

/// The line of JSON. The order of the fields is part of the interface.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    status: &'static str,
    trap: Option<&'static str>,
    gas_used: u64,
    gas_left: u64,
    words_used: u64,
    words_left: u64,
    instructions: u64,
    processes: usize,
    yields: u64,
    state_hash: String,
    engine: &'static str,
}

impl Summary {
    /// What there is to say.
    pub(super) fn new(ending: &Ending, machine: &mut Machine, yields: u64) -> Self {
        let trap = match ending {
            Ending::Event(Event::Trapped(trap)) => Some(trap.name()),
            _ => None,
        };
        let budget = machine.budget();
        let image = machine.image();
        let is_process = |body: &Body<'_>| matches!(body, Body::Process(_));
        Self {
            status: ending.name(),
            trap,
            gas_used: budget.gas_used,
            gas_left: budget.gas_left(),
            words_used: budget.words_used,
            words_left: budget.words_left(),
            processes: image.objects.iter().filter(|object| is_process(&object.body)).count(),
            instructions: machine.instructions(),
            yields,
            state_hash: machine.state_hash().to_string(),
            engine: "interp",
        }
    }

    /// The line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What people are told, if the run did not simply end. `saved` is where its image is, `again` the arguments and grants
/// to give once more, as a command line has them.
pub(super) fn explain(
    ending: &Ending,
    machine: &mut Machine,
    saved: Option<&str>,
    again: &str,
) -> Option<String> {
    let file = saved.unwrap_or("IMAGE");
    let go_on = |options: &str| match saved {
        Some(file) => format!("go on with: keyvm resume {file}{again}{options}"),
        None => "nothing was saved; to go on from here next time, add --snapshot OUT.blob".to_owned(),
    };
    let event = match ending {
        Ending::Event(event) => event,
        Ending::YieldLimit => return Some(format!("stopped at --max-yields; {}", go_on(""))),
        Ending::OutputFailed => return None,
    };
    let budget = machine.budget();
    Some(match event {
        Event::Trapped(trap) => trapped(*trap, machine),
        Event::OutOfGas(need) => {
            let used = format!("out of gas after {}, at {}", budget.gas_used, place(machine));
            let needs = format!("the next instruction needs {need} at least");
            if budget.gas_left() < *need {
                let raise = format!(" --gas {}", budget.gas_used.max(1_000_000));
                let rerun =
                    if saved.is_some() { String::new() } else { "; or run it again with more --gas".into() };
                format!("{used}: {needs} and {} is left\n{}{rerun}", budget.gas_left(), go_on(&raise))
            } else {
                format!(
                    "{used}: {needs}, and a meter inside the image has less left (or its rent is used up)\n\
                     --gas does not change that meter; see: keyvm inspect {file}"
                )
            }
        }
        Event::OutOfWords(need) => {
            let used = format!("out of words with {} in use, at {}", budget.words_used, place(machine));
            let needs = format!("the next instruction needs {need} more");
            if budget.words_left() < *need {
                let raise = format!(" --words {}", need.saturating_mul(2).max(1_000_000));
                let rerun = if saved.is_some() {
                    String::new()
                } else {
                    "; or run it again with more --words".into()
                };
                format!("{used}: {needs} and {} are left\n{}{rerun}", budget.words_left(), go_on(&raise))
            } else {
                format!(
                    "{used}: {needs}, and a meter inside the image has fewer left\n\
                     --words does not change that meter; see: keyvm inspect {file}"
                )
            }
        }
        Event::Paused if machine.total_gas() == 0 => {
            format!(
                "paused before the first instruction: it costs more than the slice\n{}",
                go_on(" --slice N")
            )
        }
        Event::Paused => format!("paused after {} gas\n{}", machine.total_gas(), go_on("")),
        Event::Interrupted => format!("interrupted at {}\n{}", place(machine), go_on("")),
        Event::Stopped => {
            "the root process, or a meter it runs under, is stopped: nothing in the image can go on".into()
        }
        Event::Destroyed => {
            "the root process, its code or its meter is destroyed: nothing can run here again".into()
        }
        _ => return None,
    })
}

/// The process that stands nearest to the host's call: the last of the chain, else the root.
fn current<'i, 'a>(image: &'i Image<'a>) -> Option<(Number, &'i Process<'a>)> {
    let number = image.chain.last().map_or(image.root, |link| link.process);
    process(image, number).map(|process| (number, process))
}

fn process<'i, 'a>(image: &'i Image<'a>, number: Number) -> Option<&'i Process<'a>> {
    match body(image, number)? {
        Body::Process(process) => Some(process),
        _ => None,
    }
}

fn body<'i, 'a>(image: &'i Image<'a>, number: Number) -> Option<&'i Body<'a>> {
    let at = image.objects.binary_search_by_key(&number, |object| object.number).ok()?;
    image.objects.get(at).map(|object| &object.body)
}

/// Where control is.
fn place(machine: &mut Machine) -> String {
    let image = machine.image();
    match current(&image) {
        Some((number, process)) => format!("index {} of process {number}", process.index),
        None => "a process that is gone".to_owned(),
    }
}

/// What is said of a trap of the root process.
fn trapped(trap: Trap, machine: &mut Machine) -> String {
    let meaning = Trap::ALL.iter().find(|row| row.0 == trap).map_or("", |row| row.2.trim());
    let image = machine.image();
    let mut text = format!("trap {trap} ({}): {}", trap.number(), meaning);
    let Some(process) = process(&image, image.root) else {
        return text;
    };
    let word = match body(&image, process.code) {
        Some(Body::Code(words)) => usize::try_from(process.index).ok().and_then(|at| words.get(at).copied()),
        _ => None,
    };
    // Writing into a string does not fail.
    let _ = write!(text, "\n  process {}, index {}", image.root, process.index);
    if let Some(word) = word {
        let _ = write!(text, ": {}", instruction(word));
    }
    let _ = write!(text, "\n  {}", operands(&process.stack));
    text
}

/// The operands as people are shown them: the last few, the top at the end.
fn operands(stack: &[u64]) -> String {
    const SHOWN: usize = 8;
    let hidden = stack.len().saturating_sub(SHOWN);
    let shown: Vec<_> = stack[hidden..].iter().map(u64::to_string).collect();
    let before = if hidden > 0 { format!("{} more, ", hidden) } else { String::new() };
    match stack.len() {
        0 => "no operands".to_owned(),
        _ => format!("operands, the top last: {before}{}", shown.join(", ")),
    }
}

/// An instruction as it would be written.
fn instruction(word: u64) -> String {
    let Some(insn) = Insn::decode(word) else {
        return format!(".word {word:#x}");
    };
    let info = insn.op.info();
    let immediates: Vec<_> = insn.imms.iter().take(info.imms.len()).map(i64::to_string).collect();
    format!("{} {}", info.mnemonic, immediates.join(", ")).trim_end().to_owned()
}
