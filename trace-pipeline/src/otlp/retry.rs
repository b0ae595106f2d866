use std::time::Duration;

use tracing_core_ctx::{IdGenerator as _, RandomIds};

/// Waits that double: between a half and the whole of 200 ms, of 400 ms, ... of 5 s by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            longest,
        }
    }

    /// How long to wait now. Random, so that many clients of a server that failed do not come back all at once.
    pub(super) fn wait(&mut self) -> Duration {
        let whole = self.next.min(self.longest);
        self.next = whole.saturating_mul(2);
        whole.mul_f64(0.5 + random() / 2.0)
    }
}

/// From 0 to 1.
fn random() -> f64 {
    let bits = u64::from_be_bytes(RandomIds::default().span_id().to_bytes()) >> 32;
    u32::try_from(bits).map_or(0.0, f64::from) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_random_in_their_upper_half() {
        let milliseconds = Duration::from_millis;
        let mut seen = Vec::new();
        for _ in 0..100 {
            let mut backoff = Backoff::new(milliseconds(100), milliseconds(350));
            for whole in [100, 200, 350, 350] {
                let wait = backoff.wait();
                assert!(
                    wait >= milliseconds(whole) / 2 && wait <= milliseconds(whole),
                    "{wait:?} of {whole}"
                );
                seen.push(wait);
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() > 300, "{} different waits of 400", seen.len());
    }

    #[test]
    fn no_backoff_overflows() {
        let mut backoff = Backoff::new(Duration::MAX / 2, Duration::MAX / 2);
        for _ in 0..3 {
            let _ = backoff.wait();
        }
    }
}
