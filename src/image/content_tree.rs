//! The hash tree over a byte content, such as a data page.
//!
//! The content is cut into leaves of 4 KiB, the last one maybe shorter. A leaf's hash is BLAKE3 with the key
//! `KeyVM content leaf v1` over its bytes. 64 hashes side by side make a node of the next level: key
//! `KeyVM content node v1` over them one after the other; the last node of a level may have fewer, even one. Levels are
//! added until one hash is left. The root is key `KeyVM content root v1` over the content's length in bytes (u64) and
//! that hash; for no bytes at all, over length 0 and 32 zero bytes. So the length fixes the shape of the tree.
//!
//! What was written since the last root is a bitmap, a bit per leaf. 64 leaves to a node are one word of it: a word
//! that is 0 says that a whole node stands. Its scan, 32 KiB for a content of 1 GiB, is what a root costs besides
//! the leaves that did change.

use super::format::LEAF_BYTES;
use super::hash::{Hash, domain, keyed};

const LEAF: [u8; 32] = domain("KeyVM content leaf v1");
const NODE: [u8; 32] = domain("KeyVM content node v1");
const ROOT: [u8; 32] = domain("KeyVM content root v1");

/// Children of a node.
const FAN_OUT: usize = 64;

/// [`LEAF_BYTES`] is 2 to the power of this.
const LEAF_SHIFT: u32 = LEAF_BYTES.trailing_zeros();

/// The hash tree of a content, kept up in proportion to what changes.
///
/// It does not hold the content. Who changes that says so: [`mark`](Self::mark) for bytes that may have changed,
/// [`resize`](Self::resize) for another length.
#[derive(Clone, Debug, Default)]
pub struct ContentTree {
    /// Length of the content.
    bytes: u64,
    /// Bit b of word w: leaf 64 w + b is to be hashed again.
    stale: Vec<u64>,
    /// Hashes by level, the leaves first. The topmost level has one; there is no level if there are no bytes.
    levels: Vec<Vec<Hash>>,
}

impl ContentTree {
    /// The tree of an empty content. After a [`resize`](Self::resize) to the content's length everything is stale.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: 0, stale: Vec::new(), levels: Vec::new() }
    }

    /// Says that `bytes` bytes from `first_byte` on may have changed. What is beyond the content is passed over.
    #[inline]
    pub fn mark(&mut self, first_byte: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let first = first_byte >> LEAF_SHIFT;
        let last = first_byte.saturating_add(bytes - 1) >> LEAF_SHIFT;
        if first == last {
            self.mark_leaf(first);
        } else {
            self.mark_leaves(first, last);
        }
    }

    /// The marks themselves: bit b of word w stands for the 4 KiB at 4096 × (64 w + b). Setting a bit is
    /// [`mark`](Self::mark); bits beyond the content are passed over. Clearing one is a mistake.
    #[inline]
    pub fn marks(&mut self) -> &mut [u64] {
        &mut self.stale
    }

    /// Says that the content is `bytes` long now. Bytes that were there before and still are stay unmarked.
    pub fn resize(&mut self, bytes: u64) {
        if bytes == self.bytes {
            return;
        }
        let (old, new) = (leaves(self.bytes), leaves(bytes));
        self.stale.resize(new.div_ceil(FAN_OUT), 0);
        if let (Some(last), 1..) = (self.stale.last_mut(), new % FAN_OUT) {
            *last &= (1 << (new % FAN_OUT)) - 1;
        }
        self.bytes = bytes;
        // The leaf that was last has another length or another neighbour now, the one that is last too; and all
        // between are new.
        if new > 0 {
            self.mark_leaves((old.max(1) - 1).min(new - 1) as u64, (new - 1) as u64);
        }
    }

    /// The root for `content`, which is hashed where it is marked, and nowhere else. A content of another length than
    /// the tree's is a [`resize`](Self::resize).
    pub fn root(&mut self, content: &[u8]) -> Hash {
        self.resize(content.len() as u64);
        self.shape();
        // Nodes of the level above the leaves that have to be made again.
        let mut dirty = self.hash_stale(content);
        for level in 1..self.levels.len() {
            let (below, above) = self.levels.split_at_mut(level);
            for &node in &dirty {
                above[0][node] = node_hash(below[level - 1].chunks(FAN_OUT).nth(node).unwrap_or_default());
            }
            dirty.iter_mut().for_each(|node| *node /= FAN_OUT);
            dirty.dedup();
        }
        let top = self.levels.last().and_then(|level| level.first());
        root_hash(self.bytes, top.copied().unwrap_or_default())
    }

    /// Hashes the marked leaves; gives the groups of [`FAN_OUT`] leaves that they are in.
    fn hash_stale(&mut self, content: &[u8]) -> Vec<usize> {
        let mut dirty = Vec::new();
        for group in 0..self.stale.len() {
            let mut bits = std::mem::take(&mut self.stale[group]);
            if bits != 0 {
                dirty.push(group);
            }
            while bits != 0 {
                let leaf = group * FAN_OUT + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let (Some(hash), Some(rest)) = (
                    self.levels.first_mut().and_then(|leaves| leaves.get_mut(leaf)),
                    content.get(leaf * LEAF_BYTES..),
                ) else {
                    continue;
                };
                *hash = leaf_hash(&rest[..rest.len().min(LEAF_BYTES)]);
            }
        }
        dirty
    }

    /// Gives the levels the widths that the content's length asks for. A resize leaves that to the next root, so that
    /// a state that is never hashed has no hashes in memory.
    fn shape(&mut self) {
        let mut width = leaves(self.bytes);
        let mut depth = 0;
        while width > 0 {
            if depth == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[depth].resize(width, Hash::ZERO);
            depth += 1;
            width = if width == 1 { 0 } else { width.div_ceil(FAN_OUT) };
        }
        self.levels.truncate(depth);
    }

    #[inline]
    fn mark_leaf(&mut self, leaf: u64) {
        let word = usize::try_from(leaf / 64).ok().and_then(|word| self.stale.get_mut(word));
        if let Some(word) = word {
            *word |= 1 << (leaf % 64);
        }
    }

    #[cold]
    fn mark_leaves(&mut self, first: u64, last: u64) {
        let last = last.min((self.stale.len() as u64 * 64).saturating_sub(1));
        let mut leaf = first;
        while leaf <= last {
            // All of the leaves of one word that are meant.
            let upto = last.min(leaf | 63);
            if let Some(word) = usize::try_from(leaf / 64).ok().and_then(|word| self.stale.get_mut(word)) {
                *word |= u64::MAX << (leaf % 64) & u64::MAX >> (63 - upto % 64);
            }
            leaf = upto + 1;
        }
    }
}

/// The root of a content that comes piece by piece; it keeps one node's worth of hashes a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootHasher {
    bytes: u64,
    levels: Vec<Vec<Hash>>,
}

impl RootHasher {
    /// Takes the next bytes: whole leaves, but for the last time.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for leaf in bytes.chunks(LEAF_BYTES) {
            self.bytes += leaf.len() as u64;
            self.push(0, leaf_hash(leaf));
        }
    }

    /// Takes the next words, as their bytes, little-endian: whole leaves, but for the last time.
    pub(crate) fn words(&mut self, words: &[u64]) {
        let mut bytes = [0; LEAF_BYTES];
        for words in words.chunks(LEAF_BYTES / 8) {
            for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                *place = word.to_le_bytes();
            }
            self.bytes(&bytes[..words.len() * 8]);
        }
    }

    /// Puts a hash into a level. A level that is full becomes a node when the next hash comes.
    fn push(&mut self, level: usize, hash: Hash) {
        if level == self.levels.len() {
            self.levels.push(Vec::with_capacity(FAN_OUT));
        }
        if self.levels[level].len() == FAN_OUT {
            let node = node_hash(&self.levels[level]);
            self.levels[level].clear();
            self.push(level + 1, node);
        }
        self.levels[level].push(hash);
    }

    /// The root, when all has come.
    pub(crate) fn finish(mut self) -> Hash {
        let mut level = 0;
        while level + 1 < self.levels.len() || self.levels.get(level).is_some_and(|level| level.len() > 1) {
            let node = node_hash(&self.levels[level]);
            level += 1;
            self.push(level, node);
        }
        let top = self.levels.get(level).and_then(|level| level.first());
        root_hash(self.bytes, top.copied().unwrap_or_default())
    }
}

/// The root of a content, from scratch.
#[must_use]
pub fn content_root(content: &[u8]) -> Hash {
    let mut root = RootHasher::default();
    root.bytes(content);
    root.finish()
}

/// The root of words as their bytes, little-endian, from scratch: that of a code page.
#[must_use]
pub fn words_root(words: &[u64]) -> Hash {
    let mut root = RootHasher::default();
    root.words(words);
    root.finish()
}

/// How many leaves a content has that is, or is to be, in memory: so their number is one that memory has.
fn leaves(bytes: u64) -> usize {
    usize::try_from(bytes.div_ceil(LEAF_BYTES as u64)).unwrap_or(usize::MAX)
}

fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(*blake3::keyed_hash(&LEAF, leaf).as_bytes())
}

fn node_hash(children: &[Hash]) -> Hash {
    let mut bytes = [0; 32 * FAN_OUT];
    for (place, child) in bytes.as_chunks_mut::<32>().0.iter_mut().zip(children) {
        *place = child.0;
    }
    Hash(*blake3::keyed_hash(&NODE, &bytes[..children.len() * 32]).as_bytes())
}

fn root_hash(bytes: u64, top: Hash) -> Hash {
    keyed(&ROOT, &[&bytes.to_le_bytes(), &top.0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i / 1000) as u8).collect()
    }

    #[test]
    fn a_new_tree_gives_the_root_from_scratch_at_every_shape() {
        for leaves in [0, 1, 2, 63, 64, 65, 128, 4095, 4096, 4097] {
            for odd in [0, 1, 8, 4095] {
                let content = filled(leaves * LEAF_BYTES + odd);
                let mut tree = ContentTree::new();
                assert_eq!(tree.root(&content), content_root(&content), "{leaves} leaves and {odd} bytes");
                assert_eq!(tree.root(&content), content_root(&content));
            }
        }
    }

    #[test]
    fn the_root_is_the_documented_one() {
        let content = filled(LEAF_BYTES + 8);
        let hash = |key: &str, bytes: &[u8]| *blake3::keyed_hash(&domain(key), bytes).as_bytes();
        let leaves = [
            hash("KeyVM content leaf v1", &content[..LEAF_BYTES]),
            hash("KeyVM content leaf v1", &content[LEAF_BYTES..]),
        ];
        let node = hash("KeyVM content node v1", leaves.as_flattened());
        let root = [&(content.len() as u64).to_le_bytes()[..], &node].concat();
        assert_eq!(content_root(&content).0, hash("KeyVM content root v1", &root));
        let nothing = hash("KeyVM content root v1", &[0; 40]);
        assert_eq!(content_root(&[]).0, nothing);
    }

    #[test]
    fn words_have_the_root_of_their_bytes() {
        for count in [0, 1, 511, 512, 513, 40_000] {
            let words: Vec<u64> = (0..count).map(|i| u64::wrapping_mul(i, 0x0123_4567_89ab_cdef)).collect();
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(words_root(&words), content_root(&bytes));
        }
    }

    #[test]
    fn zeros_of_different_lengths_have_different_roots() {
        let zeros = vec![0; 70 * LEAF_BYTES];
        let mut roots: Vec<Hash> =
            (0..zeros.len()).step_by(1000).map(|n| content_root(&zeros[..n])).collect();
        roots.sort();
        let count = roots.len();
        roots.dedup();
        assert_eq!(roots.len(), count);
    }

    #[test]
    fn only_what_is_marked_is_hashed_again() {
        let mut content = filled(100 * LEAF_BYTES);
        let mut tree = ContentTree::new();
        let before = tree.root(&content);
        content[50 * LEAF_BYTES] ^= 1;
        assert_eq!(tree.root(&content), before, "not marked");
        tree.mark(50 * LEAF_BYTES as u64, 1);
        assert_eq!(tree.root(&content), content_root(&content));
    }

    #[test]
    fn marks_beyond_the_content_are_passed_over() {
        let content = filled(3 * LEAF_BYTES);
        let mut tree = ContentTree::new();
        tree.mark(0, u64::MAX);
        let root = tree.root(&content);
        tree.mark(u64::MAX, u64::MAX);
        tree.mark(3 * LEAF_BYTES as u64, 1);
        tree.mark(0, 0);
        tree.marks()[0] = u64::MAX;
        assert_eq!(tree.root(&content), root);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write { at: usize, bytes: usize, with: u8 },
        Resize(usize),
        Root,
    }

    fn step() -> impl Strategy<Value = Step> {
        const MAX: usize = 140 * LEAF_BYTES;
        let length = prop_oneof![0..MAX, (0..140usize).prop_map(|leaves| leaves * LEAF_BYTES)];
        prop_oneof![
            4 => (0..MAX, 0..3 * LEAF_BYTES, any::<u8>()).prop_map(|(at, bytes, with)| Step::Write { at, bytes, with }),
            2 => length.prop_map(Step::Resize),
            1 => Just(Step::Root),
        ]
    }

    proptest! {
        #[test]
        fn a_tree_kept_up_equals_one_from_scratch(steps in proptest::collection::vec(step(), 0..40)) {
            let mut content = Vec::new();
            let mut tree = ContentTree::new();
            for step in steps {
                match step {
                    Step::Write { at, bytes, with } => {
                        let at = at.min(content.len());
                        let end = (at + bytes).min(content.len());
                        content[at..end].fill(with);
                        tree.mark(at as u64, (end - at) as u64);
                    }
                    Step::Resize(bytes) => {
                        content.resize(bytes, 0);
                        tree.resize(bytes as u64);
                    }
                    Step::Root => prop_assert_eq!(tree.root(&content), content_root(&content)),
                }
            }
            prop_assert_eq!(tree.root(&content), content_root(&content));
        }
    }
}
