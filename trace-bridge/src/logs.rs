//! Lines of logs that carry the ids of the trace, so that a log leads to its trace and a trace to its logs.
//!
//! [`LogIds`] says what is written and under which names; the rest puts it onto lines:
//!
//! | logs are written by | |
//! |---|---|
//! | `tracing_subscriber::fmt`, as JSON | [`LogIds::json`], feature `tracing` |
//! | `tracing_subscriber::fmt`, as text | [`LogIds::text`], feature `tracing` |
//! | a logger of the `log` crate | [`IdLogger`], feature `log` |
//!
//! With the feature `otlp-logs`, logs themselves go to the back end, by a `trace_pipeline::logs::LogPipeline`: `OtlpLayer` sends the events of `tracing`,
//! `OtlpLogger` the lines of the `log` crate.
//!
//! The ids are those of the context that is current where the line is written, whether it is recorded or not. No `TracingLayer` is needed: a
//! line that is written inside of a traced request has the ids of its server span.

mod ids;
#[cfg(feature = "tracing")]
mod lines;
#[cfg(feature = "log")]
mod logger;
#[cfg(feature = "otlp-logs")]
mod otlp;

pub use ids::LogIds;
#[cfg(feature = "tracing")]
pub use lines::{JsonLines, TextLines};
#[cfg(feature = "log")]
pub use logger::IdLogger;
#[cfg(all(feature = "otlp-logs", feature = "tracing"))]
pub use otlp::OtlpLayer;
#[cfg(all(feature = "otlp-logs", feature = "log"))]
pub use otlp::OtlpLogger;
