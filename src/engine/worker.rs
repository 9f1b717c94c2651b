//! The thread that compiles.

use super::Shared;
use super::page::NativePage;
use keyvm_jit::EntryPoint;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;

/// Entries that may wait to be compiled; what is hot when there are more gets hot again.
const QUEUE: usize = 64;

#[derive(Debug)]
pub(super) struct Worker {
    queue: SyncSender<(Weak<NativePage>, EntryPoint)>,
}

impl Worker {
    /// Starts the thread, which ends with the engine. `None` if the operating system has no more threads.
    pub(super) fn start(engine: Weak<Shared>) -> Option<Self> {
        let (queue, jobs) = sync_channel::<(Weak<NativePage>, EntryPoint)>(QUEUE);
        let work = move || {
            while let Ok((page, point)) = jobs.recv() {
                let Some(engine) = engine.upgrade() else { return };
                if let Some(page) = page.upgrade() {
                    engine.compile(&page, point);
                }
            }
        };
        thread::Builder::new().name("keyvm-compile".to_owned()).spawn(work).ok()?;
        Some(Self { queue })
    }

    /// Asks for an entry. `false` if too many wait.
    pub(super) fn ask(&self, page: &Arc<NativePage>, point: EntryPoint) -> bool {
        self.queue.try_send((Arc::downgrade(page), point)).is_ok()
    }
}
