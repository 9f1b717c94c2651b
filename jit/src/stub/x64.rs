//! Stubs for x86-64. The context is in `r15`.

use super::{Assembler, LEFT, REFUSED, Traps, Unwind};
use crate::context::{Context, Exit, FRAME_SHIFT, WORDS_MASK};
use keyvm_isa::image::Frame;
use std::mem::offset_of;

pub(super) struct Code(pub(super) Vec<u8>);

impl Code {
    /// The last bytes of an instruction that accesses the context: which one `field` says, the middle of the first byte.
    fn in_context(&mut self, field: u8, offset: usize) {
        match i8::try_from(offset) {
            Ok(near) => self.0.extend([0x47 | field << 3, near.cast_unsigned()]),
            Err(_) => {
                self.0.push(0x87 | field << 3);
                self.0.extend(i32::try_from(offset).expect("a context is small").to_le_bytes());
            }
        }
    }

    /// Goes on further on in a case. Gives what [`Assembler::here`] takes.
    fn skip_if(&mut self, case: u8) -> usize {
        self.0.extend([0x0f, case, 0, 0, 0, 0]);
        self.0.len()
    }

    /// Puts the address of the frame into `rdx` of the unit whose room is in `rax`.
    fn frame(&mut self) {
        // mov rdx, rax; shr rdx, FRAME_SHIFT; imul rdx, rdx, size; neg rdx; add rdx, [r15 + frames_end]
        self.0.extend([0x48, 0x89, 0xc2, 0x48, 0xc1, 0xea, FRAME_SHIFT as u8]);
        self.0.extend([0x48, 0x6b, 0xd2, FRAME, 0x48, 0xf7, 0xda, 0x49, 0x03]);
        self.in_context(2, offset_of!(Context, frames_end));
    }

    /// Says what the unit gives in place of gas.
    fn answer(&mut self, answer: i8) {
        // mov qword [r15 + answer], answer
        self.0.extend([0x49, 0xc7]);
        self.in_context(0, offset_of!(Context, answer));
        self.0.extend(i32::from(answer).to_le_bytes());
    }

    /// Writes how far it is from the next byte but three to a place.
    fn distance(&mut self, to: usize) {
        let from = self.0.len() + 4;
        self.0.extend(distance(from, to));
    }
}

const FRAME: u8 = size_of::<Frame>() as u8;
const RETURN_INDEX: u8 = FRAME + offset_of!(Frame, return_index) as u8;

fn distance(from: usize, to: usize) -> [u8; 4] {
    i32::try_from(to as i64 - from as i64).expect("code is short").to_le_bytes()
}

impl Assembler for Code {
    fn put(&mut self, number: u32, offset: usize) {
        // mov dword [r15 + offset], number
        self.0.extend([0x41, 0xc7]);
        self.in_context(0, offset);
        self.0.extend(number.to_le_bytes());
    }

    fn add_gas(&mut self, more: i64) {
        let offset = offset_of!(Context, gas);
        match i32::try_from(more) {
            Ok(more) => {
                // add qword [r15 + offset], more
                self.0.extend([0x49, 0x81]);
                self.in_context(0, offset);
                self.0.extend(more.to_le_bytes());
            }
            Err(_) => {
                // mov rax, more; add [r15 + offset], rax
                self.0.extend([0x48, 0xb8]);
                self.0.extend(more.to_le_bytes());
                self.0.extend([0x49, 0x01]);
                self.in_context(0, offset);
            }
        }
    }

    fn unwind(&mut self, &Unwind { room, pinned, number, calls }: &Unwind) {
        // mov rax, [rsp + room]
        self.0.extend([0x48, 0x8b, 0x84, 0x24]);
        self.0.extend(room.to_le_bytes());
        let refused = number.map(|_| {
            // test rax, rax; js
            self.0.extend([0x48, 0x85, 0xc0]);
            self.skip_if(0x88)
        });
        let said = calls.then(|| {
            // mov ecx, [r15 + back]; test ecx, ecx; je
            self.0.extend([0x41, 0x8b]);
            self.in_context(1, offset_of!(Context, back));
            self.0.extend([0x85, 0xc9]);
            let here = self.skip_if(0x84);
            self.put(0, offset_of!(Context, back));
            self.frame();
            // mov [rdx + RETURN_INDEX], ecx; jmp
            self.0.extend([0x89, 0x4a, RETURN_INDEX, 0xe9, 0, 0, 0, 0]);
            let said = self.0.len();
            self.here(here);
            said
        });
        // mov [r15 + room], rax
        self.0.extend([0x49, 0x89]);
        self.in_context(0, offset_of!(Context, room));
        if let Some(said) = said {
            self.here(said);
        }
        if let Some(pinned) = pinned {
            // mov r15, [rsp + pinned]
            self.0.extend([0x4c, 0x8b, 0xbc, 0x24]);
            self.0.extend(pinned.to_le_bytes());
        }
        let (Some(number), Some(refused)) = (number, refused) else { return };
        self.frame();
        // and rax, WORDS_MASK; neg rax; add rax, [r15 + stack_words]; mov [rdx + base], eax; mov dword [rdx + typ], number
        self.0.extend([0x48, 0x25]);
        self.0.extend((WORDS_MASK as u32).to_le_bytes());
        self.0.extend([0x48, 0xf7, 0xd8, 0x49, 0x03]);
        self.in_context(0, offset_of!(Context, stack_words));
        self.0.extend([0x89, 0x42, offset_of!(Frame, base) as u8, 0xc7, 0x42, offset_of!(Frame, typ) as u8]);
        self.0.extend(number.to_le_bytes());
        self.answer(LEFT);
        self.0.extend([0xe9, 0, 0, 0, 0]);
        let done = self.0.len();
        self.here(refused);
        self.put(Exit::REFUSED.into(), offset_of!(Context, exit));
        self.answer(REFUSED);
        self.here(done);
    }

    fn jump(&mut self, to: usize) {
        self.0.push(0xe9);
        self.distance(to);
    }

    fn skip_unless(&mut self, offset: usize, number: u8) -> usize {
        // cmp dword [r15 + offset], number; jne
        self.0.extend([0x41, 0x83]);
        self.in_context(7, offset);
        self.0.push(number);
        self.skip_if(0x85)
    }

    fn here(&mut self, skip: usize) {
        self.lead(0, skip, self.0.len());
    }

    fn mark(&mut self, marks: usize, distances: &[u8]) {
        // push rax; push rcx; mov rax, [r15 + marks]
        self.0.extend([0x50, 0x51, 0x49, 0x8b]);
        self.in_context(0, marks);
        for &distance in distances {
            // mov rcx, [r15 + written]; add rcx, distance; shr rcx, 12; bts [rax], rcx
            self.0.extend([0x49, 0x8b]);
            self.in_context(1, offset_of!(Context, written));
            self.0.extend([0x48, 0x83, 0xc1, distance, 0x48, 0xc1, 0xe9, 12, 0x48, 0x0f, 0xab, 0x08]);
        }
        // pop rcx; pop rax
        self.0.extend([0x59, 0x58]);
    }

    fn jumps(&self, traps: &mut Traps) {
        for (at, _) in self.0.iter().enumerate().filter(|&(_, &byte)| byte == 0x0f) {
            if let Some(&[_, second, a, b, c, d]) = self.0[at..].first_chunk()
                && second & 0xf0 == 0x80
            {
                let distance = i32::from_le_bytes([a, b, c, d]);
                traps.note(at as i64 + 6 + i64::from(distance), at + 6);
            }
        }
    }

    fn lead(&mut self, _: u32, origin: usize, to: usize) {
        self.0[origin - 4..origin].copy_from_slice(&distance(origin, to));
    }
}
