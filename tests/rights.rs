//! The rights table of `docs/spec.md`: each cell holds, and the table here is the one in the document.
//!
//! For each instruction, each of its operands that is a key, and each kind of object: with exactly the rights of
//! the cell the instruction does its work; without any one of them it traps `NoRight`, and on a kind that has no
//! cell `WrongKind`; and a trap changes nothing but what the trap itself is noted in.

use std::borrow::Cow;
use std::fmt::Write as _;

use keyvm::isa::code::{CodeParts, FuncType};
use keyvm::isa::debug::DebugInfo;
use keyvm::isa::image::{Body, Frame, Image, Key, Meter, Number, Object, Process};
use keyvm::isa::layout::Kind;
use keyvm::isa::{Insn, OPS, Op, Rights, Status, Trap};
use keyvm::{Event, Machine};

/// What a cell of the table says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Traps `WrongKind`.
    Wrong,
    /// Traps `NoRight`, whatever the rights.
    Never,
    /// Demands these.
    Rights(Rights),
}

/// Where the key lies that a row is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In slot 1 of the process.
    Slot,
    /// In slot 1, sealed by the brand of slot [`BRAND`].
    Sealed,
    /// In slot 0 of the key page of slot [`KEYS`].
    Page,
}

/// An instruction and one of its operands that names a key.
struct Row {
    op: Op,
    imms: &'static [i64],
    /// The name of the operand in the instruction chapter, or what the key is.
    operand: &'static str,
    place: Place,
    /// Operands, the lowest first: slot 1 is the key in question.
    stack: &'static [u64],
    cells: [Cell; 8],
}

/// Slots of keys with all rights, one to an object of each kind.
const DATA: u64 = 2;
const KEYS: u64 = 4;
const PROCESS: u64 = 5;
const METER: u64 = 6;
const BRAND: u64 = 8;

/// An operand whose process has a standing meter, where it makes a difference.
const METERED: &str = "k, with a standing meter";

/// The memory that slot 1 names.
const MEMORY: i64 = 5;

const NONE: [Cell; 8] = [Cell::Wrong; 8];
const READ_PAGE: [Cell; 8] = with(with(NONE, Kind::Data, Rights::READ), Kind::Code, Rights::READ);
const WRITE_PAGE: [Cell; 8] = never(with(NONE, Kind::Data, Rights::WRITE), Kind::Code);
const COPY: [Cell; 8] = [Cell::Rights(Rights::COPY); 8];

const fn with(mut cells: [Cell; 8], kind: Kind, rights: Rights) -> [Cell; 8] {
    cells[kind as usize - 1] = Cell::Rights(rights);
    cells
}

const fn never(mut cells: [Cell; 8], kind: Kind) -> [Cell; 8] {
    cells[kind as usize - 1] = Cell::Never;
    cells
}

const fn only(kind: Kind, rights: Rights) -> [Cell; 8] {
    with(NONE, kind, rights)
}

/// Rights that are demanded together.
fn both(a: Rights, b: Rights) -> Rights {
    Rights::from_bits(u64::from(a.bits() | b.bits()))
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |op, imms, operand, place, stack, cells| {
        rows.push(Row { op, imms, operand, place, stack, cells });
    };
    for op in [
        Op::Load8,
        Op::Load8s,
        Op::Load8s32,
        Op::Load16,
        Op::Load16s,
        Op::Load16s32,
        Op::Load32,
        Op::Load32s,
        Op::Load64,
    ] {
        add(op, &[MEMORY, 0], "memory", Place::Slot, &[0], READ_PAGE);
    }
    for op in [Op::Load8at, Op::Load16at, Op::Load32at, Op::Load64at] {
        add(op, &[MEMORY, 0], "memory", Place::Slot, &[], READ_PAGE);
    }
    add(Op::Size, &[MEMORY], "memory", Place::Slot, &[], READ_PAGE);
    add(Op::Calltable, &[0, MEMORY], "memory", Place::Slot, &[0], READ_PAGE);
    add(Op::Tailcalltable, &[0, MEMORY], "memory", Place::Slot, &[0], READ_PAGE);
    for op in [Op::Store8, Op::Store16, Op::Store32, Op::Store64] {
        add(op, &[MEMORY, 0], "memory", Place::Slot, &[0, 1], WRITE_PAGE);
    }
    for op in [Op::Store8at, Op::Store16at, Op::Store32at, Op::Store64at] {
        add(op, &[MEMORY, 0], "memory", Place::Slot, &[1], WRITE_PAGE);
    }
    add(Op::Fill, &[MEMORY], "memory", Place::Slot, &[0, 1, 8], WRITE_PAGE);
    add(Op::Copy, &[2, MEMORY], "source", Place::Slot, &[0, 0, 8], READ_PAGE);
    add(Op::Copy, &[MEMORY, 2], "target", Place::Slot, &[0, 0, 8], WRITE_PAGE);
    add(Op::Mempush, &[], "m", Place::Slot, &[5, 0], READ_PAGE);
    add(Op::Memlen, &[], "m", Place::Slot, &[5], READ_PAGE);
    add(Op::Memwrite, &[], "m", Place::Slot, &[5, 0, 1], WRITE_PAGE);
    let resize = never(only(Kind::Data, Rights::RESIZE), Kind::Code);
    add(Op::Memresize, &[], "m", Place::Slot, &[5, 6], resize);

    add(Op::Attenuate, &[], "k", Place::Slot, &[1, 0x7ff], COPY);
    add(Op::Transferkey, &[], "t", Place::Slot, &[1, DATA], only(Kind::Process, Rights::SEND));
    add(Op::Transferkey, &[], "k", Place::Slot, &[PROCESS, 1], COPY);
    let holder = with(only(Kind::Keys, Rights::READ), Kind::Process, Rights::READ);
    add(Op::Keyget, &[], "p", Place::Slot, &[1, 0], holder);
    add(Op::Keyget, &[], "the key fetched", Place::Page, &[KEYS, 0], COPY);
    add(Op::Keyput, &[], "k", Place::Slot, &[1, KEYS, 1], COPY);
    add(Op::Keyput, &[], "p", Place::Slot, &[DATA, 1, 1], only(Kind::Keys, Rights::WRITE));
    add(Op::Gate, &[], "k", Place::Slot, &[1], COPY);
    add(Op::Revoke, &[], "g", Place::Slot, &[1], only(Kind::Gate, Rights::DESTROY));
    add(Op::Seal, &[], "k", Place::Slot, &[1, BRAND], COPY);
    add(Op::Seal, &[], "b", Place::Slot, &[DATA, 1], only(Kind::Brand, Rights::WRITE));
    add(Op::Unseal, &[], "k", Place::Sealed, &[1, BRAND], COPY);
    add(Op::Unseal, &[], "b", Place::Slot, &[DATA, 1], only(Kind::Brand, Rights::READ));
    add(Op::Destroy, &[], "k", Place::Slot, &[1], [Cell::Rights(Rights::DESTROY); 8]);
    let stop = with(only(Kind::Process, Rights::STOP), Kind::Meter, Rights::STOP);
    add(Op::Stop, &[], "k", Place::Slot, &[1], stop);
    let start = with(only(Kind::Process, Rights::MEND), Kind::Meter, Rights::STOP);
    add(Op::Start, &[], "k", Place::Slot, &[1], start);

    add(Op::Pagesize, &[], "k", Place::Slot, &[1], with(READ_PAGE, Kind::Keys, Rights::READ));
    add(Op::Keyresize, &[], "k", Place::Slot, &[1, 6], only(Kind::Keys, Rights::RESIZE));
    add(Op::Codeseal, &[], "k", Place::Slot, &[1], only(Kind::Data, Rights::WRITE));
    let hashed = with(with(READ_PAGE, Kind::Keys, Rights::READ), Kind::Process, Rights::READ);
    add(Op::Statehash, &[], "k", Place::Slot, &[1], hashed);

    add(Op::Create, &[], "c", Place::Slot, &[1, 0], only(Kind::Code, Rights::CALL));
    add(Op::Recurse, &[0, 0], "k", Place::Slot, &[1, 1000, 100], only(Kind::Process, Rights::CALL));
    let metered = only(Kind::Process, both(Rights::CALL, Rights::MEND));
    add(Op::Recurse, &[0, 0], METERED, Place::Slot, &[1, 1000, 100], metered);
    add(Op::Recurse, &[0, 1], "a key of the message", Place::Slot, &[1, PROCESS, 1000, 100], COPY);
    let called = with(only(Kind::Process, Rights::CALL), Kind::Host, Rights::CALL);
    add(Op::Invoke, &[0, 0], "k", Place::Slot, &[1], called);
    add(Op::Invoke, &[0, 1], "a key of the message", Place::Slot, &[1, PROCESS], COPY);
    add(Op::Yield, &[0, 1], "a key of the result", Place::Slot, &[1], COPY);
    add(Op::Return, &[0, 1], "a key of the result", Place::Slot, &[1], COPY);
    add(Op::Peek, &[], "k", Place::Slot, &[1, 2, 0], only(Kind::Process, Rights::READ));
    add(Op::Poke, &[], "k", Place::Slot, &[1, 2, 0, 9], only(Kind::Process, Rights::MEND));
    add(Op::Grow, &[], "k", Place::Slot, &[1, 2], only(Kind::Process, Rights::MEND));
    add(Op::Setmeter, &[], "k", Place::Slot, &[1, METER], only(Kind::Process, Rights::MEND));
    add(Op::Setmeter, &[], "m", Place::Slot, &[PROCESS, 1], only(Kind::Meter, Rights::SEND));
    let kept = with(only(Kind::Process, Rights::MEND), Kind::Meter, Rights::LIMIT);
    add(Op::Setkeeper, &[], "k", Place::Slot, &[1, PROCESS], kept);
    let keeper = only(Kind::Process, both(Rights::CALL, Rights::COPY));
    add(Op::Setkeeper, &[], "p", Place::Slot, &[METER, 1], keeper);

    add(Op::Meter, &[], "s", Place::Slot, &[1], only(Kind::Meter, Rights::SEND));
    add(Op::Meterread, &[], "m", Place::Slot, &[1, 0], only(Kind::Meter, Rights::READ));
    add(Op::Meterlimit, &[], "m", Place::Slot, &[1, 3, 1_000_000], only(Kind::Meter, Rights::LIMIT));
    rows
}

/// The number of the object of a kind in the image.
fn object_of(kind: Kind) -> Number {
    3 + kind as u64
}

const ROOT: Number = 3;

fn process(number: Number, code: Number) -> Process<'static> {
    Process {
        data: Cow::Owned(vec![0; 8]),
        keys: vec![key(number, Rights::OWN)],
        key_capacity: 32,
        random: 7,
        standing: true,
        ..Process::new(number, code)
    }
}

fn meter() -> Meter {
    Meter { gas_limit: 1_000_000, words_limit: 1_000_000, ..Meter::UNLIMITED }
}

const fn key(object: Number, rights: Rights) -> Option<Key> {
    Some(Key { object, rights, gate: 0, seal: 0 })
}

fn insn(op: Op, imms: &[i64]) -> u64 {
    Insn::encode(op, imms).expect("the immediates of the table fit")
}

fn code(instructions: Vec<u64>) -> Body<'static> {
    let types = vec![FuncType { arguments: 0, results: 0, locals: 0 }];
    let parts = CodeParts { instructions, types, ..CodeParts::default() };
    Body::Code(Cow::Owned(parts.words()))
}

/// An image whose root process stands at the row's instruction, its key in question to an object of `kind`.
fn image(row: &Row, kind: Kind, rights: Rights) -> Image<'static> {
    let seal = if row.place == Place::Sealed { object_of(Kind::Brand) } else { 0 };
    let subject = Some(Key { object: object_of(kind), rights, gate: 0, seal });
    let callee = object_of(Kind::Process);
    let standing = row.op != Op::Recurse || row.operand == METERED;
    let callee = Process { standing, ..process(callee, object_of(Kind::Code)) };
    let mut root = process(ROOT, 2);
    let in_slot = if row.place == Place::Page { None } else { subject };
    root.keys.push(in_slot);
    root.keys.extend(Kind::ALL.iter().map(|&(kind, _)| key(object_of(kind), Rights::ALL)));
    root.stack = Cow::Borrowed(row.stack);
    root.frames = Cow::Owned(vec![Frame { return_index: 2, base: 0, typ: 0 }]);
    let program = vec![insn(row.op, row.imms), insn(Op::Func, &[0]), insn(Op::Yield, &[0, 0])];
    // The first word of every page is 1: a `nop`, and the index of the `func`.
    let called = vec![insn(Op::Nop, &[]), insn(Op::Return, &[0, 0])];
    let sealable: Vec<u8> = [1u64, 1, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let first = if row.place == Place::Page { subject } else { key(object_of(Kind::Data), Rights::ALL) };
    let bodies = [
        Body::Data(Cow::Owned(sealable)),
        code(called),
        Body::Keys(vec![first, None, None, None]),
        Body::Process(Box::new(callee)),
        Body::Meter(Box::new(meter())),
        Body::Gate { parent: 0 },
        Body::Brand,
        Body::Host("host".into()),
    ];
    let mut objects = vec![
        Object { number: 1, meter: 0, body: Body::Meter(Box::new(meter())) },
        Object { number: 2, meter: 1, body: code(program) },
        Object { number: ROOT, meter: 1, body: Body::Process(Box::new(root)) },
    ];
    objects.extend((4..).zip(bodies).map(|(number, body)| Object { number, meter: 1, body }));
    Image {
        next_number: 12,
        prime: 1,
        root: ROOT,
        chain: Vec::new(),
        request: None,
        objects,
        debug: DebugInfo::default(),
    }
}

fn machine(image: &Image<'_>) -> Machine {
    Machine::new(image).expect("the image is consistent")
}

/// Checks that the row's instruction traps, and that nothing but the trap is to be seen afterwards.
#[track_caller]
fn traps_and_changes_nothing(row: &Row, kind: Kind, rights: Rights, trap: Trap) {
    let what = || {
        format!("{} ({}) of {} with {:#x}", row.op.info().mnemonic, row.operand, kind.name(), rights.bits())
    };
    let mut before = image(row, kind, rights);
    let mut machine_after = machine(&before);
    assert_eq!(machine_after.run(u64::MAX), Event::Trapped(trap), "{}", what());
    let budget = machine_after.budget();
    assert_eq!(budget.gas_used, 0, "{}: a trap costs nothing", what());
    let root = before.objects.iter_mut().find(|object| object.number == ROOT);
    let Some(Object { body: Body::Process(root), .. }) = root else { panic!("the root is there") };
    root.status = Status::Trapped;
    root.trap = Some(trap);
    root.gas_seen = budget.gas_left();
    root.words_seen = budget.words_left();
    assert_eq!(
        machine_after.state_hash(),
        machine(&before).state_hash(),
        "{}: the trap changed something",
        what()
    );
    assert_eq!(machine_after.run(u64::MAX), Event::Trapped(trap), "{}", what());
    assert_eq!(machine_after.state_hash(), machine(&before).state_hash(), "{}: the second trap did", what());
}

#[test]
fn with_exactly_the_rights_of_its_cell_each_instruction_works() {
    for row in rows() {
        for (&(kind, name), cell) in Kind::ALL.iter().zip(row.cells) {
            let Cell::Rights(rights) = cell else { continue };
            let image = image(&row, kind, rights);
            let mut machine = machine(&image);
            let event = machine.run(u64::MAX);
            let done = match row.op {
                Op::Return => event == Event::Returned([].into()),
                Op::Invoke if kind == Kind::Host && row.operand == "k" => event == Event::Request,
                _ => event == Event::Yielded([].into()),
            };
            assert!(done, "{} ({}) of {name}: {event:?}", row.op.info().mnemonic, row.operand);
            assert_eq!(machine.audit(), Ok(()));
        }
    }
}

#[test]
fn without_one_right_of_its_cell_each_instruction_traps_and_changes_nothing() {
    for row in rows() {
        for (&(kind, _), cell) in Kind::ALL.iter().zip(row.cells) {
            let Cell::Rights(needed) = cell else { continue };
            for &(right, ..) in Rights::NAMED.iter().filter(|(right, ..)| needed.has(*right)) {
                let others = Rights::from_bits(u64::from(!right.bits()));
                traps_and_changes_nothing(&row, kind, others, Trap::NoRight);
            }
        }
    }
}

#[test]
fn on_a_kind_without_a_cell_each_instruction_traps_and_changes_nothing() {
    for row in rows() {
        for (&(kind, _), cell) in Kind::ALL.iter().zip(row.cells) {
            match cell {
                Cell::Wrong => traps_and_changes_nothing(&row, kind, Rights::ALL, Trap::WrongKind),
                Cell::Never => traps_and_changes_nothing(&row, kind, Rights::ALL, Trap::NoRight),
                Cell::Rights(_) => {}
            }
        }
    }
}

#[test]
fn every_instruction_that_can_lack_a_right_is_in_the_table() {
    let rows = rows();
    for info in OPS {
        let listed = rows.iter().any(|row| row.op == info.op);
        assert_eq!(listed, info.traps.contains(&Trap::NoRight), "{}", info.mnemonic);
    }
}

/// The table as the document has it: rows that follow each other and say the same are one.
fn table() -> String {
    let mut table = String::from("\n| instruction | key |");
    for (_, name) in Kind::ALL {
        write!(table, " {name} |").expect("a string takes everything");
    }
    table += &format!("\n|---|---|{}\n", "---|".repeat(Kind::ALL.len()));
    for group in rows().chunk_by(|a, b| (a.operand, a.cells) == (b.operand, b.cells)) {
        let names: Vec<_> = group.iter().map(|row| format!("`{}`", row.op.info().mnemonic)).collect();
        write!(table, "| {} | {} |", names.join(", "), group[0].operand).expect("a string takes everything");
        for cell in group[0].cells {
            let text = match cell {
                Cell::Wrong => String::new(),
                Cell::Never => "never".to_owned(),
                Cell::Rights(rights) => {
                    let named = Rights::NAMED.iter().filter(|(right, ..)| rights.has(*right));
                    named.map(|(_, name, _)| *name).collect::<Vec<_>>().join(" and ")
                }
            };
            write!(table, " {text} |").expect("a string takes everything");
        }
        table.push('\n');
    }
    table + "\n"
}

#[test]
fn the_table_is_the_one_of_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec.md");
    let document = std::fs::read_to_string(path).expect("docs/spec.md can be read");
    let (begin, end) = ("<!-- generated: rights table -->\n", "<!-- end: rights table -->");
    let (before, rest) = document.split_once(begin).expect("the table begins");
    let (found, after) = rest.split_once(end).expect("the table ends");
    let expected = table();
    if found != expected && std::env::var_os("KEYVM_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, format!("{before}{begin}{expected}{end}{after}"))
            .expect("docs/spec.md is written");
        return;
    }
    assert!(
        found == expected,
        "the rights table of docs/spec.md is not this one; to write it anew: KEYVM_BLESS=1 cargo test --test rights\n{expected}"
    );
}
