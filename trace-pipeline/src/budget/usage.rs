use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time that the pipeline's threads had on the processor, as each of them wrote it down last; in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    worker: AtomicU64,
    tail: AtomicU64,
}

impl Usage {
    /// Called by the pipeline's thread, now and then.
    pub(crate) fn note_worker(&self) {
        self.worker.store(of_this_thread(), Ordering::Relaxed);
    }

    /// Called by the tail's thread, now and then.
    pub(crate) fn note_tail(&self) {
        self.tail.store(of_this_thread(), Ordering::Relaxed);
    }

    pub(crate) fn cpu(&self) -> Duration {
        let nanos = [&self.worker, &self.tail].map(|nanos| nanos.load(Ordering::Relaxed));
        Duration::from_nanos(nanos.iter().sum())
    }
}

#[cfg(all(unix, feature = "cpu-time"))]
fn of_this_thread() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(not(all(unix, feature = "cpu-time")))]
const fn of_this_thread() -> u64 {
    0
}

#[cfg(all(test, unix, feature = "cpu-time"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_seen_to() {
        let usage = Usage::default();
        usage.note_worker();
        let before = usage.cpu();
        let mut sum = 0_u64;
        while usage.cpu() < before + Duration::from_millis(2) {
            sum = (0..10_000).fold(sum, |sum, number| std::hint::black_box(sum ^ number));
            usage.note_worker();
        }
        usage.note_tail();
        assert!(usage.cpu() > before + Duration::from_millis(2), "{sum}");
    }
}
