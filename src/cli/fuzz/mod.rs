//! `keyvm fuzz`: looks for faults of the machine itself.

mod apart;
mod shrink;

use super::exit::{Exit, Failure, tell, warn};
use super::input::{plain, show};
use super::output::print;
use super::text::{count, number, positive};
use apart::Journal;
use clap::builder::PossibleValuesParser;
use clap::{Args, builder::TypedValueParser};
use keyvm::Machine;
use keyvm::fuzz::{
    Campaign, Corpus, Finding, Listener, Settings, Tally, Target, Unreadable, campaign, read_finding,
};
use shrink::Shrunk;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Look for faults of KeyVM itself: random programs and images under both engines, and under the laws.
///
/// Each run follows from its seed, but for one in five, which is of a changed input. What is found is written to a file that
/// repeats it, and then made small.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What is tried [default: each in turn, for an equal share of the time].
    #[arg(long, value_parser = target())]
    target: Option<Target>,
    /// How long, in seconds [default: 60, if there is no --runs].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    seconds: Option<u64>,
    /// How many runs of each target.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    runs: Option<u64>,
    /// The seed of the first run; the next ones have the next seeds.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = number)]
    seed: u64,
    /// How many runs at the same time [default: as many as there are processors].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    jobs: Option<NonZeroUsize>,
    /// A folder of images, assembly and programs: a fifth of the runs is of changed ones, and what does something new is
    /// put there.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// The folder for the files of findings, made when there is one.
    #[arg(short, long, value_name = "DIR", default_value = "findings")]
    output: PathBuf,
    /// End when so many are found.
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = positive)]
    findings: NonZeroUsize,
    /// Repeat what such a file shows, and nothing else.
    #[arg(long, value_name = "FILE", exclusive = true)]
    repeat: Option<PathBuf>,
    /// Make what such a file shows smaller, for a minute at most, and replace the file.
    #[arg(long, value_name = "FILE", exclusive = true)]
    shrink: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  keyvm fuzz --seconds 300
  keyvm fuzz --target jit --seed 17 --runs 1
  keyvm fuzz --repeat findings/jit-0123456789abcdef.kasm

Exit codes: 0 if nothing is found, 1 if something is.";

/// Has many runs of a target; it is told from time to time how far it is, and ends when that answers no.
type Search =
    dyn Fn(Settings, &Corpus, &mut dyn FnMut(&Tally) -> bool, &dyn Listener) -> io::Result<Campaign>;

/// Seconds where neither `--seconds` nor `--runs` is given.
const DEFAULT_SECONDS: u64 = 60;
/// Clears the line that is written over.
const CLEAR: &str = "\r\x1b[K";
/// Between two progress lines where they are not written over each other.
const LINE_SECONDS: u64 = 30;

fn target() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::name))
        .map(|name| Target::named(&name).unwrap_or(Target::Jit))
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(path) = &arguments.repeat {
        return repeat(path);
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    let interruptions = Arc::new(AtomicU32::new(0));
    let (flag, counted) = (Arc::clone(&interrupted), Arc::clone(&interruptions));
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        counted.fetch_add(1, Ordering::Relaxed);
    })
    .map_err(|error| Failure::about("cannot listen to Ctrl-C", error))?;
    if let Some(path) = &arguments.shrink {
        return shrink::execute(path, &interrupted);
    }
    let Some(journal) = Journal::asked_for(&interrupted) else {
        return apart::search(&apart::command, &interruptions);
    };
    let journal = journal.map_err(|error| Failure::about("the journal", plain(&error)))?;
    look(arguments, &campaign::<Machine>, &journal, &shrink::command, &interrupted)
}

/// Looks for faults, each target by `search`. The command that `shrinks` gives makes small what is in a file.
fn look(
    arguments: &Arguments,
    search: &Search,
    journal: &Journal,
    shrinks: &dyn Fn(&Path) -> io::Result<Command>,
    interrupted: &AtomicBool,
) -> Result<Exit, Failure> {
    let targets = arguments.target.map_or(Target::ALL.to_vec(), |target| vec![target]);
    let mut found = 0;
    for &target in &targets {
        let left = arguments.findings.get() - found;
        let settings = settings(arguments, target, targets.len() as u64, left);
        let Campaign { tally, findings } = one(arguments, settings, search, journal, interrupted)?;
        print(&summary(target, &tally))?;
        found += findings.len();
        let told: Vec<_> =
            findings.iter().map(|finding| report(finding, &arguments.output, shrinks, interrupted)).collect();
        told.into_iter().collect::<Result<(), Failure>>()?;
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
    journal: &Journal,
    interrupted: &AtomicBool,
) -> Result<Campaign, Failure> {
    let target = settings.target;
    let corpus = match &arguments.corpus {
        Some(folder) => Corpus::read(target, folder)
            .map_err(|Unreadable { path, error }| Failure::about(show(&path), plain(&error)))?,
        None => Corpus::empty(target),
    };
    for path in corpus.refused() {
        warn(format_args!("{} is left out: `keyvm inspect` says why it is refused", show(path)));
    }
    let mut progress = Progress { redrawn: io::stderr().is_terminal(), told: Duration::ZERO };
    let office = Office { target, journal, output: &arguments.output, redrawn: progress.redrawn };
    let mut go_on = |tally: &Tally| {
        progress.tell(target, tally);
        !interrupted.load(Ordering::Relaxed)
    };
    let ran = search(settings, &corpus, &mut go_on, &office);
    progress.end();
    ran.map_err(|error| Failure::about("the corpus", plain(&error)))
}

/// Keeps what a search is in, and what it finds.
struct Office<'a> {
    target: Target,
    journal: &'a Journal,
    /// The folder for the files of findings.
    output: &'a Path,
    /// As in [`Progress`].
    redrawn: bool,
}

impl Listener for Office<'_> {
    fn begins(&self, thread: usize, seed: Option<u64>) {
        self.journal.note(thread, self.target, seed);
    }

    fn found(&self, finding: &Finding) {
        // Where it cannot be written, that is said when all is told.
        if let Ok(path) = finding.save(self.output) {
            let clear = if self.redrawn { CLEAR } else { "" };
            tell(format_args!("{clear}found, with {}: {}", origin(finding), show(&path)));
        }
    }
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
            let _ = write!(io::stderr().lock(), "{CLEAR}{line}");
        } else if tally.time >= self.told + Duration::from_secs(LINE_SECONDS) {
            self.told = tally.time;
            tell(line);
        }
    }

    fn end(&self) {
        if self.redrawn {
            let _ = write!(io::stderr().lock(), "{CLEAR}");
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

/// Writes a finding, has it made small in its file, and tells.
fn report(
    finding: &Finding,
    folder: &Path,
    shrinks: &dyn Fn(&Path) -> io::Result<Command>,
    interrupted: &AtomicBool,
) -> Result<(), Failure> {
    let path = match finding.save(folder) {
        Ok(path) => path,
        Err(error) => {
            // It is nowhere else.
            print(&format!("found, with {}:\n{finding}", origin(finding)))?;
            let what = format_args!("the finding cannot be written, and is printed: {}", plain(&error));
            return Err(Failure::about(show(folder), what));
        }
    };
    let what = finding.what.trim_end().replace('\n', "\n  ");
    let as_found = |remark: &str| format!("{what}\n  ({remark})\n  keyvm fuzz --repeat {}\n", show(&path));
    let told = match shrinks(&path).and_then(|command| shrink::apart(command, interrupted)) {
        Ok(Shrunk::Told(text)) => text,
        Ok(Shrunk::Gone) => as_found(shrink::NOT_EVERY_TIME),
        Ok(Shrunk::Ended(why)) => {
            as_found(&format!("making it small ended by itself, {why}: this is as it was found"))
        }
        Ok(Shrunk::Stopped) => as_found("making it small did not end: this is as it was found"),
        Err(error) => as_found(&format!("it cannot be made small: {}", plain(&error))),
    };
    print(&format!("found, with {}: {told}", origin(finding)))
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

#[cfg(all(test, unix))]
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
    fn find(
        settings: Settings,
        _: &Corpus,
        _: &mut dyn FnMut(&Tally) -> bool,
        listener: &dyn Listener,
    ) -> io::Result<Campaign> {
        let evidence = Evidence::Assembly("end\n".to_owned());
        let what = "it ends".to_owned();
        let finding = Finding { target: settings.target, seed: Some(settings.seed), what, evidence };
        listener.begins(0, finding.seed);
        listener.found(&finding);
        Ok(Campaign { tally: Tally { runs: 1, findings: 1, ..Tally::default() }, findings: vec![finding] })
    }

    /// Looks for it, has its file written to a folder, and made small by a command.
    fn looked(output: &Path, shrinks: &dyn Fn(&Path) -> io::Result<Command>) -> Result<Exit, Failure> {
        let line = ["fuzz", "--target", "asm", "--seed", "7", "--runs", "1", "--output"];
        let line = line.map(std::ffi::OsStr::new).into_iter().chain([output.as_os_str()]);
        let arguments = Line::parse_from(line).arguments;
        let file = tempfile::NamedTempFile::new().expect("there is room for files");
        let journal = Journal::open(file.path()).expect("it is there");
        let exit = look(&arguments, &find, &journal, shrinks, &AtomicBool::new(false));
        let noted = std::fs::read_to_string(file.path()).expect("it is a text");
        assert_eq!(noted.trim_end(), "asm 7");
        exit
    }

    /// The file that is written of it, and the lines in it, where it is made small by this script.
    fn written(script: &str) -> (tempfile::TempDir, PathBuf, Vec<String>) {
        let folder = tempfile::tempdir().expect("there is room for files");
        let output = folder.path().join("new/findings");
        let shrinks = |path: &Path| {
            // It is there before anything is tried.
            assert!(path.is_file());
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh"]).arg(path);
            Ok(command)
        };
        let Ok(exit) = looked(&output, &shrinks) else { panic!("the finding is written") };
        assert_eq!(exit, Exit::Found);
        assert_eq!(exit.code(), std::process::ExitCode::from(1));
        let files: Vec<_> = std::fs::read_dir(&output).expect("the folder is made").collect();
        let [Ok(file)] = &files[..] else { panic!("one file: {files:?}") };
        let text = std::fs::read_to_string(file.path()).expect("it is a text");
        (folder, file.path(), text.lines().map(str::to_owned).collect())
    }

    /// What is in it as it was found.
    const FOUND: [&str; 8] = [
        "; Found by `keyvm fuzz --target asm`:",
        ";   it ends",
        "; To repeat it: keyvm fuzz --repeat FILE",
        "; To find it again: keyvm fuzz --target asm --seed 7 --runs 1",
        ";! target asm",
        ";! seed 7",
        ";! text",
        "end",
    ];

    #[test]
    fn a_finding_is_written_to_a_file_and_makes_the_exit_code_one() {
        let (_folder, file, lines) = written("exit 0");
        assert_eq!(lines, FOUND);
        assert!(matches!(repeat(&file), Ok(Exit::Done)), "the machine has no such fault");
        assert!(matches!(shrink::execute(&file, &AtomicBool::new(false)), Ok(Exit::Done)));
        assert_eq!(std::fs::read_to_string(&file).expect("it is still there").lines().count(), 8);
    }

    #[test]
    fn a_finding_that_ends_the_process_that_makes_it_small_is_kept() {
        assert_eq!(written("kill -s SEGV $$").2, FOUND);
        assert_eq!(written("exit 101").2, FOUND);
    }

    #[test]
    fn what_is_made_small_is_in_the_file() {
        assert_eq!(written("echo small > $1; echo it ends soon; exit 1").2, ["small"]);
    }

    #[test]
    fn it_is_told_where_a_finding_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().expect("there is room for files");
        let shrinks = |_: &Path| -> io::Result<Command> { panic!("there is no file to make small") };
        let Err(Failure::Error(told)) = looked(file.path(), &shrinks) else { panic!("a file is no folder") };
        assert!(told.starts_with(&show(file.path())), "{told}");
        assert!(told.contains(": the finding cannot be written, and is printed: "), "{told}");
    }
}
