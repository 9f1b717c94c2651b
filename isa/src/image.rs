//! An image as plain data: what the file format, the assembler and the kernel exchange.
//!
//! Nothing here is checked; the kernel checks everything when it takes an image in. What it gives out is
//! canonical: objects in ascending order of their numbers, charges and counts as the specification defines them.
//! A reference may outlive its object: numbers are never used again, so a key, a code page or a callee whose
//! number no living object has means nothing, for ever, and stands as it is.

use crate::debug::{CodeDebug, DebugInfo};
use crate::gas::{FRAMES_INCLUDED, KEYS_INCLUDED, STACK_INCLUDED};
use crate::layout::STACK_MAXIMUM;
use crate::rights::Rights;
use crate::trap::{Status, Trap};
use std::borrow::Cow;

/// An object's number. 0 is no object.
pub type Number = u64;

/// A whole image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// The number that the next object gets.
    pub next_number: Number,
    /// The prime meter: the one without a superior.
    pub prime: Number,
    /// The root process: the one that the host calls.
    pub root: Number,
    /// The chain of calls that control is in, from the root process on; empty if control is with the host.
    pub chain: Vec<Link>,
    /// The host request that waits for its reply; the last process of the chain made it.
    pub request: Option<Request>,
    /// All living objects, in ascending order of their numbers.
    pub objects: Vec<Object<'a>>,
    /// What people are told of it, which is no part of the state.
    pub debug: DebugInfo<'a>,
}

impl<'a> Image<'a> {
    /// The object with a number, if it lives.
    #[must_use]
    pub fn object(&self, number: Number) -> Option<&Object<'a>> {
        let at = self.objects.binary_search_by_key(&number, |object| object.number).ok()?;
        self.objects.get(at)
    }

    /// The image with all its contents its own.
    #[must_use]
    pub fn into_owned(self) -> Image<'static> {
        let objects = self.objects.into_iter().map(|object| {
            let Object { number, meter, body } = object;
            Object { number, meter, body: body.into_owned() }
        });
        Image { objects: objects.collect(), debug: self.debug.into_owned(), ..self }
    }

    /// What is known of a code page: of itself, or else of one that has the same words.
    #[must_use]
    pub fn code_debug(&self, code: Number) -> Option<&CodeDebug<'a>> {
        let words = |number| match &self.object(number)?.body {
            Body::Code(words) => Some(words),
            _ => None,
        };
        self.debug.code_page(code).or_else(|| {
            let wanted = words(code)?;
            let same = self.debug.code.iter().find(|known| words(known.0) == Some(wanted));
            same.map(|known| &known.1)
        })
    }
}

/// A process in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The process.
    pub process: Number,
    /// How control came to it.
    pub call: Call,
}

/// How control came to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// By `recurse`, under a meter made for the call.
    Recurse {
        /// The call's meter.
        meter: Number,
        /// Gas left of what it was handed, not counting what it has handed on.
        gas: u64,
        /// Words left of what it was handed, not counting what it has handed on.
        words: u64,
    },
    /// By `invoke`, or by the host: under the process's own standing meter.
    Invoke,
    /// As the keeper of the process before it in the chain; under its own standing meter.
    Keeper,
}

/// A request to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The host object.
    pub host: Number,
    /// The words of the message.
    pub words: Vec<u64>,
    /// The keys of the message.
    pub keys: Vec<Option<Key>>,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The object it names.
    pub object: Number,
    /// What it allows.
    pub rights: Rights,
    /// The gate it came through, or 0.
    pub gate: Number,
    /// The brand it is sealed by, or 0.
    pub seal: Number,
}

impl Key {
    /// A key through no gate, and not sealed.
    #[must_use]
    pub const fn new(object: Number, rights: Rights) -> Self {
        Self { object, rights, gate: 0, seal: 0 }
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// Its number.
    pub number: Number,
    /// The meter it is charged to; 0 for the prime meter only.
    pub meter: Number,
    /// What it is.
    pub body: Body<'a>,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A data page: its bytes, eight to a word.
    Data(Cow<'a, [u8]>),
    /// A code page: its words, laid out as [`crate::code`] says.
    Code(Cow<'a, [u64]>),
    /// A key page.
    Keys(Vec<Option<Key>>),
    /// A process.
    Process(Box<Process<'a>>),
    /// A standing meter.
    Meter(Box<Meter>),
    /// A meter made by a `recurse`; it hangs below the meter it is charged to.
    CallMeter {
        /// The process it was made for.
        callee: Number,
        /// Words of that process's own growth that are charged to it.
        own_words: u64,
    },
    /// A gate.
    Gate {
        /// The gate that the gated key itself had come through, or 0.
        parent: Number,
    },
    /// A brand.
    Brand,
    /// A way out, to be given meaning by the host under this name.
    Host(String),
}

impl Body<'_> {
    fn into_owned(self) -> Body<'static> {
        match self {
            Self::Data(bytes) => Body::Data(Cow::Owned(bytes.into_owned())),
            Self::Code(words) => Body::Code(Cow::Owned(words.into_owned())),
            Self::Keys(keys) => Body::Keys(keys),
            Self::Process(process) => Body::Process(Box::new(process.into_owned())),
            Self::Meter(meter) => Body::Meter(meter),
            Self::CallMeter { callee, own_words } => Body::CallMeter { callee, own_words },
            Self::Gate { parent } => Body::Gate { parent },
            Self::Brand => Body::Brand,
            Self::Host(name) => Body::Host(name),
        }
    }
}

/// A standing meter. Its counts of gas are state; its count of words follows from the objects charged to it and
/// below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Gas counted.
    pub gas_used: u64,
    /// Limit of gas; all ones is none.
    pub gas_limit: u64,
    /// Limit of words; all ones is none.
    pub words_limit: u64,
    /// Rent counted.
    pub rent_used: u128,
    /// Limit of rent; all ones is none, and then rent is not counted.
    pub rent_limit: u128,
    /// Whether it is stopped.
    pub stopped: bool,
    /// Its keeper.
    pub keeper: Option<Key>,
}

impl Meter {
    /// A meter without limits, at which nothing has been counted.
    pub const UNLIMITED: Self = Self {
        gas_used: 0,
        gas_limit: u64::MAX,
        words_limit: u64::MAX,
        rent_used: 0,
        rent_limit: u128::MAX,
        stopped: false,
        keeper: None,
    };
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process<'a> {
    /// Its code page.
    pub code: Number,
    /// How it stands: `Returned`, `Yielded`, `Halted`, `Trapped`, `OutOfGas`, `OutOfWords`, `Stopped` (its meter),
    /// `Suspended`, `Waiting` (for the process in `callee`), `Pending`, or, for the last of the chain, `Running`.
    pub status: Status,
    /// The index of the instruction.
    pub index: u64,
    /// How far an instruction that advances in chunks has come.
    pub progress: u64,
    /// The operands.
    pub stack: Cow<'a, [u64]>,
    /// Capacity of the stack in words.
    pub stack_capacity: u32,
    /// What `stack_capacity` and twice `frame_capacity` may not pass.
    pub stack_maximum: u32,
    /// Subroutine calls that are open, the outermost first.
    pub frames: Cow<'a, [Frame]>,
    /// Capacity of the list of frames.
    pub frame_capacity: u32,
    /// The data: bytes, eight to a word.
    pub data: Cow<'a, [u8]>,
    /// The key list; slot 0 is the process's key to itself.
    pub keys: Vec<Option<Key>>,
    /// Capacity of the key list in slots.
    pub key_capacity: u32,
    /// State of the random generator.
    pub random: u64,
    /// Words that came with the last message or result.
    pub message_words: u8,
    /// Keys that came with it.
    pub message_keys: u8,
    /// The trap that stopped it.
    pub trap: Option<Trap>,
    /// What was missing when it ran dry.
    pub amount: u64,
    /// Whether `invoke` may run it, under the meter it is charged to.
    pub standing: bool,
    /// Whether it was stopped, and not started since.
    pub stopped: bool,
    /// Its keeper.
    pub keeper: Option<Key>,
    /// The process it called and waits for, or 0.
    pub callee: Number,
    /// The process that waits for it still, if it was suspended; otherwise 0. That one has this in its `callee`.
    pub caller: Number,
    /// How it was called, if it was suspended with its caller waiting for it still.
    pub suspended: Option<Suspended>,
    /// Gas left in its own meter when it last stopped.
    pub gas_seen: u64,
    /// Words left in its own meter when it last stopped.
    pub words_seen: u64,
}

impl Process<'_> {
    /// The process with this number and code, as `create` makes it: it has not begun, and has the capacities that are
    /// included, no data, and no key but the one to itself. Its generator's state is 0.
    #[must_use]
    pub fn new(number: Number, code: Number) -> Self {
        Self {
            code,
            status: Status::Returned,
            index: 0,
            progress: 0,
            stack: Cow::Borrowed(&[]),
            stack_capacity: STACK_INCLUDED,
            stack_maximum: STACK_MAXIMUM,
            frames: Cow::Borrowed(&[]),
            frame_capacity: FRAMES_INCLUDED,
            data: Cow::Borrowed(&[]),
            keys: vec![Some(Key::new(number, Rights::OWN))],
            key_capacity: KEYS_INCLUDED,
            random: 0,
            message_words: 0,
            message_keys: 0,
            trap: None,
            amount: 0,
            standing: false,
            stopped: false,
            keeper: None,
            callee: 0,
            caller: 0,
            suspended: None,
            gas_seen: 0,
            words_seen: 0,
        }
    }

    fn into_owned(self) -> Process<'static> {
        Process {
            stack: Cow::Owned(self.stack.into_owned()),
            frames: Cow::Owned(self.frames.into_owned()),
            data: Cow::Owned(self.data.into_owned()),
            ..self
        }
    }
}

/// An open subroutine call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Frame {
    /// Index to return to.
    pub return_index: u32,
    /// Height at which its operands begin.
    pub base: u32,
    /// Number of its type.
    pub typ: u32,
}

/// What a suspended process takes up again when control comes back down to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// It was called by `recurse` and had this much left.
    Recurse {
        /// Gas left.
        gas: u64,
        /// Words left.
        words: u64,
    },
    /// It was called by `invoke`.
    Invoke,
}
