//! The options of `run` and `resume`.

use super::text::{limit, number, printable};
use clap::{Args, ValueEnum};
use keyvm::Tier;
use std::path::PathBuf;

/// Gas that an image without a limit gets where no `--gas` is given: some hours of interpreted work.
pub(super) const DEFAULT_GAS: u64 = 1_000_000_000_000;
/// Words that an image without a limit gets where no `--words` is given: 1 GiB.
pub(super) const DEFAULT_WORDS: u64 = 1 << 27;

/// What `run` and `resume` have in common.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Arguments that the program reads through its host key `args`.
    #[arg(allow_negative_numbers = true)]
    pub(super) args: Vec<String>,

    /// Gas the program may use; for an image, from now on [default: its own limit, else 10^12].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = limit)]
    pub(super) gas: Option<u64>,

    /// Words of memory the program may have; for an image, more than now [default: its own limit, else 2^27].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = limit)]
    pub(super) words: Option<u64>,

    /// Pause after at most N gas, unnoticed by the program (exit code 125).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    pub(super) slice: Option<u64>,

    /// What executes the instructions.
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: Engine,

    /// Grant a host key besides console and args, or one in another way (console=null: no input, no output).
    #[arg(long = "grant", value_name = "NAME[=SPEC]")]
    pub(super) grants: Vec<String>,

    /// Do not grant console and args.
    #[arg(long)]
    pub(super) no_default_grants: bool,

    /// Stop when the root process has yielded N times (exit code 124).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one)]
    pub(super) max_yields: Option<u64>,

    /// Write the image to this file when the run ends, however it ends.
    #[arg(long, value_name = "OUT.blob")]
    pub(super) snapshot: Option<PathBuf>,

    /// Print one JSON object about the run as the last line.
    #[arg(long)]
    pub(super) json: bool,

    /// Say what was compiled and how much ran natively: after the run, on the standard error; with --json in its line.
    #[arg(long)]
    pub(super) stats: bool,

    /// Write /tmp/perf-PID.map, by which Linux `perf report` names native code.
    #[arg(long)]
    pub(super) perf: bool,
}

/// What programs may use that have no limits of their own, by default so much, and what executes them: of `test` and `repl`.
#[derive(Debug, Args)]
pub(super) struct Budget<const GAS: u64, const WORDS: u64> {
    /// Gas that may be used.
    #[arg(long, value_name = "N", default_value_t = GAS, allow_negative_numbers = true, value_parser = limit)]
    pub(super) gas: u64,
    /// Words of memory that may be used.
    #[arg(long, value_name = "N", default_value_t = WORDS, allow_negative_numbers = true, value_parser = limit)]
    pub(super) words: u64,
    /// What executes the instructions.
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: Engine,
}

impl Options {
    /// The arguments and grants as a command line has them, each with a space before it: what has to be given once more to
    /// go on with an image, which carries no hosts.
    pub(super) fn again(&self) -> String {
        let mut again = String::new();
        for argument in &self.args {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
            again.push(' ');
            if !argument.is_empty() && argument.chars().all(plain) {
                again.push_str(argument);
            } else {
                again.push_str(&format!("'{}'", printable(argument).replace('\'', "'\\''")));
            }
        }
        if self.no_default_grants {
            again.push_str(" --no-default-grants");
        }
        for grant in &self.grants {
            again.push_str(&format!(" --grant {}", printable(grant)));
        }
        again
    }
}

/// What executes the instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// The interpreter, and the compiler to machine code for what runs often.
    #[default]
    Auto,
    /// The compiler to machine code, before anything runs.
    Jit,
    /// The interpreter alone.
    Interp,
}

impl Engine {
    /// When it compiles.
    pub(super) const fn tier(self) -> Tier {
        match self {
            Self::Auto => Tier::Auto,
            Self::Jit => Tier::Jit,
            Self::Interp => Tier::Interpreter,
        }
    }

    /// Its name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Jit => "jit",
            Self::Interp => "interp",
        }
    }
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match number(text)? {
        0 => Err("at least 1 is needed: a run cannot stop before its first yield".to_owned()),
        n => Ok(n),
    }
}
