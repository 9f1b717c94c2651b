//! Where a run stands: the places of its instructions in the text or in the code, and who called whom.

use super::input::Origin;
use super::text::{count, printable};
use keyvm::asm::Disassembly;
use keyvm::isa::decode::operands;
use keyvm::isa::image::{Body, Call, Image, Number, Process};
use keyvm::isa::{ImmKind, Insn, Op, Status, Trap};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Of the calls of processes, and of the subroutine calls in one, so many are shown, the innermost.
const SHOWN_CALLS: usize = 4;
/// Of the operands, so many are shown, the topmost.
const SHOWN_OPERANDS: usize = 8;
/// Of the other processes that have trapped, so many are shown.
const SHOWN_TRAPPED: usize = 3;
/// So much of a line of the text is shown.
const SHOWN_CHARACTERS: usize = 100;

/// What is said of a trap of the root process.
pub(super) fn trapped(trap: Trap, image: &Image<'_>, origin: Option<&Origin>) -> String {
    let mut tracer = Tracer::new(image, origin);
    let root = process(image, image.root);
    let insn = root.and_then(|root| tracer.page(root.code)?.decoded(root.index));
    tracer.line(format_args!("trap {trap} ({}): {}", trap.number(), meaning(trap, insn)));
    if let Some(process) = root {
        tracer.process("", image.root, process);
    }
    tracer.others_that_trapped();
    tracer.text.trim_end().to_owned()
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
pub(super) fn trace(image: &Image<'_>, origin: Option<&Origin>) -> String {
    let mut tracer = Tracer::new(image, origin);
    tracer.chain();
    tracer.text
}

struct Tracer<'i, 'a> {
    image: &'i Image<'a>,
    origin: Option<&'i Origin>,
    /// Code pages that have been looked at.
    pages: BTreeMap<Number, Option<Disassembly>>,
    text: String,
}

impl<'i, 'a> Tracer<'i, 'a> {
    const fn new(image: &'i Image<'a>, origin: Option<&'i Origin>) -> Self {
        Self { image, origin, pages: BTreeMap::new(), text: String::new() }
    }

    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// The processes that control is in, the innermost first.
    fn chain(&mut self) {
        let chain = &self.image.chain;
        let mut how = "";
        for link in chain.iter().rev().take(SHOWN_CALLS) {
            match process(self.image, link.process) {
                Some(process) => self.process(how, link.process, process),
                None => self.line(format_args!("  {how}a process that is gone")),
            }
            how = if link.call == Call::Keeper { "as keeper of " } else { "called by " };
        }
        if let (true, Some(root)) = (chain.is_empty(), process(self.image, self.image.root)) {
            self.process("", self.image.root, root);
        }
        if chain.len() > SHOWN_CALLS {
            self.line(format_args!("  called through {} processes more", chain.len() - SHOWN_CALLS));
        }
    }

    /// Where a process stands; `how` says what it has to do with the one before.
    fn process(&mut self, how: &str, number: Number, process: &Process<'_>) {
        let name = self.process_name(number);
        // Who waits for a process or the host stands behind the instruction that called it.
        let behind = u64::from(process.callee != 0 || process.status == Status::Pending);
        let index = process.index.saturating_sub(behind);
        let at = self.instruction(process.code, index);
        self.line(format_args!("  {how}{name}, {at}"));
        if how.is_empty() {
            if let Some(line) = self.source_line(process.code, index) {
                self.line(format_args!("      {line}"));
            }
            self.line(format_args!("  {}", stack_text(&process.stack)));
        }
        for frame in process.frames.iter().rev().take(SHOWN_CALLS) {
            let at = self.instruction(process.code, u64::from(frame.return_index).saturating_sub(1));
            self.line(format_args!("    called from {at}"));
        }
        if process.frames.len() > SHOWN_CALLS {
            self.line(format_args!("    through {} calls more", process.frames.len() - SHOWN_CALLS));
        }
    }

    /// The processes besides the root that have trapped: why may be found there.
    fn others_that_trapped(&mut self) {
        let others = self.image.objects.iter().filter_map(|object| match &object.body {
            Body::Process(process) if object.number != self.image.root => {
                process.trap.map(|trap| (object.number, trap, process))
            }
            _ => None,
        });
        let others: Vec<_> = others.collect();
        for &(number, trap, process) in others.iter().take(SHOWN_TRAPPED) {
            let name = self.process_name(number);
            let at = self.instruction(process.code, process.index);
            self.line(format_args!("  before: {name} trapped, {trap}, {at}"));
        }
        if others.len() > SHOWN_TRAPPED {
            self.line(format_args!("  and {} others", others.len() - SHOWN_TRAPPED));
        }
    }

    fn process_name(&self, number: Number) -> String {
        match self.origin.and_then(|origin| origin.map.name(number)) {
            Some(name) => format!("process {number} ({name})"),
            None => format!("process {number}"),
        }
    }

    /// A code page, taken apart.
    fn page(&mut self, code: Number) -> Option<&Disassembly> {
        let image = self.image;
        let page = self.pages.entry(code).or_insert_with(|| match body(image, code) {
            Some(Body::Code(words)) => Disassembly::of(words),
            _ => None,
        });
        page.as_ref()
    }

    /// An instruction and where it is.
    fn instruction(&mut self, code: Number, index: u64) -> String {
        let place = self.source_place(code, index);
        let Some(page) = self.page(code) else {
            return format!("index {index} of code that is gone");
        };
        let Some(instruction) = page.instruction(index) else {
            return format!("index {index}: the end of the code");
        };
        let in_code = || page.func(index).map_or(String::new(), |func| format!(", in {}", behind(&func)));
        format!("index {index}: {instruction}{}", place.unwrap_or_else(in_code))
    }

    /// The place of an instruction in the text.
    fn source_place(&self, code: Number, index: u64) -> Option<String> {
        let origin = self.origin?;
        let place = origin.map.place(code, index)?;
        let before = origin.text.get(..place.span.start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        let mut text = format!(", at {}:{line}:{column}", origin.name);
        if let Some(near) = place.near {
            // Writing into a string does not fail.
            let _ = match place.func.filter(|&func| func != near.0) {
                Some(func) => write!(text, ", in {func} at {}", behind(&near)),
                None => write!(text, ", in {}", behind(&near)),
            };
        }
        Some(text)
    }

    /// The line of the text that an instruction stands in.
    fn source_line(&self, code: Number, index: u64) -> Option<String> {
        let origin = self.origin?;
        let start = origin.map.place(code, index)?.span.start;
        let (before, behind) = origin.text.split_at_checked(start)?;
        let before = before.rsplit('\n').next().unwrap_or_default();
        let line = format!("{before}{}", behind.lines().next().unwrap_or_default());
        let line = line.trim();
        let shown: String = line.chars().take(SHOWN_CHARACTERS).collect();
        let more = if shown.len() < line.len() { " …" } else { "" };
        Some(format!("{}{more}", printable(&shown)))
    }
}

/// A name, and how many instructions behind it.
fn behind((name, instructions): &(impl std::fmt::Display, u64)) -> String {
    match instructions {
        0 => name.to_string(),
        n => format!("{name}+{n}"),
    }
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
