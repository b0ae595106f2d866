use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core_ctx::{IdGenerator, SpanId, TraceId};

/// Ids that a test can write down: traces are 1, 2, 3, and so are spans, each in the order in which they start.
///
/// Clones count on together. The ids are not random and new traces say so: their random flag is off.
///
/// ```
/// use trace_testkit::KnownIds;
/// use tracing_core_ctx::IdGenerator as _;
///
/// let ids = KnownIds::new();
/// assert_eq!(ids.span_id().to_u64(), 1);
/// assert_eq!(ids.span_id().to_u64(), 2);
/// assert_eq!(ids.trace_id().to_u128(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct KnownIds {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    traces: AtomicU64,
    spans: AtomicU64,
}

impl KnownIds {
    /// Starts at 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl IdGenerator for KnownIds {
    fn trace_id(&self) -> TraceId {
        loop {
            let number = self
                .inner
                .traces
                .fetch_add(1, Ordering::SeqCst)
                .wrapping_add(1);
            if let Some(id) = TraceId::from_u128(u128::from(number)) {
                return id;
            }
        }
    }

    fn span_id(&self) -> SpanId {
        loop {
            let number = self
                .inner
                .spans
                .fetch_add(1, Ordering::SeqCst)
                .wrapping_add(1);
            if let Some(id) = SpanId::from_u64(number) {
                return id;
            }
        }
    }

    fn is_random(&self) -> bool {
        false
    }
}
