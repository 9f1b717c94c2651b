//! The thread that compiles, and who waits for it.
//!
//! It works for all machines of an engine in turn: one that asks for much has what others ask for wait no longer than for
//! one piece of its own.

use super::Shared;
use super::page::NativePage;
use keyvm_jit::{Level, Root};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

/// Entries that may wait to be compiled; what is hot when there are more gets hot again.
const QUEUE: usize = 64;

/// A machine that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u64);

impl Owner {
    /// One that is no other.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What of a page is to be compiled, and how.
type Job = (Weak<NativePage>, Root, Level);

/// Too much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full;

/// What waits, of each owner in turn.
#[derive(Debug)]
struct Queue<J> {
    /// Whose turn it is stands first. None of them has nothing.
    owners: VecDeque<(Owner, VecDeque<J>)>,
    waiting: usize,
}

impl<J> Queue<J> {
    const fn new() -> Self {
        Self { owners: VecDeque::new(), waiting: 0 }
    }

    /// Puts something in. Where too much waits, the owner who has most gives way, and what it put in last comes out.
    ///
    /// # Errors
    /// If too much waits, and nobody has more than this owner would have.
    fn put(&mut self, owner: Owner, job: J) -> Result<Option<J>, Full> {
        let own = self.owners.iter().position(|one| one.0 == owner);
        let mut out = None;
        if self.waiting == QUEUE {
            let own = own.and_then(|own| Some(self.owners.get(own)?.1.len())).unwrap_or(0);
            let most = self.owners.iter_mut().max_by_key(|one| one.1.len());
            match most {
                Some((_, jobs)) if jobs.len() > own + 1 => out = jobs.pop_back(),
                _ => return Err(Full),
            }
        } else {
            self.waiting += 1;
        }
        match own.and_then(|own| self.owners.get_mut(own)) {
            Some((_, jobs)) => jobs.push_back(job),
            None => self.owners.push_back((owner, VecDeque::from([job]))),
        }
        Ok(out)
    }

    /// Takes out what is to be done next.
    fn take(&mut self) -> Option<J> {
        let (owner, mut jobs) = self.owners.pop_front()?;
        let job = jobs.pop_front()?;
        self.waiting -= 1;
        if !jobs.is_empty() {
            self.owners.push_back((owner, jobs));
        }
        Some(job)
    }
}

/// What the thread and those that ask share.
#[derive(Debug)]
struct Desk {
    queue: Mutex<Queue<Job>>,
    /// Told when there is something in the queue, and when nothing will come any more.
    change: Condvar,
    /// The thread has panicked.
    panicked: AtomicBool,
}

/// Notes how the thread ends.
struct Ending(Arc<Desk>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.panicked.store(thread::panicking(), Ordering::Relaxed);
    }
}

impl Desk {
    fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Worker(Arc<Desk>);

impl Worker {
    /// Starts the thread, which ends with the engine. `None` if the operating system has no more threads.
    pub(super) fn start(engine: Weak<Shared>) -> Option<Self> {
        let desk = Arc::new(Desk {
            queue: Mutex::new(Queue::new()),
            change: Condvar::new(),
            panicked: AtomicBool::new(false),
        });
        let own = Arc::clone(&desk);
        let work = move || {
            let _ending = Ending(Arc::clone(&own));
            while let Some((page, root, level)) = next(&own, &engine) {
                let Some(engine) = engine.upgrade() else { return };
                if let Some(page) = page.upgrade() {
                    engine.compile(&page, root, level);
                }
            }
        };
        thread::Builder::new().name("keyvm-compile".to_owned()).spawn(work).ok()?;
        Some(Self(desk))
    }

    /// Whether the thread has panicked.
    pub(super) fn has_panicked(&self) -> bool {
        self.0.panicked.load(Ordering::Relaxed)
    }

    /// Asks for something. `false` if too many wait.
    pub(super) fn ask(&self, owner: Owner, page: &Arc<NativePage>, root: Root, level: Level) -> bool {
        let put = self.0.queue().put(owner, (Arc::downgrade(page), root, level));
        self.0.change.notify_one();
        if let Ok(Some((page, root, _))) = &put
            && let Some(page) = page.upgrade()
        {
            page.forget(*root);
        }
        put.is_ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The engine is gone: whoever waits for something to do sees that now.
        drop(self.0.queue());
        self.0.change.notify_all();
    }
}

/// Waits for something to do. `None` when the engine is gone.
fn next(desk: &Desk, engine: &Weak<Shared>) -> Option<Job> {
    let mut queue = desk.queue();
    loop {
        if let Some(job) = queue.take() {
            return Some(job);
        }
        if engine.strong_count() == 0 {
            return None;
        }
        queue = desk.change.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_machine_asks_for_does_not_keep_others_waiting() {
        let mut queue = Queue::new();
        for job in 0..QUEUE {
            assert_eq!(queue.put(Owner(0), (0, job)), Ok(None));
        }
        assert_eq!(queue.put(Owner(0), (0, QUEUE)), Err(Full));
        // Others have room: what the first asked for last has to go.
        assert_eq!(queue.put(Owner(1), (1, 0)), Ok(Some((0, QUEUE - 1))));
        assert_eq!(queue.put(Owner(2), (2, 0)), Ok(Some((0, QUEUE - 2))));
        assert_eq!(queue.put(Owner(1), (1, 1)), Ok(Some((0, QUEUE - 3))));
        let first: Vec<_> = (0..6).filter_map(|_| queue.take()).collect();
        assert_eq!(first, [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2)]);
        // All that is left is of the first, in its order.
        let rest: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(rest, (3..QUEUE - 3).map(|job| (0, job)).collect::<Vec<_>>());
        assert_eq!(queue.waiting, 0);
    }

    #[test]
    fn machines_with_as_much_as_others_take_nothing_from_them() {
        let mut queue = Queue::new();
        for owner in 0..QUEUE as u64 {
            assert_eq!(queue.put(Owner(owner), owner), Ok(None));
        }
        assert_eq!(queue.put(Owner(99), 99), Err(Full));
        assert_eq!(queue.put(Owner(3), 1003), Err(Full));
        assert_eq!((0..QUEUE).filter_map(|_| queue.take()).count(), QUEUE);
        assert_eq!(queue.take(), None);
    }
}
