//! What filetests cover.

use super::filetest::{Filetest, code};
use keyvm_isa::code::Code;
use keyvm_isa::image::Body;
use keyvm_isa::{Insn, Op, Trap};
use std::collections::BTreeSet;

/// The instructions that stand in any of its code.
pub(crate) fn ops(filetest: &Filetest) -> BTreeSet<Op> {
    let mut ops = BTreeSet::new();
    for object in &filetest.image.objects {
        let Body::Code(words) = &object.body else { continue };
        let Ok(code) = Code::new(words.to_vec()) else { continue };
        ops.extend(
            code.words()[..code.len()].iter().filter_map(|&word| Insn::decode(word)).map(|insn| insn.op),
        );
    }
    ops
}

/// Which instructions of the root process trap, and how.
pub(crate) fn traps(filetest: &Filetest) -> BTreeSet<(Op, Trap)> {
    let code = code(&filetest.image);
    let mut traps = BTreeSet::new();
    for expected in filetest.expected() {
        let Some(trap) = expected.event.strip_prefix("traps ") else { continue };
        let trap = Trap::from_name(trap).unwrap_or_else(|| panic!("there is no trap {trap}"));
        let word = code.as_ref().zip(expected.at).and_then(|(code, at)| {
            code.normal().get(usize::try_from(at).ok()?).copied().and_then(Insn::decode)
        });
        traps.extend(word.map(|insn| (insn.op, trap)));
    }
    traps
}
