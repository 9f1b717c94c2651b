//! Lines of code to a code page.

use super::ast::{Expr, ImmExpr, Item, Name, TypeExpr};
use super::lex::{Span, Value};
use super::names::{Labels, Names, Scope};
use super::say;
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::decode::{fits, operands};
use keyvm_isa::layout::MEMORY_DATA;
use keyvm_isa::{Imm, ImmKind, Insn, Op};
use std::collections::BTreeMap;

/// The words of the code page. What is wrong is recorded in `names`.
pub(crate) fn emit_code<'s>(code: &[Item<'s>], labels: &Labels<'s>, names: &mut Names<'_, 's>) -> Vec<u64> {
    let begins = |item: &&Item<'s>| {
        matches!(item, Item::Func { .. } | Item::Insn { op: Op::Func, .. } | Item::Word(_))
    };
    let callable = code.iter().filter(|item| item.is_word()).map(|item| begins(&item)).collect();
    let mut emitter = Emitter {
        callable,
        names,
        labels,
        parts: CodeParts::default(),
        constants: BTreeMap::new(),
        types: BTreeMap::new(),
        switches: BTreeMap::new(),
        slots: Labels::new(),
        behind_func: None,
    };
    for item in code {
        emitter.explicit(item);
    }
    for item in code {
        let word = emitter.word(item);
        if item.is_word() {
            emitter.parts.instructions.push(word.unwrap_or(0));
        }
    }
    emitter.parts.words()
}

struct Emitter<'e, 'a, 's> {
    names: &'e mut Names<'a, 's>,
    labels: &'e Labels<'s>,
    parts: CodeParts,
    /// The first of each in its table.
    constants: BTreeMap<u64, usize>,
    types: BTreeMap<u64, usize>,
    switches: BTreeMap<Vec<u64>, usize>,
    /// The named slots of the subroutine.
    slots: Labels<'s>,
    /// Of each instruction, whether a subroutine begins there; of a word given as a number, that is taken for granted.
    callable: Vec<bool>,
    /// The type of the subroutine that has just begun; names of slots may stand here.
    behind_func: Option<FuncType>,
}

impl<'s> Emitter<'_, '_, 's> {
    /// Enters what directives put into the tables.
    fn explicit(&mut self, item: &Item<'s>) {
        match item {
            Item::Constant(value) => {
                let value = self.value(value).unwrap_or(0);
                self.constants.entry(value).or_insert(self.parts.constants.len());
                self.parts.constants.push(value);
            }
            Item::Type(typ) => {
                let typ = self.func_type(typ).unwrap_or(FuncType::from_word(0));
                self.types.entry(typ.word()).or_insert(self.parts.types.len());
                self.parts.types.push(typ);
            }
            Item::Switch(targets) => {
                let targets = self.targets(targets);
                self.switches.entry(targets.clone()).or_insert(self.parts.switches.len());
                self.parts.switches.push(targets);
            }
            _ => {}
        }
    }

    /// The instruction word of an item, if it is one and nothing is wrong with it.
    fn word(&mut self, item: &Item<'s>) -> Option<u64> {
        if item.is_word() {
            self.behind_func = None;
        }
        match item {
            Item::Push(expr) => self.push(expr),
            Item::Word(expr) => self.value(expr),
            Item::Func { typ, .. } => {
                let typ = self.func_type(typ)?;
                self.slots.clear();
                self.behind_func = Some(typ);
                let index = self.type_index(typ);
                Insn::encode(Op::Func, &[index])
            }
            Item::Insn { op, span, imms, operands } => self.insn(*op, span, imms, operands.as_ref()),
            Item::Params(names, span) => {
                let at = self.behind_func.map(|typ| (0, u64::from(typ.arguments)));
                self.name_slots(names, span, "arguments", at);
                None
            }
            Item::Locals(names, span) => {
                let at = self.behind_func.map(|typ| (u64::from(typ.arguments), u64::from(typ.locals)));
                self.name_slots(names, span, "locals", at);
                None
            }
            Item::Slots(names) => {
                let first = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
                self.enter_slots(names, first);
                None
            }
            Item::Label(_) | Item::Constant(_) | Item::Type(_) | Item::Switch(_) => None,
        }
    }

    /// Names slots, if they are `at` (the first, how many).
    fn name_slots(&mut self, names: &[Name<'s>], span: &Span, what: &str, at: Option<(u64, u64)>) {
        let Some((first, count)) = at else {
            return self.names.report(say::names_not_behind_func(span));
        };
        if u64::try_from(names.len()) != Ok(count) {
            self.names.report(say::wrong_slot_count(span, what, names.len(), count));
        }
        self.enter_slots(names, first);
    }

    fn enter_slots(&mut self, names: &[Name<'s>], first: u64) {
        for (name, slot) in names.iter().zip(first..) {
            if let Some((_, earlier)) = self.slots.get(name.text) {
                self.names.report(say::name_taken(&name.span, name.text, Some(earlier)));
            } else {
                self.slots.insert(name.text, (slot, name.span.clone()));
            }
        }
    }

    // ---- Values -----------------------------------------------------------------------------------------

    fn value(&mut self, expr: &Expr<'s>) -> Option<u64> {
        self.names.word(expr, Scope { labels: Some(self.labels), slots: Some(&self.slots), operand: false })
    }

    fn targets(&mut self, targets: &[Expr<'s>]) -> Vec<u64> {
        targets.iter().map(|target| self.value(target).unwrap_or(0)).collect()
    }

    fn func_type(&mut self, typ: &TypeExpr<'s>) -> Option<FuncType> {
        let arguments = self.type_part(&typ.arguments, 16);
        let results = self.type_part(&typ.results, 16);
        let locals = typ.locals.as_ref().map_or(Some(0), |locals| self.type_part(locals, 32));
        Some(FuncType {
            arguments: u16::try_from(arguments?).ok()?,
            results: u16::try_from(results?).ok()?,
            locals: u32::try_from(locals?).ok()?,
        })
    }

    fn type_part(&mut self, expr: &Expr<'s>, bits: u32) -> Option<u64> {
        match self.names.eval(expr, Scope { labels: None, slots: Some(&self.slots), operand: false })? {
            Value::Whole(value) => {
                let part = u64::try_from(value).ok().filter(|part| part >> bits == 0);
                if part.is_none() {
                    self.names.report(say::type_too_large(&expr.span, value, bits));
                }
                part
            }
            _ => {
                self.names.report(say::not_whole(&expr.span));
                None
            }
        }
    }

    // ---- Tables -----------------------------------------------------------------------------------------

    fn constant_index(&mut self, value: u64) -> i64 {
        let next = self.parts.constants.len();
        let index = *self.constants.entry(value).or_insert(next);
        if index == next {
            self.parts.constants.push(value);
        }
        index_imm(index)
    }

    fn type_index(&mut self, typ: FuncType) -> i64 {
        let next = self.parts.types.len();
        let index = *self.types.entry(typ.word()).or_insert(next);
        if index == next {
            self.parts.types.push(typ);
        }
        index_imm(index)
    }

    fn switch_index(&mut self, targets: Vec<u64>) -> i64 {
        let next = self.parts.switches.len();
        if let Some(&index) = self.switches.get(&targets) {
            return index_imm(index);
        }
        self.switches.insert(targets.clone(), next);
        self.parts.switches.push(targets);
        index_imm(next)
    }

    // ---- Instructions -----------------------------------------------------------------------------------

    fn push(&mut self, expr: &Expr<'s>) -> Option<u64> {
        let scope = Scope { labels: Some(self.labels), slots: Some(&self.slots), operand: true };
        let value = self.names.word(expr, scope)?;
        let push = Insn::encode(Op::Push, &[value.cast_signed()]);
        push.or_else(|| {
            let index = self.constant_index(value);
            Insn::encode(Op::Const, &[index])
        })
    }

    fn insn(
        &mut self,
        op: Op,
        span: &Span,
        written: &[ImmExpr<'s>],
        given: Option<&(usize, Span)>,
    ) -> Option<u64> {
        let mut imms = Vec::new();
        for (position, imm) in op.info().imms.iter().enumerate() {
            imms.push(match written.get(position) {
                Some(expr) => self.immediate(op, imm, expr)?,
                None => match imm.kind {
                    ImmKind::Count | ImmKind::Offset => 0,
                    ImmKind::Memory => i64::from(MEMORY_DATA),
                    _ => {
                        self.names.report(say::missing_immediate(span, op, position));
                        return None;
                    }
                },
            });
        }
        if let (Some((count, span)), Some(most)) = (given, operands(op, &imms))
            && u64::try_from(*count).is_ok_and(|count| count > most)
        {
            self.names.report(say::too_many_operands(span, op, most, *count));
        }
        if let (Op::Call | Op::Tailcall, [ImmExpr::Expr(target)]) = (op, written) {
            self.check_callee(target);
        }
        if op == Op::Func {
            self.slots.clear();
            let typ = usize::try_from(imms[0]).ok().and_then(|index| self.parts.types.get(index));
            self.behind_func = typ.copied();
        }
        Insn::encode(op, &imms)
    }

    /// Reports a call of a label where no subroutine begins. Whoever means it gives the index.
    fn check_callee(&mut self, target: &Expr<'s>) {
        if let Some(label) = target.only_label()
            && let Some((index, defined)) = self.labels.get(label)
            && !usize::try_from(*index).is_ok_and(|index| self.callable.get(index) == Some(&true))
        {
            self.names.report(say::not_a_subroutine(&target.span, label, defined));
        }
    }

    fn immediate(&mut self, op: Op, imm: &Imm, written: &ImmExpr<'s>) -> Option<i64> {
        let expr = match written {
            ImmExpr::Type(typ) => {
                let typ = self.func_type(typ)?;
                return Some(self.type_index(typ));
            }
            ImmExpr::Table(targets) => {
                let errors = self.names.diagnostics.len();
                let targets = self.targets(targets);
                return (self.names.diagnostics.len() == errors).then(|| self.switch_index(targets));
            }
            ImmExpr::Expr(expr) => expr,
        };
        if matches!(op, Op::Get | Op::Set | Op::Tee)
            && let Some(name) = expr.only_name()
            && let Some(&(slot, _)) = self.slots.get(name)
        {
            return i64::try_from(slot).ok();
        }
        let labels = matches!(imm.kind, ImmKind::Value | ImmKind::Target).then_some(self.labels);
        let slots = Some(&self.slots);
        match self.names.eval(expr, Scope { labels, slots, operand: false })? {
            Value::Whole(value) => {
                let fitting = i64::try_from(value).ok().filter(|&value| fits(imm, value));
                if fitting.is_none() {
                    self.names.report(say::immediate_too_large(&expr.span, *imm, value));
                }
                fitting
            }
            _ => {
                self.names.report(say::not_whole(&expr.span));
                None
            }
        }
    }
}

/// A position in a table as an immediate.
fn index_imm(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
