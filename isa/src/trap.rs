//! Traps and statuses: their numbers are part of the specification and never change meaning.

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $( $(#[doc = $doc:literal])* $code:literal $variant:ident; )* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $( $(#[doc = $doc])* $variant = $code, )* }

        impl $name {
            /// All of them with their meaning, in the order of their numbers.
            pub const ALL: &[(Self, &str, &str)] =
                &[$( (Self::$variant, stringify!($variant), concat!($($doc),*)) ),*];

            /// The one with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $( $code => Some(Self::$variant), )* _ => None }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant), )* }
            }

            /// The one with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( stringify!($variant) => Some(Self::$variant), )* _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

numbered! {
    /// Why an instruction could not be executed. A trap changes nothing: the state is as before the instruction,
    /// and the index is at it. 0 is no trap.
    Trap {
        /// The word is no instruction.
        1 UnknownInstruction;
        /// Fewer operands above the base than the instruction needs.
        2 StackUnderflow;
        /// The stack would pass the process's maximum.
        3 StackOverflow;
        /// More subroutine calls are open than the process's stack maximum allows.
        4 FrameOverflow;
        /// A jump past the end of the code, or a call of something that is no subroutine.
        5 BadTarget;
        /// No such constant, type or switch table.
        6 BadIndex;
        /// A tail call of a subroutine with other results.
        7 TypeMismatch;
        /// `ret` or a tail call outside any subroutine.
        8 NoFrame;
        /// `unreachable` was reached.
        9 Unreachable;
        /// `fail` was reached; the operand says why.
        10 Failed;
        /// Division by zero.
        11 DivideByZero;
        /// A result that does not fit.
        12 IntegerOverflow;
        /// NaN to integer.
        13 InvalidConversion;
        /// An address, index or field that does not exist.
        14 OutOfBounds;
        /// `random` of an empty range.
        15 BadRange;
        /// The slot is empty, or beyond the key list.
        16 NoSuchKey;
        /// The key names an object of a kind that does not have this operation.
        17 WrongKind;
        /// The key lacks the right.
        18 NoRight;
        /// The key list is at its greatest capacity, 1048576 slots.
        19 KeyListFull;
        /// The slot is not null.
        20 SlotOccupied;
        /// Key 0, the process's key to itself, stays where it is.
        21 SelfKey;
        /// The key is sealed.
        22 Sealed;
        /// Gates go 16 deep, standing meters 64.
        23 TooDeep;
        /// A size past the limit for it.
        24 TooLarge;
        /// More words or keys than a message holds.
        25 TooMany;
        /// The process is the running one; for `setmeter` also one that waits.
        26 Busy;
    }
}

numbered! {
    /// How a process stands, and what a caller hears of its callee.
    Status {
        /// It returned a result, or has not begun; called, it begins at index 0.
        0 Returned;
        /// It yielded; called, it goes on.
        1 Yielded;
        /// It halted for good.
        2 Halted;
        /// It trapped; called, it tries again. The result is the trap's number.
        3 Trapped;
        /// A gas limit was reached; called, it goes on. The result is the gas its next instruction needs at least.
        4 OutOfGas;
        /// A words limit was reached; called, it goes on. The result is the words its next instruction needs.
        5 OutOfWords;
        /// Its meter, or one above, or the process itself was stopped.
        6 Stopped;
        /// It, its code or its meter was destroyed.
        7 Destroyed;
        /// It is running or waiting already; nothing happened.
        8 Busy;
        /// There was no room for the message; nothing happened.
        9 Full;
        /// The host key has no host behind it.
        10 Severed;
        /// It has no standing meter to run under; nothing happened.
        11 NoMeter;
        /// The host refused the request.
        12 Refused;
        /// It is running.
        13 Running;
        /// It waits for the process it called.
        14 Waiting;
        /// It waits for the host's reply.
        15 Pending;
        /// It was cut off from its caller between two instructions; called, it goes on.
        16 Suspended;
    }
}
