//! The image of a compiled program.

use super::{ARGS_KEY, CODE_KEY, CONSOLE_KEY, Compiled, HOST_KEYS};
use crate::asm::RANDOM_SEED;
use crate::entish::files::File;
use crate::positions::positions;
use keyvm_isa::Rights;
use keyvm_isa::debug::{CodeDebug, CodeDebugBuilder, DebugInfo, Line};
use keyvm_isa::image::{Body, Image, Key, Meter, Number, Object, Process};
use std::borrow::Cow;

const PRIME: Number = 1;
const CODE: Number = 2;
const ROOT: Number = 3;
const ARGS: Number = 4;
const CONSOLE: Number = 5;
const FIRST_HOST: Number = 6;

/// The image in which a program has not begun: its code, its process, and the hosts that it has keys to. The process
/// begins with the first of the functions that were asked for.
pub(crate) fn image(compiled: &Compiled, files: &[File]) -> Image<'static> {
    let rights = Rights::CALL.bits() | Rights::COPY.bits() | Rights::STRONG.bits();
    let rights = Rights::from_bits(rights.into());
    let mut process = Process::new(ROOT, CODE);
    let own = (HOST_KEYS..).zip(FIRST_HOST..).take(compiled.hosts.len());
    for (slot, object) in [(CODE_KEY, CODE), (ARGS_KEY, ARGS), (CONSOLE_KEY, CONSOLE)].into_iter().chain(own)
    {
        debug_assert_eq!(slot, process.keys.len() as u64);
        process.keys.push(Some(Key::new(object, rights)));
    }
    process.keys.push(Some(Key::new(ROOT, Rights::NONE)));
    process.key_capacity = process.key_capacity.max(u32::try_from(process.keys.len()).unwrap_or(u32::MAX));
    process.data = Cow::Owned(compiled.data.iter().flat_map(|word| word.to_le_bytes()).collect());
    process.random = RANDOM_SEED;
    process.standing = true;
    let object = |number, body| Object { number, meter: if number == PRIME { 0 } else { PRIME }, body };
    let mut objects = vec![
        object(PRIME, Body::Meter(Box::new(Meter::UNLIMITED))),
        object(CODE, Body::Code(Cow::Owned(compiled.code.clone()))),
        object(ROOT, Body::Process(Box::new(process))),
        object(ARGS, Body::Host("args".to_owned())),
        object(CONSOLE, Body::Host("console".to_owned())),
    ];
    objects.extend(
        (FIRST_HOST..).zip(&compiled.hosts).map(|(number, name)| object(number, Body::Host(name.clone()))),
    );
    let next_number = objects.len() as u64 + 1;
    let debug = DebugInfo { names: Vec::new(), code: vec![(CODE, code_debug(compiled, files))] };
    Image { next_number, prime: PRIME, root: ROOT, chain: Vec::new(), request: None, objects, debug }
}

/// Has the process of such an image begin elsewhere.
pub(crate) fn begin_at(image: &mut Image<'_>, index: u32) {
    let root = image.root;
    let root = image.objects.iter_mut().find(|object| object.number == root);
    if let Some(Object { body: Body::Process(process), .. }) = root {
        process.index = index.into();
    }
}

/// Where the instructions come from.
pub(crate) fn code_debug(compiled: &Compiled, files: &[File]) -> CodeDebug<'static> {
    let mut builder = CodeDebugBuilder::new();
    let mut lines = vec![(0, 0, 0); compiled.places.len()];
    for (number, file) in (0..).zip(files) {
        let of_file = || (0..).zip(&compiled.places).filter(|(_, place)| place.file == number);
        let starts: Vec<_> = of_file().map(|(_, place)| place.span.start as usize).collect();
        if starts.is_empty() {
            continue;
        }
        let name = builder.file(&file.name);
        for ((at, _), (line, column)) in of_file().zip(positions(&file.text, &starts)) {
            let at: usize = at;
            lines[at] = (name, line, column);
        }
    }
    for (index, &place) in (0..).zip(&compiled.place_of) {
        if let Some(&(file, line, column)) = lines.get(place as usize) {
            builder.line(Line { index, file, line, column });
        }
    }
    for (index, name) in &compiled.names {
        builder.name(*index, name, true);
    }
    builder.finish(compiled.code.len() as u64)
}
