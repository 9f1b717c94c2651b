//! From a checked program to an image.
//!
//! A program is one code page, which all its processes run. At index 0 it begins with the main program if it was called
//! without a message, as the host does; a sandboxed call's message ends with the index at which to begin instead. What stands there
//! (`border`) takes the arguments, calls the function and returns what it gives. Tests are main programs too: the host's
//! process begins at the index of one of them.
//!
//! Constants begin with *tables*: what memory 2 of a process that uses it begins with (`statics`), and the descriptors by
//! which values cross the borders of sandboxes (`descriptor`). The library explains both: `std/runtime.et`,
//! `std/border.et`.

mod border;
mod code;
mod condition;
mod descriptor;
mod expr;
mod func;
mod image;
mod reach;
mod statics;

use crate::entish::files::Wrong;
use crate::entish::hir::{FuncId, Place, Program, TypeId};
use crate::entish::say;
use code::{Code, Finished, Label};
use descriptor::Descriptors;
use keyvm_isa::layout::CODE_WORDS_MAX;
use reach::{Reach, Runtime};
use statics::Statics;
use std::collections::BTreeMap;

pub(crate) use image::{begin_at, image};

/// Slot of the key to the code, in every process that has it.
const CODE_KEY: u64 = 1;
/// Slots of the hosts' keys in the root process.
const ARGS_KEY: u64 = 2;
const CONSOLE_KEY: u64 = 3;

/// Numbers of the traps that generated code makes by `fail`.
mod failure {
    pub(super) const ASSERTION: u64 = 1;
    pub(super) const INDEX: u64 = 2;
    pub(super) const SANDBOX: u64 = 4;
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
}

/// What all parts of the generator share.
struct Emitter<'a> {
    program: &'a Program,
    /// What the host's process may begin with, at least one.
    mains: &'a [FuncId],
    runtime: Runtime,
    reach: Reach,
    code: Code,
    statics: Statics,
    descriptors: Descriptors,
    /// Where functions begin.
    funcs: BTreeMap<FuncId, Label>,
    /// Where their sandboxed calls begin.
    entries: BTreeMap<FuncId, Label>,
    wrong: Vec<Wrong>,
}

/// Compiles what a program needs for each of these functions to be its main program: they take nothing and give nothing.
///
/// # Errors
/// If it is too long, or a function has too many variables.
///
/// # Panics
/// If it lacks the library that every program is compiled with.
pub(crate) fn emit(program: &Program, mains: &[FuncId]) -> Result<Compiled, Vec<Wrong>> {
    let runtime = Runtime::find(program);
    let mut emitter = Emitter {
        program,
        mains,
        runtime,
        reach: Reach::new(program, mains, &runtime),
        code: Code::default(),
        statics: Statics::default(),
        descriptors: Descriptors::default(),
        funcs: BTreeMap::new(),
        entries: BTreeMap::new(),
        wrong: Vec::new(),
    };
    let order = emitter.reach.order.clone();
    let starts = emitter.start();
    let mut names = Vec::new();
    for id in order {
        let func = &program.funcs[id.0 as usize];
        emitter.code.at(&func.place);
        if emitter.reach.values.contains(&id) {
            let entry = emitter.entry(id);
            emitter.code.to(keyvm_isa::Op::Jump, entry);
        }
        names.push((emitter.code.index(), func.name.clone()));
        emitter.func(id);
    }
    // Their making asks for no further ones: all that they call has been emitted.
    for (id, label) in emitter.entries.clone() {
        let func = &program.funcs[id.0 as usize];
        emitter.code.at(&func.place);
        names.push((emitter.code.index(), format!("{} (sandboxed)", func.name)));
        emitter.sandbox_entry(id, label);
    }
    let Emitter { code, statics, descriptors, mut wrong, .. } = emitter;
    let data = statics.words(ARGS_KEY, CONSOLE_KEY);
    let (descriptors, references) = descriptors.words();
    let finished = code.finish(&statics.words(0, 0), descriptors, references);
    if finished.words.len() as u64 > CODE_WORDS_MAX {
        let place = &program.funcs[mains[0].0 as usize].place;
        wrong.push((place.file, say::too_much_code(&place.span, CODE_WORDS_MAX)));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let Finished { words, place_of, places } = finished;
    Ok(Compiled { code: words, data, place_of, places, names, starts })
}

impl Emitter<'_> {
    fn func_label(&mut self, id: FuncId) -> Label {
        let code = &mut self.code;
        *self.funcs.entry(id).or_insert_with(|| code.label())
    }

    fn entry(&mut self, id: FuncId) -> Label {
        let code = &mut self.code;
        *self.entries.entry(id).or_insert_with(|| code.label())
    }

    /// Whether values of a type are copied across borders.
    fn is_object(&self, ty: TypeId) -> bool {
        reach::is_object(self.program, ty)
    }
}
