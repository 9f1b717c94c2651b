//! Descriptors of types: by what values are copied across the borders of sandboxes. `std/flat.et` says what they are.

use crate::entish::hir::{Program, Type, TypeId};
use std::collections::BTreeMap;

const WORD: u64 = 0;
const TEXT: u64 = 1;
const BYTES: u64 = 2;
const ARRAY: u64 = 3;
const LIST: u64 = 4;
const MAP: u64 = 5;
const STRUCT: u64 = 6;
const BOOL: u64 = 7;

/// The descriptors that a program needs, each once.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    words: Vec<u64>,
    /// Which of the words refer to others.
    references: Vec<u32>,
    of_type: BTreeMap<TypeId, u32>,
    /// Of what is handed over together.
    of_tuple: BTreeMap<Vec<TypeId>, u32>,
}

impl Descriptors {
    /// The descriptor of a struct with fields of these types, by its place.
    pub(super) fn tuple(&mut self, program: &Program, fields: &[TypeId]) -> u32 {
        if let Some(&at) = self.of_tuple.get(fields) {
            return at;
        }
        let at = self.fields(fields.len());
        self.of_tuple.insert(fields.to_vec(), at);
        self.fill(program, at + 2, fields);
        at
    }

    fn next(&self) -> u32 {
        u32::try_from(self.words.len()).unwrap_or(u32::MAX)
    }

    /// Room for a struct with so many fields.
    fn fields(&mut self, count: usize) -> u32 {
        let at = self.next();
        self.words.extend([STRUCT, count as u64]);
        self.words.resize(self.words.len() + count, 0);
        at
    }

    /// Fills in the descriptors of what a descriptor consists of, and of what these do, and so on.
    fn fill(&mut self, program: &Program, at: u32, types: &[TypeId]) {
        let mut pending = vec![(at, types.to_vec())];
        while let Some((at, types)) = pending.pop() {
            for (at, ty) in (at..).zip(types) {
                self.references.push(at);
                let known = self.of_type.get(&ty).copied();
                let of_part = known.unwrap_or_else(|| {
                    let (of_part, parts) = self.descriptor(program, ty);
                    pending.push(parts);
                    of_part
                });
                self.words[at as usize] = of_part.into();
            }
        }
    }

    /// Adds the descriptor of a type; gives its place, and what is still to be filled in.
    fn descriptor(&mut self, program: &Program, ty: TypeId) -> (u32, (u32, Vec<TypeId>)) {
        let (kind, parts) = match &program.types[ty.0 as usize] {
            Type::Text => (TEXT, vec![]),
            Type::Bytes => (BYTES, vec![]),
            Type::Bool => (BOOL, vec![]),
            Type::Array(element) => (ARRAY, vec![*element]),
            Type::List(element) => (LIST, vec![*element]),
            Type::Map(key, value) => (MAP, vec![*key, *value]),
            Type::Struct { fields, .. } => {
                let fields: Vec<_> = fields.iter().map(|(_, ty)| *ty).collect();
                let at = self.fields(fields.len());
                self.of_type.insert(ty, at);
                return (at, (at + 2, fields));
            }
            _ => (WORD, vec![]),
        };
        let at = self.next();
        self.of_type.insert(ty, at);
        self.words.push(kind);
        self.words.resize(self.words.len() + parts.len(), 0);
        (at, (at + 1, parts))
    }

    /// The descriptors, and which of their words are places of others.
    pub(super) fn words(&self) -> (&[u64], &[u32]) {
        (&self.words, &self.references)
    }
}
