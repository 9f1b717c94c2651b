//! Keys of programs: a variable never names another object than it was made for, and slots of keys are used again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compiling;
mod transcript;

use compiling::compiling;
use keyvm::entish::{self, File};
use keyvm::isa::image::Image;
use keyvm::{Console, Engine, Event, Hosts, Levels, Machine};
use transcript::Transcript;

fn compiled(source: &str) -> Image<'static> {
    let file = File { name: "program.et".to_owned(), text: source.to_owned() };
    entish::compile(file, &mut |_| Ok(None)).unwrap_or_else(|errors| panic!("{}", errors.render(false))).image
}

/// Runs a program with so many words; gives how it ended and what it printed.
fn run(source: &str, engine: &Engine, words: u64) -> (Event, String, u64) {
    let transcript = Transcript::default();
    let mut hosts = Hosts::new();
    hosts.grant("console", Console::new(std::io::empty(), transcript.clone()));
    let mut machine = Machine::with_engine(&compiled(source), engine).unwrap();
    machine.set_words_limit(words);
    let event = machine.run_hosted(u64::MAX, &mut hosts);
    machine.audit().expect("the books balance");
    (event, transcript.text(), machine.budget().gas_used)
}

/// Checks that a program prints this under both engines, within so many words.
#[track_caller]
fn prints_in(words: u64, source: &str, expected: &str) {
    let of_interpreter = run(source, &Engine::default(), words);
    assert_eq!((&of_interpreter.0, of_interpreter.1.as_str()), (&Event::Halted, expected));
    assert_eq!(run(source, &compiling(Levels::Quick), words), of_interpreter);
}

#[track_caller]
fn prints(source: &str, expected: &str) {
    prints_in(1 << 24, source, expected);
}

#[test]
fn jobs_that_nobody_reaches_give_the_slots_of_their_keys_back() {
    prints_in(
        40_000,
        "def g(x):\n    while:\n        yield x\n        x += 1\ndef h(text t) -> u:\n    assert len(t) > 3\n    return 1\n\
         for k in range(9000):\n    j = try g<1000,50>(k)\n    i = try h<3000,500>(\"ab\")\n    assert j.value == k and i.trap == 10\n\
         print($numkeys() < 2500)",
        "true\n",
    );
}

#[test]
fn slots_of_pages_are_used_again() {
    prints_in(
        40_000,
        "first = page(1)\nfirst[0] = 7\nfor k in range(9000):\n    a = page(1)\n    b = a.read_only()\n    a[0] = k\n    assert b[0] == k\n    \
         c, gate = b.revocable()\n    gate.revoke()\n    assert c.kind() == 0\n    a.destroy()\n    assert b.kind() == 0 and first[0] == 7\n\
         print($numkeys() < 2500)",
        "true\n",
    );
}

#[test]
fn a_queue_of_pages_takes_no_more_slots_than_it_has_keys() {
    prints(
        "key[] queue = []\nfor k in range(5000):\n    p = page(1)\n    p[0] = k\n    queue.append(p)\n    if len(queue) > 20:\n        \
         q = queue.remove(0)\n        assert q[0] == k - 20\n        q.destroy()\nprint(len(queue), queue[0][0], $numkeys() < 2500)",
        "20 4980 true\n",
    );
}

#[test]
fn a_variable_of_a_key_that_is_gone_names_nothing() {
    prints(
        "import collector\ndef look(key k) -> u:\n    return k[0]\nsecret = page(1)\nsecret[0] = 42\npublic = page(1)\nalias = public\n\
         public.destroy()\nother = secret.read_only()\nprint(alias == other, alias == alias, alias.kind(), alias.rights(), other[0])\n\
         print(look<1000,100>(alias) else 0)\np = page(1)\nkey[] held = [p]\np.drop()\nprint(p.kind(), held[0].kind())\ncollector.collect()\n\
         fresh = page(1)\nfresh[0] = 9\nprint(p.kind(), held[0].kind(), look<1000,100>(held[0]) else 0, alias.kind(), fresh[0])",
        "false false 0 0 42\n0\n0 0\n0 0 0 0 9\n",
    );
    let (event, text, _) =
        run("p = page(1)\nq = p\np.destroy()\nr = page(1)\nprint(q[0])", &Engine::default(), 1 << 20);
    assert_eq!((event, text), (Event::Trapped(keyvm::isa::Trap::NoSuchKey), String::new()));
}

#[test]
fn a_callee_keeps_to_the_keys_that_it_was_given() {
    prints(
        "def plugin(key a, key b) -> u:\n    stale = b\n    b.destroy()\n    c = page(1)\n    c[0] = 5\n    d = a.read_only()\n    \
         return stale.kind() * 100 + u(stale == c) * 10 + u(stale == d) + c[0]\n\
         a = page(1)\nb = page(1)\nprint(plugin<10000,1000>(a, b), b.kind(), a.kind())",
        "5 0 1\n",
    );
}

#[test]
fn the_keys_of_the_hosts_stay_theirs() {
    let (event, text, _) = run(
        "import collector\nc = console()\nc.drop()\ncollector.collect()\nfor k in range(9):\n    p = page(1)\nprint(1)",
        &Engine::default(),
        1 << 20,
    );
    assert_eq!((event, text), (Event::Trapped(keyvm::isa::Trap::NoSuchKey), String::new()));
}

#[test]
fn a_program_names_as_many_hosts_as_it_may() {
    let program = |hosts: usize| {
        let names: Vec<_> = (0..hosts).map(|n| format!("k = host(\"h{n}\")\n")).collect();
        names.concat() + "print(k.kind(), page(1).kind())"
    };
    prints(&program(4), "8 1\n");
    prints(&program(1000), "8 1\n");
    let file = File { name: "program.et".to_owned(), text: program(1001) };
    let errors = entish::compile(file, &mut |_| Ok(None)).unwrap_err().render(false);
    assert!(errors.starts_with("error: a program names at most 1000 hosts"), "{errors}");
}

#[test]
fn a_key_to_oneself_that_can_do_nothing_is_no_free_slot() {
    prints(
        "a = page(1)\nb = a.attenuate(0)\nc = page(1)\nc[0] = 3\nprint(b.kind(), b.rights(), b == a, b == c, c[0])",
        "1 0 true false 3\n",
    );
}

#[test]
fn the_slot_of_a_key_before_an_index_is_not_used_again() {
    // The key is evaluated first, and then gone, and nothing but what is to be indexed names its slot.
    let program = |statement: &str| {
        format!(
            "import collector\ndef last(key[] keys, key other, key[] made) -> u:\n    keys[0].destroy()\n    keys[0] = other\n    \
             collector.collect()\n    made.append(page(1))\n    made[0][0] = 666\n    return 0\n\
             def fill(key[] keys):\n    keys[0] = page(1)\ndef main():\n    key[] many = []\n    for n in range(40):\n        \
             many.append(page(1))\n    keys = [many[0]]\n    fill(keys)\n    key[] made = []\n    {statement}"
        )
    };
    for statement in [
        "print(keys[0][last(keys, many[0], made)])",
        "keys[0][last(keys, many[0], made)] = 1",
        "keys[0][0] = last(keys, many[0], made)",
        "keys[0][last(keys, many[0], made)] += 1",
    ] {
        let (event, text, _) = run(&program(statement), &Engine::default(), 1 << 20);
        let expected = (Event::Trapped(keyvm::isa::Trap::NoSuchKey), String::new());
        assert_eq!((event, text), expected, "{statement}");
    }
}

#[test]
fn a_job_that_ends_while_its_budget_is_evaluated_runs_no_other() {
    prints(
        "def count(n) -> u:\n    while:\n        yield n\n        n += 1\n\
         def swap(job(u) old, job(u)[] jobs) -> u:\n    old.end()\n    jobs.append(try count<1000,100>(500))\n    return 1000\n\
         job(u)[] jobs = []\na = try count<1000,100>(1)\nprint(a<swap(a, jobs),100>() == status.destroyed, a.status == status.destroyed)\n\
         b = jobs[0]\nprint(b.value)\nb<1000,100>()\nprint(b.value)",
        "true true\n500\n501\n",
    );
}

#[test]
fn a_job_tells_what_it_lacks() {
    prints(
        "def big(n) -> u:\n    a = array(n, 7)\n    return a[n - 1]\njob = try big<100,300000>(1000)\nturns = 0\n\
         while job.status == status.out_of_gas:\n    assert job.lacks > job.gas_left\n    turns += 1\n    job<job.lacks + 100,300000>()\n\
         print(job.status, job.value, job.lacks, turns > 0)\njob = try big<100000,1>(1000)\nprint(job.status == status.out_of_words, job.lacks > 0)",
        "0 7 0 true\ntrue true\n",
    );
}

// ---- Services and meters -----------------------------------------------------------------------------------

const SERVICE: &str = "def double(n) -> u:\n    assert n != 13\n    while n == 14: pass\n    return n * 2\n\
    m = meter(100000, 2000)\nk = service(double, m)\n";

#[test]
fn a_service_answers_whatever_it_is_asked_with() {
    prints(
        &format!(
            "{SERVICE}for n in range(3):\n    s, x = k.ask(n)\n    print(s, x)\ns, x = k.ask()\nprint(s, x)\ns, x = k.ask(5, 6, 7)\nprint(s, x)\nprint(k.kind(), m.kind())"
        ),
        "0 0\n0 2\n0 4\n0 0\n0 10\n4 5\n",
    );
}

#[test]
fn a_service_that_traps_or_runs_dry_or_is_stopped_stops_nobody() {
    prints(
        &format!(
            "{SERVICE}s, x = k.ask(14)\nprint(s == status.out_of_gas)\ns, x = k.ask(1)\nprint(s == status.out_of_gas)\n\
             gas, words = m.used()\nprint(gas <= 100000, words <= 2000, words >= 64)\nm.stop()\ns, x = k.ask(1)\nprint(s == status.stopped)\n\
             n = meter(100000, 2000)\nl = service(double, n)\ns, x = l.ask(13)\nprint(s == status.trapped)\ns, x = l.ask(1)\nprint(s == status.trapped)\n\
             l.stop()\ns, x = l.ask(1)\nprint(s == status.stopped)\nl.start()\ns, x = l.ask(1)\nprint(s == status.trapped)\n\
             n.destroy()\nprint(l.kind(), n.kind())"
        ),
        "true\ntrue\ntrue true true\ntrue\ntrue\ntrue\ntrue\ntrue\n0 0\n",
    );
}

#[test]
fn a_dry_service_goes_on_when_its_limits_are_raised() {
    prints(
        "def slow(n) -> u:\n    sum = 0\n    for k in range(n):\n        sum += k\n    return sum\nm = meter(300, 2000)\nk = service(slow, m)\n\
         s, x = k.ask(100)\nprint(s == status.out_of_gas)\nm.limit(100000, 2000)\ns, x = k.ask(1)\nprint(s, x)\ns, x = k.ask(3)\nprint(s, x)",
        "true\n0 4950\n0 3\n",
    );
}

#[test]
fn a_plugin_does_with_a_service_what_its_key_allows() {
    let plugin = "def plugin(key k) -> u:\n    s, x = k.ask(4)\n    k.destroy()\n    return x\n\
        def stops(key k) -> u:\n    k.stop()\n    return 1\ndef looks(key k) -> u:\n    return $peek(k, 0, 1)\n";
    prints(
        &format!(
            "{plugin}{SERVICE}only = k.attenuate(right.call | right.copy)\n\
             print(plugin<10000,100>(only) else 77, stops<10000,100>(only) else 78, looks<10000,100>(only) else 79)\ns, x = k.ask(3)\nprint(s, x)\n\
             print(stops<10000,100>(k))\ns, x = k.ask(3)\nprint(s == status.stopped)\nk.start()\nprint(plugin<10000,100>(k) else 77, k.kind(), only.kind())"
        ),
        "77 78 79\n0 6\n1\ntrue\n8 0 0\n",
    );
}

#[test]
fn what_a_service_keeps_is_nothing_else_when_it_is_gone() {
    let keys = |with: &str| (0..6).map(|n| format!("{with}{n}, ")).collect::<String>();
    prints(
        &format!(
            "import collector\ndef f({}n) -> u:\n    if n == 100: k5.destroy()\n    if n == 101:\n        k5 = k0\n        x = array(50, n)\n        \
             collector.collect()\n        for n in range(1000, 1030):\n            p = page(1)\n            p[0] = n\n    \
             return k5.kind()\n{}m = meter(100000, 10000)\ns = service(f, m, {})\n\
             for n in range(99, 103):\n    state, kind = s.ask(n)\n    print(state, kind)",
            keys("key k"),
            (0..6).map(|n| format!("k{n} = page(1)\n")).collect::<String>(),
            keys("k").trim_end_matches(", "),
        ),
        "0 1\n0 0\n0 1\n0 0\n",
    );
}

#[test]
fn services_ask_one_another() {
    prints(
        "def next(key box, n) -> u:\n    box[0] = n\n    return n + 1\ndef asks(key other, n) -> u:\n    s, x = other.ask(n)\n    return s * 100 + x\n\
         box = page(1)\na = service(next, meter(100000, 1000), box)\nb = service(asks, meter(100000, 1000), a)\ns, x = b.ask(5)\nprint(s, x, box[0])\n\
         def through(key k) -> u:\n    s, x = k.ask(7)\n    return s * 100 + x\nprint(through<10000,100>(b), box[0])\n\
         def truth(bool b) -> bool:\n    return b\nt = service(truth, meter(100000, 1000))\ns, x = t.ask(7)\nprint(s, x)",
        "0 6 5\n8 7\n0 1\n",
    );
}

#[test]
fn a_service_without_the_means_to_begin_is_none() {
    let (event, _, _) =
        run("def f(n) -> u:\n    return n\nk = service(f, meter(1, 1000))", &Engine::default(), 1 << 20);
    assert_eq!(event, Event::Trapped(keyvm::isa::Trap::Failed));
}

#[test]
fn more_keys_than_there_is_room_for_are_refused() {
    let keys = |count: usize, key: &str| vec![key; count].join(", ");
    let parameters = |count: usize| (0..count).map(|n| format!("key k{n}")).collect::<Vec<_>>().join(", ");
    let said = |source: &str| {
        let file = File { name: "program.et".to_owned(), text: source.to_owned() };
        entish::compile(file, &mut |_| Ok(None)).err().map(|errors| errors.render(false))
    };
    for (count, is_refused) in [(7, false), (8, true)] {
        let function = format!("def f({}):\n    pass\np = page(1)\n", parameters(count));
        let call = said(&format!("{function}f<1000,100>({})", keys(count, "p")));
        let service = said(&format!("{function}k = service(f, {})", keys(count + 1, "p")));
        for said in [call, service] {
            assert_eq!(said.is_some(), is_refused);
            let Some(said) = said else { continue };
            for part in
                ["error: too many keys", "room for 7 of them, and this call would take 8", "Help: keys among"]
            {
                assert!(said.contains(part), "{said}");
            }
        }
    }
}
