//! The state hash, kept up in proportion to what changed.

use super::arena::{Ref, Slot};
use super::object::{Body, Content};
use super::{Kernel, Step, Stop};
use crate::image::{Hash, StateTree, object_hash, state_hash_of};
use crate::kernel::activation::Activation;
use keyvm_isa::layout::{CHUNK_WORDS, Kind};
use keyvm_isa::{Rights, Trap, gas};

impl Kernel {
    /// The canonical state hash. The running process must be parked.
    pub(crate) fn state_hash(&mut self) -> Hash {
        self.book();
        self.arena.watch();
        let mut tree = self.hashes.take().unwrap_or_else(|| Box::new(StateTree::new()));
        let changes = self.arena.take_changes();
        for number in changes.gone {
            tree.remove(number);
        }
        for slot in changes.slots {
            let Some(number) = self.arena.at(slot).map(|entry| entry.number) else {
                continue;
            };
            tree.set(number, self.object_hash(Ref { number, slot }));
        }
        let root = tree.root();
        self.hashes = Some(tree);
        let (chain, request) = (self.portable_chain(), self.portable_request());
        state_hash_of(&self.head(&chain, request.as_ref()), root)
    }

    /// What `statehash` gives: of a data or code page the root over its contents, equal for equal pages; of anything
    /// else the hash of the object, which its number goes into.
    fn visible_hash(&mut self, object: Ref) -> Hash {
        match self.arena.body(object) {
            Some(Body::Data(_) | Body::Code(_)) => self.content_root(object),
            _ => self.object_hash(object),
        }
    }

    fn content_at(&mut self, object: Ref) -> Option<&mut Content> {
        match self.arena.at_unmarked(object.slot).map(|slot: &mut Slot| &mut slot.body) {
            Some(Body::Data(content)) => Some(content),
            Some(Body::Process(process)) => Some(&mut process.data),
            _ => None,
        }
    }

    fn content_root(&mut self, object: Ref) -> Hash {
        match self.arena.at_unmarked(object.slot).map(|slot: &mut Slot| &mut slot.body) {
            Some(Body::Data(content)) => content.root(),
            Some(Body::Process(process)) => process.data.root(),
            Some(Body::Code(page)) => page.hash(),
            _ => Hash::ZERO,
        }
    }

    /// The hash of one object.
    fn object_hash(&mut self, object: Ref) -> Hash {
        let content_root = self.content_root(object);
        match self.arena.get(object) {
            Some(slot) => object_hash(&self.portable_object(slot), content_root),
            None => Hash::ZERO,
        }
    }

    /// `statehash`: one chunk; the last one pushes the hash.
    pub(crate) fn statehash(&mut self, act: &mut Activation) -> Step {
        // Check.
        let [slot] = act.operands()?;
        let kinds = [Kind::Data, Kind::Code, Kind::Keys, Kind::Process];
        let object = self.use_key(act.process, slot, &kinds, Rights::READ)?.object();
        if object == act.process {
            return Err(Stop::Trap(Trap::Busy));
        }
        let words = match self.arena.body(object) {
            Some(Body::Data(content)) => content.words(),
            Some(Body::Code(page)) => page.code.words().len() as u64,
            Some(Body::Keys(keys)) => keys.len() as u64 * gas::KEY_SLOT_WORDS,
            Some(Body::Process(process)) => process.words(),
            _ => 0,
        };
        let progress = self.arena.process(act.process).progress;
        let part = words.saturating_sub(progress).min(CHUNK_WORDS);
        act.extra(gas::per_two(part))?;
        if let Some(content) = self.content_at(object) {
            content.prepare(progress, part);
        }
        if progress + part < words {
            self.arena.process_mut(act.process).progress = progress + part;
            act.stay();
            return Ok(());
        }
        act.room(self, 3)?;
        // Act.
        act.sync(self);
        self.book();
        self.arena.process_mut(act.process).progress = 0;
        let hash = self.visible_hash(object);
        act.drop_operands(1);
        for word in hash.words() {
            act.push_unchecked(word);
        }
        Ok(())
    }
}
