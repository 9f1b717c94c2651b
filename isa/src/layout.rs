//! Numbers that a program can see: kinds of objects, fields of the metadata and of meters, limits.

/// The kind of an object, as `keyinfo` gives it. 0 is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A data page.
    Data = 1,
    /// A code page.
    Code = 2,
    /// A key page.
    Keys = 3,
    /// A process.
    Process = 4,
    /// A meter.
    Meter = 5,
    /// A gate.
    Gate = 6,
    /// A brand.
    Brand = 7,
    /// A host.
    Host = 8,
}

impl Kind {
    /// All kinds with their names, in the order of their numbers.
    pub const ALL: &[(Self, &str)] = &[
        (Self::Data, "data"),
        (Self::Code, "code"),
        (Self::Keys, "keys"),
        (Self::Process, "process"),
        (Self::Meter, "meter"),
        (Self::Gate, "gate"),
        (Self::Brand, "brand"),
        (Self::Host, "host"),
    ];

    /// The name used in assembly and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }
}

/// What `keyinfo` gives in place of a kind for a sealed key.
pub const SEALED_KIND: u64 = 9;

/// Memory 0 of a process, its metadata: the word indices.
pub mod meta {
    macro_rules! fields {
        ($( $(#[doc = $doc:literal])* $index:literal $konst:ident; )*) => {
            $( $(#[doc = $doc])* pub const $konst: u64 = $index; )*
            /// Every field: index, name, meaning.
            pub const FIELDS: &[(u64, &str, &str)] = &[$( ($index, stringify!($konst), concat!($($doc),*)) ),*];
            /// The length of memory 0 in words.
            pub const LENGTH: u64 = FIELDS.len() as u64;
        };
    }
    fields! {
        /// Its status, as a number; `Running` when a process looks at itself.
        0 STATUS;
        /// 1 while it waits for a process it called and that lives, else 0.
        1 CALLEE;
        /// Gas left in its own meter after this instruction; of another process: what it had when its last call ended.
        2 GAS;
        /// Words left in its own meter; of another process: what it had when its last call ended.
        3 WORDS;
        /// The index of the instruction.
        4 INDEX;
        /// Operands on the stack.
        5 HEIGHT;
        /// Subroutine calls open.
        6 FRAMES;
        /// Where the current subroutine's operands begin.
        7 BASE;
        /// State of the random generator.
        8 RANDOM;
        /// Words that came with the last message or result.
        9 MESSAGE_WORDS;
        /// Keys that came with the last message or result; they are the last ones of the key list.
        10 MESSAGE_KEYS;
        /// The trap that stopped it, or 0.
        11 TRAP;
        /// The amount that was missing when it ran dry, or 0.
        12 AMOUNT;
        /// Length of the data in words.
        13 DATA;
        /// Length of the key list.
        14 KEYS;
        /// Capacity of the key list.
        15 KEY_CAPACITY;
        /// Capacity of the stack in words.
        16 STACK_CAPACITY;
        /// What the capacity of the stack, and twice that of the frames, may not pass.
        17 STACK_MAXIMUM;
        /// Capacity of the list of frames.
        18 FRAME_CAPACITY;
    }
}

/// Fields of a meter, for `meterread` and `meterlimit`.
pub mod meter {
    macro_rules! fields {
        ($( $(#[doc = $doc:literal])* $index:literal $konst:ident $name:literal; )*) => {
            $( $(#[doc = $doc])* pub const $konst: u64 = $index; )*
            /// Every field: number, name of the constant, name in words.
            pub const FIELDS: &[(u64, &str, &str)] = &[$( ($index, stringify!($konst), $name) ),*];
            /// How many fields there are.
            pub const LENGTH: u64 = FIELDS.len() as u64;
        };
    }
    fields! {
        /// Gas counted (read only).
        0 GAS_USED "gas used";
        /// Limit of gas.
        1 GAS_LIMIT "gas limit";
        /// Words counted (read only).
        2 WORDS_USED "words used";
        /// Limit of words.
        3 WORDS_LIMIT "words limit";
        /// Rent counted, low and high word (read only).
        4 RENT_USED_LOW "rent used (low)";
        /// See [`RENT_USED_LOW`].
        5 RENT_USED_HIGH "rent used (high)";
        /// Limit of rent, low word; all ones in both words is no limit, and then rent is not counted.
        6 RENT_LIMIT_LOW "rent limit (low)";
        /// See [`RENT_LIMIT_LOW`].
        7 RENT_LIMIT_HIGH "rent limit (high)";
        /// 1 if stopped (read only).
        8 STOPPED "stopped";
    }
}

/// Memory number of the metadata.
pub const MEMORY_META: u8 = 0;
/// Memory number of the code.
pub const MEMORY_CODE: u8 = 1;
/// Memory number of the data.
pub const MEMORY_DATA: u8 = 2;
/// Memory number of the operands.
pub const MEMORY_OPERANDS: u8 = 3;
/// Memory `m` from here on is the page that key `m - FIRST_KEY_MEMORY` names.
pub const FIRST_KEY_MEMORY: u8 = 4;

/// Words of a message or result at most.
pub const MESSAGE_WORDS_MAX: u8 = 255;
/// Keys of a message or result at most.
pub const MESSAGE_KEYS_MAX: u8 = 16;
/// Depth of gates at most.
pub const GATE_DEPTH_MAX: u8 = 16;
/// Links from a standing meter to the prime meter at most.
pub const METER_DEPTH_MAX: u8 = 64;
/// Slots that a key list loses at its end at a time at most.
pub const SLOTS_CUT_MAX: usize = 32;
/// Words of work in one execution at most (law 1).
pub const CHUNK_WORDS: u64 = 4096;
/// Length of a memory or page at most, in words (32 GiB).
pub const MEMORY_WORDS_MAX: u64 = 1 << 32;
/// Capacity of a key list or key page at most, in slots.
pub const KEYS_MAX: u64 = 1 << 20;
/// Instructions and tables of a code page at most, in words.
pub const CODE_WORDS_MAX: u64 = 1 << 24;
/// The stack maximum a new process has, in words.
pub const STACK_MAXIMUM: u32 = 1 << 20;
/// The greatest stack maximum.
pub const STACK_MAXIMUM_LIMIT: u32 = 1 << 28;
/// Longest name of a host key, in bytes.
pub const HOST_NAME_MAX: usize = 64;
