//! `keyvm test`: runs the tests of programs, each in a machine of its own.

use super::exit::{Exit, Failure};
use super::input::{Text, beside, read_text, show};
use super::options::Budget;
use super::output::{print, style_errors, style_results};
use super::programs;
use super::session;
use super::summary::{Ending, explain};
use super::text::{count, positive, printable};
use super::trace::{Known, trace, trapped};
use clap::Args;
use keyvm::entish::{self, File};
use keyvm::isa::image::Image;
use keyvm::{Args as HostArgs, Console, Event, Hosts, Machine};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Run the tests of programs: the functions whose names begin with `test_`.
///
/// Each runs in a machine of its own, with its own budget. It fails if it traps, or runs out of gas or words. What it writes to the
/// console is shown if it fails; it has no input and no arguments.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("gas", |gas| gas.help("Gas that each test may use")),
    mut_arg("words", |words| words.help("Words of memory that each test may have, with those of its program")),
)]
pub(super) struct Arguments {
    /// The programs (.et), or folders with programs in them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Run only the tests with TEXT in their names; may be repeated.
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,
    /// Run only the tests whose names are one of those of --filter.
    #[arg(long, requires = "filters")]
    exact: bool,
    /// List the tests, and run none.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    budget: Budget<DEFAULT_GAS, DEFAULT_WORDS>,
    /// How many tests run at the same time [default: as many as there are processors].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    jobs: Option<NonZeroUsize>,
}

/// Gas of a test where no `--gas` is given: some seconds of interpreted work.
const DEFAULT_GAS: u64 = 1_000_000_000;
/// Words of a test where no `--words` is given: 128 MiB.
const DEFAULT_WORDS: u64 = 1 << 24;
/// Of what a test writes, so many bytes are kept.
const OUTPUT_BYTES_MAX: usize = 1 << 16;

const EXAMPLES: &str = "\
Examples:
  keyvm test program.et
  keyvm test tests --filter sort --gas 1_000_000

Exit codes: 0 if all tests pass, 1 if one fails, 2 if a program is wrong or no test is asked for; then none runs.";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let engine = session::engine(arguments.budget.engine)?;
    let programs = programs(arguments)?;
    let all: usize = programs.iter().map(|program| program.tests.tests.len()).sum();
    if all == 0 {
        return Err(Failure::Error(
            "there are no tests here: a test is a function whose name begins with `test_`".to_owned(),
        ));
    }
    let cases: Vec<_> = programs.iter().flat_map(|program| program.cases(arguments)).collect();
    if cases.is_empty() {
        return Err(no_match(arguments, all));
    }
    if arguments.list {
        let lines: String = cases.iter().map(|case| format!("{}\n", case.name())).collect();
        print(&lines)?;
        return Ok(Exit::Done);
    }
    print(&format!("running {}\n", count(cases.len() as u64, "test", "tests")))?;
    let mut report = Report { filtered: all - cases.len(), ..Report::default() };
    run_all(&cases, arguments, &engine, &mut |case, outcome| {
        print(&report.line(case, &outcome))?;
        report.take(case, outcome);
        Ok(())
    })?;
    print(&report.end())?;
    Ok(if report.failed.is_empty() { Exit::Done } else { Exit::TestFailed })
}

/// None of so many tests is asked for.
fn no_match(arguments: &Arguments, all: usize) -> Failure {
    let filters = arguments.filters.iter().map(|filter| format!("`{}`", printable(filter)));
    let filters = filters.collect::<Vec<_>>().join(" or ");
    let wanted =
        if arguments.exact { format!("is called {filters}") } else { format!("has {filters} in its name") };
    let there = if all == 1 { "there is 1".to_owned() } else { format!("there are {all}") };
    Failure::Error(format!("no test {wanted}; {there} in all"))
}

/// A program with its tests.
struct Program {
    /// As messages call it.
    name: String,
    tests: entish::Tests,
    texts: Vec<Text>,
}

/// A test that is to run.
struct Case<'a> {
    program: &'a Program,
    test: &'a entish::Test,
}

/// The programs; all that is wrong with any of them is told.
fn programs(arguments: &Arguments) -> Result<Vec<Program>, Failure> {
    let mut programs = Vec::new();
    let mut failures = Vec::new();
    for path in programs::find(&arguments.paths)? {
        match program(&path) {
            Ok(program) => programs.push(program),
            Err(failure) => failures.push(failure),
        }
    }
    let last = failures.into_iter().reduce(|failure, next| {
        failure.tell();
        next
    });
    last.map_or(Ok(programs), Err)
}

fn program(path: &Path) -> Result<Program, Failure> {
    let name = show(path);
    let file = File { name: name.clone(), text: read_text(path)? };
    let mut tests = entish::tests(file, &mut beside(path))
        .map_err(|errors| Failure::Diagnostics(errors.render(style_errors())))?;
    let texts = std::mem::take(&mut tests.files).into_iter();
    let texts = texts.map(|file| Text { name: file.name, text: file.text }).collect();
    Ok(Program { name, tests, texts })
}

impl Program {
    /// The tests that are asked for.
    fn cases<'a>(&'a self, arguments: &'a Arguments) -> impl Iterator<Item = Case<'a>> {
        let Arguments { filters, exact, .. } = arguments;
        let is_asked = move |test: &&entish::Test| {
            let is_one =
                |filter: &String| if *exact { test.name == *filter } else { test.name.contains(filter) };
            filters.is_empty() || filters.iter().any(is_one)
        };
        self.tests.tests.iter().filter(is_asked).map(|test| Case { program: self, test })
    }
}

impl Case<'_> {
    fn name(&self) -> String {
        format!("{}: {}", self.program.name, self.test.name)
    }

    fn image(&self) -> Image<'static> {
        self.program.tests.image(self.test).expect("a program with tests has an image")
    }
}

// ---- Running ----------------------------------------------------------------------------------------------

/// What became of a test.
struct Outcome {
    gas: u64,
    /// Why it failed, if it did.
    failure: Option<String>,
    output: Captured,
}

/// Runs the tests, several at a time, and hands over what became of them, in their order.
fn run_all(
    cases: &[Case<'_>],
    arguments: &Arguments,
    engine: &keyvm::Engine,
    done: &mut dyn FnMut(&Case<'_>, Outcome) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get).min(cases.len());
    let next = AtomicUsize::new(0);
    let (sender, outcomes) = channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((number, case)) = take(next, cases) {
                    if sender.send((number, run(case, arguments, engine))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut expected = 0;
        for (number, outcome) in outcomes {
            early.insert(number, outcome);
            while let Some(outcome) = early.remove(&expected) {
                let told = outcome.and_then(|outcome| done(&cases[expected], outcome));
                if told.is_err() {
                    // The others end with the test that they are at.
                    next.store(cases.len(), Ordering::Relaxed);
                    return told;
                }
                expected += 1;
            }
        }
        Ok(())
    })
}

fn take<'c, 'a>(next: &AtomicUsize, cases: &'c [Case<'a>]) -> Option<(usize, &'c Case<'a>)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, cases.get(number)?))
}

fn run(case: &Case<'_>, arguments: &Arguments, engine: &keyvm::Engine) -> Result<Outcome, Failure> {
    let wrong = |error| Failure::about(case.name(), error);
    let mut machine = Machine::from_image(case.image()).map_err(wrong)?;
    machine.set_engine(engine);
    machine.set_gas_limit(arguments.budget.gas);
    machine.set_words_limit(arguments.budget.words);
    let output = Captured::default();
    let used = machine.budget().words_used;
    if used > arguments.budget.words {
        let failure = format!("out of words: its program takes {used}; --words N gives a test more");
        return Ok(Outcome { gas: 0, failure: Some(failure), output });
    }
    let mut hosts = Hosts::new();
    hosts.grant("console", Console::new(io::empty(), output.clone()));
    hosts.grant("args", HostArgs::new([""; 0]));
    let event = machine.run_hosted(u64::MAX, &mut hosts);
    let failure = failure(event, &mut machine, Known { texts: &case.program.texts, args: &[] });
    Ok(Outcome { gas: machine.total_gas(), failure, output })
}

/// Why the test failed whose machine came back with this; `None` if it did not.
fn failure(event: Event, machine: &mut Machine, known: Known<'_>) -> Option<String> {
    let budget = machine.budget();
    Some(match event {
        Event::Halted => return None,
        Event::Trapped(trap) => trapped(trap, &machine.image(), known),
        Event::OutOfGas(need) => format!(
            "out of gas after {}: the next instruction needs {need} at least and {} is left; --gas N gives a test more\n{}",
            budget.gas_used,
            budget.gas_left(),
            trace(&machine.image(), known)
        ),
        Event::OutOfWords(need) => format!(
            "out of words with {} in use: the next instruction needs {need} more and {} are left; --words N gives a test more\n{}",
            budget.words_used,
            budget.words_left(),
            trace(&machine.image(), known)
        ),
        event => explain(&Ending::Event(event), machine, None, "", known)
            .unwrap_or_else(|| "it did not come to its end".to_owned()),
    })
}

/// What a test writes.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// How many bytes were not kept.
    lost: usize,
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = bytes.len().min(OUTPUT_BYTES_MAX - written.bytes.len());
        written.bytes.extend(&bytes[..kept]);
        written.lost += bytes.len() - kept;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// The lines, as they may be shown.
    fn lines(&self) -> Vec<String> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&written.bytes);
        let mut lines: Vec<_> = text.lines().map(printable).collect();
        if written.lost > 0 {
            lines.push(format!("… {} bytes more …", written.lost));
        }
        lines
    }
}

// ---- Telling ----------------------------------------------------------------------------------------------

/// What became of all tests so far.
#[derive(Default)]
struct Report {
    passed: u64,
    filtered: usize,
    gas: u128,
    /// Names of those that failed, and what is said of them.
    failed: Vec<(String, String)>,
}

impl Report {
    /// The line of a test.
    fn line(&self, case: &Case<'_>, outcome: &Outcome) -> String {
        let verdict = verdict(outcome.failure.is_none());
        format!("test {} ... {verdict}, {} gas\n", case.name(), outcome.gas)
    }

    fn take(&mut self, case: &Case<'_>, outcome: Outcome) {
        self.gas += u128::from(outcome.gas);
        let Some(failure) = outcome.failure else {
            self.passed += 1;
            return;
        };
        let mut said = format!("{}\n", failure.trim_end());
        let lines = outcome.output.lines();
        if !lines.is_empty() {
            said += "output:\n";
            lines.iter().for_each(|line| said += &format!("  {line}\n"));
        }
        self.failed.push((case.name(), said));
    }

    /// What is said at the end.
    fn end(&self) -> String {
        let mut said = String::from("\n");
        for (name, why) in &self.failed {
            said += &format!("---- {name} ----\n{why}\n");
        }
        if !self.failed.is_empty() {
            said += "failed:\n";
            self.failed.iter().for_each(|(name, _)| said += &format!("    {name}\n"));
            said.push('\n');
        }
        said + &format!(
            "result: {}; {} passed, {} failed, {} filtered out; {} gas\n",
            verdict(self.failed.is_empty()),
            self.passed,
            self.failed.len(),
            self.filtered,
            self.gas
        )
    }
}

/// In colour, if results have any.
fn verdict(passed: bool) -> String {
    let (text, style) = if passed { ("ok", "\x1b[32m") } else { ("FAILED", "\x1b[1;31m") };
    if style_results() { format!("{style}{text}\x1b[0m") } else { text.to_owned() }
}
