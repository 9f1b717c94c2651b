//! Memory that a program does not need any more is used again: programs that make garbage all the time go on in as many words,
//! and programs that collect at each allocation, which finds what is collected too early, print the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod transcript;

use keyvm::entish::{Collect, File, Options, compile_with};
use keyvm::image;
use keyvm::isa::image::Image;
use keyvm::{Args, Console, Engine, Event, Hosts, Machine, Tier};
use std::io::Write;
use transcript::Transcript;

// ---- Running a program ------------------------------------------------------------------------------------

#[track_caller]
fn compiled(text: &str, collect: Collect) -> Image<'static> {
    let file = File { name: "test.et".to_owned(), text: text.to_owned() };
    let options = Options { collect, ..Options::default() };
    let program = compile_with(file, &mut |_| Ok(None), options);
    program.unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false))).image
}

/// How a program is run.
#[derive(Clone, Copy)]
struct Run {
    tier: Tier,
    /// Besides those of its image.
    words: u64,
    /// It goes on in another machine after each so much gas.
    slice: u64,
}

const PLAIN: Run = Run { tier: Tier::Interpreter, words: u64::MAX, slice: u64::MAX };

/// What became of a program.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    output: String,
    gas: u64,
    objects: u64,
}

/// Runs a program, which must halt.
#[track_caller]
fn run(image: &Image<'_>, run: Run) -> Outcome {
    let engine = Engine::new(run.tier);
    let transcript = Transcript::default();
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["8"]));
    hosts.grant("console", Console::new(&b"first\nsecond\n"[..], transcript.clone()));
    let mut machine = Machine::with_engine(image, &engine).unwrap();
    let limit = machine.budget().words_used.saturating_add(run.words);
    machine.set_words_limit(limit);
    loop {
        match machine.run_hosted(run.slice, &mut hosts) {
            Event::Paused => {
                let mut file = Vec::new();
                image::write(&machine.image(), &mut file).unwrap();
                machine = Machine::with_engine(&image::read(&file).unwrap(), &engine).unwrap();
            }
            Event::Yielded(words) => writeln!(transcript.clone(), "{words:?}").unwrap(),
            Event::Halted => break,
            event => panic!("{event:?}\n{}", transcript.text()),
        }
    }
    assert_eq!(machine.audit(), Ok(()));
    Outcome { output: transcript.text(), gas: machine.budget().gas_used, objects: machine.objects() }
}

// ---- Programs ---------------------------------------------------------------------------------------------

/// A program that allocates `N` times or so.
struct Program {
    name: &'static str,
    text: &'static str,
    /// How often it allocates where each allocation makes a collection.
    few: u64,
    /// How often it does in so many words.
    many: u64,
    words: u64,
}

const PROGRAMS: [Program; 11] = [
    Program {
        name: "texts",
        few: 150,
        many: 10_000,
        words: 6_000,
        text: "
kept = [\"none\"]
for k in range(N):
    t = \"number \" + str(k) + \" of many\"
    if k % 1000 == 7:
        kept.append(t)
    assert t[7:len(t) - 8] == str(k)
print(\"/\".join(kept))
",
    },
    Program {
        name: "a chain that is deep, and others that come and go",
        few: 60,
        many: 8_000,
        words: 130_000,
        text: "
typ node {u value, node next}
def chain(n) -> node:
    node first = none
    for k in range(n):
        first = node{k, first}
    return first
def sum(node at) -> u:
    s = 0
    while at != none:
        s += at.value
        at = at.next
    return s
kept = chain(N)
for k in range(6):
    other = chain(N)
    assert sum(other) == N * (N - 1) / 2
print(sum(kept))
",
    },
    Program {
        name: "operands of calls that are deep",
        few: 25,
        many: 2_000,
        words: 80_000,
        text: "
typ node {u value, node next}
def build(n) -> node:
    x = node{n, none}
    t = str(n) + \" of many\"
    if n > 0:
        x.next = build(n - 1)
    assert x.value == n and t[:len(t) - 8] == str(n)
    return x
for k in range(8):
    at = build(N)
    n = 0
    while at != none:
        n += at.value
        at = at.next
    assert n == N * (N + 1) / 2
print(\"done\")
",
    },
    Program {
        name: "circles",
        few: 60,
        many: 8_000,
        words: 4_000,
        text: "
typ node {node other, u[] values}
for k in range(N):
    a = node{none, [k, k + 1]}
    b = node{a, []}
    a.other = b
    b.values.extend(a.values)
    assert a.other.other.values[1] == k + 1
print(\"done\")
",
    },
    Program {
        name: "lists and arrays that grow and shrink",
        few: 120,
        many: 8_000,
        words: 14_000,
        text: "
text[][] lists = []
for k in range(20):
    lists.append([])
numbers = array(10, 0)
for k in range(N):
    l = lists[k * 7 % 20]
    l.append(str(k))
    if len(l) > 30:
        lists[k % 20] = l[20:]
    numbers = array(k % 50, k)
    bools = array(k % 9, false).list()
    bools.insert(0, true)
    assert bools[0] and len(numbers) == k % 50
    if k % 3 == 0 and len(l) > 1:
        l.remove(0)
        l.pop()
total = 0
for l in lists:
    for t in l:
        total = total * 31 + len(t) + t[0]
print(total)
",
    },
    Program {
        name: "maps",
        few: 60,
        many: 10_000,
        words: 14_000,
        text: "
map(text, u[]) m = {}
map(u, text) by_number = {}
for k in range(N):
    name = \"key \" + str(k % 100)
    if name in m:
        m[name].append(k)
        if len(m[name]) > 5:
            m.remove(name)
    else:
        m[name] = [k]
    by_number[k] = name
    by_number.remove(k - 50)
total = 0
for name in m:
    for x in m[name]:
        total = total * 31 + x + len(name)
for k in by_number:
    assert by_number[k] == \"key \" + str(k % 100)
print(total, len(by_number))
",
    },
    Program {
        name: "numbers in words, and lines",
        few: 12,
        many: 200,
        words: 30_000,
        text: "
import input
t, more = input.line()
f sum = 0
shown = \"\"
for k in range(N):
    sum += f(k) / 7
    shown = str(sum) + str(1e300 / (sum + 1)) + str(0 - i(k))
u_t, u_more = input.line()
print(t, u_t, sum, shown)
",
    },
    Program {
        name: "sandboxed calls that make garbage, and what crosses the border",
        few: 3,
        many: 100,
        words: 12_000,
        text: "
typ box {text name, u[] values, box inner}
def work(box b, n) -> box:
    for k in range(n):
        t = b.name + str(k)
        b = box{t[:5], [k, len(t)], box{\"inner\", b.values, none}}
    return b
b = box{\"name\", [1, 2, 3], none}
for k in range(N):
    b = work<1000000000, 3000>(b, 200)
print(b.name, b.values[0], b.inner.name, len(b.inner.values))
",
    },
    Program {
        name: "jobs that nobody goes on with",
        few: 10,
        many: 200,
        words: 14_000,
        text: "
def count(from) -> text:
    while:
        yield \"number \" + str(from)
        from += 1
total = 0
job = try count<100000000, 1000>(0)
for k in range(N):
    other = try count<100000000, 1000>(k)
    other<100000000, 1000>()
    total += len(other.value)
    job<100000000, 1000>()
print(total, job.value)
",
    },
    Program {
        name: "what is reached by an element's address only",
        few: 40,
        many: 4_000,
        words: 4_000,
        text: "
typ point {u x, u[] list}
def points(n) -> point[]:
    point[] l = []
    for k in range(n):
        l.append(point{k, [k]})
    return l
for k in range(N):
    points(3)[k % 3] = point{k, [1, 2, k]}
    points(2)[0].list = [k, k]
    l = points(4)
    l[k % 4] = point{7, [k]}
    assert l[k % 4].list[0] == k and l[(k + 1) % 4].x == (k + 1) % 4
print(\"done\")
",
    },
    Program {
        name: "keys that collide, jobs with keys, and results that are not well-formed",
        few: 40,
        many: 500,
        words: 30_000,
        text: "
def key_of(k) -> bytes:
    b = bytes(16)
    second = $rotl((16 ^ k) * 0x9e3779b97f4a7c15, 29) ^ 12345
    for n in range(8):
        b[n] = k >> n * 8 & 255
        b[n + 8] = second >> n * 8 & 255
    return b
def bad() -> text:
    t = \"a\" + \"b\"
    $store8(2, 9, $load64(2, 0, 0) - 16, 255)
    return t
def look(key k, text t) -> text:
    yield t + str(k[0])
    return t + \"!\"
m = map(bytes, text)()
p = page(1)
count = 0
for k in range(N):
    key = key_of(k % 50)
    m[key] = \"value \" + str(k)
    if k % 3 == 0:
        assert m.remove(key_of(k % 50))
    assert (key in m) == (k % 3 != 0)
    p[0] = k
    job = try look<9000000,5000>(p, bad<9000000,5000>() else \"none\")
    assert job.value == \"none\" + str(k)
    if k % 2 == 0:
        assert job<9000000,5000>() == status.returned and job.value == \"none!\"
        count += 1
for k in range(N - 30, N):
    assert m.get(key_of(k % 50), \"\") == (\"value \" + str(k) if k % 3 != 0 else \"\")
print(len(m), count)
",
    },
];

impl Program {
    fn image(&self, n: u64, collect: Collect) -> Image<'static> {
        compiled(&format!("const N = {n}\n{}", self.text), collect)
    }
}

/// What each prints is also asserted within, and known of some.
#[test]
fn garbage_is_made_all_the_time_in_so_many_words() {
    for program in &PROGRAMS {
        let image = program.image(program.many, Collect::IfDue);
        let limited = Run { words: program.words, ..PLAIN };
        let found = run(&image, limited);
        let unlimited = run(&image, PLAIN);
        assert_eq!(found.output, unlimited.output, "{}", program.name);
        assert_eq!(run(&image, Run { tier: Tier::Jit, ..limited }), found, "{}", program.name);
        let sliced = Run { slice: found.gas / 7 + 1, ..limited };
        assert_eq!(run(&image, sliced), found, "{}", program.name);
        assert_eq!(run(&image, Run { tier: Tier::Jit, ..sliced }), found, "{}", program.name);
    }
}

#[test]
fn nothing_is_collected_too_early() {
    for program in &PROGRAMS {
        let expected = run(&program.image(program.few, Collect::IfDue), PLAIN);
        let always = program.image(program.few, Collect::Always);
        let found = run(&always, PLAIN);
        assert_eq!(found.output, expected.output, "{}", program.name);
        assert!(found.gas > expected.gas, "{}: it has collected", program.name);
        assert_eq!(run(&always, Run { tier: Tier::Jit, ..PLAIN }), found, "{}", program.name);
    }
}

// ---- Random programs --------------------------------------------------------------------------------------

/// What random programs begin with, and how they sum up what they have.
const BEGINNING: &str = "
typ node {u value, node left, text name, u[] numbers}
def new(n, node left) -> node:
    return node{n, left, str(n), [n, n + 1]}
def digest(node n, depth) -> u:
    if n == none or depth == 0:
        return 7
    s = n.value + len(n.name)
    for x in n.numbers:
        s = s * 31 + x
    for c in n.name:
        s = s * 31 + c
    return s * 31 + digest(n.left, depth - 1)
def twist(node n, node m) -> node:
    return node{n.value + 1, m, n.name + \"!\", n.numbers + m.numbers}
a = new(1, none)
b = new(2, a)
c = new(3, b)
node[] ns = [a, b]
text[] ts = [\"x-y\"]
map(text, node) m = {}
map(u, u[]) lists = {}
nodes = ns.array()
for round in range(8):
";

/// Statements, in which V and W stand for variables and # for numbers.
const STATEMENTS: [&str; 23] = [
    "V = new(#, W)",
    "V = node{#, W, \"#\", [#]}",
    "V.left = W",
    "if V.left != none: V = V.left",
    "ns.append(V)",
    "if len(ns) > 0: V = ns[# % len(ns)]",
    "if len(ns) > 9: ns = ns[5:]",
    "if len(ns) > 0: ns[# % len(ns)] = node{#, V, W.name, [#, #]}",
    "if len(ns) > 1: ns.remove(# % len(ns))",
    "ns.insert(0, new(#, none))",
    "ts.append(V.name + \"-\" + str(# + round))",
    "if len(ts) > 6: ts = ts[4:]",
    "if len(ts) > 0: m[ts[# % len(ts)]] = V",
    "if len(m) > 9: m.clear()",
    "m.remove(V.name)",
    "V = m.get(W.name, W)",
    "V.numbers = V.numbers[len(V.numbers) / 2:] + [#, round]",
    "V.name = \"/\".join(ts)",
    "V.name = V.name[:len(V.name) / 2]",
    "ts.extend(V.name.split(\"-\"))",
    "nodes = array(# % 9 + 1, V)",
    "nodes[# % len(nodes)] = new(#, nodes[0])",
    "lists[# % 9] = V.numbers + [round]",
];

/// A random program.
fn random_program(random: &mut u64) -> String {
    let mut next = |below: usize| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        usize::try_from(*random >> 33).unwrap() % below
    };
    let mut text = BEGINNING.to_owned();
    for _ in 0..25 {
        let statement = STATEMENTS[next(STATEMENTS.len())];
        let [v, w] = [(); 2].map(|()| ["a", "b", "c"][next(3)]);
        text += "    ";
        for character in statement.chars() {
            match character {
                'V' => text += v,
                'W' => text += w,
                '#' => text += &next(1000).to_string(),
                _ => text.push(character),
            }
        }
        text.push('\n');
    }
    let sandboxed = ["a", "b", "c"][next(3)];
    text + &format!("    {sandboxed} = twist<1000000000, 1000000>(new(round, none), {sandboxed})\n")
        + "    sum = digest(a, 50) ^ digest(b, 50) ^ digest(c, 50)
    for n in ns:
        sum = sum * 31 + digest(n, 5)
    for n in nodes:
        sum = sum * 31 + digest(n, 5)
    for k in m:
        sum = sum * 31 + digest(m[k], 5) + len(k)
    for number in lists:
        for x in lists[number]:
            sum = sum * 31 + x
    print(sum, \"-\".join(ts))
"
}

#[test]
fn random_programs_print_the_same_whenever_they_collect() {
    let mut random = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..12 {
        let text = random_program(&mut random);
        let expected = run(&compiled(&text, Collect::IfDue), PLAIN);
        let found = run(&compiled(&text, Collect::Always), PLAIN);
        assert_eq!(found.output, expected.output, "{text}");
    }
}
