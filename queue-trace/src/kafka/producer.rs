use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::ToBytes;
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::{AsyncRuntime, DefaultRuntime, Timeout};
use tracing_core_ctx::Context;

use super::sending::{self, Given, Outgoing, TracedDelivery};
use super::topics::Topics;
use super::transaction::Transaction;
use crate::QueueTracer;
use crate::under_way::UnderWay;

/// A [`FutureProducer`] whose records are traced. Cheap to clone.
///
/// Everything else of the producer is there by [`Deref`]: `flush`, `purge`, transactions, .. What it sends by itself is not traced.
#[must_use = "the producer stops when its last copy is dropped"]
pub struct TracedProducer<C = DefaultClientContext, R = DefaultRuntime>
where
    C: ClientContext + 'static,
{
    inner: FutureProducer<C, R>,
    queue: QueueTracer,
    topics: Arc<Topics>,
}

impl<C, R> TracedProducer<C, R>
where
    C: ClientContext + 'static,
    R: AsyncRuntime,
{
    /// Traces what is sent by this from now on.
    pub fn new(producer: FutureProducer<C, R>, queue: QueueTracer) -> Self {
        Self {
            inner: producer,
            queue,
            topics: Arc::default(),
        }
    }

    /// The producer itself. What it sends is not traced.
    pub const fn inner(&self) -> &FutureProducer<C, R> {
        &self.inner
    }

    /// [`FutureProducer::send`] in a span whose context goes into the headers; unless there is one already, and it is to be
    /// [respected](crate::Existing). The span ends with the delivery report; if this is dropped before, with `ctx.outcome` = `cancelled`.
    ///
    /// # Errors
    ///
    /// Those of the producer, with the record as it was given.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function keeps its arguments twice, and moves them once more"
    )]
    pub fn send<K, P, T>(
        &self,
        mut record: FutureRecord<'_, K, P>,
        queue_timeout: T,
    ) -> impl Future<Output = OwnedDeliveryResult>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
        T: Into<Timeout>,
    {
        async move {
            let (mut sending, given) = self.start(&mut record);
            let report = self.inner.send(record, queue_timeout).await;
            sending::end(&mut sending, &report);
            report.map_err(|(error, mut message)| {
                if given.is_changed() {
                    let headers = given.restore(&self.queue, message.detach_headers());
                    message = message.replace_headers(headers);
                }
                (error, message)
            })
        }
    }

    /// [`FutureProducer::send_result`], as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Those of the producer, such as a full queue, with the record as it was given. The span ends at once.
    #[expect(clippy::result_large_err, reason = "it is the producer's own")]
    pub fn send_result<'a, K, P>(
        &self,
        mut record: FutureRecord<'a, K, P>,
    ) -> Result<TracedDelivery, (KafkaError, FutureRecord<'a, K, P>)>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let (mut sending, given) = self.start(&mut record);
        match self.inner.send_result(record) {
            Ok(future) => Ok(TracedDelivery::new(future, sending)),
            Err((error, mut record)) => {
                sending::failed(&mut sending, &error);
                record.headers = given.restore(&self.queue, record.headers);
                Err((error, record))
            }
        }
    }

    /// `begin_transaction` of the producer, in a span that ends with the transaction.
    ///
    /// # Errors
    ///
    /// Those of the producer.
    pub fn transaction(&self) -> KafkaResult<Transaction<'_, FutureProducer<C, R>>> {
        Transaction::begin(&self.inner, &self.queue)
    }

    /// Starts the span of a record, and says how its headers were before.
    #[inline]
    fn start<K, P>(&self, record: &mut FutureRecord<'_, K, P>) -> (UnderWay, Given)
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let known = Outgoing {
            topic: record.topic,
            partition: record.partition,
            key: record.key.map(ToBytes::to_bytes),
            payload: record.payload.map(ToBytes::to_bytes),
        };
        known.start(
            (&self.queue, &self.topics),
            &Context::current(),
            &mut record.headers,
        )
    }
}

impl<C, R> Deref for TracedProducer<C, R>
where
    C: ClientContext + 'static,
{
    type Target = FutureProducer<C, R>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<C, R> Clone for TracedProducer<C, R>
where
    C: ClientContext + 'static,
{
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            queue: self.queue.clone(),
            topics: Arc::clone(&self.topics),
        }
    }
}

impl<C, R> fmt::Debug for TracedProducer<C, R>
where
    C: ClientContext + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedProducer")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
