//! Logs beside the traces: records with the ids of their trace, batched and sent by OTLP. Off unless a program starts it. Feature `otlp`.
//!
//! ```
//! use std::time::Duration;
//! use trace_pipeline::logs::{LogPipeline, LogRecord, LogsConfig, Severity};
//!
//! # let pipeline = trace_pipeline::Pipeline::builder().exporter(trace_pipeline::exporter::InMemory::default()).build()?;
//! # let config = LogsConfig::new(trace_pipeline::otlp::OtlpConfig::http().endpoint("http://127.0.0.1:9").timeout(Duration::from_millis(10)));
//! # stringify!(
//! let config = LogsConfig::from_env();
//! # );
//! let logs = LogPipeline::start(config, pipeline.tracer().resource())?;
//! // Mostly by `OtlpLayer` and `OtlpLogger` of trace-bridge; by hand:
//! logs.sink().submit(LogRecord::new(Severity::Info, "the shop is open"));
//!
//! // At the end of `main`; dropping it does the same.
//! if let Err(error) = logs.shutdown(Duration::from_secs(5)) {
//!     eprintln!("{error}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - **Nobody waits**: a record goes into a queue without a lock. When it is full the record is dropped and counted.
//! - **A batch is sent** when so many records wait, and every second; with the retries of OTLP. What could not be sent is counted, and
//!   reported at most once in a minute.
//! - **No telemetry of telemetry**: what the sending thread logs itself is not taken.

mod pipeline;
mod record;

pub use pipeline::{LogPipeline, LogSink, LogStats, LogsConfig};
pub use record::{LogRecord, Severity};
