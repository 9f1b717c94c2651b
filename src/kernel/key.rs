//! Keys: what they name, and the checks that every use of one begins with.

use super::Kernel;
use super::arena::{Ref, Slot};
use super::fault::KernelFault;
use super::object::Body;
use keyvm_isa::image::Number;
use keyvm_isa::layout::Kind;
use keyvm_isa::{Rights, Trap};

/// A key (a capability): made by the kernel only, held in slots, never seen as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    object: std::num::NonZeroU64,
    gate: Number,
    seal: Number,
    object_slot: u32,
    gate_slot: u32,
    seal_slot: u32,
    pub(crate) rights: Rights,
}

impl Key {
    /// A key to a living object, through no gate.
    ///
    /// # Panics
    /// If `object` is no object.
    pub(crate) fn new(object: Ref, rights: Rights) -> Self {
        Self::with(object, rights, Ref::NONE, Ref::NONE).expect("a key names an object")
    }

    /// A key with all its parts; `None` if `object` is no object.
    pub(crate) fn with(object: Ref, rights: Rights, gate: Ref, seal: Ref) -> Option<Self> {
        Some(Self {
            object: std::num::NonZeroU64::new(object.number)?,
            gate: gate.number,
            seal: seal.number,
            object_slot: object.slot,
            gate_slot: gate.slot,
            seal_slot: seal.slot,
            rights,
        })
    }

    pub(crate) const fn object(&self) -> Ref {
        Ref { number: self.object.get(), slot: self.object_slot }
    }

    pub(crate) const fn gate(&self) -> Ref {
        Ref { number: self.gate, slot: self.gate_slot }
    }

    pub(crate) const fn seal(&self) -> Ref {
        Ref { number: self.seal, slot: self.seal_slot }
    }

    pub(crate) const fn limited(self, mask: Rights) -> Self {
        Self { rights: self.rights.and(mask), ..self }
    }

    pub(crate) const fn through(self, gate: Ref) -> Self {
        Self { gate: gate.number, gate_slot: gate.slot, ..self }
    }

    pub(crate) const fn sealed_by(self, brand: Ref) -> Self {
        Self { seal: brand.number, seal_slot: brand.slot, ..self }
    }

    /// The key as it comes out when fetched through `through`: as it is, or weak and read-only.
    pub(crate) fn fetched(self, through: Rights) -> Self {
        if through.has(Rights::STRONG) || KernelFault::FetchStrong.is_planted() {
            self
        } else {
            self.limited(Rights::WEAKENED)
        }
    }
}

/// The number of a key in a process's key list, as a program alleges it.
pub(crate) type SlotNumber = u64;

impl Kernel {
    /// Whether a key still means something: its object, its gates and its seal live.
    #[inline(always)]
    pub(crate) fn is_live(&self, key: &Key) -> bool {
        self.arena.alive(key.object()) && (key.gate | key.seal == 0 || self.is_open(key))
    }

    /// Whether the gates and the seal of a key live.
    #[inline(never)]
    fn is_open(&self, key: &Key) -> bool {
        (key.gate == 0 || self.gate_is_live(key.gate())) && (key.seal == 0 || self.arena.alive(key.seal()))
    }

    fn gate_is_live(&self, mut gate: Ref) -> bool {
        loop {
            match self.arena.body(gate) {
                Some(Body::Gate { parent }) if parent.is_none() || KernelFault::GateAlone.is_planted() => {
                    return true;
                }
                Some(Body::Gate { parent }) => gate = *parent,
                _ => return false,
            }
        }
    }

    /// Gates that a key came through: 0 for none.
    pub(crate) fn gate_depth(&self, mut gate: Ref) -> u8 {
        let mut depth = 0;
        while let Some(Body::Gate { parent }) = self.arena.body(gate) {
            depth += 1;
            gate = *parent;
        }
        depth
    }

    /// The key in a slot of a key list, if it means something.
    #[inline]
    pub(crate) fn key_in(&self, process: Ref, slot: SlotNumber) -> Option<Key> {
        let key = self.arena.process(process).keys.get(usize::try_from(slot).ok()?).copied().flatten()?;
        self.is_live(&key).then_some(key)
    }

    /// The key in a slot.
    ///
    /// # Errors
    /// `NoSuchKey` if the slot is null or beyond the list.
    #[inline]
    pub(crate) fn key(&self, process: Ref, slot: SlotNumber) -> Result<Key, Trap> {
        self.key_in(process, slot).ok_or(Trap::NoSuchKey)
    }

    /// What a key names, as a program sees it.
    pub(crate) fn kind_of(&self, key: &Key) -> Option<Kind> {
        self.arena.body(key.object()).map(Body::kind)
    }

    /// The key in a slot, if it is one of `kinds` and has `rights`.
    ///
    /// # Errors
    /// `NoSuchKey`, then `WrongKind` (also for a sealed key), then `NoRight`.
    pub(crate) fn use_key(
        &self,
        process: Ref,
        slot: SlotNumber,
        kinds: &[Kind],
        rights: Rights,
    ) -> Result<Key, Trap> {
        let key = self.key(process, slot)?;
        let kind = self.kind_of(&key).ok_or(Trap::NoSuchKey)?;
        let is_sealed = key.seal != 0 && !KernelFault::SealedUsed.is_planted();
        if is_sealed || !kinds.contains(&kind) {
            return Err(Trap::WrongKind);
        }
        if !key.rights.has(rights) {
            return Err(Trap::NoRight);
        }
        Ok(key)
    }

    /// What the key in a slot names, if the key has rights, came through no gate, and is not sealed. For what is done
    /// most often; `None` does not mean that there is no such object.
    #[inline(always)]
    pub(super) fn plain_object(
        &self,
        keys: &[Option<Key>],
        slot: SlotNumber,
        rights: Rights,
    ) -> Option<(Ref, &Slot)> {
        let key = keys.get(usize::try_from(slot).ok()?)?.as_ref()?;
        let object = key.object();
        let slot = self.arena.filling(object)?;
        (key.gate | key.seal == 0 && key.rights.has(rights) && !self.arena.is_haunted())
            .then_some((object, slot))
    }

    /// As [`Kernel::use_key`] with one kind, for what is done most often: the object that the key names.
    ///
    /// # Errors
    /// `NoSuchKey`, then `WrongKind` (also for a sealed key), then `NoRight`.
    #[inline(always)]
    pub(crate) fn use_object(
        &self,
        process: Ref,
        slot: SlotNumber,
        kind: Kind,
        rights: Rights,
    ) -> Result<Ref, Trap> {
        let keys = &self.arena.process(process).keys;
        let key = usize::try_from(slot).ok().and_then(|slot| keys.get(slot)?.as_ref());
        match key.and_then(|key| Some((key, self.arena.body(key.object())?))) {
            Some((key, body))
                if key.gate | key.seal == 0 && body.kind() == kind && key.rights.has(rights) =>
            {
                Ok(key.object())
            }
            _ => self.use_key(process, slot, &[kind], rights).map(|key| key.object()),
        }
    }

    /// The key in a slot, if it may be copied.
    ///
    /// # Errors
    /// `NoSuchKey`, then `NoRight`.
    pub(crate) fn copyable(&self, process: Ref, slot: SlotNumber) -> Result<Key, Trap> {
        let key = self.key(process, slot)?;
        let may = key.rights.has(Rights::COPY) || KernelFault::CopyUncopied.is_planted();
        if may { Ok(key) } else { Err(Trap::NoRight) }
    }
}
