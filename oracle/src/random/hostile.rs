//! Images spoilt field by field.

use super::Random;
use keyvm_isa::debug::{CodeDebug, CodeDebugBuilder};
use keyvm_isa::image::{Body, Call, Frame, Image, Key, Link, Object, Request, Suspended};
use keyvm_isa::{Rights, Status, Trap};
use std::borrow::Cow;

/// Values that are at the end of something.
pub const EXTREMES: [u64; 22] = [
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    17,
    64,
    255,
    4096,
    4097,
    1 << 16,
    (1 << 20) - 1,
    1 << 24,
    1 << 28,
    u32::MAX as u64,
    1 << 32,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// How many fields [`set_object`] knows at most.
pub const OBJECT_FIELDS: usize = 48;
/// How many fields [`set_head`] knows.
pub const HEAD_FIELDS: usize = 18;

const fn low(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}

fn set_key(key: &mut Option<Key>, part: usize, value: u64) {
    let old = key.unwrap_or(Key { object: 1, rights: Rights::ALL, gate: 0, seal: 0 });
    *key = match part {
        0 => Some(Key { object: value, ..old }),
        1 => Some(Key { rights: Rights::from_bits(value), ..old }),
        2 => Some(Key { gate: value, ..old }),
        3 => Some(Key { seal: value, ..old }),
        _ => None,
    };
}

/// Debug information that is short or long, and names an instruction that a code page may have or not.
fn code_debug(value: u64) -> CodeDebug<'static> {
    let mut builder = CodeDebugBuilder::new();
    let index = low(value);
    for _ in 0..value % 50 {
        builder.name(index, &"long".repeat(60), true);
    }
    builder.finish(value.max(index.into()))
}

/// Sets field `field` of the image itself. False if there is nothing to set.
pub fn set_head(image: &mut Image<'_>, field: usize, value: u64) -> bool {
    let last = image.chain.len().wrapping_sub(1);
    match field {
        0 => image.next_number = value,
        1 => image.prime = value,
        2 => image.root = value,
        3 => image.chain.push(Link { process: value, call: Call::Invoke }),
        4 => image.chain.push(Link { process: image.root, call: Call::Keeper }),
        5 => {
            image
                .chain
                .push(Link { process: image.root, call: Call::Recurse { meter: value, gas: 1, words: 1 } });
        }
        6 => return image.chain.pop().is_some(),
        7 | 8 => match image.chain.get_mut(if field == 7 { 0 } else { last }) {
            Some(link) => link.process = value,
            None => return false,
        },
        9 => match image.chain.get_mut(last).map(|link| &mut link.call) {
            Some(Call::Recurse { meter, .. }) => *meter = value,
            _ => return false,
        },
        10 => match image.chain.get_mut(last).map(|link| &mut link.call) {
            Some(Call::Recurse { gas, .. }) => *gas = value,
            _ => return false,
        },
        11 => match image.chain.get_mut(last).map(|link| &mut link.call) {
            Some(Call::Recurse { words, .. }) => *words = value,
            _ => return false,
        },
        12 => image.request = Some(Request { host: value, words: vec![value; 3], keys: vec![None; 2] }),
        13 => match image.debug.names.last_mut() {
            Some(name) => name.0 = value,
            None => return false,
        },
        14 => match image.debug.names.first_mut() {
            Some(name) => name.1 = "\u{1}x".repeat((value % 300) as usize).into(),
            None => return false,
        },
        15 => match image.debug.code.first_mut() {
            Some(code) => code.0 = value,
            None => return false,
        },
        16 => match image.debug.code.last_mut() {
            Some(code) => code.1 = code_debug(value),
            None => return false,
        },
        _ => match &mut image.request {
            Some(request) => request.words = vec![1; (value % 600) as usize],
            None => return false,
        },
    }
    true
}

/// Sets field `field` of an object. False if it has no such field.
pub fn set_object(object: &mut Object<'_>, field: usize, value: u64) -> bool {
    match field {
        0 => object.number = value,
        1 => object.meter = value,
        _ => return set_body(&mut object.body, field - 2, value),
    }
    true
}

fn set_body(body: &mut Body<'_>, field: usize, value: u64) -> bool {
    let small = (value % 5000) as usize;
    match (body, field) {
        (Body::Data(bytes), 0) => *bytes = Cow::Owned(vec![1; small]),
        (Body::Code(words), 0) => *words = Cow::Owned(vec![value; small]),
        (Body::Code(words), 1..6) => {
            let length = words.len();
            let Some(at) = length.checked_sub(field) else { return false };
            words.to_mut()[at] = value;
        }
        (Body::Keys(keys), 0) => keys.resize(small, None),
        (Body::Keys(keys), 1..6) => {
            let Some(key) = keys.first_mut() else { return false };
            set_key(key, field - 1, value);
        }
        (Body::Meter(meter), _) => match field {
            0 => meter.gas_used = value,
            1 => meter.gas_limit = value,
            2 => meter.words_limit = value,
            3 => meter.rent_used = u128::from(value) << (value % 65),
            4 => meter.rent_limit = u128::from(value) << (value % 65),
            5 => meter.stopped = value % 2 == 1,
            6..11 => set_key(&mut meter.keeper, field - 6, value),
            _ => return false,
        },
        (Body::CallMeter { callee, .. }, 0) => *callee = value,
        (Body::CallMeter { own_words, .. }, 1) => *own_words = value,
        (Body::Gate { parent }, 0) => *parent = value,
        (Body::Host(name), 0) => *name = "x".repeat(small),
        (Body::Process(process), _) => match field {
            0 => process.code = value,
            1 => {
                let Some(status) = u8::try_from(value).ok().and_then(Status::from_number) else {
                    return false;
                };
                process.status = status;
            }
            2 => process.index = value,
            3 => process.progress = value,
            4 => process.stack = Cow::Owned(vec![value; small]),
            5 => process.stack_capacity = low(value),
            6 => process.stack_maximum = low(value),
            7..10 => {
                let mut frame = Frame { return_index: 0, base: 0, typ: 0 };
                match field {
                    7 => frame.return_index = low(value),
                    8 => frame.base = low(value),
                    _ => frame.typ = low(value),
                }
                process.frames.to_mut().push(frame);
            }
            10 => process.frame_capacity = low(value),
            11 => process.data = Cow::Owned(vec![2; small]),
            12 => process.keys.resize(small, None),
            13..18 => {
                let Some(key) = process.keys.first_mut() else { return false };
                set_key(key, field - 13, value);
            }
            18..23 => {
                let Some(key) = process.keys.last_mut() else { return false };
                set_key(key, field - 18, value);
            }
            23 => process.key_capacity = low(value),
            24 => process.random = value,
            25 => process.message_words = (value & 255) as u8,
            26 => process.message_keys = (value & 255) as u8,
            27 => process.trap = u8::try_from(value).ok().and_then(Trap::from_number),
            28 => process.amount = value,
            29 => process.standing = value % 2 == 1,
            30 => process.stopped = value % 2 == 1,
            31..36 => set_key(&mut process.keeper, field - 31, value),
            36 => process.callee = value,
            37 => process.suspended = Some(Suspended::Recurse { gas: value, words: value }),
            38 => process.suspended = Some(Suspended::Invoke),
            39 => process.suspended = None,
            40 => process.gas_seen = value,
            41 => process.words_seen = value,
            42 => process.caller = value,
            _ => return false,
        },
        _ => return false,
    }
    true
}

/// Spoils a few fields, with extreme values and with numbers of objects that there are.
pub fn spoil(random: &mut Random, image: &mut Image<'_>) {
    for _ in 0..random.within(1, 4) {
        let value = match random.below(3) {
            0 => random.pick(&EXTREMES),
            1 => random.word(),
            _ => random.below(image.next_number.min(1 << 20) + 2),
        };
        if random.percent(20) || image.objects.is_empty() {
            set_head(image, random.index(HEAD_FIELDS), value);
            continue;
        }
        let at = random.index(image.objects.len());
        if random.percent(5) {
            let gone = image.objects.remove(at).number;
            image.debug.names.retain(|name| name.0 != gone);
            image.debug.code.retain(|code| code.0 != gone);
            continue;
        }
        for _ in 0..4 {
            if set_object(&mut image.objects[at], random.index(OBJECT_FIELDS), value) {
                break;
            }
        }
    }
}
