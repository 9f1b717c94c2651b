//! The words for everything that can be wrong with a text; nowhere else are there any.

use super::given;
use super::lex::{Span, Token};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use keyvm_isa::{Imm, ImmKind, OPS, Op, Rights};

fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// The candidates as `a`, `b` or `c`.
pub(crate) fn any_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [most @ .., last] => format!("`{}` or `{last}`", most.join("`, `")),
    }
}

fn one_of<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = candidates.into_iter().collect();
    did_you_mean(text, names.iter().copied()).unwrap_or_else(|| match names[..] {
        [one] => format!("there is only `{one}`"),
        _ => format!("there are {}", any_of(&names).replace("` or `", "` and `")),
    })
}

// ---- Tokens -------------------------------------------------------------------------------------------

pub(crate) fn unexpected(span: &Span, token: Token, text: &str, wanted: &str) -> Diagnostic {
    let expected = format!("expected {wanted}");
    match token {
        Token::Unknown => unknown_character(span, text, expected),
        Token::Unterminated => Diagnostic::new(span, "the quotes are not closed", "begins here")
            .hint("a character or string ends on the line on which it begins"),
        Token::Newline => Diagnostic::new(&(span.start..span.start), "the line ends too early", expected),
        Token::End => Diagnostic::new(span, "the text ends too early", expected),
        _ => Diagnostic::new(span, format!("`{text}` does not belong here"), expected),
    }
}

/// `text` begins with a character that no token begins with.
fn unknown_character(span: &Span, text: &str, expected: String) -> Diagnostic {
    let character = text.chars().next().unwrap_or_default();
    let shown = if character.is_ascii_graphic() {
        format!("`{character}`")
    } else {
        format!("the character U+{:04X}", u32::from(character))
    };
    let diagnostic = Diagnostic::new(span, format!("{shown} means nothing here"), expected);
    match character {
        '\u{2018}' | '\u{2019}' => diagnostic.hint("a character stands between straight quotes: 'a'"),
        '\u{201c}' | '\u{201d}' => diagnostic.hint("a string stands between straight quotes: \"text\""),
        _ => diagnostic,
    }
}

/// `mark` begins a comment in other languages.
pub(crate) fn foreign_comment(span: &Span, mark: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{mark}` does not belong here"), format!("expected {wanted}"))
        .hint("comments begin with `;`")
}

pub(crate) fn too_deep(span: &Span, limit: u32) -> Diagnostic {
    Diagnostic::new(span, "nested too deeply", format!("more than {limit} levels"))
        .hint("push operands by statements of their own, before the instruction that takes them")
}

pub(crate) fn unclosed_block(open: &Span) -> Diagnostic {
    Diagnostic::new(open, "the block is not closed", "begins here").hint("it ends with `}`")
}

pub(crate) fn stray_close(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "no block ends here", "`}` without `{`")
}

pub(crate) fn bad_number(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is not a number"), "malformed, or past 128 bits")
        .hint("numbers are written as 42, 1_000, 0xff, 0b101, 1.5, 2e10, 1.5f32")
}

pub(crate) fn bad_escape(span: &Span, wanted: &str) -> Diagnostic {
    Diagnostic::new(span, "not a character", "here").hint(wanted)
}

// ---- Names --------------------------------------------------------------------------------------------

pub(crate) fn reserved_name(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` cannot be a name"), "means something already")
        .hint("instructions, `inf`, `nan` and `none` keep their meaning; take another name")
}

pub(crate) fn dotted_name(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` cannot be a name"), "has a dot").hint(
        "names with a dot are given, such as `status.Returned`; only `text NAME` makes one, its length `NAME.len`",
    )
}

pub(crate) fn name_taken(span: &Span, text: &str, first: Option<&Span>) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("the name `{text}` is taken"), "declared again");
    match first {
        Some(first) => diagnostic.label(first, "declared here first"),
        None => {
            diagnostic.hint("`prime`, `main` and `root` name the objects that a simple program has anyway")
        }
    }
}

pub(crate) fn label_taken(span: &Span, text: &str, first: &Span) -> Diagnostic {
    Diagnostic::new(span, format!("the label `{text}` is defined twice"), "defined again")
        .label(first, "defined here first")
}

pub(crate) fn unknown_name<'a>(span: &Span, text: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    let hint = declaration_form(text).or_else(|| given_elsewhere(text));
    Diagnostic::new(span, format!("nothing is called `{text}`"), "unknown name")
        .maybe_hint(hint.or_else(|| did_you_mean(text, names)))
}

/// The hosts that the command line grants: who names one without having declared it means it.
const HOSTS: [&str; 2] = ["console", "args"];

/// A name where also an instruction could stand. `names` are those of the text.
pub(crate) fn unknown_operand<'a>(
    span: &Span,
    text: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("nothing is called `{text}`"), "unknown name");
    let names: Vec<_> = names.collect();
    let own = || did_you_mean(text, names.iter().copied());
    let any = || did_you_mean(text, names.iter().copied().chain(OPS.iter().map(|info| info.mnemonic)));
    if HOSTS.contains(&text) {
        return diagnostic.hint(own().unwrap_or_else(|| format!("declare the host: `host {text}`")));
    }
    let hint = declaration_form(text).or_else(|| given_elsewhere(text)).or_else(any);
    diagnostic.hint(hint.unwrap_or_else(|| {
        format!(
            "declare an object, such as `host {text}`, or `const {text} = …`; a label is written `:{text}`"
        )
    }))
}

/// How what begins with this word is written, if it begins anything but an instruction.
fn declaration_form(word: &str) -> Option<String> {
    match word {
        "data" | "image" | "chain" | "request" => Some(format!("it is written `{word} {{ … }}`")),
        "host" => Some("it is written `host NAME \"hostname\"` or `host NAME`".to_owned()),
        "brand" => Some("it is written `brand NAME`".to_owned()),
        "params" | "locals" => Some(format!("it is written `{word} NAME, NAME`")),
        _ if super::parse_blocks::OBJECTS.contains(&word) => {
            Some(format!("it is written `{word} NAME {{ … }}`"))
        }
        _ => None,
    }
}

/// The given names that have this behind their dots.
fn given_elsewhere(member: &str) -> Option<String> {
    let names: Vec<_> =
        given::all().filter(|name| name.split_once('.').is_some_and(|(_, of)| of == member)).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", any_of(&names)))
}

/// `lengths` are those of the texts.
pub(crate) fn unknown_dotted(span: &Span, text: &str, lengths: &[String]) -> Diagnostic {
    let group = given::group(text);
    let members: Vec<_> = given::all().filter(|name| given::group(name) == group).collect();
    let elsewhere = given_elsewhere(text.strip_prefix(group).unwrap_or(text));
    let near = || did_you_mean(text, given::all().chain(lengths.iter().map(String::as_str)));
    let hint = elsewhere.or_else(near).unwrap_or_else(|| {
        if members.is_empty() {
            let mut groups: Vec<_> = given::all().map(given::group).collect();
            groups.dedup();
            format!(
                "names with a dot begin with {}; or are the lengths of texts: `text NAME` has `NAME.len`",
                any_of(&groups)
            )
        } else {
            format!("there are {}", any_of(&members).replace("` or `", "` and `"))
        }
    });
    Diagnostic::new(span, format!("nothing is called `{text}`"), "unknown name").hint(hint)
}

pub(crate) fn no_length(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` has no length"), "is no text")
        .hint("in data, `text NAME \"…\"` gives NAME its place and `NAME.len` its length in bytes")
}

pub(crate) fn unknown_label<'a>(span: &Span, text: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::new(span, format!("there is no label `{text}`"), "unknown label")
        .hint(format!("a label is defined by `{text}:` before a statement of the same code"))
        .maybe_hint(nearest(text, names).map(|name| format!("did you mean `:{name}`?")))
}

pub(crate) fn label_not_here(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "a label means nothing here", "belongs to code")
        .hint("labels may stand in code, in data, and in a process's `index`")
}

pub(crate) fn slot_for_number(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is a slot of the subroutine"), "a constant was expected")
        .hint(format!("write `get {text}` for what it holds"))
}

pub(crate) fn object_for_number(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is an object, not a number"), "a constant was expected")
        .hint("where the text declares processes, keys have the slots you give them; declare `const` names for those")
}

pub(crate) fn number_for_object(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is a number, not an object"), "an object was expected")
        .hint("an object is its name, or `#` and its number")
}

pub(crate) fn unknown_object<'a>(
    span: &Span,
    text: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    Diagnostic::new(span, format!("there is no object `{text}`"), "unknown object")
        .hint(format!(
            "declare it, such as `host {text}`; an object is the name of a declaration, or `#` and a number"
        ))
        .maybe_hint(did_you_mean(text, names))
}

pub(crate) fn constant_cycle(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` depends on itself"), "needed for its own value")
}

pub(crate) fn constants_too_deep(span: &Span, limit: u32) -> Diagnostic {
    Diagnostic::new(span, "constants refer to one another too deeply", format!("more than {limit} steps"))
        .hint("declare a constant before those that use it")
}

// ---- Code ---------------------------------------------------------------------------------------------

pub(crate) fn unknown_instruction(span: &Span, text: &str) -> Diagnostic {
    const KEYWORDS: [&str; 9] =
        ["data", "image", "chain", "request", "random", "func", "params", "locals", "const"];
    let keywords = KEYWORDS.into_iter().chain(super::parse_blocks::OBJECTS);
    let known = OPS.iter().map(|info| info.mnemonic).chain(keywords);
    Diagnostic::new(span, format!("there is no instruction `{text}`"), "unknown instruction")
        .maybe_hint(did_you_mean(text, known))
}

pub(crate) fn unknown_directive(span: &Span, text: &str) -> Diagnostic {
    const DIRECTIVES: [&str; 4] = [".word", ".constant", ".type", ".switch"];
    Diagnostic::new(span, format!("there is no directive `{text}`"), "unknown directive")
        .hint(one_of(text, DIRECTIVES))
}

pub(crate) fn instruction_for_number(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is an instruction"), "a constant was expected")
        .hint("what an instruction takes from the stack goes in parentheses: `add(get 0, 1)`")
}

/// What an immediate is, in words.
pub(crate) fn immediate(imm: Imm) -> String {
    format!("`{}`: {}", imm.name, immediate_kind(imm.kind))
}

/// What an immediate of this kind is, in words.
pub(crate) fn immediate_kind(kind: ImmKind) -> String {
    match kind {
        ImmKind::Value => "a number of 56 bits".into(),
        ImmKind::Target => "a label, such as `:start`, or an index".into(),
        ImmKind::Constant => "the index of a constant".into(),
        ImmKind::Type => "a type, such as `2->1`, or the index of one".into(),
        ImmKind::Switch => "targets, such as `[:one, :other]`, or the index of a switch table".into(),
        ImmKind::Slot => "a number of words".into(),
        ImmKind::Count | ImmKind::WideCount => "a number of operands".into(),
        ImmKind::Memory => "the number of a memory".into(),
        ImmKind::Offset => "a number of bytes".into(),
    }
}

/// How an instruction is written.
fn form(op: Op) -> String {
    let info = op.info();
    let imms: Vec<_> = info.imms.iter().map(|imm| imm.name.to_uppercase()).collect();
    let space = if imms.is_empty() { "" } else { " " };
    let operands = vec!["…"; info.pops.into()].join(", ");
    let operands = if operands.is_empty() { operands } else { format!("({operands})") };
    let counted = info.imms.iter().filter(|imm| imm.kind == ImmKind::Count);
    let counted: Vec<_> = counted.map(|imm| imm.name.to_uppercase()).collect();
    let more = if counted.is_empty() {
        String::new()
    } else {
        format!("; it takes {} operands more", counted.join(" + "))
    };
    format!("it is written `{}{space}{}{operands}`{more}", info.mnemonic, imms.join(", "))
}

pub(crate) fn no_immediates(span: &Span, op: Op) -> Diagnostic {
    let name = op.info().mnemonic;
    Diagnostic::new(span, format!("`{name}` has no immediates"), "does not belong here").hint(form(op))
}

pub(crate) fn too_many_immediates(span: &Span, op: Op) -> Diagnostic {
    let info = op.info();
    let count = info.imms.len();
    let noun = if count == 1 { "immediate" } else { "immediates" };
    Diagnostic::new(span, format!("`{}` has {count} {noun}", info.mnemonic), "one too many").hint(form(op))
}

pub(crate) fn missing_immediate(span: &Span, op: Op, missing: usize) -> Diagnostic {
    let info = op.info();
    let imm = info.imms[missing];
    Diagnostic::new(span, format!("`{}` lacks its immediate `{}`", info.mnemonic, imm.name), "behind this")
        .hint(format!("write {}; {}", immediate_kind(imm.kind), form(op)))
}

pub(crate) fn immediate_too_large(span: &Span, imm: Imm, value: i128) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("{value} does not fit"), immediate(imm));
    match imm.kind {
        ImmKind::Value => {
            diagnostic.hint("write the number alone, without `push`: it then becomes a constant")
        }
        kind => diagnostic.hint(format!("at most {}", (1_u64 << kind.bits()) - 1)),
    }
}

pub(crate) fn no_target(span: &Span, op: Op) -> Diagnostic {
    let name = op.info().mnemonic;
    Diagnostic::new(span, format!("`{name}` lacks its target"), "not a place in the code").hint(format!(
        "the last in the parentheses is the target: `{name}(…, :start)`; or write `{name} :start (…)`"
    ))
}

pub(crate) fn too_many_operands(span: &Span, op: Op, most: u64, written: usize) -> Diagnostic {
    let name = op.info().mnemonic;
    let takes = match most {
        0 => format!("`{name}` takes no operands"),
        1 => format!("`{name}` takes one operand"),
        most => format!("`{name}` takes {most} operands"),
    };
    let counted = op.info().imms.first().is_some_and(|imm| imm.kind == ImmKind::Count);
    let words = u64::try_from(written).map_or(0, |written| written.saturating_sub(op.info().pops.into()));
    let noun = if words == 1 { "word" } else { "words" };
    let hint = if counted && most == u64::from(op.info().pops) {
        format!("to hand on {words} {noun}, write `{name} {words} (…)`")
    } else {
        form(op)
    };
    Diagnostic::new(span, takes, format!("{written} written")).hint(hint)
}

pub(crate) fn not_a_subroutine(span: &Span, text: &str, defined: &Span) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is no subroutine"), "called here")
        .label(defined, "no `func` here")
        .hint(format!("write `func {text} ARGUMENTS -> RESULTS` where it begins, or `jump` to go to a label"))
}

pub(crate) fn names_not_behind_func(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "names of slots stand directly behind `func`", "no `func` directly before this")
        .hint("outside any `func` they are the first statement of the code: `params`, then `locals`")
}

pub(crate) fn wrong_slot_count(span: &Span, what: &str, named: usize, typed: u64) -> Diagnostic {
    Diagnostic::new(
        span,
        format!("not as many {what} as are named"),
        format!("{named} named, {typed} by its type"),
    )
    .hint("name all or none; `func NAME ARGUMENTS -> RESULTS, LOCALS` says how many there are")
}

pub(crate) fn type_too_large(span: &Span, value: i128, bits: u32) -> Diagnostic {
    Diagnostic::new(span, format!("{value} does not fit a subroutine type"), format!("takes {bits} bits"))
        .hint("arguments and results are at most 65,535, locals at most 4,294,967,295")
}

// ---- Values -------------------------------------------------------------------------------------------

pub(crate) fn not_whole(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "a whole number is needed here", "a fraction")
}

pub(crate) fn no_result(span: &Span, why: &str) -> Diagnostic {
    Diagnostic::new(span, "the expression has no value", why)
}

pub(crate) fn out_of_range(span: &Span, value: i128, most: u128) -> Diagnostic {
    Diagnostic::new(span, format!("{value} does not fit"), format!("at most {most}"))
}

pub(crate) fn not_a_word(span: &Span, value: i128) -> Diagnostic {
    Diagnostic::new(span, format!("{value} does not fit a word"), "more than 64 bits")
}

pub(crate) fn not_so_many_bytes(span: &Span, value: i128, bits: u32) -> Diagnostic {
    Diagnostic::new(span, format!("{value} does not fit"), format!("more than {bits} bits"))
}

pub(crate) fn bad_alignment(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "not an alignment", "a power of two is needed")
}

pub(crate) fn too_long(span: &Span, limit: u64) -> Diagnostic {
    Diagnostic::new(span, "too long", "made longer here").hint(format!(
        "what a text does not write out, but only gives the length of, is at most {limit} words in all; \
         an empty slot counts as four"
    ))
}

// ---- Declarations -------------------------------------------------------------------------------------

pub(crate) fn twice(span: &Span, text: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is given twice"), "again")
}

pub(crate) fn unknown_field(span: &Span, text: &str, fields: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("there is no field `{text}`"), "unknown field");
    if fields.is_empty() { diagnostic } else { diagnostic.hint(one_of(text, fields.iter().copied())) }
}

pub(crate) fn unknown_data(span: &Span, text: &str, items: &[&str]) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is no item of data"), "unknown").hint(
        did_you_mean(text, items.iter().copied())
            .unwrap_or_else(|| format!("data is {}, or a string", any_of(items))),
    )
}

pub(crate) fn unknown_right(span: &Span, text: &str) -> Diagnostic {
    let rights = Rights::NAMED.iter().map(|right| right.1).chain(["all", "own", "none"]);
    Diagnostic::new(span, format!("there is no right `{text}`"), "unknown right").hint(one_of(text, rights))
}

pub(crate) fn unknown_status<'a>(
    span: &Span,
    text: &str,
    names: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    Diagnostic::new(span, format!("there is no status `{text}`"), "unknown status").hint(one_of(text, names))
}

pub(crate) fn unknown_trap<'a>(span: &Span, text: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::new(span, format!("there is no trap `{text}`"), "unknown trap").hint(one_of(text, names))
}

pub(crate) fn unknown_call(span: &Span, text: &str, ways: &[&str]) -> Diagnostic {
    Diagnostic::new(span, format!("`{text}` is no way to be called"), "unknown")
        .hint(one_of(text, ways.iter().copied()))
}

pub(crate) fn wrong_frame(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "a frame is three numbers", "not three").hint(
        "`frame RETURN, BASE, TYPE`: the index to return to, the height of its base, the index of its type",
    )
}

pub(crate) fn wrong_recurse(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "`recurse` has gas and words", "not both")
        .hint("`suspended recurse GAS, WORDS`, and in the chain `PROCESS recurse METER, GAS, WORDS`")
}

pub(crate) fn number_taken(span: &Span, number: u64, name: &str, first: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{name}` cannot have number {number}"), format!("`{first}` has it"))
        .hint("in a simple program 1 is `prime`, 2 is `main` and 3 is `root`; other numbers ascend from 4 on")
}

pub(crate) fn number_zero(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "0 is not the number of an object", "numbers begin with 1")
}

pub(crate) fn only_in_simple_programs(span: &Span, what: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{what}` belongs to a simple program"), "no process to give it to")
        .hint(format!("the text declares its processes itself; put `{what}` into one of them"))
}

pub(crate) fn slot_taken(span: &Span, slot: u64) -> Diagnostic {
    Diagnostic::new(span, format!("slot {slot} is filled twice"), "again")
}

pub(crate) fn slot_beyond(span: &Span, slot: u64, slots: u64) -> Diagnostic {
    Diagnostic::new(span, format!("there is no slot {slot}"), format!("there are {slots} slots"))
        .hint("`slots N` gives the length of the list; the first slot is 0")
}

pub(crate) fn host_not_text(span: &Span) -> Diagnostic {
    Diagnostic::new(span, "the name of a host is not text", "not UTF-8")
}

pub(crate) fn host_too_long(span: &Span, limit: usize) -> Diagnostic {
    Diagnostic::new(span, "the name of the host is too long", format!("more than {limit} bytes"))
}
