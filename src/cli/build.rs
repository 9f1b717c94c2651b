//! `keyvm build`: makes an image file of an assembly file.

use super::exit::{Exit, Failure};
use super::input::machine;
use super::output::{check_image_target, write_image};
use clap::Args;
use std::path::PathBuf;

/// Make an image of an assembly file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The assembly file (.kasm, .ism).
    file: PathBuf,
    /// The image to write; an image that is there is replaced when the new one is whole.
    #[arg(short, long, value_name = "OUT.blob")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  keyvm build program.kasm -o program.blob";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { file, output } = arguments;
    let mut machine = machine(file)?;
    check_image_target(output, file)?;
    write_image(output, &mut machine)?;
    Ok(Exit::Done)
}
