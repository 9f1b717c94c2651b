//! Command lines that make no sense: what clap says of them, and what may have been meant.

use super::exit::{Exit, Failure};
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{Command, CommandFactory};
use keyvm_lang::nearest;
use std::ffi::OsString;
use std::process::ExitCode;

/// Tells what clap stopped at: an error, or the help or version that was asked for.
pub(super) fn tell<C: CommandFactory>(error: Error) -> ExitCode {
    let error = with_suggestion(error, &C::command(), std::env::args_os());
    match error.print() {
        Err(failed) if failed.kind() == std::io::ErrorKind::BrokenPipe && !error.use_stderr() => {
            Failure::ClosedOutput.tell()
        }
        _ if error.use_stderr() => Failure::USAGE.into(),
        _ => Exit::Done.code(),
    }
}

/// The error with the option or command that may have been meant. Clap finds only what begins alike: neither `--gas` for
/// `--gsa` nor `run` for `rn`.
fn with_suggestion(mut error: Error, program: &Command, args: impl Iterator<Item = OsString>) -> Error {
    let written = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand if error.get(ContextKind::SuggestedSubcommand).is_none() => {
            if let Some(text) = written(&error, ContextKind::InvalidSubcommand)
                && let Some(name) = nearest(&text, program.get_subcommands().map(Command::get_name))
            {
                let names = ContextValue::Strings(vec![name.to_owned()]);
                error.insert(ContextKind::SuggestedSubcommand, names);
            }
        }
        ErrorKind::UnknownArgument if error.get(ContextKind::SuggestedArg).is_none() => {
            let command = args.skip(1).find_map(|arg| program.find_subcommand(arg)).unwrap_or(program);
            if let Some(text) = written(&error, ContextKind::InvalidArg)
                && let Some(long) = text.strip_prefix("--")
                && let Some(name) = nearest(long, command.get_arguments().filter_map(clap::Arg::get_long))
            {
                error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{name}")));
                // Clap's own: to take it for an argument of the program.
                error.remove(ContextKind::Suggested);
            }
        }
        _ => {}
    }
    error
}
