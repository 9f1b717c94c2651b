//! Command lines that make no sense: what clap says of them, and what may have been meant.

use super::exit::{Exit, Failure};
use super::output::output_failure;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{Arg, Command, CommandFactory};
use keyvm_lang::nearest;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Tells what clap stopped at: an error, or the help or version that was asked for.
pub(super) fn tell<C: CommandFactory>(error: Error) -> ExitCode {
    let error = with_suggestion(error, &C::command(), &std::env::args_os().collect::<Vec<_>>());
    match error.print().and_then(|()| std::io::stdout().flush()) {
        _ if error.use_stderr() => Failure::USAGE.into(),
        Err(failed) => output_failure(&failed).tell(),
        Ok(()) => Exit::Done.code(),
    }
}

/// The error with the option or command that may have been meant. Clap finds only what begins alike: neither `--gas` for
/// `--gsa` nor `run` for `rn`.
fn with_suggestion(mut error: Error, program: &Command, args: &[OsString]) -> Error {
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
            let command = args.iter().skip(1).find_map(|arg| program.find_subcommand(arg)).unwrap_or(program);
            let Some(text) = written(&error, ContextKind::InvalidArg) else {
                return error;
            };
            if let Some(option) = valued_before(&text, command, args) {
                let tip = StyledStr::from(format!("to give '--{option}' a value, write '--{option}={text}'"));
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
            } else if let Some(long) = text.strip_prefix("--")
                && let Some(name) = nearest(long, command.get_arguments().filter_map(Arg::get_long))
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

/// The option directly before an argument that would have been its value, had it been written with `=`.
fn valued_before<'c>(text: &str, command: &'c Command, args: &[OsString]) -> Option<&'c str> {
    let before = args.windows(2).find(|pair| pair[1] == text).and_then(|pair| pair[0].to_str())?;
    let mut options = command.get_arguments().filter(|arg| arg.is_require_equals_set());
    options.find_map(|arg| arg.get_long().filter(|&long| before.strip_prefix("--") == Some(long)))
}
