//! Distributed tracing through message queues.
//!
//! ```text
//!   producer                          broker                          consumer
//!      |                                                                  |
//!   send span --- headers of the message ---> topic, queue ---> extract, trust, relate
//!      |                                                                  |
//!      +-- ends with the broker's answer                      process span: a child of the send span,
//!                                                             or linked to it; settle spans below
//! ```
//!
//! A message is not a call: nobody waits for it, it may be read with others, hours later, twice or never. So a consumer *follows from* its
//! producer: its span is linked to the producer's, and [`Relation`] says whether it also continues the producer's trace.
//!
//! [`QueueTracer`] is the model, without any transport: it starts the spans of the five operations of the OpenTelemetry messaging conventions and
//! carries contexts in and out of headers. Other brokers' clients can be traced with it alone:
//!
//! ```
//! use queue_trace::{ByteHeaders, Destination, Operation, QueueTracer};
//! use tracing_core_ctx::Tracer;
//!
//! # let tracer = Tracer::noop();
//! let queue = QueueTracer::new(tracer);
//!
//! // The producer.
//! let mut headers = ByteHeaders::default();
//! let operation = Operation::send("nats", "publish", Destination::named("orders"));
//! let mut sending = queue.start_send(&operation, &mut headers);
//! // .. hand the message over, then:
//! sending.end_with(|_| {});
//!
//! // The consumer.
//! let origin = queue.extract(&headers);
//! let operation = Operation::process("nats", "process", Destination::named("orders"));
//! let mut processing = queue.start_process(&operation, &origin);
//! {
//!     let _entered = processing.enter();
//!     // Spans started here are children of the process span.
//! }
//! processing.end_with(|_| {});
//! ```
//!
//! # Metrics
//!
//! With the feature `amqp` or `kafka`, `QueueTracer::observe` takes an observer, such as `ExchangeMetrics` of the crate `trace-pipeline`: it is told of every message,
//! whether it is recorded or not, with its time in the queue and the consumer's lag.
//!
//! # Features
//!
//! None is on by default, and none changes what is there without it.
//!
//! | feature | what it adds |
//! |---|---|
//! | `amqp` | the module `amqp`: channels, consumers and deliveries of [lapin](https://docs.rs/lapin) |
//! | `kafka` | the module `kafka`: producers and consumers of [rdkafka](https://docs.rs/rdkafka) |
//! | `tower` | the module `process`: a layer for services that handle messages of any broker |
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
#[cfg(feature = "amqp")]
pub mod amqp;
pub mod carrier;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "tower")]
pub mod process;

// Necessary for implementation.
mod carrying;
mod destination;
#[cfg(any(feature = "amqp", feature = "kafka", feature = "tower"))]
mod failure;
#[cfg(any(feature = "amqp", feature = "kafka"))]
mod few;
mod first;
mod incoming;
mod known;
mod message;
#[cfg(any(feature = "amqp", feature = "kafka"))]
mod observe;
mod operation;
mod origin;
#[cfg(any(feature = "amqp", feature = "kafka"))]
mod prepared;
mod propagate;
mod relation;
mod settings;
mod start;
mod trust;
#[cfg(any(feature = "amqp", feature = "kafka"))]
mod under_way;

use tracing_core_ctx::InstrumentationScope;

// The public interface is:
pub use carrier::ByteHeaders;
pub use destination::Destination;
pub use incoming::Incoming;
pub use message::Message;
pub use operation::{Operation, OperationType};
pub use origin::Origin;
pub use relation::Relation;
pub use settings::{Existing, QueueTracer};
pub use trust::Trust;

/// Who records the spans of this crate.
static SCOPE: InstrumentationScope =
    InstrumentationScope::new("queue-trace", env!("CARGO_PKG_VERSION"));

/// Tests the example of the front page.
#[cfg(all(doctest, feature = "amqp", feature = "kafka"))]
#[doc = include_str!("../README.md")]
struct FrontPage;
