//! What was not seen for long.

use std::collections::HashMap;
use std::time::Duration;

/// So many combinations are remembered.
const MOST: usize = 4096;

/// When each combination was seen last, by its hash.
#[derive(Debug, Default)]
pub(super) struct Seen {
    last: HashMap<u64, Duration>,
    /// There is nothing to be forgotten before.
    full_until: Duration,
}

impl Seen {
    /// Notes that it was seen, and says whether that is the first time within `period`.
    pub(super) fn is_rare(&mut self, what: u64, period: Duration, now: Duration) -> bool {
        if let Some(last) = self.last.get_mut(&what) {
            let before = std::mem::replace(last, now);
            return now.saturating_sub(before) > period;
        }
        if self.last.len() >= MOST {
            if now < self.full_until {
                return false;
            }
            self.last
                .retain(|_, last| now.saturating_sub(*last) <= period);
            if self.last.len() >= MOST {
                // Somebody makes up combinations: they are looked through once in a while, not for each.
                self.full_until = now + period / 64;
                return false;
            }
        }
        self.last.insert(what, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn what_is_seen_again_within_the_period_is_not_rare() {
        let mut seen = Seen::default();
        assert!(seen.is_rare(1, HOUR, Duration::ZERO));
        assert!(!seen.is_rare(1, HOUR, HOUR));
        assert!(seen.is_rare(1, HOUR, 3 * HOUR));
        assert!(seen.is_rare(2, HOUR, 3 * HOUR));
    }

    #[test]
    fn made_up_combinations_are_bounded_and_not_rare() {
        let mut seen = Seen::default();
        let rare = (0..10_000)
            .filter(|what| seen.is_rare(*what, HOUR, Duration::from_secs(1)))
            .count();
        assert_eq!((rare, seen.last.len()), (MOST, MOST));
        // They are forgotten when the hour is over.
        assert!(seen.is_rare(1 << 40, HOUR, 2 * HOUR));
        assert_eq!(seen.last.len(), 1);
    }
}
