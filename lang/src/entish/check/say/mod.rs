//! The words for everything that can be wrong with names and types; nowhere else are there any.

mod fit;
mod host;
mod input;
mod machine;

use super::super::ast::{Name, Span};
use super::super::library::{can_import, modules_with};
use super::super::parse::say::foreign_hint;
use super::builtin;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use std::ops::Range;

pub(super) use fit::*;
pub(super) use host::*;
pub(super) use input::*;
pub(super) use machine::*;

fn at(span: &Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn new(span: &Span, title: impl Into<String>, label: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&at(span), title, label)
}

/// Words at a second place, if there is one.
fn also(diagnostic: Diagnostic, span: Option<&Span>, text: &str) -> Diagnostic {
    match span {
        Some(span) => diagnostic.label(&at(span), text),
        None => diagnostic,
    }
}

fn did_you_mean<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, names).map(|name| format!("did you mean `{name}`?"))
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => format!("`{one}`"),
        [most @ .., last] => format!("`{}` and `{last}`", most.join("`, `")),
    }
}

/// Of so many fields, parameters and methods the nearest one is looked for.
const COMPARED_MAX: usize = 200;

/// So many names are listed.
const LISTED_MAX: usize = 12;

/// The name that is meant, or all that there are.
fn one_of(text: &str, names: &[&str]) -> String {
    did_you_mean(text, names.iter().copied().take(COMPARED_MAX)).unwrap_or_else(|| match names {
        [_, _, ..] if names.len() <= LISTED_MAX => format!("there are {}", listed(names)),
        [one] => format!("there is only `{one}`"),
        [] => "it has none".to_owned(),
        _ => format!("there are {} and others", listed(&names[..10]).replace("` and `", "`, `")),
    })
}

/// A type with the article that its name is spoken with: a letter alone as that letter.
fn with_article(shown: &str) -> String {
    let name = shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let sounds_open = match name.as_bytes() {
        [letter] => b"aefhilmnorsx".contains(&letter.to_ascii_lowercase()),
        [first, ..] => b"aeio".contains(&first.to_ascii_lowercase()),
        [] => false,
    };
    format!("{} `{shown}`", if sounds_open { "an" } else { "a" })
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

// ---- Names at the top level ---------------------------------------------------------------------------

pub(super) fn name_taken(name: &Name<'_>, first: &Span) -> Diagnostic {
    new(&name.span, format!("the name `{}` is taken", name.text), "declared again")
        .label(&at(first), "declared here first")
}

pub(super) fn unknown_module(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("there is no file `{}.et`", name.text), "cannot be imported")
        .hint("an imported file lies beside the importing one, below the program's folder, or in the library")
}

pub(super) fn struct_of_one_letter(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("a struct cannot be called `{}`", name.text), "one capital letter")
        .hint("in the type of a parameter one capital letter is any type; give the struct a longer name")
}

pub(super) fn struct_of_built_in_name(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("a struct cannot be called `{}`", name.text), "the language's own name")
        .hint("give the struct another name")
}

pub(super) fn statements_in_import(span: &Span) -> Diagnostic {
    new(span, "an imported file has no statements at its top level", "would never run")
        .hint("put it into a function: `def main():` runs if the file itself is the program")
}

pub(super) fn two_mains(span: &Span, main: &Span) -> Diagnostic {
    new(span, "there are statements besides `def main():`", "would never run")
        .label(&at(main), "this is the main program")
        .hint("move the statement into `main`, or give the function another name")
}

pub(super) fn main_signature(span: &Span) -> Diagnostic {
    new(span, "`main` takes nothing and gives nothing", "has parameters or results")
        .hint("`$arg(0)` is the first argument of the command line; `yield e` hands a number to the host")
}

pub(super) fn field_twice(name: &Name<'_>, first: &Span) -> Diagnostic {
    new(&name.span, format!("there are two fields `{}`", name.text), "declared again")
        .label(&at(first), "declared here first")
}

pub(super) fn parameter_twice(name: &Name<'_>, first: &Span) -> Diagnostic {
    new(&name.span, format!("there are two parameters `{}`", name.text), "declared again")
        .label(&at(first), "declared here first")
}

pub(super) fn default_before(name: &Name<'_>, before: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("`{}` lacks a default value", name.text), "behind a parameter that has one")
        .label(&at(&before.span), "has a default value")
        .hint("parameters with default values come last")
}

pub(super) fn constant_cycle(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("`{}` depends on itself", name.text), "needed for its own value")
}

pub(super) fn no_constant(span: &Span) -> Diagnostic {
    new(span, "this is no constant", "not known when the program is compiled").hint(
        "a constant is made of numbers, `bool`s, texts, other constants and operators, and does not trap",
    )
}

// ---- Types that are written ---------------------------------------------------------------------------

const TYPES: [&str; 11] =
    ["u", "i", "f", "bool", "text", "bytes", "key", "list(T)", "array(T)", "map(K, V)", "job(T)"];

pub(super) fn unknown_type<'a>(name: &Name<'_>, structs: impl Iterator<Item = &'a str>) -> Diagnostic {
    let foreign = match name.text {
        "int" | "uint" | "u64" | "usize" | "byte" => Some("`u`"),
        "i64" => Some("`i`"),
        "float" | "double" | "f64" => Some("`f`"),
        "str" | "string" => Some("`text`"),
        "boolean" => Some("`bool`"),
        "dict" => Some("`map(K, V)`"),
        "void" => Some("`-> ()` for no result"),
        _ => None,
    };
    let hint = foreign.map(|meant| format!("write {meant}"));
    let near = || did_you_mean(name.text, TYPES.into_iter().chain(structs));
    new(&name.span, format!("there is no type `{}`", name.text), "unknown type")
        .hint(format!("`typ {} {{…}}` would make one", name.text))
        .maybe_hint(hint.or_else(|| foreign_hint(name.text).map(str::to_owned)).or_else(near))
}

pub(super) fn unknown_type_of<'a>(
    name: &Name<'_>,
    module: &str,
    structs: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    new(&name.span, format!("`{module}` has no type `{}`", name.text), "unknown type")
        .maybe_hint(did_you_mean(name.text, structs))
}

pub(super) fn not_imported<'a>(name: &Name<'_>, modules: impl Iterator<Item = &'a str>) -> Diagnostic {
    new(&name.span, format!("`{}` is not imported", name.text), "unknown file")
        .hint(format!("write `import {}` at the top", name.text))
        .maybe_hint(did_you_mean(name.text, modules))
}

pub(super) fn no_type(name: &Name<'_>, declared: Option<&Span>) -> Diagnostic {
    let diagnostic = new(&name.span, format!("`{}` is no type", name.text), "a type was expected");
    also(diagnostic, declared, "declared here")
}

pub(super) fn unknown_letter(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("`{}` is no type here", name.text), "unknown type parameter")
        .hint("a capital letter is a type where it also stands in the function's parameters or results")
}

fn type_form(name: &str) -> &'static str {
    match name {
        "list" => "list(T)",
        "array" => "array(T)",
        "map" => "map(K, V)",
        _ => "job(T)",
    }
}

pub(super) fn type_arguments(name: &Name<'_>, given: usize) -> Diagnostic {
    let label = if given == 0 { "of what?".to_owned() } else { format!("{} given", count(given, "type")) };
    new(&name.span, format!("`{}` alone is no type", name.text), label)
        .hint(format!("it is written `{}`", type_form(name.text)))
}

pub(super) fn no_type_arguments(name: &Name<'_>) -> Diagnostic {
    new(&name.span, format!("`{}` takes no types", name.text), "not a type with parts")
        .hint("`list(T)`, `array(T)`, `map(K, V)` and `job(T)` have parts")
}

pub(super) fn key_type(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} cannot be the key of a map", with_article(shown)), "not a type of keys")
        .hint("keys are `u`, `i`, `bool`, `text` or `bytes`")
}

pub(super) fn no_empty(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("there is no empty `{shown}`"), "cannot be made like this")
        .hint("`u[]()` makes an empty list, `map(text, u)()` an empty map")
}

pub(super) fn type_too_large(span: &Span, shown: &str) -> Diagnostic {
    new(span, "the type of this would be endless", format!("in itself, or nested too deeply: `{shown}`"))
        .hint("make a struct type for what holds its own kind: `typ node {node[] children}`")
}

// ---- Types that are not known -------------------------------------------------------------------------

/// Whether this may be but what follows from another mistake: all of these end so.
pub(super) fn may_follow(diagnostic: &Diagnostic) -> bool {
    diagnostic.title.ends_with(" is not known")
}

pub(super) fn unknown_here(span: &Span) -> Diagnostic {
    new(span, "the type of this is not known", "used before anything says what it is")
        .hint("write the type where the variable is made: `u[] xs = []`, `map(text, u) m = {}`")
}

pub(super) fn unknown_within(span: &Span) -> Diagnostic {
    new(span, "the type of something in this is not known", "in here")
        .hint("write the types of the function's results, and those of its variables")
}

pub(super) fn open_variable(span: &Span, name: &str, shown: &str) -> Diagnostic {
    let (title, hint) = match shown {
        "none" => (
            format!("the type of `{name}` is not known"),
            format!("write the struct's name before it: `point {name} = none`"),
        ),
        _ => (
            format!("what `{name}` holds is not known"),
            format!("write its type before it, such as `{} {name} = …`", shown.replace('_', "u")),
        ),
    };
    new(span, title, format!("nothing says what `_` is in `{shown}`").replace("`_` is in `none`", "it is"))
        .hint(hint)
}

pub(super) fn open_results(name: &Name<'_>, endless: bool) -> Diagnostic {
    let hint = if endless {
        "it only gives what it gives itself: write the type, `-> u`, and a way that ends"
    } else {
        "write the type of the result: `-> u[]`"
    };
    new(&name.span, format!("the type of what `{}` returns is not known", name.text), "no type to be found")
        .hint(hint)
}

pub(super) fn open_yields(span: &Span) -> Diagnostic {
    new(span, "the type of what this yields is not known", "no type to be found")
        .hint("assign the value to a variable whose type is written, and yield that")
}

pub(super) fn generic_recursion(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("the type that `{name}` gives is needed before it is known"), "used by itself")
        .hint("a function for any type that calls itself has its results written: `-> T`")
}

// ---- Names in functions -------------------------------------------------------------------------------

/// In a function, which may be meant to set it.
pub(super) fn variable_of_main(span: &Span, name: &str, is_set: bool) -> Diagnostic {
    let hint = if is_set {
        format!(
            "pass it as an argument and return the new value, `{name} = f({name})`; or give it a value of its own here first"
        )
    } else {
        "pass it as an argument".to_owned()
    };
    new(span, format!("`{name}` is a variable of the main program"), "functions do not see it").hint(hint)
}

/// What sorts.
const SORTS: &str = "`sorting.sort_u(l)`, `sort_i`, `sort_f` and `sort_text` sort a list itself, `sorting.sort(l, before)` any (`import sorting`)";

/// Looks for what is meant among the visible names and in the library, if there are any of them.
pub(super) fn unknown_name(span: &Span, name: &str, visible: &[&str]) -> Diagnostic {
    let diagnostic = new(span, format!("nothing is called `{name}`"), "unknown name");
    let foreign = match name {
        "True" | "TRUE" => Some("it is written `true`"),
        "False" | "FALSE" => Some("it is written `false`"),
        "None" | "null" | "nil" => Some("it is written `none`"),
        "self" | "this" => {
            Some("there are no methods of one's own: a function takes the struct as a parameter")
        }
        "int" | "float" | "double" | "parseInt" | "parseFloat" => Some(
            "`u(x)`, `i(x)` and `f(x)` convert numbers; `numbers.to_u(t)`, `to_i` and `to_f` read a text (`import numbers`)",
        ),
        "input" | "readline" | "gets" => {
            Some("`line, is_there = input.line()` reads a line (`import input` at the top of the file)")
        }
        "math" | "Math" => {
            Some("`sqrt(x)`, `floor(x)`, `min(a, b)` and such are built in; `numbers` and `floats` have more")
        }
        "exit" | "quit" => Some("a program ends with its last statement; `:quit` ends `keyvm repl`"),
        "help" => Some("`:help` says what `keyvm repl` understands"),
        "text" | "string" | "String" | "repr" => Some("`str(x)` is a value as text"),
        "bool" => Some("a comparison is a `bool`: `x != 0`"),
        "sorted" | "sort" => Some(SORTS),
        "next" => Some("a job goes on with `job<gas,words>()`, and then `job.value` is what it has yielded"),
        "list" | "tuple" | "set" | "dict" | "array" => {
            Some("a list is `[a, b]`, an empty one `u[]()`; a map is `{k: v}`, an empty one `map(text, u)()`")
        }
        _ => None,
    };
    let foreign = foreign.map(str::to_owned);
    let nearest = || of_library(name).or_else(|| did_you_mean(name, visible.iter().copied()));
    diagnostic
        .hint("a variable begins with its first assignment, a function with `def`")
        .maybe_hint(foreign.or_else(|| if visible.is_empty() { None } else { nearest() }))
}

/// The name of a status or of a right, without the word that stands before it.
pub(super) fn given_without_group(span: &Span, name: &str, group: &str) -> Diagnostic {
    new(span, format!("nothing is called `{name}`"), "unknown name")
        .hint(format!("did you mean `{group}.{name}`?"))
}

/// Where a name is to be found that was not imported.
fn of_library(name: &str) -> Option<String> {
    if can_import(name) {
        return Some(format!("the library has it: write `import {name}` at the top of the file"));
    }
    let modules: Vec<_> = modules_with(name).collect();
    match modules[..] {
        [] => None,
        [module] => Some(format!(
            "`{name}` is in `{module}`: write `import {module}` at the top of the file, and here `{module}.{name}`"
        )),
        [ref others @ .., last] => Some(format!(
            "`{name}` is in `{}` and `{last}`: write `import {last}`, say, at the top of the file, and here `{last}.{name}`",
            others.join("`, `")
        )),
    }
}

pub(super) fn maybe_unassigned(span: &Span, name: &str, first: &Span) -> Diagnostic {
    new(span, format!("`{name}` may have no value here"), "not assigned on every way that leads here")
        .label(&at(first), "assigned here")
        .hint("assign it before the `if` or the loop")
}

pub(super) fn not_yet_assigned(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` has no value yet"), "nothing is assigned to it before")
}

pub(super) fn module_as_value(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` is a file, not a value"), "imported")
        .hint(format!("`{name}.f(x)` calls its function, `{name}.N` is its constant"))
}

pub(super) fn type_as_value(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` is a type, not a value"), "a value was expected")
        .hint(format!("`{name}{{…}}` makes a value of it"))
}

pub(super) fn builtin_as_value(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` is a built-in function, not a value"), "a value was expected")
        .hint(format!("call it: `{}`", builtin::form(name)))
}

pub(super) fn yielding_as_value(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` yields, so it cannot be a value"), "a function that yields")
        .hint("what a function yields is not part of its type; call it by its name")
}

pub(super) fn unknown_in_module<'a>(
    name: &Name<'_>,
    module: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let names: Vec<_> = names.collect();
    let kin = kin(name.text, &names);
    let hint = match (&kin[..], &names[..]) {
        (_, []) => None,
        ([], names) => Some(one_of(name.text, names)),
        (kin, _) => Some(format!("there are {}", listed(kin))),
    };
    new(&name.span, format!("`{module}` has no `{}`", name.text), "unknown name").maybe_hint(hint)
}

/// Names that begin with this one and go on behind a `_`, a few of them.
fn kin<'a>(name: &str, names: &[&'a str]) -> Vec<&'a str> {
    let goes_on = |other: &str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
    names.iter().copied().filter(|other| goes_on(other)).take(LISTED_MAX).collect()
}

pub(super) fn unknown_given(name: &Name<'_>, group: &str) -> Diagnostic {
    let names = builtin::given_names(group);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    new(&name.span, format!("there is no `{group}.{}`", name.text), format!("unknown {group}"))
        .hint(one_of(name.text, &names))
}

pub(super) fn assigned_constant(span: &Span, name: &str, declared: Option<&Span>) -> Diagnostic {
    let diagnostic = new(span, format!("the constant `{name}` cannot be assigned"), "assigned here");
    also(diagnostic, declared, "declared here").hint("give the variable another name")
}

pub(super) fn assigned_item(span: &Span, name: &str, declared: Option<&Span>) -> Diagnostic {
    let diagnostic = new(span, format!("`{name}` is no variable"), "assigned here");
    also(diagnostic, declared, "declared here").hint("give the variable another name")
}

pub(super) fn assigned_otherwise(
    span: &Span,
    name: &str,
    want: &str,
    found: &str,
    first: &Span,
    hint: Option<&str>,
) -> Diagnostic {
    new(
        span,
        format!("`{name}` is {}, not {}", with_article(want), with_article(found)),
        format!("this is `{found}`"),
    )
    .label(&at(first), format!("`{name}` is {} since here", with_article(want)))
    .maybe_hint(hint.map(str::to_owned))
}

pub(super) fn declared_otherwise(
    span: &Span,
    name: &str,
    has: &str,
    written: &str,
    first: &Span,
) -> Diagnostic {
    new(span, format!("`{name}` has the type `{has}` already"), format!("declared as `{written}`"))
        .label(&at(first), format!("`{name}` is {} since here", with_article(has)))
        .hint("a variable belongs to its whole function and keeps its type; take another name")
}

// ---- Parts of values ----------------------------------------------------------------------------------

pub(super) fn unknown_field(name: &Name<'_>, of: &str, fields: &[&str]) -> Diagnostic {
    new(&name.span, format!("`{of}` has no field `{}`", name.text), "unknown field")
        .hint(one_of(name.text, fields))
}

pub(super) fn unknown_member(name: &Name<'_>, of: &str, fields: &[&str], methods: &[&str]) -> Diagnostic {
    if methods.contains(&name.text) {
        let title = format!("`.{}` is a function, not a field", name.text);
        return new(&name.span, title, "not called").hint(format!("call it: `.{}(…)`", name.text));
    }
    let diagnostic = new(&name.span, format!("{} has no `.{}`", with_article(of), name.text), "unknown");
    let members: Vec<_> = fields.iter().chain(methods).copied().collect();
    let near = || did_you_mean(name.text, members.iter().copied().take(COMPARED_MAX));
    let foreign = match name.text {
        "len" | "length" | "size" | "count" => Some("the length is `len(x)`"),
        "push" | "add" if methods.contains(&"append") => Some("it is called `.append(v)`"),
        "contains" | "has" | "has_key" | "includes" if of != "u" => {
            Some("`x in y` says whether it is in there")
        }
        "startswith" | "starts_with" | "startsWith" => Some("it is called `.starts(t)`"),
        "endswith" | "ends_with" | "endsWith" => Some("it is called `.ends(t)`"),
        "trim" => Some("it is called `.strip()`"),
        "substring" | "substr" | "slice" => Some("a part of it is `x[from:to]`"),
        "format" => Some("texts are put together with `+`: `\"x is \" + str(x)`"),
        "sort" | "sorted" => Some(SORTS),
        "resume" | "run" | "next" if methods.contains(&"end") => {
            Some("`job<gas,words>()` goes on with it, with so much more")
        }
        "items" | "entries" if methods.contains(&"keys") => {
            Some("`for k in m:` goes over the keys, and `m[k]` is the value")
        }
        "append" | "push" | "add" | "insert" | "put" | "set" | "get" | "read" | "write" | "load"
        | "store"
            if of == "key" =>
        {
            Some("the words of a data page are its elements: `p[i]`, `p[i] = x`, and there are `len(p)`")
        }
        _ => None,
    };
    if let Some(hint) = foreign.map(str::to_owned).or_else(near).or_else(|| of_library(name.text)) {
        return diagnostic.hint(hint);
    }
    if members.is_empty() { diagnostic } else { diagnostic.hint(one_of(name.text, &members)) }
}

/// A field that is no function, of what has this name if it has one.
pub(super) fn called_field(name: &Name<'_>, owner: &str) -> Diagnostic {
    new(&name.span, format!("`.{}` is a field, not a function", name.text), "called")
        .hint(format!("write it without parentheses: `{owner}.{}`", name.text))
}

pub(super) fn no_field_of(name: &Name<'_>, of: &str) -> Diagnostic {
    new(
        &name.span,
        format!("`.{}` of {} cannot be assigned", name.text, with_article(of)),
        "not the field of a struct",
    )
}

pub(super) fn job_without_value(span: &Span) -> Diagnostic {
    new(span, "this job has no value", "its function neither returns nor yields anything")
}

pub(super) fn no_elements(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} has no elements", with_article(shown)), format!("this is `{shown}`"))
        .hint("texts, bytes, arrays, lists, maps and keys to pages have `a[i]`")
}

pub(super) fn no_element_assignment(span: &Span, shown: &str) -> Diagnostic {
    let diagnostic = new(
        span,
        format!("an element of {} cannot be assigned", with_article(shown)),
        format!("this is `{shown}`"),
    );
    match shown {
        "text" => diagnostic.hint("a text never changes; `.bytes()` gives bytes that can be changed"),
        _ => diagnostic,
    }
}

pub(super) fn no_slice(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} has no parts", with_article(shown)), format!("this is `{shown}`"))
        .hint("`a[i:j]` is a copy of a part of a text, bytes, a list or an array")
}

pub(super) fn no_container(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("nothing is `in` {}", with_article(shown)), format!("this is `{shown}`"))
        .hint("`in` looks for an element of a list or array, a key of a map, or a part of a text")
}

pub(super) fn not_comparable(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("values of `{shown}` cannot be looked for"), format!("holds `{shown}`"))
}

pub(super) fn no_length(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} has no length", with_article(shown)), format!("this is `{shown}`"))
        .hint("texts, bytes, arrays, lists, maps and keys to pages have one")
}

pub(super) fn unknown_struct<'a>(name: &Name<'_>, structs: impl Iterator<Item = &'a str>) -> Diagnostic {
    new(&name.span, format!("there is no struct `{}`", name.text), "unknown type")
        .hint(format!("`typ {} {{…}}` would make one", name.text))
        .maybe_hint(did_you_mean(name.text, structs))
}

pub(super) fn missing_fields(span: &Span, of: &str, missing: &[&str]) -> Diagnostic {
    new(span, format!("`{of}` lacks {}", listed(missing)), "not all fields are given")
        .hint("all fields of a struct are given; `none` is a struct that is not there")
}

pub(super) fn too_many_fields(span: &Span, of: &str, fields: &[&str]) -> Diagnostic {
    new(span, format!("`{of}` has {}", count(fields.len(), "field")), "more are given")
        .hint(format!("its fields are {}", listed(fields)))
}

// ---- Calls --------------------------------------------------------------------------------------------

pub(super) fn no_function(span: &Span, shown: &str, is_job: bool) -> Diagnostic {
    let diagnostic = new(span, "this is no function", format!("this is `{shown}`"));
    if is_job {
        return diagnostic.hint("a job goes on with a budget: `job<gas,words>()`");
    }
    diagnostic
}

pub(super) fn struct_called(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("`{name}` is a struct, not a function"), "called")
        .hint(format!("a struct is made with braces: `{name}{{…}}`"))
}

pub(super) fn wrong_arguments(
    span: &Span,
    name: &str,
    want: usize,
    found: usize,
    declared: Option<&Span>,
) -> Diagnostic {
    let diagnostic = new(
        span,
        format!("`{name}` takes {}", count(want, "argument")).replace("`this function`", "this function"),
        format!("{} given", count(found, "argument")),
    );
    also(diagnostic, declared, "declared here")
}

pub(super) fn wrong_builtin_arguments(span: &Span, name: &str, want: usize, found: usize) -> Diagnostic {
    wrong_arguments(span, name, want, found, None)
        .hint(format!("it is called like this: `{}`", builtin::form(name)))
}

/// `beside` are the names of the other functions in the file of the one that is called.
pub(super) fn missing_arguments(
    span: &Span,
    name: &str,
    missing: &[&str],
    declared: Option<&Span>,
    beside: &[&str],
) -> Diagnostic {
    let diagnostic = new(span, format!("`{name}` lacks {}", listed(missing)), "not all arguments are given");
    let kin = kin(name, beside);
    also(diagnostic, declared, "declared here")
        .hint("all are given but those of parameters with default values: `def f(a, b = 1):`")
        .maybe_hint((!kin.is_empty()).then(|| {
            format!("give {}, or call another function: there are {}", listed(missing), listed(&kin))
        }))
}

pub(super) fn unknown_parameter(
    name: &Name<'_>,
    of: &str,
    names: &[&str],
    declared: Option<&Span>,
) -> Diagnostic {
    let diagnostic = new(&name.span, format!("`{of}` has no parameter `{}`", name.text), "unknown parameter");
    also(diagnostic, declared, "declared here").hint(one_of(name.text, names))
}

pub(super) fn given_twice(span: &Span, name: &str, first: &Span) -> Diagnostic {
    new(span, format!("`{name}` is given twice"), "given again").label(&at(first), "given here first")
}

pub(super) fn position_behind_name(span: &Span) -> Diagnostic {
    new(span, "what has no name stands behind what has one", "for which parameter or field?")
        .hint("what goes by position comes first")
}

pub(super) fn no_names(name: &Name<'_>, callee: &str) -> Diagnostic {
    let diagnostic =
        new(&name.span, "arguments go by position here", format!("`{}` has no meaning", name.text));
    match (name.text, callee) {
        ("end" | "sep", "print") => diagnostic.hint(
            "`print` puts a space between what it writes, and ends the line: join texts by `+` instead; the main program writes \
             one without a line end by `console().ask(0, t)`",
        ),
        _ => diagnostic.hint("only functions that are called by their own names have names for their parameters"),
    }
}

pub(super) fn wrong_count(span: &Span, targets: usize, values: usize) -> Diagnostic {
    new(span, format!("{} for {}", count(values, "value"), count(targets, "variable")), "do not fit")
        .hint("there are as many variables as values: `a, b = 1, 2`; write `_` for one that is not needed")
}

pub(super) fn target_twice(span: &Span, name: &str, first: &Span) -> Diagnostic {
    new(span, format!("`{name}` is assigned to twice at once"), "the second time")
        .label(&at(first), "the first time")
        .hint("write `_` for a value that is not needed")
}

pub(super) fn no_runtime(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("the library has no `{name}`"), "needed for this")
        .hint("the file `runtime.et` of the standard library does not belong to this compiler")
}

// ---- Statements ---------------------------------------------------------------------------------------

pub(super) fn no_return(name: &Name<'_>, written: bool) -> Diagnostic {
    let hint = if written {
        "let every way end with `return`"
    } else {
        "another way returns a value: let every way end with `return`"
    };
    new(&name.span, format!("`{}` does not return a value on every way", name.text), "its end is reached")
        .hint(hint)
}

pub(super) fn wrong_results(span: &Span, want: usize, found: usize, declared: &Span) -> Diagnostic {
    new(span, format!("this function returns {}", count(want, "value")), count(found, "value"))
        .label(&at(declared), "declared here")
}

pub(super) fn return_from_main(span: &Span) -> Diagnostic {
    new(span, "the main program returns nothing", "a value")
        .hint("`yield e` hands a number to the host, `print(e)` writes to the console")
}

pub(super) fn outside_loop(span: &Span, what: &str) -> Diagnostic {
    new(span, format!("`{what}` outside of a loop"), "no loop around it")
}

pub(super) fn useless_comparison(span: &Span) -> Diagnostic {
    new(span, "this compares, and nothing comes of it", "the result is not used")
        .hint("`=` assigns; `assert a == b` insists")
}

pub(super) fn useless_signs(span: &Span, sign: char) -> Diagnostic {
    new(span, format!("there is no operator `{sign}{sign}`"), format!("write `x {sign}= 1`"))
}

pub(super) fn no_target(span: &Span) -> Diagnostic {
    new(span, "this cannot be assigned", "not a variable, field or element")
}

pub(super) fn no_loop(span: &Span, shown: &str) -> Diagnostic {
    let diagnostic =
        new(span, format!("{} has nothing to go over", with_article(shown)), format!("this is `{shown}`"));
    match shown {
        "u" | "i" => diagnostic.hint("to count, write `for x in range(n):`"),
        _ if shown.starts_with("job(") => diagnostic.hint(JOBS),
        _ => {
            diagnostic.hint("`for` goes over a range, a list, an array, a text, bytes, or the keys of a map")
        }
    }
}

pub(super) fn generator_in_loop(span: &Span, label: &str) -> Diagnostic {
    new(span, "a function that yields is not gone over", label)
        .hint(format!("make a job of it, `job = try f<gas,words>(x)`; {JOBS}"))
}

/// How the values of a job are taken.
pub(super) const JOBS: &str = "`jobs.to_list(job, gas, words)` is a list of what it yields (`import jobs`), or one by one: `while job.status == \
                    status.yielded:`, `job.value`, and `job<gas,words>()` for the next";

pub(super) fn wrong_range(span: &Span, found: usize) -> Diagnostic {
    new(span, "a range has one to three numbers", count(found, "argument"))
        .hint("`range(b)`, `range(a, b)` or `range(a, b, step)`")
}

pub(super) fn no_range(span: &Span, shown: &str) -> Diagnostic {
    new(span, "a range is of whole numbers", format!("this is of `{shown}`"))
}

pub(super) fn no_step(span: &Span) -> Diagnostic {
    new(span, "a range goes upwards", "not above 0")
        .hint("to go down, count up and subtract: `for n in range(10): x = 9 - n`")
}

pub(super) fn range_as_value(span: &Span) -> Diagnostic {
    new(span, "a range is no value", "not behind `for x in`").hint(
        "whether x lies in it says `a <= x and x < b`; to have its numbers in a list, append them in a loop",
    )
}
