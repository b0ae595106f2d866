//! Who is let in to a tail whose thread cannot keep up.
//!
//! Its queue would refuse span by span. So where that stays half full, a part of all local traces is not even recorded: those of the lowest randomness, so that
//! the others are whole and say what they stand for.
//!
//! ```text
//!   a local trace starts:  below the floor?  -->  not recorded, counted
//!   the tail takes it:     below the highest floor of the last while?  -->  dropped, counted;  else that floor is its weight
//! ```
//!
//! Where the thread keeps up and the exporter does not, all are recorded still, and the head keeps fewer of them, as the rules do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tracing_core_ctx::sampler::threshold::Threshold;

use super::forced::Forced;

/// One more than the highest randomness.
const ALL: u64 = 1 << 56;
/// However little time there is, one trace of so many is recorded: else it would not be seen that there is time again.
const LEAST: u64 = ALL >> 10;
/// Between two steps up: until the last one has been felt.
const STEP: Duration = Duration::from_millis(20);
/// Between two steps down.
const REST: Duration = Duration::from_secs(1);

/// How long the tail minds a floor that was higher, however long its traces may wait.
const LONGEST: Duration = Duration::from_secs(60);

/// What threads that start spans look at. Written now and then by the tail's thread.
#[derive(Debug)]
pub(crate) struct Gate {
    floor: AtomicU64,
    /// The threshold that [`Stage::backlog`](super::stage::Stage::backlog) sets.
    backlog: AtomicU64,
    /// The rules take from what the head keeps. Then what the head keeps for certain says so, since it will not be certain any more.
    thins: AtomicBool,
    pub(super) forced: Arc<Forced>,
    refused: Refused,
}

/// On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Refused(AtomicU64);

impl Gate {
    pub(super) fn new(thins: bool) -> Self {
        Self {
            floor: AtomicU64::new(0),
            backlog: AtomicU64::new(0),
            thins: AtomicBool::new(thins),
            forced: Arc::default(),
            refused: Refused::default(),
        }
    }

    pub(super) fn thins(&self) -> bool {
        self.thins.load(Ordering::Relaxed)
    }

    #[cfg(feature = "rules-file")]
    pub(super) fn set_thins(&self, thins: bool) {
        self.thins.store(thins, Ordering::Relaxed);
    }

    /// From which randomness on local traces are recorded.
    pub(super) fn floor(&self) -> Threshold {
        Threshold::from_bits(self.floor.load(Ordering::Relaxed)).unwrap_or(Threshold::ALWAYS)
    }

    pub(super) fn set_floor(&self, floor: u64) {
        self.floor.store(floor, Ordering::Relaxed);
    }

    /// From which randomness on the head keeps local traces, while more are kept than can leave.
    pub(super) fn backlog(&self) -> Threshold {
        Threshold::from_bits(self.backlog.load(Ordering::Relaxed)).unwrap_or(Threshold::ALWAYS)
    }

    pub(super) fn set_backlog(&self, threshold: u64) {
        self.backlog.store(threshold, Ordering::Relaxed);
    }

    /// A local trace is not recorded.
    pub(super) fn refuse(&self) {
        self.refused.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.0.load(Ordering::Relaxed)
    }
}

/// Moves the floor of a [`Gate`]. It knows no clock: whoever asks says what time it is.
#[derive(Debug, Default)]
pub(super) struct Floor {
    now: u64,
    moved: Duration,
    /// Since the last step down there was never much.
    is_quiet: bool,
    /// Those before it that were higher, and until when local traces may come that have started under them: the highest first, which ends first.
    before: VecDeque<(u64, Duration)>,
}

/// So many of them.
const MOST: usize = 64;

impl Floor {
    /// The floor from now on, where the queue stays half full or does not; and the one that holds for what is taken out of it. A local trace is taken to start no
    /// more than `wait` before its first span comes.
    pub(super) fn look(&mut self, is_full: bool, wait: Duration, now: Duration) -> (u64, u64) {
        let since = now.saturating_sub(self.moved);
        if is_full {
            self.is_quiet = false;
        }
        if is_full && since >= STEP {
            // Half as many.
            self.set((ALL - (ALL - self.now) / 2).min(ALL - LEAST), wait, now);
        } else if !is_full && self.now > 0 && since >= REST {
            if std::mem::replace(&mut self.is_quiet, true) {
                // A quarter more.
                let recorded = ALL - self.now;
                self.set(ALL.saturating_sub(recorded + recorded / 4), wait, now);
            } else {
                self.moved = now;
            }
        }
        while self.before.front().is_some_and(|(_, until)| *until <= now) {
            self.before.pop_front();
        }
        let highest = self.before.front().map_or(0, |(floor, _)| *floor);
        (self.now, self.now.max(highest))
    }

    fn set(&mut self, floor: u64, wait: Duration, now: Duration) {
        if floor < self.now {
            let until = now + wait.min(LONGEST);
            while self
                .before
                .back()
                .is_some_and(|(last, _)| *last <= self.now)
            {
                self.before.pop_back();
            }
            let is_full = self.before.len() >= MOST;
            match self.before.back_mut() {
                // The last one is higher, so it does for both.
                Some(last) if is_full => last.1 = until,
                _ => self.before.push_back((self.now, until)),
            }
        }
        self.now = floor;
        self.moved = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(30);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn as_long_as_there_is_too_much_half_as_many_are_let_in_and_some_always() {
        let mut floor = Floor::default();
        let first = floor.look(true, WAIT, millis(20)).0;
        assert_eq!(first, ALL / 2);
        // The last step has not been felt yet.
        assert_eq!(floor.look(true, WAIT, millis(39)).0, first);
        assert_eq!(floor.look(true, WAIT, millis(40)).0, ALL / 4 * 3);
        for time in 3..100 {
            floor.look(true, WAIT, millis(20 * time));
        }
        assert_eq!(floor.look(true, WAIT, millis(5000)).0, ALL - LEAST);
    }

    #[test]
    fn of_floors_that_come_and_go_the_highest_holds_for_what_began_under_it_and_no_longer() {
        let mut floor = Floor::default();
        let mut time = Duration::ZERO;
        for _ in 0..10 {
            time += STEP;
            floor.look(true, WAIT, time);
        }
        let peak = floor.look(true, WAIT, time).0;
        // From now on it is full every few seconds.
        for second in 0..200 {
            time += REST;
            let (recorded, taken) = floor.look(second % 6 == 0, WAIT, time);
            assert!(taken >= recorded && floor.before.len() <= MOST);
            if second < 30 {
                assert_eq!(taken, peak);
            }
        }
        assert!(floor.look(false, WAIT, time).1 < peak);
    }

    #[test]
    fn when_it_is_quiet_all_are_let_in_again_and_what_began_before_is_weighed_as_it_was() {
        let mut floor = Floor::default();
        floor.look(true, WAIT, millis(20));
        let (mut last, mut time) = ((u64::MAX, u64::MAX), millis(20));
        while last.0 > 0 {
            time += millis(500);
            let next = floor.look(false, WAIT, time);
            assert!(
                next.0 <= last.0 && next.1 == ALL / 2,
                "{next:?} after {last:?}"
            );
            last = next;
        }
        assert!(time < Duration::from_secs(10), "{time:?}");
        assert_eq!(floor.look(false, WAIT, time + WAIT), (0, 0));
        // Who waits without end does not keep less without end.
        floor.look(true, Duration::MAX, time + 2 * WAIT);
        for _ in 0..200 {
            time += REST;
            last = floor.look(false, Duration::MAX, time + 2 * WAIT);
        }
        assert_eq!(last, (0, 0));
    }
}
