//! Makes what repeats a finding small: fewer steps, fewer objects, fewer and plainer instructions.
//!
//! Everything is tried and kept if what was found is still found; the order is from the coarse to the fine, so that the
//! many small tries at the end are of something small.

mod code;
mod objects;
mod steps;
mod text;

use crate::pair::Step;
use keyvm_isa::image::Image;

pub use text::shorten;

/// An image, and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The image.
    pub image: Image<'static>,
    /// What is done with it.
    pub steps: Vec<Step>,
}

/// Something that is being made small.
struct Shrinker<'f> {
    case: Case,
    fails: &'f mut dyn FnMut(&Case) -> Option<bool>,
    /// Nothing more is to be tried.
    over: bool,
}

impl Shrinker<'_> {
    /// Keeps a change if what was found is still found.
    fn keeps(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        if self.over {
            return false;
        }
        let mut smaller = self.case.clone();
        change(&mut smaller);
        if smaller == self.case {
            return false;
        }
        match (self.fails)(&smaller) {
            Some(true) => {
                self.case = smaller;
                true
            }
            Some(false) => false,
            None => {
                self.over = true;
                false
            }
        }
    }

    /// Tries to do something to ranges of `length` things: halves, then quarters, and so on to single ones, from the end.
    /// `change` says whether it has done it, which may have taken the things out.
    fn ranges(
        &mut self,
        length: usize,
        mut change: impl FnMut(&mut Self, std::ops::Range<usize>) -> bool,
    ) -> bool {
        let mut changed = false;
        let mut size = length;
        while size > 0 && !self.over {
            let mut end = length;
            while end > 0 {
                let start = end.saturating_sub(size);
                changed |= change(self, start..end);
                end = start;
            }
            size /= 2;
        }
        changed
    }
}

/// Makes a case small. `fails` says whether a case still fails, or `None` if there is no time to try any more.
pub fn shrink(case: Case, fails: &mut dyn FnMut(&Case) -> Option<bool>) -> Case {
    let mut shrinker = Shrinker { case, fails, over: false };
    loop {
        let before = shrinker.case.clone();
        shrinker.steps();
        shrinker.objects();
        shrinker.code();
        if shrinker.over || shrinker.case == before {
            return shrinker.case;
        }
    }
}
