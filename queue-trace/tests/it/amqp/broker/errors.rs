//! What a client does wrong, and the code that it gets.

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ExchangeKind};

use super::super::stage::{LONG, Stage, table};
use super::{code, consume, wait_until};

pub(in crate::amqp) async fn what_is_wrong_closes_the_channel_with_its_code(stage: Stage) {
    let nowhere = || "queue-trace-nowhere".into();
    let queue = || stage.queue.as_str().into();
    let none = FieldTable::default;
    let fresh = async || stage.connection.create_channel().await.unwrap();

    let channel = fresh().await;
    let get = channel
        .basic_get(nowhere(), BasicGetOptions::default())
        .await;
    assert_eq!(code(&get.unwrap_err()), 404);
    let channel = fresh().await;
    let consumed = channel
        .basic_consume(nowhere(), "".into(), BasicConsumeOptions::default(), none())
        .await;
    assert_eq!(code(&consumed.unwrap_err()), 404);
    let channel = fresh().await;
    let bound = channel
        .queue_bind(
            queue(),
            nowhere(),
            "".into(),
            QueueBindOptions::default(),
            none(),
        )
        .await;
    assert_eq!(code(&bound.unwrap_err()), 404);
    let channel = fresh().await;
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let other = table(&[("x-max-length", AMQPValue::LongInt(1))]);
    let declared = channel.queue_declare(queue(), options, other).await;
    assert_eq!(code(&declared.unwrap_err()), 406);
    let channel = fresh().await;
    let reserved = channel
        .queue_declare("amq.mine".into(), options, none())
        .await;
    assert_eq!(code(&reserved.unwrap_err()), 403);
    let channel = fresh().await;
    let negative = table(&[("x-max-length", AMQPValue::LongInt(-1))]);
    let unfit = channel
        .queue_declare(stage.own("unfit").as_str().into(), options, negative)
        .await;
    assert_eq!(code(&unfit.unwrap_err()), 406);
    let channel = fresh().await;
    let kind = ExchangeKind::Fanout;
    let direct = channel
        .exchange_declare(
            "amq.direct".into(),
            kind,
            ExchangeDeclareOptions::default(),
            none(),
        )
        .await;
    assert!([403, 406].contains(&code(&direct.unwrap_err())));

    for wrong in ["ack", "reject", "publish", "expiration", "user"] {
        let channel = fresh().await;
        // One that sees how the channel ends.
        let mut witness = consume(&channel, &stage.queue).await;
        let publish = async |exchange: &str, properties| {
            let options = BasicPublishOptions::default();
            let sent = channel.basic_publish(exchange.into(), "x".into(), options, b"", properties);
            let _not_confirmed = sent.await.unwrap().await;
        };
        let properties = BasicProperties::default();
        match wrong {
            "ack" => channel
                .basic_ack(99, BasicAckOptions::default())
                .await
                .unwrap(),
            "reject" => channel
                .basic_reject(99, BasicRejectOptions::default())
                .await
                .unwrap(),
            "publish" => publish("queue-trace-nowhere", properties).await,
            "expiration" => publish("", properties.with_expiration("soon".into())).await,
            _ => publish("", properties.with_user_id("root".into())).await,
        }
        let end = tokio::time::timeout(LONG, witness.next()).await.unwrap();
        let expected = if wrong == "publish" { 404 } else { 406 };
        assert_eq!(code(&end.unwrap().unwrap_err()), expected, "{wrong}");
    }
}

async fn ended(channel: &Channel) {
    wait_until(async || !channel.status().connected()).await;
}

pub(in crate::amqp) async fn a_reply_to_nobody_closes_the_channel(stage: Stage) {
    let mut witness = consume(&stage.channel, &stage.queue).await;
    let asked = BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into());
    super::put(&stage.channel, &stage.queue, b"?", asked).await;
    let end = tokio::time::timeout(LONG, witness.next()).await.unwrap();
    assert_eq!(code(&end.unwrap().unwrap_err()), 406);
}

pub(in crate::amqp) async fn a_short_string_among_the_headers_closes_the_connection(stage: Stage) {
    let mut witness = consume(&stage.channel, &stage.queue).await;
    let headers = table(&[("traceparent", AMQPValue::ShortString("00-".into()))]);
    let properties = BasicProperties::default().with_headers(headers);
    super::put(&stage.channel, &stage.queue, b"x", properties).await;
    let end = tokio::time::timeout(LONG, witness.next()).await.unwrap();
    assert_eq!(code(&end.unwrap().unwrap_err()), 541);
    ended(&stage.channel).await;
    assert!(!stage.connection.status().connected());
}
