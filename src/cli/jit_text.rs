//! What the compiler makes of code, as text.

use super::labels::{Labels, short};
use super::machine_code;
use super::output::style_results;
use super::table::Listing as Table;
use super::text::count;
use keyvm::asm::Disassembly;
use keyvm::image::Hash;
use keyvm::isa::image::Number;
use keyvm::isa::{Code, Insn, Op};
use keyvm::jit::{BlockEnd, EntryPoint, Listing, Next, Place, Root, UnitListing, WhyInterpreted};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What is shown besides units and blocks.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) clif: bool,
    pub(super) asm: bool,
    /// What instructions are in no unit.
    pub(super) unreached: bool,
}

/// Targets of a switch that are written out.
const TARGETS_SHOWN: usize = 8;

struct Writer<'a> {
    text: &'a mut String,
    code: &'a Code,
    disassembly: Option<Disassembly>,
    hash: Hash,
    labels: &'a Labels,
}

/// Writes what was compiled of a code page.
pub(super) fn write_listing(
    text: &mut String,
    page: Number,
    hash: Hash,
    code: &Code,
    labels: &Labels,
    listing: &Listing,
    shown: Shown,
) {
    let gap = if text.is_empty() { "" } else { "\n" };
    let instructions = count(code.len() as u64, "instruction", "instructions");
    let disassembly = Disassembly::with_names(code.words(), labels.of_page(hash));
    let mut writer = Writer { text, code, disassembly, hash, labels };
    writer.line(format_args!("{gap}code {page}, hash {}, {instructions}", short(hash)));
    for unit in &listing.units {
        writer.unit(unit);
        if shown.clif {
            writer.line(format_args!("\n{}", unit.clif.trim_end()));
        }
        if shown.asm {
            writer.machine_code(unit);
        }
    }
    if shown.unreached {
        writer.unreached(listing);
    }
}

impl Writer<'_> {
    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// An index, with its label if there is one.
    fn index(&self, index: u32) -> String {
        match self.labels.at(self.hash, index) {
            Some(label) => format!("{index} {label}"),
            None => index.to_string(),
        }
    }

    fn instruction(&self, index: u32) -> String {
        let instruction = self.disassembly.as_ref().and_then(|code| code.instruction(index.into()));
        instruction.unwrap_or_else(|| "the end".to_owned())
    }

    fn unit(&mut self, unit: &UnitListing) {
        // The column of the calls that a block is inlined at.
        const INLINED: usize = 2;
        let root = match (unit.root, unit.typ) {
            (Root::Entry(EntryPoint { index, height }), _) => {
                format!("entry {}, height {height}", self.index(index))
            }
            (Root::Subroutine(index), typ) => {
                let typ = typ.map_or_else(String::new, |typ| {
                    format!(" ({} -> {}, {})", typ.arguments, typ.results, typ.locals)
                });
                format!("subroutine {}{typ}", self.index(index))
            }
        };
        let size = [
            count(unit.instructions as u64, "instruction", "instructions"),
            count(unit.blocks.len() as u64, "block", "blocks"),
            count(unit.bytes.len() as u64, "byte", "bytes"),
        ];
        let operands = count(unit.height.into(), "operand", "operands");
        self.line(format_args!("\n{root}: {}, {operands} at most", size.join(", ")));
        let mut columns = vec![
            ("block", true),
            ("from", false),
            ("height", true),
            ("instructions", true),
            ("gas check", true),
            ("", false),
            ("ends", false),
        ];
        let inlines = unit.blocks.iter().any(|block| !block.inlined.is_empty());
        if inlines {
            columns.insert(INLINED, ("inlined at", false));
        }
        let mut table = Table::untitled(&columns, style_results());
        for (number, block) in unit.blocks.iter().enumerate() {
            let kind = match block.copy_of {
                Some(original) => format!("copy of {original}"),
                None if block.header => "loop".to_owned(),
                None => String::new(),
            };
            let check = if block.check > 0 { block.check.to_string() } else { "-".to_owned() };
            let mut cells = vec![
                number.to_string(),
                self.index(block.index),
                block.height.to_string(),
                block.instructions.to_string(),
                check,
                kind,
                self.end(&block.end, block.end_index),
            ];
            if inlines {
                let calls: Vec<String> = block.inlined.iter().map(u32::to_string).collect();
                cells.insert(INLINED, calls.join(", "));
            }
            table.row(cells);
        }
        table.write(self.text);
        for &index in &unit.helpers {
            let line = format!("by a helper: {} {}", index, self.instruction(index));
            self.line(line);
        }
        for &callee in &unit.uncalled {
            let line =
                format!("not called natively, as too much is compiled at once: {}", self.index(callee));
            self.line(line);
        }
    }

    fn end(&self, end: &BlockEnd, at: u32) -> String {
        match end {
            BlockEnd::Fall(next) => format!("goes on: {}", self.next(next)),
            BlockEnd::Jump(next) => format!("jump: {}", self.next(next)),
            BlockEnd::Branch(taken, next) => {
                format!("branch: {}, else {}", self.next(taken), self.next(next))
            }
            BlockEnd::Switch(targets) => {
                let mut shown: Vec<_> =
                    targets.iter().take(TARGETS_SHOWN).map(|next| self.next(next)).collect();
                if targets.len() > TARGETS_SHOWN {
                    shown.push(format!("… {} in all", targets.len()));
                }
                format!("switch: {}", shown.join(", "))
            }
            BlockEnd::InlinedCall(next) => format!("inlined call: {}", self.next(next)),
            BlockEnd::CalledAfterAll(callee, next) => {
                format!("calls {} after all: {}", self.index(*callee), self.next(next))
            }
            BlockEnd::InlinedReturn(next) => format!("returns to the caller: {}", self.next(next)),
            BlockEnd::Group(fast, slow) => {
                format!("turns known to be good: {}, else {}", self.next(fast), self.next(slow))
            }
            BlockEnd::Computed => "jumps to where its operand says".to_owned(),
            BlockEnd::Return => "returns".to_owned(),
            BlockEnd::Tailcall(callee) => format!("goes on with subroutine {}", self.index(*callee)),
            BlockEnd::TailcallTo => "goes on with the subroutine that its operand names".to_owned(),
            BlockEnd::Left(WhyInterpreted::End) => "leaves: the code ends there".to_owned(),
            BlockEnd::Left(why) => format!("leaves before {at} {}: {why}", self.instruction(at)),
        }
    }

    fn next(&self, next: &Next) -> String {
        match next {
            Next::Block(block) => format!("block {block}"),
            Next::Out(index, why) => format!("leaves for {} ({why})", self.index(*index)),
        }
    }

    /// The machine code of a unit, each stretch below the instruction it is for.
    fn machine_code(&mut self, unit: &UnitListing) {
        self.line("");
        for place in &unit.places {
            let title = match place.index {
                None => "; of no one instruction".to_owned(),
                Some(index) => format!("; {}: {}", self.index(index), self.instruction(index)),
            };
            self.line(title);
            self.place(unit, place);
        }
        let end = unit.places.last().map_or(0, |place| place.end as usize);
        self.data(end, unit.bytes.len());
    }

    fn place(&mut self, unit: &UnitListing, place: &Place) {
        let (mut at, end) = (place.begin as usize, place.end as usize);
        while at < end {
            let line = machine_code::line(&unit.bytes[at..end], at);
            let bytes: String =
                unit.bytes[at..at + line.length].iter().map(|byte| format!("{byte:02x}")).collect();
            let callee = unit.calls.range(u32::try_from(at).unwrap_or(u32::MAX)..).next();
            let callee = callee.filter(|call| (*call.0 as usize) < at + line.length);
            let callee = callee
                .map_or_else(String::new, |(_, &index)| format!("  ; subroutine {}", self.index(index)));
            self.line(format_args!("{:6x}  {bytes:<22}  {}{callee}", line.offset, line.text));
            at += line.length;
            if line.is_computed_jump {
                let table = (4 * self.table_targets(place)).min(end - at);
                self.data(at, at + table);
                at += table;
            }
        }
    }

    /// How many targets stand behind the jump of a switch.
    fn table_targets(&self, place: &Place) -> usize {
        let word = place.index.and_then(|index| self.code.normal().get(index as usize));
        match word.and_then(|&word| Insn::decode(word)) {
            Some(insn) if insn.op == Op::Switch => {
                let table = u32::try_from(insn.imms[0]).ok().and_then(|table| self.code.switch(table));
                table.map_or(0, <[u64]>::len)
            }
            _ => 0,
        }
    }

    /// What is no instruction: tables and constants.
    fn data(&mut self, begin: usize, end: usize) {
        if begin < end {
            let bytes = count((end - begin) as u64, "byte", "bytes");
            self.line(format_args!("{begin:6x}  {bytes} of data"));
        }
    }

    /// The instructions that are in no unit.
    fn unreached(&mut self, listing: &Listing) {
        let mut reached: BTreeSet<u32> = BTreeSet::new();
        for block in listing.units.iter().flat_map(|unit| &unit.blocks) {
            let ends = !matches!(block.end, BlockEnd::Fall(_) | BlockEnd::CalledAfterAll(..));
            reached.extend(block.index..block.end_index + u32::from(ends));
        }
        let length = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        let mut missing: Vec<(u32, u32)> = Vec::new();
        for index in (0..length).filter(|index| !reached.contains(index)) {
            match missing.last_mut() {
                Some((_, last)) if *last + 1 == index => *last = index,
                _ => missing.push((index, index)),
            }
        }
        if !missing.is_empty() {
            let ranges = missing.iter().map(|(first, last)| match first == last {
                true => first.to_string(),
                false => format!("{first} to {last}"),
            });
            let ranges: Vec<_> = ranges.collect();
            self.line(format_args!("\nin no unit, as nothing is known to go there: {}", ranges.join(", ")));
        }
    }
}
