//! Exchanges, and where they send messages.

use lapin::options::{
    BasicPublishOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, ExchangeKind};

use super::super::stage::{Stage, confirms, table, text};
use super::{bodies, get, put, wait_until};

async fn exchange(stage: &Stage, kind: ExchangeKind) -> String {
    let name = stage.own(&format!("{kind:?}"));
    let options = ExchangeDeclareOptions {
        auto_delete: true,
        ..ExchangeDeclareOptions::default()
    };
    let declare =
        stage
            .channel
            .exchange_declare(name.as_str().into(), kind, options, FieldTable::default());
    declare.await.unwrap();
    name
}

async fn bind(stage: &Stage, exchange: &str, key: &str, arguments: FieldTable) {
    let (queue, options) = (stage.queue.as_str().into(), QueueBindOptions::default());
    let bind = stage
        .channel
        .queue_bind(queue, exchange.into(), key.into(), options, arguments);
    bind.await.unwrap();
}

async fn send(stage: &Stage, exchange: &str, key: &str, headers: FieldTable) {
    let properties = BasicProperties::default().with_headers(headers);
    let options = BasicPublishOptions::default();
    let sent = stage.channel.inner().basic_publish(
        exchange.into(),
        key.into(),
        options,
        key.as_bytes(),
        properties,
    );
    assert!(sent.await.unwrap().await.unwrap().is_ack());
}

/// What came, up to a last message that comes on another way.
async fn came(stage: &Stage) -> Vec<String> {
    put(
        &stage.channel,
        &stage.queue,
        b"last",
        BasicProperties::default(),
    )
    .await;
    let mut came = Vec::new();
    loop {
        wait_until(async || {
            super::state(&stage.channel, &stage.queue)
                .await
                .message_count()
                > 0
        })
        .await;
        let got = get(&stage.channel, &stage.queue).await.unwrap();
        match bodies(&[got])[0] {
            "last" => return came,
            body => came.push(body.to_owned()),
        }
    }
}

pub(in crate::amqp) async fn exchanges_route_by_key_pattern_headers_or_to_all(stage: Stage) {
    confirms(&stage.channel).await;
    let keys = ["orders.eu", "orders.us.new", "other"];
    for (kind, key, expected) in [
        (ExchangeKind::Direct, "orders.eu", &keys[..1]),
        (ExchangeKind::Fanout, "", &keys[..]),
        (ExchangeKind::Topic, "orders.*", &keys[..1]),
        (ExchangeKind::Topic, "orders.#", &keys[..2]),
    ] {
        let exchange = exchange(&stage, kind.clone()).await;
        bind(&stage, &exchange, key, FieldTable::default()).await;
        for key in keys {
            send(&stage, &exchange, key, FieldTable::default()).await;
        }
        assert_eq!(came(&stage).await, expected, "{kind:?} {key}");
        let delete = stage
            .channel
            .exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default());
        delete.await.unwrap();
    }

    let headers = exchange(&stage, ExchangeKind::Headers).await;
    let wanted = [
        ("x-match", text("all")),
        ("kind", text("order")),
        ("size", AMQPValue::LongInt(3)),
    ];
    bind(&stage, &headers, "", table(&wanted)).await;
    send(&stage, &headers, "both", table(&wanted[1..])).await;
    send(&stage, &headers, "one", table(&wanted[1..2])).await;
    send(
        &stage,
        &headers,
        "another",
        table(&[("kind", text("order")), ("size", text("3"))]),
    )
    .await;
    assert_eq!(came(&stage).await, ["both"]);
    let any = [
        ("x-match", text("any")),
        ("kind", text("gift")),
        ("size", AMQPValue::Void),
    ];
    bind(&stage, &headers, "", table(&any)).await;
    send(&stage, &headers, "sized", table(&[("size", text("7"))])).await;
    send(
        &stage,
        &headers,
        "neither",
        table(&[("kind", text("book"))]),
    )
    .await;
    assert_eq!(came(&stage).await, ["sized"]);
}

pub(in crate::amqp) async fn a_binding_that_is_taken_away_routes_no_more(stage: Stage) {
    confirms(&stage.channel).await;
    let exchange = exchange(&stage, ExchangeKind::Direct).await;
    bind(&stage, &exchange, "a", FieldTable::default()).await;
    bind(&stage, &exchange, "b", FieldTable::default()).await;
    let queue = stage.queue.as_str().into();
    let unbind = stage.channel.queue_unbind(
        queue,
        exchange.as_str().into(),
        "a".into(),
        FieldTable::default(),
    );
    unbind.await.unwrap();
    send(&stage, &exchange, "a", FieldTable::default()).await;
    send(&stage, &exchange, "b", FieldTable::default()).await;
    assert_eq!(came(&stage).await, ["b"]);
}
