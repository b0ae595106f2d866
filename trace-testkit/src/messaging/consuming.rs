//! The process span, and how it stands to where the message came from.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Context, Span, SpanKind, SpanRef};

use super::{Letter, Messaging, Stage, Wish, assert_linked};

/// The context of a producer somewhere.
pub(super) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// That of one which nobody records.
pub(super) const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// A message of a producer somewhere.
pub(super) fn letter(traceparent: &str) -> Letter {
    Letter::of("hello").with("traceparent", traceparent)
}

/// Name, kind, and what is required.
pub async fn the_process_span_says_what_the_conventions_want<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(Letter::of("hello")).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(processed.kind(), SpanKind::Consumer);
    processed.assert_unset();
    let name = processed.str("messaging.operation.name");
    let destination = processed.str("messaging.destination.name");
    assert_eq!(processed.name(), format!("{name} {destination}"));
    assert!(processed.attr("messaging.system.name").is_some());
    processed.assert_absent("messaging.batch.message_count");
    processed.assert_absent("ctx.outcome");
}

/// Linked always, and in the trace of its producer where no other span is active.
pub async fn a_consumer_follows_from_its_producer<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = stage.sent(Letter::of("hello")).await;
    let processed = stage.processed(|_| {}).await;
    assert!(processed.is_child_of(&sent));
    assert_linked(&processed, &sent);
}

/// The active span is why the message is processed here and now.
pub async fn under_an_active_span_a_message_is_linked_and_no_child_of_its_producer<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = stage.sent(Letter::of("hello")).await;
    let job = stage.tracer.span("job").start();
    let context = job.context();
    stage.queue.process(|_| {}).with_context(context).await;
    job.end();
    let job = stage.recorder.take_named("job");
    let processed = stage.only("process");
    assert!(processed.is_child_of(&job));
    assert_linked(&processed, &sent);
}

/// For messages with many consumers.
pub async fn linked_only_is_a_trace_of_its_own<Q: Messaging>() {
    let stage = Stage::<Q>::wishing(Wish::LinkOnly).await;
    let sent = stage.sent(Letter::of("hello")).await;
    let processed = stage.processed(|_| {}).await;
    assert_ne!(processed.trace_id(), sent.trace_id());
    assert_linked(&processed, &sent);
}

/// For queues of requests.
pub async fn a_child_only_has_no_link<Q: Messaging>() {
    let stage = Stage::<Q>::wishing(Wish::ChildOnly).await;
    let sent = stage.sent(Letter::of("hello")).await;
    let processed = stage.processed(|_| {}).await;
    assert!(processed.is_child_of(&sent));
    assert!(processed.links().is_empty());
}

/// Nobody knows where it came from.
pub async fn a_message_without_context_starts_a_trace<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(Letter::of("hello")).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(processed.parent(), None);
    assert!(processed.links().is_empty());
}

/// Whatever stands there, the message is processed.
pub async fn what_is_no_context_starts_a_trace<Q: Messaging>() {
    let huge = vec![b'a'; 100_000];
    let values: [&[u8]; 7] = [
        b"",
        b"\xff\xfe",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"hello",
        &huge,
    ];
    let stage = Stage::<Q>::new().await;
    for value in values {
        let letter = Letter::of("hello").with("traceparent", value);
        stage.queue.send_bare(letter.clone()).await;
        let processed = stage.processed(|came| assert_eq!(*came, letter)).await;
        assert_eq!(processed.parent(), None, "{:?}", value.get(..60));
        assert!(processed.links().is_empty());
        processed.assert_unset();
    }
}

/// Forwarders append. Where headers are a map there can be two of another case.
pub async fn of_two_contexts_the_last_counts<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let stale = "00-11111111111111111111111111111111-1111111111111111-01";
    let first = match Q::HEADERS_ARE_A_LIST {
        true => "traceparent",
        false => "Traceparent",
    };
    let twice = Letter::of("hello")
        .with(first, stale)
        .with("traceparent", PARENT);
    stage.queue.send_bare(twice).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(Some(&*processed.trace_id().to_string()), PARENT.get(3..35));
}

/// Some libraries write values as JSON, and some change names.
pub async fn a_value_in_quotes_and_a_name_in_capitals_are_read<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let quoted = Letter::of("hello").with("TraceParent", format!("\"{PARENT}\""));
    stage.queue.send_bare(quoted).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(Some(&*processed.trace_id().to_string()), PARENT.get(3..35));
}

/// `03`: sampled, and the id is random.
pub async fn the_flags_of_the_second_level_are_understood<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let random = PARENT.replace("-01", "-03");
    stage.queue.send_bare(letter(&random)).await;
    let processed = stage.processed(|_| {}).await;
    assert_eq!(Some(&*processed.trace_id().to_string()), PARENT.get(3..35));
}

/// Body and headers.
pub async fn the_message_comes_as_it_was_sent<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = letter(PARENT).with("zebra", "1").with("binary", [0, 0xff]);
    stage.queue.send_bare(sent.clone()).await;
    let _span = stage
        .processed(|came| {
            assert_eq!(came.body, sent.body);
            for (name, value) in &sent.headers {
                assert_eq!(came.values(name), [value]);
            }
        })
        .await;
}

/// So that the work's spans are its children.
pub async fn the_span_is_current_in_the_work_and_nowhere_else<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(letter(PARENT)).await;
    stage.queue.process(|_| Span::child("work").end()).await;
    assert!(Context::current().span_context().is_none());
    let work = stage.recorder.take_named("work");
    assert!(work.is_child_of(&stage.only("process")));
}

/// The work is done for the sake of the message.
pub async fn the_baggage_of_the_message_is_current_in_the_work<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage
        .queue
        .send_bare(letter(PARENT).with("baggage", "tenant=7"))
        .await;
    let _span = stage
        .processed(|_| assert_eq!(Context::current().baggage().get("tenant"), Some("7")))
        .await;
}

/// By the handle to the current span.
pub async fn the_work_may_describe_the_span<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(letter(PARENT)).await;
    stage
        .queue
        .process(|_| SpanRef::current().fail("no-stamp", ""))
        .await;
    let mut spans = stage.recorder.take();
    spans.retain(|span| span.kind() == SpanKind::Consumer);
    assert_eq!(spans.len(), 1);
    spans.remove(0).assert_failed("no-stamp");
}

/// In their order, each in the trace of its own producer.
pub async fn messages_in_a_row_are_spans_of_their_own<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let mut sent = Vec::new();
    for number in 0..20 {
        sent.push(stage.sent(Letter::of(format!("{number}"))).await);
    }
    let bodies = Mutex::new(Vec::new());
    for sent in &sent {
        let processed = stage
            .processed(|came| {
                if let Ok(mut bodies) = bodies.lock() {
                    bodies.push(came.body.clone());
                }
            })
            .await;
        assert!(processed.is_child_of(sent));
    }
    let wanted: Vec<Vec<u8>> = (0..20)
        .map(|number: u8| format!("{number}").into())
        .collect();
    assert_eq!(bodies.into_inner().ok(), Some(wanted));
}

/// A process span starts when the message is handed over.
pub async fn what_waits_in_the_queue_has_no_span<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    for _ in 0..3 {
        stage.queue.send_bare(letter(PARENT)).await;
    }
    let _span = stage.processed(|_| {}).await;
    assert_eq!(stage.recorder.open(), 0);
    stage.recorder.assert_nothing();
}

/// Whoever catches the panic, the span has failed.
pub async fn a_panic_in_the_work_fails_the_span<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    stage.queue.send_bare(Letter::of("hello")).await;
    {
        let mut processing = pin!(stage.queue.process(|_| panic!("in the work")));
        let caught = poll_fn(|cx| {
            let poll = AssertUnwindSafe(|| processing.as_mut().poll(cx));
            match catch_unwind(poll) {
                Ok(poll) => poll.map(|()| false),
                Err(_) => Poll::Ready(true),
            }
        });
        assert!(caught.await, "the panic was swallowed");
    }
    stage.only("process").assert_failed("panic");
}

/// Where messages are settled in spans.
pub async fn settling_is_below_the_process_span<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let _sent = stage.sent(Letter::of("hello")).await;
    stage.queue.process(|_| {}).await;
    let (settled, others) = stage.take("settle");
    let processed = others.iter().find(|span| span.kind() == SpanKind::Consumer);
    for span in settled {
        assert_eq!(span.kind(), SpanKind::Client);
        assert!(span.is_child_of(processed.expect("no process span")));
    }
}

/// Where they are pulled in spans: the consumer's own call, and not the producer's.
pub async fn pulling_is_linked_to_the_producer_and_no_child_of_it<Q: Messaging>() {
    let stage = Stage::<Q>::new().await;
    let sent = stage.sent(Letter::of("hello")).await;
    stage.queue.process(|_| {}).await;
    let (pulled, _others) = stage.take("receive");
    for span in pulled {
        assert_eq!(span.kind(), SpanKind::Client);
        assert_eq!(span.parent(), None);
        assert_linked(&span, &sent);
    }
}
