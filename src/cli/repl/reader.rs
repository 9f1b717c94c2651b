//! Lines to inputs: a statement with its block, a definition, a command.

use super::commands::is_command;
use super::lines::{Line, Source};
use crate::cli::exit::Failure;
use keyvm::entish::{Begun, Typed};
use std::collections::BTreeSet;

const PROMPT: &str = "> ";
const PROMPT_WITHIN: &str = ". ";

/// What was read.
pub(super) enum Read {
    /// Lines of a program.
    Input(String),
    /// What stands behind the colon.
    Command(String),
    /// Nothing that can be taken, and why.
    Nothing(&'static str),
    End,
}

pub(super) struct Reader {
    source: Source,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self { source }
    }

    /// Reads the next input. What is unfinished ends at an empty line, before a command, and before a line that does not belong
    /// to it.
    pub(super) fn read(&mut self) -> Result<Read, Failure> {
        let mut input = String::new();
        let mut typed = Typed::default();
        let mut functions = Functions::default();
        loop {
            let whole = match self.source.line(if input.is_empty() { PROMPT } else { PROMPT_WITHIN })? {
                Line::Text(bytes) => match String::from_utf8(bytes) {
                    Ok(line) => line,
                    Err(_) => return Ok(Read::Nothing("this is not UTF-8 text, and was not taken")),
                },
                Line::Interrupted => {
                    input.clear();
                    typed = Typed::default();
                    functions = Functions::default();
                    continue;
                }
                Line::End if input.is_empty() => return Ok(Read::End),
                Line::End => return Ok(self.taken(input)),
            };
            let line = whole.trim_end();
            if input.is_empty() {
                if line.is_empty() {
                    continue;
                }
                if let Some(command) = line.strip_prefix(':') {
                    self.source.remember(line);
                    return Ok(Read::Command(command.trim().to_owned()));
                }
            } else if line.is_empty() {
                // A text that was written elsewhere may have empty lines within.
                match typed.begun() {
                    Begun::Block if !self.block_goes_on()? => return Ok(self.taken(input)),
                    Begun::Bracket if !self.bracket_goes_on()? => return Ok(self.taken(input)),
                    _ => continue,
                }
            } else {
                let belongs = match typed.begun_before(line) {
                    Begun::Bracket => !is_command(line),
                    Begun::Block => belongs(line, &functions),
                    Begun::Complete => typed.begun() == Begun::Complete,
                };
                if !belongs {
                    self.source.put_back(&whole);
                    return Ok(self.taken(input));
                }
            }
            functions.note(line, input.is_empty());
            input.push_str(line);
            input.push('\n');
            typed.line(line);
            if typed.begun() == Begun::Complete && !self.goes_on(&functions, typed.is_wrong_header())? {
                return Ok(self.taken(input));
            }
        }
    }

    /// Whether a line follows that is taken together with an input that is complete: one that begins a function, if it consists of
    /// functions; or one of the block that a line with a mistake was meant to begin.
    fn goes_on(&self, functions: &Functions, is_wrong_header: bool) -> Result<bool, Failure> {
        if functions.names.is_empty() && !is_wrong_header {
            return Ok(false);
        }
        let next = self.source.ahead(false)?;
        Ok(next.is_some_and(|line| {
            let is_of_block = is_wrong_header && is_indented(&line) && !line.trim().is_empty();
            functions.take(&line) || is_of_block
        }))
    }

    /// Whether behind an empty line of a pasted text there are lines of the same block.
    fn block_goes_on(&self) -> Result<bool, Failure> {
        if !self.source.is_terminal() {
            return Ok(false);
        }
        Ok(self.source.ahead(true)?.is_some_and(|line| is_indented(&line)))
    }

    /// Whether behind an empty line there are lines of the same bracket.
    fn bracket_goes_on(&self) -> Result<bool, Failure> {
        let next = self.source.ahead(true)?;
        Ok(next.is_some_and(|line| is_indented(&line) || line.starts_with([')', ']', '}'])))
    }

    fn taken(&self, input: String) -> Read {
        self.source.remember(&input);
        Read::Input(input)
    }
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Whether a line may belong to an input whose last block it follows: functions that follow one another may call each
/// other.
fn belongs(line: &str, functions: &Functions) -> bool {
    let word = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    is_indented(line)
        || line.starts_with('#')
        || matches!(word, Some("elif" | "else"))
        || functions.take(line)
}

/// The functions of an input that begins with one; none of any other.
#[derive(Default)]
struct Functions {
    names: BTreeSet<String>,
}

impl Functions {
    /// Looks at a line of the input.
    fn note(&mut self, line: &str, is_first: bool) {
        if is_first || !self.names.is_empty() {
            self.names.extend(defined(line).map(str::to_owned));
        }
    }

    /// Whether a line begins a function that may be taken together with these: one of a name that they have takes the place
    /// of theirs.
    fn take(&self, line: &str) -> bool {
        !self.names.is_empty() && defined(line).is_some_and(|name| !self.names.contains(name))
    }
}

/// The name of the function that a line begins.
fn defined(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("def ")?.trim_start();
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}
