//! `docs/spec.md` against the tables it is made from: instructions, traps, statuses, kinds, rights, fields,
//! prices and limits. With `KEYVM_BLESS=1` the parts that are generated are written anew.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use keyvm_isa::layout::{self, Kind, meta, meter};
use keyvm_isa::{Cost, Imm, ImmKind, OPS, OpInfo, Rights, Status, Trap, gas};

/// The groups of the instruction chapter, each by its first mnemonic.
const GROUPS: &[(&str, &str)] = &[
    ("halt", "Ending, stack, constants"),
    ("jump", "Control within a process"),
    ("add", "64-bit integers"),
    ("add32", "32-bit integers"),
    ("fadd", "f64"),
    ("fadd32", "f32"),
    ("itof", "Conversions"),
    ("load8", "Loads and stores"),
    ("mempush", "Memories as a whole, random numbers"),
    ("numkeys", "Keys"),
    ("pagenew", "Pages"),
    ("create", "Processes and control"),
    ("meter", "Meters"),
];

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/spec.md")
}

/// Held while the document is read and written, as tests run at the same time.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Compares a generated part of the document with what it should be, or writes it.
#[track_caller]
fn compare(part: &str, expected: &str) {
    let _held = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let document = fs::read_to_string(path()).expect("docs/spec.md can be read");
    let begin = format!("<!-- generated: {part} -->\n");
    let end = format!("<!-- end: {part} -->");
    let (before, rest) = document.split_once(&begin).unwrap_or_else(|| panic!("no part {part}"));
    let (found, after) = rest.split_once(&end).unwrap_or_else(|| panic!("part {part} does not end"));
    if found == expected {
        return;
    }
    if std::env::var_os("KEYVM_BLESS").is_some_and(|value| value == "1") {
        fs::write(path(), format!("{before}{begin}{expected}{end}{after}")).expect("docs/spec.md is written");
        return;
    }
    let at = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let at = at.unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    panic!(
        "part `{part}` of docs/spec.md and the tables differ.\n in the document: {}\n by the tables:   {}\n\
         To write it anew: KEYVM_BLESS=1 cargo test -p keyvm-isa --test spec",
        found.lines().nth(at).unwrap_or("(nothing)"),
        expected.lines().nth(at).unwrap_or("(nothing)"),
    );
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn immediate(imm: &Imm) -> String {
    let sign = if imm.kind == ImmKind::Value { 's' } else { 'u' };
    format!("`{}` {sign}{}", imm.name, imm.kind.bits())
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn instruction(info: &OpInfo) -> String {
    let gas = match info.cost {
        Cost::Fixed(gas) => gas.to_string(),
        Cost::Formula { base, text } => format!("{base} + {text}"),
    };
    format!(
        "| {:02x} | `{}` | {} | {} | {} | {gas} | {} | {} |\n",
        info.op as u8,
        info.mnemonic,
        list(info.imms, immediate),
        info.pops,
        info.pushes,
        list(info.traps, |trap| trap.name().to_owned()),
        cell(info.doc),
    )
}

#[test]
fn the_instruction_chapter_is_the_instruction_table() {
    let mut chapter = String::new();
    for info in OPS {
        if let Some((_, title)) = GROUPS.iter().find(|(first, _)| *first == info.mnemonic) {
            write!(
                chapter,
                "\n### {title}\n\n| op | mnemonic | immediates | pops | pushes | gas | traps | meaning |\n\
                 |---|---|---|--:|--:|---|---|---|\n"
            )
            .expect("a string takes everything");
        }
        chapter += &instruction(info);
    }
    assert_eq!(chapter.matches("\n### ").count(), GROUPS.len(), "each group begins with an instruction");
    compare("instructions", &(chapter + "\n"));
}

/// A table of numbers, names and meanings.
fn numbered(head: &str, rows: impl Iterator<Item = (u64, String, String)>) -> String {
    let mut table = format!("\n| {head} |\n|--:|---|---|\n");
    for (number, name, meaning) in rows {
        writeln!(table, "| {number} | {name} | {} |", cell(&meaning)).expect("a string takes everything");
    }
    table + "\n"
}

#[test]
fn traps_are_those_of_the_table() {
    let rows = Trap::ALL.iter().map(|&(trap, name, doc)| (trap.number().into(), name.into(), doc.into()));
    compare("traps", &numbered("number | trap | meaning", rows));
}

#[test]
fn statuses_are_those_of_the_table() {
    let rows =
        Status::ALL.iter().map(|&(status, name, doc)| (status.number().into(), name.into(), doc.into()));
    compare("statuses", &numbered("number | status | meaning", rows));
}

#[test]
fn rights_are_those_of_the_table() {
    let rows = Rights::NAMED.iter().map(|&(right, name, doc)| {
        (u64::from(right.bits().trailing_zeros()), format!("`{name}`"), doc.into())
    });
    compare("rights", &numbered("bit | right | what it allows", rows));
}

#[test]
fn standing_sets_of_rights_are_those_of_the_table() {
    let sets = [
        ("own", Rights::OWN, "a process's key 0, to itself"),
        ("weakened", Rights::WEAKENED, "at most what a key fetched through a weak key has"),
        ("keeper", Rights::KEEPER, "the key to the stopped process that a keeper gets"),
        ("host", Rights::HOST, "a key to a host"),
        ("all", Rights::ALL, "the key that making an object gives"),
    ];
    let mut table = String::from("\n| set | bits | rights | of |\n|---|--:|---|---|\n");
    for (set, rights, of) in sets {
        let named: Vec<_> =
            Rights::NAMED.iter().filter(|(right, ..)| rights.has(*right)).map(|(_, name, _)| *name).collect();
        writeln!(table, "| {set} | {} | {} | {of} |", rights.bits(), named.join(", "))
            .expect("a string takes everything");
    }
    compare("sets of rights", &(table + "\n"));
}

#[test]
fn kinds_are_those_of_the_table() {
    let mut table = String::from("\n| number | kind |\n|--:|---|\n| 0 | null |\n");
    for &(kind, name) in Kind::ALL {
        writeln!(table, "| {} | {name} |", kind as u64).expect("a string takes everything");
    }
    writeln!(table, "| {} | a sealed key |\n", layout::SEALED_KIND).expect("a string takes everything");
    compare("kinds", &table);
}

#[test]
fn fields_of_the_metadata_are_those_of_the_table() {
    let rows = meta::FIELDS.iter().map(|&(index, name, doc)| (index, name.to_lowercase(), doc.into()));
    compare("metadata", &numbered("word | field | meaning", rows));
}

#[test]
fn fields_of_meters_are_those_of_the_table() {
    let limits = [meter::GAS_LIMIT, meter::WORDS_LIMIT, meter::RENT_LIMIT_LOW, meter::RENT_LIMIT_HIGH];
    let rows = meter::FIELDS.iter().map(|&(field, _, name)| {
        let by = if limits.contains(&field) { "meterread, meterlimit" } else { "meterread" };
        (field, name.to_owned(), by.to_owned())
    });
    compare("meter fields", &numbered("field | name | instructions", rows));
}

#[test]
fn prices_are_those_of_the_table() {
    let prices = [
        ("process, with the stack words, frames and key slots included below", gas::PROCESS_WORDS),
        ("meter, standing or of a call", gas::METER_WORDS),
        ("page, besides its contents", gas::PAGE_WORDS),
        ("word of a data or code page, or of a process's data", 1),
        ("slot of a key page", gas::KEY_SLOT_WORDS),
        ("stack word of a process's capacity beyond those included", 1),
        ("frame of a process's capacity beyond those included", gas::FRAME_WORDS),
        ("key slot of a process's capacity beyond those included", gas::KEY_SLOT_WORDS),
        ("gate", gas::GATE_WORDS),
        ("brand", gas::BRAND_WORDS),
        ("host object", gas::HOST_WORDS),
        ("*included in a process:* stack words", gas::STACK_INCLUDED.into()),
        ("*included in a process:* frames", gas::FRAMES_INCLUDED.into()),
        ("*included in a process:* key slots", gas::KEYS_INCLUDED.into()),
    ];
    compare("prices", &amounts("what | words", &prices));
}

#[test]
fn limits_are_those_of_the_table() {
    let limits = [
        ("words of work in one execution of an instruction that advances in chunks", layout::CHUNK_WORDS),
        ("words of a data page, or of a process's data", layout::MEMORY_WORDS_MAX),
        ("slots of a key list or key page", layout::KEYS_MAX),
        ("words of a code page", layout::CODE_WORDS_MAX),
        ("stack maximum of a new process, in words", layout::STACK_MAXIMUM.into()),
        ("greatest stack maximum, in words", layout::STACK_MAXIMUM_LIMIT.into()),
        ("words of a message or result", layout::MESSAGE_WORDS_MAX.into()),
        ("keys of a message or result", layout::MESSAGE_KEYS_MAX.into()),
        ("gates one behind another", layout::GATE_DEPTH_MAX.into()),
        ("standing meters above one another, not counting the prime meter", layout::METER_DEPTH_MAX.into()),
        ("slots that `keydrop` and `destroy` cut off a key list at once", layout::SLOTS_CUT_MAX as u64),
        ("bytes of a host's name", layout::HOST_NAME_MAX as u64),
    ];
    compare("limits", &amounts("of | at most", &limits));
}

fn amounts(head: &str, rows: &[(&str, u64)]) -> String {
    let mut table = format!("\n| {head} |\n|---|--:|\n");
    for (what, amount) in rows {
        writeln!(table, "| {what} | {amount} |").expect("a string takes everything");
    }
    table + "\n"
}

#[test]
fn every_instruction_of_the_original_machines_has_its_counterpart() {
    let originals = "CREATE ALLOC TRANSFERKEY RECURSE MEMSIZE MEMWRITE MEMCREATE MEMPUSH CODEREAD CODELEN FORK HALT RETURN \
        RANDOM NUMKEYS DUP ADD SUB MUL DIV JUMP JUMPIF PUSH CREATEPAGE PAGETYPE PAGESIZEGET PAGESIZESET CALL COPYKEY \
        ATTENUATE PAGEREAD PAGEWRITE MOD AND OR XOR NOT YIELD RUN JUMPR JZ JZR POP FLIP KEYSET KEYHAS KEYGET KEYDEL \
        STACKLEN MEMORYLEN AREALEN READ WRITE AREA DEAREA DEALLOC SHA256 ECVERIFY ROT ROT2 CMP HEADER";
    let document = fs::read_to_string(path()).expect("docs/spec.md can be read");
    let chapter =
        document.split("## Instructions of the original machines").nth(1).expect("the chapter is there");
    let rows: Vec<_> = chapter.lines().filter(|line| line.starts_with("| `")).collect();
    for original in originals.split_whitespace() {
        let found = rows.iter().filter(|row| {
            let names = row.split('|').nth(1).unwrap_or_default();
            names.split(',').any(|name| name.trim() == format!("`{original}`"))
        });
        assert!(found.count() > 0, "{original} has no row");
    }
    for row in rows {
        let ours = row.split('|').nth(3).unwrap_or_default();
        for code in ours.split('`').skip(1).step_by(2) {
            for name in code
                .split([';', '(', ' ', ',', ')'])
                .filter(|name| name.chars().all(|c| c.is_ascii_lowercase()))
            {
                let known = name.len() < 2 || OPS.iter().any(|info| info.mnemonic == name);
                assert!(known, "no instruction has the name {name}: {row}");
            }
        }
    }
}
