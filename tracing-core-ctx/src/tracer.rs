//! The tracer: everything that starting a span needs, as one value.
//!
//! Layers and clients hold a [`Tracer`]; several can live side by side in one process. [`Tracer::global`] is a convenience for
//! programs that want one.

mod builder;
mod global;
mod lent;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use builder::TracerBuilder;
pub use global::AlreadyInstalled;

use crate::diagnostics;
use crate::limits::SpanLimits;
use crate::propagation::{Extract, Extraction, Inject, Propagator};
use crate::span::{SpanBuilder, SpanRecord};
use crate::{
    Clock, Context, IdGenerator, InstrumentationScope, Resource, Sampler, SpanContext, SpanRef,
    SpanSink, Timestamp,
};

/// Starts spans, and carries contexts in and out. Cheap to clone.
///
/// ```
/// use tracing_core_ctx::Tracer;
///
/// let tracer = Tracer::builder().build();
/// let span = tracer.span("reindex").start();
/// span.end();
/// ```
#[derive(Clone)]
pub struct Tracer {
    inner: Arc<Inner>,
    scope: &'static InstrumentationScope,
}

struct Inner {
    resource: Resource,
    sampler: Box<dyn Sampler>,
    propagator: Box<dyn Propagator>,
    ids: Box<dyn IdGenerator>,
    clock: Box<dyn Clock>,
    limits: SpanLimits,
    sink: Box<dyn SpanSink>,
    scope: &'static InstrumentationScope,
    malformed_contexts: AtomicU64,
    late_writes: AtomicU64,
}

/// The scope of spans that the application starts by itself.
static APPLICATION: InstrumentationScope =
    InstrumentationScope::new("tracing-core-ctx", env!("CARGO_PKG_VERSION"));

impl Tracer {
    /// Says what the tracer is made of.
    pub fn builder() -> TracerBuilder {
        TracerBuilder::default()
    }

    /// A tracer that records nothing and passes contexts on, in the default formats.
    #[must_use]
    pub fn noop() -> Self {
        Self::builder().build()
    }

    /// A span about to start. `name` is of few values, without ids or other data.
    pub fn span<'a>(&'a self, name: &'a str) -> SpanBuilder<'a> {
        SpanBuilder::new(self, name)
    }

    /// The same tracer for another library: its spans say that `scope` recorded them. Those of [`Span::child`](crate::Span::child)
    /// below them are the application's again.
    #[must_use]
    pub fn with_scope(&self, scope: &'static InstrumentationScope) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            scope,
        }
    }

    /// Reads the caller's context, which has nothing of the current one. What is missing or malformed gives an empty context,
    /// never an error; malformed headers are counted in [`stats`](Self::stats).
    #[must_use]
    pub fn extract(&self, carrier: &dyn Extract) -> Context {
        self.read(carrier, Extraction::new(Context::new()))
    }

    /// The same in two parts: the caller's span, and all else. For who keeps them: a span is started [below](SpanBuilder::start_in_below)
    /// the one, in the other.
    #[must_use]
    pub fn extract_parts(&self, carrier: &dyn Extract) -> (Option<SpanContext>, Context) {
        let mut caller = None;
        let rest = self.read(carrier, Extraction::apart(&mut caller));
        (caller, rest)
    }

    #[inline]
    fn read(&self, carrier: &dyn Extract, mut extraction: Extraction<'_>) -> Context {
        self.inner.propagator.extract(&mut extraction, carrier);
        if extraction.malformed() > 0 {
            self.inner
                .malformed_contexts
                .fetch_add(u64::from(extraction.malformed()), Ordering::Relaxed);
        }
        extraction.into_context()
    }

    /// Writes `context` for the one who is called, in place of what `carrier` held under the names that are written. What `context` does not
    /// say is left as it stands there: see [`Propagator::inject`].
    pub fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.inner.propagator.inject(context, carrier);
    }

    /// Writes `context` with `span` as its current one, in place of what `carrier` held under the same names: for a span in which nobody is, so that
    /// no context need be made for it.
    pub fn inject_span(&self, span: &SpanRef, context: &Context, carrier: &mut dyn Inject) {
        self.inner.propagator.inject_span(span, context, carrier);
    }

    /// The formats in which contexts are read and written.
    #[must_use]
    pub fn propagator(&self) -> &dyn Propagator {
        &*self.inner.propagator
    }

    /// Who is being traced.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.inner.resource
    }

    /// Who records.
    #[must_use]
    pub const fn scope(&self) -> &'static InstrumentationScope {
        self.scope
    }

    /// Whether anything can be recorded at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.inner.sink.is_enabled()
    }

    /// The present moment by the tracer's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// What was ignored so far.
    #[must_use]
    pub fn stats(&self) -> TracerStats {
        TracerStats {
            malformed_contexts: self.inner.malformed_contexts.load(Ordering::Relaxed),
            late_writes: self.inner.late_writes.load(Ordering::Relaxed),
        }
    }

    /// The name of the one who built it.
    pub(crate) fn application(&self) -> &'static InstrumentationScope {
        self.inner.scope
    }

    pub(crate) fn ids(&self) -> &dyn IdGenerator {
        &*self.inner.ids
    }

    pub(crate) fn sampler(&self) -> &dyn Sampler {
        &*self.inner.sampler
    }

    pub(crate) fn limits(&self) -> &SpanLimits {
        &self.inner.limits
    }

    pub(crate) fn count_late_write(&self) {
        self.inner.late_writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn started(&self) {
        self.inner.sink.started();
    }

    pub(crate) fn not_recorded(&self) {
        self.inner.sink.not_recorded();
    }

    /// Spans end in destructors, where a second panic ends the process: not even a broken sink may do that to a request.
    pub(crate) fn submit(&self, record: SpanRecord) {
        let sink = &*self.inner.sink;
        if panic::catch_unwind(AssertUnwindSafe(|| sink.submit(record))).is_err() {
            diagnostics::report_once(
                "tracer.sink",
                diagnostics::Level::Error,
                format_args!("the span sink panicked: spans are lost ({sink:?})"),
            );
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("service", &self.inner.resource.service_name())
            .field("scope", &self.scope.name)
            .field("sampler", &self.inner.sampler.description())
            .finish_non_exhaustive()
    }
}

/// What a tracer ignored, since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracerStats {
    /// Headers that were there and could not be read; the trace started anew.
    pub malformed_contexts: u64,
    /// Writes on spans that had ended.
    pub late_writes: u64,
}

#[cfg(test)]
mod tests;
