use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing_core_ctx::Tracer;
#[cfg(any(feature = "amqp", feature = "kafka"))]
use tracing_core_ctx::observer::ExchangeObserver;

use crate::first::FIRST;
use crate::propagate::Propagate;
use crate::{Incoming, Relation, SCOPE, Trust};

/// What happens to a context that is in a message before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Existing {
    /// It stays, untouched: it tells where the message was made. The send span is linked to it, and of kind client, since its own context does not
    /// travel. Baggage without a context is sent with that of the span, beside the baggage of the current context. The default.
    #[default]
    Respect,
    /// The context of the send span takes its place: for those who copy headers from message to message.
    Replace,
}

#[cfg(any(feature = "amqp", feature = "kafka"))]
type Templates = dyn Fn(&str) -> Option<&'static str> + Send + Sync;

type TrustFn = dyn Fn(&Incoming<'_>) -> Trust + Send + Sync;

/// Starts the spans of operations on messages, and carries contexts in and out of them. Cheap to clone.
///
/// ```
/// use queue_trace::{QueueTracer, Relation, Trust};
/// # use tracing_core_ctx::Tracer;
/// # let tracer = Tracer::noop();
///
/// let queue = QueueTracer::new(tracer)
///     .relation(Relation::LinkOnly)
///     .trust(Trust::NewRootWithLink);
/// ```
#[derive(Clone)]
pub struct QueueTracer {
    pub(crate) settings: Arc<Settings>,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) tracer: Tracer,
    pub(crate) relation: Relation,
    pub(crate) trust: Trust,
    pub(crate) trust_by: Option<Arc<TrustFn>>,
    pub(crate) propagate: Propagate,
    pub(crate) existing: Existing,
    pub(crate) server: Option<(String, u16)>,
    pub(crate) client_id: Option<String>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) body_sizes: bool,
    pub(crate) keys: bool,
    pub(crate) receive_spans: bool,
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) observer: Option<Arc<dyn ExchangeObserver>>,
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) templates: Option<Arc<Templates>>,
    /// The headers in which contexts may be.
    pub(crate) fields: Vec<&'static str>,
    /// The same, and where a message was first sent from: what strangers are not to see.
    pub(crate) revealing: Vec<&'static str>,
    /// Whether there are no others, whatever the propagator is: some formats have baggage under names of its own.
    #[cfg(feature = "kafka")]
    pub(crate) reads_what_it_writes: bool,
}

impl QueueTracer {
    /// With the defaults.
    #[must_use]
    pub fn new(tracer: Tracer) -> Self {
        let tracer = tracer.with_scope(&SCOPE);
        let fields = tracer.propagator().reads();
        let revealing = fields.iter().copied().chain([FIRST]).collect();
        Self {
            settings: Arc::new(Settings {
                tracer,
                relation: Relation::default(),
                trust: Trust::default(),
                trust_by: None,
                propagate: Propagate::default(),
                existing: Existing::default(),
                server: None,
                client_id: None,
                cluster_id: None,
                body_sizes: false,
                keys: false,
                receive_spans: true,
                #[cfg(any(feature = "amqp", feature = "kafka"))]
                observer: None,
                #[cfg(any(feature = "amqp", feature = "kafka"))]
                templates: None,
                #[cfg(feature = "kafka")]
                reads_what_it_writes: fields
                    .iter()
                    .all(|field| ["traceparent", "tracestate", "baggage"].contains(field)),
                fields,
                revealing,
            }),
        }
    }

    /// How process spans stand to the producer's. Default: [`Relation::Follow`].
    #[must_use]
    pub fn relation(self, relation: Relation) -> Self {
        self.edit(|settings| settings.relation = relation)
    }

    /// How far contexts in messages are believed. Default: [`Trust::Continue`].
    #[must_use]
    pub fn trust(self, trust: Trust) -> Self {
        self.edit(|settings| settings.trust = trust)
    }

    /// How far the context of each message is believed, in place of [`trust`](Self::trust).
    ///
    /// - **When**: when the context of a message that has headers has been read.
    /// - **Sees**: where the message was taken from, and its headers.
    /// - **If it panics**: the context is ignored.
    ///
    /// ```
    /// use queue_trace::{QueueTracer, Trust};
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let queue = QueueTracer::new(tracer).trust_by(|incoming| match incoming.destination {
    ///     "partner-feed" => Trust::NewRootWithLink,
    ///     _ => Trust::Continue,
    /// });
    /// ```
    #[must_use]
    pub fn trust_by(self, trust: impl Fn(&Incoming<'_>) -> Trust + Send + Sync + 'static) -> Self {
        self.edit(|settings| settings.trust_by = Some(Arc::new(trust)))
    }

    /// Hands contexts on to these destinations only: topics; of AMQP, `{exchange}:{routing key}`, without the colon where one of them is empty. `*` stands for
    /// any text. From messages to others, contexts that are in their headers already are taken out, and so is where a message was first sent from: they may
    /// have been copied. Default: to every destination.
    ///
    /// The span of sending is recorded all the same, of kind client since its context does not travel, and linked to the context that was there. Who is told where a
    /// message goes by a stranger, as by the `reply_to` of a request, sends to a routing key of the stranger's choice.
    ///
    /// ```
    /// # use queue_trace::QueueTracer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let queue = QueueTracer::new(tracer).propagate_to(["orders", "orders.*"]);
    /// ```
    #[must_use]
    pub fn propagate_to(self, destinations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|settings| settings.propagate.reach(destinations))
    }

    /// Hands on these entries of the baggage only, also of what is in a message before it is sent. Default: all.
    ///
    /// ```
    /// # use queue_trace::QueueTracer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    /// let queue = QueueTracer::new(tracer).propagate_baggage(["user.tier"]);
    /// ```
    #[must_use]
    pub fn propagate_baggage(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|settings| settings.propagate.baggage(names))
    }

    /// What happens to a context that is in a message before it is sent. Default: [`Existing::Respect`].
    #[must_use]
    pub fn existing(self, existing: Existing) -> Self {
        self.edit(|settings| settings.existing = existing)
    }

    /// The broker, as `server.address` and `server.port`: clients do not tell. Default: none.
    #[must_use]
    pub fn server(self, address: impl Into<String>, port: u16) -> Self {
        self.edit(|settings| settings.server = Some((address.into(), port)))
    }

    /// The client, as `messaging.client.id`: it does not tell. Default: none.
    ///
    /// ```
    /// use queue_trace::QueueTracer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let queue = QueueTracer::new(tracer)
    ///     .server("kafka-1.example", 9092)
    ///     .client_id("shop-7")
    ///     .cluster_id("north");
    /// ```
    #[must_use]
    pub fn client_id(self, id: impl Into<String>) -> Self {
        self.edit(|settings| settings.client_id = Some(id.into()))
    }

    /// The cluster of Kafka, as `kafka.cluster.id`. Default: none.
    #[must_use]
    pub fn cluster_id(self, id: impl Into<String>) -> Self {
        self.edit(|settings| settings.cluster_id = Some(id.into()))
    }

    /// Records `messaging.message.body.size`. Default: no.
    #[must_use]
    pub fn body_sizes(self, yes: bool) -> Self {
        self.edit(|settings| settings.body_sizes = yes)
    }

    /// Records the keys of messages, where they are text: they may say whom a message is about. Default: no.
    #[must_use]
    pub fn keys(self, yes: bool) -> Self {
        self.edit(|settings| settings.keys = yes)
    }

    /// Whether pulling messages is a span of its own. Default: yes.
    #[must_use]
    pub fn receive_spans(self, yes: bool) -> Self {
        self.edit(|settings| settings.receive_spans = yes)
    }

    /// Tells `observer` of every message that is sent, comes, is processed or settled by the modules `kafka` and `amqp`, whether it is recorded or not:
    /// what measures how long that takes and how long messages waited. Default: nobody.
    ///
    /// A poll of Kafka takes no time: it is told of by the messages that it brings, or if it fails, once for each outage. A batch is told of as one when
    /// it is processed. That processing has failed is told where the result of the work is known: by `try_process`, `Processing::fail`, a service of the module
    /// `process`, or a panic.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[must_use]
    pub fn observe(self, observer: impl ExchangeObserver + 'static) -> Self {
        self.edit(|settings| settings.observer = Some(Arc::new(observer)))
    }

    /// Says which names of destinations have parameters in them, by their templates, of which there must be few: they name spans and series of metrics in place of
    /// the names. It is asked by the modules `kafka` and `amqp`, of topics and of `{exchange}:{routing key}`, on the consumer's side with `:{queue}`. Default: none
    /// has.
    ///
    /// - **When**: as the operation starts, if somebody wants to know its name; of a name without a template not every time.
    /// - **If it panics**: the name has no template.
    ///
    /// ```
    /// use queue_trace::QueueTracer;
    /// # use tracing_core_ctx::Tracer;
    /// # let tracer = Tracer::noop();
    ///
    /// let queue = QueueTracer::new(tracer)
    ///     .destinations(|name| name.starts_with("orders.customer-").then_some("orders.{customer}"));
    /// ```
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[must_use]
    pub fn destinations(
        self,
        template: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        self.edit(|settings| settings.templates = Some(Arc::new(template)))
    }

    /// The template of a destination of this name, if it has one.
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    #[inline]
    pub(crate) fn template(&self, name: &str) -> Option<&'static str> {
        let template = self.settings.templates.as_ref()?;
        if name.is_empty() {
            return None;
        }
        asked(|| template(name)).flatten()
    }

    /// How far a message is believed.
    #[inline]
    pub(crate) fn trust_in<'a>(&self, incoming: impl FnOnce() -> Incoming<'a>) -> Trust {
        let Some(trust) = &self.settings.trust_by else {
            return self.settings.trust;
        };
        asked(|| trust(&incoming())).unwrap_or(Trust::Ignore)
    }

    /// What starts the spans.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.settings.tracer
    }

    fn edit(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

/// What a hook of the user's says; `None` if it panics: the panic hook reports that, and the message goes on.
#[inline]
fn asked<R>(hook: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(hook)).ok()
}

impl fmt::Debug for QueueTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueTracer")
            .field("tracer", &self.settings.tracer)
            .field("relation", &self.settings.relation)
            .field("trust", &self.settings.trust)
            .field("existing", &self.settings.existing)
            .finish_non_exhaustive()
    }
}
