//! The thread that compiles.

use super::Shared;
use super::page::NativePage;
use keyvm_jit::{EntryPoint, Level};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;

/// Entries that may wait to be compiled; what is hot when there are more gets hot again.
const QUEUE: usize = 64;

/// An entry of a page, and how it is to be compiled.
type Job = (Weak<NativePage>, EntryPoint, Level);

#[derive(Debug)]
pub(super) struct Worker {
    queue: SyncSender<Job>,
}

impl Worker {
    /// Starts the thread, which ends with the engine. `None` if the operating system has no more threads.
    pub(super) fn start(engine: Weak<Shared>) -> Option<Self> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let work = move || {
            while let Ok((page, point, level)) = jobs.recv() {
                let Some(engine) = engine.upgrade() else { return };
                if let Some(page) = page.upgrade() {
                    engine.compile(&page, point, level);
                }
            }
        };
        thread::Builder::new().name("keyvm-compile".to_owned()).spawn(work).ok()?;
        Some(Self { queue })
    }

    /// Asks for an entry. `false` if too many wait.
    pub(super) fn ask(&self, page: &Arc<NativePage>, point: EntryPoint, level: Level) -> bool {
        self.queue.try_send((Arc::downgrade(page), point, level)).is_ok()
    }
}
