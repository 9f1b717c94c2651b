//! Random programs in the language, as text: well-typed, with all kinds of values, calls, and sandboxed calls in
//! sandboxed calls. Each ends, mostly; what it is given for a sandboxed call is often too little.

mod expressions;
mod statements;

use super::Random;
use super::lines::{Lines, WriteLines};
use std::fmt::Write;

/// A type of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    U,
    I,
    F,
    Bool,
    Text,
    Bytes,
    List,
    Floats,
    Map,
    Thing,
}

impl Type {
    const ALL: [Self; 10] = [
        Self::U,
        Self::I,
        Self::F,
        Self::Bool,
        Self::Text,
        Self::Bytes,
        Self::List,
        Self::Floats,
        Self::Map,
        Self::Thing,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::U => "u",
            Self::I => "i",
            Self::F => "f",
            Self::Bool => "bool",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "u[]",
            Self::Floats => "array(f)",
            Self::Map => "map(text, u)",
            Self::Thing => "thing",
        }
    }
}

/// A function. Its first parameter says how often it may still call itself.
#[derive(Clone, Debug)]
struct Function {
    name: String,
    /// Besides the first.
    parameters: Vec<Type>,
    /// What it returns, or yields.
    result: Type,
    yields: bool,
}

struct Author<'r> {
    random: &'r mut Random,
    lines: Lines,
    functions: Vec<Function>,
    /// The function that is being written; the number of functions if that is the main program.
    own: usize,
    /// Variables in sight.
    variables: Vec<(String, Type)>,
    /// What counts the loops around: these are not assigned to.
    counters: Vec<String>,
    names: u32,
    loops: u32,
    /// Statements that may still be written in this function.
    budget: u32,
}

/// A program.
pub fn program(random: &mut Random) -> String {
    let count = random.within(3, 7);
    let functions = (0..count).map(|index| function(random, index)).collect::<Vec<_>>();
    let mut author = Author {
        random,
        lines: Lines::default(),
        own: functions.len(),
        functions,
        variables: Vec::new(),
        counters: Vec::new(),
        names: 0,
        loops: 0,
        budget: 0,
    };
    author.line("typ thing {u a, f b, text t, u[] l, thing next}");
    for own in 0..author.functions.len() {
        author.function(own);
    }
    author.main();
    author.lines.finish()
}

fn function(random: &mut Random, index: u64) -> Function {
    let yields = random.percent(20);
    let parameters = (0..random.below(4)).map(|_| random.pick(&Type::ALL)).collect();
    let result = if random.percent(50) { Type::U } else { random.pick(&Type::ALL) };
    Function { name: format!("{}{index}", if yields { "give" } else { "make" }), parameters, result, yields }
}

impl WriteLines for Author<'_> {
    fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }
}

impl Author<'_> {
    fn percent(&mut self, of: u64) -> bool {
        self.random.percent(of)
    }

    fn below(&mut self, range: u64) -> u64 {
        self.random.below(range)
    }

    fn name(&mut self, of: &str) -> String {
        self.names += 1;
        format!("{of}_{}", self.names)
    }

    /// A variable of each type.
    fn variables(&mut self) {
        for typ in Type::ALL {
            let value = self.expression(typ, 2);
            let name = self.name("v");
            self.line(&format!("{} {name} = {value}", typ.text()));
            self.variables.push((name, typ));
        }
    }

    fn function(&mut self, own: usize) {
        let Function { name, parameters, result, yields } = self.functions[own].clone();
        self.own = own;
        self.variables.clear();
        self.budget = 12;
        let mut heading = format!("def {name}(u depth");
        for typ in parameters {
            let name = self.name("p");
            let _ = write!(heading, ", {} {name}", typ.text());
            self.variables.push((name, typ));
        }
        heading += ")";
        if !yields {
            let _ = write!(heading, " -> {}", result.text());
        }
        self.block(&(heading + ":"), |author| {
            author.variables();
            if yields {
                author.yielding(result);
            } else {
                let statements = author.random.within(1, 5);
                (0..statements).for_each(|_| author.statement());
                let call = author.again();
                author.block("if depth > 0:", |author| author.line(&format!("return {call}")));
                let value = author.expression(result, 0);
                author.line(&format!("return {value}"));
            }
        });
    }

    /// Yields in a loop.
    fn yielding(&mut self, typ: Type) {
        let turns = self.below(6);
        let counter = self.name("k");
        self.counters.push(counter.clone());
        self.loops += 1;
        self.block(&format!("for {counter} in range({turns}):"), |author| {
            author.statement();
            let value = author.expression(typ, 1);
            author.line(&format!("yield {value}"));
        });
        self.loops -= 1;
        self.counters.pop();
        self.statement();
    }

    /// A call of the function itself, once less: plainly, or in a sandbox.
    fn again(&mut self) -> String {
        let Function { name, parameters, result, .. } = self.functions[self.own].clone();
        let arguments: String =
            parameters.into_iter().map(|typ| format!(", {}", self.expression(typ, 2))).collect();
        match self.below(3) {
            0 => {
                let budgets = self.budgets();
                let other = self.expression(result, 2);
                format!("({name}<{budgets}>(depth - 1{arguments}) else {other})")
            }
            _ => format!("{name}(depth - 1{arguments})"),
        }
    }

    fn main(&mut self) {
        self.own = self.functions.len();
        self.variables.clear();
        self.variables();
        self.budget = 25;
        for _ in 0..self.random.within(4, 10) {
            self.statement();
            if self.percent(20) {
                let value = self.expression(Type::U, 1);
                self.line(&format!("yield {value}"));
            }
        }
        // All that it has come to.
        for typ in Type::ALL {
            let value = self.as_number(typ);
            self.line(&format!("yield {value}"));
        }
    }
}
