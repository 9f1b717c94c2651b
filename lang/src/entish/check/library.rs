//! What a program names of the library: found by its name first, then by what it declares, and the bodies of functions
//! only when the program that is made needs them.

use super::super::ast;
use super::super::hir::{ExprKind, FuncId, Program};
use super::super::library::{self, Kind, Part};
use super::super::{Collect, File};
use super::body::{Attempt, Body};
use super::names::{Item, Scope, index};
use super::types::{Holds, Struct};
use super::{Checker, ConstInfo, FuncInfo};
use crate::Diagnostic;
use std::collections::BTreeMap;

/// The constant that says whether a program collects whenever it allocates.
const COLLECT_ALWAYS: (&str, &str) = ("collector", "ALWAYS");

/// A program whose own files have been checked.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(super) checker: Checker<'a>,
    /// Its own functions, and those of the library that have been named: these have a body once they are needed.
    pub(crate) program: Program,
}

impl Checked<'_> {
    /// The function `module.name` of the library.
    ///
    /// # Panics
    /// If there is none: the library and the compiler belong together.
    pub(crate) fn of_library(&mut self, name: &str) -> FuncId {
        let function = self.checker.function_of_library(name);
        self.update();
        FuncId(function.unwrap_or_else(|| panic!("the library has `{name}`")))
    }

    /// Has the function checked, if it is one of the library.
    ///
    /// # Errors
    /// What is wrong in it.
    pub(crate) fn need(&mut self, id: FuncId) -> Result<(), Vec<(u32, Diagnostic)>> {
        let function = id.0 as usize;
        if !self.program.funcs[function].is_made {
            self.checker.make(function);
            self.update();
        }
        if self.checker.errors.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.checker.errors)) }
    }

    /// The files of the library of which something has been named: they come behind the program's own.
    pub(crate) fn library_files(&self) -> impl Iterator<Item = File> + '_ {
        let modules = self.checker.scopes.iter().filter_map(|scope| scope.library);
        modules.map(|module| File { name: module.file_name(), text: module.text.to_owned() })
    }
}

impl<'a> Checker<'a> {
    /// Whether it is a file of the library, which has some instructions of its own.
    pub(super) fn is_in_library(&self, module: usize) -> bool {
        self.scopes[module].library.is_some()
    }

    /// What a name at the top level of a file means.
    pub(super) fn item(&mut self, module: usize, name: &str) -> Option<Item> {
        let scope = &self.scopes[module];
        if let Some(item) = scope.get(name) {
            return Some(item);
        }
        let part = scope.library?.part(name)?;
        Some(self.add_part(module, part))
    }

    /// Looks up all that a file declares.
    pub(super) fn all_items(&mut self, module: usize) {
        let library = self.scopes[module].library;
        for part in library.into_iter().flat_map(library::Module::parts) {
            self.item(module, part.name.text);
        }
    }

    /// The file of the library with this name, among the files of the program.
    pub(super) fn module_of_library(&mut self, name: &str) -> Option<usize> {
        let library = library::module(name)?;
        let known = |scope: &Scope<'_>| scope.library.is_some_and(|known| known.name == name);
        Some(self.scopes.iter().position(known).unwrap_or_else(|| {
            self.modules.push(library.name);
            self.scopes.push(Scope::of_library(library));
            self.scopes.len() - 1
        }))
    }

    fn function_of_library(&mut self, name: &str) -> Option<u32> {
        let (module, name) = name.split_once('.')?;
        let module = self.module_of_library(module)?;
        match self.item(module, name) {
            Some(Item::Func(function)) => Some(function),
            _ => None,
        }
    }

    fn add_part(&mut self, module: usize, part: &'static Part) -> Item {
        let name = &part.name;
        let item = match part.kind {
            // One that is not there is as good as one in which nothing is.
            Kind::Import => Item::Module(self.module_of_library(name.text).unwrap_or(module)),
            Kind::Const => Item::Const(index(self.consts.len())),
            Kind::Struct => Item::Struct(index(self.types.structs.len())),
            Kind::Func => Item::Func(index(self.funcs.len())),
        };
        self.scopes[module].insert(name, item);
        match item {
            Item::Const(index) => {
                if let [ast] = &self.parsed(module, part).consts[..] {
                    self.consts.push(ConstInfo { module, ast, value: None });
                    Body::constant(self, index as usize);
                    self.collect_always(index as usize);
                }
            }
            Item::Struct(_) => {
                if let [ast] = &self.parsed(module, part).structs[..] {
                    let name = self.qualified(module, name.text);
                    self.types.structs.push(Struct { name, fields: Vec::new(), holds: Holds::default() });
                    self.structs.push((module, ast));
                    self.resolve_structs();
                }
            }
            Item::Func(_) => {
                let name = self.qualified(module, name.text);
                let mut func = FuncInfo::new(module, name, None, &[], part.name.span.clone());
                func.undeclared = Some(part);
                self.funcs.push(func);
            }
            Item::Module(_) | Item::Lost => {}
        }
        item
    }

    fn parsed(&mut self, module: usize, part: &'static Part) -> &'static ast::File<'static> {
        static NOTHING: ast::File<'static> = ast::File::new();
        let Some(library) = self.scopes[module].library else { return &NOTHING };
        let (ast, wrong) = library.parsed(part);
        wrong.iter().for_each(|wrong| self.say(module, wrong.clone()));
        ast
    }

    fn collect_always(&mut self, constant: usize) {
        let ConstInfo { module, ast, value } = &mut self.consts[constant];
        if self.collect == Collect::Always
            && (self.modules[*module], ast.name.text) == COLLECT_ALWAYS
            && let Some(value) = value
        {
            value.kind = ExprKind::Word(1);
        }
    }

    /// Finds out what a function takes and gives, if it is of the library and nobody has asked yet.
    pub(super) fn declare(&mut self, function: usize) {
        let Some(part) = self.funcs[function].undeclared.take() else { return };
        let [ast] = &self.parsed(self.funcs[function].module, part).funcs[..] else { return };
        let func = &mut self.funcs[function];
        (func.ast, func.body, func.span) = (Some(ast), &ast.body, ast.span.clone());
        self.resolve_signature(function);
        let func = &mut self.funcs[function];
        func.results.get_or_insert_default();
        func.written = true;
        Body::defaults(self, function);
        self.declared.push(function);
    }

    /// Looks at the body of a function of the library.
    fn make(&mut self, function: usize) {
        self.declare(function);
        Body::function(self, function, &[index(function)], BTreeMap::new(), Attempt::First);
        self.declared.push(function);
    }
}
