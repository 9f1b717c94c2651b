//! Host keys: the only way out.
//!
//! A program calls a host key with `invoke`; [`Machine::run`](crate::Machine::run) comes back with
//! [`Event::Request`](crate::Event::Request), and goes on after [`Machine::reply`](crate::Machine::reply). That is all an
//! asynchronous embedder needs. On top of it, a [`Host`] answers requests as they come, and [`Hosts`] are those
//! that were granted to an image, by name.
//!
//! A request takes effect at most once from one image, and again if an older image is run again.
//!
//! ```
//! use keyvm::{Event, HostCall, Hosts, Machine, Reply};
//!
//! let source = r#"
//!     host double
//!     yield 1 (drop(drop(invoke 1 (21, double))))
//! "#;
//! let image = keyvm::asm::assemble(source).expect("the program is well-formed");
//! let mut machine = Machine::new(&image)?;
//! let mut hosts = Hosts::new();
//! hosts.grant("double", |call: &mut HostCall<'_>| Reply::words([call.words()[0] * 2]));
//! assert_eq!(machine.run_hosted(u64::MAX, &mut hosts), Event::Yielded([42].into()));
//! # Ok::<(), keyvm::image::ImageError>(())
//! ```

mod args;
mod console;

pub use args::Args;
pub use console::Console;

use crate::kernel::{HostView, Kernel};
use crate::machine::{End, Event, Machine};
use keyvm_isa::Status;
use std::collections::BTreeMap;

/// The most a host may read or write of a memory in one piece, in bytes.
pub const HOST_BYTES_MAX: u64 = keyvm_isa::layout::CHUNK_WORDS * 8;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `Returned`, or `Refused` or `Severed`.
    pub(crate) status: Status,
    pub(crate) words: Vec<u64>,
    pub(crate) grants: Vec<String>,
}

impl Reply {
    /// A result of words; those past 255 are left out.
    #[must_use]
    pub fn words(words: impl IntoIterator<Item = u64>) -> Self {
        Self { status: Status::Returned, words: words.into_iter().take(255).collect(), grants: Vec::new() }
    }

    /// Adds keys to hosts of these names to the result. They are charged to the prime meter; if it has too few words
    /// left, or the caller's key list too few slots, they are left out.
    #[must_use]
    pub fn with_keys(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.grants = names.into_iter().take(keyvm_isa::layout::MESSAGE_KEYS_MAX.into()).collect();
        self
    }

    /// The request is refused: it makes no sense to this host, or is not allowed.
    #[must_use]
    pub const fn refused() -> Self {
        Self { status: Status::Refused, words: Vec::new(), grants: Vec::new() }
    }

    /// There is no host of this name.
    #[must_use]
    pub const fn severed() -> Self {
        Self { status: Status::Severed, words: Vec::new(), grants: Vec::new() }
    }
}

/// A request, and what it lets the host reach: the caller's data, and the pages whose keys came with it.
#[derive(Debug)]
pub struct HostCall<'a> {
    kernel: &'a mut Kernel,
    words: Vec<u64>,
    keys: usize,
}

impl HostCall<'_> {
    /// The words of the message.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many keys came with it.
    #[must_use]
    pub const fn key_count(&self) -> usize {
        self.keys
    }

    /// Bytes of the caller's data; `None` if they are not all there, or more than [`HOST_BYTES_MAX`].
    #[must_use]
    pub fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        self.view(HostView::Data, address, length)
    }

    /// Bytes of the page that key `key` of the message names; `None` also if it lacks the right `read`.
    #[must_use]
    pub fn read_page(&self, key: usize, address: u64, length: u64) -> Option<&[u8]> {
        self.view(HostView::Key(key), address, length)
    }

    fn view(&self, view: HostView, address: u64, length: u64) -> Option<&[u8]> {
        let bytes = self.kernel.host_bytes(view)?;
        let range = range(address, length)?;
        bytes.get(range)
    }

    /// Stores bytes into the caller's data; `None`, and nothing has changed, if they do not fit.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Option<()> {
        range(address, bytes.len() as u64)?;
        self.kernel.host_store(HostView::Data, address, bytes)
    }

    /// Stores bytes into the page that key `key` of the message names; `None` also if it lacks the right `write`.
    pub fn write_page(&mut self, key: usize, address: u64, bytes: &[u8]) -> Option<()> {
        range(address, bytes.len() as u64)?;
        self.kernel.host_store(HostView::Key(key), address, bytes)
    }
}

fn range(address: u64, length: u64) -> Option<std::ops::Range<usize>> {
    if length > HOST_BYTES_MAX {
        return None;
    }
    let start = usize::try_from(address).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// Something outside that programs may call.
pub trait Host: Send {
    /// Answers a request.
    fn call(&mut self, call: &mut HostCall<'_>) -> Reply;
}

impl<F: FnMut(&mut HostCall<'_>) -> Reply + Send> Host for F {
    fn call(&mut self, call: &mut HostCall<'_>) -> Reply {
        self(call)
    }
}

/// The hosts that were granted to an image.
#[derive(Default)]
pub struct Hosts {
    by_name: BTreeMap<String, Box<dyn Host>>,
}

impl std::fmt::Debug for Hosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Hosts {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Grants a host under the name that the image's host keys have.
    pub fn grant(&mut self, name: impl Into<String>, host: impl Host + 'static) -> &mut Self {
        self.by_name.insert(name.into(), Box::new(host));
        self
    }

    /// The names granted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Answers the request that `machine` waits with; does nothing if it waits with none.
    pub fn answer(&mut self, machine: &mut Machine) {
        let Some(name) = machine.request_host().map(str::to_owned) else {
            machine.reply(&Reply::severed());
            return;
        };
        let reply = match self.by_name.get_mut(&name) {
            Some(host) => machine.with_request(|call| host.call(call)),
            None => None,
        };
        machine.reply(&reply.unwrap_or_else(Reply::severed));
    }
}

impl Machine {
    /// The name of the host that the pending request is to, if there is one and it still has a name.
    #[must_use]
    pub fn request_host(&self) -> Option<&str> {
        self.kernel.request_host()
    }

    /// Lets `f` see the pending request.
    pub fn with_request<R>(&mut self, f: impl FnOnce(&mut HostCall<'_>) -> R) -> Option<R> {
        let (words, keys) = {
            let request = self.kernel.request.as_ref()?;
            (request.words.clone(), request.keys.len())
        };
        Some(f(&mut HostCall { kernel: &mut self.kernel, words, keys }))
    }

    /// Answers the pending request; does nothing if there is none.
    pub fn reply(&mut self, reply: &Reply) {
        self.settled().reply(reply.status, &reply.words, &reply.grants);
    }

    /// As [`Machine::run`], with requests answered by `hosts`.
    pub fn run_hosted(&mut self, slice: u64, hosts: &mut Hosts) -> Event {
        let end = self.total_gas().saturating_add(slice);
        loop {
            match self.run_to_end(end - self.total_gas(), &[]) {
                End::Request => hosts.answer(self),
                ended => return self.event(ended),
            }
        }
    }
}
