//! What `--stats` tells of the compiler and of native code.

use super::table::Listing;
use super::text::count;
use keyvm::{CompileStats, Engine, Exit, Machine, RunStats};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// What was compiled, and how much ran natively. The names of the fields are part of the interface.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Stats {
    compiled: Compiled,
    native: Native,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Compiled {
    batches: u64,
    optimized: u64,
    instructions: u64,
    bytes: u64,
    nanoseconds: u64,
    refused: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Native {
    entries: u64,
    instructions: u64,
    share: f64,
    exits: Exits,
}

/// How often native code was left, by reason.
#[derive(Clone, Copy, Debug)]
struct Exits([u64; Exit::ALL.len()]);

impl Serialize for Exits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, times) in self.named() {
            map.serialize_entry(name, &times)?;
        }
        map.end()
    }
}

impl Exits {
    fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Exit::ALL.iter().zip(self.0).map(|((_, name), times)| (*name, times))
    }
}

impl Stats {
    pub(super) fn new(engine: &Engine, machine: &Machine) -> Self {
        let CompileStats { batches, optimized, instructions, bytes, nanoseconds, refused } = engine.stats();
        let compiled = Compiled { batches, optimized, instructions, bytes, nanoseconds, refused };
        let RunStats { entries, exits, instructions } = machine.run_stats();
        let share = instructions as f64 / machine.instructions().max(1) as f64;
        Self { compiled, native: Native { entries, instructions, share, exits: Exits(exits) } }
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let Compiled { batches, instructions, bytes, nanoseconds, refused, .. } = self.compiled;
        let seconds = nanoseconds as f64 / 1e9;
        let mut table = Listing::untitled(&[("native code", false), ("", false)], false);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row(
            "compiled",
            format!(
                "{}, {}, {}",
                count(batches, "batch", "batches"),
                count(instructions, "instruction", "instructions"),
                count(bytes, "byte", "bytes")
            ),
        );
        if nanoseconds > 0 {
            let speed = instructions as f64 / seconds;
            row("in", format!("{:.3} ms, {speed:.0} instructions per second", seconds * 1e3));
        }
        if refused > 0 {
            row("refused", count(refused, "entry", "entries"));
        }
        row("entered", count(self.native.entries, "time", "times"));
        let exits: Vec<_> = self.native.exits.named().filter(|exit| exit.1 > 0).collect();
        for (name, times) in exits {
            row("left", format!("{}: {name}", count(times, "time", "times")));
        }
        row("ran", format!("{} natively, {:.2} %", self.native.instructions, self.native.share * 100.0));
        let mut text = String::new();
        table.write(&mut text);
        text
    }
}
