//! What parses, and as what.

use super::show;
use crate::entish::parse::{imports, parse};
use crate::{Diagnostics, render};

fn file(source: &str) -> String {
    let (file, diagnostics) = parse(source);
    let shown = render("program.et", source, &Diagnostics::of(source, diagnostics.clone()), false);
    assert!(diagnostics.is_empty(), "{shown}");
    show::file(&file)
}

#[track_caller]
fn same(source: &str, shown: &str) {
    assert_eq!(file(source).trim_end(), shown);
}

#[test]
fn operators_bind_as_they_are_listed() {
    same("a or b and not c == d", "(a Or (b And (Not (c Eq d))))");
    same("a | b ^ c & d << e + f * -g", "(a BitOr (b BitXor (c BitAnd (d Shl (e Add (f Mul (Neg g)))))))");
    same("a - b - c + d", "(((a Sub b) Sub c) Add d)");
    same("a * b / c % d", "(((a Mul b) Div c) Rem d)");
    same("not not a", "(Not (Not a))");
    same("-~+a.b[1](2)", "(Neg (Invert (Plus a.b[1](2))))");
    same("a not in b or c in d", "((a NotIn b) Or (c In d))");
    same("a if b else c if d else e", "(a If b Else (c If d Else e))");
    same("a or b if c and d else e", "((a Or b) If (c And d) Else e)");
    same("(a < b) == (c >= d)", "((a Lt b) Eq (c Ge d))");
    same("1 - -1", "(1 Sub (Neg 1))");
    same("a & 1 == b", "((a BitAnd 1) Eq b)");
}

#[test]
fn sandboxed_calls_are_told_from_comparisons() {
    same("f<50, 60>(x)", "Sandbox f<50, 60>(x)");
    same("f<gas()/3,words()/3>(x, y=2)", "Sandbox f<(gas() Div 3), (words() Div 3)>(x, y=2)");
    same("f<1 | 2, 8>>1>()", "Sandbox f<(1 BitOr 2), (8 Shr 1)>()");
    same("m.f<g(a, b), [1, 2][0]>(h<1, 2>(3))", "Sandbox m.f<g(a, b), [1, 2][0]>(Sandbox h<1, 2>(3))");
    same("f<1, 2>(x)<3, 4>(y).z", "Sandbox Sandbox f<1, 2>(x)<3, 4>(y).z");
    same("g((f < a), (b > (c)))", "g((f Lt a), (b Gt c))");
    same("g(f < a, b)", "g((f Lt a), b)");
    same("a < b or c > (d)", "((a Lt b) Or (c Gt d))");
}

#[test]
fn the_else_of_a_sandboxed_call() {
    same("x = f<1, 2>(y) else 0", "x = Sandbox f<1, 2>(y) Else 0");
    same("x = f<1, 2>(y) else a if c else b", "x = Sandbox f<1, 2>(y) Else (a If c Else b)");
    same("x = a if f<1, 2>(y) else b", "x = (a If Sandbox f<1, 2>(y) Else b)");
    same("x = a if (f<1, 2>(y) else 0) else b", "x = (a If Sandbox f<1, 2>(y) Else 0 Else b)");
    same("x = a if g(f<1, 2>(y) else 0) else b", "x = (a If g(Sandbox f<1, 2>(y) Else 0) Else b)");
    same("x = f<1, 2>(y) else g<3, 4>(z) else 0", "x = Sandbox f<1, 2>(y) Else Sandbox g<3, 4>(z) Else 0");
    same(
        "if f<1, 2>(y) else 0:\n    pass\nelse:\n    pass",
        "If Sandbox f<1, 2>(y) Else 0\n  Pass\nElse\n  Pass",
    );
    same("j = try f<1, 2>(y)", "j = (Try Sandbox f<1, 2>(y))");
    same("x = a if try f<1, 2>(y) else b", "x = (a If (Try Sandbox f<1, 2>(y)) Else b)");
}

#[test]
fn literals_have_their_values() {
    same("42", "42");
    same("0xff_ff + 0b101 + 0o17 + 1_000", "(((65535 Add 5) Add 15) Add 1000)");
    same("18446744073709551615", "18446744073709551615");
    same("[1.5, 1e-9, 2e3, 1.5e+3]", "[1.5, 1e-9, 2000.0, 1500.0]");
    same(r"['a', '\n', '\x41', '\'', 'é', '\u{1f600}']", "[97, 10, 65, 39, 233, 128512]");
    same(r#""a\t\"é\u{e9}\x41""#, r#""a\t\"ééA""#);
    same(r#"b"a\xff\0""#, "b[97, 255, 0]");
    same("[true, false, none]", "[true, false, none]");
    same("[]\n{}\n{1: 2, \"a\": [3],}\n(1)", "[]\n{}\n{1: 2, \"a\": [3]}\n1");
}

#[test]
fn what_follows_an_operand() {
    same("a.b.c[i][1:2][:n][n:][:]", "a.b.c[i][1:2][:n][n:][:]");
    same("f(a, b, c = 1)(d)", "f(a, b, c=1)(d)");
    same("point{1, 2}.x\npoint{x: 1, y: b}\nm.point{}", "point{1, 2}.x\npoint{x: 1, y: b}\nm.point{}");
    same("$load64(2, 0, a)\n$arg(0)", "$load64(2, 0, a)\n$arg(0)");
    same(
        "u[]()\nlist(u)()\nmap(text, u[])()\nm.p[][]()",
        "Empty list(u)\nEmpty list(u)\nEmpty map(text, list(u))\nEmpty list(list(m.p))",
    );
    same("list(u)\nlist(1)(2)\nf(u)()", "list(u)\nlist(1)(2)\nf(u)()");
}

#[test]
fn statements_of_one_line() {
    same("x = 1", "x = 1");
    same("a, p.x, l[i] = f()", "a, p.x, l[i] = f()");
    same("a, b = b, a", "a, b = b, a");
    same("u x = 1", "u x = 1");
    same("u[] xs = []", "list(u) xs = []");
    same("map(text, u) m = {}", "map(text, u) m = {}");
    same("m.point p = none", "m.point p = none");
    same("def(u, f) -> (u, f) g = h", "def(u, f) -> (u, f) g = h");
    same("def() -> def(u[]) -> u[] g = h", "def() -> (def(list(u)) -> (list(u))) g = h");
    same("x <<= 1\ny.z %= 2", "x Shl= 1\ny.z Rem= 2");
    same(
        "return\nreturn 1, 2\nyield x\nassert a\nassert a, \"b\"",
        "Return \nReturn 1, 2\nYield x\nAssert a\nAssert a, \"b\"",
    );
    same("record r = none\nclass[] c = []\nlet x = 1", "record r = none\nlist(class) c = []\nlet x = 1");
    same("pass\nbreak\ncontinue", "Pass\nBreak\nContinue");
    same("job<50, 60>()\nlist<1, 2>(x)", "Sandbox job<50, 60>()\nSandbox list<1, 2>(x)");
    same(
        "class = 1\nprint(class)\nend\nlet(x)\nfrom.x = 2",
        "class = 1\nprint(class)\nend\nlet(x)\nfrom.x = 2",
    );
}

#[test]
fn blocks() {
    same("if a:\n  b\nelif c: d\nelse:\n  e\n\n  # f\n  g\nh", "If a\n  b\nIf c\n  d\nElse\n  e\n  g\nh");
    same("while:\n    while a: break\n    b", "While \n  While a\n    Break\n  b");
    same("for i in range(3):\n    i\n", "For i In range(3)\n  i");
    same(
        "def f(u a, b, text c = \"x\") -> u:\n    return a\ndef g(): pass\ndef h(T[] l) -> (T, u): return l[0], 1\ndef k() -> (): pass",
        "Def f(u a, b, text c = \"x\") -> (u)\n  Return a\nDef g()\n  Pass\nDef h(list(T) l) -> (T, u)\n  Return l[0], 1\nDef k() -> ()\n  Pass",
    );
    same(
        "import a\nimport b # c\nconst N = 10\ntyp point {\n    f x,\n    m.p[] y,\n}\n",
        "Import a\nImport b\nConst N = 10\nTyp point {f x, list(m.p) y}",
    );
}

#[test]
fn lines_and_spaces() {
    same("", "");
    same("\n\n  \n# only\n    # this\n", "");
    same("\u{feff}a\r\nb\r\n", "a\nb");
    same("f(\n  a, # one\n\n# two\nb\n)\n", "f(a, b)");
    same("if a:\n        b\nelse:\n c", "If a\n  b\nElse\n  c");
    same("if a:\n    b\n  # odd\n    c", "If a\n  b\n  c");
}

#[test]
fn the_imports_of_a_file_are_found_without_parsing_it() {
    let source = "\u{feff}import a\n# import b\nimport  c # d\r\nimport\nimport e f\nimported\n  import g\nimport if\nimport h2";
    let found = imports(source);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "c", "h2"]);
    for (name, span) in &found {
        assert_eq!(&source[span.start as usize..span.end as usize], name);
    }
    let source = "import a\ndef f():\n    pass\nimport b";
    let (file, _) = parse(source);
    let parsed: Vec<_> = file.imports.iter().map(|name| (name.text.to_owned(), name.span.clone())).collect();
    assert_eq!(imports(source), parsed);
}
