//! Random images of processes in processes, made so that most of what they try succeeds: sandboxes in sandboxes, keepers that
//! do something, meters in trees, keys with few rights, gated, weak and sealed, and things that nobody can reach.
//!
//! Each process has code of its own, whose author knows which keys it begins with. Where a [`scene`](super::scene)
//! throws keys and programs together, a colony puts them so that control goes deep and a right that is not checked is a
//! way out.

mod author;

use super::Random;
use super::scene::{PRIME, WORDS, fresh, key};
use author::{Author, Place, Role, Var};
use keyvm_isa::code::CodeParts;
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::{Body, Image, Key, Meter, Number, Object, Process};
use keyvm_isa::layout::Kind;
use keyvm_isa::{Insn, Op, Rights};
use std::borrow::Cow;

/// The number of an object that is gone: some gates hang below it.
const LOST: Number = PRIME + 1;

/// The words of data that authors count on.
const DATA_WORDS: usize = 96;

/// What is made of a colony, by number, in the order of the numbers.
struct Plan {
    next: Number,
    all: Vec<(Number, Kind)>,
}

impl Plan {
    fn add(&mut self, random: &mut Random, kind: Kind) -> Number {
        self.next += 1 + u64::from(random.percent(10));
        self.all.push((self.next, kind));
        self.next
    }

    fn several(&mut self, random: &mut Random, kind: Kind, low: u64, high: u64) -> Vec<Number> {
        (0..random.within(low, high + 1)).map(|_| self.add(random, kind)).collect()
    }

    fn of(&self, random: &mut Random, kind: Kind) -> Option<Number> {
        let fits: Vec<Number> = self.all.iter().filter(|one| one.1 == kind).map(|one| one.0).collect();
        (!fits.is_empty()).then(|| random.pick(&fits))
    }
}

/// A process of a colony.
struct Actor {
    number: Number,
    code: Number,
    meter: Number,
    role: Role,
    /// Those that it may call.
    children: Vec<Number>,
    standing: bool,
}

/// What a key of one who may do much with the object has, or of one who may not.
fn rights(random: &mut Random) -> Rights {
    let few = [
        Rights::NONE,
        Rights::READ,
        Rights::COPY,
        Rights::WEAKENED,
        Rights::KEEPER,
        Rights::OWN,
        Rights::from_bits(0b11_1111_1101),
        Rights::from_bits(0b111_1111_1110),
        Rights::from_bits(0b101_1111_1111),
    ];
    match random.below(10) {
        0..5 => Rights::ALL,
        5..8 => random.pick(&few),
        // All but a few.
        8 => Rights::from_bits(random.next() | random.next()),
        _ => Rights::from_bits(random.next()),
    }
}

/// A consistent image in which control is with the host.
pub fn colony(random: &mut Random) -> Image<'static> {
    // What had the number behind the prime meter's is gone.
    let mut plan = Plan { next: LOST, all: vec![(PRIME, Kind::Meter)] };
    let meters = plan.several(random, Kind::Meter, 3, 6);
    plan.several(random, Kind::Data, 3, 5);
    plan.several(random, Kind::Keys, 1, 3);
    plan.several(random, Kind::Gate, 2, 3);
    plan.several(random, Kind::Brand, 1, 2);
    plan.several(random, Kind::Host, 1, 1);
    let nursery = plan.several(random, Kind::Code, 1, 2);
    let keepers: Vec<Actor> = (0..random.within(1, 4))
        .map(|_| Actor {
            code: plan.add(random, Kind::Code),
            number: plan.add(random, Kind::Process),
            meter: random.pick(&meters),
            role: Role::Keeper,
            children: Vec::new(),
            standing: true,
        })
        .collect();
    let actors = generations(random, &mut plan, &meters);
    let root = actors[0].number;
    let mut scribe = Scribe { plan, meters, keepers: keepers.iter().map(|keeper| keeper.number).collect() };
    let mut codes: Vec<(Number, CodeParts)> =
        nursery.into_iter().map(|number| (number, author::newborn(random))).collect();
    let mut processes = Vec::new();
    for actor in keepers.iter().chain(&actors) {
        let (process, code) = scribe.process(random, actor, actor.number == root);
        codes.push((actor.code, code));
        processes.push((actor, process));
    }
    let mut objects = Vec::new();
    for (number, kind) in scribe.plan.all.clone() {
        let actor = processes.iter().find(|(actor, _)| actor.number == number);
        let meter = match kind {
            _ if number == PRIME => 0,
            Kind::Meter => scribe.superior(random, number),
            _ => actor.map_or_else(|| random.pick(&scribe.meters), |(actor, _)| actor.meter),
        };
        let body = match kind {
            Kind::Meter => Body::Meter(Box::new(scribe.meter(random, number))),
            Kind::Data => {
                let words = random.pick(&[8, 24, 64, 600]);
                Body::Data(Cow::Owned((0..words * 8).map(|at| (at as u8).wrapping_mul(7)).collect()))
            }
            Kind::Keys => Body::Keys((0..random.within(3, 9)).map(|_| scribe.any_key(random)).collect()),
            Kind::Gate => {
                let above = scribe.plan.of(random, Kind::Gate).filter(|&gate| gate < number);
                let parent = match random.below(6) {
                    0 => LOST,
                    1..4 => above.unwrap_or(0),
                    _ => 0,
                };
                Body::Gate { parent }
            }
            Kind::Brand => Body::Brand,
            Kind::Host => Body::Host("console".to_owned()),
            Kind::Code => match codes.iter().find(|code| code.0 == number) {
                Some((_, code)) => Body::Code(Cow::Owned(code.words())),
                None => continue,
            },
            Kind::Process => match actor {
                Some((_, process)) => Body::Process(Box::new(process.clone())),
                None => continue,
            },
        };
        objects.push(Object { number, meter, body });
    }
    Image {
        next_number: scribe.plan.next + 1,
        prime: PRIME,
        root,
        chain: Vec::new(),
        request: None,
        objects,
        debug: DebugInfo::default(),
    }
}

/// A process with a standing meter, which may call nobody yet.
fn actor(random: &mut Random, plan: &mut Plan, meters: &[Number]) -> Actor {
    Actor {
        code: plan.add(random, Kind::Code),
        number: plan.add(random, Kind::Process),
        meter: random.pick(meters),
        role: Role::Actor,
        children: Vec::new(),
        standing: true,
    }
}

/// The root process, those it may call, those they may call, and so on, and some that nobody calls.
fn generations(random: &mut Random, plan: &mut Plan, meters: &[Number]) -> Vec<Actor> {
    let mut actors: Vec<Actor> = Vec::new();
    let mut before: Vec<usize> = Vec::new();
    let depth = random.within(2, 7);
    for generation in 0..depth {
        let many = if generation == 0 { 1 } else { random.within(1, 3) };
        let mut now = Vec::new();
        for _ in 0..many {
            now.push(actors.len());
            let mut actor = actor(random, plan, meters);
            actor.standing = generation == 0 || random.percent(60);
            actors.push(actor);
        }
        let numbers: Vec<Number> = now.iter().map(|&at| actors[at].number).collect();
        for &parent in &before {
            actors[parent].children.clone_from(&numbers);
        }
        before = now;
    }
    for _ in 0..random.within(1, 3) {
        actors.push(actor(random, plan, meters));
    }
    actors
}

/// Gives out keys, and has programs written for those who get them.
struct Scribe {
    plan: Plan,
    meters: Vec<Number>,
    keepers: Vec<Number>,
}

impl Scribe {
    fn superior(&self, random: &mut Random, meter: Number) -> Number {
        let above: Vec<Number> = self.meters.iter().copied().filter(|&one| one < meter).collect();
        match above.last() {
            Some(&last) if random.percent(60) => last,
            Some(_) if random.percent(70) => random.pick(&above),
            _ => PRIME,
        }
    }

    fn meter(&self, random: &mut Random, number: Number) -> Meter {
        if number == PRIME {
            return Meter { words_limit: WORDS, ..Meter::UNLIMITED };
        }
        let keeper = random.percent(50).then(|| random.pick(&self.keepers));
        let keeper = keeper.and_then(|keeper| key(keeper, Rights::CALL));
        if random.percent(50) {
            return Meter { keeper, ..Meter::UNLIMITED };
        }
        Meter {
            gas_limit: random.pick(&[u64::MAX, u64::MAX, 20_000, 3000, 800]),
            words_limit: random.pick(&[u64::MAX, u64::MAX, 20_000, 6000]),
            rent_limit: random.pick(&[u128::MAX, u128::MAX, 1 << 28, 1 << 23, 1 << 70]),
            keeper,
            ..Meter::UNLIMITED
        }
    }

    /// A key to anything but processes, through a gate or sealed now and then.
    fn key_to(&self, random: &mut Random, kind: Kind) -> Option<Key> {
        let object = self.plan.of(random, kind)?;
        let gate = if random.percent(20) { self.plan.of(random, Kind::Gate).unwrap_or(0) } else { 0 };
        Some(Key { object, rights: rights(random), gate, seal: 0 })
    }

    fn any_key(&self, random: &mut Random) -> Option<Key> {
        let kinds = [
            Kind::Data,
            Kind::Data,
            Kind::Code,
            Kind::Keys,
            Kind::Process,
            Kind::Meter,
            Kind::Gate,
            Kind::Brand,
        ];
        let kind = random.pick(&kinds);
        let key = self.key_to(random, kind).filter(|_| random.percent(80))?;
        let seal = if random.percent(15) { self.plan.of(random, Kind::Brand).unwrap_or(0) } else { 0 };
        // Nobody has a process, or the prime meter, by chance.
        let is_much = kind == Kind::Process || key.object == PRIME;
        let few = random.pick(&[Rights::READ, Rights::WEAKENED, Rights::COPY, Rights::NONE]);
        Some(Key { seal, rights: if is_much { key.rights.and(few) } else { key.rights }, ..key })
    }

    /// A process, and its program.
    fn process(
        &mut self,
        random: &mut Random,
        actor: &Actor,
        is_root: bool,
    ) -> (Process<'static>, CodeParts) {
        let mut process = fresh(actor.number, actor.code);
        let mut vars = Vec::new();
        let mut give = |process: &mut Process<'static>, key: Option<Key>, kind: Kind, is_child: bool| {
            if let Some(key) = key {
                let (slot, rights) = (process.keys.len() as u64, key.rights);
                vars.push(Var { is_child, seal: key.seal, ..Var::new(Place::Slot(slot), kind, rights) });
            }
            process.keys.push(key);
        };
        // Slot 1 is for moving keys.
        process.keys.push(None);
        for (kind, most) in [
            (Kind::Data, 3),
            (Kind::Keys, 2),
            (Kind::Code, 1),
            (Kind::Meter, 2),
            (Kind::Brand, 1),
            (Kind::Gate, 1),
            (Kind::Host, 1),
        ] {
            let least = u64::from(matches!(kind, Kind::Data));
            for _ in 0..random.within(least, most + 1) {
                let key = match kind {
                    // Code to make processes of is the first there is.
                    Kind::Code => self
                        .plan
                        .all
                        .iter()
                        .find(|one| one.1 == kind)
                        .and_then(|one| key(one.0, rights(random))),
                    _ => self.key_to(random, kind),
                };
                let key = key.filter(|key| key.object != PRIME || is_root);
                give(&mut process, key, kind, false);
            }
        }
        for &child in &actor.children {
            let may =
                if random.percent(50) { Rights::ALL } else { random.pick(&[Rights::CALL, Rights::OWN]) };
            give(&mut process, key(child, may), Kind::Process, true);
        }
        for _ in 0..random.below(3) {
            // Somebody to whom it can do little.
            let somebody = self.plan.of(random, Kind::Process).filter(|&somebody| somebody != actor.number);
            let few = [
                Rights::READ,
                Rights::WEAKENED,
                Rights::NONE,
                Rights::COPY,
                Rights::SEND,
                Rights::from_bits(random.next()).and(Rights::from_bits(!u64::from(Rights::CALL.bits()))),
            ];
            let may = random.pick(&few);
            give(&mut process, somebody.and_then(|somebody| key(somebody, may)), Kind::Process, false);
        }
        if random.percent(40) {
            let kind = random.pick(&[Kind::Data, Kind::Keys, Kind::Meter]);
            let seal = self.plan.of(random, Kind::Brand).unwrap_or(0);
            let sealed = self.key_to(random, kind).filter(|key| key.object != PRIME);
            give(&mut process, sealed.map(|key| Key { seal, ..key }), kind, false);
        }
        if actor.role == Role::Actor && random.percent(60) {
            let keeper = random.pick(&self.keepers);
            process.keeper = key(keeper, Rights::CALL);
            let may = random.pick(&[Rights::NONE, Rights::CALL, Rights::ALL]);
            give(&mut process, key(keeper, may), Kind::Process, false);
        }
        process.keeper = process.keeper.filter(|_| random.percent(90));
        // It may always be shortened by what is dropped last: this stays.
        let own = process.keys[0];
        process.keys.push(own);
        let code = Author::new(random, actor.role, vars, process.keys.len() as u64).program();
        process.key_capacity = 64;
        let mut data = vec![0; DATA_WORDS * 8];
        for byte in &mut data[..256] {
            *byte = random.next() as u8;
        }
        process.data = Cow::Owned(data);
        process.stack_maximum = random.pick(&[64, 4096, 4096]);
        process.random = random.next();
        process.standing = actor.standing;
        (process, code)
    }
}

/// Encodes instructions.
fn encoded(code: &[(Op, &[i64])]) -> Vec<u64> {
    code.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("the immediates fit")).collect()
}
