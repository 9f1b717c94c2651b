//! Control between the host and the root process.
//!
//! While control is with the host after a plain `yield` or `return`, what the standing meters above the root process have
//! left stays known: nobody but the host can change that, and then it is looked up anew. So a program that yields often
//! does not have its books made up, and the meters looked up, each time. After a plain `yield` the process *rests*: it is
//! not put back into its object before somebody looks at that.

use super::Kernel;
use super::activation::Activation;
use super::arena::{Ref, Slot};
use super::control::{Link, LinkCall};
use super::object::Body;
use keyvm_isa::layout::MESSAGE_WORDS_MAX;
use keyvm_isa::{Status, gas};

impl Kernel {
    /// Begins or goes on with the root process, giving it `words` if it takes a message.
    ///
    /// # Errors
    /// What a caller would hear, if it cannot be called.
    pub(crate) fn call_root(&mut self, act: &mut Activation, words: &[u64]) -> Result<(), Status> {
        act.settle(self);
        if self.call_root_plainly(words) {
            return Ok(());
        }
        let root = self.root;
        if !self.arena.alive(root) {
            return Err(Status::Destroyed);
        }
        self.callable(root)?;
        if !self.arena.process(root).standing {
            return Err(Status::NoMeter);
        }
        let listens = self.listens(root);
        let process = self.arena.process(root);
        let room = u64::from(process.stack_capacity.saturating_sub(process.height));
        if listens && words.len() as u64 > room.min(MESSAGE_WORDS_MAX.into()) {
            return Err(Status::Full);
        }
        self.push_link(root, LinkCall::Invoke);
        if listens {
            self.hand_over(root, words, &[]);
        }
        Ok(())
    }

    /// Calls the root process again, if it rests and has room for the message, and what its meters have left is known. If it
    /// was not called nothing has changed.
    #[inline(always)]
    pub(crate) fn call_resting(&mut self, act: &mut Activation, words: &[u64]) -> bool {
        // Check.
        let Some(root) = act.resting(words.len()) else { return false };
        let Ok(count) = u8::try_from(words.len()) else { return false };
        let meter = self.arena.filling(root).map_or(Ref::NONE, |slot| slot.meter);
        if meter != self.base || meter.is_none() {
            return false;
        }
        // Act.
        self.push_root(meter);
        let state = self.arena.process_mut(root);
        state.begin_turn(0, Ref::NONE);
        state.message_words = count;
        state.message_keys = 0;
        act.wake(words);
        true
    }

    /// Puts the root process on the chain.
    #[inline(always)]
    fn push_root(&mut self, meter: Ref) {
        self.chain.push(Link {
            process: self.root,
            meter,
            gas: u64::MAX,
            words: 0,
            charged: 0,
            base: 0,
            call: LinkCall::Invoke,
        });
    }

    /// Calls the root process again after [`Kernel::give_host_plainly`], if nothing is out of the common run: it can be
    /// called, has room for the message, and what its meters have left is known. If it was not called nothing has
    /// changed.
    fn call_root_plainly(&mut self, words: &[u64]) -> bool {
        // Check.
        let root = self.root;
        let Some(Slot { meter, body: Body::Process(state), .. }) = self.arena.get(root) else { return false };
        let count = u8::try_from(words.len()).unwrap_or(u8::MAX);
        let free = state.link == u32::MAX && state.caller.is_none() && state.callee.is_none();
        let ready = free && state.standing && !state.stopped && state.listens();
        let meter = *meter;
        if !ready
            || meter != self.base
            || usize::from(count) != words.len()
            || !state.has_room(count.into())
            || !self.arena.alive(state.code)
        {
            return false;
        }
        // Act.
        self.push_root(meter);
        let state = self.arena.process_mut(root);
        state.begin_turn(0, Ref::NONE);
        state.push_message(words, &[]);
        true
    }

    /// A `yield` or `return` of the root process to the host in which nothing is out of the common run: no keys, and what
    /// pays for it is there. Gives whether it was one, else nothing has changed.
    #[inline(never)]
    pub(super) fn give_host_plainly(&mut self, act: &mut Activation, words: u8, status: Status) -> bool {
        // Check.
        let count = usize::from(words);
        let more_gas = gas::message(words, 0);
        let [Link { meter, call: LinkCall::Invoke, .. }] = *self.chain else { return false };
        let fits = act.height - act.base >= count && act.fuel >= more_gas;
        if !fits || meter != self.base || !self.arena.alive(meter) {
            return false;
        }
        // Act.
        let used = act.used_with(more_gas);
        act.use_up(used);
        act.drop_operands(count);
        self.settle(used);
        self.chain.pop();
        self.forget_ties();
        self.finish_for_host(status, act.dropped(words));
        let (gas, words) = (self.own_gas, self.own_words);
        if status == Status::Yielded && self.arena.alive(act.process) {
            act.rest();
            self.arena.process_mut(act.process).end_call(status, gas, words);
        } else if let Some(state) = act.leave(self) {
            state.end_call(status, gas, words);
        }
        true
    }
}
