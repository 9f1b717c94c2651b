//! Code behind a unit of quick code, for what is rare: to leave, and to mark what has been written.
//!
//! Cranelift takes its time for each block, and a side exit of its making is one, with half a dozen instructions, and
//! ends another. So quick code has *traps* in place of these: a conditional jump to an instruction that no processor
//! has, one for each, which Cranelift puts behind the function. That jump is led to a *stub* here. What a stub knows, as
//! where in the program it is, are constants; the rest lies in memory. A stub that marks
//! changes no register; it goes back.
//!
//! Cranelift says of each trap where it lies, and what code stands for the instruction that may come to it, but not where
//! in that the jump is. All that has the form of a jump is looked at: exactly one must lead to each trap. Constants in the
//! code may look like jumps; if one does even there, the unit is not compiled.

mod aarch64;
mod x64;

use crate::context::{Context, Exit, View};
use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{SourceLoc, StackSlot, TrapCode};
use std::collections::BTreeMap;
use std::mem::offset_of;
use target_lexicon::Architecture;

/// What leads to a stub. The number of the stub is in place of the source location.
pub(crate) const TRAP: TrapCode = TrapCode::unwrap_user(1);
/// What is never executed, as it stands behind a trap that always is.
pub(crate) const UNREACHED: TrapCode = TrapCode::unwrap_user(2);
/// What a native call gives in place of gas when the callee left.
pub(crate) const LEFT: i8 = -1;
/// What it gives when the callee found no frame left, and has done nothing.
pub(crate) const REFUSED: i8 = -2;
/// In place of a source location: where units return that have not finished.
pub(crate) const LANDING: u32 = u32::MAX - 1;

/// What a stub does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stub {
    /// Says how to leave, and goes on where the unit does.
    Leave(Leave),
    /// As `Leave`, if a callee has refused; if it has left, says where it would have come back to.
    Callee(Leave),
    /// Leaves, how being said already.
    Said,
    /// Marks so many bytes, at most 8, from [`Context::written`] on as written in a memory, and goes back.
    Mark { memory: u8, bytes: u8 },
}

impl Stub {
    /// Whether both leave with as many operands and as much gas, for the same reason.
    pub(crate) fn leaves_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Leave(how), Self::Leave(other)) => Leave { index: other.index, ..how } == other,
            _ => false,
        }
    }
}

/// The stubs of a unit, and what those need that leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stubs {
    pub(crate) all: Vec<Stub>,
    /// Where the room above its base lies on the native stack, and in a unit that the host enters, what the pinned register
    /// held.
    pub(crate) room: Option<StackSlot>,
    pub(crate) pinned: Option<StackSlot>,
    /// The number of its type, if it is a subroutine. If that finds no frame left it has not begun.
    pub(crate) number: Option<u32>,
    /// Whether it calls anything: then [`Context::back`] may say where to.
    pub(crate) calls: bool,
}

/// What is to be done before a unit that leaves returns; places on the native stack by their distance from its end.
struct Unwind {
    room: u32,
    pinned: Option<u32>,
    number: Option<u32>,
    calls: bool,
}

/// A state of the program, whose operands are all in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leave {
    pub(crate) index: u32,
    pub(crate) height: u32,
    /// How much more gas is left than the context says.
    pub(crate) gas: i64,
    pub(crate) why: Exit,
}

/// A processor's machine code.
trait Assembler {
    /// Writes a number to the word of 32 bits at an offset into the context.
    fn put(&mut self, number: u32, offset: usize);
    /// Adds to the gas in the context.
    fn add_gas(&mut self, more: i64);
    /// Writes frames, and what is given in place of gas.
    fn unwind(&mut self, unit: &Unwind);
    /// Goes on to other code.
    fn jump(&mut self, to: usize);
    /// Goes on further on, if what is at an offset into the context is not this. Gives what [`Self::here`] takes.
    fn skip_unless(&mut self, offset: usize, number: u8) -> usize;
    /// Lets a [`Self::skip_unless`] lead here.
    fn here(&mut self, skip: usize);
    /// Sets the bits of the bytes at these distances from where something was written; changes no register.
    fn mark(&mut self, marks: usize, distances: &[u8]);
    /// Notes all that looks like a jump to a trap.
    fn jumps(&self, traps: &mut Traps);
    /// Leads whoever comes from there to the trap to other code.
    fn lead(&mut self, trap: u32, origin: usize, to: usize);
}

/// Puts stubs behind a unit's code. `None` if that cannot be done.
pub(crate) fn append(
    code: Vec<u8>,
    compiled: &CompiledCode,
    stubs: &Stubs,
    architecture: Architecture,
) -> Option<Vec<u8>> {
    match architecture {
        Architecture::X86_64 => {
            let mut code = x64::Code(code);
            link(&mut code, compiled, stubs, |code| code.0.len())?;
            Some(code.0)
        }
        Architecture::Aarch64(_) => {
            let mut code = aarch64::Code::new(code);
            link(&mut code, compiled, stubs, |code| code.0.len())?;
            Some(code.0)
        }
        _ => None,
    }
}

fn link<A: Assembler>(
    code: &mut A,
    compiled: &CompiledCode,
    stubs: &Stubs,
    end: impl Fn(&A) -> usize,
) -> Option<()> {
    let frame = compiled.buffer.frame_layout()?;
    let unwind = Unwind {
        room: frame.stackslots[stubs.room?].offset,
        pinned: stubs.pinned.map(|slot| frame.stackslots[slot].offset),
        number: stubs.number,
        calls: stubs.calls,
    };
    let places = compiled.buffer.get_srclocs_sorted();
    let landing = places.iter().find(|place| place.loc == SourceLoc::new(LANDING))?.start as usize;
    let mut at = places.iter().peekable();
    let mut traps = Traps::default();
    for trap in compiled.buffer.traps().iter().filter(|trap| trap.code == TRAP) {
        while at.next_if(|place| place.end <= trap.offset).is_some() {}
        let place = at.peek().filter(|place| place.start <= trap.offset)?;
        traps.all.push(Trap { offset: trap.offset, number: place.loc.bits(), jump: Jump::None });
    }
    traps.places = places.iter().map(|place| (place.start, place.end, place.loc.bits())).collect();
    code.jumps(&mut traps);
    let leave = end(code);
    code.unwind(&unwind);
    code.jump(landing);
    let mut made = BTreeMap::new();
    for Trap { offset: trap, number, jump } in traps.all {
        let (stub, Jump::Behind(origin)) = (stubs.all.get(number as usize)?, jump) else { return None };
        let to = match (stub, made.get(&number)) {
            (Stub::Leave(_) | Stub::Callee(_), Some(&to)) => to,
            (Stub::Said, _) => leave,
            _ => {
                let to = end(code);
                write(code, stub, leave, origin);
                made.insert(number, to);
                to
            }
        };
        code.lead(trap, origin, to);
    }
    Some(())
}

fn write(code: &mut impl Assembler, stub: &Stub, leave: usize, origin: usize) {
    match *stub {
        Stub::Leave(how) => write_leave(code, how, leave),
        Stub::Callee(how) => {
            let left = code.skip_unless(offset_of!(Context, exit), Exit::REFUSED);
            write_leave(code, how, leave);
            code.here(left);
            code.put(how.index + 1, offset_of!(Context, back));
            code.jump(leave);
        }
        Stub::Said => code.jump(leave),
        Stub::Mark { memory, bytes } => {
            let marks = Context::view_offset(memory) + offset_of!(View, marks);
            code.mark(marks, &[0, bytes - 1][..if bytes > 1 { 2 } else { 1 }]);
            code.jump(origin);
        }
    }
}

fn write_leave(code: &mut impl Assembler, Leave { index, height, gas, why }: Leave, leave: usize) {
    code.put(index, offset_of!(Context, index));
    code.put(height, offset_of!(Context, height));
    code.put(why as u32, offset_of!(Context, exit));
    if gas != 0 {
        code.add_gas(gas);
    }
    code.jump(leave);
}

/// What comes to a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jump {
    None,
    /// One that ends there.
    Behind(usize),
    /// More than one that looks like it.
    Several,
}

/// A trap, and the number of its stub.
#[derive(Clone, Copy, Debug)]
struct Trap {
    offset: u32,
    number: u32,
    jump: Jump,
}

/// The traps of a unit.
#[derive(Default)]
struct Traps {
    /// In the order of their offsets.
    all: Vec<Trap>,
    /// Which stub code may go to: from an offset to another, in this order.
    places: Vec<(u32, u32, u32)>,
}

impl Traps {
    /// Notes what looks like a jump, ends at `origin` and leads to an offset, if there is a trap that it may be for.
    fn note(&mut self, to: i64, origin: usize) {
        let (Ok(to), Ok(origin_offset)) = (u32::try_from(to), u32::try_from(origin)) else { return };
        let Ok(trap) = self.all.binary_search_by_key(&to, |trap| trap.offset) else { return };
        let trap = &mut self.all[trap];
        let place = self.places.partition_point(|&(start, ..)| start < origin_offset).checked_sub(1);
        let Some((_, end, number)) = place.map(|place| self.places[place]) else { return };
        if origin_offset <= end && number == trap.number {
            trap.jump = match trap.jump {
                Jump::None => Jump::Behind(origin),
                _ => Jump::Several,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    /// `ja` to a place, as Cranelift has it, with bytes between.
    fn jump_over(bytes: &[u8]) -> Vec<u8> {
        let distance = u8::try_from(bytes.len()).expect("few");
        [&[0x0f, 0x87, distance, 0, 0, 0], bytes].concat()
    }

    /// What comes to traps at offsets, if some code may go to the stub of all of them.
    fn jumps(code: &impl Assembler, traps: &[u32], place: Range<u32>) -> Vec<Jump> {
        let all = traps.iter().map(|&offset| Trap { offset, number: 7, jump: Jump::None }).collect();
        let mut traps = Traps { all, places: vec![(place.start, place.end, 7), (place.end, 1000, 8)] };
        code.jumps(&mut traps);
        traps.all.iter().map(|trap| trap.jump).collect()
    }

    #[test]
    fn the_one_jump_to_a_trap_is_found() {
        let code = x64::Code(jump_over(&[0x90, 0x0f, 0x0b]));
        assert_eq!(jumps(&code, &[9], 0..6), [Jump::Behind(6)]);
        assert_eq!(jumps(&code, &[8, 9], 0..6), [Jump::None, Jump::Behind(6)]);
    }

    #[test]
    fn of_a_jump_and_a_constant_that_looks_like_one_none_is_taken() {
        // mov rax, a number
        let number = jump_over(&[0, 0]);
        let code = x64::Code(jump_over(&[&[0x48, 0xb8][..], &number].concat()));
        assert_eq!(jumps(&code, &[16], 0..16), [Jump::Several]);
    }

    #[test]
    fn what_looks_like_a_jump_where_none_to_the_trap_can_be_is_none() {
        let number = jump_over(&[0, 0]);
        let code = x64::Code(jump_over(&[&[0x48, 0xb8][..], &number].concat()));
        assert_eq!(jumps(&code, &[16], 0..6), [Jump::Behind(6)]);
        assert_eq!(jumps(&code, &[16], 0..5), [Jump::None]);
    }

    #[test]
    fn jumps_of_both_kinds_are_found_on_aarch64() {
        // b.hi; cbnz x3; nop
        let words: [u32; 3] = [0x5400_0008 | 2 << 5, 0xb500_0003 | 3 << 5, 0xd503_201f];
        let code = aarch64::Code::new(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        assert_eq!(jumps(&code, &[8, 16], 0..8), [Jump::Behind(4), Jump::Behind(8)]);
    }

    #[test]
    fn jumps_backwards_are_found_on_aarch64() {
        let words: [u32; 2] = [0xd503_201f, 0x5400_0008 | 0x7_ffff << 5];
        let code = aarch64::Code::new(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        assert_eq!(jumps(&code, &[0], 4..8), [Jump::Behind(8)]);
    }
}
