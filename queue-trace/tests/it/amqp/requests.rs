//! Requests and replies.

use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use queue_trace::amqp::{TracedChannel, TracedDelivery};
use queue_trace::{QueueTracer, Relation};

use tracing_core_ctx::SpanKind;

use super::stage::{Stage, consume, next, publish, table, text};

async fn ask(channel: &TracedChannel, queue: &str, request: BasicProperties) {
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish("".into(), queue.into(), options, b"?", request);
    sent.await.unwrap().await.unwrap();
}

async fn reply(channel: &TracedChannel, request: &TracedDelivery, properties: BasicProperties) {
    let options = BasicPublishOptions::default();
    let sent = channel.reply(request, options, b"!", properties).await;
    sent.unwrap().unwrap().await.unwrap();
}

pub(super) async fn a_reply_is_sent_from_the_process_span_and_names_its_request(stage: Stage) {
    let replies = stage.declare("replies", &[]).await;
    let Stage {
        channel,
        queue,
        recorder,
        ..
    } = stage;
    let request = || {
        BasicProperties::default()
            .with_reply_to(replies.as_str().into())
            .with_correlation_id("order-7".into())
    };
    ask(&channel, &queue, request()).await;
    let asked = recorder.take_one();
    assert_eq!(asked.str("messaging.message.conversation_id"), "order-7");

    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    reply(&channel, &delivery, BasicProperties::default()).await;
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    drop(delivery);
    let reply = recorder.take_named(&format!("publish {replies}"));
    assert_eq!(reply.str("messaging.message.conversation_id"), "order-7");
    assert!(reply.is_child_of(&recorder.take_named(&format!("process {queue}"))));
    let _ack = recorder.take_one();

    let mut answers = consume(&channel, &replies).await;
    let answer = next(&mut answers).await;
    assert_eq!(answer.data, b"!");
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let none = channel.reply(&answer, options, b"", properties).await;
    assert!(none.unwrap().is_none(), "a reply wants no reply");
    drop(answer);
    assert!(recorder.take_one().is_child_of(&reply));
}

pub(super) async fn a_reply_with_the_properties_of_its_request_has_a_context_of_its_own(
    stage: Stage,
) {
    let replies = stage.declare("replies", &[]).await;
    let Stage {
        channel,
        queue,
        recorder,
        ..
    } = stage;
    let asked = BasicProperties::default()
        .with_reply_to(replies.as_str().into())
        .with_headers(table(&[("tenant", text("7"))]));
    ask(&channel, &queue, asked).await;
    let _asked = recorder.take_one();

    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    reply(&channel, &delivery, delivery.properties.clone()).await;
    drop(delivery);
    let reply = recorder.take_named(&format!("publish {replies}"));
    assert_eq!(reply.kind(), SpanKind::Producer, "its context travels");
    assert!(reply.is_child_of(&recorder.take_one()));
    assert!(reply.links().is_empty());

    let mut answers = consume(&channel, &replies).await;
    let answer = next(&mut answers).await;
    let headers = answer.properties.headers().clone().unwrap();
    assert!(headers.contains_key("tenant"), "what is no context stays");
    drop(answer);
    assert!(recorder.take_one().is_child_of(&reply));
}

/// Such as one that was made before, to be sent later.
pub(super) async fn a_context_of_its_own_in_a_reply_is_respected(stage: Stage) {
    let replies = stage.declare("replies", &[]).await;
    let Stage {
        channel,
        queue,
        recorder,
        ..
    } = stage;
    let asked = BasicProperties::default().with_reply_to(replies.as_str().into());
    ask(&channel, &queue, asked).await;
    let _asked = recorder.take_one();

    let mut consumer = consume(&channel, &queue).await;
    let delivery = next(&mut consumer).await;
    let made = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = table(&[("traceparent", text(made))]);
    let properties = BasicProperties::default().with_headers(headers);
    reply(&channel, &delivery, properties).await;
    drop(delivery);
    let reply = recorder.take_named(&format!("publish {replies}"));
    assert_eq!(reply.kind(), SpanKind::Client);
    assert_eq!(reply.links().len(), 1);
    let _process = recorder.take_one();
}

pub(super) async fn a_relation_can_be_set_for_queues_of_requests(
    Stage {
        channel,
        queue,
        recorder,
        ..
    }: Stage,
) {
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
