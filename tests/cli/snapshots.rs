//! Every stop leaves an image that `resume` goes on with.

use super::{Ran, keyvm, program, temporary};
use std::path::Path;

/// Runs a program with options and a snapshot.
fn run(name: &str, options: &str, snapshot: &Path) -> Ran {
    keyvm(&format!("run --json {options} --snapshot"), &[snapshot, &program(name)])
}

fn resume(options: &str, snapshot: &Path) -> Ran {
    keyvm(&format!("resume --json {options} --snapshot"), &[snapshot, snapshot])
}

fn hash(image: &Path) -> String {
    keyvm("hash", &[image]).out.trim().to_owned()
}

#[test]
fn a_run_cut_into_slices_ends_as_one_that_was_not() {
    let directory = temporary();
    let (whole, cut) = (directory.path().join("whole.blob"), directory.path().join("cut.blob"));
    let at_once = run("yields.kasm", "", &whole);
    assert_eq!(at_once.code, Some(0));
    let mut ran = run("yields.kasm", "--slice 5", &cut);
    let mut lines: Vec<String> = ran.results().into_iter().map(str::to_owned).collect();
    let mut pauses = 0;
    while ran.code == Some(125) {
        assert_eq!(ran.json()["status"], "paused");
        assert_eq!(ran.json()["state_hash"], hash(&cut));
        pauses += 1;
        ran = resume("--slice 5", &cut);
        lines.extend(ran.results().into_iter().map(str::to_owned));
    }
    assert!(pauses >= 4, "{pauses}");
    assert_eq!(ran.code, Some(0));
    assert_eq!(lines, at_once.results());
    assert_eq!(ran.json()["gas_used"], at_once.json()["gas_used"]);
    assert_eq!(ran.json()["state_hash"], at_once.json()["state_hash"]);
    assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&cut).unwrap());
}

#[test]
fn after_max_yields_the_next_yield_comes() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let ran = run("counts.kasm", "--max-yields 2", &image);
    assert_eq!((ran.code, ran.results()), (Some(124), vec!["1", "2"]));
    assert_eq!((&ran.json()["status"], &ran.json()["yields"]), (&"yield_limit".into(), &2.into()));
    let ran = resume("--max-yields 2", &image);
    assert_eq!((ran.code, ran.results()), (Some(124), vec!["3", "4"]));
}

#[test]
fn out_of_gas_goes_on_with_more_gas_and_only_then() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let ran = run("counts.kasm", "--gas 30", &image);
    assert_eq!((ran.code, ran.results()), (Some(122), vec!["1", "2", "3"]));
    assert_eq!(ran.json()["status"], "out_of_gas");
    assert!(ran.err.contains("go on with: keyvm resume"), "{}", ran.err);
    let ran = resume("", &image);
    assert_eq!((ran.code, ran.results()), (Some(122), vec![]));
    let used = ran.json()["gas_used"].as_u64().unwrap();
    let ran = resume("--gas 20", &image);
    assert_eq!((ran.code, ran.results()), (Some(122), vec!["4", "5"]));
    let budget = ran.json()["gas_used"].as_u64().unwrap() + ran.json()["gas_left"].as_u64().unwrap();
    assert_eq!(budget, used + 20);
}

#[test]
fn fewer_words_than_are_in_use_are_refused() {
    let used = keyvm("run --slice 0 --json", &[&program("eats.kasm")]).json()["words_used"].as_u64().unwrap();
    let ran = keyvm(&format!("run --words {}", used - 1), &[&program("eats.kasm")]);
    let message = format!(
        "error: --words {}: {used} words are in use already; at least --words {used} is needed\n",
        used - 1
    );
    assert_eq!(ran, Ran { code: Some(2), out: String::new(), err: message });
    assert_eq!(keyvm(&format!("run --slice 0 --words {used}"), &[&program("eats.kasm")]).code, Some(125));
}

#[test]
fn out_of_words_goes_on_with_more_words_and_only_then() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let ran = run("eats.kasm", "--words 3000", &image);
    assert_eq!((ran.code, &ran.json()["status"]), (Some(123), &"out_of_words".into()));
    let before = ran.json()["words_used"].as_u64().unwrap();
    assert_eq!(resume("", &image).json()["words_used"], before);
    let ran = resume("--words 5500", &image);
    assert_eq!(ran.code, Some(123));
    assert_eq!(ran.json()["words_used"], before + 5000);
}

#[test]
fn options_of_resume_raise_limits_and_never_lower_them() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    run("counts.kasm", "--gas 1000 --words 1000 --slice 10", &image);
    let ran = resume("--gas 1 --words 1 --slice 10", &image);
    assert_eq!(ran.code, Some(125));
    assert_eq!(ran.json()["gas_left"], 1000 - 20);
    let words = ran.json()["words_left"].as_u64().unwrap() + ran.json()["words_used"].as_u64().unwrap();
    assert_eq!(words, 1000);
}

#[test]
fn an_image_without_limits_gets_those_of_the_options_or_the_defaults() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    assert_eq!(keyvm("build -o", &[&image, &program("spins.kasm")]).code, Some(0));
    let ran = keyvm("run --json --gas 100 --words 50", &[&image]);
    assert_eq!((ran.code, &ran.json()["gas_used"]), (Some(122), &100.into()));
    assert_eq!(ran.json()["words_left"], 50);
    let ran = keyvm("resume --json --slice 10", &[&image]);
    assert_eq!(ran.json()["gas_left"], 1_000_000_000_000_u64 - 10);
    assert_eq!(ran.json()["words_left"], 1 << 27);
}

#[test]
fn a_trap_happens_again_when_it_is_resumed() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    let ran = run("traps.kasm", "", &image);
    assert_eq!((ran.code, &ran.json()["trap"]), (Some(120), &"DivideByZero".into()));
    let again = resume("", &image);
    assert_eq!((again.code, again.results()), (Some(120), vec![]));
    // An image knows the lines of the text it was made of, but not the text.
    assert!(ran.err.contains(":3:9, index 4: div\n      div(1, 0)\n"), "{}", ran.err);
    assert_eq!(again.err, ran.err.replace("      div(1, 0)\n", ""));
    assert_eq!(again.err.lines().next(), ran.err.lines().next());
    assert_eq!(again.json()["state_hash"], ran.json()["state_hash"]);
}

#[test]
fn a_halted_process_stays_halted_and_a_returned_one_begins_anew() {
    let directory = temporary();
    let image = directory.path().join("i.blob");
    assert_eq!(run("halts.kasm", "", &image).json()["status"], "halted");
    let ran = resume("", &image);
    assert_eq!((ran.code, &ran.json()["instructions"]), (Some(0), &0.into()));
    let first = run("yields.kasm", "", &image);
    assert_eq!(first.json()["status"], "returned");
    assert_eq!(resume("", &image).results(), first.results());
}

#[test]
fn a_stopped_and_a_destroyed_process_stay_so() {
    let directory = temporary();
    for (name, status) in [("stops.kasm", "stopped"), ("destroys.kasm", "destroyed")] {
        let image = directory.path().join(name).with_extension("blob");
        for ran in [run(name, "", &image), resume("", &image)] {
            assert_eq!((ran.code, &ran.json()["status"]), (Some(121), &status.into()), "{}", ran.err);
        }
    }
}

#[test]
fn a_meter_inside_that_runs_dry_is_told_from_the_whole_budget() {
    let directory = temporary();
    let text = "meter whole { }\nmeter part under whole { gas_limit 10 }\ncode c {\nx: jump :x\n}\n\
                process p under part { code c standing }\n";
    let ran = keyvm("run", &[&super::written(&directory, "p.kasm", text)]);
    assert_eq!(ran.code, Some(122));
    assert!(ran.err.contains("a meter inside the image"), "{}", ran.err);
}

#[test]
fn json_is_one_object_with_its_fields_in_order_and_the_last_line() {
    let ran = keyvm("run --json", &[&program("speaks.kasm")]);
    assert_eq!(ran.results(), ["a", "1", "b"]);
    let line = ran.out.lines().last().unwrap();
    let fields: Vec<_> = line
        .trim_matches(['{', '}'])
        .split(',')
        .map(|field| field.split(':').next().unwrap().trim_matches('"'))
        .collect();
    assert_eq!(
        fields,
        [
            "status",
            "trap",
            "gas_used",
            "gas_left",
            "words_used",
            "words_left",
            "instructions",
            "processes",
            "yields",
            "state_hash",
            "engine"
        ]
    );
}

#[test]
fn the_words_of_meters_in_inspect_are_those_that_the_machine_counts() {
    let directory = temporary();
    for name in ["world.kasm", "eats.kasm", "yields.kasm", "adds.kasm"] {
        let image = directory.path().join("i.blob");
        let ran = run(name, "--slice 300 --words 9000", &image);
        let inspected = keyvm("inspect --json", &[&image]).json();
        let prime = &inspected["prime"];
        let meters = inspected["meters"].as_array().unwrap();
        let prime = meters.iter().find(|meter| meter["number"] == *prime).unwrap();
        assert_eq!(prime["words_used"], ran.json()["words_used"], "{name}");
        assert_eq!(prime["gas_used"], ran.json()["gas_used"], "{name}");
        assert_eq!(inspected["state_hash"], ran.json()["state_hash"], "{name}");
    }
}
