//! `keyvm repl`: a session in which programs are written and run a line at a time.
//!
//! [`lines`] reads lines, [`reader`] makes inputs of them, [`state`] compiles and runs these, [`commands`] does what begins with a
//! colon.

mod commands;
mod lines;
mod reader;
mod state;

use super::exit::{Exit, Failure, tell};
use super::options::{Budget, DEFAULT_GAS, DEFAULT_WORDS};
use super::output::{Output, print};
use clap::Args;
use commands::Then;
use lines::Source;
use reader::{Read, Reader};
use state::{State, Stop};
use std::io::IsTerminal;

/// Write and run programs a line at a time.
///
/// What an input defines and assigns is there for the next one. One that goes wrong leaves everything as it was before it.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("gas", |gas| gas.help("Gas for all inputs together")),
    mut_arg("words", |words| words.help("Words of memory that the session may have")),
)]
pub(super) struct Arguments {
    #[command(flatten)]
    budget: Budget<DEFAULT_GAS, DEFAULT_WORDS>,
    /// Do not say what each input has used.
    #[arg(long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  keyvm repl
  keyvm repl --gas 1_000_000 < inputs.txt

`:help` in a session says what there is besides programs.";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { budget, quiet } = arguments;
    let engine = super::session::engine(budget.engine)?;
    let source = Source::standard()?;
    let is_terminal = source.is_terminal();
    let stop = Stop::default();
    stop.listen(is_terminal)?;
    let output = Output::default();
    let mut state = State::new(engine, source.clone(), output.clone(), stop);
    (state.gas_left, state.words_limit, state.is_quiet) = (budget.gas, budget.words, *quiet);
    if is_terminal && std::io::stdout().is_terminal() {
        print(concat!("keyvm ", env!("CARGO_PKG_VERSION"), "; :help says what there is, Ctrl-D leaves\n"))?;
    }
    let mut reader = Reader::new(source);
    loop {
        match reader.read()? {
            Read::Input(input) => state.run(&input),
            Read::Command(command) => match commands::execute(&command, &mut state) {
                Ok(Then::GoOn) => {}
                Ok(Then::Leave) => break,
                Err(failure) => drop(failure.tell()),
            },
            Read::Nothing(why) => tell(why),
            Read::End => break,
        }
        if let Some(failure) = output.failure() {
            return Err(failure);
        }
    }
    Ok(Exit::Done)
}
