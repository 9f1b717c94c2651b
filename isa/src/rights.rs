//! Rights of a key. They only shrink: there is `and`, and no `or`.

/// A set of rights, as the bits a program sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rights(u16);

macro_rules! rights {
    ($( $(#[doc = $doc:literal])* $bit:literal $konst:ident $name:literal; )*) => {
        impl Rights {
            $( $(#[doc = $doc])* pub const $konst: Self = Self(1 << $bit); )*

            /// Every right with its name and meaning, from the lowest bit upwards.
            pub const NAMED: &[(Self, &str, &str)] = &[$( (Self::$konst, $name, concat!($($doc),*)) ),*];

            /// All of them.
            pub const ALL: Self = Self(0 $( | (1 << $bit) )*);
        }
    };
}

rights! {
    /// Load from a page, fetch from a key page, look at a process, read a meter, unseal with a brand.
    0 READ "read";
    /// Store to a data page, put into a key page, seal with a brand.
    1 WRITE "write";
    /// Change the length of a page.
    2 RESIZE "resize";
    /// Call a process, make a request of a host, make a process of a code page.
    3 CALL "call";
    /// Transfer a key to a process; hang a meter or a process below a meter.
    4 SEND "send";
    /// Repair a process: its data, operands, index, meter, keeper.
    5 MEND "mend";
    /// Set a meter's limits and its keeper.
    6 LIMIT "limit";
    /// Stop a process or a meter; start a meter.
    7 STOP "stop";
    /// Destroy the object; revoke a gate.
    8 DESTROY "destroy";
    /// Copy the key: attenuate, transfer, put, send, gate, seal it.
    9 COPY "copy";
    /// What is fetched through the key keeps its rights; without this right the key is *weak*.
    10 STRONG "strong";
}

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// What a process's own key 0 has.
    pub const OWN: Self = Self(Self::CALL.0 | Self::SEND.0 | Self::READ.0 | Self::COPY.0 | Self::STRONG.0);
    /// What a key that was fetched through a weak key has at most.
    pub const WEAKENED: Self = Self(Self::READ.0 | Self::COPY.0);
    /// What a keeper's key to the stopped process has. It is weak: the process's own keys cannot be taken with it.
    pub const KEEPER: Self = Self(Self::READ.0 | Self::MEND.0 | Self::STOP.0 | Self::COPY.0);

    /// What a key to a host has that comes with a reply; its holder may destroy the object it was charged for.
    pub const HOST: Self = Self(Self::CALL.0 | Self::DESTROY.0 | Self::COPY.0 | Self::STRONG.0);

    /// The rights that `bits` names; other bits are passed over.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "the mask keeps eleven bits")]
        Self((bits & Self::ALL.0 as u64) as u16)
    }

    /// The bits a program sees.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, mask: Self) -> Self {
        Self(self.0 & mask.0)
    }

    /// Whether all of `needed` are here.
    #[must_use]
    pub const fn has(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}
