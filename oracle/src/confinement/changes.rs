//! In what ways an object has changed: those that the rights, and the exceptions of the law of confinement, tell apart.

use keyvm_isa::image::{Body, Meter, Object, Process};
use std::fmt;

/// Ways in which an object changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes(u16);

macro_rules! changes {
    ($( $(#[doc = $doc:literal])* $bit:literal $konst:ident $name:literal; )*) => {
        impl Changes {
            $( $(#[doc = $doc])* pub const $konst: Self = Self(1 << $bit); )*
            const NAMED: &[(Self, &str)] = &[$( (Self::$konst, $name) ),*];
        }
    };
}

changes! {
    /// It is no more.
    0 GONE "it is gone";
    /// The words of a page, the keys of a key page; a data page that has become code.
    1 CONTENT "its contents";
    /// The length of a page.
    2 LENGTH "its length";
    /// Gas and rent that a meter has counted.
    3 COUNTS "its counts";
    /// A meter's limits and keeper; whether it is stopped is told apart.
    4 LIMITS "its limits or keeper";
    /// A process or meter is stopped, or a meter started.
    5 STOPPED "whether it is stopped";
    /// A process's data, operands or index.
    6 STATE "its data, operands or index";
    /// What of a process only others set: its keeper, meter and stack maximum; and that it is started.
    7 SET "its keeper, meter or stack maximum";
    /// Keys were appended to a process's list, the others are as they were.
    8 APPENDED "keys appended";
    /// What a result leaves: words on top of the operands, and their room; how many words and keys came.
    9 RESULT "a result";
    /// How a process stands between calls: status, amount, trap, progress, what it waits for, what it had left.
    10 STANDING "its status";
    /// What of a process only running changes: its key list, frames, capacities, generator, code.
    11 RUN "its keys, frames or capacities";
    /// How much of its callee's growth a call's meter counts.
    12 GROWTH "the growth charged to it";
    /// What it is charged to.
    13 CHARGE "what it is charged to";
    /// A call's meter is no more.
    14 DISSOLVED "it is dissolved";
}

impl Changes {
    /// None.
    pub const NONE: Self = Self(0);
    /// All that running may change of a process.
    pub const RUNS: Self =
        Self(Self::STATE.0 | Self::APPENDED.0 | Self::RESULT.0 | Self::STANDING.0 | Self::RUN.0);
    /// All that a right `mend` may change of a process.
    pub const MENDED: Self = Self(Self::STATE.0 | Self::SET.0 | Self::CHARGE.0);
    /// What becomes of who is given a result, or told that there is none.
    pub const ANSWERED: Self = Self(Self::RESULT.0 | Self::APPENDED.0 | Self::STANDING.0);

    /// These, and others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are not among others.
    #[must_use]
    pub const fn beyond(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether one of others is among these.
    #[must_use]
    pub const fn touches(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// How an object has changed.
    #[must_use]
    pub fn between(before: &Object<'_>, after: Option<&Object<'_>>) -> Self {
        let Some(after) = after else {
            let is_call = matches!(before.body, Body::CallMeter { .. });
            return if is_call { Self::DISSOLVED } else { Self::GONE };
        };
        if before == after {
            return Self::NONE;
        }
        let mut changes = Self::NONE;
        changes.note(before.meter != after.meter, Self::CHARGE);
        match (&before.body, &after.body) {
            (Body::Data(old), Body::Data(new)) => {
                let both = old.len().min(new.len());
                changes.note(old[..both] != new[..both], Self::CONTENT);
                changes.note(old.len() != new.len(), Self::LENGTH);
            }
            (Body::Keys(old), Body::Keys(new)) => {
                let both = old.len().min(new.len());
                changes.note(old[..both] != new[..both], Self::CONTENT);
                changes.note(old.len() != new.len(), Self::LENGTH);
            }
            (Body::Meter(old), Body::Meter(new)) => changes.note_meter(old, new),
            (Body::Process(old), Body::Process(new)) => changes.note_process(old, new),
            (
                Body::CallMeter { callee, own_words },
                Body::CallMeter { callee: new_callee, own_words: new_words },
            ) => {
                changes.note(own_words != new_words, Self::GROWTH);
                changes.note(callee != new_callee, Self::CONTENT);
            }
            (old, new) => changes.note(old != new, Self::CONTENT),
        }
        changes
    }

    const fn note(&mut self, is_so: bool, what: Self) {
        if is_so {
            self.0 |= what.0;
        }
    }

    fn note_meter(&mut self, old: &Meter, new: &Meter) {
        let counts = |meter: &Meter| (meter.gas_used, meter.rent_used);
        self.note(counts(old) != counts(new), Self::COUNTS);
        self.note(old.stopped != new.stopped, Self::STOPPED);
        let plain = |meter: &Meter| Meter { gas_used: 0, rent_used: 0, stopped: false, ..meter.clone() };
        self.note(plain(old) != plain(new), Self::LIMITS);
    }

    fn note_process(&mut self, old: &Process<'_>, new: &Process<'_>) {
        self.note(old.data != new.data || old.index != new.index, Self::STATE);
        let is_longer = new.stack.len() > old.stack.len() && new.stack.starts_with(&old.stack);
        self.note(is_longer, Self::RESULT);
        self.note(!is_longer && old.stack != new.stack, Self::STATE);
        let result =
            |process: &Process<'_>| (process.stack_capacity, process.message_words, process.message_keys);
        self.note(result(old) != result(new), Self::RESULT);
        let set = |process: &Process<'_>| (process.stack_maximum, process.keeper, process.standing);
        self.note(set(old) != set(new) || (old.stopped && !new.stopped), Self::SET);
        self.note(!old.stopped && new.stopped, Self::STOPPED);
        let appended = new.keys.len() > old.keys.len() && new.keys.starts_with(&old.keys);
        self.note(appended, Self::APPENDED);
        self.note(!appended && old.keys != new.keys, Self::RUN);
        let standing = |process: &Process<'_>| {
            let waits = (process.callee, process.caller, process.suspended);
            let why = (process.status, process.trap, process.amount, process.progress);
            (waits, why, process.gas_seen, process.words_seen)
        };
        self.note(standing(old) != standing(new), Self::STANDING);
        let run = |process: &Process<'_>| {
            (process.code, process.frame_capacity, process.key_capacity, process.random)
        };
        self.note(run(old) != run(new) || old.frames != new.frames, Self::RUN);
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().filter(|(change, _)| self.touches(*change));
        f.write_str(&named.map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
    }
}
