//! Every command that the README and the documents show does what stands there.
//!
//! A block marked `console` has commands, `$ keyvm …`; below each, maybe `? N` for an exit code that is not 0, and what it
//! prints, standard output before errors, up to an empty line. `[..]` is a line that may be anything.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command in a document, and what stands below it.
struct Shown {
    place: String,
    arguments: Vec<String>,
    code: i32,
    lines: Vec<String>,
}

fn shown_in(document: &Path) -> Vec<Shown> {
    let text = std::fs::read_to_string(document).expect("the document can be read");
    let mut shown: Vec<Shown> = Vec::new();
    let (mut console, mut open) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            console = line == "```console";
            open = false;
        } else if !console {
            continue;
        } else if let Some(command) = line.strip_prefix("$ ") {
            let mut words = command.split_whitespace().map(str::to_owned);
            assert_eq!(words.next().as_deref(), Some("keyvm"), "{}:{}", document.display(), index + 1);
            let place = format!("{}:{}", document.display(), index + 1);
            shown.push(Shown { place, arguments: words.collect(), code: 0, lines: Vec::new() });
            open = true;
        } else if let (Some(command), true) = (shown.last_mut(), open) {
            match line.strip_prefix("? ") {
                _ if line.is_empty() => open = false,
                Some(code) => command.code = code.parse().expect("an exit code"),
                None => command.lines.push(line.to_owned()),
            }
        }
    }
    shown
}

/// A folder with the examples in it, so that commands may write beside them, and an empty one for documents.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::create_dir(folder.path().join("docs")).expect("a folder can be made");
    let examples = folder.path().join("examples");
    std::fs::create_dir(&examples).expect("a folder can be made");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for file in std::fs::read_dir(ours).expect("the examples are there") {
        let file = file.expect("an example").path();
        std::fs::copy(&file, examples.join(file.file_name().expect("a name"))).expect("it can be copied");
    }
    folder
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("the documents are there");
    let mut documents: Vec<PathBuf> = docs.map(|file| file.expect("a document").path()).collect();
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.push(root.join("README.md"));
    documents
}

/// Compares the pictures that the commands of a document have made with ours.
fn compare_pictures(folder: &Path) -> usize {
    let mut pictures = 0;
    for file in std::fs::read_dir(folder.join("docs")).expect("the folder is there") {
        let made = file.expect("a picture").path();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(made.file_name().expect("a name"));
        let text = |path: &Path| std::fs::read_to_string(path).expect("a picture can be read");
        assert!(text(&made) == text(&ours), "{} is another than the commands make", ours.display());
        pictures += 1;
    }
    pictures
}

#[test]
fn the_program_that_is_shown_first_is_that_of_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("the file can be read");
    for document in ["README.md", "docs/language.md"] {
        let text_of = text(document);
        let shown = text_of.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
        assert_eq!(shown, Some(text("examples/sandbox.et").as_str()), "{document}");
    }
}

#[test]
fn commands_in_the_readme_and_the_documents_print_what_stands_there() {
    let (mut commands, mut pictures) = (0, 0);
    for document in documents() {
        let folder = workplace();
        for shown in shown_in(&document) {
            commands += 1;
            let output = Command::new(env!("CARGO_BIN_EXE_keyvm"))
                .args(&shown.arguments)
                .current_dir(folder.path())
                .output()
                .expect("the program runs");
            let text =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let text = text.concat();
            assert_eq!(output.status.code(), Some(shown.code), "{}: {text}", shown.place);
            let printed: Vec<&str> = text.lines().collect();
            let same = printed.len() == shown.lines.len()
                && printed.iter().zip(&shown.lines).all(|(printed, line)| line == "[..]" || printed == line);
            assert!(same, "{} prints\n{text}", shown.place);
        }
        pictures += compare_pictures(folder.path());
    }
    assert!(commands >= 8 && pictures == 1, "{commands} commands and {pictures} pictures were found");
}

/// Benchmarks take too long to be run here, but what a document tells to run is there.
#[test]
fn benchmarks_in_the_documents_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut commands = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("the document can be read");
        for command in text.split("cargo bench --bench ").skip(1) {
            let command = command.split(['\n', '`', '#']).next().expect("a command");
            let mut words = command.split_whitespace();
            let name = words.next().expect("a name");
            let folder = format!("benches/{}", name.replace('-', "_"));
            let files =
                [format!("benches/{name}.rs"), format!("{folder}/main.rs"), format!("{folder}/probe.rs")];
            let bench: String =
                files.iter().filter_map(|file| std::fs::read_to_string(root.join(file)).ok()).collect();
            assert!(!bench.is_empty(), "{}: no bench {name}", document.display());
            let names = |word: &&str| !word.starts_with("--") && word.parse::<u64>().is_err();
            let filter = words.filter(names).collect::<Vec<_>>();
            for word in filter {
                assert!(bench.contains(&format!("\"{word}\"")), "{}: {command}", document.display());
            }
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands} commands were found");
}
