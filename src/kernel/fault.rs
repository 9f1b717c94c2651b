//! Mistakes that the kernel makes on purpose, so that tests can tell whether they would be found.
//!
//! Each is one that could have been made, where the right thing is done: the kernel asks there whether it is planted. That is
//! a constant, false, without the feature `faults`, which nothing but the tests of `keyvm-faults` turns on.

/// Makes the faults, with what each is for those who test.
macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident,)+) => {
        /// A mistake of the kernel that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(not(feature = "faults"), expect(unreachable_pub, reason = "tests name it"))]
        #[repr(u8)]
        pub enum KernelFault {
            $($(#[doc = $what])+ $name,)+
        }

        #[cfg(feature = "faults")]
        impl KernelFault {
            /// All of them, with what each does.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, concat!($($what),+)),)+];
        }
    };
}

faults! {
    /// A copy that is to have fewer rights has all of the key it was copied from.
    AttenuateKeeps,
    /// A key that is fetched through a weak key keeps its rights.
    FetchStrong,
    /// A key without the right to be copied is fetched all the same.
    FetchUncopied,
    /// A key without the right to be copied is copied all the same.
    CopyUncopied,
    /// A copy that is to go through a new gate goes through none.
    GateLost,
    /// A key through a gate outlives the gates above that.
    GateAlone,
    /// A sealed key is used as if it were not.
    SealedUsed,
    /// A key is unsealed by any brand.
    AnyBrand,
    /// A store to a page needs only the right to read.
    StoreRight,
    /// A page is resized without the right to that.
    ResizeRight,
    /// A process is mended without the right to that.
    PokeRight,
    /// A process is called without the right to that.
    CallRight,
    /// A process that others invoke is called by `recurse` without the right to mend it.
    StandingRun,
    /// A key is transferred without the right to send.
    SendRight,
    /// A process or meter is stopped without the right to that.
    StopRight,
    /// An object is destroyed without the right to that.
    DestroyRight,
    /// A limit is set without the right to that.
    LimitRight,
    /// A keeper is given all rights to the process that stopped.
    KeeperRights,
    /// Gas is counted by the nearest standing meter alone.
    GasAlone,
    /// Words that are freed are not given back to the superiors of their meter.
    CreditAlone,
    /// The gas for calling a keeper is paid by nobody.
    KeeperFree,
    /// A call is handed gas that its caller keeps.
    GasTwice,
}

/// Which is planted, by its number.
#[cfg(feature = "faults")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(u8::MAX);

impl KernelFault {
    /// Plants it in all machines of this process.
    #[cfg(feature = "faults")]
    pub fn plant(self) {
        PLANTED.store(self as u8, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether it is planted.
    #[cfg(feature = "faults")]
    pub(super) fn is_planted(self) -> bool {
        PLANTED.load(std::sync::atomic::Ordering::Relaxed) == self as u8
    }

    /// Whether it is planted: none is.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "with the feature it says which is")]
    pub(super) const fn is_planted(self) -> bool {
        false
    }
}
