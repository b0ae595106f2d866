//! lapin, on the broker in this process; and on the one at `AMQP_URL`, if it is set.

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use queue_trace::amqp::TracedChannel;
use trace_testkit::amqp::Broker;
use trace_testkit::messaging::{Letter, Messaging, Wish};
use tracing_core_ctx::Tracer;

const QUEUE: &str = "letters";

/// Where `IS_NAMED`, at `AMQP_URL`.
struct Rabbit<const IS_NAMED: bool> {
    channel: TracedChannel,
    queue: ShortString,
    _connection: Connection,
    _broker: Option<Broker>,
}

/// The address, and the broker if it is one of our own.
async fn broker(is_named: bool) -> (String, Option<Broker>) {
    let named = std::env::var("AMQP_URL").ok();
    match named.filter(|url| is_named && !url.is_empty()) {
        Some(url) => {
            eprintln!("on the broker at {url}");
            (url, None)
        }
        None => {
            let broker = Broker::start().await.unwrap();
            (broker.url(), Some(broker))
        }
    }
}

fn properties(letter: &Letter) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in &letter.headers {
        let value = AMQPValue::LongString(value.clone().into());
        table.insert(ShortString::from(name.as_str()), value);
    }
    BasicProperties::default().with_headers(table)
}

fn letter(delivery: &Delivery) -> Letter {
    let mut letter = Letter::of(delivery.data.clone());
    for (name, value) in delivery.properties.headers().iter().flatten() {
        let AMQPValue::LongString(value) = value else {
            panic!("{name} is {value:?}, and many consumers read long strings alone");
        };
        letter = letter.with(name.as_str(), value.as_bytes());
    }
    letter
}

impl<const IS_NAMED: bool> Messaging for Rabbit<IS_NAMED> {
    async fn start(tracer: Tracer, wish: Option<Wish>) -> Self {
        let (url, broker) = broker(IS_NAMED).await;
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(&url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        channel
            .basic_qos(1, BasicQosOptions::default())
            .await
            .unwrap();
        let options = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let queue = ShortString::from(super::own(QUEUE));
        let declare = channel.queue_declare(queue.clone(), options, FieldTable::default());
        declare.await.unwrap();
        Self {
            queue,
            channel: TracedChannel::new(channel, super::tracer(tracer, wish)),
            _connection: connection,
            _broker: broker,
        }
    }

    async fn send(&self, letter: Letter) {
        let (options, properties) = (BasicPublishOptions::default(), properties(&letter));
        let sent = self.channel.basic_publish(
            "".into(),
            self.queue.clone(),
            options,
            &letter.body,
            properties,
        );
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    }

    async fn process(&self, work: impl FnOnce(&Letter) + Send) {
        let options = BasicConsumeOptions::default();
        let consume = self.channel.basic_consume(
            self.queue.clone(),
            "".into(),
            options,
            FieldTable::default(),
        );
        let mut consumer = consume.await.unwrap();
        let delivery = consumer.next().await.unwrap().unwrap();
        delivery.process(async { work(&letter(&delivery)) }).await;
        // The consumer goes first, or it would get the next message.
        self.channel
            .basic_cancel(consumer.tag(), Default::default())
            .await
            .unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }

    async fn send_bare(&self, letter: Letter) {
        let (options, properties) = (BasicPublishOptions::default(), properties(&letter));
        let channel = self.channel.inner();
        let sent = channel.basic_publish(
            "".into(),
            self.queue.clone(),
            options,
            &letter.body,
            properties,
        );
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    }

    async fn receive_bare(&self) -> Letter {
        let options = lapin::options::BasicGetOptions { no_ack: true };
        let got = self
            .channel
            .inner()
            .basic_get(self.queue.clone(), options)
            .await;
        letter(&got.unwrap().unwrap().delivery)
    }
}

mod in_process {
    trace_testkit::messaging_suite!(super::Rabbit<false>);
}

mod at_url {
    trace_testkit::messaging_suite!(super::Rabbit<true>);
}
