//! Texts for the assembler: each is refused with a message, or assembled to what the disassembler gives back.

use super::corpus::Input;
use super::text::{Marks, mutated};
use super::{Evidence, Found, Outcome, Run};
use crate::asm::{assemble, assemble_file, disassemble};
use crate::{Engine, Machine};
use keyvm_isa::OPS;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::Body;
use keyvm_oracle::random::Random;
use keyvm_oracle::random::assembly::{self, SAMPLE};
use keyvm_oracle::random::scene::{Shape, scene};
use keyvm_oracle::{Report, caught};

pub(super) const MARKS: Marks = Marks { words: &assembly::WORDS, signs: &assembly::SIGNS };

/// Gas for which what was assembled runs, to see what is new in it.
const GAS: u64 = 2000;

/// Assembles a text; whether it is not refused.
///
/// # Errors
/// What the assembler does that it may not.
pub(super) fn check(text: &str, engine: &Engine) -> Result<Option<Report>, String> {
    caught(|| check_text(text, engine)).unwrap_or_else(Err)
}

fn check_text(text: &str, engine: &Engine) -> Result<Option<Report>, String> {
    let image = match assemble(text) {
        Ok(image) => image,
        Err(errors) => {
            if errors.is_empty() {
                return Err("it is refused for no reason".to_owned());
            }
            for error in &errors {
                if text.get(error.span.clone()).is_none() {
                    return Err(format!("an error is about {:?}, where no text is", error.span));
                }
            }
            let shown = [false, true].map(|color| crate::render("fuzz.kasm", text, &errors, color));
            return if shown.iter().any(String::is_empty) {
                Err("an error says nothing".to_owned())
            } else {
                Ok(None)
            };
        }
    };
    let again = disassemble(&image);
    match assemble(&again) {
        Ok(other) if other == image => {}
        Ok(_) => return Err("what it is disassembled to is assembled to something else".to_owned()),
        Err(errors) => return Err(format!("what it is disassembled to is refused: {errors}")),
    }
    let Ok(mut known) = assemble_file("fuzz.kasm", text) else {
        return Err("with a name, the text is refused".to_owned());
    };
    for (number, debug) in &known.debug.code {
        let words = known.object(*number).and_then(|object| match &object.body {
            Body::Code(words) => Some(words.len() as u64),
            _ => None,
        });
        if words.is_none_or(|words| !debug.fits(words)) {
            return Err(format!("names and lines do not fit object {number}"));
        }
    }
    known.debug = DebugInfo::default();
    if known != image {
        return Err("with a name, it is assembled to something else".to_owned());
    }
    let Ok(mut machine) = Machine::with_engine(&image, engine) else { return Ok(Some(Report::default())) };
    let words = machine.budget().words_used;
    machine.set_words_limit(words.saturating_add(1 << 20));
    machine.run(GAS);
    Ok(Some(Report { instructions: machine.instructions(), ..Report::default() }))
}

/// What is random is also one of the table's instructions.
fn with_instructions(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..random.below(4) {
        let info = &OPS[random.index(OPS.len())];
        let imms: Vec<String> = info.imms.iter().map(|_| random.below(9).to_string()).collect();
        let at = random.index(lines.len() + 1);
        lines.insert(at, format!("{} {}", info.mnemonic, imms.join(", ")));
    }
    lines.join("\n") + "\n"
}

pub(super) fn run(random: &mut Random) -> Outcome {
    let text = if random.percent(40) {
        SAMPLE.to_owned()
    } else {
        let shape = if random.percent(70) { Shape::random(random) } else { Shape::computing(random) };
        disassemble(&scene(random, shape))
    };
    let text = with_instructions(random, &text);
    let text = mutated(random, &text, SAMPLE, &MARKS);
    run_text(text)
}

pub(super) fn run_text(text: String) -> Outcome {
    let engine = Engine::recording();
    match check(&text, &engine) {
        Ok(report) => Ok(Run::of(report, &engine, Some(Input::Text(text)))),
        Err(what) => Err(Box::new(Found { what, evidence: Evidence::Assembly(text) })),
    }
}
