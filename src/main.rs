//! The program `keyvm`: the command line over the library. `docs/cli.md` describes it.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
