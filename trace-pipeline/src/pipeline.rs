use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::Tracer;

use crate::budget::BudgetStats;
use crate::builder::PipelineBuilder;
use crate::report::Reasons;
use crate::shared::Shared;
use crate::sink::PipelineSink;
use crate::stats::{Dropped, PipelineStats};
use crate::tail::{Inlet, TailStats};

/// The way of finished spans to a back end: a bounded queue and a thread of its own.
///
/// ```
/// use std::time::Duration;
/// use trace_pipeline::exporter::InMemory;
///
/// let pipeline = trace_pipeline::Pipeline::builder().service("orders").exporter(InMemory::default()).build()?;
/// let tracer = pipeline.tracer().clone();
/// tracer.span("reindex").start().end();
///
/// // At the end of `main`:
/// if let Err(lost) = pipeline.shutdown(Duration::from_secs(5)) {
///     eprintln!("{lost}");
/// }
/// # assert_eq!(pipeline.stats().exported, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Several live side by side, each with its service, queue and thread. A pipeline that is dropped is shut down,
/// which takes no longer than its [drop timeout](PipelineBuilder::drop_timeout).
///
/// # In async code
///
/// [`flush`](Self::flush) and [`shutdown`](Self::shutdown) block the thread that calls them, and nothing else: the
/// exporter has a thread, and a runtime if it needs one, of its own, so they end on a multi-thread runtime, on a
/// current-thread runtime and without any. Only if the back end is a task *on the blocked thread* does it answer
/// no sooner than the time is over; call them from `tokio::task::spawn_blocking` then.
pub struct Pipeline {
    pub(crate) shared: Arc<Shared>,
    tracer: Tracer,
    drop_timeout: Duration,
}

impl Pipeline {
    /// Says what a pipeline is made of. The environment is not read: see [`from_env`](crate::from_env) for that.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::default()
    }

    pub(crate) const fn new(shared: Arc<Shared>, tracer: Tracer, drop_timeout: Duration) -> Self {
        Self {
            shared,
            tracer,
            drop_timeout,
        }
    }

    /// The tracer whose spans come here.
    #[must_use]
    pub const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Takes spans of other tracers too. They are exported under the resource of this pipeline.
    #[must_use]
    pub fn sink(&self) -> PipelineSink {
        PipelineSink::new(Arc::clone(&self.shared))
    }

    /// What became of all spans so far.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.shared.stats()
    }

    /// How the pipeline keeps within its [budget](PipelineBuilder::budget), if it has one.
    #[must_use]
    pub fn budget_stats(&self) -> Option<BudgetStats> {
        let throttle = self.shared.throttle.as_ref()?;
        Some(BudgetStats {
            rate: throttle.rate(),
            throttled: throttle.throttled(),
            cpu: throttle.cpu(),
            cpu_time: self.shared.usage.cpu(),
        })
    }

    /// What the [tail](crate::sampling::Tail) has decided so far, if there is one.
    #[must_use]
    pub fn tail_stats(&self) -> Option<TailStats> {
        self.shared.tail.as_ref().map(Inlet::stats)
    }

    /// Sends all spans that have ended until now, and waits for it. With a [tail](crate::sampling::Tail): all that it keeps; spans of a
    /// local trace whose root has not ended wait on.
    ///
    /// # Errors
    ///
    /// When spans were lost meanwhile, or when `timeout` was over first; they are still sent then.
    pub fn flush(&self, timeout: Duration) -> Result<(), Lost> {
        self.shared.flush(timeout)
    }

    /// Sends all spans that have ended until now and waits for it, takes no more, and ends the thread.
    ///
    /// After `timeout` it returns in any case. An exporter that waits for a back end is told to give up shortly
    /// before that; what is in the queue then is dropped and counted. The second call finds nothing to do. Spans
    /// that end later are counted as [`after_shutdown`](Dropped::after_shutdown); tracers stop recording new ones.
    ///
    /// # Errors
    ///
    /// When spans were lost, now or ever since the pipeline started, or when `timeout` was over and the exporter
    /// still held some. Spans that nobody wanted ([`no_exporter`](Dropped::no_exporter)) are not lost.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), Lost> {
        self.shared.shutdown(timeout)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // What is lost is in the report of the thread.
        let _ = self.shutdown(self.drop_timeout);
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("service", &self.tracer.resource().service_name())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What did not arrive when a pipeline was flushed or shut down.
///
/// A `main` that returns it fails, which is seldom meant when only the back end is away: print it instead. `Debug` is
/// the same sentence as `Display`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Spans dropped: during a flush, or in the whole life of a pipeline that is shut down.
    pub dropped: Dropped,
    /// Spans that were neither delivered nor dropped when the time was over.
    pub in_flight: u64,
    /// Whether the time was over before the exporter was done.
    pub timed_out: bool,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans lost: {}", Reasons(self.dropped))?;
        if self.timed_out {
            write!(
                f,
                "; {} still on their way when the time was over",
                self.in_flight
            )?;
        }
        Ok(())
    }
}

/// As `Display`, since that is how `main` prints the error that it returns.
impl fmt::Debug for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Lost {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_spans_read_the_same_where_main_prints_them() {
        let lost = Lost {
            dropped: Dropped {
                queue_full: 3,
                ..Dropped::default()
            },
            in_flight: 2,
            timed_out: true,
        };
        let text = lost.to_string();
        assert!(text.starts_with("spans lost: 3 "), "{text}");
        assert_eq!(format!("{lost:?}"), text);
    }
}
