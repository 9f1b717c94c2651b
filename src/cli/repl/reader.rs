//! Lines to inputs: a statement with its block, a definition, a command.

use super::lines::{Line, Source};
use crate::cli::exit::Failure;
use keyvm::entish::{Begun, Typed};

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
    /// A line that was read and belongs to the next input.
    early: Option<String>,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self { source, early: None }
    }

    /// Reads the next input. A block ends at an empty line, or before one that does not belong to it.
    pub(super) fn read(&mut self) -> Result<Read, Failure> {
        let mut input = String::new();
        let mut typed = Typed::default();
        loop {
            let within = typed.begun();
            let line = match self.early.take() {
                Some(line) => line,
                None => match self.source.line(if input.is_empty() { PROMPT } else { PROMPT_WITHIN })? {
                    Line::Text(bytes) => match String::from_utf8(bytes) {
                        Ok(line) => line,
                        Err(_) => return Ok(Read::Nothing("this is not UTF-8 text, and was not taken")),
                    },
                    Line::Interrupted => {
                        input.clear();
                        typed = Typed::default();
                        continue;
                    }
                    Line::End if input.is_empty() => return Ok(Read::End),
                    Line::End => return Ok(self.taken(input)),
                },
            };
            let line = line.trim_end();
            match within {
                Begun::Complete if line.is_empty() => continue,
                Begun::Complete => {
                    if let Some(command) = line.strip_prefix(':') {
                        self.source.remember(line);
                        return Ok(Read::Command(command.trim().to_owned()));
                    }
                }
                Begun::Block if line.is_empty() => return Ok(self.taken(input)),
                Begun::Block if !belongs(line, &input) => {
                    self.early = Some(line.to_owned());
                    return Ok(self.taken(input));
                }
                Begun::Block | Begun::Bracket => {}
            }
            input.push_str(line);
            input.push('\n');
            typed.line(line);
            if typed.begun() == Begun::Complete {
                return Ok(self.taken(input));
            }
        }
    }

    fn taken(&self, input: String) -> Read {
        self.source.remember(&input);
        Read::Input(input)
    }
}

/// Whether a line can belong to the block before it. Functions behind one another are one input, so that they may call each
/// other.
fn belongs(line: &str, input: &str) -> bool {
    let word = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    let is_definition = word == Some("def") && input.starts_with("def ");
    line.starts_with([' ', '\t', '#']) || matches!(word, Some("elif" | "else")) || is_definition
}
