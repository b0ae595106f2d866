use std::sync::Arc;

use super::{Link, LiveSpan, Relation, Span, SpanKind, SpanRecord, SpanRef, SpanWriter};
use crate::attribute::{AttributeKey, AttributeValue, Attributes};
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
struct Above {
    span_context: Option<SpanContext>,
    hint: Option<SamplingHint>,
    suppressed: bool,
}

impl Above {
    fn of(cx: &Context) -> Self {
        Self {
            span_context: cx.span_context().cloned(),
            hint: cx.sampling_hint(),
            suppressed: cx.is_suppressed(),
        }
    }
}

impl<'a> SpanBuilder<'a> {
    pub(crate) fn new(tracer: &'a Tracer, name: &'a str) -> Self {
        Self {
            tracer,
            name,
            kind: SpanKind::Internal,
            parent: Parent::Current,
            links: Vec::new(),
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

    /// Takes the parent from `context` instead of from the current one.
    pub fn parent(mut self, context: &Context) -> Self {
        self.parent = Parent::Given(Above::of(context));
        self
    }

    /// Starts a new trace.
    pub fn root(mut self) -> Self {
        let suppressed = Context::with_current(Context::is_suppressed).unwrap_or_default();
        self.parent = Parent::Given(Above {
            suppressed,
            ..Above::default()
        });
        self
    }

    /// Relates the span to another one: [`Relation::ChildOf`] makes that the parent, [`Relation::FollowsFrom`] links it.
    pub fn relation(mut self, relation: Relation) -> Self {
        match relation {
            Relation::ChildOf(parent) => {
                self.parent = Parent::Given(Above {
                    span_context: Some(parent),
                    ..Above::default()
                });
                self
            }
            Relation::FollowsFrom(cause) => self.link(Link::new(cause)),
        }
    }

    /// Links another span, so that samplers see it too.
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// Gives an attribute that samplers see too.
    ///
    /// It is copied before the sampler is asked. Where that counts, describe the span in [`start_with`](Self::start_with) and lend
    /// samplers a [`source`](Self::attribute_source).
    pub fn attribute<K: AttributeKey>(mut self, key: K, value: impl AttributeValue<K::Type>) -> Self {
        self.attributes
            .set_within(&self.tracer.limits().attributes, key, value);
        self
    }

    /// Lends samplers what is known, without copying it.
    pub const fn attribute_source(mut self, source: &'a dyn AttributeSource) -> Self {
        self.source = Some(source);
        self
    }

    /// The moment at which the operation started. Default: now.
    pub const fn start_time(mut self, time: Timestamp) -> Self {
        self.start = Some(time);
        self
    }

    /// Starts the span.
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
            attributes: self.source.unwrap_or(&self.attributes),
            links: &self.links,
        });
        let random = parent.map_or_else(|| tracer.ids().is_random(), |parent| parent.flags().is_random());
        let flags = crate::TraceFlags::NONE
            .with_random(random)
            .with_sampled(sampling.decision == Decision::RecordAndSample);
        let trace_state = match sampling.trace_state {
            Some(changed) => changed,
            None => parent.map(SpanContext::trace_state).cloned().unwrap_or_default(),
        };
        let span_context =
            SpanContext::new(trace_id, tracer.ids().span_id(), flags).with_trace_state(trace_state);
        if sampling.decision == Decision::Drop {
            return Span::new(SpanRef::new(Some(span_context), None));
        }

        let start = self.start.unwrap_or_else(|| tracer.now());
        let mut record = Box::new(SpanRecord::new(span_context.clone(), tracer.scope(), start));
        record.parent = parent.map(SpanContext::span_id);
        record.parent_is_remote = parent.is_some_and(SpanContext::is_remote);
        record.kind = self.kind;
        record.name = record.attributes.push_text(self.name);
        let mut writer = SpanWriter::new(&mut record, tracer);
        for (key, value) in self.attributes.iter() {
            writer.put(crate::attribute::KeyRef::Borrowed(key), value);
        }
        for (key, value) in sampling.attributes.iter() {
            writer.put(crate::attribute::KeyRef::Borrowed(key), value);
        }
        for link in self.links {
            writer.push_link(link);
        }
        describe(&mut writer);
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
