use opentelemetry::trace::{self as otel, TraceContextExt as _};
use opentelemetry::{Context as OtelContext, InstrumentationScope as OtelScope};
use tracing_core_ctx::attribute::KeyRef;
use tracing_core_ctx::{Context, Tracer};

use super::current::{context_of, is_made_from};
use super::span::BridgeSpan;
use super::{convert, scopes};

/// The tracers of OpenTelemetry's API, whose spans are ours: sampled by our sampler, within our limits, into our pipeline. Below a span that
/// records, they go where that goes.
///
/// ```
/// use trace_bridge::otel::TracerProvider;
/// # let tracer = tracing_core_ctx::Tracer::noop();
///
/// opentelemetry::global::set_tracer_provider(TracerProvider::new(tracer));
/// ```
#[derive(Clone, Debug)]
pub struct TracerProvider {
    tracer: Tracer,
}

impl TracerProvider {
    /// Spans are started by `tracer`.
    #[must_use]
    pub const fn new(tracer: Tracer) -> Self {
        Self { tracer }
    }
}

impl otel::TracerProvider for TracerProvider {
    type Tracer = BridgeTracer;

    fn tracer_with_scope(&self, scope: OtelScope) -> BridgeTracer {
        BridgeTracer {
            tracer: match scopes::intern(&scope) {
                Some(scope) => self.tracer.with_scope(scope),
                None => self.tracer.clone(),
            },
        }
    }
}

/// Starts spans by OpenTelemetry's API. Made by [`TracerProvider`].
#[derive(Clone, Debug)]
pub struct BridgeTracer {
    tracer: Tracer,
}

impl otel::Tracer for BridgeTracer {
    type Span = BridgeSpan;

    fn build_with_context(&self, builder: otel::SpanBuilder, above: &OtelContext) -> BridgeSpan {
        let parent = parent(above);
        // Several services may live in one process, but there is one global provider: a child is of its parent's service.
        let of_parent = parent.span().tracer();
        let tracer = of_parent.map(|tracer| tracer.with_scope(self.tracer.scope()));
        let tracer = tracer.as_ref().unwrap_or(&self.tracer);
        let mut span = tracer.span(&builder.name).parent(&parent);
        if let Some(kind) = &builder.span_kind {
            span = span.kind(convert::kind(kind));
        }
        if let Some(time) = builder.start_time {
            span = span.start_time(convert::timestamp(time));
        }
        for link in builder.links.iter().flatten() {
            if let Some(link) = convert::link(&link.span_context, &link.attributes) {
                span = span.link(link);
            }
        }
        for pair in builder.attributes.iter().flatten() {
            let key = KeyRef::Borrowed(pair.key.as_str());
            span = convert::value(&pair.value, |value| span.attribute(key, value));
        }
        let span = span.start();
        for event in builder.events.iter().flatten() {
            let time = convert::timestamp(event.timestamp);
            span.event_at(time, event.name.clone(), |to| {
                convert::each(&event.attributes, |key, value| to.set(key, value));
            });
        }
        BridgeSpan::started(span)
    }
}

/// Where a new span stands. What their context does not say, ours does: a wish for sampling, for example.
fn parent(above: &OtelContext) -> Context {
    let ours = Context::current();
    let is_telemetry = above.is_telemetry_suppressed() || ours.is_telemetry();
    let is_ours = above.span().span_context().is_valid() || is_made_from(above, &ours);
    let parent = match context_of(above, &ours) {
        Some(parent) => parent,
        None if is_ours => ours,
        None => ours.without_span(),
    };
    if is_telemetry {
        parent.suppressed()
    } else {
        parent
    }
}
