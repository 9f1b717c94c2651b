//! Files that are read and written: nothing is lost, and nothing written on bad input.

use super::{Ran, command, documented, keyvm, program, temporary, written};
use std::path::{Path, PathBuf};

#[test]
fn what_build_writes_runs_as_its_source_does() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let built = keyvm("build -o", &[&image, &program("adds.kasm")]);
    assert_eq!((built.code, built.out.as_str(), built.err.as_str()), (Some(0), "", ""));
    let run = |path: &Path| command().arg("run").arg(path).args(["20", "22"]).output().unwrap();
    assert_eq!(run(&image), run(&program("adds.kasm")));
    assert_eq!(keyvm("hash", &[&image]), keyvm("hash", &[&program("adds.kasm")]));
}

#[test]
fn what_disasm_prints_builds_to_the_same_image() {
    let directory = temporary();
    for name in ["adds.kasm", "world.kasm", "fails.kasm", "echoes.kasm"] {
        let image = directory.path().join("i.blob");
        keyvm("run --slice 50 --snapshot", &[&image, &program(name)]);
        let printed = keyvm("disasm", &[&image]);
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        let text = written(&directory, "again.ism", &printed.out);
        let again = directory.path().join("again.blob");
        // The text's names and lines are others.
        let built = keyvm("build --strip -o", &[&again, &text]);
        assert_eq!(built.code, Some(0), "{}", built.err);
        assert_eq!(keyvm("build --strip -o", &[&image, &image]).code, Some(0));
        assert_eq!(std::fs::read(&image).unwrap(), std::fs::read(&again).unwrap(), "{name}");
    }
}

#[test]
fn an_image_is_known_by_its_beginning_whatever_its_name() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    keyvm("build -o", &[&image, &program("yields.kasm")]);
    for name in ["plain", "text.kasm", "picture.svg"] {
        let renamed = directory.path().join(name);
        std::fs::copy(&image, &renamed).unwrap();
        assert_eq!(keyvm("run", &[&renamed]).code, Some(0), "{name}");
    }
}

#[test]
fn assembly_is_known_by_its_name() {
    let directory = temporary();
    for (name, code) in
        [("a.kasm", 0), ("a.ism", 0), ("a.KASM", 0), ("a.asm", 2), ("kasm", 2), ("a.kasm.txt", 2)]
    {
        let path = written(&directory, name, "halt\n");
        assert_eq!(keyvm("run", &[&path]).code, Some(code), "{name}");
    }
}

#[test]
fn a_damaged_image_is_refused_by_every_command_with_one_message_and_nothing_is_written() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    keyvm("build -o", &[&image, &program("world.kasm")]);
    let good = std::fs::read(&image).unwrap();
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    damaged.extend((0..good.len()).step_by(97).map(|length| good[..length].to_vec()));
    damaged.push([&good[..], b"more"].concat());
    damaged.push(String::from_utf8_lossy(&good).replace("\r\n", "\n").into_bytes());
    for at in (8..120).step_by(13) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        damaged.push(bytes);
    }
    let bad = directory.path().join("bad.blob");
    let out = directory.path().join("out.blob");
    let svg = directory.path().join("out.svg");
    for bytes in damaged {
        std::fs::write(&bad, &bytes).unwrap();
        for (arguments, files) in [
            ("run --snapshot", vec![out.as_path(), &bad]),
            ("resume --snapshot", vec![&out, &bad]),
            ("build -o", vec![&out, &bad]),
            ("disasm", vec![&bad]),
            ("hash", vec![&bad]),
            ("jit", vec![&bad]),
            ("inspect", vec![&bad]),
            ("inspect --authority --json", vec![&bad]),
            ("graph -o", vec![&svg, &bad]),
        ] {
            let ran = keyvm(arguments, &files);
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments}");
            let message = format!("error: {}: ", bad.display());
            assert!(ran.err.starts_with(&message) && ran.err.lines().count() == 1, "{}", ran.err);
        }
        assert_eq!(std::fs::read(&bad).unwrap(), bytes);
        assert!(!out.exists() && !svg.exists());
    }
}

#[test]
fn random_bytes_are_refused() {
    let directory = temporary();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for length in [0, 1, 7, 8, 88, 1000] {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .take(length)
        .collect();
        let path = directory.path().join("junk");
        std::fs::write(&path, bytes).unwrap();
        let ran = keyvm("run", &[&path]);
        assert_eq!(ran.code, Some(2), "{length}: {}", ran.err);
    }
}

#[test]
fn assembly_that_is_not_text_is_refused_with_its_line() {
    let directory = temporary();
    let path = directory.path().join("a.kasm");
    std::fs::write(&path, b"halt\nhalt ; \xff\n").unwrap();
    let ran = keyvm("run", &[&path]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("line 2 is not UTF-8"), "{}", ran.err);
}

#[test]
fn a_file_that_is_there_survives_bad_input() {
    let directory = temporary();
    let precious = directory.path().join("precious.blob");
    keyvm("build -o", &[&precious, &program("world.kasm")]);
    let bytes = std::fs::read(&precious).unwrap();
    for (arguments, name) in [
        ("build -o", "wrong.kasm"),
        ("build -o", "forged.kasm"),
        ("run --snapshot", "wrong.kasm"),
        ("run --grant disk --snapshot", "halts.kasm"),
        ("run --engine warp --snapshot", "halts.kasm"),
        ("run --gas x --snapshot", "halts.kasm"),
    ] {
        assert_eq!(keyvm(arguments, &[&precious, &program(name)]).code, Some(2), "{arguments} {name}");
        assert!(std::fs::read(&precious).unwrap() == bytes, "{arguments} {name}");
    }
}

#[test]
fn only_a_file_of_the_same_kind_is_replaced() {
    let directory = temporary();
    let halts = program("halts.kasm");
    let image = directory.path().join("image");
    keyvm("build -o", &[&image, &halts]);
    for (arguments, name, kind) in [
        ("run --snapshot", "notes", "an image"),
        ("build -o", "notes.txt", "an image"),
        ("graph -o", "icon.svg", "a drawing of this command"),
        ("graph -o", "tree.dot", "a drawing of this command"),
    ] {
        let write = |path: &Path| keyvm(arguments, &[path, &halts]);
        for text in
            ["# Notes\n", "K", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "digraph a { b -> c }\n"]
        {
            let path = written(&directory, name, text);
            let message = format!(
                "error: {}: there is a file that is not {kind}, and {kind} does not replace it; give another name, or \
                 remove the file first\n",
                path.display()
            );
            let refused = Ran { code: Some(2), out: String::new(), err: message };
            assert_eq!(write(&path), refused, "{arguments} {name}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{arguments} {name}");
        }
        let path = written(&directory, name, "");
        assert_eq!(write(&path).code, Some(0), "{arguments}, over an empty file");
        let first = std::fs::read(&path).unwrap();
        assert_eq!(write(&path).code, Some(0), "{arguments}, over its own");
        assert_eq!(std::fs::read(&path).unwrap(), first, "{arguments}");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(write(&path).code, Some(0), "{arguments}, over nothing");
        assert!(!first.is_empty() && std::fs::read(&path).unwrap() == first, "{arguments}");
    }
    // An image is no drawing, whatever its name is.
    let image_as_drawing = directory.path().join("image.svg");
    std::fs::copy(&image, &image_as_drawing).unwrap();
    assert_eq!(keyvm("graph -o", &[&image_as_drawing, &halts]).code, Some(2));
}

#[test]
fn the_input_is_not_overwritten_by_something_else() {
    let directory = temporary();
    let text = written(&directory, "a.kasm", "halt\n");
    let link = directory.path().join("link.blob");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&text, &link).unwrap();
    for target in [&text, &link] {
        if target.exists() {
            assert_eq!(keyvm("build -o", &[target, &text]).code, Some(2));
            assert_eq!(keyvm("run --snapshot", &[target, &text]).code, Some(2));
        }
    }
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "halt\n");
    // An image that has the name of a drawing.
    let image = directory.path().join("i.svg");
    keyvm("build -o", &[&image, &text]);
    let ran = keyvm("graph -o", &[&image, &image]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(keyvm("hash", &[&image]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn a_directory_that_takes_no_files_is_found_out_before_anything_runs() {
    use std::os::unix::fs::PermissionsExt;
    let directory = temporary();
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Who may do everything may do this too.
    if std::fs::write(closed.join("x"), "").is_err() {
        let ran = keyvm("run --snapshot", &[&closed.join("i.blob"), &program("yields.kasm")]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_closed_output_ends_every_command_quietly_and_a_run_is_saved() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let counts = program("counts.kasm");
    let all: [&[&Path]; 4] = [
        &[Path::new("run"), &counts, Path::new("--snapshot"), &image],
        &[Path::new("disasm"), &counts],
        &[Path::new("inspect"), &counts],
        &[Path::new("hash"), &counts],
    ];
    for arguments in all {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command().args(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
    assert_eq!(keyvm("resume --max-yields 1", &[&image]).code, Some(124));
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_an_error_and_the_run_is_saved() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let counts = program("counts.kasm");
    let output = command().arg("run").arg(&counts).arg("--snapshot").arg(&image).stdout(full()).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: standard output: "));
    assert_eq!(keyvm("resume --max-yields 1", &[&image]).code, Some(124));
    let output = command().arg("disasm").arg(&counts).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_is_no_text_is_told_with_what_to_do() {
    let directory = temporary();
    for (bytes, message) in [
        (&b""[..], "this file is empty"),
        (b"nop\n\xff\n", "line 2 is not UTF-8 text (at byte 4); save the file as UTF-8"),
        (b"\xff\xfen\0o\0p\0", "this is UTF-16 text; save it as UTF-8"),
    ] {
        let path = directory.path().join("text.kasm");
        std::fs::write(&path, bytes).unwrap();
        for command in ["run", "hash", "disasm", "inspect", "resume"] {
            let ran = keyvm(command, &[&path]);
            let wanted = format!("error: {}: {message}\n", path.display());
            assert_eq!((ran.code, ran.err), (Some(2), wanted), "{command}");
        }
    }
    let marked = directory.path().join("marked.kasm");
    std::fs::write(&marked, "\u{feff}return 1 (7)\r\n").unwrap();
    assert_eq!(keyvm("run", &[&marked]).out, "7\n");
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_printed_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command().arg("--help").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: standard output: "));
}

#[test]
fn an_empty_file_is_a_program() {
    let directory = temporary();
    let path = written(&directory, "empty.et", "\n");
    assert_eq!(keyvm("fmt", &[&path]).code, Some(0));
    assert_eq!(std::fs::read(&path).expect("it is there"), b"");
    for command in ["run", "check", "fmt --check"] {
        let ran = keyvm(command, &[&path]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{command}");
    }
}

/// The commands in the document are those that are given here.
#[test]
fn formatting_goes_as_it_is_written_down() {
    let directory = temporary();
    let path = written(&directory, "sums.et", "x=f( 1,2 )  # sum\n\n\ndef f(a,b): return a+b\n");
    let mut shown = String::new();
    for arguments in ["fmt --check sums.et", "fmt sums.et", "fmt --check sums.et"] {
        let ran =
            command().current_dir(directory.path()).args(arguments.split(' ')).output().expect("it starts");
        shown += &format!("$ keyvm {arguments}\n{}", String::from_utf8_lossy(&ran.stderr));
        let is_wrong = !ran.stderr.is_empty();
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(if is_wrong { 2 } else { 0 }), 0));
    }
    assert_eq!(shown.trim_end(), documented("Formatting programs", "$ keyvm fmt --check sums.et"));
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert_eq!(text, "x = f(1, 2)  # sum\n\ndef f(a, b): return a + b\n");
}

#[test]
fn a_program_with_a_mistake_of_syntax_is_not_formatted_and_others_are() {
    let directory = temporary();
    let (wrong, odd) = ("x = (1\n", "y  =  z\n");
    let paths = [written(&directory, "wrong.et", wrong), written(&directory, "odd.et", odd)];
    let ran = keyvm("fmt", &[directory.path()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.starts_with("error: `(` is not closed"), "{}", ran.err);
    let texts = paths.map(|path| std::fs::read_to_string(path).expect("it is there"));
    assert_eq!(texts, [wrong, "y = z\n"]);
    // There is no standard input to format.
    assert_eq!(keyvm("fmt -", &[]).code, Some(2));
}

#[cfg(unix)]
#[test]
fn links_out_of_a_folder_are_not_followed_by_commands_for_folders() {
    use std::os::unix::fs::symlink;
    let directory = temporary();
    let odd = "def test_it( ):\n    assert   false\n";
    let outside = written(&directory, "outside.et", odd);
    let folder = directory.path().join("folder");
    std::fs::create_dir(&folder).expect("it can be made");
    symlink("../outside.et", folder.join("link.et")).expect("it can be made");
    symlink("/etc/passwd", folder.join("evil.et")).expect("it can be made");
    let inside = folder.join("inside.et");
    std::fs::write(&inside, "x  =  1\n").expect("it can be written");
    symlink("inside.et", folder.join("within.et")).expect("it can be made");
    let ran = keyvm("fmt", &[&folder]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&outside).expect("it is there"), odd);
    assert_eq!(std::fs::read_to_string(&inside).expect("it is there"), "x = 1\n");
    let ran = keyvm("test", &[&folder]);
    assert!(!ran.out.contains("test_it") && !ran.err.contains("root:"), "{}{}", ran.out, ran.err);
}

#[test]
fn files_of_a_corpus_that_are_refused_are_left_out_with_a_warning() {
    let directory = temporary();
    written(&directory, "good.kasm", "return 1 (2)\n");
    written(&directory, "notes.txt", "nothing\n");
    let refused = ["a.kasm", "b.et", "c.blob"].map(|name| written(&directory, name, "yield yield\n"));
    let ran = keyvm("fuzz --target kernel --runs 5 --jobs 1 --corpus", &[directory.path()]);
    let warning = |path: &PathBuf| {
        format!("warning: {} is left out: `keyvm inspect` says why it is refused\n", path.display())
    };
    assert_eq!((ran.code, ran.err), (Some(0), refused.iter().map(warning).collect()));
    for path in &refused {
        let ran = keyvm("inspect", &[path]);
        assert!(ran.code == Some(2) && ran.err.starts_with("error: "), "{}", ran.err);
    }
}
