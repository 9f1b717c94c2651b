//! Where lines come from: a terminal, on which they are edited, or anything else. A program that reads its console
//! reads from there too.

use crate::cli::exit::Failure;
use crate::cli::input::plain;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A line that is longer comes in pieces.
const LINE_BYTES_MAX: u64 = 1 << 26;

/// What is read.
pub(super) enum Line {
    /// Without its end.
    Text(Vec<u8>),
    End,
    /// Ctrl-C.
    Interrupted,
}

/// The standard input.
#[derive(Clone)]
pub(super) struct Source {
    lines: Arc<Mutex<Lines>>,
    is_terminal: bool,
}

struct Lines {
    input: Input,
    /// Lines that were read and belong to what comes next: those that were looked at early, and those of a pasted text.
    early: VecDeque<Line>,
    /// So many of these, from the first one on, are known to be empty.
    empty: usize,
}

enum Input {
    Terminal(Box<DefaultEditor>),
    Plain(io::BufReader<io::Stdin>),
}

impl Source {
    /// The standard input; lines are edited if it is a terminal.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    pub(super) fn standard() -> Result<Self, Failure> {
        let is_terminal = io::stdin().is_terminal();
        let input = if is_terminal {
            let editor = DefaultEditor::new().map_err(|error| Failure::about("terminal", error))?;
            Input::Terminal(Box::new(editor))
        } else {
            Input::Plain(io::BufReader::new(io::stdin()))
        };
        let lines = Lines { input, early: VecDeque::new(), empty: 0 };
        Ok(Self { lines: Arc::new(Mutex::new(lines)), is_terminal })
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a line; on a terminal behind the prompt.
    pub(super) fn line(&self, prompt: &str) -> Result<Line, Failure> {
        self.lines().line(prompt).map_err(wrong)
    }

    /// Has a line come again.
    pub(super) fn put_back(&self, line: &str) {
        let mut lines = self.lines();
        lines.early.push_front(Line::Text(line.as_bytes().to_vec()));
        lines.empty = 0;
    }

    /// The next line, which stays; or the next one that is not empty. On a terminal only what has been pasted is
    /// looked at: nobody waits there for a line that may not come.
    pub(super) fn ahead(&self, is_empty_passed: bool) -> Result<Option<String>, Failure> {
        let mut lines = self.lines();
        for index in if is_empty_passed { lines.empty } else { 0 }.. {
            if index == lines.early.len() {
                if self.is_terminal {
                    break;
                }
                let line = lines.input.line("").map_err(wrong)?;
                lines.early.push_back(line);
            }
            match &lines.early[index] {
                Line::Text(line) if is_empty_passed && line.trim_ascii().is_empty() => {
                    lines.empty = index + 1;
                }
                Line::Text(line) => return Ok(str::from_utf8(line).ok().map(str::to_owned)),
                Line::End | Line::Interrupted => break,
            }
        }
        Ok(None)
    }

    /// Has an input come back when the user goes through earlier ones.
    pub(super) fn remember(&self, input: &str) {
        if let Input::Terminal(editor) = &mut self.lines().input {
            // It is convenience; a history without it is no mistake.
            let _ = editor.add_history_entry(input.trim_end());
        }
    }

    /// What a program's console reads; `interrupted` says whether a wait for it was ended by Ctrl-C.
    pub(super) fn console(&self, interrupted: &Arc<AtomicBool>) -> ConsoleInput {
        let interrupted = Arc::clone(interrupted);
        ConsoleInput { source: self.clone(), interrupted, line: Vec::new(), taken: 0 }
    }
}

fn wrong(error: io::Error) -> Failure {
    Failure::about("standard input", plain(&error))
}

impl Lines {
    /// The next line. A text that is pasted into a terminal comes as one, and is taken apart.
    fn line(&mut self, prompt: &str) -> io::Result<Line> {
        if let Some(line) = self.early.pop_front() {
            self.empty = self.empty.saturating_sub(1);
            return Ok(line);
        }
        match self.input.line(prompt)? {
            Line::Text(bytes) if bytes.contains(&b'\n') => {
                self.early =
                    bytes.split(|&byte| byte == b'\n').map(|line| Line::Text(line.to_vec())).collect();
                Ok(self.early.pop_front().unwrap_or(Line::End))
            }
            line => Ok(line),
        }
    }
}

impl Input {
    fn line(&mut self, prompt: &str) -> io::Result<Line> {
        match self {
            Self::Terminal(editor) => match editor.readline(prompt) {
                Ok(line) => Ok(Line::Text(line.into_bytes())),
                Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
                Err(ReadlineError::Eof) => Ok(Line::End),
                Err(ReadlineError::Io(error)) => Err(error),
                Err(error) => Err(io::Error::other(error)),
            },
            Self::Plain(input) => {
                let mut line = Vec::new();
                if input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
                    return Ok(Line::End);
                }
                if line.ends_with(b"\n") {
                    line.pop();
                }
                Ok(Line::Text(line))
            }
        }
    }
}

/// The input of a program's console, which takes a line only when it is asked for one.
pub(super) struct ConsoleInput {
    source: Source,
    interrupted: Arc<AtomicBool>,
    line: Vec<u8>,
    taken: usize,
}

impl BufRead for ConsoleInput {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.line.len() {
            self.taken = 0;
            self.line.clear();
            match self.source.lines().line("")? {
                Line::Text(mut line) => {
                    line.push(b'\n');
                    self.line = line;
                }
                Line::End => {}
                Line::Interrupted => {
                    self.interrupted.store(true, Ordering::Relaxed);
                    return Err(io::Error::other("interrupted"));
                }
            }
        }
        Ok(&self.line[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = self.line.len().min(self.taken + amount);
    }
}

impl Read for ConsoleInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}
