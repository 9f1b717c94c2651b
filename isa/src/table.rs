//! The instruction table: every instruction, declared once.
//!
//! A row is: the doc comment, which is the specification's text; the opcode; the mnemonic; the name in Rust;
//! the immediates with their kinds; words popped and pushed; the gas; the control flow; the traps beyond the
//! ones every instruction can have (`StackUnderflow`, `StackOverflow`). A new instruction is one row here:
//! nothing builds until every [`OpVisitor`] handles it.
//!
//! Words popped are the fixed ones; an instruction that takes more by an immediate (`slide`, `recurse`,
//! `return` …) says so in its text and checks for itself.

use crate::trap::Trap;

/// What an immediate means, and with it how wide it is and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImmKind {
    /// A signed number of 56 bits, sign-extended to a word.
    Value,
    /// An index into the code, 32 bits.
    Target,
    /// An index into the constants, 32 bits.
    Constant,
    /// An index into the subroutine types, 32 bits.
    Type,
    /// An index into the switch tables, 32 bits.
    Switch,
    /// A distance on the stack, in words, 32 bits.
    Slot,
    /// A number of operands, 8 bits.
    Count,
    /// A number of operands, 16 bits.
    WideCount,
    /// A memory number, 8 bits.
    Memory,
    /// A byte offset added to an address, 32 bits.
    Offset,
}

impl ImmKind {
    /// Width of the immediate in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Value => 56,
            Self::Target | Self::Constant | Self::Type | Self::Switch | Self::Slot | Self::Offset => 32,
            Self::Count | Self::Memory => 8,
            Self::WideCount => 16,
        }
    }
}

/// One immediate of an instruction: its name in the specification and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imm {
    /// The name used in the documentation and in messages.
    pub name: &'static str,
    /// What it means and how wide it is.
    pub kind: ImmKind,
}

/// The gas of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Always the same.
    Fixed(u64),
    /// `base` plus what the formula says; the formula's text is normative, [`crate::gas`] computes it.
    Formula {
        /// The least the instruction can cost; compared before anything else is looked at.
        base: u64,
        /// What is added, in words.
        text: &'static str,
    },
}

impl Cost {
    /// The part of the cost that is known from the instruction alone.
    #[must_use]
    pub const fn base(self) -> u64 {
        match self {
            Self::Fixed(gas) | Self::Formula { base: gas, .. } => gas,
        }
    }
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the target or to the next instruction.
    Branch,
    /// Never to the next instruction within this subroutine.
    Leave,
    /// Into a subroutine, and on its return to the next instruction.
    Call,
    /// Maybe out of the process; when control comes back, to the next instruction (or to the same one, where
    /// it advances in chunks).
    Kernel,
}

/// Everything the table says of one instruction.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The instruction.
    pub op: Op,
    /// Its name in assembly.
    pub mnemonic: &'static str,
    /// Its immediates, from the lowest bits upwards.
    pub imms: &'static [Imm],
    /// Words it always pops.
    pub pops: u8,
    /// Words it always pushes.
    pub pushes: u8,
    /// Its price.
    pub cost: Cost,
    /// Where control goes.
    pub flow: Flow,
    /// Traps of its own, in the order in which they are checked.
    pub traps: &'static [Trap],
    /// The specification's text.
    pub doc: &'static str,
}

macro_rules! imm_type {
    (Value) => {
        i64
    };
    (Target) => {
        u32
    };
    (Constant) => {
        u32
    };
    (Type) => {
        u32
    };
    (Switch) => {
        u32
    };
    (Slot) => {
        u32
    };
    (Count) => {
        u8
    };
    (WideCount) => {
        u16
    };
    (Memory) => {
        u8
    };
    (Offset) => {
        u32
    };
}

/// Reads one immediate from a word whose lower immediates (and opcode) have been shifted away, and shifts it
/// away too.
macro_rules! take_imm {
    ($rest:ident, Value) => {{
        let v = ($rest << 8).cast_signed() >> 8;
        $rest = 0;
        v
    }};
    ($rest:ident, Count) => {{
        let v = ($rest & 0xff) as u8;
        $rest >>= 8;
        v
    }};
    ($rest:ident, Memory) => {{
        let v = ($rest & 0xff) as u8;
        $rest >>= 8;
        v
    }};
    ($rest:ident, WideCount) => {{
        let v = ($rest & 0xffff) as u16;
        $rest >>= 16;
        v
    }};
    ($rest:ident, $other:ident) => {{
        let v = ($rest & 0xffff_ffff) as u32;
        $rest >>= 32;
        v
    }};
}

macro_rules! cost {
    ($gas:literal) => {
        Cost::Fixed($gas)
    };
    (($gas:literal + $text:literal)) => {
        Cost::Formula { base: $gas, text: $text }
    };
}

/// The mnemonic without the mark that Rust wants on its own keywords.
const fn without_raw(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

macro_rules! instructions {
    ($(
        $(#[doc = $doc:literal])*
        $code:literal $mnemonic:ident $name:ident { $($imm:ident: $kind:ident),* }
        ($pops:literal -> $pushes:literal) $cost:tt $flow:ident [$($trap:ident),*];
    )*) => {
        /// An instruction's opcode: the low byte of its word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Op { $( $(#[doc = $doc])* $name = $code, )* }

        /// The table, in the order of the opcodes.
        pub const OPS: &[OpInfo] = &[$( OpInfo {
            op: Op::$name,
            mnemonic: without_raw(stringify!($mnemonic)),
            imms: &[$( Imm { name: stringify!($imm), kind: ImmKind::$kind } ),*],
            pops: $pops,
            pushes: $pushes,
            cost: cost!($cost),
            flow: Flow::$flow,
            traps: &[$( Trap::$trap ),*],
            doc: concat!($($doc, "\n"),*),
        } ),*];

        impl Op {
            /// The instruction with this opcode, if there is one.
            #[must_use]
            #[inline]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $( $code => Some(Self::$name), )* _ => None }
            }

            /// What the table says of the instruction.
            #[must_use]
            pub const fn info(self) -> &'static OpInfo {
                const INDEX: [u8; 256] = {
                    let mut index = [0; 256];
                    let mut row = 0;
                    while row < OPS.len() {
                        index[OPS[row].op as usize] = row as u8;
                        row += 1;
                    }
                    index
                };
                &OPS[INDEX[self as usize] as usize]
            }
        }

        /// One method for each instruction; an engine implements it, and a new row does not build until it does.
        pub trait OpVisitor {
            /// What handling an instruction gives.
            type Out;

            /// Called before each instruction with its row; an answer ends the instruction there.
            fn begin(&mut self, info: &'static OpInfo) -> Option<Self::Out>;

            /// Called for a word that is no instruction.
            fn unknown(&mut self) -> Self::Out;

            $( $(#[doc = $doc])* fn $mnemonic(&mut self $(, $imm: imm_type!($kind))*) -> Self::Out; )*
        }

        /// Calls the visitor's method for a word that [`crate::decode::normalise`] has let through.
        #[inline(always)]
        pub fn dispatch<V: OpVisitor>(visitor: &mut V, word: u64) -> V::Out {
            match (word & 0xff) as u8 {
                $( $code => {
                    const INFO: &OpInfo = Op::$name.info();
                    if let Some(out) = visitor.begin(INFO) {
                        return out;
                    }
                    #[allow(
                        unused_mut,
                        unused_variables,
                        unused_assignments,
                        reason = "an instruction without immediates reads none, and the last one read shifts in vain"
                    )]
                    {
                        let mut rest = word >> 8;
                        visitor.$mnemonic($( take_imm!(rest, $kind) ),*)
                    }
                } )*
                _ => visitor.unknown(),
            }
        }
    };
}

instructions! {
    // ---- Ending, stack, constants -----------------------------------------------------------------------

    /// Ends the process: the caller gets status `Halted` and no result. The index stays here.
    0x00 halt Halt {} (0 -> 0) 1 Leave [];
    /// Does nothing.
    0x01 nop Nop {} (0 -> 0) 1 Next [];
    /// Pushes `value`.
    0x02 push Push { value: Value } (0 -> 1) 1 Next [];
    /// Pushes constant `index` of the code page.
    0x03 r#const Const { index: Constant } (0 -> 1) 1 Next [BadIndex];
    /// Drops the top: `a ->`.
    0x04 drop Drop {} (1 -> 0) 1 Next [];
    /// Duplicates the top: `a -> a a`.
    0x05 dup Dup {} (1 -> 2) 1 Next [];
    /// Exchanges the two topmost: `a b -> b a`.
    0x06 swap Swap {} (2 -> 2) 1 Next [];
    /// Moves the top below the next two: `a b c -> c a b`.
    0x07 rot Rot {} (3 -> 3) 1 Next [];
    /// Moves the third to the top: `a b c -> b c a`.
    0x08 rotback Rotback {} (3 -> 3) 1 Next [];
    /// `a b c -> a` if `c` is not 0, else `b`.
    0x09 select Select {} (3 -> 1) 1 Next [];
    /// Pushes a copy of the operand `depth` below the top (0 is the top). Never reaches below the base.
    0x0a pick Pick { depth: Slot } (0 -> 1) 1 Next [];
    /// Pops `v` and stores it in the operand that is then `depth` below the top. Never reaches below the base.
    0x0b put Put { depth: Slot } (1 -> 0) 1 Next [];
    /// Pushes a copy of the operand `slot` words above the base.
    0x0c get Get { slot: Slot } (0 -> 1) 1 Next [];
    /// Pops `v` and stores it `slot` words above the base.
    0x0d set Set { slot: Slot } (1 -> 0) 1 Next [];
    /// Stores the top `slot` words above the base and keeps it.
    0x0e tee Tee { slot: Slot } (1 -> 1) 1 Next [];
    /// Keeps the topmost `keep` operands (at most 4,096) and drops the `drop` ones below them.
    0x0f slide Slide { keep: WideCount, drop: Slot } (0 -> 0) (1 + "keep / 8") Next [TooLarge];
    /// Pushes the number of operands above the base.
    0x10 height Height {} (0 -> 1) 1 Next [];

    // ---- Control ----------------------------------------------------------------------------------------

    /// Continues at `target`.
    0x11 jump Jump { target: Target } (0 -> 0) 1 Leave [BadTarget];
    /// Pops `c`; continues at `target` if `c` is not 0.
    0x12 jumpif Jumpif { target: Target } (1 -> 0) 1 Branch [BadTarget];
    /// Pops `c`; continues at `target` if `c` is 0.
    0x13 jumpz Jumpz { target: Target } (1 -> 0) 1 Branch [BadTarget];
    /// Pops `t`; continues at `t`, which may be any index up to the length of the code.
    0x14 jumpto Jumpto {} (1 -> 0) 1 Leave [BadTarget];
    /// Pops `i`; continues at entry `i` of switch table `table`, or at its last entry if there is no such.
    0x15 switch Switch { table: Switch } (1 -> 0) 1 Leave [BadIndex, BadTarget];
    /// Begins a subroutine of type `type`; pushes its locals, zeroed.
    0x16 func Func { typ: Type } (0 -> 0) (1 + "locals / 8") Next [BadIndex];
    /// Calls the subroutine at `target`: makes a frame whose base is below the arguments.
    0x17 call Call { target: Target } (0 -> 0) 1 Call [BadTarget, BadIndex, FrameOverflow];
    /// Pops `t` and calls the subroutine at `t`, which must be of type `typ`.
    0x18 callto Callto { typ: Type } (1 -> 0) 1 Call [BadIndex, BadTarget, FrameOverflow];
    /// Pops `i` and calls the subroutine whose index is word `i` of `memory`; it must be of type `typ`.
    0x19 calltable Calltable { typ: Type, memory: Memory } (1 -> 0) 1 Call
        [BadIndex, NoSuchKey, WrongKind, NoRight, OutOfBounds, BadTarget, FrameOverflow];
    /// Returns from a subroutine: keeps the results its type names and cuts the stack to the base.
    0x1a ret Ret {} (0 -> 0) (1 + "results / 8") Leave [NoFrame, BadIndex];
    /// Calls the subroutine at `target` in place of this one: the frame is used again.
    0x1b tailcall Tailcall { target: Target } (0 -> 0) (1 + "arguments / 8") Leave [NoFrame, BadTarget, BadIndex, TypeMismatch];
    /// As `callto`, in place of this subroutine.
    0x1c tailcallto Tailcallto { typ: Type } (1 -> 0) (1 + "arguments / 8") Leave [NoFrame, BadIndex, BadTarget, TypeMismatch];
    /// As `calltable`, in place of this subroutine.
    0x1d tailcalltable Tailcalltable { typ: Type, memory: Memory } (1 -> 0) (1 + "arguments / 8") Leave
        [NoFrame, BadIndex, NoSuchKey, WrongKind, NoRight, OutOfBounds, BadTarget, TypeMismatch];
    /// Always traps.
    0x1e unreachable Unreachable {} (0 -> 0) 1 Leave [Unreachable];
    /// Always traps; the operand, which stays, says why.
    0x1f fail Fail {} (1 -> 0) 1 Leave [Failed];

    // ---- 64-bit integers --------------------------------------------------------------------------------

    /// `a b -> a + b`, wrapping.
    0x20 add Add {} (2 -> 1) 1 Next [];
    /// `a b -> a - b`, wrapping.
    0x21 sub Sub {} (2 -> 1) 1 Next [];
    /// `a b -> a * b`, wrapping.
    0x22 mul Mul {} (2 -> 1) 1 Next [];
    /// Unsigned quotient: `a b -> a / b`.
    0x23 div Div {} (2 -> 1) 1 Next [DivideByZero];
    /// Signed quotient, rounded towards 0: `a b -> a / b`.
    0x24 divs Divs {} (2 -> 1) 1 Next [DivideByZero, IntegerOverflow];
    /// Unsigned remainder: `a b -> a % b`.
    0x25 rem Rem {} (2 -> 1) 1 Next [DivideByZero];
    /// Signed remainder, with the sign of `a`: `a b -> a % b`.
    0x26 rems Rems {} (2 -> 1) 1 Next [DivideByZero];
    /// `a b -> a & b`.
    0x27 and And {} (2 -> 1) 1 Next [];
    /// `a b -> a | b`.
    0x28 or Or {} (2 -> 1) 1 Next [];
    /// `a b -> a ^ b`.
    0x29 xor Xor {} (2 -> 1) 1 Next [];
    /// `a -> !a`, all bits turned over.
    0x2a not Not {} (1 -> 1) 1 Next [];
    /// `a b -> a << (b mod 64)`.
    0x2b shl Shl {} (2 -> 1) 1 Next [];
    /// `a b -> a >> (b mod 64)`, filled with zeroes.
    0x2c shr Shr {} (2 -> 1) 1 Next [];
    /// `a b -> a >> (b mod 64)`, filled with the sign.
    0x2d shrs Shrs {} (2 -> 1) 1 Next [];
    /// `a b -> a` rotated left by `b mod 64`.
    0x2e rotl Rotl {} (2 -> 1) 1 Next [];
    /// `a b -> a` rotated right by `b mod 64`.
    0x2f rotr Rotr {} (2 -> 1) 1 Next [];
    /// Leading zero bits; 64 for 0.
    0x30 clz Clz {} (1 -> 1) 1 Next [];
    /// Trailing zero bits; 64 for 0.
    0x31 ctz Ctz {} (1 -> 1) 1 Next [];
    /// Bits that are 1.
    0x32 popcnt Popcnt {} (1 -> 1) 1 Next [];
    /// `a -> 1` if `a` is 0, else 0.
    0x33 eqz Eqz {} (1 -> 1) 1 Next [];
    /// `a b -> a == b`.
    0x34 eq Eq {} (2 -> 1) 1 Next [];
    /// `a b -> a != b`.
    0x35 ne Ne {} (2 -> 1) 1 Next [];
    /// `a b -> a < b`, unsigned.
    0x36 lt Lt {} (2 -> 1) 1 Next [];
    /// `a b -> a > b`, unsigned.
    0x37 gt Gt {} (2 -> 1) 1 Next [];
    /// `a b -> a <= b`, unsigned.
    0x38 le Le {} (2 -> 1) 1 Next [];
    /// `a b -> a >= b`, unsigned.
    0x39 ge Ge {} (2 -> 1) 1 Next [];
    /// `a b -> a < b`, signed.
    0x3a lts Lts {} (2 -> 1) 1 Next [];
    /// `a b -> a > b`, signed.
    0x3b gts Gts {} (2 -> 1) 1 Next [];
    /// `a b -> a <= b`, signed.
    0x3c les Les {} (2 -> 1) 1 Next [];
    /// `a b -> a >= b`, signed.
    0x3d ges Ges {} (2 -> 1) 1 Next [];
    /// Sign-extends the low 8 bits to 64.
    0x3e extend8s Extend8s {} (1 -> 1) 1 Next [];
    /// Sign-extends the low 16 bits to 64.
    0x3f extend16s Extend16s {} (1 -> 1) 1 Next [];
    /// Sign-extends the low 32 bits to 64.
    0x40 extend32s Extend32s {} (1 -> 1) 1 Next [];
    /// Keeps the low 32 bits.
    0x41 wrap32 Wrap32 {} (1 -> 1) 1 Next [];

    // ---- 32-bit integers: read low halves, give zero-extended words ---------------------------------------

    /// `a b -> a + b`, wrapping at 32 bits.
    0x42 add32 Add32 {} (2 -> 1) 1 Next [];
    /// `a b -> a - b`, wrapping at 32 bits.
    0x43 sub32 Sub32 {} (2 -> 1) 1 Next [];
    /// `a b -> a * b`, wrapping at 32 bits.
    0x44 mul32 Mul32 {} (2 -> 1) 1 Next [];
    /// Unsigned quotient of 32 bits.
    0x45 div32 Div32 {} (2 -> 1) 1 Next [DivideByZero];
    /// Signed quotient of 32 bits, rounded towards 0.
    0x46 divs32 Divs32 {} (2 -> 1) 1 Next [DivideByZero, IntegerOverflow];
    /// Unsigned remainder of 32 bits.
    0x47 rem32 Rem32 {} (2 -> 1) 1 Next [DivideByZero];
    /// Signed remainder of 32 bits, with the sign of `a`.
    0x48 rems32 Rems32 {} (2 -> 1) 1 Next [DivideByZero];
    /// `a b -> a << (b mod 32)`.
    0x49 shl32 Shl32 {} (2 -> 1) 1 Next [];
    /// `a b -> a >> (b mod 32)`, filled with zeroes.
    0x4a shr32 Shr32 {} (2 -> 1) 1 Next [];
    /// `a b -> a >> (b mod 32)`, filled with the sign.
    0x4b shrs32 Shrs32 {} (2 -> 1) 1 Next [];
    /// `a b -> a` rotated left within 32 bits by `b mod 32`.
    0x4c rotl32 Rotl32 {} (2 -> 1) 1 Next [];
    /// `a b -> a` rotated right within 32 bits by `b mod 32`.
    0x4d rotr32 Rotr32 {} (2 -> 1) 1 Next [];
    /// Leading zero bits of 32; 32 for 0.
    0x4e clz32 Clz32 {} (1 -> 1) 1 Next [];
    /// Trailing zero bits of 32; 32 for 0.
    0x4f ctz32 Ctz32 {} (1 -> 1) 1 Next [];
    /// `a b -> a < b`, signed, 32 bits.
    0x50 lts32 Lts32 {} (2 -> 1) 1 Next [];
    /// `a b -> a > b`, signed, 32 bits.
    0x51 gts32 Gts32 {} (2 -> 1) 1 Next [];
    /// `a b -> a <= b`, signed, 32 bits.
    0x52 les32 Les32 {} (2 -> 1) 1 Next [];
    /// `a b -> a >= b`, signed, 32 bits.
    0x53 ges32 Ges32 {} (2 -> 1) 1 Next [];
    /// Sign-extends the low 8 bits to 32.
    0x54 extend8s32 Extend8s32 {} (1 -> 1) 1 Next [];
    /// Sign-extends the low 16 bits to 32.
    0x55 extend16s32 Extend16s32 {} (1 -> 1) 1 Next [];

    // ---- f64 ----------------------------------------------------------------------------------------------

    /// Sum.
    0x56 fadd Fadd {} (2 -> 1) 1 Next [];
    /// Difference.
    0x57 fsub Fsub {} (2 -> 1) 1 Next [];
    /// Product.
    0x58 fmul Fmul {} (2 -> 1) 1 Next [];
    /// Quotient.
    0x59 fdiv Fdiv {} (2 -> 1) 1 Next [];
    /// The lesser; NaN if either is NaN; -0 is less than +0.
    0x5a fmin Fmin {} (2 -> 1) 1 Next [];
    /// The greater; NaN if either is NaN; -0 is less than +0.
    0x5b fmax Fmax {} (2 -> 1) 1 Next [];
    /// Clears the sign bit.
    0x5c fabs Fabs {} (1 -> 1) 1 Next [];
    /// Turns the sign bit over.
    0x5d fneg Fneg {} (1 -> 1) 1 Next [];
    /// `a b -> a` with the sign bit of `b`.
    0x5e fcopysign Fcopysign {} (2 -> 1) 1 Next [];
    /// Square root.
    0x5f fsqrt Fsqrt {} (1 -> 1) 1 Next [];
    /// Rounded up.
    0x60 fceil Fceil {} (1 -> 1) 1 Next [];
    /// Rounded down.
    0x61 ffloor Ffloor {} (1 -> 1) 1 Next [];
    /// Rounded towards 0.
    0x62 ftrunc Ftrunc {} (1 -> 1) 1 Next [];
    /// Rounded to the nearest integer, ties to even.
    0x63 fnearest Fnearest {} (1 -> 1) 1 Next [];
    /// `a b -> a == b`.
    0x64 feq Feq {} (2 -> 1) 1 Next [];
    /// `a b -> a != b`.
    0x65 fne Fne {} (2 -> 1) 1 Next [];
    /// `a b -> a < b`.
    0x66 flt Flt {} (2 -> 1) 1 Next [];
    /// `a b -> a > b`.
    0x67 fgt Fgt {} (2 -> 1) 1 Next [];
    /// `a b -> a <= b`.
    0x68 fle Fle {} (2 -> 1) 1 Next [];
    /// `a b -> a >= b`.
    0x69 fge Fge {} (2 -> 1) 1 Next [];

    // ---- f32: read low halves, give zero-extended words ----------------------------------------------------

    /// Sum.
    0x6a fadd32 Fadd32 {} (2 -> 1) 1 Next [];
    /// Difference.
    0x6b fsub32 Fsub32 {} (2 -> 1) 1 Next [];
    /// Product.
    0x6c fmul32 Fmul32 {} (2 -> 1) 1 Next [];
    /// Quotient.
    0x6d fdiv32 Fdiv32 {} (2 -> 1) 1 Next [];
    /// The lesser; NaN if either is NaN; -0 is less than +0.
    0x6e fmin32 Fmin32 {} (2 -> 1) 1 Next [];
    /// The greater; NaN if either is NaN; -0 is less than +0.
    0x6f fmax32 Fmax32 {} (2 -> 1) 1 Next [];
    /// Clears the sign bit.
    0x70 fabs32 Fabs32 {} (1 -> 1) 1 Next [];
    /// Turns the sign bit over.
    0x71 fneg32 Fneg32 {} (1 -> 1) 1 Next [];
    /// `a b -> a` with the sign bit of `b`.
    0x72 fcopysign32 Fcopysign32 {} (2 -> 1) 1 Next [];
    /// Square root.
    0x73 fsqrt32 Fsqrt32 {} (1 -> 1) 1 Next [];
    /// Rounded up.
    0x74 fceil32 Fceil32 {} (1 -> 1) 1 Next [];
    /// Rounded down.
    0x75 ffloor32 Ffloor32 {} (1 -> 1) 1 Next [];
    /// Rounded towards 0.
    0x76 ftrunc32 Ftrunc32 {} (1 -> 1) 1 Next [];
    /// Rounded to the nearest integer, ties to even.
    0x77 fnearest32 Fnearest32 {} (1 -> 1) 1 Next [];
    /// `a b -> a == b`.
    0x78 feq32 Feq32 {} (2 -> 1) 1 Next [];
    /// `a b -> a != b`.
    0x79 fne32 Fne32 {} (2 -> 1) 1 Next [];
    /// `a b -> a < b`.
    0x7a flt32 Flt32 {} (2 -> 1) 1 Next [];
    /// `a b -> a > b`.
    0x7b fgt32 Fgt32 {} (2 -> 1) 1 Next [];
    /// `a b -> a <= b`.
    0x7c fle32 Fle32 {} (2 -> 1) 1 Next [];
    /// `a b -> a >= b`.
    0x7d fge32 Fge32 {} (2 -> 1) 1 Next [];

    // ---- Conversions ---------------------------------------------------------------------------------------

    /// Signed 64-bit integer to f64.
    0x7e itof Itof {} (1 -> 1) 1 Next [];
    /// Unsigned 64-bit integer to f64.
    0x7f utof Utof {} (1 -> 1) 1 Next [];
    /// Signed 64-bit integer to f32.
    0x80 itof32 Itof32 {} (1 -> 1) 1 Next [];
    /// Unsigned 64-bit integer to f32.
    0x81 utof32 Utof32 {} (1 -> 1) 1 Next [];
    /// Signed 32-bit integer to f64.
    0x82 i32tof I32tof {} (1 -> 1) 1 Next [];
    /// Signed 32-bit integer to f32.
    0x83 i32tof32 I32tof32 {} (1 -> 1) 1 Next [];
    /// f64 to signed 64-bit integer, towards 0.
    0x84 ftoi Ftoi {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f64 to unsigned 64-bit integer, towards 0.
    0x85 ftou Ftou {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f64 to signed 32-bit integer, towards 0.
    0x86 ftoi32 Ftoi32 {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f64 to unsigned 32-bit integer, towards 0.
    0x87 ftou32 Ftou32 {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f32 to signed 64-bit integer, towards 0.
    0x88 f32toi F32toi {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f32 to unsigned 64-bit integer, towards 0.
    0x89 f32tou F32tou {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f32 to signed 32-bit integer, towards 0.
    0x8a f32toi32 F32toi32 {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// f32 to unsigned 32-bit integer, towards 0.
    0x8b f32tou32 F32tou32 {} (1 -> 1) 1 Next [InvalidConversion, IntegerOverflow];
    /// As `ftoi`, but to the nearest bound if out of range, and 0 for NaN.
    0x8c ftoisat Ftoisat {} (1 -> 1) 1 Next [];
    /// As `ftou`, saturating.
    0x8d ftousat Ftousat {} (1 -> 1) 1 Next [];
    /// As `ftoi32`, saturating.
    0x8e ftoi32sat Ftoi32sat {} (1 -> 1) 1 Next [];
    /// As `ftou32`, saturating.
    0x8f ftou32sat Ftou32sat {} (1 -> 1) 1 Next [];
    /// As `f32toi`, saturating.
    0x90 f32toisat F32toisat {} (1 -> 1) 1 Next [];
    /// As `f32tou`, saturating.
    0x91 f32tousat F32tousat {} (1 -> 1) 1 Next [];
    /// As `f32toi32`, saturating.
    0x92 f32toi32sat F32toi32sat {} (1 -> 1) 1 Next [];
    /// As `f32tou32`, saturating.
    0x93 f32tou32sat F32tou32sat {} (1 -> 1) 1 Next [];
    /// f32 to f64.
    0x94 promote Promote {} (1 -> 1) 1 Next [];
    /// f64 to f32.
    0x95 demote Demote {} (1 -> 1) 1 Next [];

    // ---- Loads and stores: effective address = popped word + offset, in bytes ----------------------------------

    /// `a -> v`: 8 bits, zero-extended.
    0x96 load8 Load8 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 8 bits, sign-extended to 64.
    0x97 load8s Load8s { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 8 bits, sign-extended to 32, then zero-extended.
    0x98 load8s32 Load8s32 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 16 bits, zero-extended.
    0x99 load16 Load16 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 16 bits, sign-extended to 64.
    0x9a load16s Load16s { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 16 bits, sign-extended to 32, then zero-extended.
    0x9b load16s32 Load16s32 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 32 bits, zero-extended.
    0x9c load32 Load32 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 32 bits, sign-extended.
    0x9d load32s Load32s { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a -> v`: 64 bits.
    0x9e load64 Load64 { memory: Memory, offset: Offset } (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a v ->`: the low 8 bits.
    0x9f store8 Store8 { memory: Memory, offset: Offset } (2 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a v ->`: the low 16 bits.
    0xa0 store16 Store16 { memory: Memory, offset: Offset } (2 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a v ->`: the low 32 bits.
    0xa1 store32 Store32 { memory: Memory, offset: Offset } (2 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a v ->`: 64 bits.
    0xa2 store64 Store64 { memory: Memory, offset: Offset } (2 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `-> v`: 8 bits at `offset`, zero-extended.
    0xa3 load8at Load8at { memory: Memory, offset: Offset } (0 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `-> v`: 16 bits at `offset`, zero-extended.
    0xa4 load16at Load16at { memory: Memory, offset: Offset } (0 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `-> v`: 32 bits at `offset`, zero-extended.
    0xa5 load32at Load32at { memory: Memory, offset: Offset } (0 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `-> v`: 64 bits at `offset`.
    0xa6 load64at Load64at { memory: Memory, offset: Offset } (0 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `v ->`: the low 8 bits to `offset`.
    0xa7 store8at Store8at { memory: Memory, offset: Offset } (1 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `v ->`: the low 16 bits to `offset`.
    0xa8 store16at Store16at { memory: Memory, offset: Offset } (1 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `v ->`: the low 32 bits to `offset`.
    0xa9 store32at Store32at { memory: Memory, offset: Offset } (1 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `v ->`: 64 bits to `offset`.
    0xaa store64at Store64at { memory: Memory, offset: Offset } (1 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];

    // ---- Memories as a whole -----------------------------------------------------------------------------------

    /// `m i -> v`: word `i` of memory `m`.
    0xab mempush Mempush {} (2 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `m i v ->`: stores `v` as word `i` of memory `m`.
    0xac memwrite Memwrite {} (3 -> 0) 1 Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `m -> n`: the length of memory `m` in words.
    0xad memlen Memlen {} (1 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight];
    /// `-> n`: the length of `memory` in words.
    0xae size Size { memory: Memory } (0 -> 1) 1 Next [NoSuchKey, WrongKind, NoRight];
    /// `-> n`: the number of memories: four, and one for each slot of the key list.
    0xaf memsize Memsize {} (0 -> 1) 1 Next [];
    /// `m n ->`: makes memory `m` (2, or a data page) `n` words long, in chunks; new words are 0.
    0xb0 memresize Memresize {} (2 -> 0) (4 + "words moved / 8") Kernel [NoSuchKey, WrongKind, NoRight, TooLarge];
    /// `d s n ->`: copies `n` bytes from `s` in memory `source` to `d` in memory `target`, in chunks; the ranges
    /// may overlap.
    0xb1 copy Copy { target: Memory, source: Memory } (3 -> 0) (2 + "words touched / 8") Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `d v n ->`: sets `n` bytes from `d` in `memory` to the low 8 bits of `v`, in chunks.
    0xb2 fill Fill { memory: Memory } (3 -> 0) (2 + "words touched / 8") Next [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `a b -> r`: a random number of at least `a` and less than `b`; the process's generator advances.
    0xb3 random Random {} (2 -> 1) 1 Next [BadRange];

    // ---- Keys -----------------------------------------------------------------------------------------------------

    /// `-> n`: the length of the key list.
    0xb4 numkeys Numkeys {} (0 -> 1) 1 Next [];
    /// `k -> rights kind`: what key `k` is: rights as bits, kind as a number; both 0 for null.
    0xb5 keyinfo Keyinfo {} (1 -> 2) 4 Next [NoSuchKey];
    /// `a b -> e`: 1 if the keys name the same object and neither is null, else 0.
    0xb6 keysame Keysame {} (2 -> 1) 4 Next [NoSuchKey];
    /// `k mask -> j`: appends a copy of key `k` with only those of its rights that are in `mask`.
    0xb7 attenuate Attenuate {} (2 -> 1) 8 Kernel [NoSuchKey, NoRight, KeyListFull];
    /// `from to ->`: moves the key in slot `from` to slot `to`, which must be null; slot `from` is then null.
    0xb8 keymove Keymove {} (2 -> 0) 4 Kernel [NoSuchKey, SelfKey, SlotOccupied];
    /// `k ->`: makes slot `k` null; if it is the last, it is cut off, and up to 31 null slots before it.
    0xb9 keydrop Keydrop {} (1 -> 0) 8 Kernel [NoSuchKey, SelfKey];
    /// `n ->`: sets the capacity of the key list to `n` slots, not below its length.
    0xba keyroom Keyroom {} (1 -> 0) 16 Kernel [TooLarge];
    /// `t k -> status`: appends a copy of key `k` to the key list of the process that key `t` names.
    0xbb transferkey Transferkey {} (2 -> 1) 8 Kernel [NoSuchKey, WrongKind, NoRight];
    /// `p i -> j`: appends a copy of the key in slot `i` of the key page (or process) that key `p` names.
    0xbc keyget Keyget {} (2 -> 1) 8 Kernel [NoSuchKey, WrongKind, NoRight, OutOfBounds, KeyListFull];
    /// `k p i ->`: puts a copy of key `k` into slot `i` of the key page that key `p` names.
    0xbd keyput Keyput {} (3 -> 0) 8 Kernel [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `k -> j g`: makes a gate; appends a copy of `k` that goes through it, and a key to the gate.
    0xbe gate Gate {} (1 -> 2) 16 Kernel [NoSuchKey, NoRight, TooDeep, KeyListFull];
    /// `g ->`: revokes: destroys gate `g`, and with it every key that came through it or through a gate below it.
    0xbf revoke Revoke {} (1 -> 0) 8 Kernel [NoSuchKey, WrongKind, NoRight];
    /// `-> b`: makes a brand and appends its key.
    0xc0 brand Brand {} (0 -> 1) 16 Kernel [KeyListFull];
    /// `k b -> j`: appends a copy of key `k` sealed by brand `b`: good for nothing until unsealed.
    0xc1 seal Seal {} (2 -> 1) 8 Kernel [NoSuchKey, WrongKind, NoRight, Sealed, KeyListFull];
    /// `k b -> j`: appends key `k` unsealed; pushes all ones if `k` is not sealed by `b`.
    0xc2 unseal Unseal {} (2 -> 1) 8 Kernel [NoSuchKey, WrongKind, NoRight, KeyListFull];
    /// `k ->`: destroys the object; every key to it becomes null, and slot `k` is dropped as by `keydrop`.
    0xc3 destroy Destroy {} (1 -> 0) 16 Kernel [NoSuchKey, WrongKind, NoRight];
    /// `k ->`: stops a process or a meter.
    0xc4 stop Stop {} (1 -> 0) 16 Kernel [NoSuchKey, WrongKind, NoRight];
    /// `k ->`: lets a stopped process (right `mend`) or meter (right `stop`) go on when it is next called.
    0xc5 start Start {} (1 -> 0) 16 Kernel [NoSuchKey, WrongKind, NoRight];

    // ---- Pages ---------------------------------------------------------------------------------------------------

    /// `n -> k`: makes a data page of `n` zero words (at most 4,096; it may be resized) and appends its key.
    0xc6 pagenew Pagenew {} (1 -> 1) (16 + "n / 8") Kernel [TooLarge, KeyListFull];
    /// `n -> k`: makes a key page of `n` null slots (at most 4,096) and appends its key.
    0xc7 keypage Keypage {} (1 -> 1) (16 + "n / 4") Kernel [TooLarge, KeyListFull];
    /// `k -> n`: the length of a data or code page in words, of a key page in slots.
    0xc8 pagesize Pagesize {} (1 -> 1) 4 Next [NoSuchKey, WrongKind, NoRight];
    /// `k n ->`: makes key page `k` `n` slots long, in chunks.
    0xc9 keyresize Keyresize {} (2 -> 0) (4 + "slots moved / 4") Kernel [NoSuchKey, WrongKind, NoRight, TooLarge];
    /// `k -> g`: turns data page `k` into a code page, for ever, in chunks, and pushes 1; pushes 0, and it stays a data
    /// page, if it is not laid out as code.
    0xca codeseal Codeseal {} (1 -> 1) (8 + "words looked at / 4") Kernel [NoSuchKey, WrongKind, NoRight];
    /// `k -> h0 h1 h2 h3`: the hash of what key `k` names, in chunks: of a data or code page, of its contents; of a key page
    /// or a process, of its state.
    0xcb statehash Statehash {} (1 -> 4) (32 + "words looked at / 2") Kernel [NoSuchKey, WrongKind, NoRight, Busy];

    // ---- Processes and control -----------------------------------------------------------------------------------

    /// `c n -> k`: makes a process that runs code page `c` with `n` zero words of data (at most 4,096).
    0xcc create Create {} (2 -> 1) (32 + "n / 8") Kernel [NoSuchKey, WrongKind, NoRight, TooLarge, KeyListFull];
    /// `-> k`: makes a process like this one: same code, a copy of the data, index 0, no keys but its own.
    0xcd fork Fork {} (0 -> 1) (64 + "words of data / 8") Kernel [KeyListFull];
    /// `w… s… k g n -> r… count status`: calls the process that key `k` names with `g` gas and `n` more words,
    /// both at most what is left here; takes `words` words and the numbers of `keys` keys as the message.
    0xce recurse Recurse { words: Count, keys: Count } (3 -> 2) (32 + "words / 8 + 4 keys") Kernel
        [TooMany, NoSuchKey, WrongKind, NoRight];
    /// `w… s… k -> r… count status`: calls the process that key `k` names under its own meter, or makes a
    /// request of the host key `k`.
    0xcf invoke Invoke { words: Count, keys: Count } (1 -> 2) (64 + "words / 8 + 4 keys") Kernel
        [TooMany, NoSuchKey, WrongKind, NoRight];
    /// `w… s… -> w…`: gives control back with status `Yielded` and a result; goes on here, with the next message.
    0xd0 r#yield Yield { words: Count, keys: Count } (0 -> 0) (4 + "words / 8 + 4 keys") Kernel [TooMany, NoSuchKey, NoRight];
    /// `w… s… -> w…`: gives control back with status `Returned` and a result; the process begins anew when called.
    0xd1 r#return Return { words: Count, keys: Count } (0 -> 0) (4 + "words / 8 + 4 keys") Kernel [TooMany, NoSuchKey, NoRight];
    /// `k m i -> v`: word `i` of memory `m` (0 to 3) of another process.
    0xd2 peek Peek {} (3 -> 1) 8 Kernel [NoSuchKey, WrongKind, NoRight, Busy, OutOfBounds];
    /// `k m i v ->`: mends another process: a word of its data or operands, or its index, height or stack maximum.
    0xd3 poke Poke {} (4 -> 0) 8 Kernel [NoSuchKey, WrongKind, NoRight, Busy, OutOfBounds];
    /// `k n -> status`: makes the data of process `k` `n` words long, in chunks; new words are charged to that process's meter.
    0xd4 grow Grow {} (2 -> 1) (8 + "words moved / 8") Kernel [NoSuchKey, WrongKind, NoRight, Busy, TooLarge];
    /// `k m ->`: gives process `k` the standing meter `m`; a null `m` takes it away.
    0xd5 setmeter Setmeter {} (2 -> 0) 32 Kernel [NoSuchKey, WrongKind, NoRight, Busy];
    /// `k p ->`: makes process `p` the keeper of the process or meter `k`; a null `p` takes it away.
    0xd6 setkeeper Setkeeper {} (2 -> 0) 8 Kernel [NoSuchKey, WrongKind, NoRight];

    // ---- Meters --------------------------------------------------------------------------------------------------

    /// `s -> m`: makes a meter below the meter that key `s` names, or, for key 0, below this process's own.
    0xd7 meter Meter {} (1 -> 1) 32 Kernel [NoSuchKey, WrongKind, NoRight, TooDeep, KeyListFull];
    /// `m f -> v`: reads field `f` of meter `m`.
    0xd8 meterread Meterread {} (2 -> 1) 16 Kernel [NoSuchKey, WrongKind, NoRight, OutOfBounds];
    /// `m f v ->`: sets limit `f` of meter `m`.
    0xd9 meterlimit Meterlimit {} (3 -> 0) 16 Kernel [NoSuchKey, WrongKind, NoRight, OutOfBounds];
}

const _: () = {
    let mut row = 1;
    while row < OPS.len() {
        assert!((OPS[row - 1].op as u8) < OPS[row].op as u8, "opcodes ascend");
        row += 1;
    }
    let mut row = 0;
    while row < OPS.len() {
        let mut bits = 8;
        let mut imm = 0;
        while imm < OPS[row].imms.len() {
            bits += OPS[row].imms[imm].kind.bits();
            imm += 1;
        }
        assert!(bits <= 64, "an instruction is one word");
        row += 1;
    }
};
