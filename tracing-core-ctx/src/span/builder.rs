use std::sync::Arc;

use super::{Link, LiveSpan, Relation, Span, SpanKind, SpanRecord, SpanRef, SpanWriter};
use crate::attribute::{AttributeKey, AttributeValue, Attributes, ValueRef};
use crate::context::SamplingHint;
use crate::sampler::{AttributeSource, Decision, SamplingInput};
use crate::{Context, SpanContext, Timestamp, Tracer};

/// Says what is known before a span starts. Made by [`Tracer::span`].
///
/// The parent is the span of the current context unless something else is said.
#[must_use = "a span starts when `start` is called"]
pub struct SpanBuilder<'a> {
    tracer: &'a Tracer,
    name: &'a str,
    kind: SpanKind,
    parent: Parent,
    links: Vec<Link>,
    dropped_links: u32,
    attributes: Attributes,
    source: Option<&'a dyn AttributeSource>,
    start: Option<Timestamp>,
}

/// Where the parent comes from, reduced to what starting a span needs of it.
#[derive(Default)]
enum Parent {
    #[default]
    Current,
    Given(Above),
}

/// What a parent context says about a new span.
#[derive(Default)]
pub(super) struct Above {
    span_context: Option<SpanContext>,
    hint: Option<SamplingHint>,
    suppressed: bool,
}

impl Above {
    pub(super) fn of(cx: &Context) -> Self {
        Self {
            span_context: cx.span_context().cloned(),
            hint: cx.sampling_hint(),
            suppressed: cx.is_suppressed(),
        }
    }
}

/// What samplers see: what was lent, else what was given.
struct Known<'a> {
    lent: Option<&'a dyn AttributeSource>,
    given: &'a Attributes,
}

impl AttributeSource for Known<'_> {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.lent
            .and_then(|lent| lent.get(key))
            .or_else(|| self.given.get(key))
    }
}

impl<'a> SpanBuilder<'a> {
    pub(crate) const fn new(tracer: &'a Tracer, name: &'a str) -> Self {
        Self {
            tracer,
            name,
            kind: SpanKind::Internal,
            parent: Parent::Current,
            links: Vec::new(),
            dropped_links: 0,
            attributes: Attributes::new(),
            source: None,
            start: None,
        }
    }

    /// The role of the span. Default: [`SpanKind::Internal`].
    pub const fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    /// Takes the parent from `context` instead of from the current one, and whether telemetry is suppressed too.
    pub fn parent(self, context: &Context) -> Self {
        self.below(Above::of(context))
    }

    pub(super) fn below(mut self, above: Above) -> Self {
        self.parent = Parent::Given(above);
        self
    }

    /// Starts a new trace. In a suppressed context it is not recorded either.
    pub fn root(self) -> Self {
        self.below_span(None)
    }

    /// Relates the span to another one: [`Relation::ChildOf`] makes that the parent, [`Relation::FollowsFrom`] links it.
    ///
    /// There is one parent: the last of `parent`, `root` and `ChildOf` counts. Links add up.
    pub fn relation(self, relation: Relation) -> Self {
        match relation {
            Relation::ChildOf(parent) => self.below_span(Some(parent)),
            Relation::FollowsFrom(cause) => self.link(cause),
        }
    }

    fn below_span(self, span_context: Option<SpanContext>) -> Self {
        // A span context does not say that the work is telemetry's own; the context that was taken before does.
        let suppressed = match &self.parent {
            Parent::Given(above) => above.suppressed,
            Parent::Current => Context::with_current(Context::is_suppressed).unwrap_or_default(),
        };
        self.below(Above {
            span_context,
            hint: None,
            suppressed,
        })
    }

    /// Links another span, a [`SpanContext`] or one with attributes, so that samplers see it too. What is over the limit is dropped
    /// and counted.
    pub fn link(mut self, link: impl Into<Link>) -> Self {
        if self.links.len() >= self.tracer.limits().links {
            self.dropped_links = self.dropped_links.saturating_add(1);
        } else {
            self.links.push(link.into());
        }
        self
    }

    /// Gives an attribute that samplers see too.
    ///
    /// It is copied before the sampler is asked. Where that counts, describe the span in [`start_with`](Self::start_with) and lend
    /// samplers a [`source`](Self::attribute_source).
    pub fn attribute<K: AttributeKey>(
        mut self,
        key: K,
        value: impl AttributeValue<K::Type>,
    ) -> Self {
        self.attributes
            .set_within(&self.tracer.limits().attributes, key, value);
        self
    }

    /// Lends samplers what is known, without copying it. The span does not get it: that is for `describe` of
    /// [`start_with`](Self::start_with).
    pub const fn attribute_source(mut self, source: &'a dyn AttributeSource) -> Self {
        self.source = Some(source);
        self
    }

    /// The moment at which the operation started. Default: when [`start`](Self::start) is called.
    pub const fn start_time(mut self, time: Timestamp) -> Self {
        self.start = Some(time);
        self
    }

    /// Starts the span. It does not become current by that: see [`Span::in_scope`] and
    /// [`in_span`](super::SpanFutureExt::in_span).
    pub fn start(self) -> Span {
        self.start_with(|_| {})
    }

    /// Starts the span and lets `describe` write on it, if it records.
    ///
    /// When it does not, nothing is built: the span is its identity and no more.
    pub fn start_with(self, describe: impl FnOnce(&mut SpanWriter<'_>)) -> Span {
        let tracer = self.tracer;
        let above = match self.parent {
            Parent::Given(above) => above,
            Parent::Current => Context::with_current(Above::of).unwrap_or_default(),
        };
        if above.suppressed || !tracer.is_enabled() {
            // The caller's context still passes through, so that propagation works without us.
            return Span::new(SpanRef::new(above.span_context, None));
        }

        let parent = above.span_context.as_ref();
        let trace_id = parent.map_or_else(|| tracer.ids().trace_id(), SpanContext::trace_id);
        let sampling = tracer.sampler().sample(&SamplingInput {
            parent,
            hint: above.hint,
            trace_id,
            name: self.name,
            kind: self.kind,
            attributes: &Known {
                lent: self.source,
                given: &self.attributes,
            },
            links: &self.links,
        });
        let random = parent.map_or_else(
            || tracer.ids().is_random(),
            |parent| parent.flags().is_random(),
        );
        let flags = crate::TraceFlags::NONE
            .with_random(random)
            .with_sampled(sampling.decision == Decision::RecordAndSample);
        let trace_state = match sampling.trace_state {
            Some(changed) => changed,
            None => parent
                .map(SpanContext::trace_state)
                .cloned()
                .unwrap_or_default(),
        };
        let span_context =
            SpanContext::new(trace_id, tracer.ids().span_id(), flags).with_trace_state(trace_state);
        if sampling.decision == Decision::Drop {
            return Span::new(SpanRef::new(Some(span_context), None));
        }

        let start = self.start.unwrap_or_else(|| tracer.now());
        let mut record = Box::new(SpanRecord::new(
            span_context.clone(),
            tracer.scope(),
            start,
            self.attributes,
        ));
        record.parent = parent.map(SpanContext::span_id);
        record.parent_is_remote = parent.is_some_and(SpanContext::is_remote);
        record.kind = self.kind;
        record.attributes.set_name(self.name);
        record.links = self.links;
        for link in &mut record.links {
            link.limit(&tracer.limits().link_attributes);
        }
        record.dropped_links = self.dropped_links;
        describe(&mut SpanWriter::new(&mut record, tracer));
        // After the description, which may say that its keys are new.
        record
            .attributes
            .put_all(&tracer.limits().attributes, &sampling.attributes);
        let live = Arc::new(LiveSpan::new(tracer.clone(), record));
        tracer.started();
        Span::new(SpanRef::new(Some(span_context), Some(live)))
    }
}

impl std::fmt::Debug for SpanBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpanBuilder")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
