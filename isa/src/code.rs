//! The layout of a code page, and the code as engines see it.
//!
//! A code page is a list of words: the instructions, so that word `i` is instruction `i`; the constants; the
//! subroutine types, a word each; the switch tables, each its length and then its targets; and four words that
//! count these: instructions, constants, types, words of switch tables. Nothing else: a page that does not
//! add up is not code. The instructions themselves may be any words.

use crate::decode::{Insn, normalise};
use crate::layout::{CHUNK_WORDS, CODE_WORDS_MAX};
use crate::table::Op;

/// A subroutine's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Words it takes from its caller's operands.
    pub arguments: u16,
    /// Words it leaves there.
    pub results: u16,
    /// Words that begin as 0, besides.
    pub locals: u32,
}

impl FuncType {
    /// The type that a word of the table is.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        let [a0, a1, r0, r1, l0, l1, l2, l3] = word.to_le_bytes();
        Self {
            arguments: u16::from_le_bytes([a0, a1]),
            results: u16::from_le_bytes([r0, r1]),
            locals: u32::from_le_bytes([l0, l1, l2, l3]),
        }
    }

    /// The table's word: arguments in bits 0 to 15, results in 16 to 31, locals above.
    #[must_use]
    pub const fn word(self) -> u64 {
        self.arguments as u64 | (self.results as u64) << 16 | (self.locals as u64) << 32
    }
}

/// Why a page is not code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeError {
    /// Shorter than the four words that count its parts.
    TooShort,
    /// Longer than [`CODE_WORDS_MAX`].
    TooLong,
    /// The parts do not add up to the page's length.
    BadCounts,
    /// A type with more than [`CHUNK_WORDS`] arguments, results or locals; which one.
    BadType(u32),
    /// A switch table without targets, or one that passes the end of the tables; which one.
    BadSwitch(u32),
}

impl core::fmt::Display for CodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooShort => f.write_str("shorter than the four words that count its parts"),
            Self::TooLong => write!(f, "longer than {CODE_WORDS_MAX} words"),
            Self::BadCounts => f.write_str("its parts do not add up to its length"),
            Self::BadType(index) => {
                write!(f, "type {index} has more than {CHUNK_WORDS} arguments, results or locals")
            }
            Self::BadSwitch(table) => write!(f, "switch table {table} is empty or passes the end"),
        }
    }
}

impl core::error::Error for CodeError {}

/// The parts of a code page, to be put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeParts {
    /// Instruction words.
    pub instructions: Vec<u64>,
    /// Constants.
    pub constants: Vec<u64>,
    /// Subroutine types.
    pub types: Vec<FuncType>,
    /// Switch tables, none of them empty.
    pub switches: Vec<Vec<u64>>,
}

impl CodeParts {
    /// The words of the page.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let mut words = self.instructions.clone();
        words.extend(&self.constants);
        words.extend(self.types.iter().map(|t| t.word()));
        let before = words.len();
        for table in &self.switches {
            words.push(table.len() as u64);
            words.extend(table);
        }
        let switch_words = words.len() - before;
        words.extend([
            self.instructions.len() as u64,
            self.constants.len() as u64,
            self.types.len() as u64,
            switch_words as u64,
        ]);
        words
    }
}

/// Checked code.
#[derive(Debug)]
pub struct Code {
    words: Vec<u64>,
    /// The instructions as engines take them, and a `halt` behind the last: running off the end is `halt`.
    normal: Vec<u64>,
    instructions: u32,
    constants: u32,
    types: Vec<FuncType>,
    /// First and one past the last word of each switch table's targets.
    switches: Vec<(u32, u32)>,
}

/// The memory that a code page takes.
pub type CodeVectors = (Vec<u64>, Vec<u64>, Vec<FuncType>, Vec<(u32, u32)>);

/// Puts checked code together from a page's words as they come, so that a long page need not be looked at all at once.
#[derive(Debug)]
pub struct CodeBuilder {
    code: Code,
    /// Where the types, the switch tables and the four counts begin.
    first_type: usize,
    first_switch: usize,
    counts: usize,
    /// Where the next switch table begins.
    next_switch: usize,
    error: Option<CodeError>,
}

impl CodeBuilder {
    /// Begins a page of `length` words, of which the last four are `counts`; it takes memory in proportion to `length`.
    ///
    /// # Errors
    /// If the page is too short or too long, or its parts do not add up.
    pub fn new(length: u64, counts: [u64; 4]) -> Result<Self, CodeError> {
        let mut builder = Self::without_room(length, counts)?;
        builder.code.words.reserve_exact(builder.counts + counts.len());
        Ok(builder)
    }

    /// As [`CodeBuilder::new`], with no memory for the words.
    fn without_room(length: u64, counts: [u64; 4]) -> Result<Self, CodeError> {
        if length > CODE_WORDS_MAX {
            return Err(CodeError::TooLong);
        }
        let body = length.checked_sub(counts.len() as u64).ok_or(CodeError::TooShort)?;
        let sum = counts.iter().try_fold(0u64, |sum, &part| sum.checked_add(part).filter(|&sum| sum <= body));
        if sum != Some(body) {
            return Err(CodeError::BadCounts);
        }
        // All parts are at most the greatest length of a page now.
        let size = |n: u64| usize::try_from(n).map_err(|_| CodeError::TooLong);
        let [instructions, constants, types, switch_words] = counts;
        let (instructions, constants, types) = (size(instructions)?, size(constants)?, size(types)?);
        let first_type = instructions + constants;
        let first_switch = first_type + types;
        Ok(Self {
            code: Code {
                words: Vec::new(),
                normal: Vec::with_capacity(instructions + 1),
                instructions: number(instructions),
                constants: number(constants),
                types: Vec::with_capacity(types),
                // A table has two words at least.
                switches: Vec::with_capacity(size(switch_words)? / 2),
            },
            first_type,
            first_switch,
            counts: size(body)?,
            next_switch: first_switch,
            error: None,
        })
    }

    /// Takes the next words of the page.
    pub fn extend(&mut self, words: impl Iterator<Item = u64>) {
        let from = self.code.words.len();
        self.code.words.extend(words);
        self.look(from);
    }

    /// Looks at the words that have come since there were `from`.
    fn look(&mut self, from: usize) {
        let here = |first: usize, end: usize, to: usize| first.max(from).min(to)..end.min(to).max(from);
        let to = self.code.words.len();
        let Code { words, normal, instructions, types, .. } = &mut self.code;
        normal.extend(words[here(0, *instructions as usize, to)].iter().map(|&word| normalise(word)));
        for &word in &words[here(self.first_type, self.first_switch, to)] {
            let typ = FuncType::from_word(word);
            let longest = typ.locals.max(typ.arguments.into()).max(typ.results.into());
            if u64::from(longest) > CHUNK_WORDS && self.error.is_none() {
                self.error = Some(CodeError::BadType(number(types.len())));
            }
            types.push(typ);
        }
        while self.error.is_none() && self.next_switch < self.counts.min(to) {
            self.take_switch();
        }
    }

    /// Notes the switch table that begins at `next_switch`.
    fn take_switch(&mut self) {
        let first = self.next_switch + 1;
        let count = usize::try_from(self.code.words[self.next_switch]).ok();
        let end = count.and_then(|count| first.checked_add(count)).filter(|&end| end <= self.counts);
        match end {
            Some(end) if end > first => {
                self.code.switches.push((number(first), number(end)));
                self.next_switch = end;
            }
            _ => self.error = Some(CodeError::BadSwitch(number(self.code.switches.len()))),
        }
    }

    /// What is wrong with the words that have come, if anything is.
    #[must_use]
    pub const fn error(&self) -> Option<CodeError> {
        self.error
    }

    /// The memory it takes, to be given back piece by piece.
    #[must_use]
    pub fn into_vectors(self) -> CodeVectors {
        self.code.into_vectors()
    }

    /// The code, when all words have come.
    ///
    /// # Errors
    /// If a type or a switch table is wrong, or words are missing.
    pub fn finish(mut self) -> Result<Code, CodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.code.words.len() != self.counts + 4 {
            return Err(CodeError::BadCounts);
        }
        self.code.normal.push(Op::Halt as u64);
        Ok(self.code)
    }
}

/// A place or a number in a page, which is no longer than [`CODE_WORDS_MAX`].
fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Code {
    /// Checks a page.
    ///
    /// # Errors
    /// If it is not laid out as the module says.
    pub fn new(words: Vec<u64>) -> Result<Self, CodeError> {
        let counts = *words.last_chunk().ok_or(CodeError::TooShort)?;
        let mut builder = CodeBuilder::without_room(words.len() as u64, counts)?;
        builder.code.words = words;
        builder.look(0);
        builder.finish()
    }

    /// The memory it takes, to be given back piece by piece.
    #[must_use]
    pub fn into_vectors(self) -> CodeVectors {
        (self.words, self.normal, self.types, self.switches)
    }

    /// All words of the page, as memory 1 shows them.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many instructions there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.instructions as usize
    }

    /// Whether there is no instruction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instructions for [`crate::dispatch`], and a `halt` behind the last.
    #[inline]
    #[must_use]
    pub fn normal(&self) -> &[u64] {
        &self.normal
    }

    /// The constants.
    #[inline]
    #[must_use]
    pub fn constants(&self) -> &[u64] {
        &self.words[self.len()..self.len() + self.constants as usize]
    }

    /// The subroutine types.
    #[inline]
    #[must_use]
    pub fn types(&self) -> &[FuncType] {
        &self.types
    }

    /// How many switch tables there are.
    #[must_use]
    pub fn switch_count(&self) -> usize {
        self.switches.len()
    }

    /// The targets of a switch table.
    #[inline]
    #[must_use]
    pub fn switch(&self, table: u32) -> Option<&[u64]> {
        let &(first, end) = self.switches.get(usize::try_from(table).ok()?)?;
        self.words.get(usize::try_from(first).ok()?..usize::try_from(end).ok()?)
    }

    /// The type number of the subroutine that begins at `index`, if one does.
    #[inline]
    #[must_use]
    pub fn func_at(&self, index: u64) -> Option<u32> {
        let insn = Insn::decode(*self.normal.get(usize::try_from(index).ok()?)?)?;
        (insn.op == Op::Func).then(|| u32::try_from(insn.imms[0]).ok()).flatten()
    }

    /// The parts, taken apart again.
    #[must_use]
    pub fn parts(&self) -> CodeParts {
        CodeParts {
            instructions: self.words[..self.len()].to_vec(),
            constants: self.constants().to_vec(),
            types: self.types.clone(),
            switches: (0..self.switches.len())
                .filter_map(|table| self.switch(u32::try_from(table).ok()?).map(<[u64]>::to_vec))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> CodeParts {
        CodeParts {
            instructions: vec![Insn::encode(Op::Func, &[0]).unwrap(), Op::Ret as u64, !0],
            constants: vec![7, 8],
            types: vec![FuncType { arguments: 1, results: 2, locals: 3 }],
            switches: vec![vec![0], vec![1, 2, 3]],
        }
    }

    #[test]
    fn parts_survive_being_put_together_and_taken_apart() {
        let code = Code::new(parts().words()).unwrap();
        assert_eq!(code.parts(), parts());
        assert_eq!(code.func_at(0), Some(0));
        assert_eq!(code.func_at(1), None);
        assert_eq!(code.func_at(99), None);
        assert_eq!(code.switch(1), Some(&[1, 2, 3][..]));
        assert_eq!(code.switch(2), None);
        assert_eq!(
            code.normal(),
            [Insn::encode(Op::Func, &[0]).unwrap(), Op::Ret as u64, 0xff, Op::Halt as u64]
        );
    }

    #[test]
    fn it_does_not_matter_in_what_pieces_the_words_come() {
        let words = parts().words();
        for piece in 1..=words.len() {
            let mut builder = CodeBuilder::new(words.len() as u64, *words.last_chunk().unwrap()).unwrap();
            for words in words.chunks(piece) {
                builder.extend(words.iter().copied());
            }
            let code = builder.finish().unwrap();
            let whole = Code::new(words.clone()).unwrap();
            assert_eq!((code.parts(), code.normal()), (whole.parts(), whole.normal()), "{piece} at a time");
        }
    }

    #[test]
    fn counts_that_do_not_add_up_are_refused() {
        assert_eq!(Code::new(vec![0; 3]).unwrap_err(), CodeError::TooShort);
        assert_eq!(Code::new(vec![0, 0, 0, 0, 0]).unwrap_err(), CodeError::BadCounts);
        assert_eq!(Code::new(vec![!0, 2, 0, 0]).unwrap_err(), CodeError::BadCounts);
        for counts in [[1, 1, 1, 0], [u64::MAX, 1, 0, 0], [0, 0, 0, 3]] {
            let mut words = vec![9, 9];
            words.extend(counts);
            assert_eq!(Code::new(words.clone()).unwrap_err(), CodeError::BadCounts);
        }
    }

    #[test]
    fn a_type_that_would_move_too_many_words_at_once_is_refused() {
        let mut parts = parts();
        parts.types[0].locals = 4096;
        assert!(Code::new(parts.words()).is_ok());
        parts.types.push(FuncType { arguments: 4097, results: 0, locals: 0 });
        assert_eq!(Code::new(parts.words()).unwrap_err(), CodeError::BadType(1));
    }

    #[test]
    fn a_switch_table_that_is_empty_or_too_long_is_refused() {
        assert_eq!(Code::new(vec![0, 0, 0, 0, 1]).unwrap_err(), CodeError::BadSwitch(0));
        assert_eq!(Code::new(vec![1, 5, 2, 0, 0, 0, 3]).unwrap_err(), CodeError::BadSwitch(1));
        assert_eq!(Code::new(vec![!0, 0, 0, 0, 1]).unwrap_err(), CodeError::BadSwitch(0));
    }
}
