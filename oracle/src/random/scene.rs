//! Random consistent images.

use super::Random;
use super::program::{self, DATA_WORDS, SLOTS, Slot};
use keyvm_isa::code::CodeParts;
use keyvm_isa::debug::{CodeDebugBuilder, DebugInfo, Line};
use keyvm_isa::image::{Body, Image, Key, Meter, Number, Object, Process};
use keyvm_isa::{Insn, Op, Rights, layout};

use std::borrow::Cow;

/// What a scene is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Processes at most.
    pub processes: u64,
    /// Whether there may be keepers.
    pub keepers: bool,
    /// Whether nobody can see the prime meter: all is charged to a meter below it, and there is no key to it.
    pub hidden_prime: bool,
    /// Whether standing meters have limits, of rent too.
    pub limits: bool,
    /// Groups of objects between which keys are few and weak.
    pub groups: u64,
    /// Of 100 code pages, how many compute: see [`program::compute`].
    pub computing: u64,
    /// All code loops over memories of so many words: see [`program::loops`].
    pub looping: Option<u64>,
    /// How often the main program of code that computes or loops does the same again before it ends.
    pub turns: u64,
}

impl Shape {
    /// Few processes, most of whose code computes: to compare engines.
    pub fn computing(random: &mut Random) -> Self {
        Self {
            processes: random.within(1, 4),
            keepers: random.percent(80),
            hidden_prime: random.percent(30),
            limits: random.percent(15),
            groups: 1,
            computing: random.pick(&[100, 100, 90, 50]),
            looping: None,
            turns: 1,
        }
    }

    /// Few processes that loop over memories of about one length: to compare engines.
    pub fn looping(random: &mut Random) -> Self {
        Self {
            processes: random.within(1, 3),
            keepers: random.percent(80),
            hidden_prime: random.percent(30),
            limits: random.percent(10),
            groups: 1,
            computing: 0,
            looping: Some(random.pick(&[1, 8, 40, 64, 100, 511, 512, 513, 600, 1024, 1500, 2500])),
            turns: 1,
        }
    }

    /// Few processes that compute or loop for millions of turns.
    pub fn long(random: &mut Random) -> Self {
        let shape = if random.percent(50) { Self::computing(random) } else { Self::looping(random) };
        // What stops at a trap that nobody mends does not run long.
        let looping = shape.looping.map(|words| words.max(program::DATA_WORDS));
        Self { processes: 1, keepers: true, limits: false, looping, turns: 1 << 30, ..shape }
    }

    /// Any.
    pub fn random(random: &mut Random) -> Self {
        Self {
            processes: random.within(1, 7),
            keepers: random.percent(75),
            hidden_prime: random.percent(30),
            limits: random.percent(50),
            groups: random.within(1, 3),
            computing: 0,
            looping: None,
            turns: 1,
        }
    }
}

/// The prime meter's number.
pub const PRIME: Number = 1;
/// Words an image of these may count, so that tests stay small.
pub const WORDS: u64 = 1 << 17;

/// A key with these rights and no more to it.
pub const fn key(object: Number, rights: Rights) -> Option<Key> {
    Some(Key::new(object, rights))
}

/// A process that has not begun, with no key but its own.
pub fn fresh(number: Number, code: Number) -> Process<'static> {
    Process {
        stack_maximum: 4096,
        key_capacity: 8,
        random: number,
        standing: true,
        ..Process::new(number, code)
    }
}

/// A keeper's program: steps over the instruction that trapped, and gives up on what ran dry.
pub fn skipper() -> CodeParts {
    let code: &[(Op, &[i64])] = &[
        // It costs 2: a slice of 1 that called it ends here.
        (Op::Slide, &[3, 0]),
        (Op::Drop, &[]),
        (Op::Push, &[1]),
        (Op::Add, &[]),
        (Op::Store64at, &[2, 0]),
        (Op::Push, &[3]),
        (Op::Eq, &[]),
        (Op::Jumpz, &[17]),
        (Op::Numkeys, &[]),
        (Op::Push, &[1]),
        (Op::Sub, &[]),
        (Op::Push, &[0]),
        (Op::Push, &[layout::meta::INDEX.cast_signed()]),
        (Op::Load64at, &[2, 0]),
        (Op::Poke, &[]),
        (Op::Push, &[1]),
        (Op::Jump, &[18]),
        (Op::Push, &[0]),
        (Op::Numkeys, &[]),
        (Op::Push, &[1]),
        (Op::Sub, &[]),
        (Op::Keydrop, &[]),
        (Op::Return, &[1, 0]),
    ];
    CodeParts {
        instructions: code
            .iter()
            .map(|(op, imms)| Insn::encode(*op, imms).expect("the immediates fit"))
            .collect(),
        ..CodeParts::default()
    }
}

/// The kinds of objects in a scene, in the order in which they are made.
struct Cast {
    /// Number, kind, group.
    all: Vec<(Number, Slot, u64)>,
    next: Number,
}

impl Cast {
    fn add(&mut self, random: &mut Random, kind: Slot, groups: u64) -> Number {
        self.next += 1 + u64::from(random.percent(20));
        self.all.push((self.next, kind, random.below(groups)));
        self.next
    }

    fn any(&self, random: &mut Random, kind: Slot, group: u64) -> Option<Number> {
        let fits: Vec<Number> =
            self.all.iter().filter(|one| one.1 == kind && one.2 == group).map(|one| one.0).collect();
        (!fits.is_empty()).then(|| random.pick(&fits))
    }
}

/// The kind that a slot asks for: several slots may ask for one.
const fn kind_of(slot: Slot) -> Slot {
    match slot {
        Slot::OtherPage => Slot::Page,
        Slot::OtherProcess => Slot::Process,
        other => other,
    }
}

/// What people may be told of such objects: of some code pages, and the names of some objects.
fn debug(objects: &[Object<'_>]) -> DebugInfo<'static> {
    let code = objects.iter().filter_map(|object| match &object.body {
        Body::Code(words) if object.number % 4 > 0 => {
            let mut builder = CodeDebugBuilder::new();
            let file = builder.file(if object.number % 2 == 0 { "even.et" } else { "odd.et" });
            for index in (0..words.len() as u32).step_by(16) {
                builder.name(index, "place", index % 32 == 0);
                builder.line(Line { index, file, line: index ^ 5, column: index % 7 });
            }
            Some((object.number, builder.finish(words.len() as u64)))
        }
        _ => None,
    });
    let named = objects.iter().filter(|object| object.number % 3 > 0);
    DebugInfo {
        names: named.map(|object| (object.number, format!("object{}", object.number).into())).collect(),
        code: code.collect(),
    }
}

/// A consistent image in which control is with the host.
pub fn scene(random: &mut Random, shape: Shape) -> Image<'static> {
    let mut cast = Cast { all: Vec::new(), next: PRIME };
    let groups = shape.groups;
    let meters = random.within(1, 4);
    for _ in 0..meters {
        cast.add(random, Slot::Meter, groups);
    }
    let many = |random: &mut Random, most: u64| random.below(most + 1);
    for _ in 0..2 + many(random, 2) {
        cast.add(random, Slot::Code, groups);
    }
    for (kind, most) in
        [(Slot::Page, 3), (Slot::KeyPage, 2), (Slot::Gate, 2), (Slot::Brand, 1), (Slot::Host, 1)]
    {
        for _ in 0..u64::from(random.percent(95)) + many(random, most) {
            cast.add(random, kind, groups);
        }
    }
    for _ in 0..shape.processes.min(2) + many(random, shape.processes) {
        cast.add(random, Slot::Process, groups);
    }
    let keeper_code = shape.keepers.then(|| cast.add(random, Slot::Host, 1));
    let keeper = shape.keepers.then(|| cast.add(random, Slot::Host, 1));
    // The two are no hosts: they stand at the end, out of the reach of the others.
    let cut = cast.all.len() - if shape.keepers { 2 } else { 0 };
    let actors = Cast { all: cast.all[..cut].to_vec(), next: cast.next };

    let mut objects = vec![Object {
        number: PRIME,
        meter: 0,
        body: Body::Meter(Box::new(Meter { words_limit: WORDS, ..Meter::UNLIMITED })),
    }];
    let standing: Vec<Number> =
        actors.all.iter().filter(|one| one.1 == Slot::Meter).map(|one| one.0).collect();
    let codes: Vec<Number> = actors.all.iter().filter(|one| one.1 == Slot::Code).map(|one| one.0).collect();
    let mut root = 0;
    for &(number, kind, group) in &actors.all {
        let meter = if number == standing[0] || (!shape.hidden_prime && random.percent(40)) {
            PRIME
        } else {
            let above: Vec<Number> = standing.iter().copied().filter(|&m| m < number).collect();
            random.pick(&above)
        };
        let body = match kind {
            Slot::Meter => Body::Meter(Box::new(limits(random, shape))),
            Slot::Code => Body::Code(Cow::Owned(code(random, shape).words())),
            Slot::Page => {
                let words = match shape.looping {
                    Some(words) if random.percent(80) => words,
                    _ => random.pick(&[0, 8, 64, 600]),
                };
                Body::Data(Cow::Owned((0..words * 8).map(|i| (i as u8).wrapping_mul(7)).collect()))
            }
            Slot::KeyPage => {
                let slots = random.below(9);
                Body::Keys((0..slots).map(|_| any_key(random, &actors, shape, group)).collect())
            }
            Slot::Gate => {
                let parent = actors.any(random, Slot::Gate, group).filter(|&parent| parent < number);
                Body::Gate { parent: parent.filter(|_| random.percent(50)).unwrap_or(0) }
            }
            Slot::Brand => Body::Brand,
            Slot::Host => Body::Host("console".to_owned()),
            _ => {
                let code = random.pick(&codes);
                let mut process = actor(random, &actors, shape, number, group, code);
                if root == 0 {
                    (root, process.standing) = (number, true);
                }
                process.keeper = keeper
                    .filter(|_| random.percent(if root == number { 95 } else { 50 }))
                    .and_then(|k| key(k, Rights::CALL));
                Body::Process(Box::new(process))
            }
        };
        objects.push(Object { number, meter, body });
    }
    if let (Some(code), Some(number)) = (keeper_code, keeper) {
        objects.push(Object {
            number: code,
            meter: standing[0],
            body: Body::Code(Cow::Owned(skipper().words())),
        });
        let process = Process { data: Cow::Owned(vec![0; 8]), ..fresh(number, code) };
        objects.push(Object { number, meter: standing[0], body: Body::Process(Box::new(process)) });
    }
    let debug = debug(&objects);
    Image {
        next_number: cast.next + 1 + random.below(3),
        prime: PRIME,
        root,
        chain: Vec::new(),
        request: None,
        objects,
        debug,
    }
}

fn code(random: &mut Random, shape: Shape) -> CodeParts {
    if let Some(words) = shape.looping {
        return program::loops(random, words, shape.turns);
    }
    if shape.computing > 0 && random.percent(shape.computing) {
        return program::compute(random, shape.turns);
    }
    program::any(random)
}

fn limits(random: &mut Random, shape: Shape) -> Meter {
    if !shape.limits {
        return Meter::UNLIMITED;
    }
    Meter {
        gas_limit: random.pick(&[u64::MAX, 1 << 40, 3000, 500]),
        words_limit: random.pick(&[u64::MAX, 1 << 14, 4000]),
        rent_limit: random.pick(&[u128::MAX, 1 << 24, 1 << 20, 1 << 70]),
        ..Meter::UNLIMITED
    }
}

/// A key to something: of the own group mostly, and if not, with few rights.
fn any_key(random: &mut Random, cast: &Cast, shape: Shape, group: u64) -> Option<Key> {
    let slot = random.pick(&SLOTS);
    slot_key(random, cast, shape, group, slot)
}

fn slot_key(random: &mut Random, cast: &Cast, shape: Shape, group: u64, slot: Slot) -> Option<Key> {
    let foreign = shape.groups > 1 && random.percent(10);
    let from = if foreign { random.below(shape.groups) } else { group };
    let (gated, kind) = match slot {
        Slot::Gated => (true, kind_of(random.pick(&SLOTS[..10]))),
        _ => (random.percent(5), kind_of(slot)),
    };
    let object = cast.any(random, kind, from)?;
    let rights = if from != group {
        random.pick(&[Rights::READ, Rights::CALL, Rights::WEAKENED, Rights::NONE, Rights::SEND])
    } else if random.percent(85) {
        Rights::ALL
    } else {
        Rights::from_bits(random.next())
    };
    let gate = if gated { cast.any(random, Slot::Gate, group).unwrap_or(0) } else { 0 };
    let seal = if random.percent(3) { cast.any(random, Slot::Brand, group).unwrap_or(0) } else { 0 };
    Some(Key { object, rights, gate, seal })
}

fn actor(
    random: &mut Random,
    cast: &Cast,
    shape: Shape,
    number: Number,
    group: u64,
    code: Number,
) -> Process<'static> {
    let mut process = fresh(number, code);
    for slot in SLOTS {
        let present = random.percent(97);
        process.keys.push(slot_key(random, cast, shape, group, slot).filter(|_| present));
    }
    process.key_capacity = random.pick(&[12, 16, 40]);
    let mut data = vec![0; DATA_WORDS as usize * 8];
    for slot in SLOTS {
        data[(40 + slot as usize) * 8] = slot as u8;
    }
    for byte in &mut data[..256] {
        *byte = random.next() as u8;
    }
    if let Some(words) = shape.looping {
        data.resize(words as usize * 8, 0);
    }
    process.data = Cow::Owned(data);
    process.stack_maximum = random.pick(&[16, 64, 4096]);
    if shape.looping.is_some() {
        process.stack_maximum = random.pick(&[64, 200, 1000, 1 << 14, 1 << 14, 1 << 14]);
    }
    if shape.computing > 0 && random.percent(80) {
        process.stack_maximum = 1 << 14;
    }
    process.random = random.next();
    process.standing = random.percent(60);
    process
}
