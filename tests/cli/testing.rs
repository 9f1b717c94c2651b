//! `keyvm test`: what it does besides what it prints.

use super::{Ran, command, documented, keyvm, program, temporary, without_numbers, written};
use std::path::Path;

fn tested(arguments: &str, path: &Path) -> Ran {
    keyvm(&format!("test {arguments}"), &[path])
}

/// The library's own tests, in the language.
#[test]
fn the_library_passes_its_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lang/tests/std");
    let interpreted = tested("--engine interp --jobs 1", &folder);
    assert_eq!(interpreted.code, Some(0), "{}", interpreted.out);
    for name in std::fs::read_dir(&folder).expect("the folder is there") {
        let name = name.expect("it can be read").file_name();
        let name = name.to_str().expect("names are text");
        assert!(interpreted.out.contains(&format!("{name}: test_")), "{name} has tests");
    }
    assert!(interpreted.out.contains("result: ok; "), "{}", interpreted.out);
    // Which engine runs them, and how many at a time, changes nothing, not even the gas.
    assert_eq!(tested("--engine jit --jobs 3", &folder), interpreted);
}

#[test]
fn each_test_has_its_own_budget() {
    let directory = temporary();
    let text = "def spend(n):\n    while n > 0: n -= 1\ndef test_little():\n    spend(10)\ndef test_much():\n    \
                spend(1000)\ndef test_little_again():\n    spend(10)\n";
    let path = written(&directory, "budgets.et", text);
    let ran = tested("--gas 1000", &path);
    let verdicts: Vec<_> = ran.out.lines().filter_map(|line| line.split_once(" ... ")).collect();
    assert_eq!(ran.code, Some(1));
    assert_eq!(verdicts.len(), 3);
    assert!(verdicts[0].1.starts_with("ok") && verdicts[2].1.starts_with("ok"), "{}", ran.out);
    assert_eq!(verdicts[1].1, "FAILED, 1000 gas");
    assert!(ran.out.contains("out of gas after 1000: the next instruction needs"), "{}", ran.out);
    assert_eq!(tested("--gas 100000 --filter much", &path).code, Some(0));
}

#[test]
fn a_test_without_words_fails_before_it_begins() {
    let directory = temporary();
    let path = written(&directory, "empty.et", "def test_nothing(): pass\n");
    let ran = tested("--words 10", &path);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.out.contains("out of words: its program takes "), "{}", ran.out);
}

/// What a test leaves behind, no other one finds.
#[test]
fn tests_know_nothing_of_one_another() {
    let directory = temporary();
    let text = "def test_first():\n    $store64(2, 0, 8, 8)\n    $memresize(2, 1)\ndef test_second():\n    assert \
                $size(2) > 1\n    assert len(bytes(100)) == 100\n";
    let path = written(&directory, "apart.et", text);
    let ran = tested("--jobs 1", &path);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
}

#[test]
fn of_endless_output_a_part_is_shown() {
    let directory = temporary();
    let text = "def test_talk():\n    while: print(\"talk, talk, talk\")\n";
    let path = written(&directory, "talk.et", text);
    let ran = tested("--gas 3000000", &path);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.len() < 100_000, "{}", ran.out.len());
    assert!(ran.out.contains("bytes more …"));
}

#[test]
fn tests_that_nobody_reads_end() {
    let mut child = command()
        .args(["test", "--gas", "10000"])
        .arg(program("tests"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("keyvm starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
}

/// What the document shows is what is printed.
#[test]
fn tests_are_told_of_as_it_is_written_down() {
    let directory = temporary();
    let text = "def sum(u[] l) -> u:\n    s = 0\n    for x in l: s += x\n    return s\n\ndef test_twice():\n    assert \
                sum([4, 4]) == 8, \"twice 4\"\n\ndef test_sum():\n    print(\"what the test wrote\")\n    assert sum([1, \
                2]) == 4, \"the sum of 1 and 2\"\n";
    written(&directory, "sums.et", text);
    let ran = command().args(["test", "sums.et"]).current_dir(directory.path()).output();
    let ran: Ran = ran.expect("keyvm starts").into();
    let shown = documented("Testing programs", "$ keyvm test sums.et");
    assert_eq!(shown, format!("$ keyvm test sums.et\n{}", without_numbers(ran.out.trim_end())));
}
