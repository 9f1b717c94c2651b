//! Functions of the library that the generated code calls, by their names.

use super::reach::{has_numbers_as_keys, is_flat, is_of_numbers};
use crate::entish::hir::{Expr, FuncId, Program, TypeId};

pub(super) const ALLOCATE: &str = "collector.allocate";
pub(super) const ARRAY_ROOM: &str = "runtime.array_room";
pub(super) const LIST_OF: &str = "runtime.list_of";
pub(super) const BYTES_SLICE: &str = "runtime.bytes_slice";
pub(super) const CAN_SEND: &str = "border.can_send";
pub(super) const DROP_ARRIVED: &str = "flat.drop_arrived";
pub(super) const QUESTION: &str = "services.question";
pub(super) const ASK: &str = "services.ask";
pub(super) const SERVICE_HANG: &str = "services.hang";
pub(super) const SERVICE_BEGUN: &str = "services.begun";
pub(super) const ABANDON: &str = "border.abandon";
pub(super) const JOB_NEW: &str = "border.job_new";
pub(super) const JOB_FAILED: &str = "border.job_failed";
pub(super) const JOB_UPDATE: &str = "border.job_update";
pub(super) const JOB_PROCESS: &str = "border.job_process";
pub(super) const JOB_VALUE: &str = "border.job_value";

const ARRAY_NEW: &str = "runtime.array_new";
/// Arrays of numbers are of a kind of their own.
const NUMBERS_NEW: &str = "runtime.numbers_new";
/// Functions of maps, and those of maps with numbers as keys, which are found sooner.
const OF_WORDS: [(&str, &str); 5] = [
    ("tables.map_has", "tables.word_has"),
    ("tables.map_get", "tables.word_get"),
    ("tables.map_get_or", "tables.word_get_or"),
    ("tables.map_set", "tables.word_set"),
    ("tables.map_remove", "tables.word_remove"),
];

/// How values get from one side of a border to the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Border {
    /// Puts them into a page.
    pub(super) pack: &'static str,
    /// Makes values of what is in a page.
    pub(super) unpack: &'static str,
    /// The same of a page that came with a result.
    pub(super) take: &'static str,
}

const GRAPH: Border = Border { pack: "border.pack", unpack: "border.unpack", take: "border.take" };
const FLAT: Border = Border { pack: "flat.pack", unpack: "flat.unpack", take: "flat.take" };

/// How values of these types cross a border together.
pub(super) fn border(program: &Program, types: &[TypeId]) -> Border {
    if is_flat(program, types) { FLAT } else { GRAPH }
}

/// A function that generated code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    Func(FuncId),
    OfLibrary(&'static str),
}

/// What is called for a call of this function with these arguments that gives this type.
pub(super) fn callee(program: &Program, id: FuncId, args: &[Expr], ty: TypeId) -> Called {
    let func = &program.funcs[id.0 as usize];
    if !func.in_library {
        return Called::Func(id);
    }
    if func.name == ARRAY_NEW && is_of_numbers(program, ty) {
        return Called::OfLibrary(NUMBERS_NEW);
    }
    match (OF_WORDS.iter().find(|of| of.0 == func.name), args) {
        (Some(&(_, of_words)), [map, ..]) if has_numbers_as_keys(program, map.ty) => {
            Called::OfLibrary(of_words)
        }
        _ => Called::Func(id),
    }
}
