//! One way to run an image on an engine that is under test.

use keyvm::image::{Hash, read, state_hash, write};
use keyvm::{Event, Machine, Reply};
use keyvm_isa::image::{Body, Image, Meter, Process};
use std::fmt;

/// An engine, with a name for reports. One is for all runs: what it has compiled for one it has for the others.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) engine: keyvm::Engine,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn machine(engine: &Engine, image: &Image<'_>) -> Machine {
    Machine::with_engine(image, &engine.engine).unwrap_or_else(|error| panic!("refused: {error}"))
}

/// Something the host does before it runs the machine (again).
#[derive(Clone, Debug)]
pub(crate) enum Act {
    GasLimit(u64),
    WordsLimit(u64),
    Message(Vec<u64>),
    Reply(Reply),
    /// Runs for so much gas.
    Run(u64),
}

/// Whether a run is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cuts {
    None,
    /// Paused at every gas point from this gas on, and each time, and after each event, saved and read back.
    From(u64),
    /// Paused at every gas point, where the state hash that is kept up must be that of the state.
    Hashed,
}

/// What a run showed.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) event: Event,
    /// The host that a request is to, its words and how many keys came with them.
    pub(crate) request: Option<(String, Vec<u64>, usize)>,
    /// The state after it, as a file.
    pub(crate) file: Vec<u8>,
    pub(crate) hash: Hash,
}

impl Seen {
    /// The state after the run.
    pub(crate) fn image(&self) -> Image<'_> {
        read(&self.file).expect("what was written is read")
    }
}

/// The one file of an image.
pub(crate) fn file_of(image: &Image<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    write(image, &mut file).expect("a vector takes everything");
    file
}

/// Does what `acts` say and gives what each run showed.
pub(crate) fn run_on(engine: &Engine, image: &Image<'_>, acts: &[Act], cuts: Cuts) -> Vec<Seen> {
    let mut machine = machine(engine, image);
    let mut words = Vec::new();
    let mut seen = Vec::new();
    for act in acts {
        match act {
            Act::GasLimit(limit) => machine.set_gas_limit(*limit),
            Act::WordsLimit(limit) => machine.set_words_limit(*limit),
            Act::Message(message) => words.clone_from(message),
            Act::Reply(reply) => machine.reply(reply),
            Act::Run(slice) => {
                let words = std::mem::take(&mut words);
                let event = match cuts {
                    Cuts::None => machine.run_with(*slice, &words),
                    Cuts::From(first) => {
                        run_cut(&mut machine, first, &words, |machine| *machine = reloaded(engine, machine))
                    }
                    Cuts::Hashed => run_cut(&mut machine, 1, &words, hash_is_kept_up),
                };
                seen.push(look(&mut machine, event));
                if matches!(cuts, Cuts::From(_)) {
                    machine = reloaded(engine, &mut machine);
                }
            }
        }
    }
    seen
}

/// Runs until something other than a pause happens, with the least slice that gets anywhere, and does this at each pause.
fn run_cut(machine: &mut Machine, first: u64, words: &[u64], at_pause: impl Fn(&mut Machine)) -> Event {
    let mut slice = first;
    loop {
        let before = machine.total_gas();
        let event = machine.run_with(slice, words);
        if event != Event::Paused {
            return event;
        }
        if machine.total_gas() == before {
            slice += 1;
        } else {
            slice = 1;
            at_pause(machine);
        }
    }
}

/// The machine, saved and read back.
fn reloaded(engine: &Engine, saved: &mut Machine) -> Machine {
    let hash = saved.state_hash();
    let file = file_of(&saved.image());
    let mut loaded = machine(engine, &read(&file).expect("what was written is read"));
    assert_eq!(loaded.state_hash(), hash, "reading a state back has changed it");
    loaded
}

fn hash_is_kept_up(machine: &mut Machine) {
    let hash = machine.state_hash();
    assert_eq!(state_hash(&machine.image()), hash, "the hash that is kept up is not that of the state");
}

fn look(machine: &mut Machine, event: Event) -> Seen {
    machine.audit().unwrap_or_else(|meter| panic!("the count of meter {meter} is wrong"));
    let request = machine.request_host().map(str::to_owned).map(|name| {
        let (words, keys) = machine
            .with_request(|call| (call.words().to_vec(), call.key_count()))
            .expect("a host has a request");
        (name, words, keys)
    });
    let hash = machine.state_hash();
    let file = file_of(&machine.image());
    hash_is_kept_up(machine);
    Seen { event, request, file, hash }
}

/// The root process of an image.
pub(crate) fn root<'a, 'i>(image: &'a mut Image<'i>) -> Option<&'a mut Process<'i>> {
    let number = image.root;
    image.objects.iter_mut().find(|object| object.number == number).and_then(|object| {
        match &mut object.body {
            Body::Process(process) => Some(&mut **process),
            _ => None,
        }
    })
}

/// The prime meter of an image.
pub(crate) fn prime<'a>(image: &'a mut Image<'_>) -> &'a mut Meter {
    let number = image.prime;
    let found = image.objects.iter_mut().find(|object| object.number == number);
    match found.map(|object| &mut object.body) {
        Some(Body::Meter(meter)) => meter,
        _ => panic!("the prime meter is gone"),
    }
}
