use proptest::prelude::*;
use trace_testkit::SpanRecorder;
use tracing_core_ctx::{Baggage, Context, Tracer};

use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(list: &[(&str, &[u8])]) -> ByteHeaders {
    let mut headers = ByteHeaders::default();
    for (name, value) in list {
        headers.push(*name, Some(*value));
    }
    headers
}

fn span_id(headers: &ByteHeaders) -> Option<String> {
    let context = Tracer::noop().extract(headers);
    let other = Tracer::noop().extract(&LastOf(headers));
    assert_eq!(context.span_context(), other.span_context());
    context
        .span_context()
        .map(|span| span.span_id().to_string())
}

#[test]
fn of_two_headers_of_a_name_the_last_is_read() {
    let newer = PARENT.replace("00f067aa0ba902b7", "0000000000000007");
    let doubled = headers(&[
        ("traceparent", PARENT.as_bytes()),
        ("traceparent", newer.as_bytes()),
    ]);
    assert_eq!(span_id(&doubled).as_deref(), Some("0000000000000007"));
}

#[test]
fn quotes_and_the_case_of_names_do_not_matter() {
    let quoted = format!("\"{PARENT}\"");
    let found = span_id(&headers(&[("TraceParent", quoted.as_bytes())]));
    assert_eq!(found.as_deref(), Some("00f067aa0ba902b7"));
}

#[test]
fn flags_of_a_newer_level_are_read() {
    let newer = PARENT.replace("-01", "-03");
    assert!(span_id(&headers(&[("traceparent", newer.as_bytes())])).is_some());
}

#[test]
fn what_is_null_huge_or_no_text_is_no_context() {
    let huge = [PARENT.as_bytes(), &[b'0'; MAX_VALUE]].concat();
    assert_eq!(span_id(&headers(&[("traceparent", &huge)])), None);
    assert_eq!(span_id(&headers(&[("traceparent", b"\xff\xfe")])), None);
    assert_eq!(span_id(&headers(&[("traceparent", b"\"")])), None);
    let mut null = ByteHeaders::default();
    null.push("traceparent", None::<Vec<u8>>);
    assert_eq!(span_id(&null), None);
}

#[test]
fn a_null_value_does_not_hide_an_earlier_one() {
    let mut twice = headers(&[("traceparent", PARENT.as_bytes())]);
    twice.push("traceparent", None::<Vec<u8>>);
    assert!(span_id(&twice).is_some());
}

fn anything() -> impl Strategy<Value = ByteHeaders> {
    let name = prop_oneof![
        Just("traceparent".to_owned()),
        Just("Tracestate".to_owned()),
        Just("baggage".to_owned()),
        "[a-z]{0,12}",
    ];
    let value = prop_oneof![
        Just(PARENT.as_bytes().to_vec()),
        Just(b"a=1,b=2".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    let header = (name, proptest::option::of(value));
    proptest::collection::vec(header, 0..12).prop_map(ByteHeaders)
}

proptest! {
    #[test]
    fn reading_never_fails_and_both_readers_agree(headers in anything()) {
        span_id(&headers);
        let found = headers.get_w3c();
        prop_assert_eq!(found.traceparent, headers.get_one("traceparent"));
        prop_assert_eq!(found.tracestate, headers.get_one("tracestate"));
        prop_assert_eq!(found.baggage, headers.get_one("baggage"));
    }

    #[test]
    fn writing_leaves_one_context_and_all_others_in_order(mut headers in anything()) {
        let recorder = SpanRecorder::new();
        let tracer = recorder.tracer("shop");
        let span = tracer.span("send").start();
        let context = span
            .context()
            .with_baggage(Baggage::new().with("tier", "gold"));
        let is_ours = |name: &str| {
            ["traceparent", "tracestate", "baggage"].iter().any(|ours| name.eq_ignore_ascii_case(ours))
        };
        let others = |headers: &ByteHeaders| -> Vec<_> {
            headers.0.iter().filter(|(name, _)| !is_ours(name)).cloned().collect()
        };
        let before = others(&headers);
        let queue = crate::QueueTracer::new(tracer);
        queue.inject(&context, &mut headers);
        queue.inject(&context, &mut headers);
        prop_assert_eq!(others(&headers), before);
        let parents = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("traceparent"));
        prop_assert_eq!(parents.count(), 1);
        let read = queue.tracer().extract(&headers);
        prop_assert_eq!(
            read.span_context().map(|span| span.span_id()),
            span.span_context().map(|span| span.span_id())
        );
        prop_assert_eq!(read.baggage().get("tier"), Some("gold"));
        queue.inject(&Context::new(), &mut headers);
        prop_assert_eq!(headers.iter().filter(|(name, _)| is_ours(name)).count(), 0);
        drop(span);
        recorder.ignore();
    }
}
