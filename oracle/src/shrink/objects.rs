//! Fewer objects, fewer keys, plainer contents.

use super::{Case, Shrinker};
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{Body, Image, Key, Meter, Number, Object, Process};
use std::borrow::Cow;
use std::ops::Range;

/// Takes all keys out for which `is_gone` says so.
fn drop_keys(image: &mut Image<'_>, is_gone: &dyn Fn(&Key) -> bool) {
    let drop = |key: &mut Option<Key>| {
        if key.as_ref().is_some_and(is_gone) {
            *key = None;
        }
    };
    for object in &mut image.objects {
        match &mut object.body {
            Body::Keys(keys) => keys.iter_mut().for_each(drop),
            Body::Meter(meter) => drop(&mut meter.keeper),
            Body::Process(process) => {
                process.keys.iter_mut().for_each(drop);
                drop(&mut process.keeper);
            }
            _ => {}
        }
    }
}

/// Takes objects out, with all keys to them. What was charged to a meter among them is charged to the prime meter.
fn remove(image: &mut Image<'_>, range: Range<usize>) {
    let (prime, root) = (image.prime, image.root);
    let gone: Vec<Number> = image
        .objects
        .get(range)
        .unwrap_or_default()
        .iter()
        .map(|object| object.number)
        .filter(|&number| number != prime && number != root)
        .collect();
    image.objects.retain(|object| !gone.contains(&object.number));
    drop_keys(image, &|key| gone.contains(&key.object));
    for object in &mut image.objects {
        if gone.contains(&object.meter) {
            object.meter = prime;
        }
    }
    image.debug.names.retain(|name| !gone.contains(&name.0));
    image.debug.code.retain(|code| !gone.contains(&code.0));
}

fn process(case: &mut Case, at: usize) -> Option<&mut Process<'static>> {
    match &mut case.image.objects.get_mut(at)?.body {
        Body::Process(process) => Some(process),
        _ => None,
    }
}

/// The data of a page or a process.
fn bytes(case: &mut Case, at: usize) -> Option<&mut Cow<'static, [u8]>> {
    match &mut case.image.objects.get_mut(at)?.body {
        Body::Data(bytes) => Some(bytes),
        Body::Process(process) => Some(&mut process.data),
        _ => None,
    }
}

/// The keys that an object holds.
fn keys(case: &mut Case, at: usize) -> Option<&mut Vec<Option<Key>>> {
    match &mut case.image.objects.get_mut(at)?.body {
        Body::Keys(keys) => Some(keys),
        Body::Process(process) => Some(&mut process.keys),
        _ => None,
    }
}

impl Shrinker<'_> {
    pub(super) fn objects(&mut self) -> bool {
        let mut changed = self.keeps(|case| case.image.debug = DebugInfo::default());
        let objects = self.case.image.objects.len();
        changed |=
            self.ranges(objects, |shrinker, range| shrinker.keeps(|case| remove(&mut case.image, range)));
        changed |= self.keeps(|case| {
            let last = case.image.objects.last().map_or(0, |object| object.number);
            case.image.next_number = last + 1;
        });
        for at in (0..self.case.image.objects.len()).rev() {
            changed |= self.keys(at);
            changed |= self.contents(at);
            changed |= self.fields(at);
        }
        changed
    }

    fn keys(&mut self, at: usize) -> bool {
        // The first is a process's key to itself.
        let length = keys(&mut self.case, at).map_or(0, |keys| keys.len());
        let mut changed = self.ranges(length, |shrinker, range| {
            shrinker.keeps(|case| {
                let Some(keys) = keys(case, at) else { return };
                keys.iter_mut()
                    .enumerate()
                    .filter(|(slot, _)| range.contains(slot))
                    .for_each(|(_, key)| *key = None);
            })
        });
        changed |= self.keeps(|case| {
            let Some(keys) = keys(case, at) else { return };
            let used = keys.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            keys.truncate(used);
        });
        changed |= self.keeps(|case| {
            let Some(keys) = keys(case, at) else { return };
            keys.iter_mut().flatten().for_each(|key| (key.gate, key.seal) = (0, 0));
        });
        changed
    }

    fn contents(&mut self, at: usize) -> bool {
        let words = |case: &mut Case| bytes(case, at).map_or(0, |bytes| bytes.len() / 8);
        let mut changed = false;
        // Shorter, by halves.
        loop {
            let now = words(&mut self.case);
            let shorter = now > 0
                && self.keeps(|case| {
                    let Some(bytes) = bytes(case, at) else { return };
                    bytes.to_mut().truncate(now / 2 * 8);
                });
            if !shorter {
                break;
            }
            changed = true;
        }
        let length = words(&mut self.case);
        changed |= self.ranges(length, |shrinker, range| {
            shrinker.keeps(|case| {
                let Some(bytes) = bytes(case, at) else { return };
                let bytes = bytes.to_mut();
                let end = (range.end * 8).min(bytes.len());
                bytes[(range.start * 8).min(end)..end].fill(0);
            })
        });
        changed
    }

    /// What a process or a meter has besides.
    fn fields(&mut self, at: usize) -> bool {
        let operands = process(&mut self.case, at).map_or(0, |process| process.stack.len());
        let mut changed = self.ranges(operands, |shrinker, range| {
            shrinker.keeps(|case| {
                let Some(process) = process(case, at) else { return };
                process.stack.to_mut()[range].fill(0);
            })
        });
        let plain: [fn(&mut Process<'static>); 5] = [
            |process| process.keeper = None,
            |process| process.random = 0,
            |process| process.key_capacity = 8,
            |process| process.stack_maximum = 1 << 14,
            |process| (process.trap, process.amount) = (None, 0),
        ];
        for plain in plain {
            changed |= self.keeps(|case| {
                if let Some(process) = process(case, at) {
                    plain(process);
                }
            });
        }
        let unlimited = |object: &mut Object<'_>| {
            if let Body::Meter(meter) = &mut object.body {
                **meter = Meter { gas_used: meter.gas_used, ..Meter::UNLIMITED };
            }
        };
        changed | self.keeps(|case| case.image.objects.iter_mut().skip(at).take(1).for_each(unlimited))
    }
}
