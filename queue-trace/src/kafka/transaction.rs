use std::fmt;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{Partitioner, Producer, ProducerContext};
use rdkafka::util::Timeout;
use tracing_core_ctx::context::{Entered, FutureExt as _};
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;
use tracing_core_ctx::{ActiveSpan, Context, SpanKind, SpanRef, semconv};

use super::digits::Digits;
use super::error::error_type;
use super::together::Together;
use super::topics::Step;
use crate::QueueTracer;
use crate::observe::Failure;

/// A transaction of a producer as a span, `transaction`, from its begin to its end. Made by [`TracedProducer::transaction`](super::TracedProducer::transaction)
/// and [`SendTraced::transaction`](super::SendTraced::transaction).
///
/// Records that are delivered and then aborted were delivered: their send spans stay as they are, and it is this span that tells that the
/// transaction was aborted, by `ctx.outcome` = `aborted`. If it is neither committed nor aborted the transaction is still open, and the span ends
/// when this is dropped: with `ctx.outcome` = `cancelled`, or as failed if an attempt to commit or to abort has failed.
///
/// Such an attempt leaves the span open, with the error as an event: the producer says, by the error, whether to try again or to abort.
///
/// ```no_run
/// use queue_trace::kafka::TracedProducer;
/// use rdkafka::error::{KafkaError, KafkaResult};
/// use rdkafka::producer::FutureRecord;
/// use rdkafka::util::Timeout;
///
/// async fn transfer(producer: &TracedProducer) -> KafkaResult<()> {
///     let mut transaction = producer.transaction()?;
///     let record = FutureRecord::<str, _>::to("transfers").payload("5 from a to b");
///     let sent = transaction.run(producer.send(record, Timeout::Never)).await;
///     if sent.is_err() {
///         return transaction.abort(Timeout::Never);
///     }
///     loop {
///         match transaction.commit(Timeout::Never) {
///             Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
///             Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
///                 return transaction.abort(Timeout::Never);
///             }
///             ended => return ended,
///         }
///     }
/// }
/// ```
#[must_use = "a transaction is to be committed or aborted"]
pub struct Transaction<'p, P> {
    producer: &'p P,
    queue: QueueTracer,
    group: Option<Box<str>>,
    active: ActiveSpan,
    /// With what the last attempt to end it has failed.
    failed: Option<KafkaError>,
}

impl<'p, P> Transaction<'p, P> {
    pub(super) fn begin<C, Part>(producer: &'p P, queue: &QueueTracer) -> KafkaResult<Self>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let builder = queue.tracer().span("transaction");
        let mut active = builder.start_in(Context::current(), |span| {
            span.set(semconv::MESSAGING_SYSTEM_NAME, KAFKA);
            span.set(semconv::MESSAGING_OPERATION_NAME, "transaction");
            queue.describe_server(span);
            queue.describe_client(None, span);
        });
        match producer.begin_transaction() {
            Ok(()) => Ok(Self {
                producer,
                queue: queue.clone(),
                group: None,
                active,
                failed: None,
            }),
            Err(error) => {
                active.end_with(|span| span.fail(&error_type(&error), error.to_string()));
                Err(error)
            }
        }
    }

    /// The name of the group whose offsets are [sent](Self::send_offsets), for the spans of that: its metadata does not tell. Default: none.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into());
        self
    }

    /// The context with this span as the current one.
    #[must_use]
    pub const fn context(&self) -> &Context {
        self.active.context()
    }

    /// The span, to describe it.
    #[must_use]
    pub fn span(&self) -> &SpanRef {
        self.active.span()
    }

    /// Makes the span current until the guard is dropped, for work that does not await.
    pub fn enter(&mut self) -> Entered<'_> {
        self.active.enter()
    }

    /// Runs `work` with the span as the current one.
    pub async fn run<F: Future>(&mut self, work: F) -> F::Output {
        let context = self.active.context().clone();
        work.with_context(context).await
    }

    /// `send_offsets_to_transaction` of the producer, in a span below: the commit of what the transaction has consumed.
    ///
    /// # Errors
    ///
    /// Those of the producer.
    pub fn send_offsets<C, Part, T>(
        &mut self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
        timeout: T,
    ) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
        T: Into<Timeout>,
    {
        let elements = match self.queue.is_wanted() {
            true => offsets.elements(),
            false => Vec::new(),
        };
        let place = Together::of(&elements);
        let digits = place.partition();
        let mut operation =
            Step::Commit.operation((&self.queue, self.group.as_deref()), place.topic);
        operation.message.partition = digits.as_ref().and_then(Digits::as_str);
        let context = self.active.context().clone();
        let mut active = self.queue.start_settle(&operation, context);
        let kind = SpanKind::Client;
        let mut watch = self.queue.watch(kind, &operation, active.span());
        let sent = {
            let _entered = active.enter();
            let producer = self.producer;
            producer.send_offsets_to_transaction(offsets, group, timeout)
        };
        let error = sent.as_ref().err();
        let error_type = error.map(error_type).unwrap_or_default();
        let failure = error.map(|error| Failure {
            error_type: &error_type,
            error,
        });
        watch.end_with(&mut active, failure);
        sent
    }

    /// `commit_transaction` of the producer; ends the span when it is done.
    ///
    /// # Errors
    ///
    /// Those of the producer. The transaction is open then: the producer says, by the error, whether to call this again or to abort.
    pub fn commit<C, Part, T>(&mut self, timeout: T) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
        T: Into<Timeout>,
    {
        let committed = {
            let _entered = self.active.enter();
            self.producer.commit_transaction(timeout)
        };
        self.ended(&committed, None);
        committed
    }

    /// `abort_transaction` of the producer; ends the span when it is done. With a `BaseProducer` it needs another thread that polls.
    ///
    /// # Errors
    ///
    /// Those of the producer. The transaction is open then: the producer says, by the error, whether to call this again.
    pub fn abort<C, Part, T>(&mut self, timeout: T) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
        T: Into<Timeout>,
    {
        let aborted = {
            let _entered = self.active.enter();
            self.producer.abort_transaction(timeout)
        };
        self.ended(&aborted, Some(semconv::ctx_outcome::ABORTED));
        aborted
    }

    fn ended(&mut self, ended: &KafkaResult<()>, outcome: Option<&'static str>) {
        match ended {
            Ok(()) => self
                .active
                .end_with(|span| span.set_opt(semconv::CTX_OUTCOME, outcome)),
            Err(error) if self.active.is_open() => {
                self.active.span().record_handled(error);
                self.failed = Some(error.clone());
            }
            Err(_) => {}
        }
    }
}

impl<P> Drop for Transaction<'_, P> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let failed = self.failed.take();
            self.active.end_with(|span| match failed {
                Some(error) => span.fail(&error_type(&error), error.to_string()),
                None => span.set(semconv::CTX_OUTCOME, semconv::ctx_outcome::CANCELLED),
            });
        }
    }
}

impl<P> fmt::Debug for Transaction<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("span", self.span())
            .finish_non_exhaustive()
    }
}
