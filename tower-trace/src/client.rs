//! Tracing the requests that a program sends.
//!
//! ```
//! use tower::{Layer as _, service_fn};
//! use tower_trace::ClientTraceLayer;
//! use tracing_core_ctx::Tracer;
//!
//! # async fn send(_: http::Request<http_body_util::Empty<bytes::Bytes>>)
//! #     -> Result<http::Response<http_body_util::Empty<bytes::Bytes>>, std::convert::Infallible> {
//! #     Ok(http::Response::default())
//! # }
//! # let tracer = Tracer::noop();
//! let client = ClientTraceLayer::new(tracer).layer(service_fn(send));
//! ```
//!
//! # When things happen
//!
//! 1. **The request is sent** (`call`). Its span is a child of the current span. The sampler decides; if it drops, this is all but for the
//!    headers: the context is always handed on.
//! 2. **The span starts** with everything the request says. Then [`on_request`](ClientTraceLayer::on_request) runs.
//! 3. **The context is written** into the headers, in place of what they held under any name that the propagator reads; what it does not say,
//!    such as baggage that there is none of, is not there then. All of these are taken out for a host that is not in [`propagate_to`](ClientTraceLayer::propagate_to).
//! 4. **The head of the response is there.** [`on_response`](ClientTraceLayer::on_response) runs.
//! 5. **The body is read** to its end, and the span ends; or at the head already, with
//!    [`end_at_head`](ClientTraceLayer::end_at_head). See [`exchange`](crate::exchange) for all the ways to end.
//!
//! Status: 4xx, 5xx, errors and panics make the span an error; a caller who stops waiting does not
//! (`ctx.outcome` = `cancelled`). A response whose body is dropped unread was not waited for either: where the status is all that is asked
//! for, [`end_at_head`](ClientTraceLayer::end_at_head) says so.
//!
//! # Attempts
//!
//! Every attempt is a span of its own. Put the layer inside of whatever retries, and [`Attempts`] around it, so that the second attempt
//! is known as one (`http.request.resend_count`).
//!
//! # Requests that cross tasks
//!
//! `tower::buffer` calls what is inside of it in a task of its own, where the caller's context is not current. A request that goes through one
//! brings its context along as an extension:
//!
//! ```
//! use tracing_core_ctx::Context;
//!
//! let mut request = http::Request::get("http://stock/items/7").body(())?;
//! request.extensions_mut().insert(Context::current());
//! # Ok::<(), http::Error>(())
//! ```
//!
//! The body of a request is read by its connection's task. If it has spans of its own, it has to
//! [bring its context along](tracing_core_ctx::context::StreamExt::with_context) too.

mod attempts;
mod attributes;
mod config;
mod describe;
mod layer;
mod policy;
pub(crate) mod propagate;
mod server_addr;
mod service;

pub use attempts::{Attempts, AttemptsLayer, CountAttempts};
pub use attributes::UrlTemplate;
pub use describe::DescribeClient;
pub use layer::ClientTraceLayer;
pub use server_addr::ServerAddr;
pub use service::ClientTrace;
