use std::time::Duration;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::attribute::KeyRef;
use tracing_core_ctx::{ActiveSpan, Context, Timestamp};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as Around;

use super::fields::each;
use super::made::Age;
use super::open::Open;
use super::otel::Otel;
use super::timings::Timings;
use super::{TracingLayer, event};

const BUSY: Key<i64> = Key::new("busy_ns");
const IDLE: Key<i64> = Key::new("idle_ns");

impl<S: Subscriber> Layer<S> for TracingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Around<'_, S>) {
        self.start(attributes, id);
    }

    fn on_enter(&self, id: &Id, _: Around<'_, S>) {
        if !self.age.is_in_place(id) {
            self.enter(id);
        }
    }

    fn on_exit(&self, id: &Id, _: Around<'_, S>) {
        if !self.age.remembers(id) {
            self.exit(id);
        }
    }

    fn on_close(&self, id: Id, _: Around<'_, S>) {
        match self.spans.remove(&id) {
            Some(Open::Passing { context, maker }) => {
                self.age.forget(&id, maker);
                drop(context);
            }
            Some(Open::Recording { active, timings }) => self.end(active, timings),
            None => {}
        }
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

impl TracingLayer {
    #[inline(never)]
    fn enter(&self, id: &Id) {
        let Some((context, records)) = self.spans.look(id, |open| match open {
            Open::Passing { context, .. } => (context.clone(), false),
            Open::Recording { active, .. } => (active.context().clone(), true),
        }) else {
            return;
        };
        if !records {
            return self.enter_unrecorded(id, context);
        }
        if self.settings.busy_and_idle {
            self.time(id, Timings::enter);
        }
        context.attach_as(self.owner(id));
    }

    #[inline(never)]
    fn enter_unrecorded(&self, id: &Id, context: Context) {
        // What is current already is attached only to be in step with an exit of the same span.
        let is_in_place = context.is_unrecorded() && context.identity().is_current();
        if !is_in_place || self.owner(id).is_attached() {
            Age::leave(id);
            context.attach_as(self.owner(id));
        }
    }

    #[inline(never)]
    fn exit(&self, id: &Id) {
        if self.settings.busy_and_idle {
            self.time(id, Timings::exit);
        }
        self.owner(id).detach();
    }

    #[inline(never)]
    fn time(&self, id: &Id, change: fn(&mut Timings, Timestamp)) {
        let now = self.tracer.now();
        self.spans.time(id, |timings| change(timings, now));
    }

    #[inline(never)]
    fn end(&self, active: ActiveSpan, timings: Option<Box<Timings>>) {
        if let Some(mut timings) = timings {
            timings.end(self.tracer.now());
            let nanos = |time: Duration| u64::try_from(time.as_nanos()).ok();
            active.span().set_opt(BUSY, nanos(timings.busy));
            active.span().set_opt(IDLE, nanos(timings.idle));
        }
        // Dropped and not ended: if a panic drops the span, it has failed.
        drop(active);
    }
}
