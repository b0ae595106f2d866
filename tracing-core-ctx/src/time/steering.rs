//! Keeping a counter in step with the wall clock.

use super::anchor::Anchor;

/// How often the wall clock is looked at, in nanoseconds.
pub(super) const LOOK: u64 = 1_000_000_000;
/// What is a step of the wall clock, and followed at once. What is less is made up for little by little.
const STEP: u64 = 10_000_000;
/// How much faster or slower than it is the clock may run to make up for a difference: half a thousandth, as the system's own does.
const MOST_MADE_UP: i64 = 500_000;
/// A rate that differs from the one before by more than a thousandth was not measured: the wall clock or the counter was set.
const RATE_TOLERANCE: u64 = 1_000;
/// As many such rates in a row, and it was the counter, if that is possible.
pub(super) const STRIKES: u32 = 8;
/// What the processors' counters may differ by, in counts.
const SKEW: u64 = 1 << 20;
/// How near to each other the two clocks must be read, in nanoseconds: first, and when the computer is too busy for it.
const NEAR: u64 = 10_000;
const NEAR_WHEN_BUSY: u64 = 5_000_000;

/// What is remembered from one look at the wall clock to the next.
#[derive(Debug)]
pub(super) struct Steering {
    /// How fast the counter runs, as far as it was measured; see [`Anchor::rate`].
    rate: u64,
    /// The last time both clocks were read.
    last: Option<(u64, u64)>,
    strikes: u32,
    most_strikes: u32,
    near: u64,
}

/// One look: the wall clock, in nanoseconds since the Unix epoch, and the counter before and after it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) before: u64,
    pub(super) wall: u64,
    pub(super) after: u64,
}

impl Steering {
    /// For a counter of this rate, which is not believed any more after so many strikes in a row.
    pub(super) const fn new(rate: u64, most_strikes: u32) -> Self {
        Self {
            rate,
            last: None,
            strikes: 0,
            most_strikes,
            near: NEAR,
        }
    }

    /// The anchor from here on; `None` when nothing can be said, since this thread was put aside in between.
    pub(super) fn steer(&mut self, anchor: Anchor, look: Look) -> Option<Anchor> {
        let behind = anchor.count.wrapping_sub(look.before);
        if behind <= u64::MAX / 2 && behind > SKEW {
            return Some(Self::distrust(anchor));
        }
        let width = look.after.wrapping_sub(look.before);
        let count = look.before.wrapping_add(width / 2);
        let rated = Anchor {
            count: look.before,
            rate: self.rate,
            ..anchor
        };
        if rated.nanos_to(look.after) > self.near {
            self.near = (2 * self.near).min(NEAR_WHEN_BUSY);
            return None;
        }
        self.near = NEAR;
        self.measure(count, look.wall);
        if self.strikes >= self.most_strikes {
            return Some(Self::distrust(anchor));
        }
        let gone = match behind {
            0..=SKEW => 0,
            _ => anchor.nanos_to(count),
        };
        let shown = anchor.unix.wrapping_add(gone);
        // Nobody has asked for the time since the last look was due, so nobody can notice a small step.
        let was_idle = gone >= 2 * LOOK;
        if was_idle || shown.abs_diff(look.wall) > STEP {
            return Some(Anchor {
                count,
                unix: look.wall,
                rate: self.rate,
            });
        }
        // Half of the difference until the next look, which cannot overshoot.
        let late = look.wall.wrapping_sub(shown).cast_signed() / 2;
        let late = late.clamp(-MOST_MADE_UP, MOST_MADE_UP);
        let change = i128::from(self.rate) * i128::from(late) / i128::from(LOOK);
        let rate = i128::from(self.rate) + change;
        Some(Anchor {
            count,
            unix: shown,
            rate: u64::try_from(rate).unwrap_or(self.rate),
        })
    }

    fn measure(&mut self, count: u64, wall: u64) {
        let Some((last_count, last_wall)) = self.last.replace((count, wall)) else {
            return;
        };
        let counts = u128::from(count.wrapping_sub(last_count));
        let nanos = u128::from(wall.saturating_sub(last_wall));
        let measured = (nanos << 32).checked_div(counts).unwrap_or_default();
        let measured = u64::try_from(measured).unwrap_or(u64::MAX);
        if measured.abs_diff(self.rate) <= self.rate / RATE_TOLERANCE {
            self.rate = measured;
            self.strikes = 0;
        } else {
            self.strikes = self.strikes.saturating_add(1);
        }
    }

    const fn distrust(anchor: Anchor) -> Anchor {
        Anchor { rate: 0, ..anchor }
    }
}
