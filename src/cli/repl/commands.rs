//! What begins with a colon.

use super::state::State;
use crate::cli::exit::{Failure, warn};
use crate::cli::input::{beside, show};
use crate::cli::output::{style_errors, write_file};
use crate::cli::text::{limit, printable};
use keyvm::entish::{File, compile};
use keyvm_lang::nearest;
use std::path::Path;

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    Leave,
}

/// The commands and what they do.
const COMMANDS: [(&str, &str, &str); 9] = [
    ("help", "", "this list"),
    ("vars", "", "the variables with their types and values"),
    ("type", "EXPRESSION", "the type of an expression, which does not run"),
    ("budget", "", "gas and words that are left"),
    ("gas", "N", "leaves N gas for what follows; `unlimited` is no limit"),
    ("words", "N", "allows N words of memory in all"),
    ("save", "FILE", "writes the session as a program, which does again what was done"),
    ("reset", "", "begins a new session with the budget that is left"),
    ("quit", "", "leaves, as Ctrl-D does"),
];

const HELP: &str = "\
An input is a statement, an expression, whose value is shown, or a declaration. A block ends with an empty line, and so does an
`if` of one line or a bracket that is not closed. What an input defines and assigns is there for the next one; if it goes wrong,
everything is as it was before it. Ctrl-C ends what runs, and drops what is typed.
";

/// Does what a command says.
///
/// # Errors
/// If there is no such command, or it makes no sense.
pub(super) fn execute(command: &str, state: &mut State) -> Result<Then, Failure> {
    let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let argument = argument.trim();
    let Some(&(_, wanted, _)) = COMMANDS.iter().find(|row| row.0 == name) else {
        let names = COMMANDS.iter().map(|row| row.0);
        let hint =
            nearest(name, names).map_or("`:help` lists them".to_owned(), |near| format!("is it `:{near}`?"));
        return Err(Failure::Error(format!("there is no command `:{}`; {hint}", printable(name))));
    };
    if wanted.is_empty() != argument.is_empty() {
        let usage = format!(":{name} {wanted}");
        return Err(Failure::Error(format!("write `{}`", usage.trim_end())));
    }
    let number = || limit(argument).map_err(|error| Failure::about(format_args!(":{name}"), error));
    match name {
        "help" => state.output.line(&help()),
        "vars" => {
            for [name, ty, value] in state.session.variables(&state.image) {
                state.output.line(&format!("{ty} {name} = {value}"));
            }
        }
        "type" => {
            if let Some(input) = state.compile(argument) {
                let types = input.types();
                if types.is_empty() {
                    return Err(Failure::about(":type", "this is no expression with a value"));
                }
                state.output.line(&types);
            }
        }
        "budget" => state.output.line(&state.left()),
        "gas" => state.gas_left = number()?,
        "words" => state.words_limit = number()?,
        "save" => save(Path::new(argument), state)?,
        "reset" => state.reset(),
        _ => return Ok(Then::Leave),
    }
    Ok(Then::GoOn)
}

/// Whether a line is one of the commands, and nothing that goes on with a statement.
pub(super) fn is_command(line: &str) -> bool {
    let name = line.strip_prefix(':').and_then(|command| command.split(char::is_whitespace).next());
    name.is_some_and(|name| COMMANDS.iter().any(|row| row.0 == name))
}

fn help() -> String {
    let mut text = HELP.to_owned();
    for (name, argument, does) in COMMANDS {
        text += &format!("\n  {:<18} {does}", format!(":{name} {argument}"));
    }
    text
}

fn save(path: &Path, state: &State) -> Result<(), Failure> {
    if !path.extension().is_some_and(|end| end.eq_ignore_ascii_case("et")) {
        return Err(Failure::about(show(path), "the name of a program ends in .et"));
    }
    if path.symlink_metadata().is_ok() {
        return Err(Failure::about(show(path), "this is there already, and stays"));
    }
    let nothing = |wrong: &str| Failure::about(show(path), format_args!("nothing was written: {wrong}"));
    let first_line = |statement: &str| statement.lines().next().unwrap_or_default().to_owned();
    if let Some((name, statement)) = state.session.ambiguous() {
        let line = first_line(statement);
        return Err(nothing(&format!("in a program, `{name}` would still be the variable in `{line}`")));
    }
    let text = state.session.program();
    let program = File { name: show(path), text: text.clone() };
    if let Err(errors) = compile(program, &mut beside(path)) {
        let wrong = errors.render(style_errors());
        return Err(nothing(&format!("as a program, this is wrong\n{}", wrong.trim_end())));
    }
    write_file(path, &text)?;
    for (name, statement) in state.session.redefined() {
        let line = first_line(statement);
        warn(format_args!(
            "`{name}` was defined anew after it was used by `{line}`, which uses the new one in {}",
            show(path)
        ));
    }
    Ok(())
}
