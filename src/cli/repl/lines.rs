//! Where lines come from: a terminal, on which they are edited, or anything else. A program that reads its console
//! reads from there too.

use crate::cli::exit::Failure;
use crate::cli::input::plain;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
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

enum Lines {
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
        let lines = if is_terminal {
            let editor = DefaultEditor::new().map_err(|error| Failure::about("terminal", error))?;
            Lines::Terminal(Box::new(editor))
        } else {
            Lines::Plain(io::BufReader::new(io::stdin()))
        };
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
        self.lines().line(prompt).map_err(|error| Failure::about("standard input", plain(&error)))
    }

    /// Has an input come back when the user goes through earlier ones.
    pub(super) fn remember(&self, input: &str) {
        if let Lines::Terminal(editor) = &mut *self.lines() {
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

impl Lines {
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
