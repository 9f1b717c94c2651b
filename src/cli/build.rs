//! `keyvm build`: makes an image file of a program.

use super::exit::{Exit, Failure};
use super::input::Source;
use super::output::{check_image_target, write_image};
use clap::Args;
use keyvm::isa::debug::DebugInfo;
use std::path::PathBuf;

/// Make an image of a program, or of an image.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The program (.et), assembly file (.kasm, .ism) or image.
    file: PathBuf,
    /// The image to write; an image that is there is replaced when the new one is whole.
    #[arg(short, long, value_name = "OUT.blob")]
    output: PathBuf,
    /// Leave out names and lines, by which a trap is told with the place in the text.
    #[arg(long)]
    strip: bool,
}

const EXAMPLES: &str = "\
Examples:
  keyvm build program.et -o program.blob";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { file, output, strip } = arguments;
    let mut source = Source::read(file)?;
    if *strip {
        source.image.debug = DebugInfo::default();
    }
    let mut machine = source.machine(file)?;
    check_image_target(output, file)?;
    write_image(output, &mut machine)?;
    Ok(Exit::Done)
}
