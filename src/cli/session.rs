//! A run from its first instruction to its end: what `run` and `resume` both do with a machine.

use super::exit::{Exit, Failure, tell};
use super::grants::{Grants, Waker};
use super::input::{Form, Source, Text, show};
use super::options::{self, DEFAULT_GAS, DEFAULT_WORDS, Options};
use super::output::{Output, check_image_target, write_image};
use super::perf;
use super::signals;
use super::stats::Stats;
use super::summary::{Ending, Summary, explain};
use super::trace::Known;
use keyvm::{Engine, Event, Interrupt, Machine};
use std::path::{Path, PathBuf};

/// Runs what a file holds.
///
/// # Errors
/// If something is wrong with the options or the file: then nothing has run. If a result or the image could not be
/// written.
pub(super) fn run(path: &Path, mut source: Source, options: Options) -> Result<Exit, Failure> {
    let engine = engine(options.engine)?;
    let again = options.again();
    let output = Output::default();
    let args = options.args.clone();
    let grants = Grants::new(!options.no_default_grants, &options.grants, options.args, &output)?;
    if options.perf {
        perf::write_map(&engine, &source)?;
    }
    let form = source.form;
    let texts = std::mem::take(&mut source.texts);
    let mut machine = source.machine(path)?;
    machine.set_engine(&engine);
    if let Some(target) = &options.snapshot {
        check_image_target(target, path)?;
    }
    check_words(path, &mut machine, form, options.words)?;
    set_limits(&mut machine, form, options.gas, options.words);
    listen(machine.interrupt_handle(), grants.waker())?;

    let report = Report {
        snapshot: options.snapshot,
        json: options.json,
        stats: options.stats,
        engine: options.engine.name(),
        texts,
        args,
    };
    let mut session = Session { machine, engine, grants, output, again, yields: 0 };
    let ending = session.go(options.slice.unwrap_or(u64::MAX), options.max_yields.unwrap_or(u64::MAX));
    session.finish(&ending, &report)
}

/// The engine that is asked for.
///
/// # Errors
/// If there is none on this processor.
pub(super) fn engine(asked: options::Engine) -> Result<Engine, Failure> {
    let engine = Engine::new(asked.tier());
    if asked == options::Engine::Jit {
        engine.check_compiler().map_err(|error| {
            let message = format!("{error}; use `--engine interp` or leave it out");
            Failure::about("--engine jit", message)
        })?;
    }
    Ok(engine)
}

/// No limit is set below what is in use. An image may say that more memory is in use than its file holds; what it has, it may fill. So more than the default
/// must be asked for.
fn check_words(path: &Path, machine: &mut Machine, form: Form, words: Option<u64>) -> Result<(), Failure> {
    let used = machine.budget().words_used;
    if let (Form::Text, Some(words)) = (form, words)
        && words < used
    {
        let message = format!("{used} words are in use already; at least --words {used} is needed");
        return Err(Failure::about(format_args!("--words {words}"), message));
    }
    if form == Form::Image && words.is_none() && used > DEFAULT_WORDS {
        let message =
            format!("{used} words are in use, more than {DEFAULT_WORDS}; allow that with --words 0");
        return Err(Failure::about(path.display(), message));
    }
    Ok(())
}

/// Limits of the prime meter. A program gets what is asked for. An image keeps its own limits, unless more is
/// asked for. Where there is none, there is the default.
fn set_limits(machine: &mut Machine, form: Form, gas: Option<u64>, words: Option<u64>) {
    let before = machine.budget();
    let limit = |asked: Option<u64>, used: u64, limit: u64, default: u64| match (asked, form) {
        (Some(asked), Form::Text) => asked,
        (Some(asked), Form::Image) if limit == u64::MAX => used.saturating_add(asked),
        (Some(asked), Form::Image) => limit.max(used.saturating_add(asked)),
        (None, Form::Text) if limit == u64::MAX => default,
        (None, Form::Image) if limit == u64::MAX => used.saturating_add(default),
        (None, _) => limit,
    };
    let gas = limit(gas, before.gas_used, before.gas_limit, DEFAULT_GAS);
    let words = limit(words, before.words_used, before.words_limit, DEFAULT_WORDS);
    if gas != before.gas_limit {
        machine.set_gas_limit(gas);
    }
    if words != before.words_limit {
        machine.set_words_limit(words);
    }
}

/// Makes Ctrl-C and its like stop the machine between two instructions. A second one does nothing more: some who pass
/// signals on send them twice, and that must not keep the image from being saved.
fn listen(interrupt: Interrupt, waker: Waker) -> Result<(), Failure> {
    signals::listen(move || {
        interrupt.interrupt();
        waker.wake();
    })
}

/// What is to be saved and told when a run ends.
struct Report {
    snapshot: Option<PathBuf>,
    json: bool,
    stats: bool,
    /// The engine's name on the command line.
    engine: &'static str,
    /// The text that the image was made of.
    texts: Vec<Text>,
    /// The arguments behind FILE.
    args: Vec<String>,
}

struct Session {
    machine: Machine,
    engine: Engine,
    grants: Grants,
    output: Output,
    /// What to give once more to go on.
    again: String,
    yields: u64,
}

impl Session {
    /// Runs until something ends it.
    fn go(&mut self, slice: u64, max_yields: u64) -> Ending {
        let waker = self.grants.waker();
        loop {
            let event = self.machine.run(slice.saturating_sub(self.machine.total_gas()));
            match event {
                Event::Yielded(words) => {
                    self.print(&words);
                    self.yields += 1;
                    if self.yields >= max_yields {
                        return Ending::YieldLimit;
                    }
                }
                Event::Request => {
                    let output = self.output.clone();
                    self.grants
                        .answer(&mut self.machine, &self.output, || waker.has_woken() || output.has_failed());
                    if waker.has_woken() {
                        return Ending::Event(Event::Interrupted);
                    }
                }
                Event::Returned(words) => {
                    if !words.is_empty() {
                        self.print(&words);
                    }
                    return Ending::Event(Event::Returned(words));
                }
                event => return Ending::Event(event),
            }
            if self.output.has_failed() {
                return Ending::OutputFailed;
            }
        }
    }

    /// Prints a result as a line.
    fn print(&self, words: &[u64]) {
        let words: Vec<_> = words.iter().map(u64::to_string).collect();
        self.output.line(&words.join(" "));
    }

    /// Saves and tells what is to be saved and told.
    fn finish(mut self, ending: &Ending, report: &Report) -> Result<Exit, Failure> {
        let snapshot = report.snapshot.as_deref();
        let mut stats = report.stats.then(|| Stats::new(&self.engine, &self.machine));
        let saved = snapshot.map(|path| write_image(path, &mut self.machine)).transpose();
        if report.json && !self.output.has_failed() {
            let summary = Summary::new(ending, &mut self.machine, self.yields, report.engine, stats.take());
            self.output.line(&summary.line());
        }
        let written = saved.as_ref().ok().and(snapshot).map(show);
        let known = Known { texts: &report.texts, args: &report.args };
        if let Some(message) = explain(ending, &mut self.machine, written.as_deref(), &self.again, known) {
            self.output.end_shown_line();
            tell(message);
        }
        if let Some(stats) = stats {
            tell(stats.table().trim_end());
        }
        saved?;
        match self.output.failure() {
            Some(failure) => Err(failure),
            None => Ok(ending.exit()),
        }
    }
}
