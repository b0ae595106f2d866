use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing_core_ctx::{Clock, Timestamp};

/// A clock that stands still until the test moves it.
///
/// Clones show the same time. It starts at 2001-09-09 01:46:40 UTC, a billion seconds after the epoch.
///
/// ```
/// use std::time::Duration;
///
/// use trace_testkit::VirtualClock;
/// use tracing_core_ctx::Clock as _;
///
/// let clock = VirtualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_millis(5));
/// assert_eq!(clock.now().since(before), Duration::from_millis(5));
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    now: AtomicU64,
    step: AtomicU64,
}

const START: u64 = 1_000_000_000_000_000_000;

impl VirtualClock {
    /// A clock that stands still.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                now: AtomicU64::new(START),
                step: AtomicU64::new(0),
            }),
        }
    }

    /// Moves the time on.
    pub fn advance(&self, duration: Duration) {
        self.inner.now.fetch_add(nanos(duration), Ordering::SeqCst);
    }

    /// From now on, moves the time by `step` after every reading, so that no two moments are equal. Zero, the default, stops that.
    pub fn set_step(&self, step: Duration) {
        self.inner.step.store(nanos(step), Ordering::SeqCst);
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let step = self.inner.step.load(Ordering::SeqCst);
        Timestamp::from_unix_nanos(self.inner.now.fetch_add(step, Ordering::SeqCst))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_until_it_is_moved() {
        let clock = VirtualClock::new();
        let other = clock.clone();
        assert_eq!(clock.now(), clock.now());
        other.advance(Duration::from_secs(1));
        assert_eq!(clock.now().as_unix_nanos(), START + 1_000_000_000);
    }

    #[test]
    fn with_a_step_no_two_readings_are_equal() {
        let clock = VirtualClock::new();
        clock.set_step(Duration::from_nanos(3));
        let first = clock.now();
        assert_eq!(clock.now().since(first), Duration::from_nanos(3));
        clock.set_step(Duration::ZERO);
        assert_eq!(clock.now(), clock.now());
    }
}
