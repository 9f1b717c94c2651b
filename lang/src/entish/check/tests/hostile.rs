//! No program makes the checker panic, hang, or give something that is not well-formed.

use super::checked;
use super::formed::well_formed;
use proptest::prelude::*;

// ---- Programs -----------------------------------------------------------------------------------------

const ATOMS: &[&str] = &[
    "x",
    "y",
    "z",
    "t",
    "l",
    "m",
    "p",
    "k",
    "j",
    "f",
    "g",
    "h",
    "N",
    "0",
    "1",
    "7",
    "-1",
    "1.5",
    "true",
    "none",
    "\"a\"",
    "b\"a\"",
    "[]",
    "{}",
    "[1]",
    "[1.5, 2]",
    "{\"a\": 1}",
    "point{1, none}",
    "point{next: none, x: 1}",
    "gas()",
    "page(1)",
    "$arg(0)",
    "status.yielded",
    "u[]()",
    "map(u, text)()",
    "other.c",
    "other",
    "i",
    "u",
    "len",
    "range(3)",
    "f()",
    "g(1)",
    "h(x, y)",
    "try g<5, 5>(1)",
    "j.value",
    "x.next",
    "l.pop()",
    "m.keys()",
];

const FORMS: &[&str] = &[
    "(A + B)",
    "(A - B)",
    "(A * B)",
    "(A / B)",
    "(A % B)",
    "(A == B)",
    "(A < B)",
    "(A in B)",
    "(A and B)",
    "(not A)",
    "(-A)",
    "(~A)",
    "(A << B)",
    "(A & B)",
    "A[B]",
    "A[B:]",
    "A[:B]",
    "(A if B else A)",
    "[A, B]",
    "{A: B}",
    "f()",
    "g(A)",
    "g(n=A)",
    "h(A, B)",
    "h(b=A, a=B)",
    "same(A)",
    "u(A)",
    "i(A)",
    "f(A)",
    "len(A)",
    "str(A)",
    "min(A, B)",
    "abs(A)",
    "A.next",
    "A.x",
    "A.value",
    "A.find(B)",
    "A.get(B, A)",
    "A(B)",
    "g<A, B>(A)",
    "(g<5, 5>(A) else B)",
    "(try y<5, 5>(A))",
    "A<5, 5>()",
    "point{A, B}",
    "other.d(A)",
    "$add(A, B)",
    "$load64(2, 0, A)",
    "A.list()",
    "A.split(B)",
    "array(A, B)",
    "bytes(A)",
    "sqrt(A)",
];

fn expression() -> impl Strategy<Value = String> {
    let atom = proptest::sample::select(ATOMS).prop_map(str::to_owned);
    atom.prop_recursive(3, 12, 2, |inner| {
        (proptest::sample::select(FORMS), inner.clone(), inner)
            .prop_map(|(form, a, b)| form.replace('A', "\u{1}").replace('B', &b).replace('\u{1}', &a))
    })
}

fn statement() -> impl Strategy<Value = Vec<String>> {
    const TARGETS: &[&str] =
        &["x", "y", "z", "t", "l", "m", "p", "j", "i", "p.x", "l[0]", "m[x]", "N", "x, y", "i"];
    const TYPES: &[&str] =
        &["u x", "i y", "f z", "text t", "u[] l", "map(text, u) m", "point p", "array(f) l"];
    let simple =
        (0..12_usize, proptest::sample::select(TARGETS), proptest::sample::select(TYPES), expression());
    let simple = simple.prop_map(|(kind, target, declared, value)| {
        vec![match kind {
            0..=3 => format!("{target} = {value}"),
            4 => format!("{declared} = {value}"),
            5 => format!("{target} += {value}"),
            6 => format!("return {value}"),
            7 => format!("yield {value}"),
            8 => format!("l.append({value})"),
            9 => "break".to_owned(),
            10 => format!("print({value})"),
            _ => format!("assert {value}"),
        }]
    });
    simple.prop_recursive(3, 12, 3, |inner| {
        let block = proptest::collection::vec(inner, 1..4);
        (0..5_usize, expression(), block.clone(), block).prop_map(|(kind, value, a, b)| {
            let indent =
                |block: Vec<Vec<String>>| block.into_iter().flatten().map(|line| format!("    {line}"));
            let head = match kind {
                0 | 1 => format!("if {value}:"),
                2 => format!("while {value}:"),
                3 => format!("for x in {value}:"),
                _ => format!("for i in range({value}):"),
            };
            let mut lines = vec![head];
            lines.extend(indent(a));
            if kind == 0 {
                lines.push("else:".to_owned());
                lines.extend(indent(b));
            }
            lines
        })
    })
}

fn program() -> impl Strategy<Value = String> {
    let body = || proptest::collection::vec(statement(), 1..6);
    (body(), body(), body(), body()).prop_map(|(f, g, h, main)| {
        let block = |block: Vec<Vec<String>>| {
            block.into_iter().flatten().map(|line| format!("    {line}\n")).collect::<String>()
        };
        let main: String = main.into_iter().flatten().map(|line| format!("{line}\n")).collect();
        format!(
            "import other\nconst N = 5\ntyp point {{u x, point next}}\ndef same(T v): return v\n\
             def f():\n{}def g(n):\n{}def h(T[] a, T b) -> T:\n{}{main}",
            block(f),
            block(g),
            block(h)
        )
    })
}

const OTHER: &str = "const c = 3\ndef d(x): return x\n";

fn survives(source: &str) -> bool {
    match checked(source, &[("other", OTHER)]) {
        Ok(program) => {
            well_formed(&program);
            true
        }
        Err(message) => {
            assert!(!message.is_empty(), "nothing is said of {source}");
            false
        }
    }
}

/// An expression of each type.
#[derive(Clone, Debug)]
struct Typed {
    u: String,
    i: String,
    f: String,
    bool: String,
    text: String,
    list: String,
    map: String,
    point: String,
}

fn typed() -> impl Strategy<Value = Typed> {
    let one = |names: &'static [&'static str]| proptest::sample::select(names).prop_map(str::to_owned);
    let leaf = (
        one(&["x", "7", "N", "gas()", "$arg(0)", "k[1]", "status.yielded", "'a'"]),
        one(&["y", "-1", "i(x)"]),
        one(&["z", "1.5", "f(x)", "f(3)"]),
        one(&["c", "true", "x in l", "p == none"]),
        one(&["t", "\"a\"", "str(x)"]),
        one(&["l", "[1, x]", "u[]()", "[]"]),
        one(&["m", "{t: x}", "{}"]),
        one(&["p", "point{1, none}", "point{next: p, x: x}", "none"]),
    );
    let leaf = leaf.prop_map(|(u, i, f, bool, text, list, map, point)| Typed {
        u,
        i,
        f,
        bool,
        text,
        list,
        map,
        point,
    });
    leaf.prop_recursive(4, 40, 3, |inner| {
        let choices = proptest::collection::vec(0..1000_usize, 8);
        (choices, inner.clone(), inner).prop_map(|(choices, a, b)| {
            let pick = |at: usize, forms: &[String]| forms[choices[at] % forms.len()].clone();
            Typed {
                u: pick(
                    0,
                    &[
                        format!("({} + {})", a.u, b.u),
                        format!("({} * 2 - {})", a.u, b.u),
                        format!("({} if {} else {})", a.u, a.bool, b.u),
                        format!("u({})", a.i),
                        format!("u({})", a.f),
                        format!("len({})", a.text),
                        format!("g({})", a.u),
                        format!("h(b={}, a={})", a.u, b.u),
                        format!("same({})", a.u),
                        format!("min({}, {})", a.u, b.u),
                        format!("m.get({}, {})", a.text, b.u),
                        format!("(g<{}, {}>({}))", a.u, b.u, a.u),
                        format!("(g<5, 5>({}) else {})", a.u, b.u),
                        format!("apply(g, {})", a.u),
                        format!("first({}, {})", a.list, b.u),
                        format!("{}.find({})", a.text, b.text),
                        format!("$rotl({}, {})", a.u, b.u),
                        format!("({} << {})", a.u, b.u),
                        format!("l[{}]", a.u),
                    ],
                ),
                i: pick(
                    1,
                    &[
                        format!("({} / {})", a.i, b.i),
                        format!("abs({})", a.i),
                        format!("-{}", a.i),
                        format!("max({}, 3)", a.i),
                        format!("(1 + {})", a.i),
                        format!("({} >> {})", a.i, b.u),
                    ],
                ),
                f: pick(
                    2,
                    &[
                        format!("({} - {})", a.f, b.f),
                        format!("(2 * {})", a.f),
                        format!("sqrt({})", a.f),
                        format!("f({})", a.i),
                        format!("max({}, {})", a.f, b.f),
                    ],
                ),
                bool: pick(
                    3,
                    &[
                        format!("({} == {})", a.u, b.u),
                        format!("({} < {})", a.f, b.f),
                        format!("({} and not {})", a.bool, b.bool),
                        format!("({} or {})", a.bool, b.bool),
                        format!("({} <= {})", a.text, b.text),
                        format!("({} in {})", a.text, b.text),
                        format!("({} not in m)", a.text),
                        format!("(p != {})", a.point),
                        format!("same({})", a.bool),
                    ],
                ),
                text: pick(
                    4,
                    &[
                        format!("({} + {})", a.text, b.text),
                        format!("str({})", a.i),
                        format!("str({})", a.bool),
                        format!("t[{}:]", a.u),
                        format!("{}.join({}.split({}))", a.text, b.text, a.text),
                        format!("same({})", a.text),
                    ],
                ),
                list: pick(
                    5,
                    &[
                        format!("[{}, {}]", a.u, b.u),
                        format!("(l + {})", a.list),
                        format!("l[{}:{}]", a.u, b.u),
                        "m.values()".to_owned(),
                        "l.array().list()".to_owned(),
                    ],
                ),
                map: pick(6, &[format!("{{{}: {}, {}: {}}}", a.text, a.u, b.text, b.u), "m".to_owned()]),
                point: pick(
                    7,
                    &[
                        format!("point{{{}, {}}}", a.u, b.point),
                        format!("point{{next: {}, x: {}}}", a.point, b.u),
                        "p.next".to_owned(),
                    ],
                ),
            }
        })
    })
}

/// Statements of which nothing is wrong.
fn typed_statement() -> impl Strategy<Value = String> {
    let simple = (0..18_usize, typed(), typed()).prop_map(|(kind, a, b)| match kind {
        0 => format!("x = {}", a.u),
        1 => format!("y = {}", a.i),
        2 => format!("z = {}", a.f),
        3 => format!("c = {}", a.bool),
        4 => format!("t = {}", a.text),
        5 => format!("l = {}", a.list),
        6 => format!("m = {}", a.map),
        7 => format!("p = {}", a.point),
        8 => format!("p.x += {}", a.u),
        9 => format!("l[{}] = {}", a.u, b.u),
        10 => format!("m[{}] -= {}", a.text, b.u),
        11 => format!("x, y = {}, {}", a.u, b.i),
        12 => format!("x, l[0] = two({})", a.u),
        13 => format!("print({}, {}, {})", a.u, a.text, a.bool),
        14 => format!("l.append({})", a.u),
        15 => format!("k[{}] += {}", a.u, b.u),
        16 => format!("j = try g<{}, {}>({})\nx = j.value + j<5, {}>()", a.u, b.u, a.u, b.u),
        _ => format!("yield {}", a.u),
    });
    simple.prop_recursive(3, 12, 3, |inner| {
        (0..7_usize, typed(), proptest::collection::vec(inner, 1..4)).prop_map(|(kind, a, block)| {
            let head = match kind {
                0 => format!("if {}:", a.bool),
                1 => format!("while {}:", a.bool),
                2 => format!("for x in {}:", a.list),
                3 => format!("for y in range({}, {}):", a.i, a.i),
                4 => "for t in m:".to_owned(),
                _ => format!("for x in range({}):", a.u),
            };
            let block: String =
                block.iter().flat_map(|stmt| stmt.lines()).map(|line| format!("    {line}\n")).collect();
            match kind {
                5 => format!("while {}:\n    pass\nif {}:\n{block}else: pass", a.bool, a.u),
                _ => format!("{head}\n{block}"),
            }
        })
    })
}

const PRELUDE: &str = "\
const N = 5
typ point {u x, point next}
def g(n): return n + 1
def h(a, b = N): return a * b
def same(T v): return v
def first(T[] l, T otherwise) -> T: return l[0] if len(l) > 0 else otherwise
def apply(def(u) -> u call, x): return call(x)
def two(x): return x, x + 1
x = 1
y = -2
z = 1.5
c = true
t = \"a\"
l = [1]
m = {\"a\": 1}
p = point{1, none}
k = page(1)
j = try g<5, 5>(1)
";

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_in_which_nothing_is_wrong(stmts in proptest::collection::vec(typed_statement(), 1..8)) {
        let source = format!("{PRELUDE}{}\n", stmts.join("\n"));
        match checked(&source, &[]) {
            Ok(program) => well_formed(&program),
            Err(message) => panic!("{message}\n{source}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_of_random_parts(source in program()) {
        survives(&source);
    }

    #[test]
    fn statements_of_random_parts(stmts in proptest::collection::vec(statement(), 1..4)) {
        let lines: String = stmts.into_iter().flatten().map(|line| format!("{line}\n")).collect();
        survives(&format!("import other\nconst N = 5\ntyp point {{u x, point next}}\ndef f(): return 1\ndef g(n): return n\n\
            def h(a, b): return a\ndef same(T v): return v\nx = 1\ny = 2\nz = 1.5\nt = \"a\"\nl = [1]\nm = {{\"a\": 1}}\n\
            p = point{{1, none}}\nk = page(1)\nj = try g<5, 5>(1)\n{lines}"));
    }
}

// ---- Programs that are large in one way ---------------------------------------------------------------

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

#[test]
fn programs_that_are_large_in_one_way() {
    const MANY: usize = 3000;
    let programs = [
        lines(MANY, |n| format!("x{n} = {n}")),
        lines(MANY, |n| format!("const A{n} = A{} + 1", n + 1)) + &format!("const A{MANY} = 1\n"),
        lines(MANY, |n| format!("def f{n}(x): return f{}(x) + 1", n + 1))
            + &format!("def f{MANY}(x): return x\n"),
        lines(MANY, |n| format!("def f{n}(x): return f{}(x)", (n + 1) % MANY)),
        lines(MANY, |n| format!("typ s{n} {{s{} next}}", (n + 1) % MANY)),
        "x0 = []\n".to_owned() + &lines(MANY, |n| format!("x{} = [x{n}]", n + 1)),
        "x0 = [1]\n".to_owned() + &lines(MANY, |n| format!("x{} = {{1: x{n}}}", n + 1)),
        "x = []\n".to_owned() + &lines(MANY, |n| format!("x = [x{}]", if n % 2 == 0 { "" } else { "[0]" })),
        "def d(T x) -> def(T, T) -> T: return d(x)\nx0 = 1\n".to_owned()
            + &lines(100, |n| format!("x{} = d(x{n})\ny{n} = d(x{n})\nif x{} == y{n}: pass", n + 1, n + 1)),
        lines(MANY, |n| format!("print(unknown{n})")),
        "n = $arg(0)\n".to_owned() + &lines(MANY, |n| format!("x{n} = 1\nif n > {n}: y{n} = 2")),
        "while:\n".to_owned() + &lines(MANY, |n| format!("    x{n} = 1\n    if x{n}: break")),
        format!("print({})", "1, ".repeat(MANY)),
        format!("x = [{}]", "[], ".repeat(MANY)),
        format!("x = {}1{}", "(1 + ".repeat(90), ")".repeat(90)),
        format!("x = {}1{}", "[".repeat(150), "]".repeat(150)),
        lines(MANY, |n| format!("const T{n} = \"{}\"", "a".repeat(100))),
        "const T0 = \"aaaaaaaaaaaaaaaa\"\n".to_owned()
            + &lines(60, |n| format!("const T{} = T{n} + T{n}", n + 1)),
    ];
    for source in programs {
        survives(&source);
    }
}

#[test]
fn nothing_is_nested_too_deeply() {
    let open: String = (0..150).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    survives(&format!("x = 1\n{open}{}x = 2\n", " ".repeat(150)));
    let open: String = (0..150).map(|depth| format!("{}for i in range(5):\n", " ".repeat(depth))).collect();
    survives(&format!("{open}{}x = 2\n", " ".repeat(150)));
    survives(&format!("x = 1\nif x: pass\n{}", "elif x == 1: x = 2\n".repeat(190)));
    survives(&format!("x = {}", vec!["1.5 + y"; 90].join(" - ")));
    survives(&format!("y = 1\nx = {}y", "not -~".repeat(50)));
    survives(&format!("def f({}u{} x): pass", "list(".repeat(150), ")".repeat(150)));
    survives(&format!("y = 1\nx = {}", vec!["y"; 190].join(" if y else ")));
    survives(&format!("y = 1\nx = y{}", ".y".repeat(190)));
    survives(&format!("x = {}1{}", "min(1, ".repeat(150), ")".repeat(150)));
    survives(&format!("def g(x): return x\nx = {}1{}", "g<5, 5>(".repeat(150), ")".repeat(150)));
}

#[test]
fn of_very_many_mistakes_no_more_than_a_thousand_are_looked_for() {
    let functions: String = (0..3000).map(|n| format!("def f{n}(): return g{n}()\n")).collect();
    for program in ["x = y\n".repeat(3000), functions, format!("x = [{}]\n", "y, ".repeat(3000))] {
        let message = checked(&program, &[]).expect_err("nothing is known");
        let end = message.lines().last();
        assert_eq!(end, Some("… and 900 more"), "{program:.20}");
    }
}
