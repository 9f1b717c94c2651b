//! Ctrl-C, and other signals that ask to end.
#![cfg(unix)]

use super::{Ran, command, keyvm, program, temporary};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn start(name: &str, options: &[&Path]) -> Child {
    start_by(command(), name, options)
}

/// As [`start`], where hangups are not ignored, as they are below `nohup`.
fn start_heeding_hangups(name: &str, options: &[&Path]) -> Child {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP").arg(env!("CARGO_BIN_EXE_keyvm"));
    start_by(env, name, options)
}

fn start_by(mut command: Command, name: &str, options: &[&Path]) -> Child {
    command
        .arg("run")
        .arg(program(name))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("keyvm starts")
}

/// Sends what Ctrl-C sends.
fn interrupt(child: &Child) {
    send("-INT", child);
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
}

#[test]
fn an_endless_program_is_interrupted_and_goes_on_from_its_snapshot() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let mut child = start("counts.kasm", &[Path::new("--snapshot"), &image]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "1");
    interrupt(&child);
    let last = lines.last().map_or(1, |line| line.unwrap().parse::<u64>().unwrap());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(130));
    assert!(ran.err.starts_with("interrupted after "), "{}", ran.err);
    assert!(ran.err.contains("\n  process 3 (root), in next at "), "{}", ran.err);
    let ran = keyvm("resume --max-yields 1", &[&image]);
    assert_eq!((ran.code, ran.out), (Some(124), format!("{}\n", last + 1)));
}

#[test]
fn a_silent_endless_program_is_interrupted() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let child = start("spins.kasm", &[Path::new("--snapshot"), &image, Path::new("--json")]);
    // It says nothing by which one could see that it listens to Ctrl-C already.
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, &ran.json()["status"]), (Some(130), &"interrupted".into()));
    assert_eq!(ran.json()["state_hash"], keyvm("hash", &[&image]).out.trim());
}

#[test]
fn a_program_that_waits_for_input_is_interrupted_and_asks_again_from_its_snapshot() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let mut child = start("echoes.kasm", &[Path::new("--snapshot"), &image]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"abc\n").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "3\n");
    std::thread::sleep(Duration::from_millis(100));
    interrupt(&child);
    lines.read_to_string(&mut line).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, line.as_str()), (Some(130), "3\n"), "{}", ran.err);
    drop(input);
    let mut child = command()
        .arg("resume")
        .arg(&image)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"defgh\ni").unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "5\n1\n"), "{}", ran.err);
}

#[test]
fn two_interrupts_are_as_one() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let child = start("spins.kasm", &[Path::new("--snapshot"), &image]);
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    interrupt(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(keyvm("hash", &[&image]).code, Some(0));
}

#[test]
fn who_is_told_to_end_saves_before() {
    for signal in ["-TERM", "-HUP"] {
        let directory = temporary();
        let image = directory.path().join("i.blob");
        let mut child = start_heeding_hangups("counts.kasm", &[Path::new("--snapshot"), &image]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "1");
        send(signal, &child);
        let last = lines.last().map_or(1, |line| line.unwrap().parse::<u64>().unwrap());
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!(ran.code, Some(130), "{signal}");
        assert!(ran.err.starts_with("interrupted after "), "{}", ran.err);
        let ran = keyvm("resume --max-yields 1", &[&image]);
        assert_eq!((ran.code, ran.out), (Some(124), format!("{}\n", last + 1)));
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let file = program("counts.kasm");
    let script = format!("trap '' HUP; exec '{}' run '{}'", env!("CARGO_BIN_EXE_keyvm"), file.display());
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "1");
    send("-HUP", &child);
    let more = lines.by_ref().take(200_000).map(|line| line.unwrap().parse::<u64>().unwrap()).last();
    assert_eq!(more, Some(200_001));
    send("-TERM", &child);
    lines.for_each(drop);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(130), "{}", ran.err);
}

/// A search that goes on for minutes, and has begun.
fn search(folder: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command()
        .args(["fuzz", "--target", "asm", "--seconds", "600", "--jobs", "1"])
        .current_dir(folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("keyvm starts");
    // It says nothing by which one could see that it listens to Ctrl-C already.
    std::thread::sleep(Duration::from_millis(500));
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    (child, output)
}

#[test]
fn a_search_that_is_interrupted_tells_how_far_it_is() {
    let directory = temporary();
    let (child, mut output) = search(directory.path());
    interrupt(&child);
    let mut told = String::new();
    output.read_to_string(&mut told).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (Some(130), ""));
    assert!(told.starts_with("asm: ") && told.contains(" 0 findings in "), "{told}");
}

/// Whoever reads its output hears the end of it: no process goes on.
#[test]
fn a_search_ends_with_whoever_waits_for_it() {
    let directory = temporary();
    let (mut child, mut output) = search(directory.path());
    send("-KILL", &child);
    assert_eq!(child.wait().unwrap().code(), None);
    let mut told = String::new();
    output.read_to_string(&mut told).unwrap();
    assert!(told.contains(" 0 findings in "), "{told}");
}
