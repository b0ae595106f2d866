//! What the services log: by `tracing`, as most programs do. One of them makes spans by the API of OpenTelemetry.

use std::io;

use trace_bridge::logs::LogIds;
use trace_bridge::{Events, TracingLayer};
use tracing::level_filters::LevelFilter;
use tracing_core_ctx::Tracer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Puts the spans of `tracing` and of OpenTelemetry into the traces, and, if wanted, writes the log as lines of JSON with the ids of the trace.
pub(crate) fn install(json: bool) {
    // Of the services alone: the libraries below them have spans and lines of their own.
    let ours = || Targets::new().with_target("shop", LevelFilter::INFO);
    // Each span goes to the pipeline of the service that it is in. What is logged is in the log.
    let spans = TracingLayer::new(Tracer::noop())
        .roots(false)
        .events(Events::InLogs)
        .with_filter(ours());
    let lines = json.then(|| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .map_event_format(|format| LogIds::otel().json(format))
            .with_writer(io::stdout)
            .with_filter(ours())
    });
    let subscriber = tracing_subscriber::registry().with(lines).with(spans);
    // Tests open several shops in one process: the first one's will do.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let _ = trace_bridge::otel::install(Tracer::noop());
}
