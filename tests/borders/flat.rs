//! Values that can share nothing, which cross the border of a sandbox without a look at what is shared, and those that look
//! alike and can.

use super::super::{compiled, prints, run};
use super::{STRAY, indented};
use keyvm::{Engine, Event, Tier};

#[test]
fn texts_bytes_lists_and_structs_of_all_lengths_come_as_they_were() {
    prints(
        "typ inner {text t, bool b, bytes s}\ntyp outer {u n, inner x, u[] l, map(text, u) m, outer2 y}\ntyp outer2 {f x, bool[] l}\n\
         def texts(text t, bytes b, text[] l) -> (text, bytes, text[]):\n    b[0] = 33\n    l.append(t)\n    return t + \"!\", b, l\n\
         def numbers(u[] l, array(i) a, bool[] b, f[] g) -> (u[], array(i), bool[], f[]):\n    l.append(9)\n    return l, a, b, g\n\
         def whole(outer o) -> outer:\n    o.n += 1\n    if o.x != none:\n        o.x.t = o.x.t + str(o.x.b)\n    return o\n\
         def same(T x) -> T:\n    return x\n\
         t = \"\"\nfor n in range(20):\n    a, b, l = texts<100000, 10000>(t, (t + \"é\").bytes(), t.split(\"\"))\n\
         \x20   assert a == t + \"!\" and len(b) == len(t) + 2 and b[0] == 33 and l[len(l) - 1] == t\n    t = t + character(n)\n\
         def character(n) -> text:\n    return \"é\" if n % 5 == 4 else \" x\"\n\
         for n in range(0, 5000, 2222):\n    w = u[]()\n    v = bool[]()\n    for k in range(n):\n        w.append(k)\n        v.append(k & 1 == 1)\n\
         \x20   c, d, e, g = numbers<10000000, 100000>(w, array(n, -5), v, [1.5])\n\
         \x20   assert len(w) == n and len(c) == n + 1 and c[n] == 9 and len(d) == n and len(e) == n and g[0] == 1.5\n\
         \x20   if n > 0: assert c[n - 1] == n - 1 and d[n - 1] == -5 and e[n - 1] == ((n - 1) & 1 == 1)\n\
         o = outer{1, inner{\"a\", true, b\"xy\"}, [1, 2], {\"k\": 5, \"\": 6}, outer2{0.5, [true]}}\n\
         p = whole<100000, 10000>(o)\nprint(p.n, p.x.t, p.x.s.text(), p.l[1], p.m[\"k\"], p.m[\"\"], p.y.x, p.y.l[0], o.n, p.x == o.x)\n\
         q = whole<100000, 10000>(outer{1, none, [], {}, none})\nprint(q.n, q.x == none, len(q.l), len(q.m), q.y == none)\n\
         def none_at_all(inner x) -> inner:\n    return x\nprint(none_at_all<10000, 1000>(none) == none)",
        "2 atrue xy 2 5 6 0.5 true 1 false\n2 true 0 0 true\ntrue\n",
    );
}

#[test]
fn what_is_shared_is_shared_on_the_other_side() {
    prints(
        "typ inner {u n}\ntyp pair {inner a, inner b}\ntyp tail {u n, tail next}\ntyp both {inner a, u[] l}\n\
         def two(bytes a, bytes b) -> u:\n    a[0] = 7\n    return b[0]\n\
         def lists(u[] a, u[] b) -> (u[], u[]):\n    a.append(1)\n    return b, a\n\
         def of(pair p) -> pair:\n    p.a.n += 1\n    return p\n\
         def deep(both x, inner y) -> u:\n    x.a.n = 8\n    return y.n\n\
         def elements(inner[] l) -> inner[]:\n    l[0].n = 6\n    return l\n\
         def round(tail t) -> tail:\n    t.next.next.n += 1\n    return t\n\
         b = bytes(1)\nprint(two<10000, 1000>(b, b), two<10000, 1000>(b, bytes(1)), b[0])\n\
         l = [5]\nc, d = lists<10000, 1000>(l, l)\nprint(len(c), c == d, len(l))\n\
         x = inner{1}\np = of<10000, 1000>(pair{x, x})\nprint(p.a == p.b, p.b.n, x.n)\n\
         print(deep<10000, 1000>(both{x, l}, x), deep<10000, 1000>(both{x, l}, inner{2}))\n\
         e = elements<10000, 1000>([x, x])\nprint(e[1].n, e[0] == e[1])\n\
         t = tail{1, none}\nt.next = t\nr = round<10000, 1000>(t)\nprint(r.n, r.next == r, t.n)",
        "7 0 0\n2 true 1\ntrue 2 1\n8 2\n6 true\n2 true 1\n",
    );
}

#[test]
fn a_page_that_is_not_what_the_type_says_counts_as_malformed() {
    let engine = Engine::new(Tier::Interpreter);
    // The page that is given is 1 and the fields of a struct.
    for (expected, typ) in [
        ("malformed", "text[]"),
        ("malformed", "map(text, u)"),
        ("malformed", "holder"),
        ("malformed", "array(text)"),
        ("text", "text"),
        ("3", "u[]"),
    ] {
        for (fields, expected) in [
            ("200, 0", expected),
            ("0xffffffffffffffff, 1", if expected == "text" { "malformed" } else { expected }),
            ("9, 0", expected),
        ] {
            let source = format!(
                "{}typ inner {{u n}}\ntyp holder {{inner x, text t}}\ntyp raw {{u a, u b}}\n\
                 def give(n):\n    yield raw{{{fields}}}\ndef tell():\n    give(1234567)\n\
                 def plugin({typ} x) -> {typ}:\n    yield x\n    stray(1234567)\n    return x\n\
                 if $arg(0) == 0:\n    never = try tell<1, 1>()\n\
                 {typ} x = {}\njob = try plugin<100000, 10000>(x)\nassert job.status == status.yielded\njob<100000, 10000>()\n\
                 print(job.status)",
                indented(STRAY),
                match typ {
                    "text" => "\"a\"",
                    "holder" => "holder{none, \"\"}",
                    "map(text, u)" => "{\"a\": 1}",
                    "array(text)" => "array(1, \"a\")",
                    "u[]" => "[1]",
                    _ => "[\"a\"]",
                }
            );
            let well_formed = expected != "malformed" && !(typ == "text" && fields.starts_with("200"));
            let (text, event, _) = run(&compiled(&source, &[]), &engine, u64::MAX, "");
            assert_eq!(
                (text.as_str(), event),
                (if well_formed { "1\n" } else { "64\n" }, Event::Halted),
                "{source}"
            );
        }
    }
}

#[test]
fn a_text_a_struct_or_a_list_takes_as_much_as_the_document_says() {
    let engine = Engine::new(Tier::Interpreter);
    let least = |source: &str, budget: &str| {
        let enough = |n: u64| {
            let source = source.replace("BUDGET", &budget.replace('N', &n.to_string()));
            let (text, event, _) = run(&compiled(&source, &[]), &engine, u64::MAX, "");
            assert_eq!(event, Event::Halted, "{text}");
            text == "true\n"
        };
        let (mut low, mut high) = (0, 100_000);
        while low + 1 < high {
            let middle = (low + high) / 2;
            if enough(middle) { high = middle } else { low = middle }
        }
        high
    };
    for (source, gas, words) in [
        (
            "def f(text t) -> bool:\n    return len(t) == 11\nprint(f<BUDGET>(\"hello world\") else false)",
            600,
            80,
        ),
        (
            "def f() -> text:\n    return \"hello world\"\nprint((f<BUDGET>() else \"\") == \"hello world\")",
            600,
            80,
        ),
        (
            "typ vector {u start, u length}\ndef f(vector v) -> bool:\n    return v.length == 2\nprint(f<BUDGET>(vector{1, 2}) else false)",
            700,
            80,
        ),
        (
            "def f(u[] l) -> bool:\n    return len(l) == 100\nl = u[]()\nfor k in range(100):\n    l.append(k)\nprint(f<BUDGET>(l) else false)",
            700,
            200,
        ),
    ] {
        let found = (least(source, "N, 100000"), least(source, "100000, N"));
        assert!(found.0 <= gas && found.1 <= words, "{found:?}\n{source}");
    }
}
