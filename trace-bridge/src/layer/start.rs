//! What happens when a span is made.

use tracing::span::{Attributes, Id};
use tracing_core_ctx::attribute::KeyRef;
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, Tracer};

use super::fields::each;
use super::otel::Otel;
use super::{TracingLayer, event, place};

impl TracingLayer {
    /// Where a new span stands; `context` is current.
    fn above(&self, attributes: &Attributes<'_>, context: Context) -> Context {
        if attributes.is_root() {
            return context.without_span();
        }
        // A parent that this layer does not see, because a filter keeps it away, tells nothing.
        attributes
            .parent()
            .and_then(|parent: &Id| self.spans.context(parent))
            .unwrap_or(context)
    }

    /// Who starts a span in a context; nobody, if it is not recorded there.
    fn starter(&self, context: &Context) -> Option<Tracer> {
        if context.is_suppressed() {
            return None;
        }
        let span = context.span_ref();
        match span.span_context().map(SpanContext::is_remote) {
            // Its sampler has its say about a caller's trace.
            Some(true) => Some(self.tracer.clone()),
            // Where the span above does not record, neither does this one.
            Some(false) => span.tracer(),
            None => self.settings.roots.then(|| self.tracer.clone()),
        }
    }

    /// Starts a span; one that does not record carries the context in which it was made.
    pub(super) fn start(&self, attributes: &Attributes<'_>) -> ActiveSpan {
        let context = self.above(attributes, Context::current());
        match self.starter(&context) {
            Some(tracer) => self.record(&tracer, attributes, context),
            None => ActiveSpan::passing(context),
        }
    }

    fn record(&self, tracer: &Tracer, attributes: &Attributes<'_>, context: Context) -> ActiveSpan {
        let metadata = attributes.metadata();
        let mut otel = Otel::default();
        if Otel::is_in(metadata) {
            attributes.record(&mut each(|name, value| {
                otel.take(name, value);
            }));
        }
        let name = otel.name.take();
        let mut has_error = false;
        let active = tracer
            .span(name.as_deref().unwrap_or_else(|| metadata.name()))
            .kind(otel.kind)
            // Nobody else has the span yet, so a `Debug` that opens spans or logs meets no lock.
            .start_in(context, |span| {
                place::describe(&self.settings, metadata, span);
                attributes.record(&mut each(|name, value| {
                    if Otel::takes(name) {
                        return;
                    }
                    has_error |= event::is_error(name, value);
                    value.read(|value| span.set(KeyRef::Static(name), value));
                }));
                if let Some(status) = otel.status() {
                    span.set_status(status);
                }
            });
        if has_error {
            attributes.record(&mut each(|name, value| {
                event::record_error(active.span(), name, value);
            }));
        }
        active
    }
}
