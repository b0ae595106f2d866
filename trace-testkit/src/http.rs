//! Contracts that every instrumentation of HTTP has to keep, as suites of named tests.
//!
//! A harness says how to wrap a service; the suite does the rest: it puts a [`TestService`] inside, calls from outside, and compares what was
//! recorded with what happened.
//!
//! ```
//! # // Here the instrumentation is nothing but the service itself, which would pass few of the facts.
//! # struct TraceLayer;
//! # impl TraceLayer {
//! #     fn new(_: Tracer) -> Self { Self }
//! #     fn layer(&self, inner: TestService) -> TestService { inner }
//! # }
//! use trace_testkit::http::{HttpServer, Instrumented, TestService};
//! use tracing_core_ctx::Tracer;
//!
//! struct Layer;
//!
//! impl HttpServer for Layer {
//!     fn instrument(tracer: Tracer, inner: TestService) -> Instrumented {
//!         Instrumented::new(TraceLayer::new(tracer).layer(inner))
//!     }
//! }
//!
//! // In a module of tests: one `#[test]` for each fact.
//! trace_testkit::http_server_suite!(Layer);
//! # fn main() {}
//! ```
//!
//! The facts themselves are the documentation of the contract: [`server`] and [`client`] list them.

pub mod client;
pub mod context;
pub mod end;
pub mod outcome;
pub mod server;
pub mod transparency;
pub mod walk;

mod body;
pub(crate) mod call;
pub(crate) mod conventions;
mod facts;
mod instrumented;
mod probe;
mod sampler;
mod service;
pub(crate) mod side;

pub use body::{BodySender, TestBody, TestError};
pub use call::run;
pub use client::{HttpClient, SpanEnd};
pub use instrumented::{ErasedBody, ErasedFuture, Instrumented};
pub use probe::{Place, Probe};
pub use server::HttpServer;
pub use service::{TestFuture, TestService};
pub use side::{Client, Server, Side};

/// Any error, as most of tower passes it on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a harness sets an instrumentation up where a fact needs more than the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wish {
    /// Start a new trace for every request and link the caller's, as at a public edge (server).
    LinkCallers,
    /// Continue the caller's trace and decide about sampling without it (server).
    OwnSampling,
    /// Capture these request headers, by name in lower case.
    RequestHeaders(&'static [&'static str]),
    /// Capture these response headers, by name in lower case.
    ResponseHeaders(&'static [&'static str]),
    /// Say that this is the route (server) or the template (client) of every request.
    Route(&'static str),
    /// Send the context to these hosts and to nobody else (client).
    SendOnlyTo(&'static [&'static str]),
}
