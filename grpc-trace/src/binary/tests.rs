use std::collections::HashMap;

use proptest::prelude::*;
use tracing_core_ctx::Tracer;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn tracer() -> Tracer {
    Tracer::builder().propagator(GrpcTraceBin).build()
}

fn read(text: &str) -> Option<SpanContext> {
    let headers = HashMap::from([(NAME.to_owned(), text.to_owned())]);
    tracer().extract(&headers).span_context().cloned()
}

fn wire(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn full(flags: u8) -> Vec<u8> {
    let (trace, span): (TraceId, SpanId) = (TRACE.parse().unwrap(), SPAN.parse().unwrap());
    let mut bytes = vec![0, 0];
    bytes.extend(trace.to_bytes());
    bytes.push(1);
    bytes.extend(span.to_bytes());
    bytes.extend([2, flags]);
    bytes
}

#[test]
fn a_context_is_read_padded_or_not() {
    for text in [wire(&full(1)), format!("{}=", wire(&full(1)))] {
        let span = read(&text).unwrap();
        assert_eq!(span.trace_id().to_string(), TRACE);
        assert_eq!(span.span_id().to_string(), SPAN);
        assert!(span.is_sampled() && span.is_remote());
    }
    assert!(!read(&wire(&full(0))).unwrap().is_sampled());
}

#[test]
fn what_is_written_is_read_again() {
    let mut headers = HashMap::new();
    let caller = SpanContext::new(
        TRACE.parse().unwrap(),
        SPAN.parse().unwrap(),
        TraceFlags::SAMPLED,
    );
    tracer().inject(&Context::new().with_remote_span(caller), &mut headers);
    assert_eq!(headers[NAME], wire(&full(1)));
    assert!(!headers[NAME].contains('='));
}

#[test]
fn what_is_malformed_is_counted_and_starts_a_new_trace() {
    let mut bad = full(1);
    bad[0] = 1;
    let mut zero = full(1);
    zero[2..18].fill(0);
    for text in [
        wire(&bad),
        wire(&zero),
        wire(&full(1)[..10]),
        "no base64 \u{fffd}".to_owned(),
        String::new(),
        "A".repeat(10_000),
    ] {
        let tracer = tracer();
        let headers = HashMap::from([(NAME.to_owned(), text)]);
        assert!(tracer.extract(&headers).span_context().is_none());
        assert_eq!(tracer.stats().malformed_contexts, 1);
    }
}

#[test]
fn a_field_that_is_not_known_ends_what_is_read() {
    let mut bytes = full(1);
    bytes.extend([9, 9, 9]);
    assert!(read(&wire(&bytes)).is_some());
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = read(&wire(&bytes));
    }
}
