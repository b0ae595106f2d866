use std::time::Duration;

use super::Keep;

/// Decides at the end: the spans of a local trace, which is what one request records in this process, wait until its root has
/// ended, and then rules see how it went.
///
/// With it everything is recorded, whatever the head sampler says, but for what a rule [never](super::Rule::never) wants.
/// A trace leaves when the head kept it **or** a rule does. What leaves carries the threshold of both together, as `ot=th` in its
/// `tracestate`, so that spans can be counted by their weights without bias; see [the module](super#weights).
///
/// ```
/// use std::time::Duration;
/// use trace_pipeline::Pipeline;
/// use trace_pipeline::exporter::InMemory;
/// use trace_pipeline::sampling::{Keep, Tail};
/// use tracing_core_ctx::sampler::{ParentBased, Probability};
///
/// let spans = InMemory::default();
/// let pipeline = Pipeline::builder()
///     .service("orders")
///     .exporter(spans.clone())
///     .sampler(ParentBased::new(Probability::new(0.01)))
///     .tail(
///         Tail::new()
///             .keep(Keep::errors())
///             .keep(Keep::slower_than(Duration::from_secs(1)))
///             .keep(Keep::slowest(0.01))
///             .limit(50),
///     )
///     .build()?;
///
/// let span = pipeline.tracer().span("POST /orders").start();
/// span.end_with(|span| span.fail("timeout", "the warehouse does not answer"));
/// pipeline.flush(Duration::from_secs(5))?;
///
/// let kept = &spans.take()[0].record;
/// assert_eq!(kept.attributes().get("ctx.sampling.reason").and_then(|v| v.as_str()), Some("error"));
/// // Every error is kept, so each stands for itself.
/// assert_eq!(kept.span_context().trace_state().get("ot"), Some("th:0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What happens when
///
/// - **The local root ends**: the rules are asked. With a [limit](Self::limit) a trace waits up to a second more.
/// - **A trace grows or lasts long** ([`part_spans`](Self::part_spans), [`wait`](Self::wait)): its spans are decided by what is known
///   and sent or dropped; the rest follows, and can only be kept more likely than before: when it fails at the end, that is kept.
/// - **A span ends after its local root**: it follows the decision.
/// - **More waits than there is [room](Self::bytes) for**: traces of the lowest randomness go, those that the head kept last, and the others'
///   threshold says so.
/// - **Spans come faster than the tail's thread takes them**: of new local traces those of the lowest randomness are not recorded, also of those that the head
///   would keep, and the others' threshold says so. What had begun by then is dropped span by span where the queue is full.
/// - **More is kept than can be sent**: what waits to be sent has half of the [room](Self::bytes). From a quarter of that on, less of what is decided is kept, and the head
///   samples less of what starts, the lowest randomness first, and the thresholds say so.
/// - **A flush**: local traces whose root has ended are sent. Those that run go on.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is given to a `PipelineBuilder`"]
pub struct Tail {
    pub(crate) keep: Vec<Keep>,
    pub(crate) limit: Option<u32>,
    pub(crate) bytes: usize,
    pub(crate) wait: Duration,
    pub(crate) part_spans: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            keep: Vec::new(),
            limit: None,
            bytes: 64 << 20,
            wait: Duration::from_secs(30),
            part_spans: 1000,
        }
    }
}

impl Tail {
    /// Keeps what the head keeps, and nothing more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also keeps this. Of several reasons the one counts that keeps most likely, of equals the first.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep.push(keep);
        self
    }

    /// How many local traces are kept in a second of the clock at most; 0 is 1. Default: no limit.
    ///
    /// Of all that the rules would keep in a second, those with the highest randomness are kept, never one more, and the threshold
    /// that this amounts to is their weight. What the head kept counts too and always leaves: limit the head as well where that must not be
    /// more by itself.
    ///
    /// A flush sends what waits before its second is over: what comes later in that second finds the room that is left, and where there is none, no weight
    /// stands for it.
    pub fn limit(mut self, traces_per_second: u32) -> Self {
        self.limit = Some(traces_per_second.max(1));
        self
    }

    /// With less room not even a single trace may find some.
    pub(crate) const LEAST_BYTES: usize = 1_000_000;

    /// How many bytes spans hold at most while they wait, for a decision or to be sent; at least 1 MB. Default: 64 MiB.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = if bytes < Self::LEAST_BYTES {
            Self::LEAST_BYTES
        } else {
            bytes
        };
        self
    }

    /// How long a span waits at most for its local root. Default: 30 s.
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How many spans of a local trace wait at most; it is decided in parts if there are more. Default: 1000.
    pub const fn part_spans(mut self, spans: usize) -> Self {
        self.part_spans = spans;
        self
    }

    /// Whether some rule takes from what the head has kept.
    pub(crate) fn thins(&self) -> bool {
        self.keep.iter().any(|keep| keep.of_head)
    }
}
