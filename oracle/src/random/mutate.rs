//! Images changed a little: instructions, constants, keys, rights, memories and limits, as programs have them.

use super::Random;
use super::hostile::EXTREMES;
use super::program::any_instruction;
use keyvm_isa::code::{Code, CodeParts};
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{Body, Image, Key, Meter, Number};
use keyvm_isa::{ImmKind, Insn, OPS, Op, Rights};
use std::borrow::Cow;

/// Instructions a code page is let grow to.
const LENGTH_MAX: usize = 4096;

/// Changes an image in a few places. Pieces of programs come from `donor` too. It stays consistent mostly: what is
/// refused tells nothing.
pub fn mutate(random: &mut Random, image: &mut Image<'_>, donor: &Image<'_>) {
    // Names and lines are of instructions that may have moved.
    image.debug = DebugInfo::default();
    for _ in 0..random.within(1, 6) {
        match random.below(10) {
            0 => change_keys(random, image),
            1 => change_memory(random, image),
            2 => change_fields(random, image),
            _ => change_code(random, image, donor),
        }
    }
}

/// The places in the list of objects for which something holds.
fn places(image: &Image<'_>, is: impl Fn(&Body<'_>) -> bool) -> Vec<usize> {
    (0..image.objects.len()).filter(|&at| is(&image.objects[at].body)).collect()
}

fn any_place(random: &mut Random, image: &Image<'_>, is: impl Fn(&Body<'_>) -> bool) -> Option<usize> {
    let places = places(image, is);
    (!places.is_empty()).then(|| random.pick(&places))
}

fn parts_of(body: &Body<'_>) -> Option<CodeParts> {
    match body {
        Body::Code(words) => Some(Code::new(words.to_vec()).ok()?.parts()),
        _ => None,
    }
}

fn change_code(random: &mut Random, image: &mut Image<'_>, donor: &Image<'_>) {
    let is_code = |body: &Body<'_>| matches!(body, Body::Code(_));
    let Some(at) = any_place(random, image, is_code) else { return };
    let Some(mut parts) = parts_of(&image.objects[at].body) else { return };
    let other = any_place(random, donor, is_code).and_then(|at| parts_of(&donor.objects[at].body));
    if parts.instructions.is_empty() {
        return;
    }
    for _ in 0..random.within(1, 4) {
        change_parts(random, &mut parts, other.as_ref());
    }
    image.objects[at].body = Body::Code(Cow::Owned(parts.words()));
}

fn change_parts(random: &mut Random, parts: &mut CodeParts, other: Option<&CodeParts>) {
    let length = parts.instructions.len();
    let at = random.index(length);
    match random.below(14) {
        0 => parts.instructions[at] = any_instruction(random),
        1 => parts.instructions.swap(at, random.index(length)),
        2 | 3 => change_immediate(random, parts, at),
        4..7 => parts.instructions[at] = of_same_effect(random, parts.instructions[at]),
        7 if length < LENGTH_MAX => {
            // A stretch twice.
            let piece = parts.instructions[at..(at + 1 + random.index(8)).min(length)].to_vec();
            insert(parts, at, &piece);
        }
        8 => {
            let end = (at + 1 + random.index(3)).min(length);
            let nops = Op::Nop as u64;
            parts.instructions[at..end].fill(nops);
        }
        9 | 10 if length < LENGTH_MAX => {
            // A stretch of another program, as it stands.
            let Some(other) = other.filter(|other| !other.instructions.is_empty()) else { return };
            let from = random.index(other.instructions.len());
            let to = (from + 1 + random.index(20)).min(other.instructions.len());
            let piece = other.instructions[from..to].to_vec();
            if random.percent(50) {
                insert(parts, at, &piece);
            } else {
                for (place, word) in parts.instructions[at..].iter_mut().zip(piece) {
                    *place = word;
                }
            }
        }
        11 if !parts.constants.is_empty() => {
            let constant = random.index(parts.constants.len());
            parts.constants[constant] = any_word(random);
        }
        12 if !parts.types.is_empty() => {
            let typ = random.index(parts.types.len());
            let typ = &mut parts.types[typ];
            match random.below(3) {
                0 => typ.arguments = random.below(5) as u16,
                1 => typ.results = random.below(5) as u16,
                _ => typ.locals = random.below(9) as u32,
            }
        }
        13 if !parts.switches.is_empty() => {
            let table = random.index(parts.switches.len());
            let target = random.index(parts.switches[table].len());
            parts.switches[table][target] = random.below(length as u64);
        }
        _ => parts.instructions[at] = Insn::encode(Op::Push, &[random.below(20).cast_signed()]).unwrap_or(0),
    }
}

/// Puts instructions before the one at `at`. What goes to a place behind goes to where that is now.
fn insert(parts: &mut CodeParts, at: usize, piece: &[u64]) {
    let more = piece.len() as u64;
    let moved = |index: u64| if index > at as u64 { index + more } else { index };
    for word in &mut parts.instructions {
        let Some(mut insn) = Insn::decode(*word) else { continue };
        for (imm, value) in insn.op.info().imms.iter().zip(&mut insn.imms) {
            if imm.kind == ImmKind::Target {
                *value = moved(value.cast_unsigned()).cast_signed();
            }
        }
        *word = insn.word();
    }
    parts.switches.iter_mut().flatten().for_each(|target| *target = moved(*target));
    parts.instructions.splice(at..at, piece.iter().copied());
}

fn any_word(random: &mut Random) -> u64 {
    if random.percent(40) { random.pick(&EXTREMES) } else { random.word() }
}

fn change_immediate(random: &mut Random, parts: &mut CodeParts, at: usize) {
    // One that has any, near by.
    let with = |&place: &usize| {
        Insn::decode(parts.instructions[place]).is_some_and(|insn| !insn.op.info().imms.is_empty())
    };
    let Some(place) = (at..parts.instructions.len()).chain(0..at).find(with) else { return };
    let Some(mut insn) = Insn::decode(parts.instructions[place]) else { return };
    let imms = insn.op.info().imms;
    let which = random.index(imms.len());
    let value = match imms[which].kind {
        ImmKind::Value => any_word(random).cast_signed(),
        ImmKind::Target => random.below(parts.instructions.len() as u64 + 1).cast_signed(),
        ImmKind::Constant => random.below(parts.constants.len() as u64 + 1).cast_signed(),
        ImmKind::Type => random.below(parts.types.len() as u64 + 1).cast_signed(),
        ImmKind::Switch => random.below(parts.switches.len() as u64 + 1).cast_signed(),
        ImmKind::Memory => random.pick(&[0, 1, 2, 2, 2, 3, 5, 6, 7, 15]),
        ImmKind::Offset => random.pick(&[0, 1, 7, 8, 64, 248, 504, 511, 512, 4096, 0xffff_fff8]),
        ImmKind::Slot | ImmKind::Count | ImmKind::WideCount => random.below(9).cast_signed(),
    };
    insn.imms[which] = value;
    if let Some(word) = Insn::encode(insn.op, &insn.imms[..imms.len()]) {
        parts.instructions[place] = word;
    }
}

/// An instruction that takes and leaves as many operands as this one, and has the same kinds of immediates.
fn of_same_effect(random: &mut Random, word: u64) -> u64 {
    let Some(insn) = Insn::decode(word) else { return any_instruction(random) };
    let info = insn.op.info();
    let alike: Vec<Op> = OPS
        .iter()
        .filter(|other| {
            let kinds = |imms: &[keyvm_isa::Imm]| imms.iter().map(|imm| imm.kind).collect::<Vec<_>>();
            (other.pops, other.pushes) == (info.pops, info.pushes) && kinds(other.imms) == kinds(info.imms)
        })
        .map(|other| other.op)
        .collect();
    Insn { op: random.pick(&alike), ..insn }.word()
}

fn any_number(random: &mut Random, image: &Image<'_>) -> Number {
    image.objects[random.index(image.objects.len())].number
}

fn change_keys(random: &mut Random, image: &mut Image<'_>) {
    let holds = |body: &Body<'_>| match body {
        Body::Process(process) => process.keys.len() > 1,
        Body::Keys(keys) => !keys.is_empty(),
        _ => false,
    };
    let Some(at) = any_place(random, image, holds) else { return };
    let object = any_number(random, image);
    let (keys, first) = match &mut image.objects[at].body {
        Body::Process(process) => (&mut process.keys, 1),
        Body::Keys(keys) => (keys, 0),
        _ => return,
    };
    let slot = first + random.index(keys.len() - first);
    let other = random.index(keys.len() - first) + first;
    match random.below(5) {
        0 => keys[slot] = None,
        1 => keys[slot] = Some(Key::new(object, Rights::ALL)),
        2 => keys.swap(slot, other),
        3 => keys[slot] = keys[other],
        _ => {
            if let Some(key) = &mut keys[slot] {
                key.rights = if random.percent(50) { Rights::ALL } else { Rights::from_bits(random.next()) };
            }
        }
    }
}

fn change_memory(random: &mut Random, image: &mut Image<'_>) {
    let Some(at) = any_place(random, image, |body| matches!(body, Body::Data(_) | Body::Process(_))) else {
        return;
    };
    let bytes = match &mut image.objects[at].body {
        Body::Data(bytes) => bytes,
        Body::Process(process) => &mut process.data,
        _ => return,
    };
    if random.percent(25) || bytes.is_empty() {
        let words = random.pick(&[0, 1, 8, 40, 64, 511, 512, 513, 1500]);
        bytes.to_mut().resize(words * 8, 0);
        return;
    }
    let word = random.index(bytes.len() / 8) * 8;
    let value = any_word(random).to_le_bytes();
    bytes.to_mut()[word..word + 8].copy_from_slice(&value);
}

fn change_fields(random: &mut Random, image: &mut Image<'_>) {
    let Some(at) = any_place(random, image, |body| matches!(body, Body::Meter(_) | Body::Process(_))) else {
        return;
    };
    let keeper = any_number(random, image);
    match &mut image.objects[at].body {
        Body::Meter(meter) => match random.below(3) {
            0 => meter.gas_limit = meter.gas_used.saturating_add(random.pick(&[100, 3000, 1 << 40])),
            1 => meter.keeper = Some(Key::new(keeper, Rights::CALL)),
            _ => **meter = Meter { gas_used: meter.gas_used, ..Meter::UNLIMITED },
        },
        Body::Process(process) => match random.below(4) {
            0 => process.stack_maximum = random.pick(&[16, 64, 200, 4096, 1 << 14]),
            1 => process.random = random.next(),
            2 => process.keeper = Some(Key::new(keeper, Rights::CALL)),
            _ => process.key_capacity = process.key_capacity.max(random.pick(&[8, 12, 16, 40])),
        },
        _ => {}
    }
}
