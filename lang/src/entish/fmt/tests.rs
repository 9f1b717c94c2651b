use super::format;
use crate::entish::parse::parse;
use crate::entish::parse::tests::hostile::PROGRAM;
use crate::render;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a file says, without the places.
fn meaning(source: &str) -> String {
    let (file, diagnostics) = parse(source);
    assert!(diagnostics.is_empty(), "{}", render("program.et", source, &diagnostics, false));
    let shown = format!("{file:?}");
    let mut kept = String::with_capacity(shown.len());
    let mut rest = &shown[..];
    // Spans are the only numbers with `..` between them that stand outside quotes; those inside are taken out on both
    // sides.
    while let Some(at) = rest.find("..") {
        kept.push_str(rest[..at].trim_end_matches(|c: char| c.is_ascii_digit()));
        rest = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    kept + rest
}

/// The comments of a text, without the spaces behind their marks.
fn comments(source: &str) -> Vec<String> {
    let lexed = crate::entish::lex::lex(source);
    let text = |from: u32, to: u32| source[from as usize..to as usize].replace(' ', "");
    let mut comments: Vec<_> = lexed.comments.iter().map(|span| text(span.start, span.end)).collect();
    comments.sort();
    comments
}

#[track_caller]
fn checked(source: &str) -> String {
    let formatted = match format(source) {
        Ok(formatted) => formatted,
        Err(diagnostics) => panic!("{}", render("program.et", source, &diagnostics, false)),
    };
    assert_eq!(meaning(&formatted), meaning(source), "{source}\n-----\n{formatted}");
    assert_eq!(comments(&formatted), comments(source), "{source}\n-----\n{formatted}");
    let again = format(&formatted).expect("it parses");
    assert_eq!(again, formatted, "{source}");
    formatted
}

macro_rules! formatted {
    ($($name:ident: $source:expr;)*) => { $(
        #[test]
        fn $name() {
            let source = $source;
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), format!("{source}\n=====\n{}", checked(&source)));
            });
        }
    )* };
}

formatted! {
    spaces: "x=1\ny  =  -1+ - 2*( 3 )\nz=not(a)and b or not c\na,b=b ,a\nx<<=1\nl=[ 1,2 ,3, ]\nm={ 1 : 2 , 'a':[3,] }\np=point{x:1,y : 2}\np=point { 1,2 }\nq = m . p{ 1 }\na [ 1 ] . b ( c , d = 1 )\nb=a[ i : j ]+a [ : n ]\nw=a[i+1:-1]\nx=a if b else c\nv = ~a\nt=a not   in b";
    spaces_of_sandboxed_calls: "f<50,50>(x)\nr = f < gas( ) / 3 , words() - 1 > ( x , y = - 2 ) else  0\nj=try m.f<50 , -50>($arg( 0 ))\na = (f<a),(b>(c))\nif a<b and c>(d): pass\nx = f<1,2>(3)<4,5>(6)<7\ny = g<[1,2][0]+h(1,2), 1 | 2>()";
    spaces_of_declarations: "import  a\nconst N=1<<4\ntyp point{f x,f y,u[] z,map( text,u ) m}\ndef  f ( u a,b,text c=\"x\",i d = -1 )->u :\n  return a\ndef g( )->( u,f ):return 1,2.0\nu[ ] xs=[ ]\nmap(text , u)m={ }\ndef( u,f )->(u , f)h=g\nlist(u)l=u [ ] ( )\ndef()->def(u[])->u[] k = m.n\nm . point q = none";
    statements: "while:\n  pass\nwhile a:break\nfor  i  in range( 3 ):\n        continue\nif a:\n b\nelif c :d\nelse :\n   e\nreturn\nreturn(1),(2)\nyield(1)\nassert(a),\"b\"\nx=not(a)\n-x";
    blank_lines: "\n\n\nimport a\n\n\n\nimport b\nx = 1\n\n\n\ny = 2\n# about f\n# more\ndef f():\n\n\n    a\n\n\n\n    b\n\nz = 3\ndef g(): pass\ndef h(): pass\nconst N = 1\n\n# apart\n\ndef i():\n    pass\n# behind\n\n# about j\ndef j():\n    if a:\n        b\n\n    # inside\n\n    c\nwhile:\n\n    a\n\n\n";
    comments_stay: "#one\n\n   #two\nx = 1 # three\nif a: #four\n        # five\n        b#six\n      #seven\n    # eight\n  # nine\n#ten\nelse:# eleven\n    pass\n    # twelve\n#!thirteen\n## fourteen\n#\ny = 2\n\n# fifteen";
    comments_in_brackets: "x = f(a, # one\n  # two\n  b, c # three\n  # four\n)\nl = [ # five\n  1, 2, # six\n  # seven\n\n  3 + # eight\n  # nine\n  4\n]\ny = ( # ten\n  a)\nz = f( # eleven\n)\nw = g<(1 # twelve\n), 2>(x, [h(1 # thirteen\n)], 3) + 1";
    long_calls: format!("result = function_with_a_name(first_argument, second_argument, third_argument, {}, fifth={})\nx = {}", "a".repeat(20), "b".repeat(60), "f(".repeat(30) + &"1234".repeat(4) + &")".repeat(30));
    long_definitions: "def function_with_a_long_name(u first_parameter, text second_parameter = \"default\", map(text, u) third) -> (u, text, f):\n    return 1\ntyp record {u first_field_of_the_record, text second_field_of_the_record, map(text, list(u)) third_field, f x}\n\ndef short(u first_parameter, text second_parameter, map(text, u) third_parameter, u fourth_parameter): pass";
    long_operators_in_operators: "if (the_first_condition_of_many_is_met and the_second_condition_of_many_is_met and the_third_condition_is_met or another_condition):\n    x = the_first_operand_of_the_sum * the_second_operand_of_the_product * the_third_operand_of_the_product * f(the_fourth) + 1";
    long_operators: "value = (first_operand_of_the_sum + second_operand_of_the_sum * third_operand_of_the_sum - fourth_operand_of_the_sum + 1)\nif (first_condition_is_met and second_condition_is_met or not third_condition_is_met and fourth_condition == 1 + 2):\n    x = f(a_long_name_of_a_function(with_an_argument) if a_condition_that_is_met(x) else another_function(with_another), 2)\nx = first_operand_of_the_sum + second_operand_of_the_sum * third_operand_of_the_sum - fourth_operand_of_the_sum + 1";
    long_lists: format!("const TABLE = [{}]\nwords = [{}]\nm = {{{}}}", (0..60).map(|n| format!("{n},")).collect::<String>(), (0..12).map(|n| format!("f({n}), \"word {n}\", ")).collect::<String>(), (0..12).map(|n| format!("\"key {n}\": {n}, ")).collect::<String>());
    long_chains: "result = object.method_of_the_object(argument_of_the_call).another_method(another_argument_of_it).third(x)[index_of_it]\nassert some_function(with_arguments, and_more_of_them) == another_function(with_arguments), \"and a long message\"\na[some_function(with_an_argument, and_another_one)], b[some_function(with_an_argument)] = c[another_function(1)]\nreturn function<gas_that_is_left() / 3, words_that_are_left() / 3>(first_argument_of_it, second_argument_of_it) else 0";
    long_conditions: "assert len(first_list_of_values) == len(second_list_of_values) and first_list_of_values[0] == 1, \"they differ\"\nassert count == 10, \"the number of values is \" + str(count) + \", and it should be \" + str(expected_number(x))\nif first_condition_is_met and second_condition_is_met(x) and third_condition == len(values) or not fourth:\n    while first_condition_is_met and second_condition_is_met and third_condition_is_met_too == len(values): pass\n    return first_value_of_the_sum + second_value_of_the_sum, first_value_of_the_difference - len(second_value_of_it)\nelif (first_condition_is_met and second_condition_is_met(x) and third_condition == len(values) or not fourth): pass\nfor x in first_list_of_values_that_is_long + second_list_of_values_that_is_long + third_list_of_values(that): pass\ntotal += first_value_of_the_sum * first_weight_of_the_values + second_value_of_the_sum * second_weight_of_them\nr = f<1000000,10000>(first_argument) else g<1000000,10000>(second_argument) else some_other_value + another_one\na[first_index_of_it + second_index_of_it], b = first_value_of_the_two + second_value_of_the_two, f(another_value)\nconst N = \"a text that is quite long, but not so long that it would not fit into a line\" + \"and another\"\nprint(first_value_of_the_sum + second_value_of_the_sum, first_value_of_the_difference - len(second_value_of_it))\nx = a_long_name_of_a_value_that_is_assigned if a_long_name_of_a_condition_that_is_met else another_value_of_it";
}

#[test]
fn lines_end_with_a_line_feed_alone() {
    let source = "x = 1\r\nif x:  # c\r\n    # d\r\n    y = \"\\r\"\r\n\r\n\r\nz = [  # e\r\n    2]\r\n";
    let formatted = "x = 1\nif x:  # c\n    # d\n    y = \"\\r\"\n\nz = [\n    # e\n    2,\n]\n";
    assert_eq!(format(source).as_deref(), Ok(formatted));
}

#[test]
fn what_does_not_parse_is_refused() {
    assert_eq!(format("x = = 1").expect_err("a mistake").len(), 1);
}

#[test]
fn long_and_deep_programs_are_formatted() {
    checked(&format!("x = [{}]", "1, ".repeat(50_000)));
    checked(&format!("x = [{}]", "f(a_name_that_is_not_short), # c\n ".repeat(5_000)));
    checked(&format!("x = {}1{}", "(".repeat(200), ")".repeat(200)));
    checked(&format!("x = {}", (0..5_000).map(|n| format!("(a{n}), ")).collect::<String>() + "1"));
    checked(&format!("x = {}1{}", "f([ # c\n".repeat(90), "])".repeat(90)));
    let blocks: String = (0..200).map(|depth| format!("{}while:\n", " ".repeat(depth))).collect();
    checked(&format!("{blocks}{}f(1, [2])", " ".repeat(200)));
    let long = format!("x = {}1{}\n", "f(a_name, ".repeat(90), ")".repeat(90));
    assert!(checked(&long.repeat(20)).len() < 20 * 90 * 2 * 100);
}

/// Makes programs of numbers.
struct Maker<'n> {
    numbers: std::slice::Iter<'n, u8>,
    text: String,
    level: usize,
    brackets: usize,
    /// Whether an `else` here would belong to another.
    else_taken: bool,
}

impl Maker<'_> {
    fn pick(&mut self, of: usize) -> usize {
        usize::from(*self.numbers.next().unwrap_or(&0)) % of
    }

    /// A token, and perhaps spaces, and inside brackets perhaps lines and comments.
    fn put(&mut self, token: &str) {
        self.text.push_str(token);
        match self.pick(12) {
            0..6 => self.text.push(' '),
            6 if self.brackets > 0 => self.text.push('\n'),
            7 if self.brackets > 0 => self.text.push_str("  # c\n\n    # d\n"),
            8 if self.brackets > 0 => self.text.push_str("#e\n"),
            _ if token.ends_with(|c: char| c.is_ascii_alphanumeric()) => self.text.push(' '),
            _ => {}
        }
    }

    fn several(&mut self, close: &str, depth: usize, mut item: impl FnMut(&mut Self, usize)) {
        let taken = std::mem::take(&mut self.else_taken);
        self.brackets += 1;
        let count = self.pick(4);
        for index in 0..count {
            item(self, depth + 1);
            if index + 1 < count || self.pick(3) == 0 {
                self.put(",");
            }
        }
        self.brackets -= 1;
        self.else_taken = taken;
        self.put(close);
    }

    fn one(&mut self, close: &str, depth: usize) {
        let taken = std::mem::take(&mut self.else_taken);
        self.brackets += 1;
        self.expr(depth + 1, 0);
        self.brackets -= 1;
        self.else_taken = taken;
        self.put(close);
    }

    fn arguments(&mut self, depth: usize) {
        self.open("(");
        self.several(")", depth, |this, depth| {
            if this.pick(4) == 0 {
                this.put("name");
                this.put("=");
            }
            this.expr(depth, 0);
        });
    }

    /// An opening bracket; lines and comments may follow.
    fn open(&mut self, bracket: &str) {
        self.brackets += 1;
        self.put(bracket);
        self.brackets -= 1;
    }

    /// An expression whose operators bind at least as strongly as level `min`: 0 any, 1 no `if`, 2 no `or`, `and`, `not`, 3 no
    /// comparison, 4 an operand.
    fn expr(&mut self, depth: usize, min: usize) {
        if depth > 5 {
            return self.put("x");
        }
        match self.pick(24) {
            0 if min < 1 => {
                self.expr(depth + 1, 1);
                self.put("if");
                let taken = std::mem::replace(&mut self.else_taken, true);
                self.expr(depth + 1, 1);
                self.else_taken = taken;
                self.put("else");
                self.expr(depth + 1, 0);
            }
            1 if min < 2 => {
                self.put("not");
                self.expr(depth + 1, 2);
            }
            2 if min < 2 => {
                self.expr(depth + 1, 2);
                let op = self.pick(2);
                self.put(["and", "or"][op]);
                self.expr(depth + 1, 2);
            }
            3 if min < 3 => {
                self.expr(depth + 1, 4);
                let op = self.pick(6);
                self.put(["==", "<=", "in", "not in", ">", "!="][op]);
                self.expr(depth + 1, 4);
            }
            4..7 if min < 4 => {
                self.expr(depth + 1, 4);
                let op = self.pick(6);
                self.put(["+", "-", "*", "<<", "|", ">>"][op]);
                self.expr(depth + 1, 4);
            }
            7 => {
                let op = self.pick(3);
                self.put(["-", "+", "~"][op]);
                self.expr(depth + 1, 4);
            }
            8 => {
                self.open("(");
                self.one(")", depth);
            }
            9 => {
                self.open("[");
                self.several("]", depth, |this, depth| this.expr(depth, 0));
            }
            10 => {
                self.open("{");
                self.several("}", depth, |this, depth| {
                    this.expr(depth, 0);
                    this.put(":");
                    this.expr(depth, 0);
                });
            }
            11 => {
                self.put("point");
                self.open("{");
                self.several("}", depth, |this, depth| this.expr(depth, 0));
            }
            12 | 13 => {
                self.put("f");
                self.arguments(depth);
            }
            14 => {
                self.put("module");
                self.put(".");
                self.put("f");
                for token in ["<", "a", "+", "-", "b", ">>", "("] {
                    self.put(token);
                }
                self.one(")", depth);
                for token in [",", "-", "2", ">"] {
                    self.put(token);
                }
                self.arguments(depth);
                if min < 1 && !self.else_taken && self.pick(2) == 0 {
                    self.put("else");
                    self.expr(depth + 1, 0);
                }
            }
            15 => {
                self.put("list");
                self.open("[");
                self.one("]", depth);
            }
            16 => {
                self.put("l");
                self.open("[");
                self.brackets += 1;
                self.expr(depth + 1, 1);
                self.put(":");
                self.brackets -= 1;
                self.put("]");
            }
            17 => {
                self.put("$arg");
                self.arguments_plain(depth);
            }
            18 => self.put("u[]()"),
            19 => self.put("\"a text of some length # no comment\""),
            20 => self.put("1_000"),
            _ => self.put("a_name"),
        }
    }

    fn arguments_plain(&mut self, depth: usize) {
        self.open("(");
        self.several(")", depth, |this, depth| this.expr(depth, 0));
    }

    fn line_end(&mut self) {
        if self.pick(6) == 0 {
            self.text.push_str("  #behind");
        }
        self.text.push('\n');
        for _ in 0..self.pick(4).saturating_sub(1) {
            self.text.push('\n');
        }
        if self.pick(6) == 0 {
            let spaces = self.pick(12);
            self.text.push_str(&" ".repeat(spaces));
            self.text.push_str("# a line of its own\n");
        }
    }

    fn indent(&mut self) {
        let spaces = self.level * 3;
        self.text.push_str(&" ".repeat(spaces));
    }

    fn block(&mut self, depth: usize) {
        self.put(":");
        if self.pick(5) == 0 {
            self.simple();
            return self.line_end();
        }
        self.line_end();
        self.level += 1;
        for _ in 0..1 + self.pick(3) {
            self.statement(depth + 1);
        }
        self.level -= 1;
    }

    fn simple(&mut self) {
        match self.pick(6) {
            0 => self.put("pass"),
            1 => {
                self.put("return");
                self.expr(0, 0);
                self.put(",");
                self.expr(0, 0);
            }
            2 => {
                self.put("map(text, u[])");
                self.put("m");
                self.put("=");
                self.expr(0, 0);
            }
            3 => {
                self.put("x");
                self.put(">>=");
                self.expr(0, 0);
            }
            _ => {
                self.put("x");
                self.put("=");
                self.expr(0, 0);
            }
        }
    }

    fn statement(&mut self, depth: usize) {
        self.indent();
        match self.pick(8) {
            0 if depth < 4 => {
                self.put("if");
                self.expr(0, 0);
                self.block(depth);
                self.indent();
                self.put("else");
                self.block(depth);
            }
            1 if depth < 4 => {
                self.put("for");
                self.put("i");
                self.put("in");
                self.expr(0, 0);
                self.block(depth);
            }
            2 if depth == 0 => {
                self.put("def");
                self.put("g");
                self.open("(");
                self.several(")", 0, |this, depth| {
                    this.put("text");
                    this.put("p");
                    this.put("=");
                    this.expr(depth, 0);
                });
                self.put("->");
                self.put("u");
                self.block(depth);
            }
            _ => {
                self.simple();
                self.line_end();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_no_meaning_and_is_done_once(numbers in vec(any::<u8>(), 0..600)) {
        let mut maker =
            Maker { numbers: numbers.iter(), text: String::new(), level: 0, brackets: 0, else_taken: false };
        while maker.numbers.len() > 0 {
            maker.statement(0);
        }
        checked(&maker.text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_still_parses_with_other_spaces_and_comments_means_the_same(
        edits in vec((any::<prop::sample::Index>(), 0..8_usize), 1..8),
    ) {
        const PUT: [&str; 8] = ["\n", " ", "# c\n", "  # d\n    ", "\n\n\n", "    ", "(", ")"];
        let mut source: Vec<char> = PROGRAM.chars().collect();
        for (place, put) in edits {
            let at = place.index(source.len());
            source.splice(at..at, PUT[put].chars());
        }
        let source: String = source.into_iter().collect();
        if parse(&source).1.is_empty() {
            checked(&source);
        }
    }
}
