//! Messages come as they were sent.

use futures_util::future::join_all;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Confirmation};

use super::super::stage::{Stage, confirms, table, text};
use super::{bodies, consume_with, next, put, put_many, state, wait_for};

pub(in crate::amqp) async fn every_kind_of_header_arrives_as_it_was_sent(stage: Stage) {
    let headers = table(&[
        ("boolean", AMQPValue::Boolean(true)),
        ("i8", AMQPValue::ShortShortInt(-8)),
        ("u8", AMQPValue::ShortShortUInt(200)),
        ("i16", AMQPValue::ShortInt(-16)),
        ("u16", AMQPValue::ShortUInt(60_000)),
        ("i32", AMQPValue::LongInt(-32)),
        ("u32", AMQPValue::LongUInt(4_000_000_000)),
        ("i64", AMQPValue::LongLongInt(i64::MIN)),
        ("f32", AMQPValue::Float(1.5)),
        ("f64", AMQPValue::Double(-2.5)),
        (
            "decimal",
            AMQPValue::DecimalValue(DecimalValue {
                scale: 2,
                value: 314,
            }),
        ),
        ("text", text("ü")),
        ("no text", AMQPValue::LongString(vec![0xff, 0].into())),
        (
            "bytes",
            AMQPValue::ByteArray(ByteArray::from(vec![0, 1, 2])),
        ),
        (
            "list",
            AMQPValue::FieldArray(FieldArray::from(vec![text("a"), AMQPValue::Void])),
        ),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        (
            "table",
            AMQPValue::FieldTable(table(&[("inner", text("x"))])),
        ),
        ("null", AMQPValue::Void),
    ]);
    let properties = BasicProperties::default()
        .with_headers(headers)
        .with_content_type("text/plain".into())
        .with_content_encoding("identity".into())
        .with_delivery_mode(2)
        .with_priority(4)
        .with_correlation_id("c-7".into())
        .with_reply_to("nowhere".into())
        .with_expiration("60000".into())
        .with_message_id("m-7".into())
        .with_timestamp(1_700_000_000)
        .with_type("order".into())
        .with_user_id("guest".into())
        .with_app_id("shop".into());
    put(&stage.channel, &stage.queue, b"x", properties.clone()).await;
    assert_eq!(
        wait_for(&stage.channel, &stage.queue).await.properties,
        properties
    );
}

pub(in crate::amqp) async fn large_and_empty_bodies_arrive_whole(stage: Stage) {
    let large: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
    for body in [&large[..], b""] {
        put(
            &stage.channel,
            &stage.queue,
            body,
            BasicProperties::default(),
        )
        .await;
        assert!(
            wait_for(&stage.channel, &stage.queue).await.data == body,
            "{}",
            body.len()
        );
    }
}

pub(in crate::amqp) async fn every_publication_of_many_is_confirmed(stage: Stage) {
    confirms(&stage.channel).await;
    let channel = stage.channel.inner();
    let mut sent = Vec::new();
    for _ in 0..1000 {
        let (queue, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
        let publish =
            channel.basic_publish("".into(), queue, options, b"x", BasicProperties::default());
        sent.push(publish.await.unwrap());
    }
    let answers = join_all(sent).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap() == Confirmation::Ack(None))
    );
    assert_eq!(state(channel, &stage.queue).await.message_count(), 1000);
}

pub(in crate::amqp) async fn a_returned_message_is_whole(stage: Stage) {
    confirms(&stage.channel).await;
    let properties = BasicProperties::default().with_headers(table(&[("tenant", text("7"))]));
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let channel = stage.channel.inner();
    let sent = channel.basic_publish(
        "".into(),
        "queue-trace-nowhere".into(),
        options,
        b"hello",
        properties.clone(),
    );
    let answer = sent.await.unwrap().await.unwrap();
    let returned = answer.take_message().unwrap();
    assert_eq!(
        (returned.reply_code, returned.reply_text.as_str()),
        (312, "NO_ROUTE")
    );
    assert_eq!(returned.delivery.data, b"hello");
    assert_eq!(returned.delivery.properties, properties);
    assert_eq!(
        returned.delivery.routing_key.as_str(),
        "queue-trace-nowhere"
    );
}

pub(in crate::amqp) async fn replies_come_directly(stage: Stage) {
    let channel = stage.channel.inner();
    let options = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let consume = channel.basic_consume(
        "amq.rabbitmq.reply-to".into(),
        "".into(),
        options,
        FieldTable::default(),
    );
    let mut replies = consume.await.unwrap();
    let asked = BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into());
    put(channel, &stage.queue, b"?", asked).await;
    let request = wait_for(channel, &stage.queue).await;
    let to = request.properties.reply_to().clone().unwrap();
    assert!(to.as_str().starts_with("amq.rabbitmq.reply-to."));

    let (_connection, server) = stage.stranger().await;
    put(&server, to.as_str(), b"!", BasicProperties::default()).await;
    let reply = next(&mut replies).await;
    assert_eq!(reply.data, b"!");
    assert_eq!(reply.routing_key, to);
}

pub(in crate::amqp) async fn who_stops_to_wait_for_replies_may_begin_again(stage: Stage) {
    let channel = stage.channel.inner();
    let options = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    for _ in 0..3 {
        let consume = channel.basic_consume(
            "amq.rabbitmq.reply-to".into(),
            "".into(),
            options,
            FieldTable::default(),
        );
        let replies = consume.await.unwrap();
        let cancel = channel.basic_cancel(replies.tag(), Default::default());
        cancel.await.unwrap();
    }
}

/// A stream outlives its connection, so it is deleted at the end.
pub(in crate::amqp) async fn a_stream_is_read_from_where_one_likes_and_stays(stage: Stage) {
    let channel = stage.channel.inner();
    let name = stage.own("stream");
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let arguments = table(&[("x-queue-type", text("stream"))]);
    channel
        .queue_declare(name.as_str().into(), options, arguments)
        .await
        .unwrap();
    put_many(channel, &name, 4).await;
    channel
        .basic_qos(2, BasicQosOptions::default())
        .await
        .unwrap();
    for (offset, expected) in [
        (text("first"), ["0", "1", "2"]),
        (AMQPValue::LongLongInt(1), ["1", "2", "3"]),
    ] {
        let mut consumer =
            consume_with(channel, &name, table(&[("x-stream-offset", offset)])).await;
        let mut came = Vec::new();
        for _ in 0..3 {
            let delivery = next(&mut consumer).await;
            let headers = delivery.properties.headers().as_ref().unwrap();
            let number = expected[came.len()].parse().unwrap();
            assert_eq!(
                headers.inner()["x-stream-offset"],
                AMQPValue::LongLongInt(number)
            );
            delivery
                .acker
                .ack(BasicAckOptions::default())
                .await
                .unwrap();
            came.push(delivery);
        }
        assert_eq!(bodies(&came), expected);
        channel
            .basic_cancel(consumer.tag(), Default::default())
            .await
            .unwrap();
    }
    channel
        .queue_delete(name.as_str().into(), QueueDeleteOptions::default())
        .await
        .unwrap();
}
