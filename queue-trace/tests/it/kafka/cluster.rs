use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// A broker without a process of its own.
pub(super) struct Cluster(MockCluster<'static, DefaultProducerContext>);

impl Cluster {
    pub(super) fn new() -> Self {
        Self(MockCluster::new(1).unwrap())
    }

    pub(super) fn producer(
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
    pub(super) fn consumer(&self, queue: &QueueTracer, topic: &str) -> TracedConsumer {
        // It may be there already, with more partitions.
        let _exists = self.0.create_topic(topic, 1, 1).is_err();
        let mut config = self.config();
        config.set("group.id", "billing");
        config.set("enable.auto.commit", "false");
        let consumer: StreamConsumer = config.create().unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        TracedConsumer::new(consumer, queue.clone())
    }

    pub(super) fn fail_next_produce(&self, error: RDKafkaRespErr) {
        self.0.request_errors(RDKafkaApiKey::Produce, &[error]);
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.0.bootstrap_servers());
        config
    }
}
