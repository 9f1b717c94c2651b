//! From a checked program to an image.
//!
//! A program is one code page, which all its processes run. At index 0 it begins with the main program if it was called
//! without a message, as the host does; a sandboxed call's message ends with the index at which to begin instead. What stands there
//! (`border`) takes the arguments, calls the function and returns what it gives. Tests are main programs too: the host's
//! process begins at the index of one of them.
//!
//! Constants begin with *tables*: what memory 2 of a process that uses it begins with (`statics`), and the descriptors by
//! which values cross the borders of sandboxes (`descriptor`). The library explains both: `std/runtime.et`,
//! `std/flat.et`.

mod border;
mod choice;
mod code;
mod condition;
mod descriptor;
mod expr;
mod func;
mod image;
mod input;
mod reach;
mod runtime;
mod service;
mod statics;

use crate::entish::check::Checked;
use crate::entish::files::Wrong;
use crate::entish::hir::{FuncId, Place, Program, TypeId};
use crate::entish::{opt, say};
use code::{Code, Finished, Label};
use descriptor::Descriptors;
use keyvm_isa::layout::CODE_WORDS_MAX;
use reach::Reach;
use statics::{RootKeys, Statics};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::entish) use func::may_grow_lists;
pub(crate) use image::{begin_at, code_debug, image};
pub(crate) use input::{Kept, emit_input, first_data, layout};

/// Slot of the key to the code, in every process that has it.
pub(crate) const CODE_KEY: u64 = 1;
/// Slots of the hosts' keys in the root process.
const ARGS_KEY: u64 = 2;
const CONSOLE_KEY: u64 = 3;
/// A reference to nothing: an address at which nothing can be, whatever is added to it.
pub(crate) const NONE: u64 = 0xffff_ffff_0000_0000;
/// What the name of a function has behind it where its sandboxed calls begin.
const SANDBOXED: &str = " (sandboxed)";

/// What the place is called where an input of a session begins.
const INPUT: &str = "input";

/// Whether this is the name of a place where a sandboxed call begins, or an input of a session: the outermost frame of a
/// process that has such a name is of nothing that was written.
#[must_use]
pub fn is_entry(name: &str) -> bool {
    name.ends_with(SANDBOXED) || name == INPUT
}

/// The first slot of those of the hosts that the program names.
pub(crate) const HOST_KEYS: u64 = 4;

/// Hosts that a program names at most.
pub(crate) const HOSTS_MAX: usize = 1000;

/// The keys of the root process of a program that names so many hosts.
const fn root_keys(hosts: usize) -> RootKeys {
    RootKeys { args: ARGS_KEY, console: CONSOLE_KEY, guard: HOST_KEYS + hosts as u64 }
}

/// Kinds of objects, as their first words have them; `std/collector.et` knows these.
mod object {
    /// An array in which there are no references.
    pub(super) const NUMBERS: u64 = 1 << 32;
    /// A struct, or any other array.
    pub(super) const WORDS: u64 = 3 << 32;
}

/// Numbers of the traps that generated code makes by `fail`.
mod failure {
    pub(super) const ASSERTION: u64 = 1;
    pub(super) const INDEX: u64 = 2;
    pub(super) const SANDBOX: u64 = 4;
    pub(super) const FORGED: u64 = 8;
    pub(super) const ASSERTION_WITH_TEXT: u64 = 11;
}

/// What a program was compiled to.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The words of the code page.
    pub(crate) code: Vec<u64>,
    /// What memory 2 of the root process begins with.
    pub(crate) data: Vec<u64>,
    /// For each instruction, the place it comes from, in `places`.
    pub(crate) place_of: Vec<u32>,
    pub(crate) places: Vec<Place>,
    /// Names of the functions, by the index they begin at, ascending.
    pub(crate) names: Vec<(u32, String)>,
    /// The index at which a process begins with each of the functions that were asked for.
    pub(crate) starts: Vec<u32>,
    /// The hosts that the program names.
    pub(crate) hosts: Vec<String>,
}

/// What all parts of the generator share.
struct Emitter<'a> {
    program: &'a Program,
    reach: Reach,
    code: Code,
    statics: Statics,
    descriptors: Descriptors,
    /// Where functions begin.
    funcs: BTreeMap<FuncId, Label>,
    /// Where their sandboxed calls begin; of generic ones, in the uses that they have as values of these types.
    entries: BTreeMap<(FuncId, Option<TypeId>), Label>,
    /// Generic functions as values: each use has a beginning of its own, for its sandboxed calls to be found.
    uses: BTreeMap<(FuncId, TypeId), Label>,
    /// Where services that call these functions begin.
    services: BTreeMap<FuncId, Label>,
    /// Where processes go on that are told where they begin.
    jumpto: Option<u32>,
    /// Whether a function that is a value is called in a sandbox: then any index may be told.
    boxes_values: bool,
    wrong: Vec<Wrong>,
}

/// Compiles what a program needs for each of these functions to be its main program: they take nothing and give nothing.
///
/// # Errors
/// If it is too long, or a function has too many variables.
pub(crate) fn emit(
    checked: &mut Checked<'_>,
    mains: &[FuncId],
    optimize: bool,
) -> Result<Compiled, Vec<Wrong>> {
    let reach = Reach::new(checked, mains, false)?;
    let program = &mut checked.program;
    if optimize {
        opt::optimize(program, &reach.order, &reach.values);
    }
    let mut emitter = Emitter::new(program, reach);
    let starts = emitter.start(mains);
    let mut names = Vec::new();
    emitter.bodies(&mut names, &BTreeSet::new());
    emitter.entries(&mut names, &BTreeSet::new());
    emitter.settle_entries();
    let Emitter { code, statics, descriptors, mut wrong, .. } = emitter;
    let data = statics.words(root_keys(program.hosts.len()));
    let (descriptors, references) = descriptors.words();
    let Finished { words, place_of, places } =
        code.finish(&statics.words(RootKeys::default()), descriptors, references);
    check_length(&words, program, mains[0], &mut wrong);
    if wrong.is_empty() {
        Ok(Compiled { code: words, data, place_of, places, names, starts, hosts: program.hosts.clone() })
    } else {
        Err(wrong)
    }
}

/// Reports code that is too long.
fn check_length(words: &[u64], program: &Program, main: FuncId, wrong: &mut Vec<Wrong>) {
    if words.len() as u64 > CODE_WORDS_MAX {
        let place = &program.funcs[main.0 as usize].place;
        wrong.push((place.file, say::too_much_code(&place.span, CODE_WORDS_MAX)));
    }
}

impl<'a> Emitter<'a> {
    fn new(program: &'a Program, reach: Reach) -> Self {
        Self {
            program,
            reach,
            code: Code::default(),
            statics: Statics::default(),
            descriptors: Descriptors::default(),
            funcs: BTreeMap::new(),
            entries: BTreeMap::new(),
            uses: BTreeMap::new(),
            services: BTreeMap::new(),
            jumpto: None,
            boxes_values: false,
            wrong: Vec::new(),
        }
    }

    /// Makes the functions that are needed, but for those that are there.
    fn bodies(&mut self, names: &mut Vec<(u32, String)>, there: &BTreeSet<FuncId>) {
        let program = self.program;
        for id in self.reach.order.clone() {
            if there.contains(&id) {
                continue;
            }
            let func = &program.funcs[id.0 as usize];
            self.code.at(&func.place);
            if self.reach.values.contains(&id) && !reach::is_generic_func(program, id) {
                let entry = self.entry(id, None);
                self.code.to(keyvm_isa::Op::Jump, entry);
            }
            names.push((self.code.index(), func.name.clone()));
            self.func(id);
        }
    }

    /// Makes the uses of generic functions, and the beginnings of sandboxed calls, but for those that are there. That asks for no further ones: all that they
    /// call has been made.
    fn entries(&mut self, names: &mut Vec<(u32, String)>, there: &BTreeSet<FuncId>) {
        for ((id, ty), label) in self.uses.clone() {
            let func = &self.program.funcs[id.0 as usize];
            self.code.at(&func.place);
            let entry = self.entry(id, Some(ty));
            self.code.to(keyvm_isa::Op::Jump, entry);
            names.push((self.code.index(), func.name.clone()));
            self.use_of(id, label);
        }
        for ((id, used), label) in self.entries.clone() {
            if used.is_none() && there.contains(&id) {
                continue;
            }
            let func = &self.program.funcs[id.0 as usize];
            self.code.at(&func.place);
            names.push((self.code.index(), format!("{}{SANDBOXED}", func.name)));
            self.sandbox_entry(id, used, label);
        }
        for (id, label) in self.services.clone() {
            let func = &self.program.funcs[id.0 as usize];
            self.code.at(&func.place);
            names.push((self.code.index(), format!("{} (service)", func.name)));
            let worker = self.code.label();
            self.service_entry(id, label, worker);
            names.push((self.code.index(), format!("{}{SANDBOXED}", func.name)));
            self.worker_entry(id, worker);
        }
    }
}

impl Emitter<'_> {
    fn func_label(&mut self, id: FuncId) -> Label {
        let code = &mut self.code;
        *self.funcs.entry(id).or_insert_with(|| code.label())
    }

    fn entry(&mut self, id: FuncId, used: Option<TypeId>) -> Label {
        let code = &mut self.code;
        *self.entries.entry((id, used)).or_insert_with(|| code.label())
    }

    /// What stands for a function as a value of this type.
    fn value_label(&mut self, id: FuncId, ty: TypeId) -> Label {
        if !reach::is_generic_func(self.program, id) {
            return self.func_label(id);
        }
        let code = &mut self.code;
        *self.uses.entry((id, ty)).or_insert_with(|| code.label())
    }

    /// The kind of an array, or of what the elements of a list are in.
    fn array_kind(&self, ty: TypeId) -> u64 {
        if reach::is_of_numbers(self.program, ty) { object::NUMBERS } else { object::WORDS }
    }

    /// Whether values of a type are copied across borders.
    fn is_object(&self, ty: TypeId) -> bool {
        reach::is_object(self.program, ty)
    }
}
