//! The hash tree over all objects: a radix tree over their numbers.
//!
//! A number is read as eleven digits of 6 bits; digit k is `(number >> 6 k) & 63`. The hash of a set of pairs
//! (number, object hash) is defined by the set alone:
//!
//! - of one pair: key `KeyVM state entry v1` over the number (u64) and the object hash;
//! - of more: let k be the highest digit in which two of the numbers differ. The set falls into parts by that digit; the
//!   hash is key `KeyVM state node v1` over k (u64), a bitmap of the digits that occur (u64, bit d for digit d),
//!   and the hashes of the parts in ascending order of the digit;
//! - of none: 32 zero bytes.
//!
//! So there are no nodes with one child: a number far from the others costs one node, not eleven.

use super::hash::{Hash, domain, keyed};
use keyvm_isa::image::Number;

const ENTRY: [u8; 32] = domain("KeyVM state entry v1");
const NODE: [u8; 32] = domain("KeyVM state node v1");

/// Bits of a digit.
const DIGIT_BITS: u32 = 6;
/// Children of a node at most.
const FAN_OUT: usize = 64;

/// The hash tree over the objects, kept up in proportion to what changes.
#[derive(Clone, Debug, Default)]
pub struct StateTree {
    top: Option<Tree>,
}

#[derive(Clone, Debug)]
enum Tree {
    /// One pair, as its hash.
    Entry { number: Number, hash: Hash },
    /// Two pairs or more.
    Node(Box<Node>),
}

#[derive(Clone, Debug)]
struct Node {
    /// The digit that its children differ in.
    level: u32,
    /// Any number in it: above `level`, all its numbers have the same digits.
    example: Number,
    /// Bit d: there is a child for digit d.
    present: u64,
    /// In ascending order of their digits.
    children: Vec<Tree>,
    /// Its hash; none if something in it changed since.
    hash: Option<Hash>,
}

impl StateTree {
    /// The tree of no objects.
    #[must_use]
    pub const fn new() -> Self {
        Self { top: None }
    }

    /// Puts the hash of object `number` in, or in place of the one it had.
    pub fn set(&mut self, number: Number, hash: Hash) {
        let hash = keyed(&ENTRY, &[&number.to_le_bytes(), &hash.0]);
        match &mut self.top {
            Some(tree) => tree.set(number, hash),
            top @ None => *top = Some(Tree::Entry { number, hash }),
        }
    }

    /// Takes object `number` out; says whether it was there.
    pub fn remove(&mut self, number: Number) -> bool {
        match &mut self.top {
            Some(Tree::Node(node)) => {
                let removed = node.remove(number);
                if let (true, Some(only)) = (removed, node.take_only()) {
                    self.top = Some(only);
                }
                removed
            }
            Some(Tree::Entry { number: there, .. }) if *there == number => {
                self.top = None;
                true
            }
            _ => false,
        }
    }

    /// The hash of the set, for which only what changed is hashed again.
    pub fn root(&mut self) -> Hash {
        self.top.as_mut().map_or(Hash::ZERO, Tree::hash)
    }
}

impl Tree {
    fn set(&mut self, number: Number, hash: Hash) {
        let entry = Self::Entry { number, hash };
        let example = match self {
            Self::Entry { number: there, .. } if *there == number => {
                *self = entry;
                return;
            }
            Self::Entry { number: there, .. } => *there,
            Self::Node(node) if node.holds(number) => {
                node.set(number, hash);
                return;
            }
            Self::Node(node) => node.example,
        };
        // The two part at a digit above all that is in this tree.
        let level = (63 - (example ^ number).leading_zeros()) / DIGIT_BITS;
        let old = std::mem::replace(self, entry.clone());
        let children = if example < number { vec![old, entry] } else { vec![entry, old] };
        *self = Self::Node(Box::new(Node {
            level,
            example,
            present: bit(example, level) | bit(number, level),
            children,
            hash: None,
        }));
    }

    fn hash(&mut self) -> Hash {
        match self {
            Self::Entry { hash, .. } => *hash,
            Self::Node(node) => node.hash(),
        }
    }
}

impl Node {
    /// Whether `number` belongs below this node, there or not.
    fn holds(&self, number: Number) -> bool {
        let above = (self.example ^ number).checked_shr(DIGIT_BITS * (self.level + 1));
        above.unwrap_or(0) == 0
    }

    /// Where the child for `number` is, or would be, and whether it is there.
    fn place(&self, number: Number) -> (usize, bool) {
        let bit = bit(number, self.level);
        ((self.present & (bit - 1)).count_ones() as usize, self.present & bit != 0)
    }

    fn set(&mut self, number: Number, hash: Hash) {
        self.hash = None;
        let (place, there) = self.place(number);
        if there {
            self.children[place].set(number, hash);
        } else {
            self.present |= bit(number, self.level);
            self.children.insert(place, Tree::Entry { number, hash });
        }
    }

    fn remove(&mut self, number: Number) -> bool {
        let (place, there) = self.place(number);
        if !there || !self.holds(number) {
            return false;
        }
        let removed = match &mut self.children[place] {
            Tree::Entry { number: there, .. } if *there == number => {
                self.present &= !bit(number, self.level);
                self.children.remove(place);
                true
            }
            Tree::Entry { .. } => false,
            Tree::Node(node) => {
                let removed = node.remove(number);
                if let (true, Some(only)) = (removed, node.take_only()) {
                    self.children[place] = only;
                }
                removed
            }
        };
        if removed {
            self.hash = None;
        }
        removed
    }

    /// The last child, if there is only one left.
    fn take_only(&mut self) -> Option<Tree> {
        if self.children.len() == 1 { self.children.pop() } else { None }
    }

    fn hash(&mut self) -> Hash {
        if let Some(hash) = self.hash {
            return hash;
        }
        let mut bytes = [0; 16 + 32 * FAN_OUT];
        bytes[..8].copy_from_slice(&u64::from(self.level).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.present.to_le_bytes());
        for (place, child) in bytes[16..].as_chunks_mut::<32>().0.iter_mut().zip(&mut self.children) {
            *place = child.hash().0;
        }
        let hash = keyed(&NODE, &[&bytes[..16 + 32 * self.children.len()]]);
        self.hash = Some(hash);
        hash
    }
}

/// The bit for `number`'s digit `level`.
const fn bit(number: Number, level: u32) -> u64 {
    1 << ((number >> (DIGIT_BITS * level)) & 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn hash_of(value: u64) -> Hash {
        keyed(&[0; 32], &[&value.to_le_bytes()])
    }

    /// The definition, word by word.
    fn from_scratch(pairs: &[(Number, Hash)]) -> Hash {
        match pairs {
            [] => Hash::ZERO,
            [(number, hash)] => keyed(&ENTRY, &[&number.to_le_bytes(), &hash.0]),
            _ => {
                let digit = |number: u64, k: u32| number >> (6 * k) & 63;
                let k = (0..11)
                    .rev()
                    .find(|&k| pairs.iter().any(|pair| digit(pair.0, k) != digit(pairs[0].0, k)))
                    .expect("two numbers differ somewhere");
                let mut bitmap = 0u64;
                let mut parts = Vec::new();
                for d in 0..64 {
                    let part: Vec<_> = pairs.iter().copied().filter(|pair| digit(pair.0, k) == d).collect();
                    if !part.is_empty() {
                        bitmap |= 1 << d;
                        parts.extend(from_scratch(&part).0);
                    }
                }
                keyed(&NODE, &[&u64::from(k).to_le_bytes(), &bitmap.to_le_bytes(), &parts])
            }
        }
    }

    fn number() -> impl Strategy<Value = Number> {
        prop_oneof![0..20u64, 0..5000u64, any::<u64>(), (0..64u32).prop_map(|bit| 1 << bit), Just(u64::MAX)]
    }

    proptest! {
        #[test]
        fn a_tree_kept_up_equals_the_definition_for_its_set(
            steps in proptest::collection::vec((number(), prop_oneof![3 => any::<Option<u8>>(), 1 => Just(None)], any::<bool>()), 0..200)
        ) {
            let mut tree = StateTree::new();
            let mut set = BTreeMap::new();
            for (number, value, root) in steps {
                match value {
                    Some(value) => {
                        tree.set(number, hash_of(value.into()));
                        set.insert(number, hash_of(value.into()));
                    }
                    None => prop_assert_eq!(tree.remove(number), set.remove(&number).is_some()),
                }
                if root {
                    let pairs: Vec<_> = set.iter().map(|(&number, &hash)| (number, hash)).collect();
                    prop_assert_eq!(tree.root(), from_scratch(&pairs));
                }
            }
            while let Some((number, _)) = set.pop_last() {
                prop_assert!(tree.remove(number));
                let pairs: Vec<_> = set.iter().map(|(&number, &hash)| (number, hash)).collect();
                prop_assert_eq!(tree.root(), from_scratch(&pairs));
            }
        }
    }

    #[test]
    fn the_order_of_coming_and_going_does_not_show() {
        let mut up = StateTree::new();
        let mut down = StateTree::new();
        for number in 1..3000 {
            up.set(number, hash_of(number));
            down.set(3000 - number, hash_of(3000 - number));
            down.set(u64::MAX - number, hash_of(0));
            if number % 7 == 0 {
                down.root();
            }
        }
        for number in 1..3000 {
            assert!(down.remove(u64::MAX - number));
        }
        assert_eq!(up.root(), down.root());
    }

    #[test]
    fn an_entry_takes_little_memory() {
        assert!(size_of::<Tree>() <= 48);
    }
}
