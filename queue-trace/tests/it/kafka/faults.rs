//! What can go wrong on the way to the broker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use queue_trace::QueueTracer;
use queue_trace::kafka::{SendTraced as _, TracedContext};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, DeliveryResult, Producer as _,
    ProducerContext, ThreadedProducer,
};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::util::Timeout;
use trace_testkit::SpanRecorder;

use super::cluster::Cluster;
use super::{LONG, record, recv, send};

fn set_up() -> (SpanRecorder, Cluster, QueueTracer) {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    (recorder, Cluster::new(), queue)
}

#[tokio::test]
async fn a_broker_that_dies_with_sends_in_flight_fails_them_when_their_time_is_up() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[("message.timeout.ms", "700")]);
    send(&producer, "dying", "first").await;
    recorder.take_one().assert_unset();
    cluster.down();
    let sending = (0..100).map(|_| producer.send(record("dying", "x"), LONG));
    let reports = futures_util::future::join_all(sending).await;
    for report in reports {
        let (error, message) = report.unwrap_err();
        let late = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        assert_eq!(error, late);
        assert!(message.headers().is_none_or(|headers| headers.count() == 0));
    }
    let spans = recorder.take();
    assert_eq!(spans.len(), 100);
    for span in spans {
        span.assert_failed("MESSAGE_TIMED_OUT");
        span.assert_absent("kafka.offset");
    }
}

#[tokio::test]
async fn a_broker_that_comes_back_gets_each_record_once_in_one_span() {
    let (recorder, cluster, queue) = set_up();
    let settings = [
        ("enable.idempotence", "true"),
        ("reconnect.backoff.ms", "10"),
    ];
    let producer = cluster.producer(&queue, &settings);
    send(&producer, "back", "first").await;
    let _first = recorder.take_one();
    cluster.down();
    let payloads: Vec<_> = (0..50).map(|number: i32| number.to_string()).collect();
    let sending: Vec<_> = payloads
        .iter()
        .map(|payload| producer.send_result(record("back", payload)).unwrap())
        .collect();
    assert_eq!(recorder.open(), 50);
    cluster.up();
    for report in futures_util::future::join_all(sending).await {
        report.unwrap().unwrap();
    }
    let spans = recorder.take();
    let offsets: Vec<_> = spans.iter().map(|span| span.int("kafka.offset")).collect();
    assert_eq!(offsets, Vec::from_iter(1..51));
    let consumer = cluster.consumer(&queue, "back");
    drop(recv(&consumer).await);
    for payload in payloads {
        let message = recv(&consumer).await;
        assert_eq!(message.payload(), Some(payload.as_bytes()));
    }
}

#[tokio::test]
async fn what_the_client_tries_again_by_itself_is_one_span() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    cluster.fail_next_produce(RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    cluster.fail_next_produce(RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
    send(&producer, "retried", "x").await;
    let span = recorder.take_one();
    span.assert_unset();
    assert_eq!(span.int("kafka.offset"), 0);
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_has_failed_at_once_and_comes_back_as_it_was() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[("message.max.bytes", "1000")]);
    let headers = || {
        OwnedHeaders::new().insert(Header {
            key: "tenant",
            value: Some("7"),
        })
    };
    let huge = "x".repeat(2000);
    let too_large = record("large", &huge).headers(headers());
    let (_error, message) = producer.send(too_large, LONG).await.unwrap_err();
    assert_eq!(message.headers().unwrap().count(), 1);
    recorder.take_one().assert_failed("MESSAGE_TOO_LARGE");

    let nul = record("a\0b", "x").headers(headers());
    let (error, record) = producer.send_result(nul).unwrap_err();
    assert!(matches!(error, KafkaError::Nul(_)));
    assert_eq!(record.headers.unwrap().count(), 1);
    let span = recorder.take_one();
    span.assert_failed("_OTHER");
    assert_eq!(span.str("messaging.destination.name"), "a\0b");
}

#[tokio::test]
async fn a_send_that_is_dropped_is_cancelled_and_one_that_never_ran_is_nothing() {
    let (recorder, cluster, queue) = set_up();
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "2000")];
    let producer = cluster.producer(&queue, &settings);
    drop(producer.send(record("dropped", "1"), LONG));
    recorder.assert_nothing();
    let waited = Duration::from_millis(50);
    // The first waits for its report, the second for a place in the queue.
    let first = tokio::time::timeout(waited, producer.send(record("dropped", "1"), LONG));
    assert!(first.await.is_err());
    assert_eq!(recorder.take_one().str("ctx.outcome"), "cancelled");
    let second = producer.send(record("dropped", "2"), LONG);
    assert!(tokio::time::timeout(waited, second).await.is_err());
    assert_eq!(recorder.take_one().str("ctx.outcome"), "cancelled");
    producer.flush(LONG).unwrap();
    // The first has arrived all the same.
    let consumer = cluster.consumer(&queue, "dropped");
    assert_eq!(recv(&consumer).await.payload(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_full_queue_is_waited_for_in_one_span_with_one_context() {
    let (recorder, cluster, queue) = set_up();
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "300")];
    let producer = cluster.producer(&queue, &settings);
    let sending = ["1", "2", "3"].map(|payload| producer.send(record("slow", payload), LONG));
    for report in futures_util::future::join_all(sending).await {
        report.unwrap();
    }
    let spans = recorder.take();
    assert_eq!(spans.len(), 3);
    let consumer = cluster.consumer(&queue, "slow");
    for _ in 0..3 {
        let message = recv(&consumer).await;
        assert_eq!(super::context_headers(&message).len(), 1);
    }
    // Who does not wait is told.
    let _first = producer.send_result(record("slow", "4")).unwrap();
    let now = Timeout::After(Duration::ZERO);
    let (error, _) = producer.send(record("slow", "5"), now).await.unwrap_err();
    let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
    assert_eq!(error, full);
    recorder.take_one().assert_failed("QUEUE_FULL");
    drop(_first);
    assert_eq!(recorder.take_one().str("ctx.outcome"), "cancelled");
}

#[tokio::test]
async fn a_producer_that_goes_away_ends_what_is_open() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[("linger.ms", "100000")]);
    let reports: Vec<_> = (0..100)
        .map(|_| producer.send_result(record("left", "x")).unwrap())
        .collect();
    drop(producer);
    for report in futures_util::future::join_all(reports).await {
        assert!(report.is_err() || report.unwrap().is_err());
    }
    let spans = recorder.take();
    assert_eq!(spans.len(), 100);
    assert!(
        spans
            .iter()
            .all(|span| span.error_type() == Some("PURGE_QUEUE"))
    );
}

#[test]
fn a_long_queue_leaves_no_span_open_when_its_producer_goes_away() {
    // As many as are reported within the half second that rdkafka takes for it, on a slow machine.
    const COUNT: usize = 2_000;
    let (recorder, cluster, queue) = set_up();
    for threaded in [true, false] {
        let context = TracedContext::new(DefaultProducerContext, queue.clone());
        let mut config = cluster.config();
        config.set("linger.ms", "100000");
        let record = || BaseRecord::<str, str>::to("long").payload("x");
        if threaded {
            let producer: ThreadedProducer<_> = config.create_with_context(context).unwrap();
            for _ in 0..COUNT {
                assert!(producer.send_traced(record()).is_ok());
            }
        } else {
            let producer: BaseProducer<_> = config.create_with_context(context).unwrap();
            for _ in 0..COUNT {
                assert!(producer.send_traced(record()).is_ok());
            }
        }
        assert_eq!(recorder.wait_for(COUNT, LONG).len(), COUNT);
        assert_eq!(recorder.open(), 0);
    }
}

/// A user's context with a bug.
struct Buggy;

impl ClientContext for Buggy {}

impl ProducerContext for Buggy {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {
        panic!("a bug");
    }
}

#[test]
fn a_delivery_callback_that_panics_ends_the_span() {
    let (recorder, cluster, queue) = set_up();
    let context = TracedContext::new(Buggy, queue);
    let producer: BaseProducer<_> = cluster.config().create_with_context(context).unwrap();
    let record = BaseRecord::<str, str>::to("buggy").payload("x");
    assert!(producer.send_traced(record).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| producer.flush(LONG))).is_err());
    recorder.take_one().assert_failed("panic");
}

#[tokio::test]
async fn a_consumer_whose_work_panics_goes_on_with_the_next_message() {
    let (recorder, cluster, queue) = set_up();
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "panics");
    send(&producer, "panics", "1").await;
    send(&producer, "panics", "2").await;
    let _sent = recorder.take();
    for panics in [true, false] {
        let message = recv(&consumer).await;
        let work = message.process(async |_| assert!(!panics, "a bug"));
        let caught = futures_util::FutureExt::catch_unwind(AssertUnwindSafe(work)).await;
        assert_eq!(caught.is_err(), panics);
        assert!(
            tracing_core_ctx::Context::current()
                .span_context()
                .is_none()
        );
    }
    let [bad, good] = recorder.take().try_into().unwrap();
    bad.assert_failed("panic");
    good.assert_unset();
}
