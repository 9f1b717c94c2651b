//! The words for types that do not fit.

use super::super::super::ast::{Binary, Span, Unary};
use super::super::super::hir::{ExprKind, Indexed};
use super::super::types::Node;
use super::{at, new, with_article};
use crate::diagnostic::Diagnostic;

/// How the one becomes the other, if they can.
pub(in super::super) fn conversion(want: &Node, found: &Node) -> Option<&'static str> {
    match (want, found) {
        (Node::U, Node::I | Node::F | Node::Bool) => Some("`u(…)` converts it"),
        (Node::I, Node::U | Node::F) => Some("`i(…)` converts it"),
        (Node::F, Node::U | Node::I) => Some("`f(…)` converts it"),
        (Node::Text, Node::U | Node::I | Node::F | Node::Bool) => Some("`str(…)` makes a text of it"),
        (Node::Text, Node::Bytes) => Some("`.text()` makes a text of bytes"),
        (Node::Bytes, Node::Text) => Some("`.bytes()` makes bytes of a text"),
        (Node::Array(_), Node::List(_)) => Some("`.array()` makes an array of a list"),
        (Node::List(_), Node::Array(_)) => Some("`.list()` makes a list of an array"),
        (Node::Bool, Node::U | Node::I) => Some("compare it: `x != 0`"),
        (Node::U | Node::I | Node::F, Node::Key) => {
            Some("a key has no number; `k[0]` is the first word of its page, `k.kind()` says what it is to")
        }
        (Node::Bool, Node::Struct(_)) => Some("compare it: `p != none`"),
        (Node::Func(..), Node::List(_)) => Some(
            "`list(def(u) -> u)` is a list of functions; `def(u) -> u[]` is a function that gives a list",
        ),
        (_, Node::Unknown { of_none: true }) | (Node::Unknown { of_none: true }, _) => {
            Some("`none` belongs to structs alone")
        }
        _ => None,
    }
}

/// What to write in place of a value that does not fit, by how it is written.
pub(in super::super) fn hint_of_value(want: &Node, value: &ExprKind) -> Option<String> {
    match (want, value) {
        (Node::U, ExprKind::Word(word)) if word.cast_signed() < 0 => {
            Some("a `u` is never negative: make it an `i`, as in `i x = -1`".to_owned())
        }
        (Node::Text, ExprKind::Word(_)) => {
            Some("a text stands in double quotes; `str(…)` makes one of a number".to_owned())
        }
        (Node::Text, value) if is_byte(value) => Some(BYTE.to_owned()),
        (Node::U, value) => Some(format!("the number of a character is {}", character(value)?)),
        _ => None,
    }
}

/// What an element of a text is.
const BYTE: &str = "an element of a text is a byte, as a `u`; `t[i:i + 1]` is a text of one";

/// Whether it is an element of a text or of bytes.
fn is_byte(value: &ExprKind) -> bool {
    matches!(value, ExprKind::Index { kind: Indexed::Text | Indexed::Bytes, .. })
}

/// How the code of a character is written that a text is.
fn character(value: &ExprKind) -> Option<String> {
    let ExprKind::Text(text) = value else { return None };
    let mut characters = text.chars();
    let only = characters.next().filter(|only| only.is_ascii() && characters.next().is_none())?;
    Some(format!("`'{}'`", only.escape_default()))
}

/// What to write where an operator has a text on one side and a number on the other, which may be a byte.
fn bytes_and_texts(op: Binary, a: &ExprKind, b: &ExprKind) -> Option<String> {
    let written = character(a).or_else(|| character(b)).filter(|_| op != Binary::Add);
    match written {
        Some(written) => Some(format!("an element of a text is a byte, as a `u`: write {written}")),
        None => (is_byte(a) || is_byte(b)).then(|| BYTE.to_owned()),
    }
}

/// What to write in place of a negative number, by where it stands.
pub(in super::super) const FROM_THE_END: &str =
    "what stands last is `l[len(l) - 1]`, and `l[:len(l) - 1]` all before it";
pub(in super::super) const SHIFT_LEFT: &str = "`<<` shifts the other way";
pub(in super::super) const SHIFT_RIGHT: &str = "`>>` shifts the other way";
pub(in super::super) const BUDGET_FROM_0: &str = "a budget is a number from 0 on, of gas or of words";

/// How texts are made of parts.
const JOINED: &str = "put a text together by `+`: `\"x is \" + str(x)`";

/// A negative number where only a `u` can stand.
pub(in super::super) fn negative(span: &Span, hint: &str) -> Diagnostic {
    new(span, "this cannot be negative", "below 0").hint(hint)
}

/// What to write in place of an operator whose sides are such values, of such types.
pub(in super::super) fn instead_of_operator(
    op: Binary,
    (left, a): (&Node, &ExprKind),
    (right, b): (&Node, &ExprKind),
) -> Option<String> {
    let known = match (op, left, right) {
        (Binary::Mul, Node::Text, Node::U | Node::I) | (Binary::Mul, Node::U | Node::I, Node::Text) => {
            "to repeat a text, write `import strings` at the top of the file, and here `strings.repeat(t, n)`"
        }
        (Binary::Mul, Node::List(_) | Node::Array(_), Node::U | Node::I)
        | (Binary::Mul, Node::U | Node::I, Node::List(_) | Node::Array(_)) => {
            "to repeat an element, write `import lists` at the top of the file, and here `lists.repeat(x, n)`"
        }
        (Binary::Rem, Node::Text, _) => JOINED,
        (_, Node::Text, Node::U) | (_, Node::U, Node::Text) => return bytes_and_texts(op, a, b),
        _ => return None,
    };
    Some(known.to_owned())
}

/// How the sides of an operator come to be of one type.
pub(in super::super) fn agreement(left: &Node, right: &Node, value: &ExprKind) -> Option<&'static str> {
    match (left, right) {
        (Node::U | Node::I, Node::F) => Some("`f(…)` converts the left side"),
        (Node::F, Node::U | Node::I) => Some("`f(…)` converts the right side"),
        (Node::U, Node::I) if matches!(value, ExprKind::Word(_)) => {
            Some("`i(…)` converts the left side: a `u` is never negative")
        }
        (Node::Func(..), _) => Some(
            "a sandboxed call has two budgets, `f<gas,words>(x)`; in these, comparisons and further such calls stand in parentheses",
        ),
        _ => conversion(left, right),
    }
}

pub(in super::super) fn mismatch(span: &Span, want: &str, found: &str, hint: Option<&str>) -> Diagnostic {
    new(span, format!("expected `{want}`, found `{found}`"), format!("this is `{found}`"))
        .maybe_hint(hint.map(str::to_owned))
}

pub(in super::super) fn sides(
    op: Binary,
    a: &Span,
    left: &str,
    b: &Span,
    right: &str,
    hint: Option<String>,
) -> Diagnostic {
    new(
        b,
        format!("`{}` of {} and {}", symbol(op), with_article(left), with_article(right)),
        format!("this is `{right}`"),
    )
    .label(&at(a), format!("this is `{left}`"))
    .hint("both sides of an operator have the same type")
    .maybe_hint(hint)
}

/// A `u` that is compared with 0; `is_difference` if it is one of two others.
pub(in super::super) fn compared_with_0(span: &Span, holds: bool, is_difference: bool) -> Diagnostic {
    let title = if holds { "this is always true" } else { "this is never true" };
    new(span, title, "a `u` is never below 0").hint(if is_difference {
        "what would be below 0 wraps: compare the sides themselves, `a < b`, or make them `i`, `i(a) - i(b) < 0`"
    } else {
        "make it an `i` to have numbers below 0, as in `i x = 5`"
    })
}

fn symbol(op: Binary) -> &'static str {
    match op {
        Binary::Or => "or",
        Binary::And => "and",
        Binary::Eq => "==",
        Binary::Ne => "!=",
        Binary::Lt => "<",
        Binary::Le => "<=",
        Binary::Gt => ">",
        Binary::Ge => ">=",
        Binary::In => "in",
        Binary::NotIn => "not in",
        Binary::BitOr => "|",
        Binary::BitXor => "^",
        Binary::BitAnd => "&",
        Binary::Shl => "<<",
        Binary::Shr => ">>",
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Rem => "%",
    }
}

fn unary_symbol(op: Unary) -> &'static str {
    match op {
        Unary::Neg => "-",
        Unary::Plus => "+",
        Unary::Invert => "~",
        Unary::Not => "not",
    }
}

pub(in super::super) fn no_operator(span: &Span, op: Binary, shown: &str) -> Diagnostic {
    let diagnostic =
        new(span, format!("there is no `{}` of `{shown}`", symbol(op)), format!("both sides are `{shown}`"));
    match (op, shown) {
        (Binary::Rem, "f") => diagnostic.hint("write `x - y * trunc(x / y)`"),
        (Binary::Rem, "text") => diagnostic.hint(JOINED),
        (Binary::Add, "bool") => diagnostic.hint("`u(b)` is 0 or 1"),
        (Binary::BitAnd | Binary::BitOr | Binary::BitXor | Binary::Shl | Binary::Shr, "f") => {
            diagnostic.hint("bits are those of `u` and `i`")
        }
        _ if shown.len() == 1 && shown.starts_with(char::is_uppercase) => {
            diagnostic.hint("a value of any type can be assigned and passed on, nothing else")
        }
        _ => diagnostic,
    }
}

pub(in super::super) fn no_unary(span: &Span, op: Unary, shown: &str, operand: &Span) -> Diagnostic {
    let title = format!("there is no `{}` of `{shown}`", unary_symbol(op));
    if operand == span {
        return new(span, title, format!("of `{shown}`"));
    }
    new(operand, title, format!("this is `{shown}`"))
}

pub(in super::super) fn int_too_large(span: &Span, number: &str) -> Diagnostic {
    new(span, format!("{number} is no `i`"), "does not fit")
        .hint("an `i` is from -9223372036854775808 to 9223372036854775807")
}

pub(in super::super) fn no_condition(span: &Span, shown: &str, is_struct: bool) -> Diagnostic {
    let diagnostic = new(span, "this is no condition", format!("this is `{shown}`"));
    match shown {
        "f" => diagnostic.hint("compare it: `x != 0`"),
        "text" | "bytes" => diagnostic.hint("compare its length: `len(x) > 0`"),
        _ if shown.ends_with("[]") => diagnostic.hint("compare its length: `len(x) > 0`"),
        "none" => diagnostic.hint("compare with it: `p != none`"),
        _ if is_struct => diagnostic.hint("compare it: `p != none`"),
        _ => diagnostic.hint("a condition is a `bool`, or a `u` or `i`, which is true if it is not 0"),
    }
}

pub(in super::super) fn not_one_value(span: &Span, found: usize, yields: bool) -> Diagnostic {
    match found {
        0 => {
            new(span, "this gives no value", "a value was expected").maybe_hint(yields.then(|| {
                format!("it yields: make a job of it, `job = try f<gas,words>(x)`; {}", super::JOBS)
            }))
        }
        _ => new(span, format!("this gives {found} values"), "one value was expected")
            .hint("assign them first: `a, b = f()`"),
    }
}

pub(in super::super) fn no_conversion(span: &Span, shown: &str, to: &str) -> Diagnostic {
    let diagnostic = new(span, format!("`{to}` of {}", with_article(shown)), format!("this is `{shown}`"));
    match (shown, to) {
        ("bool", "f") => diagnostic.hint("`f(u(b))` is 0.0 or 1.0"),
        _ => diagnostic.hint("`u`, `i` and `f` convert numbers, and `u` and `i` a `bool`"),
    }
}

pub(in super::super) fn no_number(span: &Span, shown: &str) -> Diagnostic {
    new(span, "a number was expected", format!("this is `{shown}`"))
}

pub(in super::super) fn no_text_of(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} has no text", with_article(shown)), format!("this is `{shown}`"))
        .hint("numbers, `bool` and texts can be written; take the parts of anything else one by one")
}
