//! rdkafka, on librdkafka's own cluster in this process; and on the broker at `KAFKA_BOOTSTRAP`, if it is set.

use std::time::Duration;

use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use trace_testkit::messaging::{Letter, Messaging, Wish};
use tracing_core_ctx::Tracer;

const TOPIC: &str = "letters";
const LONG: Duration = Duration::from_secs(20);

/// Where `IS_NAMED`, at `KAFKA_BOOTSTRAP`.
struct Kafka<const IS_NAMED: bool> {
    producer: TracedProducer,
    consumer: TracedConsumer,
    topic: String,
    _cluster: Option<MockCluster<'static, DefaultProducerContext>>,
}

/// The settings for a broker that has the topic, and the broker if it is one of our own.
async fn broker(
    is_named: bool,
    topic: &str,
) -> (
    ClientConfig,
    Option<MockCluster<'static, DefaultProducerContext>>,
) {
    let mut config = ClientConfig::new();
    let named = std::env::var("KAFKA_BOOTSTRAP").ok();
    let Some(servers) = named.filter(|servers| is_named && !servers.is_empty()) else {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(topic, 1, 1).unwrap();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        return (config, Some(cluster));
    };
    eprintln!("on the broker at {servers}");
    config.set("bootstrap.servers", servers);
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let limits = AdminOptions::new()
        .request_timeout(Some(LONG))
        .operation_timeout(Some(LONG));
    let made = admin.create_topics([&new], &limits).await.unwrap();
    assert!(made[0].is_ok(), "{made:?}");
    (config, None)
}

fn record<'a>(topic: &'a str, letter: &'a Letter) -> FutureRecord<'a, str, [u8]> {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &letter.headers {
        let value = Some(value);
        headers = headers.insert(Header { key, value });
    }
    let record = FutureRecord::to(topic).payload(letter.body.as_slice());
    record.partition(0).headers(headers)
}

fn letter(message: &impl Message) -> Letter {
    let mut letter = Letter::of(message.payload().unwrap_or_default());
    if let Some(headers) = message.headers() {
        for header in headers.iter() {
            letter = letter.with(header.key, header.value.unwrap_or_default());
        }
    }
    letter
}

impl<const IS_NAMED: bool> Messaging for Kafka<IS_NAMED> {
    const HEADERS_ARE_A_LIST: bool = true;

    async fn start(tracer: Tracer, wish: Option<Wish>) -> Self {
        let queue = super::tracer(tracer, wish);
        let topic = super::own(TOPIC);
        let (mut config, cluster) = broker(IS_NAMED, &topic).await;
        config.set("linger.ms", "0");
        let producer = FutureProducer::from_config(&config).unwrap();
        config.set("group.id", "readers");
        config.set("enable.auto.commit", "false");
        let consumer: StreamConsumer = config.create().unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(&topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        Self {
            producer: TracedProducer::new(producer, queue.clone()),
            consumer: TracedConsumer::new(consumer, queue).group("readers"),
            topic,
            _cluster: cluster,
        }
    }

    async fn send(&self, letter: Letter) {
        self.producer
            .send(record(&self.topic, &letter), LONG)
            .await
            .unwrap();
    }

    async fn process(&self, work: impl FnOnce(&Letter) + Send) {
        let message = self.consumer.recv().await.unwrap();
        message
            .process(|message| async { work(&letter(&**message)) })
            .await;
        self.consumer
            .commit_message(&message, CommitMode::Async)
            .unwrap();
    }

    async fn send_bare(&self, letter: Letter) {
        let sent = self
            .producer
            .inner()
            .send(record(&self.topic, &letter), LONG);
        sent.await.unwrap();
    }

    async fn receive_bare(&self) -> Letter {
        letter(&self.consumer.inner().recv().await.unwrap())
    }
}

mod in_process {
    trace_testkit::messaging_suite!(super::Kafka<false>);
}

mod at_bootstrap {
    trace_testkit::messaging_suite!(super::Kafka<true>);
}
