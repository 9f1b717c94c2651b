//! What names mean and which types values have: from the texts of a program to the program that is compiled.
//!
//! Functions and constants are looked at in groups of those that need one another, each group behind those that it
//! needs, so that results without an arrow are known where they are used. Types are found by unification (`types`).
//! A function whose types are not all known when they are needed first is looked at a second time, with what is
//! known of its variables by then.

mod assign;
mod body;
mod builtin;
mod call;
mod consts;
mod expr;
mod finish;
mod flow;
mod graph;
mod input;
mod lasting;
mod library;
mod loops;
mod machine;
mod methods;
mod names;
mod operators;
mod results;
mod sandbox;
mod say;
mod stmt;
mod types;
mod walk;

use super::Collect;
use super::ast::{self, Span, Stmt};
use super::hir::{self, FuncId, Left};
use super::library::Part;
use crate::Diagnostic;
use body::{Attempt, Body, Found};
pub(crate) use builtin::status_name;
use graph::Graph;
pub(crate) use input::{Given, Variable};
pub(crate) use lasting::Lasting;
pub(crate) use library::Checked;
use names::{Item, Scope};
use std::collections::{BTreeMap, BTreeSet};
use types::{Ty, Types};
pub(crate) use walk::exprs as walk_exprs;

/// A file of the program's own.
#[derive(Debug)]
pub(crate) struct Module<'a> {
    /// Its name where it is imported.
    pub(crate) name: &'a str,
    pub(crate) ast: &'a ast::File<'a>,
}

/// Finds out what the program means. The first file is the program. The statements of an input of a session are `given` its
/// variables. If something is `wrong` already, the rest is looked at, and nothing is said of what may follow from it.
///
/// # Errors
/// Everything that is wrong, with the indices of the files.
pub(crate) fn check<'a>(
    modules: &[Module<'a>],
    wrong: Vec<(u32, Diagnostic)>,
    given: Option<&'a Given>,
    collect: Collect,
) -> Result<Checked<'a>, Vec<(u32, Diagnostic)>> {
    // What a file says of which much could not be read, nobody knows.
    if modules.iter().any(|module| module.ast.unread) {
        return Err(wrong);
    }
    let mut checker = Checker::new(given, collect);
    checker.errors = wrong;
    checker.collect(modules);
    checker.find_main(modules);
    checker.resolve_structs();
    // What is named of the library comes behind these.
    let functions = checker.funcs.len();
    for function in 0..functions {
        checker.resolve_signature(function);
    }
    let main = checker.main as usize;
    if let Some(ast) = checker.funcs.get(main).and_then(|main| main.ast)
        && (!ast.params.is_empty() || ast.results.as_ref().is_some_and(|results| !results.is_empty()))
    {
        checker.say(0, say::main_signature(&ast.span));
    }
    if let Some(main) = checker.funcs.get_mut(main) {
        (main.results, main.written) = (Some(Vec::new()), true);
    }
    let graph = Graph::of(&mut checker, functions);
    for function in 0..functions {
        checker.funcs[function].loses_yields = graph.loses_yields(function);
        checker.funcs[function].yields =
            graph.yields(function).then(|| if function == main { Ty::U } else { checker.types.unknown() });
    }
    for group in graph.groups() {
        if checker.is_full() {
            break;
        }
        checker.check_group(&graph, &group);
    }
    if checker.errors.is_empty() { checker.finish() } else { Err(without_what_follows(checker.errors)) }
}

/// Where something else is wrong, that may be why a type is not known.
fn without_what_follows(errors: Vec<(u32, Diagnostic)>) -> Vec<(u32, Diagnostic)> {
    let (follow, others): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|(_, error)| say::may_follow(error));
    if others.is_empty() { follow } else { others }
}

/// The files with what the language's built-in functions become.
const RUNTIME: [&str; 4] = ["runtime", "tables", "border", "services"];

/// A constant at the top level.
#[derive(Debug)]
struct ConstInfo<'a> {
    module: usize,
    ast: &'a ast::Const<'a>,
    /// Known behind its group.
    value: Option<hir::Expr>,
}

/// A function, or the main program.
#[derive(Debug)]
struct FuncInfo<'a> {
    module: usize,
    name: String,
    /// `None` for a main program at the top level, and as long as it is `undeclared`.
    ast: Option<&'a ast::Func<'a>>,
    /// Of the library; nobody has asked for more than its name.
    undeclared: Option<&'static Part>,
    body: &'a [Stmt<'a>],
    span: Span,
    params: Vec<Ty>,
    /// The type parameters.
    letters: Vec<char>,
    defaults: Vec<Option<hir::Expr>>,
    /// `None` as long as not even their number is known.
    results: Option<Vec<Ty>>,
    /// Whether the results are written.
    written: bool,
    yields: Option<Ty>,
    /// Whether something in it could not be parsed.
    is_broken: bool,
    /// Whether so what it yields is not known for sure.
    loses_yields: bool,
    made: Option<Made>,
}

/// What comes of a function, with types that are not those of the program yet.
#[derive(Debug)]
struct Made {
    locals: Vec<Ty>,
    body: Vec<hir::Stmt>,
}

impl<'a> FuncInfo<'a> {
    /// Whether its results may be others than can be seen.
    const fn loses_results(&self) -> bool {
        self.is_broken && !self.written
    }

    fn new(
        module: usize,
        name: String,
        ast: Option<&'a ast::Func<'a>>,
        body: &'a [Stmt<'a>],
        span: Span,
    ) -> Self {
        Self {
            module,
            name,
            ast,
            undeclared: None,
            body,
            span,
            params: Vec::new(),
            letters: Vec::new(),
            defaults: Vec::new(),
            results: None,
            written: false,
            yields: None,
            is_broken: ast.is_some_and(|ast| !ast.whole),
            loses_yields: false,
            made: None,
        }
    }
}

#[derive(Debug)]
struct Checker<'a> {
    types: Types<'a>,
    /// The files by the names by which they are imported, those of the library behind the program's own.
    modules: Vec<&'a str>,
    scopes: Vec<Scope<'a>>,
    /// Where each struct of [`Types::structs`] is declared.
    structs: Vec<(usize, &'a ast::Struct<'a>)>,
    /// Of how many of them the fields are known, and whether those of another one are being found out.
    resolved_structs: usize,
    resolves_structs: bool,
    consts: Vec<ConstInfo<'a>>,
    funcs: Vec<FuncInfo<'a>>,
    /// Those of the library of which more is known than the program has been told.
    declared: Vec<usize>,
    main: u32,
    collect: Collect,
    /// What the main program is given, if it is an input of a session.
    given: Option<&'a Given>,
    /// What it leaves.
    left: Left<Ty>,
    /// The hosts that it names.
    hosts: Vec<String>,
    /// The variables of the main program, once somebody has asked for them.
    main_variables: Option<BTreeSet<&'a str>>,
    /// How many names may still be compared with all those that there are.
    comparisons: u32,
    errors: Vec<(u32, Diagnostic)>,
}

/// How many unknown names are compared with all that are known.
const COMPARISONS_MAX: u32 = 400;

/// So many mistakes are reported; the rest of the program is not looked at.
const REPORTED_MAX: usize = 1000;

impl<'a> Checker<'a> {
    fn new(given: Option<&'a Given>, collect: Collect) -> Self {
        Self {
            types: Types::new(),
            modules: Vec::new(),
            scopes: Vec::new(),
            structs: Vec::new(),
            resolved_structs: 0,
            resolves_structs: false,
            consts: Vec::new(),
            funcs: Vec::new(),
            declared: Vec::new(),
            main: 0,
            collect,
            given,
            left: Left::default(),
            hosts: Vec::new(),
            main_variables: None,
            comparisons: COMPARISONS_MAX,
            errors: Vec::new(),
        }
    }

    fn say(&mut self, module: usize, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.errors.push((names::index(module), diagnostic));
        }
    }

    /// Whether enough has been reported.
    const fn is_full(&self) -> bool {
        self.errors.len() >= REPORTED_MAX
    }

    /// The function of the library with this name that a built-in function becomes.
    fn runtime(&mut self, name: &str) -> Option<FuncId> {
        RUNTIME.iter().find_map(|module| {
            let module = self.module_of_library(module)?;
            match self.item(module, name) {
                Some(Item::Func(index)) => {
                    self.declare(index as usize);
                    Some(FuncId(index))
                }
                _ => None,
            }
        })
    }

    /// Whether the main program has a variable of this name.
    fn is_main_variable(&mut self, name: &str) -> bool {
        let body = self.funcs[self.main as usize].body;
        let is_given = self.given.is_some_and(|given| given.variable(name).is_some());
        is_given || self.main_variables.get_or_insert_with(|| walk::assigned(body)).contains(name)
    }

    fn check_group(&mut self, graph: &Graph, group: &[u32]) {
        let errors = self.errors.len();
        let functions = graph.functions();
        let recursive = group.len() > 1 || group.first().is_some_and(|&node| graph.is_recursive(node));
        let (members, consts): (Vec<u32>, Vec<u32>) = group.iter().partition(|&&node| node < functions);
        for node in consts {
            let index = (node - functions) as usize;
            if recursive {
                let (module, name) = (self.consts[index].module, &self.consts[index].ast.name);
                self.say(module, say::constant_cycle(name));
            } else {
                Body::constant(self, index);
            }
        }
        for &member in &members {
            Body::defaults(self, member as usize);
        }
        self.count_results(&members);
        let inferred = members.iter().any(|&member| {
            let func = &self.funcs[member as usize];
            !func.written || func.yields.is_some()
        });
        let mut known: BTreeMap<u32, Found<'a>> = BTreeMap::new();
        if recursive && inferred {
            let before = self.errors.len();
            for &member in &members {
                known.insert(
                    member,
                    Body::function(self, member as usize, &members, BTreeMap::new(), Attempt::Probe),
                );
            }
            self.errors.truncate(before);
        }
        for &member in &members {
            let known = known.remove(&member).unwrap_or_default();
            Body::function(self, member as usize, &members, known, Attempt::First);
        }
        let is_broken = members.iter().any(|&member| self.funcs[member as usize].is_broken);
        if self.errors.len() > errors || is_broken {
            // What is wrong may be why a type is not known.
            return self.give_up(&members);
        }
        for &member in &members {
            self.check_signature(member as usize);
        }
    }

    /// What is not known of these functions, in which something is wrong, is not reported where they are used.
    fn give_up(&mut self, members: &[u32]) {
        for &member in members {
            let FuncInfo { results, yields, .. } = &self.funcs[member as usize];
            let types: Vec<_> = results.iter().flatten().chain(yields).copied().collect();
            for ty in types {
                self.types.give_up(ty);
            }
        }
    }

    /// What can be said of a function's results and of what it yields when its group has been looked at.
    fn check_signature(&mut self, function: usize) {
        let FuncInfo { module, ast, .. } = self.funcs[function];
        let results = self.funcs[function].results.clone().unwrap_or_default();
        let yields = self.funcs[function].yields;
        let span = self.funcs[function].span.clone();
        if let Some(ast) = ast
            && results.iter().any(|&ty| self.types.is_open(ty))
        {
            let endless = results.iter().all(|&ty| self.types.is_unknown(ty));
            self.say(module, say::open_results(&ast.name, endless));
            let broken = vec![Ty::BROKEN; results.len()];
            self.funcs[function].results = Some(broken);
            return;
        }
        let Some(yields) = yields else { return };
        if self.types.is_open(yields) && self.types.unify(yields, Ty::U).is_err() {
            self.say(module, say::open_yields(&span));
        }
        match results[..] {
            [] => {}
            [one] if self.types.unify(one, yields).is_ok() => {}
            _ => {
                let (results, yields) = (self.types.show_results(&results), self.types.show(yields));
                self.say(module, say::yields_and_returns(&span, &yields, &results));
            }
        }
    }
}

#[cfg(test)]
mod tests;
