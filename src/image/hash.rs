//! Hashes of objects and of whole states.
//!
//! Everything is BLAKE3 in keyed mode, the key being the name of what is hashed, in ASCII, filled up with zeros to 32
//! bytes: no two kinds of input can be confused. All numbers are little-endian.
//!
//! - *content root* of a data page, a process's data, or a code page's words: see [`ContentTree`](super::ContentTree);
//! - *object hash*: key `KeyVM object v1` over the object's encoding with its content root ([`object_hash`]);
//! - *tree root* over (number, object hash): see [`StateTree`];
//! - *state hash*: key `KeyVM state v1` over the tree root and the encoding of the header ([`state_hash`]).
//!
//! The hash depends on nothing but the image: not on how it lies in memory or in a file, not on the engine, and not on
//! the order in which the machine came by its objects.

use super::content_tree::{content_root, words_root};
use super::encode::{
    Contents, Head, encode_count, encode_frames, encode_head, encode_header, encode_keys, encode_object,
    encode_words,
};
use super::state_tree::StateTree;
use keyvm_isa::image::{Body, Frame, Image, Key, Object};
use std::fmt;
use std::str::FromStr;

/// A hash of 32 bytes; written as 64 hexadecimal digits, the first byte first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 32 zero bytes: what stands where nothing is hashed, such as the content root of an object without contents.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash as four words, the first eight bytes first, little-endian.
    #[must_use]
    pub fn words(self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, &bytes) in words.iter_mut().zip(self.0.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(bytes);
        }
        words
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// What is no hash: not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseHashError;

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hash: write 64 hexadecimal digits")
    }
}

impl std::error::Error for ParseHashError {}

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            b'A'..=b'F' => Ok(byte - b'A' + 10),
            _ => Err(ParseHashError),
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(ParseHashError);
        }
        let mut hash = Self::ZERO;
        for (byte, &[high, low]) in hash.0.iter_mut().zip(pairs) {
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Ok(hash)
    }
}

/// The key of a domain: its name, filled up with zeros.
pub(super) const fn domain(name: &str) -> [u8; 32] {
    let name = name.as_bytes();
    assert!(name.len() <= 32, "a domain's name has at most 32 bytes");
    let mut key = [0; 32];
    let mut i = 0;
    while i < name.len() {
        key[i] = name[i];
        i += 1;
    }
    key
}

/// The hash of a few pieces one after the other.
pub(super) fn keyed(key: &[u8; 32], pieces: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for piece in pieces {
        hasher.update(piece);
    }
    Hash(*hasher.finalize().as_bytes())
}

const OBJECT: [u8; 32] = domain("KeyVM object v1");
const STATE: [u8; 32] = domain("KeyVM state v1");

/// The hash of an object, given the content root of its bulk contents; that of an object which has none is not
/// looked at ([`Hash::ZERO`] will do).
#[must_use]
pub fn object_hash(object: &Object<'_>, content_root: Hash) -> Hash {
    let mut bytes = Vec::with_capacity(256);
    encode_object(object, Contents::Hashed(content_root), &mut bytes);
    keyed(&OBJECT, &[&bytes])
}

/// The hash of an object that has lists, which come piece by piece: first the head, then each list, in the order of the
/// encoding, begun with its length.
#[derive(Debug)]
pub(crate) struct ListHasher {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Default for ListHasher {
    fn default() -> Self {
        Self { hasher: blake3::Hasher::new_keyed(&OBJECT), bytes: Vec::new() }
    }
}

impl ListHasher {
    /// Takes all of an object but its lists, which are not looked at.
    pub(crate) fn head(&mut self, object: &Object<'_>, contents: Contents) {
        self.take(|bytes| encode_head(object, contents, bytes));
    }

    /// Takes the length of the next list.
    pub(crate) fn begin(&mut self, count: usize) {
        self.take(|bytes| encode_count(count, bytes));
    }

    pub(crate) fn words(&mut self, words: &[u64]) {
        self.take(|bytes| encode_words(words, bytes));
    }

    /// Takes frames, an even number if they are not the last.
    pub(crate) fn frames(&mut self, frames: &[Frame]) {
        self.take(|bytes| encode_frames(frames, bytes));
    }

    pub(crate) fn keys(&mut self, keys: &[Option<Key>]) {
        self.take(|bytes| encode_keys(keys, bytes));
    }

    fn take(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.clear();
        encode(&mut self.bytes);
        self.hasher.update(&self.bytes);
    }

    pub(crate) fn finish(&self) -> Hash {
        Hash(*self.hasher.finalize().as_bytes())
    }
}

/// The hash of a state, given its header and the root of the tree over its objects.
#[must_use]
pub fn state_hash_of(head: &Head<'_>, tree_root: Hash) -> Hash {
    let mut bytes = Vec::with_capacity(256);
    encode_header(head, &mut bytes);
    keyed(&STATE, &[&tree_root.0, &bytes])
}

/// The hash of an image, from scratch. This is the definition; what is kept up step by step equals it.
#[must_use]
pub fn state_hash(image: &Image<'_>) -> Hash {
    let mut tree = StateTree::new();
    for object in &image.objects {
        let root = match &object.body {
            Body::Data(bytes) => content_root(bytes),
            Body::Process(process) => content_root(&process.data),
            Body::Code(words) => words_root(words),
            _ => Hash::ZERO,
        };
        tree.set(object.number, object_hash(object, root));
    }
    state_hash_of(&Head::from(image), tree.root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_being_written_and_read() {
        let hash = Hash(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
        assert_eq!(hash.words()[0], u64::from_le_bytes([0, 7, 14, 21, 28, 35, 42, 49]));
    }

    #[test]
    fn what_is_no_hash_is_not_read() {
        for text in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(text.parse::<Hash>(), Err(ParseHashError), "{text}");
        }
    }
}
