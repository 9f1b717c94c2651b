//! What comes over the border of a sandbox, and from callees that do not keep to it.

mod failures;
mod flat;

use super::{compiled, fails, prints, run};
use crate::compiling::compiling;
use keyvm::entish::{self, File};
use keyvm::{Engine, Event, Levels};

/// A text that is no UTF-8: its last byte is changed when it has been made.
const BAD_TEXT: &str = "def bad() -> text:\n    t = \"a\" + \"b\"\n    $store8(2, 9, $load64(2, 0, 0) - 16, 255)\n    return t\n";

/// A list of texts of which one is nothing.
const BAD_LIST: &str = "def bad() -> text[]:\n    a = array(1, \"x\")\n    $store64(2, 0, $load64(2, 0, 0) - 8, 0xffffffff00000000)\n\
     return a.list()\n";

/// `stray(n)` calls the function that begins with `push n`, whatever its type says it yields.
const STRAY: &str = "typ box {def() -> () go}\n\
     def nothing():\n    pass\n\
     def number():\n    yield 1234567\n\
     def page_of_text(text t):\n    yield t\n\
     def stray(n):\n    b = box{nothing}\n    at = 0\n    while $load64(1, 0, at) != n << 8 | 2:\n        at += 8\n\
     $store64(2, 0, $load64(2, 0, 0) - 8, (at >> 3) - 1)\n    b.go()\n";

fn indented(source: &str) -> String {
    // Lines that a continuation of a Rust literal robbed of their indentation.
    source.replace("\nreturn a.list()", "\n    return a.list()").replace("\n$store64", "\n    $store64")
}

#[test]
fn a_result_that_is_not_well_formed_counts_as_none() {
    for (bad, none) in [(BAD_TEXT, "\"none\""), (BAD_LIST, "[\"no\", \"ne\"]")] {
        let bad = indented(bad);
        let shown = if none.starts_with('[') { "len(r)" } else { "r" };
        let expected = if none.starts_with('[') { "2" } else { "none" };
        prints(
            &format!("{bad}r = bad<10000, 1000>() else {none}\nprint({shown})\nprint($numkeys())"),
            &format!("{expected}\n5\n"),
        );
        prints(
            &format!(
                "{bad}job = try bad<10000, 1000>()\nprint(job.status == status.malformed, job.trap, $numkeys())\n\
                 print(job<10000, 1000>() == status.malformed)"
            ),
            "true 0 5\ntrue\n",
        );
        fails(&format!("{bad}r = bad<10000, 1000>()\nprint({shown})"), "", 8);
    }
}

#[test]
fn a_callee_that_yields_what_it_does_not_say_counts_as_malformed() {
    let stray = indented(STRAY);
    // A word where a text ought to come: no page of the caller's is taken for it.
    prints(
        &format!(
            "{stray}def plugin() -> text:\n    yield \"ok\"\n    stray(1234567)\n    return \"x\"\n\
             if $arg(0) == 0:\n    never = try number<1, 1>()\n\
             job = try plugin<100000, 10000>()\nprint(job.value)\nkey mine = page(5)\nmine[3] = 7\n\
             job<100000, 10000>()\nprint(job.status == status.malformed, job.value, mine[3], len(mine))\n\
             print(plugin<100000, 10000>() else \"none\", mine[3], $numkeys())"
        ),
        "ok\ntrue ok 7 5\nnone 7 7\n",
    );
    // One that does not yield at all.
    prints(
        &format!(
            "{stray}def plugin() -> text:\n    stray(1234567)\n    return \"x\"\n\
             if $arg(0) == 0:\n    never = try number<1, 1>()\n\
             job = try plugin<100000, 10000>()\nprint(job.status == status.malformed)\n\
             print(plugin<100000, 10000>() else \"none\")\ndef word() -> u:\n    stray(1234567)\n    return 1\n\
             print(word<100000, 10000>() else 2, $numkeys())"
        ),
        "true\nnone\n2 5\n",
    );
}

#[test]
fn a_page_that_comes_instead_of_a_word_is_not_kept() {
    let source = "typ box {def() -> () go}\ndef nothing():\n    pass\ndef words(text t):\n    yield t\n\
         def tell():\n    words(\"1234567\")\n\
         def stray():\n    b = box{nothing}\n    at = 0\n    while $load64(1, 0, at) & 255 != 0xd0 or $load64(1, 0, at) >> 16 == 0:\n        at += 8\n\
         \x20   while $load64(1, 0, at) & 255 != 0x18:\n        at -= 8\n    $store64(2, 0, $load64(2, 0, 0) - 8, at >> 3)\n    b.go()\n\
         def plugin() -> u:\n    stray()\n    return 1\n\
         if $arg(0) == 0:\n    never = try tell<1, 1>()\n\
         print(plugin<100000, 10000>() else 5, $numkeys())\njob = try plugin<100000, 10000>()\nprint(job.status, $numkeys())";
    let image = compiled(source, &[]);
    let (text, event, _) = run(&image, &Engine::default(), u64::MAX, "");
    assert_eq!(event, Event::Halted, "{text}");
    assert!(text.starts_with("5 5\n"), "{text}");
}

#[test]
fn a_key_that_cannot_be_handed_over_stops_nobody_who_asks() {
    let callee = "def look(key k, x) -> u:\n    return k[0] + x\n";
    for lost in [
        "p = page(1)\np.destroy()",
        "q = page(1)\np, gate = q.revocable()\ngate.revoke()",
        "q = page(1)\np = q.attenuate(right.read)",
    ] {
        prints(
            &format!(
                "{callee}{lost}\nprint(look<1000, 100>(p, 3) else 7)\njob = try look<1000, 100>(p, 3)\n\
                 print(job.status == status.no_key, job<1000, 100>() == status.no_key)\njob.end()"
            ),
            "7\ntrue true\n",
        );
        let image = compiled(&format!("{callee}{lost}\nprint(look<1000, 100>(p, 3))"), &[]);
        let (_, event, _) = run(&image, &Engine::default(), u64::MAX, "");
        assert!(matches!(event, Event::Trapped(_)), "{event:?}");
    }
}

#[test]
fn a_key_that_a_callee_destroys_names_nothing_ever_after() {
    let ask = |then: &str| {
        format!(
            "def kill(key k) -> u:\n    k.destroy()\n    return 1\n\
             def yields(key k):\n    yield 1\n    k.destroy()\n    yield 2\n\
             k = page(1)\nother = k.read_only()\n{then}\nmine = page(2)\nmine[0] = 9\n\
             def look(key k) -> u:\n    return k[0]\n\
             print(look<1000, 100>(k) else 5, look<1000, 100>(other) else 6, look<1000, 100>(mine) else 7)\n\
             print(k.kind(), other.kind(), mine.kind())\nk.drop()\nother.drop()\nprint(mine[0])"
        )
    };
    for then in [
        "kill<1000, 100>(k)",
        "print(kill<1000, 100>(k) else 0)",
        "job = try kill<1000, 100>(k)\njob.end()",
        "job = try yields<1000, 100>(k)\njob<1000, 100>()\njob.end()",
    ] {
        let expected = if then.starts_with("print") { "1\n5 6 9\n0 0 1\n9\n" } else { "5 6 9\n0 0 1\n9\n" };
        prints(&ask(then), expected);
    }
    // A gate is destroyed by its use.
    prints(
        "def back(key gate):\n    gate.revoke()\nk = page(1)\nshown, gate = k.revocable()\nback<1000, 100>(gate)\n\
         mine = page(2)\nmine[0] = 9\nprint(gate.rights(), shown.rights(), mine[0])",
        "0 0 9\n",
    );
    // It is of no kind, and the same as none, not even as itself.
    prints(
        "def kill(key k):\n    k.destroy()\nk = page(1)\nother = k.read_only()\nkill<1000, 100>(k)\nmine = page(1)\n\
         print(k.kind(), other.kind(), k == mine, mine.kind(), mine.attenuate(0).kind())\nprint(k == other, k != other)",
        "0 0 false 1 1\nfalse true\n",
    );
}

#[test]
fn budgets_and_arguments_are_evaluated_as_they_are_written() {
    prints(
        "typ log {text said}\ndef say(log l, text t, x) -> u:\n    l.said = l.said + t\n    return x\n\
         def f(a, b=2, c=3) -> u:\n    return a * 100 + b * 10 + c\n\
         l = log{\"\"}\nprint(f<say(l, \"g\", 1000), say(l, \"w\", 100)>(say(l, \"a\", 1), say(l, \"b\", 2)), l.said)\n\
         l.said = \"\"\nprint(f<say(l, \"g\", 1000), say(l, \"w\", 100)>(c=say(l, \"c\", 1), a=say(l, \"a\", 2)), l.said)\n\
         l.said = \"\"\njob = try f<say(l, \"g\", 1000), say(l, \"w\", 100)>(b=say(l, \"b\", 1), a=say(l, \"a\", 2))\nprint(job.value, l.said)\n\
         l.said = \"\"\nprint(f<1, 100>(say(l, \"a\", 1)) else say(l, \"e\", 5), l.said)\n\
         l.said = \"\"\ng = f\nprint(g<say(l, \"g\", 1000), say(l, \"w\", 100)>(say(l, \"a\", 1), 2, 3), l.said)",
        "123 gwab\n221 gwca\n213 gwba\n5 ae\n123 gwa\n",
    );
}

#[test]
fn a_bool_of_a_job_is_true_or_false() {
    prints(
        "def forged() -> bool:\n    b = bytes(8)\n    b[0] = 2\n    return b[0] == 2\n\
         job = try forged<10000, 1000>()\nprint(job.value == true)",
        "true\n",
    );
}

#[test]
fn more_keys_than_a_callee_has_room_for_are_refused() {
    let params = |count: usize| (0..count).map(|n| format!("key k{n}")).collect::<Vec<_>>().join(", ");
    let source = |count: usize, more: &str| {
        format!(
            "def f({}{more}) -> u:\n    return k0[0]\np = page(1)\nprint(f<10000, 1000>({}{}))\n",
            params(count),
            vec!["p"; count].join(", "),
            if more.is_empty() { "" } else { ", \"x\"" }
        )
    };
    let refused = |text: String| {
        let file = File { name: "program.et".into(), text };
        entish::compile(file, &mut |_| Ok(None)).expect_err("it is refused").to_string()
    };
    prints(&source(7, ""), "0\n");
    prints(&source(6, ", text t"), "0\n");
    for text in [source(8, ""), source(7, ", text t")] {
        let said = refused(text);
        assert!(said.contains("a callee has room for 7 of them, and this call would take 8"), "{said}");
    }
}

#[test]
fn a_generic_function_that_is_a_value_is_sandboxed_by_the_types_of_the_value() {
    prints(
        "def id(T x) -> T:\n    return x\ndef last(T[] l) -> T:\n    return l[len(l) - 1]\n\
         def use(def(text) -> text g, text t) -> text:\n    return g(t) + g<10000, 1000>(t)\n\
         print(use(id, \"ab\"))\ndef(u) -> u g = id\nprint(g<10000, 1000>(5), g(6))\n\
         def(text[]) -> text h = last\nprint(h<10000, 1000>([\"x\", \"y\"]))\n\
         def(f[]) -> f k = last\nprint(k<10000, 1000>([1.5]))\n\
         def made(T x) -> def(T) -> T:\n    return id\nm = made(\"x\")\nprint(m(\"z\"), m<10000, 1000>(\"z\") else \"none\")",
        "abab\n5 6\ny\n1.5\nz none\n",
    );
}

/// `key_of(k)` are numbers of which the low bits of the hash are the same; see `hash` in `std/tables.et`.
const COLLIDING: &str = "const M = 0x9e3779b97f4a7c15\n\
     def inverse(a) -> u:\n    x = a\n    for k in range(6):\n        x = x * (2 - a * x)\n    return x\n\
     def key_of(k) -> u:\n    h = k + 1 << 32\n    t = h ^ h >> 29\n    t = h ^ t >> 29\n    t = h ^ t >> 29\n    x = t * inverse(M)\n\
     \u{20}   return x ^ x >> 32\n";

#[test]
fn keys_that_are_all_looked_for_in_one_place_cost_no_more_than_a_few_times_as_much() {
    let gas = |key: &str, n: u64| {
        let source = format!(
            "{COLLIDING}m = map(u, u)()\nfor k in range({n}):\n    m[{key}] = k\nsum = 0\nfor k in range({n}):\n    sum += m[{key}]\n\
             assert sum == {n} * ({n} - 1) / 2\nfor k in range(0, {n}, 2):\n    assert m.remove({key})\nassert len(m) == {n} / 2\n\
             for k in range({n}):\n    assert ({key} in m) == (k % 2 == 1)\nfor k in range({n}):\n    m[{key}] = k\n\
             last = 0\nfor k in m.values():\n    last = k\nassert last == {n} - 2 and len(m) == {n}"
        );
        let (text, event, gas) = run(&compiled(&source, &[]), &compiling(Levels::Quick), u64::MAX, "");
        assert_eq!((text.as_str(), &event), ("", &Event::Halted));
        gas
    };
    let inverted = gas("k + 0 * key_of(k)", 400);
    let colliding = gas("key_of(k)", 400);
    assert!(colliding < inverted * 4, "{colliding} for {inverted}");
    // Twice as many cost twice as much, and not four times.
    assert!(gas("key_of(k)", 800) < colliding * 5 / 2);
}

#[test]
fn keys_with_the_same_hash_are_told_apart() {
    // The second word undoes what the first does to the hash.
    prints(
        "def key_of(k) -> bytes:\n    b = bytes(16)\n    second = $rotl((16 ^ k) * 0x9e3779b97f4a7c15, 29) ^ 12345\n\
         \x20   for n in range(8):\n        b[n] = k >> n * 8 & 255\n        b[n + 8] = second >> n * 8 & 255\n    return b\n\
         m = map(bytes, u)()\nfor k in range(1000):\n    m[key_of(k)] = k\nm[b\"\"] = 7\nm[b\"ab\"] = 8\nm[b\"\\x00\\x00\"] = 9\n\
         good = 0\nfor k in range(1000):\n    good += u(m[key_of(k)] == k)\nprint(len(m), good, m[b\"\"], m[b\"ab\"], m[b\"\\x00\\x00\"], b\"a\" in m)\n\
         print(m.remove(key_of(3)), m.remove(key_of(3)), key_of(3) in m, len(m), key_of(1000) in m)\nm[key_of(3)] = 4\nprint(m[key_of(3)], len(m))\n\
         m.clear()\nm[key_of(1)] = 5\nprint(len(m), m[key_of(1)])\n\
         def give(n) -> map(bytes, u):\n    m = map(bytes, u)()\n    for k in range(n):\n        m[key_of(k)] = k\n    return m\n\
         r = give<100000000, 1000000>(300)\nprint(len(r), r[key_of(299)])",
        "1003 1000 7 8 9 false\ntrue false false 1002 false\n4 1003\n1 5\n300 299\n",
    );
}

#[test]
fn a_range_ends_whatever_its_step_is() {
    prints(
        "step = 0xffffffffffffffff\nn = 0\nfor k in range(0, 10, step):\n    n += 1\nfor k in range(0, 10, 0xfffffffffffffff0):\n    n += 1\n\
         top = 0xffffffffffffffff\nfor k in range(top - 3, top, 1):\n    n += 1\nfor k in range(top - 3, top, 3):\n    n += 1\n\
         i most = 9223372036854775807\nfor j in range(most - 1, most, most):\n    n += 1\nfor k in range(9, 3, step):\n    n += 1\n\
         five = 5\nfor k in range(top - 10, top, five):\n    n += 1\nfor j in range(most - 9, most, 3):\n    n += 1\n\
         print(n, step)",
        "12 18446744073709551615\n",
    );
    fails("top = 0xffffffffffffffff\nfor k in range(top - 9, top, 4):\n    pass", "", 12);
    fails("top = 0xffffffffffffffff\nstep = 4\nfor k in range(top - 9, top, step):\n    pass", "", 12);
    fails("none_at_all = 0\nfor k in range(0, 9, none_at_all):\n    pass", "", 12);
    fails("i back = -1\nfor k in range(back + 1, back + 9, back):\n    pass", "", 12);
}
