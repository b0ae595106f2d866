mod start;

pub(super) use start::Above;
use start::{Place, Start, View};

use super::recording::Recording;
use super::{ActiveSpan, Link, Relation, Span, SpanKind, SpanRef, SpanTemplate, SpanWriter};
use crate::attribute::{AttributeKey, AttributeValue};
use crate::sampler::AttributeSource;
use crate::{Context, SpanContext, Timestamp, Tracer};

/// Says what is known before a span starts. Made by [`Tracer::span`].
///
/// The parent is the span of the current context unless something else is said.
#[must_use = "a span starts when `start` is called"]
pub struct SpanBuilder<'a> {
    what: Start<'a>,
    parent: Parent<'a>,
    /// What the span gets by attributes and links that samplers see.
    given: Option<Box<Recording>>,
}

/// Where the parent comes from.
#[derive(Default)]
enum Parent<'a> {
    #[default]
    Current,
    Below(&'a Above),
    Context(&'a Context),
    Given(Above),
}

impl<'a> SpanBuilder<'a> {
    pub(crate) const fn new(tracer: &'a Tracer, name: &'a str) -> Self {
        Self {
            what: Start::new(tracer, tracer.scope(), name),
            parent: Parent::Current,
            given: None,
        }
    }

    /// The role of the span. Default: [`SpanKind::Internal`].
    pub const fn kind(mut self, kind: SpanKind) -> Self {
        self.what.kind = kind;
        self
    }

    /// Takes the parent from `context` instead of from the current one, and whether telemetry is suppressed too.
    pub fn parent(mut self, context: &'a Context) -> Self {
        self.parent = Parent::Context(context);
        self
    }

    /// Of the application, whoever made the tracer its own.
    #[inline]
    pub(super) fn of_application(tracer: &'a Tracer, name: &'a str) -> Self {
        Self {
            what: Start::new(tracer, tracer.application(), name),
            parent: Parent::Current,
            given: None,
        }
    }

    #[inline]
    pub(super) fn below(mut self, above: &'a Above) -> Self {
        self.parent = Parent::Below(above);
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

    fn below_span(mut self, span_context: Option<SpanContext>) -> Self {
        // A span context does not say that the work is telemetry's own; the context that was taken before does.
        let suppressed = match &self.parent {
            Parent::Below(above) => above.suppressed,
            Parent::Given(above) => above.suppressed,
            Parent::Context(context) => context.is_suppressed(),
            Parent::Current => Context::with_current(Context::is_suppressed).unwrap_or_default(),
        };
        self.parent = Parent::Given(Above {
            span: span_context.map(SpanRef::passing).unwrap_or_default(),
            hint: None,
            suppressed,
        });
        self
    }

    /// Links another span, a [`SpanContext`] or one with attributes, so that samplers see it too. What is over the limit is dropped
    /// and counted.
    pub fn link(mut self, link: impl Into<Link>) -> Self {
        let tracer = self.what.tracer;
        SpanWriter::new(self.given(), tracer).link(link);
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
        let tracer = self.what.tracer;
        SpanWriter::new(self.given(), tracer).set(key, value);
        self
    }

    /// Lends samplers what is known, without copying it. The span does not get it: that is for `describe` of
    /// [`start_with`](Self::start_with).
    pub const fn attribute_source(mut self, source: &'a dyn AttributeSource) -> Self {
        self.what.source = Some(source);
        self
    }

    /// Lends samplers links, without copying them, where none was [given](Self::link). The span does not get them: that is for `describe` of
    /// [`start_with`](Self::start_with).
    pub const fn link_source(mut self, links: &'a [Link]) -> Self {
        self.what.lent_links = links;
        self
    }

    /// Begins with the name and the attributes of `template`. Samplers see the name that was [given](Tracer::span), and no more.
    pub const fn template(mut self, template: &'a SpanTemplate) -> Self {
        self.what.template = Some(template);
        self
    }

    /// The moment at which the operation started. Default: when [`start`](Self::start) is called.
    pub const fn start_time(mut self, time: Timestamp) -> Self {
        self.what.time = Some(time);
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
    #[inline]
    pub fn start_with(self, describe: impl FnOnce(&mut SpanWriter<'_>)) -> Span {
        let Self {
            what,
            parent,
            given,
        } = self;
        let above;
        let view = match &parent {
            Parent::Below(above) => above.view(),
            Parent::Context(context) => View::of(context),
            Parent::Given(above) => above.view(),
            Parent::Current => {
                above = Context::with_current(Above::of).unwrap_or_default();
                above.view()
            }
        };
        let Some(mut verdict) = what.judge(given.as_deref(), &view) else {
            return Span::new(
                view.parent
                    .cloned()
                    .map(SpanRef::passing)
                    .unwrap_or_default(),
            );
        };
        let added = verdict.added.take();
        let span_context = verdict.span_context(view.parent);
        Span::new(match added {
            Some(added) => what.begin(given, span_context, &added, Place::below(&view), describe),
            None => {
                Recording::give_back_given(given);
                SpanRef::passing(span_context)
            }
        })
    }

    /// Starts the span below `context`, in place of any other parent, and makes it the span of that context; for an instrumentation that
    /// carries both through a state machine.
    #[inline]
    pub fn start_in(
        self,
        context: Context,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        self.start_within(context, None, describe)
    }

    /// The same below a `caller`, if there is one: a span of another service, which was put into no context.
    #[inline]
    pub fn start_in_below(
        self,
        context: Context,
        caller: Option<&SpanContext>,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        self.start_within(context, caller, describe)
    }

    /// Mostly it is known while compiling that there is no caller.
    #[inline(always)]
    fn start_within(
        self,
        mut context: Context,
        caller: Option<&SpanContext>,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let Self {
            what,
            parent,
            given,
        } = self;
        drop(parent);
        let view = match caller {
            Some(caller) => View {
                hint: context.sampling_hint(),
                suppressed: context.is_suppressed(),
                ..View::of_caller(caller)
            },
            None => View::of(&context),
        };
        let Some(mut verdict) = what.judge(given.as_deref(), &view) else {
            return ActiveSpan::passing(match caller {
                Some(caller) => context.with_remote_span(caller.clone()),
                None => context,
            });
        };
        let Some(added) = verdict.added.take() else {
            return match caller {
                Some(caller) => verdict.pass_below(caller, context, given),
                None => verdict.pass(context, given),
            };
        };
        let place = Place::below(&view);
        context.replace_span(|above| {
            let trace_state = verdict.trace_state.unwrap_or_else(|| match caller {
                Some(caller) => caller.trace_state().clone(),
                None => above.into_trace_state(),
            });
            let (trace_id, span_id) = verdict.ids;
            let span_context = SpanContext::with_all(trace_id, span_id, verdict.flags, trace_state);
            what.begin(given, span_context, &added, place, describe)
        });
        ActiveSpan::open(context)
    }

    /// The same below a context that others have too, which stays as it is.
    #[inline]
    pub fn start_below(
        self,
        context: &Context,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let Self {
            what,
            parent,
            given,
        } = self;
        drop(parent);
        let view = View::of(context);
        let Some(mut verdict) = what.judge(given.as_deref(), &view) else {
            return ActiveSpan::passing(context.clone());
        };
        let Some(added) = verdict.added.take() else {
            return verdict.pass(context.clone(), given);
        };
        let span_context = verdict.span_context(view.parent);
        let span = what.begin(given, span_context, &added, Place::below(&view), describe);
        ActiveSpan::open(context.with_local_span(span))
    }

    fn given(&mut self) -> &mut Recording {
        self.given.get_or_insert_with(Recording::take)
    }
}

impl std::fmt::Debug for SpanBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpanBuilder")
            .field("name", &self.what.name)
            .field("kind", &self.what.kind)
            .finish_non_exhaustive()
    }
}
