//! What is said of the rest of a program in which something could not be parsed: nothing that follows from that.

use super::super::{self as checking, Collect, RUNTIME, check};
use crate::entish::files::Wrong;
use crate::entish::library::{LIBRARY, Module};
use crate::entish::parse::parse;
use std::path::Path;

/// How many mistakes the parser finds, and what else is wrong.
fn found(source: &str) -> (usize, Vec<Wrong>) {
    let (ast, diagnostics) = parse(source);
    let parsed = diagnostics.len();
    let wrong = diagnostics.into_iter().map(|diagnostic| (0, diagnostic)).collect();
    let modules = [checking::Module { name: "", ast: &ast }];
    let mut wrong = check(&modules, wrong, None, Collect::IfDue).map_or_else(|wrong| wrong, |_| Vec::new());
    wrong.drain(..parsed.min(wrong.len()));
    (parsed, wrong)
}

/// Programs that are well-formed and import only of the library.
fn programs() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [folder.join("../examples"), folder.join("tests/std")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "et"));
    paths.sort();
    let own = paths.iter().map(|path| std::fs::read_to_string(path).expect("a text"));
    // What built-in functions become, and what only the library has, is no program.
    let is_program = |module: &&Module| {
        !["import runtime", "$traps()"].iter().any(|of| module.text.contains(of))
            && !RUNTIME.contains(&module.name)
    };
    let library = LIBRARY.iter().filter(is_program);
    own.chain(library.map(|module| module.text.to_owned())).collect()
}

/// In a line of a well-formed program something is put that does not belong there, at each of its spaces and at its end; whatever is
/// said but of that place follows from it.
#[test]
fn nothing_is_said_that_follows_from_a_slip() {
    let mut slips = 0;
    for program in programs() {
        assert_eq!(found(&program), (0, Vec::new()), "{program}");
        let mut start = 0;
        let mut goes_on = false;
        for line in program.split_inclusive('\n') {
            let text = line.trim_end();
            let indent = text.len() - text.trim_start().len();
            let gaps = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]);
            for (number, gap) in gaps.filter(|&gap| gap >= indent).enumerate() {
                // A bracket in the middle of others may mean something.
                let marks = if goes_on { ["?", "\"", "?"] } else { ["?", "\"", "("] };
                let slip = marks[(slips + number) % marks.len()];
                let mut changed = program.clone();
                changed.insert_str(start + gap, slip);
                let (parsed, follows) = found(&changed);
                slips += usize::from(parsed > 0);
                assert!(parsed == 0 || follows.is_empty(), "`{slip}` in `{text}` at {gap}: {follows:?}");
            }
            start += line.len();
            goes_on = text.ends_with(['(', '[', '{', ',', '|']) && text.len() > indent;
        }
    }
    assert!(slips > 5000, "{slips}");
}
