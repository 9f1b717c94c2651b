//! `keyvm run`: runs a program, or an image.

use super::exit::{Exit, Failure};
use super::input::Source;
use super::options::Options;
use super::session;
use clap::Args;
use std::path::PathBuf;

/// Run a program (.et), an assembly file (.kasm, .ism) or an image.
///
/// Each result that the root process yields, and the one that it returns, is printed as a line of decimal numbers.
/// What programs write to the console goes to the standard output.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The program, assembly file or image.
    file: PathBuf,
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  keyvm run examples/sandbox.kasm 41
  keyvm run program.kasm --gas 1_000_000 --words 10_000
  keyvm run program.kasm --slice 5000 --snapshot half.blob    then: keyvm resume half.blob
  keyvm run stranger.blob --no-default-grants --json
  keyvm run program.kasm -- --an-argument-that-begins-with-a-dash

Exit codes: see keyvm --help.";

pub(super) fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { file, options } = arguments;
    session::run(&file, Source::read(&file)?, options)
}
