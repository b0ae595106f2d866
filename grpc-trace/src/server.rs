//! Tracing the calls that a server answers.
//!
//! ```
//! use grpc_trace::TraceLayer;
//! use tonic::transport::Server;
//! # use tracing_core_ctx::Tracer;
//! # let tracer = Tracer::noop();
//!
//! let server = Server::builder().layer(TraceLayer::new(tracer).leave_out(grpc_trace::INFRASTRUCTURE));
//! # drop(server);
//! ```
//!
//! # When things happen
//!
//! 1. **The head of the request arrives.** The caller's context is read and believed as far as [`trust`](TraceLayer::trust) says; the
//!    [`filter`](TraceLayer::filter) is asked; the tracer's sampler decides. If nothing is recorded, this is all: the context travels on and no
//!    attribute is built.
//! 2. **The span starts.** Then [`on_request`](TraceLayer::on_request) runs.
//! 3. **The handler runs**, and the stream that it returns is polled. The span's context is current in all of it, and when they are dropped.
//! 4. **The head of the response is there.** [`on_response`](TraceLayer::on_response) runs.
//! 5. **The final status is sent**, or the stream is dropped: the span ends, once. See the [front page](crate) for the status.
//!
//! # Where the layer stands
//!
//! `Server::layer` puts it inside of tonic's own timeouts and limits and outside of all services. What is outside of it is not part of the span: an
//! interceptor that refuses a call is, if it is on the service. tonic drops a handler whose deadline has passed, and answers in its place; the span is
//! then `DEADLINE_EXCEEDED`. For a server with a timeout of its own (`Server::timeout`) say so: [`timeout`](TraceLayer::timeout).
//! All that comes in is taken for a call: where other requests do too, such as the preflight requests of browsers, a
//! [`filter`](TraceLayer::filter) keeps them out. One layer for each request: inside of a layer for HTTP, both read the headers, make a span below the caller and
//! believe what their own trust allows; [there](tower_trace::server) it says more. With gRPC-Web the layer belongs inside of `tonic_web::GrpcWebLayer`, which turns trailers into data.
//!
//! On one service:
//!
//! ```
//! use grpc_trace::TraceLayer;
//! use tower_layer::Layer as _;
//! # #[derive(Clone)]
//! # struct GreeterServer;
//! # impl tonic::server::NamedService for GreeterServer { const NAME: &'static str = "accept.greeter.v1.Greeter"; }
//! # let tracer = tracing_core_ctx::Tracer::noop();
//! # let greeter = GreeterServer;
//!
//! let traced = TraceLayer::new(tracer).layer(greeter);
//! // Server::builder().add_service(traced): it still has its name.
//! # fn named<S: tonic::server::NamedService>(_: S) {}
//! # named(traced);
//! ```

mod attributes;
mod config;
mod layer;
mod policy;
mod service;

pub use layer::TraceLayer;
pub use service::Trace;
