//! To whom contexts are handed on, and whose are believed.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use queue_trace::amqp::TracedChannel;
use queue_trace::kafka::{TracedMessage, TracedProducer};
use queue_trace::{ByteHeaders, Destination, Incoming, Operation, QueueTracer, Trust};
use rdkafka::Message as _;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{FutureRecord, Producer as _};
use trace_testkit::SpanRecorder;
use trace_testkit::amqp::Broker;
use tracing_core_ctx::context::FutureExt as _;
use tracing_core_ctx::propagation::{Composite, Jaeger, Propagator, TraceContextAndBaggage};
use tracing_core_ctx::{Context, SpanContext, SpanKind, Tracer};

use crate::kafka::Cluster;

const LONG: Duration = Duration::from_secs(20);
const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// What may be in a message before it is sent, copied from another one.
const COPIED: [(&str, &str); 4] = [
    ("traceparent", CONTEXT),
    ("baggage", "user.email=ann@shop.example,tier=gold"),
    ("ctx-first-traceparent", CONTEXT),
    ("tenant", "7"),
];

fn baggage() -> Context {
    let context = Context::new().with_baggage_entry("user.email", "ann@shop.example");
    context.with_baggage_entry("tier", "gold")
}

fn copied() -> OwnedHeaders {
    COPIED.iter().fold(OwnedHeaders::new(), |headers, header| {
        headers.insert(Header {
            key: header.0,
            value: Some(header.1),
        })
    })
}

fn headers(message: &TracedMessage<'_>) -> Vec<(String, String)> {
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    let mut list: Vec<_> = headers
        .map(|header| (header.key.to_owned(), text(header.value)))
        .collect();
    list.sort();
    list
}

fn names(list: &[(String, String)]) -> Vec<&str> {
    list.iter().map(|(name, _)| name.as_str()).collect()
}

async fn send(producer: &TracedProducer, topic: &str, headers: Option<OwnedHeaders>) {
    let record = FutureRecord::<str, str>::to(topic)
        .payload("x")
        .partition(0);
    let record = FutureRecord { headers, ..record };
    let sent = producer.send(record, LONG).with_context(baggage());
    sent.await.unwrap();
}

#[tokio::test]
async fn a_topic_that_is_not_listed_sees_no_context_and_the_span_says_so() {
    let (recorder, cluster) = (SpanRecorder::new(), Cluster::new());
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let queue = queue.propagate_to(["orders", "orders.*"]);
    let producer = cluster.producer(&queue, &[]);
    for (topic, is_listed) in [("orders.placed", true), ("partner-feed", false)] {
        let consumer = cluster.consumer(&queue, topic);
        for given in [None, Some(copied())] {
            let is_copied = given.is_some();
            send(&producer, topic, given).await;
            let sent = recorder.take_one();
            let injects = is_listed && !is_copied;
            assert_eq!(sent.kind() == SpanKind::Producer, injects);
            // The copied one, and where it was first sent from.
            assert_eq!(sent.links().len(), if is_copied { 2 } else { 0 });
            let message = consumer.recv().await.unwrap();
            let found = headers(&message);
            let expected: &[&str] = match (is_listed, is_copied) {
                (true, false) => &["baggage", "traceparent"],
                (true, true) => &["baggage", "ctx-first-traceparent", "tenant", "traceparent"],
                (false, false) => &[],
                (false, true) => &["tenant"],
            };
            assert_eq!(names(&found), expected, "{topic}");
        }
    }
}

#[tokio::test]
async fn a_record_from_which_the_context_was_taken_comes_back_as_it_was_given() {
    let (recorder, cluster) = (SpanRecorder::new(), Cluster::new());
    let queue = QueueTracer::new(recorder.tracer("shop")).propagate_to([""; 0]);
    let settings = [("queue.buffering.max.messages", "1"), ("linger.ms", "2000")];
    let producer = cluster.producer(&queue, &settings);
    let record = || {
        let record = FutureRecord::<str, str>::to("partner-feed").payload("x");
        record.headers(copied())
    };
    let first = producer.send_result(record()).unwrap();
    let (_full, record) = producer.send_result(record()).unwrap_err();
    assert_eq!(record.headers.unwrap().count(), COPIED.len());
    producer.flush(LONG).unwrap();
    first.await.unwrap().unwrap();
    let _spans = recorder.take();
}

#[tokio::test]
async fn of_the_baggage_only_what_is_listed_leaves_also_where_nothing_is_recorded() {
    let cluster = Cluster::new();
    let recorder = SpanRecorder::new();
    for tracer in [recorder.tracer("shop"), Tracer::noop()] {
        let queue = QueueTracer::new(tracer).receive_spans(false);
        let queue = queue.propagate_baggage(["tier"]);
        let topic = format!("tiers-{}", recorder.take().len());
        let producer = cluster.producer(&queue, &[]);
        let consumer = cluster.consumer(&queue, &topic);
        for given in [None, Some(copied())] {
            send(&producer, &topic, given).await;
            let found = headers(&consumer.recv().await.unwrap());
            let is_baggage = |header: &&(String, String)| header.0 == "baggage";
            let left: Vec<_> = found.iter().filter(is_baggage).collect();
            assert_eq!(left, [&("baggage".to_owned(), "tier=gold".to_owned())]);
        }
        let _sent = recorder.take();
    }
}

/// A channel to a broker in this process, and both.
async fn channel(queue: QueueTracer) -> (Broker, Connection, TracedChannel) {
    let broker = Broker::start().await.unwrap();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await;
    let connection = connection.unwrap();
    let channel = TracedChannel::new(connection.create_channel().await.unwrap(), queue);
    for name in ["orders", "partners"] {
        let declared =
            channel.queue_declare(name.into(), Default::default(), FieldTable::default());
        declared.await.unwrap();
    }
    (broker, connection, channel)
}

fn with(headers: &[(&str, &str)]) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    BasicProperties::default().with_headers(table)
}

/// Publishes to a queue, and takes it as a stranger does.
async fn sent_headers(
    channel: &TracedChannel,
    to: &str,
    given: &[(&str, &str)],
) -> Vec<(String, String)> {
    let options = BasicPublishOptions::default();
    let publish = channel.basic_publish("".into(), to.into(), options, b"x", with(given));
    let publish = publish.with_context(baggage());
    publish.await.unwrap().await.unwrap();
    let options = BasicGetOptions { no_ack: true };
    let got = channel
        .inner()
        .basic_get(to.into(), options)
        .await
        .unwrap()
        .unwrap();
    let table = got
        .delivery
        .properties
        .headers()
        .clone()
        .unwrap_or_default();
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    let list = table.inner().iter();
    list.map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_route_that_is_not_listed_sees_no_context_and_what_is_listed_of_the_baggage() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).propagate_to(["orders"]);
    let (_broker, _connection, channel) = channel(queue.propagate_baggage(["tier"])).await;
    for given in [&[][..], &COPIED] {
        let found = sent_headers(&channel, "orders", given).await;
        let baggage = found.iter().find(|header| header.0 == "baggage");
        assert_eq!(baggage.map(|header| header.1.as_str()), Some("tier=gold"));
        assert!(names(&found).contains(&"traceparent"));
        let kind = recorder.take_one().kind();
        assert_eq!(kind == SpanKind::Producer, given.is_empty());

        let found = sent_headers(&channel, "partners", given).await;
        let expected: &[&str] = if given.is_empty() { &[] } else { &["tenant"] };
        assert_eq!(names(&found), expected);
        assert_eq!(recorder.take_one().kind(), SpanKind::Client);
    }
}

#[test]
fn a_message_of_any_client_carries_what_its_destination_may_see() {
    let recorder = SpanRecorder::new();
    let builder = recorder.tracer_builder("shop");
    let formats: [Box<dyn Propagator>; 2] = [
        Box::new(TraceContextAndBaggage::default()),
        Box::new(Jaeger::default()),
    ];
    let formats = Composite::new(formats);
    let tracer = builder.propagator(formats).build();
    let queue = QueueTracer::new(tracer)
        .propagate_to(["orders"])
        .propagate_baggage(["tier"]);
    let _around = baggage().attach();
    for (name, is_listed) in [("orders", true), ("partners", false)] {
        let mut message = ByteHeaders::default();
        for (name, value) in COPIED.into_iter().chain([("uberctx-user.email", "ann")]) {
            message.push(name, Some(value));
        }
        let operation = Operation::send("nats", "publish", Destination::named(name));
        queue.start_send(&operation, &mut message).end_with(|_| {});
        let mut made = ByteHeaders::default();
        let operation = Operation::create("nats", "create", Destination::named(name));
        queue.start_create(&operation, &mut made).end_with(|_| {});
        let is_secret = |value: &[u8]| value.windows(3).any(|part| part == b"ann");
        for (name, value) in message.iter().chain(made.iter()) {
            assert!(
                !name.contains("email") && !is_secret(value.unwrap()),
                "{name}"
            );
        }
        assert_eq!(made.iter().next().is_some(), is_listed);
        let has_context = message.iter().any(|(name, _)| name == "traceparent");
        assert_eq!(has_context, is_listed);
        assert!(message.iter().any(|(name, _)| name == "tenant"));
    }
    let _spans = recorder.take();
}

/// Believes the topic or queue `orders`, and whoever has signed; panics over `broken`.
fn judge(incoming: &Incoming<'_>) -> Trust {
    assert_ne!(incoming.destination, "broken", "a bug");
    match (incoming.destination, incoming.header("X-Signed")) {
        ("orders", _) | (_, Some(b"yes")) => Trust::Continue,
        _ => Trust::NewRootWithLink,
    }
}

#[tokio::test]
async fn records_are_believed_by_their_topic_and_headers() {
    let (recorder, cluster) = (SpanRecorder::new(), Cluster::new());
    let queue = QueueTracer::new(recorder.tracer("shop")).receive_spans(false);
    let producer = cluster.producer(&queue, &[]);
    let queue = queue.trust_by(judge);
    for (topic, signed, is_believed, links) in [
        ("orders", "no", true, 1),
        ("partners", "no", false, 1),
        ("partners", "yes", true, 1),
        ("broken", "yes", false, 0),
    ] {
        let topic = if topic == "partners" {
            format!("partners-{signed}")
        } else {
            topic.to_owned()
        };
        let consumer = cluster.consumer(&queue, &topic);
        let headers = copied().insert(Header {
            key: "x-signed",
            value: Some(signed),
        });
        let record = FutureRecord::<str, str>::to(&topic)
            .payload("x")
            .partition(0);
        producer.send(record.headers(headers), LONG).await.unwrap();
        let _sent = recorder.take_one();
        let message = consumer.recv().await.unwrap();
        let processing = message.start_process();
        let tier = processing.context().baggage().get("tier");
        assert_eq!(tier.is_some(), is_believed, "{topic}");
        processing.end();
        let process = recorder.take_one();
        assert_eq!(process.parent().is_some(), is_believed, "{topic}");
        assert_eq!(process.links().len(), links, "{topic}");
        // A context that is not believed is not sent on either.
        let forwarded = message.headers_to_forward().unwrap();
        let has = |name| forwarded.iter().any(|header| header.key == name);
        assert!(!has("traceparent") && !has("baggage"));
        assert_eq!(has("ctx-first-traceparent"), links == 1, "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn deliveries_are_believed_by_their_queue_route_and_user() {
    let recorder = SpanRecorder::new();
    let queue = QueueTracer::new(recorder.tracer("shop")).trust_by(|incoming| {
        assert_eq!(incoming.exchange, Some(""));
        assert_eq!(incoming.routing_key, Some(incoming.destination));
        match (incoming.destination, incoming.user_id) {
            ("orders", _) | (_, Some("guest")) => Trust::Continue,
            _ => Trust::Ignore,
        }
    });
    let (_broker, _connection, channel) = channel(queue).await;
    for (name, user, is_believed) in [
        ("orders", None, true),
        ("partners", None, false),
        ("partners", Some("guest"), true),
    ] {
        let properties = with(&COPIED);
        let properties = match user {
            Some(user) => properties.with_user_id(user.into()),
            None => properties,
        };
        let options = BasicPublishOptions::default();
        let publish =
            channel
                .inner()
                .basic_publish("".into(), name.into(), options, b"x", properties);
        publish.await.unwrap().await.unwrap();
        let consume = channel.basic_consume(
            name.into(),
            "once".into(),
            BasicConsumeOptions {
                no_ack: true,
                ..BasicConsumeOptions::default()
            },
            FieldTable::default(),
        );
        let mut consumer = consume.await.unwrap();
        let delivery = tokio::time::timeout(LONG, consumer.next()).await.unwrap();
        let delivery = delivery.unwrap().unwrap();
        let sent_on = delivery.properties_to_send_on();
        let has_first = format!("{sent_on:?}").contains("ctx-first-traceparent");
        assert_eq!(has_first, is_believed, "{name} {user:?}");
        drop(delivery);
        let process = recorder.take_one();
        assert_eq!(process.parent().is_some(), is_believed, "{name} {user:?}");
        channel
            .basic_cancel("once".into(), Default::default())
            .await
            .unwrap();
    }
}

#[test]
fn a_poll_of_messages_that_are_not_believed_to_the_full_asks_the_sampler() {
    let recorder = SpanRecorder::new();
    let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let mut headers = ByteHeaders::default();
    headers.push("traceparent", Some(unsampled));
    for (trust, recorded) in [(Trust::Continue, 0), (Trust::NewRootWithLink, 1)] {
        let queue = QueueTracer::new(recorder.tracer("shop")).trust_by(move |_| trust);
        let origin = queue.extract_from(&Incoming::new("orders", &headers));
        assert!(
            origin
                .cause()
                .is_some_and(|cause: &SpanContext| !cause.is_sampled())
        );
        let operation = Operation::receive("nats", "next", Destination::named("orders"));
        let messages = [(&origin, queue_trace::Message::default())];
        queue.start_receive(&operation, messages).end_with(|_| {});
        assert_eq!(recorder.take().len(), recorded, "{trust:?}");
    }
}
