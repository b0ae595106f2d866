use super::*;
use crate::TraceFlags;
use crate::propagation::tests::{Headers, caller, extract, inject, with_span};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const B3_TEXT: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0";

/// The fields that `names` gives, and the warnings.
fn named(names: &str) -> (Vec<&'static str>, Vec<String>) {
    let mut warnings = Vec::new();
    let composite = choose(names, &mut |message| warnings.push(message.to_string()));
    (composite.fields(), warnings)
}

const W3C: [&str; 3] = ["traceparent", "tracestate", "baggage"];

#[test]
fn without_names_it_is_trace_context_and_baggage() {
    for names in ["", " ", " , "] {
        assert_eq!(named(names), (W3C.to_vec(), vec![]), "{names:?}");
    }
}

#[test]
fn each_name_is_its_format() {
    for (name, first_field) in [
        ("tracecontext", "traceparent"),
        ("baggage", "baggage"),
        ("b3", "b3"),
        ("b3multi", "x-b3-traceid"),
        ("jaeger", "uber-trace-id"),
        ("xray", "x-amzn-trace-id"),
        ("correlation", "x-trace-id"),
    ] {
        let (fields, warnings) = named(name);
        assert_eq!(
            (fields.first(), warnings.len()),
            (Some(&first_field), 0),
            "{name}"
        );
    }
}

#[test]
fn order_is_kept_and_a_name_counts_once() {
    assert_eq!(
        named("b3, TraceContext ,b3,baggage,tracecontext").0,
        [&["b3"][..], &W3C].concat()
    );
}

#[test]
fn none_is_nothing() {
    for names in ["none", " None ", "none,none"] {
        assert_eq!(named(names), (vec![], vec![]), "{names:?}");
    }
}

#[test]
fn none_among_others_is_ignored_with_a_warning() {
    let (fields, warnings) = named("none,b3");
    assert_eq!((fields, warnings.len()), (vec!["b3"], 1));
    assert!(warnings[0].contains("`none`"), "{warnings:?}");
}

#[test]
fn an_unknown_name_is_ignored_with_one_warning_that_shows_it() {
    let (fields, warnings) = named("b3,tracecontxt,tracecontxt");
    assert_eq!((fields, warnings.len()), (vec!["b3"], 1));
    assert!(
        warnings[0].contains("OTEL_PROPAGATORS names `tracecontxt`"),
        "{warnings:?}"
    );
}

#[test]
fn ottrace_is_known_as_unsupported() {
    let (fields, warnings) = named("ottrace,b3");
    assert_eq!((fields, warnings.len()), (vec!["b3"], 1));
    assert!(warnings[0].contains("not supported"), "{warnings:?}");
}

#[test]
fn if_no_name_is_known_it_is_the_default() {
    let (fields, warnings) = named("tracecontxt");
    assert_eq!((fields, warnings.len()), (W3C.to_vec(), 2));
    assert!(warnings[1].contains("tracecontext,baggage"), "{warnings:?}");
}

#[test]
fn a_format_of_lower_priority_does_not_override() {
    let headers = [("traceparent", TRACEPARENT), ("b3", B3_TEXT)];
    let w3c_first = Composite::from_names("tracecontext,b3");
    let b3_first = Composite::from_names("b3,tracecontext");
    assert_eq!(
        caller(&extract(&w3c_first, &headers).0).as_deref(),
        Some(&TRACEPARENT[3..])
    );
    assert_eq!(
        caller(&extract(&b3_first, &headers).0).as_deref(),
        Some("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-00")
    );
}

#[test]
fn a_malformed_header_leaves_the_word_to_the_next_format_and_is_counted() {
    let headers = [("traceparent", "00-nonsense"), ("b3", B3_TEXT)];
    let (cx, malformed) = extract(&Composite::from_names("tracecontext,b3"), &headers);
    assert_eq!(
        cx.span_context().unwrap().span_id().to_string(),
        "e457b5a2e4d86bd1"
    );
    assert_eq!(malformed, 1);
}

#[test]
fn all_of_them_write() {
    let cx = with_span(
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00f067aa0ba902b7",
        TraceFlags::SAMPLED,
    );
    let all = Composite::from_names("tracecontext,b3,b3multi,jaeger,xray,correlation");
    let headers = inject(&all, &cx);
    assert_eq!(headers.all("traceparent"), [TRACEPARENT]);
    assert_eq!(
        headers.all("b3"),
        ["4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"]
    );
    assert_eq!(headers.all("x-b3-sampled"), ["1"]);
    assert_eq!(
        headers.all("uber-trace-id"),
        ["4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1"]
    );
    assert_eq!(
        headers.all("x-amzn-trace-id"),
        ["Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"]
    );
    assert_eq!(
        headers.all("x-trace-id"),
        ["4bf92f3577b34da6a3ce929d0e0e4736"]
    );
}

#[test]
fn nothing_is_written_for_a_context_without_anything() {
    let all = Composite::from_names("tracecontext,baggage,b3,b3multi,jaeger,xray,correlation");
    assert_eq!(inject(&all, &Context::new()).len(), 0);
}

#[test]
fn the_default_pair_reads_both_and_does_not_tie_them_together() {
    let (cx, malformed) = extract(
        &TraceContextAndBaggage,
        &[("traceparent", "x"), ("baggage", "a=1")],
    );
    assert!(cx.span_context().is_none());
    assert_eq!((cx.baggage().get("a"), malformed), (Some("1"), 1));

    let headers = inject(&TraceContextAndBaggage, &cx);
    assert_eq!((headers.len(), headers.all("baggage")), (1, vec!["a=1"]));
    assert_eq!(TraceContextAndBaggage.fields(), W3C);
}

#[test]
fn a_span_that_is_in_no_context_is_written_as_if_it_were() {
    use crate::context::SamplingHint;

    let sampled = with_span(
        "80f198ee56343ba864fe8b2a57d3eff7",
        "e457b5a2e4d86bd1",
        TraceFlags::SAMPLED,
    );
    let unsampled = with_span(
        "80f198ee56343ba864fe8b2a57d3eff7",
        "05e3ac9a4f6e3b90",
        TraceFlags::NONE,
    );
    let around = [
        Context::new(),
        unsampled.clone().with_baggage_entry("user.tier", "gold"),
        Context::new().with_sampling_hint(SamplingHint::Debug),
        sampled.clone().with_sampling_hint(SamplingHint::Deny),
    ];
    let names = "tracecontext b3 b3multi jaeger xray correlation baggage";
    let one_by_one = names.split(' ').map(str::to_owned);
    for names in one_by_one.chain([names.replace(' ', ","), "tracecontext,baggage".to_owned()]) {
        let propagator = Composite::from_names(&names);
        for context in &around {
            for span in [sampled.span(), unsampled.span(), SpanRef::default()] {
                let mut written = Headers::default();
                propagator.inject_span(&span, context, &mut written);
                let within = context.clone().with_span(&span);
                assert_eq!(
                    written,
                    inject(&propagator, &within),
                    "{names}, {span:?} in {context:?}"
                );
            }
        }
    }
}
