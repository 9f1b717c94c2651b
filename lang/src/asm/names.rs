//! What names mean, and what constant expressions are worth.
//!
//! Constants, places in data, and (in simple programs) the key indices of objects share one space of names.
//! They may refer to one another in any order, so each is worked out when it is first needed; the place of a
//! label in data needs the lengths of all that is before it in its block.

use super::ast::{DataBlock, Expr, ExprKind, File, Item, Name, Operator, Step};
use super::lex::{Span, Value};
use super::{given, say};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// What a text only gives the length of (`zero`, `align`, `words`, `slots`) is at most this many words in all.
pub(crate) const IMPLIED_MAX: u64 = 1 << 24;

/// Constants may refer to ones declared behind them in so many steps.
const CONSTANT_DEPTH_MAX: u32 = 100;

/// How many diagnostics have suggestions looked for among the names of the text.
const SUGGESTIONS_MAX: usize = 20;

/// The labels of some code: their indices and where they are defined.
pub(crate) type Labels<'s> = BTreeMap<&'s str, (u64, Span)>;

/// What an expression can refer to besides the names of the text.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'x, 's> {
    pub(crate) labels: Option<&'x Labels<'s>>,
    /// The names of the slots of the subroutine, which are no constants.
    pub(crate) slots: Option<&'x Labels<'s>>,
    /// Whether an instruction could stand in its place.
    pub(crate) operand: bool,
}

impl Scope<'_, '_> {
    /// Where there is neither label nor slot.
    pub(crate) const OUTSIDE: Self = Self { labels: None, slots: None, operand: false };
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The constant with this position in the file.
    Constant(usize),
    /// A place in the block of data with this id.
    Place(usize),
    /// The object with this position, and the index of the root's key to it.
    Object(usize, Option<u64>),
    /// Its declaration could not be read.
    Broken,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Pending,
    Busy,
    Done(Value),
    Failed,
}

pub(super) struct Entry {
    span: Option<Span>,
    pub(super) meaning: Meaning,
    pub(super) state: State,
}

#[derive(Clone, Copy)]
pub(super) enum Layout {
    Pending,
    Busy,
    Done,
    Failed,
}

/// The names of a text.
pub(crate) struct Names<'a, 's> {
    file: &'a File<'s>,
    pub(super) blocks: BTreeMap<usize, (&'a DataBlock<'s>, Layout)>,
    pub(super) entries: BTreeMap<&'s str, Entry>,
    /// The lengths of texts in data, in bytes.
    lengths: BTreeMap<&'s str, u64>,
    implied_left: u64,
    depth: u32,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a, 's> Names<'a, 's> {
    pub(crate) fn new(file: &'a File<'s>, diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            file,
            blocks: BTreeMap::new(),
            entries: BTreeMap::new(),
            lengths: BTreeMap::new(),
            implied_left: IMPLIED_MAX,
            depth: 0,
            diagnostics,
        }
    }

    /// Gives a name its meaning; where it has one already, that is an error at `span`.
    pub(crate) fn declare(&mut self, text: &'s str, span: Option<Span>, meaning: Meaning) {
        if let Some(first) = self.entries.get(text) {
            if let Some(span) = span {
                self.diagnostics.push(say::name_taken(&span, text, first.span.as_ref()));
            }
            return;
        }
        self.entries.insert(text, Entry { span, meaning, state: State::Pending });
    }

    /// Gives a text in data its length; as a place it is declared besides.
    pub(crate) fn add_length(&mut self, text: &'s str, bytes: u64) {
        self.lengths.insert(text, bytes);
    }

    /// Makes a block of data known; its labels are declared by the caller.
    pub(crate) fn add_block(&mut self, block: &'a DataBlock<'s>) {
        self.blocks.insert(block.id, (block, Layout::Pending));
    }

    /// Works out all constants and places. Constants that use only those before them come first, so that long
    /// chains of them need no depth; then blocks of data, as far as each is needed for itself.
    pub(crate) fn settle(&mut self) {
        let file = self.file;
        for (name, expr) in &file.constants {
            if self.uses_settled_only(expr) {
                self.value_of(name);
            }
        }
        for block in self.blocks.keys().copied().collect::<Vec<_>>() {
            self.lay_out(block);
        }
        for (name, _) in &file.constants {
            self.value_of(name);
        }
    }

    fn uses_settled_only(&self, expr: &Expr<'s>) -> bool {
        let ExprKind::Steps(steps) = &expr.kind else {
            return true;
        };
        steps.iter().all(|step| match step {
            Step::Name(name) => {
                let state = self.entries.get(name.text).map(|entry| entry.state);
                matches!(state, Some(State::Done(_) | State::Failed))
            }
            _ => true,
        })
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The position of an object.
    pub(crate) fn object(&mut self, name: &Name<'s>) -> Option<usize> {
        match self.entries.get(name.text).map(|entry| entry.meaning) {
            Some(Meaning::Object(position, _)) => Some(position),
            Some(Meaning::Broken) => None,
            Some(_) => {
                self.report(say::number_for_object(&name.span, name.text));
                None
            }
            None => {
                let is_object = |entry: &Entry| matches!(entry.meaning, Meaning::Object(..));
                let names = self.entries.iter().filter(|(_, entry)| is_object(entry)).map(|(&name, _)| name);
                let names: Vec<_> = names.take(self.suggestible()).collect();
                self.report(say::unknown_object(&name.span, name.text, names.into_iter()));
                None
            }
        }
    }

    /// How many names are worth comparing with an unknown one.
    fn suggestible(&self) -> usize {
        if self.diagnostics.len() < SUGGESTIONS_MAX { 10_000 } else { 0 }
    }

    // ---- Expressions ------------------------------------------------------------------------------------

    /// The value of an expression. `None` if it has none; that has been reported then.
    pub(crate) fn eval(&mut self, expr: &Expr<'s>, scope: Scope<'_, 's>) -> Option<Value> {
        let steps = match &expr.kind {
            ExprKind::Value(value) => return Some(*value),
            ExprKind::Steps(steps) => steps,
        };
        let mut stack = Vec::new();
        for step in steps {
            let value = match step {
                Step::Value(value) => *value,
                Step::Name(name) => self.name_value(name, scope)?,
                Step::Dotted(name) => self.dotted_value(name)?,
                Step::BareLabel(name) => match scope.labels.and_then(|labels| labels.get(name.text)) {
                    Some(label) => Value::Whole(label.0.into()),
                    None if self.entries.contains_key(name.text) => self.name_value(name, scope)?,
                    None => self.label(name, scope)?,
                },
                Step::Label(name) => self.label(name, scope)?,
                Step::Negate => match stack.pop().and_then(Value::negated) {
                    Some(value) => value,
                    None => {
                        self.report(say::no_result(&expr.span, "past 128 bits"));
                        return None;
                    }
                },
                Step::Binary(operator) => {
                    let (b, a) = (stack.pop()?, stack.pop()?);
                    let (Value::Whole(a), Value::Whole(b)) = (a, b) else {
                        self.report(say::not_whole(&expr.span));
                        return None;
                    };
                    match calculate(*operator, a, b) {
                        Ok(value) => Value::Whole(value),
                        Err(why) => {
                            self.report(say::no_result(&expr.span, why));
                            return None;
                        }
                    }
                }
            };
            stack.push(value);
        }
        stack.pop()
    }

    fn label(&mut self, name: &Name<'s>, scope: Scope<'_, 's>) -> Option<Value> {
        let Some(labels) = scope.labels else {
            self.report(say::label_not_here(&name.span));
            return None;
        };
        let label = labels.get(name.text);
        if label.is_none() {
            let names = labels.keys().copied().take(self.suggestible());
            self.report(say::unknown_label(&name.span, name.text, names));
        }
        label.map(|label| Value::Whole(label.0.into()))
    }

    fn name_value(&mut self, name: &Name<'s>, scope: Scope<'_, 's>) -> Option<Value> {
        if self.entries.contains_key(name.text) {
            return self.value_of(name);
        }
        let slots = scope.slots.into_iter().flatten().map(|(&slot, _)| slot);
        let diagnostic = if slots.clone().any(|slot| slot == name.text) {
            say::slot_for_number(&name.span, name.text)
        } else {
            let own = slots.chain(self.entries.keys().copied()).take(self.suggestible());
            if scope.operand {
                say::unknown_operand(&name.span, name.text, own)
            } else {
                say::unknown_name(&name.span, name.text, own)
            }
        };
        self.report(diagnostic);
        None
    }

    /// The value of a given name, or the length of a text.
    fn dotted_value(&mut self, name: &Name<'s>) -> Option<Value> {
        let text = name.text.strip_suffix(".len");
        let length = text.and_then(|text| self.lengths.get(text).copied());
        if let Some(number) = given::given(name.text).or(length) {
            return Some(Value::Whole(number.into()));
        }
        let entry = text.and_then(|text| self.entries.get(text));
        let diagnostic = match (text, entry.map(|entry| entry.meaning)) {
            (_, Some(Meaning::Broken)) => return None,
            (Some(text), Some(_)) => say::no_length(&name.span, text),
            _ => {
                let texts = self.lengths.keys().take(self.suggestible());
                say::unknown_dotted(
                    &name.span,
                    name.text,
                    &texts.map(|text| format!("{text}.len")).collect::<Vec<_>>(),
                )
            }
        };
        self.report(diagnostic);
        None
    }

    /// The value of a name that has a meaning.
    fn value_of(&mut self, name: &Name<'s>) -> Option<Value> {
        let entry = self.entries.get_mut(name.text)?;
        match entry.state {
            State::Done(value) => return Some(value),
            State::Failed => return None,
            State::Busy => {
                entry.state = State::Failed;
                self.report(say::constant_cycle(&name.span, name.text));
                return None;
            }
            State::Pending => {}
        }
        if self.depth == CONSTANT_DEPTH_MAX {
            self.report(say::constants_too_deep(&name.span, CONSTANT_DEPTH_MAX));
            return None;
        }
        let meaning = entry.meaning;
        entry.state = State::Busy;
        self.depth += 1;
        let value = match meaning {
            Meaning::Constant(position) => {
                let file = self.file;
                self.eval(&file.constants[position].1, Scope::OUTSIDE)
            }
            Meaning::Place(block) => {
                self.lay_out(block);
                // If the place is needed for itself, the layout has not got to it.
                match self.entries.get(name.text).map(|entry| entry.state) {
                    Some(State::Done(value)) => Some(value),
                    _ => {
                        if matches!(self.blocks.get(&block), Some((_, Layout::Busy))) {
                            self.report(say::constant_cycle(&name.span, name.text));
                        }
                        None
                    }
                }
            }
            Meaning::Object(_, Some(key)) => Some(Value::Whole(key.into())),
            Meaning::Object(_, None) => {
                self.report(say::object_for_number(&name.span, name.text));
                None
            }
            Meaning::Broken => None,
        };
        self.depth -= 1;
        if let Some(entry) = self.entries.get_mut(name.text) {
            // An object is reported wherever it is taken for a number.
            entry.state = match value {
                Some(value) => State::Done(value),
                None if matches!(meaning, Meaning::Object(..)) => State::Pending,
                None => State::Failed,
            };
        }
        value
    }

    /// A whole number from 0 to `most`. `None` if it is not; that has been reported then.
    pub(crate) fn whole(&mut self, expr: &Expr<'s>, scope: Scope<'_, 's>, most: u64) -> Option<u64> {
        let Value::Whole(value) = self.eval(expr, scope)? else {
            self.report(say::not_whole(&expr.span));
            return None;
        };
        let fitting = u64::try_from(value).ok().filter(|&value| value <= most);
        if fitting.is_none() {
            self.report(say::out_of_range(&expr.span, value, most.into()));
        }
        fitting
    }

    /// A word; a negative number as its two's complement, a fraction as its bits.
    pub(crate) fn word(&mut self, expr: &Expr<'s>, scope: Scope<'_, 's>) -> Option<u64> {
        let value = self.eval(expr, scope)?;
        if let (None, Value::Whole(value)) = (value.word(), value) {
            self.report(say::not_a_word(&expr.span, value));
        }
        value.word()
    }

    /// Takes `words` words that the text does not write out; whether there were so many left.
    pub(crate) fn imply(&mut self, words: u64, span: &Span) -> bool {
        let left = self.implied_left.checked_sub(words);
        if left.is_none() {
            self.report(say::too_long(span, IMPLIED_MAX));
        }
        self.implied_left = left.unwrap_or(0);
        left.is_some()
    }
}

fn calculate(operator: Operator, a: i128, b: i128) -> Result<i128, &'static str> {
    let past = "past 128 bits";
    match operator {
        Operator::Add => a.checked_add(b).ok_or(past),
        Operator::Subtract => a.checked_sub(b).ok_or(past),
        Operator::Multiply => a.checked_mul(b).ok_or(past),
        Operator::Divide if b == 0 => Err("division by 0"),
        Operator::Divide => a.checked_div(b).ok_or(past),
        Operator::Or => Ok(a | b),
        Operator::And => Ok(a & b),
        Operator::Shift => match u32::try_from(b) {
            Ok(by) if by < 127 && (a == 0 || a.unsigned_abs().leading_zeros() > by) => Ok(a << by),
            _ => Err("shifted past 128 bits"),
        },
    }
}

/// The labels of some code.
pub(crate) fn labels_of<'s>(code: &[Item<'s>], diagnostics: &mut Vec<Diagnostic>) -> Labels<'s> {
    let mut labels = Labels::new();
    let mut index = 0;
    for item in code {
        if let Item::Label(name) | Item::Func { name, .. } = item {
            match labels.get(name.text) {
                Some((_, first)) => diagnostics.push(say::label_taken(&name.span, name.text, first)),
                None => {
                    labels.insert(name.text, (index, name.span.clone()));
                }
            }
        }
        index += u64::from(item.is_word());
    }
    labels
}
