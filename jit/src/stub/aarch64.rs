//! Stubs for aarch64. The context is in `x21`; `x16` and `x17` hold nothing between instructions of Cranelift's.

use super::{Assembler, LEFT, REFUSED, Traps, Unwind};
use crate::context::{Context, Exit, FRAME_SHIFT, WORDS_MASK};
use keyvm_isa::image::Frame;
use std::mem::offset_of;

const CONTEXT: u32 = 21;

pub(super) struct Code(pub(super) Vec<u8>);

impl Code {
    pub(super) fn new(mut code: Vec<u8>) -> Self {
        code.resize(code.len().next_multiple_of(4), 0);
        Self(code)
    }

    fn word(&mut self, word: u32) {
        self.0.extend(word.to_le_bytes());
    }

    fn at(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// Puts a number into a register of 64 bits.
    fn number(&mut self, register: u32, number: u64) {
        // movz, movk
        self.word(0xd280_0000 | (((number & 0xffff) as u32) << 5) | register);
        for part in 1..4 {
            let bits = (number >> (16 * part)) as u32 & 0xffff;
            if bits != 0 {
                self.word(0xf280_0000 | part << 21 | bits << 5 | register);
            }
        }
    }

    /// An instruction that accesses a field of the context, of 64 bits or, less by one in `size`, 32.
    fn in_context(&mut self, instruction: u32, size: u32, register: u32, offset: usize) {
        let offset = u32::try_from(offset >> size).expect("a context is small");
        assert!(offset < 1 << 12, "a field is out of reach");
        self.word(instruction | offset << 10 | CONTEXT << 5 | register);
    }

    fn load(&mut self, register: u32, offset: usize) {
        self.in_context(0xf940_0000, 3, register, offset);
    }

    fn store(&mut self, register: u32, offset: usize) {
        self.in_context(0xf900_0000, 3, register, offset);
    }

    fn load_from_stack(&mut self, register: u32, distance: u32) {
        assert!(distance < 8 << 12, "a place on the native stack is out of reach");
        // ldr register, [sp, distance]
        self.word(0xf940_03e0 | (distance / 8) << 10 | register);
    }

    /// Writes a word of 32 bits to a frame whose address is in `x2`.
    fn store_in_frame(&mut self, register: u32, offset: usize) {
        self.word(0xb900_0040 | u32::try_from(offset / 4).expect("frames are small") << 10 | register);
    }

    /// Puts the address of the frame into `x2` of the unit whose room is in `x0`.
    fn frame(&mut self) {
        // lsr x2, x0, FRAME_SHIFT; msub x2, x2, x3, x4
        self.word(0xd340_fc02 | FRAME_SHIFT << 16);
        self.number(3, size_of::<Frame>() as u64);
        self.load(4, offset_of!(Context, frames_end));
        self.word(0x9b03_9042);
    }

    /// Says what the unit gives in place of gas.
    fn answer(&mut self, answer: i8) {
        self.number(16, i64::from(answer).cast_unsigned());
        self.store(16, offset_of!(Context, answer));
    }

    /// A jump whose distance [`Assembler::here`] will fill in.
    fn skip(&mut self, jump: u32) -> usize {
        self.word(jump);
        self.0.len() - 4
    }
}

fn distance(from: usize, to: usize, bits: u32) -> u32 {
    let words = (to as i64 - from as i64) / 4;
    assert!(words.unsigned_abs() < 1 << (bits - 1), "code is short");
    (words & ((1 << bits) - 1)) as u32
}

impl Assembler for Code {
    fn put(&mut self, number: u32, offset: usize) {
        self.number(16, number.into());
        // str w16, [x21, offset]
        self.in_context(0xb900_0000, 2, 16, offset);
    }

    fn add_gas(&mut self, more: i64) {
        let offset = offset_of!(Context, gas);
        self.load(16, offset);
        self.number(17, more.cast_unsigned());
        // add x16, x16, x17
        self.word(0x8b11_0210);
        self.store(16, offset);
    }

    fn unwind(&mut self, &Unwind { room, pinned, number, calls }: &Unwind) {
        self.load_from_stack(0, room);
        // tbnz x0, 63
        let refused = number.map(|_| self.skip(0xb7f8_0000));
        let said = calls.then(|| {
            self.load(1, offset_of!(Context, back));
            // cbz x1
            let here = self.skip(0xb400_0001);
            self.store(31, offset_of!(Context, back));
            self.frame();
            self.store_in_frame(1, size_of::<Frame>() + offset_of!(Frame, return_index));
            let said = self.skip(0x1400_0000);
            self.here(here);
            said
        });
        self.store(0, offset_of!(Context, room));
        if let Some(said) = said {
            self.here(said);
        }
        if let Some(pinned) = pinned {
            self.load_from_stack(CONTEXT, pinned);
        }
        let (Some(number), Some(refused)) = (number, refused) else { return };
        self.frame();
        // and x0, x0, x1; sub x0, x1, x0
        self.number(1, WORDS_MASK);
        self.word(0x8a01_0000);
        self.load(1, offset_of!(Context, stack_words));
        self.word(0xcb00_0020);
        self.store_in_frame(0, offset_of!(Frame, base));
        self.number(1, number.into());
        self.store_in_frame(1, offset_of!(Frame, typ));
        self.answer(LEFT);
        let done = self.skip(0x1400_0000);
        self.here(refused);
        self.put(Exit::REFUSED.into(), offset_of!(Context, exit));
        self.answer(REFUSED);
        self.here(done);
    }

    fn jump(&mut self, to: usize) {
        let distance = distance(self.0.len(), to, 26);
        self.word(0x1400_0000 | distance);
    }

    fn skip_unless(&mut self, offset: usize, number: u8) -> usize {
        // ldr w16, [x21, offset]; cmp w16, number; b.ne
        self.in_context(0xb940_0000, 2, 16, offset);
        self.word(0x7100_021f | u32::from(number) << 10);
        self.skip(0x5400_0001)
    }

    fn here(&mut self, skip: usize) {
        let (word, end) = (self.at(skip).unwrap_or(0), self.0.len());
        let jump = match word >> 25 & 0x3f {
            // b; tbnz; cbz and b.cond
            0b00_1010 => word | distance(skip, end, 26),
            0b01_1011 => word | distance(skip, end, 14) << 5,
            _ => word | distance(skip, end, 19) << 5,
        };
        self.0[skip..skip + 4].copy_from_slice(&jump.to_le_bytes());
    }

    fn mark(&mut self, marks: usize, distances: &[u8]) {
        // str x0, [sp, -16]!
        self.word(0xf81f_0fe0);
        for &distance in distances {
            self.load(16, offset_of!(Context, written));
            // add x16, x16, distance; lsr x16, x16, 12; lsr x0, x16, 6
            self.word(0x9100_0210 | u32::from(distance) << 10);
            self.word(0xd34c_fe10);
            self.word(0xd346_fe00);
            self.load(17, marks);
            // add x17, x17, x0, lsl 3; mov x0, 1; lsl x0, x0, x16; ldr x16, [x17]; orr x16, x16, x0; str x16, [x17]
            for word in [0x8b00_0e31, 0xd280_0020, 0x9ad0_2000, 0xf940_0230, 0xaa00_0210, 0xf900_0230] {
                self.word(word);
            }
        }
        // ldr x0, [sp], 16
        self.word(0xf841_07e0);
    }

    fn jumps(&self, traps: &mut Traps) {
        for at in (0..self.0.len()).step_by(4) {
            let Some(word) = self.at(at) else { break };
            // b.cond; cbz, cbnz
            if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
                let distance = i64::from((word << 8).cast_signed() >> 13) * 4;
                traps.note(at as i64 + distance, at + 4);
            }
        }
    }

    fn lead(&mut self, trap: u32, _: usize, to: usize) {
        let trap = trap as usize;
        let jump = 0x1400_0000 | distance(trap, to, 26);
        self.0[trap..trap + 4].copy_from_slice(&jump.to_le_bytes());
    }
}
