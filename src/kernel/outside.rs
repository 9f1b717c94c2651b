//! What the host may do between two instructions: answer a request, read and write memories, set limits.

use super::Kernel;
use super::arena::Ref;
use super::key::Key;
use super::object::{Body, Meter};
use keyvm_isa::image::Number;
use keyvm_isa::layout::HOST_NAME_MAX;
use keyvm_isa::{Rights, Status, gas};

/// A memory that a pending request lets the host reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostView {
    /// The caller's data.
    Data,
    /// The page that a key of the message names.
    Key(usize),
}

impl Kernel {
    /// The name of the host that the pending request is to.
    pub(crate) fn request_host(&self) -> Option<&str> {
        match self.arena.body(self.request.as_ref()?.host) {
            Some(Body::Host(name)) => Some(name),
            _ => None,
        }
    }

    fn host_key(&self, index: usize, right: Rights) -> Option<Ref> {
        let key = self.request.as_ref()?.keys.get(index).copied().flatten()?;
        let usable = self.is_live(&key) && key.seal().is_none() && key.rights.has(right);
        usable.then(|| key.object())
    }

    fn caller(&self) -> Option<Ref> {
        self.request.as_ref().and(self.running())
    }

    /// The bytes of a memory that the pending request lets the host read.
    pub(crate) fn host_bytes(&self, view: HostView) -> Option<&[u8]> {
        match view {
            HostView::Data => Some(self.arena.process(self.caller()?).data.bytes()),
            HostView::Key(index) => match self.arena.body(self.host_key(index, Rights::READ)?) {
                Some(Body::Data(content)) => Some(content.bytes()),
                _ => None,
            },
        }
    }

    /// Stores into a memory that the pending request lets the host write.
    pub(crate) fn host_store(&mut self, view: HostView, address: u64, bytes: &[u8]) -> Option<()> {
        let content = match view {
            HostView::Data => {
                let caller = self.caller()?;
                &mut self.arena.process_mut(caller).data
            }
            HostView::Key(index) => {
                let page = self.host_key(index, Rights::WRITE)?;
                match self.arena.body_mut(page) {
                    Some(Body::Data(content)) => content,
                    _ => return None,
                }
            }
        };
        content.range_mut(address, bytes.len() as u64)?.copy_from_slice(bytes);
        Some(())
    }

    /// Answers the pending request.
    pub(crate) fn reply(&mut self, status: Status, words: &[u64], grants: &[String]) {
        if self.request.take().is_none() {
            return;
        }
        let Some(caller) = self.running() else { return };
        let process = self.arena.process(caller);
        let room = process.key_room();
        let mut keys = Vec::new();
        for name in grants.iter().take(room) {
            if name.is_empty() || name.len() > HOST_NAME_MAX || !self.can_charge(self.prime, gas::HOST_WORDS)
            {
                continue;
            }
            if self.charge(self.prime, gas::HOST_WORDS).is_ok() {
                let host = self.add(self.prime, Body::Host(name.as_str().into()));
                keys.push(Key::new(host, Rights::HOST));
            }
        }
        self.arena.process_mut(caller).status = Status::Running;
        self.push_result(caller, status, words, &keys);
    }

    /// The prime meter, its counts up to date.
    pub(crate) fn prime_meter(&mut self) -> &Meter {
        self.book();
        self.meter(self.prime)
    }

    pub(crate) fn set_prime_limits(&mut self, gas: Option<u64>, words: Option<u64>) {
        self.book();
        let meter = self.meter_mut(self.prime);
        meter.gas_limit = gas.unwrap_or(meter.gas_limit);
        meter.words_limit = words.unwrap_or(meter.words_limit);
        self.refresh();
    }

    fn find(&self, object: Number) -> Option<Ref> {
        self.arena.iter().map(|(r, _)| r).find(|r| r.number == object)
    }

    pub(crate) fn bytes_of(&self, object: Number) -> Option<&[u8]> {
        match self.arena.body(self.find(object)?)? {
            Body::Data(content) => Some(content.bytes()),
            Body::Process(process) => Some(process.data.bytes()),
            _ => None,
        }
    }

    pub(crate) fn store_bytes(&mut self, object: Number, address: u64, bytes: &[u8]) -> Option<()> {
        let content = match self.arena.body_mut(self.find(object)?)? {
            Body::Data(content) => content,
            Body::Process(process) => &mut process.data,
            _ => return None,
        };
        content.range_mut(address, bytes.len() as u64)?.copy_from_slice(bytes);
        self.lose_progress();
        Some(())
    }
}
