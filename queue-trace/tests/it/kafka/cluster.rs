use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{
    BaseConsumer, Consumer, ConsumerContext, DefaultConsumerContext, StreamConsumer,
};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// A broker without a process of its own.
pub(crate) struct Cluster(MockCluster<'static, DefaultProducerContext>);

impl Cluster {
    pub(crate) fn new() -> Self {
        Self(MockCluster::new(1).unwrap())
    }

    pub(crate) fn producer(
        &self,
        queue: &QueueTracer,
        settings: &[(&str, &str)],
    ) -> TracedProducer {
        let mut config = self.config();
        config.set("linger.ms", "0");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer: FutureProducer = config.create().unwrap();
        TracedProducer::new(producer, queue.clone())
    }

    /// Partition 0 from its beginning. Assigned, since joining a group takes seconds.
    pub(crate) fn consumer(&self, queue: &QueueTracer, topic: &str) -> TracedConsumer {
        self.assigned::<StreamConsumer>(queue, &[(topic, 0)], &[])
    }

    /// The same with a consumer that blocks.
    pub(crate) fn base_consumer(
        &self,
        queue: &QueueTracer,
        topic: &str,
    ) -> TracedConsumer<BaseConsumer> {
        self.assigned(queue, &[(topic, 0)], &[])
    }

    /// Partitions from their beginning.
    pub(crate) fn assigned<X>(
        &self,
        queue: &QueueTracer,
        partitions: &[(&str, i32)],
        settings: &[(&str, &str)],
    ) -> TracedConsumer<X>
    where
        X: Consumer + FromClientConfigAndContext<DefaultConsumerContext>,
    {
        self.assigned_with(DefaultConsumerContext, queue, partitions, settings)
    }

    pub(crate) fn assigned_with<X, C>(
        &self,
        context: C,
        queue: &QueueTracer,
        partitions: &[(&str, i32)],
        settings: &[(&str, &str)],
    ) -> TracedConsumer<X>
    where
        C: ConsumerContext,
        X: Consumer<C> + FromClientConfigAndContext<C>,
    {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            self.create_topic(topic, partitions.len());
            list.add_partition_offset(topic, *partition, Offset::Beginning)
                .unwrap();
        }
        let consumer: X = self.member(settings).create_with_context(context).unwrap();
        consumer.assign(&list).unwrap();
        TracedConsumer::new(consumer, queue.clone())
    }

    /// The settings of a member of the group `billing`.
    pub(crate) fn member(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.config();
        config.set("group.id", "billing");
        config.set("enable.auto.commit", "false");
        config.set("auto.offset.reset", "earliest");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    /// It may be there already, with as many partitions.
    pub(crate) fn create_topic(&self, topic: &str, partitions: usize) {
        let _exists = self
            .0
            .create_topic(topic, i32::try_from(partitions).unwrap(), 1)
            .is_err();
    }

    pub(crate) fn down(&self) {
        self.0.broker_down(1).unwrap();
    }

    pub(crate) fn up(&self) {
        self.0.broker_up(1).unwrap();
    }

    pub(crate) fn servers(&self) -> String {
        self.0.bootstrap_servers()
    }

    pub(crate) fn fail_next_produce(&self, error: RDKafkaRespErr) {
        self.fail_next(RDKafkaApiKey::Produce, &[error]);
    }

    pub(crate) fn fail_next(&self, request: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        self.0.request_errors(request, errors);
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.0.bootstrap_servers());
        config
    }
}
