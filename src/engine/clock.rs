//! How long compiling takes. No program sees it.

/// The time that a thread has spent on something.
pub(super) struct Stopwatch(Began);

#[cfg(target_os = "linux")]
type Began = u64;

/// Processor time of this thread: on a machine with much else to do, less than has gone by.
#[cfg(target_os = "linux")]
impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Self::now())
    }

    pub(super) fn nanoseconds(&self) -> u64 {
        Self::now().saturating_sub(self.0)
    }

    fn now() -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or(0)
    }
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_types, reason = "it measures the host, and is not for programs")]
type Began = std::time::Instant;

/// Time that has gone by, where a thread's own is not to be had without unsafe code.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_types, reason = "it measures the host, and is not for programs")]
impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(super) fn nanoseconds(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_that_a_thread_waits_is_not_counted() {
        let stopwatch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(50));
        assert!(stopwatch.nanoseconds() < 40_000_000, "{}", stopwatch.nanoseconds());
        let work = (0..1_000_000u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        std::hint::black_box(work);
        assert!(stopwatch.nanoseconds() > 100_000, "{}", stopwatch.nanoseconds());
    }
}
