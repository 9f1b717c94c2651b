//! Every fault that can be planted in the compiler or the kernel is found by fuzzing, and stands in a table of
//! `docs/testing.md`.
//!
//! Each is looked for by a process of its own, as what it does to memory may end that: then it is found, too.

use keyvm_faults::{Fault, Found, KernelFault, Planted, search, used};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Processor time in which each is to be found: a minute of one processor.
const LIMIT: Duration = Duration::from_secs(60);
/// A run that has not ended after so much processor time will not end: whoever looks on sees that.
const STUCK: Duration = Duration::from_secs(10);
/// Has this program look for the fault that is named next.
const SEARCH: &str = "--search";

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1);
    if given.next().as_deref() == Some(SEARCH) {
        return look_for(&given.next().unwrap_or_default());
    }
    let arguments = Arguments::from_args();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut trials = vec![Trial::test("the_documentation_has_all_of_them", is_documented)];
    trials.extend(Planted::all().map(|planted| {
        let (name, lines) = (planted.name(), Arc::clone(&lines));
        Trial::test(name.clone(), move || is_found(&name, &lines))
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.sort();
    for line in &*lines {
        println!("{line}");
    }
    conclusion.exit_code()
}

/// Looks for a fault, in a process that does nothing else: says which runs begin, and what it has come to.
fn look_for(name: &str) -> ExitCode {
    let Some(planted) = Planted::all().find(|planted| planted.name() == name) else {
        eprintln!("no fault is called {name}");
        return ExitCode::FAILURE;
    };
    let begun = Arc::new(Mutex::new(used()));
    let watched = Arc::clone(&begun);
    thread::spawn(move || {
        let since = || used().saturating_sub(*watched.lock().unwrap_or_else(PoisonError::into_inner));
        while since() < STUCK {
            thread::sleep(Duration::from_millis(50));
        }
        println!("found the run does not end");
        std::process::exit(0);
    });
    let mut begin = |seed| {
        *begun.lock().unwrap_or_else(PoisonError::into_inner) = used();
        // What is written to a pipe that nobody reads any more needs not be written.
        let _ = writeln!(io::stdout(), "run {seed}");
    };
    let Found { what, time } = search(planted, LIMIT, &mut begin);
    let what = what.map_or_else(String::new, |what| what.replace('\n', " "));
    println!("time {:.2}", time.as_secs_f64());
    println!("found {what}");
    ExitCode::SUCCESS
}

/// What a process says that looks for a fault.
#[derive(Default)]
struct Said {
    runs: u64,
    time: String,
    /// What it has found, if anything; none if it did not come to an end.
    found: Option<String>,
}

/// Whether a fault is found, by a process that looks for it. Adds what that came to.
fn is_found(name: &str, lines: &Mutex<Vec<String>>) -> Result<(), Failed> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([SEARCH, name])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (said, status) = listen(&mut process)?;
    let what = match said.found {
        Some(what) if what.is_empty() => return Err(format!("not found in {} runs", said.runs).into()),
        Some(what) => what,
        None => format!("the process ends: {status}"),
    };
    let (runs, time) = (said.runs, said.time);
    let what: String = what.chars().take(70).collect();
    let line = format!("{name:18} found in {runs:5} runs, {time:>5} s: {what}");
    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    Ok(())
}

/// Listens to a process until it ends.
fn listen(process: &mut Child) -> Result<(Said, ExitStatus), Failed> {
    let mut said = Said { time: "?".to_owned(), ..Said::default() };
    let output = process.stdout.take().ok_or("its output is not piped")?;
    for line in BufReader::new(output).lines() {
        match line?.split_once(' ') {
            Some(("run", _)) => said.runs += 1,
            Some(("time", time)) => time.clone_into(&mut said.time),
            Some(("found", what)) => said.found = Some(what.to_owned()),
            _ => {}
        }
    }
    Ok((said, process.wait()?))
}

/// Whether the documentation lists the faults; writes the lists if `KEYVM_BLESS=1` is set.
fn is_documented() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/testing.md");
    let text = fs::read_to_string(&path)?;
    let compiler = Fault::ALL.iter().map(|(fault, what)| (format!("{fault:?}"), *what));
    let kernel = KernelFault::ALL.iter().map(|(fault, what)| (format!("{fault:?}"), *what));
    let documented = with_table(&text, "faults", "| Fault | What the compiler does |", compiler)?;
    let documented = with_table(&documented, "kernel faults", "| Fault | What the kernel does |", kernel)?;
    if documented == text {
        return Ok(());
    }
    if std::env::var_os("KEYVM_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, documented)?;
        return Ok(());
    }
    let command = "KEYVM_BLESS=1 cargo test -p keyvm-faults --features faults -- documentation";
    Err(format!("the faults in docs/testing.md are others. To write them anew: {command}").into())
}

/// The text with the table of this name made of these faults.
fn with_table(
    text: &str,
    name: &str,
    head: &str,
    faults: impl Iterator<Item = (String, &'static str)>,
) -> Result<String, Failed> {
    let begin = format!("<!-- generated: {name} -->\n");
    let end = format!("<!-- end: {name} -->");
    let mut table = format!("{head}\n| --- | --- |\n");
    for (fault, what) in faults {
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(table, "| `{fault}` | {what} |")?;
    }
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/testing.md has no list of {name}"))?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
}
