//! What is handed over, and the spans of handling it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions};
use tracing_core_ctx::{Span, SpanKind};

use super::stage::{LONG, Stage, consume, is_linked, next, publish, settlement, table, text};

pub(super) async fn publish_process_and_ack_are_one_trace(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    publish(&channel, &queue).await.unwrap();
    let publish = recorder.take_one();
    assert_eq!(publish.name(), format!("publish {queue}"));
    assert_eq!(publish.kind(), SpanKind::Producer);
    publish.assert_unset();
    publish.assert_attributes(&[
        ("messaging.system.name", "rabbitmq".into()),
        ("messaging.operation.name", "publish".into()),
        ("messaging.operation.type", "send".into()),
        ("messaging.destination.name", queue.as_str().into()),
        ("messaging.message.id", "m-7".into()),
        ("rabbitmq.destination.routing_key", queue.as_str().into()),
    ]);

    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.data, b"hello");
    delivery.process(async { Span::child("work").end() }).await;
    assert!(delivery.ack(BasicAckOptions::default()).await.unwrap());
    drop(delivery);

    let ack = recorder.take_named(&format!("ack {queue}"));
    let process = recorder.take_named(&format!("process {queue}"));
    assert!(process.is_child_of(&publish));
    assert!(is_linked(&process, &publish));
    assert_eq!(process.kind(), SpanKind::Consumer);
    assert_eq!(settlement(&process), "ack");
    assert_eq!(process.int("rabbitmq.message.delivery_tag"), 1);
    process.assert_absent("ctx.message.redelivered");
    assert!(ack.is_child_of(&process));
    assert_eq!(ack.kind(), SpanKind::Client);
    assert_eq!(ack.str("messaging.operation.type"), "settle");
    assert!(recorder.take_named("work").is_child_of(&process));
}

pub(super) async fn a_get_is_a_receive_span_with_a_link_and_none_when_the_queue_is_empty(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    let options = BasicGetOptions::default();
    let empty = channel
        .basic_get(queue.as_str().into(), options)
        .await
        .unwrap();
    assert!(empty.is_none());
    recorder.assert_nothing();

    publish(&channel, &queue).await.unwrap();
    let publish = recorder.take_one();
    let got = channel
        .basic_get(queue.as_str().into(), options)
        .await
        .unwrap();
    let got = got.unwrap();
    assert_eq!(got.message_count, 0);
    let receive = recorder.take_one();
    assert_eq!(receive.name(), format!("receive {queue}"));
    assert_eq!(receive.kind(), SpanKind::Client);
    assert_eq!(receive.parent(), None);
    assert!(is_linked(&receive, &publish));
    got.ack(BasicAckOptions::default()).await.unwrap();
    drop(got);
    let process = recorder.take_named(&format!("process {queue}"));
    assert!(process.is_child_of(&publish));
    let _ack = recorder.take_one();
}

pub(super) async fn a_delegate_runs_as_the_work_of_the_process_span(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    let consumer = consume(&channel, &queue).await;
    consumer.set_delegate(|delivery| async move {
        if let Ok(Some(delivery)) = delivery {
            Span::child("work").end();
            delivery.ack(BasicAckOptions::default()).await.unwrap();
        }
    });
    publish(&channel, &queue).await.unwrap();
    let spans = recorder.wait_for(4, LONG);
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span.name().starts_with(name))
            .unwrap()
    };
    assert!(named("work").is_child_of(named("process")));
    assert!(named("ack").is_child_of(named("process")));
    assert!(named("process").is_child_of(named("publish")));
}

pub(super) async fn a_delivery_of_a_consumer_without_acks_says_nothing_of_settlement(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    publish(&channel, &queue).await.unwrap();
    let options = BasicGetOptions { no_ack: true };
    let got = channel
        .basic_get(queue.as_str().into(), options)
        .await
        .unwrap();
    drop(got.unwrap());
    let process = recorder.take_named(&format!("process {queue}"));
    process.assert_absent("ctx.message.settlement");
    let _others = recorder.take();
}

pub(super) async fn a_panic_while_processing_fails_the_span(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    publish(&channel, &queue).await.unwrap();
    let _publish = recorder.take_one();
    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    let work = tokio::spawn(async move {
        let _delivery = delivery;
        panic!("a bug");
    });
    assert!(work.await.unwrap_err().is_panic());
    let process = recorder.take_one();
    process.assert_failed("panic");
    assert_eq!(settlement(&process), "none");
}

pub(super) async fn a_delegate_that_panics_fails_its_span_and_the_next_is_handled(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    let consumer = consume(&channel, &queue).await;
    consumer.set_delegate(|delivery| async move {
        if let Ok(Some(delivery)) = delivery {
            assert!(delivery.data != b"hello", "a bug");
            delivery.ack(BasicAckOptions::default()).await.unwrap();
        }
    });
    publish(&channel, &queue).await.unwrap();
    let panicked = recorder.wait_for(2, LONG);
    let process = panicked
        .iter()
        .find(|span| span.kind() == SpanKind::Consumer);
    process.unwrap().assert_failed("panic");
    assert_eq!(settlement(process.unwrap()), "none");

    let (to, options) = (queue.as_str().into(), BasicPublishOptions::default());
    let properties = BasicProperties::default();
    channel
        .basic_publish("".into(), to, options, b"bye", properties)
        .await
        .unwrap()
        .await
        .unwrap();
    let handled = recorder.wait_for(3, LONG);
    let process = handled
        .iter()
        .find(|span| span.kind() == SpanKind::Consumer);
    assert_eq!(settlement(process.unwrap()), "ack");
}

pub(super) async fn deliveries_that_are_never_settled_end_when_they_are_dropped(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        publish(&stage.channel, &stage.queue).await.unwrap();
        held.push(next(&mut consumer).await);
    }
    let _published = stage.recorder.take();
    assert_eq!(stage.recorder.open(), 10);
    stage.connection.close(200, "".into()).await.unwrap();
    drop(held);
    for span in stage.recorder.take() {
        assert_eq!(settlement(&span), "none");
        span.assert_unset();
    }
    assert_eq!(stage.recorder.open(), 0);
}

pub(super) async fn a_delivery_that_waits_among_the_prefetched_ones_has_no_span(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for _ in 0..3 {
        publish(&stage.channel, &stage.queue).await.unwrap();
    }
    let _published = stage.recorder.take();
    drop(next(&mut consumer).await);
    let _first = stage.recorder.take_one();
    assert_eq!(stage.recorder.open(), 0);
    drop(consumer);
    stage.recorder.assert_nothing();
}

pub(super) async fn work_at_the_same_time_keeps_its_contexts(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let mut published = Vec::new();
    let mut works = Vec::new();
    for _ in 0..8 {
        publish(&stage.channel, &stage.queue).await.unwrap();
        // Others may be at work already.
        let sent = format!("publish {}", stage.queue);
        published.push(stage.recorder.take_named(&sent));
        let delivery = next(&mut consumer).await;
        works.push(tokio::spawn(async move {
            let work = async {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                    Span::child("step").end();
                }
            };
            delivery.process(work).await;
            delivery.ack(BasicAckOptions::default()).await.unwrap();
        }));
    }
    for work in works {
        work.await.unwrap();
    }
    let spans = stage.recorder.take();
    for sent in &published {
        let mine: Vec<_> = spans
            .iter()
            .filter(|span| span.trace_id() == sent.trace_id())
            .collect();
        let process = mine
            .iter()
            .find(|span| span.kind() == SpanKind::Consumer)
            .unwrap();
        let steps = mine.iter().filter(|span| span.name() == "step");
        assert_eq!(steps.filter(|step| step.is_child_of(process)).count(), 20);
    }
}

/// Whoever catches the panic, and settles the delivery afterwards.
pub(super) async fn work_that_panics_has_failed(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for tries in [false, true] {
        publish(&stage.channel, &stage.queue).await.unwrap();
        let delivery = next(&mut consumer).await;
        let work = async {
            assert!(delivery.data.is_empty(), "a bug");
            Ok::<_, std::fmt::Error>(())
        };
        let caught = match tries {
            true => {
                AssertUnwindSafe(delivery.try_process(work))
                    .catch_unwind()
                    .await
            }
            false => {
                AssertUnwindSafe(delivery.process(work))
                    .catch_unwind()
                    .await
            }
        };
        assert!(caught.is_err());
        delivery.nack(BasicNackOptions::default()).await.unwrap();
        let process = stage
            .recorder
            .take_named(&format!("process {}", stage.queue));
        process.assert_failed("panic");
        assert_eq!(settlement(&process), "nack");
        process.assert_absent("ctx.outcome");
    }
    let _others = stage.recorder.take();
}

pub(super) async fn work_that_is_given_up_is_cancelled_and_may_be_done_again(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for again in [false, true] {
        publish(&stage.channel, &stage.queue).await.unwrap();
        let delivery = next(&mut consumer).await;
        assert!(
            delivery
                .process(std::future::pending::<()>())
                .now_or_never()
                .is_none()
        );
        if again {
            delivery.process(async {}).await;
        }
        drop(delivery);
        let process = stage
            .recorder
            .take_named(&format!("process {}", stage.queue));
        process.assert_unset();
        match again {
            true => process.assert_absent("ctx.outcome"),
            false => assert_eq!(process.str("ctx.outcome"), "cancelled"),
        }
    }
    let _published = stage.recorder.take();
}

pub(super) async fn work_may_settle_the_delivery_itself(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for spawned in [false, true] {
        publish(&stage.channel, &stage.queue).await.unwrap();
        let delivery = next(&mut consumer).await;
        let acked = match spawned {
            false => {
                delivery
                    .process(delivery.ack(BasicAckOptions::default()))
                    .await
            }
            true => {
                let work = delivery.run(|delivery| async move {
                    Span::child("work").end();
                    tokio::task::yield_now().await;
                    delivery.ack(BasicAckOptions::default()).await
                });
                tokio::spawn(work).await.unwrap()
            }
        };
        assert!(acked.unwrap());
        let process = format!("process {}", stage.queue);
        let process = stage.recorder.take_named(&process);
        assert_eq!(settlement(&process), "ack");
        process.assert_absent("ctx.outcome");
        let ack = stage.recorder.take_named(&format!("ack {}", stage.queue));
        assert!(ack.is_child_of(&process));
        if spawned {
            assert!(stage.recorder.take_named("work").is_child_of(&process));
        }
    }
    let _published = stage.recorder.take();
}

pub(super) async fn work_that_has_the_delivery_is_cancelled_or_panics_with_it(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    for panics in [false, true] {
        publish(&stage.channel, &stage.queue).await.unwrap();
        let work = next(&mut consumer).await.run(|delivery| async move {
            let _delivery = delivery;
            assert!(!panics, "a bug");
            std::future::pending::<()>().await;
        });
        match panics {
            true => assert!(AssertUnwindSafe(work).catch_unwind().await.is_err()),
            false => assert!(work.now_or_never().is_none()),
        }
        let process = format!("process {}", stage.queue);
        let process = stage.recorder.take_named(&process);
        assert_eq!(settlement(&process), "none");
        match panics {
            true => process.assert_failed("panic"),
            false => assert_eq!(process.str("ctx.outcome"), "cancelled"),
        }
    }
    let _published = stage.recorder.take();
}

/// Such as one that a test has made.
pub(super) async fn a_delivery_that_came_by_another_way_is_processed_alike(stage: Stage) {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for queue in ["jobs", ""] {
        let mut delivery = Delivery::mock(7, "".into(), "jobs".into(), false, b"hello".into());
        let headers = table(&[("traceparent", text(parent))]);
        delivery.properties = BasicProperties::default().with_headers(headers);
        let delivery = stage.channel.adopt(queue, delivery);
        delivery.process(async { Span::child("work").end() }).await;
        assert!(delivery.ack(BasicAckOptions::default()).await.unwrap());
        let process = stage.recorder.take_named("process jobs");
        assert_eq!(process.trace_id().to_string(), parent[3..35]);
        assert_eq!(settlement(&process), "ack");
        assert!(stage.recorder.take_named("work").is_child_of(&process));
        assert!(stage.recorder.take_named("ack jobs").is_child_of(&process));
    }
}
