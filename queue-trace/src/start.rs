use tracing_core_ctx::attribute::Attributes;
use tracing_core_ctx::propagation::{Extract, Inject};
use tracing_core_ctx::span::{Link, SpanBuilder, SpanWriter};
use tracing_core_ctx::{ActiveSpan, Context, SpanContext, SpanKind, Timestamp, semconv};

use crate::{Existing, Message, Operation, Origin, Relation};

use crate::settings::QueueTracer;

/// # Carrying contexts
impl QueueTracer {
    /// Reads the context of a message, as far as the [trust](Self::trust) goes. What is missing or malformed is no error.
    #[must_use]
    pub fn extract(&self, carrier: &dyn Extract) -> Origin {
        Origin::of(self.settings.tracer.extract(carrier), self.settings.trust)
    }

    /// Writes `context` into a message in place of any context that is there; of none, it removes what is there.
    pub fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.remove(carrier);
        self.settings.tracer.inject(context, carrier);
    }

    /// Takes any context out of a message: for one that is sent on and not on behalf of its first producer.
    pub fn remove(&self, carrier: &mut dyn Inject) {
        for field in &self.settings.fields {
            carrier.remove(field);
        }
    }
}

/// # The producer
impl QueueTracer {
    /// Starts the span of a message that is made now and sent later with others, and writes its context into the message. It ends when the message
    /// is made.
    pub fn start_create<C: Inject>(
        &self,
        operation: &Operation<'_>,
        message: &mut C,
    ) -> ActiveSpan {
        let builder = self.begin(operation, SpanKind::Producer);
        let active = builder.start_in(Context::current(), |span| self.describe(operation, span));
        self.inject(active.context(), message);
        active
    }

    /// Starts the span of sending one message, as a child of the active span, and writes its context into the message; unless there is one
    /// already, and it is to be [respected](Existing).
    ///
    /// The span ends with the broker's answer. Where nothing is recorded the current context travels.
    pub fn start_send<C: Extract + Inject>(
        &self,
        operation: &Operation<'_>,
        message: &mut C,
    ) -> ActiveSpan {
        let made = self.made(message);
        let respected = made.is_some();
        let active = self.start_send_after(operation, made, None);
        if !respected {
            self.inject(active.context(), message);
        }
        active
    }

    /// The context in a message about to be sent, if it is to be respected.
    pub(crate) fn made(&self, message: &dyn Extract) -> Option<SpanContext> {
        match self.settings.existing {
            Existing::Replace => None,
            Existing::Respect => self
                .settings
                .tracer
                .extract(message)
                .span_context()
                .cloned(),
        }
    }

    /// The same with messages that have contexts, `made`, of their own; of kind client if there are any.
    ///
    /// If there are none the context of the span must be written into each message.
    pub fn start_send_of(
        &self,
        operation: &Operation<'_>,
        made: impl IntoIterator<Item = SpanContext>,
    ) -> ActiveSpan {
        let mut made = made.into_iter();
        let first = made.next();
        self.start_send_linked(operation, first.is_some(), first.into_iter().chain(made))
    }

    /// The same of one message, linked also to what was `before`.
    pub(crate) fn start_send_after(
        &self,
        operation: &Operation<'_>,
        made: Option<SpanContext>,
        before: Option<SpanContext>,
    ) -> ActiveSpan {
        self.start_send_linked(operation, made.is_some(), made.into_iter().chain(before))
    }

    fn start_send_linked(
        &self,
        operation: &Operation<'_>,
        is_made: bool,
        links: impl Iterator<Item = SpanContext>,
    ) -> ActiveSpan {
        let kind = match is_made {
            true => SpanKind::Client,
            false => SpanKind::Producer,
        };
        let builder = links.fold(self.begin(operation, kind), SpanBuilder::link);
        builder.start_in(Context::current(), |span| self.describe(operation, span))
    }
}

/// # The consumer
impl QueueTracer {
    /// Starts the span of pulling messages, as a child of the active span, linked to where they came from.
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
    pub(crate) fn start_process_with(
        &self,
        operation: &Operation<'_>,
        origin: &Origin,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let around = Context::current();
        let active = around.span_context().cloned();
        let known = origin.context.span_context().is_some();
        let (other, context) = match self.settings.relation {
            Relation::ChildOnly if known => (active, origin.continued_in(around)),
            Relation::Follow if active.is_none() => {
                (origin.cause.clone(), origin.continued_in(around))
            }
            Relation::ChildOnly | Relation::Follow | Relation::LinkOnly => {
                (origin.cause.clone(), origin.baggage_into(around))
            }
        };
        let link = other.map(Link::new);
        let builder = self.begin(operation, SpanKind::Consumer);
        let builder = builder.link_source(link.as_slice());
        builder.start_in(context, |span| {
            link.iter().cloned().for_each(|link| span.link(link));
            self.describe(operation, span);
            describe(span);
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
        self.begin(operation, SpanKind::Client)
            .start_in(processed, |span| self.describe(operation, span))
    }

    pub(crate) fn start_linked<L: Linked>(
        &self,
        operation: &Operation<'_>,
        kind: SpanKind,
        messages: impl Iterator<Item = L> + Clone,
        describe: impl FnOnce(&mut SpanWriter<'_>),
    ) -> ActiveSpan {
        let builder = self.begin(operation, kind);
        // Nobody sees links where nothing can be recorded.
        if !self.settings.tracer.is_enabled() {
            return builder.start_in(Context::current(), |_| {});
        }
        let link = |message: &L| message.origin().cause.clone().map(Link::new);
        // Samplers see whom; what is said of each is put together only if it is recorded.
        let (one, many);
        let links = if operation.batch.is_none() {
            one = messages.clone().find_map(|message| link(&message));
            one.as_slice()
        } else {
            many = messages.clone().filter_map(|message| link(&message));
            &many.collect::<Vec<_>>()
        };
        builder
            .link_source(links)
            .start_in(Context::current(), |span| {
                for message in messages {
                    if let Some(mut link) = link(&message) {
                        if operation.batch.is_some() {
                            link.attributes = message.attributes(span.start());
                        }
                        span.link(link);
                    }
                }
                self.describe(operation, span);
                describe(span);
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

impl QueueTracer {
    fn begin<'a>(&'a self, operation: &'a Operation<'a>, kind: SpanKind) -> SpanBuilder<'a> {
        let builder = self.settings.tracer.span("").kind(kind);
        let builder = builder.attribute_source(operation);
        match operation.start {
            Some(time) => builder.start_time(time),
            None => builder,
        }
    }

    fn describe(&self, operation: &Operation<'_>, span: &mut SpanWriter<'_>) {
        operation.describe(span);
        if let Some((address, port)) = &self.settings.server {
            span.set_new(semconv::SERVER_ADDRESS, address.as_str());
            span.set_new(semconv::SERVER_PORT, *port);
        }
    }
}

#[cfg(test)]
mod tests;
