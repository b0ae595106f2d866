use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use queue_trace::QueueTracer;
use queue_trace::amqp::TracedChannel;
use tokio::runtime::Runtime;
use trace_testkit::amqp::Broker;
use tracing_core_ctx::Context;

use super::awaited::{Awaited, runtime};
use super::{BODY, PLACE};
use crate::Work;
use crate::work::BATCH;

pub(super) fn bare_producer() -> Box<dyn Work> {
    Box::new(untraced_producer(properties))
}

/// The same with a header.
pub(super) fn producer_by_hand(traceparent: &'static str) -> impl Work {
    untraced_producer(move || with_header(traceparent))
}

fn untraced_producer(properties: impl Fn() -> BasicProperties + Copy + 'static) -> impl Work {
    let (runtime, place) = place();
    let channel = Rc::new(place.channel(&runtime));
    Awaited::new(runtime, BATCH, move || {
        let _lives = &place;
        let channel = Rc::clone(&channel);
        async move {
            let (to, options) = (PLACE.into(), BasicPublishOptions::default());
            let sent = channel.basic_publish("".into(), to, options, BODY, properties());
            let answer = sent.await.expect("a channel").await;
            assert!(answer.expect("a confirmation").is_ack());
        }
    })
}

pub(super) fn producer(queue: QueueTracer, around: Context) -> Box<dyn Work> {
    let (runtime, place) = place();
    let channel = Rc::new(TracedChannel::new(place.channel(&runtime), queue));
    let work = Awaited::new(runtime, BATCH, move || {
        let _lives = &place;
        let channel = Rc::clone(&channel);
        async move {
            let (to, options) = (PLACE.into(), BasicPublishOptions::default());
            let sent = channel.basic_publish("".into(), to, options, BODY, properties());
            let answer = sent.await.expect("a channel").await;
            assert!(answer.expect("a confirmation").is_ack());
        }
    });
    Box::new(work.within(move || around.clone().attach()))
}

/// Each delivery is handled and acknowledged.
pub(super) fn bare_consumer(traceparent: &'static str) -> Box<dyn Work> {
    let (runtime, place) = place();
    let channel = place.channel(&runtime);
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = runtime
        .block_on(channel.basic_consume(PLACE.into(), "".into(), options, arguments))
        .expect("a consumer");
    let consumer = Rc::new(RefCell::new(consumer));
    let feed = place.feed(&runtime, traceparent);
    let work = Awaited::new(runtime, BATCH, move || {
        let _lives = &place;
        let consumer = Rc::clone(&consumer);
        async move {
            let next = poll_fn(|cx| consumer.borrow_mut().poll_next_unpin(cx)).await;
            let delivery = next.expect("no end").expect("a message");
            handle(&delivery.data).await;
            let acked = delivery.ack(BasicAckOptions::default()).await;
            assert!(acked.expect("a channel"));
        }
    });
    Box::new(work.after(feed))
}

pub(super) fn consumer(queue: QueueTracer, traceparent: &'static str) -> Box<dyn Work> {
    let (runtime, place) = place();
    let channel = TracedChannel::new(place.channel(&runtime), queue);
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = runtime
        .block_on(channel.basic_consume(PLACE.into(), "".into(), options, arguments))
        .expect("a consumer");
    let consumer = Rc::new(RefCell::new(consumer));
    let feed = place.feed(&runtime, traceparent);
    let work = Awaited::new(runtime, BATCH, move || {
        let _lives = &place;
        let consumer = Rc::clone(&consumer);
        async move {
            let next = poll_fn(|cx| consumer.borrow_mut().poll_next_unpin(cx)).await;
            let delivery = next.expect("no end").expect("a message");
            delivery.process(handle(&delivery.data)).await;
            let acked = delivery.ack(BasicAckOptions::default()).await;
            assert!(acked.expect("a channel"));
        }
    });
    Box::new(work.after(feed))
}

pub(crate) async fn handle(body: &[u8]) {
    assert_eq!(body.len(), BODY.len());
}

pub(crate) fn properties() -> BasicProperties {
    BasicProperties::default().with_content_type("application/json".into())
}

pub(crate) fn with_header(traceparent: &str) -> BasicProperties {
    let mut table = FieldTable::default();
    table.insert(
        "traceparent".into(),
        AMQPValue::LongString(traceparent.into()),
    );
    properties().with_headers(table)
}

/// A broker with one queue, which goes with the connection.
pub(crate) struct Place {
    connection: Connection,
    /// The one in this process, if it is that.
    _broker: Option<Broker>,
}

/// On a broker in this process.
fn place() -> (Runtime, Place) {
    place_at(None)
}

/// On the broker at `url`, or on one in this process.
pub(crate) fn place_at(url: Option<&str>) -> (Runtime, Place) {
    let runtime = runtime();
    let place = runtime.block_on(async {
        let broker = match url {
            Some(_) => None,
            None => Some(Broker::start().await.expect("a broker in this process")),
        };
        let own = broker.as_ref().map(Broker::url);
        let url = url.or(own.as_deref()).unwrap_or_default();
        let connection = Connection::connect(url, ConnectionProperties::default()).await;
        Place {
            connection: connection.expect("a connection"),
            _broker: broker,
        }
    });
    let declared = async {
        let channel = place.connection.create_channel().await?;
        let mut arguments = FieldTable::default();
        let options = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        // Nobody consumes what producers send.
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(1024));
        channel
            .queue_declare(PLACE.into(), options, arguments)
            .await
    };
    runtime.block_on(declared).expect("a queue");
    (runtime, place)
}

impl Place {
    /// Ends the connection, and with it the queue.
    pub(crate) fn close(self, runtime: &Runtime) {
        let closed = self.connection.close(200, "done".into());
        runtime.block_on(closed).expect("a connection");
    }

    /// A channel that confirms what is published.
    pub(crate) fn channel(&self, runtime: &Runtime) -> Channel {
        let channel = async {
            let channel = self.connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            lapin::Result::Ok(channel)
        };
        runtime.block_on(channel).expect("a channel")
    }

    /// Sends a batch to be consumed.
    fn feed(&self, runtime: &Runtime, traceparent: &'static str) -> impl FnMut() + use<> {
        let (channel, handle) = (self.channel(runtime), runtime.handle().clone());
        move || {
            let properties = with_header(traceparent);
            let sends = (0..BATCH).map(|_| {
                let (to, options) = (PLACE.into(), BasicPublishOptions::default());
                channel.basic_publish("".into(), to, options, BODY, properties.clone())
            });
            let confirmed = handle.block_on(async {
                for confirm in futures_util::future::join_all(sends).await {
                    assert!(confirm?.await?.is_ack());
                }
                lapin::Result::Ok(())
            });
            confirmed.expect("all are confirmed");
        }
    }
}
