//! What looks for faults finds them: machines that do something wrong on purpose are found out, what shows it is made
//! small, written to a file, and repeated from that. Machines that do nothing wrong are not.

use keyvm::fuzz::{
    Corpus, Evidence, Finding, Listener, Machinery, Settings, Target, campaign, read_finding, run, run_bytes,
};
use keyvm::isa::image::{Body, Image, Key};
use keyvm::isa::{Insn, Op, Rights};
use keyvm::{CompilerOptions, Engine, Event, Machine, Tier};
use keyvm_oracle::confinement::survey;
use keyvm_oracle::random::colony::colony;
use keyvm_oracle::random::{Random, own};
use keyvm_oracle::{Next, Observation, Subject};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

/// What a machine does wrong.
trait Fault: 'static {
    /// After it has run.
    fn run(_machine: &mut Machine, _is_compiled: bool) {}
    /// After it was loaded.
    fn load(_machine: &mut Machine) {}
    /// What holds of it no more.
    fn check(_machine: &mut Machine) -> Result<(), String> {
        Ok(())
    }
}

/// A machine with a fault.
struct Faulty<F> {
    machine: Machine,
    is_compiled: bool,
    fault: std::marker::PhantomData<F>,
}

impl<F: Fault> Faulty<F> {
    fn new(machine: Machine, engine: &Engine) -> Self {
        Self { machine, is_compiled: engine.tier() != Tier::Interpreter, fault: std::marker::PhantomData }
    }
}

impl<F: Fault> Subject for Faulty<F> {
    type Engine = Engine;
    type Event = Event;

    fn take(image: &Image<'_>, engine: &Engine) -> Option<Self> {
        Machine::take(image, engine).map(|machine| Self::new(machine, engine))
    }

    fn load(file: &[u8], engine: &Engine) -> Option<Self> {
        let mut machine = <Machine as Subject>::load(file, engine)?;
        F::load(&mut machine);
        Some(Self::new(machine, engine))
    }

    fn save(&mut self) -> Vec<u8> {
        self.machine.save()
    }

    fn image(&mut self) -> Image<'_> {
        Subject::image(&mut self.machine)
    }

    fn run(&mut self, slice: u64) -> Event {
        let event = Subject::run(&mut self.machine, slice);
        F::run(&mut self.machine, self.is_compiled);
        event
    }

    fn next(event: &Event) -> Next {
        Machine::next(event)
    }

    fn answer(&mut self, seed: u64) {
        self.machine.answer(seed);
    }

    fn set_gas_limit(&mut self, limit: u64) {
        Subject::set_gas_limit(&mut self.machine, limit);
    }

    fn observe(&mut self) -> Observation {
        self.machine.observe()
    }

    fn hash(&mut self) -> [u8; 32] {
        self.machine.hash()
    }

    fn frames(&mut self) -> usize {
        self.machine.frames()
    }

    fn native_instructions(&self) -> u64 {
        self.machine.native_instructions()
    }

    fn check(&mut self) -> Result<(), String> {
        F::check(&mut self.machine)?;
        Subject::check(&mut self.machine)
    }

    fn check_all(&mut self) -> Result<(), String> {
        self.machine.check_all()
    }
}

/// Whether there is this instruction in the image.
fn has(machine: &mut Machine, op: Op) -> bool {
    machine.image().objects.iter().any(|object| match &object.body {
        Body::Code(words) => words.iter().any(|&word| Insn::decode(word).is_some_and(|insn| insn.op == op)),
        _ => false,
    })
}

/// Compiled code that has a `rotl` somewhere changes the root's data.
struct Miscompiles;

impl Fault for Miscompiles {
    fn run(machine: &mut Machine, is_compiled: bool) {
        if is_compiled && has(machine, Op::Rotl) {
            machine.write_bytes(machine.root(), 0, &[0xa5; 8]);
        }
    }
}

/// It panics when it has run a program with a `rotr`.
struct Panics;

impl Fault for Panics {
    fn run(machine: &mut Machine, is_compiled: bool) {
        assert!(!(is_compiled && has(machine, Op::Rotr)), "rotr is too hard");
    }
}

/// What it loads is not what was saved.
struct Forgets;

impl Fault for Forgets {
    fn load(machine: &mut Machine) {
        machine.write_bytes(machine.root(), 0, &[0; 8]);
    }
}

/// Its books do not balance where there is a gate.
struct Miscounts;

impl Fault for Miscounts {
    fn check(machine: &mut Machine) -> Result<(), String> {
        let has_gate = machine.image().objects.iter().any(|object| matches!(object.body, Body::Gate { .. }));
        if has_gate { Err("the gate is not counted".to_owned()) } else { Ok(()) }
    }
}

/// Does something to the image that a machine has come to.
fn altered(machine: &mut Machine, change: impl FnOnce(&mut Image<'static>)) {
    let mut image = own(&machine.image());
    change(&mut image);
    *machine = Machine::new(&image).expect("it is consistent still");
}

/// It writes to the first data page, whoever has a key to it.
struct Scribbles;

impl Fault for Scribbles {
    fn run(machine: &mut Machine, _: bool) {
        altered(machine, |image| {
            for object in &mut image.objects {
                if let Body::Data(bytes) = &mut object.body
                    && bytes.len() >= 8
                {
                    return bytes.to_mut()[..8].fill(0xa5);
                }
            }
        });
    }
}

/// It puts a key to the root process into the last slot of each key page.
struct Forges;

impl Fault for Forges {
    fn run(machine: &mut Machine, _: bool) {
        altered(machine, |image| {
            let root = image.root;
            for object in &mut image.objects {
                if let Body::Keys(keys) = &mut object.body
                    && let Some(last) = keys.last_mut()
                {
                    *last = Some(Key::new(root, Rights::ALL));
                }
            }
        });
    }
}

/// It counts one gas too many at the last standing meter.
struct Overcharges;

impl Fault for Overcharges {
    fn run(machine: &mut Machine, _: bool) {
        altered(machine, |image| {
            let mut meters = image.objects.iter_mut().rev().filter_map(|object| match &mut object.body {
                Body::Meter(meter) => Some(meter),
                _ => None,
            });
            if let Some(meter) = meters.next() {
                meter.gas_used += 1;
            }
        });
    }
}

/// What was told of a campaign.
#[derive(Default)]
struct Told {
    begun: Mutex<Vec<Option<u64>>>,
    findings: Mutex<Vec<Finding>>,
}

impl Listener for Told {
    fn begins(&self, _thread: usize, seed: Option<u64>) {
        self.begun.lock().expect("no thread panics").push(seed);
    }

    fn found(&self, finding: &Finding) {
        self.findings.lock().expect("no thread panics").push(finding.clone());
    }
}

/// Hunts, until something is found; that is made small, written, read, and repeated.
fn found<S: Machinery>(target: Target) -> Finding {
    let settings = Settings { runs: Some(200), jobs: NonZeroUsize::MIN, ..Settings::new(target) };
    let told = Told::default();
    let campaign = campaign::<S>(settings, &Corpus::empty(target), &mut |_| true, &told);
    let campaign = campaign.expect("nothing is written");
    assert_eq!(told.findings.into_inner().expect("no thread panics"), campaign.findings);
    // Each run was told of when it began; those of changed inputs, that no seed repeats, as such.
    let begun = told.begun.into_inner().expect("no thread panics");
    let mutated = begun.iter().filter(|seed| seed.is_none()).count();
    assert_eq!((begun.len() as u64, mutated as u64), (campaign.tally.runs, campaign.tally.mutated));
    assert_eq!(begun.last(), Some(&campaign.findings.first().and_then(|finding| finding.seed)));
    let found = campaign.findings.into_iter().next().expect("something is found");
    assert_eq!(campaign.tally.findings, 1);
    // A run is repeated by its seed alone.
    if let Some(seed) = found.seed {
        let again = run::<S>(target, seed, CompilerOptions::default()).expect_err("it is found again");
        assert_eq!(*again, found);
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = found.save(&folder.path().join("findings")).expect("it can be written");
    let name = path.file_name().and_then(|name| name.to_str()).expect("it has a name");
    assert!(name.starts_with(target.name()), "{name}");
    let read = || read_finding(std::fs::read(&path).expect("it is there")).expect("what was written is read");
    assert_eq!((read().target, read().seed), (target, found.seed));
    assert!(read().evidence.repeat::<S>().is_some(), "it is repeated as it was found");
    let small = read().shrunk::<S>(&|| true);
    assert_eq!(small.replace(&path).expect("it can be written"), path);
    let again = read();
    assert_eq!(again.evidence.repeat::<S>().as_ref(), Some(&small.what));
    assert_eq!(again.evidence.repeat::<Machine>(), None, "a machine without a fault has none");
    small
}

/// How many objects are left, how many instructions, and how many steps.
fn size(finding: &Finding) -> (usize, usize, usize) {
    let (Evidence::Steps { case, .. } | Evidence::Pieces(case) | Evidence::Surveyed(case)) =
        &finding.evidence
    else {
        panic!("no case: {finding:?}");
    };
    let code = case.image.objects.iter().filter_map(|object| match &object.body {
        // Four words count the parts.
        Body::Code(words) => Some(words.len() - 4),
        _ => None,
    });
    (case.image.objects.len(), code.sum(), case.steps.len())
}

#[test]
fn an_engine_that_computes_something_else_is_found_out() {
    let finding = found::<Faulty<Miscompiles>>(Target::Jit);
    let (objects, instructions, steps) = size(&finding);
    // The prime meter, the root process and its code; a `rotl`; a run.
    assert!(objects <= 3 && instructions == 1 && steps == 1, "{finding:?}");
}

#[test]
fn a_panic_is_found() {
    let finding = found::<Faulty<Panics>>(Target::Jit);
    let (objects, instructions, steps) = size(&finding);
    assert!(objects <= 3 && instructions == 1 && steps == 1, "{finding:?}");
    assert!(
        finding.what.contains("tests/fuzz.rs") && finding.what.contains("rotr is too hard"),
        "{}",
        finding.what
    );
}

#[test]
fn what_is_lost_by_saving_is_found() {
    let finding = found::<Faulty<Forgets>>(Target::Kernel);
    assert!(finding.what.contains("the cut shows"), "{}", finding.what);
    let (objects, _, steps) = size(&finding);
    assert!(objects <= 3 && steps <= 3, "{finding:?}");
}

#[test]
fn books_that_do_not_balance_are_found() {
    let finding = found::<Faulty<Miscounts>>(Target::Kernel);
    assert_eq!(finding.what, "the gate is not counted");
    let (objects, instructions, steps) = size(&finding);
    assert!(objects <= 4 && instructions == 0 && steps == 0, "{finding:?}");
}

#[test]
fn what_changes_out_of_reach_is_found() {
    let finding = found::<Faulty<Scribbles>>(Target::Kernel);
    assert!(
        finding.what.contains("out of reach") && finding.what.contains("its contents"),
        "{}",
        finding.what
    );
    let (objects, instructions, _) = size(&finding);
    // The prime meter, the root process, its code, the page; nothing has to run.
    assert!(objects <= 4 && instructions == 0, "{finding:?}");
}

/// What a survey says of a colony that a machine runs which has a fault.
fn surveyed<F: Fault>(says: &str) {
    let found = (0..40).any(|seed| {
        let image = colony(&mut Random::new(seed));
        let surveyed = survey::<Faulty<F>>(&image, &Engine::default(), 500);
        surveyed.is_err_and(|divergence| divergence.difference.contains(says))
    });
    assert!(found, "no survey says: {says}");
}

#[test]
fn a_key_from_nowhere_and_a_unit_of_gas_are_found() {
    surveyed::<Forges>("has a key that nobody could make");
    surveyed::<Overcharges>("gas was used below it");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for target in Target::ALL {
        // The first seeds of `jit` are of short runs.
        let runs = match target {
            Target::Kernel | Target::Image => 100,
            Target::Asm => 40,
            Target::Jit => 6,
            Target::Lang => 12,
        };
        // On one thread, so that the corpus is the same each time.
        let settings = Settings { runs: Some(runs), jobs: NonZeroUsize::MIN, ..Settings::new(target) };
        let campaign = campaign::<Machine>(settings, &Corpus::empty(target), &mut |_| true, &())
            .expect("nothing is written");
        if let Some(finding) = campaign.findings.first() {
            panic!("{finding}");
        }
        let tally = campaign.tally;
        assert_eq!(tally.runs, runs);
        assert!(tally.accepted * 8 > runs, "{target}: {tally:?}");
        assert!(tally.pairs > 20 && tally.report.instructions > 100, "{target}: {tally:?}");
        // What does something new is kept, and changed later.
        assert!(tally.corpus > 0 && tally.mutated > 0, "{target}: {tally:?}");
    }
}

#[test]
fn bytes_say_what_a_run_is_of() {
    let accepted = |target, bytes: &[u8]| match run_bytes::<Machine>(target, bytes) {
        Ok(run) => run.accepted,
        Err(finding) => panic!("{finding:?}"),
    };
    for length in [0_u64, 10, 300, 3000] {
        let bytes: Vec<u8> = (0..length).map(|at| (at * at % 251) as u8).collect();
        assert!(accepted(Target::Jit, &bytes) && accepted(Target::Kernel, &bytes));
        assert!(!accepted(Target::Image, &bytes));
    }
    assert!(accepted(Target::Asm, b"return 1 (2)") && !accepted(Target::Asm, b"retrun"));
    assert!(accepted(Target::Lang, b"yield 1\n") && !accepted(Target::Lang, b"yield yield\n"));
    let image = keyvm::asm::assemble("return 1 (2)").expect("it is well-formed");
    let mut file = Vec::new();
    keyvm::image::write(&image, &mut file).expect("a vector takes everything");
    assert!(accepted(Target::Image, &file));
    // The checksum is put right.
    let last = file.len() - 1;
    file[last] ^= 1;
    assert!(keyvm::image::read(&file).is_err());
}

/// What fuzzers that change bytes begin with.
#[test]
fn seeds_are_accepted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut seeds = 0;
    for (name, target) in [
        ("differential", Target::Jit),
        ("image_load", Target::Image),
        ("assemble", Target::Asm),
        ("compile", Target::Lang),
        ("kernel_ops", Target::Kernel),
    ] {
        for seed in std::fs::read_dir(folder.join(name)).expect("there are seeds") {
            let path = seed.expect("a seed").path();
            let bytes = std::fs::read(&path).expect("it can be read");
            match run_bytes::<Machine>(target, &bytes) {
                Ok(run) => {
                    assert!(run.accepted && run.report.instructions > 0, "{}: {run:?}", path.display());
                }
                Err(finding) => panic!("{}: {finding}", path.display()),
            }
            seeds += 1;
        }
    }
    assert!(seeds >= 15, "{seeds} seeds");
}

#[test]
fn a_corpus_is_read_and_added_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let put =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
    put("one.kasm", "return 1 (add(1, 2))\n");
    put("two.et", "yield 1\n");
    put("three.txt", "nothing\n");
    put("four.kasm", "retrun\n");
    put("five.et", "yield yield\n");
    put("six.blob", "nothing\n");
    let refused: &[&str] = &["five.et", "four.kasm", "six.blob"];
    for (target, inputs, refused) in [
        (Target::Asm, 2, &[][..]),
        (Target::Lang, 2, &[]),
        (Target::Jit, 2, refused),
        (Target::Kernel, 2, refused),
        (Target::Image, 2, refused),
    ] {
        let corpus = Corpus::read(target, folder.path()).expect("it can be read");
        assert_eq!(corpus.count(), inputs, "{target}");
        let refused: Vec<_> = refused.iter().map(|name| folder.path().join(name)).collect();
        assert_eq!(corpus.refused(), refused, "{target}");
    }
    let corpus = Corpus::read(Target::Kernel, folder.path()).expect("it can be read");
    let settings = Settings { runs: Some(30), ..Settings::new(Target::Kernel) };
    let campaign =
        campaign::<Machine>(settings, &corpus, &mut |_| true, &()).expect("the folder can be written");
    assert!(campaign.findings.is_empty(), "{:?}", campaign.findings);
    assert!(campaign.tally.corpus > 5);
    // What was put there is there for the next.
    let again = Corpus::read(Target::Kernel, folder.path()).expect("it can be read");
    assert_eq!(again.count(), campaign.tally.corpus);
}

#[test]
fn files_of_findings_are_read_back_as_they_were_written() {
    let texts = [
        Evidence::Assembly("; a\n;! target x\n halt\n\u{e9}".to_owned()),
        Evidence::Program("#! text\nx = 1".to_owned()),
        Evidence::Optimized("#! text\nx = 1".to_owned()),
    ];
    for (target, evidence) in [Target::Asm, Target::Lang, Target::Lang].into_iter().zip(texts) {
        let finding = Finding { target, seed: Some(3), what: "two\nlines".to_owned(), evidence };
        let again = read_finding(finding.file().1).expect("it is read");
        assert_eq!((again.target, again.seed, again.evidence), (target, Some(3), finding.evidence));
    }
    let evidence = Evidence::Run { target: Target::Lang, seed: 3 };
    let panics = Finding { target: Target::Lang, seed: Some(3), what: "panic".to_owned(), evidence };
    let again = read_finding(panics.file().1).expect("it is read");
    assert_eq!((again.target, again.seed, again.evidence), (Target::Lang, Some(3), panics.evidence));
    for bytes in [
        &b"halt\n"[..],
        b";! target jit\n;! run\n",
        b";! seed 1\n;! run\n",
        b"",
        b";! steps run 1\n",
        b";! engine jit both\n;! steps walk 1\nhalt\n",
        b";! seed many\n;! text\nhalt\n",
        b"\xff\xfe",
    ] {
        assert!(read_finding(bytes.to_vec()).is_err(), "{bytes:?}");
    }
}
