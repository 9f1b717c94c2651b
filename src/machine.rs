//! One image, running.

use crate::engine::{Engine, RecentCode, RunStats, Runner, Tier};
use crate::image::{Hash, ImageError};
use crate::kernel::{Activation, DESCEND_GAS, Handled, Kernel, Stop};
use crate::known::Known;
use crate::words::Words;
use keyvm_isa::image::{Body, Image, Number};
use keyvm_isa::{Status, Trap};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Gas between two looks at the interrupt flag.
const INTERRUPT_GAS: u64 = 1 << 20;
/// The same where code is compiled. Native code leaves a loop for it, and comes back in the middle.
const NATIVE_INTERRUPT_GAS: u64 = 1 << 25;
/// The same while it is not known yet whether what runs is worth compiling: it is asked at each look.
const WARMING_GAS: u64 = 1 << 15;

/// What made [`Machine::run`] come back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The root process yielded these words. Run again, and it goes on.
    Yielded(Words),
    /// The root process returned these words. Run again, and it begins anew.
    Returned(Words),
    /// The root process halted for good.
    Halted,
    /// The root process trapped. Run again, and it tries the same instruction again.
    Trapped(Trap),
    /// A gas (or rent) limit was reached; the next instruction needs this much at least. Raise the limit and run again.
    OutOfGas(u64),
    /// A words limit was reached; the next instruction needs this many. Raise the limit and run again.
    OutOfWords(u64),
    /// The root process or its meter is stopped.
    Stopped,
    /// The root process cannot be called: it has no standing meter (`NoMeter`), or no room for the message (`Full`).
    NotCalled(Status),
    /// The root process, or its code, is destroyed: nothing will ever run here again.
    Destroyed,
    /// A host key was called: see [`Machine::with_request`]; give the answer with [`Machine::reply`] and run again.
    Request,
    /// The slice is used up, or its rest is less than the next instruction costs. Run again, and it goes on.
    Paused,
    /// Somebody used the [`Interrupt`]. Run again, and it goes on.
    Interrupted,
}

/// Why a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Control is with the host, with this status and the words that the kernel has.
    Finished(Status),
    Request,
    Paused,
    Interrupted,
}

/// Stops a running machine from another thread, between two instructions.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Makes the machine come back with [`Event::Interrupted`] soon; if it is not running, at once when it next runs.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One image, loaded: it can be run, looked at, changed where the host may, and saved.
#[derive(Debug)]
pub struct Machine {
    pub(crate) kernel: Kernel,
    interrupt: Interrupt,
    recent: RecentCode,
    pub(crate) engine: Engine,
    runner: Runner,
    /// What the running process computes with; between two runs what the root process does, if it rests.
    act: Activation,
    /// What people are told of the image.
    known: Known,
}

impl Machine {
    /// Takes a copy of an image in. It is interpreted; [`Machine::with_engine`] and an engine of [`Tier::Auto`] have what is
    /// hot run natively.
    ///
    /// # Errors
    /// As [`Machine::from_image`].
    pub fn new(image: &Image<'_>) -> Result<Self, ImageError> {
        Self::from_image(image.clone())
    }

    /// Takes an image in; contents that it owns are taken over, not copied.
    ///
    /// An image may claim capacities that it does not use; nothing is allocated for them, but it may fill them. Who runs
    /// a stranger's image looks first at how many words are in use, [`Machine::budget`], and sets a limit.
    ///
    /// # Errors
    /// If anything in it does not fit together, naming the object.
    pub fn from_image(mut image: Image<'_>) -> Result<Self, ImageError> {
        let known = Known::take(&mut image)?;
        Ok(Self {
            known,
            kernel: Kernel::import(image)?,
            interrupt: Interrupt::default(),
            recent: RecentCode::default(),
            engine: Engine::default(),
            runner: Runner::default(),
            act: Activation::default(),
        })
    }

    /// As [`Machine::new`], to be run by an engine.
    ///
    /// # Errors
    /// As [`Machine::from_image`].
    pub fn with_engine(image: &Image<'_>, engine: &Engine) -> Result<Self, ImageError> {
        let mut machine = Self::new(image)?;
        machine.set_engine(engine);
        Ok(machine)
    }

    /// Has it run by an engine from now on, which nothing but speed will tell. At first it is interpreted.
    pub fn set_engine(&mut self, engine: &Engine) {
        self.engine = engine.clone();
        self.recent = RecentCode::default();
    }

    /// How it has run since the image was loaded: natively, and why not.
    #[must_use]
    pub const fn run_stats(&self) -> RunStats {
        self.runner.stats()
    }

    /// The whole state as plain data, borrowing the contents of memories, and what the image told people of where its code
    /// comes from, as far as it is there still.
    pub fn image(&mut self) -> Image<'_> {
        self.act.settle(&mut self.kernel);
        let mut image = self.kernel.export();
        image.debug = self.known.of(&image.objects);
        image
    }

    /// What [`Machine::image`] gives; the contents of memories are handed over, not copied.
    #[must_use]
    pub fn into_image(mut self) -> Image<'static> {
        let mut contents = self.settled().take_contents();
        let mut image = self.image().into_owned();
        for object in &mut image.objects {
            let Some(bytes) = contents.remove(&object.number) else { continue };
            match &mut object.body {
                Body::Data(data) => *data = Cow::Owned(bytes),
                Body::Process(process) => process.data = Cow::Owned(bytes),
                _ => {}
            }
        }
        image
    }

    /// The canonical state hash: equal for equal states, whatever engine and cuts led to them.
    pub fn state_hash(&mut self) -> Hash {
        self.settled().state_hash()
    }

    /// A handle that stops this machine from another thread.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// The kernel, with every process in its object.
    pub(crate) fn settled(&mut self) -> &mut Kernel {
        self.act.settle(&mut self.kernel);
        &mut self.kernel
    }

    /// Runs until something happens, for at most `slice` gas. A slice is invisible to what runs: it pauses before the
    /// first instruction whose cost would pass it. If control is with the host, the root process is called, with no
    /// message.
    pub fn run(&mut self, slice: u64) -> Event {
        self.run_with(slice, &[])
    }

    /// As [`Machine::run`]; if control is with the host and the root process takes a message, it gets `words`.
    pub fn run_with(&mut self, slice: u64, words: &[u64]) -> Event {
        let end = self.run_to_end(slice, words);
        self.event(end)
    }

    /// As [`Machine::run_with`], with the words of the event left with the kernel.
    #[inline]
    pub(crate) fn run_to_end(&mut self, slice: u64, words: &[u64]) -> End {
        if self.kernel.request.is_none()
            && self.kernel.depth() == 0
            && !self.kernel.call_resting(&mut self.act, words)
            && let Err(status) = self.kernel.call_root(&mut self.act, words)
        {
            self.kernel.finish_for_host(status, &[]);
        }
        let mut slice = slice;
        // Gas that the next instruction costs, where that is known to be much.
        let mut cost_of_next = 0;
        loop {
            if self.kernel.request.is_some() {
                return End::Request;
            }
            if let Some(status) = self.kernel.take_finished() {
                return End::Finished(status);
            }
            if self.interrupt.0.load(Ordering::Relaxed) && self.interrupt.0.swap(false, Ordering::Relaxed) {
                return End::Interrupted;
            }
            let portion = self.portion().max(std::mem::take(&mut cost_of_next));
            let (stop, used) = self.step(slice, portion.min(slice));
            slice -= used;
            let Some(stop) = stop else { continue };
            let before = self.kernel.total_gas;
            let handled = match stop {
                Stop::Switched => continue,
                Stop::Trap(trap) => self.kernel.trapped(trap, slice),
                Stop::Gas(cost) if self.kernel.gas_for_running() >= cost => {
                    if slice < cost {
                        return End::Paused;
                    }
                    cost_of_next = cost;
                    continue;
                }
                stop => self.kernel.dry(&stop, slice),
            };
            slice -= self.kernel.total_gas - before;
            match handled {
                Handled::GoesOn => {}
                Handled::Paused => return End::Paused,
                Handled::StandsStill(status, amount) => self.kernel.finish_for_host(status, &[amount]),
            }
        }
    }

    /// Gas until the next look at the interrupt flag, and at whether native code is wanted.
    fn portion(&self) -> u64 {
        match self.engine.tier() {
            Tier::Interpreter => INTERRUPT_GAS,
            Tier::Auto if self.recent.is_warming() => WARMING_GAS,
            Tier::Auto | Tier::Jit => NATIVE_INTERRUPT_GAS,
        }
    }

    /// Runs the last process of the chain, and those that control moves to, until something else has to be done or
    /// `portion` is used up; gives why, and the gas used. All processes are parked then, but for the root process if it rests.
    fn step(&mut self, slice: u64, portion: u64) -> (Option<Stop>, u64) {
        let kernel = &mut self.kernel;
        kernel.arena.reclaim(4);
        if kernel.must_descend() {
            if kernel.gas_for_running() >= DESCEND_GAS && slice < DESCEND_GAS {
                return (Some(Stop::Gas(DESCEND_GAS)), 0);
            }
            return match kernel.descend() {
                Ok(()) => (None, DESCEND_GAS),
                Err(stop) => (Some(stop), 0),
            };
        }
        let act = &mut self.act;
        act.begin(portion, kernel);
        let stop = self.engine.run(kernel, act, &mut self.recent, &mut self.runner);
        act.park_before(kernel);
        self.recent.forget_gone(kernel);
        (Some(stop), portion - act.slice_left())
    }

    /// What has happened when a run has ended.
    pub(crate) fn event(&self, end: End) -> Event {
        let words = self.kernel.given();
        let first = words.first().copied().unwrap_or(0);
        let status = match end {
            End::Finished(status) => status,
            End::Request => return Event::Request,
            End::Paused => return Event::Paused,
            End::Interrupted => return Event::Interrupted,
        };
        match status {
            Status::Returned => Event::Returned(words.into()),
            Status::Yielded => Event::Yielded(words.into()),
            Status::Halted => Event::Halted,
            Status::OutOfGas => Event::OutOfGas(first),
            Status::OutOfWords => Event::OutOfWords(first),
            Status::Trapped => {
                let trap = u8::try_from(first).ok().and_then(Trap::from_number);
                Event::Trapped(trap.unwrap_or(Trap::Unreachable))
            }
            Status::Destroyed => Event::Destroyed,
            Status::Stopped => Event::Stopped,
            other => Event::NotCalled(other),
        }
    }

    /// Gas used since the image was loaded.
    #[must_use]
    pub const fn total_gas(&self) -> u64 {
        self.kernel.total_gas
    }

    /// Instructions executed since the image was loaded; one that advances in chunks counts once a chunk.
    #[must_use]
    pub const fn instructions(&self) -> u64 {
        self.kernel.instructions
    }

    /// How many calls deep control is: 0 with the host, 1 in the root process.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.kernel.depth()
    }

    /// How many objects live.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.kernel.arena.living()
    }

    /// The prime meter: what has been used of the whole image's budget.
    #[must_use]
    pub fn budget(&mut self) -> Budget {
        let meter = self.settled().prime_meter();
        Budget {
            gas_used: meter.gas_used,
            gas_limit: meter.gas_limit,
            words_used: meter.words_used,
            words_limit: meter.words_limit,
        }
    }

    /// Sets the prime meter's limit of gas: how much may ever be counted there. [`u64::MAX`] is no limit.
    pub fn set_gas_limit(&mut self, limit: u64) {
        self.settled().set_prime_limits(Some(limit), None);
    }

    /// Sets the prime meter's limit of words: how many may be counted there at a time. [`u64::MAX`] is no limit.
    /// Below what is in use ([`Machine::budget`]) it takes nothing back, but nothing more can be had.
    pub fn set_words_limit(&mut self, limit: u64) {
        self.settled().set_prime_limits(None, Some(limit));
    }

    /// The number of the root process.
    #[must_use]
    pub const fn root(&self) -> Number {
        self.kernel.root.number
    }

    /// The bytes of a data page, or of a process's data.
    #[must_use]
    pub fn bytes(&self, object: Number) -> Option<&[u8]> {
        self.act.data_of(object).or_else(|| self.kernel.bytes_of(object))
    }

    /// Stores into a data page or a process's data; `None`, and nothing has changed, if there is no such object or it
    /// is shorter.
    pub fn write_bytes(&mut self, object: Number, address: u64, bytes: &[u8]) -> Option<()> {
        self.settled().store_bytes(object, address, bytes)
    }

    /// Whether the books balance (law 2): what each meter counts is what is charged to it and below it.
    ///
    /// # Errors
    /// The number of a meter whose count is wrong; that is a bug.
    pub fn audit(&mut self) -> Result<(), Number> {
        self.settled().audit()
    }
}

/// What the whole image has used, and may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Gas counted, over the image's whole life.
    pub gas_used: u64,
    /// Limit of gas.
    pub gas_limit: u64,
    /// Words charged now.
    pub words_used: u64,
    /// Limit of words.
    pub words_limit: u64,
}

impl Budget {
    /// Gas that is left.
    #[must_use]
    pub const fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// Words that are left.
    #[must_use]
    pub const fn words_left(&self) -> u64 {
        self.words_limit.saturating_sub(self.words_used)
    }
}
