//! `keyvm fuzz`: looks for faults of the machine itself.

use super::exit::{Exit, Failure, tell};
use super::input::{plain, show};
use super::output::print;
use super::text::{count, number};
use clap::builder::PossibleValuesParser;
use clap::{Args, builder::TypedValueParser};
use keyvm::Machine;
use keyvm::fuzz::{Campaign, Corpus, Finding, Settings, Tally, Target, campaign, read_finding};
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
#[allow(
    clippy::disallowed_types,
    reason = "how long it looks is up to people; no outcome depends on the clock"
)]
use std::time::Instant;

/// Look for faults of KeyVM itself: random programs and images under both engines, and under the laws.
///
/// Each run follows from its seed. What is found is made small and written to a file that repeats it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What is tried [default: each in turn, for an equal share of the time].
    #[arg(long, value_parser = target())]
    target: Option<Target>,
    /// How long, in seconds [default: 60, if there is no --runs].
    #[arg(long, value_name = "N", value_parser = number)]
    seconds: Option<u64>,
    /// How many runs of each target.
    #[arg(long, value_name = "N", value_parser = number)]
    runs: Option<u64>,
    /// The seed of the first run; the next ones have the next seeds.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number)]
    seed: u64,
    /// How many runs at the same time [default: as many as there are processors].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// A folder of images, assembly and programs: a fifth of the runs is of changed ones, and what does something new is
    /// put there.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// The folder for the files of findings, made when there is one.
    #[arg(short, long, value_name = "DIR", default_value = "findings")]
    output: PathBuf,
    /// End when so many are found.
    #[arg(long, value_name = "N", default_value = "1")]
    findings: NonZeroUsize,
    /// Repeat what such a file shows, and nothing else.
    #[arg(long, value_name = "FILE", exclusive = true)]
    repeat: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  keyvm fuzz --seconds 300
  keyvm fuzz --target jit --seed 17 --runs 1
  keyvm fuzz --repeat findings/jit-0123456789abcdef.kasm

Exit codes: 0 if nothing is found, 1 if something is.";

/// Has many runs of a target; it is told from time to time how far it is, and ends when that answers no.
type Search = dyn Fn(Settings, &Corpus, &mut dyn FnMut(&Tally) -> bool) -> io::Result<Campaign>;

/// Seconds where neither `--seconds` nor `--runs` is given.
const DEFAULT_SECONDS: u64 = 60;
/// Seconds that making a finding small may take.
const SHRINK_SECONDS: u64 = 60;
/// Between two progress lines where they are not written over each other.
const LINE_SECONDS: u64 = 30;

fn target() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::name))
        .map(|name| Target::named(&name).unwrap_or(Target::Jit))
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.repeat {
        Some(path) => repeat(path),
        None => look(arguments, &campaign::<Machine>),
    }
}

/// Looks for faults, each target by `search`.
fn look(arguments: &Arguments, search: &Search) -> Result<Exit, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::about("cannot listen to Ctrl-C", error))?;
    let targets = arguments.target.map_or(Target::ALL.to_vec(), |target| vec![target]);
    let mut found = 0;
    for &target in &targets {
        let left = arguments.findings.get() - found;
        let settings = settings(arguments, target, targets.len() as u64, left);
        let Campaign { tally, findings } = one(arguments, settings, search, &interrupted)?;
        print(&summary(target, &tally))?;
        for finding in findings {
            found += 1;
            report(finding, &arguments.output, &interrupted)?;
        }
        if interrupted.load(Ordering::Relaxed) {
            return Ok(if found > 0 { Exit::Found } else { Exit::Interrupted });
        }
        if found >= arguments.findings.get() {
            break;
        }
    }
    Ok(if found > 0 { Exit::Found } else { Exit::Done })
}

fn settings(arguments: &Arguments, target: Target, targets: u64, findings: usize) -> Settings {
    let seconds = match (arguments.seconds, arguments.runs) {
        (None, None) => Some(DEFAULT_SECONDS),
        (seconds, _) => seconds,
    };
    let new = Settings::new(target);
    Settings {
        seed: arguments.seed,
        runs: arguments.runs,
        time: seconds.map(|seconds| Duration::from_millis(seconds.saturating_mul(1000) / targets)),
        jobs: arguments.jobs.unwrap_or(new.jobs),
        findings,
        ..new
    }
}

fn one(
    arguments: &Arguments,
    settings: Settings,
    search: &Search,
    interrupted: &AtomicBool,
) -> Result<Campaign, Failure> {
    let target = settings.target;
    let corpus = match &arguments.corpus {
        Some(folder) => {
            Corpus::read(target, folder).map_err(|error| Failure::about(show(folder), plain(&error)))?
        }
        None => Corpus::empty(target),
    };
    let mut progress = Progress { redrawn: io::stderr().is_terminal(), told: Duration::ZERO };
    let ran = search(settings, &corpus, &mut |tally| {
        progress.tell(target, tally);
        !interrupted.load(Ordering::Relaxed)
    });
    progress.end();
    ran.map_err(|error| Failure::about("the corpus", plain(&error)))
}

/// How far it is, on the standard error.
struct Progress {
    /// Whether a line is written over the one before.
    redrawn: bool,
    /// When there was one.
    told: Duration,
}

impl Progress {
    fn tell(&mut self, target: Target, tally: &Tally) {
        let line = format!("{target}: {} s, {}", tally.time.as_secs(), rates(tally));
        if self.redrawn {
            let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
        } else if tally.time >= self.told + Duration::from_secs(LINE_SECONDS) {
            self.told = tally.time;
            tell(line);
        }
    }

    fn end(&self) {
        if self.redrawn {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// A great number in few digits.
fn short(n: f64) -> String {
    let units = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let unit = units.into_iter().find(|(of, _)| n >= *of);
    unit.map_or(format!("{n:.0}"), |(of, name)| format!("{:.1}{name}", n / of))
}

fn rates(tally: &Tally) -> String {
    let second = |n: u64| short(n as f64 / tally.time.as_secs_f64().max(0.001));
    format!(
        "{} runs ({}/s), {} instructions ({}/s), {} opcode pairs, {}",
        tally.runs,
        second(tally.runs),
        short(tally.report.instructions as f64),
        second(tally.report.instructions),
        tally.pairs,
        count(tally.findings as u64, "finding", "findings"),
    )
}

/// What a target has come to.
fn summary(target: Target, tally: &Tally) -> String {
    let Tally { report, counted, .. } = tally;
    let mut text = format!("{target}: {} in {:.1} s\n", rates(tally), tally.time.as_secs_f64());
    text += &format!(
        "  {} executions, {} of {} inputs accepted, {} of changed inputs, {} in the corpus\n",
        tally.executions, tally.accepted, tally.runs, tally.mutated, tally.corpus,
    );
    if target == Target::Jit || target == Target::Lang {
        text += &format!(
            "  {} instructions, {} of them natively; {} cuts, {} of them deep; {} handed over\n",
            report.instructions, report.native, report.cuts, report.deep_cuts, report.swaps,
        );
        text += &format!(
            "  {} executions count, with {} instructions: half of them natively, a fifth of the cuts deep\n",
            tally.counted_executions, counted.instructions,
        );
    }
    text
}

/// Makes a finding small, writes it, and tells.
fn report(finding: Finding, folder: &Path, interrupted: &AtomicBool) -> Result<(), Failure> {
    tell(format_args!("found, with {}; making it small", origin(&finding)));
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "see above")]
    let start = Instant::now();
    let limit = Duration::from_secs(SHRINK_SECONDS);
    let go_on = || start.elapsed() < limit && !interrupted.load(Ordering::Relaxed);
    let finding = finding.shrunk::<Machine>(&go_on);
    let (name, bytes) = finding.file();
    let path = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, &bytes))
        .map_err(|error| Failure::about(show(&path), format_args!("cannot be written: {}", plain(&error))))?;
    let again = read_finding(bytes).ok().and_then(|read| read.evidence.repeat::<Machine>());
    let remark = if again.is_some() { "" } else { "  (it does not happen every time)\n" };
    print(&format!(
        "found, with {}: {}\n{remark}  keyvm fuzz --repeat {}\n",
        origin(&finding),
        finding.what.trim_end().replace('\n', "\n  "),
        show(&path),
    ))
}

fn origin(finding: &Finding) -> String {
    match finding.seed {
        Some(seed) => format!("--target {} --seed {seed}", finding.target),
        None => format!("--target {}, from a changed input", finding.target),
    }
}

fn repeat(path: &Path) -> Result<Exit, Failure> {
    let wrong = |message: &dyn std::fmt::Display| Failure::about(show(path), message);
    let bytes = std::fs::read(path).map_err(|error| wrong(&plain(&error)))?;
    let finding = read_finding(bytes).map_err(|message| wrong(&message))?;
    match finding.evidence.repeat::<Machine>() {
        Some(what) => {
            print(&format!("{}: {}\n", show(path), what.trim_end()))?;
            Ok(Exit::Found)
        }
        None => {
            print(&format!("{}: it does not happen\n", show(path)))?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use keyvm::fuzz::Evidence;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    /// What is said of a machine that is faultless: found in its first run.
    fn find(settings: Settings, _: &Corpus, _: &mut dyn FnMut(&Tally) -> bool) -> io::Result<Campaign> {
        let evidence = Evidence::Assembly("end\n".to_owned());
        let what = "it ends".to_owned();
        let finding = Finding { target: settings.target, seed: Some(settings.seed), what, evidence };
        Ok(Campaign { tally: Tally { runs: 1, findings: 1, ..Tally::default() }, findings: vec![finding] })
    }

    #[test]
    fn a_finding_is_written_to_a_file_and_makes_the_exit_code_one() {
        let folder = tempfile::tempdir().expect("there is room for files");
        let output = folder.path().join("new/findings");
        let line = ["fuzz", "--target", "asm", "--seed", "7", "--runs", "1", "--output"];
        let line = line.map(std::ffi::OsStr::new).into_iter().chain([output.as_os_str()]);
        let arguments = Line::parse_from(line).arguments;
        let Ok(exit) = look(&arguments, &find) else { panic!("the finding is written") };
        assert_eq!(exit, Exit::Found);
        assert_eq!(exit.code(), std::process::ExitCode::from(1));
        let files: Vec<_> = std::fs::read_dir(&output).expect("the folder is made").collect();
        let [Ok(file)] = &files[..] else { panic!("one file: {files:?}") };
        let text = std::fs::read_to_string(file.path()).expect("it is a text");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "; Found by `keyvm fuzz --target asm`:",
                ";   it ends",
                "; To repeat it: keyvm fuzz --repeat FILE",
                "; To find it again: keyvm fuzz --target asm --seed 7 --runs 1",
                ";! target asm",
                ";! text",
                "end",
            ]
        );
        assert!(matches!(repeat(&file.path()), Ok(Exit::Done)), "the machine has no such fault");
    }
}
