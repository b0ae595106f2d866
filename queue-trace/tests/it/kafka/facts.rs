//! What holds on every broker. No fact here needs the broker to fail.

use std::time::Duration;

use futures_util::StreamExt as _;
use queue_trace::{Existing, Relation};
use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::{Span, SpanKind, SpanRef};

use super::stage::Stage;
use super::{LONG, context_headers, is_linked, record, recv, send};

pub(super) async fn a_topic_with_parameters_has_its_template_in_the_names_of_spans(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("orders-customer-7").await;
    let template = |name: &str| name.starts_with("orders-").then_some("orders-{customer}");
    let queue = stage.queue().destinations(template);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    send(&producer, &topic, "a book").await;
    let batch = consumer.recv_batch(1, LONG).await.unwrap();
    let message = &batch[0];
    message.process(async |_| {}).await;
    consumer.commit_message(message, CommitMode::Sync).unwrap();
    for step in ["send", "poll", "process", "commit"] {
        let span = recorder.take_named(&format!("{step} orders-{{customer}}"));
        assert_eq!(span.str("messaging.destination.name"), topic);
        let template = span.str("messaging.destination.template");
        assert_eq!(template, "orders-{customer}");
    }
}

pub(super) async fn send_poll_process_and_commit_are_one_trace(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("orders").await;
    let queue = stage.queue();
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic).group("billing");
    send(&producer, &topic, "a book").await;
    let sent = recorder.take_one();
    assert_eq!(sent.name(), format!("send {topic}"));
    assert_eq!(sent.kind(), SpanKind::Producer);
    sent.assert_unset();
    sent.assert_attributes(&[
        ("messaging.system.name", "kafka".into()),
        ("messaging.operation.name", "send".into()),
        ("messaging.operation.type", "send".into()),
        ("messaging.destination.name", topic.as_str().into()),
        ("messaging.destination.partition.id", "0".into()),
        ("kafka.offset", 0.into()),
    ]);

    let message = recv(&consumer).await;
    let poll = recorder.take_one();
    assert_eq!(poll.name(), format!("poll {topic}"));
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
    let process = recorder.take_named(&format!("process {topic}"));
    assert_eq!(process.kind(), SpanKind::Consumer);
    assert!(process.is_child_of(&sent));
    assert!(is_linked(&process, &sent));
    assert_eq!(process.int("kafka.offset"), 0);
    assert_eq!(process.str("messaging.consumer.group.name"), "billing");
    process.assert_absent("kafka.message.key");
    let commit = recorder.take_named(&format!("commit {topic}"));
    assert_eq!(commit.kind(), SpanKind::Client);
    assert!(commit.is_child_of(&process));
    commit.assert_unset();
    assert!(recorder.take_named("work").is_child_of(&process));
}

pub(super) async fn a_batch_is_one_span_with_a_link_to_each_message(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("batch").await;
    let queue = stage.queue().keys(true);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    for payload in ["1", "2", "3"] {
        send(&producer, &topic, payload).await;
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
    for name in [format!("poll {topic}"), format!("process {topic}")] {
        let span = recorder.take_named(&name);
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

pub(super) async fn a_batch_does_not_wait_for_ever(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("empty").await;
    let queue = stage.queue();
    let consumer = stage.consumer(&queue, &topic);
    let batch = consumer.recv_batch(3, Duration::from_millis(10)).await;
    assert!(batch.unwrap().is_empty());
    recorder.assert_nothing();
}

pub(super) async fn a_context_in_a_record_is_respected_or_replaced(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("relayed").await;
    let respects = stage.queue().receive_spans(false);
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
    let consumer = stage.consumer(&respects, &topic);
    for (queue, kind, count) in [
        (&respects, SpanKind::Client, 2),
        (&replaces, SpanKind::Producer, 1),
    ] {
        let producer = stage.producer(queue);
        let sent = record(&topic, "x").headers(headers());
        producer.send(sent, LONG).await.unwrap();
        let span = recorder.take_one();
        assert_eq!(span.kind(), kind);
        assert_eq!(span.links().len(), usize::from(kind == SpanKind::Client));
        let message = recv(&consumer).await;
        assert_eq!(context_headers(&message).len(), count);
    }
}

pub(super) async fn a_dead_letter_is_sent_from_its_process_span_without_the_old_context(
    stage: Stage,
) {
    let recorder = &stage.recorder;
    let topic = stage.topic("mortal").await;
    let dead_topic = stage.topic("dead").await;
    let queue = stage.queue().receive_spans(false);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    send(&producer, &topic, "x").await;
    let message = recv(&consumer).await;
    message
        .process(async |message| {
            let mut dead =
                FutureRecord::<str, _>::to(&dead_topic).payload(message.payload().unwrap());
            dead.headers = message.headers_without_context();
            producer.send(dead, LONG).await.unwrap();
        })
        .await;
    let process = recorder.take_named(&format!("process {topic}"));
    assert!(
        recorder
            .take_named(&format!("send {dead_topic}"))
            .is_child_of(&process)
    );
    assert!(process.is_child_of(&recorder.take_one()));
}

pub(super) async fn a_tombstone_is_told_from_an_empty_payload(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("graves").await;
    let queue = stage.queue().receive_spans(false);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    for payload in [None, Some("")] {
        let mut sent = record(&topic, "");
        sent.payload = payload;
        producer.send(sent, LONG).await.unwrap();
        recv(&consumer).await.start_process().end();
        for span in recorder.take() {
            let is_tombstone = span.attr("kafka.message.tombstone").is_some();
            assert_eq!(is_tombstone, payload.is_none(), "{span:?}");
        }
    }
}

pub(super) async fn a_span_outlives_its_message(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("owned").await;
    let queue = stage.queue().receive_spans(false);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    send(&producer, &topic, "x").await;
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
    let process = recorder.take_named(&format!("process {topic}"));
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

pub(super) async fn processing_that_is_dropped_or_panics_is_told_apart(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("ends").await;
    let queue = stage.queue().receive_spans(false);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    send(&producer, &topic, "x").await;
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

pub(super) async fn a_stream_hands_messages_over_in_order_and_links_them_only_if_asked(
    stage: Stage,
) {
    let recorder = &stage.recorder;
    let topic = stage.topic("stream").await;
    let queue = stage
        .queue()
        .receive_spans(false)
        .relation(Relation::LinkOnly);
    let producer = stage.producer(&queue);
    let consumer = stage.consumer(&queue, &topic);
    let mut stream = consumer.stream();
    for payload in ["1", "2", "3"] {
        send(&producer, &topic, payload).await;
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

pub(super) async fn the_inner_clients_stay_within_reach(stage: Stage) {
    let recorder = &stage.recorder;
    let topic = stage.topic("inner").await;
    let queue = stage.queue();
    let producer = stage.producer(&queue);
    let untraced = producer.inner().send(record(&topic, "x"), Timeout::Never);
    untraced.await.unwrap();
    producer.flush(LONG).unwrap();
    let consumer = stage.consumer(&queue, &topic);
    assert_eq!(consumer.assignment().unwrap().count(), 1);
    assert!(consumer.inner().recv().await.unwrap().headers().is_none());
    recorder.assert_nothing();
}
