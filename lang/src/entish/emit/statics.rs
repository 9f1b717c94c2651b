//! What memory 2 begins with, in every process that uses it: its header, and the texts that the program names.

use std::collections::BTreeMap;

/// Words of the header: `std/collector.et` says what they are.
pub(super) const HEADER_WORDS: usize = 11;

/// The header in which no object has been made: they go to this address, where there is no room yet.
pub(super) const fn header(objects: u64, keys: RootKeys) -> [u64; HEADER_WORDS] {
    let RootKeys { args, console, guard } = keys;
    // The guard is the first slot that is not named by the code.
    let guards = guard << 32 | guard;
    [objects, objects, args, console, objects, 0, objects.wrapping_neg(), 0, 0, guard, guards]
}

/// Slots of keys that the root process begins with; all are 0 for other processes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RootKeys {
    pub(super) args: u64,
    pub(super) console: u64,
    /// The last one, a key to itself that can do nothing: `std/slots.et` says what for.
    pub(super) guard: u64,
}

/// The texts, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Statics {
    words: Vec<u64>,
    address_of: BTreeMap<Vec<u8>, u64>,
}

impl Statics {
    /// The address of a text, or of bytes, that lie ready.
    pub(super) fn address(&mut self, bytes: &[u8]) -> u64 {
        if let Some(&address) = self.address_of.get(bytes) {
            return address;
        }
        let address = (HEADER_WORDS + self.words.len()) as u64 * 8;
        self.words.push(bytes.len() as u64);
        self.words.extend(bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        }));
        self.address_of.insert(bytes.to_vec(), address);
        address
    }

    /// How many words there are, with the header.
    pub(super) fn len(&self) -> usize {
        HEADER_WORDS + self.words.len()
    }

    /// The words behind the header.
    pub(super) fn texts(&self) -> &[u64] {
        &self.words
    }

    /// The words, for a process that has these keys.
    pub(super) fn words(&self, keys: RootKeys) -> Vec<u64> {
        let end = self.len() as u64 * 8;
        let mut words = header(end, keys).to_vec();
        words.extend(&self.words);
        words
    }
}
