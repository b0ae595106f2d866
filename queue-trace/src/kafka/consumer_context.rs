use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use tracing_core_ctx::attribute::Array;
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;
use tracing_core_ctx::{Context, semconv};

use super::digits::Digits;
use super::error::error_type;
use super::lag::Lag;
use super::together::Together;
use super::topics::Step;
use crate::QueueTracer;
use crate::observe::Failure;

/// A consumer context that makes spans of rebalances, and of automatic commits that fail, and keeps the [`Lag`] of partitions.
///
/// A rebalance is a span `rebalance`, the root of a trace of its own, with the partitions that were assigned or revoked. It runs in whatever
/// call polls the consumer, but is not done for its sake. The same holds for a failed `commit`.
///
/// ```no_run
/// use queue_trace::QueueTracer;
/// use queue_trace::kafka::{TracedConsumer, TracedConsumerContext};
/// use rdkafka::config::ClientConfig;
/// use rdkafka::consumer::StreamConsumer;
/// # use tracing_core_ctx::Tracer;
///
/// # fn demo(tracer: Tracer) -> Result<(), rdkafka::error::KafkaError> {
/// let queue = QueueTracer::new(tracer);
/// let context = TracedConsumerContext::new(queue.clone());
/// let lag = context.lag();
/// let mut config = ClientConfig::new();
/// config.set("statistics.interval.ms", "5000");
/// let consumer: StreamConsumer<_> = config.create_with_context(context)?;
/// let consumer = TracedConsumer::new(consumer, queue).lag(lag);
/// # Ok(())
/// # }
/// ```
///
/// A context of your own has one of these inside and calls it. (It cannot be the other way round: rdkafka's hooks name the type of the
/// consumer, and with it the type of the context.)
///
/// ```
/// use queue_trace::kafka::TracedConsumerContext;
/// use rdkafka::ClientContext;
/// use rdkafka::TopicPartitionList;
/// use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
/// use rdkafka::error::KafkaResult;
///
/// struct Mine {
///     traced: TracedConsumerContext,
/// }
///
/// impl ClientContext for Mine {}
///
/// impl ConsumerContext for Mine {
///     fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
///         self.traced.rebalance(consumer, rebalance);
///         // .. and what else is to be done.
///     }
///
///     fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
///         self.traced.committed(&result, offsets);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TracedConsumerContext {
    queue: QueueTracer,
    group: Option<Box<str>>,
    lag: Lag,
}

/// The most partitions that a span names.
const MOST: usize = 128;

impl TracedConsumerContext {
    /// Makes spans of the rebalances of consumers with this context.
    #[must_use]
    pub fn new(queue: QueueTracer) -> Self {
        Self {
            queue,
            group: None,
            lag: Lag::new(),
        }
    }

    /// The name of the consumer's group, for the spans. Default: none.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into());
        self
    }

    /// What statistics tell about partitions, for [`TracedConsumer::lag`](super::TracedConsumer::lag). Nothing, unless
    /// `statistics.interval.ms` is set.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.lag.clone()
    }

    /// Records a rebalance. To be called in `pre_rebalance`, which still knows whether the assignment is lost.
    pub fn rebalance<C: ConsumerContext>(
        &self,
        consumer: &impl Consumer<C>,
        rebalance: &Rebalance<'_>,
    ) {
        let tracer = self.queue.tracer();
        let span = tracer.span("rebalance").root().start_with(|span| {
            span.set(semconv::MESSAGING_SYSTEM_NAME, KAFKA);
            span.set(semconv::MESSAGING_OPERATION_NAME, "rebalance");
            span.set_opt(
                semconv::MESSAGING_CONSUMER_GROUP_NAME,
                self.group.as_deref(),
            );
            self.queue.describe_server(span);
            self.queue.describe_client(None, span);
            match rebalance {
                Rebalance::Assign(list) => {
                    span.set(semconv::CTX_REBALANCE_ASSIGNED, names(list));
                }
                Rebalance::Revoke(list) => {
                    span.set(semconv::CTX_REBALANCE_REVOKED, names(list));
                    if consumer.assignment_lost() {
                        span.set(semconv::CTX_REBALANCE_LOST, true);
                    }
                }
                Rebalance::Error(error) => span.fail(&error_type(error), error.to_string()),
            }
        });
        span.end();
    }

    /// Records a commit that has failed. To be called in `commit_callback`, which hears of the commits that librdkafka makes by itself.
    ///
    /// That there was nothing to commit is no failure.
    pub fn committed(&self, result: &KafkaResult<()>, offsets: &TopicPartitionList) {
        let Err(error) = result else { return };
        let is_nothing = error.rdkafka_error_code() == Some(RDKafkaErrorCode::NoOffset);
        if is_nothing || !self.queue.is_wanted() {
            return;
        }
        let elements = offsets.elements();
        let place = Together::of(&elements);
        let digits = place.partition();
        let group = self.group.as_deref();
        let mut operation = Step::Commit.operation((&self.queue, group), place.topic);
        operation.message.partition = digits.as_ref().and_then(Digits::as_str);
        // Whoever polls now has no part in it.
        let mut active = self.queue.start_settle(&operation, Context::new());
        let kind = Step::Commit.kind();
        let mut watch = self.queue.watch(kind, &operation, active.span());
        let failure = Failure {
            error_type: &error_type(error),
            error,
        };
        watch.end_with(&mut active, Some(failure));
    }
}

fn names(list: &TopicPartitionList) -> Array {
    let elements = list.elements();
    let elements = elements.iter().take(MOST);
    elements
        .map(|each| format!("{}/{}", each.topic(), each.partition()))
        .collect()
}

impl ClientContext for TracedConsumerContext {
    fn stats(&self, statistics: Statistics) {
        self.lag.update(&statistics);
    }
}

impl ConsumerContext for TracedConsumerContext {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.rebalance(consumer, rebalance);
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        self.committed(&result, offsets);
    }
}
