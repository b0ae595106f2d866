//! The moment at which all work must be over, which a shutdown brings nearer while an export is running.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// A deadline that is set while others wait for it.
pub(crate) struct Cutoff {
    origin: Instant,
    /// Nanoseconds after `origin`; `u64::MAX` as long as nothing is set.
    nanos: AtomicU64,
    waiting: Mutex<Option<Waker>>,
}

impl Cutoff {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            nanos: AtomicU64::new(u64::MAX),
            waiting: Mutex::new(None),
        }
    }

    /// Brings the cutoff to `at`, unless it is earlier already.
    pub(crate) fn set(&self, at: Instant) {
        let nanos = at.saturating_duration_since(self.origin).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.nanos.fetch_min(nanos, Ordering::SeqCst);
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        match self.nanos.load(Ordering::SeqCst) {
            u64::MAX => None,
            nanos => self.origin.checked_add(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.get().is_some_and(|at| at <= Instant::now())
    }

    /// Has `waker` woken when the cutoff is set. One waits at a time: the exporter.
    #[cfg(feature = "otlp")]
    pub(crate) fn wake_when_set(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *waiting = Some(waker.clone());
        }
    }
}

impl fmt::Debug for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cutoff").field(&self.get()).finish()
    }
}

/// The moment `timeout` from now, or one so far away that it does not matter.
pub(crate) fn after(timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    let now = Instant::now();
    now.checked_add(timeout.min(FAR)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_moment_wins() {
        let cutoff = Cutoff::new();
        assert_eq!(cutoff.get(), None);
        assert!(!cutoff.has_passed());
        cutoff.set(after(Duration::from_secs(60)));
        let first = cutoff.get();
        cutoff.set(after(Duration::from_secs(600)));
        assert_eq!(cutoff.get(), first);
        assert!(!cutoff.has_passed());
        cutoff.set(Instant::now());
        assert!(cutoff.has_passed());
    }

    #[test]
    fn a_timeout_without_end_is_no_overflow() {
        assert!(after(Duration::MAX) > Instant::now());
    }
}
