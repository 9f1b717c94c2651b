//! Programs that were changed at random, through the whole compiler: each is refused with a message, or compiled; what is
//! compiled does the same on each engine, and never comes to instructions that no program of the language can come to.
//!
//! `KEYVM_FUZZ_SECONDS=60` goes on for that long, `KEYVM_FUZZ_SEED=n` begins with that seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compiling;

use compiling::compiling;
use keyvm::entish::{self, File};
use keyvm::isa::Trap;
use keyvm::isa::image::{Body, Image};
use keyvm::{Args, Console, Engine, Event, Hosts, Levels, Machine};
use keyvm_oracle::random::{Random, setting};
use keyvm_oracle::{Engines, at_random};
use std::path::Path;

/// Traps that code which the compiler made never comes to, if it is not about instructions of the machine's own.
const INTERNAL: [Trap; 9] = [
    Trap::UnknownInstruction,
    Trap::StackUnderflow,
    Trap::BadTarget,
    Trap::BadIndex,
    Trap::TypeMismatch,
    Trap::NoFrame,
    Trap::Unreachable,
    Trap::SlotOccupied,
    Trap::TooMany,
];

/// What the examples leave out.
const BORDERS: &str = "typ node {text name, node next, u[] numbers}\n\
     def turn(node n, map(text, u[]) m, bytes b) -> node:\n    n.numbers.append(len(m[\"k\"]))\n    m[\"k\"].append(b[1])\n    return n.next\n\
     def half(x) -> (u, bool):\n    return 100 / x, x > 3\ndef words(text t) -> text:\n    for w in t.split(\" \"):\n        yield w + \".\"\n    return \"end\"\n\
     def kill(key k, x) -> u:\n    k[x] = 5\n    k.destroy()\n    return x\ndef twice(def(T) -> T g, T x) -> T:\n    return g(g(x))\n\
     def more(x):\n    return x + 1\ndef same(T x) -> T:\n    return x\n\
     a = node{\"a\", none, [1, 2]}\na.next = node{\"b\", a, a.numbers}\nm = {\"k\": [3], \"l\": a.numbers}\n\
     c = turn<100000,10000>(a, m, b\"xyz\") else a\nprint(c.name, len(c.numbers), len(m))\nq, is_more = half<100,10>(4)\nprint(q, is_more)\n\
     job = try words<10000,1000>(\"one two three\")\nwhile job.status == status.yielded:\n    print(job.value)\n    job<10000,1000>()\n\
     print(job.status, job.gas_left > 5)\nk = page(3)\nprint(kill<1000,100>(k, 1) else 7, kill<1000,100>(k, 9) else 8)\n\
     other = try kill<500,10>(page(2), 1)\nprint(other.status, other.trap)\nother.end()\n\
     g = more\nprint(g<100,10>(4), twice(g, 5), twice(same, \"t\"))\nfor x in range(9, 99, q):\n    print(x, f(x) * 1.5, -i(x), x in m[\"l\"])\n\
     assert len(m) == 2, \"there are two\"\n";

fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "et"));
    paths.sort();
    let mut sources: Vec<_> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // It is looked at as often as all others.
    sources.extend(std::iter::repeat_n(BORDERS.to_owned(), sources.len()));
    sources
}

/// Names, numbers, blanks, and single other characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let class = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        _ => 0,
    };
    for c in text.chars() {
        match tokens.last_mut() {
            Some(last)
                if class(c) != 0 && last.chars().next().is_some_and(|first| class(first) == class(c)) =>
            {
                last.push(c);
            }
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

fn swap_lines(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    let at = random.index(lines.len());
    match random.below(3) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(random.index(lines.len()), lines[at]),
        _ => {
            let other = random.index(lines.len());
            lines.swap(at, other);
        }
    }
    lines.join("\n") + "\n"
}

/// A text that differs from this one in a few places.
fn mutated(random: &mut Random, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..random.within(1, 3) {
        if text.lines().count() < 2 {
            break;
        }
        if random.percent(25) {
            text = swap_lines(random, &text);
            continue;
        }
        let mut tokens = tokens(&text);
        let is_word = |token: &String| token.starts_with(|c: char| c.is_alphanumeric());
        let words: Vec<usize> = (0..tokens.len()).filter(|&at| is_word(&tokens[at])).collect();
        let any = random.index(tokens.len());
        let Some(&word) = words.get(random.index(words.len().max(1))) else { break };
        match random.below(8) {
            0 => drop(tokens.remove(any)),
            1 => tokens.insert(any, tokens[any].clone()),
            2 => {
                let other = random.index(tokens.len());
                tokens.swap(any, other);
            }
            3 | 4 => tokens[word] = tokens[words[random.index(words.len())]].clone(),
            5 | 6 => {
                let numbers =
                    ["0", "1", "2", "7", "1000", "0xffffffffffffffff", "1.5", "true", "none", "\"t\"", "[]"];
                tokens[word] = random.pick(&numbers).to_owned();
            }
            _ => {
                let signs = [
                    "+", "-", "*", "/", "<", ">", "==", "(", ")", "[", "]", ":", ",", "\n", "    ", "\u{e9}",
                    "\0",
                ];
                tokens[any] = random.pick(&signs).to_owned();
            }
        }
        text = tokens.concat();
    }
    text
}

fn compiled(text: &str) -> Option<Image<'static>> {
    let file = File { name: "mutant.et".into(), text: text.to_owned() };
    match entish::compile(file, &mut |_| Ok(None)) {
        Ok(program) => Some(program.image),
        Err(errors) => {
            assert!(!errors.render(false).is_empty());
            None
        }
    }
}

/// Whether it uses instructions that can do anything to its own values.
fn is_about_the_machine(text: &str) -> bool {
    text.replace("$arg(", "").replace("$mempush(0", "").contains('$')
}

/// Runs an image with hosts, and fails if it comes to something that only a mistake of the compiler leads to.
fn runs_cleanly(image: &Image<'_>, text: &str) {
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41", "two words"]));
    hosts.grant("console", Console::new("a line\n".as_bytes(), std::io::sink()));
    let mut machine = Machine::with_engine(image, &Engine::default()).unwrap();
    machine.set_gas_limit(60_000);
    machine.set_words_limit(1 << 18);
    let mut yields = 0;
    let event = loop {
        match machine.run_hosted(u64::MAX, &mut hosts) {
            Event::Yielded(_) if yields < 20 => yields += 1,
            event => break event,
        }
    };
    machine.audit().expect("the books balance");
    if let Event::Trapped(trap) = &event {
        assert!(!INTERNAL.contains(trap), "{trap:?}\n{text}");
    }
    for object in &machine.image().objects {
        if let Body::Process(process) = &object.body
            && let Some(trap) = process.trap
        {
            assert!(!INTERNAL.contains(&trap), "{trap:?} of a callee\n{text}");
        }
    }
}

/// One program; whether it could be compiled.
fn one(seed: u64, sources: &[String]) -> bool {
    let mut random = Random::new(seed);
    let source = &sources[random.index(sources.len())];
    let text = mutated(&mut random, source);
    if let Ok(formatted) = entish::format(&text) {
        assert_eq!(entish::format(&formatted).as_ref(), Ok(&formatted), "{text}");
        assert_eq!(compiled(&formatted).is_some(), compiled(&text).is_some(), "{text}");
    }
    let Some(image) = compiled(&text) else { return false };
    if !is_about_the_machine(&text) {
        runs_cleanly(&image, &text);
    }
    let (reference, other) = (Engine::default(), compiling(random.pick(&[Levels::Quick, Levels::Optimized])));
    let engines = Engines { reference: &reference, other: &other };
    at_random::<Machine>(&image, engines, 30_000, seed)
        .unwrap_or_else(|divergence| panic!("{divergence}\n{text}"));
    true
}

#[test]
#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a time budget is this test's purpose; no outcome depends on the clock"
)]
fn what_compiles_runs_alike_and_cleanly() {
    let sources = sources();
    let seconds = setting("KEYVM_FUZZ_SECONDS");
    let end = seconds.map(|seconds| std::time::Instant::now() + std::time::Duration::from_secs(seconds));
    let first = setting("KEYVM_FUZZ_SEED").unwrap_or(0);
    let (mut tried, mut compiled) = (0, 0);
    while end.map_or(tried < 150, |end| std::time::Instant::now() < end) {
        let seed = first + tried;
        let ran = std::panic::catch_unwind(|| one(seed, &sources));
        compiled += u64::from(ran.unwrap_or_else(|_| panic!("KEYVM_FUZZ_SEED={seed}")));
        tried += 1;
    }
    assert!(compiled * 8 > tried, "{compiled} of {tried} were compiled");
}

#[test]
fn bytes_and_marks_at_random_are_refused_or_compiled() {
    let marks = [
        "def", "f", "(", ")", ":", "\n", "    ", "x", "=", "1", ",", "<", ">", "yield", "if", "else",
        "while", "for", "in", "range", "[", "]", "{", "}", "\"", "'", "#", "typ", "import", "lists", "const",
        "try", ".", "-", "text", "u", "T", "return", "def(", "->", "$arg", "$store64", "0", "none", "\t",
        "\r", "\u{feff}", "\\", "b\"", "not", "and",
    ];
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let length = random.below(120);
        let text: String = if random.percent(50) {
            (0..length)
                .flat_map(|_| [random.pick(&marks), if random.percent(60) { " " } else { "" }])
                .collect()
        } else {
            let bytes: Vec<u8> = (0..length).flat_map(|_| random.next().to_le_bytes()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        compiled(&text);
        let _ = entish::format(&text);
    }
}

#[test]
fn what_is_far_too_large_is_refused_at_once() {
    for text in ["[".repeat(200 << 20), "if x:\n".repeat(40 << 20), "\u{e9}".repeat(100 << 20)] {
        assert!(compiled(&text).is_none());
    }
    let deep: String = (0..2_000).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    for text in
        [&*deep, &"[".repeat(8 << 20), &"x = -".repeat(1 << 20), &"(".repeat(15 << 20), &"a.".repeat(1 << 20)]
    {
        assert!(compiled(text).is_none());
    }
}
