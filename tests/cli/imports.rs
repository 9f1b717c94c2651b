//! What programs import, and where it is looked for.

use super::{keyvm, temporary, written};
use std::path::Path;

/// What a program in a folder with these files prints, or what is wrong with it.
fn run(files: &[(&str, &str)]) -> (String, String) {
    let directory = temporary();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
    let ran = keyvm("run", &[&directory.path().join("main.et")]);
    (ran.out, ran.err)
}

#[test]
fn a_file_with_the_name_of_one_that_only_the_library_imports_is_ones_own_but_not_for_the_library() {
    let own = "def allocate() -> u:\n    return 1\ndef show() -> u:\n    return 2\ndef sum() -> u:\n    return 3\ndef take() -> u:\n    return 4\n";
    for name in ["runtime", "tables", "border", "flat"] {
        let main = format!(
            "import {name}\nimport numbers\nprint({name}.allocate(), {name}.show(), {name}.sum(), {name}.take(), 1.5)\n\
             print(numbers.fixed(2.5, 2), {{\"a\": [1]}}[\"a\"][0])\n"
        );
        let (out, err) = run(&[("main.et", &main), (&format!("{name}.et"), own)]);
        assert_eq!((out.as_str(), err.as_str()), ("1 2 3 4 1.5\n2.50 1\n", ""), "{name}");
    }
}

#[test]
fn a_file_with_the_name_of_one_of_the_library_is_refused() {
    for name in ["floats", "naturals", "lists", "input"] {
        let main = format!("import {name}\nimport other\nprint({name}.anything(), other.N, 1 + \"a\")\n");
        let other = format!("import {name}\nconst N = 1\n");
        let file = format!("{name}.et");
        // Nothing is said of what would only follow: not even that it is no file to import.
        let (out, err) = run(&[("main.et", &main), ("other.et", &other), (&file, "x = 1\n")]);
        assert_eq!(out, "");
        assert_eq!(err.matches("error:").count(), 3, "{err}");
        assert_eq!(err.matches(&format!("error: there are two files `{name}`")).count(), 2, "{err}");
        assert!(err.contains(&format!("{name}.et, and one of the library")), "{err}");
    }
    // Where nothing imports it, there is nothing to tell apart.
    let files = [("main.et", "import lists\nprint(lists.sum([1, 2]))\n"), ("strings.et", "x = 1\n")];
    assert_eq!(run(&files), ("3\n".to_owned(), String::new()));
}

#[test]
fn what_only_the_library_may_do_is_not_imported() {
    for name in ["runtime", "border", "flat", "slots"] {
        let (out, err) = run(&[("main.et", &format!("import {name}\nprint({name}.allocate(8))\n"))]);
        assert_eq!(out, "");
        assert!(err.contains(&format!("there is no file `{name}.et`")), "{err}");
    }
}

#[test]
fn files_are_imported_from_the_folder_of_the_program_alone() {
    let (out, err) = run(&[
        ("main.et", "import a\nprint(a.of_b())\n"),
        ("a.et", "import b\ndef of_b() -> u:\n    return b.N\n"),
        ("b.et", "const N = 7\n"),
        ("c/b.et", "const N = 8\n"),
    ]);
    assert_eq!((out.as_str(), err.as_str()), ("7\n", ""));
    for import in ["../a", "/etc/passwd", "c.b", "\"a\"", "a, b", "c/b"] {
        let (out, err) = run(&[("main.et", &format!("import {import}\n")), ("a.et", ""), ("b.et", "")]);
        assert_eq!(out, "", "{import}");
        assert!(err.contains("import"), "{import}: {err}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let [directory, other] = [temporary(), temporary()];
    let main = written(&directory, "main.et", "import secret\nprint(secret.N)\n");
    let secret = written(&other, "secret.et", "const N = 5\n");
    let link = directory.path().join("secret.et");
    std::os::unix::fs::symlink(&secret, &link).expect("it can be done");
    let ran = keyvm("run", &[&main]);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("this is a link that leads out of the folder of the program"), "{}", ran.err);
    // A link within it is, and so is what lies beside a program that is itself reached by a link.
    let within = directory.path().join("other.et");
    written(&directory, "here.et", "const N = 6\n");
    std::fs::remove_file(&link).expect("it can be done");
    std::os::unix::fs::symlink(Path::new("here.et"), &link).expect("it can be done");
    assert_eq!(keyvm("run", &[&main]).out, "6\n");
    std::os::unix::fs::symlink(&main, &within).expect("it can be done");
    assert_eq!(keyvm("run", &[&within]).out, "6\n");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let directory = temporary();
    let main = written(&directory, "main.et", "import other\nprint(other.N)\n");
    let other = directory.path().join("other.et");
    let refused = || {
        let ran = keyvm("check", &[&main]);
        assert!(ran.err.contains("this is not a regular file"), "{}", ran.err);
        assert_eq!(ran.code, Some(2));
    };
    let made = std::process::Command::new("mkfifo").arg(&other).status().expect("it can be run");
    assert!(made.success());
    refused();
    std::fs::remove_file(&other).expect("it can be done");
    std::os::unix::fs::symlink("/dev/zero", &other).expect("it can be done");
    refused();
    std::fs::remove_file(&other).expect("it can be done");
    std::fs::create_dir(&other).expect("it can be done");
    refused();
}

#[test]
fn imports_in_a_circle_and_files_that_are_no_text_are_told_of() {
    let (out, err) = run(&[
        ("main.et", "import a\nprint(a.N)\n"),
        ("a.et", "import b\nconst N = b.N\n"),
        ("b.et", "import a\nconst N = a.N\n"),
    ]);
    assert_eq!(out, "");
    assert!(err.contains("files import each other in a circle"), "{err}");
    let (_, err) = run(&[("main.et", "import main\n")]);
    assert!(err.contains("error: this file imports itself"), "{err}");
    assert_eq!(err.matches("error:").count(), 1, "{err}");
    let directory = temporary();
    let main = written(&directory, "main.et", "import a\n");
    std::fs::write(directory.path().join("a.et"), [0xff, 0, b'x']).expect("it can be done");
    let ran = keyvm("run", &[&main]);
    assert!(ran.err.contains("is not UTF-8"), "{}", ran.err);
    std::fs::remove_file(directory.path().join("a.et")).expect("it can be done");
    std::fs::create_dir(directory.path().join("a.et")).expect("it can be done");
    let ran = keyvm("run", &[&main]);
    assert!(ran.err.contains("this is not a regular file"), "{}", ran.err);
}
