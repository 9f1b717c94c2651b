//! What is known of variables at one place of a function.

use super::range::Range;
use crate::entish::hir::LocalId;

/// So many facts of each sort are kept at most; the oldest go first.
const FACTS_MAX: usize = 48;

/// What holds between two variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// The first is less than the second.
    Less(LocalId, LocalId),
    /// The first is less than the length of the second.
    Within(LocalId, LocalId),
    /// The first is the length of the second.
    Length(LocalId, LocalId),
}

impl Fact {
    const fn both(self) -> (LocalId, LocalId) {
        match self {
            Self::Less(a, b) | Self::Within(a, b) | Self::Length(a, b) => (a, b),
        }
    }
}

/// What is known at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Whether nothing comes here.
    pub(super) unreached: bool,
    ranges: Vec<(LocalId, Range)>,
    facts: Vec<Fact>,
}

impl Facts {
    /// Where nothing comes.
    pub(super) fn unreached() -> Self {
        Self { unreached: true, ..Self::default() }
    }

    pub(super) fn range(&self, local: LocalId) -> Range {
        self.ranges.iter().find(|of| of.0 == local).map_or(Range::ALL, |of| of.1)
    }

    pub(super) fn has(&self, fact: Fact) -> bool {
        self.facts.contains(&fact)
    }

    pub(super) fn facts(&self) -> &[Fact] {
        &self.facts
    }

    pub(super) fn add(&mut self, fact: Fact) {
        if !self.has(fact) {
            if self.facts.len() == FACTS_MAX {
                self.facts.remove(0);
            }
            self.facts.push(fact);
        }
    }

    pub(super) fn set_range(&mut self, local: LocalId, range: Range) {
        self.ranges.retain(|of| of.0 != local);
        if range != Range::ALL {
            if self.ranges.len() == FACTS_MAX {
                self.ranges.remove(0);
            }
            self.ranges.push((local, range));
        }
    }

    /// Nothing is known any more of a variable: it is assigned.
    pub(super) fn forget(&mut self, local: LocalId) {
        self.ranges.retain(|of| of.0 != local);
        self.facts.retain(|fact| {
            let (a, b) = fact.both();
            a != local && b != local
        });
    }

    /// Nothing is known any more of the lengths of these.
    pub(super) fn forget_lengths(&mut self, of: impl Fn(LocalId) -> bool) {
        self.facts.retain(|fact| match *fact {
            Fact::Less(..) => true,
            Fact::Within(_, object) | Fact::Length(_, object) => !of(object),
        });
    }

    /// What holds for one variable holds for another.
    pub(super) fn copy(&mut self, from: LocalId, to: LocalId) {
        let range = self.range(from);
        self.set_range(to, range);
        let new = |at: LocalId| if at == from { to } else { at };
        for fact in self.facts.clone() {
            let (a, b) = fact.both();
            if a == from || b == from {
                self.add(match fact {
                    Fact::Less(..) => Fact::Less(new(a), new(b)),
                    Fact::Within(..) => Fact::Within(new(a), new(b)),
                    Fact::Length(..) => Fact::Length(new(a), new(b)),
                });
            }
        }
    }

    /// What holds on either of two ways.
    pub(super) fn join(&mut self, other: &Self) {
        if other.unreached {
            return;
        }
        if self.unreached {
            self.clone_from(other);
            return;
        }
        self.facts.retain(|&fact| other.has(fact));
        self.ranges.retain_mut(|(local, range)| {
            *range = range.or(other.range(*local));
            *range != Range::ALL
        });
    }
}
