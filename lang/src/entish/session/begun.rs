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

/// How far an input has come with these lines.
///
/// ```
/// # use keyvm_lang::entish::{Begun, begun};
/// assert_eq!(begun("x = f(1,\n"), Begun::Bracket);
/// assert_eq!(begun("if x:\n    y = 1\n"), Begun::Block);
/// assert_eq!(begun("if x: y = 1\n"), Begun::Complete);
/// ```
#[must_use]
pub fn begun(text: &str) -> Begun {
    let mut depth = 0_u64;
    let mut in_block = false;
    // The last character of the statement that is no space.
    let mut last = ' ';
    for line in text.lines() {
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
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !c.is_whitespace() {
                last = c;
            }
        }
        if depth == 0 {
            in_block |= last == ':';
            last = ' ';
        }
    }
    match (depth, in_block) {
        (1.., _) => Begun::Bracket,
        (0, true) => Begun::Block,
        (0, false) => Begun::Complete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
