use std::fmt;
use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::BoxError;

/// An order has been placed: its JSON.
pub(crate) const ORDERS_PLACED: &str = "orders.placed";

/// A customer has been charged: the name.
pub(crate) const PAYMENTS_CHARGED: &str = "payments.charged";

const TOPICS: [&str; 2] = [ORDERS_PLACED, PAYMENTS_CHARGED];

/// How long a broker may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Kafka cluster: a real one, or librdkafka's own in this process.
pub(crate) struct Kafka {
    servers: String,
    /// Dropping it ends it.
    _in_process: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Kafka {
    /// The cluster at `servers`, or a new one in this process; with the topics of the shop.
    pub(crate) async fn open(servers: Option<&str>) -> Result<Self, BoxError> {
        let Some(servers) = servers else {
            let cluster = MockCluster::new(1)?;
            for topic in TOPICS {
                cluster.create_topic(topic, 1, 1)?;
            }
            return Ok(Self {
                servers: cluster.bootstrap_servers(),
                _in_process: Some(cluster),
            });
        };
        let kafka = Self {
            servers: servers.to_owned(),
            _in_process: None,
        };
        kafka
            .create_topics()
            .await
            .map_err(|error| format!("Kafka at {servers}: {error}"))?;
        Ok(kafka)
    }

    async fn create_topics(&self) -> Result<(), BoxError> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        // To create topics is waited for a minute, whether there is a broker or not.
        let client = admin.inner();
        if client.fetch_metadata(None, PATIENCE).is_err() {
            return Err("no broker answers".into());
        }
        let topics = TOPICS.map(|topic| NewTopic::new(topic, 1, TopicReplication::Fixed(1)));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for created in admin.create_topics(&topics, &options).await? {
            match created {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(format!("topic {topic}: {code}").into()),
            }
        }
        Ok(())
    }

    /// A producer that sends at once.
    pub(crate) fn producer(&self, queue: QueueTracer) -> KafkaResult<TracedProducer> {
        let producer: FutureProducer = self.config().set("linger.ms", "0").create()?;
        Ok(TracedProducer::new(producer, queue))
    }

    /// A consumer of what comes from now on. It takes all partitions for itself: to join a group takes seconds.
    pub(crate) async fn consumer(
        &self,
        queue: QueueTracer,
        group: &'static str,
        topics: &'static [&'static str],
    ) -> Result<TracedConsumer, BoxError> {
        let mut config = self.config();
        config.set("group.id", group);
        config.set("enable.auto.commit", "false");
        // Milliseconds that the broker may hold an answer back: the in-process one always does.
        config.set("fetch.wait.max.ms", "10");
        let ask = move || {
            let consumer: StreamConsumer = config.create()?;
            consumer.assign(&from_now_on(&consumer, topics)?)?;
            Ok::<_, KafkaError>(consumer)
        };
        let consumer = tokio::task::spawn_blocking(ask).await??;
        Ok(TracedConsumer::new(consumer, queue).group(group))
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }
}

/// All partitions of `topics`, each from its present end.
fn from_now_on(consumer: &StreamConsumer, topics: &[&str]) -> KafkaResult<TopicPartitionList> {
    let mut partitions = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        for partition in metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions())
        {
            let (_, end) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE)?;
            partitions.add_partition_offset(topic, partition.id(), Offset::Offset(end))?;
        }
    }
    Ok(partitions)
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}
