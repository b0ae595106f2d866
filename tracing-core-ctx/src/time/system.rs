use std::sync::Mutex;

use super::anchor::{Anchor, Anchors};
use super::source::{Monotonic, Processor, Source};
use super::steering::{LOOK, Look, Steering};
use super::{Clock, Timestamp};

/// The computer's time.
///
/// It is counted by the processor's own counter where the kernel itself relies on that (Linux on x86-64 and on 64-bit ARM), which is
/// read in half of the time, and by the standard library's monotonic clock anywhere else. If the counter turns out not to run evenly,
/// the monotonic clock takes over for good.
///
/// Once a second the wall clock is looked at. A difference is made up for by running faster or slower, by half a thousandth at most, so
/// that drift and the adjustments of NTP are followed. More than ten milliseconds are a step: the wall clock was set, or the computer
/// slept, and this clock follows at once. Between two such steps it does not run backwards, and a span that runs over one is never
/// negative.
///
/// The first one that a process makes measures the counter, which takes about a millisecond.
#[derive(Debug)]
pub struct SystemClock {
    processor: Option<Steered<Processor>>,
    monotonic: Steered<Monotonic>,
}

impl SystemClock {
    /// A clock that shows the present wall time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            processor: Processor::new().map(Steered::new),
            monotonic: Steered::new(Monotonic::new()),
        }
    }

    /// By itself: so it costs the other way no registers.
    #[inline(never)]
    fn monotonic(&self) -> u64 {
        self.monotonic.now().unwrap_or_default()
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let counted = self.processor.as_ref().and_then(Steered::now);
        Timestamp(counted.unwrap_or_else(|| self.monotonic()))
    }
}

/// A source in step with the wall clock.
#[derive(Debug)]
struct Steered<S> {
    source: S,
    anchors: Anchors,
    /// Nobody waits for it: while one thread looks at the wall clock, the others go on with what was known.
    steering: Mutex<Steering>,
}

impl<S: Source> Steered<S> {
    fn new(source: S) -> Self {
        let rate = source.rate();
        let mut steering = Steering::new(rate, source.most_strikes());
        let look = look(&source);
        let mut first = Anchor {
            count: look.before,
            unix: look.wall,
            rate,
        };
        if let Some(anchor) = steering.steer(first, look) {
            first = anchor;
        }
        Self {
            anchors: Anchors::new(first),
            steering: Mutex::new(steering),
            source,
        }
    }

    /// Nanoseconds since the Unix epoch; `None` when the counter is not to be believed.
    fn now(&self) -> Option<u64> {
        let anchor = self.anchors.load();
        let nanos = anchor.nanos_to(self.source.count());
        if nanos < LOOK && anchor.rate != 0 {
            return Some(anchor.unix.wrapping_add(nanos));
        }
        self.look_and_tell(anchor)
    }

    #[cold]
    fn look_and_tell(&self, anchor: Anchor) -> Option<u64> {
        if anchor.rate == 0 {
            return None;
        }
        if let Ok(mut steering) = self.steering.try_lock() {
            // Another thread may just have looked.
            let anchor = self.anchors.load();
            if anchor.nanos_to(self.source.count()) >= LOOK
                && let Some(anchor) = steering.steer(anchor, look(&self.source))
            {
                self.anchors.store(anchor);
            }
        }
        let anchor = self.anchors.load();
        // The counter of this processor may be a little behind that of the one that looked.
        let counts = self.source.count().wrapping_sub(anchor.count);
        let nanos = match counts.cast_signed() {
            0.. => anchor.nanos_to(anchor.count.wrapping_add(counts)),
            _ => 0,
        };
        (anchor.rate != 0).then(|| anchor.unix.wrapping_add(nanos))
    }
}

fn look(source: &impl Source) -> Look {
    Look {
        before: source.count(),
        wall: source.wall(),
        after: source.count(),
    }
}

#[cfg(test)]
mod tests;
