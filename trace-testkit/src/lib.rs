//! Tests for instrumentation: a recorder that notices every span, time that stands still, traces drawn as text, and the contracts
//! that every instrumentation of HTTP or gRPC has to keep.
//!
//! ```text
//!   code under test --Tracer--> SpanRecorder --take--> RecordedSpan --render--> text for a snapshot
//!                     |  |
//!         VirtualClock   KnownIds
//! ```
//!
//! A test asks for a tracer, runs something, and takes the spans. What it does not take fails it:
//!
//! ```
//! use trace_testkit::SpanRecorder;
//!
//! let recorder = SpanRecorder::new();
//! let tracer = recorder.tracer("shop");
//!
//! let span = tracer.span("checkout").start();
//! span.set("shop.cart.size", 3);
//! span.end();
//!
//! let span = recorder.take_one();
//! assert_eq!(span.name(), "checkout");
//! span.assert_attributes(&[("shop.cart.size", 3.into())]);
//! ```
//!
//! An instrumentation of HTTP implements a trait of one method and runs the suite: see [`http`]. One of gRPC does the same: see [`grpc`].
//! One of message queues says how to send and to process a message: see [`messaging`].
//!
//! With the feature `amqp-broker` there is a broker for AMQP 0-9-1 to send messages through: `amqp::Broker`.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
#[cfg(feature = "amqp-broker")]
pub mod amqp;
pub mod grpc;
pub mod http;
pub mod messaging;
pub mod render;
pub mod traps;

// Necessary for implementation.
mod clock;
mod exchanges;
mod ids;
mod recorder;
mod span;

// The public interface is:
pub use clock::VirtualClock;
pub use exchanges::{ExchangeRecorder, RecordedExchange};
pub use ids::KnownIds;
pub use recorder::SpanRecorder;
pub use render::render;
pub use span::RecordedSpan;

/// The examples of the README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
