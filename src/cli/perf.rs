//! The map by which Linux `perf` names native code.

use super::exit::Failure;
use super::input::{Source, plain};
use super::labels::{Labels, short};
use keyvm::jit::{EntryPoint, Root};
use keyvm::{CompiledFunction, Engine};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Has each function that is compiled written into the map of this process, where `perf` looks for it.
///
/// # Errors
/// If the file cannot be made.
pub(super) fn write_map(engine: &Engine, source: &Source) -> Result<(), Failure> {
    let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    // What is there is of a process that had the same number, or a trap for whoever writes through it.
    let _ = std::fs::remove_file(&path);
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let file = Mutex::new(file.map_err(|error| Failure::about(path.display(), plain(&error)))?);
    let labels = Labels::of(source);
    engine.on_compiled(move |function| {
        let line = line(&labels, function);
        // A map that lacks a line is no reason to end a run.
        let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    });
    Ok(())
}

/// A line of the map: address, length, name.
fn line(labels: &Labels, function: &CompiledFunction) -> String {
    let CompiledFunction { code, root, address, bytes } = *function;
    let (index, kind) = match root {
        Root::Subroutine(index) => (index, ""),
        Root::Entry(EntryPoint { index, .. }) => (index, "/entry"),
    };
    format!("{address:x} {bytes:x} keyvm:{}:{}{kind}\n", short(code), labels.place(code, index))
}
