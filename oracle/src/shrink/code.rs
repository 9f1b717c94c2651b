//! Fewer and plainer instructions.

use super::{Case, Shrinker};
use keyvm_isa::code::{Code, CodeParts};
use keyvm_isa::image::{Body, Number};
use keyvm_isa::{ImmKind, Insn, Op};
use std::borrow::Cow;
use std::ops::Range;

/// The parts of a code page.
fn parts(case: &Case, at: usize) -> Option<CodeParts> {
    match &case.image.objects.get(at)?.body {
        Body::Code(words) => Some(Code::new(words.to_vec()).ok()?.parts()),
        _ => None,
    }
}

fn put(case: &mut Case, at: usize, parts: &CodeParts) {
    if let Some(Body::Code(words)) = case.image.objects.get_mut(at).map(|object| &mut object.body) {
        *words = Cow::Owned(parts.words());
    }
}

/// Where an index is when a range of instructions is gone.
const fn moved(index: u64, range: &Range<u64>) -> u64 {
    if index >= range.end {
        index - (range.end - range.start)
    } else if index > range.start {
        range.start
    } else {
        index
    }
}

/// Takes instructions out; what jumps over them goes where it went. With `pushed`, a number that is pushed and that is the
/// index of a subroutine is one, too.
fn cut(case: &mut Case, at: usize, parts: &CodeParts, range: Range<usize>, pushed: bool) {
    let gone = range.start as u64..range.end as u64;
    let is_subroutine = |index: u64| {
        let word = usize::try_from(index).ok().and_then(|index| parts.instructions.get(index));
        word.and_then(|&word| Insn::decode(word)).is_some_and(|insn| insn.op == Op::Func)
    };
    let mut shorter = parts.clone();
    for word in &mut shorter.instructions {
        let Some(mut insn) = Insn::decode(*word) else { continue };
        for (imm, place) in insn.op.info().imms.iter().zip(0..) {
            let value = insn.imms[place];
            let is_index = imm.kind == ImmKind::Target
                || pushed && insn.op == Op::Push && is_subroutine(value.cast_unsigned());
            if is_index {
                insn.imms[place] = moved(value.cast_unsigned(), &gone).cast_signed();
            }
        }
        *word = insn.word();
    }
    shorter.switches.iter_mut().flatten().for_each(|target| *target = moved(*target, &gone));
    shorter.instructions.drain(range);
    put(case, at, &shorter);
    // Where processes are in it.
    let number: Number = case.image.objects[at].number;
    for object in &mut case.image.objects {
        let Body::Process(process) = &mut object.body else { continue };
        if process.code != number {
            continue;
        }
        process.index = moved(process.index, &gone);
        for frame in process.frames.to_mut() {
            let index = moved(frame.return_index.into(), &gone);
            frame.return_index = u32::try_from(index).unwrap_or(frame.return_index);
        }
    }
}

/// What does less than an instruction.
fn plainer(word: u64) -> Vec<u64> {
    let Some(insn) = Insn::decode(word) else { return vec![Op::Nop as u64] };
    let info = insn.op.info();
    let mut all: Vec<u64> = Vec::new();
    let plain =
        [(Op::Nop, &[][..], 0, 0), (Op::Drop, &[], 1, 0), (Op::Push, &[0], 0, 1), (Op::Get, &[0], 0, 1)];
    for (rank, (op, imms, pops, pushes)) in plain.into_iter().enumerate() {
        let own = plain.iter().position(|one| one.0 == insn.op).unwrap_or(plain.len());
        let fits = i64::from(info.pops) - i64::from(info.pushes) == pops - pushes;
        if rank < own && (fits || op == Op::Nop) {
            all.extend(Insn::encode(op, imms));
        }
    }
    if insn.op == Op::Push {
        let value = insn.imms[0];
        all.extend([0, 1, value / 2, value - value.signum()].iter().filter_map(|&less| {
            (less.unsigned_abs() < value.unsigned_abs()).then(|| Insn::encode(Op::Push, &[less]))?
        }));
    } else {
        for (place, imm) in info.imms.iter().enumerate() {
            if imm.kind != ImmKind::Target && insn.imms[place] != 0 {
                let mut zero = insn;
                zero.imms[place] = 0;
                all.push(zero.word());
            }
        }
    }
    all
}

impl Shrinker<'_> {
    pub(super) fn code(&mut self) -> bool {
        let mut changed = false;
        for at in (0..self.case.image.objects.len()).rev() {
            let Some(parts) = parts(&self.case, at) else { continue };
            let length = parts.instructions.len();
            changed |= self.ranges(length, |shrinker, range| shrinker.nops(at, range));
            changed |= self.cut(at);
            changed |= self.each(at);
            changed |= self.tables(at);
        }
        changed
    }

    /// Instructions that do nothing in the place of some.
    fn nops(&mut self, at: usize, range: Range<usize>) -> bool {
        let Some(mut parts) = parts(&self.case, at) else { return false };
        parts.instructions[range].fill(Op::Nop as u64);
        self.keeps(|case| put(case, at, &parts))
    }

    /// Takes instructions out.
    fn cut(&mut self, at: usize) -> bool {
        let length = parts(&self.case, at).map_or(0, |parts| parts.instructions.len());
        self.ranges(length, |shrinker, range| {
            [true, false].into_iter().any(|pushed| {
                let Some(parts) = parts(&shrinker.case, at) else { return false };
                let end = range.end.min(parts.instructions.len());
                let range = range.start.min(end)..end;
                !range.is_empty() && shrinker.keeps(|case| cut(case, at, &parts, range, pushed))
            })
        })
    }

    /// Plainer ones in their place, one by one.
    fn each(&mut self, at: usize) -> bool {
        let Some(first) = parts(&self.case, at) else { return false };
        let mut changed = false;
        for index in 0..first.instructions.len() {
            loop {
                let Some(parts) = parts(&self.case, at) else { return changed };
                let smaller = plainer(parts.instructions[index]).into_iter().any(|word| {
                    let mut plain = parts.clone();
                    plain.instructions[index] = word;
                    self.keeps(|case| put(case, at, &plain))
                });
                if !smaller {
                    break;
                }
                changed = true;
            }
        }
        changed
    }

    /// Constants, types and switch tables that nobody needs.
    fn tables(&mut self, at: usize) -> bool {
        let less: [fn(&mut CodeParts) -> bool; 3] = [
            |parts| parts.constants.pop().is_some(),
            |parts| parts.types.pop().is_some(),
            |parts| parts.switches.pop().is_some(),
        ];
        let mut changed = false;
        for less in less {
            while let Some(mut parts) = parts(&self.case, at)
                && less(&mut parts)
                && self.keeps(|case| put(case, at, &parts))
            {
                changed = true;
            }
        }
        let constants = parts(&self.case, at).map_or(0, |parts| parts.constants.len());
        for constant in 0..constants {
            let Some(mut parts) = parts(&self.case, at) else { break };
            parts.constants[constant] = 0;
            changed |= self.keeps(|case| put(case, at, &parts));
        }
        changed
    }
}
