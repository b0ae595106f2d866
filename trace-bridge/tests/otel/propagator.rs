use std::collections::HashMap;

use opentelemetry::Context as OtelContext;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use trace_bridge::otel::{Foreign, TextMap};
use tracing_core_ctx::propagation::Propagator as _;
use tracing_core_ctx::propagation::{B3, Correlation};
use tracing_core_ctx::{Context, Tracer};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

#[test]
fn ours_reads_and_writes_for_them() {
    let ours = TextMap::new(Tracer::builder().build());
    let fields: Vec<&str> = ours.fields().collect();
    assert_eq!(fields, ["traceparent", "tracestate", "baggage"]);
    let sent = headers(&[
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1"),
        ("baggage", "shop.tier=gold"),
    ]);
    let context = ours.extract_with_context(&OtelContext::new(), &sent);
    assert!(context.span().span_context().is_remote());
    assert_eq!(context.baggage().get("shop.tier").unwrap().as_str(), "gold");
    let mut written = HashMap::new();
    ours.inject_context(&context, &mut written);
    assert_eq!(written, sent);
}

#[test]
fn what_ours_does_not_understand_is_no_context() {
    let ours = TextMap::new(Tracer::builder().build());
    let sent = headers(&[("traceparent", "00-00-00-00")]);
    let context = ours.extract_with_context(&OtelContext::new(), &sent);
    assert!(!context.span().span_context().is_valid());
    let mut written = HashMap::new();
    ours.inject_context(&context, &mut written);
    assert!(written.is_empty());
}

#[test]
fn another_format_of_ours_is_theirs_too() {
    let ours = TextMap::new(Tracer::builder().propagator(B3::single()).build());
    let sent = headers(&[("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1")]);
    let context = ours.extract_with_context(&OtelContext::new(), &sent);
    assert!(context.span().span_context().is_sampled());
    let mut written = HashMap::new();
    ours.inject_context(&context, &mut written);
    assert_eq!(written, sent);
}

#[test]
fn what_their_context_has_no_words_for_is_sent_on() {
    let written = |tracer: Tracer, sent: &HashMap<String, String>| {
        let ours = TextMap::new(tracer);
        let context = ours.extract_with_context(&OtelContext::new(), sent);
        let mut written = HashMap::new();
        ours.inject_context(&context, &mut written);
        written
    };
    let b3 = || Tracer::builder().propagator(B3::single()).build();
    for debug in [
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d",
        "d",
        "0",
    ] {
        let sent = headers(&[("b3", debug)]);
        assert_eq!(written(b3(), &sent), sent);
    }
    let sent = headers(&[
        ("traceparent", TRACEPARENT),
        ("tracestate", "ot=th:c,foo@@bar=1"),
    ]);
    assert_eq!(written(Tracer::builder().build(), &sent), sent);
    let correlation = Tracer::builder().propagator(Correlation::default()).build();
    let sent = headers(&[("x-trace-id", "order-4711")]);
    assert_eq!(written(correlation, &sent), sent);
}

#[test]
fn what_is_read_without_a_span_does_not_hide_the_span_that_is_there() {
    let ours = TextMap::new(Tracer::builder().propagator(B3::single()).build());
    let sent = headers(&[("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d")]);
    let context = ours.extract_with_context(&OtelContext::new(), &sent);
    let again = ours.extract_with_context(&context, &headers(&[("b3", "0")]));
    let mut written = HashMap::new();
    ours.inject_context(&again, &mut written);
    assert_eq!(written, sent);
}

#[test]
fn another_span_on_top_is_sent_and_not_what_was_read() {
    let ours = TextMap::new(Tracer::builder().propagator(B3::single()).build());
    let sent = headers(&[("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d")]);
    let context = ours.extract_with_context(&OtelContext::new(), &sent);
    let other = headers(&[("b3", "00000000000000000000000000000007-0000000000000008-1")]);
    let span = ours.extract_with_context(&OtelContext::new(), &other);
    let context = context.with_remote_span_context(span.span().span_context().clone());
    let mut written = HashMap::new();
    ours.inject_context(&context, &mut written);
    assert_eq!(written, other);
}

#[test]
fn theirs_reads_and_writes_for_us() {
    let tracer = Tracer::builder()
        .propagator(Foreign::new(TraceContextPropagator::new()))
        .build();
    let sent = headers(&[("traceparent", TRACEPARENT), ("tracestate", "vendor=1")]);
    let context = tracer.extract(&sent);
    let caller = context.span_context().unwrap();
    assert!(caller.is_remote() && caller.is_sampled());
    assert_eq!(caller.trace_state().as_str(), "vendor=1");
    let mut written = HashMap::new();
    tracer.inject(&context, &mut written);
    assert_eq!(written, sent);
}

#[test]
fn theirs_has_nothing_to_say_about_nothing() {
    let theirs = Foreign::new(TraceContextPropagator::new());
    assert_eq!(theirs.fields(), ["traceparent", "tracestate"]);
    let tracer = Tracer::builder().propagator(theirs).build();
    let mut written = HashMap::new();
    tracer.inject(&Context::new(), &mut written);
    assert!(!written.contains_key("traceparent"), "{written:?}");
    assert!(tracer.extract(&headers(&[])).span_context().is_none());
}

#[test]
fn what_another_call_left_in_the_headers_is_taken_away() {
    let tracer = Tracer::builder()
        .propagator(Foreign::new(BaggagePropagator::new()))
        .build();
    let mut written = headers(&[("baggage", "stale=1"), ("accept", "*/*")]);
    tracer.inject(&Context::new(), &mut written);
    assert_eq!(written, headers(&[("accept", "*/*")]));
}
