//! What strangers write into headers, and what is made of it.

use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, ByteArray, FieldArray};
use queue_trace::amqp::{AmqpHeaders, TracedChannel};
use queue_trace::carrier::LastOf;
use queue_trace::{QueueTracer, Trust};
use trace_testkit::RecordedSpan;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::{Baggage, Context};

use super::stage::{Stage, consume, next, publish, table, text};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Publishes as a stranger does, lets the message be processed, and gives the span of that.
async fn process(stage: &Stage, headers: &[(&str, AMQPValue)]) -> RecordedSpan {
    let properties = BasicProperties::default().with_headers(table(headers));
    let (queue, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
    let channel = stage.channel.inner();
    let sent = channel.basic_publish("".into(), queue, options, b"hello", properties.clone());
    sent.await.unwrap().await.unwrap();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.properties, properties, "the message is as it was");
    // So that this consumer gets no other message.
    channel
        .basic_cancel(consumer.tag(), Default::default())
        .await
        .unwrap();
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    drop(delivery);
    let process = stage
        .recorder
        .take_named(&format!("process {}", stage.queue));
    let _ack = stage.recorder.take_one();
    process
}

fn is_followed(span: &RecordedSpan) -> bool {
    span.trace_id().to_string() == PARENT[3..35]
}

pub(super) async fn long_strings_and_byte_arrays_are_read_as_contexts(stage: Stage) {
    for value in [
        text(PARENT),
        AMQPValue::ByteArray(ByteArray::from(PARENT.as_bytes())),
    ] {
        assert!(is_followed(
            &process(&stage, &[("traceparent", value)]).await
        ));
    }
}

pub(super) async fn what_is_no_context_starts_a_trace_and_hurts_nobody(stage: Stage) {
    let nested = AMQPValue::FieldTable(table(&[("traceparent", text(PARENT))]));
    for value in [
        AMQPValue::Void,
        AMQPValue::Boolean(true),
        AMQPValue::LongInt(7),
        AMQPValue::Double(0.5),
        AMQPValue::Timestamp(1_700_000_000),
        AMQPValue::FieldArray(FieldArray::from(vec![text(PARENT)])),
        nested,
        AMQPValue::LongString(vec![0xff, 0xfe].into()),
        AMQPValue::ByteArray(ByteArray::from(vec![0; 55])),
        text(""),
        text(&PARENT[..54]),
        text(&"0".repeat(60_000)),
    ] {
        let span = process(&stage, &[("traceparent", value.clone())]).await;
        assert!(
            span.parent().is_none() && span.links().is_empty(),
            "{value:?}"
        );
        span.assert_unset();
    }
}

pub(super) async fn a_thousand_headers_are_looked_through(stage: Stage) {
    let names: Vec<String> = (0..1000).map(|number| format!("x-{number}")).collect();
    let mut headers: Vec<(&str, AMQPValue)> = names
        .iter()
        .map(|name| (name.as_str(), text("x")))
        .collect();
    headers.push(("traceparent", text(PARENT)));
    assert!(is_followed(&process(&stage, &headers).await));
}

pub(super) async fn a_value_in_quotes_and_a_name_in_capitals_are_read(stage: Stage) {
    let quoted = text(&format!("\"{PARENT}\""));
    assert!(is_followed(
        &process(&stage, &[("Traceparent", quoted)]).await
    ));
}

pub(super) async fn the_flags_of_the_second_level_are_understood(stage: Stage) {
    let random = text(&PARENT.replace("-01", "-03"));
    assert!(is_followed(
        &process(&stage, &[("traceparent", random)]).await
    ));
}

/// Forged numbers of deaths and of times, too.
pub(super) async fn what_a_stranger_forged_is_believed_as_far_as_one_says(mut stage: Stage) {
    let forged = [
        ("traceparent", text(PARENT)),
        ("baggage", text("tenant=7")),
        (
            "x-death",
            AMQPValue::FieldArray(FieldArray::from(vec![
                AMQPValue::FieldTable(table(&[(
                    "count",
                    AMQPValue::LongLongInt(i64::MAX)
                )]));
                2
            ])),
        ),
    ];
    let believed = process(&stage, &forged).await;
    assert!(is_followed(&believed) && believed.parent().is_some());
    assert_eq!(believed.int("ctx.message.deaths"), i64::MAX);
    for (trust, links, followed) in [
        (Trust::NewRootWithLink, 1, false),
        (Trust::Ignore, 0, false),
        (Trust::ContinueWithoutSampling, 1, true),
    ] {
        let queue = QueueTracer::new(stage.recorder.tracer("shop")).trust(trust);
        stage.channel = TracedChannel::new(stage.channel.inner().clone(), queue);
        let span = process(&stage, &forged).await;
        assert_eq!(
            (span.links().len(), is_followed(&span)),
            (links, followed),
            "{trust:?}"
        );
    }
}

/// What we write everybody can read: one long string, whatever stood there.
pub(super) async fn a_context_is_written_once_as_a_long_string(stage: Stage) {
    let queue =
        QueueTracer::new(stage.recorder.tracer("shop")).existing(queue_trace::Existing::Replace);
    let channel = TracedChannel::new(stage.channel.inner().clone(), queue);
    let stale = table(&[
        (
            "Traceparent",
            AMQPValue::ByteArray(ByteArray::from(PARENT.as_bytes())),
        ),
        ("traceparent", text("stale")),
        ("tracestate", text("stale=1")),
        ("null", AMQPValue::Void),
        ("tenant", AMQPValue::LongInt(7)),
    ]);
    let baggage = Context::new().with_baggage(Baggage::new().with("who", "ü, \n"));
    let properties = BasicProperties::default().with_headers(stale);
    let (to, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
    let sent = channel.basic_publish("".into(), to, options, b"", properties);
    sent.with_context(baggage).await.unwrap().await.unwrap();
    let sent = stage.recorder.take_one();

    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let delivery = next(&mut consumer).await;
    let headers = delivery.properties.headers().clone().unwrap();
    let names: Vec<&str> = headers.inner().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["baggage", "null", "tenant", "traceparent"]);
    for written in ["traceparent", "baggage"] {
        assert!(
            matches!(headers.inner()[written], AMQPValue::LongString(_)),
            "{written}"
        );
    }
    let context = stage
        .channel
        .tracer()
        .tracer()
        .extract(&LastOf(&delivery.properties));
    assert_eq!(
        context.span_context().map(|span| span.span_id()),
        Some(sent.span_id())
    );
    assert_eq!(context.baggage().get("who"), Some("ü, \n"));
    drop(delivery);
    let _process = stage.recorder.take_one();
}

/// The carrier alone, for those who use another wrapper.
pub(super) async fn baggage_of_the_users_own_travels_beside_the_context(stage: Stage) {
    let own = table(&[("baggage", text("tenant=7")), ("shop", text("north"))]);
    let publish = stage.channel.basic_publish(
        "".into(),
        stage.queue.as_str().into(),
        Default::default(),
        b"",
        BasicProperties::default().with_headers(own),
    );
    publish.await.unwrap().await.unwrap();
    let sent = stage.recorder.take_one();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.context().baggage().get("tenant"), Some("7"));
    let headers = delivery.properties.headers().as_ref().unwrap();
    assert_eq!(headers.inner().len(), 3);
    drop(delivery);
    assert!(stage.recorder.take_one().is_child_of(&sent));
}

pub(super) async fn a_message_without_headers_gets_a_table_only_if_there_is_something_to_write(
    stage: Stage,
) {
    let channel = stage.channel.inner();
    let tracer = stage.channel.tracer().tracer();
    let mut headers = AmqpHeaders::of(&BasicProperties::default());
    tracer.inject(&Context::new(), &mut headers);
    let bare = headers.put_into(BasicProperties::default());
    assert_eq!(bare, BasicProperties::default());
    let (to, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
    channel
        .basic_publish("".into(), to, options, b"", bare)
        .await
        .unwrap();
    publish(&stage.channel, &stage.queue).await.unwrap();
    let mut consumer = consume(&stage.channel, &stage.queue).await;
    assert!(next(&mut consumer).await.properties.headers().is_none());
    assert!(next(&mut consumer).await.properties.headers().is_some());
    let _spans = stage.recorder.take();
}
