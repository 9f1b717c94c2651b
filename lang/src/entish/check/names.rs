//! What the names at the top level of the files mean, and what types are written.

use super::super::ast::{Name, Param, Span, Stmt, StmtKind, Type, TypeKind};
use super::super::library;
use super::types::{Holds, Node, Struct, Ty};
use super::{Checker, ConstInfo, FuncInfo, Module, builtin, say};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a name at the top level means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Const(u32),
    Struct(u32),
    Func(u32),
    /// Index of the module.
    Module(usize),
    /// Something whose declaration could not be parsed, or a file that was not found.
    Lost,
}

/// What no struct is called: the names of types, and those before `.returned` and `.read`.
const BUILT_IN: [&str; 13] =
    ["u", "i", "f", "bool", "text", "bytes", "key", "list", "array", "map", "job", "status", "right"];

/// The names at the top level of a file.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    items: BTreeMap<&'a str, (Item, Span)>,
    /// What else may be declared.
    lost: BTreeSet<&'a str>,
    /// The file, if it is of the library: then there are only those that somebody has named.
    pub(super) library: Option<&'static library::Module>,
}

impl<'a> Scope<'a> {
    pub(super) fn of_library(library: &'static library::Module) -> Self {
        Self { library: Some(library), ..Self::default() }
    }

    pub(super) fn insert(&mut self, name: &Name<'a>, item: Item) {
        self.items.insert(name.text, (item, name.span.clone()));
    }

    pub(super) fn get(&self, name: &str) -> Option<Item> {
        let lost = || self.lost.contains(name).then_some(Item::Lost);
        self.items.get(name).map(|item| item.0).or_else(lost)
    }

    pub(super) fn span(&self, name: &str) -> Option<&Span> {
        self.items.get(name).map(|item| &item.1)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.items.keys().copied()
    }

    /// The names of those items for which this holds.
    pub(super) fn names_of(&self, which: fn(Item) -> bool) -> impl Iterator<Item = &'a str> + '_ {
        self.items.iter().filter(move |(_, item)| which(item.0)).map(|(name, _)| *name)
    }
}

/// Whether it could be parsed.
fn is_whole(of: &&Stmt<'_>) -> bool {
    !matches!(of.kind, StmtKind::Broken(_))
}

pub(super) fn index(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Whether this can only be a type parameter.
pub(super) fn letter(name: &str) -> Option<char> {
    let mut chars = name.chars();
    chars.next().filter(|first| first.is_ascii_uppercase() && chars.next().is_none())
}

impl<'a> Checker<'a> {
    /// Finds all items of all files.
    pub(super) fn collect(&mut self, modules: &[Module<'a>]) {
        let by_name: BTreeMap<_, _> =
            modules.iter().enumerate().map(|(index, module)| (module.name, index)).collect();
        for of in modules {
            self.scopes.push(Scope::default());
            self.modules.push(of.name);
        }
        let wrong: BTreeSet<u32> = self.errors.iter().map(|error| error.0).collect();
        // Imports that something has been said of, among these.
        let places: BTreeSet<(u32, usize)> =
            self.errors.iter().map(|(file, error)| (*file, error.span.start)).collect();
        for (module, of) in modules.iter().enumerate() {
            let lost = of.ast.lost.iter().filter(|name| !builtin::is_function(name));
            self.scopes[module].lost = lost.copied().collect();
            for import in &of.ast.imports {
                if places.contains(&(index(module), import.span.start as usize)) {
                    self.scopes[module].lost.insert(import.text);
                    continue;
                }
                let own = by_name.get(import.text).copied();
                match own.or_else(|| self.module_of_library(import.text)) {
                    Some(found) => self.add_item(module, import, Item::Module(found)),
                    None if wrong.contains(&index(module)) => {
                        self.scopes[module].lost.insert(import.text);
                    }
                    None => self.say(module, say::unknown_module(import)),
                }
            }
            for ast in &of.ast.structs {
                let item = Item::Struct(index(self.types.structs.len()));
                let name = self.qualified(module, ast.name.text);
                self.types.structs.push(Struct { name, fields: Vec::new(), holds: Holds::default() });
                self.structs.push((module, ast));
                if letter(ast.name.text).is_some() {
                    self.say(module, say::struct_of_one_letter(&ast.name));
                }
                if BUILT_IN.contains(&ast.name.text) {
                    self.say(module, say::struct_of_built_in_name(&ast.name));
                }
                self.add_item(module, &ast.name, item);
            }
            for ast in &of.ast.consts {
                let item = Item::Const(index(self.consts.len()));
                self.consts.push(ConstInfo { module, ast, value: None });
                self.add_item(module, &ast.name, item);
            }
            for ast in &of.ast.funcs {
                let item = Item::Func(index(self.funcs.len()));
                let name = self.qualified(module, ast.name.text);
                self.funcs.push(FuncInfo::new(module, name, Some(ast), &ast.body, ast.span.clone()));
                self.add_item(module, &ast.name, item);
            }
        }
    }

    pub(super) fn qualified(&self, module: usize, name: &str) -> String {
        if module == 0 { name.to_owned() } else { format!("{}.{name}", self.modules[module]) }
    }

    fn add_item(&mut self, module: usize, name: &Name<'a>, item: Item) {
        let scope = &mut self.scopes[module];
        match scope.items.get(name.text) {
            Some((_, first)) => {
                let other = Name { text: name.text, span: first.clone() };
                let diagnostic = if first.start < name.span.start {
                    say::name_taken(name, first)
                } else {
                    say::name_taken(&other, &name.span)
                };
                self.say(module, diagnostic);
            }
            None => scope.insert(name, item),
        }
    }

    /// The main program: the function `main`, or the statements at the top level.
    pub(super) fn find_main(&mut self, modules: &[Module<'a>]) {
        for (module, of) in modules.iter().enumerate().skip(1) {
            if let Some(first) = of.ast.main.iter().find(is_whole) {
                self.say(module, say::statements_in_import(&first.span));
            }
        }
        let Some(program) = modules.first() else { return };
        let declared = match self.scopes[0].get("main") {
            Some(Item::Func(index)) if self.given.is_none() => Some(index),
            _ => None,
        };
        match (declared, program.ast.main.first()) {
            (Some(index), _) => {
                let first = program.ast.main.iter().find(is_whole);
                if let (Some(first), Some(ast)) = (first, self.funcs[index as usize].ast) {
                    self.say(0, say::two_mains(&first.span, &ast.name.span));
                }
                self.main = index;
            }
            (None, first) => {
                let span = first.map_or(0..0, |first| first.span.clone());
                self.main = index(self.funcs.len());
                self.funcs.push(FuncInfo::new(0, "main".to_owned(), None, &program.ast.main, span));
            }
        }
    }

    /// The fields of the structs that have been declared since, and what these hold.
    pub(super) fn resolve_structs(&mut self) {
        // Those that are met here are of the library, and done in turn.
        if std::mem::replace(&mut self.resolves_structs, true) {
            return;
        }
        let first = self.resolved_structs;
        let mut holders: Vec<Vec<usize>> = Vec::new();
        while let Some(&(module, ast)) = self.structs.get(self.resolved_structs) {
            let number = self.resolved_structs;
            self.resolved_structs += 1;
            let mut fields: Vec<(&'a str, Ty)> = Vec::new();
            let mut spans: BTreeMap<&str, &Span> = BTreeMap::new();
            for (ty, name) in &ast.fields {
                let ty = self.written(module, ty, &[]);
                if let Some(first) = spans.insert(name.text, &name.span) {
                    self.say(module, say::field_twice(name, first));
                }
                fields.push((name.text, ty));
            }
            holders.resize_with(self.structs.len(), Vec::new);
            for &(_, ty) in &fields {
                let holds = self.types.holds_seeing(ty, &mut |inner| {
                    holders[inner as usize].push(number);
                });
                let all = &mut self.types.structs[number].holds;
                *all = all.or(holds);
            }
            self.types.structs[number].fields = fields;
        }
        self.resolves_structs = false;
        let mut work: Vec<_> = (first..self.structs.len()).collect();
        while let Some(number) = work.pop() {
            let holds = self.types.structs[number].holds;
            for &holder in &holders[number] {
                let of = &mut self.types.structs[holder].holds;
                if of.or(holds) != *of {
                    *of = of.or(holds);
                    work.push(holder);
                }
            }
        }
    }

    /// The types of a function's parameters and results, as far as they are written.
    pub(super) fn resolve_signature(&mut self, function: usize) {
        let Some(ast) = self.funcs[function].ast else {
            self.funcs[function].results = Some(Vec::new());
            return;
        };
        let module = self.funcs[function].module;
        let mut letters = Vec::new();
        let written = ast.params.iter().filter_map(|param| param.ty.as_ref());
        for ty in written.clone().chain(ast.results.iter().flatten()) {
            self.letters_of(module, ty, &mut letters);
        }
        let mut names: BTreeMap<&str, &Span> = BTreeMap::new();
        let mut params = Vec::new();
        let mut optional: Option<&Param<'_>> = None;
        for param in &ast.params {
            if let Some(first) = names.insert(param.name.text, &param.name.span) {
                self.say(module, say::parameter_twice(&param.name, first));
            }
            match (optional, &param.default) {
                (Some(before), None) => self.say(module, say::default_before(&param.name, &before.name)),
                (None, Some(_)) => optional = Some(param),
                _ => {}
            }
            params.push(param.ty.as_ref().map_or(Ty::U, |ty| self.written(module, ty, &letters)));
        }
        let results = ast.results.as_ref();
        let results: Option<Vec<_>> =
            results.map(|results| results.iter().map(|ty| self.written(module, ty, &letters)).collect());
        let func = &mut self.funcs[function];
        func.params = params;
        func.written = results.is_some();
        func.results = results;
        func.letters = letters;
    }

    /// The type parameters in a type that is written.
    fn letters_of(&mut self, module: usize, ty: &Type<'_>, letters: &mut Vec<char>) {
        match &ty.kind {
            TypeKind::Named(name) => {
                letters.extend(
                    letter(name.text)
                        .filter(|new| !letters.contains(new) && self.item(module, name.text).is_none()),
                );
            }
            TypeKind::Member(..) => {}
            TypeKind::Applied(_, of) => of.iter().for_each(|ty| self.letters_of(module, ty, letters)),
            TypeKind::Func(params, results) => {
                params.iter().chain(results).for_each(|ty| self.letters_of(module, ty, letters));
            }
        }
    }

    /// The type that is written; `letters` are the type parameters that there are.
    pub(super) fn written(&mut self, module: usize, ty: &Type<'a>, letters: &[char]) -> Ty {
        match &ty.kind {
            TypeKind::Named(name) => self.named_type(module, name, letters),
            TypeKind::Member(of, name) => match self.item(module, of.text) {
                Some(Item::Lost) => Ty::BROKEN,
                Some(Item::Module(found)) => match self.item(found, name.text) {
                    Some(Item::Struct(index)) => self.struct_type(index),
                    Some(Item::Lost) => Ty::BROKEN,
                    _ => {
                        let structs = self.candidates(found, |item| matches!(item, Item::Struct(_)));
                        let diagnostic = say::unknown_type_of(name, of.text, structs);
                        self.broken(module, diagnostic)
                    }
                },
                _ => {
                    let modules = self.candidates(module, |item| matches!(item, Item::Module(_)));
                    let diagnostic = say::not_imported(of, modules);
                    self.broken(module, diagnostic)
                }
            },
            TypeKind::Applied(name, of) => {
                let of: Vec<_> = of.iter().map(|ty| self.written(module, ty, letters)).collect();
                match (name.text, &of[..]) {
                    ("list", &[of]) => self.types.list(of),
                    ("array", &[of]) => self.types.array(of),
                    ("map", &[key, value]) => {
                        if !self.can_be_key(key) {
                            let diagnostic = say::key_type(&ty.span, &self.types.show(key));
                            return self.broken(module, diagnostic);
                        }
                        self.types.add(Node::Map(key, value))
                    }
                    ("job", &[]) => self.types.add(Node::Job(None)),
                    ("job", &[of]) => self.types.add(Node::Job(Some(of))),
                    ("list" | "array" | "map" | "job", _) => {
                        self.broken(module, say::type_arguments(name, of.len()))
                    }
                    _ => self.broken(module, say::no_type_arguments(name)),
                }
            }
            TypeKind::Func(params, results) => {
                let params: Rc<[_]> = params.iter().map(|ty| self.written(module, ty, letters)).collect();
                let results: Rc<[_]> = results.iter().map(|ty| self.written(module, ty, letters)).collect();
                self.types.add(Node::Func(params, results))
            }
        }
    }

    fn named_type(&mut self, module: usize, name: &Name<'a>, letters: &[char]) -> Ty {
        match name.text {
            "u" => return Ty::U,
            "i" => return Ty::I,
            "f" => return Ty::F,
            "bool" => return Ty::BOOL,
            "text" => return Ty::TEXT,
            "bytes" => return Ty::BYTES,
            "key" => return Ty::KEY,
            "list" | "array" | "map" | "job" => {
                return self.broken(module, say::type_arguments(name, 0));
            }
            _ => {}
        }
        match (self.item(module, name.text), letter(name.text)) {
            (Some(Item::Struct(index)), _) => self.struct_type(index),
            (Some(Item::Lost), _) => Ty::BROKEN,
            (None, Some(letter)) if letters.contains(&letter) => self.types.add(Node::Param(letter)),
            (None, Some(_)) => self.broken(module, say::unknown_letter(name)),
            (Some(_), _) => {
                let span = self.scopes[module].span(name.text).cloned();
                self.broken(module, say::no_type(name, span.as_ref()))
            }
            (None, None) => {
                let structs = self.candidates(module, |item| matches!(item, Item::Struct(_)));
                let diagnostic = say::unknown_type(name, structs);
                self.broken(module, diagnostic)
            }
        }
    }

    /// The type of a struct: one node for each.
    pub(super) fn struct_type(&mut self, index: u32) -> Ty {
        self.types.add(Node::Struct(index))
    }

    /// Whether values of this type can be the keys of a map, as far as it is known.
    pub(super) fn can_be_key(&mut self, ty: Ty) -> bool {
        matches!(
            self.types.node(ty),
            Node::U
                | Node::I
                | Node::Bool
                | Node::Text
                | Node::Bytes
                | Node::Param(_)
                | Node::Unknown { .. }
                | Node::Broken
        )
    }

    /// Whether an unknown name is still compared with all those that there are.
    pub(super) fn may_compare(&mut self) -> bool {
        let may = self.comparisons > 0;
        self.comparisons = self.comparisons.saturating_sub(1);
        may
    }

    /// The items of a file that an unknown name may be meant for.
    pub(super) fn candidates(
        &mut self,
        module: usize,
        which: fn(Item) -> bool,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let may = self.may_compare();
        if may {
            self.all_items(module);
        }
        let names = self.scopes[module].names_of(which).take_while(|_| may);
        names.collect::<Vec<_>>().into_iter()
    }

    /// Reports, and gives the type of what has been reported.
    pub(super) fn broken(&mut self, module: usize, diagnostic: crate::Diagnostic) -> Ty {
        self.say(module, diagnostic);
        Ty::BROKEN
    }
}
