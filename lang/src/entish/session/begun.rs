//! Whether a text that is typed line by line has come to its end.

/// How far an input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It can be taken as it is.
    Complete,
    /// A bracket is open: what comes next belongs to it.
    Bracket,
    /// It ends in a block: lines that are indented belong to it, and `elif` and `else`.
    Block,
}

/// An input that is typed line by line.
///
/// ```
/// # use keyvm_lang::entish::{Begun, Typed};
/// let mut typed = Typed::default();
/// typed.line("x = f(1,");
/// assert_eq!(typed.begun(), Begun::Bracket);
/// typed.line("2)");
/// assert_eq!(typed.begun(), Begun::Complete);
/// typed.line("if x: # so");
/// assert_eq!(typed.begun(), Begun::Block);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// So many brackets are open.
    depth: u64,
    in_block: bool,
    /// The last character of the statement that is no space, as long as a bracket is open.
    last: Option<char>,
}

impl Typed {
    /// Looks at the next line. What that takes depends on this line alone.
    pub fn line(&mut self, line: &str) {
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            match c {
                '#' => break,
                '"' | '\'' => {
                    while let Some(inner) = rest.next() {
                        match inner {
                            '\\' => drop(rest.next()),
                            _ if inner == c => break,
                            _ => {}
                        }
                    }
                }
                '(' | '[' | '{' => self.depth += 1,
                ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if !c.is_whitespace() {
                self.last = Some(c);
            }
        }
        if self.depth == 0 {
            self.in_block |= self.last == Some(':');
            self.last = None;
        }
    }

    /// How far it has come with the lines so far.
    #[must_use]
    pub const fn begun(&self) -> Begun {
        match (self.depth, self.in_block) {
            (1.., _) => Begun::Bracket,
            (0, true) => Begun::Block,
            (0, false) => Begun::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(text: &str) -> Begun {
        let mut typed = Typed::default();
        text.lines().for_each(|line| typed.line(line));
        typed.begun()
    }

    #[test]
    fn an_input_ends_where_nothing_is_open() {
        for text in [
            "",
            "x = 1",
            "x = \"(\"",
            "x = '('",
            "f(1) # (",
            "x = '\\''",
            "x = \")\" # :",
            "while true: f()",
            ")",
        ] {
            assert_eq!(begun(text), Begun::Complete, "{text}");
        }
        for text in ["f(", "x = [1,\n2,", "m = {\"a\":", "def f(\n    x):\n    g(["] {
            assert_eq!(begun(text), Begun::Bracket, "{text}");
        }
        for text in
            ["def f():", "if x:  # so", "def f(\n  x):", "while:\n    f()", "if a:\n    b()\nelse:\n    c()"]
        {
            assert_eq!(begun(text), Begun::Block, "{text}");
        }
    }
}
