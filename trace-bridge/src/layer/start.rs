//! What happens when a span is made.

use tracing::span::{Attributes, Id};
use tracing_core_ctx::attribute::{KeyRef, StaticKey};
use tracing_core_ctx::span::{SpanBuilder, SpanTemplate};
use tracing_core_ctx::{ActiveSpan, Context, SpanContext};

use super::asked::Asked;
use super::callsites::Callsite;
use super::fields::{Plain, each};
use super::open::Open;
use super::otel::Otel;
use super::timings::Timings;
use super::{TracingLayer, event, place};

impl TracingLayer {
    /// Where a new span stands, if not in the current context.
    #[inline]
    fn above(&self, attributes: &Attributes<'_>, current: &Context) -> Option<Context> {
        if attributes.is_contextual() {
            return None;
        }
        if attributes.is_root() {
            return Some(current.clone().without_span());
        }
        // A parent that this layer does not see, because a filter keeps it away, tells nothing.
        self.spans.context(attributes.parent()?)
    }

    /// A span about to start in a context; `None`, if it is not recorded there.
    #[inline]
    fn builder<'a>(&'a self, context: &'a Context, name: &'a str) -> Option<SpanBuilder<'a>> {
        if context.is_suppressed() {
            return None;
        }
        let span = context.span_ref();
        if let Some(child) = span.child_span(name) {
            return Some(child);
        }
        let is_begun = match span.span_context().map(SpanContext::is_remote) {
            // Its sampler has its say about a caller's trace.
            Some(true) => true,
            // Where the span above does not record, neither does this one.
            Some(false) => false,
            None => self.settings.roots,
        };
        is_begun.then(|| self.tracer.span(name))
    }

    /// Starts a span. One that does not record carries the context in which it was made, unless that is in no trace.
    #[inline]
    pub(super) fn start(&self, attributes: &Attributes<'_>, id: &Id) {
        if !(attributes.is_contextual() && self.made.makes_again(id, &self.spans)) {
            self.start_anew(attributes, id);
        }
    }

    #[inline(never)]
    fn start_anew(&self, attributes: &Attributes<'_>, id: &Id) {
        let context = Context::current();
        if attributes.is_contextual() && context.is_unrecorded() {
            let sits = self.spans.insert(id, Open::Passing(context.clone()));
            self.made.remember(id, &context, sits);
        } else if let Some(open) = self.open(attributes, context) {
            self.spans.insert(id, open);
        }
    }

    /// `current` is the current context.
    #[inline]
    fn open(&self, attributes: &Attributes<'_>, current: Context) -> Option<Open> {
        let above = self.above(attributes, &current).unwrap_or(current);
        let Some(active) = self.record(attributes, &above) else {
            return Self::pass(above);
        };
        if !active.is_open() {
            return Self::pass(active.context().clone());
        }
        let is_timed = self.settings.busy_and_idle;
        let timings = is_timed.then(|| Box::new(Timings::new(self.tracer.now())));
        Some(Open::Recording {
            active,
            _above: above,
            left: None,
            timings,
        })
    }

    fn pass(context: Context) -> Option<Open> {
        let is_in_trace = context.span_context().is_some() || context.is_suppressed();
        is_in_trace.then_some(Open::Passing(context))
    }

    #[inline]
    fn record(&self, attributes: &Attributes<'_>, context: &Context) -> Option<ActiveSpan> {
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
            Some(keys) => self.record_plain(attributes, context, &callsite.template, keys),
            None => self.record_any(attributes, context, &callsite.template),
        }
    }

    #[inline]
    fn record_plain(
        &self,
        attributes: &Attributes<'_>,
        context: &Context,
        template: &SpanTemplate,
        keys: &[StaticKey],
    ) -> Option<ActiveSpan> {
        let asked = Asked::new(attributes, template);
        let builder = self
            .builder(context, attributes.metadata().name())?
            .attribute_source(&asked);
        let mut has_error = false;
        // Nobody else has the span yet, so a `Debug` that opens spans or logs meets no lock.
        let active = builder.template(template).start_below(context, |span| {
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
        Some(active)
    }

    /// Where fields say how the span is, or say anything twice.
    #[inline(never)]
    fn record_any(
        &self,
        attributes: &Attributes<'_>,
        context: &Context,
        template: &SpanTemplate,
    ) -> Option<ActiveSpan> {
        let mut otel = Otel::default();
        attributes.record(&mut each(|name, value| {
            otel.take(name, value);
        }));
        let name = otel.name.take();
        let asked = Asked::new(attributes, template);
        let shown = name.as_deref();
        let builder = self
            .builder(
                context,
                shown.unwrap_or_else(|| attributes.metadata().name()),
            )?
            .attribute_source(&asked);
        let mut has_error = false;
        let active = builder
            .template(template)
            .kind(otel.kind)
            .start_below(context, |span| {
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
        Some(active)
    }
}

#[cold]
fn record_errors(attributes: &Attributes<'_>, active: &ActiveSpan) {
    attributes.record(&mut each(|name, value| {
        event::record_error(active.span(), name, value);
    }));
}
