//! One image under two engines.

use crate::divergence::{Divergence, images_differ, texts_differ};
use crate::panics::caught;
use crate::subject::{Next, Observation, Subject};
use keyvm_isa::image::Image;

/// The two engines: the one that is right by definition, and the one to be held against it.
#[derive(Debug)]
pub struct Engines<'e, E> {
    /// The reference.
    pub reference: &'e E,
    /// The other.
    pub other: &'e E,
}

impl<E> Clone for Engines<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Engines<'_, E> {}

/// What is done to both machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run for a slice.
    Run(u64),
    /// Answer the request, from this seed.
    Answer(u64),
    /// Set the limit of gas.
    Limit(u64),
    /// Save both, and let each engine go on with what the other one saved.
    Swap,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Instructions, on each side.
    pub instructions: u64,
    /// Of these, how many the other engine ran natively.
    pub native: u64,
    /// Pauses.
    pub cuts: u64,
    /// Pauses inside a subroutine at least two calls deep.
    pub deep_cuts: u64,
    /// Pauses in a process that another one called.
    pub called_cuts: u64,
    /// Pauses while a keeper was at work.
    pub kept_cuts: u64,
    /// Times the engines went on with each other's images.
    pub swaps: u64,
    /// Transfers of control that were looked at.
    pub transfers: u64,
    /// Transfers that could not be told from what was done behind them.
    pub loose: u64,
    /// Calls that were over, and whose reach was held against what had changed.
    pub calls: u64,
    /// Objects that were out of reach then.
    pub beyond: u64,
    /// Keepers that were called in these runs.
    pub keepers: u64,
}

impl Report {
    /// Adds another.
    pub const fn add(&mut self, other: &Self) {
        self.instructions += other.instructions;
        self.native += other.native;
        self.cuts += other.cuts;
        self.deep_cuts += other.deep_cuts;
        self.called_cuts += other.called_cuts;
        self.kept_cuts += other.kept_cuts;
        self.swaps += other.swaps;
        self.transfers += other.transfers;
        self.loose += other.loose;
        self.calls += other.calls;
        self.beyond += other.beyond;
        self.keepers += other.keepers;
    }

    /// Whether it tells much about native code: at least half of the instructions ran natively, and a fifth of the cuts
    /// fell deep.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.cuts > 0 && self.native * 2 >= self.instructions && self.deep_cuts * 5 >= self.cuts
    }
}

/// One image under two engines.
#[derive(Debug)]
pub struct Pair<'e, S: Subject> {
    engines: Engines<'e, S::Engine>,
    sides: [S; 2],
    first: Vec<u8>,
    seed: Option<u64>,
    steps: Vec<Step>,
    /// The reference, as it was seen last.
    seen: Observation,
    /// Events that were no pauses.
    events: usize,
    /// After so many steps the states are compared.
    pub(crate) every: usize,
    /// Of the machines before the last swap.
    before: Report,
    report: Report,
}

impl<'e, S: Subject> Pair<'e, S> {
    /// The image, under both. `None` if it is refused.
    pub fn new(image: &Image<'_>, engines: Engines<'e, S::Engine>, seed: Option<u64>) -> Option<Self> {
        let mut sides = [S::take(image, engines.reference)?, S::take(image, engines.other)?];
        let first = sides[0].save();
        let seen = sides[0].observe();
        let (before, report) = Default::default();
        Some(Self {
            engines,
            sides,
            first,
            seed,
            steps: Vec::new(),
            seen,
            events: 0,
            every: 1,
            before,
            report,
        })
    }

    /// What has been compared.
    #[must_use]
    pub const fn report(&self) -> Report {
        self.report
    }

    /// Gas that the image has counted.
    pub const fn gas_used(&self) -> u64 {
        self.seen.gas.0
    }

    /// Takes a step. Gives the event of a run.
    ///
    /// # Errors
    /// If the two differ after it, if one of them panics, or if something does not hold of one that holds of all.
    pub fn step(&mut self, step: Step) -> Result<Option<S::Event>, Box<Divergence>> {
        let gas = self.gas_used();
        self.steps.push(step);
        match caught(|| self.take(step, gas)) {
            Ok(event) => event,
            Err(panic) => Err(self.divergence(gas, panic)),
        }
    }

    fn take(&mut self, step: Step, gas: u64) -> Result<Option<S::Event>, Box<Divergence>> {
        let event = match step {
            Step::Run(slice) => {
                let events = self.sides.each_mut().map(|side| side.run(slice));
                if events[0] != events[1] {
                    let texts = events.each_ref().map(|event| format!("{event:?}"));
                    let seen = self.sides.each_mut().map(|side| format!("{:?}", side.observe()));
                    let more = texts_differ(&seen[0], &seen[1]);
                    return Err(
                        self.divergence(gas, format!("event {} against {}; {more}", texts[0], texts[1]))
                    );
                }
                let [event, _] = events;
                Some(event)
            }
            Step::Answer(seed) => {
                self.sides.iter_mut().for_each(|side| side.answer(seed));
                None
            }
            Step::Limit(limit) => {
                self.sides.iter_mut().for_each(|side| side.set_gas_limit(limit));
                None
            }
            Step::Swap => {
                self.swap(gas)?;
                None
            }
        };
        self.compare(gas)?;
        if event.as_ref().is_some_and(|event| S::next(event) == Next::Paused) {
            self.report.cuts += 1;
            self.report.deep_cuts += u64::from(self.sides[0].frames() >= 2);
        }
        Ok(event)
    }

    fn compare(&mut self, gas: u64) -> Result<(), Box<Divergence>> {
        let seen = self.sides.each_mut().map(Subject::observe);
        self.seen = seen[0];
        self.report.instructions = self.before.instructions + seen[0].instructions;
        self.report.native = self.before.native + self.sides[1].native_instructions();
        let [one, other] = &mut self.sides;
        let looks = seen[0] != seen[1] || self.steps.len().is_multiple_of(self.every);
        let differs_inside = looks && one.hash() != other.hash();
        let mut differs = Vec::new();
        if differs_inside {
            differs.push(images_differ(&one.image(), &other.image()));
        }
        if seen[0] != seen[1] {
            differs.push(texts_differ(&format!("{:?}", seen[0]), &format!("{:?}", seen[1])));
        }
        if differs.is_empty() {
            return self.hold(gas, Subject::check);
        }
        Err(self.divergence(gas, differs.join("; ")))
    }

    /// What must hold of each side alone.
    fn hold(
        &mut self,
        gas: u64,
        check: impl Fn(&mut S) -> Result<(), String>,
    ) -> Result<(), Box<Divergence>> {
        for side in 0..2 {
            if let Err(wrong) = check(&mut self.sides[side]) {
                let whose = ["the reference", "the other engine"][side];
                return Err(self.divergence(gas, format!("with {whose}: {wrong}")));
            }
        }
        Ok(())
    }

    fn swap(&mut self, gas: u64) -> Result<(), Box<Divergence>> {
        self.hold(gas, Subject::check_all)?;
        let files = self.sides.each_mut().map(Subject::save);
        if files[0] != files[1] {
            return Err(self.divergence(gas, "the files differ".to_owned()));
        }
        let loaded = (S::load(&files[1], self.engines.reference), S::load(&files[0], self.engines.other));
        let (Some(reference), Some(other)) = loaded else {
            return Err(self.divergence(gas, "what was saved is refused".to_owned()));
        };
        self.before = self.report;
        self.report.swaps += 1;
        self.sides = [reference, other];
        Ok(())
    }

    /// Compares with a run of the same image that was not cut and came as far, if nothing but cuts is different: no limit was
    /// set, and no run ended for its many events.
    pub(crate) fn compare_with_uncut(&mut self, whole: &mut Self) -> Result<(), Box<Divergence>> {
        let limited = |pair: &Self| pair.steps.iter().any(|step| matches!(step, Step::Limit(_)));
        if limited(self) || limited(whole) || whole.events >= EVENTS || self.gas_used() != whole.gas_used() {
            return Ok(());
        }
        let gas = self.gas_used();
        let [cut, uncut] = [&mut *self, whole].map(|pair| &mut pair.sides[0]);
        if cut.hash() == uncut.hash() {
            return Ok(());
        }
        let differs = format!("the cut shows: {}", images_differ(&uncut.image(), &cut.image()));
        Err(self.divergence(gas, differs))
    }

    fn divergence(&self, gas: u64, difference: String) -> Box<Divergence> {
        let (image, steps) = (self.first.clone(), self.steps.clone());
        Box::new(Divergence { gas, difference, image, seed: self.seed, steps })
    }

    /// Runs for at most `gas` gas and `events` events that are no pauses, in slices; requests are answered and limits
    /// raised. A slice too small for the next instruction is doubled. `true` if it may go on.
    ///
    /// # Errors
    /// If the two differ.
    pub fn run(
        &mut self,
        gas: u64,
        events: usize,
        mut slice: impl FnMut(&mut Self) -> Result<u64, Box<Divergence>>,
    ) -> Result<bool, Box<Divergence>> {
        let start = self.gas_used();
        let (mut used, mut least, mut left) = (0, 1, events);
        loop {
            let rest = gas - used;
            let piece = slice(self)?.max(least).min(rest);
            let Some(event) = self.step(Step::Run(piece))? else { return Ok(false) };
            let now = self.gas_used() - start;
            let next = S::next(&event);
            least = if next == Next::Paused && now == used { piece.saturating_mul(2) } else { 1 };
            used = now;
            match next {
                Next::Paused if piece == rest => return Ok(true),
                Next::Paused => continue,
                _ => self.events += 1,
            }
            match next {
                Next::Paused | Next::Run => {}
                Next::Answer => {
                    self.step(Step::Answer(start + now))?;
                }
                Next::Refuel(more) => {
                    let at = start + now;
                    if self.seen.gas.1.saturating_sub(at) >= more {
                        return Ok(false);
                    }
                    self.step(Step::Limit(at.saturating_add(more.max(gas))))?;
                }
                Next::Nothing => return Ok(false),
            }
            left -= 1;
            if left == 0 {
                return Ok(true);
            }
        }
    }
}

/// Events that are no pauses in one run at most.
pub(crate) const EVENTS: usize = 24;
