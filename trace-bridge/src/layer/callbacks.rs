use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::attribute::KeyRef;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as Around;

use super::fields::each;
use super::open::Open;
use super::otel::Otel;
use super::timings::Timings;
use super::{TracingLayer, entered, event};

const BUSY: Key<i64> = Key::new("busy_ns");
const IDLE: Key<i64> = Key::new("idle_ns");

impl<S: Subscriber> Layer<S> for TracingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Around<'_, S>) {
        let active = self.start(attributes);
        if active.context().span_context().is_none() && !active.context().is_suppressed() {
            // Not in a trace: nothing to carry.
            return;
        }
        let is_timed = self.settings.busy_and_idle && active.is_open();
        let timings = is_timed.then(|| Box::new(Timings::new(self.tracer.now())));
        self.spans.insert(id, Open { active, timings });
    }

    fn on_enter(&self, id: &Id, _: Around<'_, S>) {
        if let Some(context) = self.spans.context(id) {
            entered::enter(self.number, id, context);
        }
        if self.settings.busy_and_idle {
            let now = self.tracer.now();
            self.spans.time(id, |timings| timings.enter(now));
        }
    }

    fn on_exit(&self, id: &Id, _: Around<'_, S>) {
        entered::exit(self.number, id);
        if self.settings.busy_and_idle {
            let now = self.tracer.now();
            self.spans.time(id, |timings| timings.exit(now));
        }
    }

    fn on_close(&self, id: Id, _: Around<'_, S>) {
        let Some(open) = self.spans.remove(&id) else {
            return;
        };
        if let Some(mut timings) = open.timings {
            timings.end(self.tracer.now());
            let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).ok();
            open.active.span().set_opt(BUSY, nanos(timings.busy));
            open.active.span().set_opt(IDLE, nanos(timings.idle));
        }
        // Dropped and not ended: if a panic drops the span, it has failed.
        drop(open.active);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Around<'_, S>) {
        let Some(context) = self.spans.recorded(id) else {
            return;
        };
        let span = context.span_ref();
        let mut otel = Otel::default();
        values.record(&mut each(|name, value| {
            if otel.take(name, value) {
                return;
            }
            value.read(|value| span.set(KeyRef::Static(name), value));
            event::record_error(span, name, value);
        }));
        otel.apply(span);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Around<'_, S>) {
        if let Some(context) = self.spans.recorded(id)
            && let Some(cause) = self.spans.recorded(follows)
            && let Some(cause) = cause.span_context()
        {
            context.span_ref().link(cause.clone());
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Around<'_, S>) {
        self.event(event);
    }
}
