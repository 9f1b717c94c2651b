//! `keyvm check`: says what is wrong with programs, and runs nothing.

use super::exit::{Exit, Failure};
use super::input::Source;
use clap::Args;
use std::path::PathBuf;

/// Say what is wrong with programs, without running them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The programs (.et), assembly files (.kasm, .ism) or images.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  keyvm check program.et";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut failures = arguments.files.iter().filter_map(|file| {
        let source = Source::read(file);
        source.and_then(|source| source.machine(file)).err()
    });
    let Some(first) = failures.next() else {
        return Ok(Exit::Done);
    };
    let last = failures.fold(first, |failure, next| {
        failure.tell();
        next
    });
    Err(last)
}
