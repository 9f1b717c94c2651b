//! The hosts that a run grants: `console` and `args`, unless they are taken away.

use super::exit::{Failure, warn};
use super::output::Output;
use super::text::printable;
use keyvm::{Args, Console, Host, Machine, Reply};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Of so many hosts that are not granted users are told; a program can hold keys to any number.
const WARNED_MAX: usize = 8;

/// The hosts granted to a run, by name.
pub(super) struct Grants {
    hosts: BTreeMap<&'static str, Box<dyn Host>>,
    /// Hosts that were called, are not granted, and have been warned of.
    missed: BTreeSet<String>,
    waker: Waker,
}

/// How a host is to be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// As it is by default.
    Plain,
    /// The console without input and output.
    NullConsole,
}

impl Grants {
    /// The hosts that the options ask for.
    ///
    /// # Errors
    /// If a grant names no host, or says of one what it does not know.
    pub(super) fn new(
        with_defaults: bool,
        asked: &[String],
        args: Vec<String>,
        output: &Output,
    ) -> Result<Self, Failure> {
        let mut hows = BTreeMap::new();
        if with_defaults {
            hows.extend([("console", How::Plain), ("args", How::Plain)]);
        }
        for grant in asked {
            let (name, how) = parse(grant)?;
            hows.insert(name, how);
        }
        let (waker, input) = Input::new();
        let mut hosts: BTreeMap<_, Box<dyn Host>> = BTreeMap::new();
        if let Some(how) = hows.get("console") {
            let console = match how {
                How::Plain => Console::new(input, output.clone()),
                How::NullConsole => Console::new(io::empty(), io::sink()),
            };
            hosts.insert("console", Box::new(console));
        }
        if hows.contains_key("args") {
            hosts.insert("args", Box::new(Args::new(args)));
        }
        Ok(Self { hosts, missed: BTreeSet::new(), waker })
    }

    /// What ends a wait for input.
    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Answers the request that the machine waits with. It stays unanswered, so that an image of it asks again, if
    /// `gave_up` says afterwards that the host could not do what it should.
    pub(super) fn answer(&mut self, machine: &mut Machine, output: &Output, gave_up: impl Fn() -> bool) {
        let name = machine.request_host().map(str::to_owned);
        if let Some(name) = &name {
            self.warn_if_missing(name, output);
        }
        let host = name.and_then(|name| self.hosts.get_mut(name.as_str()));
        let reply = host.and_then(|host| machine.with_request(|call| host.call(call)));
        if !gave_up() {
            machine.reply(&reply.unwrap_or_else(Reply::severed));
        }
    }

    /// Says, the first time, that a host is called that is not granted: its name may be misspelt.
    fn warn_if_missing(&mut self, name: &str, output: &Output) {
        let may_warn = self.missed.len() < WARNED_MAX && !self.hosts.contains_key(name);
        if may_warn && self.missed.insert(name.to_owned()) {
            let granted: Vec<_> = self.hosts.keys().copied().collect();
            let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
            output.end_shown_line();
            warn(format_args!(
                "the program called host \"{}\", which is not granted (granted: {granted})",
                printable(name)
            ));
        }
    }
}

fn parse(grant: &str) -> Result<(&'static str, How), Failure> {
    let wrong = |message: &str| Failure::about(format_args!("--grant {}", printable(grant)), message);
    let (name, spec) = match grant.split_once('=') {
        Some((name, spec)) => (name, Some(spec)),
        None => (grant, None),
    };
    match (name, spec) {
        ("console", None) => Ok(("console", How::Plain)),
        ("console", Some("null")) => Ok(("console", How::NullConsole)),
        ("console", Some(_)) => Err(wrong("the console can be granted as `console` or `console=null`")),
        ("args", None) => Ok(("args", How::Plain)),
        ("args", Some(_)) => Err(wrong("`args` takes no value; write the arguments behind FILE")),
        _ => Err(wrong("there is no such host; known are: args, console")),
    }
}

/// A message to whoever waits for input.
enum News {
    /// Bytes of the standard input; none is its end.
    Bytes(io::Result<Vec<u8>>),
    /// Do not wait any longer.
    Wake,
}

/// Ends a wait for input, now or later.
#[derive(Clone)]
pub(super) struct Waker {
    news: Sender<News>,
    woken: Arc<AtomicBool>,
}

impl Waker {
    /// Ends the wait.
    pub(super) fn wake(&self) {
        // Nobody to tell is nobody waiting.
        let _ = self.news.send(News::Wake);
    }

    /// Whether a wait was ended before there was input.
    pub(super) fn has_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }
}

/// The standard input, read by a thread of its own when the program asks for it, so that a wait for it can be ended.
struct Input {
    news: Receiver<News>,
    sender: Sender<News>,
    /// Asks the thread to read; none until the first time.
    wanted: Option<Sender<()>>,
    woken: Arc<AtomicBool>,
    bytes: Vec<u8>,
    taken: usize,
}

impl Input {
    fn new() -> (Waker, Self) {
        let (sender, news) = channel();
        let woken = Arc::new(AtomicBool::new(false));
        let waker = Waker { news: sender.clone(), woken: Arc::clone(&woken) };
        (waker, Self { news, sender, wanted: None, woken, bytes: Vec::new(), taken: 0 })
    }

    /// Asks for more bytes and waits for them.
    fn wait(&mut self) -> io::Result<Vec<u8>> {
        let wanted = self.wanted.get_or_insert_with(|| {
            let (wanted, wishes) = channel();
            let sender = self.sender.clone();
            std::thread::spawn(move || read_on_demand(&wishes, &sender));
            wanted
        });
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        wanted.send(()).map_err(|_| gone())?;
        match self.news.recv().map_err(|_| gone())? {
            News::Bytes(bytes) => bytes,
            News::Wake => {
                self.woken.store(true, Ordering::Relaxed);
                Err(io::Error::other("interrupted"))
            }
        }
    }
}

/// What the reading thread does.
fn read_on_demand(wishes: &Receiver<()>, news: &Sender<News>) {
    const PIECE_BYTES: usize = 1 << 16;
    while wishes.recv().is_ok() {
        let mut bytes = vec![0; PIECE_BYTES];
        let read = io::stdin().lock().read(&mut bytes).map(|length| {
            bytes.truncate(length);
            bytes
        });
        if news.send(News::Bytes(read)).is_err() {
            return;
        }
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.bytes.len() {
            self.bytes = self.wait()?;
            self.taken = 0;
        }
        Ok(&self.bytes[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = self.bytes.len().min(self.taken + amount);
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_a_name_and_perhaps_a_value() {
        assert_eq!(parse("console").ok(), Some(("console", How::Plain)));
        assert_eq!(parse("console=null").ok(), Some(("console", How::NullConsole)));
        assert_eq!(parse("args").ok(), Some(("args", How::Plain)));
        for grant in ["", "=", "disk", "console=", "console=x", "args=1", "Console"] {
            assert!(parse(grant).is_err(), "{grant}");
        }
    }

    #[test]
    fn a_wait_for_input_ends_when_it_is_told_to() {
        let (waker, input) = Input::new();
        let mut input = Input { wanted: Some(channel().0), ..input };
        // Nobody reads, so nothing can come but the end of the wait.
        let (wanted, wishes) = channel();
        input.wanted = Some(wanted);
        waker.wake();
        assert!(input.fill_buf().is_err());
        assert!(waker.has_woken());
        drop(wishes);
    }
}
