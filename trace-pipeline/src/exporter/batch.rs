use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing_core_ctx::{Resource, SpanRecord};

use crate::counters::Counter;
use crate::cutoff::{self, Cutoff};

/// Finished spans of one resource, to be delivered by a deadline.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    resource: &'a Arc<Resource>,
    spans: &'a [SpanRecord],
    deadline: Instant,
    cutoff: Option<&'a Cutoff>,
    retries: Option<&'a Counter>,
}

impl<'a> Batch<'a> {
    /// A batch as a pipeline makes them, for trying out an exporter.
    #[must_use]
    pub fn new(resource: &'a Arc<Resource>, spans: &'a [SpanRecord], timeout: Duration) -> Self {
        Self {
            resource,
            spans,
            deadline: cutoff::after(timeout),
            cutoff: None,
            retries: None,
        }
    }

    pub(crate) const fn with_cutoff(mut self, cutoff: &'a Cutoff) -> Self {
        self.cutoff = Some(cutoff);
        self
    }

    pub(crate) const fn with_retries(mut self, retries: &'a Counter) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The service that the spans come from.
    #[must_use]
    pub const fn resource(&self) -> &'a Arc<Resource> {
        self.resource
    }

    /// The spans, in the order in which they ended.
    #[must_use]
    pub fn spans(&self) -> impl ExactSizeIterator<Item = &'a SpanRecord> + Clone + use<'a> {
        self.spans.iter()
    }

    /// How many there are; never zero from a pipeline.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// When the exporter should have given up. A shutdown brings it nearer: ask again after every wait.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match self.cutoff.and_then(Cutoff::get) {
            Some(cutoff) => cutoff.min(self.deadline),
            None => self.deadline,
        }
    }

    /// The time until the [deadline](Self::deadline).
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline().saturating_duration_since(Instant::now())
    }

    /// Counts a request that was repeated, for [`PipelineStats::retries`](crate::PipelineStats::retries).
    pub fn count_retry(&self) {
        if let Some(retries) = self.retries {
            retries.add(1);
        }
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn wake_when_cut_off(&self, waker: &std::task::Waker) {
        if let Some(cutoff) = self.cutoff {
            cutoff.wake_when_set(waker);
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("service", &self.resource.service_name())
            .field("spans", &self.spans.len())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
