//! `keyvm fmt`: writes programs in one style.

use super::exit::{Exit, Failure};
use super::input::{is_program, plain, read_text, show};
use super::output::{style_errors, write_file};
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
    let mut programs = Vec::new();
    for path in &arguments.paths {
        find_programs(path, &mut programs)?;
    }
    let failures = programs.iter().filter_map(|path| format(path, arguments.check).err());
    let last = failures.reduce(|failure, next| {
        failure.tell();
        next
    });
    last.map_or(Ok(Exit::Done), Err)
}

/// The file, or all programs in the folder and in the folders in it, in the order of their names. Links to folders are
/// not followed.
fn find_programs(path: &Path, programs: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let wrong = |error: &std::io::Error| Failure::about(show(path), plain(error));
    if !std::fs::metadata(path).map_err(|error| wrong(&error))?.is_dir() {
        if !is_program(path) {
            return Err(Failure::about(show(path), "this is no program: its name does not end in .et"));
        }
        programs.push(path.to_owned());
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let wrong = |error: &std::io::Error| Failure::about(show(&folder), plain(error));
        for entry in std::fs::read_dir(&folder).map_err(|error| wrong(&error))? {
            let entry = entry.map_err(|error| wrong(&error))?;
            let kind = entry.file_type().map_err(|error| wrong(&error))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if is_program(&entry.path()) {
                programs.push(entry.path());
            }
        }
    }
    programs.sort();
    Ok(())
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
