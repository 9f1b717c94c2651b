//! What a run that is cut, saved and loaded comes to, from one engine to another and back, and what the same run does in one
//! piece.

use crate::divergence::{Divergence, images_differ, texts_differ};
use crate::pair::{Engines, Report, Step};
use crate::panics::caught;
use crate::subject::{Next, Subject};
use keyvm_isa::image::{Call, Image};

/// Events that are no pauses in one run at most.
const EVENTS: usize = 64;

/// After so many cuts the state is hashed.
const LOOK: u64 = 4;

/// A machine on its way.
struct Course<'e, S: Subject> {
    side: S,
    /// The engine that runs it, and the one that does so when it is loaded next.
    engines: Engines<'e, S::Engine>,
    /// All but pauses.
    events: Vec<S::Event>,
    start: u64,
    gas: u64,
    report: Report,
}

impl<'e, S: Subject> Course<'e, S> {
    fn new(image: &Image<'_>, engines: Engines<'e, S::Engine>) -> Option<Self> {
        let mut side = S::take(image, engines.reference)?;
        let start = side.observe().gas.0;
        Some(Self { side, engines, events: Vec::new(), start, gas: 0, report: Report::default() })
    }

    /// Saves it, and has the other engine go on with what was saved.
    fn reload(&mut self) -> Result<(), String> {
        self.side.check_all()?;
        let file = self.side.save();
        self.report.native += self.side.native_instructions();
        let Engines { reference, other } = self.engines;
        self.engines = Engines { reference: other, other: reference };
        self.side = S::load(&file, other).ok_or("what was saved is refused")?;
        self.report.swaps += 1;
        Ok(())
    }

    /// Counts a pause, by where it is.
    fn count_cut(&mut self, depth: usize) {
        self.report.cuts += 1;
        self.report.called_cuts += u64::from(depth >= 2);
        let is_kept = |image: Image<'_>| image.chain.iter().any(|link| link.call == Call::Keeper);
        self.report.kept_cuts += u64::from(depth >= 2 && is_kept(self.side.image()));
    }

    /// Runs until `all` gas is used in these pieces, and what they leave in one. One too small for the next instruction is
    /// doubled, so that it stops where it would have stopped in one piece.
    fn run(&mut self, all: u64, mut pieces: impl Iterator<Item = Step>) -> Result<(), String> {
        let mut least = 1;
        loop {
            let left = all - self.gas;
            let piece = match pieces.next() {
                Some(Step::Run(piece)) => piece.max(least).min(left),
                Some(_) => {
                    self.reload()?;
                    continue;
                }
                None => left,
            };
            let before = self.side.observe().instructions;
            let event = self.side.run(piece);
            let seen = self.side.observe();
            self.report.instructions += seen.instructions - before;
            let now = seen.gas.0 - self.start;
            let next = S::next(&event);
            least = if next == Next::Paused && now == self.gas { piece.saturating_mul(2) } else { 1 };
            self.gas = now;
            self.side.check()?;
            match next {
                Next::Paused if piece == left => return Ok(()),
                Next::Paused => {
                    self.count_cut(seen.depth);
                    // What is kept up of the hash is kept up from one look at it to the next.
                    if self.report.cuts.is_multiple_of(LOOK) {
                        self.side.hash();
                    }
                    continue;
                }
                Next::Answer => self.side.answer(self.start + now),
                _ => {}
            }
            self.events.push(event);
            if matches!(next, Next::Nothing | Next::Refuel(_)) || self.events.len() == EVENTS {
                return Ok(());
            }
        }
    }
}

/// Runs an image in the pieces that the steps are, and again in one piece. It begins with the reference; where they say
/// [`Step::Swap`] it is saved, and the other engine loads it. Other steps do as [`Step::Swap`] does. `None` if the image is
/// refused.
///
/// # Errors
/// If they come to different ends, if one panics, or if something does not hold that holds of all machines.
pub fn cuts_do_not_show<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    steps: &[Step],
) -> Result<Option<Report>, Box<Divergence>> {
    let mut gas = 0;
    let compared = caught(|| compare::<S>(image, engines, steps, &mut gas)).unwrap_or_else(Err);
    compared.map_err(|difference| {
        let file = caught(|| S::take(image, engines.reference).map(|mut side| side.save())).ok().flatten();
        let image = file.unwrap_or_default();
        Box::new(Divergence { gas, difference, image, seed: None, steps: steps.to_vec() })
    })
}

fn compare<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    steps: &[Step],
    gas: &mut u64,
) -> Result<Option<Report>, String> {
    let sum = |sum: u64, step: &Step| match step {
        Step::Run(piece) => sum.saturating_add(*piece),
        _ => sum,
    };
    let all = steps.iter().fold(0, sum);
    let Some(mut cut) = Course::<S>::new(image, engines) else { return Ok(None) };
    let ran = cut.run(all, steps.iter().copied());
    *gas = cut.gas;
    ran?;
    let Some(mut whole) = Course::<S>::new(image, engines) else {
        return Err("it is refused now".to_owned());
    };
    whole.run(all, std::iter::empty())?;
    if cut.events != whole.events {
        let differs = texts_differ(&format!("{:?}", whole.events), &format!("{:?}", cut.events));
        return Err(format!("the cut shows in the events: {differs}"));
    }
    if cut.side.observe() != whole.side.observe() && cut.report.swaps == 0 {
        let differs =
            texts_differ(&format!("{:?}", whole.side.observe()), &format!("{:?}", cut.side.observe()));
        return Err(format!("the cut shows in what is seen: {differs}"));
    }
    if cut.side.hash() != whole.side.hash() {
        let differs = images_differ(&whole.side.image(), &cut.side.image());
        return Err(format!("the cut shows: {differs}"));
    }
    cut.side.check_all()?;
    let mut report = cut.report;
    report.native += cut.side.native_instructions();
    report.add(&whole.report);
    Ok(Some(report))
}
