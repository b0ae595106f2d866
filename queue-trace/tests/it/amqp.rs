//! Against a real broker: RabbitMQ at `AMQP_URL`, by default on this machine.

mod broker;

use std::time::Duration;

use broker::{Setup, setup};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions,
    BasicRejectOptions, ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};
use queue_trace::amqp::{TracedChannel, TracedConsumer, TracedDelivery};
use queue_trace::{QueueTracer, Relation};
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::{Span, SpanKind};

const LONG: Duration = Duration::from_secs(10);

async fn publish(on: &TracedChannel, queue: &str) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default().with_message_id("m-7".into());
    on.basic_publish("".into(), queue.into(), options, b"hello", properties)
        .await?
        .await
}

async fn consume(on: &TracedChannel, queue: &str) -> TracedConsumer {
    let options = BasicConsumeOptions::default();
    let arguments = FieldTable::default();
    on.basic_consume(queue.into(), "".into(), options, arguments)
        .await
        .unwrap()
}

async fn next(consumer: &mut TracedConsumer) -> TracedDelivery {
    let next = tokio::time::timeout(LONG, consumer.next()).await;
    next.expect("no delivery in time").unwrap().unwrap()
}

fn is_linked(span: &RecordedSpan, to: &RecordedSpan) -> bool {
    let mut links = span.links().iter();
    links.any(|link| link.span_context.span_id() == to.span_id())
}

fn settlement(span: &RecordedSpan) -> &str {
    span.str("ctx.message.settlement")
}

#[tokio::test]
async fn publish_process_and_ack_are_one_trace() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("publish_process").await
    else {
        return;
    };
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
    let mut delivery = next(&mut consumer).await;
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

#[tokio::test]
async fn how_a_delivery_was_settled_is_told_apart() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("settled").await
    else {
        return;
    };
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

#[tokio::test]
async fn many_are_settled_at_once() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("multiple").await
    else {
        return;
    };
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

#[tokio::test]
async fn a_message_that_no_queue_takes_has_failed() {
    let Some(Setup {
        channel, recorder, ..
    }) = setup("returned").await
    else {
        return;
    };
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    let answer = publish(&channel, "queue-trace-nowhere").await.unwrap();
    assert!(matches!(answer, Confirmation::Ack(Some(_))));
    recorder.take_one().assert_failed("no-route");
}

#[tokio::test]
async fn a_message_that_the_broker_refuses_has_failed() {
    let arguments = [
        ("x-max-length", AMQPValue::LongInt(1)),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ];
    let Some(setup) = setup("refused").await else {
        return;
    };
    let queue = setup.declare("full", &arguments).await;
    let Setup {
        channel, recorder, ..
    } = setup;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    assert!(publish(&channel, &queue).await.unwrap().is_ack());
    recorder.take_one().assert_unset();
    assert!(publish(&channel, &queue).await.unwrap().is_nack());
    recorder.take_one().assert_failed("nack");
}

#[tokio::test]
async fn an_exchange_that_is_not_there_fails_the_publication() {
    let Some(Setup {
        channel, recorder, ..
    }) = setup("no_exchange").await
    else {
        return;
    };
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
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

#[tokio::test]
async fn a_confirmation_that_nobody_awaits_ends_the_span_as_cancelled() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("unawaited").await
    else {
        return;
    };
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    // The broker may be faster than the drop, but not always.
    let mut cancelled = 0;
    for _ in 0..50 {
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        let sent =
            channel.basic_publish("".into(), queue.as_str().into(), options, b"", properties);
        drop(sent.await.unwrap());
        let span = recorder.take_one();
        span.assert_unset();
        cancelled += usize::from(span.attr("ctx.outcome").is_some());
    }
    assert!(cancelled > 0);
    assert!(channel.wait_for_confirms().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_get_is_a_receive_span_with_a_link_and_none_when_the_queue_is_empty() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("get").await
    else {
        return;
    };
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
    let mut got = got.unwrap();
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

#[tokio::test]
async fn a_dead_letter_knows_its_first_trace_and_how_often_it_died() {
    let Some(setup) = setup("dead").await else {
        return;
    };
    let dead = setup.declare("letters", &[]).await;
    let arguments = [
        ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
        (
            "x-dead-letter-routing-key",
            AMQPValue::LongString(dead.as_str().into()),
        ),
    ];
    let queue = setup.declare("mortal", &arguments).await;
    let Setup {
        channel, recorder, ..
    } = setup;
    publish(&channel, &queue).await.unwrap();
    let publish = recorder.take_one();
    let mut consumer = consume(&channel, &queue).await;
    let mut delivery = next(&mut consumer).await;
    delivery
        .reject(BasicRejectOptions::default())
        .await
        .unwrap();
    drop(delivery);
    let _first = recorder.take();

    let mut letters = consume(&channel, &dead).await;
    let mut letter = next(&mut letters).await;
    letter.ack(BasicAckOptions::default()).await.unwrap();
    drop(letter);
    let process = recorder.take_named(&format!("process {dead}"));
    assert!(is_linked(&process, &publish));
    assert_eq!(process.int("ctx.message.deaths"), 1);
    let _ack = recorder.take_one();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_delegate_runs_as_the_work_of_the_process_span() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("delegate").await
    else {
        return;
    };
    let consumer = consume(&channel, &queue).await;
    consumer.set_delegate(|delivery| async move {
        if let Ok(Some(mut delivery)) = delivery {
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

#[tokio::test]
async fn a_delivery_of_a_consumer_without_acks_says_nothing_of_settlement() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("no_ack").await
    else {
        return;
    };
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

#[tokio::test]
async fn a_settlement_on_a_closed_channel_has_failed() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("closed").await
    else {
        return;
    };
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

#[tokio::test]
async fn a_relation_can_be_set_for_queues_of_requests() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("rpc").await
    else {
        return;
    };
    let requests = QueueTracer::new(recorder.tracer("rpc")).relation(Relation::ChildOnly);
    let channel = TracedChannel::new(channel.inner().clone(), requests);
    publish(&channel, &queue).await.unwrap();
    let publish = recorder.take_one();
    let mut consumer = consume(&channel, &queue).await;
    drop(next(&mut consumer).await);
    let process = recorder.take_one();
    assert!(process.is_child_of(&publish));
    assert!(process.links().is_empty());
}

#[tokio::test]
async fn a_panic_while_processing_fails_the_span() {
    let Some(Setup {
        channel,
        queue,
        recorder,
        ..
    }) = setup("panic").await
    else {
        return;
    };
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

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_nothing_is_recorded() {
    let Some(Setup { channel, queue, .. }) = setup("unrecorded").await else {
        return;
    };
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
        let mut delivery = next(&mut consumer).await;
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

#[tokio::test]
async fn a_reply_is_sent_from_the_process_span_and_names_its_request() {
    let Some(setup) = setup("reply").await else {
        return;
    };
    let replies = setup.declare("replies", &[]).await;
    let Setup {
        channel,
        queue,
        recorder,
        ..
    } = setup;
    let request = || {
        BasicProperties::default()
            .with_reply_to(replies.as_str().into())
            .with_correlation_id("order-7".into())
    };
    let options = BasicPublishOptions::default();
    let to = queue.as_str().into();
    let sent = channel
        .basic_publish("".into(), to, options, b"?", request())
        .await;
    sent.unwrap().await.unwrap();
    let asked = recorder.take_one();
    assert_eq!(asked.str("messaging.message.conversation_id"), "order-7");

    let mut consumer = consume(&channel, &queue).await;
    let mut delivery = next(&mut consumer).await;
    let properties = BasicProperties::default();
    let reply = channel.reply(&delivery, options, b"!", properties).await;
    reply.unwrap().unwrap().await.unwrap();
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    drop(delivery);
    let reply = recorder.take_named(&format!("publish {replies}"));
    assert_eq!(reply.str("messaging.message.conversation_id"), "order-7");
    assert!(reply.is_child_of(&recorder.take_named(&format!("process {queue}"))));
    let _ack = recorder.take_one();

    let mut answers = consume(&channel, &replies).await;
    let answer = next(&mut answers).await;
    assert_eq!(answer.data, b"!");
    let properties = BasicProperties::default();
    let none = channel.reply(&answer, options, b"", properties).await;
    assert!(none.unwrap().is_none(), "a reply wants no reply");
    drop(answer);
    assert!(recorder.take_one().is_child_of(&reply));
}

#[tokio::test]
async fn a_message_that_is_sent_on_has_the_context_of_who_sends_it() {
    let Some(setup) = setup("sent_on").await else {
        return;
    };
    let dead = setup.declare("letters", &[]).await;
    let retry = setup.declare("retry", &[]).await;
    let arguments = [
        ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
        (
            "x-dead-letter-routing-key",
            AMQPValue::LongString(dead.as_str().into()),
        ),
    ];
    let queue = setup.declare("mortal", &arguments).await;
    let Setup {
        channel, recorder, ..
    } = setup;
    publish(&channel, &queue).await.unwrap();
    let mut consumer = consume(&channel, &queue).await;
    let mut delivery = next(&mut consumer).await;
    delivery
        .reject(BasicRejectOptions::default())
        .await
        .unwrap();
    drop(delivery);
    let _first = recorder.take();

    let mut letters = consume(&channel, &dead).await;
    let letter = next(&mut letters).await;
    let properties = letter.properties_to_send_on();
    let options = BasicPublishOptions::default();
    let to = retry.as_str().into();
    let again = channel.basic_publish("".into(), to, options, &letter.data, properties);
    letter.process(again).await.unwrap().await.unwrap();
    drop(letter);
    let process = recorder.take_named(&format!("process {dead}"));
    let sent = recorder.take_one();
    assert!(sent.is_child_of(&process));
    assert_eq!(sent.kind(), SpanKind::Producer);

    let mut retries = consume(&channel, &retry).await;
    let retried = next(&mut retries).await;
    let headers = retried.properties.headers().clone().unwrap();
    assert!(!headers.contains_key("x-death"));
    drop(retried);
    let process = recorder.take_one();
    assert!(process.is_child_of(&sent));
    process.assert_absent("ctx.message.deaths");
}
