//! The words for everything that can be wrong with a text before names are looked at; nowhere else are there any.

use super::expressions::EXPRESSION;
use crate::diagnostic::Diagnostic;
use crate::entish::ast::{ExprKind, Span};
use crate::entish::lex::{BadNumber, Kind, MARKS, WORDS};
use crate::nearest::nearest;
use std::ops::Range;

/// A place as diagnostics have them.
pub(super) fn wide(span: &Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn new(span: &Span, title: impl Into<String>, label: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&wide(span), title, label)
}

/// How a mark is written.
pub(super) fn mark(kind: Kind) -> &'static str {
    MARKS.iter().find(|&&(_, mark)| mark == kind).map_or("", |(text, _)| text)
}

// ---- Lines --------------------------------------------------------------------------------------------

pub(in crate::entish) fn file_too_long(limit: usize) -> Diagnostic {
    new(&(0..0), "the file is too long", format!("more than {} MiB", limit >> 20))
        .hint("put parts of it into files of their own, and `import` them")
}

pub(in crate::entish) fn too_deep(span: &Span, limit: usize) -> Diagnostic {
    new(span, "nested too deeply", format!("more than {limit} levels"))
        .hint("give parts of it names, by statements of their own")
}

pub(in crate::entish) fn blocks_too_deep(span: &Span, limit: usize) -> Diagnostic {
    new(span, "nested too deeply", format!("more than {limit} blocks, one in the other"))
        .hint("make a function of the inner ones")
}

pub(super) fn too_many_arms(span: &Span, limit: usize) -> Diagnostic {
    new(span, "too many `elif`", format!("more than {limit} conditions"))
        .hint("look it up in a map or a list")
}

pub(in crate::entish) fn tab(span: &Span) -> Diagnostic {
    new(span, "a tab does not indent", "here").hint("indent by spaces, 4 for each block")
}

pub(in crate::entish) fn uneven(span: &Span, outer: u32, inner: u32) -> Diagnostic {
    let spaces = span.end - span.start;
    new(span, "this line is in no block", format!("{spaces} spaces"))
        .hint(format!("the blocks around it begin behind {outer} and {inner} spaces"))
}

pub(super) fn stray_indent(span: &Span) -> Diagnostic {
    new(span, "no block begins here", "indented more than the line above")
        .hint("only behind a line that ends with a colon lines are indented more")
}

pub(super) fn indent_behind_line(span: &Span, statement: &Span) -> Diagnostic {
    new(span, "no block begins here", "indented more than the line above")
        .label(&wide(statement), "this is the block already")
        .hint("a block is one statement behind the colon, or lines of their own below it")
}

pub(super) fn no_block(header: &Span, word: &str, next: &Span) -> Diagnostic {
    new(next, format!("the block of `{word}` is missing"), "expected a line that is indented more")
        .label(&wide(header), "its block follows this")
        .hint("indent what belongs to it by 4 spaces more; `pass` is a statement that does nothing")
}

pub(super) fn no_colon(header: &Span, word: &str) -> Diagnostic {
    new(&(header.end..header.end), format!("the line of `{word}` lacks its colon"), "expected `:`")
}

/// What stands behind a point.
pub(super) const MEMBER: &str = "the name of a member";

/// How blocks are written.
pub(super) const BLOCKS: &str = "a block begins with `:` and is indented; there are no braces around it";

pub(super) fn block_word(span: &Span, word: &str) -> Diagnostic {
    new(span, format!("`{word}` does not begin a block"), "expected `:`").hint(BLOCKS)
}

pub(super) fn block_in_line(span: &Span, word: &str) -> Diagnostic {
    new(span, format!("`{word}` needs a line of its own"), "behind a colon")
        .hint("what stands on the line of a colon is one simple statement")
}

// ---- Tokens -------------------------------------------------------------------------------------------

/// `before` is the text up to the token.
pub(super) fn unexpected(span: &Span, kind: Kind, text: &str, before: &str, wanted: &str) -> Diagnostic {
    let expected = format!("expected {wanted}");
    if wanted == MEMBER
        && kind != Kind::Dot
        && let Some(number) = pointed_number(before)
    {
        return misplaced(span, kind, text, expected)
            .hint(format!("a number has digits on both sides of its point: `{number}.0`"));
    }
    match kind {
        Kind::Unknown => unknown_character(span, text, expected),
        Kind::Open => open_quotes(span, text),
        Kind::Foreign => foreign(span, text, before, expected),
        Kind::Newline => {
            let behind = before.trim_end_matches(' ');
            let goes_on = behind.ends_with(['+', '-', '*', '/', '%', '|', '&', '^', ',', '=']);
            let hint = match wanted {
                EXPRESSION if goes_on => Some("inside parentheses an expression goes on over line ends"),
                EXPRESSION if behind.ends_with('>') => Some(BUDGETS),
                _ => None,
            };
            misplaced(span, kind, text, expected).maybe_hint(hint.map(str::to_owned))
        }
        Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => {
            let title = format!("`{text}` closes nothing");
            let stray = wanted.ends_with("the end of the line") || wanted == "a statement";
            if stray { new(span, title, expected) } else { misplaced(span, kind, text, expected) }
        }
        Kind::Dot if before.ends_with('.') => {
            misplaced(span, kind, text, expected).hint("the numbers from a on, below b, are `range(a, b)`")
        }
        Kind::Name if before.ends_with(|c: char| c.is_ascii_digit()) => {
            misplaced(span, kind, text, expected).hint("a name begins with a letter")
        }
        _ => misplaced(span, kind, text, expected),
    }
}

fn misplaced(span: &Span, kind: Kind, text: &str, expected: String) -> Diagnostic {
    match kind {
        Kind::Newline => new(&(span.start..span.start), "the line ends too early", expected),
        Kind::Indent | Kind::Dedent => new(span, "the line ends too early", expected),
        Kind::End => new(span, "the text ends too early", expected),
        _ => {
            let text = if text.chars().count() > 40 { "this" } else { text };
            new(span, format!("`{text}` does not belong here"), expected)
        }
    }
}

/// The whole number that a text ends with, behind which stands a point.
pub(super) fn pointed_number(before: &str) -> Option<&str> {
    let behind = before.trim_end_matches(' ').strip_suffix('.')?;
    let number = behind.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    let is_whole = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    (is_whole && number.starts_with(|c: char| c.is_ascii_digit())).then_some(number)
}

fn unknown_character(span: &Span, text: &str, expected: String) -> Diagnostic {
    let character = text.chars().next().unwrap_or_default();
    let shown = if character.is_ascii_graphic() || character.is_alphabetic() {
        format!("`{character}`")
    } else {
        format!("the character U+{:04X}", u32::from(character))
    };
    let diagnostic = new(span, format!("{shown} means nothing here"), expected);
    match character {
        '\u{2018}' | '\u{2019}' => diagnostic.hint("a character stands between straight quotes: 'a'"),
        '\u{201c}' | '\u{201d}' => diagnostic.hint("a text stands between straight quotes: \"text\""),
        '$' => diagnostic.hint("an instruction is `$` and its name: `$rotr32(x, 7)`"),
        _ if character.is_alphabetic() => diagnostic.hint("names are of a to z, A to Z, 0 to 9 and `_`"),
        _ => diagnostic,
    }
}

fn open_quotes(span: &Span, text: &str) -> Diagnostic {
    let diagnostic = new(span, "the quotes are not closed", "they begin here");
    if text.starts_with('\'') {
        return diagnostic.hint("a character stands between single quotes: 'a'; a text between double ones");
    }
    diagnostic.hint("a text ends on its line; `\\n` in it is a line end")
}

/// What other languages write by marks.
fn foreign(span: &Span, text: &str, before: &str, expected: String) -> Diagnostic {
    if let Some(diagnostic) = foreign_operator(span, text) {
        return diagnostic;
    }
    let line = before.rsplit('\n').next().unwrap_or_default();
    let hint = match text {
        "!" => "`not` is the opposite of a condition, `~` that of bits",
        "**" => "there is no operator for powers: `import numbers`, and `numbers.pow(x, n)`",
        "//" if line.trim().is_empty() => "a comment begins with `#`",
        "/*" => "a comment begins with `#`, and ends with the line",
        "//" => "`/` of integers is cut towards 0; a comment begins with `#`",
        ":=" => "an assignment is a statement of its own: `x = 1`",
        ";" => "a statement ends with its line",
        "?" => "of two values, one is chosen by `a if condition else b`",
        "@" => "functions have no decorators",
        "\\" => "inside parentheses a line end means nothing",
        "=>" if line.trim_start().starts_with("def ") => "results stand behind `->`: `def f(x) -> u:`",
        "=>" => {
            return new(span, "there is no operator `=>`", "write `>=` to compare")
                .hint("a block begins with `:`, and a map is `{key: value}`");
        }
        _ => return new(span, format!("`{text}` means nothing here"), expected),
    };
    new(span, format!("`{text}` means nothing here"), expected).hint(hint)
}

/// An operator that has another name here.
pub(super) fn foreign_operator(span: &Span, text: &str) -> Option<Diagnostic> {
    let ours = match text {
        "&&" => "and",
        "||" => "or",
        "===" | "is" => "==",
        "!==" | "<>" | "is not" => "!=",
        "=<" => "<=",
        "xor" => "^",
        "mod" => "%",
        "div" => "/",
        _ => return None,
    };
    Some(new(span, format!("there is no operator `{text}`"), format!("write `{ours}`")))
}

pub(super) fn exclamation(span: &Span) -> Diagnostic {
    new(span, "there is no operator `!`", "write `not`").hint("`~` inverts the bits of a number")
}

pub(super) fn reserved(span: &Span, text: &str, what: &str) -> Diagnostic {
    new(span, format!("`{text}` is reserved"), format!("expected {what}"))
        .hint(format!("take another name, such as `{text}_`"))
}

pub(super) fn unclosed(open: &Span, bracket: &str, at: &Span, wanted: &str) -> Diagnostic {
    let at = at.start.max(open.end)..at.start.max(open.end);
    new(open, format!("`{bracket}` is not closed"), "this bracket")
        .label(&wide(&at), format!("expected {wanted}"))
}

// ---- Words of other languages -------------------------------------------------------------------------

/// How a sandboxed call is written.
pub(super) const BUDGETS: &str = "a sandboxed call has two budgets: `f<gas,words>(x)`";

/// What to write in place of a word that begins a statement in other languages, but not here.
pub(in crate::entish) fn foreign_hint(word: &str) -> Option<&'static str> {
    Some(match word {
        "class" | "struct" | "type" | "record" | "enum" => {
            "`typ name {u field, text other}` makes a type; what it can do are functions"
        }
        "function" | "func" | "fn" | "fun" | "sub" | "proc" => {
            "a function begins with `def`: `def name(u x):`"
        }
        "let" | "var" | "auto" | "local" | "my" | "mut" => {
            "a variable is made by its first assignment: `x = 1`"
        }
        "global" | "nonlocal" => {
            "functions do not see the variables of others; hand values over as arguments, or use `const`"
        }
        "switch" | "match" | "case" => "write `if`, `elif`, `else`",
        "elseif" | "elsif" => "write `elif`, behind the block of an `if`",
        "foreach" => "write `for x in list:`",
        "until" | "unless" => "write `while` or `if`, with `not`",
        "loop" | "forever" | "do" | "repeat" => "`while:` runs for ever, up to a `break`",
        "raise" | "throw" | "except" | "catch" | "finally" => {
            "there are no exceptions; `try f<gas,words>(x)` calls f so that its failing can be looked at"
        }
        "with" => "there is no `with`; what has an end is ended by a call",
        "from" | "include" | "use" | "require" | "using" => "write `import name`, and then `name.f(x)`",
        "del" | "delete" => {
            "`list.remove(i)` and `map.remove(k)` take something out; memory is given back by itself"
        }
        "async" | "await" => "a sandboxed call that yields can be gone on with: `job = try f<gas,words>(x)`",
        "print" | "echo" | "puts" => "a call has parentheses: `print(x)`",
        "void" | "static" | "public" | "private" | "export" => {
            "a function begins with `def`: `def name(u x):`"
        }
        "int" | "uint" | "float" | "double" | "str" | "string" | "char" | "long" | "unsigned" | "boolean" => {
            "the types are `u`, `i`, `f`, `bool`, `text`, `bytes`, `array(T)`, `list(T)`, `map(K, V)` and `key`"
        }
        "end" => "a block ends where lines are indented less",
        _ => return None,
    })
}

/// A word that begins a statement in other languages, but not here.
pub(super) fn foreign_statement(span: &Span, word: &str) -> Option<Diagnostic> {
    let hint = foreign_hint(word)?;
    Some(new(span, format!("`{word}` does not begin a statement"), "means nothing here").hint(hint))
}

/// A word that other languages have in expressions; `next` is the kind of the token behind it.
pub(super) fn foreign_name(span: &Span, word: &str, next: Kind) -> Option<Diagnostic> {
    let prefix = matches!(next, Kind::Name | Kind::Colon);
    let (label, hint) = match word {
        "True" => ("write `true`", None),
        "False" => ("write `false`", None),
        "None" => ("write `none`", None),
        "lambda" if prefix => {
            ("means nothing here", Some("give the function a name by `def`, and use the name"))
        }
        "new" if next == Kind::Name => ("means nothing here", Some("a struct is made by `name{1, 2}`")),
        "await" if next == Kind::Name => ("means nothing here", Some("a call waits for its result anyway")),
        _ => return None,
    };
    let title = format!("there is no `{word}`");
    Some(new(span, title, label).maybe_hint(hint.map(str::to_owned)))
}

pub(super) fn exceptions(span: &Span) -> Diagnostic {
    new(span, "there are no exceptions", "expected a sandboxed call").hint(
        "`job = try f<gas,words>(x)` calls f; then `job.status` says whether it returned, and `job.value` what",
    )
}

pub(super) fn stray_else(span: &Span, word: &str) -> Diagnostic {
    new(span, format!("there is no `if` for this `{word}`"), "the block above is not that of an `if`")
        .hint(format!("`{word}` is indented as much as its `if`"))
}

pub(super) fn else_of_loop(span: &Span, word: &str, first: &Span) -> Diagnostic {
    new(span, format!("a loop has no `{word}`"), "means nothing here").label(&wide(first), "the loop")
}

pub(super) fn else_if(span: &Span) -> Diagnostic {
    new(span, "a further condition is `elif`", "write `elif`")
}

// ---- Declarations -------------------------------------------------------------------------------------

pub(super) fn below_top(span: &Span, word: &str) -> Diagnostic {
    new(span, format!("`{word}` belongs to the top level"), "inside a block")
        .hint("declare it beside the functions, not indented")
}

pub(super) fn no_parameters(name: &Span, text: &str, at: &Span) -> Diagnostic {
    new(&(name.end..at.end.max(name.end)), "the parameters are missing", "expected `(`")
        .hint(format!("without any, it is written `def {text}():`"))
}

pub(super) fn nameless(span: &Span) -> Diagnostic {
    new(span, "the function has no name", "expected a name behind this")
        .hint("a function is used by its name: `def name(u x):`, and then `name`")
}

pub(super) fn star_parameter(span: &Span) -> Diagnostic {
    new(span, "functions have a fixed number of parameters", "expected a parameter")
        .hint("take a list: `def f(u[] numbers):`")
}

pub(super) fn type_behind(span: &Span, name: &str) -> Diagnostic {
    new(span, "a type stands before its name", "expected the type first").hint(format!("such as `u {name}`"))
}

pub(super) fn typed_constant(span: &Span) -> Diagnostic {
    new(span, "a constant has the type of its value", "expected the name")
        .hint("an `f` is written with a point, an `i` as `i(1)`")
}

pub(super) fn no_fields(span: &Span, name: &str) -> Diagnostic {
    new(span, "the fields are missing", "expected `{`")
        .hint(format!("such as `typ {name} {{u number, text words}}`"))
}

pub(super) fn field_without_type(span: &Span, name: &str) -> Diagnostic {
    new(span, "a field has a type", "only a name").hint(format!("such as `u {name}`"))
}

pub(super) fn quoted_import(span: &Span) -> Diagnostic {
    new(span, "a file is imported by its name", "expected a name")
        .hint("without quotes and without `.et`: `import name`")
}

pub(super) fn import_path(span: &Span) -> Diagnostic {
    new(span, "a file is imported by its name", "no path").hint(
        "all files of a program lie in one folder: `import name` finds `name.et` there, or in the library",
    )
}

pub(super) fn import_minus(span: &Span) -> Diagnostic {
    new(span, "a file is imported by its name", "not in a name")
        .hint("names are of a to z, A to Z, 0 to 9 and `_`: rename the file, such as to `my_file.et`")
}

pub(super) fn import_more(span: &Span) -> Diagnostic {
    new(span, "an import names one file", "expected the end of the line")
        .hint("one line for each, `import name`, and then `name.f(x)`")
}

pub(super) fn angle_type(span: &Span, name: &str) -> Diagnostic {
    new(span, "types are applied by parentheses", "expected `(`").hint(format!("such as `{name}(u)`"))
}

pub(super) fn list_type(span: &Span) -> Diagnostic {
    new(span, "`[` is not closed", "expected `[]`")
        .hint("`T[]` is a list; how many elements it has is not part of the type")
}

// ---- Statements ---------------------------------------------------------------------------------------

pub(super) fn colon_behind_statement(span: &Span, next: Kind) -> Diagnostic {
    let diagnostic = new(span, "`:` does not belong here", "expected an operator or the end of the line");
    if next == Kind::Newline {
        let words = "`if`, `elif`, `else`, `while`, `for` and `def`";
        return diagnostic.hint(format!("blocks begin with {words}"));
    }
    diagnostic
}

pub(super) fn assignment_in_condition(span: &Span) -> Diagnostic {
    new(span, "a condition does not assign", "write `==` to compare")
}

/// No `in` behind the variable, or no variable.
pub(super) fn for_form(span: &Span, text: &str, wanted: &str) -> Diagnostic {
    let text = if text.trim().is_empty() { "the line end" } else { text };
    new(span, format!("`{text}` does not belong here"), format!("expected {wanted}"))
        .hint("it is written `for x in list:`, or `for i in range(10):`")
}

pub(super) fn for_two(span: &Span) -> Diagnostic {
    new(span, "`for` has one variable", "expected `in`")
        .hint("`for k in map:` goes over the keys, and `map[k]` is the value")
}

/// `ty name` without a value; `ends` if nothing else follows.
pub(super) fn no_value(name: &Span, ty: &str, text: &str, ends: bool) -> Diagnostic {
    let behind = name.end..name.end;
    if ends {
        return new(&behind, format!("`{text}` has no value"), "expected `=` and a value")
            .hint(format!("a variable begins with a value: `{ty} {text} = …`; a call has parentheses"))
            .maybe_hint(keyword_like(ty));
    }
    new(name, format!("`{text}` does not belong here"), "expected an operator or the end of the line")
        .maybe_hint(keyword_like(ty))
}

/// A word that is nearly a reserved one, at the beginning of a statement.
pub(super) fn keyword_like(word: &str) -> Option<String> {
    let words = WORDS.iter().map(|&(word, _)| word).filter(|word| word.len() > 1);
    nearest(word, words).filter(|_| word.len() > 2).map(|near| format!("did you mean `{near}`?"))
}

pub(super) fn several_updated(span: &Span) -> Diagnostic {
    new(span, "one value is changed at a time", "several before this")
}

pub(super) fn several_yielded(span: &Span) -> Diagnostic {
    new(span, "`yield` hands over one value", "expected the end of the line")
        .hint("yield a struct, or a list")
}

pub(super) fn assertion_in_parentheses(span: &Span) -> Diagnostic {
    new(span, "an assertion has no parentheses", "these belong together")
        .hint("it is written `assert c, \"what went wrong\"`")
}

pub(super) fn chained_assignment(span: &Span) -> Diagnostic {
    new(span, "assignments do not chain", "a second `=`").hint("one line for each; or `==` to compare")
}

pub(super) fn walrus(span: &Span) -> Diagnostic {
    new(span, "`:=` means nothing here", "write `=`")
}

pub(super) fn no_target(span: &Span, kind: &ExprKind<'_>) -> Diagnostic {
    let (what, hint) = match kind {
        ExprKind::Call(..) | ExprKind::Sandbox { .. } | ExprKind::Machine(..) => ("a call", None),
        ExprKind::Slice(..) => ("a part", Some("assign to its elements one by one: `a[i] = x`")),
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Text(_) | ExprKind::Bytes(_) => ("a literal", None),
        ExprKind::Bool(_) | ExprKind::None => ("a literal", None),
        ExprKind::List(_) => {
            ("a list", Some("several variables are written without brackets: `a, b = b, a`"))
        }
        _ => ("an expression", None),
    };
    new(span, format!("{what} cannot be assigned to"), "expected a variable, `a[i]` or `a.field`")
        .maybe_hint(hint.map(str::to_owned))
}

// ---- Expressions --------------------------------------------------------------------------------------

pub(super) fn chained(first: &Span, second: &Span, budget: bool) -> Diagnostic {
    let hint = if budget { BUDGETS } else { "compare two at a time: `a < b and b < c`" };
    new(second, "comparisons do not chain", "a second comparison").label(&wide(first), "the first").hint(hint)
}

pub(super) fn no_else(word: &Span, at: &Span) -> Diagnostic {
    new(&(at.start..at.start), "the other value is missing", "expected `else`")
        .label(&wide(word), "for this `if`")
        .hint("it is written `a if condition else b`; as a statement, `if condition:` comes first")
}

pub(super) fn no_budgets(span: &Span) -> Diagnostic {
    new(span, "the budgets are missing", "expected `<gas,words>`").hint(BUDGETS)
}

pub(super) fn second_else(span: &Span, word: &Span) -> Diagnostic {
    new(span, "an `else` too many", "no `if` for it")
        .label(&wide(word), "this `if` has its `else` already")
        .hint("a condition that is a sandboxed call with its own `else` needs parentheses")
}

pub(super) fn step(span: &Span) -> Diagnostic {
    new(span, "a part has no step", "expected `]`").hint("it is written `a[from:to]`")
}

pub(super) fn not_inside(span: &Span) -> Diagnostic {
    new(span, "`not` binds less than the operator before it", "expected an operand")
        .hint("put it in parentheses: `(not a)`")
}

pub(super) fn increment(span: &Span, sign: &str) -> Diagnostic {
    new(span, format!("there is no operator `{sign}{sign}`"), format!("write `{sign}= 1`"))
}

pub(super) fn try_without_budget(word: &Span, operand: &Span) -> Diagnostic {
    new(operand, "`try` is for sandboxed calls", "no budget")
        .label(&wide(word), "expected `f<gas,words>(…)` behind this")
        .hint("it is written `job = try f<gas,words>(x)`")
}

pub(super) fn try_with_else(word: &Span, other: &Span) -> Diagnostic {
    new(other, "`try` gives a job, whatever becomes of the call", "`else` is never needed")
        .label(&wide(word), "the `try`")
        .hint("write one of them: `job = try f<gas,words>(x)`, or `y = f<gas,words>(x) else 0`")
}

pub(super) fn no_struct(expression: &Span, brace: &Span) -> Diagnostic {
    new(brace, "`{` does not belong here", "expected an operator or the end of the line")
        .label(&wide(expression), "not the name of a type")
        .hint("a struct is `name{1, 2}`, a map `{1: 2}`")
}

pub(super) fn assigned_field(span: &Span, name: &str) -> Diagnostic {
    new(span, "a field is not assigned here", "expected `:`").hint(format!("it is written `{name}: value`"))
}

pub(super) fn no_index(span: &Span) -> Diagnostic {
    new(span, "the index is missing", "expected an index").hint("an empty list is made by its type: `u[]()`")
}

pub(super) fn several_indices(span: &Span) -> Diagnostic {
    new(span, "an index is one value", "several").hint("a table is a list of lists: `a[i][j]`")
}

pub(super) fn empty_parentheses(span: &Span) -> Diagnostic {
    new(span, "the parentheses are empty", "expected an expression").hint("nothing is `none`")
}

pub(super) fn tuple(span: &Span) -> Diagnostic {
    new(span, "several values are no value", "expected one expression")
        .hint("a list is `[a, b]`; several results are returned without parentheses: `return a, b`")
}

pub(super) fn comprehension(span: &Span) -> Diagnostic {
    new(span, "a list is not made by `for`", "expected `,` or `]`")
        .hint("begin with an empty one, `u[] l = []`, and `l.append(x)` in a loop")
}

pub(super) fn set(open: &Span, key: &Span) -> Diagnostic {
    new(&(key.end..key.end), "the value is missing", "expected `:` and the value")
        .label(&wide(open), "in this map")
        .hint("a map is `{key: value}`; a set is a map to `bool`")
}

// ---- Literals -----------------------------------------------------------------------------------------

pub(super) fn bad_number(span: &Span, text: &str, why: BadNumber) -> Diagnostic {
    let text = if text.len() > 40 { "this" } else { text };
    match why {
        BadNumber::Malformed => new(span, format!("`{text}` is not a number"), "malformed").hint(
            "numbers are written as 42, 1_000, 0xff, 0b101, 0o17, 1.5, 1e-9; a name begins with a letter",
        ),
        BadNumber::TooLarge => new(span, format!("`{text}` is too large"), "does not fit")
            .hint("the largest `u` is 18_446_744_073_709_551_615, the largest `f` about 1.8e308"),
    }
}

pub(super) fn leading_point(span: &Span, digits: &str) -> Diagnostic {
    let text = if digits.len() > 40 { "this" } else { digits };
    new(span, "a number begins with a digit", "a point before it").hint(format!("write `0.{text}`"))
}

/// A byte that is no character.
pub(super) const BYTE_IN_TEXT: &str =
    "in a text, \\x goes up to \\x7f; \\u{e9} is any character, and b\"\\xff\" bytes";

pub(super) fn bad_escape(span: &Span, why: &str) -> Diagnostic {
    new(span, "not a character", "here").hint(why)
}

pub(super) fn empty_character(span: &Span) -> Diagnostic {
    new(span, "not a character", "nothing between the quotes").hint("an empty text is \"\"")
}

pub(super) fn long_character(span: &Span) -> Diagnostic {
    new(span, "not a character", "more than one between the quotes")
        .hint("a text stands between double quotes: \"text\"")
}

pub(super) fn triple_quotes(span: &Span) -> Diagnostic {
    new(span, "a text has one quote on each side", "here")
        .hint("a text ends on its line; `\\n` in it is a line end, and `#` begins a comment")
}

pub(super) fn prefixed_text(span: &Span, prefix: &str) -> Diagnostic {
    let diagnostic = new(span, format!("`{prefix}` does not belong before a text"), "expected an operator");
    if prefix.contains(['f', 'F']) {
        return diagnostic.hint("put a text together by `+`: \"x is \" + str(x)");
    }
    diagnostic.hint("there are texts, \"…\", and bytes, b\"…\"")
}
