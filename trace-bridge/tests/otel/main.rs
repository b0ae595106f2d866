//! The bridge to OpenTelemetry's API, in both directions.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

mod current;
mod exporter;
mod propagator;
mod spans;

use std::sync::Once;

use opentelemetry::trace::TracerProvider as _;
use trace_bridge::otel::{BridgeTracer, TracerProvider, follow_current};
use trace_testkit::SpanRecorder;
use tracing_core_ctx::Tracer;

/// One process has one bridge, and the tests of this file share a process.
fn bridge() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| follow_current().unwrap());
}

/// A recorder with a tracer of ours and one of theirs.
fn both() -> (SpanRecorder, Tracer, BridgeTracer) {
    bridge();
    let recorder = SpanRecorder::new();
    let ours = recorder.tracer("shop");
    let theirs = TracerProvider::new(ours.clone()).tracer("library");
    (recorder, ours, theirs)
}
