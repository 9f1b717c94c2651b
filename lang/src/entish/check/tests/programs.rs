//! What is made of programs: the whole text with the whole program, in `snapshots/`.

use super::checked;
use super::formed::well_formed;
use super::show::show;

const GEOMETRY: &str = "const SCALE = 3\ntyp point {u x, u y}\ndef double(n) -> u: return n + n\n";

macro_rules! made {
    ($($name:ident: $source:expr;)*) => { $(
        #[test]
        fn $name() {
            let source: &str = $source;
            match checked(source, &[("geometry", GEOMETRY)]) {
                Ok(program) => {
                    well_formed(&program);
                    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                        insta::assert_snapshot!(stringify!($name), format!("{source}\n\n{}", show(&program)));
                    });
                }
                Err(message) => panic!("{message}"),
            }
        }
    )* };
}

made! {
    // Numbers and constants.
    numbers_take_the_type_that_is_expected: "i x = 1\nf y = 2\nf[] l = [1, -2, 2.5]\nz = x + 1 << 2\nw = 3 * y\nv = -1\nfor k in range(x, 5): pass\nprint(min(1, y), i(7), f(-3), 1 if x == 2 else 3)\nn = [1, -1]\ndef half(f x, f by = 2): return x / by\nprint(half(3))";
    literals_of_bits_are_integers: "z = f(1 + (-1 >> 'a'))\nz = f((-1 >> 2) / -1)\nz = f(-(7 & 3) * 2)\nz = f(~1)\nz = f(2 - ~1)\nz = f(1 << 2)\nz = f(1 + 2)";
    constants_are_folded: "const A = 2 + 3 * 4\nconst B = -7 / 2\nconst C = 1.5 * 2 < 4.0 and not false\nconst D = \"a\" + \"b\"\nconst E = u(B) >> 60\nconst F = f(A) / 0\nconst G = A if C else 1\nconst H = right.read | right.write\nimport geometry\nprint(A, B, C, D, E, F, G, H, geometry.SCALE, len(D), A - 20)";
    what_traps_is_not_folded: "print(1 / 0, 1 % 0, (-0x7fffffffffffffff - 1) / -1, u(1e30), i(-1.5))";
    conversions: "x = 5\ni y = -3\nz = 1.5\nc = true\nprint(u(y), i(x), f(x), f(y), u(z), i(z), u(c), i(c), u(x))";
    built_in_functions_of_numbers: "i x = -3\ny = 2\nz = 2.0\nprint(abs(x), abs(y), abs(z), min(x, 1), max(y, y + 1), min(z, 3), sqrt(z), floor(z), ceil(z), trunc(z), round(z))";
    operators: "x = 1\ni y = 2\nz = 1.5\nt = \"a\"\nb = b\"a\"\nl = [1]\nk = page(1)\nc = true\nprint(x / 2, y / 2, z / 2, x % 3, y % 3, x >> 1, y >> 1, ~x, -y, -z, x < 2, y < 2, z < 2, t < \"b\", b >= b, t == \"a\", b != b, k == k, k != k, c | c, c == c)\nl = l + [2]\nb = b + b\nt += \"x\"\nc = not (x == 1 or c) and l == l";

    // Control.
    conditions_that_are_known: "const DEBUG = false\nif DEBUG: print(1)\nelif 1 < 2: print(2)\nelse: print(3)\nwhile DEBUG: print(4)\nwhile 1:\n    if not DEBUG: break\n    print(5)\nx = 1 if DEBUG else 2\nassert 1 == 1";
    what_is_never_reached_is_dropped: "def f(x):\n    if x: return 1\n    else: return 2\n    print(3)\ndef g(x) -> u:\n    while:\n        if x > 5: return x\n        x += 1\n        continue\n        x += 2\ndef h(x) -> u:\n    assert false, \"never\"\ndef k(x) -> u: $fail(x)";
    ranges_that_count_themselves: "n = $arg(0)\nfor k in range(n): print(k)\nfor k in range(2, n * 2, 3): print(k)\ni m = 5\nfor j in range(-3, m): print(j)";
    ranges_with_a_hidden_counter: "n = 5\nfor k in range(n):\n    k += 1\n    n -= 1\nj = 7\nfor j in range(j): print(j)\nprint(j)\nfor n in range(n): pass";
    loops_over_elements: "l = [1]\nfor x in l:\n    l.append(x)\nfor y in [1, 2]: print(y)\nfor c in \"abc\": print(c)\nfor d in b\"abc\": print(d)\nm = {\"a\": 1}\nfor k in m: print(m[k])\na = array(3, 0)\nfor e in a:\n    a = array(1, e)";
    loops_that_begin_variables_of_other_types: "for n in [\"a\"]: print(n)\nfor n in range(3): print(n)\nn = 4\nfor n in [5]: print(n)\nprint(n)\nx = 1.5\ni y = -1\nfor x in range(2): print(x)\nfor y in range(2): print(y)\nprint(y)\nm = {1: [\"b\"]}\nfor m in m[1]: print(m)\ndef f(n):\n    for k in range(n):\n        for n in \"ab\".split(\"\"): print(n, k)\n    n = \"c\"\n    return n\nl = []\nfor v in l: print(v + \"x\")\nfor v in [1]: print(v + 1)\nl.append(\"y\")";
    variables_assigned_on_every_way: "n = $arg(0)\nif n > 5: x = 1\nelif n > 4:\n    while: pass\nelse: x = 2\nwhile:\n    y = x\n    if y: break\nprint(x, y)";

    // Objects.
    lists_and_maps: "u[] l = []\nl.append(1)\nprint(l.pop(), len(l), l[0], 2 in l)\nl.insert(0, 5)\nl.remove(1)\nl[0] = 3\nl[l[0]] += 2\ns = l[1:] + l[:2] + l[1:2]\nm = {}\nm[\"a\"] = [1.5]\nm[\"b\"].append(2)\nif \"a\" in m and not \"b\" in m: m.remove(\"a\")\nn = {1: true}\nn[1] = n.get(2, false)\ntext[] w = text[]()\nv = map(i, text)()\nprint(1.5 in [2.0], \"x\" in w, \"x\" in \"y\", len(v.keys()))";
    structs: "typ point {f x, f y}\ntyp node {u value, node next}\np = point{1, 2}\nq = point{y: 1, x: 2}\nr = point{y: f($arg(0)), x: f($arg(1))}\np.x += q.y\nn = node{1, none}\nn = node{2, n}\nn.next.value = 5\nif n.next != none: n.next = none\nimport geometry\ng = geometry.point{1, geometry.double(2)}\nprint(g.x)";
    texts_and_bytes: "t = \"a,b\"\nb = t.bytes()\nb[0] = 'x'\nb[1] ^= 1\nb.copy(0, b, 1, 1)\nt = \"-\".join(t.split(\",\")) + b.text()[1:] + str(t.find(\",\")) + str(true)\nprint(t[0], t.starts(\"a\"), len(b\"abc\"))\nc = bytes(5)\nc.fill(1)";
    keys: "k = page(2)\nk[0] = 5\nk[1] += k[0]\na, b = k.revocable()\nr = k.read_only().attenuate(right.read | right.copy)\nb.revoke()\nprint(len(k), k.rights(), a.kind(), r == k, console().rights())\nk.drop()\nk.destroy()";
    printing: "print()\nprint(1)\nprint(\"a\")\nprint(\"a\", 1)\nprint(1, \"a\", true, 1.5, -2)\nprint(\"a\", \"b\" + \"c\")";

    // Assignments.
    several_at_once: "a, b = 1, 2\na, b = b, a\nl = [1, 2]\nl[0], a = a, l[0]\na, l[1], b = b, a, 5\ndef two(): return 1, \"x\"\nc, d = two()\nl[0], e = two()\nx, y, z = a, 2, x2()\ndef x2(): return 3";
    updates_evaluate_once: "def next(u[] l):\n    l.append(1)\n    return l\ndef at(x): return x\nl = [1]\nnext(l)[at(0)] += at(1)\nm = {\"a\": 1}\nm[str(at(1))] -= 1\ntyp box {u x}\ndef make() -> box: return box{1}\nmake().x *= 2\nx = 1\nx <<= 2\nx |= 1";
    evaluated_in_the_order_of_the_text: "def f(a, b, c = 7): return a - b - c\ndef g(x): return x\nprint(f(b=g(1), a=g(2)), f(1, c=g(2), b=g(3)), f(c=1, b=2, a=3))\nprint(g(1) in [g(2)], min(g(1), g(2)))";

    // Functions.
    results_without_an_arrow: "def fact(n):\n    if n == 0: return 1\n    return fact(n - 1) * n\ndef even(n):\n    return true if n == 0 else odd(n - 1)\ndef odd(n):\n    return false if n == 0 else even(n - 1)\ndef both(n): return two(n)\ndef two(n): return n, str(n)\ndef nothing(n):\n    if n: return\n    print(n)\ndef lists(n):\n    if n == 0: return [[1]]\n    return lists(n - 1)[0:1]\nx, y = both(fact(5))\nnothing(lists(2)[0][0])\nprint(even(3))";
    types_found_by_their_use: "def walk(n):\n    out = []\n    for k in range(n):\n        for x in out: print(x)\n        out.append(str(k))\n    return out\nxs = []\nys = []\nxs.append(ys)\nys.append(1.5)\nz = xs[0][0] + 1\nm = {}\nm[\"a\"] = {}\nm[\"a\"][1] = walk(3)\nnode = none\nnode = tree{none, 1}\ntyp tree {tree left, u value}";
    functions_for_any_type: "def first(T[] l, T otherwise) -> T:\n    if len(l) == 0: return otherwise\n    x = l[0]\n    T[] copy = [x]\n    return copy.pop()\ndef swap(A a, B b): return b, a\ndef map_list(def(A) -> B f, A[] l):\n    out = []\n    for x in l: out.append(f(x))\n    return out\ndef half(f x): return str(x / 2)\nf z = first([], 1)\nt, n = swap(1, \"a\")\nw = map_list(half, [1, 2])\nprint(first(w, t))";
    functions_as_values: "def add(a, b): return a + b\ndef apply(def(u, u) -> u f, x): return f(x, x)\ntyp op {text name, def(u, u) -> u run}\no = op{\"add\", add}\nf = add\nprint(apply(add, 1), o.run(1, 2), f(3, 4), f == add)\ndef nothing(): pass\nnothings = [nothing]\nnothings[0]()";
    variables_with_the_names_of_built_in_functions: "i = 5\nf = f(i)\nu = u(f) + i\nlen = len(\"abc\")\nprint(i, f, u, len)";

    // Sandboxes.
    sandboxed_calls: "def f(x, text t = \"a\"): return x\ndef g(): pass\ndef h(x): return x, str(x)\ndef yields(n):\n    for k in range(n): yield k\n    helper()\n    return 5\ndef helper(): yield 1\nr = f<50, 50>(1) + (f<gas() / 3, words() / 3>(2, \"b\") else 0)\ng<5, 5>()\na, b = h<5, 5>(1)\nj = try yields<100, 100>(5)\nwhile j.status == status.yielded:\n    print(j.value, j.trap, j.gas_left)\n    s = j<10, 10>()\nj.end()\nk = try g<1, 1>()\njob(u)[] all = [j]\nc = f\nprint(c<1, 2>(3, \"a\"), c<1, 2>(3, \"a\") else 4)\nx = f<f(1), f(2)>(t=str(f(3)), x=f(4))";
    keys_into_a_sandbox: "def f(key k, u[] l): return k[0] + l[0]\nprint(f<100, 100>(page(1), [1]))\nhelper(page(1))\ndef helper(key k): print(k[0])";
    instructions: "x = $rotr32(5, 3)\ny = $load64(2, 8, x)\n$store64(2, 0, 8, y)\na, b = $keyinfo(page(1))\nz = $push(-5)\nprint($clz(x), gas(), words(), arg_text(0), arg_count())\n$fail(77)\nprint(1)";
    a_function_for_the_main_program: "def main():\n    x = 1\n    yield helper(x)\ndef helper(x):\n    return x\nconst N = 1\n";
    an_empty_program: "";
}
