#![expect(
    clippy::result_large_err,
    reason = "the producers themselves give records back so"
)]

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Message as _, ToBytes};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Partitioner, Producer as _, ProducerContext,
    ThreadedProducer,
};
use rdkafka::statistics::Statistics;
use rdkafka::util::IntoOpaque;
use tracing_core_ctx::Context;

use super::in_flight::{InFlight, Ticket};
use super::sending::{self, Outgoing};
use super::topics::Topics;
use super::transaction::Transaction;
use crate::QueueTracer;

/// The context of a `BaseProducer` or `ThreadedProducer` whose records are traced, around a context of your own.
///
/// A record is sent by [`SendTraced::send_traced`]. The delivery callback runs with its span as the current one, with the opaque value that was given; then the
/// span ends.
///
/// A producer that is dropped purges its queue and waits half a second for the reports. The spans of records that are not reported by then end with
/// `ctx.outcome` = `cancelled` when the last copy of the context is gone. Flush before.
///
/// ```no_run
/// use queue_trace::QueueTracer;
/// use queue_trace::kafka::{SendTraced as _, TracedContext};
/// use rdkafka::config::ClientConfig;
/// use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
/// # use tracing_core_ctx::Tracer;
///
/// # fn demo(tracer: Tracer) -> Result<(), rdkafka::error::KafkaError> {
/// let context = TracedContext::new(DefaultProducerContext, QueueTracer::new(tracer));
/// let producer: ThreadedProducer<_> = ClientConfig::new().create_with_context(context)?;
/// let record = BaseRecord::to("orders").key("customer-7").payload("a book");
/// producer.send_traced(record).map_err(|(error, _record)| error)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TracedContext<C> {
    inner: C,
    queue: QueueTracer,
    topics: Arc<Topics>,
    in_flight: InFlight,
}

impl<C> TracedContext<C> {
    /// Traces what a producer with this context sends.
    #[must_use]
    pub fn new(context: C, queue: QueueTracer) -> Self {
        Self {
            inner: context,
            queue,
            topics: Arc::default(),
            in_flight: InFlight::default(),
        }
    }

    /// The context around which this one lies.
    #[must_use]
    pub const fn inner(&self) -> &C {
        &self.inner
    }
}

/// The opaque value of a record together with the right to end its span.
pub struct TracedOpaque<D> {
    opaque: D,
    ticket: Ticket,
}

impl<C: ClientContext> ClientContext for TracedContext<C> {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = C::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.inner.log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.inner.stats(statistics);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.inner.stats_raw(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.inner.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        oauthbearer_config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn Error>> {
        self.inner.generate_oauth_token(oauthbearer_config)
    }
}

impl<C, Part> ProducerContext<Part> for TracedContext<C>
where
    C: ProducerContext<Part>,
    Part: Partitioner,
{
    type DeliveryOpaque = Box<TracedOpaque<C::DeliveryOpaque>>;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: Self::DeliveryOpaque) {
        let TracedOpaque { opaque, ticket } = *opaque;
        let Some((mut sending, around)) = self.in_flight.take(ticket) else {
            return self.inner.delivery(result, opaque);
        };
        {
            let mut context = around.with_span(sending.span());
            let _entered = context.enter();
            self.inner.delivery(result, opaque);
        }
        match result {
            Ok(message) => {
                sending::delivered(&mut sending, message.partition(), message.offset());
            }
            Err((error, _)) => sending::failed(&mut sending, error),
        }
    }

    fn get_custom_partitioner(&self) -> Option<&Part> {
        self.inner.get_custom_partitioner()
    }
}

/// Sends records in spans, with producers that have a [`TracedContext`].
pub trait SendTraced<D: IntoOpaque> {
    /// `send` of the producer, in a span whose context goes into the headers; unless there is one already, and it is to be
    /// [respected](crate::Existing). The span ends with the delivery report.
    ///
    /// # Errors
    ///
    /// Those of the producer, such as a full queue, with the record as it was given. The span ends at once.
    fn send_traced<'a, K, P>(
        &self,
        record: BaseRecord<'a, K, P, D>,
    ) -> Result<(), (KafkaError, BaseRecord<'a, K, P, D>)>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized;

    /// `begin_transaction` of the producer, in a span that ends with the transaction.
    ///
    /// # Errors
    ///
    /// Those of the producer.
    fn transaction(&self) -> KafkaResult<Transaction<'_, Self>>
    where
        Self: Sized;
}

macro_rules! send_traced {
    ($($producer:ident)*) => {
        $(impl<C, Part> SendTraced<C::DeliveryOpaque> for $producer<TracedContext<C>, Part>
        where
            C: ProducerContext<Part> + 'static,
            Part: Partitioner + Send + Sync + 'static,
        {
            fn send_traced<'a, K, P>(
                &self,
                record: BaseRecord<'a, K, P, C::DeliveryOpaque>,
            ) -> Result<(), (KafkaError, BaseRecord<'a, K, P, C::DeliveryOpaque>)>
            where
                K: ToBytes + ?Sized,
                P: ToBytes + ?Sized,
            {
                let context = self.context();
                send(context, record, |record| self.send(record))
            }

            fn transaction(&self) -> KafkaResult<Transaction<'_, Self>> {
                Transaction::begin(self, &self.context().queue)
            }
        })*
    };
}

send_traced!(BaseProducer ThreadedProducer);

type Traced<'a, K, P, D> = BaseRecord<'a, K, P, Box<TracedOpaque<D>>>;

fn send<'a, K, P, D, C>(
    context: &TracedContext<C>,
    record: BaseRecord<'a, K, P, D>,
    send: impl FnOnce(Traced<'a, K, P, D>) -> Result<(), (KafkaError, Traced<'a, K, P, D>)>,
) -> Result<(), (KafkaError, BaseRecord<'a, K, P, D>)>
where
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
    D: IntoOpaque,
{
    let known = Outgoing {
        topic: record.topic,
        partition: record.partition,
        key: record.key.map(ToBytes::to_bytes),
        payload: record.payload.map(ToBytes::to_bytes),
    };
    let (mut record, opaque) = with_opaque(record, ());
    let (queue, in_flight) = (&context.queue, &context.in_flight);
    let (around, spans) = (Context::current(), (queue, &*context.topics));
    let (sending, given) = known.start(spans, &around, &mut record.headers);
    let ticket = in_flight.keep(sending, around);
    let (record, ()) = with_opaque(record, Box::new(TracedOpaque { opaque, ticket }));
    send(record).map_err(|(error, record)| {
        let (mut record, traced) = with_opaque(record, ());
        let TracedOpaque { opaque, ticket } = *traced;
        if let Some((mut sending, _)) = in_flight.take(ticket) {
            sending::failed(&mut sending, &error);
        }
        record.headers = given.restore(queue, record.headers);
        (error, with_opaque(record, opaque).0)
    })
}

/// The same record with another opaque value, and the one it had.
fn with_opaque<'a, K, P, A, B>(
    record: BaseRecord<'a, K, P, A>,
    delivery_opaque: B,
) -> (BaseRecord<'a, K, P, B>, A)
where
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
    A: IntoOpaque,
    B: IntoOpaque,
{
    let changed = BaseRecord {
        topic: record.topic,
        partition: record.partition,
        payload: record.payload,
        key: record.key,
        timestamp: record.timestamp,
        headers: record.headers,
        delivery_opaque,
    };
    (changed, record.delivery_opaque)
}

impl<D> fmt::Debug for TracedOpaque<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedOpaque").finish_non_exhaustive()
    }
}
