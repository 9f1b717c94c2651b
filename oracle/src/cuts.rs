//! Where a run is cut: at each point, at random, or as it was before.

use crate::divergence::Divergence;
use crate::pair::{EVENTS, Engines, Pair, Report, Step};
use crate::random::Random;
use crate::subject::Subject;
use keyvm_isa::image::Image;

/// How a run is cut at each point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// By a slice, after which it goes on.
    Slice,
    /// By the limit of gas, which is raised after that.
    Limit,
    /// By a slice, after which each engine goes on with the other's image.
    Swap,
}

/// Runs an image for at most `gas` gas as many times as that is, cut after one gas more each time.
///
/// # Errors
/// If the two differ, anywhere, or if a slice that was cut shows in the end.
///
/// # Panics
/// If the image is refused.
pub fn at_each_point<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    gas: u64,
    cut: Cut,
) -> Result<Report, Box<Divergence>> {
    let pair = || Pair::<S>::new(image, engines, None).expect("the image is consistent");
    let mut whole = pair();
    let start = whole.gas_used();
    whole.run(gas, EVENTS, |_| Ok(gas))?;
    let mut report = whole.report();
    for point in 0..=whole.gas_used() - start {
        let mut pair = pair();
        let mut slices = [point].into_iter();
        let mut goes_on = true;
        match cut {
            Cut::Limit => {
                pair.step(Step::Limit(start + point))?;
            }
            Cut::Slice | Cut::Swap => {
                goes_on = pair.run(point, EVENTS, |_| Ok(slices.next().unwrap_or(point)))?;
            }
        }
        if cut == Cut::Swap {
            pair.step(Step::Swap)?;
        }
        let used = pair.gas_used() - start;
        if goes_on && used < gas {
            pair.run(gas - used, EVENTS, |_| Ok(gas))?;
        }
        pair.compare_with_uncut(&mut whole)?;
        report.add(&pair.report());
    }
    Ok(report)
}

/// How long a random run is, and how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Gas at most.
    pub gas: u64,
    /// Events that are no pauses at most.
    pub events: usize,
    /// The longest slice is one of these.
    pub longest: &'static [u64],
    /// Of 100 slices, how many are of less than 30 gas.
    pub short: u64,
    /// Before how many of 100 slices each engine is handed the other's image.
    pub swaps: u64,
    /// Before how many of 100 slices a limit is set that will be reached soon.
    pub limits: u64,
    /// After so many steps the hashes of the states are compared: what differs then is still different later, mostly, and
    /// hashing takes longer than a short slice.
    pub every: usize,
}

impl Course {
    /// Cut often.
    #[must_use]
    pub const fn short(gas: u64) -> Self {
        Self {
            gas,
            events: EVENTS,
            longest: &[40, 300, 1000, 4000],
            short: 15,
            swaps: 5,
            limits: 5,
            every: 4,
        }
    }

    /// Cut seldom: most of the time goes into running.
    #[must_use]
    pub const fn long(gas: u64) -> Self {
        Self {
            gas,
            events: 200,
            longest: &[300_000, 1_000_000, 3_000_000],
            short: 5,
            swaps: 4,
            limits: 3,
            every: 1,
        }
    }
}

/// Runs an image in slices of random lengths, with limits, refuels and swaps between them. In the end each engine is
/// handed the other's image once more.
///
/// # Errors
/// If the two differ.
///
/// # Panics
/// If the image is refused.
pub fn at_random<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    course: Course,
    seed: u64,
) -> Result<Report, Box<Divergence>> {
    let mut random = Random::new(seed);
    let mut pair = Pair::<S>::new(image, engines, Some(seed)).expect("the image is consistent");
    pair.every = course.every;
    let longest = random.pick(course.longest);
    pair.run(course.gas, course.events, |pair| {
        if random.percent(course.swaps) {
            pair.step(Step::Swap)?;
        }
        if random.percent(course.limits) {
            let limit = pair.gas_used() + random.below(longest);
            pair.step(Step::Limit(limit))?;
        }
        Ok(if random.percent(course.short) { random.within(1, 30) } else { random.within(1, longest) })
    })?;
    pair.step(Step::Swap)?;
    Ok(pair.report())
}

/// Takes steps again.
///
/// # Errors
/// If the two differ after one of them.
pub fn replay<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    steps: &[Step],
) -> Result<Report, Box<Divergence>> {
    let Some(mut pair) = Pair::<S>::new(image, engines, None) else { return Ok(Report::default()) };
    for &step in steps {
        pair.step(step)?;
    }
    Ok(pair.report())
}
