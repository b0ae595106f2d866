//! One line of distributed tracing for gRPC: tonic servers and clients.
//!
//! ```text
//!  request                                                                 status
//!     |                                                                       ^
//!     v  extract, trust, filter, sample                                       |  trailers, headers, error, drop
//!  TraceLayer ------------------ span, its context current -------------------+
//!     |                                                                       |
//!     +--> handler --> ClientTraceLayer --- child span, metadata written -----+--> next service
//! ```
//!
//! [`TraceLayer`] goes on a `tonic::transport::Server`, on an axum router or on one service; [`ClientTraceLayer`] on a `Channel` or any
//! service that a generated client accepts. Each call, of all four kinds, is one span that follows the OpenTelemetry conventions: it starts with
//! the head of the request and ends with the final status, or with whatever came in its place.
//!
//! ```
//! use grpc_trace::{ClientTraceLayer, TraceLayer};
//! use tonic::transport::{Endpoint, Server};
//! # use tracing_core_ctx::Tracer;
//! # fn demo(tracer: Tracer) {
//!
//! let server = Server::builder().layer(TraceLayer::new(tracer.clone()));
//!
//! let endpoint = Endpoint::from_static("http://orders.shop.internal:50051");
//! let channel = ClientTraceLayer::new(tracer).connect_lazy(&endpoint);
//! // GreeterClient::new(channel)
//! # drop((server, channel));
//! # }
//! ```
//!
//! Look into [`server`] and [`client`] for what happens when.
//!
//! # The status
//!
//! Every span has the name of the final status in `rpc.status_code`. It is read from the trailers, or from the headers of an answer
//! that is nothing but its status. Where there is none:
//!
//! | what happened | code |
//! |---|---|
//! | an answer without `grpc-status` | by its HTTP status: 401 is `UNAUTHENTICATED`, 404 `UNIMPLEMENTED`, 503 `UNAVAILABLE`, 200 `UNKNOWN`, .. |
//! | the stream was reset | by the reason: `REFUSED_STREAM` is `UNAVAILABLE`, `CANCEL` is `CANCELLED`, .. |
//! | the connection could not be made, or broke | `UNAVAILABLE` |
//! | a deadline passed (`grpc-timeout`, or a [`timeout`](TraceLayer::timeout)) | `DEADLINE_EXCEEDED`, also where tonic calls it `CANCELLED` |
//! | somebody dropped the call or its stream | `CANCELLED`, with `ctx.outcome` = `cancelled` |
//! | a panic | `UNKNOWN`, with `error.type` = `panic` |
//!
//! A client's span is an error by every code but `OK`; a server's by `UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`,
//! `UNAVAILABLE` and `DATA_LOSS`. Then `error.type` is the name of the code, and the description of the status is `grpc-message`.
//!
//! # Features
//!
//! It is not on by default, and changes nothing of what is there without it.
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | [`count_messages`](TraceLayer::count_messages) sees requests whose body is axum's; the peer of connections that axum serves with `ConnectInfo` |
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
pub mod client;
pub mod interceptor;
pub mod server;

#[doc = include_str!("../RATIONALE.md")]
pub mod _rationale {}

// Necessary for implementation.
mod binary;
mod body;
mod call;
mod deadline;
mod describe;
mod descriptors;
mod failure;
mod frames;
mod headers;
mod messages;
mod metadata;
mod method;
mod peer;
mod status;

use tracing_core_ctx::InstrumentationScope;

// The public interface is:
pub use binary::GrpcTraceBin;
pub use client::{ClientTrace, ClientTraceLayer};
pub use describe::DescribeCall;
pub use descriptors::InvalidDescriptors;
pub use server::{Trace, TraceLayer};
pub use tower_trace::{PeerAddr, RequestHead, ResponseHead, Trust};

/// Services that say how a server is and not what it does: health, reflection, channelz. For
/// [`leave_out`](TraceLayer::leave_out).
pub const INFRASTRUCTURE: [&str; 4] = [
    "grpc.channelz.v1.Channelz",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Who records the spans of this crate.
static SCOPE: InstrumentationScope =
    InstrumentationScope::new("grpc-trace", env!("CARGO_PKG_VERSION"));

/// Tests the example of the front page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;
