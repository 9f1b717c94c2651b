//! The files of vectors and filetests.

use super::filetest::{self, Filetest};
use super::vector::{self, Vector};
use std::fs;
use std::path::Path;

/// The files with this ending in `tests/vectors` or a folder of it, in the order of their names.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|found| found == ending) {
            let name = path.strip_prefix(&root).expect("it is inside").display().to_string();
            files.push((name, fs::read_to_string(&path).expect("a text")));
        }
    }
    files.sort();
    files
}

/// All vectors.
pub(crate) fn vectors() -> Vec<Vector> {
    files("", "txt").iter().flat_map(|(name, text)| vector::parse(name, text)).collect()
}

/// All filetests: of the kernel, and attacks on it.
pub(crate) fn filetests() -> Vec<Filetest> {
    let all = ["kernel", "attacks"].map(|folder| files(folder, "kasm"));
    all.iter().flatten().map(|(name, source)| filetest::parse(name, source)).collect()
}

/// Runs `hold` for each and reports all that failed, each with what it panicked with.
pub(crate) fn hold_all<T>(all: &[T], hold: impl Fn(&T)) {
    let holds = |one| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hold(one))).is_ok();
    let failed = all.iter().filter(|&one| !holds(one)).count();
    assert_eq!(failed, 0, "{failed} of {} failed; each is shown above", all.len());
}
