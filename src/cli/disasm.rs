//! `keyvm disasm`: writes an image as assembly.

use super::exit::{Exit, Failure};
use super::input::machine;
use super::output::print;
use clap::Args;
use std::path::PathBuf;

/// Write an image as an assembly file that makes the same image again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The image, or a program or an assembly file to see what is made of it.
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  keyvm disasm program.blob > program.kasm";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    print(&keyvm::asm::disassemble(&machine(&arguments.file)?.image()))?;
    Ok(Exit::Done)
}
