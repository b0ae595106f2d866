#[cfg(any(feature = "amqp", feature = "kafka"))]
use tracing_core_ctx::Span;
use tracing_core_ctx::attribute::Attributes;
use tracing_core_ctx::propagation::{Extract, Inject};
use tracing_core_ctx::span::{Link, SpanBuilder, SpanWriter};
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, SpanKind, Timestamp};

use crate::{Message, Operation, Origin, Relation};

use crate::carrying::baggage_beside;
#[cfg(any(feature = "amqp", feature = "kafka"))]
use crate::observe::Failure;
use crate::operation::Begin;
use crate::settings::QueueTracer;

/// # The producer
impl QueueTracer {
    /// Starts the span of a message that is made now and sent later with others, and writes its context into the message, if the destination
    /// [may see it](Self::propagate_to). It ends when the message is made.
    pub fn start_create<C: Inject>(
        &self,
        operation: &Operation<'_>,
        message: &mut C,
    ) -> ActiveSpan {
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Producer);
        let active = builder.start_in(Context::current(), |span| {
            Begin::describe(operation, self, span);
        });
        if self.reaches(|| operation.destination.name) {
            self.inject(active.context(), message);
        } else {
            self.remove(message);
        }
        active
    }

    /// Starts the span of sending one message, as a child of the active span, and writes its context into the message; unless there is one
    /// already, and it is to be [respected](crate::Existing).
    ///
    /// The span ends with the broker's answer. Where nothing is recorded the current context travels. A destination that is not to see contexts
    /// [gets none](Self::propagate_to).
    pub fn start_send<C: Extract + Inject>(
        &self,
        operation: &Operation<'_>,
        message: &mut C,
    ) -> ActiveSpan {
        let found = self.found(message);
        let made = found.span_context().cloned();
        let reaches = self.reaches(|| operation.destination.name);
        let injects = reaches && made.is_none();
        let known = self.known(operation);
        let builder = self.begin(&known, sending_kind(injects));
        let builder = made.into_iter().fold(builder, SpanBuilder::link);
        let active = builder.start_in(Context::current(), |span| {
            Begin::describe(operation, self, span);
        });
        if injects {
            let context = active.context();
            let with_baggage = baggage_beside(&found, context);
            self.inject(with_baggage.as_ref().unwrap_or(context), message);
        } else {
            self.restrict(reaches, &found, message);
        }
        active
    }

    /// Starts the span of sending messages that have contexts, `made`, of their own; of kind client if there are any.
    ///
    /// If there are none the context of the span must be written into each message.
    pub fn start_send_of(
        &self,
        operation: &Operation<'_>,
        made: impl IntoIterator<Item = SpanContext>,
    ) -> ActiveSpan {
        let mut made = made.into_iter();
        let first = made.next();
        let known = self.known(operation);
        let builder = self.begin(&known, sending_kind(first.is_none()));
        let builder = first
            .into_iter()
            .chain(made)
            .fold(builder, SpanBuilder::link);
        builder.start_in(Context::current(), |span| {
            Begin::describe(operation, self, span);
        })
    }

    /// The span of sending one message below `around`, in which nobody is; linked also to what was `before`, with more to say if it is recorded.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[inline]
    pub(crate) fn start_send_leaf(
        &self,
        operation: &impl Begin,
        kind: SpanKind,
        around: &Context,
        (made, before): (Option<SpanContext>, Option<SpanContext>),
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> Span {
        let known = self.known(operation);
        let mut builder = self.begin(&known, kind).parent(around);
        // Most messages are made where they are sent.
        if made.is_some() || before.is_some() {
            builder = made
                .into_iter()
                .chain(before)
                .fold(builder, SpanBuilder::link);
        }
        builder.start_with(|span| {
            operation.describe(self, span);
            describe(span);
        })
    }
}

/// The kind of a span of sending: by whether its context travels.
#[inline]
pub(crate) const fn sending_kind(injects: bool) -> SpanKind {
    match injects {
        true => SpanKind::Producer,
        false => SpanKind::Client,
    }
}

/// # The consumer
impl QueueTracer {
    /// Starts the span of pulling messages, as a child of the active span, linked to where they came from.
    ///
    /// Where no span is active, and all of them come from spans that were not recorded and are [trusted](Self::trust) to the full, no sampler is asked and
    /// nothing is recorded: a trace of the pull alone tells nobody anything.
    pub fn start_receive<'m>(
        &self,
        operation: &Operation<'_>,
        messages: impl IntoIterator<Item = (&'m Origin, Message<'m>), IntoIter: Clone>,
    ) -> ActiveSpan {
        self.start_linked(operation, SpanKind::Client, messages.into_iter(), |_| {})
    }

    /// Starts the span of handling one message. How it stands to the message's context, [`Relation`] says.
    pub fn start_process(&self, operation: &Operation<'_>, origin: &Origin) -> ActiveSpan {
        self.start_process_with(operation, origin, |_| {})
    }

    /// The same with more to say if it is recorded.
    #[inline]
    pub(crate) fn start_process_with(
        &self,
        operation: &impl Begin,
        origin: &Origin,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let around = Context::current();
        let active = around.span_context();
        let caller = match self.settings.relation {
            Relation::ChildOnly => origin.continued(),
            Relation::Follow if active.is_none() => origin.continued(),
            Relation::Follow | Relation::LinkOnly => None,
        };
        let other = match self.settings.relation {
            Relation::ChildOnly if caller.is_some() => active,
            _ => origin.cause(),
        };
        let link = other.cloned().map(Link::new);
        let context = match &caller {
            Some(_) => origin.continued_in(around),
            None => origin.baggage_into(around),
        };
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Consumer);
        let builder = builder.link_source(link.as_slice());
        builder.start_in_below(context, caller.as_deref(), |span| {
            operation.describe(self, span);
            describe(span);
            if let Some(link) = &link {
                span.link(link.clone());
            }
        })
    }

    /// Starts the span of handling a batch, as a child of the active span, linked to where each message came from. What is said of a message goes
    /// on its link.
    ///
    /// Links over the tracer's limit (128) are dropped and counted on the span. No baggage is taken over: it would be that of all.
    pub fn start_process_batch<'m>(
        &self,
        operation: &Operation<'_>,
        messages: impl IntoIterator<Item = (&'m Origin, Message<'m>), IntoIter: Clone>,
    ) -> ActiveSpan {
        self.start_linked(operation, SpanKind::Consumer, messages.into_iter(), |_| {})
    }

    /// Starts the span of acknowledging or rejecting messages, below the context in which they were processed.
    pub fn start_settle(&self, operation: &Operation<'_>, processed: Context) -> ActiveSpan {
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Client);
        builder.start_in(processed, |span| Begin::describe(operation, self, span))
    }

    /// The same for one in which nobody is, so that no context is made for it. A message whose processing is not recorded is not asked about again.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[inline]
    pub(crate) fn start_settle_leaf(
        &self,
        operation: &impl Begin,
        processed: &Context,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> Span {
        if processed.is_unrecorded() {
            return Span::none();
        }
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Client).parent(processed);
        builder.start_with(|span| {
            operation.describe(self, span);
            describe(span);
        })
    }

    /// The span of a settlement that began then, below the active context: for one that had none until it failed.
    #[cfg(feature = "kafka")]
    #[cold]
    pub(crate) fn settle_leaf_from(
        &self,
        operation: &impl Begin,
        start: Timestamp,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> Span {
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Client).start_time(start);
        builder.start_with(|span| {
            operation.describe(self, span);
            describe(span);
        })
    }

    /// The span of pulling one message, which takes no time: nobody is in it, so no context is made for it.
    #[cfg(feature = "kafka")]
    #[inline]
    pub(crate) fn record_pull(
        &self,
        operation: &impl Begin,
        origin: &Origin,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) {
        if !self.settings.tracer.is_enabled() || Self::follows(|| origin.is_unsampled()) {
            return;
        }
        let link = origin.cause().cloned().map(Link::new);
        let known = self.known(operation);
        let builder = self.begin(&known, SpanKind::Client);
        let span = builder.link_source(link.as_slice()).start_with(|span| {
            operation.describe(self, span);
            describe(span);
            if let Some(link) = &link {
                span.link(link.clone());
            }
        });
        match operation.start() {
            Some(time) => span.end_at(time),
            None => span.end(),
        }
    }

    /// A pull that is over, which had begun when the operation says: its span, if pulls have one, and who observes is told.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) fn pulled<'m>(
        &self,
        operation: &Operation<'_>,
        messages: impl IntoIterator<Item = (&'m Origin, Message<'m>), IntoIter: Clone>,
        failure: Option<Failure<'_>>,
    ) {
        let mut active = match self.settings.receive_spans {
            true => self.start_receive(operation, messages),
            false => ActiveSpan::passing(Context::new()),
        };
        let mut watch = self.watch(SpanKind::Client, operation, active.span());
        watch.end_with(&mut active, failure);
    }

    /// Whether a pull follows the decision of the producers, which is, as they say, to record nothing.
    fn follows(are_unsampled: impl FnOnce() -> bool) -> bool {
        are_unsampled() && Context::current().span_context().is_none()
    }

    pub(crate) fn start_linked<L: Linked>(
        &self,
        operation: &impl Begin,
        kind: SpanKind,
        messages: impl Iterator<Item = L> + Clone,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let known = self.known(operation);
        let builder = self.begin(&known, kind);
        // Nobody sees links where nothing can be recorded.
        if !self.settings.tracer.is_enabled() {
            return builder.start_in(Context::current(), |_| {});
        }
        let are_unsampled = || {
            let mut all = messages.clone();
            let is_unsampled = |message: L| message.origin().is_unsampled();
            all.next().is_some_and(is_unsampled) && all.all(is_unsampled)
        };
        if kind == SpanKind::Client && Self::follows(are_unsampled) {
            return ActiveSpan::passing(Context::current());
        }
        let link = |message: &L| message.origin().cause().cloned().map(Link::new);
        // Samplers see whom; what is said of each is put together only if it is recorded.
        let (one, many);
        let is_batch = operation.is_batch();
        let links = if is_batch {
            many = messages.clone().filter_map(|message| link(&message));
            &many.collect::<Vec<_>>()
        } else {
            one = messages.clone().find_map(|message| link(&message));
            one.as_slice()
        };
        builder
            .link_source(links)
            .start_in(Context::current(), |span| {
                operation.describe(self, span);
                describe(span);
                for message in messages {
                    if let Some(mut link) = link(&message) {
                        if is_batch {
                            link.attributes = message.attributes(span.start());
                        }
                        span.link(link);
                    }
                }
            })
    }
}

/// A message to which a span is linked.
pub(crate) trait Linked {
    fn origin(&self) -> &Origin;

    /// What goes on its link, in a span that starts now.
    fn attributes(&self, now: Timestamp) -> Attributes;
}

impl Linked for (&Origin, Message<'_>) {
    fn origin(&self) -> &Origin {
        self.0
    }

    fn attributes(&self, _: Timestamp) -> Attributes {
        self.1.attributes()
    }
}

#[cfg(test)]
mod tests;
