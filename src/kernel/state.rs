//! The state hash, kept up in proportion to what changed.

use super::Kernel;
use super::arena::{Ref, Slot};
use super::object::Body;
use crate::image::{Hash, StateTree, object_hash, state_hash_of};

impl Kernel {
    /// The canonical state hash. The running process must be parked.
    pub(crate) fn state_hash(&mut self) -> Hash {
        self.book();
        self.arena.reclaim_all();
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
}
