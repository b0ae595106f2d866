use std::rc::Rc;

use futures_util::future::join_all;
use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedProducer};
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tracing_core_ctx::Context;

use super::awaited::{Awaited, runtime};
use super::{BODY, KEY, PLACE};
use crate::Work;
use crate::work::BATCH;

/// A broker in this process, with one topic of one partition.
pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

pub(super) fn bare_producer() -> Box<dyn Work> {
    Box::new(untraced_producer(record))
}

/// The same with a header.
pub(super) fn producer_by_hand(traceparent: &'static str) -> impl Work {
    untraced_producer(move || record().headers(header(traceparent)))
}

fn untraced_producer(
    record: impl Fn() -> FutureRecord<'static, str, [u8]> + Copy + 'static,
) -> impl Work {
    let cluster = cluster();
    let producer = Rc::new(connect(&cluster));
    Awaited::new(runtime(), BATCH, move || {
        let _lives = &cluster;
        let producer = Rc::clone(&producer);
        async move {
            let sent = producer.send(record(), Timeout::Never).await;
            sent.map_err(|(error, _)| error).expect("a delivery report");
        }
    })
}

pub(super) fn producer(queue: QueueTracer, around: Context) -> Box<dyn Work> {
    let cluster = cluster();
    let producer = Rc::new(TracedProducer::new(connect(&cluster), queue));
    let work = Awaited::new(runtime(), BATCH, move || {
        let _lives = &cluster;
        let producer = Rc::clone(&producer);
        async move {
            let sent = producer.send(record(), Timeout::Never).await;
            sent.map_err(|(error, _)| error).expect("a delivery report");
        }
    });
    Box::new(work.within(move || around.clone().attach()))
}

/// Each message is handled; if it `settles` them, its offset is stored.
pub(super) fn bare_consumer(traceparent: &'static str, settles: bool) -> Box<dyn Work> {
    Box::new(untraced(traceparent, settles, |_| {}))
}

/// The same, and the headers are looked through for one.
pub(super) fn by_hand(traceparent: &'static str, settles: bool) -> impl Work {
    untraced(traceparent, settles, |message| {
        let headers = message.headers().expect("headers");
        let mut all = headers.iter();
        let found = all.find(|header| header.key == "traceparent");
        assert!(found.is_some_and(|header| header.value.is_some()));
    })
}

fn untraced(traceparent: &'static str, settles: bool, look: fn(&BorrowedMessage<'_>)) -> impl Work {
    let (runtime, cluster) = (runtime(), cluster());
    let consumer = {
        let _entered = runtime.enter();
        Rc::new(assigned(&cluster))
    };
    let feed = feed(cluster, traceparent, runtime.handle().clone());
    let work = Awaited::new(runtime, 1, move || {
        let consumer = Rc::clone(&consumer);
        async move {
            for _ in 0..BATCH {
                let message = consumer.recv().await.expect("a message");
                look(&message);
                handle(message.payload()).await;
                if settles {
                    let stored = consumer.store_offset_from_message(&message);
                    stored.expect("an offset of this consumer");
                }
            }
        }
    });
    work.after(feed)
}

pub(super) fn consumer(
    queue: QueueTracer,
    traceparent: &'static str,
    settles: bool,
) -> Box<dyn Work> {
    let (runtime, cluster) = (runtime(), cluster());
    let consumer = {
        let _entered = runtime.enter();
        Rc::new(TracedConsumer::new(assigned(&cluster), queue).group("billing"))
    };
    let feed = feed(cluster, traceparent, runtime.handle().clone());
    let work = Awaited::new(runtime, 1, move || {
        let consumer = Rc::clone(&consumer);
        async move {
            for _ in 0..BATCH {
                let message = consumer.recv().await.expect("a message");
                message.process(|message| handle(message.payload())).await;
                if settles {
                    let stored = consumer.store_offset_from_message(&message);
                    stored.expect("an offset of this consumer");
                }
            }
        }
    });
    Box::new(work.after(feed))
}

pub(crate) async fn handle(body: Option<&[u8]>) {
    assert_eq!(body.map(<[u8]>::len), Some(BODY.len()));
}

pub(crate) fn record() -> FutureRecord<'static, str, [u8]> {
    FutureRecord::to(PLACE).key(KEY).payload(BODY)
}

pub(crate) fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).expect("a broker in this process");
    cluster.create_topic(PLACE, 1, 1).expect("a topic");
    cluster
}

fn config(cluster: &Cluster) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config
}

pub(crate) fn connect(cluster: &Cluster) -> FutureProducer {
    config(cluster).create().expect("a producer")
}

pub(crate) fn assigned(cluster: &Cluster) -> StreamConsumer {
    let mut config = config(cluster);
    config.set("group.id", "billing");
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    // The cluster lets a consumer that has read all wait so long, whatever comes meanwhile.
    config.set("fetch.wait.max.ms", "5");
    let consumer: StreamConsumer = config.create().expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    partitions
        .add_partition_offset(PLACE, 0, Offset::Beginning)
        .expect("an offset");
    consumer.assign(&partitions).expect("a partition");
    consumer
}

pub(crate) fn header(traceparent: &str) -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header {
        key: "traceparent",
        value: Some(traceparent),
    })
}

/// Sends a batch to be consumed, and waits for the reports: a flush would poll for them beside the producer's own thread, and a tenth of a second in
/// vain.
fn feed(cluster: Cluster, traceparent: &'static str, handle: Handle) -> impl FnMut() {
    let mut config = config(&cluster);
    config.set("linger.ms", "0");
    let producer: FutureProducer = config.create().expect("a producer");
    move || {
        let _lives = &cluster;
        let sends = (0..BATCH)
            .map(|_| producer.send(record().headers(header(traceparent)), Timeout::Never));
        for sent in handle.block_on(join_all(sends)) {
            sent.map_err(|(error, _)| error).expect("a delivery report");
        }
    }
}
