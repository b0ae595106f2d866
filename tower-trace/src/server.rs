//! Tracing the requests that a service answers.
//!
//! ```
//! use tower::{Layer as _, service_fn};
//! use tower_trace::TraceLayer;
//! use tracing_core_ctx::Tracer;
//!
//! # async fn handle(_: http::Request<http_body_util::Empty<bytes::Bytes>>)
//! #     -> Result<http::Response<http_body_util::Empty<bytes::Bytes>>, std::convert::Infallible> {
//! #     Ok(http::Response::default())
//! # }
//! # let tracer = Tracer::noop();
//! let service = TraceLayer::new(tracer).layer(service_fn(handle));
//! ```
//!
//! # When things happen
//!
//! 1. **The request arrives** (`call`). The caller's context is read and believed as far as [`trust`](TraceLayer::trust) says; the
//!    [`filter`](TraceLayer::filter) is asked; the route and the [`name`](TraceLayer::name) are looked up; the tracer's sampler decides.
//!    If nothing is recorded, this is all: the context travels on and no attribute is built.
//! 2. **The span starts** with everything the head of the request says. Then [`on_request`](TraceLayer::on_request) runs.
//! 3. **The service runs.** Its span's context is current in `call`, in every poll, and when the future is dropped.
//! 4. **The head of the response is there.** [`on_response`](TraceLayer::on_response) runs.
//! 5. **The body is read.** The context is current in every poll of it and when it is dropped.
//! 6. **The exchange ends** and the span with it, once: see [`exchange`](crate::exchange) for how.
//!
//! Status: 5xx, errors and panics make the span an error; 4xx do not, and neither does a caller who goes away
//! (`ctx.outcome` = `cancelled`).
//!
//! # Where the layer stands
//!
//! What is outside of it is not part of the span, and what is inside runs in it. Waiting for a limit's permit is outside in any case: a
//! request starts when it is called. A timeout inside is the error `timeout`, one outside a cancellation. A layer that makes an answer of a
//! panic belongs outside: inside, it leaves nothing but a 500. `tower::buffer` inside calls the service in a task of its own, where the span is
//! not current; in the polls of the response it is.
//!
//! One layer for each request: on a nested router and on the one around it, or for HTTP around one for gRPC, each reads the headers by itself. Both spans are then
//! children of the caller, or start two traces where there is none; observers are told by both; and the inner one takes over what its own trust allows,
//! whatever the outer one has refused. Where two are wanted all the same, give both the same [`trust`](TraceLayer::trust), and one of them an
//! [observer](TraceLayer::observe). A filter on the outer one can leave to the inner one what that traces.
//!
//! # Texts of strangers
//!
//! Names are bounded in number ([`max_names`](TraceLayer::max_names)). Of a path, a query, a user agent, an unknown method, and of each line of
//! a captured header, at most 8 KiB are recorded, after redaction; of a captured header at most 16 lines. What is no host is not recorded as one. A
//! tracer can set a smaller limit for all its attributes (`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`). How large a head may be at all is
//! the server's decision.

mod attributes;
mod config;
mod describe;
mod layer;
mod policy;
mod service;

pub use describe::DescribeServer;
pub use layer::TraceLayer;
pub use service::Trace;
