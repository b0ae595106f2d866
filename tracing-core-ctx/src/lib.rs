//! The context core of distributed tracing: what a trace *is*.
//!
//! ```text
//!   caller's headers                                                    callee's headers
//!        |                                                                     ^
//!        v  Propagator::extract                                                |  Propagator::inject
//!   +---------+   Tracer::span(..).start()   +------+   span.context()   +---------+
//!   | Context |  ------------------------->  | Span |  --------------->  | Context |  current in scopes,
//!   +---------+   Sampler decides first      +------+                    +---------+  futures and streams
//!                                               |
//!                                               v  SpanSink::submit, once
//!                                          SpanRecord
//! ```
//!
//! A [`Span`] is one operation. A [`Context`] says which span is current and carries it, with [`Baggage`], through futures, threads
//! and, by a [`Propagator`], to other services. A [`Tracer`] is a value that knows how to do all this; nothing here is global
//! unless you ask for it. There is no runtime, no HTTP and no OpenTelemetry SDK in here.
//!
//! ```
//! use tracing_core_ctx::{Span, Tracer, semconv};
//!
//! fn checkout(tracer: &Tracer) {
//!     let span = tracer.span("checkout").start();
//!     span.set("shop.cart.size", 3);
//!     let _scope = span.context().attach();
//!     charge(); // Its span is a child.
//! }
//!
//! fn charge() {
//!     let span = Span::child("charge");
//!     span.set(semconv::SERVER_ADDRESS, "psp.example");
//! }
//! # checkout(&Tracer::noop());
//! ```

// Public API.
pub mod attribute;
pub mod baggage;
pub mod context;
pub mod diagnostics;
pub mod id;
pub mod limits;
mod lock;
pub mod observer;
pub mod propagation;
pub mod sampler;
pub mod semconv;
pub mod span;
pub mod trace_state;
pub mod tracer;

#[doc = include_str!("../RATIONALE.md")]
pub mod _rationale {}

// Necessary for implementation.
mod flags;
mod hex;
mod id_generator;
mod pool;
mod resource;
mod sink;
mod span_context;
mod time;

// The public interface is:
pub use baggage::Baggage;
pub use context::Context;
pub use flags::TraceFlags;
pub use id::{SpanId, TraceId};
pub use id_generator::{IdGenerator, RandomIds};
pub use propagation::Propagator;
pub use resource::{InstrumentationScope, Resource};
pub use sampler::Sampler;
pub use sink::{NoSink, SpanSink};
pub use span::{ActiveSpan, Relation, Span, SpanFutureExt, SpanKind, SpanRecord, SpanRef, Status};
pub use span_context::SpanContext;
pub use time::{Clock, SystemClock, Timestamp};
pub use trace_state::TraceState;
pub use tracer::Tracer;

/// Tests the example of the front page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;
