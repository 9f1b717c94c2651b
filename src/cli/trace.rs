//! Where a run stands: the places of its instructions in the text or in the code, and who called whom.

use super::input::Text;
use super::text::{count, printable};
use keyvm::asm::Disassembly;
use keyvm::entish;
use keyvm::isa::decode::operands;
use keyvm::isa::image::{Body, Call, Image, Number, Process};
use keyvm::isa::{ImmKind, Insn, Op, Status, Trap};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::iter;

/// Of the processes that control is in and the subroutine calls in them, so many are shown, half of them the innermost,
/// half the outermost. Calls from one place that are open one in another are shown as one.
const SHOWN_CALLS: usize = 32;
/// Of the operands, so many are shown, the topmost.
const SHOWN_OPERANDS: usize = 8;
/// Of the other processes that have trapped, so many are shown.
const SHOWN_TRAPPED: usize = 3;
/// So much of a line of the text is shown.
const SHOWN_CHARACTERS: usize = 100;

/// What is known of a run besides its image.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The texts that the image was made of.
    pub(super) texts: &'a [Text],
    /// The arguments of the program.
    pub(super) args: &'a [String],
}

/// What is said of a trap of the root process.
pub(super) fn trapped(trap: Trap, image: &Image<'_>, known: Known<'_>) -> String {
    let mut tracer = Tracer::new(image, known);
    let root = tracer.find(image.root);
    let insn = root.and_then(|root| tracer.page(root.code)?.decoded(root.index));
    let failure = root.filter(|_| trap == Trap::Failed).and_then(|root| tracer.failure(root));
    let meaning = failure.unwrap_or_else(|| meaning(trap, insn));
    tracer.line(format_args!("trap {trap} ({}): {meaning}", trap.number()));
    let way = tracer.way_to_the_culprit(image.root);
    let stops: Vec<_> = match way.split_last() {
        Some((&culprit, callers @ [_, ..])) => iter::once((Stop::Culprit, culprit))
            .chain(callers.iter().rev().map(|&caller| (Stop::CalledBy, caller)))
            .collect(),
        _ => vec![(Stop::Innermost, image.root)],
    };
    tracer.backtrace(&stops);
    tracer.others_that_trapped(&way);
    tracer.out.trim_end().to_owned()
}

/// What a trap of an instruction means: the specification's words, or more closely what was wrong.
fn meaning(trap: Trap, insn: Option<Insn>) -> String {
    let general = Trap::ALL.iter().find(|row| row.0 == trap).map_or("", |row| row.2.trim());
    let Some(Insn { op, imms }) = insn else {
        return general.to_owned();
    };
    let name = op.info().mnemonic;
    match (trap, op) {
        (Trap::StackUnderflow, _) => {
            let reaches = op.info().imms.iter().any(|imm| imm.kind == ImmKind::Slot);
            match operands(op, &imms).filter(|&needed| needed > 0 && !reaches) {
                Some(needed) => {
                    format!("{general} This `{name}` needs {}.", count(needed, "operand", "operands"))
                }
                None => general.to_owned(),
            }
        }
        (Trap::BadTarget, Op::Call | Op::Tailcall) => "A call of something that is no subroutine.".to_owned(),
        (Trap::BadTarget, Op::Callto | Op::Calltable | Op::Tailcallto | Op::Tailcalltable) => {
            "A call of something that is no subroutine of the named type.".to_owned()
        }
        (Trap::BadTarget, _) => "A jump past the end of the code.".to_owned(),
        _ => general.to_owned(),
    }
}

/// Where control is: the running process, and those that wait for it, a line each.
pub(super) fn trace(image: &Image<'_>, known: Known<'_>) -> String {
    let mut tracer = Tracer::new(image, known);
    tracer.chain();
    tracer.out
}

/// What a process has to do with the one before.
#[derive(Clone, Copy)]
enum Stop {
    Innermost,
    /// It is the innermost, and did not return.
    Culprit,
    CalledBy,
    KeeperOf,
    /// It trapped, before.
    Trapped(Trap),
}

/// Of a backtrace: a process, or the calls of subroutines from one place that are open one in another.
#[derive(Clone, Copy)]
enum Entry {
    Process(Stop, Number),
    Calls { code: Number, index: u64, times: usize },
}

impl Entry {
    /// How many lines it would have if each call had one.
    const fn calls(&self) -> usize {
        match self {
            Self::Process(..) => 1,
            Self::Calls { times, .. } => *times,
        }
    }
}

struct Tracer<'i, 'a> {
    image: &'i Image<'a>,
    known: Known<'i>,
    /// Code pages that have been looked at.
    pages: BTreeMap<Number, Option<Disassembly>>,
    out: String,
}

impl<'i, 'a> Tracer<'i, 'a> {
    const fn new(image: &'i Image<'a>, known: Known<'i>) -> Self {
        Self { image, known, pages: BTreeMap::new(), out: String::new() }
    }

    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.out, "{line}");
    }

    fn find(&self, number: Number) -> Option<&'i Process<'a>> {
        match &self.image.object(number)?.body {
            Body::Process(process) => Some(process),
            _ => None,
        }
    }

    /// The processes that control is in, the innermost first.
    fn chain(&mut self) {
        let mut stop = Stop::Innermost;
        let mut stops = Vec::new();
        for link in self.image.chain.iter().rev() {
            stops.push((stop, link.process));
            stop = if link.call == Call::Keeper { Stop::KeeperOf } else { Stop::CalledBy };
        }
        if stops.is_empty() && self.find(self.image.root).is_some() {
            stops.push((stop, self.image.root));
        }
        self.backtrace(&stops);
    }

    /// Where processes stand and the subroutine calls in them, without the middle if they are many.
    fn backtrace(&mut self, stops: &[(Stop, Number)]) {
        let mut entries = Vec::new();
        for &(stop, number) in stops {
            let process = self.find(number);
            entries.push(Entry::Process(stop, number));
            for frame in process.iter().flat_map(|process| process.frames.iter().rev()) {
                let code = process.map_or(0, |process| process.code);
                let index = u64::from(frame.return_index).saturating_sub(1);
                match entries.last_mut() {
                    Some(Entry::Calls { code: last, index: at, times }) if (*last, *at) == (code, index) => {
                        *times += 1;
                    }
                    _ => entries.push(Entry::Calls { code, index, times: 1 }),
                }
            }
        }
        let half = SHOWN_CALLS / 2;
        let hidden = if entries.len() > SHOWN_CALLS { half..entries.len() - half } else { 0..0 };
        for (at, &entry) in entries.iter().enumerate() {
            match entry {
                _ if at == hidden.start && !hidden.is_empty() => {
                    let calls: usize = entries[hidden.clone()].iter().map(Entry::calls).sum();
                    self.line(format_args!("    … {calls} calls more …"));
                }
                _ if hidden.contains(&at) => {}
                Entry::Process(stop, number) => self.process(stop, number, self.find(number)),
                Entry::Calls { code, index, times } => {
                    let place = self.instruction("", code, index);
                    self.line(format_args!("    called from {place}"));
                    if times > 1 {
                        let times = count(times as u64 - 1, "time", "times");
                        self.line(format_args!("    … and from there {times} more"));
                    }
                }
            }
        }
    }

    /// Where a process stands.
    fn process(&mut self, stop: Stop, number: Number, process: Option<&Process<'_>>) {
        let name = match self.image.debug.name(number) {
            Some(name) => format!("process {number} ({})", printable(name)),
            None => format!("process {number}"),
        };
        let name = match stop {
            Stop::Innermost => name,
            Stop::Culprit => {
                let end = process.map_or_else(String::new, |process| self.end(process));
                format!("{name}{end}")
            }
            Stop::CalledBy => format!("called by {name}"),
            Stop::KeeperOf => format!("as keeper of {name}"),
            Stop::Trapped(trap) => {
                let meaning = process.map_or_else(String::new, |process| self.meaning_in_brackets(process));
                format!("before: {name} trapped, {trap}{meaning}")
            }
        };
        let Some(process) = process else {
            return self.line(format_args!("  {name}, which is gone"));
        };
        // Who waits for a process or the host stands behind the instruction that called it.
        let behind = u64::from(process.callee != 0 || process.status == Status::Pending);
        let index = process.index.saturating_sub(behind);
        let at = self.instruction("in ", process.code, index);
        self.line(format_args!("  {name}, {at}"));
        if let Stop::Innermost | Stop::Culprit = stop {
            if let Some(line) = self.source_line(process.code, index) {
                self.line(format_args!("      {line}"));
            }
            self.line(format_args!("  {}", stack_text(&process.stack)));
        }
    }

    /// How a process ended that did not return.
    fn end(&self, process: &Process<'_>) -> String {
        match (process.status, process.trap) {
            (Status::Trapped, Some(trap)) => {
                format!(" trapped, {trap}{}", self.meaning_in_brackets(process))
            }
            (Status::OutOfGas, _) => " ran out of gas".to_owned(),
            (Status::OutOfWords, _) => " ran out of words".to_owned(),
            (Status::Halted, _) => " halted".to_owned(),
            (Status::Yielded, _) => " yielded".to_owned(),
            (Status::Stopped, _) => " was stopped".to_owned(),
            _ => String::new(),
        }
    }

    /// What a program in the language means by the `fail` at which a process stands, if it does.
    fn meaning_in_brackets(&self, process: &Process<'_>) -> String {
        let failure = process.trap.filter(|&trap| trap == Trap::Failed).and_then(|_| self.failure(process));
        failure.map_or_else(String::new, |failure| format!(" ({failure})"))
    }

    /// A process, the callee whose failure made it trap or for which it waits, the one for which that did, and so on.
    fn way_to_the_culprit(&self, from: Number) -> Vec<Number> {
        let mut way = vec![from];
        // An image may have processes that wait in a circle.
        let mut seen = BTreeSet::from([from]);
        let mut next = self.failed_callee(from);
        while let Some(callee) = next.filter(|&callee| seen.insert(callee)) {
            way.push(callee);
            next = self.failed_callee(callee);
        }
        way
    }

    fn failed_callee(&self, caller: Number) -> Option<Number> {
        let process = self.find(caller)?;
        let callee = if process.callee != 0 {
            process.callee
        } else {
            process.trap.filter(|&trap| trap == Trap::Failed)?;
            self.failure(process)?;
            let slot = usize::try_from(entish::failed_call(&process.stack)?).ok()?;
            process.keys.get(slot)?.as_ref()?.object
        };
        self.find(callee).map(|_| callee)
    }

    /// The processes that have trapped and are not on the way to the culprit, the latest first: why may be found there.
    fn others_that_trapped(&mut self, way: &[Number]) {
        let way: BTreeSet<_> = way.iter().collect();
        let others = self.image.objects.iter().rev().filter_map(|object| match &object.body {
            Body::Process(process) if !way.contains(&object.number) => {
                process.trap.map(|trap| (Stop::Trapped(trap), object.number))
            }
            _ => None,
        });
        let others: Vec<_> = others.collect();
        for &other in others.iter().take(SHOWN_TRAPPED) {
            self.backtrace(&[other]);
        }
        if others.len() > SHOWN_TRAPPED {
            self.line(format_args!("  and {} others", others.len() - SHOWN_TRAPPED));
        }
    }

    /// A code page, taken apart.
    fn page(&mut self, code: Number) -> Option<&Disassembly> {
        let image = self.image;
        let page = self.pages.entry(code).or_insert_with(|| match &image.object(code)?.body {
            Body::Code(words) => {
                let names = image.code_debug(code).into_iter().flat_map(|debug| debug.names());
                Disassembly::with_names(
                    words,
                    names.map(|name| (u64::from(name.index), printable(name.name))),
                )
            }
            _ => None,
        });
        page.as_ref()
    }

    /// An instruction and where it is; before the name of what it is in comes `within`.
    fn instruction(&mut self, within: &str, code: Number, index: u64) -> String {
        let place = self.source_place(within, code, index);
        let Some(page) = self.page(code) else {
            return format!("index {index} of code that is gone");
        };
        let Some(instruction) = page.instruction(index) else {
            return format!("index {index}: the end of the code");
        };
        match (place, page.func(index)) {
            (Some(place), _) => format!("{place}, index {index}: {instruction}"),
            (None, Some((func, 0))) => format!("index {index}: {instruction}, in {func}"),
            (None, Some((func, behind))) => format!("index {index}: {instruction}, in {func}+{behind}"),
            (None, None) => format!("index {index}: {instruction}"),
        }
    }

    /// The place of an instruction in the text.
    fn source_place(&self, within: &str, code: Number, index: u64) -> Option<String> {
        let debug = self.image.code_debug(code)?;
        let name = debug.near(index).map(|near| format!("{within}{}", printable(near.name)));
        let place = debug.place(index).map(|place| printable(&place.to_string()));
        match (name, place) {
            (Some(name), Some(place)) => Some(format!("{name} at {place}")),
            (None, Some(place)) if within.is_empty() => Some(place),
            (None, Some(place)) => Some(format!("at {place}")),
            (name, None) => name,
        }
    }

    /// What a program in the language means by the `fail` at which a process stands.
    fn failure(&self, process: &Process<'_>) -> Option<String> {
        let place = self.image.code_debug(process.code)?.place(process.index)?;
        let failure = place
            .file
            .ends_with(".et")
            .then(|| entish::failure(&process.stack, &process.data, self.known.args));
        failure?.map(|failure| printable(&failure))
    }

    /// The line of the text that an instruction stands in.
    fn source_line(&self, code: Number, index: u64) -> Option<String> {
        let place = self.image.code_debug(code)?.place(index)?;
        let text = self.known.texts.iter().find(|text| text.name == place.file)?;
        let line = text.text.lines().nth(usize::try_from(place.line - 1).ok()?)?.trim();
        let shown: String = line.chars().take(SHOWN_CHARACTERS).collect();
        let more = if shown.len() < line.len() { " …" } else { "" };
        Some(format!("{}{more}", printable(&shown)))
    }
}

/// The operands as people are shown them: the last few, the top at the end.
fn stack_text(stack: &[u64]) -> String {
    let hidden = stack.len().saturating_sub(SHOWN_OPERANDS);
    let shown: Vec<_> = stack[hidden..].iter().map(|&operand| shown(operand)).collect();
    let before = if hidden > 0 { format!("{hidden} more, ") } else { String::new() };
    match stack.len() {
        0 => "no operands".to_owned(),
        _ => format!("operands, the top last: {before}{}", shown.join(", ")),
    }
}

/// An operand; one with the top bit set as a signed number too.
fn shown(operand: u64) -> String {
    match operand.cast_signed() {
        signed @ ..0 => format!("{operand} ({signed})"),
        _ => operand.to_string(),
    }
}
