//! Lines to inputs: a statement with its block, a definition, a command.

use super::lines::{Line, Source};
use crate::cli::exit::Failure;
use keyvm::entish::{Begun, Typed};
use std::collections::{BTreeSet, VecDeque};

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
    /// Lines that were read and belong to what comes next: those that were looked at early, and those of a pasted text.
    early: VecDeque<Line>,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        Self { source, early: VecDeque::new() }
    }

    /// Reads the next input. A block ends at an empty line, or before one that does not belong to it.
    pub(super) fn read(&mut self) -> Result<Read, Failure> {
        let mut input = String::new();
        let mut typed = Typed::default();
        let mut functions = Functions::default();
        loop {
            let within = typed.begun();
            let line = match self.line(if input.is_empty() { PROMPT } else { PROMPT_WITHIN })? {
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
            let line = line.trim_end();
            match within {
                Begun::Complete if line.is_empty() => continue,
                Begun::Complete if input.is_empty() => {
                    if let Some(command) = line.strip_prefix(':') {
                        self.source.remember(line);
                        return Ok(Read::Command(command.trim().to_owned()));
                    }
                }
                // A pasted text may have empty lines within a block.
                Begun::Block if line.is_empty() && self.block_goes_on() => continue,
                Begun::Block if line.is_empty() => return Ok(self.taken(input)),
                Begun::Block if !belongs(line, &functions) => {
                    self.early.push_front(Line::Text(line.as_bytes().to_vec()));
                    return Ok(self.taken(input));
                }
                Begun::Complete | Begun::Block | Begun::Bracket => {}
            }
            functions.note(line, input.is_empty());
            input.push_str(line);
            input.push('\n');
            typed.line(line);
            if typed.begun() == Begun::Complete && !self.goes_on(&functions)? {
                return Ok(self.taken(input));
            }
        }
    }

    /// The next line. A text that is pasted into a terminal comes as one, and is taken apart.
    fn line(&mut self, prompt: &str) -> Result<Line, Failure> {
        if let Some(line) = self.early.pop_front() {
            return Ok(line);
        }
        match self.source.line(prompt)? {
            Line::Text(bytes) if bytes.contains(&b'\n') => {
                self.early =
                    bytes.split(|&byte| byte == b'\n').map(|line| Line::Text(line.to_vec())).collect();
                Ok(self.early.pop_front().unwrap_or(Line::End))
            }
            line => Ok(line),
        }
    }

    /// Whether a function follows that may be taken together with those of an input that is complete. On a terminal only what has
    /// been pasted is looked at: nobody waits there for a line that may not come.
    fn goes_on(&mut self, functions: &Functions) -> Result<bool, Failure> {
        if functions.names.is_empty() {
            return Ok(false);
        }
        if self.early.is_empty() && !self.source.is_terminal() {
            let line = self.source.line(PROMPT_WITHIN)?;
            self.early.push_back(line);
        }
        Ok(match self.early.front() {
            Some(Line::Text(line)) => str::from_utf8(line).is_ok_and(|line| functions.take(line)),
            _ => false,
        })
    }

    /// Whether behind an empty line there are lines of the same block.
    fn block_goes_on(&self) -> bool {
        let mut lines = self.early.iter().filter_map(|line| match line {
            Line::Text(line) => Some(line),
            Line::End | Line::Interrupted => None,
        });
        let next = lines.find(|line| !line.trim_ascii().is_empty());
        next.is_some_and(|line| line.starts_with(b" ") || line.starts_with(b"\t"))
    }

    fn taken(&self, input: String) -> Read {
        self.source.remember(&input);
        Read::Input(input)
    }
}

/// Whether a line may belong to an input whose last block it follows: functions that follow one another may call each
/// other.
fn belongs(line: &str, functions: &Functions) -> bool {
    let word = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    line.starts_with([' ', '\t', '#']) || matches!(word, Some("elif" | "else")) || functions.take(line)
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
