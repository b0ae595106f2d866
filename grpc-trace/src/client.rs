//! Tracing the calls that a program makes.
//!
//! ```
//! use grpc_trace::ClientTraceLayer;
//! use tonic::transport::Endpoint;
//! # use tracing_core_ctx::Tracer;
//! # fn demo(tracer: Tracer) {
//!
//! let endpoint = Endpoint::from_static("http://orders.shop.internal:50051");
//! let channel = ClientTraceLayer::new(tracer).connect_lazy(&endpoint);
//! // OrdersClient::new(channel)
//! # drop(channel);
//! # }
//! ```
//!
//! A `Channel` does not tell whom it calls. One that was made by other means, or that balances between servers, is traced like any service, and its
//! [`target`](ClientTraceLayer::target) is said: `ClientTraceLayer::new(tracer).target("http://orders:50051").layer(channel)`.
//!
//! # When things happen
//!
//! 1. **The call is made.** Its span is a child of the current span. The sampler decides; if it drops, this is all but for the metadata: the
//!    context is always handed on.
//! 2. **The span starts** with everything the request says. Then [`on_request`](ClientTraceLayer::on_request) runs.
//! 3. **The context is written** into the metadata, in place of what it held under the propagator's names.
//! 4. **The request's messages are read** by the task of the connection, with the span current in every poll of their stream.
//! 5. **The head of the response is there.** [`on_response`](ClientTraceLayer::on_response) runs.
//! 6. **The final status arrives**, or the call is dropped: the span ends, once. See the [front page](crate) for the status.
//!
//! A stream of responses that is not read to its end is dropped: `CANCELLED`, and an error on this side.
//!
//! # Calls that cross tasks
//!
//! `Channel` is a buffer to a task of its own, and stands inside of the layer: nothing is lost. A `tower::buffer` outside of the layer calls it where
//! the caller's context is not current. Then an [interceptor](crate::interceptor::InjectContext) around all of it brings the context along, or the
//! request does, as an extension:
//!
//! ```
//! use tracing_core_ctx::Context;
//!
//! let mut request = tonic::Request::new("hello");
//! request.extensions_mut().insert(Context::current());
//! ```
//!
//! # What is not recorded
//!
//! A call that is not recorded allocates nothing but the headers that it sends, and its stream of requests is left as it is. If such a stream makes traced calls of its own, it
//! [brings its context along](tracing_core_ctx::context::StreamExt::with_context), or the layer does it for every stream:
//! [`always_accompany`](ClientTraceLayer::always_accompany).

mod attributes;
mod config;
mod layer;
mod policy;
mod service;
mod target;

pub use layer::ClientTraceLayer;
pub use service::ClientTrace;
pub use tower_trace::client::ServerAddr;
