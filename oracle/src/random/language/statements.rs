//! Statements.

use super::{Author, Type};
use crate::random::lines::WriteLines;

impl Author<'_> {
    pub(super) fn statement(&mut self) {
        if self.budget == 0 {
            return self.assign();
        }
        self.budget -= 1;
        match self.below(20) {
            0..5 => self.assign(),
            5..8 => self.change(),
            8 | 9 => self.choose(),
            10..13 if self.loops < 3 => self.repeat(),
            13..15 => self.job(),
            15 if self.loops > 0 => {
                let condition = self.condition(2);
                let way = self.random.pick(&["break", "continue"]);
                self.block(&format!("if {condition}:"), |author| author.line(way));
            }
            16 if self.percent(30) => {
                let condition = self.condition(1);
                // It holds mostly.
                let or = if self.percent(95) { " or true" } else { "" };
                self.line(&format!("assert {condition}{or}, \"it does not hold\""));
            }
            17 if self.own == self.functions.len() && self.percent(40) => {
                let value = self.expression(Type::U, 1);
                let text = self.expression(Type::Text, 1);
                self.line(&format!("print({value}, {text})"));
            }
            _ => self.call_statement(),
        }
    }

    fn assign(&mut self) {
        let typ = self.random.pick(&Type::ALL);
        let Some(name) = self.variable(typ) else { return self.line("pass") };
        let numeric = matches!(typ, Type::U | Type::I | Type::F);
        let op = if numeric { self.random.pick(&["=", "=", "+=", "-=", "*="]) } else { "=" };
        let value = self.expression(typ, 0);
        self.line(&format!("{name} {op} {value}"));
    }

    /// Changes what a variable refers to.
    fn change(&mut self) {
        let typ =
            self.random.pick(&[Type::List, Type::List, Type::Map, Type::Thing, Type::Bytes, Type::Floats]);
        let Some(name) = self.variable(typ) else { return self.line("pass") };
        let number = self.expression(Type::U, 1);
        let index = self.expression(Type::U, 2);
        let some = format!("if len({name}) > 0:");
        match typ {
            Type::List => match self.below(8) {
                0..3 => self.block(&format!("if len({name}) < 30:"), |author| {
                    author.line(&format!("{name}.append({number})"));
                }),
                3 => self
                    .block(&some, |author| author.line(&format!("{name}[{index} % len({name})] = {number}"))),
                4 => self.block(&some, |author| author.line(&format!("{name}.pop()"))),
                5 => {
                    self.block(&some, |author| author.line(&format!("{name}.remove({index} % len({name}))")));
                }
                6 => self.line(&format!("{name}.insert({index} % (len({name}) + 1), {number})")),
                _ => self.line(&format!("{name}.reverse()")),
            },
            Type::Map => {
                let key = self.expression(Type::Text, 2);
                if self.percent(70) {
                    self.line(&format!("{name}[{key}] = {number}"));
                } else {
                    self.line(&format!("{name}.remove({key})"));
                }
            }
            Type::Thing => {
                let (field, value) = match self.below(4) {
                    0 => ("a", number),
                    1 => ("b", self.expression(Type::F, 1)),
                    2 => ("t", self.expression(Type::Text, 1)),
                    _ => ("l", self.expression(Type::List, 1)),
                };
                let guard = format!("if {name} != none:");
                self.block(&guard, |author| author.line(&format!("{name}.{field} = {value}")));
            }
            Type::Bytes => {
                self.block(&some, |author| {
                    author.line(&format!("{name}[{index} % len({name})] = {number} & 255"));
                });
            }
            _ => {
                let value = self.expression(Type::F, 1);
                self.block(&some, |author| author.line(&format!("{name}[{index} % len({name})] = {value}")));
            }
        }
    }

    fn choose(&mut self) {
        let condition = self.condition(1);
        self.block(&format!("if {condition}:"), Self::statement);
        if self.percent(30) {
            let condition = self.condition(1);
            self.block(&format!("elif {condition}:"), Self::statement);
        }
        if self.percent(50) {
            self.block("else:", Self::statement);
        }
    }

    /// A loop of each kind.
    fn repeat(&mut self) {
        let counter = self.name("k");
        let statements = self.random.within(1, 4);
        let heading = match self.below(8) {
            0..3 => format!("for {counter} in range({}):", self.random.pick(&["3", "10", "40"])),
            3 => {
                let from = self.expression(Type::U, 2);
                let step = self.random.pick(&["1", "3", "7"]);
                format!("for {counter} in range({from} & 15, 30, {step}):")
            }
            4 => format!("for {counter} in {}:", self.expression(Type::List, 1)),
            5 => {
                let typ = self.random.pick(&[Type::Text, Type::Bytes]);
                format!("for {counter} in {}:", self.expression(typ, 1))
            }
            6 => {
                let map = self.expression(Type::Map, 1);
                format!("for {counter} in ({map}).values():")
            }
            _ => {
                let turns = self.random.pick(&["3", "9", "30"]);
                self.line(&format!("{counter} = {turns}"));
                format!("while {counter} > 0:")
            }
        };
        self.loops += 1;
        self.counters.push(counter.clone());
        let counts = heading.starts_with("while");
        self.block(&heading, |author| {
            if counts {
                author.line(&format!("{counter} -= 1"));
            }
            (0..statements).for_each(|_| author.statement());
        });
        self.counters.pop();
        self.loops -= 1;
    }

    fn call_statement(&mut self) {
        let callees = self.callees(|function| !function.yields);
        if callees.is_empty() {
            return self.assign();
        }
        let callee = &callees[self.random.index(callees.len())];
        let arguments = self.arguments(callee, 1);
        let budgets = if self.percent(30) { format!("<{}>", self.budgets()) } else { String::new() };
        let name = &callee.name;
        let Some(variable) = self.variable(callee.result) else { return self.line("pass") };
        let other =
            if !budgets.is_empty() && self.percent(80) { format!(" else {variable}") } else { String::new() };
        self.line(&format!("{variable} = {name}{budgets}({arguments}){other}"));
    }

    /// A sandboxed call whatever becomes of it, which may be gone on with.
    fn job(&mut self) {
        let callees = self.callees(|_| true);
        if callees.is_empty() {
            return self.assign();
        }
        let callee = callees[self.random.index(callees.len())].clone();
        let arguments = self.arguments(&callee, 1);
        let (job, budgets) = (self.name("job"), self.budgets());
        self.line(&format!("{job} = try {}<{budgets}>({arguments})", callee.name));
        let Some(number) = self.variable(Type::U) else { return self.line("pass") };
        self.line(&format!("{number} += {job}.status * 1000 + {job}.trap + {job}.gas_left"));
        let Some(value) = self.variable(callee.result) else { return self.line("pass") };
        let budgets = self.budgets();
        if callee.yields {
            let counter = self.name("k");
            self.line(&format!("{counter} = 0"));
            let more = format!("while {job}.status == status.yielded and {counter} < 5:");
            self.block(&more, |author| {
                author.line(&format!("{value} = {job}.value"));
                author.line(&format!("{counter} += 1"));
                author.line(&format!("{job}<{budgets}>()"));
            });
        } else {
            if self.percent(60) {
                let dry =
                    format!("if {job}.status == status.out_of_gas or {job}.status == status.out_of_words:");
                self.block(&dry, |author| author.line(&format!("{number} += {job}<{budgets}>()")));
            }
            let returned = format!("if {job}.status == status.returned:");
            self.block(&returned, |author| author.line(&format!("{value} = {job}.value")));
        }
        if self.percent(80) {
            self.line(&format!("{job}.end()"));
        }
    }
}
