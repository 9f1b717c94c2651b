//! Names for places in code: the labels of an assembly file. An image has none.

use super::input::Source;
use keyvm::image::{Hash, words_root};
use keyvm::isa::image::Body;
use std::collections::BTreeMap;

/// Labels with their indices, in the order of these, by the hash of the code.
#[derive(Debug, Default)]
pub(super) struct Labels(BTreeMap<Hash, Vec<(u64, String)>>);

impl Labels {
    /// The labels that the source has.
    pub(super) fn of(source: &Source) -> Self {
        let Some(origin) = &source.origin else { return Self::default() };
        let labels = |code| origin.map.labels(code).map(|(index, name)| (index, name.to_owned())).collect();
        let pages = source.image.objects.iter().filter_map(|object| match &object.body {
            Body::Code(words) => Some((words_root(words), labels(object.number))),
            _ => None,
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
