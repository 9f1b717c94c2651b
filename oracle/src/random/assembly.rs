//! What texts for the assembler are made of.

/// Names and numbers.
pub const WORDS: [&str; 62] = [
    "0",
    "1",
    "7",
    "0x10",
    "0xffffffffffffffff",
    "1.5",
    "1.5f32",
    "x",
    "const",
    "func",
    "params",
    "locals",
    "text",
    "host",
    "page",
    "keys",
    "meter",
    "gate",
    "brand",
    "callmeter",
    "code",
    "rawcode",
    "process",
    "image",
    "chain",
    "request",
    "data",
    "random",
    "u8",
    "u64",
    "f64",
    "f32",
    "zero",
    "align",
    "words",
    "label",
    "slots",
    "null",
    "none",
    "via",
    "sealed",
    "under",
    "root",
    "prime",
    "main",
    "next",
    "standing",
    "stack",
    "frames",
    "frame",
    "keeper",
    "invoke",
    "recurse",
    "suspended",
    "callee",
    "caller",
    "y",
    "status.Returned",
    "right.raed",
    "x.len",
    "(all)",
    "(read)",
];

/// What stands between them, and what may not.
pub const SIGNS: [&str; 35] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "=",
    "#",
    "->",
    "+",
    "-",
    "*",
    "/",
    "<<",
    "|",
    "&",
    "\n",
    " ",
    ";",
    "\"",
    "'",
    "\\",
    ":x",
    ".word",
    ".constant",
    ".type",
    ".switch",
    "\u{e9}",
    "\0",
    "x:",
    ":y",
    "'a'",
    "\"text\"",
];

/// A program in which every construct is that programs have.
pub const SAMPLE: &str = r#"
const N = 3 * (1 << 4)
host console
page table { words 2 "text\n" u64 :loop, -1 zero 8 align 16 label place }
keys list { slots 4 1: console(call|copy) via g sealed b }
gate g { parent none }
brand b
meter small { gas_limit 10 stopped }
data { f64 1.5 "x" }
loop: jumpif(lt(get 0, 10), :loop)
func f 2 -> 1, 1
  params a, b2
  locals c
  ret(add(get a, N))
switch [:loop, 3] (load64 2, 8 (get 0))
.type 1->2
callto 1->2 (1.5, 'a')
"#;
