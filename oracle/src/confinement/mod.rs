//! Whether processes stay within their keys, and whether the books balance, at every transfer of control.
//!
//! A [`survey`] runs an image instruction by instruction and looks at it whenever control has moved: at each call, result,
//! trap, entry of a keeper and return from it, and where something ran dry. When a process is called, what it can reach is
//! computed from the image ([`Reach`]), by rules that are read from the specification and know nothing of the kernel; when
//! its call is over, everything out of its reach must be as it was, and so it must be in the end with all that ran. What
//! the fourth law excepts is told apart by what of an object changes ([`Changes`]): of superior meters the counts, of the
//! caller what a result leaves. A keeper that was not in reach runs with its own keys from then on.

mod books;
mod calls;
mod changes;
mod copies;
mod reach;

pub use books::words;
pub use changes::Changes;
pub use reach::Reach;

use crate::divergence::Divergence;
use crate::pair::{self, Report};
use crate::panics::caught;
use crate::random::own;
use crate::subject::{Next, Observation, Subject};
use keyvm_isa::image::{Body, Call, Image, Key, Link, Number, Object};
use keyvm_isa::{Rights, Status};
use reach::{is_live, path};
use std::rc::Rc;

/// Events that are no pauses in one survey at most.
const EVENTS: usize = 64;

/// Calls within calls that are watched at most, besides the whole run.
const WATCHED: usize = 6;

/// Of so many instructions one is looked at alone.
const ALONE: u64 = 8;

/// A slice of so much gas has room for a call behind something that cost nothing.
const DEAR: u64 = 32;

/// Where control was for a stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Gas used before it.
    pub start: u64,
    /// Gas used at its end.
    pub end: u64,
    /// Calls deep.
    pub depth: usize,
    /// Whether a keeper was at work.
    pub is_kept: bool,
}

/// What came of a survey in which everything held.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// What ran and was looked at.
    pub report: Report,
    /// Where control was, in order.
    pub stretches: Vec<Stretch>,
}

/// Runs an image for at most `gas` gas, and holds it to the second and the fourth law at every transfer of control. `None`
/// if the image is refused.
///
/// # Errors
/// If one of them does not hold, if it panics, or if something does not hold that holds of all machines.
pub fn survey<S: Subject>(
    image: &Image<'_>,
    engine: &S::Engine,
    gas: u64,
) -> Result<Option<Survey>, Box<Divergence>> {
    let mut used = 0;
    let surveyed = caught(|| match Walk::<S>::new(image, engine) {
        Some(mut walk) => {
            let walked = walk.run(gas);
            used = walk.used;
            walked.map(|()| Some(walk.survey))
        }
        None => Ok(None),
    });
    surveyed.unwrap_or_else(Err).map_err(|difference| {
        let file = caught(|| S::take(image, engine).map(|mut side| side.save())).ok().flatten();
        let (image, steps) = (file.unwrap_or_default(), vec![pair::Step::Run(gas)]);
        Box::new(Divergence { gas: used, difference, image, seed: None, steps })
    })
}

/// What was done between two moments.
struct Step {
    gas: u64,
    /// It is one instruction since the machine was looked at.
    is_single: bool,
    /// More than one was executed.
    is_several: bool,
}

/// A call that is watched, or the whole run.
#[derive(Clone)]
struct Watched {
    /// The link of the chain; none for the whole run.
    link: Option<(usize, Link)>,
    before: Rc<Image<'static>>,
    reach: Reach,
}

struct Walk<S: Subject> {
    side: S,
    start: u64,
    /// Gas used so far.
    used: u64,
    /// As it was looked at last, and the gas used until then.
    last: Rc<Image<'static>>,
    looked: u64,
    whole: Watched,
    calls: Vec<Watched>,
    survey: Survey,
}

impl<S: Subject> Walk<S> {
    fn new(image: &Image<'_>, engine: &S::Engine) -> Option<Self> {
        let mut side = S::take(image, engine)?;
        let start = side.observe().gas.0;
        let last = Rc::new(own(&side.image()));
        let runners = last.chain.iter().map(|link| link.process).chain([last.root]);
        let reach = Reach::of(&last, runners, last.chain.iter().filter_map(call_meter));
        let whole = Watched { link: None, before: Rc::clone(&last), reach };
        let (calls, survey) = Default::default();
        Some(Self { side, start, used: 0, last, looked: 0, whole, calls, survey })
    }

    fn run(&mut self, gas: u64) -> Result<(), String> {
        let (mut slice, mut events, mut steps) = (1, 0, 0);
        let Observation { mut depth, mut instructions, .. } = self.side.observe();
        while slice <= gas - self.used {
            let event = self.side.run(slice);
            let seen = self.side.observe();
            let now = seen.gas.0 - self.start;
            let next = S::next(&event);
            let moved = seen.depth != depth || next != Next::Paused;
            if now == self.used && !moved {
                // The next instruction costs more.
                slice += 1;
                continue;
            }
            let step = Step {
                gas: now - self.used,
                is_single: !moved && steps % ALONE == 0 && self.looked == self.used,
                is_several: seen.instructions > instructions + 1,
            };
            let is_dear = slice >= DEAR;
            (slice, self.used, depth, instructions) = (1, now, seen.depth, seen.instructions);
            steps += 1;
            if moved || is_dear || step.is_several || steps % ALONE < 2 {
                self.look(&step)?;
            }
            match next {
                Next::Answer => {
                    self.side.answer(self.start + now);
                    self.last = Rc::new(own(&self.side.image()));
                }
                Next::Nothing | Next::Refuel(_) => break,
                Next::Paused => continue,
                Next::Run => {}
            }
            events += 1;
            if events == EVENTS {
                break;
            }
        }
        self.look(&Step { gas: 0, is_single: false, is_several: false })?;
        self.side.check_all()?;
        self.survey.report.instructions += self.side.observe().instructions;
        let after = Rc::clone(&self.last);
        for call in self.calls.iter().chain([&self.whole]) {
            self.survey.report.beyond += call.check(&after, false)?;
        }
        Ok(())
    }

    /// Looks at the machine after control has moved, or an instruction was executed alone.
    fn look(&mut self, step: &Step) -> Result<(), String> {
        self.side.check()?;
        let before = Rc::clone(&self.last);
        let after = Rc::new(own(&self.side.image()));
        let ran = callers_that_ran(&before, &after);
        // What traps only when its whole cost is there leaves the rest of that to the keeper.
        let is_asked = after.chain.len() > before.chain.len()
            && after.chain.last().is_some_and(|link| link.call == Call::Keeper);
        let keeper_ran = is_asked && step.gas > books::KEEPER_GAS;
        let is_loose =
            step.is_several || keeper_ran || ran < after.chain.len() || goes_on(&before, &after, step.gas);
        let used = self.used - self.looked;
        if is_loose {
            books::total(&before, &after, used)?;
        } else {
            books::balance(&before, &after, used, step.is_single)?;
        }
        if step.is_single {
            copies::made(&before, &after)?;
        }
        if !is_loose {
            calls::begun(&before, &after)?;
        }
        self.note_stretch(&before);
        (self.looked, self.last) = (self.used, Rc::clone(&after));
        self.survey.report.loose += u64::from(is_loose);
        // Calls of those that may have run on.
        let others = || {
            let mut others = Reach::default();
            for image in [&before, &after].into_iter().filter(|_| is_loose) {
                let runners = image.chain.iter().map(|link| link.process).chain([image.root]);
                others.add(&Reach::of(image, runners, image.chain.iter().filter_map(call_meter)));
            }
            others
        };
        if before.chain == after.chain && !is_loose {
            return Ok(());
        }
        if is_loose && step.gas > books::KEEPER_GAS {
            // One may have been asked, and have answered.
            for keeper in keepers(&before) {
                self.let_run(&after, keeper);
            }
        }
        // Calls that are over.
        while let Some(call) = self.calls.last()
            && (call.is_over(&after) || call.link.is_some_and(|(place, _)| place > ran))
        {
            let mut call = call.clone();
            call.reach.add(&others());
            self.survey.report.beyond += call.check(&after, true)?;
            self.survey.report.calls += 1;
            self.calls.pop();
        }
        self.survey.report.transfers += 1;
        let called = (after.chain.len() > before.chain.len()).then(|| after.chain.split_last()).flatten();
        if let Some((link, _)) = called.filter(|(link, _)| link.call == Call::Keeper) {
            self.ask_keeper(&after, link.process)?;
        }
        if let Some(call) = self.calls.last() {
            call.check(&after, false)?;
        }
        if let Some((&link, below)) = called
            && !below.is_empty()
            && self.calls.len() < WATCHED
        {
            let reach = Reach::of(&after, [link.process], call_meter(&link));
            self.calls.push(Watched { link: Some((below.len(), link)), before: after, reach });
        }
        Ok(())
    }

    /// Notes where control was since it was looked at last.
    fn note_stretch(&mut self, before: &Image<'_>) {
        let (depth, start, end) = (before.chain.len(), self.looked, self.used);
        let is_kept = before.chain.iter().any(|link| link.call == Call::Keeper);
        match self.survey.stretches.last_mut() {
            Some(last) if (last.depth, last.is_kept) == (depth, is_kept) => last.end = end,
            _ if start == end => {}
            _ => self.survey.stretches.push(Stretch { start, end, depth, is_kept }),
        }
    }

    /// A keeper was called: it must be one, and runs with its own keys from now on.
    fn ask_keeper(&mut self, image: &Image<'_>, keeper: Number) -> Result<(), String> {
        self.survey.report.keepers += 1;
        let stopped = image.chain.iter().nth_back(1).map_or(0, |link| link.process);
        if !is_keeper(image, keeper) {
            return Err(format!("process {keeper} was asked, which is nobody's keeper here"));
        }
        // It has a key to the process that stopped, too.
        let knows =
            |call: &Watched| call.reach.runs(keeper) && call.reach.allows(stopped).touches(Changes::STOPPED);
        if !self.calls.iter().chain([&self.whole]).all(knows) {
            self.let_run(image, keeper);
        }
        Ok(())
    }

    /// A keeper runs with its own keys from now on.
    fn let_run(&mut self, image: &Image<'_>, keeper: Number) {
        for call in self.calls.iter_mut().chain([&mut self.whole]) {
            let first = call.before.next_number;
            let made = image.objects.iter().filter(|object| object.number >= first);
            let made = made.filter(|object| matches!(object.body, Body::Process(_)));
            let runners: Vec<Number> =
                call.reach.runners().chain(made.map(|object| object.number)).chain([keeper]).collect();
            call.reach.add(&Reach::of(image, runners, []));
        }
    }
}

/// The place of the lowest link of both chains that waits and has run all the same: what traps costs nothing, so that its
/// caller went on with the gas that there was for it. The length of the chain now, if there is none.
fn callers_that_ran(before: &Image<'_>, after: &Image<'_>) -> usize {
    let both = before.chain.len().min(after.chain.len()).saturating_sub(1);
    let ran = (0..both).find(|&place| {
        let [old, new] = [before, after].map(|image| image.object(image.chain[place].process));
        let is_other = before.chain[place].process != after.chain[place].process;
        is_other || !matches!((old, new), (Some(old), Some(new)) if stands_as(old, new))
    });
    ran.unwrap_or(after.chain.len())
}

/// Whether a process that waits is where it was.
fn stands_as(old: &Object<'_>, new: &Object<'_>) -> bool {
    match (&old.body, &new.body) {
        (Body::Process(old), Body::Process(new)) => {
            (old.index, &old.stack, &old.frames) == (new.index, &new.stack, &new.frames)
        }
        _ => false,
    }
}

/// Whether the process that ran has trapped or run dry, with no keeper to be asked, and who had called it went on.
fn goes_on(before: &Image<'_>, after: &Image<'_>, gas: u64) -> bool {
    let ended = before.chain.last().filter(|_| gas > 0 && after.chain.len() < before.chain.len());
    match ended.and_then(|link| after.object(link.process)).map(|object| &object.body) {
        Some(Body::Process(process)) => matches!(
            process.status,
            Status::Trapped | Status::OutOfGas | Status::OutOfWords | Status::Stopped | Status::Suspended
        ),
        _ => false,
    }
}

const fn call_meter(link: &Link) -> Option<Number> {
    match link.call {
        Call::Recurse { meter, .. } => Some(meter),
        Call::Invoke | Call::Keeper => None,
    }
}

/// All that can be asked about those in the chain.
fn keepers(image: &Image<'_>) -> Vec<Number> {
    let processes = image.chain.iter().filter_map(|link| image.object(link.process));
    let above = processes.flat_map(|process| {
        let meters = path(image, process.meter).into_iter().filter_map(|meter| image.object(meter));
        [process].into_iter().chain(meters)
    });
    let mut keepers: Vec<Number> = above.filter_map(keeper_of).map(|key| key.object).collect();
    keepers.sort_unstable();
    keepers.dedup();
    keepers
}

fn keeper_of<'i>(object: &'i Object<'_>) -> Option<&'i Key> {
    match &object.body {
        Body::Process(process) => process.keeper.as_ref(),
        Body::Meter(meter) => meter.keeper.as_ref(),
        _ => None,
    }
}

/// Whether the last process of the chain is a keeper of the one that it was called for: of that process, or of a meter that
/// it runs under.
fn is_keeper(image: &Image<'_>, keeper: Number) -> bool {
    let Some((_, below)) = image.chain.split_last() else { return false };
    let Some(stopped) = below.last() else { return false };
    let base = below.iter().rfind(|link| call_meter(link).is_none());
    let meter = base.and_then(|base| image.object(base.process)).map_or(0, |object| object.meter);
    let meters = path(image, meter).into_iter().filter_map(|meter| image.object(meter));
    image.object(stopped.process).into_iter().chain(meters).any(|object| {
        keeper_of(object).is_some_and(|key| {
            key.object == keeper && key.seal == 0 && key.rights.has(Rights::CALL) && is_live(image, key)
        })
    })
}

/// Who had called whom, and who has.
fn chains_text(before: &Image<'_>, after: &Image<'_>) -> String {
    let text = |image: &Image<'_>| {
        let numbers: Vec<Number> = image.chain.iter().map(|link| link.process).collect();
        format!("{numbers:?}")
    };
    format!("the chain was {}, and is {}", text(before), text(after))
}

/// The keys that an object holds.
fn keys<'a>(object: &'a Object<'_>) -> impl Iterator<Item = &'a Key> {
    let list: &[Option<Key>] = match &object.body {
        Body::Keys(keys) => keys,
        Body::Process(process) => &process.keys,
        _ => &[],
    };
    list.iter().flatten().chain(keeper_of(object))
}

impl Watched {
    /// Whether the call is over.
    fn is_over(&self, after: &Image<'_>) -> bool {
        let same = |(place, link): (usize, Link)| {
            after
                .chain
                .get(place)
                .is_some_and(|now| now.process == link.process && call_meter(now) == call_meter(&link))
        };
        !self.link.is_some_and(same)
    }

    /// Looks at all objects that there were, and at all keys that there are. Gives how many objects were out of reach.
    fn check(&self, after: &Image<'_>, is_over: bool) -> Result<u64, String> {
        let whose = match self.link {
            Some((_, link)) => format!("while process {} was called", link.process),
            None => "in the whole run".to_owned(),
        };
        let mut beyond = 0;
        // Both are in the order of the numbers.
        let mut now = after.objects.iter().peekable();
        for object in &self.before.objects {
            while let Some(made) = now.next_if(|now| now.number < object.number) {
                self.check_keys(made, &[], after, &whose)?;
            }
            let now = now.next_if(|now| now.number == object.number);
            let reach = self.reach.allows(object.number);
            beyond += u64::from(reach == Changes::NONE);
            if now == Some(object) {
                continue;
            }
            let excess = Changes::between(object, now);
            let excess = excess.beyond(reach.and(self.excepted(after, object.number, is_over)));
            if excess != Changes::NONE {
                return Err(format!(
                    "of object {}, out of reach {whose}, there changed: {excess}; {}",
                    object.number,
                    chains_text(&self.before, after)
                ));
            }
            if let Some(now) = now {
                let old: Vec<&Key> = keys(object).collect();
                self.check_keys(now, &old, after, &whose)?;
            }
        }
        for made in now {
            self.check_keys(made, &[], after, &whose)?;
        }
        Ok(beyond)
    }

    /// Looks at the keys of an object that has changed, or was made.
    fn check_keys(
        &self,
        object: &Object<'_>,
        old: &[&Key],
        after: &Image<'_>,
        whose: &str,
    ) -> Result<(), String> {
        for key in keys(object) {
            let is_new = key.object >= self.before.next_number || old.contains(&key);
            if !is_new && is_live(after, key) && !self.reach.makes(key, after) {
                return Err(format!(
                    "object {} has a key that nobody could make {whose}: {key:?}",
                    object.number
                ));
            }
        }
        Ok(())
    }

    /// What may change of those that wait for a call when it is over: who called it is given the result. If it was not the
    /// only call that ended, the others stand somehow, and another is told.
    fn excepted(&self, after: &Image<'_>, object: Number, is_over: bool) -> Changes {
        let Some((place, _)) = self.link.filter(|_| is_over) else { return Changes::NONE };
        let waiting = self.before.chain[..place].iter().enumerate();
        let told = waiting.filter(|&(at, _)| at + 1 >= place.min(after.chain.len().max(1)));
        let mut excepted = Changes::NONE;
        for (_, link) in told {
            if link.process == object {
                excepted = excepted.and(Changes::ANSWERED);
            }
            if call_meter(link) == Some(object) {
                // The room for the result is charged, or the call is over, too.
                excepted = excepted.and(Changes::GROWTH).and(Changes::DISSOLVED);
            }
        }
        excepted
    }
}
