//! Programs in the language, random ones and ones that were changed: each is refused with a message, or compiled; what is
//! compiled does the same on each engine, and never comes to instructions that no program of the language can come to.
//! Programs about indices do the same whether the language's compiler optimizes them or not.

use super::corpus::Input;
use super::jit::Compiling;
use super::text::{Marks, mutated};
use super::{Evidence, Found, Machinery, Outcome, Run};
use crate::entish::{self, File};
use crate::{Args, CompilerOptions, Console, Engine, Event, Hosts, Levels, Machine, Tier};
use keyvm_isa::image::{Body, Image};
use keyvm_isa::{Status, Trap};
use keyvm_oracle::random::{Random, indices, language};
use keyvm_oracle::{Case, Course, Engines, Next, Observation, Report, Subject, at_random, caught};

/// Traps that code which the compiler made never comes to, if it is not about instructions of the machine's own.
const INTERNAL: [Trap; 9] = [
    Trap::UnknownInstruction,
    Trap::StackUnderflow,
    Trap::BadTarget,
    Trap::BadIndex,
    Trap::TypeMismatch,
    Trap::NoFrame,
    Trap::Unreachable,
    Trap::SlotOccupied,
    Trap::TooMany,
];

/// The traps that a program in the language may come to that does nothing about keys.
const OWN: [Trap; 7] = [
    Trap::StackOverflow,
    Trap::FrameOverflow,
    Trap::Failed,
    Trap::DivideByZero,
    Trap::IntegerOverflow,
    Trap::InvalidConversion,
    Trap::OutOfBounds,
];

/// Something of everything.
pub(super) const SAMPLES: [&str; 5] = [
    include_str!("sample.et"),
    include_str!("../../examples/sandbox.et"),
    include_str!("../../examples/json.et"),
    include_str!("../../examples/queens.et"),
    include_str!("../../examples/wordcount.et"),
];

pub(super) const MARKS: Marks = Marks {
    words: &["0", "1", "2", "7", "1000", "0xffffffffffffffff", "1.5", "true", "none", "\"t\"", "[]"],
    signs: &[
        "+", "-", "*", "/", "<", ">", "==", "(", ")", "[", "]", ":", ",", "\n", "    ", ".", "\u{e9}",
        "\u{e9}1.", "\0",
    ],
};

/// A text of bytes and of what the language knows, at random.
pub fn bytes_and_marks(random: &mut Random) -> String {
    let marks = [
        "def", "f", "(", ")", ":", "\n", "    ", "x", "=", "1", ",", "<", ">", "yield", "if", "else",
        "while", "for", "in", "range", "[", "]", "{", "}", "\"", "'", "#", "typ", "import", "lists", "const",
        "try", ".", "-", "text", "u", "T", "return", "def(", "->", "$arg", "$store64", "0", "none", "\t",
        "\r", "\u{feff}", "\\", "b\"", "not", "and",
    ];
    let length = random.below(120);
    if random.percent(50) {
        return (0..length)
            .flat_map(|_| [random.pick(&marks), if random.percent(60) { " " } else { "" }])
            .collect();
    }
    let bytes: Vec<u8> = (0..length).flat_map(|_| random.next().to_le_bytes()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn compiled(text: &str) -> Result<Option<Image<'static>>, String> {
    let file = File { name: "fuzz.et".into(), text: text.to_owned() };
    match entish::compile(file, &mut |_| Ok(None)) {
        Ok(program) => Ok(Some(program.image)),
        Err(errors) if errors.render(false).is_empty() => Err("it is refused for no reason".to_owned()),
        Err(_) => Ok(None),
    }
}

/// A random program, compiled.
///
/// # Panics
/// If it is refused.
pub(super) fn random_image(random: &mut Random) -> Image<'static> {
    let text = language::program(random);
    let file = File { name: "random.et".to_owned(), text: text.clone() };
    match entish::compile(file, &mut |_| Ok(None)) {
        Ok(program) => program.image,
        Err(errors) => panic!("{}\n{text}", errors.render(false)),
    }
}

/// Whether it uses instructions that can do anything to its own values.
fn is_about_the_machine(text: &str) -> bool {
    text.replace("$arg(", "").replace("$mempush(0", "").contains('$')
}

/// Runs an image with hosts, and fails if it comes to something that only a mistake of the compiler leads to.
fn runs_cleanly(image: &Image<'_>, engine: &Engine) -> Result<Report, String> {
    let mut hosts = Hosts::new();
    hosts.grant("args", Args::new(["41", "two words"]));
    hosts.grant("console", Console::new("a line\n".as_bytes(), std::io::sink()));
    let mut machine = Machine::with_engine(image, engine).map_err(|error| error.to_string())?;
    machine.set_gas_limit(60_000);
    machine.set_words_limit(1 << 18);
    let mut yields = 0;
    let event = loop {
        match machine.run_hosted(u64::MAX, &mut hosts) {
            Event::Yielded(_) if yields < 20 => yields += 1,
            event => break event,
        }
    };
    Subject::check(&mut machine)?;
    if let Event::Trapped(trap) = &event
        && INTERNAL.contains(trap)
    {
        return Err(format!("the program traps: {trap:?}"));
    }
    let report = Report { instructions: machine.instructions(), ..Report::default() };
    match trapped(&machine.image(), |trap| INTERNAL.contains(&trap)) {
        Some(what) => Err(what),
        None => Ok(report),
    }
}

/// A process that has come to such a trap.
fn trapped(image: &Image<'_>, is: impl Fn(Trap) -> bool) -> Option<String> {
    image.objects.iter().find_map(|object| match &object.body {
        Body::Process(process) => {
            let trap = process.trap.filter(|&trap| is(trap))?;
            Some(format!("process {} traps: {trap:?} at {}", object.number, process.index))
        }
        _ => None,
    })
}

/// What a text does that it may not, compiled and formatted, and run by the interpreter. Gives what was compiled.
fn check_alone(text: &str, engine: &Engine) -> Result<Option<(Image<'static>, Report)>, String> {
    let image = compiled(text)?;
    if let Ok(formatted) = entish::format(text) {
        if entish::format(&formatted).as_ref() != Ok(&formatted) {
            return Err("formatted twice, it is not what it is formatted once".to_owned());
        }
        if compiled(&formatted)?.is_some() != image.is_some() {
            return Err("formatted, it is refused, or not refused any more".to_owned());
        }
    }
    let Some(image) = image else { return Ok(None) };
    let report = if is_about_the_machine(text) { Report::default() } else { runs_cleanly(&image, engine)? };
    Ok(Some((image, report)))
}

/// What a text does that it may not, but that both engines do alike: compiled, formatted, and run by the interpreter.
///
/// # Errors
/// What was found.
pub(super) fn check(text: &str, engine: &Engine) -> Result<Option<(Image<'static>, Report)>, String> {
    caught(|| check_alone(text, engine)).unwrap_or_else(Err)
}

/// Gas and words of a program about indices; of one that takes more, as it may when it is made smaller, nothing is said.
const PLENTY: u64 = 50_000_000;
const PLENTY_OF_WORDS: u64 = 1 << 21;

/// What a program yields, and how it ends. None if it is refused, or takes too much.
fn outcome(text: &str, optimize: bool) -> Result<Option<(Vec<u64>, Event)>, String> {
    let file = File { name: "fuzz.et".into(), text: text.to_owned() };
    let options = entish::Options { optimize, ..entish::Options::default() };
    let Ok(program) = entish::compile_with(file, &mut |_| Ok(None), options) else { return Ok(None) };
    let mut machine = Machine::new(&program.image).map_err(|error| error.to_string())?;
    machine.set_gas_limit(PLENTY);
    machine.set_words_limit(PLENTY_OF_WORDS);
    let mut yielded = Vec::new();
    loop {
        match machine.run(u64::MAX) {
            Event::Yielded(words) => yielded.extend_from_slice(&words),
            Event::OutOfGas { .. } | Event::OutOfWords { .. } => return Ok(None),
            event => return Ok(Some((yielded, event))),
        }
    }
}

/// Compares what a program does that is optimized with what it does that is not. Gives whether it could be compared.
///
/// # Errors
/// How they differ.
pub(super) fn check_optimized(text: &str) -> Result<bool, String> {
    caught(|| {
        let (Some(plain), Some(optimized)) = (outcome(text, false)?, outcome(text, true)?) else {
            return Ok(false);
        };
        if plain == optimized {
            return Ok(true);
        }
        Err(format!("optimized, it does {optimized:?}, and else {plain:?}"))
    })
    .unwrap_or_else(Err)
}

/// A program about indices, optimized and not.
fn run_optimized(random: &mut Random) -> Outcome {
    let text = indices::program(random);
    match check_optimized(&text) {
        Ok(accepted) => Ok(Run { executions: 2, accepted, ..Run::default() }),
        Err(what) => Err(Box::new(Found { what, evidence: Evidence::Optimized(text) })),
    }
}

/// Texts that may be refused before a run takes the next one, whatever becomes of that: a refusal is soon told.
const REFUSED_MAX: u64 = 8;

pub(super) fn run<S: Machinery>(random: &mut Random, options: CompilerOptions) -> Outcome {
    if random.percent(40) {
        return run_optimized(random);
    }
    let random_program = random.percent(30).then(|| language::program(random));
    let source = random_program.as_deref().unwrap_or_else(|| random.pick(&SAMPLES));
    let mut refused = 0;
    loop {
        let text = match random.below(20) {
            0 => bytes_and_marks(random),
            _ => mutated(random, source, SAMPLES[0], &MARKS),
        };
        let mut run = run_text::<S>(text, options)?;
        run.executions += refused;
        if run.accepted || refused == REFUSED_MAX {
            return Ok(run);
        }
        refused += 1;
    }
}

/// Compiles a text, and runs what is compiled on both engines, cut as follows from the text.
pub(super) fn run_text<S: Machinery>(text: String, options: CompilerOptions) -> Outcome {
    let engine = Engine::recording();
    let (image, alone) = match check(&text, &engine) {
        Ok(Some(compiled)) => compiled,
        Ok(None) => return Ok(Run { executions: 1, ..Run::default() }),
        Err(what) => return Err(Box::new(Found { what, evidence: Evidence::Program(text) })),
    };
    let seed = crate::image::state_hash(&image).words()[0];
    let levels = if seed.is_multiple_of(2) { Levels::Quick } else { Levels::Optimized };
    let compiling = Compiling { tier: Tier::Jit, options: CompilerOptions { levels, ..options } };
    let (reference, other) = (Engine::default(), compiling.engine());
    let engines = Engines { reference: &reference, other: &other };
    let mut run = Run { executions: 1, report: alone, accepted: true, ..Run::default() };
    match caught(|| at_random::<S>(&image, engines, Course::short(30_000), seed)) {
        Ok(Ok(report)) => run.add(&report),
        Ok(Err(divergence)) => {
            let image = crate::image::read(&divergence.image).map_or(image, Image::into_owned);
            let evidence =
                Evidence::Steps { case: Case { image, steps: divergence.steps }, compiling, language: false };
            return Err(Box::new(Found { what: divergence.difference, evidence }));
        }
        Err(what) => return Err(Box::new(Found { what, evidence: Evidence::Program(text) })),
    }
    run.pairs = engine.opcode_pairs();
    run.input = Some(Input::Text(text));
    Ok(run)
}

/// A machine that runs a compiled program, and sees to it that no process of it traps as no program can.
#[derive(Debug)]
pub(super) struct Compiled<S>(S);

impl<S: Machinery> Subject for Compiled<S> {
    type Engine = Engine;
    type Event = Event;

    fn take(image: &Image<'_>, engine: &Engine) -> Option<Self> {
        S::take(image, engine).map(Self)
    }

    fn load(file: &[u8], engine: &Engine) -> Option<Self> {
        S::load(file, engine).map(Self)
    }

    fn save(&mut self) -> Vec<u8> {
        self.0.save()
    }

    fn image(&mut self) -> Image<'_> {
        self.0.image()
    }

    fn run(&mut self, slice: u64) -> Event {
        self.0.run(slice)
    }

    fn next(event: &Event) -> Next {
        S::next(event)
    }

    fn answer(&mut self, seed: u64) {
        self.0.answer(seed);
    }

    fn set_gas_limit(&mut self, limit: u64) {
        self.0.set_gas_limit(limit);
    }

    fn observe(&mut self) -> Observation {
        self.0.observe()
    }

    fn hash(&mut self) -> [u8; 32] {
        self.0.hash()
    }

    fn frames(&mut self) -> usize {
        self.0.frames()
    }

    fn native_instructions(&self) -> u64 {
        self.0.native_instructions()
    }

    fn check(&mut self) -> Result<(), String> {
        self.0.check()?;
        let mut image = self.0.image();
        image.objects.retain(|object| match &object.body {
            Body::Process(process) => process.status == Status::Trapped,
            _ => false,
        });
        trapped(&image, |trap| !OWN.contains(&trap)).map_or(Ok(()), Err)
    }

    fn check_all(&mut self) -> Result<(), String> {
        self.0.check_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_programs_compile_and_come_to_all_ends() {
        let engine = Engine::default();
        let (mut halted, mut trapped, mut yielded) = (0, 0, 0);
        for seed in 0..30 {
            let image = random_image(&mut Random::new(seed));
            let mut machine =
                Compiled::<Machine>::take(&image, &engine).expect("a compiled image is consistent");
            for _ in 0..20 {
                match machine.run(50_000) {
                    Event::Halted => halted += 1,
                    Event::Trapped(_) => trapped += 1,
                    Event::Yielded(_) => {
                        yielded += 1;
                        continue;
                    }
                    _ => {}
                }
                break;
            }
            assert_eq!(machine.check(), Ok(()));
        }
        assert!(
            halted > 5 && trapped > 2 && yielded > 50,
            "{halted} halted, {trapped} trapped, {yielded} yielded"
        );
    }

    #[test]
    fn programs_about_indices_do_the_same_optimized() {
        let mut statuses = [0; 16];
        for seed in 0..300 {
            let text = indices::program(&mut Random::new(seed));
            let compiled = compiled(&text).unwrap_or_else(|what| panic!("{what}"));
            assert!(compiled.is_some(), "{text}");
            assert_eq!(check_optimized(&text), Ok(true), "{text}");
            let (yielded, _) = outcome(&text, true).expect("it loads").expect("there is enough gas");
            yielded.iter().step_by(2).for_each(|&status| statuses[status as usize] += 1);
        }
        let [returned, trapped] =
            [Status::Returned, Status::Trapped].map(|of| statuses[of.number() as usize]);
        assert_eq!(returned + trapped, 6 * 300, "{statuses:?}");
        assert!(returned > 300 && trapped > 300, "{returned} returned, {trapped} trapped");
    }

    #[test]
    fn a_trap_that_no_program_can_come_to_is_found() {
        let image = crate::asm::assemble("drop").expect("it is well-formed");
        let mut machine = Compiled::<Machine>::take(&image, &Engine::default()).expect("it is consistent");
        assert_eq!(machine.run(10), Event::Trapped(Trap::StackUnderflow));
        assert!(machine.check().is_err());
        assert!(runs_cleanly(&image, &Engine::default()).is_err());
    }

    #[test]
    fn what_programs_are_changed_from_compiles() {
        for sample in SAMPLES {
            assert!(check(sample, &Engine::default()).expect("nothing is found").is_some(), "{sample}");
        }
    }
}
