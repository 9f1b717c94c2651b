//! What one instruction leaves that copies a key: a copy of that key, with the rights, the gate and the seal that the
//! specification says. Who has the key may have the copy, so that a wrong one is not out of reach.

use super::reach::{fetched_through, is_live};
use keyvm_isa::image::{Body, Image, Key, Number, Process};
use keyvm_isa::{Insn, Op, Rights};

/// Holds an instruction that was executed alone to what it says of the copies that it makes.
///
/// # Errors
/// What is wrong with a copy.
pub(super) fn made(before: &Image<'_>, after: &Image<'_>) -> Result<(), String> {
    let Some(link) = before.chain.last() else { return Ok(()) };
    let (Some(old), Some(new)) = (process(before, link.process), process(after, link.process)) else {
        return Ok(());
    };
    let Some((op, expected)) = expected(before, old) else { return Ok(()) };
    // It has trapped, or found no room, or is to be tried again.
    if new.index == old.index || new.status != old.status {
        return Ok(());
    }
    let list = match expected.into {
        Some(target) => process(after, target).map(|process| &process.keys[..]),
        None => Some(&new.keys[..]),
    };
    let Some(list) = list else { return Ok(()) };
    let copy = list.iter().nth_back(expected.from_end).copied().flatten();
    if op == Op::Gate {
        let gate = copy.map_or(0, |copy| copy.gate);
        let parent = match after.object(gate).map(|object| &object.body) {
            Some(Body::Gate { parent }) => Some(*parent),
            _ => None,
        };
        let is_new = gate >= before.next_number;
        let is_same = copy.map(|copy| Key { gate: expected.key.gate, ..copy }) == Some(expected.key);
        if is_new && is_same && parent == Some(expected.key.gate) {
            return Ok(());
        }
    } else if copy == Some(expected.key) || (op == Op::Transferkey && new.stack.last() != Some(&0)) {
        return Ok(());
    }
    Err(format!("`{}` left {copy:?} of {:?}", op.info().mnemonic, expected.key))
}

/// A copy that is to be.
struct Copy {
    key: Key,
    /// Whose list it is appended to, if it is not that of who runs.
    into: Option<Number>,
    /// How many keys stand behind it.
    from_end: usize,
}

/// The copy that the next instruction of a process makes, if it makes one.
fn expected(image: &Image<'_>, process: &Process<'_>) -> Option<(Op, Copy)> {
    let Body::Code(words) = &image.object(process.code)?.body else { return None };
    let op = Insn::decode(*words.get(usize::try_from(process.index).ok()?)?)?.op;
    let operand = |from_end: usize| process.stack.iter().nth_back(from_end).copied();
    let key = |slot: u64| {
        let key = process.keys.get(usize::try_from(slot).ok()?).copied().flatten()?;
        is_live(image, &key).then_some(key)
    };
    let own = |key: Key| Some((op, Copy { key, into: None, from_end: 0 }));
    match op {
        Op::Attenuate => {
            let old = key(operand(1)?)?;
            own(Key { rights: old.rights.and(Rights::from_bits(operand(0)?)), ..old })
        }
        Op::Gate => Some((op, Copy { key: key(operand(0)?)?, into: None, from_end: 1 })),
        Op::Seal => own(Key { seal: key(operand(0)?)?.object, ..key(operand(1)?)? }),
        Op::Unseal => {
            let (brand, sealed) = (key(operand(0)?)?, key(operand(1)?)?);
            let rights = sealed.rights.and(fetched_through(brand.rights));
            if sealed.seal == brand.object { own(Key { seal: 0, rights, ..sealed }) } else { None }
        }
        Op::Keyget => {
            let page = key(operand(1)?)?;
            let slot = usize::try_from(operand(0)?).ok()?;
            let keys = match &image.object(page.object)?.body {
                Body::Keys(keys) => keys,
                Body::Process(process) => &process.keys,
                _ => return None,
            };
            let old = keys.get(slot).copied().flatten()?;
            own(Key { rights: old.rights.and(fetched_through(page.rights)), ..old })
        }
        Op::Transferkey => {
            let (target, key) = (key(operand(1)?)?, key(operand(0)?)?);
            Some((op, Copy { key, into: Some(target.object), from_end: 0 }))
        }
        _ => None,
    }
}

fn process<'i, 'b>(image: &'i Image<'b>, number: Number) -> Option<&'i Process<'b>> {
    match &image.object(number)?.body {
        Body::Process(process) => Some(process),
        _ => None,
    }
}
