//! What is told of where a run stood: the place in the text, or in the code where nothing is known of a text, and who
//! called whom.

use super::{Ran, keyvm, temporary, written};
use std::path::Path;

/// Runs a text, and the stripped image that is built of it, with these options; the messages, with `FILE` for the file. An
/// image that is not stripped is told of as the text is, but for the line of the text.
fn both(text: &str, options: &str) -> [String; 2] {
    let directory = temporary();
    let source = written(&directory, "it.kasm", text);
    let image = directory.path().join("it.blob");
    let stripped = directory.path().join("stripped.blob");
    assert_eq!(keyvm("build -o", &[&image, &source]).code, Some(0));
    assert_eq!(keyvm("build --strip -o", &[&stripped, &image]).code, Some(0));
    let file = source.display().to_string();
    let [source, image, stripped] = [source, image, stripped].map(|file| {
        let Ran { err, .. } = keyvm(&format!("run {options}"), &[&file]);
        err
    });
    let without_text: String =
        source.split_inclusive('\n').filter(|line| !line.starts_with("      ")).collect();
    assert_eq!(image, without_text);
    [source.replace(&file, "FILE"), stripped]
}

#[test]
fn a_trap_in_a_subroutine_is_told_with_the_calls_that_led_there() {
    let text = "\
; A remark.
        yield 1 (call(10, :outer))
func outer 1 -> 1
        params n
        set n (add(get n, 1))
again:  ret(call(get n, :half))
func half 1 -> 1
        params n
        ret(div(get n,
            sub(get n, 11)))
";
    let [source, stripped] = both(text, "");
    assert_eq!(
        source,
        "\
trap DivideByZero (11): Division by zero.
  process 3 (root), in half at FILE:9:13, index 16: div
      ret(div(get n,
  operands, the top last: 11, 11, 11, 0
    called from outer at FILE:6:13, index 9: call :half
    called from FILE:2:18, index 1: call :outer
"
    );
    assert_eq!(
        stripped,
        "\
trap DivideByZero (11): Division by zero.
  process 3, index 16: div, in F11+5
  operands, the top last: 11, 11, 11, 0
    called from index 9: call :F11, in F3+6
    called from index 1: call :F3
"
    );
}

/// What is said first of the trap that a text ends with.
fn meaning(text: &str) -> String {
    both(text, "")[1].lines().next().unwrap_or_default().to_owned()
}

#[test]
fn too_few_operands_are_told_with_how_many_are_needed() {
    let underflow =
        |name: &str, needed: &str| format!("trap StackUnderflow (2): FEW This `{name}` needs {needed}.");
    let few =
        keyvm::isa::Trap::ALL.iter().find(|row| row.0 == keyvm::isa::Trap::StackUnderflow).unwrap().2.trim();
    for (text, name, needed) in [
        ("recurse 1, 1 (7, 0)", "recurse", "5 operands"),
        ("invoke 2", "invoke", "3 operands"),
        ("return 1", "return", "1 operand"),
        ("add(1)", "add", "2 operands"),
    ] {
        assert_eq!(meaning(text), underflow(name, needed).replace("FEW", few), "{text}");
    }
    assert_eq!(meaning("pick 1"), format!("trap StackUnderflow (2): {few}"));
}

#[test]
fn a_bad_target_is_told_as_that_of_a_jump_or_of_a_call() {
    for (text, wanted) in [
        ("jump 9", "A jump past the end of the code."),
        ("jumpto(9)", "A jump past the end of the code."),
        ("call 0", "A call of something that is no subroutine."),
        ("callto 1->1 (7, 0)", "A call of something that is no subroutine of the named type."),
    ] {
        assert_eq!(meaning(text), format!("trap BadTarget (5): {wanted}"), "{text}");
    }
}

#[test]
fn operands_with_the_top_bit_set_are_shown_with_their_sign_too() {
    let [source, _] = both("push 1\npush -2\npush 3\n.word 0xff", "");
    assert!(source.contains("operands, the top last: 1, 18446744073709551614 (-2), 3\n"), "{source}");
}

#[test]
fn of_many_calls_the_innermost_and_the_outermost_are_told() {
    // Ten functions that call each other in a circle.
    let mut text =
        "call :f0\nfunc f0 0 -> 0\njumpif(lt(mempush(0, meta.FRAMES), 1_000), :more)\n.word 0xff\n\
                    more: call :f1\n"
            .to_owned();
    for k in 1..10 {
        text += &format!("func f{k} 0 -> 0\ncall :f{}\n", (k + 1) % 10);
    }
    let [source, _] = both(&text, "");
    let called = |from: usize| match 9 - from % 10 {
        0 => "    called from f0 at FILE:5:7, index 9: call :f1\n".to_owned(),
        k => {
            let (line, index, next) = (5 + 2 * k, 9 + 2 * k, (k + 1) % 10);
            format!("    called from f{k} at FILE:{line}:1, index {index}: call :f{next}\n")
        }
    };
    let wanted = format!(
        "\
trap UnknownInstruction (1): The word is no instruction.
  process 3 (root), in f0 at FILE:4:7, index 8: .word 0xff
      .word 0xff
  no operands
{}    … 970 calls more …
{}    called from FILE:1:1, index 0: call :f0
",
        (0..15).map(called).collect::<String>(),
        (985..1000).map(called).collect::<String>()
    );
    assert_eq!(source, wanted);
}

#[test]
fn calls_that_come_again_and_again_are_told_once() {
    let text = "call :even\nfunc even 0 -> 0\njumpif(lt(mempush(0, meta.FRAMES), DEPTH), :more)\n.word 0xff\n\
                more: call :odd\nfunc odd 0 -> 0\ncall :even";
    let odd = "    called from odd at FILE:7:1, index 11: call :even\n";
    let even = "    called from even at FILE:5:7, index 9: call :odd\n";
    for (depth, told) in [
        ("2", format!("{odd}{even}")),
        ("4", format!("{odd}{even}    … and these 2 1 time more\n")),
        ("1_000", format!("{odd}{even}    … and these 2 499 times more\n")),
    ] {
        let [source, _] = both(&text.replace("DEPTH", depth), "");
        let calls = source.split_once("  no operands\n").expect("it tells operands").1;
        assert_eq!(calls, format!("{told}    called from FILE:1:1, index 0: call :even\n"));
    }
}

#[test]
fn calls_from_one_place_are_told_once() {
    let text = "call :down\nfunc down 0 -> 0, 1\nset 0 (add(get 0, mempush(0, meta.FRAMES)))\n\
                jumpif(lt(mempush(0, meta.FRAMES), DEPTH), :more)\n.word 0xff\nmore: call :down";
    for (depth, more) in [(1, ""), (2, "\n"), (3, "1 time"), (1_000, "998 times")] {
        let [source, stripped] = both(&text.replace("DEPTH", &depth.to_string()), "");
        let again = match more {
            "" => String::new(),
            "\n" => "    called from down at FILE:6:7, index 15: call :down\n".to_owned(),
            _ => format!(
                "    called from down at FILE:6:7, index 15: call :down\n    … and from there {more} more\n"
            ),
        };
        let wanted = format!("{again}    called from FILE:1:1, index 0: call :down\n");
        let calls = source.split_once("operands, the top last: ").expect("it tells operands").1;
        assert_eq!(calls.split_once('\n').expect("it tells calls").1, wanted);
        assert_eq!(stripped.lines().count(), source.lines().count() - 1, "{stripped}");
    }
}

#[test]
fn calls_in_a_sandbox_are_told_and_who_called_it() {
    let text = "\
code inner {
        call(0, :f)
func f 1 -> 0
        ret(div(1, get 0))
}
        call(:boxed)
func boxed 0 -> 0
        recurse 0 (create(inner, 0), 50, 50)
        jumpif(ne(status.Returned), :bad)
        halt
bad:    unreachable
";
    let [source, stripped] = both(text, "");
    let before = "  before: process 5 trapped, DivideByZero, in f at FILE:4:13, index 5: div\n    \
                  called from FILE:2:9, index 1: call :f\n";
    assert!(source.ends_with(before), "{source}");
    assert!(source.contains("  process 3 (root), in boxed at FILE:11:9, index"), "{source}");
    assert!(source.contains("\n    called from FILE:6:9, index 0: call :boxed\n"), "{source}");
    let before = "  before: process 5 trapped, DivideByZero, index 5: div, in F2+3\n    \
                  called from index 1: call :F2\n";
    assert!(stripped.ends_with(before), "{stripped}");
    // While it is in there, the process that waits is told.
    let dry = text.replace("ret(div(1, get 0))", "again: jump :again");
    let [source, _] = both(&dry.replace("50, 50", "900, 50"), "--gas 500");
    let wanted = "
    called from FILE:2:9, index 1: call :f
  called by process 3 (root), in boxed at FILE:8:9, index 7: recurse 0, 0
    called from FILE:6:9, index 0: call :boxed
";
    assert!(source.contains(wanted), "{source}");
}

#[test]
fn a_snapshot_tells_as_much() {
    let directory = temporary();
    let source = written(&directory, "it.kasm", "func outer 0 -> 0\nagain: jump :again");
    let snapshot = directory.path().join("it.blob");
    let dry = |ran: Ran| ran.err.lines().nth(1).map(str::to_owned);
    let place = format!("  process 3 (root), in outer at {}:2:8, index 1: jump :again", source.display());
    let first = keyvm("run --gas 100 --snapshot", &[&snapshot, &source]);
    assert_eq!(dry(first), Some(place.clone()));
    for _ in 0..2 {
        let next = keyvm("resume --gas 100 --snapshot", &[&snapshot, &snapshot]);
        assert_eq!(dry(next), Some(place.clone()));
    }
}

#[test]
fn a_process_that_trapped_before_is_told_too() {
    let text = "\
code inner {
f:      div(1, 0)
}
        recurse 0 (create(inner, 0), 50, 50)
        jumpif(ne(status.Returned), :bad)
        halt
bad:    load64 2, 80 (0)
";
    let [source, stripped] = both(text, "");
    assert_eq!(
        source,
        "\
trap OutOfBounds (14): An address, index or field that does not exist.
  process 3 (root), in bad at FILE:7:9, index 11: load64 2, 80
      bad:    load64 2, 80 (0)
  operands, the top last: 11, 1, 0
  before: process 5 trapped, DivideByZero, in f at FILE:2:9, index 2: div
"
    );
    assert!(stripped.ends_with("\n  before: process 5 trapped, DivideByZero, index 2: div\n"), "{stripped}");
}

#[test]
fn a_dry_run_is_told_across_the_processes_that_wait() {
    let text = "\
image { root boss }
meter all { }
code boss_code {
        invoke 0 (1)
}
code worker_code {
        call(:work)
func work 0 -> 0
again:  jump :again
}
process boss { code boss_code standing keys { 1: worker(call) } }
process worker { code worker_code standing }
";
    let [source, stripped] = both(text, "--gas 1_000");
    let go_on = "nothing was saved; to go on from here next time, add --snapshot OUT.blob; or run it again with more --gas\n";
    assert_eq!(
        source,
        format!(
            "\
out of gas after 1000: the next instruction needs 1 at least and 0 is left
  process 5 (worker), in work at FILE:9:9, index 2: jump :again
      again:  jump :again
  no operands
    called from FILE:7:9, index 0: call :work
  called by process 4 (boss), at FILE:4:9, index 1: invoke 0, 0
{go_on}"
        )
    );
    assert!(stripped.contains("\n  process 5, index 2: jump :L2, in F1+1\n"), "{stripped}");
    assert!(stripped.contains("\n  called by process 4, index 1: invoke 0, 0\n"), "{stripped}");
}

#[test]
fn a_process_that_is_dry_on_its_way_down_is_told_where_it_waits() {
    // The helper uses its meter up, and is to go on; there is too little gas for the way from the worker down to it.
    let text = "\
image { root boss }
meter all { }
meter small { gas_limit 100 }
code boss_code {
        invoke 0 (1)
        drop(drop(drop))
        meterlimit(2, meter.GAS_LIMIT, 1_000)
        invoke 0 (1)
}
code worker_code {
        invoke 0 (1)
}
code endless {
again:  jump :again
}
process boss { code boss_code standing keys { 1: worker(call) 2: small(all) } }
process worker under small { code worker_code standing keys { 1: helper(call) } }
process helper under small { code endless standing }
";
    let [source, stripped] = both(text, "--gas 260");
    let wanted = "
  process 7 (worker), at FILE:11:9, index 1: invoke 0, 0
      invoke 0 (1)
  no operands
  called by process 6 (boss), at FILE:8:9, index 10: invoke 0, 0
";
    assert!(source.contains(wanted), "{source}");
    assert!(stripped.contains("\n  process 7, index 1: invoke 0, 0\n"), "{stripped}");
}

#[test]
fn a_keeper_is_told_as_such() {
    let text = "\
image { root kept }
meter all { }
code c { div(1, 0) }
code endless {
again:  jump :again
}
process kept { code c standing keeper helper(call) }
process helper { code endless standing }
";
    let [source, _] = both(text, "--gas 1_000");
    let wanted = "  as keeper of process 4 (kept), at FILE:3:10, index 2: div\n";
    assert!(source.contains(wanted), "{source}");
    assert!(
        source.contains("  process 5 (helper), in again at FILE:5:9, index 0: jump :again\n"),
        "{source}"
    );
}

#[test]
fn a_long_line_is_cut_and_shows_what_a_terminal_would_obey_as_text() {
    let text = format!(".word 0xff ; \u{1b}[2J {}", "x".repeat(200));
    let [source, _] = both(&text, "");
    let line = source.lines().nth(2).unwrap();
    assert!(line.starts_with("      .word 0xff ; \\u{1b}[2J xxx") && line.ends_with("x …"), "{line}");
    assert!(line.chars().count() < 130, "{line}");
}

#[test]
fn a_root_that_cannot_be_called_is_told() {
    let [source, _] = both("process p { }\ncode main2 { halt }\nmeter all { }\nhalt", "--json");
    assert_eq!(
        source,
        "the root process cannot be called: it does not stand, so it has no meter to run under\n"
    );
}

/// What is told of a program that traps, without the numbers of the processes.
fn told(program: &str) -> String {
    told_with(program, &[])
}

/// The same of a program with these arguments.
fn told_with(program: &str, arguments: &[&str]) -> String {
    let directory = temporary();
    let source = written(&directory, "p.et", program);
    let mut words = vec![source.as_path()];
    words.extend(arguments.iter().map(Path::new));
    let Ran { err, .. } = keyvm("run", &words);
    let err = err.replace(&source.display().to_string(), "FILE");
    let lines = err.lines().map(|line| match line.split_once("process ") {
        Some((before, rest)) => {
            format!("{before}process{}\n", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn jobs_that_a_program_went_on_after_are_not_told() {
    let told = told(
        "\
def plugin(x) -> u:
    assert x > 10, \"plugin\"
    return 1
def culprit(x) -> u:
    return 7 / x
for n in range(5):
    job = try plugin<10000,1000>(n)
print(culprit<10000,1000>(0))
",
    );
    let wanted = "\
trap Failed (10): a sandboxed call did not return; its status is trapped
  process trapped, DivideByZero, in culprit at FILE:5:12
      return 7 / x
  called by process, in main at FILE:8:7
";
    assert_eq!(told, wanted);
}

#[test]
fn the_job_that_a_failure_may_be_about_is_told() {
    let plugin = "\
def plugin(x) -> u:
    assert x > 10, \"plugin\"
    return 1
first = try plugin<10000,1000>(3)
first = try plugin<10000,1000>(4)
other = try plugin<10000,1000>(50)
";
    let before =
        "  before: process trapped, Failed (an assertion does not hold: plugin), in plugin at FILE:2:12\n";
    for (last, said) in [
        ("assert first.status == status.returned", "an assertion does not hold"),
        ("assert first.status == 0, \"no\"", "an assertion does not hold: no"),
        ("print(first.value)", "a job without a value"),
    ] {
        let told = told(&format!("{plugin}{last}\n"));
        assert!(told.starts_with(&format!("trap Failed (10): {said}\n")), "{told}");
        assert_eq!(told.matches("before").count(), 1, "{told}");
        assert!(told.ends_with(before), "{told}");
    }
    let told = told(&format!("{plugin}print(1 / (other.value - 1))\n"));
    assert!(told.starts_with("trap DivideByZero") && !told.contains("before"), "{told}");
}

#[test]
fn across_many_borders_the_way_down_is_told() {
    let told = told(
        "\
def fails(n) -> u:
    if n == 0: return 1 / n
    return fails<gas()*3/4,words()*3/4>(n - 1)
print(fails<1000000,200000>(4))
",
    );
    let wanted = format!(
        "\
trap Failed (10): a sandboxed call did not return; its status is trapped
  process trapped, DivideByZero, in fails at FILE:2:23
      if n == 0: return 1 / n
{}  called by process, in main at FILE:4:7
",
        "  called by process, in fails at FILE:3:12\n".repeat(4)
    );
    assert_eq!(told, wanted);
}

#[test]
fn a_callee_that_ran_dry_is_told_where_it_stands() {
    let told = |program: &str, words: &str| {
        let told = told(program);
        assert!(told.contains(words), "{told}");
        assert!(told.contains("  called by process, in main at FILE:"), "{told}");
    };
    told(
        "def c() -> u:\n    while: pass\n    return 1\nprint(c<1000,100>())\n",
        "out_of_gas\n  process ran out of gas, in c at FILE:2:5\n      while: pass\n",
    );
    told(
        "def c() -> u:\n    return len(array(100000, 7))\nprint(c<1000,100>())\n",
        "  process ran out of words, in ",
    );
    // Nothing of it has been executed.
    told(
        "def c() -> u:\n    return 1\nprint(2)\nprint(c<1,1>())\n",
        "  process ran out of gas, before its first statement\n  called by",
    );
    // The callee of a callee, within what that was given.
    told(
        "def inner() -> u:\n    while: pass\n    return 1\ndef outer() -> u:\n    return inner<300,50>()\n\
         print(outer<1000,500>())\n",
        "trapped\n  process ran out of gas, in inner at FILE:2:5\n      while: pass\n  called by process, in outer at FILE:5:12\n",
    );
}

#[test]
fn an_argument_that_is_missing_or_no_number_is_named() {
    let number = "print($arg(0) + $arg(1))";
    let text = "print(arg_text(0), arg_text(1))";
    for (program, arguments, said) in [
        (number, &["5", "abc"][..], "argument 1, `abc`, is not a decimal number"),
        (number, &["5", ""], "argument 1, ``, is not a decimal number"),
        (
            number,
            &["18446744073709551616", "5"],
            "argument 0, `18446744073709551616`, is too large: the largest is 18446744073709551615",
        ),
        (
            number,
            &["-9223372036854775809", "5"],
            "argument 0, `-9223372036854775809`, is too small: the least is -9223372036854775808",
        ),
        (number, &["5"], "argument 1 is missing"),
        (number, &[], "argument 0 is missing"),
        (text, &["abc"], "argument 1 is missing"),
    ] {
        let told = told_with(program, arguments);
        assert_eq!(told.lines().next(), Some(&*format!("trap Failed (10): {said}")), "{told}");
    }
}

#[test]
fn what_was_written_comes_before_what_it_called_in_the_library() {
    let first = without_lines_of_the_library(&told_with("print($arg(0) + $arg(1))", &["5", "abc"]));
    let wanted = "\
trap Failed (10): argument 1, `abc`, is not a decimal number
  process, in main at FILE:1:17
      print($arg(0) + $arg(1))
    then in runtime.arg_word at <library>/runtime.et
    then in runtime.no_number at <library>/runtime.et
";
    assert_eq!(first, wanted);
    // In a process that waits, and in one in which nothing that was written has begun.
    let program = "\
def takes(u[] l) -> u: return len(l)
def calls(n) -> u:
    l = array(1000, n).list()
    return takes<100,5000>(l)
print(calls(1))
";
    let second = without_lines_of_the_library(&told(program));
    let wanted = "\
trap Failed (10): a sandboxed call did not return; its status is out_of_gas
  process ran out of gas, in takes (sandboxed) at FILE:1:1
      def takes(u[] l) -> u: return len(l)
    then in flat.unpack at <library>/flat.et
";
    assert!(second.starts_with(wanted), "{second}");
    assert!(
        second.ends_with("\n  called by process, in calls at FILE:4:12\n    called from main at FILE:5:7\n"),
        "{second}"
    );
}

/// Without the lines and columns in files of the library.
fn without_lines_of_the_library(told: &str) -> String {
    let shortened = |line: &str| match line.split_once(".et:") {
        Some((before, _)) if line.contains("<library>/") => format!("{before}.et\n"),
        _ => format!("{line}\n"),
    };
    told.lines().map(shortened).collect()
}

#[test]
fn a_part_of_none_is_told_as_such() {
    let node = "typ node {u a, node next}\ndef next(node n) -> u:\n    return n.next.a\n";
    assert_eq!(
        told(&format!("{node}print(next(node{{1, none}}))\n")),
        "\
trap OutOfBounds (14): a part of something that is `none`
  process, in next at FILE:3:12
      return n.next.a
    called from main at FILE:4:7
"
    );
    assert_eq!(
        told(&format!("{node}n = node{{1, none}}\nn.next.a = 2\n")),
        "trap OutOfBounds (14): a part of something that is `none`\n  process, in main at FILE:5:1\n      n.next.a = 2\n"
    );
    assert_eq!(
        told(&format!("{node}print(next<10000,1000>(node{{1, none}}))\n")),
        "\
trap Failed (10): a sandboxed call did not return; its status is trapped
  process trapped, OutOfBounds (a part of something that is `none`), in next at FILE:3:12
      return n.next.a
  called by process, in main at FILE:4:7
"
    );
    // Any other address is none of these.
    assert_eq!(
        told("print($load64(2, 0, 0xfffffffeffffffff))\n").lines().next(),
        Some("trap OutOfBounds (14): An address, index or field that does not exist.")
    );
}

#[test]
fn calls_of_a_function_that_calls_itself_are_told_once() {
    let told = told(
        "\
def deep(n) -> u:
    if n == 0: return 1 / n
    return deep(n - 1) + 1
print(deep(60))
",
    );
    let wanted = "\
trap DivideByZero (11): Division by zero.
  process, in deep at FILE:2:23
      if n == 0: return 1 / n
    called from deep at FILE:3:12
    … and from there 59 times more
    called from main at FILE:4:7
";
    assert_eq!(told, wanted);
}
