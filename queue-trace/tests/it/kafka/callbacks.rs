//! Producers whose delivery reports come as callbacks.

use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::{SendTraced as _, TracedContext};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::Headers as _;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, DeliveryResult, Producer as _,
    ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{Span, SpanKind};

use super::LONG;
use super::cluster::Cluster;

/// A user's own context, with opaque values of its own.
struct Mine;

impl ClientContext for Mine {}

impl ProducerContext for Mine {
    type DeliveryOpaque = Box<u32>;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: Box<u32>) {
        let span = Span::child("delivered");
        span.set("shop.order", *opaque);
        span.set("shop.ok", result.is_ok());
    }
}

fn context(recorder: &SpanRecorder) -> TracedContext<Mine> {
    TracedContext::new(Mine, QueueTracer::new(recorder.tracer("shop")))
}

fn record(order: u32) -> BaseRecord<'static, str, str, Box<u32>> {
    BaseRecord::with_opaque_to("orders", Box::new(order))
        .key("customer-7")
        .payload("a book")
}

#[test]
fn the_callback_runs_in_the_span_with_its_own_value() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let producer: ThreadedProducer<_> = cluster
        .config()
        .create_with_context(context(&recorder))
        .unwrap();
    assert!(producer.send_traced(record(17)).is_ok());
    producer.flush(LONG).unwrap();
    let spans = recorder.wait_for(2, LONG);
    let [delivered, sent] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(sent.name(), "send orders");
    assert_eq!(sent.kind(), SpanKind::Producer);
    assert_eq!(sent.int("kafka.offset"), 0);
    sent.assert_unset();
    assert!(delivered.is_child_of(sent));
    assert_eq!(delivered.int("shop.order"), 17);
    assert!(delivered.bool("shop.ok"));
}

#[test]
fn a_full_queue_gives_the_record_back_as_it_was() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let producer: BaseProducer<_> = cluster
        .config()
        .set("queue.buffering.max.messages", "1")
        .set("linger.ms", "2000")
        .create_with_context(context(&recorder))
        .unwrap();
    assert!(producer.send_traced(record(1)).is_ok());
    let Err((error, record)) = producer.send_traced(record(2)) else {
        panic!("the queue takes one record only");
    };
    let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
    assert_eq!(error, full);
    assert_eq!(*record.delivery_opaque, 2);
    assert!(record.headers.is_none_or(|headers| headers.count() == 0));
    recorder.take_one().assert_failed("QUEUE_FULL");
    producer.flush(LONG).unwrap();
    recorder.take_named("send orders").assert_unset();
    let _delivered = recorder.take_one();
}

#[test]
fn what_is_purged_ends_its_span_when_the_producer_is_polled() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let producer: BaseProducer<_> = cluster
        .config()
        .set("linger.ms", "100000")
        .create_with_context(context(&recorder))
        .unwrap();
    for order in 0..3 {
        assert!(producer.send_traced(record(order)).is_ok());
    }
    producer.purge(PurgeConfig::default().queue().inflight());
    producer.flush(LONG).unwrap();
    let spans = recorder.take();
    let sent = spans.iter().filter(|span| span.name() == "send orders");
    let errors: Vec<_> = sent.map(|span| span.error_type()).collect();
    assert_eq!(errors, [Some("PURGE_QUEUE"); 3]);
}

/// Takes its time over each report.
struct Slow;

impl ClientContext for Slow {}

impl ProducerContext for Slow {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {
        #[expect(clippy::disallowed_methods, reason = "this is what is slow")]
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A producer that is dropped waits half a second for its reports.
#[test]
fn a_producer_that_is_dropped_with_reports_outstanding_ends_each_span_once() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer: BaseProducer<_> = cluster
        .config()
        .set("linger.ms", "100000")
        .create_with_context(TracedContext::new(Slow, queue))
        .unwrap();
    // A topic each, since what is purged of one is reported at once.
    let topics: Vec<_> = (0..40).map(|topic| format!("orders-{topic}")).collect();
    for topic in &topics {
        cluster.create_topic(topic, 1);
        let record = BaseRecord::<str, str, ()>::to(topic).payload("a book");
        assert!(producer.send_traced(record.partition(0)).is_ok());
    }
    assert_eq!(recorder.open(), 40);
    drop(producer);
    assert_eq!(recorder.open(), 0);
    let spans = recorder.take();
    assert_eq!(spans.len(), 40);
    let (reported, left): (Vec<_>, Vec<_>) =
        spans.iter().partition(|span| span.error_type().is_some());
    for span in reported {
        span.assert_failed("PURGE_QUEUE");
    }
    assert!(!left.is_empty(), "all were reported");
    for span in left {
        assert_eq!(span.str("ctx.outcome"), "cancelled");
    }
}

#[test]
fn a_producer_that_is_dropped_with_thousands_under_way_leaves_no_span_open() {
    const COUNT: u64 = 20_000;
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    cluster.down();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let context = TracedContext::new(DefaultProducerContext, queue);
    let producer: ThreadedProducer<_> = cluster.config().create_with_context(context).unwrap();
    for _ in 0..COUNT {
        let record = BaseRecord::<str, str>::to("orders").payload("a book");
        assert!(producer.send_traced(record).is_ok());
    }
    drop(producer);
    assert_eq!(recorder.open(), 0);
    assert_eq!(recorder.take().len() as u64, COUNT);
}

#[test]
fn a_producer_that_is_dropped_leaves_no_span_open() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let producer: ThreadedProducer<_> = cluster
        .config()
        .set("linger.ms", "100000")
        .create_with_context(context(&recorder))
        .unwrap();
    for order in 0..100 {
        assert!(producer.send_traced(record(order)).is_ok());
    }
    drop(producer);
    assert_eq!(recorder.wait_for(200, LONG).len(), 200);
    assert_eq!(recorder.open(), 0);
}
