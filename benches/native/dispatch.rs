//! The bytecode and its program are described in `dispatch.kasm`.

use super::Run;
use std::hint::black_box;

const HALT: u32 = 0;
const LI: u32 = 1;
const ADD: u32 = 2;
const SUB: u32 = 3;
const MUL: u32 = 4;
const AND: u32 = 5;
const XOR: u32 = 6;
const SHR: u32 = 7;
const ADDI: u32 = 8;
const LOAD: u32 = 9;
const STORE: u32 = 10;
const JLT: u32 = 11;
const JZ: u32 = 12;
const JUMP: u32 = 13;

const PROGRAM: [u32; 20] = [
    line(LI, 7, 63, 0),
    line(LI, 8, 1, 0),
    line(LI, 9, 31, 0),
    line(LI, 10, 100, 0),
    line(JZ, 0, 0, 14),
    line(LI, 2, 0, 0),
    line(XOR, 3, 1, 2),
    line(AND, 3, 3, 7),
    line(LOAD, 4, 3, 0),
    line(MUL, 5, 4, 9),
    line(ADD, 5, 5, 2),
    line(STORE, 5, 3, 0),
    line(ADD, 1, 1, 5),
    line(SHR, 6, 1, 7),
    line(XOR, 1, 1, 6),
    line(ADDI, 2, 2, 1),
    line(JLT, 2, 10, 256 - 11),
    line(SUB, 0, 0, 8),
    line(JUMP, 0, 0, 256 - 15),
    line(HALT, 0, 0, 0),
];

const fn line(opcode: u32, a: u32, b: u32, c: u32) -> u32 {
    opcode | (a << 8) | (b << 16) | (c << 24)
}

pub(super) fn native(size: u64) -> Run {
    Box::new(move || interpret(black_box(&PROGRAM), black_box(size)))
}

#[inline(never)]
fn interpret(program: &[u32], turns: u64) -> u64 {
    let mut registers = [0_u64; 16];
    let mut memory = [0_u64; 64];
    registers[0] = turns;
    let mut pc = 0_usize;
    loop {
        let word = program[pc];
        pc += 1;
        let a = (word >> 8) as usize & 15;
        let b = (word >> 16) as usize & 15;
        let c = (word >> 24) as usize & 15;
        let number = (word >> 24) as u8;
        let skip = number.cast_signed() as isize;
        match word & 0xff {
            HALT => return registers[1],
            LI => registers[a] = u64::from(word >> 16),
            ADD => registers[a] = registers[b].wrapping_add(registers[c]),
            SUB => registers[a] = registers[b].wrapping_sub(registers[c]),
            MUL => registers[a] = registers[b].wrapping_mul(registers[c]),
            AND => registers[a] = registers[b] & registers[c],
            XOR => registers[a] = registers[b] ^ registers[c],
            SHR => registers[a] = registers[b] >> (number & 63),
            ADDI => registers[a] = registers[b].wrapping_add_signed(i64::from(number.cast_signed())),
            LOAD => registers[a] = memory[registers[b] as usize & 63],
            STORE => memory[registers[b] as usize & 63] = registers[a],
            JLT => {
                if registers[a] < registers[b] {
                    pc = pc.wrapping_add_signed(skip);
                }
            }
            JZ => {
                if registers[a] == 0 {
                    pc = pc.wrapping_add_signed(skip);
                }
            }
            JUMP => pc = pc.wrapping_add_signed(skip),
            _ => unreachable!("the program has no other"),
        }
    }
}
