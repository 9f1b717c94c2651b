//! The second law, from the images before and after a stretch in which one process ran: who counts the gas that it used,
//! and what calls have left of what they were handed.

use super::reach::path;
use keyvm_isa::gas;
use keyvm_isa::image::{Body, Call, Image, Link, Meter, Number};
use std::collections::BTreeMap;

/// Gas for calling a keeper, which the keeper's meter pays.
pub(super) const KEEPER_GAS: u64 = 64;

/// Holds the books of a stretch in which control moved once at most, at its end, and `used` gas was used. `is_single` says
/// that it was one instruction, and that control did not move.
///
/// # Errors
/// What does not balance.
pub(super) fn balance(
    before: &Image<'_>,
    after: &Image<'_>,
    used: u64,
    is_single: bool,
) -> Result<(), String> {
    let mut paid = BTreeMap::new();
    let mut rest = used;
    if let Some(keeper) = entered_keeper(before, after) {
        rest = used.checked_sub(KEEPER_GAS).ok_or("a keeper was called for less than it costs")?;
        pay(&mut paid, after, keeper, KEEPER_GAS);
    }
    let payer = run_of(before).map_or(before.root, |base| before.chain[base].process);
    pay(&mut paid, before, payer, rest);
    let words = is_single.then(|| [before, after].map(words));
    for object in &after.objects {
        let Body::Meter(new) = &object.body else { continue };
        let fresh = Meter::UNLIMITED;
        let old = match before.object(object.number).map(|object| &object.body) {
            Some(Body::Meter(old)) => old,
            _ => &fresh,
        };
        let paid = paid.get(&object.number).copied().unwrap_or(0);
        meter(old, new, paid).map_err(|what| format!("meter {}: {what}", object.number))?;
        if let Some([words, now]) = &words {
            let of = |words: &BTreeMap<Number, u64>| words.get(&object.number).copied().unwrap_or(0);
            let (words, now, raised) = (of(words), of(now), raised(before, after));
            single(old, new, paid, (words, now, raised))
                .map_err(|what| format!("meter {}: {what}", object.number))?;
        }
    }
    calls(before, after, used, &paid)
}

/// The same of a stretch in which several processes ran: all of it counts in the prime meter, and nowhere more.
///
/// # Errors
/// What does not balance.
pub(super) fn total(before: &Image<'_>, after: &Image<'_>, used: u64) -> Result<(), String> {
    for object in &after.objects {
        let Body::Meter(new) = &object.body else { continue };
        let old = match before.object(object.number).map(|object| &object.body) {
            Some(Body::Meter(old)) => old.gas_used,
            _ => 0,
        };
        let counted = new.gas_used.checked_sub(old).unwrap_or(u64::MAX);
        if counted > used || (object.number == after.prime && counted != used) {
            return Err(format!("meter {}: {used} gas was used, and it counted {counted}", object.number));
        }
    }
    Ok(())
}

/// What one meter counts, of which `paid` gas was used below it.
fn meter(old: &Meter, new: &Meter, paid: u64) -> Result<(), String> {
    if new.gas_used.checked_sub(old.gas_used) != Some(paid) {
        return Err(format!(
            "{paid} gas was used below it, and it counted {}, now {}",
            old.gas_used, new.gas_used
        ));
    }
    let counts_rent = |meter: &Meter| meter.rent_limit != u128::MAX;
    let may = paid > 0 && (counts_rent(old) || counts_rent(new));
    if new.rent_used != old.rent_used && !(may && new.rent_used > old.rent_used) {
        return Err(format!("it counted {} of rent, now {}", old.rent_used, new.rent_used));
    }
    Ok(())
}

/// The same of one instruction: rent to the unit, and no count past its limit.
fn single(old: &Meter, new: &Meter, paid: u64, words: (u64, u64, u64)) -> Result<(), String> {
    let (words, now, raised) = words;
    // For the words that are charged after capacities were raised, which may have been charged elsewhere.
    let rent = new.rent_used - old.rent_used;
    let of = |words: u64| u128::from(paid) * u128::from(words);
    if old.rent_limit != u128::MAX && rent != of(words) && rent != of(words + raised) {
        return Err(format!("{paid} gas at {words} words, {raised} of them raised, gave {rent} of rent"));
    }
    let passes = |used: u128, before: u128, limit: u128, limit_before: u128| {
        used > limit && used > before && limit >= limit_before
    };
    if passes(new.gas_used.into(), old.gas_used.into(), new.gas_limit.into(), old.gas_limit.into()) {
        return Err(format!("it counts {} gas, and its limit is {}", new.gas_used, new.gas_limit));
    }
    if passes(now.into(), words.into(), new.words_limit.into(), old.words_limit.into()) {
        return Err(format!("it counts {now} words, and its limit is {}", new.words_limit));
    }
    if passes(new.rent_used, old.rent_used, new.rent_limit, old.rent_limit) {
        return Err(format!("it counts {} of rent, and its limit is {}", new.rent_used, new.rent_limit));
    }
    Ok(())
}

/// The keeper that was called at the end of a stretch.
fn entered_keeper(before: &Image<'_>, after: &Image<'_>) -> Option<Number> {
    let last = after.chain.last()?;
    (after.chain.len() > before.chain.len() && last.call == Call::Keeper).then_some(last.process)
}

/// The place of the link that the last run of the chain began with.
fn run_of(image: &Image<'_>) -> Option<usize> {
    image.chain.iter().rposition(|link| !matches!(link.call, Call::Recurse { .. }))
}

/// All standing meters above a process that runs under the meter it is charged to, and the meters of the calls in which
/// these were made: not of calls above those, which had set aside what they handed on.
fn pay(paid: &mut BTreeMap<Number, u64>, image: &Image<'_>, process: Number, gas: u64) {
    let meter = image.object(process).map_or(0, |object| object.meter);
    let mut in_row = false;
    for meter in path(image, meter) {
        let is_call = is_call_meter(image, meter);
        if !(is_call && in_row) {
            *paid.entry(meter).or_insert(0) += gas;
        }
        in_row = is_call;
    }
}

fn is_call_meter(image: &Image<'_>, meter: Number) -> bool {
    matches!(image.object(meter).map(|object| &object.body), Some(Body::CallMeter { .. }))
}

const fn handed(link: &Link) -> Option<(Number, u64)> {
    match link.call {
        Call::Recurse { meter, gas, .. } => Some((meter, gas)),
        Call::Invoke | Call::Keeper => None,
    }
}

/// What calls were handed is set aside: within a run it becomes less by what is used, whoever of the run has it.
fn calls(
    before: &Image<'_>,
    after: &Image<'_>,
    used: u64,
    paid: &BTreeMap<Number, u64>,
) -> Result<(), String> {
    let same = before.chain.iter().zip(&after.chain);
    let same = same.take_while(|(old, new)| {
        old.process == new.process && handed(old).map(|call| call.0) == handed(new).map(|call| call.0)
    });
    let same = same.count();
    let Some(base) = run_of(before) else { return Ok(()) };
    // Below the run, only calls in which a meter of the run was made pay for it; the last one gets back what it had handed on.
    for (place, (old, new)) in
        before.chain.iter().zip(&after.chain).enumerate().take(same.saturating_sub(1).min(base))
    {
        let (Some((meter, had)), Some((_, has))) = (handed(old), handed(new)) else { continue };
        let paid = paid.get(&meter).copied().unwrap_or(0);
        if had.checked_sub(paid) != Some(has) {
            return Err(format!(
                "link {place} had {had} gas, {paid} of it was used, and it has {has}; the chain was {:?}, and is {:?}",
                before.chain, after.chain
            ));
        }
    }
    // The first of the run was handed what its caller does not have less for it.
    let is_kept = same > base + 1 && run_of(after) == Some(base);
    let sum =
        |image: &Image<'_>| -> u64 { image.chain[base..].iter().filter_map(handed).map(|call| call.1).sum() };
    if is_kept && sum(before).checked_sub(used) != Some(sum(after)) {
        return Err(format!(
            "the calls of a run had {} gas together, {used} was used, and they have {}",
            sum(before),
            sum(after)
        ));
    }
    Ok(())
}

/// The words that the capacities of the running process rose by.
fn raised(before: &Image<'_>, after: &Image<'_>) -> u64 {
    let capacities = |image: &Image<'_>| -> Option<u64> {
        let number = image.chain.last()?.process;
        match &image.object(number)?.body {
            Body::Process(process) => Some(
                u64::from(process.stack_capacity)
                    + u64::from(process.frame_capacity) * gas::FRAME_WORDS
                    + u64::from(process.key_capacity) * gas::KEY_SLOT_WORDS,
            ),
            _ => None,
        }
    };
    let (old, new) = (capacities(before).unwrap_or(0), capacities(after).unwrap_or(0));
    new.saturating_sub(old)
}

/// The words that meters count, summed up from the prices of what is charged.
#[must_use]
pub fn words(image: &Image<'_>) -> BTreeMap<Number, u64> {
    let mut grown: BTreeMap<Number, u64> = BTreeMap::new();
    for object in &image.objects {
        if let Body::CallMeter { callee, own_words } = object.body {
            *grown.entry(callee).or_insert(0) += own_words;
        }
    }
    let mut words = BTreeMap::new();
    for object in &image.objects {
        let price = match &object.body {
            Body::Data(bytes) => gas::PAGE_WORDS + bytes.len() as u64 / 8,
            Body::Code(words) => gas::PAGE_WORDS + words.len() as u64,
            Body::Keys(keys) => gas::PAGE_WORDS + keys.len() as u64 * gas::KEY_SLOT_WORDS,
            Body::Process(process) => {
                let beyond = |capacity: u32, included: u32| u64::from(capacity - included);
                gas::PROCESS_WORDS
                    + process.data.len() as u64 / 8
                    + beyond(process.stack_capacity, gas::STACK_INCLUDED)
                    + beyond(process.frame_capacity, gas::FRAMES_INCLUDED) * gas::FRAME_WORDS
                    + beyond(process.key_capacity, gas::KEYS_INCLUDED) * gas::KEY_SLOT_WORDS
                    - grown.get(&object.number).copied().unwrap_or(0)
            }
            Body::Meter(_) => gas::METER_WORDS,
            Body::CallMeter { own_words, .. } => gas::METER_WORDS + own_words,
            Body::Gate { .. } => gas::GATE_WORDS,
            Body::Brand => gas::BRAND_WORDS,
            Body::Host(_) => gas::HOST_WORDS,
        };
        for meter in path(image, object.meter) {
            *words.entry(meter).or_insert(0) += price;
        }
    }
    words
}
