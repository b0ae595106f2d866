use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{APPLICATION, Inner, Tracer};
use crate::limits::SpanLimits;
use crate::propagation::{Propagator, TraceContextAndBaggage};
use crate::sampler::{AlwaysOn, ParentBased};
use crate::{
    Clock, IdGenerator, InstrumentationScope, NoSink, RandomIds, Resource, Sampler, SpanSink,
    SystemClock,
};

/// Puts a [`Tracer`] together. Made by [`Tracer::builder`]; everything has a default.
#[derive(Debug)]
#[must_use = "a tracer is made when `build` is called"]
pub struct TracerBuilder {
    resource: Option<Resource>,
    sampler: Box<dyn Sampler>,
    propagator: Box<dyn Propagator>,
    ids: Box<dyn IdGenerator>,
    clock: Option<Box<dyn Clock>>,
    limits: SpanLimits,
    sink: Box<dyn SpanSink>,
    scope: &'static InstrumentationScope,
}

impl Default for TracerBuilder {
    fn default() -> Self {
        Self {
            resource: None,
            sampler: Box::new(ParentBased::new(AlwaysOn)),
            propagator: Box::new(TraceContextAndBaggage::default()),
            ids: Box::new(RandomIds),
            clock: None,
            limits: SpanLimits::default(),
            sink: Box::new(NoSink),
            scope: &APPLICATION,
        }
    }
}

impl TracerBuilder {
    /// Who is being traced. Default: `unknown_service:` and the name of the executable.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Who decides what is recorded. Default: [`ParentBased`] over [`AlwaysOn`].
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Puts another sampler around the one that is there.
    pub fn map_sampler(mut self, map: impl FnOnce(Box<dyn Sampler>) -> Box<dyn Sampler>) -> Self {
        self.sampler = map(self.sampler);
        self
    }

    /// How contexts travel. Default: W3C Trace Context and Baggage.
    pub fn propagator(mut self, propagator: impl Propagator + 'static) -> Self {
        self.propagator = Box::new(propagator);
        self
    }

    /// Where ids come from. Default: [`RandomIds`].
    pub fn id_generator(mut self, ids: impl IdGenerator + 'static) -> Self {
        self.ids = Box::new(ids);
        self
    }

    /// Who tells the time. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// How much a span may hold. Default: 128 of each, values of any length.
    pub fn limits(mut self, limits: SpanLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Who takes finished spans. Default: nobody, and so nothing is recorded.
    pub fn sink(mut self, sink: impl SpanSink + 'static) -> Self {
        self.sink = Box::new(sink);
        self
    }

    /// Which library records. Default: the application.
    pub const fn scope(mut self, scope: &'static InstrumentationScope) -> Self {
        self.scope = scope;
        self
    }

    /// The tracer.
    #[must_use]
    pub fn build(self) -> Tracer {
        // Perhaps in a child of a fork, whose ids are not those of its parent.
        RandomIds::after_fork();
        Tracer {
            inner: Arc::new(Inner {
                resource: self.resource.unwrap_or_default(),
                sampler: self.sampler,
                propagator: self.propagator,
                ids: self.ids,
                clock: self.clock.unwrap_or_else(|| Box::new(SystemClock::new())),
                limits: self.limits,
                sink: self.sink,
                scope: self.scope,
                malformed_contexts: AtomicU64::new(0),
                late_writes: AtomicU64::new(0),
            }),
            scope: self.scope,
        }
    }
}

macro_rules! shared {
    ($($seam:ident { $($method:ident($($arg:ident: $type:ty),*) -> $result:ty;)* })*) => {
        $(impl<T: $seam + ?Sized> $seam for Arc<T> {
            $(fn $method(&self, $($arg: $type),*) -> $result {
                (**self).$method($($arg),*)
            })*
        })*
    };
}

// What is shared with a test or a pipeline can be handed in as it is.
shared! {
    Clock { now() -> crate::Timestamp; }
    IdGenerator {
        trace_id() -> crate::TraceId;
        span_id() -> crate::SpanId;
        root_ids() -> (crate::TraceId, crate::SpanId);
        is_random() -> bool;
    }
    Sampler {
        sample(input: &crate::sampler::SamplingInput<'_>) -> crate::sampler::Sampling;
        description() -> std::borrow::Cow<'static, str>;
    }
    SpanSink {
        is_enabled() -> bool;
        started() -> ();
        not_recorded() -> ();
        submit(span: crate::SpanRecord) -> ();
    }
}
