//! rdkafka, on librdkafka's own cluster in this process.

use std::time::Duration;

use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use trace_testkit::messaging::{Letter, Messaging, Wish};
use tracing_core_ctx::Tracer;

const TOPIC: &str = "letters";
const LONG: Duration = Duration::from_secs(20);

struct Kafka {
    producer: TracedProducer,
    consumer: TracedConsumer,
    _cluster: MockCluster<'static, DefaultProducerContext>,
}

fn record(letter: &Letter) -> FutureRecord<'_, str, [u8]> {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &letter.headers {
        let value = Some(value);
        headers = headers.insert(Header { key, value });
    }
    let record = FutureRecord::to(TOPIC).payload(letter.body.as_slice());
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

impl Messaging for Kafka {
    const HEADERS_ARE_A_LIST: bool = true;

    async fn start(tracer: Tracer, wish: Option<Wish>) -> Self {
        let queue = super::tracer(tracer, wish);
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC, 1, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        config.set("linger.ms", "0");
        let producer = FutureProducer::from_config(&config).unwrap();
        config.set("group.id", "readers");
        config.set("enable.auto.commit", "false");
        let consumer: StreamConsumer = config.create().unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(TOPIC, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        Self {
            producer: TracedProducer::new(producer, queue.clone()),
            consumer: TracedConsumer::new(consumer, queue).group("readers"),
            _cluster: cluster,
        }
    }

    async fn send(&self, letter: Letter) {
        self.producer.send(record(&letter), LONG).await.unwrap();
    }

    async fn process(&self, work: impl FnOnce(&Letter) + Send) {
        let message = self.consumer.recv().await.unwrap();
        message
            .process(|message| async { work(&letter(&**message)) })
            .await;
    }

    async fn send_bare(&self, letter: Letter) {
        let sent = self.producer.inner().send(record(&letter), LONG);
        sent.await.unwrap();
    }

    async fn receive_bare(&self) -> Letter {
        letter(&self.consumer.inner().recv().await.unwrap())
    }
}

trace_testkit::messaging_suite!(Kafka);
