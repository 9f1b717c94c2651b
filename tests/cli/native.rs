//! What users see of the compiler.

use super::{command, keyvm, program, temporary, written};
use std::process::Stdio;

#[test]
fn stats_are_a_part_of_the_line_of_json_if_both_are_asked_for() {
    let ran = keyvm("run --engine jit --stats --json", &[&program("sums.kasm")]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let stats = &ran.json()["stats"];
    let (compiled, native) = (&stats["compiled"], &stats["native"]);
    // Compiled quickly, and optimized too if that was done before the program ended.
    let batches = compiled["batches"].as_u64().unwrap();
    assert!((1..=2).contains(&batches) && compiled["optimized"].as_u64().unwrap() < batches, "{compiled}");
    assert_eq!(compiled["instructions"], 15 * batches);
    assert!(compiled["bytes"].as_u64().unwrap() > 0 && compiled["nanoseconds"].as_u64().unwrap() > 0);
    assert_eq!(compiled["refused"], 0);
    assert_eq!((&native["entries"], &native["exits"]["kernel"]), (&1.into(), &1.into()));
    let share = native["instructions"].as_f64().unwrap() / ran.json()["instructions"].as_f64().unwrap();
    assert!((native["share"].as_f64().unwrap() - share).abs() < 1e-9);
    let exits = native["exits"].as_object().unwrap();
    let names = ["gas", "check", "kernel", "return", "edge", "room", "helper", "callee"];
    assert_eq!(exits.len(), names.len());
    assert!(names.iter().all(|&name| exits.contains_key(name)));
}

#[test]
fn a_resumed_image_runs_natively_too_and_ends_the_same() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let whole = keyvm("run --json --engine interp", &[&program("sums.kasm")]);
    let mut ran =
        keyvm("run --json --engine jit --slice 100001 --snapshot", &[&image, &program("sums.kasm")]);
    for engine in ["jit", "interp", "auto"].into_iter().cycle() {
        if ran.code != Some(125) {
            break;
        }
        let arguments = format!("resume --json --slice 100001 --engine {engine} --snapshot");
        ran = keyvm(&arguments, &[&image, &image]);
        assert_eq!(ran.json()["engine"], engine);
    }
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.json()["state_hash"], whole.json()["state_hash"]);
    assert_eq!(ran.json()["gas_used"], whole.json()["gas_used"]);
}

#[test]
fn the_machine_code_stands_below_the_instruction_it_is_for() {
    let ran = keyvm("jit --asm --entry", &["sum".as_ref(), &program("sums.kasm")]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let (_, code) = ran.out.split_once("; 14: ret").expect("the last instruction");
    if cfg!(target_arch = "x86_64") {
        assert!(code.contains("  c3                      ret\n"), "{code}");
    }
    let begins = ran.out.lines().filter(|line| line.starts_with("; 6: add"));
    assert!(begins.count() >= 1, "{}", ran.out);
    let called = keyvm("jit --asm", &[&program("sums.kasm")]).out;
    assert!(called.contains("; subroutine 3 sum\n"), "{called}");
}

#[test]
fn the_intermediate_representation_names_the_instructions() {
    let ran = keyvm("jit --clif", &[&program("varies.kasm")]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for shown in ["function u0:0(i64)", "region1 = 1 \"memory\"", "br_table", "\n@0000 "] {
        assert!(ran.out.contains(shown), "{shown}: {}", ran.out);
    }
}

#[test]
fn an_image_is_shown_from_where_it_stopped() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    keyvm("run --slice 100 --snapshot", &[&image, &program("sums.kasm")]);
    let ran = keyvm("jit", &[&image]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(!ran.out.contains("entry 0,") && ran.out.contains("\nentry "), "{}", ran.out);
    let all = keyvm("jit --all", &[&image]).out;
    assert!(all.contains("\nentry 0, height 0:") && all.contains("\nsubroutine 3 "), "{all}");
}

#[cfg(target_os = "linux")]
#[test]
fn perf_finds_the_name_of_each_native_function() {
    let directory = temporary();
    let child = command()
        .args(["run", "--engine", "jit", "--perf", "--stats", "--json"])
        .arg(program("sums.kasm"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("keyvm starts");
    let map = format!("/tmp/perf-{}.map", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let text = std::fs::read_to_string(&map).expect("the map is there");
    std::fs::remove_file(&map).expect("it is ours");
    let listed = keyvm("jit", &[&program("sums.kasm")]).out;
    let hash = listed.split("hash ").nth(1).and_then(|rest| rest.get(..8)).expect("a hash");
    let names: Vec<&str> = text.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap()).collect();
    assert_eq!(names, [format!("keyvm:{hash}:0/entry"), format!("keyvm:{hash}:sum")]);
    for line in text.lines() {
        let numbers = line.split(' ').take(2).map(|number| u64::from_str_radix(number, 16).unwrap());
        assert!(numbers.into_iter().all(|number| number > 0), "{line}");
    }
    // A stripped image has no labels.
    let image = directory.path().join("i.blob");
    keyvm("build --strip -o", &[&image, &program("sums.kasm")]);
    let child =
        command().args(["run", "--engine", "jit", "--perf"]).arg(&image).stdout(Stdio::null()).spawn();
    let mut child = child.expect("keyvm starts");
    let map = format!("/tmp/perf-{}.map", child.id());
    assert!(child.wait().unwrap().success());
    let text = std::fs::read_to_string(&map).expect("the map is there");
    std::fs::remove_file(&map).expect("it is ours");
    assert!(text.ends_with(&format!(" keyvm:{hash}:3\n")), "{text}");
}

#[test]
fn a_switch_with_a_table_of_many_targets_is_listed_shortly() {
    let directory = temporary();
    let targets = vec![":x"; 40].join(", ");
    let text = format!("        switch [{targets}] (numkeys)\nx:      halt\n");
    let ran = keyvm("jit --asm", &[&written(&directory, "s.kasm", &text)]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("… 40 in all"), "{}", ran.out);
}

#[test]
fn calls_and_jumps_are_shown_with_the_names_that_are_known() {
    let directory = temporary();
    let text = "call(call(9, :third), :again)\nhalt\nfunc third 1 -> 1\nparams n\nret(div(get n, 3))\n\
                func again 1 -> 0\nmore: jump :more\n";
    let source = written(&directory, "it.kasm", text);
    let stripped = directory.path().join("it.blob");
    assert_eq!(keyvm("build --strip -o", &[&stripped, &source]).code, Some(0));
    let [named, nameless] = [&source, &stripped].map(|file| keyvm("jit --asm --clif", &[file]).out);
    for name in ["1: call :third\n", ": func third 1 -> 1\n", "2: call :again\n", "more: jump :more\n"] {
        assert!(named.contains(name), "{name} is not in\n{named}");
    }
    for name in ["1: call :F4\n", ": func F4 1 -> 1\n", "2: call :F9\n", "10: jump :L10\n"] {
        assert!(nameless.contains(name), "{name} is not in\n{nameless}");
    }
}
