//! Time as spans record it, and where it comes from.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

/// A moment before 1970 is taken as the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, nanos))
    }
}

/// Tells the time. A seam for tests, which want to set it.
///
/// Called at the start and end of every span and for every event, on the thread that records: it must be quick, and must not panic, since
/// spans end in destructors.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The computer's time.
///
/// The monotonic clock counts from a reading of the wall clock, so that durations are exact. Once a second the wall clock is looked at
/// again: when it was set, or the computer slept, this clock follows. Between two such steps it never runs backwards, and a span that
/// runs over one is never negative.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    /// The wall time at the origin, in nanoseconds; it wraps around when that was before 1970.
    offset: AtomicU64,
    /// When the wall clock was looked at last, in nanoseconds since the origin.
    looked: AtomicU64,
}

/// How often the wall clock is looked at.
const LOOK: u64 = 1_000_000_000;
/// What is no step: the two clocks are never read in the same moment.
const TOLERANCE: u64 = 5_000_000;

impl SystemClock {
    /// A clock that shows the present wall time.
    #[must_use]
    pub fn new() -> Self {
        let origin = Instant::now();
        Self {
            origin,
            offset: AtomicU64::new(wall().0),
            looked: AtomicU64::new(0),
        }
    }

    fn elapsed(&self) -> u64 {
        nanos(self.origin.elapsed())
    }

    #[cold]
    fn look(&self, before: u64) {
        // Two threads may look at once: they see the same.
        self.looked.store(before, Ordering::Relaxed);
        let wall = wall().0;
        let after = self.elapsed();
        let offset = self.offset.load(Ordering::Relaxed);
        if let Some(offset) = step(offset, before, wall, after) {
            self.offset.store(offset, Ordering::Relaxed);
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.elapsed();
        if elapsed.saturating_sub(self.looked.load(Ordering::Relaxed)) >= LOOK {
            self.look(elapsed);
        }
        Timestamp(self.offset.load(Ordering::Relaxed).wrapping_add(elapsed))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the time comes from"
)]
fn wall() -> Timestamp {
    SystemTime::now().into()
}

/// The new offset, if the wall clock has made a step. `wall` was read between `before` and `after`.
const fn step(offset: u64, before: u64, wall: u64, after: u64) -> Option<u64> {
    if after.saturating_sub(before) > TOLERANCE {
        // This thread was put aside in between: nothing can be said.
        return None;
    }
    let expected = offset.wrapping_add(before);
    if wall.abs_diff(expected) <= 2 * TOLERANCE {
        return None;
    }
    Some(wall.wrapping_sub(before))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_start_gives_no_negative_duration() {
        let (early, late) = (Timestamp::from_unix_nanos(5), Timestamp::from_unix_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.since(early), Duration::from_nanos(2));
    }

    #[test]
    fn the_clock_shows_the_wall_time() {
        let now = SystemClock::new().now();
        assert!(now.since(wall()) + wall().since(now) < Duration::from_secs(1));
    }

    #[test]
    fn a_clock_that_was_wrong_at_the_start_follows_the_wall_clock() {
        let clock = SystemClock {
            origin: Instant::now(),
            offset: AtomicU64::new(0),
            looked: AtomicU64::new(0),
        };
        assert!(clock.now() < Timestamp(LOOK), "1970");
        // A busy machine may come between the two readings, and then the next look tells.
        let corrected = (0..1000).any(|_| {
            clock.look(clock.elapsed());
            clock.now().since(Timestamp(0)) > Duration::from_secs(86_400)
        });
        assert!(corrected);
    }

    #[test]
    fn a_step_is_told_from_the_time_between_two_readings() {
        const DAY: u64 = 86_400_000_000_000;
        let (offset, before) = (20_000 * DAY, 5 * LOOK);
        let expected = offset + before;
        let after = before + 1_000;
        assert_eq!(step(offset, before, expected + 500, after), None);
        assert_eq!(step(offset, before, expected + TOLERANCE, after), None);
        assert_eq!(
            step(offset, before, expected + DAY, after),
            Some(offset + DAY)
        );
        assert_eq!(
            step(offset, before, expected - DAY, after),
            Some(offset - DAY)
        );
        assert_eq!(
            step(offset, before, expected + DAY, before + DAY),
            None,
            "put aside in between"
        );
    }

    #[test]
    fn a_step_to_before_the_origin_wraps_and_still_tells_the_time() {
        let offset = step(1_000 * LOOK, 500 * LOOK, 2 * LOOK, 500 * LOOK).unwrap();
        assert_eq!(offset.wrapping_add(501 * LOOK), 3 * LOOK);
    }

    #[test]
    fn the_clock_never_runs_backwards() {
        let clock = SystemClock::new();
        let mut last = clock.now();
        for _ in 0..1000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }
}
