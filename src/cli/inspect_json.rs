//! An image as one JSON object. The names and the order of the fields are part of the interface.

use super::survey::{Survey, kind_name, right_names};
use keyvm::image::Hash;
use keyvm::isa::image::{Body, Call, Key, Number};
use serde::Serialize;

#[derive(Serialize)]
struct Whole {
    state_hash: String,
    next_number: Number,
    prime: Number,
    root: Number,
    chain: Vec<LinkJson>,
    request: Option<RequestJson>,
    processes: Vec<ProcessJson>,
    meters: Vec<MeterJson>,
    pages: Vec<PageJson>,
    gates: Vec<GateJson>,
    brands: Vec<Number>,
    hosts: Vec<HostJson>,
}

#[derive(Serialize)]
struct LinkJson {
    process: Number,
    call: &'static str,
    meter: Option<Number>,
    gas: Option<u64>,
    words: Option<u64>,
}

#[derive(Serialize)]
struct RequestJson {
    host: Number,
    words: Vec<u64>,
    keys: Vec<KeyJson>,
}

#[derive(Serialize)]
struct ProcessJson {
    number: Number,
    status: &'static str,
    trap: Option<&'static str>,
    index: u64,
    code: Number,
    meter: Number,
    data_words: usize,
    operands: usize,
    frames: usize,
    standing: bool,
    stopped: bool,
    callee: Option<Number>,
    keeper: Option<KeyJson>,
    keys: Vec<KeyJson>,
}

#[derive(Serialize)]
struct KeyJson {
    slot: usize,
    object: Number,
    kind: Option<&'static str>,
    rights: Vec<&'static str>,
    gate: Option<Number>,
    sealed: Option<Number>,
    live: bool,
}

#[derive(Serialize)]
struct MeterJson {
    number: Number,
    superior: Option<Number>,
    callee: Option<Number>,
    gas_used: Option<u64>,
    gas_limit: Option<u64>,
    words_used: u64,
    words_limit: Option<u64>,
    rent_used: Option<String>,
    rent_limit: Option<String>,
    stopped: bool,
    keeper: Option<KeyJson>,
}

#[derive(Serialize)]
struct PageJson {
    number: Number,
    kind: &'static str,
    words: Option<usize>,
    keys: Option<Vec<KeyJson>>,
    meter: Number,
}

#[derive(Serialize)]
struct GateJson {
    number: Number,
    parent: Option<Number>,
}

#[derive(Serialize)]
struct HostJson {
    number: Number,
    name: String,
}

/// A number, if it is one of an object.
const fn some(number: Number) -> Option<Number> {
    if number == 0 { None } else { Some(number) }
}

/// A limit, if there is one.
const fn limit(limit: u64) -> Option<u64> {
    if limit == u64::MAX { None } else { Some(limit) }
}

fn key(survey: &Survey<'_, '_>, slot: usize, key: &Key) -> KeyJson {
    KeyJson {
        slot,
        object: key.object,
        kind: survey.body(key.object).map(kind_name),
        rights: right_names(key.rights).collect(),
        gate: some(key.gate),
        sealed: some(key.seal),
        live: survey.is_live(key),
    }
}

fn keys(survey: &Survey<'_, '_>, keys: &[Option<Key>]) -> Vec<KeyJson> {
    let present = keys.iter().enumerate().filter_map(|(slot, key)| key.as_ref().map(|key| (slot, key)));
    present.map(|(slot, found)| key(survey, slot, found)).collect()
}

/// The object, in one line.
pub(super) fn json(survey: &Survey<'_, '_>, hash: Hash) -> String {
    let image = survey.image;
    let chain = image.chain.iter().map(|link| {
        let (call, meter, gas, words) = match link.call {
            Call::Invoke => ("invoke", None, None, None),
            Call::Keeper => ("keeper", None, None, None),
            Call::Recurse { meter, gas, words } => ("recurse", Some(meter), Some(gas), Some(words)),
        };
        LinkJson { process: link.process, call, meter, gas, words }
    });
    let processes = survey.processes().map(|(number, process)| ProcessJson {
        number,
        status: process.status.name(),
        trap: process.trap.map(keyvm::isa::Trap::name),
        index: process.index,
        code: process.code,
        meter: survey.object(number).map_or(0, |object| object.meter),
        data_words: process.data.len() / 8,
        operands: process.stack.len(),
        frames: process.frames.len(),
        standing: process.standing,
        stopped: process.stopped,
        callee: some(process.callee),
        keeper: process.keeper.as_ref().map(|keeper| key(survey, 0, keeper)),
        keys: keys(survey, &process.keys),
    });
    let mut whole = Whole {
        state_hash: hash.to_string(),
        next_number: image.next_number,
        prime: image.prime,
        root: image.root,
        chain: chain.collect(),
        request: image.request.as_ref().map(|request| RequestJson {
            host: request.host,
            words: request.words.clone(),
            keys: keys(survey, &request.keys),
        }),
        processes: processes.collect(),
        meters: Vec::new(),
        pages: Vec::new(),
        gates: Vec::new(),
        brands: Vec::new(),
        hosts: Vec::new(),
    };
    for object in &image.objects {
        let (number, meter) = (object.number, object.meter);
        let kind = kind_name(&object.body);
        let page = |words, keys| PageJson { number, kind, words, keys, meter };
        match &object.body {
            Body::Data(bytes) => whole.pages.push(page(Some(bytes.len() / 8), None)),
            Body::Code(words) => whole.pages.push(page(Some(words.len()), None)),
            Body::Keys(list) => whole.pages.push(page(None, Some(keys(survey, list)))),
            Body::Process(_) => {}
            Body::Meter(standing) => whole.meters.push(MeterJson {
                number,
                superior: some(meter),
                callee: None,
                gas_used: Some(standing.gas_used),
                gas_limit: limit(standing.gas_limit),
                words_used: survey.words_of_meter(number),
                words_limit: limit(standing.words_limit),
                rent_used: Some(standing.rent_used.to_string()),
                rent_limit: (standing.rent_limit != u128::MAX).then(|| standing.rent_limit.to_string()),
                stopped: standing.stopped,
                keeper: standing.keeper.as_ref().map(|keeper| key(survey, 0, keeper)),
            }),
            Body::CallMeter { callee, .. } => whole.meters.push(MeterJson {
                number,
                superior: some(meter),
                callee: Some(*callee),
                gas_used: None,
                gas_limit: None,
                words_used: survey.words_of_meter(number),
                words_limit: None,
                rent_used: None,
                rent_limit: None,
                stopped: false,
                keeper: None,
            }),
            Body::Gate { parent } => whole.gates.push(GateJson { number, parent: some(*parent) }),
            Body::Brand => whole.brands.push(number),
            Body::Host(name) => whole.hosts.push(HostJson { number, name: name.clone() }),
        }
    }
    line(&whole)
}

/// A line of JSON.
pub(super) fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}
