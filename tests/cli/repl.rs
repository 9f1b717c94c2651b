//! `keyvm repl`, with lines from a pipe.

use super::{Ran, command, documented, keyvm, temporary, without_numbers};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn start(options: &str, directory: Option<&Path>) -> Child {
    let mut command = command();
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command
        .arg("repl")
        .args(options.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("keyvm starts")
}

/// A session with these lines, in a directory.
fn session_in(directory: Option<&Path>, options: &str, lines: &str) -> Ran {
    let mut child = start(options, directory);
    let mut stdin = child.stdin.take().expect("it has an input");
    let lines = lines.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let ran = child.wait_with_output().expect("it ends").into();
    writer.join().expect("the thread ends").expect("all is read");
    ran
}

fn session(options: &str, lines: &str) -> Ran {
    session_in(None, options, lines)
}

/// What a session without mistakes writes, on both engines.
#[track_caller]
fn writes(lines: &str, output: &str) {
    for engine in ["interp", "jit"] {
        writes_on(engine, lines, output);
    }
}

#[track_caller]
fn writes_on(engine: &str, lines: &str, output: &str) {
    let ran = session(&format!("--quiet --engine {engine}"), lines);
    assert_eq!((ran.code, &*ran.err, &*ran.out), (Some(0), "", output));
}

/// The messages of a session without what inputs use, and what it writes.
fn says(lines: &str) -> (String, String) {
    let ran = session("--quiet", lines);
    assert_eq!(ran.code, Some(0));
    (ran.err, ran.out)
}

/// The session in the document is one.
#[test]
fn a_session_goes_as_it_is_written_down() {
    fn is_budget(line: &str) -> bool {
        line.starts_with("[#") && line.ends_with(" words]")
    }
    const LINES: &str =
        "def twice(n): return 2 * n\nx = twice(21)\n[x, 1]\njob = try twice<3, 100>(x)\njob\n";
    let shown = documented("A session", "> def twice(n): return 2 * n");
    let of = |kind: fn(&str) -> bool| -> Vec<String> {
        shown.lines().filter(|line| kind(line)).map(str::to_owned).collect()
    };
    let ran = session("", LINES);
    let lines = |text: &str| -> Vec<String> { without_numbers(text).lines().map(str::to_owned).collect() };
    assert_eq!(of(is_budget), lines(&ran.err));
    assert_eq!(of(|line| !line.starts_with("> ") && !is_budget(line)), lines(&ran.out));
    let inputs: Vec<_> = lines(LINES).iter().map(|line| format!("> {line}")).collect();
    assert_eq!(of(|line| line.starts_with("> ")), inputs);
}

// ---- What is kept -----------------------------------------------------------------------------------------

#[test]
fn variables_stay_and_expressions_are_shown() {
    writes(
        "1 + 1\nx = 41\nx + 1\nx += 1\nx\nl = [1, 2]\nl.append(x)\nl\nother = l\nother[0] = 7\nl\nl == other\n",
        "2\n42\n42\n[1, 2, 42]\n[7, 2, 42]\ntrue\n",
    );
}

#[test]
fn values_of_all_types_are_shown() {
    writes(
        "-5\ni(3) - 4\n1.5\nf(2)\ntrue\n\"a\\n\\\"b\\\" é\"\nb\"\\x00a\\xff\"\nu[] none_yet = []\nnone_yet\n\
         array(2, 1.5)\n[[1], []]\n{\"a\": [1], \"b\": [2, 3]}\ntyp tree {tree left, text name}\n\
         tree{tree{none, \"l\"}, \"r\"}\ndef pair(): return 1, \"x\"\npair()\npair\nprint(1)\nm = {1: true}\n\
         m.remove(1)\nm\n",
        "-5\n-1\n1.5\n2.0\ntrue\n\"a\\n\\\"b\\\" é\"\nb\"\\x00a\\xff\"\n[]\n[1.5, 1.5]\n[[1], []]\n\
         {\"a\": [1], \"b\": [2, 3]}\ntree{left: tree{left: none, name: \"l\"}, name: \"r\"}\n(1, \"x\")\npair\n1\n\
         true\n{}\n",
    );
}

#[test]
fn what_is_none_is_shown_as_such_and_what_gives_nothing_not_at_all() {
    writes(
        "none\nnone if true else none\n[none]\nnone == none\ndef nothing(): pass\nnothing()\ntyp point {u x}\npoint p = none\np\n\
         def none_yet() -> point: return none\nnone_yet()\nnone_yet() == none\n[p]\n:type none\n:type p\nif true: nothing()\n\
         x = page(1)\nx.drop()\n",
        "none\nnone\n[none]\ntrue\nnone\nnone\ntrue\n[none]\nnone\npoint\n",
    );
}

#[test]
fn long_values_are_shown_in_part() {
    let (err, out) = says(
        "import lists\nlists.numbers(0, 100000)\nx = \"\"\nfor k in range(3000): x += \"ab\"\n\nlen(x)\nx\n\
         typ node {node next}\nn = node{none}\nn.next = n\nn\n",
    );
    assert_eq!(err, "");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("[0, 1, 2, ") && lines[0].ends_with(", …]"), "{}", lines[0]);
    assert_eq!(lines[1], "6000");
    assert!(lines[2].starts_with("\"abab") && lines[2].ends_with("ab\"…"), "{}", lines[2]);
    assert!(lines.iter().all(|line| line.len() < 3000), "{out}");
    assert!(lines[3].starts_with("node{next: node{next: ") && lines[3].contains('…'), "{}", lines[3]);
}

#[test]
fn functions_structs_and_constants_stay() {
    writes(
        "const N = 3\ndef times(x):\n    return x * N\n\ntimes(5)\ntyp point {u x, u y}\np = point{1, 2}\n\
         def move(point p):\n    p.x += 1\n    p.y += 1\n\nmove(p)\nmove(p)\np\np.y\n",
        "15\npoint{x: 3, y: 4}\n4\n",
    );
}

#[test]
fn a_definition_replaces_the_one_before() {
    writes(
        "def f(x): return x + 1\ndef g(x): return f(x) * 10\ng(1)\ndef f(x): return x + 2\ng(1)\nconst N = 1\nN\n\
         const N = 2\nN\n",
        "20\n30\n1\n2\n",
    );
}

/// An input is compiled with what it has to do with alone, which may be anything.
#[test]
fn what_an_input_does_not_name_counts_too() {
    let lines = "typ point {u x}\nconst N = 1\ndef other(): return N + N\ndef f(): return N\ndef g() -> u: return f()\n\
                 def h(point p) -> u: return p.x + g()\ndef digits(n) -> u: return len(str(n))\nh(point{1})\n";
    writes(
        &format!("{lines}const N = 5\nh(point{{1}})\ndef len(text t) -> u: return 7\ndigits(1)\n"),
        "2\n6\n7\n",
    );
    let (told, out) = mistakes(&format!("{lines}const N = \"text\"\nh(point{{1}})\nothr()\n"));
    assert_eq!(out, "2\n2\n");
    assert_eq!(told, ["error: expected `u`, found `text`", "error: nothing is called `othr`"]);
    assert!(says(&format!("{lines}othr()\n")).0.contains("did you mean `other`?"));
}

#[test]
fn functions_that_are_values_and_jobs_mean_what_they_meant() {
    writes(
        "def f(x): return x + 1\nh = f\nhs = [h]\nh(1)\ndef f(x): return x + 100\nh(1)\nhs[0](2)\nf(1)\n\
         h<100, 100>(5)\ndef count(n):\n    for k in range(n): yield k\n    return n\n\njob = try count<1000, 100>(3)\n\
         job.value\nx = \"text\" + str(5)\njob<1000, 100>()\njob.value\njob\ndef count(n): return 7\nimport jobs\n\
         jobs.to_list(job, 1000, 100)\njob\njob.value\n",
        "2\n2\n3\n101\n6\n0\n1\n1\njob(u) yielded\n[1, 2]\njob(u) returned\n3\n",
    );
}

#[test]
fn texts_are_the_same_in_sandboxes_later_on() {
    writes(
        "def shout(text t) -> text:\n    return t + \"!\"\n\nshout<10000, 1000>(\"a\")\ndef greet(text t) -> text:\n    \
         return \"hello, \" + shout(t)\n\ngreet<10000, 1000>(\"b\")\ng = shout\nx = \"many\" + \" texts\" + \" more\"\n\
         g<10000, 1000>(x)\ndef whisper(text t) -> text:\n    return \"(\" + t + \")\"\n\ng = whisper\n\
         job = try g<10000, 1000>(\"c\")\nx = x + \"and\" + \" more\"\njob.value\ngreet<10000, 1000>(job.value)\n",
        "\"a!\"\n\"hello, b!\"\n\"many texts more!\"\n\"(c)\"\n\"hello, (c)!\"\n",
    );
}

#[test]
fn what_a_job_yields_in_a_page_is_taken_later() {
    writes(
        "def words():\n    yield [\"a\", \"b\"]\n    yield [\"c\"]\n\njob = try words<10000, 1000>()\nx = {\"other\": [1.5]}\n\
         x[\"types\"] = [2.5]\njob.value\njob<10000, 1000>()\ny = job.value\nx\ny\n",
        "[\"a\", \"b\"]\n1\n{\"other\": [1.5], \"types\": [2.5]}\n[\"c\"]\n",
    );
}

#[test]
fn keys_stay() {
    writes(
        "k = page(4)\nk[1] = 5\nr = k.read_only()\nr[1]\nlen(r)\nk[1] = 6\nr[1]\nk.destroy()\n",
        "5\n4\n6\n",
    );
}

#[test]
fn imports_stay_and_may_be_repeated() {
    let directory = temporary();
    let file = directory.path().join("ours.et");
    std::fs::write(&file, "const N = 5\ndef double(x) -> u:\n    return 2 * x\n").expect("it can be written");
    let ran = session_in(
        Some(directory.path()),
        "--quiet",
        "import lists\nimport ours\nours.double(ours.N)\nimport lists\nlists.sum([1, 2])\ng = ours.double\n\
         lists.map([1], g)\nimport ours\nours.N\n",
    );
    assert_eq!((&*ran.err, &*ran.out), ("", "10\n3\n[2]\n5\n"));
}

#[test]
fn a_name_means_what_was_declared_last() {
    writes("x = 5\ndef x(): return 6\nx()\ntyp x2 {u a}\ny = x\ny()\n", "6\n6\n");
}

#[test]
fn main_is_a_function_like_others() {
    writes("def main():\n    print(\"main\")\n\nmain()\nx = 1\nmain()\n", "main\nmain\n");
}

// ---- Whole programs ---------------------------------------------------------------------------------------

/// A program without empty lines, which would end a block.
fn lines_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("it can be read");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The examples that need no arguments, statement by statement.
#[test]
fn programs_write_the_same_in_a_session() {
    for name in ["plugin", "generator", "prisoner", "brainfuck"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.et"));
        // Its main program, if it is a function, is a statement here.
        let lines = lines_of(&path).replace("def main():", "if true:");
        writes_on("interp", &lines, &keyvm("run", &[&path]).out);
    }
}

/// The library's tests, call by call.
#[test]
fn the_library_passes_its_tests_in_a_session() {
    for name in ["jobs", "lists", "maps"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("lang/tests/std/test_{name}.et"));
        let mut lines = lines_of(&path);
        let tests: Vec<_> = lines
            .lines()
            .filter_map(|line| line.strip_prefix("def ")?.strip_suffix(':'))
            .filter(|test| test.starts_with("test_"))
            .map(str::to_owned)
            .collect();
        assert!(tests.len() > 1, "{name} has tests");
        tests.iter().for_each(|test| lines += &format!("{test}\n"));
        writes_on("interp", &lines, "");
    }
}

// ---- Lines ------------------------------------------------------------------------------------------------

#[test]
fn blocks_and_brackets_go_over_lines() {
    writes(
        "x = [1,\n  2,\n\n  3]\nx\nfor k in x:\n    if k > 1:\n        print(k)\n\n\nif len(x) == 0:\n    print(\"no\")\nelse:\n    \
         print(\"yes\")\nprint(\"behind\")\ndef f(a,\n      b):\n    return a + b\nf(1,\n2)\n# a comment\n\n  \nf(3, 4)",
        "[1, 2, 3]\n2\n3\nyes\nbehind\n3\n7\n",
    );
}

/// The mistakes that a session tells of, and what it writes.
fn mistakes(lines: &str) -> (Vec<String>, String) {
    let (err, out) = says(lines);
    (err.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect(), out)
}

#[test]
fn what_is_not_closed_takes_nothing_with_it() {
    let not_closed = "error: `(` is not closed";
    for (lines, mistake) in [
        // Quotes end with their line.
        ("print(\"abc\n", "error: the quotes are not closed"),
        // A colon in parentheses begins no block, whose lines go with it if there are any.
        ("def broken(:\n", "error: `:` does not belong here"),
        ("def broken(n:\n    m = n\n    return m\n", not_closed),
        // A word that begins nothing but statements.
        ("y = (1 +\ndef g(): return 5\n\n", "error: the line ends too early"),
        ("y = (1\nimport lists\n", not_closed),
        // An empty line.
        ("z = [1,\n\n", "error: `[` is not closed"),
        ("z = {1: 2\n  \n\n# so\n", "error: `{` is not closed"),
        // A command.
        ("f(1,\n:vars\n", not_closed),
    ] {
        let (told, out) = mistakes(&format!("x = 1\n{lines}x + 41\n"));
        assert_eq!(told, [mistake], "{lines}");
        let shown = if lines.contains(":vars") { "u x = 1\n42\n" } else { "42\n" };
        assert_eq!(out, shown, "{lines}");
    }
    let (told, out) = mistakes("f(\n:quit\n8\n");
    assert_eq!((told, &*out), (vec![not_closed.to_owned()], ""));
    // What is no command may go on with a map or a slice.
    writes("x = {\"a\"\n: 1,\n\n}\nx\n", "{\"a\": 1}\n");
    writes("def f():\n    x = [1,\n\n    2]\n    return len(x)\n\nf()\n", "2\n");
}

#[test]
fn an_if_of_one_line_may_have_an_else() {
    writes(
        "x = 3\nif x > 2: print(\"more\")\nelse: print(\"less\")\nif x > 5: print(1)\nelif x > 2: print(2)\n\
         else: print(3)\nprint(4)\nif x == 3: print(5)\nprint(6)\nif x == 3: print(7)\n\nif x == 4: print(8)\nelse:\n    \
         print(9)\n\nif x == 4:\n    print(10)\nelse: print(11)\nif x == 3: print(12)\n:vars\nif x == 3: print(13)",
        "more\n2\n4\n5\n6\n7\n9\n11\n12\nu x = 3\n13\n",
    );
}

#[test]
fn functions_behind_one_another_may_call_each_other() {
    writes(
        "def even(n) -> bool:\n    return true if n == 0 else odd(n - 1)\ndef odd(n) -> bool:\n    \
         return false if n == 0 else even(n - 1)\neven(4)\nodd(4)\n",
        "true\nfalse\n",
    );
}

#[test]
fn functions_of_one_line_may_call_each_other_too() {
    writes(
        "def even(n) -> bool: return true if n == 0 else odd(n - 1)\n\
         def odd(n) -> bool: return false if n == 0 else even(n - 1)\neven(4)\ndef f(x): return x\nf(5)\n\
         def g(x): return f(x) * 2\ndef h(x):\n    return g(x)\nh(2)\ndef k(x): return x\n\n:type k\ndef last(x): return x",
        "true\n5\n4\ndef(u) -> u\n",
    );
}

#[test]
fn a_slip_of_syntax_hides_no_other_mistake() {
    let (err, out) =
        says("x = 1\ndef g(n): return n\nif x: print(x]; print(x + \"a\")\ndef g(n): return n +\ng(2)\n");
    assert_eq!(out, "2\n");
    let mistakes: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(mistakes, ["error: `(` is not closed", "error: the line ends too early"]);
}

#[test]
fn what_is_indented_behind_an_empty_line_is_no_part_of_the_block_before_it() {
    let (err, out) = says("def f(n):\n    print(n)\n\n    print(n + 1)\n\nf(2)\n# so\n  y = 3\nf(4)\ny\n");
    assert_eq!(out, "2\n4\n");
    let mistakes: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        mistakes,
        ["error: no block begins here", "error: no block begins here", "error: nothing is called `y`"]
    );
    let shown = "session.et:3:5 ]";
    assert!(err.contains(shown), "{err}");
}

#[test]
fn a_block_that_the_input_ends_in_is_taken() {
    writes("for k in range(2):\n    print(k)", "0\n1\n");
    writes("", "");
}

#[test]
fn programs_read_the_lines_that_follow() {
    writes(
        "import input\nline, there = input.line()\nx = 5\nline\nall = input.lines()\nthe rest\nis read\n",
        "\"x = 5\"\n",
    );
    // Also one that was looked at to see where the input ends.
    writes(
        "import input\ndef show():\n    line, there = input.line()\n    print(\"read\", line)\n\nif true: show()\nx = 5  \n\
         for k in range(2):\n    show()\nx = 6\nx = 7\n",
        "read x = 5  \nread x = 6\nread x = 7\n",
    );
}

#[test]
fn yields_are_printed() {
    writes("for k in range(2): yield k\nx = 3\nyield x\n", "0\n1\n3\n");
}

// ---- What goes wrong --------------------------------------------------------------------------------------

#[test]
fn what_is_wrong_is_underlined_and_changes_nothing() {
    let (err, out) = says(
        "x = 1\nx = \"text\"\ny = z\ny = 2\nx + y\ndef f(text t): return t\ndef g(): return f(\"a\")\ndef f(x): return x\ng()\n)\nx\n",
    );
    assert_eq!(out, "3\n\"a\"\n1\n");
    let mistakes: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        mistakes,
        [
            "error: `x` is a `u`, not a `text`",
            "error: nothing is called `z`",
            "error: expected `u`, found `text`",
            "error: `)` closes nothing"
        ]
    );
    // The place of a function from before, which does not fit any more.
    assert!(err.contains("def g(): return f(\"a\")"), "{err}");
    assert!(err.contains("─[ session.et:1:1 ]") || err.contains("─[ session.et:2:5 ]"), "{err}");
}

#[test]
fn a_trap_leaves_everything_as_it_was() {
    let (err, out) = says(
        "x = 1\nl = [1]\ndef f(n):\n    assert n > 5, \"n is \" + str(n)\n    return n\n\nx = 2\n\
         if x == 2:\n    l.append(9)\n    x = 3\n    f(x)\n\nx\nl\nf(6)\n",
    );
    assert_eq!(out, "2\n[1]\n6\n");
    assert!(
        err.starts_with(
            "trap Failed (10): an assertion does not hold: n is 3\n  process 3, in f at session.et:4:"
        ),
        "{err}"
    );
    assert!(err.contains("\n      assert n > 5, \"n is \" + str(n)\n"), "{err}");
    let end = "\n    called from main at session.et:10:5\neverything is as it was before this input\n";
    assert!(err.ends_with(end), "{err}");
}

/// Which of two ends of the stack comes first depends on how many variables the first caller has: a program's has them all, an
/// input's those that it names.
#[test]
fn what_nests_too_deep_is_told_alike_in_a_session_and_in_a_program() {
    let directory = temporary();
    let text =
        "def f(n) -> u: return n * f(n + 1)\na = 1\nb = 2\nc = 3\nd = 4\nprint(f(1))\nprint(a, b, c, d)\n";
    let program = super::written(&directory, "deep.et", text);
    for (told, trap) in
        [(keyvm("run", &[&program]).err, "StackOverflow (3)"), (says(text).0, "FrameOverflow (4)")]
    {
        let first = told.lines().next();
        assert_eq!(first, Some(&*format!("trap {trap}: calls that nest too deep")), "{told}");
    }
}

#[test]
fn jobs_are_as_they_were_before_a_trap() {
    let (_, out) = says(
        "def count(n):\n    for k in range(n): yield k\n\njob = try count<1000, 100>(5)\nif true:\n    job<1000, 100>()\n    \
         1 / (job.value - 1)\n\njob.value\njob<1000, 100>()\njob.value\n",
    );
    assert_eq!(out, "0\n1\n1\n");
}

#[test]
fn some_things_do_not_belong_at_the_top_level() {
    let (err, out) = says("return\ntyp p {u x}\ntyp p {u y}\np{1}\nif false: y = 1\ny\n");
    assert_eq!(out, "p{x: 1}\n");
    let mistakes: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(mistakes.len(), 3, "{err}");
    assert!(mistakes[0].contains("`return` outside of a function"), "{err}");
    assert!(mistakes[2].contains("nothing is called `y`"), "{err}");
}

#[test]
fn bytes_that_are_no_text_are_not_taken() {
    let mut child = start("--quiet", None);
    let mut stdin = child.stdin.take().expect("it has an input");
    stdin.write_all(b"x = 1\n\xff\nx\n").expect("it reads");
    drop(stdin);
    let ran: Ran = child.wait_with_output().expect("it ends").into();
    assert_eq!((&*ran.out, &*ran.err), ("1\n", "this is not UTF-8 text, and was not taken\n"));
}

#[test]
fn output_that_nobody_reads_ends_the_session() {
    let mut child = start("--quiet", None);
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("it has an input");
    // Whether all of it is taken depends on when it ends.
    let _ = stdin.write_all(b"1\n2\n3\n");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(141));
}

// ---- Budgets ----------------------------------------------------------------------------------------------

#[test]
fn each_input_tells_what_it_used() {
    let lines = "x = 1\ny = [x]\nwhile true: x += 1\n:budget\n:gas 500\nx\n:gas unlimited\nx\n:budget\n";
    let [interpreted, native] = ["interp", "jit"].map(|engine| {
        let ran = session(&format!("--gas 1000000 --words 100000 --engine {engine}"), lines);
        assert_eq!(ran.code, Some(0));
        ran
    });
    assert_eq!(interpreted, native);
    let used: Vec<(u64, i64, &str)> = interpreted
        .err
        .lines()
        .filter_map(|line| {
            let (gas, rest) = line.strip_prefix('[')?.split_once(" gas, ")?;
            let (words, left) = rest.split_once(" words; left: ")?;
            Some((gas.parse().ok()?, words.parse().ok()?, left.split_once(" gas")?.0))
        })
        .collect();
    let gas: Vec<u64> = used.iter().map(|used| used.0).collect();
    assert_eq!(used.len(), 5, "{}", interpreted.err);
    assert_eq!(used[1].2, (1_000_000 - gas[0] - gas[1]).to_string());
    assert!(used[1].1 > used[0].1 && used[0].1 > 0, "{used:?}");
    // The endless loop takes all, and is not kept.
    assert_eq!((gas[0] + gas[1] + gas[2], used[2].1, used[2].2), (1_000_000, 0, "0"));
    assert_eq!(used[3].2, (500 - gas[3]).to_string());
    assert_eq!(used[4].2, "unlimited");
    assert!(
        interpreted.err.contains(
            "out of gas: the next instruction needs 1 at least and 0 is left; `:gas N` gives more\n"
        )
    );
    let lines: Vec<_> = interpreted.out.lines().collect();
    assert!(lines[0].starts_with("left: 0 gas, "), "{lines:?}");
    assert_eq!(lines[1..3], ["1", "1"]);
    assert!(lines[3].starts_with("left: unlimited gas, "), "{lines:?}");
}

#[test]
fn words_that_come_back_are_told_as_such() {
    let ran = session("", "k = page(1000)\nk.destroy()\nx = 5\n");
    let used: Vec<_> = ran.err.lines().filter_map(|line| line.split_once("; ")?.0.split_once(", ")).collect();
    let words = |at: usize| used[at].1.split(' ').filter_map(|word| word.parse::<u64>().ok()).next();
    assert!(used[0].1.ends_with(" words") && words(0) > Some(1000), "{}", ran.err);
    assert!(used[1].1.starts_with("gave back ") && words(1) > Some(900), "{}", ran.err);
    assert!(!ran.err.contains('-'), "{}", ran.err);
}

#[test]
fn words_that_are_not_there_are_not_had() {
    let (err, out) = says(
        ":words 20000\nb = bytes(1000000)\n1\n:words 200000\nb = bytes(1000000)\nlen(b)\n:words 100\n1\n:words unlimited\n1\n",
    );
    assert_eq!(out, "1\n1000000\n1\n");
    let wrong: Vec<_> = err.lines().filter(|line| line.starts_with("out of words: ")).collect();
    assert_eq!(wrong.len(), 2, "{err}");
    assert!(wrong[0].contains("`:words N` allows more") && wrong[1].contains("100 may be"), "{err}");
}

/// The code of an input is gone with the next one, unless a job runs it; what it adds to the session's is little.
#[test]
fn inputs_take_few_words() {
    let mut lines = "import lists\nlists.sum([1, 2])\nprint(1.5)\n:budget\n".to_owned();
    lines += &"lists.sum([1, 2]) + 1\nprint(1.5)\n".repeat(20);
    lines += ":budget\n";
    let (err, out) = says(&lines);
    assert_eq!(err, "");
    let left: Vec<u64> = out
        .lines()
        .filter_map(|line| {
            line.strip_prefix("left: ")?.split_once(" gas, ")?.1.strip_suffix(" words")?.parse().ok()
        })
        .collect();
    assert_eq!(left.len(), 2);
    assert!(left[0] - left[1] < 4000, "{left:?}");
}

// ---- Ctrl-C -----------------------------------------------------------------------------------------------

#[cfg(unix)]
#[test]
fn an_interrupted_input_does_not_end_the_session() {
    let mut child = start("--quiet", None);
    let mut stdin = child.stdin.take().expect("it has an input");
    let mut out = BufReader::new(child.stdout.take().expect("it has an output")).lines();
    let mut next = || out.next().expect("a line").expect("it is text");
    writeln!(stdin, "x = 5\nif true:\n    x = 6\n    print(\"it runs\")\n    while: pass\n")
        .expect("it reads");
    assert_eq!(next(), "it runs");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
    writeln!(stdin, "x + 1").expect("it reads");
    drop(stdin);
    assert_eq!(next(), "6");
    let ran: Ran = child.wait_with_output().expect("it ends").into();
    assert_eq!(ran.code, Some(0));
    // The line is there before the call that writes it has ended.
    let stood_at = |line: u32| ran.err.contains(&format!("main at session.et:{line}:"));
    assert!(ran.err.starts_with("interrupted\n  process 3, in "), "{}", ran.err);
    assert!(stood_at(4) || stood_at(5), "{}", ran.err);
}

// ---- Commands ---------------------------------------------------------------------------------------------

#[test]
fn commands_say_and_set() {
    let (err, out) = says(
        "x = 1\nl = [\"a\"]\ndef f(x) -> text: return str(x)\nh = f\n:vars\n:type f(x)\n:type [1.5]\n:type x\n:type h\n\
         :type x = 2\n:typ x\n:nonsense\n:gas\n:gas -1\n:help me\n:reset\n:vars\nx\n:quit\n1\n",
    );
    assert_eq!(out, "u x = 1\ntext[] l = [\"a\"]\ndef(u) -> text h = f\ntext\nf[]\nu\ndef(u) -> text\n");
    let mistakes: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        mistakes,
        [
            "error: :type: this is no expression with a value",
            "error: there is no command `:typ`; is it `:type`?",
            "error: there is no command `:nonsense`; `:help` lists them",
            "error: write `:gas N`",
            "error: :gas: a whole decimal number from 0 is needed, such as 1000000 or 1_000_000; or `unlimited`",
            "error: write `:help`",
            "error: nothing is called `x`"
        ]
    );
    let (err, out) = says(":help\n");
    assert_eq!(err, "");
    for command in
        [":vars", ":type EXPRESSION", ":budget", ":gas N", ":words N", ":save FILE", ":reset", ":quit"]
    {
        assert!(out.contains(command), "{out}");
    }
}

/// A saved session is a program that writes what the session wrote.
#[test]
fn a_saved_session_is_a_program() {
    let directory = temporary();
    let lines = "import lists\nconst N = 3\ntyp point {u x, u y}\np = point{N, 2}\ndef f(x):\n    # A comment.\n    return x\n\
                 p.x == 3\nprint(f(p.x))\nl = [1]\nl.append(5) # five\nl\nl.pop() == 5\n1 / 0\nprint(lists.sum(l))\n\
                 for k in range(2):\n    print(k)\nyield 8\nlen(l)\nt = \"(\"\n";
    let ran = session_in(
        Some(directory.path()),
        "--quiet",
        &format!("{lines}:save done.et\n:save done.et\n:save x\n"),
    );
    assert!(ran.err.contains("error: done.et: this is there already, and stays\nerror: x: "), "{}", ran.err);
    let path = directory.path().join("done.et");
    let program = keyvm("run", &[&path]);
    assert_eq!((program.code, &*program.err), (Some(0), ""));
    assert_eq!(program.out, "3\n1\n0\n1\n8\n");
    assert_eq!(ran.out, "true\n3\n[1, 5]\ntrue\n1\n0\n1\n8\n1\n");
}

/// What makes no program is not written.
#[test]
fn a_session_that_is_no_program_is_not_saved() {
    let directory = temporary();
    for (lines, wrong) in [
        ("def a(): return 1\nprint(a())\na = 3\n", "print(a())"),
        ("b = 3\nconst b = 4\n", "const b = 4"),
        ("def main(): print(1)\n\nmain()\n", "main()"),
        ("def main(n): print(n)\n\n", "def main(n)"),
        ("if false: y = 1\n\ny = \"text\"\n", "y = \"text\""),
    ] {
        let ran = session_in(Some(directory.path()), "--quiet", &format!("x = 1\n{lines}:save no.et\nx\n"));
        let begin = "error: no.et: nothing was written: as a program, this is wrong\nerror: ";
        assert!(ran.err.starts_with(begin) && ran.err.contains(wrong), "{lines}{}", ran.err);
        assert!(!directory.path().join("no.et").exists(), "{lines}");
        assert!(ran.out.ends_with("1\n"), "{lines}{}", ran.out);
    }
    // It would be one, of another meaning.
    let lines = "b = 3\ndef b(): return 1\nh = b\nprint(h())\n:save no.et\n";
    let ran = session_in(Some(directory.path()), "--quiet", lines);
    let wrong =
        "error: no.et: nothing was written: in a program, `b` would still be the variable in `h = b`\n";
    assert_eq!((&*ran.err, &*ran.out), (wrong, "1\n"));
    assert!(!directory.path().join("no.et").exists());
    let lines = "b = 3\ndef b(): return 1\ndef a(): return 1\na = 3\nprint(a)\n:save yes.et\n";
    let ran = session_in(Some(directory.path()), "--quiet", lines);
    assert_eq!((&*ran.err, &*ran.out), ("", "3\n"));
    assert_eq!(keyvm("run", &[&directory.path().join("yes.et")]).out, "3\n");
}

#[test]
fn a_name_that_was_defined_anew_is_told_of_when_it_matters() {
    let directory = temporary();
    let saved = |lines: &str| {
        let _ = std::fs::remove_file(directory.path().join("s.et"));
        let ran = session_in(Some(directory.path()), "--quiet", &format!("{lines}:save s.et\n"));
        (ran.err, keyvm("run", &[&directory.path().join("s.et")]))
    };
    let lines = "const N = 1\ndef f(): return N\nprint(f())\nconst N = 2\nprint(f())\n";
    let (err, program) = saved(lines);
    let warning =
        "warning: `N` was defined anew after it was used by `print(f())`, which uses the new one in s.et\n";
    assert_eq!((&*err, &*program.out), (warning, "2\n2\n"));
    let (err, program) = saved("const N = 1\ndef f(): return N\nN\nx = 5\nconst N = 2\nprint(f() + x)\n");
    assert_eq!((&*err, &*program.out), ("", "7\n"));
}

/// Whoever types at random does not bring it down.
#[test]
fn nonsense_is_survived() {
    let (_, out) = says(
        "(\n)\n[[[\n]]]\nx = \n\"\n'\n$\n$fail(3)\n$memresize(2, 0)\n1\n:reset\n$store64(2, 0, 0, 0)\n$halt()\n\
         $store64(2, 0, 8, 18446744073709551615)\nif\ndef\ndef f(\n)\nimport nothing\nl = [1]\n$store64(2, 8, $load64(2, 0, 0) - 8, 5)\nl\n7\n",
    );
    assert!(out.ends_with("7\n"), "{out}");
}

#[test]
fn what_variables_refer_to_stays_when_the_rest_is_collected() {
    let make = "for k in range(8000): names[k % 10] = \"number \" + str(k)\n";
    writes(
        &format!(
            "names = array(10, \"\")\n:words 30000\n{make}text first = names[0]\n{make}names[9]\nfirst\n"
        ),
        "\"number 7999\"\n\"number 7990\"\n",
    );
}

#[test]
fn the_budget_of_a_session_is_the_documented_one() {
    let document = include_str!("../../docs/cli.md");
    assert!(document.contains("for the whole session: 10^9 and 2^24 if nothing is said"));
    let help = super::command().args(["repl", "--help"]).output().expect("it can be run").stdout;
    let help = String::from_utf8(help).expect("it is text");
    for default in [1_000_000_000, 1 << 24] {
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
}
