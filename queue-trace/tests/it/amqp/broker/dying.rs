//! How messages die, and what is told of it.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::BasicRejectOptions;
use lapin::types::AMQPValue;

use super::super::stage::{Stage, text};
use super::{consume, next, put, wait_for};

/// Where the dead letters of a queue go.
fn dead_to(queue: &str) -> [(&'static str, AMQPValue); 2] {
    [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(queue)),
    ]
}

/// What is told of the deaths of a message: reason, queue, count.
fn deaths(delivery: &Delivery) -> Vec<(String, String, i64)> {
    let headers = delivery.properties.headers().as_ref().unwrap();
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else {
        panic!("{headers:?}");
    };
    let told = deaths.as_slice().iter().map(|death| {
        let AMQPValue::FieldTable(death) = death else {
            panic!("{death:?}");
        };
        let told = |name: &str| match death.inner().get(name) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            other => panic!("{name} {other:?}"),
        };
        assert!(matches!(
            death.inner().get("time"),
            Some(AMQPValue::Timestamp(_))
        ));
        assert_eq!(told("exchange"), "");
        assert!(matches!(
            death.inner().get("routing-keys"),
            Some(AMQPValue::FieldArray(_))
        ));
        let Some(AMQPValue::LongLongInt(count)) = death.inner().get("count") else {
            panic!("{death:?}");
        };
        (told("reason"), told("queue"), *count)
    });
    told.collect()
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a AMQPValue {
    &delivery.properties.headers().as_ref().unwrap().inner()[name]
}

pub(in crate::amqp) async fn a_message_whose_time_is_over_is_a_dead_letter(stage: Stage) {
    let letters = stage.declare("letters", &[]).await;
    let [exchange, key] = dead_to(&letters);
    let ttl = ("x-message-ttl", AMQPValue::LongInt(30));
    let queue = stage
        .declare("short", &[exchange.clone(), key.clone(), ttl])
        .await;
    put(&stage.channel, &queue, b"a", BasicProperties::default()).await;
    let dead = wait_for(&stage.channel, &letters).await;
    assert_eq!(deaths(&dead), [("expired".into(), queue.clone(), 1)]);
    assert_eq!(*header(&dead, "x-first-death-reason"), text("expired"));
    assert_eq!(*header(&dead, "x-first-death-queue"), text(&queue));
    assert_eq!(*header(&dead, "x-first-death-exchange"), text(""));

    let patient = stage.declare("patient", &[exchange, key]).await;
    let properties = BasicProperties::default()
        .with_expiration("30".into())
        .with_message_id("m-7".into());
    put(&stage.channel, &patient, b"b", properties).await;
    let dead = wait_for(&stage.channel, &letters).await;
    assert_eq!(deaths(&dead), [("expired".into(), patient, 1)]);
    assert_eq!(*dead.properties.expiration(), None);
    assert_eq!(*dead.properties.message_id(), Some("m-7".into()));
}

pub(in crate::amqp) async fn of_too_many_messages_the_first_is_a_dead_letter(stage: Stage) {
    let letters = stage.declare("letters", &[]).await;
    let [exchange, key] = dead_to(&letters);
    let queue = stage
        .declare(
            "small",
            &[exchange, key, ("x-max-length", AMQPValue::LongInt(1))],
        )
        .await;
    put(&stage.channel, &queue, b"first", BasicProperties::default()).await;
    put(
        &stage.channel,
        &queue,
        b"second",
        BasicProperties::default(),
    )
    .await;
    let dead = wait_for(&stage.channel, &letters).await;
    assert_eq!(dead.data, b"first");
    assert_eq!(deaths(&dead), [("maxlen".into(), queue.clone(), 1)]);
    assert_eq!(wait_for(&stage.channel, &queue).await.data, b"second");
}

/// A queue whose rejected messages wait in another one, and come back.
pub(in crate::amqp) async fn deaths_are_counted_for_each_queue_and_reason(stage: Stage) {
    let (work, wait) = (stage.own("work"), stage.own("wait"));
    stage.declare("work", &dead_to(&wait)).await;
    let [exchange, key] = dead_to(&work);
    stage
        .declare(
            "wait",
            &[exchange, key, ("x-message-ttl", AMQPValue::LongInt(10))],
        )
        .await;
    put(&stage.channel, &work, b"x", BasicProperties::default()).await;
    let mut consumer = consume(&stage.channel, &work).await;
    for round in 1..=3 {
        let delivery = next(&mut consumer).await;
        assert!(!delivery.redelivered, "a dead letter is a new message");
        if round == 3 {
            let expired = ("expired".to_owned(), wait.clone(), 2);
            assert_eq!(
                deaths(&delivery),
                [expired, ("rejected".into(), work.clone(), 2)]
            );
            assert_eq!(*header(&delivery, "x-first-death-reason"), text("rejected"));
            delivery.acker.ack(Default::default()).await.unwrap();
        } else {
            delivery
                .acker
                .reject(BasicRejectOptions::default())
                .await
                .unwrap();
        }
    }
}
