//! Who observes hears of every message, recorded or not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use queue_trace::kafka::{TracedConsumer, TracedOwnedMessage};
use queue_trace::process::ProcessTraceLayer;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::producer::{FutureRecord, Producer as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tower::layer::Layer as _;
use tower::{ServiceExt as _, service_fn};
use trace_testkit::SpanRecorder;
use trace_testkit::amqp::Broker;
use tracing_core_ctx::Tracer;
use tracing_core_ctx::observer::{Arrived, Ended, ExchangeObserver, ObservedExchange, Started};
use tracing_core_ctx::sampler::AttributeSource;

use crate::kafka::Cluster;

const LONG: Duration = Duration::from_secs(20);

/// Writes down what it is told.
#[derive(Clone, Debug, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    fn note(&self, what: &str, attributes: &dyn AttributeSource, more: &str) {
        let text = |key| match attributes.get(key) {
            Some(value) => value.as_str().unwrap_or("?").to_owned(),
            None => "-".to_owned(),
        };
        let [name, place] = ["messaging.operation.name", "messaging.destination.name"].map(text);
        let line = format!("{what} {name} {place}{more}");
        self.0.lock().unwrap().push(line);
    }

    #[track_caller]
    fn heard(&self, expected: &[&str]) {
        let heard = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(heard, expected);
    }
}

impl ExchangeObserver for Ear {
    fn started(&self, exchange: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        let more = format!(" {:?}", exchange.kind);
        self.note("started", exchange.attributes, &more);
        Some(Box::new(self.clone()))
    }

    fn arrived(&self, message: &Arrived<'_>) {
        let more = match message.queue_time {
            Some(_) => " timed",
            None => "",
        };
        self.note("arrived", message.attributes, more);
    }
}

impl ObservedExchange for Ear {
    fn ended(self: Box<Self>, end: &Ended<'_>) {
        let error = end.attributes.get("error.type");
        let error = error.and_then(|error| error.as_str()).unwrap_or("well");
        self.0.lock().unwrap().push(format!("ended {error}"));
    }
}

/// Nothing is recorded.
fn observed(ear: &Ear) -> QueueTracer {
    QueueTracer::new(Tracer::noop()).observe(ear.clone())
}

#[tokio::test]
async fn records_are_told_of_when_they_are_sent_come_are_processed_and_settled() {
    let (ear, cluster) = (Ear::default(), Cluster::new());
    let queue = observed(&ear);
    let consumer = cluster.consumer(&queue, "orders").group("billing");
    let producer = cluster.producer(&queue, &[]);
    let record = FutureRecord::<str, str>::to("orders").payload("a book");
    producer.send(record.partition(0), LONG).await.unwrap();
    ear.heard(&["started send orders Producer", "ended well"]);

    let message = tokio::time::timeout(LONG, consumer.recv()).await;
    let message = message.expect("no message in time").unwrap();
    ear.heard(&["arrived poll orders timed"]);
    message.process(async |_| {}).await;
    ear.heard(&["started process orders Consumer", "ended well"]);
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    ear.heard(&["started commit orders Client", "ended well"]);

    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.fail_next_produce(refused);
    let record = FutureRecord::<str, str>::to("orders").payload("a book");
    assert!(producer.send(record, LONG).await.is_err());
    let failed = "ended TOPIC_AUTHORIZATION_FAILED";
    ear.heard(&["started send orders Producer", failed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn deliveries_are_told_of_when_they_are_sent_come_and_are_settled() {
    let ear = Ear::default();
    let broker = Broker::start().await.unwrap();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await;
    let connection = connection.unwrap();
    let channel = TracedChannel::new(connection.create_channel().await.unwrap(), observed(&ear));
    let declared = channel.queue_declare("".into(), Default::default(), FieldTable::default());
    // The broker makes the name up, so that it is no name of a series.
    let made_up = declared.await.unwrap().name().clone();
    for name in ["jobs".into(), made_up] {
        let name: ShortString = name;
        let place = match name.as_str() {
            "jobs" => "jobs",
            _ => "-",
        };
        let declared =
            channel.queue_declare(name.clone(), Default::default(), FieldTable::default());
        declared.await.unwrap();
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish =
            channel.basic_publish("".into(), name.clone(), options, b"a book", properties);
        publish.await.unwrap().await.unwrap();
        let started = format!("started publish {place} Producer");
        ear.heard(&[&started, "ended well"]);

        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(name, "".into(), options, FieldTable::default());
        let mut consumer = consumer.await.unwrap();
        let delivery = tokio::time::timeout(LONG, consumer.next()).await;
        let delivery = delivery.expect("no delivery in time").unwrap().unwrap();
        let started = format!("started process {place} Consumer");
        ear.heard(&[&format!("arrived process {place}"), &started]);
        assert!(delivery.ack(BasicAckOptions::default()).await.unwrap());
        let started = format!("started ack {place} Client");
        ear.heard(&[&started, "ended well", "ended well"]);
        drop(delivery);
        ear.heard(&[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_delivery_that_is_pulled_is_told_of_with_the_time_that_took() {
    let ear = Ear::default();
    let broker = Broker::start().await.unwrap();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await;
    let connection = connection.unwrap();
    let inner = connection.create_channel().await.unwrap();
    let channel = TracedChannel::new(inner, observed(&ear).receive_spans(false));
    let declared = channel.queue_declare("jobs".into(), Default::default(), FieldTable::default());
    declared.await.unwrap();
    let nothing = channel.basic_get("jobs".into(), BasicGetOptions::default());
    assert!(nothing.await.unwrap().is_none());
    ear.heard(&[]);

    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let publish =
        channel
            .inner()
            .basic_publish("".into(), "jobs".into(), options, b"a book", properties);
    publish.await.unwrap().await.unwrap();
    let got = channel.basic_get("jobs".into(), BasicGetOptions::default());
    let got = got.await.unwrap().unwrap();
    ear.heard(&[
        "started receive jobs Client",
        "ended well",
        "arrived process jobs",
        "started process jobs Consumer",
    ]);
    drop(got);
    ear.heard(&["ended well"]);

    let gone = channel.basic_get("gone".into(), BasicGetOptions::default());
    assert!(gone.await.is_err());
    ear.heard(&["started receive gone Client", "ended not-found"]);
}

#[tokio::test]
async fn a_poll_that_fails_is_told_of_once_for_each_outage() {
    let (ear, cluster) = (Ear::default(), Cluster::new());
    let queue = observed(&ear).receive_spans(false);
    let settings = [
        ("reconnect.backoff.ms", "10"),
        ("reconnect.backoff.max.ms", "20"),
    ];
    let consumer: TracedConsumer = cluster.assigned(&queue, &[("away", 0)], &settings);
    cluster.down();
    for _ in 0..2 {
        let failed = tokio::time::timeout(LONG, consumer.recv()).await.unwrap();
        assert!(failed.is_err());
    }
    let heard = std::mem::take(&mut *ear.0.lock().unwrap());
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[0], "started poll - Client");
    assert!(
        heard[1].starts_with("ended ") && heard[1] != "ended well",
        "{heard:?}"
    );
}

#[tokio::test]
async fn offsets_that_go_into_a_transaction_are_told_of_as_a_commit() {
    let (ear, cluster) = (Ear::default(), Cluster::new());
    let queue = observed(&ear);
    let producer = cluster.producer(&queue, &[("transactional.id", "billing-1")]);
    producer.init_transactions(LONG).unwrap();
    let consumer = cluster.consumer(&queue, "source");
    let mut transaction = producer.transaction().unwrap();
    let mut offsets = TopicPartitionList::new();
    let added = offsets.add_partition_offset("source", 0, Offset::Offset(1));
    added.unwrap();
    let group = consumer.group_metadata().unwrap();
    transaction.send_offsets(&offsets, &group, LONG).unwrap();
    ear.heard(&["started commit source Client", "ended well"]);
    // Of nothing that is recorded, a list names its topic to who observes.
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
    ear.heard(&["started commit source Client", "ended well"]);
    transaction.commit(LONG).unwrap();
}

/// One who panics whenever he is asked.
#[derive(Debug)]
struct Panics;

impl ExchangeObserver for Panics {
    fn started(&self, _: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        panic!("at the start");
    }

    fn arrived(&self, _: &Arrived<'_>) {
        panic!("at the arrival");
    }
}

#[tokio::test]
async fn an_observer_that_panics_stops_no_message() {
    let cluster = Cluster::new();
    let queue = QueueTracer::new(Tracer::noop()).observe(Panics);
    let consumer = cluster.consumer(&queue, "orders");
    let producer = cluster.producer(&queue, &[]);
    let record = FutureRecord::<str, str>::to("orders").payload("a book");
    producer.send(record.partition(0), LONG).await.unwrap();
    let message = tokio::time::timeout(LONG, consumer.recv()).await;
    let message = message.expect("no message in time").unwrap();
    message.process(async |_| {}).await;
}

async fn failing() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Other.into())
}

#[tokio::test]
async fn work_on_records_that_fails_is_told_of_as_failed() {
    let (ear, cluster) = (Ear::default(), Cluster::new());
    let queue = observed(&ear);
    let consumer = cluster.consumer(&queue, "orders");
    let producer = cluster.producer(&QueueTracer::new(Tracer::noop()), &[]);
    for _ in 0..2 {
        let record = FutureRecord::<str, str>::to("orders").payload("a book");
        producer.send(record.partition(0), LONG).await.unwrap();
    }
    let batch = consumer.recv_batch(2, LONG).await.unwrap();
    ear.heard(&["arrived poll orders timed", "arrived poll orders timed"]);
    let started = "started process orders Consumer";
    batch
        .try_process(async |_| failing().await)
        .await
        .unwrap_err();
    ear.heard(&[started, "ended std::io::error::Error"]);
    for message in batch.into_messages() {
        let failed = message.try_process(async |_| failing().await).await;
        failed.unwrap_err();
        ear.heard(&[started, "ended std::io::error::Error"]);
        let well = message.try_process(async |_| Ok::<_, ()>(())).await;
        well.unwrap();
        ear.heard(&[started, "ended well"]);
        message.start_process().fail("no-stamp");
        ear.heard(&[started, "ended no-stamp"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn work_on_deliveries_that_fails_is_told_of_as_failed() {
    let ear = Ear::default();
    let broker = Broker::start().await.unwrap();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await;
    let connection = connection.unwrap();
    let recorder = SpanRecorder::new();
    for queue in [
        observed(&ear),
        QueueTracer::new(recorder.tracer("shop")).observe(ear.clone()),
    ] {
        let inner = connection.create_channel().await.unwrap();
        let channel = TracedChannel::new(inner, queue.receive_spans(false));
        let declared =
            channel.queue_declare("jobs".into(), Default::default(), FieldTable::default());
        declared.await.unwrap();
        for work in [failing().await, Ok(())] {
            let (options, properties) = (Default::default(), BasicProperties::default());
            let publish = channel.inner().basic_publish(
                "".into(),
                "jobs".into(),
                options,
                b"a book",
                properties,
            );
            publish.await.unwrap().await.unwrap();
            let got = channel.basic_get("jobs".into(), BasicGetOptions::default());
            let got = got.await.unwrap().unwrap();
            let failed = work.is_err();
            assert_eq!(got.try_process(async { work }).await.is_err(), failed);
            got.ack(BasicAckOptions::default()).await.unwrap();
            let heard = std::mem::take(&mut *ear.0.lock().unwrap());
            let expected = match failed {
                true => "ended std::io::error::Error",
                false => "ended well",
            };
            assert_eq!(heard.last().map(String::as_str), Some(expected));
        }
    }
    let spans = recorder.take();
    let processed = spans.iter().filter(|span| span.name() == "process jobs");
    let processed: Vec<_> = processed.collect();
    processed[0].assert_failed("std::io::error::Error");
    assert_eq!(processed[0].str("ctx.message.settlement"), "ack");
    processed[1].assert_unset();
}

#[tokio::test]
async fn a_service_is_told_of_until_its_work_is_done_and_as_failed_if_that_is() {
    let (ear, cluster) = (Ear::default(), Cluster::new());
    let queue = observed(&ear);
    let consumer = cluster.consumer(&queue, "orders");
    let producer = cluster.producer(&QueueTracer::new(Tracer::noop()), &[]);
    let record = FutureRecord::<str, str>::to("orders").payload("a book");
    producer.send(record.partition(0), LONG).await.unwrap();
    let message = tokio::time::timeout(LONG, consumer.recv()).await;
    let message = message.expect("no message in time").unwrap().detach();
    ear.heard(&["arrived poll orders timed"]);
    let heard = ear.clone();
    let service = service_fn(|message: TracedOwnedMessage| {
        let ear = heard.clone();
        async move {
            drop(message);
            ear.heard(&["started process orders Consumer"]);
            failing().await
        }
    });
    let service = ProcessTraceLayer::new(queue).layer(service);
    service.oneshot(message).await.unwrap_err();
    ear.heard(&["ended std::io::error::Error"]);
}

/// Notes whether each that it is told of has a broker.
#[derive(Clone, Debug, Default)]
struct Brokers(Arc<Mutex<Vec<bool>>>);

impl Brokers {
    fn note(&self, attributes: &dyn AttributeSource) {
        let address = attributes.get("server.address");
        let is_known = address.and_then(|address| address.as_str()) == Some("broker-1")
            && attributes.get("server.port").is_some();
        self.0.lock().unwrap().push(is_known);
    }
}

impl ExchangeObserver for Brokers {
    fn started(&self, exchange: &Started<'_>) -> Option<Box<dyn ObservedExchange>> {
        self.note(exchange.attributes);
        None
    }

    fn arrived(&self, message: &Arrived<'_>) {
        self.note(message.attributes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_broker_is_told_also_of_what_is_not_prepared() {
    let (brokers, cluster) = (Brokers::default(), Cluster::new());
    let queue = QueueTracer::new(Tracer::noop()).observe(brokers.clone());
    let queue = queue.server("broker-1", 5672);
    let producer = cluster.producer(&queue, &[]);
    // More topics than are remembered.
    for topic in 0..20 {
        let topic = format!("orders-{topic}");
        let record = FutureRecord::<str, str>::to(&topic).payload("a book");
        producer.send(record.partition(0), LONG).await.unwrap();
    }
    let consumer = cluster.consumer(&queue, "orders-0");
    let batch = consumer.recv_batch(1, LONG).await.unwrap();
    batch.process(async |_| {}).await;

    let broker = Broker::start().await.unwrap();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await;
    let connection = connection.unwrap();
    let channel = TracedChannel::new(connection.create_channel().await.unwrap(), queue);
    let declared = channel.queue_declare("jobs".into(), Default::default(), FieldTable::default());
    declared.await.unwrap();
    let properties = BasicProperties::default();
    let publish = channel.basic_publish(
        "".into(),
        "jobs".into(),
        Default::default(),
        b"",
        properties,
    );
    publish.await.unwrap().await.unwrap();
    let got = channel.basic_get("jobs".into(), BasicGetOptions::default());
    let got = got.await.unwrap().unwrap();
    let ack = channel.basic_ack(got.delivery_tag, BasicAckOptions::default());
    ack.await.unwrap();
    let known = brokers.0.lock().unwrap();
    assert!(
        known.len() > 25 && known.iter().all(|known| *known),
        "{known:?}"
    );
}
