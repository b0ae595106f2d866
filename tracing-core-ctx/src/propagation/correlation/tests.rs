use proptest::prelude::*;

use super::*;
use crate::Tracer;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};
use crate::propagation::{Composite, TraceContext};

const HEX: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UUID: &str = "4BF92F35-77b3-4da6-a3ce-929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn id(cx: &Context) -> Option<&str> {
    cx.value().map(CorrelationId::as_str)
}

#[test]
fn both_ids_make_a_span_and_the_decision_is_ours() {
    for (text, trace_id) in [
        (HEX, HEX),
        ("4BF92F3577B34DA6A3CE929D0E0E4736", HEX),
        (UUID, HEX),
        ("a3ce929d0e0e4736", "0000000000000000a3ce929d0e0e4736"),
    ] {
        let (cx, malformed) = extract(&Correlation, &[("X-Trace-ID", text), ("X-Span-ID", SPAN)]);
        assert_eq!(
            (caller(&cx), malformed),
            (Some(format!("{trace_id}-{SPAN}-00")), 0),
            "{text}"
        );
        assert_eq!(cx.sampling_hint(), Some(SamplingHint::Defer));
        let spelling = (text != trace_id).then_some(text);
        assert_eq!(
            id(&cx),
            spelling,
            "only what says more than the trace id is kept"
        );
    }
}

#[test]
fn the_parent_counts_only_where_there_is_no_span() {
    let parent = "1111111111111111";
    let ids = [
        ("x-parent-span-id", parent),
        ("x-trace-id", HEX),
        ("x-span-id", SPAN),
    ];
    assert_eq!(
        caller(&extract(&Correlation, &ids).0),
        Some(format!("{HEX}-{SPAN}-00"))
    );
    assert_eq!(
        caller(&extract(&Correlation, &ids[..2]).0),
        Some(format!("{HEX}-{parent}-00"))
    );
}

#[test]
fn an_id_without_a_span_is_kept_and_starts_no_trace() {
    for text in [
        HEX,
        UUID,
        "a3ce929d0e0e4736",
        "order-4711",
        "00000000000000000000000000000000",
    ] {
        let (cx, malformed) = extract(&Correlation, &[("x-trace-id", text)]);
        assert_eq!(
            (caller(&cx), id(&cx), malformed),
            (None, Some(text), 0),
            "{text}"
        );
        assert_eq!(cx.sampling_hint(), None);
    }
}

#[test]
fn an_id_that_is_none_of_the_known_spellings_is_kept_and_not_derived_from() {
    for text in [
        "order-4711",
        "00000000000000000000000000000000",
        "00000000-0000-0000-0000-000000000000",
        "4bf92f3577b34da6a3ce929d0e0e473",
        "4bf92f3577b34da6a3ce929d0e0e47360",
        "4bf92f35-77b3-4da6-a3ce929d-0e0e4736",
        "4bf92f3577b3-4da6-a3ce-929d0e0e4736-",
        "4bf92f35-77b3-4da6-a3ce-929d0e0e473g",
        "4bf92f35-77b3-4da6-a3ce-929d0e0-4736",
        "{bf92f35-77b3-4da6-a3ce-929d0e0e473}",
    ] {
        let (cx, malformed) = extract(&Correlation, &[("x-trace-id", text), ("x-span-id", SPAN)]);
        assert_eq!(
            (caller(&cx), id(&cx), malformed),
            (None, Some(text), 0),
            "{text}"
        );
        assert_eq!(cx.value().and_then(CorrelationId::trace_id), None, "{text}");
    }
}

#[test]
fn a_kept_id_says_which_trace_id_it_spells() {
    let (cx, _) = extract(&Correlation, &[("x-trace-id", UUID)]);
    let trace_id = cx.value().and_then(CorrelationId::trace_id);
    assert_eq!(trace_id.unwrap().to_string(), HEX);
}

#[test]
fn a_malformed_span_id_is_counted_and_gives_no_span() {
    for span in [
        "",
        "0000000000000000",
        "f067aa0ba902b7",
        "00f067aa0ba902b70",
        "order-4711",
    ] {
        let (cx, malformed) = extract(&Correlation, &[("x-trace-id", HEX), ("x-span-id", span)]);
        assert_eq!(
            (caller(&cx), id(&cx), malformed),
            (None, Some(HEX), 1),
            "{span:?}"
        );
    }
}

#[test]
fn what_should_not_be_logged_is_not_kept() {
    for bad in [
        &b""[..],
        b"a b",
        b"a\nb",
        b"\x1b[31m",
        b"\xff",
        &[b'x'; 129],
    ] {
        let (cx, malformed) = extract(&Correlation, &[("x-trace-id", bad)]);
        assert_eq!((id(&cx), malformed), (None, 1), "{bad:?}");
    }
    let longest = "x".repeat(128);
    assert_eq!(
        id(&extract(&Correlation, &[("x-trace-id", &longest)]).0),
        Some(&*longest)
    );
}

#[test]
fn without_a_trace_id_nothing_is_read() {
    let (cx, malformed) = extract(
        &Correlation,
        &[("x-span-id", SPAN), ("x-parent-span-id", SPAN)],
    );
    assert_eq!((caller(&cx), id(&cx), malformed), (None, None, 0));
}

#[test]
fn a_standard_format_goes_first_and_the_estates_id_is_kept() {
    let both = Composite::default().and(TraceContext).and(Correlation);
    let traceparent = format!("00-11111111111111111111111111111111-{SPAN}-01");
    let headers = [
        ("x-trace-id", HEX),
        ("x-span-id", "2222222222222222"),
        ("traceparent", &traceparent),
    ];
    let (cx, malformed) = extract(&both, &headers);
    assert_eq!(
        (caller(&cx).as_deref(), malformed),
        (Some(&traceparent[3..]), 0)
    );
    assert_eq!((id(&cx), cx.sampling_hint()), (Some(HEX), None));

    let (cx, _) = extract(
        &both,
        &[
            ("x-trace-id", HEX),
            ("x-span-id", SPAN),
            ("traceparent", "nonsense"),
        ],
    );
    assert_eq!(caller(&cx), Some(format!("{HEX}-{SPAN}-00")));
}

#[test]
fn a_span_is_written_without_its_parent() {
    let mut headers =
        Headers::new(&["X-Trace-ID", "X-Span-ID", "X-Parent-Span-ID"].map(|name| (name, "stale")));
    Correlation.inject(&with_span(HEX, SPAN, TraceFlags::SAMPLED), &mut headers);
    assert_eq!(
        (headers.all("x-trace-id"), headers.all("x-span-id")),
        (vec![HEX], vec![SPAN])
    );
    assert_eq!(headers.len(), 2);
}

#[test]
fn the_estates_own_id_travels_on_with_our_span() {
    let (cx, _) = extract(&Correlation, &[("x-trace-id", "order-4711")]);
    let below = cx.with_span(&with_span(HEX, SPAN, TraceFlags::SAMPLED).span());
    let headers = inject(&Correlation, &below);
    assert_eq!(
        (headers.all("x-trace-id"), headers.all("x-span-id")),
        (vec!["order-4711"], vec![SPAN])
    );
}

#[test]
fn a_service_that_does_not_trace_passes_the_headers_on() {
    let tracer = Tracer::builder().propagator(Correlation).build();
    let came = Headers::new(&[("x-trace-id", UUID), ("x-span-id", SPAN)]);
    let mut sent = Headers::default();
    tracer.inject(&tracer.extract(&came), &mut sent);
    assert_eq!(sent, came);
}

#[test]
fn a_context_without_span_and_id_writes_nothing() {
    assert_eq!(inject(&Correlation, &Context::new()).len(), 0);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(trace_id in 1u128.., span_id in 1u64..) {
        let cx = with_span(&format!("{trace_id:032x}"), &format!("{span_id:016x}"), TraceFlags::NONE);
        let mut extraction = Extraction::new(Context::new());
        Correlation.extract(&mut extraction, &inject(&Correlation, &cx));
        prop_assert_eq!(extraction.malformed(), 0);
        prop_assert_eq!(caller(&extraction.into_context()), Some(format!("{trace_id:032x}-{span_id:016x}-00")));
    }

    #[test]
    fn reading_never_panics(trace_id in ".{0,40}|[0-9a-fA-F-]{15,40}", span_id in ".{0,20}|[0-9a-f]{15,17}") {
        let (cx, malformed) = extract(&Correlation, &[("x-trace-id", trace_id), ("x-span-id", span_id)]);
        prop_assert!(cx.span_context().is_some() || id(&cx).is_some() || malformed > 0);
    }
}
