//! Programs that are named on the command line, singly or by the folders that they are in.

use super::exit::Failure;
use super::input::{is_program, plain, show};
use std::path::{Path, PathBuf};

/// The programs that these are, or that are in these folders and in the folders in them, in the order of their names. Each
/// is there once. Links in a folder are not followed if they lead to folders, or out of that one.
///
/// # Errors
/// If something cannot be read, or is named and is no program.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut programs = Vec::new();
    for path in paths {
        find_in(path, &mut programs)?;
    }
    programs.sort();
    programs.dedup();
    Ok(programs)
}

fn find_in(path: &Path, programs: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let wrong = |error: &std::io::Error| Failure::about(show(path), plain(error));
    if !std::fs::metadata(path).map_err(|error| wrong(&error))?.is_dir() {
        if !is_program(path) {
            return Err(Failure::about(show(path), "this is no program: its name does not end in .et"));
        }
        programs.push(path.to_owned());
        return Ok(());
    }
    let root = std::fs::canonicalize(path).map_err(|error| wrong(&error))?;
    // One that leads nowhere is told of when it is read.
    let leads_out = |link: &Path| std::fs::canonicalize(link).is_ok_and(|target| !target.starts_with(&root));
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let wrong = |error: &std::io::Error| Failure::about(show(&folder), plain(error));
        for entry in std::fs::read_dir(&folder).map_err(|error| wrong(&error))? {
            let entry = entry.map_err(|error| wrong(&error))?;
            let kind = entry.file_type().map_err(|error| wrong(&error))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if is_program(&entry.path()) && !(kind.is_symlink() && leads_out(&entry.path())) {
                programs.push(entry.path());
            }
        }
    }
    Ok(())
}
