//! Messages that are sent on: retries, dead letters, relays.

use queue_trace::kafka::{SendTraced as _, TracedContext};
use queue_trace::{QueueTracer, Relation, Trust};
use rdkafka::Message as _;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DefaultProducerContext, FutureRecord, Producer as _, ThreadedProducer,
};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{Span, SpanKind, SpanRef};

use super::cluster::Cluster;
use super::{LONG, context_headers, is_linked, record, recv, send};

#[tokio::test]
async fn retries_and_dead_letters_keep_the_first_trace_by_link() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    // Each consumer makes a trace of its own, so that only links lead back.
    let queue = QueueTracer::new(recorder.tracer("shop"))
        .receive_spans(false)
        .relation(Relation::LinkOnly);
    let producer = cluster.producer(&queue, &[]);
    send(&producer, "orders", "a book").await;
    let first = recorder.take_one();
    let mut before = first.clone();
    let hops = ["orders", "orders.retry.1", "orders.retry.2", "orders.dead"];
    for (from, to) in hops.iter().zip(&hops[1..]) {
        let consumer = cluster.consumer(&queue, from);
        let message = recv(&consumer).await;
        message
            .process(async |message| {
                let record = message.forward_to(to).partition(0);
                assert_eq!(record.key, Some(&b"customer-7"[..]));
                producer.send(record, LONG).await.unwrap();
            })
            .await;
        let process = recorder.take_named(&format!("process {from}"));
        assert_eq!(process.parent(), None);
        assert!(is_linked(&process, &before));
        let sent = recorder.take_named(&format!("send {to}"));
        assert_eq!(sent.kind(), SpanKind::Producer);
        assert!(sent.is_child_of(&process));
        assert!(is_linked(&sent, &first), "{from} -> {to}");
        assert_eq!(sent.links().len(), 1);
        before = sent;
    }
    let consumer = cluster.consumer(&queue, "orders.dead");
    let message = recv(&consumer).await;
    assert_eq!(message.payload(), Some(&b"a book"[..]));
    let parents = context_headers(&message);
    assert_eq!(parents.len(), 1, "however many topics lie between");
    assert!(parents[0].contains(&before.span_id().to_string()));
}

#[tokio::test]
async fn a_stranger_who_is_not_believed_is_not_carried_on() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let forged = OwnedHeaders::new().insert(Header {
        key: "ctx-first-traceparent",
        value: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    });
    let sent = record("strange", "x").headers(forged);
    producer.inner().send(sent, LONG).await.unwrap();
    let consumer = cluster.consumer(&queue.trust(Trust::Ignore), "strange");
    let record = recv(&consumer).await.detach();
    let record = record.forward_to("elsewhere");
    assert_eq!(record.headers.as_ref().unwrap().count(), 0);
    recorder.assert_nothing();
}

#[tokio::test]
async fn what_a_first_context_says_is_no_more_than_a_link() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let header = |value: &'static [u8]| {
        OwnedHeaders::new().insert(Header {
            key: "ctx-first-traceparent",
            value: Some(value),
        })
    };
    let valid = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (value, links) in [(&valid[..], 1), (b"\xff\xfe", 0), (b"", 0)] {
        let sent = record("linked", "x").headers(header(value));
        producer.send(sent, LONG).await.unwrap();
        let span = recorder.take_one();
        assert_eq!(span.links().len(), links);
        assert_eq!(span.kind(), SpanKind::Producer);
        assert_eq!(span.parent(), None);
    }
}

#[tokio::test]
async fn a_relay_that_copies_headers_sends_one_context() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "copied");
    send(&producer, "copied", "x").await;
    let first = recorder.take_one();
    for _ in 0..3 {
        let message = recv(&consumer).await;
        let mut record = FutureRecord::<str, [u8]>::to("copied").partition(0);
        record.payload = message.payload();
        // As they are, context and all: it is respected, so it still says where the message was made.
        record.headers = message.headers().map(|headers| headers.detach());
        producer.send(record, LONG).await.unwrap();
        let relayed = recorder.take_one();
        assert_eq!(relayed.kind(), SpanKind::Client);
        assert!(is_linked(&relayed, &first));
    }
    let message = recv(&consumer).await;
    let parents = context_headers(&message);
    assert_eq!(parents.len(), 1);
    assert!(parents[0].contains(&first.span_id().to_string()));
}

#[tokio::test]
async fn a_reply_is_a_child_of_the_request_it_answers() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop"))
        .receive_spans(false)
        .relation(Relation::ChildOnly);
    let producer = cluster.producer(&queue, &[]);
    let requests = cluster.consumer(&queue, "requests");
    let replies = cluster.consumer(&queue, "replies");
    send(&producer, "requests", "price?").await;
    recv(&requests)
        .await
        .process(async |_| send(&producer, "replies", "5").await)
        .await;
    recv(&replies).await.process(async |_| {}).await;
    let asked = recorder.take_named("send requests");
    let served = recorder.take_named("process requests");
    let replied = recorder.take_named("send replies");
    let read = recorder.take_named("process replies");
    assert!(served.is_child_of(&asked));
    assert!(replied.is_child_of(&served));
    assert!(read.is_child_of(&replied));
    assert!(read.links().is_empty());
}

#[tokio::test]
async fn each_record_of_many_has_a_context_of_its_own() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "fan");
    let sending = (0..10).map(|_| producer.send(record("fan", "x"), LONG));
    futures_util::future::join_all(sending).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        recv(&consumer).await.start_process().end();
    }
    for span in recorder.take() {
        if span.kind() == SpanKind::Consumer {
            assert!(seen.insert(span.trace_id()), "one trace for each");
        }
    }
    assert_eq!(seen.len(), 10);
}

#[tokio::test]
async fn the_span_that_is_recorded_is_the_one_that_was_sent() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let context = TracedContext::new(DefaultProducerContext, queue.clone());
    let threaded: ThreadedProducer<_> = cluster.config().create_with_context(context).unwrap();
    let consumer = cluster.consumer(&queue, "ids");
    let record = BaseRecord::<str, str>::to("ids").payload("x").partition(0);
    assert!(threaded.send_traced(record).is_ok());
    let message = recv(&consumer).await;
    let span = recorder.wait_for_async(1, LONG).await.remove(0);
    let expected = format!("00-{}-{}-01", span.trace_id(), span.span_id());
    assert_eq!(context_headers(&message), [expected]);
}

#[tokio::test]
async fn whoever_is_not_traced_still_hands_the_context_on() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let off = tracing_core_ctx::sampler::AlwaysOff;
    let nobody = QueueTracer::new(tracing_core_ctx::Tracer::builder().build());
    let unsampled = recorder.tracer_builder("shop").sampler(off).build();
    let around = recorder.tracer("shop").span("around").start();
    let trace_id = around
        .handle()
        .span_context()
        .unwrap()
        .trace_id()
        .to_string();
    for (queue, topic) in [
        (nobody, "nobody"),
        (QueueTracer::new(unsampled), "unsampled"),
    ] {
        let queue = queue.receive_spans(false);
        let producer = cluster.producer(&queue, &[]);
        let consumer = cluster.consumer(&queue, topic);
        {
            let sent = producer.send(record(topic, "x"), LONG);
            let context = around.handle().context();
            tracing_core_ctx::context::FutureExt::with_context(sent, context)
                .await
                .unwrap();
        }
        let message = recv(&consumer).await;
        let parents = context_headers(&message);
        assert_eq!(parents.len(), 1, "{topic}");
        assert!(parents[0].contains(&trace_id), "{topic}");
        let is_current = message
            .process(async |_| SpanRef::current().span_context().is_some())
            .await;
        assert!(is_current, "{topic}");
    }
    around.end();
    let _around = recorder.take_one();
}

#[tokio::test]
async fn baggage_that_cannot_stand_in_a_header_hurts_nobody() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let consumer = cluster.consumer(&queue, "baggage");
    let context = tracing_core_ctx::Context::current()
        .with_baggage_entry("tenant", "ü\n\0,;=\u{7f}")
        .with_baggage_entry("customer", "7");
    {
        let sent = producer.send(record("baggage", "x"), LONG);
        tracing_core_ctx::context::FutureExt::with_context(sent, context)
            .await
            .unwrap();
    }
    let _sent = recorder.take_one();
    recv(&consumer)
        .await
        .process(async |_| {
            let context = tracing_core_ctx::Context::current();
            let get = |name| context.baggage().get(name).map(str::to_owned);
            assert_eq!(get("customer").as_deref(), Some("7"));
            assert_eq!(get("tenant").as_deref(), Some("ü\n\0,;=\u{7f}"));
            Span::child("work").end();
        })
        .await;
    assert_eq!(recorder.take().len(), 2);
}

#[tokio::test]
async fn baggage_of_the_users_own_is_sent_and_comes_back_with_a_record_that_is_refused() {
    let recorder = SpanRecorder::new();
    let cluster = Cluster::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "2000")];
    let producer = cluster.producer(&queue, &settings);
    let own = || {
        OwnedHeaders::new()
            .insert(Header {
                key: "baggage",
                value: Some("tenant=7"),
            })
            .insert(Header {
                key: "shop",
                value: Some("north"),
            })
    };
    let list = |headers: Option<&OwnedHeaders>| -> Vec<String> {
        let headers = headers.unwrap().iter();
        headers.map(|header| header.key.to_owned()).collect()
    };
    let first = producer.send_result(record("own", "1").headers(own()));
    let second = producer.send_result(record("own", "2").headers(own()));
    let (_, refused) = second.unwrap_err();
    assert_eq!(list(refused.headers.as_ref()), ["baggage", "shop"]);
    producer.flush(LONG).unwrap();
    first.unwrap().await.unwrap().unwrap();
    assert_eq!(recorder.take().len(), 2);

    let consumer = cluster.consumer(&queue, "own");
    let message = recv(&consumer).await;
    let headers = message.headers().map(|headers| headers.detach());
    assert_eq!(list(headers.as_ref()), ["shop", "traceparent", "baggage"]);
    let tenant = message
        .process(async |_| {
            tracing_core_ctx::Context::current()
                .baggage()
                .get("tenant")
                .map(str::to_owned)
        })
        .await;
    assert_eq!(tenant.as_deref(), Some("7"));
    let _process = recorder.take_one();
}
