//! Expressions of each type.

use super::{Author, Function, Type};

const TEXTS: [&str; 6] = ["\"\"", "\"a\"", "\"key\"", "\"a,b,,c\"", "\"\\u{e9}t\\u{e9}\"", "\" blank \""];
const FLOATS: [&str; 7] = ["0.0", "1.5", "-2.25", "1e300", "(0.0 / 0.0)", "0.1", "4294967296.0"];
const SIGNED: [&str; 6] =
    ["i(0)", "i(1)", "i(-1)", "i(64)", "i(9223372036854775807)", "i(-9223372036854775808)"];
const NUMBERS: [&str; 9] = ["0", "1", "2", "3", "7", "64", "255", "0xffffffffffffffff", "0x8000000000000000"];

impl Author<'_> {
    /// An expression of a type; the deeper, the shorter.
    pub(super) fn expression(&mut self, typ: Type, depth: u64) -> String {
        if depth >= 4 || self.percent(25) {
            return self.leaf(typ);
        }
        match self.below(10) {
            0 => {
                let condition = self.expression(Type::Bool, depth + 1);
                let [one, other] = self.two(typ, depth);
                format!("({one} if {condition} else {other})")
            }
            1 | 2 => self.call(typ, depth),
            _ => match typ {
                Type::U => self.number(depth),
                Type::I => self.signed(depth),
                Type::F => self.float(depth),
                Type::Bool => self.condition(depth),
                Type::Text => self.a_text(depth),
                Type::Bytes => self.some_bytes(depth),
                Type::List => self.list(depth),
                Type::Floats => self.floats(depth),
                Type::Map => self.map(depth),
                Type::Thing => self.thing(depth),
            },
        }
    }

    fn two(&mut self, typ: Type, depth: u64) -> [String; 2] {
        [0, 1].map(|_| self.expression(typ, depth + 1))
    }

    /// A variable in sight.
    pub(super) fn variable(&mut self, typ: Type) -> Option<String> {
        let fits: Vec<_> =
            self.variables.iter().filter(|one| one.1 == typ).map(|one| one.0.clone()).collect();
        (!fits.is_empty()).then(|| fits[self.random.index(fits.len())].clone())
    }

    fn leaf(&mut self, typ: Type) -> String {
        if typ == Type::U && !self.counters.is_empty() && self.percent(40) {
            let at = self.random.index(self.counters.len());
            return self.counters[at].clone();
        }
        if let Some(name) = self.variable(typ)
            && self.percent(75)
        {
            return name;
        }
        match typ {
            Type::U => self.random.pick(&NUMBERS).to_owned(),
            Type::I => self.random.pick(&SIGNED).to_owned(),
            Type::F => self.random.pick(&FLOATS).to_owned(),
            Type::Bool => self.random.pick(&["true", "false"]).to_owned(),
            Type::Text => self.random.pick(&TEXTS).to_owned(),
            Type::Bytes => {
                self.random.pick(&["b\"\"", "b\"\\x00\\xffab\"", "bytes(3)", "bytes(9)"]).to_owned()
            }
            Type::List => self.random.pick(&["u[]()", "[1]", "[3, 1, 2]"]).to_owned(),
            Type::Floats => {
                self.random.pick(&["array(3, 0.5)", "array(0, 1.0)", "array(9, 1e10)"]).to_owned()
            }
            Type::Map => {
                self.random.pick(&["map(text, u)()", "{\"a\": 1}", "{\"key\": 3, \"b\": 4}"]).to_owned()
            }
            Type::Thing => self
                .random
                .pick(&["thing{1, 0.5, \"r\", [2], none}", "thing{0, 0.0, \"\", [], none}"])
                .to_owned(),
        }
    }

    /// Any value, as a number.
    pub(super) fn as_number(&mut self, typ: Type) -> String {
        let value = self.expression(typ, 3);
        match typ {
            Type::U => value,
            Type::I | Type::Bool => format!("u({value})"),
            Type::F => format!("u({value} < 1.0)"),
            Type::Text | Type::Bytes | Type::List | Type::Floats | Type::Map => format!("len({value})"),
            Type::Thing => format!("u({value} == none)"),
        }
    }

    fn number(&mut self, depth: u64) -> String {
        match self.below(20) {
            0..7 => {
                let op = self.random.pick(&["+", "-", "*", "&", "|", "^", "<<", ">>"]);
                let [one, other] = self.two(Type::U, depth);
                format!("({one} {op} {other})")
            }
            7 => {
                let op = self.random.pick(&["/", "%"]);
                let [one, other] = self.two(Type::U, depth);
                let zero = if self.percent(4) { "" } else { " | 1" };
                format!("({one} {op} ({other}{zero}))")
            }
            8 => {
                let name = self.random.pick(&["min", "max"]);
                let [one, other] = self.two(Type::U, depth);
                format!("{name}({one}, {other})")
            }
            9..12 => {
                let typ = self.random.pick(&Type::ALL);
                self.as_number(typ)
            }
            12 | 13 => {
                let Some(list) = self.variable(Type::List) else { return self.leaf(Type::U) };
                let [index, other] = self.two(Type::U, depth);
                if self.percent(5) {
                    return format!("{list}[{index}]");
                }
                format!("({list}[{index} % len({list})] if len({list}) > 0 else {other})")
            }
            14 => {
                let text = self.random.pick(&[Type::Text, Type::Bytes]);
                let Some(text) = self.variable(text) else { return self.leaf(Type::U) };
                let [index, other] = self.two(Type::U, depth);
                format!("({text}[{index} % len({text})] if len({text}) > 0 else {other})")
            }
            15 => {
                let Some(map) = self.variable(Type::Map) else { return self.leaf(Type::U) };
                let key = self.expression(Type::Text, depth + 1);
                let other = self.expression(Type::U, depth + 1);
                if self.percent(5) { format!("{map}[{key}]") } else { format!("{map}.get({key}, {other})") }
            }
            16 => {
                let [one, other] = self.two(Type::Text, depth);
                format!("({one}).find({other})")
            }
            17 => {
                let Some(thing) = self.variable(Type::Thing) else { return self.leaf(Type::U) };
                let other = self.leaf(Type::U);
                if self.percent(5) {
                    return format!("{thing}.a");
                }
                format!("({thing}.a if {thing} != none else {other})")
            }
            18 => self.random.pick(&["(gas() & 15)", "(words() & 15)", "$height()", "$size(2)"]).to_owned(),
            _ => {
                // What is too large, or no number, traps.
                if self.percent(5) {
                    return format!("u({})", self.expression(Type::F, depth + 1));
                }
                let Some(value) = self.variable(Type::F) else { return self.leaf(Type::U) };
                format!("(u(min(max({value}, 0.0), 1e6)) if {value} == {value} else 0)")
            }
        }
    }

    fn signed(&mut self, depth: u64) -> String {
        let [one, other] = self.two(Type::I, depth);
        match self.below(8) {
            0..4 => {
                let op = self.random.pick(&["+", "-", "*", "&", "|", "^"]);
                format!("({one} {op} {other})")
            }
            4 => {
                let op = self.random.pick(&["/", "%"]);
                format!("({one} {op} (({other} & i(15)) | i(1)))")
            }
            5 => format!("abs({one})"),
            6 => {
                let by = self.expression(Type::U, depth + 1);
                format!("(-{one} >> {by})")
            }
            _ => match self.variable(Type::U) {
                // A literal would be one of another type.
                Some(name) => format!("i({name} * {})", self.expression(Type::U, depth + 1)),
                None => one,
            },
        }
    }

    fn float(&mut self, depth: u64) -> String {
        let [one, other] = self.two(Type::F, depth);
        match self.below(10) {
            0..5 => {
                let op = self.random.pick(&["+", "-", "*", "/"]);
                format!("({one} {op} {other})")
            }
            5 => {
                let name = self.random.pick(&["min", "max"]);
                format!("{name}({one}, {other})")
            }
            6 => {
                let name = self.random.pick(&["sqrt", "floor", "ceil", "trunc", "round", "abs"]);
                format!("{name}({one})")
            }
            7 => match self.variable(Type::U) {
                // Literals alone would be floating numbers.
                Some(name) => format!("f({name} ^ {})", self.expression(Type::U, depth + 1)),
                None => one,
            },
            8 => {
                let Some(floats) = self.variable(Type::Floats) else { return one };
                let index = self.expression(Type::U, depth + 1);
                format!("({floats}[{index} % len({floats})] if len({floats}) > 0 else {other})")
            }
            _ => {
                let Some(thing) = self.variable(Type::Thing) else { return one };
                format!("({thing}.b if {thing} != none else {other})")
            }
        }
    }

    pub(super) fn condition(&mut self, depth: u64) -> String {
        match self.below(8) {
            0..3 => {
                let typ = self.random.pick(&[Type::U, Type::U, Type::I, Type::F, Type::Text]);
                let op = self.random.pick(&["<", "<=", ">", ">=", "==", "!="]);
                // A comparison of numbers from 0 on with a 0 that is written is refused where it is known how it ends.
                let [one, other] = self.two(typ, depth).map(|side| match side.as_str() {
                    "0" if matches!(typ, Type::U) => "u(0)".to_owned(),
                    _ => side,
                });
                format!("({one} {op} {other})")
            }
            3 => {
                let op = self.random.pick(&["and", "or", "==", "!="]);
                let [one, other] = self.two(Type::Bool, depth);
                format!("({one} {op} {other})")
            }
            4 => format!("(not {})", self.expression(Type::Bool, depth + 1)),
            5 => {
                let element = self.expression(Type::U, depth + 1);
                let list = self.expression(Type::List, depth + 1);
                let op = self.random.pick(&["in", "not in"]);
                format!("({element} {op} {list})")
            }
            6 => {
                let key = self.expression(Type::Text, depth + 1);
                let typ = self.random.pick(&[Type::Map, Type::Text]);
                let whole = self.expression(typ, depth + 1);
                format!("({key} in {whole})")
            }
            _ => {
                let [one, other] = self.two(Type::Text, depth);
                let name = self.random.pick(&["starts", "ends"]);
                format!("({one}).{name}({other})")
            }
        }
    }

    fn a_text(&mut self, depth: u64) -> String {
        match self.below(5) {
            0 => {
                let typ = self.random.pick(&[Type::U, Type::I, Type::F, Type::Bool]);
                format!("str({})", self.expression(typ, depth + 1))
            }
            1 | 2 => {
                // Not ever longer.
                let Some(name) = self.variable(Type::Text) else { return self.leaf(Type::Text) };
                let other = self.expression(Type::Text, depth + 1);
                format!("({name} + {other} if len({name}) < 40 else {other})")
            }
            3 => format!("({}).strip()", self.expression(Type::Text, depth + 1)),
            _ => {
                let [one, other] = self.two(Type::Text, depth);
                format!("({one}).join(({other}).split(\",\"))")
            }
        }
    }

    fn some_bytes(&mut self, depth: u64) -> String {
        match self.below(4) {
            0 => format!("({}).bytes()", self.expression(Type::Text, depth + 1)),
            1 => format!("bytes({} & 63)", self.expression(Type::U, depth + 1)),
            2 => {
                let Some(name) = self.variable(Type::Bytes) else { return self.leaf(Type::Bytes) };
                let index = self.expression(Type::U, depth + 1);
                format!("{name}[min({index}, len({name})):]")
            }
            _ => {
                let Some(name) = self.variable(Type::Bytes) else { return self.leaf(Type::Bytes) };
                let other = self.expression(Type::Bytes, depth + 1);
                format!("({name} + {other} if len({name}) < 40 else {other})")
            }
        }
    }

    fn list(&mut self, depth: u64) -> String {
        match self.below(6) {
            0 | 1 => {
                let [one, other] = self.two(Type::U, depth);
                format!("[{one}, {other}]")
            }
            2 => format!("({}).copy()", self.expression(Type::List, depth + 1)),
            3 => {
                let Some(name) = self.variable(Type::List) else { return self.leaf(Type::List) };
                let other = self.expression(Type::List, depth + 1);
                format!("({name} + {other} if len({name}) < 20 else {other})")
            }
            4 => {
                let Some(name) = self.variable(Type::List) else { return self.leaf(Type::List) };
                let [from, to] = self.two(Type::U, depth);
                if self.percent(5) {
                    return format!("{name}[{from}:{to}]");
                }
                format!("{name}[:{to} % (len({name}) + 1)]")
            }
            _ => format!("({}).values()", self.expression(Type::Map, depth + 1)),
        }
    }

    fn floats(&mut self, depth: u64) -> String {
        let length = self.expression(Type::U, depth + 1);
        let value = self.expression(Type::F, depth + 1);
        format!("array({length} & 15, {value})")
    }

    fn map(&mut self, depth: u64) -> String {
        let value = self.expression(Type::U, depth + 1);
        let other = self.expression(Type::U, depth + 1);
        let key = self.expression(Type::Text, depth + 1);
        format!("{{{key}: {value}, \"b\": {other}}}")
    }

    fn thing(&mut self, depth: u64) -> String {
        let a = self.expression(Type::U, depth + 1);
        let b = self.expression(Type::F, depth + 1);
        let t = self.expression(Type::Text, depth + 1);
        let l = self.expression(Type::List, depth + 1);
        let next = match self.variable(Type::Thing) {
            Some(name) if self.percent(40) => name,
            _ => "none".to_owned(),
        };
        format!("thing{{{a}, {b}, {t}, {l}, {next}}}")
    }

    /// What a sandboxed call is given.
    pub(super) fn budgets(&mut self) -> String {
        let gas =
            self.random.pick(&["30", "200", "600", "1500", "1500", "4000", "4000", "gas() / 2", "gas() / 2"]);
        let words = self.random.pick(&[
            "0",
            "40",
            "200",
            "500",
            "2000",
            "2000",
            "2000",
            "words() / 2",
            "words() / 2",
        ]);
        format!("{gas}, {words}")
    }

    /// The functions that may be called from here: those behind this one, so that it ends.
    pub(super) fn callees(&self, fits: impl Fn(&Function) -> bool) -> Vec<Function> {
        let first = if self.own == self.functions.len() { 0 } else { self.own + 1 };
        self.functions[first..].iter().filter(|function| fits(function)).cloned().collect()
    }

    /// The arguments of a call.
    pub(super) fn arguments(&mut self, function: &Function, depth: u64) -> String {
        let mut arguments = self.random.pick(&["0", "0", "1", "2", "5"]).to_owned();
        for &typ in &function.parameters {
            arguments += ", ";
            arguments += &self.expression(typ, depth + 1);
        }
        arguments
    }

    /// A call that gives such a value: plain, or sandboxed in one of two ways.
    fn call(&mut self, typ: Type, depth: u64) -> String {
        let callees = self.callees(|function| !function.yields && function.result == typ);
        if callees.is_empty() || depth > 2 {
            return self.leaf(typ);
        }
        let callee = &callees[self.random.index(callees.len())];
        let arguments = self.arguments(callee, depth + 1);
        let name = &callee.name;
        match self.below(20) {
            0..10 => format!("{name}({arguments})"),
            10 => {
                let budgets = self.budgets();
                format!("{name}<{budgets}>({arguments})")
            }
            _ => {
                let budgets = self.budgets();
                let other = self.leaf(typ);
                format!("({name}<{budgets}>({arguments}) else {other})")
            }
        }
    }
}
