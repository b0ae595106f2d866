//! What counts the time.

use std::fmt;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use std::sync::OnceLock;
use std::time::Instant;

use super::steering::STRIKES;
use super::{Timestamp, nanos};

/// A counter that runs evenly, and the wall clock.
pub(super) trait Source: fmt::Debug {
    fn count(&self) -> u64;

    /// Nanoseconds per count, times 2^32, as far as it is known.
    fn rate(&self) -> u64;

    /// After how many failures in a row the counter is not believed any more.
    fn most_strikes(&self) -> u32 {
        STRIKES
    }

    /// Nanoseconds since the Unix epoch.
    fn wall(&self) -> u64 {
        wall().as_unix_nanos()
    }
}

/// The monotonic clock of the standard library.
#[derive(Debug)]
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Source for Monotonic {
    fn count(&self) -> u64 {
        nanos(self.0.elapsed())
    }

    fn rate(&self) -> u64 {
        1 << 32
    }

    fn most_strikes(&self) -> u32 {
        // It is believed whatever happens: there is no other.
        u32::MAX
    }
}

/// The counter of the processor, which is read without asking the system.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[derive(Debug)]
pub(super) struct Processor(&'static quanta::Clock);

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
impl Processor {
    /// `None` where the kernel takes its own time from something else: it has tested whether the counter runs evenly, and on all
    /// processors alike, and it goes on testing.
    pub(super) fn new() -> Option<Self> {
        static CLOCK: OnceLock<Option<quanta::Clock>> = OnceLock::new();
        let clock = CLOCK.get_or_init(|| {
            let used =
                std::fs::read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
            let counter: &[u8] = if cfg!(target_arch = "x86_64") {
                b"tsc"
            } else {
                b"arch_sys_counter"
            };
            (used.ok()?.trim_ascii() == counter).then(quanta::Clock::new)
        });
        clock.as_ref().map(Self)
    }
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
impl Source for Processor {
    fn count(&self) -> u64 {
        self.0.raw()
    }

    fn rate(&self) -> u64 {
        self.0.delta_as_nanos(0, 1 << 32)
    }
}

/// Has no counter that this crate can read.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[derive(Debug)]
pub(super) enum Processor {}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
impl Processor {
    pub(super) const fn new() -> Option<Self> {
        None
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
impl Source for Processor {
    fn count(&self) -> u64 {
        match *self {}
    }

    fn rate(&self) -> u64 {
        match *self {}
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the time comes from"
)]
pub(super) fn wall() -> Timestamp {
    std::time::SystemTime::now().into()
}
