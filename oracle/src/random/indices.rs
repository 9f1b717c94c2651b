//! Random programs in the language that do little but compare numbers with lengths and index with them: what a compiler that
//! leaves out checks of indices may get wrong. Indices are good or not, as it comes.
//!
//! What such a program yields does not depend on the gas and the words that it takes: it may be compiled in several ways.

use super::Random;
use super::lines::{Lines, WriteLines};

/// Numbers that statements assign.
const NUMBERS: [&str; 4] = ["k", "n", "x", "y"];
const LISTS: [&str; 3] = ["l", "m", "s.l"];
const ARRAYS: [&str; 3] = ["a", "c", "s.a"];
/// What has elements that are assigned to.
const CHANGED: [&str; 7] = ["l", "m", "a", "c", "b", "s.l", "s.a"];
/// All that has a length.
const OBJECTS: [&str; 8] = ["l", "m", "a", "c", "b", "t", "s.l", "s.a"];
/// `x < 0` would be refused, if it is written so.
const CONSTANTS: [&str; 8] = ["u(0)", "1", "2", "3", "5", "8", "1 << 32", "0xffffffffffffffff"];
/// Turns that all loops of a call make at most, but for those that end by themselves.
const TURNS: u32 = 40;
/// What is more than any call takes.
const BUDGET: &str = "1 << 40, 1 << 18";

/// What each function takes.
const PARAMETERS: &str = "u[] l, u[] m, array(u) a, array(u) c, bytes b, text t, u k, u n";

/// What the functions use: two that change a list in a condition, one that may not return, and objects in another one.
const COMMON: &str = "\
typ pair {u[] l, array(u) a}
def shrinks(u[] l) -> bool:
    if len(l) > 0:
        l.pop()
    return (len(l) & 1) == 0
def grows(u[] l) -> bool:
    l.append(len(l))
    return (len(l) & 1) == 0
def odd(n) -> u:
    assert (n & 1) == 1
    return n
";

struct Author<'r> {
    random: &'r mut Random,
    lines: Lines,
    /// Functions that may be called, by their numbers.
    callees: std::ops::Range<u64>,
    /// What counts the loops around; it is not assigned to.
    counters: Vec<String>,
    loops: u32,
    names: u32,
    /// Statements that may still be written in this function.
    budget: u32,
}

/// A program.
pub fn program(random: &mut Random) -> String {
    let functions = random.within(1, 4);
    let mut author = Author {
        random,
        lines: Lines::default(),
        callees: 0..functions,
        counters: Vec::new(),
        loops: 0,
        names: 0,
        budget: 0,
    };
    COMMON.lines().for_each(|line| author.line(line));
    for own in 0..functions {
        author.callees.start = own + 1;
        author.function(own);
    }
    author.main(functions);
    author.lines.finish()
}

impl WriteLines for Author<'_> {
    fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }
}

impl Author<'_> {
    fn function(&mut self, own: u64) {
        self.budget = 16;
        self.block(&format!("def f{own}({PARAMETERS}) -> u:"), |author| {
            for name in ["x", "y", "total", "turns"] {
                author.line(&format!("{name} = 0"));
            }
            author.line("s = pair{m, c}");
            author.line("changes = shrinks");
            for _ in 0..author.random.within(3, 8) {
                author.statement();
            }
            author.line("return total + x + y + len(l) + len(m)");
        });
    }

    fn main(&mut self, functions: u64) {
        for turn in 0..6 {
            let own = self.random.below(functions);
            let arguments = [self.a_list(), self.a_list(), self.an_array(), self.an_array()].join(", ");
            let [bytes, k, n] = [(); 3].map(|()| self.random.below(9));
            let text = self.any(&["\"\"", "\"abcd\"", "\"abcdefgh\""]);
            self.line(&format!(
                "j{turn} = try f{own}<{BUDGET}>({arguments}, bytes({bytes}), {text}, {k}, {n})"
            ));
            self.line(&format!("yield j{turn}.status"));
            self.line(&format!("yield j{turn}.value if j{turn}.status == status.returned else j{turn}.trap"));
        }
    }

    fn a_list(&mut self) -> String {
        self.random.pick(&["u[]()", "[4]", "[1, 2, 3]", "[5, 4, 3, 2, 1, 0, 7, 8]"]).to_owned()
    }

    /// Most have the same length, so that it is known of a parameter.
    fn an_array(&mut self) -> String {
        if self.random.percent(60) {
            return "array(4, 2)".to_owned();
        }
        format!("array({}, 1)", self.random.below(8))
    }

    fn any(&mut self, of: &[&str]) -> String {
        self.random.pick(of).to_owned()
    }

    fn variable(&mut self) -> String {
        if !self.counters.is_empty() && self.random.percent(50) {
            let at = self.random.index(self.counters.len());
            return self.counters[at].clone();
        }
        self.any(&NUMBERS)
    }

    fn length(&mut self) -> String {
        format!("len({})", self.any(&OBJECTS))
    }

    fn number(&mut self, depth: u32) -> String {
        if depth > 2 {
            return self.variable();
        }
        match self.random.below(16) {
            0..5 => self.variable(),
            5 | 6 => self.any(&CONSTANTS),
            7 | 8 => self.length(),
            9 => format!("({} + {})", self.number(depth + 1), self.any(&CONSTANTS)),
            10 => format!("({} - {})", self.number(depth + 1), self.any(&CONSTANTS)),
            11 if self.random.percent(20) => {
                format!("u(i({}) - i({}))", self.variable(), self.variable())
            }
            11 => {
                let op = self.any(&["& 7", "& 3", "% 5", ">> 1", "* 2", "/ 2", "| 1", "^ 1"]);
                format!("({} {op})", self.number(depth + 1))
            }
            12 => {
                let name = self.any(&["min", "max"]);
                format!("{name}({}, {})", self.number(depth + 1), self.length())
            }
            13 => {
                let condition = self.condition(depth + 1);
                format!("({} if {condition} else {})", self.number(depth + 1), self.number(depth + 1))
            }
            _ => self.element(depth + 1),
        }
    }

    fn index(&mut self, depth: u32) -> String {
        match self.random.below(10) {
            0..7 => self.variable(),
            7 => format!("{} + 1", self.variable()),
            8 => format!("{} - 1", self.variable()),
            _ => self.number(depth + 1),
        }
    }

    /// An element that is there, mostly.
    fn element(&mut self, depth: u32) -> String {
        let (object, index) = (self.any(&OBJECTS), self.index(depth));
        if self.random.percent(12) {
            return format!("{object}[{index}]");
        }
        format!("({object}[{index}] if {index} < len({object}) else {})", self.variable())
    }

    /// A condition, and an element that is there if it holds, unless the condition itself changes that.
    fn guarded(&mut self) {
        let (object, index) = (self.any(&OBJECTS), self.index(0));
        let (guard, not) = (format!("{index} < len({object})"), format!("{index} >= len({object})"));
        let condition = self.condition(1);
        let read = format!("total += {object}[{index}]");
        match self.random.below(6) {
            0 | 1 => self.block(&format!("if {guard}:"), |author| author.line(&read)),
            2 => self.block(&format!("if {guard} and {condition}:"), |author| author.line(&read)),
            3 => self.block(&format!("if {condition} and {guard}:"), |author| author.line(&read)),
            4 => {
                self.block(&format!("if {not} or {condition}:"), Self::statements);
                self.block("else:", |author| author.line(&read));
            }
            _ => {
                self.block(&format!("if {guard}:"), |author| {
                    author.statements();
                    if author.random.percent(30) {
                        author.line(&read);
                    }
                });
            }
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        let below = if depth > 2 { 6 } else { 12 };
        match self.random.below(below) {
            0..4 => {
                let op = self.any(&["<", "<", "<", "<=", ">", ">=", "==", "!="]);
                let [one, other] = [self.variable(), self.length()];
                if self.random.percent(70) {
                    format!("{one} {op} {other}")
                } else {
                    format!("{other} {op} {one}")
                }
            }
            4 | 5 => {
                let op = self.any(&["<", "<=", ">", ">=", "==", "!="]);
                format!("{} {op} {}", self.number(depth + 1), self.number(depth + 1))
            }
            6..9 => {
                let op = self.any(&["and", "or"]);
                format!("({} {op} {})", self.condition(depth + 1), self.condition(depth + 1))
            }
            9 => format!("(not {})", self.condition(depth + 1)),
            10 => format!("({} == {})", self.element(depth + 1), self.number(depth + 1)),
            _ => {
                let name = self.any(&["shrinks", "shrinks", "grows", "changes"]);
                format!("{name}({})", self.any(&LISTS))
            }
        }
    }

    fn statements(&mut self) {
        for _ in 0..self.random.within(1, 3) {
            self.statement();
        }
    }

    fn statement(&mut self) {
        if self.budget == 0 {
            return self.line("total += 1");
        }
        self.budget -= 1;
        match self.random.below(24) {
            0 => {
                let element = self.element(0);
                self.line(&format!("total += {element}"));
            }
            1..6 => self.guarded(),
            6 => self.store(),
            7 | 8 => {
                let (name, value) = (self.any(&NUMBERS), self.number(0));
                self.line(&format!("{name} = {value}"));
            }
            9 => {
                let (name, by) = (self.any(&NUMBERS), self.any(&["1", "1", "2", "3", "0xffffffffffffffff"]));
                self.line(&format!("{name} += {by}"));
            }
            10..14 => self.choose(),
            14..17 if self.loops < 3 => self.repeat(),
            17 => {
                let condition = self.condition(0);
                // It holds mostly.
                let or = if self.random.percent(70) { " or true" } else { "" };
                self.line(&format!("assert {condition}{or}"));
            }
            18 => self.change(),
            19 => self.rename(),
            20 => {
                let (name, value, other) = (self.any(&NUMBERS), self.number(1), self.element(1));
                self.line(&format!("{name} = odd<{BUDGET}>({value}) else {other}"));
            }
            21 if !self.callees.is_empty() => self.call(),
            22 if self.loops > 0 => {
                let (condition, way) = (self.condition(1), self.any(&["break", "continue"]));
                self.block(&format!("if {condition}:"), |author| author.line(&way));
            }
            _ => {
                let condition = self.condition(0);
                let [one, other] = [self.element(1), self.element(1)];
                self.line(&format!("total += {one} if {condition} else {other}"));
            }
        }
    }

    fn store(&mut self) {
        let (object, index, value) = (self.any(&CHANGED), self.index(0), self.number(0));
        let value = if object == "b" { format!("{value} & 255") } else { value };
        let line = format!("{object}[{index}] = {value}");
        if self.random.percent(12) {
            return self.line(&line);
        }
        self.block(&format!("if {index} < len({object}):"), |author| author.line(&line));
    }

    fn choose(&mut self) {
        let condition = self.condition(0);
        self.block(&format!("if {condition}:"), Self::statements);
        if self.random.percent(20) {
            let condition = self.condition(0);
            self.block(&format!("elif {condition}:"), Self::statements);
        }
        if self.random.percent(40) {
            self.block("else:", Self::statements);
        }
    }

    fn repeat(&mut self) {
        self.names += 1;
        let counter = format!("i{}", self.names);
        let (heading, is_counted) = match self.random.below(8) {
            0..3 => (format!("for {counter} in range({}):", self.length()), true),
            3 => {
                let (from, step) = (self.variable(), self.any(&["1", "1", "2", "3"]));
                (format!("for {counter} in range({from}, {}, {step}):", self.length()), true)
            }
            4 => (format!("for {counter} in {}:", self.any(&OBJECTS)), true),
            5 => (format!("for {counter} in range({} & 7, {} & 15):", self.number(1), self.number(1)), true),
            _ => (format!("while {}:", self.condition(0)), false),
        };
        let step = (self.any(&NUMBERS), self.any(&["1", "1", "2"]));
        self.loops += 1;
        if is_counted {
            self.counters.push(counter);
        }
        self.block(&heading, |author| {
            author.line("turns += 1");
            author.block(&format!("if turns > {TURNS}:"), |author| author.line("break"));
            author.statements();
            if !is_counted {
                author.line(&format!("{} += {}", step.0, step.1));
            }
        });
        if is_counted {
            self.counters.pop();
        }
        self.loops -= 1;
    }

    /// Changes the length of a list.
    fn change(&mut self) {
        let list = self.any(&LISTS);
        let (number, index) = (self.number(1), self.index(1));
        let line = match self.random.below(6) {
            0 | 1 => format!("{list}.append({number})"),
            2 => format!("{list}.pop()"),
            3 => format!("{list}.remove({index})"),
            4 => format!("{list}.insert({index}, {number})"),
            _ => format!("{list}.clear()"),
        };
        self.line(&line);
    }

    /// Lets a variable refer to another object.
    fn rename(&mut self) {
        let line = match self.random.below(13) {
            0 => "l = m".to_owned(),
            1 => format!("m = {}", self.a_list()),
            2 => "a = c".to_owned(),
            3 => format!("c = array({} & 7, 3)", self.number(1)),
            4 => format!("a = {}", self.an_array()),
            5 => format!("b = bytes({} & 7)", self.number(1)),
            6 => format!("s = pair{{{}, {}}}", self.any(&LISTS), self.any(&ARRAYS)),
            7 => format!("s.l = {}", self.any(&LISTS)),
            8 => format!("s.a = {}", self.any(&ARRAYS)),
            9 => format!("changes = {}", self.any(&["shrinks", "grows"])),
            10 => format!("m = l[{}:]", self.index(1)),
            11 => format!("a = a[:{}]", self.index(1)),
            _ => "l, m = m, l".to_owned(),
        };
        self.line(&line);
    }

    fn call(&mut self) {
        let callee = self.callees.start + self.random.below(self.callees.end - self.callees.start);
        let [l, m] = [(); 2].map(|()| self.any(&LISTS));
        let [a, c] = [(); 2].map(|()| self.any(&ARRAYS));
        let [k, n] = [(); 2].map(|()| self.number(1));
        self.line(&format!("total += f{callee}({l}, {m}, {a}, {c}, b, t, {k}, {n})"));
    }
}
