//! Traps, running dry, and the keepers that are asked then.

use super::arena::Ref;
use super::control::{Ending, Link, LinkCall};
use super::fault::KernelFault;
use super::key::Key;
use super::message::Message;
use super::meter::{Dry, Need};
use super::{Kernel, Stop};
use keyvm_isa::layout::Kind;
use keyvm_isa::{Rights, Status, Trap};

/// Gas for calling a keeper, which the keeper's meter pays.
pub(crate) const KEEPER_GAS: u64 = 64;

/// What comes of asking a keeper.
enum Keeper {
    /// This process can be called.
    Comes(Ref),
    /// It is dry only because a meter above the root process is: so the whole machine stands still.
    StandsStill(Status),
}

/// What came of a process that trapped or ran dry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// Somebody runs on, or the root process's call has ended.
    GoesOn,
    /// A keeper has to be called, and the slice has too little gas for it: nothing has happened.
    Paused,
    /// A meter above the root process is dry: the machine stands still, with this status and amount.
    StandsStill(Status, u64),
}

impl Kernel {
    /// Handles a trap of the last process of the chain, which is parked. Calling a keeper must fit into `slice`.
    pub(crate) fn trapped(&mut self, trap: Trap, slice: u64) -> Handled {
        let Some(top) = self.chain.last().copied() else { return Handled::GoesOn };
        self.book();
        let own = self.arena.process(top.process).keeper.as_deref().copied();
        let meters = self.path(self.base_of(&top)).filter_map(|meter| self.meter(meter).keeper);
        let keeper = own.into_iter().chain(meters).find_map(|key| self.keeper(&key));
        let number = u64::from(trap.number());
        match keeper {
            Some(Keeper::StandsStill(status)) => return Handled::StandsStill(status, KEEPER_GAS),
            Some(Keeper::Comes(_)) if slice < KEEPER_GAS => return Handled::Paused,
            Some(Keeper::Comes(keeper)) => {
                self.stands(top.process, Status::Trapped, Some(trap), 0);
                self.call_keeper(keeper, Status::Trapped, number);
            }
            None => {
                self.stands(top.process, Status::Trapped, Some(trap), 0);
                self.finish(Status::Trapped, Message::word(number));
            }
        }
        Handled::GoesOn
    }

    /// Handles the last process of the chain, which is parked, having run dry. Calling a keeper must fit into `slice`.
    pub(crate) fn dry(&mut self, stop: &Stop, slice: u64) -> Handled {
        let Some(top) = self.chain.last().copied() else { return Handled::GoesOn };
        self.book();
        let (dry, amount, own) = match *stop {
            Stop::Words { meter, amount } => {
                // A meter that is not above the running process is somebody else's: its keeper has no say here.
                let mut dry = self.dry_on_path(self.standing_end(meter), Need::Words(amount));
                let base = self.base_of(&top);
                dry.retain(|dry| self.is_on_path(base, dry.meter));
                (dry, amount, Status::OutOfWords)
            }
            Stop::Gas(amount) => {
                (self.dry_on_path(self.base_of(&top), Need::Gas(amount)), amount, Status::OutOfGas)
            }
            _ => return Handled::GoesOn,
        };
        let keeper = dry.iter().find_map(|dry| {
            let key = self.meter(dry.meter).keeper?;
            Some((self.keeper(&key)?, dry.status))
        });
        match keeper {
            Some((Keeper::StandsStill(status), _)) => return Handled::StandsStill(status, KEEPER_GAS),
            Some(_) if slice < KEEPER_GAS => return Handled::Paused,
            Some((Keeper::Comes(keeper), status)) => {
                self.stands(top.process, status, None, amount);
                self.call_keeper(keeper, status, amount);
                return Handled::GoesOn;
            }
            None => {}
        }
        let status = dry.first().map_or(own, |dry| dry.status);
        match self.end_of_dry(&dry, status, amount) {
            Some(ending) => {
                self.end_calls(ending);
                Handled::GoesOn
            }
            None => Handled::StandsStill(status, amount),
        }
    }

    /// Notes why the last process of the chain stopped.
    fn stands(&mut self, process: Ref, status: Status, trap: Option<Trap>, amount: u64) {
        self.lose_progress();
        let process = self.arena.process_mut(process);
        process.status = status;
        process.trap = trap;
        process.amount = amount;
    }

    /// What ends because of dry meters: all that runs below the outermost, or, if there is none, the last process alone.
    /// None if the whole machine stands still; that is no other state than being paused there.
    fn end_of_dry(&mut self, dry: &[Dry], status: Status, amount: u64) -> Option<Ending> {
        let top = *self.chain.last()?;
        let last = self.chain.len() - 1;
        let floor = dry.first().map_or(last, |outermost| {
            // Links are looked at a run at a time.
            let mut floor = self.chain.len();
            while let Some(link) = floor.checked_sub(1).map(|place| self.chain[place]) {
                if !self.is_on_path(self.base_of(&link), outermost.meter) {
                    break;
                }
                floor = link.base as usize;
            }
            floor.min(last)
        });
        if floor == 0 && !dry.is_empty() {
            self.set_running();
            return None;
        }
        self.stands(top.process, status, None, amount);
        let message = match status {
            Status::Stopped => Message::default(),
            _ => Message::word(amount),
        };
        Some(Ending { floor, status, message })
    }

    /// The keeper of the last process of the chain gave up: gives what ends now.
    pub(super) fn give_up(&mut self) -> Option<Ending> {
        let top = *self.chain.last()?;
        let process = self.arena.process(top.process);
        let (status, amount, trap) = (process.status, process.amount, process.trap);
        let base = self.base_of(&top);
        let dry = match status {
            Status::Trapped => {
                let message = Message::word(trap.map_or(0, |trap| u64::from(trap.number())));
                return Some(Ending { floor: self.chain.len() - 1, status, message });
            }
            Status::OutOfWords => self.dry_on_path(base, Need::Words(amount)),
            _ => self.dry_on_path(base, Need::Gas(amount)),
        };
        let ending = self.end_of_dry(&dry, status, amount);
        if ending.is_none() {
            self.finish_for_host(status, &[amount]);
        }
        ending
    }

    /// Looks whether a keeper can be called: alive, not busy, not dry. None if it is passed over.
    fn keeper(&self, key: &Key) -> Option<Keeper> {
        let usable = self.is_live(key) && key.seal().is_none() && key.rights.has(Rights::CALL);
        if !usable || self.kind_of(key) != Some(Kind::Process) {
            return None;
        }
        let keeper = key.object();
        let process = self.arena.process(keeper);
        let stack = u64::from(process.stack_capacity.saturating_sub(process.height));
        let slots = (process.key_capacity as usize).saturating_sub(process.keys.len());
        let ready = process.standing && self.callable(keeper).is_ok() && self.listens(keeper);
        if !ready || stack < 3 || slots < 1 {
            return None;
        }
        let dry = self.dry_on_path(self.charged_to(keeper), Need::Gas(KEEPER_GAS));
        let Some(outermost) = dry.first() else { return Some(Keeper::Comes(keeper)) };
        // Passed over is a keeper that is dry by itself. If what is dry is above the stopped process and the root too,
        // nothing here would run anyhow.
        let above = |link: &Link| self.is_on_path(self.base_of(link), outermost.meter);
        let all = self.chain.first().is_some_and(above) && self.chain.last().is_some_and(above);
        all.then_some(Keeper::StandsStill(outermost.status))
    }

    fn call_keeper(&mut self, keeper: Ref, status: Status, amount: u64) {
        let Some(top) = self.chain.last().copied() else {
            return;
        };
        let index = self.arena.process(top.process).index;
        let words = [u64::from(status.number()), index, amount];
        self.push_link(keeper, LinkCall::Keeper);
        if !KernelFault::KeeperFree.is_planted() {
            self.settle(KEEPER_GAS);
        }
        let rights = if KernelFault::KeeperRights.is_planted() { Rights::ALL } else { Rights::KEEPER };
        self.hand_over(keeper, &words, &[Key::new(top.process, rights)]);
    }
}
