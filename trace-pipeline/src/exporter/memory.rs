use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core_ctx::{Resource, SpanRecord};

use super::{Batch, ExportError, Exporter};

/// Keeps spans in memory, for tests and for programs that look at their own traces.
///
/// Clones share what they keep, so several pipelines can fill one.
///
/// ```
/// use trace_pipeline::exporter::InMemory;
/// use std::time::Duration;
///
/// let spans = InMemory::default();
/// let pipeline = trace_pipeline::Pipeline::builder().service("orders").exporter(spans.clone()).build()?;
/// pipeline.tracer().span("reindex").start().end();
/// pipeline.flush(Duration::from_secs(5))?;
///
/// let spans = spans.take();
/// assert_eq!(spans[0].record.name(), "reindex");
/// assert_eq!(spans[0].resource.service_name(), "orders");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct InMemory {
    spans: Arc<Mutex<Vec<ExportedSpan>>>,
    limit: usize,
}

/// A span, and the service it comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportedSpan {
    /// The service.
    pub resource: Arc<Resource>,
    /// What was recorded.
    pub record: SpanRecord,
}

impl InMemory {
    /// Keeps `limit` spans at most; more are rejected, and counted as such, until some are [taken](Self::take).
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            spans: Arc::default(),
            limit,
        }
    }

    /// All spans kept, in the order of export; they are not kept any longer.
    #[must_use]
    pub fn take(&self) -> Vec<ExportedSpan> {
        std::mem::take(&mut *self.lock())
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ExportedSpan>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps 65 536 spans.
impl Default for InMemory {
    fn default() -> Self {
        Self::with_limit(1 << 16)
    }
}

impl Exporter for InMemory {
    fn export(&mut self, batch: &Batch<'_>) -> Result<(), ExportError> {
        let mut spans = self.lock();
        let room = self.limit.saturating_sub(spans.len());
        spans.extend(batch.spans().take(room).map(|record| ExportedSpan {
            resource: Arc::clone(batch.resource()),
            record: record.clone(),
        }));
        match batch.len().saturating_sub(room) {
            0 => Ok(()),
            rejected => Err(ExportError::Rejected {
                spans: rejected,
                reason: format!("{} spans are in memory already", self.limit),
            }),
        }
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory")
            .field("len", &self.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
