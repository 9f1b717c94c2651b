//! Keys of programs: a variable never names another object than it was made for, and slots of keys are used again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compiling;
mod transcript;

use compiling::compiling;
use keyvm::entish::{self, File};
use keyvm::isa::image::{Body, Image, Object};
use keyvm::isa::rights::Rights;
use keyvm::{Console, Engine, Event, Hosts, Levels, Machine, asm};
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
fn a_process_says_how_many_keys_it_has_room_for() {
    // Besides its own key, that of the page and one that the compiler adds, as many as fit are there; the next one is too many.
    prints_in(
        1 << 24,
        "def fill(key k) -> u:\n    while: $attenuate(k, 1)\njob = try fill<100000000,10000000>(page(1))\nprint(job.failure)\n\
         def count(key p) -> u:\n    n = 3\n    while n < 1 << 20:\n        p[0] = $attenuate(p, 1)\n        n += 1\n    return n\n\
         p = page(1)\nn = count<100000000,10000000>(p)\nprint(n, p[0])",
        "too many keys: a process has room for 1048576\n1048576 1048575\n",
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
fn who_asks_hears_what_became_of_its_own_request() {
    // 13 traps, and 14 takes all gas: that is told to who asked so, and the next one is answered.
    let service = "def f(n) -> u:\n    assert n != 13\n    while n == 14: pass\n    if n == 15: return len(array(1 << 12, 1))\n    return n * 2\n\
        m = meter(10000, 2000)\nk = service(f, m)\n";
    prints(
        &format!(
            "{service}for n in [1, 13, 2, 14, 3, 13, 4]:\n    s, x = k.ask(n)\n    print(s, x if s != 4 else 0)\n    \
             used, words = m.used()\n    assert words == 64\n    m.limit(used + 10000, 2000)"
        ),
        "0 2\n3 10\n0 4\n4 0\n0 6\n3 10\n0 8\n",
    );
    // What 15 takes at once is more than the meter has: the service stands there, until it has it or is to give up.
    prints(
        &format!(
            "{service}k.restart()\nfor n in [1, 15, 2]:\n    s, x = k.ask(n)\n    print(s, x if s != 5 else 0)\nk.restart()\n\
             used, words = m.used()\ns, x = k.ask(3)\nprint(s, x, words)\ns, x = k.ask(15)\nm.limit(100000, 20000)\n\
             for n in [4, 15]:\n    s, x = k.ask(n)\n    print(s, x)\n\
             def restarts(key k) -> u:\n    k.restart()\n    return 1\n\
             print(restarts<10000,100>(k), restarts<10000,100>(k.attenuate(right.call | right.copy)) else 7)"
        ),
        "0 2\n5 0\n5 0\n0 6 64\n0 8\n0 4096\n1 7\n",
    );
}

#[test]
fn nobody_gets_the_answer_to_another_s_question() {
    // Who made the service is cut in the middle of what its callees ask, wherever that is, and its words are back then for others: who
    // asks next has its own answer, whatever became of the request before.
    let source = r#"
def f(key log, n) -> u:
    sum = 0
    for k in range(n):
        sum += k
    log[0] += 1
    return sum
def asks(key k, key told, n):
    s, x = k.ask(n)
    told[0] = s + 1
    told[1] = x
def owns(key log, key told, key other) -> u:
    k = service(f, meter(1 << 40, 1 << 20), log)
    yield 0
    job = try asks<gas()/2,1000>(k, told, 40)
    yield 1
    job = try asks<gas()/2,1000>(k, other, 3)
    yield 2
    s, x = k.ask(4)
    return 100 * s + x
log = page(1)
cut = 0
answered = 0
for gas in range(0, 4000, 7):
    told = page(2)
    other = page(2)
    job = try owns<20000,5000>(log, told, other)
    while job.value != 2:
        job<gas,5000>()
        if job.status == status.out_of_gas:
            cut += 1
            job<20000,5000>()
    job<20000,5000>()
    assert job.value == 6, str(gas) + ": " + str(job.value)
    assert told[0] != 1 or told[1] == 780
    assert other[0] != 1 or other[1] == 3
    answered += u(told[0] == 1) + u(other[0] == 1)
    told.destroy()
    other.destroy()
    job.end()
print(cut > 100, answered > 100, log[0] > 600)
"#;
    prints(source, "true true true\n");
}

#[test]
fn what_a_service_is_asked_with_that_is_no_number_stops_nobody() {
    prints(
        &format!(
            "{SERVICE}s, x = k.ask(\"text\", b\"bytes\", 1.5, true)\nprint(s)\ns, x = k.ask(6)\nprint(s, x)"
        ),
        "0\n0 12\n",
    );
}

#[test]
fn who_may_send_to_a_service_does_not_keep_it_from_being_freed() {
    // Behind the worker that stands there are keys to a process of somebody else, who is not called, nor destroyed; nor is what
    // is put in front of the next question taken for its worker.
    prints(
        "def f(n) -> u:\n    if n == 14: return len(array(100000, 0))\n    return 2 * n\n\
         def fills(key k, key p):\n    for n in range(3): $transferkey(k, p)\n\
         m = meter(20000, 4000)\nk = service(f, m)\nother = service(f, meter(20000, 4000))\n\
         for turn in range(3):\n    s, x = k.ask(14)\n    print(s == status.out_of_words)\n    m.limit(1000000, 4000)\n    \
         fills<10000,1000>(k.attenuate(right.send | right.copy), other)\n    k.restart()\n    s, x = k.ask(turn)\n    print(s, x)\n    \
         fills<10000,1000>(k.attenuate(right.send | right.copy), other)\n    s, x = k.ask(turn + 10)\n    print(s, x)\n\
         s, x = other.ask(21)\nprint(s, x, other.kind())",
        "true\n0 0\n0 20\ntrue\n0 2\n0 22\ntrue\n0 4\n0 24\n0 42 4\n",
    );
}

/// An image in which a process with this code, and with the root's key that may only call and be copied in slot 1, stands in the root's place.
fn with_another_root(image: &Image<'_>, code: &str) -> Image<'static> {
    let mut image = image.clone().into_owned();
    let lent = {
        let Body::Process(root) = &image.object(image.root).unwrap().body else {
            panic!("the root is a process")
        };
        let may_ask = Rights::CALL.bits() | Rights::COPY.bits();
        *root.keys.iter().flatten().find(|key| key.rights.bits() == may_ask).unwrap()
    };
    let source = format!("process attacker {{ standing  keys {{ 1: null }} }}\n{code}\nyield 0\n");
    let other = asm::assemble(&source).unwrap_or_else(|errors| panic!("{source}{errors}"));
    for Object { number, body, .. } in other.objects {
        let moved = |old: u64| old + image.next_number;
        let mut body = body;
        match &mut body {
            Body::Process(process) => {
                process.code = moved(process.code);
                process.keys[0].as_mut().unwrap().object = moved(number);
                process.keys[1] = Some(lent);
                image.root = moved(number);
            }
            Body::Code(_) => {}
            _ => continue,
        }
        image.objects.push(Object { number: moved(number), meter: image.prime, body });
    }
    image.next_number = image.objects.last().unwrap().number + 1;
    image
}

#[test]
fn what_a_service_is_asked_with_that_is_no_question_stops_nobody() {
    // Another compiler than ours makes whatever message it likes: no key, or one that is no page, or that may not be read, or written
    // to; a page that is no question, or says that it has been answered. Nobody hears of it but who sent it.
    let messages = [
        "invoke 0, 0 (1)",
        "invoke 3, 0 (5, 6, 7, 1)",
        "invoke 0, 1 (pagenew(0), 1)",
        "invoke 0, 1 (pagenew(1), 1)",
        "invoke 0, 1 (pagenew(2), 1)",
        "invoke 0, 1 (pagenew(4096), 1)",
        "invoke 0, 3 (pagenew(9), pagenew(9), 0, 1)",
        "drop(pagenew(3))\nstore64at 6, 0 (2)\nstore64at 6, 8 (77)\ninvoke 0, 1 (2, 1)",
        "invoke 0, 1 (attenuate(pagenew(9), 512), 1)",
        "invoke 0, 1 (attenuate(pagenew(9), 512 | 1), 1)",
        "invoke 0, 1 (attenuate(pagenew(9), 512 | 2), 1)",
        "drop(pagenew(9))\ndrop(gate(2))\ndrop\ninvoke 0, 1 (3, 1)",
        "invoke 0, 1 (0, 1)",
        "invoke 0, 1 (1, 1)",
        "invoke 0, 1 (keypage(4), 1)",
        "invoke 0, 1 (brand, 1)",
        "drop(pagenew(9))\ninvoke 0, 1 (seal(2, brand), 1)",
    ];
    let program = compiled(&format!(
        "{SERVICE}lent = k.attenuate(right.call | right.copy)\nfor n in range(3):\n    yield n\n    s, x = k.ask(n)\n    print(s, x)\n\
         used, words = m.used()\nprint(words)"
    ));
    for message in messages {
        let transcript = Transcript::default();
        let mut hosts = Hosts::new();
        hosts.grant("console", Console::new(std::io::empty(), transcript.clone()));
        let mut machine = Machine::new(&program).unwrap();
        loop {
            let event = machine.run_hosted(u64::MAX, &mut hosts);
            if event == Event::Halted {
                break;
            }
            assert!(matches!(event, Event::Yielded(_)), "{event:?}");
            let honest = machine.image().root;
            let attack = with_another_root(&machine.image(), message);
            let mut attacked = Machine::new(&attack).unwrap();
            assert_eq!(attacked.run(u64::MAX), Event::Yielded([].into()), "{message}");
            attacked.audit().expect("the books balance");
            let mut left = attacked.image().into_owned();
            left.root = honest;
            machine = Machine::new(&left).unwrap();
        }
        assert_eq!(transcript.text(), "0 0\n0 2\n0 4\n64\n", "{message}");
    }
}

#[test]
fn a_service_that_waits_for_one_that_came_to_a_standstill_is_freed_by_restart() {
    prints(
        "def f(n) -> u:\n    if n == 14: return len(array(100000, 0))\n    return 2 * n\n\
         def plug(key k, n) -> u:\n    s, x = k.ask(n)\n    return x\n\
         m = meter(20000, 4000)\nk = service(f, m)\np = service(plug, m, k.attenuate(right.call | right.copy))\n\
         s, x = p.ask(14)\nprint(s == status.out_of_words)\nm.limit(1000000, 4000)\n\
         s, x = k.ask(1)\nprint(s == status.busy)\nk.restart()\ns, x = k.ask(7)\nprint(s == status.returned, x)\n\
         p.restart()\ns, x = p.ask(5)\nprint(s == status.returned, x)",
        "true\ntrue\ntrue 14\ntrue 10\n",
    );
}

#[test]
fn a_service_that_does_away_with_the_question_stops_nobody() {
    // Its worker has the page of the question in slot 2, behind its own key and that of the service.
    for harm in ["$destroy(2)", "$memresize(6, 0)", "$memresize(6, 3000)"] {
        prints(
            &format!(
                "def evil(n) -> u:\n    if n > 1: {harm}\n    return n\nm = meter(100000, 9000)\nk = service(evil, m)\n\
                 s, x = k.ask(5)\nprint(s == status.trapped, x)\ns, x = k.ask(1)\nprint(s, x)"
            ),
            "true 18\n0 1\n",
        );
    }
}

#[test]
fn a_service_that_traps_or_runs_dry_or_is_stopped_stops_nobody() {
    prints(
        &format!(
            "{SERVICE}s, x = k.ask(14)\nprint(s == status.out_of_gas)\ns, x = k.ask(1)\nprint(s == status.out_of_gas)\n\
             gas, words = m.used()\nprint(gas <= 100000, words <= 2000, words >= 64)\nm.stop()\ns, x = k.ask(1)\nprint(s == status.stopped)\n\
             n = meter(100000, 2000)\nl = service(double, n)\ns, x = l.ask(13)\nprint(s == status.trapped)\ns, x = l.ask(1)\nprint(s, x)\n\
             l.stop()\ns, x = l.ask(1)\nprint(s == status.stopped)\nl.start()\ns, x = l.ask(1)\nprint(s, x)\n\
             n.destroy()\nprint(l.kind(), n.kind())"
        ),
        "true\ntrue\ntrue true true\ntrue\ntrue\n0 2\ntrue\n0 2\n0 0\n",
    );
}

#[test]
fn a_dry_service_takes_questions_again_when_its_limits_are_raised() {
    prints(
        "def slow(n) -> u:\n    sum = 0\n    for k in range(n):\n        sum += k\n    return sum\nm = meter(1000, 2000)\nk = service(slow, m)\n\
         s, x = k.ask(100)\nprint(s == status.out_of_gas)\nm.limit(100000, 2000)\ns, x = k.ask(1)\nprint(s, x)\ns, x = k.ask(3)\nprint(s, x)",
        "true\n0 0\n0 3\n",
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
fn a_service_takes_requests_when_all_that_it_keeps_is_gone() {
    prints(
        "def f(key a, key b, n) -> u:\n    if n == 5: b.destroy()\n    if n == 6: a.destroy()\n    return a.kind() * 10 + b.kind() + n * 100\n\
         s = service(f, meter(100000, 1000), page(1), page(1))\nfor n in range(3, 9):\n    state, x = s.ask(n)\n    print(state, x)",
        "0 311\n0 411\n0 510\n0 600\n0 700\n0 800\n",
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
fn a_service_without_words_traps_or_waits_for_them() {
    let source = |words: &str, budget: &str| {
        format!(
            "def f(n) -> u:\n    return n + 1\ndef g() -> u:\n    k = service(f, meter(10000, {words}))\n    s, x = k.ask(4)\n    \
             return x if s == 0 else 1000 + s\n\
             job = try g<100000,{budget}>()\nturns = 0\nwords = {budget}\n\
             while job.status == status.out_of_words:\n    words += job.lacks\n    job<100000,words>()\n    turns += 1\n    assert turns < 100\n\
             print(job.status, job.failure, job.value if job.status == 0 else 0, turns > 1)"
        )
    };
    // Its meter has too few: to give more to who makes it does not help.
    let failure = "3 a service that cannot begin; its status is out_of_words 0";
    prints(&source("20", "1000"), &format!("{failure} false\n"));
    prints(&source("20", "20"), &format!("{failure} true\n"));
    // Who makes it has too few.
    prints(&source("1000", "20"), "0  5 true\n");
    prints(&source("1000", "1000"), "0  5 false\n");
    // Its meter is a caller's, which has set aside all it has.
    prints(
        "def f(n) -> u:\n    return n + 1\ndef g(key m) -> u:\n    k = service(f, m)\n    return k.kind()\n\
         def h() -> u:\n    m = meter(10000, 1000)\n    job = try g<50000,200>(m)\n    turns = 0\n    \
         while job.status == status.out_of_words and turns < 100:\n        job<50000,words()>()\n        turns += 1\n    return job.status * 100 + turns\n\
         status, turns = 0, 0\nfor words in range(300, 2000, 100):\n    result = h<200000,words>() else 99\n    assert result % 100 < 100\n    \
         status = result / 100\nprint(status)",
        "0\n",
    );
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
        // One is that of the question.
        let function = format!("def f({}):\n    pass\np = page(1)\n", parameters(count));
        let call = said(&format!("{function}f<1000,100>({})", keys(count, "p")));
        let function = format!("def f({}):\n    pass\np = page(1)\n", parameters(count - 1));
        let service = said(&format!("{function}k = service(f, {})", keys(count, "p")));
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
