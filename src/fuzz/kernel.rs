//! Processes, keys, meters, keepers and gates, under the laws: the books balance at every transfer of control, nothing
//! changes that keys do not reach, the hash that is kept up is the hash from scratch, what is saved is loaded, no slice and
//! no change of the engine shows, and nothing panics.

use super::corpus::Input;
use super::{Evidence, Found, Machinery, Outcome, Run};
use crate::{CompilerOptions, Engine, Tier};
use keyvm_isa::image::Image;
use keyvm_oracle::confinement::{Stretch, survey};
use keyvm_oracle::random::Random;
use keyvm_oracle::random::colony::colony;
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::{Case, Divergence, Engines, Report, Step, cuts_do_not_show};

/// Of 100 runs, how many are of colonies, or look at every transfer of control in another image: they take most of the time.
const SURVEYED: u64 = 10;

/// Of slices that are as long as they may be, so many make a run at most: there are about twice as many.
const CUTS_MAX: u64 = 60;

pub(super) fn run<S: Machinery>(random: &mut Random, options: CompilerOptions) -> Outcome {
    let is_surveyed = random.percent(SURVEYED);
    let image = if is_surveyed && random.percent(85) {
        colony(random)
    } else {
        let shape = if random.percent(85) { Shape::random(random) } else { Shape::computing(random) };
        scene(random, shape)
    };
    let run = run_any::<S>(random, image.clone(), is_surveyed, options)?;
    if !run.accepted {
        let what = "a consistent image was refused".to_owned();
        return Err(Box::new(Found { what, evidence: Evidence::Image(image) }));
    }
    Ok(run)
}

/// A run of an image that may be inconsistent.
pub(super) fn run_image<S: Machinery>(
    random: &mut Random,
    image: Image<'static>,
    options: CompilerOptions,
) -> Outcome {
    let is_surveyed = random.percent(SURVEYED);
    run_any::<S>(random, image, is_surveyed, options)
}

fn run_any<S: Machinery>(
    random: &mut Random,
    image: Image<'static>,
    is_surveyed: bool,
    options: CompilerOptions,
) -> Outcome {
    if is_surveyed {
        return run_surveyed::<S>(random, image, options);
    }
    let engine = Engine::recording();
    let steps = steps(random);
    match cuts_do_not_show::<S>(&image, Engines { reference: &engine, other: &engine }, &steps) {
        Ok(report) => Ok(Run::of(report, &engine, Some(Input::Image(image)))),
        Err(divergence) => Err(found(&divergence, image, Evidence::Pieces, steps)),
    }
}

/// A run that is looked at wherever control moves, and again, cut where that tells most, from one engine to the other.
fn run_surveyed<S: Machinery>(
    random: &mut Random,
    image: Image<'static>,
    options: CompilerOptions,
) -> Outcome {
    let engine = Engine::recording();
    let gas = random.pick(&[1000, 3000, 3000, 8000]);
    let surveyed = match survey::<S>(&image, &engine, gas) {
        Ok(Some(surveyed)) => surveyed,
        Ok(None) => return Ok(Run::of(None, &engine, None)),
        Err(divergence) => {
            let steps = divergence.steps.clone();
            return Err(found(&divergence, image, Evidence::Surveyed, steps));
        }
    };
    let steps = cuts_inside(random, &surveyed.stretches, gas);
    // Compiling takes longer than all the rest.
    let compiled = random.percent(25).then(|| Engine::with_options(Tier::Jit, options));
    let engines = Engines { reference: &engine, other: compiled.as_ref().unwrap_or(&engine) };
    let mut report: Report = surveyed.report;
    match cuts_do_not_show::<S>(&image, engines, &steps) {
        Ok(cut) => {
            report.add(&cut.unwrap_or_default());
            Ok(Run::of(Some(report), &engine, Some(Input::Image(image))))
        }
        Err(divergence) => Err(found(&divergence, image, Evidence::Surveyed, steps)),
    }
}

fn found(
    divergence: &Divergence,
    image: Image<'static>,
    evidence: fn(Case) -> Evidence,
    steps: Vec<Step>,
) -> Box<Found> {
    let what = format!("{} (after {} gas)", divergence.difference, divergence.gas);
    Box::new(Found { what, evidence: evidence(Case { image, steps }) })
}

/// Slices of random lengths; here and there the machine is saved and loaded.
fn steps(random: &mut Random) -> Vec<Step> {
    let gas = random.pick(&[200, 500, 1500, 4000, 20_000]);
    let longest = random.pick(&[10, 100, 1000, 5000]);
    // Thousands of cuts in one run would take the time of a hundred runs.
    let mut left = gas.min(longest * CUTS_MAX);
    let mut steps = Vec::new();
    while left > 0 {
        if random.percent(15) {
            steps.push(Step::Swap);
        }
        let slice = random.within(1, longest).min(left);
        steps.push(Step::Run(slice));
        left -= slice;
    }
    steps
}

/// Slices that end where a process runs that another one called, or a keeper; at each of these places the machine is saved,
/// and the other engine loads it.
fn cuts_inside(random: &mut Random, stretches: &[Stretch], gas: u64) -> Vec<Step> {
    let inside: Vec<&Stretch> = stretches.iter().filter(|stretch| stretch.depth >= 2).collect();
    let kept: Vec<&Stretch> = inside.iter().copied().filter(|stretch| stretch.is_kept).collect();
    let mut cuts: Vec<u64> = (0..random.within(2, 14))
        .map(|_| {
            let from = if random.percent(40) && !kept.is_empty() { &kept } else { &inside };
            if from.is_empty() || random.percent(5) {
                return random.below(gas);
            }
            let stretch = random.pick(from);
            // What is at its end costs something.
            random.within(stretch.start, stretch.end.max(stretch.start + 1))
        })
        .collect();
    cuts.sort_unstable();
    let mut at = 0;
    let mut steps = Vec::new();
    for cut in cuts {
        if cut > at {
            steps.extend([Step::Run(cut - at), Step::Swap]);
            at = cut;
        }
    }
    if gas > at {
        steps.push(Step::Run(gas - at));
    }
    steps
}
