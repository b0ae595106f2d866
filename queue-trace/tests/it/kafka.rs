//! rdkafka, on librdkafka's own cluster in this process, always; and what needs no broker that fails also on the one at `KAFKA_BOOTSTRAP`.

mod callbacks;
mod cluster;
mod consumers;
mod facts;
mod faults;
mod foreign;
mod forwarding;
mod groups;
mod load;
mod settling;
mod stage;
mod transactions;

use std::time::Duration;

pub(crate) use cluster::Cluster;
use queue_trace::QueueTracer;
use queue_trace::kafka::{TracedConsumer, TracedMessage, TracedProducer};
use rdkafka::Message as _;
use rdkafka::consumer::CommitMode;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{FutureRecord, Producer as _, PurgeConfig};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::SpanKind;

/// A test for each fact on each broker. The name of a test says which.
macro_rules! on_each_broker {
    ($($fact:ident)*) => {
        mod in_process {
            $(#[tokio::test]
            async fn $fact() {
                super::stage::in_process(stringify!($fact), super::facts::$fact).await;
            })*
        }
        mod at_bootstrap {
            $(#[tokio::test]
            async fn $fact() {
                super::stage::at_bootstrap(stringify!($fact), super::facts::$fact).await;
            })*
        }
    };
}

on_each_broker! {
    a_batch_does_not_wait_for_ever
    a_batch_is_one_span_with_a_link_to_each_message
    a_context_in_a_record_is_respected_or_replaced
    a_dead_letter_is_sent_from_its_process_span_without_the_old_context
    a_span_outlives_its_message
    a_stream_hands_messages_over_in_order_and_links_them_only_if_asked
    a_tombstone_is_told_from_an_empty_payload
    a_topic_with_parameters_has_its_template_in_the_names_of_spans
    processing_that_is_dropped_or_panics_is_told_apart
    send_poll_process_and_commit_are_one_trace
    the_inner_clients_stay_within_reach
}

const LONG: Duration = Duration::from_secs(20);

fn record<'a>(topic: &'a str, payload: &'a str) -> FutureRecord<'a, str, str> {
    FutureRecord::to(topic)
        .key("customer-7")
        .payload(payload)
        .partition(0)
}

async fn send(producer: &TracedProducer, topic: &str, payload: &str) {
    producer.send(record(topic, payload), LONG).await.unwrap();
}

async fn recv(consumer: &TracedConsumer) -> TracedMessage<'_> {
    let message = tokio::time::timeout(LONG, consumer.recv()).await;
    message.expect("no message in time").unwrap()
}

fn is_linked(span: &RecordedSpan, to: &RecordedSpan) -> bool {
    let mut links = span.links().iter();
    links.any(|link| link.span_context.span_id() == to.span_id())
}

fn context_headers(message: &TracedMessage<'_>) -> Vec<String> {
    let headers = message.headers().unwrap();
    let values = headers.iter().filter(|header| header.key == "traceparent");
    let value = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    values.map(|header| value(header.value.unwrap())).collect()
}

#[tokio::test]
async fn a_record_that_is_refused_has_failed_with_the_name_of_the_error() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[]);
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.fail_next_produce(refused);
    let report = producer.send(record("secret", "x"), LONG).await;
    assert!(report.is_err());
    recorder
        .take_one()
        .assert_failed("TOPIC_AUTHORIZATION_FAILED");
}

#[tokio::test]
async fn a_full_queue_fails_at_once_and_a_retry_has_one_context() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    // What is in the queue stays there for a while, or until it is flushed.
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "2000")];
    let producer = cluster.producer(&queue, &settings);
    let first = producer.send_result(record("full", "1")).unwrap();
    let headers = OwnedHeaders::new().insert(Header {
        key: "tenant",
        value: Some("7"),
    });
    let second = record("full", "2").headers(headers);
    let (error, record) = producer.send_result(second).unwrap_err();
    assert_eq!(
        error,
        KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
    );
    recorder.take_one().assert_failed("QUEUE_FULL");
    let given_back = record.headers.as_ref().unwrap();
    assert_eq!(given_back.count(), 1, "the record is as it was");

    producer.flush(LONG).unwrap();
    first.await.unwrap().unwrap();
    let _first = recorder.take_one();
    let second = producer.send_result(record).unwrap();
    producer.flush(LONG).unwrap();
    second.await.unwrap().unwrap();
    let sent = recorder.take_one();
    assert_eq!(sent.kind(), SpanKind::Producer);

    let consumer = cluster.consumer(&queue.receive_spans(false), "full");
    let _first = recv(&consumer).await;
    let message = recv(&consumer).await;
    let parents = context_headers(&message);
    assert_eq!(parents.len(), 1);
    assert!(parents[0].contains(&sent.span_id().to_string()));
}

#[tokio::test]
async fn a_report_that_nobody_awaits_ends_the_span_as_cancelled() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[]);
    drop(producer.send_result(record("forgotten", "1")).unwrap());
    let span = recorder.take_one();
    assert_eq!(span.str("ctx.outcome"), "cancelled");
    span.assert_unset();
}

#[tokio::test]
async fn what_is_purged_has_failed() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[("linger.ms", "100000")]);
    let report = producer.send_result(record("purged", "1")).unwrap();
    producer.purge(PurgeConfig::default().queue().inflight());
    assert!(report.await.unwrap().is_err());
    recorder.take_one().assert_failed("PURGE_QUEUE");
}

#[tokio::test]
async fn a_commit_that_fails_has_failed() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let consumer = cluster.consumer(&queue, "nothing");
    let answer = consumer.commit_consumer_state(CommitMode::Sync);
    assert_eq!(
        answer,
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset))
    );
    let span = recorder.take_one();
    span.assert_failed("NO_OFFSET");
    assert_eq!(span.name(), "commit");
}
