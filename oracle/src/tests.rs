//! The oracle finds what is planted.

use crate::random::scene::{PRIME, Shape, scene};
use crate::random::{Random, language, program};
use crate::{
    Case, Course, Cut, Engines, Next, Observation, Pair, Step, Subject, at_each_point, at_random, replay,
    shrink,
};
use keyvm_isa::code::CodeParts;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::Image;
use keyvm_isa::{Insn, Op};

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Takes one gas more when it passes this count.
    Gas(u64),
    /// Computes something else at this count, and tells nobody.
    State(u64),
    /// Counts one instruction more in a slice that begins at this count.
    Instructions(u64),
    /// Computes something else in a slice that begins at this count.
    Slice(u64),
    /// Does not raise the limit above this.
    Limit(u64),
    /// Forgets its state when it is loaded.
    Load,
}

/// A machine that counts to 100, yields, asks its host, and returns.
#[derive(Clone, Debug)]
struct Counter {
    fault: Fault,
    used: u64,
    limit: u64,
    total: u64,
    instructions: u64,
    state: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Paused,
    Dry,
    Yielded,
    Asked,
    Ended,
}

const END: u64 = 100;

impl Counter {
    const fn new(fault: Fault) -> Self {
        Self { fault, used: 0, limit: u64::MAX, total: 0, instructions: 0, state: 0 }
    }
}

impl Subject for Counter {
    type Engine = Fault;
    type Event = Event;

    fn take(_: &Image<'_>, engine: &Fault) -> Option<Self> {
        Some(Self::new(*engine))
    }

    fn load(file: &[u8], engine: &Fault) -> Option<Self> {
        let mut words =
            file.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight")));
        let (used, limit, state) = (words.next()?, words.next()?, words.next()?);
        let state = if *engine == Fault::Load { 0 } else { state };
        Some(Self { used, limit, state, ..Self::new(*engine) })
    }

    fn save(&mut self) -> Vec<u8> {
        [self.used, self.limit, self.state].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn image(&mut self) -> Image<'_> {
        Image {
            next_number: 1,
            prime: 0,
            root: 0,
            chain: Vec::new(),
            request: None,
            objects: Vec::new(),
            debug: DebugInfo::default(),
        }
    }

    fn run(&mut self, slice: u64) -> Event {
        if self.fault == Fault::Instructions(self.used) {
            self.instructions += 1;
        }
        if self.fault == Fault::Slice(self.used) {
            self.state += 1;
        }
        for _ in 0..slice {
            if self.used >= END {
                return Event::Ended;
            }
            if self.used >= self.limit {
                return Event::Dry;
            }
            let more = 1 + u64::from(self.fault == Fault::Gas(self.used));
            self.state = self.state.wrapping_mul(3).wrapping_add(self.used);
            self.state = self.state.wrapping_add(u64::from(self.fault == Fault::State(self.used)));
            self.used += more;
            self.total += more;
            self.instructions += 1;
            match self.used % 40 {
                20 => return Event::Yielded,
                30 => return Event::Asked,
                _ => {}
            }
        }
        if self.used >= END { Event::Ended } else { Event::Paused }
    }

    fn next(event: &Event) -> Next {
        match event {
            Event::Paused => Next::Paused,
            Event::Dry => Next::Refuel(1),
            Event::Yielded => Next::Run,
            Event::Asked => Next::Answer,
            Event::Ended => Next::Nothing,
        }
    }

    fn answer(&mut self, seed: u64) {
        self.state = self.state.wrapping_add(seed);
    }

    fn set_gas_limit(&mut self, limit: u64) {
        self.limit = match self.fault {
            Fault::Limit(most) => limit.min(most),
            _ => limit,
        };
    }

    fn observe(&mut self) -> Observation {
        Observation {
            gas: (self.used, self.limit),
            words: (0, 0),
            total_gas: self.total,
            instructions: self.instructions,
            depth: 1,
            objects: 3,
        }
    }

    fn hash(&mut self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&self.state.to_le_bytes());
        hash
    }

    fn frames(&mut self) -> usize {
        0
    }

    fn native_instructions(&self) -> u64 {
        self.instructions / 2
    }
}

fn any_image() -> Image<'static> {
    let shape = Shape {
        processes: 1,
        keepers: false,
        hidden_prime: false,
        limits: false,
        groups: 1,
        computing: 100,
        looping: None,
        turns: 1,
    };
    scene(&mut Random::new(1), shape)
}

const RIGHT: Fault = Fault::None;

#[test]
fn what_is_alike_is_said_to_be_and_counted() {
    let engines = Engines { reference: &RIGHT, other: &RIGHT };
    let report = at_each_point::<Counter>(&any_image(), engines, 90, Cut::Slice).expect("they are alike");
    // Once whole, and once for each of 0 to 90.
    assert_eq!(report.instructions, 90 * 92);
    assert!(report.cuts > 80 && report.native > 0 && report.swaps == 0);
    let report = at_each_point::<Counter>(&any_image(), engines, 90, Cut::Swap).expect("they are alike");
    assert_eq!(report.swaps, 91);
    for seed in 0..20 {
        at_random::<Counter>(&any_image(), engines, Course::short(90), seed).expect("they are alike");
    }
}

#[test]
fn each_fault_is_found_and_repeated_by_its_steps() {
    let image = any_image();
    for (fault, cut) in [
        (Fault::Gas(50), Cut::Slice),
        (Fault::State(77), Cut::Slice),
        (Fault::Instructions(33), Cut::Slice),
        (Fault::Limit(70), Cut::Limit),
        (Fault::Load, Cut::Swap),
    ] {
        let engines = Engines { reference: &RIGHT, other: &fault };
        let found = at_each_point::<Counter>(&image, engines, 90, cut).expect_err("it is wrong");
        let again = replay::<Counter>(&image, engines, &found.steps).expect_err("it is wrong again");
        assert_eq!(again.difference, found.difference);
        assert!(!found.to_string().is_empty());
    }
    // A random run tells its seed, and with that gives the same steps.
    let engines = Engines { reference: &RIGHT, other: &Fault::Gas(50) };
    let found = at_random::<Counter>(&image, engines, Course::short(90), 7).expect_err("it is wrong");
    assert_eq!(found.seed, Some(7));
    assert_eq!(at_random::<Counter>(&image, engines, Course::short(90), 7), Err(found));
}

#[test]
fn a_cut_that_shows_with_both_engines_is_found() {
    let shows = Fault::Slice(33);
    let engines = Engines { reference: &shows, other: &shows };
    for cut in [Cut::Slice, Cut::Swap] {
        let found = at_each_point::<Counter>(&any_image(), engines, 90, cut).expect_err("it is wrong");
        assert!(found.difference.starts_with("the cut shows"), "{}", found.difference);
    }
}

#[test]
fn a_divergence_is_made_small() {
    let fault = Fault::State(55);
    let engines = Engines { reference: &RIGHT, other: &fault };
    let steps = [Step::Run(3), Step::Limit(1000), Step::Swap]
        .into_iter()
        .chain(std::iter::repeat_n(Step::Run(90), 5))
        .collect::<Vec<_>>();
    let mut pair = Pair::<Counter>::new(&any_image(), engines, None).expect("it takes anything");
    assert!(steps.iter().any(|&step| pair.step(step).is_err()));
    let case = Case { image: any_image(), steps };
    let Case { image, steps } =
        shrink(case, &mut |case| Some(replay::<Counter>(&case.image, engines, &case.steps).is_err()));
    assert!(steps.len() <= 5, "{steps:?}");
    // What is in it does not matter to this machine: only the prime meter and the root process are left.
    assert!(image.objects.len() <= 2, "{image:?}");
    assert!(image.prime == PRIME);
}

#[test]
fn programs_are_the_same_for_the_same_seed() {
    let compute = |seed| program::compute(&mut Random::new(seed), 1);
    assert_eq!(compute(3), compute(3));
    assert_ne!(compute(3), compute(4));
    let loops = |seed| program::loops(&mut Random::new(seed), 64, 1);
    assert_eq!(loops(3), loops(3));
    assert_ne!(loops(3), loops(4));
    let language = |seed| language::program(&mut Random::new(seed));
    assert_eq!(language(3), language(3));
    assert_ne!(language(3), language(4));
}

/// The jumps of a program, as pairs of where they are and where they go.
fn jumps(program: &CodeParts) -> Vec<(u64, u64)> {
    let words = (0u64..).zip(&program.instructions);
    let decoded = words.filter_map(|(at, &word)| Some((at, Insn::decode(word)?)));
    let jumps = decoded.filter(|(_, insn)| matches!(insn.op, Op::Jump | Op::Jumpif | Op::Jumpz));
    jumps.map(|(at, insn)| (at, insn.imms[0].cast_unsigned())).collect()
}

#[test]
fn programs_go_into_the_middle_of_loops_from_before_and_from_behind() {
    let compute: fn(&mut Random) -> CodeParts = |random| program::compute(random, 1);
    let loops: fn(&mut Random) -> CodeParts = |random| program::loops(random, 64, 1);
    for make in [compute, loops] {
        let (mut before, mut behind) = (0, 0);
        for seed in 0..60 {
            let jumps = jumps(&make(&mut Random::new(seed)));
            // A jump back makes a loop of what is between, which another jump goes into.
            let entered = |from: &dyn Fn(u64, u64, u64) -> bool| {
                let loops = jumps.iter().filter(|(at, to)| to < at);
                loops.clone().any(|&(end, top)| {
                    jumps.iter().any(|&(at, to)| top < to && to <= end && from(at, top, end))
                })
            };
            before += u32::from(entered(&|at, top, _| at < top));
            behind += u32::from(entered(&|at, _, end| at > end));
        }
        assert!(before >= 10 && behind >= 10, "{before} from before, {behind} from behind");
    }
}
