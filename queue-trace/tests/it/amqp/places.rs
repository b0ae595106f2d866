//! Where messages go to and come from: exchanges, and queues of every kind.

use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, ExchangeKind};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use trace_testkit::RecordedSpan;

use super::stage::{Stage, consume, is_linked, next, publish, settlement, table, text};

pub(super) async fn a_destination_is_exchange_key_and_queue(stage: Stage) {
    for (kind, key) in [
        (ExchangeKind::Direct, "warning"),
        (ExchangeKind::Topic, "warning.disk"),
        (ExchangeKind::Fanout, ""),
        (ExchangeKind::Headers, "any"),
    ] {
        let exchange = stage.own(&format!("{kind:?}"));
        let options = ExchangeDeclareOptions {
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let declare = stage.channel.exchange_declare(
            exchange.as_str().into(),
            kind,
            options,
            FieldTable::default(),
        );
        declare.await.unwrap();
        let queue = stage.declare(&format!("bound{}", key.len()), &[]).await;
        let bind = stage.channel.queue_bind(
            queue.as_str().into(),
            exchange.as_str().into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bind.await.unwrap();
        let sent = stage.channel.basic_publish(
            exchange.as_str().into(),
            key.into(),
            BasicPublishOptions::default(),
            b"",
            BasicProperties::default(),
        );
        sent.await.unwrap().await.unwrap();
        let publish = stage.recorder.take_one();
        let sent_to = [exchange.as_str(), key].join(":");
        assert_eq!(
            publish.str("messaging.destination.name"),
            sent_to.trim_end_matches(':')
        );
        assert_eq!(
            publish.attr("rabbitmq.destination.routing_key").is_some(),
            !key.is_empty()
        );

        let mut consumer = consume(&stage.channel, &queue).await;
        drop(next(&mut consumer).await);
        let process = stage.recorder.take_one();
        let came_to = format!("{}:{queue}", sent_to.trim_end_matches(':'));
        assert_eq!(process.str("messaging.destination.name"), came_to);
        assert_eq!(process.name(), format!("process {came_to}"));
        assert!(process.is_child_of(&publish));
    }
}

/// One message, two queues: each consumer is linked to the one publication.
pub(super) async fn a_message_to_many_queues_is_processed_once_in_each(stage: Stage) {
    let exchange = stage.own("fanout");
    let options = ExchangeDeclareOptions {
        auto_delete: true,
        ..ExchangeDeclareOptions::default()
    };
    stage
        .channel
        .exchange_declare(
            exchange.as_str().into(),
            ExchangeKind::Fanout,
            options,
            FieldTable::default(),
        )
        .await
        .unwrap();
    let mut queues = Vec::new();
    for name in ["emails", "stock"] {
        let queue = stage.declare(name, &[]).await;
        let bind = stage.channel.queue_bind(
            queue.as_str().into(),
            exchange.as_str().into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bind.await.unwrap();
        queues.push(queue);
    }
    let sent = stage.channel.basic_publish(
        exchange.as_str().into(),
        "".into(),
        BasicPublishOptions::default(),
        b"",
        BasicProperties::default(),
    );
    sent.await.unwrap().await.unwrap();
    let publish = stage.recorder.take_one();
    for queue in queues {
        let mut consumer = consume(&stage.channel, &queue).await;
        drop(next(&mut consumer).await);
        assert!(is_linked(&stage.recorder.take_one(), &publish));
    }
}

/// The spans of a message that is published, processed and acknowledged, whose names hold no more than that.
async fn from_publish_to_ack(stage: &Stage, queue: &str) -> [RecordedSpan; 3] {
    publish(&stage.channel, queue).await.unwrap();
    let mut consumer = consume(&stage.channel, queue).await;
    let delivery = next(&mut consumer).await;
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    drop(delivery);
    ["publish", "process", "ack"].map(|name| stage.recorder.take_named(name))
}

pub(super) async fn a_queue_that_the_broker_named_names_no_span(stage: Stage) {
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let declare = stage
        .channel
        .queue_declare("".into(), options, FieldTable::default());
    let queue = declare.await.unwrap().name().as_str().to_owned();
    for span in from_publish_to_ack(&stage, &queue).await {
        assert_eq!(span.str("messaging.destination.name"), queue);
        assert!(span.bool("messaging.destination.anonymous"));
        assert!(span.bool("messaging.destination.temporary"));
    }
}

/// For the broker it is the last one that was declared on the channel.
pub(super) async fn a_queue_without_name_is_the_last_that_was_declared(stage: Stage) {
    let options = QueueDeclareOptions::exclusive();
    let arguments = FieldTable::default();
    let declare = stage.channel.queue_declare("".into(), options, arguments);
    let queue = declare.await.unwrap().name().as_str().to_owned();
    for _ in 0..2 {
        publish(&stage.channel, &queue).await.unwrap();
    }
    let _published = stage.recorder.take();
    let got = stage
        .channel
        .basic_get("".into(), BasicGetOptions::default());
    drop(got.await.unwrap().unwrap());
    let mut consumer = consume(&stage.channel, "").await;
    drop(next(&mut consumer).await);
    let spans = stage.recorder.take();
    assert_eq!(spans.len(), 3);
    for span in spans {
        assert!(["receive", "process"].contains(&span.name()));
        assert_eq!(span.str("messaging.destination.name"), queue);
        assert!(span.bool("messaging.destination.anonymous"));
        assert!(span.bool("messaging.destination.temporary"));
    }
}

/// Where the declaration was not seen, the routing key tells what came by the default exchange.
pub(super) async fn a_queue_that_nobody_saw_declared_names_no_span(stage: Stage) {
    let options = QueueDeclareOptions::exclusive();
    let channel = stage.channel.inner();
    let declare = channel.queue_declare("".into(), options, FieldTable::default());
    let queue = declare.await.unwrap().name().as_str().to_owned();
    publish(&stage.channel, &queue).await.unwrap();
    let _published = stage.recorder.take();
    let mut consumer = consume(&stage.channel, "").await;
    drop(next(&mut consumer).await);
    let span = stage.recorder.take_named("process");
    assert!(span.bool("messaging.destination.temporary"));
}

pub(super) async fn a_queue_that_goes_with_its_users_names_no_span(stage: Stage) {
    for (number, options) in [
        QueueDeclareOptions::exclusive(),
        QueueDeclareOptions::default().auto_delete(),
    ]
    .into_iter()
    .enumerate()
    {
        let queue = stage.own(&format!("replies-{number}"));
        let (name, arguments) = (queue.as_str().into(), FieldTable::default());
        let declare = stage.channel.queue_declare(name, options, arguments);
        declare.await.unwrap();
        for span in from_publish_to_ack(&stage, &queue).await {
            assert_eq!(span.str("messaging.destination.name"), queue);
            span.assert_absent("messaging.destination.anonymous");
            assert!(span.bool("messaging.destination.temporary"));
        }
    }
}

pub(super) async fn a_name_with_parameters_has_its_template_in_the_names_of_spans(stage: Stage) {
    let (queue, recorder) = (stage.queue.clone(), stage.recorder.tracer("shop"));
    let own = queue.clone();
    let template = move |name: &str| {
        assert_ne!(name, "panics", "a hook may panic");
        (name == own).then_some("jobs.{customer}")
    };
    let tracer = QueueTracer::new(recorder).destinations(template);
    let channel = TracedChannel::new(stage.channel.inner().clone(), tracer);
    publish(&channel, &queue).await.unwrap();
    let options = BasicGetOptions::default();
    let got = channel.basic_get(queue.as_str().into(), options).await;
    let got = got.unwrap().unwrap();
    got.ack(BasicAckOptions::default()).await.unwrap();
    drop(got);
    for name in ["publish", "receive", "process", "ack"] {
        let span = stage
            .recorder
            .take_named(&format!("{name} jobs.{{customer}}"));
        assert_eq!(span.str("messaging.destination.name"), queue);
        let template = span.str("messaging.destination.template");
        assert_eq!(template, "jobs.{customer}");
    }
    let _unroutable = publish(&channel, "panics").await;
    let _unroutable = stage.recorder.take_named("publish panics");
}

pub(super) async fn a_request_that_is_answered_directly_is_one_trace(stage: Stage) {
    let options = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let consumer = stage.channel.basic_consume(
        "amq.rabbitmq.reply-to".into(),
        "".into(),
        options,
        FieldTable::default(),
    );
    let mut replies = consumer.await.unwrap();
    let asked = BasicProperties::default()
        .with_reply_to("amq.rabbitmq.reply-to".into())
        .with_correlation_id("c-7".into());
    let (to, options) = (stage.queue.as_str().into(), BasicPublishOptions::default());
    stage
        .channel
        .basic_publish("".into(), to, options, b"?", asked)
        .await
        .unwrap()
        .await
        .unwrap();
    let asked = stage.recorder.take_one();

    let mut requests = consume(&stage.channel, &stage.queue).await;
    let request = next(&mut requests).await;
    let reply = stage
        .channel
        .reply(&request, options, b"!", BasicProperties::default())
        .await;
    reply.unwrap().unwrap().await.unwrap();
    request.ack(BasicAckOptions::default()).await.unwrap();
    drop(request);
    let reply = next(&mut replies).await;
    assert_eq!(reply.data, b"!");
    assert_eq!(*reply.properties.correlation_id(), Some("c-7".into()));
    drop(reply);

    let answered = stage.recorder.take_named("publish");
    assert!(answered.bool("messaging.destination.anonymous"));
    assert!(
        answered
            .str("messaging.destination.name")
            .starts_with("amq.rabbitmq.reply-to.")
    );
    let read = stage.recorder.take_named("process");
    assert!(read.is_child_of(&answered));
    for span in [&answered, &read] {
        assert_eq!(span.trace_id(), asked.trace_id());
        assert_eq!(span.str("messaging.message.conversation_id"), "c-7");
    }
    read.assert_absent("ctx.message.settlement");
    let _request_and_ack = stage.recorder.take();
}

/// A stream outlives its connection, so it is deleted at the end.
pub(super) async fn each_reading_of_a_stream_is_linked_to_its_publication(stage: Stage) {
    let channel = stage.channel.inner();
    let name = stage.own("stream");
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(
            name.as_str().into(),
            options,
            table(&[("x-queue-type", text("stream"))]),
        )
        .await
        .unwrap();
    channel
        .basic_qos(10, BasicQosOptions::default())
        .await
        .unwrap();
    super::stage::confirms(&stage.channel).await;
    let mut published = Vec::new();
    for _ in 0..3 {
        assert!(publish(&stage.channel, &name).await.unwrap().is_ack());
        published.push(stage.recorder.take_one());
    }
    for _ in 0..2 {
        let arguments = table(&[("x-stream-offset", text("first"))]);
        let consume = stage.channel.basic_consume(
            name.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            arguments,
        );
        let mut consumer = consume.await.unwrap();
        for (offset, published) in published.iter().enumerate() {
            let delivery = next(&mut consumer).await;
            let headers = delivery.properties.headers().as_ref().unwrap();
            let told = AMQPValue::LongLongInt(i64::try_from(offset).unwrap());
            assert_eq!(headers.inner()["x-stream-offset"], told);
            delivery.ack(BasicAckOptions::default()).await.unwrap();
            drop(delivery);
            let process = stage.recorder.take_named(&format!("process {name}"));
            assert!(is_linked(&process, published));
            assert_eq!(settlement(&process), "ack");
            let _ack = stage.recorder.take_one();
        }
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
