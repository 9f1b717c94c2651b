//! What is said of each mistake: the whole text with the whole message, in `snapshots/`.

use crate::entish::parse::parse;
use crate::{Diagnostics, render};

macro_rules! refused {
    ($($name:ident: $source:expr;)*) => { $(
        #[test]
        fn $name() {
            let source = $source;
            let (_, diagnostics) = parse(&source);
            assert!(!diagnostics.is_empty(), "no mistake was found in {source}");
            let message = render("program.et", &source, &Diagnostics::of(&source, diagnostics), false);
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), format!("{source}\n\n{message}"));
            });
        }
    )* };
}

refused! {
    // Lines and blocks.
    tabs: "if a:\n\tb\n\tc\nwhile:\n\td";
    an_uneven_dedent: "if a:\n        b\n    c\n    d\n        e\nf";
    an_uneven_dedent_between_blocks: "if a:\n    if b:\n            c\n        d\n    e";
    a_line_indented_for_nothing: "a = 1\n    b = 2\n    c = 3\nd = 4";
    the_first_line_indented: "    a = 1\nb = 2 2";
    lines_indented_behind_a_block_in_a_line: "if a: b\n    c\nd";
    a_block_without_lines: "if a:\nb\nwhile:\ndef f():\n\n# nothing\nc";
    a_block_missing_at_the_end: "def f():\n    while:";
    missing_colons: "if a\n    b\nelif c\n    d\nelse\n    e\nwhile\n    f\nfor x in l\n    g\ndef f(x) -> u\n    h = = 1";
    braces_for_blocks: "if x {\n    y = 1\n}\nwhile x < f(y) {\n    z\n}\ndef f() {\n}\nz = 1";
    words_for_blocks: "if x then\n    y\nwhile x do: y";
    a_block_on_a_block_line: "if a: if b: c";
    an_else_of_nothing: "a\nelse:\n    b\nif c:\n    d\n  \ne\nelif f: g";
    an_else_of_a_loop: "while a:\n    b\nelse:\n    c\nfor x in l: d\nelse: e";
    other_words_for_elif: "if a:\n    b\nelse if c:\n    d\nelseif e:\n    f\nelsif g: h\nelse:\n    i";
    a_colon_behind_a_statement: "foo x:\n    y\nf(x):\n    z";
    two_statements_on_a_line: "a = 1 b = 2\nc = 1; d = 2\nreturn 1 2";

    an_if_with_a_mistake_keeps_its_else: "if a b:\n    c\nelif d e:\n    f\nelif g:\n    h\nelse:\n    i\nif a:\n    b\nelif c d:\n    e\nelse x:\n    f g\nh i";

    // Brackets.
    an_open_parenthesis: "x = f(1, 2\ny = 3\nz = g(4))";
    an_open_parenthesis_before_a_statement: "def f(a, b:\n    return g(a, b)\n\nprint(f(1, 2)\nfor i in l:\n    print(i) j";
    an_open_bracket_among_others: "x = f(1, [2, (3), 4)\ny = {1: 2";
    a_parenthesis_that_closes_nothing: "x = f(1))\ny = ]\n}";
    brackets_crossed: "x = (1, [2)]";
    a_missing_comma: "f(a b)\nl = [1\n    2]\nm = {1: 2 3: 4}\np{1 2}";
    an_argument_left_out: "f(, 1)\nf(1,, 2)\n[,]";

    // Tokens.
    an_unknown_character: "x = 1 $ 2\ny = ä + é\nz = `a`\nw = a\u{a0}+ b";
    a_null_character: "x = 1\0\0\0\ny = \0";
    quotes_of_a_word_processor: "x = \u{201c}abc\u{201d}\ny = \u{2018}a\u{2019}";
    open_quotes: "x = \"abc\ny = 'a\nz = b\"\\\"\nw = 1 1";
    triple_quotes: "\"\"\"What this does.\"\"\"\nx = \"\"\"\nabc\n\"\"\"";
    texts_in_single_quotes: "x = 'abc'\ny = ''";
    texts_with_a_prefix: "x = f\"a {b}\"\ny = r\"\\d\"";
    characters_by_numbers_that_are_none: "x = \"\\u{110000}\" + \"a\\u{zz}b\" + \"\\u{dfff}\" + \"\\u{}\" + \"\\u12\"\ny = '\\u{fffffffff}'\nz = b\"\\u{7fffffff}\"";
    a_number_that_begins_with_a_point: "x = .5\ny = 1 + .25e3 * 2\nz = f(.)";
    an_import_of_a_path: "import ../x\nimport ./x\nimport x/y\nimport /x";
    a_field_that_is_assigned: "p = point{a=1, b=2}\nq = point{a: 1}";
    one_budget: "x = f<10>()\ny = f<10>(1)\nz = 1 < 2 > 3";
    unknown_escapes: "x = \"ab\\qcd\" + \"\\x4\" + \"\\u{d800}\"\ny = '\\z'\nz = b\"a\\w\"\nw = \"\\xff\"";
    malformed_numbers: "x = 12ab + 0b12 + 0x + 1.5q\n2x = 3\ny = 1_000_000_000_000_000_000_000\nz = 1e999";
    comments_of_other_languages: "// one\nx = 1 // two\n/* three */\n";
    operators_of_other_languages: "a = b && c || !d\ne = f === g\nh = i !== j\nk = l <> m\nn = o is p\nq = r is not s\nt = u xor v";
    operators_that_do_not_exist: "a = b ** c\nd = e // f\nwhile (g := h): i\nj = k ? l : m\nx++\ny--\n@decorated\nd = \\\n    e";

    // Words.
    words_of_other_languages: "class point:\n    def f(self):\n        pass\nlet x = 1\nfunction f(x) {\nmatch x:\n    y\nraise e\nimport a as b\nfrom a import b\nglobal x\nprint x\nint y = 1\nint z";
    exceptions_of_other_languages: "try:\n    f()\nexcept e:\n    g()\nfinally:\n    h()";
    values_of_other_languages: "x = True and not False\ny = None\nf = lambda x: x + 1\np = new point(1)";
    reserved_words_as_names: "in = 1\nu if = 2\ndef typ(x): pass\ndef f(u while, or): pass\nfor not in l: pass\nx.import = 1\nimport const\ntyp p {u in}\nconst and = 1\nreturn = 2";
    a_keyword_with_a_slip: "improt a\nretrun x\nwhlie x:\n    y\nyeild 1\nasert x";
    a_variable_without_a_value: "u x\ntext name\nu[] l\nmap(text, u) m";

    // Statements.
    a_condition_that_assigns: "if x = 3:\n    y\nwhile a and b = c: d\nassert x = 1, \"m\"\nif x = 3\n    y = 1 1";
    a_comparison_chain: "x = a < b < c\ny = a == b == c == d\nz = f<50>(x)\nif 0 <= a < 10: pass";
    assignments_to_what_has_no_place: "f(x) = 1\n1 = x\na + b = c\na, g() = 1, 2\n[a, b] = l\na[1:2] = l\n(a if b else c) = 1\n\"a\" += \"b\"\nnot a = 1\nu[]() = 2";
    assignments_in_a_chain: "a = b = 1\nc += d += 2\nu e = f = 3\na, b += 1, 2";
    a_list_of_values_for_nothing: "a, b\nf(), g()";
    types_behind_names: "x: u = 1\ndef f(x: u, y: text) -> u: pass\ntyp p {x: u}\nconst N: u = 1";
    types_of_other_languages: "list<u> l = []\ndef f(list<u> l): pass\nu[10] l = []\nvoid f() {\n}";
    functions_without_parameters: "def f:\n    pass\ndef g\n    pass\ndef h -> u: pass\ndef (x): pass\ndef f(*args, x): pass\ndef g(x y z): pass";
    declarations_inside_blocks: "def f():\n    def g():\n        pass\n    const N = 1\n    import a\n    typ p {u x}\nif x: const M = 1";
    structs_without_fields: "typ p\ntyp q:\n    u x\n    u y\ntyp r {x, y}\ntyp s {u x; u y}\ntyp {u x}";
    constants_without_values: "const N\nconst M = \nconst u K = 1\nconst = 5";
    imports_of_other_forms: "import \"a\"\nimport a.b\nimport a, b\nimport a.et\nimport\nimport ../a";
    loops_of_other_languages: "for i = 0; i < 10; i++:\n    x\nfor k, v in m:\n    x\nfor (x in l): y\nfor x of l: y\nfor 1 in l: y";
    several_values_yielded: "yield 1, 2\nyield";

    // Expressions.
    a_missing_operand: "x = 1 +\ny = * 2\nz = a and\nw = (1 + ) * 2\nv = f(x =)\nu = a..b\nt = a.1\ns = -";
    not_inside_an_operator: "x = 1 + not a\ny = a == not b";
    a_missing_else: "x = a if b\ny = (a if b) + 1\nz = f(a if b, c)";
    an_else_that_is_taken: "x = a if f<1, 2>(y) else 0 else b";
    budgets_of_a_statement: "f<1, 2, 3>(y)";
    budgets_left_out: "x = f<1>(y)\nx = f<1,>(y)\nx = f<,2>(y)\nx = f<1, 2>\nx = f<1, 2, 3>(y)\nx = f<>(y)";
    a_try_without_a_budget: "x = try f(y)\ny = try z\nz = try f<1, 2>(x) else 0\nw = try";
    indices_of_other_languages: "x = a[]\ny = a[1, 2]\nz = a[1:2:3]\nw = a[";
    tuples_and_comprehensions: "x = (1, 2)\ny = ()\nz = [a for a in l]\nw = {1, 2}\nv = {1: 2, 3}";
    a_struct_of_what_is_no_type: "x = f(){1}\ny = 1{2}\nz = a[1]{x: 2}";
    an_instruction_without_operands: "x = $clz\ny = $ clz(1)\nz = $clz[1]";

    // All at once.
    every_mistake_of_a_text_is_found: "import\nconst N = \ndef f(u a, b c):\n    x = 1 +\n    while y\n        z = = 1\n    return x y\nif f(1 2):\n    ok = 1\n    not_ok = )\nx = 'ab'\nend = 1 1";
    limits_of_brackets: "(".repeat(201) + &")".repeat(201);
    limits_of_blocks: (0..202).map(|depth| format!("{}while:\n", " ".repeat(depth))).collect::<String>();
    limits_of_operators: format!("x = 1{}\ny = {}1\nz = {}1\nw = {}0", " + 1".repeat(200), "-".repeat(201), "not ".repeat(201), "a if b else ".repeat(201));
    limits_of_what_follows_an_operand: format!("x = a{}\ny = a{}", ".b".repeat(200), "[0]".repeat(200));
    limits_of_types: format!("u{} x = 1\ndef f(){}: pass", "[]".repeat(200), " -> def()".repeat(201));
    limits_of_elif: format!("if a: b\n{}", "elif c: d\n".repeat(201));
}
