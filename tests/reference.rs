//! Every program in `docs/language.md` does what stands below it, on the interpreter and compiled.
//!
//! A program is a block marked `python`; the block after it is marked `text`, and has what the program prints and, if it
//! fails, its message: that may be cut short behind its first line. `[..]` stands for anything within a line. Two kinds of
//! comments in a program's first line are read: `# keyvm run NAME.et ARGUMENT…`, or `# keyvm test NAME.et`, is how it is run; a
//! program `# NAME.et` that another follows at once is a file that the other imports. A program may also be one of
//! `examples/`, with a command behind it, which `tests/readme.rs` runs.

use std::path::Path;
use std::process::Command;

/// A block between lines that begin with three backticks.
struct Block<'a> {
    line: usize,
    kind: &'a str,
    text: &'a str,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    // The line and the byte that a block begins at, and how it is marked.
    let mut open: Option<(usize, usize, &str)> = None;
    let mut at = 0;
    for (index, line) in document.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        if let Some(kind) = line.strip_prefix("```") {
            open = match open {
                Some((line, start, kind)) => {
                    blocks.push(Block { line, kind, text: &document[start..at] });
                    None
                }
                None => Some((index + 2, end, kind.trim_end())),
            };
        }
        at = end;
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// What `keyvm` does with a program, the name of its file, and its arguments.
fn command(program: &str) -> (&str, &str, Vec<&str>) {
    let first = program.lines().next().unwrap_or_default();
    let mut words = first.strip_prefix("# ").unwrap_or_default().split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("keyvm"), Some(command), Some(name)) => (command, name, words.collect()),
        (Some(name), None, None) if name.ends_with(".et") => ("run", name, Vec::new()),
        _ => ("run", "example.et", Vec::new()),
    }
}

/// The exit code of a program whose message begins so.
fn code_of(message: Option<&str>) -> i32 {
    match message.and_then(|line| line.split([' ', ':']).next()) {
        None | Some("warning") => 0,
        Some("error") => 2,
        Some("trap") => 120,
        Some("out") => 122,
        Some(other) => panic!("what exit code has a program that ends by `{other}`?"),
    }
}

/// Whether a line is what the document shows.
fn is_shown(line: &str, shown: &str) -> bool {
    match shown.split_once("[..]") {
        Some((before, behind)) => line.starts_with(before) && line.ends_with(behind),
        None => line == shown,
    }
}

/// What stands in the document is what the program printed, and the message as far as it is shown.
#[track_caller]
fn compare(output: &std::process::Output, text: &str, place: &str) {
    let [printed, message] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let shown: Vec<&str> = text.lines().collect();
    let lines: Vec<&str> = printed.lines().chain(message.lines()).map(str::trim_end).collect();
    let least = printed.lines().count() + usize::from(!message.is_empty());
    let same = (least..=lines.len()).contains(&shown.len())
        && lines.iter().zip(&shown).all(|(line, shown)| is_shown(line, shown));
    assert!(same, "{place} prints\n{printed}{message}");
    assert_eq!(output.status.code(), Some(code_of(message.lines().next())), "{place}: {message}");
}

#[test]
fn every_program_in_the_reference_prints_what_stands_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("the file can be read");
    let document = read(&root.join("docs/language.md"));
    let blocks = blocks(&document);
    let mut folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut programs = 0;
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.kind == "python") {
        let place = format!("docs/language.md:{}", block.line);
        let (command, name, arguments) = command(block.text);
        std::fs::write(folder.path().join(name), block.text).expect("a program can be written");
        let below = blocks.get(index + 1);
        match below.map(|block| block.kind) {
            Some("text") => {}
            Some("python") if block.text.starts_with(&format!("# {name}\n")) => continue,
            Some("console") => {
                let example = std::fs::read_dir(root.join("examples")).expect("there are examples");
                let mut paths = example.map(|file| file.expect("a file").path());
                assert!(paths.any(|path| read(&path) == block.text), "{place} is not one of examples/");
                continue;
            }
            _ => panic!("{place}: below a program stands what it prints, in a block marked `text`"),
        }
        // Tests are run by one engine.
        let engines: &[&[&str]] = match command {
            "run" => &[&["--engine", "interp"], &["--engine", "jit"]],
            _ => &[&[]],
        };
        for engine in engines {
            let mut keyvm = Command::new(env!("CARGO_BIN_EXE_keyvm"));
            keyvm.arg(command).args(*engine).arg(name).args(&arguments).current_dir(folder.path());
            let output = keyvm.output().expect("the program runs");
            compare(&output, below.map_or("", |block| block.text), &format!("{place}, {engine:?},"));
        }
        programs += 1;
        folder = tempfile::tempdir().expect("a temporary folder can be made");
    }
    assert!(programs >= 40, "{programs} programs were found");
}
