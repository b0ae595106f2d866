use std::cell::OnceCell;
use std::ops::Deref;
use std::sync::Arc;

use lapin::message::{BasicReturnMessage, Delivery};
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Queue};
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::propagation::Inject as _;
use tracing_core_ctx::{Context, SpanKind};

use super::confirm::TracedConfirm;
use super::consumer::TracedConsumer;
use super::delivery::{TracedDelivery, TracedGet};
use super::facts;
use super::headers::AmqpHeaders;
use super::held::Held;
use super::queues::Queues;
use super::routes::{Routes, Step, Way};
use super::source::Source;
use super::waiting::Waiting;
use crate::QueueTracer;
use crate::carrier::LastOf;
use crate::carrying::baggage_beside;
use crate::few::Few;
use crate::first::FIRST;
use crate::start::sending_kind;
use crate::under_way::UnderWay;

/// A [`Channel`] whose messages are traced. Cheap to clone.
///
/// Everything else of the channel is there by [`Deref`]: exchanges, `confirm_select`, `basic_qos`, ..
#[derive(Clone, Debug)]
pub struct TracedChannel {
    inner: Channel,
    queue: QueueTracer,
    pub(super) held: Held,
    routes: Arc<Routes>,
    declared: Arc<Queues>,
    waiting: Arc<Waiting>,
    /// Where messages were got from.
    sources: Arc<Few<Arc<Source>>>,
}

impl TracedChannel {
    /// Traces what goes through `channel` from now on.
    #[must_use]
    pub fn new(channel: Channel, queue: QueueTracer) -> Self {
        Self {
            inner: channel,
            queue,
            held: Held::default(),
            routes: Arc::default(),
            declared: Arc::default(),
            waiting: Arc::default(),
            sources: Arc::default(),
        }
    }

    /// The channel itself. What it does is not traced.
    #[must_use]
    pub const fn inner(&self) -> &Channel {
        &self.inner
    }

    /// What starts the spans.
    #[must_use]
    pub const fn tracer(&self) -> &QueueTracer {
        &self.queue
    }

    /// [`Channel::queue_declare`], in no span. What it says of the queue is remembered: a queue without name is the one that was declared last, and one that is
    /// exclusive, or deleted with its last consumer, is temporary. The last 64 temporary ones are known.
    ///
    /// The name of a temporary queue is in no name of a span, nor of a series: where it is one of few, or has parameters, that is for
    /// [`destinations`](QueueTracer::destinations) to say.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn queue_declare(
        &self,
        queue: ShortString,
        options: QueueDeclareOptions,
        arguments: FieldTable,
    ) -> lapin::Result<Queue> {
        let queue = self.inner.queue_declare(queue, options, arguments).await?;
        self.declared.declared(queue.name(), options);
        Ok(queue)
    }

    /// [`Channel::basic_publish`] in a span whose context goes into the headers; unless there is one already, and it is to be
    /// [respected](crate::Existing). The span ends with the confirmation.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function moves its arguments once more, and these are large"
    )]
    pub fn basic_publish(
        &self,
        exchange: ShortString,
        routing_key: ShortString,
        options: BasicPublishOptions,
        payload: &[u8],
        properties: BasicProperties,
    ) -> impl Future<Output = lapin::Result<TracedConfirm>> + Send {
        async move {
            let (mut sending, headers) =
                self.start_publish(&exchange, &routing_key, payload, &properties);
            let is_owed = self.inner.status().confirm();
            let owed = is_owed.then_some((&self.waiting, self.queue.tracer()));
            // Awaited where it is made: a future that has a name is moved once more.
            match self
                .inner
                .basic_publish(
                    exchange,
                    routing_key,
                    options,
                    payload,
                    headers.put_into(properties),
                )
                .await
            {
                Ok(confirm) => Ok(TracedConfirm::new(confirm, sending, owed)),
                Err(error) => {
                    sending.fail(|| facts::error_type(&error), &error);
                    Err(error)
                }
            }
        }
    }

    /// The span of a publication, and the headers to send it with.
    #[inline]
    fn start_publish(
        &self,
        exchange: &ShortString,
        routing_key: &ShortString,
        payload: &[u8],
        properties: &BasicProperties,
    ) -> (UnderWay, AmqpHeaders) {
        let queue = &self.queue;
        let name = OnceCell::new();
        let way = Way {
            exchange: exchange.as_str(),
            routing_key: routing_key.as_str(),
            queue: None,
            declared: &self.declared,
        };
        let operation = self.routes.at(queue, Step::Publish, way, &name);
        let mut headers = AmqpHeaders::of(properties);
        let found = match headers.is_none() {
            true => Context::new(),
            false => queue.found(&headers),
        };
        let made = found.span_context().cloned();
        let before = headers.first();
        let reaches = queue.reaches(|| way.name());
        let injects = reaches && made.is_none();
        let around = Context::current();
        let kind = sending_kind(injects);
        let span = queue.start_send_leaf(&operation, kind, &around, (made, before), |span| {
            facts::outgoing(queue, routing_key, properties, payload).describe(span);
        });
        if injects {
            if !headers.is_none() {
                queue.remove(&mut headers);
            }
            let with_baggage = baggage_beside(&found, &around);
            let around = with_baggage.as_ref().unwrap_or(&around);
            queue.inject_span(&span, around, &mut headers);
        } else {
            queue.restrict(reaches, &found, &mut headers);
        }
        let watch = queue.watch(SpanKind::Producer, &operation, &span);
        (UnderWay::new(span, watch), headers)
    }

    /// Publishes the reply to a request: to its `reply_to`, with its `correlation_id`, in a span below the one of processing it. `None` if the request
    /// wants no reply.
    ///
    /// `properties` may be those of the request: the context that they then have is not that of the reply.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn reply(
        &self,
        request: &TracedDelivery,
        options: BasicPublishOptions,
        payload: &[u8],
        mut properties: BasicProperties,
    ) -> lapin::Result<Option<TracedConfirm>> {
        let Some(to) = request.properties.reply_to().clone() else {
            return Ok(None);
        };
        if self.has_context_of(&request.properties, &properties) {
            let mut headers = AmqpHeaders::of(&properties);
            self.queue.remove(&mut headers);
            headers.remove(FIRST);
            properties = headers.put_into(properties);
        }
        if let Some(id) = request.properties.correlation_id() {
            properties = properties.with_correlation_id(id.clone());
        }
        let publish = self.basic_publish(ShortString::default(), to, options, payload, properties);
        let context = request.context().clone();
        publish.with_context(context).await.map(Some)
    }

    /// Whether the context in `properties` was copied with those of the request.
    fn has_context_of(&self, request: &BasicProperties, properties: &BasicProperties) -> bool {
        if request.headers().is_none() || properties.headers().is_none() {
            return false;
        }
        let tracer = self.queue.tracer();
        let [asked, mine] =
            [request, properties].map(|properties| tracer.extract(&LastOf(properties)));
        asked.span_context() == mine.span_context()
            && (mine.span_context().is_some() || asked.baggage() == mine.baggage())
    }

    /// [`Channel::basic_get`] in a span, if there is a message. Its process span starts when it is handed over.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn basic_get(
        &self,
        queue: ShortString,
        options: BasicGetOptions,
    ) -> lapin::Result<Option<TracedGet>> {
        let start = self.queue.tracer().now();
        let source = self.known_source(&queue, options.no_ack);
        let got = self.inner.basic_get(queue, options).await;
        match got {
            Ok(None) => Ok(None),
            Ok(Some(got)) => {
                source.received(&got.delivery, start);
                Ok(Some(TracedGet {
                    delivery: TracedDelivery::new(got.delivery, &source),
                    message_count: got.message_count,
                }))
            }
            Err(error) => {
                source.failed(&error, start);
                Err(error)
            }
        }
    }

    /// Makes a delivery of what has come from `queue` by another way, such as a test: it is processed as if this channel had handed it over now. What settles
    /// it is still its own acker.
    #[must_use]
    pub fn adopt(&self, queue: &str, delivery: Delivery) -> TracedDelivery {
        // No name is longer than a short string can be.
        let queue = ShortString::try_new(queue).unwrap_or_default();
        TracedDelivery::new(delivery, &self.known_source(&queue, false))
    }

    /// [`Channel::wait_for_confirms`], which ends the spans of the publications whose confirmations were dropped.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn wait_for_confirms(&self) -> lapin::Result<Vec<BasicReturnMessage>> {
        self.waiting.wait().await;
        let others = self.inner.wait_for_confirms().await?;
        let mut returned = self.waiting.take_returned();
        returned.extend(others);
        Ok(returned)
    }

    /// [`Channel::basic_consume`], each of whose deliveries is a process span.
    ///
    /// # Errors
    ///
    /// Those of the channel.
    pub async fn basic_consume(
        &self,
        queue: ShortString,
        consumer_tag: ShortString,
        options: BasicConsumeOptions,
        arguments: FieldTable,
    ) -> lapin::Result<TracedConsumer> {
        let consume = self
            .inner
            .basic_consume(queue, consumer_tag, options, arguments);
        let consumer = consume.await?;
        let source = self.source(consumer.queue(), options.no_ack);
        Ok(TracedConsumer::new(consumer, source))
    }

    /// That of the queue, made if it is not there.
    fn known_source(&self, queue: &ShortString, no_ack: bool) -> Arc<Source> {
        let last;
        let queue = match queue.as_str() {
            "" => {
                last = self.declared.resolve(ShortString::default());
                &last
            }
            _ => queue,
        };
        let make = || Arc::new(self.source(queue.clone(), no_ack));
        let is_it = |source: &Arc<Source>| source.no_ack == no_ack && source.queue == *queue;
        let position = self.sources.position(is_it, make);
        let known = position.and_then(|position| self.sources.get(position));
        known.map_or_else(make, Arc::clone)
    }

    fn source(&self, queue: ShortString, no_ack: bool) -> Source {
        let (queue, declared) = (self.declared.resolve(queue), Arc::clone(&self.declared));
        Source::new(
            self.queue.clone(),
            queue,
            no_ack,
            self.held.clone(),
            declared,
        )
    }
}

impl Deref for TracedChannel {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.inner
    }
}

#[cfg(test)]
mod tests {
    use lapin::{Connection, ConnectionProperties};
    use trace_testkit::amqp::Broker;
    use tracing_core_ctx::Tracer;

    use super::*;

    #[tokio::test]
    async fn what_is_known_of_a_queue_is_put_together_once() {
        let broker = Broker::start().await.unwrap();
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(&broker.url(), properties).await;
        let channel = connection.unwrap().create_channel().await.unwrap();
        let channel = TracedChannel::new(channel, QueueTracer::new(Tracer::noop()));
        let of = |queue: &str, no_ack| channel.known_source(&queue.into(), no_ack);
        assert!(Arc::ptr_eq(&of("jobs", false), &of("jobs", false)));
        assert!(!Arc::ptr_eq(&of("jobs", false), &of("jobs", true)));
        assert!(!Arc::ptr_eq(&of("jobs", false), &of("mails", false)));
    }
}
