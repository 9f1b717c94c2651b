//! The laws of the machine, held over random images and programs. Every case is one seed, and a failure names it.

mod random;

use keyvm::image::{read, state_hash};
use keyvm::isa::Rights;
use keyvm::isa::image::{Body, Image, Key, Number, Object, Process};
use keyvm::{Engine, Event, Machine, Tier};
use keyvm_oracle::confinement::words;
use random::scene::{Shape, scene};
use random::{Outcome, Random, answer, drive, file, is_final, naming, own, reloaded, snapshot};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Calls of the root process in one run at most.
const CALLS: usize = 12;

fn each_seed(count: u64, test: impl Fn(u64, &mut Random)) {
    for seed in 0..count {
        naming(|| format!("seed {seed}"), || test(seed, &mut Random::new(seed)));
    }
}

fn machine(image: &Image<'_>) -> Machine {
    Machine::new(image).expect("the image is consistent")
}

/// A scene, or what became of one.
fn any_image(random: &mut Random) -> Image<'static> {
    if random.percent(50) {
        return snapshot(random);
    }
    let shape = Shape::random(random);
    scene(random, shape)
}

fn objects<'a, 'b>(image: &'a Image<'b>) -> BTreeMap<Number, &'a Object<'b>> {
    image.objects.iter().map(|object| (object.number, object)).collect()
}

fn process<'a, 'b>(image: &'a Image<'b>, number: Number) -> Option<&'a Process<'b>> {
    image.objects.iter().find(|object| object.number == number).and_then(|object| match &object.body {
        Body::Process(process) => Some(&**process),
        _ => None,
    })
}

// ---- Law 2: the books balance ----------------------------------------------------------------------------------

/// What a standing meter counts and allows: used and limit, of gas, words and rent.
type Count = [(u128, u128); 3];

/// The counts of all standing meters, the words summed up from the prices of what is charged.
fn counts(image: &Image<'_>) -> BTreeMap<Number, Count> {
    let words = words(image);
    let count = |object: &Object<'_>| match &object.body {
        Body::Meter(meter) => {
            let words = words.get(&object.number).copied().unwrap_or(0);
            Some([
                (meter.gas_used.into(), meter.gas_limit.into()),
                (words.into(), meter.words_limit.into()),
                (meter.rent_used, meter.rent_limit),
            ])
        }
        _ => None,
    };
    image.objects.iter().filter_map(|object| Some((object.number, count(object)?))).collect()
}

/// Each standing meter counts at least the gas that those below it count.
fn submeters_are_counted(image: &Image<'_>) {
    let all = objects(image);
    let mut below: BTreeMap<Number, u64> = BTreeMap::new();
    for object in &image.objects {
        let Body::Meter(meter) = &object.body else { continue };
        let mut above = object.meter;
        while above != 0 && matches!(all[&above].body, Body::CallMeter { .. }) {
            above = all[&above].meter;
        }
        *below.entry(above).or_insert(0) += meter.gas_used;
    }
    for object in &image.objects {
        if let Body::Meter(meter) = &object.body {
            let below = below.get(&object.number).copied().unwrap_or(0);
            assert!(
                below <= meter.gas_used,
                "below meter {} ran {below} gas, and it counts less",
                object.number
            );
        }
    }
}

#[test]
fn the_books_balance_after_every_slice_and_no_count_passes_its_limit() {
    each_seed(1500, |_, random| {
        let shape = Shape { limits: true, ..Shape::random(random) };
        let image = scene(random, shape);
        let mut machine = machine(&image);
        let words_at_first = counts(&image)[&image.prime][1].0;
        assert_eq!(
            words_at_first,
            machine.budget().words_used.into(),
            "words are counted as they are priced"
        );
        let mut before = counts(&image);
        let mut random = random.clone();
        // A limit is set for 16 gas, so that there is one of it in a slice at most.
        drive(
            &mut machine,
            1500,
            CALLS,
            || random.within(1, 17),
            |machine, _| {
                assert_eq!(machine.audit(), Ok(()));
                let used = machine.budget().words_used;
                let image = machine.image();
                submeters_are_counted(&image);
                let now = counts(&image);
                assert_eq!(now[&image.prime][1].0, used.into(), "words are counted as they are priced");
                for (number, count) in &now {
                    let old = before.get(number).copied().unwrap_or([(0, 0); 3]);
                    for (what, (&(used, limit), (used_before, limit_before))) in
                        ["gas", "words", "rent"].iter().zip(count.iter().zip(old))
                    {
                        let passes = used > limit && used > used_before && limit >= limit_before;
                        assert!(!passes, "meter {number} counts {used} {what}, and its limit is {limit}");
                    }
                }
                before = now;
            },
        );
    });
}

/// A process that yields between whatever it does is called again without its meters being looked at; but what the host
/// has changed there counts.
#[test]
fn limits_that_the_host_sets_between_two_yields_hold_at_once() {
    let source = "
image { root maker }
meter all {}
process maker under all { code make  standing  keys { 1: page(all) } }
code page { return }
code make {
again:  create(1, 0)
        yield 1
        recurse 0 (sub(numkeys, 1), 200, 100)
        drop
        drop
        jump(:again)
}";
    let image = keyvm::asm::assemble(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    for tier in [Tier::Interpreter, Tier::Jit] {
        let fresh = || {
            let mut machine =
                Machine::with_engine(&image, &Engine::new(tier)).expect("the image is consistent");
            for turn in 0..5 {
                assert_eq!(machine.run(u64::MAX), Event::Yielded([2 + turn].into()));
                assert_eq!(machine.audit(), Ok(()));
            }
            machine
        };
        let mut unlooked = Machine::with_engine(&image, &Engine::new(tier)).expect("the image is consistent");
        (0..5).for_each(|_| drop(unlooked.run(u64::MAX)));
        assert_eq!(unlooked.state_hash(), fresh().state_hash());
        let budget = fresh().budget();
        assert_eq!(reloaded(&mut unlooked).budget(), budget);

        let mut machine = fresh();
        machine.set_gas_limit(budget.gas_used + 40);
        assert!(matches!(machine.run(u64::MAX), Event::OutOfGas(_)));
        assert!(machine.budget().gas_used <= budget.gas_used + 40);
        machine.set_gas_limit(u64::MAX);
        assert_eq!(machine.run(u64::MAX), Event::Yielded([7].into()));

        let mut machine = fresh();
        machine.set_words_limit(budget.words_used + 16);
        assert!(matches!(machine.run(u64::MAX), Event::OutOfWords(_)));
        assert!(machine.budget().words_used <= budget.words_used + 16);
        machine.set_words_limit(u64::MAX);
        assert_eq!(machine.run(u64::MAX), Event::Yielded([7].into()));
        assert_eq!(machine.audit(), Ok(()));
    }
}

#[test]
fn what_runs_is_counted_by_the_prime_meter_to_the_unit() {
    each_seed(1000, |_, random| {
        let image = any_image(random);
        let mut machine = machine(&image);
        let start = machine.budget().gas_used;
        drive(
            &mut machine,
            2000,
            CALLS,
            || random.within(1, 400),
            |machine, _| {
                assert_eq!(machine.budget().gas_used - start, machine.total_gas());
            },
        );
        assert!(machine.total_gas() >= machine.instructions(), "no instruction is free");
    });
}

// ---- Law 1: gas is exact ---------------------------------------------------------------------------------------

#[test]
fn at_every_gas_limit_it_stops_before_the_instruction_and_refuelled_ends_the_same() {
    const GAS: u64 = 800;
    let shape = Shape {
        processes: 5,
        keepers: true,
        hidden_prime: true,
        limits: false,
        groups: 1,
        computing: 0,
        looping: None,
        turns: 1,
    };
    each_seed(400, |_, random| {
        let limits = random.percent(50);
        let image = scene(random, Shape { limits, ..shape });
        let mut free = machine(&image);
        let whole = drive(&mut free, GAS, CALLS, || GAS, |_, _| ());
        let hash = free.state_hash();
        let limits: Vec<u64> = if whole.gas <= 60 {
            (0..=whole.gas).collect()
        } else {
            (0..24).map(|_| random.below(whole.gas + 1)).collect()
        };
        for limit in limits {
            naming(
                || format!("limit {limit}"),
                || {
                    let mut limited = machine(&image);
                    limited.set_gas_limit(limit);
                    let mut outcome = drive(&mut limited, GAS, CALLS, || GAS, |_, _| ());
                    let used = limited.budget().gas_used;
                    assert!(used <= limit, "{used} gas used of {limit}");
                    if let Some(&Event::OutOfGas(amount)) = outcome.events.last()
                        && amount > limit - used
                    {
                        outcome.events.pop();
                        if random.percent(50) {
                            limited = reloaded(&mut limited);
                        }
                    }
                    limited.set_gas_limit(u64::MAX);
                    let calls = CALLS - outcome.events.len();
                    if calls > 0 && !outcome.events.last().is_some_and(is_final) {
                        let rest = drive(&mut limited, GAS - used, calls, || GAS, |_, _| ());
                        outcome.events.extend(rest.events);
                        outcome.gas = used + rest.gas;
                    }
                    assert_eq!(outcome, whole);
                    assert!(limited.state_hash() == hash, "another state at the end");
                },
            );
        }
    });
}

// ---- Law 3: a trap changes nothing -----------------------------------------------------------------------------

/// The process without what says how it stopped, and without capacities, which stay raised.
fn without_stop(process: &Process<'_>) -> Process<'static> {
    Process {
        status: keyvm::isa::Status::Running,
        trap: None,
        amount: 0,
        gas_seen: 0,
        words_seen: 0,
        callee: 0,
        caller: 0,
        suspended: None,
        stack_capacity: 0,
        frame_capacity: 0,
        key_capacity: 0,
        stack: Cow::Owned(process.stack.to_vec()),
        frames: Cow::Owned(process.frames.to_vec()),
        data: Cow::Owned(process.data.to_vec()),
        keys: process.keys.clone(),
        ..*process
    }
}

/// A caller without what it hears: the result on its operands.
fn without_result(process: &Process<'_>) -> Process<'static> {
    Process { stack: Cow::Owned(Vec::new()), message_words: 0, message_keys: 0, ..without_stop(process) }
}

/// A keeper without its message.
fn without_message(process: &Process<'_>) -> Process<'static> {
    let mut process = without_result(process);
    process.keys.truncate(1);
    process
}

/// What may differ when control moved and no gas was used: the running process trapped or ran dry.
fn only_control_moved(before: &Image<'_>, after: &Image<'_>) {
    assert_eq!(before.next_number, after.next_number, "an object was made");
    let (old, new) = (objects(before), objects(after));
    let in_chain = |image: &Image<'_>, number| image.chain.iter().any(|link| link.process == number);
    let last = before.chain.last().map(|link| link.process);
    for (number, object) in &old {
        let there = new.get(number).map(|object| &object.body);
        match (&object.body, there) {
            (Body::CallMeter { .. }, _) => {}
            (Body::Process(was), Some(Body::Process(is))) => {
                if last == Some(*number) {
                    assert!(
                        without_stop(was) == without_stop(is),
                        "process {number}, which trapped, differs"
                    );
                } else if in_chain(before, *number) {
                    assert!(without_result(was) == without_result(is), "caller {number} differs");
                } else if in_chain(after, *number) {
                    assert!(without_message(was) == without_message(is), "keeper {number} differs");
                } else {
                    assert!(was == is, "bystander {number} differs");
                }
            }
            // The gas of calling a keeper is counted by the keeper's meters, and nothing else of them.
            (Body::Meter(was), Some(Body::Meter(is))) if kept(before, after) => {
                let moved = is.gas_used - was.gas_used;
                assert!(moved == 0 || moved == KEEPER_GAS, "meter {number} counts {moved}");
                let (gas_used, rent_used) = (was.gas_used, was.rent_used);
                let is = keyvm::isa::image::Meter { gas_used, rent_used, ..*is.clone() };
                assert!(**was == is, "meter {number} differs");
            }
            (body, there) => assert!(Some(body) == there, "object {number} differs"),
        }
    }
}

/// What calling a keeper costs its meter.
const KEEPER_GAS: u64 = 64;

/// Whether the last process of the chain before is with its keeper now.
fn kept(before: &Image<'_>, after: &Image<'_>) -> bool {
    after.chain.len() == before.chain.len() + 1
        && after.chain.last().is_some_and(|link| link.call == keyvm::isa::image::Call::Keeper)
}

#[test]
fn a_trap_changes_nothing() {
    let mut traps = 0;
    for seed in 0..700 {
        let mut random = Random::new(seed);
        naming(
            || format!("seed {seed}"),
            || {
                let image = any_image(&mut random);
                let mut machine = machine(&image);
                for _ in 0..120 {
                    // Exactly one instruction, or a trap, or control going back: the slice is raised until something happens.
                    let before = own(&machine.image());
                    let gas = machine.total_gas();
                    let mut slice = 0;
                    let event = loop {
                        slice += 1;
                        let event = machine.run(slice);
                        if event != Event::Paused || machine.total_gas() > gas || slice > 2500 {
                            break event;
                        }
                        if !before.chain.is_empty() && machine.image().chain != before.chain {
                            break event;
                        }
                    };
                    let after = own(&machine.image());
                    let keeper_gas = if kept(&before, &after) { KEEPER_GAS } else { 0 };
                    if machine.total_gas() == gas + keeper_gas && !before.chain.is_empty() {
                        only_control_moved(&before, &after);
                        let stopped = before.chain.last().and_then(|link| process(&after, link.process));
                        traps += u64::from(stopped.is_some_and(|process| process.trap.is_some()));
                    }
                    if event == Event::Request {
                        answer(&mut machine);
                    } else if is_final(&event) {
                        break;
                    }
                }
            },
        );
    }
    println!("{traps} traps looked at");
    assert!(traps > 400);
}

// ---- Law 4: confinement ----------------------------------------------------------------------------------------

/// What control may come to and what may change, followed from the root process, or the chain, by keys and their
/// rights.
struct Reach<'a, 'b> {
    all: BTreeMap<Number, &'a Object<'b>>,
    rights: BTreeMap<Number, u16>,
    runs: BTreeSet<Number>,
    changes: BTreeSet<Number>,
}

impl Reach<'_, '_> {
    fn of(image: &Image<'_>) -> BTreeSet<Number> {
        let mut reach = Reach {
            all: objects(image),
            rights: BTreeMap::new(),
            runs: BTreeSet::new(),
            changes: BTreeSet::new(),
        };
        reach.run(image.root);
        for link in &image.chain {
            reach.run(link.process);
        }
        for key in image.request.iter().flat_map(|request| request.keys.iter().flatten()) {
            reach.hold(key, Rights::ALL);
        }
        // What a process keeps and calls may be known before it is known that it runs: to the fixpoint.
        loop {
            let size = (reach.rights.clone(), reach.runs.len(), reach.changes.len());
            reach.step();
            if size == (reach.rights.clone(), reach.runs.len(), reach.changes.len()) {
                return reach.changes;
            }
        }
    }

    fn run(&mut self, process: Number) {
        self.runs.insert(process);
        self.changes.insert(process);
    }

    fn hold(&mut self, key: &Key, through: Rights) {
        let strong = through.has(Rights::STRONG);
        let rights = if strong { key.rights } else { key.rights.and(Rights::WEAKENED) };
        *self.rights.entry(key.object).or_insert(0) |= rights.bits();
    }

    /// The meters that an object is charged to, upwards.
    fn meters(&self, object: Number) -> Vec<Number> {
        let mut path = Vec::new();
        let mut at = self.all.get(&object).map_or(0, |object| object.meter);
        while at != 0 {
            path.push(at);
            at = self.all[&at].meter;
        }
        path
    }

    fn destroy(&mut self, object: Number) {
        self.changes.insert(object);
        for (&number, inner) in &self.all {
            let below = self.meters(number).contains(&object);
            let grew = matches!(inner.body, Body::CallMeter { callee, .. } if callee == object);
            if (below || grew)
                && self.changes.insert(number)
                && let Body::CallMeter { callee, .. } = inner.body
            {
                self.changes.insert(callee);
            }
        }
        // What died takes with it what is charged to it.
        for number in self.changes.clone() {
            if let Some(Body::CallMeter { .. }) = self.all.get(&number).map(|object| &object.body) {
                let charged = self.all.keys().copied().filter(|&n| self.meters(n).contains(&number));
                let charged: Vec<Number> = charged.collect();
                self.changes.extend(charged);
            }
        }
    }

    fn step(&mut self) {
        for number in self.runs.clone() {
            let Some(Body::Process(process)) = self.all.get(&number).map(|object| &object.body) else {
                continue;
            };
            let (keys, keeper) = (process.keys.clone(), process.keeper);
            if process.callee != 0 {
                self.run(process.callee);
            }
            for key in keys.iter().flatten() {
                self.hold(key, Rights::ALL);
            }
            let path = self.meters(number);
            let keepers = path.iter().filter_map(|meter| match &self.all[meter].body {
                Body::Meter(meter) => meter.keeper,
                _ => None,
            });
            for key in keepers.chain(keeper).collect::<Vec<_>>() {
                self.run(key.object);
            }
            self.changes.extend(path);
            // Calls' meters that are used again.
            let calls = self
                .all
                .values()
                .filter(|object| matches!(object.body, Body::CallMeter { callee, .. } if callee == number));
            self.changes.extend(calls.map(|object| object.number).collect::<Vec<_>>());
        }
        for (number, bits) in self.rights.clone() {
            let rights = Rights::from_bits(bits.into());
            let Some(object) = self.all.get(&number).copied() else { continue };
            let any = |mask: &[Rights]| mask.iter().any(|&right| rights.has(right));
            let inner: Vec<Key> = match &object.body {
                Body::Keys(keys) if rights.has(Rights::READ) => keys.iter().flatten().copied().collect(),
                Body::Process(process) if rights.has(Rights::READ) => {
                    process.keys.iter().flatten().copied().collect()
                }
                _ => Vec::new(),
            };
            for key in &inner {
                self.hold(key, rights);
            }
            let changes = match &object.body {
                Body::Data(_) | Body::Keys(_) => any(&[Rights::WRITE, Rights::RESIZE]),
                Body::Process(_) => {
                    if rights.has(Rights::CALL) {
                        self.run(number);
                    }
                    if rights.has(Rights::MEND) {
                        // Growth is charged to its meters.
                        let path = self.meters(number);
                        self.changes.extend(path);
                    }
                    any(&[Rights::SEND, Rights::MEND, Rights::STOP])
                }
                Body::Meter(_) => any(&[Rights::LIMIT, Rights::STOP]),
                _ => false,
            };
            if changes {
                self.changes.insert(number);
            }
            if rights.has(Rights::DESTROY) && number != random::scene::PRIME {
                self.destroy(number);
            }
        }
    }
}

#[test]
fn a_process_changes_only_what_its_keys_reach() {
    let mut beyond = 0;
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        naming(
            || format!("seed {seed}"),
            || {
                let shape = Shape { processes: 8, groups: 2, ..Shape::random(&mut random) };
                let image =
                    if random.percent(30) { snapshot(&mut random) } else { scene(&mut random, shape) };
                let reach = Reach::of(&image);
                let mut machine = machine(&image);
                drive(&mut machine, 3000, CALLS, || 3000, |_, _| ());
                let after = machine.image();
                let after = objects(&after);
                for object in &image.objects {
                    if !reach.contains(&object.number) {
                        beyond += 1;
                        assert!(
                            after.get(&object.number) == Some(&object),
                            "object {}, which is out of reach, has changed",
                            object.number
                        );
                    }
                }
            },
        );
    }
    println!("{beyond} objects out of reach looked at");
    assert!(beyond > 5000);
}

// ---- Laws 5 and 6: the same again, and however cut ---------------------------------------------------------------

const GAS: u64 = 2500;

fn uncut(image: &Image<'_>) -> (Outcome, Machine) {
    let mut machine = machine(image);
    let outcome = drive(&mut machine, GAS, CALLS, || GAS, |_, _| ());
    (outcome, machine)
}

#[test]
fn a_run_repeated_is_the_same_to_the_bit() {
    each_seed(600, |_, random| {
        let image = any_image(random);
        let (first, mut one) = uncut(&image);
        let (second, mut other) = uncut(&image);
        assert_eq!(first, second);
        assert!(one.image() == other.image(), "another image at the end");
        assert_eq!(file(&one.image()), file(&other.image()));
    });
}

#[test]
fn slices_do_not_show() {
    each_seed(900, |_, random| {
        let image = any_image(random);
        let (whole, mut one) = uncut(&image);
        let most = random.pick(&[2, 5, 40, 300]);
        let mut cut = machine(&image);
        let mut random = random.clone();
        let outcome = drive(&mut cut, GAS, CALLS, || random.within(1, most), |_, _| ());
        assert_eq!(outcome, whole);
        assert!(cut.image() == one.image(), "another image at the end");
        assert!(cut.state_hash() == one.state_hash());
    });
}

#[test]
fn saving_and_loading_between_slices_does_not_show() {
    each_seed(500, |_, random| {
        let image = any_image(random);
        let (whole, mut one) = uncut(&image);
        let most = random.pick(&[2, 40, 300]);
        let mut cut = machine(&image);
        let (mut random, mut other) = (random.clone(), random.clone());
        let outcome = drive(
            &mut cut,
            GAS,
            CALLS,
            || random.within(1, most),
            |machine, _| {
                if other.percent(40) {
                    *machine = reloaded(machine);
                }
            },
        );
        assert_eq!(outcome, whole);
        assert!(cut.image() == one.image(), "another image at the end");
    });
}

// ---- Law 7, and the state hash -----------------------------------------------------------------------------------

#[test]
fn an_image_is_given_out_as_it_was_taken_in_at_every_stop() {
    each_seed(500, |_, random| {
        let image = any_image(random);
        assert!(machine(&image).image() == image, "what comes out is not what went in");
        let mut machine = machine(&image);
        let mut random = random.clone();
        drive(
            &mut machine,
            1500,
            CALLS,
            || random.within(1, 100),
            |machine, _| {
                let image = machine.image();
                let bytes = file(&image);
                assert!(read(&bytes).as_ref() == Ok(&image), "what is read is not what was written");
                let mut again = Machine::new(&image).expect("what a machine gives out it takes in");
                assert!(again.image() == image, "what comes out is not what went in");
            },
        );
    });
}

#[test]
fn the_state_hash_that_is_kept_up_is_that_from_scratch_at_every_stop() {
    each_seed(700, |_, random| {
        let image = any_image(random);
        let mut machine = machine(&image);
        assert_eq!(machine.state_hash(), state_hash(&image));
        let most = random.pick(&[2, 20, 200]);
        let mut random = random.clone();
        drive(
            &mut machine,
            1500,
            CALLS,
            || random.within(1, most),
            |machine, _| {
                let hash = machine.state_hash();
                assert_eq!(hash, state_hash(&machine.image()));
            },
        );
    });
}
