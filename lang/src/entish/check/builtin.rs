//! The tables of what the language has built in.

use super::types::Node;
use keyvm_isa::trap::Status;
use keyvm_isa::{Op, Rights};

/// The built-in functions, and how they are called.
const FUNCTIONS: &[(&str, &str)] = &[
    ("abs", "abs(x)"),
    ("arg_count", "arg_count()"),
    ("arg_text", "arg_text(n)"),
    ("args", "args()"),
    ("array", "array(n, value)"),
    ("bytes", "bytes(n)"),
    ("ceil", "ceil(x)"),
    ("console", "console()"),
    ("f", "f(x)"),
    ("floor", "floor(x)"),
    ("gas", "gas()"),
    ("host", "host(\"name\")"),
    ("i", "i(x)"),
    ("len", "len(x)"),
    ("max", "max(a, b)"),
    ("meter", "meter(gas, words)"),
    ("min", "min(a, b)"),
    ("page", "page(n)"),
    ("print", "print(a, b, …)"),
    ("range", "range(b), range(a, b) or range(a, b, step), behind `for x in`"),
    ("round", "round(x)"),
    ("service", "service(f, meter, key, …)"),
    ("sqrt", "sqrt(x)"),
    ("str", "str(x)"),
    ("trunc", "trunc(x)"),
    ("u", "u(x)"),
    ("words", "words()"),
];

pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.binary_search_by_key(&name, |of| of.0).is_ok()
}

pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|of| of.0)
}

/// How the function is called.
pub(super) fn form(name: &str) -> &'static str {
    FUNCTIONS.iter().find(|of| of.0 == name).map_or("", |of| of.1)
}

/// The fields that such a value has by itself.
pub(super) fn fields_of(node: &Node) -> &'static [&'static str] {
    match node {
        Node::Job(_) => &["status", "value", "trap", "failure", "gas_left", "lacks"],
        _ => &[],
    }
}

/// A type in a method's signature, as seen from the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    U,
    Bool,
    Text,
    Bytes,
    Key,
    Texts,
    /// An element of the array or list.
    Element,
    /// A list or array of the object's elements.
    List,
    Array,
    MapKey,
    MapValue,
    MapKeys,
    MapValues,
}

/// What a method becomes.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Runtime(&'static str),
    Instruction(Op),
    /// `key_attenuate` with the rights to read and to copy.
    ReadOnly,
}

/// A method: of what, its name, parameters, results.
pub(super) type Method = (Kind, &'static str, &'static [Of], &'static [Of], How);

/// What has methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Array,
    List,
    Map,
    Key,
    Job,
}

impl Kind {
    fn of(node: &Node) -> Option<Self> {
        Some(match node {
            Node::Text => Self::Text,
            Node::Bytes => Self::Bytes,
            Node::Array(_) => Self::Array,
            Node::List(_) => Self::List,
            Node::Map(..) => Self::Map,
            Node::Key => Self::Key,
            Node::Job(_) => Self::Job,
            _ => return None,
        })
    }
}

pub(super) const METHODS: &[Method] = &[
    (Kind::Text, "find", &[Of::Text], &[Of::U], How::Runtime("text_find")),
    (Kind::Text, "bytes", &[], &[Of::Bytes], How::Runtime("text_bytes")),
    (Kind::Text, "split", &[Of::Text], &[Of::Texts], How::Runtime("text_split")),
    (Kind::Text, "join", &[Of::Texts], &[Of::Text], How::Runtime("text_join")),
    (Kind::Text, "starts", &[Of::Text], &[Of::Bool], How::Runtime("text_starts")),
    (Kind::Text, "ends", &[Of::Text], &[Of::Bool], How::Runtime("text_ends")),
    (Kind::Text, "strip", &[], &[Of::Text], How::Runtime("text_strip")),
    (Kind::Bytes, "fill", &[Of::U], &[], How::Runtime("bytes_fill")),
    (Kind::Bytes, "copy", &[Of::U, Of::Bytes, Of::U, Of::U], &[], How::Runtime("bytes_copy")),
    (Kind::Bytes, "text", &[], &[Of::Text], How::Runtime("bytes_text")),
    (Kind::Array, "fill", &[Of::Element], &[], How::Runtime("array_fill")),
    (Kind::Array, "list", &[], &[Of::List], How::Runtime("array_list")),
    (Kind::List, "append", &[Of::Element], &[], How::Runtime("list_append")),
    (Kind::List, "pop", &[], &[Of::Element], How::Runtime("list_pop")),
    (Kind::List, "insert", &[Of::U, Of::Element], &[], How::Runtime("list_insert")),
    (Kind::List, "remove", &[Of::U], &[Of::Element], How::Runtime("list_remove")),
    (Kind::List, "extend", &[Of::List], &[], How::Runtime("list_extend")),
    (Kind::List, "clear", &[], &[], How::Runtime("list_clear")),
    (Kind::List, "reverse", &[], &[], How::Runtime("list_reverse")),
    (Kind::List, "array", &[], &[Of::Array], How::Runtime("list_array")),
    (Kind::List, "copy", &[], &[Of::List], How::Runtime("list_copy")),
    (Kind::Map, "get", &[Of::MapKey, Of::MapValue], &[Of::MapValue], How::Runtime("map_get_or")),
    (Kind::Map, "remove", &[Of::MapKey], &[Of::Bool], How::Runtime("map_remove")),
    (Kind::Map, "keys", &[], &[Of::MapKeys], How::Runtime("map_keys")),
    (Kind::Map, "values", &[], &[Of::MapValues], How::Runtime("map_values")),
    (Kind::Map, "clear", &[], &[], How::Runtime("map_clear")),
    (Kind::Key, "read_only", &[], &[Of::Key], How::ReadOnly),
    (Kind::Key, "attenuate", &[Of::U], &[Of::Key], How::Runtime("key_attenuate")),
    (Kind::Key, "revocable", &[], &[Of::Key, Of::Key], How::Runtime("key_revocable")),
    (Kind::Key, "revoke", &[], &[], How::Instruction(Op::Revoke)),
    (Kind::Key, "destroy", &[], &[], How::Instruction(Op::Destroy)),
    (Kind::Key, "stop", &[], &[], How::Instruction(Op::Stop)),
    (Kind::Key, "start", &[], &[], How::Instruction(Op::Start)),
    (Kind::Key, "limit", &[Of::U, Of::U], &[], How::Runtime("key_limit")),
    (Kind::Key, "restart", &[], &[], How::Runtime("key_restart")),
    (Kind::Key, "used", &[], &[Of::U, Of::U], How::Runtime("key_used")),
    (Kind::Key, "rights", &[], &[Of::U], How::Runtime("key_rights")),
    (Kind::Key, "kind", &[], &[Of::U], How::Runtime("key_kind")),
    (Kind::Key, "drop", &[], &[], How::Runtime("key_drop")),
    (Kind::Job, "end", &[], &[], How::Runtime("job_end")),
];

pub(super) fn method(node: &Node, name: &str) -> Option<&'static Method> {
    let kind = Kind::of(node)?;
    METHODS.iter().find(|method| method.0 == kind && method.1 == name)
}

/// The names of the methods that such a value has.
pub(super) fn methods_of(node: &Node) -> impl Iterator<Item = &'static str> {
    let kind = Kind::of(node);
    let ask = (kind == Some(Kind::Key)).then_some("ask");
    METHODS.iter().filter(move |method| Some(method.0) == kind).map(|method| method.1).chain(ask)
}

/// The name of a status as the language has it: `OutOfGas` is `out_of_gas`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, character) in name.char_indices() {
        if character.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Statuses that are none of the machine's: what a job gave is not well-formed; a key that it was to get could not be handed
/// over. `std/border.et` makes them.
const OWN_STATUSES: [(&str, u64); 2] = [("malformed", 64), ("no_key", 65)];

/// The number behind `status.name` or `right.name`.
pub(super) fn given(group: &str, name: &str) -> Option<u64> {
    match group {
        "status" => {
            let own = OWN_STATUSES.iter().find(|of| of.0 == name).map(|of| of.1);
            let machine = Status::ALL.iter().find(|of| snake(of.1) == name);
            own.or_else(|| machine.map(|of| of.0.number().into()))
        }
        _ => Rights::NAMED.iter().find(|of| of.1 == name).map(|of| of.0.bits().into()),
    }
}

/// Before which point a name stands that is given: `status` or `right`.
pub(super) fn group_with(name: &str) -> Option<&'static str> {
    ["status", "right"].into_iter().find(|group| given(group, name).is_some())
}

/// The name of a status, as it stands behind `status.`.
pub(crate) fn status_name(number: u64) -> Option<String> {
    let row = Status::ALL.iter().find(|of| u64::from(of.0.number()) == number)?;
    Some(snake(row.1))
}

/// The names behind `status.` or `right.`.
pub(super) fn given_names(group: &str) -> Vec<String> {
    match group {
        "status" => {
            let machine = Status::ALL.iter().map(|of| snake(of.1));
            machine.chain(OWN_STATUSES.iter().map(|of| of.0.to_owned())).collect()
        }
        _ => Rights::NAMED.iter().map(|of| of.1.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_in_order() {
        assert!(FUNCTIONS.is_sorted_by_key(|of| of.0));
    }

    #[test]
    fn statuses_are_written_small() {
        assert_eq!(given("status", "out_of_gas"), Some(4));
        assert_eq!(given("status", "OutOfGas"), None);
        assert_eq!(given("right", "write"), Some(2));
    }
}
