//! The memory that the test shares with the harness, and how a context and what it points to are put there and taken
//! back.

use keyvm::jit::{Context, View};
use keyvm_isa::OPS;
use keyvm_isa::image::Frame;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::mem::offset_of;

/// Bytes for a context and what it points to.
pub(crate) const MEMORY_BYTES: usize = 1 << 28;
/// Bytes of machine code.
pub(crate) const CODE_BYTES: usize = 1 << 28;
/// Native stack that native code may use there.
const NATIVE_STACK: u64 = 192 << 10;

/// A mapping of the file. The harness touches the memory only between a question and its answer, while the test waits; of
/// code it executes only what has been published before.
#[derive(Debug)]
pub(crate) struct Shared(MmapRaw);

/// Where things are for the harness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// The memory.
    pub(crate) base: u64,
    /// What native code calls as a helper.
    pub(crate) helper: u64,
    /// Its stack, when it runs native code.
    pub(crate) stack: u64,
}

impl Shared {
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        file.set_len((MEMORY_BYTES + CODE_BYTES) as u64)?;
        Ok(Self(MmapOptions::new().map_raw(file)?))
    }

    fn at(&self, offset: usize, bytes: usize) -> *mut u8 {
        assert!(bytes <= self.0.len() && offset <= self.0.len() - bytes, "{offset} is outside of the memory");
        self.0.as_mut_ptr().wrapping_add(offset)
    }

    /// # Safety
    /// So many bytes may be read.
    unsafe fn put(&self, offset: usize, from: *const u8, bytes: usize) {
        let to = self.at(offset, bytes);
        // SAFETY: the caller says so of the one, `at` of the other, and the file is mapped only here and in the harness.
        unsafe { from.copy_to_nonoverlapping(to, bytes) };
    }

    /// # Safety
    /// So many bytes may be written.
    unsafe fn take(&self, offset: usize, to: *mut u8, bytes: usize) {
        let from = self.at(offset, bytes);
        // SAFETY: as for `put`.
        unsafe { from.copy_to_nonoverlapping(to, bytes) };
    }

    fn word(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        // SAFETY: `word` is so long.
        unsafe { self.take(offset, word.as_mut_ptr(), word.len()) };
        u64::from_le_bytes(word)
    }

    fn set_word(&self, offset: usize, word: u64) {
        self.write(offset, &word.to_le_bytes());
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: a slice may be read.
        unsafe { self.put(offset, bytes.as_ptr(), bytes.len()) };
    }
}

/// Words that an instruction pushes at most.
fn pushes_max() -> usize {
    OPS.iter().map(|info| usize::from(info.pushes)).max().unwrap_or(0)
}

/// A memory, or its marks, here and there.
struct Area {
    here: *mut u8,
    there: usize,
    bytes: usize,
    written: bool,
}

/// A context that is with the harness.
pub(crate) struct Visit<'a> {
    shared: &'a Shared,
    places: Places,
    /// Gas, words above the base and frames, when it went there.
    gas: u64,
    words: usize,
    frames: usize,
    /// Where the stack ends there, and the frames begin.
    stack_end: usize,
    first_frame: usize,
    /// Where memories begin, and what lies there.
    memories: usize,
    areas: Vec<Area>,
    shown: Vec<usize>,
    /// Of the instructions that the context counts, those that native code has not executed here: before, and by helpers.
    helped: u64,
}

/// Where `context.views[memory - 3]`, or `context.data`, lies.
fn view_offset(view: usize) -> usize {
    match view.checked_sub(1) {
        None => offset_of!(Context, data),
        Some(view) => offset_of!(Context, views) + view * size_of::<View>(),
    }
}

fn view(context: &Context, view: usize) -> View {
    view.checked_sub(1).map_or(context.data, |view| context.views[view])
}

fn size(number: u64) -> usize {
    usize::try_from(number).expect("an address or length of this machine")
}

impl<'a> Visit<'a> {
    /// Puts a context there.
    ///
    /// # Safety
    /// All that it points to must be as its fields say, until this is dropped, with `height` operands above the base, and
    /// so many places in the table.
    pub(crate) unsafe fn begin(
        shared: &'a Shared,
        places: Places,
        height: usize,
        table: usize,
        context: &Context,
    ) -> Self {
        let (words, frames) = (size(context.words_left()), size(context.frames_left()));
        let mut end = size_of::<Context>().next_multiple_of(64);
        let mut area = |bytes: usize| {
            let begin = end;
            end = (begin + bytes).next_multiple_of(64);
            begin
        };
        let stack = area(words * 8);
        let first_frame = area(frames * size_of::<Frame>());
        let table_at = area(table * 8);
        let operands = context.stack_end.wrapping_sub(words).cast();
        // SAFETY: the caller says that the operands and the table are there.
        unsafe {
            shared.put(stack, operands, height.min(words) * 8);
            shared.put(table_at, context.table.cast(), table * 8);
        }
        let there = |offset: usize| places.base + offset as u64;
        let last_frame = there(first_frame + frames * size_of::<Frame>()) - size_of::<Frame>() as u64;
        for (offset, word) in [
            (offset_of!(Context, gas), context.gas),
            (offset_of!(Context, room), context.room),
            (offset_of!(Context, stack_end), there(stack + words * 8)),
            (offset_of!(Context, frames_end), last_frame),
            (offset_of!(Context, stack_words), context.stack_words),
            (offset_of!(Context, native_limit), places.stack - NATIVE_STACK),
            (offset_of!(Context, table), there(table_at)),
            (offset_of!(Context, helper), places.helper),
            (offset_of!(Context, host), 0),
            (offset_of!(Context, nans), context.nans[0]),
            (offset_of!(Context, nans) + size_of::<u64>(), context.nans[1]),
        ] {
            shared.set_word(offset, word);
        }
        let mut visit = Self {
            shared,
            places,
            gas: context.gas_left(),
            words,
            frames,
            stack_end: stack + words * 8,
            first_frame,
            memories: end,
            areas: Vec::new(),
            shown: Vec::new(),
            helped: context.executed(context.gas_left()),
        };
        // SAFETY: the caller says that the memories are as the context says.
        unsafe { visit.put_memories(context) };
        visit
    }

    /// Puts the memories there. Two views of one memory are so there, too.
    ///
    /// # Safety
    /// They must be as the context says.
    unsafe fn put_memories(&mut self, context: &Context) {
        let nothing = [0; size_of::<View>()];
        for view in self.shown.drain(..) {
            self.shared.write(view_offset(view), &nothing);
        }
        self.areas.clear();
        let mut end = self.memories;
        let views = (0..=context.views.len()).map(|number| (number, view(context, number)));
        for (number, view) in views.filter(|(_, view)| view.readable.max(view.writable) > 0) {
            let bytes = size(view.readable.max(view.writable));
            let mut area = |here: *mut u8, bytes: usize| {
                let known = self.areas.iter_mut().find(|area| area.here == here);
                if let Some(area) = known {
                    assert_eq!(area.bytes, bytes, "a memory has two lengths");
                    area.written |= view.writable > 0;
                    return self.places.base + area.there as u64;
                }
                let there = end;
                end = (end + bytes).next_multiple_of(64);
                assert!(end <= MEMORY_BYTES, "the memories are too long for this test");
                // SAFETY: the caller says that this memory is there.
                unsafe { self.shared.put(there, here, bytes) };
                self.areas.push(Area { here, there, bytes, written: view.writable > 0 });
                self.places.base + there as u64
            };
            let base = area(view.base, bytes);
            let marks = if view.marks.is_null() {
                0
            } else {
                area(view.marks.cast(), bytes.div_ceil(4096).div_ceil(64) * 8)
            };
            let offset = view_offset(number);
            self.shared.set_word(offset + offset_of!(View, base), base);
            self.shared.set_word(offset + offset_of!(View, readable), view.readable);
            self.shared.set_word(offset + offset_of!(View, writable), view.writable);
            self.shared.set_word(offset + offset_of!(View, marks), marks);
            self.shown.push(number);
        }
    }

    /// Takes back what native code has written to memories, and the gas and room that it has left.
    ///
    /// # Safety
    /// The memories must be those that were put there.
    unsafe fn take_memories(&self, context: &mut Context) {
        for area in self.areas.iter().filter(|area| area.written) {
            // SAFETY: the caller says that it is still there; native code may write so many bytes.
            unsafe { self.shared.take(area.there, area.here, area.bytes) };
        }
        context.gas = self.shared.word(offset_of!(Context, gas));
        context.room = self.shared.word(offset_of!(Context, room));
        let (words, frames) = (size(context.words_left()), size(context.frames_left()));
        assert!(words <= self.words && frames <= self.frames, "native code has made itself room");
    }

    /// Runs the context's helper, for which everything is taken back, and put there again after. Gives its answer.
    ///
    /// # Safety
    /// As for [`Visit::begin`], still.
    pub(crate) unsafe fn help(&mut self, context: &mut Context, index: u64, height: u64) -> u64 {
        // SAFETY: nothing has run here since they were put there.
        unsafe { self.take_memories(context) };
        let above = size(context.words_left());
        let operands = context.stack_end.wrapping_sub(above).cast();
        let (there, count) = (self.stack_end - above * 8, above.min(size(height) + pushes_max()));
        // SAFETY: there are so many words above the base, which is the subroutine's that asks.
        unsafe { self.shared.take(there, operands, count * 8) };
        let before = context.executed(self.gas);
        // SAFETY: all is as native code would have left it that runs here.
        let answer = unsafe { (context.helper)(context, index, height) };
        let helped = context.executed(self.gas).wrapping_sub(before);
        self.helped = self.helped.wrapping_add(helped);
        self.shared.set_word(offset_of!(Context, gas), context.gas);
        // SAFETY: the helper has made the context true again, and not moved the stack.
        unsafe {
            self.shared.put(there, operands, count * 8);
            self.put_memories(context);
        }
        answer
    }

    /// Takes the context back when native code has left. Gives the instructions that it has executed by itself.
    ///
    /// # Safety
    /// As for [`Visit::begin`], still.
    pub(crate) unsafe fn end(self, context: &mut Context) -> u64 {
        // SAFETY: nothing has run here since they were put there.
        unsafe { self.take_memories(context) };
        // Index and height are one word.
        let at = self.shared.word(offset_of!(Context, index));
        context.index = u32::try_from(at & 0xffff_ffff).expect("half a word");
        context.height = u32::try_from(at >> 32).expect("half a word");
        context.exit = self.shared.word(offset_of!(Context, exit));
        let count = self.words - size(context.words_left()) + context.height as usize;
        assert!(count <= self.words, "native code has left more operands than there is room for");
        let added = self.frames - size(context.frames_left());
        let operands = context.stack_end.wrapping_sub(self.words);
        let first_frame = context.frames_end.wrapping_add(1).wrapping_sub(self.frames);
        // SAFETY: the words above the base, and the room for frames, belong to the context.
        unsafe {
            self.shared.take(self.stack_end - self.words * 8, operands.cast(), count * 8);
            self.shared.take(self.first_frame, first_frame.cast(), added * size_of::<Frame>());
        }
        let nothing = [0; size_of::<View>()];
        for view in self.shown {
            self.shared.write(view_offset(view), &nothing);
        }
        // Counts are modulo 2^32.
        context.executed(self.gas).wrapping_sub(self.helped) & u64::from(u32::MAX)
    }
}
