//! The instructions that keep a progress word: `codeseal` and `statehash`.
//!
//! What they have put together so far is in [`Kernel::work`]. It is no state: nobody else changes anything between
//! two chunks, since the progress is lost when control leaves the process or the host writes. So there is one work at
//! most, that of the running process, and what it is follows from the image.

use super::activation::Activation;
use super::arena::{Ref, Slot};
use super::export::{portable_head, portable_keys};
use super::key::SlotNumber;
use super::object::{Body, CodePage, Process};
use super::{Kernel, Step};
use crate::image::{Contents, Hash, ListHasher, RootHasher};
use keyvm_isa::layout::{CHUNK_WORDS, CODE_WORDS_MAX, Kind};
use keyvm_isa::{CodeBuilder, Insn, Op, Rights, Trap, gas};
use std::sync::Arc;

/// What an instruction that keeps a progress word has put together.
#[derive(Debug)]
pub(super) enum Work {
    /// The code; none if the page's parts do not add up.
    Seal(Option<Box<CodeBuilder>>),
    Hash(Box<Hashing>),
}

/// The hash of an object, as far as it has been looked at.
#[derive(Debug, Default)]
pub(super) struct Hashing {
    section: Section,
    /// Items of the section that are done: words, frames or slots.
    done: usize,
    root: RootHasher,
    lists: ListHasher,
}

/// The parts of an object that have no small bound, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, Default)]
enum Section {
    #[default]
    Contents,
    Operands,
    Frames,
    Keys,
    End,
}

/// How far an execution goes: from where, and how many words.
struct Part {
    from: u64,
    words: u64,
    last: bool,
}

impl Part {
    const fn new(progress: u64, words: u64) -> Self {
        let left = words.saturating_sub(progress);
        let part = if left < CHUNK_WORDS { left } else { CHUNK_WORDS };
        Self { from: progress, words: part, last: part == left }
    }
}

impl Kernel {
    /// `codeseal`: one chunk; the last one makes the page code.
    pub(crate) fn codeseal(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let page = self.sealed_page(act.process, slot)?;
        let words = self.content_words(page);
        if words > CODE_WORDS_MAX {
            act.drop_operands(1);
            act.push_unchecked(0);
            return Ok(());
        }
        let part = Part::new(self.progress(act.process), words);
        act.extra(gas::per_four(part.words))?;
        // Act.
        if !self.advance(act, Op::Codeseal, page, &part) {
            return Ok(());
        }
        let work = self.work.take();
        let code = match work {
            Some(Work::Seal(Some(builder))) if builder.error().is_none() => builder.finish().ok(),
            work => {
                self.arena.remains().work(work);
                None
            }
        };
        let good = code.is_some();
        if let Some(code) = code
            && let Some(body) = self.arena.body_mut(page)
        {
            let data = std::mem::replace(body, Body::Code(Arc::new(CodePage::new(code))));
            self.arena.remains().take(data);
        }
        act.drop_operands(1);
        act.push_unchecked(good.into());
        Ok(())
    }

    fn sealed_page(&self, process: Ref, slot: SlotNumber) -> Result<Ref, Trap> {
        Ok(self.use_key(process, slot, &[Kind::Data], Rights::WRITE)?.object())
    }

    /// `statehash`: one chunk; the last one pushes the hash.
    pub(crate) fn statehash(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let object = self.hashed_object(act.process, slot)?;
        let part = Part::new(self.progress(act.process), self.content_words(object));
        act.extra(gas::per_two(part.words))?;
        act.room(self, 3)?;
        // Act.
        if !self.advance(act, Op::Statehash, object, &part) {
            return Ok(());
        }
        let hash = match (self.work.take(), self.arena.get(object)) {
            (Some(Work::Hash(hashing)), Some(slot)) => hashing.finish(slot),
            _ => Hash::ZERO,
        };
        act.drop_operands(1);
        for word in hash.words() {
            act.push_unchecked(word);
        }
        Ok(())
    }

    fn hashed_object(&self, process: Ref, slot: SlotNumber) -> Result<Ref, Trap> {
        let kinds = [Kind::Data, Kind::Code, Kind::Keys, Kind::Process];
        let object = self.use_key(process, slot, &kinds, Rights::READ)?.object();
        if object == process { Err(Trap::Busy) } else { Ok(object) }
    }

    /// The words of an object that are looked at: of a page its contents, of a process all that is charged for it.
    fn content_words(&self, object: Ref) -> u64 {
        match self.arena.body(object) {
            Some(Body::Data(content)) => content.words(),
            Some(Body::Code(page)) => page.code.words().len() as u64,
            Some(Body::Keys(keys)) => keys.len() as u64 * gas::KEY_SLOT_WORDS,
            Some(Body::Process(process)) => process.words(),
            _ => 0,
        }
    }

    fn progress(&self, process: Ref) -> u64 {
        self.arena.process(process).progress
    }

    /// Does a part of the work and sets the progress; says whether it was the last.
    fn advance(&mut self, act: &mut Activation, op: Op, object: Ref, part: &Part) -> bool {
        self.do_part(op, object, part);
        let progress = if part.last { 0 } else { part.from + part.words };
        self.arena.process_mut(act.process).progress = progress;
        if !part.last {
            act.stay();
        }
        part.last
    }

    fn do_part(&mut self, op: Op, object: Ref, part: &Part) {
        let Some(slot) = self.arena.get(object) else { return };
        let work = self.work.take().filter(|_| part.from > 0);
        self.work = Some(match (op, work) {
            (Op::Codeseal, work) => {
                let Body::Data(content) = &slot.body else { return };
                let words = content.bytes().as_chunks::<8>().0;
                let seal = match work {
                    Some(Work::Seal(seal)) => seal,
                    _ => begin_seal(words),
                };
                let from = usize::try_from(part.from).unwrap_or(usize::MAX);
                let part = usize::try_from(part.words).unwrap_or(usize::MAX);
                Work::Seal(seal.map(|mut builder| {
                    builder.extend(words.iter().skip(from).take(part).map(|&word| u64::from_le_bytes(word)));
                    builder
                }))
            }
            (_, Some(Work::Hash(mut hashing))) => {
                hashing.advance(slot, part.words);
                Work::Hash(hashing)
            }
            _ => {
                let mut hashing = Box::<Hashing>::default();
                hashing.advance(slot, part.words);
                Work::Hash(hashing)
            }
        });
    }

    /// Forgets how far the last process of the chain has come within an instruction: others may change what it works on.
    pub(super) fn lose_progress(&mut self) {
        let work = self.work.take();
        if work.is_some()
            && let Some(running) = self.running()
        {
            self.arena.process_mut(running).progress = 0;
        }
        self.arena.remains().work(work);
    }

    /// Puts together again what the running process, come with an image, had put together. None if its progress does
    /// not fit the instruction that it is at.
    pub(super) fn take_up_work(&mut self) -> Option<()> {
        let process = self.running()?;
        let state = self.arena.process(process);
        let (progress, slot) = (state.progress, *state.operands().last()?);
        let page = self.code_of(process)?.1;
        let op = Insn::decode(*page.code.normal().get(usize::try_from(state.index).ok()?)?)?.op;
        let object = match op {
            Op::Codeseal => self.sealed_page(process, slot).ok()?,
            Op::Statehash => self.hashed_object(process, slot).ok()?,
            _ => return None,
        };
        let words = self.content_words(object);
        let fits = progress.is_multiple_of(CHUNK_WORDS) && progress < words;
        let base = self.arena.process(process).frames.last().map_or(0, |frame| frame.base);
        if !fits
            || self.arena.process(process).height <= base
            || (op == Op::Codeseal && words > CODE_WORDS_MAX)
        {
            return None;
        }
        for from in (0..progress).step_by(usize::try_from(CHUNK_WORDS).ok()?) {
            self.do_part(op, object, &Part::new(from, words));
        }
        Some(())
    }
}

/// A builder for a page of these words.
fn begin_seal(words: &[[u8; 8]]) -> Option<Box<CodeBuilder>> {
    let counts = words.last_chunk::<4>()?.map(u64::from_le_bytes);
    CodeBuilder::new(words.len() as u64, counts).ok().map(Box::new)
}

impl Hashing {
    /// Looks at `words` words more. A frame and a slot count as two.
    fn advance(&mut self, slot: &Slot, words: u64) {
        let mut words = usize::try_from(words).unwrap_or(usize::MAX);
        while let Some(length) = self.length(slot) {
            let price = match self.section {
                Section::Frames | Section::Keys => 2,
                _ => 1,
            };
            let left = length - self.done;
            // Two frames end on a word.
            let whole = if matches!(self.section, Section::Frames) { 2 } else { 1 };
            let paid = words / price / whole * whole;
            let count = left.min(paid);
            let range = self.done..self.done + count;
            match (self.section, &slot.body) {
                (Section::Contents, Body::Data(content)) => self.root.bytes(&content.bytes()[bytes(range)]),
                (Section::Contents, Body::Code(page)) => self.root.words(&page.code.words()[range]),
                (Section::Contents, Body::Process(process)) => {
                    self.root.bytes(&process.data.bytes()[bytes(range)]);
                }
                (Section::Operands, Body::Process(process)) => self.lists.words(&process.operands()[range]),
                (Section::Frames, Body::Process(process)) => self.lists.frames(&process.frames[range]),
                (Section::Keys, Body::Process(process)) => {
                    self.lists.keys(&portable_keys(&process.keys[range]));
                }
                (Section::Keys, Body::Keys(keys)) => self.lists.keys(&portable_keys(&keys[range])),
                _ => {}
            }
            self.done += count;
            words -= count * price;
            if self.done < length {
                return;
            }
            self.next_section(slot);
        }
    }

    /// How many items the section has; none at the end.
    fn length(&self, slot: &Slot) -> Option<usize> {
        let of_process = |length: fn(&Process) -> usize| match &slot.body {
            Body::Process(process) => length(process),
            _ => 0,
        };
        Some(match (self.section, &slot.body) {
            (Section::Contents, Body::Data(content)) => content.bytes().len() / 8,
            (Section::Contents, Body::Code(page)) => page.code.words().len(),
            (Section::Contents, _) => of_process(|process| process.data.bytes().len() / 8),
            (Section::Operands, _) => of_process(|process| process.operands().len()),
            (Section::Frames, _) => of_process(|process| process.frames.len()),
            (Section::Keys, Body::Keys(keys)) => keys.len(),
            (Section::Keys, _) => of_process(|process| process.keys.len()),
            (Section::End, _) => return None,
        })
    }

    fn next_section(&mut self, slot: &Slot) {
        self.done = 0;
        self.section = match (self.section, &slot.body) {
            (Section::Contents, Body::Keys(keys)) => {
                self.lists.head(&portable_head(slot), Contents::Hashed(Hash::ZERO));
                self.lists.begin(keys.len());
                Section::Keys
            }
            (Section::Contents, Body::Process(process)) => {
                let root = std::mem::take(&mut self.root).finish();
                self.lists.head(&portable_head(slot), Contents::Hashed(root));
                self.lists.begin(process.operands().len());
                Section::Operands
            }
            (Section::Operands, Body::Process(process)) => {
                self.lists.begin(process.frames.len());
                Section::Frames
            }
            (Section::Frames, Body::Process(process)) => {
                self.lists.begin(process.keys.len());
                Section::Keys
            }
            _ => Section::End,
        };
    }

    /// The hash: of a data or code page the root over its contents, equal for equal pages; of anything else the hash of
    /// the object, which its number goes into.
    fn finish(mut self, slot: &Slot) -> Hash {
        self.advance(slot, u64::MAX);
        match &slot.body {
            Body::Data(_) | Body::Code(_) => self.root.finish(),
            _ => self.lists.finish(),
        }
    }
}

/// The bytes of words.
const fn bytes(words: std::ops::Range<usize>) -> std::ops::Range<usize> {
    words.start * 8..words.end * 8
}
