//! AMQP 0-9-1 with [lapin](https://docs.rs/lapin).
//!
//! ```no_run
//! use futures_util::StreamExt as _;
//! use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions};
//! use lapin::types::FieldTable;
//! use lapin::{BasicProperties, Channel};
//! use queue_trace::amqp::TracedChannel;
//! use queue_trace::QueueTracer;
//! use tracing_core_ctx::Tracer;
//!
//! # async fn send(_: &[u8]) {}
//! async fn emails(channel: Channel, tracer: Tracer) -> lapin::Result<()> {
//!     let channel = TracedChannel::new(channel, QueueTracer::new(tracer));
//!
//!     // The span ends with the broker's confirmation.
//!     let options = BasicPublishOptions::default();
//!     let properties = BasicProperties::default();
//!     channel
//!         .basic_publish("".into(), "emails".into(), options, b"hello", properties)
//!         .await?
//!         .await?;
//!
//!     // Each delivery is a process span, until it is settled or dropped.
//!     let options = BasicConsumeOptions::default();
//!     let mut consumer = channel
//!         .basic_consume("emails".into(), "".into(), options, FieldTable::default())
//!         .await?;
//!     while let Some(delivery) = consumer.next().await {
//!         let work = delivery?.run(|delivery| async move {
//!             send(&delivery.data).await;
//!             delivery.ack(BasicAckOptions::default()).await
//!         });
//!         work.await?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Spans
//!
//! | call | span | ends |
//! |---|---|---|
//! | [`basic_publish`](TracedChannel::basic_publish) | `publish {destination}`, producer | with the confirmation; without confirms when the frame is handed over |
//! | [`basic_get`](TracedChannel::basic_get) | `receive {destination}`, client, linked; none if the queue is empty | when the message is there |
//! | a [delivery](TracedDelivery) | `process {destination}`, consumer | when it is settled or dropped; `ctx.message.settlement` says how |
//! | [`ack`](TracedDelivery::ack), [`nack`](TracedDelivery::nack), [`reject`](TracedDelivery::reject), and [by tag](TracedChannel::basic_ack) | `ack {destination}`, .., client, below the process span | when the frame is handed over |
//!
//! The destination is `{exchange}:{routing key}`, on the consumer's side with `:{queue}`; empty and repeated parts are left out. Queues that the broker
//! names (`amq.gen-..`, `amq.rabbitmq.reply-to`) are marked as anonymous and temporary, and name no span (semconv of RabbitMQ); nor do temporary queues, which
//! are those that the channel [declares](TracedChannel::queue_declare) as exclusive or to be deleted with their last consumer. Where routing keys or queues have parameters in their names,
//! [`QueueTracer::destinations`](crate::QueueTracer::destinations) says so: other names are taken to be few.
//!
//! With confirms, a message that comes back, because no queue takes it, has failed with `no-route`; one that the broker refuses, with `nack`. Confirmations
//! that are dropped without having been awaited end their spans all the same, at the latest with [`wait_for_confirms`](TracedChannel::wait_for_confirms).
//! Without confirms nobody is told what became of a message. A delivery that is
//! rejected has not failed: that is for the application to say. What settles a delivery whose processing a sampler has dropped is not recorded either.
//!
//! Not seen are acknowledgements and publications by the [inner](TracedChannel::inner) channel. What the `Acker` of a delivery has settled leaves no
//! `ctx.message.settlement`.

mod channel;
mod confirm;
mod consumer;
mod delivery;
mod facts;
mod headers;
mod held;
mod name;
mod processing;
mod queues;
mod routes;
mod settle;
mod source;
mod waiting;

pub use channel::TracedChannel;
pub use confirm::TracedConfirm;
pub use consumer::TracedConsumer;
pub use delivery::{TracedDelivery, TracedGet};
pub use headers::AmqpHeaders;
pub use processing::Work;
