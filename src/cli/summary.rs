//! What is told about a run that has ended: the line of JSON, and the message for people.

use super::exit::Exit;
use super::stats::Stats;
use super::trace::{Known, trace, trapped};
use keyvm::isa::Status;
use keyvm::isa::image::Body;
use keyvm::{Event, Machine};
use serde::Serialize;

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
                Event::NotCalled(_) => "not_called",
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
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

impl Summary {
    /// What there is to say.
    pub(super) fn new(
        ending: &Ending,
        machine: &mut Machine,
        yields: u64,
        engine: &'static str,
        stats: Option<Stats>,
    ) -> Self {
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
            engine,
            stats,
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
    known: Known<'_>,
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
        Event::Trapped(trap) => trapped(*trap, &machine.image(), known),
        Event::OutOfGas(need) => {
            let used = format!("out of gas after {}", budget.gas_used);
            let place = trace(&machine.image(), known);
            let needs = format!("the next instruction needs {need} at least");
            if budget.gas_left() < *need {
                let raise = format!(" --gas {}", budget.gas_used.max(1_000_000));
                let rerun =
                    if saved.is_some() { String::new() } else { "; or run it again with more --gas".into() };
                format!("{used}: {needs} and {} is left\n{place}{}{rerun}", budget.gas_left(), go_on(&raise))
            } else {
                format!(
                    "{used}: {needs}, and a meter inside the image has less left (or its rent is used up)\n{place}\
                     --gas does not change that meter; see: keyvm inspect {file}"
                )
            }
        }
        Event::OutOfWords(need) => {
            let used = format!("out of words with {} in use", budget.words_used);
            let place = trace(&machine.image(), known);
            let needs = format!("the next instruction needs {need} more");
            if budget.words_left() < *need {
                let raise = format!(" --words {}", need.saturating_mul(2).max(1_000_000));
                let rerun = if saved.is_some() {
                    String::new()
                } else {
                    "; or run it again with more --words".into()
                };
                format!(
                    "{used}: {needs} and {} are left\n{place}{}{rerun}",
                    budget.words_left(),
                    go_on(&raise)
                )
            } else {
                format!(
                    "{used}: {needs}, and a meter inside the image has fewer left\n{place}\
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
        Event::Interrupted => {
            format!(
                "interrupted after {} gas\n{}{}",
                machine.total_gas(),
                trace(&machine.image(), known),
                go_on("")
            )
        }
        Event::Stopped => {
            "the root process, or a meter it runs under, is stopped: nothing in the image can go on".into()
        }
        Event::Destroyed => {
            "the root process, its code or its meter is destroyed: nothing can run here again".into()
        }
        Event::NotCalled(Status::NoMeter) => {
            "the root process cannot be called: it does not stand, so it has no meter to run under".into()
        }
        Event::NotCalled(Status::Full) => {
            "the root process cannot be called: its stack has no room for a message".into()
        }
        Event::NotCalled(status) => format!("the root process cannot be called: {status}"),
        _ => return None,
    })
}
