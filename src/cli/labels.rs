//! Names for places in code: the subroutines and labels that an image knows of, if it was not stripped.

use super::input::Source;
use super::text::printable;
use keyvm::image::{Hash, words_root};
use keyvm::isa::image::Body;
use std::collections::BTreeMap;

/// Labels with their indices, in the order of these, by the hash of the code.
#[derive(Debug, Default)]
pub(super) struct Labels(BTreeMap<Hash, Vec<(u64, String)>>);

impl Labels {
    /// The labels that the source has.
    pub(super) fn of(source: &Source) -> Self {
        let image = &source.image;
        let pages = image.debug.code.iter().rev().filter_map(|(number, debug)| {
            let Body::Code(words) = &image.object(*number)?.body else { return None };
            let labels = debug.names().map(|name| (u64::from(name.index), printable(name.name)));
            Some((words_root(words), labels.collect()))
        });
        Self(pages.collect())
    }

    /// The index of a label.
    pub(super) fn index(&self, code: Hash, name: &str) -> Option<u64> {
        self.0.get(&code)?.iter().find(|label| label.1 == name).map(|label| label.0)
    }

    /// The label of an index.
    pub(super) fn at(&self, code: Hash, index: u32) -> Option<&str> {
        let labels = self.0.get(&code)?;
        let at = labels.partition_point(|label| label.0 < u64::from(index));
        labels.get(at).filter(|label| label.0 == u64::from(index)).map(|label| label.1.as_str())
    }

    /// The labels of a code page, with their indices.
    pub(super) fn of_page(&self, code: Hash) -> impl Iterator<Item = (u64, String)> {
        self.0.get(&code).into_iter().flatten().cloned()
    }

    /// A place by the last label before it, or by its index if there is none.
    pub(super) fn place(&self, code: Hash, index: u32) -> String {
        if let Some(name) = self.at(code, index) {
            return name.to_owned();
        }
        let labels = self.0.get(&code).map_or(&[][..], |labels| labels);
        let behind = labels.partition_point(|label| label.0 <= u64::from(index));
        match labels[..behind].last() {
            Some((at, name)) => format!("{name}+{}", u64::from(index) - at),
            None => index.to_string(),
        }
    }
}

/// The beginning of a code page's hash: enough to tell pages apart by eye.
pub(super) fn short(code: Hash) -> String {
    code.to_string()[..8].to_owned()
}
