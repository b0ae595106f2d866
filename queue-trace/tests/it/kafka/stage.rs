use std::env;

use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::producer::FutureProducer;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use trace_testkit::SpanRecorder;

use super::LONG;
use super::cluster::Cluster;

/// What a fact works with, on whichever broker.
pub(super) struct Stage {
    pub(super) recorder: SpanRecorder,
    config: ClientConfig,
    /// What makes its topics its own; `None` where the whole broker is.
    own: Option<String>,
    _cluster: Option<Cluster>,
}

/// Runs a fact on librdkafka's cluster in this process.
pub(super) async fn in_process(_test: &str, fact: impl AsyncFnOnce(Stage)) {
    let cluster = Cluster::new();
    let stage = Stage {
        recorder: SpanRecorder::new(),
        config: cluster.config(),
        own: None,
        _cluster: Some(cluster),
    };
    fact(stage).await;
}

/// Runs a fact on the broker at `KAFKA_BOOTSTRAP`, which must then answer. Says aloud that it does not if there is none.
pub(super) async fn at_bootstrap(test: &str, fact: impl AsyncFnOnce(Stage)) {
    let Some(servers) = env::var("KAFKA_BOOTSTRAP")
        .ok()
        .filter(|servers| !servers.is_empty())
    else {
        eprintln!("{test}: SKIPPED, KAFKA_BOOTSTRAP names no broker");
        return;
    };
    eprintln!("{test}: on the broker at {servers}");
    let recorder = SpanRecorder::new();
    let now = recorder.tracer("shop").now().as_unix_nanos();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers);
    let stage = Stage {
        recorder,
        config,
        own: Some(format!("{}-{now}", std::process::id())),
        _cluster: None,
    };
    fact(stage).await;
}

impl Stage {
    pub(super) fn queue(&self) -> QueueTracer {
        QueueTracer::new(self.recorder.tracer("shop"))
    }

    /// A topic of one partition, of this test and this run alone. Not every broker makes topics by itself.
    pub(super) async fn topic(&self, name: &str) -> String {
        let Some(own) = &self.own else {
            return name.to_owned();
        };
        let name = format!("{name}-{own}");
        let admin: AdminClient<DefaultClientContext> = self.config.create().unwrap();
        let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
        let limits = AdminOptions::new()
            .request_timeout(Some(LONG))
            .operation_timeout(Some(LONG));
        let made = admin.create_topics([&topic], &limits).await.unwrap();
        assert!(made[0].is_ok(), "{made:?}");
        name
    }

    pub(super) fn producer(&self, queue: &QueueTracer) -> TracedProducer {
        let mut config = self.config.clone();
        config.set("linger.ms", "0");
        let producer: FutureProducer = config.create().unwrap();
        TracedProducer::new(producer, queue.clone())
    }

    /// Partition 0 from its beginning. Assigned, since joining a group takes seconds.
    pub(super) fn consumer(&self, queue: &QueueTracer, topic: &str) -> TracedConsumer {
        let mut config = self.config.clone();
        config.set("group.id", format!("billing-{topic}"));
        config.set("enable.auto.commit", "false");
        config.set("allow.auto.create.topics", "true");
        let consumer: StreamConsumer = config.create().unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        TracedConsumer::new(consumer, queue.clone())
    }
}
