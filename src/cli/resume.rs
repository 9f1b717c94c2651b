//! `keyvm resume`: goes on with a saved image.

use super::exit::{Exit, Failure};
use super::input::{Form, Source, show};
use super::options::Options;
use super::session;
use clap::Args;
use std::path::PathBuf;

/// Go on with a saved image, where it stopped.
///
/// `--gas N` raises the limit so that N gas may be used from now on, `--words N` so that there may be N words more than
/// now; neither lowers a limit that the image has. Host keys are granted anew: an image carries none.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The image.
    image: PathBuf,
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  keyvm resume half.blob
  keyvm resume dry.blob --gas 1_000_000 --snapshot dry.blob
  keyvm resume half.blob --slice 5000 --snapshot half.blob --json

Exit codes: see keyvm --help.";

pub(super) fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { image, options } = arguments;
    let source = Source::read(&image)?;
    if source.form == Form::Text {
        let message = "this is a program, not an image; start it with `keyvm run`";
        return Err(Failure::about(show(&image), message));
    }
    session::run(&image, source, options)
}
