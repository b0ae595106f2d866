//! How often something took how long.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::{SpanId, Timestamp, TraceId};

/// The upper ends of the buckets in seconds, as the conventions have them for requests and calls; what is above is in one more.
pub(crate) const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The same for the time in a queue, which may be a day.
pub(super) const LONG_BOUNDS: [f64; 14] = [
    0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0,
];

pub(crate) const BUCKETS: usize = BOUNDS.len() + 1;

/// Durations in seconds.
#[derive(Debug, Default)]
pub(crate) struct Histogram(Mutex<Snapshot>);

/// What a histogram holds at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The upper ends of the buckets.
    pub(crate) bounds: &'static [f64; 14],
    pub(crate) buckets: [u64; BUCKETS],
    pub(crate) sum: f64,
    /// The last of each bucket.
    pub(crate) exemplars: [Option<Exemplar>; BUCKETS],
}

/// A span that took so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) seconds: f64,
    pub(crate) time: Timestamp,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::within(&BOUNDS)
    }
}

impl Histogram {
    /// One with other buckets.
    pub(super) const fn within(bounds: &'static [f64; 14]) -> Self {
        Self(Mutex::new(Snapshot::within(bounds)))
    }

    pub(crate) fn record(&self, seconds: f64) {
        let mut all = self.lock();
        let bucket = all.bucket(seconds);
        if let Some(count) = all.buckets.get_mut(bucket) {
            *count += 1;
        }
        all.sum += seconds;
    }

    /// Points to a span whose duration is recorded.
    pub(super) fn exemplify(&self, exemplar: Exemplar) {
        let mut all = self.lock();
        let bucket = all.bucket(exemplar.seconds);
        if let Some(place) = all.exemplars.get_mut(bucket) {
            *place = Some(exemplar);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    const fn within(bounds: &'static [f64; 14]) -> Self {
        Self {
            bounds,
            buckets: [0; BUCKETS],
            sum: 0.0,
            exemplars: [None; BUCKETS],
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Each has its upper end ([data model](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#histogram)).
    fn bucket(&self, seconds: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_whose_upper_end_is_not_below_it() {
        for (seconds, expected) in [
            (0.0, 0),
            (0.005, 0),
            (0.005_000_1, 1),
            (1.0, 9),
            (10.0, 13),
            (10.1, 14),
            (f64::INFINITY, 14),
        ] {
            assert_eq!(Snapshot::default().bucket(seconds), expected, "{seconds}");
        }
    }
}
