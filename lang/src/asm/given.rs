//! The names that every text has: what the machine's tables give numbers to, each with its group before a dot.

use keyvm_isa::layout::{Kind, meta, meter};
use keyvm_isa::{Rights, Status, Trap};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static GIVEN: LazyLock<BTreeMap<String, u64>> = LazyLock::new(|| {
    let mut given = BTreeMap::new();
    let mut group = |group: &str, members: &mut dyn Iterator<Item = (&str, u64)>| {
        given.extend(members.map(|(name, number)| (format!("{group}.{name}"), number)));
    };
    group("status", &mut Status::ALL.iter().map(|&(status, name, _)| (name, status.number().into())));
    group("trap", &mut Trap::ALL.iter().map(|&(trap, name, _)| (name, trap.number().into())));
    group("meta", &mut meta::FIELDS.iter().map(|&(field, name, _)| (name, field)));
    group("meter", &mut meter::FIELDS.iter().map(|&(field, name, _)| (name, field)));
    group("right", &mut Rights::NAMED.iter().map(|&(right, name, _)| (name, right.bits().into())));
    group("kind", &mut Kind::ALL.iter().map(|&(kind, name)| (name, kind as u64)));
    given
});

/// The number of a given name.
pub(super) fn given(name: &str) -> Option<u64> {
    GIVEN.get(name).copied()
}

/// All given names, those of a group beside one another.
pub(super) fn all<'n>() -> impl Iterator<Item = &'n str> {
    GIVEN.keys().map(String::as_str)
}

/// The group of a name, with its dot.
pub(super) fn group(name: &str) -> &str {
    &name[..name.find('.').map_or(0, |dot| dot + 1)]
}
