//! A session, the machine's state between its inputs, and its budget.

use super::lines::Source;
use crate::cli::exit::{Failure, tell};
use crate::cli::input::{Text, beside};
use crate::cli::output::{Output, style_errors};
use crate::cli::summary::{Ending, explain};
use crate::cli::text::count;
use crate::cli::trace::{Known, trace, trapped};
use keyvm::entish::{Input, Session};
use keyvm::isa::image::{Body, Image, Number};
use keyvm::{Args, Console, Engine, Event, Hosts, Interrupt, Machine};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem::take;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Stops what runs on Ctrl-C.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<Mutex<Option<Interrupt>>>);

impl Stop {
    /// Listens to Ctrl-C. Where nothing runs it ends the program, but on a terminal, where it is a key like others then.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub(super) fn listen(&self, is_terminal: bool) -> Result<(), Failure> {
        const INTERRUPTED: i32 = 130;
        let running = self.clone();
        let handler = move || match &*running.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(interrupt) => interrupt.interrupt(),
            None if is_terminal => {}
            None => std::process::exit(INTERRUPTED),
        };
        ctrlc::set_handler(handler).map_err(|error| Failure::about("cannot listen to Ctrl-C", error))
    }

    fn set(&self, running: Option<Interrupt>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

pub(super) struct State {
    pub(super) session: Session,
    /// Between two inputs; nothing runs in it.
    pub(super) image: Image<'static>,
    /// One that is not needed any more, for its memories to be used again.
    spare: Option<Image<'static>>,
    pub(super) gas_left: u64,
    pub(super) words_limit: u64,
    pub(super) words_used: u64,
    /// Whether nothing is said of what inputs use.
    pub(super) is_quiet: bool,
    pub(super) output: Output,
    engine: Engine,
    hosts: Hosts,
    /// Whether a wait for input was ended by Ctrl-C.
    interrupted: Arc<AtomicBool>,
    stop: Stop,
}

impl State {
    pub(super) fn new(engine: Engine, source: Source, output: Output, stop: Stop) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let mut hosts = Hosts::new();
        hosts.grant("console", Console::new(source.console(&interrupted), output.clone()));
        hosts.grant("args", Args::new([""; 0]));
        let mut state = Self {
            session: Session::new(),
            image: Session::image(),
            spare: None,
            gas_left: u64::MAX,
            words_limit: u64::MAX,
            words_used: 0,
            is_quiet: false,
            output,
            engine,
            hosts,
            interrupted,
            stop,
        };
        state.reset();
        state
    }

    /// Forgets everything but the budget.
    pub(super) fn reset(&mut self) {
        (self.session, self.image, self.spare) = (Session::new(), Session::image(), None);
        let first = Machine::new(&self.image);
        self.words_used = first.map_or(0, |mut machine| machine.budget().words_used);
    }

    /// Compiles an input; tells what is wrong with it.
    pub(super) fn compile(&self, input: &str) -> Option<Input> {
        let compiled = self.session.compile(input, &mut beside(Path::new("session.et")));
        compiled.map_err(|errors| tell(errors.render(style_errors()).trim_end())).ok()
    }

    /// Does what an input says. If it goes wrong, everything but the gas is as it was.
    pub(super) fn run(&mut self, text: &str) {
        let Some(mut input) = self.compile(text) else { return };
        let mut image = copied(&mut self.image, self.spare.take());
        if !input.begin(&mut image) {
            (self.session, self.spare) = (input.accept(), Some(image));
            return;
        }
        let mut machine = match Machine::from_image(image) {
            Ok(machine) => machine,
            Err(error) => return tell(format_args!("this cannot run: {error}")),
        };
        machine.set_engine(&self.engine);
        let before = machine.budget();
        if before.words_used > self.words_limit {
            return tell(format_args!(
                "out of words: with its code there are {} in use, and {} may be; `:words N` allows more",
                before.words_used, self.words_limit
            ));
        }
        machine.set_gas_limit(before.gas_used.saturating_add(self.gas_left));
        machine.set_words_limit(self.words_limit);
        self.stop.set(Some(machine.interrupt_handle()));
        let event = self.go(&mut machine);
        self.stop.set(None);
        let after = machine.budget();
        let gas = after.gas_used - before.gas_used;
        if self.gas_left != u64::MAX {
            self.gas_left -= gas.min(self.gas_left);
        }
        if event == Event::Halted {
            let words = i128::from(after.words_used) - i128::from(self.words_used);
            self.words_used = after.words_used;
            self.spare = Some(std::mem::replace(&mut self.image, machine.into_image()));
            if let Some(values) = input.values(&self.image) {
                self.output.line(&values);
            }
            self.session = input.accept();
            self.tell_budget(gas, words);
        } else {
            let files = input.files().iter();
            let texts: Vec<_> =
                files.map(|file| Text { name: file.name.clone(), text: file.text.clone() }).collect();
            self.output.end_shown_line();
            tell(failure(event, &mut machine, Known { texts: &texts, args: &[] }));
            tell("everything is as it was before this input");
            self.tell_budget(gas, 0);
        }
    }

    /// Runs until the root process has come to an end.
    fn go(&mut self, machine: &mut Machine) -> Event {
        loop {
            match machine.run(u64::MAX) {
                Event::Yielded(words) => {
                    let words: Vec<_> = words.iter().map(u64::to_string).collect();
                    self.output.line(&words.join(" "));
                }
                Event::Request => {
                    self.hosts.answer(machine);
                    if self.interrupted.swap(false, Ordering::Relaxed) {
                        return Event::Interrupted;
                    }
                }
                event => return event,
            }
            if self.output.has_failed() {
                return Event::Interrupted;
            }
        }
    }

    fn tell_budget(&self, gas: u64, words: i128) {
        if !self.is_quiet {
            let gas = count(gas, "gas", "gas");
            let number = u64::try_from(words.unsigned_abs()).unwrap_or(u64::MAX);
            let back = if words < 0 { "gave back " } else { "" };
            tell(format_args!("[{gas}, {back}{}; {}]", count(number, "word", "words"), self.left()));
        }
    }

    /// What is left of the budget.
    pub(super) fn left(&self) -> String {
        let shown =
            |left: u64, limit: u64| if limit == u64::MAX { "unlimited".to_owned() } else { left.to_string() };
        let words = self.words_limit.saturating_sub(self.words_used);
        format!("left: {} gas, {} words", shown(self.gas_left, self.gas_left), shown(words, self.words_limit))
    }
}

/// A copy of an image. Its memories are those of an image that is not needed any more, as far as there are any: the system
/// takes longer to give fresh ones than it takes to copy.
fn copied(image: &mut Image<'static>, spare: Option<Image<'static>>) -> Image<'static> {
    let spare = spare.into_iter().flat_map(|spare| spare.objects);
    let mut memories: BTreeMap<Number, Vec<u8>> = spare
        .filter_map(|mut object| Some((object.number, take(content(&mut object.body)?).into_owned())))
        .collect();
    let contents: Vec<_> =
        image.objects.iter_mut().map(|object| content(&mut object.body).map(take)).collect();
    let mut copy = image.clone();
    for ((from, to), bytes) in image.objects.iter_mut().zip(&mut copy.objects).zip(contents) {
        let number = from.number;
        if let (Some(from), Some(to), Some(bytes)) = (content(&mut from.body), content(&mut to.body), bytes) {
            let mut memory = memories.remove(&number).unwrap_or_default();
            memory.clear();
            memory.extend_from_slice(&bytes);
            (*from, *to) = (bytes, Cow::Owned(memory));
        }
    }
    copy
}

/// What is in an object's memory, if it has one.
fn content<'b>(body: &'b mut Body<'static>) -> Option<&'b mut Cow<'static, [u8]>> {
    match body {
        Body::Data(data) => Some(data),
        Body::Process(process) => Some(&mut process.data),
        _ => None,
    }
}

/// Why an input did not come to its end.
fn failure(event: Event, machine: &mut Machine, known: Known<'_>) -> String {
    let budget = machine.budget();
    let said = match event {
        Event::Trapped(trap) => trapped(trap, &machine.image(), known),
        Event::OutOfGas(need) => format!(
            "out of gas: the next instruction needs {need} at least and {} is left; `:gas N` gives more\n{}",
            budget.gas_left(),
            trace(&machine.image(), known)
        ),
        Event::OutOfWords(need) => format!(
            "out of words: the next instruction needs {need} more and {} are left; `:words N` allows more\n{}",
            budget.words_left(),
            trace(&machine.image(), known)
        ),
        Event::Interrupted => format!("interrupted\n{}", trace(&machine.image(), known)),
        event => explain(&Ending::Event(event), machine, None, "", known)
            .unwrap_or_else(|| "it did not come to its end".to_owned()),
    };
    said.trim_end().to_owned()
}
