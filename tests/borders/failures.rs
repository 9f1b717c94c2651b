//! What a job tells of the failure of a callee, whatever this leaves behind.

use super::{compiled, prints, run};
use keyvm::Engine;
use keyvm::entish;

#[test]
fn a_failure_is_told_as_the_command_line_tells_it() {
    let told = |number: u64, operand: u64| {
        let told = entish::failure(&[number, operand, number], &[], &[]);
        told.unwrap_or_else(|| format!("a failure with the number {number}"))
    };
    let numbers = (0..18).map(|number| format!("10 {}\n", told(number, number)));
    let statuses = (0..17).map(|status| format!("10 {}\n", told(4, status)));
    prints(
        "def f(number, operand): $fail(number)\nfor n in range(18):\n    job = try f<100,100>(n, n)\n    \
         print(job.trap, job.failure)\nfor s in range(17):\n    job = try f<100,100>(4, s)\n    print(job.trap, job.failure)\n",
        &numbers.chain(statuses).collect::<String>(),
    );
    prints(
        "def half(x) -> u: return 100 / x\ndef deep(x) -> u: return half<30,200>(x)\ndef spin(x) -> u:\n    while: pass\n\
         def deeper(x) -> u: return spin<30,200>(x)\ndef index(u[] l) -> u: return l[9]\n\
         job = try half<100,100>(0)\nprint(job.failure)\njob = try deep<1000,1000>(0)\nprint(job.failure)\n\
         job = try deeper<1000,1000>(0)\nprint(job.failure)\njob = try index<10000,1000>([1])\nprint(job.failure)",
        "a division by zero\na sandboxed call did not return; its status is trapped\n\
         a sandboxed call did not return; its status is out_of_gas\nan index past the end: the index is 9, the length 1\n",
    );
}

#[test]
fn an_index_is_told_with_the_length_wherever_it_is_compared_with_it() {
    let past = "an index past the end";
    let at = |index: u64, length: u64| format!("{past}: the index is {index}, the length {length}\n");
    let cases = [
        ("l[n]", at(5, 3)),
        ("l[n - 2]", at(3, 3)),
        ("a[n]", at(5, 3)),
        ("t[n]", String::new()),
        ("len(t[2:7])", at(7, 6)),
        ("len(t[n + 2:])", at(7, 6)),
        ("len(l[n:9])", at(9, 3)),
        ("len(a[4:4])", at(4, 3)),
        ("len(t[3:1])", "a part whose end comes before its beginning\n".to_owned()),
        ("l.remove(n)", at(5, 3)),
        ("u[]().pop()", at(0, 0)),
    ];
    let statements = [
        ("l.insert(n, 1)", at(5, 3)),
        ("b.copy(n, b, 0, 0)", at(5, 4)),
        ("b.copy(2, b, 0, 3)", at(5, 4)),
        ("b.copy(0, b, 2, 3)", at(5, 4)),
        ("b.copy(2, b, 0, 0 - n)", at(u64::MAX - 2, 4)),
        ("b.copy(2, b, 0, 4 - n)", at(u64::MAX, 4)),
        ("l[n] = 1", at(5, 3)),
        ("b[n] += 1", at(5, 4)),
    ];
    let begins = "    l = [1, 2, 3]\n    a = l.array()\n    t = \"abcdef\"\n    b = b\"abcd\"\n";
    let cases = cases.map(|(value, told)| (format!("    return {value}"), told));
    let statements = statements.map(|(statement, told)| (format!("    {statement}\n    return 0"), told));
    for (rest, told) in cases.into_iter().chain(statements) {
        let program =
            format!("def f(n) -> u:\n{begins}{rest}\njob = try f<100000,10000>(5)\nprint(job.failure)\n");
        prints(&program, if told.is_empty() { "\n" } else { &told });
    }
}

#[test]
fn what_has_not_trapped_has_not_failed() {
    prints(
        "def f(x) -> u:\n    yield 1\n    k = 0\n    while k < 1000:\n        k += 1\n    assert k == x, \"not \" + str(x)\n    return k\n\
         job = try f<60,100>(1000)\nprint(job.failure == \"\", job.status)\njob<60,100>()\nprint(job.failure == \"\", job.status)\n\
         job<100000,100>()\nprint(job.failure == \"\", job.status)\n\
         other = try f<60,1000>(5)\nother<100000,1000>()\nprint(other.failure, len(other.failure))\nother.end()\n\
         print(other.failure == \"\", other.status, other.trap)",
        "true 1\ntrue 4\ntrue 0\nan assertion does not hold: not 5 33\ntrue 7 10\n",
    );
}

#[test]
fn a_text_that_is_not_there_is_not_told() {
    // What the callee leaves below the number is no address of a text.
    prints(
        "def f(x): $fail(11)\ndef g(x):\n    t = str(x)\n    $fail(11)\n\
         for at in [0, 1, 8, 4096, 1 << 40, 1 << 63, ~0, ~7, ~15]:\n    job = try f<100,100>(at)\n    print(job.failure)\n    \
         job = try g<9000,9000>(at)\n    assert job.trap == 10 and len(job.failure) > 0",
        &"an assertion with a text does not hold\n".repeat(9),
    );
    // The text says that it is longer than all memory, or as long as something else.
    prints(
        "def bad(n):\n    t = \"abcd\" + str(5678)\n    $store32(2, 0, $load64(2, 0, 0) - 16, n)\n    assert false, t\n\
         for n in [0xffffffff, 0x7fffffff, 1 << 20, 8, 3, 0]:\n    job = try bad<9000,9000>(n)\n    print(job.failure)",
        "an assertion with a text does not hold\nan assertion with a text does not hold\n\
         an assertion with a text does not hold\nan assertion does not hold: abcd5678\n\
         an assertion does not hold: abc\nan assertion does not hold: \n",
    );
    prints(
        "def bad(byte):\n    t = \"ab\" + str(12)\n    $store8(2, 9, $load64(2, 0, 0) - 16, byte)\n    assert false, t\n\
         job = try bad<9000,9000>(255)\nprint(job.failure)\njob = try bad<9000,9000>('-')\nprint(job.failure)",
        "an assertion with a text does not hold\nan assertion does not hold: a-12\n",
    );
}

#[test]
fn of_a_gigantic_text_the_beginning_is_told() {
    let mut source =
        "def f(text before, text letter, n):\n    t = letter\n    while len(t) < n: t = t + t\n    \
                      assert false, before + t\n"
            .to_owned();
    let mut told = String::new();
    for (before, letter) in
        [("", "x"), ("", "é"), ("x", "é"), ("", "€"), ("x", "€"), ("xx", "€"), ("", "😀"), ("xxx", "😀")]
    {
        let mut kept = format!("{before}{}", letter.repeat(500));
        while kept.len() > 500 {
            kept.pop();
        }
        told += &format!("an assertion does not hold: {kept} …\n");
        source +=
            &format!("job = try f<1000000,100000>(\"{before}\", \"{letter}\", 3000)\nprint(job.failure)\n");
    }
    prints(&source, &told);
    let whole = "x".repeat(500);
    prints(
        &format!(
            "def f(text t): assert false, t\njob = try f<100000,10000>(\"{whole}\")\nprint(job.failure)"
        ),
        &format!("an assertion does not hold: {whole}\n"),
    );
}

#[test]
fn who_asks_pays_and_not_much() {
    // Bytes that take longest to look at, in as much memory as the callee likes.
    let source = |ask: &str| {
        format!(
            "def f():\n    t = \"é\"\n    while len(t) < 100000: t = t + t\n    assert false, t\n\
             job = try f<10000000,1000000>()\nhad = words()\nbefore = gas()\n{ask}\nprint(before - gas(), had - words())\n"
        )
    };
    let costs = |ask: &str| {
        let (text, _, _) = run(&compiled(&source(ask), &[]), &Engine::default(), u64::MAX, "");
        let (gas, words) = text.trim().split_once(' ').expect("two numbers");
        [gas, words].map(|number| number.parse::<u64>().expect("a number"))
    };
    let [nothing, _] = costs("n = 0");
    let [gas, words] = costs("n = job.status");
    assert!(gas < nothing + 20 && words == 0, "{gas}, {words}");
    let [gas, words] = costs("n = len(job.failure)");
    assert!((20_000..30_000).contains(&gas) && (100..500).contains(&words), "{gas}, {words}");
}
