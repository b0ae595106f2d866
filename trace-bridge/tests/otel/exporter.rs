use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, SpanKind as OtelKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData, SpanExporter};
use trace_bridge::otel::SdkExporter;
use trace_pipeline::Pipeline;
use tracing_core_ctx::attribute::Array as OurArray;
use tracing_core_ctx::{SpanKind, Timestamp};

const LONG: Duration = Duration::from_secs(10);

fn pipeline(exporter: impl SpanExporter + 'static) -> Pipeline {
    Pipeline::builder()
        .service("orders")
        .exporter(SdkExporter::new(exporter))
        .build()
        .unwrap()
}

#[test]
fn everything_that_is_recorded_reaches_their_exporter() {
    let exporter = InMemorySpanExporter::default();
    let pipeline = pipeline(exporter.clone());
    let tracer = pipeline.tracer();
    let root = tracer.span("root").start();
    let at = |seconds: u64| Timestamp::from_unix_nanos(seconds * 1_000_000_000);
    let span = tracer
        .span("query")
        .parent(&root.context())
        .kind(SpanKind::Client)
        .start_time(at(1000))
        .link(root.span_context().unwrap().clone())
        .start();
    span.set("text", "a");
    span.set("number", 7);
    span.set("list", ["a", "b"].into_iter().collect::<OurArray>());
    span.event_at(at(1001), "read", |event| event.set("rows", 3));
    span.fail("timeout", "too slow");
    span.end_at(at(1002));
    root.end();
    pipeline.flush(LONG).unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (root, query) = (named("root"), named("query"));
    assert_eq!(root.parent_span_id, SpanId::INVALID);
    assert_eq!(query.parent_span_id, root.span_context.span_id());
    assert_eq!(query.span_context.trace_id(), root.span_context.trace_id());
    assert!(query.span_context.is_sampled() && !query.parent_span_is_remote);
    assert_eq!(query.span_kind, OtelKind::Client);
    assert_eq!(query.start_time, UNIX_EPOCH + Duration::from_secs(1000));
    assert_eq!(query.end_time, UNIX_EPOCH + Duration::from_secs(1002));
    assert_eq!(query.status, Status::error("too slow"));
    for expected in [
        KeyValue::new("text", "a"),
        KeyValue::new("number", 7),
        KeyValue::new(
            "list",
            Value::Array(Array::String(vec!["a".into(), "b".into()])),
        ),
        KeyValue::new("error.type", "timeout"),
    ] {
        assert!(query.attributes.contains(&expected), "{expected:?}");
    }
    assert_eq!(query.events[0].name, "read");
    assert_eq!(query.events[0].attributes, [KeyValue::new("rows", 3)]);
    assert_eq!(query.links[0].span_context, root.span_context);
}

/// Fails, in one way or the other.
#[derive(Debug)]
struct Broken(fn() -> OTelSdkError);

impl SpanExporter for Broken {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Err((self.0)())
    }
}

#[test]
fn what_their_exporter_does_not_take_is_counted() {
    let failed = pipeline(Broken(|| OTelSdkError::InternalFailure("no".into())));
    failed.tracer().span("lost").start().end();
    let lost = failed.flush(LONG).unwrap_err();
    assert!(lost.to_string().contains('1'), "{lost}");
    let stats = failed.stats();
    assert_eq!(stats.dropped.export_failed, 1);
    assert!(stats.is_balanced());

    let late = pipeline(Broken(|| OTelSdkError::Timeout(Duration::from_secs(1))));
    late.tracer().span("lost").start().end();
    late.flush(LONG).unwrap_err();
    assert_eq!(late.stats().dropped.timed_out, 1);
}
