//! The words for what is wrong with the statements of an input of a session.

use super::super::super::ast::Span;
use super::new;
use crate::diagnostic::Diagnostic;

pub(in super::super) fn return_from_input(span: &Span) -> Diagnostic {
    new(span, "`return` outside of a function", "an input ends with its last line")
        .hint("to leave a loop, write `break`")
}

pub(in super::super) fn too_many_results(span: &Span) -> Diagnostic {
    new(span, "too many values", "so many are not shown").hint("assign them to variables")
}

pub(in super::super) fn too_many_session_variables(span: &Span) -> Diagnostic {
    new(span, "too many variables", "the session has no room for this one")
        .hint("put several of them into a struct or a list")
}
