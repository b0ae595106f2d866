//! The seam for those who measure exchanges beside the traces.

use std::fmt;
use std::time::Duration;

use crate::sampler::AttributeSource;
use crate::{SpanContext, SpanKind, Timestamp};

/// Is told of every exchange of an instrumentation, recorded or not: requests that are answered or sent, calls of procedures, operations on messages.
///
/// Sampling has no say here, so what is counted is the truth. Who is told has to be quick: the request waits.
///
/// - **When**: [`started`](Self::started) when the exchange starts, and [`ended`](ObservedExchange::ended) of what that gave when it has ended: once,
///   however it ended, also if the caller went away or a panic came. What the instrumentation filters out, and what telemetry
///   itself sends, is not told.
/// - **If it panics**: the exchange goes on.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicI64, Ordering};
/// use tracing_core_ctx::observer::{Ended, ExchangeObserver, ObservedExchange, Started};
///
/// /// How many requests are under way.
/// #[derive(Clone, Debug, Default)]
/// struct Active(Arc<AtomicI64>);
///
/// impl ExchangeObserver for Active {
///     fn started(&self, _: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Some(Box::new(self.clone()))
///     }
/// }
///
/// impl ObservedExchange for Active {
///     fn ended(self: Box<Self>, _: &Ended<'_>) {
///         self.0.fetch_sub(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait ExchangeObserver: fmt::Debug + Send + Sync {
    /// An exchange starts. What this gives hears of its end; with `None` nobody does.
    fn started(&self, exchange: &Started<'_>) -> Option<Box<dyn ObservedExchange>>;

    /// A message has come to the application: told once of each, when it is handed over. Default: nothing.
    fn arrived(&self, message: &Arrived<'_>) {
        let _ = message;
    }
}

/// One exchange under way, as an [`ExchangeObserver`] remembers it.
pub trait ObservedExchange: Send + Sync {
    /// It has ended.
    fn ended(self: Box<Self>, end: &Ended<'_>);
}

/// An exchange that starts.
#[non_exhaustive]
pub struct Started<'a> {
    /// Which side it is: [`SpanKind::Server`] or [`SpanKind::Client`]; of messages, the kind of the operation's span.
    pub kind: SpanKind,
    /// What is known, by the names of the conventions: `http.request.method`, `http.route`, `rpc.method`, `server.address`,
    /// `messaging.system.name`, ..
    ///
    /// Its text is whatever the request says: an observer bounds how many different ones it keeps.
    pub attributes: &'a dyn AttributeSource,
}

impl<'a> Started<'a> {
    /// Told by an instrumentation.
    #[must_use]
    pub const fn new(kind: SpanKind, attributes: &'a dyn AttributeSource) -> Self {
        Self { kind, attributes }
    }
}

/// An exchange that has ended.
#[non_exhaustive]
pub struct Ended<'a> {
    /// When.
    pub time: Timestamp,
    /// How long it took: as long as its span, if it has one.
    pub duration: Duration,
    /// What is known since it started: `http.response.status_code`, `rpc.status_code`, `error.type`, `network.protocol.version`, a route that
    /// was found late.
    pub attributes: &'a dyn AttributeSource,
    /// Its span, if that is recorded: what an exemplar can point to. Whether its trace is kept, its sampled flag says; where that is decided at
    /// the end of traces, nobody knows yet.
    pub span: Option<&'a SpanContext>,
}

impl<'a> Ended<'a> {
    /// Told by an instrumentation.
    #[must_use]
    pub const fn new(
        time: Timestamp,
        duration: Duration,
        attributes: &'a dyn AttributeSource,
    ) -> Self {
        Self {
            time,
            duration,
            attributes,
            span: None,
        }
    }

    /// With the span, if that is recorded.
    #[must_use]
    pub const fn with_span(mut self, span: Option<&'a SpanContext>) -> Self {
        self.span = span;
        self
    }
}

/// A message that has come to the application.
#[non_exhaustive]
pub struct Arrived<'a> {
    /// What is known of where it came from: `messaging.system.name`, `messaging.destination.name`, ..
    pub attributes: &'a dyn AttributeSource,
    /// From when it was sent to when it came, if its producer said when that was.
    pub queue_time: Option<Duration>,
    /// How many messages of its partition are behind it, if that is known.
    pub lag: Option<u64>,
}

impl<'a> Arrived<'a> {
    /// Told by an instrumentation.
    #[must_use]
    pub const fn new(attributes: &'a dyn AttributeSource) -> Self {
        Self {
            attributes,
            queue_time: None,
            lag: None,
        }
    }

    /// With the time it took, if that is known.
    #[must_use]
    pub const fn with_queue_time(mut self, queue_time: Option<Duration>) -> Self {
        self.queue_time = queue_time;
        self
    }

    /// With how many are behind it, if that is known.
    #[must_use]
    pub const fn with_lag(mut self, lag: Option<u64>) -> Self {
        self.lag = lag;
        self
    }
}

impl fmt::Debug for Arrived<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrived")
            .field("queue_time", &self.queue_time)
            .field("lag", &self.lag)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Started<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("kind", &self.kind)
            .field("name", &self.attributes.name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("duration", &self.duration)
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}
