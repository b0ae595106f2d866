//! From finished spans to a back end.
//!
//! ```text
//!   request threads                                 the pipeline's thread
//!                        bounded queue                                           back end
//!   Span::end  ------->  [][][][][][]  ---------->  batch ---> Exporter  ------------------->  collector
//!              never     2048 spans,    512 spans,             OTLP over HTTP    retries,
//!              blocks    32 MiB         or 5 s                 or gRPC, console, gzip, TLS
//!                 |                                            memory, yours
//!                 v                                               |
//!              dropped, by reason  <------------------------------+
//! ```
//!
//! Two lines start it, with all that the `OTEL_*` environment says:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = trace_pipeline::from_env().service("orders").install()?;
//! // ... serve ...
//! if let Err(lost) = pipeline.shutdown(std::time::Duration::from_secs(5)) {
//!     eprintln!("{lost}"); // no reason to exit with a failure
//! }
//! # Ok(())
//! # }
//! ```
//!
//! No global is needed: [`build`](PipelineBuilder::build) in place of `install`, and [`Pipeline::tracer`] has the
//! tracer. Several pipelines live side by side.
//!
//! # Guarantees
//!
//! - **Nobody waits.** A thread that ends a span moves it into a queue without a lock, and goes on.
//! - **Everything is bounded.** Spans, bytes, the size of requests and answers, the time of an export, of a flush,
//!   of a shutdown.
//! - **Every span is accounted for.** [`PipelineStats`] says of each whether it was exported, was not sampled, was
//!   dropped and why, or is on its way; `is_balanced` checks the sum.
//! - **No telemetry of telemetry.** What an exporter calls is not traced.
//!
//! It chooses against back pressure: a service is not slowed down because its traces can not be delivered.
//!
//! # When things happen
//!
//! - **A batch is exported** when 512 spans wait (or 2 MiB), when the last export was 5 s ago, and at a flush.
//! - **A span is dropped** when it ends and the queue is full. The newest goes, so that what is in the queue stays
//!   whole.
//! - **A warning is reported** when spans begin to be lost, and then at most once in a minute; see
//!   [`diagnostics`](tracing_core_ctx::diagnostics).
//! - **The pipeline is dropped**: it is shut down, which takes 5 s at most.
//!
//! # Sampling
//!
//! Everything is sent, unless a sampler says otherwise. [`sampling`] has rules for the start of a trace, decisions at its end (all errors, the
//! slowest, the rare, and a part of the rest), limits, and the weights with which what is kept can be counted.
//!
//! # Environment
//!
//! | variables | |
//! |---|---|
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who is traced |
//! | `OTEL_SDK_DISABLED` | records nothing; contexts still travel |
//! | `OTEL_TRACES_EXPORTER` | `otlp`, `console`, `none` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`, `_COMPRESSION`, `_INSECURE`, `_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY` | the same with `TRACES_` before the last part wins |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | what is recorded |
//! | `OTEL_PROPAGATORS` | how contexts travel |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `_EXPORT_TIMEOUT`, `_MAX_QUEUE_SIZE`, `_MAX_EXPORT_BATCH_SIZE` | batches; the delay is 5 s if unset, with `console` 200 ms |
//! | `OTEL_LOGS_EXPORTER`, `OTEL_BLRP_SCHEDULE_DELAY`, `_EXPORT_TIMEOUT`, `_MAX_QUEUE_SIZE`, `_MAX_EXPORT_BATCH_SIZE`, `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, ... | logs, where a program sends them |
//! | `OTEL_METRICS_EXPORTER`, `OTEL_METRIC_EXPORT_INTERVAL`, `_TIMEOUT`, `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`, ... | [metrics], where a program pushes them |
//! | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, ... | limits of a span |
//!
//! A wrong value is a warning, and the default. So is a name that is nearly one of these, as `OTEL_TRACE_SAMPLER` is.
//! Code wins over the environment.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Public API.
pub mod exporter;
#[cfg(feature = "otlp")]
pub mod logs;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod sampling;

#[doc = include_str!("../RATIONALE.md")]
pub mod _rationale {}

mod budget;
mod builder;
mod exits;
mod pipeline;
mod self_metrics;
mod sink;
mod stats;

// Necessary for implementation.
mod control;
mod counters;
mod cutoff;
mod env;
mod openmetrics;
mod outlet;
mod queue;
mod quiet;
mod report;
mod resource;
#[cfg(feature = "otlp")]
mod rounds;
mod shared;
#[cfg(feature = "otlp")]
mod spool;
mod tail;
#[cfg(test)]
mod test_spans;
mod worker;

// The public interface is:
pub use budget::{Budget, BudgetStats};
pub use builder::{BuildError, PipelineBuilder};
pub use exporter::{Batch, ExportError, Exporter};
pub use pipeline::{Lost, Pipeline};
pub use sink::PipelineSink;
pub use stats::{Dropped, PipelineStats};
pub use tail::TailStats;

/// A pipeline as the `OTEL_*` variables of this process describe it; code can change it.
///
/// Names that nobody reads, but that are nearly those of variables that are read, are among the
/// [`warnings`](PipelineBuilder::warnings).
pub fn from_env() -> PipelineBuilder {
    env::process_builder()
}

/// The same with variables from elsewhere: a file, a test. Misspelt names are not found, as nobody asks for them.
///
/// ```
/// let builder = trace_pipeline::from_vars(|name| (name == "OTEL_TRACES_SAMPLER").then(|| "sometimes".to_owned()));
/// assert!(builder.warnings()[0].starts_with("OTEL_TRACES_SAMPLER is `sometimes`"));
/// ```
pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> PipelineBuilder {
    env::builder(&vars)
}
