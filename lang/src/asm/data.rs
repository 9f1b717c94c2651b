//! Blocks of data: where their labels are, and their bytes.

use super::ast::{DataBlock, DataItem, Expr};
use super::lex::Value;
use super::names::{IMPLIED_MAX, Layout, Meaning, Names, Scope, State};
use super::say;

impl<'a, 's> Names<'a, 's> {
    /// Finds the places of the labels of a block, and checks that what it implies is not too much.
    pub(super) fn lay_out(&mut self, id: usize) {
        let Some((block, layout)) = self.blocks.get_mut(&id) else {
            return;
        };
        let block = *block;
        if !matches!(layout, Layout::Pending) {
            return;
        }
        *layout = Layout::Busy;
        let mut length = 0_u64;
        for item in &block.items {
            let added = match item {
                DataItem::Text(bytes) => Some(len(bytes)),
                DataItem::Whole(width, values) => Some(len(values) * u64::from(*width)),
                DataItem::F64(values) => Some(len(values) * 8),
                DataItem::F32(values) => Some(len(values) * 4),
                DataItem::Zero(bytes) => self.implied_bytes(bytes, |bytes| bytes),
                DataItem::Align(to) => self.alignment(to).and_then(|bytes| {
                    let padding = length.next_multiple_of(bytes) - length;
                    self.imply(padding.div_ceil(8), &to.span).then_some(padding)
                }),
                DataItem::Words(words) => {
                    let lacking = |words: u64| words.saturating_mul(8).saturating_sub(length);
                    // It lengthens the block at its end only.
                    self.implied_bytes(words, lacking).map(|_| 0)
                }
                DataItem::Label(name) | DataItem::Named(name, _) => {
                    if let Some(entry) = self.entries.get_mut(name.text)
                        && entry.meaning == Meaning::Place(id)
                    {
                        entry.state = State::Done(Value::Whole(length.into()));
                    }
                    Some(match item {
                        DataItem::Named(_, bytes) => len(bytes),
                        _ => 0,
                    })
                }
            };
            let Some(added) = added else {
                return self.set_layout(id, Layout::Failed);
            };
            length += added;
        }
        self.set_layout(id, Layout::Done);
    }

    pub(super) fn set_layout(&mut self, id: usize, state: Layout) {
        if let Some((_, layout)) = self.blocks.get_mut(&id) {
            *layout = state;
        }
    }

    /// The value of a length, from which `bytes` makes the number of bytes that are not written out.
    pub(super) fn implied_bytes(&mut self, expr: &Expr<'s>, bytes: impl FnOnce(u64) -> u64) -> Option<u64> {
        let bytes = bytes(self.whole(expr, Scope::OUTSIDE, u64::MAX)?);
        self.imply(bytes.div_ceil(8), &expr.span).then_some(bytes)
    }

    pub(super) fn alignment(&mut self, expr: &Expr<'s>) -> Option<u64> {
        let to = self.whole(expr, Scope::OUTSIDE, 4096)?;
        if !to.is_power_of_two() {
            self.report(say::bad_alignment(&expr.span));
            return None;
        }
        Some(to)
    }

    /// The bytes of a block, filled up with zeros to whole words.
    pub(crate) fn bytes(&mut self, block: &'a DataBlock<'s>, scope: Scope<'_, 's>) -> Vec<u8> {
        self.lay_out(block.id);
        if !matches!(self.blocks.get(&block.id), Some((_, Layout::Done))) {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        let mut least = 0;
        for item in &block.items {
            match item {
                DataItem::Text(text) | DataItem::Named(_, text) => bytes.extend(text),
                DataItem::Whole(width, values) => {
                    for value in values {
                        self.whole_bytes(value, scope, *width, &mut bytes);
                    }
                }
                DataItem::F64(values) => {
                    for value in values {
                        let bits = self.eval(value, scope).map_or(0, Value::f64_bits);
                        bytes.extend(bits.to_le_bytes());
                    }
                }
                DataItem::F32(values) => {
                    for value in values {
                        let bits = self.eval(value, scope).map_or(0, Value::f32_bits);
                        bytes.extend(bits.to_le_bytes());
                    }
                }
                DataItem::Zero(count) => {
                    let count = self.length(count);
                    bytes.resize(bytes.len() + count, 0);
                }
                DataItem::Align(to) => {
                    let to = self.length(to).max(1);
                    bytes.resize(bytes.len().next_multiple_of(to), 0);
                }
                DataItem::Words(words) => least = least.max(self.length(words).saturating_mul(8)),
                DataItem::Label(_) => {}
            }
        }
        bytes.resize(bytes.len().max(least).next_multiple_of(8), 0);
        bytes
    }

    /// A length that [`Self::lay_out`] has let through; 0 if it has not.
    pub(super) fn length(&mut self, expr: &Expr<'s>) -> usize {
        let errors = self.diagnostics.len();
        let value = self.eval(expr, Scope::OUTSIDE);
        self.diagnostics.truncate(errors);
        match value {
            Some(Value::Whole(value)) => usize::try_from(value).ok().filter(|&n| len_fits(n)).unwrap_or(0),
            _ => 0,
        }
    }

    pub(super) fn whole_bytes(
        &mut self,
        expr: &Expr<'s>,
        scope: Scope<'_, 's>,
        width: u8,
        bytes: &mut Vec<u8>,
    ) {
        let bits = u32::from(width) * 8;
        let number = match self.eval(expr, scope) {
            None => return,
            Some(Value::Whole(number)) => number,
            Some(Value::Fraction(bits, _)) if width == 8 => bits.into(),
            Some(Value::Single(bits)) if width >= 4 => bits.into(),
            Some(_) => return self.report(say::not_whole(&expr.span)),
        };
        if number >= 1 << bits || number < -(1 << (bits - 1)) {
            self.report(say::not_so_many_bytes(&expr.span, number, bits));
        }
        bytes.extend(number.to_le_bytes().iter().take(width.into()));
    }
}

/// Whether a length is one that the limit on implied contents lets through.
fn len_fits(bytes: usize) -> bool {
    u64::try_from(bytes).is_ok_and(|bytes| bytes <= IMPLIED_MAX * 8)
}

fn len<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
