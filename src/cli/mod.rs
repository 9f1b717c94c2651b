//! The command line: one file a command, and what they share.
//!
//! * [`input`] — a FILE to an image; [`programs`] — programs in folders; [`output`] — standard output, and files to write;
//! * [`options`], [`grants`], [`session`], [`signals`], [`summary`], [`trace`], [`stats`] — what `run` and `resume` are made of;
//! * [`survey`], [`authority`], [`table`] — looking at an image;
//! * [`jit`], [`jit_text`], [`machine_code`], [`perf`], [`labels`] — looking at what the compiler makes;
//! * [`shrink`] — what [`fuzz`] has found, made small in a process of its own;
//! * [`exit`] — the exit codes, and what went wrong; [`usage`] — what is wrong with a command line.

mod authority;
mod build;
mod check;
mod disasm;
mod exit;
mod fmt;
mod fuzz;
mod grants;
mod graph;
mod hash;
mod input;
mod inspect;
mod inspect_json;
mod jit;
mod jit_text;
mod labels;
mod machine_code;
mod options;
mod output;
mod perf;
mod programs;
mod repl;
mod resume;
mod run;
mod session;
mod signals;
mod stats;
mod summary;
mod survey;
mod table;
mod test;
mod text;
mod trace;
mod usage;

use clap::{Parser, Subcommand};
use exit::{Exit, Failure};
use std::process::ExitCode;

/// Runs code nobody trusts: metered, confined, deterministic, mobile.
#[derive(Debug, Parser)]
#[command(name = "keyvm", version, after_help = exit::HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Resume(resume::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Repl(repl::Arguments),
    Fmt(fmt::Arguments),
    Build(build::Arguments),
    Disasm(disasm::Arguments),
    Hash(hash::Arguments),
    Inspect(inspect::Arguments),
    Graph(graph::Arguments),
    Jit(jit::Arguments),
    Fuzz(fuzz::Arguments),
}

impl Command {
    fn execute(self) -> Result<Exit, Failure> {
        match self {
            Self::Run(arguments) => run::execute(arguments),
            Self::Resume(arguments) => resume::execute(arguments),
            Self::Check(arguments) => check::execute(&arguments),
            Self::Test(arguments) => test::execute(&arguments),
            Self::Repl(arguments) => repl::execute(&arguments),
            Self::Fmt(arguments) => fmt::execute(&arguments),
            Self::Build(arguments) => build::execute(&arguments),
            Self::Disasm(arguments) => disasm::execute(&arguments),
            Self::Hash(arguments) => hash::execute(&arguments),
            Self::Inspect(arguments) => inspect::execute(&arguments),
            Self::Graph(arguments) => graph::execute(&arguments),
            Self::Jit(arguments) => jit::execute(&arguments),
            Self::Fuzz(arguments) => fuzz::execute(&arguments),
        }
    }
}

/// Parses the arguments of this process, does what they say, and gives the exit code.
pub(crate) fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return usage::tell::<Cli>(error),
    };
    match command.execute() {
        Ok(exit) => exit.code(),
        Err(failure) => failure.tell(),
    }
}
