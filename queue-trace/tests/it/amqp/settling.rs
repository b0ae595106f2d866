//! What became of a delivery.

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use tracing_core_ctx::SpanKind;

use super::stage::{LONG, Stage, consume, next, publish, settlement};

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
        let mut delivery = next(&mut consumer).await;
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
            let mut again = next(&mut consumer).await;
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
    let mut last = held.pop().unwrap();
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
    let mut delivery = next(&mut consumer).await;
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
