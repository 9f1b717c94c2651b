//! A code page in the making: instructions with labels that are not yet placed.

use crate::entish::hir::Place;
use keyvm_isa::code::{CodeParts, FuncType};
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{Insn, Op};
use std::collections::BTreeMap;

/// A place in the code, perhaps still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label(u32);

/// What an instruction's first immediate will be.
#[derive(Clone, Copy, Debug)]
enum Later {
    /// The index of a label.
    Label(Label),
    /// What says that a sandboxed call begins at a label.
    Entry(Label),
    /// Where in memory 1 a descriptor is, by its place among them.
    Descriptor(u32),
    /// Where in memory 1 the tables are, in bytes.
    Tables,
    /// How many words memory 2 begins with, as far as a process can be made with so many.
    Statics,
    /// How many bytes memory 2 begins with.
    StaticsBytes,
    /// A constant, by its place in [`Code::constants`].
    Constant(u32),
}

/// A code page in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    insns: Vec<Insn>,
    /// For each instruction, which of `places` it belongs to.
    place_of: Vec<u32>,
    places: Vec<Place>,
    later: Vec<(u32, Later)>,
    labels: Vec<Option<u32>>,
    constants: Vec<u64>,
    constant_of: BTreeMap<u64, u32>,
    /// The targets of each switch, the one for all other numbers last.
    switches: Vec<Vec<Label>>,
    types: Vec<FuncType>,
    /// By the types' words.
    type_of: BTreeMap<u64, u32>,
    /// The last label's index: nothing before it is looked at again.
    barrier: usize,
    /// Words among the instructions that are none, by their indices.
    embedded: BTreeMap<u32, u64>,
    /// Where sandboxed calls begin that are told so by a number, by these numbers; if there are any, nothing is told an index.
    numbered: Vec<Label>,
}

/// A finished code page, and where its instructions come from.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) words: Vec<u64>,
    pub(super) place_of: Vec<u32>,
    pub(super) places: Vec<Place>,
}

impl Code {
    /// From here on instructions belong to this place.
    pub(super) fn at(&mut self, place: &Place) {
        if self.places.last() != Some(place) {
            self.places.push(place.clone());
        }
    }

    /// The places that instructions belong to.
    pub(super) fn places_mut(&mut self) -> &mut [Place] {
        &mut self.places
    }

    /// The present place.
    pub(super) fn place(&self) -> Option<Place> {
        self.places.last().cloned()
    }

    /// The index of the next instruction.
    pub(super) fn index(&self) -> u32 {
        u32::try_from(self.insns.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(u32::try_from(self.labels.len() - 1).unwrap_or(u32::MAX))
    }

    /// Places a label here.
    pub(super) fn put(&mut self, label: Label) {
        self.labels[label.0 as usize] = Some(self.index());
        self.barrier = self.insns.len();
    }

    pub(super) fn insn(&mut self, op: Op, imms: [i64; 3]) {
        self.insns.push(Insn { op, imms });
        let place = self.places.len().saturating_sub(1);
        self.place_of.push(u32::try_from(place).unwrap_or(u32::MAX));
    }

    pub(super) fn op(&mut self, op: Op) {
        self.insn(op, [0; 3]);
    }

    pub(super) fn op1(&mut self, op: Op, imm: u64) {
        self.insn(op, [imm.cast_signed(), 0, 0]);
    }

    pub(super) fn op2(&mut self, op: Op, first: u64, second: u64) {
        self.insn(op, [first.cast_signed(), second.cast_signed(), 0]);
    }

    fn op_later(&mut self, op: Op, later: Later) {
        self.later.push((self.index(), later));
        self.op(op);
    }

    /// An instruction whose target is a label, or that pushes its index.
    pub(super) fn to(&mut self, op: Op, label: Label) {
        self.op_later(op, Later::Label(label));
    }

    /// Pushes what says that a sandboxed call begins at a label: its index, or its number.
    pub(super) fn push_entry(&mut self, label: Label) {
        self.op_later(Op::Push, Later::Entry(label));
    }

    /// Has all sandboxed calls told by a number where they begin, for which there is a `jumpto` at an index, if there are at
    /// most so many beginnings: where code goes on is known then when it is compiled.
    pub(super) fn number_entries(&mut self, jumpto: u32, at_most: usize) {
        let mut labels: Vec<Label> = Vec::new();
        for &(_, later) in &self.later {
            if let Later::Entry(label) = later
                && !labels.contains(&label)
            {
                labels.push(label);
            }
            if labels.len() > at_most {
                return;
            }
        }
        if !labels.is_empty() {
            let table = i64::try_from(self.switches.len()).unwrap_or(i64::MAX);
            self.insns[jumpto as usize] = Insn { op: Op::Switch, imms: [table, 0, 0] };
            self.switches.push(labels.clone());
            self.numbered = labels;
        }
    }

    /// Goes to one of these, by an operand; to the last one if there are not so many.
    pub(super) fn switch(&mut self, targets: Vec<Label>) {
        self.op1(Op::Switch, self.switches.len() as u64);
        self.switches.push(targets);
    }

    /// Pushes a word.
    pub(super) fn push(&mut self, word: u64) {
        let value = word.cast_signed();
        if (value << 8) >> 8 == value {
            self.insn(Op::Push, [value, 0, 0]);
            return;
        }
        let next = u32::try_from(self.constants.len()).unwrap_or(u32::MAX);
        let index = *self.constant_of.entry(word).or_insert(next);
        if index == next {
            self.constants.push(word);
        }
        self.op_later(Op::Const, Later::Constant(index));
    }

    /// Pushes where in memory 1 a descriptor is.
    pub(super) fn push_descriptor(&mut self, at: u32) {
        self.op_later(Op::Push, Later::Descriptor(at));
    }

    /// Pushes how many words memory 2 begins with, as far as a process can be made with so many.
    pub(super) fn push_statics(&mut self) {
        self.op_later(Op::Push, Later::Statics);
    }

    /// Pushes how many bytes memory 2 begins with.
    pub(super) fn push_statics_bytes(&mut self) {
        self.op_later(Op::Push, Later::StaticsBytes);
    }

    /// Pushes where in memory 1 the tables are, in bytes.
    pub(super) fn push_tables(&mut self) {
        self.op_later(Op::Push, Later::Tables);
    }

    pub(super) fn get(&mut self, slot: u32) {
        // What has just been stored is still there: `set s, get s` is `tee s`.
        let slot = i64::from(slot);
        if self.insns.len() > self.barrier
            && let Some(last) = self.insns.last_mut()
            && last.op == Op::Set
            && last.imms[0] == slot
        {
            last.op = Op::Tee;
            return;
        }
        self.insn(Op::Get, [slot, 0, 0]);
    }

    pub(super) fn set(&mut self, slot: u32) {
        self.op1(Op::Set, slot.into());
    }

    pub(super) fn tee(&mut self, slot: u32) {
        self.op1(Op::Tee, slot.into());
    }

    /// The number of a type.
    pub(super) fn typ(&mut self, typ: FuncType) -> u64 {
        let next = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        let index = *self.type_of.entry(typ.word()).or_insert(next);
        if index == next {
            self.types.push(typ);
        }
        index.into()
    }

    /// Says what a subroutine whose `func` stands at `at` is: that is known when its body has been made.
    pub(super) fn set_func(&mut self, at: u32, typ: FuncType) {
        let typ = self.typ(typ);
        self.insns[at as usize].imms[0] = typ.cast_signed();
    }

    /// Puts descriptors here, among the instructions, where they stay when the code grows. These words are places of others.
    pub(super) fn embed(&mut self, descriptors: &[u64], references: &[u32]) {
        let descriptors_at = self.index();
        for &word in descriptors {
            self.embedded.insert(self.index(), word);
            self.op(Op::Unreachable);
        }
        for &at in references {
            if let Some(word) = self.embedded.get_mut(&(descriptors_at + at)) {
                *word += u64::from(descriptors_at);
            }
        }
        let Self { later, insns, .. } = self;
        later.retain(|&(at, later)| match later {
            Later::Descriptor(descriptor) => {
                insns[at as usize].imms[0] = i64::from(descriptors_at + descriptor);
                false
            }
            _ => true,
        });
    }

    /// Puts the page together. The tables lead the constants: what memory 2 begins with, and the descriptors, of which these
    /// words are places of others.
    pub(super) fn finish(mut self, statics: &[u64], descriptors: &[u64], references: &[u32]) -> Finished {
        let tables_at = self.insns.len() as u64;
        let descriptors_at = tables_at + statics.len() as u64;
        let mut tables = [statics, descriptors].concat();
        for &at in references {
            tables[statics.len() + at as usize] += descriptors_at;
        }
        let labels: Vec<u32> = self.labels.iter().map(|at| at.unwrap_or(u32::MAX)).collect();
        for &(at, later) in &self.later {
            let value = match later {
                Later::Label(Label(label)) => u64::from(labels[label as usize]),
                Later::Entry(entry) => match self.numbered.iter().position(|&numbered| numbered == entry) {
                    Some(number) => number as u64,
                    None => labels[entry.0 as usize].into(),
                },
                Later::Descriptor(at) => descriptors_at + u64::from(at),
                Later::Tables => tables_at * 8,
                Later::Statics => (statics.len() as u64).min(CHUNK_WORDS),
                Later::StaticsBytes => statics.len() as u64 * 8,
                Later::Constant(index) => tables.len() as u64 + u64::from(index),
            };
            self.insns[at as usize].imms[0] = value.cast_signed();
        }
        tables.extend(&self.constants);
        let mut instructions: Vec<_> = self.insns.iter().map(|insn| insn.word()).collect();
        for (&at, &word) in &self.embedded {
            instructions[at as usize] = word;
        }
        let of_labels = |targets: &Vec<Label>| {
            targets.iter().map(|&Label(label)| labels[label as usize].into()).collect()
        };
        let switches = self.switches.iter().map(of_labels).collect();
        let parts = CodeParts { instructions, constants: tables, types: self.types, switches };
        Finished { words: parts.words(), place_of: self.place_of, places: self.places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sandboxed calls, the second of them twice, behind what goes on where it is told. Gives what the code is: of
    /// each instruction its name and first immediate, and the switch tables.
    fn with_two_entries(at_most: usize) -> (Vec<(&'static str, i64)>, Vec<u64>) {
        let mut code = Code::default();
        code.op(Op::Jumpto);
        let [one, other] = [(); 2].map(|()| code.label());
        for entry in [one, other, other] {
            code.push_entry(entry);
        }
        for entry in [other, one] {
            code.put(entry);
            code.op(Op::Halt);
        }
        code.number_entries(0, at_most);
        let words = code.finish(&[], &[], &[]).words;
        let instructions = words[..6].iter().map(|&word| Insn::decode(word).expect("an instruction"));
        (instructions.map(|insn| (insn.op.info().mnemonic, insn.imms[0])).collect(), words[6..].to_vec())
    }

    #[test]
    fn sandboxed_calls_are_told_a_number_that_a_switch_goes_by() {
        let (instructions, behind) = with_two_entries(2);
        let expected = [("switch", 0), ("push", 0), ("push", 1), ("push", 1), ("halt", 0), ("halt", 0)];
        assert_eq!(instructions, expected);
        assert_eq!(behind[..3], [2, 5, 4], "so many targets, and where they are");
    }

    #[test]
    fn sandboxed_calls_are_told_an_index_if_they_are_many() {
        let (instructions, _) = with_two_entries(1);
        let expected = [("jumpto", 0), ("push", 5), ("push", 4), ("push", 4), ("halt", 0), ("halt", 0)];
        assert_eq!(instructions, expected);
    }
}
