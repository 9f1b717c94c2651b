//! Processes, keys, meters, keepers and gates, under the laws: the books balance at every stop, the hash that is kept up is
//! the hash from scratch, what is saved is loaded, no slice shows, and nothing panics.

use super::corpus::Input;
use super::{Evidence, Found, Machinery, Outcome, Run};
use crate::Engine;
use keyvm_isa::image::Image;
use keyvm_oracle::random::Random;
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::{Case, Step, cuts_do_not_show};

pub(super) fn run<S: Machinery>(random: &mut Random) -> Outcome {
    let shape = if random.percent(85) { Shape::random(random) } else { Shape::computing(random) };
    let image = scene(random, shape);
    let run = run_image::<S>(random, image.clone())?;
    if !run.accepted {
        let what = "a consistent image was refused".to_owned();
        return Err(Box::new(Found { what, evidence: Evidence::Image(image) }));
    }
    Ok(run)
}

/// A run of an image that may be inconsistent.
pub(super) fn run_image<S: Machinery>(random: &mut Random, image: Image<'static>) -> Outcome {
    let engine = Engine::recording();
    let steps = steps(random);
    match cuts_do_not_show::<S>(&image, &engine, &steps) {
        Ok(report) => Ok(Run::of(report, &engine, Some(Input::Image(image)))),
        Err(divergence) => {
            let what = format!("{} (after {} gas)", divergence.difference, divergence.gas);
            let case = Case { image, steps };
            Err(Box::new(Found { what, evidence: Evidence::Pieces(case) }))
        }
    }
}

/// Slices of random lengths; here and there the machine is saved and loaded.
fn steps(random: &mut Random) -> Vec<Step> {
    let mut left = random.pick(&[200, 500, 1500, 4000, 20_000]);
    let longest = random.pick(&[10, 100, 1000, 5000]);
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
