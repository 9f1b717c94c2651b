//! Fewer steps.

use super::Shrinker;
use crate::pair::Step;

impl Shrinker<'_> {
    pub(super) fn steps(&mut self) -> bool {
        let length = self.case.steps.len();
        let mut changed = self.ranges(length, |shrinker, range| {
            shrinker.keeps(|case| {
                let end = range.end.min(case.steps.len());
                case.steps.drain(range.start.min(end)..end);
            })
        });
        changed |= self.join();
        for at in (0..self.case.steps.len()).rev() {
            changed |= self.plainer(at);
        }
        changed
    }

    /// One run in the place of two.
    fn join(&mut self) -> bool {
        let mut changed = false;
        for at in (0..self.case.steps.len().saturating_sub(1)).rev() {
            let (Step::Run(a), Some(&Step::Run(b))) = (self.case.steps[at], self.case.steps.get(at + 1))
            else {
                continue;
            };
            changed |= self.keeps(|case| {
                case.steps.remove(at);
                case.steps[at] = Step::Run(a.saturating_add(b));
            });
        }
        changed
    }

    /// A smaller number in a step.
    fn plainer(&mut self, at: usize) -> bool {
        let (number, step): (u64, fn(u64) -> Step) = match self.case.steps[at] {
            Step::Run(slice) => (slice, Step::Run),
            Step::Answer(seed) => (seed, Step::Answer),
            Step::Limit(limit) => (limit, Step::Limit),
            Step::Swap => return false,
        };
        // Between the largest that is known to be too small and the smallest that is known to do.
        let (mut low, mut high, mut changed) = (0, number, false);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.keeps(|case| case.steps[at] = step(middle)) {
                (high, changed) = (middle, true);
            } else {
                low = middle + 1;
            }
            if self.over {
                break;
            }
        }
        changed
    }
}
