//! Whether a text that is typed line by line has come to its end.

use crate::entish::lex::Kind;
use logos::Logos;

/// How far an input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It can be taken as it is.
    Complete,
    /// A bracket is open: what comes next belongs to it.
    Bracket,
    /// It ends in a block, or in an `if` of one line: lines that are indented belong to it, and `elif` and `else`.
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
    /// What closes the brackets that are open.
    open: Vec<Kind>,
    /// The statement that began last.
    statement: Statement,
    /// Whether lines belong to the last statement at the top level, although no bracket is open.
    in_block: bool,
    /// The last statement at the top level ends in a colon that stands in parentheses.
    is_wrong_header: bool,
}

/// A statement as far as its lines have come.
#[derive(Clone, Copy, Debug, Default)]
struct Statement {
    is_indented: bool,
    /// It begins with `if` or `elif`.
    is_condition: bool,
    /// A colon stands in it outside of brackets.
    has_colon: bool,
    ends_in_colon: bool,
}

impl Typed {
    /// Looks at the next line. What that takes depends on this line alone.
    pub fn line(&mut self, line: &str) {
        if self.ends_brackets(line) {
            self.open.clear();
        }
        let mut is_first = self.open.is_empty();
        let mut tokens = Kind::lexer(line);
        while let Some(token) = tokens.next() {
            let kind = token.unwrap_or(Kind::Unknown);
            if kind == Kind::Comment {
                continue;
            }
            if std::mem::take(&mut is_first) {
                self.statement = Statement {
                    is_indented: tokens.span().start > 0,
                    is_condition: matches!(kind, Kind::If | Kind::Elif),
                    ..Statement::default()
                };
            }
            self.token(kind);
        }
        if self.open.is_empty() && !self.statement.is_indented {
            let Statement { is_condition, has_colon, ends_in_colon, .. } = self.statement;
            self.in_block = ends_in_colon || is_condition && has_colon;
        }
    }

    fn token(&mut self, kind: Kind) {
        let within = self.open.last().copied();
        let is_wrong = match kind {
            // Nothing has a colon in parentheses.
            Kind::Colon => within == Some(Kind::CloseParen),
            Kind::Open => true,
            _ => kind.closes() && within != Some(kind),
        };
        if !self.statement.is_indented {
            self.is_wrong_header = is_wrong && kind == Kind::Colon;
        }
        if is_wrong {
            // No line can put that right.
            self.open.clear();
        } else if kind.closes() {
            self.open.pop();
        }
        self.open.extend(kind.closing());
        self.statement.ends_in_colon = kind == Kind::Colon && !is_wrong && self.open.is_empty();
        self.statement.has_colon |= self.statement.ends_in_colon;
    }

    /// Whether a line begins a statement although brackets are open, which are never closed then.
    fn ends_brackets(&self, line: &str) -> bool {
        let mut tokens = Kind::lexer(line);
        let first = tokens.next().and_then(Result::ok);
        !self.open.is_empty() && first.is_some_and(|kind| kind.begins_statement(tokens.remainder()))
    }

    /// How far it has come with the lines so far.
    #[must_use]
    pub const fn begun(&self) -> Begun {
        match (self.open.is_empty(), self.in_block) {
            (false, _) => Begun::Bracket,
            (true, true) => Begun::Block,
            (true, false) => Begun::Complete,
        }
    }

    /// The same if it is known which line comes next: one that begins a statement ends the brackets that are open.
    #[must_use]
    pub fn begun_before(&self, line: &str) -> Begun {
        match self.begun() {
            Begun::Bracket if self.ends_brackets(line) => {
                if self.in_block {
                    Begun::Block
                } else {
                    Begun::Complete
                }
            }
            begun => begun,
        }
    }

    /// Whether its last statement, meant to begin a block, begins none: parentheses are not closed before its colon.
    #[must_use]
    pub const fn is_wrong_header(&self) -> bool {
        self.is_wrong_header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entish::library;

    fn typed(text: &str) -> Typed {
        let mut typed = Typed::default();
        text.lines().for_each(|line| typed.line(line));
        typed
    }

    fn begun(text: &str) -> Begun {
        typed(text).begun()
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
            "x = 1 if a else 2",
            "if a",
            "if a: b()\nelse: c()",
            "if a:\n    b()\nelif c: d()\nelse: e()",
            ")",
        ] {
            assert_eq!(begun(text), Begun::Complete, "{text}");
            assert!(!typed(text).is_wrong_header(), "{text}");
        }
        for text in ["f(", "x = [1,\n2,", "m = {\"a\":", "def f(\n    x):\n    g(["] {
            assert_eq!(begun(text), Begun::Bracket, "{text}");
        }
        for text in [
            "def f():",
            "if x:  # so",
            "def f(\n  x):",
            "while:\n    f()",
            "if a:\n    b()\nelse:\n    c()",
            "if a: b()",
            "if a: b() # :\n# so",
            "if (a\n  or b): c()",
            "if a[1:2] == b: c()\nelif d: e()",
            "if a:\n    if b: c()\n    else: d()",
        ] {
            assert_eq!(begun(text), Begun::Block, "{text}");
        }
    }

    #[test]
    fn what_no_line_can_put_right_ends_a_bracket() {
        for text in ["print(\"abc", "x = [1,\n'a", "f(x[1:2], y: z", "f(1]", "x = {\"a\": [1)"] {
            assert_eq!((begun(text), typed(text).is_wrong_header()), (Begun::Complete, false), "{text}");
        }
        for text in ["def broken(:", "def f(x: # so", "if (a or\n    b:"] {
            assert_eq!((begun(text), typed(text).is_wrong_header()), (Begun::Complete, true), "{text}");
        }
        assert_eq!(begun("def f():\n    print(\"abc"), Begun::Block);
        for text in ["f(x[1:", "f({\"a\":", "f(p{x:", "f(\"(:\","] {
            assert_eq!(begun(text), Begun::Bracket, "{text}");
        }
    }

    #[test]
    fn a_statement_ends_the_brackets_before_it() {
        let before = |text, line| typed(text).begun_before(line);
        for line in ["return", "  while x:", "def f(n):", "import lists", "elif x:"] {
            assert_eq!(before("x = (1 +", line), Begun::Complete, "{line}");
            assert_eq!(before("def g():\n    x = (1 +", line), Begun::Block, "{line}");
        }
        for line in ["2)", "if x else y)", "else y)", "def(u) -> u)", "definite)", "", "# return"] {
            assert_eq!(before("x = (1 +", line), Begun::Bracket, "{line}");
        }
        assert_eq!(begun("def g():\n    x = (1 +\n    return x"), Begun::Block);
        assert_eq!(begun("x = (1 +\nreturn x"), Begun::Complete);
    }

    #[test]
    fn nothing_well_formed_ends_early() {
        for module in library::modules() {
            let mut typed = Typed::default();
            for line in module.text.lines() {
                assert!(
                    typed.begun() != Begun::Bracket || typed.begun_before(line) == Begun::Bracket,
                    "{line}"
                );
                let indented = line.starts_with(' ') && typed.begun() != Begun::Bracket;
                assert!(!indented || typed.begun() == Begun::Block, "{}: {line}", module.name);
                typed.line(line);
                assert!(!typed.is_wrong_header(), "{}: {line}", module.name);
            }
            assert_ne!(typed.begun(), Begun::Bracket, "{}", module.name);
        }
    }
}
