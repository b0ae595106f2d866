//! What became of a delivery.

use futures_util::StreamExt as _;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use tracing_core_ctx::SpanKind;

use super::stage::{LONG, Stage, consume, next, publish, settlement, table, text};

pub(super) async fn how_a_delivery_was_settled_is_told_apart(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    let mut consumer = consume(&channel, &queue).await;
    for case in ["ack", "nack", "reject", "requeue", "reject-requeue", "none"] {
        publish(&channel, &queue).await.unwrap();
        let delivery = next(&mut consumer).await;
        let nack = |requeue| BasicNackOptions {
            requeue,
            ..BasicNackOptions::default()
        };
        let done = match case {
            "ack" => delivery.ack(BasicAckOptions::default()).await,
            "nack" => delivery.nack(nack(false)).await,
            "reject" => delivery.reject(BasicRejectOptions::default()).await,
            "requeue" => delivery.nack(nack(true)).await,
            "reject-requeue" => delivery.reject(BasicRejectOptions { requeue: true }).await,
            _ => Ok(true),
        };
        assert!(done.unwrap(), "{case}");
        drop(delivery);
        let process = recorder.take_named(&format!("process {queue}"));
        let expected = case.trim_start_matches("reject-");
        assert_eq!(settlement(&process), expected, "{case}");
        process.assert_unset();
        if expected == "requeue" {
            let again = next(&mut consumer).await;
            again.ack(BasicAckOptions::default()).await.unwrap();
            drop(again);
            let process = recorder.take_named(&format!("process {queue}"));
            assert!(process.bool("ctx.message.redelivered"));
        }
        let _settle_and_publish = recorder.take();
    }
}

pub(super) async fn many_are_settled_at_once(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    let mut consumer = consume(&channel, &queue).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        publish(&channel, &queue).await.unwrap();
        held.push(next(&mut consumer).await);
    }
    let last = held.pop().unwrap();
    last.ack(BasicAckOptions { multiple: true }).await.unwrap();
    drop((held, last));
    let spans = recorder.take();
    let processed = spans
        .iter()
        .filter(|span| span.kind() == SpanKind::Consumer);
    assert_eq!(processed.map(settlement).collect::<Vec<_>>(), ["ack"; 3]);
}

pub(super) async fn a_settlement_on_a_closed_channel_has_failed(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    publish(&channel, &queue).await.unwrap();
    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    // A tag that was never given: the broker closes the channel.
    channel
        .basic_ack(99, BasicAckOptions::default())
        .await
        .unwrap();
    let after = tokio::time::timeout(LONG, consumer.next()).await.unwrap();
    assert!(after.is_none_or(|delivery| delivery.is_err()));
    assert!(!delivery.ack(BasicAckOptions::default()).await.unwrap());
    drop(delivery);
    recorder
        .take_named(&format!("ack {queue}"))
        .assert_failed("channel-closed");
    let process = recorder.take_named(&format!("process {queue}"));
    assert_eq!(settlement(&process), "none");
    let _others = recorder.take();
}

/// However many are held, and in whichever order they are done.
pub(super) async fn deliveries_are_settled_by_their_tags_in_any_order(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let mut held = Vec::new();
    for _ in 0..200 {
        publish(&stage.channel, &stage.queue).await.unwrap();
        held.push(next(&mut consumer).await);
    }
    let _published = stage.recorder.take();
    for delivery in held.iter().rev() {
        let ack = stage
            .channel
            .basic_ack(delivery.delivery_tag, BasicAckOptions::default());
        ack.await.unwrap();
    }
    drop(held);
    let spans = stage.recorder.take();
    let (processed, settled): (Vec<_>, Vec<_>) = spans
        .into_iter()
        .partition(|span| span.kind() == SpanKind::Consumer);
    assert_eq!(processed.len(), 200);
    for process in &processed {
        assert_eq!(settlement(process), "ack");
        let settled = settled.iter().filter(|span| span.is_child_of(process));
        assert_eq!(settled.count(), 1);
    }
}

pub(super) async fn a_settlement_by_tag_is_below_the_process_span_and_says_where(stage: Stage) {
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        publish(&stage.channel, &stage.queue).await.unwrap();
        held.push(next(&mut consumer).await);
    }
    let _published = stage.recorder.take();
    let first = BasicNackOptions::default();
    stage.channel.basic_nack(1, first).await.unwrap();
    let rest = BasicAckOptions { multiple: true };
    stage.channel.basic_ack(3, rest).await.unwrap();
    for delivery in held {
        drop(delivery);
        let process = stage
            .recorder
            .take_named(&format!("process {}", stage.queue));
        let (name, how, count) = match process.int("rabbitmq.message.delivery_tag") {
            1 => ("nack", "nack", None),
            2 => ("", "ack", None),
            _ => ("ack", "ack", Some(2)),
        };
        assert_eq!(settlement(&process), how);
        if name.is_empty() {
            continue;
        }
        let settled = stage
            .recorder
            .take_named(&format!("{name} {}", stage.queue));
        assert!(settled.is_child_of(&process));
        assert_eq!(settled.str("messaging.destination.name"), stage.queue);
        match count {
            Some(count) => assert_eq!(settled.int("messaging.batch.message_count"), count),
            None => settled.assert_absent("messaging.batch.message_count"),
        }
    }
    stage.recorder.assert_nothing();
}

/// Neither of a message whose producer was not sampled nor of one that is no longer held.
pub(super) async fn a_settlement_by_tag_starts_no_trace_of_its_own(stage: Stage) {
    let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let properties =
        BasicProperties::default().with_headers(table(&[("traceparent", text(unsampled))]));
    let (to, options) = (stage.queue.as_str().into(), Default::default());
    let inner = stage.channel.inner();
    let sent = inner.basic_publish("".into(), to, options, b"", properties);
    sent.await.unwrap().await.unwrap();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let delivery = next(&mut consumer).await;
    let ack = stage
        .channel
        .basic_ack(delivery.delivery_tag, BasicAckOptions::default());
    ack.await.unwrap();
    drop(delivery);
    stage.recorder.assert_nothing();

    publish(&stage.channel, &stage.queue).await.unwrap();
    let tag = next(&mut consumer).await.delivery_tag;
    let _published_and_processed = stage.recorder.take();
    stage
        .channel
        .basic_ack(tag, BasicAckOptions::default())
        .await
        .unwrap();
    stage.recorder.assert_nothing();
}

/// How, the acker does not tell.
pub(super) async fn what_the_acker_has_settled_is_not_said_to_be_unsettled(stage: Stage) {
    publish(&stage.channel, &stage.queue).await.unwrap();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let delivery = next(&mut consumer).await;
    let acked = delivery.acker.ack(BasicAckOptions::default()).await;
    assert!(acked.unwrap());
    drop(delivery);
    let process = stage
        .recorder
        .take_named(&format!("process {}", stage.queue));
    process.assert_absent("ctx.message.settlement");
    let _publish = stage.recorder.take_one();
}
