//! What is said of each mistake: the whole text with the whole message, in `snapshots/`.

use super::checked;

const GEOMETRY: &str = "const SCALE = 3\ntyp point {u x, u y}\ndef double(n) -> u: return n + n\n";

macro_rules! refused {
    ($($name:ident: $source:expr;)*) => { $(
        #[test]
        fn $name() {
            let source: &str = $source;
            let message = checked(source, &[("geometry", GEOMETRY)]).map(|_| ()).expect_err("a mistake");
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), format!("{source}\n\n{message}"));
            });
        }
    )* };
}

refused! {
    // Names at the top level.
    a_name_declared_twice: "def f(): pass\nconst f = 1\nimport geometry\ntyp geometry {u x}";
    a_struct_of_one_letter: "typ T {u x}";
    structs_with_names_of_the_language: "typ text {u a}\ntyp status {u b}\ntyp label {u c}";
    a_main_besides_statements: "def main(): pass\nprint(1)";
    a_main_with_parameters: "def main(x): pass";
    a_field_declared_twice: "typ point {u x, f x}";
    a_parameter_declared_twice: "def f(a, i b, a): pass";
    a_parameter_without_a_default_behind_one: "def f(a = 1, b): pass";
    constants_that_need_one_another: "const A = B + 1\nconst B = A * 2\nconst C = C\nyield A";
    a_constant_that_is_none: "def f(): return 1\nconst A = f()\nconst B = 1 / 0\nconst C = [1]\ndef g(x = f()): pass\nyield A";
    a_constant_of_a_broken_one: "const A = B\nconst C = A + 1\nyield C";

    budgets_of_another_number: "def f(x): return x\nprint(f<1, 2, 3>(4))\nprint(f<(f<5, 5>(5)), 5>(1), f<f<5, 5>(5), 5>(1))";

    // Types that are written.
    an_unknown_type: "typ point {f x}\ndef f(piont p): pass\ndef g(int x, string[] y, float z, numbr w): pass";
    a_type_by_a_word_of_another_language: "let x = 1\nint y = x\nglobal z = 1\nrecord r = none\ndef f(class c): pass";
    a_type_of_an_unknown_file: "import geometry\ngeometry.pont p = none\ngeometri.point q = none";
    a_name_that_is_no_type: "const N = 1\ndef g(N x): pass";
    an_unknown_letter: "def f(T x):\n    S y = x\ntyp box {T inside}";
    types_with_the_wrong_parts: "def f(list x, map(u) y): pass";
    a_key_that_is_no_key: "map(f, u) m = {}\nn = {1.5: 2}\ndef f(list(u) l): return {l: 1}";
    nothing_that_is_empty: "x = job(u)()";
    an_endless_type: "x = []\nx.append(x)";

    // Types that are not known.
    a_list_of_nothing_known: "x = []\ny = {}\nz = none";
    a_condition_of_nothing_known: "x = 1 if none else 2";
    an_element_of_nothing_known: "x = []\nprint(x[0])";
    results_of_nothing_known: "def f(x): return f(x + 1)\ndef g(): return []\ndef h(x):\n    return j(x)\ndef j(x):\n    return h(x)";
    recursion_of_any_type: "def f(T x, n):\n    if n == 0: return x\n    return f(x, n - 1)";

    // Types that do not fit.
    a_text_for_a_number: "u x = \"a\"\ntext t = 5\ndef f(text t): pass\nf(1.5)";
    numbers_of_different_kinds: "a = 1\nb = -1\nc = 1.5\nprint(a + b, b * c, a == c)\na = b\nc = len([1])";
    a_negative_u: "u x = -1";
    numbers_that_do_not_fit: "i x = 0x8000000000000000\ni y = -0x8000000000000001";
    a_list_for_an_array: "array(u) a = [1]\nl = [1]\na = l\nl = array(1, 2)";
    sides_of_different_types: "print(\"a\" + 1, 1 + \"a\", [1] == [1.5], true == 1, \"a\" < b\"a\")";
    operators_that_are_not_there: "print(true + false, \"a\" * \"b\", 1.5 % 2.0, 1.5 & 2.5, [1] < [2], -\"a\", ~1.5, not 1, 1.5 << 2)";
    shifts_by_what_is_no_u: "i x = 1\nprint(1 << x, x << x)";
    operators_of_any_type: "def f(T a, T b):\n    print(a)\n    if a == b: return a\n    return a + b\ndef g(T[] l, T x):\n    return x in l";
    conditions_that_are_none: "if 1.5: pass\nwhile \"a\": pass\nif [1]: pass\nx = 1 if none else 2\nassert \"x\"";
    elements_of_different_types: "x = [1, \"a\"]\ny = {\"a\": 1, \"b\": true}\nz = [1.5, none]";
    a_choice_of_different_types: "x = 1 if true else \"a\"";
    a_none_for_a_number: "u x = none\nif 5 == none: pass\ntext t = none";
    another_type_than_before: "x = 1\nx = \"a\"\ny = 1\ni y = 2\nz = 1\nz += 1.5";
    another_type_than_before_is_said_once: "def f():\n    x = 1\n    x = \"a\"\n    print(x + \"b\", len(x), x.find(\"a\"), x * 2)\n    x = 1.5\n    for c in x: print(c)\n    return x\nprint(f() + 1)";
    a_variable_of_a_loop_behind_it: "n = 1\nfor n in [\"a\"]: print(n)\nprint(n)\nn = 5\nwhile n > 1: n -= 1";
    conversions_that_are_not_there: "print(u(\"5\"), f(true), i([1]))";
    what_has_no_text: "typ point {f x}\nprint(point{1}, [1])\ntext t = str({1: 2})";
    numbers_that_are_none: "print(abs(\"a\"), min(\"a\", \"b\"), sqrt(2 + 1 == 3), max(1, 1.5, 2))";

    // What other languages write.
    a_list_from_its_end: "l = [1]\nprint(l[-1], l[-2:], l[:-1], \"abc\"[-1], b\"abc\"[-1])\nl[-1] = 5\nl[-1] += 5\nk = page(1)\nk[-1] = k[-1]";
    a_range_downwards: "for k in range(10, 0, -1): print(k)\nfor k in range(-1, -5, -2): print(k)\nfor k in range(5, 0, 0): print(k)\ni n = -1\nfor k in range(n, 5, -n): print(k)";
    negative_shifts_and_budgets: "def f(x): return x\nx = 1 << -1\nx = 1 >> -1\nprint(f<-1, 5>(2), f<5, -1>(2))";
    a_text_times_a_number: "x = \"a\" * 3\ny = 3 * \"a\"\nz = \"%d\" % 5\nw = \"%s %s\" % \"a\"\nl = [0] * 5\nm = 5 * [0]";
    methods_that_are_functions_of_the_library: "x = \"a\".upper()\ny = [2, 1].sort()\nz = \"a\".spilt(\",\")\nw = \"a\".frobnicate()";
    a_list_of_functions: "def op(u x) -> u: return x\ndef(u) -> u[] l = [op]";
    a_loop_over_a_generator: "def gen(u n):\n    for k in range(n): yield \"a\"\nfor x in gen(3): print(x)\ndef counted(u n) -> u:\n    yield n\n    return n\nfor x in counted(3): print(x)\njob = try gen<1000, 100>(3)\nfor x in job: print(x)\ndef lists() -> u[]:\n    yield [1]\n    return [2]\ndef sums():\n    for x in lists(): pass";
    structs_as_conditions: "typ point {u x}\np = point{1}\nif p: print(1)\nwhile not p: pass\nif p and true: pass\nassert p";
    an_instruction_that_is_a_function: "x = $gass()\ny = $popcn(1)\nz = $gas()";
    print_without_a_line_end: "print(\"a\", end=\"\")\nprint(\"a\", \"b\", sep=\"\")\nprint(\"a\", x=1)";
    what_follows_is_not_said: "import strings\nstrings = 5\nprint(strings)\ny == 3\nprint(1) == 3\nx = 1\nx == 3";
    a_main_that_gives_something: "def main() -> u: return 1";
    names_and_values_that_lack: "def f(a, b): return a\nprint(f(1))\nx = qwertz(1)\nc, d = 1";

    // Names in functions.
    an_unknown_name: "count = 1\nprint(cuont)\nprnt(5)\ny = null\nx = self";
    names_of_the_library: "sort([2, 1])\nprint(gcd(4, 6))\nl = lists.map([1], sort)\nruntime.allocate(8)\nborder.take(1)";
    a_variable_assigned_twice_at_once: "def f() -> (u, u): return 1, 2\na, a = f()\n_, _ = f()\nb, c, b = 1, 2, 3";
    literals_where_they_do_not_fit: "def f(u x, text t): pass\nf(-1, 'a')\nt = \"abc\"\nprint('a' in t)\nx = 2\nprint(x * 1.5, 1.5 * x, x == -1)";
    a_variable_of_the_main_program: "limit = 5\ndef f(x): return x < limit\nprint(f(1))";
    a_variable_that_may_be_unassigned: "n = $arg(0)\nif n > 1:\n    x = 1\nelif n > 2:\n    y = 1\nelse:\n    x = 2\nprint(x, y)\nwhile n > 5:\n    z = 1\n    break\nprint(z)\nfor k in range(3): pass\nprint(k)";
    a_variable_before_it_is_assigned: "print(x)\nx = 1\nprint(x)\ny += 1";
    a_break_before_the_variable_is_assigned: "n = $arg(0)\nwhile:\n    if n > 5: break\n    x = 1\n    if n > 6: break\nprint(x)";
    names_that_are_no_values: "import geometry\ntyp point {f x}\nx = point\ny = geometry\nz = len\nw = geometry.point";
    a_function_that_yields_as_a_value: "def f(): yield 1\ng = f";
    what_a_file_does_not_have: "import geometry\nprint(geometry.SCALES, geometry.duoble(1))\nmath.sin(1.5)";
    an_unknown_status_or_right: "print(status.trappd, right.x)";
    an_assigned_constant: "const N = 1\nN = 2\nN += 1\nimport geometry\ngeometry = 1\ndef f():\n    N += 1\ndef g():\n    for N in range(2): pass";

    // Parts of values.
    an_unknown_field: "typ point {f x, f y}\np = point{1, 2}\nprint(p.z)\np.xx = 1\np.f()";
    an_unknown_method: "x = [1]\nx.push(2)\nx.lenght()\nprint(x.length, x.append, \"a\".upper(), (1).foo, 1.5.bar())";
    a_field_of_what_has_none: "x = 1\nx.y = 2\nt = \"a\"\nt.len = 5";
    a_job_without_a_value: "def f(): pass\nj = try f<5, 5>()\nprint(j.value, j.statas)";
    elements_of_what_has_none: "x = 1\nprint(x[0], x[1:2], 1 in x, len(x))\nx[0] = 1\nt = \"abc\"\nt[0] = 'x'\nfor y in 5: pass\nm = {1: 2}\nprint(m[0:1])";
    an_index_that_is_no_u: "x = [1]\ny = -1\nprint(x[y], x[\"a\"], x[1.5:])\nx[y] = 2\nm = {\"a\": 1}\nprint(m[1])";
    a_struct_with_the_wrong_fields: "typ point {f x, f y}\np = point{1}\nq = point{1, 2, 3}\nr = point{x: 1, z: 2}\ns = point{1, x: 2}\nt = point{x: 1, 2}\nw = pont{1, 2}\nv = point{\"a\", 2}";

    // Calls.
    a_call_of_what_is_no_function: "x = 1\nx(2)\n(1.5)(2)\ntyp point {f x}\npoint(1)";
    the_wrong_number_of_arguments: "def f(a, b): pass\nf(1)\nf(1, 2, 3)\nlen()\nlen(1, 2)\n[1].append()\ng = f\ng(1)\n$arg()\nimport geometry\ngeometry.double()";
    arguments_by_the_wrong_name: "def f(alpha, b = 1): pass\nf(alpa=1)\nf(1, alpha=2)\nf(b=1, 2)\nlen(x=[1])\ng = f\ng(alpha=1, b=2)";
    an_argument_of_the_wrong_type: "def f(u[] l, text t = \"x\"): pass\nf(1, t=5)\nf([1.5])";
    what_gives_no_value: "def f(): pass\nx = f()\nprint(f() + 1)\ndef g(): return 1, 2\ny = g()\na, b, c = g()\nd, e = 1, 2, 3\nh, k = 5";
    the_host_in_a_function: "def f(): return console()\nprint(args().rights())";
    hosts_that_are_not_there: "n = \"sum\"\nk = host(n)\nj = host(\"\")\ndef f(): return host(\"sum\")\nh = host(\"sum\")\nh.ask([1])\nh.ask(host)\nh.ask(x=1)";
    a_host_with_too_long_a_name: &format!("a = host(\"{}\")\nb = host(\"{}\")", "n".repeat(64), "n".repeat(65));
    a_host_asked_with_too_much: &format!("k = host(\"sum\")\nb = bytes(1)\nk.ask({})", ["b"; 128].join(", "));
    a_range_as_a_value: "x = range(5)\nfor y in range(): pass\nfor z in range(1, 2, 0): pass\nfor w in range(1.5): pass\nfor v in range(0, -5, -1): pass";

    // Statements.
    a_way_without_a_return: "def f(x) -> u:\n    if x > 1: return 1\ndef g(x):\n    while x > 1:\n        return x\ndef h() -> u: pass";
    the_wrong_number_of_results: "def f() -> u: return\ndef g(x):\n    if x == 1: return 1\n    return 1, 2\ndef h(): \n    print(1)\n    return\ndef k() -> (u, u): return 1\ndef l() -> (u, u): return h()";
    results_of_the_wrong_type: "def f() -> u: return \"a\"\ndef g(x):\n    if x == 1: return 1\n    return \"a\"\ndef h() -> (u, text): return f2()\ndef f2(): return 1, 2";
    a_result_of_the_main_program: "return 5";
    a_break_outside_of_a_loop: "break\nif true: continue";
    a_comparison_for_an_assignment: "x = 1\nx == 2";
    an_assertion_with_a_number: "assert true == false, 5";

    // Yields and sandboxes.
    yields_of_different_types: "def f():\n    yield 1\n    yield \"a\"\ndef g():\n    yield 1.5\n    f()\nyield 1.5\ng()";
    a_function_that_yields_and_returns: "def f() -> text:\n    yield 1\n    return \"a\"\ndef g():\n    yield 1\n    return 1, 2";
    what_cannot_run_in_a_sandbox: "x = 1\ny = len<5, 5>([1])\nz = x<5, 5>(1)\nw = \"a\"<5, 5>()";
    a_budget_that_is_none: "def f(): return 1\nx = f<1.5, -1>()";
    a_job_with_arguments: "def f(): return 1\nj = try f<5, 5>()\ns = j<5, 5>(1)\nk = try j<5, 5>()\nl = j()";
    a_try_of_what_is_no_call: "def f(): return 1\nj = try f<5, 5>() else 1";
    several_results_in_a_sandbox: "def f(): return 1, 2\ndef g(): pass\nj = try f<5, 5>()\nx = f<5, 5>() else 1\ny = g<5, 5>() else 1\na, b = f<5, 5>()\nz = g<5, 5>()";
    what_cannot_be_a_service: "def f(text t) -> u: return 1\ndef g(key k, n) -> u: return n\ndef h(n) -> text: return \"\"\ndef i(n): yield n\ndef j(n): return n, n\ndef l(T x): pass\nm = meter(9, 9)\na = service(f, m)\nb = service(g, m)\nc = service(h, m)\nd = service(i, m)\ne = service(j, m)\no = service(l, m)\np = service(m, m)\nq = service(nothing, m)\nr = service(g, m, m, m)\ns = service(print, m)";
    services_and_meters_of_other_arguments: "def f(n) -> u: return n\nm = meter(9, 9)\nn = meter(9)\nn = meter(gas=9, words=9)\nk = service()\nk = service(f)\nk = service(f, 1)\nk = service(f, meter=m)\nm.limit(9)\nm.used(9)\nx = m.used()";
    keys_within_arguments: "typ box {key k}\ndef f(key[] l, box b, key k): pass\nf<5, 5>([page(1)], box{page(1)}, page(1))";
    jobs_as_arguments: "def f(): return 1\ndef g(job(u) j): pass\ng<5, 5>(try f<5, 5>())";
    results_that_are_not_trusted: "typ box {box[] more, key k}\ndef f(): return page(1)\ndef g(): return [f]\ndef h() -> box: return none\ndef j(): return try f2<1, 1>()\ndef f2(): pass\na = f<5, 5>()\nb = g<5, 5>()\nc = try h<5, 5>()\nd = j<5, 5>()";
    any_type_in_a_sandbox: "def g(T x): return x\ndef f(T x): return g<5, 5>(x)\ndef h(def(T) -> T call, T x): return call<5, 5>(x)\nprint(f(1))";

    // Instructions.
    an_unknown_instruction: "$ad(1, 2)\n$len([1])";
    instructions_that_are_refused: "$jump(1)\n$call(1)\n$ret()\n$halt()\n$slide(1, 1)\n$get(0)\n$yield(0, 0)\n$invoke(0, 0, 1)\n$const(0)";
    the_wrong_number_of_operands: "x = $add(1)\ny = $load64(0)\nz = $rotl(1, 2, 3)";
    immediates_that_are_wrong: "n = $arg(0)\nx = $load64(n, 0, 1)\ny = $load64(256, 0, 1)\nz = $push(0x80000000000000)\nw = $load64(2, 1.5, 0)";
    operands_that_are_no_numbers: "x = $add([1], \"a\")";
    an_instruction_without_a_result: "x = $store64(2, 0, 8, 1)\na, b = $keyinfo(page(1))\nc = $keyinfo(page(1))";

    // What is said of the rest where something could not be parsed.
    a_slip_of_syntax_hides_nothing_else: "def f(text t) -> u:\n    return t + 1\ndef g(x:\n    return x\nx = g(3)\ny = x + 1\nprint(y +)\ntext z = 5\nf(z, 1)\n";
    a_variable_of_a_statement_with_a_slip: "let total = (5\nprint(total + 1, totl)\ntotal += 2\nfor k in range(3:\n    print(k)\n    if k > 1: break\nprint(k, total)\nif x = 3:\n    y = [\nprint(y[0])\nu v = \"a\"\n";
    a_function_with_a_slip: "def gen(n):\n    for k in range(n):\n        yield (k\ndef twice(n):\n    gen(n)\ndef pair(x):\n    return x, (x\njob = try gen<10, 10>(3)\nprint(job.value, (try twice<10, 10>(3)).value)\na, b = pair(1)\nc = pair\nd = c(1) + pair(2, 3)\nfor x in gen(3): print(x)\ndef h(x) -> u:\n    if x: retrun 1\n    x++\n";
    a_declaration_with_a_slip: "fn add(a, b) {\n    return a + b\n}\nclass point:\n    def move(self): pass\ntyp box {width, height}\nconst N 5\nimport a b\nfunc = 1\nbox q = box{1, 2}\nprint(add(1, 2) + point(1).x + q.width + N + a.f(b.N))\ndef f(box q, point p) -> text: return q.width + N\nprint(f(1, 2) + 1)\n";
    a_function_without_its_block: "def f(x) -> u:\nreturn x\nprint(f(\"a\"))\ndef g() -> text: return 5\ndef main():\n    while true:\n    break\n    print(1 + \"a\")\n";
    a_function_within_another: "def outer(x):\n    def inner(y) -> u:\n        return x + y + \"a\"\n    return inner(\"b\") + inner(1)\n";
    a_slip_in_brackets_over_several_lines: "def f(u x) -> u: return x\ndef g():\n    assert (\n        f(1) == 1\n        and f(\"2) == 2\n        and f(3) == 3\n    ), \"a\"\n    return (\n        f(1)\n        + f((2)\n    )\nif (\n    f(1) == 1\n    or f(2 == 1\n):\n    print(1)\nx = 1 + \"a\"\n";
    a_program_with_a_slip_besides_main: "def main() -> u:\n    print(len(5)\n)) x\nprint(1 + \"a\")\n";

}

#[test]
fn statements_in_a_file_that_is_imported() {
    let message =
        checked("import other", &[("other", "x = 1\nprint(x)")]).map(|_| ()).expect_err("a mistake");
    assert!(message.contains("an imported file has no statements"), "{message}");
    let message = checked("import nowhere", &[]).map(|_| ()).expect_err("a mistake");
    assert!(message.contains("there is no file `nowhere.et`"), "{message}");
}
