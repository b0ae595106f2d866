//! What is slow for a route, learnt while it goes.

use std::collections::HashMap;
use std::time::Duration;

use super::local::ById;

/// Routes with a percentile of their own; all others share one.
const ROUTES: usize = 500;

/// Sixteen buckets for each doubling, from a microsecond to some hours; between their ends it is interpolated.
const STEPS: u64 = 16;
const BUCKETS: usize = 34 * 16;

/// When so many durations were seen, they count half: a route that changes is known anew after some thousand requests.
const FADE: u64 = 1 << 14;

/// A limit is looked up again after so many durations.
const STALE: u32 = 64;

/// The durations of each route.
#[derive(Debug, Default)]
pub(super) struct Latency {
    routes: HashMap<u64, Durations, ById>,
}

impl Latency {
    /// Whether `duration` is among the slowest `share` of what this route has shown until now. It is counted by [`see`](Self::see).
    pub(super) fn is_slow(&mut self, route: u64, share: f64, duration: Duration) -> bool {
        self.of(route)
            .limit(share)
            .is_some_and(|limit| micros(duration) >= limit)
    }

    pub(super) fn see(&mut self, route: u64, duration: Duration) {
        self.of(route).see(micros(duration));
    }

    fn of(&mut self, route: u64) -> &mut Durations {
        let has_room = self.routes.len() < ROUTES;
        let key = if has_room || self.routes.contains_key(&route) {
            route
        } else {
            0
        };
        self.routes.entry(key).or_default()
    }
}

/// How often durations were seen, by their size.
#[derive(Debug)]
struct Durations {
    counts: Box<[u32; BUCKETS]>,
    total: u64,
    /// The share that was asked for last, its limit, and how many durations ago that was found.
    cached: Option<(f64, u64)>,
    age: u32,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            total: 0,
            cached: None,
            age: 0,
        }
    }
}

impl Durations {
    fn see(&mut self, micros: u64) {
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.age += 1;
        if self.age >= STALE {
            self.cached = None;
            self.age = 0;
        }
        if self.total >= FADE {
            for count in self.counts.iter_mut() {
                *count /= 2;
            }
            self.total = self.counts.iter().map(|count| u64::from(*count)).sum();
        }
    }

    /// The duration in microseconds that `share` of all reach; `None` as long as too few were seen.
    fn limit(&mut self, share: f64) -> Option<u64> {
        const FEWEST: f64 = 100.0;

        let enough = (2.0 / share).clamp(FEWEST, to_f64(FADE / 2));
        if to_f64(self.total) < enough {
            return None;
        }
        match self.cached {
            Some((cached, limit)) if cached.total_cmp(&share).is_eq() => Some(limit),
            _ => {
                let limit = self.find(share);
                self.cached = Some((share, limit));
                Some(limit)
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of the width of a bucket"
    )]
    fn find(&self, share: f64) -> u64 {
        let mut left = share.clamp(0.0, 1.0) * to_f64(self.total);
        for (index, count) in self.counts.iter().enumerate().rev() {
            let count = f64::from(*count);
            if count > left {
                let (low, high) = (lower(index), lower(index + 1));
                let part = to_f64(high - low) * left / count;
                return high - part as u64;
            }
            left -= count;
        }
        0
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

/// The bucket of a duration: those below 16 µs have one each, then 16 for each doubling.
fn bucket(micros: u64) -> usize {
    let index = if micros < STEPS {
        micros
    } else {
        let doublings = u64::from(micros.ilog2()) - 4;
        (doublings + 1) * STEPS + ((micros >> doublings) & (STEPS - 1))
    };
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The smallest duration of a bucket.
fn lower(index: usize) -> u64 {
    let index = index as u64;
    if index < STEPS {
        index
    } else {
        (STEPS + index % STEPS) << (index / STEPS - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_slow_before_enough_was_seen() {
        let mut latency = Latency::default();
        for _ in 0..199 {
            latency.see(7, Duration::from_millis(10));
        }
        assert!(!latency.is_slow(7, 0.01, Duration::from_secs(1)));
        latency.see(7, Duration::from_millis(10));
        assert!(latency.is_slow(7, 0.01, Duration::from_secs(1)));
        assert!(!latency.is_slow(8, 0.01, Duration::from_secs(1)));
    }

    #[test]
    fn the_slowest_share_of_a_steady_route_is_that_share() {
        let mut latency = Latency::default();
        let mut slow = 0;
        // Thousandths in another order, by a step that shares no factor with 1000: the longer the rarer.
        for number in 0u64..100_000 {
            let duration =
                Duration::from_millis(1000) / (1000 - u32::try_from(number * 387 % 1000).unwrap());
            slow += u32::from(latency.is_slow(1, 0.01, duration));
            latency.see(1, duration);
        }
        assert!((800..1200).contains(&slow), "{slow}");
    }

    #[test]
    fn routes_without_number_share_one() {
        let mut latency = Latency::default();
        for route in 1..10_000 {
            latency.see(route, Duration::from_millis(1));
        }
        assert_eq!(latency.routes.len(), ROUTES + 1);
    }

    proptest! {
        #[test]
        fn a_duration_lies_in_its_bucket(micros in 0u64..1 << 34) {
            let index = bucket(micros);
            prop_assert!(lower(index) <= micros && micros < lower(index + 1), "{index}");
        }
    }
}
