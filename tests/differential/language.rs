//! Random programs in the language.

use keyvm::entish::{File, compile};
use keyvm::isa::image::{Body, Image};
use keyvm::isa::{Status, Trap};
use keyvm::{Engine, Event, Machine};
use keyvm_oracle::random::{Random, language};
use keyvm_oracle::{Next, Observation, Subject};

/// A random program, compiled.
pub(super) fn image(random: &mut Random) -> Image<'static> {
    let text = language::program(random);
    let file = File { name: "random.et".to_owned(), text };
    let text = file.text.clone();
    match compile(file, &mut |_| Ok(None)) {
        Ok(program) => program.image,
        Err(errors) => panic!("{}\n{text}", errors.render(false)),
    }
}

/// The traps that a program in the language may come to.
const OWN: [Trap; 7] = [
    Trap::StackOverflow,
    Trap::FrameOverflow,
    Trap::Failed,
    Trap::DivideByZero,
    Trap::IntegerOverflow,
    Trap::InvalidConversion,
    Trap::OutOfBounds,
];

/// A machine that runs a compiled program, and sees to it that no process of it traps as no program in the language can.
pub(super) struct Compiled(Machine);

impl Compiled {
    fn check(&mut self) {
        let image = self.0.image();
        for object in &image.objects {
            if let Body::Process(process) = &object.body
                && process.status == Status::Trapped
                && let Some(trap) = process.trap
            {
                assert!(
                    OWN.contains(&trap),
                    "process {} traps: {trap:?} at {}",
                    object.number,
                    process.index
                );
            }
        }
    }
}

impl Subject for Compiled {
    type Engine = Engine;
    type Event = Event;

    fn take(image: &Image<'_>, engine: &Engine) -> Option<Self> {
        Machine::take(image, engine).map(Self)
    }

    fn load(file: &[u8], engine: &Engine) -> Option<Self> {
        Machine::load(file, engine).map(Self)
    }

    fn save(&mut self) -> Vec<u8> {
        self.0.save()
    }

    fn image(&mut self) -> Image<'_> {
        Subject::image(&mut self.0)
    }

    fn run(&mut self, slice: u64) -> Event {
        let event = Subject::run(&mut self.0, slice);
        if let Event::Trapped(trap) = event {
            assert!(OWN.contains(&trap), "the program traps: {trap:?}");
        }
        self.check();
        event
    }

    fn next(event: &Event) -> Next {
        Machine::next(event)
    }

    fn answer(&mut self, seed: u64) {
        self.0.answer(seed);
    }

    fn set_gas_limit(&mut self, limit: u64) {
        Subject::set_gas_limit(&mut self.0, limit);
    }

    fn observe(&mut self) -> Observation {
        self.0.observe()
    }

    fn native_instructions(&self) -> u64 {
        self.0.native_instructions()
    }
}

#[test]
fn random_programs_compile_and_come_to_all_ends() {
    let engine = Engine::default();
    let (mut halted, mut trapped, mut yielded) = (0, 0, 0);
    for seed in 0..30 {
        let image = image(&mut Random::new(seed));
        let mut machine = Compiled::take(&image, &engine).expect("a compiled image is consistent");
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
    }
    assert!(
        halted > 5 && trapped > 2 && yielded > 50,
        "{halted} halted, {trapped} trapped, {yielded} yielded"
    );
}

#[test]
fn random_programs_have_calls_of_all_kinds() {
    let texts: String = (0..40).map(|seed| language::program(&mut Random::new(seed))).collect();
    for part in
        ["= try make", "= try give", ">(depth - 1", ") else ", ".value", "gas() / 2", "print(", "while job_"]
    {
        assert!(texts.contains(part), "no program has `{part}`");
    }
}
