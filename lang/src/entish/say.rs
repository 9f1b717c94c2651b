//! What is said of a program's files as a whole.

use crate::diagnostic::Diagnostic;
use crate::nearest;
use std::ops::Range;

fn place(span: &Range<u32>) -> Range<usize> {
    span.start as usize..span.end as usize
}

pub(super) fn no_such_file<'a>(
    span: &Range<u32>,
    name: &str,
    library: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let near = nearest(name, library);
    let hint = match near {
        Some(near) => format!("did you mean `{near}`, of the library?"),
        None => format!("put `{name}.et` beside this file"),
    };
    Diagnostic::new(&place(span), format!("there is no file `{name}.et`"), "imported here").hint(hint)
}

pub(super) fn unreadable_import(span: &Range<u32>, name: &str, error: &str) -> Diagnostic {
    Diagnostic::new(&place(span), format!("`{name}.et` cannot be read: {error}"), "imported here")
}

pub(super) fn too_many_files(span: &Range<u32>, max: usize) -> Diagnostic {
    Diagnostic::new(&place(span), "too many files", format!("this would be more than {max}"))
        .hint("put several of them together")
}

pub(super) fn import_of_two(span: &Range<u32>, name: &str, file: &str) -> Diagnostic {
    Diagnostic::new(
        &place(span),
        format!("there are two files `{name}`"),
        format!("{file}, and one of the library"),
    )
    .hint("rename your file, and what imports it if that is the one it means")
}

/// `files` are those of the circle, the one that it begins with once more at the end.
pub(super) fn circle(span: &Range<u32>, files: &[&str]) -> Diagnostic {
    if let [only, _] = files {
        return Diagnostic::new(&place(span), "this file imports itself", format!("it is {only}"))
            .hint("what it declares is known in it by its name alone");
    }
    Diagnostic::new(&place(span), "files import each other in a circle", files.join(" imports "))
        .hint("move what both need to a file of its own")
}

pub(super) fn too_long(max: usize) -> Diagnostic {
    Diagnostic::new(&(0..0), "this file is too long", format!("a program's file has {max} bytes at most"))
        .hint("split it, and import the parts")
}

pub(super) fn too_many_variables(span: &Range<u32>, max: u32) -> Diagnostic {
    Diagnostic::new(&place(span), "too many variables", format!("this function has more than {max}"))
        .hint("split the function, or use a list")
}

pub(super) fn too_much_code(span: &Range<u32>, max: u64) -> Diagnostic {
    Diagnostic::new(&place(span), "the program is too long", format!("its code has more than {max} words"))
        .hint("split it into programs that call each other")
}

pub(super) fn too_many_across(span: &Range<u32>, max: u8) -> Diagnostic {
    Diagnostic::new(&place(span), "too many words", format!("{max} cross the border of a sandbox at most"))
        .hint("hand them over in a list or a struct")
}

pub(super) fn too_many_keys_across(span: &Range<u32>, max: usize, keys: usize) -> Diagnostic {
    let label = format!("a callee has room for {max} of them, and this call would take {keys}");
    Diagnostic::new(&place(span), "too many keys", label)
        .hint("keys among the arguments count, and one for a page and one for the code if they are needed")
}

pub(super) fn generic_sandboxed(span: &Range<u32>, name: &str) -> Diagnostic {
    let label = "what a type letter stands for is not known where it runs";
    Diagnostic::new(&place(span), format!("`{name}` is generic and cannot be sandboxed"), label)
        .hint("sandbox a function with types that calls it")
}

pub(super) fn no_test(span: &Range<u32>, name: &str, does: &str, prefix: &str) -> Diagnostic {
    let label = "nobody is there to call it so: a test has no parameters, no results and no `yield`";
    Diagnostic::new(&place(span), format!("the test `{name}` {does}"), label)
        .hint(format!("if it is no test, give it a name that does not begin with `{prefix}`"))
}

pub(super) fn too_many_texts(span: &Range<u32>) -> Diagnostic {
    Diagnostic::new(
        &place(span),
        "too many texts",
        "the session has no room for the texts that are written here",
    )
    .hint("begin a new session")
}
