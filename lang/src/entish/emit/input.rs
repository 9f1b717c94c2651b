//! The code of a session, which grows with each input. What has been made stays where it is, so that functions that are
//! values, and jobs, mean the same after the next input.
//!
//! In the root process memory 2 begins with the header, room for texts, for the values of an expression and for variables
//! (`layout`); objects come behind that. Descriptors stand among the instructions, where they do not move.

use super::code::{Code, Finished, Label};
use super::reach::Reach;
use super::statics::{HEADER_WORDS, RootKeys, Statics, header};
use super::{Compiled, Emitter, INPUT, check_length};
use crate::entish::check::Checked;
use crate::entish::files::{File, Wrong};
use crate::entish::hir::{Func, FuncId};
use crate::entish::{opt, say};
use keyvm_isa::Op;
use keyvm_isa::layout::CHUNK_WORDS;
use std::collections::{BTreeMap, BTreeSet};

/// Where in memory 2 of a session's process what lies; addresses of words.
pub(crate) mod layout {
    use super::{CHUNK_WORDS, HEADER_WORDS};

    /// Texts begin here, behind the header.
    pub(crate) const TEXTS: u64 = HEADER_WORDS as u64 * 8;
    /// They end here: a process can be made with so many words.
    const TEXTS_END: u64 = CHUNK_WORDS * 8;
    /// Values of the expression at the end of an input.
    pub(crate) const RESULTS: (u64, u64) = (TEXTS_END, TEXTS_END + 256 * 8);
    /// Variables; behind them are the objects.
    pub(crate) const VARIABLES: (u64, u64) = (RESULTS.1, RESULTS.1 + 1024 * 8);
}

/// What stays of an input for the next one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    code: Code,
    statics: Statics,
    /// Functions of files that are imported, by the files' names and their own: they need nothing of the session.
    imported: BTreeMap<(String, String), Imported>,
    /// As in [`Compiled`].
    names: Vec<(u32, String)>,
    /// The files that code comes from, those of the session first.
    pub(crate) files: Vec<File>,
    /// How many places have been given the indices of these files.
    settled: usize,
}

/// A function that has been made.
#[derive(Clone, Copy, Debug)]
struct Imported {
    label: Label,
    /// Where its sandboxed calls begin.
    entry: Option<Label>,
    /// Whether it can be a value.
    is_value: bool,
}

/// Compiles the main program of an input, and of the rest of the program what it needs that is not there; tells besides
/// whether nothing can need that code when it has run. `files` are its own.
///
/// # Errors
/// As [`super::emit`], and if the session has too many texts.
pub(crate) fn emit_input(
    kept: &mut Kept,
    checked: &mut Checked<'_>,
    mut files: Vec<File>,
) -> Result<(Compiled, bool), Vec<Wrong>> {
    let reach = Reach::new(checked, &[checked.program.main], true)?;
    files.extend(checked.library_files());
    let files = &files[..];
    let program = &mut checked.program;
    // The next input may call any of them, with anything.
    let callable = reach.order.iter().copied().collect();
    opt::optimize(program, &reach.order, &callable);
    let mut emitter = Emitter::new(program, reach);
    emitter.code = std::mem::take(&mut kept.code);
    emitter.statics = std::mem::take(&mut kept.statics);
    let (there, with_entry) = kept.reuse(&mut emitter, files);
    let (imported, began) = (kept.imported.len(), emitter.entries.len());
    let start = emitter.start_input();
    kept.names.push((start, INPUT.to_owned()));
    emitter.bodies(&mut kept.names, &there);
    emitter.entries(&mut kept.names, &with_entry);
    kept.remember(&emitter, files);
    // Functions that are values, jobs, services, and descriptors that these have, are referred to by their places.
    let passes = emitter.reach.values.is_empty()
        && emitter.uses.is_empty()
        && emitter.entries.len() == began
        && emitter.services.is_empty()
        && emitter.descriptors.words().0.is_empty()
        && kept.imported.len() == imported;
    let Emitter { mut code, statics, descriptors, mut wrong, .. } = emitter;
    let (descriptors, references) = descriptors.words();
    code.embed(descriptors, references);
    kept.settle(&mut code, files);
    let Finished { words, place_of, places } =
        code.clone().finish(&statics.words(RootKeys::default()), &[], &[]);
    check_length(&words, program, program.main, &mut wrong);
    if statics.len() as u64 > CHUNK_WORDS {
        let place = &program.funcs[program.main.0 as usize].place;
        wrong.push((place.file, say::too_many_texts(&place.span)));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let data = statics.texts().to_vec();
    (kept.code, kept.statics) = (code, statics);
    let names = kept.names.clone();
    let compiled =
        Compiled { code: words, data, place_of, places, names, starts: vec![start], hosts: Vec::new() };
    Ok((compiled, passes))
}

/// Two files may have the same name where they are imported: one of the library, and one of the program's own.
fn known_as(func: &Func, files: &[File]) -> (String, String) {
    let file = files.get(func.place.file as usize).map(|file| file.name.clone());
    (file.unwrap_or_default(), func.name.clone())
}

impl Kept {
    /// What stays of an input that nothing can need the code of: what was there before, and its texts.
    pub(crate) fn without_code(self, before: &Self) -> Self {
        Self { statics: self.statics, files: self.files, ..before.clone() }
    }

    /// Has the functions called that are there; gives which, and which of their sandboxed calls have a beginning.
    fn reuse(&self, emitter: &mut Emitter<'_>, files: &[File]) -> (BTreeSet<FuncId>, BTreeSet<FuncId>) {
        let (mut there, mut with_entry) = (BTreeSet::new(), BTreeSet::new());
        for &id in &emitter.reach.order {
            let func = &emitter.program.funcs[id.0 as usize];
            let Some(imported) = self.imported.get(&known_as(func, files)).filter(|_| func.place.file != 0)
            else {
                continue;
            };
            if emitter.reach.values.contains(&id) && !imported.is_value {
                continue;
            }
            there.insert(id);
            emitter.funcs.insert(id, imported.label);
            if let Some(entry) = imported.entry {
                with_entry.insert(id);
                emitter.entries.insert((id, None), entry);
            }
        }
        (there, with_entry)
    }

    fn remember(&mut self, emitter: &Emitter<'_>, files: &[File]) {
        for (id, &label) in &emitter.funcs {
            let func = &emitter.program.funcs[id.0 as usize];
            if func.place.file != 0 {
                let entry = emitter.entries.get(&(*id, None)).copied();
                let name = known_as(func, files);
                let before = self.imported.get(&name).filter(|before| before.label == label);
                let is_value = before.map_or(emitter.reach.values.contains(id), |before| before.is_value);
                self.imported.insert(name, Imported { label, entry, is_value });
            }
        }
    }

    /// Gives the files of new places the indices that they have here.
    fn settle(&mut self, code: &mut Code, files: &[File]) {
        let mut index_of = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let known = self.files.iter().position(|known| known.name == file.name);
            let at = known.unwrap_or_else(|| {
                self.files.push(file.clone());
                self.files.len() - 1
            });
            if number == 0 {
                self.files[at].text.clone_from(&file.text);
            }
            index_of.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        for place in &mut code.places_mut()[self.settled..] {
            place.file = index_of[place.file as usize];
        }
        self.settled = code.places_mut().len();
    }

    /// The name of the function that begins at an index.
    pub(crate) fn name_at(&self, index: u64) -> Option<&str> {
        let at = self.names.binary_search_by_key(&index, |name| name.0.into()).ok()?;
        Some(&self.names[at].1)
    }
}

impl Emitter<'_> {
    /// Where an input begins. At index 0 begin the sandboxed calls.
    fn start_input(&mut self) -> u32 {
        let main = self.program.main;
        self.code.at(&self.program.funcs[main.0 as usize].place);
        if self.code.index() == 0 {
            self.code.op(Op::Jumpto);
        }
        let start = self.code.index();
        let here = self.code.label();
        self.code.put(here);
        self.call(main);
        self.code.op(Op::Halt);
        start
    }
}

/// What memory 2 of a session's process begins with, before its first input.
pub(crate) fn first_data() -> Vec<u64> {
    let end = layout::VARIABLES.1;
    let mut words = vec![0; usize::try_from(end / 8).unwrap_or(0)];
    words[..HEADER_WORDS].copy_from_slice(&header(end, super::root_keys(0)));
    words
}
