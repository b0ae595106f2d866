//! Metrics beside the traces: how long requests, calls and operations on messages take, how many are under way, how many messages come and how long they
//! waited; each of them counted, sampled or not.
//!
//! ```
//! use trace_pipeline::metrics::ExchangeMetrics;
//!
//! let metrics = ExchangeMetrics::new();
//! let pipeline = trace_pipeline::Pipeline::builder().service("shop").exemplars(&metrics).build()?;
//! // Any layer of tower-trace or grpc-trace, and the `QueueTracer` of queue-trace:
//! // TraceLayer::for_axum(pipeline.tracer().clone()).observe(metrics.clone())
//!
//! // The page for Prometheus:
//! let (content_type, page) = (ExchangeMetrics::OPENMETRICS, metrics.openmetrics());
//! assert!(page.ends_with("# EOF\n"));
//! # let _ = content_type;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | metric | attributes |
//! |---|---|
//! | `http.server.request.duration` | `http.request.method`, `url.scheme`, `http.route`, `network.protocol.version`, `http.response.status_code`, `error.type` |
//! | `http.server.active_requests` | `http.request.method`, `url.scheme` |
//! | `http.client.request.duration` | `http.request.method`, `server.address`, `server.port`, `network.protocol.version`, `http.response.status_code`, `error.type` |
//! | `http.client.active_requests` | `http.request.method`, `server.address`, `server.port`, `url.template` |
//! | `rpc.server.call.duration` | `rpc.system.name`, `rpc.method`, `rpc.status_code`, `error.type` |
//! | `rpc.client.call.duration` | the same, `server.address`, `server.port` |
//! | `messaging.client.operation.duration` | `messaging.system.name`, `messaging.operation.name`, `messaging.operation.type`, `messaging.destination.name`, `messaging.destination.template`, `messaging.consumer.group.name`, `server.address`, `server.port`, `error.type` |
//! | `messaging.client.sent.messages` | the same without the type |
//! | `messaging.process.duration` | the same |
//! | `messaging.client.consumed.messages` | the same without the error, `messaging.destination.partition.id` |
//! | `ctx.messaging.queue.duration`, `ctx.messaging.consumer.lag` | the same; how long messages were on their way, and how many of its partition are behind the last one |
//!
//! These are what the [conventions](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/) require or recommend, with their buckets. The
//! last two are ours; the buckets of time in a queue reach up to a day.
//!
//! With the feature `otlp` they are also sent, from a thread of their own: `ExchangeMetrics::push`.
//!
//! # When things happen
//!
//! - **A request starts**: it is under way until its span ends, or would end: with the last byte, an error, a caller who goes away, a panic.
//! - **It has ended**: its duration is counted. That is the duration of its span, if it has one.
//! - **A series too many** is none: what it would hold is under `otel.metric.overflow` = `true`. See
//!   [`max_series`](ExchangeMetrics::max_series).
//! - **Its span leaves the pipeline** to which [`exemplars`](crate::PipelineBuilder::exemplars) introduced the metrics: only then a bucket
//!   points to it, so that whoever follows the pointer finds the trace. Each bucket points to its last.
//!
//! Why not the metrics of another crate: see the rationale.

mod exemplars;
mod family;
mod histogram;
mod labels;
mod messages;
mod page;
#[cfg(feature = "otlp")]
mod push;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tracing_core_ctx::observer::{Arrived, Ended, ExchangeObserver, ObservedExchange, Started};
#[cfg(feature = "otlp")]
use tracing_core_ctx::{Clock as _, SystemClock, Timestamp};
use tracing_core_ctx::{SpanKind, SpanRecord};

use self::exemplars::Exemplars;
pub(crate) use self::family::Reader;
#[cfg(feature = "otlp")]
pub(crate) use self::family::{Active, Description, Metric, Series};
use self::family::{COUNT, Ends, Family};
pub(crate) use self::histogram::{Exemplar, Histogram, Snapshot};
#[cfg(feature = "otlp")]
pub(crate) use self::labels::{Label, LabelValue};
use self::messages::Messages;
#[cfg(feature = "otlp")]
pub use self::push::{MetricsPush, PushConfig};
use self::table::Entry;
use crate::openmetrics::Page;

/// Measures exchanges: requests that are answered or sent, calls of procedures. Clones measure into the same.
///
/// See the [module](self) for what is measured and when.
#[derive(Clone)]
pub struct ExchangeMetrics(Arc<Measured>);

struct Measured {
    /// When it was begun to measure.
    #[cfg(feature = "otlp")]
    start: Timestamp,
    families: [Family; COUNT],
    messages: Messages,
    exemplars: Exemplars,
}

impl ExchangeMetrics {
    /// The content type of [`openmetrics`](Self::openmetrics).
    pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Up to 2000 time series for each metric, which is OpenTelemetry's default.
    #[must_use]
    pub fn new() -> Self {
        Self::max_series(2000)
    }

    /// Up to so many time series for each metric, of which one is for all that are too many.
    #[must_use]
    pub fn max_series(most: usize) -> Self {
        Self(Arc::new(Measured {
            #[cfg(feature = "otlp")]
            start: SystemClock::new().now(),
            families: Family::all(most),
            messages: Messages::new(most),
            exemplars: Exemplars::default(),
        }))
    }

    /// The page for Prometheus and others that fetch: OpenMetrics as text, with exemplars.
    ///
    /// What nothing was measured of is not on it.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        let mut page = Page::default();
        self.read(&mut page);
        page.end()
    }

    /// How many exchanges and messages were counted under `otel.metric.overflow`.
    #[must_use]
    pub fn overflowed(&self) -> usize {
        let exchanges: usize = self.0.families.iter().map(Family::overflowed).sum();
        exchanges + self.0.messages.overflowed()
    }

    /// Shows all that was measured.
    pub(crate) fn read(&self, reader: &mut dyn Reader) {
        self.0
            .families
            .iter()
            .for_each(|family| family.read(reader));
        self.0.messages.read(reader);
    }

    pub(crate) fn wait_for_word(&self) {
        self.0.exemplars.wait_for_word();
    }

    pub(crate) fn wait_for_tail(&self) {
        self.0.exemplars.wait_for_tail();
    }

    /// This span is on its way to a back end.
    pub(crate) fn kept(&self, span: &SpanRecord) {
        if span.kind() != SpanKind::Internal {
            self.0.exemplars.kept(span.span_context());
        }
    }
}

impl Default for ExchangeMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ExchangeObserver for ExchangeMetrics {
    fn started(&self, exchange: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        let index = Family::index(exchange)?;
        let family = self.0.families.get(index)?;
        Some(Box::new(UnderWay {
            measured: Arc::clone(&self.0),
            index,
            starts: family.starts(exchange),
            _active: family.active(exchange).map(Counted::new),
        }))
    }

    fn arrived(&self, message: &Arrived<'_>) {
        self.0.messages.arrived(message);
    }
}

/// An exchange under way.
struct UnderWay {
    measured: Arc<Measured>,
    /// Of its family.
    index: usize,
    starts: Option<Arc<Entry<Ends>>>,
    _active: Option<Counted>,
}

impl ObservedExchange for UnderWay {
    fn ended(self: Box<Self>, end: &Ended<'_>) {
        let Some(family) = self.measured.families.get(self.index) else {
            return;
        };
        let histogram = family.ends(self.starts.as_deref(), end.attributes);
        let seconds = end.duration.as_secs_f64();
        histogram.value.record(seconds);
        if let Some(span) = end.span {
            let exemplars = &self.measured.exemplars;
            exemplars.offer(span, seconds, end.time, histogram);
        }
    }
}

/// Counted as long as it lives, so that what goes up comes down whatever happens.
struct Counted(Arc<Entry<AtomicI64>>);

impl Counted {
    fn new(entry: Arc<Entry<AtomicI64>>) -> Self {
        entry.value.fetch_add(1, Ordering::Relaxed);
        Self(entry)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.value.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for ExchangeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeMetrics")
            .field("overflowed", &self.overflowed())
            .finish_non_exhaustive()
    }
}
