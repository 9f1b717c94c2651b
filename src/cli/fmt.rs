//! `keyvm fmt`: writes programs in one style.

use super::exit::{Exit, Failure};
use super::input::{read_text, show};
use super::output::{style_errors, write_file};
use super::programs;
use clap::Args;
use keyvm::entish;
use std::path::{Path, PathBuf};

/// Write programs in one style. Comments stay, and so does what the program does.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The programs (.et), or folders with programs in them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Change nothing, and fail if a program is in another style.
    #[arg(long)]
    check: bool,
}

const EXAMPLES: &str = "\
Examples:
  keyvm fmt program.et
  keyvm fmt --check examples";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let programs = programs::find(&arguments.paths)?;
    let failures = programs.iter().filter_map(|path| format(path, arguments.check).err());
    let last = failures.reduce(|failure, next| {
        failure.tell();
        next
    });
    last.map_or(Ok(Exit::Done), Err)
}

/// Formats a program, or only looks.
fn format(path: &Path, check: bool) -> Result<(), Failure> {
    let text = read_text(path)?;
    let name = show(path);
    let formatted = entish::format(&text).map_err(|diagnostics| {
        Failure::Diagnostics(keyvm::render(&name, &text, &diagnostics, style_errors()))
    })?;
    if formatted == text {
        return Ok(());
    }
    if check {
        return Err(Failure::about(name, "this is in another style; `keyvm fmt` writes it in ours"));
    }
    write_file(path, &formatted)
}
