use std::time::Duration;

use tracing_core_ctx::Timestamp;

/// For how long a span was entered, and was not.
#[derive(Debug)]
pub(super) struct Timings {
    pub(super) busy: Duration,
    pub(super) idle: Duration,
    since: Timestamp,
    /// How many threads are in it, or how often one is.
    entered: u32,
}

impl Timings {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            busy: Duration::ZERO,
            idle: Duration::ZERO,
            since: now,
            entered: 0,
        }
    }

    pub(super) fn enter(&mut self, now: Timestamp) {
        if self.entered == 0 {
            self.idle += now.since(self.since);
            self.since = now;
        }
        self.entered += 1;
    }

    pub(super) fn exit(&mut self, now: Timestamp) {
        if self.entered == 1 {
            self.busy += now.since(self.since);
            self.since = now;
        }
        self.entered = self.entered.saturating_sub(1);
    }

    /// When the span ends, which may be while it is entered.
    pub(super) fn end(&mut self, now: Timestamp) {
        if self.entered == 0 {
            self.idle += now.since(self.since);
        } else {
            self.busy += now.since(self.since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_unix_nanos(nanos)
    }

    #[test]
    fn a_span_is_busy_while_anybody_is_in_it() {
        let mut timings = Timings::new(at(0));
        timings.enter(at(1));
        timings.enter(at(3));
        timings.exit(at(7));
        timings.exit(at(15));
        timings.end(at(31));
        assert_eq!(timings.busy, Duration::from_nanos(14));
        assert_eq!(timings.idle, Duration::from_nanos(17));
    }

    #[test]
    fn an_exit_too_many_changes_nothing() {
        let mut timings = Timings::new(at(0));
        timings.exit(at(5));
        timings.end(at(8));
        assert_eq!(timings.busy, Duration::ZERO);
        assert_eq!(timings.idle, Duration::from_nanos(8));
    }
}
