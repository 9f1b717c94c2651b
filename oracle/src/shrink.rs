//! Makes what repeats a divergence small.

use crate::pair::{Engines, Step, replay};
use crate::random::own;
use crate::subject::Subject;
use keyvm_isa::image::{Body, Image};
use keyvm_isa::{Insn, Op};
use std::borrow::Cow;

/// Takes out steps, and puts `nop` or `drop` in the place of instructions, as long as the engines still differ.
pub fn shrink<S: Subject>(
    image: &Image<'_>,
    engines: Engines<'_, S::Engine>,
    steps: &[Step],
) -> (Image<'static>, Vec<Step>) {
    let mut image = own(image);
    let mut steps = steps.to_vec();
    let differs = |image: &Image<'_>, steps: &[Step]| replay::<S>(image, engines, steps).is_err();
    let mut smaller = true;
    while smaller {
        smaller = false;
        let mut at = steps.len();
        while at > 0 {
            at -= 1;
            let mut fewer = steps.clone();
            fewer.remove(at);
            if differs(&image, &fewer) {
                (steps, smaller) = (fewer, true);
                continue;
            }
            // One run in the place of two.
            if let (Step::Run(a), Some(&Step::Run(b))) = (steps[at], steps.get(at + 1)) {
                let mut joined = steps.clone();
                joined.remove(at);
                joined[at] = Step::Run(a.saturating_add(b));
                if differs(&image, &joined) {
                    (steps, smaller) = (joined, true);
                }
            }
        }
        for object in 0..image.objects.len() {
            let instructions = match &image.objects[object].body {
                Body::Code(words) => words.len(),
                _ => continue,
            };
            for at in 0..instructions.saturating_sub(4) {
                for op in [Op::Nop, Op::Drop, Op::Height] {
                    let Body::Code(words) = &mut image.objects[object].body else { break };
                    let old = words[at];
                    let decoded = Insn::decode(old);
                    if decoded.is_none_or(|insn| matches!(insn.op, Op::Nop | Op::Drop | Op::Height)) {
                        break;
                    }
                    let new = Insn::encode(op, &[]).unwrap_or(old);
                    Cow::to_mut(words)[at] = new;
                    if differs(&image, &steps) {
                        smaller = true;
                        break;
                    }
                    if let Body::Code(words) = &mut image.objects[object].body {
                        Cow::to_mut(words)[at] = old;
                    }
                }
            }
        }
    }
    (image, steps)
}
