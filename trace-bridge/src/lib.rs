//! The neighbours of distributed tracing in a service: [`tracing`](https://docs.rs/tracing), logs and
//! [OpenTelemetry](https://docs.rs/opentelemetry).
//!
//! ```text
//!   TraceLayer, ClientTraceLayer, Span::child          #[instrument], info_span!, info!
//!                 |                                                |
//!                 |                                          TracingLayer
//!                 v                                                v
//!        +----------------------------------------------------------------+
//!        |  tracing-core-ctx: one current Context, one tree of spans      |
//!        +-------------------------------+--------------------------------+
//!                                        | logs: LogIds, IdLogger
//!                                        v
//!                  {"message":"..","trace_id":"..","span_id":".."}
//! ```
//!
//! # Features
//!
//! None is on by default, and none changes what is there without it.
//!
//! | feature | what it adds |
//! |---|---|
//! | `log` | `logs::IdLogger`: lines of the `log` crate carry the ids |
//! | `otlp-logs` | with `log` or `tracing`: `logs::OtlpLogger`, `logs::OtlpLayer`, which send logs by OTLP with the ids of their trace |
//! | `opentelemetry` | the module `otel`: one current context with OpenTelemetry's API (release 0.33), its spans in our pipeline, its propagators |
//! | `opentelemetry-sdk` | `otel::SdkExporter`: our spans in the exporters of OpenTelemetry's SDK |
//! | `tracing` | `TracingLayer`: spans and events of `tracing` in the same tree; `logs::LogIds` on lines of `tracing_subscriber::fmt` |
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
#[cfg(any(feature = "log", feature = "tracing"))]
pub mod logs;
#[cfg(feature = "opentelemetry")]
pub mod otel;

#[doc = include_str!("../MOVING.md")]
pub mod moving {}

#[doc = include_str!("../RATIONALE.md")]
pub mod _rationale {}

// Necessary for implementation.
#[cfg(feature = "tracing")]
mod layer;

// The public interface is:
#[cfg(feature = "tracing")]
pub use layer::{Events, TracingLayer, TracingSpanExt};

/// Tests the example of the front page.
#[cfg(all(
    doctest,
    feature = "opentelemetry",
    feature = "otlp-logs",
    feature = "tracing"
))]
#[doc = include_str!("../README.md")]
struct FrontPage;
