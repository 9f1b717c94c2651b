//! `docs/wasm-mapping.md` against the instruction table: every WebAssembly opcode is there once, and its
//! sequences are instructions that exist, as many as the document says.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use keyvm_isa::OPS;

const DOCUMENT: &str = include_str!("../../docs/wasm-mapping.md");

/// The opcodes of the feature sets that the document names; those behind the prefix 0xFC as 0xFC00 and up.
const OPCODES: &[RangeInclusive<u16>] = &[
    0x00..=0x05,     // unreachable nop block loop if else
    0x0b..=0x11,     // end br br_if br_table return call call_indirect
    0x12..=0x13,     // tail calls
    0x1a..=0x1c,     // drop select, select t
    0x20..=0x26,     // locals, globals, table.get, table.set
    0x28..=0x40,     // loads, stores, memory.size, memory.grow
    0x41..=0xbf,     // constants, comparisons, arithmetic, conversions
    0xc0..=0xc4,     // sign extension
    0xd0..=0xd2,     // ref.null ref.is_null ref.func
    0xfc00..=0xfc07, // saturating conversions
    0xfc08..=0xfc11, // bulk memory, tables
];

/// A row of one of the tables, its cells as they are written.
struct Row {
    opcode: u16,
    name: &'static str,
    sequences: Vec<&'static str>,
    count: &'static str,
    reason: &'static str,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in DOCUMENT.lines() {
        if line == "| Opcode | WebAssembly | KeyVM | Count | Reason |" {
            in_table = true;
        } else if !line.starts_with('|') {
            in_table = false;
        } else if in_table && !line.starts_with("|-") {
            rows.push(row(line));
        }
    }
    rows
}

fn row(line: &'static str) -> Row {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let ["", opcode, name, sequences, count, reason, ""] = cells[..] else {
        panic!("five cells: {line}");
    };
    Row {
        opcode: opcode.split(' ').fold(0, |prefix, byte| {
            let digits = byte.strip_prefix("0x").expect("0x before an opcode");
            prefix << 8 | u16::from(u8::from_str_radix(digits, 16).expect("an opcode"))
        }),
        name: code(name),
        sequences: sequences
            .split(" or ")
            .map(|form| if form == "nothing" { "" } else { code(form) })
            .collect(),
        count,
        reason,
    }
}

/// What stands between the backquotes.
fn code(cell: &'static str) -> &'static str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .filter(|cell| !cell.contains('`'))
        .unwrap_or_else(|| panic!("one piece of code: {cell}"))
}

/// The instructions of a sequence, without its labels.
fn instructions(sequence: &str) -> impl Iterator<Item = &str> {
    sequence.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty() && !part.ends_with(':'))
}

/// The listings of the runtime subroutines.
fn listings() -> Vec<&'static str> {
    DOCUMENT
        .split("```text\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("a listing ends").0)
        .collect()
}

fn check_instruction(instruction: &str) {
    let (mnemonic, imms) = instruction.split_once(' ').unwrap_or((instruction, ""));
    let info = OPS
        .iter()
        .find(|info| info.mnemonic == mnemonic)
        .unwrap_or_else(|| panic!("no instruction has this name: {instruction}"));
    let imms = imms.split(',').filter(|imm| !imm.trim().is_empty()).count();
    assert_eq!(imms, info.imms.len(), "immediates of {instruction}");
}

#[test]
fn every_opcode_is_there_once() {
    let mut times: BTreeMap<u16, u32> = OPCODES.iter().cloned().flatten().map(|op| (op, 0)).collect();
    let mut names = BTreeMap::new();
    for row in rows() {
        let n = times
            .get_mut(&row.opcode)
            .unwrap_or_else(|| panic!("{:#x} is no opcode of these feature sets", row.opcode));
        *n += 1;
        let before = names.insert(row.name, row.opcode);
        assert_eq!(before, None, "{} has one opcode", row.name);
    }
    for (opcode, n) in times {
        assert_eq!(n, 1, "rows for {opcode:#x}");
    }
}

#[test]
fn every_instruction_exists_and_has_its_immediates() {
    for row in rows() {
        row.sequences.iter().flat_map(|form| instructions(form)).for_each(check_instruction);
    }
    for listing in listings() {
        instructions(listing).for_each(check_instruction);
    }
}

#[test]
fn the_counts_are_those_of_the_sequences() {
    for row in rows() {
        let mut counts: Vec<_> =
            row.sequences.iter().map(|form| instructions(form).count().to_string()).collect();
        if counts.iter().all(|count| *count == counts[0]) {
            counts.truncate(1);
        }
        assert_eq!(row.count, counts.join(" or "), "count of {}", row.name);
    }
}

#[test]
fn more_than_one_instruction_has_a_reason() {
    for row in rows() {
        let longest = row.sequences.iter().map(|form| instructions(form).count()).max();
        assert!(longest <= Some(1) || !row.reason.is_empty(), "{} needs a reason", row.name);
    }
}

#[test]
fn runtime_subroutines_that_are_called_are_listed() {
    let mut listed: Vec<_> =
        listings().iter().filter_map(|listing| listing.split_once(':').map(|(name, _)| name)).collect();
    listed.sort_unstable();
    let mut called: Vec<_> = rows()
        .iter()
        .flat_map(|row| row.sequences.clone())
        .filter_map(|form| form.strip_prefix("call "))
        .filter(|&name| name != "f")
        .collect();
    called.sort_unstable();
    assert_eq!(called, listed);
}
