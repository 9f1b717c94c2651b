//! Operands as SSA values: in which class each is held, and how the instructions that only move operands move them.

use crate::arith::{Class, shape};
use crate::region::{Block, Edge, End, Region, subroutine};
use crate::uses::Uses;
use keyvm_isa::code::FuncType;
use keyvm_isa::{Code, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

/// How an operand is held, apart from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) class: Class,
    /// Whether it may be a NaN that the specification wants to be the canonical one. Never of a word.
    pub(crate) raw: bool,
}

impl Form {
    pub(crate) const WORD: Self = Self { class: Class::Word, raw: false };
}

/// What is known of an operand before the code is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    form: Form,
    /// Whether the upper half is known to be 0: of a word that may be held as an f32.
    short: bool,
    /// Whether it is known to be no NaN, as whichever float it may be held: making it canonical changes nothing.
    number: bool,
}

impl Held {
    const WORD: Self = Self { form: Form::WORD, short: false, number: false };

    const fn new(form: Form) -> Self {
        Self { form, short: matches!(form.class, Class::F32), number: false }
    }

    const fn word(word: u64) -> Self {
        let [a, b, c, d, ..] = word.to_le_bytes();
        let number = !f64::from_bits(word).is_nan() && !f32::from_le_bytes([a, b, c, d]).is_nan();
        Self { form: Form::WORD, short: word >> 32 == 0, number }
    }

    /// How to hold what comes over two edges: a float wins over a word, where that becomes one at no loss. A NaN that
    /// is to be the canonical one becomes that on its way to where a NaN may be another. `None` if it must be a word.
    fn merge(self, other: Self) -> Option<Self> {
        let class = match (self.form.class, other.form.class) {
            (a, b) if a == b => a,
            (Class::Word, Class::F64) | (Class::F64, Class::Word) => Class::F64,
            (Class::Word, Class::F32) if self.short => Class::F32,
            (Class::F32, Class::Word) if other.short => Class::F32,
            _ => return None,
        };
        let some_raw = self.form.raw || other.form.raw;
        let raw = some_raw && (self.form.raw || self.number) && (other.form.raw || other.number);
        let number = self.number && other.number;
        Some(Self { form: Form { class, raw }, short: self.short && other.short, number })
    }
}

/// Moves operands as an instruction does that does nothing else; `false` if it is another. Slots are counted from `base`.
pub(crate) fn shuffle<T: Copy>(stack: &mut Vec<T>, base: usize, insn: &Insn) -> bool {
    let top = stack.len();
    let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
    match insn.op {
        Op::Nop => {}
        Op::Drop => stack.truncate(top - 1),
        Op::Dup => stack.push(stack[top - 1]),
        Op::Swap => stack.swap(top - 1, top - 2),
        Op::Rot => stack[top - 3..].rotate_right(1),
        Op::Rotback => stack[top - 3..].rotate_left(1),
        Op::Pick => stack.push(stack[top - 1 - imm]),
        Op::Put => {
            stack[top - 2 - imm] = stack[top - 1];
            stack.truncate(top - 1);
        }
        Op::Get => stack.push(stack[base + imm]),
        Op::Set => {
            stack[base + imm] = stack[top - 1];
            stack.truncate(top - 1);
        }
        Op::Tee => stack[base + imm] = stack[top - 1],
        Op::Slide => {
            let drop = usize::try_from(insn.imms[1]).unwrap_or(usize::MAX);
            stack.copy_within(top - imm.., top - imm - drop);
            stack.truncate(top - drop);
        }
        _ => return false,
    }
    true
}

/// Whether an instruction costs nothing natively: it only moves operands, or makes one that is known.
pub(crate) const fn is_free(op: Op) -> bool {
    matches!(
        op,
        Op::Nop
            | Op::Push
            | Op::Const
            | Op::Drop
            | Op::Dup
            | Op::Swap
            | Op::Rot
            | Op::Rotback
            | Op::Pick
            | Op::Put
            | Op::Get
            | Op::Set
            | Op::Tee
            | Op::Slide
            | Op::Height
    )
}

/// The class that the operand an instruction at `index` pushed is next used in, if that is soon, and in the same block: for
/// quick code. See [`Uses`].
pub(crate) fn next_use(code: &Code, index: u32, end: u32) -> Class {
    const FAR: u32 = 12;
    // How far below the top the operand is.
    let mut depth = 0;
    for at in index + 1..end.min(index + FAR) {
        let Some(insn) = Insn::decode(code.normal()[at as usize]) else { break };
        let (pops, pushes) = (usize::from(insn.op.info().pops), usize::from(insn.op.info().pushes));
        if let Some(shape) = shape(insn.op) {
            if depth < pops {
                return shape.operands[pops - 1 - depth];
            }
        } else {
            match insn.op {
                Op::Swap if depth < 2 => {
                    depth = 1 - depth;
                    continue;
                }
                Op::Rot | Op::Rotback | Op::Slide | Op::Func | Op::Call | Op::Callto | Op::Calltable => break,
                _ if depth < pops => break,
                _ => {}
            }
        }
        depth = depth - pops + pushes;
    }
    Class::Word
}

/// How often each block of a unit may be looked at on average to find how its operands are held. Beyond that they are
/// words, all of them.
const ROUNDS_MAX: usize = 32;

/// How the operands are held where each block begins.
pub(crate) fn forms(code: &Code, region: &Region, uses: &Uses) -> Vec<Vec<Form>> {
    let mut forms: Vec<Option<Vec<Held>>> = vec![None; region.blocks.len()];
    // Operands that cannot be floats of one kind: they are words, for good, so that this ends.
    let mut mixed: BTreeSet<(usize, usize)> = BTreeSet::new();
    forms[0] = Some(vec![Held::WORD; region.blocks[0].height as usize]);
    let mut open = vec![0];
    let mut waits = vec![false; region.blocks.len()];
    let mut rounds = 0;
    while let Some(block) = open.pop() {
        waits[block] = false;
        rounds += 1;
        if rounds > ROUNDS_MAX * region.blocks.len() {
            return region.blocks.iter().map(|block| vec![Form::WORD; block.height as usize]).collect();
        }
        let Some(mut stack) = forms[block].clone() else { continue };
        let class = |index| uses.class(block, index);
        let block = &region.blocks[block];
        let base = region.base(block.inlined) as usize;
        for index in block.index..block.end_index {
            if let Some(insn) = Insn::decode(code.normal()[index as usize]) {
                step(code, &mut stack, base, &insn, || class(index));
            }
        }
        match block.end {
            End::Branch { .. } | End::Switch(_) => stack.truncate(stack.len() - 1),
            End::CalledAfterAll(_) => {
                stack.truncate(base);
                let typ = block.inlined.map(|call| region.inlined[call].typ);
                stack.resize(base + typ.map_or(0, |typ| usize::from(typ.results)), Held::WORD);
            }
            End::InlinedReturn(typ, _) => drop_to_results(&mut stack, base, typ),
            _ => {}
        }
        let mut reach = |edge: &Edge| {
            let Edge::Block(next) = *edge else { return };
            let changed = match &mut forms[next] {
                Some(known) => {
                    let mut changed = false;
                    for (slot, (known, &new)) in known.iter_mut().zip(&stack).enumerate() {
                        let merged = match known.merge(new) {
                            Some(_) if mixed.contains(&(next, slot)) => Held::WORD,
                            Some(merged) => merged,
                            None => {
                                mixed.insert((next, slot));
                                Held::WORD
                            }
                        };
                        changed |= merged != *known;
                        *known = merged;
                    }
                    changed
                }
                none => {
                    *none = Some(stack.clone());
                    true
                }
            };
            if changed && !std::mem::replace(&mut waits[next], true) {
                open.push(next);
            }
        };
        block.for_each_edge(|edge| reach(&edge));
    }
    let forms = forms.into_iter().map(Option::unwrap_or_default);
    forms.map(|held| held.into_iter().map(|held| held.form).collect()).collect()
}

/// Takes off what lies above the base but the results, as `ret` does.
pub(crate) fn drop_to_results<T>(stack: &mut Vec<T>, base: usize, typ: FuncType) {
    stack.drain(base..stack.len() - usize::from(typ.results));
}

/// How many operands an instruction takes and leaves, where it is not one that only moves them.
pub(crate) fn counts(code: &Code, insn: &Insn) -> (usize, usize) {
    let info = insn.op.info();
    let (pops, pushes) = (usize::from(info.pops), usize::from(info.pushes));
    let imm = u32::try_from(insn.imms[0]).unwrap_or(u32::MAX);
    let typ = match insn.op {
        Op::Call => subroutine(code, imm).map(|(typ, _)| typ),
        Op::Func | Op::Callto | Op::Calltable => code.types().get(imm as usize).copied(),
        _ => None,
    };
    match (insn.op, typ) {
        (Op::Func, Some(typ)) => (pops, typ.locals as usize),
        (_, Some(typ)) => (pops + usize::from(typ.arguments), usize::from(typ.results)),
        (_, None) => (pops, pushes),
    }
}

/// What one instruction does to the forms. If it is a load, it gives what is held in the class `loaded`.
fn step(code: &Code, stack: &mut Vec<Held>, base: usize, insn: &Insn, loaded: impl FnOnce() -> Class) {
    if shuffle(stack, base, insn) {
        return;
    }
    let (pops, pushes) = counts(code, insn);
    let below = stack.len() - pops;
    let held = if let Some(shape) = shape(insn.op) {
        Held::new(Form { class: shape.result, raw: shape.raw })
    } else {
        let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
        match insn.op {
            Op::Push => Held::word(insn.imms[0].cast_unsigned()),
            Op::Const => code.constants().get(imm).map_or(Held::WORD, |&word| Held::word(word)),
            Op::Func => Held::word(0),
            Op::Select => {
                let (a, b) = (stack[below], stack[below + 1]);
                let form = select_form(a.form, b.form);
                Held { form, short: a.short && b.short, number: a.number && b.number }
            }
            Op::Load64 | Op::Load64at | Op::Load32 | Op::Load32at => {
                Held::new(Form { class: loaded(), raw: false })
            }
            _ => Held::WORD,
        }
    };
    stack.truncate(below);
    stack.resize(below + pushes, held);
}

/// The memory numbers that `mempush` and its like find on the stack, where the code itself tells, by index.
pub(crate) fn known_memories(code: &Code, base: usize, block: &Block) -> BTreeMap<u32, u64> {
    let mut found = BTreeMap::new();
    let words = &code.normal()[block.index as usize..block.end_index as usize];
    let looks = |op| matches!(op, Op::Mempush | Op::Memwrite | Op::Memlen);
    if !words.iter().any(|word| Op::from_byte(word.to_le_bytes()[0]).is_some_and(looks)) {
        return found;
    }
    let mut stack: Vec<Option<u64>> = vec![None; block.height as usize];
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        if shuffle(&mut stack, base, &insn) {
            continue;
        }
        let (pops, pushes) = counts(code, &insn);
        let below = stack.len() - pops;
        if let (Op::Mempush | Op::Memwrite | Op::Memlen, Some(memory)) =
            (insn.op, stack.get(below).copied().flatten())
        {
            found.insert(index, memory);
        }
        let pushed = match insn.op {
            Op::Push => Some(insn.imms[0].cast_unsigned()),
            _ => None,
        };
        stack.truncate(below);
        stack.resize(below + pushes, pushed);
    }
    found
}

/// The form of what `select` gives: a float if both are of one class. What is not raw may be a NaN that is to stay as it
/// is, so the result is raw only if both are.
pub(crate) fn select_form(a: Form, b: Form) -> Form {
    if a.class == b.class { Form { class: a.class, raw: a.raw && b.raw } } else { Form::WORD }
}

/// The class of float that a load may give.
pub(crate) const fn load_width(op: Op) -> Option<Class> {
    match op {
        Op::Load64 | Op::Load64at => Some(Class::F64),
        Op::Load32 | Op::Load32at => Some(Class::F32),
        _ => None,
    }
}
