//! One line of distributed tracing for tower, hyper, axum and reqwest.
//!
//! ```text
//!  request                                                             response
//!     |                                                                    ^
//!     v  extract, trust, filter, route, sample                             |  last frame, error, drop
//!  TraceLayer ----------------- span, its context current -----------------+
//!     |                                                                    |
//!     +--> handler --> ClientTraceLayer --- child span, headers written ---+--> next service
//! ```
//!
//! [`TraceLayer`] goes on a service, [`ClientTraceLayer`] on a client. Each exchange is one span that follows the
//! OpenTelemetry conventions, starts with the request and ends with the last byte of the response, or with whatever prevented that.
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
//! let service = TraceLayer::new(tracer)
//!     .filter(|request| request.uri.path() != "/health")
//!     .layer(service_fn(handle));
//! ```
//!
//! Look into [`server`] and [`client`] for what happens when, into [`exchange`] for how an exchange ends. With hyper and no tower, a layer's
//! service is a hyper service, and [`ClientTraceLayer::send`] wraps a connection's own function.
//!
//! # Features
//!
//! None is on by default, and none changes what is there without it.
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | `TraceLayer::for_axum` and the module `axum`: names from the router, the whole target, the peer |
//! | `hyper-util` | the address of the peer from responses of its client, and names for its errors that are not boxed (`connection_refused`) |
//! | `reqwest` | the module `reqwest`: a client that traces what it sends |
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
#[cfg(feature = "axum")]
pub mod axum;
pub mod carrier;
pub mod client;
pub mod exchange;
pub mod policy;
pub mod redact;
pub mod repeat;
#[cfg(feature = "reqwest")]
pub mod reqwest;
pub mod route;
pub mod server;
pub mod way_back;

#[doc = include_str!("../RATIONALE.md")]
pub mod _rationale {}

// Necessary for implementation.
mod authority;
mod capture;
mod find;
mod forwarded;
mod head;
mod hook;
mod limit;
mod method;
mod outcome;
mod peer;
mod scratch;
mod trust;
mod version;

use tracing_core_ctx::InstrumentationScope;

// The public interface is:
pub use client::{ClientTrace, ClientTraceLayer};
pub use head::{RequestHead, ResponseHead};
pub use peer::PeerAddr;
pub use route::Templates;
pub use server::{Trace, TraceLayer};
pub use trust::Trust;

/// Who records the spans of this crate.
static SCOPE: InstrumentationScope =
    InstrumentationScope::new("tower-trace", env!("CARGO_PKG_VERSION"));

/// Tests the example of the front page.
#[cfg(all(doctest, feature = "axum", feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct FrontPage;
