//! What the pipeline may cost, and what happens before it costs more.

mod throttle;
mod usage;
mod watchdog;

use std::time::Duration;

pub(crate) use throttle::{Throttle, Throttled, as_its_parent, is_free, thin};
pub(crate) use usage::Usage;
pub(crate) use watchdog::{LOOK, Watchdog};

/// What a pipeline may cost: before it costs more, it keeps fewer traces.
///
/// Four times a second the time of its threads on the processor and the bytes of its spans are compared with the budget. From four fifths of it on, the
/// sampling rate is lowered, for all routes alike; below, it comes back. It is lowered by a threshold over the randomness of a trace, so what is kept carries
/// its true weight, and the traces that are left are whole wherever services have a similar load. Forced traces are not touched.
///
/// With a [`Tail`](crate::sampling::Tail) everything is recorded as before, and the tail keeps less of it.
///
/// ```
/// use trace_pipeline::{Budget, Pipeline};
///
/// let pipeline = Pipeline::builder().service("orders").budget(Budget::new().cpu(0.02)).build()?;
/// assert_eq!(pipeline.budget_stats().map(|stats| stats.rate), Some(1.0));
/// # Ok::<(), trace_pipeline::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it is given to a `PipelineBuilder`"]
pub struct Budget {
    cpu: f64,
    bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            cpu: 0.05,
            bytes: 100 << 20,
        }
    }
}

impl Budget {
    /// 5 % of a core, and 100 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of one core the threads of the pipeline may use: 0.05 is 5 %. Default: 0.05. Nothing is known of it on Windows.
    ///
    /// What starting and ending a span costs on your threads is not in it.
    pub const fn cpu(mut self, share: f64) -> Self {
        self.cpu = share;
        self
    }

    /// How many bytes spans may hold until they have left. Default: 100 MiB.
    ///
    /// This is beside the bounds of the [queue](crate::PipelineBuilder::queue_bytes) and of the [tail](crate::sampling::Tail::bytes), at which spans are
    /// dropped.
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}

/// How a pipeline keeps within its [`Budget`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BudgetStats {
    /// The part of the traces that is kept of those that would be kept without a budget, at present: 1 is all.
    pub rate: f64,
    /// Traces that were not kept because of the budget, since the pipeline was built; those of a tail are among
    /// [`TailStats::overloaded`](crate::TailStats::overloaded).
    pub throttled: u64,
    /// The part of a core that the threads of the pipeline used last.
    pub cpu: f64,
    /// Time of these threads on the processor since the pipeline was built.
    pub cpu_time: Duration,
}
