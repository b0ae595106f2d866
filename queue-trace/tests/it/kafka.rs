//! Against librdkafka's own cluster, in this process.

mod callbacks;
mod cluster;
mod consumers;
mod faults;
mod foreign;
mod forwarding;
mod groups;
mod load;
mod transactions;

use std::time::Duration;

use cluster::Cluster;
use futures_util::StreamExt as _;
use queue_trace::kafka::{TracedConsumer, TracedMessage, TracedProducer};
use queue_trace::{Existing, QueueTracer, Relation};
use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{FutureRecord, Producer as _, PurgeConfig};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::util::Timeout;
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::{Span, SpanKind, SpanRef};

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
async fn send_poll_process_and_commit_are_one_trace() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "orders").group("billing");
    send(&producer, "orders", "a book").await;
    let sent = recorder.take_one();
    assert_eq!(sent.name(), "send orders");
    assert_eq!(sent.kind(), SpanKind::Producer);
    sent.assert_unset();
    sent.assert_attributes(&[
        ("messaging.system.name", "kafka".into()),
        ("messaging.operation.name", "send".into()),
        ("messaging.operation.type", "send".into()),
        ("messaging.destination.name", "orders".into()),
        ("messaging.destination.partition.id", "0".into()),
        ("kafka.offset", 0.into()),
    ]);

    let message = recv(&consumer).await;
    let poll = recorder.take_one();
    assert_eq!(poll.name(), "poll orders");
    assert_eq!(poll.kind(), SpanKind::Client);
    assert_eq!(poll.parent(), None);
    assert!(is_linked(&poll, &sent));

    message
        .process(async |message| {
            assert_eq!(message.payload(), Some(&b"a book"[..]));
            Span::child("work").end();
            consumer.commit_message(message, CommitMode::Sync).unwrap();
        })
        .await;
    let process = recorder.take_named("process orders");
    assert_eq!(process.kind(), SpanKind::Consumer);
    assert!(process.is_child_of(&sent));
    assert!(is_linked(&process, &sent));
    assert_eq!(process.int("kafka.offset"), 0);
    assert_eq!(process.str("messaging.consumer.group.name"), "billing");
    process.assert_absent("kafka.message.key");
    let commit = recorder.take_named("commit orders");
    assert_eq!(commit.kind(), SpanKind::Client);
    assert!(commit.is_child_of(&process));
    commit.assert_unset();
    assert!(recorder.take_named("work").is_child_of(&process));
}

#[tokio::test]
async fn a_batch_is_one_span_with_a_link_to_each_message() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).keys(true);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "batch");
    for payload in ["1", "2", "3"] {
        send(&producer, "batch", payload).await;
    }
    let sent = recorder.take();
    let batch = consumer.recv_batch(3, LONG).await.unwrap();
    assert!(batch.error().is_none());
    let payloads: Vec<_> = batch
        .iter()
        .map(|message| message.payload().unwrap())
        .collect();
    assert_eq!(payloads, [b"1", b"2", b"3"]);
    batch
        .process(async |batch| assert_eq!(batch.len(), 3))
        .await;
    for name in ["poll batch", "process batch"] {
        let span = recorder.take_named(name);
        assert_eq!(span.int("messaging.batch.message_count"), 3);
        assert!(sent.iter().all(|sent| is_linked(&span, sent)), "{name}");
        span.assert_absent("kafka.offset");
        assert_eq!(span.parent(), None);
        let attributes = &span.links()[1].attributes;
        assert_eq!(attributes.get("kafka.offset"), Some(ValueRef::I64(1)));
        assert_eq!(
            attributes.get("kafka.message.key"),
            Some(ValueRef::Str("customer-7"))
        );
    }
}

#[tokio::test]
async fn a_batch_does_not_wait_for_ever() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let consumer = cluster.consumer(&queue, "empty");
    let batch = consumer.recv_batch(3, Duration::from_millis(10)).await;
    assert!(batch.unwrap().is_empty());
    recorder.assert_nothing();
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
async fn a_context_in_a_record_is_respected_or_replaced() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let respects = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let replaces = respects.clone().existing(Existing::Replace);
    let stale = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = || {
        let header = |key, value| Header {
            key,
            value: Some(value),
        };
        OwnedHeaders::new()
            .insert(header("traceparent", stale))
            .insert(header("tenant", "7"))
            .insert(header("traceparent", stale))
    };
    let consumer = cluster.consumer(&respects, "relayed");
    for (queue, kind, count) in [
        (&respects, SpanKind::Client, 2),
        (&replaces, SpanKind::Producer, 1),
    ] {
        let producer = cluster.producer(queue, &[]);
        let sent = record("relayed", "x").headers(headers());
        producer.send(sent, LONG).await.unwrap();
        let span = recorder.take_one();
        assert_eq!(span.kind(), kind);
        assert_eq!(span.links().len(), usize::from(kind == SpanKind::Client));
        let message = recv(&consumer).await;
        assert_eq!(context_headers(&message).len(), count);
    }
}

#[tokio::test]
async fn a_dead_letter_is_sent_from_its_process_span_without_the_old_context() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "mortal");
    send(&producer, "mortal", "x").await;
    let message = recv(&consumer).await;
    message
        .process(async |message| {
            let mut dead = FutureRecord::<str, _>::to("dead").payload(message.payload().unwrap());
            dead.headers = message.headers_without_context();
            producer.send(dead, LONG).await.unwrap();
        })
        .await;
    let process = recorder.take_named("process mortal");
    assert!(recorder.take_named("send dead").is_child_of(&process));
    assert!(process.is_child_of(&recorder.take_one()));
}

#[tokio::test]
async fn a_tombstone_is_told_from_an_empty_payload() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "graves");
    for payload in [None, Some("")] {
        let mut sent = record("graves", "");
        sent.payload = payload;
        producer.send(sent, LONG).await.unwrap();
        recv(&consumer).await.start_process().end();
        for span in recorder.take() {
            let is_tombstone = span.attr("kafka.message.tombstone").is_some();
            assert_eq!(is_tombstone, payload.is_none(), "{span:?}");
        }
    }
}

#[tokio::test]
async fn a_span_outlives_its_message() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "owned");
    send(&producer, "owned", "x").await;
    let sent = recorder.take_one();
    let (owned, mut processing) = {
        let message = recv(&consumer).await;
        (message.detach(), message.start_process())
    };
    drop(consumer);
    let thread = std::thread::spawn(move || {
        let entered = processing.enter();
        Span::child("work").end();
        drop(entered);
        processing.end();
    });
    thread.join().unwrap();
    let process = recorder.take_named("process owned");
    assert!(process.is_child_of(&sent));
    assert!(recorder.take_named("work").is_child_of(&process));
    tokio::spawn(async move {
        owned
            .process(async |message| message.payload().map(<[u8]>::len))
            .await
    })
    .await
    .unwrap();
    assert!(recorder.take_one().is_child_of(&sent));
}

#[tokio::test]
async fn processing_that_is_dropped_or_panics_is_told_apart() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "ends");
    send(&producer, "ends", "x").await;
    let _sent = recorder.take_one();
    let message = recv(&consumer).await;
    {
        let mut dropped =
            std::pin::pin!(message.process(async |_| std::future::pending::<()>().await));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(dropped.as_mut().poll(&mut cx).is_pending());
    }
    let owned = message.detach();
    let task = tokio::spawn(async move {
        owned.process(async |_| panic!("a bug")).await;
    });
    assert!(task.await.unwrap_err().is_panic());
    message
        .process(async |_| SpanRef::current().fail("no_stock", ""))
        .await;
    let spans = recorder.take();
    assert_eq!(spans.len(), 3);
    assert_eq!(spans[0].str("ctx.outcome"), "cancelled");
    spans[1].assert_failed("panic");
    spans[2].assert_failed("no_stock");
}

#[tokio::test]
async fn a_stream_hands_messages_over_in_order_and_links_them_only_if_asked() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"))
        .receive_spans(false)
        .relation(Relation::LinkOnly);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "stream");
    let mut stream = consumer.stream();
    for payload in ["1", "2", "3"] {
        send(&producer, "stream", payload).await;
        let sent = recorder.take_one();
        let message = tokio::time::timeout(LONG, stream.next()).await.unwrap();
        let message = message.unwrap().unwrap();
        assert_eq!(message.payload(), Some(payload.as_bytes()));
        message.start_process().end();
        let process = recorder.take_one();
        assert_eq!(process.parent(), None);
        assert!(is_linked(&process, &sent));
    }
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

#[tokio::test]
async fn the_inner_clients_stay_within_reach() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let producer = cluster.producer(&queue, &[]);
    let untraced = producer.inner().send(record("inner", "x"), Timeout::Never);
    untraced.await.unwrap();
    producer.flush(LONG).unwrap();
    let consumer = cluster.consumer(&queue, "inner");
    assert_eq!(consumer.assignment().unwrap().count(), 1);
    assert!(consumer.inner().recv().await.unwrap().headers().is_none());
    recorder.assert_nothing();
}
