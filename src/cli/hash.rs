//! `keyvm hash`: the hash of a state.

use super::exit::{Exit, Failure};
use super::input::machine;
use super::output::print;
use clap::Args;
use std::path::PathBuf;

/// Print the state hash: equal for equal states, however they were reached and wherever.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The image, program or assembly file.
    image: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  keyvm hash half.blob";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    print(&format!("{}\n", machine(&arguments.image)?.state_hash()))?;
    Ok(Exit::Done)
}
