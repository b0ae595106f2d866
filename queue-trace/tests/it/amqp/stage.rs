use std::env;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::{TracedChannel, TracedConsumer, TracedDelivery};
use trace_testkit::amqp::Broker;
use trace_testkit::{RecordedSpan, SpanRecorder};

pub(super) const LONG: Duration = Duration::from_secs(20);

/// What one test works with. The queues go with the connection.
pub(super) struct Stage {
    pub(super) channel: TracedChannel,
    pub(super) queue: String,
    pub(super) recorder: SpanRecorder,
    pub(super) connection: Connection,
    url: String,
    test: &'static str,
}

/// Runs a fact on a broker of its own in this process.
pub(super) async fn in_process(test: &'static str, fact: impl AsyncFnOnce(Stage)) {
    let broker = Broker::start().await.unwrap();
    eprintln!("{test}: on the broker in this process");
    fact(Stage::at(&broker.url(), test).await).await;
}

/// Runs a fact on RabbitMQ at `AMQP_URL`, by default on this machine. Says so aloud if none answers; unless `AMQP_URL` names one, which then must.
pub(super) async fn rabbitmq(test: &'static str, fact: impl AsyncFnOnce(Stage)) {
    let named = env::var("AMQP_URL").ok();
    let url = named
        .as_deref()
        .unwrap_or("amqp://guest:guest@127.0.0.1:5672/%2f");
    match Connection::connect(url, ConnectionProperties::default()).await {
        Ok(connection) => {
            eprintln!("{test}: on RabbitMQ at {url}");
            fact(Stage::on(connection, url, test).await).await;
        }
        Err(error) => {
            assert!(named.is_none(), "{url} does not answer: {error}");
            eprintln!("{test}: SKIPPED, no RabbitMQ answers at {url}: {error}");
        }
    }
}

impl Stage {
    pub(super) async fn at(url: &str, test: &'static str) -> Self {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(url, properties).await.unwrap();
        Self::on(connection, url, test).await
    }

    async fn on(connection: Connection, url: &str, test: &'static str) -> Self {
        let channel = connection.create_channel().await.unwrap();
        let recorder = SpanRecorder::new();
        let queue = QueueTracer::new(recorder.tracer("shop"));
        let mut stage = Self {
            channel: TracedChannel::new(channel, queue),
            queue: String::new(),
            recorder,
            connection,
            url: url.to_owned(),
            test,
        };
        stage.queue = stage.declare("queue", &[]).await;
        stage
    }

    /// A queue of this test and this run alone, whose name names spans: the traced channel has not declared it.
    pub(super) async fn declare(&self, name: &str, arguments: &[(&str, AMQPValue)]) -> String {
        let name = self.own(name);
        let options = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = self.channel.inner();
        let declare = channel.queue_declare(name.as_str().into(), options, table(arguments));
        declare.await.unwrap();
        name
    }

    /// A channel of a connection of its own.
    pub(super) async fn stranger(&self) -> (Connection, Channel) {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(&self.url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// A name of this test and this run alone.
    pub(super) fn own(&self, name: &str) -> String {
        let short: String = self.test.chars().take(40).collect();
        format!("{short}-{name}-{}", std::process::id())
    }
}

/// The channel answers publications from now on.
pub(super) async fn confirms(channel: &TracedChannel) {
    let select = channel.confirm_select(ConfirmSelectOptions::default());
    select.await.unwrap();
}

pub(super) fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert((*name).into(), value.clone());
    }
    table
}

pub(super) fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

pub(super) async fn publish(on: &TracedChannel, queue: &str) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default().with_message_id("m-7".into());
    on.basic_publish("".into(), queue.into(), options, b"hello", properties)
        .await?
        .await
}

pub(super) async fn consume(on: &TracedChannel, queue: &str) -> TracedConsumer {
    let options = BasicConsumeOptions::default();
    let arguments = FieldTable::default();
    on.basic_consume(queue.into(), "".into(), options, arguments)
        .await
        .unwrap()
}

pub(super) async fn next(consumer: &mut TracedConsumer) -> TracedDelivery {
    let next = tokio::time::timeout(LONG, consumer.next()).await;
    next.expect("no delivery in time").unwrap().unwrap()
}

pub(super) fn is_linked(span: &RecordedSpan, to: &RecordedSpan) -> bool {
    let mut links = span.links().iter();
    links.any(|link| link.span_context.span_id() == to.span_id())
}

pub(super) fn settlement(span: &RecordedSpan) -> &str {
    span.str("ctx.message.settlement")
}
