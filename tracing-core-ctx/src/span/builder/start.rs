//! How a span starts: the sampler is asked, and what it lets through begins to record.

use super::super::recording::Recording;
use super::super::{ActiveSpan, Link, LiveRef, SpanKind, SpanRef, SpanTemplate, SpanWriter};
use crate::attribute::{Attributes, ValueRef};
use crate::context::SamplingHint;
use crate::sampler::{AttributeSource, Decision, SamplingInput};
use crate::{
    Context, InstrumentationScope, SpanContext, SpanId, Timestamp, TraceFlags, TraceId, TraceState,
    Tracer,
};

/// What is said of the span itself. Nothing in it has to be dropped, so it need not lie in memory where all is known while compiling.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    pub(super) tracer: &'a Tracer,
    pub(super) scope: &'static InstrumentationScope,
    pub(super) name: &'a str,
    /// What the span begins with, its name too.
    pub(super) template: Option<&'a SpanTemplate>,
    pub(super) kind: SpanKind,
    pub(super) source: Option<&'a dyn AttributeSource>,
    pub(super) lent_links: &'a [Link],
    pub(super) time: Option<Timestamp>,
}

/// What a parent context says about a new span.
#[derive(Default)]
pub(in crate::span) struct Above {
    pub(super) span: SpanRef,
    pub(super) hint: Option<SamplingHint>,
    pub(super) suppressed: bool,
}

impl Above {
    pub(in crate::span) fn of(cx: &Context) -> Self {
        Self {
            span: cx.span(),
            hint: cx.sampling_hint(),
            suppressed: cx.is_suppressed(),
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            parent: self.span.span_context(),
            local_root: self.span.local_root(),
            hint: self.hint,
            suppressed: self.suppressed,
        }
    }

    pub(in crate::span) const fn span(&self) -> &SpanRef {
        &self.span
    }
}

/// The same, borrowed.
pub(super) struct View<'a> {
    pub(super) parent: Option<&'a SpanContext>,
    /// The local root of the parent, if that records here.
    pub(super) local_root: Option<SpanId>,
    pub(super) hint: Option<SamplingHint>,
    pub(super) suppressed: bool,
}

impl<'a> View<'a> {
    pub(super) fn of(cx: &'a Context) -> Self {
        let span = cx.span_ref();
        Self {
            parent: span.span_context(),
            local_root: span.local_root(),
            hint: cx.sampling_hint(),
            suppressed: cx.is_suppressed(),
        }
    }

    /// A span of another service, of which nothing else is known.
    #[inline]
    pub(super) const fn of_caller(caller: &'a SpanContext) -> Self {
        Self {
            parent: Some(caller),
            local_root: None,
            hint: None,
            suppressed: false,
        }
    }
}

/// Where a span that records stands.
pub(super) struct Place {
    parent: Option<SpanId>,
    parent_is_remote: bool,
    local_root: Option<SpanId>,
}

impl Place {
    #[inline]
    pub(super) fn below(above: &View<'_>) -> Self {
        Self {
            parent: above.parent.map(SpanContext::span_id),
            parent_is_remote: above.parent.is_some_and(SpanContext::is_remote),
            local_root: above.local_root,
        }
    }
}

/// What a sampler said about a span that can be recorded.
pub(super) struct Verdict {
    pub(super) ids: (TraceId, SpanId),
    pub(super) flags: TraceFlags,
    /// In place of the parent's.
    pub(super) trace_state: Option<TraceState>,
    /// Whether it records, and what samplers add to it then.
    pub(super) added: Option<Attributes>,
}

impl Verdict {
    /// The identity of a span below `parent`, which it does not take the place of.
    #[inline]
    pub(super) fn span_context(self, parent: Option<&SpanContext>) -> SpanContext {
        let trace_state = match (self.trace_state, parent) {
            (Some(changed), _) => changed,
            (None, Some(parent)) => parent.trace_state().clone(),
            (None, None) => TraceState::EMPTY,
        };
        let (trace_id, span_id) = self.ids;
        SpanContext::with_all(trace_id, span_id, self.flags, trace_state)
    }

    /// A span that does not record, as the one of `context`.
    #[inline]
    pub(super) fn pass(self, mut context: Context, given: Option<Box<Recording>>) -> ActiveSpan {
        Recording::give_back_given(given);
        context.set_unrecorded(self.ids, self.flags, self.trace_state);
        ActiveSpan::passing(context)
    }

    /// The same below a span that is not that of `context`.
    #[inline]
    pub(super) fn pass_below(
        self,
        caller: &SpanContext,
        mut context: Context,
        given: Option<Box<Recording>>,
    ) -> ActiveSpan {
        Recording::give_back_given(given);
        context.replace_span(|_| SpanRef::passing(self.span_context(Some(caller))));
        ActiveSpan::passing(context)
    }
}

/// What samplers see: what was lent, else what was given.
struct Known<'a> {
    lent: Option<&'a dyn AttributeSource>,
    given: Option<&'a Recording>,
}

impl AttributeSource for Known<'_> {
    fn name(&self) -> &str {
        self.lent.map_or("", |lent| lent.name())
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.lent
            .and_then(|lent| lent.get(key))
            .or_else(|| self.given?.attributes.get(key))
    }
}

impl<'a> Start<'a> {
    #[inline]
    pub(super) const fn new(
        tracer: &'a Tracer,
        scope: &'static InstrumentationScope,
        name: &'a str,
    ) -> Self {
        Self {
            tracer,
            scope,
            name,
            template: None,
            kind: SpanKind::Internal,
            source: None,
            lent_links: &[],
            time: None,
        }
    }

    /// Asks the sampler. `None` when nobody takes spans here: the caller's identity passes through.
    #[inline(always)]
    pub(super) fn judge(self, given: Option<&Recording>, above: &View<'_>) -> Option<Verdict> {
        let tracer = self.tracer;
        if above.suppressed || !tracer.is_enabled() {
            return None;
        }
        let parent = above.parent;
        let ids = tracer.ids();
        let (trace_id, span_id, random) = match parent {
            Some(parent) => (parent.trace_id(), ids.span_id(), parent.flags().is_random()),
            None => {
                let (trace_id, span_id) = ids.root_ids();
                (trace_id, span_id, ids.is_random())
            }
        };
        let sampling = tracer.sampler().sample(&SamplingInput {
            parent,
            parent_is_recording: above.local_root.is_some(),
            hint: above.hint,
            trace_id,
            name: self.name,
            kind: self.kind,
            attributes: &Known {
                lent: self.source,
                given,
            },
            links: match given {
                Some(given) if !given.links.is_empty() => &given.links,
                _ => self.lent_links,
            },
        });
        if sampling.decision == Decision::Drop {
            tracer.not_recorded();
        }
        let flags = TraceFlags::NONE
            .with_random(random)
            .with_sampled(sampling.decision == Decision::RecordAndSample);
        Some(Verdict {
            ids: (trace_id, span_id),
            flags,
            trace_state: sampling.trace_state,
            added: (sampling.decision != Decision::Drop).then_some(sampling.attributes),
        })
    }

    /// Starts to record.
    #[inline(always)]
    pub(super) fn begin(
        self,
        given: Option<Box<Recording>>,
        span_context: SpanContext,
        added: &Attributes,
        place: Place,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> SpanRef {
        let tracer = self.tracer;
        let mut recording = given.unwrap_or_else(Recording::take);
        recording.start = self.time.unwrap_or_else(|| tracer.now());
        recording.span_context = span_context.clone();
        recording.scope = self.scope;
        recording.kind = self.kind;
        recording.parent = place.parent;
        recording.parent_is_remote = place.parent_is_remote;
        let local_root = place.local_root.unwrap_or_else(|| span_context.span_id());
        recording.local_root = local_root;
        let mut writer = SpanWriter::new(&mut recording, tracer);
        match self.template {
            Some(template) => writer.use_template(template),
            None if self.name.is_empty() => {}
            None => writer.update_name(self.name),
        }
        describe(&mut writer);
        // After the description, which may say that its keys are new.
        if !added.is_empty() || added.dropped() > 0 {
            recording
                .attributes
                .put_all(&tracer.limits().attributes, added);
        }
        tracer.started();
        SpanRef::of_live(LiveRef::new(
            tracer.lend(self.scope),
            span_context,
            local_root,
            recording,
        ))
    }
}
