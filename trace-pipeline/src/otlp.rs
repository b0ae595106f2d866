//! OTLP, the OpenTelemetry protocol, over HTTP and over gRPC
//! ([specification](https://opentelemetry.io/docs/specs/otlp/)).
//!
//! ```
//! use std::time::Duration;
//! use trace_pipeline::otlp::{Compression, OtlpConfig};
//!
//! let pipeline = trace_pipeline::Pipeline::builder()
//!     .service("orders")
//!     .otlp(
//!         OtlpConfig::grpc()
//!             .endpoint("http://collector:4317")
//!             .header("x-tenant", "shop")
//!             .compression(Compression::Gzip)
//!             .timeout(Duration::from_secs(5)),
//!     )
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When things happen
//!
//! - **A request is sent** for each batch. Four may be on their way at the same time
//!   ([`concurrent_exports`](OtlpConfig::concurrent_exports)), so batches may arrive in another order.
//! - **It is repeated** when the connection fails or breaks before the whole answer is there, on HTTP 429, 502,
//!   503 and 504, and on the gRPC statuses that OTLP calls retryable. The wait doubles each time and is drawn at
//!   random from its upper half; what `Retry-After` or `RetryInfo` says, an hour at most, is the least. Other errors are final.
//! - **It is given up** when the timeout is over, repetitions included, or when a wait would end after it. A
//!   server that asked for a longer wait is left alone until then: the next batch waits too.
//! - **A part of the batch is rejected** by the server's word (partial success): these spans are counted as
//!   rejected, nothing is repeated.
//! - **Redirects** are not followed: spans go where the operator said, or nowhere.
//!
//! Connections are made on the pipeline's thread, by a runtime that nobody else sees, when the first batch is sent.

mod answer;
pub(crate) mod client;
mod compression;
mod config;
mod delivery;
mod encode;
pub(crate) mod endpoint;
mod exporter;
pub(crate) mod grpc;
mod http;
mod json;
mod post;
pub(crate) mod protobuf;
mod retry;
mod sender;
mod signal;
mod spooling;
mod tls;

pub use crate::spool::{SpoolConfig, SpoolSync};
pub use compression::Compression;
pub use config::{OtlpConfig, Protocol};
pub(crate) use config::{Target, header};
pub(crate) use encode::{Interval, encode_logs, encode_metrics};
pub use encode::{encode, encode_into};
pub use endpoint::InvalidEndpoint;
pub use exporter::OtlpExporter;
pub(crate) use post::{Post, Urgency};
pub(crate) use signal::Signal;
pub use tls::InvalidPem;
#[cfg(feature = "jaeger-remote")]
pub(crate) use tls::TlsConfig;

/// A setting of an [`OtlpConfig`] can not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The endpoint is not a URL to send to.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// A header has a name or value that HTTP does not allow, or one that the exporter sets itself.
    #[error("the header `{name}` can not be sent")]
    Header {
        /// Its name; the value may be a secret.
        name: String,
    },
    /// A certificate or key can not be read.
    #[error(transparent)]
    Pem(#[from] InvalidPem),
}
