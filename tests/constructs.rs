//! The constructs of the language, one by one: what programs print, under both engines, cut into slices, saved and loaded.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod borders;
mod compiling;
mod transcript;

use compiling::compiling;
use keyvm::entish::{self, File};
use keyvm::isa::image::Image;
use keyvm::{Args, Console, Engine, Event, Hosts, Levels, Machine, image};
use std::io::Write;
use transcript::Transcript;

/// Compiles a program that may import the files behind it.
fn compiled(source: &str, files: &[(&str, &str)]) -> Image<'static> {
    let file = |name: &str, text: &str| File { name: format!("{name}.et"), text: text.to_owned() };
    let mut find = |wanted: &str| {
        Ok(files.iter().find(|(name, _)| *name == wanted).map(|(name, text)| file(name, text)))
    };
    entish::compile(file("program", source), &mut find)
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
        .image
}

/// Runs a program to its end, in slices of so much gas, with the machine saved and loaded between them; gives what it printed and how it
/// ended.
fn run(image: &Image<'_>, engine: &Engine, slice: u64, input: &str) -> (String, Event, u64) {
    let transcript = Transcript::default();
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41", "two words"]));
    hosts.grant("console", Console::new(std::io::Cursor::new(input.to_owned()), transcript.clone()));
    let mut slice = slice;
    let mut machine = Machine::with_engine(image, engine).unwrap();
    machine.set_gas_limit(20_000_000);
    machine.set_words_limit(1 << 20);
    let end = loop {
        match machine.run_hosted(slice, &mut hosts) {
            Event::Yielded(words) => {
                let words: Vec<_> = words.iter().map(u64::to_string).collect();
                writeln!(transcript.clone(), "{}", words.join(" ")).unwrap();
            }
            Event::Paused => {
                // One instruction may cost more than a slice.
                slice = slice.saturating_add(slice / 2);
                let mut file = Vec::new();
                image::write(&machine.image(), &mut file).unwrap();
                machine = Machine::with_engine(&image::read(&file).unwrap(), engine).unwrap();
            }
            event => break event,
        }
    };
    machine.audit().expect("the books balance");
    (transcript.text(), end, machine.budget().gas_used)
}

/// Checks what a program prints, and that it does so on each engine and however it is cut.
fn prints(source: &str, expected: &str) {
    prints_with(source, &[], expected);
}

fn prints_with(source: &str, files: &[(&str, &str)], expected: &str) {
    let (event, gas) = ends(source, files, expected);
    assert_eq!(event, Event::Halted, "after {gas} gas");
}

fn ends(source: &str, files: &[(&str, &str)], expected: &str) -> (Event, u64) {
    let image = compiled(source, files);
    let (text, event, gas) = run(&image, &Engine::default(), u64::MAX, "");
    assert_eq!((text.as_str(), &event), (expected, &event), "in one piece, {event:?}");
    for (engine, slice) in [
        (compiling(Levels::Quick), u64::MAX),
        (compiling(Levels::Optimized), u64::MAX),
        (Engine::default(), gas / 7 + 1),
        (compiling(Levels::Quick), gas / 5 + 1),
    ] {
        let again = run(&image, &engine, slice, "");
        assert_eq!(again, (text.clone(), event.clone(), gas), "{engine:?}, in slices of {slice}");
    }
    (event, gas)
}

/// Checks that a program traps by `fail` after it has printed this, and with which number.
fn fails(source: &str, expected: &str, number: u64) {
    let (event, _) = ends(source, &[], expected);
    assert_eq!(event, Event::Trapped(keyvm::isa::Trap::Failed));
    let image = compiled(source, &[]);
    let mut machine = Machine::new(&image).unwrap();
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41", "two words"]));
    hosts.grant("console", Console::new(std::io::empty(), Transcript::default()));
    while let Event::Yielded(_) = machine.run_hosted(u64::MAX, &mut hosts) {}
    let image = machine.image();
    let root = image.objects.iter().find(|object| object.number == image.root).unwrap();
    let keyvm::isa::image::Body::Process(process) = &root.body else { panic!("the root is a process") };
    assert_eq!(process.stack.last(), Some(&number));
}

#[test]
fn an_index_is_compared_though_the_way_to_it_said_it_was_good() {
    // What is given else is not evaluated where the callee returns.
    fails(
        "def one(x) -> u:\n    return x\ndef f(array(u) a, k) -> u:\n    x = one<1000,1000>(1) else a[k]\n    return a[k]\n\
         print(f(array(4, 5), 3))\nprint(f(array(5, 5), 7))",
        "5\n",
        2,
    );
    // The second part of a condition takes away what the first one has found.
    let shrinks = "def shrinks(u[] l) -> bool:\n    l.pop()\n    return true\n";
    for f in [
        "    if k < len(l) and shrinks(l): return l[k]\n    return 7",
        "    if k >= len(l) or not shrinks(l): return 7\n    return l[k]",
        "    assert k < len(l) and shrinks(l)\n    return l[k]",
        "    while k < len(l) and shrinks(l):\n        return l[k]\n    return 7",
        "    return l[k] if k < len(l) and shrinks(l) else 7",
    ] {
        fails(
            &format!("{shrinks}def f(u[] l, k) -> u:\n{f}\nprint(f([1, 2, 3], 1))\nprint(f([1, 2, 3], 2))"),
            "2\n",
            2,
        );
    }
}

#[test]
fn a_line_of_any_length_is_read() {
    let image = compiled(
        "import input\nfor turn in range(2):\n    t, there = input.line()\n    print(len(t), there, t[len(t) - 1] if len(t) > 0 else 0)",
        &[],
    );
    for length in [0, 1, 32767, 32768, 32769, 65535, 65536, 65537, 200_000] {
        let input = format!("{}z\nx\n", "y".repeat(length));
        let (text, event, _) = run(&image, &compiling(Levels::Quick), u64::MAX, &input);
        assert_eq!((text, event), (format!("{} true 122\n1 true 120\n", length + 1), Event::Halted));
    }
}

#[test]
fn the_showcase_yields_one_more_than_its_argument() {
    let image = compiled(include_str!("../examples/sandbox.et"), &[]);
    for engine in [Engine::default(), compiling(Levels::Quick), compiling(Levels::Optimized)] {
        let mut machine = Machine::with_engine(&image, &engine).unwrap();
        let mut hosts = Hosts::new();
        hosts.grant("args", Args::new(["41"]));
        for _ in 0..3 {
            assert_eq!(machine.run_hosted(u64::MAX, &mut hosts), Event::Yielded([42].into()));
        }
    }
}

#[test]
fn numbers_have_the_operators_of_their_types() {
    prints(
        "i a = -7\nprint(a / 2, a % 3, a >> 1, a < 0)\nprint(7 / 2, 7 % 3, 1 << 63, ~0)\n\
         print(i(0 - 1), u(a) > 5, u(2.9), i(-2.9), u(true))\nprint(3 if a > 0 else 4, not (a > 0 or 2 < 1))",
        "-3 -1 -4 true\n3 1 9223372036854775808 18446744073709551615\n-1 true 2 -2 1\n4 true\n",
    );
}

#[test]
fn literals_of_which_bits_are_taken_are_integers() {
    prints("print(f(-1 >> 7), f(1 << 4), f(6 & 3), f(1 + 2) / 2.0)", "-1.0 16.0 2.0 1.5\n");
}

#[test]
fn loops_and_conditions_go_where_they_say() {
    prints(
        "total = 0\nfor k in range(2, 20, 3):\n    if k == 8:\n        continue\n    if k == 17:\n        break\n    total += k\n\
         print(total)\nn = 3\nwhile n > 0:\n    n -= 1\nelse_part = n\nprint(else_part)\nfor c in \"ab\":\n    print(c)\n\
         for k in range(3):\n    k += 10\n    print(k)",
        "32\n0\n97\n98\n10\n11\n12\n",
    );
    // Loops that give a name another type.
    prints(
        "def f(n):\n    for k in range(n):\n        for n in [str(k), \"x\"]: print(n)\n    n = \"end\"\n    return n\n\
         print(f(2))\nfor x in \"ab\".split(\"b\"): print(x)\nfor x in range(1, 3): print(x)\nx = 7\n\
         for x in [8]: pass\nprint(x)\nfor x in [2.5]: print(x)",
        "0\nx\n1\nx\nend\na\n\n1\n2\n8\n2.5\n",
    );
}

#[test]
fn functions_have_defaults_names_several_results_and_are_values() {
    prints(
        "def divide(a, b=2) -> (u, u):\n    return a / b, a % b\ndef twice(def(u) -> u g, x):\n    return g(g(x))\n\
         def add(x):\n    return x + 3\ndef first(T[] l) -> T:\n    return l[0]\n\
         q, r = divide(7)\nprint(q, r)\nq, r = divide(b=3, a=20)\nprint(q, r)\nprint(twice(add, 1))\nprint(first([\"x\"]), first([4]))",
        "3 1\n6 2\n7\nx 4\n",
    );
}

#[test]
fn texts_bytes_arrays_and_lists_do_what_their_methods_say() {
    prints(
        "t = \"one two\"\nprint(t.find(\"two\"), t[1], t[1:3], t + \"!\", \"e t\" in t, t < \"p\")\n\
         print(\"-\".join(t.split(\" \")), \" x \".strip(), t.starts(\"on\"), t.ends(\"on\"))\n\
         b = bytes(3)\nb[1] = 104\nb[2] = 105\nprint(b[1:3].text(), len(b), b == b\"\\x00hi\")\n\
         a = array(3, 7)\na[1] = 8\nprint(a[0] + a[1], len(a), 8 in a)\n\
         l = [3, 1]\nl.append(2)\nl.insert(0, 9)\nprint(l.pop(), l.remove(0), len(l), l[0], l[1])\nl.extend([5, 6])\nl.reverse()\n\
         for x in l:\n    print(x)",
        "4 110 ne one two! true true\none-two x true false\nhi 3 true\n15 3 true\n2 9 2 3 1\n6\n5\n1\n3\n",
    );
}

#[test]
fn maps_keep_the_order_of_insertion_and_grow() {
    prints(
        "m = {\"b\": 1, \"a\": 2}\nm[\"c\"] = 3\nm[\"b\"] += 10\nprint(m.remove(\"a\"), m.remove(\"z\"), \"a\" in m, len(m))\n\
         for k in m:\n    print(k, m[k])\nprint(m.get(\"z\", 5))\nn = map(u, u)()\nfor j in range(1000):\n    n[j * 7] = j\n\
         for j in range(0, 1000, 2):\n    n.remove(j * 7)\nsum = 0\nfor j in n:\n    sum += n[j]\nprint(len(n), sum)",
        "true false false 2\nb 11\nc 3\n5\n500 250000\n",
    );
}

#[test]
fn numbers_as_keys_are_found_whether_it_is_known_that_they_are_numbers_or_not() {
    // `maps` does not know the type of the keys.
    prints(
        "import maps\nm = map(u, u)()\nfor k in range(1, 100):\n    m[k] = k\n    assert m.remove(k) and not m.remove(k)\n\
         \x20   assert 0 not in m and not m.remove(0) and m.get(0, 9) == 9 and k not in m\nm[0] = 4\ntop = 0xffffffffffffffff\n\
         m[top] = 6\nmaps.add(m, 0, 3)\nmaps.add(m, 7, 2)\nprint(m[0], m[top], m[7], len(m))\n\
         for k in range(3000):\n    if k % 2 == 0: m[k << 32] = k\n    else: maps.add(m, k << 32, k)\ngood = 0\n\
         for k in range(3000):\n    good += u(m[k << 32] == k)\nprint(len(m), good)\n\
         map(u, u) copy = {}\nmaps.update(copy, m)\nfor k in range(1, 3000, 3):\n    assert copy.remove(k << 32)\n\
         for k in range(3000):\n    assert (k << 32 in copy) == (k % 3 != 1) and k << 32 in m\nprint(len(copy), copy[top])\n\
         m.clear()\nprint(len(m), 0 in m)\nm[5] = 1\nm[5] += 2\nprint(m[5], len(m))\n\
         map(i, text) n = {-1: \"a\", 1: \"b\"}\nprint(n[-1], n.get(1, \"\"), n.get(0, \"none\"), n.remove(-1), -1 in n)\n\
         map(bool, u) b = {}\nb[2 > 1] = 5\nb[1 > 2] = 6\nprint(b[true], b[false], len(b))",
        "7 6 2 3\n3002 3000\n2002 6\n0 false\n3 1\na b none true false\n5 6 2\n",
    );
    fails("m = {3: 1}\nm.remove(3)\nprint(m[3])", "", 3);
    fails("m = {1: 1}\nprint(m[0])", "", 3);
}

#[test]
fn structs_refer_to_each_other() {
    prints(
        "typ node {u value, node next}\nlist = none\nnode head = none\nfor k in range(3):\n    head = node{k, head}\n\
         at = head\nwhile at != none:\n    print(at.value)\n    at = at.next\nhead.value += 40\nprint(head.value)"
            .replace("list = none\n", "")
            .as_str(),
        "2\n1\n0\n42\n",
    );
}

#[test]
fn a_sandboxed_call_gives_its_result_or_another_value_or_a_job() {
    prints(
        "def half(x):\n    return 100 / x\ndef ever(x):\n    while:\n        x += 1\n    return x\n\
         print(half<100, 10>(4))\nprint(half<100, 10>(0) else 7)\nprint(ever<1000, 10>(1) else 8)\n\
         job = try half<100, 10>(0)\nprint(job.status == status.trapped, job.trap)\n\
         job = try ever<1000, 10>(0)\nprint(job.status == status.out_of_gas, job<500, 0>() == status.out_of_gas)\njob.end()",
        "25\n7\n8\ntrue 11\ntrue true\n",
    );
}

#[test]
fn a_generator_is_gone_on_with_and_says_when_it_is_at_its_end() {
    prints(
        "def words(text t):\n    for w in t.split(\" \"):\n        yield w + \".\"\n\
         job = try words<100000, 1000>(\"a bc d\")\nwhile job.status == status.yielded:\n    print(job.value)\n    job<100000, 1000>()\n\
         print(job.status == status.returned)",
        "a.\nbc.\nd.\ntrue\n",
    );
}

#[test]
fn what_crosses_a_border_is_copied_with_what_is_shared_and_circles() {
    prints(
        "typ node {text name, node other, u[] numbers}\n\
         def turn(node n, {text: u[]} m) -> node:\n    n.other.other.name = \"new\"\n    n.numbers.append(len(m[\"k\"]))\n    m[\"k\"].append(1)\n    return n.other\n\
         u[] l = [1, 2]\na = node{\"a\", none, l}\nb = node{\"b\", a, l}\na.other = b\nm = {\"k\": l}\n\
         c = turn<100000, 10000>(a, m)\n\
         print(a.name, len(l), c.name, c.other.name, c.other.other.name, len(c.numbers), c.numbers[2])\nc.numbers.append(5)\nprint(len(c.other.numbers), len(l))"
            .replace("{text: u[]} m", "map(text, u[]) m")
            .as_str(),
        "a 2 b new b 4 2\n5 2\n",
    );
}

#[test]
fn sandboxes_nest_and_keys_are_handed_over() {
    prints(
        "def deep(n) -> u:\n    if n == 0:\n        return 1\n    return deep<gas() / 2, words() / 2>(n - 1) + 1\n\
         def fill(key page, x):\n    page[1] = x\n    return len(page)\n\
         def look(key page):\n    return page[1]\n\
         print(deep<1000000, 100000>(9))\nk = page(3)\nprint(fill<1000, 100>(k, 8), k[1])\n\
         print(look<1000, 100>(k.read_only()), fill<1000, 100>(k.read_only(), 9) else 0, k[1])",
        "10\n3 8\n8 0 8\n",
    );
}

#[test]
fn a_sandboxed_function_reaches_neither_console_nor_arguments() {
    prints(
        "def tell(x):\n    print(x)\n    return x\ndef ask(x):\n    return $arg(0)\n\
         print(tell<10000, 1000>(1) else 5, ask<10000, 1000>(1) else 6, $arg(0))",
        "5 6 41\n",
    );
}

#[test]
fn functions_are_sandboxed_as_values() {
    prints(
        "def add(x, y):\n    return x + y\ndef times(x, y):\n    return x * y\n\
         for g in [add, times]:\n    print(g<1000, 100>(6, 7))",
        "13\n42\n",
    );
}

#[test]
fn imported_files_have_functions_constants_and_types() {
    prints_with(
        "import shapes\ns = shapes.square{shapes.SIDE}\nprint(shapes.area(s))",
        &[(
            "shapes",
            "const SIDE = 5\ntyp square {u side}\ndef area(square s):\n    return s.side * s.side\n",
        )],
        "25\n",
    );
}

#[test]
fn what_goes_wrong_traps_with_its_number() {
    fails("print(1)\nassert 1 > 2", "1\n", 1);
    fails("l = [1]\nprint(l[1])", "", 2);
    fails("m = {1: 2}\nprint(m[3])", "", 3);
    fails("def f(x):\n    return 1 / x\nprint(f<100, 10>(0))", "", 4);
    fails("print($arg(2))", "", 5);
    fails("print($arg(1))", "", 13);
    fails("print(arg_text(1), arg_text(2))", "", 5);
    fails("b = bytes(1)\nb[0] = 255\nprint(b.text())", "", 6);
}

#[test]
fn an_index_past_the_end_traps_in_the_turn_in_which_it_is() {
    let sum = "def sum(array(u) a, n) -> u:\n    total = 0\n    for i in range(n):\n        total += a[i]\n        print(i)\n    return total\n";
    prints(&format!("{sum}print(sum([1, 2, 3], 3))"), "0\n1\n2\n6\n");
    fails(&format!("{sum}print(sum([1, 2, 3], 5))"), "0\n1\n2\n", 2);
    // What is advanced within a turn.
    let twice = "def f(array(u) a) -> u:\n    i = 0\n    total = 0\n    while i < len(a):\n        total += a[i]\n        i += 2\n        \
                 total += a[i]\n    return total\n";
    fails(&format!("{twice}print(f([1, 2, 3]))"), "", 2);
    // Another array, and one that is shorter.
    let other = "def f(array(u) a, array(u) b) -> u:\n    total = 0\n    for i in range(len(a)):\n        total += a[i]\n        \
                 if i == 0:\n            a = b\n    return total\n";
    prints(&format!("{other}print(f([1, 2, 3], [9, 8, 7]))"), "16\n");
    fails(&format!("{other}print(f([1, 2, 3], [5]))"), "", 2);
    // What is checked, and only then assigned.
    fails("a = array(4, 1)\ni = 3\nx = a[i]\ni = 4\nprint(x, a[i])", "", 2);
    fails(
        "def f(array(u) a, i) -> u:\n    x = a[i]\n    i += 1\n    return x + a[i]\nprint(f([1, 2], 0))\nprint(f([1, 2, 3], 2))",
        "3\n",
        2,
    );
    // What holds on one way only.
    fails(
        "def f(array(u) a, i) -> u:\n    if i < 3:\n        print(a[i])\n    return a[i]\nprint(f([1, 2, 3], 2))\nf([1, 2, 3], 3)",
        "3\n3\n",
        2,
    );
    fails(
        "def f(array(u) a, i) -> u:\n    while i >= len(a):\n        break\n    return a[i]\nf([1], 1)",
        "",
        2,
    );
    // A variable that wraps.
    let wraps = "def f(array(u) a, i, by) -> u:\n    total = 0\n    while i < 100:\n        if i < 8:\n            total += a[i - 5]\n        i += by\n    \
                 return total\n";
    prints(&format!("{wraps}print(f(array(8, 1), 5, 1))"), "3\n");
    fails(
        "def f(array(u) a) -> u:\n    total = 0\n    i = 5\n    while i < 100:\n        if i < 8:\n            total += a[i - 5]\n        \
           i += 0xfffffffffffffffe\n    return total\nprint(f(array(8, 1)))",
        "",
        2,
    );
    fails(
        "def f(array(u) a) -> u:\n    total = 0\n    i = 5\n    n = 10\n    while i < n:\n        if i < 8:\n            total += a[i - 5]\n        \
         n = 0xffffffffffffffff\n        i += 0x7fffffffffffffff\n    return total\nprint(f(array(8, 1)))",
        "",
        2,
    );
}

#[test]
fn a_list_that_changes_in_a_loop_is_looked_at_anew() {
    let pops = "def shorten(u[] l):\n    l.pop()\n    l.pop()\n\
                def f(u[] l) -> u:\n    total = 0\n    for i in range(len(l)):\n        total += l[i]\n        if i == 1:\n            shorten(l)\n    \
                return total\n";
    fails(&format!("{pops}print(f([1, 2, 3, 4]))"), "", 2);
    let grows = "def f(u[] l) -> u:\n    total = 0\n    for i in range(6):\n        for k in range(len(l)):\n            total += l[k] * len(l)\n        \
                 l.append(i)\n    return total + len(l)\n";
    prints(&format!("{grows}print(f([1]), f([]))"), "133 91\n");
    let other = "def f(u[] l, u[] m) -> u:\n    total = 0\n    for i in range(4):\n        total += l[i] + m[i]\n        l = m\n    return total\n";
    prints(&format!("{other}print(f([1, 2, 3, 4], [5, 6, 7, 8]))"), "48\n");
    fails(&format!("{other}print(f([1, 2, 3, 4], [5, 6, 7]))"), "", 2);
    prints(
        "def f(u[] l) -> u:\n    for i in range(len(l)):\n        l[i] = l[len(l) - 1 - i] * 10\n    return l[0]\nl = [1, 2, 3]\nf(l)\nprint(l[0], l[1], l[2])",
        "30 20 300\n",
    );
    // A list of the same elements is another list.
    fails("l = [1, 2, 3]\nm = l\nfor i in range(3):\n    print(l[i])\n    m.pop()", "1\n2\n", 2);
}

#[test]
fn lengths_that_are_known_are_those_of_all_that_a_variable_may_hold() {
    fails(
        "def f(array(u) a, i) -> u:\n    return a[i & 7]\nprint(f(array(8, 3), 15))\nprint(f(array(8, 4), 7))\nprint(f([1, 2], 8))\nf([1, 2], 2)",
        "3\n4\n1\n",
        2,
    );
    fails(
        "def f(array(u) a, i) -> u:\n    return a[i % 5]\nprint(f(array(4, 3), 8))\nf(array(4, 3), 9)",
        "3\n",
        2,
    );
    fails(
        "def t(c) -> array(u):\n    if c == 0:\n        return [1, 2, 3]\n    return [1]\na = t(0)\nprint(a[2])\na = t(1)\nprint(a[2])",
        "3\n",
        2,
    );
    // A callee that is sandboxed sees what it is given.
    prints(
        "def f(array(u) a) -> u:\n    return a[1]\nprint(f<10000, 1000>([1, 2]), f<10000, 1000>([1]) else 7)",
        "2 7\n",
    );
    prints(
        "def f(array(u) a) -> u:\n    return a[1]\ng = f\nprint(g([1, 2]))\nr = f<10000, 1000>([1]) else 7\nprint(r, g([3, 4, 5]))",
        "2\n7 4\n",
    );
    prints("b = b\"abc\"\nt = \"xyz\"\ns = 0\nfor i in range(3):\n    s += b[i] * t[i]\nprint(s)", "35576\n");
}

#[test]
fn products_and_lengths_are_those_of_the_turn() {
    let grid = "def f(array(u) a, rows, columns) -> u:\n    total = 0\n    for i in range(rows):\n        for j in range(columns):\n            \
                total = total * 3 + a[i * columns + j]\n            if total > 100000:\n                columns = columns\n                total %= 1000\n    \
                return total\n";
    prints(
        &format!(
            "{grid}a = array(40, 1)\nfor i in range(40):\n    a[i] = i\nprint(f(a, 5, 8), f(a, 8, 5), f(a, 0, 9), f(a, 1, 40))"
        ),
        "63180 63180 0 63180\n",
    );
    fails(&format!("{grid}a = array(40, 1)\nprint(f(a, 5, 9))"), "", 2);
    prints("n = 2\ns = 0\nfor i in range(5):\n    s += n * n\n    n += i\nprint(s)", "106\n");
}

#[test]
fn loops_of_many_turns_trap_where_they_leave_an_array() {
    let sums = "def up(array(u) a, n, by) -> u:\n    s = 0\n    i = 0\n    while i < n:\n        s = s * 5 + a[i]\n        i += by\n    return s\n\
                def down(array(u) a, i) -> u:\n    s = 0\n    while s < 1 << 60:\n        s += a[i]\n        i -= 1\n    return s\n\
                def two(array(u) a, array(u) b, n) -> u:\n    s = 0\n    for i in range(n):\n        a[i] = b[i + 1] + s\n        s += a[i]\n    return s\n\
                a = array(100, 1)\nb = array(90, 2)\n";
    prints(
        &format!(
            "{sums}print(up(a, 100, 1) % 1000003, up(a, 100, 7) % 1000003, up(a, 100, 64), two(a, b, 89) % 1000003)"
        ),
        "823425 371644 6 350685\n",
    );
    for call in [
        "up(a, 101, 1)",
        "up(a, 110, 7)",
        "down(a, 60)",
        "down(a, 100)",
        "two(a, b, 90)",
        "up(a, 1 << 63, 1 << 61)",
    ] {
        fails(&format!("{sums}print({call})"), "", 2);
    }
}

#[test]
fn a_range_ends_however_far_its_constant_step_leads() {
    // From the unsigned and the signed end, with bounds that are known and such that are not.
    prints(
        "def all(u a, u b) -> u:\n    n = 0\n    for k in range(a, b, 0xffffffffffffffff): n += 1\n    return n\n\
         def half(u a, u b) -> u:\n    n = 0\n    for k in range(a, b, 0x8000000000000000): n = n * 10 + 1 + (k >> 62)\n    return n\n\
         def third(u a, u b) -> u:\n    n = 0\n    for k in range(a, b, 0x5555555555555555):\n        if k == 1: continue\n        n += 1\n    return n\n\
         u top = ~0\nprint(all(0, 1), all(0, top), all(5, 5), all(top, 0), all(7, top))\n\
         print(half(0, 5), half(0, top), half(3, top), half(top - 1, top), half(0, 1 << 63), half(0, (1 << 63) + 1))\n\
         print(third(0, top), third(1, top), third(top / 3 * 2, top))\n\
         n = 0\nfor k in range(0, 0xffffffffffffffff, 0x8000000000000000): n += 1\nprint(n)",
        "1 1 0 0 1\n1 13 13 4 1 13\n3 2 1\n2\n",
    );
    prints(
        "def all(i a, i b) -> u:\n    n = 0\n    for k in range(a, b, 9223372036854775807): n += 1\n    return n\n\
         def half(i a, i b) -> i:\n    i n = 0\n    for k in range(a, b, 0x4000000000000000):\n        n += 1\n        last = k\n    \
         return n\n\
         i least = -9223372036854775808\ni top = 9223372036854775807\n\
         print(all(least, top), all(-1, top), all(0, top), all(top, least), all(0, 1))\n\
         print(half(least, top), half(least, 0), half(-5, 5), half(5, top), half(top - 1, top))",
        "3 2 1 0 1\n4 2 1 2 1\n",
    );
    // A variable step, or a small one, that leads past the greatest number is a failure before the first turn.
    for step in ["s", "3"] {
        fails(
            &format!(
                "u s = 1 << 63\nu top = ~0\nfor k in range(top - 5, top, {step}): print(k)\nfor k in range(0, top, s): print(k)"
            ),
            if step == "s" { "18446744073709551610\n" } else { "" },
            12,
        );
    }
}

#[test]
fn a_text_is_as_long_as_its_file() {
    // Nearly a MiB in one literal, and the same of bytes; a sandbox has the texts too.
    let long = "lorem ipsum ".repeat(1 << 16);
    let source = format!(
        "def last(n) -> u:\n    t = \"{long}\"\n    return t[n] + len(t)\nb = b\"{long}\"\nb[0] = 'L'\n\
         print(last(11) - len(b), last<10000000,1000000>(0) - len(b), b[0])"
    );
    prints(&source, "32 108 76\n");
}

#[test]
fn a_chain_of_comparisons_goes_to_the_first_that_holds() {
    let chain = "def f(x) -> u:\n    if x == 3:\n        return 30\n    elif x == 4 or x == 6:\n        r = 46\n    elif x == 5:\n        r = 50\n    elif x == 4:\n        \
                 r = 1\n    elif x == 8:\n        pass\n        r = 80\n    elif x > 100:\n        r = x\n    else:\n        r = 7\n    return r\n";
    prints(
        &format!(
            "{chain}for x in range(11):\n    print(f(x))\nprint(f(101), f(0xffffffffffffffff), f((1 << 32) + 4))"
        ),
        "7\n7\n7\n30\n46\n50\n46\n7\n80\n7\n7\n101 18446744073709551615 4294967300\n",
    );
    prints(
        "def g(i x) -> u:\n    r = 0\n    while:\n        if x == -2:\n            break\n        elif x == -1:\n            r += 1\n        elif x == 0:\n            x -= 1\n            continue\n        \
         elif x == 1:\n            r += 10\n        x -= 1\n    return r\nprint(g(3), g(0), g(-2))",
        "11 1 0\n",
    );
}

#[test]
fn an_element_is_set_where_it_is_when_the_value_is_known() {
    prints(
        "def g(u[] l) -> u:\n    l.extend([2, 3, 4, 5, 6, 7])\n    return 42\nxs = [1]\nxs[0] = g(xs)\nys = [1]\nys[0] += g(ys)\n\
         print(xs[0], len(xs), ys[0], len(ys))",
        "42 7 43 7\n",
    );
}

#[test]
fn a_result_finds_its_way_however_many_keys_the_caller_holds() {
    for pages in 0..16 {
        let source = format!(
            "def twice(u[] l) -> u[]:\n    return l + l\ndef words(text t):\n    yield t\n    yield t + t\n\
             {}l = twice<100000, 1000>([1, 2])\nprint(len(l), l[3])\njob = try words<100000, 1000>(\"a\")\nprint(job.value)\n\
             job<100000, 1000>()\nprint(job.value)\n{}",
            (0..pages).map(|n| format!("k{n} = page(1)\nk{n}[0] = {n}\n")).collect::<String>(),
            (0..pages).map(|n| format!("print(k{n}[0])\n")).collect::<String>(),
        );
        let kept: String = (0..pages).map(|n| format!("{n}\n")).collect();
        let image = compiled(&source, &[]);
        let (text, event, _) = run(&image, &Engine::default(), u64::MAX, "");
        assert_eq!((text, event), (format!("4 2\na\naa\n{kept}"), Event::Halted), "with {pages} pages");
    }
}

#[test]
fn a_bool_that_a_callee_gives_is_true_or_false() {
    prints(
        "def odd(x) -> (bool, u):\n    return x % 2 == 1, x\ndef forged() -> bool:\n    b = bytes(8)\n    b[0] = 2\n    return b[0] == 2\n\
         b, x = odd<1000, 100>(3)\nprint(b == true, x, forged<10000, 1000>() == true)",
        "true 3 true\n",
    );
}

#[test]
fn what_cannot_cross_a_border_is_refused() {
    let refused = |source: &str| {
        let file = File { name: "program.et".into(), text: source.to_owned() };
        entish::compile(file, &mut |_| Ok(None)).expect_err("it is refused").to_string()
    };
    let params = |count: usize| (0..count).map(|n| format!("p{n}")).collect::<Vec<_>>().join(", ");
    let ones = |count: usize| vec!["1"; count].join(", ");
    let many =
        |count| format!("def f({}):\n    return p0\nprint(f<1000, 1000>({}))\n", params(count), ones(count));
    assert!(refused(&many(255)).contains("255 cross the border of a sandbox at most"));
    assert_eq!(run(&compiled(&many(254), &[]), &Engine::default(), u64::MAX, "").0, "1\n");
    let generic = "def id(T x) -> T:\n    return x\nprint(id<1000, 100>(5))\n";
    assert!(refused(generic).contains("`id` is generic and cannot be sandboxed"));
}

#[test]
fn a_job_that_has_ended_says_so_and_stays_so() {
    prints(
        "def g():\n    yield 3\ndef h(x):\n    return x\njob = try g<1000, 100>()\njob.end()\n\
         print(job.status == status.destroyed, job<1000, 100>() == status.destroyed)\n\
         done = try h<1000, 100>(4)\nprint(done.status, done<1000, 100>() == status.returned, done.value)",
        "true true\n0 true 4\n",
    );
}

#[test]
fn an_index_in_a_budget_is_compared_before_the_same_in_an_argument() {
    let source = "
def g(x) -> u:
    return x

def show(x) -> u:
    print(x)
    return x

def go(u[] xs, i) -> u:
    return g<show(xs[i]), 100>(xs[i])

print(go([50], 0))
print(go([50], 3))";
    fails(source, "50\n50\n", 2);
}

#[test]
fn a_job_that_runs_out_while_it_takes_its_arguments_is_gone_on_with() {
    let source = "
def count(text t, u[] l, f x) -> u:
    return len(t) + len(l)

total = 0
for gas in range(0, 2000, 160):
    job = try count<gas, 1000>(\"some text\", [1, 2, 3], 1.5)
    while job.status == status.out_of_gas:
        job<100, 1000>()
    total += job.value
print(total)
for words in range(0, 70, 35):
    more = words
    job = try count<10000, more>(\"some text\", [1, 2, 3], 1.5)
    while job.status == status.out_of_words:
        more += 5
        job<10000, more>()
    total += job.value
print(total)";
    prints(source, "156\n180\n");
}

#[test]
fn a_line_may_be_longer_than_the_console_takes_at_once() {
    let long = "x".repeat(100_000);
    prints("b = bytes(100000)\nb.fill(120)\nprint(b.text(), 1)", &format!("{long} 1\n"));
}
