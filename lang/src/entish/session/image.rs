//! What an input changes in the image of a session.

use crate::entish::emit::{self, CODE_KEY, Compiled, layout};
use crate::entish::files::File;
use keyvm_isa::debug::CodeDebug;
use keyvm_isa::image::{Body, Image, Key, Number, Object, Process};
use keyvm_isa::{Insn, Op, Status, code};
use std::borrow::Cow;

/// The image of a session before its first input.
pub(super) fn first() -> Image<'static> {
    let parts = code::CodeParts {
        instructions: vec![Insn { op: Op::Halt, imms: [0; 3] }.word()],
        constants: Vec::new(),
        types: Vec::new(),
        switches: Vec::new(),
    };
    let compiled = Compiled {
        code: parts.words(),
        data: emit::first_data(),
        place_of: Vec::new(),
        places: Vec::new(),
        names: Vec::new(),
        starts: Vec::new(),
        hosts: Vec::new(),
    };
    emit::image(&compiled, &[])
}

/// What is to run.
#[derive(Clone, Debug)]
pub(super) struct Step {
    code: Vec<u64>,
    start: u32,
    /// All texts, those of earlier inputs before the new ones.
    texts: Vec<u8>,
    debug: CodeDebug<'static>,
}

impl Step {
    pub(super) fn new(compiled: Compiled, files: &[File]) -> Self {
        let debug = emit::code_debug(&compiled, files);
        let texts = compiled.data.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { code: compiled.code, start: compiled.starts.first().copied().unwrap_or(0), texts, debug }
    }

    /// Has the image, in which nothing runs, begin with this. Its code is another page than before, since jobs may run the
    /// one that there was; if nobody does, it is gone.
    pub(super) fn apply(self, image: &mut Image<'static>) {
        let new = image.next_number;
        let root = image.root;
        let mut old = 0;
        let mut meter = image.prime;
        for object in &mut image.objects {
            let Body::Process(process) = &mut object.body else { continue };
            if object.number != root {
                continue;
            }
            (old, meter) = (process.code, object.meter);
            self.change(process, root, new);
        }
        image.next_number += 1;
        image.objects.push(Object { number: new, meter, body: Body::Code(Cow::Owned(self.code)) });
        if !is_used(image, old) {
            image.objects.retain(|object| object.number != old);
            image.debug.code.retain(|code| code.0 != old);
        }
        image.debug.code.push((new, self.debug));
    }

    fn change(&self, process: &mut Process<'static>, number: Number, code: Number) {
        let fresh = Process::new(number, code);
        let mut keys = std::mem::take(&mut process.keys);
        if let Some(Some(key)) = keys.get_mut(usize::try_from(CODE_KEY).unwrap_or(0)) {
            *key = Key { object: code, ..*key };
        }
        let mut data = std::mem::take(&mut process.data);
        let texts = usize::try_from(layout::TEXTS).ok();
        let texts = texts.and_then(|at| data.to_mut().get_mut(at..at + self.texts.len()));
        if let Some(texts) = texts {
            texts.copy_from_slice(&self.texts);
        }
        *process = Process {
            status: Status::Returned,
            index: self.start.into(),
            stack_capacity: process.stack_capacity,
            stack_maximum: process.stack_maximum,
            frame_capacity: process.frame_capacity,
            key_capacity: process.key_capacity,
            random: process.random,
            standing: true,
            keys,
            data,
            ..fresh
        };
    }
}

/// Whether a process runs a code page, or somebody has a key to it.
fn is_used(image: &Image<'_>, code: Number) -> bool {
    let names = |keys: &[Option<Key>]| keys.iter().flatten().any(|key| key.object == code);
    image.objects.iter().any(|object| match &object.body {
        Body::Process(process) => process.code == code || names(&process.keys),
        Body::Keys(keys) => names(keys),
        _ => false,
    })
}
