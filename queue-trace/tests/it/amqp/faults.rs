//! A broker that goes away and comes back. Only the one in this process does that on request.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::{TracedChannel, TracedConsumer};
use tokio::time::timeout;
use trace_testkit::amqp::Broker;
use trace_testkit::{RecordedSpan, SpanRecorder};
use tracing_core_ctx::SpanKind;

use super::stage::{LONG, settlement};

const QUEUE: &str = "orders";

/// Connects, as often as it takes.
async fn connect(broker: &Broker) -> (Connection, Channel) {
    let attempts = async {
        loop {
            if let Ok(connected) = try_to_connect(broker).await {
                return connected;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, attempts).await.expect("the broker is back")
}

async fn try_to_connect(broker: &Broker) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    channel.basic_qos(10, BasicQosOptions::default()).await?;
    let options = QueueDeclareOptions::default();
    channel
        .queue_declare(QUEUE.into(), options, FieldTable::default())
        .await?;
    Ok((connection, channel))
}

async fn publish(
    channel: &TracedChannel,
    traced: bool,
    number: usize,
) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions::default();
    let (body, properties) = (number.to_string(), BasicProperties::default());
    match traced {
        true => {
            channel
                .basic_publish(
                    "".into(),
                    QUEUE.into(),
                    options,
                    body.as_bytes(),
                    properties,
                )
                .await?
                .await
        }
        false => {
            let sent = channel.inner().basic_publish(
                "".into(),
                QUEUE.into(),
                options,
                body.as_bytes(),
                properties,
            );
            sent.await?.await
        }
    }
}

/// What two clients have seen that send again what was not confirmed, and read again what they could not settle.
#[derive(Debug, Default)]
struct Seen {
    attempts: usize,
    failed: usize,
    handed_over: usize,
    acked: usize,
    numbers: BTreeSet<usize>,
}

const COUNT: usize = 400;

/// After this a client gives up a step, and begins again: an acknowledgement of lapin's may wait forever when its connection dies.
const STEP: Duration = Duration::from_secs(5);

async fn two_clients(traced: bool, recorder: &SpanRecorder) -> Seen {
    let broker = Broker::start().await.unwrap();
    let queue = QueueTracer::new(recorder.tracer("shop"));
    let confirmed = AtomicUsize::new(0);
    let mut seen = Seen::default();
    let sends = async {
        let (mut attempts, mut failed) = (0, 0);
        let (mut _connection, channel) = connect(&broker).await;
        let mut channel = TracedChannel::new(channel, queue.clone());
        for number in 0..COUNT {
            loop {
                attempts += 1;
                let published = timeout(STEP, publish(&channel, traced, number)).await;
                if matches!(published, Ok(Ok(_))) {
                    confirmed.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                failed += 1;
                let again = connect(&broker).await;
                _connection = again.0;
                channel = TracedChannel::new(again.1, queue.clone());
            }
        }
        (attempts, failed)
    };
    let reads = async {
        let (mut handed_over, mut acked, mut numbers) = (0, 0, BTreeSet::new());
        while numbers.len() < COUNT {
            let (_connection, channel) = connect(&broker).await;
            let channel = TracedChannel::new(channel, queue.clone());
            let consume = channel.basic_consume(
                QUEUE.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            );
            let Ok(Ok(mut consumer)) = timeout(STEP, consume).await else {
                continue;
            };
            while numbers.len() < COUNT {
                let (number, is_acked) = if traced {
                    let Ok(Some(Ok(delivery))) = timeout(STEP, consumer.next()).await else {
                        break;
                    };
                    let number = std::str::from_utf8(&delivery.data)
                        .unwrap()
                        .parse()
                        .unwrap();
                    let ack = delivery.ack(BasicAckOptions::default());
                    (number, timeout(STEP, ack).await)
                } else {
                    let mut consumer = consumer.inner().clone();
                    let Ok(Some(Ok(delivery))) = timeout(STEP, consumer.next()).await else {
                        break;
                    };
                    let number = std::str::from_utf8(&delivery.data)
                        .unwrap()
                        .parse()
                        .unwrap();
                    let ack = delivery.acker.ack(BasicAckOptions::default());
                    (number, timeout(STEP, ack).await)
                };
                handed_over += 1;
                // If the answer is no, it may have been settled all the same, and not come again.
                numbers.insert(number);
                acked += usize::from(matches!(is_acked, Ok(Ok(true))));
            }
        }
        (handed_over, acked, numbers)
    };
    let kills = async {
        for at in [COUNT / 4, COUNT / 2, COUNT * 3 / 4] {
            while confirmed.load(Ordering::Relaxed) < at {
                tokio::task::yield_now().await;
            }
            broker.kill().await;
            broker.restart().await.unwrap();
        }
    };
    let all = async { tokio::join!(sends, reads, kills) };
    let done = timeout(3 * LONG, all).await.expect("it takes too long");
    (seen.attempts, seen.failed) = done.0;
    (seen.handed_over, seen.acked, seen.numbers) = done.1;
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_under_load_loses_as_much_with_tracing_as_without() {
    let recorder = SpanRecorder::new();
    let bare = two_clients(false, &recorder).await;
    recorder.assert_nothing();
    let traced = two_clients(true, &recorder).await;
    assert_eq!(bare.numbers, (0..COUNT).collect());
    assert_eq!(traced.numbers, bare.numbers);
    eprintln!(
        "bare: {} sent, {} failed; traced: {} sent, {} failed",
        bare.attempts, bare.failed, traced.attempts, traced.failed
    );

    assert_eq!(recorder.open(), 0);
    let spans = recorder.take();
    let of = |operation: &str| -> Vec<&RecordedSpan> {
        spans
            .iter()
            .filter(|span| span.str("messaging.operation.type") == operation)
            .collect()
    };
    let failed = |spans: &[&RecordedSpan]| -> Vec<String> {
        spans
            .iter()
            .filter_map(|span| span.error_type().map(str::to_owned))
            .collect()
    };
    let sent = of("send");
    assert_eq!(sent.len(), traced.attempts);
    let given_up = |spans: &[&RecordedSpan]| {
        let outcomes = spans.iter().filter_map(|span| span.attr("ctx.outcome"));
        outcomes.count()
    };
    let errors = failed(&sent);
    assert_eq!(errors.len() + given_up(&sent), traced.failed);
    let known = ["io", "connection-closed", "channel-closed"];
    assert!(
        errors.iter().all(|error| known.contains(&error.as_str())),
        "{errors:?}"
    );
    let processed = of("process");
    assert_eq!(processed.len(), traced.handed_over);
    assert!(
        failed(&processed).is_empty(),
        "that a message could not be settled is no failure to process it"
    );
    let acked = processed.iter().filter(|span| settlement(span) == "ack");
    assert_eq!(acked.count(), traced.acked);
    let settled = of("settle");
    assert_eq!(settled.len(), traced.handed_over);
    assert_eq!(
        failed(&settled).len() + given_up(&settled),
        traced.handed_over - traced.acked
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmations_that_a_dead_broker_owes_fail_their_spans() {
    let recorder = SpanRecorder::new();
    let broker = Broker::start().await.unwrap();
    let (_connection, channel) = connect(&broker).await;
    let channel = TracedChannel::new(channel, QueueTracer::new(recorder.tracer("shop")));
    let mut owed = Vec::new();
    let mut refused = 0;
    for number in 0..500 {
        if number == 250 {
            broker.kill().await;
        }
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        match channel
            .basic_publish("".into(), QUEUE.into(), options, b"x", properties)
            .await
        {
            Ok(confirm) => owed.push(confirm),
            Err(_) => refused += 1,
        }
    }
    let answers = timeout(LONG, join_all(owed)).await.unwrap();
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    assert!(failed + refused > 0);
    assert_eq!(recorder.open(), 0);
    let spans = recorder.take();
    assert_eq!(spans.len(), 500);
    let told = spans.iter().filter(|span| span.error_type().is_some());
    assert_eq!(told.count(), failed + refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_recovery_deliveries_are_told_apart_from_those_before_it() {
    let recorder = SpanRecorder::new();
    let broker = Broker::start().await.unwrap();
    let properties = ConnectionProperties::default()
        .enable_auto_recover()
        .configure_backoff(|backoff| {
            let backoff = backoff.with_min_delay(Duration::from_millis(5));
            backoff
                .with_max_delay(Duration::from_millis(100))
                .with_max_times(200)
        });
    let connection = Connection::connect(&broker.url(), properties)
        .await
        .unwrap();
    let channel = connection.create_channel().await.unwrap();
    let declare = channel.queue_declare(
        QUEUE.into(),
        QueueDeclareOptions::default(),
        FieldTable::default(),
    );
    declare.await.unwrap();
    let channel = TracedChannel::new(channel, QueueTracer::new(recorder.tracer("shop")));
    for number in 0..3 {
        publish(&channel, false, number).await.unwrap();
    }
    let consume = channel.basic_consume(
        QUEUE.into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let mut consumer = consume.await.unwrap();
    let first = next(&channel, &mut consumer).await;
    let second = next(&channel, &mut consumer).await;
    let third = next(&channel, &mut consumer).await;
    second
        .ack(BasicAckOptions { multiple: true })
        .await
        .unwrap();
    drop((first, second));
    // The broker must have it before it dies, or all three come again: it has what came before this.
    let options = QueueDeclareOptions::default();
    let through = channel.queue_declare(QUEUE.into(), options, FieldTable::default());
    through.await.unwrap();
    let spans = recorder.take();
    let processed = spans
        .iter()
        .filter(|span| span.kind() == SpanKind::Consumer);
    assert_eq!(
        processed.map(settlement).collect::<Vec<_>>(),
        ["ack", "ack"]
    );

    broker.kill().await;
    broker.restart().await.unwrap();
    let again = next(&channel, &mut consumer).await;
    assert_eq!(again.data, b"2");
    assert!(again.redelivered);
    assert_eq!(again.delivery_tag, 1, "tags begin anew");
    // Of the time before the broker died.
    assert!(!third.ack(BasicAckOptions::default()).await.unwrap_or(false));
    drop(third);
    let settle = recorder.take_named(&format!("ack {QUEUE}"));
    settle.assert_failed("channel-closed");
    assert_eq!(settlement(&recorder.take_one()), "none");
    drop(again);
    let process = recorder.take_one();
    assert_eq!(
        settlement(&process),
        "none",
        "what was settled before has nothing to do with it"
    );
    assert!(process.bool("ctx.message.redelivered"));
}

/// The next delivery, over a recovery if need be.
async fn next(
    channel: &TracedChannel,
    consumer: &mut TracedConsumer,
) -> queue_trace::amqp::TracedDelivery {
    let next = async {
        loop {
            match consumer.next().await.expect("the consumer goes on") {
                Ok(delivery) => return delivery,
                Err(error) => channel.wait_for_recovery(error).await.unwrap(),
            }
        }
    };
    timeout(LONG, next).await.expect("no delivery in time")
}
