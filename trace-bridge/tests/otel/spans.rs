use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind as OtelKind, Status,
    TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
use trace_bridge::otel::TracerProvider;
use trace_testkit::SpanRecorder;
use tracing_core_ctx::sampler::AlwaysOff;
use tracing_core_ctx::{SpanKind, Timestamp, span};

use super::{both, bridge};

fn remote() -> SpanContext {
    SpanContext::new(
        TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
        SpanId::from(0x00f0_67aa_0ba9_02b7),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "1")]).unwrap(),
    )
}

#[test]
fn a_child_is_of_the_service_of_its_parent_and_says_which_library_made_it() {
    let (theirs_goes_to, _, theirs) = both();
    let recorder = SpanRecorder::new();
    let request = recorder.tracer("stock").span("request").start();
    request.in_scope(|| {
        theirs.in_span("query", |_| {});
    });
    request.end();
    let spans = recorder.take();
    let [query, request] = &*spans else {
        panic!("{spans:?}");
    };
    assert!(query.is_child_of(request));
    assert_eq!((query.service(), query.scope().name), ("stock", "library"));
    theirs_goes_to.assert_nothing();
}

#[test]
fn everything_that_they_say_of_a_span_is_recorded() {
    let (recorder, _, theirs) = both();
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let builder = SpanBuilder::from_name("query")
        .with_kind(OtelKind::Client)
        .with_start_time(at(1000))
        .with_attributes([KeyValue::new("db.system", "postgresql")])
        .with_events(vec![Event::new(
            "begun",
            at(1001),
            vec![KeyValue::new("n", 1)],
            0,
        )])
        .with_links(vec![Link::new(
            remote(),
            vec![KeyValue::new("why", "batch")],
            0,
        )]);
    let mut span = theirs.build(builder);
    assert!(span.is_recording());
    span.set_attributes([
        KeyValue::new("bool", true),
        KeyValue::new("f64", 0.5),
        KeyValue::new("i64", i64::MAX),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true]))),
        KeyValue::new("f64s", Value::Array(Array::F64(vec![0.5]))),
        KeyValue::new("i64s", Value::Array(Array::I64(vec![1, 2]))),
        KeyValue::new(
            "texts",
            Value::Array(Array::String(vec!["a".into(), "b".into()])),
        ),
    ]);
    span.add_event_with_timestamp("read", at(1002), vec![]);
    span.add_link(remote(), vec![]);
    span.update_name("query orders");
    span.record_error(&std::io::Error::other("gone"));
    span.set_status(Status::error("no connection"));
    span.end_with_timestamp(at(1003));
    span.set_attribute(KeyValue::new("too", "late"));
    span.end();
    drop(span);

    let span = recorder.take_one();
    assert_eq!(
        (span.name(), span.kind()),
        ("query orders", SpanKind::Client)
    );
    assert_eq!(
        span.start(),
        Timestamp::from_unix_nanos(1000 * 1_000_000_000)
    );
    assert_eq!(span.duration(), Duration::from_secs(3));
    assert_eq!(span.status(), &span::Status::error("no connection"));
    assert_eq!(span.str("db.system"), "postgresql");
    assert!(span.bool("bool"));
    assert_eq!(span.int("i64"), i64::MAX);
    assert_eq!(span.strs("texts"), ["a", "b"]);
    assert_eq!(span.attributes().len(), 8);
    let events: Vec<&str> = span.events().iter().map(|event| &*event.name).collect();
    assert_eq!(events, ["begun", "read", "exception"]);
    assert_eq!(span.links().len(), 2);
    let link = &span.links()[0];
    assert_eq!(link.span_context.trace_state().as_str(), "vendor=1");
    assert_eq!(link.attributes.len(), 1);
}

#[test]
fn a_parent_is_what_they_give() {
    let (recorder, ours, theirs) = both();
    let context = Context::new().with_remote_span_context(remote());
    ours.span("around").start().in_scope(|| {
        theirs.start_with_context("continued", &context);
        theirs.start_with_context("root", &Context::new());
        theirs.start("inside");
    });
    let around = recorder.take_named("around");
    let continued = recorder.take_named("continued");
    assert!(continued.parent_is_remote());
    assert_eq!(
        continued.trace_id().to_u128(),
        0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736
    );
    assert_eq!(continued.span_context().trace_state().as_str(), "vendor=1");
    let root = recorder.take_named("root");
    assert_eq!(root.parent(), None);
    assert_ne!(root.trace_id(), around.trace_id());
    assert!(recorder.take_named("inside").is_child_of(&around));
}

#[test]
fn a_span_that_is_not_recorded_still_travels() {
    bridge();
    let recorder = SpanRecorder::new();
    let ours = recorder.tracer_builder("shop").sampler(AlwaysOff).build();
    let theirs = TracerProvider::new(ours).tracer("library");
    let context = Context::new().with_remote_span_context(remote());
    let span = theirs.start_with_context("dropped", &context);
    assert!(!span.is_recording());
    assert_eq!(span.span_context().trace_id(), remote().trace_id());
    assert!(!span.span_context().is_sampled());
    let _guard = Context::current_with_span(span).attach();
    let current = tracing_core_ctx::Context::current();
    assert_eq!(
        current.span_context().unwrap().trace_id().to_bytes(),
        remote().trace_id().to_bytes()
    );
    recorder.assert_nothing();
}

#[test]
fn a_span_that_is_dropped_has_ended() {
    let (recorder, _, theirs) = both();
    drop(theirs.start("forgotten"));
    assert_eq!(recorder.take_one().name(), "forgotten");
}

#[test]
fn the_scope_is_the_library_that_asked() {
    bridge();
    let recorder = SpanRecorder::new();
    let provider = TracerProvider::new(recorder.tracer("shop"));
    let scope = || {
        InstrumentationScope::builder("sql")
            .with_version("1.2")
            .with_schema_url("https://example.com/1")
            .build()
    };
    provider.tracer_with_scope(scope()).start("a");
    provider.tracer_with_scope(scope()).start("b");
    let (a, b) = (recorder.take_named("a"), recorder.take_named("b"));
    let known = (a.scope().name, a.scope().version, a.scope().schema_url);
    assert_eq!(known, ("sql", "1.2", "https://example.com/1"));
    assert!(std::ptr::eq(a.scope(), b.scope()));
}
