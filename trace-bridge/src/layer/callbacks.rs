use std::time::Duration;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_core_ctx::attribute::Key;
use tracing_core_ctx::attribute::KeyRef;
use tracing_core_ctx::context::Owner;
use tracing_core_ctx::{ActiveSpan, Context, Timestamp};
use tracing_subscriber::layer::Context as Around;
use tracing_subscriber::{Layer, Registry};

use super::fields::each;
use super::made::MadeBy;
use super::number::detach_of_retired;
use super::open::Open;
use super::otel::Otel;
use super::timings::Timings;
use super::{TracingLayer, event, made};

const BUSY: Key<i64> = Key::new("busy_ns");
const IDLE: Key<i64> = Key::new("idle_ns");

/// The copies of a context that are there when its span is left and nobody else has it: in the table, and the one that was attached.
const OWN_COPIES: usize = 2;

impl<S: Subscriber> Layer<S> for TracingLayer {
    fn on_layer(&mut self, subscriber: &mut S) {
        let subscriber: &dyn Subscriber = subscriber;
        if subscriber.is::<Registry>() {
            self.made = MadeBy::layer(self.number.get()).unwrap_or(MadeBy::STRANGER);
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Around<'_, S>) {
        self.start(attributes, id);
    }

    fn on_enter(&self, id: &Id, _: Around<'_, S>) {
        if !self.made.is_in_place(id) {
            self.enter(id);
        }
    }

    fn on_exit(&self, id: &Id, _: Around<'_, S>) {
        if made::is_any_attached() {
            self.exit(id);
        }
    }

    fn on_close(&self, id: Id, _: Around<'_, S>) {
        if !self.made.closes(&id, &self.spans) {
            self.close(&id);
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
        if self.made.has_nothing_attached(id) && self.stays(id) {
            return;
        }
        let Some(context) = self.spans.context(id) else {
            return;
        };
        if self.settings.busy_and_idle {
            self.time(id, Timings::enter);
        }
        made::attached();
        context.attach_as(self.owner(id));
    }

    /// Whether a span that was made here is current without being attached. If not, it is forgotten.
    #[inline(never)]
    fn stays(&self, id: &Id) -> bool {
        let stays = self.made.is_again_in_place(id);
        if !stays {
            MadeBy::forget(id);
        }
        stays
    }

    #[inline(never)]
    fn exit(&self, id: &Id) {
        if self.settings.busy_and_idle {
            self.time(id, Timings::exit);
        }
        let Some(context) = self.owner(id).take() else {
            if detach_of_retired(id) || self.has_lost(id) {
                made::detached();
            }
            return;
        };
        made::detached();
        if context.copies() > OWN_COPIES || self.spans.may_be_in_use(id) {
            self.leave(id, &context);
        }
    }

    /// A span is left that others use, or was before: spans below it that are open, and work that goes on in its context. It ends here, unless it is
    /// entered again.
    #[cold]
    fn leave(&self, id: &Id, context: &Context) {
        let is_in_use = context.copies() > OWN_COPIES && !context.is_unrecorded();
        let tracer = context.span_ref().tracer();
        let time = tracer.filter(|_| is_in_use).map(|tracer| tracer.now());
        self.spans.leave(id, time);
    }

    /// Whether what was attached for a span has gone with the scope around it: nothing of this layer is attached any more.
    #[cold]
    fn has_lost(&self, id: &Id) -> bool {
        !self.made.has_nothing_attached(id) && Owner::last_of(self.number.get()).is_none()
    }

    #[inline(never)]
    fn close(&self, id: &Id) {
        match self.spans.remove(id) {
            Some(Open::Recording {
                active,
                left,
                timings,
                ..
            }) if left.is_some() || timings.is_some() => self.end(active, left, timings),
            // Dropped and not ended: if a panic drops the span, it has failed.
            open => drop(open),
        }
    }

    #[inline(never)]
    fn time(&self, id: &Id, change: fn(&mut Timings, Timestamp)) {
        let now = self.tracer.now();
        self.spans.time(id, |timings| change(timings, now));
    }

    #[inline(never)]
    fn end(&self, mut active: ActiveSpan, left: Option<Timestamp>, timings: Option<Box<Timings>>) {
        if let Some(mut timings) = timings {
            timings.end(left.unwrap_or_else(|| self.tracer.now()));
            let nanos = |time: Duration| u64::try_from(time.as_nanos()).ok();
            active.span().set_opt(BUSY, nanos(timings.busy));
            active.span().set_opt(IDLE, nanos(timings.idle));
        }
        if left.is_some() {
            active.end_at_with(left, |_| {});
        }
        drop(active);
    }
}
