//! Where a run stands: the places of its instructions in the text or in the code, and who called whom.

use super::input::Text;
use super::text::{count, printable};
use keyvm::asm::Disassembly;
use keyvm::entish;
use keyvm::isa::debug::Place;
use keyvm::isa::decode::operands;
use keyvm::isa::image::{Body, Call, Image, Number, Process};
use keyvm::isa::layout::MEMORY_DATA;
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
/// Calls that come again and again are told once if they are so many in turn at most.
const ROUND_MAX: usize = 8;
/// If more calls than these are within the library, they come first.
const LIBRARY_CALLS_MAX: usize = 32;
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
    let failure = root.and_then(|root| tracer.failure(trap, root));
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

/// A place in a code page.
#[derive(Clone, Copy, PartialEq, Eq)]
struct At {
    code: Number,
    index: u64,
}

/// Of a backtrace.
enum Entry {
    /// A process, and where it is shown to stand.
    Process(Stop, Number, u64),
    /// Further in, within the library.
    Within(At),
    /// Calls of subroutines that are open one in another, the innermost first, and how often they are in turn.
    Calls(Vec<At>, usize),
}

impl Entry {
    /// How many lines it would have if each call had one.
    const fn calls(&self) -> usize {
        match self {
            Self::Process(..) | Self::Within(_) => 1,
            Self::Calls(calls, times) => calls.len() * *times,
        }
    }
}

/// The calls with those that come again and again told once.
fn folded(calls: &[At]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < calls.len() {
        let rest = &calls[at..];
        let (round, times) = (1..=ROUND_MAX.min(rest.len()))
            .map(|round| (round, rest.chunks(round).take_while(|&chunk| chunk == &rest[..round]).count()))
            .find(|&(round, times)| times > 1 && (round == 1 || times * round > round + 1))
            .unwrap_or((1, 1));
        entries.push(Entry::Calls(rest[..round].to_vec(), times));
        at += round * times;
    }
    entries
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
            let Some(process) = self.find(number) else {
                entries.push(Entry::Process(stop, number, 0));
                continue;
            };
            let mut places = vec![At { code: process.code, index: standing(process) }];
            places.extend(process.frames.iter().rev().map(|frame| At {
                code: process.code,
                index: u64::from(frame.return_index).saturating_sub(1),
            }));
            // What people wrote comes first, then what it called in the library.
            let within =
                places.iter().take(LIBRARY_CALLS_MAX).take_while(|&&at| self.is_in_library(at)).count();
            let within = if within < places.len() && within < LIBRARY_CALLS_MAX { within } else { 0 };
            if within + 1 < places.len()
                && places.last().is_some_and(|&outermost| self.is_beginning(outermost))
            {
                places.pop();
            }
            entries.push(Entry::Process(stop, number, places[within].index));
            entries.extend(places[..within].iter().rev().copied().map(Entry::Within));
            entries.extend(folded(&places[within + 1..]));
        }
        let half = SHOWN_CALLS / 2;
        let hidden = if entries.len() > SHOWN_CALLS { half..entries.len() - half } else { 0..0 };
        for (at, entry) in entries.iter().enumerate() {
            match entry {
                _ if at == hidden.start && !hidden.is_empty() => {
                    let calls: usize = entries[hidden.clone()].iter().map(Entry::calls).sum();
                    self.line(format_args!("    … {calls} calls more …"));
                }
                _ if hidden.contains(&at) => {}
                &Entry::Process(stop, number, index) => self.process(stop, number, index),
                &Entry::Within(at) => {
                    let place = self.instruction("", at);
                    self.line(format_args!("    then in {place}"));
                }
                Entry::Calls(calls, times) => {
                    for &call in calls {
                        let place = self.instruction("", call);
                        self.line(format_args!("    called from {place}"));
                    }
                    if *times > 1 {
                        let these = match calls.len() {
                            1 => "from there".to_owned(),
                            many => format!("these {many}"),
                        };
                        let times = count(*times as u64 - 1, "time", "times");
                        self.line(format_args!("    … and {these} {times} more"));
                    }
                }
            }
        }
    }

    /// Where a process stands.
    fn process(&mut self, stop: Stop, number: Number, index: u64) {
        let process = self.find(number);
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
        let at = At { code: process.code, index };
        if self.has_not_begun(at) {
            return self.line(format_args!("  {name}, before its first statement"));
        }
        let place = self.instruction("in ", at);
        self.line(format_args!("  {name}, {place}"));
        if let Stop::Innermost | Stop::Culprit = stop {
            if let Some(line) = self.source_line(at) {
                self.line(format_args!("      {line}"));
            }
            if !self.is_program(at) {
                self.line(format_args!("  {}", stack_text(&process.stack)));
            }
        }
    }

    /// How a process ended that did not return.
    fn end(&mut self, process: &Process<'_>) -> String {
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

    /// What went wrong in words of the language, if a process of it has trapped and there are such.
    fn meaning_in_brackets(&mut self, process: &Process<'_>) -> String {
        let failure = process.trap.and_then(|trap| self.failure(trap, process));
        failure.map_or_else(String::new, |failure| format!(" ({failure})"))
    }

    /// A process, the callee whose failure made it trap or for which it waits, the one for which that did, and so on.
    fn way_to_the_culprit(&mut self, from: Number) -> Vec<Number> {
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

    fn failed_callee(&mut self, caller: Number) -> Option<Number> {
        let process = self.find(caller)?;
        let callee = if process.callee != 0 {
            process.callee
        } else {
            self.failure(process.trap.filter(|&trap| trap == Trap::Failed)?, process)?;
            let slot = usize::try_from(entish::failed_call(&process.stack)?).ok()?;
            process.keys.get(slot)?.as_ref()?.object
        };
        self.find(callee).map(|_| callee)
    }

    /// The processes that have trapped and are not on the way to the culprit, the latest first: why may be found there. Of a
    /// program in the language only those of jobs that it had at hand, if it is about such: it has gone on after all others.
    fn others_that_trapped(&mut self, way: &[Number]) {
        let at_hand = way.last().and_then(|&culprit| self.jobs_at_hand(culprit));
        let way: BTreeSet<_> = way.iter().collect();
        let others = self.image.objects.iter().rev().filter_map(|object| match &object.body {
            Body::Process(process)
                if !way.contains(&object.number)
                    && at_hand.as_ref().is_none_or(|jobs| jobs.contains(&object.number)) =>
            {
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

    /// The processes of the jobs that a program in the language had at hand when it trapped, if it is one.
    fn jobs_at_hand(&self, culprit: Number) -> Option<BTreeSet<Number>> {
        let process = self.find(culprit)?;
        if !self.is_program(At { code: process.code, index: process.index }) {
            return None;
        }
        let failed = process.trap == Some(Trap::Failed);
        let slots = if failed { entish::jobs_at_hand(&process.stack, &process.data) } else { Vec::new() };
        let key = |slot| process.keys.get(usize::try_from(slot).ok()?)?.as_ref().map(|key| key.object);
        Some(slots.into_iter().filter_map(key).collect())
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

    /// An instruction and where it is, or in a program only where it is; before the name of what it is in comes `within`.
    fn instruction(&mut self, within: &str, at: At) -> String {
        let place = self.source_place(within, at);
        let index = at.index;
        if let Some(place) = &place
            && self.is_program(at)
        {
            return place.clone();
        }
        let Some(page) = self.page(at.code) else {
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
    fn source_place(&self, within: &str, at: At) -> Option<String> {
        let debug = self.image.code_debug(at.code)?;
        let name = debug.near(at.index).map(|near| format!("{within}{}", printable(near.name)));
        let place = debug.place(at.index).map(|place| printable(&place.to_string()));
        match (name, place) {
            (Some(name), Some(place)) => Some(format!("{name} at {place}")),
            (None, Some(place)) if within.is_empty() => Some(place),
            (None, Some(place)) => Some(format!("at {place}")),
            (name, None) => name,
        }
    }

    fn place(&self, at: At) -> Option<Place<'_>> {
        self.image.code_debug(at.code)?.place(at.index)
    }

    /// Whether an instruction comes from the text of a program in the language.
    fn is_program(&self, at: At) -> bool {
        self.place(at).is_some_and(|place| place.file.ends_with(".et"))
    }

    fn is_in_library(&self, at: At) -> bool {
        self.place(at).is_some_and(|place| entish::is_in_library(place.file))
    }

    /// Whether this is where the compiler has a process begin, before what people wrote.
    fn is_beginning(&self, at: At) -> bool {
        let name = || self.image.code_debug(at.code).and_then(|debug| debug.near(at.index));
        self.is_program(at) && name().is_none_or(|name| entish::is_entry(name.name))
    }

    /// Whether this is where all processes of a program begin, before it is looked up what they are to call.
    fn has_not_begun(&self, at: At) -> bool {
        self.is_program(at)
            && self.image.code_debug(at.code).is_some_and(|debug| debug.near(at.index).is_none())
    }

    /// What went wrong when a process trapped, in words of the language, if it is of a program in it and there are such words.
    fn failure(&mut self, trap: Trap, process: &Process<'_>) -> Option<String> {
        let at = At { code: process.code, index: process.index };
        if !self.is_program(at) {
            return None;
        }
        let failure = match trap {
            Trap::Failed => entish::failure(&process.stack, &process.data, self.known.args),
            Trap::OutOfBounds => self.is_of_none(at, process).then(|| entish::OF_NONE.to_owned()),
            Trap::StackOverflow | Trap::FrameOverflow => Some(entish::TOO_DEEP.to_owned()),
            _ => None,
        };
        failure.map(|failure| printable(&failure))
    }

    /// Whether a process stands before an access to a part of what is `none`.
    fn is_of_none(&mut self, at: At, process: &Process<'_>) -> bool {
        let Some(Insn { op, imms }) = self.page(at.code).and_then(|page| page.decoded(at.index)) else {
            return false;
        };
        let mut given = op.info().imms.iter().zip(imms);
        let reaches_data =
            given.any(|(imm, value)| imm.kind == ImmKind::Memory && value == i64::from(MEMORY_DATA));
        let operands = operands(op, &imms).and_then(|pops| usize::try_from(pops).ok());
        let first = operands.and_then(|operands| process.stack.len().checked_sub(operands));
        let address = first.and_then(|first| process.stack.get(first));
        reaches_data && address.is_some_and(|&address| entish::is_part_of_none(address))
    }

    /// The line of the text that an instruction stands in.
    fn source_line(&self, at: At) -> Option<String> {
        let place = self.place(at)?;
        let text = self.known.texts.iter().find(|text| text.name == place.file)?;
        let line = text.text.lines().nth(usize::try_from(place.line - 1).ok()?)?.trim();
        let shown: String = line.chars().take(SHOWN_CHARACTERS).collect();
        let more = if shown.len() < line.len() { " …" } else { "" };
        Some(format!("{}{more}", printable(&shown)))
    }
}

/// The index that a process stands at. Who waits for a process or the host stands behind the instruction that called it.
fn standing(process: &Process<'_>) -> u64 {
    let behind = u64::from(process.callee != 0 || process.status == Status::Pending);
    process.index.saturating_sub(behind)
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
