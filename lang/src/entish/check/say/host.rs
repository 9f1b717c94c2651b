//! What is said of hosts and their keys.

use super::super::super::ast::Span;
use super::super::builtin;
use super::{listed, new, with_article};
use crate::diagnostic::Diagnostic;

pub(in super::super) fn only_in_main(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}()` is there in the main program alone"), "in a function")
        .hint("pass the key to the function: a function has the keys that it is given")
}

pub(in super::super) fn host_not_named(span: &Span) -> Diagnostic {
    new(span, "a host is named when the program is compiled", "not a text in quotation marks")
        .hint("`host(\"name\")`, with the name under which the embedder grants the host")
}

pub(in super::super) fn long_host_name(span: &Span, most: usize) -> Diagnostic {
    new(span, format!("the name of a host has at most {most} bytes"), "longer than that")
}

pub(in super::super) fn too_many_hosts(span: &Span, most: usize) -> Diagnostic {
    new(span, format!("a program names at most {most} hosts"), "one more than that")
        .hint("one host can do several things, as its first word says")
}

pub(in super::super) fn host_in_session(span: &Span) -> Diagnostic {
    new(span, "a session has no hosts but the console and the arguments", "not here")
        .hint("write a program, and run it with the hosts granted")
}

pub(in super::super) fn not_asked(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("a host cannot be asked with {}", with_article(shown)), format!("this is `{shown}`"))
        .hint("numbers, `bool`, texts and bytes can be handed to a host; take the parts of anything else one by one")
}

pub(in super::super) fn no_service(span: &Span) -> Diagnostic {
    new(span, "this cannot be made a service", "no function that a service can call")
        .hint("name a function that takes the keys that stand behind the meter, then numbers or `bool`, and gives at most one of these; it does not yield")
}

pub(in super::super) fn service_lacks(span: &Span, missing: &[&str]) -> Diagnostic {
    new(span, format!("`service` lacks {}", listed(missing)), "not all arguments are given")
        .hint(format!("it is called like this: `{}`", builtin::form("service")))
}

pub(in super::super) fn too_much_asked(span: &Span, most: usize) -> Diagnostic {
    new(span, format!("a host is asked with at most {most} words"), "more words than that")
        .hint("a number is one word, a text or bytes are two: put numbers into bytes")
}
