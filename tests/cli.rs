//! The program `keyvm`.

#[path = "cli/drawing.rs"]
mod drawing;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/imports.rs"]
mod imports;
#[path = "cli/interrupts.rs"]
mod interrupts;
#[path = "cli/native.rs"]
mod native;
#[path = "cli/repl.rs"]
mod repl;
#[path = "cli/snapshots.rs"]
mod snapshots;
#[cfg(target_os = "linux")]
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/testing.rs"]
mod testing;
#[path = "cli/traces.rs"]
mod traces;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What each command prints for each exit code and each kind of bad input, in `tests/cli/*.trycmd`. With
/// `TRYCMD=overwrite` the files are written anew.
#[test]
fn commands_print_what_is_written_down() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

/// A command that has ended.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// The number in a field of the last line, which is JSON.
    fn json(&self) -> serde_json::Value {
        let line = self.out.lines().last().expect("a line");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The lines but the last.
    fn results(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self.out.lines().collect();
        lines.pop();
        lines
    }
}

/// The first block of a section of `docs/cli.md`, with `#` in place of each number, which the compiler has its part in.
fn documented(section: &str, first_line: &str) -> String {
    let document = include_str!("../docs/cli.md");
    let (_, section) = document.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let at = section.find(&format!("    {first_line}\n")).expect("the block is there");
    let lines = section[at..].lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    without_numbers(lines.join("\n").trim_end())
}

fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_keyvm"))
}

/// Runs `keyvm` with arguments that are separated by spaces, and then these.
fn keyvm(arguments: &str, more: &[&Path]) -> Ran {
    command().args(arguments.split_whitespace()).args(more).output().expect("keyvm starts").into()
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/programs").join(name)
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A text as an assembly file.
fn written(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).expect("the file can be written");
    path
}
