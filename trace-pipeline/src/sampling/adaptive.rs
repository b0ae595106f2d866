use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tracing_core_ctx::sampler::threshold::Threshold;
use tracing_core_ctx::{Clock, SystemClock, Timestamp};

use super::route::Route;

/// So many traces in a second of each route, about: what comes more often is kept more rarely.
///
/// Once a second the probability of each route is set anew, to its target over what comes, and then
///
/// - **up**, four times, while more than 5 % of its requests fail;
/// - **up**, twice, in the first hour after it was made, which after a deployment is the one that is looked at;
/// - **down at once** when more than twice as many come as before, also within the second and for a route that is new; without that, changes are smoothed
///   over some seconds;
/// - **down** as the pipeline fills, or its spool: to a tenth when there is no more room for spans that wait to be sent.
///
/// A route is the method and `http.route`, an RPC method, a topic, or else the span's name. 512 routes have a probability of their own; those beyond
/// share one. A route is forgotten when it was not used for ten minutes.
///
/// ```
/// use trace_pipeline::sampling::{Adaptive, Rule, Rules};
///
/// let rules = Rules::new().rule(Rule::new().adaptive(Adaptive::per_second(2.0)));
/// ```
#[derive(Debug)]
pub struct Adaptive {
    target: f64,
    clock: Arc<dyn Clock>,
    routes: Box<[Known]>,
    /// Of the routes that have no place.
    others: Known,
    started: Timestamp,
    deployment: (f64, Duration),
    next: AtomicU64,
    /// How full the pipeline is, as the bits of a float.
    pressure: AtomicU64,
}

/// What is known about a route.
#[derive(Debug, Default)]
struct Known {
    /// 0 as long as nobody has the place.
    route: AtomicU64,
    arrived: AtomicU32,
    ended: AtomicU32,
    failed: AtomicU32,
    /// Smoothed, in a second; the bits of floats.
    rate: AtomicU64,
    errors: AtomicU64,
    threshold: AtomicU64,
    idle: AtomicU32,
}

const ROUTES: usize = 512;
/// A route has its place among so many, from where its number points.
const PROBES: usize = 8;
const SECOND: u64 = 1_000_000_000;
const FORGOTTEN: u32 = 600;
/// However much comes, one of so many is kept.
const LEAST: f64 = 1e-5;
/// What counts of the last second.
const SMOOTH: f64 = 0.3;
const MANY_ERRORS: f64 = 0.05;
/// With fewer requests in a second than this, twice as many are no spike.
const FEW: f64 = 10.0;

impl Adaptive {
    /// A target for each route.
    #[must_use]
    pub fn per_second(traces: f64) -> Self {
        let clock = SystemClock::new();
        let started = clock.now();
        Self {
            target: if traces.is_finite() {
                traces.max(0.0)
            } else {
                f64::MAX
            },
            routes: (0..ROUTES).map(|_| Known::default()).collect(),
            others: Known::default(),
            started,
            deployment: (2.0, Duration::from_secs(3600)),
            next: AtomicU64::new(started.as_unix_nanos() + SECOND),
            pressure: AtomicU64::new(0),
            clock: Arc::new(clock),
        }
    }

    /// How many times as many are kept for how long from now on. Default: twice, for an hour.
    #[must_use]
    pub const fn after_deployment(mut self, times: f64, period: Duration) -> Self {
        self.deployment = (times, period);
        self
    }

    /// By another clock, for tests. Default: that of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.started = clock.now();
        self.next = AtomicU64::new(self.started.as_unix_nanos() + SECOND);
        self.clock = Arc::new(clock);
        self
    }

    /// Whether it has the same target, whatever it has learnt.
    #[cfg(any(feature = "jaeger-remote", feature = "rules-file"))]
    pub(super) fn is_set_as(&self, other: &Self) -> bool {
        let bits = |one: &Self| (one.target.to_bits(), one.deployment.0.to_bits());
        bits(self) == bits(other) && self.deployment.1 == other.deployment.1
    }

    /// A trace of this route starts: which threshold is for it?
    pub(crate) fn threshold(&self, route: Route) -> Threshold {
        let now = self.clock.now();
        let next = self.next.load(Ordering::Relaxed);
        // More than a second too early: the clock was set back.
        let is_set_back = now.as_unix_nanos() < next.saturating_sub(2 * SECOND);
        if now.as_unix_nanos() >= next || is_set_back {
            let later = now.as_unix_nanos() + SECOND;
            let is_mine =
                self.next
                    .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed);
            if is_mine.is_ok() {
                let passed = match is_set_back {
                    true => SECOND,
                    false => now.as_unix_nanos() - (next - SECOND),
                };
                self.adapt(now, Duration::from_nanos(passed));
            }
        }
        let known = self.place(route.full);
        let arrived = f64::from(known.arrived.fetch_add(1, Ordering::Relaxed)) + 1.0;
        let threshold = known.threshold.load(Ordering::Relaxed);
        let threshold = Threshold::from_bits(threshold).unwrap_or(Threshold::ALWAYS);
        let rate = f64::from_bits(known.rate.load(Ordering::Relaxed));
        if arrived <= (2.0 * rate).max(FEW).max(self.target) {
            return threshold;
        }
        // Many more than were expected, before the second is over.
        threshold.max(least(self.target * self.times(now) / arrived))
    }

    /// A local root has ended.
    pub(crate) fn ended(&self, route: Route, is_error: bool, pressure: f64) {
        self.pressure.store(pressure.to_bits(), Ordering::Relaxed);
        let is_taken = |known: &Known| known.route.load(Ordering::Relaxed) != 0;
        let known = match self.find(route.full).or_else(|| self.find(route.early)) {
            Some(known) => known,
            None if self.places(route.full).all(is_taken) => &self.others,
            // It has never started here: another rule decides about it.
            None => return,
        };
        known.ended.fetch_add(1, Ordering::Relaxed);
        if is_error {
            known.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn places(&self, route: u64) -> impl Iterator<Item = &Known> {
        let start = usize::try_from(route % ROUTES as u64).unwrap_or_default();
        (start..start + PROBES).map(|place| &self.routes[place % ROUTES])
    }

    fn find(&self, route: u64) -> Option<&Known> {
        self.places(route)
            .find(|known| known.route.load(Ordering::Relaxed) == route)
    }

    /// The place of a route, which takes a free one if it has none.
    fn place(&self, route: u64) -> &Known {
        if let Some(known) = self.find(route) {
            return known;
        }
        for known in self.places(route) {
            match known
                .route
                .compare_exchange(0, route, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return known,
                Err(other) if other == route => return known,
                Err(_) => {}
            }
        }
        &self.others
    }

    /// How many times its target is kept of each route at present.
    fn times(&self, now: Timestamp) -> f64 {
        let pressure = f64::from_bits(self.pressure.load(Ordering::Relaxed)).clamp(0.0, 1.0);
        let mut times = 1.0 - 0.9 * pressure;
        if now.since(self.started) < self.deployment.1 {
            times *= self.deployment.0;
        }
        times
    }

    fn adapt(&self, now: Timestamp, passed: Duration) {
        let target = self.target * self.times(now);
        let seconds = passed.as_secs_f64().max(0.001);
        for known in self.routes.iter().chain([&self.others]) {
            known.adapt(target, seconds);
        }
    }
}

/// The threshold of a probability. It keeps something, however small that is.
fn least(probability: f64) -> Threshold {
    Threshold::from_probability(probability.clamp(LEAST, 1.0)).unwrap_or(Threshold::ALWAYS)
}

impl Known {
    fn adapt(&self, target: f64, seconds: f64) {
        let arrived = self.arrived.swap(0, Ordering::Relaxed);
        if arrived > 0 {
            self.idle.store(0, Ordering::Relaxed);
        } else if self.forget_if_idle(seconds) {
            return;
        }
        let now = f64::from(arrived) / seconds;
        let before = f64::from_bits(self.rate.load(Ordering::Relaxed));
        let is_new = before <= 0.0;
        let is_spike = now > 2.0 * before && now > FEW;
        let rate = if is_new || is_spike {
            now
        } else {
            before + SMOOTH * (now - before)
        };
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        let mut probability = target / rate.max(f64::MIN_POSITIVE);
        if self.error_rate() > MANY_ERRORS {
            probability *= 4.0;
        }
        let threshold = least(probability).to_bits();
        self.threshold.store(threshold, Ordering::Relaxed);
    }

    /// Which part of those that have ended has failed, smoothed.
    fn error_rate(&self) -> f64 {
        let ended = self.ended.swap(0, Ordering::Relaxed);
        let failed = self.failed.swap(0, Ordering::Relaxed);
        let before = f64::from_bits(self.errors.load(Ordering::Relaxed));
        if ended == 0 {
            return before;
        }
        // Few say little.
        let trust = SMOOTH * (f64::from(ended) / 5.0).min(1.0);
        let rate = before + trust * (f64::from(failed) / f64::from(ended) - before);
        self.errors.store(rate.to_bits(), Ordering::Relaxed);
        rate
    }

    fn forget_if_idle(&self, seconds: f64) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds above zero, and at most those that are counted"
        )]
        let passed = seconds.min(f64::from(FORGOTTEN)).ceil() as u32;
        if self.idle.fetch_add(passed, Ordering::Relaxed) < FORGOTTEN {
            return false;
        }
        for number in [&self.rate, &self.errors, &self.threshold, &self.route] {
            number.store(0, Ordering::Relaxed);
        }
        self.idle.store(0, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests;
