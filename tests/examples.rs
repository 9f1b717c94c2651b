//! Every program in `examples/`: its whole output, and that nothing that happens to a program from outside shows in it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod transcript;

use keyvm::image::{self, Hash};
use keyvm::isa::Trap;
use keyvm::isa::image::{Body, Image, Meter, Number, Object};
use keyvm::{Args, Console, Event, Hosts, Machine, asm};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use transcript::Transcript;

// ---- Running an example -----------------------------------------------------------------------------------

/// A machine with the console and the arguments granted, as `keyvm run` does.
struct Run {
    machine: Machine,
    hosts: Hosts,
    transcript: Transcript,
}

impl Run {
    fn new(image: &Image<'_>, args: &[&str]) -> Self {
        let transcript = Transcript::default();
        let mut hosts = Hosts::new();
        hosts.grant("args", Args::new(args.iter().copied()));
        hosts.grant("console", Console::new(std::io::empty(), transcript.clone()));
        let machine = Machine::new(image).unwrap_or_else(|error| panic!("{error}"));
        Self { machine, hosts, transcript }
    }

    /// Runs until something else than a yield happens, for at most `slice` gas.
    fn go(&mut self, slice: u64) -> Event {
        let end = self.machine.total_gas().saturating_add(slice);
        loop {
            match self.machine.run_hosted(end - self.machine.total_gas(), &mut self.hosts) {
                Event::Yielded(words) => {
                    let words: Vec<_> = words.iter().map(u64::to_string).collect();
                    writeln!(self.transcript, "{}", words.join(" ")).unwrap();
                }
                event => return event,
            }
        }
    }

    /// Goes on in another machine, which is made from the bytes of this one's image.
    fn move_to_another_machine(&mut self) {
        let mut file = Vec::new();
        image::write(&self.machine.image(), &mut file).unwrap();
        self.machine = Machine::new(&image::read(&file).expect("what was written can be read"))
            .expect("what was running is consistent");
    }

    fn audit(&mut self) {
        assert_eq!(self.machine.audit(), Ok(()), "the books balance");
    }
}

/// An example, and how it is run.
#[derive(Clone, Copy)]
struct Example {
    name: &'static str,
    args: &'static [&'static str],
    /// Whether its output is the same whatever is left to be handed on: a budget is state, which programs see.
    same_at_every_limit: bool,
}

const SANDBOX: Example = Example { name: "sandbox", args: &["41"], same_at_every_limit: false };
const LOOP: Example = Example { name: "sandbox-loop", args: &["41"], same_at_every_limit: true };
const NESTED: Example = Example { name: "sandbox-nested", args: &[], same_at_every_limit: false };
const CALLBACK: Example = Example { name: "callback", args: &[], same_at_every_limit: false };
const JUMP: Example = Example { name: "jump", args: &[], same_at_every_limit: true };
const QUINE: Example = Example { name: "quine", args: &[], same_at_every_limit: false };
const METER: Example = Example { name: "meter", args: &[], same_at_every_limit: false };
const KEEPER: Example = Example { name: "keeper", args: &[], same_at_every_limit: true };
const REPLICATE: Example = Example { name: "replicate", args: &[], same_at_every_limit: false };

/// Those that come to an end by themselves.
const ENDING: [Example; 8] = [SANDBOX, LOOP, NESTED, CALLBACK, JUMP, QUINE, METER, KEEPER];

/// What a run never interrupted comes to.
struct Whole {
    output: String,
    end: Event,
    gas: u64,
    hash: Hash,
}

impl Example {
    fn image(&self) -> Image<'static> {
        let path = format!("{}/examples/{}.kasm", env!("CARGO_MANIFEST_DIR"), self.name);
        let source = std::fs::read_to_string(&path).unwrap();
        asm::assemble(&source).unwrap_or_else(|errors| panic!("{path}: {errors:?}"))
    }

    fn start(&self) -> Run {
        Run::new(&self.image(), self.args)
    }

    fn whole_of(&self, image: &Image<'_>) -> Whole {
        let mut run = Run::new(image, self.args);
        let end = run.go(u64::MAX);
        run.audit();
        Whole {
            output: run.transcript.text(),
            end,
            gas: run.machine.total_gas(),
            hash: run.machine.state_hash(),
        }
    }

    fn whole(&self) -> Whole {
        self.whole_of(&self.image())
    }

    #[track_caller]
    fn writes(&self, output: &str) {
        let whole = self.whole();
        assert_eq!(whole.output, output, "{}", self.name);
        assert!(matches!(whole.end, Event::Halted | Event::Returned(_)), "{}: {:?}", self.name, whole.end);
    }
}

/// The image with all but meters that was charged to the prime meter charged to a meter below it: what is left of
/// the prime meter is then nobody's own budget, and no program sees it.
fn below_a_meter_of_its_own(mut image: Image<'static>) -> Image<'static> {
    let number = image.next_number;
    for object in &mut image.objects {
        if object.meter == image.prime && !matches!(object.body, Body::Meter(_)) {
            object.meter = number;
        }
    }
    image.objects.push(Object { number, meter: image.prime, body: Body::Meter(Box::new(Meter::UNLIMITED)) });
    image.next_number += 1;
    image
}

/// All numbers up to `total` if there are at most 1,000, else 250 of them, always the same.
fn points(total: u64) -> Vec<u64> {
    if total <= 1_000 {
        return (0..=total).collect();
    }
    let mut random = Random(total);
    let mut points: Vec<_> = (0..250).map(|_| random.below(total)).collect();
    points.extend([0, 1, total - 1, total]);
    points.sort_unstable();
    points.dedup();
    points
}

struct Random(u64);

impl Random {
    fn below(&mut self, range: u64) -> u64 {
        let (state, random) = keyvm::isa::alu::random_next(self.0);
        self.0 = state;
        keyvm::isa::alu::random_below(random, range)
    }
}

// ---- What each writes -------------------------------------------------------------------------------------

#[test]
fn sandbox_computes_forty_two() {
    SANDBOX.writes("42\n");
}

#[test]
fn sandboxes_say_how_they_are_used_and_fail_if_there_is_no_number() {
    for (example, usage) in [
        (SANDBOX, "usage: keyvm run examples/sandbox.kasm NUMBER\n"),
        (LOOP, "usage: keyvm run examples/sandbox-loop.kasm NUMBER\n"),
    ] {
        for args in [&[][..], &["forty-one"]] {
            let whole = Example { args, ..example }.whole();
            assert_eq!((whole.output.as_str(), whole.end), (usage, Event::Trapped(Trap::Failed)));
        }
    }
}

#[test]
fn the_caller_of_an_endless_loop_reports_it_and_lives_on() {
    LOOP.writes("The function ran out of gas. I go on without it:\n42\n");
}

#[test]
fn nested_sandboxes_have_less_and_less_and_an_endless_loop_in_the_innermost_ends_there() {
    NESTED.writes(
        "level 1 has 3769 gas and 400 words\n\
         level 2 has 1469 gas and 164 words\n\
         level 3 has 319 gas and 46 words\n\
         level 3 ran out of gas\n\
         level 2 came back\n\
         level 1 came back\n",
    );
}

#[test]
fn only_the_process_with_a_key_puts_something_back() {
    CALLBACK.writes(
        "1 calls 0 back and hears status 8\n\
         1 gives 0 a page that holds 42\n\
         2, attempt 1: no such key\n\
         2, attempt 2: no such key\n\
         2, attempt 3: no such key\n\
         2, attempt 4: no such key\n\
         2, attempt 5: no such key\n\
         2, attempt 6: no right\n\
         2, attempt 7: no right\n\
         2, attempt 8: no right\n\
         2 has changed nothing but itself\n",
    );
}

#[test]
fn jump_prints_ten_primes_and_their_sum() {
    JUMP.writes("2\n3\n5\n7\n11\n13\n17\n19\n23\n29\nTheir sum is 129\n");
}

#[test]
fn quine_is_the_same_in_every_generation() {
    QUINE.writes(
        "generation 0: my code has 89 words; in my copy of it 89 are the same\n\
         generation 1: my code has 89 words; in my copy of it 89 are the same\n\
         generation 2: my code has 89 words; in my copy of it 89 are the same\n",
    );
}

#[test]
fn the_owner_of_a_meter_cuts_a_stranger_off_and_lets_it_go_on() {
    METER.writes(
        "limit 300:   status 4, 300 gas used\n\
         limit 600:   status 4, 600 gas used\n\
         stopped:     status 6, 600 gas used\n\
         started:     the sum is 5050, 1008 gas used\n",
    );
}

#[test]
fn the_keeper_repairs_what_it_can_and_gives_up_on_a_division_by_zero() {
    KEEPER.writes(
        "  Keeper: it needs more data. Words from now on: 32\n  \
           Keeper: it needs more data. Words from now on: 64\n\
         The first returned 7\n  \
           Keeper: it needs more gas. Limit from now on: 150\n  \
           Keeper: it needs more gas. Limit from now on: 200\n  \
           Keeper: it needs more gas. Limit from now on: 250\n\
         The second returned 210\n  \
           Keeper: I give up at trap 11\n\
         The third trapped with number 11\n",
    );
}

#[test]
fn every_example_is_tested_here() {
    let directory = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "kasm"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut tested: Vec<_> = ENDING.iter().chain([&REPLICATE]).map(|example| example.name).collect();
    tested.sort_unstable();
    assert_eq!(files, tested);
}

// ---- What each does ---------------------------------------------------------------------------------------

/// The objects of a machine as text, besides meters, whose counts change with every step.
fn objects(machine: &mut Machine) -> BTreeMap<Number, String> {
    let image = machine.image();
    let others =
        image.objects.iter().filter(|object| !matches!(object.body, Body::Meter(_) | Body::CallMeter { .. }));
    others.map(|object| (object.number, format!("{:?}", object.body))).collect()
}

/// The process that control is with.
fn running(machine: &mut Machine) -> Option<Number> {
    machine.image().chain.last().map(|link| link.process)
}

/// The processes that run the code with this number, in the order in which they were made.
fn processes_of(image: &Image<'_>, code: Number) -> Vec<Number> {
    let runs_it = |object: &&Object<'_>| matches!(&object.body, Body::Process(p) if p.code == code);
    image.objects.iter().filter(runs_it).map(|object| object.number).collect()
}

/// Executes one instruction: the least slice that gets anywhere.
fn step(run: &mut Run) -> Event {
    let gas = run.machine.total_gas();
    for slice in 1.. {
        let event = run.machine.run(slice);
        if event == Event::Request {
            run.hosts.answer(&mut run.machine);
        }
        if event != Event::Paused || run.machine.total_gas() > gas {
            return event;
        }
    }
    unreachable!("every instruction has a cost")
}

#[test]
fn process_one_of_callback_changes_its_maker_and_process_two_nothing_but_itself() {
    let mut run = CALLBACK.start();
    let root = run.machine.root();
    // The declared objects are the console, the code of process 1, and the code of process 2.
    let (code_of_one, code_of_two) = (root + 2, root + 3);
    let (mut maker_changed, mut steps_of_two) = (false, 0);
    loop {
        let (who, before) = (running(&mut run.machine), objects(&mut run.machine));
        let event = step(&mut run);
        let after = objects(&mut run.machine);
        let image = run.machine.image();
        let one = processes_of(&image, code_of_one).first().copied();
        let two = processes_of(&image, code_of_two).first().copied();
        if who.is_some() && who == image.chain.last().map(|link| link.process) {
            if who == one {
                maker_changed |= before[&root] != after[&root];
            }
            if who == two {
                steps_of_two += 1;
                for number in before.keys().chain(after.keys()).filter(|&&number| Some(number) != two) {
                    assert_eq!(before.get(number), after.get(number), "object {number}");
                }
            }
        }
        if event == Event::Halted {
            break;
        }
    }
    assert!(maker_changed);
    assert!(steps_of_two > 50, "{steps_of_two}");
}

#[test]
fn all_generations_of_quine_run_equal_code() {
    let mut run = QUINE.start();
    assert_eq!(run.go(u64::MAX), Event::Halted);
    let image = run.machine.image();
    let pages: Vec<&Cow<'_, [u64]>> = image
        .objects
        .iter()
        .filter_map(|object| match &object.body {
            Body::Code(words) => Some(words),
            _ => None,
        })
        .collect();
    assert_eq!(pages.len(), 4, "the first code page and three copies");
    assert!(pages.iter().all(|page| *page == pages[0]));
    assert_eq!(image.objects.iter().filter(|object| matches!(object.body, Body::Process(_))).count(), 3);
}

#[test]
fn the_keeper_leaves_the_data_as_long_and_the_limit_as_high_as_it_says() {
    let mut run = KEEPER.start();
    assert_eq!(run.go(u64::MAX), Event::Halted);
    let image = run.machine.image();
    let limits: Vec<_> = image
        .objects
        .iter()
        .filter_map(|object| match &object.body {
            Body::Meter(meter) if object.meter == image.prime => Some(meter.gas_limit),
            _ => None,
        })
        .collect();
    assert_eq!(limits, [250]);
    let lengths = image.objects.iter().filter_map(|object| match &object.body {
        Body::Process(process) => Some(process.data.len() / 8),
        _ => None,
    });
    assert!(lengths.clone().any(|words| words == 64), "{:?}", lengths.collect::<Vec<_>>());
}

/// The end of `replicate` with these limits, the number of processes, and the state hash.
fn replicate(gas: u64, words: u64, slice: u64) -> (Event, usize, Hash) {
    let mut run = REPLICATE.start();
    run.machine.set_gas_limit(gas);
    run.machine.set_words_limit(words);
    let end = loop {
        let event = run.go(slice);
        run.audit();
        if event != Event::Paused {
            break event;
        }
        run.move_to_another_machine();
    };
    let budget = run.machine.budget();
    assert!(budget.gas_used <= gas && budget.words_used <= words, "{budget:?}");
    let image = run.machine.image();
    let processes = image.objects.iter().filter(|object| matches!(object.body, Body::Process(_))).count();
    (end, processes, run.machine.state_hash())
}

#[test]
fn replicate_grows_the_tree_that_its_budget_is_good_for_however_it_is_sliced() {
    for (gas, words, end, processes) in [
        (50, 10_000, Event::OutOfGas(64), 1),
        (10_000, 150, Event::OutOfWords(66), 1),
        (1_000, 10_000, Event::Halted, 7),
        (10_000, 10_000, Event::Halted, 37),
        (100_000, 100_000, Event::Halted, 216),
        (100_000, 3_000, Event::Halted, 19),
        (1_000_000, 1_000_000, Event::Halted, 1_195),
    ] {
        let whole = replicate(gas, words, u64::MAX);
        assert_eq!((&whole.0, whole.1), (&end, processes), "{gas} gas, {words} words");
        if gas <= 100_000 {
            assert_eq!(replicate(gas, words, 331), whole, "{gas} gas, {words} words, in slices");
        }
    }
}

// ---- What happens from outside ----------------------------------------------------------------------------

#[test]
fn every_example_goes_on_on_another_machine_from_every_point_to_the_same_output_and_state() {
    for example in ENDING {
        let image = example.image();
        let whole = example.whole();
        let every = example.name == JUMP.name;
        let points = if every { (0..=whole.gas).collect() } else { points(whole.gas) };
        let mut last = u64::MAX;
        for point in points {
            let mut run = Run::new(&image, example.args);
            let paused = run.go(point);
            if run.machine.total_gas() == std::mem::replace(&mut last, run.machine.total_gas()) {
                // No instruction ends here.
                continue;
            }
            if paused == Event::Paused {
                run.move_to_another_machine();
                assert_eq!(run.go(u64::MAX), whole.end, "{} paused at {point}", example.name);
            } else {
                assert_eq!(paused, whole.end, "{} paused at {point}", example.name);
            }
            run.audit();
            assert_eq!(run.transcript.text(), whole.output, "{} paused at {point}", example.name);
            assert_eq!(run.machine.state_hash(), whole.hash, "{} paused at {point}", example.name);
        }
    }
}

#[test]
fn every_example_runs_from_machine_to_machine_to_machine() {
    for example in ENDING {
        let whole = example.whole();
        let mut random = Random(1);
        for _ in 0..10 {
            let mut run = example.start();
            let end = loop {
                // More than any single instruction costs here, or a slice might get nowhere.
                match run.go(200 + random.below(300)) {
                    Event::Paused => run.move_to_another_machine(),
                    end => break end,
                }
                run.audit();
            };
            assert_eq!(end, whole.end, "{}", example.name);
            assert_eq!(run.transcript.text(), whole.output, "{}", example.name);
            assert_eq!(run.machine.state_hash(), whole.hash, "{}", example.name);
        }
    }
}

/// Runs with a limit of gas to where it bites, if it does.
fn run_dry(run: &mut Run, limit: u64, what: &str) -> Event {
    run.machine.set_gas_limit(limit);
    let event = run.go(u64::MAX);
    run.audit();
    let used = run.machine.budget().gas_used;
    assert_eq!(used, run.machine.total_gas(), "{what}");
    assert!(used <= limit, "{what}: used {used} of {limit}");
    if let Event::OutOfGas(needed) = event {
        assert!(used + needed > limit, "{what}: {needed} more would have fitted behind {used} of {limit}");
    }
    event
}

#[test]
fn a_limit_far_above_an_example_stops_it_at_any_point_and_is_not_noticed() {
    for example in ENDING {
        let image = below_a_meter_of_its_own(example.image());
        let whole = example.whole_of(&image);
        for limit in points(whole.gas) {
            let what = format!("{} with a limit of {limit}", example.name);
            let mut run = Run::new(&image, example.args);
            let event = run_dry(&mut run, limit, &what);
            assert_eq!(event == whole.end, limit >= whole.gas, "{what}: {event:?}");
            if event != whole.end {
                assert!(matches!(event, Event::OutOfGas(_)), "{what}: {event:?}");
                run.move_to_another_machine();
                run.machine.set_gas_limit(u64::MAX);
                assert_eq!(run.go(u64::MAX), whole.end, "{what}");
                run.audit();
            } else {
                run.machine.set_gas_limit(u64::MAX);
            }
            assert_eq!(run.transcript.text(), whole.output, "{what}");
            assert_eq!(run.machine.state_hash(), whole.hash, "{what}");
        }
    }
}

#[test]
fn every_example_stops_at_any_limit_of_its_own_and_comes_to_an_end_when_it_is_refuelled() {
    for example in ENDING {
        let image = example.image();
        let whole = example.whole();
        for limit in points(whole.gas) {
            let what = format!("{} with a limit of {limit}", example.name);
            let mut run = Run::new(&image, example.args);
            let mut event = run_dry(&mut run, limit, &what);
            if matches!(event, Event::OutOfGas(_)) {
                run.machine.set_gas_limit(u64::MAX);
                event = run.go(1_000_000);
                run.audit();
            }
            // What was handed less than it asked for, and said so, may make its caller trap; nothing goes on for ever.
            assert!(
                matches!(event, Event::Halted | Event::Returned(_) | Event::Trapped(_)),
                "{what}: {event:?}"
            );
            if example.same_at_every_limit {
                assert_eq!(event, whole.end, "{what}");
                assert_eq!(run.transcript.text(), whole.output, "{what}");
            }
        }
    }
}

#[test]
fn every_example_stops_at_any_limit_of_words_and_goes_on_when_it_is_raised() {
    // The keeper is told that there are no words for another process to grow by, and gives up.
    for example in ENDING.into_iter().filter(|example| example.name != KEEPER.name) {
        let image = below_a_meter_of_its_own(example.image());
        let whole = example.whole_of(&image);
        let mut most = Run::new(&image, example.args);
        let start = most.machine.budget().words_used;
        assert_eq!(most.go(u64::MAX), whole.end);
        for limit in start..start + 600 {
            let what = format!("{} with a limit of {limit} words", example.name);
            let mut run = Run::new(&image, example.args);
            run.machine.set_words_limit(limit);
            let event = run.go(u64::MAX);
            run.audit();
            let used = run.machine.budget().words_used;
            assert!(used <= limit, "{what}: {used}");
            if let Event::OutOfWords(needed) = event {
                assert!(used + needed > limit, "{what}: {needed} more would have fitted behind {used}");
                run.move_to_another_machine();
                run.machine.set_words_limit(u64::MAX);
                assert_eq!(run.go(u64::MAX), whole.end, "{what}");
                run.audit();
            } else {
                assert_eq!(event, whole.end, "{what}");
                run.machine.set_words_limit(u64::MAX);
            }
            assert_eq!(run.transcript.text(), whole.output, "{what}");
            assert_eq!(run.machine.state_hash(), whole.hash, "{what}");
        }
    }
}

// ---- Processes of the operating system -----------------------------------------------------------------------

#[cfg(feature = "cli")]
mod program {
    use super::{Example, JUMP};
    use std::num::NonZero;
    use std::path::Path;
    use std::process::Command;
    use std::thread::{available_parallelism, scope};

    /// What `keyvm` with these arguments prints, and its exit code.
    fn keyvm(args: &[&str]) -> (String, Option<i32>) {
        let output = Command::new(env!("CARGO_BIN_EXE_keyvm")).args(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    fn source(example: &Example) -> String {
        format!("{}/examples/{}.kasm", env!("CARGO_MANIFEST_DIR"), example.name)
    }

    fn path(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    /// A temporary folder, in memory where there is one: snapshots are synchronized, and a disk takes its time.
    fn fast_folder() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
    }

    #[test]
    fn jump_goes_on_in_another_process_from_every_point_to_the_same_output_and_state() {
        let source = source(&JUMP);
        let whole = JUMP.whole();
        let directory = fast_folder();
        let end = directory.path().join("end.blob");
        assert_eq!(keyvm(&["run", &source, "--snapshot", path(&end)]), (whole.output.clone(), Some(0)));
        let never_paused = std::fs::read(&end).unwrap();
        assert!(whole.gas > 3_000, "{} gas", whole.gas);

        // The last slice is one too short to get to the end.
        let jump_at = |point: u64, half: &Path, end: &Path| {
            let slice = point.to_string();
            let (before, code) = keyvm(&["run", &source, "--slice", &slice, "--snapshot", path(half)]);
            assert_eq!(code, Some(125), "paused at {point}");
            let (after, code) = keyvm(&["resume", path(half), "--snapshot", path(end)]);
            assert_eq!((before + &after, code), (whole.output.clone(), Some(0)), "paused at {point}");
            // An image has exactly one file: if two are equal, so is the state, and its hash.
            assert!(std::fs::read(end).unwrap() == never_paused, "paused at {point}: another state");
        };
        let threads = available_parallelism().map_or(1, NonZero::get).clamp(2, 8);
        scope(|scope| {
            for thread in 0..threads {
                let half = directory.path().join(format!("half-{thread}.blob"));
                let end = directory.path().join(format!("end-{thread}.blob"));
                let points = (0..whole.gas).skip(thread).step_by(threads);
                let jump_at = &jump_at;
                scope.spawn(move || points.for_each(|point| jump_at(point, &half, &end)));
            }
        });
        let ends = (0..threads).map(|thread| directory.path().join(format!("end-{thread}.blob")));
        let hash = keyvm(&["hash", path(&end)]);
        ends.for_each(|end| assert_eq!(keyvm(&["hash", path(&end)]), hash));
    }

    #[test]
    fn jump_goes_on_when_it_is_refuelled_to_the_same_output() {
        let source = source(&JUMP);
        let whole = JUMP.whole();
        let directory = tempfile::tempdir().unwrap();
        let half = directory.path().join("half.blob");
        let half = path(&half);
        for limit in (0..whole.gas).step_by(97) {
            let gas = limit.to_string();
            let (before, code) = keyvm(&["run", &source, "--gas", &gas, "--snapshot", half]);
            assert_eq!(code, Some(122), "with {gas} gas");
            let (after, code) = keyvm(&["resume", half, "--gas", "1000000"]);
            assert_eq!((before + &after, code), (whole.output.clone(), Some(0)), "with {gas} gas");
        }
    }
}
