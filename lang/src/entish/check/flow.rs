//! Which variables are assigned on every way that leads to a statement.

/// A set of variables.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, bit: usize) -> bool {
        self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    fn insert(&mut self, bit: usize) {
        if self.0.len() <= bit / 64 {
            self.0.resize(bit / 64 + 1, 0);
        }
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn keep(&mut self, others: &Self) {
        self.0.truncate(others.0.len());
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word &= other);
    }
}

/// The ways that lead to a place: the variables assigned on all of them, or none if there is no way.
#[derive(Clone, Debug)]
pub(super) struct Flow(Option<Bits>);

impl Flow {
    pub(super) fn start() -> Self {
        Self(Some(Bits::default()))
    }

    /// The place is never reached.
    pub(super) fn never() -> Self {
        Self(None)
    }

    pub(super) fn is_reached(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the variable is assigned.
    pub(super) fn has(&self, variable: usize) -> bool {
        self.0.as_ref().is_none_or(|bits| bits.has(variable))
    }

    pub(super) fn assign(&mut self, variable: usize) {
        if let Some(bits) = &mut self.0 {
            bits.insert(variable);
        }
    }

    /// The place is reached by these ways too.
    pub(super) fn join(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(bits), Some(others)) => bits.keep(&others),
            (None, others) => self.0 = others,
            (Some(_), None) => {}
        }
    }
}
