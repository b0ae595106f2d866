//! How readings of a counter become moments, and how all threads come to know it without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A count, the moment it stood for, and how fast it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) count: u64,
    /// In nanoseconds since the Unix epoch.
    pub(super) unix: u64,
    /// Nanoseconds per count, times 2^32. Zero: the counter is not to be believed.
    pub(super) rate: u64,
}

impl Anchor {
    /// Nanoseconds from the anchor to `count`. What lies before the anchor gives a huge number.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "more than 500 years are as good as fewer"
    )]
    pub(super) const fn nanos_to(self, count: u64) -> u64 {
        let counts = count.wrapping_sub(self.count);
        ((counts as u128 * self.rate as u128) >> 32) as u64
    }
}

/// An anchor that is changed about once a second and read all the time.
///
/// Two places: while one is read, the other is written. A reader that is so slow that its place is written again notices, and reads once
/// more.
#[derive(Debug)]
pub(super) struct Anchors {
    /// How many were written; the last one lies in the place of this number, even or odd.
    written: AtomicU64,
    places: [Place; 2],
}

#[derive(Debug)]
struct Place {
    count: AtomicU64,
    unix: AtomicU64,
    rate: AtomicU64,
}

impl Anchors {
    pub(super) fn new(first: Anchor) -> Self {
        let place = || Place {
            count: AtomicU64::new(first.count),
            unix: AtomicU64::new(first.unix),
            rate: AtomicU64::new(first.rate),
        };
        Self {
            written: AtomicU64::new(0),
            places: [place(), place()],
        }
    }

    pub(super) fn load(&self) -> Anchor {
        loop {
            let written = self.written.load(Ordering::Acquire);
            let place = self.place(written);
            let anchor = Anchor {
                count: place.count.load(Ordering::Relaxed),
                unix: place.unix.load(Ordering::Relaxed),
                rate: place.rate.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            if self.written.load(Ordering::Relaxed) == written {
                return anchor;
            }
        }
    }

    /// Only for one thread at a time.
    pub(super) fn store(&self, anchor: Anchor) {
        let written = self.written.load(Ordering::Relaxed).wrapping_add(1);
        let place = self.place(written);
        // Whoever still reads this place, and sees any of what follows, also sees that one more was written since.
        fence(Ordering::Release);
        place.count.store(anchor.count, Ordering::Relaxed);
        place.unix.store(anchor.unix, Ordering::Relaxed);
        place.rate.store(anchor.rate, Ordering::Relaxed);
        self.written.store(written, Ordering::Release);
    }

    const fn place(&self, written: u64) -> &Place {
        let [even, odd] = &self.places;
        if written & 1 == 0 { even } else { odd }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn counts_become_nanoseconds_by_the_rate() {
        let anchor = Anchor {
            count: 1_000,
            unix: 0,
            rate: 1 << 31,
        };
        assert_eq!(anchor.nanos_to(1_000), 0);
        assert_eq!(anchor.nanos_to(3_000), 1_000);
        // A counter of 3 GHz, after a year.
        let third = Anchor {
            rate: (1 << 32) / 3,
            ..anchor
        };
        let year = 365 * 86_400 * 1_000_000_000_u64;
        assert!(third.nanos_to(1_000 + 3 * year).abs_diff(year) < 50_000_000);
        assert!(anchor.nanos_to(999) > year, "before the anchor");
    }

    #[test]
    fn no_thread_sees_a_half_written_anchor() {
        let of = |number: u64| Anchor {
            count: number,
            unix: 3 * number,
            rate: 7 * number,
        };
        let (anchors, done) = (Anchors::new(of(1)), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let anchor = anchors.load();
                        assert_eq!(anchor, of(anchor.count));
                        assert!(anchor.count >= last);
                        last = anchor.count;
                    }
                });
            }
            for number in 2..200_000 {
                anchors.store(of(number));
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
