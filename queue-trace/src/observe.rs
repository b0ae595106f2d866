use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::{fmt, thread};

use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::observer::{Arrived, Ended, ExchangeObserver, ObservedExchange, Started};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{ActiveSpan, SpanContext, SpanKind, SpanRef, Timestamp, Tracer, semconv};

use crate::QueueTracer;
use crate::operation::Begin;

/// The observer's part of an operation: whom to tell of its end. Where nobody observes it is a null pointer.
///
/// If it is dropped the operation has ended, by a panic if there is one.
#[derive(Default)]
pub(crate) struct Watch(Option<Box<Watched>>);

struct Watched {
    observed: Box<dyn ObservedExchange>,
    start: Timestamp,
    tracer: Tracer,
    /// The span, if it is recorded.
    span: Option<SpanContext>,
}

impl QueueTracer {
    /// Tells the observer, if there is one, that an operation starts, or [has started](Begin::start), whose span has.
    #[inline]
    pub(crate) fn watch(&self, kind: SpanKind, operation: &impl Begin, span: &SpanRef) -> Watch {
        match &self.settings.observer {
            None => Watch(None),
            Some(observer) => {
                self.watch_for(&**observer, kind, (operation, operation.start()), span)
            }
        }
    }

    #[cold]
    fn watch_for(
        &self,
        observer: &dyn ExchangeObserver,
        kind: SpanKind,
        (operation, start): (&dyn AttributeSource, Option<Timestamp>),
        span: &SpanRef,
    ) -> Watch {
        let facts = Facts(self, operation);
        let started = Started::new(kind, &facts);
        let observed = catch_unwind(AssertUnwindSafe(|| observer.started(&started)));
        let observed = observed.ok().flatten();
        Watch(observed.map(|observed| {
            Box::new(Watched {
                observed,
                start: start.unwrap_or_else(|| self.tracer().now()),
                tracer: self.tracer().clone(),
                span: span.span_context().filter(|_| span.is_recording()).cloned(),
            })
        }))
    }

    /// Whether anybody wants to know what is done.
    #[cfg(feature = "kafka")]
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.tracer().is_enabled() || self.is_observed()
    }

    /// Whether somebody wants to hear of messages that come.
    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        self.settings.observer.is_some()
    }

    /// Tells the observer, if there is one, that a message has come. Times are in milliseconds.
    #[cold]
    pub(crate) fn tell_arrival(
        &self,
        operation: &dyn AttributeSource,
        queue_time: Option<i64>,
        lag: Option<i64>,
    ) {
        let Some(observer) = &self.settings.observer else {
            return;
        };
        let facts = Facts(self, operation);
        let queue_time = queue_time.and_then(|millis| u64::try_from(millis).ok());
        let arrived = Arrived::new(&facts)
            .with_queue_time(queue_time.map(Duration::from_millis))
            .with_lag(lag.and_then(|lag| u64::try_from(lag).ok()));
        // A panic of the observer is reported by the panic hook, and the message goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| observer.arrived(&arrived)));
    }
}

impl Watch {
    /// Whether somebody wants to hear of the end.
    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells that the operation has ended, and says when that was. The second end is told to nobody.
    #[inline]
    pub(crate) fn end(&mut self, error_type: Option<&str>) -> Option<Timestamp> {
        self.end_at(None, error_type)
    }

    /// The same at this time, or now.
    #[inline]
    pub(crate) fn end_at(
        &mut self,
        time: Option<Timestamp>,
        error_type: Option<&str>,
    ) -> Option<Timestamp> {
        let watched = *self.0.take()?;
        Some(watched.end(time, error_type))
    }

    /// The same for an operation whose span ends with it, and has failed if there is an error.
    pub(crate) fn end_with(&mut self, active: &mut ActiveSpan, failure: Option<Failure<'_>>) {
        let time = self.end(failure.map(|failure| failure.error_type));
        let text = failure.filter(|_| active.is_open());
        let text = text.map(|failure| failure.error.to_string());
        active.end_at_with(time, |span| {
            if let Some(failure) = failure {
                span.fail(failure.error_type, text.unwrap_or_default());
            }
        });
    }
}

/// With what an operation has failed.
#[derive(Clone, Copy)]
pub(crate) struct Failure<'a> {
    pub(crate) error_type: &'a str,
    pub(crate) error: &'a dyn fmt::Display,
}

impl Watched {
    #[cold]
    fn end(self, time: Option<Timestamp>, error_type: Option<&str>) -> Timestamp {
        let Self {
            observed,
            start,
            tracer,
            span,
        } = self;
        let time = time.unwrap_or_else(|| tracer.now());
        let end = Error(error_type);
        let ended = Ended::new(time, time.since(start), &end).with_span(span.as_ref());
        let _ = catch_unwind(AssertUnwindSafe(|| observed.ended(&ended)));
        time
    }
}

impl Drop for Watch {
    #[inline]
    fn drop(&mut self) {
        if self.is_on() {
            let panicked = thread::panicking().then_some(semconv::error_type::PANIC);
            self.end(panicked);
        }
    }
}

/// What metrics may know of an operation: of destinations, those that are few.
struct Facts<'a>(&'a QueueTracer, &'a dyn AttributeSource);

impl AttributeSource for Facts<'_> {
    fn name(&self) -> &str {
        self.1.name()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        if key == semconv::MESSAGING_DESTINATION_NAME.name() && self.is_made_up() {
            return None;
        }
        self.1.get(key).or_else(|| self.0.server_fact(key))
    }
}

impl Facts<'_> {
    fn is_made_up(&self) -> bool {
        let has = |key: &str| self.1.get(key).is_some();
        has(semconv::MESSAGING_DESTINATION_ANONYMOUS.name())
            || has(semconv::MESSAGING_DESTINATION_TEMPORARY.name())
            || has(semconv::MESSAGING_DESTINATION_TEMPLATE.name())
    }
}

struct Error<'a>(Option<&'a str>);

impl AttributeSource for Error<'_> {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let error = self.0.filter(|_| key == semconv::ERROR_TYPE.name());
        error.map(ValueRef::Str)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("on", &self.is_on()).finish()
    }
}
