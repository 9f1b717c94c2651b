//! The text of a random program in the language, line by line.

use std::fmt::Write;

/// Lines, indented by the blocks that they are in.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    indent: usize,
}

impl Lines {
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Who writes lines.
pub(super) trait WriteLines {
    fn lines(&mut self) -> &mut Lines;

    fn line(&mut self, line: &str) {
        let Lines { text, indent } = self.lines();
        // A string takes everything.
        let _ = writeln!(text, "{:width$}{line}", "", width = *indent * 4);
    }

    /// A line and what is indented below it.
    fn block(&mut self, line: &str, body: impl FnOnce(&mut Self))
    where
        Self: Sized,
    {
        self.line(line);
        self.lines().indent += 1;
        body(self);
        self.lines().indent -= 1;
    }
}
