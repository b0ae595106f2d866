use std::fmt;
use std::sync::Arc;

use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::observer::{Ended, ExchangeObserver, ObservedExchange, Started};
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::{SpanKind, SpanRef, Timestamp, Tracer, semconv};

use crate::hook;

/// The observer's part of an exchange: whom to tell of its end. Where there is no observer it is a null pointer.
#[derive(Default)]
pub struct Watch(Option<Box<Watched>>);

struct Watched {
    observed: Box<dyn ObservedExchange>,
    start: Timestamp,
    tracer: Tracer,
    /// What becomes known while it runs.
    late: Option<Late>,
}

/// What becomes known of an exchange while it runs, by somebody inside of it.
pub type Late = Arc<dyn AttributeSource + Send + Sync>;

impl Watch {
    /// Nobody is told.
    pub const OFF: Self = Self(None);

    /// Tells the observer, if there is one, that an exchange starts.
    #[inline]
    pub fn start(
        observer: Option<&Arc<dyn ExchangeObserver>>,
        tracer: &Tracer,
        kind: SpanKind,
        attributes: &dyn AttributeSource,
    ) -> Self {
        match observer {
            None => Self::OFF,
            Some(observer) => Self::observe(&**observer, tracer, kind, attributes),
        }
    }

    #[cold]
    fn observe(
        observer: &dyn ExchangeObserver,
        tracer: &Tracer,
        kind: SpanKind,
        attributes: &dyn AttributeSource,
    ) -> Self {
        let started = Started::new(kind, attributes);
        let observed = hook::run(|| observer.started(&started)).flatten();
        Self(observed.map(|observed| {
            Box::new(Watched {
                observed,
                start: tracer.now(),
                tracer: tracer.clone(),
                late: None,
            })
        }))
    }

    /// Whether somebody wants to hear of the end.
    #[must_use]
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells at the end also what `late` knows by then.
    pub fn expect(&mut self, late: Late) {
        if let Some(watched) = &mut self.0 {
            watched.late = Some(late);
        }
    }

    /// When the exchange started, for its span.
    #[must_use]
    #[inline]
    pub fn start_time(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|watched| watched.start)
    }

    /// Tells that the exchange has ended, and says when that was, so that its span says the same. The second end is told to nobody.
    #[inline]
    pub fn end<A: AttributeSource>(
        &mut self,
        span: &SpanRef,
        attributes: impl FnOnce() -> A,
    ) -> Option<Timestamp> {
        let watched = self.0.take()?;
        Some((*watched).end(span, &attributes()))
    }
}

/// Who is never told to end was dropped by a panic, before there was an exchange that would have told of it.
impl Drop for Watch {
    #[inline]
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            (*watched).end(&SpanRef::default(), &Panicked);
        }
    }
}

/// All that is known at the end of what never began.
struct Panicked;

impl AttributeSource for Panicked {
    fn name(&self) -> &str {
        ""
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        (key == semconv::ERROR_TYPE.name()).then_some(ValueRef::Str(semconv::error_type::PANIC))
    }
}

impl Watched {
    #[cold]
    fn end(self, span: &SpanRef, attributes: &dyn AttributeSource) -> Timestamp {
        let Self {
            observed,
            start,
            tracer,
            late,
        } = self;
        let time = tracer.now();
        let recorded = span.span_context().filter(|_| span.is_recording());
        let attributes = WithLate {
            known: attributes,
            late: late.as_deref(),
        };
        let ended = Ended::new(time, time.since(start), &attributes).with_span(recorded);
        hook::run(|| observed.ended(&ended));
        time
    }
}

/// What is known at the end, and what became known before.
struct WithLate<'a> {
    known: &'a dyn AttributeSource,
    late: Option<&'a (dyn AttributeSource + Send + Sync)>,
}

impl AttributeSource for WithLate<'_> {
    fn name(&self) -> &str {
        self.known.name()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.known.get(key).or_else(|| self.late?.get(key))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("on", &self.is_on()).finish()
    }
}
