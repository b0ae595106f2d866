use std::time::Duration;

use super::Budget;

/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

/// From this part of the budget on less is kept, so that the whole of it is not reached.
const TARGET: f64 = 0.8;
/// However much it costs, one trace of so many is kept: else nobody would see that it is cheaper again.
const LEAST: f64 = 1.0 / 1024.0;
/// How much more is kept from one look to the next, at most.
const GROWTH: f64 = 1.1;
/// What counts of the last look where it was cheaper than before; what was dearer counts whole.
const SMOOTH: f64 = 0.3;

/// Compares what a pipeline costs with its budget. It knows no clock: whoever runs it says what time it is.
#[derive(Debug)]
pub(crate) struct Watchdog {
    budget: Budget,
    last: Option<(Duration, Duration)>,
    /// The part of a core, smoothed.
    cpu: f64,
    rate: f64,
}

impl Watchdog {
    pub(crate) const fn new(budget: Budget) -> Self {
        Self {
            budget,
            last: None,
            cpu: 0.0,
            rate: 1.0,
        }
    }

    /// The part of a core that was used last.
    pub(crate) const fn cpu(&self) -> f64 {
        self.cpu
    }

    /// Whether it is time to look again.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.last
            .is_none_or(|(last, _)| now.saturating_sub(last) >= LOOK)
    }

    /// At `now` the threads had `cpu` on the processor so far, and spans hold `bytes`: which part of the traces is kept from now on?
    #[expect(clippy::cast_precision_loss, reason = "a part of the whole")]
    pub(crate) fn look(&mut self, now: Duration, cpu: Duration, bytes: u64) -> f64 {
        let Some((last, used)) = self.last.replace((now, cpu)) else {
            return self.rate;
        };
        let passed = now.saturating_sub(last).as_secs_f64();
        if passed <= 0.0 {
            return self.rate;
        }
        let share = cpu.saturating_sub(used).as_secs_f64() / passed;
        self.cpu = if share > self.cpu {
            share
        } else {
            self.cpu + SMOOTH * (share - self.cpu)
        };
        let load =
            part(self.cpu, self.budget.cpu).max(part(bytes as f64, self.budget.bytes as f64));
        let times = (TARGET / load.max(f64::MIN_POSITIVE)).min(GROWTH);
        self.rate = (self.rate * times).clamp(LEAST, 1.0);
        self.rate
    }
}

/// How much of a budget is used. Of none at all, everything is too much.
fn part(used: f64, budget: f64) -> f64 {
    if budget > 0.0 {
        used / budget
    } else if used > 0.0 {
        f64::MAX
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipeline in virtual time: each trace that is kept costs a millisecond, and it costs a little in any case.
    struct Service {
        watchdog: Watchdog,
        now: Duration,
        cpu: Duration,
    }

    impl Service {
        fn new(budget: Budget) -> Self {
            let mut watchdog = Watchdog::new(budget);
            watchdog.look(Duration::ZERO, Duration::ZERO, 0);
            Self {
                watchdog,
                now: Duration::ZERO,
                cpu: Duration::ZERO,
            }
        }

        /// The time until the next look, with so many traces in a second and so many bytes if all are kept. Says what part of a core it cost.
        fn step(&mut self, traces: f64, bytes: f64) -> f64 {
            let rate = self.watchdog.rate;
            let share = 0.001 + traces * rate * 0.001;
            self.now += LOOK;
            self.cpu += LOOK.mul_f64(share);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bytes of a test"
            )]
            let held = (bytes * rate) as u64;
            assert!(self.watchdog.is_due(self.now));
            self.watchdog.look(self.now, self.cpu, held);
            share
        }
    }

    #[test]
    fn below_the_budget_everything_is_kept() {
        let mut service = Service::new(Budget::new());
        for _ in 0..400 {
            service.step(35.0, 50e6);
            assert!((service.watchdog.rate - 1.0).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn a_load_that_grows_is_met_before_the_budget_is_exceeded() {
        let mut service = Service::new(Budget::new());
        let mut traces = 10.0;
        // It doubles in each five seconds, up to a hundred times the budget.
        while traces < 5000.0 {
            let share = service.step(traces, 0.0);
            assert!(share < 0.05, "{share} at {traces}");
            traces *= 2.0_f64.powf(0.25 / 5.0);
        }
        assert!(service.watchdog.rate < 0.02);
        // And used: it does not keep less than it may.
        let share = service.step(traces, 0.0);
        assert!(share > 0.03, "{share}");
    }

    #[test]
    fn a_sudden_load_costs_too_much_until_the_next_look_alone() {
        let mut service = Service::new(Budget::new());
        service.step(10.0, 0.0);
        let shares: Vec<f64> = (0..100).map(|_| service.step(1000.0, 0.0)).collect();
        assert!(shares[0] > 0.5, "{shares:?}");
        assert!(shares[1..].iter().all(|share| *share < 0.05), "{shares:?}");
        // When it is over, all is kept again within a minute.
        for _ in 0..240 {
            service.step(10.0, 0.0);
        }
        assert!((service.watchdog.rate - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn memory_has_a_budget_as_well() {
        let mut service = Service::new(Budget::new().bytes(100_000_000));
        let mut bytes = 10e6;
        while bytes < 1e9 {
            let rate = service.watchdog.rate;
            assert!(bytes * rate < 100e6, "{bytes} at {rate}");
            service.step(1.0, bytes);
            bytes *= 1.03;
        }
        assert!(service.watchdog.rate < 0.15);
    }

    #[test]
    fn a_budget_of_nothing_leaves_a_little_and_a_clock_that_stands_changes_nothing() {
        let mut watchdog = Watchdog::new(Budget::new().cpu(0.0).bytes(0));
        let second = Duration::from_secs(1);
        watchdog.look(second, second, 1);
        let rate = watchdog.look(2 * second, 2 * second, 1);
        assert!((rate - LEAST).abs() < f64::EPSILON);
        for (now, cpu) in [(2, 3), (1, 1), (0, 9)] {
            let rate = watchdog.look(now * second, cpu * second, 1);
            assert!(rate.is_finite() && rate >= LEAST);
        }
    }
}
