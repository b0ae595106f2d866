use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::{Clock, SystemClock};

/// At most so many traces in each second of the clock, or in each longer period, never one more.
///
/// The decision falls when a trace starts, so the limit is a threshold over its randomness that is set before: room that is left over traces that
/// are still expected, by what came in the periods before. Each kept trace carries that threshold as its weight. When more come than expected
/// and there is no room at all, traces are dropped that no weight stands for: [`stopped`](Self::stopped) counts them. A limit without that flaw,
/// as it is set when the second is over, is [`Tail::limit`](super::Tail::limit).
///
/// A clone shares the budget: who keeps one can ask it, and rules that have clones of one limit keep no more together.
#[derive(Clone, Debug)]
pub struct RateLimit {
    budget: u64,
    /// In nanoseconds.
    period: u64,
    clock: Arc<dyn Clock>,
    used: Arc<Used>,
}

/// What has come, and what was taken.
#[derive(Debug, Default)]
struct Used {
    /// The number of the period in the upper bits, and how many were kept in it.
    kept: AtomicU64,
    arrived: AtomicU64,
    /// How many arrive in a period, as the bits of a float.
    expected: AtomicU64,
    stopped: AtomicU64,
}

const KEPT_BITS: u32 = 24;
const MOST: u64 = (1 << KEPT_BITS) - 1;
const SECOND: u64 = 1_000_000_000;

impl RateLimit {
    /// So many traces in a second; 16 777 215 at most.
    #[must_use]
    pub fn per_second(traces: u32) -> Self {
        Self::per(traces, Duration::from_secs(1))
    }

    /// So many traces in a period such as a minute; the period is at least a second.
    #[must_use]
    pub fn per(traces: u32, period: Duration) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        Self {
            budget: u64::from(traces).min(MOST),
            period: period.max(SECOND),
            clock: Arc::new(SystemClock::new()),
            used: Arc::default(),
        }
    }

    /// By another clock, for tests. Default: that of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many traces were dropped because there was no room left in their period.
    #[must_use]
    pub fn stopped(&self) -> u64 {
        self.used.stopped.load(Ordering::Relaxed)
    }

    /// Whether it allows the same, whatever was taken of it.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(super) fn is_set_as(&self, other: &Self) -> bool {
        (self.budget, self.period) == (other.budget, other.period)
    }

    /// The threshold with which a trace of this randomness is kept, if it is.
    pub(crate) fn keeps(&self, randomness: u64) -> Option<Threshold> {
        let (now, number) = self.read();
        self.begin(number);
        self.used.arrived.fetch_add(1, Ordering::Relaxed);
        // Nothing is left of a period that is over.
        let kept = self.kept_in(number).unwrap_or(self.budget);
        let left = to_f64(self.period - now % self.period) / to_f64(self.period);
        let expected = f64::from_bits(self.used.expected.load(Ordering::Relaxed)) * left;
        let room = self.budget.saturating_sub(kept);
        if room == 0 {
            self.used.stopped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        // A fifth in reserve: with none the room is used up before the end in half of all periods.
        let threshold = Threshold::from_probability(to_f64(room) / (1.2 * expected + 1.0))?;
        if !threshold.keeps(randomness) {
            return None;
        }
        if !self.take(number) {
            // Others have taken what was left meanwhile.
            self.used.stopped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(threshold)
    }

    /// What time it is, and in which period that is.
    fn read(&self) -> (u64, u64) {
        let read = || {
            let now = self.clock.now().as_unix_nanos();
            (now, now / self.period)
        };
        let (now, number) = read();
        let last = self.used.kept.load(Ordering::Relaxed) >> KEPT_BITS;
        match last.saturating_sub(number) {
            0 => (now, number),
            // Another thread has read a clock that was just a little later.
            1 => (last * self.period, last),
            // So far back it was set; or this thread had no time since it has read it.
            _ => read(),
        }
    }

    /// Begins a new period, if this is one, and learns from the last.
    fn begin(&self, number: u64) {
        let was = self.used.kept.load(Ordering::Relaxed);
        let last = was >> KEPT_BITS;
        if last == number || last == number + 1 {
            return;
        }
        let begun = self.used.kept.compare_exchange(
            was,
            number << KEPT_BITS,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if begun.is_err() {
            return;
        }
        let arrived = to_f64(self.used.arrived.swap(0, Ordering::Relaxed))
            / to_f64(number.saturating_sub(last).max(1));
        let expected = f64::from_bits(self.used.expected.load(Ordering::Relaxed));
        // More is believed at once, less by halves.
        let expected = arrived.max(f64::midpoint(expected, arrived));
        self.used
            .expected
            .store(expected.to_bits(), Ordering::Relaxed);
    }

    /// How many were kept in this period; `None` if it is over already.
    fn kept_in(&self, number: u64) -> Option<u64> {
        let kept = self.used.kept.load(Ordering::Relaxed);
        (kept >> KEPT_BITS == number).then_some(kept & MOST)
    }

    /// Takes one of the budget of this period.
    fn take(&self, number: u64) -> bool {
        let one_more = |kept: u64| {
            (kept >> KEPT_BITS == number && kept & MOST < self.budget).then_some(kept + 1)
        };
        self.used
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and times of a period")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::Timestamp;

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Hand(Arc<AtomicU64>);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_nanos(self.0.load(Ordering::Relaxed))
        }
    }

    /// Random enough, and the same in every run.
    fn randomness(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8
    }

    #[test]
    fn never_one_more_and_the_weights_stand_for_all() {
        let clock = Hand::default();
        let limit = RateLimit::per_second(50).clock(clock.clone());
        let (mut all, mut counted) = (0.0, 0.0);
        for second in 0..200u64 {
            let arrivals = 800 + 400 * (second / 50 % 2);
            let mut kept = 0;
            for number in 0..arrivals {
                clock.0.store(
                    (second + 100) * SECOND + number * SECOND / arrivals,
                    Ordering::Relaxed,
                );
                let threshold = limit.keeps(randomness(second * 10_000 + number));
                kept += u32::from(threshold.is_some());
                // The first second has nothing to expect.
                if second > 0 {
                    all += 1.0;
                    counted += threshold.map_or(0.0, Threshold::adjusted_count);
                }
            }
            assert!(kept <= 50, "{kept} in second {second}");
            assert!(kept >= 25, "{kept} in second {second}");
        }
        let error: f64 = counted / all - 1.0;
        assert!(error.abs() < 0.05, "{counted} counted of {all}");
        assert!(limit.stopped() < 3000, "{}", limit.stopped());
    }

    #[test]
    fn a_clone_tells_what_was_stopped_and_shares_the_budget() {
        let clock = Hand::default();
        let limit = RateLimit::per_second(2).clock(clock);
        let _rules = [
            super::super::Rule::new().limit(limit.clone()),
            super::super::Rule::new().at_least(0.1, limit.clone()),
        ];
        let other = limit.clone();
        let kept = (0..5).filter(|_| other.keeps(u64::MAX >> 8).is_some());
        assert_eq!(kept.count(), 2);
        assert_eq!(limit.stopped(), 3);
    }

    #[test]
    fn all_are_kept_where_few_come() {
        let clock = Hand::default();
        let limit = RateLimit::per_second(10).clock(clock.clone());
        for number in 0..100 {
            clock.0.store(SECOND * (100 + number), Ordering::Relaxed);
            let threshold = limit.keeps(randomness(number));
            assert_eq!(threshold, Some(Threshold::ALWAYS));
        }
    }

    #[test]
    fn threads_together_take_no_more_than_the_budget() {
        let clock = Hand::default();
        clock.0.store(100 * SECOND, Ordering::Relaxed);
        let limit = RateLimit::per_second(100).clock(clock);
        let kept: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| (0..1000).filter_map(|_| limit.keeps(u64::MAX >> 8)).count())
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(kept, 100);
        assert_eq!(limit.stopped(), 3900);
    }

    #[test]
    fn a_period_may_be_a_minute() {
        let clock = Hand::default();
        let limit = RateLimit::per(3, Duration::from_secs(60)).clock(clock.clone());
        for minute in 10..20 {
            let kept = (0..60).filter(|second| {
                clock
                    .0
                    .store((minute * 60 + second) * SECOND, Ordering::Relaxed);
                limit.keeps(u64::MAX >> 8).is_some()
            });
            assert_eq!(kept.count(), 3);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing_and_allows_no_more() {
        let clock = Hand::default();
        let limit = RateLimit::per_second(10).clock(clock.clone());
        for (from, seconds) in [(100_000, 60), (96_400, 60), (96_459, 60), (50_000, 60)] {
            let mut total = 0;
            for second in from..from + seconds {
                let kept = (0..100).filter(|part| {
                    let now = second * SECOND + part * SECOND / 100;
                    clock.0.store(now, Ordering::Relaxed);
                    limit.keeps(u64::MAX >> 8).is_some()
                });
                let kept = kept.count();
                assert!(kept <= 10, "{kept}");
                total += kept;
            }
            assert!(total >= 580, "{total} since {from}");
        }
    }

    #[test]
    fn no_traces_in_a_second_are_none() {
        assert_eq!(RateLimit::per_second(0).keeps(u64::MAX >> 8), None);
    }
}
