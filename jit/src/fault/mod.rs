//! Mistakes that the compiler makes on purpose, so that tests can tell whether they would be found.
//!
//! Each is one that could have been made, where the right thing is done: lowering asks there whether it is planted. That is
//! a constant, false, without the feature `faults`, which nothing but the tests of `keyvm-faults` turns on.

#[cfg(feature = "faults")]
mod arithmetic;

use crate::lower::Options;
#[cfg(not(feature = "faults"))]
use cranelift_codegen::ir::Value;
#[cfg(not(feature = "faults"))]
use cranelift_frontend::FunctionBuilder;
#[cfg(not(feature = "faults"))]
use keyvm_isa::Op;

/// Makes the faults, with what each is for those who test.
macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident,)+) => {
        /// A mistake that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[doc = $what])+ $name,)+
        }

        #[cfg(feature = "faults")]
        impl Fault {
            /// All of them, with what each does.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, concat!($($what),+)),)+];
        }
    };
}

faults! {
    // Arithmetic.
    /// The amount of a 32-bit shift is taken modulo 64.
    ShiftAmount,
    /// A 32-bit rotation turns all 64 bits of the word.
    RotateWide,
    /// The 32-bit sign-extension of a byte goes on into the upper half.
    ExtendHigh,
    /// The least 32-bit number divided by -1 does not trap.
    QuotientOverflow,
    /// The lesser and the greater of 0 and -0 is whichever comes second.
    MinZeros,
    /// A float too great for 32 unsigned bits wraps where it should saturate.
    SaturateWrap,
    /// A conversion that traps takes the least float above the range for one in it.
    ConvertUpper,
    /// An integer becomes an f32 by way of an f64, and is rounded twice.
    RoundTwice,

    // NaN.
    /// A float is stored with whatever NaN the processor made.
    NanStored,
    /// An argument of a native call is a NaN as the processor made it.
    NanArgument,
    /// A side exit writes a NaN as the processor made it.
    NanExit,
    /// A NaN as the processor made it is handed to a block that expects the canonical one, as a loop does.
    NanLoop,
    /// The sign of a NaN is changed that the processor made.
    NanSign,
    /// A NaN that was loaded is made canonical after `select` has chosen between it and a computed float.
    NanKept,

    // Memory.
    /// Address and offset are added before they are compared with the length, and may wrap.
    AddressWrap,
    /// Only the first byte of a load is compared with the length.
    LoadEnd,
    /// Of accesses by one pointer only what the first needs is compared with the length.
    BoundFirst,
    /// Near accesses need one word less of a memory than they reach.
    NearEnough,
    /// A loop is found to stay in its memory for one turn more than it does.
    BoundTurn,
    /// The groups of a loop's last turns reach memory where nobody has measured that they may.
    RestUnmeasured,
    /// Optimized code keeps its view of the data after a helper that may have changed it.
    ViewKept,
    /// Quick code keeps what it has found in the context after a helper or a call.
    ViewFound,
    /// What fails after a store goes back to before it.
    StoreCheckpoint,
    /// A store that crosses from one piece of 4 KiB to the next marks only the first as written.
    MarkLast,
    /// A group of turns marks as written what its first turn writes.
    MarkTurns,
    /// A store needs the right to read.
    WriteRight,

    // Gas.
    /// A check is content with one gas less than is needed.
    CheckShort,
    /// A loop compares gas for its first block alone.
    HeaderCheck,
    /// A side exit forgets what is owed.
    OwedAtExit,
    /// What leaves a group of turns is charged for those that it did not run.
    TurnsKept,
    /// The call of an inlined subroutine costs nothing.
    InlinedCallGas,
    /// What a helper has used is not taken off.
    HelperGas,
    /// A loop is found to have gas for one turn more than it has.
    PaidTurn,
    /// Nobody compares the gas that a callee has left.
    CallGas,
    /// A subroutine that is called after its inlined beginning was run is given what that has left.
    BeginningGas,
    /// A call that found no room is charged.
    RefusedGas,

    // Loops.
    /// A group of turns runs one turn past the end of the loop.
    TestTurn,
    /// A signed bound of a loop is taken for an unsigned one.
    GuardSign,

    // Calls.
    /// The first two results of a native call are swapped.
    ResultsSwapped,
    /// Quick code leaves locals as they lie on the stack.
    LocalsLeft,
    /// A native call takes no frame.
    FrameUncounted,
    /// The frame of an inlined call is written with its caller's base.
    InlinedBase,
    /// Where a callee has left, its caller does not write its uppermost operand.
    CallerOperand,
    /// A computed call does not look at the type of what it calls.
    CalleeType,
    /// Arguments that have no register are not passed.
    ArgumentsLost,
    /// Results that have no register are not passed.
    ResultsLost,
    /// A subroutine that has no room for its operands leaves without having written its frame.
    FrameUnwritten,

    // Exits.
    /// Where gas is short after a call, the call is executed again.
    ExitIndex,
    /// An exit in an inlined call counts the operands of its callers.
    ExitHeight,
    /// A selector past the last target of a switch takes the one before it.
    SwitchDefault,
    /// A switch looks at the lower half of its selector.
    SwitchHigh,
    /// A computed jump looks at the lower half of its target.
    JumpHigh,
    /// Exits of quick code share a stub that differ in where they leave.
    StubShared,
    /// Quick code overwrites operands that it has yet to read.
    SettleOrder,
    /// Quick code takes what lay on the stack before a call or a helper for its result.
    ResultRead,
}

impl Options {
    /// Whether a mistake is planted.
    #[cfg(feature = "faults")]
    pub(crate) fn plant(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether a mistake is planted: none is.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature it says which is")]
    pub(crate) const fn plant(self, _: Fault) -> bool {
        false
    }

    /// What an arithmetic instruction becomes by mistake, as [`arithmetic::mistaken`]: nothing.
    #[cfg(not(feature = "faults"))]
    pub(crate) const fn mistaken(
        self,
        _: &mut FunctionBuilder<'_>,
        _: Op,
        _: &[Value],
    ) -> Option<(Option<Value>, Value)> {
        None
    }
}
