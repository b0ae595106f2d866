//! What the span of a publication says, and when it ends.

use futures_util::FutureExt as _;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Confirmation};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use trace_testkit::SpanRecorder;

use super::stage::{Stage, confirms, consume, next, publish, text};

pub(super) async fn a_message_that_no_queue_takes_has_failed(
    Stage {
        channel, recorder, ..
    }: Stage,
) {
    confirms(&channel).await;
    let answer = publish(&channel, "queue-trace-nowhere").await.unwrap();
    assert!(matches!(answer, Confirmation::Ack(Some(_))));
    recorder.take_one().assert_failed("no-route");
}

pub(super) async fn a_message_that_the_broker_refuses_has_failed(stage: Stage) {
    let arguments = [
        ("x-max-length", AMQPValue::LongInt(1)),
        ("x-overflow", text("reject-publish")),
    ];
    let queue = stage.declare("full", &arguments).await;
    let Stage {
        channel, recorder, ..
    } = stage;
    confirms(&channel).await;
    assert!(publish(&channel, &queue).await.unwrap().is_ack());
    recorder.take_one().assert_unset();
    assert!(publish(&channel, &queue).await.unwrap().is_nack());
    recorder.take_one().assert_failed("nack");
}

pub(super) async fn an_exchange_that_is_not_there_fails_the_publication(
    Stage {
        channel, recorder, ..
    }: Stage,
) {
    confirms(&channel).await;
    let options = BasicPublishOptions::default();
    let properties = BasicProperties::default();
    let exchange = "queue-trace-nowhere".into();
    let sent = channel
        .basic_publish(exchange, "key".into(), options, b"", properties)
        .await;
    let answer = sent.unwrap().await;
    assert!(answer.is_err());
    let span = recorder.take_one();
    span.assert_failed("not-found");
    assert_eq!(
        span.str("messaging.destination.name"),
        "queue-trace-nowhere:key"
    );
}

pub(super) async fn a_confirmation_that_is_given_up_ends_the_span_as_cancelled(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
    confirms(&channel).await;
    // The broker may be faster than the drop, but not always.
    let mut cancelled = 0;
    for _ in 0..50 {
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        let sent =
            channel.basic_publish("".into(), queue.as_str().into(), options, b"", properties);
        let given_up = sent.await.unwrap().now_or_never().is_none();
        let span = recorder.take_one();
        span.assert_unset();
        assert_eq!(span.attr("ctx.outcome").is_some(), given_up);
        cancelled += usize::from(given_up);
    }
    assert!(cancelled > 0);
    assert!(channel.wait_for_confirms().await.unwrap().is_empty());
}

pub(super) async fn publications_that_are_confirmed_together_end_with_their_answers(stage: Stage) {
    let arguments = [
        ("x-max-length", AMQPValue::LongInt(1)),
        ("x-overflow", text("reject-publish")),
    ];
    let full = stage.declare("full", &arguments).await;
    let (channel, recorder) = (&stage.channel, &stage.recorder);
    confirms(channel).await;
    let nowhere = "queue-trace-nowhere";
    for to in [&stage.queue, &full, &full, nowhere, &stage.queue] {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let properties = BasicProperties::default();
        let sent = channel.basic_publish("".into(), to.into(), options, b"", properties);
        drop(sent.await.unwrap());
    }
    let returned = channel.wait_for_confirms().await.unwrap();
    assert_eq!(returned.len(), 1);
    assert_eq!(returned[0].delivery.routing_key.as_str(), nowhere);
    assert!(channel.wait_for_confirms().await.unwrap().is_empty());
    assert_eq!(recorder.open(), 0);
    let mut errors = Vec::new();
    for span in recorder.take() {
        span.assert_absent("ctx.outcome");
        errors.extend(span.error_type().map(str::to_owned));
    }
    errors.sort_unstable();
    assert_eq!(errors, ["nack", "no-route"]);
}

pub(super) async fn nothing_is_lost_or_doubled_when_nothing_is_recorded(
    Stage { channel, queue, .. }: Stage,
) {
    let recorder = SpanRecorder::new();
    let off = recorder
        .tracer_builder("off")
        .sampler(tracing_core_ctx::sampler::AlwaysOff)
        .build();
    let channel = TracedChannel::new(channel.inner().clone(), QueueTracer::new(off));
    for _ in 0..100 {
        publish(&channel, &queue).await.unwrap();
    }
    let mut consumer = consume(&channel, &queue).await;
    for tag in 1..=100 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.delivery_tag, tag);
        assert!(
            delivery
                .properties
                .headers()
                .as_ref()
                .unwrap()
                .contains_key("traceparent")
        );
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
    recorder.assert_nothing();
}
