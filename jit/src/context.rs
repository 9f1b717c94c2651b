//! What native code and its host share.

use keyvm_isa::alu::{CANONICAL_NAN_F32, CANONICAL_NAN_F64};
use keyvm_isa::image::Frame;
use std::mem::offset_of;
use std::ptr;

/// How many bits `room` has below the count of frames.
pub(crate) const FRAME_SHIFT: u32 = 30;
/// The bits of `room` that count words of stack.
pub(crate) const WORDS_MASK: u64 = (1 << (FRAME_SHIFT - 1)) - 1;
/// Bits of `room` less a need that are set if and only if it does not suffice: the borrow of the words, and the
/// sign of the frames.
pub(crate) const ROOM_GUARD: u64 = 1 << 63 | 1 << (FRAME_SHIFT - 1);
/// The words of stack that [`Context::set_room`] takes at most.
pub const STACK_WORDS_MAX: usize = 1 << (FRAME_SHIFT - 2);

/// Gas is the low half of its word; the high half counts what has been used beyond one for each instruction.
pub(crate) const EXTRA_SHIFT: u32 = 32;
/// The bits that count it.
pub(crate) const GAS_MASK: u64 = i32::MAX as u64;
/// The gas that native code can be given at most. A little is added to it at times, for what is taken off later.
pub const GAS_MAX: u64 = 1 << 30;

/// Bytes of [`Context::pad`].
pub const PAD_BYTES: usize = 4096;

/// A memory as native code sees it. The pointers are good until the kernel next runs.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Where its bytes begin.
    pub base: *mut u8,
    /// How many bytes may be read.
    pub readable: u64,
    /// How many bytes may be written.
    pub writable: u64,
    /// A bit for every 4 KiB, to be set when something there is written; null if nobody wants to know.
    pub marks: *mut u64,
}

impl View {
    /// A memory that cannot be reached: every access is the interpreter's.
    pub const NONE: Self = Self { base: ptr::null_mut(), readable: 0, writable: 0, marks: ptr::null_mut() };
}

/// Why native code came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Exit {
    /// The gas does not reach to the end of a block.
    Gas = 0,
    /// A check failed: a bound, a divisor, an address that overflows.
    Check = 1,
    /// An instruction that only the kernel executes, or one that always traps.
    Kernel = 2,
    /// A subroutine returns to one that has no native frame.
    Return = 3,
    /// The code goes on where this unit does not reach.
    Edge = 4,
    /// A call found no room: operands, frames, or native stack.
    Room = 5,
    /// A helper could not complete its instruction.
    Helper = 6,
    /// A callee that has no native code (yet).
    Callee = 7,
}

impl Exit {
    /// In place of a reason, when a callee has refused to begin.
    pub(crate) const REFUSED: u8 = 8;

    /// All of them, in the order of their numbers, with a name for tables.
    pub const ALL: [(Self, &str); 8] = [
        (Self::Gas, "gas"),
        (Self::Check, "check"),
        (Self::Kernel, "kernel"),
        (Self::Return, "return"),
        (Self::Edge, "edge"),
        (Self::Room, "room"),
        (Self::Helper, "helper"),
        (Self::Callee, "callee"),
    ];

    /// The exit with this number; `Edge` for a number that is none.
    #[must_use]
    #[inline]
    pub fn from_number(number: u64) -> Self {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        Self::ALL.get(number).map_or(Self::Edge, |&(exit, _)| exit)
    }
}

/// Executes the instruction at `index` with `height` operands above the base, all in memory. Gives 0 if it completed
/// and the next instruction is the next one; else native code leaves, with the instruction not executed.
pub type Helper = unsafe extern "C" fn(context: *mut Context, index: u64, height: u64) -> u64;

/// Everything native code reads and writes, besides what views point to.
#[repr(C)]
#[derive(Debug)]
pub struct Context {
    /// Gas: what there is when native code is entered, when it comes back, and before and after a helper. See
    /// [`Context::set_gas`].
    pub gas: u64,
    /// Frames and words of stack left above the present base; see [`Context::set_room`].
    pub room: u64,
    /// One past the last word of the stack.
    pub stack_end: *mut u64,
    /// Where the frame of a call with no frames left would be, as if frames were written upwards.
    pub frames_end: *mut Frame,
    /// The number of words of the stack.
    pub stack_words: u64,
    /// The lowest native stack pointer.
    pub native_limit: u64,
    /// Index of the next instruction when native code came back. Native code writes this and the next as one word.
    pub index: u32,
    /// Operands above the base then.
    pub height: u32,
    /// Why, an [`Exit`].
    pub exit: u64,
    /// In a unit of quick code that leaves, the index that its callee would have come back to, which has left before it;
    /// else 0.
    pub back: u64,
    /// What such a unit gives in place of gas.
    pub answer: u64,
    /// In quick code, the address in a memory of what is to be marked as written.
    pub written: u64,
    /// Native code by index of the subroutine: for calls whose target is known only when they happen.
    pub table: *const *const u8,
    /// See [`Helper`].
    pub helper: Helper,
    /// Whatever the helper needs.
    pub host: *mut (),
    /// The canonical NaN of an f64, and of an f32, for where one is rare.
    pub nans: [u64; 2],
    /// Memory 2.
    pub data: View,
    /// The memories from 3 on; 3 itself is never reached.
    pub views: [View; 253],
    /// Where a mispredicted way reads and writes in place of memory that is not its own.
    pub pad: [u8; PAD_BYTES],
}

impl Context {
    /// What [`Context::nans`] is.
    pub const NANS: [u64; 2] = [CANONICAL_NAN_F64, CANONICAL_NAN_F32];

    /// Sets the gas, at most [`GAS_MAX`], before native code is entered.
    pub const fn set_gas(&mut self, gas: u64) {
        self.gas = gas;
    }

    /// Sets the gas, at most what was left, when that and `executed` instructions were not native code's doing.
    pub const fn set_gas_after(&mut self, gas: u64, executed: u64) {
        let extra = self.extra().wrapping_add(self.gas_left() - gas).wrapping_sub(executed);
        self.gas = gas | extra << EXTRA_SHIFT;
    }

    /// Instructions executed since the gas was set to `gas`. Modulo 2^32, as all counts beside the gas, which is exact:
    /// each takes some of it.
    #[must_use]
    pub const fn executed(&self, gas: u64) -> u64 {
        (gas - self.gas_left()).wrapping_sub(self.extra()) & (u64::MAX >> EXTRA_SHIFT)
    }

    /// The gas that is left.
    #[must_use]
    pub const fn gas_left(&self) -> u64 {
        self.gas & GAS_MASK
    }

    /// What was used beyond one gas for each instruction, modulo 2^32.
    const fn extra(&self) -> u64 {
        self.gas >> EXTRA_SHIFT
    }

    /// Sets what is left above a base: `words` words of stack, and `frames` frames.
    ///
    /// # Panics
    /// If there are more than [`STACK_WORDS_MAX`] words or 2^32 frames.
    #[inline]
    pub fn set_room(&mut self, words: usize, frames: usize) {
        assert!(words <= STACK_WORDS_MAX && frames >> 32 == 0, "more room than can be counted");
        self.room = (frames as u64) << FRAME_SHIFT | words as u64;
    }

    /// Words of stack left above the base of the subroutine that native code came back from.
    #[must_use]
    pub const fn words_left(&self) -> u64 {
        self.room & WORDS_MASK
    }

    /// Frames left there.
    #[must_use]
    pub const fn frames_left(&self) -> u64 {
        self.room >> FRAME_SHIFT
    }

    /// The word that native code writes as index and height.
    pub(crate) fn place(index: u32, height: usize) -> i64 {
        let height = u32::try_from(height).expect("a unit's height is limited");
        (u64::from(height) << 32 | u64::from(index)).cast_signed()
    }

    pub(crate) const fn view_offset(memory: u8) -> usize {
        if memory == 2 {
            offset_of!(Self, data)
        } else {
            offset_of!(Self, views) + (memory as usize - 3) * size_of::<View>()
        }
    }
}

const _: () = {
    let mut at = 0;
    while at < Exit::ALL.len() {
        assert!(Exit::ALL[at].0 as usize == at, "exits are in the order of their numbers");
        at += 1;
    }
};

const _: () = assert!(
    offset_of!(Context, height) == offset_of!(Context, index) + 4
        && offset_of!(Context, index).is_multiple_of(8),
    "index and height are one word"
);
