//! A map as the language's: entries in the order in which they came, and a table of places with open addressing.

use super::Run;
use std::hint::black_box;

/// A hash, 0 of an entry that was removed; a key, and a value.
#[derive(Clone, Copy, Default)]
struct Entry {
    hash: u64,
    key: u64,
    value: u64,
}

struct Map {
    count: usize,
    entries: Vec<Entry>,
    /// Of each, 1 + the index of an entry, or 0.
    places: Vec<u64>,
    /// How many entries are used.
    used: usize,
}

impl Map {
    fn with_room(entries: usize) -> Self {
        Self { count: 0, entries: vec![Entry::default(); entries], places: vec![0; entries * 2], used: 0 }
    }

    fn find(&self, hash: u64, key: u64) -> Option<usize> {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let place = self.places[at];
            if place == 0 {
                return None;
            }
            let index = place as usize - 1;
            if self.entries[index].hash == hash && self.entries[index].key == key {
                return Some(index);
            }
            at = (at + 1) & mask;
        }
    }

    fn get(&self, key: u64, otherwise: u64) -> u64 {
        self.find(hash(key), key).map_or(otherwise, |index| self.entries[index].value)
    }

    fn set(&mut self, key: u64, value: u64) {
        let hash = hash(key);
        if let Some(index) = self.find(hash, key) {
            self.entries[index].value = value;
            return;
        }
        if self.used == self.entries.len() {
            self.rebuild();
        }
        self.add(Entry { hash, key, value });
    }

    fn add(&mut self, entry: Entry) {
        self.entries[self.used] = entry;
        self.used += 1;
        self.count += 1;
        let mask = self.places.len() - 1;
        let mut at = entry.hash as usize & mask;
        while self.places[at] != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = self.used as u64;
    }

    fn rebuild(&mut self) {
        let mut room = 4;
        while room < self.count * 2 {
            room <<= 1;
        }
        let old = std::mem::replace(self, Self::with_room(room));
        for entry in &old.entries[..old.used] {
            if entry.hash != 0 {
                self.add(*entry);
            }
        }
    }

    fn remove(&mut self, key: u64) {
        if let Some(index) = self.find(hash(key), key) {
            self.entries[index].hash = 0;
            self.count -= 1;
        }
    }
}

fn hash(key: u64) -> u64 {
    let h = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (h ^ (h >> 29)) | (1 << 63)
}

pub(super) fn native(size: u64) -> Run {
    Box::new(move || count(black_box(size)))
}

#[inline(never)]
fn count(numbers: u64) -> u64 {
    let mut counts = Map::with_room(4);
    let mut x = 0_u64;
    for k in 0..numbers {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let key = x >> 48;
        if k % 3 == 2 {
            counts.remove(key);
        } else {
            counts.set(key, counts.get(key, 0) + 1);
        }
    }
    let living = counts.entries[..counts.used].iter().filter(|entry| entry.hash != 0);
    living.fold(0, |sum: u64, entry| sum.rotate_left(1) ^ entry.key ^ (counts.get(entry.key, 0) << 32))
}
