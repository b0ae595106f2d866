//! What happens when a span is made.

use tracing::span::{Attributes, Id};
use tracing_core_ctx::attribute::{KeyRef, StaticKey};
use tracing_core_ctx::span::SpanTemplate;
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, Tracer};

use super::callsites::Callsite;
use super::fields::{Plain, each};
use super::made::Maker;
use super::open::Open;
use super::otel::Otel;
use super::timings::Timings;
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

    /// Starts a span. One that does not record carries the context in which it was made, unless that is in no trace.
    #[inline]
    pub(super) fn start(&self, attributes: &Attributes<'_>, id: &Id) {
        let context = Context::current();
        if attributes.is_contextual() && context.is_unrecorded() {
            let maker = self.age.remember(id, &context);
            self.spans.insert(id, Open::Passing { context, maker });
        } else {
            self.start_below(attributes, id, context);
        }
    }

    #[inline(never)]
    fn start_below(&self, attributes: &Attributes<'_>, id: &Id, context: Context) {
        let context = self.above(attributes, context);
        if let Some(open) = self.open(attributes, context) {
            self.spans.insert(id, open);
        }
    }

    fn open(&self, attributes: &Attributes<'_>, context: Context) -> Option<Open> {
        if let Some(tracer) = self.starter(&context) {
            let active = self.record(&tracer, attributes, context);
            if active.is_open() {
                let is_timed = self.settings.busy_and_idle;
                let timings = is_timed.then(|| Box::new(Timings::new(self.tracer.now())));
                return Some(Open::Recording { active, timings });
            }
            return Self::pass(active.context().clone());
        }
        Self::pass(context)
    }

    fn pass(context: Context) -> Option<Open> {
        let is_in_trace = context.span_context().is_some() || context.is_suppressed();
        is_in_trace.then_some(Open::Passing {
            context,
            maker: Maker::NONE,
        })
    }

    fn record(&self, tracer: &Tracer, attributes: &Attributes<'_>, context: Context) -> ActiveSpan {
        let metadata = attributes.metadata();
        let anew;
        let callsite = match self.callsites.get(metadata, &self.settings) {
            Some(callsite) => callsite,
            None => {
                anew = Callsite::new(metadata, &self.settings);
                &anew
            }
        };
        match &callsite.plain {
            Some(keys) => self.record_plain(tracer, attributes, context, &callsite.template, keys),
            None => self.record_any(tracer, attributes, context, &callsite.template),
        }
    }

    #[inline]
    fn record_plain(
        &self,
        tracer: &Tracer,
        attributes: &Attributes<'_>,
        context: Context,
        template: &SpanTemplate,
        keys: &[StaticKey],
    ) -> ActiveSpan {
        let mut has_error = false;
        let active = tracer
            .span(attributes.metadata().name())
            .template(template)
            // Nobody else has the span yet, so a `Debug` that opens spans or logs meets no lock.
            .start_in(context, |span| {
                if self.settings.threads {
                    place::describe_thread(span);
                }
                let mut fields = Plain {
                    span,
                    keys,
                    has_error: false,
                };
                attributes.record(&mut fields);
                has_error = fields.has_error;
            });
        if has_error {
            record_errors(attributes, &active);
        }
        active
    }

    /// Where fields say how the span is, or say anything twice.
    #[inline(never)]
    fn record_any(
        &self,
        tracer: &Tracer,
        attributes: &Attributes<'_>,
        context: Context,
        template: &SpanTemplate,
    ) -> ActiveSpan {
        let mut otel = Otel::default();
        attributes.record(&mut each(|name, value| {
            otel.take(name, value);
        }));
        let name = otel.name.take();
        let mut has_error = false;
        let active = tracer
            .span(
                name.as_deref()
                    .unwrap_or_else(|| attributes.metadata().name()),
            )
            .template(template)
            .kind(otel.kind)
            .start_in(context, |span| {
                if let Some(name) = &name {
                    span.update_name(name);
                }
                if self.settings.threads {
                    place::describe_thread(span);
                }
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
            record_errors(attributes, &active);
        }
        active
    }
}

#[cold]
fn record_errors(attributes: &Attributes<'_>, active: &ActiveSpan) {
    attributes.record(&mut each(|name, value| {
        event::record_error(active.span(), name, value);
    }));
}
