//! What is said of two engines that differ.

use crate::pair::Step;
use keyvm_isa::image::Image;
use std::fmt;

/// Two engines differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The gas that the image had counted before the step after which they differ.
    pub gas: u64,
    /// The first difference: what the reference has, and what the other one.
    pub difference: String,
    /// The file of the image.
    pub image: Vec<u8>,
    /// The seed that the steps follow from, if they do.
    pub seed: Option<u64>,
    /// The steps up to the one after which they differ; [`replay`](crate::replay) repeats it.
    pub steps: Vec<Step>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the engines differ after {} gas: {}", self.gas, self.difference)?;
        if let Some(seed) = self.seed {
            writeln!(f, "seed {seed}")?;
        }
        write!(f, "steps: {:?}", self.steps)
    }
}

impl std::error::Error for Divergence {}

/// The first object in which two images differ, and how.
pub(crate) fn images_differ(one: &Image<'_>, other: &Image<'_>) -> String {
    for (a, b) in one.objects.iter().zip(&other.objects) {
        if a != b {
            return format!("object {}: {}", a.number, texts_differ(&format!("{a:?}"), &format!("{b:?}")));
        }
    }
    let head = |image: &Image<'_>| {
        let numbers: Vec<u64> = image.objects.iter().map(|object| object.number).collect();
        format!(
            "next {}, chain {:?}, request {:?}, objects {numbers:?}",
            image.next_number, image.chain, image.request
        )
    };
    texts_differ(&head(one), &head(other))
}

/// Where two texts begin to differ.
pub(crate) fn texts_differ(one: &str, other: &str) -> String {
    const BEFORE: usize = 60;
    const AFTER: usize = 120;
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| -> String {
        text.chars().skip(same.saturating_sub(BEFORE)).take(BEFORE + AFTER).collect()
    };
    format!("`{}` against `{}`", part(one), part(other))
}
